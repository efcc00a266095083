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
 * core: the redirect server.  A PBX asks at its listener with the INVITE and
 * is told 302, with an address of ours that takes this one call directly, or
 * 404: take your trunk.  What decides is what decides for calls that pass
 * through us.  A call that comes with a token never goes to a trunk from here.
 */

#include <sys/types.h>
#include <sys/queue.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proxy_int.h"
#include "redirect.h"

#define CAUSE_NO_ROUTE	3	/* Q.850: no route to destination */
#define CAUSE_FAILURE	41	/* temporary failure */

static const struct conf_hop *redirect_from(struct proxy *, const struct sip_flow *,
		    const struct sip_msg *);
static void	 redirect_ask(struct pctx *, const struct sip_msg *, const struct conf_hop *);
static int	 redirect_contact(struct pctx *, uint32_t, char *, size_t);
static void	 redirect_answer(struct pctx *, int, const char *, int, const char *);

/*
 * The PBX that asks.  Its address may be a trunk's too, where one proxy serves
 * both: only the PBX counts here.
 */
static const struct conf_hop *
redirect_from(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m)
{
	const struct conf_hop	*from;
	size_t			 i;

	if ((from = hop_find(px, fl, m)) == NULL || !from->ch_trunk)
		return (from);
	for (i = 0; i < px->px_nhops; i++)
		if (!px->px_hops[i].ho_conf->ch_trunk &&
		    hop_has(&px->px_hops[i], &fl->fl_peer))
			return (px->px_hops[i].ho_conf);
	return (NULL);
}

/* An answer of our own with a Reason of Q.850 (RFC 3326, RFC 6432): 404 for
 * a number that does not exist carries cause 1, ours never does. */
static void
redirect_answer(struct pctx *pc, int status, const char *phrase, int cause, const char *why)
{
	struct sip_extra	 extra = { "Reason", NULL };
	char			 reason[128];

	(void)snprintf(reason, sizeof(reason), "Q.850;cause=%d;text=\"%s\"", cause, why);
	extra.sx_value = reason;
	pctx_answer(pc, status, phrase, &extra, 1);
}

/*
 * `<sip:+NUMBER.TOKEN@us>`: the inside listener of the transport that the PBX
 * asked with, else another.  Without an expiry it is good for once (RFC 3261
 * 21.3.3), and nobody may cache it.
 */
static int
redirect_contact(struct pctx *pc, uint32_t route, char *out, size_t size)
{
	struct proxy		*px = pc->pc_px;
	const struct conf_listen *cl, *best = NULL;
	const struct sip_flow	*fl = &pc->pc_flow;
	struct redirect_token	 rt;
	struct sip_flow		 to;
	const char		*special;
	char			 user[REDIRECT_USER_SIZE];
	int			 rank, least = 0;

	TAILQ_FOREACH(cl, &px->px_conf->c_listens, cl_entry) {
		if (cl->cl_use != LISTEN_SIP || cl->cl_face != FACE_INSIDE)
			continue;
		rank = (cl->cl_addr.va_family == fl->fl_peer.va_family ? 0 : 8) +
		    (cl->cl_proto == fl->fl_proto ? 0 : cl->cl_proto);
		if (best == NULL || rank < least) {
			best = cl;
			least = rank;
		}
	}
	if (best == NULL)
		return (-1);
	memset(&to, 0, sizeof(to));
	to.fl_proto = best->cl_proto;
	to.fl_local = best->cl_addr;
	special = vaddr_special(&best->cl_addr);
	if (special != NULL && strcmp(special, "unspecified") == 0) {
		to.fl_local = fl->fl_local;
		to.fl_local.va_port = best->cl_addr.va_port;
	}
	memset(&rt, 0, sizeof(rt));
	(void)strlcpy(rt.rt_number, pc->pc_called, sizeof(rt.rt_number));
	rt.rt_route = route;
	rt.rt_expiry = (uint32_t)(px_now_s(px) + REDIRECT_LIFE_S);
	if (redirect_make(&px->px_seals, &rt, &fl->fl_peer, user, sizeof(user)) == -1)
		return (-1);
	return (px_local_uri(&to, user, "", out, size));
}

/* An INVITE at the redirect listener. */
static void
redirect_ask(struct pctx *pc, const struct sip_msg *m, const struct conf_hop *from)
{
	struct proxy		*px = pc->pc_px;
	struct rtab_route	 rr;
	struct sip_extra	 extra = { "Contact", NULL };
	char			 contact[256];

	pc->pc_redirect = PX_REDIRECT_ASK;
	memset(&rr, 0, sizeof(rr));
	pc->pc_divert = border_judge_out(px->px_conf, from, m, pc->pc_called, pc->pc_caller);
	if (pc->pc_divert == DIVERT_OK || pc->pc_divert == DIVERT_MODE_LOG ||
	    pc->pc_divert == DIVERT_LOG_ONLY)
		pc->pc_divert = out_choose(pc, &rr);
	if (pc->pc_divert == DIVERT_OK && media_on(px) && ng_state(px->px_ng) == NG_DOWN)
		pc->pc_divert = DIVERT_MEDIA_ENGINE;
	if (pc->pc_divert == DIVERT_OK && redirect_contact(pc, redirect_route(rr.rr_domain,
	    rr.rr_ticket), contact, sizeof(contact)) == -1)
		pc->pc_divert = DIVERT_LIMIT;
	if (pc->pc_divert == DIVERT_OK) {
		px->px_stats.ps_redirects++;
		px_log(px, PROXY_DEBUG, "call redirected: it may go directly to %s",
		    rr.rr_domain);
		px_note(px, pc->pc_called, "redirected");
		extra.sx_value = contact;
		pctx_answer(pc, 302, NULL, &extra, 1);
		explicit_bzero(contact, sizeof(contact));
	} else
		redirect_refuse(pc);
	explicit_bzero(&rr, sizeof(rr));
}

