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
 * Fuzz target: what key signs for overlayd.  The input alters one of a few good
 * inputs: a byte says which, one says as what type it is asked for, then come
 * edits of an offset (2 bytes) and a value; or with the first byte 0 what
 * follows is taken as it is.  Whatever gets signed as stored data is one of the
 * five forms that there are, put together here a second time.
 */

#include <sys/types.h>

#include <err.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl_ca.h"
#include "cursor.h"
#include "key_sign.h"
#include "reload_cert.h"

#define OVERLAY		"overlay.test"
#define USER		"7d1c90ab@" OVERLAY
#define FORMS		5	/* of stored data; then a message */
#define INPUT_MAX	8192

int		 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	 setup(void);
static void	 form_registration(struct wbuf *, int);
static void	 form_certificate(struct wbuf *, uint32_t, const void *, size_t, int);
static void	 form_message(struct wbuf *);
static int	 free_byte(unsigned, size_t);
static int	 known(const uint8_t *, size_t);

static uint8_t		 good[FORMS + 1][INPUT_MAX];
static size_t		 goodlen[FORMS + 1];
static uint8_t		 node[NODEID_LEN];
static uint8_t		*der;
static int		 derlen;

static void
form_registration(struct wbuf *w, int exists)
{
	static const uint8_t	zero[NODEID_LEN];
	char			hex[2 * NODEID_LEN + 1], key[64];

	(void)sodium_bin2hex(hex, sizeof(hex), node, NODEID_LEN);
	(void)snprintf(key, sizeof(key), "%s+7b1f00c2d4e58a36", hex);
	wbuf_lv(w, 1, zero, NODEID_LEN);
	wbuf_u32(w, RELOAD_KIND_VIPR);
	wbuf_u64(w, 1795169000000);
	wbuf_lv_str(w, 2, key);
	wbuf_u8(w, (uint8_t)exists);
	wbuf_u32(w, exists ? 20 : 0);
	if (exists) {
		wbuf_u16(w, 0x2008);
		wbuf_lv(w, 2, node, NODEID_LEN);
	}
}

static void
form_certificate(struct wbuf *w, uint32_t kind, const void *name, size_t len, int exists)
{
	uint8_t	id[NODEID_LEN];

	if (reload_resource_id(name, len, id) == -1)
		errx(1, "no SHA-1");
	wbuf_lv(w, 1, id, NODEID_LEN);
	wbuf_u32(w, kind);
	wbuf_u64(w, 1795169000000);
	wbuf_u32(w, 0);
	wbuf_u8(w, (uint8_t)exists);
	wbuf_lv(w, 4, der, exists ? (size_t)derlen : 0);
}

static void
form_message(struct wbuf *w)
{
	uint32_t	hash;

	if (reload_overlay_hash(OVERLAY, &hash) == -1)
		errx(1, "no SHA-1");
	wbuf_u32(w, hash);
	wbuf_u64(w, 0x1122334455667788);
	wbuf_u16(w, 7);
	wbuf_lv(w, 4, "body", 4);
	wbuf_u32(w, 0);
}

static void
setup(void)
{
	struct key_pair	*kp;
	struct wbuf	 w;
	const char	*why;
	EVP_PKEY	*key;
	X509		*x;
	BIO		*bio;
	FILE		*f;
	char		*pem;
	long		 len;
	unsigned	 i;

	key_sign_init();
	if ((key = ca_key_make(CA_P256)) == NULL || (x = ca_self_make(key,
	    RELOAD_SELF_SHA256, USER, OVERLAY, 30, node)) == NULL ||
	    (derlen = i2d_X509(x, &der)) <= 0 || (f = tmpfile()) == NULL ||
	    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) != 1 ||
	    fflush(f) != 0 || (bio = BIO_new(BIO_s_mem())) == NULL ||
	    PEM_write_bio_X509(bio, x) != 1)
		errx(1, "no certificate");
	len = BIO_get_mem_data(bio, &pem);
	if ((kp = key_pair_load(KEYID_NODE, fileno(f), pem, (size_t)len, &why)) == NULL)
		errx(1, "%s", why);
	key_sign_set(KEYID_NODE, kp);
	BIO_free(bio);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
	for (i = 0; i <= FORMS; i++) {
		wbuf_init(&w, good[i], INPUT_MAX);
		if (i < 2)
			form_registration(&w, i == 0);
		else if (i == FORMS)
			form_message(&w);
		else
			form_certificate(&w, i == 3 ? RELOAD_KIND_CERT_USER :
			    RELOAD_KIND_CERT_NODE, i == 3 ? (const void *)USER : node,
			    i == 3 ? strlen(USER) : NODEID_LEN, i < 4);
		if (wbuf_ok(&w) == -1)
			errx(1, "form %u", i);
		goodlen[i] = w.w_len;
	}
}

