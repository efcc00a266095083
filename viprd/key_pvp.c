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
 * core: proofs, what both roles share and the initiator's side (pvp(7)).
 * Every CPace computation of the initiator is here; the responder's is in
 * key_respond.c.
 */

#include <sys/types.h>

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "key_core.h"

#define AD_VERSION	1
#define MS		11
#define MD		7
#define AFTER_LABEL	"ViPR-pvp-1 after"
#define PROOF2_LEN	(5 + CPACE_ELEMENT + CPACE_TAG)

static int	 kconn_cmp(struct kconn *, struct kconn *);
static int	 initiate(struct kcore *, struct kconn *, struct ktry *,
		    struct vcr *, struct claimant *);
static int	 initiate_run(struct kcore *, struct kconn *, struct vcr *,
		    const struct pvp_method *);
static int	 initiate_prs(struct kcore *, struct kconn *, struct vcr *,
		    const struct pvp_method *, uint8_t *);
static void	 initiator_in(struct kcore *, struct kconn *, unsigned,
		    const uint8_t *, size_t);
static void	 initiator_proof2(struct kcore *, struct kconn *, struct ktry *,
		    struct vcr *, struct claimant *, const uint8_t *, size_t);
static int	 initiator_check2(struct kcore *, struct kconn *, struct vcr *,
		    const uint8_t *, size_t);
static void	 initiator_bad(struct kcore *, struct kconn *, struct ktry *,
		    struct vcr *, struct claimant *);
static void	 initiator_claim(struct kcore *, int, uint64_t, uint64_t);
static void	 initiator_route(struct kcore *, struct kconn *, struct ktry *,
		    struct vcr *, struct claimant *, const uint8_t *, size_t);
static void	 initiator_proven(struct kcore *, int, uint64_t, uint64_t);
static void	 initiator_refused(struct kcore *, struct ktry *,
		    struct claimant *, const char *, const struct imsg_pvp_end *);
static const char *refuse_text(unsigned);

RB_PROTOTYPE(kconn_tree, kconn, co_entry, kconn_cmp)
RB_GENERATE(kconn_tree, kconn, co_entry, kconn_cmp)

static int
kconn_cmp(struct kconn *a, struct kconn *b)
{
	return (a->co_id < b->co_id ? -1 : a->co_id > b->co_id);
}

/* -- what both sides share -- */

struct kconn *
kpvp_conn_find(struct kcore *kc, uint64_t id)
{
	struct kconn	 key;

	if (id == 0)
		return (NULL);
	key.co_id = id;
	return (RB_FIND(kconn_tree, &kc->kc_conns, &key));
}

void
kpvp_conn_free(struct kcore *kc, struct kconn *co)
{
	if (co == NULL)
		return;
	RB_REMOVE(kconn_tree, &kc->kc_conns, co);
	kc->kc_conncount--;
	if (co->co_claim != NULL) {
		sodium_memzero(co->co_claim, co->co_claimlen);
		free(co->co_claim);
	}
	sodium_memzero(co, sizeof(*co));
	free(co);
}

void
kpvp_clear(struct kcore *kc)
{
	struct kconn	*co;
	struct ktry	*tr, *next;
	struct claimant	*cl;

	while ((co = RB_MIN(kconn_tree, &kc->kc_conns)) != NULL)
		kpvp_conn_free(kc, co);
	/* Attempts with a claimant are ended by ksched_interrupted. */
	TAILQ_FOREACH_SAFE(tr, &kc->kc_tries, tr_entry, next) {
		tr->tr_conn = 0;
		if (ksched_try_vcr(kc, tr, &cl) != NULL && kc->kc_open)
			continue;
		TAILQ_REMOVE(&kc->kc_tries, tr, tr_entry);
		kc->kc_trycount--;
		free(tr);
	}
}

void
kpvp_out(struct kcore *kc, struct kconn *co, unsigned type, unsigned flags,
    const void *body, size_t len)
{
	/* When pvpd is away the connection is gone, and kcore_pvpd says so. */
	(void)kc->kc_ops->ko_out(kc->kc_arg, co->co_id, type, flags, body, len);
}

static const char *
refuse_text(unsigned code)
{
	switch (code) {
	case 1:
		return ("protocol error");
	case 3:
		return ("method not accepted");
	case 4:
		return ("busy");
	case 5:
		return ("limit reached");
	case 6:
		return ("no match");
	case 7:
		return ("domain not accepted");
	case 8:
		return ("number no longer ours");
	default:
		return ("internal error");
	}
}

