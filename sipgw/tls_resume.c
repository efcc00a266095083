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
 * TLS resumption of the outside face: ticket keys, what a ticket holds besides
 * the session, sessions of hosts that we call.
 */

#include <sys/types.h>
#include <sys/queue.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "judged.h"
#include "names.h"
#include "tls_resume.h"

#define NAME_LEN	16		/* of a key, in front of a ticket */
#define FIT_LEN		32		/* session id context */
#define DATA_VERSION	1
#define CHAIN_CERTS	7
#define TICKET_MAX	16384		/* of a host */
#define HOST_SIZE	(DOMAIN_SIZE + 8)	/* name:port */

struct ticket_key {
	uint8_t		 tk_name[NAME_LEN];
	uint8_t		 tk_aes[32], tk_mac[32];
	uint64_t	 tk_made;	/* boot ms */
	int		 tk_set;
};

/* As a client: the newest session with a host. */
struct kept {
	TAILQ_ENTRY(kept) kp_entry;	/* newest first */
	char		 kp_host[HOST_SIZE];
	SSL_SESSION	*kp_session;
	STACK_OF(X509)	*kp_chain;	/* as the host sent it */
	uint64_t	 kp_made, kp_first;	/* UTC s: the session, its whole handshake */
};
TAILQ_HEAD(kept_list, kept);

static void	 key_make(struct ticket_key *);
static struct ticket_key *key_current(void);
static int	 ticket_crypt(SSL *, unsigned char *, unsigned char *, EVP_CIPHER_CTX *,
		    EVP_MAC_CTX *, int);
static int	 ticket_data(SSL *, void *);
static SSL_TICKET_RETURN ticket_judge(SSL *, SSL_SESSION *, const unsigned char *, size_t,
		    SSL_TICKET_STATUS, void *);
static const char *ticket_good(SSL *, SSL_SESSION *);
static STACK_OF(X509) *data_chain(struct cur *);
static int	 ticket_head(SSL_SESSION *, struct cur *, uint64_t *);
static STACK_OF(X509) *ticket_chain(SSL_SESSION *, uint64_t *);
static void	 fit_free(void *, void *, CRYPTO_EX_DATA *, int, long, void *);
static int	 session_new(SSL *, SSL_SESSION *);
static int	 session_host(SSL *, char [HOST_SIZE]);
static struct kept *kept_find(const char *);
static void	 kept_free(struct kept *);
static void	 kept_clear(void);

static struct kept_list	 kepts = TAILQ_HEAD_INITIALIZER(kepts);
static size_t		 nkept;
static struct ticket_key *keys;		/* [0] makes tickets, [1] opens older ones */
static EVP_CIPHER	*cipher;
static uint64_t		 (*boot_ms)(void), (*utc_s)(void);
static uint8_t		 fit[FIT_LEN];	/* of the client context in force */
static int		 have_fit;
static int		 port_index = -1, first_index = -1, fit_index = -1;
static struct resume_stats stats;

int
resume_init(uint64_t (*boot)(void), uint64_t (*utc)(void))
{
	boot_ms = boot;
	utc_s = utc;
	if (keys != NULL)
		return (0);
	if (sodium_init() == -1 || (keys = sodium_malloc(2 * sizeof(*keys))) == NULL)
		return (-1);
	sodium_memzero(keys, 2 * sizeof(*keys));
	cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	/* The port that a connection goes to; the time of a session's first
	 * handshake: small numbers, not pointers. */
	port_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	first_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	fit_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, fit_free);
	return (cipher == NULL || port_index == -1 || first_index == -1 ||
	    fit_index == -1 ? -1 : 0);
}

/* -- ticket keys -- */

static void
key_make(struct ticket_key *tk)
{
	randombytes_buf(tk->tk_name, sizeof(tk->tk_name));
	randombytes_buf(tk->tk_aes, sizeof(tk->tk_aes));
	randombytes_buf(tk->tk_mac, sizeof(tk->tk_mac));
	tk->tk_made = boot_ms();
	tk->tk_set = 1;
}

