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

/* The responder, and an initiator driven by hand: pvp(7). */

#include "key_box.h"

#define B_NUMBER	"+14085550142"
#define A_CALLER	"+12125550187"
#define B_OTHER		"+14085550143"

static struct box	*a, *b;

static void
two(void)
{
	a = box_new("a", "+12125550100", "+12125550199");
	b = box_new("b", "+14085550100", "+14085550199");
	box_claims(a, b);
}

/* -- an initiator driven by hand -- */

struct hand {
	struct link	*h_link;
	uint8_t		 h_ad[32], h_y[32], h_Y[32], h_ta[64], h_rk[64];
	size_t		 h_adlen;
	int		 h_good;	/* Tb was good */
};

/* The initiator's own arithmetic, apart from key_pvp.c. */
static void
hand_run(struct hand *h, unsigned method, unsigned run, const char *called,
    const char *caller, uint64_t s, uint32_t d)
{
	struct link	*l = h->h_link;
	struct wbuf	 w;
	uint8_t		 prs[108], ci[64], sid[33], g[32], k[32], isk[64], mk[64];
	uint8_t		 tag[64], body[128];
	const struct said *p2;
	size_t		 prslen, cilen;

	wbuf_init(&w, h->h_ad, sizeof(h->h_ad));
	wbuf_u8(&w, 'I');
	wbuf_u8(&w, 1);
	wbuf_u8(&w, (uint8_t)method);
	wbuf_u8(&w, (uint8_t)run);
	wbuf_u8(&w, 11);
	wbuf_u8(&w, (uint8_t)(s % 11));
	wbuf_u8(&w, 7);
	wbuf_u8(&w, (uint8_t)(d % 7));
	wbuf_lv_str(&w, 1, called + 1);
	h->h_adlen = w.w_len;
	wbuf_init(&w, prs, sizeof(prs));
	wbuf_str(&w, "ViPR-call-1");
	wbuf_u8(&w, (uint8_t)method);
	wbuf_lv_str(&w, 1, called + 1);
	wbuf_lv_str(&w, 1, method == 'A' ? caller + 1 : "");
	wbuf_u64(&w, s);
	wbuf_u32(&w, d);
	prslen = w.w_len;
	wbuf_init(&w, ci, sizeof(ci));
	wbuf_lv_str(&w, 1, "overlay.test");
	wbuf_lv(&w, 1, l->l_i->b_node, NODEID_LEN);
	wbuf_lv(&w, 1, l->l_r->b_node, NODEID_LEN);
	cilen = w.w_len;
	memcpy(sid, world_exporter, 32);
	sid[31] ^= (uint8_t)(l->l_id - 1);
	sid[30] ^= (uint8_t)((l->l_id - 1) >> 8);
	sid[32] = (uint8_t)run;
	ATF_REQUIRE_EQ(0, cpace_generator(g, prs, prslen, ci, cilen, sid, 33));
	cpace_scalar(h->h_y);
	ATF_REQUIRE_EQ(0, cpace_public(h->h_Y, h->h_y, g));
	wbuf_init(&w, body, sizeof(body));
	wbuf_lv(&w, 1, h->h_ad, h->h_adlen);
	wbuf_bytes(&w, h->h_Y, 32);
	box_clock(l->l_r);
	ATF_CHECK_EQ(0, kpvp_in(l->l_r->b_kc, l->l_id, PVP_PROOF1, body,
	    w.w_len));
	world_talk();
	h->h_good = 0;
	p2 = &said[nsaid - 1];
	if (p2->s_type != PVP_PROOF2)
		return;
	ATF_REQUIRE_EQ(101, p2->s_len);
	if (cpace_shared(k, h->h_y, p2->s_body + 5) == -1)
		return;
	cpace_isk(isk, sid, 33, k, h->h_Y, h->h_ad, h->h_adlen, p2->s_body + 5,
	    p2->s_body + 1, 4);
	cpace_mac_key(mk, sid, 33, isk);
	cpace_tags(h->h_ta, tag, mk, h->h_Y, h->h_ad, h->h_adlen,
	    p2->s_body + 5, p2->s_body + 1, 4);
	h->h_good = memcmp(tag, p2->s_body + 37, 64) == 0;
	memcpy(h->h_rk, isk, sizeof(h->h_rk));
	kpvp_rk(h->h_rk);
}

