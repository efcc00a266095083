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
 * core: descriptions of direct calls on their way through rtpengine.  A new
 * INVITE waits in its context; any other message that carries a description
 * waits as bytes and is then handled as if it had come with the new one.  The
 * engine knows a call by a name of ours and its parties as caller and callee,
 * whatever their tags are: of a call that forks the answer that came last is
 * the one it acts on.
 */

#include <sys/types.h>
#include <sys/tree.h>

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ng.h"
#include "proxy_int.h"
#include "sdp.h"

#define CALLER		"caller"
#define CALLEE		"callee"
#define HELD_BYTES	(16u * 1024 * 1024)

enum job_kind {
	JOB_OUT = 1,	/* a context whose INVITE is to leave */
	JOB_IN,		/* one that is to come in */
	JOB_MESSAGE	/* held bytes */
};

struct media_job {
	RB_ENTRY(media_job) mj_entry;	/* the proxy owns it */
	uint64_t	 mj_req;	/* ng's question */
	uint64_t	 mj_seq;	/* jobs of one question in order */
	enum job_kind	 mj_kind;
	uint64_t	 mj_ctx;
	char		 mj_call[MEDIA_CALL];
	int		 mj_answer;	/* of an answer plain RTP is the peer's choice */
	int		 mj_out;	/* it is for the outside */
	struct sip_flow	 mj_flow;
	uint8_t		*mj_msg;
	size_t		 mj_len;
};

static void	 media_name(struct proxy *, const char *, struct span, char [MEDIA_CALL]);
static int	 job_cmp(const struct media_job *, const struct media_job *);
static struct media_job *job_new(struct proxy *, enum job_kind, uint64_t, const struct ng_ask *);
static void	 job_free(struct proxy *, struct media_job *);
static void	 job_done(struct proxy *, struct media_job *, struct span, const char *);
static int	 media_send(void *, const uint8_t *, size_t);
static void	 media_done(void *, uint64_t, struct span, const char *);
static void	 media_state(void *, enum ng_state);
static void	 media_random(void *, void *, size_t);
static int	 media_sdp(const struct sip_msg *, struct span *);
static const char *media_check(struct proxy *, int out, int answer, struct span);
static int	 media_splice(const struct sip_msg *, struct span, uint8_t **, size_t *);
static int	 media_body(struct pctx *, struct span);
static void	 media_again(struct proxy *, const struct sip_flow *, const struct sip_msg *,
		    struct span, int);
static int	 media_hold(struct proxy *, const struct sip_flow *, const struct sip_msg *,
		    const struct ng_ask *);
static int	 media_first(struct pctx *, enum job_kind);
static int	 media_had_offer(struct pctx *);
static int	 media_of(struct branch *, char [MEDIA_CALL], int *);
static int	 media_refuse(struct proxy *, const struct sip_flow *, const struct sip_msg *,
		    const struct txn_key *, int);

RB_PROTOTYPE(media_tree, media_job, mj_entry, job_cmp)
RB_GENERATE(media_tree, media_job, mj_entry, job_cmp)

static const struct ng_ops media_ops = { media_send, media_done, media_state, media_random };

static int
job_cmp(const struct media_job *a, const struct media_job *b)
{
	if (a->mj_req != b->mj_req)
		return (a->mj_req < b->mj_req ? -1 : 1);
	return (a->mj_seq < b->mj_seq ? -1 : a->mj_seq > b->mj_seq);
}

static struct media_job *
job_new(struct proxy *px, enum job_kind kind, uint64_t req, const struct ng_ask *na)
{
	struct media_job	*mj;

	if ((mj = calloc(1, sizeof(*mj))) == NULL)
		return (NULL);
	mj->mj_req = req;
	mj->mj_seq = px->px_next_id++;
	mj->mj_kind = kind;
	mj->mj_answer = na->na_answer;
	mj->mj_out = na->na_towards == NG_OUTSIDE;
	(void)strlcpy(mj->mj_call, na->na_call, sizeof(mj->mj_call));
	RB_INSERT(media_tree, &px->px_media_jobs, mj);
	return (mj);
}

static void
job_free(struct proxy *px, struct media_job *mj)
{
	RB_REMOVE(media_tree, &px->px_media_jobs, mj);
	px->px_media_bytes -= mj->mj_len;
	freezero(mj->mj_msg, mj->mj_len);
	freezero(mj, sizeof(*mj));
}

