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
 * Parent: are these certificates and this document what peers will accept?
 * Looked at before anything listens, so that the operator hears of it and not
 * his callers.  They are the operator's own files and public.
 */

#include <sys/types.h>

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <sodium.h>

#include "config_files.h"
#include "log.h"
#include "reload_cert.h"
#include "reload_conf.h"
#include "viprd.h"

#define NAMES_COUNT	32		/* of a certificate, for sipgw: its NAMES_MAX */
#define CHAIN_MAX	10
#define EXPIRY_WARN	(14 * 86400)
#define EXPIRY_WARN_DOC	(30 * 86400)
#define ID_KP_SIPDOMAIN	"1.3.6.1.5.5.7.3.20"	/* RFC 5924 */
#define ID_KP_ANY	"2.5.29.37.0"
#define ID_KP_SERVER	"1.3.6.1.5.5.7.3.1"

static X509	*chain_read(struct problems *, const struct conf_blob *, const char *,
		    STACK_OF(X509) **);
static int64_t	 asn1_utc(const ASN1_TIME *);
static void	 date_text(int64_t, char *, size_t);
static void	 check_dates(struct problems *, const struct conf_blob *, const char *, X509 *);
static void	 check_usage(struct problems *, const struct conf_blob *, X509 *);
static void	 check_strength(struct problems *, const struct conf_blob *, const char *, X509 *);
static int	 uri_names(const GENERAL_NAMES *, const char *, int *);
static int	 dns_names(const GENERAL_NAMES *, const char *);
static int	 cert_names(X509 *, const char *);
static X509	*chain_first(const struct conf_blob *);
static void	 check_pair(struct problems *, const struct conf_blob *, const struct conf_blob *,
		    const char *, X509 *);
static void	 check_trust(struct problems *, const struct conf *, X509 *, STACK_OF(X509) *);
static void	 check_sip(struct problems *, const struct conf *);
static void	 check_inside(struct problems *, const struct conf *);
static void	 check_document(const struct problems *, const struct conf_blob *,
		    const struct reload_doc *);
static void	 check_node(struct problems *, const struct conf *);

/* The leaf, and what follows it in *chain.  NULL: logged, or not there. */
static X509 *
chain_read(struct problems *pr, const struct conf_blob *b, const char *what,
    STACK_OF(X509) **chain)
{
	BIO	*bio;
	X509	*leaf, *x;
	int	 n;

	*chain = NULL;
	if (b->cb_data == NULL)
		return (NULL);
	if ((bio = BIO_new_mem_buf(b->cb_data, (int)b->cb_len)) == NULL ||
	    (*chain = sk_X509_new_null()) == NULL)
		fatalx("%s: out of memory", b->cb_path);
	if ((leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL)) == NULL)
		problem(pr, "%s %s: no certificate in PEM form", what,
		    b->cb_path);
	for (n = 0; leaf != NULL &&
	    (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL; n++) {
		if (n >= CHAIN_MAX || sk_X509_push(*chain, x) == 0) {
			X509_free(x);
			problem(pr, "%s %s: more than %d certificates", what,
			    b->cb_path, CHAIN_MAX);
			break;
		}
	}
	ERR_clear_error();
	BIO_free(bio);
	return (leaf);
}

static X509 *
chain_first(const struct conf_blob *b)
{
	BIO	*bio;
	X509	*x;

	if (b->cb_data == NULL)
		return (NULL);
	if ((bio = BIO_new_mem_buf(b->cb_data, (int)b->cb_len)) == NULL)
		fatalx("%s: out of memory", b->cb_path);
	x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	ERR_clear_error();
	BIO_free(bio);
	return (x);
}

static int64_t
asn1_utc(const ASN1_TIME *t)
{
	struct tm	 tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return (-1);
	return ((int64_t)timegm(&tm));
}

