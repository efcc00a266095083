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
 * The private keys of the box and the rules by which the key process signs
 * for others: who may use which key for what, and what each typed input must
 * look like.  A process that was taken over gets nothing signed but messages
 * of the form it could have sent anyway.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cursor.h"
#include "key_sign.h"
#include "log.h"
#include "proc.h"
#include "reload_cert.h"
#include "reload_conf.h"
#include "reload_secblock.h"
#include "vipr.h"

#define KEYS_MAX	4		/* enum key_id, from 1 */
#define PEM_MAX		(64 * 1024)
#define NONCE_LEN	32
#define SECURE_HEAP	(1024 * 1024)	/* OpenSSL's own guarded heap for keys */
#define PEER_ATTR	0x2008		/* peerID attribute of a registration */
#define ENTRY_KEY_LEN	49		/* Node-ID in hex, '+', 16 hex digits */

struct key_pair {
	enum key_id	 kp_id;
	EVP_PKEY	*kp_key;
	EVP_PKEY_CTX	*kp_signer;	/* of it, for RELOAD */
	int64_t		 kp_not_after;
	struct reload_cert kp_cert;	/* KEYID_NODE only */
	uint32_t	 kp_overlay_hash;
	uint8_t		 kp_by_node[NODEID_LEN];	/* where the certificate stands */
	uint8_t		 kp_by_user[NODEID_LEN];
	uint16_t	 kp_generation;	/* as ks_generation; 0: not told */
	uint64_t	 kp_until;	/* old: ms, when it is freed */
	TAILQ_ENTRY(key_pair) kp_entry;	/* old: in olds, newest first */
};
TAILQ_HEAD(key_pairs, key_pair);

struct key_right {
	enum vipr_role	 kr_role;
	enum key_id	 kr_key;
	enum key_sign_type kr_type;
};

static const struct key_right rights[] = {
	{ ROLE_PVP,	KEYID_NODE,		KS_TLS13 },
	{ ROLE_OVERLAY,	KEYID_NODE,		KS_TLS13 },
	{ ROLE_OVERLAY,	KEYID_NODE,		KS_RELOAD_MSG },
	{ ROLE_OVERLAY,	KEYID_NODE,		KS_RELOAD_DATA },
	{ ROLE_SIP,	KEYID_SIP,		KS_TLS13 },
	{ ROLE_SIP,	KEYID_SIP_INSIDE,	KS_TLS13 },
};

static struct key_pair	*pairs[KEYS_MAX];	/* in force */
static struct key_pair	*staged[KEYS_MAX];	/* not ours */
static struct key_pairs	 olds = TAILQ_HEAD_INITIALIZER(olds);

static int	 no_password(char *, int, int, void *);
static EVP_PKEY	*key_read(int, const char **);
static X509	*cert_read(const void *, size_t);
static int	 pair_prove(struct key_pair *, X509 *);
static int	 pair_cert(struct key_pair *, X509 *, const char **);
static int	 right_ok(enum vipr_role, const struct imsg_key_sign *);
static int	 tls13_ok(const void *, size_t);
static int	 reload_msg_ok(const struct key_pair *, const void *, size_t);
static int	 reload_data_ok(const struct key_pair *, const void *, size_t);
static int	 registration_ok(const struct key_pair *, struct cur *);
static int	 certificate_ok(const struct key_pair *, const uint8_t *,
		    const uint8_t *, struct cur *);
static void	 pair_retire(struct key_pair *);
static const struct key_pair *pair_find(const struct imsg_key_sign *);
static int	 sign_tls13(const struct key_pair *, unsigned, const void *,
		    size_t, uint8_t *, size_t *);
static int	 sign_reload(const struct key_pair *, const void *, size_t,
		    uint8_t *, size_t *);

void
key_sign_init(void)
{
	if (sodium_init() == -1)
		fatalx("libsodium cannot start");
	if (!OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL))
		fatalx("OpenSSL cannot start");
	/* 2: there, but not locked in memory. */
	if (!CRYPTO_secure_malloc_initialized() &&
	    CRYPTO_secure_malloc_init(SECURE_HEAP, 32) == 0)
		log_warnx("no guarded heap for private keys");
}

/* -- loading -- */

static int
no_password(char *buf, int size, int rw, void *arg)
{
	(void)buf;
	(void)size;
	(void)rw;
	(void)arg;
	return (0);
}

