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

/* core: byte cursors and writers; see cursor.h. */

#include <sys/types.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cursor.h"

static uint64_t	cur_be(struct cur *, size_t);
static void	wbuf_be(struct wbuf *, uint64_t, int);

const uint8_t	cur_none[1];

static uint64_t
cur_be(struct cur *c, size_t n)
{
	const uint8_t	*p;
	uint64_t	 v = 0;
	size_t		 i;

	if ((p = cur_ptr(c, n)) == NULL)
		return (0);
	for (i = 0; i < n; i++)
		v = v << 8 | p[i];
	return (v);
}

int
cur_u8(struct cur *c, uint8_t *v)
{
	*v = (uint8_t)cur_be(c, 1);
	return (cur_ok(c));
}

int
cur_u16(struct cur *c, uint16_t *v)
{
	*v = (uint16_t)cur_be(c, 2);
	return (cur_ok(c));
}

int
cur_u24(struct cur *c, uint32_t *v)
{
	*v = (uint32_t)cur_be(c, 3);
	return (cur_ok(c));
}

int
cur_u32(struct cur *c, uint32_t *v)
{
	*v = (uint32_t)cur_be(c, 4);
	return (cur_ok(c));
}

int
cur_u64(struct cur *c, uint64_t *v)
{
	*v = cur_be(c, 8);
	return (cur_ok(c));
}

int
cur_bytes(struct cur *c, void *dst, size_t n)
{
	const uint8_t	*p;

	if ((p = cur_ptr(c, n)) == NULL) {
		memset(dst, 0, n);
		return (-1);
	}
	memcpy(dst, p, n);
	return (0);
}

int
cur_sub(struct cur *c, size_t n, struct cur *inner)
{
	const uint8_t	*p;

	if ((p = cur_ptr(c, n)) == NULL) {
		cur_init(inner, NULL, 0);
		return (cur_fail(inner));
	}
	cur_init(inner, p, n);
	return (0);
}

int
cur_lv(struct cur *c, int width, struct cur *inner)
{
	uint64_t	len;

	len = cur_be(c, (size_t)width);
	return (cur_sub(c, (size_t)len, inner));
}

int
cur_lv_span(struct cur *c, int width, size_t max, struct span *s)
{
	struct cur	in;

	s->p = "";
	s->len = 0;
	if (cur_lv(c, width, &in) == -1)
		return (-1);
	if (cur_left(&in) > max)
		return (cur_fail(c));
	s->p = (const char *)in.c_p;
	s->len = cur_left(&in);
	return (0);
}

int
cur_lv_str(struct cur *c, int width, char *dst, size_t size)
{
	struct span	s;

	dst[0] = '\0';
	if (cur_lv_span(c, width, size - 1, &s) == -1)
		return (-1);
	if (span_str(s, dst, size) == -1)
		return (cur_fail(c));
	return (0);
}

int
cur_token(struct cur *c, const uint8_t accept[256], struct span *s)
{
	const uint8_t	*p = c->c_p;
	size_t		 n = 0, left = cur_left(c);

	while (left - n >= 4 && accept[p[n]] && accept[p[n + 1]] && accept[p[n + 2]] &&
	    accept[p[n + 3]])
		n += 4;
	while (n < left && accept[p[n]])
		n++;
	s->p = "";
	s->len = 0;
	if (n == 0)
		return (cur_fail(c));
	s->p = (const char *)cur_ptr(c, n);
	s->len = n;
	return (0);
}

int
cur_until(struct cur *c, char stop, struct span *s)
{
	const uint8_t	*q;
	size_t		 left = cur_left(c);

	s->p = "";
	s->len = 0;
	if (left == 0 || (q = memchr(c->c_p, stop, left)) == NULL)
		return (cur_fail(c));
	s->len = (size_t)(q - c->c_p);
	s->p = (const char *)cur_ptr(c, s->len);
	return (0);
}

int
cur_dec(struct cur *c, uint64_t max, uint64_t *v)
{
	uint64_t	n = 0;
	unsigned	d, digits = 0;
	int		ch;

	*v = 0;
	while ((ch = cur_peek(c)) >= '0' && ch <= '9') {
		d = (unsigned)(ch - '0');
		if (n > (max - d) / 10 || d > max)
			return (cur_fail(c));
		n = n * 10 + d;
		digits++;
		if (cur_skip(c, 1) == -1)
			return (-1);
	}
	if (digits == 0)
		return (cur_fail(c));
	*v = n;
	return (0);
}

