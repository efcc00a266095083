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
 * core: whom an overlay trusts: roots, bad nodes, the self-signed rule; the
 * cache of accepted signers; the TLS check.  See reload_cert.h.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "reload_cert.h"

#define CHAIN_DEPTH	4	/* intermediates */
#define BUCKET_CAS	8	/* intermediates taken from one bucket */
#define BUCKET_MULTI	8	/* certificates parsed for cert_hash_node_id */
#define PARTS_MAX	8

struct reload_trust {
	char		 tr_overlay[DOMAIN_SIZE];
	enum reload_digest tr_self;
	X509_STORE	*tr_store;
	uint8_t		(*tr_bad)[NODEID_LEN];	/* sorted */
	size_t		 tr_nbad;
};

struct entry {
	RB_ENTRY(entry)		 en_tree;
	TAILQ_ENTRY(entry)	 en_lru;
	int			 en_cached;	/* in tree and queue */
	int64_t			 en_until;	/* earliest end in its chain */
	struct reload_signer	 en_signer;
};
RB_HEAD(signer_tree, entry);

struct reload_cache {
	const struct reload_trust *ca_trust;	/* the caller's */
	struct signer_tree	 ca_tree;
	TAILQ_HEAD(signer_queue, entry) ca_lru;	/* latest first; owns the entries */
	size_t			 ca_count, ca_max;
};

static int	 node_cmp(const void *, const void *);
static int	 trust_check(const struct reload_trust *, X509 *,
		    STACK_OF(X509) *, int64_t, struct reload_cert *,
		    int64_t *, const char **);
static int	 trust_chain(const struct reload_trust *, X509 *,
		    STACK_OF(X509) *, int64_t, int64_t *, const char **);
static int	 chain_check(STACK_OF(X509) *, int64_t *);
static int	 trust_self(const struct reload_trust *, X509 *,
		    const struct reload_cert *, int64_t, const char **);
static int	 entry_cmp(const struct entry *, const struct entry *);
static void	 entry_free(struct entry *);
static void	 entry_drop(struct reload_cache *, struct entry *);
static struct entry *entry_find(struct reload_cache *, const uint8_t *);
static int	 entry_valid(const struct entry *, int64_t);
static struct entry *entry_insert(struct reload_cache *, X509 *,
		    const struct reload_cert *, int64_t, const void *, size_t);
static STACK_OF(X509) *bucket_stack(const struct cur *);
static X509	*der_x509(const void *, size_t);
static int	 der_node_match(const struct reload_identity *, struct span,
		    uint8_t *);
static const struct reload_signer *resolve_bucket(struct reload_cache *,
		    const struct reload_identity *, const struct cur *,
		    int64_t, uint8_t *, const char **);
static int	 tls_error(const char *);
static int	 tls_verify(X509_STORE_CTX *, void *);

RB_PROTOTYPE(signer_tree, entry, en_tree, entry_cmp)
RB_GENERATE(signer_tree, entry, en_tree, entry_cmp)

/* -- trust -- */

static int
node_cmp(const void *a, const void *b)
{
	return (memcmp(a, b, NODEID_LEN));
}

struct reload_trust *
reload_trust_new(const char *overlay, enum reload_digest self_signed)
{
	struct reload_trust	*t;
	size_t			 len = strlen(overlay);

	if (len >= DOMAIN_SIZE || (t = calloc(1, sizeof(*t))) == NULL)
		return (NULL);
	memcpy(t->tr_overlay, overlay, len + 1);
	t->tr_self = self_signed;
	if ((t->tr_store = X509_STORE_new()) == NULL) {
		free(t);
		return (NULL);
	}
	return (t);
}

void
reload_trust_free(struct reload_trust *t)
{
	if (t == NULL)
		return;
	X509_STORE_free(t->tr_store);
	free(t->tr_bad);
	free(t);
}

