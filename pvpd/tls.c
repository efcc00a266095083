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
 * TLS of PVP: both directions show the overlay certificate, whose key is in
 * the key process; the peer must show one of the same overlay, with one
 * Node-ID that is not ours, and speak "vipr-pvp/1".
 */

#include <sys/types.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "cursor.h"
#include "log.h"
#include "proc.h"
#include "pvpd.h"
#include "reload_cert.h"
#include "tlsconn.h"
#include "vipr.h"

#define EXPORTER	"EXPORTER-vipr-pvp-1"

struct contexts {
	SSL_CTX		*cx_server, *cx_client;
	struct reload_cert cx_cert;
};

static const unsigned char	 alpn[] = "\x0avipr-pvp/1";
#define ALPN_LEN		 (sizeof(alpn) - 1)

static struct contexts		 now, next;
static int			 next_there;
static struct reload_trust	*trust;		/* owned */
static uint8_t			 self[NODEID_LEN];
static struct reload_tls	 peer_check;
static struct log_limit		 roots_limit = { "lines on the overlay's roots", 10,
				    60000, 0, 0, 0 };

static int64_t	 tls_now(void);
static int	 alpn_choose(SSL *, const unsigned char **, unsigned char *,
		    const unsigned char *, unsigned, void *);
static int	 hello_seen(SSL *, int *, void *);
static int	 own_cert(const struct conf_blob *, struct reload_cert *,
		    const char **);
static SSL_CTX	*context(const struct conf_blob *, int, const char **);
static void	 contexts_clear(struct contexts *);

static int64_t
tls_now(void)
{
	return ((int64_t)(proc_now_ms() / 1000));
}

static int
alpn_choose(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned inlen, void *arg)
{
	unsigned char	*chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, outlen, alpn, ALPN_LEN, in,
	    inlen) != OPENSSL_NPN_NEGOTIATED)
		return (SSL_TLSEXT_ERR_ALERT_FATAL);
	*out = chosen;
	return (SSL_TLSEXT_ERR_OK);
}

/* A client that offers no protocol at all is not asked by alpn_choose. */
static int
hello_seen(SSL *ssl, int *alert, void *arg)
{
	const unsigned char	*p;
	size_t			 len;

	(void)arg;
	if (SSL_client_hello_get0_ext(ssl,
	    TLSEXT_TYPE_application_layer_protocol_negotiation, &p, &len) == 1)
		return (SSL_CLIENT_HELLO_SUCCESS);
	*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return (SSL_CLIENT_HELLO_ERROR);
}

static int
own_cert(const struct conf_blob *blob, struct reload_cert *rc, const char **why)
{
	X509	*x;
	int	 ret;

	*why = "no certificate in PEM form";
	if ((x = reload_cert_pem(blob->cb_data, blob->cb_len)) == NULL)
		return (-1);
	ret = reload_cert_parse(x, rc, why);
	X509_free(x);
	if (ret == 0 && rc->rc_nodes != 1) {
		*why = "certificate has more than one Node-ID";
		ret = -1;
	}
	return (ret);
}

static SSL_CTX *
context(const struct conf_blob *cert, int server, const char **why)
{
	SSL_CTX	*ctx;

	ctx = tlsconn_ctx(cert->cb_data, cert->cb_len, KEYID_NODE, server, why);
	if (ctx == NULL)
		return (NULL);
	reload_tls_setup(ctx, &peer_check);
	if (server) {
		SSL_CTX_set_alpn_select_cb(ctx, alpn_choose, NULL);
		SSL_CTX_set_client_hello_cb(ctx, hello_seen, NULL);
	} else if (SSL_CTX_set_alpn_protos(ctx, alpn, ALPN_LEN) != 0) {
		*why = "out of memory";
		SSL_CTX_free(ctx);
		return (NULL);
	}
	return (ctx);
}

static void
contexts_clear(struct contexts *cx)
{
	SSL_CTX_free(cx->cx_server);
	SSL_CTX_free(cx->cx_client);
	memset(cx, 0, sizeof(*cx));
}

