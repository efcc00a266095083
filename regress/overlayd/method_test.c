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
 * What RFC 6940 asks of the responder to each method: answers field by field,
 * limits of answers, options and extensions that are critical or not; and what
 * a node does about errors that call for an action.
 */

#include <atf-c.h>

#include "simnet.h"

#define EXP_TYPE	1	/* of options and extensions that nobody knows */

static struct sim	*si;
static struct simnode	*near, *far;	/* linked neighbours: we ask, it answers */
static uint64_t		 tid;
static struct {			/* of what far sent to near */
	unsigned	 count;		/* answers to tid */
	uint16_t	 code, error;
	uint8_t		 body[4096], opts[64];
	size_t		 len, optslen;
	unsigned	 full;		/* Updates of type full */
	unsigned	 kinds;		/* ConfigUpdates of type kind */
	unsigned	 fetches;
	unsigned	 forwarded;	/* anything with tid to anybody else */
}			 seen;

static int	 tap(struct sim *, struct simnode *, struct simnode *, const void *, size_t);
static void	 setup(int, uint64_t);
static int	 ask(const struct node_dest *, unsigned, const void *, size_t, const struct cur *,
		    uint32_t, uint8_t);
static int	 ask_far(unsigned, const void *, size_t);
static struct node_dest dest(uint8_t, const struct nodeid *);
static void	 stored_sign(const struct simnode *, const struct nodeid *, uint32_t, int,
		    struct wire_stored *, uint8_t [128]);
static void	 plant(struct simnode *, const struct nodeid *, uint32_t, const char *,
		    uint64_t);
static const struct storage_value *held(const struct simnode *, const struct nodeid *,
		    const char *);

static int
tap(struct sim *s, struct simnode *from, struct simnode *to, const void *msg, size_t len)
{
	struct wire_msg	 wm;
	struct wire_error we;
	struct wire_errresp wr;
	struct wire_update wu;
	struct wire_configupdate wc;

	(void)s;
	if (from != far || wire_msg_parse(msg, len, &wm, &we) == -1)
		return (0);
	if (to != near) {
		seen.forwarded += wm.wm_header.wh_tid == tid;
		return (0);
	}
	switch (wm.wm_contents.wc_code) {
	case WIRE_UPDATE:
		seen.full += wire_update_parse(&wm.wm_contents.wc_body, &wu, &we) == 0 &&
		    wu.wu_type == WIRE_FULL;
		break;
	case WIRE_CONFIGUPDATE:
		seen.kinds += wire_configupdate_parse(&wm.wm_contents.wc_body, &wc, &we) == 0 &&
		    wc.wc_type == WIRE_CU_KIND;
		break;
	case WIRE_FETCH:
		seen.fetches++;
		break;
	default:
		break;
	}
	if (wm.wm_header.wh_tid != tid || tid == 0)
		return (0);
	seen.count++;
	seen.code = wm.wm_contents.wc_code;
	seen.len = cur_left(&wm.wm_contents.wc_body);
	seen.optslen = cur_left(&wm.wm_header.wh_options);
	ATF_REQUIRE(seen.len <= sizeof(seen.body) && seen.optslen <= sizeof(seen.opts));
	memcpy(seen.body, wm.wm_contents.wc_body.c_p, seen.len);
	memcpy(seen.opts, wm.wm_header.wh_options.c_p, seen.optslen);
	if (seen.code == WIRE_ERROR) {
		ATF_REQUIRE_EQ(0, wire_error_parse(&wm.wm_contents.wc_body, &wr, &we));
		seen.error = wr.wr_code;
	}
	return (1);
}

static void
setup(int n, uint64_t seed)
{
	int		 i;

	si = sim_new(n, seed);
	for (i = 0; i < n; i++)
		(void)sim_on(si, i);
	ATF_REQUIRE_EQ(0, sim_join(si, 240000));
	sim_for(si, 20000);
	near = &si->si_node[1];
	far = &si->si_node[0];
	tid = 0;
	memset(&seen, 0, sizeof(seen));
	si->si_tap = tap;
}

static struct node_dest
dest(uint8_t type, const struct nodeid *id)
{
	struct node_dest nd = { type, *id };

	return (nd);
}

/* The answer's code, 0 for none, an error as -code.  ext: packed; option: the
 * flags of one in the header, 0xff for none. */
