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
 * core: Attach, both sides, without ICE (RFC 6940, 6.5.1), and AppAttach for our
 * application with the roles turned (pvp(7)).
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

#define ATTACH_LINK_MS	15000	/* from the answer to the link */
#define ATTACH_MAX	64
#define ATTACH_VIA_MAX	12	/* to nodes that one peer has named, */
#define ATTACH_NAMED_MAX 48	/* that any have */
#define FAILED_MS	60000
#define CANDIDATES_MAX	8

enum attach_state {
	ATTACH_SENT = 1,
	ATTACH_WAIT = 2,	/* for the link */
	ATTACH_OVER = 3,
	ATTACH_THEIRS = 4	/* for the Attach that the other side says it has begun */
};

struct node_attach {
	TAILQ_ENTRY(node_attach) na_entry;
	struct node	*na_node;
	enum attach_state na_state;
	int		 na_known;	/* na_id is set */
	int		 na_ok;
	int		 na_named;	/* by na_via, who answers for it */
	struct nodeid	 na_id, na_via;
	struct vaddr	 na_addr;	/* of the answer; family 0: none */
	uint64_t	 na_tid;
	struct ntimer	 na_timer;
	attach_done	 na_done;
	void		*na_arg;
};

struct appattach {
	appattach_done	 aa_done;
	void		*aa_arg;
};

static void	 attach_answered(struct node *, const struct node_resp *, void *);
static void	 attach_finish(struct node_attach *, int);
static void	 attach_timer(void *);
static void	 attach_free(struct node *, struct node_attach *);
static struct node_attach *attach_find(const struct node *, const struct nodeid *);
static int	 attach_room(const struct node *, const struct nodeid *);
static int	 attach_new(struct node *, const struct node_dest *, size_t, uint64_t,
		    const struct nodeid *, attach_done, void *);
static void	 attach_try(struct node *, const struct nodeid *, const struct nodeid *,
		    const struct nodeid *);
static const char *attach_target(struct node *, const struct vaddr *, size_t,
		    struct vaddr *);
static void	 attach_body(struct node *, struct wbuf *, uint16_t, const char *,
		    const struct vaddr *, int);
static size_t	 attach_addrs(struct node *, const struct wire_attach *,
		    struct vaddr *, size_t);
static int	 attach_yields(struct node *, struct node_in *, const struct nodeid *);
static void	 candidate_done(struct node *, int, const struct nodeid *, void *);
static void	 appattach_answered(struct node *, const struct node_resp *, void *);

void
attach_clear(struct node *n)
{
	struct node_attach *na;

	while ((na = TAILQ_FIRST(&n->n_attaches)) != NULL)
		attach_free(n, na);
}

static void
attach_free(struct node *n, struct node_attach *na)
{
	node_cancel(n, na->na_tid);
	ntimer_del(&n->n_timers, &na->na_timer);
	TAILQ_REMOVE(&n->n_attaches, na, na_entry);
	free(na);
}

static struct node_attach *
attach_find(const struct node *n, const struct nodeid *id)
{
	struct node_attach *na;

	TAILQ_FOREACH(na, &n->n_attaches, na_entry) {
		if (na->na_state != ATTACH_OVER && na->na_known &&
		    nodeid_eq(&na->na_id, id))
			return (na);
	}
	return (NULL);
}

int
attach_pending(const struct node *n, const struct nodeid *id)
{
	return (attach_find(n, id) != NULL);
}

/* Body of Attach (application 0) or AppAttach. */
static void
attach_body(struct node *n, struct wbuf *w, uint16_t application, const char *role,
    const struct vaddr *va, int send_update)
{
	struct wire_attach wa;
	struct wbuf	 cw;
	uint8_t		 buf[128];

	(void)n;
	memset(&wa, 0, sizeof(wa));
	wbuf_init(&cw, buf, sizeof(buf));
	wire_candidate_host(&cw, va);
	if (wbuf_ok(&cw) == -1) {
		(void)wbuf_fail(w);
		return;
	}
	wa.wa_role.p = role;
	wa.wa_role.len = strlen(role);
	wa.wa_application = application;
	wa.wa_send_update = (uint8_t)send_update;
	cur_init(&wa.wa_candidates, buf, cw.w_len);
	if (application != 0)
		wire_appattach_write(w, &wa);
	else
		wire_attach_write(w, &wa);
}

