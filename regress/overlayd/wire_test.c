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

/* The RELOAD codec against the worked examples of examples.h. */

#include <sys/types.h>

#include <atf-c.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples.h"
#include "reload_cert.h"

static size_t	 unhex(const char *, uint8_t *, size_t);
static int	 model(uint32_t, void *);
static void	 span_of(struct span *, const void *, size_t);
static void	 digest_is(const void *, size_t, const char *);

static size_t
unhex(const char *hex, uint8_t *buf, size_t size)
{
	size_t	n = 0;

	ATF_REQUIRE_MSG(sodium_hex2bin(buf, size, hex, strlen(hex), " ", &n,
	    NULL) == 0 && strlen(hex) % 2 == 0, "%s", hex);
	return (n);
}

static int
model(uint32_t kind, void *arg)
{
	(void)arg;
	return (kind == KIND ? RELOAD_DICTIONARY :
	    reload_doc_model(kind, NULL));
}

static void
span_of(struct span *s, const void *p, size_t len)
{
	s->p = p;
	s->len = len;
}

static void
digest_is(const void *p, size_t len, const char *hex)
{
	uint8_t		md[EVP_MAX_MD_SIZE];
	char		text[65];
	unsigned	n;

	ATF_REQUIRE(EVP_Digest(p, len, md, &n, EVP_sha256(), NULL) == 1);
	(void)sodium_bin2hex(text, sizeof(text), md, 32);
	ATF_CHECK_STREQ(hex, text);
}

/* A whole message, built and signed here, equals the example. */
ATF_TC_WITHOUT_HEAD(ping_message);
ATF_TC_BODY(ping_message, tc)
{
	struct wire_header	h;
	struct wire_msg		m;
	struct wire_error	e;
	struct wire_dest	d;
	struct wbuf		w, lw, bw;
	struct cur		c;
	struct span		parts[2];
	EVP_PKEY		*key = toy_key();
	uint32_t		hash;
	uint8_t			want[256], buf[256], list[64], id[16], sha[32];
	uint8_t			bucket[32], input[128], sig[64];
	size_t			n, start, mark, siglen = sizeof(sig);
	unsigned		mdlen;

	n = unhex(PING, want, sizeof(want));
	ATF_REQUIRE_EQ(190, n);
	ATF_REQUIRE_EQ(0, reload_overlay_hash("overlay.test", &hash));
	ATF_CHECK_EQ(0x3ff83023, hash);
	ATF_REQUIRE_EQ(0, reload_resource_id("alice@overlay.test", 18, id));
	wbuf_init(&lw, list, sizeof(list));
	wire_dest_resource(&lw, id, sizeof(id));
	wire_header_init(&h, hash, 1, 100, UINT64_C(0x0102030405060708));
	cur_init(&h.wh_dest, list, lw.w_len);
	wbuf_init(&w, buf, sizeof(buf));
	wire_header_write(&w, &h);
	start = w.w_len;
	mark = wire_contents_open(&w, WIRE_PING);
	wire_ping_write(&w, NULL, 0);
	wire_contents_close(&w, mark, NULL);
	wbuf_init(&bw, input, sizeof(input));
	wire_msg_input(&bw, hash, h.wh_tid, buf + start, w.w_len - start);
	ATF_REQUIRE(EVP_Digest(CERT, 11, sha, &mdlen, EVP_sha256(), NULL) == 1);
	reload_identity_write(&bw, sha);
	ATF_CHECK_EQ(61, bw.w_len);
	digest_is(input, bw.w_len,
	    "cbc3c5c03dea63fc2c877dc5112fd280682ca9860c5a0cdbf643fec1376d0726");
	span_of(&parts[0], input, bw.w_len);
	ATF_REQUIRE_EQ(0, reload_sign_parts(key, parts, 1, sig, &siglen));
	wbuf_init(&bw, bucket, sizeof(bucket));
	reload_bucket_add(&bw, CERT, 11);
	reload_secblock_write(&w, bucket, bw.w_len, RELOAD_SIG_RSA, sha, sig,
	    siglen);
	wire_length_set(buf, w.w_len);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	ATF_REQUIRE_EQ(n, w.w_len);
	ATF_CHECK(memcmp(want, buf, n) == 0);

	ATF_REQUIRE_EQ(0, wire_msg_parse(want, n, &m, &e));
	ATF_CHECK_EQ(57, m.wm_header.wh_size);
	ATF_CHECK_EQ(100, m.wm_header.wh_ttl);
	ATF_CHECK_EQ(1, m.wm_header.wh_config_seq);
	ATF_CHECK_EQ(190, m.wm_header.wh_length);
	ATF_CHECK_EQ(WIRE_PING, m.wm_contents.wc_code);
	ATF_CHECK_EQ(12, m.wm_contents.wc_raw.len);
	c = m.wm_header.wh_dest;
	ATF_REQUIRE_EQ(1, wire_dest_next(&c, &d));
	ATF_CHECK(d.wd_type == WIRE_DEST_RESOURCE && d.wd_id.len == 16 &&
	    memcmp(d.wd_id.p, id, 16) == 0);
	ATF_CHECK_EQ(0, wire_dest_next(&c, &d));
	ATF_CHECK(reload_identity_match(&m.wm_sec.rb_sig.rs_id, CERT, 11,
	    NULL));
	ATF_CHECK(!reload_identity_match(&m.wm_sec.rb_sig.rs_id, CERT, 10,
	    NULL));
	parts[0].len -= RELOAD_IDENTITY_LEN;
	parts[1] = m.wm_sec.rb_sig.rs_id.ri_raw;
	ATF_CHECK_EQ(0, reload_verify_parts(key, &m.wm_sec.rb_sig, parts, 2));
	ATF_CHECK_EQ(-1, reload_verify_parts(key, &m.wm_sec.rb_sig, parts, 1));
	m.wm_sec.rb_sig.rs_alg = RELOAD_SIG_ECDSA;
	ATF_CHECK_EQ(-1, reload_verify_parts(key, &m.wm_sec.rb_sig, parts, 2));
	m.wm_sec.rb_sig.rs_alg = RELOAD_SIG_RSA;
	m.wm_sec.rb_sig.rs_hash = RELOAD_HASH_SHA1;
	ATF_CHECK_EQ(-1, reload_verify_parts(key, &m.wm_sec.rb_sig, parts, 2));
	EVP_PKEY_free(key);
}

