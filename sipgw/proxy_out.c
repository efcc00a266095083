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
 * core: direct legs: which route a call from a PBX takes, and what a failure
 * of the leg means for the call, the route and the host (vipr(7)).
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy_int.h"

static int	 out_uri(struct pctx *, const struct rtab_route *);
static int	 out_resample(struct proxy *, const char *, const struct rtab_route *,
		    enum divert *);
static void	 out_effects(struct branch *, const struct fall_in *, struct fall_out *);
static int	 out_start(struct pctx *, const struct conf_hop *);
static void	 out_trunk(struct branch *, const char *);

/*
 * pvp(7): the first call after `reprove` seconds without a proof goes over the
 * trunk, and one in `resample`.  The first only: what is remembered is for
 * which last proof that was done.
 */
static int
out_resample(struct proxy *px, const char *number, const struct rtab_route *rr,
    enum divert *why)
{
	const struct conf	*c = px->px_conf;
	struct reproved		*re;
	uint32_t		 r;

	if (c->c_reprove != 0 && rr->rr_last_proof + c->c_reprove < px_now_s(px)) {
		re = &px->px_reproved[e164_pack(number) % PX_REPROVED];
		if (re->re_number != e164_pack(number) || re->re_proof != rr->rr_last_proof) {
			re->re_number = e164_pack(number);
			re->re_proof = rr->rr_last_proof;
			*why = DIVERT_REPROVE;
			return (1);
		}
	}
	if (c->c_resample != 0) {
		px->px_ops->po_random(px->px_ctx, &r, sizeof(r));
		if (r % c->c_resample == 0) {
			*why = DIVERT_RESAMPLE;
			return (1);
		}
	}
	return (0);
}

/* The Request-URI of the leg, and where it goes.  key checked the URIs. */
static int
out_uri(struct pctx *pc, const struct rtab_route *rr)
{
	struct sip_uri	 uri;
	struct span	 s;
	char		 port[8] = "";
	int		 n;

	if (rr->rr_nuris == 0)
		return (-1);
	s.p = rr->rr_uris[0];
	s.len = strlen(s.p);
	if (sip_uri_parse(s, &uri) == -1 || !sip_uri_is_tls(&uri) ||
	    sip_uri_host(&uri, pc->pc_host) == -1)
		return (-1);
	pc->pc_port = uri.su_port;
	if (uri.su_port != 0)
		(void)snprintf(port, sizeof(port), ":%u", (unsigned)uri.su_port);
	n = snprintf(pc->pc_uri, sizeof(pc->pc_uri), "sip:%s@%s%s;transport=tls",
	    pc->pc_called, pc->pc_host, port);
	return (n < 0 || (size_t)n >= sizeof(pc->pc_uri) ? -1 : 0);
}

enum divert
out_choose(struct pctx *pc, struct rtab_route *rr)
{
	struct proxy	*px = pc->pc_px;
	enum divert	 why;
	unsigned	 state;

	if (px->px_rtab == NULL)
		return (DIVERT_NO_ROUTE);
	if (rtab_active(px->px_rtab, pc->pc_called, px_now_s(px), rr, &state) == -1)
		return (state == ROUTE_NONE ? DIVERT_NO_ROUTE : DIVERT_NOT_ACTIVE);
	if (rtab_route_skipped(px->px_rtab, pc->pc_called, rr->rr_domain, px_now(px)) != 0)
		return (DIVERT_ROUTE_SKIPPED);
	if (out_uri(pc, rr) == -1)
		return (DIVERT_NO_ROUTE);
	if (rtab_host_skipped(px->px_rtab, pc->pc_host, px_now(px)) != 0)
		return (DIVERT_HOST_SKIPPED);
	if (px->px_nctx >= PX_CTX_MAX - PX_CTX_INSIDE / 2)
		return (DIVERT_LIMIT);
	if (pc->pc_divert == DIVERT_MODE_LOG || pc->pc_divert == DIVERT_LOG_ONLY)
		return (pc->pc_divert);
	if (media_away(px))
		return (DIVERT_MEDIA_ENGINE);
	/* A redirected call was drawn when the PBX asked. */
	if (pc->pc_redirect != PX_REDIRECT_CALL &&
	    out_resample(px, pc->pc_called, rr, &why))
		return (why);
	if (redirect_stale(pc, rr))
		return (DIVERT_NOT_ACTIVE);
	return (DIVERT_OK);
}

/* Is there an active route for the called number? */
int
out_has_route(struct pctx *pc)
{
	struct proxy		*px = pc->pc_px;
	struct rtab_route	 rr;
	unsigned		 state;
	int			 r;

	if (px->px_rtab == NULL || pc->pc_called[0] == '\0')
		return (0);
	r = rtab_active(px->px_rtab, pc->pc_called, px_now_s(px), &rr, &state) == 0;
	explicit_bzero(&rr, sizeof(rr));
	return (r);
}