/* -- the engine -- */

static int
media_send(void *ctx, const uint8_t *p, size_t len)
{
	struct proxy	*px = ctx;

	return (px->px_ops->po_media == NULL ? -1 :
	    px->px_ops->po_media(px->px_ctx, p, len));
}

static void
media_random(void *ctx, void *p, size_t len)
{
	struct proxy	*px = ctx;

	px->px_ops->po_random(px->px_ctx, p, len);
}

static void
media_state(void *ctx, enum ng_state st)
{
	struct proxy	*px = ctx;

	if (st == NG_DOWN)
		px_log(px, PROXY_ALARM, "rtpengine does not answer: calls to other "
		    "domains take the trunk, calls from them are told to");
	else
		px_log(px, PROXY_INFO, "rtpengine answers");
}

static void
media_done(void *ctx, uint64_t req, struct span sdp, const char *error)
{
	struct proxy		*px = ctx;
	struct media_job	*mj, k;
	const char		*why;

	memset(&k, 0, sizeof(k));
	k.mj_req = req;
	while ((mj = RB_NFIND(media_tree, &px->px_media_jobs, &k)) != NULL &&
	    mj->mj_req == req) {
		why = error != NULL ? error :
		    media_check(px, mj->mj_out, mj->mj_answer, sdp);
		/* What a peer sent may well be nonsense: that is no alarm. */
		if (why != NULL)
			px_log(px, mj->mj_out ? PROXY_ALARM : PROXY_REFUSED,
			    "rtpengine: %s of a call %s failed: %s",
			    mj->mj_answer ? "answer" : "offer",
			    mj->mj_out ? "to outside" : "from outside", why);
		job_done(px, mj, sdp, why);
		job_free(px, mj);
	}
}

static void
job_done(struct proxy *px, struct media_job *mj, struct span sdp, const char *error)
{
	struct span	 none = { "", 0 };
	struct pctx	*pc;

	if (mj->mj_kind == JOB_MESSAGE) {
		if (sip_parse(&px->px_in, mj->mj_msg, mj->mj_len,
		    px_parse_flags(&mj->mj_flow)) == 0)
			media_again(px, &mj->mj_flow, &px->px_in,
			    error == NULL ? sdp : none, error != NULL);
		return;
	}
	pc = pctx_find(px, mj->mj_ctx);
	if (pc == NULL || pc->pc_final || pc->pc_media_call[0] == '\0') {
		/* Given up meanwhile: the engine may have got the end of the
		 * call before its beginning. */
		ng_delete(px->px_ng, mj->mj_call, CALLER);
		return;
	}
	if (error == NULL && media_body(pc, sdp) == -1)
		error = "no memory";
	if (mj->mj_kind == JOB_OUT)
		out_media(pc, error == NULL);
	else if (error != NULL)
		in_refuse(pc, REFUSAL_BUSY, 5);
	else
		in_forward(pc);
	pctx_mark(pc);
}

void
media_conf(struct proxy *px)
{
	const struct conf	*c = px->px_conf;
	int			 on = (c->c_flags & CONF_MEDIA_ENGINE) != 0, again;

	if (px->px_ng == NULL && on &&
	    (px->px_ng = ng_new(&px->px_tmrs, &media_ops, px)) == NULL) {
		px_log(px, PROXY_ALARM, "rtpengine: no memory");
		return;
	}
	if (px->px_ng == NULL)
		return;
	if (!on) {
		/* Calls that have it go on, and their ends are told to it. */
		ng_rest(px->px_ng);
		return;
	}
	again = !vaddr_eq(&px->px_media_addr, &c->c_media);
	px->px_media_addr = c->c_media;
	ng_conf(px->px_ng, 1, c->c_media_inside, c->c_media_outside, again);
}

void
media_free(struct proxy *px)
{
	struct media_job	*mj;

	ng_free(px->px_ng);
	px->px_ng = NULL;
	while ((mj = RB_MIN(media_tree, &px->px_media_jobs)) != NULL)
		job_free(px, mj);
}

void
proxy_media_input(struct proxy *px, const void *p, size_t len)
{
	if (px->px_ng == NULL || px->px_conf == NULL)
		return;
	ng_input(px->px_ng, p, len);
	px_clean(px);
}

void
proxy_media_refused(struct proxy *px)
{
	if (px->px_ng == NULL || px->px_conf == NULL)
		return;
	ng_refused(px->px_ng);
	px_clean(px);
}

