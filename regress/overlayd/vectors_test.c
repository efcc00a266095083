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
 * The codec against recorded messages of other implementations, read from
 * reload-vectors.json in the folder that VIPR_SPEC names.  Skipped without.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <ctype.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "wire_int.h"

struct vector {
	char	*v_id, *v_structure, *v_level, *v_expect, *v_hex;
	uint8_t	*v_bytes;
	size_t	 v_len;
};

static const char *json_space(const char *);
static const char *json_string(const char *, char **);
static const char *json_skip(const char *);
static const char *json_vector(const char *, struct vector *);
static char	*slurp(void);
static void	 vectors_load(void);
static int	 model(uint32_t, void *);
static int	 check_primitive(const struct vector *);
static int	 check_small(const struct vector *, struct wbuf *);
static int	 check_structure(const struct vector *);
static int	 check_message(const struct vector *);
static int	 signature_ok(const struct vector *, int sha1);

static struct vector	vectors[256];
static size_t		nvectors;

static const char *
json_space(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return (p);
}

/* Escapes other than \uXXXX are rare in the file; what they mean is not
 * needed here, so a backslash just takes the next character along. */
static const char *
json_string(const char *p, char **out)
{
	const char	*end;

	ATF_REQUIRE(*p == '"');
	for (end = ++p; *end != '"'; end++) {
		ATF_REQUIRE(*end != '\0');
		if (*end == '\\')
			end++;
	}
	if (out != NULL)
		*out = strndup(p, (size_t)(end - p));
	return (end + 1);
}

