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
 * Attach from both sides at once, when the answer that says so is faster than
 * the Attach that it speaks of; the memory of answers that were given.
 */

#include <atf-c.h>

#include "simnet.h"

static int	 swallow(struct sim *, struct simnode *, struct simnode *, const void *,
		    size_t);

struct once {
	struct simnode	*on_from;
	int		 on_done;
};

/* The first Attach of one node is lost on its way. */
static int
swallow(struct sim *si, struct simnode *from, struct simnode *to, const void *msg,
    size_t len)
{
	struct once	*on = si->si_taparg;
	struct wire_msg	 wm;
	struct wire_error we;

	(void)to;
	if (on->on_done || from != on->on_from ||
	    wire_msg_parse(msg, len, &wm, &we) == -1 ||
	    wm.wm_contents.wc_code != WIRE_ATTACH)
		return (0);
	on->on_done = 1;
	return (1);
}

ATF_TC_WITHOUT_HEAD(crossing);
ATF_TC_BODY(crossing, tc)
{
	struct sim	*si = sim_new(3, 11);
	struct simnode	*less, *more;
	struct node_peer *np;
	struct once	 on;
	size_t		 i;
	int		 k;

	for (k = 0; k < 3; k++) {
		sim_on(si, k);
		ATF_REQUIRE_EQ(sim_join(si, 60000), 0);
	}
	sim_for(si, 20000);
	k = nodeid_cmp(&si->si_node[1].sn_id, &si->si_node[2].sn_id) < 0;
	less = &si->si_node[k ? 1 : 2];
	more = &si->si_node[k ? 2 : 1];
	/* Part the two, and let nothing but Attach bring them together. */
	node_clock(less->sn_node, si->si_now, SIM_WALL + si->si_now);
	while ((np = node_peer_find(less->sn_node, &more->sn_id)) != NULL)
		node_link_drop(less->sn_node, node_link_find(less->sn_node,
		    route_peer_link(np)));
	sim_for(si, SIM_LATENCY);
	attach_clear(less->sn_node);
	attach_clear(more->sn_node);
	for (i = 0; i < 8; i++)
		less->sn_node->n_lost[i].set =
		    more->sn_node->n_lost[i].set = 0;
	ATF_REQUIRE(node_peer_find(more->sn_node, &less->sn_id) == NULL);

	on.on_from = more;
	on.on_done = 0;
	si->si_tap = swallow;
	si->si_taparg = &on;
	node_clock(more->sn_node, si->si_now, SIM_WALL + si->si_now);
	attach_candidate(more->sn_node, &less->sn_id, &si->si_node[0].sn_id);
	node_clock(less->sn_node, si->si_now, SIM_WALL + si->si_now);
	attach_candidate(less->sn_node, &more->sn_id, &si->si_node[0].sn_id);
	sim_rewake(more);
	sim_rewake(less);
	sim_for(si, 1000);
	ATF_REQUIRE(on.on_done);
	ATF_REQUIRE(node_peer_find(less->sn_node, &more->sn_id) == NULL);
	/* The Attach is repeated: whoever was told to wait for it takes it. */
	sim_for(si, 3000);
	ATF_REQUIRE(node_peer_find(less->sn_node, &more->sn_id) != NULL);
	ATF_REQUIRE(node_peer_find(more->sn_node, &less->sn_id) != NULL);
	sim_free(si);
}

/* Answers kept for repeated requests go when a ring has come to rest. */
ATF_TC_WITHOUT_HEAD(answers);
ATF_TC_BODY(answers, tc)
{
	struct sim	*si = sim_new(4, 5);
	const struct node_dup *nu;
	size_t		 kept = 0;
	int		 k;

	for (k = 0; k < 4; k++)
		sim_on(si, k);
	ATF_REQUIRE_EQ(sim_join(si, 60000), 0);
	for (k = 0; k < 4; k++)
		kept += si->si_node[k].sn_node->n_ndups;
	ATF_REQUIRE(kept > 0);
	sim_for(si, 200000);
	for (k = 0; k < 4; k++) {
		nu = TAILQ_FIRST(&si->si_node[k].sn_node->n_dupage);
		ATF_CHECK(nu == NULL || nu->nu_until + 100000 > si->si_now);
	}
	sim_free(si);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, crossing);
	ATF_TP_ADD_TC(tp, answers);
	return (atf_no_error());
}
