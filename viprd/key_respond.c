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
 * core: proofs, the responder's side (pvp(7)).  Whether there is a
 * record or not, the same steps are taken and the same bytes leave.  The order
 * in which things become durable: the charge before PROOF2, the spent mark
 * before anything that follows a good Ta, the answer before ROUTE.
 */

#include <sys/types.h>

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cursor.h"
#include "key_core.h"

#define AD_VERSION	1
#define MS		11
#define MS_BUSY		44
#define MD		7
#define RANDOM_PRS	48
#define CLAIM_MAX	546
#define SKEW_MAX_MS	(48 * 3600 * 1000LL)
#define LATER_S		300		/* retry-after of REFUSE 9, and as much again */

struct proof1 {
	uint8_t		 p1_method;
	uint8_t		 p1_run;
	uint8_t		 p1_ms, p1_rs, p1_md, p1_rd;
	char		 p1_called[E164_SIZE];	/* with '+' */
	uint8_t		 p1_ad[KEY_AD_MAX];
	size_t		 p1_adlen;
	const uint8_t	*p1_Y;
};

static unsigned	 proof1_parse(const struct kcore *, const struct kconn *,
		    const uint8_t *, size_t, struct proof1 *);
static int	 proof1_ad(struct cur *, struct proof1 *);
static int	 proof1_same(const struct kconn *, const struct proof1 *);
static void	 responder_proof1(struct kcore *, struct kconn *, const uint8_t *,
		    size_t);
static int	 responder_run(struct kcore *, struct kconn *, const struct proof1 *);
static struct vcr *responder_prs(struct kcore *, struct kconn *,
		    const struct proof1 *, uint8_t *, size_t *);
static void	 responder_charged(struct kcore *, int, uint64_t, uint64_t);
static void	 responder_proof3(struct kcore *, struct kconn *, const uint8_t *,
		    size_t);
static void	 responder_good(struct kcore *, struct kconn *, struct vcr *);
static void	 responder_spent(struct kcore *, int, uint64_t, uint64_t);
static void	 responder_claim(struct kcore *, struct kconn *, const uint8_t *,
		    size_t);
static int	 domain_accepted(const struct kcore *, const char *);
static int	 responder_grant(struct kcore *, struct kconn *, struct vcr *,
		    const struct kclaim *);
static void	 responder_answer(struct kcore *, int, uint64_t, uint64_t);
static uint32_t	 later(struct kcore *);

int64_t
krespond_skew(uint64_t peer_now, uint64_t arrived)
{
	int64_t	 ms = (int64_t)(peer_now - arrived);

	if (ms > SKEW_MAX_MS || ms < -SKEW_MAX_MS)
		return (0);
	return ((ms + (ms < 0 ? -500 : 500)) / 1000);
}

static uint32_t
later(struct kcore *kc)
{
	return ((uint32_t)kcore_draw(kc, LATER_S, 2 * LATER_S));
}

void
krespond_open(struct kcore *kc, struct kconn *co, uint64_t peer_now,
    uint64_t arrived)
{
	co->co_state = CS_START;
	co->co_skew = krespond_skew(peer_now, arrived);
	if (kc->kc_conncount > KEY_CONNS_MAX)
		kpvp_refuse(kc, co, 4, later(kc), 0);
}

void
krespond_in(struct kcore *kc, struct kconn *co, unsigned type,
    const uint8_t *body, size_t len)
{
	if (type == PVP_PROOF1 && (co->co_state == CS_START ||
	    (co->co_state == CS_PROOF2 && co->co_run == 0)))
		responder_proof1(kc, co, body, len);
	else if (type == PVP_PROOF3 && co->co_state == CS_PROOF2)
		responder_proof3(kc, co, body, len);
	else if (type == PVP_CLAIM && co->co_state == CS_SPENT)
		responder_claim(kc, co, body, len);
	else if (type == PVP_CLAIM && co->co_state == CS_SPENDING &&
	    co->co_claim == NULL && len <= CLAIM_MAX &&
	    (co->co_claim = malloc(len + 1)) != NULL) {
		memcpy(co->co_claim, body, len);
		co->co_claimlen = len;
	} else
		kpvp_refuse(kc, co, 1, 0, 0);
}

/* -- PROOF1 -- */

