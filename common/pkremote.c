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
 * OpenSSL 3 provider "vipr-remote": keys whose private half lives in the key
 * process.  It offers key management for EC P-256 and RSA (public half and a
 * key id, no export) and a one-shot digest_sign.  The signature is asked for
 * from inside an ASYNC job, which pauses until the answer is there; the job
 * finds its connection through the callback of its wait context.
 */

#include <sys/types.h>
#include <sys/queue.h>

#include <openssl/async.h>
#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/param_build.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pkremote.h"
#include "vipr.h"

#define PROV_NAME	"vipr-remote"
#define PROV_PROPS	"provider=vipr-remote"
#define PARAM_KEYID	"vipr-keyid"
#define PUB_MAX		1024		/* RSA modulus of 8192 bits */
#define EXP_MAX		8
#define SIG_MAX		PUB_MAX
#define CURVE		"prime256v1"
#define CURVE_PUB_MAX	65
#define EC_SIG_MAX	72		/* DER of two 32-byte integers */

#define SCHEME_ECDSA_P256	0x0403	/* RFC 8446, 4.2.3 */
#define SCHEME_PSS_SHA256	0x0804
#define SCHEME_PSS_SHA384	0x0805
#define SCHEME_PSS_SHA512	0x0806

enum pk_alg { PK_EC = 1, PK_RSA = 2 };

/* The public half; matched byte for byte in the form OpenSSL exports. */
struct pk_key {
	enum pk_alg	 pk_alg;
	int		 pk_refs;
	unsigned	 pk_keyid;
	int		 pk_full;		/* an import succeeded */
	size_t		 pk_publen;		/* EC: point; RSA: modulus, big-endian */
	uint8_t		 pk_pub[PUB_MAX];
	size_t		 pk_explen;
	uint8_t		 pk_exp[EXP_MAX];
	int		 pk_bits;
};

struct pk_sig {
	struct pk_key	*ps_key;
	unsigned	 ps_md;			/* 256, 384, 512 */
	int		 ps_pss;
};

/* A signature under way. */
struct pk_req {
	TAILQ_ENTRY(pk_req) pr_entry;
	uint64_t	 pr_id;
	int		 pr_done;
	int		 pr_error;
	size_t		 pr_len;
	uint8_t		 pr_sig[SIG_MAX];
	/* TLS: whom to wake; an SSL object's callback. */
	ASYNC_callback_fn pr_wake;
	void		*pr_wake_arg;
	SSL		*pr_ssl;
	/* Others: whom to tell. */
	void		(*pr_told)(int, const void *, size_t, void *);
	void		*pr_told_arg;
};
TAILQ_HEAD(pk_reqs, pk_req);

/* What pkremote_ssl attached to a connection. */
struct pk_conn {
	void		(*pc_resume)(void *);
	void		*pc_arg;
};

static struct pk_reqs	 reqs = TAILQ_HEAD_INITIALIZER(reqs);
static uint64_t		 req_next;
static int		 conn_index = -1;
static int		 (*send_request)(uint64_t, uint32_t, uint16_t, uint16_t,
			    const void *, size_t);

static struct pk_req	*req_new(void);
static void		 req_free(struct pk_req *);
static struct pk_req	*req_find(uint64_t);
static void		 req_finish(struct pk_req *, int, const void *, size_t);
static int		 conn_wake(SSL *, void *);

static OSSL_FUNC_keymgmt_new_fn			 ec_new, rsa_new;
static OSSL_FUNC_keymgmt_free_fn		 pk_free;
static OSSL_FUNC_keymgmt_has_fn			 pk_has;
static OSSL_FUNC_keymgmt_match_fn		 pk_match;
static OSSL_FUNC_keymgmt_import_fn		 pk_import;
static OSSL_FUNC_keymgmt_import_types_fn	 ec_import_types, rsa_import_types;
static OSSL_FUNC_keymgmt_get_params_fn		 pk_get_params;
static OSSL_FUNC_keymgmt_gettable_params_fn	 pk_gettable;
static OSSL_FUNC_keymgmt_query_operation_name_fn ec_operation, rsa_operation;
static OSSL_FUNC_signature_newctx_fn		 sig_new;
static OSSL_FUNC_signature_freectx_fn		 sig_free;
static OSSL_FUNC_signature_digest_sign_init_fn	 sig_init;
static OSSL_FUNC_signature_digest_sign_fn	 sig_sign;
static OSSL_FUNC_signature_set_ctx_params_fn	 sig_set_params;
static OSSL_FUNC_signature_settable_ctx_params_fn sig_settable;
static OSSL_FUNC_provider_query_operation_fn	 prov_query;

