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
 * core: sealed dialog values.  A deterministic authenticated encryption: the
 * MAC over the fields, the Call-ID and the creator's tag is also the nonce, so
 * equal seals look equal and nothing else can be learnt from one.
 */
#include <sys/types.h>

#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "seal.h"

#define MAC_LEN		16
#define PLAIN_MAX	(1 + 1 + 1 + 8 + 1 + 255 + 1 + 255)
#define CALLID_MAX	4096
#define TAG_MAX		1024
#define KDF_CONTEXT	"viprseal"

static int	 seal_mac(const uint8_t *, struct span, struct span, const uint8_t *,
		    size_t, uint8_t *);
static void	 seal_subkeys(const struct seal_keys *, int, uint8_t [2][SEAL_KEY_LEN]);
static void	 seal_crypt(const uint8_t *, const uint8_t *, uint8_t *, size_t);
static int	 seal_fields(const uint8_t *, size_t, struct seal *);

void
seal_keys_rotate(struct seal_keys *sk)
{
	if (sk->sk_have > 0) {
		memcpy(sk->sk_key[1], sk->sk_key[0], SEAL_KEY_LEN);
		sk->sk_have = 2;
	} else
		sk->sk_have = 1;
	randombytes_buf(sk->sk_key[0], SEAL_KEY_LEN);
	sk->sk_derived = 0;
}

void
seal_keys_wipe(struct seal_keys *sk)
{
	sodium_memzero(sk, sizeof(*sk));
}

void
seal_keys_derive(struct seal_keys *sk)
{
	int	i;

	sk->sk_derived = 0;
	for (i = 0; i < sk->sk_have; i++)
		seal_subkeys(sk, i, sk->sk_sub[i]);
	sk->sk_derived = sk->sk_have;
}

/* Of key i: that of the MAC, that of the cipher. */
static void
seal_subkeys(const struct seal_keys *sk, int i, uint8_t sub[2][SEAL_KEY_LEN])
{
	if (i < sk->sk_derived) {
		memcpy(sub, sk->sk_sub[i], 2 * SEAL_KEY_LEN);
		return;
	}
	(void)crypto_kdf_derive_from_key(sub[0], SEAL_KEY_LEN, 1, KDF_CONTEXT, sk->sk_key[i]);
	(void)crypto_kdf_derive_from_key(sub[1], SEAL_KEY_LEN, 2, KDF_CONTEXT, sk->sk_key[i]);
}

static int
seal_mac(const uint8_t *key, struct span callid, struct span tag, const uint8_t *plain,
    size_t len, uint8_t *mac)
{
	crypto_generichash_state	st;
	uint8_t				head[4];

	if (callid.len > CALLID_MAX || tag.len > TAG_MAX)
		return (-1);
	head[0] = (uint8_t)(callid.len >> 8);
	head[1] = (uint8_t)callid.len;
	head[2] = (uint8_t)(tag.len >> 8);
	head[3] = (uint8_t)tag.len;
	if (crypto_generichash_init(&st, key, SEAL_KEY_LEN, MAC_LEN) != 0)
		return (-1);
	(void)crypto_generichash_update(&st, head, sizeof(head));
	(void)crypto_generichash_update(&st, (const uint8_t *)callid.p, callid.len);
	(void)crypto_generichash_update(&st, (const uint8_t *)tag.p, tag.len);
	(void)crypto_generichash_update(&st, plain, len);
	(void)crypto_generichash_final(&st, mac, MAC_LEN);
	sodium_memzero(&st, sizeof(st));
	return (0);
}

static void
seal_crypt(const uint8_t *key, const uint8_t *mac, uint8_t *buf, size_t len)
{
	uint8_t	nonce[crypto_stream_xchacha20_NONCEBYTES];

	memset(nonce, 0, sizeof(nonce));
	memcpy(nonce, mac, MAC_LEN);
	(void)crypto_stream_xchacha20_xor(buf, buf, len, nonce, key);
}

ptrdiff_t
seal_make(const struct seal_keys *sk, const struct seal *se, struct span callid,
    struct span tag, char *out, size_t size)
{
	struct wbuf	w;
	uint8_t		buf[MAC_LEN + PLAIN_MAX], sub[2][SEAL_KEY_LEN];
	size_t		n;

