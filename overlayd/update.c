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
 * core: Updates and what follows from a change of neighbours, the periodic
 * work of a peer (RFC 6940, 10.7), and the small requests Ping, Probe
 * and RouteQuery.
 */

#include <stdlib.h>
#include <string.h>

#include "node.h"

#define UPDATE_COALESCE_MS	50
#define HOLD_DOWN_MS		30000	/* RFC 6940, 10.4 */
#define REPLICATE_MS		1000
#define PING_MS			30000	/* a silent neighbour is asked */
#define DOUBT_MS		2000	/* the same, when there is a reason */
#define SWEEP_MS		60000
#define STABLE_MS		120000
#define FINGER_SOON_MS		3000
#define LIST_MAX		64	/* entries of a list looked at */

struct ping_arg {
	struct nodeid	 pa_id;
};

static void	 neighbour_answered(struct node *, const struct node_resp *, void *);
static void	 update_period(void *);
static void	 update_reactive(void *);
static void	 update_fingers(void *);
static void	 neighbour_ping(struct node *, struct node_peer *);
static int	 list_has(const struct cur *, const struct nodeid *);
static void	 update_ping(void *);
static void	 update_sweep(void *);
static void	 update_answered(struct node *, const struct node_resp *, void *);
static void	 update_list(struct node *, struct cur, const struct nodeid *);
static void	 update_finger_list(struct node *, struct cur, const struct nodeid *);
static int	 update_table_changed(struct node *);
static void	 update_range_changed(struct node *, const struct nodeid *, int);
static void	 update_new_successors(struct node *, int);
static void	 finger_answered(struct node *, const struct node_resp *, void *);
static void	 ping_send(struct node *, const struct node_dest *, node_done, void *);
static uint64_t	 jitter(struct node *, uint64_t);

void
update_init(struct node *n)
{
	ntimer_set(&n->n_updatetimer, update_reactive, n);
	ntimer_set(&n->n_periodtimer, update_period, n);
	ntimer_set(&n->n_fingertimer, update_fingers, n);
	ntimer_set(&n->n_pingtimer, update_ping, n);
	ntimer_set(&n->n_sweeptimer, update_sweep, n);
}

void
update_clear(struct node *n)
{
	ntimer_del(&n->n_timers, &n->n_updatetimer);
	ntimer_del(&n->n_timers, &n->n_periodtimer);
	ntimer_del(&n->n_timers, &n->n_fingertimer);
	ntimer_del(&n->n_timers, &n->n_pingtimer);
	ntimer_del(&n->n_timers, &n->n_sweeptimer);
}

/* Three quarters to five quarters of it. */
static uint64_t
jitter(struct node *n, uint64_t ms)
{
	return (ms - ms / 4 + node_rand(n, (uint32_t)(ms / 2 + 1)));
}

void
update_start(struct node *n)
{
	struct nodeid	 from;

	from = ring_pred(&n->n_ring, 0) != NULL ? *ring_pred(&n->n_ring, 0) : n->n_self;
	storage_range(&n->n_storage, &from, &n->n_self, ring_share_ppb(&n->n_ring));
	n->n_stable = n->n_mono;
	(void)update_table_changed(n);
	ntimer_add(&n->n_timers, &n->n_updatetimer, n->n_mono);
	ntimer_add(&n->n_timers, &n->n_periodtimer,
	    n->n_mono + jitter(n, (uint64_t)n->n_doc->rd_update_s * 1000));
	ntimer_add(&n->n_timers, &n->n_fingertimer, n->n_mono + jitter(n, FINGER_SOON_MS));
	ntimer_add(&n->n_timers, &n->n_pingtimer, n->n_mono + jitter(n, PING_MS));
	ntimer_add(&n->n_timers, &n->n_sweeptimer, n->n_mono + jitter(n, SWEEP_MS));
	if (n->n_joined != NULL)
		n->n_joined(n);
}

/* -- sending -- */

