/* SPDX-License-Identifier: ISC */
/*
 * The world of the simulation: any number of overlay nodes, the core files of
 * the daemon, in one process and in virtual time.  A binary heap holds what is
 * to happen; nodes are found by slot, address or, in a hash table, by Node-ID.
 * Everything that is random comes from one generator, so that a seed gives the
 * same run to the bit.  Included by sim.c only; everything is static.
 *
 * Signatures are of the length of real ones and certificates too, but cost
 * next to nothing: a plain hash over node and input.
 *
 * Links behave as TLS over TCP does: messages of one link keep their order, a
 * lost packet is a later message, a peer that has lost power is first suspected
 * and then given up, after the same times as in link.c.
 */
#ifndef WORLD_H
#define WORLD_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <err.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "node.h"
#include "regist.h"

#define W_PORT		7000
#define W_WALL		1700000000000ull	/* UTC ms at virtual time 0 */
#define W_CERT_LEN	560	/* of a box's certificate, DER */
#define W_SIG_LEN	71	/* ECDSA P-256, DER */
#define W_SIGN_MS	1
#define W_SUSPECT_MS	2300	/* link.c: no ack for so long */
#define W_DEAD_MS	30000
#define W_CONNECT_MS	5000
#define W_TLS_RECORD	22	/* header, type and tag of a TLS 1.3 record */
#define W_HOPS_MAX	64
#define W_CODES_MAX	64

enum w_type { W_MSG = 1, W_UP, W_DOWN, W_SUSPECT, W_DEAD, W_SIGNED, W_WAKE, W_OFF };

struct wevent {
	uint64_t	 we_id;
	enum w_type	 we_type;
	size_t		 we_len;
	uint8_t		 we_data[];
};

struct wslot {			/* of the heap */
	uint64_t	 ws_at, ws_seq;
	struct wevent	*ws_event;	/* NULL: a wake */
	int		 ws_to;
};

struct wlink {			/* one end */
	uint64_t	 wl_id, wl_peerid;
	uint64_t	 wl_last;	/* delivery of the last message */
	int		 wl_peer;
	uint8_t		 wl_up, wl_inbound, wl_suspect, wl_watched;
};

struct world;
struct wnode {
	struct world	*wn_world;
	int		 wn_index;
	int		 wn_hashnext;
	struct node	*wn_node;	/* NULL: off */
	struct regist	*wn_regist;
	struct nodeid	 wn_id;
	struct vaddr	 wn_addr;
	struct wlink	*wn_links;	/* ids ascend */
	size_t		 wn_nlinks, wn_linkcap;
	uint64_t	 wn_wake;	/* earliest wake in the heap */
	uint64_t	 wn_start, wn_joined;
	uint64_t	 wn_msgs, wn_bytes, wn_forwarded;
	double		 wn_x, wn_y, wn_access;
	int		 wn_first;
	int		 wn_evil;
	int		 wn_dark;	/* goes without a word */
	int		 wn_group;	/* partition */
	uint8_t		 wn_cert[W_CERT_LEN];
	uint8_t		 wn_sha256[32];
};

struct world {
	uint64_t	 w_now, w_seq, w_rand;
	struct wslot	*w_heap;
	size_t		 w_nheap, w_heapcap;
	struct wslot	*w_fifo;	/* signatures: they all take as long */
	size_t		 w_fifohead, w_nfifo, w_fifocap;	/* cap: a power of two */
	size_t		 w_eventbytes;
	struct wnode	**w_node;
	int		 w_nnodes, w_maxnodes, w_nlive;
	int		*w_hash;
	unsigned	 w_hashmask;
	struct reload_doc w_doc;
	double		 w_loss;	/* share of messages */
	int		 w_verbose;
	int		 w_measure;	/* count hops of Fetches */
	uint64_t	 w_hops[W_HOPS_MAX];
	uint64_t	 w_codes[W_CODES_MAX];	/* messages sent, by code */
	uint64_t	 w_msgs, w_bytes, w_signs, w_events, w_digest;
	uint64_t	 w_lookmsgs;	/* sent, of look-ups */
	uint32_t	*w_jointimes;
	size_t		 w_njointimes;
};

static inline uint64_t
w_random64(struct world *w)
{
	w->w_rand ^= w->w_rand >> 12;
	w->w_rand ^= w->w_rand << 25;
	w->w_rand ^= w->w_rand >> 27;
	return (w->w_rand * 2685821657736338717ull);
}

