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
 * core: keeping our own certificate stored at its two places.
 */

#include <sodium.h>

#include <stdlib.h>
#include <string.h>

#include "certstore.h"

#define START_MS	2000	/* after the join; up to START_SPREAD_MS later */
#define START_SPREAD_MS	18000
#define RETRY_MS	5000	/* doubled with each failure */
#define RETRY_MAX_MS	1800000
#define AGAIN_MAX	3	/* times that a round begins anew at once */
#define LIFETIME_MIN	60	/* s; not stored for less */
#define VALUES_MAX	256	/* entries looked at in one array */
#define NAMESAKE_MS	21600000	/* between two warnings */

/* What stands in an array. */
struct survey {
	uint32_t	 su_end;	/* index after the last */
	int		 su_found;	/* our certificate, */
	uint32_t	 su_index;	/* here, */
	uint64_t	 su_time;	/* of that storage_time */
	int		 su_free;	/* a slot with nothing, or our removal, */
	uint32_t	 su_freeindex;
	uint64_t	 su_freetime;
	uint64_t	 su_generation;
};

static void	 place_start(void *);
static void	 place_wait(struct certplace *, uint64_t);
static void	 place_read(struct certplace *);
static void	 place_answered(struct node *, const struct node_resp *, void *);
static void	 survey_fetch(struct certplace *, const struct wire_kinddata *,
		    const struct node_resp *, struct survey *);
static void	 survey_stat(struct certplace *, const struct wire_kinddata *,
		    struct survey *);
static void	 survey_free(struct survey *, uint32_t, uint64_t);
static void	 survey_mine(struct survey *, uint32_t, uint64_t);
static int	 place_survey(struct certplace *, const struct node_resp *, struct survey *);
static int	 place_choose(struct certplace *, const struct survey *);
static void	 place_namesake(struct certplace *, const struct node_signer *);
static void	 place_value(const struct certplace *, struct wire_value *);
static void	 place_sign(struct certplace *);
static void	 place_signed(struct node *, int, const void *, size_t, void *);
static int	 place_body(struct certplace *, const void *, size_t, struct wbuf *);
static void	 place_stored(struct node *, const struct node_resp *, void *);
static void	 place_failed(struct certplace *, int);
static const char *place_str(const struct certplace *);

struct certstore *
certstore_new(struct node *n)
{
	struct certstore *cs;
	struct certplace *cp;
	const char	*user = n->n_conf.nc_user != NULL ? n->n_conf.nc_user : "";
	size_t		 i;

	if ((cs = calloc(1, sizeof(*cs))) == NULL)
		return (NULL);
	cs->cs_node = n;
	for (i = 0; i < CERTSTORE_PLACES; i++) {
		cp = &cs->cs_place[i];
		cp->cp_store = cs;
		ntimer_set(&cp->cp_timer, place_start, cp);
	}
	cs->cs_place[0].cp_kind = RELOAD_KIND_CERT_NODE;
	nodeid_resource(n->n_self.id_b, NODEID_LEN, &cs->cs_place[0].cp_resource);
	cs->cs_place[1].cp_kind = RELOAD_KIND_CERT_USER;
	nodeid_resource(user, strlen(user), &cs->cs_place[1].cp_resource);
	n->n_certstore = cs;
	return (cs);
}

void
certstore_free(struct certstore *cs)
{
	struct certplace *cp;
	size_t		 i;

	if (cs == NULL)
		return;
	for (i = 0; i < CERTSTORE_PLACES; i++) {
		cp = &cs->cs_place[i];
		ntimer_del(&cs->cs_node->n_timers, &cp->cp_timer);
		node_cancel(cs->cs_node, cp->cp_tid);
		node_sign_cancel(cs->cs_node, cp);
	}
	cs->cs_node->n_certstore = NULL;
	free(cs);
}

void
certstore_joined(struct certstore *cs)
{
	struct node	*n = cs->cs_node;
	size_t		 i;

	for (i = 0; i < CERTSTORE_PLACES; i++) {
		if (cs->cs_place[i].cp_state == CERT_IDLE)
			place_wait(&cs->cs_place[i], START_MS +
			    node_rand(n, START_SPREAD_MS));
	}
}

unsigned
certstore_places(const struct certstore *cs)
{
	unsigned	 n = 0;
	size_t		 i;

	for (i = 0; i < CERTSTORE_PLACES; i++)
		n += cs->cs_place[i].cp_until > cs->cs_node->n_wall;
	return (n);
}

