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
 * Storms: a member that asks for more than anybody needs, or many of them.
 * Nothing grows beyond its bound, key is not asked for more signatures than a
 * node can spare, and the others find what they look for meanwhile.
 */

#include <atf-c.h>

#include "simnet.h"
#include "simfoe.h"

#define NUMBER		"+14085550105"

static struct sim	*ring_with_numbers(int, int, uint64_t);
static void		 still_works(struct sim *);
static uint64_t		 storm(struct simnode *, struct simnode *, const void *, size_t,
			    unsigned, unsigned);

static struct sim *
ring_with_numbers(int n, int foes, uint64_t seed)
{
	struct sim	*si = foe_ring(n, foes, seed);

	sim_numbers(&si->si_node[1], "+14085550100", "+14085550109", NULL, NULL, 0);
	sim_for(si, 10000);
	return (si);
}

static void
still_works(struct sim *si)
{
	int		 i;

	for (i = 0; i < si->si_nnodes; i++) {
		if (si->si_node[i].sn_node == NULL)
			continue;
		foe_bounds(&si->si_node[i]);
		if (i != 1)
			ATF_CHECK_EQ(1, foe_claimants(&si->si_node[i], NUMBER));
	}
	ATF_CHECK_EQ(0, sim_unjoined(si));
	ATF_CHECK_EQ(0, sim_wrong(si));
}

/* The same request with ever new transaction ids: so many each 100 ms, for so
 * many seconds.  How often key was asked for a signature by the victim. */
static uint64_t
storm(struct simnode *foe, struct simnode *to, const void *contents, size_t len,
    unsigned each, unsigned seconds)
{
	struct sim	*si = foe->sn_sim;
	uint64_t	 signs = to->sn_signs;
	unsigned	 i, j;

	for (i = 0; i < 10 * seconds; i++) {
		for (j = 0; j < each; j++)
			foe_ask(foe, to, contents, len);
		sim_for(si, 100);
		foe_bounds(to);
	}
	return (to->sn_signs - signs);
}

/* What costs an answer each. */
ATF_TC_WITHOUT_HEAD(ask);
ATF_TC_BODY(ask, tc)
{
	struct sim	*si = ring_with_numbers(6, 1, 1);
	struct simnode	*foe = &si->si_node[6], *victim = &si->si_node[0];
	struct wire_routequery wq;
	struct wire_probe wp;
	struct wbuf	 w;
	uint8_t		 body[512];
	uint64_t	 signs;
	size_t		 n, mark;

	foe_link(foe, victim);
	n = hand_ping(body, sizeof(body), 10);
	signs = storm(foe, victim, body, n, 200, 10);
	/* Fifty a second and two hundred at once, of twenty thousand. */
	ATF_CHECK_MSG(signs >= 500 && signs < 900, "%llu answers",
	    (unsigned long long)signs);
	/* The greater part was not even verified. */
	ATF_CHECK_MSG(victim->sn_node->n_stats.ns_muted > 15000, "%llu muted",
	    (unsigned long long)victim->sn_node->n_stats.ns_muted);
	still_works(si);
	sim_for(si, 10000);
	memset(&wp, 0, sizeof(wp));
	wp.wp_types.p = "\1\2\3";
	wp.wp_types.len = 3;
	wbuf_init(&w, body, sizeof(body));
	mark = wire_contents_open(&w, WIRE_PROBE);
	wire_probe_write(&w, &wp);
	wire_contents_close(&w, mark, NULL);
	signs = storm(foe, victim, body, w.w_len, 100, 5);
	ATF_CHECK_MSG(signs < 600, "%llu answers", (unsigned long long)signs);
	sim_for(si, 10000);
	/* Each of these asks for an Update, too. */
	memset(&wq, 0, sizeof(wq));
	wq.wq_send_update = 1;
	wq.wq_dest.wd_type = WIRE_DEST_NODE;
	wq.wq_dest.wd_id.p = (const char *)victim->sn_id.id_b;
	wq.wq_dest.wd_id.len = NODEID_LEN;
	wbuf_init(&w, body, sizeof(body));
	mark = wire_contents_open(&w, WIRE_ROUTEQUERY);
	wire_routequery_write(&w, &wq);
	wire_contents_close(&w, mark, NULL);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	signs = storm(foe, victim, body, w.w_len, 100, 5);
	ATF_CHECK_MSG(signs < 1200, "%llu messages", (unsigned long long)signs);
	still_works(si);
	/* Whoever asks with measure afterwards is served. */
	sim_for(si, 30000);
	n = hand_ping(body, sizeof(body), 10);
	ATF_CHECK(storm(foe, victim, body, n, 1, 1) >= 10);
	sim_free(si);
}

