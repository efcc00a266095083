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
 * Names in certificates by RFC 5922, and what a TLS peer of the outside must
 * show; runs in sipgw's handshakes.
 */
#include <sys/types.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "addr.h"
#include "cursor.h"
#include "names.h"
#include "sip_uri.h"

#define SIPDOMAIN_OID	"1.3.6.1.5.5.7.3.20"	/* id-kp-sipDomain, RFC 5924 */
#define CHAIN_DEPTH	8
#define AUTH_LEVEL	2	/* key sizes and digests, as OpenSSL's own default */
#define ROOTS_BAD_MAX	1000

/* Of one SSL object, in its ex_data. */
struct expect {
	char		*ex_host;	/* name the peer must have, or NULL */
	const char	*ex_why;	/* static text, why it was refused */
};

static int	 name_add(struct names *, struct span, const char *);
static int	 name_sip(struct span, struct span *);
static int	 expect_index(void);
static void	 expect_free(void *, void *, CRYPTO_EX_DATA *, int, long, void *);
static struct expect *expect_get(SSL *);
static int	 names_verify(int, X509_STORE_CTX *);
static int	 names_verify_inside(int, X509_STORE_CTX *);
static int	 names_no_cert(SSL *, void *);
static int	 names_of(X509 *, struct names *, const char *);
static const char *names_judge(X509 *, const char *);
static int	 names_date(const ASN1_TIME *, uint64_t *);
static void	 names_dates(STACK_OF(X509) *, uint64_t *, uint64_t *);

/* -- certificates -- */

/* A host name into the list, lower-cased; 0 if it is not usable.  The name that
 * is wanted finds room in any case. */
static int
name_add(struct names *na, struct span s, const char *want)
{
	char	 out[DOMAIN_SIZE];
	size_t	 i;

	if (s.len == 0 || s.len >= DOMAIN_SIZE)
		return (0);
	for (i = 0; i < s.len; i++) {
		/* No wildcard, no NUL, no final or double dot. */
		if (!isalnum((uint8_t)s.p[i]) && s.p[i] != '-' &&
		    (s.p[i] != '.' || i == 0 || i + 1 == s.len ||
		    s.p[i - 1] == '.'))
			return (0);
		out[i] = (char)tolower((uint8_t)s.p[i]);
	}
	out[i] = '\0';
	if (na->na_count < NAMES_MAX) {
		memcpy(na->na_name[na->na_count++], out, i + 1);
		return (1);
	}
	na->na_left++;
	if (want != NULL && strcasecmp(out, want) == 0)
		memcpy(na->na_name[NAMES_MAX - 1], out, i + 1);
	return (1);
}

/* Is it a SIP URI without user part, port, parameters and headers? */
static int
name_sip(struct span s, struct span *host)
{
	struct sip_uri	u;

	if (sip_uri_parse(s, &u) == -1 || u.su_scheme != URI_SIP ||
	    u.su_has_user || u.su_port != 0 || u.su_params.len > 0 ||
	    u.su_has_headers || u.su_ipv6 || u.su_host.p + u.su_host.len !=
	    s.p + s.len)
		return (0);
	*host = u.su_host;
	return (1);
}

int
names_cert(X509 *cert, struct names *na)
{
	return (names_of(cert, na, NULL));
}

static int
names_of(X509 *cert, struct names *na, const char *want)
{
	GENERAL_NAMES		*gens;
	const GENERAL_NAME	*g;
	const ASN1_IA5STRING	*str;
	struct span		 s, host;
	int			 i, pass, n, type;

	na->na_count = na->na_left = 0;
	gens = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	if (gens == NULL)
		return (-1);
	n = sk_GENERAL_NAME_num(gens);
	for (pass = 0; pass < 2; pass++) {
		int	sips = 0;

		type = pass == 0 ? GEN_URI : GEN_DNS;
		for (i = 0; i < n; i++) {
			g = sk_GENERAL_NAME_value(gens, i);
			if (g->type != type)
				continue;
			str = pass == 0 ? g->d.uniformResourceIdentifier :
			    g->d.dNSName;
			s.p = (const char *)ASN1_STRING_get0_data(str);
			s.len = (size_t)ASN1_STRING_length(str);
			if (pass == 0) {
				if (!name_sip(s, &host))
					continue;
				sips = 1;
				s = host;
			}
			(void)name_add(na, s, want);
		}
		if (sips)
			break;
	}
	GENERAL_NAMES_free(gens);
	return (na->na_count > 0 ? 0 : -1);
}

