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
 * A ring of real overlayds under look-ups from random nodes, for numbers whose
 * three places the asker is not responsible for.  CPU is that of all overlayds
 * and keys.  With -o the same count of gets goes to OpenDHT (dhtring.cc), round
 * by round in turn.
 *
 *   ovring [-g look-ups] [-k numbers] [-n nodes] [-o dhtring] [-r rounds]
 *       [-w window] [-x seconds] FOLDER PROGRAMS
 *
 * FOLDER is made; PROGRAMS is where viprd and overlayd stand.  -x: instead of
 * rounds, look-ups one after the other for so long, for a profiler.
 */

/* First: <signal.h> makes a macro of a name in storage.h. */
#include "regist.h"
#include "ring_box.h"

#define WINDOW_MAX	128
#define SAMPLES_MAX	200000
#define LOOKUP_FETCHES	REGIST_COPIES
#define VERIFIES_FETCH	3	/* the request, the answer, the value */
#define SIGNS_FETCH	2
#define VERIFIES	200	/* of the yardstick */
#define START_S		120
#define JOIN_AT_ONCE	4
#define SETTLE_S	10		/* fingers are looked for, tables filled */
#define WARM_LOOKUPS	60		/* a node */

struct flight {				/* a look-up under way */
	uint64_t	 f_id;		/* 0: free */
	uint64_t	 f_at;		/* ns */
	unsigned	 f_owner;
};

/* What a run of look-ups or gets cost; s. */
struct cost {
	uint64_t	 c_ops, c_failed;
	double		 c_cpu, c_key, c_wall;
	double		 c_best;	/* CPU an operation of the cheapest round */
};

struct totals {			/* of all nodes' counters */
	double		 t_fetched, t_forwarded, t_timeouts, t_peers;
};

static uint32_t	 rnd(uint32_t);
static int	 said_lookup(struct chan *, struct chan_msg *, void *);
static int	 said_other(struct chan *, struct chan_msg *, void *);
static unsigned	 responsible(const struct nodeid *);
static int	 asks_elsewhere(unsigned, uint64_t);
static void	 ask(struct flight *);
static double	 cpu_of(pid_t);
static double	 cpu_sum(int);
static void	 yardstick(void);
static void	 count(struct cost *, unsigned, uint64_t, double, double);
static void	 round_ours(unsigned, unsigned, struct cost *);
static void	 profile(double);
static void	 total(struct totals *);
static int	 cmp_double(const void *, const void *);
static double	 percentile(double);
static double	 memory(pid_t);
static void	 dht_start(const char *);
static void	 dht_round(unsigned, unsigned, struct cost *);
static void	 line(const char *, const char *, const struct cost *, unsigned);
static void	 report(const char *, const struct cost *, const struct cost *);
static void	 ring_up(void);
static void	 rounds(const char *, unsigned, unsigned, unsigned);
static void	 stop(void);
static void	 usage(void) __attribute__((__noreturn__));

