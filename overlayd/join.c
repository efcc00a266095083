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
 * core: Join and Leave, both roles (RFC 6940, 10.5, 10.9), the way to a
 * bootstrap node and the check for a partitioned ring (8.8).
 */

#include <stdlib.h>
#include <string.h>

#include "node.h"

#define CONNECT_MS	8000
#define UPDATE_MS	4000	/* wait for the admitting peer's tables */
#define NEIGHBOURS_MS	20000
#define PLACE_MS	30000	/* while nothing is handed over */
#define PLACE_STEPS	30	/* hand-over and the Update that ends it */
#define RETRY_MIN_MS	1000
#define RETRY_MAX_MS	60000
#define QUIT_MS		3000	/* Leaves and an answer are on their way */
#define CHECK_FIRST_MS	15000
#define CHECK_MAX_MS	300000
#define ALONE_CHECK_MS	10000

static void	 join_timer(void *);
static void	 join_try(struct node *);
static void	 join_failed(struct node *, const char *);
static void	 join_done(struct node *);
static void	 join_boots(struct node *);
static void	 join_attached(struct node *, int, const struct nodeid *, void *);
static void	 join_neighbours(struct node *);
static void	 join_neighbour(struct node *, int, const struct nodeid *, void *);
static void	 join_send(struct node *);
static void	 join_answered(struct node *, const struct node_resp *, void *);
static void	 join_hints(struct node *, struct cur);
static void	 leave_send(struct node *, const struct nodeid *, int);
static void	 leave_answered(struct node *, const struct node_resp *, void *);
static void	 check_timer(void *);
static void	 check_ping(struct node *, uint64_t);
static void	 check_answered(struct node *, const struct node_resp *, void *);
static const struct vaddr *check_whom(struct node *);
static uint64_t	 join_jitter(struct node *, uint64_t);

void
join_init(struct node *n)
{
	ntimer_set(&n->n_jointimer, join_timer, n);
	ntimer_set(&n->n_checktimer, check_timer, n);
}

void
join_clear(struct node *n)
{
	ntimer_del(&n->n_timers, &n->n_jointimer);
	ntimer_del(&n->n_timers, &n->n_checktimer);
}

static uint64_t
join_jitter(struct node *n, uint64_t ms)
{
	return (ms / 2 + node_rand(n, (uint32_t)ms));
}

void
node_start(struct node *n, const struct vaddr *cache, size_t count)
{
	if (count > NODE_CACHE_MAX)
		count = NODE_CACHE_MAX;
	if (count > 0)
		memcpy(n->n_cache, cache, count * sizeof(cache[0]));
	n->n_ncache = count;
	/* What was received in the future was received by another clock. */
	storage_shift(&n->n_storage, 0, n->n_wall);
	config_sweep(n);
	join_start(n);
}

/* Whom to ask: the document's bootstrap nodes, then peers known before. */
static void
join_boots(struct node *n)
{
	struct vaddr	 va;
	size_t		 i, j;

	n->n_nboots = 0;
	for (i = 0; i < n->n_doc->rd_boots; i++) {
		if (!vaddr_eq(&n->n_doc->rd_boot[i], &n->n_conf.nc_addr))
			n->n_boots[n->n_nboots++] = n->n_doc->rd_boot[i];
	}
	/* Not everybody begins with the same one. */
	for (i = n->n_nboots; i > 1; i--) {
		j = node_rand(n, (uint32_t)i);
		va = n->n_boots[j];
		n->n_boots[j] = n->n_boots[i - 1];
		n->n_boots[i - 1] = va;
	}
	for (i = 0; i < n->n_ncache; i++) {
		for (j = 0; j < n->n_nboots; j++) {
			if (vaddr_eq(&n->n_boots[j], &n->n_cache[i]))
				break;
		}
		if (j == n->n_nboots && node_addr_bad(n, &n->n_cache[i]) == NULL)
			n->n_boots[n->n_nboots++] = n->n_cache[i];
	}
	n->n_nextboot = 0;
}

void
join_start(struct node *n)
{
	n->n_join = JOIN_IDLE;
	n->n_jointries = 0;
	if (n->n_conf.nc_client && client_start(n) == -1)
		return;
	join_boots(n);
	join_try(n);
}