/* Fetches above the rate cost an error each, and those have a rate as well. */
ATF_TC_WITHOUT_HEAD(fetch);
ATF_TC_BODY(fetch, tc)
{
	struct sim	*si = ring_with_numbers(4, 1, 2);
	struct simnode	*foe = &si->si_node[4], *victim = &si->si_node[0];
	struct wire_fetch wf;
	struct wire_spec spec;
	struct wbuf	 w, sw;
	uint8_t		 body[512], specs[64];
	uint64_t	 signs;
	size_t		 mark;

	foe_link(foe, victim);
	memset(&spec, 0, sizeof(spec));
	spec.wp_kind = RELOAD_KIND_VIPR;
	spec.wp_model = RELOAD_DICTIONARY;
	cur_init(&spec.wp_list, NULL, 0);
	wbuf_init(&sw, specs, sizeof(specs));
	wire_spec_write(&sw, &spec);
	memset(&wf, 0, sizeof(wf));
	wf.wf_resource.p = (const char *)victim->sn_id.id_b;
	wf.wf_resource.len = NODEID_LEN;
	cur_init(&wf.wf_specs, specs, sw.w_len);
	wbuf_init(&w, body, sizeof(body));
	mark = wire_contents_open(&w, WIRE_FETCH);
	wire_fetch_write(&w, &wf);
	wire_contents_close(&w, mark, NULL);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	signs = storm(foe, victim, body, w.w_len, 100, 10);
	/* A hundred and twenty a second with an answer, as many errors. */
	ATF_CHECK_MSG(signs >= 300 && signs < 900, "%llu answers",
	    (unsigned long long)signs);
	still_works(si);
	sim_free(si);
}

/* Update after Update, each full of nodes that do not exist. */
ATF_TC_WITHOUT_HEAD(update);
ATF_TC_BODY(update, tc)
{
	struct sim	*si = ring_with_numbers(8, 5, 3);
	struct simnode	*foe, *victim = &si->si_node[0];
	struct nodeid	 ids[120];
	uint8_t		 body[8192];
	uint64_t	 signs, requests;
	size_t		 n;
	int		 i, k;

	for (k = 8; k < 12; k++)
		foe_link(&si->si_node[k], victim);
	signs = victim->sn_signs;
	requests = victim->sn_node->n_stats.ns_requests;
	for (i = 0; i < 600; i++) {
		for (k = 8; k < 12; k++) {
			foe = &si->si_node[k];
			foe_invent(si, ids, 120);
			n = foe_update(body, sizeof(body), WIRE_NEIGHBORS, ids, 60,
			    ids + 60, 60);
			foe_ask(foe, victim, body, n);
		}
		sim_for(si, 100);
		foe_bounds(victim);
	}
	/*
	 * 2,400 Updates with 288,000 names in a minute: forty answers a second
	 * at most; a foe may waste twelve Attaches and then one in five seconds.
	 */
	signs = victim->sn_signs - signs;
	requests = victim->sn_node->n_stats.ns_requests - requests;
	ATF_CHECK_MSG(signs < 3000, "%llu signatures", (unsigned long long)signs);
	ATF_CHECK_MSG(requests < 400, "%llu requests", (unsigned long long)requests);
	still_works(si);
	/* Afterwards a new one gets in at once. */
	for (k = 8; k < 12; k++)
		foe_unlink(&si->si_node[k]);
	sim_for(si, 1000);
	si->si_node[12].sn_puppet = 0;
	(void)sim_on(si, 12);
	ATF_CHECK_EQ(0, sim_join(si, 20000));
	sim_free(si);
}

