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
 * core: the proxy's entry points: messages in, transactions matched, and what
 * the transaction layer tells us.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy_int.h"

static int	 px_op_send(void *, const struct sip_flow *, const uint8_t *, size_t);
static void	 px_op_failed(void *, struct txn *, int);
static void	 px_op_gone(void *, struct txn *);
static int	 px_leg(void *, const struct imsg_leg *);
static int	 px_key_server(struct proxy *, const struct sip_flow *,
		    const struct sip_msg *, enum sip_method, struct txn_key *);
static void	 px_request(struct proxy *, const struct sip_flow *, const struct sip_msg *);
static void	 px_cancel(struct proxy *, const struct sip_flow *, const struct sip_msg *,
		    const struct txn_key *);
static void	 px_text_wipe(struct proxy *);
static void	 px_response(struct proxy *, const struct sip_flow *, const struct sip_msg *);

static const struct txn_ops px_txn_ops = { px_op_send, px_op_failed, px_op_gone };

struct proxy *
proxy_new(const struct proxy_ops *ops, void *ctx, struct rtab *rtab,
    const struct seal_keys *seals, uint64_t boot_ms, uint64_t utc_ms)
{
	struct proxy	*px;

	if ((px = calloc(1, sizeof(*px))) == NULL)
		return (NULL);
	px->px_ops = ops;
	px->px_ctx = ctx;
	px->px_rtab = rtab;
	px->px_seals = *seals;
	seal_keys_derive(&px->px_seals);
	px->px_utc = utc_ms;
	px->px_started = utc_ms / 1000;
	px->px_next_id = 1;
	TAILQ_INIT(&px->px_list);
	TAILQ_INIT(&px->px_reap);
	TAILQ_INIT(&px->px_dialog_list);
	TAILQ_INIT(&px->px_spare);
	RB_INIT(&px->px_opening);
	RB_INIT(&px->px_pairs);
	RB_INIT(&px->px_media_jobs);
	tmrs_init(&px->px_tmrs, boot_ms);
	/* The Call-ID mask must open what it closed before a restart. */
	(void)crypto_generichash(px->px_callid_key, sizeof(px->px_callid_key),
	    (const unsigned char *)"sipgw call-id", 13, seals->sk_key[0],
	    sizeof(seals->sk_key[0]));
	ops->po_random(ctx, px->px_loop_key, sizeof(px->px_loop_key));
	px->px_txns = txns_new(&px->px_tmrs, &px_txn_ops, px, PX_TXNS_MAX, PX_TXN_BYTES);
	px->px_legs = legs_new(&px->px_tmrs, PX_LEGS_MAX, px_leg, px);
	px->px_limits = limits_new();
	if (px->px_txns == NULL || px->px_legs == NULL || px->px_limits == NULL ||
	    htab_init(&px->px_ctxs) == -1 || htab_init(&px->px_dialogs) == -1 ||
	    htab_init(&px->px_dialogs_id) == -1) {
		proxy_free(px);
		return (NULL);
	}
	return (px);
}

void
proxy_free(struct proxy *px)
{
	struct pctx	*pc;
	struct dialog	*dl;

	if (px == NULL)
		return;
	/* Calls that are up go on without us: nothing is told to the engine. */
	media_free(px);
	while ((pc = TAILQ_FIRST(&px->px_list)) != NULL)
		pctx_free(pc);
	while ((dl = TAILQ_FIRST(&px->px_dialog_list)) != NULL)
		dialog_free(dl);
	while ((pc = TAILQ_FIRST(&px->px_spare)) != NULL) {
		TAILQ_REMOVE(&px->px_spare, pc, pc_entry);
		free(pc);
	}
	htab_free(&px->px_ctxs);
	htab_free(&px->px_dialogs);
	htab_free(&px->px_dialogs_id);
	txns_free(px->px_txns);
	legs_free(px->px_legs);
	limits_free(px->px_limits);
	hops_free(px);
	freezero(px, sizeof(*px));
}

void
proxy_clock(struct proxy *px, uint64_t boot_ms, uint64_t utc_ms)
{
	if (boot_ms > px->px_tmrs.ts_now)
		px->px_tmrs.ts_now = boot_ms;
	px->px_utc = utc_ms;
}

uint64_t
px_now(const struct proxy *px)
{
	return (px->px_tmrs.ts_now);
}

