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
 * core: a number's record in the route table as bytes.  Small, since there may
 * be a million: the ticket is kept as raw bytes, and in a URI the number, the
 * domain and what nearly every URI holds are one byte each.
 *
 * u8 count, then each route: u8 state, u8 proofs, u8 strikes, u32 not_after,
 * u32 last_proof, lv1(domain), u8 form of the ticket, lv2(ticket), u8 n,
 * n x lv1(packed URI)
 */
#include <sys/types.h>

#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "rtab.h"
#include "rtab_int.h"

enum form { FORM_NONE = 0, FORM_RAW = 1, FORM_TEXT = 2 };

/* Bytes below 0x20 never stand in a URI: these stand for something longer. */
enum pack { PACK_NUMBER = 1, PACK_DOMAIN = 2, PACK_SIP = 3, PACK_SIPS = 4,
	PACK_TLS = 5, PACK_MAX = 6 };
#define B64	sodium_base64_VARIANT_URLSAFE_NO_PADDING

static void	 pack_words(const char *, const char *, const char *[PACK_MAX]);
static void	 pack_uri(struct wbuf *, const char *const *, const char *);
static int	 unpack_uri(struct cur *, const char *const *, char *);
static void	 put_ticket(struct wbuf *, const char *);
static void	 ticket_text(struct span, char *);
static int	 get_ticket(struct cur *, char *);

static void
pack_words(const char *number, const char *domain, const char *words[PACK_MAX])
{
	words[0] = "";
	words[PACK_NUMBER] = number;
	words[PACK_DOMAIN] = domain;
	words[PACK_SIP] = "sip:";
	words[PACK_SIPS] = "sips:";
	words[PACK_TLS] = ";transport=tls";
}

static void
pack_uri(struct wbuf *w, const char *const *words, const char *uri)
{
	size_t	mark, n;
	uint8_t	i;

	mark = wbuf_open(w, 1);
	while (*uri != '\0') {
		for (i = 1; i < PACK_MAX; i++) {
			n = strlen(words[i]);
			if (n > 0 && strncmp(uri, words[i], n) == 0)
				break;
		}
		if (i < PACK_MAX) {
			wbuf_u8(w, i);
			uri += n;
		} else if ((uint8_t)*uri < 0x20) {
			(void)wbuf_fail(w);
			return;
		} else
			wbuf_u8(w, (uint8_t)*uri++);
	}
	wbuf_close(w, 1, mark);
}

static int
unpack_uri(struct cur *c, const char *const *words, char *out)
{
	struct wbuf	w;
	struct cur	in;
	uint8_t		b;

	if (cur_lv(c, 1, &in) == -1)
		return (-1);
	wbuf_init(&w, out, URI_MAX - 1);
	while (cur_u8(&in, &b) == 0) {
		if (b >= 0x20)
			wbuf_u8(&w, b);
		else if (b > 0 && b < PACK_MAX)
			wbuf_str(&w, words[b]);
		else
			return (cur_fail(c));
	}
	if (wbuf_ok(&w) == -1)
		return (cur_fail(c));
	out[w.w_len] = '\0';
	return (0);
}

static void
put_ticket(struct wbuf *w, const char *text)
{
	uint8_t		 raw[TOKEN_MAX];
	char		 back[TOKEN_MAX + 4];
	const char	*end;
	size_t		 n, len = strlen(text);

	if (len == 0) {
		wbuf_u8(w, FORM_NONE);
		return;
	}
	/* Only if exactly this text comes back. */
	if (len < TOKEN_MAX &&
	    sodium_base642bin(raw, sizeof(raw), text, len, NULL, &n, &end, B64) == 0 &&
	    end == text + len &&
	    sodium_bin2base64(back, sizeof(back), raw, n, B64) != NULL &&
	    strcmp(back, text) == 0) {
		wbuf_u8(w, FORM_RAW);
		wbuf_lv(w, 2, raw, n);
	} else {
		wbuf_u8(w, FORM_TEXT);
		wbuf_lv_str(w, 2, text);
	}
	sodium_memzero(raw, sizeof(raw));
	sodium_memzero(back, sizeof(back));
}

/* base64url without padding; sodium's takes its time, to be constant, and this
 * is a third of a look-up.  out has room: the caller looked. */
