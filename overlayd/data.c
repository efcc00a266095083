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
 * core: who may write what, and Store as the responsible peer or a replica
 * sees it (RFC 6940, 7; vipr-kind(7)).  Reading is in read.c.
 */

#include <stdlib.h>
#include <string.h>

#include "node.h"

#define STORE_VALUES_MAX	1024	/* values in one StoreReq */
#define VIPR_KEY_LEN		49	/* 32 hex digits, '+', 16 hex digits */

static int	 policy_check(const struct nodeid *, const struct reload_kind *,
		    const struct wire_value *, const struct nodeid *,
		    const struct nodeid *);
static int	 policy_multiple(const struct nodeid *, const struct nodeid *, uint32_t);
static int	 policy_vipr(struct span, const struct nodeid *);
static int	 store_allowed(struct node *, struct node_in *, const struct nodeid *, int,
		    const char **);
static int	 store_sets(struct node *, struct node_in *, const struct wire_store *,
		    const struct nodeid *, struct storage_set *, size_t *,
		    struct storage_item *, const char **);
static int	 store_item(struct node *, struct node_in *, const struct reload_kind *,
		    const struct wire_stored *, const struct nodeid *, int,
		    struct storage_item *, const struct storage_item *, const char **);
static size_t	 store_most(const struct reload_kind *, int);
static void	 store_unknown(struct node *, struct node_in *, const struct wire_store *);
static void	 store_answer(struct node *, struct node_in *, const struct storage_set *,
		    size_t, int);

int
data_model(uint32_t kind, void *arg)
{
	const struct node *n = arg;
	const struct reload_kind *rk = reload_doc_kind(n->n_doc, kind);

	return (rk == NULL ? 0 : rk->rk_model);
}

/* -- access policies -- */

static int
policy_multiple(const struct nodeid *resource, const struct nodeid *node, uint32_t max)
{
	struct nodeid	 h;
	uint8_t		 buf[NODEID_LEN + 1];
	uint32_t	 i;

	memcpy(buf, node->id_b, NODEID_LEN);
	for (i = 1; i <= max && i <= UINT8_MAX; i++) {
		buf[NODEID_LEN] = (uint8_t)i;
		nodeid_resource(buf, sizeof(buf), &h);
		if (nodeid_eq(&h, resource))
			return (1);
	}
	return (0);
}

/* VIPR-NODE-KEY-MATCH: the signer's Node-ID, '+', a VServiceID, lower case. */
static int
policy_vipr(struct span key, const struct nodeid *node)
{
	char		 hex[NODEID_HEXLEN];
	size_t		 i;

	if (key.len != VIPR_KEY_LEN || key.p[32] != '+' ||
	    memcmp(key.p, nodeid_hex(node, hex), 32) != 0)
		return (0);
	for (i = 33; i < VIPR_KEY_LEN; i++) {
		if (!((key.p[i] >= '0' && key.p[i] <= '9') ||
		    (key.p[i] >= 'a' && key.p[i] <= 'f')))
			return (0);
	}
	return (1);
}

/* May node, of a user whose name's Resource-ID is user, write the value there?
 * 1 or 0. */
static int
policy_check(const struct nodeid *resource, const struct reload_kind *rk,
    const struct wire_value *wv, const struct nodeid *node, const struct nodeid *user)
{
	struct nodeid	 h;

	switch (rk->rk_policy) {
	case RELOAD_VIPR_NODE_KEY_MATCH:
		return (policy_vipr(wv->wv_key, node));
	case RELOAD_NODE_MATCH:
		nodeid_resource(node->id_b, NODEID_LEN, &h);
		return (nodeid_eq(&h, resource));
	case RELOAD_NODE_MULTIPLE:
		return (policy_multiple(resource, node, rk->rk_node_multiple));
	case RELOAD_USER_MATCH:
	case RELOAD_USER_NODE_MATCH:
		if (!nodeid_eq(user, resource))
			return (0);
		return (rk->rk_policy == RELOAD_USER_MATCH ||
		    (wv->wv_key.len == NODEID_LEN &&
		    memcmp(wv->wv_key.p, node->id_b, NODEID_LEN) == 0));
	default:
		return (0);
	}
}

