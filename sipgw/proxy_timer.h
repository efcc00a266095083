/* SPDX-License-Identifier: ISC */
/*
 * core: timers over a clock that is handed in.  A struct tmr lives in the
 * object that it wakes and must be stopped before that is freed.  Times are
 * milliseconds of a clock that never steps back (boot time).
 *
 * A wheel of wheels: setting and stopping cost the same however many timers
 * there are.  Level n has a slot for each value of the n-th byte of a time; a
 * timer waits at the level of the highest byte in which its time differs from
 * the wheel's, and moves down when the wheel comes to its slot.
 */
#ifndef PROXY_TIMER_H
#define PROXY_TIMER_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stdint.h>

#define TMR_LEVELS	5	/* 34 years */
#define TMR_SLOTS	256

struct tmr {
	TAILQ_ENTRY(tmr) tm_entry;	/* in its slot, in the order they were set */
	uint64_t	 tm_at;
	void		(*tm_fn)(void *);
	void		*tm_arg;
	unsigned	 tm_slot;
	int		 tm_on;
};
TAILQ_HEAD(tmr_list, tmr);

struct tmrs {
	uint64_t	 ts_now;	/* of the latest call into the core */
	uint64_t	 ts_base;	/* all before this has run; not above ts_now */
	uint64_t	 ts_used[TMR_LEVELS][TMR_SLOTS / 64];	/* a bit a slot */
	struct tmr_list	 ts_slots[TMR_LEVELS * TMR_SLOTS];
};

/* It must stay where it is from here on. */
void	 tmrs_init(struct tmrs *, uint64_t now);
/* Every tmr needs this once before the calls below. */
void	 tmr_init(struct tmr *, void (*fn)(void *), void *arg);
/* Set or set again, ms from ts_now. */
void	 tmr_set(struct tmrs *, struct tmr *, uint64_t ms);
void	 tmr_stop(struct tmrs *, struct tmr *);
/* Run what is due at now, at most max of them (bounded work a turn): in the
 * order of their times, those of one moment in the order they were set. */
void	 tmrs_run(struct tmrs *, uint64_t now, unsigned max);
/*
 * Milliseconds until tmrs_run is to be called again: 0 now, -1 no timer is
 * set.  It may be sooner than the next timer (the wheel has to turn then), never
 * later.
 */
int64_t	 tmrs_wait(const struct tmrs *, uint64_t now);

#endif
