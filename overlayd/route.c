/*
 * Copyright (c) 2026 The VIPR edge authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

/*
 * core: symmetric recursive routing (RFC 6940, 6.1, 6.2): what comes from a link is
 * forwarded or consumed, what is ours finds its first hop.
 */

#include <stdlib.h>
#include <string.h>

#include "lookup.h"

#define SELF_MAX	1024	/* messages to ourselves that wait */
#define ERRORS_BURST	50	/* errors about unverified messages, */
#define ERRORS_RATE	20	/* a second */
#define HINTS_MAX	3	/* Errors from the way that end a request */

static int	 route_message(struct node *, uint64_t, const struct nodeid *,
		    const void *, size_t);
static int	 route_dest(struct node *, struct wire_header *, struct wire_dest *,
		    uint8_t [WIRE_LISTS_MAX]);
static int	 route_restore(struct node *, struct wire_header *, const struct wire_dest *,
		    const struct cur *, uint8_t [WIRE_LISTS_MAX]);
static void	 route_forward(struct node *, uint64_t, const struct nodeid *,
		    struct wire_header *, const struct wire_dest *, const uint8_t *, size_t);
static uint64_t	 route_onward(struct node *, uint64_t, const struct nodeid *,
		    const struct wire_dest *);
static void	 route_transmit(struct node *, uint64_t, const struct nodeid *,
		    struct wire_header *, const uint8_t *, size_t);
static int	 route_via(struct node *, const struct nodeid *, struct wire_header *,
		    size_t, uint8_t [WIRE_LISTS_MAX]);
static int	 route_stateless(const struct wire_header *);
static void	 route_too_large(struct node *, const struct wire_header *, uint16_t,
		    const struct nodeid *, const char *);
static void	 route_consume(struct node *, uint64_t, const struct nodeid *,
		    const struct wire_dest *, const struct wire_header *,
		    const void *, size_t);
static void	 route_transit_error(struct node *, const struct wire_header *, uint16_t,
		    const struct nodeid *, int, const char *);
static int	 route_options_known(const struct wire_header *, unsigned);
static int	 route_is_request(const struct wire_header *, const uint8_t *, size_t,
		    uint16_t *);
static void	 route_request(struct node *, uint64_t, const struct nodeid *,
		    const struct wire_dest *, const struct wire_msg *);
static int	 route_request_ok(struct node *, struct node_in *);
static void	 route_dispatch(struct node *, struct node_in *);
static void	 route_response(struct node *, const struct wire_msg *);
static int	 route_signer_ok(struct node *, const struct node_req *,
		    const struct nodeid *);
static int	 route_hint(struct node *, struct node_req *, const struct nodeid *, int);
static void	 route_self(void *);

void
route_init(struct node *n)
{
	STAILQ_INIT(&n->n_selfq);
	n->n_errtokens = ERRORS_BURST;
	ntimer_set(&n->n_selftimer, route_self, n);
}

void
route_clear(struct node *n)
{
	struct node_self *nf;

	while ((nf = STAILQ_FIRST(&n->n_selfq)) != NULL) {
		STAILQ_REMOVE_HEAD(&n->n_selfq, nf_entry);
		free(nf);
	}
	n->n_nself = 0;
	ntimer_del(&n->n_timers, &n->n_selftimer);
}

uint64_t
route_peer_link(const struct node_peer *np)
{
	struct node_link *nl;

	/* The newest one that works; the newest at all otherwise. */
	TAILQ_FOREACH(nl, &np->np_links, nl_bypeer) {
		if (!nl->nl_suspect)
			return (nl->nl_id);
	}
	nl = TAILQ_FIRST(&np->np_links);
	return (nl == NULL ? 0 : nl->nl_id);
}

uint64_t
route_link(struct node *n, const struct nodeid *id, int resource)
{
	const struct nodeid *hop;
	struct node_peer *np;

	if (resource && n->n_join == JOIN_DONE && ring_responsible(&n->n_ring, id))
		return (0);
	if ((np = node_peer_find(n, id)) != NULL)
		return (route_peer_link(np));
	if (n->n_join == JOIN_CLIENT) {
		np = node_peer_find(n, client_hop(n, id));
		return (np == NULL ? 0 : route_peer_link(np));
	}
	if (n->n_join != JOIN_DONE)
		return (0);
	if (!resource && ring_responsible(&n->n_ring, id))
		return (0);
	if ((hop = ring_next_hop(&n->n_ring, id)) == NULL ||
	    (np = node_peer_find(n, hop)) == NULL)
		return (0);
	return (route_peer_link(np));
}