void
kpvp_refuse(struct kcore *kc, struct kconn *co, unsigned code, uint32_t retry,
    unsigned flags)
{
	struct wbuf	 w;
	uint8_t		 buf[64];

	wbuf_init(&w, buf, sizeof(buf));
	wbuf_u16(&w, (uint16_t)code);
	wbuf_u32(&w, retry);
	wbuf_lv_str(&w, 1, refuse_text(code));
	kpvp_out(kc, co, PVP_REFUSE, flags | PVP_OUT_CLOSE, buf, w.w_len);
	kpvp_conn_free(kc, co);
}

size_t
kpvp_sid(const struct kconn *co, unsigned run, uint8_t sid[33])
{
	memcpy(sid, co->co_exporter, 32);
	sid[32] = (uint8_t)run;
	return (33);
}

size_t
kpvp_ci(const struct kcore *kc, const struct kconn *co, uint8_t *buf, size_t size)
{
	const uint8_t	*first, *second;
	struct wbuf	 w;

	first = co->co_role == PVP_INITIATOR ? kc->kc_node : co->co_node;
	second = co->co_role == PVP_INITIATOR ? co->co_node : kc->kc_node;
	wbuf_init(&w, buf, size);
	wbuf_lv_str(&w, 1, kc->kc_overlay);
	wbuf_lv(&w, 1, first, NODEID_LEN);
	wbuf_lv(&w, 1, second, NODEID_LEN);
	return (wbuf_ok(&w) == -1 ? 0 : w.w_len);
}

void
kpvp_tag(uint8_t tag[32], const uint8_t rk[64], unsigned type, const void *body,
    size_t len)
{
	uint8_t	 mac[64], t = (uint8_t)type;

	cpace_hmac(mac, rk, &t, 1, body, len);
	memcpy(tag, mac, 32);
	sodium_memzero(mac, sizeof(mac));
}

void
kpvp_rk(uint8_t key[CPACE_ISK])
{
	uint8_t	 rk[64];

	cpace_hmac(rk, key, AFTER_LABEL, sizeof(AFTER_LABEL) - 1, NULL, 0);
	memcpy(key, rk, sizeof(rk));
	sodium_memzero(rk, sizeof(rk));
}

int
kpvp_open(struct kcore *kc, const struct imsg_pvp_open *po)
{
	struct claimant	*cl = NULL;
	struct kconn	*co;
	struct ktry	*tr = NULL;
	struct vcr	*v = NULL;

	if (po->po_conn == 0 || kpvp_conn_find(kc, po->po_conn) != NULL ||
	    (po->po_role != PVP_INITIATOR && po->po_role != PVP_RESPONDER))
		return (-1);
	if (po->po_role == PVP_INITIATOR) {
		tr = ksched_try_find(kc, po->po_try);
		v = ksched_try_vcr(kc, tr, &cl);
		if (v != NULL && (tr->tr_conn != 0 || memcmp(cl->cl_node,
		    po->po_node, NODEID_LEN) != 0))
			return (-1);
	} else if (po->po_try != 0)
		return (-1);
	if (!kc->kc_open || kc->kc_conf == NULL ||
	    (co = calloc(1, sizeof(*co))) == NULL) {
		(void)kc->kc_ops->ko_out(kc->kc_arg, po->po_conn, PVP_CLOSE, 0,
		    NULL, 0);
		return (0);
	}
	co->co_id = po->po_conn;
	co->co_role = po->po_role;
	co->co_methods = po->po_methods;
	memcpy(co->co_node, po->po_node, sizeof(co->co_node));
	memcpy(co->co_exporter, po->po_exporter, sizeof(co->co_exporter));
	RB_INSERT(kconn_tree, &kc->kc_conns, co);
	kc->kc_conncount++;
	if (kc->kc_overlay[0] == '\0' ||
	    memcmp(co->co_node, kc->kc_node, NODEID_LEN) == 0 ||
	    (co->co_role == PVP_INITIATOR && v == NULL)) {
		kpvp_out(kc, co, PVP_CLOSE, 0, NULL, 0);
		kpvp_conn_free(kc, co);
		return (0);
	}
	if (co->co_role == PVP_RESPONDER) {
		krespond_open(kc, co, po->po_peer_now, po->po_arrived);
		return (0);
	}
	tr->tr_conn = co->co_id;
	co->co_try = tr->tr_id;
	if (initiate(kc, co, tr, v, cl) == -1) {
		kpvp_out(kc, co, PVP_CLOSE, 0, NULL, 0);
		kpvp_conn_free(kc, co);
		ksched_try_end(kc, tr, cl->cl_state == CL_CLAIMED ?
		    CL_CLAIMED : CL_DROPPED);
	}
	return (0);
}

