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
 * core: the inside face of the proxy: PBXs and trunks, which of them a request
 * came from and goes to, fail-over, and which calls look for a direct route.
 */

#include <sys/types.h>

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy_int.h"

#define PX_BREADTH	60	/* RFC 5393 5.3.3 */
#define PX_BREADTH_STR	"60"

static int	 hop_loop(struct proxy *, const struct sip_msg *, const struct conf_hop *,
		    char out[17]);
static int	 breadth_of(const struct sip_msg *, uint32_t *);
static void	 hop_invite(struct pctx *, const struct sip_msg *, const struct conf_hop *);
static int	 hop_live(struct pctx *, const struct sip_msg *);
static void	 hop_other(struct pctx *, const struct conf_hop *);

/* Is it one of our own addresses or names? */
int
px_is_us(struct proxy *px, struct span host, uint16_t port)
{
	struct conf_listen	*cl;
	struct vaddr		 va;
	char			 text[DOMAIN_SIZE];
	size_t			 i;

	if (span_str(host, text, sizeof(text)) == -1)
		return (0);
	if (vaddr_parse(text, port, &va) == -1)
		return (conf_name_ours(px->px_conf, text, strlen(text)));
	TAILQ_FOREACH(cl, &px->px_conf->c_listens, cl_entry) {
		if (cl->cl_use != LISTEN_SIP)
			continue;
		va.va_port = port != 0 ? port : cl->cl_proto == SIP_TLS ? 5061 : 5060;
		if (vaddr_eq(&cl->cl_addr, &va))
			return (1);
	}
	va.va_port = port != 0 ? port : 5060;
	for (i = 0; i < px->px_nlocals; i++)
		if (vaddr_eq(&px->px_locals[i], &va))
			return (1);
	return (0);
}

/* A message came to, or leaves from, this address of ours. */
void
px_local(struct proxy *px, const struct vaddr *va)
{
	size_t	i;

	for (i = 0; i < px->px_nlocals; i++)
		if (vaddr_eq(&px->px_locals[i], va))
			return;
	if (px->px_nlocals < PX_LOCALS)
		px->px_locals[px->px_nlocals++] = *va;
}

/* How many of the first Route entries are ours. */
size_t
px_own_routes(struct proxy *px, const struct sip_msg *m)
{
	struct sip_addr	 sa;
	struct sip_uri	 uri;
	size_t		 n;

	for (n = 0; sip_addr_get(m, SIP_H_ROUTE, n, &sa) == 0; n++) {
		if (sip_uri_parse(sa.sa_uri, &uri) == -1 ||
		    !px_is_us(px, uri.su_host, uri.su_port))
			break;
	}
	return (n);
}

/*
 * The hop that a message came from.  Several may share an address: then the
 * port decides, the packet's or the one its Via names.
 */
const struct conf_hop *
hop_find(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m)
{
	const struct conf_hop	*found = NULL;
	const struct hop	*ho;
	const struct vaddr	*va;
	size_t			 i, j;
	int			 better = 0;
	uint16_t		 via;

	via = m->sm_via.sv_port != 0 ? m->sm_via.sv_port : 5060;
	for (i = 0; i < px->px_nhops; i++)
		for (ho = &px->px_hops[i], j = 0; j < ho->ho_ndests; j++) {
			va = &ho->ho_dests[j]->de_addr;
			if (!vaddr_host_eq(va, &fl->fl_peer))
				continue;
			if (va->va_port == fl->fl_peer.va_port)
				return (ho->ho_conf);
			if (va->va_port == via && m->sm_request && !better) {
				found = ho->ho_conf;
				better = 1;
			} else if (found == NULL)
				found = ho->ho_conf;
		}
	return (found);
}