void
route_out(struct node *n, const void *msg, size_t len, uint64_t link)
{
	struct node_self *nf;
	struct wire_header wh;
	struct wire_error we;
	struct wire_dest wd;
	struct nodeid	 id;
	struct cur	 c;
	int		 resource;

	/*
	 * An answer kept for a request that comes again by a longer way, or a
	 * message from before max-message-size was lowered: the peer would
	 * close the link.
	 */
	if (len > n->n_doc->rd_max_message) {
		n->n_stats.ns_dropped++;
		return;
	}
	if (link != 0) {
		n->n_stats.ns_out++;
		n->n_ops->no_send(n->n_arg, link, msg, len);
		return;
	}
	if (wire_fragment_parse(msg, len, &wh, &we) == -1)
		return;
	c = wh.wh_dest;
	if (wire_dest_next(&c, &wd) != 1 || wd.wd_id.len != NODEID_LEN)
		return;
	memcpy(id.id_b, wd.wd_id.p, NODEID_LEN);
	resource = wd.wd_type == WIRE_DEST_RESOURCE;
	if ((resource && n->n_join == JOIN_DONE && ring_responsible(&n->n_ring, &id)) ||
	    (!resource && nodeid_eq(&id, &n->n_self))) {
		if (n->n_nself >= SELF_MAX ||
		    (nf = malloc(sizeof(*nf) + len)) == NULL)
			return;
		nf->nf_len = len;
		memcpy(nf->nf_msg, msg, len);
		STAILQ_INSERT_TAIL(&n->n_selfq, nf, nf_entry);
		n->n_nself++;
		ntimer_add(&n->n_timers, &n->n_selftimer, n->n_mono);
		return;
	}
	if ((link = route_link(n, &id, resource)) == 0) {
		n->n_stats.ns_dropped++;
		return;
	}
	n->n_stats.ns_out++;
	n->n_ops->no_send(n->n_arg, link, msg, len);
}

static void
route_self(void *arg)
{
	struct node	*n = arg;
	struct node_self *nf;
	unsigned	 max = 64;

	while (max-- > 0 && (nf = STAILQ_FIRST(&n->n_selfq)) != NULL) {
		STAILQ_REMOVE_HEAD(&n->n_selfq, nf_entry);
		n->n_nself--;
		(void)route_message(n, 0, &n->n_self, nf->nf_msg, nf->nf_len);
		free(nf);
	}
	if (!STAILQ_EMPTY(&n->n_selfq))
		ntimer_add(&n->n_timers, &n->n_selftimer, n->n_mono);
}

int
node_input(struct node *n, uint64_t link, const void *msg, size_t len)
{
	struct node_link *nl;
	struct nodeid	 from;

	if ((nl = node_link_find(n, link)) == NULL)
		return (-1);
	if (nl->nl_peer == NULL)
		return (nl->nl_nids > 0 ? several_input(n, nl, msg, len) : -1);
	n->n_stats.ns_in++;
	nl->nl_peer->np_used = n->n_mono;
	from = nl->nl_peer->np_id;
	return (route_message(n, link, &from, msg, len));
}

/*
 * Strip our own entries off the destination list.  1: consume, 0: forward to
 * *wd, wh_dest then begins with it; -1: drop.
 */
static int
route_dest(struct node *n, struct wire_header *wh, struct wire_dest *wd,
    uint8_t list[WIRE_LISTS_MAX])
{
	struct nodeid	 id;
	struct cur	 next;
	int		 restored = 0;

	for (;;) {
		next = wh->wh_dest;
		if (wire_dest_next(&next, wd) != 1)
			return (-1);
		if (wd->wd_type == WIRE_DEST_OPAQUE && !restored++ &&
		    route_restore(n, wh, wd, &next, list) == 0)
			continue;
		if (wd->wd_type != WIRE_DEST_NODE && wd->wd_type != WIRE_DEST_RESOURCE)
			return (-1);
		if (wd->wd_id.len != NODEID_LEN)
			return (-1);
		memcpy(id.id_b, wd->wd_id.p, NODEID_LEN);
		if (wd->wd_type == WIRE_DEST_RESOURCE) {
			if (n->n_join == JOIN_DONE && ring_responsible(&n->n_ring, &id))
				return (cur_left(&next) == 0 ? 1 : -1);
			return (0);
		}
		if (nodeid_is_wildcard(&id))
			return (1);
		if (!nodeid_eq(&id, &n->n_self))
			return (0);
		if (cur_left(&next) == 0)
			return (1);
		wh->wh_dest = next;
	}
}

