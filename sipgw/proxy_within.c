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
 * core: requests inside a dialog.  Between hops they follow their Route.
 * Across the border nothing in them decides but a seal of ours (from outside)
 * or the dialog's memory (from a PBX): vipr(7).
 */

#include <sys/types.h>

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy_int.h"

struct where {
	struct vaddr	 wh_addr;
	uint8_t		 wh_proto;
	const char	*wh_uri;	/* new Request-URI, NULL: as it is */
	const char	*wh_routes;
};

static int	 within_sealed(struct proxy *, const struct sip_flow *, const struct sip_msg *,
		    struct seal *, int *, const char **);
static int	 within_target(const struct seal *, struct where *, char *, size_t);
static int	 within_late(const struct sip_msg *);
static void	 within_ghost(struct proxy *, const struct sip_msg *);
static void	 within_start(struct pctx *, enum br_kind, const struct where *);
static void	 within_across(struct proxy *, const struct sip_flow *, const struct sip_msg *,
		    const struct txn_key *, struct dialog *);
static int	 within_passes(enum sip_method);
static int	 within_outside_flow(struct proxy *, struct dialog *, struct sip_flow *);
static int	 within_where(struct proxy *, const struct sip_msg *, struct dialog *,
		    int, struct where *);
static int	 within_route(struct proxy *, const char *, struct where *);
static int	 hop_by_host(struct proxy *, const char *, const struct vaddr *,
		    struct vaddr *);

/* -- from outside -- */

/*
 * Is the request inside a dialog that we sealed, on TLS of the peer that we
 * sealed it for?  0, or -1 with a reason for the log.
 */
static int
within_sealed(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    struct seal *se, int *creator, const char **why)
{
	const struct names	*na;
	struct sip_uri		 uri;
	struct sip_addr		 sa;
	struct seal		 route;
	size_t			 n;
	enum seal_error		 err;

	*why = "forged-dialog";
	if ((na = px->px_ops->po_names(px->px_ctx, fl->fl_conn, NULL)) == NULL ||
	    sip_uri_parse(m->sm_uri, &uri) == -1 ||
	    (uri.su_scheme != URI_SIP && uri.su_scheme != URI_SIPS))
		return (-1);
	err = seal_open(&px->px_seals, uri.su_user, m->sm_call_id, m->sm_from.sa_tag,
	    m->sm_to.sa_tag, px_now_s(px), se, creator);
	if (err == SEAL_EXPIRED)
		*why = "expired-dialog";
	if (err == SEAL_FORM)
		*why = "no-dialog";
	if (err != SEAL_OK || se->se_side != SEAL_TO_INSIDE || se->se_use != SEAL_CONTACT)
		return (-1);
	if (names_find(na, se->se_grantee) == -1) {
		*why = "other-peer";
		return (-1);
	}
	for (n = 0; sip_addr_get(m, SIP_H_ROUTE, n, &sa) == 0; n++) {
		/* A route set is never renewed: the Contact's date rules. */
		err = sip_uri_parse(sa.sa_uri, &uri) == -1 ? SEAL_FORM :
		    seal_open(&px->px_seals, uri.su_user, m->sm_call_id,
		    m->sm_from.sa_tag, m->sm_to.sa_tag, px_now_s(px), &route, NULL);
		if ((err != SEAL_OK && err != SEAL_EXPIRED) ||
		    route.se_side != SEAL_TO_INSIDE ||
		    route.se_use != SEAL_ROUTE ||
		    strcmp(route.se_grantee, se->se_grantee) != 0) {
			*why = "forged-route";
			return (-1);
		}
	}
	if (sip_hdr_has(m, SIP_H_ROUTE) &&
	    sip_values_count(m, SIP_H_ROUTE) != (int)n) {
		*why = "forged-route";
		return (-1);
	}
	return (0);
}

