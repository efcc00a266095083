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
 * core: the Store of one copy of a registration: signed, sent by the ordinary
 * route, after a failure to the place's root by a route that was found to work.
 */

#include <stdlib.h>
#include <string.h>

#include "regist_int.h"

#define VALUE_LEN	20

struct store_op {
	struct regist	*so_regist;
	uint64_t	 so_number;
	uint64_t	 so_time;
	uint8_t		 so_copy;
	uint8_t		 so_withdraw;
	char		 so_key[REGIST_KEY_LEN + 1];
	struct nodeid	 so_resource;
	int		 so_rooted;	/* not by the ordinary route, but: */
	struct nodeid	 so_root;
	struct lookup_path so_path;
};


static void	 op_value(const struct store_op *, const struct node *, struct wire_value *,
		    uint8_t *);
static void	 op_rooted(struct node *, const struct lookup_result *, void *);
static int	 op_sign(struct node *, struct store_op *);
static size_t	 op_route(struct node *, const struct store_op *, struct node_dest *);
static void	 op_signed(struct node *, int, const void *, size_t, void *);
static void	 op_stored(struct node *, const struct node_resp *, void *);
static void	 op_finish(struct store_op *, int);

static void
op_value(const struct store_op *so, const struct node *n, struct wire_value *wv,
    uint8_t *buf)
{
	struct wbuf	 w;

	memset(wv, 0, sizeof(*wv));
	wv->wv_key.p = so->so_key;
	wv->wv_key.len = REGIST_KEY_LEN;
	wv->wv_exists = !so->so_withdraw;
	if (so->so_withdraw)
		return;
	/* The drafts' peerID attribute. */
	wbuf_init(&w, buf, VALUE_LEN);
	wbuf_u16(&w, 0x2008);
	wbuf_u16(&w, NODEID_LEN);
	wbuf_bytes(&w, n->n_self.id_b, NODEID_LEN);
	wv->wv_data.p = (const char *)buf;
	wv->wv_data.len = w.w_len;
}

int
regist_store(struct regist *rg, struct regist_entry *re)
{
	struct node	*n = rg->rg_node;
	struct store_op	*so;

	if ((so = calloc(1, sizeof(*so))) == NULL)
		return (-1);
	so->so_regist = rg;
	so->so_number = re->re_number;
	so->so_copy = re->re_copy;
	so->so_withdraw = re->re_withdraw;
	if (re->re_good == 0)
		re->re_began = n->n_mono;
	if (re->re_time < n->n_wall)
		re->re_time = n->n_wall;
	else
		re->re_time++;
	so->so_time = re->re_time;
	(void)nodeid_hex(&n->n_self, so->so_key);
	so->so_key[32] = '+';
	memcpy(so->so_key + 33, rg->rg_vservice, 16);
	if (regist_resource(so->so_number, so->so_copy, &so->so_resource) == -1)
		goto fail;
	/* Somebody on the ordinary route may drop it: find another one. */
	if (re->re_fails > 0 && !(n->n_join == JOIN_DONE &&
	    ring_responsible(&n->n_ring, &so->so_resource)) ?
	    lookup_root(n, so->so_number, so->so_copy, op_rooted, so) == -1 :
	    op_sign(n, so) == -1)
		goto fail;
	re->re_busy = 1;
	rg->rg_nbusy++;
	rg->rg_stores++;
	return (0);
fail:
	free(so);
	return (-1);
}

static void
op_rooted(struct node *n, const struct lookup_result *lr, void *arg)
{
	struct store_op	*so = arg;

	if (n->n_closing || n->n_regist == NULL) {
		free(so);
		return;
	}
	so->so_rooted = lr->lr_rooted;
	so->so_root = lr->lr_root;
	so->so_path = lr->lr_path;
	if (op_sign(n, so) == -1)
		op_finish(so, WIRE_E_REQUEST_TIMEOUT);
}

static int
op_sign(struct node *n, struct store_op *so)
{
	struct wire_value wv;
	struct wbuf	 w;
	uint8_t		 in[256], val[VALUE_LEN];

	op_value(so, n, &wv, val);
	wbuf_init(&w, in, sizeof(in));
	wire_data_input(&w, so->so_resource.id_b, NODEID_LEN, RELOAD_KIND_VIPR,
	    RELOAD_DICTIONARY, so->so_time, &wv);
	if (wbuf_ok(&w) == -1)
		return (-1);
	return (node_sign_data(n, in, w.w_len, op_signed, so));
}

