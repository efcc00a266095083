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
 * core: the profile of overlay certificates (RFC 6940, 11.3) and what is
 * computed from names and keys; see reload_cert.h.
 */

#include <sys/types.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "reload_cert.h"

static int	hex_value(char);
static int	asn1_time(const ASN1_TIME *, int64_t *);
static int	cert_names(const GENERAL_NAMES *, struct reload_cert *,
		    const char **);
static int	cert_uri(const ASN1_IA5STRING *, struct reload_cert *,
		    const char **);
static int	overlay_name_ok(struct span);
static int	sha1(const void *, size_t, uint8_t[20]);

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (c - 'A' + 10);
	return (-1);
}

/* Legal syntax of a domain name, as the RFC wants of an overlay name. */
static int
overlay_name_ok(struct span s)
{
	size_t	i;

	if (s.len == 0 || s.len >= DOMAIN_SIZE || s.p[0] == '.' ||
	    s.p[s.len - 1] == '.')
		return (0);
	for (i = 0; i < s.len; i++) {
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') ||
		    (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
		    (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-' ||
		    s.p[i] == '_' || (s.p[i] == '.' && s.p[i - 1] != '.')))
			return (0);
	}
	return (1);
}

int
reload_uri_parse(struct span uri, uint8_t node[NODEID_LEN],
    char overlay[DOMAIN_SIZE])
{
	struct cur	c;
	struct span	s;
	uint8_t		bytes[2 + NODEID_LEN];
	size_t		i;
	int		hi, lo;

	memset(node, 0, NODEID_LEN);
	overlay[0] = '\0';
	cur_init(&c, uri.p, uri.len);
	if (cur_until(&c, ':', &s) == -1 || !span_caseeq(s, "reload") ||
	    cur_lit(&c, ':') == -1 || cur_lit(&c, '/') == -1 ||
	    cur_lit(&c, '/') == -1 || cur_until(&c, '@', &s) == -1 ||
	    s.len != 2 * sizeof(bytes))
		return (-1);
	for (i = 0; i < sizeof(bytes); i++) {
		hi = hex_value(s.p[2 * i]);
		lo = hex_value(s.p[2 * i + 1]);
		if (hi == -1 || lo == -1)
			return (-1);
		bytes[i] = (uint8_t)(hi << 4 | lo);
	}
	/* One destination of type node, with its header. */
	if (bytes[0] != 1 || bytes[1] != NODEID_LEN)
		return (-1);
	if (cur_lit(&c, '@') == -1 || cur_until(&c, '/', &s) == -1 ||
	    cur_lit(&c, '/') == -1 || cur_done(&c) == -1 ||
	    !overlay_name_ok(s) || span_str(s, overlay, DOMAIN_SIZE) == -1)
		return (-1);
	memcpy(node, bytes + 2, NODEID_LEN);
	return (0);
}