/* "udp 10.0.0.5:5060 sip:100@10.0.0.5"; ours, so only the form is checked. */
static int
within_target(const struct seal *se, struct where *wh, char *uri, size_t size)
{
	char		 buf[SEAL_TARGET_MAX], *addr, *rest, *colon;
	unsigned long	 port;
	size_t		 len;

	(void)strlcpy(buf, se->se_target, sizeof(buf));
	if ((addr = strchr(buf, ' ')) == NULL)
		return (-1);
	*addr++ = '\0';
	if ((rest = strchr(addr, ' ')) == NULL)
		return (-1);
	*rest++ = '\0';
	wh->wh_proto = strcmp(buf, "tcp") == 0 ? SIP_TCP :
	    strcmp(buf, "tls") == 0 ? SIP_TLS : SIP_UDP;
	if ((colon = strrchr(addr, ':')) == NULL)
		return (-1);
	*colon = '\0';
	port = strtoul(colon + 1, NULL, 10);
	len = strlen(addr);
	if (len > 1 && addr[0] == '[' && addr[len - 1] == ']') {
		addr[len - 1] = '\0';
		addr++;
	}
	if (port == 0 || port > 65535 ||
	    vaddr_parse(addr, (uint16_t)port, &wh->wh_addr) == -1 ||
	    strlcpy(uri, rest, size) >= size)
		return (-1);
	wh->wh_uri = uri;
	return (0);
}

/* Address of the first entry of a Route value, where it is a literal one. */
static int
within_route(struct proxy *px, const char *routes, struct where *wh)
{
	struct sip_addr	 sa;
	struct sip_uri	 uri;
	struct span	 s, tr;
	char		 host[DOMAIN_SIZE];
	const char	*end;

	s.p = routes;
	end = strchr(routes, ',');
	s.len = end != NULL ? (size_t)(end - routes) : strlen(routes);
	if (sip_addr_parse(s, &sa) == -1 || sip_uri_parse(sa.sa_uri, &uri) == -1)
		return (-1);
	if (sip_uri_addr(&uri, &wh->wh_addr) == -1 &&
	    (sip_uri_host(&uri, host) == -1 ||
	    hop_by_host(px, host, NULL, &wh->wh_addr) == -1))
		return (-1);
	wh->wh_proto = hop_proto(px, &wh->wh_addr, SIP_UDP);
	if (sip_uri_param(&uri, "transport", &tr) == 1)
		wh->wh_proto = span_caseeq(tr, "tcp") ? SIP_TCP :
		    span_caseeq(tr, "tls") ? SIP_TLS : SIP_UDP;
	return (0);
}

