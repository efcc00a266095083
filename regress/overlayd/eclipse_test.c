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
 * Attempts to cut a node off from the honest ring: neighbours that are not
 * there, certified ones all around it, a full connection table, lies about who
 * has left, and poison for the addresses that a restart begins with.
 */

#include <atf-c.h>

#include "simnet.h"
#include "simfoe.h"

static void	 view(const struct simnode *, struct nodeid [2 * RING_NEIGHBOURS]);
static int	 polite_tap(struct sim *, struct simnode *, struct simnode *,
		    const void *, size_t);
static int	 has_honest(const struct sim *, const struct simnode *, int);

/* Foes answer what keeps them where they are, and drop all else. */
static int
polite_tap(struct sim *si, struct simnode *from, struct simnode *to, const void *msg,
    size_t len)
{
	struct wire_header wh;
	struct wire_error we;
	struct wire_dest wd;
	struct cur	 c;
	uint8_t		 body[256];
	uint16_t	 code;
	size_t		 n;

	(void)si;
	if (!to->sn_puppet || wire_fragment_parse(msg, len, &wh, &we) == -1)
		return (0);
	c = wh.wh_dest;
	if (wire_dest_next(&c, &wd) != 1 || wd.wd_id.len != NODEID_LEN ||
	    memcmp(wd.wd_id.p, to->sn_id.id_b, NODEID_LEN) != 0)
		return (1);
	cur_init(&c, (const uint8_t *)msg + wh.wh_size, len - wh.wh_size);
	if (cur_u16(&c, &code) == 0 && (code & 1) == 1 && code != WIRE_ERROR &&
	    (n = foe_polite(to, code, body, sizeof(body))) > 0)
		foe_answer(to, from, &wh, body, n);
	return (1);
}

static void
view(const struct simnode *sn, struct nodeid out[2 * RING_NEIGHBOURS])
{
	const struct nodeid *id;
	size_t		 i;

	memset(out, 0, 2 * RING_NEIGHBOURS * sizeof(out[0]));
	for (i = 0; (id = ring_succ(&sn->sn_node->n_ring, i)) != NULL; i++)
		out[i] = *id;
	for (i = 0; (id = ring_pred(&sn->sn_node->n_ring, i)) != NULL; i++)
		out[RING_NEIGHBOURS + i] = *id;
}

/* Links of a node to others that are really on. */
static int
has_honest(const struct sim *si, const struct simnode *sn, int n)
{
	int		 i, count = 0;

	for (i = 0; i < n; i++)
		count += si->si_node[i].sn_node != NULL &&
		    node_peer_find(sn->sn_node, &si->si_node[i].sn_id) != NULL;
	return (count);
}

/* Names next to ours that nobody bears: no neighbour gives way to them. */
ATF_TC_WITHOUT_HEAD(invented);
ATF_TC_BODY(invented, tc)
{
	struct sim	*si = foe_ring(12, 1, 1);
	struct simnode	*foe = &si->si_node[12], *victim = &si->si_node[0];
	struct nodeid	 ids[12], step, before[6], after[6];
	uint8_t		 body[2048];
	size_t		 n, i;
	int		 k;

	foe_link(foe, victim);
	for (i = 0; i < 12; i++) {
		nodeid_pow2((unsigned)(20 + i), &step);
		if (i % 2 == 0)
			nodeid_add(&victim->sn_id, &step, &ids[i]);
		else
			nodeid_sub(&victim->sn_id, &step, &ids[i]);
	}
	view(victim, before);
	n = foe_update(body, sizeof(body), WIRE_NEIGHBORS, ids, 6, ids + 6, 6);
	for (k = 0; k < 600; k++) {
		foe_ask(foe, victim, body, n);
		sim_for(si, 100);
		view(victim, after);
		/* The foe itself is a peer by now, and may be a neighbour. */
		if (k == 0)
			memcpy(before, after, sizeof(before));
		ATF_REQUIRE_EQ(0, memcmp(before, after, sizeof(before)));
	}
	/* They have failed: what an honest node names is still tried. */
	foe_unlink(foe);
	foe_settle(si, 60000);
	sim_free(si);
}