static int
proof1_ad(struct cur *ad, struct proof1 *p1)
{
	struct span	 called;
	uint8_t		 letter, version;
	size_t		 i;

	(void)cur_u8(ad, &letter);
	(void)cur_u8(ad, &version);
	(void)cur_u8(ad, &p1->p1_method);
	(void)cur_u8(ad, &p1->p1_run);
	(void)cur_u8(ad, &p1->p1_ms);
	(void)cur_u8(ad, &p1->p1_rs);
	(void)cur_u8(ad, &p1->p1_md);
	(void)cur_u8(ad, &p1->p1_rd);
	(void)cur_lv_span(ad, 1, 15, &called);
	if (cur_done(ad) == -1 || letter != 'I' || version != AD_VERSION ||
	    called.len < 8)
		return (-1);
	for (i = 0; i < called.len; i++)
		if (called.p[i] < '0' || called.p[i] > '9')
			return (-1);
	p1->p1_called[0] = '+';
	memcpy(p1->p1_called + 1, called.p, called.len);
	return (0);
}

/* Run 1 asks about the same call, with the same method or with B after A. */
static int
proof1_same(const struct kconn *co, const struct proof1 *p1)
{
	uint8_t	 ad[KEY_AD_MAX];

	if (p1->p1_adlen != co->co_adlen)
		return (0);
	memcpy(ad, p1->p1_ad, sizeof(ad));
	ad[2] = co->co_ad0[2];
	ad[3] = co->co_ad0[3];
	if (memcmp(ad, co->co_ad0, p1->p1_adlen) != 0)
		return (0);
	return (p1->p1_method == co->co_method0 ||
	    (co->co_method0 == 'A' && p1->p1_method == 'B'));
}

/* 0, or the REFUSE code.  Nothing here depends on a record. */
static unsigned
proof1_parse(const struct kcore *kc, const struct kconn *co, const uint8_t *body,
    size_t len, struct proof1 *p1)
{
	const struct pvp_method	*pm;
	struct cur		 c, ad;

	memset(p1, 0, sizeof(*p1));
	cur_init(&c, body, len);
	if (cur_lv(&c, 1, &ad) == -1 || cur_left(&ad) > sizeof(p1->p1_ad))
		return (1);
	p1->p1_adlen = cur_left(&ad);
	memcpy(p1->p1_ad, ad.c_p, p1->p1_adlen);
	p1->p1_Y = cur_ptr(&c, CPACE_ELEMENT);
	if (cur_done(&c) == -1 || proof1_ad(&ad, p1) == -1)
		return (1);
	if (p1->p1_ms != MS && !(p1->p1_ms == MS_BUSY &&
	    kc->kc_conf->c_busy_moduli == MS_BUSY))
		return (1);
	if (p1->p1_md != MD || p1->p1_rs >= p1->p1_ms || p1->p1_rd >= p1->p1_md ||
	    p1->p1_run != (co->co_state == CS_START ? 0 : 1))
		return (1);
	pm = kmethod_find(p1->p1_method);
	if (pm == NULL || !(co->co_methods & pm->pm_bit))
		return (3);
	if (p1->p1_run == 1 && !proof1_same(co, p1))
		return (1);
	return (0);
}

static void
responder_proof1(struct kcore *kc, struct kconn *co, const uint8_t *body,
    size_t len)
{
	struct proof1	 p1;
	struct kwait	*wa;
	uint32_t	 wait;
	unsigned	 code;

	if ((code = proof1_parse(kc, co, body, len, &p1)) != 0) {
		kpvp_refuse(kc, co, code, 0, 0);
		return;
	}
	if (p1.p1_run == 0) {
		memcpy(co->co_number, p1.p1_called, sizeof(co->co_number));
		memcpy(co->co_ad0, p1.p1_ad, sizeof(co->co_ad0));
		co->co_adlen = p1.p1_adlen;
		co->co_method0 = p1.p1_method;
		wait = klimit_check(kc, co->co_node, co->co_number);
		if (wait != 0 && !cpace_element_ok(p1.p1_Y)) {
			kpvp_refuse(kc, co, 1, 0, 0);
			return;
		}
		if (wait != 0) {
			kc->kc_stats.st_limited++;
			kpvp_refuse(kc, co, 5, wait, PVP_OUT_GRID);
			return;
		}
	}
	co->co_run = p1.p1_run;
	if (responder_run(kc, co, &p1) == -1) {
		/* An element that is none shows in the multiplication. */
		if (!cpace_element_ok(p1.p1_Y))
			kpvp_refuse(kc, co, 1, 0, 0);
		else
			kpvp_refuse(kc, co, 9, later(kc), PVP_OUT_GRID);
		return;
	}
	kc->kc_stats.st_answered++;
	if (co->co_charged) {
		responder_charged(kc, 0, co->co_id, 0);
		return;
	}
	co->co_charged = 1;
	co->co_charge_at = (uint32_t)(kc->kc_now / 1000);
	co->co_state = CS_CHARGING;
	if ((wa = kcore_wait(kc, responder_charged, co->co_id, 0)) == NULL ||
	    klimit_charge(kc, co->co_node, co->co_number, wa) == -1)
		responder_charged(kc, errno != 0 ? errno : ENOMEM, co->co_id, 0);
}

