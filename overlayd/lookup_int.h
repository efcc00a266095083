/* SPDX-License-Identifier: ISC */
/*
 * core: what the parts of a look-up share: lookup.c (when is it enough, values),
 * lookup_place.c (who is asked next, nodes around one place) and lookup_ask.c
 * (requests and their routes).
 */
#ifndef LOOKUP_INT_H
#define LOOKUP_INT_H

#include "lookup.h"
#include "regist.h"

#define LOOKUP_HOLDERS	8	/* nearest nodes behind a place that we know of */
#define LOOKUP_REPLICAS	3	/* the first so many of them should have a copy */
#define LOOKUP_GUIDES	6	/* nodes before a place that we know of */
#define LOOKUP_SEEN_MAX	512	/* values verified in one look-up */
#define LOOKUP_ROUTE_MS	2500	/* a route that is silent so long is doubted */

enum ask_type {
	ASK_FIRST = 1,		/* Fetch, addressed to the place, ordinary route */
	ASK_PLACE = 2,		/* the same by another route */
	ASK_HOLDER = 3,		/* Fetch, addressed to a node behind the place */
	ASK_WHO = 4,		/* Ping a point before it: who is there? */
	ASK_GUIDE = 5		/* RouteQuery: whom do you know behind it? */
};

struct lookup;

struct lookup_holder {		/* behind a place */
	struct nodeid	 lh_id;
	struct lookup_path lh_path;	/* one that should lead there */
	unsigned	 lh_tries;
	int		 lh_fresh;	/* the path is new */
	int		 lh_answered;
};

struct lookup_guide {		/* before a place */
	struct nodeid	 lg_id;
	struct lookup_path lg_path;
	struct nodeid	 lg_point;	/* the last one up to here is asked for */
	struct nodeid	 lg_last;	/* the last one that it named */
	int		 lg_named;	/* there is one */
	unsigned	 lg_tries;
	int		 lg_busy;	/* a request is under way */
	int		 lg_over;	/* it has nobody more to name */
	int		 lg_silent;	/* did not answer by that path */
	unsigned	 lg_drops;	/* what went through it and was lost */
};

struct lookup_place {
	struct nodeid	 lp_resource;
	struct lookup_holder lp_holder[LOOKUP_HOLDERS];	/* nearest first */
	size_t		 lp_nholders;
	struct lookup_guide lp_guide[LOOKUP_GUIDES];
	size_t		 lp_nguides;
	int		 lp_known;	/* our own peers are in there */
	size_t		 lp_sure;	/* so many of the first holders are the right ones */
	int		 lp_hit;	/* somebody showed an entry */
	int		 lp_own;	/* ours among them */
	int		 lp_empty;	/* a holder showed none */
};

struct lookup_ask {		/* a request; kept until the look-up ends */
	TAILQ_ENTRY(lookup_ask) la_entry;
	struct lookup	*la_lookup;
	struct lookup_place *la_place;
	enum ask_type	 la_type;
	uint64_t	 la_tid;	/* 0: over */
	uint64_t	 la_at;
	int		 la_late;	/* was counted as silent */
	int		 la_good;	/* answered: its route works */
	struct nodeid	 la_hop;	/* first hop */
	struct lookup_path la_path;
	struct nodeid	 la_to;
	struct nodeid	 la_point;	/* of ASK_GUIDE */
};
TAILQ_HEAD(lookup_asks, lookup_ask);

struct lookup_key {
	uint8_t		 lk_key[REGIST_KEY_LEN];
	struct nodeid	 lk_node;
	uint64_t	 lk_time;
	int		 lk_exists;
};

struct lookup {
	TAILQ_ENTRY(lookup) lu_entry;
	struct node	*lu_node;
	struct ntimer	 lu_timer;
	uint64_t	 lu_start, lu_waveat;
	unsigned	 lu_wave;
	unsigned	 lu_from, lu_to;	/* the places that are asked */
	int		 lu_root;	/* for its root only */
	struct lookup_place lu_place[REGIST_COPIES];
	struct lookup_asks lu_asks;
	unsigned	 lu_open;	/* not over */
	unsigned	 lu_young;	/* of these, not late */
	unsigned	 lu_requests, lu_max;
	unsigned	 lu_doubts;
	unsigned	 lu_limited;
	uint64_t	 lu_owntime;
	size_t		 lu_nkeys;
	struct lookup_key lu_key[LOOKUP_ENTRIES_MAX];
	size_t		 lu_nseen;
	uint8_t		 lu_seen[LOOKUP_SEEN_MAX][16];	/* verified, and good */
	lookup_done	 lu_done;
	void		*lu_arg;
};

/* -- lookup.c -- */

void		 lookup_doubt(struct lookup *);
/* An ask is over: see what to do next.  May free the look-up. */
void		 lookup_next(struct lookup *);
/* Take the values of a FetchAns.  The number of live entries that it shows
 * besides removals; -1: malformed. */
int		 lookup_values(struct lookup *, struct lookup_place *,
		    const struct node_resp *);

/* -- lookup_place.c -- */

/* The ordinary request.  0 or -1. */
int		 place_first(struct lookup *, struct lookup_place *);
/* One more request by another route, which one depends on what is known. */
int		 place_more(struct lookup *, struct lookup_place *);
/* A good answer to an ask. */
void		 place_answer(struct lookup_ask *, const struct node_resp *);
/* An ask of a guide or holder that brought nothing. */
void		 place_silent(struct lookup_ask *);
/* Nodes that should have a copy, and answered. */
unsigned	 place_witnesses(const struct lookup *, const struct lookup_place *);

/* -- lookup_ask.c -- */

/* Ask to, by path or, if that is NULL, by a new route; point: of ASK_GUIDE.
 * 0, or -1: not now, or no more. */
int		 ask_start(struct lookup *, struct lookup_place *, enum ask_type,
		    const struct nodeid *to, const struct lookup_path *path,
		    const struct nodeid *point);
void		 ask_free(struct lookup_ask *);
/* Asks that have been silent for long are given up, first ones are doubted. */
void		 ask_expire(struct lookup *);

#endif
