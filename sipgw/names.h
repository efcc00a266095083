/* SPDX-License-Identifier: ISC */
/*
 * Whom a certificate speaks for (RFC 5922), and the TLS contexts of the
 * outside face.  Everything is judged inside the handshake: a peer without a
 * usable name, a usable certificate or, when we connect, the expected name
 * never gets to send a SIP byte.
 */
#ifndef NAMES_H
#define NAMES_H

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <stddef.h>
#include <stdint.h>

#include "vipr.h"

/* Of a certificate's names the first so many count; further ones are reported
 * and left out, but for the name that we connect to. */
#define NAMES_MAX	32

struct names {
	size_t	na_count;
	size_t	na_left;	/* usable names that found no room */
	char	na_name[NAMES_MAX][DOMAIN_SIZE];	/* lower case */
};

/*
 * Names of a certificate: hosts of SAN URIs "sip:HOST" without user part,
 * port, parameters or headers if there is any; otherwise SAN DNS names.  No
 * wildcards, never CN.  0, or -1: no usable name.
 */
int	names_cert(X509 *, struct names *);
/* A copy that holds no room for more names than there are; free with free.
 * NULL: no memory. */
struct names *names_copy(const struct names *);
/* Index of host (case ignored, exact), or -1. */
int	names_find(const struct names *, const char *host);
/* Extended key usage: none, serverAuth, id-kp-sipDomain or
 * anyExtendedKeyUsage.  1 fit, 0 not. */
int	names_usage(X509 *);

/*
 * Would peers accept our own chain (PEM, leaf first) for this SIP domain at
 * that time (UTC s)?  NULL, or static text for a message to the operator.
 */
const char *names_own(const void *pem, size_t len, const char *domain, uint64_t now_s);

/*
 * Certificates of a PEM bundle in memory, as a store; *n gets their count.
 * Entries that cannot be read are left out.  NULL: *why says it.
 */
X509_STORE *names_roots(const void *pem, size_t len, unsigned *n, const char **why);

/*
 * Set an SSL_CTX of tlsconn_ctx up for the outside: peer certificate required
 * and judged by the rules above against roots (taken over by reference count),
 * TLS 1.3, no early data, session id context; no resumption unless
 * tls_resume.h adds it.  0, or -1.
 */
int	names_ctx(SSL_CTX *, X509_STORE *roots, int server);
/*
 * The same for PBXs and trunks: TLS 1.2 is good enough, usage is not asked for,
 * an expected name may be a literal address (SAN IP), and as a server a
 * certificate is asked for but need not be shown; one that is shown must be
 * good.  0, or -1.
 */
int	names_inside_ctx(SSL_CTX *, X509_STORE *roots, int server);
/* Client side, before the handshake: the name that the peer must have, also
 * sent as SNI (unless it is an address).  0 or -1. */
int	names_expect(SSL *, const char *host);
/* After the handshake: names of the peer and the end of its certificate (UTC
 * s, may be NULL).  0 or -1. */
int	names_peer(SSL *, struct names *, uint64_t *not_after);
/*
 * The same judgement of a certificate that an earlier handshake accepted, with
 * what was sent along (NULL: nothing), against roots at utc_s; host as in
 * names_expect or NULL.  NULL: still good; else static text.
 */
const char *names_again(X509 *, STACK_OF(X509) *, X509_STORE *roots, const char *host,
		    uint64_t utc_s);
/* The same, and the time in which it holds as far as dates go, those of the
 * whole verified chain: *from <= date < *until (UTC s); empty if refused. */
const char *names_again_until(X509 *, STACK_OF(X509) *, X509_STORE *roots,
		    const char *host, uint64_t utc_s, uint64_t *from, uint64_t *until);
/* The name given to names_expect, or NULL. */
const char *names_expected(SSL *);
/* Why a handshake was refused by the rules, for the log: static text or NULL. */
const char *names_why(SSL *);

#endif