static int
ask(const struct node_dest *nd, unsigned code, const void *body, size_t len,
    const struct cur *ext, uint32_t max, uint8_t option)
{
	struct wire_header wh;
	struct wire_option wo;
	struct wire_error we;
	struct wbuf	 w, ow;
	uint8_t		 contents[8192], msg[16384], out[16384], opts[64];
	size_t		 mark, n;

	memset(&seen, 0, sizeof(seen));
	tid = sim_rand(si) | 1;
	wbuf_init(&w, contents, sizeof(contents));
	mark = wire_contents_open(&w, (uint16_t)code);
	wbuf_bytes(&w, body, len);
	wire_contents_close(&w, mark, ext);
	n = sim_message(near, nd, tid, 100, 1, contents, w.w_len, NULL, 0, msg, sizeof(msg));
	/* The header is not signed. */
	ATF_REQUIRE_EQ(0, wire_header_parse(msg, n, &wh, &we));
	wh.wh_max_response = max;
	wbuf_init(&ow, opts, sizeof(opts));
	if (option != 0xff) {
		memset(&wo, 0, sizeof(wo));
		wo.wo_type = EXP_TYPE;
		wo.wo_flags = option;
		wo.wo_value.p = "abc";
		wo.wo_value.len = 3;
		wire_option_write(&ow, &wo);
	}
	cur_init(&wh.wh_options, opts, ow.w_len);
	wbuf_init(&w, out, sizeof(out));
	wire_header_write(&w, &wh);
	wbuf_bytes(&w, msg + wh.wh_size, n - wh.wh_size);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	wire_length_set(out, w.w_len);
	ATF_REQUIRE_EQ(0, sim_inject(near, far, out, w.w_len));
	sim_for(si, 300);
	return (seen.error != 0 ? -(int)seen.error : seen.code);
}

static int
ask_far(unsigned code, const void *body, size_t len)
{
	struct node_dest nd = dest(WIRE_DEST_NODE, &far->sn_id);

	return (ask(&nd, code, body, len, NULL, 0, 0xff));
}

/* The signature of a value, in sb. */
static void
stored_sign(const struct simnode *sn, const struct nodeid *res, uint32_t kind, int model,
    struct wire_stored *ws, uint8_t sb[128])
{
	struct wbuf	 w;
	struct span	 part;
	struct cur	 c;
	uint8_t		 in[2048], ident[RELOAD_IDENTITY_LEN], sig[32];

	wbuf_init(&w, in, sizeof(in));
	wire_data_input(&w, res->id_b, NODEID_LEN, kind, model, ws->ws_time, &ws->ws_value);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	part.p = (const char *)in;
	part.len = w.w_len;
	sim_identity(sn, ident);
	sim_signature(&sn->sn_id, &part, 1, ident, sizeof(ident), sig);
	wbuf_init(&w, sb, 128);
	reload_signature_write(&w, RELOAD_SIG_ECDSA, sn->sn_sha256, sig, 32);
	cur_init(&c, sb, w.w_len);
	ATF_REQUIRE_EQ(0, reload_signature_parse(&c, &ws->ws_sig));
}

/* A value that a node holds as a copy: near's own entry, of that time. */
static void
plant(struct simnode *sn, const struct nodeid *res, uint32_t kind, const char *val,
    uint64_t time)
{
	struct storage_set ss;
	struct storage_item item;
	struct wire_stored ws;
	struct node_signer ng;
	struct wbuf	 w;
	struct cur	 bucket;
	const struct reload_kind *rk = reload_doc_kind(&si->si_doc, kind);
	const char	*why = "";
	char		 key[64], hex[NODEID_HEXLEN];
	uint8_t		 sb[128], cert[128];

	(void)snprintf(key, sizeof(key), "%s+0123456789abcdef", nodeid_hex(&near->sn_id, hex));
	memset(&ws, 0, sizeof(ws));
	ws.ws_time = time;
	ws.ws_lifetime = 86400;
	ws.ws_value.wv_exists = 1;
	if (rk->rk_model == RELOAD_DICTIONARY) {
		ws.ws_value.wv_key.p = key;
		ws.ws_value.wv_key.len = strlen(key);
	}
	ws.ws_value.wv_data.p = val;
	ws.ws_value.wv_data.len = strlen(val);
	stored_sign(near, res, kind, rk->rk_model, &ws, sb);
	wbuf_init(&w, cert, sizeof(cert));
	reload_bucket_add(&w, near->sn_cert, near->sn_certlen);
	cur_init(&bucket, cert, w.w_len);
	memset(&item, 0, sizeof(item));
	ATF_REQUIRE_EQ(0, data_item(sn->sn_node, rk, &ws, res, &bucket, &ng, &item, NULL, &why));
	memset(&ss, 0, sizeof(ss));
	ss.ss_kind = rk;
	ss.ss_generation = 1;
	ss.ss_items = &item;
	ss.ss_nitems = 1;
	ATF_REQUIRE_EQ(0, storage_store(&sn->sn_node->n_storage, res, 1, &ss, 1,
	    SIM_WALL + si->si_now, &why));
	data_items_free(&item, 1);
}

