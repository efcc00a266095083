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
 * core: what proofs add up to (pvp(7)): routes pending, active, suspended,
 * expired, removed.  Only this file decides that; sipgw is told.
 */

#include <sys/types.h>

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cursor.h"
#include "e164.h"
#include "key_core.h"

#define STRIKES		2
#define REFAILS		3
#define DUE_MAX		32	/* numbers aged a turn */

static struct kroute *kroute_make(struct kcore *, struct kroutes *,
		    const char *);
static struct knode *kroute_node(struct kroute *, const uint8_t *, int);
static void	 kroute_add_proof(struct kroute *, const struct vcr *, uint64_t);
static int	 kproof_cmp(const void *, const void *);
static unsigned	 kroute_spare(const struct kroute *);
static int	 kroute_earns(const struct kcore *, const struct kroute *);
static void	 kroute_state(struct kcore *, struct kroutes *, struct kroute *,
		    enum route_state);
static void	 kroute_conflict(struct kcore *, struct kroutes *, struct kroute *);
static void	 kroute_forget(struct kroute *);
static void	 kroute_delete(struct kroutes *, unsigned);
static int	 kroute_age(struct kcore *, struct kroutes *, struct kroute *);
static void	 kroute_compose(struct kcore *, const struct kroute *,
		    struct wbuf *);
static void	 kroute_save(struct kcore *, struct kroutes *);

struct kroute *
kroute_find(struct kroutes *ks, const char *domain)
{
	unsigned	 i;

	for (i = 0; i < ks->ks_count; i++)
		if (strcasecmp(ks->ks_route[i].kr_domain, domain) == 0)
			return (&ks->ks_route[i]);
	return (NULL);
}

/* -- what counts -- */

static int
kproof_cmp(const void *a, const void *b)
{
	const struct kproof	*x = a, *y = b;

	return (x->pr_stop < y->pr_stop ? -1 : x->pr_stop > y->pr_stop);
}

/* Taking the one that ends first each time gives the largest such set. */
unsigned
kroute_proofs(const struct kcore *kc, const struct kroute *r, unsigned *callers)
{
	struct kproof	 p[KEY_PROOFS_MAX];
	const char	*seen[KEY_PROOFS_MAX];
	uint64_t	 now = kc->kc_now / 1000, last = 0;
	uint64_t	 apart = (uint64_t)kc->kc_conf->c_proofs_spacing * 1000;
	unsigned	 i, j, n = 0, nseen = 0;

	memcpy(p, r->kr_proof, sizeof(p));
	qsort(p, r->kr_proofcount, sizeof(p[0]), kproof_cmp);
	for (i = 0; i < r->kr_proofcount; i++) {
		if (p[i].pr_at + KEY_PROOF_AGE_S <= now)
			continue;
		if (n > 0 && (p[i].pr_start < last || p[i].pr_stop < last + apart))
			continue;
		last = p[i].pr_stop;
		n++;
		for (j = 0; j < nseen; j++)
			if (strcmp(seen[j], p[i].pr_caller) == 0)
				break;
		if (j == nseen)
			seen[nseen++] = p[i].pr_caller;
	}
	if (callers != NULL)
		*callers = nseen;
	sodium_memzero(p, sizeof(p));
	return (n);
}

const struct knode *
kroute_ticket(const struct kcore *kc, const struct kroute *r)
{
	unsigned	 i;

	for (i = 0; i < r->kr_nodecount; i++)
		if (r->kr_node[i].kn_kind == TICKET_TICKET &&
		    r->kr_node[i].kn_not_after > kc->kc_now / 1000)
			return (&r->kr_node[i]);
	return (NULL);
}

/* What was earned once is renewed by one proof. */
static int
kroute_earns(const struct kcore *kc, const struct kroute *r)
{
	unsigned	 callers;

	if (kroute_ticket(kc, r) == NULL)
		return (0);
	if (r->kr_earned)
		return (1);
	return (kroute_proofs(kc, r, &callers) >= kc->kc_conf->c_proofs &&
	    callers >= kc->kc_conf->c_proofs_callers);
}

