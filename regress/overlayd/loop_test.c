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
 * Messages that would go round: destination lists that name a node twice, peers
 * that send back what they were to forward, and how many messages one message can
 * cause at all.
 */

#include <atf-c.h>

#include "simnet.h"
#include "simfoe.h"

static struct simnode	*mirror;	/* sends back what is not for itself */
static struct simnode	*other;		/* where it sends it; NULL: whence it came */
static unsigned		 mirrored;

static int	 mirror_tap(struct sim *, struct simnode *, struct simnode *,
		    const void *, size_t);
static unsigned	 walk(struct sim *, const int *, size_t, int *);
static uint64_t	 caused(struct simnode *, struct simnode *, const void *, size_t);

static int
mirror_tap(struct sim *si, struct simnode *from, struct simnode *to, const void *msg,
    size_t len)
{
	struct wire_header wh;
	struct wire_error we;
	struct wire_dest wd;
	uint8_t		 body[256], *copy;
	uint16_t	 code;
	struct cur	 c;
	size_t		 n;

	(void)si;
	if (to != mirror || wire_fragment_parse(msg, len, &wh, &we) == -1)
		return (0);
	c = wh.wh_dest;
	if (wire_dest_next(&c, &wd) != 1)
		return (0);
	if (wd.wd_id.len == NODEID_LEN &&
	    memcmp(wd.wd_id.p, mirror->sn_id.id_b, NODEID_LEN) == 0) {
		cur_init(&c, (const uint8_t *)msg + wh.wh_size, len - wh.wh_size);
		if (cur_u16(&c, &code) == 0 && (code & 1) == 1 && code != WIRE_ERROR &&
		    (n = foe_polite(mirror, code, body, sizeof(body))) > 0)
			foe_answer(mirror, from, &wh, body, n);
		return (0);
	}
	/* The honest one has counted the hop; the mirror does not. */
	if ((copy = malloc(len)) == NULL)
		err(1, "malloc");
	memcpy(copy, msg, len);
	mirrored++;
	(void)sim_inject(mirror, other != NULL && from != other ? other : from, copy, len);
	free(copy);
	return (1);
}

/* A Ping along a list of nodes; how many messages that made, *error: what came
 * back to node 1, the sender. */
static int	 walk_error;
static uint64_t	 walk_tid;

static int
walk_tap(struct sim *si, struct simnode *from, struct simnode *to, const void *msg,
    size_t len)
{
	struct wire_msg	 wm;
	struct wire_error we;
	struct wire_errresp wr;

	(void)from;
	if (to != &si->si_node[1] || wire_msg_parse(msg, len, &wm, &we) == -1 ||
	    wm.wm_header.wh_tid != walk_tid)
		return (0);
	walk_error = wm.wm_contents.wc_code;
	if (wm.wm_contents.wc_code == WIRE_ERROR &&
	    wire_error_parse(&wm.wm_contents.wc_body, &wr, &we) == 0)
		walk_error = -(int)wr.wr_code;
	return (0);
}

static unsigned
walk(struct sim *si, const int *path, size_t n, int *error)
{
	struct simnode	*first = &si->si_node[path[0]];
	struct hand	 ha;
	struct wbuf	 w;
	uint8_t		 body[256];
	static uint8_t	 dest[8192];
	uint64_t	 forwarded = 0;
	size_t		 len, i;
	int		 k;

	for (k = 0; k < si->si_nnodes; k++)
		forwarded += si->si_node[k].sn_node->n_stats.ns_forwarded;
	walk_error = 0;
	walk_tid = sim_rand(si);
	si->si_tap = walk_tap;
	hand_init(&ha, walk_tid);
	wbuf_init(&w, dest, sizeof(dest));
	for (i = 0; i < n; i++)
		foe_dest(&w, WIRE_DEST_NODE, &si->si_node[path[i]].sn_id);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	cur_init(&ha.ha_dest, dest, w.w_len);
	len = hand_ping(body, sizeof(body), 4);
	ATF_REQUIRE_EQ(0, hand_send(&si->si_node[1], &si->si_node[1], first, &ha, body, len));
	sim_for(si, 10000);
	*error = walk_error;
	for (k = 0; k < si->si_nnodes; k++)
		forwarded -= si->si_node[k].sn_node->n_stats.ns_forwarded;
	return ((unsigned)-forwarded);
}

