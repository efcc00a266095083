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
 * core: questions to rtpengine: cookies, copies of what was not answered,
 * answers kept for the same question, pings.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ng.h"

enum req_kind { REQ_ASK, REQ_DELETE, REQ_PING };

struct ng_req {
	RB_ENTRY(ng_req) nq_entry;	/* by id; the ng owns it */
	RB_ENTRY(ng_req) nq_hashentry;	/* of questions */
	struct ng	*nq_ng;
	uint64_t	 nq_id;
	enum req_kind	 nq_kind;
	uint8_t		 nq_hash[32];	/* call, question */
	uint8_t		*nq_msg;
	size_t		 nq_len;
	unsigned	 nq_sends;
	struct tmr	 nq_tmr;
};
RB_HEAD(req_tree, ng_req);
RB_HEAD(req_hashtree, ng_req);

/* An answer that may be asked for again. */
struct ng_kept {
	RB_ENTRY(ng_kept) nk_entry;	/* by hash; the ng owns it */
	TAILQ_ENTRY(ng_kept) nk_list;	/* oldest first */
	uint8_t		 nk_hash[32];
	uint64_t	 nk_until;
	char		*nk_sdp;
	size_t		 nk_len;
};
RB_HEAD(kept_tree, ng_kept);
TAILQ_HEAD(kept_list, ng_kept);

struct ng {
	struct tmrs	*ng_tmrs;
	const struct ng_ops *ng_ops;
	void		*ng_ctx;
	enum ng_state	 ng_st;
	char		 ng_ifname[2][NG_NAME];
	char		 ng_prefix[17];	/* of our cookies */
	uint64_t	 ng_next;
	uint64_t	 ng_heard;	/* boot ms */
	int		 ng_pinging;
	struct req_tree	 ng_reqs;
	struct req_hashtree ng_hashes;
	size_t		 ng_pending;
	struct kept_tree ng_kept;
	struct kept_list ng_keptlist;
	size_t		 ng_keptbytes;
	struct tmr	 ng_tmr;	/* pings */
	struct tmr	 ng_old;	/* kept answers */
	struct ng_stats	 ng_st_counts;
	uint8_t		 ng_buf[NG_MSG_MAX];
};

static int	 req_cmp(const struct ng_req *, const struct ng_req *);
static int	 req_hashcmp(const struct ng_req *, const struct ng_req *);
static int	 kept_cmp(const struct ng_kept *, const struct ng_kept *);
static void	 ng_hash(const struct ng_ask *, uint8_t [32]);
static void	 ng_callhash(const char *, uint8_t [16]);
static void	 ng_cookie(const struct ng *, uint64_t, char *, size_t);
static struct ng_req *req_new(struct ng *, enum req_kind, const struct wbuf *, uint64_t,
		    const uint8_t *);
static void	 req_free(struct ng_req *);
static void	 req_send(struct ng_req *);
static void	 req_tmr(void *);
static void	 req_fail(struct ng_req *, const char *);
static void	 kept_free(struct ng *, struct ng_kept *);
static void	 kept_add(struct ng *, const uint8_t *, struct span);
static void	 kept_drop(struct ng *, const uint8_t [16]);
static void	 ng_old(void *);
static void	 ng_tick(void *);
static void	 ng_ping(struct ng *);
static void	 ng_turn(struct ng *, enum ng_state);
static void	 ng_write(const struct ng *, struct wbuf *, const struct ng_ask *);
static void	 ng_fail_all(struct ng *, const char *);

RB_PROTOTYPE(req_tree, ng_req, nq_entry, req_cmp)
RB_GENERATE(req_tree, ng_req, nq_entry, req_cmp)
RB_PROTOTYPE(req_hashtree, ng_req, nq_hashentry, req_hashcmp)
RB_GENERATE(req_hashtree, ng_req, nq_hashentry, req_hashcmp)
RB_PROTOTYPE(kept_tree, ng_kept, nk_entry, kept_cmp)
RB_GENERATE(kept_tree, ng_kept, nk_entry, kept_cmp)

