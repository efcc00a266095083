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
 * core: ConfigUpdate: documents that peers push, and pushing ours to a node
 * that has an older one (RFC 6940, 6.3.2.1, 6.5.4).
 */

#include <stdlib.h>
#include <string.h>

#include "node.h"

#define PUSH_PEER_MS	60000	/* to one peer */
#define PUSH_MS		1000	/* to anybody else */
#define FORGET_MS	20	/* between portions of data that are dropped, */
#define FORGET_PLACES	200	/* places each */

static void	 config_forget(void *);

void
config_init(struct node *n)
{
	ntimer_set(&n->n_kindtimer, config_forget, n);
}

void
config_clear(struct node *n)
{
	size_t		 i;

	ntimer_del(&n->n_timers, &n->n_kindtimer);
	for (i = 0; i < sizeof(n->n_config) / sizeof(n->n_config[0]); i++) {
		node_return_free(&n->n_config[i].ret);
		n->n_config[i].token = 0;
	}
}

void
configupdate_in(struct node *n, struct node_in *in)
{
	struct wire_configupdate wc;
	struct wire_error we;
	struct span	 block;
	size_t		 i, max = sizeof(n->n_config) / sizeof(n->n_config[0]);

	if (wire_configupdate_parse(&in->ni_msg->wm_contents.wc_body, &wc, &we) == -1) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, wire_strerror(we.we_reason));
		return;
	}
	block = wc.wc_config;
	if (wc.wc_type == WIRE_CU_KIND) {
		block.p = (const char *)wc.wc_kinds.c_p;
		block.len = cur_left(&wc.wc_kinds);
	} else if (wc.wc_type != WIRE_CU_CONFIG) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, "unknown type of update");
		return;
	}
	for (i = 0; i < max && n->n_config[i].token != 0; i++)
		continue;
	if (i == max || n->n_ops->no_config == NULL) {
		node_error(n, in, WIRE_E_FORBIDDEN, "no update is taken now");
		return;
	}
	n->n_config[i].token = ++n->n_nextsig;
	n->n_config[i].ret = in->ni_ret;
	memset(&in->ni_ret, 0, sizeof(in->ni_ret));
	n->n_ops->no_config(n->n_arg, n->n_config[i].token, wc.wc_type, block.p, block.len);
}

void
node_config_done(struct node *n, uint64_t token, int error, const char *text)
{
	struct node_build b;
	size_t		 i, max = sizeof(n->n_config) / sizeof(n->n_config[0]);

	for (i = 0; i < max && n->n_config[i].token != token; i++)
		continue;
	if (token == 0 || i == max)
		return;
	n->n_config[i].token = 0;
	if (error != 0)
		node_error_to(n, &n->n_config[i].ret, error, text, strlen(text));
	else if (build_open(n, &b, WIRE_CONFIGUPDATE_ANS) == 0)
		node_answer_to(n, &n->n_config[i].ret, &b);
	node_return_free(&n->n_config[i].ret);
}

void
config_push(struct node *n, const struct nodeid *to)
{
	struct wire_configupdate wc;
	struct node_build b;
	struct node_dest nd;
	struct node_peer *np;

	if ((np = node_peer_find(n, to)) != NULL) {
		if (np->np_config_at != 0 && n->n_mono - np->np_config_at < PUSH_PEER_MS)
			return;
		np->np_config_at = n->n_mono + 1;
	} else {
		if (n->n_configpush != 0 && n->n_mono - n->n_configpush < PUSH_MS)
			return;
		n->n_configpush = n->n_mono + 1;
	}
	if (build_open(n, &b, WIRE_CONFIGUPDATE) == -1)
		return;
	memset(&wc, 0, sizeof(wc));
	wc.wc_type = WIRE_CU_CONFIG;
	wc.wc_config.p = (const char *)n->n_doc->rd_text.b_p;
	wc.wc_config.len = n->n_doc->rd_text.b_len;
	wire_configupdate_write(&b.nb_w, &wc);
	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_NODE;
	nd.nd_id = *to;
	(void)node_request(n, &b, &nd, 1, 0, NULL, NULL);
}

