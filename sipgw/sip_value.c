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
 * core: values of SIP headers: lists, parameters, Via, addresses.
 */
#include <sys/types.h>

#include <stdint.h>
#include <string.h>

#include "sip_hdr.h"
#include "sip_parse.h"

/* RFC 3261 25.1. */
const uint8_t sip_token[256] = {
	['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
	['-'] = 1, ['.'] = 1, ['!'] = 1, ['%'] = 1, ['*'] = 1, ['_'] = 1,
	['+'] = 1, ['`'] = 1, ['\''] = 1, ['~'] = 1
};
const uint8_t sip_visible[256] = {
	['!'] = 1, ['#' ... '+'] = 1, ['-' ... ':'] = 1, ['='] = 1,
	['?' ... '~'] = 1, [0x80 ... 0xff] = 1
};
/* RFC 3261 25.1 word, and '@': quotes and brackets mean nothing there. */
const uint8_t sip_word[256] = {
	['!' ... '+'] = 1, ['-' ... ':'] = 1, ['<' ... '~'] = 1, [0x80 ... 0xff] = 1
};
/* In a URI in brackets: visible, with ',' and ';' but without '"' < >. */
static const uint8_t uri_chars[256] = {
	['!'] = 1, ['#' ... ';'] = 1, ['='] = 1, ['?' ... '~'] = 1,
	[0x80 ... 0xff] = 1
};
/* Host of a Via: names and IPv4. */
static const uint8_t host_chars[256] = {
	['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
	['-'] = 1, ['.'] = 1, ['_'] = 1
};

/* What means nothing in a list of values. */
static const uint8_t list_plain[256] = {
	[0 ... '!'] = 1, ['#' ... '+'] = 1, ['-' ... ';'] = 1, ['='] = 1,
	['?' ... 255] = 1
};
/* The same in front of the URI of an address, bracket or not. */
static const uint8_t display_plain[256] = {
	[0 ... '!'] = 1, ['#' ... '+'] = 1, ['-' ... ':'] = 1, ['=' ... 255] = 1
};

static int	 skip_quoted(struct cur *);
static int	 via_sent(struct cur *, struct sip_via *, int);
static int	 param_next(struct cur *, struct span *, struct span *, int *);
static int	 param_token(struct span, const char *, struct span *);
static struct span cur_rest(struct cur *);
static struct span cur_between(struct cur, const struct cur *);

static struct span
cur_rest(struct cur *c)
{
	struct span	s;

	s.len = cur_left(c);
	s.p = (const char *)cur_ptr(c, s.len);
	return (s);
}

/* The bytes from one state of a cursor to a later one. */
static struct span
cur_between(struct cur from, const struct cur *to)
{
	struct span	s;

	s.len = cur_off(to) - cur_off(&from);
	s.p = (const char *)cur_ptr(&from, s.len);
	return (s);
}

void
sip_lws(struct cur *c)
{
	int	ch;

	while ((ch = cur_peek(c)) == ' ' || ch == '\t' || ch == '\r' || ch == '\n')
		(void)cur_skip(c, 1);
}

struct span
sip_trim(struct span s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t' ||
	    s.p[0] == '\r' || s.p[0] == '\n')) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t' ||
	    s.p[s.len - 1] == '\r' || s.p[s.len - 1] == '\n'))
		s.len--;
	return (s);
}

int
sip_span_same(struct span a, struct span b)
{
	return (a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0));
}

int
sip_span_casesame(struct span a, struct span b)
{
	return (a.len == b.len &&
	    (a.len == 0 || strncasecmp(a.p, b.p, a.len) == 0));
}

ptrdiff_t
sip_unfold(struct span s, char *dst, size_t size)
{
	size_t	i, n = 0;
	int	fold = 0;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] == '\r' || s.p[i] == '\n') {
			fold = 1;
			continue;
		}
		if (fold && (s.p[i] == ' ' || s.p[i] == '\t'))
			continue;
		/* One that is escaped may stand inside; no text of C holds it. */
		if (n + 2 + (size_t)fold > size || s.p[i] == '\0')
			return (-1);
		if (fold)
			dst[n++] = ' ';
		fold = 0;
		dst[n++] = s.p[i];
	}
	if (n >= size)
		return (-1);
	dst[n] = '\0';
	return ((ptrdiff_t)n);
}

