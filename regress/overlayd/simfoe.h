/* SPDX-License-Identifier: ISC */
/*
 * Foes for a simulated network: certified identities without a node, which say
 * what a test wants, and questions about what a node holds on to.  Included by
 * tests after simnet.h.
 */
#ifndef SIMFOE_H
#define SIMFOE_H

#include <atf-c.h>

#include "hand.h"

#define FOE_MSG_MAX	65536

/* -- rings -- */

static inline void
foe_settle(struct sim *si, uint64_t ms)
{
	sim_for(si, ms);
	ATF_REQUIRE_EQ_MSG(0, sim_unjoined(si), "%d not joined", sim_unjoined(si));
	ATF_REQUIRE_EQ_MSG(0, sim_wrong(si), "%d with wrong neighbours", sim_wrong(si));
}

/* A ring of the first n nodes; the other ones are foes. */
static inline struct sim *
foe_ring(int n, int foes, uint64_t seed)
{
	struct sim	*si = sim_new(n + foes, seed);
	int		 i;

	(void)sim_on(si, 0);
	ATF_REQUIRE_EQ(0, sim_join(si, 30000));
	for (i = 1; i < n; i++)
		(void)sim_on(si, i);
	ATF_REQUIRE_EQ_MSG(0, sim_join(si, 240000), "%d of %d not joined",
	    sim_unjoined(si), n);
	foe_settle(si, 20000);
	for (i = n; i < n + foes; i++)
		si->si_node[i].sn_puppet = 1;
	return (si);
}

/* A node that is on becomes a foe: its links stay, its node goes. */
static inline void
foe_turn(struct simnode *sn)
{
	struct simlinks	 links = sn->sn_links;

	sn->sn_life++;
	sn->sn_node->n_storage.st_put = NULL;
	RB_INIT(&sn->sn_links);
	regist_free(sn->sn_regist);
	node_free(sn->sn_node);
	sn->sn_node = NULL;
	sn->sn_regist = NULL;
	sn->sn_links = links;
	sim_rewake(sn);
	sn->sn_puppet = 1;
}

/* Foes stand where they like: the CA draws Node-IDs, but one may try often. */
static inline void
foe_place(struct simnode *foe, const struct nodeid *id)
{
	foe->sn_id = *id;
	memcpy(foe->sn_cert + sizeof(SIM_MAGIC) - 1, id->id_b, NODEID_LEN);
	(void)crypto_hash_sha256(foe->sn_sha256, foe->sn_cert, foe->sn_certlen);
}

/* Link to a node and wait until it stands. */
static inline void
foe_link(struct simnode *foe, struct simnode *to)
{
	sim_connect(foe, ++foe->sn_puppetlink, &to->sn_addr);
	sim_for(foe->sn_sim, 4 * SIM_LATENCY);
}

static inline void
foe_unlink(struct simnode *foe)
{
	while (!RB_EMPTY(&foe->sn_links))
		sim_unlink(foe, RB_MIN(simlinks, &foe->sn_links), 1);
}

static inline int
foe_linked(const struct simnode *foe, const struct simnode *to)
{
	return (node_peer_find(to->sn_node, &foe->sn_id) != NULL);
}

/* -- requests -- */

static inline void
foe_dest(struct wbuf *w, uint8_t type, const struct nodeid *id)
{
	struct node_dest nd = { type, *id };

	node_dest_write(w, &nd);
}

/* A request for to itself, over the link from through (foe: its own). */
static inline void
foe_ask_from(struct simnode *foe, struct simnode *through, struct simnode *to,
    const void *contents, size_t len)
{
	struct hand	 ha;
	struct wbuf	 w;
	uint8_t		 dest[32];

	hand_init(&ha, sim_rand(foe->sn_sim));
	wbuf_init(&w, dest, sizeof(dest));
	foe_dest(&w, WIRE_DEST_NODE, &to->sn_id);
	cur_init(&ha.ha_dest, dest, w.w_len);
	(void)hand_send(foe, through, to, &ha, contents, len);
}

static inline void
foe_ask(struct simnode *foe, struct simnode *to, const void *contents, size_t len)
{
	foe_ask_from(foe, foe, to, contents, len);
}

static inline size_t
foe_update(uint8_t *out, size_t size, int type, const void *pred, size_t npred,
    const void *succ, size_t nsucc)
{
	struct wire_update wu;
	struct wbuf	 w;
	size_t		 mark;

	memset(&wu, 0, sizeof(wu));
	wu.wu_type = (uint8_t)type;
	wu.wu_uptime = 1000;
	cur_init(&wu.wu_pred, pred, npred * NODEID_LEN);
	cur_init(&wu.wu_succ, succ, nsucc * NODEID_LEN);
	cur_init(&wu.wu_fingers, NULL, 0);
	wbuf_init(&w, out, size);
	mark = wire_contents_open(&w, WIRE_UPDATE);
	wire_update_write(&w, &wu);
	wire_contents_close(&w, mark, NULL);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	return (w.w_len);
}