/* Attach: we do not connect where a stranger likes, nor very often. */
ATF_TC_WITHOUT_HEAD(attach);
ATF_TC_BODY(attach, tc)
{
	struct sim	*si = ring_with_numbers(6, 21, 4);
	struct simnode	*victim = &si->si_node[0];
	struct vaddr	 va;
	char		 host[32];
	uint8_t		 body[512];
	size_t		 n;
	uint64_t	 strays;
	int		 i, k;

	/* One, and a thousand addresses of others. */
	foe_link(&si->si_node[6], victim);
	for (i = 0; i < 1000; i++) {
		(void)snprintf(host, sizeof(host), "192.0.2.%d", i % 250 + 1);
		ATF_REQUIRE_EQ(0, vaddr_parse(host, (uint16_t)(1000 + i), &va));
		n = foe_attach(body, sizeof(body), WIRE_ATTACH, "passive", &va);
		foe_ask(&si->si_node[6], victim, body, n);
		sim_for(si, 60);
		foe_bounds(victim);
	}
	/* Twelve, and one in five seconds. */
	ATF_CHECK_MSG(si->si_strays <= 26, "%llu connections",
	    (unsigned long long)si->si_strays);
	still_works(si);
	/* Twenty that want us to knock at one door. */
	for (k = 7; k < 27; k++)
		foe_link(&si->si_node[k], victim);
	strays = si->si_strays;
	ATF_REQUIRE_EQ(0, vaddr_parse("192.0.2.251", 25, &va));
	n = foe_attach(body, sizeof(body), WIRE_ATTACH, "passive", &va);
	for (i = 0; i < 50; i++) {
		for (k = 7; k < 27; k++) {
			foe_ask(&si->si_node[k], victim, body, n);
			sim_for(si, 50);
		}
		foe_bounds(victim);
	}
	ATF_CHECK_MSG(si->si_strays - strays <= 3, "%llu connections",
	    (unsigned long long)(si->si_strays - strays));
	still_works(si);
	sim_free(si);
}

/* One that joins and leaves all the time: copies are made once. */
ATF_TC_WITHOUT_HEAD(flap);
ATF_TC_BODY(flap, tc)
{
	struct sim	*si = ring_with_numbers(8, 1, 5);
	struct simnode	*foe = &si->si_node[8], *victim = &si->si_node[0];
	struct nodeid	 id;
	uint8_t		 join[256], leave[256], update[256];
	uint64_t	 signs, others = 0;
	size_t		 nj, nl, nu;
	int		 i;

	/* Just before the victim: half of its range would be the foe's. */
	nodeid_pow2(64, &id);
	nodeid_sub(&victim->sn_id, &id, &id);
	foe_place(foe, &id);
	foe_link(foe, victim);
	nj = foe_join(join, sizeof(join), &foe->sn_id);
	nl = foe_leave(leave, sizeof(leave), &foe->sn_id, NULL, 0);
	nu = foe_update(update, sizeof(update), WIRE_PEER_READY, NULL, 0, NULL, 0);
	signs = victim->sn_signs;
	for (i = 1; i < 8; i++)
		others += si->si_node[i].sn_signs;
	for (i = 0; i < 600; i++) {
		foe_ask(foe, victim, join, nj);
		foe_ask(foe, victim, update, nu);
		sim_for(si, 50);
		foe_ask(foe, victim, leave, nl);
		foe_ask(foe, victim, update, nu);
		sim_for(si, 50);
		foe_bounds(victim);
	}
	signs = victim->sn_signs - signs;
	ATF_CHECK_MSG(signs < 1200, "%llu signatures", (unsigned long long)signs);
	for (i = 1; i < 8; i++)
		others -= si->si_node[i].sn_signs;
	ATF_CHECK_MSG(-others < 400, "%llu signatures of others",
	    (unsigned long long)-others);
	/* It goes for good; what was in its range is where it was. */
	foe_unlink(foe);
	foe_settle(si, 60000);
	still_works(si);
	sim_free(si);
}

/* Join without Attach, on another's link, for another's place; again and again. */
ATF_TC_WITHOUT_HEAD(join);
ATF_TC_BODY(join, tc)
{
	struct sim	*si = ring_with_numbers(6, 2, 6);
	struct simnode	*foe = &si->si_node[6], *far = &si->si_node[7];
	struct simnode	*victim = &si->si_node[0];
	uint8_t		 body[256];
	uint64_t	 signs;
	size_t		 n;
	int		 i;

	foe_link(foe, victim);
	n = foe_join(body, sizeof(body), &far->sn_id);
	signs = victim->sn_signs;
	for (i = 0; i < 300; i++) {
		foe_ask(foe, victim, body, n);			/* for another */
		foe_ask_from(far, foe, victim, body, n);	/* without a link */
		sim_for(si, 100);
	}
	signs = victim->sn_signs - signs;
	ATF_CHECK_MSG(signs < 60, "%llu signatures", (unsigned long long)signs);
	ATF_CHECK(TAILQ_EMPTY(&victim->sn_node->n_jobs));
	ATF_CHECK_EQ(5, victim->sn_node->n_ring.rg_npeers);
	still_works(si);
	sim_free(si);
}

