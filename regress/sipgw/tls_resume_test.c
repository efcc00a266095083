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
 * TLS resumption of the outside face, client and server through memory: what
 * is resumed, what is judged again, and when ticket keys and sessions go.
 */
#include <sys/types.h>

#include <atf-c.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "judged.h"
#include "names.h"
#include "tls_resume.h"

struct cert {
	X509		*ce_x;
	EVP_PKEY	*ce_key;
};

/* What a handshake gave. */
struct result {
	int		 r_done;	/* bit 0 client, bit 1 server */
	int		 r_resumed;
	char		 r_server_name[DOMAIN_SIZE];	/* the client's, as the server knows it */
	char		 r_client_name[DOMAIN_SIZE];
	int		 r_session;	/* the client was given a ticket */
};

static uint64_t		 boot = 1000000, utc;
static const char	*fit_server = "1", *fit_client = "1";
static int		 signatures;
static int		 early = -1;	/* max_early_data of the latest ticket */

static uint64_t
boot_now(void)
{
	return (boot);
}

static uint64_t
utc_now(void)
{
	return (utc);
}

static void
start(void)
{
	boot = 1000000;
	utc = (uint64_t)time(NULL);
	fit_server = fit_client = "1";
	ATF_REQUIRE_EQ(0, resume_init(boot_now, utc_now));
	resume_rekey();
}

static struct cert
make(const char *cn, const char *san, int ca_bit, const struct cert *ca, int days)
{
	static long	 serial = 100;
	struct cert	 c;
	X509_NAME	*name;
	X509_EXTENSION	*e;
	X509V3_CTX	 v3;

	ATF_REQUIRE((c.ce_key = EVP_EC_gen("P-256")) != NULL);
	ATF_REQUIRE((c.ce_x = X509_new()) != NULL);
	X509_set_version(c.ce_x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c.ce_x), serial++);
	X509_gmtime_adj(X509_getm_notBefore(c.ce_x), -86400L);
	X509_gmtime_adj(X509_getm_notAfter(c.ce_x), 86400L * days);
	X509_set_pubkey(c.ce_x, c.ce_key);
	name = X509_NAME_new();
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_subject_name(c.ce_x, name);
	X509_set_issuer_name(c.ce_x, ca == NULL ? name : X509_get_subject_name(ca->ce_x));
	X509_NAME_free(name);
	X509V3_set_ctx(&v3, ca == NULL ? c.ce_x : ca->ce_x, c.ce_x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &v3, NID_basic_constraints,
	    ca_bit ? "critical,CA:TRUE" : "CA:FALSE");
	X509_add_ext(c.ce_x, e, -1);
	X509_EXTENSION_free(e);
	if (san != NULL) {
		e = X509V3_EXT_conf_nid(NULL, &v3, NID_subject_alt_name, san);
		X509_add_ext(c.ce_x, e, -1);
		X509_EXTENSION_free(e);
	}
	ATF_REQUIRE(X509_sign(c.ce_x, ca == NULL ? c.ce_key : ca->ce_key, EVP_sha256()) > 0);
	return (c);
}

static void
drop(struct cert *c)
{
	X509_free(c->ce_x);
	EVP_PKEY_free(c->ce_key);
}

static X509_STORE *
roots_of(const struct cert *ca)
{
	X509_STORE	*st = X509_STORE_new();

	ATF_REQUIRE(st != NULL && X509_STORE_add_cert(st, ca->ce_x) == 1);
	return (st);
}

/* Counts the CertificateVerify messages that are written. */
static void
watch(int out, int version, int type, const void *p, size_t len, SSL *ssl, void *arg)
{
	(void)version;
	(void)ssl;
	(void)arg;
	if (out && type == SSL3_RT_HANDSHAKE && len > 0 && *(const uint8_t *)p ==
	    SSL3_MT_CERTIFICATE_VERIFY)
		signatures++;
}