const struct sip_hdr *
sip_hdr_first(const struct sip_msg *m, enum sip_hdr_id id)
{
	if ((size_t)id >= SIP_H_MAX || m->sm_first[id] == -1)
		return (NULL);
	return (&m->sm_hdrs[m->sm_first[id]]);
}

const struct sip_hdr *
sip_hdr_next(const struct sip_msg *m, const struct sip_hdr *h)
{
	size_t	i;

	for (i = (size_t)(h - m->sm_hdrs) + 1; i < m->sm_nhdrs; i++)
		if (m->sm_hdrs[i].sh_id == h->sh_id)
			return (&m->sm_hdrs[i]);
	return (NULL);
}

int
sip_hdr_has(const struct sip_msg *m, enum sip_hdr_id id)
{
	return (sip_hdr_first(m, id) != NULL);
}

const struct sip_hdr *
sip_hdr_named(const struct sip_msg *m, const char *name)
{
	size_t	i;

	for (i = 0; i < m->sm_nhdrs; i++)
		if (span_caseeq(m->sm_hdrs[i].sh_name, name))
			return (&m->sm_hdrs[i]);
	return (NULL);
}

int
sip_join(const struct sip_msg *m, enum sip_hdr_id id, char *dst, size_t size)
{
	const struct sip_hdr	*h;
	size_t			 n = 0;
	ptrdiff_t		 len;

	dst[0] = '\0';
	for (h = sip_hdr_first(m, id); h != NULL; h = sip_hdr_next(m, h)) {
		if (n > 0 && (n = strlcat(dst, ", ", size)) >= size)
			goto fail;
		if ((len = sip_unfold(h->sh_value, dst + n, size - n)) == -1)
			goto fail;
		n += (size_t)len;
	}
	return (n > 0);
fail:
	dst[0] = '\0';
	return (-1);
}

/* -- lists -- */

/* Behind an opening quote, up to and with the closing one. */
static int
skip_quoted(struct cur *c)
{
	int	ch;

	while ((ch = cur_peek(c)) != -1) {
		(void)cur_skip(c, 1);
		if (ch == '"')
			return (0);
		if (ch == '\\' && cur_skip(c, 1) == -1)
			return (-1);
	}
	return (cur_fail(c));
}

void
sip_values_init(struct sip_values *it, const struct sip_msg *m, enum sip_hdr_id id)
{
	memset(it, 0, sizeof(*it));
	it->si_msg = m;
	it->si_hdr = sip_hdr_first(m, id);
}

int
sip_values_next(struct sip_values *it, struct span *v)
{
	struct cur	 start;
	struct span	 plain;
	int		 ch, angle = 0;

	v->p = "";
	v->len = 0;
	if (!it->si_open) {
		if (it->si_n > 0 && it->si_hdr != NULL)
			it->si_hdr = sip_hdr_next(it->si_msg, it->si_hdr);
		if (it->si_hdr == NULL)
			return (0);
		cur_init(&it->si_cur, it->si_hdr->sh_value.p,
		    it->si_hdr->sh_value.len);
	}
	if (it->si_n++ == SIP_VALUES_MAX)
		return (-1);
	start = it->si_cur;
	while ((ch = cur_peek(&it->si_cur)) != -1 && (ch != ',' || angle)) {
		if (list_plain[ch]) {
			(void)cur_token(&it->si_cur, list_plain, &plain);
			continue;
		}
		(void)cur_skip(&it->si_cur, 1);
		if (ch == '"' && !angle) {
			if (skip_quoted(&it->si_cur) == -1)
				return (-1);
		} else if (ch == '<') {
			if (angle)
				return (-1);
			angle = 1;
		} else if (ch == '>')
			angle = 0;
	}
	*v = sip_trim(cur_between(start, &it->si_cur));
	it->si_open = (ch == ',');
	if (ch == ',')
		(void)cur_skip(&it->si_cur, 1);
	return (angle || v->len == 0 ? -1 : 1);
}

int
sip_value(const struct sip_msg *m, enum sip_hdr_id id, size_t n, struct span *v)
{
	struct sip_values	it;
	int			r;

	sip_values_init(&it, m, id);
	while ((r = sip_values_next(&it, v)) == 1)
		if (n-- == 0)
			return (0);
	return (-1);
}

int
sip_values_count(const struct sip_msg *m, enum sip_hdr_id id)
{
	struct sip_values	it;
	struct span		v;
	int			n = 0, r;

	sip_values_init(&it, m, id);
	while ((r = sip_values_next(&it, &v)) == 1)
		n++;
	return (r == -1 ? -1 : n);
}

