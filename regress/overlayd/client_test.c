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
 * Clients (RFC 6940, 4.2): strangers that only link to a peer of ours, and our
 * own node as a client.
 */

#include <atf-c.h>

#include "hand.h"

static struct sim	*si;
static struct {
	unsigned	 joins, updates;	/* sent by the client */
	unsigned	 neighbors;		/* sent to it */
	unsigned	 through;		/* for others, sent by it */
}			 seen;
static struct simnode	*client;

static int	 tap(struct sim *, struct simnode *, struct simnode *, const void *, size_t);
static void	 ring(int, int, uint64_t);
static void	 set_id(struct simnode *, const struct nodeid *);
static void	 done(struct node *, const struct node_resp *, void *);
static int	 ping(struct simnode *, const struct node_dest *, size_t, uint64_t, struct nodeid *);
static int	 ping_node(struct simnode *, const struct nodeid *);
static int	 reached(const struct simnode *);
static void	 lonely_on(int);
static void	 aa_done(int, const struct vaddr *, size_t, void *);

static int
tap(struct sim *s, struct simnode *from, struct simnode *to, const void *msg, size_t len)
{
	struct wire_msg	 wm;
	struct wire_error we;
	struct wire_update wu;

	(void)s;
	if (wire_msg_parse(msg, len, &wm, &we) == -1)
		return (0);
	if (from == client) {
		seen.joins += wm.wm_contents.wc_code == WIRE_JOIN;
		seen.updates += wm.wm_contents.wc_code == WIRE_UPDATE;
		seen.through += cur_left(&wm.wm_header.wh_via) > 0;
	}
	if (to == client && wm.wm_contents.wc_code == WIRE_UPDATE &&
	    wire_update_parse(&wm.wm_contents.wc_body, &wu, &we) == 0)
		seen.neighbors += wu.wu_type == WIRE_NEIGHBORS;
	return (0);
}

/* n nodes, of which the last is not started; on of them in the ring. */
static void
ring(int n, int on, uint64_t seed)
{
	int		 i;

	si = sim_new(n, seed);
	for (i = 0; i < on; i++)
		(void)sim_on(si, i);
	ATF_REQUIRE_EQ(0, sim_join(si, 240000));
	sim_for(si, 30000);
	ATF_REQUIRE_EQ(0, sim_wrong(si));
	client = &si->si_node[n - 1];
	memset(&seen, 0, sizeof(seen));
	si->si_tap = tap;
}

static void
set_id(struct simnode *sn, const struct nodeid *id)
{
	sn->sn_id = *id;
	memcpy(sn->sn_cert + sizeof(SIM_MAGIC) - 1, id->id_b, NODEID_LEN);
	(void)crypto_hash_sha256(sn->sn_sha256, sn->sn_cert, sn->sn_certlen);
}

/* A node that knows of no bootstrap node, and so never begins to join. */
static void
lonely_on(int i)
{
	static struct reload_doc lonely;

	lonely = si->si_doc;
	lonely.rd_boots = 0;
	si->si_doc.rd_boots = 0;
	(void)sim_on(si, i);
	si->si_doc.rd_boots = 1;
	si->si_node[i].sn_node->n_doc = &lonely;
	join_clear(si->si_node[i].sn_node);
}

static struct {
	int		 done, error;
	struct nodeid	 signer;
}			 result;

static void
done(struct node *n, const struct node_resp *resp, void *arg)
{
	(void)n;
	(void)arg;
	result.done = 1;
	result.error = resp->nr_error;
	if (resp->nr_signer != NULL)
		result.signer = resp->nr_signer->ng_node;
}

/* 0, the error, or -1 when it was not even sent. */
static int
ping(struct simnode *sn, const struct node_dest *nd, size_t n, uint64_t link,
    struct nodeid *who)
{
	struct node_build b;
	int		 i;

	memset(&result, 0, sizeof(result));
	node_clock(sn->sn_node, si->si_now, SIM_WALL + si->si_now);
	ATF_REQUIRE_EQ(0, build_open(sn->sn_node, &b, WIRE_PING));
	wire_ping_write(&b.nb_w, NULL, 0);
	if (node_request(sn->sn_node, &b, nd, n, link, done, NULL) == 0)
		return (-1);
	sim_rewake(sn);
	for (i = 0; i < 400 && !result.done; i++)
		sim_for(si, 50);
	ATF_REQUIRE(result.done);
	if (who != NULL)
		*who = result.signer;
	return (result.error);
}

static int
ping_node(struct simnode *sn, const struct nodeid *id)
{
	struct node_dest nd = { WIRE_DEST_NODE, *id };
	struct nodeid	 who;

	return (ping(sn, &nd, 1, 0, &who) == 0 && nodeid_eq(&who, id) ? 0 : -1);
}

/* From how many nodes of the ring the client is not reached by its Node-ID. */
static int
reached(const struct simnode *sn)
{
	int		 i, missed = 0;

	for (i = 0; i < si->si_nnodes; i++) {
		if (si->si_node[i].sn_node != NULL && !si->si_node[i].sn_deaf &&
		    &si->si_node[i] != sn)
			missed += ping_node(&si->si_node[i], &sn->sn_id) != 0;
	}
	return (missed);
}