ATF_TC_WITHOUT_HEAD(message_prefixes);
ATF_TC_BODY(message_prefixes, tc)
{
	struct wire_msg		m;
	struct wire_header	h;
	struct wire_error	e;
	uint8_t			buf[256], *heap;
	size_t			n, len = unhex(PING, buf, sizeof(buf));

	for (n = 0; n < len; n++) {
		ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
		memcpy(heap, buf, n);
		ATF_CHECK_EQ_MSG(-1, wire_msg_parse(heap, n, &m, &e),
		    "%zu bytes accepted", n);
		/* With the length mended it must still be seen. */
		if (n >= 20) {
			wire_length_set(heap, n);
			ATF_CHECK_EQ_MSG(-1, wire_msg_parse(heap, n, &m, &e),
			    "%zu bytes accepted", n);
			if (n < 57)
				ATF_CHECK_EQ(-1, wire_header_parse(heap, n, &h,
				    &e));
		}
		free(heap);
	}
}

/* Each header field that has rules, broken. */
ATF_TC_WITHOUT_HEAD(header_reasons);
ATF_TC_BODY(header_reasons, tc)
{
	static const struct {
		size_t	 off;
		uint8_t	 value;
		int	 reason;
	} t[] = {
		{ 0, 0xd3, WIRE_TOKEN_BAD }, { 10, 0x01, WIRE_VERSION_BAD },
		{ 12, 0x40, WIRE_FRAGMENT_BAD }, { 12, 0x80, WIRE_FRAGMENT_BAD },
		{ 15, 0x01, WIRE_FRAGMENT_BAD }, { 19, 0xbd, WIRE_LENGTH_BAD },
		{ 19, 0xbf, WIRE_LENGTH_BAD }, { 32, 0xff, WIRE_TOO_MANY },
		{ 33, 0x13, WIRE_DEST_BAD }, { 35, 0x00, WIRE_NO_DEST },
		{ 35, 0x12, WIRE_DEST_BAD }, { 35, 0x14, WIRE_DEST_BAD },
		{ 37, 0x01, WIRE_LENGTH_BAD }, { 38, 0x00, WIRE_DEST_BAD },
		{ 38, 0x01, WIRE_DEST_BAD }, { 39, 0x12, WIRE_DEST_BAD },
		{ 40, 0x11, WIRE_DEST_BAD }, { 40, 0x0f, WIRE_DEST_BAD },
		{ 58, 0x00, WIRE_TYPE_BAD }, { 59, 0xff, WIRE_SHORT },
		{ 69 + 1, 0x0d, WIRE_SECBLOCK_BAD }, { 87, 0x00, WIRE_SECBLOCK_BAD },
		{ 87, 0x04, WIRE_SECBLOCK_BAD }, { 125, 0x3f, WIRE_TRAILING }
	};
	struct wire_msg		m;
	struct wire_error	e;
	uint8_t			buf[256];
	size_t			i, len;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		len = unhex(PING, buf, sizeof(buf));
		if (t[i].off == 58)
			buf[57] = 0;
		buf[t[i].off] = t[i].value;
		ATF_CHECK_EQ_MSG(-1, wire_msg_parse(buf, len, &m, &e),
		    "case %zu", i);
		ATF_CHECK_EQ_MSG(t[i].reason, e.we_reason, "case %zu: %s", i,
		    wire_strerror(e.we_reason));
		ATF_CHECK(e.we_off <= len);
	}
}

