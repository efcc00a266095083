/* SPDX-License-Identifier: ISC */
/*
 * core: timers over a clock that is handed in.  A struct tmr lives in the
 * object that it wakes and must be stopped before that is freed.  Times are
 * milliseconds of a clock that never steps back (boot time).
 */
#ifndef PROXY_TIMER_H
#define PROXY_TIMER_H

#include <sys/types.h>
#include <sys/tree.h>

#include <stdint.h>

struct tmr {
	RB_ENTRY(tmr)	 tm_entry;
	uint64_t	 tm_at;
	uint64_t	 tm_seq;	/* timers of one moment run in the order they were set */
	void		(*tm_fn)(void *);
	void		*tm_arg;
	int		 tm_on;
};
RB_HEAD(tmr_tree, tmr);

struct tmrs {
	struct tmr_tree	 ts_tree;
	uint64_t	 ts_now;	/* of the latest call into the core */
	uint64_t	 ts_seq;
};

void	 tmrs_init(struct tmrs *, uint64_t now);
/* Every tmr needs this once before the calls below. */
void	 tmr_init(struct tmr *, void (*fn)(void *), void *arg);
/* Set or set again, ms from ts_now. */
void	 tmr_set(struct tmrs *, struct tmr *, uint64_t ms);
void	 tmr_stop(struct tmrs *, struct tmr *);
/* Run what is due at now, at most max of them (bounded work a turn). */
void	 tmrs_run(struct tmrs *, uint64_t now, unsigned max);
/* Milliseconds until the next one: 0 due, -1 none. */
int64_t	 tmrs_wait(const struct tmrs *, uint64_t now);

#endif
