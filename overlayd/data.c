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
 * core: Store, Fetch, Stat and Find as the responsible peer or a replica sees
 * them (reload.md 7 and 15).
 */

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

#define STORE_VALUES_MAX	1024	/* values in one StoreReq */
#define FETCH_RATE		20	/* a signer and second */
#define FETCH_BURST		100
#define VIPR_KEY_LEN		49	/* 32 hex digits, '+', 16 hex digits */
#define HOLES_MAX		4096	/* slots made up in one answer */

static int	 policy_check(const struct nodeid *, const struct reload_kind *,
		    const struct wire_value *, const struct nodeid *, const char *);
static int	 policy_multiple(const struct nodeid *, const struct nodeid *, uint32_t);
static int	 policy_vipr(struct span, const struct nodeid *);
static int	 resource_of(struct node *, struct node_in *, struct span, struct nodeid *);
static int	 store_allowed(struct node *, struct node_in *, const struct nodeid *, int,
		    const char **);
static int	 store_sets(struct node *, struct node_in *, const struct wire_store *,
		    const struct nodeid *, struct storage_set *, size_t *,
		    struct storage_item *, const char **);
static int	 store_item(struct node *, struct node_in *, const struct reload_kind *,
		    const struct wire_stored *, const struct nodeid *, int,
		    struct storage_item *, const struct storage_item *, const char **);
static void	 store_unknown(struct node *, struct node_in *, const struct wire_store *);
static void	 store_answer(struct node *, struct node_in *, const struct storage_set *,
		    size_t, int);
static void	 read_in(struct node *, struct node_in *, int);
static int	 read_unknown(struct node *, struct node_in *, const struct wire_fetch *);

/* What one specifier selects. */
struct selection {
	struct node		*sl_node;
	const struct reload_kind *sl_kind;
	struct wbuf		*sl_w;
	struct node_build	*sl_build;
	int			 sl_stat;
	unsigned		 sl_holes;
};
static void	 select_spec(struct selection *, const struct storage_place *,
		    const struct wire_spec *);
static void	 select_value(struct selection *, struct storage_value *);
static void	 select_hole(struct selection *, struct span, uint32_t);
static void	 meta_hash(const uint8_t *, size_t, uint8_t *);

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

/* May node, with that user name, write the value there?  1 or 0. */
static int
policy_check(const struct nodeid *resource, const struct reload_kind *rk,
    const struct wire_value *wv, const struct nodeid *node, const char *user)
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
		nodeid_resource(user, strlen(user), &h);
		if (!nodeid_eq(&h, resource))
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
	if (!policy_check(resource, rk, &ws->ws_value, &ng->ng_node, ng->ng_user)) {
		*why = "access policy";
		return (WIRE_E_FORBIDDEN);
	}
	return (0);
}

/* The Resource-ID of the body; with a resource as destination the same one. */
static int
resource_of(struct node *n, struct node_in *in, struct span res, struct nodeid *id)
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

static int
store_item(struct node *n, struct node_in *in, const struct reload_kind *rk,
    const struct wire_stored *ws, const struct nodeid *resource, int replica,
    struct storage_item *si, const struct storage_item *prev, const char **why)
{
	struct node_signer ng;
	struct wbuf	 w;
	char		*der;
	uint8_t		 sig[RELOAD_SIG_MAX + 256];
	int		 error;

