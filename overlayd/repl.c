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
#define JOINS_MAX	16	/* of these, for nodes that join */
#define JOB_WINDOW	8	/* requests of a job under way */
#define BUSY_MS		200	/* the signing queue is long */
#define JOB_STEP	8192	/* places and values looked at in one turn */
#define STEP_MS		5

struct node_job {
	TAILQ_ENTRY(node_job) nj_entry;
	struct node	*nj_node;
	uint64_t	 nj_id;
	struct nodeid	 nj_peer;	/* who gets them */
	struct nodeid	 nj_from, nj_to;	/* (from, to] */
	struct nodeid	 nj_next;	/* next place to look at ... */
	uint32_t	 nj_kind;	/* ... of this Kind; one after the other */
	size_t		 nj_skip;	/* values of that place already sent */
	int		 nj_over;	/* the range passes zero */
	int		 nj_wrapped;	/* in its second part, or there is one only */
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
static struct storage_value *job_value(struct node *, struct node_job *, unsigned *);
static struct storage_value *job_place_value(struct node *, struct node_job *,
		    const struct storage_place *, unsigned *);
static struct storage_place *job_place(struct node *, struct node_job *);
static void	 job_begin_kind(struct node_job *, uint32_t);
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
	struct storage	*st = &n->n_storage;
	const struct storage_place *sp = storage_place(st, sv);
	struct storage_body sb;
	struct span	 der;
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
	size = sv->sv_len + 128;	/* the record has more than what is sent */
	if (model == 0 || storage_body(st, sv, &sb) == -1 || (ra = calloc(1, sizeof(*ra) + sv->sv_keylen)) == NULL)
		return (-1);
	ra->ra_job = job;
	ra->ra_peer = *to;
	ra->ra_resource = sp->sp_resource;
	ra->ra_kind = sp->sp_kind;
	ra->ra_slotlen = sv->sv_keylen;
	if (sb.sb_slot.len > 0)
		memcpy(ra->ra_slot, sb.sb_slot.p, sb.sb_slot.len);
	if ((buf = malloc(2 * size)) == NULL || build_open(n, &b, WIRE_STORE) == -1) {
		free(buf);
		free(ra);
		return (-1);
	}
	wbuf_init(&w, buf, size);
	if (data_value_write(&w, model, st, sv, storage_left(sv, n->n_wall)) == -1 ||
	    storage_cert(st, sv, &der) == -1)
		(void)wbuf_fail(&b.nb_w);
	else
		build_cert(&b, der.p, der.len);
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
	const struct storage *st = &n->n_storage;
	struct storage_value *sv;
	size_t		 i;

	if ((sp = storage_find(st, resource, kind)) == NULL)
		return;
	for (sv = storage_first(st, sp); sv != NULL; sv = storage_after(st, sv)) {
		if (storage_received(sv) < since || storage_left(sv, n->n_wall) == 0)
			continue;
		for (i = 0; i < 2 && (succ = ring_succ(&n->n_ring, i)) != NULL; i++)
			(void)repl_send(n, succ, sv, (uint8_t)(i + 1), 0);
	}
}

int
repl_range(struct node *n, const struct nodeid *peer, const struct nodeid *from,
    const struct nodeid *to, uint64_t since, uint64_t delay, enum repl_why why)
{
	struct node_job	*nj;
	size_t		 count = 0, joins = 0;

	TAILQ_FOREACH(nj, &n->n_jobs, nj_entry) {
		count++;
		joins += nj->nj_why == REPL_JOIN;
		/* A node that asks to join again waits for the first one. */
		if (why == REPL_JOIN && nj->nj_why == REPL_JOIN &&
		    nodeid_eq(&nj->nj_peer, peer))
			return (0);
		if (nj->nj_why != REPL_JOIN && nj->nj_why == why && nj->nj_sent == 0 &&
		    !nj->nj_end && nodeid_eq(&nj->nj_peer, peer) &&
		    nodeid_eq(&nj->nj_from, from) && nodeid_eq(&nj->nj_to, to))
			return (0);
	}
	if (why == REPL_JOIN && joins >= JOINS_MAX)
		return (-1);
	if (count >= JOBS_MAX || (nj = calloc(1, sizeof(*nj))) == NULL) {
		node_log(n, NODE_DEBUG, "too many copies under way, one is put off");
		n->n_copydue |= why != REPL_JOIN;
		return (-1);
	}
	nj->nj_node = n;
	nj->nj_id = ++n->n_nextsig;
	nj->nj_peer = *peer;
	nj->nj_from = *from;
	nj->nj_to = *to;
	nj->nj_since = since;
	nj->nj_why = why;
	nj->nj_over = nodeid_cmp(from, to) >= 0;
	job_begin_kind(nj, 0);
	ntimer_set(&nj->nj_timer, job_run, nj);
	ntimer_add(&n->n_timers, &nj->nj_timer, n->n_mono + delay);
	TAILQ_INSERT_TAIL(&n->n_jobs, nj, nj_entry);
	return (0);
}

