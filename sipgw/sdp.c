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
 * core: the media rule: may this offer leave without a relay?
 */
#include <sys/types.h>

#include <stdint.h>
#include <string.h>

#include "addr.h"
#include "sdp.h"
#include "sip_hdr.h"

#define SDP_LINES_MAX	2048
#define BOUNDARY_MAX	70	/* RFC 2046 5.1.1 */

/* What a walk over a description has seen. */
struct sdp_walk {
	size_t	sw_media;	/* m= lines */
	size_t	sw_active;	/* with a port */
	int	sw_on;		/* inside a stream with a port */
	int	sw_conn;	/* this stream has a c= of its own */
	int	sw_session;	/* c= of the session: 0 none, 1 public, -1 not */
	int	sw_need;	/* a stream without c= has been left */
	int	sw_null;	/* this stream offers keys that hide nothing ... */
	int	sw_good;	/* ... and ones that do */
	int	sw_private;
	int	sw_plain;
	int	sw_unknown;
};

static int	 body_line(struct cur *, struct span *);
static int	 sdp_word(struct cur *, struct span *);
static int	 sdp_public(struct span, struct sdp_walk *);
static int	 sdp_conn(struct span, struct sdp_walk *);
static int	 sdp_media(struct span, struct sdp_walk *);
static void	 sdp_leave(struct sdp_walk *);
static void	 sdp_crypto(struct cur *, struct sdp_walk *);
static int	 sdp_attr(struct span, struct sdp_walk *);
static int	 is_type(struct span, const char *);
static int	 part_sdp(struct span, struct span *);
static int	 delimiter(struct span, struct span);
static int	 multipart(struct span, struct span, struct span *);

/* The next line, its LF or CRLF taken off.  0 at the end. */
static int
body_line(struct cur *c, struct span *line)
{
	if (cur_left(c) == 0)
		return (0);
	if (memchr(c->c_p, '\n', cur_left(c)) == NULL) {
		line->len = cur_left(c);
		line->p = (const char *)cur_ptr(c, line->len);
	} else {
		(void)cur_until(c, '\n', line);
		(void)cur_skip(c, 1);
	}
	if (line->len > 0 && line->p[line->len - 1] == '\r')
		line->len--;
	return (1);
}

/* The next word of a line; words are parted by spaces. */
static int
sdp_word(struct cur *c, struct span *w)
{
	struct cur	at;

	while (cur_peek(c) == ' ')
		(void)cur_skip(c, 1);
	at = *c;
	if (cur_until(c, ' ', w) == -1) {
		*c = at;
		w->len = cur_left(c);
		w->p = (const char *)cur_ptr(c, w->len);
	}
	return (w->len > 0 ? 0 : -1);
}

/* 1 public, -1 special (noted), 0 not a literal address (noted). */
static int
sdp_public(struct span s, struct sdp_walk *sw)
{
	struct vaddr	va;
	char		text[VADDR_STRLEN];

	if (span_str(s, text, sizeof(text)) == -1 ||
	    vaddr_parse(text, 0, &va) == -1) {
		sw->sw_unknown = 1;
		return (0);
	}
	if (vaddr_special(&va) != NULL)
		return (-1);
	return (1);
}

/* c=IN IP4 ADDRESS[/TTL[/COUNT]] */
static int
sdp_conn(struct span v, struct sdp_walk *sw)
{
	struct cur	c, a;
	struct span	net, type, addr, bare;
	int		r;

	cur_init(&c, v.p, v.len);
	if (sdp_word(&c, &net) == -1 || sdp_word(&c, &type) == -1 ||
	    sdp_word(&c, &addr) == -1 || cur_left(&c) != 0 ||
	    !span_caseeq(net, "IN") ||
	    (!span_caseeq(type, "IP4") && !span_caseeq(type, "IP6")))
		return (-1);
	cur_init(&a, addr.p, addr.len);
	if (cur_until(&a, '/', &bare) == 0)
		addr = bare;
	if (sw->sw_media == 0) {
		if (sw->sw_session != 0)
			return (-1);
		r = sdp_public(addr, sw);
		sw->sw_session = r == 0 ? 1 : r;
		return (0);
	}
	/* More than one c= in a stream is legal (layered multicast). */
	sw->sw_conn = 1;
	if (sw->sw_on && sdp_public(addr, sw) == -1)
		sw->sw_private = 1;
	return (0);
}

/* The end of a stream, if we are in one. */
static void
sdp_leave(struct sdp_walk *sw)
{
	if (sw->sw_on && !sw->sw_conn)
		sw->sw_need = 1;
	if (sw->sw_on && sw->sw_null && !sw->sw_good)
		sw->sw_plain = 1;
	sw->sw_on = sw->sw_conn = sw->sw_null = sw->sw_good = 0;
}

