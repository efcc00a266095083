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
 * core: tokens of the redirect server, made and opened.
 */

#include <sys/types.h>

#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "e164.h"
#include "redirect.h"

#define TOKEN_VERSION	1
#define MAC_LEN		16
#define PLAIN_LEN	13
#define TOKEN_BYTES	(MAC_LEN + PLAIN_LEN)
#define TOKEN_LEAST	16	/* shorter is no token that was cut short */
#define KDF_CONTEXT	"viprseal"

static const char	 digits32[] = "abcdefghijklmnopqrstuvwxyz234567";

static int	 digit32(char);
static void	 token_keys(const uint8_t *, uint8_t *, uint8_t *);
static void	 token_mac(const uint8_t *, const char *, const uint8_t *, uint8_t *);
static void	 token_crypt(const uint8_t *, const uint8_t *, uint8_t *);
static uint32_t	 token_addr(const uint8_t *, const struct vaddr *);
static int	 token_text(struct span, char *, struct span *);
static int	 token_bytes(struct span, uint8_t *);

const char *
redirect_str(enum redirect_error e)
{
	switch (e) {
	case REDIRECT_FORGED:
		return ("token-forged");
	case REDIRECT_ADDRESS:
		return ("token-address");
	case REDIRECT_EXPIRED:
		return ("token-expired");
	default:
		return ("");
	}
}

static int
digit32(char c)
{
	if (c >= 'a' && c <= 'z')
		return (c - 'a');
	if (c >= 'A' && c <= 'Z')
		return (c - 'A');
	return (c >= '2' && c <= '7' ? c - '2' + 26 : -1);
}

/* Subkeys 1 and 2 are those of dialog seals. */
static void
token_keys(const uint8_t *key, uint8_t *mac, uint8_t *enc)
{
	(void)crypto_kdf_derive_from_key(mac, SEAL_KEY_LEN, 3, KDF_CONTEXT, key);
	(void)crypto_kdf_derive_from_key(enc, SEAL_KEY_LEN, 4, KDF_CONTEXT, key);
}

static void
token_mac(const uint8_t *key, const char *number, const uint8_t *plain, uint8_t *mac)
{
	crypto_generichash_state	st;
	char				padded[E164_SIZE];

	memset(padded, 0, sizeof(padded));
	(void)strlcpy(padded, number, sizeof(padded));
	(void)crypto_generichash_init(&st, key, SEAL_KEY_LEN, MAC_LEN);
	(void)crypto_generichash_update(&st, (const uint8_t *)padded, sizeof(padded));
	(void)crypto_generichash_update(&st, plain, PLAIN_LEN);
	(void)crypto_generichash_final(&st, mac, MAC_LEN);
	sodium_memzero(&st, sizeof(st));
}

static void
token_crypt(const uint8_t *key, const uint8_t *mac, uint8_t *plain)
{
	uint8_t	nonce[crypto_stream_xchacha20_NONCEBYTES];

	memset(nonce, 0, sizeof(nonce));
	memcpy(nonce, mac, MAC_LEN);
	(void)crypto_stream_xchacha20_xor(plain, plain, PLAIN_LEN, nonce, key);
}

static uint32_t
token_addr(const uint8_t *key, const struct vaddr *va)
{
	crypto_generichash_state	st;
	uint8_t				h[16];
	size_t				len = va->va_family == 4 ? 4 : 16;

	(void)crypto_generichash_init(&st, key, SEAL_KEY_LEN, sizeof(h));
	(void)crypto_generichash_update(&st, &va->va_family, 1);
	(void)crypto_generichash_update(&st, va->va_addr, len);
	(void)crypto_generichash_final(&st, h, sizeof(h));
	return ((uint32_t)h[0] << 24 | (uint32_t)h[1] << 16 | (uint32_t)h[2] << 8 | h[3]);
}

uint32_t
redirect_route(const char *domain, const char *ticket)
{
	crypto_generichash_state	st;
	uint8_t				h[16];

	(void)crypto_generichash_init(&st, NULL, 0, sizeof(h));
	(void)crypto_generichash_update(&st, (const uint8_t *)domain, strlen(domain) + 1);
	(void)crypto_generichash_update(&st, (const uint8_t *)ticket, strlen(ticket));
	(void)crypto_generichash_final(&st, h, sizeof(h));
	sodium_memzero(&st, sizeof(st));
	return ((uint32_t)h[0] << 24 | (uint32_t)h[1] << 16 | (uint32_t)h[2] << 8 | h[3]);
}

