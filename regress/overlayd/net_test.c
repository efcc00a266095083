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
 * Rings of simulated nodes: join, look-up, hand-over, loss, restart,
 * partition.
 */

#include <atf-c.h>

#include "simnet.h"

static struct sim	*ring_of(int, uint64_t);
static void		 settle(struct sim *, uint64_t);
static int		 copies(const struct sim *, const char *, int);
static int		 claimants(struct sim *, int, const char *);
static void		 aa_done(int, const struct vaddr *, size_t, void *);

static void
settle(struct sim *si, uint64_t ms)
{
	sim_for(si, ms);
	ATF_REQUIRE_EQ_MSG(0, sim_unjoined(si), "%d not joined", sim_unjoined(si));
	ATF_REQUIRE_EQ_MSG(0, sim_wrong(si), "%d with wrong neighbours", sim_wrong(si));
}

static struct sim *
ring_of(int n, uint64_t seed)
{
	struct sim	*si = sim_new(n, seed);
	int		 i;

	(void)sim_on(si, 0);
	ATF_REQUIRE_EQ(0, sim_join(si, 30000));
	for (i = 1; i < n; i++)
		(void)sim_on(si, i);
	ATF_REQUIRE_EQ_MSG(0, sim_join(si, 240000), "%d of %d not joined", sim_unjoined(si), n);
	settle(si, 15000);
	return (si);
}

/* How many nodes that are on hold a value at a copy of the number. */
static int
copies(const struct sim *si, const char *number, int copy)
{
	const struct storage_place *sp;
	struct nodeid	 id;
	int		 i, n = 0;

	ATF_REQUIRE_EQ(0, regist_resource(e164_pack(number), (unsigned)copy, &id));
	for (i = 0; i < si->si_nnodes; i++) {
		if (si->si_node[i].sn_node == NULL || si->si_node[i].sn_deaf)
			continue;
		sp = storage_find(&si->si_node[i].sn_node->n_storage, &id, RELOAD_KIND_VIPR);
		n += sp != NULL && sp->sp_count > 0;
	}
	return (n);
}

static int
claimants(struct sim *si, int node, const char *number)
{
	struct lookup_result lr;

	return (sim_lookup(&si->si_node[node], number, &lr));
}

ATF_TC_WITHOUT_HEAD(join);
ATF_TC_BODY(join, tc)
{
	static const int sizes[] = { 1, 2, 3, 4, 5, 8, 16 };
	struct sim	*si;
	size_t		 i;
	uint64_t	 seed;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (seed = 1; seed <= 5; seed++) {
			si = ring_of(sizes[i], seed);
			sim_free(si);
		}
	}
}

/* More nodes than neighbours: messages take several hops. */
ATF_TC_WITHOUT_HEAD(many);
ATF_TC_BODY(many, tc)
{
	struct sim	*si = ring_of(48, 3);
	uint64_t	 forwarded = 0;
	int		 i;

	sim_numbers(&si->si_node[7], "+14085550100", "+14085550119", NULL, NULL, 0);
	sim_for(si, 20000);
	ATF_CHECK_EQ(20, si->si_node[7].sn_regist->rg_npublished);
	for (i = 0; i < 48; i++) {
		if (i != 7)
			ATF_CHECK_EQ(1, claimants(si, i, "+14085550110"));
		forwarded += si->si_node[i].sn_node->n_stats.ns_forwarded;
	}
	ATF_CHECK(forwarded > 0);
	sim_free(si);
}

ATF_TC_WITHOUT_HEAD(publish_lookup);
ATF_TC_BODY(publish_lookup, tc)
{
	struct lookup_result lr;
	struct sim	*si = ring_of(5, 7);
	int		 i;

	sim_numbers(&si->si_node[1], "+14085550100", "+14085550109", NULL, NULL, 0);
	sim_numbers(&si->si_node[2], NULL, NULL, "+14085550100", "+14085550104", 5);
	sim_for(si, 10000);
	for (i = 0; i < 5; i++) {
		ATF_CHECK_EQ_MSG(i == 1 || i == 2 ? 1 : 2,
		    sim_lookup(&si->si_node[i], "+14085550100", &lr),
		    "node %d sees %zu", i, lr.lr_nodes);
		ATF_CHECK_EQ(3, lr.lr_answers);
		ATF_CHECK_EQ(0, sim_lookup(&si->si_node[i], "+14085559999", &lr));
	}
	ATF_CHECK_EQ(10, si->si_node[1].sn_regist->rg_npublished);
	ATF_CHECK_EQ(5, si->si_node[2].sn_regist->rg_npublished);
	for (i = 0; i < 3; i++)
		ATF_CHECK_EQ(3, copies(si, "+14085550105", i));
	sim_free(si);
}

