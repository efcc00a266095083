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
 * Looking numbers up while others drop, lie and deny: in rings of simulated nodes
 * some of which are made to do so on the wire.
 */

#include <errno.h>

#include <atf-c.h>

#include "hand.h"

#define NUMBER	"+14085550100"
#define NOBODY	"+14085559999"

enum evil {
	DROP = 1,		/* forwards no request */
	DENY = 2,		/* answers a Fetch for itself with nothing */
	LIE = 4,		/* answers any Fetch that comes by with nothing */
	FLOOD = 8,		/* with three hundred entries of bad signatures */
	DEAF = 16,		/* no Fetch, Ping or RouteQuery leaves it */
	MISLEAD = 32		/* names nodes that do not exist to those who ask it */
};

static struct sim	*si;
static struct simnode	*asker, *owner, *root[REGIST_COPIES];
static unsigned		 evil[64];
static unsigned		 verified;

static void	 setup(int, uint64_t);
static struct simnode *before(const struct simnode *);
static int	 tap(struct sim *, struct simnode *, struct simnode *, const void *, size_t);
static int	 is_for(const struct simnode *, const struct wire_header *);
static void	 forge(struct simnode *, struct simnode *, const struct wire_header *, int);
static void	 mislead(struct simnode *, struct simnode *, const struct wire_header *,
		    const void *, size_t);
static void	 reply(struct simnode *, struct simnode *, const struct wire_header *,
		    const void *, size_t);
static size_t	 flood(uint8_t *, size_t);
static int	 count_verify(void *, const struct reload_signature *, const struct cur *,
		    const struct span *, size_t, int64_t, struct node_signer *,
		    const char **);
static void	 far_id(struct nodeid *, const struct nodeid *, uint64_t);

/* A ring, a number of node 1, and somebody who has nothing to do with it. */
static void
setup(int n, uint64_t seed)
{
	struct nodeid	 id;
	int		 i, j;

	memset(evil, 0, sizeof(evil));
	si = sim_new(n, seed);
	(void)sim_on(si, 0);
	ATF_REQUIRE_EQ(0, sim_join(si, 30000));
	for (i = 1; i < n; i++)
		(void)sim_on(si, i);
	ATF_REQUIRE_EQ(0, sim_join(si, 240000));
	sim_for(si, 60000);
	owner = &si->si_node[1];
	sim_numbers(owner, NUMBER, NUMBER, NULL, NULL, 0);
	sim_for(si, 20000);
	ATF_REQUIRE_EQ(1, owner->sn_regist->rg_npublished);
	for (i = 0; i < REGIST_COPIES; i++) {
		ATF_REQUIRE_EQ(0, regist_resource(e164_pack(NUMBER), (unsigned)i, &id));
		root[i] = sim_owner(si, &id);
	}
	for (i = n - 1; i > 1; i--) {
		asker = &si->si_node[i];
		for (j = 0; j < REGIST_COPIES; j++) {
			if (ring_is_neighbour(&asker->sn_node->n_ring, &root[j]->sn_id) ||
			    root[j] == asker)
				break;
		}
		if (j == REGIST_COPIES)
			break;
	}
	ATF_REQUIRE(i > 1);
	si->si_tap = tap;
}

static struct simnode *
before(const struct simnode *sn)
{
	const struct nodeid *id = ring_pred(&sn->sn_node->n_ring, 0);
	int		 i;

	for (i = 0; i < si->si_nnodes; i++) {
		if (nodeid_eq(&si->si_node[i].sn_id, id))
			return (&si->si_node[i]);
	}
	return (NULL);
}

/* Does it consume that message? */
static int
is_for(const struct simnode *sn, const struct wire_header *wh)
{
	struct wire_dest wd;
	struct nodeid	 id;
	struct cur	 c = wh->wh_dest;

	if (wire_dest_next(&c, &wd) != 1 || wd.wd_id.len != NODEID_LEN)
		return (0);
	memcpy(id.id_b, wd.wd_id.p, NODEID_LEN);
	if (wd.wd_type == WIRE_DEST_RESOURCE)
		return (ring_responsible(&sn->sn_node->n_ring, &id));
	return (nodeid_eq(&id, &sn->sn_id) && cur_left(&c) == 0);
}