static SSL_CTX *
context(const struct cert *c, const struct cert *middle, X509_STORE *st, int server)
{
	const char	*fit = server ? fit_server : fit_client;
	SSL_CTX		*ctx;

	ATF_REQUIRE((ctx = SSL_CTX_new(TLS_method())) != NULL);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(ctx, 0);
	ATF_REQUIRE_EQ(1, SSL_CTX_use_certificate(ctx, c->ce_x));
	ATF_REQUIRE_EQ(1, SSL_CTX_use_PrivateKey(ctx, c->ce_key));
	if (middle != NULL)
		ATF_REQUIRE_EQ(1, SSL_CTX_add1_chain_cert(ctx, middle->ce_x));
	SSL_CTX_set_msg_callback(ctx, watch);
	ATF_REQUIRE_EQ(0, names_ctx(ctx, st, server));
	ATF_REQUIRE_EQ(0, resume_ctx(ctx, server, fit, strlen(fit)));
	return (ctx);
}

/*
 * One connection to host.  Contexts are new each time, as after a reload; a
 * NULL store for the server: as for the client.
 */
static struct result
shake(const struct cert *client, const struct cert *server, const struct cert *middle,
    X509_STORE *st, X509_STORE *server_st, const char *host)
{
	struct resume_stats rs;
	struct result	 r;
	struct names	 na;
	SSL_CTX		*cc, *sc;
	SSL		*c, *s;
	BIO		*a, *b;
	char		 byte;
	int		 i, dc = 0, ds = 0;

	memset(&r, 0, sizeof(r));
	signatures = 0;
	cc = context(client, middle, st, 0);
	sc = context(server, NULL, server_st != NULL ? server_st : st, 1);
	resume_client(cc);
	ATF_REQUIRE((c = SSL_new(cc)) != NULL && (s = SSL_new(sc)) != NULL);
	ATF_REQUIRE_EQ(1, BIO_new_bio_pair(&a, 0, &b, 0));
	SSL_set_bio(c, a, a);
	SSL_set_bio(s, b, b);
	SSL_set_connect_state(c);
	SSL_set_accept_state(s);
	ATF_REQUIRE_EQ(0, names_expect(c, host));
	resume_offer(c, 5061);
	for (i = 0; i < 20; i++) {
		if (dc != 1)
			dc = SSL_do_handshake(c);
		if (ds != 1)
			ds = SSL_do_handshake(s);
		if (dc == 1)
			(void)SSL_read(c, &byte, 1);	/* tickets */
	}
	r.r_done = (dc == 1 ? 1 : 0) | (ds == 1 ? 2 : 0);
	if (r.r_done == 3) {
		r.r_resumed = SSL_session_reused(s);
		ATF_CHECK_EQ(r.r_resumed, SSL_session_reused(c));
		ATF_CHECK_EQ(0, names_peer(s, &na, NULL));
		(void)strlcpy(r.r_server_name, na.na_name[0], sizeof(r.r_server_name));
		ATF_CHECK_EQ(0, names_peer(c, &na, NULL));
		(void)strlcpy(r.r_client_name, na.na_name[0], sizeof(r.r_client_name));
		early = (int)SSL_SESSION_get_max_early_data(SSL_get_session(c));
	}
	resume_stats(&rs);
	r.r_session = rs.rs_kept > 0;
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(cc);
	SSL_CTX_free(sc);
	ERR_clear_error();
	return (r);
}

struct scene {
	struct cert	 ca, other, a, b;
	X509_STORE	*st;
};

static struct scene
scene(void)
{
	struct scene	 sc;

	start();
	sc.ca = make("ca", NULL, 1, NULL, 100);
	sc.other = make("other", NULL, 1, NULL, 100);
	sc.a = make("a", "DNS:a.example", 0, &sc.ca, 10);
	sc.b = make("b", "DNS:b.example", 0, &sc.ca, 20);
	sc.st = roots_of(&sc.ca);
	return (sc);
}