/*
 * The record for this run, NULL if there is none, and its PRS.  A random one
 * stands in for it; both are made every time.
 */
static struct vcr *
responder_prs(struct kcore *kc, struct kconn *co, const struct proof1 *p1,
    uint8_t *prs, size_t *len)
{
	const struct pvp_method	*pm = kmethod_find(p1->p1_method);
	struct krank		 best[2], *use;
	struct pvp_call		 pc;
	struct vcr		*v;
	uint8_t			 none[RANDOM_PRS];

	krank(kc, co->co_number, co->co_node, co->co_skew, p1->p1_ms, p1->p1_rs,
	    p1->p1_md, p1->p1_rd, best);
	use = &best[0];
	if (p1->p1_run == 1 && p1->p1_method == co->co_method0 &&
	    best[0].rk_vcr != NULL && best[0].rk_vcr->v_id == co->co_best)
		use = &best[1];
	v = use->rk_vcr;
	pc.pc_called = co->co_number;
	pc.pc_caller = v != NULL ? v->v_caller : "";
	pc.pc_s = use->rk_s;
	pc.pc_d = use->rk_d;
	*len = pm->pm_prs_responder(&pc, prs, CPACE_PRS_MAX);
	kcore_random(kc, none, sizeof(none));
	if (v == NULL) {
		memcpy(prs, none, sizeof(none));
		*len = sizeof(none);
	}
	sodium_memzero(none, sizeof(none));
	sodium_memzero(&pc, sizeof(pc));
	sodium_memzero(best, sizeof(best));
	return (v);
}

/* Yb, Tb into co_out; the Ta that is expected, and the ISK into co_rk. */
static int
responder_run(struct kcore *kc, struct kconn *co, const struct proof1 *p1)
{
	struct wbuf	 w;
	struct vcr	*v;
	uint8_t		 prs[CPACE_PRS_MAX], g[CPACE_ELEMENT], ci[300], sid[33];
	uint8_t		 y[CPACE_SCALAR], yb[CPACE_ELEMENT], k[CPACE_ELEMENT];
	uint8_t		 isk[CPACE_ISK], mk[CPACE_ISK], tb[CPACE_TAG], adb[4];
	size_t		 prslen, cilen;
	int		 ok = -1;

	v = responder_prs(kc, co, p1, prs, &prslen);
	co->co_vcr = v != NULL ? v->v_id : 0;
	if (p1->p1_run == 0)
		co->co_best = co->co_vcr;
	co->co_method = p1->p1_method;
	cilen = kpvp_ci(kc, co, ci, sizeof(ci));
	kpvp_sid(co, p1->p1_run, sid);
	adb[0] = 'R';
	adb[1] = AD_VERSION;
	adb[2] = p1->p1_method;
	adb[3] = p1->p1_run;
	if (cilen == 0 || prslen == 0 || cpace_generator(g, prs, prslen, ci,
	    cilen, sid, sizeof(sid)) == -1)
		goto done;
	if (kc->kc_ops->ko_scalar != NULL)
		kc->kc_ops->ko_scalar(kc->kc_arg, y);
	else
		cpace_scalar(y);
	if (cpace_public(yb, y, g) == -1 ||
	    cpace_shared(k, y, p1->p1_Y) == -1)
		goto done;
	cpace_isk(isk, sid, sizeof(sid), k, p1->p1_Y, p1->p1_ad, p1->p1_adlen,
	    yb, adb, sizeof(adb));
	cpace_mac_key(mk, sid, sizeof(sid), isk);
	cpace_tags(co->co_ta, tb, mk, p1->p1_Y, p1->p1_ad, p1->p1_adlen, yb,
	    adb, sizeof(adb));
	memcpy(co->co_rk, isk, sizeof(co->co_rk));
	wbuf_init(&w, co->co_out, sizeof(co->co_out));
	wbuf_lv(&w, 1, adb, sizeof(adb));
	wbuf_bytes(&w, yb, sizeof(yb));
	wbuf_bytes(&w, tb, sizeof(tb));
	ok = wbuf_ok(&w);
done:
	sodium_memzero(prs, sizeof(prs));
	sodium_memzero(g, sizeof(g));
	sodium_memzero(y, sizeof(y));
	sodium_memzero(k, sizeof(k));
	sodium_memzero(isk, sizeof(isk));
	sodium_memzero(mk, sizeof(mk));
	return (ok);
}

