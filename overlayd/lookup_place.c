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
 * core: one place of a look-up: which nodes around it are known and who is asked
 * next (vipr-kind(7), Reading).
 *
 * Every route to a resource ends with the node before its root: if that one
 * drops, no other first hop helps.  But the nodes before a place know their
 * successors, are linked to them, and are found as the roots of other points; so
 * one of them, a guide, is asked by RouteQuery whom it knows behind the place, and
 * these, the holders, are asked through it.
 */

#include <string.h>

#include "lookup_int.h"

#define NEAR_GAPS	8	/* who is farther from a place knows nothing of it */
#define LIKELY_HALVES	3	/* half gaps: who is nearer has one, by 4 to 1 */
#define BEYOND_GAPS	5	/* a guide is first asked up to here behind it */
#define HOLDER_TRIES	4	/* requests to one holder */
#define GONE_TRIES	2	/* without an answer: perhaps there is no such node */
#define DROPS_MAX	2	/* losses, then a guide is let be */
#define GUIDE_TRIES	6	/* requests to one guide */
#define WAVES_TOLD	5	/* guides are believed in the first waves */

static uint64_t	 gap_of(const struct lookup *);
static int	 is_near(const struct lookup *, uint64_t);
static void	 point_at(const struct nodeid *, uint64_t, int, struct nodeid *);
static int	 path_add(const struct lookup_path *, const struct nodeid *,
		    struct lookup_path *);
static struct lookup_holder *place_holder(struct lookup *, struct lookup_place *,
		    const struct nodeid *, const struct lookup_path *, int);
static int	 holder_gone(const struct lookup_holder *);
static struct lookup_guide *place_guide_find(struct lookup_place *,
		    const struct nodeid *);
static struct lookup_guide *place_guide(struct lookup *, struct lookup_place *,
		    const struct nodeid *, const struct lookup_path *);
static void	 place_known(struct lookup *, struct lookup_place *);
static int	 place_ask_holder(struct lookup *, struct lookup_place *,
		    struct lookup_holder *, int);
static int	 place_ask_guide(struct lookup *, struct lookup_place *,
		    struct lookup_guide *);
static int	 place_done(const struct lookup_place *);
static int	 place_next(struct lookup *, struct lookup_place *);
static void	 place_go_on(struct lookup *, struct lookup_place *);
static void	 place_who(struct lookup_ask *, const struct nodeid *);
static void	 place_values(struct lookup_ask *, const struct node_resp *);
static void	 place_sure(struct lookup_place *, const struct nodeid *, size_t);
static void	 place_down(struct lookup_guide *, const struct nodeid *);
static void	 place_behind(struct lookup *, struct lookup_place *, const struct nodeid *,
		    const struct lookup_path *);
static void	 place_named(struct lookup_ask *, const struct node_resp *);

/* -- the nodes around a place -- */

/* So that NEAR_GAPS of them are not more than half the ring. */
static uint64_t
gap_of(const struct lookup *lu)
{
	uint64_t	 gap = detour_gap(lu->lu_node), max = UINT64_MAX / (2 * NEAR_GAPS);

	return (gap < max ? gap : max);
}

static int
is_near(const struct lookup *lu, uint64_t distance)
{
	return (distance <= NEAR_GAPS * gap_of(lu));
}

/* The point so far behind (back: before) id. */
static void
point_at(const struct nodeid *id, uint64_t distance, int back, struct nodeid *point)
{
	struct nodeid	 off;
	size_t		 i;

	memset(&off, 0, sizeof(off));
	for (i = 0; i < 8; i++)
		off.id_b[i] = (uint8_t)(distance >> (56 - 8 * i));
	if (back)
		nodeid_sub(id, &off, point);
	else
		nodeid_add(id, &off, point);
}