ATF_TC_WITHOUT_HEAD(header_via);
ATF_TC_BODY(header_via, tc)
{
	struct wire_header	h, a;
	struct wire_error	e;
	struct wire_dest	d;
	struct wbuf		w, lw;
	struct cur		c, via;
	uint8_t			buf[128], out[128], list[64], node[16], want[128];
	size_t			n;

	n = unhex(VIA_HEADER, buf, sizeof(buf));
	ATF_REQUIRE_EQ(113, n);
	ATF_REQUIRE_EQ(0, wire_header_parse(buf, n, &h, &e));
	ATF_CHECK_EQ(98, h.wh_ttl);
	ATF_CHECK_EQ(500, h.wh_length);
	ATF_CHECK_EQ(2, wire_dest_count(&h.wh_via));
	ATF_CHECK_EQ(3, wire_dest_count(&h.wh_dest));
	c = h.wh_dest;
	ATF_REQUIRE_EQ(1, wire_dest_next(&c, &d));
	ATF_CHECK(d.wd_type == WIRE_DEST_OPAQUE && d.wd_compact &&
	    memcmp(d.wd_id.p, "\x83\x45", 2) == 0);
	ATF_REQUIRE_EQ(1, wire_dest_next(&c, &d));
	(void)unhex(C, node, sizeof(node));
	ATF_CHECK(wire_dest_is_node(&d, node));
	wbuf_init(&w, out, sizeof(out));
	wire_header_write(&w, &h);
	ATF_CHECK(w.w_len == n && memcmp(buf, out, n) == 0);

	/* Consumed from C: the answer's destinations are C, B, A. */
	wbuf_init(&w, list, sizeof(list));
	wbuf_bytes(&w, h.wh_via.c_p, cur_left(&h.wh_via));
	wire_dest_node(&w, node);
	cur_init(&via, list, w.w_len);
	wire_header_init(&a, h.wh_overlay, 1, 100, h.wh_tid);
	a.wh_length = 400;
	wbuf_init(&lw, buf, sizeof(buf));
	wire_dest_reverse(&lw, &via);
	cur_init(&a.wh_dest, buf, lw.w_len);
	wbuf_init(&w, out, sizeof(out));
	wire_header_write(&w, &a);
	n = unhex(ANSWER_HEADER, want, sizeof(want));
	ATF_CHECK(n == 92 && w.w_len == n && memcmp(want, out, n) == 0);
}

ATF_TC_WITHOUT_HEAD(destination_lists);
ATF_TC_BODY(destination_lists, tc)
{
	static const struct {
		const char	*via, *dest;
		int		 reason;
	} t[] = {
		{ "", "0110" A, WIRE_OK },
		{ "0304030102038001", "03040301020383450110" A, WIRE_OK },
		{ "", "0402aabb" "0110" A, WIRE_OK },	/* unknown type */
		{ "021110" ALICE, "0110" A, WIRE_DEST_BAD },
		{ "", "021110" ALICE "0110" A, WIRE_DEST_BAD },
		{ "", "0110" A "0110" A, WIRE_OK },	/* an answer's may be */
		{ "", "83458345", WIRE_OK },
		{ "", "83", WIRE_DEST_BAD },
		{ "", "030303010203", WIRE_DEST_BAD },
		{ "", "", WIRE_NO_DEST }
	};
	struct wire_header	h, back;
	struct wire_error	e;
	struct wbuf		w;
	uint8_t			via[64], dest[64], out[256];
	size_t			i, n;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		wire_header_init(&h, 1, 1, 100, 7);
		n = unhex(t[i].via, via, sizeof(via));
		cur_init(&h.wh_via, via, n);
		n = unhex(t[i].dest, dest, sizeof(dest));
		cur_init(&h.wh_dest, dest, n);
		h.wh_length = 500;
		wbuf_init(&w, out, sizeof(out));
		wire_header_write(&w, &h);
		e.we_reason = WIRE_OK;
		ATF_CHECK_EQ_MSG(t[i].reason == WIRE_OK ? 0 : -1,
		    wire_header_parse(out, w.w_len, &back, &e), "case %zu", i);
		ATF_CHECK_EQ_MSG(t[i].reason, e.we_reason, "case %zu: %s", i,
		    wire_strerror(e.we_reason));
		if (t[i].reason == WIRE_OK)
			ATF_CHECK_EQ_MSG(i == 5 || i == 6, back.wh_duplicate,
			    "case %zu", i);
	}
}

