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
 * Overlay certificates: the profile, chains, the self-signed rule, bad nodes,
 * the cache of signers, TLS between two nodes.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl_ca.h"
#include "reload_cert.h"

#define OVERLAY	"overlay.test"
#define URI_A	"URI:reload://0110a0a1a2a3a4a5a6a7a8a9aaabacadaeaf@overlay.test/"
#define URI_B	"URI:reload://0110b0b1b2b3b4b5b6b7b8b9babbbcbdbebf@overlay.test/"
#define MAIL	"email:x@overlay.test"

struct ca {
	EVP_PKEY	*key;
	X509		*root;
};

static const uint8_t	node_a[NODEID_LEN] = { 0xa0, 0xa1, 0xa2, 0xa3, 0xa4,
	0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf };

static void	 ca_make(struct ca *);
static void	 ca_drop(struct ca *);
static struct reload_trust *ca_trust(const struct ca *, enum reload_digest);
static size_t	 der_of(X509 *, uint8_t *, size_t);
static X509	*cert_with(EVP_PKEY *, EVP_PKEY *, X509 *, const char *,
		    const char *, const char *);
static X509	*self_signed(EVP_PKEY *, enum reload_digest, unsigned);
static int64_t	 test_now(void);
static int	 handshake(SSL *, SSL *);

static int64_t	clock_now;

static int64_t
test_now(void)
{
	return (clock_now);
}

static void
ca_make(struct ca *ca)
{
	clock_now = time(NULL);
	ATF_REQUIRE((ca->key = ca_key_make(CA_P256)) != NULL);
	ATF_REQUIRE((ca->root = ca_root_make(ca->key, OVERLAY, 100)) != NULL);
}

static void
ca_drop(struct ca *ca)
{
	X509_free(ca->root);
	EVP_PKEY_free(ca->key);
}

static size_t
der_of(X509 *x, uint8_t *buf, size_t size)
{
	unsigned char	*p = buf;
	int		 n;

	n = i2d_X509(x, NULL);
	ATF_REQUIRE(n > 0 && (size_t)n <= size);
	ATF_REQUIRE_EQ(n, i2d_X509(x, &p));
	return ((size_t)n);
}

static struct reload_trust *
ca_trust(const struct ca *ca, enum reload_digest self)
{
	struct reload_trust	*t;
	uint8_t			 der[2048];
	size_t			 n = der_of(ca->root, der, sizeof(der));

	ATF_REQUIRE((t = reload_trust_new(OVERLAY, self)) != NULL);
	ATF_REQUIRE_EQ(0, reload_trust_root(t, der, n));
	return (t);
}

