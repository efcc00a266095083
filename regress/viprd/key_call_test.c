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

/* Call records: pvp(7), stepped clocks, retention, a full disk. */

#include "key_box.h"

#define OURS		"+12125550187"
#define THEIRS		"+14085550142"

static struct box	*a;

static void
leg_init(struct imsg_leg *lg, unsigned kind)
{
	memset(lg, 0, sizeof(*lg));
	lg->lg_id = 7;
	lg->lg_kind = (uint16_t)kind;
	lg->lg_start = world_now - 100000;
	lg->lg_stop = world_now;
	lg->lg_boot_stop = world_now - T0 + 100 * DAY;
	lg->lg_boot_start = lg->lg_boot_stop - 100000;
	snprintf(lg->lg_called, sizeof(lg->lg_called), "%s",
	    kind == LEG_ORIGINATED ? THEIRS : OURS);
	snprintf(lg->lg_caller, sizeof(lg->lg_caller), "%s",
	    kind == LEG_ORIGINATED ? OURS : THEIRS);
}

/* Length in ms, the start moved along. */
static void
leg_length(struct imsg_leg *lg, uint64_t ms)
{
	lg->lg_start = lg->lg_stop - ms;
	lg->lg_boot_start = lg->lg_boot_stop - ms;
}

static int
taken(const struct imsg_leg *lg)
{
	return (kcall_refuse(a->b_kc, lg) == NULL);
}

ATF_TC_WITHOUT_HEAD(originated);
ATF_TC_BODY(originated, tc)
{
	struct imsg_leg	 lg;

	a = box_new("a", "+12125550100", "+12125550199");
	leg_init(&lg, LEG_ORIGINATED);
	ATF_CHECK(taken(&lg));
	leg_length(&lg, 59999);
	ATF_CHECK(!taken(&lg));
	leg_length(&lg, 60000);
	ATF_CHECK(taken(&lg));
	lg.lg_flags = LEG_F_DIVERTED;
	ATF_CHECK(!taken(&lg));
	lg.lg_flags = LEG_F_SHADOWED;
	ATF_CHECK(!taken(&lg));
	lg.lg_flags = 0;
	lg.lg_caller[0] = '\0';
	ATF_CHECK(!taken(&lg));
	snprintf(lg.lg_caller, sizeof(lg.lg_caller), "+13035550100");
	ATF_CHECK(!taken(&lg));
	leg_init(&lg, LEG_ORIGINATED);
	snprintf(lg.lg_called, sizeof(lg.lg_called), "+12125550101");
	ATF_CHECK(!taken(&lg));			/* our own */
	snprintf(lg.lg_called, sizeof(lg.lg_called), "911");
	ATF_CHECK(!taken(&lg));
	snprintf(lg.lg_called, sizeof(lg.lg_called), "+1234567");
	ATF_CHECK(!taken(&lg));
	world_end();
}

ATF_TC_WITHOUT_HEAD(terminated);
ATF_TC_BODY(terminated, tc)
{
	struct imsg_leg	 lg;
	unsigned	 kind;

	a = box_new("a", "+12125550100", "+12125550199");
	leg_init(&lg, LEG_TERMINATED);
	ATF_CHECK(taken(&lg));
	lg.lg_caller[0] = '\0';
	ATF_CHECK(taken(&lg));
	/* Forwarding headers say nothing about the called side. */
	lg.lg_flags = LEG_F_DIVERTED | LEG_F_SHADOWED;
	ATF_CHECK(taken(&lg));
	leg_length(&lg, 57000);
	ATF_CHECK(taken(&lg));
	leg_length(&lg, 56999);
	ATF_CHECK(!taken(&lg));
	leg_init(&lg, LEG_TERMINATED);
	snprintf(lg.lg_called, sizeof(lg.lg_called), THEIRS);
	ATF_CHECK(!taken(&lg));
	for (kind = 0; kind < 9; kind++) {
		if (kind == LEG_ORIGINATED || kind == LEG_TERMINATED)
			continue;
		leg_init(&lg, LEG_TERMINATED);
		lg.lg_kind = (uint16_t)kind;
		ATF_CHECK_MSG(!taken(&lg), "kind %u", kind);
	}
	world_end();
}