static void
hand_say(struct hand *h, unsigned type, const void *body, size_t len)
{
	struct box	*r = h->h_link->l_r;

	box_clock(r);
	ATF_CHECK_EQ(0, kpvp_in(r->b_kc, h->h_link->l_id, type, body, len));
}

static void
hand_claim(struct hand *h, const char *domain, const char *token)
{
	struct kclaim	 cm;
	uint8_t		 body[600];
	size_t		 n;

	memset(&cm, 0, sizeof(cm));
	snprintf(cm.cm_domain, sizeof(cm.cm_domain), "%s", domain);
	snprintf(cm.cm_token, sizeof(cm.cm_token), "%s", token);
	cm.cm_lifetime = 86400;
	ATF_REQUIRE((n = kclaim_build(&cm, h->h_rk, body, sizeof(body))) != 0);
	hand_say(h, PVP_CLAIM, body, n);
}

static int
hand_route(struct hand *h, struct kgrant *kg)
{
	const struct said	*s = &said[nsaid - 1];

	if (s->s_type != PVP_ROUTE)
		return (-1);
	return (kgrant_parse(s->s_body, s->s_len, h->h_rk, kg));
}

/* S and D of a call to b that ended a quarter of an hour ago. */
static void
called(uint64_t *s, uint32_t *d, unsigned ms)
{
	*s = world_now / 1000;
	*d = ms / 1000;
	world_call(NULL, b, B_NUMBER, A_CALLER, A_CALLER, ms, 0, 0);
	world_run(world_now + 15 * MINUTE);
}

/* Each pair of offsets within 5 s and 3 s matches, no other. */
ATF_TC_WITHOUT_HEAD(offsets);
ATF_TC_BODY(offsets, tc)
{
	struct hand	 h;
	uint64_t	 s;
	uint32_t	 d;
	int		 ds, dd;

	two();
	b->b_cf->c_limit_number = b->b_cf->c_limit_peer = 1000;
	called(&s, &d, 187000);
	for (ds = -12; ds <= 12; ds++)
		for (dd = -8; dd <= 8; dd++) {
			h.h_link = link_new(a, b, 0);
			hand_run(&h, 'A', 0, B_NUMBER, A_CALLER,
			    s + (uint64_t)ds, d + (uint32_t)dd);
			ATF_CHECK_EQ_MSG(ds >= -5 && ds <= 5 && dd >= -3 &&
			    dd <= 3, h.h_good, "%d s, %d s", ds, dd);
			link_down(h.h_link, PVP_END_LOST);
			nsaid = 0;
		}
	world_end();
}

/* More than the five that may fail; all parallel ones count. */
ATF_TC_WITHOUT_HEAD(limit_number);
ATF_TC_BODY(limit_number, tc)
{
	struct hand	 h[8];
	uint32_t	 retry = 0, d;
	uint64_t	 s;
	unsigned	 i;

	two();
	called(&s, &d, 187000);
	for (i = 0; i < 8; i++) {
		h[i].h_link = link_new(a, b, 0);
		hand_run(&h[i], 'A', 0, B_NUMBER, A_CALLER, s + 7, d);
		ATF_CHECK_EQ(i < 5 ? PVP_PROOF2 : PVP_REFUSE,
		    said[nsaid - 1].s_type);
	}
	ATF_CHECK_EQ(5, said_refuse("b", &retry));
	ATF_CHECK(retry > 86000 && retry <= 86400);
	ATF_CHECK_EQ(PVP_OUT_GRID | PVP_OUT_CLOSE, said[nsaid - 1].s_flags);
	/* Two runs are one connection. */
	ATF_CHECK_EQ(5, klimit_count(b->b_kc, a->b_node, B_NUMBER));
	hand_run(&h[0], 'B', 1, B_NUMBER, A_CALLER, s + 7, d);
	ATF_CHECK_EQ(5, klimit_count(b->b_kc, a->b_node, B_NUMBER));
	/* A restart forgets nothing, another number is free, a day heals. */
	box_restart(b);
	h[0].h_link = link_new(a, b, 0);
	hand_run(&h[0], 'A', 0, B_NUMBER, A_CALLER, s, d);
	ATF_CHECK_EQ(PVP_REFUSE, said[nsaid - 1].s_type);
	h[0].h_link = link_new(a, b, 0);
	hand_run(&h[0], 'A', 0, B_OTHER, A_CALLER, s, d);
	ATF_CHECK_EQ(PVP_PROOF2, said[nsaid - 1].s_type);
	world_run(world_now + 24 * HOUR + 2 * MINUTE);
	h[0].h_link = link_new(a, b, 0);
	hand_run(&h[0], 'A', 0, B_NUMBER, A_CALLER, s, d);
	ATF_CHECK_EQ(PVP_PROOF2, said[nsaid - 1].s_type);
	world_end();
}