static void
kroute_state(struct kcore *kc, struct kroutes *ks, struct kroute *r,
    enum route_state state)
{
	if (r->kr_state == state)
		return;
	r->kr_state = (uint8_t)state;
	r->kr_changed = kc->kc_now / 1000;
	kcore_note(kc, KEY_INFO, "route %s via %s: %s", ks->ks_number,
	    r->kr_domain, route_state_str(state));
}

/* Nothing of what was proven is left. */
static void
kroute_forget(struct kroute *r)
{
	r->kr_earned = 0;
	r->kr_strikes = 0;
	r->kr_refails = 0;
	r->kr_proofcount = 0;
	r->kr_nodecount = 0;
	sodium_memzero(r->kr_proof, sizeof(r->kr_proof));
	sodium_memzero(r->kr_node, sizeof(r->kr_node));
}

static void
kroute_delete(struct kroutes *ks, unsigned i)
{
	ks->ks_count--;
	memmove(&ks->ks_route[i], &ks->ks_route[i + 1],
	    (ks->ks_count - i) * sizeof(ks->ks_route[0]));
	sodium_memzero(&ks->ks_route[ks->ks_count], sizeof(ks->ks_route[0]));
}

/* -- a proof -- */

/* A place for a new domain; when all are taken the least of them goes. */
static struct kroute *
kroute_make(struct kcore *kc, struct kroutes *ks, const char *domain)
{
	struct kroute	*r;
	unsigned	 i, rank, worst = 0, worstrank = 0;
	uint64_t	 oldest = 0;

	if (ks->ks_count == KEY_DOMAINS_MAX) {
		for (i = 0; i < ks->ks_count; i++) {
			r = &ks->ks_route[i];
			rank = r->kr_state == ROUTE_ACTIVE ? 1 :
			    r->kr_state == ROUTE_SUSPENDED ? 2 :
			    r->kr_state == ROUTE_PENDING ? 3 : 4;
			if (rank > worstrank ||
			    (rank == worstrank && r->kr_changed < oldest)) {
				worst = i;
				worstrank = rank;
				oldest = r->kr_changed;
			}
		}
		kroute_delete(ks, worst);
	}
	r = &ks->ks_route[ks->ks_count++];
	memset(r, 0, sizeof(*r));
	memcpy(r->kr_domain, domain, strlen(domain) + 1);
	r->kr_changed = kc->kc_now / 1000;
	return (r);
}

/* The box's entry, moved to the front. */
static struct knode *
kroute_node(struct kroute *r, const uint8_t *id, int create)
{
	struct knode	 kn;
	unsigned	 i;

	for (i = 0; i < r->kr_nodecount; i++)
		if (memcmp(r->kr_node[i].kn_id, id, NODEID_LEN) == 0)
			break;
	if (!create)
		return (i < r->kr_nodecount ? &r->kr_node[i] : NULL);
	if (i == r->kr_nodecount) {
		if (r->kr_nodecount < KEY_NODES_MAX)
			r->kr_nodecount++;
		else
			i = KEY_NODES_MAX - 1;
		memset(&kn, 0, sizeof(kn));
		memcpy(kn.kn_id, id, NODEID_LEN);
	} else
		memcpy(&kn, &r->kr_node[i], sizeof(kn));
	memmove(&r->kr_node[1], &r->kr_node[0], i * sizeof(kn));
	memcpy(&r->kr_node[0], &kn, sizeof(kn));
	return (&r->kr_node[0]);
}

/*
 * Which proof of a full list to forget: the later one of the two that ended
 * closest to each other.  Dropping the oldest would leave a busy number with
 * proofs that are never far enough apart.
 */
static unsigned
kroute_spare(const struct kroute *r)
{
	uint64_t	 gap, least = UINT64_MAX;
	unsigned	 i, j, spare = 0;

	for (i = 0; i < r->kr_proofcount; i++)
		for (j = 0; j < r->kr_proofcount; j++) {
			if (i == j || r->kr_proof[j].pr_stop < r->kr_proof[i].pr_stop)
				continue;
			gap = r->kr_proof[j].pr_stop - r->kr_proof[i].pr_stop;
			if (gap < least) {
				least = gap;
				spare = j;
			}
		}
	return (spare);
}