/* A certificate with any names; issuer NULL: signed with its own key. */
static X509 *
cert_with(EVP_PKEY *pub, EVP_PKEY *key, X509 *issuer, const char *cn,
    const char *san, const char *bc)
{
	static const int	 nid[] = { NID_subject_alt_name,
				    NID_basic_constraints };
	const char		*value[2];
	X509_EXTENSION		*ext;
	X509_NAME		*name;
	X509			*x;
	size_t			 i;

	value[0] = san;
	value[1] = bc;
	ATF_REQUIRE((x = X509_new()) != NULL);
	ATF_REQUIRE(X509_set_version(x, X509_VERSION_3) == 1);
	ATF_REQUIRE(ASN1_INTEGER_set(X509_get_serialNumber(x), 5) == 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	ATF_REQUIRE(X509_set_pubkey(x, pub) == 1);
	name = X509_get_subject_name(x);
	if (cn != NULL)
		ATF_REQUIRE(X509_NAME_add_entry_by_txt(name, "CN",
		    MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0) == 1);
	ATF_REQUIRE(X509_set_issuer_name(x, issuer == NULL ? name :
	    X509_get_subject_name(issuer)) == 1);
	for (i = 0; i < 2; i++) {
		if (value[i] == NULL)
			continue;
		ATF_REQUIRE((ext = X509V3_EXT_conf_nid(NULL, NULL, nid[i],
		    value[i])) != NULL);
		ATF_REQUIRE(X509_add_ext(x, ext, -1) == 1);
		X509_EXTENSION_free(ext);
	}
	ATF_REQUIRE(X509_sign(x, key, EVP_sha256()) > 0);
	return (x);
}

ATF_TC_WITHOUT_HEAD(uris);
ATF_TC_BODY(uris, tc)
{
	static const char	*const bad[] = {
		"", "reload:", "reload://",
		"http://0110a0a1a2a3a4a5a6a7a8a9aaabacadaeaf@overlay.test/",
		"reload://a0a1a2a3a4a5a6a7a8a9aaabacadaeaf@overlay.test/",
		"reload://0110a0a1a2a3a4a5a6a7a8a9aaabacadaeaf@overlay.test",
		"reload://0110a0a1a2a3a4a5a6a7a8a9aaabacadaeaf@overlay.test/00",
		"reload://0110a0a1a2a3a4a5a6a7a8a9aaabacadaeaf@/",
		"reload://0110a0a1a2a3a4a5a6a7a8a9aaabacadaeaf@a b/",
		"reload://0110a0a1a2a3a4a5a6a7a8a9aaabacadaeaf@a..b/",
		"reload://0110a0a1a2a3a4a5a6a7a8a9aaabacadaeaf@.a/",
		"reload://0110a0a1a2a3a4a5a6a7a8a9aaabacadaeag@overlay.test/",
		"reload://0111a0a1a2a3a4a5a6a7a8a9aaabacadaeaf@overlay.test/",
		"reload://0210a0a1a2a3a4a5a6a7a8a9aaabacadaeaf@overlay.test/",
		"reload://0110a0a1a2a3a4a5a6a7a8a9aaabacadae@overlay.test/",
		"reload://0110a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0110@overlay.test/"
	};
	char		 uri[512], overlay[DOMAIN_SIZE];
	uint8_t		 node[NODEID_LEN];
	struct span	 s;
	size_t		 i;

	s.p = uri;
	s.len = reload_uri_write(uri, sizeof(uri), node_a, OVERLAY);
	ATF_CHECK_STREQ(&URI_A[4], uri);
	ATF_REQUIRE_EQ(0, reload_uri_parse(s, node, overlay));
	ATF_CHECK(memcmp(node, node_a, NODEID_LEN) == 0);
	ATF_CHECK_STREQ(OVERLAY, overlay);
	for (; s.len > 0; s.len--) {
		if (s.len < strlen(uri))
			ATF_CHECK_EQ(-1, reload_uri_parse(s, node, overlay));
	}
	ATF_CHECK_EQ(0, reload_uri_write(uri, 40, node_a, OVERLAY));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		s.p = bad[i];
		s.len = strlen(bad[i]);
		ATF_CHECK_EQ_MSG(-1, reload_uri_parse(s, node, overlay), "%s",
		    bad[i]);
	}
	s.p = "RELOAD://0110A0A1A2A3A4A5A6A7A8A9AAABACADAEAF@Overlay.Test/";
	s.len = strlen(s.p);
	ATF_CHECK_EQ(0, reload_uri_parse(s, node, overlay));
	ATF_CHECK_STREQ("Overlay.Test", overlay);
}