static int
req_cmp(const struct ng_req *a, const struct ng_req *b)
{
	return (a->nq_id < b->nq_id ? -1 : a->nq_id > b->nq_id);
}

static int
req_hashcmp(const struct ng_req *a, const struct ng_req *b)
{
	return (memcmp(a->nq_hash, b->nq_hash, sizeof(a->nq_hash)));
}

static int
kept_cmp(const struct ng_kept *a, const struct ng_kept *b)
{
	return (memcmp(a->nk_hash, b->nk_hash, sizeof(a->nk_hash)));
}

struct ng *
ng_new(struct tmrs *tmrs, const struct ng_ops *ops, void *ctx)
{
	struct ng	*ng;
	uint8_t		 rnd[8];

	if ((ng = calloc(1, sizeof(*ng))) == NULL)
		return (NULL);
	ng->ng_tmrs = tmrs;
	ng->ng_ops = ops;
	ng->ng_ctx = ctx;
	ng->ng_next = 1;
	RB_INIT(&ng->ng_reqs);
	RB_INIT(&ng->ng_hashes);
	RB_INIT(&ng->ng_kept);
	TAILQ_INIT(&ng->ng_keptlist);
	tmr_init(&ng->ng_tmr, ng_tick, ng);
	tmr_init(&ng->ng_old, ng_old, ng);
	ops->no_random(ctx, rnd, sizeof(rnd));
	(void)sodium_bin2hex(ng->ng_prefix, sizeof(ng->ng_prefix), rnd, sizeof(rnd));
	return (ng);
}

void
ng_free(struct ng *ng)
{
	struct ng_req	*nq;
	struct ng_kept	*nk;

	if (ng == NULL)
		return;
	while ((nq = RB_MIN(req_tree, &ng->ng_reqs)) != NULL)
		req_free(nq);
	while ((nk = TAILQ_FIRST(&ng->ng_keptlist)) != NULL)
		kept_free(ng, nk);
	tmr_stop(ng->ng_tmrs, &ng->ng_tmr);
	tmr_stop(ng->ng_tmrs, &ng->ng_old);
	freezero(ng, sizeof(*ng));
}

/* -- what was answered -- */

static void
kept_free(struct ng *ng, struct ng_kept *nk)
{
	RB_REMOVE(kept_tree, &ng->ng_kept, nk);
	TAILQ_REMOVE(&ng->ng_keptlist, nk, nk_list);
	ng->ng_keptbytes -= nk->nk_len + sizeof(*nk);
	freezero(nk->nk_sdp, nk->nk_len);	/* SRTP keys */
	free(nk);
}

/* Only the latest answer of a call: an earlier one would not be what the
 * engine does now (a call that forks has several answers). */
static void
kept_add(struct ng *ng, const uint8_t *hash, struct span sdp)
{
	struct ng_kept	*nk;

	kept_drop(ng, hash);
	if ((nk = calloc(1, sizeof(*nk))) == NULL)
		return;
	memcpy(nk->nk_hash, hash, sizeof(nk->nk_hash));
	if ((nk->nk_sdp = malloc(sdp.len + !sdp.len)) == NULL ||
	    RB_INSERT(kept_tree, &ng->ng_kept, nk) != NULL) {
		free(nk->nk_sdp);
		free(nk);
		return;
	}
	memcpy(nk->nk_sdp, sdp.p, sdp.len);
	nk->nk_len = sdp.len;
	nk->nk_until = ng->ng_tmrs->ts_now + NG_KEEP_MS;
	TAILQ_INSERT_TAIL(&ng->ng_keptlist, nk, nk_list);
	ng->ng_keptbytes += nk->nk_len + sizeof(*nk);
	while (ng->ng_keptbytes > NG_KEPT_BYTES)
		kept_free(ng, TAILQ_FIRST(&ng->ng_keptlist));
	if (!ng->ng_old.tm_on)
		tmr_set(ng->ng_tmrs, &ng->ng_old, NG_KEEP_MS);
}