void
within_outside(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    const struct txn_key *key)
{
	const struct names	*na;
	struct sip_flow		 out;
	struct seal		 se;
	struct where		 wh;
	struct dialog		*dl;
	struct pctx		*pc;
	struct span		 ctag;
	struct wbuf		 w;
	const char		*why;
	char			 uri[SEAL_TARGET_MAX], callid[PX_CALLID];
	char			 what[DOMAIN_SIZE + 64];
	int			 creator;

	memset(&wh, 0, sizeof(wh));
	if (within_sealed(px, fl, m, &se, &creator, &why) == -1)
		goto refuse;
	ctag = creator == 0 ? m->sm_from.sa_tag : m->sm_to.sa_tag;
	why = "forged-dialog";
	if (px_callid_in(px, m->sm_call_id, callid) == -1 ||
	    within_target(&se, &wh, uri, sizeof(uri)) == -1)
		goto refuse;
	dl = dialog_find(px, callid, m->sm_from.sa_tag, m->sm_to.sa_tag, NULL);
	if (dl == NULL && dialog_known(px, callid, ctag))
		goto refuse;	/* the other tag is not the one we know */
	if (dl != NULL && (!dl->dl_border || strcmp(dl->dl_grantee, se.se_grantee) != 0))
		goto refuse;
	if (dl != NULL && dl->dl_ended && !within_late(m)) {
		px_reply(px, fl, m, key, 481, NULL, NULL, 0);
		return;
	}
	/* Sealed before we started: a call that we cannot remember. */
	if (dl == NULL && se.se_expiry < px->px_started + SEAL_LIFE_S)
		within_ghost(px, m);
	/* Who sends it: the outside party, and nobody else. */
	if (dl != NULL && (m->sm_from.sa_tag.len != strlen(dl->dl_party[SIDE_OUT].py_tag) ||
	    memcmp(m->sm_from.sa_tag.p, dl->dl_party[SIDE_OUT].py_tag,
	    m->sm_from.sa_tag.len) != 0))
		goto refuse;
	if (media_within(px, fl, m, key, dl, callid, ctag))
		return;
	if (dl != NULL) {
		dl->dl_flow = *fl;
		wh.wh_routes = dl->dl_party[SIDE_IN].py_routes;
		if (wh.wh_routes != NULL)
			(void)within_route(px, wh.wh_routes, &wh);
		if (m->sm_method == SIP_M_BYE)
			dialog_bye(dl);
		if (m->sm_method == SIP_M_INVITE || m->sm_method == SIP_M_UPDATE)
			dialog_refresh(dl, SIDE_OUT, m);
	}
	if (m->sm_method == SIP_M_ACK) {
		px_wbuf(px, &w);
		if (px->px_ops->po_open(px->px_ctx, 0, &wh.wh_addr, wh.wh_proto, &out) != 1)
			return;
		if (px_write_ack(px, m, dl, BR_DIALOG_IN, &out, wh.wh_uri, wh.wh_routes,
		    &w) == 0)
			(void)px_send(px, &out, &w);
		return;
	}
	if ((pc = pctx_new(px, fl, m, key)) == NULL)
		return;
	pc->pc_dialog = dl != NULL ? dl->dl_id : 0;
	(void)strlcpy(pc->pc_domain, se.se_grantee, sizeof(pc->pc_domain));
	(void)span_str(ctag, pc->pc_ctag, sizeof(pc->pc_ctag));
	within_start(pc, BR_DIALOG_IN, &wh);
	return;

refuse:
	px->px_stats.ps_forged++;
	na = px->px_ops->po_names(px->px_ctx, fl->fl_conn, NULL);
	(void)snprintf(what, sizeof(what), "%s from %s inside no dialog of ours",
	    sip_method_str(m->sm_method), na == NULL ? "?" : na->na_name[0]);
	px_refused(px, PROXY_REFUSED, fl, what, why, NULL);
	px_reply(px, fl, m, key, 481, NULL, NULL, 0);
}

/* A BYE in a dialog that we do not know: its leg is a ghost, once. */
static void
within_ghost(struct proxy *px, const struct sip_msg *m)
{
	uint64_t	 h;

	if (m->sm_method != SIP_M_BYE)
		return;
	(void)crypto_shorthash((unsigned char *)&h, (const unsigned char *)m->sm_call_id.p,
	    m->sm_call_id.len, px->px_loop_key);
	if (px->px_ghosts[h % PX_GHOSTS] == h)
		return;
	px->px_ghosts[h % PX_GHOSTS] = h;
	leg_ghost(px->px_legs, px_now(px));
}

/* What may still come when a BYE ended the dialog: the ACK before it, and a
 * BYE that crossed it or says it again. */
static int
within_late(const struct sip_msg *m)
{
	return (m->sm_method == SIP_M_ACK || m->sm_method == SIP_M_BYE);
}