/* A stranger with a link to some peer and nothing else. */
ATF_TC_WITHOUT_HEAD(stranger);
ATF_TC_BODY(stranger, tc)
{
	struct node_dest nd[2];
	struct simnode	*peer, *other, *fresh;
	struct nodeid	 id, who;
	uint64_t	 link;
	int		 i;

	ring(10, 8, 1);
	peer = &si->si_node[3];
	other = &si->si_node[5];
	fresh = &si->si_node[8];
	lonely_on(9);
	node_clock(client->sn_node, si->si_now, SIM_WALL + si->si_now);
	ATF_REQUIRE((link = node_connect(client->sn_node, &peer->sn_addr, 0)) != 0);
	sim_for(si, 1000);
	ATF_REQUIRE(node_peer_find(peer->sn_node, &client->sn_id) != NULL);
	/* Its requests are routed, and their answers come back over that link. */
	memset(nd, 0, sizeof(nd));
	for (i = 0; i < 8; i++) {
		nd[0].nd_type = WIRE_DEST_RESOURCE;
		nd[0].nd_id = si->si_node[i].sn_id;
		ATF_CHECK_EQ(0, ping(client, nd, 1, link, &who));
		ATF_CHECK(nodeid_eq(&who, &si->si_node[i].sn_id));
	}
	/* It is reached by way of its peer, whoever asks. */
	nd[0].nd_type = nd[1].nd_type = WIRE_DEST_NODE;
	nd[0].nd_id = peer->sn_id;
	nd[1].nd_id = client->sn_id;
	ATF_CHECK_EQ(0, ping(other, nd, 2, 0, &who));
	ATF_CHECK(nodeid_eq(&who, &client->sn_id));
	/* Nobody routes through it or hands it data. */
	ATF_CHECK(!ring_has(&peer->sn_node->n_ring, &client->sn_id));
	ATF_CHECK_EQ(0, seen.through);
	ATF_CHECK_EQ(0, client->sn_node->n_storage.st_nvalues);
	/* A node takes a part of its peer's range: it is told, with the lists;
	 * also where the document wants no other reactive Updates. */
	si->si_doc.rd_reactive = 0;
	seen.neighbors = 0;
	id = peer->sn_id;
	id.id_b[NODEID_LEN - 1] ^= 1;
	for (i = NODEID_LEN - 1; i >= 0 && id.id_b[i]-- == 0; i--)
		continue;
	set_id(fresh, &id);
	(void)sim_on(si, 8);
	while (!node_is_joined(fresh->sn_node))
		sim_for(si, 100);
	sim_for(si, 2000);
	ATF_CHECK_MSG(seen.neighbors > 0, "no Update came");
	ATF_CHECK_EQ(0, seen.joins + seen.updates);
	sim_free(si);
}

static void
aa_done(int error, const struct vaddr *va, size_t n, void *arg)
{
	int		*r = arg;

	*r = error == 0 && n > 0 && va[0].va_port == 7100 ? 1 : -1;
}

/* Our own node as a client: reached by its Node-ID, publishes, looks up, answers
 * AppAttach; no Join, no Update, nothing held for others. */
ATF_TC_WITHOUT_HEAD(mode);
ATF_TC_BODY(mode, tc)
{
	struct lookup_result lr;
	struct nodeid	 next;
	int		 i, r;

	ring(10, 9, 2);
	client->sn_client = 1;
	(void)sim_on(si, 9);
	sim_for(si, 10000);
	ATF_CHECK_STREQ("client", node_join_str(client->sn_node));
	ATF_REQUIRE(node_is_joined(client->sn_node));
	nodeid_next(&client->sn_id, &next);
	ATF_CHECK(nodeid_eq(&client->sn_node->n_ap, &sim_owner(si, &next)->sn_id));
	ATF_CHECK_EQ(0, reached(client));
	for (i = 0; i < 9; i++)
		ATF_CHECK_EQ(0, ping_node(client, &si->si_node[i].sn_id));
	sim_numbers(client, "+14085550100", "+14085550119", NULL, NULL, 0);
	sim_numbers(&si->si_node[4], "+14085550200", "+14085550219", NULL, NULL, 0);
	sim_for(si, 20000);
	ATF_CHECK_EQ(20, client->sn_regist->rg_npublished);
	for (i = 0; i < 9; i++) {
		ATF_CHECK_EQ(1, sim_lookup(&si->si_node[i], "+14085550111", &lr));
		ATF_CHECK(nodeid_eq(&lr.lr_node[0], &client->sn_id));
	}
	ATF_CHECK_EQ(1, sim_lookup(client, "+14085550207", &lr));
	for (i = 0; i < 2; i++) {
		r = 0;
		ATF_REQUIRE_EQ(0, appattach_start(i ? client->sn_node :
		    si->si_node[6].sn_node, i ? &si->si_node[6].sn_id : &client->sn_id,
		    aa_done, &r));
		sim_for(si, 2000);
		ATF_CHECK_EQ_MSG(1, r, "AppAttach %s the client", i ? "by" : "to");
	}
	/* Asked where it would send that: nothing is its own to answer for. */
	ATF_CHECK(nodeid_eq(&client->sn_node->n_ap, client_hop(client->sn_node,
	    &client->sn_id)));
	sim_for(si, 3600000);
	ATF_CHECK_EQ(0, reached(client));
	ATF_CHECK_EQ(0, seen.joins + seen.updates + seen.through);
	ATF_CHECK_EQ(0, client->sn_node->n_storage.st_nvalues);
	for (i = 0; i < 9; i++)
		ATF_CHECK(!ring_has(&si->si_node[i].sn_node->n_ring, &client->sn_id));
	ATF_CHECK_EQ(0, sim_wrong(si));
	sim_free(si);
}

