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
 * core: tickets and receipts, their text and their MAC.  Layout before
 * base64url, big-endian: version u8, kind u8, epoch u32, id[16], node[16],
 * number[8] (digits as nibbles, filled up with 15), not-before u40, not-after
 * u40, lv1(granter), lv1(grantee), MAC[32] over a label and all before it.
 */

#include <sys/types.h>

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cursor.h"
#include "ticket.h"
#include "vipr.h"

#define TICKET_VERSION	1
#define TICKET_LABEL	"ViPR-ticket-1"
#define MAC_LEN		32
#define NAME_HASH	20
#define NAME_HASH_TEXT	(1 + NAME_HASH * 2)	/* '#' and hex */
#define NUMBER_BYTES	8
#define FIXED_LEN	(2 + 4 + TICKET_ID_LEN + NODEID_LEN + NUMBER_BYTES + 10 + 2)
#define RAW_MAX		(TICKET_TEXT_MAX / 4 * 3 + 2)	/* 191: 255 characters */
#define TIME_MAX	((UINT64_C(1) << 40) - 1)

static void	 ticket_mac(uint8_t *, const uint8_t *, const uint8_t *, size_t);
static int	 domain_ok(const char *);
static int	 field_ok(const char *);
static void	 name_hash(char *, const char *);
static void	 put_time(struct wbuf *, uint64_t);
static uint64_t	 get_time(struct cur *);
static int	 put_number(struct wbuf *, const char *);
static int	 get_number(struct cur *, char *);
static int	 ticket_decode(const char *, size_t, uint8_t *, size_t *);
static int	 ticket_read(const uint8_t *, size_t, struct ticket *);

/* The label keeps this MAC apart from any other use of the key. */
static void
ticket_mac(uint8_t *mac, const uint8_t *key, const uint8_t *p, size_t len)
{
	crypto_generichash_state	 st;

	crypto_generichash_init(&st, key, TICKET_KEY_LEN, MAC_LEN);
	crypto_generichash_update(&st, (const uint8_t *)TICKET_LABEL,
	    sizeof(TICKET_LABEL) - 1);
	crypto_generichash_update(&st, p, len);
	crypto_generichash_final(&st, mac, MAC_LEN);
	sodium_memzero(&st, sizeof(st));
}

/* Lower-case A-labels, no empty one, no final dot. */
static int
domain_ok(const char *s)
{
	size_t	 i, label = 0, len = strlen(s);

	if (len == 0 || len >= DOMAIN_SIZE)
		return (0);
	for (i = 0; i < len; i++) {
		if (s[i] == '.') {
			if (label == 0 || s[i - 1] == '-')
				return (0);
			label = 0;
			continue;
		}
		if (!(s[i] >= 'a' && s[i] <= 'z') &&
		    !(s[i] >= '0' && s[i] <= '9') &&
		    !(s[i] == '-' && label > 0) && s[i] != '_')
			return (0);
		if (++label > 63)
			return (0);
	}
	return (label > 0 && s[len - 1] != '-');
}

/* A domain, or the stand-in for one. */
static int
field_ok(const char *s)
{
	size_t	 i;

	if (s[0] != '#')
		return (domain_ok(s));
	if (strlen(s) != NAME_HASH_TEXT)
		return (0);
	for (i = 1; i < NAME_HASH_TEXT; i++)
		if (!(s[i] >= '0' && s[i] <= '9') && !(s[i] >= 'a' && s[i] <= 'f'))
			return (0);
	return (1);
}

static void
name_hash(char *out, const char *domain)
{
	uint8_t	 h[NAME_HASH];

	crypto_generichash(h, sizeof(h), (const uint8_t *)domain,
	    strlen(domain), NULL, 0);
	out[0] = '#';
	sodium_bin2hex(out + 1, NAME_HASH * 2 + 1, h, sizeof(h));
}