void
update_send(struct node *n, const struct nodeid *to, int type)
{
	struct wire_update wu;
	struct node_build b;
	struct node_dest nd;
	struct wbuf	 w[3];
	uint8_t		 buf[3][RING_FINGERS * NODEID_LEN];
	const struct nodeid *id;
	struct nodeid	 fingers[RING_FINGERS];
	size_t		 i, j, nf = 0;

	if (n->n_join != JOIN_DONE || build_open(n, &b, WIRE_UPDATE) == -1)
		return;
	memset(&wu, 0, sizeof(wu));
	wu.wu_uptime = (uint32_t)((n->n_mono - n->n_started) / 1000);
	wu.wu_type = (uint8_t)type;
	for (i = 0; i < 3; i++)
		wbuf_init(&w[i], buf[i], sizeof(buf[i]));
	for (i = 0; (id = ring_pred(&n->n_ring, i)) != NULL; i++)
		wbuf_bytes(&w[0], id->id_b, NODEID_LEN);
	for (i = 0; (id = ring_succ(&n->n_ring, i)) != NULL; i++)
		wbuf_bytes(&w[1], id->id_b, NODEID_LEN);
	/* Fingers numerically ascending, each once. */
	for (i = 1; i <= RING_FINGERS; i++) {
		if ((id = ring_finger(&n->n_ring, (unsigned)i)) == NULL)
			continue;
		for (j = 0; j < nf && nodeid_cmp(&fingers[j], id) < 0; j++)
			continue;
		if (j < nf && nodeid_eq(&fingers[j], id))
			continue;
		memmove(&fingers[j + 1], &fingers[j], (nf - j) * sizeof(fingers[0]));
		fingers[j] = *id;
		nf++;
	}
	for (i = 0; i < nf; i++)
		wbuf_bytes(&w[2], fingers[i].id_b, NODEID_LEN);
	cur_init(&wu.wu_pred, buf[0], w[0].w_len);
	cur_init(&wu.wu_succ, buf[1], w[1].w_len);
	cur_init(&wu.wu_fingers, buf[2], w[2].w_len);
	wire_update_write(&b.nb_w, &wu);
	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_NODE;
	nd.nd_id = *to;
	(void)node_request(n, &b, &nd, 1, 0, update_answered, NULL);
}

/* Nothing is learned from the answer; a silent peer is found by Ping. */
static void
update_answered(struct node *n, const struct node_resp *resp, void *arg)
{
	(void)n;
	(void)resp;
	(void)arg;
}

/* The Neighbor Table changed: everybody we are linked to hears of it. */
static void
update_reactive(void *arg)
{
	struct node	*n = arg;
	struct node_peer *np;

	RB_FOREACH(np, node_peers, &n->n_peers) {
		if (!np->np_routable || ring_is_neighbour(&n->n_ring, &np->np_id))
			update_send(n, &np->np_id, WIRE_NEIGHBORS);
		else
			update_send(n, &np->np_id, WIRE_PEER_READY);
	}
	n->n_rangechanged = 0;
}

static void
update_period(void *arg)
{
	struct node	*n = arg;
	struct node_peer *np;

	RB_FOREACH(np, node_peers, &n->n_peers) {
		if (ring_is_neighbour(&n->n_ring, &np->np_id))
			update_send(n, &np->np_id, WIRE_NEIGHBORS);
	}
	ntimer_add(&n->n_timers, &n->n_periodtimer,
	    n->n_mono + jitter(n, (uint64_t)n->n_doc->rd_update_s * 1000));
}

void
update_link_up(struct node *n, struct node_peer *np, int full)
{
	if (n->n_join != JOIN_DONE)
		return;
	if (full)
		update_send(n, &np->np_id, WIRE_FULL);
	else if (ring_is_neighbour(&n->n_ring, &np->np_id) ||
	    ring_wanted(&n->n_ring, &np->np_id))
		update_send(n, &np->np_id, WIRE_NEIGHBORS);
	else
		update_send(n, &np->np_id, WIRE_PEER_READY);
}

