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

/* When and with whom: pvp(7), and the initiator's limits of pvp(7). */

#include "key_box.h"

#define OURS		"+12125550187"
#define THEIRS		"+14085550142"

static struct box	*a;

static struct vcr *
only(void)
{
	return (RB_MIN(vcr_ids, &a->b_kc->kc_ids));
}

static void
call(void)
{
	box_leg(a, LEG_ORIGINATED, THEIRS, OURS, world_now - 90000, world_now);
	ATF_REQUIRE(only() != NULL);
}

static void
claimant(unsigned i)
{
	memset(a->b_claimants[a->b_nclaimants++], (int)i, NODEID_LEN);
}

ATF_TC_WITHOUT_HEAD(moments);
ATF_TC_BODY(moments, tc)
{
	uint64_t	 min = KEY_NEVER, max = 0, stop, m;
	struct vcr	*v;
	unsigned	 i;

	a = box_new("a", "+12125550100", "+12125550199");
	for (i = 0; i < 400; i++) {
		world_now += 7;
		call();
	}
	RB_FOREACH(v, vcr_ids, &a->b_kc->kc_ids) {
		m = v->v_sched->vs_moment - v->v_stop;
		ATF_CHECK(m >= 900 * 1000 && m <= 43200 * 1000);
		min = m < min ? m : min;
		max = m > max ? m : max;
	}
	/* Of 400 draws some are near either end. */
	ATF_CHECK(min < 2700 * 1000 && max > 41000 * 1000);
	/* Two claimants: moments between the look-up and 24 h after the call. */
	claimant(1);
	claimant(2);
	a->b_noconn = 1;
	world_run(T0 + 16 * HOUR);
	RB_FOREACH(v, vcr_ids, &a->b_kc->kc_ids) {
		stop = v->v_stop;
		ATF_REQUIRE_EQ(2, v->v_sched->vs_count);
		for (i = 0; i < 2; i++) {
			m = v->v_sched->vs_claim[i].cl_moment;
			ATF_CHECK(m >= stop + 900 * 1000);
			ATF_CHECK(m <= stop + 24 * HOUR);
		}
	}
	world_end();
}

ATF_TC_WITHOUT_HEAD(negative_cache);
ATF_TC_BODY(negative_cache, tc)
{
	a = box_new("a", "+12125550100", "+12125550199");
	a->b_cf->c_delay_min = a->b_cf->c_delay_max = 900;
	call();
	world_run(T0 + 16 * MINUTE);
	ATF_CHECK_EQ(1, a->b_lookups);
	ATF_CHECK_EQ(VS_DONE, only()->v_sched->vs_state);
	ATF_CHECK_STREQ("no claimant", ksched_state_str(only()));
	/* Within the hour nobody is asked again; after it, yes. */
	call();
	world_run(T0 + 40 * MINUTE);
	ATF_CHECK_EQ(1, a->b_lookups);
	call();
	world_run(T0 + 3 * HOUR);
	ATF_CHECK_EQ(1, a->b_lookups);
	call();
	world_run(T0 + 4 * HOUR);
	ATF_CHECK_EQ(2, a->b_lookups);
	world_end();
}

ATF_TC_WITHOUT_HEAD(lookup_fails);
ATF_TC_BODY(lookup_fails, tc)
{
	a = box_new("a", "+12125550100", "+12125550199");
	a->b_cf->c_delay_min = a->b_cf->c_delay_max = 900;
	a->b_lookup_error = 1;
	call();
	world_run(T0 + 26 * HOUR - 1);
	/* Again and again, but not for ever. */
	ATF_CHECK_EQ(KEY_LOOKUPS_MAX, a->b_lookups);
	ATF_CHECK_EQ(VS_DONE, only()->v_sched->vs_state);
	world_end();
}

ATF_TC_WITHOUT_HEAD(no_connection);
ATF_TC_BODY(no_connection, tc)
{
	a = box_new("a", "+12125550100", "+12125550199");
	claimant(1);
	call();
	world_run(T0 + 26 * HOUR - 1);
	/* Once, and three new moments; it never counts as a failure. */
	ATF_CHECK(a->b_tries >= 1 && a->b_tries <= 4);
	ATF_CHECK_EQ(CL_DROPPED, only()->v_sched->vs_claim[0].cl_state);
	ATF_CHECK(klimit_peer(a->b_kc, a->b_claimants[0], 0) == NULL);
	world_end();
}

/* At most eight; proven before first, then the fewest failures; not those
 * that wait, not ourselves, nobody twice. */