ATF_TC_WITHOUT_HEAD(times);
ATF_TC_BODY(times, tc)
{
	struct imsg_leg	 lg;

	a = box_new("a", "+12125550100", "+12125550199");
	leg_init(&lg, LEG_TERMINATED);
	lg.lg_boot_start = lg.lg_boot_stop = 0;	/* imported */
	ATF_CHECK(taken(&lg));
	lg.lg_start = lg.lg_stop + 1;
	ATF_CHECK(!taken(&lg));
	lg.lg_start = 0;
	ATF_CHECK(!taken(&lg));
	lg.lg_stop = world_now + 61000;
	lg.lg_start = lg.lg_stop - 80000;
	ATF_CHECK(!taken(&lg));
	lg.lg_stop = world_now - 26 * HOUR;
	lg.lg_start = lg.lg_stop - 80000;
	ATF_CHECK(!taken(&lg));
	lg.lg_stop = UINT64_MAX;
	ATF_CHECK(!taken(&lg));
	/* Not well-formed: pvpd or sipgw broke the rules. */
	leg_init(&lg, LEG_TERMINATED);
	memset(lg.lg_called, '1', sizeof(lg.lg_called));
	ATF_CHECK_EQ(-1, kcall_leg(a->b_kc, &lg));
	world_end();
}

/* A line for each record made, and only with "log calls yes". */
ATF_TC_WITHOUT_HEAD(log_calls);
ATF_TC_BODY(log_calls, tc)
{
	struct imsg_leg	 lg;

	a = box_new("a", "+12125550100", "+12125550199");
	leg_init(&lg, LEG_TERMINATED);
	lg.lg_boot_start = lg.lg_boot_stop = 0;
	lg.lg_start = world_now - 160000;
	lg.lg_stop = world_now - 80000;
	a->b_note[0] = '\0';
	ATF_CHECK_EQ(0, kcall_leg(a->b_kc, &lg));
	(void)store_commit(a->b_st);
	ATF_CHECK_EQ(1, a->b_acks[1]);
	ATF_CHECK_STREQ("", a->b_note);
	a->b_cf->c_flags |= CONF_LOG_CALLS;
	/* Neither what is known already nor what makes no record. */
	ATF_CHECK_EQ(0, kcall_leg(a->b_kc, &lg));
	lg.lg_kind = LEG_OUTSIDE_IN;
	ATF_CHECK_EQ(0, kcall_leg(a->b_kc, &lg));
	(void)store_commit(a->b_st);
	ATF_CHECK_STREQ("", a->b_note);
	lg.lg_kind = LEG_TERMINATED;
	lg.lg_start -= 1000;
	ATF_CHECK_EQ(0, kcall_leg(a->b_kc, &lg));
	ATF_CHECK_STREQ("", a->b_note);
	(void)store_commit(a->b_st);
	ATF_CHECK_MSG(strstr(a->b_note, "call recorded: terminated number="
	    OURS " caller=") == a->b_note, "%s", a->b_note);
	ATF_CHECK_MSG(strstr(a->b_note, " start=2026-11-20T") != NULL &&
	    strstr(a->b_note, " stop=2026-11-20T") != NULL, "%s", a->b_note);
	a->b_note[0] = '\0';
	memset(lg.lg_caller, 0, sizeof(lg.lg_caller));
	lg.lg_start -= 1000;
	ATF_CHECK_EQ(0, kcall_leg(a->b_kc, &lg));
	(void)store_commit(a->b_st);
	ATF_CHECK_MSG(strstr(a->b_note, " caller=unknown ") != NULL, "%s",
	    a->b_note);
	world_end();
}