int
reload_trust_root(struct reload_trust *t, const void *der, size_t len)
{
	X509	*x;
	int	 ok;

	if ((x = der_x509(der, len)) == NULL)
		return (-1);
	ok = X509_STORE_add_cert(t->tr_store, x);
	X509_free(x);
	return (ok == 1 ? 0 : -1);
}

int
reload_trust_bad(struct reload_trust *t, const uint8_t node[NODEID_LEN])
{
	uint8_t	(*bad)[NODEID_LEN];
	size_t	 i;

	if (reload_trust_is_bad(t, node))
		return (0);
	if ((bad = reallocarray(t->tr_bad, t->tr_nbad + 1,
	    sizeof(*bad))) == NULL)
		return (-1);
	t->tr_bad = bad;
	for (i = t->tr_nbad; i > 0 && node_cmp(bad[i - 1], node) > 0; i--)
		continue;
	memmove(bad[i + 1], bad[i], (t->tr_nbad - i) * sizeof(*bad));
	memcpy(bad[i], node, NODEID_LEN);
	t->tr_nbad++;
	return (0);
}

int
reload_trust_is_bad(const struct reload_trust *t, const uint8_t node[NODEID_LEN])
{
	return (t->tr_nbad > 0 && bsearch(node, t->tr_bad, t->tr_nbad,
	    sizeof(*t->tr_bad), node_cmp) != NULL);
}

/*
 * What X509_verify_cert leaves to the purpose, which we have none of: the leaf
 * is no CA, and each intermediate is one by its basicConstraints.
 */
static int
chain_check(STACK_OF(X509) *chain, int64_t *until)
{
	struct tm	 tm;
	X509		*x;
	int64_t		 end;
	int		 i, n = sk_X509_num(chain);

	for (i = 0; i < n; i++) {
		x = sk_X509_value(chain, i);
		if (i == 0 ? X509_check_ca(x) != 0 : i < n - 1 &&
		    X509_check_ca(x) != 1)
			return (-1);
		if (ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) != 1)
			return (-1);
		end = timegm(&tm);
		if (end < *until)
			*until = end;
	}
	return (0);
}

static int
trust_chain(const struct reload_trust *t, X509 *x, STACK_OF(X509) *chain,
    int64_t now, int64_t *until, const char **why)
{
	X509_STORE_CTX		*ctx;
	X509_VERIFY_PARAM	*param;
	int			 r = -1;

	*why = "out of memory";
	if ((ctx = X509_STORE_CTX_new()) == NULL)
		return (-1);
	if (X509_STORE_CTX_init(ctx, t->tr_store, x, chain) != 1)
		goto fail;
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)now);
	X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH);
	/* 112 bits: no SHA-1, no RSA below 2048, in the chain too. */
	X509_VERIFY_PARAM_set_auth_level(param, 2);
	if (X509_verify_cert(ctx) != 1) {
		*why = X509_verify_cert_error_string(
		    X509_STORE_CTX_get_error(ctx));
		goto fail;
	}
	*why = "a CA certificate in the wrong place of its chain";
	r = chain_check(X509_STORE_CTX_get0_chain(ctx), until);
fail:
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return (r);
}

/* RFC 6940, 11.3.1: each Node-ID is a digest of the key. */
static int
trust_self(const struct reload_trust *t, X509 *x, const struct reload_cert *rc,
    int64_t now, const char **why)
{
	EVP_PKEY	*key;
	uint8_t		 node[NODEID_LEN];
	unsigned	 i;
	uint32_t	 k, last;
	int		 ok;

	*why = "not signed with its own key";
	if ((key = X509_get0_pubkey(x)) == NULL || X509_verify(x, key) != 1) {
		ERR_clear_error();
		return (-1);
	}
	*why = "not yet valid or expired";
	if (now < rc->rc_not_before || now > rc->rc_not_after)
		return (-1);
	*why = "self-signed, and a Node-ID is not the digest of its key";
	last = rc->rc_nodes == 1 ? 0 : rc->rc_nodes;
	for (i = 0; i < rc->rc_nodes; i++) {
		for (ok = 0, k = last == 0 ? 0 : 1; !ok && k <= last; k++) {
			if (reload_self_node(key, t->tr_self, k, node) == -1)
				return (-1);
			ok = memcmp(node, rc->rc_node[i], NODEID_LEN) == 0;
		}
		if (!ok)
			return (-1);
	}
	return (0);
}