struct names *
names_copy(const struct names *na)
{
	struct names	*copy;
	size_t		 size = offsetof(struct names, na_name) +
			    na->na_count * sizeof(na->na_name[0]);

	if ((copy = malloc(size)) != NULL)
		memcpy(copy, na, size);
	return (copy);
}

int
names_find(const struct names *na, const char *host)
{
	size_t	i;

	for (i = 0; i < na->na_count; i++)
		if (strcasecmp(na->na_name[i], host) == 0)
			return ((int)i);
	return (-1);
}

int
names_usage(X509 *cert)
{
	EXTENDED_KEY_USAGE	*eku;
	char			 oid[64];
	int			 crit, i, ok = 0;

	eku = X509_get_ext_d2i(cert, NID_ext_key_usage, &crit, NULL);
	if (eku == NULL)
		return (crit == -1);	/* -1: there is none; else unreadable or twice */
	for (i = 0; i < sk_ASN1_OBJECT_num(eku); i++) {
		const ASN1_OBJECT *o = sk_ASN1_OBJECT_value(eku, i);
		int nid = OBJ_obj2nid(o);

		if (nid == NID_server_auth || nid == NID_anyExtendedKeyUsage)
			ok = 1;
		else if (OBJ_obj2txt(oid, sizeof(oid), o, 1) > 0 &&
		    strcmp(oid, SIPDOMAIN_OID) == 0)
			ok = 1;
	}
	EXTENDED_KEY_USAGE_free(eku);
	return (ok);
}

const char *
names_own(const void *pem, size_t len, const char *domain, uint64_t now_s)
{
	const char	*why = NULL;
	time_t		 now = (time_t)now_s;
	X509		*x;
	BIO		*bio;

	if (len > INT32_MAX || (bio = BIO_new_mem_buf(pem, (int)len)) == NULL)
		return ("out of memory");
	x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	ERR_clear_error();
	if (x == NULL)
		return ("no certificate could be read");
	if (X509_cmp_time(X509_get0_notBefore(x), &now) > 0)
		why = "certificate is not valid yet";
	else if (X509_cmp_time(X509_get0_notAfter(x), &now) < 0)
		why = "certificate has expired";
	else
		why = names_judge(x, domain);
	X509_free(x);
	return (why);
}

X509_STORE *
names_roots(const void *pem, size_t len, unsigned *n, const char **why)
{
	X509_STORE	*st;
	X509		*x;
	BIO		*bio;
	unsigned	 bad = 0;

	*n = 0;
	*why = "out of memory";
	if (len > INT32_MAX ||
	    (bio = BIO_new_mem_buf(pem, (int)len)) == NULL)
		return (NULL);
	if ((st = X509_STORE_new()) == NULL) {
		BIO_free(bio);
		return (NULL);
	}
	/* A bad entry is left out; the reader stops only at the end. */
	while (bad < ROOTS_BAD_MAX) {
		ERR_clear_error();
		if ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) == NULL) {
			if (BIO_eof(bio) ||
			    ERR_GET_REASON(ERR_peek_last_error()) ==
			    PEM_R_NO_START_LINE)
				break;
			bad++;
			continue;
		}
		if (X509_STORE_add_cert(st, x) == 1)
			(*n)++;
		X509_free(x);
	}
	ERR_clear_error();
	BIO_free(bio);
	if (*n == 0) {
		*why = "no certificate could be read";
		X509_STORE_free(st);
		return (NULL);
	}
	*why = NULL;
	return (st);
}

/* -- handshakes -- */

static void
expect_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	struct expect	*ex = ptr;

	(void)parent;
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	if (ex == NULL)
		return;
	free(ex->ex_host);
	free(ex);
}

static int
expect_index(void)
{
	static int	idx = -1;

	if (idx == -1)
		idx = SSL_get_ex_new_index(0, NULL, NULL, NULL, expect_free);
	return (idx);
}

static struct expect *
expect_get(SSL *ssl)
{
	struct expect	*ex;
	int		 idx;

	if ((idx = expect_index()) == -1)
		return (NULL);
	if ((ex = SSL_get_ex_data(ssl, idx)) != NULL)
		return (ex);
	if ((ex = calloc(1, sizeof(*ex))) == NULL)
		return (NULL);
	if (SSL_set_ex_data(ssl, idx, ex) != 1) {
		free(ex);
		return (NULL);
	}
	return (ex);
}