/* All of a call, whose hash it is. */
static void
kept_drop(struct ng *ng, const uint8_t call[16])
{
	struct ng_kept	 k, *nk;

	memset(k.nk_hash, 0, sizeof(k.nk_hash));
	memcpy(k.nk_hash, call, 16);
	while ((nk = RB_NFIND(kept_tree, &ng->ng_kept, &k)) != NULL &&
	    memcmp(nk->nk_hash, k.nk_hash, 16) == 0)
		kept_free(ng, nk);
}

static void
ng_old(void *arg)
{
	struct ng	*ng = arg;
	struct ng_kept	*nk;

	while ((nk = TAILQ_FIRST(&ng->ng_keptlist)) != NULL &&
	    nk->nk_until <= ng->ng_tmrs->ts_now)
		kept_free(ng, nk);
	if (nk != NULL)
		tmr_set(ng->ng_tmrs, &ng->ng_old, nk->nk_until - ng->ng_tmrs->ts_now);
}

/* -- what was not -- */

static void
ng_cookie(const struct ng *ng, uint64_t id, char *out, size_t size)
{
	(void)snprintf(out, size, "%s_%llx", ng->ng_prefix, (unsigned long long)id);
}

static struct ng_req *
req_new(struct ng *ng, enum req_kind kind, const struct wbuf *w, uint64_t id,
    const uint8_t *hash)
{
	struct ng_req	*nq;

	if (wbuf_ok(w) == -1 || ng->ng_pending >= NG_PENDING_MAX ||
	    (nq = calloc(1, sizeof(*nq))) == NULL)
		return (NULL);
	if ((nq->nq_msg = malloc(w->w_len)) == NULL) {
		free(nq);
		return (NULL);
	}
	memcpy(nq->nq_msg, w->w_buf, w->w_len);
	nq->nq_len = w->w_len;
	nq->nq_ng = ng;
	nq->nq_kind = kind;
	nq->nq_id = id;
	tmr_init(&nq->nq_tmr, req_tmr, nq);
	RB_INSERT(req_tree, &ng->ng_reqs, nq);
	if (kind == REQ_ASK) {
		memcpy(nq->nq_hash, hash, sizeof(nq->nq_hash));
		RB_INSERT(req_hashtree, &ng->ng_hashes, nq);
	}
	ng->ng_pending++;
	return (nq);
}

static void
req_free(struct ng_req *nq)
{
	struct ng	*ng = nq->nq_ng;

	RB_REMOVE(req_tree, &ng->ng_reqs, nq);
	if (nq->nq_kind == REQ_ASK)
		RB_REMOVE(req_hashtree, &ng->ng_hashes, nq);
	if (nq->nq_kind == REQ_PING)
		ng->ng_pinging = 0;
	ng->ng_pending--;
	tmr_stop(ng->ng_tmrs, &nq->nq_tmr);
	freezero(nq->nq_msg, nq->nq_len);
	free(nq);
}

static void
req_send(struct ng_req *nq)
{
	struct ng	*ng = nq->nq_ng;

	/* A datagram that did not leave is one that got lost. */
	if (nq->nq_sends++ > 0)
		ng->ng_st_counts.ns_resent++;
	tmr_set(ng->ng_tmrs, &nq->nq_tmr, NG_RESEND_MS);
	(void)ng->ng_ops->no_send(ng->ng_ctx, nq->nq_msg, nq->nq_len);
}

static void
req_tmr(void *arg)
{
	struct ng_req	*nq = arg;
	struct ng	*ng = nq->nq_ng;

	if (nq->nq_sends < NG_SENDS) {
		req_send(nq);
		return;
	}
	/* Something may have been heard meanwhile: then it lives. */
	if (ng->ng_heard + NG_SENDS * NG_RESEND_MS <= ng->ng_tmrs->ts_now)
		ng_turn(ng, NG_DOWN);
	req_fail(nq, "no answer");
}

static void
req_fail(struct ng_req *nq, const char *error)
{
	struct ng	*ng = nq->nq_ng;
	struct span	 none = { "", 0 };
	uint64_t	 id = nq->nq_id;
	enum req_kind	 kind = nq->nq_kind;

	req_free(nq);
	if (kind == REQ_ASK) {
		ng->ng_st_counts.ns_failed++;
		ng->ng_ops->no_done(ng->ng_ctx, id, none, error);
	}
}

