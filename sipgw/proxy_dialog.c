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
#include <sys/tree.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy_int.h"

static const char *dialog_tag(const struct dialog *, int);
static struct dialog *dialog_new(struct pctx *, struct branch *, const char *,
		    struct span, struct span);
static void	 dialog_expired(void *);
static void	 dialog_confirm(struct dialog *, struct pctx *, struct branch *);
static int	 dialog_fill(struct dialog *, struct pctx *, struct branch *,
		    const struct sip_msg *);
static char	*dialog_addr(const struct sip_addr *);
static void	 party_clear(struct party *);
static void	 party_contact(struct party *, const struct sip_msg *);
static void	 party_where(struct party *, const struct vaddr *, uint8_t);

RB_GENERATE(dialog_tree, dialog, dl_entry, dialog_cmp)
RB_GENERATE(dialog_idtree, dialog, dl_identry, dialog_idcmp)

/* Which party's tag is the creator's: of hop dialogs the first's. */
static const char *
dialog_tag(const struct dialog *dl, int creator)
{
	size_t	i = dl->dl_border ? (size_t)dl->dl_creator : 0;

	return (dl->dl_party[creator ? i : 1 - i].py_tag);
}

int
dialog_cmp(const struct dialog *a, const struct dialog *b)
{
	int	r;

	if ((r = strcmp(a->dl_callid, b->dl_callid)) != 0 ||
	    (r = strcmp(dialog_tag(a, 1), dialog_tag(b, 1))) != 0)
		return (r);
	return (strcmp(dialog_tag(a, 0), dialog_tag(b, 0)));
}

int
dialog_idcmp(const struct dialog *a, const struct dialog *b)
{
	return (a->dl_id < b->dl_id ? -1 : a->dl_id > b->dl_id);
}

struct dialog *
dialog_get(struct proxy *px, uint64_t id)
{
	struct dialog	k;

	k.dl_id = id;
	return (RB_FIND(dialog_idtree, &px->px_dialogs_id, &k));
}

/* Either tag may be the creator's; *swapped: tag_b is. */
struct dialog *
dialog_find(struct proxy *px, const char *callid, struct span tag_a, struct span tag_b,
    int *swapped)
{
	static struct dialog	 k;	/* large, and only a key */
	struct dialog		*dl;
	int			 i;

	k.dl_border = 0;
	if (strlcpy(k.dl_callid, callid, sizeof(k.dl_callid)) >= sizeof(k.dl_callid))
		return (NULL);
	for (i = 0; i < 2; i++) {
		if (span_str(i == 0 ? tag_a : tag_b, k.dl_party[0].py_tag, PX_TAG) == -1 ||
		    span_str(i == 0 ? tag_b : tag_a, k.dl_party[1].py_tag, PX_TAG) == -1)
			return (NULL);
		if ((dl = RB_FIND(dialog_tree, &px->px_dialogs, &k)) != NULL) {
			if (swapped != NULL)
				*swapped = i;
			return (dl);
		}
	}
	return (NULL);
}

int
dialog_known(struct proxy *px, const char *callid, struct span tag)
{
	static struct dialog	 k;
	struct dialog		*dl;

	k.dl_border = 0;
	if (strlcpy(k.dl_callid, callid, sizeof(k.dl_callid)) >= sizeof(k.dl_callid) ||
	    span_str(tag, k.dl_party[0].py_tag, PX_TAG) == -1)
		return (0);
	k.dl_party[1].py_tag[0] = '\0';
	dl = RB_NFIND(dialog_tree, &px->px_dialogs, &k);
	return (dl != NULL && strcmp(dl->dl_callid, k.dl_callid) == 0 &&
	    strcmp(dialog_tag(dl, 1), k.dl_party[0].py_tag) == 0);
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
	RB_REMOVE(dialog_tree, &px->px_dialogs, dl);
	RB_REMOVE(dialog_idtree, &px->px_dialogs_id, dl);
	TAILQ_REMOVE(&px->px_dialog_list, dl, dl_list);
	px->px_ndialogs--;
	tmr_stop(&px->px_tmrs, &dl->dl_tmr);
	leg_drop(dl->dl_leg);
	limits_call_end(px->px_limits, dl->dl_limit);
	pair_drop(px, dl->dl_pair);
	party_clear(&dl->dl_party[0]);
	party_clear(&dl->dl_party[1]);
	freezero(dl, sizeof(*dl));
}

static void
dialog_expired(void *arg)
{
	dialog_free(arg);
}

static struct dialog *
dialog_new(struct pctx *pc, struct branch *br, const char *callid, struct span from,
    struct span to)
{
	struct proxy	*px = pc->pc_px;
	struct dialog	*dl;
	int		 border;

