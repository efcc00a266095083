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
 * core: response contexts of the proxy and their branches (RFC 3261 sections
 * 16.6 to 16.10): life, timers, CANCEL, answers to the caller.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy_int.h"

static void	 branch_cancel(struct branch *);
static void	 pctx_tmr(void *);
static uint64_t	 pctx_hash(uint64_t);
static struct pctx *pctx_alloc(struct proxy *);
static void	 pctx_spare(struct pctx *);
static void	 pctx_ended(struct pctx *);
static void	 pctx_over(struct dialog *);
static void	 branch_tmr(void *);
static void	 branch_ack(struct branch *, const struct sip_msg *);
static void	 branch_closed(struct branch *);
static void	 dialog_request_failed(struct branch *, int);

RB_GENERATE(branch_tree, branch, br_identry, branch_cmp)

static uint64_t
pctx_hash(uint64_t id)
{
	return (id * 0x9e3779b97f4a7c15u);
}

static struct pctx *
pctx_alloc(struct proxy *px)
{
	struct pctx	*pc;

	if ((pc = TAILQ_FIRST(&px->px_spare)) != NULL) {
		TAILQ_REMOVE(&px->px_spare, pc, pc_entry);
		px->px_nspare--;
	} else if ((pc = malloc(sizeof(*pc))) == NULL)
		return (NULL);
	memset(pc, 0, offsetof(struct pctx, pc_domain));
	pc->pc_domain[0] = pc->pc_host[0] = pc->pc_uri[0] = pc->pc_ticket[0] =
	    pc->pc_callid_out[0] = pc->pc_media_tag[0] = pc->pc_ctag[0] = '\0';
	pc->pc_px = px;
	return (pc);
}

/* The end of a context: wiped, and kept for the next one if there is room. */
static void
pctx_spare(struct pctx *pc)
{
	struct proxy	*px = pc->pc_px;

	explicit_bzero(pc->pc_domain, strlen(pc->pc_domain));
	explicit_bzero(pc->pc_host, strlen(pc->pc_host));
	explicit_bzero(pc->pc_uri, strlen(pc->pc_uri));
	explicit_bzero(pc->pc_ticket, strlen(pc->pc_ticket));
	explicit_bzero(pc->pc_callid_out, strlen(pc->pc_callid_out));
	explicit_bzero(pc->pc_media_tag, strlen(pc->pc_media_tag));
	explicit_bzero(pc->pc_ctag, strlen(pc->pc_ctag));
	explicit_bzero(pc, offsetof(struct pctx, pc_domain));
	if (px->px_nspare >= PX_SPARE) {
		free(pc);
		return;
	}
	TAILQ_INSERT_HEAD(&px->px_spare, pc, pc_entry);
	px->px_nspare++;
}

int
branch_cmp(const struct branch *a, const struct branch *b)
{
	return (a->br_id < b->br_id ? -1 : a->br_id > b->br_id);
}