ATF_TC_WITHOUT_HEAD(limit_peer);
ATF_TC_BODY(limit_peer, tc)
{
	struct hand	 h;
	char		 number[E164_SIZE];
	unsigned	 i;

	two();
	for (i = 0; i < 52; i++) {
		snprintf(number, sizeof(number), "+140855501%02u", i);
		h.h_link = link_new(a, b, 0);
		hand_run(&h, 'A', 0, number, A_CALLER, 1795169000, 80);
		ATF_CHECK_EQ(i < 50 ? PVP_PROOF2 : PVP_REFUSE,
		    said[nsaid - 1].s_type);
	}
	ATF_CHECK_EQ(50, klimit_count(b->b_kc, a->b_node, NULL));
	world_end();
}

/* A success gives back its own charge, clears no other. */
ATF_TC_WITHOUT_HEAD(charge_given_back);
ATF_TC_BODY(charge_given_back, tc)
{
	struct hand	 h, bad;
	struct kgrant	 kg;
	uint64_t	 s;
	uint32_t	 d;

	two();
	called(&s, &d, 187000);
	bad.h_link = link_new(a, b, 0);
	hand_run(&bad, 'A', 0, B_NUMBER, A_CALLER, s + 9, d);
	h.h_link = link_new(a, b, 0);
	hand_run(&h, 'A', 0, B_NUMBER, A_CALLER, s, d);
	ATF_REQUIRE(h.h_good);
	ATF_CHECK_EQ(2, klimit_count(b->b_kc, a->b_node, B_NUMBER));
	hand_say(&h, PVP_PROOF3, h.h_ta, 64);
	ATF_CHECK_EQ(1, klimit_count(b->b_kc, a->b_node, B_NUMBER));
	ATF_CHECK_EQ(1, klimit_count(b->b_kc, a->b_node, NULL));
	/* CLAIM in the same record, before the commit. */
	hand_claim(&h, "a.example", "");
	world_talk();
	ATF_REQUIRE_EQ(0, hand_route(&h, &kg));
	ATF_CHECK_EQ(TICKET_RECEIPT, kg.kg_kind);
	ATF_CHECK_STREQ(B_NUMBER, kg.kg_number);
	ATF_CHECK_STREQ("b.example", kg.kg_domain);
	world_end();
}