static void
ng_fail_all(struct ng *ng, const char *error)
{
	struct ng_req	*nq;

	/* Whoever asks again from no_done gets a no: it is down or off. */
	while ((nq = RB_MIN(req_tree, &ng->ng_reqs)) != NULL)
		req_fail(nq, error);
}

/* -- is it there? -- */

static void
ng_turn(struct ng *ng, enum ng_state st)
{
	if (ng->ng_st == st || ng->ng_st == NG_OFF)
		return;
	ng->ng_st = st;
	ng->ng_ops->no_state(ng->ng_ctx, st);
}

static void
ng_ping(struct ng *ng)
{
	struct ng_req	*nq;
	struct wbuf	 w;
	char		 cookie[40];

	if (ng->ng_pinging)
		return;
	ng_cookie(ng, ng->ng_next, cookie, sizeof(cookie));
	wbuf_init(&w, ng->ng_buf, sizeof(ng->ng_buf));
	wbuf_printf(&w, "%s ", cookie);
	bc_open(&w, 'd');
	bc_pair(&w, "command", "ping");
	bc_close(&w);
	if ((nq = req_new(ng, REQ_PING, &w, ng->ng_next++, NULL)) == NULL)
		return;
	ng->ng_pinging = 1;
	req_send(nq);
}

static void
ng_tick(void *arg)
{
	struct ng	*ng = arg;

	if (ng->ng_st == NG_OFF)
		return;
	if (ng->ng_st != NG_UP || ng->ng_heard + NG_PING_MS <= ng->ng_tmrs->ts_now)
		ng_ping(ng);
	tmr_set(ng->ng_tmrs, &ng->ng_tmr, NG_PING_MS);
}

void
ng_conf(struct ng *ng, int on, const char *inside, const char *outside, int again)
{
	(void)strlcpy(ng->ng_ifname[NG_INSIDE], inside, NG_NAME);
	(void)strlcpy(ng->ng_ifname[NG_OUTSIDE], outside, NG_NAME);
	if (on && !again && ng->ng_st != NG_OFF) {
		if (!ng->ng_tmr.tm_on)
			tmr_set(ng->ng_tmrs, &ng->ng_tmr, 0);
		return;
	}
	ng->ng_st = NG_OFF;
	ng_fail_all(ng, "another configuration");
	while (!TAILQ_EMPTY(&ng->ng_keptlist))
		kept_free(ng, TAILQ_FIRST(&ng->ng_keptlist));
	tmr_stop(ng->ng_tmrs, &ng->ng_tmr);
	if (!on)
		return;
	ng->ng_st = NG_UNKNOWN;
	ng_ping(ng);
	tmr_set(ng->ng_tmrs, &ng->ng_tmr, NG_PING_MS);
}

void
ng_rest(struct ng *ng)
{
	tmr_stop(ng->ng_tmrs, &ng->ng_tmr);
}

/* -- questions -- */

static void
ng_callhash(const char *call, uint8_t out[16])
{
	(void)crypto_generichash(out, 16, (const unsigned char *)call, strlen(call), NULL, 0);
}

static void
ng_hash(const struct ng_ask *na, uint8_t out[32])
{
	crypto_generichash_state st;
	const char		*to = na->na_to != NULL ? na->na_to : "";
	uint8_t			 way[2];

	way[0] = (uint8_t)na->na_answer;
	way[1] = (uint8_t)na->na_towards;
	ng_callhash(na->na_call, out);
	(void)crypto_generichash_init(&st, NULL, 0, 16);
	(void)crypto_generichash_update(&st, way, sizeof(way));
	(void)crypto_generichash_update(&st, (const unsigned char *)na->na_from,
	    strlen(na->na_from) + 1);
	(void)crypto_generichash_update(&st, (const unsigned char *)to, strlen(to) + 1);
	(void)crypto_generichash_update(&st, (const unsigned char *)na->na_sdp.p,
	    na->na_sdp.len);
	(void)crypto_generichash_final(&st, out + 16, 16);
}