/* The addresses of usable candidates, best priority as listed. */
static size_t
attach_addrs(struct node *n, const struct wire_attach *wa, struct vaddr *va, size_t max)
{
	struct wire_candidate wi;
	struct cur	 c = wa->wa_candidates;
	const char	*why;
	char		 buf[VADDR_STRLEN];
	size_t		 count = 0;

	while (count < max && wire_candidate_next(&c, &wi) == 1) {
		if (wi.wi_link != WIRE_TLS_TCP_FH_NO_ICE ||
		    wi.wi_type != WIRE_CAND_HOST || wi.wi_addr.va_family == 0)
			continue;
		if ((why = node_addr_bad(n, &wi.wi_addr)) != NULL) {
			node_log(n, NODE_DEBUG, "candidate %s refused: %s",
			    vaddr_str(&wi.wi_addr, buf, sizeof(buf)), why);
			continue;
		}
		va[count++] = wi.wi_addr;
	}
	return (count);
}

/* May one more begin?  via: who named the node, NULL for nobody. */
static int
attach_room(const struct node *n, const struct nodeid *via)
{
	struct node_attach *na;
	size_t		 count = 0, named = 0, same = 0;

	TAILQ_FOREACH(na, &n->n_attaches, na_entry) {
		count++;
		named += (size_t)na->na_named;
		same += na->na_named && via != NULL && nodeid_eq(&na->na_via, via);
	}
	if (via == NULL)
		return (count < ATTACH_MAX);
	return (count < ATTACH_MAX && named < ATTACH_NAMED_MAX &&
	    same < ATTACH_VIA_MAX && limit_trusted(n, via));
}

int
attach_start(struct node *n, const struct node_dest *dests, size_t ndests,
    uint64_t link, attach_done done, void *arg)
{
	return (attach_new(n, dests, ndests, link, NULL, done, arg));
}

static int
attach_new(struct node *n, const struct node_dest *dests, size_t ndests,
    uint64_t link, const struct nodeid *via, attach_done done, void *arg)
{
	struct node_attach *na;
	struct node_build b;
	const struct node_dest *last = &dests[ndests - 1];

	if (!attach_room(n, via) || (na = calloc(1, sizeof(*na))) == NULL)
		return (-1);
	if (build_open(n, &b, WIRE_ATTACH) == -1) {
		free(na);
		return (-1);
	}
	na->na_node = n;
	na->na_state = ATTACH_SENT;
	na->na_done = done;
	na->na_arg = arg;
	if (via != NULL) {
		na->na_named = 1;
		na->na_via = *via;
	}
	ntimer_set(&na->na_timer, attach_timer, na);
	if (last->nd_type == WIRE_DEST_NODE) {
		na->na_known = 1;
		na->na_id = last->nd_id;
	}
	attach_body(n, &b.nb_w, 0, "passive", &n->n_conf.nc_addr, 1);
	TAILQ_INSERT_TAIL(&n->n_attaches, na, na_entry);
	na->na_tid = node_request(n, &b, dests, ndests, link, attach_answered, na);
	if (na->na_tid == 0) {
		attach_free(n, na);
		return (-1);
	}
	return (0);
}

/* Tells the caller from the timer, never from inside of anything. */
static void
attach_finish(struct node_attach *na, int ok)
{
	struct node	*n = na->na_node;

	node_cancel(n, na->na_tid);
	na->na_tid = 0;
	na->na_state = ATTACH_OVER;
	na->na_ok = ok;
	ntimer_add(&n->n_timers, &na->na_timer, n->n_mono);
}

static void
attach_timer(void *arg)
{
	struct node_attach *na = arg;
	struct node	*n = na->na_node;
	attach_done	 done = na->na_done;
	void		*darg = na->na_arg;
	struct nodeid	 id = na->na_id;
	struct node_peer *np;
	int		 ok = na->na_state == ATTACH_OVER && na->na_ok;

	if (!ok && na->na_known)
		attach_failed(n, &id);
	if (!ok && na->na_named) {
		limit_false(n, &na->na_via);
		if ((np = node_peer_find(n, &na->na_via)) != NULL)
			np->np_ask = 1;
	}
	if (ok && na->na_addr.va_family != 0)
		node_peer_addr(n, &id, &na->na_addr, 0);
	attach_free(n, na);
	if (done != NULL)
		done(n, ok, &id, darg);
}