static const char *
json_skip(const char *p)
{
	int	depth = 0;

	p = json_space(p);
	do {
		ATF_REQUIRE(*p != '\0');
		if (*p == '"') {
			p = json_string(p, NULL);
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		else if (*p == '}' || *p == ']') {
			if (depth == 0)
				return (p);
			depth--;
		} else if (*p == ',' && depth == 0)
			return (p);
		p++;
	} while (depth > 0 || (*p != ',' && *p != '}' && *p != ']'));
	return (p);
}

static const char *
json_vector(const char *p, struct vector *v)
{
	char	*key, **slot;
	size_t	 n;

	memset(v, 0, sizeof(*v));
	for (p = json_space(p + 1); *p == '"';) {
		p = json_space(json_string(p, &key));
		ATF_REQUIRE(*p == ':');
		p = json_space(p + 1);
		slot = strcmp(key, "id") == 0 ? &v->v_id :
		    strcmp(key, "structure") == 0 ? &v->v_structure :
		    strcmp(key, "level") == 0 ? &v->v_level :
		    strcmp(key, "expect") == 0 ? &v->v_expect :
		    strcmp(key, "bytes") == 0 ? &v->v_hex : NULL;
		p = slot != NULL ? json_string(p, slot) : json_skip(p);
		free(key);
		p = json_space(p);
		if (*p == ',')
			p = json_space(p + 1);
	}
	ATF_REQUIRE(*p == '}' && v->v_id != NULL && v->v_structure != NULL &&
	    v->v_expect != NULL && v->v_hex != NULL && v->v_level != NULL);
	n = strlen(v->v_hex) / 2;
	/* Exact size: a read past the end is a fault under ASan. */
	ATF_REQUIRE((v->v_bytes = malloc(n + !n)) != NULL);
	ATF_REQUIRE(sodium_hex2bin(v->v_bytes, n + !n, v->v_hex, 2 * n, NULL,
	    &v->v_len, NULL) == 0 && v->v_len == n);
	return (p + 1);
}

static char *
slurp(void)
{
	const char	*dir;
	char		 path[1024], *buf;
	size_t		 n;
	FILE		*f;

	if ((dir = getenv("VIPR_SPEC")) == NULL)
		dir = "../shared/spec";
	(void)snprintf(path, sizeof(path), "%s/reload-vectors.json", dir);
	if ((f = fopen(path, "r")) == NULL)
		atf_tc_skip("no %s", path);
	ATF_REQUIRE((buf = malloc(1 << 20)) != NULL);
	n = fread(buf, 1, (1 << 20) - 1, f);
	buf[n] = '\0';
	(void)fclose(f);
	return (buf);
}

static void
vectors_load(void)
{
	char		*buf = slurp();
	const char	*p;

	ATF_REQUIRE((p = strstr(buf, "\"vectors\"")) != NULL);
	ATF_REQUIRE((p = strchr(p, '[')) != NULL);
	for (p = json_space(p + 1); *p == '{'; p = json_space(p)) {
		ATF_REQUIRE(nvectors < sizeof(vectors) / sizeof(vectors[0]));
		p = json_space(json_vector(p, &vectors[nvectors++]));
		if (*p == ',')
			p++;
	}
	free(buf);
	ATF_REQUIRE_EQ(195, nvectors);
}

/* The Kinds that the recordings used. */
static int
model(uint32_t kind, void *arg)
{
	(void)arg;
	return (reload_doc_model(kind, NULL));
}

/* -- each returns 1 accepted, 0 refused, -1 not of this sort -- */

static int
check_primitive(const struct vector *v)
{
	struct cur	c, in;
	uint8_t		u8, node[NODEID_LEN];
	uint16_t	u16;
	uint32_t	u32;
	uint64_t	u64;
	const char	*s = v->v_structure;

	cur_init(&c, v->v_bytes, v->v_len);
	if (strcmp(s, "UInt8") == 0)
		return (cur_u8(&c, &u8) == 0);
	if (strcmp(s, "UInt16") == 0)
		return (cur_u16(&c, &u16) == 0);
	if (strcmp(s, "UInt32") == 0)
		return (cur_u32(&c, &u32) == 0);
	if (strcmp(s, "UInt64") == 0)
		return (cur_u64(&c, &u64) == 0);
	if (strncmp(s, "Opaque", 6) == 0)
		return (cur_lv(&c, atoi(s + 6) / 8, &in) == 0 &&
		    cur_done(&c) == 0);
	if (strcmp(s, "relo_token") == 0)
		return (cur_u32(&c, &u32) == 0 && u32 == WIRE_TOKEN);
	if (strcmp(s, "NodeId") == 0)
		return (cur_bytes(&c, node, sizeof(node)) == 0);
	if (strncmp(s, "NodeId list", 11) == 0)
		return (wire_nodes(&c, 2, &in) == 0 && cur_done(&c) == 0);
	return (-1);
}

static int
check_small(const struct vector *v, struct wbuf *w)
{
	union {
		struct wire_dest	dest;
		struct wire_option	option;
		struct wire_ext		ext;
		struct wire_candidate	cand;
		struct wire_stored	stored;
		struct wire_meta	meta;
		struct wire_kinddata	kind;
		struct wire_spec	spec;
		struct wire_probeinfo	info;
		struct reload_secblock	sec;
		struct vaddr		addr;
	}		u;
	const char	*s = v->v_structure;
	struct cur	 c;
	int		 r;

	cur_init(&c, v->v_bytes, v->v_len);
	if (strcmp(s, "Destination") == 0) {
		if ((r = wire_dest_next(&c, &u.dest)) == 1)
			wire_dest_write(w, &u.dest);
	} else if (strcmp(s, "ForwardingOption") == 0) {
		if ((r = wire_option_next(&c, &u.option)) == 1)
			wire_option_write(w, &u.option);
	} else if (strcmp(s, "MessageExtension") == 0) {
		if ((r = wire_ext_next(&c, &u.ext)) == 1)
			wire_ext_write(w, &u.ext);
	} else if (strcmp(s, "IceCandidate") == 0) {
		if ((r = wire_candidate_next(&c, &u.cand)) == 1)
			wire_candidate_write(w, &u.cand);
	} else if (strcmp(s, "StoredData") == 0) {
		r = wire_stored_next(&c, RELOAD_SINGLE, &u.stored);
	} else if (strcmp(s, "StoredMetaData") == 0) {
		r = wire_meta_next(&c, RELOAD_SINGLE, &u.meta);
	} else if (strcmp(s, "StoreKindData") == 0 ||
	    strcmp(s, "FetchKindResponse") == 0 ||
	    strcmp(s, "StatKindResponse") == 0) {
		r = wire_kinddata_next(&c, model, NULL, &u.kind);
	} else if (strcmp(s, "StoredDataSpecifier") == 0) {
		r = wire_spec_next(&c, model, NULL, &u.spec);
	} else if (strcmp(s, "ProbeInformation") == 0) {
		if ((r = wire_probeinfo_next(&c, &u.info)) == 1)
			wire_probeinfo_put(w, &u.info);
	} else if (strcmp(s, "IpAddressPort") == 0) {
		if ((r = wire_addr_parse(&c, &u.addr) == 0))
			wire_addr_write(w, &u.addr);
	} else if (strcmp(s, "SecurityBlock") == 0) {
		if ((r = reload_secblock_parse(&c, &u.sec) == 0)) {
			wire_list_put(w, 2, &u.sec.rb_certs);
			reload_signature_put(w, &u.sec.rb_sig);
		}
	} else
		return (-1);
	if (r != 1 || cur_done(&c) == -1)
		return (0);
	ATF_CHECK_EQ_MSG(0, wbuf_ok(w), "%s: write", v->v_id);
	ATF_CHECK_MSG(w->w_len == v->v_len && memcmp(w->w_buf, v->v_bytes,
	    v->v_len) == 0, "%s: round trip", v->v_id);
	return (1);
}

static int
check_structure(const struct vector *v)
{
	static const struct {
		const char	*name;
		unsigned	 code;
	} bodies[] = {
		{ "ProbeReq", 0x01 }, { "ProbeAns", 0x02 },
		{ "AttachReqAns", 0x03 }, { "StoreReq", 0x07 },
		{ "StoreAns", 0x08 }, { "FetchReq", 0x09 },
		{ "FetchAns", 0x0a }, { "FindReq", 0x0d },
		{ "FindAns", 0x0e }, { "JoinReq", 0x0f },
		{ "JoinAns", 0x10 }, { "LeaveReq", 0x11 },
		{ "LeaveAns", 0x12 }, { "ChordUpdate", 0x13 },
		{ "UpdateAns", 0x14 }, { "RouteQueryReq", 0x15 },
		{ "ChordRouteQueryAns", 0x16 }, { "PingReq", 0x17 },
		{ "PingAns", 0x18 }, { "StatReq", 0x19 },
		{ "StatAns", 0x1a }, { "AppAttachReq", 0x1d },
		{ "AppAttachAns", 0x1e }, { "ConfigUpdateReq", 0x21 },
		{ "ConfigUpdateAns", 0x22 }, { "ErrorResponse", 0xffff }
	};
	struct wire_header	h;
	struct wire_contents	t;
	struct wire_error	e;
	struct wire_fetch	f;
	struct wire_store	st;
	struct cur		c, list;
	struct frame		fr;
	struct wbuf		w;
	enum frame_error	fe;
	unsigned		unknown = 0;
	uint8_t			buf[4096];
	size_t			i, mark;
	int			r;

	wbuf_init(&w, buf, sizeof(buf));
	cur_init(&c, v->v_bytes, v->v_len);
	if (strcmp(v->v_structure, "ForwardingHeader") == 0) {
		if (wire_header_parse(v->v_bytes, v->v_len, &h, &e) == -1)
			return (0);
		wire_header_write(&w, &h);
	} else if (strcmp(v->v_structure, "MessageContents") == 0) {
		if (wire_contents_parse(&c, &t, &e) == -1)
			return (0);
		mark = wire_contents_open(&w, t.wc_code);
		ATF_CHECK_EQ(0, wire_body_copy(t.wc_code, &t.wc_body, model,
		    NULL, &w));
		wire_contents_close(&w, mark, &t.wc_ext);
	} else if (strcmp(v->v_structure, "FramedMessage") == 0) {
		if (frame_parse(v->v_bytes, v->v_len, 5000, &fr, &fe) !=
		    (ssize_t)v->v_len)
			return (0);
		if (fr.fr_type == FRAME_ACK)
			frame_write_ack(&w, fr.fr_seq, fr.fr_mask);
		else
			frame_write_data(&w, fr.fr_seq, fr.fr_msg, fr.fr_len);
	} else if (strcmp(v->v_structure, "ChordLeaveData") == 0) {
		/* As it stands inside a LeaveReq. */
		memset(buf, 0xa5, NODEID_LEN);
		w.w_len = NODEID_LEN;
		wbuf_lv(&w, 2, v->v_bytes, v->v_len);
		cur_init(&c, buf, w.w_len);
		return (wire_body_check(WIRE_LEAVE, &c, model, NULL, &e) == 0);
	} else {
		if ((r = check_small(v, &w)) != -1)
			return (r);
		for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
			if (strcmp(bodies[i].name, v->v_structure) == 0)
				break;
		}
		ATF_REQUIRE_MSG(i < sizeof(bodies) / sizeof(bodies[0]),
		    "%s: no reader for %s", v->v_id, v->v_structure);
		if (wire_body_check(bodies[i].code, &c, model, NULL, &e) == -1)
			return (0);
		ATF_CHECK_EQ(0, wire_body_copy(bodies[i].code, &c, model,
		    NULL, &w));
		switch (bodies[i].code) {
		case WIRE_STORE:
			(void)wire_store_parse(&c, model, NULL, &st, &e);
			unknown = st.wt_unknown;
			break;
		case WIRE_FETCH:
		case WIRE_STAT:
			(void)wire_fetch_parse(&c, model, NULL, &f, &e);
			unknown = f.wf_unknown;
			break;
		case WIRE_FETCH_ANS:
			(void)wire_fetchans_parse(&c, model, NULL, &list,
			    &unknown, &e);
			break;
		case WIRE_STAT_ANS:
			(void)wire_statans_parse(&c, model, NULL, &list,
			    &unknown, &e);
			break;
		default:
			break;
		}
		ATF_CHECK_MSG((unknown > 0) == (strstr(v->v_expect,
		    "Unknown_Kind") != NULL), "%s: %u unknown kinds", v->v_id,
		    unknown);
	}
	ATF_CHECK_MSG(wbuf_ok(&w) == 0 && w.w_len == v->v_len &&
	    memcmp(buf, v->v_bytes, v->v_len) == 0, "%s: round trip", v->v_id);
	return (1);
}