ATF_TC_WITHOUT_HEAD(profile);
ATF_TC_BODY(profile, tc)
{
	static const struct {
		const char	*cn, *san, *why;
	} t[] = {
		{ NULL, "critical," URI_A "," MAIL, NULL },
		{ NULL, URI_A "," URI_B "," MAIL, NULL },
		{ "x", URI_A "," MAIL, "the subject is not empty" },
		{ NULL, URI_A, "not exactly one user name" },
		{ NULL, MAIL, "no Node-ID" },
		{ NULL, URI_A "," MAIL ",email:y@overlay.test",
		    "not exactly one user name" },
		{ NULL, URI_A "," URI_A "," MAIL, "the same Node-ID twice" },
		{ NULL, URI_A "," MAIL ",DNS:overlay.test",
		    "a name that is neither URI nor user name" },
		{ NULL, URI_A ",URI:http://x/," MAIL,
		    "a URI is not a reload URI with one Node-ID" },
		{ NULL, URI_A "," MAIL
		    ",URI:reload://0110b0b1b2b3b4b5b6b7b8b9babbbcbdbebf@other/",
		    "Node-IDs of different overlays" },
		{ NULL, NULL, "no single, readable subjectAltName" }
	};
	struct reload_cert	 rc;
	struct ca		 ca;
	const char		*why;
	EVP_PKEY		*weak;
	X509			*x;
	size_t			 i;

	ca_make(&ca);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		x = cert_with(ca.key, ca.key, ca.root, t[i].cn, t[i].san, NULL);
		if (t[i].why == NULL) {
			ATF_CHECK_EQ_MSG(0, reload_cert_parse(x, &rc, &why),
			    "case %zu: %s", i, why);
			ATF_CHECK_EQ(i + 1, rc.rc_nodes);
			ATF_CHECK(memcmp(rc.rc_node[0], node_a, 16) == 0);
			ATF_CHECK_STREQ(OVERLAY, rc.rc_overlay);
			ATF_CHECK_STREQ("x@overlay.test", rc.rc_user);
			ATF_CHECK_EQ(RELOAD_SIG_ECDSA, rc.rc_alg);
			ATF_CHECK(rc.rc_not_before <= clock_now &&
			    rc.rc_not_after > clock_now);
		} else {
			ATF_CHECK_EQ_MSG(-1, reload_cert_parse(x, &rc, &why),
			    "case %zu", i);
			ATF_CHECK_STREQ(t[i].why, why);
			ATF_CHECK_EQ(0, rc.rc_nodes);
		}
		X509_free(x);
	}
	/* Keys that are too weak or of another curve. */
	for (i = 0; i < 2; i++) {
		weak = i == 0 ? EVP_RSA_gen(1024) : EVP_EC_gen("secp384r1");
		ATF_REQUIRE(weak != NULL);
		x = cert_with(weak, ca.key, ca.root, NULL, URI_A "," MAIL,
		    NULL);
		ATF_CHECK_EQ(-1, reload_cert_parse(x, &rc, &why));
		X509_free(x);
		EVP_PKEY_free(weak);
	}
	ca_drop(&ca);
}

ATF_TC_WITHOUT_HEAD(chains);
ATF_TC_BODY(chains, tc)
{
	struct ca		 ca, other;
	struct reload_trust	*t;
	struct reload_cert	 rc;
	STACK_OF(X509)		*chain;
	EVP_PKEY		*key, *mid, *fake;
	X509			*x, *leaf, *inter;
	const char		*why;

	ca_make(&ca);
	ca_make(&other);
	t = ca_trust(&ca, RELOAD_SELF_NO);
	ATF_REQUIRE((key = ca_key_make(CA_P256)) != NULL);
	ATF_REQUIRE((mid = ca_key_make(CA_P256)) != NULL);
	ATF_REQUIRE((x = ca_node_make(key, node_a, "u@overlay.test", OVERLAY,
	    ca.root, ca.key, 10)) != NULL);
	ATF_CHECK_EQ_MSG(0, reload_trust_check(t, x, NULL, clock_now, &rc,
	    &why), "%s", why);
	ATF_CHECK(rc.rc_nodes == 1 && memcmp(rc.rc_node[0], node_a, 16) == 0);
	ATF_CHECK_EQ(-1, reload_trust_check(t, x, NULL, clock_now - 7200, &rc,
	    &why));
	ATF_CHECK_STREQ("certificate is not yet valid", why);
	ATF_CHECK_EQ(-1, reload_trust_check(t, x, NULL, clock_now + 11 * 86400,
	    &rc, &why));
	ATF_CHECK_STREQ("certificate has expired", why);
	ATF_CHECK_EQ(0, rc.rc_nodes);
	ATF_REQUIRE_EQ(0, reload_trust_bad(t, node_a));
	ATF_CHECK_EQ(-1, reload_trust_check(t, x, NULL, clock_now, &rc, &why));
	ATF_CHECK_STREQ("a bad node", why);
	X509_free(x);
	reload_trust_free(t);
	t = ca_trust(&ca, RELOAD_SELF_NO);

	/* Another overlay's name; the same name signed by a stranger. */
	ATF_REQUIRE((x = ca_node_make(key, node_a, "u@x", "Overlay.test",
	    ca.root, ca.key, 10)) != NULL);
	ATF_CHECK_EQ(-1, reload_trust_check(t, x, NULL, clock_now, &rc, &why));
	ATF_CHECK_STREQ("certificate of another overlay", why);
	X509_free(x);
	ATF_REQUIRE((x = ca_node_make(key, node_a, "u@x", OVERLAY, other.root,
	    other.key, 10)) != NULL);
	ATF_CHECK_EQ(-1, reload_trust_check(t, x, NULL, clock_now, &rc, &why));
	X509_free(x);

	/* A node that issues certificates with its own. */
	ATF_REQUIRE((inter = ca_node_make(mid, node_a, "u@x", OVERLAY, ca.root,
	    ca.key, 10)) != NULL);
	leaf = cert_with(key, mid, inter, NULL, URI_B "," MAIL, NULL);
	ATF_REQUIRE((chain = sk_X509_new_null()) != NULL);
	ATF_REQUIRE(sk_X509_push(chain, inter) > 0);
	ATF_CHECK_EQ(-1, reload_trust_check(t, leaf, chain, clock_now, &rc,
	    &why));
	X509_free(leaf);
	sk_X509_pop_free(chain, X509_free);

	/* A leaf that is a CA; one that signed itself. */
	x = cert_with(key, ca.key, ca.root, NULL, URI_A "," MAIL, "CA:TRUE");
	ATF_CHECK_EQ(-1, reload_trust_check(t, x, NULL, clock_now, &rc, &why));
	X509_free(x);
	x = cert_with(key, key, NULL, NULL, URI_A "," MAIL, NULL);
	ATF_CHECK_EQ(-1, reload_trust_check(t, x, NULL, clock_now, &rc, &why));
	X509_free(x);
	/* Signed by a key other than it says. */
	ATF_REQUIRE((fake = ca_key_make(CA_P256)) != NULL);
	x = cert_with(key, fake, ca.root, NULL, URI_A "," MAIL, NULL);
	ATF_CHECK_EQ(-1, reload_trust_check(t, x, NULL, clock_now, &rc, &why));
	X509_free(x);
	EVP_PKEY_free(fake);
	EVP_PKEY_free(key);
	EVP_PKEY_free(mid);
	reload_trust_free(t);
	ca_drop(&ca);
	ca_drop(&other);
}