struct pctx *
pctx_new(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    const struct txn_key *key)
{
	struct sip_extra	 retry = { "Retry-After", "5" };
	struct sip_flow		 back;
	struct pctx		*pc;
	size_t			 max = PX_CTX_MAX, bytes = PX_CTX_BYTES;
	int			 urgent;

	if (session_refuse(px, fl, m, key))
		return (NULL);
	if (fl->fl_face == FACE_OUTSIDE)
		max -= PX_CTX_INSIDE;
	urgent = fl->fl_face == FACE_INSIDE && (px->px_nctx >= max / 2 ||
	    px->px_ctxbytes >= bytes / 2 || txns_count(px->px_txns) >= PX_TXNS_MAX / 2) &&
	    hop_urgent(px, fl, m);
	if (urgent) {
		max += PX_CTX_URGENT;
		bytes += bytes / 8;
	}
	if (px->px_nctx >= max || px->px_ctxbytes >= bytes ||
	    (pc = pctx_alloc(px)) == NULL)
		goto overload;
	pc->pc_px = px;
	TAILQ_INIT(&pc->pc_branches);
	tmr_init(&pc->pc_tmr, pctx_tmr, pc);
	pc->pc_id = px->px_next_id++;
	pc->pc_flow = *fl;
	pc->pc_side = fl->fl_face == FACE_OUTSIDE ? SIDE_OUT : SIDE_IN;
	pc->pc_method = m->sm_method;
	px_hex(px, pc->pc_totag, 8);
	if ((pc->pc_req = malloc(m->sm_all.len + 1)) == NULL) {
		pctx_spare(pc);
		goto overload;
	}
	memcpy(pc->pc_req, m->sm_all.p, m->sm_all.len);
	pc->pc_reqlen = m->sm_all.len;
	px_back(fl, &m->sm_via, &back);
	pc->pc_urgent = urgent;
	txns_urgent(px->px_txns, urgent);
	pc->pc_server = txn_server(px->px_txns, key, m->sm_method == SIP_M_INVITE, &back, pc);
	txns_urgent(px->px_txns, 0);
	if (pc->pc_server == NULL) {
		freezero(pc->pc_req, pc->pc_reqlen);
		pctx_spare(pc);
		goto overload;
	}
	TAILQ_INSERT_TAIL(&px->px_list, pc, pc_entry);
	htab_insert(&px->px_ctxs, &pc->pc_idnode, pctx_hash(pc->pc_id));
	px->px_nctx++;
	px->px_ctxbytes += pc->pc_reqlen;
	return (pc);

overload:
	px->px_stats.ps_overload++;
	px_reply(px, fl, m, NULL, 503, NULL, &retry, 1);
	return (NULL);
}

struct pctx *
pctx_find(struct proxy *px, uint64_t id)
{
	struct hnode	*hn;
	struct pctx	*pc;

	for (hn = htab_first(&px->px_ctxs, pctx_hash(id)); hn != NULL; hn = htab_next(hn)) {
		pc = HTAB_OF(hn, struct pctx, pc_idnode);
		if (pc->pc_id == id)
			return (pc);
	}
	return (NULL);
}

void
pctx_free(struct pctx *pc)
{
	struct proxy	*px = pc->pc_px;
	struct branch	*br;

	TAILQ_REMOVE(&px->px_list, pc, pc_entry);
	if (pc->pc_reap)
		TAILQ_REMOVE(&px->px_reap, pc, pc_reapentry);
	htab_remove(&px->px_ctxs, &pc->pc_idnode);
	px->px_nctx--;
	px->px_ctxbytes -= pc->pc_reqlen;
	tmr_stop(&px->px_tmrs, &pc->pc_tmr);
	while ((br = TAILQ_FIRST(&pc->pc_branches)) != NULL)
		branch_free(br);
	pctx_ended(pc);
	if (pc->pc_server != NULL) {
		pc->pc_server->tx_arg = NULL;
		if (!txn_server_final(pc->pc_server))
			txn_free(pc->pc_server);
	}
	if (px->px_again_id == pc->pc_id)
		px->px_again_id = 0;
	freezero(pc->pc_req, pc->pc_reqlen);
	free(pc->pc_target);
	free(pc->pc_routes);
	pctx_spare(pc);
}

void
pctx_mark(struct pctx *pc)
{
	if (pc->pc_reap)
		return;
	pc->pc_reap = 1;
	TAILQ_INSERT_TAIL(&pc->pc_px->px_reap, pc, pc_reapentry);
}

/*
 * Free what nobody waits for any more; at the end of each call into us.  A
 * transaction that only repeats its last message goes on by itself; those of
 * an answered INVITE need us for every 2xx that may still come.
 */
void
pctx_reap(struct proxy *px)
{
	struct pctx	*pc;
	struct branch	*br;
	int		 busy;

	while ((pc = TAILQ_FIRST(&px->px_reap)) != NULL) {
		TAILQ_REMOVE(&px->px_reap, pc, pc_reapentry);
		pc->pc_reap = 0;
		busy = pc->pc_check != 0 || (pc->pc_server != NULL &&
		    (!txn_server_final(pc->pc_server) ||
		    pc->pc_server->tx_state == TXN_ACCEPTED));
		TAILQ_FOREACH(br, &pc->pc_branches, br_entry)
			busy |= br->br_opening || (br->br_txn != NULL &&
			    (!br->br_final || br->br_txn->tx_state == TXN_ACCEPTED));
		if (!busy)
			pctx_free(pc);
	}
}

