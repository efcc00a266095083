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
 * core: bencoding, as far as rtpengine's control protocol needs it, and the
 * answers of that protocol.
 */

#include <sys/types.h>

#include <stdint.h>
#include <string.h>

#include "ng.h"

static int	 cookie_get(struct cur *, struct span *);

void
bc_open(struct wbuf *w, char what)
{
	wbuf_u8(w, (uint8_t)what);
}

void
bc_close(struct wbuf *w)
{
	wbuf_u8(w, 'e');
}

void
bc_bytes(struct wbuf *w, struct span s)
{
	wbuf_printf(w, "%zu:", s.len);
	wbuf_bytes(w, s.p, s.len);
}

void
bc_str(struct wbuf *w, const char *s)
{
	struct span	sp = { s, strlen(s) };

	bc_bytes(w, sp);
}

void
bc_num(struct wbuf *w, uint64_t n)
{
	wbuf_printf(w, "i%llue", (unsigned long long)n);
}

void
bc_pair(struct wbuf *w, const char *key, const char *value)
{
	bc_str(w, key);
	bc_str(w, value);
}

int
bc_get_bytes(struct cur *c, struct span *s)
{
	uint64_t	n;

	s->p = "";
	s->len = 0;
	if (cur_dec(c, NG_MSG_MAX + 1024, &n) == -1 || cur_lit(c, ':') == -1)
		return (cur_fail(c));
	if (n == 0)
		return (0);
	if ((s->p = (const char *)cur_ptr(c, (size_t)n)) == NULL) {
		s->p = "";
		return (-1);
	}
	s->len = (size_t)n;
	return (0);
}

int
bc_skip(struct cur *c, unsigned depth)
{
	struct span	s;
	uint64_t	n;
	int		dict;

	switch (cur_peek(c)) {
	case 'i':
		(void)cur_skip(c, 1);
		if (cur_peek(c) == '-')
			(void)cur_skip(c, 1);
		if (cur_dec(c, UINT64_MAX, &n) == -1 || cur_lit(c, 'e') == -1)
			return (cur_fail(c));
		return (0);
	case 'l':
	case 'd':
		if (depth == 0)
			return (cur_fail(c));
		dict = cur_peek(c) == 'd';
		(void)cur_skip(c, 1);
		while (cur_peek(c) != 'e') {
			if (dict && bc_get_bytes(c, &s) == -1)
				return (-1);
			if (bc_skip(c, depth - 1) == -1)
				return (-1);
		}
		return (cur_skip(c, 1));
	default:
		return (bc_get_bytes(c, &s));
	}
}

/* What we wrote ourselves: letters, digits and an underscore. */
static int
cookie_get(struct cur *c, struct span *s)
{
	size_t	i;

	if (cur_until(c, ' ', s) == -1 || s->len == 0 || s->len > 40)
		return (-1);
	for (i = 0; i < s->len; i++)
		if (!((s->p[i] >= '0' && s->p[i] <= '9') ||
		    (s->p[i] >= 'a' && s->p[i] <= 'z') || s->p[i] == '_'))
			return (-1);
	return (cur_skip(c, 1));
}

int
ng_reply_parse(const void *p, size_t len, struct ng_reply *r)
{
	static const char *const names[] = { "result", "sdp", "error-reason" };
	struct span		*const spans[] = { &r->nr_result, &r->nr_sdp, &r->nr_reason };
	struct cur		 c;
	struct span		 key;
	unsigned		 seen = 0;
	size_t			 i;

	memset(r, 0, sizeof(*r));
	cur_init(&c, p, len);
	if (cookie_get(&c, &r->nr_cookie) == -1 || cur_lit(&c, 'd') == -1)
		return (-1);
	while (cur_peek(&c) != 'e') {
		if (bc_get_bytes(&c, &key) == -1)
			return (-1);
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (span_eq(key, names[i]))
				break;
		if (i == sizeof(names) / sizeof(names[0])) {
			if (bc_skip(&c, NG_DEPTH) == -1)
				return (-1);
			continue;
		}
		if ((seen & 1u << i) || bc_get_bytes(&c, spans[i]) == -1)
			return (-1);
		seen |= 1u << i;
	}
	if (cur_skip(&c, 1) == -1 || cur_done(&c) == -1 || r->nr_result.len == 0)
		return (-1);
	return (0);
}
