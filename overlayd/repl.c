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
 * core: copies of stored values: to the two successors, to a node that took a
 * part of our range over, and what is too far away is forgotten (RFC 6940, 10.4,
 * 10.5).  One value a request, so that one that is too old holds up no other.
 */

#include <stdlib.h>
#include <string.h>

#include "node.h"

#define JOBS_MAX	64
#define JOB_WINDOW	8	/* requests of a job under way */
#define BUSY_MS		200	/* the signing queue is long */

struct node_job {
	TAILQ_ENTRY(node_job) nj_entry;
	struct node	*nj_node;
	uint64_t	 nj_id;
	struct nodeid	 nj_peer;	/* who gets them */
	struct nodeid	 nj_from, nj_to;	/* (from, to] */
	struct nodeid	 nj_next;	/* next place to look at */
	uint32_t	 nj_nextkind;
	size_t		 nj_skip;	/* values of that place already sent */
	int		 nj_wrapped;	/* in the second part of a range over zero */
	int		 nj_end;	/* nothing is left to send */
	uint64_t	 nj_since;
	enum repl_why	 nj_why;
	unsigned	 nj_out;	/* requests under way */
	uint64_t	 nj_sent;
	struct ntimer	 nj_timer;
};

struct repl_arg {		/* the value that was sent */
	uint64_t	 ra_job;	/* 0: none */
	struct nodeid	 ra_peer, ra_resource;
	uint32_t	 ra_kind;
	size_t		 ra_slotlen;
	uint8_t		 ra_slot[];
};

static int	 repl_is_successor(const struct node *, const struct nodeid *);
static void	 job_run(void *);
static void	 job_free(struct node *, struct node_job *);
static struct node_job *job_find(struct node *, uint64_t);
static struct storage_value *job_value(struct node *, struct node_job *);
static int	 job_in_part(const struct node_job *, const struct nodeid *);
static int	 repl_send(struct node *, const struct nodeid *, struct storage_value *,
		    uint8_t, uint64_t);
static void	 repl_answered(struct node *, const struct node_resp *, void *);

void
repl_clear(struct node *n)
{
	struct node_job	*nj;

	while ((nj = TAILQ_FIRST(&n->n_jobs)) != NULL)
		job_free(n, nj);
}

static void
job_free(struct node *n, struct node_job *nj)
{
	ntimer_del(&n->n_timers, &nj->nj_timer);
	TAILQ_REMOVE(&n->n_jobs, nj, nj_entry);
	free(nj);
}

static struct node_job *
job_find(struct node *n, uint64_t id)
{
	struct node_job	*nj;

	TAILQ_FOREACH(nj, &n->n_jobs, nj_entry) {
		if (nj->nj_id == id)
			return (nj);
	}
	return (NULL);
}

/* A StoreReq with one value as it was written, its signer's certificate along. */
static int
repl_send(struct node *n, const struct nodeid *to, struct storage_value *sv,
    uint8_t replica, uint64_t job)
{
	const struct storage_place *sp = sv->sv_place;
	struct repl_arg	*ra;
	struct node_build b;
	struct node_dest nd;
	struct wire_store wt;
	struct wire_kinddata wk;
	struct wbuf	 w, kw;
	struct cur	 c;
	uint8_t		*buf;
	size_t		 size;
	int		 model;

	model = data_model(sp->sp_kind, n);
	size = (size_t)sv->sv_keylen + sv->sv_vallen + sv->sv_siglen + 128;
	if (model == 0 || (ra = calloc(1, sizeof(*ra) + sv->sv_keylen)) == NULL)
		return (-1);
	ra->ra_job = job;
	ra->ra_peer = *to;
	ra->ra_resource = sp->sp_resource;
	ra->ra_kind = sp->sp_kind;
	ra->ra_slotlen = sv->sv_keylen;
	if (sv->sv_keylen > 0)
		memcpy(ra->ra_slot, SV_KEY(sv), sv->sv_keylen);
	if ((buf = malloc(2 * size)) == NULL || build_open(n, &b, WIRE_STORE) == -1) {
		free(buf);
		free(ra);
		return (-1);
	}
	wbuf_init(&w, buf, size);
	data_value_write(&w, model, sv, storage_left(sv, n->n_wall));
	memset(&wk, 0, sizeof(wk));
	wk.wk_kind = sp->sp_kind;
	wk.wk_generation = sp->sp_generation;
	wk.wk_model = model;
	cur_init(&wk.wk_values, buf, w.w_len);
	wbuf_init(&kw, buf + size, size);
	wire_kinddata_write(&kw, &wk);
	memset(&wt, 0, sizeof(wt));
	wt.wt_resource.p = (const char *)sp->sp_resource.id_b;
	wt.wt_resource.len = NODEID_LEN;
	wt.wt_replica = replica;
	cur_init(&c, kw.w_buf, kw.w_len);
	wt.wt_kinds = c;
	wire_store_write(&b.nb_w, &wt);
	build_cert(&b, sv->sv_cert->sc_der, sv->sv_cert->sc_len);
	if (wbuf_ok(&w) == -1 || wbuf_ok(&kw) == -1)
		(void)wbuf_fail(&b.nb_w);
	free(buf);
	memset(&nd, 0, sizeof(nd));
	nd.nd_type = WIRE_DEST_NODE;
	nd.nd_id = *to;
	if (node_request(n, &b, &nd, 1, 0, repl_answered, ra) != 0)
		return (0);
	free(ra);
	return (-1);
}

