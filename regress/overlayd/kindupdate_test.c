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
 * A new document in a running node: Kinds that go or change with their data,
 * intervals, a sequence that wraps, and one that asks for what we do not have.
 */

#include <atf-c.h>

#include "hand.h"

#define OTHER_KIND	0xf0000099u

static struct sim	*si;
static struct simnode	*evil, *victim;
static uint64_t		 watch;
static struct {
	int		 code, error;
	unsigned	 updates, configs;
}			 seen;
static struct {
	unsigned	 calls, blocks;
}			 given;

static int	 tap(struct sim *, struct simnode *, struct simnode *, const void *, size_t);
static void	 setup(int, uint64_t);
static int	 ask(const struct node_dest *, const void *, size_t, uint16_t);
static int	 store(uint32_t, uint64_t);
static size_t	 values(const struct simnode *, uint32_t);
static void	 document(struct simnode *, const struct reload_doc *);
static void	 take(void *, uint64_t, int, const void *, size_t);

static int
tap(struct sim *s, struct simnode *from, struct simnode *to, const void *msg, size_t len)
{
	struct wire_msg	 wm;
	struct wire_error we;
	struct wire_errresp wr;

	(void)s;
	if (from != victim || wire_msg_parse(msg, len, &wm, &we) == -1)
		return (0);
	seen.updates += wm.wm_contents.wc_code == WIRE_UPDATE;
	seen.configs += wm.wm_contents.wc_code == WIRE_CONFIGUPDATE;
	if (to != evil || wm.wm_header.wh_tid != watch)
		return (0);
	seen.code = wm.wm_contents.wc_code;
	if (seen.code == WIRE_ERROR &&
	    wire_error_parse(&wm.wm_contents.wc_body, &wr, &we) == 0)
		seen.error = wr.wr_code;
	return (1);
}

static void
setup(int n, uint64_t seed)
{
	int		 i;

	si = sim_new(n, seed);
	for (i = 0; i < n; i++)
		(void)sim_on(si, i);
	ATF_REQUIRE_EQ(0, sim_join(si, 240000));
	sim_for(si, 60000);
	victim = &si->si_node[0];
	evil = &si->si_node[1];
	memset(&seen, 0, sizeof(seen));
	si->si_tap = tap;
}

/* The answer's code, an error as -code, 0 for none. */
static int
ask(const struct node_dest *nd, const void *contents, size_t len, uint16_t seq)
{
	struct hand	 ha;
	struct wbuf	 w;
	uint8_t		 dest[32];

	seen.code = seen.error = 0;
	watch = sim_rand(si) | 1;
	hand_init(&ha, watch);
	ha.ha_seq = seq;
	wbuf_init(&w, dest, sizeof(dest));
	node_dest_write(&w, nd);
	cur_init(&ha.ha_dest, dest, w.w_len);
	ATF_REQUIRE_EQ(0, hand_send(evil, evil, victim, &ha, contents, len));
	sim_for(si, 300);
	return (seen.error != 0 ? -seen.error : seen.code);
}

/* evil's own entry at a place of victim's. */
static int
store(uint32_t kind, uint64_t time)
{
	struct node_dest nd = { WIRE_DEST_RESOURCE, victim->sn_id };
	char		 key[64], hex[NODEID_HEXLEN];
	uint8_t		 body[4096];
	size_t		 len;

	(void)snprintf(key, sizeof(key), "%s+0123456789abcdef",
	    nodeid_hex(&evil->sn_id, hex));
	len = hand_store(evil, &victim->sn_id, kind, key, "value", 5, SIM_WALL + time,
	    body, sizeof(body));
	return (ask(&nd, body, len, victim->sn_node->n_doc->rd_sequence));
}

static size_t
values(const struct simnode *sn, uint32_t kind)
{
	const struct storage_place *sp;

	sp = storage_find(&sn->sn_node->n_storage, &victim->sn_id, kind);
	return (sp == NULL ? 0 : sp->sp_count);
}

static void
document(struct simnode *sn, const struct reload_doc *doc)
{
	node_clock(sn->sn_node, si->si_now, SIM_WALL + si->si_now);
	node_document(sn->sn_node, doc);
	sim_rewake(sn);
}

/* A Kind that goes takes its data along; one that has another data model now,
 * too, at once; one with other limits keeps them. */
