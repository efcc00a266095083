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
 * core: HEP version 3 packets, and what is blotted out of the messages in them.
 */

#include <sys/types.h>

#include <stdint.h>
#include <string.h>

#include "conf.h"
#include "hep.h"

/* Chunk types of vendor 0. */
enum hep_chunk {
	HEP_FAMILY = 0x01, HEP_PROTO = 0x02, HEP_SRC4 = 0x03, HEP_DST4 = 0x04,
	HEP_SRC6 = 0x05, HEP_DST6 = 0x06, HEP_SPORT = 0x07, HEP_DPORT = 0x08,
	HEP_SEC = 0x09, HEP_USEC = 0x0a, HEP_TYPE = 0x0b, HEP_AGENT = 0x0c,
	HEP_PAYLOAD = 0x0f, HEP_CID = 0x11
};
#define CHUNK_HEAD	6
#define FAMILY_IPV4	2
#define FAMILY_IPV6	10
#define PROTO_TCP	6
#define PROTO_UDP	17
#define TYPE_SIP	1

/* Nothing, the rest of a line, the body that will come. */
enum blot { BLOT_NONE = 0, BLOT_VALUE, BLOT_BODY };

static void	 chunk(struct wbuf *, enum hep_chunk, size_t);
static int	 begins(struct span, const char *);
static int	 header_is(struct span, const char *, size_t *);
static struct span behind(struct span, size_t);
static enum blot line_judge(struct span, size_t *);
static struct span line_next(const char *, size_t, size_t *);

/* Head of a chunk with so many bytes behind it. */
static void
chunk(struct wbuf *w, enum hep_chunk type, size_t len)
{
	wbuf_u16(w, 0);
	wbuf_u16(w, (uint16_t)type);
	wbuf_u16(w, (uint16_t)(CHUNK_HEAD + len));
}

ptrdiff_t
hep_write(const struct hep_packet *hp, const void *msg, size_t len, uint8_t *out,
    size_t size)
{
	struct span	 cid = hp->hp_cid;
	struct wbuf	 w;
	int		 v6 = hp->hp_src.va_family == 6;
	size_t		 alen = v6 ? 16 : 4, total;

	if (cid.len > HEP_CID_MAX)
		cid.len = HEP_CID_MAX;
	total = 6 + 3 * (CHUNK_HEAD + 1) + 2 * (CHUNK_HEAD + alen) + 2 * (CHUNK_HEAD + 2) +
	    3 * (CHUNK_HEAD + 4) + CHUNK_HEAD + (cid.len > 0 ? CHUNK_HEAD + cid.len : 0);
	if (len > HEP_MAX || total + len > HEP_MAX || total + len > size)
		return (-1);
	wbuf_init(&w, out, size);
	wbuf_str(&w, "HEP3");
	wbuf_u16(&w, (uint16_t)(total + len));
	chunk(&w, HEP_FAMILY, 1);
	wbuf_u8(&w, v6 ? FAMILY_IPV6 : FAMILY_IPV4);
	chunk(&w, HEP_PROTO, 1);
	wbuf_u8(&w, hp->hp_proto == SIP_UDP ? PROTO_UDP : PROTO_TCP);
	chunk(&w, v6 ? HEP_SRC6 : HEP_SRC4, alen);
	wbuf_bytes(&w, hp->hp_src.va_addr, alen);
	chunk(&w, v6 ? HEP_DST6 : HEP_DST4, alen);
	wbuf_bytes(&w, hp->hp_dst.va_addr, alen);
	chunk(&w, HEP_SPORT, 2);
	wbuf_u16(&w, hp->hp_src.va_port);
	chunk(&w, HEP_DPORT, 2);
	wbuf_u16(&w, hp->hp_dst.va_port);
	chunk(&w, HEP_SEC, 4);
	wbuf_u32(&w, (uint32_t)(hp->hp_time / 1000));
	chunk(&w, HEP_USEC, 4);
	wbuf_u32(&w, (uint32_t)(hp->hp_time % 1000) * 1000);
	chunk(&w, HEP_TYPE, 1);
	wbuf_u8(&w, TYPE_SIP);
	chunk(&w, HEP_AGENT, 4);
	wbuf_u32(&w, hp->hp_id);
	if (cid.len > 0) {
		chunk(&w, HEP_CID, cid.len);
		wbuf_span(&w, cid);
	}
	chunk(&w, HEP_PAYLOAD, len);
	wbuf_bytes(&w, msg, len);
	if (wbuf_ok(&w) == -1)
		return (-1);
	hep_blot(out + w.w_len - len, len);
	return ((ptrdiff_t)w.w_len);
}