/*
 * What rtpengine is told.  Outside: SRTP with keys in the description (SDES;
 * it travels over TLS), never a cipher that hides nothing, no ICE and no
 * DTLS of its own making; what the peer outside offers of DTLS is accepted.
 * Inside: plain RTP.
 */
static void
ng_write(const struct ng *ng, struct wbuf *w, const struct ng_ask *na)
{
	static const char *const weak[] = { "no-NULL_HMAC_SHA1_80", "no-NULL_HMAC_SHA1_32",
	    "no-F8_128_HMAC_SHA1_80", "no-F8_128_HMAC_SHA1_32", "no-AES_192_CM_HMAC_SHA1_80",
	    "no-AES_192_CM_HMAC_SHA1_32", "no-AES_256_CM_HMAC_SHA1_32",
	    "no-AES_CM_128_HMAC_SHA1_32" };
	enum ng_side	 from = na->na_towards == NG_OUTSIDE ? NG_INSIDE : NG_OUTSIDE;
	size_t		 i;

	bc_open(w, 'd');
	bc_pair(w, "command", na->na_answer ? "answer" : "offer");
	bc_pair(w, "call-id", na->na_call);
	bc_pair(w, "from-tag", na->na_from);
	if (na->na_to != NULL)
		bc_pair(w, "to-tag", na->na_to);
	bc_str(w, "sdp");
	bc_bytes(w, na->na_sdp);
	bc_str(w, "replace");
	bc_open(w, 'l');
	bc_str(w, "origin");
	bc_str(w, "session-connection");
	bc_close(w);
	if (!na->na_answer) {
		if (ng->ng_ifname[from][0] != '\0') {
			bc_str(w, "direction");
			bc_open(w, 'l');
			bc_str(w, ng->ng_ifname[from]);
			bc_str(w, ng->ng_ifname[na->na_towards]);
			bc_close(w);
		}
		bc_pair(w, "ICE", "remove");
		bc_str(w, "rtcp-mux");
		bc_open(w, 'l');
		bc_str(w, "demux");
		bc_close(w);
		bc_pair(w, "transport-protocol", na->na_towards == NG_OUTSIDE ?
		    "RTP/SAVP" : "RTP/AVP");
	}
	if (na->na_towards == NG_OUTSIDE) {
		if (!na->na_answer)
			bc_pair(w, "DTLS", "off");
		bc_str(w, "SDES");
		bc_open(w, 'l');
		for (i = 0; i < sizeof(weak) / sizeof(weak[0]); i++)
			bc_str(w, weak[i]);
		bc_close(w);
	}
	bc_close(w);
}

int
ng_ask(struct ng *ng, const struct ng_ask *na, uint64_t *id, struct span *sdp)
{
	struct ng_req	*nq, qk;
	struct ng_kept	*nk, kk;
	struct wbuf	 w;
	char		 cookie[40];

	*id = 0;
	ng_hash(na, kk.nk_hash);
	memcpy(qk.nq_hash, kk.nk_hash, sizeof(qk.nq_hash));
	if (ng->ng_st == NG_OFF)
		return (-1);
	if ((nk = RB_FIND(kept_tree, &ng->ng_kept, &kk)) != NULL) {
		sdp->p = nk->nk_sdp;
		sdp->len = nk->nk_len;
		return (1);
	}
	if (ng->ng_st == NG_DOWN)
		return (-1);
	if ((nq = RB_FIND(req_hashtree, &ng->ng_hashes, &qk)) != NULL) {
		*id = nq->nq_id;
		return (0);
	}
	if (na->na_answer)
		ng->ng_st_counts.ns_answers++;
	else
		ng->ng_st_counts.ns_offers++;
	ng_cookie(ng, ng->ng_next, cookie, sizeof(cookie));
	wbuf_init(&w, ng->ng_buf, sizeof(ng->ng_buf));
	wbuf_printf(&w, "%s ", cookie);
	ng_write(ng, &w, na);
	nq = req_new(ng, REQ_ASK, &w, ng->ng_next, qk.nq_hash);
	explicit_bzero(ng->ng_buf, w.w_len);
	if (nq == NULL) {
		ng->ng_st_counts.ns_failed++;
		return (-1);
	}
	*id = ng->ng_next++;
	req_send(nq);
	return (0);
}