int
ticket_domain_is(const char *field, const char *domain)
{
	char	 low[DOMAIN_SIZE], hash[NAME_HASH_TEXT + 1];
	size_t	 i, len = strlen(domain);

	if (len == 0 || len >= sizeof(low))
		return (0);
	for (i = 0; i <= len; i++)
		low[i] = domain[i] >= 'A' && domain[i] <= 'Z' ?
		    (char)(domain[i] + ('a' - 'A')) : domain[i];
	if (field[0] != '#')
		return (strcmp(field, low) == 0);
	name_hash(hash, low);
	return (strcmp(field, hash) == 0);
}

static void
put_time(struct wbuf *w, uint64_t t)
{
	wbuf_u8(w, (uint8_t)(t >> 32));
	wbuf_u32(w, (uint32_t)t);
}

static uint64_t
get_time(struct cur *c)
{
	uint8_t		 hi;
	uint32_t	 lo;

	cur_u8(c, &hi);
	cur_u32(c, &lo);
	return ((uint64_t)hi << 32 | lo);
}

static int
put_number(struct wbuf *w, const char *number)
{
	uint8_t	 b[NUMBER_BYTES];
	size_t	 i, n;

	n = strlen(number);
	if (n < 9 || n > 16 || number[0] != '+' || number[1] == '0')
		return (-1);
	memset(b, 0xff, sizeof(b));
	for (i = 0; i < n - 1; i++) {
		if (number[i + 1] < '0' || number[i + 1] > '9')
			return (-1);
		if (i % 2 == 0)
			b[i / 2] = (uint8_t)((number[i + 1] - '0') << 4 | 0x0f);
		else
			b[i / 2] = (uint8_t)((b[i / 2] & 0xf0) |
			    (number[i + 1] - '0'));
	}
	wbuf_bytes(w, b, sizeof(b));
	return (0);
}

static int
get_number(struct cur *c, char *out)
{
	uint8_t	 b[NUMBER_BYTES], d;
	size_t	 i, n = 0;
	int	 end = 0;

	memset(out, 0, E164_SIZE);
	cur_bytes(c, b, sizeof(b));
	for (i = 0; i < NUMBER_BYTES * 2; i++) {
		d = i % 2 == 0 ? b[i / 2] >> 4 : b[i / 2] & 0x0f;
		if (d == 15) {
			end = 1;
			continue;
		}
		if (end || d > 9 || n >= 15 || (n == 0 && d == 0))
			return (cur_fail(c));
		out[1 + n++] = (char)('0' + d);
	}
	if (n < 8)
		return (cur_fail(c));
	out[0] = '+';
	return (cur_ok(c));
}

