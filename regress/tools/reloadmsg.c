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
 * reloadmsg emit DIR: one file a kind of message, signed with a toy key, and
 * the same in the framing of a link (NAME.framed).
 * reloadmsg decode FILE: prints a message, fragment or frame field by field,
 * or says at which byte it is wrong and why.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <openssl/x509v3.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../overlayd/examples.h"
#include "frame.h"
#include "reload_cert.h"

#define MSG_MAX		(1 << 20)
#define BODY_MAX	2048
#define FRAG_STEP	350	/* a piece has at least 256 bytes */
#define FRAG_PARTS	2
#define REG_KEY	"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf+7b1f00c2d4e58a36"
#define CAND6 \
	"021220010db800000000000000000000000117c40401317effffff010000"
#define PEERID	"20080010" A

/* What emit writes, besides the worked examples. */
struct sample {
	const char	*s_name;
	unsigned	 s_code;
	const char	*s_hex;		/* of the body */
	int		 s_flags;
};
#define S_LISTS		0x01	/* via list, four kinds of destinations */
#define S_OPTION	0x02	/* forwarding option */
#define S_EXTENSION	0x04	/* message extension */
#define S_KEY		0x08	/* body: ours, of the registration Kind */

static const struct sample more[] = {
	{ "appattach answer", WIRE_APPATTACH_ANS,
	    "0000f0150770617373697665" "0012" CAND, 0 },
	{ "attach by IPv6", WIRE_ATTACH,
	    "00000770617373697665" "001e" CAND6 "01", 0 },
	{ "leave from predecessor", WIRE_LEAVE, A "0023" "020020" B C, 0 },
	{ "leave answer", WIRE_LEAVE_ANS, "", 0 },
	{ "update answer", WIRE_UPDATE_ANS, "", 0 },
	{ "configuration answer", WIRE_CONFIGUPDATE_ANS, "", 0 },
	{ "ping of a node behind others", WIRE_PING, "0003616263", S_LISTS },
	{ "ping with an option", WIRE_PING, "0000", S_OPTION },
	{ "ping with an extension", WIRE_PING, "0000", S_EXTENSION },
	{ "route query for a node", WIRE_ROUTEQUERY, "000110" B "0000", 0 },
	{ "fetch of all keys", WIRE_FETCH,
	    "10" ALICE "0010f0564950" "0000000000000007" "00020000", 0 },
	{ "fetch answer without values", WIRE_FETCH_ANS,
	    "00000010f0564950" "0000000000000007" "00000000", 0 },
	{ "store of a registration", WIRE_STORE, NULL, S_KEY },
	{ "find answer of two", WIRE_FIND_ANS,
	    "002a0000000210" ALICE "0000000310" ALICE, 0 },
	{ "too large", WIRE_ERROR, "000b00057370616365", 0 },
	{ "in progress", WIRE_ERROR, "00110000", 0 }
};
#define NMORE	(sizeof(more) / sizeof(more[0]))

static int	usage(void);
static int	model(uint32_t, void *);
static int	emit(const char *);
static void	emit_one(const char *, EVP_PKEY *, const struct sample *, uint64_t);
static void	emit_file(const char *, unsigned, const char *, const void *, size_t);
static void	emit_fragments(const char *, const uint8_t *, size_t);
static void	emit_ack(const char *);
static uint8_t	*certificate(EVP_PKEY *, size_t *);
static void	registration(struct wbuf *);
static void	lists(const struct sample *, struct wire_header *, struct wbuf *,
		    struct wbuf *, struct wbuf *);