int
sip_list_has(const struct sip_msg *m, enum sip_hdr_id id, const char *token)
{
	const struct sip_hdr	*h;
	struct cur		 c;
	struct span		 s;

	for (h = sip_hdr_first(m, id); h != NULL; h = sip_hdr_next(m, h)) {
		cur_init(&c, h->sh_value.p, h->sh_value.len);
		while (cur_left(&c) > 0) {
			if (!sip_token[(uint8_t)cur_peek(&c)]) {
				(void)cur_skip(&c, 1);
				continue;
			}
			(void)cur_token(&c, sip_token, &s);
			if (span_caseeq(s, token))
				return (1);
		}
	}
	return (0);
}

/* -- parameters -- */

/* name [ = value ], then ';' or the end. */
static int
param_next(struct cur *c, struct span *name, struct span *val, int *quoted)
{
	struct cur	at;

	val->p = "";
	val->len = 0;
	*quoted = 0;
	sip_lws(c);
	if (cur_token(c, sip_visible, name) == -1)
		return (-1);
	/* sip_visible takes '=' too: cut the name there. */
	cur_init(&at, name->p, name->len);
	if (cur_until(&at, '=', val) == 0) {
		if (val->len == 0)
			return (cur_fail(c));
		*name = *val;
		(void)cur_skip(&at, 1);
		*val = cur_rest(&at);
		if (val->len == 0) {
			sip_lws(c);
			goto value;
		}
	} else {
		sip_lws(c);
		if (cur_peek(c) == '=') {
			(void)cur_skip(c, 1);
			sip_lws(c);
			goto value;
		}
	}
	goto end;
 value:
	if (cur_peek(c) == '"') {
		(void)cur_skip(c, 1);
		at = *c;
		if (skip_quoted(c) == -1)
			return (-1);
		*val = cur_between(at, c);
		val->len--;
		*quoted = 1;
	} else if (cur_token(c, sip_visible, val) == -1)
		return (-1);
 end:
	sip_lws(c);
	if (cur_left(c) > 0 && cur_lit(c, ';') == -1)
		return (-1);
	return (0);
}

int
sip_param_next(struct span *p, struct span *name, struct span *val)
{
	struct cur	c;
	int		quoted;

	*p = sip_trim(*p);
	if (p->len == 0)
		return (0);
	cur_init(&c, p->p, p->len);
	if (param_next(&c, name, val, &quoted) == -1)
		return (-1);
	*p = cur_rest(&c);
	return (1);
}

int
sip_param(struct span params, const char *want, struct span *out)
{
	struct cur	c;
	struct span	name, val;
	int		found = 0, quoted;

	out->p = "";
	out->len = 0;
	params = sip_trim(params);
	cur_init(&c, params.p, params.len);
	while (cur_left(&c) > 0) {
		if (param_next(&c, &name, &val, &quoted) == -1)
			return (-1);
		if (!span_caseeq(name, want))
			continue;
		if (found)
			return (-1);
		found = 1;
		*out = val;
	}
	return (found);
}

/* A parameter whose value must be a token: 1, 0 absent, -1. */
static int
param_token(struct span params, const char *name, struct span *val)
{
	struct cur	c;
	struct span	t;
	int		r;

	if ((r = sip_param(params, name, val)) != 1)
		return (r);
	cur_init(&c, val->p, val->len);
	if (cur_token(&c, sip_token, &t) == -1 || cur_done(&c) == -1)
		return (-1);
	return (1);
}

/* -- Via -- */

/* SIP/2.0/TRANSPORT host [ :port ], white space anywhere between; any: of any
 * version. */
static int
via_sent(struct cur *c, struct sip_via *v, int any)
{
	struct span	 t;
	uint64_t	 port;
	int		 ch;

	if (cur_token(c, sip_token, &t) == -1 || !span_caseeq(t, "SIP"))
		return (-1);
	sip_lws(c);
	(void)cur_lit(c, '/');
	sip_lws(c);
	if (cur_token(c, sip_token, &t) == -1 || (!any && !span_eq(t, "2.0")))
		return (-1);
	sip_lws(c);
	(void)cur_lit(c, '/');
	sip_lws(c);
	if (cur_token(c, sip_token, &v->sv_transport) == -1)
		return (-1);
	ch = cur_peek(c);
	if (ch != ' ' && ch != '\t' && ch != '\r')
		return (-1);
	sip_lws(c);
	if (cur_peek(c) == '[') {
		(void)cur_skip(c, 1);
		(void)cur_until(c, ']', &v->sv_host);
		(void)cur_skip(c, 1);
	} else
		(void)cur_token(c, host_chars, &v->sv_host);
	if (cur_ok(c) == -1 || v->sv_host.len == 0)
		return (-1);
	sip_lws(c);
	if (cur_peek(c) == ':') {
		(void)cur_skip(c, 1);
		sip_lws(c);
		if (cur_dec(c, 65535, &port) == -1 || port == 0)
			return (-1);
		v->sv_port = (uint16_t)port;
		sip_lws(c);
	}
	return (0);
}