ATF_TC_WITHOUT_HEAD(choice);
ATF_TC_BODY(choice, tc)
{
	struct vcr_sched	*vs;
	struct kpeer		*pe;
	unsigned		 i;

	a = box_new("a", "+12125550100", "+12125550199");
	a->b_cf->c_delay_min = a->b_cf->c_delay_max = 900;
	for (i = 1; i <= 12; i++)
		claimant(i);
	claimant(1);
	memcpy(a->b_claimants[a->b_nclaimants++], a->b_node, NODEID_LEN);
	ATF_REQUIRE((pe = klimit_peer(a->b_kc, a->b_claimants[11], 1)) != NULL);
	pe->pe_proven = 1;
	pe->pe_fails = 3;
	for (i = 0; i < 6; i++) {
		pe = klimit_peer(a->b_kc, a->b_claimants[i], 1);
		pe->pe_fails = 1;
	}
	pe = klimit_peer(a->b_kc, a->b_claimants[10], 1);
	pe->pe_until = T0 + DAY;
	call();
	world_run(T0 + 16 * MINUTE);
	vs = only()->v_sched;
	ATF_REQUIRE_EQ(8, vs->vs_count);
	ATF_CHECK_EQ(12, vs->vs_claim[0].cl_node[0]);
	for (i = 1; i < 5; i++)
		ATF_CHECK(vs->vs_claim[i].cl_node[0] >= 7 &&
		    vs->vs_claim[i].cl_node[0] <= 10);
	for (i = 5; i < 8; i++)
		ATF_CHECK(vs->vs_claim[i].cl_node[0] <= 6);
	world_end();
}

/* Five in a row: its pending proofs are dropped, a day's wait, then two. */
ATF_TC_WITHOUT_HEAD(failures);
ATF_TC_BODY(failures, tc)
{
	struct kpeer	*pe;
	struct vcr	*v;
	struct box	*d;
	unsigned	 i, dropped = 0, failed = 0, tries;

	a = box_new("a", "+12125550100", "+12125550199");
	d = box_new("d", "+14085550100", "+14085550199");
	box_claims(a, d);
	for (i = 0; i < 8; i++) {
		world_now += 100000;
		call();
	}
	world_run(T0 + 25 * HOUR);
	pe = klimit_peer(a->b_kc, d->b_node, 0);
	ATF_REQUIRE(pe != NULL);
	ATF_CHECK_EQ(5, pe->pe_fails);
	ATF_CHECK_EQ(1, pe->pe_level);
	RB_FOREACH(v, vcr_ids, &a->b_kc->kc_ids) {
		/* Looked up while it waits: not even picked. */
		dropped += v->v_sched->vs_count == 0;
		for (i = 0; i < v->v_sched->vs_count; i++) {
			dropped += v->v_sched->vs_claim[i].cl_state == CL_DROPPED;
			failed += v->v_sched->vs_claim[i].cl_state == CL_FAILED;
		}
	}
	/* How many fail is chance: a call may cost two runs, two may overlap. */
	ATF_CHECK_EQ(8, dropped + failed);
	ATF_CHECK(failed <= 5);
	ATF_CHECK(dropped >= 3);
	/* It waits, over a restart too. */
	tries = a->b_tries;
	box_restart(a);
	pe = klimit_peer(a->b_kc, d->b_node, 0);
	ATF_CHECK_EQ(5, pe->pe_fails);
	ATF_CHECK(pe->pe_until > world_now || a->b_tries == tries);
	/* The next failure waits twice as long. */
	ATF_CHECK_EQ(1, ksched_failed(a->b_kc, d->b_node));
	ATF_CHECK_EQ(world_now + 2 * DAY, pe->pe_until);
	for (i = 0; i < 10; i++)
		(void)ksched_failed(a->b_kc, d->b_node);
	ATF_CHECK_EQ(world_now + 32 * DAY, pe->pe_until);
	world_end();
}

ATF_TC_WITHOUT_HEAD(restart_keeps_moments);
ATF_TC_BODY(restart_keeps_moments, tc)
{
	uint64_t	 look, m[2];

	a = box_new("a", "+12125550100", "+12125550199");
	claimant(1);
	claimant(2);
	call();
	look = only()->v_sched->vs_moment;
	box_restart(a);
	ATF_CHECK_EQ(look, only()->v_sched->vs_moment);
	world_run(look + 1);
	ATF_REQUIRE_EQ(VS_TRYING, only()->v_sched->vs_state);
	m[0] = only()->v_sched->vs_claim[0].cl_moment;
	m[1] = only()->v_sched->vs_claim[1].cl_moment;
	box_restart(a);
	ATF_REQUIRE_EQ(VS_TRYING, only()->v_sched->vs_state);
	ATF_CHECK_EQ(m[0], only()->v_sched->vs_claim[0].cl_moment);
	ATF_CHECK_EQ(m[1], only()->v_sched->vs_claim[1].cl_moment);
	world_end();
}

