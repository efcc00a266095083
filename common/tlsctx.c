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
 * Contexts for tlsconn: TLS 1.3 and nothing else, no resumption, the
 * certificate chain from memory, the private key in the key process.
 */

#include <sys/types.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdint.h>

#include "pkremote.h"
#include "tlsconn.h"

static int	 ctx_chain(SSL_CTX *, const void *, size_t, uint32_t, const char **);

/* Leaf first, then intermediates. */
static int
ctx_chain(SSL_CTX *ctx, const void *pem, size_t len, uint32_t which,
    const char **why)
{
	BIO		*bio;
	X509		*cert = NULL, *more;
	EVP_PKEY	*key = NULL;
	int		 ret = -1;

	if (len > INT32_MAX || (bio = BIO_new_mem_buf(pem, (int)len)) == NULL) {
		*why = "out of memory";
		return (-1);
	}
	if ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) == NULL) {
		*why = "no certificate in PEM form";
		goto done;
	}
	if ((key = pkremote_key(cert, which)) == NULL) {
		*why = "certificate's key is neither EC P-256 nor RSA";
		goto done;
	}
	if (SSL_CTX_use_certificate(ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, key) != 1) {
		*why = "certificate not acceptable to TLS (key too short?)";
		goto done;
	}
	while ((more = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		if (SSL_CTX_add0_chain_cert(ctx, more) != 1) {
			X509_free(more);
			*why = "intermediate certificate not acceptable to TLS";
			goto done;
		}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		*why = "damaged intermediate certificate";
		goto done;
	}
	ret = 0;
 done:
	ERR_clear_error();
	X509_free(cert);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return (ret);
}

int
tlsconn_init(const char **why)
{
	SSL_CTX	*ctx;

	if ((ctx = tlsconn_ctx(NULL, 0, 0, 1, why)) == NULL)
		return (-1);
	SSL_free(SSL_new(ctx));
	SSL_CTX_free(ctx);
	return (0);
}

SSL_CTX *
tlsconn_ctx(const void *chain_pem, size_t len, uint32_t key, int server,
    const char **why)
{
	SSL_CTX		*ctx;
	const char	*dummy;

	if (why == NULL)
		why = &dummy;
	*why = NULL;
	ERR_clear_error();
	ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (ctx == NULL) {
		*why = "out of memory";
		return (NULL);
	}
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	/* A record's header and body, and the records behind it, in one read. */
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_num_tickets(ctx, 0) != 1 ||
	    SSL_CTX_set_max_early_data(ctx, 0) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") != 1)
		*why = "TLS 1.3 is not available";
	else if (chain_pem == NULL || ctx_chain(ctx, chain_pem, len, key,
	    why) == 0)
		return (ctx);
	SSL_CTX_free(ctx);
	return (NULL);
}
