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
 * Links whose certificate names several Node-IDs: what passes before the Attach
 * that says which, and after it.
 */

#include <atf-c.h>

#include "hand.h"

static struct sim	*si;
static struct simnode	*victim, *a, *b, *stranger;
static struct node_ops	 ops;
static uint64_t		 link_id;	/* of the far end that this test is */
static struct {
	unsigned	 count;
	int		 code, error;
	struct nodeid	 dest;
	unsigned	 closed;
}			 got;
static uint64_t		 tid;

static void	 send_op(void *, uint64_t, const void *, size_t);
static void	 close_op(void *, uint64_t);
static void	 setup(void);
static int	 put(const struct simnode *, const struct nodeid *, int, const void *, size_t);
static int	 attach(const struct simnode *, const struct nodeid *, int);

static void
send_op(void *arg, uint64_t id, const void *msg, size_t len)
{
	struct wire_msg	 wm;
	struct wire_error we;
	struct wire_errresp wr;
	struct wire_dest wd;
	struct cur	 c;

	if (id != link_id) {
		sim_send(arg, id, msg, len);
		return;
	}
	ATF_REQUIRE_EQ(0, wire_msg_parse(msg, len, &wm, &we));
	if (wm.wm_header.wh_tid != tid)
		return;
	got.count++;
	got.code = wm.wm_contents.wc_code;
	got.error = 0;
	c = wm.wm_header.wh_dest;
	ATF_REQUIRE_EQ(1, wire_dest_next(&c, &wd));
	memcpy(got.dest.id_b, wd.wd_id.p, NODEID_LEN);
	if (got.code == WIRE_ERROR &&
	    wire_error_parse(&wm.wm_contents.wc_body, &wr, &we) == 0)
		got.error = wr.wr_code;
}

static void
close_op(void *arg, uint64_t id)
{
	if (id == link_id)
		got.closed++;
	else
		sim_close(arg, id);
}

static void
setup(void)
{
	struct nodeid	 ids[2];
	int		 i;

	si = sim_new(6, 1);
	for (i = 0; i < 3; i++)
		(void)sim_on(si, i);
	ATF_REQUIRE_EQ(0, sim_join(si, 60000));
	sim_for(si, 10000);
	victim = &si->si_node[0];
	a = &si->si_node[3];
	b = &si->si_node[4];
	stranger = &si->si_node[5];
	ops = sim_ops;
	ops.no_send = send_op;
	ops.no_close = close_op;
	victim->sn_node->n_ops = &ops;
	memset(&got, 0, sizeof(got));
	ids[0] = a->sn_id;
	ids[1] = b->sn_id;
	link_id = node_link_id(victim->sn_node);
	ATF_REQUIRE_EQ(0, node_link_several(victim->sn_node, link_id, ids, 2, &a->sn_addr, 1));
}

/* The answer's code, an error as -code; 0 for none, -999 for a closed link. */
static int
put(const struct simnode *signer, const struct nodeid *to, int resource,
    const void *contents, size_t clen)
{
	struct hand	 ha;
	struct node_dest nd;
	struct wbuf	 w;
	uint8_t		 dest[32], payload[2048], msg[2048];
	size_t		 n;
	int		 r;

	tid = sim_rand(si) | 1;
	got.count = 0;
	got.code = got.error = 0;
	hand_init(&ha, tid);
	nd.nd_type = resource ? WIRE_DEST_RESOURCE : WIRE_DEST_NODE;
	nd.nd_id = *to;
	wbuf_init(&w, dest, sizeof(dest));
	node_dest_write(&w, &nd);
	cur_init(&ha.ha_dest, dest, w.w_len);
	n = hand_payload(signer, &ha, contents, clen, payload, sizeof(payload));
	n = hand_header(si, &ha, payload, n, msg, sizeof(msg));
	node_clock(victim->sn_node, si->si_now, SIM_WALL + si->si_now);
	r = node_input(victim->sn_node, link_id, msg, n);
	sim_rewake(victim);
	sim_for(si, 300);
	if (r == -1)
		return (-999);
	return (got.error != 0 ? -got.error : got.code);
}

static int
attach(const struct simnode *signer, const struct nodeid *to, int resource)
{
	struct wire_attach wa;
	struct wbuf	 w, cw;
	uint8_t		 body[256], cand[128], contents[300];
	size_t		 n;

	wbuf_init(&cw, cand, sizeof(cand));
	wire_candidate_host(&cw, &signer->sn_addr);
	memset(&wa, 0, sizeof(wa));
	wa.wa_role.p = "passive";
	wa.wa_role.len = 7;
	cur_init(&wa.wa_candidates, cand, cw.w_len);
	wbuf_init(&w, body, sizeof(body));
	wire_attach_write(&w, &wa);
	n = hand_contents(contents, sizeof(contents), WIRE_ATTACH, body, w.w_len);
	return (put(signer, to, resource, contents, n));
}