static int
tap(struct sim *s, struct simnode *from, struct simnode *to, const void *msg, size_t len)
{
	struct wire_header wh;
	struct wire_error we;
	struct cur	 c;
	uint16_t	 code;
	unsigned	 bad = evil[to->sn_index];

	(void)s;
	if (wire_fragment_parse(msg, len, &wh, &we) == -1)
		return (0);
	cur_init(&c, (const uint8_t *)msg + wh.wh_size, len - wh.wh_size);
	if (cur_u16(&c, &code) == -1 || (code != WIRE_FETCH && code != WIRE_PING &&
	    code != WIRE_ROUTEQUERY && code != WIRE_STORE))
		return (0);
	if (cur_left(&wh.wh_via) > 0 && (evil[from->sn_index] & DROP))
		return (1);
	if (code == WIRE_STORE)
		return (0);
	if (cur_left(&wh.wh_via) == 0 && (evil[from->sn_index] & DEAF))
		return (1);
	if (code == WIRE_ROUTEQUERY && (bad & MISLEAD) && is_for(to, &wh)) {
		mislead(to, from, &wh, msg, len);
		return (1);
	}
	if (code != WIRE_FETCH)
		return (0);
	if ((bad & LIE) || ((bad & (DENY | FLOOD)) && is_for(to, &wh))) {
		forge(to, from, &wh, (bad & FLOOD) != 0);
		return (1);
	}
	return (0);
}

/* Three hundred entries, well formed, that nobody signed. */
static size_t
flood(uint8_t *out, size_t size)
{
	struct wire_stored ws;
	struct wbuf	 w, sw;
	struct cur	 c;
	uint8_t		 sig[32] = { 0 }, sb[128];
	char		 key[64], hex[NODEID_HEXLEN];
	int		 i;

	wbuf_init(&sw, sb, sizeof(sb));
	reload_signature_write(&sw, RELOAD_SIG_ECDSA, owner->sn_sha256, sig, sizeof(sig));
	cur_init(&c, sb, sw.w_len);
	memset(&ws, 0, sizeof(ws));
	ATF_REQUIRE_EQ(0, reload_signature_parse(&c, &ws.ws_sig));
	ws.ws_time = SIM_WALL + si->si_now;
	ws.ws_lifetime = 86400;
	ws.ws_value.wv_exists = 1;
	ws.ws_value.wv_key.p = key;
	ws.ws_value.wv_key.len = REGIST_KEY_LEN;
	wbuf_init(&w, out, size);
	for (i = 0; i < 300; i++) {
		(void)snprintf(key, sizeof(key), "%s+%016x", nodeid_hex(&owner->sn_id, hex), i);
		wire_stored_write(&w, RELOAD_DICTIONARY, &ws);
	}
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	return (w.w_len);
}

/* sn answers, over the link to where the request came from. */
static void
forge(struct simnode *sn, struct simnode *to, const struct wire_header *wh, int full)
{
	static uint8_t	 contents[80000], kinds[70000], values[65000];
	struct wire_kinddata wk;
	struct wbuf	 w;
	struct cur	 c;
	size_t		 mark;

	memset(&wk, 0, sizeof(wk));
	wk.wk_kind = RELOAD_KIND_VIPR;
	wk.wk_model = RELOAD_DICTIONARY;
	cur_init(&wk.wk_values, values, full ? flood(values, sizeof(values)) : 0);
	wbuf_init(&w, kinds, sizeof(kinds));
	wire_kinddata_write(&w, &wk);
	cur_init(&c, kinds, w.w_len);
	wbuf_init(&w, contents, sizeof(contents));
	mark = wire_contents_open(&w, WIRE_FETCH_ANS);
	wire_fetchans_write(&w, &c);
	wire_contents_close(&w, mark, NULL);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	reply(sn, to, wh, contents, w.w_len);
}