static void
scene_end(struct scene *sc)
{
	drop(&sc->ca);
	drop(&sc->other);
	drop(&sc->a);
	drop(&sc->b);
	X509_STORE_free(sc->st);
	resume_rekey();
}

#define SHAKE(s, client) shake(client, &(s).b, NULL, (s).st, NULL, "b.example")

ATF_TC_WITHOUT_HEAD(resumed);
ATF_TC_BODY(resumed, tc)
{
	struct scene	 s = scene();
	struct result	 r;
	int		 i;

	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ(3, r.r_done);
	ATF_CHECK_EQ(0, r.r_resumed);
	ATF_CHECK_EQ(2, signatures);
	ATF_CHECK_EQ(1, r.r_session);
	/* Over and over, each time with a ticket of its own, and neither side
	 * signs anything. */
	for (i = 0; i < 5; i++) {
		r = SHAKE(s, &s.a);
		ATF_CHECK_EQ(3, r.r_done);
		ATF_CHECK_EQ(1, r.r_resumed);
		ATF_CHECK_EQ(0, signatures);
		ATF_CHECK_STREQ("a.example", r.r_server_name);
		ATF_CHECK_STREQ("b.example", r.r_client_name);
		ATF_CHECK_EQ(0, early);
	}
	scene_end(&s);
}

/* Who the peer is is the session's certificate, not one it has now. */
ATF_TC_WITHOUT_HEAD(identity);
ATF_TC_BODY(identity, tc)
{
	struct scene	 s = scene();
	struct cert	 x = make("x", "DNS:x.example", 0, &s.ca, 10);
	struct result	 r;

	(void)SHAKE(s, &s.a);
	r = SHAKE(s, &x);
	ATF_CHECK_EQ(1, r.r_resumed);
	ATF_CHECK_STREQ("a.example", r.r_server_name);
	/* A host is resumed under its own name alone. */
	r = shake(&s.a, &s.b, NULL, s.st, NULL, "x.example");
	ATF_CHECK(r.r_done != 3);
	drop(&x);
	scene_end(&s);
}

/* Nobody whose certificate was refused has a ticket. */
ATF_TC_WITHOUT_HEAD(refused);
ATF_TC_BODY(refused, tc)
{
	struct scene	 s = scene();
	struct cert	 alien = make("a", "DNS:a.example", 0, &s.other, 10);
	struct cert	 nameless = make("a", NULL, 0, &s.ca, 10);
	struct result	 r;

	r = SHAKE(s, &alien);
	ATF_CHECK_EQ(0, r.r_done & 2);
	ATF_CHECK_EQ(0, r.r_session);
	r = SHAKE(s, &nameless);
	ATF_CHECK_EQ(0, r.r_done & 2);
	ATF_CHECK_EQ(0, r.r_session);
	drop(&alien);
	drop(&nameless);
	scene_end(&s);
}

/* Date, on either side. */
ATF_TC_WITHOUT_HEAD(date);
ATF_TC_BODY(date, tc)
{
	struct scene	 s = scene();
	struct cert	 brief = make("a", "DNS:a.example", 0, &s.ca, 0);
	struct cert	 b = make("b", "DNS:b.example", 0, &s.ca, 0);
	struct resume_stats rs;
	struct result	 r;
	uint64_t	 refusals;

	/* Ends in a moment: the clock that judges is ours. */
	X509_gmtime_adj(X509_getm_notAfter(brief.ce_x), 60);
	X509_sign(brief.ce_x, s.ca.ce_key, EVP_sha256());
	X509_gmtime_adj(X509_getm_notAfter(b.ce_x), 60);
	X509_sign(b.ce_x, s.ca.ce_key, EVP_sha256());
	r = SHAKE(s, &brief);
	ATF_CHECK_EQ(3, r.r_done);
	utc += 30;
	r = SHAKE(s, &brief);
	ATF_CHECK_EQ(1, r.r_resumed);
	utc += 31;
	resume_stats(&rs);
	refusals = rs.rs_refused;
	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ(3, r.r_done);
	ATF_CHECK_EQ(0, r.r_resumed);
	resume_stats(&rs);
	ATF_CHECK_EQ(refusals + 1, rs.rs_refused);
	/* As a client it is not even offered. */
	utc -= 61;
	resume_rekey();
	r = shake(&s.a, &b, NULL, s.st, NULL, "b.example");
	ATF_CHECK_EQ(3, r.r_done);
	resume_stats(&rs);
	refusals = rs.rs_offered;
	utc += 61;
	r = shake(&s.a, &b, NULL, s.st, NULL, "b.example");
	ATF_CHECK_EQ(0, r.r_resumed);
	resume_stats(&rs);
	ATF_CHECK_EQ(refusals, rs.rs_offered);
	drop(&brief);
	drop(&b);
	scene_end(&s);
}