void
hop_next(struct pctx *pc, int status)
{
	struct sip_extra	 retry = { "Retry-After", "5" };
	struct proxy	*px = pc->pc_px;
	struct target	*tg;
	struct branch	*br;
	int		 r, full;

	while (pc->pc_next < pc->pc_ntargets && !pc->pc_cancelled) {
		tg = &pc->pc_targets[pc->pc_next++];
		br = branch_new(pc, pc->pc_side == SIDE_OUT ? BR_INWARD : BR_HOP);
		if (br == NULL)
			break;
		pc->pc_branch = br;
		br->br_addr = tg->tg_addr;
		br->br_proto = tg->tg_proto;
		if (pc->pc_method == SIP_M_INVITE)
			hop_called(px, &tg->tg_addr, tg->tg_proto);
		r = px->px_ops->po_open(px->px_ctx, br->br_id, &tg->tg_addr, tg->tg_proto,
		    &br->br_flow);
		if (r == 0) {
			br->br_opening = 1;
			RB_INSERT(branch_tree, &px->px_opening, br);
			branch_timer(br, PX_HOP_OPEN);
			return;
		}
		br->br_reused = tg->tg_proto != SIP_UDP;
		if (r == 1 && branch_send(br) == 0) {
			branch_sent(br);
			return;
		}
		if (br->br_full) {
			/* Not the hop's fault. */
			full = br->br_full == 1;
			branch_free(br);
			px->px_stats.ps_overload += (uint64_t)full;
			pctx_answer(pc, full ? 503 : 500, NULL, &retry, (size_t)full);
			return;
		}
		hop_silent(px, &tg->tg_addr, tg->tg_proto, "no-connection");
		branch_free(br);
		status = 503;
	}
	pctx_answer(pc, pc->pc_cancelled ? 487 : status, NULL, NULL, 0);
}

void
hop_failed(struct branch *br, int event)
{
	struct pctx	*pc = br->br_ctx;

	if (br->br_full) {
		/* There is a way to it; the fault is ours. */
		branch_detach(br);
		pctx_answer(pc, br->br_full == 1 ? 503 : 500, NULL, NULL, 0);
		return;
	}
	/* A connection that was there may have died unnoticed: one try on
	 * another before the hop is blamed. */
	if (event == FALL_LOST && br->br_reused && !br->br_provisional && !pc->pc_again) {
		pc->pc_again = 1;
		pc->pc_next--;
		branch_detach(br);
		hop_next(pc, 503);
		return;
	}
	hop_silent(pc->pc_px, &br->br_addr, br->br_proto, event == FALL_SILENCE ? "silence" :
	    event != FALL_LOST ? "no-connection" : br->br_proto == SIP_UDP ? "unreachable" :
	    "connection-lost");
	if (pc->pc_method != SIP_M_INVITE && event == FALL_SILENCE &&
	    pc->pc_next >= pc->pc_ntargets) {
		/* RFC 4320: silence towards the sender of a non-INVITE. */
		if (pc->pc_server != NULL) {
			pc->pc_server->tx_arg = NULL;
			txn_free(pc->pc_server);
			pc->pc_server = NULL;
		}
		pc->pc_final = 1;
		return;
	}
	branch_detach(br);
	hop_next(pc, event == FALL_SILENCE ? 408 : 503);
}

void
hop_response(struct branch *br, const struct sip_msg *m)
{
	struct pctx	*pc = br->br_ctx;
	struct proxy	*px = pc->pc_px;
	uint32_t	 retry = 0;
	int		 status = m->sm_status;

	if (br->br_cancel != 2)
		tmr_stop(&px->px_tmrs, &br->br_tmr);
	if (status == 503)
		(void)sip_number(m, SIP_H_RETRY_AFTER, UINT32_MAX, &retry);
	hop_heard(px, &br->br_addr, br->br_proto, status, retry);
	if (status == 100)
		return;
	if (status < 200)
		pctx_timer_c(pc);
	if (status >= 180 && status < 300 && !pc->pc_counted) {
		pc->pc_counted = 1;
		limits_call_counted(px->px_limits, pc->pc_limit, px_now(px));
	}
	if ((status == 503 || status == 408) && !pc->pc_cancelled && !pc->pc_passed &&
	    pc->pc_next < pc->pc_ntargets) {
		hop_next(pc, status);
		return;
	}
	if (br->br_kind == BR_INWARD)
		status = border_status_out(status);
	pctx_pass(pc, br, m, status);
}

