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
 * core: newer values that a peer has.  When it refuses our copy of a value as
 * too old, its own is fetched and takes the place of ours (RFC 6940, 7.4.1).
 */

#include <stdlib.h>
#include <string.h>

#include "node.h"

#define NEWER_MAX	64	/* Fetches under way */
#define NEWER_STEP_MS	60	/* a peer answers twenty Fetches a second */
#define NEWER_AHEAD_MS	2000	/* it lets a burst pass */
#define NEWER_VALUES	8	/* values looked at in one answer */

struct newer {
	struct nodeid	 nw_resource;
	uint32_t	 nw_kind;
};

static void	 newer_answered(struct node *, const struct node_resp *, void *);
static void	 newer_values(struct node *, const struct newer *,
		    const struct reload_kind *, const struct wire_kinddata *,
		    const struct cur *);

int
newer_busy(const struct node *n)
{
	return (n->n_nnewer >= NEWER_MAX / 2 || n->n_newerat > n->n_mono + NEWER_AHEAD_MS);
}

void
newer_fetch(struct node *n, const struct nodeid *peer, const struct nodeid *resource,
    uint32_t kind, const void *slot, size_t len)
{
	struct node_build b;
	struct node_dest nd;
	struct wire_fetch wf;
	struct wire_spec spec;
	struct newer	*nw;
	struct wbuf	 w, lw;
	uint8_t		 buf[STORAGE_SLOT_MAX + 64], list[STORAGE_SLOT_MAX + 16];

	/* Answers to copies that were under way when we became busy still
	 * have room. */
	if (n->n_nnewer >= NEWER_MAX || n->n_newerat > n->n_mono + 2 * NEWER_AHEAD_MS ||
	    len > STORAGE_SLOT_MAX ||
	    (nw = calloc(1, sizeof(*nw))) == NULL)
		return;
	nw->nw_resource = *resource;
	nw->nw_kind = kind;
	memset(&spec, 0, sizeof(spec));
	spec.wp_kind = kind;
	spec.wp_model = data_model(kind, n);
	wbuf_init(&lw, list, sizeof(list));
	if (spec.wp_model == RELOAD_DICTIONARY)
		wbuf_lv(&lw, 2, slot, len);
	else if (spec.wp_model == RELOAD_ARRAY) {
		wbuf_bytes(&lw, slot, len);	/* first and last */
		wbuf_bytes(&lw, slot, len);
	}
	cur_init(&spec.wp_list, list, lw.w_len);
	wbuf_init(&w, buf, sizeof(buf));
	wire_spec_write(&w, &spec);
	if (spec.wp_model == 0 || wbuf_ok(&lw) == -1 || wbuf_ok(&w) == -1 ||
	    build_open(n, &b, WIRE_FETCH) == -1) {
		free(nw);
		return;
	}
	memset(&wf, 0, sizeof(wf));
	wf.wf_resource.p = (const char *)resource->id_b;
	wf.wf_resource.len = NODEID_LEN;
	cur_init(&wf.wf_specs, buf, w.w_len);
	wire_fetch_write(&b.nb_w, &wf);
	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_NODE;
	nd.nd_id = *peer;
	n->n_nnewer++;
	if (node_request(n, &b, &nd, 1, 0, newer_answered, nw) == 0) {
		n->n_nnewer--;
		free(nw);
		return;
	}
	if (n->n_newerat < n->n_mono)
		n->n_newerat = n->n_mono;
	n->n_newerat += NEWER_STEP_MS;
}

static void
newer_answered(struct node *n, const struct node_resp *resp, void *arg)
{
	const struct reload_kind *rk;
	struct newer	*nw = arg;
	struct wire_kinddata wk;
	struct wire_error we;
	struct cur	 kinds;
	unsigned	 unknown;

	n->n_nnewer--;
	if (!n->n_closing && resp->nr_error == 0 &&
	    (rk = reload_doc_kind(n->n_doc, nw->nw_kind)) != NULL &&
	    wire_fetchans_parse(&resp->nr_contents->wc_body, data_model, n, &kinds,
	    &unknown, &we) == 0) {
		while (wire_kinddata_next(&kinds, data_model, n, &wk) == 1) {
			if (wk.wk_kind == nw->nw_kind)
				newer_values(n, nw, rk, &wk, &resp->nr_sec->rb_certs);
		}
	}
	free(nw);
}

/* Checked like a copy that the peer had sent of its own accord; one that is
 * not newer than ours changes nothing. */
static void
newer_values(struct node *n, const struct newer *nw, const struct reload_kind *rk,
    const struct wire_kinddata *wk, const struct cur *bucket)
{
	struct storage_set set;
	struct storage_item item;
	struct node_signer ng;
	struct wire_stored ws;
	struct cur	 values = wk->wk_values;
	const char	*why = "";
	unsigned	 max = NEWER_VALUES;
	int		 changed = 0;

	while (max-- > 0 && wire_stored_next(&values, wk->wk_model, &ws) == 1) {
		memset(&item, 0, sizeof(item));
		memset(&set, 0, sizeof(set));
		set.ss_kind = rk;
		set.ss_generation = wk->wk_generation;
		set.ss_items = &item;
		set.ss_nitems = 1;
		if (wk->wk_generation != 0 && data_item(n, rk, &ws, &nw->nw_resource, bucket,
		    &ng, &item, NULL, &why) == 0 &&
		    storage_store(&n->n_storage, &nw->nw_resource, 1, &set, 1, n->n_wall,
		    &why) == 0)
			changed |= set.ss_changed;
		data_items_free(&item, 1);
	}
	/* Who holds the other copies had them from us. */
	if (changed && n->n_join == JOIN_DONE &&
	    ring_responsible(&n->n_ring, &nw->nw_resource))
		repl_stored(n, &nw->nw_resource, nw->nw_kind, n->n_wall);
}