static int
check_message(const struct vector *v)
{
	struct wire_msg		m;
	struct wire_error	e;
	struct wbuf		w;
	uint8_t			buf[8192];
	size_t			mark;

	if (wire_msg_parse(v->v_bytes, v->v_len, &m, &e) == -1)
		return (0);
	if (wire_body_check(m.wm_contents.wc_code, &m.wm_contents.wc_body,
	    model, NULL, &e) == -1)
		return (0);
	wbuf_init(&w, buf, sizeof(buf));
	wire_header_write(&w, &m.wm_header);
	mark = wire_contents_open(&w, m.wm_contents.wc_code);
	ATF_CHECK_EQ_MSG(0, wire_body_copy(m.wm_contents.wc_code,
	    &m.wm_contents.wc_body, model, NULL, &w), "%s", v->v_id);
	wire_contents_close(&w, mark, &m.wm_contents.wc_ext);
	wire_list_put(&w, 2, &m.wm_sec.rb_certs);
	reload_signature_put(&w, &m.wm_sec.rb_sig);
	ATF_CHECK_MSG(wbuf_ok(&w) == 0 && w.w_len == v->v_len &&
	    memcmp(buf, v->v_bytes, v->v_len) == 0, "%s: round trip", v->v_id);
	return (1);
}

