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
 * core: fragments (RFC 6940, 6.7): cutting what a link does not take whole, and
 * reassembly at the final destination, under limits that no single peer can
 * use up for the others.
 */

#include <stdlib.h>
#include <string.h>

#include "node.h"

/*
 * "Each fragment contains at least 256 bytes": held to when cutting, and asked
 * of all pieces but the last one, which costs no memory to be let off: there is
 * one of it in a message.
 */
#define FRAG_MIN	256
#define FRAG_SETS_MAX	64
#define FRAG_BYTES_MAX	((size_t)8 * 1024 * 1024)
#define FRAG_PEER_MAX	(FRAG_BYTES_MAX / 4)	/* of one previous hop */
#define FRAG_LIFE_MS	15000

struct frag_piece {
	uint32_t	 fp_off;
	uint32_t	 fp_len;
	uint8_t		*fp_data;
};

struct node_frag {
	TAILQ_ENTRY(node_frag) fg_entry;
	struct nodeid	 fg_from;	/* who brought its first piece */
	uint64_t	 fg_tid;
	uint64_t	 fg_until;
	uint8_t		*fg_dest;
	size_t		 fg_destlen;
	uint8_t		*fg_header;	/* of the piece at offset 0 */
	size_t		 fg_headerlen;
	uint32_t	 fg_end;	/* of the whole; 0: not known */
	uint32_t	 fg_have;	/* bytes */
	size_t		 fg_bytes;	/* all that it holds */
	unsigned	 fg_npieces, fg_room;
	struct frag_piece *fg_piece;
};

static void	 frag_free(struct node *, struct node_frag *);
static void	 frag_refuse(struct node *, struct node_frag *, const char *);
static void	 frag_charge(struct node *, struct node_frag *, size_t);
static void	 frag_usage(const struct node *, const struct nodeid *, unsigned *, size_t *);
static void	 frag_evict(struct node *);
static int	 frag_admit(struct node *, const struct nodeid *, size_t);
static struct node_frag *frag_find(struct node *, const struct nodeid *,
		    const struct wire_header *);
static const char *frag_put(struct node *, struct node_frag *, uint32_t,
		    const uint8_t *, size_t);
static uint8_t	*frag_whole(struct node_frag *, size_t *);

/* -- cutting -- */

int
frag_send(struct node *n, uint64_t link, struct wire_header *wh, const void *payload,
    size_t len)
{
	struct wbuf	 w;
	const uint8_t	*p = payload;
	uint8_t		*buf;
	uint32_t	 fragment = wh->wh_fragment;
	size_t		 max = n->n_doc->rd_max_message, head, room, count, i, off, end;

	head = WIRE_HEADER_MIN + cur_left(&wh->wh_via) + cur_left(&wh->wh_dest) +
	    cur_left(&wh->wh_options);
	count = 1;
	if (head + len > max) {
		if (head + FRAG_MIN > max)
			return (-1);
		room = max - head;
		count = (len + room - 1) / room;
		if (len / count < FRAG_MIN ||
		    (fragment & WIRE_FRAG_OFFSET) + len > WIRE_FRAG_OFFSET)
			return (-1);
	}
	if ((buf = malloc(head + (len + count - 1) / count)) == NULL)
		return (-1);
	for (i = off = 0; i < count; i++, off = end) {
		/* Equal pieces, one byte more or less. */
		end = len * (i + 1) / count;
		if (count > 1)
			wh->wh_fragment = ((fragment & ~WIRE_FRAG_LAST) + (uint32_t)off) |
			    (i + 1 == count ? fragment & WIRE_FRAG_LAST : 0);
		wbuf_init(&w, buf, head + (len + count - 1) / count);
		wire_header_write(&w, wh);
		wbuf_bytes(&w, p + off, end - off);
		if (wbuf_ok(&w) == -1)
			break;
		wire_length_set(buf, w.w_len);
		n->n_ops->no_send(n->n_arg, link, buf, w.w_len);
	}
	if (count > 1)
		n->n_stats.ns_fragmented++;
	wh->wh_fragment = fragment;
	free(buf);
	return (i == count ? 0 : -1);
}

/* -- reassembly -- */

static void
frag_free(struct node *n, struct node_frag *fg)
{
	unsigned	 i;

	TAILQ_REMOVE(&n->n_frags, fg, fg_entry);
	n->n_nfrags--;
	n->n_fragbytes -= fg->fg_bytes;
	for (i = 0; i < fg->fg_npieces; i++)
		free(fg->fg_piece[i].fp_data);
	free(fg->fg_piece);
	free(fg->fg_dest);
	free(fg->fg_header);
	free(fg);
}

static void
frag_refuse(struct node *n, struct node_frag *fg, const char *why)
{
	n->n_stats.ns_dropped++;
	node_log(n, NODE_DEBUG, "fragments dropped: %s", why);
	if (fg != NULL)
		frag_free(n, fg);
}

void
frag_clear(struct node *n)
{
	struct node_frag *fg;

	while ((fg = TAILQ_FIRST(&n->n_frags)) != NULL)
		frag_free(n, fg);
}

static void
frag_charge(struct node *n, struct node_frag *fg, size_t bytes)
{
	fg->fg_bytes += bytes;
	n->n_fragbytes += bytes;
}

/* What the sets of one previous hop hold. */
static void
frag_usage(const struct node *n, const struct nodeid *from, unsigned *sets, size_t *bytes)
{
	const struct node_frag *fg;

	*sets = 0;
	*bytes = 0;
	TAILQ_FOREACH(fg, &n->n_frags, fg_entry) {
		if (nodeid_eq(&fg->fg_from, from)) {
			(*sets)++;
			*bytes += fg->fg_bytes;
		}
	}
}