/* m=audio 49170[/2] RTP/SAVP 0 */
static int
sdp_media(struct span v, struct sdp_walk *sw)
{
	static const char *const srtp[] = {
		"RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP",
		"UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVP", "TCP/TLS/RTP/SAVPF"
	};
	struct cur	c, p;
	struct span	media, port, proto;
	uint64_t	n;
	size_t		i;

	sdp_leave(sw);
	if (++sw->sw_media > SDP_MEDIA_MAX)
		return (-1);
	cur_init(&c, v.p, v.len);
	if (sdp_word(&c, &media) == -1 || sdp_word(&c, &port) == -1 ||
	    sdp_word(&c, &proto) == -1)
		return (-1);
	cur_init(&p, port.p, port.len);
	if (cur_dec(&p, 65535, &n) == -1 ||
	    (cur_left(&p) > 0 && cur_lit(&p, '/') == -1))
		return (-1);
	if (n == 0)
		return (0);
	sw->sw_on = 1;
	sw->sw_active++;
	for (i = 0; i < sizeof(srtp) / sizeof(srtp[0]); i++)
		if (span_caseeq(proto, srtp[i]))
			return (0);
	sw->sw_plain = 1;
	return (0);
}

/* a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:... [PARAMETER...], RFC 4568: some
 * suites and one parameter leave the media as they are. */
static void
sdp_crypto(struct cur *c, struct sdp_walk *sw)
{
	struct span	w;
	int		i, null = 0;

	for (i = 0; sdp_word(c, &w) == 0; i++) {
		if (i == 1)
			null |= w.len >= 5 && strncasecmp(w.p, "NULL_", 5) == 0;
		if (i > 2)
			null |= span_caseeq(w, "UNENCRYPTED_SRTP");
	}
	if (null)
		sw->sw_null = 1;
	else
		sw->sw_good = 1;
}

/* a=rtcp:PORT [IN IP4 ADDRESS] and a=candidate: ... ADDRESS PORT typ ... */
static int
sdp_attr(struct span v, struct sdp_walk *sw)
{
	struct cur	c;
	struct span	name, w;
	int		i, at;

	if (!sw->sw_on)
		return (0);
	cur_init(&c, v.p, v.len);
	if (cur_until(&c, ':', &name) == -1)
		return (0);
	(void)cur_skip(&c, 1);
	if (span_caseeq(name, "candidate"))
		at = 4;
	else if (span_caseeq(name, "rtcp"))
		at = 3;
	else if (span_caseeq(name, "crypto")) {
		sdp_crypto(&c, sw);
		return (0);
	} else
		return (0);
	for (i = 0; i <= at; i++)
		if (sdp_word(&c, &w) == -1)
			return (at == 3 && i == 1 ? 0 : -1);
	if (sdp_public(w, sw) == -1)
		sw->sw_private = 1;
	return (0);
}

enum media_verdict
sdp_judge(struct span sdp, int plain)
{
	struct sdp_walk	 sw;
	struct cur	 c;
	struct span	 line, v;
	size_t		 lines = 0, i;
	int		 r = 0;

	memset(&sw, 0, sizeof(sw));
	cur_init(&c, sdp.p, sdp.len);
	while (body_line(&c, &line)) {
		if (line.len == 0 && cur_left(&c) == 0)
			break;
		if (++lines > SDP_LINES_MAX || line.len < 2 || line.p[1] != '=')
			return (MEDIA_UNKNOWN);
		for (i = 0; i < line.len; i++)
			if ((uint8_t)line.p[i] < 0x20 && line.p[i] != '\t')
				return (MEDIA_UNKNOWN);
		v.p = line.p + 2;
		v.len = line.len - 2;
		if (lines == 1 && !span_eq(line, "v=0"))
			return (MEDIA_UNKNOWN);
		switch (line.p[0]) {
		case 'c':
			r = sdp_conn(v, &sw);
			break;
		case 'm':
			r = sdp_media(v, &sw);
			break;
		case 'a':
			r = sdp_attr(v, &sw);
			break;
		}
		if (r == -1)
			return (MEDIA_UNKNOWN);
	}
	sdp_leave(&sw);
	if (sw.sw_need && sw.sw_session == -1)
		sw.sw_private = 1;
	if (sw.sw_private)
		return (MEDIA_PRIVATE);
	if (sw.sw_plain && !plain)
		return (MEDIA_PLAINTEXT);
	if (sw.sw_unknown || sw.sw_active == 0 ||
	    (sw.sw_need && sw.sw_session == 0))
		return (MEDIA_UNKNOWN);
	return (MEDIA_OK);
}

/* -- bodies -- */

/* Is a Content-Type this media type, with or without parameters? */
static int
is_type(struct span v, const char *type)
{
	struct cur	c;
	struct span	t;

	cur_init(&c, v.p, v.len);
	if (cur_until(&c, ';', &t) == 0)
		v = t;
	return (span_caseeq(sip_trim(v), type));
}

/* One part: 1 and the span if it is a description, 0 if it is something
 * else, -1 if in doubt. */