static int
trust_check(const struct reload_trust *t, X509 *x, STACK_OF(X509) *chain,
    int64_t now, struct reload_cert *rc, int64_t *until, const char **why)
{
	unsigned	i;
	int		self;

	*until = INT64_MAX;
	if (reload_cert_parse(x, rc, why) == -1)
		return (-1);
	*why = "certificate of another overlay";
	if (strcmp(rc->rc_overlay, t->tr_overlay) != 0)
		return (-1);
	*why = "a bad node";
	for (i = 0; i < rc->rc_nodes; i++) {
		if (reload_trust_is_bad(t, rc->rc_node[i]))
			return (-1);
	}
	self = X509_NAME_cmp(X509_get_issuer_name(x),
	    X509_get_subject_name(x)) == 0;
	if (t->tr_self != RELOAD_SELF_NO && self) {
		*until = rc->rc_not_after;
		if (trust_self(t, x, rc, now, why) == -1)
			return (-1);
	} else if (trust_chain(t, x, chain, now, until, why) == -1) {
		if (self)
			*why = "self-signed, which the overlay's document does "
			    "not permit";
		return (-1);
	}
	*why = NULL;
	return (0);
}

int
reload_trust_check(const struct reload_trust *t, X509 *x,
    STACK_OF(X509) *chain, int64_t now, struct reload_cert *out,
    const char **why)
{
	int64_t	until;

	if (trust_check(t, x, chain, now, out, &until, why) == -1) {
		memset(out, 0, sizeof(*out));
		return (-1);
	}
	return (0);
}

/* -- cache of signers -- */

static int
entry_cmp(const struct entry *a, const struct entry *b)
{
	return (memcmp(a->en_signer.rg_cert.rc_sha256,
	    b->en_signer.rg_cert.rc_sha256, 32));
}

static void
entry_free(struct entry *en)
{
	EVP_PKEY_CTX_free(en->en_signer.rg_verifier);
	EVP_PKEY_free(en->en_signer.rg_key);
	free(en->en_signer.rg_der);
	free(en);
}

static void
entry_drop(struct reload_cache *ca, struct entry *en)
{
	RB_REMOVE(signer_tree, &ca->ca_tree, en);
	TAILQ_REMOVE(&ca->ca_lru, en, en_lru);
	ca->ca_count--;
	en->en_cached = 0;
	if (en->en_signer.rg_refs == 0)
		entry_free(en);
}

struct reload_cache *
reload_cache_new(const struct reload_trust *t, size_t max)
{
	struct reload_cache	*ca;

	if ((ca = calloc(1, sizeof(*ca))) == NULL)
		return (NULL);
	ca->ca_trust = t;
	ca->ca_max = max < 1 ? 1 : max;
	RB_INIT(&ca->ca_tree);
	TAILQ_INIT(&ca->ca_lru);
	return (ca);
}

void
reload_cache_free(struct reload_cache *ca)
{
	struct entry	*en;

	if (ca == NULL)
		return;
	while ((en = TAILQ_FIRST(&ca->ca_lru)) != NULL)
		entry_drop(ca, en);
	free(ca);
}

size_t
reload_cache_count(const struct reload_cache *ca)
{
	return (ca->ca_count);
}

void
reload_signer_ref(const struct reload_signer *rg)
{
	struct entry	*en = rg->rg_entry;

	en->en_signer.rg_refs++;
}

void
reload_signer_unref(const struct reload_signer *rg)
{
	struct entry	*en;

	if (rg == NULL)
		return;
	en = rg->rg_entry;
	if (--en->en_signer.rg_refs == 0 && !en->en_cached)
		entry_free(en);
}

