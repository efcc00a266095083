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
 * core: Node-IDs and Resource-IDs as numbers modulo 2^128.
 */

#include <openssl/sha.h>

#include <string.h>

#include "nodeid.h"

static inline uint64_t half(const uint8_t *);
static inline void half_put(uint8_t *, uint64_t);
static int	 hexdigit(char);

/* Half of an id as a number: these are compared all the time. */
static inline uint64_t
half(const uint8_t *p)
{
	return ((uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 |
	    (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
	    (uint64_t)p[6] << 8 | p[7]);
}

static inline void
half_put(uint8_t *p, uint64_t v)
{
	size_t		 i;

	for (i = 8; i-- > 0; v >>= 8)
		p[i] = (uint8_t)(v & 0xff);
}

int
nodeid_cmp(const struct nodeid *a, const struct nodeid *b)
{
	uint64_t	 x = half(a->id_b), y = half(b->id_b);

	if (x == y) {
		x = half(a->id_b + 8);
		y = half(b->id_b + 8);
	}
	return (x < y ? -1 : x > y);
}

int
nodeid_eq(const struct nodeid *a, const struct nodeid *b)
{
	return (memcmp(a->id_b, b->id_b, NODEID_LEN) == 0);
}

int
nodeid_is_zero(const struct nodeid *a)
{
	uint8_t		 sum = 0;
	size_t		 i;

	for (i = 0; i < NODEID_LEN; i++)
		sum |= a->id_b[i];
	return (sum == 0);
}

int
nodeid_is_wildcard(const struct nodeid *a)
{
	uint8_t		 sum = 0xff;
	size_t		 i;

	for (i = 0; i < NODEID_LEN; i++)
		sum &= a->id_b[i];
	return (sum == 0xff);
}

void
nodeid_add(const struct nodeid *a, const struct nodeid *b, struct nodeid *r)
{
	uint64_t	 hi = half(a->id_b), lo = half(a->id_b + 8);
	uint64_t	 sum = lo + half(b->id_b + 8);

	hi += half(b->id_b) + (sum < lo);
	half_put(r->id_b, hi);
	half_put(r->id_b + 8, sum);
}

void
nodeid_sub(const struct nodeid *a, const struct nodeid *b, struct nodeid *r)
{
	uint64_t	 hi = half(a->id_b), lo = half(a->id_b + 8);
	uint64_t	 less = half(b->id_b + 8);

	hi -= half(b->id_b) + (lo < less);
	half_put(r->id_b, hi);
	half_put(r->id_b + 8, lo - less);
}

void
nodeid_next(const struct nodeid *a, struct nodeid *r)
{
	struct nodeid	 one;

	nodeid_pow2(0, &one);
	nodeid_add(a, &one, r);
}

void
nodeid_pow2(unsigned bit, struct nodeid *r)
{
	memset(r, 0, sizeof(*r));
	if (bit < 8 * NODEID_LEN)
		r->id_b[NODEID_LEN - 1 - bit / 8] = (uint8_t)(1u << (bit % 8));
}

int
nodeid_in(const struct nodeid *k, const struct nodeid *p, const struct nodeid *x)
{
	int		 c = nodeid_cmp(p, x);

	if (c == 0)
		return (1);
	if (c < 0)
		return (nodeid_cmp(p, k) < 0 && nodeid_cmp(k, x) <= 0);
	return (nodeid_cmp(k, p) > 0 || nodeid_cmp(k, x) <= 0);
}

int
nodeid_dist_cmp(const struct nodeid *x, const struct nodeid *a,
    const struct nodeid *b)
{
	int		 wa = nodeid_cmp(a, x) < 0, wb = nodeid_cmp(b, x) < 0;

	/* What lies beyond zero, seen from x, is farther. */
	return (wa != wb ? wa - wb : nodeid_cmp(a, b));
}

uint32_t
nodeid_share_ppb(const struct nodeid *p, const struct nodeid *x)
{
	struct nodeid	 d;
	uint64_t	 top = 0;
	size_t		 i;

	if (nodeid_eq(p, x))
		return (1000000000);
	nodeid_sub(x, p, &d);
	/* 32 bits of the distance are exact enough for a share of 10^9. */
	for (i = 0; i < 4; i++)
		top = top << 8 | d.id_b[i];
	return ((uint32_t)(top * 1000000000 >> 32));
}

const char *
nodeid_hex(const struct nodeid *a, char *buf)
{
	static const char digits[] = "0123456789abcdef";
	size_t		 i;

	for (i = 0; i < NODEID_LEN; i++) {
		buf[2 * i] = digits[a->id_b[i] >> 4];
		buf[2 * i + 1] = digits[a->id_b[i] & 15];
	}
	buf[2 * NODEID_LEN] = '\0';
	return (buf);
}

static int
hexdigit(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (c - 'A' + 10);
	return (-1);
}

int
nodeid_parse(const char *s, size_t len, struct nodeid *r)
{
	int		 hi, lo;
	size_t		 i;

	if (len != 2 * NODEID_LEN)
		return (-1);
	for (i = 0; i < NODEID_LEN; i++) {
		hi = hexdigit(s[2 * i]);
		lo = hexdigit(s[2 * i + 1]);
		if (hi == -1 || lo == -1)
			return (-1);
		r->id_b[i] = (uint8_t)(hi << 4 | lo);
	}
	return (0);
}

void
nodeid_resource(const void *name, size_t len, struct nodeid *r)
{
	unsigned char	 md[SHA_DIGEST_LENGTH];

	(void)SHA1(name, len, md);
	memcpy(r->id_b, md, NODEID_LEN);
}
