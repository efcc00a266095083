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

/* Call legs: when they count, what shadows them, what becomes of a record. */

#include <atf-c.h>
#include <string.h>

#include "leg.h"

#define UTC	1790000000000ull

static struct tmrs	 tmrs;
static struct legs	*legs;
static struct imsg_leg	 got[8];
static size_t		 ngot;
static int		 away;

static int	report(void *, const struct imsg_leg *);
static void	start(size_t);
static void	pass(uint64_t);
static struct leg *up(enum leg_kind, const char *);
static void	down(struct leg *);
static unsigned	flags(enum leg_kind);

static int
report(void *ctx, const struct imsg_leg *m)
{
	(void)ctx;
	if (away)
		return (-1);
	ATF_REQUIRE(ngot < 8);
	got[ngot++] = *m;
	return (0);
}

static void
start(size_t max)
{
	tmrs_init(&tmrs, 50000);
	ngot = 0;
	away = 0;
	ATF_REQUIRE((legs = legs_new(&tmrs, max, report, NULL)) != NULL);
}

static void
pass(uint64_t ms)
{
	tmrs_run(&tmrs, tmrs.ts_now + ms, 100);
}

/* Both clocks run alike. */
static struct leg *
up(enum leg_kind kind, const char *called)
{
	return (leg_start(legs, kind, 0, called, "+4930123450", UTC + tmrs.ts_now,
	    tmrs.ts_now));
}

static void
down(struct leg *le)
{
	leg_stop(le, UTC + tmrs.ts_now, tmrs.ts_now);
}

static unsigned
flags(enum leg_kind kind)
{
	size_t	i;

	for (i = 0; i < ngot; i++)
		if (got[i].lg_kind == kind)
			return (got[i].lg_flags);
	return (0xffff);
}

ATF_TC_WITHOUT_HEAD(plain);
ATF_TC_BODY(plain, tc)
{
	struct legs_stats	 ls;
	struct leg		*le;

	start(10);
	ATF_REQUIRE((le = up(LEG_ORIGINATED, "+4940123456")) != NULL);
	pass(61234);
	down(le);
	/* The first BYE counts, a second one moves nothing. */
	pass(100);
	down(le);
	pass(499);
	ATF_CHECK_EQ(0, ngot);
	pass(1);
	ATF_REQUIRE_EQ(1, ngot);
	ATF_CHECK_EQ(61234, got[0].lg_stop - got[0].lg_start);
	ATF_CHECK_EQ(61234, got[0].lg_boot_stop - got[0].lg_boot_start);
	ATF_CHECK_EQ(UTC + 50000, got[0].lg_start);
	ATF_CHECK_EQ(0, got[0].lg_flags);
	ATF_CHECK_STREQ("+4940123456", got[0].lg_called);
	ATF_CHECK_STREQ("+4930123450", got[0].lg_caller);
	legs_stats(legs, &ls);
	ATF_CHECK_EQ(1, ls.ls_reported);
	ATF_CHECK_EQ(0, ls.ls_live);
	legs_free(legs);
}

/* Answered within 0.5 s of each other, either way round. */
ATF_TC_WITHOUT_HEAD(shadow_start);
ATF_TC_BODY(shadow_start, tc)
{
	static const enum leg_kind kinds[] = { LEG_TERMINATED, LEG_OUTSIDE_IN,
	    LEG_OUTSIDE_OUT, LEG_ORIGINATED };
	struct leg	*a, *b;
	size_t		 i;
	int		 first, near;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (first = 0; first < 2; first++)
			for (near = 0; near < 2; near++) {
				start(10);
				a = up(first ? LEG_ORIGINATED : kinds[i], "+4940123456");
				pass(near ? 500 : 501);
				b = up(first ? kinds[i] : LEG_ORIGINATED, "+4940123457");
				pass(60000);
				down(a);
				pass(5000);
				down(b);
				pass(700);
				ATF_REQUIRE_EQ(2, ngot);
				ATF_CHECK_EQ_MSG(near && i < 2 ? LEG_F_SHADOWED : 0,
				    flags(LEG_ORIGINATED), "kind %zu first %d near %d", i,
				    first, near);
				/* Only the originated one suffers. */
				if (i == 0)
					ATF_CHECK_EQ(0, flags(LEG_TERMINATED));
				legs_free(legs);
			}
}

/* Ended within 0.5 s of each other, also when the other ends last. */
ATF_TC_WITHOUT_HEAD(shadow_stop);
ATF_TC_BODY(shadow_stop, tc)
{
	struct leg	*a, *b;
	int		 first, near;

	for (first = 0; first < 2; first++)
		for (near = 0; near < 2; near++) {
			start(10);
			a = up(LEG_ORIGINATED, "+4940123456");
			pass(5000);
			b = up(LEG_TERMINATED, "+4930123450");
			pass(60000);
			down(first ? a : b);
			pass(near ? 500 : 501);
			down(first ? b : a);
			pass(700);
			ATF_REQUIRE_EQ(2, ngot);
			ATF_CHECK_EQ(near ? LEG_F_SHADOWED : 0, flags(LEG_ORIGINATED));
			ATF_CHECK_EQ(0, flags(LEG_TERMINATED));
			legs_free(legs);
		}
}