static struct entry *
entry_find(struct reload_cache *ca, const uint8_t *sha256)
{
	struct entry	 key, *en;

	memcpy(key.en_signer.rg_cert.rc_sha256, sha256, 32);
	if ((en = RB_FIND(signer_tree, &ca->ca_tree, &key)) == NULL)
		return (NULL);
	TAILQ_REMOVE(&ca->ca_lru, en, en_lru);
	TAILQ_INSERT_HEAD(&ca->ca_lru, en, en_lru);
	return (en);
}

static int
entry_valid(const struct entry *en, int64_t now)
{
	return (now >= en->en_signer.rg_cert.rc_not_before &&
	    now <= en->en_until);
}

static struct entry *
entry_insert(struct reload_cache *ca, X509 *x, const struct reload_cert *rc,
    int64_t until, const void *der, size_t len)
{
	struct entry	*en;

	while (ca->ca_count >= ca->ca_max)
		entry_drop(ca, TAILQ_LAST(&ca->ca_lru,
		    signer_queue));
	if ((en = calloc(1, sizeof(*en))) == NULL)
		return (NULL);
	en->en_signer.rg_cert = *rc;
	en->en_until = until < rc->rc_not_after ? until : rc->rc_not_after;
	en->en_signer.rg_entry = en;
	if ((en->en_signer.rg_key = X509_get_pubkey(x)) == NULL ||
	    (en->en_signer.rg_verifier =
	    reload_verifier_new(en->en_signer.rg_key)) == NULL ||
	    (en->en_signer.rg_der = malloc(len)) == NULL) {
		entry_free(en);
		return (NULL);
	}
	memcpy(en->en_signer.rg_der, der, len);
	en->en_signer.rg_derlen = len;
	RB_INSERT(signer_tree, &ca->ca_tree, en);
	TAILQ_INSERT_HEAD(&ca->ca_lru, en, en_lru);
	en->en_cached = 1;
	ca->ca_count++;
	return (en);
}

static X509 *
der_x509(const void *der, size_t len)
{
	const unsigned char	*p = der;
	X509			*x;

	if (len == 0 || len > RELOAD_CERT_DER_MAX)
		return (NULL);
	x = d2i_X509(NULL, &p, (long)len);
	if (x != NULL && p != (const unsigned char *)der + len) {
		X509_free(x);
		x = NULL;
	}
	ERR_clear_error();
	return (x);
}

/* The CA certificates of a bucket, a few. */
static STACK_OF(X509) *
bucket_stack(const struct cur *bucket)
{
	STACK_OF(X509)	*sk;
	struct cur	 c = *bucket;
	struct span	 der;
	X509		*x;
	unsigned	 seen = 0;
	uint8_t		 type;

	if ((sk = sk_X509_new_null()) == NULL)
		return (NULL);
	while (reload_bucket_next(&c, &type, &der) == 1 &&
	    seen++ < RELOAD_BUCKET_MAX && sk_X509_num(sk) < BUCKET_CAS) {
		if (type != 0 || (x = der_x509(der.p, der.len)) == NULL)
			continue;
		if (X509_check_ca(x) != 1 || sk_X509_push(sk, x) == 0)
			X509_free(x);
	}
	return (sk);
}

const struct reload_signer *
reload_cache_find(struct reload_cache *ca, const uint8_t sha256[32],
    int64_t now)
{
	struct entry	*en;

	if ((en = entry_find(ca, sha256)) == NULL || !entry_valid(en, now))
		return (NULL);
	return (&en->en_signer);
}