/* Certified foes on both sides, nearer than anybody: neighbours by right. */
ATF_TC_WITHOUT_HEAD(surrounded);
ATF_TC_BODY(surrounded, tc)
{
	struct sim	*si = foe_ring(16, 12, 2);
	struct simnode	*victim = &si->si_node[3];
	struct nodeid	 id, step;
	uint8_t		 body[2048];
	size_t		 n;
	int		 i, k, before;

	si->si_tap = polite_tap;
	sim_numbers(&si->si_node[1], "+14085550100", "+14085550119", NULL, NULL, 0);
	sim_numbers(victim, "+14085550200", "+14085550219", NULL, NULL, 0);
	sim_for(si, 20000);
	before = has_honest(si, victim, 16);
	for (i = 0; i < 12; i++) {
		nodeid_pow2((unsigned)(30 + i), &step);
		if (i % 2 == 0)
			nodeid_add(&victim->sn_id, &step, &id);
		else
			nodeid_sub(&victim->sn_id, &step, &id);
		foe_place(&si->si_node[16 + i], &id);
		foe_link(&si->si_node[16 + i], victim);
		n = foe_update(body, sizeof(body), WIRE_NEIGHBORS, NULL, 0, NULL, 0);
		foe_ask(&si->si_node[16 + i], victim, body, n);
	}
	for (k = 0; k < 60; k++) {
		sim_for(si, 30000);
		for (i = 0; i < 12; i++)
			foe_ask(&si->si_node[16 + i], victim, body, n);
	}
	/* Foes drop what is routed through them; it goes round them. */
	ATF_CHECK_EQ(1, foe_claimants(victim, "+14085550110"));
	/* It keeps its links to the others, */
	ATF_CHECK_MSG(has_honest(si, victim, 16) >= before - 1, "%d of %d links left",
	    has_honest(si, victim, 16), before);
	/* what it registered is found by them, */
	for (i = 0; i < 16; i++) {
		if (i != 3)
			ATF_CHECK_EQ(1, foe_claimants(&si->si_node[i], "+14085550210"));
	}
	/* and when the foes are gone, all is as it was. */
	for (i = 0; i < 12; i++)
		foe_unlink(&si->si_node[16 + i]);
	foe_settle(si, 120000);
	for (i = 0; i < 16; i++) {
		if (i != 1)
			ATF_CHECK_EQ(1, foe_claimants(&si->si_node[i], "+14085550110"));
	}
	sim_free(si);
}

/* Every place in the connection table taken by members that keep busy. */
ATF_TC_WITHOUT_HEAD(table);
ATF_TC_BODY(table, tc)
{
	struct sim	*si = foe_ring(12, 301, 3);
	struct simnode	*victim = &si->si_node[0], *late = &si->si_node[312];
	struct nodeid	 before[6], after[6], id, step;
	uint8_t		 body[2048], ping[256];
	size_t		 n, np;
	int		 i, k;

	si->si_tap = polite_tap;
	view(victim, before);
	n = foe_update(body, sizeof(body), WIRE_PEER_READY, NULL, 0, NULL, 0);
	np = hand_ping(ping, sizeof(ping), 1);
	/* They stand on the other side of the ring. */
	nodeid_pow2(127, &step);
	nodeid_add(&victim->sn_id, &step, &id);
	nodeid_pow2(100, &step);
	for (i = 12; i < 312; i++) {
		nodeid_add(&id, &step, &id);
		foe_place(&si->si_node[i], &id);
		foe_link(&si->si_node[i], victim);
		foe_ask(&si->si_node[i], victim, body, n);
	}
	for (k = 0; k < 100; k++) {
		for (i = 12; i < 312; i++)
			foe_ask(&si->si_node[i], victim, ping, np);
		sim_for(si, 1000);
	}
	foe_bounds(victim);
	view(victim, after);
	ATF_CHECK_EQ(0, memcmp(before, after, sizeof(before)));
	/* A new neighbour gets in all the same. */
	late->sn_puppet = 0;
	nodeid_pow2(90, &step);
	nodeid_sub(&victim->sn_id, &step, &id);
	foe_place(late, &id);
	(void)sim_on(si, 312);
	for (k = 0; k < 60; k++) {
		for (i = 12; i < 312; i++)
			foe_ask(&si->si_node[i], victim, ping, np);
		sim_for(si, 1000);
	}
	ATF_CHECK(node_is_joined(late->sn_node));
	ATF_REQUIRE(ring_pred(&victim->sn_node->n_ring, 0) != NULL);
	ATF_CHECK(nodeid_eq(ring_pred(&victim->sn_node->n_ring, 0), &late->sn_id));
	foe_bounds(victim);
	/* They are not needed: at rest most are let go. */
	sim_for(si, 200000);
	ATF_CHECK_MSG(victim->sn_node->n_nlinks <= NODE_LINKS_SOFT + 8, "%zu links",
	    victim->sn_node->n_nlinks);
	sim_free(si);
}