static int	decode(const char *);
static int	decode_message(const char *, const uint8_t *, size_t);
static int	decode_fragment(const char *, const uint8_t *, size_t);
static void	hex(const char *, const void *, size_t);
static void	hex_span(const char *, struct span);
static void	dests(const char *, const struct cur *);
static void	nodes(const char *, const struct cur *);
static void	show_header(const struct wire_header *);
static void	show_body(unsigned, const struct cur *);
static void	show_attach(const struct wire_attach *);
static void	show_kinds(const struct cur *, int);
static void	show_fetch(const struct wire_fetch *);
static void	show_store_ans(const struct cur *);
static void	show_signature(const char *, const struct reload_signature *);
static void	show_ring(unsigned, const struct cur *);
static void	show_misc(unsigned, const struct cur *);
static void	show_security(const struct wire_msg *);

static int
usage(void)
{
	(void)fprintf(stderr, "usage: reloadmsg emit dir | decode file\n");
	return (1);
}

int
main(int argc, char **argv)
{
	if (argc != 3 || sodium_init() == -1)
		return (usage());
	if (strcmp(argv[1], "emit") == 0)
		return (emit(argv[2]));
	if (strcmp(argv[1], "decode") == 0)
		return (decode(argv[2]));
	return (usage());
}

static int
model(uint32_t kind, void *arg)
{
	(void)arg;
	return (kind == KIND || kind == RELOAD_KIND_VIPR ? RELOAD_DICTIONARY :
	    reload_doc_model(kind, NULL));
}

/* -- emit -- */

/* A certificate of node A as an overlay's authority makes them, signed by
 * itself; the same bytes each time. */
static uint8_t *
certificate(EVP_PKEY *key, size_t *len)
{
	X509		*x = X509_new();
	X509_EXTENSION	*e;
	ASN1_TIME	*t = ASN1_TIME_new();
	unsigned char	*der = NULL;
	int		 n;

	need(x != NULL && t != NULL);
	need(X509_set_version(x, X509_VERSION_3) == 1);
	need(ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1);
	need(ASN1_TIME_set_string(t, "230101000000Z") == 1);
	need(X509_set1_notBefore(x, t) == 1);
	need(ASN1_TIME_set_string(t, "330101000000Z") == 1);
	need(X509_set1_notAfter(x, t) == 1);
	need(X509_set_pubkey(x, key) == 1);
	e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
	    "critical,URI:reload://0110" A "@overlay.test/,"
	    "email:alice@overlay.test");
	need(e != NULL && X509_add_ext(x, e, -1) == 1);
	need(X509_sign(x, key, EVP_sha256()) > 0);
	need((n = i2d_X509(x, &der)) > 0);
	X509_EXTENSION_free(e);
	ASN1_TIME_free(t);
	X509_free(x);
	*len = (size_t)n;
	return (der);
}

static void
emit_file(const char *dir, unsigned code, const char *name, const void *p, size_t n)
{
	char		 path[1024], *q;
	FILE		*f;

	(void)snprintf(path, sizeof(path), "%s/%04x-%s", dir, code, name);
	for (q = path + strlen(dir); *q != '\0'; q++)
		if (*q == ' ')
			*q = '-';
	if ((f = fopen(path, "wb")) == NULL || fwrite(p, 1, n, f) != n ||
	    fclose(f) != 0)
		err(1, "%s", path);
}

