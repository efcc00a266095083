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
 * core: what others may cost us.  Each signer has a rate for each sort of
 * request, for errors and for names of nodes that turn out not to be there; we
 * connect to addresses that strangers name at a rate of our own, and not again
 * and again to one that is not there.  What is above its rate is dropped without
 * an answer: whoever means well repeats it after some seconds.
 *
 * A bucket is kept as the moment up to which it has been used ahead of time.
 * There is one for each signer and previous hop: whoever forwards a message could
 * send it again and again, and use up what its signer may ask.
 */

#include <stdlib.h>
#include <string.h>

#include "node.h"

#define SIGNERS_MAX	1024
#define MUTED_MAX	32	/* certificates whose signers are over a rate */
#define MUTED_LEN	16	/* of the digest */
#define ADDRS_MAX	32
#define ADDR_TRIES	3	/* in vain, */
#define ADDR_MS		60000	/* within so long */
#define CONNECT_STEP_MS	50	/* connections on others' word: 20 a second, */
#define CONNECT_BURST	64
#define CONNECT_MAX	64	/* and so many under way */

struct limit_signer {
	RB_ENTRY(limit_signer) ls_entry;
	TAILQ_ENTRY(limit_signer) ls_age;
	struct nodeid	 ls_id, ls_from;
	uint64_t	 ls_used[LIMIT_CLASSES];	/* up to that moment, ms */
};
RB_HEAD(limit_signers, limit_signer);

struct limit_addr {
	struct vaddr	 la_addr;
	unsigned	 la_fails;
	uint64_t	 la_until;
};

struct limits {
	struct limit_signers li_signers;
	TAILQ_HEAD(, limit_signer) li_age;	/* longest unused first */
	size_t		 li_nsigners;
	struct {
		uint8_t		 digest[MUTED_LEN];
		struct nodeid	 from;
		enum limit_class class;
		uint64_t	 until;
	}		 li_muted[MUTED_MAX];
	unsigned	 li_nextmuted;
	struct limit_addr li_addr[ADDRS_MAX];
	uint64_t	 li_connects;	/* used up to that moment, ms */
};

static int	 limit_signer_cmp(const struct limit_signer *, const struct limit_signer *);
static enum limit_class limit_class(uint16_t);
static struct limit_signer *limit_signer_find(const struct node *, const struct nodeid *,
		    const struct nodeid *);
static struct limit_signer *limit_signer_get(struct node *, const struct nodeid *,
		    const struct nodeid *);
static void	 limit_signer_free(struct limits *, struct limit_signer *);
static uint64_t	 limit_used(struct node *, const struct nodeid *, const struct nodeid *,
		    enum limit_class);
static void	 limit_mute(struct node *, const struct node_signer *,
		    const struct nodeid *, enum limit_class, uint64_t);

RB_PROTOTYPE(limit_signers, limit_signer, ls_entry, limit_signer_cmp)
RB_GENERATE(limit_signers, limit_signer, ls_entry, limit_signer_cmp)

/* One in so many ms, and how many at once. */
static const struct {
	uint64_t	 step;
	uint64_t	 burst;
} rates[LIMIT_CLASSES] = {
	[LIMIT_READ] = { 0, 0 },	/* data_fetch_allow */
	[LIMIT_ASK] = { 20, 200 },
	[LIMIT_ATTACH] = { 500, 20 },
	[LIMIT_JOIN] = { 10000, 6 },
	[LIMIT_UPDATE] = { 100, 100 },
	[LIMIT_CONFIG] = { 10000, 8 },
	[LIMIT_STORE] = { 2, 5000 },
	[LIMIT_COPY] = { 1, 20000 },
	[LIMIT_ERROR] = { 50, 100 },
	[LIMIT_FALSE] = { 5000, 12 }
};

static int
limit_signer_cmp(const struct limit_signer *a, const struct limit_signer *b)
{
	int		 c = nodeid_cmp(&a->ls_id, &b->ls_id);

	return (c != 0 ? c : nodeid_cmp(&a->ls_from, &b->ls_from));
}

int
limit_init(struct node *n)
{
	if ((n->n_limits = calloc(1, sizeof(*n->n_limits))) == NULL)
		return (-1);
	RB_INIT(&n->n_limits->li_signers);
	TAILQ_INIT(&n->n_limits->li_age);
	return (0);
}

