/* SPDX-License-Identifier: ISC */
/* Signatures that other processes ask for, in the order of their urgency. */
#ifndef KEY_SIGNQ_H
#define KEY_SIGNQ_H

struct chan;
struct chan_msg;

#define KSIGNQ_TURN	8	/* overlayd's a turn of the loop */

/* After event_init; priority is that of overlayd's queue. */
void	ksignq_init(int priority);
/* Forget what waits: overlayd is away. */
void	ksignq_clear(void);
/* IMSG_KEY_SIGN of sipgw and pvpd; of overlayd. */
int	ksignq_dispatch(struct chan *, struct chan_msg *, void *);
int	ksignq_dispatch_overlay(struct chan *, struct chan_msg *, void *);

#endif