/* An intermediate CA, offered in the chain and in a bucket. */
ATF_TC_WITHOUT_HEAD(intermediate);
ATF_TC_BODY(intermediate, tc)
{
	struct reload_trust		*t;
	struct reload_cache		*cache;
	const struct reload_signer	*rg;
	struct reload_cert		 rc;
	struct ca			 ca;
	struct wbuf			 w;
	struct cur			 bucket;
	STACK_OF(X509)			*chain;
	EVP_PKEY			*mid, *key;
	X509				*root, *inter, *leaf;
	const char			*why;
	uint8_t				 buf[4096], der[2048];
	size_t				 n;

	ca_make(&ca);
	ATF_REQUIRE((mid = ca_key_make(CA_P256)) != NULL);
	ATF_REQUIRE((key = ca_key_make(CA_P256)) != NULL);
	root = cert_with(ca.key, ca.key, NULL, "root", NULL, "CA:TRUE");
	inter = cert_with(mid, ca.key, root, "mid", NULL, "CA:TRUE");
	leaf = cert_with(key, mid, inter, NULL, URI_A "," MAIL, NULL);
	X509_free(ca.root);
	ca.root = root;
	t = ca_trust(&ca, RELOAD_SELF_NO);
	ATF_CHECK_EQ(-1, reload_trust_check(t, leaf, NULL, clock_now, &rc,
	    &why));
	ATF_REQUIRE((chain = sk_X509_new_null()) != NULL);
	ATF_REQUIRE(sk_X509_push(chain, inter) > 0);
	ATF_CHECK_EQ_MSG(0, reload_trust_check(t, leaf, chain, clock_now, &rc,
	    &why), "%s", why);
	sk_X509_free(chain);

	ATF_REQUIRE((cache = reload_cache_new(t, 4)) != NULL);
	wbuf_init(&w, buf, sizeof(buf));
	n = der_of(leaf, der, sizeof(der));
	reload_bucket_add(&w, der, n);
	cur_init(&bucket, buf, w.w_len);
	ATF_CHECK(reload_cache_add(cache, der, n, &bucket, clock_now,
	    &why) == NULL);
	n = der_of(inter, der, sizeof(der));
	reload_bucket_add(&w, der, n);
	cur_init(&bucket, buf, w.w_len);
	n = der_of(leaf, der, sizeof(der));
	ATF_CHECK_MSG((rg = reload_cache_add(cache, der, n, &bucket, clock_now,
	    &why)) != NULL, "%s", why);
	reload_cache_free(cache);
	reload_trust_free(t);
	X509_free(inter);
	X509_free(leaf);
	EVP_PKEY_free(mid);
	EVP_PKEY_free(key);
	ca_drop(&ca);
}