/* The charge is durable: PROOF2 leaves, on the grid. */
static void
responder_charged(struct kcore *kc, int error, uint64_t conn, uint64_t unused)
{
	struct kconn	*co;

	(void)unused;
	if ((co = kpvp_conn_find(kc, conn)) == NULL)
		return;
	if (error != 0) {
		kpvp_refuse(kc, co, 9, later(kc), PVP_OUT_GRID);
		return;
	}
	co->co_state = CS_PROOF2;
	kpvp_out(kc, co, PVP_PROOF2, PVP_OUT_GRID, co->co_out,
	    5 + CPACE_ELEMENT + CPACE_TAG);
}

/* -- PROOF3 -- */

static void
responder_proof3(struct kcore *kc, struct kconn *co, const uint8_t *body,
    size_t len)
{
	struct vcr	*v;

	if (len != CPACE_TAG) {
		kpvp_refuse(kc, co, 1, 0, 0);
		return;
	}
	v = kcall_find(kc, co->co_vcr);
	if (sodium_memcmp(body, co->co_ta, CPACE_TAG) != 0 || v == NULL) {
		kc->kc_stats.st_badta++;
		kpvp_refuse(kc, co, 6, 0, 0);
		return;
	}
	sodium_memzero(co->co_ta, sizeof(co->co_ta));
	kpvp_rk(co->co_rk);
	responder_good(kc, co, v);
}

/* A good Ta: the charge is given back and the record is spent. */
static void
responder_good(struct kcore *kc, struct kconn *co, struct vcr *v)
{
	struct vcr_spent	*sp = v->v_spent;
	struct kpeer		*pe;
	struct kwait		*wa;
	int			 first;

	klimit_refund(kc, co->co_node, co->co_number, co->co_charge_at);
	co->co_charged = 0;
	if (sp != NULL && (memcmp(sp->sp_node, co->co_node, NODEID_LEN) != 0 ||
	    sp->sp_at + KEY_REPEAT_MS <= kc->kc_now)) {
		/* Another connection was faster. */
		kpvp_refuse(kc, co, 6, 0, 0);
		return;
	}
	if ((pe = klimit_peer(kc, co->co_node, 1)) != NULL) {
		first = pe->pe_proved == 0 && pe->pe_proven == 0;
		pe->pe_proved = kc->kc_now / 1000;
		klimit_peer_later(kc, pe);
		if (first && kc->kc_ops->ko_first != NULL)
			kc->kc_ops->ko_first(kc->kc_arg);
	}
	co->co_state = CS_SPENDING;
	if (sp != NULL && sp->sp_committed) {
		responder_spent(kc, 0, co->co_id, v->v_id);
		return;
	}
	if (sp == NULL) {
		if ((sp = v->v_spent = calloc(1, sizeof(*sp))) == NULL) {
			kpvp_refuse(kc, co, 9, later(kc), 0);
			return;
		}
		memcpy(sp->sp_node, co->co_node, sizeof(sp->sp_node));
		sp->sp_at = kc->kc_now;
		kc->kc_stats.st_spent++;
	}
	if ((wa = kcore_wait(kc, responder_spent, co->co_id, v->v_id)) == NULL ||
	    kcall_put(kc, v, wa) == -1)
		responder_spent(kc, ENOSPC, co->co_id, v->v_id);
}