static void
join_try(struct node *n)
{
	uint64_t	 ms;

	if (n->n_nextboot < n->n_nboots) {
		n->n_join = JOIN_CONNECT;
		ntimer_add(&n->n_timers, &n->n_jointimer, n->n_mono + CONNECT_MS);
		n->n_bootlink = node_connect(n, &n->n_boots[n->n_nextboot++], 1);
		if (n->n_bootlink == 0)
			join_failed(n, "too many links");
		return;
	}
	/* Nobody is there.  The first node is the ring; all others wait. */
	if (n->n_conf.nc_first) {
		node_log(n, NODE_INFO, "starting the overlay alone");
		join_done(n);
		return;
	}
	n->n_join = JOIN_IDLE;
	ms = (uint64_t)RETRY_MIN_MS << (n->n_jointries < 6 ? n->n_jointries : 6);
	if (ms > RETRY_MAX_MS)
		ms = RETRY_MAX_MS;
	if (n->n_jointries == 0 || n->n_jointries % 16 == 0)
		node_log(n, NODE_WARN, "no bootstrap node answers, trying on");
	n->n_jointries++;
	join_boots(n);
	ntimer_add(&n->n_timers, &n->n_jointimer, n->n_mono + join_jitter(n, ms));
}

static void
join_failed(struct node *n, const char *why)
{
	struct node_link *nl;

	node_log(n, NODE_DEBUG, "join: %s: %s", node_join_str(n), why);
	if (n->n_bootlink != 0 && (nl = node_link_find(n, n->n_bootlink)) != NULL &&
	    nl->nl_peer == NULL)
		node_link_drop(n, nl);
	n->n_bootlink = 0;
	n->n_join = JOIN_IDLE;
	ntimer_add(&n->n_timers, &n->n_jointimer, n->n_mono + join_jitter(n, 200));
}

static void
join_timer(void *arg)
{
	struct node	*n = arg;
	struct node_link *nl;

	switch (n->n_join) {
	case JOIN_IDLE:
		join_try(n);
		break;
	case JOIN_UPDATE:
		join_neighbours(n);
		break;
	case JOIN_NEIGHBOURS:
		join_send(n);
		break;
	case JOIN_READY:
		/* Patience for an admitting peer that has much to hand over. */
		if (n->n_stats.ns_stored != n->n_joinstored && --n->n_joinsteps > 0) {
			n->n_joinstored = n->n_stats.ns_stored;
			ntimer_add(&n->n_timers, &n->n_jointimer, n->n_mono + PLACE_MS);
		} else
			join_failed(n, "timed out");
		break;
	case JOIN_CONNECT:
	case JOIN_ATTACH:
	case JOIN_JOIN:
		join_failed(n, "timed out");
		break;
	case JOIN_CLIENT:
		client_check(n);
		break;
	case JOIN_LEFT:
		while ((nl = RB_MIN(node_links, &n->n_links)) != NULL)
			node_link_drop(n, nl);
		break;
	case JOIN_DONE:
		break;
	}
}

void
join_link_up(struct node *n, struct node_link *nl)
{
	struct node_dest nd;

	if (nl->nl_id == n->n_checklink) {
		check_ping(n, nl->nl_id);
		return;
	}
	if (n->n_join != JOIN_CONNECT || nl->nl_id != n->n_bootlink)
		return;
	n->n_join = JOIN_ATTACH;
	n->n_nhints = 0;
	n->n_apupdate = 0;
	ntimer_add(&n->n_timers, &n->n_jointimer, n->n_mono + 30000);
	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_RESOURCE;
	nodeid_next(&n->n_self, &nd.nd_id);
	if (attach_start(n, &nd, 1, nl->nl_id, join_attached, NULL) == -1)
		join_failed(n, "attach");
}

void
join_link_down(struct node *n, uint64_t link)
{
	if (link == n->n_checklink)
		n->n_checklink = 0;
	if (link != n->n_bootlink)
		return;
	n->n_bootlink = 0;
	if (n->n_join == JOIN_CONNECT || n->n_join == JOIN_ATTACH)
		join_failed(n, "bootstrap link lost");
}