/* In the place of an opaque id of ours: what was saved, before what follows.
 * That begins with the peer that brought the request. */
static int
route_restore(struct node *n, struct wire_header *wh, const struct wire_dest *wd,
    const struct cur *rest, uint8_t list[WIRE_LISTS_MAX])
{
	struct cur	 saved;
	struct wbuf	 w;

	if (via_load(n, wd, wh->wh_tid, &saved) == -1)
		return (-1);
	wbuf_init(&w, list, WIRE_LISTS_MAX);
	wbuf_bytes(&w, saved.c_p, cur_left(&saved));
	wbuf_bytes(&w, rest->c_p, cur_left(rest));
	if (wbuf_ok(&w) == -1)
		return (-1);
	cur_init(&wh->wh_dest, list, w.w_len);
	return (0);
}

static int
route_is_request(const struct wire_header *wh, const uint8_t *msg, size_t len,
    uint16_t *code)
{
	struct cur	 c;

	*code = 0;
	/* Of a later fragment nobody can tell; a via list in a response is
	 * never looked at. */
	if ((wh->wh_fragment & WIRE_FRAG_OFFSET) != 0)
		return (1);
	cur_init(&c, msg + wh->wh_size, len - wh->wh_size);
	if (cur_u16(&c, code) == -1)
		return (0);
	return (*code != WIRE_ERROR && (*code & 1) == 1);
}

static int
route_message(struct node *n, uint64_t link, const struct nodeid *from,
    const void *msg, size_t len)
{
	struct wire_header wh;
	struct wire_error we;
	struct wire_dest wd;
	uint16_t	 code;
	uint8_t		 list[WIRE_LISTS_MAX];
	int		 r;

	if (wire_fragment_parse(msg, len, &wh, &we) == -1) {
		n->n_stats.ns_dropped++;
		return (we.we_reason == WIRE_TOKEN_BAD ? -1 : 0);
	}
	if (wh.wh_overlay != n->n_doc->rd_hash) {
		n->n_stats.ns_dropped++;
		return (0);
	}
	if (wh.wh_ttl > n->n_doc->rd_initial_ttl) {
		if (route_is_request(&wh, msg, len, &code))
			route_transit_error(n, &wh, code, from, WIRE_E_TTL_EXCEEDED,
			    "ttl above initial-ttl");
		n->n_stats.ns_dropped++;
		return (0);
	}
	if (wh.wh_duplicate && route_is_request(&wh, msg, len, &code) && code != 0) {
		route_transit_error(n, &wh, code, from, WIRE_E_INVALID_MESSAGE,
		    "a destination stands twice in the list");
		n->n_stats.ns_dropped++;
		return (0);
	}
	r = route_dest(n, &wh, &wd, list);
	if (r == 1)
		route_consume(n, link, from, &wd, &wh, msg, len);
	else if (r == 0)
		route_forward(n, link, from, &wh, &wd, msg, len);
	else
		n->n_stats.ns_dropped++;
	return (0);
}

/* The error goes out before the link is closed (RFC 6940, 6.6.2). */
int
node_too_large(struct node *n, uint64_t link, const void *msg, size_t len)
{
	struct wire_header wh;
	struct wire_error we;
	struct node_link *nl;
	uint16_t	 code;

	if ((nl = node_link_find(n, link)) == NULL || nl->nl_peer == NULL)
		return (-1);
	if (wire_header_parse(msg, len, &wh, &we) == -1) {
		if (we.we_reason == WIRE_SHORT && len < n->n_doc->rd_max_message &&
		    len < WIRE_HEADER_MIN + WIRE_LISTS_MAX)
			return (1);
		n->n_stats.ns_dropped++;
		return (-1);
	}
	if (len < wh.wh_size + 2)
		return (1);
	n->n_stats.ns_dropped++;
	if (wh.wh_size > n->n_doc->rd_max_message ||
	    wh.wh_overlay != n->n_doc->rd_hash ||
	    !route_is_request(&wh, msg, len, &code))
		return (-1);
	route_transit_error(n, &wh, code, &nl->nl_peer->np_id, WIRE_E_MESSAGE_TOO_LARGE,
	    "message above max-message-size");
	return (0);
}