int
kpvp_in(struct kcore *kc, uint64_t conn, unsigned type, const void *body,
    size_t len)
{
	struct kconn	*co;

	if (len > KEY_BODY_MAX)
		return (-1);
	/* One that we have just closed: its last words may still come. */
	if ((co = kpvp_conn_find(kc, conn)) == NULL)
		return (0);
	if (co->co_role == PVP_RESPONDER)
		krespond_in(kc, co, type, body, len);
	else
		initiator_in(kc, co, type, body, len);
	return (0);
}

int
kpvp_end(struct kcore *kc, const struct imsg_pvp_end *pe)
{
	struct claimant	*cl;
	struct kconn	*co;
	struct ktry	*tr;
	struct vcr	*v;

	co = kpvp_conn_find(kc, pe->pe_conn);
	tr = ksched_try_find(kc, co != NULL ? co->co_try : pe->pe_try);
	kpvp_conn_free(kc, co);
	if (tr == NULL)
		return (0);
	/* A connection of this attempt that was given up long ago. */
	if (co == NULL && tr->tr_conn != 0 && pe->pe_conn != tr->tr_conn)
		return (0);
	if ((v = ksched_try_vcr(kc, tr, &cl)) == NULL) {
		ksched_retry(kc, tr, 0);
		return (0);
	}
	switch (pe->pe_reason) {
	case PVP_END_REFUSED:
		initiator_refused(kc, tr, cl, v->v_called, pe);
		break;
	case PVP_END_PROTOCOL:
		ksched_try_end(kc, tr, cl->cl_state == CL_CLAIMED ?
		    CL_FAILED : CL_DROPPED);
		break;
	default:
		ksched_retry(kc, tr, 0);	/* repeats what was claimed */
		break;
	}
	return (0);
}

/* Codes 4, 5 and 9 with a time allow another moment; all else is final. */
static void
initiator_refused(struct kcore *kc, struct ktry *tr, struct claimant *cl,
    const char *number, const struct imsg_pvp_end *pe)
{
	char	 called[E164_SIZE];
	uint8_t	 node[NODEID_LEN];

	if (pe->pe_retry != 0 &&
	    (pe->pe_code == 4 || pe->pe_code == 5 || pe->pe_code == 9)) {
		ksched_retry(kc, tr, pe->pe_retry);
		return;
	}
	memcpy(called, number, sizeof(called));
	memcpy(node, cl->cl_node, sizeof(node));
	ksched_try_end(kc, tr, cl->cl_state == CL_CLAIMED ? CL_FAILED :
	    CL_DROPPED);
	if (pe->pe_code == 6 || pe->pe_code == 8)
		kroute_reproof_failed(kc, called, node);
}

/* -- initiator -- */

/* Run 0, or the one that is left when run 0 of an earlier connection failed.
 * A repeat begins with the method that was good, so that it fails no run. */
static int
initiate(struct kcore *kc, struct kconn *co, struct ktry *tr, struct vcr *v,
    struct claimant *cl)
{
	const struct pvp_method	*pm;

	(void)tr;
	co->co_repeat = cl->cl_state == CL_CLAIMED;
	pm = kmethod_pick(co->co_methods, v->v_caller[0] != '\0');
	if (pm != NULL && cl->cl_runs > (co->co_repeat ? 1 : 0))
		pm = kmethod_after(co->co_methods, pm->pm_letter);
	if (pm == NULL)
		return (-1);
	return (initiate_run(kc, co, v, pm));
}

/* PRS of this record into prs; its length, -1 if it does not fit. */
static int
initiate_prs(struct kcore *kc, struct kconn *co, struct vcr *v,
    const struct pvp_method *pm, uint8_t *prs)
{
	struct pvp_call	 pc;
	size_t		 n;

	(void)kc;
	(void)co;
	pc.pc_called = v->v_called;
	pc.pc_caller = v->v_caller;
	pc.pc_s = kcall_s(v);
	pc.pc_d = kcall_d(v);
	n = pm->pm_prs_initiator(&pc, prs, CPACE_PRS_MAX);
	sodium_memzero(&pc, sizeof(pc));
	return (n == 0 ? -1 : (int)n);
}

