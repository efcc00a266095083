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

/* viprctl ca: keys, certificates and files; see ctl_ca.h. */

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl_ca.h"
#include "reload_cert.h"

#define HOUR	3600

static X509	*cert_new(EVP_PKEY *, unsigned days);
static int	 cert_ext(X509 *, X509 *issuer, int nid, const char *value);
static int	 cert_san(X509 *, const char *uri, const char *user);
static BIO	*bio_file(const char *);
static int	 bio_write(const char *, BIO *, unsigned mode, int force);

EVP_PKEY *
ca_key_make(enum ca_keytype type)
{
	return (type == CA_RSA ? EVP_RSA_gen(3072) :
	    EVP_EC_gen("prime256v1"));
}

/* Version 3, a random serial, valid from an hour ago: clocks differ. */
static X509 *
cert_new(EVP_PKEY *pub, unsigned days)
{
	BIGNUM		*bn = NULL;
	X509		*x;
	unsigned char	 serial[16];

	if ((x = X509_new()) == NULL)
		return (NULL);
	randombytes_buf(serial, sizeof(serial));
	serial[0] = (unsigned char)((serial[0] & 0x7f) | 0x40);
	if ((bn = BN_bin2bn(serial, sizeof(serial), NULL)) == NULL ||
	    BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) == NULL ||
	    X509_set_version(x, X509_VERSION_3) != 1 ||
	    X509_gmtime_adj(X509_getm_notBefore(x), -HOUR) == NULL ||
	    X509_time_adj_ex(X509_getm_notAfter(x), (int)days, 0,
	    NULL) == NULL || X509_set_pubkey(x, pub) != 1) {
		X509_free(x);
		x = NULL;
	}
	BN_free(bn);
	return (x);
}

static int
cert_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION	*ext;
	X509V3_CTX	 ctx;
	int		 ok;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&ctx);
	if ((ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value)) == NULL)
		return (-1);
	ok = X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	return (ok == 1 ? 0 : -1);
}

X509 *
ca_root_make(EVP_PKEY *key, const char *overlay, unsigned days)
{
	X509_NAME	*name;
	X509		*x;
	char		 cn[65];

	/* A common name holds 64 characters; this one is only a label. */
	(void)snprintf(cn, sizeof(cn), "%.50s overlay root", overlay);
	if ((x = cert_new(key, days)) == NULL)
		return (NULL);
	name = X509_get_subject_name(x);
	if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const unsigned char *)cn, -1, -1, 0) != 1 ||
	    X509_set_issuer_name(x, name) != 1 ||
	    cert_ext(x, x, NID_basic_constraints,
	    "critical,CA:TRUE,pathlen:0") == -1 ||
	    cert_ext(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") == -1 ||
	    cert_ext(x, x, NID_subject_key_identifier, "hash") == -1 ||
	    X509_sign(x, key, EVP_sha256()) == 0) {
		X509_free(x);
		return (NULL);
	}
	return (x);
}

/* Critical, since the subject is empty (RFC 5280, 4.2.1.6). */
static int
cert_san(X509 *x, const char *uri, const char *user)
{
	GENERAL_NAMES	*names;
	GENERAL_NAME	*gn;
	ASN1_IA5STRING	*s;
	size_t		 i;
	int		 ok = 0;

	if ((names = GENERAL_NAMES_new()) == NULL)
		return (-1);
	for (i = 0; i < 2; i++) {
		gn = GENERAL_NAME_new();
		s = ASN1_IA5STRING_new();
		if (gn == NULL || s == NULL ||
		    ASN1_STRING_set(s, i == 0 ? uri : user, -1) != 1 ||
		    sk_GENERAL_NAME_push(names, gn) == 0) {
			GENERAL_NAME_free(gn);
			ASN1_IA5STRING_free(s);
			goto fail;
		}
		GENERAL_NAME_set0_value(gn, i == 0 ? GEN_URI : GEN_EMAIL, s);
	}
	ok = X509_add1_ext_i2d(x, NID_subject_alt_name, names, 1,
	    X509V3_ADD_DEFAULT);
fail:
	GENERAL_NAMES_free(names);
	return (ok == 1 ? 0 : -1);
}