static struct pk_key	*pk_new(enum pk_alg);
static int		 bn_import(const OSSL_PARAM *, uint8_t *, size_t, size_t *);
static int		 sig_scheme(const struct pk_sig *);
static int		 prov_init(const OSSL_CORE_HANDLE *, const OSSL_DISPATCH *,
			    const OSSL_DISPATCH **, void **);

/* -- requests -- */

static struct pk_req *
req_new(void)
{
	struct pk_req	*pr;

	if ((pr = calloc(1, sizeof(*pr))) == NULL)
		return (NULL);
	pr->pr_id = ++req_next;
	TAILQ_INSERT_TAIL(&reqs, pr, pr_entry);
	return (pr);
}

static void
req_free(struct pk_req *pr)
{
	TAILQ_REMOVE(&reqs, pr, pr_entry);
	free(pr);
}

static struct pk_req *
req_find(uint64_t id)
{
	struct pk_req	*pr;

	TAILQ_FOREACH(pr, &reqs, pr_entry)
		if (pr->pr_id == id && !pr->pr_done)
			return (pr);
	return (NULL);
}

/* The answer is in: wake the job, which frees the request, or tell. */
static void
req_finish(struct pk_req *pr, int error, const void *sig, size_t len)
{
	void	(*told)(int, const void *, size_t, void *) = pr->pr_told;
	void	*arg = pr->pr_told_arg;

	if (error == 0 && (sig == NULL || len == 0 || len > sizeof(pr->pr_sig)))
		error = EBADMSG;
	if (told != NULL) {
		req_free(pr);
		told(error, error == 0 ? sig : NULL, error == 0 ? len : 0, arg);
		return;
	}
	pr->pr_done = 1;
	pr->pr_error = error;
	if (error == 0) {
		memcpy(pr->pr_sig, sig, len);
		pr->pr_len = len;
	}
	if (pr->pr_wake != NULL)
		(void)pr->pr_wake(pr->pr_wake_arg);
}

void
pkremote_reply(uint64_t reqid, int error, const void *sig, size_t len)
{
	struct pk_req	*pr;

	if ((pr = req_find(reqid)) != NULL)
		req_finish(pr, error, sig, len);
}

uint64_t
pkremote_count(void)
{
	return (req_next);
}

void
pkremote_lost(void)
{
	struct pk_req	*pr;
	uint64_t	 last = req_next;

	/* Callbacks may ask anew; those requests are not ours to fail. */
	for (;;) {
		TAILQ_FOREACH(pr, &reqs, pr_entry)
			if (!pr->pr_done && pr->pr_id <= last)
				break;
		if (pr == NULL)
			return;
		req_finish(pr, ENOTCONN, NULL, 0);
	}
}

uint64_t
pkremote_sign(uint32_t key, uint16_t type, const void *in, size_t len,
    void (*done)(int, const void *, size_t, void *), void *arg)
{
	struct pk_req	*pr;

	if ((pr = req_new()) == NULL)
		return (0);
	pr->pr_told = done;
	pr->pr_told_arg = arg;
	if (send_request(pr->pr_id, key, type, 0, in, len) == -1) {
		req_free(pr);
		return (0);
	}
	return (pr->pr_id);
}

void
pkremote_cancel(uint64_t reqid)
{
	struct pk_req	*pr;

	if ((pr = req_find(reqid)) != NULL && pr->pr_told != NULL)
		req_free(pr);
}

/* -- connections -- */

static int
conn_wake(SSL *ssl, void *arg)
{
	struct pk_conn	*pc;

	(void)arg;
	if ((pc = SSL_get_ex_data(ssl, conn_index)) != NULL)
		pc->pc_resume(pc->pc_arg);
	return (1);
}

int
pkremote_ssl(SSL *ssl, void (*resume)(void *), void *arg)
{
	struct pk_conn	*pc;

	if ((pc = calloc(1, sizeof(*pc))) == NULL)
		return (-1);
	pc->pc_resume = resume;
	pc->pc_arg = arg;
	if (SSL_set_ex_data(ssl, conn_index, pc) != 1 ||
	    SSL_set_async_callback(ssl, conn_wake) != 1 ||
	    SSL_set_async_callback_arg(ssl, ssl) != 1) {
		(void)SSL_set_ex_data(ssl, conn_index, NULL);
		free(pc);
		return (-1);
	}
	SSL_set_mode(ssl, SSL_MODE_ASYNC);
	return (0);
}

