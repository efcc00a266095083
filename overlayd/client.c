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
 * core: this node as a client (RFC 6940, 4.2): attached to the peer that is
 * responsible for its Node-ID, so that messages for it arrive there and are
 * handed on; never in the ring, so it sends no Join and no Update and holds
 * nothing for others.  When the range passes to another peer, so does the
 * client.
 *
 * An Update that names a nearer node is a reason to ask, and no more: the
 * question is a Ping to the resource behind our Node-ID, which the responsible
 * peer answers, whoever has said what.  The same Ping, once a minute, finds what
 * no Update told.
 */

#include <string.h>

#include "certstore.h"
#include "node.h"

#define CHECK_MS	60000
#define SOON_MS		200
#define AGAIN_MS	3000
#define PEERS_MAX	6	/* links kept besides that to the admitting peer */
#define RESERVE		2	/* of these, ones that are sought */

static void	 client_place(const struct node *, struct node_dest *);
static void	 client_answered(struct node *, const struct node_resp *, void *);
static void	 client_moved(struct node *, int, const struct nodeid *, void *);
static void	 client_drop(struct node *, const struct nodeid *);
static void	 client_prune(struct node *);
static void	 client_again(struct node *, uint64_t);
static void	 client_reserve(struct node *, struct cur);
static void	 client_refused(struct node *);

/* The resource that the peer responsible for us answers for. */
static void
client_place(const struct node *n, struct node_dest *nd)
{
	memset(nd, 0, sizeof(*nd));
	nd->nd_type = WIRE_DEST_RESOURCE;
	nodeid_next(&n->n_self, &nd->nd_id);
}

static void
client_again(struct node *n, uint64_t ms)
{
	ntimer_add(&n->n_timers, &n->n_jointimer, n->n_mono + ms / 2 +
	    node_rand(n, (uint32_t)ms));
}

int
client_start(struct node *n)
{
	config_sweep(n);
	if (n->n_doc->rd_clients)
		return (0);
	client_refused(n);
	return (-1);
}

static void
client_refused(struct node *n)
{
	node_log(n, NODE_WARN, "alarm: overlay %s: document %u permits no clients, and this "
	    "node is configured as one: it stays outside", n->n_doc->rd_name,
	    n->n_doc->rd_sequence);
}

void
client_document(struct node *n)
{
	struct node_link *nl;

	if (n->n_join == JOIN_LEFT)
		return;
	if (n->n_doc->rd_clients) {
		join_start(n);
		return;
	}
	client_refused(n);
	n->n_join = JOIN_IDLE;
	join_clear(n);
	while ((nl = RB_MIN(node_links, &n->n_links)) != NULL)
		node_link_drop(n, nl);
	join_clear(n);
}

void
client_attached(struct node *n, const struct nodeid *ap)
{
	char		 hex[NODEID_HEXLEN];

	n->n_ap = *ap;
	n->n_join = JOIN_CLIENT;
	n->n_bootlink = 0;
	n->n_jointries = 0;
	n->n_clientbusy = 0;
	n->n_stats.ns_joins++;
	client_again(n, CHECK_MS);
	node_log(n, NODE_INFO, "attached to the overlay as a client, by node %s",
	    nodeid_hex(ap, hex));
	if (n->n_joined != NULL)
		n->n_joined(n);
	if (n->n_certstore != NULL)
		certstore_joined(n->n_certstore);
}

const struct nodeid *
client_hop(const struct node *n, const struct nodeid *id)
{
	const struct nodeid *hop;

	/* Peers that have sent an Update; before the first, who took us in. */
	hop = ring_next_hop(&n->n_ring, id);
	return (hop != NULL ? hop : &n->n_ap);
}

/* Who will be responsible when the peer that is now has gone: a second and a third
 * link, or its end would leave us outside. */
static void
client_reserve(struct node *n, struct cur list)
{
	struct nodeid	 id;
	const uint8_t	*p;
	unsigned	 max = RESERVE;

	while (max-- > 0 && n->n_ring.rg_npeers <= RESERVE && wire_node_next(&list, &p) == 1) {
		memcpy(id.id_b, p, NODEID_LEN);
		attach_candidate(n, &id, &n->n_ap);
	}
}