/* -- receiving -- */

static void
update_list(struct node *n, struct cur list, const struct nodeid *via)
{
	const uint8_t	*p;
	struct nodeid	 id;
	unsigned	 max = LIST_MAX;

	while (max-- > 0 && wire_node_next(&list, &p) == 1) {
		memcpy(id.id_b, p, NODEID_LEN);
		if (ring_wanted(&n->n_ring, &id))
			attach_candidate(n, &id, via);
	}
}

static void
update_finger_list(struct node *n, struct cur list, const struct nodeid *via)
{
	const uint8_t	*p;
	struct nodeid	 id;
	unsigned	 i, max = LIST_MAX;

	while (max-- > 0 && wire_node_next(&list, &p) == 1) {
		memcpy(id.id_b, p, NODEID_LEN);
		for (i = 1; i <= RING_FINGERS; i++) {
			if (!ring_finger_covers(&n->n_ring, i, &id))
				continue;
			if (ring_finger(&n->n_ring, i) == NULL)
				attach_candidate(n, &id, via);
			break;
		}
	}
}

void
update_in(struct node *n, struct node_in *in)
{
	struct wire_update wu;
	struct wire_error we;
	struct node_build b;
	struct node_peer *np;
	struct nodeid	 peer = in->ni_signer.ng_node;

	if (wire_update_parse(&in->ni_msg->wm_contents.wc_body, &wu, &we) == -1) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, wire_strerror(we.we_reason));
		return;
	}
	if (nodeid_eq(&peer, &n->n_self))
		return;
	if (build_open(n, &b, WIRE_UPDATE_ANS) == 0)
		node_answer(n, in, &b);
	if ((np = node_peer_find(n, &peer)) != NULL) {
		np->np_routable = 1;
		if (ring_add(&n->n_ring, &peer) == 1)
			update_ring(n, 0);
	}
	join_update(n, &peer, &wu);
	if (n->n_join != JOIN_DONE)
		return;
	if (np == NULL && ring_wanted(&n->n_ring, &peer))
		attach_candidate(n, &peer, NULL);
	if (wu.wu_type == WIRE_NEIGHBORS || wu.wu_type == WIRE_FULL) {
		update_list(n, wu.wu_pred, &peer);
		update_list(n, wu.wu_succ, &peer);
		/* Whom a neighbour does not know any more may be gone. */
		if (ring_is_neighbour(&n->n_ring, &peer))
			update_doubt(n, &wu.wu_pred, &wu.wu_succ);
	}
	if (wu.wu_type == WIRE_FULL)
		update_finger_list(n, wu.wu_fingers, &peer);
}

/* -- changes -- */

/* Compare the tables with the ones remembered and remember the new ones. */
static int
update_table_changed(struct node *n)
{
	const struct nodeid *id;
	size_t		 i, count = ring_neighbours(&n->n_ring);
	int		 changed;

	changed = count != n->n_noldpred || count != n->n_noldsucc;
	for (i = 0; i < count; i++) {
		id = ring_pred(&n->n_ring, i);
		changed |= !nodeid_eq(id, &n->n_oldpred[i]);
		n->n_oldpred[i] = *id;
		id = ring_succ(&n->n_ring, i);
		changed |= !nodeid_eq(id, &n->n_oldsucc[i]);
		n->n_oldsucc[i] = *id;
	}
	n->n_noldpred = n->n_noldsucc = count;
	return (changed);
}