/*
 * A paused job holds memory on a stack of its own that SSL_free does not
 * see.  Let it run to its end with a failed signature first.
 */
void
pkremote_ssl_free(SSL *ssl)
{
	struct pk_conn	*pc;
	struct pk_req	*pr;
	int		 paused = 0;

	if ((pc = SSL_get_ex_data(ssl, conn_index)) == NULL)
		return;
	(void)SSL_set_ex_data(ssl, conn_index, NULL);
	free(pc);
	TAILQ_FOREACH(pr, &reqs, pr_entry)
		if (pr->pr_ssl == ssl) {
			pr->pr_done = 1;
			pr->pr_error = ECANCELED;
			pr->pr_ssl = NULL;
			paused = 1;
		}
	if (paused) {
		ERR_clear_error();
		(void)SSL_do_handshake(ssl);
		ERR_clear_error();
	}
}

/* -- key management -- */

static struct pk_key *
pk_new(enum pk_alg alg)
{
	struct pk_key	*pk;

	if ((pk = calloc(1, sizeof(*pk))) == NULL)
		return (NULL);
	pk->pk_alg = alg;
	pk->pk_refs = 1;
	return (pk);
}

static void *
ec_new(void *provctx)
{
	(void)provctx;
	return (pk_new(PK_EC));
}

static void *
rsa_new(void *provctx)
{
	(void)provctx;
	return (pk_new(PK_RSA));
}

static void
pk_free(void *arg)
{
	struct pk_key	*pk = arg;

	if (pk != NULL && --pk->pk_refs == 0)
		free(pk);
}

static int
pk_has(const void *arg, int selection)
{
	const struct pk_key	*pk = arg;

	/* libssl asks for the private half: we can sign, so we have it. */
	(void)selection;
	return (pk != NULL && pk->pk_full);
}

static int
pk_match(const void *a, const void *b, int selection)
{
	const struct pk_key	*ka = a, *kb = b;

	(void)selection;
	return (ka->pk_full && kb->pk_full && ka->pk_alg == kb->pk_alg &&
	    ka->pk_publen == kb->pk_publen && ka->pk_explen == kb->pk_explen &&
	    memcmp(ka->pk_pub, kb->pk_pub, ka->pk_publen) == 0 &&
	    memcmp(ka->pk_exp, kb->pk_exp, ka->pk_explen) == 0);
}

static int
bn_import(const OSSL_PARAM *p, uint8_t *out, size_t size, size_t *len)
{
	BIGNUM	*bn = NULL;
	int	 ok = 0;

	if (p != NULL && OSSL_PARAM_get_BN(p, &bn) &&
	    !BN_is_negative(bn) && !BN_is_zero(bn) &&
	    (size_t)BN_num_bytes(bn) <= size) {
		*len = (size_t)BN_bn2bin(bn, out);
		ok = 1;
	}
	BN_free(bn);
	return (ok);
}

static int
pk_import(void *arg, int selection, const OSSL_PARAM params[])
{
	struct pk_key		*pk = arg;
	const OSSL_PARAM	*p;
	char			 group[32], *gp = group;
	void			*vp = pk->pk_pub;

	if ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0)
		return (0);
	if ((p = OSSL_PARAM_locate_const(params, PARAM_KEYID)) != NULL &&
	    !OSSL_PARAM_get_uint(p, &pk->pk_keyid))
		return (0);
	if (pk->pk_alg == PK_EC) {
		p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_GROUP_NAME);
		if (p == NULL ||
		    !OSSL_PARAM_get_utf8_string(p, &gp, sizeof(group)) ||
		    (strcmp(group, CURVE) != 0 && strcmp(group, "P-256") != 0))
			return (0);
		p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY);
		if (p == NULL || !OSSL_PARAM_get_octet_string(p, &vp,
		    CURVE_PUB_MAX, &pk->pk_publen))
			return (0);
		pk->pk_bits = 256;
	} else {
		if (!bn_import(OSSL_PARAM_locate_const(params,
		    OSSL_PKEY_PARAM_RSA_N), pk->pk_pub, sizeof(pk->pk_pub),
		    &pk->pk_publen) ||
		    !bn_import(OSSL_PARAM_locate_const(params,
		    OSSL_PKEY_PARAM_RSA_E), pk->pk_exp, sizeof(pk->pk_exp),
		    &pk->pk_explen))
			return (0);
		pk->pk_bits = (int)pk->pk_publen * 8;
	}
	pk->pk_full = 1;
	return (1);
}