/* The range that we are in may have passed to a node that is named here. */
void
client_update(struct node *n, const struct nodeid *from, const struct wire_update *wu)
{
	const struct cur list[] = { wu->wu_pred, wu->wu_succ };
	struct nodeid	 id = *from;
	struct cur	 c;
	const uint8_t	*p;
	size_t		 i;
	int		 nearer;

	nearer = nodeid_dist_cmp(&n->n_self, &id, &n->n_ap) < 0;
	for (i = 0; i < 2 && wu->wu_type != WIRE_PEER_READY; i++) {
		c = list[i];
		while (wire_node_next(&c, &p) == 1) {
			memcpy(id.id_b, p, NODEID_LEN);
			nearer |= !nodeid_eq(&id, &n->n_self) &&
			    nodeid_dist_cmp(&n->n_self, &id, &n->n_ap) < 0;
		}
	}
	if (wu->wu_type != WIRE_PEER_READY && nodeid_eq(from, &n->n_ap))
		client_reserve(n, wu->wu_succ);
	if (nearer && !n->n_clientbusy && n->n_jointimer.nt_at > n->n_mono + 2 * SOON_MS)
		client_again(n, SOON_MS);
}

/* The peers that we are linked to and that can be routed through have changed. */
void
client_ring(struct node *n)
{
	if (n->n_ring.rg_npeers == 0) {
		node_log(n, NODE_WARN, "all peers of the overlay lost, attaching again");
		join_again(n);
		return;
	}
	if (node_peer_find(n, &n->n_ap) == NULL &&
	    n->n_jointimer.nt_at > n->n_mono + AGAIN_MS)
		client_again(n, SOON_MS);
}

/* From the join timer: who is responsible for us? */
void
client_check(struct node *n)
{
	struct node_build b;
	struct node_dest nd;

	client_again(n, CHECK_MS);
	client_prune(n);
	if (n->n_clientbusy || build_open(n, &b, WIRE_PING) == -1)
		return;
	wire_ping_write(&b.nb_w, NULL, 0);
	client_place(n, &nd);
	if (node_request(n, &b, &nd, 1, 0, client_answered, NULL) != 0)
		n->n_clientbusy = 1;
}

static void
client_answered(struct node *n, const struct node_resp *resp, void *arg)
{
	struct node_dest nd;
	struct nodeid	 id;

	(void)arg;
	if (n->n_closing)
		return;
	n->n_clientbusy = 0;
	if (n->n_join != JOIN_CLIENT)
		return;
	if (resp->nr_contents == NULL) {
		/* Five Pings on the way of all our messages were lost. */
		id = *client_hop(n, &n->n_self);
		client_drop(n, &id);
		if (n->n_join == JOIN_CLIENT)
			client_again(n, AGAIN_MS);
		return;
	}
	if (resp->nr_error != 0) {
		client_again(n, AGAIN_MS);
		return;
	}
	id = resp->nr_signer->ng_node;
	if (nodeid_eq(&id, &n->n_ap) && node_peer_find(n, &id) != NULL)
		return;
	if (nodeid_eq(&id, &n->n_self))
		return;		/* somebody thinks that we are in the ring */
	client_place(n, &nd);
	if (attach_start(n, &nd, 1, 0, client_moved, NULL) == 0)
		n->n_clientbusy = 1;
	else
		client_again(n, AGAIN_MS);
}

static void
client_moved(struct node *n, int ok, const struct nodeid *id, void *arg)
{
	char		 hex[NODEID_HEXLEN];

	(void)arg;
	n->n_clientbusy = 0;
	if (n->n_join != JOIN_CLIENT)
		return;
	if (!ok) {
		client_again(n, AGAIN_MS);
		return;
	}
	if (!nodeid_eq(&n->n_ap, id))
		node_log(n, NODE_INFO, "node %s is responsible for this client now",
		    nodeid_hex(id, hex));
	n->n_ap = *id;
	client_prune(n);
}

static void
client_drop(struct node *n, const struct nodeid *id)
{
	struct node_peer *np;
	struct node_link *nl;

	while ((np = node_peer_find(n, id)) != NULL &&
	    (nl = TAILQ_FIRST(&np->np_links)) != NULL)
		node_link_drop(n, nl);
}

/* Of peers that were responsible once the ones used last are kept. */
static void
client_prune(struct node *n)
{
	struct node_peer *np, *worst;
	struct nodeid	 id;

	while (n->n_npeers > PEERS_MAX + 1) {
		worst = NULL;
		RB_FOREACH(np, node_peers, &n->n_peers) {
			if (!nodeid_eq(&np->np_id, &n->n_ap) &&
			    (worst == NULL || np->np_used < worst->np_used))
				worst = np;
		}
		if (worst == NULL)
			return;
		id = worst->np_id;
		client_drop(n, &id);
	}
}