ATF_TC_WITHOUT_HEAD(before);
ATF_TC_BODY(before, tc)
{
	struct nodeid	 wildcard;
	uint8_t		 ping[64], probe[64];
	size_t		 plen, blen;

	setup();
	memset(&wildcard, 0xff, sizeof(wildcard));
	plen = hand_ping(ping, sizeof(ping), 0);
	blen = hand_contents(probe, sizeof(probe), WIRE_PROBE, "\0", 1);
	/* Ping, and nothing else; for us, and for nobody else. */
	ATF_CHECK_EQ(WIRE_PING_ANS, put(a, &wildcard, 0, ping, plen));
	ATF_CHECK(nodeid_eq(&got.dest, &a->sn_id));
	ATF_CHECK_EQ(WIRE_PING_ANS, put(b, &victim->sn_id, 0, ping, plen));
	ATF_CHECK(nodeid_eq(&got.dest, &b->sn_id));
	ATF_CHECK_EQ(-WIRE_E_FORBIDDEN, put(a, &victim->sn_id, 0, probe, blen));
	ATF_CHECK_EQ(-WIRE_E_FORBIDDEN, put(a, &si->si_node[1].sn_id, 0, ping, plen));
	ATF_CHECK_EQ(-WIRE_E_FORBIDDEN, put(a, &si->si_node[1].sn_id, 1, ping, plen));
	/* Somebody whom the certificate does not name; an answer. */
	ATF_CHECK_EQ(0, put(stranger, &wildcard, 0, ping, plen));
	ATF_CHECK_EQ(0, attach(stranger, &victim->sn_id, 0));
	ATF_CHECK_EQ(0, put(a, &victim->sn_id, 0, ping, plen - 1));
	ATF_CHECK(node_peer_find(victim->sn_node, &a->sn_id) == NULL);
	ATF_CHECK_EQ(1, victim->sn_node->n_nseveral);
	/* And not for long. */
	sim_for(si, 20000);
	ATF_CHECK_EQ(1, got.closed);
	ATF_CHECK_EQ(0, victim->sn_node->n_nseveral);
	ATF_CHECK_EQ(-999, put(a, &wildcard, 0, ping, plen));
	sim_free(si);
}

ATF_TC_WITHOUT_HEAD(after);
ATF_TC_BODY(after, tc)
{
	uint8_t		 ping[64];
	size_t		 plen;

	setup();
	plen = hand_ping(ping, sizeof(ping), 0);
	/* An Attach to somebody else tells who it is as well. */
	ATF_CHECK(attach(b, &si->si_node[1].sn_id, 0) != -999);
	ATF_CHECK(node_peer_find(victim->sn_node, &b->sn_id) != NULL);
	ATF_CHECK(node_peer_find(victim->sn_node, &a->sn_id) == NULL);
	ATF_CHECK_EQ(0, victim->sn_node->n_nseveral);
	ATF_CHECK_EQ(WIRE_PING_ANS, put(b, &si->si_node[1].sn_id, 0, ping, plen));
	ATF_CHECK(nodeid_eq(&got.dest, &b->sn_id));
	sim_for(si, 60000);
	ATF_CHECK(node_peer_find(victim->sn_node, &b->sn_id) != NULL);
	ATF_CHECK_EQ(0, got.closed);
	sim_free(si);
}

/* There is room for some such links and no more; expected ones serve at once,
 * as a bootstrap node none does. */
ATF_TC_WITHOUT_HEAD(links);
ATF_TC_BODY(links, tc)
{
	struct node	*n;
	struct node_link *nl;
	struct nodeid	 ids[2];
	uint64_t	 id;
	unsigned	 i, taken = 0;

	setup();
	n = victim->sn_node;
	ids[0] = a->sn_id;
	ids[1] = b->sn_id;
	for (i = 0; i < 100; i++)
		taken += node_link_several(n, node_link_id(n), ids, 2, &a->sn_addr, 1) == 0;
	ATF_CHECK_EQ(15, taken);
	ATF_REQUIRE((id = node_connect(n, &a->sn_addr, 0)) != 0);
	nl = node_link_find(n, id);
	nl->nl_expected = 1;
	nl->nl_expect = b->sn_id;
	ATF_CHECK_EQ(0, node_link_several(n, id, ids, 2, &a->sn_addr, 0));
	ATF_CHECK(node_peer_find(n, &b->sn_id) != NULL);
	ATF_REQUIRE((id = node_connect(n, &a->sn_addr, 1)) != 0);
	ATF_CHECK_EQ(-1, node_link_several(n, id, ids, 2, &a->sn_addr, 0));
	ATF_CHECK(node_link_find(n, id) == NULL);
	sim_for(si, 30000);
	ATF_CHECK_EQ(0, n->n_nseveral);
	sim_free(si);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, before);
	ATF_TP_ADD_TC(tp, after);
	ATF_TP_ADD_TC(tp, links);
	return (atf_no_error());
}