/* The number moves: removed here, published there. */
ATF_TC_WITHOUT_HEAD(withdraw);
ATF_TC_BODY(withdraw, tc)
{
	struct sim	*si = ring_of(5, 8);

	sim_numbers(&si->si_node[1], "+14085550100", "+14085550109", NULL, NULL, 0);
	sim_for(si, 10000);
	ATF_CHECK_EQ(10, si->si_node[1].sn_nkept);
	sim_numbers(&si->si_node[1], "+14085550100", "+14085550104", NULL, NULL, 0);
	sim_numbers(&si->si_node[3], "+14085550105", "+14085550109", NULL, NULL, 0);
	sim_for(si, 10000);
	ATF_CHECK_EQ(1, claimants(si, 0, "+14085550104"));
	ATF_CHECK_EQ(1, claimants(si, 0, "+14085550105"));
	ATF_CHECK_EQ(1, claimants(si, 1, "+14085550105"));
	ATF_CHECK_EQ(0, claimants(si, 3, "+14085550105"));
	ATF_CHECK_EQ(5, si->si_node[1].sn_nkept);
	ATF_CHECK_EQ(5, si->si_node[1].sn_regist->rg_nentries);
	/* And back. */
	sim_numbers(&si->si_node[3], NULL, NULL, NULL, NULL, 0);
	sim_numbers(&si->si_node[1], "+14085550100", "+14085550109", NULL, NULL, 0);
	sim_for(si, 10000);
	ATF_CHECK_EQ(1, claimants(si, 3, "+14085550105"));
	ATF_CHECK_EQ(0, claimants(si, 1, "+14085550105"));
	sim_free(si);
}

/* A number that left the configuration while the box was off. */
ATF_TC_WITHOUT_HEAD(withdraw_after_restart);
ATF_TC_BODY(withdraw_after_restart, tc)
{
	struct sim	*si = ring_of(5, 9);

	sim_numbers(&si->si_node[4], "+14085550100", "+14085550103", NULL, NULL, 0);
	sim_for(si, 10000);
	sim_off(si, 4, 1);
	sim_for(si, 5000);
	ATF_CHECK_EQ(1, claimants(si, 0, "+14085550103"));
	(void)sim_on(si, 4);
	sim_numbers(&si->si_node[4], "+14085550100", "+14085550102", NULL, NULL, 0);
	settle(si, 30000);
	ATF_CHECK_EQ(1, claimants(si, 0, "+14085550102"));
	ATF_CHECK_EQ(0, claimants(si, 0, "+14085550103"));
	sim_free(si);
}

/* Decoys are the same after a restart, never own numbers, and withdrawn with
 * their line. */
ATF_TC_WITHOUT_HEAD(decoys);
ATF_TC_BODY(decoys, tc)
{
	struct regist_entry *re;
	struct sim	*si = ring_of(2, 10);
	uint64_t	 first[40], n = 0, same = 0;

	sim_numbers(&si->si_node[1], "+14085550100", "+14085550109",
	    "+14085550000", "+14085550999", 40);
	for (re = regist_first(si->si_node[1].sn_regist); re != NULL; re = regist_after(re)) {
		if (re->re_kind == REGIST_DECOY && n < 40)
			first[n++] = re->re_number;
		else
			ATF_CHECK_EQ(REGIST_OWN, re->re_kind);
	}
	ATF_CHECK_EQ(40, n);
	ATF_CHECK_EQ(50, si->si_node[1].sn_regist->rg_nentries);
	sim_for(si, 20000);
	ATF_CHECK_EQ(50, si->si_node[1].sn_regist->rg_npublished);
	sim_off(si, 1, 1);
	(void)sim_on(si, 1);
	sim_numbers(&si->si_node[1], "+14085550100", "+14085550109",
	    "+14085550000", "+14085550999", 40);
	for (n = 0; n < 40; n++) {
		re = regist_find(si->si_node[1].sn_regist, first[n]);
		same += re != NULL && re->re_kind == REGIST_DECOY && !re->re_withdraw;
	}
	ATF_CHECK_EQ(40, same);
	ATF_CHECK_EQ(50, si->si_node[1].sn_regist->rg_nentries);
	/* A range with more decoys asked for than it has numbers. */
	sim_numbers(&si->si_node[1], NULL, NULL, "+14085551000", "+14085551003", 10);
	sim_for(si, 60000);
	ATF_CHECK_EQ(4, si->si_node[1].sn_regist->rg_nentries);
	sim_free(si);
}