/* The spent mark is durable, or could not be written: then it is none. */
static void
responder_spent(struct kcore *kc, int error, uint64_t conn, uint64_t id)
{
	struct kconn	*co;
	struct vcr	*v;
	uint8_t		*claim;
	size_t		 len;

	v = kcall_find(kc, id);
	if (error != 0 && v != NULL && v->v_spent != NULL &&
	    !v->v_spent->sp_committed) {
		kcall_spent_free(v->v_spent);
		v->v_spent = NULL;
	} else if (v != NULL && v->v_spent != NULL)
		v->v_spent->sp_committed = 1;
	if ((co = kpvp_conn_find(kc, conn)) == NULL ||
	    co->co_state != CS_SPENDING)
		return;
	if (error != 0 || v == NULL || v->v_spent == NULL) {
		kpvp_refuse(kc, co, 9, later(kc), 0);
		return;
	}
	co->co_state = CS_SPENT;
	if ((claim = co->co_claim) == NULL)
		return;
	len = co->co_claimlen;
	co->co_claim = NULL;
	co->co_claimlen = 0;
	responder_claim(kc, co, claim, len);
	sodium_memzero(claim, len);
	free(claim);
}

/* -- CLAIM -- */

static int
domain_accepted(const struct kcore *kc, const char *domain)
{
	const struct conf	*cf = kc->kc_conf;
	const struct conf_text	*ct;

	if (!conf_domain_valid(domain) ||
	    conf_name_ours(cf, domain, strlen(domain)))
		return (0);
	TAILQ_FOREACH(ct, &cf->c_refuse, ct_entry)
		if (strcasecmp(ct->ct_text, domain) == 0)
			return (0);
	if (TAILQ_EMPTY(&cf->c_accept))
		return (1);
	TAILQ_FOREACH(ct, &cf->c_accept, ct_entry)
		if (strcasecmp(ct->ct_text, domain) == 0)
			return (1);
	return (0);
}

static void
responder_claim(struct kcore *kc, struct kconn *co, const uint8_t *body,
    size_t len)
{
	struct vcr_spent	*sp;
	struct kclaim		 cm;
	struct vcr		*v;

	if (kclaim_parse(body, len, co->co_rk, &cm) == -1) {
		/* pvpd or whoever took it over: it counts as a guess. */
		(void)klimit_charge(kc, co->co_node, co->co_number, NULL);
		kpvp_refuse(kc, co, 1, 0, 0);
		return;
	}
	if ((v = kcall_find(kc, co->co_vcr)) == NULL ||
	    (sp = v->v_spent) == NULL) {
		kpvp_refuse(kc, co, 9, later(kc), 0);
		goto done;
	}
	if (sp->sp_domain[0] != '\0' && strcmp(sp->sp_domain, cm.cm_domain) != 0) {
		kpvp_refuse(kc, co, 6, 0, 0);
		goto done;
	}
	co->co_state = CS_ANSWERING;
	if (sp->sp_len != 0) {
		/* The answer was lost: the same one again. */
		responder_answer(kc, 0, co->co_id, v->v_id);
		goto done;
	}
	if (!domain_accepted(kc, cm.cm_domain)) {
		if (conf_domain_valid(cm.cm_domain)) {
			memcpy(sp->sp_domain, cm.cm_domain,
			    sizeof(sp->sp_domain));
			(void)kcall_put(kc, v, NULL);
		}
		kpvp_refuse(kc, co, 7, 0, 0);
		goto done;
	}
	if (!conf_number_ours(kc->kc_conf, co->co_number)) {
		kpvp_refuse(kc, co, 8, 0, 0);
		goto done;
	}
	if (responder_grant(kc, co, v, &cm) == -1)
		kpvp_refuse(kc, co, 9, later(kc), 0);
done:
	sodium_memzero(&cm, sizeof(cm));
}

/* Make the ticket or receipt and store the answer; it leaves after the
 * commit.  -1: not possible now. */