/* pread: the descriptor may be a duplicate of one that was read before. */
static EVP_PKEY *
key_read(int fd, const char **why)
{
	EVP_PKEY	*key = NULL;
	BIO		*bio;
	uint8_t		*buf;
	size_t		 len = 0;
	ssize_t		 n;

	if ((buf = sodium_malloc(PEM_MAX)) == NULL) {
		*why = "out of memory";
		return (NULL);
	}
	while (len < PEM_MAX &&
	    (n = pread(fd, buf + len, PEM_MAX - len, (off_t)len)) > 0)
		len += (size_t)n;
	if (len == 0 || len == PEM_MAX) {
		*why = len == 0 ? "private key cannot be read" :
		    "private key file is too long";
	} else if ((bio = BIO_new_mem_buf(buf, (int)len)) == NULL)
		*why = "out of memory";
	else {
		key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
		if (key == NULL)
			*why = "no private key in PEM form without a password";
		BIO_free(bio);
	}
	sodium_free(buf);
	ERR_clear_error();
	return (key);
}

static X509 *
cert_read(const void *pem, size_t len)
{
	BIO	*bio;
	X509	*cert;

	if (len > INT32_MAX || (bio = BIO_new_mem_buf(pem, (int)len)) == NULL)
		return (NULL);
	cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	ERR_clear_error();
	return (cert);
}

/* OpenSSL's own check compares public halves only, and a key file has its own
 * copy of that.  Sign something nobody chose. */
static int
pair_prove(struct key_pair *kp, X509 *cert)
{
	EVP_MD_CTX	*ctx;
	EVP_PKEY	*pub;
	uint8_t		 nonce[NONCE_LEN], sig[KEY_SIGN_SIG_MAX];
	size_t		 len = sizeof(sig);
	int		 ok = 0;

	if ((pub = X509_get0_pubkey(cert)) == NULL ||
	    EVP_PKEY_get_id(pub) != EVP_PKEY_get_id(kp->kp_key) ||
	    (size_t)EVP_PKEY_get_size(kp->kp_key) > sizeof(sig))
		return (-1);
	randombytes_buf(nonce, sizeof(nonce));
	if ((ctx = EVP_MD_CTX_new()) == NULL)
		return (-1);
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, kp->kp_key) == 1 &&
	    EVP_DigestSign(ctx, sig, &len, nonce, sizeof(nonce)) == 1 &&
	    EVP_MD_CTX_reset(ctx) == 1 &&
	    EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pub) == 1 &&
	    EVP_DigestVerify(ctx, sig, len, nonce, sizeof(nonce)) == 1)
		ok = 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return (ok ? 0 : -1);
}

static int
pair_cert(struct key_pair *kp, X509 *cert, const char **why)
{
	struct tm	 tm;

	if (reload_key_alg(X509_get0_pubkey(cert)) == 0) {
		*why = "certificate's key is neither EC P-256 nor RSA of 2048 to 4096 bits";
		return (-1);
	}
	memset(&tm, 0, sizeof(tm));
	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1) {
		*why = "certificate has no readable end date";
		return (-1);
	}
	kp->kp_not_after = (int64_t)timegm(&tm);
	if (kp->kp_id != KEYID_NODE)
		return (0);
	if (reload_cert_parse(cert, &kp->kp_cert, why) == -1)
		return (-1);
	if (kp->kp_cert.rc_nodes != 1) {
		*why = "certificate has more than one Node-ID";
		return (-1);
	}
	if (reload_overlay_hash(kp->kp_cert.rc_overlay,
	    &kp->kp_overlay_hash) == -1) {
		*why = "certificate's overlay name cannot be hashed";
		return (-1);
	}
	if (reload_resource_id(kp->kp_cert.rc_node[0], NODEID_LEN,
	    kp->kp_by_node) == -1 || reload_resource_id(kp->kp_cert.rc_user,
	    strlen(kp->kp_cert.rc_user), kp->kp_by_user) == -1) {
		*why = "certificate's names cannot be hashed";
		return (-1);
	}
	return (0);
}

