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
 * core: the proxy's memory of dialogs: who the parties are, how each is
 * reached, what ends with them (legs, places, live calls).
 */

#include <sys/types.h>
#include <sys/queue.h>

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy_int.h"

static char	*px_route_set(const struct sip_msg *, int, struct proxy *, int *);
static const char *dialog_tag(const struct dialog *, int);
static uint64_t	 dialog_idhash(uint64_t);
static int	 dialog_is(const char *, struct span);
static int	 dialog_hash(struct proxy *, const char *, struct span, uint64_t *);
static struct dialog *dialog_of(struct proxy *, const char *, struct span,
		    const struct span *);
static char	*dialog_text(char **, const char *, size_t);
static struct dialog *dialog_new(struct pctx *, struct branch *, const char *,
		    struct span, struct span);
static void	 dialog_evict(struct pctx *);
static void	 dialog_unfork(struct dialog *);
static void	 dialog_hand_on(struct dialog *);
static void	 dialog_expired(void *);
static void	 dialog_confirm(struct dialog *, struct pctx *);
static int	 dialog_fill(struct dialog *, struct pctx *, struct branch *,
		    const struct sip_msg *);
static char	*dialog_addr(const struct sip_addr *);
static void	 party_clear(struct party *);
static void	 party_contact(struct party *, const struct sip_msg *);
static void	 party_where(const struct proxy *, struct party *, const struct vaddr *, uint8_t);

/* Which party's tag is the creator's: of hop dialogs the first's. */
static const char *
dialog_tag(const struct dialog *dl, int creator)
{
	size_t	i = dl->dl_border ? (size_t)dl->dl_creator : 0;

	return (dl->dl_party[creator ? i : 1 - i].py_tag);
}

static uint64_t
dialog_idhash(uint64_t id)
{
	return (id * 0x9e3779b97f4a7c15u);
}

struct dialog *
dialog_get(struct proxy *px, uint64_t id)
{
	struct hnode	*hn;
	struct dialog	*dl;

	for (hn = htab_first(&px->px_dialogs_id, dialog_idhash(id)); hn != NULL;
	    hn = htab_next(hn)) {
		dl = HTAB_OF(hn, struct dialog, dl_idnode);
		if (dl->dl_id == id)
			return (dl);
	}
	return (NULL);
}

static int
dialog_is(const char *s, struct span sp)
{
	return (strlen(s) == sp.len && memcmp(s, sp.p, sp.len) == 0);
}

/* Keyed: peers choose Call-IDs and tags. */
static int
dialog_hash(struct proxy *px, const char *callid, struct span tag, uint64_t *hash)
{
	uint8_t		 buf[PX_CALLID + PX_TAG];
	struct wbuf	 w;

	wbuf_init(&w, buf, sizeof(buf));
	wbuf_str(&w, callid);
	wbuf_u8(&w, 0);
	wbuf_span(&w, tag);
	if (wbuf_ok(&w) == -1)
		return (-1);
	(void)crypto_shorthash_siphash24((unsigned char *)hash, buf, w.w_len,
	    px->px_loop_key);
	return (0);
}

/* The dialog of that creator; with any other tag when other is NULL. */
static struct dialog *
dialog_of(struct proxy *px, const char *callid, struct span creator,
    const struct span *other)
{
	struct hnode	*hn;
	struct dialog	*dl;
	uint64_t	 hash;

	if (dialog_hash(px, callid, creator, &hash) == -1)
		return (NULL);
	for (hn = htab_first(&px->px_dialogs, hash); hn != NULL; hn = htab_next(hn)) {
		dl = HTAB_OF(hn, struct dialog, dl_node);
		if (dialog_is(dialog_tag(dl, 1), creator) &&
		    strcmp(dl->dl_callid, callid) == 0 &&
		    (other == NULL || dialog_is(dialog_tag(dl, 0), *other)))
			return (dl);
	}
	return (NULL);
}

/* Either tag may be the creator's; *swapped: tag_b is. */
struct dialog *
dialog_find(struct proxy *px, const char *callid, struct span tag_a, struct span tag_b,
    int *swapped)
{
	struct dialog	*dl;
	int		 swap = 0;

	if ((dl = dialog_of(px, callid, tag_a, &tag_b)) == NULL) {
		dl = dialog_of(px, callid, tag_b, &tag_a);
		swap = 1;
	}
	if (dl != NULL && swapped != NULL)
		*swapped = swap;
	return (dl);
}

int
dialog_known(struct proxy *px, const char *callid, struct span tag)
{
	return (dialog_of(px, callid, tag, NULL) != NULL);
}