int
data_check(struct node *n, const struct nodeid *resource, const struct reload_kind *rk,
    const struct wire_stored *ws, const struct cur *bucket, struct node_signer *ng,
    const char **why)
{
	struct span	 part;
	struct nodeid	 user;
	struct wbuf	 w;
	uint8_t		*buf;
	size_t		 size;
	int		 r;

	if (ws->ws_sig.rs_id.ri_type == RELOAD_ID_NONE ||
	    ws->ws_sig.rs_alg == RELOAD_SIG_ANON) {
		*why = "value without a signature";
		return (WIRE_E_FORBIDDEN);
	}
	size = ws->ws_value.wv_key.len + ws->ws_value.wv_data.len + 128;
	if ((buf = malloc(size)) == NULL) {
		*why = "no memory";
		return (WIRE_E_DATA_TOO_LARGE);
	}
	wbuf_init(&w, buf, size);
	wire_data_input(&w, resource->id_b, NODEID_LEN, rk->rk_id, rk->rk_model,
	    ws->ws_time, &ws->ws_value);
	part.p = (const char *)buf;
	part.len = w.w_len;
	r = wbuf_ok(&w) == -1 ? -1 : n->n_ops->no_verify(n->n_arg, &ws->ws_sig, bucket,
	    &part, 1, (int64_t)(n->n_wall / 1000), ng, why);
	free(buf);
	if (r == -1) {
		n->n_stats.ns_badsig++;
		return (WIRE_E_FORBIDDEN);
	}
	memset(&user, 0, sizeof(user));
	if (rk->rk_policy == RELOAD_USER_MATCH || rk->rk_policy == RELOAD_USER_NODE_MATCH)
		nodeid_resource(ng->ng_user, strlen(ng->ng_user), &user);
	if (!policy_check(resource, rk, &ws->ws_value, &ng->ng_node, &user)) {
		*why = "access policy";
		return (WIRE_E_FORBIDDEN);
	}
	return (0);
}

/* The Resource-ID of the body; with a resource as destination the same one. */
int
data_resource(struct node *n, struct node_in *in, struct span res, struct nodeid *id)
{
	if (res.len != NODEID_LEN) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, "length of the resource");
		return (-1);
	}
	if (in->ni_dest.wd_type == WIRE_DEST_RESOURCE &&
	    memcmp(in->ni_dest.wd_id.p, res.p, NODEID_LEN) != 0) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, "resource is not the destination");
		return (-1);
	}
	memcpy(id->id_b, res.p, NODEID_LEN);
	return (0);
}

/* -- Store -- */

static void
store_unknown(struct node *n, struct node_in *in, const struct wire_store *wt)
{
	struct wire_kinddata wk;
	struct cur	 c = wt->wt_kinds;
	struct wbuf	 w;
	uint32_t	 kinds[WIRE_KINDS_MAX];
	uint8_t		 buf[4 * WIRE_KINDS_MAX + 4];
	size_t		 count = 0;

	while (count < 63 && wire_kinddata_next(&c, data_model, n, &wk) == 1) {
		if (wk.wk_model == 0)
			kinds[count++] = wk.wk_kind;
	}
	wbuf_init(&w, buf, sizeof(buf));
	wire_kindlist_write(&w, kinds, count);
	node_error_to(n, &in->ni_ret, WIRE_E_UNKNOWN_KIND, buf, w.w_len);
}

/* Is this the place to write to, and may that peer copy to us? */
static int
store_allowed(struct node *n, struct node_in *in, const struct nodeid *resource,
    int replica, const char **why)
{
	const struct nodeid *signer = &in->ni_signer.ng_node;
	const struct nodeid *far;

	if (!replica) {
		if (n->n_join == JOIN_DONE && ring_responsible(&n->n_ring, resource))
			return (0);
		*why = "not responsible for the resource";
		return (WIRE_E_NOT_FOUND);
	}
	/* The admitting peer hands us what will be ours. */
	if (n->n_join == JOIN_JOIN || n->n_join == JOIN_READY) {
		if (nodeid_eq(signer, &n->n_ap))
			return (0);
		*why = "not the admitting peer";
		return (WIRE_E_FORBIDDEN);
	}
	far = ring_pred(&n->n_ring, RING_NEIGHBOURS - 1);
	if (n->n_join != JOIN_DONE || !ring_is_neighbour(&n->n_ring, signer)) {
		*why = "not of the replica set";
		return (WIRE_E_FORBIDDEN);
	}
	if (far != NULL && !nodeid_in(resource, far, &n->n_self)) {
		*why = "no replica is expected here";
		return (WIRE_E_FORBIDDEN);
	}
	return (0);
}