static X509 *
self_signed(EVP_PKEY *key, enum reload_digest digest, unsigned n)
{
	char		san[1024] = MAIL;
	char		uri[256];
	uint8_t		node[NODEID_LEN];
	unsigned	k;

	for (k = 1; k <= n; k++) {
		ATF_REQUIRE_EQ(0, reload_self_node(key, digest, n == 1 ? 0 : k,
		    node));
		ATF_REQUIRE(reload_uri_write(uri, sizeof(uri), node,
		    OVERLAY) > 0);
		(void)strlcat(san, ",URI:", sizeof(san));
		(void)strlcat(san, uri, sizeof(san));
	}
	return (cert_with(key, key, NULL, NULL, san, NULL));
}

ATF_TC_WITHOUT_HEAD(self_signed_rule);
ATF_TC_BODY(self_signed_rule, tc)
{
	struct reload_trust	*sha1, *sha256, *none;
	struct reload_cert	 rc;
	struct ca		 ca;
	EVP_PKEY		*key;
	X509			*x;
	const char		*why;

	ca_make(&ca);
	sha1 = ca_trust(&ca, RELOAD_SELF_SHA1);
	sha256 = ca_trust(&ca, RELOAD_SELF_SHA256);
	ATF_REQUIRE((key = ca_key_make(CA_P256)) != NULL);
	x = self_signed(key, RELOAD_SELF_SHA256, 1);
	ATF_CHECK_EQ_MSG(0, reload_trust_check(sha256, x, NULL, clock_now, &rc,
	    &why), "%s", why);
	ATF_CHECK_EQ(-1, reload_trust_check(sha1, x, NULL, clock_now, &rc,
	    &why));
	ATF_CHECK_EQ(-1, reload_trust_check(sha256, x, NULL,
	    clock_now + 2 * 86400, &rc, &why));
	X509_free(x);
	x = self_signed(key, RELOAD_SELF_SHA1, 3);
	ATF_CHECK_EQ_MSG(0, reload_trust_check(sha1, x, NULL, clock_now, &rc,
	    &why), "%s", why);
	ATF_CHECK_EQ(3, rc.rc_nodes);
	X509_free(x);
	x = cert_with(key, key, NULL, NULL, URI_A "," MAIL, NULL);
	ATF_CHECK_EQ(-1, reload_trust_check(sha256, x, NULL, clock_now, &rc,
	    &why));
	X509_free(x);
	/* Where nobody may: said so. */
	x = self_signed(key, RELOAD_SELF_SHA256, 1);
	none = ca_trust(&ca, RELOAD_SELF_NO);
	ATF_CHECK_EQ(-1, reload_trust_check(none, x, NULL, clock_now, &rc,
	    &why));
	ATF_CHECK_STREQ("self-signed, which the overlay's document does not "
	    "permit", why);
	reload_trust_free(none);
	X509_free(x);
	/* A chosen Node-ID, "self-signed" with another's key. */
	x = cert_with(key, ca.key, NULL, NULL, URI_A "," MAIL, NULL);
	ATF_CHECK_EQ(-1, reload_trust_check(sha256, x, NULL, clock_now, &rc,
	    &why));
	X509_free(x);
	EVP_PKEY_free(key);
	reload_trust_free(sha1);
	reload_trust_free(sha256);
	ca_drop(&ca);
}

ATF_TC_WITHOUT_HEAD(bad_nodes);
ATF_TC_BODY(bad_nodes, tc)
{
	struct reload_trust	*t;
	uint8_t			 node[NODEID_LEN];
	unsigned		 i;

	ATF_REQUIRE((t = reload_trust_new(OVERLAY, RELOAD_SELF_NO)) != NULL);
	memset(node, 0, sizeof(node));
	/* Each even byte, in an order that is not sorted, some twice. */
	for (i = 0; i < 256; i++) {
		node[0] = (uint8_t)(i * 38 & 0xfe);
		ATF_REQUIRE_EQ(0, reload_trust_bad(t, node));
	}
	for (i = 0; i < 256; i++) {
		node[0] = (uint8_t)i;
		ATF_CHECK_EQ_MSG(i % 2 == 0, reload_trust_is_bad(t, node),
		    "%u", i);
	}
	reload_trust_free(t);
}