static void
date_text(int64_t utc, char *buf, size_t size)
{
	time_t		 t = (time_t)utc;
	struct tm	 tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(buf, size, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		(void)strlcpy(buf, "?", size);
}

static void
check_dates(struct problems *pr, const struct conf_blob *b, const char *what,
    X509 *x)
{
	int64_t	 from = asn1_utc(X509_get0_notBefore(x));
	int64_t	 to = asn1_utc(X509_get0_notAfter(x));
	char	 text[64];

	if (from == -1 || to == -1)
		problem(pr, "%s %s: its dates cannot be read", what,
		    b->cb_path);
	else if (pr->pr_now > to) {
		date_text(to, text, sizeof(text));
		problem(pr, "%s %s: expired at %s", what, b->cb_path, text);
	} else if (pr->pr_now < from) {
		date_text(from, text, sizeof(text));
		problem(pr, "%s %s: not valid before %s", what, b->cb_path,
		    text);
	} else if (to - pr->pr_now < EXPIRY_WARN) {
		date_text(to, text, sizeof(text));
		log_warnx("warning: %s %s: expires at %s", what, b->cb_path,
		    text);
	}
}

/* vipr(7): serverAuth, sipDomain, any, or no extended key usage at all. */
static void
check_usage(struct problems *pr, const struct conf_blob *b, X509 *x)
{
	static const char *const good[] = { ID_KP_SERVER, ID_KP_SIPDOMAIN,
	    ID_KP_ANY };
	EXTENDED_KEY_USAGE	*eku;
	char			 oid[80];
	int			 i, crit, ok = 0;
	size_t			 j;

	if ((X509_get_extension_flags(x) & EXFLAG_KUSAGE) &&
	    !(X509_get_key_usage(x) & KU_DIGITAL_SIGNATURE))
		problem(pr, "sip certificate %s: its key usage lacks "
		    "digitalSignature, which TLS 1.3 needs", b->cb_path);
	eku = X509_get_ext_d2i(x, NID_ext_key_usage, &crit, NULL);
	if (eku == NULL) {
		if (crit != -1)
			problem(pr, "sip certificate %s: its extended key "
			    "usage cannot be read", b->cb_path);
		return;
	}
	for (i = 0; i < sk_ASN1_OBJECT_num(eku) && !ok; i++) {
		if (OBJ_obj2txt(oid, sizeof(oid),
		    sk_ASN1_OBJECT_value(eku, i), 1) <= 0)
			continue;
		for (j = 0; j < sizeof(good) / sizeof(good[0]); j++)
			ok |= strcmp(oid, good[j]) == 0;
	}
	EXTENDED_KEY_USAGE_free(eku);
	if (!ok)
		problem(pr, "sip certificate %s: its extended key usage is "
		    "neither serverAuth nor sipDomain, so peers will refuse "
		    "it", b->cb_path);
}

static void
check_strength(struct problems *pr, const struct conf_blob *b,
    const char *what, X509 *x)
{
	EVP_PKEY	*key = X509_get0_pubkey(x);
	int		 id;

	if (key == NULL) {
		problem(pr, "%s %s: its public key cannot be read", what,
		    b->cb_path);
		return;
	}
	id = EVP_PKEY_get_base_id(key);
	if (id != EVP_PKEY_RSA && id != EVP_PKEY_EC)
		problem(pr, "%s %s: expected an RSA or EC key", what,
		    b->cb_path);
	else if (id == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) < 2048)
		problem(pr, "%s %s: an RSA key of %d bits, expected 2048 or "
		    "more", what, b->cb_path, EVP_PKEY_get_bits(key));
}

/* Which of the usable sip: URIs, from 1, is for this domain?  *any: some
 * stands. */
static int
uri_names(const GENERAL_NAMES *names, const char *domain, int *any)
{
	const GENERAL_NAME	*gn;
	struct span		 s;
	int			 i, n = 0, found = 0;

	*any = 0;
	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		gn = sk_GENERAL_NAME_value(names, i);
		if (gn->type != GEN_URI)
			continue;
		s.p = (const char *)ASN1_STRING_get0_data(
		    gn->d.uniformResourceIdentifier);
		s.len = (size_t)ASN1_STRING_length(
		    gn->d.uniformResourceIdentifier);
		if (s.len <= 4 || strncasecmp(s.p, "sip:", 4) != 0 ||
		    memchr(s.p, '@', s.len) != NULL ||
		    memchr(s.p, ';', s.len) != NULL ||
		    memchr(s.p, '?', s.len) != NULL ||
		    memchr(s.p + 4, ':', s.len - 4) != NULL)
			continue;
		*any = 1;
		n++;
		s.p += 4;
		s.len -= 4;
		if (found == 0 && span_caseeq(s, domain))
			found = n;
	}
	return (found);
}

static int
dns_names(const GENERAL_NAMES *names, const char *domain)
{
	const GENERAL_NAME	*gn;
	struct span		 s;
	int			 i, n = 0;

	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		gn = sk_GENERAL_NAME_value(names, i);
		if (gn->type != GEN_DNS)
			continue;
		n++;
		s.p = (const char *)ASN1_STRING_get0_data(gn->d.dNSName);
		s.len = (size_t)ASN1_STRING_length(gn->d.dNSName);
		if (span_caseeq(s, domain))
			return (n);
	}
	return (0);
}

