/* SPDX-License-Identifier: ISC */
/*
 * sipgw remembers which tickets key found good.  key counts generations: each
 * revocation, new epoch and new configuration is one, told to sipgw by
 * IMSG_TICKET_GEN, which empties that memory and is answered.  Runs in the key
 * process.
 */
#ifndef KEY_GEN_H
#define KEY_GEN_H

#include <stdint.h>

struct chan;
struct chan_msg;
struct kcore;

/* sipgw came, or (NULL) went. */
void	kgen_peer(const struct kcore *, struct chan *);
/* Tell sipgw if the generation is another than it was told. */
void	kgen_tell(const struct kcore *);
/* sipgw's answer. */
int	kgen_dispatch(struct chan *, struct chan_msg *, void *);
/*
 * The end of this request of control waits until sipgw has answered: 1, and
 * it is sent then (or when sipgw is gone).  0: nothing to wait for.
 */
int	kgen_hold(const struct kcore *, uint32_t id, const char *error);
/* control went: nobody waits any more. */
void	kgen_control_gone(void);

#endif