/* A path one node longer; -1: too long. */
static int
path_add(const struct lookup_path *from, const struct nodeid *id, struct lookup_path *to)
{
	*to = *from;
	if (to->pa_n > 0 && nodeid_eq(&to->pa_id[to->pa_n - 1], id))
		return (0);
	if (to->pa_n == LOOKUP_PATH)
		return (-1);
	to->pa_id[to->pa_n++] = *id;
	return (0);
}

/*
 * Keep a node if it is among the nearest behind the place.  Who signs an answer
 * cannot be nearer than he is: Node-IDs are certified.  One that is only named
 * by a guide has to answer before it counts.
 */
static struct lookup_holder *
place_holder(struct lookup *lu, struct lookup_place *lp, const struct nodeid *id,
    const struct lookup_path *path, int root)
{
	struct lookup_holder *lh;
	size_t		 i;

	/* Who answered for the place was looked at already, by route.c. */
	if (!root && !is_near(lu, detour_distance(&lp->lp_resource, id)))
		return (NULL);
	for (i = 0; i < lp->lp_nholders; i++) {
		lh = &lp->lp_holder[i];
		if (nodeid_eq(&lh->lh_id, id))
			return (lh);
		if (nodeid_dist_cmp(&lp->lp_resource, id, &lh->lh_id) < 0)
			break;
	}
	if (i == LOOKUP_HOLDERS)
		return (NULL);
	if (lp->lp_sure > i)
		lp->lp_sure = i == 0 ? 0 : 1;
	if (lp->lp_nholders == LOOKUP_HOLDERS)
		lp->lp_nholders--;
	lh = &lp->lp_holder[i];
	memmove(lh + 1, lh, (lp->lp_nholders - i) * sizeof(*lh));
	lp->lp_nholders++;
	memset(lh, 0, sizeof(*lh));
	lh->lh_id = *id;
	lh->lh_path = *path;
	if (nodeid_eq(id, &lu->lu_node->n_self))
		lh->lh_path.pa_n = 0;
	return (lh);
}

/* One that only a guide has seen: its place in the order is another's. */
static int
holder_gone(const struct lookup_holder *lh)
{
	return (!lh->lh_answered && !lh->lh_fresh && lh->lh_tries >= GONE_TRIES);
}

static struct lookup_guide *
place_guide_find(struct lookup_place *lp, const struct nodeid *id)
{
	size_t		 i;

	for (i = 0; i < lp->lp_nguides; i++) {
		if (nodeid_eq(&lp->lp_guide[i].lg_id, id))
			return (&lp->lp_guide[i]);
	}
	return (NULL);
}

static struct lookup_guide *
place_guide(struct lookup *lu, struct lookup_place *lp, const struct nodeid *id,
    const struct lookup_path *path)
{
	struct lookup_guide *lg;

	if (!is_near(lu, detour_distance(id, &lp->lp_resource)))
		return (NULL);
	if ((lg = place_guide_find(lp, id)) != NULL) {
		if (lg->lg_silent) {
			lg->lg_path = *path;
			lg->lg_silent = 0;
		}
		return (lg);
	}
	if (lp->lp_nguides == LOOKUP_GUIDES)
		return (NULL);
	lg = &lp->lp_guide[lp->lp_nguides++];
	memset(lg, 0, sizeof(*lg));
	lg->lg_id = *id;
	lg->lg_path = *path;
	/* Of the root only the way there is of interest. */
	point_at(&lp->lp_resource, lu->lu_root ? 0 : BEYOND_GAPS * gap_of(lu), 0,
	    &lg->lg_point);
	return (lg);
}