static int
begins(struct span s, const char *what)
{
	size_t	n = strlen(what);

	return (s.len >= n && strncasecmp(s.p, what, n) == 0);
}

/* A header line of that name?  *at: behind its colon. */
static int
header_is(struct span line, const char *name, size_t *at)
{
	size_t	i = strlen(name);

	if (!begins(line, name))
		return (0);
	while (i < line.len && (line.p[i] == ' ' || line.p[i] == '\t'))
		i++;
	if (i == line.len || line.p[i] != ':')
		return (0);
	*at = i + 1;
	return (1);
}

/* The rest of a line, without blanks in front. */
static struct span
behind(struct span s, size_t at)
{
	s.p += at;
	s.len -= at;
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.len--;
	}
	return (s);
}

/* What of the line goes: all from *at on. */
static enum blot
line_judge(struct span line, size_t *at)
{
	static const char *const secret[] = { "ViPR-Ticket", "X-Cisco-ViPR-Ticket",
	    "Authorization", "Proxy-Authorization" };
	static const char *const sdp[] = { "a=key-mgmt:", "a=ice-pwd:", "k=" };
	static const char *const digits[] = { "application/dtmf",
	    "application/kpml-response", "application/vnd.nortelnetworks.digits" };
	size_t	i;

	for (i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
		if (header_is(line, secret[i], at))
			return (BLOT_VALUE);
	for (i = 0; i < sizeof(sdp) / sizeof(sdp[0]); i++)
		if (begins(line, sdp[i])) {
			*at = strlen(sdp[i]);
			return (BLOT_VALUE);
		}
	if (begins(line, "a=crypto:")) {
		*at = 9;
		for (i = 9; i + 7 <= line.len; i++)
			if (strncasecmp(line.p + i, "inline:", 7) == 0) {
				*at = i + 7;
				break;
			}
		return (BLOT_VALUE);
	}
	if (header_is(line, "Content-Encoding", at) || header_is(line, "e", at) ||
	    header_is(line, "Content-Transfer-Encoding", at)) {
		line = behind(line, *at);
		if (!begins(line, "identity") && !begins(line, "binary") &&
		    !begins(line, "8bit") && !begins(line, "7bit"))
			return (BLOT_BODY);
	} else if (header_is(line, "Content-Type", at) || header_is(line, "c", at)) {
		/* Keys that a caller presses may be a PIN. */
		line = behind(line, *at);
		for (i = 0; i < sizeof(digits) / sizeof(digits[0]); i++)
			if (begins(line, digits[i]))
				return (BLOT_BODY);
	}
	return (BLOT_NONE);
}

/* A line without its end, which is CR LF, or one of them alone; *used: with it. */
static struct span
line_next(const char *p, size_t len, size_t *used)
{
	struct span	s = { p, 0 };

	while (s.len < len && p[s.len] != '\r' && p[s.len] != '\n')
		s.len++;
	*used = s.len;
	if (*used < len && p[*used] == '\r')
		(*used)++;
	if (*used < len && p[*used] == '\n')
		(*used)++;
	return (s);
}

void
hep_blot(uint8_t *p, size_t len)
{
	struct span	line;
	size_t		used, at, i;
	int		go_on = 0, encoded = 0;

	while (len > 0) {
		line = line_next((const char *)p, len, &used);
		at = line.len;
		if (line.len > 0 && (line.p[0] == ' ' || line.p[0] == '\t')) {
			if (go_on)
				at = 0;
		} else {
			go_on = 0;
			switch (line_judge(line, &at)) {
			case BLOT_VALUE:
				go_on = 1;
				break;
			case BLOT_BODY:
				encoded = 1;
				at = line.len;
				break;
			case BLOT_NONE:
				at = line.len;
				break;
			}
		}
		for (i = at; i < line.len; i++)
			if (p[i] != ' ' && p[i] != '\t')
				p[i] = '*';
		p += used;
		len -= used;
		if (encoded && line.len == 0) {
			memset(p, '*', len);
			return;
		}
	}
}

struct span
hep_call_id(const void *msg, size_t len)
{
	const char	*p = msg;
	struct span	 line, none = { "", 0 };
	size_t		 used, at;

	for (; len > 0; p += used, len -= used) {
		line = line_next(p, len, &used);
		if (line.len == 0)
			break;
		if (!header_is(line, "Call-ID", &at) && !header_is(line, "i", &at))
			continue;
		line = behind(line, at);
		while (line.len > 0 && (line.p[line.len - 1] == ' ' ||
		    line.p[line.len - 1] == '\t'))
			line.len--;
		return (line);
	}
	return (none);
}
