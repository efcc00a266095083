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
 * Names and uses of certificates, and whole handshakes under the contexts of
 * the outside face: who is let in, and who is refused before any byte of SIP.
 */
#include <sys/types.h>

#include <atf-c.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "names.h"

struct cert {
	X509		*ce_x;
	EVP_PKEY	*ce_key;
};

static void
ext(X509 *x, X509V3_CTX *v3, int nid, const char *value)
{
	X509_EXTENSION	*e;

	if (value == NULL)
		return;
	ATF_REQUIRE_MSG((e = X509V3_EXT_conf_nid(NULL, v3, nid, value)) != NULL, "%s", value);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

/* days: how long it is valid from now on; below 0: it has ended. */
static struct cert
make(const char *cn, const char *san, const char *eku, const struct cert *ca, int days)
{
	static long	 serial = 100;
	struct cert	 c;
	X509_NAME	*name;
	X509V3_CTX	 v3;

	ATF_REQUIRE((c.ce_key = EVP_EC_gen("P-256")) != NULL);
	ATF_REQUIRE((c.ce_x = X509_new()) != NULL);
	X509_set_version(c.ce_x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c.ce_x), serial++);
	X509_gmtime_adj(X509_getm_notBefore(c.ce_x), -86400L * 10);
	X509_gmtime_adj(X509_getm_notAfter(c.ce_x), 86400L * days);
	X509_set_pubkey(c.ce_x, c.ce_key);
	name = X509_NAME_new();
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_subject_name(c.ce_x, name);
	X509_set_issuer_name(c.ce_x, ca == NULL ? name : X509_get_subject_name(ca->ce_x));
	X509_NAME_free(name);
	X509V3_set_ctx(&v3, ca == NULL ? c.ce_x : ca->ce_x, c.ce_x, NULL, NULL, 0);
	ext(c.ce_x, &v3, NID_basic_constraints, ca == NULL ? "critical,CA:TRUE" : "CA:FALSE");
	ext(c.ce_x, &v3, NID_subject_alt_name, san);
	ext(c.ce_x, &v3, NID_ext_key_usage, eku);
	ATF_REQUIRE(X509_sign(c.ce_x, ca == NULL ? c.ce_key : ca->ce_key, EVP_sha256()) > 0);
	return (c);
}

static void
drop(struct cert *c)
{
	X509_free(c->ce_x);
	EVP_PKEY_free(c->ce_key);
}

static void
check_names(const char *cn, const char *san, const char *want)
{
	struct names	na;
	struct cert	c = make(cn, san, NULL, NULL, 1);
	char		got[2048] = "";
	size_t		i;

	if (names_cert(c.ce_x, &na) == 0)
		for (i = 0; i < na.na_count; i++) {
			(void)strlcat(got, na.na_name[i], sizeof(got));
			(void)strlcat(got, " ", sizeof(got));
		}
	else
		ATF_CHECK_EQ(0, na.na_count);
	ATF_CHECK_STREQ_MSG(want, got, "%s", san ? san : "no SAN");
	drop(&c);
}

