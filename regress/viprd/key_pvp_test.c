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

/* Whole proofs between key cores: what pvp(7) promises. */

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

static void
prove_all(void)
{
	world_run(world_now + 27 * HOUR);
}

/* -- hooks -- */

static unsigned	 hook_type, hook_times, hook_what;
static int	 hook_flip = -1;	/* byte from the end to alter */

static int
hook_on(struct box *from, struct event *e)
{
	(void)from;
	if (e->e_type != hook_type || hook_times == 0)
		return (0);
	hook_times--;
	if (hook_flip >= 0)
		e->e_body[e->e_len - 1 - (size_t)hook_flip] ^= 1;
	return ((int)hook_what);
}

static void
hook(unsigned type, unsigned times, unsigned what, int flip)
{
	world_hook = hook_on;
	hook_type = type;
	hook_times = times;
	hook_what = what;
	hook_flip = flip;
}

/* -- success -- */

ATF_TC_WITHOUT_HEAD(method_a);
ATF_TC_BODY(method_a, tc)
{
	unsigned	 proofs = 0;

	two();
	world_call(a, b, B_NUMBER, A_CALLER, A_CALLER, 187000, 400, -700);
	ATF_CHECK_EQ(1, a->b_acks[1]);
	ATF_CHECK_EQ(1, b->b_acks[1]);
	prove_all();
	ATF_CHECK_EQ(1, said_count("b", PVP_ROUTE));
	ATF_CHECK_EQ(ROUTE_PENDING, box_route(a, B_NUMBER, "b.example", &proofs));
	ATF_CHECK_EQ(1, proofs);
	ATF_CHECK_EQ(1, a->b_setcount);
	/* The second proof shows the receipt and brings the ticket. */
	world_call(a, b, B_NUMBER, A_CALLER, A_CALLER, 90000, -300, 200);
	prove_all();
	ATF_CHECK_EQ(2, said_count("b", PVP_ROUTE));
	ATF_CHECK_EQ(ROUTE_ACTIVE, box_route(a, B_NUMBER, "b.example", &proofs));
	ATF_CHECK_EQ(2, proofs);
	ATF_CHECK_EQ(0, a->b_kc->kc_stats.st_badtb);
	/* Nothing was charged in the end. */
	ATF_CHECK_EQ(0, klimit_count(b->b_kc, a->b_node, B_NUMBER));
	ATF_CHECK_EQ(0, klimit_count(b->b_kc, a->b_node, NULL));
	world_end();
}

/* The caller was withheld on the way: run 0 by A fails, run 1 by B does not. */
ATF_TC_WITHOUT_HEAD(method_b);
ATF_TC_BODY(method_b, tc)
{
	two();
	world_call(a, b, B_NUMBER, A_CALLER, "", 187000, 0, 0);
	prove_all();
	ATF_CHECK_EQ(2, said_count("a", PVP_PROOF1));
	ATF_CHECK_EQ(1, a->b_kc->kc_stats.st_badtb);
	ATF_CHECK_EQ(1, said_count("b", PVP_ROUTE));
	ATF_CHECK_EQ(ROUTE_PENDING, box_route(a, B_NUMBER, "b.example", NULL));
	/* A success forgives the run that failed. */
	ATF_CHECK_EQ(0, klimit_peer(a->b_kc, b->b_node, 0)->pe_fails);
	world_end();
}

/* Run 1 takes the next record: two callers rang at nearly the same time. */
ATF_TC_WITHOUT_HEAD(run_one_next_record);
ATF_TC_BODY(run_one_next_record, tc)
{
	uint64_t	 s;

	two();
	s = world_now;
	world_call(a, b, B_NUMBER, A_CALLER, "", 100000, 2000, 0);
	/* Another's call that fits better (the same second). */
	box_leg(b, LEG_TERMINATED, B_NUMBER, "", s + 100, s + 100100);
	prove_all();
	/* A fails on the stranger's record, B takes the best one again. */
	ATF_CHECK_EQ(2, said_count("a", PVP_PROOF1));
	ATF_CHECK_EQ(1, said_count("b", PVP_ROUTE));
	world_end();
}