int
pvp_tls_prepare(const struct conf *conf, char *why, size_t size)
{
	const char	*reason = NULL;

	pvp_tls_abort();
	next_there = 1;
	if (conf->c_node_cert.cb_len == 0)
		return (0);		/* no overlay: nothing to prove */
	if (own_cert(&conf->c_node_cert, &next.cx_cert, &reason) == 0 &&
	    (next.cx_server = context(&conf->c_node_cert, 1, &reason)) != NULL &&
	    (next.cx_client = context(&conf->c_node_cert, 0, &reason)) != NULL)
		return (0);
	(void)snprintf(why, size, "%s: %s", conf->c_node_cert.cb_path,
	    reason != NULL ? reason : "not usable");
	pvp_tls_abort();
	return (-1);
}

void
pvp_tls_commit(void)
{
	if (!next_there)
		return;
	contexts_clear(&now);
	now = next;
	memset(&next, 0, sizeof(next));
	next_there = 0;
	memcpy(self, now.cx_cert.rc_node[0], sizeof(self));
	peer_check.rt_self = self;
	peer_check.rt_now = tls_now;
}

void
pvp_tls_abort(void)
{
	contexts_clear(&next);
	next_there = 0;
}

int
pvp_tls_roots(const struct imsg_pvp_roots *pr, struct cur *tail)
{
	struct reload_trust	*fresh;
	struct cur		 der;
	char			 overlay[DOMAIN_SIZE];
	const uint8_t		*p;
	uint32_t		 i;
	size_t			 n;

	if (cur_lv_str(tail, 1, overlay, sizeof(overlay)) == -1 ||
	    pr->pr_self_signed > RELOAD_SELF_SHA256)
		return (-1);
	fresh = reload_trust_new(overlay, (enum reload_digest)pr->pr_self_signed);
	if (fresh == NULL) {
		log_warn("roots of the overlay");
		return (0);
	}
	for (i = 0; i < pr->pr_count; i++) {
		if (cur_lv(tail, 2, &der) == -1)
			goto malformed;
		n = cur_left(&der);
		p = cur_ptr(&der, n);
		if (reload_trust_root(fresh, p, n) == -1 &&
		    log_allow(&roots_limit, proc_boot_ms()))
			log_warnx("overlay %s: a root certificate is not usable",
			    overlay);
	}
	for (i = 0; i < pr->pr_bad; i++) {
		if ((p = cur_ptr(tail, NODEID_LEN)) == NULL)
			goto malformed;
		if (reload_trust_bad(fresh, p) == -1 &&
		    log_allow(&roots_limit, proc_boot_ms()))
			log_warn("bad nodes of overlay %s", overlay);
	}
	if (cur_done(tail) == -1)
		goto malformed;
	peer_check.rt_trust = fresh;
	reload_trust_free(trust);
	trust = fresh;
	if (log_allow(&roots_limit, proc_boot_ms()))
		log_info("overlay %s: %u roots, %u bad nodes", overlay,
		    pr->pr_count, pr->pr_bad);
	return (0);
 malformed:
	reload_trust_free(fresh);
	return (-1);
}

SSL_CTX *
pvp_tls_server(void)
{
	return (trust == NULL ? NULL : now.cx_server);
}

SSL_CTX *
pvp_tls_client(void)
{
	return (trust == NULL ? NULL : now.cx_client);
}

int
pvp_tls_peer(SSL *ssl, uint8_t node[NODEID_LEN], const char **why)
{
	struct reload_cert	 rc;
	const unsigned char	*proto;
	unsigned		 len;

	SSL_get0_alpn_selected(ssl, &proto, &len);
	if (len != ALPN_LEN - 1 || memcmp(proto, alpn + 1, len) != 0) {
		*why = "peer does not speak vipr-pvp/1";
		return (-1);
	}
	if (SSL_version(ssl) != TLS1_3_VERSION || SSL_session_reused(ssl)) {
		*why = "not a fresh TLS 1.3 connection";
		return (-1);
	}
	if (reload_tls_peer(ssl, &rc) == -1 || rc.rc_nodes != 1) {
		*why = "peer has no overlay certificate with one Node-ID";
		return (-1);
	}
	memcpy(node, rc.rc_node[0], NODEID_LEN);
	return (0);
}

int
pvp_tls_exporter(SSL *ssl, uint8_t out[32])
{
	return (SSL_export_keying_material(ssl, out, 32, EXPORTER,
	    sizeof(EXPORTER) - 1, NULL, 0, 0) == 1 ? 0 : -1);
}

const char *
pvp_tls_refusal(void)
{
	const char	*why = peer_check.rt_why;

	peer_check.rt_why = NULL;
	return (why);
}
