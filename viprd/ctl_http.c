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

/* core: https URLs and HTTP answers; see ctl_http.h. */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "ctl_http.h"
#include "cursor.h"

#define LINE_MAX_CHUNK	256	/* a chunk's size and extensions */

enum http_state {
	HTTP_HEAD = 0,
	HTTP_LENGTH,		/* h_left bytes of body, then done */
	HTTP_CLOSE,		/* body up to the end of the connection */
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK,		/* h_left bytes of a chunk */
	HTTP_CHUNK_END,		/* CRLF behind it */
	HTTP_TRAILER,
	HTTP_DONE,
	HTTP_WRONG
};

struct http {
	enum http_state	 h_state;
	const char	*h_why;
	size_t		 h_bodymax;
	size_t		 h_left;
	size_t		 h_linelen;
	size_t		 h_trailers;	/* bytes of trailer fields */
	unsigned	 h_interims;
	int		 h_minor;	/* HTTP/1.x */
	int		 h_chunked;
	int		 h_haslength;
	int		 h_hastype;
	size_t		 h_length;
	struct http_answer h_answer;
	uint8_t		 h_line[HTTP_HEAD_MAX];	/* head, or a line of chunks */
};

static int	 url_host(struct cur *, struct url *);
static int	 host_ok(const char *);
static int	 wrong(struct http *, const char *);
static void	 token_table(uint8_t [256], const char *);
static struct span trim(struct span);
static int	 text_ok(struct span);
static int	 line_take(struct cur *, struct span *);
static int	 status_line(struct http *, struct span);
static int	 field(struct http *, struct span);
static int	 field_take(struct http *, struct span, struct span);
static int	 field_type(struct http *, struct span);
static int	 head(struct http *);
static int	 line_byte(struct http *, uint8_t, size_t, const char *);
static int	 chunk_size(struct http *);
static int	 chunk_line(struct http *, uint8_t);
static int	 body_add(struct http *, const uint8_t *, size_t);
static int	 body_bytes(struct http *, const uint8_t **, size_t *);

/* -- URLs -- */

static int
host_ok(const char *s)
{
	return (s[0] != '\0' && s[0] != '-' && s[0] != '.' && strspn(s,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "-_.") == strlen(s) && strstr(s, "..") == NULL);
}

static int
url_host(struct cur *c, struct url *u)
{
	uint8_t		table[256];
	struct vaddr	va;
	struct span	s;

	if (cur_peek(c) == '[') {
		if (cur_lit(c, '[') == -1 || cur_until(c, ']', &s) == -1 ||
		    cur_lit(c, ']') == -1 ||
		    span_str(s, u->u_host, sizeof(u->u_host)) == -1 ||
		    vaddr_parse(u->u_host, 0, &va) == -1 || va.va_family != 6)
			return (-1);
		u->u_literal = 1;
		return (0);
	}
	token_table(table, "-_.");
	if (cur_token(c, table, &s) == -1 ||
	    span_str(s, u->u_host, sizeof(u->u_host)) == -1 ||
	    !host_ok(u->u_host))
		return (-1);
	u->u_literal = vaddr_parse(u->u_host, 0, &va) == 0;
	return (0);
}

int
url_parse(const char *text, struct url *u, const char **why)
{
	struct cur	c;
	struct span	s;
	uint64_t	port = 443;
	size_t		i;

	memset(u, 0, sizeof(*u));
	cur_init(&c, text, strlen(text));
	*why = "no https URL";
	if (cur_until(&c, ':', &s) == -1 || !span_caseeq(s, "https") ||
	    cur_lit(&c, ':') == -1 || cur_lit(&c, '/') == -1 ||
	    cur_lit(&c, '/') == -1)
		return (-1);
	*why = "its host is neither a name nor an address";
	if (url_host(&c, u) == -1)
		return (-1);
	*why = "its port is no number from 1 to 65535";
	if (cur_peek(&c) == ':' && (cur_lit(&c, ':') == -1 ||
	    cur_dec(&c, 65535, &port) == -1 || port == 0))
		return (-1);
	u->u_port = (uint16_t)port;
	*why = "its path is too long, or holds what a URL may not";
	s.p = text + cur_off(&c);
	s.len = cur_left(&c);
	if (s.len > 0 && s.p[0] != '/' && s.p[0] != '?')
		return (-1);
	for (i = 0; i < s.len; i++) {
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '#')
			return (-1);
	}
	if ((size_t)snprintf(u->u_path, sizeof(u->u_path), "%s%.*s",
	    s.len > 0 && s.p[0] == '/' ? "" : "/", (int)s.len, s.p) >=
	    sizeof(u->u_path))
		return (-1);
	*why = NULL;
	return (0);
}