/* Whatever point is asked for: a node just before it, and each time another. */
static void
mislead(struct simnode *sn, struct simnode *to, const struct wire_header *wh,
    const void *msg, size_t len)
{
	struct wire_msg	 wm;
	struct wire_error we;
	struct wire_routequery wq;
	struct nodeid	 id, step;
	struct wbuf	 w;
	uint8_t		 contents[64];
	size_t		 mark;

	ATF_REQUIRE_EQ(0, wire_msg_parse(msg, len, &wm, &we));
	ATF_REQUIRE_EQ(0, wire_routequery_parse(&wm.wm_contents.wc_body, &wq, &we));
	memcpy(id.id_b, wq.wq_dest.wd_id.p, NODEID_LEN);
	nodeid_pow2(90, &step);
	nodeid_sub(&id, &step, &id);
	wbuf_init(&w, contents, sizeof(contents));
	mark = wire_contents_open(&w, WIRE_ROUTEQUERY_ANS);
	wbuf_bytes(&w, id.id_b, NODEID_LEN);
	wire_contents_close(&w, mark, NULL);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	reply(sn, to, wh, contents, w.w_len);
}

static void
reply(struct simnode *sn, struct simnode *to, const struct wire_header *wh,
    const void *contents, size_t len)
{
	struct hand	 ha;
	struct wbuf	 w;
	uint8_t		 dest[1024];

	hand_init(&ha, wh->wh_tid);
	wbuf_init(&w, dest, sizeof(dest));
	wire_dest_node(&w, to->sn_id.id_b);
	wire_dest_reverse(&w, &wh->wh_via);
	cur_init(&ha.ha_dest, dest, w.w_len);
	ATF_REQUIRE_EQ(0, hand_send(sn, sn, to, &ha, contents, len));
}

/* In peace: three Fetches, whether there is somebody or nobody. */
ATF_TC_WITHOUT_HEAD(peace);
ATF_TC_BODY(peace, tc)
{
	struct lookup_result lr;

	setup(40, 1);
	ATF_CHECK_EQ(1, sim_lookup(asker, NUMBER, &lr));
	ATF_CHECK(nodeid_eq(&owner->sn_id, &lr.lr_node[0]));
	ATF_CHECK_EQ(3, lr.lr_requests);
	ATF_CHECK_EQ(3, lr.lr_answers);
	ATF_CHECK_EQ(3, lr.lr_witnesses);
	ATF_CHECK_EQ(0, lr.lr_doubts);
	ATF_CHECK_EQ(0, sim_lookup(asker, NOBODY, &lr));
	ATF_CHECK_EQ(3, lr.lr_requests);
	ATF_CHECK_EQ(3, lr.lr_answers);
	/* Our own: it is not a claimant, but it is seen. */
	ATF_CHECK_EQ(0, sim_lookup(owner, NUMBER, &lr));
	ATF_CHECK_EQ(3, lr.lr_own);
	ATF_CHECK_EQ(1, lr.lr_ownexists);
	sim_free(si);
}

/* The first hop of each ordinary route drops. */
ATF_TC_WITHOUT_HEAD(first_hop);
ATF_TC_BODY(first_hop, tc)
{
	struct lookup_result lr;
	const struct nodeid *hop;
	struct nodeid	 id;
	int		 i, j;

	setup(40, 2);
	for (i = 0; i < REGIST_COPIES; i++) {
		(void)regist_resource(e164_pack(NUMBER), (unsigned)i, &id);
		hop = ring_next_hop(&asker->sn_node->n_ring, &id);
		for (j = 0; j < si->si_nnodes; j++) {
			if (nodeid_eq(&si->si_node[j].sn_id, hop))
				evil[j] = DROP;
		}
	}
	ATF_CHECK_EQ(1, sim_lookup(asker, NUMBER, &lr));
	ATF_CHECK(lr.lr_requests > 3);
	ATF_CHECK(lr.lr_requests <= 40);
	ATF_CHECK(lr.lr_doubts > 0);
	sim_free(si);
}

/*
 * The node before each root drops, through which every route to the place goes:
 * the roots or their successors are reached through guides.
 */
