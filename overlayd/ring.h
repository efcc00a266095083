/* SPDX-License-Identifier: ISC */
/*
 * core: the CHORD-RELOAD view of the ring that one node has (RFC 6940, 10.1 to
 * 10.3).  The ring holds the peers that may be routed through: linked to us and
 * heard from by an Update.  Neighbours and fingers are a view of that set, so
 * that a lost peer is replaced by the best one left at once.
 */
#ifndef RING_H
#define RING_H

#include <stddef.h>
#include <stdint.h>

#include "nodeid.h"

#define RING_NEIGHBOURS	3	/* on each side */
#define RING_FINGERS	16
#define RING_PEERS_MAX	256

struct ring {
	struct nodeid	 rg_self;
	struct nodeid	 rg_peer[RING_PEERS_MAX];	/* by distance from us, clockwise */
	size_t		 rg_npeers;
};

void		 ring_init(struct ring *, const struct nodeid *self);
/* 1 if it is new, 0 if known, -1 if the ring is full or it is ourselves. */
int		 ring_add(struct ring *, const struct nodeid *);
/* 1 if it was there. */
int		 ring_del(struct ring *, const struct nodeid *);
int		 ring_has(const struct ring *, const struct nodeid *);

/* i-th successor or predecessor, 0 the nearest; NULL beyond the last.  In a
 * small ring a peer may be both. */
const struct nodeid *ring_succ(const struct ring *, size_t i);
const struct nodeid *ring_pred(const struct ring *, size_t i);
size_t		 ring_neighbours(const struct ring *);	/* on each side */
int		 ring_is_neighbour(const struct ring *, const struct nodeid *);
/* Would this stranger be a neighbour? */
int		 ring_wanted(const struct ring *, const struct nodeid *);

/* Is k ours: in (nearest predecessor, self]? */
int		 ring_responsible(const struct ring *, const struct nodeid *k);
uint32_t	 ring_share_ppb(const struct ring *);
/* Next hop for k (RFC 6940, 10.3); NULL when there is no peer at all. */
const struct nodeid *ring_next_hop(const struct ring *, const struct nodeid *k);

/* Finger i (1 is half way round) covers [start, start + 2^(128-i) - 1]. */
void		 ring_finger_start(const struct ring *, unsigned i, struct nodeid *);
int		 ring_finger_covers(const struct ring *, unsigned i, const struct nodeid *);
/* A peer in that interval, the first one clockwise; NULL if none. */
const struct nodeid *ring_finger(const struct ring *, unsigned i);
/* Is the peer the one that stands for some finger of 1 to RING_FINGERS? */
int		 ring_is_finger(const struct ring *, const struct nodeid *);
/* May a search for finger i find somebody we do not know: does its interval
 * reach beyond our last successor? */
int		 ring_finger_open(const struct ring *, unsigned i);

#endif
