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
 * core: CPace on ristretto255 with SHA-512 over libsodium.  Inputs are
 * streamed into the hash, so that no buffer holds the secret string; each
 * hash and MAC state is wiped.  Runs in the key process.
 */

#include <sys/types.h>

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cpace.h"
#include "cursor.h"

#define DSI		"CPaceRistretto255"
#define DSI_LEN		17
#define DSI_ISK		"CPaceRistretto255_ISK"
#define DSI_ISK_LEN	21
#define BLOCK		128		/* of SHA-512 */
#define LEB_MAX		10

struct sink {
	crypto_hash_sha512_state	*sk_hash;	/* one of these is set */
	crypto_auth_hmacsha512_state	*sk_hmac;
	struct wbuf			*sk_buf;
};

static size_t	 leb128(uint8_t *, size_t);
static void	 sink_add(const struct sink *, const void *, size_t);
static void	 sink_lv(const struct sink *, const void *, size_t);
static void	 sink_generator(const struct sink *, const void *, size_t,
		    const void *, size_t, const void *, size_t);
static int	 part_cmp(const uint8_t *, const void *, size_t,
		    const uint8_t *, const void *, size_t);
static void	 isk_begin(crypto_hash_sha512_state *, const void *, size_t,
		    const uint8_t *);

/* Least significant group first, bit 7 on all bytes but the last. */
static size_t
leb128(uint8_t *out, size_t v)
{
	size_t	 n = 0;

	for (;;) {
		out[n] = (uint8_t)(v & 0x7f);
		v >>= 7;
		if (v == 0)
			return (n + 1);
		out[n++] |= 0x80;
	}
}

static void
sink_add(const struct sink *sk, const void *p, size_t len)
{
	if (len == 0)
		return;
	if (sk->sk_hash != NULL)
		crypto_hash_sha512_update(sk->sk_hash, p, len);
	if (sk->sk_hmac != NULL)
		crypto_auth_hmacsha512_update(sk->sk_hmac, p, len);
	if (sk->sk_buf != NULL)
		wbuf_bytes(sk->sk_buf, p, len);
}

static void
sink_lv(const struct sink *sk, const void *p, size_t len)
{
	uint8_t	 leb[LEB_MAX];

	sink_add(sk, leb, leb128(leb, len));
	sink_add(sk, p, len);
}

/*
 * lv_cat(DSI, PRS, zeros, CI, sid): the zeros fill the first block of the
 * hash, so that the secret never shares a block with public input.  PRS is at
 * most CPACE_PRS_MAX bytes here, so its length and theirs take one byte each.
 */
static void
sink_generator(const struct sink *sk, const void *prs, size_t prslen,
    const void *ci, size_t cilen, const void *sid, size_t sidlen)
{
	static const uint8_t	 zeros[BLOCK];

	sink_lv(sk, DSI, DSI_LEN);
	sink_lv(sk, prs, prslen);
	sink_lv(sk, zeros, CPACE_PRS_MAX - prslen);
	sink_lv(sk, ci, cilen);
	sink_lv(sk, sid, sidlen);
}

int
cpace_generator(uint8_t g[CPACE_ELEMENT], const void *prs, size_t prslen,
    const void *ci, size_t cilen, const void *sid, size_t sidlen)
{
	crypto_hash_sha512_state	 st;
	struct sink			 sk = { &st, NULL, NULL };
	uint8_t				 h[crypto_hash_sha512_BYTES];
	int				 ret;

	memset(g, 0, CPACE_ELEMENT);
	if (prslen > CPACE_PRS_MAX)
		return (-1);
	crypto_hash_sha512_init(&st);
	sink_generator(&sk, prs, prslen, ci, cilen, sid, sidlen);
	crypto_hash_sha512_final(&st, h);
	ret = crypto_core_ristretto255_from_hash(g, h);
	sodium_memzero(&st, sizeof(st));
	sodium_memzero(h, sizeof(h));
	return (ret == 0 ? 0 : -1);
}