static void
ticket_text(struct span s, char *out)
{
	static const char	digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const uint8_t		*p;
	struct cur		c;
	size_t			 i;
	uint32_t		v;
	uint16_t		two;
	uint8_t			one;

	cur_init(&c, s.p, s.len);
	p = cur_ptr(&c, s.len - s.len % 3);
	for (i = 0; p != NULL && i + 3 <= s.len; i += 3) {
		v = (uint32_t)p[i] << 16 | (uint32_t)p[i + 1] << 8 | p[i + 2];
		*out++ = digits[v >> 18 & 63];
		*out++ = digits[v >> 12 & 63];
		*out++ = digits[v >> 6 & 63];
		*out++ = digits[v & 63];
	}
	if (cur_left(&c) == 2) {
		(void)cur_u16(&c, &two);
		*out++ = digits[two >> 10 & 63];
		*out++ = digits[two >> 4 & 63];
		*out++ = digits[two << 2 & 63];
	} else if (cur_left(&c) == 1) {
		(void)cur_u8(&c, &one);
		*out++ = digits[one >> 2 & 63];
		*out++ = digits[one << 4 & 63];
	}
	*out = '\0';
}

static int
get_ticket(struct cur *c, char *out)
{
	struct span	s;
	uint8_t		form;

	out[0] = '\0';
	if (cur_u8(c, &form) == -1)
		return (-1);
	switch (form) {
	case FORM_NONE:
		return (0);
	case FORM_TEXT:
		return (cur_lv_str(c, 2, out, TOKEN_MAX));
	case FORM_RAW:
		if (cur_lv_span(c, 2, TOKEN_MAX, &s) == -1)
			return (-1);
		if (sodium_base64_encoded_len(s.len, B64) > TOKEN_MAX)
			return (cur_fail(c));
		ticket_text(s, out);
		return (0);
	}
	return (cur_fail(c));
}

int
rtab_encode(const struct rtab_number *rn, struct wbuf *w)
{
	const struct rtab_route	*r;
	const char		*words[PACK_MAX];
	size_t			 i, j;

	wbuf_u8(w, (uint8_t)rn->rn_count);
	for (i = 0; i < rn->rn_count && i < RTAB_DOMAINS_MAX; i++) {
		r = &rn->rn_routes[i];
		wbuf_u8(w, r->rr_state);
		wbuf_u8(w, r->rr_proofs);
		wbuf_u8(w, r->rr_strikes);
		wbuf_u32(w, r->rr_not_after > UINT32_MAX ? UINT32_MAX :
		    (uint32_t)r->rr_not_after);
		wbuf_u32(w, r->rr_last_proof > UINT32_MAX ? UINT32_MAX :
		    (uint32_t)r->rr_last_proof);
		wbuf_lv_str(w, 1, r->rr_domain);
		put_ticket(w, r->rr_ticket);
		if (r->rr_nuris > ROUTE_URIS_MAX)
			return (wbuf_fail(w));
		wbuf_u8(w, r->rr_nuris);
		pack_words(rn->rn_number, r->rr_domain, words);
		for (j = 0; j < r->rr_nuris; j++)
			pack_uri(w, words, r->rr_uris[j]);
	}
	return (wbuf_ok(w));
}

int
route_decode(const char *number, struct cur *c, struct rtab_route *r)
{
	const char	*words[PACK_MAX];
	uint32_t	 not_after, last;
	uint8_t		 i;

	(void)cur_u8(c, &r->rr_state);
	(void)cur_u8(c, &r->rr_proofs);
	(void)cur_u8(c, &r->rr_strikes);
	(void)cur_u32(c, &not_after);
	(void)cur_u32(c, &last);
	r->rr_not_after = not_after;
	r->rr_last_proof = last;
	(void)cur_lv_str(c, 1, r->rr_domain, sizeof(r->rr_domain));
	if (get_ticket(c, r->rr_ticket) == -1)
		return (-1);
	if (cur_u8(c, &r->rr_nuris) == -1 || r->rr_nuris > ROUTE_URIS_MAX)
		return (cur_fail(c));
	pack_words(number, r->rr_domain, words);
	for (i = 0; i < r->rr_nuris; i++)
		if (unpack_uri(c, words, r->rr_uris[i]) == -1)
			return (-1);
	return (0);
}

int
rtab_decode(const char *number, struct cur *c, struct rtab_number *rn)
{
	uint8_t	n, i;

	memset(rn, 0, sizeof(*rn));
	(void)strlcpy(rn->rn_number, number, sizeof(rn->rn_number));
	if (cur_u8(c, &n) == -1 || n > RTAB_DOMAINS_MAX)
		return (cur_fail(c));
	for (i = 0; i < n; i++)
		if (route_decode(rn->rn_number, c, &rn->rn_routes[i]) == -1) {
			memset(rn, 0, sizeof(*rn));
			return (-1);
		}
	rn->rn_count = n;
	return (cur_done(c));
}