/* [A, B, A, B, ...] is refused by the first that sees it. */
ATF_TC_WITHOUT_HEAD(list);
ATF_TC_BODY(list, tc)
{
	struct sim	*si = foe_ring(5, 0, 1);
	int		 path[300], error;
	size_t		 i;

	for (i = 0; i < 300; i++)
		path[i] = i % 2 == 0 ? 0 : 2;
	ATF_CHECK_EQ(0, walk(si, path, 300, &error));
	ATF_CHECK_EQ(0, error);		/* longer than any list */
	ATF_CHECK_EQ(0, walk(si, path, 100, &error));
	ATF_CHECK_EQ(-WIRE_E_INVALID_MESSAGE, error);
	for (i = 0; i < 90; i++)
		path[i] = (int)(i % 3) * 2 % 5;
	ATF_CHECK_EQ(0, walk(si, path, 90, &error));
	ATF_CHECK_EQ(-WIRE_E_INVALID_MESSAGE, error);
	path[0] = 0;
	path[1] = 2;
	path[2] = 0;
	ATF_CHECK_EQ(0, walk(si, path, 3, &error));
	ATF_CHECK_EQ(-WIRE_E_INVALID_MESSAGE, error);
	/* Each once is a source route, there and back. */
	path[2] = 3;
	path[3] = 4;
	ATF_CHECK_EQ(6, walk(si, path, 4, &error));
	ATF_CHECK_EQ(WIRE_PING_ANS, error);
	sim_free(si);
}

/* A peer that returns what it should have forwarded. */
ATF_TC_WITHOUT_HEAD(back);
ATF_TC_BODY(back, tc)
{
	struct sim	*si = foe_ring(12, 0, 2);
	struct lookup_result lr;
	uint64_t	 dropped = 0;
	int		 i;

	sim_numbers(&si->si_node[1], "+14085550100", "+14085550119", NULL, NULL, 0);
	sim_for(si, 20000);
	mirror = &si->si_node[7];
	other = NULL;
	mirrored = 0;
	foe_turn(mirror);
	si->si_tap = mirror_tap;
	for (i = 0; i < 12; i++) {
		if (si->si_node[i].sn_node != NULL)
			dropped += si->si_node[i].sn_node->n_stats.ns_dropped;
	}
	for (i = 0; i < 12; i++) {
		if (i == 1 || i == 7)
			continue;
		(void)sim_lookup(&si->si_node[i], "+14085550105", &lr);
		(void)sim_lookup(&si->si_node[i], "+14085550115", &lr);
	}
	for (i = 0; i < 12; i++) {
		if (si->si_node[i].sn_node == NULL)
			continue;
		dropped -= si->si_node[i].sn_node->n_stats.ns_dropped;
		foe_bounds(&si->si_node[i]);
	}
	ATF_CHECK(mirrored > 0);
	/* Each of them was dropped where it came back to, and that is all. */
	ATF_CHECK_MSG(-dropped >= mirrored && -dropped < mirrored + 20,
	    "%u mirrored, %llu dropped", mirrored, (unsigned long long)-dropped);
	sim_free(si);
}

/* A peer that hands it to somebody else, who would route it to that peer again:
 * the honest ones count the hops, and that ends it. */