	error = data_check(n, resource, rk, ws, &in->ni_msg->wm_sec.rb_certs, &ng, why);
	if (error != 0)
		return (error);
	if (!replica && !policy_check(resource, rk, &ws->ws_value,
	    &in->ni_ret.nx_signer, ng.ng_user)) {
		*why = "the request's signer may not write there";
		return (WIRE_E_FORBIDDEN);
	}
	si->si_key = ws->ws_value.wv_key;
	si->si_index = ws->ws_value.wv_index;
	si->si_time = ws->ws_time;
	si->si_lifetime = ws->ws_lifetime;
	si->si_exists = ws->ws_value.wv_exists;
	si->si_value = ws->ws_value.wv_data;
	si->si_signer = ng.ng_node;
	memcpy(si->si_sha256, ng.ng_sha256, sizeof(si->si_sha256));
	/* The certificate's bytes are good until the next verification only. */
	if (prev != NULL && memcmp(prev->si_sha256, si->si_sha256, 32) == 0)
		si->si_cert = prev->si_cert;
	else {
		if ((der = malloc(ng.ng_der.len + 1)) == NULL)
			return (WIRE_E_DATA_TOO_LARGE);
		memcpy(der, ng.ng_der.p, ng.ng_der.len);
		si->si_cert.p = der;
		si->si_cert.len = ng.ng_der.len;
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
			if (used == STORE_VALUES_MAX) {
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
	if (resource_of(n, in, wt.wt_resource, &resource) == -1)
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
	in->ni_ret.nx_signer = in->ni_signer.ng_node;
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
	for (i = 0; i < STORE_VALUES_MAX; i++) {
		if (i == 0 || items[i].si_cert.p != items[i - 1].si_cert.p)
			free((void *)(uintptr_t)items[i].si_cert.p);
		free((void *)(uintptr_t)items[i].si_sig.p);
	}
	free(sets);
	free(items);
}

/* -- Fetch and Stat -- */

void
data_value_write(struct wbuf *w, int model, const struct storage_value *sv,
    uint32_t lifetime)
{
	struct wire_stored ws;
	struct cur	 c;

	memset(&ws, 0, sizeof(ws));
	ws.ws_time = sv->sv_time;
	ws.ws_lifetime = lifetime;
	ws.ws_value.wv_exists = sv->sv_exists;
	ws.ws_value.wv_data.p = (const char *)SV_VAL(sv);
	ws.ws_value.wv_data.len = sv->sv_vallen;
	if (model == RELOAD_DICTIONARY) {
		ws.ws_value.wv_key.p = (const char *)SV_KEY(sv);
		ws.ws_value.wv_key.len = sv->sv_keylen;
	} else if (model == RELOAD_ARRAY) {
		cur_init(&c, SV_KEY(sv), sv->sv_keylen);
		(void)cur_u32(&c, &ws.ws_value.wv_index);
	}
	cur_init(&c, SV_SIG(sv), sv->sv_siglen);
	if (reload_signature_parse(&c, &ws.ws_sig) == -1) {
		(void)wbuf_fail(w);
		return;
	}
	wire_stored_write(w, model, &ws);
}

/* Digest over the value with its four length bytes (reload.md 7.7). */
static void
meta_hash(const uint8_t *val, size_t len, uint8_t *md)
{
	crypto_hash_sha256_state st;
	struct wbuf	 w;
	uint8_t		 head[4];

	wbuf_init(&w, head, sizeof(head));
	wbuf_u32(&w, (uint32_t)len);
	(void)crypto_hash_sha256_init(&st);
	(void)crypto_hash_sha256_update(&st, head, sizeof(head));
	if (len > 0)
		(void)crypto_hash_sha256_update(&st, val, len);
	(void)crypto_hash_sha256_final(&st, md);
}

static void
select_value(struct selection *sl, struct storage_value *sv)
{
	struct wire_meta wm;
	struct cur	 c;
	uint8_t		 md[crypto_hash_sha256_BYTES];
	uint32_t	 left = storage_left(sv, sl->sl_node->n_wall);

	if (left == 0)
		return;
	if (!sl->sl_stat) {
		data_value_write(sl->sl_w, sl->sl_kind->rk_model, sv, left);
		if (sv->sv_cert->sc_mark != sl->sl_node->n_storage.st_mark) {
			sv->sv_cert->sc_mark = sl->sl_node->n_storage.st_mark;
			build_cert(sl->sl_build, sv->sv_cert->sc_der, sv->sv_cert->sc_len);
		}
		return;
	}
	memset(&wm, 0, sizeof(wm));
	wm.ws_time = sv->sv_time;
	wm.ws_lifetime = left;
	wm.ws_exists = sv->sv_exists;
	wm.ws_size = sv->sv_vallen;
	if (sl->sl_kind->rk_model == RELOAD_DICTIONARY) {
		wm.ws_key.p = (const char *)SV_KEY(sv);
		wm.ws_key.len = sv->sv_keylen;
	} else if (sl->sl_kind->rk_model == RELOAD_ARRAY) {
		cur_init(&c, SV_KEY(sv), sv->sv_keylen);
		(void)cur_u32(&c, &wm.ws_index);
	}
	meta_hash(SV_VAL(sv), sv->sv_vallen, md);
	wm.ws_hashalg = RELOAD_HASH_SHA256;
	wm.ws_hash.p = (const char *)md;
	wm.ws_hash.len = sizeof(md);
	wire_meta_write(sl->sl_w, sl->sl_kind->rk_model, &wm);
}

/* A slot that we know nothing about, made up (reload.md 7.6). */
static void
select_hole(struct selection *sl, struct span key, uint32_t index)
{
	static const uint8_t none[] = { 0, 0, RELOAD_ID_NONE, 0, 0, 0, 0 };
	struct wire_stored ws;
	struct wire_meta wm;
	struct cur	 c;
	uint8_t		 md[crypto_hash_sha256_BYTES];

	if (++sl->sl_holes > HOLES_MAX) {
		(void)wbuf_fail(sl->sl_w);
		return;
	}
	if (sl->sl_stat) {
		memset(&wm, 0, sizeof(wm));
		wm.ws_key = key;
		wm.ws_index = index;
		meta_hash(NULL, 0, md);
		wm.ws_hashalg = RELOAD_HASH_SHA256;
		wm.ws_hash.p = (const char *)md;
		wm.ws_hash.len = sizeof(md);
		wire_meta_write(sl->sl_w, sl->sl_kind->rk_model, &wm);
		return;
	}
	memset(&ws, 0, sizeof(ws));
	ws.ws_value.wv_key = key;
	ws.ws_value.wv_index = index;
	cur_init(&c, none, sizeof(none));
	(void)reload_signature_parse(&c, &ws.ws_sig);
	wire_stored_write(sl->sl_w, sl->sl_kind->rk_model, &ws);
}

static void
select_spec(struct selection *sl, const struct storage_place *sp,
    const struct wire_spec *spec)
{
	struct storage_value *sv;
	struct wire_range wr;
	struct span	 key, none = { NULL, 0 };
	struct cur	 c = spec->wp_list;
	struct wbuf	 w;
	uint8_t		 ix[4];
	uint32_t	 i, end = 0;

	if (sl->sl_kind->rk_model == RELOAD_SINGLE) {
		sv = storage_slot(sp, NULL, 0);
		if (sv != NULL && storage_left(sv, sl->sl_node->n_wall) > 0)
			select_value(sl, sv);
		else
			select_hole(sl, none, 0);
		return;
	}
	if (sl->sl_kind->rk_model == RELOAD_DICTIONARY) {
		if (cur_left(&c) == 0 && sp != NULL) {
			for (sv = storage_first(sp); sv != NULL; sv = storage_after(sv))
				select_value(sl, sv);
		}
		while (wire_key_next(&c, &key) == 1) {
			sv = storage_slot(sp, key.p, key.len);
			if (sv != NULL && storage_left(sv, sl->sl_node->n_wall) > 0)
				select_value(sl, sv);
			else
				select_hole(sl, key, 0);
		}
		return;
	}
	if (sp == NULL)
		return;
	for (sv = storage_first(sp); sv != NULL; sv = storage_after(sv)) {
		cur_init(&c, SV_KEY(sv), sv->sv_keylen);
		(void)cur_u32(&c, &end);
		end++;
	}
	c = spec->wp_list;
	while (wire_range_next(&c, &wr) == 1) {
		for (i = wr.wr_first; i < end && i <= wr.wr_last; i++) {
			wbuf_init(&w, ix, sizeof(ix));
			wbuf_u32(&w, i);
			sv = storage_slot(sp, ix, sizeof(ix));
			if (sv != NULL && storage_left(sv, sl->sl_node->n_wall) > 0)
				select_value(sl, sv);
			else
				select_hole(sl, none, i);
		}
	}
}

static int
read_unknown(struct node *n, struct node_in *in, const struct wire_fetch *wf)
{
	struct wire_spec spec;
	struct cur	 c = wf->wf_specs;
	struct wbuf	 w;
	uint32_t	 kinds[WIRE_KINDS_MAX];
	uint8_t		 buf[4 * WIRE_KINDS_MAX + 4];
	size_t		 count = 0;

	if (wf->wf_unknown == 0)
		return (0);
	while (count < 63 && wire_spec_next(&c, data_model, n, &spec) == 1) {
		if (spec.wp_model == 0)
			kinds[count++] = spec.wp_kind;
	}
	wbuf_init(&w, buf, sizeof(buf));
	wire_kindlist_write(&w, kinds, count);
	node_error_to(n, &in->ni_ret, WIRE_E_UNKNOWN_KIND, buf, w.w_len);
	return (1);
}

static void
read_in(struct node *n, struct node_in *in, int stat)
{
	struct selection sl;
	struct wire_fetch wf;
	struct wire_error we;
	struct wire_spec spec;
	struct wire_kinddata wk;
	struct node_build b;
	struct nodeid	 resource;
	const struct storage_place *sp;
	struct wbuf	 w;
	struct cur	 c;
	uint8_t		*buf;
	size_t		 half;

	if (wire_fetch_parse(&in->ni_msg->wm_contents.wc_body, data_model, n, &wf, &we) == -1) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, wire_strerror(we.we_reason));
		return;
	}
	if (read_unknown(n, in, &wf) || resource_of(n, in, wf.wf_resource, &resource) == -1)
		return;
	if (!data_fetch_allow(n, &in->ni_signer.ng_node)) {
		n->n_stats.ns_limited++;
		node_error(n, in, WIRE_E_REQUEST_TIMEOUT, "too many requests");
		return;
	}
	half = n->n_doc->rd_max_message;
	if ((buf = malloc(2 * half)) == NULL)
		return;
	if (build_open(n, &b, stat ? WIRE_STAT_ANS : WIRE_FETCH_ANS) == -1) {
		free(buf);
		return;
	}
	n->n_stats.ns_fetched++;
	n->n_storage.st_mark++;
	wbuf_init(&w, buf, half);	/* packed kind data; values in the second half */
	c = wf.wf_specs;
	while (wire_spec_next(&c, data_model, n, &spec) == 1) {
		struct wbuf	 vw;

		memset(&sl, 0, sizeof(sl));
		memset(&wk, 0, sizeof(wk));
		wbuf_init(&vw, buf + half, half);
		sl.sl_node = n;
		sl.sl_kind = reload_doc_kind(n->n_doc, spec.wp_kind);
		sl.sl_w = &vw;
		sl.sl_build = &b;
		sl.sl_stat = stat;
		sp = storage_find(&n->n_storage, &resource, spec.wp_kind);
		wk.wk_kind = spec.wp_kind;
		wk.wk_model = spec.wp_model;
		wk.wk_generation = sp == NULL ? 0 : sp->sp_generation;
		if (spec.wp_generation == 0 || spec.wp_generation != wk.wk_generation)
			select_spec(&sl, sp, &spec);
		if (wbuf_ok(&vw) == -1)
			(void)wbuf_fail(&b.nb_w);
		cur_init(&wk.wk_values, buf + half, vw.w_len);
		wire_kinddata_write(&w, &wk);
	}
	if (wbuf_ok(&w) == -1)
		(void)wbuf_fail(&b.nb_w);
	cur_init(&c, buf, w.w_len);
	wire_fetchans_write(&b.nb_w, &c);
	free(buf);
	node_answer(n, in, &b);
}