/* 1: a direct leg is under way; 0: pc_divert says why not. */
int
out_try(struct pctx *pc, const struct sip_msg *m, const struct conf_hop *from)
{
	struct proxy		*px = pc->pc_px;
	struct rtab_route	 rr;

	/* Too long to be masked: no fault of the route. */
	if (m->sm_call_id.len >= PX_CALLID / 2) {
		pc->pc_divert = DIVERT_LIMIT;
		return (0);
	}
	memset(&rr, 0, sizeof(rr));
	if ((pc->pc_divert = out_choose(pc, &rr)) != DIVERT_OK) {
		if (pc->pc_divert == DIVERT_MODE_LOG || pc->pc_divert == DIVERT_LOG_ONLY)
			px_log(px, PROXY_INFO, "call could have gone directly to %s: "
			    "reason=%s", rr.rr_domain, divert_str(pc->pc_divert));
		explicit_bzero(&rr, sizeof(rr));
		return (0);
	}
	(void)strlcpy(pc->pc_domain, rr.rr_domain, sizeof(pc->pc_domain));
	(void)strlcpy(pc->pc_ticket, rr.rr_ticket, sizeof(pc->pc_ticket));
	explicit_bzero(&rr, sizeof(rr));
	switch (media_outward(pc)) {
	case 1:
		return (out_start(pc, from));
	case 0:
		return (1);
	}
	media_drop(pc);
	explicit_bzero(pc->pc_ticket, sizeof(pc->pc_ticket));
	pc->pc_divert = DIVERT_MEDIA_ENGINE;
	return (0);
}

void
out_media(struct pctx *pc, int ok)
{
	const struct conf_hop	*from = NULL;
	const struct sip_msg	*m;

	if (ok && (m = pctx_msg(pc)) != NULL)
		from = hop_find(pc->pc_px, &pc->pc_flow, m);
	if (from != NULL && out_start(pc, from))
		return;
	media_drop(pc);
	explicit_bzero(pc->pc_ticket, sizeof(pc->pc_ticket));
	if (pc->pc_divert == DIVERT_OK)
		pc->pc_divert = DIVERT_MEDIA_ENGINE;
	hop_to_trunk(pc);
}

/* As out_try, with the route chosen. */
static int
out_start(struct pctx *pc, const struct conf_hop *from)
{
	struct proxy	*px = pc->pc_px;
	struct branch	*br;
	int		 r;

	if ((br = branch_new(pc, BR_DIRECT)) == NULL) {
		media_drop(pc);
		pc->pc_divert = DIVERT_LIMIT;
		return (0);
	}
	pc->pc_branch = br;
	br->br_addr = pc->pc_flow.fl_peer;
	br->br_proto = pc->pc_flow.fl_proto;
	if (from->ch_addr.va_family != 0 && pc->pc_flow.fl_proto != SIP_UDP)
		br->br_addr = from->ch_addr;
	px->px_stats.ps_calls_direct++;
	px->px_stats.ps_diverts[DIVERT_OK]++;
	px_log(px, PROXY_INFO, "call goes directly to %s", pc->pc_domain);
	r = px->px_ops->po_connect(px->px_ctx, br->br_id, pc->pc_host, pc->pc_port,
	    &br->br_flow);
	if (r == 1)
		out_opened(br);
	else if (r == 0) {
		br->br_opening = 1;
		RB_INSERT(branch_tree, &px->px_opening, br);
		branch_timer(br, px->px_conf->c_connect_ms);
	} else if (r == -2) {
		px->px_stats.ps_calls_direct--;
		px->px_stats.ps_diverts[DIVERT_OK]--;
		px_log(px, PROXY_INFO, "no connection to %s: key is away", pc->pc_domain);
		branch_free(br);
		explicit_bzero(pc->pc_ticket, sizeof(pc->pc_ticket));
		media_drop(pc);
		pc->pc_divert = DIVERT_LIMIT;
		return (0);
	} else
		branch_failed(br, FALL_NOCONN);
	return (1);
}

void
out_opened(struct branch *br)
{
	struct proxy	*px = br->br_ctx->pc_px;

	if (branch_send(br) == -1) {
		branch_failed(br, FALL_LOST);
		return;
	}
	/* To anything above 100; restarted by nothing. */
	branch_timer(br, px->px_conf->c_answer_ms);
}