static inline int
w_below(struct world *w, int n)
{
	return ((int)((w_random64(w) >> 16) % (uint64_t)n));
}

static inline double
w_unit(struct world *w)
{
	return ((double)(w_random64(w) >> 11) / 9007199254740992.0);
}

/* -- the heap -- */

static inline int
w_before(const struct wslot *a, const struct wslot *b)
{
	return (a->ws_at != b->ws_at ? a->ws_at < b->ws_at : a->ws_seq < b->ws_seq);
}

static inline void
w_push(struct world *w, uint64_t at, struct wevent *we, int to)
{
	struct wslot	 ws;
	size_t		 i;

	if (w->w_nheap == w->w_heapcap) {
		w->w_heapcap = w->w_heapcap == 0 ? 4096 : 2 * w->w_heapcap;
		if ((w->w_heap = realloc(w->w_heap,
		    w->w_heapcap * sizeof(*w->w_heap))) == NULL)
			err(1, "realloc");
	}
	ws.ws_at = at;
	ws.ws_seq = ++w->w_seq;
	ws.ws_event = we;
	ws.ws_to = to;
	for (i = w->w_nheap++; i > 0 && w_before(&ws, &w->w_heap[(i - 1) / 4]);
	    i = (i - 1) / 4)
		w->w_heap[i] = w->w_heap[(i - 1) / 4];
	w->w_heap[i] = ws;
}

static inline struct wslot
w_pop(struct world *w)
{
	struct wslot	 top = w->w_heap[0], last = w->w_heap[--w->w_nheap];
	size_t		 i = 0, j, best;

	while (4 * i + 1 < w->w_nheap) {
		best = 4 * i + 1;
		for (j = best + 1; j <= 4 * i + 4 && j < w->w_nheap; j++) {
			if (w_before(&w->w_heap[j], &w->w_heap[best]))
				best = j;
		}
		if (!w_before(&w->w_heap[best], &last))
			break;
		w->w_heap[i] = w->w_heap[best];
		i = best;
	}
	w->w_heap[i] = last;
	return (top);
}

/* The same for what happens in the order in which it is put in. */
static inline void
w_queue(struct world *w, uint64_t at, struct wevent *we, int to)
{
	struct wslot	*ws;
	size_t		 i, cap;

	if (w->w_nfifo == w->w_fifocap) {
		cap = w->w_fifocap == 0 ? 1024 : 2 * w->w_fifocap;
		if ((ws = calloc(cap, sizeof(*ws))) == NULL)
			err(1, "calloc");
		for (i = 0; i < w->w_nfifo; i++)
			ws[i] = w->w_fifo[(w->w_fifohead + i) & (w->w_fifocap - 1)];
		free(w->w_fifo);
		w->w_fifo = ws;
		w->w_fifocap = cap;
		w->w_fifohead = 0;
	}
	ws = &w->w_fifo[(w->w_fifohead + w->w_nfifo++) & (w->w_fifocap - 1)];
	ws->ws_at = at;
	ws->ws_seq = ++w->w_seq;
	ws->ws_event = we;
	ws->ws_to = to;
}

/* The next of both, if it is not later than until. */
static inline int
w_take(struct world *w, uint64_t until, struct wslot *ws)
{
	const struct wslot *first = w->w_nfifo > 0 ? &w->w_fifo[w->w_fifohead] : NULL;

	if (w->w_nheap > 0 && (first == NULL || w_before(&w->w_heap[0], first))) {
		if (w->w_heap[0].ws_at > until)
			return (0);
		*ws = w_pop(w);
		return (1);
	}
	if (first == NULL || first->ws_at > until)
		return (0);
	*ws = *first;
	w->w_fifohead = (w->w_fifohead + 1) & (w->w_fifocap - 1);
	w->w_nfifo--;
	return (1);
}

static inline void
w_event(struct wnode *to, enum w_type type, uint64_t at, uint64_t id, const void *data,
    size_t len)
{
	struct wevent	*we;

	if ((we = malloc(sizeof(*we) + len)) == NULL)
		err(1, "malloc");
	we->we_id = id;
	we->we_type = type;
	we->we_len = len;
	if (len > 0)
		memcpy(we->we_data, data, len);
	to->wn_world->w_eventbytes += sizeof(*we) + len;
	if (type == W_SIGNED)
		w_queue(to->wn_world, at, we, to->wn_index);
	else
		w_push(to->wn_world, at, we, to->wn_index);
}