static void
attach_answered(struct node *n, const struct node_resp *resp, void *arg)
{
	struct node_attach *na = arg;
	struct wire_attach wa;
	struct wire_error we;

	na->na_tid = 0;
	if (resp->nr_error == WIRE_E_IN_PROGRESS && na->na_known) {
		/* Theirs is under way, perhaps not here yet: it serves as well. */
		na->na_state = ATTACH_THEIRS;
		if (node_peer_find(n, &na->na_id) != NULL)
			attach_finish(na, 1);
		else
			ntimer_add(&n->n_timers, &na->na_timer, n->n_mono + ATTACH_LINK_MS);
		return;
	}
	if (resp->nr_error != 0 ||
	    wire_attach_parse(&resp->nr_contents->wc_body, &wa, &we) == -1 ||
	    !span_eq(wa.wa_role, "active") ||
	    nodeid_eq(&resp->nr_signer->ng_node, &n->n_self)) {
		attach_finish(na, 0);
		return;
	}
	na->na_known = 1;
	na->na_id = resp->nr_signer->ng_node;
	(void)attach_addrs(n, &wa, &na->na_addr, 1);
	na->na_state = ATTACH_WAIT;
	/* The link may have been faster than the answer, or there before. */
	if (node_peer_find(n, &na->na_id) != NULL)
		attach_finish(na, 1);
	else
		ntimer_add(&n->n_timers, &na->na_timer, n->n_mono + ATTACH_LINK_MS);
}

void
attach_link_up(struct node *n, struct node_peer *np)
{
	struct node_attach *na;

	if ((na = attach_find(n, &np->np_id)) != NULL)
		attach_finish(na, 1);
}

void
attach_failed(struct node *n, const struct nodeid *id)
{
	unsigned	 i = n->n_nextfailed++ % (sizeof(n->n_failed) / sizeof(n->n_failed[0]));

	n->n_failed[i].id = *id;
	n->n_failed[i].until = n->n_mono + FAILED_MS;
}

int
attach_failed_lately(const struct node *n, const struct nodeid *id)
{
	size_t		 i;

	for (i = 0; i < sizeof(n->n_failed) / sizeof(n->n_failed[0]); i++) {
		if (n->n_failed[i].until > n->n_mono && nodeid_eq(&n->n_failed[i].id, id))
			return (1);
	}
	return (0);
}

static void
candidate_done(struct node *n, int ok, const struct nodeid *id, void *arg)
{
	char		 hex[NODEID_HEXLEN];

	(void)arg;
	node_log(n, NODE_DEBUG, "attach to %s: %s", nodeid_hex(id, hex),
	    ok ? "linked" : "failed");
}

void
attach_candidate(struct node *n, const struct nodeid *id, const struct nodeid *via)
{
	attach_try(n, id, via, via);
}

void
attach_named(struct node *n, const struct nodeid *id, const struct nodeid *by)
{
	attach_try(n, id, NULL, by);
}

static void
attach_try(struct node *n, const struct nodeid *id, const struct nodeid *via,
    const struct nodeid *by)
{
	struct node_dest nd[2];
	size_t		 count = 0;

	if (nodeid_eq(id, &n->n_self) || nodeid_is_zero(id) || nodeid_is_wildcard(id) ||
	    node_peer_find(n, id) != NULL || attach_find(n, id) != NULL ||
	    attach_failed_lately(n, id))
		return;
	memset(nd, 0, sizeof(nd));
	if (via != NULL && !nodeid_eq(via, id)) {
		nd[count].nd_type = WIRE_DEST_NODE;
		nd[count++].nd_id = *via;
	}
	nd[count].nd_type = WIRE_DEST_NODE;
	nd[count++].nd_id = *id;
	(void)attach_new(n, nd, count, 0, by, candidate_done, NULL);
}

/*
 * Both sides attach at once (RFC 6940, 6.5.1): the one with the smaller Node-ID
 * gives way.  0: go on with theirs, 1: refused as in progress.
 */
static int
attach_yields(struct node *n, struct node_in *in, const struct nodeid *peer)
{
	struct node_attach *na;

	if ((na = attach_find(n, peer)) == NULL)
		return (0);
	if (na->na_state == ATTACH_WAIT ||
	    (na->na_state == ATTACH_SENT && nodeid_cmp(&n->n_self, peer) > 0)) {
		node_error(n, in, WIRE_E_IN_PROGRESS, "attach in progress");
		return (1);
	}
	node_cancel(n, na->na_tid);
	na->na_tid = 0;
	na->na_state = ATTACH_WAIT;
	ntimer_add(&n->n_timers, &na->na_timer, n->n_mono + ATTACH_LINK_MS);
	return (0);
}

/* The first of the addresses that we may connect to; why not, or NULL. */
static const char *
attach_target(struct node *n, const struct vaddr *va, size_t count, struct vaddr *out)
{
	const char	*why = "no usable candidate";
	size_t		 i;

	for (i = 0; i < count; i++) {
		if ((why = limit_connect(n, &va[i])) == NULL) {
			*out = va[i];
			return (NULL);
		}
	}
	return (why);
}