/* Half-life refresh, in virtual days; expiry of what is not refreshed. */
ATF_TC_WITHOUT_HEAD(refresh_expire);
ATF_TC_BODY(refresh_expire, tc)
{
	struct sim	*si = ring_of(3, 11);
	uint64_t	 stores;

	sim_numbers(&si->si_node[1], "+14085550100", "+14085550101", NULL, NULL, 0);
	sim_numbers(&si->si_node[2], "+14085550200", "+14085550200", NULL, NULL, 0);
	sim_for(si, 10000);
	stores = si->si_node[1].sn_regist->rg_stores;
	sim_for(si, 86400ull * 1000 * 3 / 4);
	ATF_CHECK_EQ(stores + 6, si->si_node[1].sn_regist->rg_stores);
	sim_off(si, 1, 1);
	sim_for(si, 86400ull * 1000 * 5 / 4);
	ATF_CHECK_EQ(0, claimants(si, 0, "+14085550100"));
	ATF_CHECK_EQ(1, claimants(si, 0, "+14085550200"));
	ATF_CHECK_EQ(0, copies(si, "+14085550100", 0));
	sim_free(si);
}

/* Whoever dies, by a crash or a power cut, two replicas are left. */
ATF_TC_WITHOUT_HEAD(loss);
ATF_TC_BODY(loss, tc)
{
	struct sim	*si;
	int		 dead, tell;

	for (tell = 0; tell < 2; tell++) {
		for (dead = 1; dead < 8; dead++) {
			if (dead == 3)
				continue;
			si = ring_of(8, 20 + (uint64_t)dead);
			sim_numbers(&si->si_node[3], "+14085550100", "+14085550119",
			    NULL, NULL, 0);
			sim_for(si, 10000);
			sim_off(si, dead, tell);
			settle(si, tell ? 5000 : 120000);
			ATF_CHECK_EQ(1, claimants(si, 0, "+14085550100"));
			ATF_CHECK_EQ(1, claimants(si, 0, "+14085550119"));
			/* After the hold-down there are three copies again. */
			sim_for(si, 60000);
			ATF_CHECK(copies(si, "+14085550107", 0) >= 3);
			ATF_CHECK(copies(si, "+14085550107", 1) >= 3);
			sim_free(si);
		}
	}
}

/* Two die at once, one after the other is replaced. */
ATF_TC_WITHOUT_HEAD(churn);
ATF_TC_BODY(churn, tc)
{
	struct sim	*si = ring_of(12, 31);
	int		 i, n;

	sim_numbers(&si->si_node[0], "+14085550100", "+14085550149", NULL, NULL, 0);
	sim_for(si, 10000);
	for (i = 0; i < 12; i++) {
		n = 1 + i % 11;
		sim_off(si, n, 1);
		sim_for(si, 45000);
		(void)sim_on(si, n);
		settle(si, 45000);
	}
	for (i = 1; i < 12; i++)
		ATF_CHECK_EQ(1, claimants(si, i, "+14085550123"));
	sim_free(si);
}

/* What falls into a newcomer's range is handed to it before it answers for
 * it: no look-up in between misses it. */
ATF_TC_WITHOUT_HEAD(hand_over);
ATF_TC_BODY(hand_over, tc)
{
	struct sim	*si;
	struct simnode	*sn;
	uint64_t	 seed;
	int		 i;

	for (seed = 40; seed < 46; seed++) {
		si = sim_new(6, seed);
		(void)sim_on(si, 0);
		(void)sim_on(si, 1);
		(void)sim_on(si, 2);
		ATF_REQUIRE_EQ(0, sim_join(si, 60000));
		settle(si, 10000);
		sim_numbers(&si->si_node[1], "+14085550100", "+14085550139", NULL, NULL, 0);
		sim_for(si, 10000);
		for (i = 3; i < 6; i++) {
			sn = sim_on(si, i);
			while (!node_is_joined(sn->sn_node)) {
				ATF_CHECK_EQ(1, claimants(si, 0, "+14085550120"));
				sim_for(si, 10);
			}
			ATF_CHECK_EQ(1, claimants(si, 0, "+14085550120"));
			ATF_CHECK_EQ(1, claimants(si, i, "+14085550120"));
			ATF_CHECK_EQ(1, claimants(si, 2, "+14085550101"));
		}
		settle(si, 30000);
		sim_free(si);
	}
}