	if (px->px_ndialogs >= PX_DIALOG_MAX || pc->pc_ndialogs >= PX_DIALOGS_CALL ||
	    (dl = calloc(1, sizeof(*dl))) == NULL)
		return (NULL);
	dl->dl_px = px;
	dl->dl_id = px->px_next_id++;
	dl->dl_ctx = pc->pc_id;
	tmr_init(&dl->dl_tmr, dialog_expired, dl);
	border = pc->pc_side == SIDE_OUT || br->br_kind == BR_DIRECT;
	dl->dl_border = border;
	dl->dl_creator = border ? pc->pc_side : SIDE_IN;
	if (strlcpy(dl->dl_callid, callid, sizeof(dl->dl_callid)) >= sizeof(dl->dl_callid) ||
	    span_str(from, dl->dl_party[dl->dl_creator].py_tag, PX_TAG) == -1 ||
	    span_str(to, dl->dl_party[1 - dl->dl_creator].py_tag, PX_TAG) == -1) {
		free(dl);
		return (NULL);
	}
	if (RB_INSERT(dialog_tree, &px->px_dialogs, dl) != NULL) {
		free(dl);
		return (NULL);
	}
	RB_INSERT(dialog_idtree, &px->px_dialogs_id, dl);
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
party_where(struct party *py, const struct vaddr *hop, uint8_t proto)
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
		py->py_proto = SIP_UDP;
}

/*
 * The Record-Route of a message as a Route value, entries of our own left
 * out (px given).  NULL: none.  *bad: it does not fit or is malformed.
 */
char *
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
		party_where(caller, &pc->pc_flow.fl_peer, pc->pc_flow.fl_proto);
		party_where(callee, &br->br_addr, br->br_proto);
		return (0);
	}
	caller->py_uri = dialog_addr(&req->sm_from);
	caller->py_peer = dialog_addr(&req->sm_to);
	caller->py_routes = px_route_set(req, 0, NULL, &bad);
	/* The callee's side of From and To is what we sent there. */
	if (sip_parse(&px->px_third, br->br_req, br->br_reqlen,
	    px_parse_flags(&br->br_flow) | SIP_INSIDE) == -1)
		return (-1);
	callee->py_uri = dialog_addr(&px->px_third.sm_to);
	callee->py_peer = dialog_addr(&px->px_third.sm_from);
	callee->py_routes = px_route_set(m, 1, br->br_kind == BR_DIRECT ? px : NULL, &bad2);
	if (bad || bad2 || caller->py_uri == NULL || caller->py_peer == NULL ||
	    callee->py_uri == NULL || callee->py_peer == NULL)
		return (-1);
	(void)strlcpy(dl->dl_grantee, pc->pc_domain, sizeof(dl->dl_grantee));
	if (br->br_kind == BR_DIRECT) {
		dl->dl_flow = br->br_flow;
		(void)strlcpy(dl->dl_host, pc->pc_host, sizeof(dl->dl_host));
		dl->dl_port = pc->pc_port;
		party_where(caller, &br->br_addr, br->br_proto);
	} else {
		dl->dl_flow = pc->pc_flow;
		party_where(callee, &br->br_addr, br->br_proto);
	}
	return (0);
}

/* A 2xx: the call is up.  RFC 3261 16.7 lets a fork have several. */
static void
dialog_confirm(struct dialog *dl, struct pctx *pc, struct branch *br)
{
	struct proxy	*px = pc->pc_px;

	(void)br;
	if (dl->dl_confirmed)
		return;
	dl->dl_confirmed = 1;
	dl->dl_pair = pc->pc_pair;
	if (pc->pc_pair != NULL)
		pair_hold(pc->pc_pair);
	/* The place goes to the first dialog that is answered. */
	if (pc->pc_limit != 0) {
		dl->dl_limit = pc->pc_limit;
		pc->pc_limit = 0;
	}
	if (pc->pc_legkind != 0)
		dl->dl_leg = leg_start(px->px_legs, pc->pc_legkind, pc->pc_legflags,
		    pc->pc_called, pc->pc_caller, px->px_utc, px_now(px));
	/* The call's own place among the live ones ends with its context. */
	pair_drop(px, pc->pc_pair);
	pc->pc_pair = NULL;
	tmr_set(&px->px_tmrs, &dl->dl_tmr, (uint64_t)SEAL_LIFE_S * 1000);
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
		}
		return (dl);
	}
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
		if (br->br_kind == BR_DIRECT)
			(void)strlcpy(dl->dl_callid_out, pc->pc_callid_out, PX_CALLID);
		else
			(void)strlcpy(dl->dl_callid_out, callid, PX_CALLID);
		if (dialog_fill(dl, pc, br, m) == -1) {
			dialog_free(dl);
			return (NULL);
		}
	} else
		dialog_refresh(dl, 1 - (size_t)dl->dl_creator, m);
	if (m->sm_status >= 200)
		dialog_confirm(dl, pc, br);
	return (dl);
}

/* RFC 3261 12.2.1.2: Contact of a re-INVITE, an UPDATE or a 2xx to them. */
void
dialog_refresh(struct dialog *dl, size_t party, const struct sip_msg *m)
{
	struct proxy	*px = dl->dl_px;
	struct party	*py = &dl->dl_party[party];
	struct vaddr	 va;

	if (dl->dl_ended)
		return;
	if (sip_hdr_has(m, SIP_H_CONTACT)) {
		party_contact(py, m);
		if (!dl->dl_border || party == SIDE_IN) {
			va = py->py_addr;
			party_where(py, &va, py->py_proto);
		}
	}
	if (dl->dl_confirmed)
		tmr_set(&px->px_tmrs, &dl->dl_tmr, (uint64_t)SEAL_LIFE_S * 1000);
}

/* The first BYE, from either side. */
void
dialog_bye(struct dialog *dl)
{
	struct proxy	*px = dl->dl_px;

	if (dl->dl_ended)
		return;
	dl->dl_ended = 1;
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