void
repl_stored(struct node *n, const struct nodeid *resource, uint32_t kind, uint64_t since)
{
	const struct storage_place *sp;
	const struct nodeid *succ;
	struct storage_value *sv;
	size_t		 i;

	if ((sp = storage_find(&n->n_storage, resource, kind)) == NULL)
		return;
	for (sv = storage_first(sp); sv != NULL; sv = storage_after(sv)) {
		if (sv->sv_received < since || storage_left(sv, n->n_wall) == 0)
			continue;
		for (i = 0; i < 2 && (succ = ring_succ(&n->n_ring, i)) != NULL; i++)
			(void)repl_send(n, succ, sv, (uint8_t)(i + 1), 0);
	}
}

void
repl_range(struct node *n, const struct nodeid *peer, const struct nodeid *from,
    const struct nodeid *to, uint64_t since, uint64_t delay, enum repl_why why)
{
	struct node_job	*nj;
	size_t		 count = 0;

	TAILQ_FOREACH(nj, &n->n_jobs, nj_entry) {
		count++;
		/* A node that asks to join again waits for the first one. */
		if (why == REPL_JOIN && nj->nj_why == REPL_JOIN &&
		    nodeid_eq(&nj->nj_peer, peer))
			return;
		if (nj->nj_why != REPL_JOIN && nj->nj_why == why && nj->nj_sent == 0 &&
		    !nj->nj_end && nodeid_eq(&nj->nj_peer, peer) &&
		    nodeid_eq(&nj->nj_from, from) && nodeid_eq(&nj->nj_to, to))
			return;
	}
	if (count >= JOBS_MAX || (nj = calloc(1, sizeof(*nj))) == NULL) {
		node_log(n, NODE_DEBUG, "too many copies under way, one is left out");
		return;
	}
	nj->nj_node = n;
	nj->nj_id = ++n->n_nextsig;
	nj->nj_peer = *peer;
	nj->nj_from = *from;
	nj->nj_to = *to;
	nj->nj_since = since;
	nj->nj_why = why;
	nodeid_next(from, &nj->nj_next);
	/* A range that does not pass zero has no first part to finish. */
	nj->nj_wrapped = nodeid_cmp(from, to) < 0 || nodeid_is_zero(&nj->nj_next);
	ntimer_set(&nj->nj_timer, job_run, nj);
	ntimer_add(&n->n_timers, &nj->nj_timer, n->n_mono + delay);
	TAILQ_INSERT_TAIL(&n->n_jobs, nj, nj_entry);
}

static int
job_in_part(const struct node_job *nj, const struct nodeid *id)
{
	return (!nj->nj_wrapped || nodeid_cmp(id, &nj->nj_to) <= 0);
}