ATF_TC_WITHOUT_HEAD(skewed_clock);
ATF_TC_BODY(skewed_clock, tc)
{
	two();
	box_close(b);
	b->b_skew = 90 * 1000;
	box_open(b);
	world_call(a, b, B_NUMBER, A_CALLER, A_CALLER, 187000, 0, 0);
	prove_all();
	ATF_CHECK_EQ(1, said_count("b", PVP_ROUTE));
	ATF_CHECK_EQ(0, a->b_kc->kc_stats.st_badtb);
	world_end();
}

ATF_TC_WITHOUT_HEAD(skew_rounding);
ATF_TC_BODY(skew_rounding, tc)
{
	uint64_t	 t = T0;

	ATF_CHECK_EQ(0, krespond_skew(t + 499, t));
	ATF_CHECK_EQ(1, krespond_skew(t + 500, t));
	ATF_CHECK_EQ(0, krespond_skew(t, t + 499));
	ATF_CHECK_EQ(-1, krespond_skew(t, t + 500));
	ATF_CHECK_EQ(90, krespond_skew(t + 90499, t));
	ATF_CHECK_EQ(172800, krespond_skew(t + 48 * HOUR, t));
	ATF_CHECK_EQ(0, krespond_skew(t + 48 * HOUR + 1, t));
	ATF_CHECK_EQ(-172800, krespond_skew(t, t + 48 * HOUR));
	ATF_CHECK_EQ(0, krespond_skew(t, t + 48 * HOUR + 1));
	ATF_CHECK_EQ(0, krespond_skew(0, UINT64_MAX));
	ATF_CHECK_EQ(0, krespond_skew(UINT64_MAX, 1ULL << 63));
}

/* -- failure -- */

/* One that claims the number but got no call: the same bytes, no result. */
ATF_TC_WITHOUT_HEAD(decoy);
ATF_TC_BODY(decoy, tc)
{
	struct box	*d;
	unsigned	 i;

	two();
	d = box_new("d", "+14085550100", "+14085550199");
	box_claims(a, d);
	world_call(a, b, B_NUMBER, A_CALLER, A_CALLER, 187000, 0, 0);
	prove_all();
	ATF_CHECK_EQ(0, said_count("d", PVP_ROUTE));
	ATF_CHECK_EQ(2, said_count("d", PVP_PROOF2));
	ATF_CHECK_EQ(1, said_count("b", PVP_ROUTE));
	ATF_CHECK_EQ(2, klimit_peer(a->b_kc, d->b_node, 0)->pe_fails);
	ATF_CHECK_EQ(ROUTE_NONE, box_route(a, B_NUMBER, "d.example", NULL));
	/* All that the decoy saw: PROOF1 with the number and the residues. */
	for (i = 0; i < nsaid; i++)
		if (said[i].s_type == PVP_PROOF2) {
			ATF_CHECK_EQ(101, said[i].s_len);
			ATF_CHECK_EQ(PVP_OUT_GRID, said[i].s_flags);
		}
	/* It is charged there. */
	ATF_CHECK_EQ(0, klimit_count(b->b_kc, a->b_node, B_NUMBER));
	world_end();
}

ATF_TC_WITHOUT_HEAD(wrong_records);
ATF_TC_BODY(wrong_records, tc)
{
	two();
	world_call(a, b, B_NUMBER, A_CALLER, A_CALLER, 187000, 6000, 0);
	world_call(a, b, B_OTHER, A_CALLER, A_CALLER, 187000, 0, 4000);
	prove_all();
	ATF_CHECK_EQ(0, said_count("b", PVP_ROUTE));
	ATF_CHECK_EQ(4, a->b_kc->kc_stats.st_badtb);
	world_end();
}