/* Forty certified nodes want to join at one place in the same moment. */
ATF_TC_WITHOUT_HEAD(crowd);
ATF_TC_BODY(crowd, tc)
{
	struct sim	*si = sim_new(48, 7);
	struct nodeid	 id, step;
	int		 i;

	for (i = 0; i < 8; i++)
		(void)sim_on(si, i);
	ATF_REQUIRE_EQ(0, sim_join(si, 120000));
	foe_settle(si, 20000);
	sim_numbers(&si->si_node[1], "+14085550100", "+14085550149", NULL, NULL, 0);
	sim_for(si, 10000);
	nodeid_pow2(60, &step);
	id = si->si_node[0].sn_id;
	for (i = 8; i < 48; i++) {
		nodeid_sub(&id, &step, &id);
		foe_place(&si->si_node[i], &id);
		(void)sim_on(si, i);
	}
	for (i = 0; i < 100; i++) {
		sim_for(si, 100);
		foe_bounds(&si->si_node[0]);
	}
	ATF_CHECK_EQ_MSG(0, sim_join(si, 400000), "%d not joined", sim_unjoined(si));
	foe_settle(si, 120000);
	still_works(si);
	sim_free(si);
}

/* Stores of one node beyond its quota, and over and over in one slot. */
ATF_TC_WITHOUT_HEAD(store);
ATF_TC_BODY(store, tc)
{
	struct sim	*si = ring_with_numbers(4, 1, 8);
	struct simnode	*foe = &si->si_node[4], *victim = &si->si_node[0];
	struct nodeid	 id, step, first;
	uint8_t		 body[2048];
	uint64_t	 t = SIM_WALL + si->si_now, signs;
	size_t		 n, held;
	int		 i;

	for (i = 0; i < (int)si->si_doc.rd_kinds; i++) {
		if (si->si_doc.rd_kind[i].rk_id == RELOAD_KIND_VIPR)
			si->si_doc.rd_kind[i].rk_quota = 1;
	}
	foe_link(foe, victim);
	held = victim->sn_node->n_storage.st_nvalues;
	nodeid_pow2(20, &step);
	id = victim->sn_id;
	for (i = 0; i < 2000; i++) {
		nodeid_sub(&id, &step, &id);
		if (i == 0)
			first = id;
		n = foe_store(body, sizeof(body), foe, &id, 0, t);
		foe_ask(foe, victim, body, n);
		if (i % 20 == 0) {
			sim_for(si, 100);
			foe_bounds(victim);
		}
	}
	sim_for(si, 2000);
	n = victim->sn_node->n_storage.st_nvalues - held;
	ATF_CHECK_MSG(n >= 64 && n <= 80, "%zu entries of the foe", n);
	still_works(si);
	/* The same slot, ever newer: each is a write, and two copies. */
	signs = victim->sn_signs;
	for (i = 0; i < 30000; i++) {
		n = foe_store(body, sizeof(body), foe, &first, 0, t + 1 + (uint64_t)i);
		foe_ask(foe, victim, body, n);
		if (i % 300 == 0) {
			sim_for(si, 10);
			foe_bounds(victim);
		}
	}
	signs = victim->sn_signs - signs;
	ATF_CHECK_MSG(signs > 5000 && signs < 18000, "%llu signatures",
	    (unsigned long long)signs);
	sim_for(si, 60000);
	still_works(si);
	ATF_CHECK_EQ(0, victim->sn_node->n_nsigwait);
	sim_free(si);
}