/* One branch to one place; the transaction ends with its answer. */
static void
within_start(struct pctx *pc, enum br_kind kind, const struct where *wh)
{
	struct proxy	*px = pc->pc_px;
	struct branch	*br;
	int		 r;

	if (pc->pc_method == SIP_M_INVITE)
		pctx_trying(pc);
	if (wh->wh_uri != NULL && (pc->pc_target = strdup(wh->wh_uri)) == NULL)
		goto fail;
	if (wh->wh_routes != NULL && (pc->pc_routes = strdup(wh->wh_routes)) == NULL)
		goto fail;
	if ((br = branch_new(pc, kind)) == NULL)
		goto fail;
	pc->pc_branch = br;
	br->br_addr = wh->wh_addr;
	br->br_proto = wh->wh_proto;
	r = px->px_ops->po_open(px->px_ctx, br->br_id, &wh->wh_addr, wh->wh_proto,
	    &br->br_flow);
	if (r == 0) {
		br->br_opening = 1;
		RB_INSERT(branch_tree, &px->px_opening, br);
		branch_timer(br, PX_HOP_OPEN);
		return;
	}
	if (r == 1 && branch_send(br) == 0) {
		pctx_timer_c(pc);
		return;
	}
fail:
	pctx_answer(pc, 503, NULL, NULL, 0);
}

void
within_again(struct branch *br)
{
	struct pctx	*pc = br->br_ctx;
	struct where	 wh;

	memset(&wh, 0, sizeof(wh));
	wh.wh_addr = br->br_addr;
	wh.wh_proto = br->br_proto;
	pc->pc_again = 1;
	branch_detach(br);
	within_start(pc, br->br_kind, &wh);
}

/* -- from a PBX to the outside -- */

/* A connection of the sealed grantee; 1, 0 none is open, see dl_host. */
static int
within_outside_flow(struct proxy *px, struct dialog *dl, struct sip_flow *fl)
{
	const struct names	*na;

	na = px->px_ops->po_names(px->px_ctx, dl->dl_flow.fl_conn, NULL);
	if (na != NULL && names_find(na, dl->dl_grantee) != -1) {
		*fl = dl->dl_flow;
		return (1);
	}
	if (px->px_ops->po_find(px->px_ctx, dl->dl_grantee, fl) == 0) {
		dl->dl_flow = *fl;
		return (1);
	}
	return (0);
}

/* What leaves inside a dialog. */
static int
within_passes(enum sip_method method)
{
	switch (method) {
	case SIP_M_INVITE:
	case SIP_M_ACK:
	case SIP_M_BYE:
	case SIP_M_PRACK:
	case SIP_M_UPDATE:
	case SIP_M_INFO:
	case SIP_M_OPTIONS:
		return (1);
	default:
		return (0);
	}
}

static void
within_across(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    const struct txn_key *key, struct dialog *dl)
{
	struct sip_extra	 allow = { "Allow", border_allow(px->px_conf) };
	struct party		*py = &dl->dl_party[SIDE_OUT];
	struct sip_flow		 out;
	struct pctx		*pc;
	struct branch		*br;
	struct span		 ctag;
	struct wbuf		 w;
	int			 r;

	if (!within_passes(m->sm_method)) {
		px_reply(px, fl, m, key, 405, NULL, &allow, 1);
		return;
	}
	if (py->py_contact == NULL || (dl->dl_ended && !within_late(m)) ||
	    m->sm_from.sa_tag.len != strlen(dl->dl_party[SIDE_IN].py_tag) ||
	    memcmp(m->sm_from.sa_tag.p, dl->dl_party[SIDE_IN].py_tag,
	    m->sm_from.sa_tag.len) != 0) {
		px_reply(px, fl, m, key, 481, NULL, NULL, 0);
		return;
	}
	ctag.p = dl->dl_party[dl->dl_creator].py_tag;
	ctag.len = strlen(ctag.p);
	if (media_within(px, fl, m, key, dl, "", ctag))
		return;
	if (m->sm_method == SIP_M_BYE)
		dialog_bye(dl);
	if (m->sm_method == SIP_M_INVITE || m->sm_method == SIP_M_UPDATE)
		dialog_refresh(dl, SIDE_IN, m);
	r = within_outside_flow(px, dl, &out);
	if (m->sm_method == SIP_M_ACK) {
		px_wbuf(px, &w);
		if (r == 1 && px_write_ack(px, m, dl, BR_DIALOG_OUT, &out, py->py_contact,
		    py->py_routes, &w) == 0)
			(void)px_send(px, &out, &w);
		return;
	}
	if ((pc = pctx_new(px, fl, m, key)) == NULL)
		return;
	pc->pc_dialog = dl->dl_id;
	(void)strlcpy(pc->pc_domain, dl->dl_grantee, sizeof(pc->pc_domain));
	if (m->sm_method == SIP_M_INVITE)
		pctx_trying(pc);
	pc->pc_target = strdup(py->py_contact);
	if (py->py_routes != NULL)
		pc->pc_routes = strdup(py->py_routes);
	if (pc->pc_target == NULL || (py->py_routes != NULL && pc->pc_routes == NULL) ||
	    (br = branch_new(pc, BR_DIALOG_OUT)) == NULL)
		goto fail;
	pc->pc_branch = br;
	br->br_addr = dl->dl_party[SIDE_IN].py_addr;
	br->br_proto = dl->dl_party[SIDE_IN].py_proto;
	br->br_flow = out;
	if (r == 0) {
		if (dl->dl_host[0] == '\0')
			goto fail;
		r = px->px_ops->po_connect(px->px_ctx, br->br_id, dl->dl_host, dl->dl_port,
		    &br->br_flow);
		if (r == 0) {
			br->br_opening = 1;
			RB_INSERT(branch_tree, &px->px_opening, br);
			branch_timer(br, px->px_conf->c_connect_ms);
			return;
		}
	}
	if (r == 1 && within_opened(br) == 0 && branch_send(br) == 0) {
		pctx_timer_c(pc);
		return;
	}
fail:
	pctx_answer(pc, 503, NULL, NULL, 0);
}