/* Roots are those in force, on either side; what was sent along counts. */
ATF_TC_WITHOUT_HEAD(roots);
ATF_TC_BODY(roots, tc)
{
	struct scene	 s = scene();
	struct cert	 middle = make("middle", NULL, 1, &s.ca, 100);
	struct cert	 deep = make("d", "DNS:d.example", 0, &middle, 10);
	X509_STORE	*others = roots_of(&s.other);
	struct result	 r;

	ATF_REQUIRE_EQ(1, X509_STORE_add_cert(others, s.other.ce_x));
	r = shake(&deep, &s.b, &middle, s.st, NULL, "b.example");
	ATF_CHECK_EQ(3, r.r_done);
	r = shake(&deep, &s.b, &middle, s.st, NULL, "b.example");
	ATF_CHECK_EQ(1, r.r_resumed);
	r = shake(&deep, &s.b, &middle, s.st, NULL, "b.example");
	ATF_CHECK_EQ(1, r.r_resumed);
	ATF_CHECK_STREQ("d.example", r.r_server_name);
	/* The server has other roots now (and all else is the same): it
	 * refuses the session, and then the certificate. */
	r = shake(&deep, &s.b, &middle, s.st, others, "b.example");
	ATF_CHECK_EQ(0, r.r_done & 2);
	/* The client has other roots now. */
	resume_rekey();
	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ(3, r.r_done);
	r = shake(&s.a, &s.b, NULL, others, s.st, "b.example");
	ATF_CHECK_EQ(0, r.r_done);
	drop(&middle);
	drop(&deep);
	X509_STORE_free(others);
	scene_end(&s);
}

/* Another domain, certificate or root: nothing of before is resumed. */
ATF_TC_WITHOUT_HEAD(configuration);
ATF_TC_BODY(configuration, tc)
{
	struct scene	 s = scene();
	struct result	 r;

	(void)SHAKE(s, &s.a);
	fit_server = "2";
	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ(3, r.r_done);
	ATF_CHECK_EQ(0, r.r_resumed);
	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ(1, r.r_resumed);
	fit_client = "2";
	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ(3, r.r_done);
	ATF_CHECK_EQ(0, r.r_resumed);
	scene_end(&s);
}

/* A key makes tickets for an hour and opens them for one more. */
ATF_TC_WITHOUT_HEAD(hours);
ATF_TC_BODY(hours, tc)
{
	struct scene	 s = scene();
	struct result	 r;

	(void)SHAKE(s, &s.a);
	boot += RESUME_KEY_MS - 1;	/* the UTC clock stands still: keys alone */
	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ(1, r.r_resumed);
	boot += 1;
	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ_MSG(1, r.r_resumed, "the key before is known");
	/* That ticket was made by the new key; the next by a newer one. */
	boot += RESUME_KEY_MS;
	resume_tick();
	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ(1, r.r_resumed);
	boot += 2 * (uint64_t)RESUME_KEY_MS;
	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ_MSG(0, r.r_resumed, "two hours later it is not");
	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ(1, r.r_resumed);
	/* A client offers no session of more than an hour. */
	utc += RESUME_TICKET_S;
	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ(3, r.r_done);
	ATF_CHECK_EQ(0, r.r_resumed);
	scene_end(&s);
}