const char *
url_authority(const struct url *u, char *buf, size_t size)
{
	int	six = strchr(u->u_host, ':') != NULL;

	if (u->u_port == 443)
		(void)snprintf(buf, size, six ? "[%s]" : "%s", u->u_host);
	else
		(void)snprintf(buf, size, six ? "[%s]:%u" : "%s:%u", u->u_host,
		    u->u_port);
	return (buf);
}

/* -- small things -- */

static int
wrong(struct http *h, const char *why)
{
	h->h_state = HTTP_WRONG;
	h->h_why = why;
	return (-1);
}

/* Letters, digits and these. */
static void
token_table(uint8_t table[256], const char *more)
{
	int	i;

	memset(table, 0, 256);
	for (i = '0'; i <= '9'; i++)
		table[i] = 1;
	for (i = 'a'; i <= 'z'; i++)
		table[i] = table[i - 'a' + 'A'] = 1;
	for (; *more != '\0'; more++)
		table[(unsigned char)*more] = 1;
}

static struct span
trim(struct span s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return (s);
}

/* No control characters but tabs: neither a bare CR or LF nor a NUL. */
static int
text_ok(struct span s)
{
	size_t	i;

	for (i = 0; i < s.len; i++) {
		if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') ||
		    s.p[i] == 0x7f)
			return (0);
	}
	return (1);
}

/* A line without its CRLF. */
static int
line_take(struct cur *c, struct span *s)
{
	if (cur_until(c, '\r', s) == -1 || cur_lit(c, '\r') == -1 ||
	    cur_lit(c, '\n') == -1 || !text_ok(*s))
		return (cur_fail(c));
	return (0);
}

/* -- the head -- */

static int
status_line(struct http *h, struct span line)
{
	struct cur	 c;
	struct span	 s;
	const uint8_t	*d;

	cur_init(&c, line.p, line.len);
	if (cur_until(&c, ' ', &s) == -1)
		return (wrong(h, "does not begin with an HTTP status line"));
	if (span_eq(s, "HTTP/1.1"))
		h->h_minor = 1;
	else if (span_eq(s, "HTTP/1.0"))
		h->h_minor = 0;
	else
		return (wrong(h, "is neither HTTP/1.1 nor HTTP/1.0"));
	if (cur_lit(&c, ' ') == -1 || (d = cur_ptr(&c, 3)) == NULL ||
	    d[0] < '1' || d[0] > '9' || d[1] < '0' || d[1] > '9' ||
	    d[2] < '0' || d[2] > '9' ||
	    (cur_left(&c) > 0 && cur_peek(&c) != ' '))
		return (wrong(h, "has no status of three digits"));
	h->h_answer.ha_status = (unsigned)((d[0] - '0') * 100 +
	    (d[1] - '0') * 10 + d[2] - '0');
	return (0);
}