/* More entries than anybody needs are refused, not counted for minutes. */
ATF_TC_WITHOUT_HEAD(destination_flood);
ATF_TC_BODY(destination_flood, tc)
{
	struct wire_header	h;
	struct wire_error	e;
	struct wbuf		w;
	uint8_t			buf[1024];
	unsigned		i, n;

	for (n = WIRE_ENTRIES_MAX; n <= WIRE_ENTRIES_MAX + 1; n++) {
		wire_header_init(&h, 1, 1, 100, 7);
		h.wh_length = 1000;
		wbuf_init(&w, buf, sizeof(buf));
		wire_header_write(&w, &h);
		for (i = 0; i < n; i++)
			wbuf_u16(&w, (uint16_t)(0x8000 | i));
		buf[34] = (uint8_t)(2 * n >> 8);
		buf[35] = (uint8_t)(2 * n);
		ATF_CHECK_EQ(n == WIRE_ENTRIES_MAX ? 0 : -1,
		    wire_header_parse(buf, w.w_len, &h, &e));
	}
	ATF_CHECK_EQ(WIRE_TOO_MANY, e.we_reason);
}

/* Pieces are what transit nodes see; only a whole message is parsed. */
ATF_TC_WITHOUT_HEAD(fragments);
ATF_TC_BODY(fragments, tc)
{
	static const uint32_t	field[] = { 0x80000000, 0x8000012c, 0xc0000258 };
	struct wire_header	h, back;
	struct wire_error	e;
	struct wire_msg		m;
	struct wbuf		w;
	uint8_t			buf[512], out[512];
	size_t			i, len;

	len = unhex(PING, buf, sizeof(buf));
	ATF_REQUIRE_EQ(0, wire_header_parse(buf, len, &h, &e));
	for (i = 0; i < 3; i++) {
		h.wh_fragment = field[i];
		wbuf_init(&w, out, sizeof(out));
		wire_header_write(&w, &h);
		wbuf_zero(&w, 300);
		wire_length_set(out, w.w_len);
		ATF_REQUIRE_EQ(0, wire_fragment_parse(out, w.w_len, &back,
		    &e));
		ATF_CHECK_EQ(357, back.wh_length);
		ATF_CHECK_EQ(i * 300, back.wh_fragment & WIRE_FRAG_OFFSET);
		ATF_CHECK_EQ(i == 2, (back.wh_fragment & WIRE_FRAG_LAST) != 0);
		ATF_CHECK_EQ(-1, wire_msg_parse(out, w.w_len, &m, &e));
		ATF_CHECK_EQ(WIRE_FRAGMENT_BAD, e.we_reason);
		ATF_CHECK_EQ(h.wh_tid, m.wm_header.wh_tid);
		ATF_CHECK_EQ(-1, wire_fragment_parse(out, w.w_len - 1, &back,
		    &e));
	}
	/* Reserved bits are not looked at. */
	buf[12] = 0xff;
	ATF_CHECK_EQ(0, wire_msg_parse(buf, len, &m, &e));
}

ATF_TC_WITHOUT_HEAD(bodies_round_trip);
ATF_TC_BODY(bodies_round_trip, tc)
{
	struct wire_error	e;
	struct wbuf		w;
	struct cur		c;
	uint8_t			buf[512], out[512], *heap;
	size_t			i, n, len;

	for (i = 0; i < NBODIES; i++) {
		len = unhex(bodies[i].hex, buf, sizeof(buf));
		cur_init(&c, buf, len);
		ATF_CHECK_EQ_MSG(0, wire_body_check(bodies[i].code, &c, model,
		    NULL, &e), "%s: %s at %zu", bodies[i].name,
		    wire_strerror(e.we_reason), e.we_off);
		wbuf_init(&w, out, sizeof(out));
		ATF_CHECK_EQ_MSG(0, wire_body_copy(bodies[i].code, &c, model,
		    NULL, &w), "%s", bodies[i].name);
		ATF_CHECK_MSG(w.w_len == len && memcmp(buf, out, len) == 0,
		    "%s: written otherwise", bodies[i].name);
		for (n = 0; n < len; n++) {
			ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
			memcpy(heap, buf, n);
			cur_init(&c, heap, n);
			ATF_CHECK_EQ_MSG(-1, wire_body_check(bodies[i].code,
			    &c, model, NULL, &e), "%s: %zu bytes accepted",
			    bodies[i].name, n);
			free(heap);
		}
		cur_init(&c, buf, len + 1);
		ATF_CHECK_EQ_MSG(-1, wire_body_check(bodies[i].code, &c, model,
		    NULL, &e), "%s: a byte too many accepted", bodies[i].name);
		ATF_CHECK_EQ(WIRE_TRAILING, e.we_reason);
	}
}