static int
initiate_run(struct kcore *kc, struct kconn *co, struct vcr *v,
    const struct pvp_method *pm)
{
	struct wbuf	 w;
	uint8_t		 prs[CPACE_PRS_MAX], g[CPACE_ELEMENT], ci[300], sid[33];
	uint8_t		 body[1 + KEY_AD_MAX + CPACE_ELEMENT];
	size_t		 cilen;
	int		 prslen, ok = -1;

	wbuf_init(&w, co->co_ad, sizeof(co->co_ad));
	wbuf_u8(&w, 'I');
	wbuf_u8(&w, AD_VERSION);
	wbuf_u8(&w, pm->pm_letter);
	wbuf_u8(&w, co->co_run);
	wbuf_u8(&w, MS);
	wbuf_u8(&w, (uint8_t)(kcall_s(v) % MS));
	wbuf_u8(&w, MD);
	wbuf_u8(&w, (uint8_t)(kcall_d(v) % MD));
	wbuf_lv_str(&w, 1, v->v_called + 1);
	co->co_adlen = w.w_len;
	co->co_method = pm->pm_letter;
	co->co_vcr = v->v_id;
	cilen = kpvp_ci(kc, co, ci, sizeof(ci));
	prslen = initiate_prs(kc, co, v, pm, prs);
	if (wbuf_ok(&w) == -1 || cilen == 0 || prslen == -1)
		goto done;
	if (cpace_generator(g, prs, (size_t)prslen, ci, cilen, sid,
	    kpvp_sid(co, co->co_run, sid)) == -1)
		goto done;
	if (kc->kc_ops->ko_scalar != NULL)
		kc->kc_ops->ko_scalar(kc->kc_arg, co->co_y);
	else
		cpace_scalar(co->co_y);
	if (cpace_public(co->co_Y, co->co_y, g) == -1)
		goto done;
	wbuf_init(&w, body, sizeof(body));
	wbuf_lv(&w, 1, co->co_ad, co->co_adlen);
	wbuf_bytes(&w, co->co_Y, sizeof(co->co_Y));
	co->co_state = CS_WAIT2;
	kpvp_out(kc, co, PVP_PROOF1, 0, body, w.w_len);
	ok = 0;
done:
	sodium_memzero(prs, sizeof(prs));
	sodium_memzero(g, sizeof(g));
	return (ok);
}

static void
initiator_in(struct kcore *kc, struct kconn *co, unsigned type,
    const uint8_t *body, size_t len)
{
	struct claimant	*cl;
	struct ktry	*tr;
	struct vcr	*v;

	tr = ksched_try_find(kc, co->co_try);
	if ((v = ksched_try_vcr(kc, tr, &cl)) == NULL) {
		/* The record was wiped meanwhile. */
		kpvp_out(kc, co, PVP_CLOSE, 0, NULL, 0);
		kpvp_conn_free(kc, co);
		if (tr != NULL)
			ksched_retry(kc, tr, 0);
		return;
	}
	if (type == PVP_PROOF2 && co->co_state == CS_WAIT2)
		initiator_proof2(kc, co, tr, v, cl, body, len);
	else if (type == PVP_ROUTE && co->co_state == CS_WAITROUTE)
		initiator_route(kc, co, tr, v, cl, body, len);
	else {
		kpvp_refuse(kc, co, 1, 0, 0);
		ksched_try_end(kc, tr, cl->cl_state == CL_CLAIMED ?
		    CL_FAILED : CL_DROPPED);
	}
}

static void
initiator_proof2(struct kcore *kc, struct kconn *co, struct ktry *tr,
    struct vcr *v, struct claimant *cl, const uint8_t *body, size_t len)
{
	struct kwait	*wa;

	if (!co->co_repeat) {
		cl->cl_runs++;
		v->v_sched->vs_runs++;
	}
	if (initiator_check2(kc, co, v, body, len) == -1) {
		kc->kc_stats.st_badtb++;
		initiator_bad(kc, co, tr, v, cl);
		return;
	}
	/* PROOF3 spends the call at the other side: that it may have left must
	 * survive us. */
	co->co_state = CS_CLAIMING;
	cl->cl_state = CL_CLAIMED;
	if ((wa = kcore_wait(kc, initiator_claim, co->co_id, 0)) == NULL ||
	    kcall_put(kc, v, wa) == -1)
		initiator_claim(kc, ENOSPC, co->co_id, 0);
}