static void
party_clear(struct party *py)
{
	char	*all[4] = { py->py_contact, py->py_routes, py->py_uri, py->py_peer };
	size_t	 i;

	for (i = 0; i < 4; i++)
		if (all[i] != NULL)
			freezero(all[i], strlen(all[i]));
}

void
dialog_free(struct dialog *dl)
{
	struct proxy	*px;

	if (dl == NULL)
		return;
	px = dl->dl_px;
	htab_remove(&px->px_dialogs, &dl->dl_node);
	htab_remove(&px->px_dialogs_id, &dl->dl_idnode);
	TAILQ_REMOVE(&px->px_dialog_list, dl, dl_list);
	px->px_ndialogs--;
	tmr_stop(&px->px_tmrs, &dl->dl_tmr);
	media_end(dl);
	dialog_unfork(dl);
	dialog_hand_on(dl);
	leg_drop(dl->dl_leg);
	limits_call_end(px->px_limits, dl->dl_limit);
	pair_drop(px, dl->dl_pair);
	party_clear(&dl->dl_party[0]);
	party_clear(&dl->dl_party[1]);
	freezero(dl, dl->dl_size);
}

static void
dialog_expired(void *arg)
{
	struct dialog	*dl = arg;

	if (dl->dl_confirmed && !dl->dl_ended)
		px_log(dl->dl_px, PROXY_INFO, "no BYE and no sign of life: a call is "
		    "forgotten, and no record made of it");
	dialog_free(dl);
}

/* Room for another answer of an INVITE that many telephones got: the ringing
 * that was heard of first is forgotten. */
static void
dialog_evict(struct pctx *pc)
{
	struct dialog	*dl, *oldest = NULL;

	for (dl = TAILQ_LAST(&pc->pc_px->px_dialog_list, dialog_list);
	    dl != NULL && dl->dl_id > pc->pc_id;
	    dl = TAILQ_PREV(dl, dialog_list, dl_list))
		if (dl->dl_ctx == pc->pc_id && !dl->dl_confirmed)
			oldest = dl;
	if (oldest == NULL)
		return;
	dialog_free(oldest);
	pc->pc_ndialogs--;
}

/* A second answer to one INVITE is over: the first stands alone again. */
static void
dialog_unfork(struct dialog *dl)
{
	struct dialog	*first;

	if (dl->dl_first == 0)
		return;
	if ((first = dialog_get(dl->dl_px, dl->dl_first)) != NULL)
		first->dl_forks--;
	dl->dl_first = 0;
}

/*
 * The first of several answers is over while another stands: the call goes on,
 * keeps its place, and nobody can say when it will have ended.
 */
static void
dialog_hand_on(struct dialog *dl)
{
	struct dialog	*other, *heir = NULL;

	if (dl->dl_forks == 0)
		return;
	TAILQ_FOREACH(other, &dl->dl_px->px_dialog_list, dl_list) {
		if (other->dl_first != dl->dl_id)
			continue;
		other->dl_first = heir != NULL ? heir->dl_id : 0;
		if (heir == NULL)
			heir = other;
		else
			heir->dl_forks++;
	}
	dl->dl_forks = 0;
	leg_silence(dl->dl_leg);
	if (heir == NULL)
		return;
	heir->dl_limit = dl->dl_limit;
	heir->dl_pair = dl->dl_pair;
	dl->dl_limit = 0;
	dl->dl_pair = NULL;
}

/* Text behind a dialog: from, to the next free byte. */
static char *
dialog_text(char **next, const char *s, size_t len)
{
	char	*p = *next;

	memcpy(p, s, len);
	p[len] = '\0';
	*next = p + len + 1;
	return (p);
}

static struct dialog *
dialog_new(struct pctx *pc, struct branch *br, const char *callid, struct span from,
    struct span to)
{
	struct proxy	*px = pc->pc_px;
	struct dialog	*dl;
	const char	*out = br->br_kind == BR_DIRECT ? pc->pc_callid_out : "";
	const char	*host = br->br_kind == BR_DIRECT ? pc->pc_host : "";
	char		*next;
	size_t		 size;
	uint64_t	 hash;
	int		 border;