/* Links that are under way for strangers do not fill the table either. */
ATF_TC_WITHOUT_HEAD(half_open);
ATF_TC_BODY(half_open, tc)
{
	struct sim	*si = foe_ring(8, 201, 4);
	struct simnode	*victim = &si->si_node[0], *late = &si->si_node[208];
	struct vaddr	 va;
	char		 host[32];
	uint8_t		 body[512];
	size_t		 n;
	int		 i;

	for (i = 8; i < 208; i++)
		foe_link(&si->si_node[i], victim);
	for (i = 8; i < 208; i++) {
		/* Somebody who does not answer: two seconds until it fails. */
		(void)snprintf(host, sizeof(host), "10.99.%d.%d", i / 200, i % 200 + 1);
		ATF_REQUIRE_EQ(0, vaddr_parse(host, 7000, &va));
		si->si_node[i].sn_deaf = 1;
		n = foe_attach(body, sizeof(body), WIRE_ATTACH, "passive",
		    &si->si_node[i].sn_addr);
		si->si_node[i].sn_deaf = 0;
		foe_ask(&si->si_node[i], victim, body, n);
	}
	sim_for(si, 30);
	foe_bounds(victim);
	late->sn_puppet = 0;
	(void)sim_on(si, 208);
	ATF_CHECK_EQ(0, sim_join(si, 30000));
	foe_bounds(victim);
	sim_free(si);
}

/* A Leave with a list of invented nodes, and one for an honest neighbour. */
ATF_TC_WITHOUT_HEAD(leave);
ATF_TC_BODY(leave, tc)
{
	struct sim	*si = foe_ring(12, 1, 5);
	struct simnode	*foe = &si->si_node[12], *victim = &si->si_node[0];
	struct nodeid	 ids[60], before[6], after[6];
	uint8_t		 body[2048];
	size_t		 n;
	int		 i;

	view(victim, before);
	foe_link(foe, victim);
	foe_invent(si, ids, 60);
	for (i = 1; i < 12; i++) {
		n = foe_leave(body, sizeof(body), &si->si_node[i].sn_id, ids, 60);
		foe_ask(foe, victim, body, n);
		/* In its own name, but signed by the foe, over another's link. */
		foe_ask_from(foe, &si->si_node[i], victim, body, n);
		sim_for(si, 1000);
	}
	sim_for(si, 90000);
	n = foe_update(body, sizeof(body), WIRE_PEER_READY, NULL, 0, NULL, 0);
	foe_ask(foe, victim, body, n);
	sim_for(si, 1000);
	n = foe_leave(body, sizeof(body), &foe->sn_id, ids, 60);
	foe_ask(foe, victim, body, n);
	for (i = 0; i < 60; i++) {
		sim_for(si, 1000);
		view(victim, after);
		ATF_REQUIRE_EQ(0, memcmp(before, after, sizeof(before)));
	}
	/* Whoever has left and goes on as if not is not routed through. */
	n = foe_update(body, sizeof(body), WIRE_PEER_READY, NULL, 0, NULL, 0);
	foe_ask(foe, victim, body, n);
	sim_for(si, 1000);
	ATF_CHECK(!ring_has(&victim->sn_node->n_ring, &foe->sn_id));
	foe_unlink(foe);
	foe_settle(si, 10000);
	sim_free(si);
}

