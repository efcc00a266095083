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
 * core: looking a number up: three Fetches, the validly signed entries united
 * (vipr-kind(7), Reading).
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "e164.h"
#include "regist.h"

#define AHEAD_MS	600000		/* a storage_time may be so far ahead */
#define ENOUGH_MS	5000		/* wait no longer when one place answered */
#define GRACE_MS	3600000		/* and so much older than the lifetime */

struct lookup_key {
	uint8_t		 lk_key[REGIST_KEY_LEN];
	struct nodeid	 lk_node;
	uint64_t	 lk_time;
	int		 lk_exists;
};

struct lookup;
struct lookup_fetch {
	struct lookup	*lf_lookup;
	uint64_t	 lf_tid;
	struct nodeid	 lf_resource;
};

struct lookup {
	struct node	*lu_node;
	struct ntimer	 lu_timer;
	struct lookup_fetch lu_fetch[REGIST_COPIES];
	int		 lu_late;
	unsigned	 lu_pending;
	unsigned	 lu_answers;
	unsigned	 lu_own;
	unsigned	 lu_limited;
	uint64_t	 lu_owntime;
	size_t		 lu_nkeys;
	struct lookup_key lu_key[LOOKUP_ENTRIES_MAX];
	lookup_done	 lu_done;
	void		*lu_arg;
};

static int	 lookup_fetch(struct node *, struct lookup_fetch *);
static void	 lookup_late(void *);
static void	 lookup_answered(struct node *, const struct node_resp *, void *);
static void	 lookup_values(struct node *, struct lookup *, const struct nodeid *,
		    const struct node_resp *);
static int	 lookup_value_ok(struct node *, const struct reload_kind *,
		    const struct wire_stored *, const struct nodeid *);
static void	 lookup_add(struct lookup *, const struct wire_stored *, const struct nodeid *);
static void	 lookup_finish(struct node *, struct lookup *);

int
lookup_start(struct node *n, uint64_t number, lookup_done done, void *arg)
{
	struct lookup	*lu;
	struct lookup_fetch *lf;
	unsigned	 i;

	if (n->n_join != JOIN_DONE) {
		errno = ENETDOWN;
		return (-1);
	}
	if ((lu = calloc(1, sizeof(*lu))) == NULL)
		return (-1);
	lu->lu_done = done;
	lu->lu_arg = arg;
	lu->lu_node = n;
	ntimer_set(&lu->lu_timer, lookup_late, lu);
	for (i = 0; i < REGIST_COPIES; i++) {
		lf = &lu->lu_fetch[i];
		lf->lf_lookup = lu;
		if (regist_resource(number, i, &lf->lf_resource) == 0 &&
		    lookup_fetch(n, lf) == 0)
			lu->lu_pending++;
	}
	if (lu->lu_pending > 0) {
		ntimer_add(&n->n_timers, &lu->lu_timer, n->n_mono + ENOUGH_MS);
		return (0);
	}
	free(lu);
	errno = EAGAIN;
	return (-1);
}

static int
lookup_fetch(struct node *n, struct lookup_fetch *lf)
{
	struct node_build b;
	struct node_dest nd;
	struct wire_fetch wf;
	struct wire_spec spec;
	struct wbuf	 w;
	uint8_t		 buf[32];

	if (build_open(n, &b, WIRE_FETCH) == -1)
		return (-1);
	memset(&spec, 0, sizeof(spec));
	spec.wp_kind = RELOAD_KIND_VIPR;
	spec.wp_model = RELOAD_DICTIONARY;
	wbuf_init(&w, buf, sizeof(buf));
	wire_spec_write(&w, &spec);
	memset(&wf, 0, sizeof(wf));
	wf.wf_resource.p = (const char *)lf->lf_resource.id_b;
	wf.wf_resource.len = NODEID_LEN;
	cur_init(&wf.wf_specs, buf, w.w_len);
	wire_fetch_write(&b.nb_w, &wf);
	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_RESOURCE;
	nd.nd_id = lf->lf_resource;
	lf->lf_tid = node_request(n, &b, &nd, 1, 0, lookup_answered, lf);
	return (lf->lf_tid == 0 ? -1 : 0);
}

/* A place whose peer died without anybody having noticed yet. */
static void
lookup_late(void *arg)
{
	struct lookup	*lu = arg;

	lu->lu_late = 1;
	if (lu->lu_answers > 0)
		lookup_finish(lu->lu_node, lu);
}

static void
lookup_answered(struct node *n, const struct node_resp *resp, void *arg)
{
	struct lookup_fetch *lf = arg;
	struct lookup	*lu = lf->lf_lookup;

	lf->lf_tid = 0;
	if (resp->nr_error == 0)
		lookup_values(n, lu, &lf->lf_resource, resp);
	else if (resp->nr_error == WIRE_E_REQUEST_TIMEOUT && resp->nr_contents != NULL)
		lu->lu_limited++;
	if (--lu->lu_pending == 0 || (lu->lu_late && lu->lu_answers > 0))
		lookup_finish(n, lu);
}