uint64_t
px_now_s(const struct proxy *px)
{
	return (px->px_utc / 1000);
}

void
px_hex(struct proxy *px, char *out, size_t bytes)
{
	uint8_t	b[32];

	px->px_ops->po_random(px->px_ctx, b, bytes);
	(void)sodium_bin2hex(out, bytes * 2 + 1, b, bytes);
}

/* Texts from the start of each buffer on; what a longer one before left behind
 * the end of a shorter one is seen within eight bytes, or there is none. */
static void
px_text_wipe(struct proxy *px)
{
	static const char	 zero[8];
	char			*p, *end;
	size_t			 i;

	for (i = 0; i < sizeof(px->px_text) / sizeof(px->px_text[0]); i++) {
		p = px->px_text[i];
		end = p + PX_TEXT;
		while (end - p >= (ptrdiff_t)sizeof(zero) && memcmp(p, zero, sizeof(zero)) != 0) {
			size_t	n = strnlen(p, (size_t)(end - p));

			n = n + sizeof(zero) > (size_t)(end - p) ? (size_t)(end - p) :
			    n + sizeof(zero);
			explicit_bzero(p, n);
			p += n;
		}
		if (end - p < (ptrdiff_t)sizeof(zero))
			explicit_bzero(p, (size_t)(end - p));
	}
}

/* Scratch and parsed messages hold numbers and callers: not longer than the
 * call into us lasts. */
void
px_clean(struct proxy *px)
{
	pctx_reap(px);
	if (px->px_outmax > 0)
		explicit_bzero(px->px_out, px->px_outmax);
	px->px_outmax = 0;
	if (px->px_textdirty)
		px_text_wipe(px);
	px->px_textdirty = 0;
	px->px_media = MEDIA_FRESH;
}

void
px_wbuf(struct proxy *px, struct wbuf *w)
{
	wbuf_init(w, px->px_out, sizeof(px->px_out));
}

int
px_send(struct proxy *px, const struct sip_flow *fl, const struct wbuf *w)
{
	if (w->w_len > px->px_outmax)
		px->px_outmax = w->w_len;
	if (wbuf_ok(w) == -1 || w->w_len > SIP_MSG_MAX)
		return (-1);
	return (px->px_ops->po_send(px->px_ctx, fl, w->w_buf, w->w_len));
}

static int
px_op_send(void *ctx, const struct sip_flow *fl, const uint8_t *p, size_t len)
{
	struct proxy	*px = ctx;

	return (px->px_ops->po_send(px->px_ctx, fl, p, len));
}

static int
px_leg(void *ctx, const struct imsg_leg *m)
{
	struct proxy	*px = ctx;

	return (px->px_ops->po_leg(px->px_ctx, m));
}

static void
px_op_failed(void *ctx, struct txn *tx, int error)
{
	struct branch	*br;

	(void)ctx;
	if (tx->tx_kind == TXN_INVITE_CLIENT || tx->tx_kind == TXN_CLIENT) {
		br = tx->tx_arg;
		/* The transaction ends with this; nothing may touch it. */
		br->br_txn = NULL;
		tx->tx_arg = NULL;
		branch_failed(br, error ? FALL_LOST : FALL_SILENCE);
	}
	/* A server's: the ACK never came; there is nobody to tell. */
}

static void
px_op_gone(void *ctx, struct txn *tx)
{
	struct branch	*br;
	struct pctx	*pc;

	(void)ctx;
	if (tx->tx_kind == TXN_INVITE_CLIENT || tx->tx_kind == TXN_CLIENT) {
		br = tx->tx_arg;
		br->br_txn = NULL;
		pc = br->br_ctx;
	} else {
		pc = tx->tx_arg;
		pc->pc_server = NULL;
	}
	pctx_mark(pc);
}

/* The branch is ours and random, so that nobody can choose a key. */
void
px_key_client(const char *branch, const char *method, struct txn_key *key)
{
	uint8_t		 buf[2 + PX_BRANCH + 16];
	struct wbuf	 w;

	wbuf_init(&w, buf, sizeof(buf));
	wbuf_str(&w, "c");
	wbuf_u8(&w, 0);
	wbuf_str(&w, branch);
	wbuf_u8(&w, 0);
	wbuf_str(&w, method);
	(void)crypto_generichash(key->tk_b, sizeof(key->tk_b), buf, w.w_len, NULL, 0);
}