/*
 * RFC 3261 16.3 item 4: our branches carry a keyed hash of what would make a
 * request the same one; -1: it has been here.
 */
static int
hop_loop(struct proxy *px, const struct sip_msg *m, const struct conf_hop *from, char out[17])
{
	crypto_generichash_state st;
	struct sip_via		 via;
	uint8_t			 h[8];
	uint32_t		 cseq = m->sm_cseq;
	size_t			 n;

	(void)crypto_generichash_init(&st, px->px_loop_key, sizeof(px->px_loop_key),
	    16);
#define ADD(s) do {									\
	uint32_t len_ = (uint32_t)(s).len;						\
	(void)crypto_generichash_update(&st, (const unsigned char *)&len_, sizeof(len_)); \
	(void)crypto_generichash_update(&st, (const unsigned char *)(s).p, (s).len);	\
} while (0)
	ADD(m->sm_uri);
	ADD(m->sm_from.sa_tag);
	ADD(m->sm_to.sa_tag);
	ADD(m->sm_call_id);
#undef ADD
	(void)crypto_generichash_update(&st, (const unsigned char *)&cseq, sizeof(cseq));
	/* Where it goes depends on this (RFC 5393 4.2.1): a call of ours that the
	 * trunk brings back to a number of ours is a spiral. */
	(void)crypto_generichash_update(&st, &from->ch_trunk, sizeof(from->ch_trunk));
	{
		uint8_t	full[16];

		(void)crypto_generichash_final(&st, full, sizeof(full));
		memcpy(h, full, sizeof(h));
	}
	(void)sodium_bin2hex(out, 17, h, sizeof(h));
	for (n = 0; sip_via_get(m, n, &via) == 0; n++) {
		if (via.sv_branch.len == 7 + 32 &&
		    memcmp(via.sv_branch.p + 7, out, 16) == 0)
			return (-1);
	}
	return (0);
}

/* Short numbers of the never list: 112 and its like. */
int
hop_urgent(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m)
{
	const struct conf_hop	*from;
	char			 number[E164_SIZE], digits[URI_MAX];

	if (m->sm_to.sa_tag.len != 0)
		return (1);
	if (m->sm_method != SIP_M_INVITE || (from = hop_find(px, fl, m)) == NULL ||
	    from->ch_trunk)
		return (0);
	return (border_number(px->px_conf, from, m->sm_uri, number, digits) == -1 &&
	    border_never(px->px_conf, from, "", digits));
}

/* 1 with the value, 0 none, -1 malformed.  However many digits it has: what is
 * more than ours is replaced, not refused (RFC 5393 5.3.3). */
static int
breadth_of(const struct sip_msg *m, uint32_t *n)
{
	static const uint8_t	 digit[256] = { ['0' ... '9'] = 1 };
	const struct sip_hdr	*h;
	struct cur		 c;
	struct span		 digits;

	if ((h = sip_hdr_first(m, SIP_H_MAX_BREADTH)) == NULL)
		return (0);
	if (sip_number(m, SIP_H_MAX_BREADTH, UINT32_MAX, n) == 0)
		return (1);
	*n = UINT32_MAX;
	cur_init(&c, h->sh_value.p, h->sh_value.len);
	return (cur_token(&c, digit, &digits) == 0 && cur_left(&c) == 0 ? 1 : -1);
}

void
hop_breadth(const struct sip_msg *m, struct sip_edit *e)
{
	uint32_t	n;

	if (breadth_of(m, &n) != 1 || n > PX_BREADTH)
		sip_edit_set(e, SIP_H_MAX_BREADTH, PX_BREADTH_STR);
}