static const char *
place_str(const struct certplace *cp)
{
	return (cp->cp_kind == RELOAD_KIND_CERT_NODE ? "Node-ID" : "user name");
}

static void
place_wait(struct certplace *cp, uint64_t ms)
{
	struct node	*n = cp->cp_store->cs_node;

	cp->cp_state = CERT_IDLE;
	cp->cp_again = 0;
	ntimer_add(&n->n_timers, &cp->cp_timer, n->n_mono + ms);
}

/* -- reading what is there -- */

static void
place_start(void *arg)
{
	struct certplace *cp = arg;
	struct node	*n = cp->cp_store->cs_node;
	int64_t		 left = CERTSTORE_LIFETIME;

	if (!node_is_joined(n))
		return;		/* certstore_joined comes */
	/* A signature is void when its certificate has ended. */
	if (n->n_conf.nc_not_after != 0 &&
	    n->n_conf.nc_not_after - (int64_t)(n->n_wall / 1000) < left)
		left = n->n_conf.nc_not_after - (int64_t)(n->n_wall / 1000);
	if (left < LIFETIME_MIN) {
		place_wait(cp, RETRY_MAX_MS);
		return;
	}
	cp->cp_lifetime = (uint32_t)left;
	place_read(cp);
}

/* The whole array, whatever its generation. */
static void
place_read(struct certplace *cp)
{
	struct node	*n = cp->cp_store->cs_node;
	struct node_build b;
	struct node_dest nd;
	struct wire_fetch wf;
	struct wire_spec spec;
	struct wbuf	 w, rw;
	uint8_t		 buf[64], range[8];

	if (build_open(n, &b, cp->cp_stat ? WIRE_STAT : WIRE_FETCH) == -1) {
		place_failed(cp, WIRE_E_REQUEST_TIMEOUT);
		return;
	}
	wbuf_init(&rw, range, sizeof(range));
	wbuf_u32(&rw, 0);
	wbuf_u32(&rw, UINT32_MAX);
	memset(&spec, 0, sizeof(spec));
	spec.wp_kind = cp->cp_kind;
	spec.wp_model = RELOAD_ARRAY;
	cur_init(&spec.wp_list, range, rw.w_len);
	wbuf_init(&w, buf, sizeof(buf));
	wire_spec_write(&w, &spec);
	memset(&wf, 0, sizeof(wf));
	wf.wf_resource.p = (const char *)cp->cp_resource.id_b;
	wf.wf_resource.len = NODEID_LEN;
	cur_init(&wf.wf_specs, buf, w.w_len);
	wire_fetch_write(&b.nb_w, &wf);
	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_RESOURCE;
	nd.nd_id = cp->cp_resource;
	cp->cp_state = CERT_READING;
	cp->cp_tid = node_request(n, &b, &nd, 1, 0, place_answered, cp);
	if (cp->cp_tid == 0)
		place_failed(cp, WIRE_E_REQUEST_TIMEOUT);
}

static void
place_answered(struct node *n, const struct node_resp *resp, void *arg)
{
	struct certplace *cp = arg;
	struct survey	 su;

	(void)n;
	cp->cp_tid = 0;
	if (resp->nr_error == WIRE_E_RESPONSE_TOO_LARGE && !cp->cp_stat) {
		cp->cp_stat = 1;
		place_read(cp);
		return;
	}
	if (resp->nr_error != 0) {
		place_failed(cp, resp->nr_error);
		return;
	}
	if (place_survey(cp, resp, &su) == -1) {
		place_failed(cp, WIRE_E_INVALID_MESSAGE);
		return;
	}
	if (place_choose(cp, &su) == -1) {
		place_failed(cp, WIRE_E_DATA_TOO_LARGE);
		return;
	}
	place_sign(cp);
}

static void
survey_free(struct survey *su, uint32_t index, uint64_t when)
{
	if (su->su_free && su->su_freeindex <= index)
		return;
	su->su_free = 1;
	su->su_freeindex = index;
	su->su_freetime = when;
}

/* Twice is once too often: the lowest is kept up, the others run out. */
static void
survey_mine(struct survey *su, uint32_t index, uint64_t when)
{
	if (su->su_found && su->su_index <= index)
		return;
	su->su_found = 1;
	su->su_index = index;
	su->su_time = when;
}

