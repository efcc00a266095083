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

#include "certstore.h"
#include "node.h"

#define UPDATE_COALESCE_MS	50
#define UPDATE_STEP_MS		1000	/* reactive ones: one a second, */
#define UPDATE_BURST		8	/* so many at once */
#define HOLD_DOWN_MS		30000	/* RFC 6940, 10.4 */
#define REPLICATE_MS		1000
#define PING_MS			30000	/* a silent neighbour is asked */
#define DOUBT_MS		2000	/* the same, when there is a reason */
#define SWEEP_MS		60000
#define SWEEP_AGAIN_MS		10	/* more is to be looked at */
#define STABLE_MS		120000
#define FINGER_SOON_MS		3000
#define RESUME_CHECK_MS		2000
#define LISTS_MS		5000	/* lists of a new neighbour are so old at most */
#define LIST_MAX		64	/* entries of a list looked at */

struct ping_arg {
	struct nodeid	 pa_id;
};

struct nearest {		/* on one side of us, the nearest first */
	struct nodeid	 nr_id[RING_NEIGHBOURS];
	size_t		 nr_n;
	int		 nr_back;	/* predecessors */
};

static void	 neighbour_answered(struct node *, const struct node_resp *, void *);
static void	 update_period(void *);
static void	 update_reactive(void *);
static void	 update_ask(struct node *, const struct nodeid *);
static void	 update_table(void *);
static void	 update_soon(struct node *, struct ntimer *, uint64_t);
static void	 update_resumed(void *);
static void	 update_fingers(void *);
static void	 neighbour_ping(struct node *, struct node_peer *);
static int	 list_has(const struct cur *, const struct nodeid *);
static void	 update_ping(void *);
static void	 update_sweep(void *);
static void	 update_answered(struct node *, const struct node_resp *, void *);
static void	 nearest_add(struct nearest *, const struct nodeid *, const struct nodeid *);
static void	 nearest_list(struct node *, struct nearest [2], struct cur);
static void	 update_finger_list(struct node *, struct cur, const struct nodeid *);
static int	 update_table_changed(struct node *);
static uint32_t	 update_finger_set(struct node *);
static void	 update_fingers_lost(struct node *);
static void	 update_finger_search(struct node *, unsigned);
static void	 update_range_changed(struct node *, const struct nodeid *, int);
static void	 update_new_successors(struct node *, int);
static void	 finger_answered(struct node *, const struct node_resp *, void *);
static void	 ping_send(struct node *, const struct node_dest *, node_done, void *);
static uint64_t	 jitter(struct node *, uint64_t);

void
update_init(struct node *n)
{
	ntimer_set(&n->n_updatetimer, update_reactive, n);
	ntimer_set(&n->n_tabletimer, update_table, n);
	ntimer_set(&n->n_resumetimer, update_resumed, n);
	ntimer_set(&n->n_periodtimer, update_period, n);
	ntimer_set(&n->n_fingertimer, update_fingers, n);
	ntimer_set(&n->n_pingtimer, update_ping, n);
	ntimer_set(&n->n_sweeptimer, update_sweep, n);
}

void
update_clear(struct node *n)
{
	ntimer_del(&n->n_timers, &n->n_updatetimer);
	ntimer_del(&n->n_timers, &n->n_tabletimer);
	ntimer_del(&n->n_timers, &n->n_resumetimer);
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
	n->n_fingerset = 0;
	n->n_fingerlost = UINT32_MAX;
	n->n_fingerdue = n->n_mono + jitter(n, (uint64_t)n->n_doc->rd_ping_s * 1000);
	ntimer_add(&n->n_timers, &n->n_updatetimer, n->n_mono);
	ntimer_add(&n->n_timers, &n->n_tabletimer, n->n_mono);
	ntimer_add(&n->n_timers, &n->n_periodtimer,
	    n->n_mono + jitter(n, (uint64_t)n->n_doc->rd_update_s * 1000));
	ntimer_add(&n->n_timers, &n->n_fingertimer, n->n_mono + jitter(n, FINGER_SOON_MS));
	ntimer_add(&n->n_timers, &n->n_pingtimer, n->n_mono + jitter(n, PING_MS));
	ntimer_add(&n->n_timers, &n->n_sweeptimer, n->n_mono +
	    (n->n_storage.st_rangeat != 0 ? SWEEP_AGAIN_MS : jitter(n, SWEEP_MS)));
	if (n->n_joined != NULL)
		n->n_joined(n);
	if (n->n_certstore != NULL)
		certstore_joined(n->n_certstore);
}