	if (pc->pc_ndialogs >= PX_DIALOGS_CALL)
		dialog_evict(pc);
	size = sizeof(*dl) + strlen(callid) + from.len + to.len + strlen(out) +
	    strlen(pc->pc_domain) + strlen(host) + strlen(pc->pc_media_call) + 7;
	if (px->px_ndialogs >= PX_DIALOG_MAX || pc->pc_ndialogs >= PX_DIALOGS_CALL ||
	    from.len >= PX_TAG || to.len >= PX_TAG ||
	    dialog_hash(px, callid, from, &hash) == -1 ||
	    dialog_of(px, callid, from, &to) != NULL || (dl = calloc(1, size)) == NULL)
		return (NULL);
	dl->dl_size = size;
	dl->dl_px = px;
	dl->dl_id = px->px_next_id++;
	dl->dl_ctx = pc->pc_id;
	tmr_init(&dl->dl_tmr, dialog_expired, dl);
	border = pc->pc_side == SIDE_OUT || br->br_kind == BR_DIRECT;
	dl->dl_border = border;
	dl->dl_creator = border ? pc->pc_side : SIDE_IN;
	next = dl->dl_text;
	dl->dl_callid = dialog_text(&next, callid, strlen(callid));
	dl->dl_callid_out = out[0] == '\0' ? dl->dl_callid :
	    dialog_text(&next, out, strlen(out));
	dl->dl_party[dl->dl_creator].py_tag = dialog_text(&next, from.p, from.len);
	dl->dl_party[1 - dl->dl_creator].py_tag = dialog_text(&next, to.p, to.len);
	dl->dl_grantee = dialog_text(&next, pc->pc_domain, strlen(pc->pc_domain));
	dl->dl_host = dialog_text(&next, host, strlen(host));
	dl->dl_media_call = dialog_text(&next, pc->pc_media_call, strlen(pc->pc_media_call));
	htab_insert(&px->px_dialogs, &dl->dl_node, hash);
	htab_insert(&px->px_dialogs_id, &dl->dl_idnode, dialog_idhash(dl->dl_id));
	TAILQ_INSERT_TAIL(&px->px_dialog_list, dl, dl_list);
	px->px_ndialogs++;
	pc->pc_ndialogs++;
	tmr_set(&px->px_tmrs, &dl->dl_tmr, PX_EARLY);
	return (dl);
}

/* `"display" <uri>` without parameters. */
static char *
dialog_addr(const struct sip_addr *sa)
{
	char		 buf[PX_URI];
	struct wbuf	 w;

	wbuf_init(&w, buf, sizeof(buf) - 1);
	sip_put_value(&w, sa->sa_display);
	wbuf_str(&w, sa->sa_display.len > 0 ? " <" : "<");
	sip_put_value(&w, sa->sa_uri);
	wbuf_str(&w, ">");
	if (wbuf_ok(&w) == -1)
		return (NULL);
	buf[w.w_len] = '\0';
	return (strdup(buf));
}

static void
party_contact(struct party *py, const struct sip_msg *m)
{
	struct sip_addr	 ct;
	char		*s;

	if (sip_addr_get(m, SIP_H_CONTACT, 0, &ct) == -1 || ct.sa_star ||
	    ct.sa_uri.len >= PX_URI || (s = strndup(ct.sa_uri.p, ct.sa_uri.len)) == NULL)
		return;
	free(py->py_contact);
	py->py_contact = s;
}

/* Next hop of an inside party: its Contact where that is a literal address. */
static void
party_where(const struct proxy *px, struct party *py, const struct vaddr *hop, uint8_t proto)
{
	struct sip_uri	 uri;
	struct span	 s, tr;
	struct vaddr	 va;

	py->py_addr = *hop;
	py->py_proto = proto;
	if (py->py_contact == NULL)
		return;
	s.p = py->py_contact;
	s.len = strlen(py->py_contact);
	if (sip_uri_parse(s, &uri) == -1 || sip_uri_addr(&uri, &va) == -1)
		return;
	py->py_addr = va;
	if (sip_uri_param(&uri, "transport", &tr) == 1)
		py->py_proto = span_caseeq(tr, "tcp") ? SIP_TCP :
		    span_caseeq(tr, "tls") ? SIP_TLS : SIP_UDP;
	else
		py->py_proto = hop_proto(px, &va, SIP_UDP);
}

/*
 * The Record-Route of a message as a Route value, entries of our own left
 * out (px given).  NULL: none.  *bad: it does not fit or is malformed.
 */