static inline void
w_rewake(struct wnode *wn)
{
	struct world	*w = wn->wn_world;
	uint64_t	 at;

	if (wn->wn_node == NULL || node_next(wn->wn_node, &at) == -1)
		return;
	if (at < w->w_now)
		at = w->w_now;
	if (at >= wn->wn_wake)
		return;
	wn->wn_wake = at;
	w_push(w, at, NULL, wn->wn_index);
}

/* Before each entry into a node. */
static inline void
w_clock(struct wnode *wn)
{
	node_clock(wn->wn_node, wn->wn_world->w_now, W_WALL + wn->wn_world->w_now);
}

/* -- links -- */

static inline struct wlink *
w_link(struct wnode *wn, uint64_t id)
{
	size_t		 lo = 0, hi = wn->wn_nlinks, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (wn->wn_links[mid].wl_id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo < wn->wn_nlinks && wn->wn_links[lo].wl_id == id ? &wn->wn_links[lo] :
	    NULL);
}

static inline void
w_link_add(struct wnode *wn, uint64_t id, struct wnode *peer, uint64_t peerid, int inbound)
{
	struct wlink	*wl;

	if (wn->wn_nlinks == wn->wn_linkcap) {
		wn->wn_linkcap = wn->wn_linkcap == 0 ? 16 : wn->wn_linkcap * 3 / 2;
		if ((wn->wn_links = realloc(wn->wn_links,
		    wn->wn_linkcap * sizeof(*wn->wn_links))) == NULL)
			err(1, "realloc");
	}
	if (wn->wn_nlinks > 0 && wn->wn_links[wn->wn_nlinks - 1].wl_id >= id)
		errx(1, "link ids do not ascend");
	wl = &wn->wn_links[wn->wn_nlinks++];
	memset(wl, 0, sizeof(*wl));
	wl->wl_id = id;
	wl->wl_peer = peer->wn_index;
	wl->wl_peerid = peerid;
	wl->wl_inbound = (uint8_t)inbound;
}

static inline void
w_link_del(struct wnode *wn, struct wlink *wl)
{
	size_t		 i = (size_t)(wl - wn->wn_links);

	wn->wn_nlinks--;
	memmove(wl, wl + 1, (wn->wn_nlinks - i) * sizeof(*wl));
}

/* One way: two places on a map, their last miles, jitter; ms. */
static inline uint64_t
w_latency(const struct wnode *a, const struct wnode *b)
{
	struct world	*w = a->wn_world;
	double		 x = a->wn_x - b->wn_x, y = a->wn_y - b->wn_y, ms;

	ms = a->wn_access + b->wn_access + 40 * ((x < 0 ? -x : x) + (y < 0 ? -y : y));
	ms *= 1 + 0.2 * w_unit(w);
	/* A packet that was lost comes after the sender's timeout. */
	if (w->w_loss > 0 && w_unit(w) < w->w_loss)
		ms += 200 + 3 * ms;
	return ((uint64_t)ms + 1);
}

static inline int
w_reaches(const struct wnode *wn, const struct wlink *wl)
{
	struct wnode	*far = wn->wn_world->w_node[wl->wl_peer];

	return (far->wn_node != NULL && far->wn_group == wn->wn_group &&
	    w_link(far, wl->wl_peerid) != NULL);
}

/* Hops of a Fetch that has come to the responsible peer. */
static inline void
w_hops_count(struct wnode *wn, const uint8_t *msg, size_t len)
{
	struct world	*w = wn->wn_world;
	struct wire_header wh;
	struct wire_error we;
	struct wire_dest wd;
	struct nodeid	 id;
	struct cur	 c;
	int		 hops;

	if (wire_fragment_parse(msg, len, &wh, &we) == -1 || wh.wh_size + 2 > len ||
	    msg[wh.wh_size] != 0 || msg[wh.wh_size + 1] != WIRE_FETCH)
		return;
	c = wh.wh_dest;
	if (wire_dest_next(&c, &wd) != 1 || wd.wd_type != WIRE_DEST_RESOURCE ||
	    wd.wd_id.len != NODEID_LEN)
		return;
	memcpy(id.id_b, wd.wd_id.p, NODEID_LEN);
	if (!node_is_joined(wn->wn_node) || !ring_responsible(&wn->wn_node->n_ring, &id))
		return;
	hops = w->w_doc.rd_initial_ttl - wh.wh_ttl + 1;
	w->w_hops[hops < W_HOPS_MAX ? hops : W_HOPS_MAX - 1]++;
}