/* RFC 5922, the place of the domain from 1: sip: URIs first; DNS names only where there is none; no wildcards. */
static int
cert_names(X509 *x, const char *domain)
{
	GENERAL_NAMES	*names;
	int		 any, found;

	if ((names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL)) ==
	    NULL)
		return (0);
	found = uri_names(names, domain, &any);
	if (!any)
		found = dns_names(names, domain);
	GENERAL_NAMES_free(names);
	return (found);
}

/* viprd -n only: a running box leaves keys to its key process. */
static void
check_pair(struct problems *pr, const struct conf_blob *cert,
    const struct conf_blob *key, const char *what, X509 *x)
{
	EVP_PKEY	*pkey = NULL;
	BIO		*bio;
	uint8_t		*buf;
	ssize_t		 n;
	const size_t	 size = 64 * 1024;

	if (!(pr->pr_flags & CONFIG_CHECK) || key->cb_fd == -1)
		return;
	if ((buf = sodium_malloc(size)) == NULL)
		fatalx("%s: out of memory", key->cb_path);
	n = pread(key->cb_fd, buf, size, 0);
	if (n > 0 && (bio = BIO_new_mem_buf(buf, (int)n)) != NULL) {
		/* An empty pass phrase: never ask the terminal. */
		pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL,
		    (void *)(uintptr_t)"");
		BIO_free(bio);
	}
	sodium_free(buf);
	if (pkey == NULL)
		problem(pr, "%s key %s: no private key in PEM form without a "
		    "pass phrase", what, key->cb_path);
	else if (X509_check_private_key(x, pkey) != 1)
		problem(pr, "%s key %s: is not the key of certificate %s",
		    what, key->cb_path, cert->cb_path);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
}

/* viprd -n: would a peer with our own roots believe the chain? */
static void
check_trust(struct problems *pr, const struct conf *c, X509 *x,
    STACK_OF(X509) *chain)
{
	X509_STORE_CTX	*ctx;
	X509_STORE	*store;
	X509		*root;
	BIO		*bio;
	int		 n = 0;

	if (c->c_sip_ca.cb_data == NULL)
		return;
	store = X509_STORE_new();
	ctx = X509_STORE_CTX_new();
	bio = BIO_new_mem_buf(c->c_sip_ca.cb_data, (int)c->c_sip_ca.cb_len);
	if (store == NULL || ctx == NULL || bio == NULL)
		fatalx("sip ca: out of memory");
	while ((root = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (X509_STORE_add_cert(store, root) == 1)
			n++;
		X509_free(root);
	}
	if (n == 0)
		problem(pr, "sip ca %s: no certificate in PEM form",
		    c->c_sip_ca.cb_path);
	else if ((pr->pr_flags & CONFIG_CHECK) &&
	    X509_STORE_CTX_init(ctx, store, x, chain) == 1) {
		X509_STORE_CTX_set_time(ctx, 0, (time_t)pr->pr_now);
		(void)X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_ANY);
		if (X509_verify_cert(ctx) != 1)
			log_warnx("warning: sip certificate %s: %s with the "
			    "roots of %s; peers with the same roots will "
			    "refuse it", c->c_sip_cert.cb_path,
			    X509_verify_cert_error_string(
			    X509_STORE_CTX_get_error(ctx)),
			    c->c_sip_ca.cb_path);
	}
	BIO_free(bio);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	ERR_clear_error();
}

static void
check_sip(struct problems *pr, const struct conf *c)
{
	const struct conf_blob	*b = &c->c_sip_cert;
	STACK_OF(X509)		*chain;
	X509			*x;

	if ((x = chain_read(pr, b, "sip certificate", &chain)) == NULL) {
		sk_X509_pop_free(chain, X509_free);
		return;
	}
	check_dates(pr, b, "sip certificate", x);
	check_strength(pr, b, "sip certificate", x);
	check_usage(pr, b, x);
	if (!cert_names(x, c->c_domain))
		problem(pr, "sip certificate %s: does not name the domain %s "
		    "(a sip: URI, or without any a DNS name, in "
		    "subjectAltName), so peers will refuse it", b->cb_path,
		    c->c_domain);
	else if (cert_names(x, c->c_domain) > NAMES_COUNT)
		log_warnx("warning: sip certificate %s: the domain %s is not "
		    "among its first %d names: peers look no further", b->cb_path,
		    c->c_domain, NAMES_COUNT);
	else if (!cert_names(x, c->c_outside_host))
		problem(pr, "sip certificate %s: does not name the host %s of "
		    "the routes that we grant, so callers will refuse it",
		    b->cb_path, c->c_outside_host);
	check_pair(pr, b, &c->c_sip_key, "sip", x);
	check_trust(pr, c, x, chain);
	X509_free(x);
	sk_X509_pop_free(chain, X509_free);
}

