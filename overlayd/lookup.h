/* SPDX-License-Identifier: ISC */
/*
 * core: looking a number up, also through a ring in which one node in five
 * drops or denies (vipr-kind(7), Reading), and routes around such nodes.
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include "node.h"

#define LOOKUP_ENTRIES_MAX	256	/* keys looked at in one look-up */
#define LOOKUP_REQUESTS_MAX	150	/* requests of one look-up, */
#define LOOKUP_ROOT_MAX		24	/* and of a search for one root */
#define LOOKUP_TIME_MS		24000	/* it ends then, whatever came */

#define LOOKUP_PATH		3	/* nodes on the way that we choose */

/* Nodes that a message is made to visit, the first one a peer of ours. */
struct lookup_path {
	struct nodeid	 pa_id[LOOKUP_PATH];
	size_t		 pa_n;		/* 0: routed from here */
};

struct lookup_result {
	int		 lr_error;	/* 0 or errno: ETIMEDOUT, ENETDOWN, EAGAIN */
	struct nodeid	 lr_node[OV_LOOKUP_MAX];	/* ourselves left out */
	size_t		 lr_nodes;
	unsigned	 lr_answers;	/* places that answered, of three */
	unsigned	 lr_own;	/* places that showed our own entry */
	int		 lr_ownexists;	/* ours stands, and is not a removal */
	uint64_t	 lr_owntime;	/* newest storage_time of ours */
	unsigned	 lr_requests;	/* sent */
	unsigned	 lr_doubts;	/* silences, errors and contradictions */
	unsigned	 lr_witnesses;	/* responsible nodes that answered */
	int		 lr_rooted;	/* of lookup_root: */
	struct nodeid	 lr_root;	/* the root, */
	struct lookup_path lr_path;	/* and how it was reached */
};
typedef void (*lookup_done)(struct node *, const struct lookup_result *, void *arg);
/* done once, never from inside, at the latest after LOOKUP_TIME_MS, or from
 * node_free with ETIMEDOUT; -1: not now (ENETDOWN not joined, EAGAIN). */
int		 lookup_start(struct node *, uint64_t number, lookup_done, void *arg);
/* Look for the root of one copy's place, by other routes than the ordinary one:
 * the same, and lr_rooted when one answered. */
int		 lookup_root(struct node *, uint64_t number, unsigned copy, lookup_done,
		    void *arg);
/* End all that are under way; node_free calls it. */
void		 lookup_clear(struct node *);

/* -- detour.c -- */

/*
 * A routable peer through which target may be reached by another way, drawn at
 * random with a liking for those nearer before it; one of used is taken only
 * if there is no other.  -1: there is no peer.
 */
int		 detour_pick(struct node *, const struct nodeid *target,
		    const struct nodeid *used, size_t nused, struct nodeid *via);
/* Mean distance of two nodes, as our own neighbours stand: the first 64 bits of
 * it, UINT64_MAX when we are alone. */
uint64_t	 detour_gap(const struct node *);
/* The first 64 bits of the distance from a clockwise to b. */
uint64_t	 detour_distance(const struct nodeid *a, const struct nodeid *b);
/* May this node be responsible for that place, as far as we can tell? */
int		 detour_credible(const struct node *, const struct nodeid *resource,
		    const struct nodeid *signer);
/* Something was silent, lied or vanished: counted, and forgotten by half every
 * ten minutes. */
void		 detour_doubt(struct node *);
int		 detour_doubted(const struct node *);	/* more than usual of it */

#endif