/* Code of a message, 0 for an error answer or what is none. */
static inline unsigned
w_code(const uint8_t *msg, size_t len)
{
	size_t		 at = WIRE_HEADER_MIN;
	unsigned	 code;

	if (len < WIRE_HEADER_MIN)
		return (0);
	/* The three lists' lengths end the fixed part. */
	at += (size_t)msg[32] << 8 | msg[33];
	at += (size_t)msg[34] << 8 | msg[35];
	at += (size_t)msg[36] << 8 | msg[37];
	if (at + 2 > len)
		return (0);
	code = (unsigned)msg[at] << 8 | msg[at + 1];
	return (code < W_CODES_MAX ? code : 0);
}

/* Does a look-up send this: Fetch, RouteQuery, a Ping that is no keep-alive? */
static inline int
w_of_lookup(unsigned code, const uint8_t *msg)
{
	size_t		 dest = (size_t)msg[34] << 8 | msg[35];
	size_t		 via = (size_t)msg[32] << 8 | msg[33];

	if (code == WIRE_FETCH || code == WIRE_FETCH_ANS || code == WIRE_ROUTEQUERY ||
	    code == WIRE_ROUTEQUERY_ANS)
		return (1);
	if (code != WIRE_PING && code != WIRE_PING_ANS)
		return (0);
	return (dest > 2 + NODEID_LEN || msg[WIRE_HEADER_MIN + via] == WIRE_DEST_RESOURCE);
}

/* -- what the nodes call -- */

static inline void
w_send(void *arg, uint64_t id, const void *msg, size_t len)
{
	struct wnode	*wn = arg, *far;
	struct world	*w = wn->wn_world;
	struct wlink	*wl = w_link(wn, id);
	uint64_t	 at;
	unsigned	 code = w_code(msg, len);

	if (wl == NULL || !wl->wl_up || (wn->wn_evil && code == WIRE_STORE))
		return;
	w->w_msgs++;
	w->w_codes[code]++;
	w->w_lookmsgs += (uint64_t)w_of_lookup(code, msg);
	wn->wn_msgs++;
	at = len + FRAME_DATA_HEADER + FRAME_ACK_LEN + 2 * W_TLS_RECORD;
	w->w_bytes += at;
	wn->wn_bytes += at;
	if (!w_reaches(wn, wl)) {
		if (!wl->wl_watched) {
			wl->wl_watched = 1;
			w_event(wn, W_SUSPECT, w->w_now + W_SUSPECT_MS, id, NULL, 0);
			w_event(wn, W_DEAD, w->w_now + W_DEAD_MS, id, NULL, 0);
		}
		return;
	}
	far = w->w_node[wl->wl_peer];
	at = w->w_now + w_latency(wn, far);
	if (at <= wl->wl_last)
		at = wl->wl_last;
	wl->wl_last = at;
	w_event(far, W_MSG, at, wl->wl_peerid, msg, len);
}

static inline void
w_connect(void *arg, uint64_t id, const struct vaddr *va)
{
	struct wnode	*wn = arg, *to = NULL;
	struct world	*w = wn->wn_world;
	uint64_t	 rtt, far;
	int		 i;

	i = va->va_addr[1] << 16 | va->va_addr[2] << 8 | va->va_addr[3];
	if (va->va_family == 4 && i < w->w_nnodes)
		to = w->w_node[i];
	if (to == NULL || to == wn || to->wn_node == NULL || to->wn_group != wn->wn_group) {
		/* A port without a process says so; a host without power not. */
		rtt = to == NULL || to->wn_dark || to->wn_group != wn->wn_group ?
		    W_CONNECT_MS : 2 * w_latency(wn, to);
		w_event(wn, W_DOWN, w->w_now + rtt, id, NULL, 0);
		return;
	}
	far = node_link_id(to->wn_node);
	w_link_add(to, far, wn, id, 1);
	w_link_add(wn, id, to, far, 0);
	/* TCP and TLS 1.3: two and a half round trips until both know. */
	rtt = 2 * w_latency(wn, to);
	w_event(wn, W_UP, w->w_now + 2 * rtt, id, NULL, 0);
	w_event(to, W_UP, w->w_now + 2 * rtt + rtt / 2, far, NULL, 0);
	wn->wn_links[wn->wn_nlinks - 1].wl_last = w->w_now + 2 * rtt + rtt / 2;
}