/*
 * RFC 3261 17.2.3.  Outside the verified name belongs to the key, so a CANCEL
 * or ACK of somebody else never matches.  A keyed hash, as strangers choose
 * what goes in; each part with its length.
 */
static int
px_key_server(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    enum sip_method method, struct txn_key *key)
{
	const struct names	*na;
	const char		*name = "";
	struct wbuf		 w;
	size_t			 i;
	char			 c;

	_Static_assert(sizeof(key->tk_b) == crypto_shorthash_siphashx24_BYTES, "key size");
	if (fl->fl_face == FACE_OUTSIDE) {
		if ((na = px->px_ops->po_names(px->px_ctx, fl->fl_conn, NULL)) == NULL ||
		    na->na_count == 0)
			return (-1);
		name = na->na_name[0];
	}
	px_wbuf(px, &w);
	wbuf_u8(&w, 's');
	wbuf_lv_str(&w, 2, name);
	if (method == SIP_M_OTHER)
		wbuf_lv(&w, 2, m->sm_method_name.p, m->sm_method_name.len);
	else
		wbuf_lv_str(&w, 2, sip_method_str(method));
	wbuf_u16(&w, (uint16_t)m->sm_via.sv_host.len);
	for (i = 0; i < m->sm_via.sv_host.len; i++) {
		c = m->sm_via.sv_host.p[i];
		wbuf_u8(&w, (uint8_t)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
	}
	wbuf_u16(&w, m->sm_via.sv_port);
	wbuf_lv(&w, 4, m->sm_via.sv_branch.p, m->sm_via.sv_branch.len);
	if (m->sm_via.sv_branch.len < 8 ||
	    strncasecmp(m->sm_via.sv_branch.p, "z9hG4bK", 7) != 0) {
		wbuf_lv(&w, 4, m->sm_uri.p, m->sm_uri.len);
		wbuf_lv(&w, 4, m->sm_from.sa_tag.p, m->sm_from.sa_tag.len);
		wbuf_lv(&w, 4, m->sm_call_id.p, m->sm_call_id.len);
		wbuf_u32(&w, m->sm_cseq);
		wbuf_lv(&w, 4, m->sm_via.sv_all.p, m->sm_via.sv_all.len);
	}
	if (w.w_len > px->px_outmax)
		px->px_outmax = w.w_len;
	if (wbuf_ok(&w) == -1)
		return (-1);
	(void)crypto_shorthash_siphashx24(key->tk_b, w.w_buf, w.w_len, px->px_loop_key);
	return (0);
}

int
px_parse_flags(const struct sip_flow *fl)
{
	return ((fl->fl_proto != SIP_UDP ? SIP_STREAM : 0) |
	    (fl->fl_face != FACE_OUTSIDE ? SIP_INSIDE : 0));
}

/* RFC 3261 18.2.2 and RFC 3581: without rport a UDP answer goes to the port
 * that the Via names. */
void
px_back(const struct sip_flow *fl, const struct sip_via *via, struct sip_flow *back)
{
	*back = *fl;
	if (fl->fl_proto == SIP_UDP && !via->sv_has_rport)
		back->fl_peer.va_port = via->sv_port != 0 ? via->sv_port : 5060;
}

void
px_reply(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    const struct txn_key *key, int status, const char *reason,
    const struct sip_extra *extra, size_t nextra)
{
	struct sip_flow	 back;
	struct wbuf	 w;
	struct txn	*tx;
	char		 via[128], tag[17];

	if (m->sm_method == SIP_M_ACK)
		return;
	px_back(fl, &m->sm_via, &back);
	px_via_params(fl, &m->sm_via, via, sizeof(via));
	px_hex(px, tag, 8);
	px_wbuf(px, &w);
	if (sip_build_response(&w, m, status, reason, tag, via, extra, nextra) == -1)
		return;
	if (w.w_len > px->px_outmax)
		px->px_outmax = w.w_len;
	tx = key == NULL ? NULL : txn_server(px->px_txns, key,
	    m->sm_method == SIP_M_INVITE, &back, NULL);
	if (tx == NULL) {
		/* No room to remember it: answer all the same. */
		(void)px_send(px, &back, &w);
		return;
	}
	(void)txn_respond(tx, (unsigned)status, w.w_buf, w.w_len);
}

void
proxy_broken(struct proxy *px, const struct sip_flow *fl, const void *p, size_t len,
    enum sip_error err)
{
	struct sip_msg	*m = &px->px_in;

	if (px->px_conf == NULL || guard_message(px, fl, p, len) == -1)
		return;
	px->px_stats.ps_malformed++;
	if (sip_parse(m, p, len, px_parse_flags(fl)) == -1 && err == SIP_E_OK)
		err = m->sm_error;
	px_refused(px, PROXY_REFUSED, fl, fl->fl_face == FACE_OUTSIDE ?
	    "malformed message" : "malformed message from inside", "malformed",
	    sip_error_str(err));
	if (sip_answerable(m))
		px_reply(px, fl, m, NULL, sip_error_status(err), sip_error_str(err), NULL, 0);
	/* Of a whole message too large in other ways sip_frame closes. */
	if (err == SIP_E_TOO_MANY_VIAS && fl->fl_face == FACE_OUTSIDE)
		px->px_ops->po_close(px->px_ctx, fl->fl_conn);
	px_clean(px);
}

void
proxy_input(struct proxy *px, const struct sip_flow *fl, const void *p, size_t len)
{
	struct sip_msg	*m = &px->px_in;

	if (px->px_conf == NULL || guard_message(px, fl, p, len) == -1)
		return;
	if (sip_parse(m, p, len, px_parse_flags(fl)) == -1) {
		proxy_broken(px, fl, p, len, SIP_E_OK);
		return;
	}
	if (fl->fl_face == FACE_INSIDE)
		px_local(px, &fl->fl_local);
	if (m->sm_request) {
		px->px_stats.ps_requests++;
		px_request(px, fl, m);
	} else {
		px->px_stats.ps_responses++;
		px_response(px, fl, m);
	}
	px_clean(px);
}

void
px_message(struct proxy *px, const struct sip_flow *fl, const void *p, size_t len)
{
	struct sip_msg	*m = &px->px_in;

	if (sip_parse(m, p, len, px_parse_flags(fl)) == -1)
		return;
	if (m->sm_request)
		px_request(px, fl, m);
	else
		px_response(px, fl, m);
}

static void
px_cancel(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    const struct txn_key *key)
{
	struct txn_key	 ikey;
	struct txn	*tx;

	if (px_key_server(px, fl, m, SIP_M_INVITE, &ikey) == -1)
		return;
	if ((tx = txn_find(px->px_txns, &ikey)) == NULL ||
	    tx->tx_kind != TXN_INVITE_SERVER) {
		px_reply(px, fl, m, key, 481, NULL, NULL, 0);
		return;
	}
	px_reply(px, fl, m, key, 200, NULL, NULL, 0);
	if (tx->tx_arg != NULL && !txn_server_final(tx))
		pctx_cancel(tx->tx_arg);
}

static void
px_request(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m)
{
	struct txn_key	 key;
	struct txn	*tx;

	if (px_key_server(px, fl, m, m->sm_method == SIP_M_ACK ? SIP_M_INVITE :
	    m->sm_method, &key) == -1)
		return;
	if ((tx = txn_find(px->px_txns, &key)) != NULL) {
		if (m->sm_method != SIP_M_ACK) {
			/* The same peer asks again on another connection: there
			 * it wants the answer. */
			if (tx->tx_kind == TXN_SERVER && fl->fl_proto != SIP_UDP)
				tx->tx_flow = *fl;
			txn_server_repeat(tx);
			return;
		}
		if (txn_server_ack(tx) == 1)
			return;
	}
	if (m->sm_method == SIP_M_CANCEL)
		px_cancel(px, fl, m, &key);
	else if (fl->fl_face == FACE_OUTSIDE)
		in_request(px, fl, m, &key);
	else if (fl->fl_face == FACE_REDIRECT)
		redirect_request(px, fl, m, &key);
	else
		hop_request(px, fl, m, &key);
}

static void
px_response(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m)
{
	struct txn_key	 key;
	struct txn	*tx;
	char		 branch[PX_BRANCH];

	if (ping_response(px, fl, m))
		return;
	if (span_str(m->sm_via.sv_branch, branch, sizeof(branch)) == -1) {
		px->px_stats.ps_stray++;
		return;
	}
	px_key_client(branch, sip_method_str(m->sm_method), &key);
	tx = txn_find(px->px_txns, &key);
	/* None is forwarded by Via; outside it must come on the connection
	 * that the request left on. */
	if (tx == NULL || tx->tx_flow.fl_face != fl->fl_face ||
	    (fl->fl_face == FACE_OUTSIDE && tx->tx_flow.fl_conn != fl->fl_conn)) {
		px->px_stats.ps_stray++;
		return;
	}
	if (tx->tx_arg != NULL && media_response(tx->tx_arg, fl, m))
		return;
	if (txn_client_response(tx, (unsigned)m->sm_status) != 1 || tx->tx_arg == NULL)
		return;
	branch_response(tx->tx_arg, m);
}

void
proxy_opened(struct proxy *px, uint64_t id, const struct sip_flow *fl)
{
	struct branch	*br, k;

	k.br_id = id;
	if (ping_opened(px, id, fl) ||
	    (br = RB_FIND(branch_tree, &px->px_opening, &k)) == NULL)
		return;
	RB_REMOVE(branch_tree, &px->px_opening, br);
	br->br_opening = 0;
	tmr_stop(&px->px_tmrs, &br->br_tmr);
	br->br_flow = *fl;
	if (br->br_kind == BR_DIRECT)
		out_opened(br);
	else if (within_opened(br) == -1 || branch_send(br) == -1)
		branch_failed(br, FALL_NOCONN);
	else
		branch_sent(br);
	px_clean(px);
}

void
proxy_open_failed(struct proxy *px, uint64_t id, const char *why)
{
	struct branch	*br, k;

	k.br_id = id;
	if (ping_open_failed(px, id, why) ||
	    (br = RB_FIND(branch_tree, &px->px_opening, &k)) == NULL)
		return;
	RB_REMOVE(branch_tree, &px->px_opening, br);
	br->br_opening = 0;
	tmr_stop(&px->px_tmrs, &br->br_tmr);
	px_log(px, PROXY_DEBUG, "connection failed: %s", why);
	branch_failed(br, FALL_NOCONN);
	px_clean(px);
}

void
proxy_flow_gone(struct proxy *px, uint64_t conn)
{
	ping_flow_gone(px, conn);
	txns_flow_gone(px->px_txns, conn);
	pctx_flow_gone(px, conn);
	px_clean(px);
}

void
proxy_ticket(struct proxy *px, uint64_t reqid, enum refusal refusal, uint32_t name,
    uint64_t not_after)
{
	struct pctx	*pc;

	if ((pc = pctx_find(px, reqid)) == NULL || pc->pc_check == 0)
		return;
	pc->pc_check = 0;
	tmr_stop(&px->px_tmrs, &pc->pc_tmr);
	in_ticket(pc, refusal, name, not_after);
	px_clean(px);
}

void
proxy_key_gone(struct proxy *px)
{
	struct pctx	*pc, *next;

	TAILQ_FOREACH_SAFE(pc, &px->px_list, pc_entry, next) {
		if (pc->pc_check == 0)
			continue;
		pc->pc_check = 0;
		tmr_stop(&px->px_tmrs, &pc->pc_tmr);
		in_refuse(pc, REFUSAL_BUSY, 5);
	}
	px_clean(px);
}

void
proxy_run(struct proxy *px)
{
	tmrs_run(&px->px_tmrs, px->px_tmrs.ts_now, 1000);
	px_clean(px);
}

int64_t
proxy_wait(const struct proxy *px)
{
	return (tmrs_wait(&px->px_tmrs, px->px_tmrs.ts_now));
}

size_t
proxy_contexts(const struct proxy *px)
{
	return (px->px_nctx);
}

void
proxy_stats(struct proxy *px, struct proxy_stats *out)
{
	struct legs_stats	 ls;

	*out = px->px_stats;
	legs_stats(px->px_legs, &ls);
	out->ps_legs_reported = ls.ls_reported;
	out->ps_legs_unsent = ls.ls_unsent;
	out->ps_legs_dropped = ls.ls_dropped;
	out->ps_legs = ls.ls_live;
	out->ps_txns = txns_count(px->px_txns);
	out->ps_media_state = ng_state(px->px_ng);
	ng_stats(px->px_ng, &out->ps_media);
	out->ps_contexts = px->px_nctx;
	out->ps_dialogs = px->px_ndialogs;
}