/* With all of it gone but one, what is on its disk serves again. */
ATF_TC_WITHOUT_HEAD(restart);
ATF_TC_BODY(restart, tc)
{
	struct sim	*si = ring_of(3, 50);
	int		 i;

	sim_numbers(&si->si_node[1], "+14085550100", "+14085550109", NULL, NULL, 0);
	sim_for(si, 10000);
	for (i = 0; i < 3; i++)
		sim_off(si, i, 1);
	sim_for(si, 60000);
	(void)sim_on(si, 0);
	(void)sim_on(si, 2);
	ATF_REQUIRE_EQ(0, sim_join(si, 60000));
	settle(si, 10000);
	ATF_CHECK_EQ(1, claimants(si, 2, "+14085550109"));
	ATF_CHECK_EQ(1, claimants(si, 0, "+14085550100"));
	sim_free(si);
}

/* The first node comes back: it must find its ring and not begin another. */
ATF_TC_WITHOUT_HEAD(first_returns);
ATF_TC_BODY(first_returns, tc)
{
	struct sim	*si;
	int		 n;

	for (n = 2; n <= 5; n++) {
		si = ring_of(n, 60 + (uint64_t)n);
		sim_off(si, 0, 1);
		sim_for(si, 8000);
		(void)sim_on(si, 0);
		ATF_REQUIRE_EQ(0, sim_join(si, 120000));
		settle(si, 30000);
		sim_free(si);
	}
}

/* A member whose bootstrap node is away goes on trying. */
ATF_TC_WITHOUT_HEAD(no_bootstrap);
ATF_TC_BODY(no_bootstrap, tc)
{
	struct sim	*si = sim_new(2, 70);

	(void)sim_on(si, 1);
	sim_for(si, 600000);
	ATF_CHECK_EQ(0, node_is_joined(si->si_node[1].sn_node));
	(void)sim_on(si, 0);
	ATF_REQUIRE_EQ(0, sim_join(si, 120000));
	settle(si, 5000);
	sim_free(si);
}

ATF_TC_WITHOUT_HEAD(leave);
ATF_TC_BODY(leave, tc)
{
	struct sim	*si = ring_of(8, 80);
	uint64_t	 before;

	sim_numbers(&si->si_node[0], "+14085550100", "+14085550109", NULL, NULL, 0);
	sim_for(si, 10000);
	node_clock(si->si_node[5].sn_node, si->si_now, SIM_WALL + si->si_now);
	node_leave(si->si_node[5].sn_node);
	sim_rewake(&si->si_node[5]);
	before = si->si_node[5].sn_msgs;
	sim_for(si, 1000);
	ATF_CHECK(si->si_node[5].sn_msgs > before);
	sim_off(si, 5, 1);
	settle(si, 2000);
	ATF_CHECK_EQ(1, claimants(si, 1, "+14085550105"));
	sim_free(si);
}

/* Two halves that do not hear each other, and one again. */
ATF_TC_WITHOUT_HEAD(partition);
ATF_TC_BODY(partition, tc)
{
	struct sim	*si;
	struct simlink	*sl, *nsl;
	uint64_t	 seed;
	int		 i;

	for (seed = 90; seed < 94; seed++) {
		si = ring_of(8, seed);
		si->si_doc.rd_boot[si->si_doc.rd_boots++] = si->si_node[5].sn_addr;
		si->si_node[5].sn_node->n_conf.nc_first = 1;
		sim_numbers(&si->si_node[1], "+14085550100", "+14085550104", NULL, NULL, 0);
		sim_for(si, 10000);
		for (i = 4; i < 8; i++)
			si->si_node[i].sn_group = 1;
		for (i = 0; i < 8; i++) {
			RB_FOREACH_SAFE(sl, simlinks, &si->si_node[i].sn_links, nsl) {
				if (sl->sl_peer->sn_group == si->si_node[i].sn_group)
					continue;
				sim_event(&si->si_node[i], SE_DOWN, 1, sl->sl_id, NULL, 0);
				sim_unlink(&si->si_node[i], sl, 1);
			}
		}
		sim_for(si, 300000);
		ATF_CHECK(sim_wrong(si) > 0);
		sim_numbers(&si->si_node[6], "+14085550102", "+14085550106", NULL, NULL, 0);
		sim_for(si, 20000);
		for (i = 0; i < 8; i++)
			si->si_node[i].sn_group = 0;
		settle(si, 2400000);
		sim_for(si, 120000);
		ATF_CHECK_EQ(2, claimants(si, 3, "+14085550102"));
		ATF_CHECK_EQ(1, claimants(si, 3, "+14085550100"));
		ATF_CHECK_EQ(1, claimants(si, 7, "+14085550106"));
		sim_free(si);
	}
}