static void
lookup_values(struct node *n, struct lookup *lu, const struct nodeid *resource,
    const struct node_resp *resp)
{
	const struct reload_kind *rk;
	struct wire_kinddata wk;
	struct wire_stored ws;
	struct wire_error we;
	struct node_signer ng;
	struct cur	 kinds, values, bucket = resp->nr_sec->rb_certs;
	const char	*why;
	unsigned	 unknown, own = 0, max = LOOKUP_ENTRIES_MAX;

	rk = reload_doc_kind(n->n_doc, RELOAD_KIND_VIPR);
	if (rk == NULL || wire_fetchans_parse(&resp->nr_contents->wc_body, data_model, n,
	    &kinds, &unknown, &we) == -1)
		return;
	lu->lu_answers++;
	while (wire_kinddata_next(&kinds, data_model, n, &wk) == 1) {
		if (wk.wk_kind != RELOAD_KIND_VIPR)
			continue;
		values = wk.wk_values;
		while (max-- > 0 && wire_stored_next(&values, RELOAD_DICTIONARY, &ws) == 1) {
			if (data_check(n, resource, rk, &ws, &bucket, &ng, &why) != 0 ||
			    lookup_value_ok(n, rk, &ws, &ng.ng_node) == -1)
				continue;
			if (nodeid_eq(&ng.ng_node, &n->n_self)) {
				own = 1;
				if (ws.ws_time > lu->lu_owntime)
					lu->lu_owntime = ws.ws_time;
			}
			lookup_add(lu, &ws, &ng.ng_node);
		}
	}
	lu->lu_own += own;
}

/* The reader's own checks: a lax storing peer gains nothing. */
static int
lookup_value_ok(struct node *n, const struct reload_kind *rk,
    const struct wire_stored *ws, const struct nodeid *node)
{
	struct cur	 c, attr;
	uint16_t	 type;
	uint64_t	 life = (uint64_t)rk->rk_lifetime * 1000 + GRACE_MS;
	struct nodeid	 id;

	if (ws->ws_time > n->n_wall + AHEAD_MS ||
	    (ws->ws_time < n->n_wall && n->n_wall - ws->ws_time > life))
		return (-1);
	if (!ws->ws_value.wv_exists)
		return (0);
	/* Attributes: type, length, value; the first peerID counts. */
	cur_init(&c, ws->ws_value.wv_data.p, ws->ws_value.wv_data.len);
	while (cur_u16(&c, &type) == 0) {
		if (cur_lv(&c, 2, &attr) == -1)
			return (-1);
		if (type != 0x2008)
			continue;
		if (cur_bytes(&attr, id.id_b, NODEID_LEN) == -1 || cur_done(&attr) == -1)
			return (-1);
		return (nodeid_eq(&id, node) ? 0 : -1);
	}
	return (-1);
}

/* The newest storage_time of a key counts, a removal included. */
static void
lookup_add(struct lookup *lu, const struct wire_stored *ws, const struct nodeid *node)
{
	struct lookup_key *lk;
	size_t		 i;

	for (i = 0; i < lu->lu_nkeys; i++) {
		if (memcmp(lu->lu_key[i].lk_key, ws->ws_value.wv_key.p, REGIST_KEY_LEN) == 0)
			break;
	}
	if (i == LOOKUP_ENTRIES_MAX)
		return;
	lk = &lu->lu_key[i];
	if (i == lu->lu_nkeys)
		lu->lu_nkeys++;
	else if (lk->lk_time >= ws->ws_time)
		return;
	memcpy(lk->lk_key, ws->ws_value.wv_key.p, REGIST_KEY_LEN);
	lk->lk_node = *node;
	lk->lk_time = ws->ws_time;
	lk->lk_exists = ws->ws_value.wv_exists;
}

static void
lookup_finish(struct node *n, struct lookup *lu)
{
	struct lookup_result *lr;
	struct lookup_key *lk;
	size_t		 i, j;

	ntimer_del(&n->n_timers, &lu->lu_timer);
	for (i = 0; i < REGIST_COPIES; i++)
		node_cancel(n, lu->lu_fetch[i].lf_tid);
	if ((lr = calloc(1, sizeof(*lr))) == NULL) {
		free(lu);
		return;
	}
	lr->lr_answers = lu->lu_answers;
	lr->lr_own = lu->lu_own;
	lr->lr_owntime = lu->lu_owntime;
	if (lu->lu_answers == 0)
		lr->lr_error = lu->lu_limited > 0 ? EAGAIN : ETIMEDOUT;
	for (i = 0; i < lu->lu_nkeys && lr->lr_nodes < OV_LOOKUP_MAX; i++) {
		lk = &lu->lu_key[i];
		if (!lk->lk_exists)
			continue;
		if (nodeid_eq(&lk->lk_node, &n->n_self)) {
			lr->lr_ownexists = 1;
			continue;
		}
		for (j = 0; j < lr->lr_nodes; j++) {
			if (nodeid_eq(&lr->lr_node[j], &lk->lk_node))
				break;
		}
		if (j == lr->lr_nodes)
			lr->lr_node[lr->lr_nodes++] = lk->lk_node;
	}
	lu->lu_done(n, lr, lu->lu_arg);
	free(lr);
	free(lu);
}