/* Some of our own peers may be near it: these are no farther than a link. */
static void
place_known(struct lookup *lu, struct lookup_place *lp)
{
	const struct ring *rg = &lu->lu_node->n_ring;
	const struct lookup_path none = { .pa_n = 0 };
	uint64_t	 behind, before;
	size_t		 i;

	lp->lp_known = 1;
	for (i = 0; i < rg->rg_npeers; i++) {
		behind = detour_distance(&lp->lp_resource, &rg->rg_peer[i]);
		before = detour_distance(&rg->rg_peer[i], &lp->lp_resource);
		if (behind <= before)
			(void)place_holder(lu, lp, &rg->rg_peer[i], &none, 0);
		else if (lp->lp_nguides < LOOKUP_GUIDES / 2)
			(void)place_guide(lu, lp, &rg->rg_peer[i], &none);
	}
}

/*
 * Who is neither named as the root nor as a neighbour of it counts if he stands
 * so near that he most likely has a copy.
 */
unsigned
place_witnesses(const struct lookup *lu, const struct lookup_place *lp)
{
	const struct lookup_holder *lh;
	size_t		 i;
	unsigned	 count = 0;

	for (i = 0; i < lp->lp_nholders && i < LOOKUP_REPLICAS; i++) {
		lh = &lp->lp_holder[i];
		if (lh->lh_answered && (i < lp->lp_sure ||
		    detour_distance(&lp->lp_resource, &lh->lh_id) <=
		    gap_of(lu) / 2 * LIKELY_HALVES))
			count++;
	}
	return (count);
}

/* Have all who should have a copy been asked, as far as we were told? */
static int
place_done(const struct lookup_place *lp)
{
	size_t		 i;

	for (i = 0; i < lp->lp_sure && i < lp->lp_nholders; i++) {
		if (lp->lp_sure < LOOKUP_REPLICAS || !lp->lp_holder[i].lh_answered)
			return (0);
	}
	/* The third one may stand farther away than was asked for. */
	return (i + 1 >= LOOKUP_REPLICAS);
}

/* -- asking -- */

/* First by the path on which we heard of it, later by another. */
static int
place_ask_holder(struct lookup *lu, struct lookup_place *lp, struct lookup_holder *lh,
    int other)
{
	lh->lh_tries++;
	lh->lh_fresh = 0;
	return (ask_start(lu, lp, ASK_HOLDER, &lh->lh_id, other ? NULL : &lh->lh_path,
	    NULL));
}

static int
place_ask_guide(struct lookup *lu, struct lookup_place *lp, struct lookup_guide *lg)
{
	lg->lg_tries++;
	if (ask_start(lu, lp, ASK_GUIDE, &lg->lg_id, &lg->lg_path,
	    &lg->lg_point) == -1)
		return (-1);
	lg->lg_busy = 1;
	return (0);
}

/* The best of what is known and has not been asked: 0 or -1, there is none. */
static int
place_next(struct lookup *lu, struct lookup_place *lp)
{
	struct lookup_holder *lh;
	struct lookup_guide *lg, *best = NULL;
	size_t		 i, count = 0;

	for (i = 0; i < lp->lp_nholders && count < LOOKUP_REPLICAS; i++) {
		lh = &lp->lp_holder[i];
		count += !holder_gone(lh);
		if (!lh->lh_answered && (lh->lh_tries == 0 || lh->lh_fresh))
			return (place_ask_holder(lu, lp, lh, 0));
	}
	/* The guide that is nearest before the place. */
	for (i = 0; i < lp->lp_nguides && !place_done(lp); i++) {
		lg = &lp->lp_guide[i];
		if (!lg->lg_over && !lg->lg_busy && !lg->lg_silent &&
		    lg->lg_tries < GUIDE_TRIES && lg->lg_drops < DROPS_MAX &&
		    (best == NULL || nodeid_in(&lg->lg_id, &best->lg_id, &lp->lp_resource)))
			best = lg;
	}
	if (best != NULL)
		return (place_ask_guide(lu, lp, best));
	return (-1);
}

static void
place_go_on(struct lookup *lu, struct lookup_place *lp)
{
	if (!lp->lp_hit || lu->lu_root)
		(void)place_next(lu, lp);
}