void
update_intervals(struct node *n, const struct reload_doc *old)
{
	if (n->n_join != JOIN_DONE)
		return;
	if (old->rd_update_s != n->n_doc->rd_update_s)
		ntimer_add(&n->n_timers, &n->n_periodtimer,
		    n->n_mono + jitter(n, (uint64_t)n->n_doc->rd_update_s * 1000));
	if (old->rd_ping_s != n->n_doc->rd_ping_s) {
		n->n_fingerdue = n->n_mono + jitter(n, (uint64_t)n->n_doc->rd_ping_s * 1000);
		update_soon(n, &n->n_fingertimer, n->n_fingerdue - n->n_mono);
	}
}

/* -- sending -- */

void
update_send(struct node *n, const struct nodeid *to, int type)
{
	struct wire_update wu;
	struct node_build b;
	struct node_dest nd;
	struct node_peer *np;
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
	if (node_request(n, &b, &nd, 1, 0, update_answered, NULL) != 0 &&
	    (np = node_peer_find(n, to)) != NULL)
		np->np_updated = n->n_mono;
}

/* Nothing is learned from the answer; a silent peer is found by Ping. */
static void
update_answered(struct node *n, const struct node_resp *resp, void *arg)
{
	(void)n;
	(void)resp;
	(void)arg;
}

/* At the latest then. */
static void
update_soon(struct node *n, struct ntimer *nt, uint64_t ms)
{
	if (!nt->nt_armed || nt->nt_at > n->n_mono + ms)
		ntimer_add(&n->n_timers, nt, n->n_mono + ms);
}

/*
 * The Neighbor Table changed: neighbours and clients hear of it at once, unless
 * it changes all the time.
 */
static void
update_reactive(void *arg)
{
	struct node	*n = arg;
	struct node_peer *np;
	uint64_t	 ahead;
	int		 near;

	ahead = n->n_updateused > n->n_mono ? n->n_updateused - n->n_mono : 0;
	if (ahead > UPDATE_STEP_MS * (UPDATE_BURST - 1)) {
		update_soon(n, &n->n_updatetimer, ahead - UPDATE_STEP_MS * (UPDATE_BURST - 1));
		return;
	}
	n->n_updateused = n->n_mono + ahead + UPDATE_STEP_MS;
	RB_FOREACH(np, node_peers, &n->n_peers) {
		near = ring_is_neighbour(&n->n_ring, &np->np_id);
		if (!np->np_routable || near)
			update_send(n, &np->np_id, WIRE_NEIGHBORS);
		if (near && !np->np_near && n->n_mono - np->np_lists > LISTS_MS)
			update_ask(n, &np->np_id);
		np->np_near = near;
	}
}

/*
 * Who was far away and is the nearest now, since all between are gone, does not
 * take us for a neighbour if there are others yet: it is asked for its tables,
 * by RouteQuery (RFC 6940, 10.8), and leads us to them.
 */
static void
update_ask(struct node *n, const struct nodeid *to)
{
	struct wire_routequery wq;
	struct node_build b;
	struct node_dest nd;
	struct nodeid	 next;

	if (n->n_join != JOIN_DONE || build_open(n, &b, WIRE_ROUTEQUERY) == -1)
		return;
	nodeid_next(&n->n_self, &next);
	memset(&wq, 0, sizeof(wq));
	wq.wq_send_update = 1;
	wq.wq_dest.wd_type = WIRE_DEST_RESOURCE;
	wq.wq_dest.wd_id.p = (const char *)next.id_b;
	wq.wq_dest.wd_id.len = NODEID_LEN;
	wire_routequery_write(&b.nb_w, &wq);
	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_NODE;
	nd.nd_id = *to;
	(void)node_request(n, &b, &nd, 1, 0, update_answered, NULL);
}

/*
 * So does everybody else that we are linked to (RFC 6940, 10.7); "at once" is
 * said of neighbours only, and to the others it is no more than a sign of life:
 * they hear of all changes of half an update interval together.
 */