static void
join_attached(struct node *n, int ok, const struct nodeid *id, void *arg)
{
	(void)arg;
	if (n->n_join != JOIN_ATTACH)
		return;
	if (!ok) {
		join_failed(n, "attach failed");
		return;
	}
	if (n->n_conf.nc_client) {
		client_attached(n, id);
		return;
	}
	n->n_ap = *id;
	n->n_join = JOIN_UPDATE;
	if (n->n_apupdate && nodeid_eq(&n->n_hintfrom, id))
		join_neighbours(n);
	else
		ntimer_add(&n->n_timers, &n->n_jointimer, n->n_mono + UPDATE_MS);
}

static void
join_hints(struct node *n, struct cur list)
{
	const uint8_t	*p;

	while (n->n_nhints < sizeof(n->n_hint) / sizeof(n->n_hint[0]) &&
	    wire_node_next(&list, &p) == 1)
		memcpy(n->n_hint[n->n_nhints++].id_b, p, NODEID_LEN);
}

/* Every Update that comes passes here too. */
void
join_update(struct node *n, const struct nodeid *from, const struct wire_update *wu)
{
	const uint8_t	*p;
	struct cur	 c;

	if (n->n_join == JOIN_CLIENT) {
		client_update(n, from, wu);
		return;
	}
	if (wu->wu_type != WIRE_NEIGHBORS && wu->wu_type != WIRE_FULL)
		return;
	if (n->n_join == JOIN_ATTACH || n->n_join == JOIN_UPDATE) {
		n->n_nhints = 0;
		n->n_hintfrom = *from;
		n->n_apupdate = 1;
		join_hints(n, wu->wu_pred);
		join_hints(n, wu->wu_succ);
		if (n->n_join == JOIN_UPDATE && nodeid_eq(from, &n->n_ap))
			join_neighbours(n);
		return;
	}
	if (n->n_join != JOIN_READY || !nodeid_eq(from, &n->n_ap))
		return;
	c = wu->wu_pred;
	while (wire_node_next(&c, &p) == 1) {
		if (memcmp(p, n->n_self.id_b, NODEID_LEN) == 0) {
			join_done(n);
			return;
		}
	}
}

/* Attach to those of the admitting peer's neighbours that will be ours. */
static void
join_neighbours(struct node *n)
{
	struct node_dest nd[2];
	size_t		 i;

	n->n_join = JOIN_NEIGHBOURS;
	n->n_joinwait = 0;
	ntimer_add(&n->n_timers, &n->n_jointimer, n->n_mono + NEIGHBOURS_MS);
	memset(nd, 0, sizeof(nd));
	for (i = 0; i < n->n_nhints; i++) {
		if (!ring_wanted(&n->n_ring, &n->n_hint[i]) ||
		    node_peer_find(n, &n->n_hint[i]) != NULL ||
		    attach_pending(n, &n->n_hint[i]))
			continue;
		nd[0].nd_type = nd[1].nd_type = WIRE_DEST_NODE;
		nd[0].nd_id = n->n_ap;
		nd[1].nd_id = n->n_hint[i];
		if (attach_start(n, nd, 2, 0, join_neighbour, NULL) == 0)
			n->n_joinwait++;
	}
	if (n->n_joinwait == 0)
		join_send(n);
}

static void
join_neighbour(struct node *n, int ok, const struct nodeid *id, void *arg)
{
	(void)ok;
	(void)id;
	(void)arg;
	if (n->n_join != JOIN_NEIGHBOURS || n->n_joinwait == 0)
		return;
	if (--n->n_joinwait == 0)
		join_send(n);
}

static void
join_send(struct node *n)
{
	struct node_build b;
	struct node_dest nd;
	struct wire_join wj;

	n->n_join = JOIN_JOIN;
	ntimer_add(&n->n_timers, &n->n_jointimer, n->n_mono + 30000);
	if (build_open(n, &b, WIRE_JOIN) == -1)
		return;
	memset(&wj, 0, sizeof(wj));
	wj.wj_node = n->n_self.id_b;
	wire_join_write(&b.nb_w, &wj);
	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_NODE;
	nd.nd_id = n->n_ap;
	(void)node_request(n, &b, &nd, 1, 0, join_answered, NULL);
}