static int
place_survey(struct certplace *cp, const struct node_resp *resp, struct survey *su)
{
	struct node	*n = cp->cp_store->cs_node;
	struct wire_kinddata wk;
	struct wire_error we;
	struct cur	 kinds;
	unsigned	 unknown;
	int		 r;

	memset(su, 0, sizeof(*su));
	if (cp->cp_stat)
		r = wire_statans_parse(&resp->nr_contents->wc_body, data_model, n, &kinds,
		    &unknown, &we);
	else
		r = wire_fetchans_parse(&resp->nr_contents->wc_body, data_model, n, &kinds,
		    &unknown, &we);
	if (r == -1)
		return (-1);
	while (wire_kinddata_next(&kinds, data_model, n, &wk) == 1) {
		if (wk.wk_kind != cp->cp_kind || wk.wk_model != RELOAD_ARRAY)
			continue;
		su->su_generation = wk.wk_generation;
		if (cp->cp_stat)
			survey_stat(cp, &wk, su);
		else
			survey_fetch(cp, &wk, resp, su);
		return (0);
	}
	return (-1);
}

static void
survey_fetch(struct certplace *cp, const struct wire_kinddata *wk,
    const struct node_resp *resp, struct survey *su)
{
	struct node	*n = cp->cp_store->cs_node;
	const struct reload_kind *rk = reload_doc_kind(n->n_doc, cp->cp_kind);
	struct wire_stored ws;
	struct node_signer ng;
	struct cur	 values = wk->wk_values, bucket = resp->nr_sec->rb_certs;
	const char	*why;
	uint32_t	 index;
	unsigned	 max = VALUES_MAX;

	while (rk != NULL && max-- > 0 &&
	    wire_stored_next(&values, RELOAD_ARRAY, &ws) == 1) {
		index = ws.ws_value.wv_index;
		if (index < UINT32_MAX && index >= su->su_end)
			su->su_end = index + 1;
		if (reload_signature_is_none(&ws.ws_sig)) {
			if (!ws.ws_value.wv_exists)
				survey_free(su, index, 0);
			continue;
		}
		/* What cannot be judged is somebody's; it is left alone. */
		if (data_check(n, &cp->cp_resource, rk, &ws, &bucket, &ng, &why) != 0)
			continue;
		if (!nodeid_eq(&ng.ng_node, &n->n_self)) {
			if (ws.ws_value.wv_exists)
				place_namesake(cp, &ng);
			continue;
		}
		if (!ws.ws_value.wv_exists)
			survey_free(su, index, ws.ws_time);
		else if (ws.ws_value.wv_data.len == n->n_conf.nc_certlen &&
		    memcmp(ws.ws_value.wv_data.p, n->n_conf.nc_cert,
		    n->n_conf.nc_certlen) == 0)
			survey_mine(su, index, ws.ws_time);
	}
}

/* Digests tell where our certificate stands; the answerer's word is enough,
 * for it is stored there again in any case. */
static void
survey_stat(struct certplace *cp, const struct wire_kinddata *wk, struct survey *su)
{
	struct node	*n = cp->cp_store->cs_node;
	crypto_hash_sha256_state st;
	struct wire_meta wm;
	struct cur	 values = wk->wk_values;
	struct wbuf	 w;
	uint8_t		 head[4], md[crypto_hash_sha256_BYTES];
	unsigned	 max = VALUES_MAX;

	wbuf_init(&w, head, sizeof(head));
	wbuf_u32(&w, (uint32_t)n->n_conf.nc_certlen);
	(void)crypto_hash_sha256_init(&st);
	(void)crypto_hash_sha256_update(&st, head, sizeof(head));
	(void)crypto_hash_sha256_update(&st, n->n_conf.nc_cert, n->n_conf.nc_certlen);
	(void)crypto_hash_sha256_final(&st, md);
	while (max-- > 0 && wire_meta_next(&values, RELOAD_ARRAY, &wm) == 1) {
		if (wm.ws_index < UINT32_MAX && wm.ws_index >= su->su_end)
			su->su_end = wm.ws_index + 1;
		if (!wm.ws_exists && wm.ws_time == 0)
			survey_free(su, wm.ws_index, 0);
		else if (wm.ws_exists && wm.ws_size == n->n_conf.nc_certlen &&
		    wm.ws_hashalg == RELOAD_HASH_SHA256 && wm.ws_hash.len == sizeof(md) &&
		    memcmp(wm.ws_hash.p, md, sizeof(md)) == 0)
			survey_mine(su, wm.ws_index, wm.ws_time);
	}
}