static const OSSL_PARAM *
ec_import_types(int selection)
{
	static const OSSL_PARAM	 types[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_uint(PARAM_KEYID, NULL),
		OSSL_PARAM_END
	};

	return ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0 ? types : NULL);
}

static const OSSL_PARAM *
rsa_import_types(int selection)
{
	static const OSSL_PARAM	 types[] = {
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_uint(PARAM_KEYID, NULL),
		OSSL_PARAM_END
	};

	return ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0 ? types : NULL);
}

static int
pk_get_params(void *arg, OSSL_PARAM params[])
{
	const struct pk_key	*pk = arg;
	OSSL_PARAM		*p;
	int			 rsa = pk->pk_alg == PK_RSA;

	p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_BITS);
	if (p != NULL && !OSSL_PARAM_set_int(p, pk->pk_bits))
		return (0);
	p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_SECURITY_BITS);
	if (p != NULL && !OSSL_PARAM_set_int(p, !rsa ? 128 :
	    pk->pk_bits >= 3072 ? 128 : pk->pk_bits >= 2048 ? 112 : 80))
		return (0);
	p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_MAX_SIZE);
	if (p != NULL && !OSSL_PARAM_set_int(p,
	    rsa ? (int)pk->pk_publen : EC_SIG_MAX))
		return (0);
	p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST);
	if (p != NULL && !OSSL_PARAM_set_utf8_string(p, "SHA256"))
		return (0);
	p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_GROUP_NAME);
	if (p != NULL && !rsa && !OSSL_PARAM_set_utf8_string(p, CURVE))
		return (0);
	return (1);
}

static const OSSL_PARAM *
pk_gettable(void *provctx)
{
	static const OSSL_PARAM	 types[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_END
	};

	(void)provctx;
	return (types);
}

/* Names of our own, so that no other provider's signature is tried. */
static const char *
ec_operation(int op)
{
	return (op == OSSL_OP_SIGNATURE ? "VIPR-ECDSA" : NULL);
}

static const char *
rsa_operation(int op)
{
	return (op == OSSL_OP_SIGNATURE ? "VIPR-RSA" : NULL);
}

/* -- signatures -- */

static void *
sig_new(void *provctx, const char *propq)
{
	(void)provctx;
	(void)propq;
	return (calloc(1, sizeof(struct pk_sig)));
}

static void
sig_free(void *arg)
{
	struct pk_sig	*ps = arg;

	if (ps == NULL)
		return;
	pk_free(ps->ps_key);
	free(ps);
}

static int
sig_init(void *arg, const char *mdname, void *provkey, const OSSL_PARAM params[])
{
	struct pk_sig	*ps = arg;
	struct pk_key	*pk = provkey;

	if (pk != NULL) {
		pk->pk_refs++;
		pk_free(ps->ps_key);
		ps->ps_key = pk;
	}
	if (ps->ps_key == NULL || mdname == NULL)
		return (0);
	ps->ps_pss = 0;
	if (strcasecmp(mdname, "SHA256") == 0 ||
	    strcasecmp(mdname, "SHA2-256") == 0)
		ps->ps_md = 256;
	else if (ps->ps_key->pk_alg == PK_EC)
		return (0);
	else if (strcasecmp(mdname, "SHA384") == 0 ||
	    strcasecmp(mdname, "SHA2-384") == 0)
		ps->ps_md = 384;
	else if (strcasecmp(mdname, "SHA512") == 0 ||
	    strcasecmp(mdname, "SHA2-512") == 0)
		ps->ps_md = 512;
	else
		return (0);
	return (params == NULL ? 1 : sig_set_params(ps, params));
}