/* One request with hundreds of values, each with a valid signature. */
ATF_TC_WITHOUT_HEAD(values);
ATF_TC_BODY(values, tc)
{
	struct sim	*si = ring_with_numbers(4, 1, 13);
	struct simnode	*foe = &si->si_node[4], *victim = &si->si_node[0];
	static uint8_t	 one[2048], body[65536];
	struct wire_contents wc;
	struct wire_error we;
	struct wire_store wt;
	struct wire_kinddata wk;
	struct wbuf	 w, vw, kw;
	static uint8_t	 vals[60000], kinds[61000];
	struct cur	 c;
	size_t		 n, mark, i;
	uint64_t	 verified;

	foe_link(foe, victim);
	n = foe_store(one, sizeof(one), foe, &victim->sn_id, 0, SIM_WALL + si->si_now);
	cur_init(&c, one, n);
	ATF_REQUIRE_EQ(0, wire_contents_parse(&c, &wc, &we));
	ATF_REQUIRE_EQ(0, wire_store_parse(&wc.wc_body, data_model, victim->sn_node, &wt,
	    &we));
	c = wt.wt_kinds;
	ATF_REQUIRE_EQ(1, wire_kinddata_next(&c, data_model, victim->sn_node, &wk));
	wbuf_init(&vw, vals, sizeof(vals));
	for (i = 0; i < 200; i++)
		wbuf_bytes(&vw, wk.wk_values.c_p, cur_left(&wk.wk_values));
	ATF_REQUIRE_EQ(0, wbuf_ok(&vw));
	cur_init(&wk.wk_values, vals, vw.w_len);
	wbuf_init(&kw, kinds, sizeof(kinds));
	wire_kinddata_write(&kw, &wk);
	cur_init(&wt.wt_kinds, kinds, kw.w_len);
	wbuf_init(&w, body, sizeof(body));
	mark = wire_contents_open(&w, WIRE_STORE);
	wire_store_write(&w, &wt);
	wire_contents_close(&w, mark, NULL);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	verified = victim->sn_verified;
	foe_ask(foe, victim, body, w.w_len);
	sim_for(si, 100);
	verified = victim->sn_verified - verified;
	ATF_CHECK_MSG(verified >= 2 && verified <= 4, "%llu verified",
	    (unsigned long long)verified);
	sim_free(si);
}

/* Copies from whoever is not a neighbour, and of places that are not ours. */
ATF_TC_WITHOUT_HEAD(replica);
ATF_TC_BODY(replica, tc)
{
	struct sim	*si = ring_with_numbers(16, 1, 9);
	struct simnode	*foe = &si->si_node[16], *victim = &si->si_node[0];
	struct nodeid	 id;
	uint8_t		 body[2048];
	size_t		 n, held;
	int		 i;

	foe_link(foe, victim);
	held = victim->sn_node->n_storage.st_nvalues;
	for (i = 0; i < 500; i++) {
		foe_invent(si, &id, 1);
		n = foe_store(body, sizeof(body), foe, &id, 1, SIM_WALL + si->si_now);
		foe_ask(foe, victim, body, n);
		sim_for(si, 10);
	}
	sim_for(si, 2000);
	ATF_CHECK_EQ(held, victim->sn_node->n_storage.st_nvalues);
	still_works(si);
	sim_free(si);
}

/* Documents nobody asked for; the examiner is busy with four. */
ATF_TC_WITHOUT_HEAD(config);
ATF_TC_BODY(config, tc)
{
	struct sim	*si = ring_with_numbers(4, 1, 10);
	struct simnode	*foe = &si->si_node[4], *victim = &si->si_node[0];
	struct wire_configupdate wc;
	struct wbuf	 w;
	static uint8_t	 body[40000], doc[32000];
	uint64_t	 signs;
	size_t		 mark;

	foe_link(foe, victim);
	memset(doc, 'x', sizeof(doc));
	memset(&wc, 0, sizeof(wc));
	wc.wc_type = WIRE_CU_CONFIG;
	wc.wc_config.p = (const char *)doc;
	wc.wc_config.len = sizeof(doc);
	wbuf_init(&w, body, sizeof(body));
	mark = wire_contents_open(&w, WIRE_CONFIGUPDATE);
	wire_configupdate_write(&w, &wc);
	wire_contents_close(&w, mark, NULL);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	signs = storm(foe, victim, body, w.w_len, 10, 20);
	ATF_CHECK_MSG(signs < 60, "%llu signatures", (unsigned long long)signs);
	still_works(si);
	sim_free(si);
}

/* Whoever has a message of another can send it again: that one may ask as much as
 * before. */
