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
 * Copies of a range that holds much: what is copied, and that no turn of the
 * event loop walks through all of it.
 */

#include <atf-c.h>

#include "simnet.h"

#define MANY	20000u		/* more than two turns look at */

static void	 plant(struct sim *, int, const struct nodeid *, uint64_t);
static struct nodeid place(unsigned);
static int	 has(struct sim *, int, const struct nodeid *);
static struct sim *ring_of(int, uint64_t);

static struct sim *
ring_of(int n, uint64_t seed)
{
	struct sim	*si = sim_new(n, seed);
	int		 i;

	(void)sim_on(si, 0);
	ATF_REQUIRE_EQ(0, sim_join(si, 30000));
	for (i = 1; i < n; i++)
		(void)sim_on(si, i);
	ATF_REQUIRE_EQ(0, sim_join(si, 240000));
	sim_for(si, 15000);
	return (si);
}

/* Places all around the ring, in no order. */
static struct nodeid
place(unsigned n)
{
	struct nodeid	 id;

	(void)crypto_generichash(id.id_b, NODEID_LEN, (uint8_t *)&n, sizeof(n), NULL, 0);
	return (id);
}

/* An entry of node i itself in its own storage, as if it had come just now. */
static void
plant(struct sim *si, int i, const struct nodeid *res, uint64_t wall)
{
	struct simnode	*sn = &si->si_node[i];
	struct storage_set ss;
	struct storage_item item;
	struct wire_value wv;
	struct wbuf	 w;
	struct span	 part;
	const char	*why = "";
	char		 key[64], hex[NODEID_HEXLEN];
	uint8_t		 in[512], ident[RELOAD_IDENTITY_LEN], sig[32], sb[128];

	(void)snprintf(key, sizeof(key), "%s+0123456789abcdef", nodeid_hex(&sn->sn_id, hex));
	memset(&wv, 0, sizeof(wv));
	wv.wv_exists = 1;
	wv.wv_key.p = key;
	wv.wv_key.len = strlen(key);
	wv.wv_data.p = "v";
	wv.wv_data.len = 1;
	wbuf_init(&w, in, sizeof(in));
	wire_data_input(&w, res->id_b, NODEID_LEN, RELOAD_KIND_VIPR, RELOAD_DICTIONARY,
	    wall, &wv);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	part.p = (const char *)in;
	part.len = w.w_len;
	sim_identity(sn, ident);
	sim_signature(&sn->sn_id, &part, 1, ident, sizeof(ident), sig);
	wbuf_init(&w, sb, sizeof(sb));
	reload_signature_write(&w, RELOAD_SIG_ECDSA, sn->sn_sha256, sig, sizeof(sig));
	memset(&item, 0, sizeof(item));
	item.si_key = wv.wv_key;
	item.si_time = wall;
	item.si_lifetime = 86400;
	item.si_exists = 1;
	item.si_value = wv.wv_data;
	item.si_sig.p = (const char *)sb;
	item.si_sig.len = w.w_len;
	item.si_signer = sn->sn_id;
	memcpy(item.si_sha256, sn->sn_sha256, sizeof(item.si_sha256));
	item.si_cert.p = (const char *)sn->sn_cert;
	item.si_cert.len = sn->sn_certlen;
	memset(&ss, 0, sizeof(ss));
	ss.ss_kind = reload_doc_kind(&si->si_doc, RELOAD_KIND_VIPR);
	ss.ss_generation = 1;
	ss.ss_items = &item;
	ss.ss_nitems = 1;
	ATF_REQUIRE_EQ_MSG(0, storage_store(&sn->sn_node->n_storage, res, 1, &ss, 1, wall,
	    &why), "%s", why);
}

static int
has(struct sim *si, int i, const struct nodeid *res)
{
	struct storage	*st = &si->si_node[i].sn_node->n_storage;

	return (storage_first(st, storage_find(st, res, RELOAD_KIND_VIPR)) != NULL);
}

/* A range of each shape: what is in it arrives, and nothing else. */
ATF_TC_WITHOUT_HEAD(ranges);
ATF_TC_BODY(ranges, tc)
{
	struct sim	*si = ring_of(3, 700);
	struct node	*n = si->si_node[0].sn_node;
	struct nodeid	 from, to, id, top;
	unsigned	 i, round, in;

	memset(&top, 0xff, sizeof(top));
	for (round = 0; round < 4; round++) {
		for (i = 0; i < 200; i++) {
			id = place(1000 * round + i);
			plant(si, 0, &id, SIM_WALL + si->si_now);
		}
		from = place(100000 + round);
		to = place(200000 + round);
		/* Two that pass zero or not; then from the very top, and all. */
		if (round < 2 && (nodeid_cmp(&from, &to) < 0) != (round == 0)) {
			id = from;
			from = to;
			to = id;
		} else if (round == 2)
			from = top;
		else if (round == 3)
			from = to;
		if (round == 2) {
			id = top;
			plant(si, 0, &id, SIM_WALL + si->si_now);
		}
		repl_range(n, &si->si_node[1].sn_id, &from, &to, 0, 0, REPL_MOVED);
		sim_rewake(&si->si_node[0]);
		sim_for(si, 60000);
		ATF_CHECK(TAILQ_EMPTY(&n->n_jobs));
		for (i = 0, in = 0; i < 200; i++) {
			id = place(1000 * round + i);
			ATF_CHECK_EQ(nodeid_in(&id, &from, &to), has(si, 1, &id));
			in += nodeid_in(&id, &from, &to) != 0;
		}
		ATF_CHECK(in > 0 && (in < 200) == (round != 3));
	}
	sim_free(si);
}

/* Nothing to copy among many, but one: found, in more than one turn. */
ATF_TC_WITHOUT_HEAD(many);
ATF_TC_BODY(many, tc)
{
	struct sim	*si = ring_of(2, 701);
	struct node	*n = si->si_node[0].sn_node;
	struct nodeid	 id, last, *self = &si->si_node[0].sn_id;
	uint64_t	 since;
	unsigned	 i, turns = 0;

	memset(&last, 0, sizeof(last));
	for (i = 0; i < MANY; i++) {
		id = place(i);
		plant(si, 0, &id, SIM_WALL + si->si_now);
		/* The last one on the way around from ourselves. */
		if (i == 0 || nodeid_dist_cmp(self, &id, &last) > 0)
			last = id;
	}
	sim_for(si, 5000);
	since = SIM_WALL + si->si_now;
	plant(si, 0, &last, since);
	repl_range(n, &si->si_node[1].sn_id, self, self, since, 0, REPL_MOVED);
	sim_rewake(&si->si_node[0]);
	ATF_REQUIRE(!TAILQ_EMPTY(&n->n_jobs));
	while (!has(si, 1, &last) && turns < 1000) {
		sim_for(si, 1);
		turns++;
	}
	/* A pause after each part, and the way there. */
	ATF_CHECK_MSG(turns >= 35 && turns < 1000, "%u ms", turns);
	sim_for(si, 1000);
	ATF_CHECK(TAILQ_EMPTY(&n->n_jobs));
	/* The others were not sent. */
	ATF_CHECK(si->si_node[1].sn_node->n_storage.st_nvalues < 100);
	sim_free(si);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, ranges);
	ATF_TP_ADD_TC(tp, many);
	return (atf_no_error());
}