static void
update_range_changed(struct node *n, const struct nodeid *was, int lost)
{
	const struct nodeid *pred = ring_pred(&n->n_ring, 0), *succ;
	struct nodeid	 from = pred != NULL ? *pred : n->n_self;
	struct node_peer *np;
	size_t		 i;

	storage_range(&n->n_storage, &from, &n->n_self, ring_share_ppb(&n->n_ring));
	n->n_rangechanged = 1;
	if (pred != NULL && (nodeid_eq(was, &n->n_self) || nodeid_in(pred, was, &n->n_self))) {
		/* A new predecessor took a part over. */
		np = node_peer_find(n, pred);
		repl_range(n, pred, was, pred, np != NULL ? np->np_handed : 0, 0, REPL_MOVED);
		return;
	}
	/* We inherit: our successors should hold what we now answer for. */
	for (i = 0; i < 2 && (succ = ring_succ(&n->n_ring, i)) != NULL; i++)
		repl_range(n, succ, &from, was, 0, lost ? HOLD_DOWN_MS : REPLICATE_MS, REPL_COPY);
}

/* Who became first or second successor gets a copy of our range. */
static void
update_new_successors(struct node *n, int lost)
{
	const struct nodeid *succ;
	struct nodeid	 from = n->n_self;
	size_t		 i, j;

	if (ring_pred(&n->n_ring, 0) != NULL)
		from = *ring_pred(&n->n_ring, 0);
	for (i = 0; i < 2 && (succ = ring_succ(&n->n_ring, i)) != NULL; i++) {
		for (j = 0; j < 2 && j < n->n_noldsucc; j++) {
			if (nodeid_eq(succ, &n->n_oldsucc[j]))
				break;
		}
		if (j < 2 && j < n->n_noldsucc)
			continue;
		repl_range(n, succ, &from, &n->n_self, 0,
		    lost ? HOLD_DOWN_MS : REPLICATE_MS, REPL_COPY);
	}
}

void
update_ring(struct node *n, int lost)
{
	struct nodeid	 was, is;

	was = n->n_noldpred > 0 ? n->n_oldpred[0] : n->n_self;
	is = ring_pred(&n->n_ring, 0) != NULL ? *ring_pred(&n->n_ring, 0) : n->n_self;
	if (n->n_join != JOIN_DONE) {
		(void)update_table_changed(n);
		return;
	}
	update_new_successors(n, lost);
	if (!nodeid_eq(&was, &is))
		update_range_changed(n, &was, lost);
	if (update_table_changed(n)) {
		n->n_stable = n->n_mono;
		if (n->n_doc->rd_reactive)
			ntimer_add(&n->n_timers, &n->n_updatetimer,
			    n->n_mono + (lost ? 0 : UPDATE_COALESCE_MS));
	}
	if (lost)
		ntimer_add(&n->n_timers, &n->n_fingertimer,
		    n->n_mono + jitter(n, FINGER_SOON_MS));
	if (n->n_ring.rg_npeers == 0)
		join_lost_ring(n);
}

/* -- periodic -- */

static void
ping_send(struct node *n, const struct node_dest *nd, node_done done, void *arg)
{
	struct node_build b;

	if (build_open(n, &b, WIRE_PING) == -1)
		return;
	wire_ping_write(&b.nb_w, NULL, 0);
	(void)node_request(n, &b, nd, 1, 0, done, arg);
}

static void
finger_answered(struct node *n, const struct node_resp *resp, void *arg)
{
	(void)arg;
	if (resp->nr_error == 0)
		attach_candidate(n, &resp->nr_signer->ng_node, NULL);
}

static void
update_fingers(void *arg)
{
	struct node	*n = arg;
	struct node_dest nd;
	struct nodeid	 off, mask;
	unsigned	 i, j;

	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_RESOURCE;
	for (i = 1; i <= RING_FINGERS && n->n_join == JOIN_DONE; i++) {
		if (!ring_finger_open(&n->n_ring, i))
			break;
		if (ring_finger(&n->n_ring, i) != NULL)
			continue;
		/* A random place in [start, start + 2^(128-i) - 1]. */
		ring_finger_start(&n->n_ring, i, &nd.nd_id);
		n->n_ops->no_random(n->n_arg, off.id_b, NODEID_LEN);
		nodeid_pow2(128 - i, &mask);
		for (j = 0; j < NODEID_LEN && mask.id_b[j] == 0; j++)
			off.id_b[j] = 0;
		if (j < NODEID_LEN)
			off.id_b[j] &= (uint8_t)(mask.id_b[j] - 1);
		nodeid_add(&nd.nd_id, &off, &nd.nd_id);
		ping_send(n, &nd, finger_answered, NULL);
	}
	ntimer_add(&n->n_timers, &n->n_fingertimer,
	    n->n_mono + jitter(n, (uint64_t)n->n_doc->rd_ping_s * 1000));
}