static int
sig_set_params(void *arg, const OSSL_PARAM params[])
{
	struct pk_sig		*ps = arg;
	const OSSL_PARAM	*p;
	const char		*s;
	int			 v;

	if (params == NULL)
		return (1);
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (p != NULL) {
		if (p->data_type == OSSL_PARAM_UTF8_STRING) {
			if (!OSSL_PARAM_get_utf8_string_ptr(p, &s))
				s = p->data;
			ps->ps_pss = s != NULL &&
			    strcmp(s, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
		} else if (OSSL_PARAM_get_int(p, &v))
			ps->ps_pss = v == RSA_PKCS1_PSS_PADDING;
		if (!ps->ps_pss)
			return (0);
	}
	/* The salt is as long as the digest in TLS 1.3; key sees to it. */
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
	if (p != NULL && p->data_type != OSSL_PARAM_UTF8_STRING &&
	    (!OSSL_PARAM_get_int(p, &v) ||
	    (v != RSA_PSS_SALTLEN_DIGEST && v != (int)(ps->ps_md / 8))))
		return (0);
	return (1);
}

static const OSSL_PARAM *
sig_settable(void *ctx, void *provctx)
{
	static const OSSL_PARAM	 types[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_END
	};

	(void)ctx;
	(void)provctx;
	return (types);
}

static int
sig_scheme(const struct pk_sig *ps)
{
	if (ps->ps_key->pk_alg == PK_EC)
		return (SCHEME_ECDSA_P256);
	if (!ps->ps_pss)
		return (0);
	return (ps->ps_md == 256 ? SCHEME_PSS_SHA256 :
	    ps->ps_md == 384 ? SCHEME_PSS_SHA384 : SCHEME_PSS_SHA512);
}

static int
sig_sign(void *arg, unsigned char *sig, size_t *siglen, size_t sigsize,
    const unsigned char *tbs, size_t tbslen)
{
	struct pk_sig	*ps = arg;
	struct pk_req	*pr;
	ASYNC_JOB	*job;
	ASYNC_WAIT_CTX	*wc;
	size_t		 max;
	int		 scheme, ok;

	max = ps->ps_key->pk_alg == PK_RSA ? ps->ps_key->pk_publen : EC_SIG_MAX;
	if (sig == NULL) {
		*siglen = max;
		return (1);
	}
	if ((scheme = sig_scheme(ps)) == 0 || ps->ps_key->pk_keyid == 0 ||
	    (job = ASYNC_get_current_job()) == NULL ||
	    (wc = ASYNC_get_wait_ctx(job)) == NULL)
		return (0);
	if ((pr = req_new()) == NULL)
		return (0);
	if (!ASYNC_WAIT_CTX_get_callback(wc, &pr->pr_wake, &pr->pr_wake_arg) ||
	    pr->pr_wake == NULL)
		goto fail;
	pr->pr_ssl = pr->pr_wake_arg;	/* libssl's callback takes its SSL */
	if (send_request(pr->pr_id, ps->ps_key->pk_keyid, KS_TLS13,
	    (uint16_t)scheme, tbs, tbslen) == -1)
		goto fail;
	while (!pr->pr_done)
		if (ASYNC_pause_job() == 0)
			break;
	ok = pr->pr_done && pr->pr_error == 0 && pr->pr_len <= sigsize &&
	    pr->pr_len <= max;
	if (ok) {
		memcpy(sig, pr->pr_sig, pr->pr_len);
		*siglen = pr->pr_len;
	}
	req_free(pr);
	return (ok);
 fail:
	req_free(pr);
	return (0);
}

/* -- provider -- */

#define FN(id, f)	{ id, (void (*)(void))f }

static const OSSL_DISPATCH ec_keymgmt[] = {
	FN(OSSL_FUNC_KEYMGMT_NEW, ec_new),
	FN(OSSL_FUNC_KEYMGMT_FREE, pk_free),
	FN(OSSL_FUNC_KEYMGMT_HAS, pk_has),
	FN(OSSL_FUNC_KEYMGMT_MATCH, pk_match),
	FN(OSSL_FUNC_KEYMGMT_IMPORT, pk_import),
	FN(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, ec_import_types),
	FN(OSSL_FUNC_KEYMGMT_GET_PARAMS, pk_get_params),
	FN(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, pk_gettable),
	FN(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ec_operation),
	{ 0, NULL }
};

static const OSSL_DISPATCH rsa_keymgmt[] = {
	FN(OSSL_FUNC_KEYMGMT_NEW, rsa_new),
	FN(OSSL_FUNC_KEYMGMT_FREE, pk_free),
	FN(OSSL_FUNC_KEYMGMT_HAS, pk_has),
	FN(OSSL_FUNC_KEYMGMT_MATCH, pk_match),
	FN(OSSL_FUNC_KEYMGMT_IMPORT, pk_import),
	FN(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, rsa_import_types),
	FN(OSSL_FUNC_KEYMGMT_GET_PARAMS, pk_get_params),
	FN(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, pk_gettable),
	FN(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, rsa_operation),
	{ 0, NULL }
};

static const OSSL_DISPATCH signature[] = {
	FN(OSSL_FUNC_SIGNATURE_NEWCTX, sig_new),
	FN(OSSL_FUNC_SIGNATURE_FREECTX, sig_free),
	FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, sig_init),
	FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sig_sign),
	FN(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, sig_set_params),
	FN(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, sig_settable),
	{ 0, NULL }
};