static int
part_sdp(struct span part, struct span *out)
{
	struct cur	c, h;
	struct span	line, name, v;
	int		sdp = 0, coded = 0;

	cur_init(&c, part.p, part.len);
	for (;;) {
		if (!body_line(&c, &line))
			return (sdp ? -1 : 0);
		if (line.len == 0)
			break;
		cur_init(&h, line.p, line.len);
		if (cur_token(&h, sip_token, &name) == -1)
			return (-1);	/* a fold, or no header */
		if (cur_peek(&h) == ' ' || cur_lit(&h, ':') == -1)
			return (-1);
		v.len = cur_left(&h);
		v.p = (const char *)cur_ptr(&h, v.len);
		v = sip_trim(v);
		if (span_caseeq(name, "Content-Transfer-Encoding"))
			coded |= !span_caseeq(v, "binary") &&
			    !span_caseeq(v, "8bit") && !span_caseeq(v, "7bit");
		else if (sip_hdr_lookup(name) == SIP_H_CONTENT_ENCODING)
			coded |= !span_caseeq(v, "identity");
		else if (sip_hdr_lookup(name) == SIP_H_CONTENT_TYPE) {
			if (sdp || (v.len >= 10 &&
			    strncasecmp(v.p, "multipart/", 10) == 0))
				return (-1);
			sdp = is_type(v, "application/sdp");
		}
	}
	if (!sdp)
		return (0);
	out->len = cur_left(&c);
	out->p = (const char *)cur_ptr(&c, out->len);
	return (coded ? -1 : 1);
}

/* Is the line a delimiter: 1, the last one: 2, neither: 0? */
static int
delimiter(struct span line, struct span boundary)
{
	struct cur	c;
	const uint8_t	*p;

	cur_init(&c, line.p, line.len);
	if (cur_lit(&c, '-') == -1 || cur_lit(&c, '-') == -1 ||
	    (p = cur_ptr(&c, boundary.len)) == NULL ||
	    memcmp(p, boundary.p, boundary.len) != 0)
		return (0);
	if (cur_left(&c) >= 2 && cur_peek(&c) == '-') {
		(void)cur_skip(&c, 1);
		return (cur_lit(&c, '-') == 0 ? 2 : 0);
	}
	while (cur_peek(&c) == ' ' || cur_peek(&c) == '\t')
		(void)cur_skip(&c, 1);
	return (cur_done(&c) == 0 ? 1 : 0);
}

static int
multipart(struct span body, struct span boundary, struct span *out)
{
	struct cur	c, part, at;
	struct span	line, s;
	size_t		parts = 0, from, end;
	int		open = 0, found = 0, r;

	cur_init(&c, body.p, body.len);
	part = c;
	for (;;) {
		at = c;
		if (!body_line(&c, &line))
			return (-1);	/* no closing delimiter */
		if ((r = delimiter(line, boundary)) == 0)
			continue;
		if (open) {
			/* The line end before a delimiter belongs to it. */
			from = cur_off(&part);
			end = cur_off(&at);
			s.p = (const char *)cur_ptr(&part, end - from);
			s.len = end - from;
			if (s.len > 0 && s.p[s.len - 1] == '\n')
				s.len--;
			if (s.len > 0 && s.p[s.len - 1] == '\r')
				s.len--;
			switch (part_sdp(s, &line)) {
			case -1:
				return (-1);
			case 1:
				if (found++)
					return (-1);
				*out = line;
			}
		}
		if (r == 2)
			return (found ? 0 : -1);
		if (++parts > SDP_PARTS_MAX)
			return (-1);
		open = 1;
		part = c;
	}
}

int
sdp_find(const struct sip_msg *m, struct span *out)
{
	const struct sip_hdr	*h;
	struct cur		 c;
	struct span		 t, boundary;

	out->p = "";
	out->len = 0;
	if (m->sm_body.len == 0 ||
	    (h = sip_hdr_first(m, SIP_H_CONTENT_ENCODING)) != NULL)
		return (-1);
	if ((h = sip_hdr_first(m, SIP_H_CONTENT_TYPE)) == NULL)
		return (-1);
	if (is_type(h->sh_value, "application/sdp")) {
		*out = m->sm_body;
		return (0);
	}
	if (!is_type(h->sh_value, "multipart/mixed"))
		return (-1);
	cur_init(&c, h->sh_value.p, h->sh_value.len);
	if (cur_until(&c, ';', &t) == -1)
		return (-1);
	(void)cur_skip(&c, 1);
	t.len = cur_left(&c);
	t.p = (const char *)cur_ptr(&c, t.len);
	if (sip_param(t, "boundary", &boundary) != 1 || boundary.len == 0 ||
	    boundary.len > BOUNDARY_MAX)
		return (-1);
	return (multipart(m->sm_body, boundary, out));
}

enum media_verdict
sdp_judge_msg(const struct sip_msg *m, int plain)
{
	struct span	s;

	if (sdp_find(m, &s) == -1)
		return (MEDIA_UNKNOWN);
	return (sdp_judge(s, plain));
}