/* The same call proven by a second box of the domain counts once. */
static void
kroute_add_proof(struct kroute *r, const struct vcr *v, uint64_t now)
{
	struct kproof	*p;
	unsigned	 i;

	for (i = 0; i < r->kr_proofcount; i++)
		if (r->kr_proof[i].pr_start == v->v_start &&
		    r->kr_proof[i].pr_stop == v->v_stop)
			return;
	if (r->kr_proofcount == KEY_PROOFS_MAX) {
		i = kroute_spare(r);
		memmove(&r->kr_proof[i], &r->kr_proof[i + 1],
		    (KEY_PROOFS_MAX - 1 - i) * sizeof(r->kr_proof[0]));
		r->kr_proofcount--;
	}
	p = &r->kr_proof[r->kr_proofcount++];
	memset(p, 0, sizeof(*p));
	p->pr_start = v->v_start;
	p->pr_stop = v->v_stop;
	p->pr_at = now;
	memcpy(p->pr_caller, v->v_caller, sizeof(p->pr_caller));
}

/*
 * Two domains that have all their proofs for one number: the one proven just
 * now has it, the others are suspended until they are proven again.
 */
static void
kroute_conflict(struct kcore *kc, struct kroutes *ks, struct kroute *winner)
{
	unsigned	 i;

	for (i = 0; i < ks->ks_count; i++) {
		if (&ks->ks_route[i] == winner ||
		    ks->ks_route[i].kr_state != ROUTE_ACTIVE)
			continue;
		kroute_state(kc, ks, &ks->ks_route[i], ROUTE_SUSPENDED);
		kcore_note(kc, KEY_WARN, "route %s: conflict: proven by %s "
		    "while %s had it", ks->ks_number, winner->kr_domain,
		    ks->ks_route[i].kr_domain);
	}
}

int
kroute_proof(struct kcore *kc, const struct kgrant *kg, const uint8_t *node,
    const struct vcr *v, struct kwait *wa)
{
	struct kroutes	*ks;
	struct kroute	*r;
	struct knode	*kn;
	uint64_t	 now = kc->kc_now / 1000;
	int		 ret;

	if ((ks = kroute_get(kc, kg->kg_number)) == NULL) {
		kcore_wait_cancel(wa);
		return (-1);
	}
	if ((r = kroute_find(ks, kg->kg_domain)) == NULL)
		r = kroute_make(kc, ks, kg->kg_domain);
	kn = kroute_node(r, node, 1);
	kn->kn_kind = kg->kg_kind;
	kn->kn_not_after = kg->kg_not_after;
	kn->kn_last = now;
	memcpy(kn->kn_token, kg->kg_token, sizeof(kn->kn_token));
	kn->kn_uricount = kg->kg_uricount;
	memcpy(kn->kn_uri, kg->kg_uri, sizeof(kn->kn_uri));
	kroute_add_proof(r, v, now);
	r->kr_strikes = 0;
	r->kr_refails = 0;
	if (kroute_earns(kc, r)) {
		r->kr_earned = 1;
		kroute_state(kc, ks, r, ROUTE_ACTIVE);
		kroute_conflict(kc, ks, r);
	} else if (!(r->kr_state == ROUTE_SUSPENDED || r->kr_state == ROUTE_ACTIVE) ||
	    kroute_ticket(kc, r) == NULL)
		kroute_state(kc, ks, r, ROUTE_PENDING);
	ret = kroute_put(kc, ks, wa);
	kroute_free(ks);
	return (ret);
}

void
kroute_token(struct kcore *kc, const char *number, const uint8_t *node,
    char token[KEY_TOKEN_MAX + 1])
{
	struct kroutes	*ks;
	struct knode	*kn, *best = NULL;
	unsigned	 i;

	token[0] = '\0';
	if ((ks = kroute_get(kc, number)) == NULL)
		return;
	for (i = 0; i < ks->ks_count; i++) {
		kn = kroute_node(&ks->ks_route[i], node, 0);
		if (kn == NULL || kn->kn_not_after <= kc->kc_now / 1000)
			continue;
		if (best == NULL || kn->kn_last > best->kn_last)
			best = kn;
	}
	if (best != NULL)
		memcpy(token, best->kn_token, sizeof(best->kn_token));
	kroute_free(ks);
}