size_t
reload_uri_write(char *buf, size_t size, const uint8_t node[NODEID_LEN],
    const char *overlay)
{
	char	hex[2 * NODEID_LEN + 1];
	size_t	i;
	int	n;

	for (i = 0; i < NODEID_LEN; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", node[i]);
	n = snprintf(buf, size, "reload://0110%s@%s/", hex, overlay);
	return (n < 0 || (size_t)n >= size ? 0 : (size_t)n);
}

static int
sha1(const void *p, size_t len, uint8_t md[20])
{
	unsigned	n = 0;

	return (EVP_Digest(p, len, md, &n, EVP_sha1(), NULL) == 1 && n == 20 ?
	    0 : -1);
}

int
reload_overlay_hash(const char *overlay, uint32_t *hash)
{
	struct cur	c;
	uint8_t		md[20];

	*hash = 0;
	if (sha1(overlay, strlen(overlay), md) == -1)
		return (-1);
	cur_init(&c, md + 16, 4);
	return (cur_u32(&c, hash));
}

int
reload_resource_id(const void *name, size_t len, uint8_t id[NODEID_LEN])
{
	uint8_t	md[20];

	if (sha1(name, len, md) == -1)
		return (-1);
	memcpy(id, md, NODEID_LEN);
	return (0);
}

int
reload_self_node(EVP_PKEY *key, enum reload_digest digest, uint32_t index,
    uint8_t node[NODEID_LEN])
{
	EVP_MD_CTX	*ctx;
	const EVP_MD	*md;
	unsigned char	*der = NULL;
	uint8_t		 hash[EVP_MAX_MD_SIZE], ibuf[4];
	struct wbuf	 w;
	unsigned	 n = 0;
	int		 len, ok = 0;

	md = digest == RELOAD_SELF_SHA1 ? EVP_sha1() :
	    digest == RELOAD_SELF_SHA256 ? EVP_sha256() : NULL;
	if (md == NULL || (len = i2d_PUBKEY(key, &der)) <= 0)
		return (-1);
	wbuf_init(&w, ibuf, sizeof(ibuf));
	wbuf_u32(&w, index);
	if ((ctx = EVP_MD_CTX_new()) != NULL) {
		ok = EVP_DigestInit_ex(ctx, md, NULL) == 1 && (index == 0 ||
		    EVP_DigestUpdate(ctx, ibuf, sizeof(ibuf)) == 1) &&
		    EVP_DigestUpdate(ctx, der, (size_t)len) == 1 &&
		    EVP_DigestFinal_ex(ctx, hash, &n) == 1 && n >= NODEID_LEN;
		EVP_MD_CTX_free(ctx);
	}
	OPENSSL_free(der);
	if (!ok)
		return (-1);
	memcpy(node, hash, NODEID_LEN);
	return (0);
}

static int
asn1_time(const ASN1_TIME *t, int64_t *out)
{
	ASN1_TIME	*epoch;
	int		 days, seconds, ok;

	if ((epoch = ASN1_TIME_set(NULL, 0)) == NULL)
		return (-1);
	ok = ASN1_TIME_diff(&days, &seconds, epoch, t);
	ASN1_TIME_free(epoch);
	if (!ok)
		return (-1);
	*out = (int64_t)days * 86400 + seconds;
	return (0);
}

static int
cert_uri(const ASN1_IA5STRING *a, struct reload_cert *rc, const char **why)
{
	char		overlay[DOMAIN_SIZE];
	uint8_t		node[NODEID_LEN];
	struct span	s;
	unsigned	i;

	s.p = (const char *)ASN1_STRING_get0_data(a);
	s.len = (size_t)ASN1_STRING_length(a);
	if (reload_uri_parse(s, node, overlay) == -1) {
		*why = "a URI is not a reload URI with one Node-ID";
		return (-1);
	}
	if (rc->rc_nodes == RELOAD_NODES_MAX) {
		*why = "too many Node-IDs";
		return (-1);
	}
	if (rc->rc_nodes > 0 && strcmp(overlay, rc->rc_overlay) != 0) {
		*why = "Node-IDs of different overlays";
		return (-1);
	}
	for (i = 0; i < rc->rc_nodes; i++) {
		if (memcmp(rc->rc_node[i], node, NODEID_LEN) == 0) {
			*why = "the same Node-ID twice";
			return (-1);
		}
	}
	memcpy(rc->rc_overlay, overlay, sizeof(overlay));
	memcpy(rc->rc_node[rc->rc_nodes++], node, NODEID_LEN);
	return (0);
}

/* One or more reload URIs, exactly one rfc822Name, nothing else. */
static int
cert_names(const GENERAL_NAMES *names, struct reload_cert *rc,
    const char **why)
{
	const GENERAL_NAME	*gn;
	struct span		 s;
	int			 i, users = 0;

	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		gn = sk_GENERAL_NAME_value(names, i);
		switch (gn->type) {
		case GEN_URI:
			if (cert_uri(gn->d.uniformResourceIdentifier, rc,
			    why) == -1)
				return (-1);
			break;
		case GEN_EMAIL:
			s.p = (const char *)ASN1_STRING_get0_data(
			    gn->d.rfc822Name);
			s.len = (size_t)ASN1_STRING_length(gn->d.rfc822Name);
			if (users++ > 0 || s.len == 0 || span_str(s,
			    rc->rc_user, sizeof(rc->rc_user)) == -1) {
				*why = "not exactly one user name";
				return (-1);
			}
			break;
		default:
			*why = "a name that is neither URI nor user name";
			return (-1);
		}
	}
	*why = rc->rc_nodes == 0 ? "no Node-ID" : "not exactly one user name";
	return (rc->rc_nodes > 0 && users == 1 ? 0 : -1);
}

X509 *
reload_cert_pem(const void *pem, size_t len)
{
	BIO	*bio;
	X509	*x;

	if (len == 0 || len > INT32_MAX ||
	    (bio = BIO_new_mem_buf(pem, (int)len)) == NULL)
		return (NULL);
	x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	ERR_clear_error();
	return (x);
}

int
reload_cert_parse(X509 *x, struct reload_cert *rc, const char **why)
{
	GENERAL_NAMES	*names;
	EVP_PKEY	*key;
	unsigned	 n = 0;
	int		 crit, r = -1;

	memset(rc, 0, sizeof(*rc));
	*why = "not a version 3 certificate";
	if (X509_get_version(x) != X509_VERSION_3)
		return (-1);
	*why = "the subject is not empty";
	if (X509_NAME_entry_count(X509_get_subject_name(x)) != 0)
		return (-1);
	*why = "unreadable dates";
	if (asn1_time(X509_get0_notBefore(x), &rc->rc_not_before) == -1 ||
	    asn1_time(X509_get0_notAfter(x), &rc->rc_not_after) == -1)
		return (-1);
	*why = "key type not taken: RSA from 2048 bits or P-256";
	if ((key = X509_get0_pubkey(x)) == NULL ||
	    (rc->rc_alg = reload_key_alg(key)) == 0)
		goto fail;
	*why = "its key may not sign";
	if ((X509_get_extension_flags(x) & EXFLAG_KUSAGE) &&
	    !(X509_get_key_usage(x) & KU_DIGITAL_SIGNATURE))
		goto fail;
	*why = "no single, readable subjectAltName";
	if ((names = X509_get_ext_d2i(x, NID_subject_alt_name, &crit,
	    NULL)) == NULL)
		goto fail;
	r = cert_names(names, rc, why);
	GENERAL_NAMES_free(names);
	if (r == 0 && (X509_digest(x, EVP_sha256(), rc->rc_sha256, &n) != 1 ||
	    n != 32)) {
		*why = "cannot be hashed";
		r = -1;
	}
fail:
	ERR_clear_error();
	if (r == -1)
		memset(rc, 0, sizeof(*rc));
	else
		*why = NULL;
	return (r);
}