static const struct storage_value *
held(const struct simnode *sn, const struct nodeid *res, const char *val)
{
	struct storage	*st = &sn->sn_node->n_storage;
	struct storage_value *sv;
	struct storage_body sb;

	sv = storage_first(st, storage_find(st, res, RELOAD_KIND_VIPR));
	if (sv == NULL || storage_body(st, sv, &sb) == -1 ||
	    sb.sb_value.len != strlen(val) || memcmp(sb.sb_value.p, val, strlen(val)) != 0)
		return (NULL);
	return (sv);
}

ATF_TC_WITHOUT_HEAD(probe);
ATF_TC_BODY(probe, tc)
{
	struct wire_probeinfo wp;
	struct wire_error we;
	struct nodeid	 res;
	struct cur	 c, list;

	setup(3, 31);
	res = far->sn_id;
	plant(far, &res, RELOAD_KIND_VIPR, "value", SIM_WALL);
	/* The order asked for; what is not known is left out. */
	ATF_REQUIRE_EQ(WIRE_PROBE_ANS, ask_far(WIRE_PROBE, "\5\3\x63\2\4\1", 6));
	cur_init(&c, seen.body, seen.len);
	ATF_REQUIRE_EQ(0, wire_probeans_parse(&c, &list, &we));
	ATF_REQUIRE_EQ(1, wire_probeinfo_next(&list, &wp));
	ATF_CHECK_EQ(WIRE_PROBE_UPTIME, wp.wp_type);
	ATF_CHECK_EQ((far->sn_node->n_mono - far->sn_node->n_started) / 1000, wp.wp_value);
	ATF_REQUIRE_EQ(1, wire_probeinfo_next(&list, &wp));
	ATF_CHECK_EQ(WIRE_PROBE_RESOURCES, wp.wp_type);
	ATF_CHECK_EQ(1, wp.wp_value);
	ATF_REQUIRE_EQ(1, wire_probeinfo_next(&list, &wp));
	ATF_CHECK_EQ(WIRE_PROBE_SET, wp.wp_type);
	ATF_CHECK_EQ(ring_share_ppb(&far->sn_node->n_ring), wp.wp_value);
	ATF_CHECK_EQ(0, wire_probeinfo_next(&list, &wp));
	/* Nothing is told that was not asked. */
	ATF_CHECK_EQ(WIRE_PROBE_ANS, ask_far(WIRE_PROBE, "\0", 1));
	ATF_CHECK_EQ(2, seen.len);
	ATF_CHECK_EQ(-WIRE_E_INVALID_MESSAGE, ask_far(WIRE_PROBE, "\2\1", 2));
	sim_free(si);
}

ATF_TC_WITHOUT_HEAD(route_query);
ATF_TC_BODY(route_query, tc)
{
	uint8_t		 body[64];
	struct wbuf	 w;
	struct nodeid	 id;
	int		 i;

	setup(12, 32);
	/* Its own range: itself.  A full Update follows when asked for. */
	wbuf_init(&w, body, sizeof(body));
	wbuf_u8(&w, 1);
	wire_dest_resource(&w, far->sn_id.id_b, NODEID_LEN);
	wbuf_u16(&w, 0);
	ATF_REQUIRE_EQ(WIRE_ROUTEQUERY_ANS, ask_far(WIRE_ROUTEQUERY, body, w.w_len));
	ATF_CHECK_EQ(NODEID_LEN, seen.len);
	ATF_CHECK_EQ(0, memcmp(seen.body, far->sn_id.id_b, NODEID_LEN));
	ATF_CHECK_EQ(1, seen.full);
	/* Elsewhere: where it would send a message itself. */
	for (i = 1; i < 12; i++) {
		id = si->si_node[i].sn_id;
		wbuf_init(&w, body, sizeof(body));
		wbuf_u8(&w, 0);
		wire_dest_node(&w, id.id_b);
		wbuf_u16(&w, 0);
		ATF_REQUIRE_EQ(WIRE_ROUTEQUERY_ANS, ask_far(WIRE_ROUTEQUERY, body, w.w_len));
		ATF_CHECK_EQ(0, seen.full);
		memcpy(id.id_b, seen.body, NODEID_LEN);
		ATF_CHECK(node_peer_find(far->sn_node, &id) != NULL);
		if (node_peer_find(far->sn_node, &si->si_node[i].sn_id) != NULL)
			ATF_CHECK(nodeid_eq(&id, &si->si_node[i].sn_id));
	}
	/* Opaque ids are nobody's business. */
	ATF_CHECK_EQ(-WIRE_E_FORBIDDEN, ask_far(WIRE_ROUTEQUERY, "\0\x81\2\0\0", 5));
	ATF_CHECK_EQ(-WIRE_E_INVALID_MESSAGE, ask_far(WIRE_ROUTEQUERY, "\2\x81\2\0\0", 5));
	sim_free(si);
}