static int
signature_ok(const struct vector *v, int sha1)
{
	struct wire_msg		 m;
	struct wire_error	 e;
	struct wbuf		 w;
	struct cur		 c;
	struct span		 der, parts[2];
	const unsigned char	*p;
	EVP_MD_CTX		*ctx;
	EVP_PKEY		*key;
	X509			*x;
	uint8_t			 type, buf[4096];
	int			 ok;

	ATF_REQUIRE(wire_msg_parse(v->v_bytes, v->v_len, &m, &e) == 0);
	c = m.wm_sec.rb_certs;
	ATF_REQUIRE(reload_bucket_next(&c, &type, &der) == 1 && type == 0);
	p = (const unsigned char *)der.p;
	ATF_REQUIRE((x = d2i_X509(NULL, &p, (long)der.len)) != NULL);
	ATF_REQUIRE((key = X509_get0_pubkey(x)) != NULL);
	wbuf_init(&w, buf, sizeof(buf));
	wire_msg_input(&w, m.wm_header.wh_overlay, m.wm_header.wh_tid,
	    m.wm_contents.wc_raw.p, m.wm_contents.wc_raw.len);
	parts[0].p = (const char *)buf;
	parts[0].len = w.w_len;
	parts[1] = m.wm_sec.rb_sig.rs_id.ri_raw;
	if (sha1) {
		/* Computed over what we would sign, but never accepted. */
		ATF_CHECK_EQ(-1, reload_verify_parts(key, &m.wm_sec.rb_sig,
		    parts, 2));
		ATF_REQUIRE((ctx = EVP_MD_CTX_new()) != NULL);
		ok = EVP_DigestVerifyInit(ctx, NULL, EVP_sha1(), NULL,
		    key) == 1 &&
		    EVP_DigestVerifyUpdate(ctx, parts[0].p, parts[0].len) == 1 &&
		    EVP_DigestVerifyUpdate(ctx, parts[1].p, parts[1].len) == 1 &&
		    EVP_DigestVerifyFinal(ctx, (const unsigned char *)
		    m.wm_sec.rb_sig.rs_value.p,
		    m.wm_sec.rb_sig.rs_value.len) == 1;
		EVP_MD_CTX_free(ctx);
	} else {
		ATF_CHECK(reload_identity_match(&m.wm_sec.rb_sig.rs_id, der.p,
		    der.len, NULL));
		ok = reload_verify_parts(key, &m.wm_sec.rb_sig, parts, 2) == 0;
	}
	X509_free(x);
	return (ok);
}

