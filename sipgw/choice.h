/* SPDX-License-Identifier: ISC */
/*
 * core: the order in which to try several servers: by priority, lowest first,
 * and among equals at random in proportion to their weights (RFC 2782).
 */
#ifndef CHOICE_H
#define CHOICE_H

#include <stddef.h>
#include <stdint.h>

struct choice {
	uint16_t	ch_priority;
	uint16_t	ch_weight;
	uint16_t	ch_index;	/* the caller's */
};

/*
 * Sorts in place.  Weights of 0 alone keep the order in which they came.  rnd
 * gives a number from 0 to bound - 1, each as likely as the others.
 */
void	 choice_order(struct choice *, size_t n,
	    uint32_t (*rnd)(void *, uint32_t bound), void *);
/* Such a number, made of the 4-byte numbers that next gives. */
uint32_t choice_uniform(uint32_t bound, uint32_t (*next)(void *), void *);

#endif
