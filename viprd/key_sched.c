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
 * core: when a call is proven and with whom (pvp(7)): the moment of the
 * look-up, the claimants and their moments, retries, repeats after a lost
 * answer.  The moments are part of the secret and live only here.
 */

#include <sys/types.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "key_core.h"

#define LOOKUP_MS	(120 * 1000ULL)	/* pvpd answers within */
#define TRY_MS		(180 * 1000ULL)	/* an attempt ends within */
#define AWAY_MS		5000		/* pvpd is away: ask again */
#define LEVEL_MAX	5		/* a day doubled five times: 32 */

struct candidate {
	const uint8_t	*ca_node;
	int		 ca_proven;
	unsigned	 ca_fails;
	uint64_t	 ca_random;
};

static uint64_t	 ksched_giveup(const struct kcore *, const struct vcr *);
static uint64_t	 ksched_last(const struct kcore *, const struct vcr *);
static uint64_t	 ksched_lookup_pause(struct kcore *);
static void	 ksched_lookup(struct kcore *, struct vcr *);
static void	 ksched_lookup_failed(struct kcore *, struct vcr *);
static void	 ksched_claimant_due(struct kcore *, struct vcr *, unsigned);
static void	 ksched_drop_late(struct kcore *, struct vcr *);
static void	 ksched_settle(struct vcr *);
static void	 ksched_changed(struct kcore *, struct vcr *);
static int	 candidate_cmp(const void *, const void *);
static size_t	 ksched_candidates(struct kcore *, const uint8_t *, size_t,
		    struct candidate *);
static void	 ksched_try_free(struct kcore *, struct ktry *);
static int	 ksched_verify_one(struct kcore *, struct vcr *);

/* Nothing is tried after this: 25 h when the last moment drawn is 24 h. */
static uint64_t
ksched_giveup(const struct kcore *kc, const struct vcr *v)
{
	const struct conf	*cf = kc->kc_conf;
	uint64_t		 s;

	s = (uint64_t)cf->c_try_max * 25 / 24;
	if (s > cf->c_retain)
		s = cf->c_retain;
	return (v->v_stop + s * 1000);
}

static uint64_t
ksched_last(const struct kcore *kc, const struct vcr *v)
{
	return (v->v_stop + (uint64_t)kc->kc_conf->c_try_max * 1000);
}

/* 10 to 20 min after a look-up that failed, less where all delays are short. */
static uint64_t
ksched_lookup_pause(struct kcore *kc)
{
	uint64_t	 base;

	base = (uint64_t)kc->kc_conf->c_try_max * 1000 / 96;
	if (base < 1000)
		base = 1000;
	if (base > 600 * 1000)
		base = 600 * 1000;
	return (kcore_draw(kc, base, 2 * base));
}

int
ksched_new(struct kcore *kc, struct vcr *v)
{
	const struct conf	*cf = kc->kc_conf;
	struct vcr_sched	*vs;
	uint64_t		 low, high;

	if ((vs = v->v_sched = calloc(1, sizeof(*vs))) == NULL)
		return (-1);
	low = v->v_stop + (uint64_t)cf->c_delay_min * 1000;
	high = v->v_stop + (uint64_t)cf->c_delay_max * 1000;
	if (low < kc->kc_now)
		low = kc->kc_now;
	vs->vs_state = VS_LOOKUP;
	vs->vs_moment = kcore_draw(kc, low, high);
	return (0);
}

/* A claimant whose moment counts: something happens at cl_moment. */
static int
claimant_open(const struct claimant *cl)
{
	return (cl->cl_state == CL_PENDING || cl->cl_state == CL_UNDERWAY ||
	    cl->cl_state == CL_CLAIMED);
}