ATF_TC_WITHOUT_HEAD(acknowledged_once);
ATF_TC_BODY(acknowledged_once, tc)
{
	struct imsg_leg	 lg;

	a = box_new("a", "+12125550100", "+12125550199");
	leg_init(&lg, LEG_TERMINATED);
	ATF_CHECK_EQ(0, kcall_leg(a->b_kc, &lg));
	/* Not before it is on disk. */
	ATF_CHECK_EQ(0, a->b_acks[1]);
	(void)store_commit(a->b_st);
	ATF_CHECK_EQ(1, a->b_acks[1]);
	/* The same leg again is one call, and is acknowledged. */
	ATF_CHECK_EQ(0, kcall_leg(a->b_kc, &lg));
	ATF_CHECK_EQ(2, a->b_acks[1]);
	ATF_CHECK_EQ(1, a->b_kc->kc_records);
	lg.lg_kind = LEG_OUTSIDE_IN;
	ATF_CHECK_EQ(0, kcall_leg(a->b_kc, &lg));
	ATF_CHECK_EQ(1, a->b_acks[0]);
	box_restart(a);
	ATF_CHECK_EQ(1, a->b_kc->kc_records);
	ATF_CHECK_EQ(1, a->b_kc->kc_terminated);
	ATF_CHECK(kcall_first(a->b_kc, LEG_TERMINATED, OURS) != NULL);
	ATF_CHECK(kcall_first(a->b_kc, LEG_ORIGINATED, OURS) == NULL);
	world_end();
}

ATF_TC_WITHOUT_HEAD(retention);
ATF_TC_BODY(retention, tc)
{
	a = box_new("a", "+12125550100", "+12125550199");
	box_leg(a, LEG_TERMINATED, OURS, THEIRS, world_now - 90000, world_now);
	box_leg(a, LEG_ORIGINATED, THEIRS, OURS, world_now - 90000, world_now);
	ATF_CHECK_EQ(2, a->b_kc->kc_records);
	world_run(T0 + 26 * HOUR - 1);
	ATF_CHECK_EQ(2, a->b_kc->kc_records);
	world_run(T0 + 26 * HOUR + 1);
	ATF_CHECK_EQ(0, a->b_kc->kc_records);
	(void)store_commit(a->b_st);
	ATF_CHECK_EQ(0, store_count(a->b_kc->kc_calls));
	/* Also what became too old while we were away. */
	box_leg(a, LEG_TERMINATED, OURS, THEIRS, world_now - 90000, world_now);
	world_now += 27 * HOUR;
	box_restart(a);
	world_run(world_now + 1);
	ATF_CHECK_EQ(0, a->b_kc->kc_records);
	ATF_CHECK_EQ(0, store_count(a->b_kc->kc_calls));
	world_end();
}

static struct vcr *
only(void)
{
	return (RB_MIN(vcr_ids, &a->b_kc->kc_ids));
}

ATF_TC_WITHOUT_HEAD(stepped_clock);
ATF_TC_BODY(stepped_clock, tc)
{
	struct imsg_leg	 lg;
	uint64_t	 s, moment;

	a = box_new("a", "+12125550100", "+12125550199");
	box_leg(a, LEG_ORIGINATED, THEIRS, OURS, world_now - 90000, world_now);
	s = kcall_s(only());
	moment = only()->v_sched->vs_moment;
	/* A slew of less than a second moves nothing. */
	a->b_skew = 900;
	box_clock(a);
	ATF_CHECK_EQ(s, kcall_s(only()));
	a->b_skew = 3600 * 1000;
	box_clock(a);
	ATF_CHECK_EQ(s + 3600, kcall_s(only()));
	ATF_CHECK_EQ(90, kcall_d(only()));
	ATF_CHECK_EQ(moment + 3600 * 1000, only()->v_sched->vs_moment);
	ATF_CHECK_EQ(0, a->b_kc->kc_stats.st_stepped);
	/* While we were away, in the same boot. */
	(void)store_commit(a->b_st);
	box_close(a);
	a->b_skew = -7200 * 1000;
	box_open(a);
	ATF_CHECK_EQ(s - 7200, kcall_s(only()));
	/* Of another boot: kept while the clock goes on, dropped by a step. */
	(void)store_commit(a->b_st);
	box_close(a);
	memset(a->b_bootid, 'x', sizeof(a->b_bootid));
	box_open(a);
	ATF_CHECK_EQ(1, a->b_kc->kc_records);
	ATF_CHECK_EQ(s - 7200, kcall_s(only()));
	a->b_skew += 5000;
	box_clock(a);
	ATF_CHECK_EQ(0, a->b_kc->kc_records);
	ATF_CHECK_EQ(1, a->b_kc->kc_stats.st_stepped);
	/* During the call: the boot-time clock says how long it was. */
	a->b_skew = 0;
	box_clock(a);
	leg_init(&lg, LEG_TERMINATED);
	lg.lg_start -= 50000;
	lg.lg_flags = LEG_F_STEPPED;
	ATF_CHECK_EQ(0, kcall_leg(a->b_kc, &lg));
	ATF_CHECK_EQ(100, kcall_d(only()));
	ATF_CHECK_EQ((world_now - 100000) / 1000, kcall_s(only()));
	world_end();
}