/* Yb, Tb against our record; fills co_ta and co_rk.  -1: bad in any way. */
static int
initiator_check2(struct kcore *kc, struct kconn *co, struct vcr *v,
    const uint8_t *body, size_t len)
{
	struct cur	 c, ad;
	const uint8_t	*yb, *tb;
	uint8_t		 adb[4], want[4], sid[33];
	uint8_t		 k[CPACE_ELEMENT], isk[CPACE_ISK], mk[CPACE_ISK];
	uint8_t		 ta[CPACE_TAG], tag[CPACE_TAG];
	int		 ok = -1;

	(void)kc;
	(void)v;
	want[0] = 'R';
	want[1] = AD_VERSION;
	want[2] = co->co_method;
	want[3] = co->co_run;
	cur_init(&c, body, len);
	(void)cur_lv(&c, 1, &ad);
	yb = cur_ptr(&c, CPACE_ELEMENT);
	tb = cur_ptr(&c, CPACE_TAG);
	(void)cur_bytes(&ad, adb, sizeof(adb));
	if (cur_done(&c) == -1 || cur_done(&ad) == -1 ||
	    memcmp(adb, want, sizeof(adb)) != 0 ||
	    memcmp(yb, co->co_Y, CPACE_ELEMENT) == 0)
		return (-1);
	kpvp_sid(co, co->co_run, sid);
	if (cpace_shared(k, co->co_y, yb) == -1)
		goto done;
	cpace_isk(isk, sid, sizeof(sid), k, co->co_Y, co->co_ad, co->co_adlen,
	    yb, adb, sizeof(adb));
	cpace_mac_key(mk, sid, sizeof(sid), isk);
	cpace_tags(ta, tag, mk, co->co_Y, co->co_ad, co->co_adlen, yb, adb,
	    sizeof(adb));
	if (sodium_memcmp(tag, tb, sizeof(tag)) == 0) {
		memcpy(co->co_ta, ta, sizeof(co->co_ta));
		memcpy(co->co_rk, isk, sizeof(co->co_rk));
		kpvp_rk(co->co_rk);
		ok = 0;
	}
done:
	sodium_memzero(co->co_y, sizeof(co->co_y));
	sodium_memzero(k, sizeof(k));
	sodium_memzero(isk, sizeof(isk));
	sodium_memzero(mk, sizeof(mk));
	sodium_memzero(ta, sizeof(ta));
	sodium_memzero(tag, sizeof(tag));
	return (ok);
}

/* A bad Tb: one more run, then no more. */
static void
initiator_bad(struct kcore *kc, struct kconn *co, struct ktry *tr,
    struct vcr *v, struct claimant *cl)
{
	const struct pvp_method	*pm;
	char			 called[E164_SIZE];
	uint8_t			 node[NODEID_LEN];
	int			 waits, again;

	waits = ksched_failed(kc, cl->cl_node);
	pm = kmethod_after(co->co_methods, co->co_method);
	again = co->co_run == 0 && !waits && pm != NULL &&
	    (co->co_repeat || (cl->cl_runs < KEY_RUNS_CLAIMANT &&
	    v->v_sched->vs_runs < KEY_RUNS_MAX));
	if (again) {
		(void)kcall_put(kc, v, NULL);
		co->co_run = 1;
		if (initiate_run(kc, co, v, pm) == 0)
			return;
	}
	memcpy(called, v->v_called, sizeof(called));
	memcpy(node, cl->cl_node, sizeof(node));
	kpvp_out(kc, co, PVP_CLOSE, 0, NULL, 0);
	kpvp_conn_free(kc, co);
	ksched_try_end(kc, tr, CL_FAILED);
	kroute_reproof_failed(kc, called, node);
}