/*
 * A new connection to the host of a dialog's route is used only if its peer
 * is the one the dialog was sealed for; then it is the dialog's.
 */
int
within_opened(struct branch *br)
{
	struct proxy		*px = br->br_ctx->pc_px;
	const struct names	*na;
	struct dialog		*dl;

	if (br->br_kind != BR_DIALOG_OUT)
		return (0);
	na = px->px_ops->po_names(px->px_ctx, br->br_flow.fl_conn, NULL);
	if ((dl = dialog_get(px, br->br_ctx->pc_dialog)) == NULL || na == NULL ||
	    names_find(na, dl->dl_grantee) == -1)
		return (-1);
	dl->dl_flow = br->br_flow;
	return (0);
}

/* -- between hops -- */

/* A hop with that name, or at that address (any port).  0 and its address. */
static int
hop_by_host(struct proxy *px, const char *host, const struct vaddr *va, struct vaddr *out)
{
	struct hop	*ho;
	size_t		 i;

	for (i = 0; i < px->px_nhops; i++) {
		ho = &px->px_hops[i];
		if (ho->ho_addr.va_family == 0)
			continue;
		if ((host != NULL && strcasecmp(ho->ho_conf->ch_host, host) == 0) ||
		    (va != NULL && hop_has(ho, va))) {
			if (out != NULL)
				*out = ho->ho_addr;
			return (0);
		}
	}
	return (-1);
}

/*
 * Next hop of a request between hops: what follows our own Route entries.  A
 * literal address, or a hop's name; outside of a dialog that we know, nothing
 * but a configured hop.  party: the one it goes to.  -1: nowhere.
 */
static int
within_where(struct proxy *px, const struct sip_msg *m, struct dialog *dl, int party,
    struct where *wh)
{
	struct sip_addr	 sa;
	struct sip_uri	 uri;
	struct span	 next, tr;
	char		 host[DOMAIN_SIZE];
	size_t		 n;
	int		 routed, plain = 0;