/* -- descriptions -- */

/* 1: there is one; 0: no body that could hold one; -1: none that can be
 * found without doubt. */
static int
media_sdp(const struct sip_msg *m, struct span *sdp)
{
	const struct sip_hdr	*h;
	struct span		 v;

	if (m->sm_body.len == 0)
		return (0);
	if (sdp_find(m, sdp) == 0)
		return (1);
	if ((h = sip_hdr_first(m, SIP_H_CONTENT_TYPE)) == NULL)
		return (-1);
	v = h->sh_value;
	if (v.len >= 15 && strncasecmp(v.p, "application/sdp", 15) == 0)
		return (-1);
	return (v.len >= 10 && strncasecmp(v.p, "multipart/", 10) == 0 ? -1 : 0);
}

/*
 * May what the engine made leave?  A wrong interface would make a call silent,
 * a plain offer one that others hear.  NULL, or what is wrong with it.
 */
static const char *
media_check(struct proxy *px, int out, int answer, struct span sdp)
{
	const struct conf	*c = px->px_conf;

	if (!out)
		return (NULL);
	switch (sdp_judge(sdp, answer || (c->c_flags & CONF_MEDIA_PLAIN))) {
	case MEDIA_OK:
		return (NULL);
	case MEDIA_PRIVATE:
		return (c->c_flags & CONF_PERMIT_PRIVATE ? NULL :
		    "its address cannot be reached from the Internet");
	case MEDIA_PLAINTEXT:
		return ("a stream is not encrypted");
	case MEDIA_UNKNOWN:
		break;
	}
	/* An answer may refuse every stream. */
	return (answer ? NULL : "its description cannot be read");
}

/* The body of m with the new description in place of its own; allocated. */
static int
media_splice(const struct sip_msg *m, struct span sdp, uint8_t **out, size_t *len)
{
	struct span	 was, body = m->sm_body;
	size_t		 before;

	if (sdp_find(m, &was) == -1 || sdp.len > NG_MSG_MAX)
		return (-1);
	before = (size_t)(was.p - body.p);
	*len = body.len - was.len + sdp.len;
	if ((*out = malloc(*len + !*len)) == NULL)
		return (-1);
	memcpy(*out, body.p, before);
	memcpy(*out + before, sdp.p, sdp.len);
	memcpy(*out + before + sdp.len, was.p + was.len, body.len - before - was.len);
	return (0);
}

/* The INVITE of a context leaves with this description. */
static int
media_body(struct pctx *pc, struct span sdp)
{
	const struct sip_msg	*m;

	freezero(pc->pc_body, pc->pc_bodylen);
	pc->pc_body = NULL;
	pc->pc_bodylen = 0;
	if ((m = pctx_msg(pc)) == NULL)
		return (-1);
	return (media_splice(m, sdp, &pc->pc_body, &pc->pc_bodylen));
}

void
media_edit(const struct pctx *pc, struct sip_edit *e)
{
	if (pc->pc_body == NULL)
		return;
	e->se_set_body = 1;
	e->se_body.p = (const char *)pc->pc_body;
	e->se_body.len = pc->pc_bodylen;
}

/* Handle a message as if it had come with this description; or, failed, as
 * one whose own is good for nothing. */
static void
media_again(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    struct span sdp, int failed)
{
	struct sip_flow	 from = *fl;
	struct sip_edit	 e;
	struct wbuf	 w;
	uint8_t		*body = NULL, *msg = NULL;
	size_t		 len = 0, size = 0;

	if (!failed && media_splice(m, sdp, &body, &len) == -1)
		failed = 1;
	size = m->sm_all.len + len + 2048;	/* lists of headers are unfolded */
	if ((msg = malloc(size)) == NULL)
		goto done;
	wbuf_init(&w, msg, size);
	if (failed)
		wbuf_span(&w, m->sm_all);
	else {
		sip_edit_init(&e, m);
		e.se_set_body = 1;
		e.se_body.p = (const char *)body;
		e.se_body.len = len;
		if (sip_edit_write(&e, &w) == -1)
			goto done;
	}
	if (wbuf_ok(&w) == 0) {
		px->px_media = failed ? MEDIA_FAILED : MEDIA_READY;
		px_message(px, &from, msg, w.w_len);
		px->px_media = MEDIA_FRESH;
	}
done:
	freezero(msg, size);
	freezero(body, len);
}