ATF_TC_WITHOUT_HEAD(predecessors);
ATF_TC_BODY(predecessors, tc)
{
	struct lookup_result lr;
	uint64_t	 seed;
	int		 i;

	for (seed = 3; seed < 8; seed++) {
		setup(40, seed);
		for (i = 0; i < REGIST_COPIES; i++) {
			if (before(root[i]) != asker)
				evil[before(root[i])->sn_index] = DROP;
		}
		ATF_CHECK_EQ_MSG(1, sim_lookup(asker, NUMBER, &lr), "seed %d: %u requests",
		    (int)seed, lr.lr_requests);
		sim_free(si);
	}
}

/* The same, and the three roots deny as well: their successors have copies. */
ATF_TC_WITHOUT_HEAD(predecessors_and_roots);
ATF_TC_BODY(predecessors_and_roots, tc)
{
	struct lookup_result lr;
	int		 i;

	setup(40, 8);
	for (i = 0; i < REGIST_COPIES; i++) {
		evil[root[i]->sn_index] = DROP | DENY;
		evil[before(root[i])->sn_index] = DROP;
	}
	ATF_CHECK_EQ(1, sim_lookup(asker, NUMBER, &lr));
	ATF_CHECK(lr.lr_doubts > 0);
	sim_free(si);
}

/* The nodes before the roots drop, and name nodes that do not exist. */
ATF_TC_WITHOUT_HEAD(misled);
ATF_TC_BODY(misled, tc)
{
	struct lookup_result lr;
	uint64_t	 seed;
	int		 i;

	for (seed = 3; seed < 8; seed++) {
		setup(40, seed);
		for (i = 0; i < REGIST_COPIES; i++) {
			if (before(root[i]) != asker)
				evil[before(root[i])->sn_index] = DROP | MISLEAD;
		}
		ATF_CHECK_EQ_MSG(1, sim_lookup(asker, NUMBER, &lr), "seed %d: %u requests",
		    (int)seed, lr.lr_requests);
		ATF_CHECK(lr.lr_requests <= LOOKUP_REQUESTS_MAX);
		sim_free(si);
	}
}

/* Nodes on the way answer themselves: not near enough to be believed, or not
 * the only ones who are asked. */
ATF_TC_WITHOUT_HEAD(liars);
ATF_TC_BODY(liars, tc)
{
	struct lookup_result lr;
	const struct nodeid *hop;
	struct nodeid	 id;
	int		 i, j;

	setup(40, 9);
	for (i = 0; i < REGIST_COPIES; i++) {
		(void)regist_resource(e164_pack(NUMBER), (unsigned)i, &id);
		hop = ring_next_hop(&asker->sn_node->n_ring, &id);
		for (j = 0; j < si->si_nnodes; j++) {
			if (nodeid_eq(&si->si_node[j].sn_id, hop))
				evil[j] = LIE;
		}
	}
	ATF_CHECK_EQ(1, sim_lookup(asker, NUMBER, &lr));
	sim_free(si);
}

/* One root denies: the other two names are enough, at no cost. */
ATF_TC_WITHOUT_HEAD(one_denies);
ATF_TC_BODY(one_denies, tc)
{
	struct lookup_result lr;

	setup(40, 10);
	evil[root[0]->sn_index] = DENY;
	ATF_CHECK_EQ(1, sim_lookup(asker, NUMBER, &lr));
	ATF_CHECK_EQ(3, lr.lr_requests);
	sim_free(si);
}

/* Two deny: one name against two is a contradiction, and all is looked at. */
ATF_TC_WITHOUT_HEAD(two_deny);
ATF_TC_BODY(two_deny, tc)
{
	struct lookup_result lr;

	setup(40, 11);
	evil[root[0]->sn_index] = evil[root[1]->sn_index] = DENY;
	ATF_CHECK_EQ(1, sim_lookup(asker, NUMBER, &lr));
	ATF_CHECK(lr.lr_requests > 3);
	sim_free(si);
}

/*
 * All three deny.  Without any reason for doubt that is believed; after a few
 * silences it is not, and the copies at the successors are found.
 */