/* The destination list: the place, or its root by a route that worked. */
static size_t
op_route(struct node *n, const struct store_op *so, struct node_dest *nd)
{
	size_t		 i, count = 0;

	for (i = 0; i < so->so_path.pa_n && so->so_rooted; i++) {
		if (nodeid_eq(&so->so_path.pa_id[i], &so->so_root) ||
		    (i == 0 && !ring_has(&n->n_ring, &so->so_path.pa_id[0])))
			continue;
		nd[count].nd_type = WIRE_DEST_NODE;
		nd[count++].nd_id = so->so_path.pa_id[i];
	}
	nd[count].nd_type = so->so_rooted ? WIRE_DEST_NODE : WIRE_DEST_RESOURCE;
	nd[count++].nd_id = so->so_rooted ? so->so_root : so->so_resource;
	return (count);
}

static void
op_signed(struct node *n, int error, const void *sig, size_t siglen, void *arg)
{
	struct store_op	*so = arg;
	struct node_build b;
	struct node_dest nd[LOOKUP_PATH + 1];
	struct wire_store wt;
	struct wire_kinddata wk;
	struct wire_stored ws;
	struct wbuf	 w;
	struct cur	 c;
	uint8_t		 sigbuf[RELOAD_SIG_MAX + 64], val[VALUE_LEN];
	uint8_t		 stored[RELOAD_SIG_MAX + 512], kd[RELOAD_SIG_MAX + 640];

	if (n->n_closing || n->n_regist == NULL) {
		free(so);
		return;
	}
	if (error != 0 || build_open(n, &b, WIRE_STORE) == -1) {
		op_finish(so, WIRE_E_REQUEST_TIMEOUT);
		return;
	}
	memset(&ws, 0, sizeof(ws));
	wbuf_init(&w, sigbuf, sizeof(sigbuf));
	reload_signature_write(&w, n->n_conf.nc_alg, n->n_conf.nc_sha256, sig, siglen);
	cur_init(&c, sigbuf, w.w_len);
	if (wbuf_ok(&w) == -1 || reload_signature_parse(&c, &ws.ws_sig) == -1)
		(void)wbuf_fail(&b.nb_w);
	ws.ws_time = so->so_time;
	ws.ws_lifetime = regist_lifetime(so->so_regist);
	op_value(so, n, &ws.ws_value, val);
	wbuf_init(&w, stored, sizeof(stored));
	wire_stored_write(&w, RELOAD_DICTIONARY, &ws);
	memset(&wk, 0, sizeof(wk));
	wk.wk_kind = RELOAD_KIND_VIPR;
	wk.wk_model = RELOAD_DICTIONARY;
	cur_init(&wk.wk_values, stored, w.w_len);
	wbuf_init(&w, kd, sizeof(kd));
	wire_kinddata_write(&w, &wk);
	memset(&wt, 0, sizeof(wt));
	wt.wt_resource.p = (const char *)so->so_resource.id_b;
	wt.wt_resource.len = NODEID_LEN;
	cur_init(&wt.wt_kinds, kd, w.w_len);
	wire_store_write(&b.nb_w, &wt);
	memset(nd, 0, sizeof(nd));
	if (node_request(n, &b, nd, op_route(n, so, nd), 0, op_stored, so) == 0)
		op_finish(so, WIRE_E_REQUEST_TIMEOUT);
}

static void
op_stored(struct node *n, const struct node_resp *resp, void *arg)
{
	struct store_op	*so = arg;

	if (n->n_closing || n->n_regist == NULL) {
		free(so);
		return;
	}
	op_finish(so, resp->nr_error);
}

/* One copy is stored, or not; on to the next. */
static void
op_finish(struct store_op *so, int error)
{
	struct regist	*rg = so->so_regist;
	struct node	*n = rg->rg_node;
	struct regist_entry *re;
	uint8_t		 copy = so->so_copy, withdraw = so->so_withdraw;

	re = regist_find(rg, so->so_number);
	free(so);
	rg->rg_nbusy--;
	regist_wake(rg, n->n_mono);
	if (re == NULL)
		return;
	re->re_busy = 0;
	if (withdraw != re->re_withdraw) {
		/* The configuration changed its mind meanwhile. */
		re->re_copy = re->re_good = 0;
		regist_entry_due(rg, re, n->n_mono);
		return;
	}
	if (error == 0) {
		re->re_good |= (uint8_t)(1u << copy);
		if (!re->re_kept && !withdraw) {
			re->re_kept = 1;
			if (rg->rg_keep != NULL)
				rg->rg_keep(rg->rg_arg, re->re_number, 1);
		}
	} else {
		re->re_error = (uint16_t)error;
		/* Our clock was ahead once: the read-back tells how far. */
		if (error == WIRE_E_DATA_TOO_OLD)
			(void)lookup_start(n, re->re_number, regist_readback_done,
			    (void *)(uintptr_t)re->re_number);
	}
	/* After a failure only those copies are stored again that are missing. */
	do {
		re->re_copy++;
	} while (re->re_copy < REGIST_COPIES && (re->re_good & 1u << re->re_copy) != 0);
	if (re->re_copy < REGIST_COPIES) {
		regist_entry_due(rg, re, n->n_mono);
		return;
	}
	regist_round_done(rg, re);
}