uint64_t
ksched_next(const struct kcore *kc, const struct vcr *v)
{
	const struct vcr_sched	*vs = v->v_sched;
	uint64_t		 next = KEY_NEVER;
	unsigned		 i;

	if (vs == NULL || kc->kc_conf == NULL)
		return (KEY_NEVER);
	switch (vs->vs_state) {
	case VS_LOOKUP:
	case VS_LOOKING:
		return (vs->vs_moment);
	case VS_TRYING:
		for (i = 0; i < vs->vs_count; i++)
			if (claimant_open(&vs->vs_claim[i]) &&
			    vs->vs_claim[i].cl_moment < next)
				next = vs->vs_claim[i].cl_moment;
		return (next);
	default:
		return (KEY_NEVER);
	}
}

void
ksched_due(struct kcore *kc, struct vcr *v)
{
	struct vcr_sched	*vs = v->v_sched;
	unsigned		 i;

	if (kc->kc_now > ksched_giveup(kc, v)) {
		ksched_drop_late(kc, v);
		return;
	}
	switch (vs->vs_state) {
	case VS_LOOKUP:
		ksched_lookup(kc, v);
		break;
	case VS_LOOKING:
		ksched_lookup_failed(kc, v);
		break;
	case VS_TRYING:
		for (i = 0; i < vs->vs_count; i++)
			if (claimant_open(&vs->vs_claim[i]) &&
			    vs->vs_claim[i].cl_moment <= kc->kc_now)
				ksched_claimant_due(kc, v, i);
		break;
	default:
		break;
	}
}

/* Too late: what is under way may end, nothing else begins. */
static void
ksched_drop_late(struct kcore *kc, struct vcr *v)
{
	struct vcr_sched	*vs = v->v_sched;
	struct claimant		*cl;
	struct ktry		*tr;
	unsigned		 i;

	for (i = 0; i < vs->vs_count; i++) {
		cl = &vs->vs_claim[i];
		if (!claimant_open(cl) || cl->cl_moment > kc->kc_now)
			continue;
		if ((tr = ksched_try_find(kc, cl->cl_try)) != NULL)
			ksched_try_free(kc, tr);
		cl->cl_try = 0;
		cl->cl_state = CL_DROPPED;
	}
	if (vs->vs_state != VS_TRYING)
		vs->vs_state = VS_DONE;
	ksched_changed(kc, v);
}

/* -- look-up -- */

static void
ksched_lookup(struct kcore *kc, struct vcr *v)
{
	struct vcr_sched	*vs = v->v_sched;

	if (!vs->vs_force && klimit_negative(kc, v->v_called)) {
		vs->vs_state = VS_DONE;
		ksched_changed(kc, v);
		return;
	}
	if (kc->kc_ops->ko_lookup(kc->kc_arg, v->v_id, v->v_called) == -1) {
		vs->vs_moment = kc->kc_now + kcore_draw(kc, 1000, AWAY_MS);
		return;
	}
	kc->kc_stats.st_lookups++;
	vs->vs_state = VS_LOOKING;
	vs->vs_moment = kc->kc_now + LOOKUP_MS;
}

static void
ksched_lookup_failed(struct kcore *kc, struct vcr *v)
{
	struct vcr_sched	*vs = v->v_sched;

	vs->vs_state = VS_LOOKUP;
	vs->vs_moment = kc->kc_now + ksched_lookup_pause(kc);
	if (++vs->vs_lookups >= KEY_LOOKUPS_MAX ||
	    vs->vs_moment > ksched_giveup(kc, v))
		vs->vs_state = VS_DONE;
	ksched_changed(kc, v);
}

static int
candidate_cmp(const void *a, const void *b)
{
	const struct candidate	*x = a, *y = b;

	if (x->ca_proven != y->ca_proven)
		return (x->ca_proven ? -1 : 1);
	if (x->ca_fails != y->ca_fails)
		return (x->ca_fails < y->ca_fails ? -1 : 1);
	return (x->ca_random < y->ca_random ? -1 : x->ca_random > y->ca_random);
}