/* No answer in fifteen seconds: the neighbour is gone, whatever TCP thinks. */
static void
neighbour_answered(struct node *n, const struct node_resp *resp, void *arg)
{
	struct ping_arg	*pa = arg;
	struct node_peer *np;
	struct node_link *nl;
	char		 hex[NODEID_HEXLEN];
	uint64_t	 id;

	if (!n->n_closing && (np = node_peer_find(n, &pa->pa_id)) != NULL) {
		np->np_pinging = 0;
		if (resp->nr_contents == NULL && np->np_used + PING_MS / 2 < n->n_mono) {
			node_log(n, NODE_INFO, "neighbour %s does not answer",
			    nodeid_hex(&pa->pa_id, hex));
			attach_failed(n, &pa->pa_id);
			while ((np = node_peer_find(n, &pa->pa_id)) != NULL &&
			    (id = route_peer_link(np)) != 0 &&
			    (nl = node_link_find(n, id)) != NULL)
				node_link_drop(n, nl);
		}
	}
	free(pa);
}

static void
neighbour_ping(struct node *n, struct node_peer *np)
{
	struct node_dest nd;
	struct ping_arg	*pa;
	struct node_build b;

	if (np->np_pinging || (pa = calloc(1, sizeof(*pa))) == NULL)
		return;
	if (build_open(n, &b, WIRE_PING) == -1) {
		free(pa);
		return;
	}
	wire_ping_write(&b.nb_w, NULL, 0);
	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_NODE;
	pa->pa_id = nd.nd_id = np->np_id;
	if (node_request(n, &b, &nd, 1, 0, neighbour_answered, pa) == 0)
		free(pa);
	else
		np->np_pinging = 1;
}

static void
update_ping(void *arg)
{
	struct node	*n = arg;
	struct node_peer *np;

	RB_FOREACH(np, node_peers, &n->n_peers) {
		if (np->np_used + PING_MS <= n->n_mono &&
		    ring_is_neighbour(&n->n_ring, &np->np_id))
			neighbour_ping(n, np);
	}
	ntimer_add(&n->n_timers, &n->n_pingtimer, n->n_mono + jitter(n, PING_MS));
}

static int
list_has(const struct cur *list, const struct nodeid *id)
{
	struct cur	 c;
	const uint8_t	*p;

	if (list == NULL)
		return (0);
	c = *list;
	while (wire_node_next(&c, &p) == 1) {
		if (memcmp(p, id->id_b, NODEID_LEN) == 0)
			return (1);
	}
	return (0);
}

void
update_doubt(struct node *n, const struct cur *list1, const struct cur *list2)
{
	struct node_peer *np;

	RB_FOREACH(np, node_peers, &n->n_peers) {
		if (np->np_used + DOUBT_MS <= n->n_mono &&
		    ring_is_neighbour(&n->n_ring, &np->np_id) &&
		    !list_has(list1, &np->np_id) && !list_has(list2, &np->np_id))
			neighbour_ping(n, np);
	}
}

static void
update_sweep(void *arg)
{
	struct node	*n = arg;
	uint64_t	 at;

	at = storage_expire(&n->n_storage, n->n_wall, 512);
	node_dup_expire(n);
	if (n->n_join == JOIN_DONE)
		node_prune(n);
	if (n->n_join == JOIN_DONE && n->n_mono - n->n_stable > STABLE_MS)
		repl_sweep(n);
	if (at != 0 && at <= n->n_wall)
		ntimer_add(&n->n_timers, &n->n_sweeptimer, n->n_mono + 10);
	else
		ntimer_add(&n->n_timers, &n->n_sweeptimer, n->n_mono + SWEEP_MS);
}

