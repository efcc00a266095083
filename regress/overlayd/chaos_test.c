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
 * Twenty nodes and whatever may happen to them, by chance: crashes, power cuts,
 * leaving, coming back with old data, two at once, sleep, clocks that are set, a
 * ring cut in two, numbers withdrawn and published again.  After each event the
 * ring must become one again, every registration be with the node responsible
 * for it, and nothing withdrawn come back.
 *
 * CHAOS_SEED=n runs that seed only; a failure names it.
 */

#include <atf-c.h>

#include "simnet.h"
#include "simfoe.h"

#define NODES		20
#define LIVE_MIN	8	/* more than that are always on */
#define PUBLISHERS	3	/* nodes 1 to 3 */
#define NUMBERS		8	/* of each */
#define ROUNDS		30
#define SETTLE_MS	900000	/* the longest that is waited */
#define STEP_MS		15000

enum event { CRASH, POWER, LEAVE, BACK, BACK2, TWO, SLEEP, CLOCK, SPLIT, NUMBER, EVENTS };

struct chaos {
	struct sim	*ch_sim;
	uint64_t	 ch_seed;
	int		 ch_round;
	const char	*ch_what;
	int		 ch_wanted[PUBLISHERS + 1];	/* numbers published now */
};

static void	 number_of(int, int, char [E164_SIZE]);
static int	 holds(const struct simnode *, uint64_t, unsigned);
static int	 is_on(const struct sim *, int);
static int	 live(const struct sim *);
static int	 pick(struct chaos *, int);
static int	 survives(const struct chaos *, int, int);
static void	 publish(struct chaos *, int);
static void	 split(struct chaos *);
static void	 two(struct chaos *);
static void	 event(struct chaos *);
static int	 wrong_places(const struct chaos *);
static void	 check(struct chaos *);
static void	 run(uint64_t);

static void
number_of(int publisher, int i, char out[E164_SIZE])
{
	(void)snprintf(out, E164_SIZE, "+1408555%u%03u", (unsigned)publisher % 10,
	    (unsigned)i % 1000);
}

static int
is_on(const struct sim *si, int i)
{
	return (si->si_node[i].sn_node != NULL && !si->si_node[i].sn_deaf);
}

static int
live(const struct sim *si)
{
	int		 i, n = 0;

	for (i = 0; i < NODES; i++)
		n += is_on(si, i);
	return (n);
}

/* Does it hold a living entry of that number? */
static int
holds(const struct simnode *sn, uint64_t number, unsigned copy)
{
	const struct storage_place *sp;
	struct storage	*st = &sn->sn_node->n_storage;
	struct storage_value *sv;
	struct nodeid	 id;

	ATF_REQUIRE_EQ(0, regist_resource(number, copy, &id));
	if ((sp = storage_find(st, &id, RELOAD_KIND_VIPR)) == NULL)
		return (0);
	for (sv = storage_first(st, sp); sv != NULL; sv = storage_after(st, sv)) {
		if (sv->sv_exists && storage_left(sv, sn->sn_node->n_wall) > 0)
			return (1);
	}
	return (0);
}

/* One that is on, or off; -1: there is none that may be chosen. */
static int
pick(struct chaos *ch, int on)
{
	struct sim	*si = ch->ch_sim;
	int		 i, try;

	for (try = 0; try < 200; try++) {
		i = (int)(sim_rand(si) >> 33) % NODES;
		/* The bootstrap node stays. */
		if (i != 0 && is_on(si, i) == on)
			return (i);
	}
	return (-1);
}

/* Without these two, has every place still somebody who knows? */
static int
survives(const struct chaos *ch, int a, int b)
{
	struct sim	*si = ch->ch_sim;
	char		 number[E164_SIZE];
	unsigned	 copy;
	int		 p, i, k, n;

	for (p = 1; p <= PUBLISHERS; p++) {
		for (i = 0; i < ch->ch_wanted[p]; i++) {
			number_of(p, i, number);
			for (copy = 0; copy < REGIST_COPIES; copy++) {
				for (k = n = 0; k < NODES; k++)
					n += k != a && k != b && is_on(si, k) &&
					    holds(&si->si_node[k], e164_pack(number), copy);
				if (n == 0)
					return (0);
			}
		}
	}
	return (1);
}