/* Why a certificate whose chain is good is refused; NULL: it is not. */
static const char *
names_judge(X509 *cert, const char *host)
{
	struct names	na;

	if (cert == NULL)
		return ("no certificate");
	if (!names_usage(cert))
		return ("certificate is not for TLS servers nor for SIP domains");
	if (names_of(cert, &na, host) == -1)
		return ("certificate names no SIP domain");
	if (host != NULL && names_find(&na, host) == -1)
		return ("certificate is for another domain");
	return (NULL);
}

static int
names_verify(int ok, X509_STORE_CTX *ctx)
{
	struct expect	*ex;
	SSL		*ssl;
	const char	*why;

	ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	if (ssl == NULL || (ex = expect_get(ssl)) == NULL) {
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_OUT_OF_MEM);
		return (0);
	}
	if (!ok) {
		ex->ex_why = X509_verify_cert_error_string(
		    X509_STORE_CTX_get_error(ctx));
		return (0);
	}
	if (X509_STORE_CTX_get_error_depth(ctx) != 0)
		return (1);
	why = names_judge(X509_STORE_CTX_get_current_cert(ctx), ex->ex_host);
	if (why == NULL)
		return (1);
	ex->ex_why = why;
	X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
	return (0);
}

int
names_ctx(SSL_CTX *ctx, X509_STORE *roots, int server)
{
	static const unsigned char	sid[] = "vipr-outside";

	if (expect_index() == -1 ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_purpose(ctx, X509_PURPOSE_ANY) != 1 ||
	    SSL_CTX_set_session_id_context(ctx, sid, sizeof(sid) - 1) != 1 ||
	    SSL_CTX_set_max_early_data(ctx, 0) != 1)
		return (-1);
	if (server && SSL_CTX_set_num_tickets(ctx, 0) != 1)
		return (-1);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	/* The chain is the certificate file's; OpenSSL would look for the rest
	 * of it among the roots, anew in each handshake. */
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set1_cert_store(ctx, roots);
	SSL_CTX_set_verify_depth(ctx, CHAIN_DEPTH);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER |
	    (server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), names_verify);
	return (0);
}

/* For PBXs and trunks: the name that was expected, and no more. */
static int
names_verify_inside(int ok, X509_STORE_CTX *ctx)
{
	struct expect	*ex;
	struct names	 na;
	struct vaddr	 va;
	X509		*cert;
	SSL		*ssl;

	ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	if (ssl == NULL || (ex = expect_get(ssl)) == NULL) {
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_OUT_OF_MEM);
		return (0);
	}
	if (!ok) {
		ex->ex_why = X509_verify_cert_error_string(
		    X509_STORE_CTX_get_error(ctx));
		return (0);
	}
	if (X509_STORE_CTX_get_error_depth(ctx) != 0 || ex->ex_host == NULL)
		return (1);
	cert = X509_STORE_CTX_get_current_cert(ctx);
	if (vaddr_parse(ex->ex_host, 0, &va) == 0)
		ok = X509_check_ip_asc(cert, ex->ex_host, 0) == 1;
	else
		ok = names_of(cert, &na, ex->ex_host) == 0 &&
		    names_find(&na, ex->ex_host) != -1;
	if (ok)
		return (1);
	ex->ex_why = "certificate is for another host";
	X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
	return (0);
}

/* key signs TLS 1.3 alone: to an older PBX we show no certificate. */
static int
names_no_cert(SSL *ssl, void *arg)
{
	(void)arg;
	if (SSL_version(ssl) < TLS1_3_VERSION)
		SSL_certs_clear(ssl);
	return (1);
}

int
names_inside_ctx(SSL_CTX *ctx, X509_STORE *roots, int server)
{
	static const unsigned char	sid[] = "vipr-inside";

	if (expect_index() == -1 ||
	    (!server && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) ||
	    SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_purpose(ctx, X509_PURPOSE_ANY) != 1 ||
	    SSL_CTX_set_session_id_context(ctx, sid, sizeof(sid) - 1) != 1)
		return (-1);
	if (!server)
		SSL_CTX_set_cert_cb(ctx, names_no_cert, NULL);
	SSL_CTX_set1_cert_store(ctx, roots);
	SSL_CTX_set_verify_depth(ctx, CHAIN_DEPTH);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, names_verify_inside);
	return (0);
}

