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
 * core: call legs of sipgw: when they start and stop, which other legs
 * shadow them, and their report to key.
 */

#include <sys/types.h>
#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "e164.h"
#include "leg.h"

struct legs {
	TAILQ_HEAD(, leg) lg_list;
	struct tmrs	*lg_tmrs;
	leg_report	 lg_report;
	void		*lg_ctx;
	size_t		 lg_count, lg_max;
	uint64_t	 lg_next;
	struct legs_stats lg_stats;
};

static void	leg_free(struct leg *);
static void	leg_held(void *);
static int	leg_near(uint64_t, uint64_t);
static int	leg_casts(const struct leg *);
static void	leg_shadow(struct leg *, struct leg *);

struct legs *
legs_new(struct tmrs *tmrs, size_t max, leg_report report, void *ctx)
{
	struct legs	*lg;

	if ((lg = calloc(1, sizeof(*lg))) == NULL)
		return (NULL);
	TAILQ_INIT(&lg->lg_list);
	lg->lg_tmrs = tmrs;
	lg->lg_max = max;
	lg->lg_report = report;
	lg->lg_ctx = ctx;
	lg->lg_next = 1;
	return (lg);
}

void
legs_free(struct legs *lg)
{
	struct leg	*le;

	if (lg == NULL)
		return;
	while ((le = TAILQ_FIRST(&lg->lg_list)) != NULL)
		leg_free(le);
	free(lg);
}

void
legs_stats(const struct legs *lg, struct legs_stats *out)
{
	*out = lg->lg_stats;
	out->ls_live = lg->lg_count;
}

static void
leg_free(struct leg *le)
{
	struct legs	*lg = le->le_owner;

	TAILQ_REMOVE(&lg->lg_list, le, le_entry);
	tmr_stop(lg->lg_tmrs, &le->le_hold);
	lg->lg_count--;
	freezero(le, sizeof(*le));
}

static int
leg_near(uint64_t a, uint64_t b)
{
	return ((a > b ? a - b : b - a) <= LEG_SHADOW_MS);
}

/* Does such a leg bring a stranger's call to us? */
static int
leg_casts(const struct leg *le)
{
	return (le->le_kind == LEG_TERMINATED || le->le_kind == LEG_OUTSIDE_IN);
}

/*
 * pvp(7): an originated leg counts only if no leg from the trunk or the
 * outside, up at the same time, was answered within 0.5 s of its answer or
 * ended within 0.5 s of its end.  Judged on the clock that is never stepped.
 */
static void
leg_shadow(struct leg *a, struct leg *b)
{
	struct leg	*orig, *other;

	if (a->le_kind == LEG_ORIGINATED && leg_casts(b)) {
		orig = a;
		other = b;
	} else if (b->le_kind == LEG_ORIGINATED && leg_casts(a)) {
		orig = b;
		other = a;
	} else
		return;
	if (leg_near(orig->le_boot_start, other->le_boot_start))
		orig->le_flags |= LEG_F_SHADOWED;
	if (orig->le_ended && other->le_ended &&
	    leg_near(orig->le_boot_stop, other->le_boot_stop))
		orig->le_flags |= LEG_F_SHADOWED;
}

struct leg *
leg_start(struct legs *lg, enum leg_kind kind, uint16_t flags, const char *called,
    const char *caller, uint64_t utc, uint64_t boot)
{
	struct leg	*le, *other;

	if (lg->lg_count >= lg->lg_max ||
	    (le = calloc(1, sizeof(*le))) == NULL) {
		lg->lg_stats.ls_dropped++;
		return (NULL);
	}
	le->le_owner = lg;
	le->le_id = lg->lg_next++;
	le->le_kind = kind;
	le->le_flags = flags;
	le->le_start = utc;
	le->le_boot_start = boot;
	(void)strlcpy(le->le_called, called, sizeof(le->le_called));
	(void)strlcpy(le->le_caller, caller, sizeof(le->le_caller));
	tmr_init(&le->le_hold, leg_held, le);
	TAILQ_FOREACH(other, &lg->lg_list, le_entry)
		leg_shadow(le, other);
	TAILQ_INSERT_TAIL(&lg->lg_list, le, le_entry);
	lg->lg_count++;
	return (le);
}

void
leg_stop(struct leg *le, uint64_t utc, uint64_t boot)
{
	struct legs	*lg = le->le_owner;
	struct leg	*other;
	int64_t		 drift;

	if (le->le_ended)
		return;
	le->le_ended = 1;
	le->le_stop = utc;
	le->le_boot_stop = boot;
	drift = (int64_t)(le->le_stop - le->le_start) -
	    (int64_t)(le->le_boot_stop - le->le_boot_start);
	if (drift > LEG_STEP_MS || drift < -LEG_STEP_MS)
		le->le_flags |= LEG_F_STEPPED;
	TAILQ_FOREACH(other, &lg->lg_list, le_entry) {
		if (other != le)
			leg_shadow(le, other);
	}
	tmr_set(lg->lg_tmrs, &le->le_hold, LEG_HOLD_MS);
}

void
leg_drop(struct leg *le)
{
	if (le == NULL || le->le_ended)
		return;
	le->le_owner->lg_stats.ls_dropped++;
	leg_free(le);
}

static void
leg_held(void *arg)
{
	struct leg	*le = arg;
	struct legs	*lg = le->le_owner;
	struct imsg_leg	 m;

	if (e164_valid(le->le_called)) {
		memset(&m, 0, sizeof(m));
		m.lg_id = le->le_id;
		m.lg_start = le->le_start;
		m.lg_stop = le->le_stop;
		m.lg_boot_start = le->le_boot_start;
		m.lg_boot_stop = le->le_boot_stop;
		m.lg_kind = (uint16_t)le->le_kind;
		m.lg_flags = le->le_flags;
		(void)strlcpy(m.lg_called, le->le_called, sizeof(m.lg_called));
		(void)strlcpy(m.lg_caller, le->le_caller, sizeof(m.lg_caller));
		if (lg->lg_report(lg->lg_ctx, &m) == 0)
			lg->lg_stats.ls_reported++;
		else
			lg->lg_stats.ls_unsent++;
		explicit_bzero(&m, sizeof(m));
	}
	leg_free(le);
}