int
ticket_mint(const struct ticket *ti, const uint8_t key[TICKET_KEY_LEN],
    char *out, size_t size)
{
	struct wbuf	 w;
	uint8_t		 raw[RAW_MAX], mac[MAC_LEN];
	char		 hg[NAME_HASH_TEXT + 1], he[NAME_HASH_TEXT + 1];
	const char	*granter = ti->ti_granter, *grantee = ti->ti_grantee;

	if ((ti->ti_kind != TICKET_TICKET && ti->ti_kind != TICKET_RECEIPT) ||
	    ti->ti_not_before > TIME_MAX || ti->ti_not_after > TIME_MAX ||
	    ti->ti_not_after < ti->ti_not_before ||
	    memchr(granter, '\0', DOMAIN_SIZE) == NULL ||
	    memchr(grantee, '\0', DOMAIN_SIZE) == NULL ||
	    memchr(ti->ti_number, '\0', E164_SIZE) == NULL ||
	    !domain_ok(granter) || !domain_ok(grantee))
		return (-1);
	while (FIXED_LEN + strlen(granter) + strlen(grantee) + MAC_LEN > RAW_MAX) {
		if (strlen(granter) > strlen(grantee)) {
			name_hash(hg, granter);
			granter = hg;
		} else {
			name_hash(he, grantee);
			grantee = he;
		}
	}
	wbuf_init(&w, raw, sizeof(raw));
	wbuf_u8(&w, TICKET_VERSION);
	wbuf_u8(&w, ti->ti_kind);
	wbuf_u32(&w, ti->ti_epoch);
	wbuf_bytes(&w, ti->ti_id, sizeof(ti->ti_id));
	wbuf_bytes(&w, ti->ti_node, sizeof(ti->ti_node));
	if (put_number(&w, ti->ti_number) == -1)
		return (-1);
	put_time(&w, ti->ti_not_before);
	put_time(&w, ti->ti_not_after);
	wbuf_lv_str(&w, 1, granter);
	wbuf_lv_str(&w, 1, grantee);
	ticket_mac(mac, key, raw, w.w_len);
	wbuf_bytes(&w, mac, sizeof(mac));
	sodium_memzero(mac, sizeof(mac));
	if (wbuf_ok(&w) == -1 || size < sodium_base64_encoded_len(w.w_len,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING))
		return (-1);
	sodium_bin2base64(out, size, raw, w.w_len,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return (0);
}

/* Encode again and compare: one text for one ticket, whatever the decoder
 * would overlook. */
static int
ticket_decode(const char *text, size_t len, uint8_t *raw, size_t *rawlen)
{
	char	 again[TICKET_TEXT_MAX + 1];

	if (len == 0 || len > TICKET_TEXT_MAX)
		return (-1);
	if (sodium_base642bin(raw, RAW_MAX, text, len, NULL, rawlen, NULL,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return (-1);
	if (sodium_base64_encoded_len(*rawlen,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING) != len + 1)
		return (-1);
	sodium_bin2base64(again, sizeof(again), raw, *rawlen,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return (memcmp(again, text, len) == 0 ? 0 : -1);
}

static int
ticket_read(const uint8_t *raw, size_t rawlen, struct ticket *ti)
{
	struct cur	 c;
	uint8_t		 version;

	cur_init(&c, raw, rawlen);
	cur_u8(&c, &version);
	cur_u8(&c, &ti->ti_kind);
	cur_u32(&c, &ti->ti_epoch);
	cur_bytes(&c, ti->ti_id, sizeof(ti->ti_id));
	cur_bytes(&c, ti->ti_node, sizeof(ti->ti_node));
	get_number(&c, ti->ti_number);
	ti->ti_not_before = get_time(&c);
	ti->ti_not_after = get_time(&c);
	cur_lv_str(&c, 1, ti->ti_granter, sizeof(ti->ti_granter));
	cur_lv_str(&c, 1, ti->ti_grantee, sizeof(ti->ti_grantee));
	cur_skip(&c, MAC_LEN);
	if (cur_done(&c) == -1 || version != TICKET_VERSION ||
	    (ti->ti_kind != TICKET_TICKET && ti->ti_kind != TICKET_RECEIPT) ||
	    ti->ti_not_after < ti->ti_not_before ||
	    !field_ok(ti->ti_granter) || !field_ok(ti->ti_grantee))
		return (-1);
	return (0);
}

int
ticket_parse(const char *text, size_t len, struct ticket *ti)
{
	uint8_t	 raw[RAW_MAX];
	size_t	 rawlen;

	memset(ti, 0, sizeof(*ti));
	if (ticket_decode(text, len, raw, &rawlen) == -1 ||
	    ticket_read(raw, rawlen, ti) == -1) {
		memset(ti, 0, sizeof(*ti));
		return (-1);
	}
	return (0);
}

int
ticket_verify(const char *text, size_t len, const uint8_t key[TICKET_KEY_LEN],
    struct ticket *ti)
{
	uint8_t	 raw[RAW_MAX], mac[MAC_LEN];
	size_t	 rawlen;
	int	 good;

	memset(ti, 0, sizeof(*ti));
	if (ticket_decode(text, len, raw, &rawlen) == -1 || rawlen < MAC_LEN)
		return (-1);
	ticket_mac(mac, key, raw, rawlen - MAC_LEN);
	good = sodium_memcmp(mac, raw + rawlen - MAC_LEN, MAC_LEN) == 0;
	sodium_memzero(mac, sizeof(mac));
	if (!good || ticket_read(raw, rawlen, ti) == -1) {
		memset(ti, 0, sizeof(*ti));
		return (-1);
	}
	return (0);
}