/* Errors about messages whose signer is not known yet are paced. */
static void
route_transit_error(struct node *n, const struct wire_header *wh, uint16_t code,
    const struct nodeid *from, int error, const char *text)
{
	struct node_return nx;
	uint64_t	 ms;

	if (code == 0)
		return;		/* a later fragment: perhaps of an answer */
	ms = n->n_mono - n->n_errtokens_at;
	if (ms >= 1000 / ERRORS_RATE) {
		n->n_errtokens_at = n->n_mono;
		if (ms / (1000 / ERRORS_RATE) >= ERRORS_BURST - n->n_errtokens)
			n->n_errtokens = ERRORS_BURST;
		else
			n->n_errtokens += (unsigned)(ms / (1000 / ERRORS_RATE));
	}
	if (n->n_errtokens == 0)
		return;
	n->n_errtokens--;
	if (node_return_make(n, wh, code, from, &nx) == -1)
		return;
	node_error_to(n, &nx, error, text, strlen(text));
}

/* Of the options that carry flag, do we know each?  We know none. */
static int
route_options_known(const struct wire_header *wh, unsigned flag)
{
	struct wire_option wo;
	struct cur	 c = wh->wh_options;

	while (wire_option_next(&c, &wo) == 1) {
		if (wo.wo_flags & flag)
			return (0);
	}
	return (1);
}

/* The link on which a message goes on; 0: it is dropped here. */
static uint64_t
route_onward(struct node *n, uint64_t link, const struct nodeid *from,
    const struct wire_dest *wd)
{
	struct node_peer *np;
	struct nodeid	 id;
	uint64_t	 out;

	memcpy(id.id_b, wd->wd_id.p, NODEID_LEN);
	if ((out = route_link(n, &id, wd->wd_type == WIRE_DEST_RESOURCE)) == 0)
		return (0);
	/* Back to where it came from: that peer and we do not see the same
	 * ring.  Somebody is gone; the message will be sent again. */
	if (link != 0 && (np = node_peer_find(n, from)) != NULL &&
	    route_peer_link(np) == out) {
		update_doubt(n, NULL, NULL);
		return (0);
	}
	return (out);
}

static void
route_forward(struct node *n, uint64_t link, const struct nodeid *from,
    struct wire_header *wh, const struct wire_dest *wd, const uint8_t *msg, size_t len)
{
	uint64_t	 out;
	uint16_t	 code;
	int		 request;

	request = route_is_request(wh, msg, len, &code);
	if (link != 0 && n->n_join != JOIN_DONE) {
		/* Who wants to join through us had better try another. */
		n->n_stats.ns_dropped++;
		if (request)
			route_transit_error(n, wh, code, from, WIRE_E_NOT_FOUND,
			    "not in the ring");
		return;
	}
	if ((out = route_onward(n, link, from, wd)) == 0) {
		n->n_stats.ns_dropped++;
		return;
	}
	if (request && !route_options_known(wh, WIRE_OPT_FORWARD_CRITICAL)) {
		n->n_stats.ns_dropped++;
		route_transit_error(n, wh, code, from, WIRE_E_UNSUPPORTED_OPTION,
		    "critical forwarding option");
		return;
	}
	if (wh->wh_ttl == 0) {
		if (request)
			route_transit_error(n, wh, code, from, WIRE_E_TTL_EXCEEDED,
			    "ttl is 0");
		n->n_stats.ns_dropped++;
		return;
	}
	wh->wh_ttl--;
	route_transmit(n, out, request ? from : NULL, wh, msg, len);
}