static inline size_t
foe_attach(uint8_t *out, size_t size, unsigned code, const char *role,
    const struct vaddr *va)
{
	struct wire_attach wa;
	struct wbuf	 w, cw;
	uint8_t		 cand[128];
	size_t		 mark;

	memset(&wa, 0, sizeof(wa));
	wbuf_init(&cw, cand, sizeof(cand));
	wire_candidate_host(&cw, va);
	wa.wa_role.p = role;
	wa.wa_role.len = strlen(role);
	cur_init(&wa.wa_candidates, cand, cw.w_len);
	wbuf_init(&w, out, size);
	mark = wire_contents_open(&w, (uint16_t)code);
	wire_attach_write(&w, &wa);
	wire_contents_close(&w, mark, NULL);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	return (w.w_len);
}

static inline size_t
foe_join(uint8_t *out, size_t size, const struct nodeid *id)
{
	struct wire_join wj;
	struct wbuf	 w;
	size_t		 mark;

	memset(&wj, 0, sizeof(wj));
	wj.wj_node = id->id_b;
	wbuf_init(&w, out, size);
	mark = wire_contents_open(&w, WIRE_JOIN);
	wire_join_write(&w, &wj);
	wire_contents_close(&w, mark, NULL);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	return (w.w_len);
}

static inline size_t
foe_leave(uint8_t *out, size_t size, const struct nodeid *id, const void *list, size_t n)
{
	struct wire_leave wl;
	struct wbuf	 w;
	size_t		 mark;

	memset(&wl, 0, sizeof(wl));
	wl.wl_node = id->id_b;
	wl.wl_type = WIRE_FROM_SUCC;
	cur_init(&wl.wl_nodes, list, n * NODEID_LEN);
	wbuf_init(&w, out, size);
	mark = wire_contents_open(&w, WIRE_LEAVE);
	wire_leave_write(&w, &wl);
	wire_contents_close(&w, mark, NULL);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	return (w.w_len);
}

/* A Store of one entry of the foe at a resource. */
static inline size_t
foe_store(uint8_t *out, size_t size, const struct simnode *signer,
    const struct nodeid *resource, int replica, uint64_t time)
{
	struct wire_stored ws;
	struct wire_kinddata wk;
	struct wire_store wt;
	struct wbuf	 w, vw, kw;
	struct span	 part;
	struct cur	 c;
	char		 hex[NODEID_HEXLEN], key[64];
	uint8_t		 in[1024], ident[RELOAD_IDENTITY_LEN], sig[32], sb[128];
	uint8_t		 val[20], vals[1024], kinds[1024];
	size_t		 mark;

	(void)snprintf(key, sizeof(key), "%s+0123456789abcdef",
	    nodeid_hex(&signer->sn_id, hex));
	wbuf_init(&vw, val, sizeof(val));
	wbuf_u16(&vw, 0x2008);
	wbuf_u16(&vw, 16);
	wbuf_bytes(&vw, signer->sn_id.id_b, NODEID_LEN);
	memset(&ws, 0, sizeof(ws));
	ws.ws_time = time;
	ws.ws_lifetime = 86400;
	ws.ws_value.wv_key.p = key;
	ws.ws_value.wv_key.len = strlen(key);
	ws.ws_value.wv_exists = 1;
	ws.ws_value.wv_data.p = (const char *)val;
	ws.ws_value.wv_data.len = vw.w_len;
	wbuf_init(&w, in, sizeof(in));
	wire_data_input(&w, resource->id_b, NODEID_LEN, RELOAD_KIND_VIPR,
	    RELOAD_DICTIONARY, time, &ws.ws_value);
	part.p = (const char *)in;
	part.len = w.w_len;
	sim_identity(signer, ident);
	sim_signature(&signer->sn_id, &part, 1, ident, sizeof(ident), sig);
	wbuf_init(&w, sb, sizeof(sb));
	reload_signature_write(&w, RELOAD_SIG_ECDSA, signer->sn_sha256, sig, 32);
	cur_init(&c, sb, w.w_len);
	ATF_REQUIRE_EQ(0, reload_signature_parse(&c, &ws.ws_sig));
	wbuf_init(&vw, vals, sizeof(vals));
	wire_stored_write(&vw, RELOAD_DICTIONARY, &ws);
	memset(&wk, 0, sizeof(wk));
	wk.wk_kind = RELOAD_KIND_VIPR;
	wk.wk_model = RELOAD_DICTIONARY;
	wk.wk_generation = replica ? 1 : 0;
	cur_init(&wk.wk_values, vals, vw.w_len);
	wbuf_init(&kw, kinds, sizeof(kinds));
	wire_kinddata_write(&kw, &wk);
	memset(&wt, 0, sizeof(wt));
	wt.wt_resource.p = (const char *)resource->id_b;
	wt.wt_resource.len = NODEID_LEN;
	wt.wt_replica = (uint8_t)replica;
	cur_init(&wt.wt_kinds, kinds, kw.w_len);
	wbuf_init(&w, out, size);
	mark = wire_contents_open(&w, WIRE_STORE);
	wire_store_write(&w, &wt);
	wire_contents_close(&w, mark, NULL);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	return (w.w_len);
}