static void
out_effects(struct branch *br, const struct fall_in *fi, struct fall_out *fo)
{
	struct pctx	*pc = br->br_ctx;
	struct proxy	*px = pc->pc_px;
	unsigned	 n, state = ROUTE_NONE;
	enum route_outcome out;

	border_fall(fi, fo);
	switch (fo->fo_route) {
	case FALL_ROUTE_KEEP:
		out = 0;
		break;
	case FALL_ROUTE_CLEAR:
		out = OUTCOME_OK;
		break;
	case FALL_ROUTE_STRIKE:
		out = OUTCOME_STRIKE;
		break;
	case FALL_ROUTE_EXPIRE:
		out = OUTCOME_EXPIRED;
		break;
	case FALL_ROUTE_REMOVE:
		out = OUTCOME_REMOVED;
		break;
	case FALL_ROUTE_SKIP:
	default:
		out = 0;
		if (px->px_rtab != NULL)
			rtab_route_skip(px->px_rtab, pc->pc_called, pc->pc_domain,
			    fo->fo_skip_s, px_now(px));
		break;
	}
	/* A good call of a good route is no news to key either. */
	if (out == OUTCOME_OK && px->px_rtab != NULL &&
	    rtab_unmarked(px->px_rtab, pc->pc_called, pc->pc_domain, px_now_s(px)))
		out = 0;
	if (out != 0) {
		if (px->px_rtab != NULL)
			state = rtab_outcome(px->px_rtab, pc->pc_called, pc->pc_domain, out);
		px->px_ops->po_outcome(px->px_ctx, pc->pc_called, pc->pc_domain, out,
		    fi->fi_refusal);
		if (out != OUTCOME_OK)
			px_log(px, PROXY_INFO, "route to %s: %s after a refused call",
			    pc->pc_domain, out == OUTCOME_STRIKE && state == ROUTE_ACTIVE ?
			    "a strike" : route_state_str(out == OUTCOME_REMOVED ?
			    ROUTE_REMOVED : state));
	}
	if (px->px_rtab == NULL)
		return;
	if (fo->fo_host == FALL_HOST_SKIP) {
		n = rtab_host_failed(px->px_rtab, pc->pc_host, px_now(px));
		if (n == SKIP_HOST_ALARM)
			px_log(px, PROXY_ALARM, "host %s failed %u times in a row: "
			    "its calls take the trunk", pc->pc_host, n);
	} else if (fo->fo_host == FALL_HOST_CLEAR)
		rtab_host_ok(px->px_rtab, pc->pc_host);
}

/* The same call, over the trunk, with the Request-URI that the PBX sent. */
static void
out_trunk(struct branch *br, const char *why)
{
	struct pctx	*pc = br->br_ctx;
	struct proxy	*px = pc->pc_px;

	branch_detach(br);
	explicit_bzero(pc->pc_ticket, sizeof(pc->pc_ticket));
	media_drop(pc);
	if (pc->pc_redirect == PX_REDIRECT_CALL) {
		redirect_failed(pc, why);
		return;
	}
	px->px_stats.ps_fallbacks++;
	px_log(px, PROXY_INFO, "call to %s falls back to the trunk: reason=%s",
	    pc->pc_domain, why);
	px_note(px, pc->pc_called, "trunk: fall-back %s", why);
	pc->pc_divert = DIVERT_NO_ROUTE;
	px->px_stats.ps_calls_trunk++;
	pc->pc_legkind = LEG_ORIGINATED;
	hop_targets(pc, 1);
	hop_next(pc, 503);
}

/* The callee answered, and rtpengine made nothing of it; its leg is ended. */
void
out_media_lost(struct branch *br)
{
	struct pctx	*pc = br->br_ctx;

	if (!pc->pc_passed && !pc->pc_cancelled) {
		out_trunk(br, divert_str(DIVERT_MEDIA_ENGINE));
		return;
	}
	branch_detach(br);
	pctx_answer(pc, pc->pc_cancelled ? 487 : 503, NULL, NULL, 0);
}

void
out_failed(struct branch *br, int event)
{
	struct pctx	*pc = br->br_ctx;
	struct proxy	*px = pc->pc_px;
	struct fall_in	 fi;
	struct fall_out	 fo;
	char		 why[48];

	memset(&fi, 0, sizeof(fi));
	fi.fi_event = event == FALL_NOCONN ? FALL_NOCONN :
	    event == FALL_SILENCE ? FALL_SILENCE : FALL_LOST;
	fi.fi_passed = pc->pc_passed;
	/* Not even a 100: who knows what is left of the connection. */
	if (event == FALL_SILENCE && !br->br_provisional && br->br_flow.fl_conn != 0)
		px->px_ops->po_retire(px->px_ctx, br->br_flow.fl_conn);
	out_effects(br, &fi, &fo);
	if (fo.fo_call == FALL_CALL_TRUNK && !pc->pc_cancelled) {
		out_trunk(br, border_fall_str(&fi, why, sizeof(why)));
		return;
	}
	branch_detach(br);
	pctx_answer(pc, pc->pc_cancelled ? 487 : fo.fo_status != 0 ? fo.fo_status :
	    event == FALL_SILENCE ? 408 : 503, NULL, NULL, 0);
}

