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
 * core: Fetch, Stat and Find as the responsible peer or a replica answers them
 * (RFC 6940, 7.4.2 to 7.4.4).
 */

#include <sodium.h>

#include <stdlib.h>
#include <string.h>

#include "node.h"

#define FETCH_RATE		20	/* a signer and second */
#define FETCH_BURST		100
#define FIND_PLACES_MAX		256	/* looked at for one Kind */
#define HOLES_MAX		4096	/* slots made up in one answer */

/* What one specifier selects. */
struct selection {
	struct node		*sl_node;
	const struct reload_kind *sl_kind;
	struct wbuf		*sl_w;
	struct node_build	*sl_build;
	int			 sl_stat;
	unsigned		 sl_holes;
};

static void	 read_in(struct node *, struct node_in *, int);
static int	 read_unknown(struct node *, struct node_in *, const struct wire_fetch *);
static void	 select_spec(struct selection *, const struct storage_place *,
		    const struct wire_spec *);
static int	 select_value(struct selection *, struct storage_value *);
static void	 select_hole(struct selection *, struct span, uint32_t);
static void	 meta_hash(struct span, uint8_t *);
static const struct storage_place *find_closest(struct node *, const struct nodeid *,
		    uint32_t);

/* -- Fetch and Stat -- */

int
data_value_write(struct wbuf *w, int model, struct storage *st, struct storage_value *sv,
    uint32_t lifetime)
{
	struct storage_body sb;
	struct wire_stored ws;
	struct cur	 c;

	if (storage_body(st, sv, &sb) == -1)
		return (-1);
	memset(&ws, 0, sizeof(ws));
	ws.ws_time = sv->sv_time;
	ws.ws_lifetime = lifetime;
	ws.ws_value.wv_exists = sv->sv_exists;
	ws.ws_value.wv_data = sb.sb_value;
	if (model == RELOAD_DICTIONARY)
		ws.ws_value.wv_key = sb.sb_slot;
	else if (model == RELOAD_ARRAY)
		ws.ws_value.wv_index = storage_index(sv);
	cur_init(&c, sb.sb_sig.p, sb.sb_sig.len);
	if (reload_signature_parse(&c, &ws.ws_sig) == -1)
		return (-1);
	wire_stored_write(w, model, &ws);
	return (0);
}

/* Digest over the value with its four length bytes (RFC 6940, 7.4.3). */
static void
meta_hash(struct span val, uint8_t *md)
{
	crypto_hash_sha256_state st;
	struct wbuf	 w;
	uint8_t		 head[4];

	wbuf_init(&w, head, sizeof(head));
	wbuf_u32(&w, (uint32_t)val.len);
	(void)crypto_hash_sha256_init(&st);
	(void)crypto_hash_sha256_update(&st, head, sizeof(head));
	if (val.len > 0)
		(void)crypto_hash_sha256_update(&st, (const uint8_t *)val.p, val.len);
	(void)crypto_hash_sha256_final(&st, md);
}

/* -1: there is none to be had. */
static int
select_value(struct selection *sl, struct storage_value *sv)
{
	struct storage	*st = &sl->sl_node->n_storage;
	struct storage_body sb;
	struct wire_meta wm;
	struct span	 der;
	uint8_t		 md[crypto_hash_sha256_BYTES];
	uint32_t	 left;

	if (sv == NULL || (left = storage_left(sv, sl->sl_node->n_wall)) == 0)
		return (-1);
	if (!sl->sl_stat) {
		if (storage_cert_new(st, sv)) {
			if (storage_cert(st, sv, &der) == -1)
				return (-1);
			build_cert(sl->sl_build, der.p, der.len);
		}
		return (data_value_write(sl->sl_w, sl->sl_kind->rk_model, st, sv, left));
	}
	if (storage_body(st, sv, &sb) == -1)
		return (-1);
	memset(&wm, 0, sizeof(wm));
	wm.ws_time = sv->sv_time;
	wm.ws_lifetime = left;
	wm.ws_exists = sv->sv_exists;
	wm.ws_size = (uint32_t)sb.sb_value.len;
	if (sl->sl_kind->rk_model == RELOAD_DICTIONARY)
		wm.ws_key = sb.sb_slot;
	else if (sl->sl_kind->rk_model == RELOAD_ARRAY)
		wm.ws_index = storage_index(sv);
	meta_hash(sb.sb_value, md);
	wm.ws_hashalg = RELOAD_HASH_SHA256;
	wm.ws_hash.p = (const char *)md;
	wm.ws_hash.len = sizeof(md);
	wire_meta_write(sl->sl_w, sl->sl_kind->rk_model, &wm);
	return (0);
}

