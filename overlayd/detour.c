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
 * core: ways around nodes that drop messages, and what an honest answer looks
 * like (vipr-kind(7), Reading).
 */

#include <string.h>

#include "lookup.h"

#define DOUBT_ONE	1000u
#define DOUBT_MANY	(2 * DOUBT_ONE)
#define DOUBT_MAX	(64 * DOUBT_ONE)
#define DOUBT_HALF_MS	600000
/*
 * A root is as many mean gaps behind its resource at most.  The gap we know is
 * that of six intervals: with random Node-IDs the true root is farther away with
 * a probability of (1 + 64/6)^-6, once in 2.5 million answers.
 */
#define CREDIBLE_GAPS	64

static int	 detour_is_used(const struct nodeid *, const struct nodeid *, size_t);
static uint32_t	 doubt_now(const struct node *);

uint64_t
detour_distance(const struct nodeid *a, const struct nodeid *b)
{
	struct nodeid	 d;
	uint64_t	 top = 0;
	size_t		 i;

	nodeid_sub(b, a, &d);
	for (i = 0; i < 8; i++)
		top = top << 8 | d.id_b[i];
	return (top);
}

uint64_t
detour_gap(const struct node *n)
{
	const struct ring *rg = &n->n_ring;
	uint64_t	 gap;
	unsigned	 i;

	if (rg->rg_npeers <= 2 * RING_NEIGHBOURS)
		return (UINT64_MAX / (rg->rg_npeers + 1));
	gap = detour_distance(ring_pred(rg, RING_NEIGHBOURS - 1),
	    ring_succ(rg, RING_NEIGHBOURS - 1)) / (2 * RING_NEIGHBOURS);
	/*
	 * All around us there may be foes, near by choice: the first finger
	 * that is not there tells how far apart nodes are elsewhere; two in
	 * a row, as one may just have been lost.
	 */
	for (i = 1; i < RING_FINGERS; i++) {
		if (ring_finger(rg, i) == NULL && ring_finger(rg, i + 1) == NULL)
			break;
	}
	if (i < RING_FINGERS && gap < UINT64_MAX >> i)
		gap = UINT64_MAX >> i;
	return (gap);
}

static int
detour_is_used(const struct nodeid *id, const struct nodeid *used, size_t nused)
{
	size_t		 i;

	for (i = 0; i < nused; i++) {
		if (nodeid_eq(id, &used[i]))
			return (1);
	}
	return (0);
}

int
detour_pick(struct node *n, const struct nodeid *target, const struct nodeid *used,
    size_t nused, struct nodeid *via)
{
	const struct ring *rg = &n->n_ring;
	const struct nodeid *id, *best = NULL;
	size_t		 i, start;
	unsigned	 found = 0;

	if (rg->rg_npeers == 0)
		return (-1);
	/* The better one of two: a shorter way meets fewer who drop. */
	for (i = 0; i < 2 * rg->rg_npeers && found < 2; i++) {
		id = &rg->rg_peer[node_rand(n, (uint32_t)rg->rg_npeers)];
		if (detour_is_used(id, used, nused) ||
		    (best != NULL && nodeid_eq(id, best)))
			continue;
		if (best == NULL ||
		    detour_distance(id, target) < detour_distance(best, target))
			best = id;
		found++;
	}
	start = node_rand(n, (uint32_t)rg->rg_npeers);
	for (i = 0; i < rg->rg_npeers && best == NULL; i++) {
		id = &rg->rg_peer[(start + i) % rg->rg_npeers];
		if (!detour_is_used(id, used, nused))
			best = id;
	}
	*via = best != NULL ? *best : rg->rg_peer[start];
	return (0);
}

/*
 * Signatures show who answered; whether that node is responsible nobody can
 * prove, but a liar on the way cannot choose its Node-ID: it is
 * - farther from the resource than one of our own neighbours, or
 * - before the resource, where messages come from, and so nearly the whole ring
 *   away clockwise, while the next nodes after a resource are a few gaps away.
 * What is left are members that happen to stand behind the resource.
 */
int
detour_credible(const struct node *n, const struct nodeid *resource,
    const struct nodeid *signer)
{
	const struct nodeid *id;
	uint64_t	 gap;
	size_t		 i;

	for (i = 0; i < 2 * RING_NEIGHBOURS; i++) {
		id = i < RING_NEIGHBOURS ? ring_succ(&n->n_ring, i) :
		    ring_pred(&n->n_ring, i - RING_NEIGHBOURS);
		if (id != NULL && nodeid_dist_cmp(resource, id, signer) < 0)
			return (0);
	}
	gap = detour_gap(n);
	return (gap > UINT64_MAX / CREDIBLE_GAPS ||
	    detour_distance(resource, signer) <= CREDIBLE_GAPS * gap);
}

static uint32_t
doubt_now(const struct node *n)
{
	uint64_t	 halves = (n->n_mono - n->n_doubt_at) / DOUBT_HALF_MS;

	return (halves > 31 ? 0 : n->n_doubt >> halves);
}

void
detour_doubt(struct node *n)
{
	uint64_t	 halves = (n->n_mono - n->n_doubt_at) / DOUBT_HALF_MS;

	n->n_doubt = doubt_now(n);
	n->n_doubt_at += halves * DOUBT_HALF_MS;
	if (n->n_doubt < DOUBT_MAX)
		n->n_doubt += DOUBT_ONE;
}

int
detour_doubted(const struct node *n)
{
	return (doubt_now(n) >= DOUBT_MANY);
}