/* A StoreReq of one number, as overlayd publishes them. */
static void
registration(struct wbuf *w)
{
	struct wire_store	wt;
	struct wire_kinddata	wk;
	struct wire_stored	ws;
	struct wbuf		vw, kw;
	struct cur		c;
	uint8_t			vals[512], kinds[512], id[16], sig[256], val[32];
	size_t			n;

	memset(&ws, 0, sizeof(ws));
	ws.ws_time = TIME;
	ws.ws_lifetime = 86400;
	ws.ws_value.wv_key.p = REG_KEY;
	ws.ws_value.wv_key.len = strlen(REG_KEY);
	ws.ws_value.wv_exists = 1;
	need(sodium_hex2bin(val, sizeof(val), PEERID, strlen(PEERID), NULL, &n,
	    NULL) == 0);
	ws.ws_value.wv_data.p = (const char *)val;
	ws.ws_value.wv_data.len = n;
	need(sodium_hex2bin(sig, sizeof(sig), STORED_SIG, strlen(STORED_SIG),
	    NULL, &n, NULL) == 0);
	cur_init(&c, sig, n);
	need(reload_signature_parse(&c, &ws.ws_sig) == 0);
	wbuf_init(&vw, vals, sizeof(vals));
	wire_stored_write(&vw, RELOAD_DICTIONARY, &ws);
	memset(&wk, 0, sizeof(wk));
	wk.wk_kind = RELOAD_KIND_VIPR;
	wk.wk_model = RELOAD_DICTIONARY;
	cur_init(&wk.wk_values, vals, vw.w_len);
	wbuf_init(&kw, kinds, sizeof(kinds));
	wire_kinddata_write(&kw, &wk);
	memset(&wt, 0, sizeof(wt));
	(void)reload_resource_id("+12125550147", 12, id);
	wt.wt_resource.p = (const char *)id;
	wt.wt_resource.len = sizeof(id);
	cur_init(&wt.wt_kinds, kinds, kw.w_len);
	wire_store_write(w, &wt);
	need(wbuf_ok(&vw) == 0 && wbuf_ok(&kw) == 0 && wbuf_ok(w) == 0);
}

/* The lists of the header. */
static void
lists(const struct sample *s, struct wire_header *h, struct wbuf *via,
    struct wbuf *dest, struct wbuf *opts)
{
	struct wire_option	wo;
	struct wire_dest	wd;
	uint8_t			id[NODEID_LEN];

	if (s->s_flags & S_LISTS) {
		memset(id, 0xb0, sizeof(id));
		wire_dest_node(via, id);
		memset(&wd, 0, sizeof(wd));
		wd.wd_type = WIRE_DEST_OPAQUE;
		wd.wd_id.p = "\1\2\3";
		wd.wd_id.len = 3;
		wire_dest_write(via, &wd);
		wd.wd_compact = 1;
		wd.wd_id.p = "\x83\x45";
		wd.wd_id.len = 2;
		wire_dest_write(dest, &wd);
		memset(id, 0xc0, sizeof(id));
		wire_dest_node(dest, id);
	}
	if (s->s_flags & S_KEY)
		(void)reload_resource_id("+12125550147", 12, id);
	else
		(void)reload_resource_id("alice@overlay.test", 18, id);
	wire_dest_resource(dest, id, sizeof(id));
	if (s->s_flags & S_OPTION) {
		memset(&wo, 0, sizeof(wo));
		wo.wo_type = 1;
		wo.wo_flags = WIRE_OPT_RESPONSE_COPY;
		wo.wo_value.p = "exp";
		wo.wo_value.len = 3;
		wire_option_write(opts, &wo);
		h->wh_max_response = 5000;
	}
	need(wbuf_ok(via) == 0 && wbuf_ok(dest) == 0 && wbuf_ok(opts) == 0);
	cur_init(&h->wh_via, via->w_buf, via->w_len);
	cur_init(&h->wh_dest, dest->w_buf, dest->w_len);
	cur_init(&h->wh_options, opts->w_buf, opts->w_len);
}