/* Each byte changed to each edge: nothing may be read outside (ASan says so),
 * and what is accepted is written again as it was. */
ATF_TC_WITHOUT_HEAD(bodies_mutated);
ATF_TC_BODY(bodies_mutated, tc)
{
	static const uint8_t	edge[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct wbuf		w;
	struct cur		c;
	uint8_t			buf[512], out[1024], *heap, old;
	size_t			i, j, k, len;

	for (i = 0; i < NBODIES; i++) {
		len = unhex(bodies[i].hex, buf, sizeof(buf));
		ATF_REQUIRE((heap = malloc(len)) != NULL);
		memcpy(heap, buf, len);
		for (j = 0; j < len; j++) {
			old = heap[j];
			for (k = 0; k < sizeof(edge) + 2; k++) {
				heap[j] = k < sizeof(edge) ? edge[k] :
				    (uint8_t)(k & 1 ? old + 1 : old - 1);
				cur_init(&c, heap, len);
				wbuf_init(&w, out, sizeof(out));
				if (wire_body_copy(bodies[i].code, &c, model,
				    NULL, &w) == 0)
					ATF_CHECK_MSG(w.w_len == len &&
					    memcmp(heap, out, len) == 0,
					    "%s: byte %zu = %02x",
					    bodies[i].name, j, heap[j]);
			}
			heap[j] = old;
		}
		free(heap);
	}
}

ATF_TC_WITHOUT_HEAD(stored_signature);
ATF_TC_BODY(stored_signature, tc)
{
	struct wire_store	s;
	struct wire_kinddata	k;
	struct wire_stored	d;
	struct wire_value	v;
	struct wire_error	e;
	struct wbuf		w;
	struct cur		c, body;
	struct span		parts[2];
	EVP_PKEY		*key = toy_key();
	uint8_t			buf[256], input[128], want[64];
	size_t			n, m;

	n = unhex(STORE, buf, sizeof(buf));
	ATF_REQUIRE_EQ(187, n);
	cur_init(&body, buf, n);
	ATF_REQUIRE_EQ(0, wire_store_parse(&body, model, NULL, &s, &e));
	ATF_CHECK_EQ(0, s.wt_unknown);
	c = s.wt_kinds;
	ATF_REQUIRE_EQ(1, wire_kinddata_next(&c, model, NULL, &k));
	ATF_CHECK_EQ(KIND, k.wk_kind);
	c = k.wk_values;
	ATF_REQUIRE_EQ(1, wire_stored_next(&c, RELOAD_DICTIONARY, &d));
	ATF_CHECK_EQ(TIME, d.ws_time);
	ATF_CHECK_EQ(3600, d.ws_lifetime);
	ATF_CHECK_EQ(0x95, d.ws_raw.len);
	ATF_CHECK(d.ws_value.wv_exists == 1 && d.ws_value.wv_data.len == 5);
	wbuf_init(&w, input, sizeof(input));
	wire_data_input(&w, s.wt_resource.p, s.wt_resource.len, KIND,
	    RELOAD_DICTIONARY, d.ws_time, &d.ws_value);
	span_of(&parts[0], input, w.w_len);
	parts[1] = d.ws_sig.rs_id.ri_raw;
	ATF_CHECK_EQ(0, reload_verify_parts(key, &d.ws_sig, parts, 2));
	wbuf_span(&w, d.ws_sig.rs_id.ri_raw);
	ATF_CHECK_EQ(94, w.w_len);
	digest_is(input, w.w_len,
	    "c8c2b7b01e0fb227a5e268d3288ce99ddf53692b7750dac8f5d99a88557cea95");
	/* The bare Resource-ID, as others sign it, is something else. */
	digest_is(input + 1, w.w_len - 1,
	    "af29c24ce8f87dc52bb26bd80cd97a959f4712ebd492c414942d96d5a2b0a471");

	memset(&v, 0, sizeof(v));
	v.wv_index = WIRE_APPEND;
	v.wv_exists = 1;
	span_of(&v.wv_data, "X", 1);
	wbuf_init(&w, input, sizeof(input));
	wire_value_write(&w, RELOAD_ARRAY, &v);
	m = unhex("ffffffff010000000158", want, sizeof(want));
	ATF_CHECK(w.w_len == m && memcmp(want, input, m) == 0);
	wire_data_input(&w, "r", 1, KIND, RELOAD_ARRAY, TIME, &v);
	(void)unhex("00000000010000000158", want, sizeof(want));
	ATF_CHECK(memcmp(want, input + w.w_len - m, m) == 0);
	EVP_PKEY_free(key);
}

/* The registration Kind, section by section of its layout. */
ATF_TC_WITHOUT_HEAD(registration);
ATF_TC_BODY(registration, tc)
{
	static const char	name[] = "+12125550147";
	static const char	key[] =
	    "4f9c1d20a7b36e5588d1c0be72f4a913+7b1f00c2d4e58a36";
	struct wire_value	v;
	struct wbuf		w;
	uint8_t			id[16], want[16], data[32], input[256], sha[32];
	char			copy[32];
	unsigned		n;

	ATF_REQUIRE_EQ(0, reload_resource_id(name, strlen(name), id));
	(void)unhex("33cefb965aeee14078351370ea17262a", want, sizeof(want));
	ATF_CHECK(memcmp(id, want, 16) == 0);
	(void)snprintf(copy, sizeof(copy), "COPY1%s", name);
	ATF_REQUIRE_EQ(0, reload_resource_id(copy, strlen(copy), want));
	ATF_CHECK(memcmp(want, "\xea\x53\x8a\x3c", 4) == 0);
	memset(&v, 0, sizeof(v));
	span_of(&v.wv_key, key, strlen(key));
	v.wv_exists = 1;
	span_of(&v.wv_data, data, unhex(
	    "200800104f9c1d20a7b36e5588d1c0be72f4a913", data, sizeof(data)));
	wbuf_init(&w, input, sizeof(input));
	wire_data_input(&w, id, sizeof(id), RELOAD_KIND_VIPR,
	    RELOAD_DICTIONARY, TIME, &v);
	ATF_REQUIRE(EVP_Digest(CERT, 11, sha, &n, EVP_sha256(), NULL) == 1);
	reload_identity_write(&w, sha);
	ATF_CHECK_EQ(142, w.w_len);
	digest_is(input, w.w_len,
	    "310d949a1db30bfde36ee257f198fcafba002e11ff2ec39fa668137ebfdce846");
}

ATF_TC_WITHOUT_HEAD(unknown_kinds);
ATF_TC_BODY(unknown_kinds, tc)
{
	static const uint32_t	list[] = { 0xf0000001, 0xf0000002 };
	struct wire_store	s;
	struct wire_fetch	f;
	struct wire_kinddata	k;
	struct wire_error	e;
	struct wbuf		w;
	struct cur		c, kinds;
	struct span		info;
	uint32_t		id;
	uint8_t			buf[256];
	size_t			n;

	n = unhex("10" ALICE "00" "00000014" "f00000ff0000000000000000"
	    "00000004deadbeef", buf, sizeof(buf));
	cur_init(&c, buf, n);
	ATF_REQUIRE_EQ(0, wire_store_parse(&c, model, NULL, &s, &e));
	ATF_CHECK_EQ(1, s.wt_unknown);
	c = s.wt_kinds;
	ATF_REQUIRE_EQ(1, wire_kinddata_next(&c, model, NULL, &k));
	ATF_CHECK(k.wk_model == 0 && k.wk_kind == 0xf00000ff);
	/* The same Kind twice. */
	n = unhex("10" ALICE "001c" "f00000ff00000000000000000000"
	    "f00000ff00000000000000000000", buf, sizeof(buf));
	cur_init(&c, buf, n);
	ATF_CHECK_EQ(-1, wire_fetch_parse(&c, model, NULL, &f, &e));
	ATF_CHECK_EQ(WIRE_DUPLICATE, e.we_reason);
	n = unhex("10" ALICE "080000000200000002", buf, sizeof(buf));
	cur_init(&c, buf, n);
	ATF_CHECK_EQ(-1, wire_body_check(WIRE_FIND, &c, model, NULL, &e));
	ATF_CHECK_EQ(WIRE_DUPLICATE, e.we_reason);

	wbuf_init(&w, buf, sizeof(buf));
	wire_kindlist_write(&w, list, 2);
	span_of(&info, buf, w.w_len);
	ATF_REQUIRE_EQ(0, wire_kindlist_parse(info, &kinds));
	ATF_CHECK(wire_kindid_next(&kinds, &id) == 1 && id == list[0]);
	ATF_CHECK(wire_kindid_next(&kinds, &id) == 1 && id == list[1]);
	ATF_CHECK_EQ(0, wire_kindid_next(&kinds, &id));
	info.len--;
	ATF_CHECK_EQ(-1, wire_kindlist_parse(info, &kinds));
}

ATF_TC_WITHOUT_HEAD(array_ranges);
ATF_TC_BODY(array_ranges, tc)
{
	static const struct {
		const char	*ranges;
		int		 reason;
	} t[] = {
		{ "000000000000000" "0", WIRE_OK },
		{ "0000000000000001" "0000000200000003", WIRE_OK },
		{ "00000002ffffffff" "0000000000000001", WIRE_OK },
		{ "0000000100000000", WIRE_VALUE_BAD },
		{ "0000000000000005" "0000000500000006", WIRE_DUPLICATE },
		{ "00000000ffffffff" "0000000500000006", WIRE_DUPLICATE },
		{ "00000000000000", WIRE_LENGTH_BAD },
		{ "", WIRE_OK }
	};
	struct wire_fetch	f;
	struct wire_error	e;
	struct wbuf		w;
	struct cur		c;
	uint8_t			buf[256], ranges[64];
	size_t			i, n;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		n = unhex(t[i].ranges, ranges, sizeof(ranges));
		wbuf_init(&w, buf, sizeof(buf));
		wbuf_lv_str(&w, 1, "0123456789abcdef");
		wbuf_u16(&w, (uint16_t)(16 + n));
		wbuf_u32(&w, RELOAD_KIND_CERT_USER);
		wbuf_u64(&w, 0);
		wbuf_u16(&w, (uint16_t)(2 + n));
		wbuf_lv(&w, 2, ranges, n);
		cur_init(&c, buf, w.w_len);
		e.we_reason = WIRE_OK;
		ATF_CHECK_EQ_MSG(t[i].reason == WIRE_OK ? 0 : -1,
		    wire_fetch_parse(&c, model, NULL, &f, &e), "case %zu", i);
		ATF_CHECK_EQ_MSG(t[i].reason, e.we_reason, "case %zu: %s", i,
		    wire_strerror(e.we_reason));
	}
}