/* A leg with no number still shadows, and is never reported. */
ATF_TC_WITHOUT_HEAD(no_number);
ATF_TC_BODY(no_number, tc)
{
	struct leg	*a, *b;

	start(10);
	a = up(LEG_TERMINATED, "");
	b = up(LEG_ORIGINATED, "+4940123456");
	pass(60000);
	down(a);
	pass(3000);
	down(b);
	pass(700);
	ATF_REQUIRE_EQ(1, ngot);
	ATF_CHECK_EQ(LEG_F_SHADOWED, flags(LEG_ORIGINATED));
	legs_free(legs);
}

ATF_TC_WITHOUT_HEAD(stepped);
ATF_TC_BODY(stepped, tc)
{
	struct leg	*le;
	int		 i;
	static const int64_t	step[] = { 0, 500, 501, -500, -501, 3600000 };

	for (i = 0; i < 6; i++) {
		start(10);
		le = up(LEG_ORIGINATED, "+4940123456");
		pass(4000000);
		leg_stop(le, (uint64_t)((int64_t)(UTC + tmrs.ts_now) + step[i]), tmrs.ts_now);
		pass(700);
		ATF_REQUIRE_EQ(1, ngot);
		ATF_CHECK_EQ(step[i] > 500 || step[i] < -500 ? LEG_F_STEPPED : 0,
		    got[0].lg_flags);
		legs_free(legs);
	}
}

/* key away: forgotten and counted; never invented; bounded. */
ATF_TC_WITHOUT_HEAD(lost);
ATF_TC_BODY(lost, tc)
{
	struct legs_stats	 ls;
	struct leg		*a, *b;

	start(2);
	away = 1;
	a = up(LEG_ORIGINATED, "+4940123456");
	b = up(LEG_ORIGINATED, "+4940123456");
	ATF_CHECK_EQ(NULL, up(LEG_ORIGINATED, "+4940123456"));
	leg_drop(b);
	leg_drop(NULL);
	pass(60000);
	down(a);
	leg_drop(a);	/* ended: it stays */
	pass(700);
	away = 0;
	pass(10000);
	ATF_CHECK_EQ(0, ngot);
	legs_stats(legs, &ls);
	ATF_CHECK_EQ(1, ls.ls_unsent);
	ATF_CHECK_EQ(2, ls.ls_dropped);
	ATF_CHECK_EQ(0, ls.ls_live);
	legs_free(legs);
}

/* One whose times are not sure: no report, but its shadow. */
ATF_TC_WITHOUT_HEAD(silenced);
ATF_TC_BODY(silenced, tc)
{
	struct legs_stats	 ls;
	struct leg		*a, *b;

	start(10);
	a = up(LEG_OUTSIDE_IN, "+4930123450");
	b = up(LEG_ORIGINATED, "+4940123456");
	leg_silence(a);
	leg_silence(a);
	leg_silence(NULL);
	pass(60000);
	down(b);
	down(a);
	pass(700);
	ATF_REQUIRE_EQ(1, ngot);
	ATF_CHECK_EQ(LEG_F_SHADOWED, flags(LEG_ORIGINATED));
	legs_stats(legs, &ls);
	ATF_CHECK_EQ(1, ls.ls_dropped);
	ATF_CHECK_EQ(1, ls.ls_reported);
	legs_free(legs);
}

/* The end of a call that nobody remembers, before and after that of another. */
ATF_TC_WITHOUT_HEAD(ghosts);
ATF_TC_BODY(ghosts, tc)
{
	struct leg	*le;
	int		 first, near;

	for (first = 0; first < 2; first++)
		for (near = 0; near < 2; near++) {
			start(10);
			le = up(LEG_ORIGINATED, "+4940123456");
			/* Not one that is answered now. */
			leg_ghost(legs, tmrs.ts_now);
			pass(60000);
			if (first)
				leg_ghost(legs, tmrs.ts_now);
			else
				down(le);
			pass(near ? 500 : 501);
			if (first)
				down(le);
			else
				leg_ghost(legs, tmrs.ts_now);
			pass(700);
			ATF_REQUIRE_EQ(1, ngot);
			ATF_CHECK_EQ(near ? LEG_F_SHADOWED : 0, got[0].lg_flags);
			legs_free(legs);
		}
}

/* Many at once: each is judged by its own neighbours. */
ATF_TC_WITHOUT_HEAD(crowd);
ATF_TC_BODY(crowd, tc)
{
	struct leg	*far[300], *near;
	size_t		 i;

	start(1000);
	for (i = 0; i < 300; i++) {
		far[i] = up(LEG_TERMINATED, "");
		pass(10);
	}
	pass(500);
	near = up(LEG_ORIGINATED, "+4940123456");
	pass(501);
	for (i = 0; i < 300; i++) {
		down(far[(i * 7) % 300]);
		pass(10);
	}
	pass(500);
	down(near);
	pass(700);
	ATF_REQUIRE_EQ(1, ngot);
	ATF_CHECK_EQ(0, got[0].lg_flags);
	legs_free(legs);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, plain);
	ATF_TP_ADD_TC(tp, shadow_start);
	ATF_TP_ADD_TC(tp, shadow_stop);
	ATF_TP_ADD_TC(tp, no_number);
	ATF_TP_ADD_TC(tp, stepped);
	ATF_TP_ADD_TC(tp, lost);
	ATF_TP_ADD_TC(tp, silenced);
	ATF_TP_ADD_TC(tp, ghosts);
	ATF_TP_ADD_TC(tp, crowd);
	return (atf_no_error());
}