ATF_TC_WITHOUT_HEAD(disk_full);
ATF_TC_BODY(disk_full, tc)
{
	unsigned	 i;

	a = box_new("a", "+12125550100", "+12125550199");
	box_close(a);
	ATF_REQUIRE_EQ(0, system("rm -rf a"));
	a->b_mapsize = 256 * 1024;
	box_open(a);
	a->b_warnings = 0;
	for (i = 0; i < 3000; i++) {
		world_now += 1000;
		box_leg(a, LEG_TERMINATED, OURS, THEIRS, world_now - 90000 - i,
		    world_now);
	}
	ATF_CHECK(a->b_acks[1] > 10);
	ATF_CHECK(a->b_acks[2] > 10);
	ATF_CHECK_EQ(3000, a->b_acks[1] + a->b_acks[2]);
	ATF_CHECK_EQ(a->b_acks[1], a->b_kc->kc_records);
	ATF_CHECK(a->b_kc->kc_not_recording != 0);
	/* One line, not three thousand. */
	ATF_CHECK_MSG(a->b_warnings >= 1 && a->b_warnings < 5, "%u warnings",
	    a->b_warnings);
	ATF_CHECK(strncmp(a->b_note, "calls: not recording: ", 22) == 0);
	/* What was acknowledged is there. */
	i = a->b_acks[1];
	box_restart(a);
	ATF_CHECK_EQ(i, a->b_kc->kc_records);
	world_end();
}

ATF_TC_WITHOUT_HEAD(another_master);
ATF_TC_BODY(another_master, tc)
{
	struct kcore	*kc;
	uint8_t		 master[32];
	char		 why[256];

	a = box_new("a", "+12125550100", "+12125550199");
	kcore_free(a->b_kc);
	store_close(a->b_st);
	ATF_REQUIRE((a->b_st = store_open("a", 64 << 20, KEY_TABLES,
	    NULL)) != NULL);
	ATF_REQUIRE((kc = kcore_new(&box_ops, a, a->b_st, a->b_bootid)) != NULL);
	kcore_clock(kc, world_now, 1000);
	kcore_conf(kc, a->b_cf, NULL, NULL);
	memset(master, 'z', sizeof(master));
	ATF_CHECK_EQ(-1, kcore_open(kc, master, 0, why, sizeof(why)));
	ATF_CHECK(strstr(why, "master key") != NULL);
	a->b_kc = kc;
	world_end();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, originated);
	ATF_TP_ADD_TC(tp, terminated);
	ATF_TP_ADD_TC(tp, times);
	ATF_TP_ADD_TC(tp, log_calls);
	ATF_TP_ADD_TC(tp, acknowledged_once);
	ATF_TP_ADD_TC(tp, retention);
	ATF_TP_ADD_TC(tp, stepped_clock);
	ATF_TP_ADD_TC(tp, disk_full);
	ATF_TP_ADD_TC(tp, another_master);
	return (atf_no_error());
}