static void
emit_one(const char *dir, EVP_PKEY *key, const struct sample *s, uint64_t n)
{
	struct wire_header	h;
	struct wire_ext		x;
	struct wbuf		w, iw, bw, lw[3];
	struct span		part;
	struct cur		ext;
	uint8_t			buf[8192], body[BODY_MAX], input[4096], list[3][128];
	uint8_t			sha[EVP_MAX_MD_SIZE], sig[64], bucket[2048], *der;
	uint8_t			xbuf[32], framed[8192 + FRAME_DATA_HEADER];
	char			name[128];
	size_t			len, start, mark, siglen = sizeof(sig), derlen;
	uint32_t		overlay;

	wbuf_init(&bw, body, sizeof(body));
	if (s->s_flags & S_KEY)
		registration(&bw);
	else {
		need(sodium_hex2bin(body, sizeof(body), s->s_hex,
		    strlen(s->s_hex), NULL, &len, NULL) == 0);
		bw.w_len = len;
	}
	need(reload_overlay_hash("overlay.test", &overlay) == 0);
	wire_header_init(&h, overlay, s->s_code == WIRE_CONFIGUPDATE ?
	    WIRE_SEQ_ANY : 1, 100, UINT64_C(0x0102030405060700) + n);
	for (len = 0; len < 3; len++)
		wbuf_init(&lw[len], list[len], sizeof(list[len]));
	lists(s, &h, &lw[0], &lw[1], &lw[2]);
	wbuf_init(&w, buf, sizeof(buf));
	wire_header_write(&w, &h);
	start = w.w_len;
	mark = wire_contents_open(&w, (uint16_t)s->s_code);
	wbuf_bytes(&w, body, bw.w_len);
	wbuf_init(&iw, xbuf, sizeof(xbuf));
	if (s->s_flags & S_EXTENSION) {
		memset(&x, 0, sizeof(x));
		x.we_type = 1;
		x.we_value.p = "exp";
		x.we_value.len = 3;
		wire_ext_write(&iw, &x);
	}
	cur_init(&ext, xbuf, iw.w_len);
	wire_contents_close(&w, mark, &ext);
	der = certificate(key, &derlen);
	need(EVP_Digest(der, derlen, sha, NULL, EVP_sha256(), NULL) == 1);
	wbuf_init(&iw, input, sizeof(input));
	wire_msg_input(&iw, overlay, h.wh_tid, buf + start, w.w_len - start);
	reload_identity_write(&iw, sha);
	part.p = (const char *)input;
	part.len = iw.w_len;
	if (wbuf_ok(&iw) == -1 ||
	    reload_sign_parts(key, &part, 1, sig, &siglen) == -1)
		errx(1, "cannot sign");
	wbuf_init(&bw, bucket, sizeof(bucket));
	reload_bucket_add(&bw, der, derlen);
	OPENSSL_free(der);
	reload_secblock_write(&w, bucket, bw.w_len, RELOAD_SIG_RSA, sha, sig,
	    siglen);
	if (wbuf_ok(&w) == -1 || wbuf_ok(&bw) == -1)
		errx(1, "%s: too long", s->s_name);
	wire_length_set(buf, w.w_len);
	emit_file(dir, s->s_code, s->s_name, buf, w.w_len);
	wbuf_init(&bw, framed, sizeof(framed));
	frame_write_data(&bw, (uint32_t)n, buf, w.w_len);
	need(wbuf_ok(&bw) == 0);
	(void)snprintf(name, sizeof(name), "%s.framed", s->s_name);
	emit_file(dir, s->s_code, name, framed, bw.w_len);
	if (s->s_flags & S_KEY)
		emit_fragments(dir, buf, w.w_len);
}

/* The same message in two pieces, in files of their own. */
static void
emit_fragments(const char *dir, const uint8_t *msg, size_t len)
{
	struct wire_header	h;
	struct wire_error	e;
	struct wbuf		w;
	uint8_t			buf[4096];
	char			name[64];
	size_t			i, off, n;

	need(wire_header_parse(msg, len, &h, &e) == 0);
	h.wh_tid ^= UINT64_C(1) << 32;
	for (i = 0; i < FRAG_PARTS; i++) {
		off = i * FRAG_STEP;
		n = i == FRAG_PARTS - 1 ? len - h.wh_size - off : FRAG_STEP;
		h.wh_fragment = WIRE_FRAG_ALWAYS | (uint32_t)off |
		    (i == FRAG_PARTS - 1 ? WIRE_FRAG_LAST : 0);
		wbuf_init(&w, buf, sizeof(buf));
		wire_header_write(&w, &h);
		wbuf_bytes(&w, msg + h.wh_size + off, n);
		need(wbuf_ok(&w) == 0);
		wire_length_set(buf, w.w_len);
		(void)snprintf(name, sizeof(name), "store.fragment%zu", i);
		emit_file(dir, WIRE_STORE, name, buf, w.w_len);
	}
}