/*
 * RFC 6940, 8 wants new ones appended; but an index is bounded by max-count, so
 * that after some renewals a hole has to do.  The generation that was read goes
 * with the Store, or two that fill the same hole would displace each other.
 */
static int
place_choose(struct certplace *cp, const struct survey *su)
{
	struct node	*n = cp->cp_store->cs_node;
	const struct reload_kind *rk = reload_doc_kind(n->n_doc, cp->cp_kind);
	uint64_t	 after = 0;

	cp->cp_generation = su->su_generation;
	if (su->su_found) {
		cp->cp_index = su->su_index;
		after = su->su_time;
		cp->cp_renewed++;
	} else if (rk != NULL && su->su_end < rk->rk_max_count)
		cp->cp_index = WIRE_APPEND;
	else if (rk != NULL && su->su_free && su->su_freeindex < rk->rk_max_count) {
		cp->cp_index = su->su_freeindex;
		after = su->su_freetime;
	} else
		return (-1);
	/* Our clock may have been ahead once. */
	if (after < cp->cp_time)
		after = cp->cp_time;
	cp->cp_time = n->n_wall > after ? n->n_wall : after + 1;
	return (0);
}

/* Self-signed, anybody may call himself what he likes (RFC 6940, 11.3.1); from
 * an authority several nodes of one user are nothing to talk about. */
static void
place_namesake(struct certplace *cp, const struct node_signer *ng)
{
	struct node	*n = cp->cp_store->cs_node;
	char		 hex[NODEID_HEXLEN];

	if (cp->cp_kind != RELOAD_KIND_CERT_USER || !n->n_conf.nc_self_signed ||
	    n->n_mono < cp->cp_store->cs_quiet)
		return;
	cp->cp_store->cs_quiet = n->n_mono + NAMESAKE_MS;
	node_log(n, NODE_WARN, "our user name is also that of node %s, whose certificate "
	    "is stored under it: make a certificate with another one",
	    nodeid_hex(&ng->ng_node, hex));
}

/* -- storing -- */

static void
place_value(const struct certplace *cp, struct wire_value *wv)
{
	const struct node *n = cp->cp_store->cs_node;

	memset(wv, 0, sizeof(*wv));
	wv->wv_index = cp->cp_index;
	wv->wv_exists = 1;
	wv->wv_data.p = (const char *)n->n_conf.nc_cert;
	wv->wv_data.len = n->n_conf.nc_certlen;
}

static void
place_sign(struct certplace *cp)
{
	struct node	*n = cp->cp_store->cs_node;
	struct wire_value wv;
	struct wbuf	 w;
	uint8_t		*in;
	size_t		 size = n->n_conf.nc_certlen + 128;
	int		 r = -1;

	if ((in = malloc(size)) != NULL) {
		place_value(cp, &wv);
		wbuf_init(&w, in, size);
		wire_data_input(&w, cp->cp_resource.id_b, NODEID_LEN, cp->cp_kind,
		    RELOAD_ARRAY, cp->cp_time, &wv);
		cp->cp_state = CERT_SIGNING;
		if (wbuf_ok(&w) == 0)
			r = node_sign_data(n, in, w.w_len, place_signed, cp);
		free(in);
	}
	if (r == -1)
		place_failed(cp, WIRE_E_REQUEST_TIMEOUT);
}

