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
 * core: life of a node, its links and its connection table.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lookup.h"

#define RELINK_MS	1000	/* a lost neighbour is tried once more, */
#define RELINK_SPREAD	2000	/* from one to three seconds later */
#define EVICT_MS	5000	/* a link that was used since then stays */
#define PRUNE_MS	30000	/* age of a bootstrap link that is not needed */
#define LINK_SPARE_MS	5000	/* a replaced link lives on so long */
#define CLIENT_MS	300000	/* for whoever is going to join */
#define SEVERAL_MAX	16	/* links whose Node-ID an Attach has yet to tell, */
#define SEVERAL_MS	20000	/* each for so long */
#define LATE_MS		10000	/* a timer that late: we were stopped meanwhile */
#define JUMP_MS		600000	/* UTC went so far on its own: somebody set it */
#define CACHE_TURN	4	/* of so many peers one gets into a full cache */

struct link_timer {
	struct node	*lt_node;
	uint64_t	 lt_link;
};

static int	 node_peer_cmp(const struct node_peer *, const struct node_peer *);
static int	 node_link_cmp(const struct node_link *, const struct node_link *);
static void	 link_evict(struct node *, uint64_t);
static void	 link_free(struct node *, struct node_link *);
static void	 link_spare(void *);
static void	 link_named(struct node *, struct node_link *);
static void	 link_unnamed(void *);
static void	 peer_free(struct node *, struct node_peer *);
static void	 peer_lost(struct node *, const struct nodeid *, const struct vaddr *);
static void	 node_relink(void *);
static void	 peer_unlinked(struct node *, struct node_peer *);
static struct node_link *link_new(struct node *, uint64_t);
static void	 node_prune_clients(struct node *);
static void	 node_cache_peer(struct node *, const struct vaddr *);
static void	 node_wall(struct node *, uint64_t, uint64_t);

RB_GENERATE(node_peers, node_peer, np_entry, node_peer_cmp)
RB_GENERATE(node_links, node_link, nl_entry, node_link_cmp)

static int
node_peer_cmp(const struct node_peer *a, const struct node_peer *b)
{
	return (nodeid_cmp(&a->np_id, &b->np_id));
}

static int
node_link_cmp(const struct node_link *a, const struct node_link *b)
{
	return (a->nl_id < b->nl_id ? -1 : a->nl_id > b->nl_id);
}

struct node *
node_new(const struct node_conf *nc, const struct reload_doc *doc,
    const struct node_ops *ops, void *arg, uint64_t mono, uint64_t wall)
{
	struct node	*n;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		return (NULL);
	if (limit_init(n) == -1) {
		free(n);
		return (NULL);
	}
	n->n_ops = ops;
	n->n_arg = arg;
	n->n_conf = *nc;
	n->n_doc = doc;
	n->n_self = nc->nc_self;
	n->n_mono = n->n_started = mono;
	n->n_wall = wall;
	timers_init(&n->n_timers);
	ring_init(&n->n_ring, &n->n_self);
	storage_init(&n->n_storage, ops->no_put, ops->no_get, arg);
	RB_INIT(&n->n_peers);
	RB_INIT(&n->n_links);
	TAILQ_INIT(&n->n_frags);
	TAILQ_INIT(&n->n_attaches);
	TAILQ_INIT(&n->n_jobs);
	TAILQ_INIT(&n->n_lookups);
	ntimer_set(&n->n_losttimer, node_relink, n);
	message_init(n);
	config_init(n);
	route_init(n);
	join_init(n);
	update_init(n);
	return (n);
}

void
node_free(struct node *n)
{
	struct node_link *nl;
	struct node_peer *np;

	if (n == NULL)
		return;
	ntimer_del(&n->n_timers, &n->n_losttimer);
	lookup_clear(n);
	attach_clear(n);
	repl_clear(n);
	config_clear(n);
	join_clear(n);
	update_clear(n);
	while ((nl = RB_MIN(node_links, &n->n_links)) != NULL) {
		n->n_ops->no_close(n->n_arg, nl->nl_id);
		link_free(n, nl);
	}
	while ((np = RB_MIN(node_peers, &n->n_peers)) != NULL)
		peer_free(n, np);
	message_clear(n);
	route_clear(n);
	frag_clear(n);
	via_clear(n);
	limit_clear(n);
	storage_clear(&n->n_storage);
	free(n);
}

