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

#include "node.h"

#define RELINK_MS	1000	/* a lost neighbour is tried once more, */
#define RELINK_SPREAD	2000	/* from one to three seconds later */
#define EVICT_MS	5000	/* a link that was used since then stays */
#define PRUNE_MS	30000	/* age of a bootstrap link that is not needed */
#define LINK_SPARE_MS	5000	/* a replaced link lives on so long */

struct link_timer {
	struct node	*lt_node;
	uint64_t	 lt_link;
};

static int	 node_peer_cmp(const struct node_peer *, const struct node_peer *);
static int	 node_link_cmp(const struct node_link *, const struct node_link *);
static void	 link_evict(struct node *, uint64_t);
static void	 link_free(struct node *, struct node_link *);
static void	 link_spare(void *);
static void	 peer_free(struct node *, struct node_peer *);
static void	 peer_lost(struct node *, const struct nodeid *, const struct vaddr *);
static void	 node_relink(void *);
static void	 peer_unlinked(struct node *, struct node_peer *);
static struct node_link *link_new(struct node *, uint64_t);
static void	 node_cache_peer(struct node *, const struct vaddr *);

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
	n->n_ops = ops;
	n->n_arg = arg;
	n->n_conf = *nc;
	n->n_doc = doc;
	n->n_self = nc->nc_self;
	n->n_mono = n->n_started = mono;
	n->n_wall = wall;
	timers_init(&n->n_timers);
	ring_init(&n->n_ring, &n->n_self);
	storage_init(&n->n_storage, ops->no_put, arg);
	RB_INIT(&n->n_peers);
	RB_INIT(&n->n_links);
	TAILQ_INIT(&n->n_frags);
	TAILQ_INIT(&n->n_attaches);
	TAILQ_INIT(&n->n_jobs);
	ntimer_set(&n->n_losttimer, node_relink, n);
	message_init(n);
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
	storage_clear(&n->n_storage);
	free(n);
}

void
node_clock(struct node *n, uint64_t mono, uint64_t wall)
{
	n->n_mono = mono;
	n->n_wall = wall;
}

int
node_next(const struct node *n, uint64_t *at)
{
	return (timers_next(&n->n_timers, at));
}

void
node_run(struct node *n)
{
	timers_run(&n->n_timers, n->n_mono, 256);
}

void
node_document(struct node *n, const struct reload_doc *doc)
{
	struct node_peer *np;
	int		 newer;

	newer = reload_seq_newer(doc->rd_sequence, n->n_doc->rd_sequence);
	n->n_doc = doc;
	if (!newer)
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
	return (n->n_join == JOIN_DONE);
}

size_t
node_pending(const struct node *n)
{
	return (n->n_nreqs + n->n_nsigwait + n->n_nsigsent);
}

const char *
node_join_str(const struct node *n)
{
	static const char *const names[] = {
		"idle", "connecting", "attaching", "waiting for the admitting peer",
		"attaching to neighbours", "joining", "waiting for a place",
		"joined", "left"
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

static void
node_cache_peer(struct node *n, const struct vaddr *va)
{
	size_t		 i;

	for (i = 0; i < n->n_ncache; i++) {
		if (vaddr_eq(&n->n_cache[i], va))
			break;
	}
	if (i == 0 && n->n_ncache > 0)
		return;
	if (i == n->n_ncache && n->n_ncache < NODE_CACHE_MAX)
		n->n_ncache++;
	else if (i == n->n_ncache)
		i--;
	memmove(&n->n_cache[1], &n->n_cache[0], i * sizeof(n->n_cache[0]));
	n->n_cache[0] = *va;
	if (n->n_ops->no_cache != NULL)
		n->n_ops->no_cache(n->n_arg, n->n_cache, n->n_ncache);
}

void
node_peer_addr(struct node *n, const struct nodeid *id, const struct vaddr *va)
{
	struct node_peer *np;

	if ((np = node_peer_find(n, id)) == NULL)
		return;
	np->np_addr = *va;
	node_cache_peer(n, va);
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
	if (nl->nl_expected && !nodeid_eq(&nl->nl_expect, peer))
		goto refuse;
	if ((np = node_peer_find(n, peer)) == NULL) {
		if ((np = calloc(1, sizeof(*np))) == NULL) {
			link_free(n, nl);
			goto refuse;
		}
		np->np_id = *peer;
		TAILQ_INIT(&np->np_links);
		RB_INSERT(node_peers, &n->n_peers, np);
		n->n_npeers++;
	}
	nl->nl_peer = np;
	nl->nl_addr = *va;
	nl->nl_inbound = inbound;
	np->np_used = n->n_mono;
	if (!inbound)
		node_peer_addr(n, peer, va);
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

void
node_link_down(struct node *n, uint64_t id)
{
	struct node_link *nl;
	struct node_peer *np;

	if ((nl = node_link_find(n, id)) == NULL)
		return;
	np = nl->nl_peer;
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
	else if (!good && ring_del(&n->n_ring, &np->np_id))
		update_ring(n, 1);
}