ATF_TC_WITHOUT_HEAD(bad_tags);
ATF_TC_BODY(bad_tags, tc)
{
	two();
	/* Tb: a bad run; the second goes through (method B). */
	world_call(a, b, B_NUMBER, A_CALLER, A_CALLER, 187000, 0, 0);
	hook(PVP_PROOF2, 1, 0, 0);
	prove_all();
	ATF_CHECK_EQ(1, a->b_kc->kc_stats.st_badtb);
	ATF_CHECK_EQ(1, said_count("b", PVP_ROUTE));
	/* Ta: no match, charged, the record is not spent. */
	world_call(a, b, B_NUMBER, A_CALLER, A_CALLER, 70000, 0, 0);
	hook(PVP_PROOF3, 1, 0, 0);
	world_run(world_now + 25 * HOUR);
	ATF_CHECK_EQ(6, said_refuse("b", NULL));
	ATF_CHECK_EQ(1, b->b_kc->kc_stats.st_badta);
	ATF_CHECK_EQ(1, said_count("b", PVP_ROUTE));
	ATF_CHECK_EQ(1, b->b_kc->kc_stats.st_spent);
	world_run(world_now + 2 * HOUR);
	/* CLAIM: protocol error, charged again, the record stays spent. */
	world_call(a, b, B_OTHER, A_CALLER, A_CALLER, 70000, 0, 0);
	hook(PVP_CLAIM, 1, 0, 0);
	prove_all();
	ATF_CHECK_EQ(1, said_refuse("b", NULL));
	ATF_CHECK_EQ(1, said_count("b", PVP_ROUTE));
	ATF_CHECK_EQ(2, b->b_kc->kc_stats.st_spent);
	/* ROUTE: the initiator refuses it. */
	world_call(a, b, B_OTHER, A_CALLER, A_CALLER, 80000, 0, 0);
	hook(PVP_ROUTE, 1, 0, 40);
	prove_all();
	ATF_CHECK_EQ(2, said_count("b", PVP_ROUTE));
	ATF_CHECK_EQ(ROUTE_NONE, box_route(a, B_OTHER, "b.example", NULL));
	world_hook = NULL;
	world_end();
}

/* -- lost answers -- */

static void
route_bytes(unsigned nth, const uint8_t **body, size_t *len)
{
	unsigned	 i, n = 0;

	*body = NULL;
	for (i = 0; i < nsaid; i++)
		if (said[i].s_type == PVP_ROUTE && ++n == nth) {
			*body = said[i].s_body;
			*len = said[i].s_len;
		}
	ATF_REQUIRE(*body != NULL);
}

ATF_TC_WITHOUT_HEAD(lost_route);
ATF_TC_BODY(lost_route, tc)
{
	const uint8_t	*x, *y;
	size_t		 xl = 0, yl = 0;

	two();
	world_call(a, b, B_NUMBER, A_CALLER, A_CALLER, 187000, 0, 0);
	hook(PVP_ROUTE, 1, 1, -1);
	prove_all();
	ATF_CHECK_EQ(2, said_count("b", PVP_ROUTE));
	ATF_CHECK_EQ(1, a->b_kc->kc_stats.st_lost);
	ATF_CHECK_EQ(1, b->b_kc->kc_stats.st_spent);
	ATF_CHECK_EQ(ROUTE_PENDING, box_route(a, B_NUMBER, "b.example", NULL));
	/* The same answer under another tag. */
	route_bytes(1, &x, &xl);
	route_bytes(2, &y, &yl);
	ATF_REQUIRE_EQ(xl, yl);
	ATF_CHECK(memcmp(x, y, xl - 32) == 0);
	ATF_CHECK(memcmp(x + xl - 32, y + yl - 32, 32) != 0);
	world_hook = NULL;
	world_end();
}

/* The repeat begins with the method that was good: it fails no run. */
ATF_TC_WITHOUT_HEAD(lost_route_b);
ATF_TC_BODY(lost_route_b, tc)
{
	two();
	world_call(a, b, B_NUMBER, A_CALLER, "", 187000, 0, 0);
	hook(PVP_ROUTE, 1, 1, -1);
	prove_all();
	ATF_CHECK_EQ(3, said_count("a", PVP_PROOF1));
	ATF_CHECK_EQ(2, said_count("b", PVP_ROUTE));
	ATF_CHECK_EQ(1, a->b_kc->kc_stats.st_badtb);
	ATF_CHECK_EQ(ROUTE_PENDING, box_route(a, B_NUMBER, "b.example", NULL));
	world_hook = NULL;
	world_end();
}