static void
publish(struct chaos *ch, int p)
{
	char		 from[E164_SIZE], to[E164_SIZE];

	number_of(p, 0, from);
	number_of(p, ch->ch_wanted[p] - 1, to);
	sim_numbers(&ch->ch_sim->si_node[p], from, to, NULL, NULL, 0);
}

/* Two parts that do not hear each other for some minutes. */
static void
split(struct chaos *ch)
{
	struct sim	*si = ch->ch_sim;
	struct simlink	*sl, *nsl;
	int		 i;

	for (i = 0; i < NODES; i++)
		si->si_node[i].sn_group = i >= 4 && (sim_rand(si) >> 40) % 2 == 0;
	for (i = 0; i < NODES; i++) {
		RB_FOREACH_SAFE(sl, simlinks, &si->si_node[i].sn_links, nsl) {
			if (sl->sl_peer->sn_group == si->si_node[i].sn_group)
				continue;
			sim_event(&si->si_node[i], SE_DOWN, 1, sl->sl_id, NULL, 0);
			sim_unlink(&si->si_node[i], sl, 1);
		}
	}
	sim_for(si, 60000 + (sim_rand(si) >> 40) % 300000);
	for (i = 0; i < NODES; i++)
		si->si_node[i].sn_group = 0;
}

static void
two(struct chaos *ch)
{
	struct sim	*si = ch->ch_sim;
	int		 a, b, try;

	for (try = 0; try < 50; try++) {
		a = pick(ch, 1);
		b = pick(ch, 1);
		if (a == -1 || b == -1 || a == b || !survives(ch, a, b))
			continue;
		sim_off(si, a, 1);
		sim_off(si, b, 1);
		return;
	}
}

static void
event(struct chaos *ch)
{
	static const char *const names[] = {
		"crash", "power cut", "leave", "back", "back", "two at once", "sleep",
		"clock", "split", "numbers"
	};
	struct sim	*si = ch->ch_sim;
	enum event	 ev;
	int		 i, on = 1;

	do {
		ev = (enum event)((sim_rand(si) >> 33) % EVENTS);
		if (ev == BACK || ev == BACK2)
			on = 0;
		else
			on = 1;
	} while ((i = pick(ch, on)) == -1 ||
	    ((ev == CRASH || ev == POWER || ev == LEAVE || ev == TWO) &&
	    live(si) <= LIVE_MIN + (ev == TWO)));
	ch->ch_what = names[ev];
	switch (ev) {
	case CRASH:
		sim_off(si, i, 1);
		break;
	case POWER:
		sim_off(si, i, 0);
		sim_for(si, 60000);
		sim_off(si, i, 1);
		break;
	case LEAVE:
		sim_clock(&si->si_node[i]);
		node_leave(si->si_node[i].sn_node);
		sim_rewake(&si->si_node[i]);
		sim_for(si, 1000);
		sim_off(si, i, 1);
		break;
	case BACK:
	case BACK2:
		(void)sim_on(si, i);
		if (i <= PUBLISHERS)
			publish(ch, i);
		break;
	case TWO:
		two(ch);
		break;
	case SLEEP:
		si->si_node[i].sn_frozen = 1;
		sim_rewake(&si->si_node[i]);
		sim_for(si, 5000 + (sim_rand(si) >> 40) % 300000);
		si->si_node[i].sn_frozen = 0;
		sim_rewake(&si->si_node[i]);
		break;
	case CLOCK:
		si->si_node[i].sn_skew = si->si_node[i].sn_skew != 0 ? 0 :
		    (int64_t)((sim_rand(si) >> 40) % 1800000) - 900000;
		break;
	case SPLIT:
		split(ch);
		break;
	case NUMBER:
	case EVENTS:
		i = 1 + (int)(sim_rand(si) >> 33) % PUBLISHERS;
		if (!is_on(si, i))
			break;
		ch->ch_wanted[i] = 1 + (int)(sim_rand(si) >> 33) % NUMBERS;
		publish(ch, i);
		break;
	}
}