ATF_TC_WITHOUT_HEAD(all_deny);
ATF_TC_BODY(all_deny, tc)
{
	struct lookup_result lr;
	int		 i;

	setup(40, 12);
	for (i = 0; i < REGIST_COPIES; i++)
		evil[root[i]->sn_index] = DENY;
	ATF_CHECK_EQ(0, sim_lookup(asker, NUMBER, &lr));
	ATF_CHECK_EQ(3, lr.lr_requests);
	sim_clock(asker);
	ATF_CHECK(!detour_doubted(asker->sn_node));
	for (i = 0; i < 6; i++)
		detour_doubt(asker->sn_node);
	ATF_CHECK(detour_doubted(asker->sn_node));
	ATF_CHECK_EQ(1, sim_lookup(asker, NUMBER, &lr));
	ATF_CHECK(lr.lr_requests > 3);
	/* What nobody has costs more then, too, but has an end. */
	ATF_CHECK_EQ(0, sim_lookup(asker, NOBODY, &lr));
	ATF_CHECK(lr.lr_requests > 3);
	ATF_CHECK(lr.lr_requests <= LOOKUP_REQUESTS_MAX);
	/* Doubt passes. */
	sim_for(si, 3600000);
	sim_clock(asker);
	ATF_CHECK(!detour_doubted(asker->sn_node));
	ATF_CHECK_EQ(0, sim_lookup(asker, NOBODY, &lr));
	ATF_CHECK_EQ(3, lr.lr_requests);
	sim_free(si);
}

/* Nothing that we send arrives: bounded in requests and time. */
ATF_TC_WITHOUT_HEAD(silence);
ATF_TC_BODY(silence, tc)
{
	struct sim_lookup sl;
	uint64_t	 at;
	size_t		 reqs;

	setup(40, 13);
	evil[asker->sn_index] = DEAF;
	memset(&sl, 0, sizeof(sl));
	sim_clock(asker);
	reqs = asker->sn_node->n_nreqs;
	ATF_REQUIRE_EQ(0, lookup_start(asker->sn_node, e164_pack(NUMBER), sim_lookup_done, &sl));
	sim_rewake(asker);
	for (at = si->si_now; !sl.sl_done && si->si_now - at < 30000;)
		sim_for(si, 100);
	ATF_REQUIRE(sl.sl_done);
	ATF_CHECK(si->si_now - at <= LOOKUP_TIME_MS + 1000);
	ATF_CHECK_EQ(ETIMEDOUT, sl.sl_res.lr_error);
	ATF_CHECK_EQ(0, sl.sl_res.lr_answers);
	ATF_CHECK(sl.sl_res.lr_requests > 20);
	ATF_CHECK(sl.sl_res.lr_requests <= LOOKUP_REQUESTS_MAX);
	ATF_CHECK(TAILQ_EMPTY(&asker->sn_node->n_lookups));
	ATF_CHECK(asker->sn_node->n_nreqs <= reqs + 4);
	sim_free(si);
}

/* The node goes while look-ups are under way, in each of their states. */
ATF_TC_WITHOUT_HEAD(cancelled);
ATF_TC_BODY(cancelled, tc)
{
	struct sim_lookup sl[40];
	int		 i;

	setup(40, 14);
	evil[asker->sn_index] = DEAF;
	memset(sl, 0, sizeof(sl));
	for (i = 0; i < 40; i++) {
		sim_clock(asker);
		ATF_REQUIRE_EQ(0, lookup_start(asker->sn_node, e164_pack(NUMBER),
		    sim_lookup_done, &sl[i]));
		sim_rewake(asker);
		if (i == 30)
			evil[asker->sn_index] = 0;
		sim_for(si, i < 20 ? 400 : 5);
	}
	sim_off(si, asker->sn_index, 1);
	for (i = 0; i < 40; i++)
		ATF_CHECK_EQ_MSG(1, sl[i].sl_done, "%d not told", i);
	ATF_CHECK_EQ(ETIMEDOUT, sl[29].sl_res.lr_error);
	sim_free(si);
}