static int
field_type(struct http *h, struct span v)
{
	struct cur	c;
	struct span	s;
	char		*p;

	if (h->h_hastype++)
		return (wrong(h, "has two Content-Types"));
	cur_init(&c, v.p, v.len);
	if (cur_until(&c, ';', &s) == 0)
		v = trim(s);
	if (span_str(v, h->h_answer.ha_type,
	    sizeof(h->h_answer.ha_type)) == -1)
		return (wrong(h, "has an overlong Content-Type"));
	for (p = h->h_answer.ha_type; *p != '\0'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	return (0);
}

/* What decides about the body, and what is told of it. */
static int
field_take(struct http *h, struct span name, struct span v)
{
	struct cur	c;
	uint64_t	n;

	if (span_caseeq(name, "content-length")) {
		cur_init(&c, v.p, v.len);
		if (cur_dec(&c, UINT32_MAX, &n) == -1 || cur_done(&c) == -1 ||
		    h->h_haslength++)
			return (wrong(h, "has no single, readable "
			    "Content-Length"));
		h->h_length = (size_t)n;
	} else if (span_caseeq(name, "transfer-encoding")) {
		if (!span_caseeq(v, "chunked") || h->h_chunked++)
			return (wrong(h, "has a Transfer-Encoding other than "
			    "chunked"));
	} else if (span_caseeq(name, "content-encoding")) {
		if (!span_caseeq(v, "identity"))
			return (wrong(h, "has a Content-Encoding, which was "
			    "not asked for"));
	} else if (span_caseeq(name, "content-type"))
		return (field_type(h, v));
	else if (span_caseeq(name, "location")) {
		/* Only shown: what does not fit is not. */
		if (span_str(v, h->h_answer.ha_location,
		    sizeof(h->h_answer.ha_location)) == -1)
			h->h_answer.ha_location[0] = '\0';
	}
	return (0);
}

static int
field(struct http *h, struct span line)
{
	struct cur	c;
	struct span	name, v;
	uint8_t		table[256];

	token_table(table, "!#$%&'*+-.^_`|~");
	cur_init(&c, line.p, line.len);
	if (cur_token(&c, table, &name) == -1 || cur_lit(&c, ':') == -1)
		return (wrong(h, "has a malformed header field"));
	v.p = line.p + cur_off(&c);
	v.len = cur_left(&c);
	return (field_take(h, name, trim(v)));
}

/* The head is whole in h_line.  Sets the state that follows. */
static int
head(struct http *h)
{
	struct cur	c;
	struct span	line;
	unsigned	n = 0;

	h->h_chunked = h->h_haslength = h->h_hastype = 0;
	h->h_answer.ha_type[0] = h->h_answer.ha_location[0] = '\0';
	cur_init(&c, h->h_line, h->h_linelen);
	h->h_linelen = 0;
	if (line_take(&c, &line) == -1)
		return (wrong(h, "does not begin with an HTTP status line"));
	if (status_line(h, line) == -1)
		return (-1);
	for (;;) {
		if (line_take(&c, &line) == -1)
			return (wrong(h, "has a malformed header field"));
		if (line.len == 0)
			break;
		if (++n > HTTP_FIELDS_MAX)
			return (wrong(h, "has too many header fields"));
		if (field(h, line) == -1)
			return (-1);
	}
	if (h->h_answer.ha_status < 200) {
		/* 101 would end HTTP, and nobody asked for that. */
		if (h->h_answer.ha_status == 101 ||
		    ++h->h_interims > HTTP_INTERIM_MAX)
			return (wrong(h, "has too much before the answer"));
		return (0);
	}
	if (h->h_chunked && (h->h_haslength || h->h_minor == 0))
		return (wrong(h, "has both chunks and a length, or chunks in "
		    "HTTP/1.0"));
	if (h->h_answer.ha_status == 204 || h->h_answer.ha_status == 304)
		h->h_state = HTTP_DONE;
	else if (h->h_chunked)
		h->h_state = HTTP_CHUNK_SIZE;
	else if (!h->h_haslength)
		h->h_state = HTTP_CLOSE;
	else if (h->h_length > h->h_bodymax)
		return (wrong(h, "is longer than is allowed"));
	else {
		h->h_left = h->h_length;
		h->h_state = h->h_left > 0 ? HTTP_LENGTH : HTTP_DONE;
	}
	return (0);
}

/* -- the body -- */

static int
body_add(struct http *h, const uint8_t *p, size_t n)
{
	struct http_answer	*a = &h->h_answer;
	uint8_t			*body;

	if (n > h->h_bodymax - a->ha_len)
		return (wrong(h, "is longer than is allowed"));
	if (n == 0)
		return (0);
	if (a->ha_body == NULL) {
		if ((body = malloc(h->h_bodymax)) == NULL)
			return (wrong(h, "needs more memory than there is"));
		a->ha_body = body;
	}
	memcpy(a->ha_body + a->ha_len, p, n);
	a->ha_len += n;
	return (0);
}

/* One more byte of a line or head; 1 when it ends with LF. */
static int
line_byte(struct http *h, uint8_t b, size_t max, const char *why)
{
	if (h->h_linelen == max)
		return (wrong(h, why));
	h->h_line[h->h_linelen++] = b;
	return (b == '\n');
}

/* 1a2b[;extension] */
static int
chunk_size(struct http *h)
{
	struct cur	c;
	struct span	s, digits;
	uint8_t		hex[256];
	size_t		i, v = 0;
	int		d;

	cur_init(&c, h->h_line, h->h_linelen);
	memset(hex, 0, sizeof(hex));
	for (i = 0; i < 22; i++)
		hex[(unsigned char)"0123456789abcdefABCDEF"[i]] = 1;
	if (line_take(&c, &s) == -1)
		return (-1);
	cur_init(&c, s.p, s.len);
	if (cur_token(&c, hex, &digits) == -1 || digits.len > 8)
		return (-1);
	for (i = 0; i < digits.len; i++) {
		d = digits.p[i];
		v = v << 4 | (size_t)(d <= '9' ? d - '0' : (d & 0x5f) - 'A' +
		    10);
	}
	while (cur_peek(&c) == ' ' || cur_peek(&c) == '\t')
		(void)cur_skip(&c, 1);
	if (cur_left(&c) > 0 && cur_peek(&c) != ';')
		return (-1);
	h->h_left = v;
	return (0);
}

/* Lines around chunks. */
static int
chunk_line(struct http *h, uint8_t b)
{
	struct span	s;
	struct cur	c;
	int		r;

	if (h->h_state == HTTP_TRAILER && ++h->h_trailers > HTTP_HEAD_MAX)
		return (wrong(h, "has too long a trailer"));
	if ((r = line_byte(h, b, h->h_state == HTTP_TRAILER ? HTTP_HEAD_MAX :
	    LINE_MAX_CHUNK, "has a malformed chunk")) != 1)
		return (r);
	switch (h->h_state) {
	case HTTP_CHUNK_SIZE:
		if (chunk_size(h) == -1)
			return (wrong(h, "has a malformed chunk"));
		if (h->h_left > h->h_bodymax - h->h_answer.ha_len)
			return (wrong(h, "is longer than is allowed"));
		h->h_state = h->h_left > 0 ? HTTP_CHUNK : HTTP_TRAILER;
		break;
	case HTTP_CHUNK_END:
		if (h->h_linelen != 2 || h->h_line[0] != '\r')
			return (wrong(h, "has a malformed chunk"));
		h->h_state = HTTP_CHUNK_SIZE;
		break;
	default:
		/* Fields here count nothing; an empty line ends them. */
		cur_init(&c, h->h_line, h->h_linelen);
		if (line_take(&c, &s) == -1)
			return (wrong(h, "has a malformed trailer"));
		if (s.len == 0)
			h->h_state = HTTP_DONE;
		break;
	}
	h->h_linelen = 0;
	return (0);
}

/* A run of bytes of the body. */
static int
body_bytes(struct http *h, const uint8_t **p, size_t *n)
{
	size_t	take = *n;

	if (h->h_state != HTTP_CLOSE && take > h->h_left)
		take = h->h_left;
	if (body_add(h, *p, take) == -1)
		return (-1);
	*p += take;
	*n -= take;
	if (h->h_state == HTTP_CLOSE)
		return (0);
	h->h_left -= take;
	if (h->h_left == 0)
		h->h_state = h->h_state == HTTP_CHUNK ? HTTP_CHUNK_END :
		    HTTP_DONE;
	return (0);
}

/* -- the stream -- */

struct http *
http_new(size_t bodymax)
{
	struct http	*h;

	if ((h = calloc(1, sizeof(*h))) != NULL)
		h->h_bodymax = bodymax;
	return (h);
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	free(h->h_answer.ha_body);
	free(h);
}

int
http_feed(struct http *h, const void *buf, size_t n)
{
	const uint8_t	*p = buf;
	int		 r;

	while (n > 0 && h->h_state != HTTP_WRONG) {
		switch (h->h_state) {
		case HTTP_HEAD:
			r = line_byte(h, *p, HTTP_HEAD_MAX,
			    "has too long a header");
			p++;
			n--;
			/* Somebody who speaks first may never end a line. */
			if (r != -1 && h->h_linelen == 5 &&
			    memcmp(h->h_line, "HTTP/", 5) != 0)
				(void)wrong(h, "does not begin with an HTTP "
				    "status line");
			else if (r == 1 && h->h_linelen >= 4 && memcmp(h->h_line +
			    h->h_linelen - 4, "\r\n\r\n", 4) == 0)
				(void)head(h);
			break;
		case HTTP_CHUNK_SIZE:
		case HTTP_CHUNK_END:
		case HTTP_TRAILER:
			(void)chunk_line(h, *p++);
			n--;
			break;
		case HTTP_DONE:
			return (wrong(h, "goes on after its end"));
		default:
			(void)body_bytes(h, &p, &n);
			break;
		}
	}
	return (h->h_state == HTTP_WRONG ? -1 : h->h_state == HTTP_DONE);
}

int
http_end(struct http *h)
{
	if (h->h_state == HTTP_CLOSE)
		h->h_state = HTTP_DONE;
	if (h->h_state == HTTP_HEAD && h->h_linelen == 0 &&
	    h->h_answer.ha_status == 0)
		return (wrong(h, "never came: the connection was closed"));
	if (h->h_state != HTTP_DONE && h->h_state != HTTP_WRONG)
		return (wrong(h, "is cut short"));
	return (h->h_state == HTTP_DONE ? 1 : -1);
}

const char *
http_why(const struct http *h)
{
	return (h->h_why);
}

const struct http_answer *
http_answer(const struct http *h)
{
	return (&h->h_answer);
}