int
sip_via_rough(struct span s, struct sip_via *v)
{
	struct cur	 c;

	memset(v, 0, sizeof(*v));
	v->sv_params.p = v->sv_branch.p = v->sv_received.p = v->sv_maddr.p = "";
	v->sv_all = sip_trim(s);
	cur_init(&c, v->sv_all.p, v->sv_all.len);
	return (via_sent(&c, v, 1));
}

int
sip_via_parse(struct span s, struct sip_via *v)
{
	struct cur	 c, n;
	struct span	 t, name, *out;
	uint64_t	 port;
	unsigned	 seen = 0, bit;
	int		 quoted;

	memset(v, 0, sizeof(*v));
	v->sv_params.p = v->sv_branch.p = v->sv_received.p = v->sv_maddr.p = "";
	v->sv_all = sip_trim(s);
	cur_init(&c, v->sv_all.p, v->sv_all.len);
	if (via_sent(&c, v, 0) == -1)
		return (-1);
	if (cur_left(&c) == 0)
		return (0);
	if (cur_lit(&c, ';') == -1)
		return (-1);
	v->sv_params = sip_trim(cur_rest(&c));
	cur_init(&c, v->sv_params.p, v->sv_params.len);
	while (cur_left(&c) > 0) {
		if (param_next(&c, &name, &t, &quoted) == -1)
			return (-1);
		out = NULL;
		if (span_caseeq(name, "branch")) {
			bit = 1;
			out = &v->sv_branch;
		} else if (span_caseeq(name, "received")) {
			bit = 2;
			out = &v->sv_received;
		} else if (span_caseeq(name, "maddr")) {
			bit = 4;
			out = &v->sv_maddr;
		} else if (span_caseeq(name, "rport"))
			bit = 8;
		else
			continue;
		if (seen & bit)
			return (-1);
		seen |= bit;
		if (out != NULL)
			*out = t;
		cur_init(&n, t.p, t.len);
		if (bit == 1 && (cur_token(&n, sip_token, &t) == -1 || cur_done(&n) == -1))
			return (-1);
		if (bit == 8 && t.len > 0) {
			if (cur_dec(&n, 65535, &port) == -1 || cur_done(&n) == -1)
				return (-1);
			v->sv_rport = (uint16_t)port;
		}
	}
	v->sv_has_rport = (seen & 8) != 0;
	return (0);
}

int
sip_via_get(const struct sip_msg *m, size_t n, struct sip_via *v)
{
	struct span	s;

	if (sip_value(m, SIP_H_VIA, n, &s) == -1)
		return (-1);
	return (sip_via_parse(s, v));
}

/* -- addresses -- */