/* from: of a request, NULL for an answer, whose via list is left alone. */
static void
route_transmit(struct node *n, uint64_t out, const struct nodeid *from,
    struct wire_header *wh, const uint8_t *msg, size_t len)
{
	const struct wire_header was = *wh;
	uint16_t	 code = 0;
	uint8_t		 via[WIRE_LISTS_MAX];

	if (from != NULL) {
		(void)route_is_request(wh, msg, len, &code);
		if (route_via(n, from, wh, len - wh->wh_size, via) == -1) {
			route_too_large(n, &was, code, from, "via list too long");
			return;
		}
	}
	if (frag_send(n, out, wh, msg + was.wh_size, len - was.wh_size) == -1) {
		route_too_large(n, &was, code, from, "too large with its lists, "
		    "and too small to be cut");
		return;
	}
	n->n_stats.ns_forwarded++;
}

/* code 0: an answer, or nobody knows; nothing is said then. */
static void
route_too_large(struct node *n, const struct wire_header *wh, uint16_t code,
    const struct nodeid *from, const char *why)
{
	n->n_stats.ns_dropped++;
	node_log(n, NODE_DEBUG, "message not forwarded: %s", why);
	if (from != NULL)
		route_transit_error(n, wh, code, from, WIRE_E_MESSAGE_TOO_LARGE, why);
}

/* RFC 7263: forwarded with the full via list, no state is kept. */
static int
route_stateless(const struct wire_header *wh)
{
	struct wire_option wo;
	struct cur	 c = wh->wh_options;

	while (wire_option_next(&c, &wo) == 1) {
		if (wo.wo_flags & WIRE_OPT_STATELESS)
			return (1);
	}
	return (0);
}

/*
 * The previous hop goes into the via list.  Where that is above a limit, of the
 * lists or max-message-size, an opaque id of ours takes the place of them all;
 * where there is no room for that either, the message is left to be cut.
 * payload: what follows the header, bytes.
 */
static int
route_via(struct node *n, const struct nodeid *from, struct wire_header *wh,
    size_t payload, uint8_t via[WIRE_LISTS_MAX])
{
	struct wbuf	 w;
	uint8_t		 id[2];
	size_t		 rest;
	int		 fits;

	rest = cur_left(&wh->wh_dest) + cur_left(&wh->wh_options);
	wbuf_init(&w, via, WIRE_LISTS_MAX);
	wbuf_bytes(&w, wh->wh_via.c_p, cur_left(&wh->wh_via));
	wire_dest_node(&w, from->id_b);
	/* One entry is left for the peer that adds the last one. */
	fits = wbuf_ok(&w) == 0 && w.w_len + rest <= WIRE_LISTS_MAX &&
	    wire_dest_count(&wh->wh_via) + 2 <= WIRE_ENTRIES_MAX;
	if (fits && WIRE_HEADER_MIN + w.w_len + rest + payload <= n->n_doc->rd_max_message) {
		cur_init(&wh->wh_via, via, w.w_len);
		return (0);
	}
	if (!route_stateless(wh) && via_save(n, wh, from, id) == 0) {
		n->n_stats.ns_compressed++;
		memcpy(via, id, sizeof(id));
		cur_init(&wh->wh_via, via, sizeof(id));
		return (0);
	}
	if (!fits)
		return (-1);
	cur_init(&wh->wh_via, via, w.w_len);
	return (0);
}

static void
route_consume(struct node *n, uint64_t link, const struct nodeid *from,
    const struct wire_dest *wd, const struct wire_header *wh, const void *msg,
    size_t len)
{
	struct wire_msg	 wm;
	struct wire_error we;
	uint8_t		*whole = NULL;

	if (wh->wh_fragment != WIRE_FRAG_WHOLE) {
		if ((whole = frag_add(n, from, wh, msg, len, &len)) == NULL)
			return;
		msg = whole;
	}
	/* Malformed contents were not signed by anybody we know: no answer. */
	if (wire_msg_parse(msg, len, &wm, &we) == -1) {
		n->n_stats.ns_dropped++;
		node_log(n, NODE_DEBUG, "malformed message: %s at %zu",
		    wire_strerror(we.we_reason), we.we_off);
	} else if (wm.wm_contents.wc_code == WIRE_ERROR ||
	    (wm.wm_contents.wc_code & 1) == 0)
		route_response(n, &wm);
	else
		route_request(n, link, from, wd, &wm);
	free(whole);
}