ATF_TC_WITHOUT_HEAD(aside);
ATF_TC_BODY(aside, tc)
{
	struct sim	*si = foe_ring(6, 0, 3);
	struct simnode	*a = NULL, *b = NULL;
	struct node_dest nd;
	struct node_build nb;
	int		 i;

	mirror = &si->si_node[5];
	foe_turn(mirror);
	for (i = 0; i < 5; i++) {
		if (node_peer_find(si->si_node[i].sn_node, &mirror->sn_id) == NULL)
			continue;
		b = a;
		a = &si->si_node[i];
	}
	ATF_REQUIRE(a != NULL && b != NULL);
	other = b;
	mirrored = 0;
	si->si_tap = mirror_tap;
	/* For a place that the mirror is responsible for: both go there. */
	sim_clock(a);
	ATF_REQUIRE_EQ(0, build_open(a->sn_node, &nb, WIRE_PING));
	wire_ping_write(&nb.nb_w, NULL, 0);
	nd.nd_type = WIRE_DEST_RESOURCE;
	nd.nd_id = mirror->sn_id;
	nd.nd_id.id_b[15] ^= 1;
	if (ring_responsible(&a->sn_node->n_ring, &nd.nd_id) ||
	    ring_responsible(&b->sn_node->n_ring, &nd.nd_id))
		nd.nd_id = mirror->sn_id;
	ATF_REQUIRE(node_request(a->sn_node, &nb, &nd, 1, 0, NULL, NULL) != 0);
	sim_rewake(a);
	sim_for(si, 16000);
	/* Five sendings of one request, each ended by its ttl at the latest. */
	ATF_CHECK_MSG(mirrored > 0 && mirrored <= 5 * 101, "%u mirrored", mirrored);
	sim_free(si);
}

/* Messages that a node sends in a minute, less those it sends anyway. */
static uint64_t
caused(struct simnode *foe, struct simnode *to, const void *contents, size_t len)
{
	struct sim	*si = foe->sn_sim;
	uint64_t	 idle, busy;

	/* So that nothing else is due. */
	sim_for(si, 200000);
	idle = to->sn_node->n_stats.ns_out;
	sim_for(si, 60000);
	idle = to->sn_node->n_stats.ns_out - idle;
	busy = to->sn_node->n_stats.ns_out;
	foe_ask(foe, to, contents, len);
	sim_for(si, 60000);
	busy = to->sn_node->n_stats.ns_out - busy;
	return (busy > idle ? busy - idle : 0);
}

/* One message in, so many out. */
ATF_TC_WITHOUT_HEAD(amplification);
ATF_TC_BODY(amplification, tc)
{
	struct sim	*si = foe_ring(16, 1, 4);
	struct simnode	*foe = &si->si_node[16], *victim = &si->si_node[0];
	struct nodeid	 ids[400];
	static uint8_t	 body[16384];
	uint64_t	 out;
	size_t		 n;

	foe_link(foe, victim);
	n = hand_ping(body, sizeof(body), 1);
	out = caused(foe, victim, body, n);
	ATF_CHECK_MSG(out <= 12, "Ping: %llu", (unsigned long long)out);
	n = foe_store(body, sizeof(body), foe, &victim->sn_id, 0, SIM_WALL + si->si_now);
	out = caused(foe, victim, body, n);
	ATF_CHECK_MSG(out <= 16, "Store: %llu", (unsigned long long)out);
	n = foe_attach(body, sizeof(body), WIRE_ATTACH, "passive", &foe->sn_addr);
	out = caused(foe, victim, body, n);
	ATF_CHECK_MSG(out <= 16, "Attach: %llu", (unsigned long long)out);
	/* Six of the eight hundred are tried, each five times; who sent it becomes
	 * a peer, and the ring is told. */
	foe_invent(si, ids, 400);
	n = foe_update(body, sizeof(body), WIRE_NEIGHBORS, ids, 400, ids, 400);
	out = caused(foe, victim, body, n);
	ATF_CHECK_MSG(out <= 75, "Update: %llu", (unsigned long long)out);
	n = foe_leave(body, sizeof(body), &foe->sn_id, ids, 400);
	out = caused(foe, victim, body, n);
	ATF_CHECK_MSG(out <= 75, "Leave: %llu", (unsigned long long)out);
	sim_free(si);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, list);
	ATF_TP_ADD_TC(tp, back);
	ATF_TP_ADD_TC(tp, aside);
	ATF_TP_ADD_TC(tp, amplification);
	return (atf_no_error());
}