/* The ack of frame 40 when 39, 38, 36 and 9 are among the last. */
static void
emit_ack(const char *dir)
{
	struct wbuf	w;
	uint8_t		buf[FRAME_ACK_LEN];

	wbuf_init(&w, buf, sizeof(buf));
	frame_write_ack(&w, 40, 0x80000016);
	emit_file(dir, 0, "ack.framed", buf, w.w_len);
}

static int
emit(const char *dir)
{
	struct sample	 s;
	EVP_PKEY	*key = toy_key();
	size_t		 i;

	if (mkdir(dir, 0755) == -1 && errno != EEXIST)
		err(1, "%s", dir);
	memset(&s, 0, sizeof(s));
	for (i = 0; i < NBODIES; i++) {
		s.s_name = bodies[i].name;
		s.s_code = bodies[i].code;
		s.s_hex = bodies[i].hex;
		emit_one(dir, key, &s, i);
	}
	for (i = 0; i < NMORE; i++)
		emit_one(dir, key, &more[i], NBODIES + i);
	emit_ack(dir);
	EVP_PKEY_free(key);
	return (0);
}

/* -- decode -- */

static void
hex(const char *what, const void *p, size_t len)
{
	char	text[129];
	size_t	n = len > 64 ? 64 : len;

	(void)sodium_bin2hex(text, sizeof(text), p, n);
	(void)printf("%s %s%s (%zu)\n", what, text, len > n ? "..." : "", len);
}

static void
hex_span(const char *what, struct span s)
{
	hex(what, s.p, s.len);
}

static void
dests(const char *what, const struct cur *list)
{
	static const char *const	type[] = { "?", "node", "resource",
					    "opaque" };
	struct cur			c = *list;
	struct wire_dest		d;
	char				text[64];

	while (wire_dest_next(&c, &d) == 1) {
		(void)snprintf(text, sizeof(text), "%s %s%s", what,
		    type[d.wd_type <= 3 ? d.wd_type : 0],
		    d.wd_compact ? " compact" : "");
		hex_span(text, d.wd_id);
	}
}

static void
nodes(const char *what, const struct cur *list)
{
	struct cur	c = *list;
	const uint8_t	*node;

	while (wire_node_next(&c, &node) == 1)
		hex(what, node, NODEID_LEN);
}

static void
show_header(const struct wire_header *h)
{
	struct wire_option	o;
	struct cur		c = h->wh_options;

	(void)printf("overlay %08x\nconfiguration_sequence %u\nversion %02x\n"
	    "ttl %u\nfragment %08x\nlength %u\ntransaction_id %016llx\n"
	    "max_response_length %u\n", h->wh_overlay, h->wh_config_seq,
	    h->wh_version, h->wh_ttl, h->wh_fragment, h->wh_length,
	    (unsigned long long)h->wh_tid, h->wh_max_response);
	dests("via", &h->wh_via);
	dests("destination", &h->wh_dest);
	while (wire_option_next(&c, &o) == 1) {
		(void)printf("option %u flags %02x ", o.wo_type, o.wo_flags);
		hex_span("value", o.wo_value);
	}
}

static void
show_signature(const char *what, const struct reload_signature *s)
{
	(void)printf("%s algorithm %02x%02x identity %u\n", what, s->rs_hash,
	    s->rs_alg, s->rs_id.ri_type);
	hex_span("  hash", s->rs_id.ri_value);
	hex_span("  signature", s->rs_value);
}