/* However often it is resumed: after a day a certificate is shown again. */
ATF_TC_WITHOUT_HEAD(day);
ATF_TC_BODY(day, tc)
{
	struct scene	 s = scene();
	struct result	 r;
	int		 i;

	(void)SHAKE(s, &s.a);
	for (i = 0; i < 48; i++) {
		utc += 1800;
		r = SHAKE(s, &s.a);
		ATF_CHECK_EQ(3, r.r_done);
		ATF_CHECK_EQ_MSG(i < 47, r.r_resumed, "half hour %d", i);
	}
	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ(1, r.r_resumed);
	scene_end(&s);
}

ATF_TC_WITHOUT_HEAD(revoked);
ATF_TC_BODY(revoked, tc)
{
	struct scene	 s = scene();
	struct resume_stats rs;
	SSL_CTX		*ctx;
	struct result	 r;

	(void)SHAKE(s, &s.a);
	resume_stats(&rs);
	ATF_CHECK_EQ(1, rs.rs_kept);
	resume_rekey();
	resume_stats(&rs);
	ATF_CHECK_EQ(0, rs.rs_kept);
	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ(3, r.r_done);
	ATF_CHECK_EQ(0, r.r_resumed);
	/* No client face any more: nothing is kept. */
	resume_client(NULL);
	resume_stats(&rs);
	ATF_CHECK_EQ(0, rs.rs_kept);
	ctx = context(&s.a, NULL, s.st, 0);
	resume_client(ctx);
	SSL_CTX_free(ctx);
	scene_end(&s);
}

/* Resumptions that a judgement of before was enough for. */
static uint64_t
remembered(void)
{
	struct resume_stats	 rs;

	resume_stats(&rs);
	return (rs.rs_remembered);
}

/* Once a chain was verified its dates are compared, and no more, within the
 * hour and by the same roots. */
ATF_TC_WITHOUT_HEAD(judgements);
ATF_TC_BODY(judgements, tc)
{
	struct scene	 s = scene();
	struct result	 r;
	X509_STORE	*same = roots_of(&s.ca), *others = roots_of(&s.other);
	uint64_t	 n = remembered();

	(void)SHAKE(s, &s.a);
	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ(1, r.r_resumed);
	ATF_CHECK_EQ_MSG(n, remembered(), "verified");
	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ(1, r.r_resumed);
	ATF_CHECK_EQ_MSG(n + 1, remembered(), "not again");
	ATF_CHECK_STREQ("a.example", r.r_server_name);
	/* A store of its own, though it holds the same. */
	r = shake(&s.a, &s.b, NULL, s.st, same, "b.example");
	ATF_CHECK_EQ(1, r.r_resumed);
	ATF_CHECK_EQ_MSG(n + 1, remembered(), "other roots: verified");
	r = shake(&s.a, &s.b, NULL, s.st, same, "b.example");
	ATF_CHECK_EQ(n + 2, remembered());
	/* Roots that do not know it: refused, session and certificate. */
	r = shake(&s.a, &s.b, NULL, s.st, others, "b.example");
	ATF_CHECK_EQ(0, r.r_done & 2);
	ATF_CHECK_EQ(n + 2, remembered());
	/* An hour. */
	resume_rekey();
	(void)SHAKE(s, &s.a);
	(void)SHAKE(s, &s.a);
	boot += JUDGED_MS - 1;
	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ(n + 3, remembered());
	boot += 1;
	r = SHAKE(s, &s.a);
	ATF_CHECK_EQ(1, r.r_resumed);
	ATF_CHECK_EQ_MSG(n + 3, remembered(), "verified each hour");
	/* A revocation. */
	resume_rekey();
	(void)SHAKE(s, &s.a);
	(void)SHAKE(s, &s.a);
	ATF_CHECK_EQ(n + 3, remembered());
	X509_STORE_free(same);
	X509_STORE_free(others);
	scene_end(&s);
}