const struct sip_msg *
pctx_msg(struct pctx *pc)
{
	struct proxy	*px = pc->pc_px;

	if (px->px_again_id == pc->pc_id)
		return (&px->px_again);
	/* It was parsed before; it cannot fail now. */
	px->px_again_id = 0;
	if (sip_parse(&px->px_again, pc->pc_req, pc->pc_reqlen,
	    px_parse_flags(&pc->pc_flow)) == -1)
		return (NULL);
	px->px_again_id = pc->pc_id;
	return (&px->px_again);
}

/* What an INVITE held until it failed. */
static void
pctx_ended(struct pctx *pc)
{
	struct proxy	*px = pc->pc_px;

	pair_drop(px, pc->pc_pair);
	pc->pc_pair = NULL;
	limits_call_end(px->px_limits, pc->pc_limit);
	pc->pc_limit = 0;
	media_drop(pc);
}

void
pctx_answer(struct pctx *pc, int status, const char *reason,
    const struct sip_extra *extra, size_t nextra)
{
	struct proxy		*px = pc->pc_px;
	const struct sip_msg	*m;
	struct wbuf		 w;
	char			 via[128];

	if (pc->pc_final)
		return;
	pc->pc_final = 1;
	tmr_stop(&px->px_tmrs, &pc->pc_tmr);
	if (pc->pc_method == SIP_M_INVITE && pc->pc_dialog == 0)
		dialog_drop_early(px, pc->pc_id);
	pctx_ended(pc);
	pctx_mark(pc);
	if (pc->pc_server == NULL || (m = pctx_msg(pc)) == NULL)
		return;
	px_via_params(&pc->pc_flow, &m->sm_via, via, sizeof(via));
	px_wbuf(px, &w);
	if (sip_build_response(&w, m, status, reason, pc->pc_totag, via, extra, nextra) == -1)
		return;
	if (w.w_len > px->px_outmax)
		px->px_outmax = w.w_len;
	(void)txn_respond(pc->pc_server, (unsigned)status, w.w_buf, w.w_len);
}

void
pctx_trying(struct pctx *pc)
{
	struct proxy		*px = pc->pc_px;
	const struct sip_msg	*m;
	struct wbuf		 w;
	char			 via[128];

	if (pc->pc_server == NULL || (m = pctx_msg(pc)) == NULL)
		return;
	px_via_params(&pc->pc_flow, &m->sm_via, via, sizeof(via));
	px_wbuf(px, &w);
	if (sip_build_response(&w, m, 100, NULL, NULL, via, NULL, 0) == -1)
		return;
	if (w.w_len > px->px_outmax)
		px->px_outmax = w.w_len;
	(void)txn_respond(pc->pc_server, 100, w.w_buf, w.w_len);
}

void
pctx_timer_c(struct pctx *pc)
{
	if (pc->pc_method == SIP_M_INVITE && !pc->pc_final)
		tmr_set(&pc->pc_px->px_tmrs, &pc->pc_tmr, PX_TIMER_C);
}

static void
pctx_tmr(void *arg)
{
	struct pctx	*pc = arg;
	struct branch	*br;

	if (pc->pc_check != 0) {
		pc->pc_check = 0;
		in_refuse(pc, REFUSAL_BUSY, 5);
		return;
	}
	TAILQ_FOREACH(br, &pc->pc_branches, br_entry)
		branch_detach(br);
	pctx_answer(pc, pc->pc_cancelled ? 487 : 408, NULL, NULL, 0);
}

