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
 * core: new requests from outside: tickets, refusals, and the way to a PBX
 * (vipr(7)).
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proxy_int.h"

static const char *in_name(struct proxy *, const struct sip_flow *);
static void	 in_call(struct proxy *, const struct sip_flow *, const struct sip_msg *,
		    const struct txn_key *);
static void	 in_count_refused(struct proxy *, const struct sip_flow *, enum refusal);

/* For the log: the first verified name of the peer. */
static const char *
in_name(struct proxy *px, const struct sip_flow *fl)
{
	const struct names	*na;

	na = px->px_ops->po_names(px->px_ctx, fl->fl_conn, NULL);
	return (na == NULL || na->na_count == 0 ? "?" : na->na_name[0]);
}

static void
in_count_refused(struct proxy *px, const struct sip_flow *fl, enum refusal refusal)
{
	const char	*name = in_name(px, fl);
	char		 what[DOMAIN_SIZE + 32];

	if ((unsigned)refusal <= REFUSAL_POLICY)
		px->px_stats.ps_refused[refusal]++;
	(void)snprintf(what, sizeof(what), "INVITE from %s", name);
	px_refused(px, PROXY_REFUSED, fl, what, refusal_str(refusal), NULL);
	if (px->px_ops->po_refused(px->px_ctx, fl, name) == 1) {
		(void)snprintf(what, sizeof(what), "more from %s", name);
		px_refused(px, PROXY_ALARM, fl, what, "too-many-refused",
		    "closing its connections");
		px->px_ops->po_close(px->px_ctx, fl->fl_conn);
	}
}

void
in_refuse(struct pctx *pc, enum refusal refusal, uint32_t retry)
{
	struct proxy		*px = pc->pc_px;
	struct sip_extra	 extra[2];
	char			 seconds[16];
	size_t			 n = 0;

	if (pc->pc_final)
		return;
	extra[n].sx_name = "ViPR-Refusal";
	extra[n++].sx_value = refusal_str(refusal);
	if (refusal == REFUSAL_BUSY) {
		if (retry < 1)
			retry = 1;
		if (retry > 3600)
			retry = 3600;
		(void)snprintf(seconds, sizeof(seconds), "%u", (unsigned)retry);
		extra[n].sx_name = "Retry-After";
		extra[n++].sx_value = seconds;
	}
	px_note(px, pc->pc_called, "from outside: refused %s", refusal_str(refusal));
	pctx_answer(pc, border_refusal_status(refusal), NULL, extra, n);
	in_count_refused(px, &pc->pc_flow, refusal);
}

static void
in_call(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    const struct txn_key *key)
{
	const struct names	*na;
	struct pctx		*pc;
	enum refusal		 refusal;
	uint64_t		 not_after = 0;
	uint32_t		 name = 0;
	char			 token[TOKEN_MAX], number[E164_SIZE];
	int			 r;

	if ((pc = pctx_new(px, fl, m, key)) == NULL)
		return;
	px->px_stats.ps_calls_outside++;
	pc->pc_legkind = LEG_OUTSIDE_IN;
	if ((r = border_ruri(px->px_conf, m->sm_uri, number)) == 400) {
		pctx_answer(pc, 400, "Bad Request-URI", NULL, 0);
		return;
	}
	if (r != 0) {
		in_refuse(pc, REFUSAL_WRONG_NUMBER, 0);
		return;
	}
	(void)strlcpy(pc->pc_called, number, sizeof(pc->pc_called));
	if ((refusal = border_ticket(m, token)) != REFUSAL_NONE) {
		in_refuse(pc, refusal, 0);
		return;
	}
	na = px->px_ops->po_names(px->px_ctx, fl->fl_conn, &not_after);
	if (na == NULL || (not_after != 0 && not_after < px_now_s(px))) {
		explicit_bzero(token, sizeof(token));
		in_refuse(pc, REFUSAL_POLICY, 0);
		return;
	}
	if (border_from_number(&m->sm_from, pc->pc_caller) == -1)
		pc->pc_caller[0] = '\0';
	if (px->px_ops->po_ticket_known != NULL &&
	    px->px_ops->po_ticket_known(px->px_ctx, pc->pc_id, number, na, token, &name,
	    &not_after) == 1) {
		explicit_bzero(token, sizeof(token));
		pctx_trying(pc);
		in_ticket(pc, REFUSAL_NONE, name, not_after);
		return;
	}
	r = px->px_ops->po_ticket(px->px_ctx, pc->pc_id, number, na, token);
	explicit_bzero(token, sizeof(token));
	if (r == -1) {
		in_refuse(pc, REFUSAL_BUSY, 5);
		return;
	}
	pc->pc_check = pc->pc_id;
	tmr_set(&px->px_tmrs, &pc->pc_tmr, PX_TICKET_MS);
	pctx_trying(pc);
}