ATF_TC_WITHOUT_HEAD(stat);
ATF_TC_BODY(stat, tc)
{
	struct wire_kinddata wk;
	struct wire_meta wm;
	struct wire_error we;
	struct nodeid	 res;
	struct node_dest nd;
	struct cur	 c, kinds, values;
	struct wbuf	 w;
	uint8_t		 body[128], md[32], in[16];
	unsigned	 unknown;

	setup(3, 33);
	res = far->sn_id;
	nd = dest(WIRE_DEST_RESOURCE, &res);
	plant(far, &res, RELOAD_KIND_VIPR, "value", SIM_WALL + 5);
	wbuf_init(&w, body, sizeof(body));
	wbuf_lv(&w, 1, res.id_b, NODEID_LEN);
	wbuf_u16(&w, 16);
	wbuf_u32(&w, RELOAD_KIND_VIPR);
	wbuf_u64(&w, 0);
	wbuf_u16(&w, 2);
	wbuf_u16(&w, 0);
	ATF_REQUIRE_EQ(WIRE_STAT_ANS, ask(&nd, WIRE_STAT, body, w.w_len, NULL, 0, 0xff));
	cur_init(&c, seen.body, seen.len);
	ATF_REQUIRE_EQ(0, wire_statans_parse(&c, data_model, far->sn_node, &kinds, &unknown, &we));
	ATF_REQUIRE_EQ(1, wire_kinddata_next(&kinds, data_model, far->sn_node, &wk));
	values = wk.wk_values;
	ATF_REQUIRE_EQ(1, wire_meta_next(&values, wk.wk_model, &wm));
	ATF_CHECK_EQ(1, wm.ws_exists);
	ATF_CHECK_EQ(5, wm.ws_size);
	ATF_CHECK_EQ(SIM_WALL + 5, wm.ws_time);
	ATF_CHECK_EQ(RELOAD_HASH_SHA256, wm.ws_hashalg);
	memcpy(in, "\0\0\0\5value", 9);
	(void)crypto_hash_sha256(md, in, 9);
	ATF_CHECK(wm.ws_hash.len == 32 && memcmp(wm.ws_hash.p, md, 32) == 0);
	/* The counter is the one we have: no values. */
	wbuf_init(&w, body, sizeof(body));
	wbuf_lv(&w, 1, res.id_b, NODEID_LEN);
	wbuf_u16(&w, 16);
	wbuf_u32(&w, RELOAD_KIND_VIPR);
	wbuf_u64(&w, wk.wk_generation);
	wbuf_u16(&w, 2);
	wbuf_u16(&w, 0);
	ATF_REQUIRE_EQ(WIRE_STAT_ANS, ask(&nd, WIRE_STAT, body, w.w_len, NULL, 0, 0xff));
	ATF_CHECK_EQ(20, seen.len);
	/* A Kind that nobody knows. */
	body[19] ^= 0x01;
	ATF_CHECK_EQ(-WIRE_E_UNKNOWN_KIND, ask(&nd, WIRE_STAT, body, w.w_len, NULL, 0, 0xff));
	sim_free(si);
}