int
span_eq(struct span s, const char *str)
{
	return (strlen(str) == s.len && memcmp(s.p, str, s.len) == 0);
}

int
span_caseeq(struct span s, const char *str)
{
	return (strlen(str) == s.len && strncasecmp(s.p, str, s.len) == 0);
}

int
span_str(struct span s, char *dst, size_t size)
{
	if (size == 0)
		return (-1);
	if (s.len >= size || (s.len && memchr(s.p, '\0', s.len) != NULL)) {
		dst[0] = '\0';
		return (-1);
	}
	if (s.len)
		memcpy(dst, s.p, s.len);
	dst[s.len] = '\0';
	return (0);
}

void
wbuf_init(struct wbuf *w, void *buf, size_t size)
{
	w->w_buf = buf;
	w->w_size = size;
	w->w_len = 0;
	w->w_bad = 0;
}

int
wbuf_ok(const struct wbuf *w)
{
	return (w->w_bad ? -1 : 0);
}

int
wbuf_fail(struct wbuf *w)
{
	w->w_bad = 1;
	return (-1);
}

void
wbuf_bytes(struct wbuf *w, const void *p, size_t n)
{
	if (w->w_bad || n > w->w_size - w->w_len) {
		w->w_bad = 1;
		return;
	}
	if (n)
		memcpy(w->w_buf + w->w_len, p, n);
	w->w_len += n;
}

void
wbuf_zero(struct wbuf *w, size_t n)
{
	if (w->w_bad || n > w->w_size - w->w_len) {
		w->w_bad = 1;
		return;
	}
	memset(w->w_buf + w->w_len, 0, n);
	w->w_len += n;
}

static void
wbuf_be(struct wbuf *w, uint64_t v, int width)
{
	uint8_t	b[8];
	int	i;

	for (i = width - 1; i >= 0; i--) {
		b[i] = (uint8_t)v;
		v >>= 8;
	}
	if (v != 0)
		w->w_bad = 1;
	wbuf_bytes(w, b, (size_t)width);
}

void
wbuf_u8(struct wbuf *w, uint8_t v)
{
	wbuf_be(w, v, 1);
}

void
wbuf_u16(struct wbuf *w, uint16_t v)
{
	wbuf_be(w, v, 2);
}

void
wbuf_u24(struct wbuf *w, uint32_t v)
{
	wbuf_be(w, v, 3);
}

void
wbuf_u32(struct wbuf *w, uint32_t v)
{
	wbuf_be(w, v, 4);
}

void
wbuf_u64(struct wbuf *w, uint64_t v)
{
	wbuf_be(w, v, 8);
}

void
wbuf_lv(struct wbuf *w, int width, const void *p, size_t n)
{
	wbuf_be(w, n, width);
	wbuf_bytes(w, p, n);
}

void
wbuf_lv_str(struct wbuf *w, int width, const char *s)
{
	wbuf_lv(w, width, s, strlen(s));
}

void
wbuf_str(struct wbuf *w, const char *s)
{
	wbuf_bytes(w, s, strlen(s));
}

void
wbuf_span(struct wbuf *w, struct span s)
{
	wbuf_bytes(w, s.p, s.len);
}

void
wbuf_printf(struct wbuf *w, const char *fmt, ...)
{
	va_list	ap;
	size_t	room;
	int	n;

	if (w->w_bad)
		return;
	/* One byte of the room goes to the terminator that is not kept. */
	room = w->w_size - w->w_len;
	va_start(ap, fmt);
	n = vsnprintf((char *)w->w_buf + w->w_len, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room) {
		w->w_bad = 1;
		return;
	}
	w->w_len += (size_t)n;
}

size_t
wbuf_open(struct wbuf *w, int width)
{
	size_t	mark = w->w_len;

	wbuf_zero(w, (size_t)width);
	return (mark);
}

void
wbuf_close(struct wbuf *w, int width, size_t mark)
{
	struct wbuf	in;

	if (w->w_bad)
		return;
	wbuf_init(&in, w->w_buf + mark, (size_t)width);
	wbuf_be(&in, w->w_len - mark - (size_t)width, width);
	if (in.w_bad)
		w->w_bad = 1;
}
