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
 * The overlay at size: joins many nodes, stores registrations, looks them up
 * in a quiet ring, under churn, after a cut that heals and after many nodes
 * were killed at one instant, and among malicious nodes; prints what it cost.
 * The last line is
 *
 * sim: nodes= stored= mean_hops= p99_hops= success= bytes_node_hour= mem_node_kb= join_s=
 *
 * mean_hops and p99_hops of the quiet ring; success and bytes_node_hour under
 * churn when there was any; join_s mean, start to joined.  Exit status 1 and
 * the command that repeats the run when something was lost or not found that
 * should not have been.
 */

#include <sys/resource.h>

#include <inttypes.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <time.h>
#include <unistd.h>

#include "e164.h"
#include "world.h"
#include "evil.h"
#include "boxes.h"
#include "survey.h"

#define JOIN_RATE	50	/* boxes started a second, at most */
#define BOOTS		16
#define ROUND_MS	30000	/* stabilisation round: a silent neighbour is asked */
#define ROUNDS_MAX	40
#define SPLIT_MS	600000

struct options {
	int		 o_nodes;
	int		 o_stored;
	uint64_t	 o_seed;
	int		 o_churn;	/* per cent of the nodes an hour */
	int		 o_minutes;	/* of churn */
	int		 o_kill;	/* per cent at one instant */
	int		 o_split;	/* per cent cut off for a while */
	int		 o_lookups;	/* each time */
	int		 o_loss;	/* packets of 1000 */
	int		 o_idle;	/* minutes of rest that are measured */
	int		 o_evil;	/* per cent of the nodes */
	int		 o_early;	/* evil from the start */
};

static struct options op = { 1000, 10000, 1, 50, 60, 30, 0, 0, 5, 10, 0, 0 };
static int	 failed;

static void	 usage(void) __attribute__((__noreturn__));
static int	 number_arg(const char *, int, int);
static void	 fail(const char *);
static double	 cpu_seconds(void);
static void	 phase(const struct world *, const char *);
static void	 join_all(struct world *);
static void	 numbers_of(struct survey *, struct wnode *, int, int);
static void	 store_all(struct survey *);
static size_t	 pending(const struct world *);
static void	 quiet(struct survey *, struct cost *);
static struct wnode *victim(struct world *);
static void	 churn(struct survey *, struct cost *);
static int	 heal(struct survey *, const char *);
static void	 after(struct survey *, const char *);
static void	 split(struct survey *);
static void	 kill_many(struct survey *);
static void	 ask(struct survey *, const char *, int, int, struct price *);
static void	 readbacks(struct world *, int);
static void	 attack(struct survey *);

static void
usage(void)
{
	fprintf(stderr, "usage: sim [-v] [-n nodes] [-s stored] [-S seed] "
	    "[-c churn%%/hour] [-m minutes]\n"
	    "           [-i idle minutes] [-k kill%%] [-p split%%] [-l lookups] [-L loss/1000]\n"
	    "           [-x malicious%% [-X]]\n");
	exit(2);
}

static int
number_arg(const char *s, int min, int max)
{
	const char	*why;
	long long	 v = strtonum(s, min, max, &why);

	if (why != NULL)
		errx(2, "%s: %s (%d to %d)", s, why, min, max);
	return ((int)v);
}

static void
fail(const char *what)
{
	failed = 1;
	printf("sim: FAILED: %s; to repeat: make sim NODES=%d STORED=%d SEED=%llu "
	    "CHURN=%d MINUTES=%d KILL=%d SPLIT=%d LOOKUPS=%d LOSS=%d IDLE=%d "
	    "MALICIOUS=%d%s\n", what,
	    op.o_nodes, op.o_stored, (unsigned long long)op.o_seed, op.o_churn,
	    op.o_minutes, op.o_kill, op.o_split, op.o_lookups, op.o_loss,
	    op.o_idle, op.o_evil, op.o_early ? " EARLY=1" : "");
	fflush(stdout);
}