/* The key process is away for a while: nothing breaks that does not mend. */
ATF_TC_WITHOUT_HEAD(key_away);
ATF_TC_BODY(key_away, tc)
{
	struct sim	*si = ring_of(5, 100);

	si->si_node[2].sn_nosign = 1;
	sim_numbers(&si->si_node[2], "+14085550100", "+14085550103", NULL, NULL, 0);
	sim_for(si, 20000);
	ATF_CHECK_EQ(0, si->si_node[2].sn_regist->rg_npublished);
	si->si_node[2].sn_nosign = 0;
	settle(si, 120000);
	ATF_CHECK_EQ(4, si->si_node[2].sn_regist->rg_npublished);
	ATF_CHECK_EQ(1, claimants(si, 0, "+14085550103"));
	sim_free(si);
}

/* Peers refuse what we store: one line for all of it, again while it lasts. */
ATF_TC_WITHOUT_HEAD(refused);
ATF_TC_BODY(refused, tc)
{
	struct sim	*si = ring_of(5, 101);
	struct regist	*rg = si->si_node[2].sn_regist;
	struct reload_kind *rk = NULL;
	uint32_t	 size;
	size_t		 i;

	for (i = 0; i < si->si_doc.rd_kinds; i++)
		if (si->si_doc.rd_kind[i].rk_id == RELOAD_KIND_VIPR)
			rk = &si->si_doc.rd_kind[i];
	ATF_REQUIRE(rk != NULL);
	size = rk->rk_max_size;
	rk->rk_max_size = 4;
	sim_numbers(&si->si_node[2], "+14085550100", "+14085550119", NULL, NULL, 0);
	sim_for(si, 120000);
	ATF_CHECK_EQ(20, rg->rg_nfailed);
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_LARGE, rg->rg_error);
	ATF_CHECK_EQ(1, rg->rg_alarms);
	sim_for(si, 1500000);
	ATF_CHECK_EQ(1, rg->rg_alarms);
	sim_for(si, 400000);
	ATF_CHECK_EQ(2, rg->rg_alarms);
	rk->rk_max_size = size;
	sim_for(si, 3600000);
	ATF_CHECK_EQ(0, rg->rg_nfailed);
	ATF_CHECK_EQ(20, rg->rg_npublished);
	ATF_CHECK_EQ(2, rg->rg_alarms);
	sim_free(si);
}

/* A member whose signatures are not valid gets nowhere. */
ATF_TC_WITHOUT_HEAD(bad_signer);
ATF_TC_BODY(bad_signer, tc)
{
	struct sim	*si = sim_new(3, 110);

	(void)sim_on(si, 0);
	(void)sim_on(si, 1);
	ATF_REQUIRE_EQ(0, sim_join(si, 60000));
	si->si_node[2].sn_badsign = 1;
	(void)sim_on(si, 2);
	sim_for(si, 120000);
	ATF_CHECK_EQ(0, node_is_joined(si->si_node[2].sn_node));
	ATF_CHECK(si->si_node[0].sn_node->n_stats.ns_badsig > 0);
	ATF_CHECK_EQ(0, si->si_node[0].sn_node->n_stats.ns_errors_sent);
	sim_free(si);
}

struct aa_result {
	int		 done, error;
	size_t		 n;
	struct vaddr	 va;
};

static void
aa_done(int error, const struct vaddr *va, size_t n, void *arg)
{
	struct aa_result *r = arg;

	r->done = 1;
	r->error = error;
	r->n = n;
	if (n > 0)
		r->va = va[0];
}