/* Ask about a message; 1: it is taken, 0: that failed. */
static int
media_hold(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    const struct ng_ask *na)
{
	struct media_job	*mj;
	struct span		 sdp;
	uint64_t		 req;

	switch (ng_ask(px->px_ng, na, &req, &sdp)) {
	case 1:
		if (media_check(px, na->na_towards == NG_OUTSIDE, na->na_answer, sdp) != NULL)
			return (0);
		media_again(px, fl, m, sdp, 0);
		return (1);
	case 0:
		break;
	default:
		return (0);
	}
	if (px->px_media_bytes + m->sm_all.len > HELD_BYTES ||
	    (mj = job_new(px, JOB_MESSAGE, req, na)) == NULL)
		return (0);
	mj->mj_flow = *fl;
	if ((mj->mj_msg = malloc(m->sm_all.len)) == NULL) {
		job_free(px, mj);
		return (0);
	}
	memcpy(mj->mj_msg, m->sm_all.p, m->sm_all.len);
	mj->mj_len = m->sm_all.len;
	px->px_media_bytes += mj->mj_len;
	return (1);
}

/* -- calls -- */

/*
 * The engine's name of a call: nothing of it is told to anybody, and it is
 * found again when only a seal is left.  callid: as the inside knows it.
 */
static void
media_name(struct proxy *px, const char *callid, struct span ctag, char out[MEDIA_CALL])
{
	crypto_generichash_state st;
	uint8_t			 h[16];

	(void)crypto_generichash_init(&st, px->px_callid_key, sizeof(px->px_callid_key),
	    sizeof(h));
	(void)crypto_generichash_update(&st, (const unsigned char *)"media", 6);
	(void)crypto_generichash_update(&st, (const unsigned char *)callid,
	    strlen(callid) + 1);
	(void)crypto_generichash_update(&st, (const unsigned char *)ctag.p, ctag.len);
	(void)crypto_generichash_final(&st, h, sizeof(h));
	(void)strlcpy(out, "vipr-", MEDIA_CALL);
	(void)sodium_bin2hex(out + 5, MEDIA_CALL - 5, h, sizeof(h));
}

int
media_on(const struct proxy *px)
{
	return (px->px_ng != NULL && (px->px_conf->c_flags & CONF_MEDIA_ENGINE));
}

int
media_away(const struct proxy *px)
{
	return (media_on(px) && ng_state(px->px_ng) == NG_DOWN);
}

/* The offer of a new INVITE.  1: pc_body is set, or there is none; 0: wait;
 * -1: it cannot be. */
static int
media_first(struct pctx *pc, enum job_kind kind)
{
	struct proxy		*px = pc->pc_px;
	const struct sip_msg	*m;
	struct media_job	*mj;
	struct ng_ask		 na;
	struct span		 sdp;
	uint64_t		 req;
	char			 callid[PX_CALLID];
	int			 r;

	if ((m = pctx_msg(pc)) == NULL || (kind == JOB_OUT ?
	    span_str(m->sm_call_id, callid, sizeof(callid)) :
	    px_callid_in(px, m->sm_call_id, callid)) == -1)
		return (-1);
	memset(&na, 0, sizeof(na));
	if ((r = media_sdp(m, &na.na_sdp)) == -1)
		return (-1);
	media_name(px, callid, m->sm_from.sa_tag, pc->pc_media_call);
	pc->pc_media_kept = 0;
	if (r == 0)
		return (1);
	na.na_call = pc->pc_media_call;
	na.na_from = CALLER;
	na.na_towards = kind == JOB_OUT ? NG_OUTSIDE : NG_INSIDE;
	if ((r = ng_ask(px->px_ng, &na, &req, &sdp)) == 1) {
		if (media_check(px, kind == JOB_OUT, 0, sdp) != NULL ||
		    media_body(pc, sdp) == -1)
			return (-1);
		return (1);
	}
	if (r == -1 || (mj = job_new(px, kind, req, &na)) == NULL)
		return (-1);
	mj->mj_ctx = pc->pc_id;
	return (0);
}

int
media_outward(struct pctx *pc)
{
	return (media_on(pc->pc_px) ? media_first(pc, JOB_OUT) : 1);
}

void
media_inward(struct pctx *pc)
{
	int	r = 1;

	if (media_on(pc->pc_px))
		r = media_first(pc, JOB_IN);
	if (r == 1)
		in_forward(pc);
	else if (r == -1)
		in_refuse(pc, REFUSAL_BUSY, 5);
}