ATF_TC_WITHOUT_HEAD(kinds);
ATF_TC_BODY(kinds, tc)
{
	struct reload_doc one, two, three, four;
	struct reload_kind *rk;

	setup(3, 1);
	one = si->si_doc;
	rk = &one.rd_kind[one.rd_kinds++];
	*rk = one.rd_kind[0];
	rk->rk_id = OTHER_KIND;
	ATF_CHECK_EQ(-WIRE_E_UNKNOWN_KIND, store(OTHER_KIND, 1));
	document(victim, &one);
	ATF_CHECK_EQ(WIRE_STORE_ANS, store(OTHER_KIND, 2));
	ATF_CHECK_EQ(WIRE_STORE_ANS, store(RELOAD_KIND_VIPR, 2));
	ATF_CHECK_EQ(1, values(victim, OTHER_KIND));
	/* Limits: the value that is there is not asked, the next one is. */
	two = one;
	two.rd_kind[two.rd_kinds - 1].rk_max_size = 4;
	document(victim, &two);
	sim_for(si, 1000);
	ATF_CHECK_EQ(1, values(victim, OTHER_KIND));
	ATF_CHECK_EQ(-WIRE_E_DATA_TOO_LARGE, store(OTHER_KIND, 3));
	/* Another model. */
	three = two;
	three.rd_kind[three.rd_kinds - 1].rk_model = RELOAD_ARRAY;
	document(victim, &three);
	ATF_CHECK_EQ(0, values(victim, OTHER_KIND));
	/* Gone. */
	document(victim, &one);
	ATF_CHECK_EQ(WIRE_STORE_ANS, store(OTHER_KIND, 4));
	four = si->si_doc;
	document(victim, &four);
	sim_for(si, 1000);
	ATF_CHECK_EQ(0, values(victim, OTHER_KIND));
	ATF_CHECK_EQ(1, values(victim, RELOAD_KIND_VIPR));
	ATF_CHECK_EQ(-WIRE_E_UNKNOWN_KIND, store(OTHER_KIND, 5));
	sim_free(si);
}

static void
take(void *arg, uint64_t token, int type, const void *p, size_t len)
{
	struct simnode	*sn = arg;
	struct span	 block;
	struct cur	 c;

	ATF_CHECK_EQ(WIRE_CU_KIND, type);
	given.calls++;
	cur_init(&c, p, len);
	while (wire_kindblock_next(&c, &block) == 1)
		given.blocks++;
	node_config_done(sn->sn_node, token, given.blocks == 3 ? 0 : WIRE_E_FORBIDDEN,
	    "not three");
}

/* Several kind-blocks come together, and are answered together. */
ATF_TC_WITHOUT_HEAD(blocks);
ATF_TC_BODY(blocks, tc)
{
	struct node_ops	 ops = sim_ops;
	struct wire_configupdate wc;
	struct node_dest nd;
	struct wbuf	 w, lw;
	uint8_t		 body[512], contents[600], list[256];
	unsigned	 n, i;
	size_t		 len;

	setup(3, 2);
	ops.no_config = take;
	victim->sn_node->n_ops = &ops;
	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_NODE;
	nd.nd_id = victim->sn_id;
	for (n = 1; n <= 3; n += 2) {
		memset(&given, 0, sizeof(given));
		wbuf_init(&lw, list, sizeof(list));
		for (i = 0; i < n; i++)
			wbuf_lv(&lw, 2, "<kind-block/>", 13);
		memset(&wc, 0, sizeof(wc));
		wc.wc_type = WIRE_CU_KIND;
		cur_init(&wc.wc_kinds, list, lw.w_len);
		wbuf_init(&w, body, sizeof(body));
		wire_configupdate_write(&w, &wc);
		len = hand_contents(contents, sizeof(contents), WIRE_CONFIGUPDATE, body,
		    w.w_len);
		ATF_CHECK_EQ(n == 3 ? WIRE_CONFIGUPDATE_ANS : -WIRE_E_FORBIDDEN,
		    ask(&nd, contents, len, WIRE_SEQ_ANY));
		ATF_CHECK_EQ(1, given.calls);
		ATF_CHECK_EQ(n, given.blocks);
	}
	sim_free(si);
}

