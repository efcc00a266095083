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
 * Slow and silent peers: answers that come late or not at all, acks that are
 * overdue.  The ring goes on without them, and takes them back.
 */

#include <atf-c.h>

#include "simnet.h"
#include "simfoe.h"

static struct simnode	*slow;
static uint64_t		 delay;	/* ms; UINT64_MAX: for ever */

static int	 slow_tap(struct sim *, struct simnode *, struct simnode *,
		    const void *, size_t);
static struct sim *slow_ring(int, uint64_t);
static void	 suspect(struct sim *, int, int);

static int
slow_tap(struct sim *si, struct simnode *from, struct simnode *to, const void *msg,
    size_t len)
{
	struct simlink	*sl;

	(void)si;
	if (from != slow)
		return (0);
	if (delay == UINT64_MAX)
		return (1);
	RB_FOREACH(sl, simlinks, &from->sn_links) {
		if (sl->sl_peer == to && sl->sl_up) {
			sim_event(to, SE_MSG, delay, sl->sl_peerid, msg, len);
			break;
		}
	}
	return (1);
}

static struct sim *
slow_ring(int n, uint64_t seed)
{
	struct sim	*si = foe_ring(n, 0, seed);

	sim_numbers(&si->si_node[1], "+14085550100", "+14085550109", NULL, NULL, 0);
	sim_for(si, 20000);
	slow = &si->si_node[5];
	si->si_tap = slow_tap;
	return (si);
}

/* Four seconds late: requests are repeated, and done once. */
ATF_TC_WITHOUT_HEAD(late);
ATF_TC_BODY(late, tc)
{
	struct sim	*si = slow_ring(8, 1);
	uint64_t	 lost = 0;
	int		 i;

	delay = 4000;
	for (i = 0; i < 8; i++)
		lost += si->si_node[i].sn_node->n_stats.ns_lost_peers;
	sim_for(si, 300000);
	for (i = 0; i < 8; i++) {
		lost -= si->si_node[i].sn_node->n_stats.ns_lost_peers;
		foe_bounds(&si->si_node[i]);
		if (i != 1 && i != 5)
			ATF_CHECK_EQ(1, foe_claimants(&si->si_node[i], "+14085550104"));
	}
	ATF_CHECK_EQ_MSG(0, lost, "%llu peers lost", (unsigned long long)-lost);
	foe_settle(si, 1000);
	sim_free(si);
}

/* It reads and says nothing: given up in the time that Ping takes, while its
 * links stand; and taken back. */
ATF_TC_WITHOUT_HEAD(silent);
ATF_TC_BODY(silent, tc)
{
	struct sim	*si = slow_ring(8, 2);
	int		 i, k;

	delay = UINT64_MAX;
	/* At once the look-ups still succeed: there are three names, and copies. */
	for (i = 0; i < 8; i++) {
		if (i != 1 && i != 5)
			ATF_CHECK_EQ(1, foe_claimants(&si->si_node[i], "+14085550104"));
	}
	sim_for(si, 120000);
	for (i = 0; i < 8; i++) {
		if (i == 5)
			continue;
		ATF_CHECK(!ring_has(&si->si_node[i].sn_node->n_ring, &slow->sn_id));
		ATF_CHECK_EQ(0, si->si_node[i].sn_node->n_nsigwait);
		ATF_CHECK_MSG(si->si_node[i].sn_node->n_nreqs < 20, "%zu requests",
		    si->si_node[i].sn_node->n_nreqs);
	}
	for (k = 0; k < 3; k++)
		ATF_CHECK(foe_copies(si, e164_pack("+14085550104"), (unsigned)k) >= 3);
	delay = SIM_LATENCY;
	sim_for(si, 600000);
	ATF_CHECK_EQ(0, sim_unjoined(si));
	ATF_CHECK_EQ(0, sim_wrong(si));
	ATF_CHECK_EQ(1, foe_claimants(slow, "+14085550104"));
	sim_free(si);
}