/* The claimant's state was committed: PROOF3 and CLAIM may leave. */
static void
initiator_claim(struct kcore *kc, int error, uint64_t conn, uint64_t unused)
{
	struct kclaim	 cm;
	struct claimant	*cl;
	struct kconn	*co;
	struct ktry	*tr;
	struct vcr	*v;
	uint8_t		 body[600];
	size_t		 n;

	(void)unused;
	if ((co = kpvp_conn_find(kc, conn)) == NULL ||
	    co->co_state != CS_CLAIMING)
		return;
	tr = ksched_try_find(kc, co->co_try);
	v = ksched_try_vcr(kc, tr, &cl);
	if (v == NULL || error != 0) {
		kpvp_out(kc, co, PVP_CLOSE, 0, NULL, 0);
		if (v != NULL && !co->co_repeat)
			cl->cl_state = CL_UNDERWAY;
		kpvp_conn_free(kc, co);
		if (tr != NULL)
			ksched_retry(kc, tr, 0);
		return;
	}
	memset(&cm, 0, sizeof(cm));
	memcpy(cm.cm_domain, kc->kc_conf->c_domain, sizeof(cm.cm_domain));
	cm.cm_lifetime = kc->kc_conf->c_ticket_lifetime;
	kroute_token(kc, v->v_called, co->co_node, cm.cm_token);
	n = kclaim_build(&cm, co->co_rk, body, sizeof(body));
	kpvp_out(kc, co, PVP_PROOF3, 0, co->co_ta, CPACE_TAG);
	kpvp_out(kc, co, PVP_CLAIM, 0, body, n);
	sodium_memzero(&cm, sizeof(cm));
	sodium_memzero(body, sizeof(body));
	sodium_memzero(co->co_ta, sizeof(co->co_ta));
	co->co_state = CS_WAITROUTE;
}

static void
initiator_route(struct kcore *kc, struct kconn *co, struct ktry *tr,
    struct vcr *v, struct claimant *cl, const uint8_t *body, size_t len)
{
	struct kgrant	*kg;
	struct kwait	*wa;
	uint8_t		 node[NODEID_LEN];
	unsigned	 index = tr->tr_claim;

	if ((kg = calloc(1, sizeof(*kg))) == NULL) {
		kpvp_out(kc, co, PVP_CLOSE, 0, NULL, 0);
		kpvp_conn_free(kc, co);
		ksched_repeat(kc, tr, 0);
		return;
	}
	if (kgrant_parse(body, len, co->co_rk, kg) == -1 ||
	    strcmp(kg->kg_number, v->v_called) != 0 ||
	    conf_name_ours(kc->kc_conf, kg->kg_domain, strlen(kg->kg_domain))) {
		kpvp_refuse(kc, co, 1, 0, 0);
		ksched_try_end(kc, tr, CL_FAILED);
		goto done;
	}
	memcpy(node, cl->cl_node, sizeof(node));
	kpvp_out(kc, co, PVP_CLOSE, 0, NULL, 0);
	kpvp_conn_free(kc, co);
	if ((wa = kcore_wait(kc, initiator_proven, v->v_id, index)) == NULL ||
	    kroute_proof(kc, kg, node, v, wa) == -1) {
		ksched_repeat(kc, tr, 0);
		goto done;
	}
	ksched_try_end(kc, tr, CL_PROVEN);
done:
	sodium_memzero(kg, sizeof(*kg));
	free(kg);
}

/* The proof is on disk, or could not be written: then the answer is lost. */
static void
initiator_proven(struct kcore *kc, int error, uint64_t id, uint64_t index)
{
	struct claimant	*cl;
	struct kpeer	*pe;
	struct vcr	*v;
	int		 first;

	if ((v = kcall_find(kc, id)) == NULL || v->v_sched == NULL ||
	    index >= v->v_sched->vs_count)
		return;
	cl = &v->v_sched->vs_claim[index];
	if (error != 0) {
		if (cl->cl_state != CL_PROVEN ||
		    cl->cl_repeats >= KEY_REPEATS_MAX)
			return;
		cl->cl_repeats++;
		cl->cl_state = CL_CLAIMED;
		cl->cl_moment = kc->kc_now + kcore_draw(kc,
		    (uint64_t)kc->kc_conf->c_retry_min * 1000,
		    (uint64_t)kc->kc_conf->c_retry_max * 1000);
		v->v_sched->vs_state = VS_TRYING;
		kcall_redue(kc, v);
		return;
	}
	kc->kc_stats.st_proven++;
	if ((pe = klimit_peer(kc, cl->cl_node, 1)) != NULL) {
		first = pe->pe_proven == 0 && pe->pe_proved == 0;
		pe->pe_fails = 0;
		pe->pe_level = 0;
		pe->pe_until = 0;
		pe->pe_proven = kc->kc_now / 1000;
		klimit_peer_later(kc, pe);
		if (first && kc->kc_ops->ko_first != NULL)
			kc->kc_ops->ko_first(kc->kc_arg);
	}
	(void)kroute_send(kc, v->v_called);
}
