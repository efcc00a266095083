/* SPDX-License-Identifier: ISC */
/*
 * Messages made by hand for a simulated network: any via and destination list,
 * options, fragment field.  Included by tests after simnet.h.
 */
#ifndef HAND_H
#define HAND_H

#include "simnet.h"

struct hand {
	uint64_t	 ha_tid;
	uint8_t		 ha_ttl;
	uint16_t	 ha_seq;
	uint32_t	 ha_fragment;
	struct cur	 ha_via, ha_dest, ha_options;
};

static inline void
hand_init(struct hand *ha, uint64_t tid)
{
	memset(ha, 0, sizeof(*ha));
	ha->ha_tid = tid;
	ha->ha_ttl = 100;
	ha->ha_seq = 1;
	ha->ha_fragment = WIRE_FRAG_WHOLE;
	cur_init(&ha->ha_via, NULL, 0);
	cur_init(&ha->ha_dest, NULL, 0);
	cur_init(&ha->ha_options, NULL, 0);
}

/* Contents with that code and body. */
static inline size_t
hand_contents(uint8_t *out, size_t size, unsigned code, const void *body, size_t len)
{
	struct wbuf	 w;
	size_t		 mark;

	wbuf_init(&w, out, size);
	mark = wire_contents_open(&w, (uint16_t)code);
	wbuf_bytes(&w, body, len);
	wire_contents_close(&w, mark, NULL);
	if (wbuf_ok(&w) == -1)
		errx(1, "contents do not fit");
	return (w.w_len);
}

/* A Ping with so much padding. */
static inline size_t
hand_ping(uint8_t *out, size_t size, size_t padding)
{
	struct wbuf	 w;
	uint8_t		*pad;
	size_t		 mark;

	if ((pad = calloc(1, padding + 1)) == NULL)
		err(1, "calloc");
	memset(pad, 'p', padding);
	wbuf_init(&w, out, size);
	mark = wire_contents_open(&w, WIRE_PING);
	wire_ping_write(&w, pad, padding);
	wire_contents_close(&w, mark, NULL);
	free(pad);
	if (wbuf_ok(&w) == -1)
		errx(1, "contents do not fit");
	return (w.w_len);
}

/* Contents and security block, signed as sn. */
static inline size_t
hand_payload(const struct simnode *sn, const struct hand *ha, const void *contents,
    size_t len, uint8_t *out, size_t size)
{
	struct wbuf	 w, iw, bw;
	struct span	 part;
	uint8_t		*in, bucket[128], ident[RELOAD_IDENTITY_LEN], sig[32];

	wbuf_init(&w, out, size);
	wbuf_bytes(&w, contents, len);
	if ((in = malloc(len + 16)) == NULL)
		err(1, "malloc");
	wbuf_init(&iw, in, len + 16);
	wire_msg_input(&iw, sn->sn_sim->si_doc.rd_hash, ha->ha_tid, contents, len);
	part.p = (const char *)in;
	part.len = iw.w_len;
	sim_identity(sn, ident);
	sim_signature(&sn->sn_id, &part, 1, ident, sizeof(ident), sig);
	free(in);
	wbuf_init(&bw, bucket, sizeof(bucket));
	reload_bucket_add(&bw, sn->sn_cert, sn->sn_certlen);
	reload_secblock_write(&w, bucket, bw.w_len, RELOAD_SIG_ECDSA, sn->sn_sha256,
	    sig, sizeof(sig));
	if (wbuf_ok(&w) == -1)
		errx(1, "payload does not fit");
	return (w.w_len);
}

/* Header before payload. */
static inline size_t
hand_header(const struct sim *si, const struct hand *ha, const void *payload, size_t len,
    uint8_t *out, size_t size)
{
	struct wire_header wh;
	struct wbuf	 w;

	wire_header_init(&wh, si->si_doc.rd_hash, ha->ha_seq, ha->ha_ttl, ha->ha_tid);
	wh.wh_fragment = ha->ha_fragment;
	wh.wh_via = ha->ha_via;
	wh.wh_dest = ha->ha_dest;
	wh.wh_options = ha->ha_options;
	wbuf_init(&w, out, size);
	wire_header_write(&w, &wh);
	wbuf_bytes(&w, payload, len);
	if (wbuf_ok(&w) == -1)
		errx(1, "message does not fit");
	wire_length_set(out, w.w_len);
	return (w.w_len);
}

/* Both, and on the wire from one node to the next. */
static inline int
hand_send(struct simnode *signer, struct simnode *from, struct simnode *to,
    const struct hand *ha, const void *contents, size_t clen)
{
	static uint8_t	 payload[131072], msg[131072 + WIRE_LISTS_MAX];
	size_t		 n;

	n = hand_payload(signer, ha, contents, clen, payload, sizeof(payload));
	n = hand_header(signer->sn_sim, ha, payload, n, msg, sizeof(msg));
	return (sim_inject(from, to, msg, n));
}

/* Contents of a Store (replica 0) of one dictionary value, its data signed as sn. */
static inline size_t
hand_store(const struct simnode *sn, const struct nodeid *res, uint32_t kind,
    const char *key, const void *val, size_t vallen, uint64_t time, uint8_t *out,
    size_t size)
{
	struct wire_stored ws;
	struct wire_kinddata wk;
	struct wire_store wt;
	struct wbuf	 w;
	struct span	 part;
	struct cur	 c;
	uint8_t		 in[1024], ident[RELOAD_IDENTITY_LEN], sig[32], sb[128];
	uint8_t		 vals[2048], kinds[2048];
	size_t		 mark;

	memset(&ws, 0, sizeof(ws));
	ws.ws_time = time;
	ws.ws_lifetime = 86400;
	ws.ws_value.wv_key.p = key;
	ws.ws_value.wv_key.len = strlen(key);
	ws.ws_value.wv_exists = 1;
	ws.ws_value.wv_data.p = val;
	ws.ws_value.wv_data.len = vallen;
	wbuf_init(&w, in, sizeof(in));
	wire_data_input(&w, res->id_b, NODEID_LEN, kind, RELOAD_DICTIONARY, time, &ws.ws_value);
	part.p = (const char *)in;
	part.len = w.w_len;
	sim_identity(sn, ident);
	sim_signature(&sn->sn_id, &part, 1, ident, sizeof(ident), sig);
	wbuf_init(&w, sb, sizeof(sb));
	reload_signature_write(&w, RELOAD_SIG_ECDSA, sn->sn_sha256, sig, 32);
	cur_init(&c, sb, w.w_len);
	if (reload_signature_parse(&c, &ws.ws_sig) == -1)
		errx(1, "signature");
	wbuf_init(&w, vals, sizeof(vals));
	wire_stored_write(&w, RELOAD_DICTIONARY, &ws);
	memset(&wk, 0, sizeof(wk));
	wk.wk_kind = kind;
	wk.wk_model = RELOAD_DICTIONARY;
	cur_init(&wk.wk_values, vals, w.w_len);
	wbuf_init(&w, kinds, sizeof(kinds));
	wire_kinddata_write(&w, &wk);
	memset(&wt, 0, sizeof(wt));
	wt.wt_resource.p = (const char *)res->id_b;
	wt.wt_resource.len = NODEID_LEN;
	cur_init(&wt.wt_kinds, kinds, w.w_len);
	wbuf_init(&w, out, size);
	mark = wire_contents_open(&w, WIRE_STORE);
	wire_store_write(&w, &wt);
	wire_contents_close(&w, mark, NULL);
	if (wbuf_ok(&w) == -1)
		errx(1, "store does not fit");
	return (w.w_len);
}

#endif