static void
show_attach(const struct wire_attach *a)
{
	struct wire_candidate	i;
	struct cur		c = a->wa_candidates;
	char			addr[VADDR_STRLEN];

	(void)printf("role %.*s\napplication %u\nsend_update %u\n",
	    (int)a->wa_role.len, a->wa_role.p, a->wa_application,
	    a->wa_send_update);
	while (wire_candidate_next(&c, &i) == 1)
		(void)printf("candidate %s link %u priority %08x type %u\n",
		    vaddr_str(&i.wi_addr, addr, sizeof(addr)), i.wi_link,
		    i.wi_priority, i.wi_type);
}

static void
show_kinds(const struct cur *kinds, int meta)
{
	struct wire_kinddata	k;
	struct wire_stored	s;
	struct wire_meta	m;
	struct cur		c = *kinds, v;

	while (wire_kinddata_next(&c, model, NULL, &k) == 1) {
		(void)printf("kind %08x generation %llu model %d\n", k.wk_kind,
		    (unsigned long long)k.wk_generation, k.wk_model);
		v = k.wk_values;
		if (k.wk_model == 0) {
			hex("  unknown", v.c_p, cur_left(&v));
			continue;
		}
		while (!meta && wire_stored_next(&v, k.wk_model, &s) == 1) {
			(void)printf("  time %llu lifetime %u index %u exists "
			    "%u\n", (unsigned long long)s.ws_time,
			    s.ws_lifetime, s.ws_value.wv_index,
			    s.ws_value.wv_exists);
			hex_span("  key", s.ws_value.wv_key);
			hex_span("  value", s.ws_value.wv_data);
			show_signature("  signed", &s.ws_sig);
		}
		while (meta && wire_meta_next(&v, k.wk_model, &m) == 1) {
			(void)printf("  time %llu lifetime %u index %u exists "
			    "%u size %u hash %u\n",
			    (unsigned long long)m.ws_time, m.ws_lifetime,
			    m.ws_index, m.ws_exists, m.ws_size, m.ws_hashalg);
			hex_span("  key", m.ws_key);
			hex_span("  digest", m.ws_hash);
		}
	}
}

static void
show_fetch(const struct wire_fetch *f)
{
	struct wire_spec	s;
	struct wire_range	r;
	struct span		key;
	struct cur		c = f->wf_specs, l;

	hex_span("resource", f->wf_resource);
	while (wire_spec_next(&c, model, NULL, &s) == 1) {
		(void)printf("kind %08x generation %llu model %d\n", s.wp_kind,
		    (unsigned long long)s.wp_generation, s.wp_model);
		l = s.wp_list;
		while (s.wp_model == RELOAD_ARRAY &&
		    wire_range_next(&l, &r) == 1)
			(void)printf("  range %u to %u\n", r.wr_first,
			    r.wr_last);
		while (s.wp_model == RELOAD_DICTIONARY &&
		    wire_key_next(&l, &key) == 1)
			hex_span("  key", key);
	}
}

static void
show_store_ans(const struct cur *list)
{
	struct wire_storeresp	r;
	struct cur		c = *list;

	while (wire_storeresp_next(&c, &r) == 1) {
		(void)printf("kind %08x generation %llu\n", r.wr_kind,
		    (unsigned long long)r.wr_generation);
		nodes("  replica", &r.wr_replicas);
	}
}