static char *
px_route_set(const struct sip_msg *m, int reverse, struct proxy *px, int *bad)
{
	struct sip_addr	 sa;
	struct sip_uri	 uri;
	struct span	 v[32];
	char		 buf[PX_TEXT], host[DOMAIN_SIZE + 8], mine[DOMAIN_SIZE + 8];
	struct wbuf	 w;
	struct sip_values it;
	size_t		 i, n = 0;
	int		 r;

	*bad = 0;
	if (px != NULL && px_outside_host(px, mine, sizeof(mine)) == -1)
		px = NULL;
	sip_values_init(&it, m, SIP_H_RECORD_ROUTE);
	while ((r = sip_values_next(&it, &v[n])) == 1) {
		if (sip_addr_parse(v[n], &sa) == -1 || sip_uri_parse(sa.sa_uri, &uri) == -1) {
			*bad = 1;
			return (NULL);
		}
		if (px != NULL && sip_uri_host(&uri, host) == 0) {
			if (uri.su_port != 0)
				(void)snprintf(host + strlen(host), 8, ":%u",
				    (unsigned)uri.su_port);
			if (strcasecmp(host, mine) == 0)
				continue;
		}
		if (++n == 32) {
			*bad = 1;
			return (NULL);
		}
	}
	if (r == -1)
		*bad = 1;
	if (r == -1 || n == 0)
		return (NULL);
	wbuf_init(&w, buf, sizeof(buf) - 1);
	for (i = 0; i < n; i++) {
		wbuf_str(&w, i > 0 ? ", " : "");
		sip_put_value(&w, v[reverse ? n - 1 - i : i]);
	}
	if (wbuf_ok(&w) == -1) {
		*bad = 1;
		return (NULL);
	}
	buf[w.w_len] = '\0';
	return (strdup(buf));
}

/* What a new border dialog has to know of both sides. */
static int
dialog_fill(struct dialog *dl, struct pctx *pc, struct branch *br, const struct sip_msg *m)
{
	struct proxy		*px = pc->pc_px;
	struct party		*caller = &dl->dl_party[dl->dl_creator];
	struct party		*callee = &dl->dl_party[1 - dl->dl_creator];
	const struct sip_msg	*req;
	int			 bad, bad2;

	if ((req = pctx_msg(pc)) == NULL)
		return (-1);
	party_contact(caller, req);
	party_contact(callee, m);
	if (!dl->dl_border) {
		party_where(px, caller, &pc->pc_flow.fl_peer, pc->pc_flow.fl_proto);
		party_where(px, callee, &br->br_addr, br->br_proto);
		return (0);
	}
	caller->py_uri = dialog_addr(&req->sm_from);
	caller->py_peer = dialog_addr(&req->sm_to);
	caller->py_routes = px_route_set(req, 0, NULL, &bad);
	/* The callee's side of From and To is what we sent there. */
	if (sip_parse(&px->px_third, br->br_req, br->br_reqlen,
	    px_parse_flags(&br->br_flow) | SIP_INSIDE | SIP_OWN) == -1)
		return (-1);
	callee->py_uri = dialog_addr(&px->px_third.sm_to);
	callee->py_peer = dialog_addr(&px->px_third.sm_from);
	callee->py_routes = px_route_set(m, 1, br->br_kind == BR_DIRECT ? px : NULL, &bad2);
	if (bad || bad2 || caller->py_uri == NULL || caller->py_peer == NULL ||
	    callee->py_uri == NULL || callee->py_peer == NULL)
		return (-1);
	if (br->br_kind == BR_DIRECT) {
		dl->dl_flow = br->br_flow;
		dl->dl_port = pc->pc_port;
		party_where(px, caller, &br->br_addr, br->br_proto);
	} else {
		dl->dl_flow = pc->pc_flow;
		party_where(px, callee, &br->br_addr, br->br_proto);
	}
	return (0);
}

/*
 * A 2xx: the call is up.  RFC 3261 16.7 lets a fork have several; the first
 * one makes the leg and takes the place.
 */
static void
dialog_confirm(struct dialog *dl, struct pctx *pc)
{
	struct proxy	*px = pc->pc_px;
	struct dialog	*first;

	if (dl->dl_confirmed)
		return;
	dl->dl_confirmed = 1;
	/* Its caller hung up while it rang: the answer came too late. */
	if (dl->dl_ended)
		return;
	pc->pc_media_kept = 1;
	if (pc->pc_answered != 0) {
		first = dialog_get(px, pc->pc_answered);
		if (first != NULL && !first->dl_ended) {
			first->dl_forks++;
			dl->dl_first = first->dl_id;
		}
		return;
	}
	pc->pc_answered = dl->dl_id;
	dl->dl_pair = pc->pc_pair;
	pc->pc_pair = NULL;
	dl->dl_limit = pc->pc_limit;
	pc->pc_limit = 0;
	if (pc->pc_legkind != 0)
		dl->dl_leg = leg_start(px->px_legs, pc->pc_legkind, pc->pc_legflags,
		    pc->pc_called, pc->pc_caller, px->px_utc, px_now(px));
}