void
ng_delete(struct ng *ng, const char *call, const char *from)
{
	struct ng_req	*nq;
	struct wbuf	 w;
	uint8_t		 hash[16];
	char		 cookie[40];

	ng_callhash(call, hash);
	kept_drop(ng, hash);
	/* An engine that is away ends its calls by itself. */
	if (ng->ng_st == NG_OFF || ng->ng_st == NG_DOWN)
		return;
	ng->ng_st_counts.ns_deletes++;
	ng_cookie(ng, ng->ng_next, cookie, sizeof(cookie));
	wbuf_init(&w, ng->ng_buf, sizeof(ng->ng_buf));
	wbuf_printf(&w, "%s ", cookie);
	bc_open(&w, 'd');
	bc_pair(&w, "command", "delete");
	bc_pair(&w, "call-id", call);
	bc_pair(&w, "from-tag", from);
	bc_str(&w, "delete delay");
	bc_num(&w, 0);
	bc_close(&w);
	if ((nq = req_new(ng, REQ_DELETE, &w, ng->ng_next, NULL)) == NULL)
		return;
	ng->ng_next++;
	req_send(nq);
}

void
ng_input(struct ng *ng, const void *p, size_t len)
{
	struct ng_reply	 r;
	struct ng_req	 k, *nq = NULL;
	char		 cookie[40], text[80];
	const char	*error = NULL;

	/* Ours, and one that waits?  The number behind the prefix is hex. */
	if (ng_reply_parse(p, len, &r) == 0 &&
	    span_str(r.nr_cookie, cookie, sizeof(cookie)) == 0 &&
	    strncmp(cookie, ng->ng_prefix, 16) == 0 && cookie[16] == '_') {
		k.nq_id = strtoull(cookie + 17, NULL, 16);
		nq = RB_FIND(req_tree, &ng->ng_reqs, &k);
	}
	if (nq == NULL) {
		/* The second answer to what was sent twice is one, too. */
		ng->ng_st_counts.ns_strange++;
		return;
	}
	ng->ng_heard = ng->ng_tmrs->ts_now;
	ng_turn(ng, NG_UP);
	if (nq->nq_kind != REQ_ASK) {
		req_free(nq);
		return;
	}
	if (!span_eq(r.nr_result, "ok") || r.nr_sdp.len == 0) {
		if (r.nr_reason.len > sizeof(text) - 1)
			r.nr_reason.len = sizeof(text) - 1;
		error = r.nr_reason.len > 0 &&
		    span_str(r.nr_reason, text, sizeof(text)) == 0 ? text : "refused";
		req_fail(nq, error);
		return;
	}
	kept_add(ng, nq->nq_hash, r.nr_sdp);
	k.nq_id = nq->nq_id;
	req_free(nq);
	ng->ng_ops->no_done(ng->ng_ctx, k.nq_id, r.nr_sdp, NULL);
}

void
ng_refused(struct ng *ng)
{
	if (ng->ng_st == NG_OFF)
		return;
	ng_turn(ng, NG_DOWN);
	ng_fail_all(ng, "nobody listens");
}

enum ng_state
ng_state(const struct ng *ng)
{
	return (ng == NULL ? NG_OFF : ng->ng_st);
}

const char *
ng_state_str(enum ng_state st)
{
	switch (st) {
	case NG_OFF:
		return ("off");
	case NG_UNKNOWN:
		return ("unknown");
	case NG_UP:
		return ("up");
	case NG_DOWN:
		break;
	}
	return ("down");
}

void
ng_stats(const struct ng *ng, struct ng_stats *out)
{
	memset(out, 0, sizeof(*out));
	if (ng == NULL)
		return;
	*out = ng->ng_st_counts;
	out->ns_pending = ng->ng_pending;
}