/* Each Node-ID once, not our own, none that waits; in the order of pvp(7). */
static size_t
ksched_candidates(struct kcore *kc, const uint8_t *nodes, size_t n,
    struct candidate *out)
{
	const uint8_t	*node;
	struct kpeer	*pe;
	size_t		 count = 0, i, j;

	for (i = 0; i < n && count < OV_LOOKUP_MAX; i++) {
		node = nodes + i * NODEID_LEN;
		if (memcmp(node, kc->kc_node, NODEID_LEN) == 0)
			continue;
		for (j = 0; j < count; j++)
			if (memcmp(out[j].ca_node, node, NODEID_LEN) == 0)
				break;
		if (j < count)
			continue;
		pe = klimit_peer(kc, node, 0);
		if (pe != NULL && pe->pe_until > kc->kc_now)
			continue;
		out[count].ca_node = node;
		out[count].ca_proven = pe != NULL && pe->pe_proven != 0;
		out[count].ca_fails = pe != NULL ? pe->pe_fails : 0;
		kcore_random(kc, &out[count].ca_random,
		    sizeof(out[count].ca_random));
		count++;
	}
	qsort(out, count, sizeof(*out), candidate_cmp);
	return (count < KEY_CLAIMANTS_MAX ? count : KEY_CLAIMANTS_MAX);
}

void
ksched_claimants(struct kcore *kc, uint64_t id, int error, const uint8_t *nodes,
    size_t n)
{
	struct candidate	 cand[OV_LOOKUP_MAX];
	struct vcr_sched	*vs;
	struct claimant		*cl;
	struct vcr		*v;
	uint64_t		 high;
	size_t			 count, i, j;

	if ((v = kcall_find(kc, id)) == NULL || (vs = v->v_sched) == NULL ||
	    vs->vs_state != VS_LOOKING || kc->kc_conf == NULL)
		return;
	if (error != 0) {
		ksched_lookup_failed(kc, v);
		return;
	}
	if (n == 0)
		klimit_negative_add(kc, v->v_called);
	count = ksched_candidates(kc, nodes, n, cand);
	high = vs->vs_force ? kc->kc_now : ksched_last(kc, v);
	for (i = 0; i < count; i++) {
		/* One that an earlier look-up named keeps what it has used up. */
		for (j = 0; j < vs->vs_count; j++)
			if (memcmp(vs->vs_claim[j].cl_node, cand[i].ca_node,
			    NODEID_LEN) == 0)
				break;
		if (j < vs->vs_count || vs->vs_count == KEY_CLAIMANTS_MAX)
			continue;
		cl = &vs->vs_claim[vs->vs_count++];
		memset(cl, 0, sizeof(*cl));
		memcpy(cl->cl_node, cand[i].ca_node, NODEID_LEN);
		cl->cl_state = CL_PENDING;
		cl->cl_moment = kcore_draw(kc, kc->kc_now, high);
	}
	vs->vs_state = VS_TRYING;
	vs->vs_force = 0;
	ksched_changed(kc, v);
}

/* -- attempts -- */

struct ktry *
ksched_try_find(struct kcore *kc, uint64_t id)
{
	struct ktry	*tr;

	if (id == 0)
		return (NULL);
	TAILQ_FOREACH(tr, &kc->kc_tries, tr_entry)
		if (tr->tr_id == id)
			return (tr);
	return (NULL);
}

struct vcr *
ksched_try_vcr(struct kcore *kc, const struct ktry *tr, struct claimant **clp)
{
	struct vcr	*v;

	*clp = NULL;
	if (tr == NULL || (v = kcall_find(kc, tr->tr_vcr)) == NULL ||
	    v->v_sched == NULL || tr->tr_claim >= v->v_sched->vs_count ||
	    v->v_sched->vs_claim[tr->tr_claim].cl_try != tr->tr_id)
		return (NULL);
	*clp = &v->v_sched->vs_claim[tr->tr_claim];
	return (v);
}