int
place_first(struct lookup *lu, struct lookup_place *lp)
{
	return (ask_start(lu, lp, ASK_FIRST, &lp->lp_resource, NULL, NULL));
}

int
place_more(struct lookup *lu, struct lookup_place *lp)
{
	struct node	*n = lu->lu_node;
	struct lookup_holder *lh;
	struct nodeid	 to;
	uint64_t	 gap = gap_of(lu);
	unsigned	 far;
	size_t		 i, count = 0;

	/* A client sees too little of the ring for anything else. */
	if (n->n_join != JOIN_DONE)
		return (ask_start(lu, lp, ASK_PLACE, &lp->lp_resource, NULL, NULL));
	if (!lp->lp_known)
		place_known(lu, lp);
	if (place_next(lu, lp) == 0 || (place_done(lp) && lu->lu_wave < WAVES_TOLD))
		return (0);
	for (i = 0; i < lp->lp_nholders && count < LOOKUP_REPLICAS; i++) {
		lh = &lp->lp_holder[i];
		count += !holder_gone(lh);
		if (!lh->lh_answered && lh->lh_tries < GONE_TRIES)
			return (place_ask_holder(lu, lp, lh, 1));
	}
	if (!(lp->lp_sure > 0 && lp->lp_holder[0].lh_answered) &&
	    node_rand(n, 1 + lu->lu_wave) == 0)
		return (ask_start(lu, lp, ASK_PLACE, &lp->lp_resource, NULL, NULL));
	/* A point some gaps before it, farther away with each wave. */
	far = lu->lu_wave + 2 < NEAR_GAPS ? lu->lu_wave + 2 : NEAR_GAPS - 1;
	point_at(&lp->lp_resource, gap / 4 + gap / 1024 * node_rand(n, 1024 * far), 1, &to);
	return (ask_start(lu, lp, ASK_WHO, &to, NULL, NULL));
}

/* -- answers -- */

void
place_answer(struct lookup_ask *la, const struct node_resp *resp)
{
	switch (la->la_type) {
	case ASK_WHO:
		place_who(la, &resp->nr_signer->ng_node);
		break;
	case ASK_GUIDE:
		place_named(la, resp);
		break;
	case ASK_FIRST:
	case ASK_PLACE:
	case ASK_HOLDER:
		place_values(la, resp);
		break;
	}
}

void
place_silent(struct lookup_ask *la)
{
	struct lookup_place *lp = la->la_place;
	struct lookup_guide *lg;

	if (la->la_type == ASK_GUIDE && (lg = place_guide_find(lp, &la->la_to)) != NULL) {
		lg->lg_busy = 0;
		lg->lg_silent = 1;
	}
	if (la->la_path.pa_n > 0 && (lg = place_guide_find(lp,
	    &la->la_path.pa_id[la->la_path.pa_n - 1])) != NULL)
		lg->lg_drops++;
}

/* The root of a point before the place: a guide, or the place's root as well. */
static void
place_who(struct lookup_ask *la, const struct nodeid *id)
{
	struct lookup	*lu = la->la_lookup;
	struct lookup_place *lp = la->la_place;

	if (nodeid_in(id, &la->la_to, &lp->lp_resource) &&
	    !nodeid_eq(id, &lp->lp_resource)) {
		(void)place_guide(lu, lp, id, &la->la_path);
	} else {
		(void)place_holder(lu, lp, id, &la->la_path, 1);
		place_sure(lp, id, 1);
	}
	place_go_on(lu, lp);
}