/* The next value to send, in numerical order from the start of the range. */
static struct storage_value *
job_value(struct node *n, struct node_job *nj)
{
	struct storage_place *sp;
	struct storage_value *sv;
	size_t		 i;

	for (;;) {
		sp = storage_nfind(&n->n_storage, &nj->nj_next, nj->nj_nextkind);
		if (sp == NULL && !nj->nj_wrapped) {
			nj->nj_wrapped = 1;
			memset(&nj->nj_next, 0, sizeof(nj->nj_next));
			nj->nj_nextkind = 0;
			nj->nj_skip = 0;
			continue;
		}
		if (sp == NULL || !job_in_part(nj, &sp->sp_resource))
			return (NULL);
		if (!nodeid_eq(&sp->sp_resource, &nj->nj_next) ||
		    sp->sp_kind != nj->nj_nextkind) {
			nj->nj_next = sp->sp_resource;
			nj->nj_nextkind = sp->sp_kind;
			nj->nj_skip = 0;
		}
		for (i = 0, sv = storage_first(sp); sv != NULL; i++, sv = storage_after(sv)) {
			if (i < nj->nj_skip)
				continue;
			nj->nj_skip++;
			/* The ring may have moved on since the job began. */
			if (nj->nj_why == REPL_COPY &&
			    !ring_responsible(&n->n_ring, &sp->sp_resource))
				continue;
			if (sv->sv_received >= nj->nj_since &&
			    storage_left(sv, n->n_wall) > 0)
				return (sv);
		}
		/* On to the next place; Kind-IDs stay below the largest one. */
		nj->nj_nextkind++;
		nj->nj_skip = 0;
		if (nj->nj_nextkind == 0)
			nodeid_next(&nj->nj_next, &nj->nj_next);
	}
}

static int
repl_is_successor(const struct node *n, const struct nodeid *id)
{
	const struct nodeid *succ;
	size_t		 i;

	for (i = 0; i < 2 && (succ = ring_succ(&n->n_ring, i)) != NULL; i++) {
		if (nodeid_eq(succ, id))
			return (1);
	}
	return (0);
}

static void
job_run(void *arg)
{
	struct node_job	*nj = arg;
	struct node	*n = nj->nj_node;
	struct storage_value *sv;
	struct nodeid	 peer = nj->nj_peer;
	enum repl_why	 why = nj->nj_why;

	if (node_peer_find(n, &peer) == NULL ||
	    (why == REPL_COPY && !repl_is_successor(n, &peer))) {
		job_free(n, nj);
		return;
	}
	while (!nj->nj_end && nj->nj_out < JOB_WINDOW) {
		if (n->n_nsigwait > NODE_SIGN_QUEUE_MAX / 2 || newer_busy(n)) {
			ntimer_add(&n->n_timers, &nj->nj_timer, n->n_mono + BUSY_MS);
			return;
		}
		if ((sv = job_value(n, nj)) == NULL) {
			nj->nj_end = 1;
			break;
		}
		if (repl_send(n, &peer, sv, 1, nj->nj_id) == -1)
			continue;
		nj->nj_out++;
		nj->nj_sent++;
	}
	if (!nj->nj_end || nj->nj_out > 0)
		return;
	if (nj->nj_sent > 0)
		node_log(n, NODE_DEBUG, "%llu values copied",
		    (unsigned long long)nj->nj_sent);
	job_free(n, nj);
	if (why == REPL_JOIN)
		join_hand_over_done(n, &peer);
}

static void
repl_answered(struct node *n, const struct node_resp *resp, void *arg)
{
	struct repl_arg	*ra = arg;
	struct node_job	*nj = NULL;

	if (!n->n_closing) {
		if (ra->ra_job != 0)
			nj = job_find(n, ra->ra_job);
		if (resp->nr_error == WIRE_E_DATA_TOO_OLD ||
		    resp->nr_error == WIRE_E_GENERATION_TOO_LOW)
			newer_fetch(n, &ra->ra_peer, &ra->ra_resource, ra->ra_kind,
			    ra->ra_slot, ra->ra_slotlen);
	}
	free(ra);
	if (nj == NULL)
		return;
	nj->nj_out--;
	ntimer_add(&n->n_timers, &nj->nj_timer, n->n_mono);
}

void
repl_peer_gone(struct node *n, const struct nodeid *id)
{
	struct node_job	*nj, *nnj;

	TAILQ_FOREACH_SAFE(nj, &n->n_jobs, nj_entry, nnj) {
		if (nodeid_eq(&nj->nj_peer, id))
			job_free(n, nj);
	}
}

void
repl_sweep(struct node *n)
{
	struct storage_place *sp, *nsp;
	const struct nodeid *far;

	if ((far = ring_pred(&n->n_ring, RING_NEIGHBOURS - 1)) == NULL ||
	    !TAILQ_EMPTY(&n->n_jobs) || n->n_ring.rg_npeers == RING_NEIGHBOURS)
		return;
	RB_FOREACH_SAFE(sp, storage_places, &n->n_storage.st_places, nsp) {
		if (!nodeid_in(&sp->sp_resource, far, &n->n_self))
			storage_drop(&n->n_storage, sp);
	}
}