int
route_verify(struct node *n, const struct wire_msg *wm, struct node_signer *ng)
{
	struct span	 parts[2];
	struct wbuf	 w;
	const char	*why = "";
	uint8_t		 head[12];

	if (wm->wm_sec.rb_sig.rs_id.ri_type == RELOAD_ID_NONE) {
		n->n_stats.ns_badsig++;
		return (-1);
	}
	wbuf_init(&w, head, sizeof(head));
	wbuf_u32(&w, wm->wm_header.wh_overlay);
	wbuf_u64(&w, wm->wm_header.wh_tid);
	parts[0].p = (const char *)head;
	parts[0].len = w.w_len;
	parts[1] = wm->wm_contents.wc_raw;
	if (n->n_ops->no_verify(n->n_arg, &wm->wm_sec.rb_sig, &wm->wm_sec.rb_certs,
	    parts, 2, (int64_t)(n->n_wall / 1000), ng, &why) == 0)
		return (0);
	n->n_stats.ns_badsig++;
	node_log(n, NODE_DEBUG, "message dropped: %s", why);
	return (-1);
}

static void
route_request(struct node *n, uint64_t link, const struct nodeid *from,
    const struct wire_dest *wd, const struct wire_msg *wm)
{
	struct node_in	 in;

	memset(&in, 0, sizeof(in));
	in.ni_msg = wm;
	in.ni_from = *from;
	in.ni_link = link;
	in.ni_dest = *wd;
	if (link != 0 && limit_muted(n, wm->wm_sec.rb_sig.rs_id.ri_value, from,
	    wm->wm_contents.wc_code))
		return;
	if (route_verify(n, wm, &in.ni_signer) == -1)
		return;
	if (link != 0 && !limit_allow(n, &in.ni_signer, from, wm->wm_contents.wc_code))
		return;
	if (node_return_make(n, &wm->wm_header, wm->wm_contents.wc_code, from,
	    &in.ni_ret) == -1)
		return;
	if (route_request_ok(n, &in))
		route_dispatch(n, &in);
	node_return_free(&in.ni_ret);
}

/* What holds for every request; 0 when it has been dealt with. */
static int
route_request_ok(struct node *n, struct node_in *in)
{
	const struct wire_msg *wm = in->ni_msg;
	struct wire_ext	 ext;
	struct cur	 c;
	uint16_t	 seq = wm->wm_header.wh_config_seq;

	if (!(seq == WIRE_SEQ_ANY && wm->wm_contents.wc_code == WIRE_CONFIGUPDATE) &&
	    seq != n->n_doc->rd_sequence) {
		if (seq != WIRE_SEQ_ANY && reload_seq_newer(seq, n->n_doc->rd_sequence)) {
			node_error(n, in, WIRE_E_CONFIG_TOO_NEW, "configuration sequence");
			return (0);
		}
		node_error(n, in, WIRE_E_CONFIG_TOO_OLD, "configuration sequence");
		config_push(n, &in->ni_signer.ng_node);
		return (0);
	}
	if (!route_options_known(&wm->wm_header, WIRE_OPT_DESTINATION_CRITICAL)) {
		node_error(n, in, WIRE_E_UNSUPPORTED_OPTION, "critical forwarding option");
		return (0);
	}
	c = wm->wm_contents.wc_ext;
	while (wire_ext_next(&c, &ext) == 1) {
		if (ext.we_critical) {
			node_error(n, in, WIRE_E_UNKNOWN_EXTENSION, "critical extension");
			return (0);
		}
	}
	switch (wm->wm_contents.wc_code) {
	case WIRE_STORE:
	case WIRE_JOIN:
	case WIRE_LEAVE:
	case WIRE_ATTACH:
	case WIRE_APPATTACH:
	case WIRE_UPDATE:
	case WIRE_CONFIGUPDATE:
		return (node_dup_check(n, in) == 0);
	default:
		return (1);
	}
}