void
redirect_refuse(struct pctx *pc)
{
	struct proxy	*px = pc->pc_px;
	const char	*why = divert_str(pc->pc_divert);

	px->px_stats.ps_unredirected[pc->pc_divert]++;
	px_note(px, pc->pc_called, "not redirected: %s", why);
	/* Of note where there is a route that it could have taken. */
	px_log(px, out_has_route(pc) ? PROXY_INFO : PROXY_DEBUG,
	    "call not redirected: reason=%s", why);
	redirect_answer(pc, 404, "Not Direct", CAUSE_NO_ROUTE, why);
}

/*
 * 500 and not 503: both mean to a PBX that its next trunk is to be taken, but
 * a 503 makes some of them avoid us for all other calls too; and not 480, which
 * says that nobody answered there.
 */
void
redirect_failed(struct pctx *pc, const char *why)
{
	struct proxy	*px = pc->pc_px;

	px->px_stats.ps_redirect_failed++;
	px_log(px, PROXY_INFO, "redirected call to %s failed, its PBX may take a trunk: "
	    "reason=%s", pc->pc_domain, why);
	px_note(px, pc->pc_called, "redirected: failed %s", why);
	redirect_answer(pc, 500, "Direct Call Failed", CAUSE_FAILURE, why);
}

int
redirect_call(struct pctx *pc, const struct sip_msg **m, const struct conf_hop **from)
{
	static struct sip_msg	 plain;	/* large; points into what came */
	struct proxy		*px = pc->pc_px;
	const struct conf_hop	*pbx = NULL;
	struct redirect_token	 rt;
	struct sip_uri		 uri;
	struct span		 s;
	enum redirect_error	 err;
	ptrdiff_t		 n;
	char			 user[128], *text = px->px_text[7];

	if (sip_uri_parse((*m)->sm_uri, &uri) == -1 ||
	    (uri.su_scheme != URI_SIP && uri.su_scheme != URI_SIPS) ||
	    (n = sip_uri_unescape(uri.su_user, user, sizeof(user))) == -1)
		return (0);
	s.p = user;
	s.len = (size_t)n;
	err = redirect_open(&px->px_seals, s, &pc->pc_flow.fl_peer, px_now_s(px), &rt);
	explicit_bzero(user, sizeof(user));
	if (err == REDIRECT_NONE)
		return (0);
	/* Who asked was a PBX; it may not be one any more. */
	if (err == REDIRECT_OK &&
	    (pbx = redirect_from(px, &pc->pc_flow, *m)) == NULL)
		err = REDIRECT_ADDRESS;
	if (err != REDIRECT_OK) {
		px->px_stats.ps_redirect_bad[err]++;
		px_refused(px, PROXY_REFUSED, &pc->pc_flow, "redirected call",
		    redirect_str(err), NULL);
		if (err == REDIRECT_EXPIRED)
			redirect_answer(pc, 404, "Not Direct", CAUSE_NO_ROUTE,
			    redirect_str(err));
		else
			pctx_answer(pc, 403, NULL, NULL, 0);
		return (-1);
	}
	px->px_stats.ps_redirect_calls++;
	pc->pc_redirect = PX_REDIRECT_CALL;
	pc->pc_route = rt.rt_route;
	*from = pbx;
	/* What judges calls sees the number alone. */
	(void)snprintf(text, PX_TEXT, "sip:%s@redirect.invalid", rt.rt_number);
	px->px_textdirty = 1;
	explicit_bzero(&rt, sizeof(rt));
	plain = **m;
	plain.sm_uri.p = text;
	plain.sm_uri.len = strlen(text);
	*m = &plain;
	return (1);
}

int
redirect_stale(const struct pctx *pc, const struct rtab_route *rr)
{
	return (pc->pc_redirect == PX_REDIRECT_CALL &&
	    redirect_route(rr->rr_domain, rr->rr_ticket) != pc->pc_route);
}

void
redirect_request(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    const struct txn_key *key)
{
	struct sip_extra	 allow = { "Allow", "INVITE, ACK, CANCEL, OPTIONS" };
	const struct conf_hop	*from;
	struct sip_uri		 uri;
	struct pctx		*pc;

	if (m->sm_method == SIP_M_ACK) {
		px->px_stats.ps_stray++;
		return;
	}
	if ((from = redirect_from(px, fl, m)) == NULL) {
		px_refused(px, PROXY_REFUSED, fl, "question of a redirect", "no-pbx", NULL);
		px_reply(px, fl, m, key, 403, NULL, NULL, 0);
		return;
	}
	if (m->sm_method == SIP_M_OPTIONS) {
		px_reply(px, fl, m, key, 200, NULL, &allow, 1);
		return;
	}
	if (m->sm_method != SIP_M_INVITE) {
		px_reply(px, fl, m, key, m->sm_method == SIP_M_OTHER ? 501 : 405, NULL,
		    &allow, 1);
		return;
	}
	if (m->sm_to.sa_tag.len > 0) {
		px_reply(px, fl, m, key, 481, NULL, NULL, 0);
		return;
	}
	if (sip_uri_parse(m->sm_uri, &uri) == -1 || uri.su_has_headers) {
		px_reply(px, fl, m, key, 400, "Bad Request-URI", NULL, 0);
		return;
	}
	if (uri.su_scheme == URI_OTHER) {
		px_reply(px, fl, m, key, 416, NULL, NULL, 0);
		return;
	}
	if ((pc = pctx_new(px, fl, m, key)) != NULL)
		redirect_ask(pc, m, from);
}