struct key_pair *
key_pair_load(enum key_id id, int fd, const void *cert_pem, size_t len,
    const char **why)
{
	struct key_pair	*kp;
	X509		*cert;
	const char	*dummy;

	if (why == NULL)
		why = &dummy;
	*why = NULL;
	if ((kp = calloc(1, sizeof(*kp))) == NULL) {
		*why = "out of memory";
		return (NULL);
	}
	kp->kp_id = id;
	if ((cert = cert_read(cert_pem, len)) == NULL) {
		*why = "no certificate in PEM form";
		goto fail;
	}
	if (pair_cert(kp, cert, why) == -1)
		goto fail;
	if ((kp->kp_key = key_read(fd, why)) == NULL)
		goto fail;
	if (pair_prove(kp, cert) == -1) {
		*why = "private key does not belong to the certificate";
		goto fail;
	}
	if ((kp->kp_signer = reload_signer_new(kp->kp_key)) == NULL) {
		*why = "out of memory";
		goto fail;
	}
	X509_free(cert);
	return (kp);
 fail:
	X509_free(cert);
	key_pair_free(kp);
	return (NULL);
}

void
key_pair_free(struct key_pair *kp)
{
	if (kp == NULL)
		return;
	EVP_PKEY_CTX_free(kp->kp_signer);
	EVP_PKEY_free(kp->kp_key);
	free(kp);
}

const uint8_t *
key_pair_node(const struct key_pair *kp)
{
	return (kp->kp_cert.rc_node[0]);
}

const char *
key_pair_overlay(const struct key_pair *kp)
{
	return (kp->kp_cert.rc_overlay);
}

int64_t
key_pair_not_after(const struct key_pair *kp)
{
	return (kp->kp_not_after);
}

void
key_sign_set(enum key_id id, struct key_pair *kp)
{
	if ((unsigned)id == 0 || (unsigned)id >= KEYS_MAX) {
		key_pair_free(kp);
		return;
	}
	if (staged[id] == kp)
		staged[id] = NULL;
	if (pairs[id] != kp && pairs[id] != NULL)
		pair_retire(pairs[id]);
	pairs[id] = kp;
}

/* One that no handshake can name goes at once; of the others the oldest makes
 * room. */
static void
pair_retire(struct key_pair *kp)
{
	struct key_pair	*o, *last = NULL;
	unsigned	 n = 0;

	if (kp->kp_generation == 0) {
		key_pair_free(kp);
		return;
	}
	kp->kp_until = proc_boot_ms() + KEY_SIGN_KEEP_MS;
	TAILQ_INSERT_HEAD(&olds, kp, kp_entry);
	TAILQ_FOREACH(o, &olds, kp_entry)
		if (o->kp_id == kp->kp_id) {
			last = o;
			n++;
		}
	if (n > KEY_SIGN_OLD) {
		TAILQ_REMOVE(&olds, last, kp_entry);
		key_pair_free(last);
	}
}

void
key_sign_stage(enum key_id id, uint64_t generation, struct key_pair *kp)
{
	if ((unsigned)id == 0 || (unsigned)id >= KEYS_MAX)
		return;
	if (kp != NULL)
		kp->kp_generation = (uint16_t)generation;
	staged[id] = kp;
}

void
key_sign_expire(uint64_t now)
{
	struct key_pair	*kp, *next;

	TAILQ_FOREACH_SAFE(kp, &olds, kp_entry, next) {
		if (kp->kp_until > now)
			continue;
		TAILQ_REMOVE(&olds, kp, kp_entry);
		key_pair_free(kp);
	}
}

unsigned
key_sign_old(void)
{
	struct key_pair	*kp;
	unsigned	 n = 0;

	TAILQ_FOREACH(kp, &olds, kp_entry)
		n++;
	return (n);
}

/* The key of the generation that is asked for, if it is still or already
 * here; otherwise the one in force. */
static const struct key_pair *
pair_find(const struct imsg_key_sign *ks)
{
	const struct key_pair	*kp;

	if (ks->ks_keyid >= KEYS_MAX)
		return (NULL);
	kp = pairs[ks->ks_keyid];
	if (ks->ks_generation == 0 ||
	    (kp != NULL && kp->kp_generation == ks->ks_generation))
		return (kp);
	if (staged[ks->ks_keyid] != NULL &&
	    staged[ks->ks_keyid]->kp_generation == ks->ks_generation)
		return (staged[ks->ks_keyid]);
	TAILQ_FOREACH(kp, &olds, kp_entry)
		if (kp->kp_id == (enum key_id)ks->ks_keyid &&
		    kp->kp_generation == ks->ks_generation)
			return (kp);
	return (pairs[ks->ks_keyid]);
}

/* -- what an input must be -- */

static int
right_ok(enum vipr_role from, const struct imsg_key_sign *ks)
{
	size_t	 i;

	for (i = 0; i < sizeof(rights) / sizeof(rights[0]); i++)
		if (rights[i].kr_role == from &&
		    rights[i].kr_key == (enum key_id)ks->ks_keyid &&
		    rights[i].kr_type == (enum key_sign_type)ks->ks_type)
			return (1);
	return (0);
}