static void
join_answered(struct node *n, const struct node_resp *resp, void *arg)
{
	(void)arg;
	if (n->n_join != JOIN_JOIN)
		return;
	if (resp->nr_error != 0) {
		join_failed(n, resp->nr_contents == NULL ? "no answer" :
		    "refused by the admitting peer");
		return;
	}
	n->n_join = JOIN_READY;
	n->n_joinsteps = PLACE_STEPS;
	n->n_joinstored = n->n_stats.ns_stored;
	ntimer_add(&n->n_timers, &n->n_jointimer, n->n_mono + PLACE_MS);
}

static void
join_done(struct node *n)
{
	n->n_join = JOIN_DONE;
	n->n_bootlink = 0;
	n->n_jointries = 0;
	n->n_stats.ns_joins++;
	ntimer_del(&n->n_timers, &n->n_jointimer);
	ntimer_add(&n->n_timers, &n->n_checktimer, n->n_mono +
	    join_jitter(n, n->n_ring.rg_npeers == 0 ? ALONE_CHECK_MS : CHECK_FIRST_MS));
	node_log(n, NODE_INFO, "joined the overlay, %zu peers known", n->n_ring.rg_npeers);
	update_start(n);
}

/* The last peer that could be routed through is gone. */
void
join_lost_ring(struct node *n)
{
	if (n->n_join != JOIN_DONE)
		return;
	if (n->n_conf.nc_first) {
		ntimer_add(&n->n_timers, &n->n_checktimer, n->n_mono + 1000);
		return;
	}
	node_log(n, NODE_WARN, "all peers of the overlay lost, joining again");
	update_clear(n);
	update_init(n);
	join_again(n);
}

void
join_again(struct node *n)
{
	n->n_join = JOIN_IDLE;
	n->n_jointries = 0;
	join_boots(n);
	ntimer_add(&n->n_timers, &n->n_jointimer, n->n_mono + join_jitter(n, RETRY_MIN_MS));
}

/* -- the admitting peer's side -- */

void
join_in(struct node *n, struct node_in *in)
{
	struct wire_join wj;
	struct wire_error we;
	struct node_build b;
	struct node_peer *np;
	const struct nodeid *pred;
	struct nodeid	 from, peer = in->ni_signer.ng_node;

	if (wire_join_parse(&in->ni_msg->wm_contents.wc_body, &wj, &we) == -1) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, wire_strerror(we.we_reason));
		return;
	}
	if (memcmp(wj.wj_node, peer.id_b, NODEID_LEN) != 0 || in->ni_link == 0 ||
	    !nodeid_eq(&in->ni_from, &peer) ||
	    (np = node_peer_find(n, &peer)) == NULL) {
		node_error(n, in, WIRE_E_FORBIDDEN, "not the joining node's own link");
		return;
	}
	pred = ring_pred(&n->n_ring, 0);
	if (pred != NULL && nodeid_eq(pred, &peer))
		pred = ring_pred(&n->n_ring, 1);
	from = pred != NULL ? *pred : n->n_self;
	if (n->n_join != JOIN_DONE || !nodeid_in(&peer, &from, &n->n_self)) {
		node_error(n, in, WIRE_E_FORBIDDEN, "not responsible for that place");
		return;
	}
	if (repl_range(n, &peer, &from, &peer, 0, 0, REPL_JOIN) == -1) {
		node_error(n, in, WIRE_E_FORBIDDEN, "too many nodes join at once");
		return;
	}
	if (build_open(n, &b, WIRE_JOIN_ANS) == -1)
		return;
	memset(&wj, 0, sizeof(wj));
	wire_joinans_write(&b.nb_w, &wj);
	node_answer(n, in, &b);
	np->np_left = 0;
	np->np_handed = n->n_wall;
}