void
resume_tick(void)
{
	uint64_t	 now;
	struct kept	*kp;

	if (keys == NULL)
		return;
	now = boot_ms();
	if (keys[1].tk_set && now - keys[1].tk_made >= 2 * (uint64_t)RESUME_KEY_MS)
		sodium_memzero(&keys[1], sizeof(keys[1]));
	if (keys[0].tk_set && now - keys[0].tk_made >= RESUME_KEY_MS) {
		sodium_memzero(&keys[1], sizeof(keys[1]));
		if (now - keys[0].tk_made < 2 * (uint64_t)RESUME_KEY_MS)
			keys[1] = keys[0];
		sodium_memzero(&keys[0], sizeof(keys[0]));
	}
	while ((kp = TAILQ_LAST(&kepts, kept_list)) != NULL &&
	    kp->kp_made + RESUME_TICKET_S <= utc_s())
		kept_free(kp);
}

void
resume_rekey(void)
{
	if (keys != NULL)
		sodium_memzero(keys, 2 * sizeof(*keys));
	kept_clear();
	judged_clear();
}

static struct ticket_key *
key_current(void)
{
	resume_tick();
	if (!keys[0].tk_set)
		key_make(&keys[0]);
	return (&keys[0]);
}

/* Encrypt, then MAC (RFC 5077, 4): AES-256-CBC and HMAC-SHA-256. */
static int
ticket_crypt(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cctx,
    EVP_MAC_CTX *mctx, int enc)
{
	const struct ticket_key	*tk;
	OSSL_PARAM		 params[3];
	char			 digest[] = "SHA256";
	uint8_t			 mac[32];
	int			 ok;

	(void)ssl;
	tk = key_current();
	if (enc) {
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(cipher)) != 1)
			return (-1);
		memcpy(name, tk->tk_name, NAME_LEN);
	} else if (memcmp(name, tk->tk_name, NAME_LEN) != 0) {
		tk = &keys[1];
		if (!tk->tk_set || memcmp(name, tk->tk_name, NAME_LEN) != 0)
			return (0);
	}
	memcpy(mac, tk->tk_mac, sizeof(mac));
	params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, mac, sizeof(mac));
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
	params[2] = OSSL_PARAM_construct_end();
	ok = EVP_MAC_CTX_set_params(mctx, params) == 1 &&
	    EVP_CipherInit_ex2(cctx, cipher, tk->tk_aes, iv, enc, NULL) == 1;
	sodium_memzero(mac, sizeof(mac));
	return (ok ? 1 : -1);
}

/* -- tickets that we give -- */

/*
 * A ticket holds the peer's certificate but not what was sent along, which a
 * second judgement needs: u8 version, u64 time of the handshake that showed
 * them (UTC s), u8 n, n x lv2(DER).  A chain too long to carry is left out,
 * and such a ticket judged by the certificate alone.
 */
static int
ticket_data(SSL *ssl, void *arg)
{
	static uint8_t	 buf[RESUME_CHAIN_MAX + 64];
	STACK_OF(X509)	*chain;
	SSL_SESSION	*ss;
	struct wbuf	 w;
	uint8_t		*der = NULL;
	void		*have = NULL;
	size_t		 havelen = 0;
	int		 i, n, len, total = 0;

	(void)arg;
	if ((ss = SSL_get_session(ssl)) == NULL)
		return (0);
	/* Of a resumed session: as it was. */
	if (SSL_session_reused(ssl) &&
	    SSL_SESSION_get0_ticket_appdata(ss, &have, &havelen) == 1 && havelen > 0)
		return (1);
	chain = SSL_get_peer_cert_chain(ssl);
	n = chain == NULL ? 0 : sk_X509_num(chain);
	/* Roots are our own. */
	while (n > 0 && X509_self_signed(sk_X509_value(chain, n - 1), 0) == 1)
		n--;
	for (i = 0; i < n && total <= RESUME_CHAIN_MAX; i++)
		if ((len = i2d_X509(sk_X509_value(chain, i), NULL)) > 0)
			total += len + 2;
	if (n > CHAIN_CERTS || total > RESUME_CHAIN_MAX)
		n = 0;
	wbuf_init(&w, buf, sizeof(buf));
	wbuf_u8(&w, DATA_VERSION);
	wbuf_u64(&w, utc_s());
	wbuf_u8(&w, (uint8_t)n);
	for (i = 0; i < n; i++) {
		der = NULL;
		if ((len = i2d_X509(sk_X509_value(chain, i), &der)) <= 0)
			return (0);
		wbuf_lv(&w, 2, der, (size_t)len);
		OPENSSL_free(der);
	}
	if (wbuf_ok(&w) == -1)
		return (0);
	return (SSL_SESSION_set1_ticket_appdata(ss, buf, w.w_len));
}