ATF_TC_WITHOUT_HEAD(identities);
ATF_TC_BODY(identities, tc)
{
	struct reload_signature	s;
	struct cur		c;
	struct wbuf		w;
	uint8_t			buf[64], node[16], out[64], none[8];
	size_t			n;

	(void)unhex(A, node, sizeof(node));
	n = unhex("0401" "02002204" "20"
	    "83602d29d0b042f940583c8582bc826f072cdcef7da5f26c81fbd3dd509ca006"
	    "0000", buf, sizeof(buf));
	cur_init(&c, buf, n);
	ATF_REQUIRE_EQ(0, reload_signature_parse(&c, &s));
	ATF_CHECK(reload_identity_match(&s.rs_id, CERT, 11, node));
	ATF_CHECK(!reload_identity_match(&s.rs_id, CERT, 11, NULL));
	node[0] ^= 1;
	ATF_CHECK(!reload_identity_match(&s.rs_id, CERT, 11, node));
	wbuf_init(&w, out, sizeof(out));
	reload_signature_put(&w, &s);
	ATF_CHECK(w.w_len == n && memcmp(buf, out, n) == 0);

	wbuf_init(&w, out, sizeof(out));
	reload_signature_none(&w);
	n = unhex("00000300000000", none, sizeof(none));
	ATF_CHECK(w.w_len == n && memcmp(none, out, n) == 0);
	cur_init(&c, out, w.w_len);
	ATF_REQUIRE_EQ(0, reload_signature_parse(&c, &s));
	ATF_CHECK(reload_signature_is_none(&s));
	ATF_CHECK(!reload_identity_match(&s.rs_id, CERT, 11, node));
	/* A value in an identity that has none; unknown types. */
	n = unhex("000003000100" "0000", buf, sizeof(buf));
	cur_init(&c, buf, n);
	ATF_CHECK_EQ(-1, reload_signature_parse(&c, &s));
	for (buf[2] = 0; buf[2] < 8; buf[2] = buf[2] == 0 ? 4 : buf[2] + 1) {
		cur_init(&c, buf, n);
		ATF_CHECK_EQ(-1, reload_signature_parse(&c, &s));
	}
}