void
in_ticket(struct pctx *pc, enum refusal refusal, uint32_t name, uint64_t not_after)
{
	struct proxy		*px = pc->pc_px;
	const struct names	*na;
	uint32_t		 retry = 0;

	if (pc->pc_final)
		return;
	if (refusal != REFUSAL_NONE) {
		in_refuse(pc, refusal, 5);
		return;
	}
	na = px->px_ops->po_names(px->px_ctx, pc->pc_flow.fl_conn, NULL);
	if (na == NULL || name >= na->na_count) {
		in_refuse(pc, REFUSAL_BAD_TICKET, 0);
		return;
	}
	/* The configuration may have changed since key looked. */
	if (!conf_number_ours(px->px_conf, pc->pc_called)) {
		in_refuse(pc, REFUSAL_NOT_OURS, 0);
		return;
	}
	if (not_after != 0 && not_after < px_now_s(px)) {
		in_refuse(pc, REFUSAL_EXPIRED, 0);
		return;
	}
	(void)strlcpy(pc->pc_domain, na->na_name[name], sizeof(pc->pc_domain));
	if (limits_rate(px->px_limits, LIMITS_CALLS, pc->pc_domain,
	    guard_calls_s(px->px_conf), px_now(px), &retry) == -1) {
		in_refuse(pc, REFUSAL_BUSY, retry);
		return;
	}
	limits_total(px->px_limits, guard_calls_live(px->px_conf));
	pc->pc_limit = limits_call(px->px_limits, pc->pc_domain, pc->pc_called, px_now(px),
	    px->px_conf->c_limit_hour, px->px_conf->c_limit_live, &retry);
	if (pc->pc_limit == 0) {
		in_refuse(pc, REFUSAL_BUSY, retry);
		return;
	}
	px_log(px, PROXY_INFO, "call from %s accepted: ticket good", pc->pc_domain);
	px_note(px, pc->pc_called, "from outside: accepted");
	media_inward(pc);
}

void
in_forward(struct pctx *pc)
{
	hop_targets(pc, 0);
	hop_next(pc, 480);
}

void
in_request(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    const struct txn_key *key)
{
	struct sip_extra	 extra = { "Allow", border_allow(px->px_conf) };
	struct sip_extra	 refusal = { "ViPR-Refusal", refusal_str(REFUSAL_POLICY) };
	struct sip_extra	 bad = { "Unsupported", px->px_text[7] };
	const struct sip_hdr	*h;

	/* Once, and not again when rtpengine has answered. */
	if (px->px_media == MEDIA_FRESH &&
	    guard_request(px, fl, m, key, in_name(px, fl)) == -1)
		return;
	switch (border_classify(px->px_conf, m)) {
	case BORDER_CALL:
		in_call(px, fl, m, key);
		break;
	case BORDER_DIALOG:
	case BORDER_ACK:
		within_outside(px, fl, m, key);
		break;
	case BORDER_OPTIONS:
		px_reply(px, fl, m, key, 200, NULL, &extra, 1);
		break;
	case BORDER_405:
		px_reply(px, fl, m, key, 405, NULL, &extra, 1);
		break;
	case BORDER_CANCEL:
	case BORDER_481:
		px_reply(px, fl, m, key, 481, NULL, NULL, 0);
		break;
	case BORDER_POLICY:
		if (m->sm_method != SIP_M_INVITE) {
			px_reply(px, fl, m, key, 403, NULL, NULL, 0);
			break;
		}
		px_reply(px, fl, m, key, 403, NULL, &refusal, 1);
		in_count_refused(px, fl, REFUSAL_POLICY);
		break;
	case BORDER_420:
		if ((h = sip_hdr_first(m, SIP_H_PROXY_REQUIRE)) == NULL ||
		    sip_unfold(h->sh_value, px->px_text[7], PX_TEXT) == -1)
			px->px_text[7][0] = '\0';
		px_reply(px, fl, m, key, 420, NULL, &bad, 1);
		break;
	case BORDER_483:
		px_reply(px, fl, m, key, 483, NULL, NULL, 0);
		break;
	case BORDER_DROP:
		px->px_stats.ps_stray++;
		break;
	}
}
