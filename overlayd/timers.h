/* SPDX-License-Identifier: ISC */
/* core: timers of one node, run by whoever has the clock.  Milliseconds. */
#ifndef TIMERS_H
#define TIMERS_H

#include <sys/types.h>
#include <sys/tree.h>

#include <stdint.h>

struct ntimer {
	RB_ENTRY(ntimer) nt_entry;
	uint64_t	 nt_at;
	uint64_t	 nt_seq;
	int		 nt_armed;
	void		(*nt_cb)(void *);
	void		*nt_arg;
};
RB_HEAD(ntimer_tree, ntimer);
struct timers {
	struct ntimer_tree tm_tree;
	uint64_t	 tm_seq;
};

void	 timers_init(struct timers *);
void	 ntimer_set(struct ntimer *, void (*)(void *), void *);
/* Arm it, or move it, to go off at the given moment. */
void	 ntimer_add(struct timers *, struct ntimer *, uint64_t at);
void	 ntimer_del(struct timers *, struct ntimer *);	/* may be unarmed */
/* Moment of the first one; 0 and *at when there is one, else -1. */
int	 timers_next(const struct timers *, uint64_t *at);
/* Run what is due, at most max of them. */
void	 timers_run(struct timers *, uint64_t now, unsigned max);

#endif