/* Two connections of different nodes match one record: the first has it. */
ATF_TC_WITHOUT_HEAD(spend_race);
ATF_TC_BODY(spend_race, tc)
{
	struct box	*c;
	struct hand	 h, g;
	struct kgrant	 kg;
	uint64_t	 s;
	uint32_t	 d;

	two();
	c = box_new("c", "+13035550100", "+13035550199");
	called(&s, &d, 187000);
	h.h_link = link_new(a, b, 0);
	g.h_link = link_new(c, b, 0);
	hand_run(&h, 'A', 0, B_NUMBER, A_CALLER, s, d);
	hand_run(&g, 'A', 0, B_NUMBER, A_CALLER, s, d);
	ATF_REQUIRE(h.h_good && g.h_good);
	hand_say(&h, PVP_PROOF3, h.h_ta, 64);
	hand_say(&g, PVP_PROOF3, g.h_ta, 64);
	world_talk();
	ATF_CHECK_EQ(6, said_refuse("b", NULL));
	hand_claim(&h, "a.example", "");
	world_talk();
	ATF_CHECK_EQ(0, hand_route(&h, &kg));
	ATF_CHECK_EQ(1, said_count("b", PVP_ROUTE));
	/* Spent: another node finds no record, the spender its own, within an
	 * hour, under the same domain only. */
	g.h_link = link_new(c, b, 0);
	hand_run(&g, 'A', 0, B_NUMBER, A_CALLER, s, d);
	ATF_CHECK(!g.h_good);
	h.h_link = link_new(a, b, 0);
	hand_run(&h, 'A', 0, B_NUMBER, A_CALLER, s, d);
	ATF_REQUIRE(h.h_good);
	hand_say(&h, PVP_PROOF3, h.h_ta, 64);
	hand_claim(&h, "other.example", "");
	world_talk();
	ATF_CHECK_EQ(6, said_refuse("b", NULL));
	ATF_CHECK_EQ(1, said_count("b", PVP_ROUTE));
	world_run(world_now + HOUR);
	h.h_link = link_new(a, b, 0);
	hand_run(&h, 'A', 0, B_NUMBER, A_CALLER, s, d);
	ATF_CHECK(!h.h_good);
	world_end();
}

/* Receipt, then ticket, then a ticket as the receipt; a stranger's counts not. */
ATF_TC_WITHOUT_HEAD(receipts);
ATF_TC_BODY(receipts, tc)
{
	static const char *const domains[] = { "a.example", "a.example",
	    "a.example", "x.example" };
	static const unsigned	 kinds[] = { TICKET_RECEIPT, TICKET_TICKET,
	    TICKET_TICKET, TICKET_RECEIPT };
	struct hand		 h;
	struct kgrant		 kg;
	uint64_t		 s;
	uint32_t		 d;
	char			 token[256] = "";
	unsigned		 i;

	two();
	for (i = 0; i < 4; i++) {
		called(&s, &d, 100000 + i * 5000);
		h.h_link = link_new(a, b, 0);
		hand_run(&h, 'A', 0, B_NUMBER, A_CALLER, s, d);
		ATF_REQUIRE(h.h_good);
		hand_say(&h, PVP_PROOF3, h.h_ta, 64);
		world_talk();
		hand_claim(&h, domains[i], token);
		world_talk();
		ATF_REQUIRE_EQ(0, hand_route(&h, &kg));
		ATF_CHECK_EQ_MSG(kinds[i], kg.kg_kind, "proof %u", i + 1);
		ATF_CHECK_EQ(kg.kg_kind == TICKET_TICKET ?
		    world_now / 1000 + 86400 : world_now / 1000 + 30 * 86400,
		    kg.kg_not_after);
		memcpy(token, kg.kg_token, sizeof(token));
		box_restart(b);
	}
	world_end();
}

ATF_TC_WITHOUT_HEAD(too_young_too_old);
ATF_TC_BODY(too_young_too_old, tc)
{
	struct hand	 h;
	uint64_t	 s = T0 / 1000, stop;

	two();
	world_call(NULL, b, B_NUMBER, A_CALLER, A_CALLER, 187000, 0, 0);
	stop = T0 + 187000;
	world_now = stop + 10 * MINUTE - 1;
	h.h_link = link_new(a, b, 0);
	hand_run(&h, 'A', 0, B_NUMBER, A_CALLER, s, 187);
	ATF_CHECK(!h.h_good);
	world_now = stop + 10 * MINUTE;
	h.h_link = link_new(a, b, 0);
	hand_run(&h, 'A', 0, B_NUMBER, A_CALLER, s, 187);
	ATF_CHECK(h.h_good);
	world_now = stop + 26 * HOUR - 1;
	h.h_link = link_new(a, b, 0);
	hand_run(&h, 'A', 0, B_NUMBER, A_CALLER, s, 187);
	ATF_CHECK(h.h_good);
	world_now = stop + 26 * HOUR;
	h.h_link = link_new(a, b, 0);
	hand_run(&h, 'A', 0, B_NUMBER, A_CALLER, s, 187);
	ATF_CHECK(!h.h_good);
	world_end();
}

