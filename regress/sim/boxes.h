/* SPDX-License-Identifier: ISC */
/*
 * Boxes of the simulated world: made, switched on and off, and the loop that
 * gives them what comes.  Included by sim.c only, after world.h.
 */
#ifndef BOXES_H
#define BOXES_H

/* -- nodes -- */

static inline unsigned
w_hash_of(const struct world *w, const struct nodeid *id)
{
	uint32_t	 h;

	memcpy(&h, id->id_b, sizeof(h));
	return (h & w->w_hashmask);
}

/* The live node of that Node-ID, or NULL. */
static inline struct wnode *
w_find(struct world *w, const struct nodeid *id)
{
	int		 i;

	for (i = w->w_hash[w_hash_of(w, id)]; i >= 0; i = w->w_node[i]->wn_hashnext) {
		if (nodeid_eq(&w->w_node[i]->wn_id, id))
			return (w->w_node[i]);
	}
	return (NULL);
}

static inline void
w_doc_init(struct reload_doc *rd)
{
	struct reload_kind *rk;

	memset(rd, 0, sizeof(*rd));
	(void)snprintf(rd->rd_name, sizeof(rd->rd_name), "overlay.sim");
	rd->rd_hash = 0x3ff83023;
	rd->rd_sequence = 1;
	rd->rd_no_ice = rd->rd_reactive = rd->rd_clients = rd->rd_vipr = 1;
	rd->rd_initial_ttl = 100;
	rd->rd_max_message = 16000;
	rd->rd_reliability_ms = 3000;
	rd->rd_update_s = 600;
	rd->rd_ping_s = 3600;
	rk = &rd->rd_kind[rd->rd_kinds++];
	rk->rk_id = RELOAD_KIND_VIPR;
	rk->rk_model = RELOAD_DICTIONARY;
	rk->rk_policy = RELOAD_VIPR_NODE_KEY_MATCH;
	rk->rk_max_count = 64;
	rk->rk_max_size = 64;
	rk->rk_lifetime = 86400;
	rk->rk_max_per_node = 1;
	rk->rk_quota = 20000;
}

static inline struct world *
w_new(int maxnodes, uint64_t seed)
{
	struct world	*w;
	unsigned	 i;

	if ((w = calloc(1, sizeof(*w))) == NULL ||
	    (w->w_node = calloc((size_t)maxnodes, sizeof(*w->w_node))) == NULL ||
	    (w->w_jointimes = calloc((size_t)maxnodes, sizeof(*w->w_jointimes))) == NULL)
		err(1, "calloc");
	w->w_maxnodes = maxnodes;
	w->w_rand = seed * 2654435761u + 88172645463325252ull;
	w->w_now = 1000;
	for (w->w_hashmask = 1; w->w_hashmask < 2 * (unsigned)maxnodes; w->w_hashmask *= 2)
		continue;
	if ((w->w_hash = malloc(w->w_hashmask * sizeof(*w->w_hash))) == NULL)
		err(1, "malloc");
	for (i = 0; i < w->w_hashmask; i++)
		w->w_hash[i] = -1;
	w->w_hashmask--;
	w_doc_init(&w->w_doc);
	return (w);
}

