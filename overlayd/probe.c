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
 * core: what a node says of itself: Ping, Probe, RouteQuery (RFC 6940, 6.5.3,
 * 6.4.2.5, 6.4.2.4).
 */

#include <string.h>

#include "node.h"

void
ping_in(struct node *n, struct node_in *in)
{
	struct wire_pingans wp;
	struct wire_error we;
	struct node_build b;
	struct span	 padding;

	if (wire_ping_parse(&in->ni_msg->wm_contents.wc_body, &padding, &we) == -1) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, wire_strerror(we.we_reason));
		return;
	}
	if (build_open(n, &b, WIRE_PING_ANS) == -1)
		return;
	wp.wp_id = node_rand64(n);
	wp.wp_time = n->n_wall;
	wire_pingans_write(&b.nb_w, &wp);
	node_answer(n, in, &b);
}

void
probe_in(struct node *n, struct node_in *in)
{
	struct wire_probe wp;
	struct wire_error we;
	struct node_build b;
	struct wbuf	 w;
	struct cur	 list;
	uint8_t		 buf[255 * 6];
	size_t		 i;

	if (wire_probe_parse(&in->ni_msg->wm_contents.wc_body, &wp, &we) == -1) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, wire_strerror(we.we_reason));
		return;
	}
	wbuf_init(&w, buf, sizeof(buf));
	for (i = 0; i < wp.wp_types.len; i++) {
		switch ((uint8_t)wp.wp_types.p[i]) {
		case WIRE_PROBE_SET:
			wire_probeinfo_write(&w, WIRE_PROBE_SET,
			    n->n_join == JOIN_DONE ? ring_share_ppb(&n->n_ring) : 0);
			break;
		case WIRE_PROBE_RESOURCES:
			wire_probeinfo_write(&w, WIRE_PROBE_RESOURCES,
			    (uint32_t)n->n_storage.st_nplaces);
			break;
		case WIRE_PROBE_UPTIME:
			wire_probeinfo_write(&w, WIRE_PROBE_UPTIME,
			    (uint32_t)((n->n_mono - n->n_started) / 1000));
			break;
		default:
			break;
		}
	}
	if (build_open(n, &b, WIRE_PROBE_ANS) == -1)
		return;
	cur_init(&list, buf, w.w_len);
	wire_probeans_write(&b.nb_w, &list);
	node_answer(n, in, &b);
}

void
routequery_in(struct node *n, struct node_in *in)
{
	struct wire_routequery wq;
	struct wire_error we;
	struct node_build b;
	struct nodeid	 id, next, peer = in->ni_signer.ng_node;
	const struct nodeid *hop;

	if (wire_routequery_parse(&in->ni_msg->wm_contents.wc_body, &wq, &we) == -1) {
		node_error(n, in, WIRE_E_INVALID_MESSAGE, wire_strerror(we.we_reason));
		return;
	}
	if ((wq.wq_dest.wd_type != WIRE_DEST_NODE &&
	    wq.wq_dest.wd_type != WIRE_DEST_RESOURCE) ||
	    wq.wq_dest.wd_id.len != NODEID_LEN) {
		node_error(n, in, WIRE_E_FORBIDDEN, "destination type");
		return;
	}
	memcpy(id.id_b, wq.wq_dest.wd_id.p, NODEID_LEN);
	next = n->n_self;
	if (n->n_join == JOIN_CLIENT)
		next = *client_hop(n, &id);
	else if (!ring_responsible(&n->n_ring, &id)) {
		if (node_peer_find(n, &id) != NULL)
			next = id;
		else if ((hop = ring_next_hop(&n->n_ring, &id)) != NULL)
			next = *hop;
	}
	if (build_open(n, &b, WIRE_ROUTEQUERY_ANS) == -1)
		return;
	wbuf_bytes(&b.nb_w, next.id_b, NODEID_LEN);
	node_answer(n, in, &b);
	if (wq.wq_send_update && node_peer_find(n, &peer) != NULL)
		update_send(n, &peer, WIRE_FULL);
}
