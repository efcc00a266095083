/* SPDX-License-Identifier: ISC */
/*
 * What a test asks of a simulated network, or has one of its nodes do: is the ring
 * whole, publish, look up, messages made by hand.  Included by simnet.h.
 */
#ifndef SIMASK_H
#define SIMASK_H

#include "simnet.h"

/* All nodes that are on: joined?  How many are not. */
static inline int
sim_unjoined(const struct sim *si)
{
	int		 i, n = 0;

	for (i = 0; i < si->si_nnodes; i++) {
		if (si->si_node[i].sn_node != NULL && !si->si_node[i].sn_deaf &&
		    !node_is_joined(si->si_node[i].sn_node))
			n++;
	}
	return (n);
}

/* Run until everybody has joined; -1 if they have not by then. */
static inline int
sim_join(struct sim *si, uint64_t ms)
{
	uint64_t	 until = si->si_now + ms;

	while (sim_unjoined(si) > 0) {
		if (si->si_now >= until)
			return (-1);
		sim_for(si, 100);
	}
	return (0);
}

/* The node that is on and responsible for id, by plain counting. */
static inline struct simnode *
sim_owner(const struct sim *si, const struct nodeid *id)
{
	struct simnode	*sn, *best = NULL;
	int		 i;

	for (i = 0; i < si->si_nnodes; i++) {
		sn = &si->si_node[i];
		if (sn->sn_node == NULL || sn->sn_deaf || sn->sn_client)
			continue;
		if (best == NULL || nodeid_dist_cmp(id, &sn->sn_id, &best->sn_id) < 0)
			best = sn;
	}
	return (best);
}

/* Nodes whose nearest neighbours are not the true ones. */
static inline int
sim_wrong(const struct sim *si)
{
	struct simnode	*sn, *want;
	struct nodeid	 next;
	const struct nodeid *succ;
	int		 i, wrong = 0;

	for (i = 0; i < si->si_nnodes; i++) {
		sn = &si->si_node[i];
		if (sn->sn_node == NULL || sn->sn_deaf || sn->sn_client)
			continue;
		nodeid_next(&sn->sn_id, &next);
		want = sim_owner(si, &next);
		succ = ring_succ(&sn->sn_node->n_ring, 0);
		if (want == sn ? succ != NULL :
		    succ == NULL || !nodeid_eq(succ, &want->sn_id))
			wrong++;
	}
	return (wrong);
}

/* Configure numbers "+a".."+b" and decoys of a range for a node. */
static inline void
sim_numbers(struct simnode *sn, const char *from, const char *to,
    const char *dfrom, const char *dto, uint32_t decoys)
{
	struct conf_ranges own, dec;
	struct conf_range r, d;

	TAILQ_INIT(&own);
	TAILQ_INIT(&dec);
	memset(&r, 0, sizeof(r));
	memset(&d, 0, sizeof(d));
	if (from != NULL) {
		(void)snprintf(r.cr_range.er_from, sizeof(r.cr_range.er_from), "%s", from);
		(void)snprintf(r.cr_range.er_to, sizeof(r.cr_range.er_to), "%s", to);
		TAILQ_INSERT_TAIL(&own, &r, cr_entry);
	}
	if (dfrom != NULL) {
		(void)snprintf(d.cr_range.er_from, sizeof(d.cr_range.er_from), "%s", dfrom);
		(void)snprintf(d.cr_range.er_to, sizeof(d.cr_range.er_to), "%s", dto);
		d.cr_count = decoys;
		TAILQ_INSERT_TAIL(&dec, &d, cr_entry);
	}
	sim_clock(sn);
	(void)regist_config(sn->sn_regist, &own, &dec, 50, 0);
	sim_rewake(sn);
}

/* Look a number up and wait: claimants, or -1. */
struct sim_lookup {
	int		 sl_done;
	struct lookup_result sl_res;
};

static inline void
sim_lookup_done(struct node *n, const struct lookup_result *lr, void *arg)
{
	struct sim_lookup *sl = arg;

	(void)n;
	sl->sl_res = *lr;
	sl->sl_done = 1;
}

static inline int
sim_lookup(struct simnode *sn, const char *number, struct lookup_result *lr)
{
	struct sim_lookup sl;
	int		 i;

	memset(&sl, 0, sizeof(sl));
	sim_clock(sn);
	if (lookup_start(sn->sn_node, e164_pack(number), sim_lookup_done, &sl) == -1)
		return (-1);
	sim_rewake(sn);
	for (i = 0; i < 400 && !sl.sl_done; i++)
		sim_for(sn->sn_sim, 50);
	if (!sl.sl_done)
		errx(1, "look-up did not end");
	*lr = sl.sl_res;
	return (sl.sl_res.lr_error != 0 ? -1 : (int)sl.sl_res.lr_nodes);
}

/*
 * A message made by hand and signed as sn: contents as given, one destination.
 * mangle: 0 good, 1 a wrong signature, 2 without the signer's certificate.
 * Returns its length.
 */
static inline size_t
sim_message(struct simnode *sn, const struct node_dest *nd, uint64_t tid, uint8_t ttl,
    uint16_t seq, const void *contents, size_t clen, const struct simnode *also,
    int mangle, uint8_t *out, size_t size)
{
	struct wire_header wh;
	struct wbuf	 w, dw, bw;
	struct span	 part;
	uint8_t		 dest[64], bucket[256], ident[RELOAD_IDENTITY_LEN], sig[32];
	uint8_t		*in;

	wbuf_init(&dw, dest, sizeof(dest));
	node_dest_write(&dw, nd);
	wire_header_init(&wh, sn->sn_sim->si_doc.rd_hash, seq, ttl, tid);
	cur_init(&wh.wh_via, NULL, 0);
	cur_init(&wh.wh_options, NULL, 0);
	cur_init(&wh.wh_dest, dest, dw.w_len);
	wbuf_init(&w, out, size);
	wire_header_write(&w, &wh);
	wbuf_bytes(&w, contents, clen);
	if ((in = malloc(clen + 16)) == NULL)
		err(1, "malloc");
	wbuf_init(&bw, in, clen + 16);
	wire_msg_input(&bw, sn->sn_sim->si_doc.rd_hash, tid, contents, clen);
	part.p = (const char *)in;
	part.len = bw.w_len;
	sim_identity(sn, ident);
	sim_signature(&sn->sn_id, &part, 1, ident, sizeof(ident), sig);
	free(in);
	if (mangle == 1)
		sig[31] ^= 0x80;
	wbuf_init(&bw, bucket, sizeof(bucket));
	if (mangle != 2)
		reload_bucket_add(&bw, sn->sn_cert, sn->sn_certlen);
	if (also != NULL)
		reload_bucket_add(&bw, also->sn_cert, also->sn_certlen);
	reload_secblock_write(&w, bucket, bw.w_len, RELOAD_SIG_ECDSA, sn->sn_sha256,
	    sig, sizeof(sig));
	if (wbuf_ok(&w) == -1)
		errx(1, "message does not fit");
	wire_length_set(out, w.w_len);
	return (w.w_len);
}

/* Put bytes on the wire from one linked node to another. */
static inline int
sim_inject(struct simnode *from, struct simnode *to, const void *msg, size_t len)
{
	struct simlink	*sl;

	RB_FOREACH(sl, simlinks, &from->sn_links) {
		if (sl->sl_peer == to && sl->sl_up) {
			sim_event(to, SE_MSG, SIM_LATENCY, sl->sl_peerid, msg, len);
			return (0);
		}
	}
	return (-1);
}

#endif
