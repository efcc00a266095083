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
 * reloadmsg emit DIR: one file a kind of message, signed with a toy key.
 * reloadmsg decode FILE: prints a message field by field.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../overlayd/examples.h"
#include "reload_cert.h"

#define MSG_MAX	(1 << 20)

static int	usage(void);
static int	model(uint32_t, void *);
static int	emit(const char *);
static void	emit_one(const char *, EVP_PKEY *, size_t);
static int	decode(const char *);
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

static void
emit_one(const char *dir, EVP_PKEY *key, size_t i)
{
	struct wire_header	h;
	struct wbuf		w, iw, bw;
	struct span		part;
	uint8_t			buf[4096], body[1024], input[2048], id[16];
	uint8_t			list[64], sha[EVP_MAX_MD_SIZE], sig[64];
	uint8_t			bucket[64];
	char			path[1024], name[64], *p;
	size_t			n, start, mark, siglen = sizeof(sig);
	uint32_t		overlay;
	FILE			*f;

	(void)strlcpy(name, bodies[i].name, sizeof(name));
	for (p = name; *p != '\0'; p++)
		if (*p == ' ')
			*p = '-';
	(void)sodium_hex2bin(body, sizeof(body), bodies[i].hex,
	    strlen(bodies[i].hex), NULL, &n, NULL);
	(void)reload_overlay_hash("overlay.test", &overlay);
	(void)reload_resource_id("alice@overlay.test", 18, id);
	wbuf_init(&w, list, sizeof(list));
	wire_dest_resource(&w, id, sizeof(id));
	wire_header_init(&h, overlay, bodies[i].code == WIRE_CONFIGUPDATE ?
	    WIRE_SEQ_ANY : 1, 100, UINT64_C(0x0102030405060708));
	cur_init(&h.wh_dest, list, w.w_len);
	wbuf_init(&w, buf, sizeof(buf));
	wire_header_write(&w, &h);
	start = w.w_len;
	mark = wire_contents_open(&w, (uint16_t)bodies[i].code);
	wbuf_bytes(&w, body, n);
	wire_contents_close(&w, mark, NULL);
	(void)EVP_Digest(CERT, 11, sha, NULL, EVP_sha256(), NULL);
	wbuf_init(&iw, input, sizeof(input));
	wire_msg_input(&iw, overlay, h.wh_tid, buf + start, w.w_len - start);
	reload_identity_write(&iw, sha);
	part.p = (const char *)input;
	part.len = iw.w_len;
	if (reload_sign_parts(key, &part, 1, sig, &siglen) == -1)
		errx(1, "cannot sign");
	wbuf_init(&bw, bucket, sizeof(bucket));
	reload_bucket_add(&bw, CERT, 11);
	reload_secblock_write(&w, bucket, bw.w_len, RELOAD_SIG_RSA, sha, sig,
	    siglen);
	wire_length_set(buf, w.w_len);
	if (wbuf_ok(&w) == -1)
		errx(1, "%s: too long", name);
	(void)snprintf(path, sizeof(path), "%s/%04x-%s", dir, bodies[i].code,
	    name);
	if ((f = fopen(path, "wb")) == NULL ||
	    fwrite(buf, 1, w.w_len, f) != w.w_len || fclose(f) != 0)
		err(1, "%s", path);
}

static int
emit(const char *dir)
{
	EVP_PKEY	*key = toy_key();
	size_t		 i;

	if (mkdir(dir, 0755) == -1 && errno != EEXIST)
		err(1, "%s", dir);
	for (i = 0; i < NBODIES; i++)
		emit_one(dir, key, i);
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
decode(const char *path)
{
	struct wire_msg		 m;
	struct wire_error	 e;
	const char		*name;
	uint8_t			*buf;
	size_t			 n;
	FILE			*f;

	if ((buf = malloc(MSG_MAX)) == NULL)
		err(1, NULL);
	if ((f = fopen(path, "rb")) == NULL)
		err(1, "%s", path);
	n = fread(buf, 1, MSG_MAX, f);
	(void)fclose(f);
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
	free(buf);
	return (0);
}
