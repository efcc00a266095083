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
 * core: reassembly of fragments (RFC 6940, 6.7) at the final destination.
 */

#include <stdlib.h>
#include <string.h>

#include "node.h"

#define FRAG_SETS_MAX	16
#define FRAG_PIECES_MAX	256
#define FRAG_LIFE_MS	15000

struct frag_piece {
	uint32_t	 fp_off;
	uint32_t	 fp_len;
	uint8_t		*fp_data;
};

struct node_frag {
	TAILQ_ENTRY(node_frag) fg_entry;
	uint64_t	 fg_tid;
	uint64_t	 fg_until;
	uint8_t		*fg_dest;
	size_t		 fg_destlen;
	uint8_t		*fg_header;	/* of the piece at offset 0 */
	size_t		 fg_headerlen;
	uint32_t	 fg_end;	/* of the whole; 0: not known */
	uint32_t	 fg_have;	/* bytes */
	unsigned	 fg_npieces;
	struct frag_piece fg_piece[FRAG_PIECES_MAX];
};

static void	 frag_free(struct node *, struct node_frag *);
static struct node_frag *frag_find(struct node *, const struct wire_header *);
static int	 frag_put(struct node_frag *, uint32_t, const uint8_t *, size_t);
static uint8_t	*frag_whole(struct node_frag *, size_t *);

static void
frag_free(struct node *n, struct node_frag *fg)
{
	unsigned	 i;

	TAILQ_REMOVE(&n->n_frags, fg, fg_entry);
	n->n_nfrags--;
	for (i = 0; i < fg->fg_npieces; i++)
		free(fg->fg_piece[i].fp_data);
	free(fg->fg_dest);
	free(fg->fg_header);
	free(fg);
}

void
frag_clear(struct node *n)
{
	struct node_frag *fg;

	while ((fg = TAILQ_FIRST(&n->n_frags)) != NULL)
		frag_free(n, fg);
}

static struct node_frag *
frag_find(struct node *n, const struct wire_header *wh)
{
	struct node_frag *fg;
	size_t		 len = cur_left(&wh->wh_dest);

	TAILQ_FOREACH(fg, &n->n_frags, fg_entry) {
		if (fg->fg_tid == wh->wh_tid && fg->fg_destlen == len &&
		    memcmp(fg->fg_dest, wh->wh_dest.c_p, len) == 0)
			return (fg);
	}
	if ((fg = calloc(1, sizeof(*fg))) == NULL)
		return (NULL);
	if ((fg->fg_dest = malloc(len + 1)) == NULL) {
		free(fg);
		return (NULL);
	}
	memcpy(fg->fg_dest, wh->wh_dest.c_p, len);
	fg->fg_destlen = len;
	fg->fg_tid = wh->wh_tid;
	fg->fg_until = n->n_mono + FRAG_LIFE_MS;
	TAILQ_INSERT_TAIL(&n->n_frags, fg, fg_entry);
	n->n_nfrags++;
	return (fg);
}

/* 0, or -1 for an overlap or too many. */
static int
frag_put(struct node_frag *fg, uint32_t off, const uint8_t *data, size_t len)
{
	struct frag_piece *fp;
	unsigned	 i;

	for (i = 0; i < fg->fg_npieces; i++) {
		fp = &fg->fg_piece[i];
		if (fp->fp_off == off && fp->fp_len == len &&
		    memcmp(fp->fp_data, data, len) == 0)
			return (0);	/* sent again */
		if (off < fp->fp_off + fp->fp_len && fp->fp_off < off + len)
			return (-1);
	}
	if (fg->fg_npieces == FRAG_PIECES_MAX)
		return (-1);
	fp = &fg->fg_piece[fg->fg_npieces];
	if ((fp->fp_data = malloc(len)) == NULL)
		return (-1);
	memcpy(fp->fp_data, data, len);
	fp->fp_off = off;
	fp->fp_len = (uint32_t)len;
	fg->fg_npieces++;
	fg->fg_have += (uint32_t)len;
	return (0);
}

static uint8_t *
frag_whole(struct node_frag *fg, size_t *len)
{
	struct wire_header wh;
	struct wire_error we;
	struct wbuf	 w;
	uint8_t		*buf;
	unsigned	 i;

	*len = fg->fg_headerlen + fg->fg_end;
	if ((buf = malloc(*len)) == NULL)
		return (NULL);
	if (wire_header_parse(fg->fg_header, fg->fg_headerlen, &wh, &we) == -1) {
		free(buf);
		return (NULL);
	}
	wh.wh_fragment = WIRE_FRAG_WHOLE;
	wbuf_init(&w, buf, *len);
	wire_header_write(&w, &wh);
	for (i = 0; i < fg->fg_npieces; i++)
		memcpy(buf + fg->fg_headerlen + fg->fg_piece[i].fp_off,
		    fg->fg_piece[i].fp_data, fg->fg_piece[i].fp_len);
	wire_length_set(buf, *len);
	return (buf);
}

uint8_t *
frag_add(struct node *n, const struct wire_header *wh, const void *msg, size_t len,
    size_t *wholelen)
{
	struct node_frag *fg;
	const uint8_t	*p = msg;
	uint8_t		*whole = NULL;
	uint32_t	 off = wh->wh_fragment & WIRE_FRAG_OFFSET;
	size_t		 body = len - wh->wh_size;

	while ((fg = TAILQ_FIRST(&n->n_frags)) != NULL &&
	    (fg->fg_until <= n->n_mono || n->n_nfrags >= FRAG_SETS_MAX))
		frag_free(n, fg);
	if (body == 0 || off + body > n->n_doc->rd_max_message)
		return (NULL);
	if ((fg = frag_find(n, wh)) == NULL)
		return (NULL);
	if (off == 0 && fg->fg_header == NULL) {
		if ((fg->fg_header = malloc(wh->wh_size)) == NULL)
			goto fail;
		memcpy(fg->fg_header, p, wh->wh_size);
		fg->fg_headerlen = wh->wh_size;
	}
	if (wh->wh_fragment & WIRE_FRAG_LAST) {
		if (fg->fg_end != 0 && fg->fg_end != off + body)
			goto fail;
		fg->fg_end = off + (uint32_t)body;
	}
	if (frag_put(fg, off, p + wh->wh_size, body) == -1)
		goto fail;
	if (fg->fg_end != 0 && fg->fg_have > fg->fg_end)
		goto fail;
	if (fg->fg_end == 0 || fg->fg_have != fg->fg_end || fg->fg_header == NULL)
		return (NULL);
	for (off = 0; off < fg->fg_npieces; off++) {
		if (fg->fg_piece[off].fp_off + fg->fg_piece[off].fp_len > fg->fg_end)
			goto fail;
	}
	whole = frag_whole(fg, wholelen);
fail:
	frag_free(n, fg);
	return (whole);
}