static void
check_inside(struct problems *pr, const struct conf *c)
{
	const struct conf_blob	*b = &c->c_inside_cert;
	STACK_OF(X509)		*chain;
	X509			*x;

	/* One root is enough; sipgw reads the others. */
	x = chain_first(&c->c_inside_ca);
	if (x == NULL && c->c_inside_ca.cb_data != NULL)
		problem(pr, "sip inside ca %s: no certificate in PEM form",
		    c->c_inside_ca.cb_path);
	X509_free(x);
	if ((x = chain_read(pr, b, "sip inside certificate", &chain)) !=
	    NULL) {
		check_dates(pr, b, "sip inside certificate", x);
		check_strength(pr, b, "sip inside certificate", x);
		check_pair(pr, b, &c->c_inside_key, "sip inside", x);
		X509_free(x);
	}
	sk_X509_pop_free(chain, X509_free);
}

/* An old document is not refused: the overlay goes on without its signer. */
static void
check_document(const struct problems *pr, const struct conf_blob *b,
    const struct reload_doc *doc)
{
	char	 text[64];

	if (doc->rd_self_signed != RELOAD_SELF_NO &&
	    (pr->pr_flags & CONFIG_CHECK))
		log_warnx("warning: overlay config %s: self-signed "
		    "certificates are permitted: chosen Node-IDs are "
		    "nearly free", b->cb_path);
	if (doc->rd_expiration == 0 ||
	    doc->rd_expiration - pr->pr_now >= EXPIRY_WARN_DOC)
		return;
	date_text(doc->rd_expiration, text, sizeof(text));
	log_warnx("warning: overlay config %s: expire%s at %s: a newer one is "
	    "needed of whoever runs the overlay", b->cb_path,
	    doc->rd_expiration <= pr->pr_now ? "d" : "s", text);
}

/* The node's certificate in the overlay of the document. */
static void
check_node(struct problems *pr, const struct conf *c)
{
	const struct conf_blob	*b = &c->c_node_cert;
	struct reload_doc	*doc = NULL;
	struct reload_trust	*trust = NULL;
	struct reload_cert	 rc;
	STACK_OF(X509)		*chain = NULL;
	X509			*x = NULL;
	const char		*why;
	char			 text[RELOAD_WHY_SIZE];
	unsigned		 before = pr->pr_count;

	if (c->c_ov_config.cb_data != NULL) {
		doc = reload_doc_parse(c->c_ov_config.cb_data,
		    c->c_ov_config.cb_len, c->c_overlay, text, sizeof(text));
		if (doc == NULL || reload_doc_verify(doc, NULL, pr->pr_now,
		    text, sizeof(text)) == -1)
			problem(pr, "overlay config %s: %s",
			    c->c_ov_config.cb_path, text);
		else {
			check_document(pr, &c->c_ov_config, doc);
			if ((c->c_flags & CONF_OVERLAY_CLIENT) &&
			    !doc->rd_clients)
				problem(pr, "overlay config %s: its "
				    "clients-permitted is false: this node "
				    "cannot be a client",
				    c->c_ov_config.cb_path);
		}
	}
	if ((x = chain_read(pr, b, "overlay certificate", &chain)) == NULL)
		goto done;
	check_dates(pr, b, "overlay certificate", x);
	check_strength(pr, b, "overlay certificate", x);
	check_pair(pr, b, &c->c_node_key, "overlay", x);
	if (reload_cert_parse(x, &rc, &why) == -1)
		problem(pr, "overlay certificate %s: %s", b->cb_path, why);
	else if (strcmp(rc.rc_overlay, c->c_overlay) != 0)
		problem(pr, "overlay certificate %s: is for overlay %s, "
		    "expected %s", b->cb_path, rc.rc_overlay, c->c_overlay);
	else if (rc.rc_nodes != 1)
		problem(pr, "overlay certificate %s: holds %u Node-IDs, "
		    "expected one", b->cb_path, rc.rc_nodes);
	/* The rest only when nothing was said yet: it would be said twice. */
	if (pr->pr_count == before && doc != NULL &&
	    (trust = reload_doc_trust(doc)) != NULL &&
	    reload_trust_check(trust, x, chain, pr->pr_now, &rc, &why) == -1)
		problem(pr, "overlay certificate %s: %s (overlay config %s)",
		    b->cb_path, why, c->c_ov_config.cb_path);
 done:
	reload_trust_free(trust);
	reload_doc_free(doc);
	X509_free(x);
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
}

void
config_certs(struct problems *pr, const struct conf *c)
{
	check_node(pr, c);
	check_sip(pr, c);
	check_inside(pr, c);
}