struct dialog *
dialog_answer(struct pctx *pc, struct branch *br, const struct sip_msg *m)
{
	struct proxy		*px = pc->pc_px;
	const struct sip_msg	*req;
	struct dialog		*dl;
	char			 callid[PX_CALLID];
	int			 swapped;
	size_t			 i;

	if (pc->pc_dialog != 0) {
		/* A re-INVITE: the target of the one who answers may move. */
		if ((dl = dialog_get(px, pc->pc_dialog)) == NULL)
			return (NULL);
		if (m->sm_status >= 200) {
			i = strlen(dl->dl_party[0].py_tag) == m->sm_to.sa_tag.len &&
			    memcmp(dl->dl_party[0].py_tag, m->sm_to.sa_tag.p,
			    m->sm_to.sa_tag.len) == 0 ? 0 : 1;
			dialog_refresh(dl, i, m);
			if (dl->dl_confirmed && !dl->dl_ended)
				tmr_set(&px->px_tmrs, &dl->dl_tmr, session_ms(br, m));
		}
		return (dl);
	}
	/* Of a dialog that only a seal remembers: no place to begin one. */
	if (br->br_kind == BR_DIALOG_IN || br->br_kind == BR_DIALOG_OUT)
		return (NULL);
	if (m->sm_to.sa_tag.len == 0 || (req = pctx_msg(pc)) == NULL ||
	    span_str(req->sm_call_id, callid, sizeof(callid)) == -1)
		return (NULL);
	/* dialog_find and the fill below read px_again again. */
	dl = dialog_find(px, callid, req->sm_from.sa_tag, m->sm_to.sa_tag, &swapped);
	if (dl != NULL && (swapped || dl->dl_ctx != pc->pc_id))
		return (NULL);
	if (dl == NULL) {
		if ((dl = dialog_new(pc, br, callid, req->sm_from.sa_tag,
		    m->sm_to.sa_tag)) == NULL)
			return (NULL);
		dl->dl_late = br->br_kind == BR_DIALOG_HOP;
		if (dialog_fill(dl, pc, br, m) == -1) {
			dialog_free(dl);
			return (NULL);
		}
	} else
		dialog_refresh(dl, 1 - (size_t)dl->dl_creator, m);
	if (m->sm_status >= 200)
		dialog_confirm(dl, pc);
	if (!dl->dl_ended)
		tmr_set(&px->px_tmrs, &dl->dl_tmr, dl->dl_confirmed ?
		    session_ms(br, m) : PX_EARLY);
	return (dl);
}

/* RFC 3261 12.2.1.2: Contact of a re-INVITE, an UPDATE or a 2xx to them. */
void
dialog_refresh(struct dialog *dl, size_t party, const struct sip_msg *m)
{
	struct party	*py = &dl->dl_party[party];
	struct vaddr	 va;

	if (dl->dl_ended)
		return;
	if (sip_hdr_has(m, SIP_H_CONTACT)) {
		party_contact(py, m);
		if (!dl->dl_border || party == SIDE_IN) {
			va = py->py_addr;
			party_where(dl->dl_px, py, &va, py->py_proto);
		}
	}
}

/* The first BYE, from either side. */
void
dialog_bye(struct dialog *dl)
{
	struct proxy	*px = dl->dl_px;

	if (dl->dl_ended)
		return;
	dl->dl_ended = 1;
	media_end(dl);
	dialog_unfork(dl);
	dialog_hand_on(dl);
	if (dl->dl_leg != NULL && px->px_conf->c_flags & CONF_LOG_CALLS)
		px_log(px, PROXY_INFO, "call ended: called=%s caller=%s seconds=%llu",
		    dl->dl_leg->le_called, dl->dl_leg->le_caller,
		    (unsigned long long)(px_now(px) - dl->dl_leg->le_boot_start) / 1000);
	if (dl->dl_leg != NULL)
		leg_stop(dl->dl_leg, px->px_utc, px_now(px));
	dl->dl_leg = NULL;
	limits_call_end(px->px_limits, dl->dl_limit);
	dl->dl_limit = 0;
	pair_drop(px, dl->dl_pair);
	dl->dl_pair = NULL;
	tmr_set(&px->px_tmrs, &dl->dl_tmr, PX_LINGER);
}

void
dialog_drop_early(struct proxy *px, uint64_t ctx)
{
	struct dialog	*dl, *next;

	/* Newest last: early dialogs stand near the end. */
	for (dl = TAILQ_LAST(&px->px_dialog_list, dialog_list); dl != NULL; dl = next) {
		next = TAILQ_PREV(dl, dialog_list, dl_list);
		if (dl->dl_id < ctx)
			break;
		if (dl->dl_ctx == ctx && !dl->dl_confirmed)
			dialog_free(dl);
	}
}