void
repl_again(struct node *n)
{
	const struct nodeid *pred, *far, *succ;
	size_t		 i;

	if (!n->n_copydue || !TAILQ_EMPTY(&n->n_jobs))
		return;
	n->n_copydue = 0;
	if ((pred = ring_pred(&n->n_ring, 0)) == NULL)
		return;
	for (i = 0; i < 2 && (succ = ring_succ(&n->n_ring, i)) != NULL; i++)
		(void)repl_range(n, succ, pred, &n->n_self, 0, 0, REPL_COPY);
	if ((far = ring_pred(&n->n_ring, 1)) != NULL)
		(void)repl_range(n, pred, far, pred, 0, 0, REPL_MOVED);
}

static void
job_begin_kind(struct node_job *nj, uint32_t kind)
{
	nj->nj_kind = kind;
	nj->nj_skip = 0;
	nodeid_next(&nj->nj_from, &nj->nj_next);
	/* A range that does not pass zero has no first part to finish. */
	nj->nj_wrapped = !nj->nj_over || nodeid_is_zero(&nj->nj_next);
}

/* The place to look at now: from the start of the range on, one Kind after the
 * other. */
static struct storage_place *
job_place(struct node *n, struct node_job *nj)
{
	const struct storage *st = &n->n_storage;
	struct storage_place *sp;
	struct nodeid	 zero;

	memset(&zero, 0, sizeof(zero));
	for (;;) {
		sp = storage_nfind(st, &nj->nj_next, nj->nj_kind);
		if (sp != NULL && sp->sp_kind == nj->nj_kind && (!nj->nj_wrapped ||
		    nodeid_cmp(&sp->sp_resource, &nj->nj_to) <= 0)) {
			if (!nodeid_eq(&sp->sp_resource, &nj->nj_next)) {
				nj->nj_next = sp->sp_resource;
				nj->nj_skip = 0;
			}
			return (sp);
		}
		if (!nj->nj_wrapped) {
			nj->nj_wrapped = 1;
			nj->nj_next = zero;
			nj->nj_skip = 0;
			continue;
		}
		if (nj->nj_kind == UINT32_MAX ||
		    (sp = storage_nfind(st, &zero, nj->nj_kind + 1)) == NULL)
			return (NULL);
		job_begin_kind(nj, sp->sp_kind);
	}
}

/* The next value of a place to send. */
static struct storage_value *
job_place_value(struct node *n, struct node_job *nj, const struct storage_place *sp,
    unsigned *step)
{
	const struct storage *st = &n->n_storage;
	struct storage_value *sv;
	size_t		 i;

	/* The ring may have moved on since the job began. */
	if (nj->nj_why == REPL_COPY && !ring_responsible(&n->n_ring, &sp->sp_resource))
		return (NULL);
	for (i = 0, sv = storage_first(st, sp); sv != NULL; i++, sv = storage_after(st, sv)) {
		if (i < nj->nj_skip)
			continue;
		if (*step == 1)
			break;
		(*step)--;
		nj->nj_skip++;
		if (storage_received(sv) >= nj->nj_since && storage_left(sv, n->n_wall) > 0)
			return (sv);
	}
	return (NULL);
}

/* The next value to send; *step counts down what is looked at, and is 0 when
 * the turn is over before one was found. */
static struct storage_value *
job_value(struct node *n, struct node_job *nj, unsigned *step)
{
	struct storage_place *sp;
	struct storage_value *sv;

	while ((sp = job_place(n, nj)) != NULL) {
		if ((sv = job_place_value(n, nj, sp, step)) != NULL)
			return (sv);
		if (--*step == 0)
			return (NULL);
		/* Beyond the last place of the ring is the first. */
		nodeid_next(&nj->nj_next, &nj->nj_next);
		nj->nj_skip = 0;
		if (nodeid_is_zero(&nj->nj_next)) {
			if (!nj->nj_wrapped)
				nj->nj_wrapped = 1;
			else if (nj->nj_kind == UINT32_MAX)
				return (NULL);
			else
				job_begin_kind(nj, nj->nj_kind + 1);
		}
	}
	return (NULL);
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
	unsigned	 step = JOB_STEP;

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
		sv = job_value(n, nj, &step);
		if (step == 0) {
			ntimer_add(&n->n_timers, &nj->nj_timer, n->n_mono + STEP_MS);
			return;
		}
		if (sv == NULL) {
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

int
repl_sweep(struct node *n)
{
	const struct nodeid *far;

	if ((far = ring_pred(&n->n_ring, RING_NEIGHBOURS - 1)) == NULL ||
	    !TAILQ_EMPTY(&n->n_jobs) || n->n_ring.rg_npeers == RING_NEIGHBOURS)
		return (0);
	return (storage_forget(&n->n_storage, far, &n->n_self));
}
