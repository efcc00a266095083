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
 * CPU a message: a registration as a Store request, with one certificate, as
 * a peer of the overlay writes, reads, signs and verifies it.
 */

#include <sys/types.h>

#include <err.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reload_cert.h"
#include "wire.h"

#define FAST	200000
#define SLOW	4000
#define KEYTEXT	"4f9c1d20a7b36e5588d1c0be72f4a913+7b1f00c2d4e58a36"

static double	cpu_ns(void);
static int	model(uint32_t, void *);
static size_t	encode(uint8_t *, size_t, const uint8_t *, const uint8_t *,
		    size_t);
static void	decode(const uint8_t *, size_t);

static double
cpu_ns(void)
{
	struct timespec	ts;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == -1)
		err(1, "clock_gettime");
	return ((double)ts.tv_sec * 1e9 + (double)ts.tv_nsec);
}

static int
model(uint32_t kind, void *arg)
{
	(void)arg;
	return (kind == RELOAD_KIND_VIPR ? RELOAD_DICTIONARY : 0);
}

static size_t
encode(uint8_t *buf, size_t size, const uint8_t *cert, const uint8_t *sig,
    size_t siglen)
{
	struct wire_header	h;
	struct wire_value	v;
	struct wbuf		w, lw, bw;
	uint8_t			list[32], value[20], id[NODEID_LEN];
	uint8_t			sha[32], bucket[1024];
	size_t			contents, kinds, values, data;

	memset(id, 7, sizeof(id));
	memset(sha, 9, sizeof(sha));
	memset(value, 1, sizeof(value));
	memset(&v, 0, sizeof(v));
	v.wv_key.p = KEYTEXT;
	v.wv_key.len = sizeof(KEYTEXT) - 1;
	v.wv_exists = 1;
	v.wv_data.p = (const char *)value;
	v.wv_data.len = sizeof(value);
	wbuf_init(&lw, list, sizeof(list));
	wire_dest_resource(&lw, id, sizeof(id));
	wire_header_init(&h, 0x3ff83023, 1, 100, 42);
	cur_init(&h.wh_dest, list, lw.w_len);
	wbuf_init(&w, buf, size);
	wire_header_write(&w, &h);
	contents = wire_contents_open(&w, WIRE_STORE);
	wbuf_lv(&w, 1, id, sizeof(id));
	wbuf_u8(&w, 0);
	kinds = wbuf_open(&w, 4);
	wbuf_u32(&w, RELOAD_KIND_VIPR);
	wbuf_u64(&w, 0);
	values = wbuf_open(&w, 4);
	data = wbuf_open(&w, 4);
	wbuf_u64(&w, UINT64_C(1700000000000));
	wbuf_u32(&w, 86400);
	wire_value_write(&w, RELOAD_DICTIONARY, &v);
	reload_signature_write(&w, RELOAD_SIG_ECDSA, sha, sig, siglen);
	wbuf_close(&w, 4, data);
	wbuf_close(&w, 4, values);
	wbuf_close(&w, 4, kinds);
	wire_contents_close(&w, contents, NULL);
	wbuf_init(&bw, bucket, sizeof(bucket));
	reload_bucket_add(&bw, cert, 500);
	reload_secblock_write(&w, bucket, bw.w_len, RELOAD_SIG_ECDSA, sha, sig,
	    siglen);
	wire_length_set(buf, w.w_len);
	if (wbuf_ok(&w) == -1)
		errx(1, "message too long");
	return (w.w_len);
}

static void
decode(const uint8_t *buf, size_t len)
{
	struct wire_msg		m;
	struct wire_store	s;
	struct wire_kinddata	k;
	struct wire_stored	d;
	struct wire_error	e;
	struct cur		c;

	if (wire_msg_parse(buf, len, &m, &e) == -1 ||
	    wire_store_parse(&m.wm_contents.wc_body, model, NULL, &s, &e) == -1)
		errx(1, "decode: %s", wire_strerror(e.we_reason));
	c = s.wt_kinds;
	if (wire_kinddata_next(&c, model, NULL, &k) != 1)
		errx(1, "decode");
	c = k.wk_values;
	if (wire_stored_next(&c, k.wk_model, &d) != 1)
		errx(1, "decode");
}

int
main(void)
{
	struct reload_signature	s;
	struct span		part;
	EVP_PKEY		*key;
	uint8_t			buf[2048], cert[500], sig[RELOAD_SIG_MAX];
	double			t0, ns[4];
	size_t			len = 0, siglen;
	unsigned		i;

	memset(cert, 3, sizeof(cert));
	memset(sig, 5, sizeof(sig));
	t0 = cpu_ns();
	for (i = 0; i < FAST; i++)
		len = encode(buf, sizeof(buf), cert, sig, 72);
	ns[0] = (cpu_ns() - t0) / FAST;
	t0 = cpu_ns();
	for (i = 0; i < FAST; i++)
		decode(buf, len);
	ns[1] = (cpu_ns() - t0) / FAST;
	if ((key = EVP_EC_gen("prime256v1")) == NULL)
		errx(1, "no key");
	part.p = (const char *)buf;
	part.len = len;
	siglen = sizeof(sig);
	t0 = cpu_ns();
	for (i = 0; i < SLOW; i++) {
		siglen = sizeof(sig);
		if (reload_sign_parts(key, &part, 1, sig, &siglen) == -1)
			errx(1, "sign");
	}
	ns[2] = (cpu_ns() - t0) / SLOW;
	memset(&s, 0, sizeof(s));
	s.rs_hash = RELOAD_HASH_SHA256;
	s.rs_alg = RELOAD_SIG_ECDSA;
	s.rs_value.p = (const char *)sig;
	s.rs_value.len = siglen;
	t0 = cpu_ns();
	for (i = 0; i < SLOW; i++) {
		if (reload_verify_parts(key, &s, &part, 1) == -1)
			errx(1, "verify");
	}
	ns[3] = (cpu_ns() - t0) / SLOW;
	(void)printf("reload: encode_ns=%.0f decode_ns=%.0f sign_us=%.1f "
	    "verify_us=%.1f bytes=%zu\n", ns[0], ns[1], ns[2] / 1000,
	    ns[3] / 1000, len);
	EVP_PKEY_free(key);
	return (0);
}