int
names_expect(SSL *ssl, const char *host)
{
	struct expect	*ex;
	char		*copy;

	if ((ex = expect_get(ssl)) == NULL || (copy = strdup(host)) == NULL)
		return (-1);
	free(ex->ex_host);
	ex->ex_host = copy;
	/* RFC 6066: a host name only; an address has no letters or a colon. */
	if (strchr(host, ':') != NULL || strspn(host, "0123456789.") == strlen(host))
		return (0);
	return (SSL_set_tlsext_host_name(ssl, ex->ex_host) == 1 ? 0 : -1);
}

int
names_peer(SSL *ssl, struct names *na, uint64_t *not_after)
{
	X509	*cert;

	na->na_count = na->na_left = 0;
	if (not_after != NULL)
		*not_after = 0;
	if (SSL_get_verify_result(ssl) != X509_V_OK ||
	    (cert = SSL_get0_peer_certificate(ssl)) == NULL)
		return (-1);
	if (not_after != NULL && names_date(X509_get0_notAfter(cert), not_after) == -1)
		return (-1);
	return (names_of(cert, na, names_expected(ssl)));
}

/* A certificate's date, UTC s; 0, or -1. */
static int
names_date(const ASN1_TIME *at, uint64_t *s)
{
	struct tm	 tm;
	time_t		 t;

	memset(&tm, 0, sizeof(tm));
	if (at == NULL || ASN1_TIME_to_tm(at, &tm) != 1 || (t = timegm(&tm)) < 0)
		return (-1);
	*s = (uint64_t)t;
	return (0);
}

/* When all of a chain are valid; none of the time if that cannot be said. */
static void
names_dates(STACK_OF(X509) *chain, uint64_t *from, uint64_t *until)
{
	uint64_t	 a, b;
	int		 i, n = chain == NULL ? 0 : sk_X509_num(chain);

	*from = 0;
	*until = n == 0 ? 0 : UINT64_MAX;
	for (i = 0; i < n; i++) {
		if (names_date(X509_get0_notBefore(sk_X509_value(chain, i)), &a) == -1 ||
		    names_date(X509_get0_notAfter(sk_X509_value(chain, i)), &b) == -1)
			*until = b = a = 0;
		if (a > *from)
			*from = a;
		if (b < *until)
			*until = b;
	}
}

const char *
names_again(X509 *cert, STACK_OF(X509) *chain, X509_STORE *roots, const char *host,
    uint64_t utc_s)
{
	uint64_t	 from, until;

	return (names_again_until(cert, chain, roots, host, utc_s, &from, &until));
}

const char *
names_again_until(X509 *cert, STACK_OF(X509) *chain, X509_STORE *roots, const char *host,
    uint64_t utc_s, uint64_t *from, uint64_t *until)
{
	X509_STORE_CTX	*ctx;
	X509_VERIFY_PARAM *param;
	const char	*why;

	*from = *until = 0;
	if (cert == NULL)
		return ("no certificate");
	if ((ctx = X509_STORE_CTX_new()) == NULL ||
	    X509_STORE_CTX_init(ctx, roots, cert, chain) != 1 ||
	    (param = X509_STORE_CTX_get0_param(ctx)) == NULL ||
	    X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY) != 1)
		why = "out of memory";
	else {
		X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH);
		X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
		X509_VERIFY_PARAM_set_time(param, (time_t)utc_s);
		if (X509_verify_cert(ctx) != 1)
			why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
		else if ((why = names_judge(cert, host)) == NULL)
			names_dates(X509_STORE_CTX_get0_chain(ctx), from, until);
	}
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return (why);
}

const char *
names_expected(SSL *ssl)
{
	struct expect	*ex;

	if (expect_index() == -1 ||
	    (ex = SSL_get_ex_data(ssl, expect_index())) == NULL)
		return (NULL);
	return (ex->ex_host);
}

const char *
names_why(SSL *ssl)
{
	struct expect	*ex;

	if (expect_index() == -1 ||
	    (ex = SSL_get_ex_data(ssl, expect_index())) == NULL)
		return (NULL);
	return (ex->ex_why);
}