/* The intermediates of a ticket; NULL: it is none of ours, or no memory. */
static STACK_OF(X509) *
data_chain(struct cur *c)
{
	STACK_OF(X509)		*chain;
	X509			*x;
	struct span		 s;
	const unsigned char	*p;
	uint8_t			 n, i;

	cur_u8(c, &n);
	if (cur_ok(c) == -1 || n > CHAIN_CERTS || (chain = sk_X509_new_null()) == NULL)
		return (NULL);
	for (i = 0; i < n; i++) {
		if (cur_lv_span(c, 2, RESUME_CHAIN_MAX, &s) == -1)
			goto fail;
		p = (const unsigned char *)s.p;
		if ((x = d2i_X509(NULL, &p, (long)s.len)) == NULL)
			goto fail;
		if (sk_X509_push(chain, x) == 0) {
			X509_free(x);
			goto fail;
		}
	}
	if (cur_done(c) == 0)
		return (chain);
fail:
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
	return (NULL);
}

/* What a ticket holds besides the session: the time of the handshake that
 * showed the certificates; c then stands before them.  -1: it is none of ours. */
static int
ticket_head(SSL_SESSION *ss, struct cur *c, uint64_t *first)
{
	void	*data = NULL;
	size_t	 len = 0;
	uint8_t	 version;

	if (SSL_SESSION_get0_ticket_appdata(ss, &data, &len) != 1 || data == NULL)
		return (-1);
	cur_init(c, data, len);
	cur_u8(c, &version);
	cur_u64(c, first);
	return (cur_ok(c) == -1 || version != DATA_VERSION ? -1 : 0);
}

static STACK_OF(X509) *
ticket_chain(SSL_SESSION *ss, uint64_t *first)
{
	struct cur	 c;

	return (ticket_head(ss, &c, first) == -1 ? NULL : data_chain(&c));
}

const char *
resume_judge(SSL *ssl, X509_STORE *roots)
{
	STACK_OF(X509)	*chain, *kept = NULL;
	SSL_SESSION	*ss;
	const char	*why;
	uint64_t	 first;

	/* As a server a resumed session knows them from its ticket alone. */
	if ((chain = SSL_get_peer_cert_chain(ssl)) == NULL &&
	    SSL_session_reused(ssl) && (ss = SSL_get_session(ssl)) != NULL)
		chain = kept = ticket_chain(ss, &first);
	why = names_again(SSL_get0_peer_certificate(ssl), chain, roots,
	    names_expected(ssl), utc_s());
	sk_X509_pop_free(kept, X509_free);
	return (why);
}