/* Registrations that the responsible node lacks. */
static int
wrong_places(const struct chaos *ch)
{
	struct sim	*si = ch->ch_sim;
	struct nodeid	 id;
	char		 number[E164_SIZE];
	unsigned	 copy;
	int		 p, i, wrong = 0;

	for (p = 1; p <= PUBLISHERS; p++) {
		for (i = 0; i < NUMBERS; i++) {
			number_of(p, i, number);
			for (copy = 0; copy < REGIST_COPIES; copy++) {
				ATF_REQUIRE_EQ(0, regist_resource(e164_pack(number), copy,
				    &id));
				wrong += holds(sim_owner(si, &id), e164_pack(number),
				    copy) != (i < ch->ch_wanted[p]);
			}
		}
	}
	return (wrong);
}

static void
check(struct chaos *ch)
{
	struct lookup_result lr;
	struct sim	*si = ch->ch_sim;
	char		 number[E164_SIZE];
	uint64_t	 until = si->si_now + SETTLE_MS;
	int		 p, i, k, found;

	if (strcmp(ch->ch_what, "split") == 0)
		until += 3 * SETTLE_MS;
	/* Hold-down, copies, and then until all is well. */
	sim_for(si, 60000);
	while ((sim_unjoined(si) > 0 || sim_wrong(si) > 0 || wrong_places(ch) > 0) &&
	    si->si_now < until)
		sim_for(si, STEP_MS);
	if (sim_unjoined(si) > 0 || sim_wrong(si) > 0 || wrong_places(ch) > 0)
		atf_tc_fail("CHAOS_SEED=%llu, round %d, %s: %d not joined, %d with "
		    "wrong neighbours, %d wrong places", (unsigned long long)ch->ch_seed,
		    ch->ch_round, ch->ch_what, sim_unjoined(si), sim_wrong(si),
		    wrong_places(ch));
	sim_for(si, 60000);
	for (i = 0; i < NODES; i++) {
		if (is_on(si, i))
			foe_bounds(&si->si_node[i]);
	}
	for (k = 0; k < 6; k++) {
		p = 1 + (int)(sim_rand(si) >> 33) % PUBLISHERS;
		i = (int)(sim_rand(si) >> 33) % NUMBERS;
		number_of(p, i, number);
		found = sim_lookup(&si->si_node[0], number, &lr);
		if (found != (i < ch->ch_wanted[p]))
			atf_tc_fail("CHAOS_SEED=%llu, round %d, %s: %s: %d claimants",
			    (unsigned long long)ch->ch_seed, ch->ch_round, ch->ch_what,
			    number, found);
	}
}

static void
run(uint64_t seed)
{
	struct chaos	 ch;
	int		 i;

	memset(&ch, 0, sizeof(ch));
	ch.ch_seed = seed;
	ch.ch_what = "begin";
	ch.ch_sim = foe_ring(NODES, 0, seed);
	/* Each part of a ring that is cut finds itself again. */
	for (i = 4; i < 8; i++)
		ch.ch_sim->si_doc.rd_boot[ch.ch_sim->si_doc.rd_boots++] =
		    ch.ch_sim->si_node[i].sn_addr;
	for (i = 1; i <= PUBLISHERS; i++) {
		ch.ch_wanted[i] = NUMBERS;
		publish(&ch, i);
	}
	check(&ch);
	for (ch.ch_round = 1; ch.ch_round <= ROUNDS; ch.ch_round++) {
		event(&ch);
		check(&ch);
	}
	sim_free(ch.ch_sim);
}

ATF_TC_WITHOUT_HEAD(chaos);
ATF_TC_BODY(chaos, tc)
{
	const char	*s = getenv("CHAOS_SEED");
	uint64_t	 seed;

	if (s != NULL) {
		run(strtoull(s, NULL, 10));
		return;
	}
	for (seed = 1; seed <= 5; seed++)
		run(seed);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, chaos);
	return (atf_no_error());
}