ATF_TC_WITHOUT_HEAD(find);
ATF_TC_BODY(find, tc)
{
	struct wire_findkind fk;
	struct wire_error we;
	struct nodeid	 res, own;
	struct node_dest nd;
	struct cur	 c, list;
	struct wbuf	 w;
	uint8_t		 body[64], zero[NODEID_LEN] = { 0 };

	setup(3, 34);
	res = far->sn_id;
	nd = dest(WIRE_DEST_RESOURCE, &res);
	nodeid_resource(near->sn_id.id_b, NODEID_LEN, &own);
	plant(far, &res, RELOAD_KIND_VIPR, "value", SIM_WALL);
	plant(far, &own, RELOAD_KIND_CERT_NODE, "certificate", SIM_WALL);
	wbuf_init(&w, body, sizeof(body));
	wbuf_lv(&w, 1, res.id_b, NODEID_LEN);
	wbuf_u8(&w, 12);
	wbuf_u32(&w, RELOAD_KIND_VIPR);
	wbuf_u32(&w, RELOAD_KIND_CERT_NODE);
	wbuf_u32(&w, 0xf0000077);
	ATF_REQUIRE_EQ(WIRE_FIND_ANS, ask(&nd, WIRE_FIND, body, w.w_len, NULL, 0, 0xff));
	cur_init(&c, seen.body, seen.len);
	ATF_REQUIRE_EQ(0, wire_findans_parse(&c, &list, &we));
	/* The directory of numbers is not walked: no entry. */
	ATF_REQUIRE_EQ(1, wire_findkind_next(&list, &fk));
	ATF_CHECK_EQ(RELOAD_KIND_CERT_NODE, fk.wf_kind);
	ATF_CHECK(fk.wf_closest.len == NODEID_LEN &&
	    memcmp(fk.wf_closest.p, own.id_b, NODEID_LEN) == 0);
	ATF_REQUIRE_EQ(1, wire_findkind_next(&list, &fk));
	ATF_CHECK_EQ(0xf0000077, fk.wf_kind);
	ATF_CHECK(fk.wf_closest.len == NODEID_LEN &&
	    memcmp(fk.wf_closest.p, zero, NODEID_LEN) == 0);
	ATF_CHECK_EQ(0, wire_findkind_next(&list, &fk));
	/* The same Kind twice; a resource that is another's. */
	memcpy(body + 26, body + 18, 4);
	ATF_CHECK_EQ(-WIRE_E_INVALID_MESSAGE, ask(&nd, WIRE_FIND, body, w.w_len, NULL, 0, 0xff));
	body[29] ^= 0x01;
	memcpy(body + 1, near->sn_id.id_b, NODEID_LEN);
	ATF_CHECK_EQ(-WIRE_E_NOT_FOUND, ask_far(WIRE_FIND, body, w.w_len));
	sim_free(si);
}

/* No answer exceeds what the requester can take; errors always fit. */
ATF_TC_WITHOUT_HEAD(max_response);
ATF_TC_BODY(max_response, tc)
{
	struct node_dest nd;
	uint8_t		 body[256];
	struct wbuf	 w;
	size_t		 i, size;

	setup(3, 35);
	nd = dest(WIRE_DEST_NODE, &far->sn_id);
	ATF_CHECK_EQ(WIRE_PING_ANS, ask(&nd, WIRE_PING, "\0\0", 2, NULL, 0, 0xff));
	ATF_CHECK_EQ(WIRE_PING_ANS, ask(&nd, WIRE_PING, "\0\0", 2, NULL, 5000, 0xff));
	ATF_CHECK_EQ(-WIRE_E_RESPONSE_TOO_LARGE, ask(&nd, WIRE_PING, "\0\0", 2, NULL, 1, 0xff));
	/* The limit is that of the whole message, to the byte. */
	for (size = 0, i = 100; i < 400 && size == 0; i++) {
		if (ask(&nd, WIRE_PING, "\0\0", 2, NULL, (uint32_t)i, 0xff) == WIRE_PING_ANS)
			size = i;
	}
	ATF_CHECK_EQ_MSG(38 + 18 + 10 + 16 + 2 + 3 + near->sn_certlen + 2 + 37 - 2 + 2 + 2 + 32,
	    size, "%zu", size);
	wbuf_init(&w, body, sizeof(body));
	ATF_CHECK_EQ(-WIRE_E_INVALID_MESSAGE, ask(&nd, WIRE_JOIN, body, 0, NULL, 1, 0xff));
	sim_free(si);
}