ATF_TC_WITHOUT_HEAD(pvpd_away);
ATF_TC_BODY(pvpd_away, tc)
{
	a = box_new("a", "+12125550100", "+12125550199");
	a->b_cf->c_delay_min = a->b_cf->c_delay_max = 900;
	claimant(1);
	a->b_away = 1;
	call();
	world_run(T0 + 2 * HOUR);
	ATF_CHECK_EQ(0, a->b_lookups);
	ATF_CHECK_EQ(VS_LOOKUP, only()->v_sched->vs_state);
	a->b_away = 0;
	world_run(T0 + 2 * HOUR + MINUTE);
	ATF_CHECK_EQ(1, a->b_lookups);
	/* A look-up under way when pvpd died is asked again. */
	only()->v_sched->vs_state = VS_LOOKING;
	kcore_pvpd(a->b_kc, 0);
	ATF_CHECK_EQ(VS_LOOKUP, only()->v_sched->vs_state);
	world_end();
}

ATF_TC_WITHOUT_HEAD(verify_now);
ATF_TC_BODY(verify_now, tc)
{
	struct box	*b;

	a = box_new("a", "+12125550100", "+12125550199");
	b = box_new("b", "+14085550100", "+14085550199");
	world_call(a, b, THEIRS, OURS, OURS, 90000, 0, 0);
	/* Nobody claims it at first, and the cache says so. */
	a->b_cf->c_delay_min = a->b_cf->c_delay_max = 900;
	only()->v_sched->vs_moment = only()->v_stop + 15 * MINUTE;
	kcall_redue(a->b_kc, only());
	world_run(world_now + 16 * MINUTE);
	ATF_CHECK_EQ(VS_DONE, only()->v_sched->vs_state);
	box_claims(a, b);
	ATF_CHECK_EQ(1, ksched_verify(a->b_kc, THEIRS));
	world_run(world_now + 2 * MINUTE);
	ATF_CHECK_STREQ("proven", ksched_state_str(only()));
	ATF_CHECK_EQ(0, ksched_verify(a->b_kc, THEIRS));
	ATF_CHECK_EQ(0, ksched_verify(a->b_kc, "+14085550143"));
	/* Too early for the other side: not before it may rank the record. */
	world_call(a, b, "+14085550143", OURS, OURS, 90000, 0, 0);
	ATF_CHECK_EQ(1, ksched_verify(a->b_kc, "+14085550143"));
	world_run(world_now + 9 * MINUTE);
	ATF_CHECK_EQ(1, a->b_tries);
	world_run(world_now + 2 * MINUTE);
	ATF_CHECK_EQ(2, a->b_tries);
	ATF_CHECK_EQ(0, a->b_kc->kc_stats.st_badtb);
	world_end();
}

ATF_TC_WITHOUT_HEAD(nothing_after_the_end);
ATF_TC_BODY(nothing_after_the_end, tc)
{
	a = box_new("a", "+12125550100", "+12125550199");
	a->b_cf->c_retain = 74 * 3600;
	claimant(1);
	a->b_away = 1;
	call();
	world_run(T0 + 25 * HOUR + MINUTE);
	a->b_away = 0;
	world_run(T0 + 50 * HOUR);
	ATF_CHECK_EQ(0, a->b_lookups);
	ATF_CHECK_EQ(VS_DONE, only()->v_sched->vs_state);
	ATF_CHECK_EQ(0, ksched_verify(a->b_kc, THEIRS));
	world_end();
}

ATF_TC_WITHOUT_HEAD(draws);
ATF_TC_BODY(draws, tc)
{
	unsigned	 seen[5] = { 0 }, i;
	uint64_t	 r;

	a = box_new("a", "+12125550100", "+12125550199");
	for (i = 0; i < 1000; i++) {
		r = kcore_draw(a->b_kc, 10, 14);
		ATF_REQUIRE(r >= 10 && r <= 14);
		seen[r - 10]++;
	}
	for (i = 0; i < 5; i++)
		ATF_CHECK(seen[i] > 100);
	ATF_CHECK_EQ(9, kcore_draw(a->b_kc, 9, 9));
	ATF_CHECK_EQ(9, kcore_draw(a->b_kc, 9, 3));
	(void)kcore_draw(a->b_kc, 0, UINT64_MAX);
	world_end();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, moments);
	ATF_TP_ADD_TC(tp, negative_cache);
	ATF_TP_ADD_TC(tp, lookup_fails);
	ATF_TP_ADD_TC(tp, no_connection);
	ATF_TP_ADD_TC(tp, choice);
	ATF_TP_ADD_TC(tp, failures);
	ATF_TP_ADD_TC(tp, restart_keeps_moments);
	ATF_TP_ADD_TC(tp, pvpd_away);
	ATF_TP_ADD_TC(tp, verify_now);
	ATF_TP_ADD_TC(tp, nothing_after_the_end);
	ATF_TP_ADD_TC(tp, draws);
	return (atf_no_error());
}
