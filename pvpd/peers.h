/* SPDX-License-Identifier: ISC */
/*
 * core: who may connect how often, by address (a /64 of IPv6 counts as one).
 * As responder: so many connections at once and an hour, more once a proof of
 * that address was good.  As initiator: so many connections an hour to one
 * address.  Memory is bounded; when it is used up the address that was quiet
 * longest is forgotten.  Times are monotonic milliseconds.
 */
#ifndef PEERS_H
#define PEERS_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define PEERS_LIVE	4
#define PEERS_HOUR	60
#define PEERS_HOUR_GOOD	3600
#define PEERS_OUT_HOUR	10

struct peers;

struct peers	*peers_new(size_t max);
void		 peers_free(struct peers *);	/* NULL allowed */
/* An accepted connection: NULL and it is counted, or why it is refused.  A
 * counted one must be given back with peers_done. */
const char	*peers_accept(struct peers *, const struct vaddr *, uint64_t now);
void		 peers_done(struct peers *, const struct vaddr *);
/* A proof by this address was good. */
void		 peers_good(struct peers *, const struct vaddr *);
/* May we connect there?  Counted when so.  1 or 0. */
int		 peers_connect(struct peers *, const struct vaddr *, uint64_t now);
size_t		 peers_count(const struct peers *);

#endif