ATF_TC_WITHOUT_HEAD(replay);
ATF_TC_BODY(replay, tc)
{
	struct sim	*si = ring_with_numbers(4, 2, 14);
	struct simnode	*foe = &si->si_node[4], *honest = &si->si_node[5];
	struct simnode	*victim = &si->si_node[0];
	uint8_t		 body[512];
	uint64_t	 signs;
	size_t		 n;
	int		 i, j;

	foe_link(foe, victim);
	foe_link(honest, victim);
	n = hand_ping(body, sizeof(body), 10);
	for (i = 0; i < 50; i++) {
		for (j = 0; j < 100; j++)
			foe_ask_from(honest, foe, victim, body, n);
		sim_for(si, 100);
	}
	signs = victim->sn_signs;
	for (i = 0; i < 50; i++)
		foe_ask(honest, victim, body, n);
	sim_for(si, 100);
	ATF_CHECK(victim->sn_signs - signs >= 50);
	sim_free(si);
}

/* Answers and errors that nobody asked for are not even verified. */
ATF_TC_WITHOUT_HEAD(unsolicited);
ATF_TC_BODY(unsolicited, tc)
{
	struct sim	*si = ring_with_numbers(4, 1, 11);
	struct simnode	*foe = &si->si_node[4], *victim = &si->si_node[0];
	struct wbuf	 w;
	uint8_t		 body[512];
	uint64_t	 signs;
	size_t		 n, mark;

	foe_link(foe, victim);
	n = foe_polite(foe, WIRE_PING, body, sizeof(body));
	signs = storm(foe, victim, body, n, 100, 10);
	ATF_CHECK_MSG(signs < 30, "%llu signatures", (unsigned long long)signs);
	wbuf_init(&w, body, sizeof(body));
	mark = wire_contents_open(&w, WIRE_ERROR);
	wire_error_write(&w, WIRE_E_CONFIG_TOO_NEW, "new", 3);
	wire_contents_close(&w, mark, NULL);
	signs = storm(foe, victim, body, w.w_len, 100, 10);
	ATF_CHECK_MSG(signs < 30, "%llu signatures", (unsigned long long)signs);
	ATF_CHECK_EQ(0, victim->sn_node->n_stats.ns_errors_in);
	still_works(si);
	sim_free(si);
}

/* Five hundred signers behind one link: their memory is bounded, and the key
 * that is away for a while makes no queue without end. */
ATF_TC_WITHOUT_HEAD(many_signers);
ATF_TC_BODY(many_signers, tc)
{
	struct sim	*si = ring_with_numbers(4, 1, 12);
	struct simnode	*foe = &si->si_node[4], *victim = &si->si_node[0];
	struct nodeid	 id, home = foe->sn_id;
	uint8_t		 body[2048];
	size_t		 n;
	int		 i;

	foe_link(foe, victim);
	n = hand_ping(body, sizeof(body), 1500);
	victim->sn_nosign = 1;
	for (i = 0; i < 12000; i++) {
		foe_invent(si, &id, 1);
		foe_place(foe, &id);
		foe_ask(foe, victim, body, n);
		if (i % 200 == 0) {
			sim_for(si, 10);
			foe_bounds(victim);
		}
	}
	foe_place(foe, &home);
	/* Our own have room. */
	ATF_CHECK_MSG(victim->sn_node->n_nsigwait <= NODE_SIGN_QUEUE_MAX / 2 + 200,
	    "%zu wait", victim->sn_node->n_nsigwait);
	victim->sn_nosign = 0;
	sim_for(si, 120000);
	ATF_CHECK_EQ(0, victim->sn_node->n_nsigwait);
	still_works(si);
	sim_for(si, 120000);
	ATF_CHECK_MSG(limit_count(victim->sn_node) < 20, "%zu signers",
	    limit_count(victim->sn_node));
	sim_free(si);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, ask);
	ATF_TP_ADD_TC(tp, fetch);
	ATF_TP_ADD_TC(tp, update);
	ATF_TP_ADD_TC(tp, attach);
	ATF_TP_ADD_TC(tp, flap);
	ATF_TP_ADD_TC(tp, join);
	ATF_TP_ADD_TC(tp, crowd);
	ATF_TP_ADD_TC(tp, store);
	ATF_TP_ADD_TC(tp, values);
	ATF_TP_ADD_TC(tp, replica);
	ATF_TP_ADD_TC(tp, config);
	ATF_TP_ADD_TC(tp, replay);
	ATF_TP_ADD_TC(tp, unsolicited);
	ATF_TP_ADD_TC(tp, many_signers);
	return (atf_no_error());
}