int
sip_addr_parse(struct span s, struct sip_addr *a)
{
	struct cur	 c, at;
	struct span	 inner, t;
	int		 ch, quoted = 0;

	memset(a, 0, sizeof(*a));
	a->sa_display.p = a->sa_params.p = a->sa_tag.p = a->sa_uri.p = "";
	s = sip_trim(s);
	cur_init(&c, s.p, s.len);
	at = c;
	if (span_eq(s, "*")) {
		a->sa_star = 1;
		a->sa_uri = s;
		return (0);
	}
	if (cur_peek(&c) == '"') {
		(void)cur_skip(&c, 1);
		if (skip_quoted(&c) == -1)
			return (-1);
		quoted = 1;
		a->sa_display = cur_between(at, &c);
		sip_lws(&c);
		if (cur_peek(&c) != '<')
			return (-1);
	}
	if (!quoted) {
		if ((ch = cur_peek(&c)) != -1 && display_plain[ch]) {
			(void)cur_token(&c, display_plain, &t);
			ch = cur_peek(&c);
		}
		if (ch == '"' || ch == ',')
			return (-1);
		if (ch == '<')
			a->sa_display = sip_trim(cur_between(at, &c));
	}
	if (cur_peek(&c) == '<') {
		a->sa_brackets = 1;
		(void)cur_skip(&c, 1);
		if (cur_until(&c, '>', &a->sa_uri) == -1)
			return (-1);
		(void)cur_skip(&c, 1);
	} else
		a->sa_uri = sip_trim(cur_between(at, &c));
	cur_init(&at, a->sa_uri.p, a->sa_uri.len);
	if (cur_token(&at, uri_chars, &inner) == -1 || cur_done(&at) == -1)
		return (-1);
	/* Without brackets '?' would be ambiguous: RFC 3261 20.10. */
	if (!a->sa_brackets && memchr(a->sa_uri.p, '?', a->sa_uri.len) != NULL)
		return (-1);
	cur_init(&at, a->sa_uri.p, a->sa_uri.len);
	if (cur_until(&at, ':', &t) == -1 || t.len == 0)
		return (-1);
	sip_lws(&c);
	if (cur_left(&c) == 0)
		return (0);
	if (cur_lit(&c, ';') == -1)
		return (-1);
	a->sa_params = sip_trim(cur_rest(&c));
	switch (param_token(a->sa_params, "tag", &a->sa_tag)) {
	case -1:
		return (-1);
	case 1:
		return (a->sa_tag.len == 0 ? -1 : 0);
	}
	return (0);
}

int
sip_addr_get(const struct sip_msg *m, enum sip_hdr_id id, size_t n, struct sip_addr *a)
{
	struct span	s;

	if (sip_value(m, id, n, &s) == -1)
		return (-1);
	return (sip_addr_parse(s, a));
}

/* -- numbers -- */

int
sip_rack(const struct sip_msg *m, uint32_t *rseq, uint32_t *cseq, enum sip_method *method)
{
	const struct sip_hdr	*h;
	struct cur		 c;
	struct span		 name;
	uint64_t		 a, b;

	if ((h = sip_hdr_first(m, SIP_H_RACK)) == NULL)
		return (-1);
	cur_init(&c, h->sh_value.p, h->sh_value.len);
	(void)cur_dec(&c, UINT32_MAX, &a);
	sip_lws(&c);
	(void)cur_dec(&c, 0x7fffffff, &b);
	sip_lws(&c);
	(void)cur_token(&c, sip_token, &name);
	if (cur_done(&c) == -1)
		return (-1);
	*rseq = (uint32_t)a;
	*cseq = (uint32_t)b;
	*method = sip_method_parse(name);
	return (0);
}

int
sip_number(const struct sip_msg *m, enum sip_hdr_id id, uint32_t max, uint32_t *out)
{
	const struct sip_hdr	*h;
	struct cur		 c;
	uint64_t		 n;
	int			 ch;

	*out = 0;
	if ((h = sip_hdr_first(m, id)) == NULL)
		return (-1);
	cur_init(&c, h->sh_value.p, h->sh_value.len);
	if (cur_dec(&c, max, &n) == -1)
		return (-1);
	sip_lws(&c);
	ch = cur_peek(&c);
	if (ch != -1 && ch != ';' && ch != '(')
		return (-1);
	*out = (uint32_t)n;
	return (0);
}

int
sip_session_id(struct span v, struct span *id, struct span *remote)
{
	static const uint8_t	hex[256] = {
		['0' ... '9'] = 1, ['a' ... 'f'] = 1, ['A' ... 'F'] = 1
	};
	struct cur	c;
	struct span	name, val;

	memset(remote, 0, sizeof(*remote));
	cur_init(&c, v.p, v.len);
	if (cur_token(&c, hex, id) == -1 || id->len != 32)
		return (-1);
	if (cur_left(&c) == 0)
		return (0);
	v.p += id->len;
	v.len -= id->len;
	v = sip_trim(v);
	if (v.len == 0 || v.p[0] != ';')
		return (-1);
	v.p++;
	v.len--;
	/* Other parameters may say anything, so that one with them stays. */
	if (sip_param_next(&v, &name, &val) != 1 || !span_caseeq(name, "remote") ||
	    sip_trim(v).len != 0)
		return (-1);
	cur_init(&c, val.p, val.len);
	if (cur_token(&c, hex, remote) == -1 || remote->len != 32 ||
	    cur_left(&c) != 0)
		return (-1);
	return (0);
}