size_t
cpace_generator_string(uint8_t *out, size_t size, const void *prs,
    size_t prslen, const void *ci, size_t cilen, const void *sid, size_t sidlen)
{
	struct wbuf	 w;
	struct sink	 sk = { NULL, NULL, &w };

	if (prslen > CPACE_PRS_MAX)
		return (0);
	wbuf_init(&w, out, size);
	sink_generator(&sk, prs, prslen, ci, cilen, sid, sidlen);
	return (wbuf_ok(&w) == -1 ? 0 : w.w_len);
}

int
cpace_public(uint8_t Y[CPACE_ELEMENT], const uint8_t y[CPACE_SCALAR],
    const uint8_t g[CPACE_ELEMENT])
{
	return (cpace_shared(Y, y, g));
}

/* 512 random bits reduced: as good as drawing until one fits, in one draw. */
void
cpace_scalar(uint8_t y[CPACE_SCALAR])
{
	uint8_t	 wide[crypto_core_ristretto255_NONREDUCEDSCALARBYTES];

	randombytes_buf(wide, sizeof(wide));
	crypto_core_ristretto255_scalar_reduce(y, wide);
	sodium_memzero(wide, sizeof(wide));
}

int
cpace_element_ok(const uint8_t Y[CPACE_ELEMENT])
{
	/* libsodium 1.0.18 ignores bit 255 and takes the identity. */
	if ((Y[CPACE_ELEMENT - 1] & 0x80) != 0 ||
	    sodium_is_zero(Y, CPACE_ELEMENT))
		return (0);
	return (crypto_core_ristretto255_is_valid_point(Y) == 1);
}

int
cpace_shared(uint8_t K[CPACE_ELEMENT], const uint8_t y[CPACE_SCALAR],
    const uint8_t Y[CPACE_ELEMENT])
{
	uint8_t	 q[CPACE_ELEMENT];
	int	 ret = -1;

	/* The output of a failed multiplication is stale or zero: never used. */
	memset(q, 0, sizeof(q));
	if ((Y[CPACE_ELEMENT - 1] & 0x80) == 0 &&
	    crypto_scalarmult_ristretto255(q, y, Y) == 0)
		ret = 0;
	if (ret == 0)
		memcpy(K, q, sizeof(q));
	else
		memset(K, 0, CPACE_ELEMENT);
	sodium_memzero(q, sizeof(q));
	return (ret);
}

static void
isk_begin(crypto_hash_sha512_state *st, const void *sid, size_t sidlen,
    const uint8_t *K)
{
	struct sink	 sk = { st, NULL, NULL };

	crypto_hash_sha512_init(st);
	sink_lv(&sk, DSI_ISK, DSI_ISK_LEN);
	sink_lv(&sk, sid, sidlen);
	sink_lv(&sk, K, CPACE_ELEMENT);
}

void
cpace_isk(uint8_t isk[CPACE_ISK], const void *sid, size_t sidlen,
    const uint8_t K[CPACE_ELEMENT],
    const uint8_t Ya[CPACE_ELEMENT], const void *ada, size_t adalen,
    const uint8_t Yb[CPACE_ELEMENT], const void *adb, size_t adblen)
{
	crypto_hash_sha512_state	 st;
	struct sink			 sk = { &st, NULL, NULL };

	isk_begin(&st, sid, sidlen, K);
	sink_lv(&sk, Ya, CPACE_ELEMENT);
	sink_lv(&sk, ada, adalen);
	sink_lv(&sk, Yb, CPACE_ELEMENT);
	sink_lv(&sk, adb, adblen);
	crypto_hash_sha512_final(&st, isk);
	sodium_memzero(&st, sizeof(st));
}

/*
 * Order of lv_cat(Y, AD) as byte strings.  Both begin with the same length
 * byte, so Y decides first, then the length prefix of AD, then AD; public data.
 */