/* May this session be resumed?  NULL, or why not. */
static const char *
ticket_good(SSL *ssl, SSL_SESSION *ss)
{
	struct cur	 c;
	X509_STORE	*roots = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
	STACK_OF(X509)	*chain;
	const char	*why;
	const void	*made, *now_fit;
	uint64_t	 first, from, until, now = utc_s();
	unsigned	 madelen;
	uint8_t		 id[JUDGED_ID];

	/* OpenSSL compares them, too, but later. */
	made = SSL_SESSION_get0_id_context(ss, &madelen);
	now_fit = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), fit_index);
	if (now_fit == NULL || madelen != FIT_LEN || memcmp(made, now_fit, FIT_LEN) != 0)
		return ("made under another configuration");
	if (ticket_head(ss, &c, &first) == -1)
		return ("not our ticket");
	if (first > now || now - first > RESUME_SESSION_S)
		return ("session too old");
	if (judged_id(SSL_SESSION_get0_peer(ss), c.c_p, cur_left(&c), id) == -1)
		return ("no certificate");
	if (judged_good(id, roots, boot_ms(), now)) {
		stats.rs_remembered++;
		return (NULL);
	}
	if ((chain = data_chain(&c)) == NULL)
		return ("not our ticket");
	why = names_again_until(SSL_SESSION_get0_peer(ss), chain, roots, NULL, now, &from,
	    &until);
	if (why == NULL)
		judged_keep(id, roots, boot_ms(), from, until);
	sk_X509_pop_free(chain, X509_free);
	return (why);
}

/* Inside the handshake, before the resumption is agreed to.  Each resumption
 * brings a new ticket, since one is used once (RFC 8446, C.4). */
static SSL_TICKET_RETURN
ticket_judge(SSL *ssl, SSL_SESSION *ss, const unsigned char *name, size_t len,
    SSL_TICKET_STATUS status, void *arg)
{
	(void)name;
	(void)len;
	(void)arg;
	switch (status) {
	case SSL_TICKET_EMPTY:
		return (SSL_TICKET_RETURN_IGNORE_RENEW);
	case SSL_TICKET_NO_DECRYPT:
		stats.rs_refused++;
		return (SSL_TICKET_RETURN_IGNORE_RENEW);
	case SSL_TICKET_SUCCESS:
	case SSL_TICKET_SUCCESS_RENEW:
		if (ss == NULL || ticket_good(ssl, ss) != NULL) {
			stats.rs_refused++;
			return (SSL_TICKET_RETURN_IGNORE_RENEW);
		}
		stats.rs_accepted++;
		return (SSL_TICKET_RETURN_USE_RENEW);
	default:
		return (SSL_TICKET_RETURN_ABORT);
	}
}

/* -- contexts -- */

/* The bytes of a context's fit; freed with it. */
static void
fit_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	(void)parent;
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	free(ptr);
}

int
resume_ctx(SSL_CTX *ctx, int server, const void *what, size_t len)
{
	uint8_t	*id;

	if ((id = malloc(FIT_LEN)) == NULL)
		return (-1);
	(void)crypto_generichash(id, FIT_LEN, what, len,
	    (const unsigned char *)"vipr outside", 12);
	if (SSL_CTX_set_ex_data(ctx, fit_index, id) != 1) {
		free(id);
		return (-1);
	}
	if (SSL_CTX_set_session_id_context(ctx, id, FIT_LEN) != 1)
		return (-1);
	(void)SSL_CTX_clear_options(ctx, SSL_OP_NO_TICKET);
	(void)SSL_CTX_set_timeout(ctx, RESUME_TICKET_S);
	if (!server) {
		(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
		    SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(ctx, session_new);
		return (0);
	}
	if (SSL_CTX_set_num_tickets(ctx, 1) != 1 ||
	    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_crypt) != 1 ||
	    SSL_CTX_set_session_ticket_cb(ctx, ticket_data, ticket_judge, NULL) != 1)
		return (-1);
	return (0);
}

/* -- sessions of hosts that we call -- */

void
resume_client(SSL_CTX *ctx)
{
	const uint8_t	*id;

	id = ctx == NULL ? NULL : SSL_CTX_get_ex_data(ctx, fit_index);
	if (id != NULL && have_fit && memcmp(fit, id, sizeof(fit)) == 0)
		return;
	kept_clear();
	judged_clear();
	have_fit = id != NULL;
	if (id != NULL)
		memcpy(fit, id, sizeof(fit));
}

static struct kept *
kept_find(const char *host)
{
	struct kept	*kp;

	TAILQ_FOREACH(kp, &kepts, kp_entry)
		if (strcmp(kp->kp_host, host) == 0)
			return (kp);
	return (NULL);
}

