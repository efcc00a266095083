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
 * core: SIP messages: lines, header table, framing on a stream.
 */
#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sip_hdr.h"
#include "sip_parse.h"

/* What sip_line found; LINE_BAD: a whole line whose end is wrong. */
enum line { LINE_BAD = -1, LINE_MORE = 0, LINE_FULL = 1 };

static enum line sip_line(struct cur *, int, struct span *);
static int	 sip_bare_cr(struct cur);
static enum sip_error sip_clean(struct span, int);
static int	 sip_utf8(struct span);
static void	 sip_soft(struct sip_msg *, enum sip_error);
static int	 sip_hard(struct sip_msg *, enum sip_error);
static enum sip_error sip_start(struct sip_msg *, struct span);
static int	 sip_header(struct sip_msg *, struct span, int);
static enum sip_error sip_length(struct span, int64_t *);
static void	 sip_fields(struct sip_msg *, int);
static enum sip_error sip_cseq(struct sip_msg *);
static void	 sip_addrs(struct sip_msg *, enum sip_hdr_id, enum sip_error);
static void	 sip_body(struct sip_msg *, struct cur *, int);

/*
 * One line without its CRLF; folds tells whether lines that begin with white
 * space belong to the one before.  LINE_MORE: the end is not in the buffer
 * (the byte behind the CRLF is needed to know that no fold follows).
 * LINE_BAD: it ends with a bare LF or holds a bare CR; it is given all the
 * same, for what can be read of a message that is refused.
 */
static enum line
sip_line(struct cur *c, int folds, struct span *line)
{
	struct cur	 start = *c;
	struct span	 part;
	size_t		 from = cur_off(c), len;
	enum line	 r = LINE_FULL;
	int		 ch;

	for (;;) {
		if (cur_until(c, '\n', &part) == -1)
			return (LINE_MORE);
		len = cur_off(c) - from;
		(void)cur_skip(c, 1);
		if (part.len > 0 && part.p[part.len - 1] == '\r')
			len--;
		else
			r = LINE_BAD;
		if (part.len > 1 && memchr(part.p, '\r', part.len - 1) != NULL)
			r = LINE_BAD;
		if (!folds || len == 0)
			break;
		ch = cur_peek(c);
		if (ch == -1)
			return (LINE_MORE);
		if (ch != ' ' && ch != '\t')
			break;
	}
	line->p = (const char *)cur_ptr(&start, len);
	line->len = len;
	return (r);
}

/* Is there a CR that no LF follows in what is left? */
static int
sip_bare_cr(struct cur c)
{
	struct span	part;

	while (cur_until(&c, '\r', &part) == 0) {
		(void)cur_skip(&c, 1);
		if (cur_left(&c) > 0 && cur_lit(&c, '\n') == -1)
			return (1);
	}
	return (0);
}