static inline void
w_close(void *arg, uint64_t id)
{
	struct wnode	*wn = arg, *far;
	struct world	*w = wn->wn_world;
	struct wlink	*wl = w_link(wn, id);
	uint64_t	 at;

	if (wl == NULL)
		return;
	far = w->w_node[wl->wl_peer];
	/* Behind what is under way on that link. */
	at = w->w_now + w_latency(wn, far);
	if (at < wl->wl_last)
		at = wl->wl_last;
	if (!wn->wn_dark && far->wn_node != NULL && far->wn_group == wn->wn_group)
		w_event(far, W_DOWN, at, wl->wl_peerid, NULL, 0);
	w_link_del(wn, wl);
}

/* FNV-1a over the node and the input, wherever that is cut into parts. */
static inline void
w_signature(const uint8_t *sha256, const struct span *parts, size_t n, uint8_t *sig)
{
	uint64_t	 h = 14695981039346656037ull;
	size_t		 i, j;

	for (i = 0; i < 16; i++)
		h = (h ^ sha256[i]) * 1099511628211ull;
	for (i = 0; i < n; i++) {
		for (j = 0; j < parts[i].len; j++)
			h = (h ^ (uint8_t)parts[i].p[j]) * 1099511628211ull;
	}
	memset(sig, 0x30, W_SIG_LEN);
	memcpy(sig, &h, sizeof(h));
}

static inline int
w_sign(void *arg, uint64_t id, int type, const void *in, size_t len)
{
	struct wnode	*wn = arg;
	struct span	 part = { in, len };
	uint8_t		 sig[W_SIG_LEN];

	(void)type;
	wn->wn_world->w_signs++;
	w_signature(wn->wn_sha256, &part, 1, sig);
	w_event(wn, W_SIGNED, wn->wn_world->w_now + W_SIGN_MS, id, sig, sizeof(sig));
	return (0);
}

static inline int
w_verify(void *arg, const struct reload_signature *rs, const struct cur *bucket,
    const struct span *parts, size_t n, int64_t now, struct node_signer *ng,
    const char **why)
{
	struct wnode	*wn = arg, *by;
	struct world	*w = wn->wn_world;
	struct span	 der;
	struct cur	 c = *bucket;
	uint8_t		 type, sig[W_SIG_LEN];
	int		 i;

	(void)now;
	while (reload_bucket_next(&c, &type, &der) == 1) {
		if (type != 0 || der.len != W_CERT_LEN)
			continue;
		memcpy(&i, der.p, sizeof(i));
		if (i < 0 || i >= w->w_nnodes || rs->rs_id.ri_value.len != 32)
			continue;
		by = w->w_node[i];
		if (memcmp(rs->rs_id.ri_value.p, by->wn_sha256, 32) != 0)
			continue;
		w_signature(by->wn_sha256, parts, n, sig);
		if (rs->rs_value.len != W_SIG_LEN ||
		    memcmp(rs->rs_value.p, sig, W_SIG_LEN) != 0) {
			*why = "wrong signature";
			return (-1);
		}
		ng->ng_node = by->wn_id;
		memcpy(ng->ng_sha256, by->wn_sha256, 32);
		ng->ng_der = der;
		ng->ng_user = "sim";
		return (0);
	}
	*why = "certificate of the signer is missing";
	return (-1);
}

static inline void
w_random(void *arg, void *buf, size_t len)
{
	struct wnode	*wn = arg;
	uint8_t		*p = buf;
	uint64_t	 v = 0;
	size_t		 i;

	for (i = 0; i < len; i++) {
		if (i % 8 == 0)
			v = w_random64(wn->wn_world);
		p[i] = (uint8_t)(v >> (i % 8 * 8));
	}
}

static inline void
w_log(void *arg, int level, const char *text)
{
	struct wnode	*wn = arg;

	if (wn->wn_world->w_verbose >= level)
		fprintf(stderr, "%10.3f node%d: %s\n",
		    (double)wn->wn_world->w_now / 1000, wn->wn_index, text);
}

/* Nothing is kept on disk: storage in memory is all that a run needs. */
static const struct node_ops w_ops = {
	w_send, w_connect, w_close, w_sign, w_verify, w_random, w_log, NULL, NULL, NULL,
	NULL
};

#endif
