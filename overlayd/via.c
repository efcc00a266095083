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
 * core: list compression (RFC 6940, 6.3.2.2, 6.1): a via list that has become
 * too long is kept here and travels on as an opaque id of two bytes; the answer
 * brings that back and gets the entries again.
 *
 * The id is what the RFC suggests: a slot of 12 bits and a generation of 3,
 * taken round robin.  As 15 bits can be guessed, an entry belongs to its
 * transaction too: whoever does not know the request's 64-bit number can't make
 * us look at it, and nothing of it is ever shown to anybody but in the
 * destination list of that answer, to the peer that sent us the request.
 */

#include <stdlib.h>
#include <string.h>

#include "node.h"

#define VIA_SLOTS	4096
#define VIA_PEER_MAX	512	/* of one previous hop */
#define VIA_BYTES_MAX	((size_t)2 * 1024 * 1024)
#define VIA_LIFE_MS	15000	/* at least: overlay-reliability-timer times 5 */

struct node_via {
	uint64_t	 nv_tid;
	uint64_t	 nv_until;
	struct nodeid	 nv_from;
	uint8_t		*nv_dest;	/* reversed, the previous hop first; NULL: free */
	size_t		 nv_len;
	uint8_t		 nv_generation;
};

static void	 via_drop(struct node *, struct node_via *);
static struct node_via *via_slot(struct node *, const struct nodeid *, uint64_t,
		    const void *, size_t);

void
via_clear(struct node *n)
{
	size_t		 i;

	for (i = 0; n->n_vias != NULL && i < VIA_SLOTS; i++)
		via_drop(n, &n->n_vias[i]);
	free(n->n_vias);
	n->n_vias = NULL;
}

static void
via_drop(struct node *n, struct node_via *nv)
{
	if (nv->nv_dest == NULL)
		return;
	free(nv->nv_dest);
	n->n_viabytes -= nv->nv_len;
	n->n_nvias--;
	nv->nv_dest = NULL;
	nv->nv_len = 0;
}

/*
 * The slot of that request, repeated; or the next free one.  NULL: the table is
 * full, or the peer has its share.
 */
static struct node_via *
via_slot(struct node *n, const struct nodeid *from, uint64_t tid, const void *dest,
    size_t len)
{
	struct node_via	*nv;
	unsigned	 i, peer = 0;

	for (i = 0; i < VIA_SLOTS; i++) {
		nv = &n->n_vias[i];
		if (nv->nv_dest == NULL)
			continue;
		if (nv->nv_until <= n->n_mono) {
			via_drop(n, nv);
			continue;
		}
		if (nv->nv_tid == tid && nv->nv_len == len &&
		    memcmp(nv->nv_dest, dest, len) == 0)
			return (nv);
		if (nodeid_eq(&nv->nv_from, from))
			peer++;
	}
	if (peer >= VIA_PEER_MAX || n->n_viabytes + len > VIA_BYTES_MAX)
		return (NULL);
	for (i = 0; i < VIA_SLOTS; i++) {
		nv = &n->n_vias[n->n_nextvia++ % VIA_SLOTS];
		if (nv->nv_dest == NULL)
			return (nv);
	}
	return (NULL);
}

int
via_save(struct node *n, const struct wire_header *wh, const struct nodeid *from,
    uint8_t out[2])
{
	struct node_via	*nv;
	struct wbuf	 w;
	uint8_t		*dest;
	uint64_t	 life;
	size_t		 i, size = 18 + cur_left(&wh->wh_via);
	unsigned	 id;

	if (n->n_vias == NULL) {
		if ((n->n_vias = calloc(VIA_SLOTS, sizeof(*n->n_vias))) == NULL)
			return (-1);
		for (i = 0; i < VIA_SLOTS; i++)
			n->n_vias[i].nv_generation = (uint8_t)node_rand(n, 8);
	}
	if ((dest = malloc(size)) == NULL)
		return (-1);
	wbuf_init(&w, dest, size);
	wire_dest_node(&w, from->id_b);
	wire_dest_reverse(&w, &wh->wh_via);
	if (wbuf_ok(&w) == -1 || wire_dest_count(&wh->wh_via) + 1 > WIRE_ENTRIES_MAX ||
	    (nv = via_slot(n, from, wh->wh_tid, dest, w.w_len)) == NULL) {
		free(dest);
		return (-1);
	}
	life = (uint64_t)NODE_SENDS_MAX * n->n_doc->rd_reliability_ms;
	nv->nv_until = n->n_mono + (life > VIA_LIFE_MS ? life : VIA_LIFE_MS);
	if (nv->nv_dest == NULL) {
		nv->nv_generation = (nv->nv_generation + 1) & 7;
		nv->nv_tid = wh->wh_tid;
		nv->nv_from = *from;
		nv->nv_dest = dest;
		nv->nv_len = w.w_len;
		n->n_viabytes += w.w_len;
		n->n_nvias++;
	} else
		free(dest);
	id = 0x8000u | (unsigned)nv->nv_generation << 12 | (unsigned)(nv - n->n_vias);
	out[0] = (uint8_t)(id >> 8);
	out[1] = (uint8_t)id;
	return (0);
}

int
via_load(struct node *n, const struct wire_dest *wd, uint64_t tid, struct cur *dests)
{
	const struct node_via *nv;
	unsigned	 id;

	if (n->n_vias == NULL || wd->wd_type != WIRE_DEST_OPAQUE || wd->wd_id.len != 2)
		return (-1);
	id = (unsigned)(uint8_t)wd->wd_id.p[0] << 8 | (uint8_t)wd->wd_id.p[1];
	nv = &n->n_vias[id % VIA_SLOTS];
	if ((id & 0x8000) == 0 || nv->nv_dest == NULL || nv->nv_until <= n->n_mono ||
	    nv->nv_generation != (id >> 12 & 7u) || nv->nv_tid != tid)
		return (-1);
	cur_init(dests, nv->nv_dest, nv->nv_len);
	return (0);
}