	if (sk->sk_have == 0 || size == 0 ||
	    (se->se_side != SEAL_TO_INSIDE && se->se_side != SEAL_TO_OUTSIDE) ||
	    (se->se_use != SEAL_CONTACT && se->se_use != SEAL_ROUTE))
		return (-1);
	wbuf_init(&w, buf + MAC_LEN, PLAIN_MAX);
	wbuf_u8(&w, SEAL_VERSION);
	wbuf_u8(&w, se->se_side);
	wbuf_u8(&w, se->se_use);
	wbuf_u64(&w, se->se_expiry);
	wbuf_lv_str(&w, 1, se->se_grantee);
	wbuf_lv_str(&w, 1, se->se_target);
	if (wbuf_ok(&w) == -1)
		return (-1);
	seal_subkeys(sk, 0, sub);
	if (seal_mac(sub[0], callid, tag, buf + MAC_LEN, w.w_len, buf) == -1) {
		sodium_memzero(sub, sizeof(sub));
		return (-1);
	}
	seal_crypt(sub[1], buf, buf + MAC_LEN, w.w_len);
	sodium_memzero(sub, sizeof(sub));
	n = MAC_LEN + w.w_len;
	if (size < 1 + sodium_base64_encoded_len(n,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING))
		return (-1);
	out[0] = 'v';
	(void)sodium_bin2base64(out + 1, size - 1, buf, n,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return ((ptrdiff_t)strlen(out));
}

/* Only bytes whose MAC was good come here. */
static int
seal_fields(const uint8_t *buf, size_t len, struct seal *se)
{
	struct cur	c;
	uint8_t		version;

	memset(se, 0, sizeof(*se));
	cur_init(&c, buf, len);
	(void)cur_u8(&c, &version);
	(void)cur_u8(&c, &se->se_side);
	(void)cur_u8(&c, &se->se_use);
	(void)cur_u64(&c, &se->se_expiry);
	(void)cur_lv_str(&c, 1, se->se_grantee, sizeof(se->se_grantee));
	(void)cur_lv_str(&c, 1, se->se_target, sizeof(se->se_target));
	return (cur_done(&c) == 0 && version == SEAL_VERSION ? 0 : -1);
}

enum seal_error
seal_open(const struct seal_keys *sk, struct span text, struct span callid,
    struct span tag_a, struct span tag_b, uint64_t now_s, struct seal *out, int *creator)
{
	struct seal	 se;
	uint8_t		 raw[MAC_LEN + PLAIN_MAX], plain[PLAIN_MAX];
	uint8_t		 sub[2][SEAL_KEY_LEN];
	uint8_t		 mac[2][MAC_LEN];
	const char	*end;
	size_t		 n, len;
	int		 i, a = -1, b = -1;

	if (text.len < 2 || text.len >= SEAL_TEXT_MAX || text.p[0] != 'v' ||
	    sodium_base642bin(raw, sizeof(raw), text.p + 1, text.len - 1, NULL,
	    &n, &end, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
	    end != text.p + text.len || n <= MAC_LEN)
		return (SEAL_FORM);
	len = n - MAC_LEN;
	for (i = 0; i < sk->sk_have && a != 0 && b != 0; i++) {
		seal_subkeys(sk, i, sub);
		memcpy(plain, raw + MAC_LEN, len);
		seal_crypt(sub[1], raw, plain, len);
		if (seal_mac(sub[0], callid, tag_a, plain, len, mac[0]) == 0)
			a = sodium_memcmp(mac[0], raw, MAC_LEN);
		if (seal_mac(sub[0], callid, tag_b, plain, len, mac[1]) == 0)
			b = sodium_memcmp(mac[1], raw, MAC_LEN);
	}
	sodium_memzero(sub, sizeof(sub));
	sodium_memzero(mac, sizeof(mac));
	if ((a != 0 && b != 0) || seal_fields(plain, len, &se) == -1)
		return (SEAL_MAC);
	*out = se;
	if (creator != NULL)
		*creator = a == 0 ? 0 : 1;
	return (now_s > se.se_expiry ? SEAL_EXPIRED : SEAL_OK);
}