static void
route_dispatch(struct node *n, struct node_in *in)
{
	static const struct {
		uint16_t	 code;
		void		(*handler)(struct node *, struct node_in *);
	} table[] = {
		{ WIRE_PROBE, probe_in },
		{ WIRE_ATTACH, attach_in },
		{ WIRE_STORE, store_in },
		{ WIRE_FETCH, fetch_in },
		{ WIRE_FIND, find_in },
		{ WIRE_JOIN, join_in },
		{ WIRE_LEAVE, leave_in },
		{ WIRE_UPDATE, update_in },
		{ WIRE_ROUTEQUERY, routequery_in },
		{ WIRE_PING, ping_in },
		{ WIRE_STAT, stat_in },
		{ WIRE_APPATTACH, appattach_in },
		{ WIRE_CONFIGUPDATE, configupdate_in }
	};
	size_t		 i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].code == in->ni_msg->wm_contents.wc_code) {
			table[i].handler(n, in);
			return;
		}
	}
	node_error(n, in, WIRE_E_INVALID_MESSAGE, "unknown request");
}

/* May this node answer for that destination (RFC 6940, 6.3.4)? */
static int
route_signer_ok(struct node *n, const struct node_req *rq, const struct nodeid *signer)
{
	if (rq->rq_dest.nd_type == WIRE_DEST_NODE)
		return (nodeid_is_wildcard(&rq->rq_dest.nd_id) ||
		    nodeid_eq(&rq->rq_dest.nd_id, signer));
	if (n->n_join != JOIN_DONE || rq->rq_any)
		return (1);
	return (detour_credible(n, &rq->rq_dest.nd_id, signer));
}

/*
 * An Error of a node that could not answer the request itself, one on the way.
 * Nothing proves that it was on the way, so what it says is no more than a hint:
 * the request is sent again as if nothing had come, and an answer still counts.
 * Three sendings that each met an Error end it, and so does the last one; what
 * it then fails with is the hint.  The peer at the end of a link that was
 * chosen for the request is believed at once: it holds the only way.  1: the
 * request goes on.
 */
static int
route_hint(struct node *n, struct node_req *rq, const struct nodeid *signer, int error)
{
	struct node_link *nl;

	if (rq->rq_any || route_signer_ok(n, rq, signer) ||
	    (rq->rq_link != 0 && (nl = node_link_find(n, rq->rq_link)) != NULL &&
	    nl->nl_peer != NULL && nodeid_eq(&nl->nl_peer->np_id, signer)))
		return (0);
	rq->rq_hint = error;
	if (rq->rq_hinted != rq->rq_sends) {
		rq->rq_hinted = rq->rq_sends;
		rq->rq_hints++;
	}
	return (rq->rq_hints < HINTS_MAX);
}

static void
route_response(struct node *n, const struct wire_msg *wm)
{
	struct wire_errresp wr;
	struct wire_error we;
	struct node_signer ng;
	struct node_resp resp;
	struct node_req	*rq;
	uint16_t	 code = wm->wm_contents.wc_code;

	if ((rq = node_req_find(n, wm->wm_header.wh_tid)) == NULL ||
	    rq->rq_msg == NULL)
		return;
	if (code != WIRE_ERROR && code != rq->rq_code + 1)
		return;
	memset(&ng, 0, sizeof(ng));
	if (route_verify(n, wm, &ng) == -1)
		return;
	if (code != WIRE_ERROR && !route_signer_ok(n, rq, &ng.ng_node)) {
		n->n_stats.ns_dropped++;
		node_log(n, NODE_DEBUG, "answer of a node that is not responsible");
		return;
	}
	memset(&resp, 0, sizeof(resp));
	resp.nr_contents = &wm->wm_contents;
	resp.nr_signer = &ng;
	resp.nr_sec = &wm->wm_sec;
	if (code == WIRE_ERROR) {
		if (wire_error_parse(&wm->wm_contents.wc_body, &wr, &we) == -1)
			return;
		n->n_stats.ns_errors_in++;
		resp.nr_error = wr.wr_code != 0 ? wr.wr_code : WIRE_E_INVALID_MESSAGE;
		resp.nr_info = wr.wr_info;
		if (wr.wr_code == WIRE_E_CONFIG_TOO_NEW)
			config_push(n, &ng.ng_node);
		if (wr.wr_code == WIRE_E_UNKNOWN_KIND)
			config_push_kind(n, &ng.ng_node, wr.wr_info);
		if (route_hint(n, rq, &ng.ng_node, resp.nr_error))
			return;
	}
	node_req_finish(n, rq, &resp);
}