/* RFC 3261 16.10; the CANCEL itself was answered. */
void
pctx_cancel(struct pctx *pc)
{
	struct branch	*br = pc->pc_branch;

	if (pc->pc_final)
		return;
	pc->pc_cancelled = 1;
	if (pc->pc_check != 0) {
		pc->pc_check = 0;
		pctx_answer(pc, 487, NULL, NULL, 0);
		return;
	}
	if (br == NULL || br->br_opening || br->br_kind == BR_DIRECT) {
		/* Nothing was sent, or a late 2xx is ours to end: the caller
		 * need not wait. */
		if (br != NULL)
			branch_detach(br);
		pctx_answer(pc, 487, NULL, NULL, 0);
		return;
	}
	branch_cancel(br);
}

void
pctx_flow_gone(struct proxy *px, uint64_t conn)
{
	struct pctx	*pc;

	/*
	 * A caller from outside whose connection is gone cannot be answered;
	 * its call is cancelled.  An inside hop may call again on another
	 * connection, but not see the answer: the same.
	 */
	TAILQ_FOREACH(pc, &px->px_list, pc_entry) {
		if (pc->pc_flow.fl_conn != conn || pc->pc_final)
			continue;
		if (pc->pc_method == SIP_M_INVITE)
			pctx_cancel(pc);
	}
}

void
pctx_pass(struct pctx *pc, struct branch *br, const struct sip_msg *m, int status)
{
	struct proxy		*px = pc->pc_px;
	struct sip_extra	 retry = { "Retry-After", "5" };
	struct dialog		*dl = NULL;
	struct wbuf		 w;
	int			 border;

	if (pc->pc_server == NULL)
		return;
	if (pc->pc_final && !(pc->pc_method == SIP_M_INVITE && status < 300 &&
	    status >= 200 && pc->pc_server->tx_state == TXN_ACCEPTED)) {
		if (pc->pc_method == SIP_M_INVITE && status >= 200 && status < 300)
			out_close(br, m);
		return;
	}
	border = br->br_kind == BR_DIRECT || br->br_kind == BR_INWARD;
	if ((pc->pc_method == SIP_M_INVITE && status > 100 && status < 300) ||
	    (pc->pc_method == SIP_M_UPDATE && pc->pc_dialog != 0 && status >= 200 &&
	    status < 300)) {
		dl = dialog_answer(pc, br, m);
		if (dl == NULL && border) {
			/* A call whose dialog we cannot guard is not made. */
			px->px_stats.ps_overload++;
			if (status >= 200) {
				out_close(br, m);
				pctx_answer(pc, 503, NULL, &retry, 1);
			} else if (m->sm_to.sa_tag.len == 0)
				goto write;
			return;
		}
	} else if (pc->pc_dialog != 0)
		dl = dialog_get(px, pc->pc_dialog);
write:
	px_wbuf(px, &w);
	if (px_write_response(pc, br, m, status, dl, &w) == -1) {
		if (status < 200)
			return;
		if (pc->pc_method == SIP_M_INVITE && status < 300)
			out_close(br, m);
		pctx_answer(pc, 500, NULL, NULL, 0);
		return;
	}
	if (w.w_len > px->px_outmax)
		px->px_outmax = w.w_len;
	if (status >= 200) {
		pc->pc_final = 1;
		tmr_stop(&px->px_tmrs, &pc->pc_tmr);
		if (status >= 300 && pc->pc_method == SIP_M_INVITE && pc->pc_dialog == 0)
			dialog_drop_early(px, pc->pc_id);
		if (status >= 300)
			pctx_ended(pc);
		pctx_mark(pc);
	} else if (status >= 180)
		pc->pc_passed = 1;
	(void)txn_respond(pc->pc_server, (unsigned)status, w.w_buf, w.w_len);
	if (pc->pc_method == SIP_M_INVITE && status >= 200 && status < 300 &&
	    br->br_kind == BR_HOP && (br->br_txn == NULL || !br->br_txn->tx_lent)) {
		/* Nothing is made of the request any more: a further 2xx of a hop
		 * just goes on. */
		freezero(br->br_req, br->br_reqlen);
		br->br_req = NULL;
		br->br_reqlen = 0;
	}
	if (pc->pc_method == SIP_M_BYE && dl != NULL && dl->dl_ended &&
	    ((status >= 200 && status < 300) || status == 481))
		pctx_over(dl);
}