X509 *
ca_node_make(EVP_PKEY *pub, const uint8_t node[NODEID_LEN], const char *user,
    const char *overlay, X509 *root, EVP_PKEY *rootkey, unsigned days)
{
	X509	*x;
	char	 uri[DOMAIN_SIZE + 64];

	if (reload_uri_write(uri, sizeof(uri), node, overlay) == 0 ||
	    (x = cert_new(pub, days)) == NULL)
		return (NULL);
	if (X509_set_issuer_name(x, X509_get_subject_name(root)) != 1 ||
	    cert_ext(x, root, NID_basic_constraints, "critical,CA:FALSE") == -1 ||
	    cert_ext(x, root, NID_key_usage, "critical,digitalSignature") == -1 ||
	    cert_ext(x, root, NID_subject_key_identifier, "hash") == -1 ||
	    cert_ext(x, root, NID_authority_key_identifier, "keyid") == -1 ||
	    cert_san(x, uri, user) == -1 ||
	    X509_sign(x, rootkey, EVP_sha256()) == 0) {
		X509_free(x);
		return (NULL);
	}
	return (x);
}

/* Issuer and subject are the same, empty. */
X509 *
ca_self_make(EVP_PKEY *key, enum reload_digest digest, const char *user,
    const char *overlay, unsigned days, uint8_t node[NODEID_LEN])
{
	X509	*x;
	char	 uri[DOMAIN_SIZE + 64];

	if (reload_self_node(key, digest, 0, node) == -1 ||
	    reload_uri_write(uri, sizeof(uri), node, overlay) == 0 ||
	    (x = cert_new(key, days)) == NULL)
		return (NULL);
	if (cert_ext(x, x, NID_basic_constraints, "critical,CA:FALSE") == -1 ||
	    cert_ext(x, x, NID_key_usage, "critical,digitalSignature") == -1 ||
	    cert_ext(x, x, NID_subject_key_identifier, "hash") == -1 ||
	    cert_san(x, uri, user) == -1 ||
	    X509_sign(x, key, EVP_sha256()) == 0) {
		X509_free(x);
		return (NULL);
	}
	return (x);
}

enum reload_digest
ca_self_digest(X509 *x, const struct reload_cert *rc)
{
	static const enum reload_digest	all[] = { RELOAD_SELF_SHA256,
					    RELOAD_SELF_SHA1 };
	EVP_PKEY	*key = X509_get0_pubkey(x);
	uint8_t		 node[NODEID_LEN];
	size_t		 i;

	if (key == NULL || rc->rc_nodes != 1 || X509_NAME_cmp(
	    X509_get_issuer_name(x), X509_get_subject_name(x)) != 0)
		return (RELOAD_SELF_NO);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (reload_self_node(key, all[i], 0, node) == 0 &&
		    memcmp(node, rc->rc_node[0], NODEID_LEN) == 0)
			return (all[i]);
	}
	return (RELOAD_SELF_NO);
}

const char *
ca_self_str(enum reload_digest digest)
{
	return (digest == RELOAD_SELF_SHA1 ? "sha1" :
	    digest == RELOAD_SELF_SHA256 ? "sha256" : "no");
}

/* -- files -- */

/*
 * Written beside and then moved, so that nobody reads half of it; without
 * force by link(2), which does not replace.
 */
