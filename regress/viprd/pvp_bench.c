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
 * Benchmark: CPU time of one side of a proof in key, the mean of both sides.
 *   side_us    the proof: PROOF1, PROOF2, PROOF3 made and judged, ranking,
 *              the records that it writes (sealed, not yet committed)
 *   limit_us   what it cannot do without: two scalar multiplications
 *   after_us   what follows: spending, CLAIM, receipt, ROUTE, the route
 *   commit_us  the store's commits, shared by the proofs of a batch
 * Each round measures a batch of proofs between as many multiplications, so
 * that both see the same machine.  A multiplication is a sixth slower where its
 * tables on the stack collide with others a page away, so each round is at
 * another depth of the stack.  What is printed is the mean of the quieter half
 * of the rounds, those with the least sum of both.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conf.h"
#include "key_core.h"
#include "store.h"

#define T0	1795169000000ULL
#define PROOFS	600
#define BATCH	30		/* proofs at once, so that commits are shared */
#define ROUNDS	(PROOFS / BATCH)
#define QUIET	(ROUNDS / 2)	/* rounds that count */
#define STEP	(4096 / ROUNDS)	/* of the stack, a round */
#define BODIES	(2 * BATCH)

struct side {
	struct kcore	*s_kc;
	struct store	*s_st;
	struct conf	*s_cf;
	char		 s_dir[64];
	uint8_t		 s_node[NODEID_LEN];
	uint64_t	 s_try, s_vcr;
	struct {
		uint64_t	 conn;
		unsigned	 type;
		size_t		 len;
		uint8_t		 body[KEY_BODY_MAX];
	} s_out[BODIES];
	unsigned	 s_outs;
	unsigned	 s_routes;
};

struct times {
	double		 side, limit, after, commit;
};

static struct side	 a, b;
static uint64_t		 now = T0;

static double	 cpu(void);
static void	 side_init(struct side *, const char *, unsigned, const char *,
		    const char *);
static void	 side_leg(struct side *, unsigned, uint64_t);
static void	 carry(struct side *, struct side *);
static double	 commit(struct side *);
static void	 play(uint64_t, const uint64_t *, struct times *);
static double	 limit(void);
static void	 at_depth(unsigned, uint64_t, const uint64_t *, struct times *);
static int	 times_cmp(const void *, const void *);

static int
s_lookup(void *arg, uint64_t vcr, const char *number)
{
	struct side	*s = arg;

	(void)number;
	s->s_vcr = vcr;
	return (0);
}

static int
s_try(void *arg, uint64_t try, uint64_t vcr, const uint8_t *node)
{
	struct side	*s = arg;

	(void)vcr;
	(void)node;
	s->s_try = try;
	return (0);
}

static int
s_out(void *arg, uint64_t conn, unsigned type, unsigned flags, const void *p,
    size_t len)
{
	struct side	*s = arg;

	(void)flags;
	if (s->s_outs == BODIES)
		errx(1, "too many bodies");
	s->s_out[s->s_outs].conn = conn;
	s->s_out[s->s_outs].type = type;
	s->s_out[s->s_outs].len = len;
	if (len > 0)
		memcpy(s->s_out[s->s_outs].body, p, len);
	s->s_outs++;
	s->s_routes += type == PVP_ROUTE;
	return (0);
}

static void
s_ack(void *arg, uint64_t id, uint32_t stored)
{
	(void)arg;
	(void)id;
	if (stored != 1)
		errx(1, "record not stored");
}

static int
s_set(void *arg, const char *number, uint32_t count, const void *p, size_t len)
{
	(void)arg;
	(void)number;
	(void)count;
	(void)p;
	(void)len;
	return (0);
}

static const struct key_ops	 ops = {
	.ko_lookup = s_lookup, .ko_try = s_try, .ko_out = s_out,
	.ko_leg_ack = s_ack, .ko_routes = s_set
};