void
fetch_in(struct node *n, struct node_in *in)
{
	read_in(n, in, 0);
}

void
stat_in(struct node *n, struct node_in *in)
{
	read_in(n, in, 1);
}

/* A bucket of tokens for each signer, in a table that forgets the idle ones. */
int
data_fetch_allow(struct node *n, const struct nodeid *signer)
{
	size_t		 i, slot = 0, max = sizeof(n->n_fetchers) / sizeof(n->n_fetchers[0]);
	uint64_t	 add;

	if (nodeid_eq(signer, &n->n_self))
		return (1);
	for (i = 0; i < max; i++) {
		if (nodeid_eq(&n->n_fetchers[i].id, signer))
			break;
		if (n->n_fetchers[i].at < n->n_fetchers[slot].at)
			slot = i;
	}
	if (i == max) {
		i = slot;
		n->n_fetchers[i].id = *signer;
		n->n_fetchers[i].at = n->n_mono;
		n->n_fetchers[i].tokens = FETCH_BURST * 1000;
	}
	add = (n->n_mono - n->n_fetchers[i].at) * FETCH_RATE;
	n->n_fetchers[i].at = n->n_mono;
	if (add > FETCH_BURST * 1000 - n->n_fetchers[i].tokens)
		n->n_fetchers[i].tokens = FETCH_BURST * 1000;
	else
		n->n_fetchers[i].tokens += (uint32_t)add;
	if (n->n_fetchers[i].tokens < 1000)
		return (0);
	n->n_fetchers[i].tokens -= 1000;
	return (1);
}