ATF_TC_WITHOUT_HEAD(lost_proof3);
ATF_TC_BODY(lost_proof3, tc)
{
	two();
	world_call(a, b, B_NUMBER, A_CALLER, A_CALLER, 187000, 0, 0);
	/* PROOF3 came, CLAIM did not: the repeat serves the first CLAIM. */
	hook(PVP_CLAIM, 1, 1, -1);
	prove_all();
	ATF_CHECK_EQ(1, said_count("b", PVP_ROUTE));
	ATF_CHECK_EQ(1, b->b_kc->kc_stats.st_spent);
	ATF_CHECK_EQ(ROUTE_PENDING, box_route(a, B_NUMBER, "b.example", NULL));
	/* Three repeats at most; all within the hour in which they count. */
	a->b_cf->c_retry_max = 900;
	world_call(a, b, B_OTHER, A_CALLER, A_CALLER, 187000, 0, 0);
	hook(PVP_ROUTE, 100, 1, -1);
	prove_all();
	ATF_CHECK_EQ(1 + 4, said_count("b", PVP_ROUTE));
	ATF_CHECK_EQ(ROUTE_NONE, box_route(a, B_OTHER, "b.example", NULL));
	world_hook = NULL;
	world_end();
}

/* Either process is killed between PROOF3 and ROUTE. */
static struct box	*kill_box;

static int
hook_kill(struct box *from, struct event *e)
{
	(void)from;
	if (e->e_type != hook_type || kill_box == NULL)
		return (0);
	/* Its pvpd dies with it in this bed: the connection is lost too. */
	box_restart(kill_box);
	kcore_pvpd(kill_box->b_kc, 1);
	kill_box = NULL;
	return (1);
}

static void
kill_at(struct box **who, unsigned type)
{
	two();
	world_call(a, b, B_NUMBER, A_CALLER, A_CALLER, 187000, 0, 0);
	world_hook = hook_kill;
	kill_box = *who;
	hook_type = type;
	prove_all();
	ATF_CHECK(kill_box == NULL);
	ATF_CHECK_EQ_MSG(ROUTE_PENDING, box_route(a, B_NUMBER, "b.example",
	    NULL), "killed %s at %u", (*who)->b_name, type);
	world_hook = NULL;
	world_end();
}

ATF_TC_WITHOUT_HEAD(restarts);
ATF_TC_BODY(restarts, tc)
{
	static const unsigned	 types[] = { PVP_PROOF1, PVP_PROOF2, PVP_PROOF3,
	    PVP_CLAIM, PVP_ROUTE };
	size_t			 i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		ATF_REQUIRE_EQ(0, system("rm -rf a b"));
		kill_at(&a, types[i]);
		ATF_REQUIRE_EQ(0, system("rm -rf a b"));
		kill_at(&b, types[i]);
	}
}

/* -- refusals after the proof -- */

ATF_TC_WITHOUT_HEAD(domain_refused);
ATF_TC_BODY(domain_refused, tc)
{
	struct conf_text	*ct;

	two();
	ATF_REQUIRE((ct = calloc(1, sizeof(*ct))) != NULL);
	snprintf(ct->ct_text, sizeof(ct->ct_text), "a.example");
	TAILQ_INSERT_TAIL(&b->b_cf->c_refuse, ct, ct_entry);
	world_call(a, b, B_NUMBER, A_CALLER, A_CALLER, 187000, 0, 0);
	prove_all();
	ATF_CHECK_EQ(7, said_refuse("b", NULL));
	ATF_CHECK_EQ(1, b->b_kc->kc_stats.st_spent);
	ATF_CHECK_EQ(0, said_count("b", PVP_ROUTE));
	ATF_CHECK_EQ(1, said_count("a", PVP_CLAIM));
	world_end();
}

ATF_TC_WITHOUT_HEAD(number_gone);
ATF_TC_BODY(number_gone, tc)
{
	struct conf_range	*cr;

	two();
	world_call(a, b, B_NUMBER, A_CALLER, A_CALLER, 187000, 0, 0);
	cr = TAILQ_FIRST(&b->b_cf->c_numbers);
	snprintf(cr->cr_range.er_from, E164_SIZE, "+14085550150");
	prove_all();
	ATF_CHECK_EQ(8, said_refuse("b", NULL));
	ATF_CHECK_EQ(0, said_count("b", PVP_ROUTE));
	world_end();
}

/* -- pvp(7) -- */