static void
ksched_try_free(struct kcore *kc, struct ktry *tr)
{
	TAILQ_REMOVE(&kc->kc_tries, tr, tr_entry);
	kc->kc_trycount--;
	free(tr);
}

static void
ksched_claimant_due(struct kcore *kc, struct vcr *v, unsigned i)
{
	struct vcr_sched	*vs = v->v_sched;
	struct claimant		*cl = &vs->vs_claim[i];
	struct kpeer		*pe;
	struct kconn		*co;
	struct ktry		*tr;
	uint64_t		 id;

	if (cl->cl_try != 0) {
		/* pvpd said nothing about it for too long. */
		if ((tr = ksched_try_find(kc, cl->cl_try)) == NULL) {
			cl->cl_try = 0;
			cl->cl_state = CL_DROPPED;
			ksched_changed(kc, v);
			return;
		}
		if ((co = kpvp_conn_find(kc, tr->tr_conn)) != NULL)
			kpvp_conn_free(kc, co);
		ksched_retry(kc, tr, 0);
		return;
	}
	pe = klimit_peer(kc, cl->cl_node, 0);
	if (cl->cl_state == CL_PENDING && ((pe != NULL &&
	    pe->pe_until > kc->kc_now) || vs->vs_runs >= KEY_RUNS_MAX ||
	    cl->cl_runs >= KEY_RUNS_CLAIMANT)) {
		cl->cl_state = CL_DROPPED;
		ksched_changed(kc, v);
		return;
	}
	if (kc->kc_trycount >= KEY_TRIES_MAX ||
	    (tr = calloc(1, sizeof(*tr))) == NULL) {
		cl->cl_moment = kc->kc_now + kcore_draw(kc, 1000, AWAY_MS);
		return;
	}
	do {
		kcore_random(kc, &id, sizeof(id));
	} while (id == 0 || ksched_try_find(kc, id) != NULL);
	tr->tr_id = id;
	tr->tr_vcr = v->v_id;
	tr->tr_claim = i;
	tr->tr_asked = kc->kc_now;
	if (kc->kc_ops->ko_try(kc->kc_arg, id, v->v_id, cl->cl_node) == -1) {
		free(tr);
		cl->cl_moment = kc->kc_now + kcore_draw(kc, 1000, AWAY_MS);
		return;
	}
	TAILQ_INSERT_TAIL(&kc->kc_tries, tr, tr_entry);
	kc->kc_trycount++;
	kc->kc_stats.st_tries++;
	cl->cl_try = id;
	if (cl->cl_state == CL_PENDING)
		cl->cl_state = CL_UNDERWAY;
	cl->cl_moment = kc->kc_now + TRY_MS;
}

/* Done once no claimant is left. */
static void
ksched_settle(struct vcr *v)
{
	struct vcr_sched	*vs = v->v_sched;
	unsigned		 i;

	if (vs->vs_state != VS_TRYING)
		return;
	for (i = 0; i < vs->vs_count; i++)
		if (claimant_open(&vs->vs_claim[i]))
			return;
	vs->vs_state = VS_DONE;
}

static void
ksched_changed(struct kcore *kc, struct vcr *v)
{
	ksched_settle(v);
	(void)kcall_put(kc, v, NULL);
	kcall_redue(kc, v);
}

void
ksched_try_end(struct kcore *kc, struct ktry *tr, enum claim_state state)
{
	struct claimant	*cl;
	struct vcr	*v;

	v = ksched_try_vcr(kc, tr, &cl);
	ksched_try_free(kc, tr);
	if (v == NULL)
		return;
	cl->cl_try = 0;
	cl->cl_state = (uint8_t)state;
	ksched_changed(kc, v);
}