/* A certificate with two Node-IDs: the identity says which one signed. */
ATF_TC_WITHOUT_HEAD(two_node_ids);
ATF_TC_BODY(two_node_ids, tc)
{
	struct reload_trust		*t;
	struct reload_cache		*cache;
	const struct reload_signer	*rg;
	struct reload_signature		 s;
	struct reload_cert		 rc;
	struct ca			 ca;
	struct wbuf			 w, bw;
	struct cur			 c, bucket;
	struct span			 parts[2];
	EVP_PKEY			*key;
	EVP_MD_CTX			*ctx;
	X509				*x;
	const char			*why;
	uint8_t				 der[2048], buf[2048], sigbuf[256];
	uint8_t				 id[64], hash[32], node[NODEID_LEN];
	uint8_t				 sig[RELOAD_SIG_MAX];
	size_t				 n, siglen;
	int				 type;

	ca_make(&ca);
	t = ca_trust(&ca, RELOAD_SELF_NO);
	ATF_REQUIRE((cache = reload_cache_new(t, 3)) != NULL);
	ATF_REQUIRE((key = ca_key_make(CA_P256)) != NULL);
	x = cert_with(key, ca.key, ca.root, NULL, URI_A "," URI_B "," MAIL,
	    "CA:FALSE");
	ATF_REQUIRE_EQ(0, reload_cert_parse(x, &rc, &why));
	n = der_of(x, der, sizeof(der));
	wbuf_init(&bw, buf, sizeof(buf));
	reload_bucket_add(&bw, der, n);
	cur_init(&bucket, buf, bw.w_len);
	ATF_REQUIRE((ctx = EVP_MD_CTX_new()) != NULL);
	ATF_REQUIRE(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(ctx, rc.rc_node[1], NODEID_LEN) == 1 &&
	    EVP_DigestUpdate(ctx, der, n) == 1 &&
	    EVP_DigestFinal_ex(ctx, hash, NULL) == 1);
	EVP_MD_CTX_free(ctx);
	for (type = 1; type <= 2; type++) {
		wbuf_init(&w, id, sizeof(id));
		wbuf_u8(&w, (uint8_t)type);
		wbuf_u16(&w, 34);
		wbuf_u8(&w, RELOAD_HASH_SHA256);
		wbuf_lv(&w, 1, type == 1 ? rc.rc_sha256 : hash, 32);
		parts[0].p = "data";
		parts[0].len = 4;
		parts[1].p = (const char *)id;
		parts[1].len = w.w_len;
		siglen = sizeof(sig);
		ATF_REQUIRE_EQ(0, reload_sign_parts(key, parts, 2, sig,
		    &siglen));
		wbuf_init(&w, sigbuf, sizeof(sigbuf));
		wbuf_u16(&w, 0x0403);
		wbuf_bytes(&w, id, parts[1].len);
		wbuf_lv(&w, 2, sig, siglen);
		cur_init(&c, sigbuf, w.w_len);
		ATF_REQUIRE_EQ(0, reload_signature_parse(&c, &s));
		rg = reload_cache_verify(cache, &s, &bucket, parts, 1,
		    clock_now, node, &why);
		if (type == 1) {
			ATF_CHECK(rg == NULL);
			ATF_CHECK_STREQ("several Node-IDs, and the identity "
			    "names none", why);
			continue;
		}
		ATF_REQUIRE_MSG(rg != NULL, "%s", why);
		ATF_CHECK(memcmp(node, rc.rc_node[1], NODEID_LEN) == 0);
		ATF_CHECK(reload_cache_verify(cache, &s, NULL, parts, 1,
		    clock_now, node, &why) == rg);
		ATF_CHECK(memcmp(node, rc.rc_node[1], NODEID_LEN) == 0);
	}
	X509_free(x);
	EVP_PKEY_free(key);
	reload_cache_free(cache);
	reload_trust_free(t);
	ca_drop(&ca);
}

