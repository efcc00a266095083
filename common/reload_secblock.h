/* SPDX-License-Identifier: ISC */
/*
 * core: RELOAD's SecurityBlock, Signature and SignerIdentity (RFC 6940,
 * 6.3.4): the codec, and signatures over a list of byte ranges.
 *
 * The same Signature structure ends a message, a stored value, a
 * configuration document and a kind-block; only the signed bytes differ.
 * Whose certificate may sign is decided in reload_cert.h.
 */
#ifndef RELOAD_SECBLOCK_H
#define RELOAD_SECBLOCK_H

#include <openssl/evp.h>

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"

enum reload_identity_type {
	RELOAD_ID_CERT_HASH = 1,
	RELOAD_ID_CERT_HASH_NODE = 2,	/* hash of Node-ID || certificate */
	RELOAD_ID_NONE = 3
};

/* Numbers of the TLS 1.2 registries. */
enum reload_hash { RELOAD_HASH_NONE = 0, RELOAD_HASH_SHA1 = 2, RELOAD_HASH_SHA256 = 4 };
enum reload_sigalg { RELOAD_SIG_ANON = 0, RELOAD_SIG_RSA = 1, RELOAD_SIG_ECDSA = 3 };

#define RELOAD_IDENTITY_LEN	37	/* cert_hash with SHA-256, as encoded */
#define RELOAD_SIG_MAX		512	/* RSA of 4096 bits */
#define RELOAD_CERT_DER_MAX	4096	/* one certificate */
#define RELOAD_BUCKET_MAX	192	/* certificates looked at in one block */

struct reload_identity {
	uint8_t		 ri_type;	/* enum reload_identity_type */
	uint8_t		 ri_hash;	/* 0 with RELOAD_ID_NONE */
	struct span	 ri_value;	/* the hash */
	struct span	 ri_raw;	/* type, length and value as on the wire */
};

struct reload_signature {
	uint8_t		 rs_hash;
	uint8_t		 rs_alg;	/* enum reload_sigalg */
	struct reload_identity rs_id;
	struct span	 rs_value;
};

struct reload_secblock {
	struct cur	 rb_certs;	/* packed GenericCertificate */
	struct reload_signature rb_sig;
};

/*
 * Read from the cursor, all in place.  0, or -1 when the bytes are malformed
 * (the cursor is then poisoned).  An unknown identity type is malformed; an
 * unknown algorithm is not (the signature then just never verifies).
 */
int	reload_identity_parse(struct cur *, struct reload_identity *);
int	reload_signature_parse(struct cur *, struct reload_signature *);
int	reload_secblock_parse(struct cur *, struct reload_secblock *);

/* The next certificate of a bucket (work on a copy of rb_certs): 1 and its
 * type and DER, 0 at the end, -1 malformed. */
int	reload_bucket_next(struct cur *, uint8_t *type, struct span *der);
/* A bucket as it stands before its length: type 0 and the certificate. */
void	reload_bucket_add(struct wbuf *, const void *der, size_t);

/* cert_hash of a certificate whose SHA-256 is given; RELOAD_IDENTITY_LEN bytes. */
void	reload_identity_write(struct wbuf *, const uint8_t sha256[32]);
/* As parsed (to re-encode), from the parts and not from ri_raw. */
void	reload_identity_put(struct wbuf *, const struct reload_identity *);
/* alg is an enum reload_sigalg; the hash is SHA-256. */
void	reload_signature_write(struct wbuf *, uint8_t alg, const uint8_t sha256[32],
	    const void *sig, size_t);
void	reload_signature_put(struct wbuf *, const struct reload_signature *);
/* The signature of a value that the answering peer made up: none at all. */
void	reload_signature_none(struct wbuf *);
/* Is it that one?  1 or 0. */
int	reload_signature_is_none(const struct reload_signature *);
/* bucket: packed certificates as reload_bucket_add writes them. */
void	reload_secblock_write(struct wbuf *, const void *bucket, size_t bucketlen,
	    uint8_t alg, const uint8_t sha256[32], const void *sig, size_t);

/* Does the identity name this certificate (cert_hash)?  1 or 0; for
 * cert_hash_node_id node is the Node-ID to try, otherwise ignored. */
int	reload_identity_match(const struct reload_identity *, const void *der,
	    size_t derlen, const uint8_t *node);

/* Algorithm that a key signs with: RELOAD_SIG_RSA (2048 bits or more),
 * RELOAD_SIG_ECDSA (P-256), or 0 for a key that we do not take. */
uint8_t	reload_key_alg(const EVP_PKEY *);

/*
 * Verify over the ranges in order: SHA-256 with RSA PKCS#1 v1.5 or ECDSA, the
 * algorithm bytes of the signature agreeing with the key.  0, or -1.
 */
int	reload_verify_parts(EVP_PKEY *, const struct reload_signature *,
	    const struct span *parts, size_t nparts);
/*
 * The same for a key that is used again and again: what OpenSSL needs to
 * prepare is prepared once.  The caller frees it with EVP_PKEY_CTX_free.
 */
EVP_PKEY_CTX *reload_verifier_new(EVP_PKEY *);
int	reload_verifier_parts(EVP_PKEY_CTX *, const struct reload_signature *,
	    const struct span *parts, size_t nparts);
/* Sign, the same way.  *len: room in, bytes out.  Only where a private key
 * may be: the key process, viprctl ca, tests. */
int	reload_sign_parts(EVP_PKEY *, const struct span *parts, size_t nparts,
	    uint8_t *sig, size_t *len);
EVP_PKEY_CTX *reload_signer_new(EVP_PKEY *);
int	reload_signer_parts(EVP_PKEY_CTX *, const struct span *parts, size_t nparts,
	    uint8_t *sig, size_t *len);

#endif
