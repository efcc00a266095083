/* SPDX-License-Identifier: ISC */
/*
 * Malicious nodes of the simulated world.  They keep the protocol of the ring, so
 * that they keep their places in it, and sign as they should, but
 * - drop what they ought to forward, but for Attach, Join, Leave and Update,
 * - answer a Fetch, as a responsible node or as one with a copy, with nothing,
 * - acknowledge a Store, forget it and copy it to nobody.
 * Included by sim.c only, after world.h.
 */
#ifndef EVIL_H
#define EVIL_H

#define EVIL_AHEAD	(400 * 86400000ull)	/* all stored data is too old then */

/* Would this node forward it? */
static inline int
evil_forwards(const struct wnode *wn, const uint8_t *msg, size_t len)
{
	struct wire_header wh;
	struct wire_error we;
	struct wire_dest wd;
	struct nodeid	 id;

	if (wire_fragment_parse(msg, len, &wh, &we) == -1)
		return (0);
	while (wire_dest_next(&wh.wh_dest, &wd) == 1 && wd.wd_id.len == NODEID_LEN) {
		memcpy(id.id_b, wd.wd_id.p, NODEID_LEN);
		if (wd.wd_type == WIRE_DEST_RESOURCE)
			return (!node_is_joined(wn->wn_node) ||
			    !ring_responsible(&wn->wn_node->n_ring, &id));
		if (!nodeid_eq(&id, &wn->wn_id) && !nodeid_is_wildcard(&id))
			return (1);
	}
	return (0);
}

/* 1: the message that came is dropped. */
static inline int
evil_swallows(struct wnode *wn, const uint8_t *msg, size_t len)
{
	if (!wn->wn_evil)
		return (0);
	switch (w_code(msg, len)) {
	case WIRE_ATTACH:
	case WIRE_ATTACH_ANS:
	case WIRE_JOIN:
	case WIRE_JOIN_ANS:
	case WIRE_LEAVE:
	case WIRE_LEAVE_ANS:
	case WIRE_UPDATE:
	case WIRE_UPDATE_ANS:
		return (0);
	case WIRE_FETCH:
		if (evil_forwards(wn, msg, len))
			return (1);
		/* What it has is long expired. */
		wn->wn_node->n_wall += EVIL_AHEAD;
		return (0);
	default:
		return (evil_forwards(wn, msg, len));
	}
}

/* The message is through: it knows the time again. */
static inline void
evil_done(struct wnode *wn)
{
	if (wn->wn_node->n_wall >= W_WALL + EVIL_AHEAD)
		wn->wn_node->n_wall -= EVIL_AHEAD;
}

/* That many per cent of the nodes that are on, but for the first of all. */
static inline int
evil_choose(struct world *w, int percent)
{
	struct wnode	*wn;
	int		 want = w->w_nlive * percent / 100, n = 0;

	while (n < want) {
		wn = w->w_node[1 + w_below(w, w->w_nnodes - 1)];
		if (wn->wn_node == NULL || wn->wn_evil)
			continue;
		wn->wn_evil = 1;
		n++;
	}
	return (n);
}

#endif