/* What is kept for a restart: where we have been, ten at most, and never all of
 * one who comes again and again. */
ATF_TC_WITHOUT_HEAD(cache);
ATF_TC_BODY(cache, tc)
{
	struct sim	*si = foe_ring(14, 30, 6);
	struct simnode	*victim = &si->si_node[3];
	struct vaddr	 va;
	uint8_t		 body[512];
	size_t		 n, j;
	int		 i, k;

	si->si_tap = polite_tap;
	ATF_REQUIRE(victim->sn_ncache > 0);
	/* They link to us, and say that they are at other hosts. */
	ATF_REQUIRE_EQ(0, vaddr_parse("203.0.113.7", 7000, &va));
	for (i = 14; i < 44; i++) {
		foe_link(&si->si_node[i], victim);
		for (j = 0; j < victim->sn_ncache; j++)
			ATF_CHECK(!vaddr_eq(&victim->sn_cache[j], &si->si_node[i].sn_addr));
		n = foe_attach(body, sizeof(body), WIRE_ATTACH_ANS, "active", &va);
		foe_ask(&si->si_node[i], victim, body, n);
	}
	/* They make us link to them, a hundred times each. */
	for (k = 0; k < 100; k++) {
		for (i = 14; i < 44; i++) {
			n = foe_attach(body, sizeof(body), WIRE_ATTACH, "passive",
			    &si->si_node[i].sn_addr);
			foe_ask(&si->si_node[i], victim, body, n);
		}
		sim_for(si, 3000);
	}
	ATF_CHECK(victim->sn_ncache <= NODE_CACHE_MAX);
	for (j = 0; j < victim->sn_ncache; j++) {
		ATF_CHECK(!vaddr_eq(&victim->sn_cache[j], &va));
	}
	/* At worst it knows foes only: the document's nodes come first. */
	sim_off(si, 3, 1);
	for (j = 0; j < NODE_CACHE_MAX; j++)
		victim->sn_cache[j] = si->si_node[14 + j].sn_addr;
	victim->sn_ncache = NODE_CACHE_MAX;
	sim_for(si, 10000);
	(void)sim_on(si, 3);
	ATF_CHECK_EQ(0, sim_join(si, 60000));
	sim_for(si, 60000);
	ATF_CHECK(has_honest(si, victim, 14) >= 6);
	sim_free(si);
}

/* Somebody with our neighbour's certificate: one link more, and no more than
 * three; the neighbour stays. */
ATF_TC_WITHOUT_HEAD(twin);
ATF_TC_BODY(twin, tc)
{
	struct sim	*si = foe_ring(6, 1, 7);
	struct simnode	*foe = &si->si_node[6], *victim = &si->si_node[0];
	const struct node_peer *np;
	const struct node_link *nl;
	int		 i, links;

	foe_place(foe, ring_succ(&victim->sn_node->n_ring, 0));
	for (i = 0; i < 20; i++) {
		foe_link(foe, victim);
		links = 0;
		np = node_peer_find(victim->sn_node, &foe->sn_id);
		ATF_REQUIRE(np != NULL);
		TAILQ_FOREACH(nl, &np->np_links, nl_bypeer)
			links++;
		ATF_CHECK_MSG(links <= 3, "%d links", links);
	}
	foe_bounds(victim);
	foe_unlink(foe);
	foe_settle(si, 60000);
	sim_free(si);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, invented);
	ATF_TP_ADD_TC(tp, surrounded);
	ATF_TP_ADD_TC(tp, table);
	ATF_TP_ADD_TC(tp, half_open);
	ATF_TP_ADD_TC(tp, leave);
	ATF_TP_ADD_TC(tp, cache);
	ATF_TP_ADD_TC(tp, twin);
	return (atf_no_error());
}