/* -- Find -- */

void
find_in(struct node *n, struct node_in *in)
{
	struct wire_find wf;
	struct wire_findkind fk;
	struct wire_error we;
	struct node_build b;
	struct storage_place *sp;
	struct nodeid	 resource, zero, best;
	const struct reload_kind *rk;
	struct wbuf	 w;
	struct cur	 c;
	uint8_t		 buf[64 * 24];
	uint32_t	 kind;
	int		 found;

	if (wire_find_parse(&in->ni_msg->wm_contents.wc_body, &wf, &we) == -1) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, wire_strerror(we.we_reason));
		return;
	}
	if (resource_of(n, in, wf.wf_resource, &resource) == -1)
		return;
	if (n->n_join != JOIN_DONE || !ring_responsible(&n->n_ring, &resource)) {
		node_error(n, in, WIRE_E_NOT_FOUND, "not responsible for the resource");
		return;
	}
	memset(&zero, 0, sizeof(zero));
	wbuf_init(&w, buf, sizeof(buf));
	c = wf.wf_kinds;
	while (wire_kindid_next(&c, &kind) == 1) {
		rk = reload_doc_kind(n->n_doc, kind);
		/* The directory of numbers is not to be walked. */
		if (rk != NULL && rk->rk_policy == RELOAD_VIPR_NODE_KEY_MATCH)
			continue;
		best = zero;
		found = 0;
		RB_FOREACH(sp, storage_places, &n->n_storage.st_places) {
			if (sp->sp_kind != kind)
				continue;
			if (!found || nodeid_dist_cmp(&resource, &sp->sp_resource, &best) < 0)
				best = sp->sp_resource;
			found = 1;
		}
		fk.wf_kind = kind;
		fk.wf_closest.p = (const char *)best.id_b;
		fk.wf_closest.len = NODEID_LEN;
		wire_findkind_write(&w, &fk);
	}
	if (build_open(n, &b, WIRE_FIND_ANS) == -1)
		return;
	cur_init(&c, buf, w.w_len);
	wire_findans_write(&b.nb_w, &c);
	node_answer(n, in, &b);
}