/* Everything was handed over: the newcomer is in the ring from here on. */
void
join_hand_over_done(struct node *n, const struct nodeid *id)
{
	struct node_peer *np;

	if ((np = node_peer_find(n, id)) == NULL || n->n_join != JOIN_DONE)
		return;
	np->np_routable = 1;
	if (ring_add(&n->n_ring, id) == 1)
		update_ring(n, 0);
	update_send(n, id, WIRE_NEIGHBORS);
}

/* -- Leave -- */

static void
leave_send(struct node *n, const struct nodeid *to, int succ)
{
	struct wire_leave wl;
	struct node_build b;
	struct node_dest nd;
	struct wbuf	 w;
	const struct nodeid *id;
	uint8_t		 buf[RING_NEIGHBOURS * NODEID_LEN];
	size_t		 i;

	if (build_open(n, &b, WIRE_LEAVE) == -1)
		return;
	memset(&wl, 0, sizeof(wl));
	wl.wl_node = n->n_self.id_b;
	/* The recipient's view: we are its successor, or its predecessor. */
	wl.wl_type = succ ? WIRE_FROM_PRED : WIRE_FROM_SUCC;
	wbuf_init(&w, buf, sizeof(buf));
	for (i = 0; (id = succ ? ring_pred(&n->n_ring, i) : ring_succ(&n->n_ring, i)) != NULL; i++)
		wbuf_bytes(&w, id->id_b, NODEID_LEN);
	cur_init(&wl.wl_nodes, buf, w.w_len);
	wire_leave_write(&b.nb_w, &wl);
	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_NODE;
	nd.nd_id = *to;
	if (node_request(n, &b, &nd, 1, 0, leave_answered, NULL) != 0)
		n->n_leaving++;
}

static void
leave_answered(struct node *n, const struct node_resp *resp, void *arg)
{
	(void)resp;
	(void)arg;
	n->n_leaving--;
}

size_t
node_leaving(const struct node *n)
{
	return (n->n_leaving);
}

void
node_leave(struct node *n)
{
	struct node_peer *np;
	const struct nodeid *id;
	size_t		 i;

	if (n->n_join == JOIN_DONE) {
		for (i = 0; (id = ring_succ(&n->n_ring, i)) != NULL; i++)
			leave_send(n, id, 1);
		for (i = 0; (id = ring_pred(&n->n_ring, i)) != NULL; i++) {
			/* In a small ring a peer stands on both sides. */
			np = node_peer_find(n, id);
			if (np != NULL && n->n_ring.rg_npeers < 2 * RING_NEIGHBOURS)
				continue;
			leave_send(n, id, 0);
		}
	}
	update_clear(n);
	join_clear(n);
	n->n_join = JOIN_LEFT;
}

void
node_quit(struct node *n, const char *why)
{
	if (n->n_join == JOIN_LEFT)
		return;
	node_log(n, NODE_WARN, "alarm: overlay %s: a newer document asks for what we do not "
	    "have: %s; this node leaves the overlay", n->n_doc->rd_name, why);
	node_leave(n);
	n->n_quit = 1;
	ntimer_add(&n->n_timers, &n->n_jointimer, n->n_mono + QUIT_MS);
}

void
leave_in(struct node *n, struct node_in *in)
{
	struct wire_leave wl;
	struct wire_error we;
	struct node_build b;
	struct node_peer *np;
	struct nodeid	 peer = in->ni_signer.ng_node;
	char		 hex[NODEID_HEXLEN];
	struct cur	 none;
	int		 was;

	if (wire_leave_parse(&in->ni_msg->wm_contents.wc_body, &wl, &we) == -1) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, wire_strerror(we.we_reason));
		return;
	}
	if (memcmp(wl.wl_node, peer.id_b, NODEID_LEN) != 0 || in->ni_link == 0 ||
	    !nodeid_eq(&in->ni_from, &peer) ||
	    (np = node_peer_find(n, &peer)) == NULL) {
		node_error(n, in, WIRE_E_FORBIDDEN, "not the leaving node's own link");
		return;
	}
	if (build_open(n, &b, WIRE_LEAVE_ANS) == 0)
		node_answer(n, in, &b);
	node_log(n, NODE_DEBUG, "node %s leaves", nodeid_hex(&peer, hex));
	np->np_routable = 0;
	np->np_left = 1;
	attach_failed(n, &peer);
	was = ring_del(&n->n_ring, &peer);
	cur_init(&none, NULL, 0);
	if (n->n_join == JOIN_DONE && was)
		update_candidates(n, wl.wl_nodes, none, &peer, 1);
	if (was)
		update_ring(n, 1);
}