const struct reload_signer *
reload_cache_add(struct reload_cache *ca, const void *der, size_t len,
    const struct cur *bucket, int64_t now, const char **why)
{
	struct reload_cert	 rc;
	STACK_OF(X509)		*sk;
	struct entry		*en;
	X509			*x;
	uint8_t			 sha256[EVP_MAX_MD_SIZE];
	int64_t			 until;
	int			 r;

	*why = "certificate cannot be read";
	if (EVP_Digest(der, len, sha256, NULL, EVP_sha256(), NULL) != 1)
		return (NULL);
	if ((en = entry_find(ca, sha256)) != NULL) {
		*why = "certificate not yet valid or expired";
		return (entry_valid(en, now) ? &en->en_signer : NULL);
	}
	if ((x = der_x509(der, len)) == NULL)
		return (NULL);
	r = trust_check(ca->ca_trust, x, NULL, now, &rc, &until, why);
	/* Intermediates are the exception: look for them only when needed. */
	if (r == -1 && rc.rc_nodes > 0 && bucket != NULL &&
	    (sk = bucket_stack(bucket)) != NULL) {
		if (sk_X509_num(sk) > 0)
			r = trust_check(ca->ca_trust, x, sk, now, &rc, &until,
			    why);
		sk_X509_pop_free(sk, X509_free);
	}
	en = NULL;
	if (r == 0) {
		*why = "out of memory";
		en = entry_insert(ca, x, &rc, until, der, len);
	}
	X509_free(x);
	if (en == NULL)
		return (NULL);
	*why = NULL;
	return (&en->en_signer);
}

/* cert_hash_node_id: which of the certificate's Node-IDs was hashed? */
static int
der_node_match(const struct reload_identity *id, struct span der,
    uint8_t *node)
{
	struct reload_cert	 rc;
	const char		*why;
	unsigned		 i;
	X509			*x;
	int			 r;

	if ((x = der_x509(der.p, der.len)) == NULL)
		return (0);
	r = reload_cert_parse(x, &rc, &why);
	X509_free(x);
	for (i = 0; r == 0 && i < rc.rc_nodes; i++) {
		if (reload_identity_match(id, der.p, der.len, rc.rc_node[i])) {
			memcpy(node, rc.rc_node[i], NODEID_LEN);
			return (1);
		}
	}
	return (0);
}

static const struct reload_signer *
resolve_bucket(struct reload_cache *ca, const struct reload_identity *id,
    const struct cur *bucket, int64_t now, uint8_t *node, const char **why)
{
	struct cur	c = *bucket;
	struct span	der;
	unsigned	seen = 0;
	uint8_t		type;

	while (reload_bucket_next(&c, &type, &der) == 1 &&
	    seen++ < RELOAD_BUCKET_MAX) {
		if (type != 0)
			continue;
		/*
		 * Certificates are parsed for it, so that a message full of
		 * such identities must not cost a second of our time.
		 */
		if (id->ri_type == RELOAD_ID_CERT_HASH_NODE &&
		    seen > BUCKET_MULTI)
			break;
		if (id->ri_type == RELOAD_ID_CERT_HASH ?
		    reload_identity_match(id, der.p, der.len, NULL) :
		    der_node_match(id, der, node))
			return (reload_cache_add(ca, der.p, der.len, bucket,
			    now, why));
	}
	*why = "no certificate for the signer's identity";
	return (NULL);
}

const struct reload_signer *
reload_cache_resolve(struct reload_cache *ca, const struct reload_identity *id,
    const struct cur *bucket, int64_t now, uint8_t node[NODEID_LEN],
    const char **why)
{
	const struct reload_signer	*rg = NULL;
	struct entry			*en;
	unsigned			 i;

	memset(node, 0, NODEID_LEN);
	*why = "no usable signer identity";
	if (id->ri_type == RELOAD_ID_NONE ||
	    id->ri_hash != RELOAD_HASH_SHA256 || id->ri_value.len != 32)
		return (NULL);
	if (id->ri_type == RELOAD_ID_CERT_HASH) {
		if ((en = entry_find(ca, (const uint8_t *)id->ri_value.p)) !=
		    NULL) {
			*why = "certificate not yet valid or expired";
			rg = entry_valid(en, now) ? &en->en_signer : NULL;
		} else if (bucket != NULL)
			rg = resolve_bucket(ca, id, bucket, now, node, why);
		if (rg == NULL)
			return (NULL);
		*why = "several Node-IDs, and the identity names none";
		if (rg->rg_cert.rc_nodes != 1)
			return (NULL);
		memcpy(node, rg->rg_cert.rc_node[0], NODEID_LEN);
		return (rg);
	}
	/* Only a certificate with several Node-IDs is designated so. */
	TAILQ_FOREACH(en, &ca->ca_lru, en_lru) {
		for (i = 0; en->en_signer.rg_cert.rc_nodes > 1 &&
		    i < en->en_signer.rg_cert.rc_nodes; i++) {
			if (!reload_identity_match(id, en->en_signer.rg_der,
			    en->en_signer.rg_derlen,
			    en->en_signer.rg_cert.rc_node[i]))
				continue;
			memcpy(node, en->en_signer.rg_cert.rc_node[i],
			    NODEID_LEN);
			*why = "certificate not yet valid or expired";
			return (entry_valid(en, now) ? &en->en_signer : NULL);
		}
	}
	return (bucket == NULL ? NULL : resolve_bucket(ca, id, bucket, now,
	    node, why));
}