static void
hex(uint8_t *out, size_t size, const char *text)
{
	size_t	 n;

	ATF_REQUIRE_EQ(0, sodium_hex2bin(out, size, text, strlen(text), " ", &n,
	    NULL));
	ATF_REQUIRE_EQ(size, n);
}

static const struct said *
said_first(unsigned type)
{
	unsigned	 i;

	for (i = 0; i < nsaid; i++)
		if (said[i].s_type == type)
			return (&said[i]);
	atf_tc_fail("nobody said %u", type);
}

ATF_TC_WITHOUT_HEAD(vector);
ATF_TC_BODY(vector, tc)
{
	uint8_t		 ya[32], yb[32], want[64];
	unsigned	 i;

	hex(ya, 32, "da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4f"
	    "f0976d08");
	hex(yb, 32, "d2316b454718c35362d83d69df6320f38578ed5984651435e2949762"
	    "d900b80d");
	for (i = 0; i < 32; i++)
		world_exporter[i] = (uint8_t)i;
	two();
	/* 10:03:20 for 187 s; the other side 4 s later and 2 s shorter. */
	world_call(a, b, B_NUMBER, A_CALLER, A_CALLER, 187000, 4000, -2000);
	a->b_cf->c_ticket_lifetime = 1209600;
	a->b_scalar = ya;
	b->b_scalar = yb;
	prove_all();
	ATF_CHECK_EQ(T0 / 1000, 1795169000);
	hex(want, 32, "100ca26a8d6c46451d3c4ce7818d22234b9b0cd86274530ad5cbba8d"
	    "619bba37");
	ATF_CHECK(memcmp(said_first(PVP_PROOF1)->s_body + 21, want, 32) == 0);
	hex(want, 32, "02a4cbdd47f76bcab2859b8ce384a24c56b353865bfdf0cf396e537a"
	    "9edf5f07");
	ATF_CHECK(memcmp(said_first(PVP_PROOF2)->s_body + 5, want, 32) == 0);
	hex(want, 64, "c60539360c07faab1de236cbfc4427873de3e2ce0f099fe5170b0ae8"
	    "bda27529c9b7dbc0f73e39c91ab42f7eef0091946f3d7239476f45d82bfceb95"
	    "bb22b69f");
	ATF_CHECK(memcmp(said_first(PVP_PROOF2)->s_body + 37, want, 64) == 0);
	hex(want, 64, "8d2b6f44c065dc3bfa1055999a13d9f77c282b855f344573a5638226"
	    "0fd93b07270171e3d4fefb40ff6cf6d40c5b2206cee46e0b7082a8e6b9bcaff2"
	    "d214517f");
	ATF_CHECK(memcmp(said_first(PVP_PROOF3)->s_body, want, 64) == 0);
	hex(want, 15, "09612e6578616d706c650012750000");
	ATF_CHECK(memcmp(said_first(PVP_CLAIM)->s_body, want, 15) == 0);
	hex(want, 32, "4e846bc4edadecad1554f55119515f8545e3612e2e04ba21d84df0a1"
	    "d08e037f");
	ATF_CHECK_EQ(47, said_first(PVP_CLAIM)->s_len);
	ATF_CHECK(memcmp(said_first(PVP_CLAIM)->s_body + 15, want, 32) == 0);
	ATF_CHECK_EQ(1, said_count("b", PVP_ROUTE));
	world_end();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, method_a);
	ATF_TP_ADD_TC(tp, method_b);
	ATF_TP_ADD_TC(tp, run_one_next_record);
	ATF_TP_ADD_TC(tp, skewed_clock);
	ATF_TP_ADD_TC(tp, skew_rounding);
	ATF_TP_ADD_TC(tp, decoy);
	ATF_TP_ADD_TC(tp, wrong_records);
	ATF_TP_ADD_TC(tp, bad_tags);
	ATF_TP_ADD_TC(tp, lost_route);
	ATF_TP_ADD_TC(tp, lost_route_b);
	ATF_TP_ADD_TC(tp, lost_proof3);
	ATF_TP_ADD_TC(tp, restarts);
	ATF_TP_ADD_TC(tp, domain_refused);
	ATF_TP_ADD_TC(tp, number_gone);
	ATF_TP_ADD_TC(tp, vector);
	return (atf_no_error());
}