int
ca_file_write(const char *path, const void *p, size_t len, unsigned mode,
    int force)
{
	char	tmp[1024];
	ssize_t	n;
	size_t	off;
	int	fd, saved;

	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.XXXXXXXX", path) >=
	    sizeof(tmp)) {
		warnx("%s: path too long", path);
		return (-1);
	}
	if ((fd = mkstemp(tmp)) == -1) {
		warn("%s", path);
		return (-1);
	}
	if (fchmod(fd, (mode_t)mode) == -1)
		goto fail;
	for (off = 0; off < len; off += (size_t)n) {
		if ((n = write(fd, (const char *)p + off, len - off)) == -1)
			goto fail;
	}
	if (fsync(fd) == -1)
		goto fail;
	if (force) {
		if (rename(tmp, path) == -1)
			goto fail;
	} else {
		if (link(tmp, path) == -1)
			goto fail;
		(void)unlink(tmp);
	}
	(void)close(fd);
	return (0);
fail:
	saved = errno;
	(void)unlink(tmp);
	(void)close(fd);
	errno = saved;
	if (errno == EEXIST)
		warnx("%s: exists already (-f replaces it)", path);
	else
		warn("%s", path);
	return (-1);
}

char *
ca_file_read(const char *path, size_t max, size_t *len)
{
	FILE	*f;
	char	*buf;

	if ((f = fopen(path, "r")) == NULL) {
		warn("%s", path);
		return (NULL);
	}
	if ((buf = malloc(max + 2)) == NULL)
		err(1, NULL);
	*len = fread(buf, 1, max + 1, f);
	if (ferror(f) || *len > max) {
		warnx("%s: %s", path, *len > max ? "too long" : "cannot be read");
		free(buf);
		buf = NULL;
	} else
		buf[*len] = '\0';
	(void)fclose(f);
	return (buf);
}

static int
bio_write(const char *path, BIO *bio, unsigned mode, int force)
{
	char	*p;
	long	 len;
	int	 r;

	len = BIO_get_mem_data(bio, &p);
	r = ca_file_write(path, p, (size_t)len, mode, force);
	if (mode == 0600)
		sodium_memzero(p, (size_t)len);
	BIO_free(bio);
	return (r);
}

int
ca_key_write(const char *path, EVP_PKEY *key, int force)
{
	BIO	*bio;

	if ((bio = BIO_new(BIO_s_mem())) == NULL || PEM_write_bio_PKCS8PrivateKey(
	    bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
		warnx("%s: key cannot be encoded", path);
		BIO_free(bio);
		return (-1);
	}
	return (bio_write(path, bio, 0600, force));
}

int
ca_cert_write(const char *path, X509 *x, int force)
{
	BIO	*bio;

	if ((bio = BIO_new(BIO_s_mem())) == NULL ||
	    PEM_write_bio_X509(bio, x) != 1) {
		warnx("%s: certificate cannot be encoded", path);
		BIO_free(bio);
		return (-1);
	}
	return (bio_write(path, bio, 0644, force));
}

static BIO *
bio_file(const char *path)
{
	BIO	*bio;

	if ((bio = BIO_new_file(path, "r")) == NULL) {
		ERR_clear_error();
		warn("%s", path);
	}
	return (bio);
}

EVP_PKEY *
ca_key_read(const char *path)
{
	EVP_PKEY	*key;
	BIO		*bio;

	if ((bio = bio_file(path)) == NULL)
		return (NULL);
	if ((key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL)) == NULL)
		warnx("%s: no private key in PEM", path);
	BIO_free(bio);
	return (key);
}

X509 *
ca_cert_read(const char *path)
{
	X509	*x;
	BIO	*bio;

	if ((bio = bio_file(path)) == NULL)
		return (NULL);
	if ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) == NULL)
		warnx("%s: no certificate in PEM", path);
	BIO_free(bio);
	return (x);
}

X509_REQ *
ca_req_read(const char *path)
{
	X509_REQ	*req;
	BIO		*bio;

	if ((bio = bio_file(path)) == NULL)
		return (NULL);
	/* As a file, or as it stands in the form of an enrolment. */
	if ((req = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL)) == NULL &&
	    (BIO_reset(bio) != 0 ||
	    (req = d2i_X509_REQ_bio(bio, NULL)) == NULL))
		warnx("%s: no certificate request in PEM or DER", path);
	ERR_clear_error();
	BIO_free(bio);
	return (req);
}