/* The range passes to another peer: one that comes, one that goes, one that falls
 * silent.  The client goes along. */
ATF_TC_WITHOUT_HEAD(moves);
ATF_TC_BODY(moves, tc)
{
	struct nodeid	 id, next;
	struct simnode	*owner;
	int		 i;

	ring(10, 8, 3);
	client->sn_client = 1;
	(void)sim_on(si, 9);
	sim_for(si, 10000);
	ATF_REQUIRE(node_is_joined(client->sn_node));
	nodeid_next(&client->sn_id, &next);
	id = next;
	nodeid_next(&id, &id);
	set_id(&si->si_node[8], &id);
	(void)sim_on(si, 8);
	ATF_REQUIRE_EQ(0, sim_join(si, 60000));
	sim_for(si, 5000);
	ATF_CHECK(nodeid_eq(&client->sn_node->n_ap, &id));
	ATF_CHECK_EQ(0, reached(client));
	sim_off(si, 8, 1);
	sim_for(si, 60000);
	for (i = 0; i < 2; i++) {
		owner = sim_owner(si, &next);
		ATF_CHECK(nodeid_eq(&client->sn_node->n_ap, &owner->sn_id));
		ATF_CHECK_EQ_MSG(0, reached(client), "round %d", i);
		/* With the bootstrap node gone the client keeps to whom it has. */
		sim_off(si, owner->sn_index, 0);
		sim_for(si, 240000);
	}
	owner = sim_owner(si, &next);
	ATF_CHECK(nodeid_eq(&client->sn_node->n_ap, &owner->sn_id));
	ATF_CHECK_EQ(0, reached(client));
	/* All links at once; it comes back. */
	sim_off(si, 9, 1);
	(void)sim_on(si, 9);
	sim_for(si, 20000);
	ATF_CHECK_EQ(0, reached(client));
	ATF_CHECK_EQ(0, seen.joins + seen.updates);
	sim_free(si);
}

/* clients-permitted is false: who does not join is let go, and our own node is
 * no client then. */
ATF_TC_WITHOUT_HEAD(forbidden);
ATF_TC_BODY(forbidden, tc)
{
	struct reload_doc doc[3];
	struct simnode	*peer;
	size_t		 i, links;

	ring(7, 5, 4);
	peer = &si->si_node[2];
	si->si_doc.rd_clients = 0;
	/* A stranger. */
	lonely_on(5);
	node_clock(si->si_node[5].sn_node, si->si_now, SIM_WALL + si->si_now);
	ATF_REQUIRE(node_connect(si->si_node[5].sn_node, &peer->sn_addr, 0) != 0);
	sim_for(si, 200000);
	ATF_CHECK(node_peer_find(peer->sn_node, &si->si_node[5].sn_id) != NULL);
	sim_for(si, 200000);
	ATF_CHECK(node_peer_find(peer->sn_node, &si->si_node[5].sn_id) == NULL);
	ATF_CHECK_EQ(0, si->si_node[5].sn_node->n_nlinks);
	sim_off(si, 5, 1);
	ATF_CHECK_EQ(0, sim_wrong(si));
	/* Ours. */
	client->sn_client = 1;
	(void)sim_on(si, 6);
	sim_for(si, 60000);
	ATF_CHECK(!node_is_joined(client->sn_node));
	ATF_CHECK_EQ(0, client->sn_node->n_nlinks);
	ATF_CHECK_EQ(1, client->sn_warnings);
	/* A document comes that permits them; and another one. */
	for (i = 0; i < 3; i++) {
		doc[i] = si->si_doc;
		doc[i].rd_clients = i != 1;
	}
	for (i = 0; i < 3; i++) {
		node_clock(client->sn_node, si->si_now, SIM_WALL + si->si_now);
		node_document(client->sn_node, &doc[i]);
		sim_rewake(client);
		sim_for(si, 20000);
		links = client->sn_node->n_nlinks;
		ATF_CHECK_EQ_MSG(i != 1, node_is_joined(client->sn_node), "document %zu", i);
		ATF_CHECK_EQ(i == 1, links == 0);
	}
	ATF_CHECK_EQ(0, seen.joins + seen.updates);
	sim_free(si);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, stranger);
	ATF_TP_ADD_TC(tp, mode);
	ATF_TP_ADD_TC(tp, moves);
	ATF_TP_ADD_TC(tp, forbidden);
	return (atf_no_error());
}