/* What the shell says of overdue acks. */
static void
suspect(struct sim *si, int node, int on)
{
	struct simlink	*sl;
	struct simnode	*sn;

	RB_FOREACH(sl, simlinks, &si->si_node[node].sn_links) {
		sn = sl->sl_peer;
		if (sn->sn_node == NULL || sim_link(sn, sl->sl_peerid) == NULL)
			continue;
		sim_clock(sn);
		node_link_suspect(sn->sn_node, sl->sl_peerid, on);
		sim_rewake(sn);
	}
}

ATF_TC_WITHOUT_HEAD(acks);
ATF_TC_BODY(acks, tc)
{
	struct sim	*si = slow_ring(8, 3);
	uint64_t	 signs = 0;
	int		 i, k;

	si->si_tap = NULL;
	suspect(si, 5, 1);
	for (i = 0; i < 8; i++) {
		if (i != 5)
			ATF_CHECK(!ring_has(&si->si_node[i].sn_node->n_ring, &slow->sn_id));
	}
	for (i = 0; i < 8; i++) {
		if (i != 1 && i != 5)
			ATF_CHECK_EQ(1, foe_claimants(&si->si_node[i], "+14085550104"));
	}
	suspect(si, 5, 0);
	for (i = 0; i < 8; i++) {
		if (i != 5)
			ATF_CHECK(ring_has(&si->si_node[i].sn_node->n_ring, &slow->sn_id));
	}
	foe_settle(si, 60000);
	/* To and fro, twice a second for two minutes: no storm of Updates. */
	for (i = 0; i < 8; i++)
		signs += si->si_node[i].sn_signs;
	for (k = 0; k < 240; k++) {
		suspect(si, 5, k % 2 == 0);
		sim_for(si, 500);
	}
	for (i = 0; i < 8; i++) {
		signs -= si->si_node[i].sn_signs;
		foe_bounds(&si->si_node[i]);
	}
	ATF_CHECK_MSG(-signs < 16000, "%llu signatures", (unsigned long long)-signs);
	foe_settle(si, 120000);
	for (i = 0; i < 8; i++) {
		if (i != 1)
			ATF_CHECK_EQ(1, foe_claimants(&si->si_node[i], "+14085550104"));
	}
	sim_free(si);
}

/* The newest link of a peer is bad, an older one is not. */
ATF_TC_WITHOUT_HEAD(second_link);
ATF_TC_BODY(second_link, tc)
{
	struct sim	*si = foe_ring(4, 0, 4);
	struct simnode	*a = &si->si_node[0], *b = &si->si_node[2];
	struct node_peer *np;
	uint64_t	 first, second;

	sim_clock(a);
	np = node_peer_find(a->sn_node, &b->sn_id);
	ATF_REQUIRE(np != NULL);
	first = route_peer_link(np);
	ATF_REQUIRE(node_connect(a->sn_node, &b->sn_addr, 0) != 0);
	sim_for(si, 4 * SIM_LATENCY);
	np = node_peer_find(a->sn_node, &b->sn_id);
	second = route_peer_link(np);
	ATF_REQUIRE(second != first && node_link_find(a->sn_node, first) != NULL);
	node_link_suspect(a->sn_node, second, 1);
	ATF_CHECK_EQ(first, route_peer_link(np));
	ATF_CHECK(ring_has(&a->sn_node->n_ring, &b->sn_id));
	node_link_suspect(a->sn_node, first, 1);
	ATF_CHECK(!ring_has(&a->sn_node->n_ring, &b->sn_id));
	node_link_suspect(a->sn_node, second, 0);
	ATF_CHECK_EQ(second, route_peer_link(np));
	ATF_CHECK(ring_has(&a->sn_node->n_ring, &b->sn_id));
	sim_rewake(a);
	foe_settle(si, 30000);
	sim_free(si);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, late);
	ATF_TP_ADD_TC(tp, silent);
	ATF_TP_ADD_TC(tp, acks);
	ATF_TP_ADD_TC(tp, second_link);
	return (atf_no_error());
}