ATF_TC_WITHOUT_HEAD(names);
ATF_TC_BODY(names, tc)
{
	struct names	na;

	check_names("cn.example", NULL, "");
	check_names("cn.example", "email:a@b.example", "");
	check_names("cn.example", "DNS:B.Example,DNS:c.example", "b.example c.example ");
	check_names("x", "DNS:b.example,URI:sip:Only.Example", "only.example ");
	check_names("x", "URI:sip:a.example,URI:sip:b.example,DNS:c.example", "a.example b.example ");
	/* With user part, port, parameters or headers it is no such name. */
	check_names("x", "DNS:b.example,URI:sip:alice@a.example", "b.example ");
	check_names("x", "DNS:b.example,URI:sip:a.example:5061", "b.example ");
	check_names("x", "DNS:b.example,URI:sip:a.example;x=y", "b.example ");
	check_names("x", "DNS:b.example,URI:sip:a.example?x=y", "b.example ");
	check_names("x", "DNS:b.example,URI:sips:a.example", "b.example ");
	check_names("x", "DNS:b.example,URI:https://a.example/", "b.example ");
	check_names("x", "DNS:*.b.example,DNS:b.example", "b.example ");
	check_names("x", "DNS:*.b.example", "");
	check_names("x", "DNS:b.example.,DNS:.b.example,DNS:b..example", "");
	check_names("x", "IP:192.0.2.1", "");
	/* A sip: URI that is none of a host still hides the DNS names. */
	check_names("x", "DNS:b.example,URI:sip:a_b.example", "");
	na.na_count = 1;
	(void)strlcpy(na.na_name[0], "b.example", sizeof(na.na_name[0]));
	ATF_CHECK_EQ(0, names_find(&na, "B.EXAMPLE"));
	ATF_CHECK_EQ(-1, names_find(&na, "a.b.example"));
	ATF_CHECK_EQ(-1, names_find(&na, "b.exampl"));
	ATF_CHECK_EQ(-1, names_find(&na, ""));
}

/* A NUL inside a name must not end it. */
ATF_TC_WITHOUT_HEAD(nul);
ATF_TC_BODY(nul, tc)
{
	static const char	 evil[] = "b.example\0.evil.example";
	struct names		 na;
	struct cert		 c = make("x", NULL, NULL, NULL, 1);
	GENERAL_NAMES		*gens = GENERAL_NAMES_new();
	GENERAL_NAME		*g = GENERAL_NAME_new();
	ASN1_IA5STRING		*str = ASN1_IA5STRING_new();

	ASN1_STRING_set(str, evil, sizeof(evil) - 1);
	GENERAL_NAME_set0_value(g, GEN_DNS, str);
	sk_GENERAL_NAME_push(gens, g);
	ATF_REQUIRE_EQ(1, X509_add1_ext_i2d(c.ce_x, NID_subject_alt_name, gens, 0, 0));
	ATF_CHECK_EQ(-1, names_cert(c.ce_x, &na));
	GENERAL_NAMES_free(gens);
	drop(&c);
}

ATF_TC_WITHOUT_HEAD(usage);
ATF_TC_BODY(usage, tc)
{
	static const struct { const char *eku; int ok; } t[] = {
		{ NULL, 1 }, { "serverAuth", 1 }, { "clientAuth,serverAuth", 1 },
		{ "1.3.6.1.5.5.7.3.20", 1 }, { "anyExtendedKeyUsage", 1 }, { "clientAuth", 0 },
		{ "codeSigning,emailProtection", 0 }
	};
	struct cert	c;
	size_t		i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		c = make("x", "DNS:b.example", t[i].eku, NULL, 1);
		ATF_CHECK_EQ_MSG(t[i].ok, names_usage(c.ce_x), "%s", t[i].eku ? t[i].eku : "none");
		drop(&c);
	}
}

static X509_STORE *
roots_of(const struct cert *ca, const char *before, const char *behind, unsigned *n)
{
	X509_STORE	*st;
	BIO		*bio = BIO_new(BIO_s_mem());
	const char	*why;
	char		*p;
	long		 len;

	BIO_puts(bio, before);
	if (ca != NULL)
		PEM_write_bio_X509(bio, ca->ce_x);
	BIO_puts(bio, behind);
	len = BIO_get_mem_data(bio, &p);
	st = names_roots(p, (size_t)len, n, &why);
	BIO_free(bio);
	return (st);
}