static void
show_ring(unsigned code, const struct cur *body)
{
	struct wire_join	j;
	struct wire_leave	l;
	struct wire_update	u;
	struct wire_routequery	q;
	struct cur		c;
	const uint8_t		*node;

	if (code == WIRE_JOIN && wire_join_parse(body, &j, NULL) == 0)
		hex("joining_peer_id", j.wj_node, NODEID_LEN);
	if (code == WIRE_LEAVE && wire_leave_parse(body, &l, NULL) == 0) {
		hex("leaving_peer_id", l.wl_node, NODEID_LEN);
		nodes(l.wl_type == WIRE_FROM_SUCC ? "successor" :
		    "predecessor", &l.wl_nodes);
	}
	if (code == WIRE_UPDATE && wire_update_parse(body, &u, NULL) == 0) {
		(void)printf("uptime %u\ntype %u\n", u.wu_uptime, u.wu_type);
		nodes("predecessor", &u.wu_pred);
		nodes("successor", &u.wu_succ);
		nodes("finger", &u.wu_fingers);
	}
	if (code == WIRE_ROUTEQUERY &&
	    wire_routequery_parse(body, &q, NULL) == 0) {
		(void)printf("send_update %u\n", q.wq_send_update);
		hex_span("for", q.wq_dest.wd_id);
	}
	if (code == WIRE_ROUTEQUERY_ANS &&
	    wire_routequeryans_parse(body, &node, NULL) == 0) {
		cur_init(&c, node, NODEID_LEN);
		nodes("next_peer", &c);
	}
}

static void
show_misc(unsigned code, const struct cur *body)
{
	struct wire_probeinfo		i;
	struct wire_pingans		p;
	struct wire_configupdate	u;
	struct wire_errresp		r;
	struct wire_find		f;
	struct wire_findkind		k;
	struct cur			c;
	const char			*name;

	if (code == WIRE_PROBE_ANS && wire_probeans_parse(body, &c, NULL) == 0)
		while (wire_probeinfo_next(&c, &i) == 1)
			(void)printf("information %u value %u\n", i.wp_type,
			    i.wp_value);
	if (code == WIRE_PING_ANS && wire_pingans_parse(body, &p, NULL) == 0)
		(void)printf("response_id %016llx\ntime %llu\n",
		    (unsigned long long)p.wp_id,
		    (unsigned long long)p.wp_time);
	if (code == WIRE_CONFIGUPDATE &&
	    wire_configupdate_parse(body, &u, NULL) == 0) {
		(void)printf("type %u\n", u.wc_type);
		hex_span("data", u.wc_raw);
	}
	if (code == WIRE_ERROR && wire_error_parse(body, &r, NULL) == 0) {
		name = wire_errcode_str(r.wr_code);
		(void)printf("error %u %s\n", r.wr_code,
		    name == NULL ? "" : name);
		hex_span("info", r.wr_info);
	}
	if (code == WIRE_FIND && wire_find_parse(body, &f, NULL) == 0)
		hex_span("resource", f.wf_resource);
	if (code == WIRE_FIND_ANS && wire_findans_parse(body, &c, NULL) == 0)
		while (wire_findkind_next(&c, &k) == 1) {
			(void)printf("kind %08x ", k.wf_kind);
			hex_span("closest", k.wf_closest);
		}
}

static void
show_body(unsigned code, const struct cur *body)
{
	struct wire_attach	a;
	struct wire_store	s;
	struct wire_fetch	f;
	struct cur		c;
	unsigned		unknown;

	switch (code) {
	case WIRE_ATTACH:
	case WIRE_ATTACH_ANS:
		if (wire_attach_parse(body, &a, NULL) == 0)
			show_attach(&a);
		break;
	case WIRE_APPATTACH:
	case WIRE_APPATTACH_ANS:
		if (wire_appattach_parse(body, &a, NULL) == 0)
			show_attach(&a);
		break;
	case WIRE_STORE:
		if (wire_store_parse(body, model, NULL, &s, NULL) == -1)
			break;
		hex_span("resource", s.wt_resource);
		(void)printf("replica_number %u\n", s.wt_replica);
		show_kinds(&s.wt_kinds, 0);
		break;
	case WIRE_STORE_ANS:
		if (wire_storeans_parse(body, &c, NULL) == 0)
			show_store_ans(&c);
		break;
	case WIRE_FETCH:
	case WIRE_STAT:
		if (wire_fetch_parse(body, model, NULL, &f, NULL) == 0)
			show_fetch(&f);
		break;
	case WIRE_FETCH_ANS:
		if (wire_fetchans_parse(body, model, NULL, &c, &unknown,
		    NULL) == 0)
			show_kinds(&c, 0);
		break;
	case WIRE_STAT_ANS:
		if (wire_statans_parse(body, model, NULL, &c, &unknown,
		    NULL) == 0)
			show_kinds(&c, 1);
		break;
	default:
		show_ring(code, body);
		show_misc(code, body);
		break;
	}
}

