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

/* Legs that may shadow, legs that may be shadowed, the rest. */
enum leg_class { CLASS_CAST = 0, CLASS_ORIGINATED, CLASS_OTHER, CLASSES };
TAILQ_HEAD(leg_list, leg);

struct legs {
	struct leg_list	 lg_up[CLASSES];	/* all, in the order of their answers */
	struct leg_list	 lg_done[CLASSES];	/* of these the ended, in that of their ends */
	struct tmrs	*lg_tmrs;
	leg_report	 lg_report;
	void		*lg_ctx;
	size_t		 lg_count, lg_max;
	uint64_t	 lg_next;
	struct legs_stats lg_stats;
};

static void	leg_free(struct leg *);
static void	leg_held(void *);
static enum leg_class leg_class(const struct leg *);
static struct leg *leg_new(struct legs *, enum leg_kind);
static void	leg_mark(struct leg *, struct leg *);
static void	leg_started(struct leg *);
static void	leg_ended(struct leg *);

struct legs *
legs_new(struct tmrs *tmrs, size_t max, leg_report report, void *ctx)
{
	struct legs	*lg;
	size_t		 i;

	if ((lg = calloc(1, sizeof(*lg))) == NULL)
		return (NULL);
	for (i = 0; i < CLASSES; i++) {
		TAILQ_INIT(&lg->lg_up[i]);
		TAILQ_INIT(&lg->lg_done[i]);
	}
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
	size_t		 i;

	if (lg == NULL)
		return;
	for (i = 0; i < CLASSES; i++)
		while ((le = TAILQ_FIRST(&lg->lg_up[i])) != NULL)
			leg_free(le);
	free(lg);
}

void
legs_stats(const struct legs *lg, struct legs_stats *out)
{
	*out = lg->lg_stats;
	out->ls_live = lg->lg_count;
}

/* What brings a stranger's call to us can shadow a call of ours. */
static enum leg_class
leg_class(const struct leg *le)
{
	switch (le->le_kind) {
	case LEG_ORIGINATED:
		return (CLASS_ORIGINATED);
	case LEG_TERMINATED:
	case LEG_OUTSIDE_IN:
		return (CLASS_CAST);
	case LEG_OUTSIDE_OUT:
		break;
	}
	return (CLASS_OTHER);
}

static void
leg_free(struct leg *le)
{
	struct legs	*lg = le->le_owner;

	TAILQ_REMOVE(&lg->lg_up[leg_class(le)], le, le_entry);
	if (le->le_ended)
		TAILQ_REMOVE(&lg->lg_done[leg_class(le)], le, le_done);
	tmr_stop(lg->lg_tmrs, &le->le_hold);
	lg->lg_count--;
	freezero(le, sizeof(*le));
}

static void
leg_mark(struct leg *a, struct leg *b)
{
	if (a->le_kind == LEG_ORIGINATED)
		a->le_flags |= LEG_F_SHADOWED;
	else
		b->le_flags |= LEG_F_SHADOWED;
}

/*
 * pvp(7): an originated leg counts only if no leg from the trunk or the
 * outside, up at the same time, was answered within 0.5 s of its answer or
 * ended within 0.5 s of its end.  Judged on the clock that is never stepped,
 * so both lists are in order and only their last entries are near.
 */
static void
leg_started(struct leg *le)
{
	struct legs	*lg = le->le_owner;
	struct leg	*other;
	enum leg_class	 c = leg_class(le);

	if (c == CLASS_OTHER)
		return;
	TAILQ_FOREACH_REVERSE(other, &lg->lg_up[1 - c], leg_list, le_entry) {
		if (other->le_boot_start + LEG_SHADOW_MS < le->le_boot_start)
			break;
		leg_mark(le, other);
	}
}

static void
leg_ended(struct leg *le)
{
	struct legs	*lg = le->le_owner;
	struct leg	*other;
	enum leg_class	 c = leg_class(le);

	if (c == CLASS_OTHER)
		return;
	TAILQ_FOREACH_REVERSE(other, &lg->lg_done[1 - c], leg_list, le_done) {
		if (other->le_boot_stop + LEG_SHADOW_MS < le->le_boot_stop)
			break;
		leg_mark(le, other);
	}
}

static struct leg *
leg_new(struct legs *lg, enum leg_kind kind)
{
	struct leg	*le;

	if (lg->lg_count >= lg->lg_max ||
	    (le = calloc(1, sizeof(*le))) == NULL) {
		lg->lg_stats.ls_dropped++;
		return (NULL);
	}
	le->le_owner = lg;
	le->le_id = lg->lg_next++;
	le->le_kind = kind;
	tmr_init(&le->le_hold, leg_held, le);
	lg->lg_count++;
	return (le);
}

struct leg *
leg_start(struct legs *lg, enum leg_kind kind, uint16_t flags, const char *called,
    const char *caller, uint64_t utc, uint64_t boot)
{
	struct leg	*le;

	if ((le = leg_new(lg, kind)) == NULL)
		return (NULL);
	le->le_flags = flags;
	le->le_start = utc;
	le->le_boot_start = boot;
	(void)strlcpy(le->le_called, called, sizeof(le->le_called));
	(void)strlcpy(le->le_caller, caller, sizeof(le->le_caller));
	leg_started(le);
	TAILQ_INSERT_TAIL(&lg->lg_up[leg_class(le)], le, le_entry);
	return (le);
}

void
leg_stop(struct leg *le, uint64_t utc, uint64_t boot)
{
	struct legs	*lg = le->le_owner;
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
	leg_ended(le);
	TAILQ_INSERT_TAIL(&lg->lg_done[leg_class(le)], le, le_done);
	tmr_set(lg->lg_tmrs, &le->le_hold, LEG_HOLD_MS);
}

void
leg_ghost(struct legs *lg, uint64_t boot)
{
	struct leg	*le;

	if ((le = leg_new(lg, LEG_TERMINATED)) == NULL)
		return;
	/* Answered before all others: it stands first among them. */
	TAILQ_INSERT_HEAD(&lg->lg_up[CLASS_CAST], le, le_entry);
	le->le_ended = 1;
	le->le_boot_stop = boot;
	leg_ended(le);
	TAILQ_INSERT_TAIL(&lg->lg_done[CLASS_CAST], le, le_done);
	tmr_set(lg->lg_tmrs, &le->le_hold, LEG_HOLD_MS);
}

void
leg_silence(struct leg *le)
{
	if (le == NULL || le->le_called[0] == '\0')
		return;
	le->le_called[0] = '\0';
	le->le_owner->lg_stats.ls_dropped++;
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