void
limit_clear(struct node *n)
{
	struct limit_signer *ls;

	if (n->n_limits == NULL)
		return;
	while ((ls = TAILQ_FIRST(&n->n_limits->li_age)) != NULL)
		limit_signer_free(n->n_limits, ls);
	free(n->n_limits);
	n->n_limits = NULL;
}

/* -- signers -- */

static enum limit_class
limit_class(uint16_t code)
{
	switch (code) {
	case WIRE_FETCH:
	case WIRE_STAT:
		return (LIMIT_READ);
	case WIRE_ATTACH:
		return (LIMIT_ATTACH);
	case WIRE_JOIN:
	case WIRE_LEAVE:
		return (LIMIT_JOIN);
	case WIRE_UPDATE:
		return (LIMIT_UPDATE);
	case WIRE_CONFIGUPDATE:
		return (LIMIT_CONFIG);
	case WIRE_STORE:
		return (LIMIT_STORE);
	default:
		return (LIMIT_ASK);
	}
}

static struct limit_signer *
limit_signer_find(const struct node *n, const struct nodeid *id,
    const struct nodeid *from)
{
	struct limit_signer key;

	key.ls_id = *id;
	key.ls_from = *from;
	return (RB_FIND(limit_signers, &n->n_limits->li_signers, &key));
}

static void
limit_signer_free(struct limits *li, struct limit_signer *ls)
{
	RB_REMOVE(limit_signers, &li->li_signers, ls);
	TAILQ_REMOVE(&li->li_age, ls, ls_age);
	li->li_nsigners--;
	free(ls);
}

static struct limit_signer *
limit_signer_get(struct node *n, const struct nodeid *id, const struct nodeid *from)
{
	struct limits	*li = n->n_limits;
	struct limit_signer *ls;

	if ((ls = limit_signer_find(n, id, from)) != NULL) {
		TAILQ_REMOVE(&li->li_age, ls, ls_age);
		TAILQ_INSERT_TAIL(&li->li_age, ls, ls_age);
		return (ls);
	}
	if (li->li_nsigners >= SIGNERS_MAX)
		limit_signer_free(li, TAILQ_FIRST(&li->li_age));
	if ((ls = calloc(1, sizeof(*ls))) == NULL)
		return (NULL);
	ls->ls_id = *id;
	ls->ls_from = *from;
	RB_INSERT(limit_signers, &li->li_signers, ls);
	TAILQ_INSERT_TAIL(&li->li_age, ls, ls_age);
	li->li_nsigners++;
	return (ls);
}

void
limit_expire(struct node *n)
{
	struct limit_signer *ls, *nls;
	size_t		 i;

	TAILQ_FOREACH_SAFE(ls, &n->n_limits->li_age, ls_age, nls) {
		for (i = 0; i < LIMIT_CLASSES && ls->ls_used[i] <= n->n_mono; i++)
			continue;
		if (i == LIMIT_CLASSES)
			limit_signer_free(n->n_limits, ls);
	}
}

size_t
limit_count(const struct node *n)
{
	return (n->n_limits->li_nsigners);
}

/* Take one.  0, or the ms until there is one. */
static uint64_t
limit_used(struct node *n, const struct nodeid *id, const struct nodeid *from,
    enum limit_class class)
{
	struct limit_signer *ls;
	uint64_t	 ahead, max = rates[class].step * rates[class].burst;

	if (max == 0 || nodeid_eq(id, &n->n_self) ||
	    (ls = limit_signer_get(n, id, from)) == NULL)
		return (0);
	ahead = ls->ls_used[class] > n->n_mono ? ls->ls_used[class] - n->n_mono : 0;
	if (ahead + rates[class].step > max)
		return (ahead + rates[class].step - max);
	ls->ls_used[class] = n->n_mono + ahead + rates[class].step;
	return (0);
}

/* Its requests of that class are not even verified for so long. */
static void
limit_mute(struct node *n, const struct node_signer *ng, const struct nodeid *from,
    enum limit_class class, uint64_t ms)
{
	struct limits	*li = n->n_limits;
	unsigned	 i = li->li_nextmuted++ % MUTED_MAX;

	memcpy(li->li_muted[i].digest, ng->ng_sha256, MUTED_LEN);
	li->li_muted[i].from = *from;
	li->li_muted[i].class = class;
	li->li_muted[i].until = n->n_mono + ms;
}