static const struct imsg_rule from_overlay[] = {
	{ IMSG_OV_LOOKUP_RES, sizeof(struct imsg_ov_lookup_res),
	    OV_LOOKUP_MAX * NODEID_LEN, 0, said_lookup },
	{ IMSG_OV_APPATTACH_RES, sizeof(struct imsg_ov_appattach_res), 4096, 0,
	    said_other },
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static struct flight	 flights[WINDOW_MAX];
static unsigned		 under_way;
static uint64_t		 next_id, nanswers, nfailed;
static uint64_t		 nlookups;	/* since before */
static double		 samples[SAMPLES_MAX];	/* ms */
static size_t		 nsamples;
static int		 sampling;
static uint64_t		 seed = 1, verifies;
static double		 verify_cpu;
static struct totals	 before;
static FILE		*dht_in, *dht_out;
static pid_t		 dht_pid;

/* The same questions in each run. */
static uint32_t
rnd(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return ((uint32_t)(seed >> 33) % below);
}

/* -- look-ups -- */

static int
said_other(struct chan *ch, struct chan_msg *m, void *arg)
{
	(void)ch;
	(void)m;
	(void)arg;
	return (0);
}

/* An answer counts when it names the one that published the number. */
static int
said_lookup(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_ov_lookup_res or;
	struct flight	*f = NULL;
	const uint8_t	*id;
	uint32_t	 i;
	int		 found = 0;

	(void)ch;
	(void)arg;
	memcpy(&or, m->cm_fixed, sizeof(or));
	for (i = 0; i < WINDOW_MAX; i++)
		if (flights[i].f_id != 0 && flights[i].f_id == or.or_reqid)
			f = &flights[i];
	if (f == NULL)
		return (0);
	for (i = 0; i < or.or_count; i++)
		if ((id = cur_ptr(&m->cm_tail, NODEID_LEN)) != NULL &&
		    memcmp(id, members[f->f_owner].m_id.id_b, NODEID_LEN) == 0)
			found = 1;
	if (!found)
		nfailed++;
	if (sampling && nsamples < SAMPLES_MAX)
		samples[nsamples++] = (double)(now_ns() - f->f_at) / 1e6;
	nanswers++;
	nlookups++;
	under_way--;
	f->f_id = 0;
	return (0);
}

/* Whose the resource is: the first Node-ID from there on, clockwise. */
static unsigned
responsible(const struct nodeid *resource)
{
	unsigned	 i, best = 0;

	for (i = 1; i < nnodes; i++)
		if (nodeid_dist_cmp(resource, &members[i].m_id, &members[best].m_id) < 0)
			best = i;
	return (best);
}

static int
asks_elsewhere(unsigned asker, uint64_t number)
{
	struct nodeid	 id;
	unsigned	 i;

	for (i = 0; i < REGIST_COPIES; i++)
		if (regist_resource(number, i, &id) == -1 || responsible(&id) == asker)
			return (0);
	return (1);
}

static void
ask(struct flight *f)
{
	struct imsg_ov_lookup	 ol;
	unsigned		 asker;

	memset(&ol, 0, sizeof(ol));
	do {
		f->f_owner = rnd(nnodes);
		asker = rnd(nnodes);
		number_of(f->f_owner, rnd(nnumbers), ol.ol_number, sizeof(ol.ol_number));
	} while (asker == f->f_owner || !asks_elsewhere(asker, e164_pack(ol.ol_number)));
	ol.ol_reqid = f->f_id = ++next_id;
	f->f_at = now_ns();
	under_way++;
	if (chan_send(members[asker].m_pvp, IMSG_OV_LOOKUP, -1, &ol, sizeof(ol), NULL,
	    0) == -1)
		err(1, "node %u", asker);
	chan_flush(members[asker].m_pvp);
}

/* -- what they cost -- */

static double
cpu_of(pid_t pid)
{
	struct timespec	 ts;
	clockid_t	 id;

	if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &ts) == -1)
		errx(1, "no CPU time of process %ld", (long)pid);
	return ((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

static double
cpu_sum(int keys)
{
	double		 sum = 0;
	unsigned	 i;

	for (i = 0; i < nnodes; i++)
		sum += cpu_of(keys ? members[i].m_key.d_pid : members[i].m_overlay.d_pid);
	return (sum);
}

/* KiB resident. */
static double
memory(pid_t pid)
{
	char	 path[64], text[256];
	long	 kb = 0;
	FILE	*f;

	(void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	if ((f = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	while (fgets(text, sizeof(text), f) != NULL)
		if (sscanf(text, "VmRSS: %ld", &kb) == 1)
			break;
	fclose(f);
	return ((double)kb);
}

/* What one verification costs here and now, in this process: how fast the
 * machine is between the rounds. */
static void
yardstick(void)
{
	struct reload_signature	 rs;
	struct span		 part = { "yardstick", 9 };
	EVP_PKEY_CTX		*ctx;
	EVP_PKEY		*key;
	uint8_t			 sig[128];
	size_t			 len = sizeof(sig);
	double			 cpu;
	unsigned		 i;

	memset(&rs, 0, sizeof(rs));
	if ((key = EVP_EC_gen("P-256")) == NULL ||
	    reload_sign_parts(key, &part, 1, sig, &len) == -1 ||
	    (ctx = reload_verifier_new(key)) == NULL)
		errx(1, "OpenSSL does not start");
	rs.rs_hash = RELOAD_HASH_SHA256;
	rs.rs_alg = RELOAD_SIG_ECDSA;
	rs.rs_value.p = (const char *)sig;
	rs.rs_value.len = len;
	cpu = cpu_of(getpid());
	for (i = 0; i < VERIFIES; i++)
		if (reload_verifier_parts(ctx, &rs, &part, 1) == -1)
			errx(1, "OpenSSL does not verify");
	verify_cpu += cpu_of(getpid()) - cpu;
	verifies += VERIFIES;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
}

static void
count(struct cost *c, unsigned ops, uint64_t failed, double cpu, double wall)
{
	if (c->c_ops == 0 || cpu / ops < c->c_best)
		c->c_best = cpu / ops;
	c->c_ops += ops;
	c->c_failed += failed;
	c->c_cpu += cpu;
	c->c_wall += wall;
}

static void
round_ours(unsigned ops, unsigned window, struct cost *c)
{
	double		 at, key, cpu;
	uint64_t	 failed = nfailed, start = nanswers;
	unsigned	 i, asked = 0;

	yardstick();
	key = cpu_sum(1);
	cpu = cpu_sum(0);
	at = now_s();
	while (nanswers - start < ops) {
		for (i = 0; i < window && asked < ops && under_way < window; i++) {
			if (flights[i].f_id != 0)
				continue;
			ask(&flights[i]);
			asked++;
		}
		(void)event_loop(EVLOOP_ONCE);
	}
	key = cpu_sum(1) - key;
	c->c_key += key;
	count(c, ops, nfailed - failed, cpu_sum(0) - cpu + key, now_s() - at);
}

static void
profile(double seconds)
{
	struct cost	 c;
	double		 end = now_s() + seconds;
	unsigned	 i;

	memset(&c, 0, sizeof(c));
	(void)printf("profile: pids");
	for (i = 0; i < nnodes; i++)
		(void)printf(" %ld %ld", (long)members[i].m_overlay.d_pid,
		    (long)members[i].m_key.d_pid);
	(void)printf("\n");
	(void)fflush(stdout);
	while (now_s() < end)
		round_ours(100, 1, &c);
	line("ours", "one look-up at a time", &c, LOOKUP_FETCHES);
}

/* -- OpenDHT -- */

static void
dht_start(const char *program)
{
	char	 n[16], k[16];
	int	 to[2], from[2];

	(void)snprintf(n, sizeof(n), "%u", nnodes);
	(void)snprintf(k, sizeof(k), "%u", nnodes * nnumbers);
	if (pipe2(to, O_CLOEXEC) == -1 || pipe2(from, O_CLOEXEC) == -1 ||
	    (dht_pid = fork()) == -1)
		err(1, "%s", program);
	if (dht_pid == 0) {
		(void)dup2(to[0], STDIN_FILENO);
		(void)dup2(from[1], STDOUT_FILENO);
		execl(program, program, n, k, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	if ((dht_in = fdopen(to[1], "w")) == NULL || (dht_out = fdopen(from[0], "r")) == NULL)
		err(1, NULL);
}

static void
dht_round(unsigned ops, unsigned window, struct cost *c)
{
	unsigned long long	 failed;
	double			 cpu, wall;
	char			 text[128];

	(void)fprintf(dht_in, "get %u %u\n", ops, window);
	(void)fflush(dht_in);
	if (fgets(text, sizeof(text), dht_out) == NULL ||
	    sscanf(text, "%lf %lf %llu", &cpu, &wall, &failed) != 3)
		errx(1, "dhtring has ended");
	count(c, ops, failed, cpu, wall);
}

/* -- the report -- */

static void
total(struct totals *t)
{
	unsigned	 i;

	memset(t, 0, sizeof(*t));
	metrics();
	for (i = 0; i < nnodes; i++) {
		t->t_fetched += (double)members[i].m_fetched;
		t->t_forwarded += (double)members[i].m_forwarded;
		t->t_peers += (double)members[i].m_peers / nnodes;
		t->t_timeouts += (double)members[i].m_timeouts;
	}
}

static int
cmp_double(const void *a, const void *b)
{
	double	 x = *(const double *)a, y = *(const double *)b;

	return (x < y ? -1 : x > y);
}

static double
percentile(double p)
{
	if (nsamples == 0)
		return (0);
	qsort(samples, nsamples, sizeof(samples[0]), cmp_double);
	return (samples[(size_t)(p * (double)(nsamples - 1))]);
}

static void
line(const char *who, const char *how, const struct cost *c, unsigned gets)
{
	double	 ops = (double)c->c_ops * gets;

	(void)printf("%s: %s gets=%.0f failed=%llu cpu_us=%.0f best_round_cpu_us=%.0f "
	    "gets_s=%.0f", who, how, ops, (unsigned long long)c->c_failed,
	    c->c_cpu * 1e6 / ops, c->c_best * 1e6 / gets, ops / c->c_wall);
	if (gets > 1)
		(void)printf(" overlayd_us=%.0f key_us=%.0f lookup_cpu_us=%.0f",
		    (c->c_cpu - c->c_key) * 1e6 / ops, c->c_key * 1e6 / ops,
		    c->c_cpu * 1e6 / (double)c->c_ops);
	(void)printf("\n");
}

/* mine, theirs: one after the other. */
static void
report(const char *dht, const struct cost *mine, const struct cost *theirs)
{
	char	 text[256];
	struct totals	 now;
	double	 us, yard, dht_us = 0, rss = 0, key = 0;
	double	 gets = (double)mine->c_ops * LOOKUP_FETCHES;
	unsigned i;

	total(&now);
	for (i = 0; i < nnodes; i++) {
		rss += memory(members[i].m_overlay.d_pid) / 1024 / nnodes;
		key += memory(members[i].m_key.d_pid) / 1024 / nnodes;
	}
	us = mine->c_cpu * 1e6 / gets;
	yard = verify_cpu * 1e6 / (double)verifies;
	(void)printf("ours: of cpu_us, one look-up at a time: verify_us=%.0f (%d at %.0f) "
	    "key_us=%.0f (%d signatures, the way to key) rest_us=%.0f (TLS, sockets, "
	    "%.2f hops each way)\n", VERIFIES_FETCH * yard, VERIFIES_FETCH, yard,
	    mine->c_key * 1e6 / gets, SIGNS_FETCH, us - VERIFIES_FETCH * yard -
	    mine->c_key * 1e6 / gets, 1 + (now.t_forwarded - before.t_forwarded) / 2 /
	    (now.t_fetched - before.t_fetched));
	(void)printf("ours: p50_ms and p99_ms are of a whole look-up, %d Fetches at once; "
	    "fetches_lookup=%.2f peers=%.1f key_rss_mb=%.1f timeouts=%.0f\n",
	    LOOKUP_FETCHES, (now.t_fetched - before.t_fetched) / (double)nlookups,
	    now.t_peers, key, now.t_timeouts - before.t_timeouts);
	if (dht != NULL) {
		(void)fprintf(dht_in, "sum\n");
		(void)fflush(dht_in);
		if (fgets(text, sizeof(text), dht_out) == NULL)
			errx(1, "dhtring has ended");
		(void)printf("opendht: %s", text);
		dht_us = theirs->c_cpu * 1e6 / (double)theirs->c_ops;
	}
	(void)printf("overlay: nodes=%u get_cpu_us=%.0f opendht_get_cpu_us=%.0f ratio=%.2f "
	    "p50_ms=%.2f p99_ms=%.2f rss_mb=%.1f\n", nnodes, us, dht_us,
	    dht_us > 0 ? us / dht_us : 0, percentile(0.5), percentile(0.99), rss);
}

static void
ring_up(void)
{
	struct timeval	 tv = { SETTLE_S, 0 }, settled = { 2, 0 };
	struct cost	 c;
	unsigned	 i;

	certificates();
	for (i = 0; i < nnodes; i++) {
		member_start(i, from_overlay);
		/* One bootstrap node for all: a few at a time. */
		if (i % JOIN_AT_ONCE == 0 || i == nnodes - 1)
			(void)until(all_joined, START_S, "nodes joined");
	}
	(void)until(all_published, START_S, "all numbers published");
	(void)event_loopexit(&tv);
	(void)event_loop(0);
	/* Each has asked each: links are there, certificates known. */
	memset(&c, 0, sizeof(c));
	round_ours(nnodes * WARM_LOOKUPS, 8, &c);
	(void)event_loopexit(&settled);
	(void)event_loop(0);
}

static void
rounds(const char *dht, unsigned n, unsigned lookups, unsigned window)
{
	struct cost	 mine[2], theirs[2];
	unsigned	 i;

	memset(mine, 0, sizeof(mine));
	memset(theirs, 0, sizeof(theirs));
	for (i = 0; i < n; i++) {
		sampling = 1;
		round_ours(lookups, 1, &mine[0]);
		sampling = 0;
		if (dht != NULL)
			dht_round(lookups * LOOKUP_FETCHES, 1, &theirs[0]);
		round_ours(lookups, window, &mine[1]);
		if (dht != NULL)
			dht_round(lookups * LOOKUP_FETCHES, window * LOOKUP_FETCHES,
			    &theirs[1]);
	}
	line("ours", "one look-up at a time", &mine[0], LOOKUP_FETCHES);
	if (dht != NULL)
		line("opendht", "one get at a time", &theirs[0], 1);
	line("ours", "pipelined", &mine[1], LOOKUP_FETCHES);
	if (dht != NULL)
		line("opendht", "pipelined", &theirs[1], 1);
	report(dht, &mine[0], &theirs[0]);
}

static void
stop(void)
{
	unsigned	 i;

	if (dht_in != NULL) {
		fclose(dht_in);
		fclose(dht_out);
		(void)waitpid(dht_pid, NULL, 0);
	}
	for (i = 0; i < nnodes; i++) {
		if (members[i].m_overlay.d_pid > 0)
			(void)kill(members[i].m_overlay.d_pid, SIGKILL);
		if (members[i].m_key.d_pid > 0)
			(void)kill(members[i].m_key.d_pid, SIGKILL);
	}
}

static void
usage(void)
{
	(void)fprintf(stderr, "usage: ovring [-g look-ups] [-k numbers] [-n nodes] "
	    "[-o dhtring] [-r rounds]\n           [-w window] [-x seconds] folder programs\n");
	exit(1);
}

int
main(int argc, char **argv)
{
	const char	*dht = NULL;
	uint64_t	 failed;
	unsigned	 lookups = 250, n = 4, window = 16;
	int		 ch, seconds = 0;

	while ((ch = getopt(argc, argv, "g:k:n:o:r:w:x:")) != -1)
		switch (ch) {
		case 'g':
			lookups = (unsigned)strtonum(optarg, 1, 100000, NULL);
			break;
		case 'k':
			nnumbers = (unsigned)strtonum(optarg, 1, 1000, NULL);
			break;
		case 'n':
			nnodes = (unsigned)strtonum(optarg, 4, NODES_MAX, NULL);
			break;
		case 'o':
			dht = optarg;
			break;
		case 'r':
			n = (unsigned)strtonum(optarg, 1, 100, NULL);
			break;
		case 'w':
			window = (unsigned)strtonum(optarg, 1, WINDOW_MAX, NULL);
			break;
		case 'x':
			seconds = (int)strtonum(optarg, 1, 3600, NULL);
			break;
		default:
			usage();
		}
	if (argc - optind != 2 || lookups == 0 || nnumbers == 0 || nnodes == 0 ||
	    n == 0 || window == 0)
		usage();
	folder = argv[optind];
	programs = argv[optind + 1];
	(void)signal(SIGPIPE, SIG_IGN);
	log_init_stderr("ovring", 0);
	if (sodium_init() == -1 || event_init() == NULL)
		errx(1, "libraries do not start");
	if (mkdir(folder, 0700) == -1)
		err(1, "%s", folder);
	(void)atexit(stop);
	ring_up();
	if (dht != NULL)
		dht_start(dht);
	total(&before);
	nlookups = 0;
	failed = nfailed;
	if (seconds > 0)
		profile(seconds);
	else
		rounds(dht, n, lookups, window);
	return (nfailed == failed ? 0 : 1);
}