ATF_TC_WITHOUT_HEAD(options);
ATF_TC_BODY(options, tc)
{
	static const uint8_t copied[] = { EXP_TYPE, 0, 0, 3, 'a', 'b', 'c' };
	struct node_dest nd;
	struct nodeid	 id;
	int		 i;

	setup(12, 36);
	nd = dest(WIRE_DEST_NODE, &far->sn_id);
	ATF_CHECK_EQ(WIRE_PING_ANS, ask(&nd, WIRE_PING, "\0\0", 2, NULL, 0, 0));
	ATF_CHECK_EQ(0, seen.optslen);
	/* Critical on the way is not critical here, and the other way round. */
	ATF_CHECK_EQ(WIRE_PING_ANS, ask(&nd, WIRE_PING, "\0\0", 2, NULL, 0,
	    WIRE_OPT_FORWARD_CRITICAL));
	ATF_CHECK_EQ(-WIRE_E_UNSUPPORTED_OPTION, ask(&nd, WIRE_PING, "\0\0", 2, NULL, 0,
	    WIRE_OPT_DESTINATION_CRITICAL));
	/* Copied into the answer, the three flags cleared. */
	ATF_CHECK_EQ(WIRE_PING_ANS, ask(&nd, WIRE_PING, "\0\0", 2, NULL, 0,
	    WIRE_OPT_FORWARD_CRITICAL | WIRE_OPT_RESPONSE_COPY));
	ATF_CHECK(seen.optslen == sizeof(copied) &&
	    memcmp(seen.opts, copied, sizeof(copied)) == 0);
	/* Forwarded for somebody else. */
	for (i = 2; i < 12; i++) {
		id = si->si_node[i].sn_id;
		if (node_peer_find(far->sn_node, &id) != NULL)
			break;
	}
	ATF_REQUIRE(i < 12);
	nd = dest(WIRE_DEST_NODE, &id);
	(void)ask(&nd, WIRE_PING, "\0\0", 2, NULL, 0, WIRE_OPT_DESTINATION_CRITICAL);
	ATF_CHECK_EQ(1, seen.forwarded);
	ATF_CHECK_EQ(WIRE_E_UNSUPPORTED_OPTION, seen.error);	/* of that node */
	ATF_CHECK_EQ(-WIRE_E_UNSUPPORTED_OPTION, ask(&nd, WIRE_PING, "\0\0", 2, NULL, 0,
	    WIRE_OPT_FORWARD_CRITICAL));
	ATF_CHECK_EQ(0, seen.forwarded);
	sim_free(si);
}

ATF_TC_WITHOUT_HEAD(extensions);
ATF_TC_BODY(extensions, tc)
{
	struct node_dest nd;
	struct wire_ext	 ext;
	struct wbuf	 w;
	struct cur	 c;
	uint8_t		 buf[64];
	int		 i;

	setup(3, 37);
	nd = dest(WIRE_DEST_NODE, &far->sn_id);
	memset(&ext, 0, sizeof(ext));
	ext.we_type = EXP_TYPE;
	ext.we_value.p = "abc";
	ext.we_value.len = 3;
	for (i = 0; i < 2; i++) {
		ext.we_critical = (uint8_t)i;
		wbuf_init(&w, buf, sizeof(buf));
		wire_ext_write(&w, &ext);
		cur_init(&c, buf, w.w_len);
		ATF_CHECK_EQ(i ? -WIRE_E_UNKNOWN_EXTENSION : WIRE_PING_ANS,
		    ask(&nd, WIRE_PING, "\0\0", 2, &c, 0, 0xff));
	}
	/* One behind another counts as well. */
	wbuf_init(&w, buf, sizeof(buf));
	ext.we_critical = 0;
	wire_ext_write(&w, &ext);
	ext.we_critical = 1;
	wire_ext_write(&w, &ext);
	cur_init(&c, buf, w.w_len);
	ATF_CHECK_EQ(-WIRE_E_UNKNOWN_EXTENSION, ask(&nd, WIRE_PING, "\0\0", 2, &c, 0, 0xff));
	sim_free(si);
}

/* Codes that are nobody's: requests are refused, answers dropped. */
ATF_TC_WITHOUT_HEAD(unknown_codes);
ATF_TC_BODY(unknown_codes, tc)
{
	static const unsigned odd[] = { 0x05, 0x0b, 0x1b, 0x1f, 0x23, 0x25, 0x27, 0x4001 };
	size_t		 i;

	setup(3, 38);
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		ATF_CHECK_EQ(-WIRE_E_INVALID_MESSAGE, ask_far(odd[i], "", 0));
		ATF_CHECK_EQ(0, ask_far(odd[i] + 1, "", 0));
	}
	ATF_CHECK_EQ(0, ask_far(WIRE_ERROR, "\0\2\0\0", 4));
	sim_free(si);
}

/* Who does not know our Kind is told it, once. */
ATF_TC_WITHOUT_HEAD(unknown_kind);
ATF_TC_BODY(unknown_kind, tc)
{
	static const char blob[] = "<kind id=\"4032186704\"></kind>";
	static uint8_t	 sig[16];
	struct reload_doc other;
	struct lookup_result lr;
	char		 number[32];
	int		 i;

	setup(2, 39);
	si->si_doc.rd_kind[0].rk_blob.b_p = (const uint8_t *)blob;
	si->si_doc.rd_kind[0].rk_blob.b_len = sizeof(blob) - 1;
	si->si_doc.rd_kind[0].rk_sig = sig;
	si->si_doc.rd_kind[0].rk_siglen = sizeof(sig);
	other = si->si_doc;
	other.rd_kinds--;
	memmove(&other.rd_kind[0], &other.rd_kind[1], other.rd_kinds * sizeof(other.rd_kind[0]));
	near->sn_node->n_doc = &other;
	for (i = 0; i < 10; i++) {
		(void)snprintf(number, sizeof(number), "+1408555010%d", i);
		(void)sim_lookup(far, number, &lr);
	}
	ATF_CHECK_EQ(1, seen.kinds);
	near->sn_node->n_doc = &si->si_doc;
	sim_free(si);
}