void
ksched_retry(struct kcore *kc, struct ktry *tr, uint32_t notbefore)
{
	struct claimant	*cl;
	struct vcr	*v;
	uint64_t	 low, high;

	if ((v = ksched_try_vcr(kc, tr, &cl)) == NULL) {
		ksched_try_free(kc, tr);
		return;
	}
	if (cl->cl_state == CL_CLAIMED) {
		ksched_repeat(kc, tr, notbefore);
		return;
	}
	low = kc->kc_now + (uint64_t)notbefore * 1000;
	high = ksched_last(kc, v);
	if (high <= low)
		high = ksched_giveup(kc, v);
	if (cl->cl_retries >= KEY_RETRIES_MAX || high <= low ||
	    cl->cl_runs >= KEY_RUNS_CLAIMANT) {
		ksched_try_end(kc, tr, CL_DROPPED);
		return;
	}
	cl->cl_retries++;
	cl->cl_moment = kcore_draw(kc, low, high);
	ksched_try_end(kc, tr, CL_PENDING);
}

void
ksched_repeat(struct kcore *kc, struct ktry *tr, uint32_t notbefore)
{
	const struct conf	*cf = kc->kc_conf;
	struct claimant		*cl;
	uint64_t		 pause;

	if (ksched_try_vcr(kc, tr, &cl) == NULL) {
		ksched_try_free(kc, tr);
		return;
	}
	kc->kc_stats.st_lost++;
	if (cl->cl_repeats >= KEY_REPEATS_MAX) {
		ksched_try_end(kc, tr, CL_DROPPED);
		return;
	}
	cl->cl_repeats++;
	pause = kcore_draw(kc, (uint64_t)cf->c_retry_min * 1000,
	    (uint64_t)cf->c_retry_max * 1000);
	if (pause < (uint64_t)notbefore * 1000)
		pause = (uint64_t)notbefore * 1000;
	cl->cl_moment = kc->kc_now + pause;
	ksched_try_end(kc, tr, CL_CLAIMED);
}

/* After a restart, of us or of pvpd: what was under way gets a new moment
 * that costs nothing. */
void
ksched_interrupted(struct kcore *kc, struct vcr *v)
{
	struct vcr_sched	*vs = v->v_sched;
	struct claimant		*cl;
	struct ktry		*tr;
	unsigned		 i;
	int			 changed = 0;

	if (vs == NULL || kc->kc_conf == NULL)
		return;
	if (vs->vs_state == VS_LOOKING) {
		vs->vs_state = VS_LOOKUP;
		vs->vs_moment = kc->kc_now + kcore_draw(kc, 1000, AWAY_MS);
		changed = 1;
	}
	for (i = 0; i < vs->vs_count; i++) {
		cl = &vs->vs_claim[i];
		if (!claimant_open(cl) || (cl->cl_try == 0 && cl->cl_moment != 0))
			continue;
		changed = 1;
		if ((tr = ksched_try_find(kc, cl->cl_try)) != NULL)
			ksched_try_free(kc, tr);
		cl->cl_try = 0;
		if (cl->cl_state != CL_CLAIMED) {
			cl->cl_state = CL_PENDING;
			cl->cl_moment = kcore_draw(kc, kc->kc_now,
			    ksched_last(kc, v));
		} else if (cl->cl_repeats >= KEY_REPEATS_MAX)
			cl->cl_state = CL_DROPPED;
		else {
			cl->cl_repeats++;
			cl->cl_moment = kc->kc_now + kcore_draw(kc,
			    (uint64_t)kc->kc_conf->c_retry_min * 1000,
			    (uint64_t)kc->kc_conf->c_retry_max * 1000);
		}
	}
	if (changed)
		ksched_changed(kc, v);
}

/* -- failures -- */