/* The body of the Store: one Kind, one value.  -1: it does not fit. */
static int
place_body(struct certplace *cp, const void *sig, size_t siglen, struct wbuf *out)
{
	struct node	*n = cp->cp_store->cs_node;
	struct wire_store wt;
	struct wire_kinddata wk;
	struct wire_stored ws;
	struct wbuf	 w;
	struct cur	 c;
	uint8_t		 sigbuf[RELOAD_SIG_MAX + 64], *buf;
	size_t		 size = n->n_conf.nc_certlen + sizeof(sigbuf) + 128;

	if ((buf = malloc(2 * size)) == NULL)
		return (-1);
	memset(&ws, 0, sizeof(ws));
	wbuf_init(&w, sigbuf, sizeof(sigbuf));
	reload_signature_write(&w, n->n_conf.nc_alg, n->n_conf.nc_sha256, sig, siglen);
	cur_init(&c, sigbuf, w.w_len);
	if (wbuf_ok(&w) == -1 || reload_signature_parse(&c, &ws.ws_sig) == -1)
		(void)wbuf_fail(out);
	ws.ws_time = cp->cp_time;
	ws.ws_lifetime = cp->cp_lifetime;
	place_value(cp, &ws.ws_value);
	memset(&wk, 0, sizeof(wk));
	wk.wk_kind = cp->cp_kind;
	wk.wk_model = RELOAD_ARRAY;
	wk.wk_generation = cp->cp_generation;
	wbuf_init(&w, buf, size);
	wire_stored_write(&w, RELOAD_ARRAY, &ws);
	cur_init(&wk.wk_values, buf, w.w_len);
	wbuf_init(&w, buf + size, size);
	wire_kinddata_write(&w, &wk);
	if (wbuf_ok(&w) == -1)
		(void)wbuf_fail(out);
	memset(&wt, 0, sizeof(wt));
	wt.wt_resource.p = (const char *)cp->cp_resource.id_b;
	wt.wt_resource.len = NODEID_LEN;
	cur_init(&wt.wt_kinds, buf + size, w.w_len);
	wire_store_write(out, &wt);
	free(buf);
	return (wbuf_ok(out));
}

static void
place_signed(struct node *n, int error, const void *sig, size_t siglen, void *arg)
{
	struct certplace *cp = arg;
	struct node_build b;
	struct node_dest nd;

	if (error != 0 || build_open(n, &b, WIRE_STORE) == -1) {
		place_failed(cp, WIRE_E_REQUEST_TIMEOUT);
		return;
	}
	if (place_body(cp, sig, siglen, &b.nb_w) == -1) {
		build_free(&b);
		place_failed(cp, WIRE_E_MESSAGE_TOO_LARGE);
		return;
	}
	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_RESOURCE;
	nd.nd_id = cp->cp_resource;
	cp->cp_state = CERT_STORING;
	cp->cp_tid = node_request(n, &b, &nd, 1, 0, place_stored, cp);
	if (cp->cp_tid == 0)
		place_failed(cp, WIRE_E_REQUEST_TIMEOUT);
}

static void
place_stored(struct node *n, const struct node_resp *resp, void *arg)
{
	struct certplace *cp = arg;
	uint64_t	 ms;

	cp->cp_tid = 0;
	if ((resp->nr_error == WIRE_E_GENERATION_TOO_LOW ||
	    resp->nr_error == WIRE_E_DATA_TOO_OLD) && cp->cp_again < AGAIN_MAX) {
		cp->cp_again++;
		place_read(cp);
		return;
	}
	if (resp->nr_error != 0) {
		place_failed(cp, resp->nr_error);
		return;
	}
	if (cp->cp_rounds == 0 || cp->cp_fails >= 3)
		node_log(n, NODE_INFO, "our certificate is stored under its %s",
		    place_str(cp));
	cp->cp_fails = 0;
	cp->cp_stat = 0;
	cp->cp_rounds++;
	cp->cp_until = n->n_wall + (uint64_t)cp->cp_lifetime * 1000;
	/* At half-life, up to a tenth of it earlier. */
	ms = (uint64_t)cp->cp_lifetime * 500;
	ms -= node_rand(n, (uint32_t)(ms / 10) + 1);
	place_wait(cp, ms);
}

static void
place_failed(struct certplace *cp, int error)
{
	struct node	*n = cp->cp_store->cs_node;
	uint64_t	 ms;

	if (cp->cp_fails < UINT8_MAX)
		cp->cp_fails++;
	if (cp->cp_fails == 3)
		node_log(n, NODE_WARN, "our certificate cannot be stored under its %s: %s; "
		    "it is tried again", place_str(cp),
		    wire_errcode_str((unsigned)error) != NULL ?
		    wire_errcode_str((unsigned)error) : "error");
	cp->cp_stat = 0;
	ms = (uint64_t)RETRY_MS << (cp->cp_fails < 8 ? cp->cp_fails - 1 : 7);
	if (ms > RETRY_MAX_MS)
		ms = RETRY_MAX_MS;
	place_wait(cp, ms / 2 + node_rand(n, (uint32_t)ms));
}