void
attach_in(struct node *n, struct node_in *in)
{
	struct wire_attach wa;
	struct wire_error we;
	struct node_build b;
	struct node_link *nl;
	struct nodeid	 peer = in->ni_signer.ng_node;
	struct vaddr	 va[CANDIDATES_MAX], to;
	const char	*why;
	uint64_t	 link;
	size_t		 count;

	if (wire_attach_parse(&in->ni_msg->wm_contents.wc_body, &wa, &we) == -1) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, wire_strerror(we.we_reason));
		return;
	}
	if (!span_eq(wa.wa_role, "passive")) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, "role is not passive");
		return;
	}
	if (nodeid_eq(&peer, &n->n_self)) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, "attach to oneself");
		return;
	}
	if (attach_yields(n, in, &peer))
		return;
	/* One connection at a time on one node's word. */
	RB_FOREACH(nl, node_links, &n->n_links) {
		if (nl->nl_peer == NULL && nl->nl_expected && nodeid_eq(&nl->nl_expect, &peer)) {
			node_error(n, in, WIRE_E_IN_PROGRESS, "already connecting");
			return;
		}
	}
	if ((count = attach_addrs(n, &wa, va, CANDIDATES_MAX)) == 0) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, "no usable candidate");
		return;
	}
	why = limit_trusted(n, &peer) ? attach_target(n, va, count, &to) :
	    "too many addresses without that node";
	if (why != NULL) {
		n->n_stats.ns_overrate++;
		node_error(n, in, WIRE_E_FORBIDDEN, why);
		return;
	}
	node_make_room(n, &peer);
	if ((link = node_connect(n, &to, 0)) == 0) {
		node_error(n, in, WIRE_E_FORBIDDEN, "too many links");
		return;
	}
	if ((nl = node_link_find(n, link)) != NULL) {
		nl->nl_expected = 1;
		nl->nl_expect = peer;
		nl->nl_asked = 1;
		nl->nl_full = wa.wa_send_update;
	}
	if (build_open(n, &b, WIRE_ATTACH_ANS) == -1)
		return;
	attach_body(n, &b.nb_w, 0, "active", &n->n_conf.nc_addr, 0);
	node_answer(n, in, &b);
}

/* -- AppAttach -- */

void
appattach_in(struct node *n, struct node_in *in)
{
	struct wire_attach wa;
	struct wire_error we;
	struct node_build b;

	if (wire_appattach_parse(&in->ni_msg->wm_contents.wc_body, &wa, &we) == -1) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, wire_strerror(we.we_reason));
		return;
	}
	if (wa.wa_application != NODE_PVP_APPLICATION || n->n_conf.nc_pvp.va_family == 0) {
		node_error(n, in, WIRE_E_NOT_FOUND, "no such application");
		return;
	}
	if (!span_eq(wa.wa_role, "active")) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, "role is not active");
		return;
	}
	if (build_open(n, &b, WIRE_APPATTACH_ANS) == -1)
		return;
	attach_body(n, &b.nb_w, NODE_PVP_APPLICATION, "passive", &n->n_conf.nc_pvp, 0);
	node_answer(n, in, &b);
}

int
appattach_start(struct node *n, const struct nodeid *id, appattach_done done, void *arg)
{
	struct node_build b;
	struct node_dest nd;
	struct appattach *aa;
	struct vaddr	 va = n->n_conf.nc_addr;

	if (!node_is_joined(n) || nodeid_eq(id, &n->n_self) ||
	    (aa = calloc(1, sizeof(*aa))) == NULL)
		return (-1);
	if (build_open(n, &b, WIRE_APPATTACH) == -1) {
		free(aa);
		return (-1);
	}
	aa->aa_done = done;
	aa->aa_arg = arg;
	va.va_port = 9;		/* RFC 4145: the active side's port means nothing */
	attach_body(n, &b.nb_w, NODE_PVP_APPLICATION, "active", &va, 0);
	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_NODE;
	nd.nd_id = *id;
	if (node_request(n, &b, &nd, 1, 0, appattach_answered, aa) == 0) {
		free(aa);
		return (-1);
	}
	return (0);
}

static void
appattach_answered(struct node *n, const struct node_resp *resp, void *arg)
{
	struct appattach *aa = arg;
	struct wire_attach wa;
	struct wire_error we;
	struct vaddr	 va[CANDIDATES_MAX];
	size_t		 count = 0;
	int		 error = 0;

	if (resp->nr_error != 0)
		error = resp->nr_contents == NULL ? ETIMEDOUT : ECONNREFUSED;
	else if (wire_appattach_parse(&resp->nr_contents->wc_body, &wa, &we) == -1 ||
	    !span_eq(wa.wa_role, "passive") ||
	    wa.wa_application != NODE_PVP_APPLICATION)
		error = EPROTO;
	else if ((count = attach_addrs(n, &wa, va, CANDIDATES_MAX)) == 0)
		error = EADDRNOTAVAIL;
	aa->aa_done(error, va, count, aa->aa_arg);
	free(aa);
}
