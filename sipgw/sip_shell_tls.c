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

/* sipgw's shell: the TLS contexts of a new configuration. */

#include <sys/types.h>

#include <openssl/ssl.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "names.h"
#include "pkremote.h"
#include "sip_shell.h"
#include "tls_resume.h"
#include "tlsconn.h"

#define FIT_LEN		32

static int	 tls_text(const struct conf_blob *, const char *, char *, size_t);
static void	 tls_fit(const struct conf *, uint8_t [FIT_LEN]);
static SSL_CTX	*tls_outside(const struct conf *, int, X509_STORE *, char *, size_t);
static SSL_CTX	*tls_inside(const struct conf *, int, X509_STORE *, char *, size_t);
static int	 tls_needs(const struct conf *, int *, int *);
static X509_STORE *tls_roots(const struct conf_blob *, const char *, char *, size_t);
static int	 tls_check_outside(const struct conf *, char *, size_t);
static int	 tls_check_inside(const struct conf *, char *, size_t);

/* Always -1. */
static int
tls_text(const struct conf_blob *file, const char *text, char *why, size_t size)
{
	(void)snprintf(why, size, "certificate %s: %s", file->cb_path, text);
	return (-1);
}

/* What a session of the outside is good under: nothing of it may change. */
static void
tls_fit(const struct conf *conf, uint8_t fit[FIT_LEN])
{
	crypto_generichash_state st;

	(void)crypto_generichash_init(&st, NULL, 0, FIT_LEN);
	(void)crypto_generichash_update(&st, (const unsigned char *)conf->c_domain,
	    sizeof(conf->c_domain));
	(void)crypto_generichash_update(&st, conf->c_sip_cert.cb_data,
	    conf->c_sip_cert.cb_len);
	(void)crypto_generichash_update(&st, conf->c_sip_ca.cb_data,
	    conf->c_sip_ca.cb_len);
	(void)crypto_generichash_final(&st, fit, FIT_LEN);
}

static SSL_CTX *
tls_outside(const struct conf *conf, int server, X509_STORE *roots, char *why, size_t size)
{
	const struct conf_blob	*cert = &conf->c_sip_cert;
	const char		*text = "cannot be used";
	SSL_CTX			*ctx;
	uint8_t			 fit[FIT_LEN];

	ctx = tlsconn_ctx(cert->cb_data, cert->cb_len,
	    PKREMOTE_KEY(KEYID_SIP, conf->c_generation), server, &text);
	if (ctx == NULL) {
		(void)tls_text(cert, text, why, size);
		return (NULL);
	}
	tls_fit(conf, fit);
	if (names_ctx(ctx, roots, server) == -1 ||
	    resume_ctx(ctx, server, fit, sizeof(fit)) == -1) {
		(void)tls_text(cert, "TLS set-up failed", why, size);
		SSL_CTX_free(ctx);
		return (NULL);
	}
	return (ctx);
}

/* roots NULL: no peer shows a certificate. */
static SSL_CTX *
tls_inside(const struct conf *conf, int server, X509_STORE *roots, char *why, size_t size)
{
	const struct conf_blob	*cert = &conf->c_inside_cert;
	const char		*text = "cannot be used";
	SSL_CTX			*ctx;

	ctx = tlsconn_ctx(cert->cb_len == 0 ? NULL : cert->cb_data, cert->cb_len,
	    PKREMOTE_KEY(KEYID_SIP_INSIDE, conf->c_generation), server, &text);
	if (ctx == NULL) {
		(void)tls_text(cert, text, why, size);
		return (NULL);
	}
	if (roots != NULL && names_inside_ctx(ctx, roots, server) == -1) {
		(void)tls_text(cert, "TLS set-up failed", why, size);
		SSL_CTX_free(ctx);
		return (NULL);
	}
	return (ctx);
}

static X509_STORE *
tls_roots(const struct conf_blob *file, const char *what, char *why, size_t size)
{
	const char	*text = "cannot be read";
	X509_STORE	*roots;
	unsigned	 n = 0;

	roots = names_roots(file->cb_data, file->cb_len, &n, &text);
	if (roots == NULL)
		(void)snprintf(why, size, "%s %s: %s", what, file->cb_path, text);
	return (roots);
}

static int
tls_check_outside(const struct conf *conf, char *why, size_t size)
{
	X509_STORE	*roots;

	if ((roots = tls_roots(&conf->c_sip_ca, "sip ca", why, size)) == NULL)
		return (-1);
	shell.sh_next_server = tls_outside(conf, 1, roots, why, size);
	if (shell.sh_next_server != NULL)
		shell.sh_next_client = tls_outside(conf, 0, roots, why, size);
	X509_STORE_free(roots);
	return (shell.sh_next_client == NULL ? -1 : 0);
}

/* Who speaks TLS inside: our listeners, PBXs and trunks. */
static int
tls_needs(const struct conf *conf, int *listens, int *hops)
{
	const struct conf_listen *cl;
	const struct conf_hop	*ch;

	*listens = *hops = 0;
	TAILQ_FOREACH(cl, &conf->c_listens, cl_entry)
		*listens |= cl->cl_use == LISTEN_SIP && cl->cl_face != FACE_OUTSIDE &&
		    cl->cl_proto == SIP_TLS;
	TAILQ_FOREACH(ch, &conf->c_hops, ch_entry)
		*hops |= ch->ch_proto == SIP_TLS;
	return (*listens || *hops);
}

static int
tls_check_inside(const struct conf *conf, char *why, size_t size)
{
	X509_STORE	*roots = NULL;
	int		 listens, hops, ret = -1;

	if (!tls_needs(conf, &listens, &hops))
		return (0);
	if (conf->c_inside_ca.cb_len > 0 &&
	    (roots = tls_roots(&conf->c_inside_ca, "inside ca", why, size)) == NULL)
		return (-1);
	if (hops && roots == NULL) {
		(void)snprintf(why, size, "pbx or trunk with tls: inside ca is missing");
		return (-1);
	}
	if (listens && (shell.sh_next_inside = tls_inside(conf, 1, roots, why, size)) == NULL)
		goto done;
	if (hops && (shell.sh_next_hop = tls_inside(conf, 0, roots, why, size)) == NULL)
		goto done;
	ret = 0;
done:
	X509_STORE_free(roots);
	return (ret);
}

int
shell_tls_check(const struct conf *conf, char *why, size_t size)
{
	shell_tls_drop();
	if (((conf->c_flags & CONF_OUTSIDE_ON) &&
	    tls_check_outside(conf, why, size) == -1) ||
	    tls_check_inside(conf, why, size) == -1) {
		shell_tls_drop();
		return (-1);
	}
	return (0);
}

void
shell_tls_drop(void)
{
	SSL_CTX_free(shell.sh_next_server);
	SSL_CTX_free(shell.sh_next_client);
	SSL_CTX_free(shell.sh_next_inside);
	SSL_CTX_free(shell.sh_next_hop);
	shell.sh_next_server = shell.sh_next_client = NULL;
	shell.sh_next_inside = shell.sh_next_hop = NULL;
}