ATF_TC_WITHOUT_HEAD(roots);
ATF_TC_BODY(roots, tc)
{
	static const char junk[] = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
	struct cert	 ca = make("ca", NULL, NULL, NULL, 1);
	X509_STORE	*st;
	unsigned	 n;

	ATF_CHECK((st = roots_of(&ca, "# a comment\n", "", &n)) != NULL);
	ATF_CHECK_EQ(1, n);
	X509_STORE_free(st);
	ATF_CHECK((st = roots_of(&ca, junk, "trailing", &n)) != NULL);
	ATF_CHECK_EQ(1, n);
	X509_STORE_free(st);
	ATF_CHECK((st = roots_of(&ca, "", junk, &n)) != NULL);
	X509_STORE_free(st);
	ATF_CHECK(roots_of(NULL, junk, "", &n) == NULL);
	ATF_CHECK(roots_of(NULL, "", "", &n) == NULL);
	drop(&ca);
}

static const char *
own(const struct cert *c, const char *domain, uint64_t now)
{
	BIO		*bio = BIO_new(BIO_s_mem());
	const char	*why;
	char		*p;
	long		 len;

	PEM_write_bio_X509(bio, c->ce_x);
	len = BIO_get_mem_data(bio, &p);
	why = names_own(p, (size_t)len, domain, now);
	BIO_free(bio);
	return (why == NULL ? "fit" : why);
}

ATF_TC_WITHOUT_HEAD(ours);
ATF_TC_BODY(ours, tc)
{
	struct cert	 c = make("x", "DNS:a.example,DNS:b.example", "serverAuth", NULL, 10);
	struct cert	 client = make("x", "DNS:a.example", "clientAuth", NULL, 10);
	uint64_t	 now = (uint64_t)time(NULL);

	ATF_CHECK_STREQ("fit", own(&c, "b.example", now));
	ATF_CHECK_STREQ("certificate is for another domain", own(&c, "c.example", now));
	ATF_CHECK_STREQ("certificate has expired", own(&c, "b.example", now + 86400 * 11));
	ATF_CHECK_STREQ("certificate is not valid yet", own(&c, "b.example", now - 86400 * 11));
	ATF_CHECK_STREQ("certificate is not for TLS servers nor for SIP domains",
	    own(&client, "a.example", now));
	ATF_CHECK_STREQ("no certificate could be read", names_own("x", 1, "a", now));
	drop(&c);
	drop(&client);
}

static SSL_CTX *
context(const struct cert *c, X509_STORE *st, int server)
{
	SSL_CTX	*ctx;

	ATF_REQUIRE((ctx = SSL_CTX_new(TLS_method())) != NULL);
	if (c != NULL) {
		ATF_REQUIRE_EQ(1, SSL_CTX_use_certificate(ctx, c->ce_x));
		ATF_REQUIRE_EQ(1, SSL_CTX_use_PrivateKey(ctx, c->ce_key));
	}
	ATF_REQUIRE_EQ(0, names_ctx(ctx, st, server));
	return (ctx);
}

/*
 * Client and server through memory.  Bit 0: the client is done, bit 1: the
 * server accepted it (and could read SIP).
 */
static int
shake(const struct cert *client, const struct cert *server, const struct cert *ca,
    const char *expect, int version, const char **why)
{
	X509_STORE	*st;
	SSL_CTX		*cc, *sc;
	SSL		*c, *s;
	struct names	 na;
	BIO		*a, *b;
	uint64_t	 end;
	unsigned	 n;
	int		 i, rc = 0, rs = 0, r = 0;

	ATF_REQUIRE((st = roots_of(ca, "", "", &n)) != NULL);
	cc = context(client, st, 0);
	sc = context(server, st, 1);
	if (version != 0) {
		SSL_CTX_set_min_proto_version(cc, version);
		SSL_CTX_set_max_proto_version(cc, version);
	}
	c = SSL_new(cc);
	s = SSL_new(sc);
	ATF_REQUIRE(c != NULL && s != NULL);
	ATF_REQUIRE_EQ(1, BIO_new_bio_pair(&a, 0, &b, 0));
	SSL_set_bio(c, a, a);
	SSL_set_bio(s, b, b);
	SSL_set_connect_state(c);
	SSL_set_accept_state(s);
	if (expect != NULL)
		ATF_REQUIRE_EQ(0, names_expect(c, expect));
	for (i = 0; i < 20; i++) {
		if (rc != 1)
			rc = SSL_do_handshake(c);
		if (rs != 1)
			rs = SSL_do_handshake(s);
	}
	if (rc == 1)
		r |= 1;
	if (rs == 1) {
		r |= 2;
		ATF_CHECK_EQ(0, names_peer(s, &na, &end));
		ATF_CHECK(end > 1700000000);
		ATF_CHECK(na.na_count > 0);
		ATF_CHECK_EQ(0, SSL_session_reused(s));
	}
	*why = names_why(rs != 1 && names_why(s) != NULL ? s : c);
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(cc);
	SSL_CTX_free(sc);
	X509_STORE_free(st);
	ERR_clear_error();
	return (r);
}

