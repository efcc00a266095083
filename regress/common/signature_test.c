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
 * Signatures with contexts that are prepared once and used again and again:
 * what was asked of one before, good or bad, has no part in the next answer.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdint.h>
#include <string.h>

#include "reload_secblock.h"

static const char	 text[] = "resource, Kind, time, value";

static void
parts_of(struct span parts[3])
{
	parts[0].p = text;
	parts[0].len = 5;
	parts[1].p = text + 5;
	parts[1].len = 0;
	parts[2].p = text + 5;
	parts[2].len = sizeof(text) - 5;
}

static void
signature_of(struct reload_signature *s, uint8_t alg, const uint8_t *sig, size_t len)
{
	memset(s, 0, sizeof(*s));
	s->rs_hash = RELOAD_HASH_SHA256;
	s->rs_alg = alg;
	s->rs_value.p = (const char *)sig;
	s->rs_value.len = len;
}

static void
check(EVP_PKEY *key, uint8_t alg, uint8_t other)
{
	struct reload_signature	 s;
	struct span		 parts[3], whole = { text, sizeof(text) };
	struct span		 less = { text, sizeof(text) - 1 };
	EVP_PKEY_CTX		*sign, *verify;
	uint8_t			 sig[RELOAD_SIG_MAX], bad[RELOAD_SIG_MAX];
	size_t			 len, i;

	ATF_REQUIRE((sign = reload_signer_new(key)) != NULL);
	ATF_REQUIRE((verify = reload_verifier_new(key)) != NULL);
	parts_of(parts);
	for (i = 0; i < 8; i++) {
		len = sizeof(sig);
		ATF_REQUIRE_EQ(0, reload_signer_parts(sign, parts, 3, sig, &len));
		signature_of(&s, alg, sig, len);
		/* However it was cut, by either way of asking. */
		ATF_CHECK_EQ(0, reload_verifier_parts(verify, &s, &whole, 1));
		ATF_CHECK_EQ(0, reload_verify_parts(key, &s, parts, 3));
		ATF_CHECK_EQ(-1, reload_verifier_parts(verify, &s, &less, 1));
		memcpy(bad, sig, len);
		bad[len - 1 - i] ^= 1;
		signature_of(&s, alg, bad, len);
		ATF_CHECK_EQ(-1, reload_verifier_parts(verify, &s, &whole, 1));
		signature_of(&s, alg, sig, len - 1);
		ATF_CHECK_EQ(-1, reload_verifier_parts(verify, &s, &whole, 1));
		signature_of(&s, alg, sig, 0);
		ATF_CHECK_EQ(-1, reload_verifier_parts(verify, &s, &whole, 1));
		/* The bytes that name algorithms agree with the key, or not. */
		signature_of(&s, other, sig, len);
		ATF_CHECK_EQ(-1, reload_verifier_parts(verify, &s, &whole, 1));
		signature_of(&s, alg, sig, len);
		s.rs_hash = RELOAD_HASH_SHA1;
		ATF_CHECK_EQ(-1, reload_verifier_parts(verify, &s, &whole, 1));
		s.rs_hash = RELOAD_HASH_SHA256;
		ATF_CHECK_EQ(0, reload_verifier_parts(verify, &s, parts, 3));
	}
	len = 1;
	ATF_CHECK_EQ_MSG(-1, reload_signer_parts(sign, parts, 3, sig, &len), "no room");
	len = sizeof(sig);
	ATF_CHECK_EQ(0, reload_signer_parts(sign, parts, 3, sig, &len));
	EVP_PKEY_CTX_free(sign);
	EVP_PKEY_CTX_free(verify);
	EVP_PKEY_free(key);
}

ATF_TC_WITHOUT_HEAD(ecdsa);
ATF_TC_BODY(ecdsa, tc)
{
	EVP_PKEY	*key = EVP_EC_gen("P-256");

	ATF_REQUIRE(key != NULL);
	check(key, RELOAD_SIG_ECDSA, RELOAD_SIG_RSA);
}

ATF_TC_WITHOUT_HEAD(rsa);
ATF_TC_BODY(rsa, tc)
{
	EVP_PKEY	*key = EVP_RSA_gen(2048);

	ATF_REQUIRE(key != NULL);
	check(key, RELOAD_SIG_RSA, RELOAD_SIG_ECDSA);
}

/* PKCS#1 v1.5 as RFC 6940 has it, not what the key would prefer. */
ATF_TC_WITHOUT_HEAD(padding);
ATF_TC_BODY(padding, tc)
{
	struct reload_signature	 s;
	struct span		 whole = { text, sizeof(text) };
	EVP_MD_CTX		*md;
	EVP_PKEY_CTX		*ctx;
	EVP_PKEY		*key = EVP_RSA_gen(2048);
	uint8_t			 sig[RELOAD_SIG_MAX];
	size_t			 len;
	int			 pss;

	ATF_REQUIRE(key != NULL && (md = EVP_MD_CTX_new()) != NULL);
	for (pss = 0; pss < 2; pss++) {
		len = sizeof(sig);
		ATF_REQUIRE_EQ(1, EVP_DigestSignInit(md, &ctx, EVP_sha256(), NULL, key));
		ATF_REQUIRE_EQ(1, EVP_PKEY_CTX_set_rsa_padding(ctx, pss ?
		    RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING));
		ATF_REQUIRE_EQ(1, EVP_DigestSign(md, sig, &len, (const uint8_t *)text,
		    sizeof(text)));
		signature_of(&s, RELOAD_SIG_RSA, sig, len);
		ATF_CHECK_EQ(pss ? -1 : 0, reload_verify_parts(key, &s, &whole, 1));
		ATF_REQUIRE_EQ(1, EVP_MD_CTX_reset(md));
	}
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, ecdsa);
	ATF_TP_ADD_TC(tp, rsa);
	ATF_TP_ADD_TC(tp, padding);
	return (atf_no_error());
}
