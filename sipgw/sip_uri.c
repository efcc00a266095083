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
 * core: SIP, SIPS and tel URIs.
 */
#include <sys/types.h>

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "sip_parse.h"
#include "sip_uri.h"

#define PARAMS_MAX	64	/* compared; a URI with more equals none */

/* User and password: unreserved, escaped, and what RFC 3261 adds.  ';' is in
 * user-unreserved.  '#' (not in the grammar) is met in real user parts. */
static const uint8_t user_chars[256] = {
	['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
	['-'] = 1, ['_'] = 1, ['.'] = 1, ['!'] = 1, ['~'] = 1, ['*'] = 1,
	['\''] = 1, ['('] = 1, [')'] = 1, ['%'] = 1, ['&'] = 1, ['='] = 1,
	['+'] = 1, ['$'] = 1, [','] = 1, [';'] = 1, ['?'] = 1, ['/'] = 1,
	['#'] = 1
};
static const uint8_t name_chars[256] = {
	['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
	['-'] = 1, ['.'] = 1, ['_'] = 1
};
static const uint8_t ipv6_chars[256] = {
	['0' ... '9'] = 1, ['A' ... 'F'] = 1, ['a' ... 'f'] = 1,
	[':'] = 1, ['.'] = 1
};
/* uri-parameter and uri headers. */
static const uint8_t param_chars[256] = {
	['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
	['-'] = 1, ['_'] = 1, ['.'] = 1, ['!'] = 1, ['~'] = 1, ['*'] = 1,
	['\''] = 1, ['('] = 1, [')'] = 1, ['%'] = 1, ['['] = 1, [']'] = 1,
	['/'] = 1, [':'] = 1, ['&'] = 1, ['+'] = 1, ['$'] = 1, ['='] = 1,
	[';'] = 1, ['@'] = 1
};
static const uint8_t header_chars[256] = {
	['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
	['-'] = 1, ['_'] = 1, ['.'] = 1, ['!'] = 1, ['~'] = 1, ['*'] = 1,
	['\''] = 1, ['('] = 1, [')'] = 1, ['%'] = 1, ['['] = 1, [']'] = 1,
	['/'] = 1, ['?'] = 1, [':'] = 1, ['+'] = 1, ['$'] = 1, ['='] = 1,
	['&'] = 1, ['@'] = 1, [';'] = 1, [','] = 1
};
/* tel: RFC 3966 phonedigit and visual separators. */
static const uint8_t tel_chars[256] = {
	['0' ... '9'] = 1, ['A' ... 'F'] = 1, ['a' ... 'f'] = 1,
	['+'] = 1, ['*'] = 1, ['#'] = 1, ['-'] = 1, ['.'] = 1, ['('] = 1,
	[')'] = 1
};

static int	 uri_escapes(struct span);
static int	 uri_userinfo(struct span, struct sip_uri *);
static int	 uri_host(struct cur *, struct sip_uri *);
static int	 uri_tail(struct cur *, struct sip_uri *);
static int	 uri_same(struct span, struct span, int);
static int	 uri_params_eq(const struct sip_uri *, const struct sip_uri *);
static int	 uri_headers_in(struct span, struct span);
static int	 uri_next(struct cur *, int *);

/* Is every % followed by two hex digits? */
static int
uri_escapes(struct span s)
{
	struct cur	c;
	uint8_t		a, b;

	cur_init(&c, s.p, s.len);
	while (cur_u8(&c, &a) == 0) {
		if (a != '%')
			continue;
		if (cur_u8(&c, &a) == -1 || cur_u8(&c, &b) == -1 ||
		    !isxdigit(a) || !isxdigit(b))
			return (-1);
	}
	return (0);
}

static int
uri_userinfo(struct span s, struct sip_uri *u)
{
	struct cur	c;
	struct span	t;

	u->su_has_user = 1;
	u->su_user = s;
	cur_init(&c, s.p, s.len);
	if (cur_until(&c, ':', &t) == 0) {
		u->su_user = t;
		(void)cur_skip(&c, 1);
		u->su_has_password = 1;
		u->su_password.len = cur_left(&c);
		u->su_password.p = (const char *)cur_ptr(&c, u->su_password.len);
		if (u->su_password.len > 0 &&
		    (cur_init(&c, u->su_password.p, u->su_password.len),
		    cur_token(&c, user_chars, &t) == -1 || cur_done(&c) == -1))
			return (-1);
	}
	cur_init(&c, u->su_user.p, u->su_user.len);
	if (cur_token(&c, user_chars, &t) == -1 || cur_done(&c) == -1)
		return (-1);
	if (uri_escapes(u->su_user) == -1 || uri_escapes(u->su_password) == -1)
		return (-1);
	return (0);
}

static int
uri_host(struct cur *c, struct sip_uri *u)
{
	struct cur	in;
	struct span	t;
	uint64_t	port;

	if (cur_peek(c) == '[') {
		(void)cur_skip(c, 1);
		if (cur_until(c, ']', &u->su_host) == -1)
			return (-1);
		(void)cur_skip(c, 1);
		cur_init(&in, u->su_host.p, u->su_host.len);
		if (cur_token(&in, ipv6_chars, &t) == -1 || cur_done(&in) == -1)
			return (-1);
		u->su_ipv6 = 1;
	} else if (cur_token(c, name_chars, &u->su_host) == -1)
		return (-1);
	if (cur_peek(c) == ':') {
		(void)cur_skip(c, 1);
		if (cur_dec(c, 65535, &port) == -1 || port == 0)
			return (-1);
		u->su_port = (uint16_t)port;
	}
	return (0);
}

/* [ ;params ] [ ?headers ] to the end. */
static int
uri_tail(struct cur *c, struct sip_uri *u)
{
	if (cur_peek(c) == ';') {
		(void)cur_skip(c, 1);
		if (cur_token(c, param_chars, &u->su_params) == -1)
			return (-1);
		if (uri_escapes(u->su_params) == -1)
			return (-1);
	}
	if (cur_peek(c) == '?') {
		(void)cur_skip(c, 1);
		u->su_has_headers = 1;
		if (cur_left(c) > 0 &&
		    cur_token(c, header_chars, &u->su_headers) == -1)
			return (-1);
		if (uri_escapes(u->su_headers) == -1)
			return (-1);
	}
	return (cur_done(c));
}

int
sip_uri_parse(struct span s, struct sip_uri *u)
{
	struct cur	c, at;
	struct span	scheme, user, t;

	memset(u, 0, sizeof(*u));
	u->su_all = s;
	u->su_user.p = u->su_password.p = u->su_host.p = "";
	u->su_params.p = u->su_headers.p = "";
	cur_init(&c, s.p, s.len);
	if (cur_until(&c, ':', &scheme) == -1 || scheme.len == 0)
		return (-1);
	(void)cur_skip(&c, 1);
	if (span_caseeq(scheme, "sip"))
		u->su_scheme = URI_SIP;
	else if (span_caseeq(scheme, "sips"))
		u->su_scheme = URI_SIPS;
	else if (span_caseeq(scheme, "tel")) {
		u->su_scheme = URI_TEL;
		if (cur_token(&c, tel_chars, &u->su_user) == -1)
			return (-1);
		return (uri_tail(&c, u));
	} else {
		cur_init(&at, scheme.p, scheme.len);
		if (!isalpha((uint8_t)scheme.p[0]) ||
		    cur_token(&at, name_chars, &t) == -1 || cur_done(&at) == -1)
			return (-1);
		return (cur_left(&c) > 0 ? 0 : -1);
	}
	/* '@' cannot stand in userinfo unescaped; it may stand in parameters
	 * and headers, but then a ';' or '?' behind the host comes first. */
	at = c;
	if (cur_until(&at, '@', &user) == 0) {
		struct sip_uri	 try = *u;
		struct cur	 host;

		(void)cur_skip(&at, 1);
		host = at;
		if (uri_userinfo(user, &try) == 0 && uri_host(&host, &try) == 0) {
			*u = try;
			return (uri_tail(&host, u));
		}
	}
	if (uri_host(&c, u) == -1)
		return (-1);
	return (uri_tail(&c, u));
}

ptrdiff_t
sip_uri_unescape(struct span s, char *dst, size_t size)
{
	struct cur	c;
	size_t		n = 0;
	int		b, eof = 0;

	cur_init(&c, s.p, s.len);
	for (;;) {
		b = uri_next(&c, &eof);
		if (eof)
			break;
		if (b <= 0 || n + 1 >= size)
			return (-1);
		dst[n++] = (char)b;
	}
	if (n >= size)
		return (-1);
	dst[n] = '\0';
	return ((ptrdiff_t)n);
}

int
sip_uri_param(const struct sip_uri *u, const char *name, struct span *val)
{
	return (sip_param(u->su_params, name, val));
}

int
sip_uri_is_tls(const struct sip_uri *u)
{
	struct span	v;

	return (u->su_scheme == URI_SIPS || (u->su_scheme == URI_SIP &&
	    sip_uri_param(u, "transport", &v) == 1 && span_caseeq(v, "tls")));
}

int
sip_uri_addr(const struct sip_uri *u, struct vaddr *va)
{
	char	host[VADDR_STRLEN];

	if (u->su_scheme != URI_SIP && u->su_scheme != URI_SIPS)
		return (-1);
	if (span_str(u->su_host, host, sizeof(host)) == -1)
		return (-1);
	return (vaddr_parse(host, u->su_port ? u->su_port :
	    sip_uri_is_tls(u) ? 5061 : 5060, va));
}

int
sip_uri_host(const struct sip_uri *u, char out[DOMAIN_SIZE])
{
	struct span	h = u->su_host;
	size_t		i;

	if (h.len > 0 && h.p[h.len - 1] == '.')
		h.len--;
	if (h.len == 0 || span_str(h, out, DOMAIN_SIZE) == -1)
		return (-1);
	for (i = 0; i < h.len; i++)
		out[i] = (char)tolower((uint8_t)out[i]);
	if (!u->su_ipv6 && (out[0] == '.' || out[0] == '-' ||
	    strstr(out, "..") != NULL))
		return (-1);
	return (0);
}

/* -- comparison -- */

/* The next byte with its escape undone; -1 for a bad one. */
static int
uri_next(struct cur *c, int *eof)
{
	uint8_t	a, hi, lo;

	if (cur_left(c) == 0) {
		*eof = 1;
		return (-1);
	}
	(void)cur_u8(c, &a);
	if (a != '%')
		return (a);
	if (cur_u8(c, &hi) == -1 || cur_u8(c, &lo) == -1 ||
	    !isxdigit(hi) || !isxdigit(lo))
		return (-1);
	hi = (uint8_t)(isdigit(hi) ? hi - '0' : tolower(hi) - 'a' + 10);
	lo = (uint8_t)(isdigit(lo) ? lo - '0' : tolower(lo) - 'a' + 10);
	return (hi << 4 | lo);
}

static int
uri_same(struct span a, struct span b, int nocase)
{
	struct cur	ca, cb;
	int		x, y, ea = 0, eb = 0;

	cur_init(&ca, a.p, a.len);
	cur_init(&cb, b.p, b.len);
	for (;;) {
		x = uri_next(&ca, &ea);
		y = uri_next(&cb, &eb);
		if (ea || eb)
			return (ea && eb);
		if (nocase) {
			x = tolower(x);
			y = tolower(y);
		}
		if (x != y || x == -1)
			return (0);
	}
}

/* Parameters of both must match; of one only are ignored, but for user, ttl,
 * method, maddr and transport. */
static int
uri_params_eq(const struct sip_uri *a, const struct sip_uri *b)
{
	static const char *const must[] =
	    { "user", "ttl", "method", "maddr", "transport" };
	struct span	rest = a->su_params, name, val, other;
	char		buf[64];
	size_t		i, n = 0;
	int		r;

	while ((r = sip_param_next(&rest, &name, &val)) == 1) {
		/* Each costs a walk over all of the other's. */
		if (++n > PARAMS_MAX)
			return (0);
		if (span_str(name, buf, sizeof(buf)) == -1)
			return (0);
		if ((r = sip_uri_param(b, buf, &other)) == -1)
			return (0);
		if (r == 1 && !uri_same(val, other, 1))
			return (0);
	}
	if (r == -1)
		return (0);
	for (i = 0; i < sizeof(must) / sizeof(must[0]); i++)
		if (sip_uri_param(a, must[i], &val) !=
		    sip_uri_param(b, must[i], &other))
			return (0);
	return (1);
}

/* Is each header (a=b, between '&') of the one among those of the other? */
static int
uri_headers_in(struct span a, struct span b)
{
	struct cur	ca, cb;
	struct span	x, y;
	size_t		n = 0;
	int		found;

	cur_init(&ca, a.p, a.len);
	while (cur_left(&ca) > 0) {
		struct cur	mark = ca;

		if (++n > PARAMS_MAX)
			return (0);
		if (cur_until(&ca, '&', &x) == -1) {
			x.len = cur_left(&mark);
			x.p = (const char *)cur_ptr(&mark, x.len);
			ca = mark;
		} else
			(void)cur_skip(&ca, 1);
		found = 0;
		cur_init(&cb, b.p, b.len);
		while (!found && cur_left(&cb) > 0) {
			mark = cb;
			if (cur_until(&cb, '&', &y) == -1) {
				y.len = cur_left(&mark);
				y.p = (const char *)cur_ptr(&mark, y.len);
				cb = mark;
			} else
				(void)cur_skip(&cb, 1);
			found = uri_same(x, y, 1);
		}
		if (!found)
			return (0);
	}
	return (1);
}

int
sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b)
{
	char	x[40], y[40];
	size_t	i, n;

	if (a->su_scheme != b->su_scheme)
		return (0);
	if (a->su_scheme == URI_OTHER)
		return (sip_span_same(a->su_all, b->su_all));
	if (a->su_scheme == URI_TEL) {
		/* Visual separators do not count. */
		for (i = n = 0; i < a->su_user.len && n < sizeof(x) - 1; i++)
			if (memchr("-.()", a->su_user.p[i], 4) == NULL)
				x[n++] = (char)tolower((uint8_t)a->su_user.p[i]);
		x[n] = '\0';
		for (i = n = 0; i < b->su_user.len && n < sizeof(y) - 1; i++)
			if (memchr("-.()", b->su_user.p[i], 4) == NULL)
				y[n++] = (char)tolower((uint8_t)b->su_user.p[i]);
		y[n] = '\0';
		return (strcmp(x, y) == 0 && n < sizeof(y) - 1 &&
		    uri_params_eq(a, b) && uri_params_eq(b, a));
	}
	if (a->su_has_user != b->su_has_user ||
	    a->su_has_password != b->su_has_password ||
	    a->su_port != b->su_port || a->su_ipv6 != b->su_ipv6)
		return (0);
	if (!uri_same(a->su_user, b->su_user, 0) ||
	    !uri_same(a->su_password, b->su_password, 0) ||
	    !sip_span_casesame(a->su_host, b->su_host))
		return (0);
	if (!uri_params_eq(a, b) || !uri_params_eq(b, a))
		return (0);
	return (uri_headers_in(a->su_headers, b->su_headers) &&
	    uri_headers_in(b->su_headers, a->su_headers));
}