void
media_drop(struct pctx *pc)
{
	struct proxy	*px = pc->pc_px;

	freezero(pc->pc_body, pc->pc_bodylen);
	pc->pc_body = NULL;
	pc->pc_bodylen = 0;
	if (pc->pc_media_call[0] != '\0' && !pc->pc_media_kept && px->px_ng != NULL)
		ng_delete(px->px_ng, pc->pc_media_call, CALLER);
	if (!pc->pc_media_kept)
		pc->pc_media_call[0] = '\0';
}

void
media_end(struct dialog *dl)
{
	struct proxy	*px = dl->dl_px;

	if (dl->dl_media_call[0] == '\0')
		return;
	/* One that rings ends with its INVITE.  Of a call that forked another
	 * answer may still stand. */
	if (px->px_ng != NULL && dl->dl_confirmed && dl->dl_forks == 0 && dl->dl_first == 0)
		ng_delete(px->px_ng, dl->dl_media_call, CALLER);
	dl->dl_media_call[0] = '\0';
}

/* -- inside a dialog, and answers -- */

/* Did the INVITE of a context bring an offer? */
static int
media_had_offer(struct pctx *pc)
{
	const struct sip_msg	*m;
	struct span		 sdp;

	return ((m = pctx_msg(pc)) != NULL && media_sdp(m, &sdp) == 1);
}

static int
media_refuse(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    const struct txn_key *key, int status)
{
	struct sip_extra	 retry = { "Retry-After", "5" };

	/* An ACK that is dropped: the other side ends the call. */
	if (m->sm_method != SIP_M_ACK)
		px_reply(px, fl, m, key, status, NULL, &retry, status == 503);
	return (1);
}

int
media_within(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    const struct txn_key *key, struct dialog *dl, const char *callid, struct span ctag)
{
	struct pctx	*pc;
	struct ng_ask	 na;
	char		 call[MEDIA_CALL];
	int		 caller;

	if (px->px_ng == NULL || px->px_media == MEDIA_READY ||
	    (dl != NULL ? dl->dl_media_call[0] == '\0' : !media_on(px)))
		return (0);
	if (dl != NULL)
		(void)strlcpy(call, dl->dl_media_call, sizeof(call));
	else
		media_name(px, callid, ctag, call);
	if (dl == NULL && m->sm_method == SIP_M_BYE)
		ng_delete(px->px_ng, call, CALLER);
	if (m->sm_method != SIP_M_INVITE && m->sm_method != SIP_M_UPDATE &&
	    m->sm_method != SIP_M_PRACK && m->sm_method != SIP_M_ACK)
		return (0);
	memset(&na, 0, sizeof(na));
	switch (media_sdp(m, &na.na_sdp)) {
	case 0:
		return (0);
	case -1:
		return (media_refuse(px, fl, m, key, 488));
	}
	if (px->px_media == MEDIA_FAILED)
		return (media_refuse(px, fl, m, key, 503));
	/* An ACK answers; so does the PRACK of an INVITE without an offer. */
	na.na_answer = m->sm_method == SIP_M_ACK ||
	    (m->sm_method == SIP_M_PRACK && dl != NULL &&
	    (pc = pctx_find(px, dl->dl_ctx)) != NULL && !media_had_offer(pc));
	caller = m->sm_from.sa_tag.len == ctag.len &&
	    memcmp(m->sm_from.sa_tag.p, ctag.p, ctag.len) == 0;
	na.na_call = call;
	na.na_from = caller != na.na_answer ? CALLER : CALLEE;
	na.na_to = caller != na.na_answer ? CALLEE : CALLER;
	na.na_towards = fl->fl_face == FACE_OUTSIDE ? NG_INSIDE : NG_OUTSIDE;
	return (media_hold(px, fl, m, &na) || media_refuse(px, fl, m, key, 503));
}

/* Name of the call that a branch belongs to, and whether its caller sent the
 * request.  -1: rtpengine has no part in it. */