/* RFC 8446, 4.4.3: 64 spaces, a context text, a zero byte, the transcript's
 * hash by SHA-256 or SHA-384. */
static int
tls13_ok(const void *in, size_t len)
{
	struct cur	 c;
	const uint8_t	*pad, *text;
	uint8_t		 zero;
	size_t		 i;

	cur_init(&c, in, len);
	pad = cur_ptr(&c, 64);
	text = cur_ptr(&c, 33);
	cur_u8(&c, &zero);
	if (cur_ok(&c) == -1 || zero != 0)
		return (0);
	for (i = 0; i < 64; i++)
		if (pad[i] != ' ')
			return (0);
	if (memcmp(text, "TLS 1.3, server CertificateVerify", 33) != 0 &&
	    memcmp(text, "TLS 1.3, client CertificateVerify", 33) != 0)
		return (0);
	return (cur_left(&c) == 32 || cur_left(&c) == 48);
}

/* RFC 6940, 6.3.4: overlay, transaction-id, then MessageContents and nothing
 * behind them.  The overlay is our certificate's. */
static int
reload_msg_ok(const struct key_pair *kp, const void *in, size_t len)
{
	struct cur	 c, body, exts;
	uint32_t	 overlay;
	uint64_t	 transaction;
	uint16_t	 code;

	cur_init(&c, in, len);
	cur_u32(&c, &overlay);
	cur_u64(&c, &transaction);
	cur_u16(&c, &code);
	cur_lv(&c, 4, &body);
	cur_lv(&c, 4, &exts);
	return (cur_done(&c) == 0 && overlay == kp->kp_overlay_hash &&
	    code != 0);
}

/* A dictionary entry: a registration of our own Node-ID, anywhere. */
static int
registration_ok(const struct key_pair *kp, struct cur *c)
{
	struct cur	 entry_key, value, attr;
	char		 hex[NODEID_LEN * 2 + 1];
	const uint8_t	*node, *text;
	uint16_t	 type;
	uint8_t		 exists;
	size_t		 i;

	cur_lv(c, 2, &entry_key);
	cur_u8(c, &exists);
	cur_lv(c, 4, &value);
	if (cur_done(c) == -1 || cur_left(&entry_key) != ENTRY_KEY_LEN ||
	    exists > 1)
		return (0);
	text = cur_ptr(&entry_key, ENTRY_KEY_LEN);
	sodium_bin2hex(hex, sizeof(hex), kp->kp_cert.rc_node[0], NODEID_LEN);
	if (memcmp(text, hex, NODEID_LEN * 2) != 0 || text[NODEID_LEN * 2] != '+')
		return (0);
	for (i = NODEID_LEN * 2 + 1; i < ENTRY_KEY_LEN; i++)
		if (!(text[i] >= '0' && text[i] <= '9') &&
		    !(text[i] >= 'a' && text[i] <= 'f'))
			return (0);
	if (exists == 0)
		return (cur_left(&value) == 0);
	cur_u16(&value, &type);
	cur_lv(&value, 2, &attr);
	node = cur_ptr(&attr, NODEID_LEN);
	return (cur_done(&value) == 0 && cur_done(&attr) == 0 &&
	    type == PEER_ATTR &&
	    memcmp(node, kp->kp_cert.rc_node[0], NODEID_LEN) == 0);
}

/* An array entry, its index signed as 0: our own certificate and no other, at
 * its one place, or its removal there (RFC 6940, 8). */
static int
certificate_ok(const struct key_pair *kp, const uint8_t *resource,
    const uint8_t *place, struct cur *c)
{
	struct cur	 value;
	const uint8_t	*der;
	uint8_t		 hash[crypto_hash_sha256_BYTES], exists;
	uint32_t	 index;
	size_t		 len;

	cur_u32(c, &index);
	cur_u8(c, &exists);
	cur_lv(c, 4, &value);
	if (cur_done(c) == -1 || index != 0 || exists > 1 ||
	    memcmp(resource, place, NODEID_LEN) != 0)
		return (0);
	len = cur_left(&value);
	if (exists == 0)
		return (len == 0);
	if (len == 0 || len > RELOAD_CERT_DER_MAX)
		return (0);
	der = cur_ptr(&value, len);
	(void)crypto_hash_sha256(hash, der, len);
	return (memcmp(hash, kp->kp_cert.rc_sha256, sizeof(hash)) == 0);
}