/* A slot that we know nothing about, made up (RFC 6940, 7.4.2.2). */
static void
select_hole(struct selection *sl, struct span key, uint32_t index)
{
	static const uint8_t none[] = { 0, 0, RELOAD_ID_NONE, 0, 0, 0, 0 };
	const struct span none_value = { NULL, 0 };
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
		meta_hash(none_value, md);
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
	const struct storage *st = &sl->sl_node->n_storage;
	struct storage_value *sv;
	struct wire_range wr;
	struct span	 key, none = { NULL, 0 };
	struct cur	 c = spec->wp_list;
	struct wbuf	 w;
	uint8_t		 ix[4];
	uint32_t	 i, end = 0;

	if (sl->sl_kind->rk_model == RELOAD_SINGLE) {
		if (select_value(sl, storage_slot(st, sp, NULL, 0)) == -1)
			select_hole(sl, none, 0);
		return;
	}
	if (sl->sl_kind->rk_model == RELOAD_DICTIONARY) {
		sv = cur_left(&c) == 0 ? storage_first(st, sp) : NULL;
		for (; sv != NULL; sv = storage_after(st, sv))
			(void)select_value(sl, sv);
		while (wire_key_next(&c, &key) == 1) {
			if (select_value(sl, storage_slot(st, sp, key.p, key.len)) == -1)
				select_hole(sl, key, 0);
		}
		return;
	}
	for (sv = storage_first(st, sp); sv != NULL; sv = storage_after(st, sv))
		end = storage_index(sv) + 1;
	while (wire_range_next(&c, &wr) == 1) {
		for (i = wr.wr_first; i < end && i <= wr.wr_last; i++) {
			wbuf_init(&w, ix, sizeof(ix));
			wbuf_u32(&w, i);
			if (select_value(sl, storage_slot(st, sp, ix, sizeof(ix))) == -1)
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
	struct wbuf	 w, vw;
	struct cur	 c;
	size_t		 most = 0;

	if (wire_fetch_parse(&in->ni_msg->wm_contents.wc_body, data_model, n, &wf, &we) == -1) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, wire_strerror(we.we_reason));
		return;
	}
	if (read_unknown(n, in, &wf) || data_resource(n, in, wf.wf_resource, &resource) == -1)
		return;
	if (!data_fetch_allow(n, &in->ni_signer.ng_node)) {
		n->n_stats.ns_limited++;
		node_error(n, in, WIRE_E_REQUEST_TIMEOUT, "too many requests");
		return;
	}
	if (build_open(n, &b, stat ? WIRE_STAT_ANS : WIRE_FETCH_ANS) == -1)
		return;
	/* Packed kind data, and the values of one. */
	if (node_buffer(n, &w) == -1 || node_buffer(n, &vw) == -1) {
		node_spare(&w);
		build_free(&b);
		return;
	}
	n->n_stats.ns_fetched++;
	storage_answer(&n->n_storage);
	c = wf.wf_specs;
	while (wire_spec_next(&c, data_model, n, &spec) == 1) {
		memset(&sl, 0, sizeof(sl));
		memset(&wk, 0, sizeof(wk));
		wbuf_init(&vw, vw.w_buf, vw.w_size);
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
		cur_init(&wk.wk_values, vw.w_buf, vw.w_len);
		most = vw.w_len > most ? vw.w_len : most;
		wire_kinddata_write(&w, &wk);
	}
	if (wbuf_ok(&w) == -1)
		(void)wbuf_fail(&b.nb_w);
	cur_init(&c, w.w_buf, w.w_len);
	wire_fetchans_write(&b.nb_w, &c);
	node_spare(&w);
	vw.w_len = most;	/* all of it is wiped */
	node_spare(&vw);
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

/* The first place of a Kind, going clockwise, that holds something. */
static const struct storage_place *
find_closest(struct node *n, const struct nodeid *resource, uint32_t kind)
{
	const struct storage *st = &n->n_storage;
	const struct storage_place *sp;
	const struct storage_value *sv;
	struct nodeid	 at = *resource;
	int		 max = FIND_PLACES_MAX, over = 0;

	for (; max > 0; max--) {
		sp = storage_nfind(st, &at, kind);
		if (sp == NULL || sp->sp_kind != kind) {
			if (over++)
				return (NULL);
			memset(&at, 0, sizeof(at));
			continue;
		}
		for (sv = storage_first(st, sp); sv != NULL; sv = storage_after(st, sv)) {
			if (storage_left(sv, n->n_wall) > 0)
				return (sp);
		}
		nodeid_next(&sp->sp_resource, &at);
		over |= nodeid_is_zero(&at);
	}
	return (NULL);
}

void
find_in(struct node *n, struct node_in *in)
{
	struct wire_find wf;
	struct wire_findkind fk;
	struct wire_error we;
	struct node_build b;
	const struct storage_place *sp;
	struct nodeid	 resource, zero, best;
	const struct reload_kind *rk;
	struct wbuf	 w;
	struct cur	 c;
	uint8_t		 buf[64 * 24];
	uint32_t	 kind;

	if (wire_find_parse(&in->ni_msg->wm_contents.wc_body, &wf, &we) == -1) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, wire_strerror(we.we_reason));
		return;
	}
	if (data_resource(n, in, wf.wf_resource, &resource) == -1)
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
		sp = find_closest(n, &resource, kind);
		best = sp != NULL ? sp->sp_resource : zero;
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
