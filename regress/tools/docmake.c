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
 * docmake: what viprctl ca does not make.  A document from another one, with a
 * sequence and one more element, signed anew; or a kind-block.
 */

#include <sys/types.h>

#include <err.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl_ca.h"
#include "reload_conf.h"

#define OUT_MAX	RELOAD_DOC_MAX

static void	 usage(void) __attribute__((__noreturn__));
static void	 sign(const char *, const void *, size_t, char *, size_t);
static void	 document(const char *, const char *, const char *, const char *, const char *);
static void	 kind(const char *, const char *, const char *);

static void
usage(void)
{
	(void)fprintf(stderr, "usage: docmake CA IN OUT SEQUENCE [ELEMENT]\n"
	    "       docmake -k CA OUT KIND\n");
	exit(2);
}

/* base64 of a SecurityBlock by the signer of that folder. */
static void
sign(const char *ca, const void *blob, size_t len, char *text, size_t size)
{
	struct reload_cert rc;
	struct wbuf	 b, w;
	struct span	 part = { blob, len };
	EVP_PKEY	*key;
	X509		*x;
	unsigned char	*der = NULL;
	const char	*why;
	uint8_t		 bucket[RELOAD_CERT_DER_MAX + 16], buf[8192], sig[RELOAD_SIG_MAX];
	char		 path[CA_PATH_SIZE];
	size_t		 siglen = sizeof(sig);
	int		 derlen;

	if ((key = ca_key_read(ca_path(path, ca, "signer.key"))) == NULL ||
	    (x = ca_cert_read(ca_path(path, ca, "signer.crt"))) == NULL)
		exit(1);
	if (reload_cert_parse(x, &rc, &why) == -1 || (derlen = i2d_X509(x, &der)) <= 0 ||
	    reload_sign_parts(key, &part, 1, sig, &siglen) == -1)
		errx(1, "signer.crt");
	wbuf_init(&b, bucket, sizeof(bucket));
	reload_bucket_add(&b, der, (size_t)derlen);
	wbuf_init(&w, buf, sizeof(buf));
	reload_secblock_write(&w, bucket, b.w_len, rc.rc_alg, rc.rc_sha256, sig, siglen);
	if (wbuf_ok(&b) == -1 || wbuf_ok(&w) == -1 || sodium_base64_encoded_len(w.w_len,
	    sodium_base64_VARIANT_ORIGINAL) > size)
		errx(1, "signature too long");
	(void)sodium_bin2base64(text, size, buf, w.w_len, sodium_base64_VARIANT_ORIGINAL);
	OPENSSL_free(der);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void
document(const char *ca, const char *in, const char *out, const char *sequence,
    const char *element)
{
	static char	 doc[OUT_MAX];
	char		*text, *p, *q, *r, *end, sig[16384];
	size_t		 len, start;
	int		 n;

	if ((text = ca_file_read(in, RELOAD_DOC_MAX, &len)) == NULL)
		exit(1);
	if ((p = strstr(text, "<configuration ")) == NULL ||
	    (q = strstr(p, "sequence=\"")) == NULL || (q = strchr(q, '"')) == NULL ||
	    (end = strstr(q, "</configuration>")) == NULL)
		errx(1, "%s: no configuration", in);
	q++;
	if ((r = strchr(q, '"')) == NULL)
		errx(1, "%s: no sequence", in);
	n = snprintf(doc, sizeof(doc), "%.*s%s%.*s%s</configuration>", (int)(q - text), text,
	    sequence, (int)(end - r), r, element);
	if (n < 0 || (size_t)n >= sizeof(doc))
		errx(1, "too long");
	start = (size_t)(p - text);
	sign(ca, doc + start, (size_t)n - start, sig, sizeof(sig));
	len = (size_t)n;
	n = snprintf(doc + len, sizeof(doc) - len, "\n<signature>%s</signature>\n</overlay>\n",
	    sig);
	if (n < 0 || (size_t)n >= sizeof(doc) - len)
		errx(1, "too long");
	free(text);
	if (ca_file_write(out, doc, len + (size_t)n, 0644, 1) == -1)
		exit(1);
}

static void
kind(const char *ca, const char *out, const char *xml)
{
	char		 buf[32768], sig[16384];
	int		 n;

	sign(ca, xml, strlen(xml), sig, sizeof(sig));
	n = snprintf(buf, sizeof(buf), "<kind-block>%s<kind-signature>%s</kind-signature>"
	    "</kind-block>", xml, sig);
	if (n < 0 || (size_t)n >= sizeof(buf))
		errx(1, "too long");
	if (ca_file_write(out, buf, (size_t)n, 0644, 1) == -1)
		exit(1);
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "-k") == 0)
		kind(argv[2], argv[3], argv[4]);
	else if (argc == 5 || argc == 6)
		document(argv[1], argv[2], argv[3], argv[4], argc == 6 ? argv[5] : "");
	else
		usage();
	return (0);
}
