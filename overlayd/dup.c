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
 * core: the memory of answers that were given: a request that comes again gets
 * the same one and is not done again (RFC 6940, 6.2.1).
 */

#include <stdlib.h>
#include <string.h>

#include "node.h"

#define DUP_MAX		8192
#define DUP_BYTES_MAX	((size_t)8 * 1024 * 1024)

static int	 node_dup_cmp(const struct node_dup *, const struct node_dup *);
static void	 dup_free(struct node *, struct node_dup *);
static void	 dup_again(struct node *, const struct node_return *, const struct node_dup *);

RB_PROTOTYPE(node_dups, node_dup, nu_entry, node_dup_cmp)
RB_GENERATE(node_dups, node_dup, nu_entry, node_dup_cmp)

static int
node_dup_cmp(const struct node_dup *a, const struct node_dup *b)
{
	if (a->nu_tid != b->nu_tid)
		return (a->nu_tid < b->nu_tid ? -1 : 1);
	return (nodeid_cmp(&a->nu_signer, &b->nu_signer));
}

void
dup_init(struct node *n)
{
	RB_INIT(&n->n_dups);
	TAILQ_INIT(&n->n_dupage);
}

void
dup_clear(struct node *n)
{
	struct node_dup	*nu;

	while ((nu = TAILQ_FIRST(&n->n_dupage)) != NULL)
		dup_free(n, nu);
}

/* By the way that the request has come this time. */
static void
dup_again(struct node *n, const struct node_return *nx, const struct node_dup *nu)
{
	struct wire_header wh;
	struct wbuf	 w;
	uint8_t		*buf;
	size_t		 size;

	size = WIRE_HEADER_MIN + nx->nx_destlen + nx->nx_optslen + nu->nu_len;
	if ((buf = malloc(size)) == NULL)
		return;
	wire_header_init(&wh, n->n_doc->rd_hash, n->n_doc->rd_sequence,
	    n->n_doc->rd_initial_ttl, nx->nx_tid);
	cur_init(&wh.wh_via, NULL, 0);
	cur_init(&wh.wh_dest, nx->nx_dest, nx->nx_destlen);
	cur_init(&wh.wh_options, nx->nx_opts, nx->nx_optslen);
	wbuf_init(&w, buf, size);
	wire_header_write(&w, &wh);
	wbuf_bytes(&w, nu->nu_data, nu->nu_len);
	if (wbuf_ok(&w) == 0) {
		wire_length_set(buf, w.w_len);
		route_out(n, buf, w.w_len, nx->nx_link);
	}
	free(buf);
}

static void
dup_free(struct node *n, struct node_dup *nu)
{
	RB_REMOVE(node_dups, &n->n_dups, nu);
	TAILQ_REMOVE(&n->n_dupage, nu, nu_age);
	n->n_ndups--;
	n->n_dupbytes -= nu->nu_len;
	free(nu->nu_data);
	free(nu);
}

/* Forget answers that nobody can ask for any more, and the oldest when there
 * are too many. */
void
node_dup_expire(struct node *n)
{
	struct node_dup	*nu;

	while ((nu = TAILQ_FIRST(&n->n_dupage)) != NULL &&
	    (nu->nu_until <= n->n_mono || n->n_ndups >= DUP_MAX ||
	    n->n_dupbytes >= DUP_BYTES_MAX))
		dup_free(n, nu);
}

int
node_dup_check(struct node *n, struct node_in *in)
{
	struct node_dup	*nu, key;

	node_dup_expire(n);
	key.nu_tid = in->ni_ret.nx_tid;
	key.nu_signer = in->ni_signer.ng_node;
	if ((nu = RB_FIND(node_dups, &n->n_dups, &key)) != NULL) {
		if (nu->nu_data != NULL)
			dup_again(n, &in->ni_ret, nu);
		return (1);
	}
	if ((nu = calloc(1, sizeof(*nu))) == NULL)
		return (0);
	nu->nu_tid = key.nu_tid;
	nu->nu_signer = key.nu_signer;
	nu->nu_until = n->n_mono + (uint64_t)NODE_SENDS_MAX * n->n_doc->rd_reliability_ms;
	RB_INSERT(node_dups, &n->n_dups, nu);
	TAILQ_INSERT_TAIL(&n->n_dupage, nu, nu_age);
	n->n_ndups++;
	in->ni_ret.nx_cache = 1;
	in->ni_ret.nx_signer = key.nu_signer;
	return (0);
}

void
dup_answer(struct node *n, const struct node_return *nx, const void *data, size_t len)
{
	struct node_dup	*nu, key;

	key.nu_tid = nx->nx_tid;
	key.nu_signer = nx->nx_signer;
	nu = RB_FIND(node_dups, &n->n_dups, &key);
	if (nu == NULL || nu->nu_data != NULL || (nu->nu_data = malloc(len)) == NULL)
		return;
	memcpy(nu->nu_data, data, len);
	nu->nu_len = len;
	n->n_dupbytes += len;
}
