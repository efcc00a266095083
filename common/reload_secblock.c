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
 * core: SecurityBlock, Signature, SignerIdentity, and the signature
 * computations over byte ranges; see reload_secblock.h.
 */

#include <sys/types.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/rsa.h>
#include <string.h>

#include "reload_secblock.h"

static size_t	hash_len(uint8_t);
static const EVP_MD *hash_md(uint8_t);
static int	hash_parts(const struct span *, size_t, uint8_t *);
static EVP_PKEY_CTX *context(EVP_PKEY *, int (*)(EVP_PKEY_CTX *));

static size_t
hash_len(uint8_t hash)
{
	switch (hash) {
	case RELOAD_HASH_SHA1:
		return (20);
	case RELOAD_HASH_SHA256:
		return (32);
	default:
		return (0);
	}
}

static const EVP_MD *
hash_md(uint8_t hash)
{
	switch (hash) {
	case RELOAD_HASH_SHA1:
		return (EVP_sha1());
	case RELOAD_HASH_SHA256:
		return (EVP_sha256());
	default:
		return (NULL);
	}
}

/* -- reading -- */

int
reload_identity_parse(struct cur *c, struct reload_identity *id)
{
	struct cur	in, whole = *c;

	memset(id, 0, sizeof(*id));
	(void)cur_u8(c, &id->ri_type);
	if (cur_lv(c, 2, &in) == -1)
		return (-1);
	if (cur_sub(&whole, 3 + cur_left(&in), &whole) == -1)
		return (cur_fail(c));
	id->ri_raw.p = (const char *)whole.c_p;
	id->ri_raw.len = cur_left(&whole);
	switch (id->ri_type) {
	case RELOAD_ID_CERT_HASH:
	case RELOAD_ID_CERT_HASH_NODE:
		(void)cur_u8(&in, &id->ri_hash);
		(void)cur_lv_span(&in, 1, 255, &id->ri_value);
		break;
	case RELOAD_ID_NONE:
		break;
	default:
		return (cur_fail(c));
	}
	return (cur_done(&in) == -1 ? cur_fail(c) : 0);
}

int
reload_signature_parse(struct cur *c, struct reload_signature *s)
{
	memset(s, 0, sizeof(*s));
	(void)cur_u8(c, &s->rs_hash);
	(void)cur_u8(c, &s->rs_alg);
	(void)reload_identity_parse(c, &s->rs_id);
	return (cur_lv_span(c, 2, UINT16_MAX, &s->rs_value));
}

int
reload_secblock_parse(struct cur *c, struct reload_secblock *b)
{
	struct cur	x;
	struct span	der;
	uint8_t		type;
	int		r;

	memset(b, 0, sizeof(*b));
	if (cur_lv(c, 2, &b->rb_certs) == -1)
		return (-1);
	x = b->rb_certs;
	while ((r = reload_bucket_next(&x, &type, &der)) == 1)
		continue;
	if (r == -1)
		return (cur_fail(c));
	return (reload_signature_parse(c, &b->rb_sig));
}

int
reload_bucket_next(struct cur *c, uint8_t *type, struct span *der)
{
	*type = 0;
	der->p = "";
	der->len = 0;
	if (cur_ok(c) == -1)
		return (-1);
	if (cur_left(c) == 0)
		return (0);
	(void)cur_u8(c, type);
	return (cur_lv_span(c, 2, UINT16_MAX, der) == -1 ? -1 : 1);
}

/* -- writing -- */

void
reload_bucket_add(struct wbuf *w, const void *der, size_t len)
{
	wbuf_u8(w, 0);
	wbuf_lv(w, 2, der, len);
}

void
reload_identity_write(struct wbuf *w, const uint8_t sha256[32])
{
	wbuf_u8(w, RELOAD_ID_CERT_HASH);
	wbuf_u16(w, 34);
	wbuf_u8(w, RELOAD_HASH_SHA256);
	wbuf_lv(w, 1, sha256, 32);
}