static const OSSL_ALGORITHM keymgmts[] = {
	{ "EC:id-ecPublicKey:1.2.840.10045.2.1", PROV_PROPS, ec_keymgmt,
	    "EC key held by the key process" },
	{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROV_PROPS, rsa_keymgmt,
	    "RSA key held by the key process" },
	{ NULL, NULL, NULL, NULL }
};

static const OSSL_ALGORITHM signatures[] = {
	{ "VIPR-ECDSA", PROV_PROPS, signature, "ECDSA by the key process" },
	{ "VIPR-RSA", PROV_PROPS, signature, "RSA-PSS by the key process" },
	{ NULL, NULL, NULL, NULL }
};

static const OSSL_ALGORITHM *
prov_query(void *provctx, int op, int *no_store)
{
	(void)provctx;
	*no_store = 0;
	switch (op) {
	case OSSL_OP_KEYMGMT:
		return (keymgmts);
	case OSSL_OP_SIGNATURE:
		return (signatures);
	default:
		return (NULL);
	}
}

static int
prov_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **provctx)
{
	static const OSSL_DISPATCH	 table[] = {
		FN(OSSL_FUNC_PROVIDER_QUERY_OPERATION, prov_query),
		{ 0, NULL }
	};
	static int			 ctx;

	(void)handle;
	(void)in;
	*out = table;
	*provctx = &ctx;
	return (1);
}

/*
 * "?provider=default" keeps everything that is not ours with OpenSSL's own
 * provider although both offer keys named EC and RSA.
 */
void
pkremote_init(int (*send)(uint64_t, uint32_t, uint16_t, uint16_t,
    const void *, size_t))
{
	send_request = send;
	if (conn_index != -1)
		return;
	if (sodium_init() == -1)
		fatalx("libsodium cannot start");
	if (!OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL) ||
	    !OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL))
		fatalx("OpenSSL cannot start");
	if (OSSL_PROVIDER_load(NULL, "default") == NULL ||
	    !OSSL_PROVIDER_add_builtin(NULL, PROV_NAME, prov_init) ||
	    OSSL_PROVIDER_load(NULL, PROV_NAME) == NULL)
		fatalx("OpenSSL provider %s cannot be loaded", PROV_NAME);
	if (!EVP_set_default_properties(NULL, "?provider=default"))
		fatalx("OpenSSL refuses default properties");
	conn_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	if (conn_index == -1)
		fatalx("OpenSSL has no room for data of a connection");
	/* A peer that went away is an error of write, not a signal. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		fatal("signal");
}

EVP_PKEY *
pkremote_key(X509 *cert, uint32_t wanted)
{
	EVP_PKEY	*pub, *key = NULL;
	EVP_PKEY_CTX	*ctx = NULL;
	OSSL_PARAM	*params = NULL, *all = NULL, id[2];
	const char	*name;
	unsigned	 v = wanted;

	if ((pub = X509_get0_pubkey(cert)) == NULL)
		return (NULL);
	if (EVP_PKEY_is_a(pub, "EC"))
		name = "EC";
	else if (EVP_PKEY_is_a(pub, "RSA"))
		name = "RSA";
	else
		return (NULL);
	id[0] = OSSL_PARAM_construct_uint(PARAM_KEYID, &v);
	id[1] = OSSL_PARAM_construct_end();
	if (EVP_PKEY_todata(pub, EVP_PKEY_PUBLIC_KEY, &params) != 1 ||
	    (all = OSSL_PARAM_merge(params, id)) == NULL ||
	    (ctx = EVP_PKEY_CTX_new_from_name(NULL, name, PROV_PROPS)) == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, all) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	free(all);
	return (key);
}