int
redirect_make(const struct seal_keys *sk, const struct redirect_token *rt,
    const struct vaddr *peer, char *out, size_t size)
{
	struct wbuf	w;
	uint8_t		buf[TOKEN_BYTES], mk[SEAL_KEY_LEN], ek[SEAL_KEY_LEN];
	size_t		i, n, bit;
	unsigned	v;

	if (sk->sk_have == 0 || !e164_valid(rt->rt_number) ||
	    size < strlen(rt->rt_number) + 1 + REDIRECT_TOKEN_LEN + 1)
		return (-1);
	token_keys(sk->sk_key[0], mk, ek);
	wbuf_init(&w, buf + MAC_LEN, PLAIN_LEN);
	wbuf_u8(&w, TOKEN_VERSION);
	wbuf_u32(&w, rt->rt_expiry);
	wbuf_u32(&w, rt->rt_route);
	wbuf_u32(&w, token_addr(mk, peer));
	token_mac(mk, rt->rt_number, buf + MAC_LEN, buf);
	token_crypt(ek, buf, buf + MAC_LEN);
	sodium_memzero(mk, sizeof(mk));
	sodium_memzero(ek, sizeof(ek));
	n = strlcpy(out, rt->rt_number, size);
	out[n++] = '.';
	for (i = 0; i < REDIRECT_TOKEN_LEN; i++) {
		bit = i * 5;
		v = (unsigned)buf[bit / 8] << 8;
		if (bit / 8 + 1 < TOKEN_BYTES)
			v |= buf[bit / 8 + 1];
		out[n++] = digits32[v >> (11 - bit % 8) & 31];
	}
	out[n] = '\0';
	return (0);
}

/* `+DIGITS.TOKEN`, of whatever length the token is; -1: something else. */
static int
token_text(struct span user, char *number, struct span *token)
{
	size_t	i, n;

	for (n = 0; n < user.len && user.p[n] != '.'; n++)
		;
	if (n == user.len || n >= E164_SIZE)
		return (-1);
	memcpy(number, user.p, n);
	number[n] = '\0';
	token->p = user.p + n + 1;
	token->len = user.len - n - 1;
	if (!e164_valid(number) || token->len < TOKEN_LEAST)
		return (-1);
	for (i = 0; i < token->len; i++)
		if (digit32(token->p[i]) == -1)
			return (-1);
	return (0);
}

/* -1: not of the right length, or with bits set behind the last byte. */
static int
token_bytes(struct span t, uint8_t *out)
{
	unsigned	v = 0, bits = 0;
	size_t		i, n = 0;

	if (t.len != REDIRECT_TOKEN_LEN)
		return (-1);
	for (i = 0; i < t.len; i++) {
		v = (v << 5 | (unsigned)digit32(t.p[i])) & 0xfff;
		if ((bits += 5) >= 8) {
			bits -= 8;
			out[n++] = (uint8_t)(v >> bits);
		}
	}
	return ((v & ((1u << bits) - 1)) != 0 ? -1 : 0);
}

enum redirect_error
redirect_open(const struct seal_keys *sk, struct span user, const struct vaddr *peer,
    uint64_t now_s, struct redirect_token *out)
{
	struct redirect_token	 rt;
	struct span		 text;
	struct cur		 c;
	uint8_t			 raw[TOKEN_BYTES], plain[PLAIN_LEN], mac[MAC_LEN];
	uint8_t			 mk[SEAL_KEY_LEN], ek[SEAL_KEY_LEN], version = 0;
	uint32_t		 addr = 0, ours = 0;
	int			 i, good = 0;

	memset(&rt, 0, sizeof(rt));
	if (token_text(user, rt.rt_number, &text) == -1)
		return (REDIRECT_NONE);
	if (token_bytes(text, raw) == -1)
		return (REDIRECT_FORGED);
	for (i = 0; i < sk->sk_have && !good; i++) {
		token_keys(sk->sk_key[i], mk, ek);
		memcpy(plain, raw + MAC_LEN, PLAIN_LEN);
		token_crypt(ek, raw, plain);
		token_mac(mk, rt.rt_number, plain, mac);
		good = sodium_memcmp(mac, raw, MAC_LEN) == 0;
		ours = token_addr(mk, peer);
	}
	sodium_memzero(mk, sizeof(mk));
	sodium_memzero(ek, sizeof(ek));
	sodium_memzero(mac, sizeof(mac));
	cur_init(&c, plain, good ? sizeof(plain) : 0);
	(void)cur_u8(&c, &version);
	(void)cur_u32(&c, &rt.rt_expiry);
	(void)cur_u32(&c, &rt.rt_route);
	(void)cur_u32(&c, &addr);
	if (cur_done(&c) == -1 || version != TOKEN_VERSION)
		return (REDIRECT_FORGED);
	if (addr != ours)
		return (REDIRECT_ADDRESS);
	if (now_s > rt.rt_expiry)
		return (REDIRECT_EXPIRED);
	*out = rt;
	return (REDIRECT_OK);
}