/*
 * More than PX_LOOP_LIVE live calls with the same caller and called number go
 * round in a circle through the trunk.  -1: refused.
 */
static int
hop_live(struct pctx *pc, const struct sip_msg *m)
{
	struct proxy	*px = pc->pc_px;
	struct sip_uri	 uri;
	char		 caller[40];
	unsigned	 n = 0, most = PX_LOOP_LIVE;

	(void)strlcpy(caller, pc->pc_caller, sizeof(caller));
	if (caller[0] == '\0' && !border_private(m) &&
	    sip_uri_parse(m->sm_from.sa_uri, &uri) == 0 &&
	    uri.su_user.len > 0 && uri.su_user.len < sizeof(caller))
		(void)span_str(uri.su_user, caller, sizeof(caller));
	if (caller[0] == '\0')
		most = PX_LOOP_ANON;
	pc->pc_pair = pair_take(px, caller, pc->pc_called, &n);
	explicit_bzero(caller, sizeof(caller));
	if (n <= most)
		return (0);
	px->px_stats.ps_loops++;
	px_log(px, PROXY_ALARM, "loop: %u live calls with the same caller and called "
	    "number, one more refused: reason=loop", n - 1);
	px_note(px, pc->pc_called, "refused: loop");
	pctx_answer(pc, 482, NULL, NULL, 0);
	return (-1);
}

/* A new INVITE from a PBX or a trunk. */
static void
hop_invite(struct pctx *pc, const struct sip_msg *m, const struct conf_hop *from)
{
	struct proxy	*px = pc->pc_px;

	pc->pc_legflags = border_diverted(m) ? LEG_F_DIVERTED : 0;
	if (redirect_call(pc, &m, &from) == -1)
		return;
	if (from->ch_trunk) {
		px->px_stats.ps_calls_in++;
		pc->pc_legkind = LEG_TERMINATED;
		if (border_number(px->px_conf, from, m->sm_uri, pc->pc_called, NULL) == -1)
			pc->pc_called[0] = '\0';
		if (border_caller(px->px_conf, from, m, pc->pc_caller) == -1)
			pc->pc_caller[0] = '\0';
		hop_targets(pc, 0);
		hop_next(pc, 480);
		return;
	}
	pc->pc_legkind = LEG_ORIGINATED;
	pc->pc_divert = border_judge_out(px->px_conf, from, m, pc->pc_called, pc->pc_caller);
	/* Emergency and whatever is no number stays out of every limit. */
	if (pc->pc_divert != DIVERT_NO_NUMBER && pc->pc_divert != DIVERT_NEVER &&
	    hop_live(pc, m) == -1)
		return;
	/* What never goes directly need not be learned. */
	if (pc->pc_divert == DIVERT_ALWAYS)
		pc->pc_legkind = 0;
	if (pc->pc_divert == DIVERT_OK || pc->pc_divert == DIVERT_MODE_LOG ||
	    pc->pc_divert == DIVERT_LOG_ONLY) {
		if (out_try(pc, m, from))
			return;
	}
	hop_to_trunk(pc);
}

void
hop_to_trunk(struct pctx *pc)
{
	struct proxy	*px = pc->pc_px;

	if (pc->pc_redirect == PX_REDIRECT_CALL) {
		redirect_refuse(pc);
		return;
	}
	px->px_stats.ps_calls_trunk++;
	px->px_stats.ps_diverts[pc->pc_divert]++;
	px_note(px, pc->pc_called, "trunk: %s", divert_str(pc->pc_divert));
	/* Of note where there is a route that it could have taken. */
	px_log(px, out_has_route(pc) ? PROXY_INFO : PROXY_DEBUG,
	    "call to the trunk: reason=%s", divert_str(pc->pc_divert));
	hop_targets(pc, 1);
	hop_next(pc, 503);
}