static int
media_of(struct branch *br, char call[MEDIA_CALL], int *caller)
{
	struct pctx		*pc = br->br_ctx;
	struct proxy		*px = pc->pc_px;
	const struct sip_msg	*req;
	struct dialog		*dl;
	struct span		 ctag;
	char			 callid[PX_CALLID];

	*caller = 1;
	switch (br->br_kind) {
	case BR_DIRECT:
	case BR_INWARD:
		(void)strlcpy(call, pc->pc_media_call, MEDIA_CALL);
		return (call[0] == '\0' ? -1 : 0);
	case BR_DIALOG_OUT:
	case BR_DIALOG_IN:
		break;
	case BR_HOP:
	case BR_DIALOG_HOP:
		return (-1);
	}
	if (pc->pc_dialog != 0) {
		if ((dl = dialog_get(px, pc->pc_dialog)) == NULL ||
		    dl->dl_media_call[0] == '\0')
			return (-1);
		(void)strlcpy(call, dl->dl_media_call, MEDIA_CALL);
		*caller = pc->pc_side == dl->dl_creator;
		return (0);
	}
	if (!media_on(px) || (req = pctx_msg(pc)) == NULL ||
	    px_callid_in(px, req->sm_call_id, callid) == -1)
		return (-1);
	ctag.p = pc->pc_ctag;
	ctag.len = strlen(pc->pc_ctag);
	media_name(px, callid, ctag, call);
	*caller = req->sm_from.sa_tag.len == ctag.len &&
	    memcmp(req->sm_from.sa_tag.p, ctag.p, ctag.len) == 0;
	return (0);
}

int
media_response(struct branch *br, const struct sip_flow *fl, const struct sip_msg *m)
{
	struct pctx	*pc = br->br_ctx;
	struct proxy	*px = pc->pc_px;
	struct ng_ask	 na;
	char		 call[MEDIA_CALL];
	int		 caller, r, first;

	if (px->px_ng == NULL || px->px_media != MEDIA_FRESH || br->br_detached ||
	    m->sm_status <= 100 || m->sm_status >= 300 ||
	    (pc->pc_method != SIP_M_INVITE && pc->pc_method != SIP_M_UPDATE &&
	    pc->pc_method != SIP_M_PRACK) || media_of(br, call, &caller) == -1)
		return (0);
	memset(&na, 0, sizeof(na));
	r = media_sdp(m, &na.na_sdp);
	first = br->br_kind == BR_DIRECT || br->br_kind == BR_INWARD;
	if (r == 0) {
		/* A 2xx that repeats no answer, after one of another branch:
		 * the engine acts on that one. */
		if (first && m->sm_status >= 200 && pc->pc_media_tag[0] != '\0' &&
		    !span_eq(m->sm_to.sa_tag, pc->pc_media_tag))
			px->px_media = MEDIA_FAILED;
		return (0);
	}
	na.na_call = call;
	na.na_answer = pc->pc_method != SIP_M_INVITE || media_had_offer(pc);
	na.na_from = caller == na.na_answer ? CALLER : CALLEE;
	na.na_to = caller == na.na_answer ? CALLEE : CALLER;
	na.na_towards = fl->fl_face == FACE_OUTSIDE ? NG_INSIDE : NG_OUTSIDE;
	if (r == 1 && first &&
	    span_str(m->sm_to.sa_tag, pc->pc_media_tag, sizeof(pc->pc_media_tag)) == -1)
		r = -1;
	if (r == 1 && media_hold(px, fl, m, &na))
		return (1);
	px->px_media = MEDIA_FAILED;
	return (0);
}

/* An answer whose description cannot be passed on.  The transaction has it. */
void
media_lost(struct branch *br, const struct sip_msg *m)
{
	struct pctx	*pc = br->br_ctx;
	struct dialog	*dl;

	if (m->sm_status < 200)
		return;
	if (pc->pc_method != SIP_M_INVITE) {
		pctx_answer(pc, 503, NULL, NULL, 0);
		return;
	}
	/* Nobody will hear the callee: ACK and BYE. */
	out_close(br, m);
	if (pc->pc_final)
		return;
	switch (br->br_kind) {
	case BR_DIRECT:
		out_media_lost(br);
		break;
	case BR_INWARD:
		in_refuse(pc, REFUSAL_BUSY, 5);
		break;
	case BR_DIALOG_OUT:
	case BR_DIALOG_IN:
		/* 481 ends the dialog at the other side, too. */
		if (pc->pc_dialog != 0 &&
		    (dl = dialog_get(pc->pc_px, pc->pc_dialog)) != NULL)
			dialog_bye(dl);
		pctx_answer(pc, 481, NULL, NULL, 0);
		break;
	case BR_HOP:
	case BR_DIALOG_HOP:
		break;
	}
}