ATF_TC_WITHOUT_HEAD(handshakes);
ATF_TC_BODY(handshakes, tc)
{
	struct cert	 ca = make("ca", NULL, NULL, NULL, 100);
	struct cert	 other = make("other", NULL, NULL, NULL, 100);
	struct cert	 a = make("a", "DNS:a.example", "serverAuth", &ca, 10);
	struct cert	 b = make("b", "URI:sip:b.example,DNS:x.example", NULL, &ca, 10);
	struct cert	 both = make("c", "DNS:c.example", "clientAuth", &ca, 10);
	struct cert	 cn = make("a.example", NULL, NULL, &ca, 10);
	struct cert	 old = make("old", "DNS:a.example", NULL, &ca, -1);
	struct cert	 alien = make("alien", "DNS:a.example", NULL, &other, 10);
	const char	*why;

	ATF_CHECK_EQ(3, shake(&a, &b, &ca, "b.example", 0, &why));
	ATF_CHECK(why == NULL);
	ATF_CHECK_EQ(3, shake(&b, &a, &ca, "A.Example", 0, &why));
	/* The sip: URI hides the DNS name. */
	ATF_CHECK_EQ(0, shake(&a, &b, &ca, "x.example", 0, &why));
	ATF_CHECK_STREQ("certificate is for another domain", why ? why : "");
	/* A TLS 1.3 client ends before the server has judged it: only the
	 * server's view counts. */
	ATF_CHECK_EQ(0, shake(NULL, &b, &ca, "b.example", 0, &why) & 2);
	ATF_CHECK_EQ(0, shake(&both, &b, &ca, "b.example", 0, &why) & 2);
	ATF_CHECK_STREQ("certificate is not for TLS servers nor for SIP domains", why ? why : "");
	ATF_CHECK_EQ(0, shake(&cn, &b, &ca, "b.example", 0, &why) & 2);
	ATF_CHECK_STREQ("certificate names no SIP domain", why ? why : "");
	ATF_CHECK_EQ(0, shake(&old, &b, &ca, "b.example", 0, &why) & 2);
	ATF_CHECK_STREQ("certificate has expired", why ? why : "");
	ATF_CHECK_EQ(0, shake(&alien, &b, &ca, "b.example", 0, &why) & 2);
	ATF_CHECK(why != NULL);
	/* The same for the server that we connect to. */
	ATF_CHECK_EQ(0, shake(&a, &both, &ca, "c.example", 0, &why));
	ATF_CHECK_EQ(0, shake(&a, &cn, &ca, "a.example", 0, &why));
	ATF_CHECK_EQ(0, shake(&a, &old, &ca, "a.example", 0, &why));
	ATF_CHECK_EQ(0, shake(&a, &alien, &ca, "a.example", 0, &why));
	ATF_CHECK_EQ(0, shake(&a, &b, &ca, "b.example", TLS1_2_VERSION, &why));
	drop(&ca);
	drop(&other);
	drop(&a);
	drop(&b);
	drop(&both);
	drop(&cn);
	drop(&old);
	drop(&alien);
}