int
data_item(struct node *n, const struct reload_kind *rk, const struct wire_stored *ws,
    const struct nodeid *resource, const struct cur *bucket, struct node_signer *ng,
    struct storage_item *si, const struct storage_item *prev, const char **why)
{
	struct wbuf	 w;
	char		*der;
	uint8_t		 sig[RELOAD_SIG_MAX + 256];
	int		 error;

	error = data_check(n, resource, rk, ws, bucket, ng, why);
	if (error != 0)
		return (error);
	si->si_key = ws->ws_value.wv_key;
	si->si_index = ws->ws_value.wv_index;
	si->si_time = ws->ws_time;
	si->si_lifetime = ws->ws_lifetime;
	si->si_exists = ws->ws_value.wv_exists;
	si->si_value = ws->ws_value.wv_data;
	si->si_signer = ng->ng_node;
	memcpy(si->si_sha256, ng->ng_sha256, sizeof(si->si_sha256));
	/* The certificate's bytes are good until the next verification only. */
	if (prev != NULL && memcmp(prev->si_sha256, si->si_sha256, 32) == 0)
		si->si_cert = prev->si_cert;
	else {
		if ((der = malloc(ng->ng_der.len + 1)) == NULL)
			return (WIRE_E_DATA_TOO_LARGE);
		memcpy(der, ng->ng_der.p, ng->ng_der.len);
		si->si_cert.p = der;
		si->si_cert.len = ng->ng_der.len;
	}
	wbuf_init(&w, sig, sizeof(sig));
	reload_signature_put(&w, &ws->ws_sig);
	if (wbuf_ok(&w) == -1 || (der = malloc(w.w_len)) == NULL) {
		*why = "signature too long";
		return (WIRE_E_DATA_TOO_LARGE);
	}
	memcpy(der, sig, w.w_len);
	si->si_sig.p = der;
	si->si_sig.len = w.w_len;
	return (0);
}

void
data_items_free(struct storage_item *items, size_t n)
{
	size_t		 i;

	for (i = 0; i < n; i++) {
		if (i == 0 || items[i].si_cert.p != items[i - 1].si_cert.p)
			free((void *)(uintptr_t)items[i].si_cert.p);
		free((void *)(uintptr_t)items[i].si_sig.p);
	}
}

static int
store_item(struct node *n, struct node_in *in, const struct reload_kind *rk,
    const struct wire_stored *ws, const struct nodeid *resource, int replica,
    struct storage_item *si, const struct storage_item *prev, const char **why)
{
	struct node_signer ng;
	int		 error;

	error = data_item(n, rk, ws, resource, &in->ni_msg->wm_sec.rb_certs, &ng, si,
	    prev, why);
	if (error != 0)
		return (error);
	if (!replica && !policy_check(resource, rk, &ws->ws_value,
	    &in->ni_ret.nx_signer, &in->ni_user)) {
		*why = "the request's signer may not write there";
		return (WIRE_E_FORBIDDEN);
	}
	return (0);
}

/*
 * Values of a Kind that one request can sensibly hold.  Each costs a
 * verification, so that the others are refused before.
 */
static size_t
store_most(const struct reload_kind *rk, int replica)
{
	if (rk->rk_policy == RELOAD_VIPR_NODE_KEY_MATCH && !replica &&
	    rk->rk_max_per_node != 0 && rk->rk_max_per_node < rk->rk_max_count)
		return (rk->rk_max_per_node + (size_t)1);
	return (rk->rk_max_count);
}

static int
store_sets(struct node *n, struct node_in *in, const struct wire_store *wt,
    const struct nodeid *resource, struct storage_set *sets, size_t *nsets,
    struct storage_item *items, const char **why)
{
	struct wire_kinddata wk;
	struct wire_stored ws;
	struct cur	 kinds = wt->wt_kinds, values;
	const struct reload_kind *rk;
	size_t		 i, used = 0;
	int		 error;

	while (wire_kinddata_next(&kinds, data_model, n, &wk) == 1) {
		for (i = 0; i < *nsets; i++) {
			if (sets[i].ss_kind->rk_id == wk.wk_kind) {
				*why = "the same Kind twice";
				return (WIRE_E_INVALID_MESSAGE);
			}
		}
		if ((rk = reload_doc_kind(n->n_doc, wk.wk_kind)) == NULL ||
		    *nsets == WIRE_KINDS_MAX)
			return (WIRE_E_UNKNOWN_KIND);
		sets[*nsets].ss_kind = rk;
		sets[*nsets].ss_generation = wk.wk_generation;
		sets[*nsets].ss_items = &items[used];
		values = wk.wk_values;
		while (wire_stored_next(&values, wk.wk_model, &ws) == 1) {
			if (used == STORE_VALUES_MAX ||
			    sets[*nsets].ss_nitems >= store_most(rk, wt->wt_replica)) {
				*why = "too many values";
				return (WIRE_E_DATA_TOO_LARGE);
			}
			error = store_item(n, in, rk, &ws, resource, wt->wt_replica,
			    &items[used], used > 0 ? &items[used - 1] : NULL, why);
			if (error != 0)
				return (error);
			used++;
			sets[*nsets].ss_nitems++;
		}
		(*nsets)++;
	}
	return (0);
}