int
ksched_failed(struct kcore *kc, const uint8_t *node)
{
	struct kpeer	*pe;
	struct claimant	*cl;
	struct vcr	*v;
	unsigned	 i;
	int		 dropped;

	if ((pe = klimit_peer(kc, node, 1)) == NULL)
		return (1);
	if (pe->pe_fails < UINT16_MAX)
		pe->pe_fails++;
	if (pe->pe_fails < kc->kc_conf->c_limit_failures) {
		klimit_peer_put(kc, pe);
		return (0);
	}
	pe->pe_until = kc->kc_now + ((KEY_DAY_S * 1000) <<
	    (pe->pe_level < LEVEL_MAX ? pe->pe_level : LEVEL_MAX));
	if (pe->pe_level < LEVEL_MAX)
		pe->pe_level++;
	klimit_peer_put(kc, pe);
	RB_FOREACH(v, vcr_ids, &kc->kc_ids) {
		if (v->v_sched == NULL || v->v_sched->vs_state != VS_TRYING)
			continue;
		dropped = 0;
		for (i = 0; i < v->v_sched->vs_count; i++) {
			cl = &v->v_sched->vs_claim[i];
			if (cl->cl_state != CL_PENDING ||
			    memcmp(cl->cl_node, node, NODEID_LEN) != 0)
				continue;
			cl->cl_state = CL_DROPPED;
			dropped = 1;
		}
		if (dropped)
			ksched_changed(kc, v);
	}
	return (1);
}

/* -- the operator -- */

/* Before the other side may rank the record a proof could only fail. */
static int
ksched_verify_one(struct kcore *kc, struct vcr *v)
{
	struct vcr_sched	*vs = v->v_sched;
	struct claimant		*cl;
	uint64_t		 moment;
	unsigned		 i;
	int			 done = 0;

	moment = v->v_stop + (uint64_t)kc->kc_conf->c_responder_min * 1000;
	if (moment < kc->kc_now)
		moment = kc->kc_now;
	if (kc->kc_now > ksched_giveup(kc, v))
		return (0);
	if (vs->vs_state == VS_LOOKING)
		return (1);
	for (i = 0; i < vs->vs_count; i++) {
		cl = &vs->vs_claim[i];
		if (cl->cl_try != 0)
			done = 1;
		if (cl->cl_state == CL_DROPPED && cl->cl_runs < KEY_RUNS_CLAIMANT) {
			cl->cl_state = CL_PENDING;
			cl->cl_retries = 0;
		} else if (cl->cl_try != 0 || !claimant_open(cl))
			continue;
		cl->cl_moment = moment;
		vs->vs_state = VS_TRYING;
		done = 1;
	}
	if (!done && (vs->vs_state == VS_LOOKUP || vs->vs_count == 0)) {
		vs->vs_state = VS_LOOKUP;
		vs->vs_moment = moment;
		vs->vs_lookups = 0;
		vs->vs_force = 1;
		done = 1;
	}
	if (done)
		ksched_changed(kc, v);
	return (done);
}

unsigned
ksched_verify(struct kcore *kc, const char *number)
{
	struct vcr	*v;
	unsigned	 n = 0;

	if (kc->kc_conf == NULL)
		return (0);
	for (v = kcall_first(kc, LEG_ORIGINATED, number); v != NULL;
	    v = kcall_next(kc, v))
		if (v->v_sched != NULL && ksched_verify_one(kc, v))
			n++;
	return (n);
}

const char *
ksched_state_str(const struct vcr *v)
{
	const struct vcr_sched	*vs = v->v_sched;
	unsigned		 i;

	if (vs == NULL)
		return (v->v_spent != NULL ? "spent" : "unspent");
	for (i = 0; i < vs->vs_count; i++)
		if (vs->vs_claim[i].cl_state == CL_PROVEN)
			return ("proven");
	switch (vs->vs_state) {
	case VS_LOOKUP:
		return ("waiting");
	case VS_LOOKING:
		return ("looking up");
	case VS_TRYING:
		return ("trying");
	default:
		return (vs->vs_count == 0 ? "no claimant" : "failed");
	}
}