/* Not for another certificate, even of the same name. */
ATF_TC_WITHOUT_HEAD(judgement_other);
ATF_TC_BODY(judgement_other, tc)
{
	struct scene	 s = scene();
	struct cert	 twin = make("a", "DNS:a.example", 0, &s.ca, 10);
	struct cert	 host = make("h", "DNS:one.example,DNS:two.example", 0, &s.ca, 10);
	struct result	 r;
	uint64_t	 n = remembered();

	(void)shake(&s.a, &host, NULL, s.st, NULL, "one.example");
	(void)shake(&s.a, &host, NULL, s.st, NULL, "one.example");
	(void)shake(&s.a, &host, NULL, s.st, NULL, "one.example");
	ATF_CHECK_EQ(n + 1, remembered());
	/* By its other name the host has no session with us. */
	r = shake(&twin, &host, NULL, s.st, NULL, "two.example");
	ATF_CHECK_EQ(0, r.r_resumed);
	r = shake(&twin, &host, NULL, s.st, NULL, "two.example");
	ATF_CHECK_EQ(1, r.r_resumed);
	ATF_CHECK_EQ_MSG(n + 1, remembered(), "verified");
	r = shake(&twin, &host, NULL, s.st, NULL, "two.example");
	ATF_CHECK_EQ(n + 2, remembered());
	drop(&twin);
	drop(&host);
	scene_end(&s);
}

/* The tightest date of the chain counts, here the intermediate's. */
ATF_TC_WITHOUT_HEAD(judgement_date);
ATF_TC_BODY(judgement_date, tc)
{
	struct scene	 s = scene();
	struct cert	 middle = make("middle", NULL, 1, &s.ca, 0);
	struct cert	 deep;
	struct result	 r;
	uint64_t	 n;

	X509_gmtime_adj(X509_getm_notAfter(middle.ce_x), 60);
	ATF_REQUIRE(X509_sign(middle.ce_x, s.ca.ce_key, EVP_sha256()) > 0);
	deep = make("d", "DNS:d.example", 0, &middle, 10);
	n = remembered();
	(void)shake(&deep, &s.b, &middle, s.st, NULL, "b.example");
	(void)shake(&deep, &s.b, &middle, s.st, NULL, "b.example");
	utc += 30;
	r = shake(&deep, &s.b, &middle, s.st, NULL, "b.example");
	ATF_CHECK_EQ(1, r.r_resumed);
	ATF_CHECK_EQ(n + 1, remembered());
	ATF_CHECK_STREQ("d.example", r.r_server_name);
	utc += 31;
	r = shake(&deep, &s.b, &middle, s.st, NULL, "b.example");
	ATF_CHECK_EQ(0, r.r_resumed);
	ATF_CHECK_EQ(n + 1, remembered());
	drop(&middle);
	drop(&deep);
	scene_end(&s);
}