/*
 * A BYE was answered: what is left on the way is here within T4, and the 2xx to
 * the INVITE is not repeated any more.  Of the INVITE only the transaction that
 * takes its repeats stays, unless it was answered by several: then another 2xx
 * may come.
 */
static void
pctx_over(struct dialog *dl)
{
	struct proxy	*px = dl->dl_px;
	struct pctx	*pc;
	struct branch	*br;

	tmr_set(&px->px_tmrs, &dl->dl_tmr, PX_LINGER_OVER);
	if ((pc = pctx_find(px, dl->dl_ctx)) == NULL || !pc->pc_final ||
	    pc->pc_ndialogs > 1 || pc->pc_server == NULL ||
	    pc->pc_server->tx_state != TXN_ACCEPTED)
		return;
	TAILQ_FOREACH(br, &pc->pc_branches, br_entry)
		if (br->br_opening || (br->br_txn != NULL &&
		    (!br->br_final || br->br_closed)))
			return;
	TAILQ_FOREACH(br, &pc->pc_branches, br_entry) {
		if (br->br_txn == NULL || br->br_txn->tx_state != TXN_ACCEPTED)
			continue;
		br->br_txn->tx_arg = NULL;
		txn_client_drop(br->br_txn);
		br->br_txn = NULL;
	}
	pctx_free(pc);
}

/* -- branches -- */

struct branch *
branch_new(struct pctx *pc, enum br_kind kind)
{
	struct proxy	*px = pc->pc_px;
	struct branch	*br;
	char		 rnd[17];

	if ((br = calloc(1, sizeof(*br))) == NULL)
		return (NULL);
	br->br_ctx = pc;
	br->br_kind = kind;
	br->br_id = px->px_next_id++;
	tmr_init(&br->br_tmr, branch_tmr, br);
	px_hex(px, rnd, 8);
	(void)strlcpy(br->br_branch, "z9hG4bK", sizeof(br->br_branch));
	(void)strlcat(br->br_branch, pc->pc_loop[0] != '\0' ? pc->pc_loop :
	    "0000000000000000", sizeof(br->br_branch));
	(void)strlcat(br->br_branch, rnd, sizeof(br->br_branch));
	TAILQ_INSERT_TAIL(&pc->pc_branches, br, br_entry);
	return (br);
}

static void
branch_closed(struct branch *br)
{
	struct proxy	*px = br->br_ctx->pc_px;

	if (!br->br_opening)
		return;
	RB_REMOVE(branch_tree, &px->px_opening, br);
	br->br_opening = 0;
	px->px_ops->po_open_cancel(px->px_ctx, br->br_id);
}

void
branch_free(struct branch *br)
{
	struct proxy	*px = br->br_ctx->pc_px;

	branch_closed(br);
	TAILQ_REMOVE(&br->br_ctx->pc_branches, br, br_entry);
	tmr_stop(&px->px_tmrs, &br->br_tmr);
	if (br->br_txn != NULL) {
		br->br_txn->tx_arg = NULL;
		/* It may not outlive the request that was lent to it. */
		if (!br->br_final || br->br_txn->tx_lent)
			txn_client_drop(br->br_txn);
	}
	if (br->br_ctx->pc_branch == br)
		br->br_ctx->pc_branch = NULL;
	freezero(br->br_req, br->br_reqlen);
	free(br);
}