/* More names than count: the first ones do, and who we connect to. */
ATF_TC_WITHOUT_HEAD(many);
ATF_TC_BODY(many, tc)
{
	struct cert	 ca = make("ca", NULL, NULL, NULL, 100);
	struct cert	 a = make("a", "DNS:a.example", NULL, &ca, 10), c;
	struct names	 na, *copy;
	const char	*why;
	char		 san[2048] = "", one[32];
	int		 i;

	for (i = 0; i < 40; i++) {
		(void)snprintf(one, sizeof(one), "%sDNS:n%d.example", i > 0 ? "," : "", i);
		(void)strlcat(san, one, sizeof(san));
	}
	c = make("c", san, NULL, &ca, 10);
	ATF_CHECK_EQ(0, names_cert(c.ce_x, &na));
	ATF_CHECK_EQ(NAMES_MAX, na.na_count);
	ATF_CHECK_EQ(40 - NAMES_MAX, na.na_left);
	ATF_CHECK(names_find(&na, "n31.example") != -1);
	ATF_CHECK_EQ(-1, names_find(&na, "n32.example"));
	ATF_REQUIRE((copy = names_copy(&na)) != NULL);
	ATF_CHECK_EQ(31, names_find(copy, "n31.example"));
	ATF_CHECK_EQ(-1, names_find(copy, "n32.example"));
	free(copy);
	ATF_CHECK_EQ(3, shake(&a, &c, &ca, "n39.example", 0, &why));
	ATF_CHECK_EQ(0, shake(&a, &c, &ca, "n40.example", 0, &why));
	drop(&ca);
	drop(&a);
	drop(&c);
}

/* PBXs and trunks: client is ours, server the PBX's, or the other way round.
 * As shake. */
static int
shake_inside(const struct cert *client, const struct cert *server, const struct cert *ca,
    const char *expect, int server_version, const char **why)
{
	X509_STORE	*st;
	SSL_CTX		*cc, *sc;
	SSL		*c, *s;
	BIO		*a, *b;
	unsigned	 n;
	int		 i, rc = 0, rs = 0;

	ATF_REQUIRE((st = roots_of(ca, "", "", &n)) != NULL);
	ATF_REQUIRE((cc = SSL_CTX_new(TLS_method())) != NULL);
	ATF_REQUIRE((sc = SSL_CTX_new(TLS_method())) != NULL);
	if (client != NULL) {
		ATF_REQUIRE_EQ(1, SSL_CTX_use_certificate(cc, client->ce_x));
		ATF_REQUIRE_EQ(1, SSL_CTX_use_PrivateKey(cc, client->ce_key));
	}
	ATF_REQUIRE_EQ(1, SSL_CTX_use_certificate(sc, server->ce_x));
	ATF_REQUIRE_EQ(1, SSL_CTX_use_PrivateKey(sc, server->ce_key));
	ATF_REQUIRE_EQ(0, names_inside_ctx(cc, st, 0));
	ATF_REQUIRE_EQ(0, names_inside_ctx(sc, st, 1));
	if (server_version != 0)
		ATF_REQUIRE_EQ(1, SSL_CTX_set_max_proto_version(sc, server_version));
	ATF_REQUIRE((c = SSL_new(cc)) != NULL && (s = SSL_new(sc)) != NULL);
	ATF_REQUIRE_EQ(1, BIO_new_bio_pair(&a, 0, &b, 0));
	SSL_set_bio(c, a, a);
	SSL_set_bio(s, b, b);
	SSL_set_connect_state(c);
	SSL_set_accept_state(s);
	ATF_REQUIRE_EQ(0, names_expect(c, expect));
	for (i = 0; i < 20; i++) {
		if (rc != 1)
			rc = SSL_do_handshake(c);
		if (rs != 1)
			rs = SSL_do_handshake(s);
	}
	*why = names_why(c);
	if (rs == 1 && (client == NULL || server_version == TLS1_2_VERSION))
		ATF_CHECK_EQ(NULL, SSL_get0_peer_certificate(s));
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(cc);
	SSL_CTX_free(sc);
	X509_STORE_free(st);
	ERR_clear_error();
	return ((rc == 1 ? 1 : 0) | (rs == 1 ? 2 : 0));
}

