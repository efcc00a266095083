/* SPDX-License-Identifier: ISC */
/*
 * Overlay certificates (RFC 6940, 11.3): the profile (empty subject, one
 * reload URI a Node-ID, one rfc822Name), the chain to the overlay's roots or
 * the self-signed rule (11.3.1), bad nodes, and the TLS check made from these.
 * No clock of its own: every check is given the time.
 */
#ifndef RELOAD_CERT_H
#define RELOAD_CERT_H

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <stddef.h>
#include <stdint.h>

#include "reload_secblock.h"
#include "vipr.h"

#define RELOAD_NODES_MAX	8	/* Node-IDs in one certificate */
#define RELOAD_USER_SIZE	256

/* A certificate's contents; plain data. */
struct reload_cert {
	uint8_t		rc_node[RELOAD_NODES_MAX][NODEID_LEN];
	unsigned	rc_nodes;	/* at least 1 */
	char		rc_overlay[DOMAIN_SIZE];
	char		rc_user[RELOAD_USER_SIZE];
	uint8_t		rc_sha256[32];	/* of the DER: the cert_hash */
	int64_t		rc_not_before;	/* UTC s */
	int64_t		rc_not_after;
	uint8_t		rc_alg;		/* enum reload_sigalg of its key */
};

/* The first certificate of a PEM text; the caller's.  NULL: there is none. */
X509	*reload_cert_pem(const void *, size_t);
/* Profile only: no chain, no dates.  0, or -1 and *why (static text). */
int	reload_cert_parse(X509 *, struct reload_cert *, const char **why);

/* reload://0110<32 hex digits>@overlay/ : 0, or -1. */
int	reload_uri_parse(struct span uri, uint8_t node[NODEID_LEN],
	    char overlay[DOMAIN_SIZE]);
/* Returns the length, 0 if it does not fit. */
size_t	reload_uri_write(char *buf, size_t size, const uint8_t node[NODEID_LEN],
	    const char *overlay);
/* Low 32 bits of SHA-1 of the name; 0 or -1. */
int	reload_overlay_hash(const char *overlay, uint32_t *hash);
/* First 16 bytes of SHA-1 of the bytes: Resource-ID of a name. */
int	reload_resource_id(const void *name, size_t len, uint8_t id[NODEID_LEN]);

enum reload_digest { RELOAD_SELF_NO = 0, RELOAD_SELF_SHA1 = 1, RELOAD_SELF_SHA256 = 2 };
/* Node-ID of a self-signed certificate: digest of the SubjectPublicKeyInfo;
 * index 0 for the only Node-ID, else 1.. of several. */
int	reload_self_node(EVP_PKEY *, enum reload_digest, uint32_t index,
	    uint8_t node[NODEID_LEN]);

/* Whom an overlay trusts.  Made once a configuration document. */
struct reload_trust;
struct reload_trust *reload_trust_new(const char *overlay, enum reload_digest self_signed);
void	reload_trust_free(struct reload_trust *);	/* NULL allowed */
int	reload_trust_root(struct reload_trust *, const void *der, size_t);
int	reload_trust_bad(struct reload_trust *, const uint8_t node[NODEID_LEN]);
int	reload_trust_is_bad(const struct reload_trust *, const uint8_t node[NODEID_LEN]);

/*
 * Profile, overlay name (byte for byte), bad nodes, chain to a root at the
 * time now (UTC s) or the self-signed rule.  chain may be NULL; it offers
 * intermediates and is not trusted.  0 and *out, or -1 and *why.
 */
int	reload_trust_check(const struct reload_trust *, X509 *, STACK_OF(X509) *chain,
	    int64_t now, struct reload_cert *out, const char **why);

/*
 * Signers: certificates that were accepted, by cert_hash, so that a chain is
 * built once and not a message.  Bounded; the least recently used one goes.
 * A change of trust needs a new cache.  Entries are valid until the next call
 * that adds one; hold one longer with reload_signer_ref.
 */
struct reload_signer {
	struct reload_cert rg_cert;
	EVP_PKEY	*rg_key;
	EVP_PKEY_CTX	*rg_verifier;
	uint8_t		*rg_der;
	size_t		 rg_derlen;
	unsigned	 rg_refs;
	void		*rg_entry;	/* of the cache */
};
struct reload_cache;
struct reload_cache *reload_cache_new(const struct reload_trust *, size_t max);
void	reload_cache_free(struct reload_cache *);
/* From a DER certificate; -1 and *why when it is not acceptable now. */
const struct reload_signer *reload_cache_add(struct reload_cache *, const void *der,
	    size_t, const struct cur *bucket, int64_t now, const char **why);
const struct reload_signer *reload_cache_find(struct reload_cache *,
	    const uint8_t sha256[32], int64_t now);
size_t	reload_cache_count(const struct reload_cache *);
void	reload_signer_ref(const struct reload_signer *);
void	reload_signer_unref(const struct reload_signer *);

/*
 * Who signed?  Resolves the identity among the certificates of bucket (may be
 * NULL) and the cache, checks the certificate now, verifies the signature over
 * parts followed by the SignerIdentity.  On success node is the Node-ID that
 * the identity designates.  NULL and *why otherwise.
 */
const struct reload_signer *reload_cache_verify(struct reload_cache *,
	    const struct reload_signature *, const struct cur *bucket,
	    const struct span *parts, size_t nparts, int64_t now,
	    uint8_t node[NODEID_LEN], const char **why);

/* The first half of it: whom does the identity name, and is he acceptable? */
const struct reload_signer *reload_cache_resolve(struct reload_cache *,
	    const struct reload_identity *, const struct cur *bucket,
	    int64_t now, uint8_t node[NODEID_LEN], const char **why);

/*
 * TLS: the verification of the peer, for both sides of a link.  The struct is
 * the caller's and must outlive the context; rt_trust may be exchanged between
 * handshakes (NULL: nobody is accepted).  Exactly one Node-ID is required.
 */
struct reload_tls {
	const struct reload_trust *rt_trust;
	int64_t		(*rt_now)(void);	/* UTC s */
	const uint8_t	*rt_self;	/* our own Node-ID, refused as a peer; or NULL */
	const char	*rt_why;	/* last refusal, static text */
};
void	reload_tls_setup(SSL_CTX *, struct reload_tls *);
/* Certificate of the peer of an open connection; 0 or -1. */
int	reload_tls_peer(const SSL *, struct reload_cert *);

#endif
