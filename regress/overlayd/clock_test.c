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
 * Clocks that jump: UTC is set by a day or a year while the node runs or while
 * it is off; the machine sleeps.
 */

#include <atf-c.h>

#include "simnet.h"
#include "simfoe.h"

#define DAY		86400000ll
#define YEAR		(365 * DAY)

static size_t	 living(const struct simnode *);
static struct sim *clock_ring(int, uint64_t);
static void	 sleep_for(struct sim *, int, uint64_t);

/* Values that a node would hand out. */
static size_t
living(const struct simnode *sn)
{
	struct storage	*st = &sn->sn_node->n_storage;
	struct storage_place *sp;
	struct storage_value *sv;
	struct nodeid	 id;
	size_t		 n = 0;

	memset(&id, 0, sizeof(id));
	while ((sp = storage_nfind(st, &id, RELOAD_KIND_VIPR)) != NULL &&
	    sp->sp_kind == RELOAD_KIND_VIPR) {
		for (sv = storage_first(st, sp); sv != NULL; sv = storage_after(st, sv))
			n += storage_left(sv, sn->sn_node->n_wall) > 0;
		nodeid_next(&sp->sp_resource, &id);
		if (nodeid_is_zero(&id))
			break;
	}
	return (n);
}

static struct sim *
clock_ring(int n, uint64_t seed)
{
	struct sim	*si = foe_ring(n, 0, seed);

	sim_numbers(&si->si_node[1], "+14085550100", "+14085550109", NULL, NULL, 0);
	sim_for(si, 20000);
	return (si);
}

/* One node's UTC jumps, either way: what it holds lives as long as before. */
ATF_TC_WITHOUT_HEAD(one);
ATF_TC_BODY(one, tc)
{
	static const int64_t jump[] = { DAY, -DAY, YEAR, -YEAR, 20 * 60000, -20 * 60000 };
	struct simnode	*sn;
	struct sim	*si;
	size_t		 i, before;
	unsigned	 warnings;

	for (i = 0; i < sizeof(jump) / sizeof(jump[0]); i++) {
		si = clock_ring(5, 1 + i);
		sn = &si->si_node[3];
		before = living(sn);
		warnings = sn->sn_warnings;
		ATF_REQUIRE(before > 0);
		sn->sn_skew = jump[i];
		sim_for(si, 600000);
		ATF_CHECK_EQ_MSG(before, living(sn), "%lld: %zu of %zu", (long long)jump[i],
		    living(sn), before);
		ATF_CHECK_EQ(warnings + 1, sn->sn_warnings);
		ATF_CHECK_EQ(1, sn->sn_node->n_stats.ns_jumps);
		ATF_CHECK_EQ(0, sim_unjoined(si));
		ATF_CHECK_EQ(0, sim_wrong(si));
		/* The owner goes: its entries end after a day, not a year. */
		sim_off(si, 1, 1);
		sim_for(si, DAY / 2);
		ATF_CHECK(living(sn) > 0);
		sim_for(si, DAY / 2 + 4000000);
		ATF_CHECK_EQ_MSG(0, living(sn), "%lld: %zu left", (long long)jump[i],
		    living(sn));
		sim_for(si, 120000);
		ATF_CHECK_EQ(0, sn->sn_node->n_storage.st_nvalues);
		sim_free(si);
	}
}

/* All of them, and back: a bad time server, and a good one. */
ATF_TC_WITHOUT_HEAD(all);
ATF_TC_BODY(all, tc)
{
	struct sim	*si = clock_ring(6, 11);
	int		 i, k;

	for (k = 0; k < 4; k++) {
		for (i = 0; i < 6; i++)
			si->si_node[i].sn_skew = k == 0 ? YEAR : k == 1 ? 0 :
			    k == 2 ? -YEAR : 0;
		sim_for(si, 300000);
		for (i = 0; i < 6; i++) {
			/* Signed a year ago, or a year ahead: not believed. */
			if (i != 1 && k % 2 == 1)
				ATF_CHECK_EQ(1, foe_claimants(&si->si_node[i],
				    "+14085550104"));
		}
	}
	ATF_CHECK_EQ(0, sim_unjoined(si));
	/* And it is refreshed all the same, although its storage_time was a
	 * year ahead for a while. */
	sim_for(si, 3 * DAY);
	ATF_CHECK_EQ(1, foe_claimants(&si->si_node[0], "+14085550104"));
	sim_free(si);
}

/* The publisher's own clock was a year ahead and is right again: what it stores
 * must still be newer than what it stored. */