/* Resource-IDs of Node-IDs; Node-IDs of a self-signed certificate's key. */
ATF_TC_WITHOUT_HEAD(derived_ids);
ATF_TC_BODY(derived_ids, tc)
{
	static const struct {
		enum reload_digest	 digest;
		uint32_t		 index;
		const char		*node;
	} t[] = {
		{ RELOAD_SELF_SHA1, 0, "cbcdfe50fc9c99a5cae4adb3f2541ca3" },
		{ RELOAD_SELF_SHA256, 0, "fb08d682442089e09b89e3d2ddb0d587" },
		{ RELOAD_SELF_SHA1, 1, "e14210e5e4f8aec35abf437618e47e16" },
		{ RELOAD_SELF_SHA1, 2, "617a137408691ebe912c1880a5b5281f" }
	};
	EVP_PKEY	*key = toy_key();
	uint8_t		 node[32], want[16], id[16];
	size_t		 i;

	(void)unhex(A "01", node, sizeof(node));
	(void)unhex("1ce1c58c3e813e9250abc20b5445245a", want, sizeof(want));
	ATF_REQUIRE_EQ(0, reload_resource_id(node, 16, id));
	ATF_CHECK(memcmp(want, id, 16) == 0);
	(void)unhex("05f6c59e44093212d14759b259887fc9", want, sizeof(want));
	ATF_REQUIRE_EQ(0, reload_resource_id(node, 17, id));
	ATF_CHECK(memcmp(want, id, 16) == 0);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		(void)unhex(t[i].node, want, sizeof(want));
		ATF_REQUIRE_EQ(0, reload_self_node(key, t[i].digest,
		    t[i].index, id));
		ATF_CHECK_MSG(memcmp(want, id, 16) == 0, "case %zu", i);
	}
	ATF_CHECK_EQ(-1, reload_self_node(key, RELOAD_SELF_NO, 0, id));
	EVP_PKEY_free(key);
}