/*
 * UTC may be set, and then the ages of what is stored must not change with it:
 * a day forward would be the end of everybody's registrations, a day back would
 * keep the dead ones.
 */
static void
node_wall(struct node *n, uint64_t elapsed, uint64_t wall)
{
	int64_t		 jump = (int64_t)(wall - (n->n_wall + elapsed));
	struct node_peer *np;

	n->n_wall = wall;
	if (jump < JUMP_MS && jump > -JUMP_MS)
		return;
	node_log(n, NODE_WARN, "the clock was set %s by %lld seconds",
	    jump > 0 ? "forward" : "back",
	    (long long)((jump > 0 ? jump : -jump) / 1000));
	n->n_stats.ns_jumps++;
	storage_shift(&n->n_storage, jump, wall);
	RB_FOREACH(np, node_peers, &n->n_peers) {
		if (np->np_handed != 0)
			np->np_handed += (uint64_t)jump;
	}
}

/*
 * While the machine sleeps, or we are stopped, time stands still for the timers:
 * they do not all run out at once when we go on.
 */
void
node_clock(struct node *n, uint64_t mono, uint64_t wall)
{
	uint64_t	 now, at;

	now = mono - n->n_paused;
	if (now < n->n_mono || mono < n->n_paused)
		now = n->n_mono;
	node_wall(n, now - n->n_mono, wall);
	if (timers_next(&n->n_timers, &at) == -1)
		at = now;
	else if (at < n->n_mono)
		at = n->n_mono;
	if (now > at + LATE_MS) {
		n->n_paused += now - at;
		now = at;
		/* What is left of the ring? */
		if (n->n_join == JOIN_DONE)
			ntimer_add(&n->n_timers, &n->n_resumetimer, now);
	}
	n->n_mono = now;
}

int
node_next(const struct node *n, uint64_t *at)
{
	if (timers_next(&n->n_timers, at) == -1)
		return (-1);
	*at += n->n_paused;
	return (0);
}

void
node_run(struct node *n)
{
	timers_run(&n->n_timers, n->n_mono, 256);
}

void
node_document(struct node *n, const struct reload_doc *doc)
{
	const struct reload_doc *old = n->n_doc;
	struct node_peer *np;

	n->n_doc = doc;
	config_kinds(n, old);
	update_intervals(n, old);
	if (n->n_quit && reload_seq_newer(doc->rd_sequence, old->rd_sequence)) {
		n->n_quit = 0;
		update_init(n);
		join_start(n);
	} else if (n->n_conf.nc_client && old->rd_clients != doc->rd_clients)
		client_document(n);
	if (!reload_seq_newer(doc->rd_sequence, old->rd_sequence))
		return;
	/* Everybody we know hears of it from us, and passes it on. */
	RB_FOREACH(np, node_peers, &n->n_peers) {
		np->np_config_at = 0;
		config_push(n, &np->np_id);
	}
}

int
node_is_joined(const struct node *n)
{
	return (n->n_join == JOIN_DONE || n->n_join == JOIN_CLIENT);
}

const char *
node_join_str(const struct node *n)
{
	static const char *const names[] = {
		"idle", "connecting", "attaching", "waiting for the admitting peer",
		"attaching to neighbours", "joining", "waiting for a place",
		"joined", "left", "client"
	};

	return (names[n->n_join]);
}