ATF_TC_WITHOUT_HEAD(appattach);
ATF_TC_BODY(appattach, tc)
{
	struct sim	*si = ring_of(8, 120);
	struct aa_result r;
	struct nodeid	 nobody;
	struct vaddr	 want;

	memset(&r, 0, sizeof(r));
	ATF_REQUIRE_EQ(0, appattach_start(si->si_node[2].sn_node, &si->si_node[6].sn_id,
	    aa_done, &r));
	sim_for(si, 2000);
	want = si->si_node[6].sn_addr;
	want.va_port = 7100;
	ATF_REQUIRE_EQ(1, r.done);
	ATF_CHECK_EQ(0, r.error);
	ATF_CHECK_EQ(1, r.n);
	ATF_CHECK(vaddr_eq(&want, &r.va));
	/* Nobody there: it times out.  Ourselves: refused at once. */
	memset(&r, 0, sizeof(r));
	memset(&nobody, 0x5a, sizeof(nobody));
	ATF_REQUIRE_EQ(0, appattach_start(si->si_node[2].sn_node, &nobody, aa_done, &r));
	sim_for(si, 20000);
	ATF_CHECK_EQ(1, r.done);
	ATF_CHECK(r.error != 0);
	ATF_CHECK_EQ(-1, appattach_start(si->si_node[2].sn_node, &si->si_node[2].sn_id,
	    aa_done, &r));
	/* One without PVP. */
	memset(&r, 0, sizeof(r));
	memset(&si->si_node[6].sn_node->n_conf.nc_pvp, 0, sizeof(struct vaddr));
	ATF_REQUIRE_EQ(0, appattach_start(si->si_node[2].sn_node, &si->si_node[6].sn_id,
	    aa_done, &r));
	sim_for(si, 2000);
	ATF_CHECK_EQ(1, r.done);
	ATF_CHECK(r.error != 0);
	/* Addresses that nobody may send us to. */
	memset(&r, 0, sizeof(r));
	si->si_node[6].sn_node->n_conf.nc_pvp = want;
	si->si_node[2].sn_node->n_conf.nc_private = 0;
	ATF_REQUIRE_EQ(0, appattach_start(si->si_node[2].sn_node, &si->si_node[6].sn_id,
	    aa_done, &r));
	sim_for(si, 2000);
	ATF_CHECK_EQ(1, r.done);
	ATF_CHECK(r.error != 0);
	ATF_CHECK_EQ(0, r.n);
	sim_free(si);
}

/* A storing peer that hides an entry: noticed by reading back. */
ATF_TC_WITHOUT_HEAD(hidden);
ATF_TC_BODY(hidden, tc)
{
	struct sim	*si = ring_of(5, 130);
	struct storage_place *sp;
	struct nodeid	 id;
	int		 i;

	si->si_node[1].sn_regist->rg_read_min = 60000;
	si->si_node[1].sn_regist->rg_read_max = 90000;
	sim_numbers(&si->si_node[1], "+14085550100", "+14085550100", NULL, NULL, 0);
	sim_for(si, 1000000);
	ATF_CHECK_EQ(0, si->si_node[1].sn_regist->rg_alarms);
	ATF_REQUIRE_EQ(0, regist_resource(e164_pack("+14085550100"), 1, &id));
	for (i = 0; i < 5; i++) {
		sp = storage_nfind(&si->si_node[i].sn_node->n_storage, &id, RELOAD_KIND_VIPR);
		if (sp != NULL && nodeid_eq(&sp->sp_resource, &id))
			storage_drop(&si->si_node[i].sn_node->n_storage, sp);
	}
	sim_for(si, 2000000);
	ATF_CHECK(si->si_node[1].sn_regist->rg_alarms > 0);
	/* It was stored again. */
	ATF_CHECK_EQ(3, copies(si, "+14085550100", 1));
	sim_free(si);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, join);
	ATF_TP_ADD_TC(tp, many);
	ATF_TP_ADD_TC(tp, publish_lookup);
	ATF_TP_ADD_TC(tp, withdraw);
	ATF_TP_ADD_TC(tp, withdraw_after_restart);
	ATF_TP_ADD_TC(tp, decoys);
	ATF_TP_ADD_TC(tp, refresh_expire);
	ATF_TP_ADD_TC(tp, loss);
	ATF_TP_ADD_TC(tp, churn);
	ATF_TP_ADD_TC(tp, hand_over);
	ATF_TP_ADD_TC(tp, restart);
	ATF_TP_ADD_TC(tp, first_returns);
	ATF_TP_ADD_TC(tp, no_bootstrap);
	ATF_TP_ADD_TC(tp, leave);
	ATF_TP_ADD_TC(tp, partition);
	ATF_TP_ADD_TC(tp, key_away);
	ATF_TP_ADD_TC(tp, refused);
	ATF_TP_ADD_TC(tp, bad_signer);
	ATF_TP_ADD_TC(tp, appattach);
	ATF_TP_ADD_TC(tp, hidden);
	return (atf_no_error());
}
