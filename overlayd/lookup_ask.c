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
 * core: the requests of a look-up and the routes that they take (vipr-kind(7),
 * Reading).
 */

#include <stdlib.h>
#include <string.h>

#include "lookup_int.h"

static void	 ask_body(struct node_build *, const struct lookup_ask *);
static int	 ask_send(struct lookup_ask *);
static void	 ask_answered(struct node *, const struct node_resp *, void *);
static void	 ask_over(struct lookup_ask *);
static void	 ask_route(struct lookup_ask *);
static int	 ask_used(const struct lookup_ask *, const struct nodeid *);

int
ask_start(struct lookup *lu, struct lookup_place *lp, enum ask_type type,
    const struct nodeid *to, const struct lookup_path *path,
    const struct nodeid *point)
{
	struct lookup_ask *la;
	const struct nodeid *hop;
	struct node	*n = lu->lu_node;

	if (lu->lu_requests >= lu->lu_max ||
	    n->n_nreqs >= NODE_REQS_MAX / 2 || (la = calloc(1, sizeof(*la))) == NULL)
		return (-1);
	la->la_lookup = lu;
	la->la_place = lp;
	la->la_type = type;
	la->la_to = *to;
	la->la_at = n->n_mono;
	if (point != NULL)
		la->la_point = *point;
	TAILQ_INSERT_TAIL(&lu->lu_asks, la, la_entry);
	if (path != NULL)
		la->la_path = *path;
	else if (type != ASK_FIRST)
		ask_route(la);
	if (la->la_path.pa_n > 0)
		la->la_hop = la->la_path.pa_id[0];
	else if (!ring_responsible(&n->n_ring, to) &&
	    (hop = ring_next_hop(&n->n_ring, to)) != NULL)
		la->la_hop = *hop;
	if (ask_send(la) == 0)
		return (0);
	TAILQ_REMOVE(&lu->lu_asks, la, la_entry);
	free(la);
	return (-1);
}

void
ask_free(struct lookup_ask *la)
{
	struct lookup	*lu = la->la_lookup;

	if (la->la_tid != 0) {
		node_cancel(lu->lu_node, la->la_tid);
		ask_over(la);
	}
	TAILQ_REMOVE(&lu->lu_asks, la, la_entry);
	free(la);
}

static void
ask_over(struct lookup_ask *la)
{
	la->la_tid = 0;
	la->la_lookup->lu_open--;
	if (!la->la_late)
		la->la_lookup->lu_young--;
}

static void
ask_body(struct node_build *b, const struct lookup_ask *la)
{
	struct wire_routequery wq;
	struct wire_fetch wf;
	struct wire_spec spec;
	struct wbuf	 w;
	uint8_t		 buf[32];

	memset(&wq, 0, sizeof(wq));
	memset(&wf, 0, sizeof(wf));
	memset(&spec, 0, sizeof(spec));
	switch (la->la_type) {
	case ASK_WHO:
		wire_ping_write(&b->nb_w, NULL, 0);
		break;
	case ASK_GUIDE:
		wq.wq_dest.wd_type = WIRE_DEST_RESOURCE;
		wq.wq_dest.wd_id.p = (const char *)la->la_point.id_b;
		wq.wq_dest.wd_id.len = NODEID_LEN;
		wire_routequery_write(&b->nb_w, &wq);
		break;
	case ASK_FIRST:
	case ASK_PLACE:
	case ASK_HOLDER:
		spec.wp_kind = RELOAD_KIND_VIPR;
		spec.wp_model = RELOAD_DICTIONARY;
		wbuf_init(&w, buf, sizeof(buf));
		wire_spec_write(&w, &spec);
		wf.wf_resource.p = (const char *)la->la_place->lp_resource.id_b;
		wf.wf_resource.len = NODEID_LEN;
		cur_init(&wf.wf_specs, buf, w.w_len);
		wire_fetch_write(&b->nb_w, &wf);
		break;
	}
}