/* Well-formed UTF-8 (RFC 3629: no surrogates, shortest form)? */
static int
sip_utf8(struct span s)
{
	struct cur	c;
	uint32_t	v, min;
	uint8_t		b;
	int		n;

	cur_init(&c, s.p, s.len);
	while (cur_left(&c) > 0) {
		(void)cur_u8(&c, &b);
		if (b < 0x80)
			continue;
		if (b >= 0xc2 && b <= 0xdf) {
			n = 1;
			v = b & 0x1f;
			min = 0x80;
		} else if ((b & 0xf0) == 0xe0) {
			n = 2;
			v = b & 0x0f;
			min = 0x800;
		} else if (b >= 0xf0 && b <= 0xf4) {
			n = 3;
			v = b & 0x07;
			min = 0x10000;
		} else
			return (0);
		while (n-- > 0) {
			if (cur_u8(&c, &b) == -1 || (b & 0xc0) != 0x80)
				return (0);
			v = v << 6 | (b & 0x3f);
		}
		if (v < min || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
			return (0);
	}
	return (1);
}

/* Eight bytes at a time, as this looks at every one of every message. */
int
sip_plain(struct span s, int *high)
{
	const uint64_t	ones = 0x0101010101010101u, tops = 0x8080808080808080u;
	uint64_t	w, odd = 0, all = 0;
	size_t		i;
	uint8_t		b;

	for (i = 0; i + sizeof(w) <= s.len; i += sizeof(w)) {
		memcpy(&w, s.p + i, sizeof(w));
		all |= w;
		/* The top bit of each byte: below 0x20, or 0x7f. */
		odd |= (w - ones * 0x20) & ~w;
		w ^= ones * 0x7f;
		odd |= (w - ones) & ~w;
	}
	for (; i < s.len; i++) {
		b = (uint8_t)s.p[i];
		all |= b;
		odd |= b < 0x20 || b == 0x7f ? 0x80 : 0;
	}
	*high = (all & tops) != 0;
	return ((odd & tops) == 0);
}

/*
 * Judge the bytes of a line; CR and LF may stand in it as folds only.  From
 * inside a control character may stand in a quoted string, escaped (the
 * quoted-pair of RFC 3261 25.1).
 */
static enum sip_error
sip_clean(struct span line, int flags)
{
	size_t	i;
	int	high, quoted = 0, escaped = 0;
	uint8_t	b;

	if (!sip_plain(line, &high)) {
		for (i = 0; i < line.len; i++) {
			b = (uint8_t)line.p[i];
			if (b == '\r' && i + 1 < line.len && line.p[i + 1] == '\n') {
				i++;
				escaped = 0;
				continue;
			}
			if (b == '\r' || b == '\n')
				return (SIP_E_LINE_END);
			if ((b < 0x20 || b == 0x7f) && b != '\t' &&
			    !(escaped && (flags & SIP_INSIDE)))
				return (SIP_E_CONTROL);
			if (!escaped && b == '"')
				quoted = !quoted;
			escaped = quoted && !escaped && b == '\\';
		}
	}
	if (high && !(flags & SIP_INSIDE) && !sip_utf8(line))
		return (SIP_E_UTF8);
	return (SIP_E_OK);
}

/* The first error counts; reading goes on so that it can be answered. */
static void
sip_soft(struct sip_msg *m, enum sip_error e)
{
	if (m->sm_error == SIP_E_OK)
		m->sm_error = e;
}

static int
sip_hard(struct sip_msg *m, enum sip_error e)
{
	sip_soft(m, e);
	return (-1);
}

static enum sip_error
sip_start(struct sip_msg *m, struct span line)
{
	struct cur	c;
	struct span	first, version;
	uint64_t	status;
	size_t		i;

	cur_init(&c, line.p, line.len);
	if (line.len > 4 && strncasecmp(line.p, "SIP/", 4) == 0) {
		if (cur_until(&c, ' ', &version) == -1)
			return (SIP_E_START_LINE);
		if (!span_caseeq(version, "SIP/2.0"))
			return (SIP_E_VERSION);
		(void)cur_skip(&c, 1);
		i = cur_off(&c);
		if (cur_dec(&c, 699, &status) == -1 || status < 100 ||
		    cur_off(&c) - i != 3)
			return (SIP_E_START_LINE);
		/* RFC 3261 wants the space even before an empty reason; many
		 * leave it out. */
		if (cur_left(&c) > 0 && cur_lit(&c, ' ') == -1)
			return (SIP_E_START_LINE);
		m->sm_status = (int)status;
		m->sm_reason.len = cur_left(&c);
		m->sm_reason.p = (const char *)cur_ptr(&c, m->sm_reason.len);
		return (SIP_E_OK);
	}
	m->sm_request = 1;
	if (cur_token(&c, sip_token, &first) == -1)
		return (SIP_E_START_LINE);
	m->sm_method_name = first;
	m->sm_method = sip_method_parse(first);
	if (cur_lit(&c, ' ') == -1 || cur_until(&c, ' ', &m->sm_uri) == -1)
		return (SIP_E_START_LINE);
	(void)cur_skip(&c, 1);
	version.len = cur_left(&c);
	version.p = (const char *)cur_ptr(&c, version.len);
	if (version.len < 5 || strncasecmp(version.p, "SIP/", 4) != 0 ||
	    memchr(version.p, ' ', version.len) != NULL)
		return (SIP_E_START_LINE);
	if (!span_caseeq(version, "SIP/2.0"))
		return (SIP_E_VERSION);
	if (m->sm_uri.len == 0)
		return (SIP_E_URI);
	for (i = 0; i < m->sm_uri.len; i++)
		if (m->sm_uri.p[i] == '\t' || m->sm_uri.p[i] == '<' ||
		    m->sm_uri.p[i] == '>' || m->sm_uri.p[i] == '"')
			return (SIP_E_URI);
	return (SIP_E_OK);
}

/* One header line into the table.  -1 only when the table is full. */
static int
sip_header(struct sip_msg *m, struct span line, int flags)
{
	struct cur	 c;
	struct span	 name;
	struct sip_hdr	*h;
	enum sip_hdr_id	 id;
	enum sip_error	 e;

	if (m->sm_nhdrs == SIP_HDRS_MAX + (flags & SIP_OWN ? SIP_HDRS_OWN : 0u))
		return (sip_hard(m, SIP_E_TOO_MANY_HEADERS));
	if ((e = sip_clean(line, flags)) != SIP_E_OK) {
		sip_soft(m, e);
		return (0);
	}
	cur_init(&c, line.p, line.len);
	if (cur_token(&c, sip_token, &name) == -1) {
		sip_soft(m, SIP_E_HEADER);
		return (0);
	}
	while (cur_peek(&c) == ' ' || cur_peek(&c) == '\t')
		(void)cur_skip(&c, 1);
	if (cur_lit(&c, ':') == -1) {
		sip_soft(m, SIP_E_HEADER);
		return (0);
	}
	id = sip_hdr_lookup(name);
	if (m->sm_count[id] > 0 && sip_hdr_single(id, flags & SIP_INSIDE))
		sip_soft(m, id == SIP_H_CONTENT_LENGTH ?
		    SIP_E_LENGTH_REPEATED : SIP_E_REPEATED);
	h = &m->sm_hdrs[m->sm_nhdrs];
	h->sh_id = (uint16_t)id;
	h->sh_name = name;
	h->sh_value.len = cur_left(&c);
	h->sh_value.p = (const char *)cur_ptr(&c, h->sh_value.len);
	h->sh_value = sip_trim(h->sh_value);
	if (m->sm_first[id] == -1)
		m->sm_first[id] = (int16_t)m->sm_nhdrs;
	m->sm_count[id]++;
	m->sm_nhdrs++;
	return (0);
}

/* Plain digits, nothing else. */
static enum sip_error
sip_length(struct span v, int64_t *out)
{
	struct cur	c;
	uint64_t	n;
	size_t		i;

	*out = -1;
	for (i = 0; i < v.len; i++)
		if (v.p[i] < '0' || v.p[i] > '9')
			return (SIP_E_LENGTH_BAD);
	cur_init(&c, v.p, v.len);
	if (v.len == 0)
		return (SIP_E_LENGTH_BAD);
	if (cur_dec(&c, SIP_MSG_MAX, &n) == -1)
		return (SIP_E_TOO_LARGE);
	*out = (int64_t)n;
	return (SIP_E_OK);
}

static enum sip_error
sip_cseq(struct sip_msg *m)
{
	const struct sip_hdr	*h;
	struct cur		 c;
	struct span		 name;
	uint64_t		 n;

	if ((h = sip_hdr_first(m, SIP_H_CSEQ)) == NULL)
		return (SIP_E_CSEQ);
	cur_init(&c, h->sh_value.p, h->sh_value.len);
	if (cur_dec(&c, 0x7fffffff, &n) == -1)
		return (SIP_E_CSEQ);
	m->sm_cseq = (uint32_t)n;
	name.len = cur_left(&c);
	sip_lws(&c);
	if (cur_left(&c) == name.len || cur_token(&c, sip_token, &name) == -1 ||
	    cur_done(&c) == -1)
		return (SIP_E_CSEQ);
	if (!m->sm_request) {
		m->sm_method_name = name;
		m->sm_method = sip_method_parse(name);
	} else if (!sip_span_same(name, m->sm_method_name))
		return (SIP_E_CSEQ);
	return (SIP_E_OK);
}

/* Every value of Contact, Route or Record-Route must be readable. */
static void
sip_addrs(struct sip_msg *m, enum sip_hdr_id id, enum sip_error e)
{
	struct sip_values	 it;
	struct sip_addr		 a;
	struct span		 v;
	int			 r;

	if (!sip_hdr_has(m, id))
		return;
	sip_values_init(&it, m, id);
	while ((r = sip_values_next(&it, &v)) == 1)
		if (sip_addr_parse(v, &a) == -1 ||
		    (a.sa_star && id != SIP_H_CONTACT)) {
			sip_soft(m, e);
			return;
		}
	if (r == -1)
		sip_soft(m, e);
}

/* The fields that every message has, and those that are read at once. */
static void
sip_fields(struct sip_msg *m, int flags)
{
	const struct sip_hdr	*h;
	struct cur		 c;
	uint64_t		 n;
	enum sip_error		 e;
	int			 vias;

	vias = sip_values_count(m, SIP_H_VIA);
	m->sm_nvias = vias > 0 ? (size_t)vias : 0;
	if (vias > SIP_VIAS_MAX + (flags & SIP_OWN ? 1 : 0))
		sip_soft(m, SIP_E_TOO_MANY_VIAS);
	else if (vias <= 0 || sip_via_get(m, 0, &m->sm_via) == -1)
		sip_soft(m, SIP_E_VIA);

	if ((h = sip_hdr_first(m, SIP_H_FROM)) == NULL ||
	    sip_addr_parse(h->sh_value, &m->sm_from) == -1 || m->sm_from.sa_star)
		sip_soft(m, SIP_E_FROM);
	else if (m->sm_from.sa_tag.len == 0 && !(flags & SIP_INSIDE))
		sip_soft(m, SIP_E_FROM_TAG);
	if ((h = sip_hdr_first(m, SIP_H_TO)) == NULL ||
	    sip_addr_parse(h->sh_value, &m->sm_to) == -1 || m->sm_to.sa_star)
		sip_soft(m, SIP_E_TO);

	if ((h = sip_hdr_first(m, SIP_H_CALL_ID)) != NULL) {
		cur_init(&c, h->sh_value.p, h->sh_value.len);
		if (cur_token(&c, sip_word, &m->sm_call_id) == -1 ||
		    cur_done(&c) == -1) {
			m->sm_call_id.len = 0;
			h = NULL;
		}
	}
	if (h == NULL)
		sip_soft(m, SIP_E_CALL_ID);
	if ((e = sip_cseq(m)) != SIP_E_OK)
		sip_soft(m, e);

	if ((h = sip_hdr_first(m, SIP_H_MAX_FORWARDS)) != NULL) {
		cur_init(&c, h->sh_value.p, h->sh_value.len);
		if (cur_dec(&c, 255, &n) == -1 || cur_done(&c) == -1)
			sip_soft(m, SIP_E_MAX_FORWARDS);
		else
			m->sm_max_forwards = (int)n;
	}
	sip_addrs(m, SIP_H_CONTACT, SIP_E_CONTACT);
	sip_addrs(m, SIP_H_ROUTE, SIP_E_ROUTE);
	sip_addrs(m, SIP_H_RECORD_ROUTE, SIP_E_ROUTE);
}

static void
sip_body(struct sip_msg *m, struct cur *c, int flags)
{
	const struct sip_hdr	*h;
	enum sip_error		 e;
	size_t			 len = cur_left(c);

	if ((h = sip_hdr_first(m, SIP_H_CONTENT_LENGTH)) == NULL) {
		if (flags & SIP_STREAM) {
			sip_soft(m, SIP_E_LENGTH_MISSING);
			return;
		}
	} else if ((e = sip_length(h->sh_value, &m->sm_content_length)) !=
	    SIP_E_OK) {
		sip_soft(m, e);
		return;
	} else if ((size_t)m->sm_content_length > len ||
	    ((flags & SIP_STREAM) && (size_t)m->sm_content_length != len)) {
		sip_soft(m, SIP_E_LENGTH_BAD);
		return;
	} else
		len = (size_t)m->sm_content_length;
	m->sm_body.p = (const char *)cur_ptr(c, len);
	m->sm_body.len = len;
}

int
sip_parse(struct sip_msg *m, const void *buf, size_t buflen, int flags)
{
	struct cur	c, all;
	struct span	line;
	enum sip_error	e;
	enum line	r;
	int		first = 1, i;

	memset(m, 0, offsetof(struct sip_msg, sm_hdrs));
	for (i = 0; i < SIP_H_MAX; i++)
		m->sm_first[i] = -1;
	m->sm_max_forwards = -1;
	m->sm_content_length = -1;
	m->sm_body.p = m->sm_call_id.p = m->sm_uri.p = m->sm_reason.p = "";
	cur_init(&c, buf, buflen);
	while (cur_peek(&c) == '\r' || cur_peek(&c) == '\n')
		(void)cur_skip(&c, 1);
	all = c;
	for (;;) {
		r = sip_line(&c, !first, &line);
		if (r == LINE_MORE)
			return (sip_hard(m, buflen > SIP_MSG_MAX ?
			    SIP_E_TOO_LARGE : SIP_E_LINE_END));
		if (r == LINE_BAD)
			sip_soft(m, SIP_E_LINE_END);
		if (first) {
			if ((e = sip_clean(line, flags)) != SIP_E_OK)
				sip_soft(m, e);
			e = sip_start(m, line);
			sip_soft(m, e);
			/* With a method it is read on, for an answer. */
			if (e == SIP_E_START_LINE && m->sm_method_name.len == 0)
				return (-1);
			first = 0;
			continue;
		}
		if (line.len == 0)
			break;
		if (sip_header(m, line, flags) == -1)
			return (-1);
	}
	if (buflen > SIP_MSG_MAX)
		return (sip_hard(m, SIP_E_TOO_LARGE));
	sip_body(m, &c, flags);
	m->sm_all.len = cur_off(&c) - cur_off(&all);
	m->sm_all.p = (const char *)cur_ptr(&all, m->sm_all.len);
	sip_fields(m, flags);
	return (m->sm_error == SIP_E_OK ? 0 : -1);
}

int
sip_answerable(struct sip_msg *m)
{
	const struct sip_hdr	*h;
	enum sip_error		 keep = m->sm_error;

	if (!m->sm_request || m->sm_method_name.len == 0 ||
	    m->sm_method == SIP_M_ACK ||
	    (h = sip_hdr_first(m, SIP_H_VIA)) == NULL)
		return (0);
	/* After a hard stop the fields were not read yet. */
	sip_fields(m, SIP_INSIDE);
	m->sm_error = keep;
	if (m->sm_nvias > 0 && m->sm_via.sv_host.len > 0)
		return (1);
	return (sip_via_rough(h->sh_value, &m->sm_via) == 0);
}

/* -- stream -- */

ptrdiff_t
sip_frame(const void *buf, size_t len, size_t *skip, enum sip_error *err)
{
	struct cur	c, h, at;
	struct span	line, name, value;
	int64_t		body = -1;
	size_t		start, lines = 0, used;
	enum line	r;

	*err = SIP_E_OK;
	*skip = 0;
	cur_init(&c, buf, len);
	while (cur_peek(&c) == '\r') {
		h = c;
		(void)cur_skip(&h, 1);
		if (cur_peek(&h) == -1)
			return (0);
		if (cur_lit(&h, '\n') == -1) {
			*err = SIP_E_LINE_END;
			return (-1);
		}
		c = h;
		*skip = cur_off(&c);
	}
	start = cur_off(&c);
	while (at = c, (r = sip_line(&c, lines > 0, &line)) == LINE_FULL &&
	    line.len > 0) {
		if (lines++ == 0)
			continue;
		if (lines > SIP_HDRS_MAX + 1) {
			*err = SIP_E_TOO_MANY_HEADERS;
			return (-1);
		}
		cur_init(&h, line.p, line.len);
		if (cur_token(&h, sip_token, &name) == -1 ||
		    sip_hdr_lookup(name) != SIP_H_CONTENT_LENGTH)
			continue;
		while (cur_peek(&h) == ' ' || cur_peek(&h) == '\t')
			(void)cur_skip(&h, 1);
		if (cur_lit(&h, ':') == -1)
			*err = SIP_E_HEADER;
		else if (body != -1)
			*err = SIP_E_LENGTH_REPEATED;
		else {
			value.len = cur_left(&h);
			value.p = (const char *)cur_ptr(&h, value.len);
			*err = sip_length(sip_trim(value), &body);
		}
		if (*err != SIP_E_OK)
			return (-1);
	}
	if (r == LINE_BAD || (r == LINE_MORE && sip_bare_cr(at))) {
		*err = SIP_E_LINE_END;
		return (-1);
	}
	used = cur_off(&c) - start;
	if (r == LINE_MORE) {
		if (len - start < SIP_MSG_MAX)
			return (0);
		*err = SIP_E_TOO_LARGE;
		return (-1);
	}
	if (body == -1)
		*err = SIP_E_LENGTH_MISSING;
	else if ((size_t)body > SIP_MSG_MAX - used || used > SIP_MSG_MAX)
		*err = SIP_E_TOO_LARGE;
	if (*err != SIP_E_OK)
		return (-1);
	if (cur_left(&c) < (size_t)body)
		return (0);
	return ((ptrdiff_t)(used + (size_t)body));
}