int
branch_send(struct branch *br)
{
	struct pctx	*pc = br->br_ctx;
	struct proxy	*px = pc->pc_px;
	struct txn_key	 key;
	struct wbuf	 w;
	int		 error = 0;

	if (br->br_flow.fl_face == FACE_INSIDE)
		px_local(px, &br->br_flow.fl_local);
	px_wbuf(px, &w);
	br->br_full = 2;
	if (px_write_request(br, &w) == -1 || w.w_len >
	    (br->br_flow.fl_proto == SIP_UDP ? PX_UDP_MAX : SIP_MSG_MAX))
		return (-1);
	if (w.w_len > px->px_outmax)
		px->px_outmax = w.w_len;
	if (br->br_txn != NULL) {
		/* Sent before: that one may not outlive its request. */
		br->br_txn->tx_arg = NULL;
		txn_client_drop(br->br_txn);
		br->br_txn = NULL;
	}
	freezero(br->br_req, br->br_reqlen);
	br->br_reqlen = 0;
	if ((br->br_req = malloc(w.w_len)) == NULL)
		return (-1);
	memcpy(br->br_req, w.w_buf, w.w_len);
	br->br_reqlen = w.w_len;
	px_key_client(br->br_branch, sip_method_str(pc->pc_method), &key);
	txns_urgent(px->px_txns, pc->pc_urgent);
	br->br_txn = txn_client_lend(px->px_txns, &key, pc->pc_method == SIP_M_INVITE,
	    &br->br_flow, br->br_req, br->br_reqlen, br, &error);
	txns_urgent(px->px_txns, 0);
	br->br_full = br->br_txn == NULL && !error;
	return (br->br_txn == NULL ? -1 : 0);
}

/* What bounds the wait for an answer beside the transaction's own timers. */
void
branch_sent(struct branch *br)
{
	struct pctx	*pc = br->br_ctx;

	/* Silence matters only where somebody else can be asked. */
	if ((br->br_kind == BR_HOP || br->br_kind == BR_INWARD) &&
	    pc->pc_next < pc->pc_ntargets)
		branch_timer(br, PX_HOP_SILENCE);
	pctx_timer_c(pc);
}

void
branch_timer(struct branch *br, uint64_t ms)
{
	tmr_set(&br->br_ctx->pc_px->px_tmrs, &br->br_tmr, ms);
}

static void
branch_tmr(void *arg)
{
	struct branch	*br = arg;

	if (br->br_opening) {
		branch_closed(br);
		branch_failed(br, FALL_NOCONN);
	} else if (br->br_cancel == 2) {
		/* No final answer to what we cancelled: RFC 3261 9.1. */
		if (br->br_txn != NULL) {
			br->br_txn->tx_arg = NULL;
			txn_client_drop(br->br_txn);
			br->br_txn = NULL;
		}
		branch_failed(br, FALL_SILENCE);
	} else if (!br->br_final)
		branch_failed(br, FALL_SILENCE);
	pctx_mark(br->br_ctx);
}

static void
branch_cancel(struct branch *br)
{
	struct pctx	*pc = br->br_ctx;
	struct proxy	*px = pc->pc_px;
	struct txn_key	 key;
	struct wbuf	 w;
	int		 error;

	if (br->br_final || br->br_txn == NULL || br->br_cancel == 2 ||
	    pc->pc_method != SIP_M_INVITE)
		return;
	br->br_cancel = 1;
	if (!br->br_provisional)
		return;
	br->br_cancel = 2;
	branch_timer(br, PX_CANCEL_WAIT);
	if (sip_parse(&px->px_third, br->br_req, br->br_reqlen,
	    px_parse_flags(&br->br_flow) | SIP_INSIDE | SIP_OWN) == -1)
		return;
	px_wbuf(px, &w);
	if (sip_build_cancel(&w, &px->px_third, NULL) == -1)
		return;
	if (w.w_len > px->px_outmax)
		px->px_outmax = w.w_len;
	px_key_client(br->br_branch, "CANCEL", &key);
	(void)txn_client(px->px_txns, &key, 0, &br->br_flow, w.w_buf, w.w_len, NULL, &error);
}

void
branch_detach(struct branch *br)
{
	struct proxy	*px = br->br_ctx->pc_px;

	br->br_detached = 1;
	pctx_mark(br->br_ctx);
	if (br->br_opening) {
		branch_closed(br);
		br->br_final = 1;
	}
	if (br->br_final)
		return;
	/* The wait after a CANCEL goes on: it alone ends the transaction. */
	if (br->br_cancel != 2)
		tmr_stop(&px->px_tmrs, &br->br_tmr);
	branch_cancel(br);
}