/* The table by itself. */
ATF_TC_WITHOUT_HEAD(judgement_table);
ATF_TC_BODY(judgement_table, tc)
{
	struct scene	 s = scene();
	X509_STORE	*other = roots_of(&s.ca);
	uint8_t		 a[JUDGED_ID], b[JUDGED_ID], ac[JUDGED_ID];

	ATF_CHECK_EQ(-1, judged_id(NULL, "", 0, a));
	ATF_REQUIRE_EQ(0, judged_id(s.a.ce_x, "", 0, a));
	ATF_REQUIRE_EQ(0, judged_id(s.b.ce_x, "", 0, b));
	ATF_REQUIRE_EQ(0, judged_id(s.a.ce_x, "c", 1, ac));
	ATF_CHECK(memcmp(a, b, sizeof(a)) != 0 && memcmp(a, ac, sizeof(a)) != 0);
	judged_clear();
	ATF_CHECK_EQ(0, judged_good(a, s.st, 5000, 150));
	judged_keep(a, s.st, 5000, 100, 200);
	ATF_CHECK_EQ(1, judged_good(a, s.st, 5000, 150));
	ATF_CHECK_EQ(0, judged_good(b, s.st, 5000, 150));
	ATF_CHECK_EQ(0, judged_good(ac, s.st, 5000, 150));
	ATF_CHECK_EQ(0, judged_good(a, other, 5000, 150));
	ATF_CHECK_EQ(0, judged_good(a, NULL, 5000, 150));
	/* from <= date < until; less than JUDGED_MS old. */
	ATF_CHECK_EQ(0, judged_good(a, s.st, 5000, 99));
	ATF_CHECK_EQ(1, judged_good(a, s.st, 5000, 100));
	ATF_CHECK_EQ(1, judged_good(a, s.st, 5000, 199));
	ATF_CHECK_EQ(0, judged_good(a, s.st, 5000, 200));
	ATF_CHECK_EQ(1, judged_good(a, s.st, 4999 + JUDGED_MS, 150));
	ATF_CHECK_EQ(0, judged_good(a, s.st, 5000 + JUDGED_MS, 150));
	ATF_CHECK_EQ(0, judged_good(a, s.st, 4999, 150));
	/* One judgement by other roots: those of before are gone. */
	judged_keep(b, other, 5000, 100, 200);
	ATF_CHECK_EQ(1, judged_good(b, other, 5000, 150));
	ATF_CHECK_EQ(0, judged_good(a, other, 5000, 150));
	ATF_CHECK_EQ(0, judged_good(a, s.st, 5000, 150));
	judged_clear();
	ATF_CHECK_EQ(0, judged_good(b, other, 5000, 150));
	X509_STORE_free(other);
	scene_end(&s);
}

/* Bounded, the oldest goes. */
ATF_TC(many);
ATF_TC_HEAD(many, tc)
{
	atf_tc_set_md_var(tc, "timeout", "300");
}
ATF_TC_BODY(many, tc)
{
	struct scene	 s = scene();
	struct resume_stats rs;
	struct cert	 b;
	struct result	 r;
	char		 san[40], host[24];
	int		 i;

	for (i = 0; i <= RESUME_HOSTS; i++) {
		(void)snprintf(host, sizeof(host), "h%d.example", i);
		(void)snprintf(san, sizeof(san), "DNS:%s", host);
		b = make("b", san, 0, &s.ca, 10);
		r = shake(&s.a, &b, NULL, s.st, NULL, host);
		ATF_REQUIRE_EQ(3, r.r_done);
		drop(&b);
	}
	resume_stats(&rs);
	ATF_CHECK_EQ(RESUME_HOSTS, rs.rs_kept);
	utc += RESUME_TICKET_S;
	resume_tick();
	resume_stats(&rs);
	ATF_CHECK_EQ(0, rs.rs_kept);
	scene_end(&s);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, resumed);
	ATF_TP_ADD_TC(tp, identity);
	ATF_TP_ADD_TC(tp, refused);
	ATF_TP_ADD_TC(tp, date);
	ATF_TP_ADD_TC(tp, roots);
	ATF_TP_ADD_TC(tp, configuration);
	ATF_TP_ADD_TC(tp, hours);
	ATF_TP_ADD_TC(tp, day);
	ATF_TP_ADD_TC(tp, revoked);
	ATF_TP_ADD_TC(tp, judgements);
	ATF_TP_ADD_TC(tp, judgement_other);
	ATF_TP_ADD_TC(tp, judgement_date);
	ATF_TP_ADD_TC(tp, judgement_table);
	ATF_TP_ADD_TC(tp, many);
	return (atf_no_error());
}