	n = px_own_routes(px, m);
	routed = sip_addr_get(m, SIP_H_ROUTE, n, &sa) == 0;
	next = routed ? sa.sa_uri : m->sm_uri;
	if (sip_uri_parse(next, &uri) == -1 ||
	    (uri.su_scheme != URI_SIP && uri.su_scheme != URI_SIPS))
		return (-1);
	if (px_is_us(px, uri.su_host, uri.su_port)) {
		if (routed || dl == NULL)
			return (-1);
		/* A party that knows only us: its peer is the other one. */
		wh->wh_addr = dl->dl_party[party].py_addr;
		wh->wh_proto = dl->dl_party[party].py_proto;
		wh->wh_uri = dl->dl_party[party].py_contact;
		return (0);
	}
	wh->wh_proto = SIP_UDP;
	if (sip_uri_param(&uri, "transport", &tr) == 1)
		wh->wh_proto = span_caseeq(tr, "tcp") ? SIP_TCP :
		    span_caseeq(tr, "tls") ? SIP_TLS : SIP_UDP;
	else if (uri.su_scheme == URI_SIPS)
		wh->wh_proto = SIP_TLS;
	else
		plain = 1;
	if (sip_uri_addr(&uri, &wh->wh_addr) == 0) {
		if (plain)
			wh->wh_proto = hop_proto(px, &wh->wh_addr, SIP_UDP);
		return (dl != NULL || hop_by_host(px, NULL, &wh->wh_addr, NULL) == 0 ?
		    0 : -1);
	}
	if (sip_uri_host(&uri, host) == 0 &&
	    hop_by_host(px, host, NULL, &wh->wh_addr) == 0) {
		if (plain)
			wh->wh_proto = hop_proto(px, &wh->wh_addr, SIP_UDP);
		return (0);
	}
	if (dl == NULL)
		return (-1);
	wh->wh_addr = dl->dl_party[party].py_addr;
	wh->wh_proto = dl->dl_party[party].py_proto;
	return (0);
}

void
within_hop(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    const struct txn_key *key, const struct conf_hop *from)
{
	struct sip_flow	 out;
	struct where	 wh;
	struct dialog	*dl;
	struct pctx	*pc;
	struct wbuf	 w;
	char		 callid[PX_CALLID];
	int		 swapped = 0;

	memset(&wh, 0, sizeof(wh));
	if (span_str(m->sm_call_id, callid, sizeof(callid)) == -1) {
		px_reply(px, fl, m, key, 400, NULL, NULL, 0);
		return;
	}
	if (m->sm_max_forwards == 0) {
		px_reply(px, fl, m, key, 483, NULL, NULL, 0);
		return;
	}
	dl = dialog_find(px, callid, m->sm_from.sa_tag, m->sm_to.sa_tag, &swapped);
	if (dl != NULL && dl->dl_border) {
		if (from->ch_trunk)
			px_reply(px, fl, m, key, 481, NULL, NULL, 0);
		else
			within_across(px, fl, m, key, dl);
		return;
	}
	/* For its sender the call is over, wherever the BYE may get to. */
	if (dl != NULL && m->sm_method == SIP_M_BYE)
		dialog_bye(dl);
	if (within_where(px, m, dl, swapped ? 0 : 1, &wh) == -1) {
		px_reply(px, fl, m, key, 481, NULL, NULL, 0);
		return;
	}
	if (dl == NULL || dl->dl_late)
		within_ghost(px, m);
	if (dl != NULL && (m->sm_method == SIP_M_INVITE || m->sm_method == SIP_M_UPDATE))
		dialog_refresh(dl, swapped ? 1 : 0, m);
	if (m->sm_method == SIP_M_ACK) {
		px_wbuf(px, &w);
		if (px->px_ops->po_open(px->px_ctx, 0, &wh.wh_addr, wh.wh_proto, &out) == 1 &&
		    px_write_ack(px, m, dl, BR_DIALOG_HOP, &out, wh.wh_uri, NULL, &w) == 0)
			(void)px_send(px, &out, &w);
		return;
	}
	if ((pc = pctx_new(px, fl, m, key)) == NULL)
		return;
	pc->pc_dialog = dl != NULL ? dl->dl_id : 0;
	pc->pc_pop_routes = px_own_routes(px, m);
	within_start(pc, BR_DIALOG_HOP, &wh);
}