/* The storage time; of a registration also the place and the VServiceID. */
static int
free_byte(unsigned form, size_t off)
{
	return ((off >= 21 && off < 29) || (form < 2 && ((off >= 1 && off < 17) ||
	    (off >= 64 && off < 80))));
}

static int
known(const uint8_t *in, size_t len)
{
	unsigned	i;
	size_t		off;

	for (i = 0; i < FORMS; i++) {
		if (len != goodlen[i])
			continue;
		for (off = 0; off < len && (in[off] == good[i][off] ||
		    free_byte(i, off)); off++)
			continue;
		if (off == len)
			return (1);
	}
	/* The removal by user name is not among the templates. */
	return (len == goodlen[4] && in[20] == RELOAD_KIND_CERT_USER &&
	    memcmp(in, good[3], 21) == 0 && memcmp(in + 29, good[4] + 29, len - 29) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t		 in[INPUT_MAX + 64];
	struct imsg_key_sign	 ks;
	struct cur		 c;
	uint8_t			 sig[KEY_SIGN_SIG_MAX], which = 0, type = 0, v;
	uint16_t		 off;
	size_t			 len, siglen = sizeof(sig), i;
	int			 r;

	if (der == NULL)
		setup();
	cur_init(&c, data, size);
	(void)cur_u8(&c, &which);
	(void)cur_u8(&c, &type);
	if (cur_ok(&c) == -1)
		return (0);
	memset(in, 0, sizeof(in));
	which %= FORMS + 2;
	if (which == 0) {
		len = cur_left(&c) < INPUT_MAX ? cur_left(&c) : INPUT_MAX;
		(void)cur_bytes(&c, in, len);
	} else {
		len = goodlen[which - 1];
		memcpy(in, good[which - 1], len);
	}
	while (which != 0 && cur_left(&c) >= 3) {
		(void)cur_u16(&c, &off);
		(void)cur_u8(&c, &v);
		if (off == 0xffff)	/* longer or shorter */
			len = len + v < INPUT_MAX + 128 && len + v >= 128 ?
			    len + v - 128 : len;
		else
			in[off % INPUT_MAX] = v;
	}
	memset(&ks, 0, sizeof(ks));
	ks.ks_keyid = KEYID_NODE;
	ks.ks_type = type % 5;
	ks.ks_scheme = 0x0403;
	r = key_sign_request(ROLE_OVERLAY, &ks, in, len, sig, &siglen);
	if (r == 0 && ks.ks_type == KS_RELOAD_DATA) {
		if (!known(in, len))
			abort();
		for (i = 64; i < 80 && in[20] == (RELOAD_KIND_VIPR & 0xff); i++) {
			if (strchr("0123456789abcdef", in[i]) == NULL || in[i] == '\0')
				abort();
		}
	}
	if (r == 0 && ks.ks_type == KS_RELOAD_MSG && memcmp(in, good[FORMS], 4) != 0)
		abort();
	/* As it stands, each form is signed: the target is worth something. */
	if (which >= 1 && which <= FORMS && size == 2 && ks.ks_type == KS_RELOAD_DATA && r != 0)
		abort();
	return (0);
}