ATF_TC_WITHOUT_HEAD(every_vector);
ATF_TC_BODY(every_vector, tc)
{
	const struct vector	*v;
	size_t			 i, messages = 0, verified = 0;
	int			 r, want;

	vectors_load();
	for (i = 0; i < nvectors; i++) {
		v = &vectors[i];
		if (strcmp(v->v_level, "message") == 0) {
			r = check_message(v);
			messages++;
		} else if ((r = check_primitive(v)) == -1)
			r = check_structure(v);
		want = strcmp(v->v_expect, "reject") != 0;
		ATF_CHECK_EQ_MSG(want, r, "%s: %s, expected: %s", v->v_id,
		    r ? "accepted" : "refused", v->v_expect);
		if (strstr(v->v_expect, "signature") == NULL)
			continue;
		want = strstr(v->v_expect, "fails") == NULL;
		ATF_CHECK_EQ_MSG(want, signature_ok(v, strstr(v->v_expect,
		    "SHA-1") != NULL), "%s: signature", v->v_id);
		verified++;
	}
	ATF_CHECK_EQ(83, messages);
	ATF_CHECK_EQ(25, verified);
}

ATF_TC_WITHOUT_HEAD(every_prefix);
ATF_TC_BODY(every_prefix, tc)
{
	struct wire_msg		 m;
	struct wire_error	 e;
	uint8_t			*heap;
	size_t			 i, n;

	vectors_load();
	for (i = 0; i < nvectors; i++) {
		if (strcmp(vectors[i].v_level, "message") != 0)
			continue;
		for (n = 0; n < vectors[i].v_len; n++) {
			ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
			memcpy(heap, vectors[i].v_bytes, n);
			ATF_CHECK_EQ_MSG(-1, wire_msg_parse(heap, n, &m, &e),
			    "%s: %zu bytes accepted", vectors[i].v_id, n);
			free(heap);
		}
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, every_vector);
	ATF_TP_ADD_TC(tp, every_prefix);
	return (atf_no_error());
}