ATF_TC_WITHOUT_HEAD(turn_server);
ATF_TC_BODY(turn_server, tc)
{
	struct wire_turn	t;
	struct wire_error	e;
	struct wbuf		w;
	struct cur		c;
	uint8_t			buf[16], out[16];
	char			text[VADDR_STRLEN];
	size_t			n = unhex("010106c00002010d96", buf, sizeof(buf));

	cur_init(&c, buf, n);
	ATF_REQUIRE_EQ(0, wire_turn_parse(&c, &t, &e));
	ATF_CHECK_STREQ("192.0.2.1:3478", vaddr_str(&t.wt_addr, text,
	    sizeof(text)));
	wbuf_init(&w, out, sizeof(out));
	wire_turn_write(&w, &t);
	ATF_CHECK(w.w_len == n && memcmp(buf, out, n) == 0);
}

ATF_TC_WITHOUT_HEAD(names);
ATF_TC_BODY(names, tc)
{
	ATF_CHECK_STREQ("Ping", wire_code_str(WIRE_PING));
	ATF_CHECK_STREQ("ConfigUpdateAns", wire_code_str(0x22));
	ATF_CHECK_STREQ("Error", wire_code_str(0xffff));
	ATF_CHECK(wire_code_str(0x23) == NULL && wire_code_str(0) == NULL);
	ATF_CHECK_STREQ("Error_Invalid_Message", wire_errcode_str(0x14));
	ATF_CHECK_STREQ("Error_Forbidden", wire_errcode_str(2));
	ATF_CHECK(wire_errcode_str(0x15) == NULL);
	ATF_CHECK_STREQ("value does not fit the data model",
	    wire_strerror(WIRE_MODEL_BAD));
	ATF_CHECK_STREQ("unknown error", wire_strerror(-1));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, ping_message);
	ATF_TP_ADD_TC(tp, message_prefixes);
	ATF_TP_ADD_TC(tp, header_reasons);
	ATF_TP_ADD_TC(tp, header_via);
	ATF_TP_ADD_TC(tp, destination_lists);
	ATF_TP_ADD_TC(tp, destination_flood);
	ATF_TP_ADD_TC(tp, fragments);
	ATF_TP_ADD_TC(tp, bodies_round_trip);
	ATF_TP_ADD_TC(tp, bodies_mutated);
	ATF_TP_ADD_TC(tp, stored_signature);
	ATF_TP_ADD_TC(tp, registration);
	ATF_TP_ADD_TC(tp, unknown_kinds);
	ATF_TP_ADD_TC(tp, array_ranges);
	ATF_TP_ADD_TC(tp, identities);
	ATF_TP_ADD_TC(tp, derived_ids);
	ATF_TP_ADD_TC(tp, turn_server);
	ATF_TP_ADD_TC(tp, names);
	return (atf_no_error());
}