void
reload_identity_put(struct wbuf *w, const struct reload_identity *id)
{
	size_t	mark;

	wbuf_u8(w, id->ri_type);
	mark = wbuf_open(w, 2);
	if (id->ri_type != RELOAD_ID_NONE) {
		wbuf_u8(w, id->ri_hash);
		wbuf_lv(w, 1, id->ri_value.p, id->ri_value.len);
	}
	wbuf_close(w, 2, mark);
}

void
reload_signature_write(struct wbuf *w, uint8_t alg, const uint8_t sha256[32],
    const void *sig, size_t len)
{
	wbuf_u8(w, RELOAD_HASH_SHA256);
	wbuf_u8(w, alg);
	reload_identity_write(w, sha256);
	wbuf_lv(w, 2, sig, len);
}

void
reload_signature_put(struct wbuf *w, const struct reload_signature *s)
{
	wbuf_u8(w, s->rs_hash);
	wbuf_u8(w, s->rs_alg);
	reload_identity_put(w, &s->rs_id);
	wbuf_lv(w, 2, s->rs_value.p, s->rs_value.len);
}

void
reload_signature_none(struct wbuf *w)
{
	wbuf_u16(w, 0);
	wbuf_u8(w, RELOAD_ID_NONE);
	wbuf_u16(w, 0);
	wbuf_u16(w, 0);
}

int
reload_signature_is_none(const struct reload_signature *s)
{
	return (s->rs_hash == RELOAD_HASH_NONE &&
	    s->rs_alg == RELOAD_SIG_ANON &&
	    s->rs_id.ri_type == RELOAD_ID_NONE && s->rs_value.len == 0);
}

void
reload_secblock_write(struct wbuf *w, const void *bucket, size_t bucketlen,
    uint8_t alg, const uint8_t sha256[32], const void *sig, size_t len)
{
	wbuf_lv(w, 2, bucket, bucketlen);
	reload_signature_write(w, alg, sha256, sig, len);
}

/* -- computing -- */

int
reload_identity_match(const struct reload_identity *id, const void *der,
    size_t derlen, const uint8_t *node)
{
	EVP_MD_CTX	*ctx;
	const EVP_MD	*md;
	uint8_t		 hash[EVP_MAX_MD_SIZE];
	unsigned	 len = 0;
	int		 ok;

	/* SHA-1 is read but never taken: its collisions can be bought. */
	if (id->ri_hash != RELOAD_HASH_SHA256 ||
	    (md = hash_md(id->ri_hash)) == NULL ||
	    id->ri_value.len != hash_len(id->ri_hash))
		return (0);
	if (id->ri_type != RELOAD_ID_CERT_HASH &&
	    (id->ri_type != RELOAD_ID_CERT_HASH_NODE || node == NULL))
		return (0);
	if ((ctx = EVP_MD_CTX_new()) == NULL)
		return (0);
	ok = EVP_DigestInit_ex(ctx, md, NULL) == 1 &&
	    (id->ri_type == RELOAD_ID_CERT_HASH ||
	    EVP_DigestUpdate(ctx, node, 16) == 1) &&
	    EVP_DigestUpdate(ctx, der, derlen) == 1 &&
	    EVP_DigestFinal_ex(ctx, hash, &len) == 1;
	EVP_MD_CTX_free(ctx);
	return (ok && len == id->ri_value.len &&
	    memcmp(hash, id->ri_value.p, len) == 0);
}

uint8_t
reload_key_alg(const EVP_PKEY *key)
{
	char	group[32];
	size_t	len;

	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		return (EVP_PKEY_get_bits(key) >= 2048 &&
		    EVP_PKEY_get_bits(key) <= 4096 ? RELOAD_SIG_RSA : 0);
	case EVP_PKEY_EC:
		if (EVP_PKEY_get_group_name(key, group, sizeof(group),
		    &len) != 1 || strcmp(group, SN_X9_62_prime256v1) != 0)
			return (0);
		return (RELOAD_SIG_ECDSA);
	default:
		return (0);
	}
}