/* Nodes that do not exist. */
static inline void
foe_invent(struct sim *si, struct nodeid *ids, size_t n)
{
	size_t		 i, j;

	for (i = 0; i < n; i++) {
		for (j = 0; j < NODEID_LEN; j++)
			ids[i].id_b[j] = (uint8_t)(sim_rand(si) >> 40);
	}
}

/* -- answers -- */

/* Answer a request that through brought to the foe: contents as given, on the
 * way back that the message asks for. */
static inline void
foe_answer(struct simnode *foe, struct simnode *through, const struct wire_header *wh,
    const void *contents, size_t len)
{
	struct hand	 ha;
	struct wbuf	 w;
	uint8_t		 dest[2048];

	hand_init(&ha, wh->wh_tid);
	wbuf_init(&w, dest, sizeof(dest));
	wire_dest_node(&w, through->sn_id.id_b);
	wire_dest_reverse(&w, &wh->wh_via);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	cur_init(&ha.ha_dest, dest, w.w_len);
	(void)hand_send(foe, foe, through, &ha, contents, len);
}

/* What a polite peer answers to a request of that code; its length, 0: nothing
 * of the sort. */
static inline size_t
foe_polite(const struct simnode *foe, uint16_t code, uint8_t *out, size_t size)
{
	struct wire_pingans wp = { 1, 1 };
	struct wire_join wj;
	struct wbuf	 w;
	size_t		 mark;

	if (code == WIRE_ATTACH)
		return (foe_attach(out, size, WIRE_ATTACH_ANS, "active", &foe->sn_addr));
	wbuf_init(&w, out, size);
	mark = wire_contents_open(&w, (uint16_t)(code + 1));
	switch (code) {
	case WIRE_PING:
		wire_pingans_write(&w, &wp);
		break;
	case WIRE_JOIN:
		memset(&wj, 0, sizeof(wj));
		wire_joinans_write(&w, &wj);
		break;
	case WIRE_UPDATE:
	case WIRE_LEAVE:
		break;
	default:
		return (0);
	}
	wire_contents_close(&w, mark, NULL);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	return (w.w_len);
}

/* -- what a node holds on to -- */

/* Fails when one of its tables is above its bound. */
static inline void
foe_bounds(const struct simnode *sn)
{
	const struct node *n = sn->sn_node;

	ATF_CHECK_MSG(n->n_nlinks <= NODE_LINKS_MAX, "%zu links", n->n_nlinks);
	ATF_CHECK_MSG(n->n_npeers <= NODE_LINKS_MAX, "%zu peers", n->n_npeers);
	ATF_CHECK_MSG(n->n_nreqs <= NODE_REQS_MAX, "%zu requests", n->n_nreqs);
	ATF_CHECK_MSG(n->n_nsigwait <= NODE_SIGN_QUEUE_MAX, "%zu signatures",
	    n->n_nsigwait);
	ATF_CHECK_MSG(n->n_sigbytes <= NODE_SIGN_BYTES_MAX + FOE_MSG_MAX,
	    "%zu bytes to sign", n->n_sigbytes);
	ATF_CHECK_MSG(n->n_ndups <= 8192, "%zu answers", n->n_ndups);
	ATF_CHECK_MSG(n->n_dupbytes <= 8 * 1024 * 1024 + FOE_MSG_MAX, "%zu bytes",
	    n->n_dupbytes);
	ATF_CHECK_MSG(n->n_nfrags <= 16, "%zu fragment sets", n->n_nfrags);
	ATF_CHECK_MSG(n->n_nself <= 1024, "%zu to ourselves", n->n_nself);
	ATF_CHECK_MSG(limit_count(n) <= 1024, "%zu signers", limit_count(n));
}

/* Claimants of a number as a node sees them, or -1. */
static inline int
foe_claimants(struct simnode *sn, const char *number)
{
	struct lookup_result lr;

	return (sim_lookup(sn, number, &lr));
}

/* How many nodes that are on hold something at a copy of the number. */
static inline int
foe_copies(const struct sim *si, uint64_t number, unsigned copy)
{
	const struct storage_place *sp;
	struct nodeid	 id;
	int		 i, n = 0;

	ATF_REQUIRE_EQ(0, regist_resource(number, copy, &id));
	for (i = 0; i < si->si_nnodes; i++) {
		if (si->si_node[i].sn_node == NULL || si->si_node[i].sn_deaf)
			continue;
		sp = storage_find(&si->si_node[i].sn_node->n_storage, &id,
		    RELOAD_KIND_VIPR);
		n += sp != NULL && sp->sp_count > 0;
	}
	return (n);
}

#endif