/* The first Kind of the list that we can define. */
void
config_push_kind(struct node *n, const struct nodeid *to, struct span info)
{
	struct wire_configupdate wc;
	struct node_build b;
	struct node_dest nd;
	const struct reload_kind *rk = NULL;
	struct wbuf	 w, lw;
	struct cur	 c;
	uint8_t		*buf;
	uint32_t	 kind;
	size_t		 i, size, max = sizeof(n->n_kindpushed) / sizeof(n->n_kindpushed[0]);

	if (wire_kindlist_parse(info, &c) == -1)
		return;
	while (rk == NULL && wire_kindid_next(&c, &kind) == 1) {
		rk = reload_doc_kind(n->n_doc, kind);
		if (rk != NULL && (rk->rk_blob.b_len == 0 || rk->rk_sig == NULL))
			rk = NULL;
		for (i = 0; i < max; i++) {
			if (n->n_kindpushed[i].kind == kind &&
			    nodeid_eq(&n->n_kindpushed[i].id, to))
				rk = NULL;
		}
	}
	if (rk == NULL)
		return;
	size = rk->rk_blob.b_len + 2 * rk->rk_siglen + 256;
	if ((buf = malloc(2 * size)) == NULL)
		return;
	wbuf_init(&w, buf, size);
	reload_kind_block(&w, rk);
	wbuf_init(&lw, buf + size, size);
	wbuf_lv(&lw, 2, buf, w.w_len);
	if (wbuf_ok(&w) == 0 && wbuf_ok(&lw) == 0 &&
	    build_open(n, &b, WIRE_CONFIGUPDATE) == 0) {
		i = n->n_nextkindpushed++ % max;
		n->n_kindpushed[i].id = *to;
		n->n_kindpushed[i].kind = rk->rk_id;
		memset(&wc, 0, sizeof(wc));
		wc.wc_type = WIRE_CU_KIND;
		cur_init(&wc.wc_kinds, lw.w_buf, lw.w_len);
		wire_configupdate_write(&b.nb_w, &wc);
		memset(&nd, 0, sizeof(nd));
		nd.nd_type = WIRE_DEST_NODE;
		nd.nd_id = *to;
		(void)node_request(n, &b, &nd, 1, 0, NULL, NULL);
	}
	free(buf);
}

void
config_sweep(struct node *n)
{
	ntimer_add(&n->n_timers, &n->n_kindtimer, n->n_mono);
}

static void
config_forget(void *arg)
{
	struct node	*n = arg;
	struct storage_place *sp;
	struct nodeid	 first;
	uint32_t	 kind = 0;
	unsigned	 max = FORGET_PLACES;

	memset(&first, 0, sizeof(first));
	while ((sp = storage_nfind(&n->n_storage, &first, kind)) != NULL) {
		kind = sp->sp_kind;
		if (!n->n_conf.nc_client && reload_doc_kind(n->n_doc, kind) != NULL) {
			/* One that stays; on to the next Kind. */
			if (++kind == 0)
				return;
			continue;
		}
		storage_drop(&n->n_storage, sp);
		if (--max == 0) {
			ntimer_add(&n->n_timers, &n->n_kindtimer, n->n_mono + FORGET_MS);
			return;
		}
	}
}

void
config_kind(struct node *n, uint32_t kind, int model)
{
	const struct reload_kind *rk = reload_doc_kind(n->n_doc, kind);
	struct storage_place *sp;
	struct nodeid	 first;

	memset(&first, 0, sizeof(first));
	if (rk == NULL)
		config_sweep(n);
	else if (model != 0 && rk->rk_model != model) {
		/* Its values mean nothing now, and new ones may come at once. */
		while ((sp = storage_nfind(&n->n_storage, &first, kind)) != NULL &&
		    sp->sp_kind == kind)
			storage_drop(&n->n_storage, sp);
	}
}

void
config_kinds(struct node *n, const struct reload_doc *old)
{
	size_t		 i;

	for (i = 0; i < old->rd_kinds; i++)
		config_kind(n, old->rd_kind[i].rk_id, old->rd_kind[i].rk_model);
	memset(n->n_kindpushed, 0, sizeof(n->n_kindpushed));
}