/* SHA-256 over the parts.  OpenSSL looks an algorithm up by name each time it
 * is not handed one that was fetched; this is fetched once. */
static int
hash_parts(const struct span *parts, size_t nparts, uint8_t *hash)
{
	static EVP_MD_CTX *ctx;
	static EVP_MD	*md;
	size_t		 i;
	int		 ok;

	if ((ctx == NULL && (ctx = EVP_MD_CTX_new()) == NULL) ||
	    (md == NULL && (md = EVP_MD_fetch(NULL, "SHA256", NULL)) == NULL))
		return (-1);
	ok = EVP_DigestInit_ex(ctx, md, NULL) == 1;
	for (i = 0; ok && i < nparts; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].len) == 1;
	return (ok && EVP_DigestFinal_ex(ctx, hash, NULL) == 1 ? 0 : -1);
}

/* EVP_PKEY_verify_init or EVP_PKEY_sign_init, and what both need. */
static EVP_PKEY_CTX *
context(EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX	*ctx;

	if ((ctx = EVP_PKEY_CTX_new(key, NULL)) == NULL)
		return (NULL);
	if (init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
	    (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1))
		return (ctx);
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return (NULL);
}

EVP_PKEY_CTX *
reload_verifier_new(EVP_PKEY *key)
{
	return (context(key, EVP_PKEY_verify_init));
}

EVP_PKEY_CTX *
reload_signer_new(EVP_PKEY *key)
{
	return (context(key, EVP_PKEY_sign_init));
}

int
reload_verifier_parts(EVP_PKEY_CTX *ctx, const struct reload_signature *s,
    const struct span *parts, size_t nparts)
{
	uint8_t	hash[32];
	int	base, ok;

	base = EVP_PKEY_get_base_id(EVP_PKEY_CTX_get0_pkey(ctx));
	if (s->rs_hash != RELOAD_HASH_SHA256 || s->rs_value.len == 0 ||
	    !((s->rs_alg == RELOAD_SIG_RSA && base == EVP_PKEY_RSA) ||
	    (s->rs_alg == RELOAD_SIG_ECDSA && base == EVP_PKEY_EC)))
		return (-1);
	ok = hash_parts(parts, nparts, hash) == 0 && EVP_PKEY_verify(ctx,
	    (const unsigned char *)s->rs_value.p, s->rs_value.len, hash,
	    sizeof(hash)) == 1;
	if (!ok)
		ERR_clear_error();
	return (ok ? 0 : -1);
}

int
reload_verify_parts(EVP_PKEY *key, const struct reload_signature *s,
    const struct span *parts, size_t nparts)
{
	EVP_PKEY_CTX	*ctx;
	int		 r;

	if ((ctx = reload_verifier_new(key)) == NULL)
		return (-1);
	r = reload_verifier_parts(ctx, s, parts, nparts);
	EVP_PKEY_CTX_free(ctx);
	return (r);
}

int
reload_signer_parts(EVP_PKEY_CTX *ctx, const struct span *parts, size_t nparts,
    uint8_t *sig, size_t *len)
{
	uint8_t	hash[32];

	if (hash_parts(parts, nparts, hash) == 0 &&
	    EVP_PKEY_sign(ctx, sig, len, hash, sizeof(hash)) == 1)
		return (0);
	ERR_clear_error();
	return (-1);
}

int
reload_sign_parts(EVP_PKEY *key, const struct span *parts, size_t nparts,
    uint8_t *sig, size_t *len)
{
	EVP_PKEY_CTX	*ctx;
	int		 r;

	if ((ctx = reload_signer_new(key)) == NULL)
		return (-1);
	r = reload_signer_parts(ctx, parts, nparts, sig, len);
	EVP_PKEY_CTX_free(ctx);
	return (r);
}