void
node_log(struct node *n, int level, const char *fmt, ...)
{
	char		 buf[512];
	va_list		 ap;

	if (n->n_ops->no_log == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	n->n_ops->no_log(n->n_arg, level, buf);
}

uint64_t
node_rand64(struct node *n)
{
	uint64_t	 v;

	n->n_ops->no_random(n->n_arg, &v, sizeof(v));
	return (v);
}

uint32_t
node_rand(struct node *n, uint32_t below)
{
	/* The bias of a 64-bit modulus is of no importance for jitter. */
	return (below == 0 ? 0 : (uint32_t)(node_rand64(n) % below));
}

const char *
node_addr_bad(const struct node *n, const struct vaddr *va)
{
	if (va->va_family != 4 && va->va_family != 6)
		return ("no address");
	if (va->va_port == 0)
		return ("no port");
	if (vaddr_eq(va, &n->n_conf.nc_addr))
		return ("our own");
	if (n->n_conf.nc_private)
		return (NULL);
	if (vaddr_host_eq(va, &n->n_conf.nc_addr))
		return ("our own");
	return (vaddr_special(va));
}

/* -- connection table -- */

struct node_peer *
node_peer_find(const struct node *n, const struct nodeid *id)
{
	struct node_peers head = n->n_peers;
	struct node_peer key;

	key.np_id = *id;
	return (RB_FIND(node_peers, &head, &key));
}

struct node_link *
node_link_find(const struct node *n, uint64_t id)
{
	struct node_links head = n->n_links;
	struct node_link key;

	key.nl_id = id;
	return (RB_FIND(node_links, &head, &key));
}

uint64_t
node_link_id(struct node *n)
{
	return (++n->n_nextlink);
}

static struct node_link *
link_new(struct node *n, uint64_t id)
{
	struct node_link *nl;

	if (n->n_nlinks >= NODE_LINKS_MAX)
		link_evict(n, EVICT_MS);
	if (n->n_nlinks >= NODE_LINKS_MAX || (nl = calloc(1, sizeof(*nl))) == NULL)
		return (NULL);
	nl->nl_id = id;
	nl->nl_since = n->n_mono;
	RB_INSERT(node_links, &n->n_links, nl);
	n->n_nlinks++;
	return (nl);
}

/* Room for a new link: the peer goes that was of no use for longest. */
static void
link_evict(struct node *n, uint64_t idle)
{
	struct node_peer *np, *worst = NULL;
	struct node_link *nl;

	RB_FOREACH(np, node_peers, &n->n_peers) {
		if (n->n_mono - np->np_used < idle ||
		    (worst != NULL && np->np_used >= worst->np_used) ||
		    ring_is_neighbour(&n->n_ring, &np->np_id) ||
		    ring_is_finger(&n->n_ring, &np->np_id))
			continue;
		worst = np;
	}
	if (worst == NULL || (nl = TAILQ_FIRST(&worst->np_links)) == NULL)
		return;
	/* Its other links, if any, are dropped by their own turn. */
	node_link_drop(n, nl);
}

void
node_prune(struct node *n)
{
	struct node_link *nl, *nnl;
	size_t		 max = n->n_nlinks;

	RB_FOREACH_SAFE(nl, node_links, &n->n_links, nnl) {
		if (nl->nl_peer == NULL || !nl->nl_boot ||
		    n->n_mono - nl->nl_since < PRUNE_MS ||
		    ring_is_neighbour(&n->n_ring, &nl->nl_peer->np_id) ||
		    ring_is_finger(&n->n_ring, &nl->nl_peer->np_id))
			continue;
		node_link_drop(n, nl);
	}
	while (n->n_nlinks > NODE_LINKS_SOFT && max-- > 0)
		link_evict(n, EVICT_MS);
	if (!n->n_doc->rd_clients)
		node_prune_clients(n);
}

/*
 * Where the document permits no clients, whoever has had time enough to join and
 * has sent no Update is let go (RFC 6940, 11.1); more than that nobody can do.
 */
static void
node_prune_clients(struct node *n)
{
	struct node_peer *np, *nnp;
	struct nodeid	 id;
	char		 hex[NODEID_HEXLEN];

	RB_FOREACH_SAFE(np, node_peers, &n->n_peers, nnp) {
		if (np->np_routable || n->n_mono - np->np_since < CLIENT_MS)
			continue;
		id = np->np_id;
		node_log(n, NODE_INFO, "node %s stays a client, which the overlay's document "
		    "does not permit: its links are closed", nodeid_hex(&id, hex));
		while ((np = node_peer_find(n, &id)) != NULL && !TAILQ_EMPTY(&np->np_links))
			node_link_drop(n, TAILQ_FIRST(&np->np_links));
	}
}

/*
 * A peer that ought to be our neighbour is let in even if all links are busy:
 * without it messages for its place would go round and be dropped.
 */
void
node_make_room(struct node *n, const struct nodeid *peer)
{
	if (n->n_nlinks >= NODE_LINKS_MAX && ring_wanted(&n->n_ring, peer))
		link_evict(n, 0);
}

static void
link_free(struct node *n, struct node_link *nl)
{
	struct link_timer *lt = nl->nl_timer.nt_arg;

	link_named(n, nl);
	ntimer_del(&n->n_timers, &nl->nl_timer);
	free(lt);
	RB_REMOVE(node_links, &n->n_links, nl);
	n->n_nlinks--;
	if (nl->nl_peer != NULL)
		TAILQ_REMOVE(&nl->nl_peer->np_links, nl, nl_bypeer);
	free(nl);
}

static void
peer_free(struct node *n, struct node_peer *np)
{
	RB_REMOVE(node_peers, &n->n_peers, np);
	n->n_npeers--;
	free(np);
}

uint64_t
node_connect(struct node *n, const struct vaddr *va, int boot)
{
	struct node_link *nl;

	if ((nl = link_new(n, node_link_id(n))) == NULL)
		return (0);
	nl->nl_addr = *va;
	nl->nl_boot = boot;
	n->n_ops->no_connect(n->n_arg, nl->nl_id, va);
	return (nl->nl_id);
}

/*
 * A link may go down without its node: that is tried once more, outside of the
 * tables meanwhile (RFC 6940, 10.7.1).
 */
static void
peer_lost(struct node *n, const struct nodeid *id, const struct vaddr *va)
{
	size_t		 i = n->n_nextlost++ % (sizeof(n->n_lost) / sizeof(n->n_lost[0]));

	n->n_lost[i].id = *id;
	n->n_lost[i].addr = *va;
	n->n_lost[i].set = 1;
	if (!n->n_losttimer.nt_armed)
		ntimer_add(&n->n_timers, &n->n_losttimer,
		    n->n_mono + RELINK_MS + node_rand(n, RELINK_SPREAD));
}

static void
node_relink(void *arg)
{
	struct node	*n = arg;
	struct node_link *nl;
	uint64_t	 link;
	size_t		 i;

	for (i = 0; i < sizeof(n->n_lost) / sizeof(n->n_lost[0]); i++) {
		if (!n->n_lost[i].set)
			continue;
		n->n_lost[i].set = 0;
		if (n->n_join != JOIN_DONE || node_peer_find(n, &n->n_lost[i].id) != NULL)
			continue;
		if (n->n_lost[i].addr.va_family == 0) {
			attach_candidate(n, &n->n_lost[i].id, NULL);
			continue;
		}
		link = node_connect(n, &n->n_lost[i].addr, 0);
		if (link != 0 && (nl = node_link_find(n, link)) != NULL) {
			nl->nl_expected = 1;
			nl->nl_expect = n->n_lost[i].id;
		}
	}
}

/* The last link of a peer is gone. */
static void
peer_unlinked(struct node *n, struct node_peer *np)
{
	struct nodeid	 id = np->np_id;
	struct vaddr	 va = np->np_addr;
	int		 was;

	if (np->np_routable && ring_is_neighbour(&n->n_ring, &id))
		peer_lost(n, &id, &va);
	was = ring_del(&n->n_ring, &id);
	peer_free(n, np);
	repl_peer_gone(n, &id);
	if (was) {
		n->n_stats.ns_lost_peers++;
		update_ring(n, 1);
	}
}

/* A newer link to the same node has stood long enough. */
static void
link_spare(void *arg)
{
	struct link_timer *lt = arg;
	struct node	*n = lt->lt_node;
	struct node_link *nl;

	if ((nl = node_link_find(n, lt->lt_link)) == NULL)
		return;
	if (TAILQ_FIRST(&nl->nl_peer->np_links) != nl)
		node_link_drop(n, nl);
}

/*
 * Known peers for a restart.  A host has one place, unless it is one of those
 * private addresses that many may share, and a full cache changes slowly: who
 * links to us all the time does not drive the others out.
 */
static void
node_cache_peer(struct node *n, const struct vaddr *va)
{
	size_t		 i;

	for (i = 0; i < n->n_ncache; i++) {
		if (vaddr_eq(&n->n_cache[i], va))
			return;
		if (!n->n_conf.nc_private && vaddr_host_eq(&n->n_cache[i], va))
			break;
	}
	if (i == NODE_CACHE_MAX) {
		if (node_rand(n, CACHE_TURN) != 0)
			return;
		i = node_rand(n, NODE_CACHE_MAX);
	} else if (i == n->n_ncache)
		n->n_ncache++;
	n->n_cache[i] = *va;
	if (n->n_ops->no_cache != NULL)
		n->n_ops->no_cache(n->n_arg, n->n_cache, n->n_ncache);
}

void
node_peer_addr(struct node *n, const struct nodeid *id, const struct vaddr *va, int sure)
{
	struct node_peer *np;
	struct node_link *nl;

	if ((np = node_peer_find(n, id)) == NULL)
		return;
	TAILQ_FOREACH(nl, &np->np_links, nl_bypeer)
		sure |= vaddr_host_eq(&nl->nl_addr, va);
	if (sure)
		node_cache_peer(n, va);
	else if (np->np_sure)
		return;
	np->np_addr = *va;
	np->np_sure = sure;
}

int
node_link_up(struct node *n, uint64_t id, const struct nodeid *peer,
    const struct vaddr *va, int inbound)
{
	struct node_link *nl, *old;
	struct node_peer *np;
	struct link_timer *lt;

	if (nodeid_eq(peer, &n->n_self) || nodeid_is_zero(peer) ||
	    nodeid_is_wildcard(peer) || n->n_join == JOIN_LEFT)
		goto refuse;
	if ((nl = node_link_find(n, id)) == NULL) {
		node_make_room(n, peer);
		if ((nl = link_new(n, id)) == NULL)
			goto refuse;
	}
	if (nl->nl_expected && !nodeid_eq(&nl->nl_expect, peer)) {
		if (nl->nl_asked)
			limit_false(n, &nl->nl_expect);
		goto refuse;
	}
	if ((np = node_peer_find(n, peer)) == NULL) {
		if ((np = calloc(1, sizeof(*np))) == NULL) {
			link_free(n, nl);
			goto refuse;
		}
		np->np_id = *peer;
		np->np_since = n->n_mono;
		TAILQ_INIT(&np->np_links);
		RB_INSERT(node_peers, &n->n_peers, np);
		n->n_npeers++;
	}
	link_named(n, nl);
	nl->nl_peer = np;
	nl->nl_addr = *va;
	nl->nl_inbound = inbound;
	np->np_used = n->n_mono;
	if (!inbound) {
		limit_reached(n, va);
		node_peer_addr(n, peer, va, 1);
	}
	/*
	 * The newer link replaces the older.  Both ends see the same two links
	 * but perhaps in another order, so one end only, the one with the
	 * greater Node-ID, closes the older one, and not at once.
	 */
	if ((old = TAILQ_FIRST(&np->np_links)) != NULL &&
	    nodeid_cmp(&n->n_self, peer) > 0 && !old->nl_timer.nt_armed &&
	    (lt = calloc(1, sizeof(*lt))) != NULL) {
		lt->lt_node = n;
		lt->lt_link = old->nl_id;
		free(old->nl_timer.nt_arg);
		ntimer_set(&old->nl_timer, link_spare, lt);
		ntimer_add(&n->n_timers, &old->nl_timer, n->n_mono + LINK_SPARE_MS);
	}
	TAILQ_INSERT_HEAD(&np->np_links, nl, nl_bypeer);
	/* A peer that does not close its own spare ones. */
	while ((old = TAILQ_NEXT(nl, nl_bypeer)) != NULL &&
	    (old = TAILQ_NEXT(old, nl_bypeer)) != NULL &&
	    (old = TAILQ_NEXT(old, nl_bypeer)) != NULL)
		node_link_drop(n, old);
	join_link_up(n, nl);
	attach_link_up(n, np);
	update_link_up(n, np, nl->nl_full);
	return (0);
refuse:
	if ((nl = node_link_find(n, id)) != NULL) {
		link_free(n, nl);
		join_link_down(n, id);
	}
	return (-1);
}

/* Which of its Node-IDs it is has been told, or does not matter any more. */
static void
link_named(struct node *n, struct node_link *nl)
{
	if (nl->nl_nids == 0)
		return;
	free(nl->nl_ids);
	nl->nl_ids = NULL;
	nl->nl_nids = 0;
	n->n_nseveral--;
	ntimer_del(&n->n_timers, &nl->nl_timer);
}

static void
link_unnamed(void *arg)
{
	struct link_timer *lt = arg;
	struct node_link *nl;

	if ((nl = node_link_find(lt->lt_node, lt->lt_link)) != NULL)
		node_link_drop(lt->lt_node, nl);
}

int
node_link_several(struct node *n, uint64_t id, const struct nodeid *ids, size_t nids,
    const struct vaddr *va, int inbound)
{
	struct node_link *nl;
	struct link_timer *lt;
	size_t		 i;

	nl = node_link_find(n, id);
	for (i = 0; i < nids; i++) {
		if (nl != NULL && nl->nl_expected && nodeid_eq(&nl->nl_expect, &ids[i]))
			return (node_link_up(n, id, &ids[i], va, inbound));
	}
	/* A bootstrap node of ours has one Node-ID. */
	if (nl != NULL) {
		link_free(n, nl);
		join_link_down(n, id);
		return (-1);
	}
	if (n->n_join == JOIN_LEFT || n->n_nseveral >= SEVERAL_MAX || nids == 0 ||
	    (lt = calloc(1, sizeof(*lt))) == NULL)
		return (-1);
	if ((nl = link_new(n, id)) == NULL) {
		free(lt);
		return (-1);
	}
	lt->lt_node = n;
	lt->lt_link = id;
	ntimer_set(&nl->nl_timer, link_unnamed, lt);
	if ((nl->nl_ids = calloc(nids, sizeof(*ids))) == NULL) {
		link_free(n, nl);
		return (-1);
	}
	memcpy(nl->nl_ids, ids, nids * sizeof(*ids));
	nl->nl_nids = nids;
	nl->nl_addr = *va;
	nl->nl_inbound = inbound;
	n->n_nseveral++;
	ntimer_add(&n->n_timers, &nl->nl_timer, n->n_mono + SEVERAL_MS);
	return (0);
}

void
node_link_down(struct node *n, uint64_t id)
{
	struct node_link *nl;
	struct node_peer *np;

	if ((nl = node_link_find(n, id)) == NULL)
		return;
	np = nl->nl_peer;
	if (np == NULL && nl->nl_asked) {
		limit_unreached(n, &nl->nl_addr);
		limit_false(n, &nl->nl_expect);
	}
	link_free(n, nl);
	if (np != NULL && TAILQ_EMPTY(&np->np_links))
		peer_unlinked(n, np);
	join_link_down(n, id);
}

void
node_link_drop(struct node *n, struct node_link *nl)
{
	uint64_t	 id = nl->nl_id;

	n->n_ops->no_close(n->n_arg, id);
	node_link_down(n, id);
}

/* Acks stopped or came again: such a peer is not routed through. */
void
node_link_suspect(struct node *n, uint64_t id, int suspect)
{
	struct node_link *nl;
	struct node_peer *np;
	int		 good = 0;

	if ((nl = node_link_find(n, id)) == NULL || nl->nl_peer == NULL ||
	    nl->nl_suspect == suspect)
		return;
	nl->nl_suspect = suspect;
	np = nl->nl_peer;
	TAILQ_FOREACH(nl, &np->np_links, nl_bypeer)
		good |= !nl->nl_suspect;
	if (!np->np_routable)
		return;
	if (good && ring_add(&n->n_ring, &np->np_id) == 1)
		update_ring(n, 0);
	else if (!good && ring_del(&n->n_ring, &np->np_id)) {
		detour_doubt(n);
		update_ring(n, 1);
	}
}