static void
update_table(void *arg)
{
	struct node	*n = arg;
	struct node_peer *np;

	RB_FOREACH(np, node_peers, &n->n_peers) {
		if (np->np_routable && np->np_updated <= n->n_stable &&
		    !ring_is_neighbour(&n->n_ring, &np->np_id))
			update_send(n, &np->np_id, WIRE_PEER_READY);
	}
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
nearest_add(struct nearest *nr, const struct nodeid *self, const struct nodeid *id)
{
	size_t		 i, j;
	int		 c;

	for (i = 0; i < nr->nr_n; i++) {
		c = nodeid_dist_cmp(self, id, &nr->nr_id[i]);
		if (c == 0)
			return;
		if (nr->nr_back ? c > 0 : c < 0)
			break;
	}
	if (i == RING_NEIGHBOURS)
		return;
	if (nr->nr_n < RING_NEIGHBOURS)
		nr->nr_n++;
	for (j = nr->nr_n - 1; j > i; j--)
		nr->nr_id[j] = nr->nr_id[j - 1];
	nr->nr_id[i] = *id;
}

static void
nearest_list(struct node *n, struct nearest nr[2], struct cur list)
{
	const uint8_t	*p;
	struct nodeid	 id;
	unsigned	 max = LIST_MAX;

	while (max-- > 0 && wire_node_next(&list, &p) == 1) {
		memcpy(id.id_b, p, NODEID_LEN);
		if (nodeid_eq(&id, &n->n_self) || nodeid_is_zero(&id) ||
		    nodeid_is_wildcard(&id) || attach_failed_lately(n, &id))
			continue;
		nearest_add(&nr[0], &n->n_self, &id);
		nearest_add(&nr[1], &n->n_self, &id);
	}
}

void
update_candidates(struct node *n, struct cur list1, struct cur list2,
    const struct nodeid *by, int leaving)
{
	struct nearest	 nr[2];
	const struct nodeid *id;
	size_t		 i, k;

	memset(nr, 0, sizeof(nr));
	nr[1].nr_back = 1;
	for (i = 0; (id = ring_succ(&n->n_ring, i)) != NULL; i++)
		nearest_add(&nr[0], &n->n_self, id);
	for (i = 0; (id = ring_pred(&n->n_ring, i)) != NULL; i++)
		nearest_add(&nr[1], &n->n_self, id);
	nearest_list(n, nr, list1);
	nearest_list(n, nr, list2);
	for (k = 0; k < 2; k++) {
		for (i = 0; i < nr[k].nr_n; i++) {
			id = &nr[k].nr_id[i];
			if (ring_has(&n->n_ring, id))
				continue;
			if (leaving)
				attach_named(n, id, by);
			else
				attach_candidate(n, id, by);
		}
	}
}

static void
update_finger_list(struct node *n, struct cur list, const struct nodeid *via)
{
	const uint8_t	*p;
	struct nodeid	 id;
	uint32_t	 tried = 0;
	unsigned	 i, max = LIST_MAX;

	while (max-- > 0 && wire_node_next(&list, &p) == 1) {
		memcpy(id.id_b, p, NODEID_LEN);
		for (i = 1; i <= RING_FINGERS; i++) {
			if (!ring_finger_covers(&n->n_ring, i, &id))
				continue;
			if (ring_finger(&n->n_ring, i) == NULL && !(tried >> i & 1))
				attach_candidate(n, &id, via);
			tried |= (uint32_t)1 << i;
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
	if ((np = node_peer_find(n, &peer)) != NULL && !np->np_left) {
		np->np_routable = 1;
		if (ring_add(&n->n_ring, &peer) == 1)
			update_ring(n, 0);
	}
	join_update(n, &peer, &wu);
	if (n->n_join != JOIN_DONE)
		return;
	if (np == NULL && ring_wanted(&n->n_ring, &peer))
		attach_candidate(n, &peer, &peer);
	if (wu.wu_type == WIRE_NEIGHBORS || wu.wu_type == WIRE_FULL) {
		if (np != NULL)
			np->np_lists = n->n_mono;
		update_candidates(n, wu.wu_pred, wu.wu_succ, &peer, 0);
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
	if (n->n_storage.st_rangeat != 0)
		ntimer_add(&n->n_timers, &n->n_sweeptimer, n->n_mono + SWEEP_AGAIN_MS);
	if (pred != NULL && (nodeid_eq(was, &n->n_self) || nodeid_in(pred, was, &n->n_self))) {
		/* A new predecessor took a part over. */
		np = node_peer_find(n, pred);
		(void)repl_range(n, pred, was, pred, np != NULL ? np->np_handed : 0, 0, REPL_MOVED);
		return;
	}
	/* We inherit: our successors should hold what we now answer for. */
	for (i = 0; i < 2 && (succ = ring_succ(&n->n_ring, i)) != NULL; i++)
		(void)repl_range(n, succ, &from, was, 0, lost ? HOLD_DOWN_MS :
		    REPLICATE_MS, REPL_COPY);
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
		(void)repl_range(n, succ, &from, &n->n_self, 0,
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
		if (n->n_join == JOIN_CLIENT)
			client_ring(n);
		return;
	}
	update_new_successors(n, lost);
	if (!nodeid_eq(&was, &is))
		update_range_changed(n, &was, lost);
	if (update_table_changed(n)) {
		n->n_stable = n->n_mono;
		/* A changed range is told to all, reactive or not (6.4.1). */
		if (n->n_doc->rd_reactive || !nodeid_eq(&was, &is)) {
			update_soon(n, &n->n_updatetimer, lost ? 0 : UPDATE_COALESCE_MS);
			update_soon(n, &n->n_tabletimer,
			    (uint64_t)n->n_doc->rd_update_s * 1000 / 2);
		}
	}
	if (lost)
		update_fingers_lost(n);
	else
		n->n_fingerset = update_finger_set(n);
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

static uint32_t
update_finger_set(struct node *n)
{
	uint32_t	 set = 0;
	unsigned	 i;

	for (i = 1; i <= RING_FINGERS; i++) {
		if (ring_finger(&n->n_ring, i) != NULL)
			set |= (uint32_t)1 << i;
	}
	return (set);
}

/* Those that are not there any more are looked for soon. */
static void
update_fingers_lost(struct node *n)
{
	uint32_t	 set = update_finger_set(n), lost = n->n_fingerset & ~set;

	n->n_fingerset = set;
	n->n_fingerlost |= lost;
	if (lost != 0)
		update_soon(n, &n->n_fingertimer, jitter(n, FINGER_SOON_MS));
}

/* Ping a random place in [start, start + 2^(128-i) - 1]. */
static void
update_finger_search(struct node *n, unsigned i)
{
	struct node_dest nd;
	struct nodeid	 off, mask;
	unsigned	 j;

	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_RESOURCE;
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

/*
 * All that were lost; and every chord-ping-interval, with one chance in two, one
 * of those that have never been there (RFC 6940, 10.7.4.2).
 */
static void
update_fingers(void *arg)
{
	struct node	*n = arg;
	uint32_t	 lost = n->n_fingerlost;
	unsigned	 i, empty = 0, pick = 0;

	n->n_fingerlost = 0;
	for (i = 1; i <= RING_FINGERS && n->n_join == JOIN_DONE; i++) {
		if (!ring_finger_open(&n->n_ring, i))
			break;
		if (ring_finger(&n->n_ring, i) != NULL)
			continue;
		if (lost >> i & 1)
			update_finger_search(n, i);
		else if (node_rand(n, ++empty) == 0)
			pick = i;
	}
	if (n->n_mono >= n->n_fingerdue) {
		if (pick != 0 && node_rand(n, 2) == 0)
			update_finger_search(n, pick);
		n->n_fingerdue = n->n_mono + jitter(n, (uint64_t)n->n_doc->rd_ping_s * 1000);
	}
	ntimer_add(&n->n_timers, &n->n_fingertimer, n->n_fingerdue);
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
		if (!ring_is_neighbour(&n->n_ring, &np->np_id))
			continue;
		if (np->np_used + PING_MS <= n->n_mono)
			neighbour_ping(n, np);
		/* Its dead ones are known now; it may have found others. */
		if (np->np_ask)
			update_ask(n, &np->np_id);
		np->np_ask = 0;
	}
	ntimer_add(&n->n_timers, &n->n_pingtimer, n->n_mono + jitter(n, PING_MS));
}

/* We have been away: who of the neighbours is still there? */
static void
update_resumed(void *arg)
{
	struct node	*n = arg;
	struct node_peer *np;

	RB_FOREACH(np, node_peers, &n->n_peers) {
		if (ring_is_neighbour(&n->n_ring, &np->np_id))
			neighbour_ping(n, np);
	}
	if (n->n_join == JOIN_DONE)
		update_soon(n, &n->n_checktimer, RESUME_CHECK_MS);
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
	int		 more = 0;

	at = storage_expire(&n->n_storage, n->n_wall, 512);
	node_dup_expire(n);
	limit_expire(n);
	if (n->n_join == JOIN_DONE) {
		node_prune(n);
		repl_again(n);
	}
	if (n->n_join == JOIN_DONE && n->n_mono - n->n_stable > STABLE_MS)
		more = repl_sweep(n);
	if (more || (at != 0 && at <= n->n_wall))
		ntimer_add(&n->n_timers, &n->n_sweeptimer, n->n_mono + SWEEP_AGAIN_MS);
	else
		ntimer_add(&n->n_timers, &n->n_sweeptimer, n->n_mono + SWEEP_MS);
}