/* -- PROOF1 as it must not be -- */

static unsigned
proof1_code(const uint8_t *body, size_t len)
{
	struct link	*l;
	uint8_t		*heap;
	unsigned	 code;

	l = link_new(a, b, 0);
	ATF_REQUIRE((heap = malloc(len + !len)) != NULL);
	memcpy(heap, body, len);
	ATF_CHECK_EQ(0, kpvp_in(b->b_kc, l->l_id, PVP_PROOF1, heap, len));
	free(heap);
	world_talk();
	code = said[nsaid - 1].s_type == PVP_REFUSE ? said[nsaid - 1].s_code : 0;
	link_down(l, PVP_END_LOST);
	nsaid = 0;
	return (code);
}

ATF_TC_WITHOUT_HEAD(proof1_bad);
ATF_TC_BODY(proof1_bad, tc)
{
	uint8_t		 good[53], bad[53];
	uint8_t		 g[32], y[32];
	size_t		 i;
	static const struct {
		size_t	 at;
		uint8_t	 value;
		unsigned code;
	} cases[] = {
		{ 0, 19, 1 }, { 0, 21, 1 }, { 0, 255, 1 }, { 1, 'R', 1 },
		{ 2, 2, 1 }, { 3, 'C', 3 }, { 3, 0, 3 }, { 4, 1, 1 },
		{ 5, 44, 1 }, { 5, 0, 1 }, { 5, 12, 1 }, { 6, 11, 1 },
		{ 6, 255, 1 }, { 7, 8, 1 }, { 7, 0, 1 }, { 8, 7, 1 },
		{ 9, 10, 1 }, { 9, 12, 1 }, { 9, 255, 1 }, { 10, '+', 1 },
		{ 10, '/', 1 }, { 20, ':', 1 },
	};

	two();
	b->b_cf->c_limit_number = b->b_cf->c_limit_peer = 1000;
	memcpy(good, "\x14I\x01" "A\x00\x0b\x09\x07\x05\x0b" "14085550142", 21);
	ATF_REQUIRE_EQ(0, cpace_generator(g, "x", 1, "y", 1, "z", 1));
	cpace_scalar(y);
	ATF_REQUIRE_EQ(0, cpace_public(good + 21, y, g));
	ATF_CHECK_EQ(0, proof1_code(good, sizeof(good)));
	for (i = 0; i < sizeof(good); i++)
		ATF_CHECK_EQ_MSG(1, proof1_code(good, i), "%zu bytes", i);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(bad, good, sizeof(bad));
		bad[cases[i].at] = cases[i].value;
		ATF_CHECK_EQ_MSG(cases[i].code, proof1_code(bad, sizeof(bad)),
		    "case %zu", i);
	}
	/* Elements: bit 255, the identity, not canonical. */
	memcpy(bad, good, sizeof(bad));
	bad[52] |= 0x80;
	ATF_CHECK_EQ(1, proof1_code(bad, sizeof(bad)));
	memset(bad + 21, 0, 32);
	ATF_CHECK_EQ(1, proof1_code(bad, sizeof(bad)));
	memset(bad + 21, 0xff, 32);
	ATF_CHECK_EQ(1, proof1_code(bad, sizeof(bad)));
	/* 44 is allowed where busy is. */
	b->b_cf->c_busy_moduli = 44;
	memcpy(bad, good, sizeof(bad));
	bad[5] = 44;
	bad[6] = 43;
	ATF_CHECK_EQ(0, proof1_code(bad, sizeof(bad)));
	world_end();
}

