/* SPDX-License-Identifier: ISC */
/*
 * For tests: certificates made in memory, and a stand-in for the key process
 * that signs with the real keys from the event loop.
 */
#ifndef TESTTLS_H
#define TESTTLS_H

#include <sys/time.h>

#include <errno.h>
#include <event.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>

#include "pkremote.h"
#include "vipr.h"

#define TEST_KEYS	8

struct testcert {
	X509		*t_cert;
	EVP_PKEY	*t_key;
	char		 t_pem[16384];
	size_t		 t_pemlen;
};

enum testkey_mode { KEY_ANSWER, KEY_REFUSE, KEY_SILENT, KEY_NOSEND, KEY_GARBAGE };

static struct testcert	*testkeys[TEST_KEYS];
static enum testkey_mode testkey_mode;
static int		 testkey_requests;

__attribute__((unused)) static void
testcert_make(struct testcert *t, int rsa, const char *cn, const char *san,
    const struct testcert *ca)
{
	static long	 serial;
	X509_NAME	*name;
	X509_EXTENSION	*ext;
	X509V3_CTX	 v3;
	BIO		*bio;

	t->t_key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	t->t_cert = X509_new();
	if (t->t_key == NULL || t->t_cert == NULL)
		abort();
	X509_set_version(t->t_cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(t->t_cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(t->t_cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(t->t_cert), 86400);
	X509_set_pubkey(t->t_cert, t->t_key);
	name = X509_NAME_new();
	if (cn[0] != '\0')
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		    (const unsigned char *)cn, -1, -1, 0);
	X509_set_subject_name(t->t_cert, name);
	X509_set_issuer_name(t->t_cert, ca == NULL ? name :
	    X509_get_subject_name(ca->t_cert));
	X509_NAME_free(name);
	X509V3_set_ctx(&v3, ca == NULL ? t->t_cert : ca->t_cert, t->t_cert,
	    NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &v3, NID_basic_constraints,
	    ca == NULL ? "critical,CA:TRUE" : "CA:FALSE");
	X509_add_ext(t->t_cert, ext, -1);
	X509_EXTENSION_free(ext);
	if (san != NULL) {
		ext = X509V3_EXT_conf_nid(NULL, &v3, NID_subject_alt_name, san);
		if (ext == NULL)
			abort();
		X509_add_ext(t->t_cert, ext, -1);
		X509_EXTENSION_free(ext);
	}
	if (X509_sign(t->t_cert, ca == NULL ? t->t_key : ca->t_key,
	    EVP_sha256()) == 0)
		abort();
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(bio, t->t_cert);
	t->t_pemlen = (size_t)BIO_read(bio, t->t_pem, sizeof(t->t_pem) - 1);
	t->t_pem[t->t_pemlen] = '\0';
	BIO_free(bio);
}

__attribute__((unused)) static void
testcert_free(struct testcert *t)
{
	X509_free(t->t_cert);
	EVP_PKEY_free(t->t_key);
	memset(t, 0, sizeof(*t));
}

struct testreq {
	struct event	 r_ev;
	uint64_t	 r_id;
	uint32_t	 r_keyid;
	uint16_t	 r_type, r_scheme;
	uint8_t		 r_in[4096];
	size_t		 r_len;
};

__attribute__((unused)) static void
testkey_answer(int fd, short event, void *arg)
{
	struct testreq	*r = arg;
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX	*pctx;
	EVP_PKEY	*key = testkeys[r->r_keyid]->t_key;
	const EVP_MD	*md;
	uint8_t		 sig[1024];
	size_t		 len = sizeof(sig);

	(void)fd;
	(void)event;
	md = r->r_scheme == 0x0805 ? EVP_sha384() :
	    r->r_scheme == 0x0806 ? EVP_sha512() : EVP_sha256();
	if (testkey_mode == KEY_REFUSE)
		pkremote_reply(r->r_id, EPERM, NULL, 0);
	else if (testkey_mode == KEY_GARBAGE) {
		memset(sig, 0x41, sizeof(sig));
		pkremote_reply(r->r_id, 0, sig, 70);
	} else if (EVP_DigestSignInit(ctx, &pctx, md, NULL, key) == 1 &&
	    (r->r_scheme == 0x0403 || (EVP_PKEY_CTX_set_rsa_padding(pctx,
	    RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, -1) == 1)) &&
	    EVP_DigestSign(ctx, sig, &len, r->r_in, r->r_len) == 1)
		pkremote_reply(r->r_id, 0, sig, len);
	else
		abort();
	EVP_MD_CTX_free(ctx);
	free(r);
}

__attribute__((unused)) static int
testkey_send(uint64_t id, uint32_t keyid, uint16_t type, uint16_t scheme,
    const void *in, size_t len)
{
	struct testreq	*r;
	struct timeval	 tv = { 0, 1000 };

	testkey_requests++;
	if (testkey_mode == KEY_NOSEND)
		return (-1);
	if (testkey_mode == KEY_SILENT)
		return (0);
	if (keyid >= TEST_KEYS || testkeys[keyid] == NULL || len > sizeof(r->r_in))
		abort();
	if ((r = calloc(1, sizeof(*r))) == NULL)
		abort();
	r->r_id = id;
	r->r_keyid = keyid;
	r->r_type = type;
	r->r_scheme = scheme;
	memcpy(r->r_in, in, len);
	r->r_len = len;
	evtimer_set(&r->r_ev, testkey_answer, r);
	evtimer_add(&r->r_ev, &tv);
	return (0);
}

#endif