int
limit_muted(struct node *n, struct span digest, const struct nodeid *from, uint16_t code)
{
	const struct limits *li = n->n_limits;
	enum limit_class class = limit_class(code);
	size_t		 i;

	if (digest.len < MUTED_LEN)
		return (0);
	for (i = 0; i < MUTED_MAX; i++) {
		if (li->li_muted[i].until > n->n_mono && li->li_muted[i].class == class &&
		    memcmp(li->li_muted[i].digest, digest.p, MUTED_LEN) == 0 &&
		    nodeid_eq(&li->li_muted[i].from, from)) {
			n->n_stats.ns_muted++;
			return (1);
		}
	}
	return (0);
}

int
limit_allow(struct node *n, const struct node_signer *ng, const struct nodeid *from,
    uint16_t code)
{
	enum limit_class class = limit_class(code);
	int		 near;
	uint64_t	 ms;

	/* The replica set and the admitting peer may have much to copy. */
	near = ring_is_neighbour(&n->n_ring, &ng->ng_node) || (n->n_join != JOIN_DONE &&
	    nodeid_eq(&ng->ng_node, &n->n_ap));
	if ((ms = limit_used(n, &ng->ng_node, from, near && class == LIMIT_STORE ?
	    LIMIT_COPY : class)) == 0)
		return (1);
	n->n_stats.ns_overrate++;
	limit_mute(n, ng, from, class, ms);
	return (0);
}

int
limit_error(struct node *n, const struct node_signer *ng, const struct nodeid *from,
    uint16_t code)
{
	uint64_t	 ms;

	if ((ms = limit_used(n, &ng->ng_node, from, LIMIT_ERROR)) == 0)
		return (1);
	n->n_stats.ns_overrate++;
	limit_mute(n, ng, from, limit_class(code), ms);
	return (0);
}

void
limit_false(struct node *n, const struct nodeid *id)
{
	(void)limit_used(n, id, id, LIMIT_FALSE);
}

int
limit_trusted(const struct node *n, const struct nodeid *id)
{
	const struct limit_signer *ls = limit_signer_find(n, id, id);

	return (ls == NULL || ls->ls_used[LIMIT_FALSE] + rates[LIMIT_FALSE].step <=
	    n->n_mono + rates[LIMIT_FALSE].step * rates[LIMIT_FALSE].burst);
}

/* -- addresses that others name -- */

const char *
limit_connect(struct node *n, const struct vaddr *va)
{
	struct limits	*li = n->n_limits;
	struct node_link *nl;
	uint64_t	 ahead;
	size_t		 i, pending = 0;

	for (i = 0; i < ADDRS_MAX; i++) {
		if (li->li_addr[i].la_until > n->n_mono &&
		    li->li_addr[i].la_fails >= ADDR_TRIES &&
		    vaddr_eq(&li->li_addr[i].la_addr, va))
			return ("nobody was reached at that address");
	}
	RB_FOREACH(nl, node_links, &n->n_links)
		pending += nl->nl_peer == NULL && nl->nl_expected;
	if (pending >= CONNECT_MAX)
		return ("too many connections under way");
	ahead = li->li_connects > n->n_mono ? li->li_connects - n->n_mono : 0;
	if (ahead + CONNECT_STEP_MS > CONNECT_STEP_MS * CONNECT_BURST)
		return ("too many connections");
	li->li_connects = n->n_mono + ahead + CONNECT_STEP_MS;
	return (NULL);
}

void
limit_unreached(struct node *n, const struct vaddr *va)
{
	struct limit_addr *la, *old;
	size_t		 i;

	old = &n->n_limits->li_addr[0];
	for (i = 0; i < ADDRS_MAX; i++) {
		la = &n->n_limits->li_addr[i];
		if (la->la_until > n->n_mono && vaddr_eq(&la->la_addr, va)) {
			la->la_fails++;
			return;
		}
		if (la->la_until < old->la_until)
			old = la;
	}
	old->la_addr = *va;
	old->la_fails = 1;
	old->la_until = n->n_mono + ADDR_MS;
}

void
limit_reached(struct node *n, const struct vaddr *va)
{
	size_t		 i;

	for (i = 0; i < ADDRS_MAX; i++) {
		if (vaddr_eq(&n->n_limits->li_addr[i].la_addr, va))
			n->n_limits->li_addr[i].la_until = 0;
	}
}