/* -- what happens to a route -- */

static void
kroute_save(struct kcore *kc, struct kroutes *ks)
{
	(void)kroute_put(kc, ks, NULL);
	(void)kroute_send_set(kc, ks);
}

void
kroute_reproof_failed(struct kcore *kc, const char *number, const uint8_t *node)
{
	struct kroutes	*ks;
	struct kroute	*r;
	unsigned	 i;
	int		 changed = 0;

	if ((ks = kroute_get(kc, number)) == NULL)
		return;
	for (i = 0; i < ks->ks_count; i++) {
		r = &ks->ks_route[i];
		if (r->kr_state != ROUTE_ACTIVE ||
		    kroute_node(r, node, 0) == NULL)
			continue;
		changed = 1;
		if (++r->kr_refails < REFAILS)
			continue;
		r->kr_refails = 0;
		kroute_state(kc, ks, r, ROUTE_SUSPENDED);
	}
	if (changed)
		kroute_save(kc, ks);
	kroute_free(ks);
}

void
kroute_outcome(struct kcore *kc, const char *number, const char *domain,
    unsigned outcome, unsigned refusal)
{
	struct kroutes	*ks;
	struct kroute	*r;
	uint8_t		 strikes;

	(void)refusal;
	if (!kc->kc_open || kc->kc_conf == NULL ||
	    (ks = kroute_get(kc, number)) == NULL)
		return;
	if ((r = kroute_find(ks, domain)) == NULL)
		goto done;
	strikes = r->kr_strikes;
	switch (outcome) {
	case OUTCOME_OK:
		r->kr_strikes = 0;
		if (strikes == 0)
			goto done;
		break;
	case OUTCOME_STRIKE:
		if (r->kr_state != ROUTE_ACTIVE)
			goto done;
		if (++r->kr_strikes >= STRIKES)
			kroute_state(kc, ks, r, ROUTE_SUSPENDED);
		break;
	case OUTCOME_EXPIRED:
		if (r->kr_state != ROUTE_ACTIVE && r->kr_state != ROUTE_SUSPENDED)
			goto done;
		kroute_state(kc, ks, r, ROUTE_EXPIRED);
		break;
	case OUTCOME_REMOVED:
		kroute_forget(r);
		kroute_state(kc, ks, r, ROUTE_REMOVED);
		break;
	default:
		goto done;
	}
	kroute_save(kc, ks);
done:
	kroute_free(ks);
}

unsigned
kroute_operator(struct kcore *kc, const char *number, const char *domain,
    enum route_state state)
{
	struct kroutes	*ks;
	struct kroute	*r;
	unsigned	 i, n = 0;

	if (!kc->kc_open || kc->kc_conf == NULL ||
	    (ks = kroute_get(kc, number)) == NULL)
		return (0);
	for (i = 0; i < ks->ks_count; i++) {
		r = &ks->ks_route[i];
		if (domain != NULL && strcasecmp(r->kr_domain, domain) != 0)
			continue;
		if (state == ROUTE_REMOVED) {
			if (r->kr_state == ROUTE_REMOVED)
				continue;
			kroute_forget(r);
		} else if (r->kr_state != ROUTE_ACTIVE)
			continue;
		kroute_state(kc, ks, r, state);
		n++;
	}
	if (n > 0)
		kroute_save(kc, ks);
	kroute_free(ks);
	return (n);
}

/* -- time -- */