static int
part_cmp(const uint8_t *Ya, const void *ada, size_t adalen,
    const uint8_t *Yb, const void *adb, size_t adblen)
{
	uint8_t	 la[LEB_MAX], lb[LEB_MAX];
	size_t	 na, nb, n;
	int	 c;

	if ((c = memcmp(Ya, Yb, CPACE_ELEMENT)) != 0)
		return (c);
	na = leb128(la, adalen);
	nb = leb128(lb, adblen);
	if ((c = memcmp(la, lb, na < nb ? na : nb)) != 0)
		return (c);
	n = adalen < adblen ? adalen : adblen;
	if (n > 0 && (c = memcmp(ada, adb, n)) != 0)
		return (c);
	return (adalen == adblen ? 0 : adalen < adblen ? -1 : 1);
}

void
cpace_isk_oc(uint8_t isk[CPACE_ISK], const void *sid, size_t sidlen,
    const uint8_t K[CPACE_ELEMENT],
    const uint8_t Ya[CPACE_ELEMENT], const void *ada, size_t adalen,
    const uint8_t Yb[CPACE_ELEMENT], const void *adb, size_t adblen)
{
	crypto_hash_sha512_state	 st;
	struct sink			 sk = { &st, NULL, NULL };
	int				 a_first;

	a_first = part_cmp(Ya, ada, adalen, Yb, adb, adblen) >= 0;
	isk_begin(&st, sid, sidlen, K);
	sink_add(&sk, "oc", 2);
	sink_lv(&sk, a_first ? Ya : Yb, CPACE_ELEMENT);
	sink_lv(&sk, a_first ? ada : adb, a_first ? adalen : adblen);
	sink_lv(&sk, a_first ? Yb : Ya, CPACE_ELEMENT);
	sink_lv(&sk, a_first ? adb : ada, a_first ? adblen : adalen);
	crypto_hash_sha512_final(&st, isk);
	sodium_memzero(&st, sizeof(st));
}

void
cpace_mac_key(uint8_t mk[CPACE_ISK], const void *sid, size_t sidlen,
    const uint8_t isk[CPACE_ISK])
{
	crypto_hash_sha512_state	 st;
	struct sink			 sk = { &st, NULL, NULL };

	crypto_hash_sha512_init(&st);
	sink_add(&sk, "CPaceMac", 8);
	sink_add(&sk, sid, sidlen);
	sink_add(&sk, isk, CPACE_ISK);
	crypto_hash_sha512_final(&st, mk);
	sodium_memzero(&st, sizeof(st));
}

/* The key takes up half of the work of so short a MAC: once for both. */
void
cpace_tags(uint8_t ta[CPACE_TAG], uint8_t tb[CPACE_TAG],
    const uint8_t mk[CPACE_ISK],
    const uint8_t Ya[CPACE_ELEMENT], const void *ada, size_t adalen,
    const uint8_t Yb[CPACE_ELEMENT], const void *adb, size_t adblen)
{
	crypto_auth_hmacsha512_state	 keyed, st;
	struct sink			 sk = { NULL, &st, NULL };

	crypto_auth_hmacsha512_init(&keyed, mk, CPACE_ISK);
	memcpy(&st, &keyed, sizeof(st));
	sink_lv(&sk, Ya, CPACE_ELEMENT);
	sink_lv(&sk, ada, adalen);
	crypto_auth_hmacsha512_final(&st, ta);
	memcpy(&st, &keyed, sizeof(st));
	sink_lv(&sk, Yb, CPACE_ELEMENT);
	sink_lv(&sk, adb, adblen);
	crypto_auth_hmacsha512_final(&st, tb);
	sodium_memzero(&keyed, sizeof(keyed));
	sodium_memzero(&st, sizeof(st));
}

void
cpace_hmac(uint8_t out[64], const uint8_t key[64], const void *a, size_t alen,
    const void *b, size_t blen)
{
	crypto_auth_hmacsha512_state	 st;
	struct sink			 sk = { NULL, &st, NULL };

	crypto_auth_hmacsha512_init(&st, key, 64);
	sink_add(&sk, a, alen);
	sink_add(&sk, b, b == NULL ? 0 : blen);
	crypto_auth_hmacsha512_final(&st, out);
	sodium_memzero(&st, sizeof(st));
}