static void
kept_free(struct kept *kp)
{
	TAILQ_REMOVE(&kepts, kp, kp_entry);
	nkept--;
	SSL_SESSION_free(kp->kp_session);	/* wipes its secret */
	sk_X509_pop_free(kp->kp_chain, X509_free);
	freezero(kp, sizeof(*kp));
}

static void
kept_clear(void)
{
	struct kept	*kp;

	while ((kp = TAILQ_FIRST(&kepts)) != NULL)
		kept_free(kp);
}

/* Whom this connection goes to, as the sessions are kept. */
static int
session_host(SSL *ssl, char host[HOST_SIZE])
{
	const char	*name = names_expected(ssl);
	int		 n;

	if (name == NULL)
		return (-1);
	n = snprintf(host, HOST_SIZE, "%s:%u", name,
	    (unsigned)(uintptr_t)SSL_get_ex_data(ssl, port_index));
	return (n < 0 || n >= HOST_SIZE ? -1 : 0);
}

/* The host sent a ticket.  0: the session stays OpenSSL's. */
static int
session_new(SSL *ssl, SSL_SESSION *ss)
{
	STACK_OF(X509)		*chain;
	struct kept		*kp;
	const unsigned char	*id, *ticket = NULL;
	unsigned		 len;
	size_t			 ticketlen = 0;
	char			 host[HOST_SIZE];
	uintptr_t		 first;

	id = SSL_SESSION_get0_id_context(ss, &len);
	SSL_SESSION_get0_ticket(ss, &ticket, &ticketlen);
	chain = SSL_get_peer_cert_chain(ssl);
	if (!have_fit || len != sizeof(fit) || memcmp(id, fit, sizeof(fit)) != 0 ||
	    ticketlen == 0 || ticketlen > TICKET_MAX || !SSL_SESSION_is_resumable(ss) ||
	    SSL_get_verify_result(ssl) != X509_V_OK || chain == NULL ||
	    session_host(ssl, host) == -1)
		return (0);
	if ((kp = kept_find(host)) != NULL)
		kept_free(kp);
	if ((kp = calloc(1, sizeof(*kp))) == NULL)
		return (0);
	/* A copy: a connection that breaks spoils its own. */
	if ((kp->kp_session = SSL_SESSION_dup(ss)) == NULL ||
	    (kp->kp_chain = X509_chain_up_ref(chain)) == NULL) {
		SSL_SESSION_free(kp->kp_session);
		free(kp);
		return (0);
	}
	memcpy(kp->kp_host, host, sizeof(kp->kp_host));
	kp->kp_made = kp->kp_first = utc_s();
	first = (uintptr_t)SSL_get_ex_data(ssl, first_index);
	if (SSL_session_reused(ssl) && first != 0)
		kp->kp_first = first;
	TAILQ_INSERT_HEAD(&kepts, kp, kp_entry);
	if (++nkept > RESUME_HOSTS)
		kept_free(TAILQ_LAST(&kepts, kept_list));
	return (0);
}

void
resume_offer(SSL *ssl, uint16_t port)
{
	struct kept	*kp;
	uint64_t	 now = utc_s();
	char		 host[HOST_SIZE];

	if (SSL_set_ex_data(ssl, port_index, (void *)(uintptr_t)port) != 1 ||
	    session_host(ssl, host) == -1 || (kp = kept_find(host)) == NULL)
		return;
	/* One use, good or not. */
	if (kp->kp_made <= now && now - kp->kp_made < RESUME_TICKET_S &&
	    kp->kp_first <= now && now - kp->kp_first < RESUME_SESSION_S &&
	    names_again(SSL_SESSION_get0_peer(kp->kp_session), kp->kp_chain,
	    SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)), names_expected(ssl), now) == NULL &&
	    SSL_set_ex_data(ssl, first_index, (void *)(uintptr_t)kp->kp_first) == 1 &&
	    SSL_set_session(ssl, kp->kp_session) == 1)
		stats.rs_offered++;
	ERR_clear_error();
	kept_free(kp);
}

void
resume_stats(struct resume_stats *out)
{
	*out = stats;
	out->rs_kept = nkept;
}