/* StoreAns, or the error that carries one. */
static void
store_answer(struct node *n, struct node_in *in, const struct storage_set *sets,
    size_t nsets, int error)
{
	struct wire_storeresp wr;
	struct node_build b;
	struct wbuf	 w, nw, rw;
	struct cur	 resps;
	const struct nodeid *succ;
	uint8_t		 buf[WIRE_KINDS_MAX * 64], nodes[2 * NODEID_LEN];
	uint8_t		 body[sizeof(buf) + 8];
	size_t		 i;

	wbuf_init(&nw, nodes, sizeof(nodes));
	for (i = 0; i < 2 && error == 0 && (succ = ring_succ(&n->n_ring, i)) != NULL; i++)
		wbuf_bytes(&nw, succ->id_b, NODEID_LEN);
	wbuf_init(&w, buf, sizeof(buf));
	for (i = 0; i < nsets; i++) {
		memset(&wr, 0, sizeof(wr));
		wr.wr_kind = sets[i].ss_kind->rk_id;
		wr.wr_generation = sets[i].ss_current;
		cur_init(&wr.wr_replicas, nodes, nw.w_len);
		wire_storeresp_write(&w, &wr);
	}
	cur_init(&resps, buf, w.w_len);
	if (error != 0) {
		wbuf_init(&rw, body, sizeof(body));
		wire_storeans_write(&rw, &resps);
		node_error_to(n, &in->ni_ret, error, body, rw.w_len);
		return;
	}
	if (build_open(n, &b, WIRE_STORE_ANS) == -1)
		return;
	wire_storeans_write(&b.nb_w, &resps);
	node_answer(n, in, &b);
}

void
store_in(struct node *n, struct node_in *in)
{
	struct storage_set *sets;
	struct storage_item *items;
	struct wire_store wt;
	struct wire_error we;
	struct nodeid	 resource;
	const char	*why = "refused";
	size_t		 i, nsets = 0;
	int		 error;

	if (wire_store_parse(&in->ni_msg->wm_contents.wc_body, data_model, n, &wt, &we) == -1) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, wire_strerror(we.we_reason));
		return;
	}
	if (wt.wt_unknown > 0) {
		store_unknown(n, in, &wt);
		return;
	}
	if (data_resource(n, in, wt.wt_resource, &resource) == -1)
		return;
	if ((error = store_allowed(n, in, &resource, wt.wt_replica, &why)) != 0) {
		n->n_stats.ns_refused++;
		node_error(n, in, error, why);
		return;
	}
	sets = calloc(WIRE_KINDS_MAX, sizeof(*sets));
	items = calloc(STORE_VALUES_MAX, sizeof(*items));
	if (sets == NULL || items == NULL) {
		free(sets);
		free(items);
		return;
	}
	/* Its own name goes with the next verification. */
	in->ni_ret.nx_signer = in->ni_signer.ng_node;
	nodeid_resource(in->ni_signer.ng_user, strlen(in->ni_signer.ng_user), &in->ni_user);
	error = store_sets(n, in, &wt, &resource, sets, &nsets, items, &why);
	if (error == 0)
		error = storage_store(&n->n_storage, &resource, wt.wt_replica, sets, nsets,
		    n->n_wall, &why);
	if (error == WIRE_E_GENERATION_TOO_LOW)
		store_answer(n, in, sets, nsets, error);
	else if (error != 0) {
		n->n_stats.ns_refused++;
		node_error(n, in, error, why);
	} else {
		n->n_stats.ns_stored++;
		store_answer(n, in, sets, nsets, 0);
		for (i = 0; i < nsets && !wt.wt_replica; i++) {
			if (sets[i].ss_changed)
				repl_stored(n, &resource, sets[i].ss_kind->rk_id, n->n_wall);
		}
	}
	data_items_free(items, STORE_VALUES_MAX);
	free(sets);
	free(items);
}