/* RFC 6940, 7.1: Resource-ID with its length, Kind, storage_time, the value by
 * the Kind's data model. */
static int
reload_data_ok(const struct key_pair *kp, const void *in, size_t len)
{
	struct cur	 c, res;
	const uint8_t	*resource;
	uint64_t	 stored;
	uint32_t	 kind;

	cur_init(&c, in, len);
	cur_lv(&c, 1, &res);
	cur_u32(&c, &kind);
	cur_u64(&c, &stored);
	if (cur_ok(&c) == -1 || cur_left(&res) != NODEID_LEN)
		return (0);
	resource = cur_ptr(&res, NODEID_LEN);
	switch (kind) {
	case RELOAD_KIND_VIPR:
		return (registration_ok(kp, &c));
	case RELOAD_KIND_CERT_NODE:
		return (certificate_ok(kp, resource, kp->kp_by_node, &c));
	case RELOAD_KIND_CERT_USER:
		return (certificate_ok(kp, resource, kp->kp_by_user, &c));
	default:
		return (0);
	}
}

/* -- signing -- */

static int
sign_tls13(const struct key_pair *kp, unsigned scheme, const void *in,
    size_t len, uint8_t *sig, size_t *siglen)
{
	EVP_MD_CTX	*ctx;
	EVP_PKEY_CTX	*pctx;
	const EVP_MD	*md;
	int		 rsa = EVP_PKEY_get_id(kp->kp_key) == EVP_PKEY_RSA;
	int		 error = EIO;

	switch (scheme) {		/* RFC 8446, 4.2.3 */
	case 0x0403:
		if (rsa)
			return (EINVAL);
		md = EVP_sha256();
		break;
	case 0x0804:
	case 0x0805:
	case 0x0806:
		if (!rsa)
			return (EINVAL);
		md = scheme == 0x0804 ? EVP_sha256() :
		    scheme == 0x0805 ? EVP_sha384() : EVP_sha512();
		break;
	default:
		return (EINVAL);
	}
	if ((ctx = EVP_MD_CTX_new()) == NULL)
		return (ENOMEM);
	if (EVP_DigestSignInit(ctx, &pctx, md, NULL, kp->kp_key) == 1 &&
	    (!rsa || (EVP_PKEY_CTX_set_rsa_padding(pctx,
	    RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
	    EVP_DigestSign(ctx, sig, siglen, in, len) == 1)
		error = 0;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return (error);
}

/* The SignerIdentity is ours to write: cert_hash, the certificate has one
 * Node-ID. */
static int
sign_reload(const struct key_pair *kp, const void *in, size_t len,
    uint8_t *sig, size_t *siglen)
{
	struct wbuf	 w;
	uint8_t		 id[RELOAD_IDENTITY_LEN];
	struct span	 parts[2];

	wbuf_init(&w, id, sizeof(id));
	reload_identity_write(&w, kp->kp_cert.rc_sha256);
	if (wbuf_ok(&w) == -1 || w.w_len != sizeof(id))
		return (EIO);
	parts[0].p = in;
	parts[0].len = len;
	parts[1].p = (const char *)id;
	parts[1].len = sizeof(id);
	return (reload_signer_parts(kp->kp_signer, parts, 2, sig, siglen) == 0 ?
	    0 : EIO);
}

int
key_sign_request(enum vipr_role from, const struct imsg_key_sign *ks,
    const void *in, size_t len, uint8_t *sig, size_t *siglen)
{
	const struct key_pair	*kp;

	if (!right_ok(from, ks))
		return (EPERM);
	if ((kp = pair_find(ks)) == NULL)
		return (ENOENT);
	if (len > KEY_SIGN_INPUT_MAX ||
	    *siglen < (size_t)EVP_PKEY_get_size(kp->kp_key))
		return (EMSGSIZE);
	switch (ks->ks_type) {
	case KS_TLS13:
		if (!tls13_ok(in, len))
			return (EINVAL);
		return (sign_tls13(kp, ks->ks_scheme, in, len, sig, siglen));
	case KS_RELOAD_MSG:
		if (!reload_msg_ok(kp, in, len))
			return (EINVAL);
		return (sign_reload(kp, in, len, sig, siglen));
	case KS_RELOAD_DATA:
		if (!reload_data_ok(kp, in, len))
			return (EINVAL);
		return (sign_reload(kp, in, len, sig, siglen));
	default:
		return (EPERM);
	}
}