/* 65534 is followed by 0: pushed to everybody, and older ones are told. */
ATF_TC_WITHOUT_HEAD(wrap);
ATF_TC_BODY(wrap, tc)
{
	static const uint8_t text[] = "<overlay/>";
	struct reload_doc last, next;
	struct node_dest nd;
	uint8_t		 body[64];
	size_t		 len;

	setup(4, 3);
	last = si->si_doc;
	last.rd_text.b_p = text;
	last.rd_text.b_len = sizeof(text) - 1;
	next = last;
	last.rd_sequence = 65534;
	next.rd_sequence = 0;
	victim->sn_node->n_doc = &last;
	document(victim, &next);
	sim_for(si, 1000);
	ATF_CHECK_EQ(3, seen.configs);
	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_NODE;
	nd.nd_id = victim->sn_id;
	len = hand_ping(body, sizeof(body), 0);
	ATF_CHECK_EQ(WIRE_PING_ANS, ask(&nd, body, len, 0));
	ATF_CHECK_EQ(-WIRE_E_CONFIG_TOO_OLD, ask(&nd, body, len, 65534));
	ATF_CHECK_EQ(-WIRE_E_CONFIG_TOO_NEW, ask(&nd, body, len, 1));
	/* And not back again. */
	seen.configs = 0;
	document(victim, &last);
	sim_for(si, 1000);
	ATF_CHECK_EQ(0, seen.configs);
	sim_free(si);
}

/* Shorter intervals begin at once, not after the longer one has run out; the
 * other numbers hold from the next message on. */
ATF_TC_WITHOUT_HEAD(intervals);
ATF_TC_BODY(intervals, tc)
{
	struct reload_doc doc;
	struct node_dest nd;
	uint8_t		 body[64];
	size_t		 len;

	setup(4, 4);
	doc = si->si_doc;
	doc.rd_update_s = 10;
	doc.rd_initial_ttl = 20;
	document(victim, &doc);
	seen.updates = 0;
	sim_for(si, 13000);
	ATF_CHECK_MSG(seen.updates >= 3, "%u Updates", seen.updates);
	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_NODE;
	nd.nd_id = victim->sn_id;
	len = hand_ping(body, sizeof(body), 0);
	/* By its own, hand_send's ttl of 100 is too high now. */
	ATF_CHECK_EQ(-WIRE_E_TTL_EXCEEDED, ask(&nd, body, len, 1));
	sim_free(si);
}

/* A good document that asks for more than we have: out, with a word to the
 * neighbours; back with the next one. */
ATF_TC_WITHOUT_HEAD(quit);
ATF_TC_BODY(quit, tc)
{
	struct reload_doc next;
	struct simnode	*sn;
	unsigned	 warnings;
	int		 i;

	setup(6, 5);
	sn = &si->si_node[3];
	sim_numbers(&si->si_node[2], "+14085550100", "+14085550119", NULL, NULL, 0);
	sim_for(si, 10000);
	warnings = sn->sn_warnings;
	node_clock(sn->sn_node, si->si_now, SIM_WALL + si->si_now);
	node_quit(sn->sn_node, "a mandatory-extension");
	sim_rewake(sn);
	sim_for(si, 5000);
	ATF_CHECK_EQ(warnings + 1, sn->sn_warnings);
	ATF_CHECK(!node_is_joined(sn->sn_node));
	ATF_CHECK_EQ(0, sn->sn_node->n_nlinks);
	sim_for(si, 120000);
	ATF_CHECK_EQ(0, sn->sn_node->n_nlinks);
	ATF_CHECK_EQ(5, si->si_node[0].sn_node->n_ring.rg_npeers + 1);
	/* The same document once more changes nothing; a newer one does. */
	document(sn, &si->si_doc);
	sim_for(si, 10000);
	ATF_CHECK_EQ(0, sn->sn_node->n_nlinks);
	next = si->si_doc;
	next.rd_sequence++;
	for (i = 0; i < 6; i++)
		document(&si->si_node[i], &next);
	sim_for(si, 60000);
	ATF_CHECK(node_is_joined(sn->sn_node));
	ATF_CHECK_EQ(0, sim_wrong(si));
	sim_free(si);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, kinds);
	ATF_TP_ADD_TC(tp, blocks);
	ATF_TP_ADD_TC(tp, wrap);
	ATF_TP_ADD_TC(tp, intervals);
	ATF_TP_ADD_TC(tp, quit);
	return (atf_no_error());
}
