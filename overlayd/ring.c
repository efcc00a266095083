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
 * core: neighbour table, fingers and the choice of the next hop, all views of
 * one sorted list of peers.
 */

#include <string.h>

#include "ring.h"

static size_t	 ring_pos(const struct ring *, const struct nodeid *, int *);

void
ring_init(struct ring *rg, const struct nodeid *self)
{
	memset(rg, 0, sizeof(*rg));
	rg->rg_self = *self;
}

/* Where id stands or would stand in the list. */
static size_t
ring_pos(const struct ring *rg, const struct nodeid *id, int *found)
{
	size_t		 lo = 0, hi = rg->rg_npeers, mid;
	int		 c;

	*found = 0;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		c = nodeid_dist_cmp(&rg->rg_self, &rg->rg_peer[mid], id);
		if (c == 0) {
			*found = 1;
			return (mid);
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo);
}

int
ring_add(struct ring *rg, const struct nodeid *id)
{
	size_t		 i;
	int		 found;

	if (nodeid_eq(id, &rg->rg_self))
		return (-1);
	i = ring_pos(rg, id, &found);
	if (found)
		return (0);
	if (rg->rg_npeers == RING_PEERS_MAX)
		return (-1);
	memmove(&rg->rg_peer[i + 1], &rg->rg_peer[i],
	    (rg->rg_npeers - i) * sizeof(rg->rg_peer[0]));
	rg->rg_peer[i] = *id;
	rg->rg_npeers++;
	return (1);
}

int
ring_del(struct ring *rg, const struct nodeid *id)
{
	size_t		 i;
	int		 found;

	i = ring_pos(rg, id, &found);
	if (!found)
		return (0);
	rg->rg_npeers--;
	memmove(&rg->rg_peer[i], &rg->rg_peer[i + 1],
	    (rg->rg_npeers - i) * sizeof(rg->rg_peer[0]));
	return (1);
}

int
ring_has(const struct ring *rg, const struct nodeid *id)
{
	int		 found;

	(void)ring_pos(rg, id, &found);
	return (found);
}

size_t
ring_neighbours(const struct ring *rg)
{
	return (rg->rg_npeers < RING_NEIGHBOURS ? rg->rg_npeers :
	    RING_NEIGHBOURS);
}

const struct nodeid *
ring_succ(const struct ring *rg, size_t i)
{
	return (i < ring_neighbours(rg) ? &rg->rg_peer[i] : NULL);
}

const struct nodeid *
ring_pred(const struct ring *rg, size_t i)
{
	if (i >= ring_neighbours(rg))
		return (NULL);
	return (&rg->rg_peer[rg->rg_npeers - 1 - i]);
}

int
ring_is_neighbour(const struct ring *rg, const struct nodeid *id)
{
	size_t		 i;
	int		 found;

	i = ring_pos(rg, id, &found);
	if (!found)
		return (0);
	return (i < RING_NEIGHBOURS || i + RING_NEIGHBOURS >= rg->rg_npeers);
}

int
ring_wanted(const struct ring *rg, const struct nodeid *id)
{
	size_t		 i;
	int		 found;

	if (nodeid_eq(id, &rg->rg_self))
		return (0);
	i = ring_pos(rg, id, &found);
	if (found)
		return (0);
	/* As a new element at i of a list one longer. */
	return (i < RING_NEIGHBOURS || i + RING_NEIGHBOURS > rg->rg_npeers);
}

int
ring_responsible(const struct ring *rg, const struct nodeid *k)
{
	const struct nodeid *p;

	if ((p = ring_pred(rg, 0)) == NULL)
		return (1);
	return (nodeid_in(k, p, &rg->rg_self));
}

uint32_t
ring_share_ppb(const struct ring *rg)
{
	const struct nodeid *p;

	if ((p = ring_pred(rg, 0)) == NULL)
		return (1000000000);
	return (nodeid_share_ppb(p, &rg->rg_self));
}

const struct nodeid *
ring_next_hop(const struct ring *rg, const struct nodeid *k)
{
	size_t		 i;
	int		 found;

	if (rg->rg_npeers == 0)
		return (NULL);
	/* The last peer before k or at it; without one the first after k. */
	i = ring_pos(rg, k, &found);
	if (found)
		return (&rg->rg_peer[i]);
	return (&rg->rg_peer[i > 0 ? i - 1 : 0]);
}

void
ring_finger_start(const struct ring *rg, unsigned i, struct nodeid *start)
{
	struct nodeid	 step;

	nodeid_pow2(128 - i, &step);
	nodeid_add(&rg->rg_self, &step, start);
}

int
ring_finger_covers(const struct ring *rg, unsigned i, const struct nodeid *id)
{
	struct nodeid	 start, len, off;

	ring_finger_start(rg, i, &start);
	nodeid_pow2(128 - i, &len);
	nodeid_sub(id, &start, &off);
	return (nodeid_cmp(&off, &len) < 0);
}

const struct nodeid *
ring_finger(const struct ring *rg, unsigned i)
{
	struct nodeid	 start;
	size_t		 n;
	int		 found;

	ring_finger_start(rg, i, &start);
	n = ring_pos(rg, &start, &found);
	if (n == rg->rg_npeers || !ring_finger_covers(rg, i, &rg->rg_peer[n]))
		return (NULL);
	return (&rg->rg_peer[n]);
}

int
ring_is_finger(const struct ring *rg, const struct nodeid *id)
{
	const struct nodeid *f;
	unsigned	 i;

	for (i = 1; i <= RING_FINGERS; i++) {
		if ((f = ring_finger(rg, i)) != NULL && nodeid_eq(f, id))
			return (1);
	}
	return (0);
}

int
ring_finger_open(const struct ring *rg, unsigned i)
{
	const struct nodeid *last;
	struct nodeid	 end, step;

	/* Fewer peers than places: every node of the ring is known. */
	if (rg->rg_npeers <= RING_NEIGHBOURS)
		return (0);
	last = ring_succ(rg, RING_NEIGHBOURS - 1);
	ring_finger_start(rg, i, &end);
	nodeid_pow2(128 - i, &step);
	nodeid_add(&end, &step, &end);
	return (nodeid_dist_cmp(&rg->rg_self, &end, last) > 0 || i == 1);
}
