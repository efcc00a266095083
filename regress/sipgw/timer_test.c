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

/* The timer wheel, beside a list that is simply searched; the hash table. */

#include <atf-c.h>
#include <stdint.h>
#include <stdlib.h>

#include "htab.h"
#include "proxy_timer.h"

#define TIMERS	400

struct probe {
	struct tmr	 pr_tmr;
	uint64_t	 pr_at;		/* as the model has it */
	uint64_t	 pr_order;	/* when it was set */
	int		 pr_on;
};
struct item {
	struct hnode	 it_node;
	unsigned	 it_value;
};

static void	 fire(void *);
static uint32_t	 draw(void);
static uint64_t	 span(void);
static void	 set(struct probe *, uint64_t);
static struct probe *due(uint64_t);
static void	 step(uint64_t, unsigned);

static struct tmrs	 tmrs;
static struct probe	 probes[TIMERS], *fired;
static uint64_t		 orders, again;
static uint32_t		 seed = 1;

static uint32_t
draw(void)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8);
}

/* Times of every level of the wheel, and those next to its turns. */
static uint64_t
span(void)
{
	switch (draw() % 8) {
	case 0:
		return (0);
	case 1:
		return (draw() % 4);
	case 2:
		return (draw() % 300);
	case 3:
		return (500);
	case 4:
		return (32000);
	case 5:
		return (draw() % 200000);
	case 6:
		return ((uint64_t)draw() * 600);
	default:
		return (256u << draw() % 20);
	}
}

/* The model: the earliest, of those the one set first. */
static struct probe *
due(uint64_t now)
{
	struct probe	*pr, *best = NULL;

	for (pr = probes; pr < probes + TIMERS; pr++) {
		if (!pr->pr_on || pr->pr_at > now)
			continue;
		if (best == NULL || pr->pr_at < best->pr_at ||
		    (pr->pr_at == best->pr_at && pr->pr_order < best->pr_order))
			best = pr;
	}
	return (best);
}

static void
set(struct probe *pr, uint64_t ms)
{
	tmr_set(&tmrs, &pr->pr_tmr, ms);
	pr->pr_at = tmrs.ts_now + ms;
	pr->pr_order = orders++;
	pr->pr_on = 1;
}

static void
fire(void *arg)
{
	struct probe	*pr = arg, *want = due(tmrs.ts_now);

	ATF_REQUIRE_MSG(pr == want, "timer %td of %llu ran, %td of %llu was due at %llu",
	    pr - probes, (unsigned long long)pr->pr_at, want == NULL ? -1 : want - probes,
	    want == NULL ? 0ull : (unsigned long long)want->pr_at,
	    (unsigned long long)tmrs.ts_now);
	ATF_REQUIRE(!pr->pr_tmr.tm_on);
	pr->pr_on = 0;
	fired = pr;
	/* Set again from inside, as retransmissions are. */
	if (again > 0 && draw() % 4 == 0) {
		again--;
		set(pr, span());
	}
}

/* Time goes on; what is due at the end of it has run, nothing else. */
static void
step(uint64_t ms, unsigned max)
{
	uint64_t	end = tmrs.ts_now + ms;
	int64_t		wait;
	struct probe	*pr;

	while ((wait = tmrs_wait(&tmrs, tmrs.ts_now)) != -1 &&
	    tmrs.ts_now + (uint64_t)wait <= end) {
		/* It is never late. */
		for (pr = probes; pr < probes + TIMERS; pr++)
			ATF_REQUIRE(!pr->pr_on || pr->pr_at >= tmrs.ts_now + (uint64_t)wait ||
			    wait == 0);
		tmrs_run(&tmrs, tmrs.ts_now + (uint64_t)wait, max);
	}
	tmrs.ts_now = end;
	ATF_REQUIRE(due(end) == NULL);
}

ATF_TC_WITHOUT_HEAD(model);
ATF_TC_BODY(model, tc)
{
	struct probe	*pr;
	unsigned	 i, round;

	/* Near a turn of the fourth level. */
	tmrs_init(&tmrs, ((uint64_t)1 << 32) - 100000);
	for (i = 0; i < TIMERS; i++)
		tmr_init(&probes[i].pr_tmr, fire, &probes[i]);
	for (round = 0; round < 3000; round++) {
		again = 8;
		for (i = draw() % 12; i > 0; i--) {
			pr = &probes[draw() % TIMERS];
			if (draw() % 4 != 0)
				set(pr, span());
			else {
				tmr_stop(&tmrs, &pr->pr_tmr);
				pr->pr_on = 0;
			}
		}
		step(draw() % 3 == 0 ? span() % 70000 : draw() % 300, round % 2 ? 1 : 1000);
	}
	ATF_CHECK(fired != NULL);
	for (i = 0; i < TIMERS; i++)
		tmr_stop(&tmrs, &probes[i].pr_tmr);
	ATF_CHECK_EQ(-1, tmrs_wait(&tmrs, tmrs.ts_now));
}

ATF_TC_WITHOUT_HEAD(bounded);
ATF_TC_BODY(bounded, tc)
{
	unsigned	i, on = 0;

	tmrs_init(&tmrs, 5);
	for (i = 0; i < 10; i++) {
		tmr_init(&probes[i].pr_tmr, fire, &probes[i]);
		set(&probes[i], 20);
	}
	tmrs_run(&tmrs, 24, 100);
	ATF_CHECK_EQ(1, probes[0].pr_on);
	tmrs_run(&tmrs, 25, 4);
	for (i = 0; i < 10; i++)
		on += (unsigned)probes[i].pr_on;
	ATF_CHECK_EQ(6, on);
	ATF_CHECK_EQ(0, tmrs_wait(&tmrs, 25));
	tmrs_run(&tmrs, 25, 100);
	ATF_CHECK_EQ(-1, tmrs_wait(&tmrs, 25));
}

ATF_TC_WITHOUT_HEAD(table);
ATF_TC_BODY(table, tc)
{
	static struct item	 items[5000];
	struct htab		 ht;
	struct hnode		*hn;
	unsigned		 i, n;

	ATF_REQUIRE_EQ(0, htab_init(&ht));
	/* Seven to a hash: the last of an equal hash is found first. */
	for (i = 0; i < 5000; i++) {
		items[i].it_value = i;
		htab_insert(&ht, &items[i].it_node, i / 7 * 0x9e3779b97f4a7c15u);
	}
	ATF_CHECK_EQ(5000, ht.ht_count);
	for (n = 0, hn = htab_walk(&ht, NULL); hn != NULL; hn = htab_walk(&ht, hn))
		n++;
	ATF_CHECK_EQ(5000, n);
	for (i = 0; i < 5000; i += 2)
		htab_remove(&ht, &items[i].it_node);
	for (i = 0; i < 5000; i++) {
		for (hn = htab_first(&ht, i / 7 * 0x9e3779b97f4a7c15u); hn != NULL;
		    hn = htab_next(hn))
			if (HTAB_OF(hn, struct item, it_node)->it_value == i)
				break;
		ATF_REQUIRE_EQ(i % 2 == 1, hn != NULL);
	}
	ATF_CHECK(htab_first(&ht, 12345) == NULL);
	htab_free(&ht);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, model);
	ATF_TP_ADD_TC(tp, bounded);
	ATF_TP_ADD_TC(tp, table);
	return (atf_no_error());
}