/* Nothing is charged for what no record was asked about. */
ATF_TC_WITHOUT_HEAD(order);
ATF_TC_BODY(order, tc)
{
	struct hand	 h;
	uint8_t		 zero[64] = { 0 };
	static const unsigned types[] = { PVP_HELLO, PVP_PROOF2, PVP_PROOF3,
	    PVP_CLAIM, PVP_ROUTE, 7, 254, 65535 };
	size_t		 i;

	two();
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		h.h_link = link_new(a, b, 0);
		hand_say(&h, types[i], zero, sizeof(zero));
		world_talk();
		ATF_CHECK_EQ(1, said_refuse("b", NULL));
		ATF_CHECK_EQ(PVP_OUT_CLOSE, said[nsaid - 1].s_flags);
	}
	ATF_CHECK_EQ(0, klimit_count(b->b_kc, a->b_node, NULL));
	/* Run 1 about another call; a third run; B and then A. */
	h.h_link = link_new(a, b, 0);
	hand_run(&h, 'A', 0, B_NUMBER, A_CALLER, 1000, 70);
	hand_run(&h, 'A', 1, B_NUMBER, A_CALLER, 1001, 70);
	ATF_CHECK_EQ(1, said_refuse("b", NULL));
	h.h_link = link_new(a, b, 0);
	hand_run(&h, 'A', 0, B_NUMBER, A_CALLER, 1000, 70);
	hand_run(&h, 'A', 1, B_OTHER, A_CALLER, 1000, 70);
	ATF_CHECK_EQ(PVP_REFUSE, said[nsaid - 1].s_type);
	h.h_link = link_new(a, b, 0);
	hand_run(&h, 'B', 0, B_NUMBER, A_CALLER, 1000, 70);
	hand_run(&h, 'A', 1, B_NUMBER, A_CALLER, 1000, 70);
	ATF_CHECK_EQ(PVP_REFUSE, said[nsaid - 1].s_type);
	h.h_link = link_new(a, b, 0);
	hand_run(&h, 'A', 0, B_NUMBER, A_CALLER, 1000, 70);
	hand_run(&h, 'B', 1, B_NUMBER, A_CALLER, 1000, 70);
	ATF_CHECK_EQ(PVP_PROOF2, said[nsaid - 1].s_type);
	hand_run(&h, 'B', 1, B_NUMBER, A_CALLER, 1000, 70);
	ATF_CHECK_EQ(PVP_REFUSE, said[nsaid - 1].s_type);
	world_end();
}

/* What pvpd itself may not do. */
ATF_TC_WITHOUT_HEAD(pvpd_rules);
ATF_TC_BODY(pvpd_rules, tc)
{
	struct imsg_pvp_open	 po;
	uint8_t			 big[KEY_BODY_MAX + 1] = { 0 };

	two();
	memset(&po, 0, sizeof(po));
	po.po_conn = 77;
	ATF_CHECK_EQ(-1, kpvp_open(b->b_kc, &po));	/* no role */
	po.po_role = PVP_RESPONDER;
	po.po_try = 5;
	ATF_CHECK_EQ(-1, kpvp_open(b->b_kc, &po));
	po.po_try = 0;
	ATF_CHECK_EQ(0, kpvp_open(b->b_kc, &po));
	ATF_CHECK_EQ(-1, kpvp_open(b->b_kc, &po));	/* twice */
	ATF_CHECK_EQ(-1, kpvp_in(b->b_kc, 77, PVP_PROOF1, big, sizeof(big)));
	ATF_CHECK_EQ(0, kpvp_in(b->b_kc, 78, PVP_PROOF1, big, 3));
	/* An attempt that we did not ask for: closed. */
	po.po_conn = 79;
	po.po_role = PVP_INITIATOR;
	po.po_try = 123;
	ATF_CHECK_EQ(0, kpvp_open(b->b_kc, &po));
	ATF_CHECK(kpvp_conn_find(b->b_kc, 79) == NULL);
	world_end();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, offsets);
	ATF_TP_ADD_TC(tp, limit_number);
	ATF_TP_ADD_TC(tp, limit_peer);
	ATF_TP_ADD_TC(tp, charge_given_back);
	ATF_TP_ADD_TC(tp, spend_race);
	ATF_TP_ADD_TC(tp, receipts);
	ATF_TP_ADD_TC(tp, too_young_too_old);
	ATF_TP_ADD_TC(tp, proof1_bad);
	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, pvpd_rules);
	return (atf_no_error());
}