static int
count_verify(void *arg, const struct reload_signature *rs, const struct cur *bucket,
    const struct span *parts, size_t n, int64_t now, struct node_signer *ng,
    const char **why)
{
	verified++;
	return (sim_verify(arg, rs, bucket, parts, n, now, ng, why));
}

/* Answers full of rubbish cost a few verifications each. */
ATF_TC_WITHOUT_HEAD(flooded);
ATF_TC_BODY(flooded, tc)
{
	struct node_ops	 ops = sim_ops;
	struct lookup_result lr;
	int		 i;

	setup(40, 15);
	ops.no_verify = count_verify;
	asker->sn_node->n_ops = &ops;
	for (i = 0; i < si->si_nnodes; i++)
		evil[i] = &si->si_node[i] == asker ? 0 : FLOOD;
	verified = 0;
	ATF_CHECK_EQ(0, sim_lookup(asker, NUMBER, &lr));
	ATF_CHECK_MSG(verified >= 3, "%u", verified);
	ATF_CHECK_MSG(verified <= 12 * LOOKUP_REQUESTS_MAX, "%u", verified);
	asker->sn_node->n_ops = &sim_ops;
	sim_free(si);
}

/* The same values from several holders are verified once. */
ATF_TC_WITHOUT_HEAD(once);
ATF_TC_BODY(once, tc)
{
	struct node_ops	 ops = sim_ops;
	struct lookup_result lr;
	int		 i;

	setup(40, 16);
	ops.no_verify = count_verify;
	asker->sn_node->n_ops = &ops;
	verified = 0;
	ATF_CHECK_EQ(1, sim_lookup(asker, NUMBER, &lr));
	/* Three answers and three values. */
	ATF_CHECK(verified >= 6);
	ATF_CHECK_MSG(verified <= 8, "%u", verified);
	for (i = 0; i < 2; i++)
		evil[root[i]->sn_index] = DENY;
	verified = 0;
	ATF_CHECK_EQ(1, sim_lookup(asker, NUMBER, &lr));
	ATF_CHECK_MSG(verified <= 3 + 2 * lr.lr_requests, "%u of %u", verified, lr.lr_requests);
	asker->sn_node->n_ops = &sim_ops;
	sim_free(si);
}

/* A Store that is dropped before each root gets there on the second try. */
ATF_TC_WITHOUT_HEAD(store_around);
ATF_TC_BODY(store_around, tc)
{
	struct regist_entry *re;
	struct nodeid	 id;
	int		 i;

	setup(40, 17);
	sim_numbers(owner, NULL, NULL, NULL, NULL, 0);
	sim_for(si, 20000);
	ATF_REQUIRE_EQ(0, owner->sn_regist->rg_nentries);
	for (i = 0; i < REGIST_COPIES; i++) {
		if (before(root[i]) != owner)
			evil[before(root[i])->sn_index] = DROP;
	}
	sim_numbers(owner, NUMBER, NUMBER, NULL, NULL, 0);
	sim_for(si, 40000);
	ATF_CHECK_EQ(0, owner->sn_regist->rg_npublished);
	sim_for(si, 240000);
	re = regist_find(owner->sn_regist, e164_pack(NUMBER));
	ATF_REQUIRE(re != NULL);
	ATF_CHECK_STREQ("published", regist_state_str(re));
	ATF_CHECK_EQ(0, re->re_fails);
	for (i = 0; i < REGIST_COPIES; i++) {
		(void)regist_resource(e164_pack(NUMBER), (unsigned)i, &id);
		ATF_CHECK(storage_find(&root[i]->sn_node->n_storage, &id,
		    RELOAD_KIND_VIPR) != NULL);
	}
	sim_free(si);
}

/* A point so many 2^-64 of the ring behind another. */
static void
far_id(struct nodeid *id, const struct nodeid *from, uint64_t distance)
{
	struct nodeid	 d;
	size_t		 i;

	memset(&d, 0, sizeof(d));
	for (i = 0; i < 8; i++)
		d.id_b[i] = (uint8_t)(distance >> (56 - 8 * i));
	nodeid_add(from, &d, id);
}