/* A copy that a peer refuses as too old is replaced by what the peer has. */
ATF_TC_WITHOUT_HEAD(newer);
ATF_TC_BODY(newer, tc)
{
	struct nodeid	 res;
	uint64_t	 t = SIM_WALL + 1000;

	setup(2, 40);
	res = far->sn_id;
	plant(far, &res, RELOAD_KIND_VIPR, "old", t);
	plant(near, &res, RELOAD_KIND_VIPR, "newer", t + 1);
	node_clock(far->sn_node, si->si_now, SIM_WALL + si->si_now);
	repl_stored(far->sn_node, &res, RELOAD_KIND_VIPR, 0);
	sim_rewake(far);
	sim_for(si, 2000);
	ATF_CHECK_EQ(1, seen.fetches);
	ATF_CHECK(held(far, &res, "newer") != NULL);
	ATF_CHECK(held(near, &res, "newer") != NULL);
	/* And nothing is fetched when ours is newer, or the same. */
	repl_stored(far->sn_node, &res, RELOAD_KIND_VIPR, 0);
	sim_rewake(far);
	sim_for(si, 2000);
	ATF_CHECK_EQ(1, seen.fetches);
	plant(far, &res, RELOAD_KIND_VIPR, "newest", t + 2);
	repl_stored(far->sn_node, &res, RELOAD_KIND_VIPR, 0);
	sim_rewake(far);
	sim_for(si, 2000);
	ATF_CHECK_EQ(1, seen.fetches);
	ATF_CHECK(held(near, &res, "newest") != NULL);
	ATF_CHECK_EQ(0, far->sn_node->n_nnewer);
	sim_free(si);
}

/* The same in a hand-over of many: the copies wait for the Fetches. */
ATF_TC_WITHOUT_HEAD(newer_range);
ATF_TC_BODY(newer_range, tc)
{
	struct nodeid	 res;
	unsigned	 i, good = 0;

	setup(2, 41);
	for (i = 0; i < 300; i++) {
		res = far->sn_id;
		res.id_b[14] = (uint8_t)(i >> 8);
		res.id_b[15] = (uint8_t)i;
		plant(far, &res, RELOAD_KIND_VIPR, "old", SIM_WALL);
		plant(near, &res, RELOAD_KIND_VIPR, "newer", SIM_WALL + 1);
	}
	node_clock(far->sn_node, si->si_now, SIM_WALL + si->si_now);
	repl_range(far->sn_node, &near->sn_id, &near->sn_id, &near->sn_id, 0, 0, REPL_MOVED);
	sim_rewake(far);
	sim_for(si, 60000);
	for (i = 0; i < 300; i++) {
		res = far->sn_id;
		res.id_b[14] = (uint8_t)(i >> 8);
		res.id_b[15] = (uint8_t)i;
		good += held(far, &res, "newer") != NULL;
	}
	ATF_CHECK_EQ_MSG(300, good, "%u", good);
	sim_free(si);
}