/* -- Ping, Probe, RouteQuery -- */

void
ping_in(struct node *n, struct node_in *in)
{
	struct wire_pingans wp;
	struct wire_error we;
	struct node_build b;
	struct span	 padding;

	if (wire_ping_parse(&in->ni_msg->wm_contents.wc_body, &padding, &we) == -1) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, wire_strerror(we.we_reason));
		return;
	}
	if (build_open(n, &b, WIRE_PING_ANS) == -1)
		return;
	wp.wp_id = node_rand64(n);
	wp.wp_time = n->n_wall;
	wire_pingans_write(&b.nb_w, &wp);
	node_answer(n, in, &b);
}

void
probe_in(struct node *n, struct node_in *in)
{
	struct wire_probe wp;
	struct wire_error we;
	struct node_build b;
	struct wbuf	 w;
	struct cur	 list;
	uint8_t		 buf[255 * 6];
	size_t		 i;

	if (wire_probe_parse(&in->ni_msg->wm_contents.wc_body, &wp, &we) == -1) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, wire_strerror(we.we_reason));
		return;
	}
	wbuf_init(&w, buf, sizeof(buf));
	for (i = 0; i < wp.wp_types.len; i++) {
		switch ((uint8_t)wp.wp_types.p[i]) {
		case WIRE_PROBE_SET:
			wire_probeinfo_write(&w, WIRE_PROBE_SET,
			    n->n_join == JOIN_DONE ? ring_share_ppb(&n->n_ring) : 0);
			break;
		case WIRE_PROBE_RESOURCES:
			wire_probeinfo_write(&w, WIRE_PROBE_RESOURCES,
			    (uint32_t)n->n_storage.st_nplaces);
			break;
		case WIRE_PROBE_UPTIME:
			wire_probeinfo_write(&w, WIRE_PROBE_UPTIME,
			    (uint32_t)((n->n_mono - n->n_started) / 1000));
			break;
		default:
			break;
		}
	}
	if (build_open(n, &b, WIRE_PROBE_ANS) == -1)
		return;
	cur_init(&list, buf, w.w_len);
	wire_probeans_write(&b.nb_w, &list);
	node_answer(n, in, &b);
}

void
routequery_in(struct node *n, struct node_in *in)
{
	struct wire_routequery wq;
	struct wire_error we;
	struct node_build b;
	struct nodeid	 id, next, peer = in->ni_signer.ng_node;
	const struct nodeid *hop;

	if (wire_routequery_parse(&in->ni_msg->wm_contents.wc_body, &wq, &we) == -1) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, wire_strerror(we.we_reason));
		return;
	}
	if ((wq.wq_dest.wd_type != WIRE_DEST_NODE &&
	    wq.wq_dest.wd_type != WIRE_DEST_RESOURCE) ||
	    wq.wq_dest.wd_id.len != NODEID_LEN) {
		node_error(n, in, WIRE_E_FORBIDDEN, "destination type");
		return;
	}
	memcpy(id.id_b, wq.wq_dest.wd_id.p, NODEID_LEN);
	next = n->n_self;
	if (!ring_responsible(&n->n_ring, &id)) {
		if (node_peer_find(n, &id) != NULL)
			next = id;
		else if ((hop = ring_next_hop(&n->n_ring, &id)) != NULL)
			next = *hop;
	}
	if (build_open(n, &b, WIRE_ROUTEQUERY_ANS) == -1)
		return;
	wbuf_bytes(&b.nb_w, next.id_b, NODEID_LEN);
	node_answer(n, in, &b);
	if (wq.wq_send_update)
		update_send(n, &peer, WIRE_FULL);
}