void
out_response(struct branch *br, const struct sip_msg *m)
{
	struct pctx	*pc = br->br_ctx;
	struct proxy	*px = pc->pc_px;
	struct fall_in	 fi;
	struct fall_out	 fo;
	char		 why[48];

	if (m->sm_status <= 100)
		return;
	if (br->br_cancel != 2)
		tmr_stop(&px->px_tmrs, &br->br_tmr);
	if (m->sm_status < 200) {
		pctx_timer_c(pc);
		/* 101 to 179 mean nothing to a caller, and would tie it to
		 * a leg that may yet be given up. */
		if (m->sm_status >= 180) {
			pc->pc_legkind = LEG_OUTSIDE_OUT;
			pctx_pass(pc, br, m, m->sm_status);
		}
		return;
	}
	memset(&fi, 0, sizeof(fi));
	fi.fi_event = FALL_FINAL;
	fi.fi_status = m->sm_status;
	fi.fi_refusal = border_refusal(m);
	fi.fi_retry_after = border_retry_after(m);
	fi.fi_passed = pc->pc_passed;
	/* A second answer to an INVITE that is answered teaches nothing new. */
	if (pc->pc_final && m->sm_status < 300) {
		pctx_pass(pc, br, m, m->sm_status);
		return;
	}
	out_effects(br, &fi, &fo);
	if (fo.fo_call == FALL_CALL_TRUNK || (m->sm_status < 300 && fo.fo_status >= 300)) {
		/* A 2xx that carries a refusal is none. */
		if (m->sm_status < 300)
			out_close(br, m);
		if (fo.fo_call == FALL_CALL_TRUNK)
			out_trunk(br, border_fall_str(&fi, why, sizeof(why)));
		else
			pctx_answer(pc, fo.fo_status, NULL, NULL, 0);
		return;
	}
	px_note(px, pc->pc_called, "direct: %d", fo.fo_status);
	pc->pc_legkind = LEG_OUTSIDE_OUT;
	pctx_pass(pc, br, m, fo.fo_status != 0 ? fo.fo_status : m->sm_status);
}

/*
 * A 2xx that nobody waits for: it crossed our CANCEL, or came after we had
 * given up.  ACK and BYE, RFC 3261 15.  Each repeat of it is acknowledged, the
 * BYE goes once.
 */
void
out_close(struct branch *br, const struct sip_msg *m)
{
	struct pctx	*pc = br->br_ctx;
	struct proxy	*px = pc->pc_px;
	struct txn_key	 key;
	struct wbuf	 w;
	char		 via[DOMAIN_SIZE + 128], branch[PX_BRANCH], rnd[17];
	size_t		 skip = 0;
	int		 error, i;

	if (sip_parse(&px->px_third, br->br_req, br->br_reqlen,
	    px_parse_flags(&br->br_flow) | SIP_INSIDE | SIP_OWN) == -1)
		return;
	if (br->br_kind == BR_DIRECT)
		skip = 1;
	else if (sip_hdr_has(&px->px_third, SIP_H_RECORD_ROUTE)) {
		int	n = sip_values_count(&px->px_third, SIP_H_RECORD_ROUTE);

		/* Ours and those of the proxies before us. */
		skip = n > 0 ? (size_t)n : 0;
	}
	for (i = 0; i < 2; i++) {
		if (i == 1 && br->br_closed)
			return;
		px_hex(px, rnd, 8);
		(void)snprintf(branch, sizeof(branch), "z9hG4bK0000000000000000%s", rnd);
		if (px_via(px, &br->br_flow, branch, via, sizeof(via)) == -1)
			return;
		px_wbuf(px, &w);
		if (sip_build_dialog(&w, i == 0 ? SIP_M_ACK : SIP_M_BYE, &px->px_third, m,
		    via, px->px_third.sm_cseq + (uint32_t)i, skip) == -1)
			return;
		if (i == 0) {
			(void)px_send(px, &br->br_flow, &w);
			continue;
		}
		br->br_closed = 1;
		if (w.w_len > px->px_outmax)
			px->px_outmax = w.w_len;
		px_key_client(branch, "BYE", &key);
		(void)txn_client(px->px_txns, &key, 0, &br->br_flow, w.w_buf, w.w_len,
		    NULL, &error);
	}
}