/* A new box, off. */
static inline struct wnode *
w_box(struct world *w)
{
	struct wnode	*wn;
	char		 host[32];
	double		 u;
	unsigned	 h;
	int		 i = w->w_nnodes;

	if (i == w->w_maxnodes || (wn = calloc(1, sizeof(*wn))) == NULL)
		errx(1, "no room for node %d", i);
	wn->wn_world = w;
	wn->wn_index = i;
	wn->wn_wake = UINT64_MAX;
	w_random(wn, wn->wn_id.id_b, NODEID_LEN);
	(void)snprintf(host, sizeof(host), "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
	if (vaddr_parse(host, W_PORT, &wn->wn_addr) == -1)
		errx(1, "address %s", host);
	wn->wn_x = w_unit(w);
	wn->wn_y = w_unit(w);
	/* Last mile: most are short, a few are very long. */
	u = w_unit(w);
	wn->wn_access = 2 + 6 * u + 60 * u * u * u * u * u * u;
	memset(wn->wn_cert, 0x30, sizeof(wn->wn_cert));
	memcpy(wn->wn_cert, &i, sizeof(i));
	memcpy(wn->wn_cert + sizeof(i), wn->wn_id.id_b, NODEID_LEN);
	(void)crypto_hash_sha256(wn->wn_sha256, wn->wn_cert, sizeof(wn->wn_cert));
	w->w_node[i] = wn;
	w->w_nnodes++;
	h = w_hash_of(w, &wn->wn_id);
	wn->wn_hashnext = w->w_hash[h];
	w->w_hash[h] = i;
	return (wn);
}

static inline void
w_on(struct wnode *wn)
{
	struct world	*w = wn->wn_world;
	struct node_conf nc;
	uint8_t		 secret[REGIST_SECRET_LEN];

	memset(&nc, 0, sizeof(nc));
	nc.nc_self = wn->wn_id;
	nc.nc_cert = wn->wn_cert;
	nc.nc_certlen = sizeof(wn->wn_cert);
	memcpy(nc.nc_sha256, wn->wn_sha256, sizeof(nc.nc_sha256));
	nc.nc_alg = RELOAD_SIG_ECDSA;
	nc.nc_addr = wn->wn_addr;
	nc.nc_pvp = wn->wn_addr;
	nc.nc_pvp.va_port = W_PORT + 1;
	nc.nc_first = wn->wn_first;
	nc.nc_private = 1;
	w_random(wn, secret, sizeof(secret));
	wn->wn_node = node_new(&nc, &w->w_doc, &w_ops, wn, w->w_now, W_WALL + w->w_now);
	if (wn->wn_node == NULL ||
	    (wn->wn_regist = regist_new(wn->wn_node, secret, NULL, NULL)) == NULL)
		err(1, "node");
	wn->wn_start = w->w_now;
	w->w_nlive++;
	node_start(wn->wn_node, NULL, 0);
	w_rewake(wn);
}

/* Off at once.  dark: nobody is told, as when power fails. */
static inline void
w_off(struct wnode *wn, int dark)
{
	if (wn->wn_node == NULL)
		return;
	wn->wn_dark = dark;
	w_clock(wn);
	regist_free(wn->wn_regist);
	node_free(wn->wn_node);
	wn->wn_node = NULL;
	wn->wn_regist = NULL;
	free(wn->wn_links);
	wn->wn_links = NULL;
	wn->wn_nlinks = wn->wn_linkcap = 0;
	wn->wn_world->w_nlive--;
}

/* -- running -- */

static inline void
w_message(struct wnode *wn, const struct wevent *we)
{
	struct world	*w = wn->wn_world;
	struct wlink	*wl = w_link(wn, we->we_id);
	uint64_t	 forwarded;

	if (wl == NULL || !wl->wl_up)
		return;
	if (w->w_measure)
		w_hops_count(wn, we->we_data, we->we_len);
	if (evil_swallows(wn, we->we_data, we->we_len))
		return;
	forwarded = wn->wn_node->n_stats.ns_forwarded;
	if (node_input(wn->wn_node, we->we_id, we->we_data, we->we_len) == -1) {
		w_close(wn, we->we_id);
		node_link_down(wn->wn_node, we->we_id);
	}
	wn->wn_forwarded += wn->wn_node->n_stats.ns_forwarded - forwarded;
	evil_done(wn);
}

/* Acks are overdue on a link, or have come again. */
static inline void
w_overdue(struct wnode *wn, const struct wevent *we)
{
	struct wlink	*wl = w_link(wn, we->we_id);
	int		 reaches;

	if (wl == NULL)
		return;
	reaches = w_reaches(wn, wl);
	if (we->we_type == W_DEAD && !reaches) {
		w_close(wn, we->we_id);
		node_link_down(wn->wn_node, we->we_id);
		return;
	}
	if (we->we_type == W_DEAD)
		wl->wl_watched = 0;
	if (wl->wl_suspect != !reaches) {
		wl->wl_suspect = !reaches;
		node_link_suspect(wn->wn_node, we->we_id, !reaches);
	}
}

static inline void
w_deliver(struct wnode *wn, const struct wevent *we)
{
	struct world	*w = wn->wn_world;
	struct wlink	*wl;

	if (wn->wn_node == NULL)
		return;
	w->w_events++;
	w->w_digest = (w->w_digest ^ (w->w_now << 20 ^ (uint64_t)wn->wn_index << 4 ^
	    we->we_type ^ we->we_len << 44)) * 1099511628211ull;
	w_clock(wn);
	switch (we->we_type) {
	case W_MSG:
		w_message(wn, we);
		break;
	case W_UP:
		if ((wl = w_link(wn, we->we_id)) == NULL)
			break;
		wl->wl_up = 1;
		if (node_link_up(wn->wn_node, we->we_id, &w->w_node[wl->wl_peer]->wn_id,
		    &w->w_node[wl->wl_peer]->wn_addr, wl->wl_inbound) == -1)
			w_close(wn, we->we_id);
		break;
	case W_DOWN:
		if ((wl = w_link(wn, we->we_id)) != NULL)
			w_link_del(wn, wl);
		node_link_down(wn->wn_node, we->we_id);
		break;
	case W_SUSPECT:
	case W_DEAD:
		w_overdue(wn, we);
		break;
	case W_SIGNED:
		node_signed(wn->wn_node, we->we_id, 0, we->we_data, we->we_len);
		break;
	case W_OFF:
		w_off(wn, 0);
		return;
	case W_WAKE:
		break;
	}
	w_rewake(wn);
}

/* Run until the given virtual time. */
static inline void
w_run(struct world *w, uint64_t until)
{
	struct wslot	 ws;
	struct wnode	*wn;
	uint64_t	 at;

	while (w_take(w, until, &ws)) {
		wn = w->w_node[ws.ws_to];
		w->w_now = ws.ws_at;
		if (ws.ws_event != NULL) {
			w_deliver(wn, ws.ws_event);
			w->w_eventbytes -= sizeof(*ws.ws_event) + ws.ws_event->we_len;
			free(ws.ws_event);
		} else if (ws.ws_at == wn->wn_wake) {
			wn->wn_wake = UINT64_MAX;
			if (wn->wn_node == NULL)
				continue;
			if (node_next(wn->wn_node, &at) == 0 && at <= w->w_now) {
				w_clock(wn);
				node_run(wn->wn_node);
			}
			w_rewake(wn);
		} else
			continue;
		if (wn->wn_joined == 0 && wn->wn_node != NULL && node_is_joined(wn->wn_node)) {
			wn->wn_joined = w->w_now;
			w->w_jointimes[w->w_njointimes++] = (uint32_t)(w->w_now - wn->wn_start);
		}
	}
	if (w->w_now < until)
		w->w_now = until;
}

#endif