/* A message above max-message-size: its sender is told, by the header alone. */
ATF_TC_WITHOUT_HEAD(too_large);
ATF_TC_BODY(too_large, tc)
{
	struct node_dest nd;
	struct simlink	*sl;
	struct wbuf	 w;
	uint8_t		 contents[64], msg[2048];
	uint64_t	 link = 0;
	size_t		 mark, n, i, head = WIRE_HEADER_MIN + 2 + NODEID_LEN + 2;

	setup(3, 42);
	RB_FOREACH(sl, simlinks, &far->sn_links) {
		if (sl->sl_peer == near && sl->sl_up)
			link = sl->sl_id;
	}
	ATF_REQUIRE(link != 0);
	nd = dest(WIRE_DEST_NODE, &far->sn_id);
	wbuf_init(&w, contents, sizeof(contents));
	mark = wire_contents_open(&w, WIRE_PING);
	wire_ping_write(&w, NULL, 0);
	wire_contents_close(&w, mark, NULL);
	tid = 4712;
	n = sim_message(near, &nd, tid, 100, 1, contents, w.w_len, NULL, 0, msg, sizeof(msg));
	wire_length_set(msg, 200000);
	node_clock(far->sn_node, si->si_now, SIM_WALL + si->si_now);
	for (i = 0; i < head; i++)
		ATF_CHECK_EQ_MSG(1, node_too_large(far->sn_node, link, msg, i), "%zu bytes", i);
	ATF_CHECK_EQ(0, node_too_large(far->sn_node, link, msg, i));
	sim_rewake(far);
	sim_for(si, 300);
	ATF_CHECK_EQ(1, seen.count);
	ATF_CHECK_EQ(WIRE_E_MESSAGE_TOO_LARGE, seen.error);
	/* Not RELOAD, another overlay, an answer: closed without a word. */
	node_clock(far->sn_node, si->si_now, SIM_WALL + si->si_now);
	msg[head - 1] ^= 1;
	ATF_CHECK_EQ(-1, node_too_large(far->sn_node, link, msg, n));
	msg[head - 1] ^= 1;
	msg[4] ^= 1;
	ATF_CHECK_EQ(-1, node_too_large(far->sn_node, link, msg, n));
	msg[4] ^= 1;
	msg[0] ^= 1;
	ATF_CHECK_EQ(-1, node_too_large(far->sn_node, link, msg, n));
	msg[0] ^= 1;
	ATF_CHECK_EQ(-1, node_too_large(far->sn_node, link + 1000, msg, n));
	ATF_CHECK_EQ(1, seen.count);
	/* A header that is too long by itself. */
	si->si_doc.rd_max_message = 50;
	ATF_CHECK_EQ(-1, node_too_large(far->sn_node, link, msg, n));
	si->si_doc.rd_max_message = 100000;
	sim_free(si);
}

/* A node that stops says so: no neighbour waits for its acks, all answer, and
 * it is taken back when it comes again at once. */
ATF_TC_WITHOUT_HEAD(leave);
ATF_TC_BODY(leave, tc)
{
	struct nodeid	 id;
	int		 i, ms;

	setup(8, 43);
	id = far->sn_id;
	node_clock(far->sn_node, si->si_now, SIM_WALL + si->si_now);
	node_leave(far->sn_node);
	sim_rewake(far);
	ATF_CHECK_EQ(6, node_leaving(far->sn_node));
	for (ms = 0; ms < 1000 && node_leaving(far->sn_node) > 0; ms += 10)
		sim_for(si, 10);
	ATF_CHECK_EQ_MSG(0, node_leaving(far->sn_node), "%zu", node_leaving(far->sn_node));
	ATF_CHECK_MSG(ms < 200, "%d ms", ms);
	/* Its links still stand, but nobody counts on it. */
	for (i = 1; i < 8; i++)
		ATF_CHECK_EQ(0, ring_is_neighbour(&si->si_node[i].sn_node->n_ring, &id));
	sim_off(si, 0, 1);
	ATF_CHECK_EQ(0, sim_wrong(si));
	(void)sim_on(si, 0);
	ATF_REQUIRE_EQ(0, sim_join(si, 60000));
	sim_for(si, 15000);
	ATF_CHECK_EQ(0, sim_wrong(si));
	sim_free(si);
}

/* The key process is away: the Leaves end all the same, unsigned. */
ATF_TC_WITHOUT_HEAD(leave_unsigned);
ATF_TC_BODY(leave_unsigned, tc)
{
	setup(3, 44);
	far->sn_nosign = 1;
	node_clock(far->sn_node, si->si_now, SIM_WALL + si->si_now);
	node_leave(far->sn_node);
	sim_rewake(far);
	ATF_CHECK_EQ(2, node_leaving(far->sn_node));
	sim_for(si, 1500);
	ATF_CHECK_EQ(2, node_leaving(far->sn_node));
	sim_off(si, 0, 1);
	sim_for(si, 60000);
	ATF_CHECK_EQ(0, sim_wrong(si));
	sim_free(si);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, leave);
	ATF_TP_ADD_TC(tp, leave_unsigned);
	ATF_TP_ADD_TC(tp, probe);
	ATF_TP_ADD_TC(tp, route_query);
	ATF_TP_ADD_TC(tp, stat);
	ATF_TP_ADD_TC(tp, find);
	ATF_TP_ADD_TC(tp, max_response);
	ATF_TP_ADD_TC(tp, options);
	ATF_TP_ADD_TC(tp, extensions);
	ATF_TP_ADD_TC(tp, unknown_codes);
	ATF_TP_ADD_TC(tp, unknown_kind);
	ATF_TP_ADD_TC(tp, newer);
	ATF_TP_ADD_TC(tp, newer_range);
	ATF_TP_ADD_TC(tp, too_large);
	return (atf_no_error());
}