/* The oldest set of the peer that has most goes, sets and bytes counted as the
 * shares of their limits. */
static void
frag_evict(struct node *n)
{
	struct node_frag *fg, *worst = NULL;
	unsigned	 sets;
	size_t		 bytes, share, most = 0;

	TAILQ_FOREACH(fg, &n->n_frags, fg_entry) {
		frag_usage(n, &fg->fg_from, &sets, &bytes);
		share = sets * (FRAG_BYTES_MAX / FRAG_SETS_MAX) + bytes;
		if (share > most) {
			most = share;
			worst = fg;
		}
	}
	if (worst != NULL)
		frag_refuse(n, worst, "too many from one peer");
}

/* Room for so many bytes from that peer?  1 or 0. */
static int
frag_admit(struct node *n, const struct nodeid *from, size_t bytes)
{
	struct node_frag *fg;
	unsigned	 sets;
	size_t		 held;

	while ((fg = TAILQ_FIRST(&n->n_frags)) != NULL && fg->fg_until <= n->n_mono)
		frag_refuse(n, fg, "incomplete after 15 s");
	frag_usage(n, from, &sets, &held);
	if (held + bytes > FRAG_PEER_MAX)
		return (0);
	while (n->n_nfrags >= FRAG_SETS_MAX || n->n_fragbytes + bytes > FRAG_BYTES_MAX)
		frag_evict(n);
	return (1);
}

static struct node_frag *
frag_find(struct node *n, const struct nodeid *from, const struct wire_header *wh)
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
	fg->fg_from = *from;
	fg->fg_tid = wh->wh_tid;
	fg->fg_until = n->n_mono + FRAG_LIFE_MS;
	TAILQ_INSERT_TAIL(&n->n_frags, fg, fg_entry);
	n->n_nfrags++;
	frag_charge(n, fg, sizeof(*fg) + len);
	return (fg);
}

/* NULL, or why the set is of no use. */
static const char *
frag_put(struct node *n, struct node_frag *fg, uint32_t off, const uint8_t *data,
    size_t len)
{
	struct frag_piece *fp;
	unsigned	 i;

	for (i = 0; i < fg->fg_npieces; i++) {
		fp = &fg->fg_piece[i];
		if (fp->fp_off == off && fp->fp_len == len &&
		    memcmp(fp->fp_data, data, len) == 0)
			return (NULL);	/* sent again */
		if (off < fp->fp_off + fp->fp_len && fp->fp_off < off + len)
			return ("pieces overlap");
	}
	if (fg->fg_npieces == fg->fg_room) {
		if ((fp = reallocarray(fg->fg_piece, fg->fg_room + 16,
		    sizeof(*fp))) == NULL)
			return ("no memory");
		fg->fg_piece = fp;
		fg->fg_room += 16;
		frag_charge(n, fg, 16 * sizeof(*fp));
	}
	fp = &fg->fg_piece[fg->fg_npieces];
	if ((fp->fp_data = malloc(len)) == NULL)
		return ("no memory");
	memcpy(fp->fp_data, data, len);
	fp->fp_off = off;
	fp->fp_len = (uint32_t)len;
	fg->fg_npieces++;
	fg->fg_have += (uint32_t)len;
	frag_charge(n, fg, len);
	return (NULL);
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
frag_add(struct node *n, const struct nodeid *from, const struct wire_header *wh,
    const void *msg, size_t len, size_t *wholelen)
{
	struct node_frag *fg;
	const uint8_t	*p = msg;
	const char	*why;
	uint8_t		*whole = NULL;
	uint32_t	 off = wh->wh_fragment & WIRE_FRAG_OFFSET;
	size_t		 body = len - wh->wh_size;
	unsigned	 i;

	if (!frag_admit(n, from, len + 17 * sizeof(struct frag_piece) + sizeof(*fg))) {
		frag_refuse(n, NULL, "one peer has too much under way");
		return (NULL);
	}
	if ((fg = frag_find(n, from, wh)) == NULL)
		return (NULL);
	why = "above max-message-size";
	if (body == 0 || off + body > n->n_doc->rd_max_message)
		goto refuse;
	why = "a piece below 256 bytes";
	if (!(wh->wh_fragment & WIRE_FRAG_LAST) && body < FRAG_MIN)
		goto refuse;
	if (off == 0 && fg->fg_header == NULL) {
		why = "no memory";
		if ((fg->fg_header = malloc(wh->wh_size)) == NULL)
			goto refuse;
		memcpy(fg->fg_header, p, wh->wh_size);
		fg->fg_headerlen = wh->wh_size;
		frag_charge(n, fg, wh->wh_size);
	}
	if (wh->wh_fragment & WIRE_FRAG_LAST) {
		why = "two ends";
		if (fg->fg_end != 0 && fg->fg_end != off + body)
			goto refuse;
		fg->fg_end = off + (uint32_t)body;
	}
	if ((why = frag_put(n, fg, off, p + wh->wh_size, body)) != NULL)
		goto refuse;
	why = "a piece beyond the end";
	for (i = 0; fg->fg_end != 0 && i < fg->fg_npieces; i++) {
		if (fg->fg_piece[i].fp_off + fg->fg_piece[i].fp_len > fg->fg_end)
			goto refuse;
	}
	if (fg->fg_end == 0 || fg->fg_have != fg->fg_end || fg->fg_header == NULL)
		return (NULL);
	whole = frag_whole(fg, wholelen);
	frag_free(n, fg);
	return (whole);
refuse:
	frag_refuse(n, fg, why);
	return (NULL);
}