/* Who may be responsible, as one's own neighbours stand. */
ATF_TC_WITHOUT_HEAD(credible);
ATF_TC_BODY(credible, tc)
{
	struct node	*n;
	struct nodeid	 id, place, via;
	uint64_t	 gap = UINT64_MAX / 10000;
	int		 i;

	si = sim_new(1, 18);
	n = sim_on(si, 0)->sn_node;
	/* Alone: anybody; five more: the whole ring is known. */
	far_id(&place, &n->n_self, UINT64_MAX / 2);
	far_id(&id, &place, UINT64_MAX / 4);
	ATF_CHECK_EQ(UINT64_MAX, detour_gap(n));
	ATF_CHECK(detour_credible(n, &place, &id));
	ATF_CHECK_EQ(-1, detour_pick(n, &place, NULL, 0, &via));
	for (i = 1; i <= 3; i++) {
		far_id(&id, &n->n_self, gap * (uint64_t)i);
		ATF_REQUIRE_EQ(1, ring_add(&n->n_ring, &id));
		far_id(&id, &n->n_self, 0 - gap * (uint64_t)i);
		ATF_REQUIRE_EQ(1, ring_add(&n->n_ring, &id));
	}
	ATF_CHECK_EQ(UINT64_MAX / 7, detour_gap(n));
	/* As many fingers as a ring of ten thousand gives. */
	for (i = 1; i <= 11; i++) {
		far_id(&id, &n->n_self, (UINT64_MAX >> i) + gap / 8);
		ATF_REQUIRE_EQ(1, ring_add(&n->n_ring, &id));
	}
	ATF_CHECK(detour_gap(n) >= gap - 10 && detour_gap(n) <= 2 * gap);
	far_id(&id, &place, gap);
	ATF_CHECK(detour_credible(n, &place, &id));
	ATF_CHECK(detour_credible(n, &place, &place));
	far_id(&id, &place, 60 * gap);
	ATF_CHECK(detour_credible(n, &place, &id));
	far_id(&id, &place, 130 * gap);
	ATF_CHECK(!detour_credible(n, &place, &id));
	/* Just before it: on the way there. */
	far_id(&id, &place, 0 - gap / 2);
	ATF_CHECK(!detour_credible(n, &place, &id));
	/* Our successor stands nearer. */
	far_id(&place, &n->n_self, gap / 2);
	far_id(&id, &n->n_self, gap + gap / 2);
	ATF_CHECK(!detour_credible(n, &place, &id));
	far_id(&id, &n->n_self, gap);
	ATF_CHECK(detour_credible(n, &place, &id));
	/* Foes crowd around us: nobody else is any less credible for that. */
	for (i = 1; i <= 3; i++) {
		far_id(&id, &n->n_self, gap / 100 * (uint64_t)i);
		ATF_REQUIRE_EQ(1, ring_add(&n->n_ring, &id));
		far_id(&id, &n->n_self, 0 - gap / 100 * (uint64_t)i);
		ATF_REQUIRE_EQ(1, ring_add(&n->n_ring, &id));
	}
	far_id(&place, &n->n_self, UINT64_MAX / 2 + 1000 * gap);
	far_id(&id, &place, 10 * gap);
	ATF_CHECK(detour_credible(n, &place, &id));
	sim_free(si);
}

/* Other ways are other ones as long as there are any. */
ATF_TC_WITHOUT_HEAD(ways);
ATF_TC_BODY(ways, tc)
{
	struct node	*n;
	struct nodeid	 used[40], place, id;
	size_t		 i, j;

	si = sim_new(1, 19);
	n = sim_on(si, 0)->sn_node;
	sim_random(&si->si_node[0], place.id_b, NODEID_LEN);
	for (i = 0; i < 40; i++) {
		sim_random(&si->si_node[0], id.id_b, NODEID_LEN);
		ATF_REQUIRE_EQ(1, ring_add(&n->n_ring, &id));
	}
	for (i = 0; i < 40; i++) {
		ATF_REQUIRE_EQ(0, detour_pick(n, &place, used, i, &used[i]));
		ATF_CHECK(ring_has(&n->n_ring, &used[i]));
		for (j = 0; j < i; j++)
			ATF_CHECK(!nodeid_eq(&used[i], &used[j]));
	}
	ATF_CHECK_EQ(0, detour_pick(n, &place, used, 40, &id));
	ATF_CHECK(ring_has(&n->n_ring, &id));
	sim_free(si);
}