ATF_TC_WITHOUT_HEAD(signers);
ATF_TC_BODY(signers, tc)
{
	struct reload_trust		*t;
	struct reload_cache		*cache;
	const struct reload_signer	*rg, *held = NULL;
	struct reload_signature		 s;
	struct reload_cert		 rc;
	struct ca			 ca;
	struct wbuf			 w;
	struct cur			 c, bucket;
	struct span			 parts[3];
	EVP_PKEY			*key[6];
	X509				*x[6];
	const char			*why;
	uint8_t				 der[6][1024], buf[1024], sigbuf[600];
	uint8_t				 sig[RELOAD_SIG_MAX], id[64], node[16];
	size_t				 len[6], siglen, i;

	ca_make(&ca);
	t = ca_trust(&ca, RELOAD_SELF_NO);
	ATF_REQUIRE((cache = reload_cache_new(t, 3)) != NULL);
	for (i = 0; i < 6; i++) {
		memset(node, (int)i + 1, sizeof(node));
		/* One RSA key among them. */
		ATF_REQUIRE((key[i] = i == 1 ? EVP_RSA_gen(2048) :
		    ca_key_make(CA_P256)) != NULL);
		ATF_REQUIRE((x[i] = ca_node_make(key[i], node, "u@x", OVERLAY,
		    ca.root, ca.key, 10)) != NULL);
		len[i] = der_of(x[i], der[i], sizeof(der[i]));
	}
	for (i = 0; i < 6; i++) {
		ATF_REQUIRE_EQ(0, reload_cert_parse(x[i], &rc, &why));
		wbuf_init(&w, id, sizeof(id));
		reload_identity_write(&w, rc.rc_sha256);
		parts[0].p = "one";
		parts[0].len = 3;
		parts[1].p = "two";
		parts[1].len = 3;
		parts[2].p = (const char *)id;
		parts[2].len = w.w_len;
		siglen = sizeof(sig);
		ATF_REQUIRE_EQ(0, reload_sign_parts(key[i], parts, 3, sig,
		    &siglen));
		wbuf_init(&w, sigbuf, sizeof(sigbuf));
		reload_signature_write(&w, rc.rc_alg, rc.rc_sha256, sig,
		    siglen);
		cur_init(&c, sigbuf, w.w_len);
		ATF_REQUIRE_EQ(0, reload_signature_parse(&c, &s));
		/* Without its certificate nobody knows him. */
		ATF_CHECK(reload_cache_verify(cache, &s, NULL, parts, 2,
		    clock_now, node, &why) == NULL);
		wbuf_init(&w, buf, sizeof(buf));
		reload_bucket_add(&w, der[i], len[i]);
		cur_init(&bucket, buf, w.w_len);
		rg = reload_cache_verify(cache, &s, &bucket, parts, 2,
		    clock_now, node, &why);
		ATF_REQUIRE_MSG(rg != NULL, "%zu: %s", i, why);
		ATF_CHECK(node[0] == i + 1);
		ATF_CHECK(rg->rg_derlen == len[i] && memcmp(rg->rg_der, der[i],
		    len[i]) == 0);
		/* Now from the cache; not after its end; not altered. */
		ATF_CHECK(reload_cache_verify(cache, &s, NULL, parts, 2,
		    clock_now, node, &why) == rg);
		ATF_CHECK(reload_cache_verify(cache, &s, NULL, parts, 2,
		    clock_now + 11 * 86400, node, &why) == NULL);
		ATF_CHECK(reload_cache_verify(cache, &s, NULL, parts, 1,
		    clock_now, node, &why) == NULL);
		ATF_CHECK_STREQ("signature does not verify", why);
		ATF_CHECK(sodium_is_zero(node, sizeof(node)));
		sigbuf[44] ^= 1;
		ATF_CHECK(reload_cache_verify(cache, &s, NULL, parts, 2,
		    clock_now, node, &why) == NULL);
		if (i == 0) {
			held = rg;
			reload_signer_ref(held);
		}
		ATF_CHECK(reload_cache_count(cache) <= 3);
	}
	/* The first went from the cache, but not from who holds it. */
	ATF_REQUIRE_EQ(0, reload_cert_parse(x[0], &rc, &why));
	ATF_CHECK(reload_cache_find(cache, rc.rc_sha256, clock_now) == NULL);
	ATF_CHECK(held != NULL && held->rg_cert.rc_node[0][0] == 1);
	reload_signer_unref(held);
	reload_cache_free(cache);
	reload_trust_free(t);
	for (i = 0; i < 6; i++) {
		X509_free(x[i]);
		EVP_PKEY_free(key[i]);
	}
	ca_drop(&ca);
}