/* Anything else without a dialog: handed on as it is. */
static void
hop_other(struct pctx *pc, const struct conf_hop *from)
{
	hop_targets(pc, !from->ch_trunk);
	hop_next(pc, 503);
}

void
hop_request(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    const struct txn_key *key)
{
	struct sip_extra	 extra = { "Allow", "INVITE, ACK, CANCEL, BYE, PRACK, "
	    "UPDATE, INFO, OPTIONS, SUBSCRIBE, NOTIFY, REFER, MESSAGE, PUBLISH" };
	struct sip_extra	 bad = { "Unsupported", px->px_text[7] };
	const struct conf_hop	*from;
	struct sip_uri		 uri;
	struct pctx		*pc;
	char			 loop[17];
	uint32_t		 breadth;
	int			 us, ok;

	if ((from = hop_find(px, fl, m)) == NULL) {
		(void)proxy_hears(px, fl);
		return;
	}
	if (route_unstrict(px, fl, m, key) == 1)
		return;
	if (m->sm_method != SIP_M_ACK &&
	    sip_join(m, SIP_H_PROXY_REQUIRE, px->px_text[7], PX_TEXT) != 0) {
		px->px_textdirty = 1;
		px_reply(px, fl, m, key, 420, NULL, &bad, 1);
		return;
	}
	if (m->sm_to.sa_tag.len != 0) {
		within_hop(px, fl, m, key, from);
		return;
	}
	if (m->sm_method == SIP_M_ACK)
		return;
	ok = sip_uri_parse(m->sm_uri, &uri) == 0;
	us = ok && uri.su_scheme != URI_TEL && uri.su_scheme != URI_OTHER &&
	    px_is_us(px, uri.su_host, uri.su_port);
	if (m->sm_method == SIP_M_OPTIONS && us && uri.su_user.len == 0) {
		/* Here we are the server: RFC 3261 8.2.2.3 and 11.2. */
		ok = sip_join(m, SIP_H_REQUIRE, px->px_text[7], PX_TEXT) == 0;
		px->px_textdirty = 1;
		px_reply(px, fl, m, key, ok ? 200 : 420, NULL, ok ? &extra : &bad, 1);
		return;
	}
	/* RFC 3261 16.3, in its order; headers in a Request-URI: 19.1.1. */
	if (!ok || uri.su_has_headers || uri.su_scheme == URI_OTHER) {
		px_reply(px, fl, m, key, ok && !uri.su_has_headers ? 416 : 400,
		    !ok || uri.su_has_headers ? "Bad Request-URI" : NULL, NULL, 0);
		return;
	}
	if (m->sm_max_forwards == 0) {
		px_reply(px, fl, m, key, 483, NULL, NULL, 0);
		return;
	}
	if (m->sm_method == SIP_M_REGISTER ||
	    (m->sm_method != SIP_M_INVITE && us && uri.su_user.len == 0)) {
		px_reply(px, fl, m, key, 405, NULL, &extra, 1);
		return;
	}
	if ((ok = breadth_of(m, &breadth)) == -1 || (ok == 1 && breadth == 0)) {
		px_reply(px, fl, m, key, ok == -1 ? 400 : 440, ok == -1 ?
		    "Bad Max-Breadth" : "Max-Breadth Exceeded", NULL, 0);
		return;
	}
	if (hop_loop(px, m, from, loop) == -1) {
		px->px_stats.ps_loops++;
		px_log(px, PROXY_ALARM, "loop: a request came back to us: reason=loop");
		px_reply(px, fl, m, key, 482, NULL, NULL, 0);
		return;
	}
	if ((pc = pctx_new(px, fl, m, key)) == NULL)
		return;
	(void)strlcpy(pc->pc_loop, loop, sizeof(pc->pc_loop));
	pc->pc_pop_routes = px_own_routes(px, m);
	if (m->sm_method == SIP_M_INVITE) {
		pctx_trying(pc);
		hop_invite(pc, m, from);
	} else
		hop_other(pc, from);
}