/* All links are taken and in use: a stranger is sent away, a nearer neighbour
 * is let in for the one that was of no use for longest. */
ATF_TC_WITHOUT_HEAD(make_room);
ATF_TC_BODY(make_room, tc)
{
	struct node	*n;
	struct node_peer *np;
	struct nodeid	 id, oldest;
	struct vaddr	 va;
	uint64_t	 step = UINT64_MAX / (NODE_LINKS_MAX + 2);
	size_t		 i;

	si = sim_new(1, 20);
	n = sim_on(si, 0)->sn_node;
	memset(&oldest, 0, sizeof(oldest));
	for (i = 1; i <= NODE_LINKS_MAX; i++) {
		far_id(&id, &n->n_self, step * i);
		va = si->si_node[0].sn_addr;
		va.va_port = (uint16_t)(1000 + i);
		ATF_REQUIRE_EQ(0, node_link_up(n, node_link_id(n), &id, &va, 1));
		ATF_REQUIRE((np = node_peer_find(n, &id)) != NULL);
		np->np_routable = 1;
		np->np_used = si->si_now + i;
		(void)ring_add(&n->n_ring, &id);
	}
	/* The one idle longest that is neither neighbour nor finger. */
	for (i = 1; i <= NODE_LINKS_MAX; i++) {
		far_id(&id, &n->n_self, step * i);
		if (!ring_is_neighbour(&n->n_ring, &id) && !ring_is_finger(&n->n_ring, &id)) {
			oldest = id;
			break;
		}
	}
	node_clock(n, si->si_now + NODE_LINKS_MAX + 1, SIM_WALL + si->si_now);
	ATF_REQUIRE_EQ(NODE_LINKS_MAX, n->n_nlinks);
	far_id(&id, &n->n_self, step * 100 + step / 2);
	ATF_CHECK_EQ(-1, node_link_up(n, node_link_id(n), &id, &va, 1));
	ATF_CHECK_EQ(NODE_LINKS_MAX, n->n_nlinks);
	ATF_CHECK(node_peer_find(n, &oldest) != NULL);
	far_id(&id, &n->n_self, step / 2);
	ATF_CHECK_EQ(0, node_link_up(n, node_link_id(n), &id, &va, 1));
	ATF_CHECK_EQ(NODE_LINKS_MAX, n->n_nlinks);
	ATF_CHECK(node_peer_find(n, &id) != NULL);
	ATF_CHECK(node_peer_find(n, &oldest) == NULL);
	ATF_CHECK(!ring_has(&n->n_ring, &oldest));
	sim_free(si);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, peace);
	ATF_TP_ADD_TC(tp, first_hop);
	ATF_TP_ADD_TC(tp, predecessors);
	ATF_TP_ADD_TC(tp, predecessors_and_roots);
	ATF_TP_ADD_TC(tp, misled);
	ATF_TP_ADD_TC(tp, liars);
	ATF_TP_ADD_TC(tp, one_denies);
	ATF_TP_ADD_TC(tp, two_deny);
	ATF_TP_ADD_TC(tp, all_deny);
	ATF_TP_ADD_TC(tp, silence);
	ATF_TP_ADD_TC(tp, cancelled);
	ATF_TP_ADD_TC(tp, flooded);
	ATF_TP_ADD_TC(tp, once);
	ATF_TP_ADD_TC(tp, store_around);
	ATF_TP_ADD_TC(tp, credible);
	ATF_TP_ADD_TC(tp, ways);
	ATF_TP_ADD_TC(tp, make_room);
	return (atf_no_error());
}