ATF_TC_WITHOUT_HEAD(publisher);
ATF_TC_BODY(publisher, tc)
{
	struct sim	*si = foe_ring(5, 0, 12);

	si->si_node[1].sn_skew = YEAR;
	sim_for(si, 1000);
	sim_numbers(&si->si_node[1], "+14085550100", "+14085550104", NULL, NULL, 0);
	sim_for(si, 20000);
	ATF_CHECK_EQ(5, si->si_node[1].sn_regist->rg_npublished);
	si->si_node[1].sn_skew = 0;
	sim_for(si, DAY);
	ATF_CHECK_EQ(5, si->si_node[1].sn_regist->rg_npublished);
	ATF_CHECK_EQ(0, si->si_node[1].sn_regist->rg_nfailed);
	sim_free(si);
}

/* Off, and on with another clock: behind, what it had is not immortal; the
 * others have copies of what it lost ahead. */
ATF_TC_WITHOUT_HEAD(restart);
ATF_TC_BODY(restart, tc)
{
	static const int64_t jump[] = { DAY / 2, -5 * 60000, YEAR, -YEAR };
	struct sim	*si;
	size_t		 i;

	for (i = 0; i < sizeof(jump) / sizeof(jump[0]); i++) {
		si = clock_ring(5, 20 + i);
		sim_off(si, 3, 1);
		sim_for(si, 60000);
		si->si_node[3].sn_skew = jump[i];
		(void)sim_on(si, 3);
		ATF_REQUIRE_EQ(0, sim_join(si, 60000));
		foe_settle(si, 120000);
		ATF_CHECK_EQ(1, foe_claimants(&si->si_node[0], "+14085550104"));
		if (jump[i] != YEAR && jump[i] != -YEAR)
			ATF_CHECK_EQ(1, foe_claimants(&si->si_node[3], "+14085550107"));
		sim_off(si, 1, 1);
		sim_for(si, DAY + 4200000);
		ATF_CHECK_EQ(0, living(&si->si_node[3]));
		ATF_CHECK_EQ(0, foe_claimants(&si->si_node[0], "+14085550104"));
		sim_free(si);
	}
}

/* Nothing reaches it, and no time passes for it. */
static void
sleep_for(struct sim *si, int i, uint64_t ms)
{
	si->si_node[i].sn_frozen = 1;
	sim_rewake(&si->si_node[i]);
	sim_for(si, ms);
	si->si_node[i].sn_frozen = 0;
	sim_rewake(&si->si_node[i]);
}

/* A laptop's lid, a virtual machine that was moved: ten seconds to ten hours. */
ATF_TC_WITHOUT_HEAD(sleeps);
ATF_TC_BODY(sleeps, tc)
{
	static const uint64_t ms[] = { 9000, 20000, 60000, 600000, 36000000 };
	struct simnode	*sn;
	struct sim	*si;
	uint64_t	 signs;
	size_t		 i;

	for (i = 0; i < sizeof(ms) / sizeof(ms[0]); i++) {
		si = clock_ring(8, 40 + i);
		sn = &si->si_node[5];
		sleep_for(si, 5, ms[i]);
		signs = sn->sn_signs;
		sim_for(si, 5000);
		/* It asks its neighbours, joins again if it must; no more. */
		ATF_CHECK_MSG(sn->sn_signs - signs < 250, "%llu ms: %llu signatures",
		    (unsigned long long)ms[i], (unsigned long long)(sn->sn_signs - signs));
		foe_bounds(sn);
		ATF_CHECK_EQ(0, sim_join(si, 300000));
		foe_settle(si, 300000);
		ATF_CHECK_EQ(1, foe_claimants(sn, "+14085550104"));
		ATF_CHECK_EQ(1, foe_claimants(&si->si_node[0], "+14085550104"));
		sim_free(si);
	}
}

/* The whole host sleeps, with all its nodes: afterwards it is as before. */
ATF_TC_WITHOUT_HEAD(all_sleep);
ATF_TC_BODY(all_sleep, tc)
{
	struct sim	*si = clock_ring(8, 50);
	int		 i;

	for (i = 0; i < 8; i++) {
		si->si_node[i].sn_frozen = 1;
		sim_rewake(&si->si_node[i]);
	}
	sim_for(si, 600000);
	for (i = 0; i < 8; i++) {
		si->si_node[i].sn_frozen = 0;
		sim_rewake(&si->si_node[i]);
	}
	foe_settle(si, 60000);
	for (i = 0; i < 8; i++) {
		ATF_CHECK_EQ(1, si->si_node[i].sn_node->n_stats.ns_joins);
		ATF_CHECK_MSG(si->si_node[i].sn_node->n_stats.ns_lost_peers <= 1,
		    "%llu lost", (unsigned long long)
		    si->si_node[i].sn_node->n_stats.ns_lost_peers);
	}
	ATF_CHECK_EQ(1, foe_claimants(&si->si_node[0], "+14085550104"));
	sim_free(si);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, one);
	ATF_TP_ADD_TC(tp, all);
	ATF_TP_ADD_TC(tp, publisher);
	ATF_TP_ADD_TC(tp, restart);
	ATF_TP_ADD_TC(tp, sleeps);
	ATF_TP_ADD_TC(tp, all_sleep);
	return (atf_no_error());
}