static int
handshake(SSL *a, SSL *b)
{
	int	i, ra = 0, rb = 0;

	for (i = 0; i < 10 && (ra != 1 || rb != 1); i++) {
		ra = SSL_do_handshake(a);
		rb = SSL_do_handshake(b);
	}
	ERR_clear_error();
	return (ra == 1 && rb == 1);
}

/* Both sides ask, both judge, in memory. */
ATF_TC_WITHOUT_HEAD(tls);
ATF_TC_BODY(tls, tc)
{
	static const struct {
		int		 trust, self;
		int		 ok;
		const char	*why;
	} t[] = {
		{ 1, 0, 1, NULL },
		{ 0, 0, 0, "no overlay configuration yet" },
		{ 1, 1, 0, "certificate has our own Node-ID" }
	};
	struct reload_tls	 rt;
	struct reload_trust	*trust;
	struct reload_cert	 rc;
	struct ca		 ca;
	SSL_CTX			*ctx[2];
	SSL			*ssl[2];
	BIO			*bio[2];
	EVP_PKEY		*key;
	X509			*x;
	size_t			 i;
	int			 side;

	ca_make(&ca);
	trust = ca_trust(&ca, RELOAD_SELF_NO);
	ATF_REQUIRE((key = ca_key_make(CA_P256)) != NULL);
	ATF_REQUIRE((x = ca_node_make(key, node_a, "u@x", OVERLAY, ca.root,
	    ca.key, 10)) != NULL);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memset(&rt, 0, sizeof(rt));
		rt.rt_trust = t[i].trust ? trust : NULL;
		rt.rt_now = test_now;
		rt.rt_self = t[i].self ? node_a : NULL;
		for (side = 0; side < 2; side++) {
			ATF_REQUIRE((ctx[side] = SSL_CTX_new(TLS_method())) !=
			    NULL);
			ATF_REQUIRE(SSL_CTX_use_certificate(ctx[side], x) == 1);
			ATF_REQUIRE(SSL_CTX_use_PrivateKey(ctx[side], key) == 1);
			reload_tls_setup(ctx[side], &rt);
			ATF_REQUIRE((ssl[side] = SSL_new(ctx[side])) != NULL);
		}
		ATF_REQUIRE(BIO_new_bio_pair(&bio[0], 0, &bio[1], 0) == 1);
		for (side = 0; side < 2; side++)
			SSL_set_bio(ssl[side], bio[side], bio[side]);
		SSL_set_connect_state(ssl[0]);
		SSL_set_accept_state(ssl[1]);
		ATF_CHECK_EQ_MSG(t[i].ok, handshake(ssl[0], ssl[1]),
		    "case %zu", i);
		if (t[i].ok) {
			ATF_CHECK_EQ(0, reload_tls_peer(ssl[1], &rc));
			ATF_CHECK(memcmp(rc.rc_node[0], node_a, 16) == 0);
			ATF_CHECK_EQ(0, reload_tls_peer(ssl[0], &rc));
		} else
			ATF_CHECK_STREQ(t[i].why, rt.rt_why);
		for (side = 0; side < 2; side++) {
			SSL_free(ssl[side]);
			SSL_CTX_free(ctx[side]);
		}
	}
	X509_free(x);
	EVP_PKEY_free(key);
	reload_trust_free(trust);
	ca_drop(&ca);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, uris);
	ATF_TP_ADD_TC(tp, profile);
	ATF_TP_ADD_TC(tp, chains);
	ATF_TP_ADD_TC(tp, intermediate);
	ATF_TP_ADD_TC(tp, self_signed_rule);
	ATF_TP_ADD_TC(tp, bad_nodes);
	ATF_TP_ADD_TC(tp, two_node_ids);
	ATF_TP_ADD_TC(tp, signers);
	ATF_TP_ADD_TC(tp, tls);
	return (atf_no_error());
}