ATF_TC_WITHOUT_HEAD(inside);
ATF_TC_BODY(inside, tc)
{
	struct cert	 ca = make("ca", NULL, NULL, NULL, 100);
	struct cert	 other = make("other", NULL, NULL, NULL, 100);
	struct cert	 us = make("us", "DNS:us.example", "serverAuth", &ca, 10);
	struct cert	 pbx = make("pbx", "DNS:pbx.example", "clientAuth", &ca, 10);
	struct cert	 ip = make("ip", "IP:192.0.2.1,DNS:x.example", NULL, &ca, 10);
	struct cert	 ip6 = make("ip6", "IP:2001:db8::1", NULL, &ca, 10);
	struct cert	 cn = make("pbx.example", NULL, NULL, &ca, 10);
	struct cert	 old = make("old", "DNS:pbx.example", NULL, &ca, -1);
	struct cert	 alien = make("alien", "DNS:pbx.example", NULL, &other, 10);
	const char	*why;

	/* Usage is not asked for, a certificate of the client neither. */
	ATF_CHECK_EQ(3, shake_inside(&us, &pbx, &ca, "pbx.example", 0, &why));
	ATF_CHECK_EQ(3, shake_inside(NULL, &pbx, &ca, "PBX.example", 0, &why));
	ATF_CHECK_EQ(3, shake_inside(NULL, &pbx, &ca, "pbx.example", TLS1_2_VERSION, &why));
	/* To an old one we show none, since key would not sign. */
	ATF_CHECK_EQ(3, shake_inside(&us, &pbx, &ca, "pbx.example", TLS1_2_VERSION, &why));
	ATF_CHECK_EQ(0, shake_inside(&us, &pbx, &ca, "pbx.example", TLS1_1_VERSION, &why));
	ATF_CHECK_EQ(0, shake_inside(&us, &pbx, &ca, "example", 0, &why));
	ATF_CHECK_STREQ("certificate is for another host", why ? why : "");
	ATF_CHECK_EQ(0, shake_inside(&us, &cn, &ca, "pbx.example", 0, &why));
	ATF_CHECK_EQ(0, shake_inside(&us, &old, &ca, "pbx.example", 0, &why));
	ATF_CHECK_EQ(0, shake_inside(&us, &alien, &ca, "pbx.example", 0, &why));
	ATF_CHECK_EQ(0, shake_inside(&alien, &pbx, &ca, "pbx.example", 0, &why) & 2);
	/* Addresses. */
	ATF_CHECK_EQ(3, shake_inside(&us, &ip, &ca, "192.0.2.1", 0, &why));
	ATF_CHECK_EQ(3, shake_inside(&us, &ip, &ca, "x.example", 0, &why));
	ATF_CHECK_EQ(0, shake_inside(&us, &ip, &ca, "192.0.2.2", 0, &why));
	ATF_CHECK_EQ(0, shake_inside(&us, &pbx, &ca, "192.0.2.1", 0, &why));
	ATF_CHECK_EQ(3, shake_inside(&us, &ip6, &ca, "2001:db8::1", 0, &why));
	ATF_CHECK_EQ(0, shake_inside(&us, &ip6, &ca, "2001:db8::2", 0, &why));
	drop(&ca);
	drop(&other);
	drop(&us);
	drop(&pbx);
	drop(&ip);
	drop(&ip6);
	drop(&cn);
	drop(&old);
	drop(&alien);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, names);
	ATF_TP_ADD_TC(tp, nul);
	ATF_TP_ADD_TC(tp, usage);
	ATF_TP_ADD_TC(tp, roots);
	ATF_TP_ADD_TC(tp, ours);
	ATF_TP_ADD_TC(tp, handshakes);
	ATF_TP_ADD_TC(tp, many);
	ATF_TP_ADD_TC(tp, inside);
	return (atf_no_error());
}