static void
branch_ack(struct branch *br, const struct sip_msg *m)
{
	struct proxy	*px = br->br_ctx->pc_px;
	struct wbuf	 w;

	if (br->br_txn == NULL || sip_parse(&px->px_third, br->br_req, br->br_reqlen,
	    px_parse_flags(&br->br_flow) | SIP_INSIDE | SIP_OWN) == -1)
		return;
	px_wbuf(px, &w);
	if (sip_build_ack(&w, &px->px_third, m) == -1)
		return;
	if (w.w_len > px->px_outmax)
		px->px_outmax = w.w_len;
	(void)txn_client_ack(br->br_txn, w.w_buf, w.w_len);
}

/* A request inside a dialog got no answer. */
static void
dialog_request_failed(struct branch *br, int event)
{
	struct pctx	*pc = br->br_ctx;

	if (event == FALL_LOST && br->br_kind != BR_DIALOG_OUT && br->br_proto != SIP_UDP &&
	    !br->br_provisional && !pc->pc_again && !pc->pc_cancelled) {
		within_again(br);
		return;
	}
	if (pc->pc_method == SIP_M_INVITE)
		pctx_answer(pc, pc->pc_cancelled ? 487 :
		    event == FALL_SILENCE ? 408 : 503, NULL, NULL, 0);
	else if (event != FALL_SILENCE)
		pctx_answer(pc, 503, NULL, NULL, 0);
	else if (pc->pc_server != NULL) {
		/* RFC 4320: a non-INVITE gets no 408; it has timed out at
		 * its sender by now. */
		pc->pc_server->tx_arg = NULL;
		txn_free(pc->pc_server);
		pc->pc_server = NULL;
		pc->pc_final = 1;
	}
}

void
branch_failed(struct branch *br, int event)
{
	struct pctx	*pc = br->br_ctx;

	pctx_mark(pc);
	if (br->br_txn == NULL)
		br->br_final = 1;
	tmr_stop(&pc->pc_px->px_tmrs, &br->br_tmr);
	if (br->br_detached || pc->pc_final)
		return;
	switch (br->br_kind) {
	case BR_HOP:
	case BR_INWARD:
		hop_failed(br, event);
		break;
	case BR_DIRECT:
		out_failed(br, event);
		break;
	case BR_DIALOG_HOP:
	case BR_DIALOG_OUT:
	case BR_DIALOG_IN:
		dialog_request_failed(br, event);
		break;
	}
}

void
branch_response(struct branch *br, const struct sip_msg *m)
{
	struct pctx	*pc = br->br_ctx;
	struct proxy	*px = pc->pc_px;
	int		 status = m->sm_status;

	if (status < 200) {
		br->br_provisional = 1;
		if (br->br_cancel == 1)
			branch_cancel(br);
	} else {
		br->br_final = 1;
		tmr_stop(&px->px_tmrs, &br->br_tmr);
		if (pc->pc_method == SIP_M_INVITE && status >= 300)
			branch_ack(br, m);
		pctx_mark(pc);
	}
	if (br->br_detached) {
		if (pc->pc_method == SIP_M_INVITE && status >= 200 && status < 300)
			out_close(br, m);
		return;
	}
	if (px->px_media == MEDIA_FAILED) {
		media_lost(br, m);
		return;
	}
	switch (br->br_kind) {
	case BR_HOP:
	case BR_INWARD:
		hop_response(br, m);
		break;
	case BR_DIRECT:
		out_response(br, m);
		break;
	case BR_DIALOG_HOP:
	case BR_DIALOG_OUT:
	case BR_DIALOG_IN:
		if (status == 100)
			break;
		if (status < 200)
			pctx_timer_c(pc);
		if (br->br_kind != BR_DIALOG_HOP)
			status = border_status_out(status);
		pctx_pass(pc, br, m, status);
		break;
	}
}