static void
show_security(const struct wire_msg *m)
{
	struct cur	c = m->wm_sec.rb_certs;
	struct span	der;
	uint8_t		type;

	while (reload_bucket_next(&c, &type, &der) == 1) {
		(void)printf("certificate type %u ", type);
		hex_span("bytes", der);
	}
	show_signature("message", &m->wm_sec.rb_sig);
}

static int
decode_message(const char *path, const uint8_t *buf, size_t n)
{
	struct wire_msg		 m;
	struct wire_error	 e;
	const char		*name;

	if (wire_msg_parse(buf, n, &m, &e) == -1)
		errx(1, "%s: %s at byte %zu", path, wire_strerror(e.we_reason),
		    e.we_off);
	name = wire_code_str(m.wm_contents.wc_code);
	show_header(&m.wm_header);
	(void)printf("message_code %u %s\n", m.wm_contents.wc_code,
	    name == NULL ? "" : name);
	if (wire_body_check(m.wm_contents.wc_code, &m.wm_contents.wc_body,
	    model, NULL, &e) == -1)
		errx(1, "%s: body: %s at byte %zu", path,
		    wire_strerror(e.we_reason), e.we_off);
	show_body(m.wm_contents.wc_code, &m.wm_contents.wc_body);
	hex("extensions", m.wm_contents.wc_ext.c_p,
	    cur_left(&m.wm_contents.wc_ext));
	show_security(&m);
	return (0);
}

static int
decode_fragment(const char *path, const uint8_t *buf, size_t n)
{
	struct wire_header	h;
	struct wire_error	e;

	if (wire_fragment_parse(buf, n, &h, &e) == -1)
		errx(1, "%s: %s at byte %zu", path, wire_strerror(e.we_reason),
		    e.we_off);
	if (h.wh_fragment == WIRE_FRAG_WHOLE)
		return (decode_message(path, buf, n));
	show_header(&h);
	hex("piece", buf + h.wh_size, n - h.wh_size);
	return (0);
}

static int
decode(const char *path)
{
	struct frame	 fr;
	enum frame_error error;
	uint8_t		*buf;
	size_t		 n;
	ssize_t		 used;
	FILE		*f;
	int		 r;

	if ((buf = malloc(MSG_MAX)) == NULL)
		err(1, NULL);
	if ((f = fopen(path, "rb")) == NULL)
		err(1, "%s", path);
	n = fread(buf, 1, MSG_MAX, f);
	(void)fclose(f);
	if (n == 0 || (buf[0] != FRAME_DATA && buf[0] != FRAME_ACK)) {
		r = decode_fragment(path, buf, n);
		free(buf);
		return (r);
	}
	used = frame_parse(buf, n, MSG_MAX, &fr, &error);
	if (used <= 0 || (size_t)used != n)
		errx(1, "%s: frame: %s at byte %zu", path, used == 0 ?
		    "cut short" : used == -1 ? "message too long" :
		    "bytes behind it", used > 0 ? (size_t)used : n);
	(void)printf("frame %s %u\n", fr.fr_type == FRAME_ACK ?
	    "ack_sequence" : "sequence", fr.fr_seq);
	r = 0;
	if (fr.fr_type == FRAME_ACK)
		(void)printf("received %08x\n", fr.fr_mask);
	else
		r = decode_fragment(path, fr.fr_msg, fr.fr_len);
	free(buf);
	return (r);
}