static double
cpu_seconds(void)
{
	struct rusage	 ru;

	(void)getrusage(RUSAGE_SELF, &ru);
	return ((double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	    (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6);
}

static void
phase(const struct world *w, const char *what)
{
	struct rusage	 ru;

	(void)getrusage(RUSAGE_SELF, &ru);
	printf("%-8s at=%.0fs live=%d cpu=%.1fs rss=%ldMB events=%llu digest=%016llx\n",
	    what, (double)w->w_now / 1000, w->w_nlive, cpu_seconds(),
	    ru.ru_maxrss / 1024, (unsigned long long)w->w_events,
	    (unsigned long long)w->w_digest);
	fflush(stdout);
}

/* Boxes start at a rate that grows with the ring. */
static void
join_all(struct world *w)
{
	struct wnode	*wn;
	struct cost	 co;
	uint64_t	 until;
	int		 i, rate;

	cost_start(w, &co);
	for (i = 0; i < op.o_nodes; i++) {
		wn = w_box(w);
		wn->wn_first = i == 0;
		if (i < BOOTS)
			w->w_doc.rd_boot[w->w_doc.rd_boots++] = wn->wn_addr;
		w_on(wn);
		rate = 1 + i / 10;
		if (rate > JOIN_RATE)
			rate = JOIN_RATE;
		if (i > 0 && i % 1000 == 0)
			phase(w, "joining");
		w_run(w, w->w_now + 500 / (uint64_t)rate + w_random64(w) % (1000 / (uint64_t)rate));
	}
	for (until = w->w_now + 900000; survey_unjoined(w) > 0 && w->w_now < until;)
		w_run(w, w->w_now + 1000);
	if (w->w_verbose > 0)
		survey_slow(w);
	phase(w, "join");
	cost_stop(w, &co);
	cost_print(&co, "join");
	survey_joins(w);
	if (op.o_early)
		(void)evil_choose(w, op.o_evil);
	if (survey_unjoined(w) > 0)
		fail("not every node joined");
	/* The finger tables fill, the bootstrap links close. */
	w_run(w, w->w_now + 120000);
	phase(w, "settle");
}

static void
numbers_of(struct survey *sv, struct wnode *wn, int from, int count)
{
	struct conf_ranges own, dec;
	struct conf_range r;
	int		 i;

	TAILQ_INIT(&own);
	TAILQ_INIT(&dec);
	memset(&r, 0, sizeof(r));
	survey_text(from, r.cr_range.er_from);
	survey_text(from + count - 1, r.cr_range.er_to);
	TAILQ_INSERT_TAIL(&own, &r, cr_entry);
	for (i = 0; i < count; i++)
		sv->sv_owner[from + i] = wn->wn_index;
	w_clock(wn);
	if (regist_config(wn->wn_regist, &own, &dec, 50, 0) == -1)
		errx(1, "numbers of a node above its quota");
	w_rewake(wn);
}

static size_t
pending(const struct world *w)
{
	size_t		 n = 0;
	int		 i;

	for (i = 0; i < w->w_nnodes; i++) {
		if (w->w_node[i]->wn_node != NULL)
			n += w->w_node[i]->wn_regist->rg_npending +
			    w->w_node[i]->wn_regist->rg_nfailed;
	}
	return (n);
}

static void
store_all(struct survey *sv)
{
	struct world	*w = sv->sv_world;
	uint64_t	 until;
	int		 i, from = 0, to;

	for (i = 0; i < op.o_nodes; i++) {
		to = (int)((int64_t)op.o_stored * (i + 1) / op.o_nodes);
		if (w->w_node[i]->wn_evil && i + 1 < op.o_nodes)
			continue;	/* the next one has its numbers */
		if (to > from)
			numbers_of(sv, w->w_node[i], from, to - from);
		from = to;
		w_run(w, w->w_now + 5);
	}
	for (until = w->w_now + 900000; pending(w) > 0 && w->w_now < until;)
		w_run(w, w->w_now + 1000);
	phase(w, "store");
	if (op.o_early)
		printf("store:   pending_or_failed=%zu of %d\n", pending(w), op.o_stored);
	else if (pending(w) > 0)
		fail("not every registration was stored");
	w_run(w, w->w_now + 30000);
}

/* A ring in which nothing happens, first left alone, then asked. */
static void
quiet(struct survey *sv, struct cost *idle)
{
	struct world	*w = sv->sv_world;
	struct cost	 co;
	int		 i;

	cost_start(w, idle);
	w_run(w, w->w_now + (uint64_t)op.o_idle * 60000);
	cost_stop(w, idle);
	phase(w, "idle");
	sv->sv_memkb = survey_memory(w);
	cost_print(idle, "idle");
	survey_load(sv);
	survey_replicas(sv, "quiet");
	survey_reset(sv);
	cost_start(w, &co);
	w->w_measure = 1;
	for (i = 0; i < op.o_lookups; i++) {
		survey_lookup(sv, 0);
		w_run(w, w->w_now + 2 + w_random64(w) % 8);
	}
	w_run(w, w->w_now + 20000);
	w->w_measure = 0;
	cost_stop(w, &co);
	phase(w, "lookups");
	survey_lookups(sv, "quiet");
	survey_hops(sv);
	if (sv->sv_found != sv->sv_asked && !op.o_early)
		fail("a look-up in a quiet ring found nothing");
	if (survey_wrong(w) != 0)
		fail("the ring is not in order");
}

/* Somebody joined, and not one of the bootstrap nodes. */
static struct wnode *
victim(struct world *w)
{
	struct wnode	*wn;

	do {
		wn = w->w_node[w_below(w, w->w_nnodes)];
	} while (wn->wn_node == NULL || wn->wn_index < BOOTS || wn->wn_dark ||
	    !node_is_joined(wn->wn_node));
	return (wn);
}

/* Replaced all along: a third leaves, a third is killed, a third goes dark. */
static void
churn(struct survey *sv, struct cost *co)
{
	struct world	*w = sv->sv_world;
	struct wnode	*wn;
	uint64_t	 span = (uint64_t)op.o_minutes * 60000, begin = w->w_now;
	uint64_t	 gone, asked, at;
	int		 ngone, i = 0, j = 0;

	ngone = (int)((int64_t)op.o_nodes * op.o_churn / 100 * op.o_minutes / 60);
	survey_reset(sv);
	cost_start(w, co);
	while (i < ngone || j < op.o_lookups) {
		gone = i < ngone ? begin + span * (uint64_t)(i + 1) / (uint64_t)(ngone + 1) :
		    UINT64_MAX;
		asked = j < op.o_lookups ? begin + span * (uint64_t)(j + 1) /
		    (uint64_t)(op.o_lookups + 1) : UINT64_MAX;
		at = gone < asked ? gone : asked;
		w_run(w, at);
		if (at == asked) {
			survey_lookup(sv, 0);
			j++;
			continue;
		}
		wn = victim(w);
		if (i % 3 == 0) {
			w_clock(wn);
			node_leave(wn->wn_node);
			w_rewake(wn);
			w_event(wn, W_OFF, w->w_now + 1000, 0, NULL, 0);
		} else
			w_off(wn, i % 3 == 2);
		w_on(w_box(w));
		i++;
	}
	w_run(w, begin + span);
	cost_stop(w, co);
	w_run(w, w->w_now + 20000);
	phase(w, "churn");
	printf("churn:   replaced=%d minutes=%d\n", ngone, op.o_minutes);
	cost_print(co, "churn");
	survey_lookups(sv, "churn");
	survey_load(sv);
	survey_replicas(sv, "churn");
	if (survey_success(sv) < 0.9999 && !op.o_early)
		fail("look-ups under churn");
}

/* Rounds until each node has its true neighbours again; -1: never. */
static int
heal(struct survey *sv, const char *name)
{
	struct world	*w = sv->sv_world;
	int		 i, j, wrong;

	for (i = 1; i <= ROUNDS_MAX; i++) {
		/* Mended is what is so at the end of a round. */
		for (j = 0; j < ROUND_MS / 5000; j++)
			w_run(w, w->w_now + 5000);
		wrong = survey_wrong(w);
		printf("%s:%*sround=%d wrong_neighbours=%d unjoined=%d\n", name,
		    (int)(8 - strlen(name)), "", i, wrong, survey_unjoined(w));
		fflush(stdout);
		if (wrong == 0 && survey_unjoined(w) == 0)
			return (i);
		if (w->w_verbose > 0)
			survey_wrong_show(w);
	}
	return (-1);
}

static void
after(struct survey *sv, const char *name)
{
	struct world	*w = sv->sv_world;
	int		 rounds, i;

	rounds = heal(sv, name);
	if (rounds == -1 || rounds > 5)
		fail("the ring was not mended within five rounds");
	w_run(w, w->w_now + 120000);
	phase(w, name);
	survey_survivors(sv, name, rounds);
	survey_replicas(sv, name);
	if (sv->sv_lost > 0)
		fail("a registration with a surviving holder is lost");
	survey_reset(sv);
	for (i = 0; i < op.o_lookups; i++) {
		survey_lookup(sv, 0);
		w_run(w, w->w_now + 2 + w_random64(w) % 8);
	}
	w_run(w, w->w_now + 20000);
	survey_lookups(sv, name);
}

static void
split(struct survey *sv)
{
	struct world	*w = sv->sv_world;
	int		 i;

	/* Each part keeps a bootstrap node, or nobody could tell it apart. */
	for (i = 0; i < w->w_nnodes; i++)
		w->w_node[i]->wn_group = i == 0 ? 0 : i == 1 ? 1 :
		    w_below(w, 100) < op.o_split;
	survey_holders(sv);
	w_run(w, w->w_now + SPLIT_MS);
	for (i = 0; i < w->w_nnodes; i++)
		w->w_node[i]->wn_group = 0;
	after(sv, "split");
}

static void
kill_many(struct survey *sv)
{
	struct world	*w = sv->sv_world;
	int		 i, n = w->w_nlive * op.o_kill / 100;

	for (i = 0; i < n; i++)
		victim(w)->wn_dark = 1;
	survey_holders(sv);
	for (i = 0; i < w->w_nnodes; i++) {
		if (w->w_node[i]->wn_dark)
			w_off(w->w_node[i], 1);
	}
	printf("kill:    killed=%d\n", n);
	after(sv, "kill");
}

static void
ask(struct survey *sv, const char *name, int count, int absent, struct price *pc)
{
	struct world	*w = sv->sv_world;
	uint64_t	 before = w->w_lookmsgs;
	int		 i;

	survey_reset(sv);
	for (i = 0; i < count; i++) {
		survey_lookup(sv, absent);
		w_run(w, w->w_now + 5 + w_random64(w) % 20);
	}
	w_run(w, w->w_now + 20000);
	survey_lookups(sv, name);
	survey_price(sv, name, before, pc);
}

/* Reading back, of all that are on: not at all, or from now on again. */
static void
readbacks(struct world *w, int on)
{
	struct wnode	*wn;
	int		 i;

	for (i = 0; i < w->w_nnodes; i++) {
		wn = w->w_node[i];
		if (wn->wn_node == NULL)
			continue;
		w_clock(wn);
		if (on)
			ntimer_add(&wn->wn_node->n_timers, &wn->wn_regist->rg_readtimer,
			    wn->wn_node->n_mono + 300000 + w_random64(w) % 600000);
		else
			ntimer_del(&wn->wn_node->n_timers, &wn->wn_regist->rg_readtimer);
		w_rewake(wn);
	}
}

/*
 * The same look-ups before and after some nodes turned malicious, if they were
 * not before the registrations were stored, and of numbers that nobody has.
 * Nobody reads back meanwhile: that would be counted.
 */
static void
attack(struct survey *sv)
{
	struct world	*w = sv->sv_world;
	struct price	 peace = { 0, 0 }, foul, none;
	double		 success;
	int		 i, n = 0, count = op.o_lookups / 4;

	readbacks(w, 0);
	if (!op.o_early) {
		ask(sv, "peace", count, 0, &peace);
		ask(sv, "unknown", count / 10, 1, &none);
		(void)evil_choose(w, op.o_evil);
	}
	for (i = 0; i < w->w_nnodes; i++)
		n += w->w_node[i]->wn_node != NULL && w->w_node[i]->wn_evil;
	printf("evil:    malicious=%d of %d, %s the registrations were stored\n", n,
	    w->w_nlive, op.o_early ? "before" : "after");
	ask(sv, "unknown", count / 10, 1, &none);
	ask(sv, "evil", count, 0, &foul);
	success = survey_success(sv);
	phase(w, "evil");
	printf("attack: malicious=%d%% lookups=%llu found=%llu success=%.4f%% requests=%.2f "
	    "messages=%.1f peace_requests=%.2f peace_messages=%.1f unknown_requests=%.2f "
	    "unknown_messages=%.1f\n", op.o_evil, (unsigned long long)sv->sv_asked,
	    (unsigned long long)sv->sv_found, 100 * success, foul.pc_requests,
	    foul.pc_messages, peace.pc_requests, peace.pc_messages, none.pc_requests,
	    none.pc_messages);
	if (success < (op.o_early ? 0.9 : 0.99))
		fail("look-ups among malicious nodes");
	for (i = 0; i < w->w_nnodes && !op.o_early; i++)
		w->w_node[i]->wn_evil = 0;
	readbacks(w, 1);
}

int
main(int argc, char **argv)
{
	struct world	*w;
	struct survey	*sv;
	struct cost	 idle, busy;
	const char	*p;
	int		 ch, verbose = 0;

	while ((ch = getopt(argc, argv, "c:i:k:l:L:m:n:p:s:S:vx:X")) != -1) {
		switch (ch) {
		case 'c':
			op.o_churn = number_arg(optarg, 0, 1000);
			break;
		case 'i':
			op.o_idle = number_arg(optarg, 1, 1440);
			break;
		case 'k':
			op.o_kill = number_arg(optarg, 0, 90);
			break;
		case 'l':
			op.o_lookups = number_arg(optarg, 0, 10000000);
			break;
		case 'L':
			op.o_loss = number_arg(optarg, 0, 500);
			break;
		case 'm':
			op.o_minutes = number_arg(optarg, 1, 1440);
			break;
		case 'n':
			op.o_nodes = number_arg(optarg, BOOTS + 1, 1000000);
			break;
		case 'p':
			op.o_split = number_arg(optarg, 0, 99);
			break;
		case 's':
			op.o_stored = number_arg(optarg, 1, 100000000);
			break;
		case 'S':
			op.o_seed = (uint64_t)strtoull(optarg, NULL, 0);
			break;
		case 'v':
			verbose++;
			break;
		case 'x':
			op.o_evil = number_arg(optarg, 0, 90);
			break;
		case 'X':
			op.o_early = 1;
			break;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
	if (op.o_lookups == 0)
		op.o_lookups = 20 * op.o_nodes < 40000 ? 40000 : 4 * op.o_nodes;
#ifdef __GLIBC__
	/* Large buffers come and go with each message: keep their pages. */
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 30);
	(void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
	w = w_new(op.o_nodes + op.o_nodes * op.o_churn / 100 * op.o_minutes / 60 + 16, op.o_seed);
	w->w_loss = op.o_loss / 1000.0;
	w->w_verbose = verbose;
	if ((p = getenv("SIM_VERBOSE")) != NULL)
		w->w_verbose = atoi(p);
	sv = survey_new(w, op.o_stored);
	printf("sim:     seed=%llu\n", (unsigned long long)op.o_seed);
	fflush(stdout);
	join_all(w);
	store_all(sv);
	quiet(sv, &idle);
	busy = idle;
	if (op.o_churn > 0)
		churn(sv, &busy);
	sv->sv_success = survey_success(sv);
	if (op.o_evil > 0)
		attack(sv);
	if (op.o_split > 0)
		split(sv);
	if (op.o_kill > 0)
		kill_many(sv);
	printf("sim: nodes=%d stored=%d mean_hops=%.2f p99_hops=%d success=%.4f%% "
	    "bytes_node_hour=%.0f mem_node_kb=%.1f join_s=%.1f\n", op.o_nodes,
	    op.o_stored, sv->sv_meanhops, sv->sv_p99hops, 100 * sv->sv_success,
	    busy.co_bytes_node_hour, sv->sv_memkb, survey_join_mean(w));
	return (failed);
}