static int
ask_send(struct lookup_ask *la)
{
	struct lookup	*lu = la->la_lookup;
	struct node	*n = lu->lu_node;
	struct node_build b;
	struct node_dest nd[LOOKUP_PATH + 1];
	size_t		 i, count = 0;

	if (build_open(n, &b, la->la_type == ASK_WHO ? WIRE_PING :
	    la->la_type == ASK_GUIDE ? WIRE_ROUTEQUERY : WIRE_FETCH) == -1)
		return (-1);
	ask_body(&b, la);
	memset(nd, 0, sizeof(nd));
	for (i = 0; i < la->la_path.pa_n; i++) {
		if (nodeid_eq(&la->la_path.pa_id[i], &la->la_to))
			break;
		nd[count].nd_type = WIRE_DEST_NODE;
		nd[count++].nd_id = la->la_path.pa_id[i];
	}
	nd[count].nd_type = la->la_type == ASK_HOLDER || la->la_type == ASK_GUIDE ?
	    WIRE_DEST_NODE : WIRE_DEST_RESOURCE;
	nd[count++].nd_id = la->la_to;
	la->la_tid = node_request(n, &b, nd, count, 0, ask_answered, la);
	if (la->la_tid == 0)
		return (-1);
	lu->lu_requests++;
	lu->lu_open++;
	lu->lu_young++;
	return (0);
}

/* Did another ask of this place and kind begin with that hop? */
static int
ask_used(const struct lookup_ask *la, const struct nodeid *hop)
{
	const struct lookup_ask *other;

	TAILQ_FOREACH(other, &la->la_lookup->lu_asks, la_entry) {
		if (other != la && other->la_place == la->la_place &&
		    other->la_type == la->la_type && nodeid_eq(&other->la_hop, hop))
			return (1);
	}
	return (0);
}

/*
 * Another first hop: one that has brought an answer in this look-up already,
 * about something else, or else one that has not been tried.
 */
static void
ask_route(struct lookup_ask *la)
{
	struct lookup	*lu = la->la_lookup;
	struct lookup_ask *other;
	struct nodeid	 used[LOOKUP_REQUESTS_MAX + 1];
	size_t		 nused = 0;

	la->la_path.pa_n = 1;
	TAILQ_FOREACH(other, &lu->lu_asks, la_entry) {
		if (other == la || nodeid_is_zero(&other->la_hop))
			continue;
		if (other->la_good && !ask_used(la, &other->la_hop) &&
		    ring_has(&lu->lu_node->n_ring, &other->la_hop)) {
			la->la_path.pa_id[0] = other->la_hop;
			return;
		}
		if (nused < sizeof(used) / sizeof(used[0]))
			used[nused++] = other->la_hop;
	}
	if (detour_pick(lu->lu_node, &la->la_to, used, nused, &la->la_path.pa_id[0]) == -1)
		la->la_path.pa_n = 0;
}

static void
ask_answered(struct node *n, const struct node_resp *resp, void *arg)
{
	struct lookup_ask *la = arg;
	struct lookup	*lu = la->la_lookup;

	(void)n;
	ask_over(la);
	if (resp->nr_error == 0 && resp->nr_signer != NULL) {
		la->la_good = 1;
		place_answer(la, resp);
	} else {
		if (resp->nr_error == WIRE_E_REQUEST_TIMEOUT && resp->nr_contents != NULL)
			lu->lu_limited++;
		if (!la->la_late)
			lookup_doubt(lu);
		place_silent(la);
	}
	lookup_next(lu);
}

void
ask_expire(struct lookup *lu)
{
	struct lookup_ask *la;

	TAILQ_FOREACH(la, &lu->lu_asks, la_entry) {
		if (la->la_tid == 0 || la->la_late ||
		    lu->lu_node->n_mono - la->la_at < LOOKUP_ROUTE_MS)
			continue;
		la->la_late = 1;
		lu->lu_young--;
		lookup_doubt(lu);
		/* The first ones repeat themselves: their route may be mended. */
		if (la->la_type == ASK_FIRST)
			continue;
		node_cancel(lu->lu_node, la->la_tid);
		ask_over(la);
		place_silent(la);
	}
}