/* 0: as it was, 1: changed, -1: nothing is left of it. */
static int
kroute_age(struct kcore *kc, struct kroutes *ks, struct kroute *r)
{
	uint64_t	 now = kc->kc_now / 1000;
	unsigned	 i, valid = 0;

	switch (r->kr_state) {
	case ROUTE_ACTIVE:
	case ROUTE_SUSPENDED:
		if (kroute_ticket(kc, r) != NULL)
			return (0);
		kroute_state(kc, ks, r, ROUTE_EXPIRED);
		return (1);
	case ROUTE_PENDING:
		for (i = 0; i < r->kr_nodecount; i++)
			valid += r->kr_node[i].kn_not_after > now;
		for (i = 0; i < r->kr_proofcount; i++)
			valid += r->kr_proof[i].pr_at + KEY_PROOF_AGE_S > now;
		return (valid > 0 ? 0 : -1);
	default:
		return (r->kr_changed + KEY_PROOF_AGE_S <= now ? -1 : 0);
	}
}

void
kroute_due(struct kcore *kc)
{
	struct kroutes	*ks;
	char		 number[E164_SIZE];
	uint64_t	 packed;
	unsigned	 i, turn;
	int		 changed, what;

	for (turn = 0; turn < DUE_MAX && kroute_next(kc) <= kc->kc_now; turn++) {
		if ((packed = kroute_first_due(kc)) == 0)
			return;
		e164_unpack(packed, number);
		if ((ks = kroute_get(kc, number)) == NULL) {
			kroute_postpone(kc, packed);
			return;
		}
		changed = 0;
		for (i = 0; i < ks->ks_count; ) {
			what = kroute_age(kc, ks, &ks->ks_route[i]);
			if (what == -1)
				kroute_delete(ks, i);
			else
				i++;
			changed |= what != 0;
		}
		if (changed)
			(void)kroute_send_set(kc, ks);
		/* Also when nothing changed: its next moment is set anew. */
		if (kroute_put(kc, ks, NULL) == -1)
			kroute_postpone(kc, packed);
		kroute_free(ks);
	}
}

/* -- to sipgw -- */

static void
kroute_compose(struct kcore *kc, const struct kroute *r, struct wbuf *w)
{
	const struct knode	*kn = kroute_ticket(kc, r);
	const char		*uri[ROUTE_URIS_MAX];
	unsigned		 i, j, k, n = 0;
	uint64_t		 last = 0;

	/* Boxes side by side, latest proof first, no URI twice. */
	for (i = 0; i < r->kr_nodecount; i++) {
		if (r->kr_node[i].kn_last > last)
			last = r->kr_node[i].kn_last;
		for (j = 0; j < r->kr_node[i].kn_uricount; j++) {
			for (k = 0; k < n; k++)
				if (strcmp(uri[k], r->kr_node[i].kn_uri[j]) == 0)
					break;
			if (k == n && n < ROUTE_URIS_MAX)
				uri[n++] = r->kr_node[i].kn_uri[j];
		}
	}
	wbuf_u8(w, r->kr_state);
	wbuf_u8(w, (uint8_t)kroute_proofs(kc, r, NULL));
	wbuf_u8(w, r->kr_strikes);
	wbuf_u64(w, kn != NULL ? kn->kn_not_after : 0);
	wbuf_u64(w, last);
	wbuf_lv_str(w, 1, r->kr_domain);
	wbuf_lv_str(w, 2, kn != NULL ? kn->kn_token : "");
	wbuf_u8(w, (uint8_t)n);
	for (i = 0; i < n; i++)
		wbuf_lv_str(w, 2, uri[i]);
}

int
kroute_send_set(struct kcore *kc, const struct kroutes *ks)
{
	struct wbuf	 w;
	unsigned	 i;
	int		 r;

	wbuf_init(&w, kc->kc_scratch, KEY_SCRATCH);
	for (i = 0; i < ks->ks_count; i++)
		kroute_compose(kc, &ks->ks_route[i], &w);
	if (wbuf_ok(&w) == -1)
		return (-1);
	r = kc->kc_ops->ko_routes(kc->kc_arg, ks->ks_number, ks->ks_count,
	    kc->kc_scratch, w.w_len);
	sodium_memzero(kc->kc_scratch, w.w_len);
	return (r);
}

int
kroute_send(struct kcore *kc, const char *number)
{
	struct kroutes	*ks;
	int		 r;

	if ((ks = kroute_get(kc, number)) == NULL)
		return (-1);
	r = kroute_send_set(kc, ks);
	kroute_free(ks);
	return (r);
}
