/* SPDX-License-Identifier: ISC */
/*
 * An OpenSSL 3 provider, built in, through which a network process uses a
 * private key that lives in key.  A key object made here holds the public half
 * and a key id; it can sign TLS 1.3 CertificateVerify inputs and nothing else,
 * and exports nothing.  While the signature is under way the SSL object is
 * paused (SSL_MODE_ASYNC): its SSL_do_handshake returns SSL_ERROR_WANT_ASYNC.
 */
#ifndef PKREMOTE_H
#define PKREMOTE_H

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <stddef.h>
#include <stdint.h>

/*
 * Which private key: an enum key_id in the low 16 bits; above them the
 * generation of the configuration that its certificate came with (its low 16
 * bits), 0 for whatever is in force.  So a handshake that began under the old
 * certificate is signed with the old key.
 */
#define PKREMOTE_KEY(id, generation)	\
	((uint32_t)(id) | (uint32_t)((generation) & 0xffff) << 16)

/*
 * send: hand the request to key (channel, IMSG_KEY_SIGN); -1 fails the
 * signature at once.  Initialises OpenSSL without a configuration file.
 * Fatal on failure.  Call before the sandbox.
 */
void		 pkremote_init(int (*send)(uint64_t reqid, uint32_t key,
		    uint16_t type, uint16_t scheme, const void *, size_t));
/* Answer from key for reqid (error: errno value or 0).  Unknown ids are
 * ignored (the connection may be gone).  Resumes by calling the callback
 * that was given with pkremote_ssl. */
void		 pkremote_reply(uint64_t reqid, int error, const void *sig, size_t);
/* The channel to key is gone: every request under way fails. */
void		 pkremote_lost(void);
/* Signatures that were asked for since the start. */
uint64_t	 pkremote_count(void);
/* A private key object for the public key of cert; use in SSL_CTX_use_PrivateKey. */
EVP_PKEY	*pkremote_key(X509 *cert, uint32_t key);
/* Put ssl into async mode; resume is called (from the event loop, via
 * pkremote_reply) when it may go on with the handshake. */
int		 pkremote_ssl(SSL *, void (*resume)(void *), void *arg);
/* The SSL object is about to be freed while a signature may be under way. */
void		 pkremote_ssl_free(SSL *);
/*
 * Signatures that are not TLS (KS_RELOAD_*): done is called with the
 * signature, or with error.  Returns the reqid, 0 if it could not be sent.
 */
uint64_t	 pkremote_sign(uint32_t key, uint16_t type, const void *, size_t,
		    void (*done)(int error, const void *sig, size_t, void *arg), void *arg);
void		 pkremote_cancel(uint64_t reqid);

#endif