/* -- partition check -- */

/*
 * Each bootstrap node and known peer in its turn: chance might ask those for
 * long that keep us from the others.
 */
static const struct vaddr *
check_whom(struct node *n)
{
	size_t		 i, boots = n->n_doc->rd_boots, count = boots + n->n_ncache;
	const struct vaddr *va;

	if (n->n_nextcheck == 0)
		n->n_nextcheck = 1 + node_rand(n, (uint32_t)count);
	for (i = 0; i < count; i++) {
		va = n->n_nextcheck % count < boots ?
		    &n->n_doc->rd_boot[n->n_nextcheck % count] :
		    &n->n_cache[n->n_nextcheck % count - boots];
		n->n_nextcheck++;
		if (!vaddr_eq(va, &n->n_conf.nc_addr) && node_addr_bad(n, va) == NULL)
			return (va);
	}
	return (NULL);
}

static void
check_timer(void *arg)
{
	struct node	*n = arg;
	struct node_peer *np;
	const struct vaddr *va;
	uint64_t	 ms;

	ms = (uint64_t)n->n_doc->rd_update_s * 1000;
	if (ms > CHECK_MAX_MS)
		ms = CHECK_MAX_MS;
	if (n->n_ring.rg_npeers == 0)
		ms = ALONE_CHECK_MS;
	ntimer_add(&n->n_timers, &n->n_checktimer, n->n_mono + join_jitter(n, ms));
	if (n->n_join != JOIN_DONE)
		return;
	if ((va = check_whom(n)) == NULL)
		return;
	RB_FOREACH(np, node_peers, &n->n_peers) {
		if (np->np_sure && vaddr_eq(&np->np_addr, va)) {
			check_ping(n, route_peer_link(np));
			return;
		}
	}
	n->n_checklink = node_connect(n, va, 1);
}

/* Ping n+1 through that node: our successor should answer. */
static void
check_ping(struct node *n, uint64_t link)
{
	struct node_build b;
	struct node_dest nd[2];
	struct node_link *nl;
	struct node_req	*rq;
	struct nodeid	*via;
	uint64_t	 tid;

	if (n->n_join != JOIN_DONE || (nl = node_link_find(n, link)) == NULL ||
	    nl->nl_peer == NULL)
		return;
	n->n_checklink = 0;
	if ((via = calloc(1, sizeof(*via))) == NULL)
		return;
	if (build_open(n, &b, WIRE_PING) == -1) {
		free(via);
		return;
	}
	wire_ping_write(&b.nb_w, NULL, 0);
	*via = nl->nl_peer->np_id;
	memset(nd, 0, sizeof(nd));
	nd[0].nd_type = WIRE_DEST_NODE;
	nd[0].nd_id = *via;
	nd[1].nd_type = WIRE_DEST_RESOURCE;
	nodeid_next(&n->n_self, &nd[1].nd_id);
	tid = node_request(n, &b, nd, 2, link, check_answered, via);
	if (tid == 0)
		free(via);
	else if ((rq = node_req_find(n, tid)) != NULL)
		rq->rq_any = 1;
}

static void
check_answered(struct node *n, const struct node_resp *resp, void *arg)
{
	struct nodeid	*via = arg, id;
	char		 hex[NODEID_HEXLEN];

	if (!n->n_closing && resp->nr_error == 0 && n->n_join == JOIN_DONE) {
		id = resp->nr_signer->ng_node;
		if (!nodeid_eq(&id, &n->n_self) && !ring_has(&n->n_ring, &id)) {
			node_log(n, NODE_INFO, "partition check: %s is another successor",
			    nodeid_hex(&id, hex));
			if (node_peer_find(n, &id) != NULL)
				update_send(n, &id, WIRE_NEIGHBORS);
			else
				attach_candidate(n, &id, via);
		}
	}
	free(via);
}