const struct reload_signer *
reload_cache_verify(struct reload_cache *ca, const struct reload_signature *s,
    const struct cur *bucket, const struct span *parts, size_t nparts,
    int64_t now, uint8_t node[NODEID_LEN], const char **why)
{
	const struct reload_signer	*rg;
	struct span			 all[PARTS_MAX];
	size_t				 i;

	memset(node, 0, NODEID_LEN);
	*why = "too many parts";
	if (nparts >= PARTS_MAX)
		return (NULL);
	if ((rg = reload_cache_resolve(ca, &s->rs_id, bucket, now, node,
	    why)) == NULL)
		return (NULL);
	for (i = 0; i < nparts; i++)
		all[i] = parts[i];
	all[nparts] = s->rs_id.ri_raw;
	if (reload_verifier_parts(rg->rg_verifier, s, all, nparts + 1) == -1) {
		memset(node, 0, NODEID_LEN);
		*why = "signature does not verify";
		return (NULL);
	}
	*why = NULL;
	return (rg);
}

/* -- TLS -- */

/* It becomes an alert: the other side's operator should know the usual ones. */
static int
tls_error(const char *why)
{
	static const int	 known[] = {
		X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID,
		X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
	};
	size_t			 i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(why, X509_verify_cert_error_string(known[i])) == 0)
			return (known[i]);
	return (X509_V_ERR_APPLICATION_VERIFICATION);
}

static int
tls_verify(X509_STORE_CTX *ctx, void *arg)
{
	struct reload_tls	*t = arg;
	struct reload_cert	 rc;
	X509			*x;

	t->rt_why = "no certificate";
	if ((x = X509_STORE_CTX_get0_cert(ctx)) == NULL)
		goto fail;
	t->rt_why = "no overlay configuration yet";
	if (t->rt_trust == NULL || reload_trust_check(t->rt_trust, x,
	    X509_STORE_CTX_get0_untrusted(ctx), t->rt_now(), &rc,
	    &t->rt_why) == -1)
		goto fail;
	t->rt_why = "certificate has several Node-IDs";
	if (rc.rc_nodes != 1)
		goto fail;
	t->rt_why = "certificate has our own Node-ID";
	if (t->rt_self != NULL && memcmp(rc.rc_node[0], t->rt_self,
	    NODEID_LEN) == 0)
		goto fail;
	t->rt_why = NULL;
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return (1);
fail:
	X509_STORE_CTX_set_error(ctx, tls_error(t->rt_why));
	return (0);
}

void
reload_tls_setup(SSL_CTX *ctx, struct reload_tls *t)
{
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER |
	    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, tls_verify, t);
}

int
reload_tls_peer(const SSL *ssl, struct reload_cert *rc)
{
	const char	*why;
	X509		*x;

	memset(rc, 0, sizeof(*rc));
	if ((x = SSL_get0_peer_certificate(ssl)) == NULL)
		return (-1);
	return (reload_cert_parse(x, rc, &why));
}
