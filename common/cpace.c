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
 * core: CPace on ristretto255 with SHA-512.  The group is libsodium's, the
 * hash is libcrypto's, which is twice as fast.  Inputs are streamed into the
 * hash, so that no buffer holds the secret string; each hash state is wiped,
 * and the stack on which libcrypto left its message schedule.  Runs in the key
 * process.
 */

#include <sys/types.h>

#define OPENSSL_SUPPRESS_DEPRECATED	/* the plain SHA512_*: they can't fail */
#include <openssl/sha.h>
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
#define STACK		4096		/* more than the hash takes up */

struct sink {
	SHA512_CTX	*sk_hash;	/* one of these is set */
	struct wbuf	*sk_buf;
};

/* HMAC with a key of CPACE_ISK bytes: both hashes have taken it up. */
struct mac {
	SHA512_CTX	 ma_in, ma_out;
};

static size_t	 leb128(uint8_t *, size_t);
static void	 sink_add(const struct sink *, const void *, size_t);
static void	 sink_lv(const struct sink *, const void *, size_t);
static void	 sink_generator(const struct sink *, const void *, size_t,
		    const void *, size_t, const void *, size_t);
static int	 part_cmp(const uint8_t *, const void *, size_t,
		    const uint8_t *, const void *, size_t);
static void	 isk_begin(SHA512_CTX *, const void *, size_t, const uint8_t *);
static void	 hash_final(SHA512_CTX *, uint8_t *);
static void	 mac_init(struct mac *, const uint8_t *);
static void	 mac_final(struct mac *, uint8_t *);

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
		(void)SHA512_Update(sk->sk_hash, p, len);
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
	SHA512_CTX	 st;
	struct sink	 sk = { &st, NULL };
	uint8_t		 h[SHA512_DIGEST_LENGTH];
	int		 ret;

	memset(g, 0, CPACE_ELEMENT);
	if (prslen > CPACE_PRS_MAX)
		return (-1);
	(void)SHA512_Init(&st);
	sink_generator(&sk, prs, prslen, ci, cilen, sid, sidlen);
	hash_final(&st, h);
	ret = crypto_core_ristretto255_from_hash(g, h);
	sodium_memzero(h, sizeof(h));
	return (ret == 0 ? 0 : -1);
}

size_t
cpace_generator_string(uint8_t *out, size_t size, const void *prs,
    size_t prslen, const void *ci, size_t cilen, const void *sid, size_t sidlen)
{
	struct wbuf	 w;
	struct sink	 sk = { NULL, &w };

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

/* Also wipes what the hash has left behind. */
static void
hash_final(SHA512_CTX *st, uint8_t *out)
{
	(void)SHA512_Final(out, st);
	sodium_memzero(st, sizeof(*st));
	sodium_stackzero(STACK);
}

static void
isk_begin(SHA512_CTX *st, const void *sid, size_t sidlen, const uint8_t *K)
{
	struct sink	 sk = { st, NULL };

	(void)SHA512_Init(st);
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
	SHA512_CTX	 st;
	struct sink	 sk = { &st, NULL };

	isk_begin(&st, sid, sidlen, K);
	sink_lv(&sk, Ya, CPACE_ELEMENT);
	sink_lv(&sk, ada, adalen);
	sink_lv(&sk, Yb, CPACE_ELEMENT);
	sink_lv(&sk, adb, adblen);
	hash_final(&st, isk);
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
	SHA512_CTX	 st;
	struct sink	 sk = { &st, NULL };
	int		 a_first;

	a_first = part_cmp(Ya, ada, adalen, Yb, adb, adblen) >= 0;
	isk_begin(&st, sid, sidlen, K);
	sink_add(&sk, "oc", 2);
	sink_lv(&sk, a_first ? Ya : Yb, CPACE_ELEMENT);
	sink_lv(&sk, a_first ? ada : adb, a_first ? adalen : adblen);
	sink_lv(&sk, a_first ? Yb : Ya, CPACE_ELEMENT);
	sink_lv(&sk, a_first ? adb : ada, a_first ? adblen : adalen);
	hash_final(&st, isk);
}

void
cpace_mac_key(uint8_t mk[CPACE_ISK], const void *sid, size_t sidlen,
    const uint8_t isk[CPACE_ISK])
{
	SHA512_CTX	 st;
	struct sink	 sk = { &st, NULL };

	(void)SHA512_Init(&st);
	sink_add(&sk, "CPaceMac", 8);
	sink_add(&sk, sid, sidlen);
	sink_add(&sk, isk, CPACE_ISK);
	hash_final(&st, mk);
}

static void
mac_init(struct mac *ma, const uint8_t *key)
{
	uint8_t	 pad[BLOCK];
	size_t	 i;

	memset(pad, 0x36, sizeof(pad));
	for (i = 0; i < CPACE_ISK; i++)
		pad[i] ^= key[i];
	(void)SHA512_Init(&ma->ma_in);
	(void)SHA512_Update(&ma->ma_in, pad, sizeof(pad));
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	(void)SHA512_Init(&ma->ma_out);
	(void)SHA512_Update(&ma->ma_out, pad, sizeof(pad));
	sodium_memzero(pad, sizeof(pad));
}

static void
mac_final(struct mac *ma, uint8_t *out)
{
	uint8_t	 h[SHA512_DIGEST_LENGTH];

	(void)SHA512_Final(h, &ma->ma_in);
	(void)SHA512_Update(&ma->ma_out, h, sizeof(h));
	(void)SHA512_Final(out, &ma->ma_out);
	sodium_memzero(ma, sizeof(*ma));
	sodium_memzero(h, sizeof(h));
}

/* The key takes up half of the work of so short a MAC: once for both. */
void
cpace_tags(uint8_t ta[CPACE_TAG], uint8_t tb[CPACE_TAG],
    const uint8_t mk[CPACE_ISK],
    const uint8_t Ya[CPACE_ELEMENT], const void *ada, size_t adalen,
    const uint8_t Yb[CPACE_ELEMENT], const void *adb, size_t adblen)
{
	struct mac	 a, b;
	struct sink	 ska = { &a.ma_in, NULL }, skb = { &b.ma_in, NULL };

	mac_init(&a, mk);
	memcpy(&b, &a, sizeof(b));
	sink_lv(&ska, Ya, CPACE_ELEMENT);
	sink_lv(&ska, ada, adalen);
	mac_final(&a, ta);
	sink_lv(&skb, Yb, CPACE_ELEMENT);
	sink_lv(&skb, adb, adblen);
	mac_final(&b, tb);
	sodium_stackzero(STACK);
}

void
cpace_hmac(uint8_t out[64], const uint8_t key[64], const void *a, size_t alen,
    const void *b, size_t blen)
{
	struct mac	 ma;
	struct sink	 sk = { &ma.ma_in, NULL };

	mac_init(&ma, key);
	sink_add(&sk, a, alen);
	sink_add(&sk, b, b == NULL ? 0 : blen);
	mac_final(&ma, out);
	sodium_stackzero(STACK);
}