static void
place_values(struct lookup_ask *la, const struct node_resp *resp)
{
	struct lookup	*lu = la->la_lookup;
	struct lookup_place *lp = la->la_place;
	struct lookup_holder *lh;
	int		 shown;

	lh = place_holder(lu, lp, &resp->nr_signer->ng_node, &la->la_path,
	    la->la_type != ASK_HOLDER);
	if ((shown = lookup_values(lu, lp, resp)) == -1) {
		lookup_doubt(lu);
		return;
	}
	if (lh != NULL) {
		lh->lh_answered = 1;
		lh->lh_path = la->la_path;
	}
	if (la->la_type != ASK_HOLDER)
		place_sure(lp, &resp->nr_signer->ng_node, 1);
	if (shown > 0)
		lp->lp_hit = 1;
	else if (lh != NULL)
		lp->lp_empty = 1;
	/* One of the two does not tell what it has, or has it not yet. */
	if (lp->lp_hit && lp->lp_empty)
		lookup_doubt(lu);
	if (la->la_type == ASK_HOLDER)
		place_go_on(lu, lp);
}

/*
 * A guide has named the last node up to a point that it knows, or, when it knows
 * none, its successor.  Asked again and again for what is before the one it has
 * named, it names all its neighbours behind the place, from the far end, then
 * those before the place, and stops at its successor.  If that one is behind
 * the place it is the root.
 */
static void
place_named(struct lookup_ask *la, const struct node_resp *resp)
{
	struct lookup	*lu = la->la_lookup;
	struct lookup_place *lp = la->la_place;
	struct lookup_guide *lg;
	struct lookup_path path;
	struct wire_error we;
	struct nodeid	 id;
	const uint8_t	*p;

	if ((lg = place_guide_find(lp, &la->la_to)) == NULL)
		return;
	lg->lg_busy = 0;
	if (wire_routequeryans_parse(&resp->nr_contents->wc_body, &p, &we) == -1) {
		lg->lg_over = 1;
		lookup_doubt(lu);
		return;
	}
	memcpy(id.id_b, p, NODEID_LEN);
	if (path_add(&lg->lg_path, &lg->lg_id, &path) == -1 ||
	    nodeid_eq(&id, &lg->lg_id) ||
	    (lg->lg_named && nodeid_eq(&id, &lg->lg_last))) {
		lg->lg_over = 1;
		if (lg->lg_named)
			place_sure(lp, &id, LOOKUP_REPLICAS);
	} else if (nodeid_in(&id, &lg->lg_id, &lp->lp_resource)) {
		(void)place_guide(lu, lp, &id, &path);
		place_down(lg, &id);
	} else {
		place_behind(lu, lp, &id, &path);
		if (!lg->lg_named && (nodeid_eq(&lg->lg_point, &lp->lp_resource) ||
		    nodeid_in(&lg->lg_point, &lp->lp_resource, &id))) {
			/* Its successor, which is beyond the point. */
			place_sure(lp, &id, 1);
			lg->lg_over = lu->lu_root;
			point_at(&id, BEYOND_GAPS * gap_of(lu), 0, &lg->lg_point);
		} else
			place_down(lg, &id);
	}
	place_go_on(lu, lp);
}

/* From here on it is asked what is before id. */
static void
place_down(struct lookup_guide *lg, const struct nodeid *id)
{
	struct nodeid	 one;

	nodeid_pow2(0, &one);
	nodeid_sub(id, &one, &lg->lg_point);
	lg->lg_last = *id;
	lg->lg_named = 1;
}

static void
place_behind(struct lookup *lu, struct lookup_place *lp, const struct nodeid *id,
    const struct lookup_path *path)
{
	struct lookup_holder *lh;

	lh = place_holder(lu, lp, id, path, 0);
	if (lh != NULL && !lh->lh_answered && lh->lh_tries > 0 &&
	    lh->lh_tries < HOLDER_TRIES) {
		lh->lh_path = *path;
		lh->lh_fresh = 1;
	}
}

/* We were told that id is the root, and know the first count holders then. */
static void
place_sure(struct lookup_place *lp, const struct nodeid *id, size_t count)
{
	if (lp->lp_nholders > 0 && nodeid_eq(id, &lp->lp_holder[0].lh_id) &&
	    lp->lp_sure < count)
		lp->lp_sure = count;
}