static double
cpu(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ((double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3);
}

static void
side_init(struct side *s, const char *name, unsigned byte, const char *from,
    const char *to)
{
	struct conf_range	*cr;
	uint8_t			 master[32], boot[16] = { 1 };
	const char		*why = NULL;
	char			 text[256];

	snprintf(s->s_dir, sizeof(s->s_dir), "/tmp/pvp_bench.%s.XXXXXX", name);
	memset(master, (int)byte, sizeof(master));
	memset(s->s_node, (int)byte, sizeof(s->s_node));
	if (mkdtemp(s->s_dir) == NULL || (s->s_cf = conf_new()) == NULL ||
	    (cr = calloc(1, sizeof(*cr))) == NULL)
		err(1, "setup");
	snprintf(s->s_cf->c_domain, sizeof(s->s_cf->c_domain), "%s.example",
	    name);
	snprintf(cr->cr_range.er_from, E164_SIZE, "%s", from);
	snprintf(cr->cr_range.er_to, E164_SIZE, "%s", to);
	TAILQ_INSERT_TAIL(&s->s_cf->c_numbers, cr, cr_entry);
	if ((s->s_st = store_open(s->s_dir, 1 << 30, KEY_TABLES, &why)) == NULL ||
	    (s->s_kc = kcore_new(&ops, s, s->s_st, boot)) == NULL)
		errx(1, "store: %s", why != NULL ? why : "?");
	kcore_clock(s->s_kc, now, 1000000000);
	kcore_conf(s->s_kc, s->s_cf, "overlay.test", s->s_node);
	if (kcore_open(s->s_kc, master, 0, text, sizeof(text)) == -1)
		errx(1, "%s", text);
}

static void
side_leg(struct side *s, unsigned kind, uint64_t i)
{
	struct imsg_leg	 lg;

	memset(&lg, 0, sizeof(lg));
	lg.lg_kind = (uint16_t)kind;
	lg.lg_stop = now - (PROOFS - i) * 120000 - 3600000;
	lg.lg_start = lg.lg_stop - 61000 - i * 100;
	snprintf(lg.lg_called, sizeof(lg.lg_called), "+1408555%04u",
	    (unsigned)(i / 4));
	snprintf(lg.lg_caller, sizeof(lg.lg_caller), "+12125550187");
	if (kcall_leg(s->s_kc, &lg) == -1)
		errx(1, "leg");
}

/* What one side said, to the other, which answers into its own list. */
static void
carry(struct side *from, struct side *to)
{
	unsigned	 i;

	for (i = 0; i < from->s_outs; i++)
		if (from->s_out[i].type != PVP_CLOSE)
			(void)kpvp_in(to->s_kc, from->s_out[i].conn,
			    from->s_out[i].type, from->s_out[i].body,
			    from->s_out[i].len);
	from->s_outs = 0;
}

static double
commit(struct side *s)
{
	double	 from = cpu();

	(void)store_commit(s->s_st);
	return (cpu() - from);
}

/* A batch of proofs side by side: CPU time of one side of one, us. */
static void
play(uint64_t first, const uint64_t *tries, struct times *t)
{
	struct imsg_pvp_open	 po;
	struct imsg_pvp_end	 pe;
	double			 from = cpu();
	uint64_t		 i;

	memset(&po, 0, sizeof(po));
	memset(&pe, 0, sizeof(pe));
	for (i = 0; i < BATCH; i++) {
		po.po_conn = first + i;
		po.po_methods = 3;
		po.po_peer_now = po.po_arrived = now;
		memcpy(po.po_exporter, &po.po_conn, sizeof(po.po_conn));
		po.po_role = PVP_RESPONDER;
		po.po_try = 0;
		memcpy(po.po_node, a.s_node, NODEID_LEN);
		(void)kpvp_open(b.s_kc, &po);
		po.po_role = PVP_INITIATOR;
		po.po_try = tries[i];
		memcpy(po.po_node, b.s_node, NODEID_LEN);
		(void)kpvp_open(a.s_kc, &po);
	}
	carry(&a, &b);			/* PROOF1 */
	t->side = cpu() - from;
	t->commit = commit(&b);
	from = cpu();
	carry(&b, &a);			/* PROOF2 */
	t->side += cpu() - from;
	t->commit += commit(&a);
	from = cpu();
	carry(&a, &b);			/* PROOF3, CLAIM */
	t->after = cpu() - from;
	t->commit += commit(&b);
	t->commit += commit(&b);
	from = cpu();
	carry(&b, &a);			/* ROUTE */
	t->after += cpu() - from;
	t->commit += commit(&a);
	a.s_outs = 0;
	from = cpu();
	for (i = 0; i < BATCH; i++) {
		pe.pe_conn = first + i;
		pe.pe_reason = PVP_END_CLOSED;
		(void)kpvp_end(a.s_kc, &pe);
		(void)kpvp_end(b.s_kc, &pe);
	}
	t->after += cpu() - from;
	t->side /= 2 * BATCH;
	t->after /= 2 * BATCH;
	t->commit /= 2 * BATCH;
}

/* Two scalar multiplications, us; half as many are made as by a batch. */
static double
limit(void)
{
	uint8_t	 p[32], y[32], q[32], h[64];
	double	 from;
	unsigned i;

	memset(h, 9, sizeof(h));
	crypto_core_ristretto255_from_hash(p, h);
	cpace_scalar(y);
	from = cpu();
	for (i = 0; i < 2 * BATCH; i++) {
		if (crypto_scalarmult_ristretto255(q, y, p) == -1)
			errx(1, "multiplication");
		memcpy(p, q, sizeof(p));
	}
	return ((cpu() - from) / BATCH);
}

static void
at_depth(unsigned depth, uint64_t first, const uint64_t *tries,
    struct times *t)
{
	volatile uint8_t	 pad[STEP];	/* takes up room */

	pad[0] = 1;
	if (depth > 0) {
		at_depth(depth - 1, first, tries, t);
		t->limit *= pad[0];
		return;
	}
	t->limit = limit() / 2;
	play(first, tries, t);
	t->limit += limit() / 2;
}

/* The quieter first. */
static int
times_cmp(const void *x, const void *y)
{
	const struct times	*p = x, *q = y;
	double			 r = p->side + p->limit, s = q->side + q->limit;

	return (r < s ? -1 : r > s);
}

int
main(void)
{
	struct vcr	*v;
	struct times	 times[ROUNDS], sum = { 0, 0, 0, 0 };
	uint64_t	 tries[BATCH], i;
	char		 cmd[160];
	unsigned	 n = 0;

	if (sodium_init() == -1)
		errx(1, "sodium");
	side_init(&a, "a", 0xa1, "+12125550000", "+12125559999");
	side_init(&b, "b", 0xb1, "+14085550000", "+14085559999");
	for (i = 0; i < PROOFS; i++) {
		side_leg(&a, LEG_ORIGINATED, i);
		side_leg(&b, LEG_TERMINATED, i);
	}
	(void)store_commit(a.s_st);
	(void)store_commit(b.s_st);
	/* The schedule is driven by hand: look-up, claimant, moment now. */
	v = RB_MIN(vcr_ids, &a.s_kc->kc_ids);
	for (; n < ROUNDS; n++) {
		for (i = 0; i < BATCH; i++) {
			v->v_sched->vs_force = 1;
			ksched_due(a.s_kc, v);
			ksched_claimants(a.s_kc, v->v_id, 0, b.s_node, 1);
			a.s_try = 0;
			ksched_due(a.s_kc, v);
			if ((tries[i] = a.s_try) == 0)
				errx(1, "no attempt");
			v = RB_NEXT(vcr_ids, &a.s_kc->kc_ids, v);
		}
		(void)store_commit(a.s_st);
		at_depth(n, n * BATCH + 1, tries, &times[n]);
	}
	if (b.s_routes != PROOFS)
		errx(1, "%u of %d proofs", b.s_routes, PROOFS);
	qsort(times, ROUNDS, sizeof(times[0]), times_cmp);
	for (n = 0; n < QUIET; n++) {
		sum.side += times[n].side;
		sum.limit += times[n].limit;
		sum.after += times[n].after;
		sum.commit += times[n].commit;
	}
	printf("pvp: side_us=%.1f limit_us=%.1f ratio=%.2f after_us=%.1f "
	    "commit_us=%.1f\n", sum.side / QUIET, sum.limit / QUIET,
	    sum.side / sum.limit, sum.after / QUIET, sum.commit / QUIET);
	kcore_free(a.s_kc);
	kcore_free(b.s_kc);
	store_close(a.s_st);
	store_close(b.s_st);
	conf_free(a.s_cf);
	conf_free(b.s_cf);
	snprintf(cmd, sizeof(cmd), "rm -rf %s %s", a.s_dir, b.s_dir);
	return (system(cmd) == 0 ? 0 : 1);
}