static int
responder_grant(struct kcore *kc, struct kconn *co, struct vcr *v,
    const struct kclaim *cm)
{
	const struct conf	*cf = kc->kc_conf;
	struct vcr_spent	*sp = v->v_spent;
	struct kgrant		*kg;
	struct kwait		*wa;
	uint8_t			 body[KEY_ROUTE_BODY];
	const char		*host;
	uint64_t		 life;
	unsigned		 count;
	size_t			 n;
	int			 ok = -1, r;

	if ((kg = calloc(1, sizeof(*kg))) == NULL)
		return (-1);
	count = kticket_proofs(kc, cm->cm_token, cm->cm_domain, co->co_node,
	    co->co_number);
	if (count < 255)
		count++;
	kg->kg_kind = count >= cf->c_tickets_after ? TICKET_TICKET :
	    TICKET_RECEIPT;
	life = kg->kg_kind == TICKET_RECEIPT ? cf->c_receipt_lifetime :
	    cf->c_ticket_lifetime;
	if (kg->kg_kind == TICKET_TICKET && cm->cm_lifetime < life)
		life = cm->cm_lifetime;
	kg->kg_not_after = kc->kc_now / 1000 + life;
	memcpy(kg->kg_number, co->co_number, sizeof(kg->kg_number));
	host = cf->c_outside_host[0] != '\0' ? cf->c_outside_host : cf->c_domain;
	if (cf->c_outside_port != 0)
		r = snprintf(kg->kg_uri[0], URI_MAX, "sip:%s@%s:%u;transport=tls",
		    kg->kg_number, host, (unsigned)cf->c_outside_port);
	else
		r = snprintf(kg->kg_uri[0], URI_MAX, "sip:%s@%s;transport=tls",
		    kg->kg_number, host);
	if (r < 0 || r >= URI_MAX)
		goto done;
	kg->kg_uricount = 1;
	if (kticket_grant(kc, kg->kg_kind, count, cm->cm_domain, co->co_node,
	    co->co_number, kg->kg_not_after, kg->kg_token,
	    sizeof(kg->kg_token)) == -1 ||
	    (n = kgrant_build(kg, body, sizeof(body) - 32)) == 0 ||
	    (sp->sp_route = malloc(n)) == NULL)
		goto done;
	memcpy(sp->sp_route, body, n);
	sp->sp_len = (uint16_t)n;
	memcpy(sp->sp_domain, cm->cm_domain, sizeof(sp->sp_domain));
	kcall_redue(kc, v);
	if ((wa = kcore_wait(kc, responder_answer, co->co_id, v->v_id)) == NULL ||
	    kcall_put(kc, v, wa) == -1)
		responder_answer(kc, ENOSPC, co->co_id, v->v_id);
	ok = 0;
done:
	sodium_memzero(kg, sizeof(*kg));
	free(kg);
	sodium_memzero(body, sizeof(body));
	return (ok);
}

/* The answer is stored: it leaves under this connection's own tag. */
static void
responder_answer(struct kcore *kc, int error, uint64_t conn, uint64_t id)
{
	struct vcr_spent	*sp = NULL;
	struct kconn		*co;
	struct vcr		*v;
	uint8_t			 body[KEY_ROUTE_BODY];

	if ((v = kcall_find(kc, id)) != NULL)
		sp = v->v_spent;
	if (error != 0 && sp != NULL && sp->sp_route != NULL) {
		/* As if no CLAIM had come: the peer may repeat it. */
		sodium_memzero(sp->sp_route, sp->sp_len);
		free(sp->sp_route);
		sp->sp_route = NULL;
		sp->sp_len = 0;
		memset(sp->sp_domain, 0, sizeof(sp->sp_domain));
	}
	if ((co = kpvp_conn_find(kc, conn)) == NULL ||
	    co->co_state != CS_ANSWERING)
		return;
	if (error != 0 || sp == NULL || sp->sp_len == 0) {
		kpvp_refuse(kc, co, 9, later(kc), 0);
		return;
	}
	memcpy(body, sp->sp_route, sp->sp_len);
	kpvp_tag(body + sp->sp_len, co->co_rk, PVP_ROUTE, body, sp->sp_len);
	kpvp_out(kc, co, PVP_ROUTE, PVP_OUT_CLOSE, body, (size_t)sp->sp_len + 32);
	sodium_memzero(body, sizeof(body));
	kc->kc_stats.st_granted++;
	kpvp_conn_free(kc, co);
}
