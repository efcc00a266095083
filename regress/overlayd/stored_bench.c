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
 * A peer that holds a million registrations: overlayd's store, storage and
 * answers in a fresh process under overlayd's sandbox.  Printed are the CPU of
 * the start, resident memory after it and after 100,000 Fetches of random
 * registrations, CPU a Fetch with 1,000 and 1,000,000 stored, CPU a Store.
 * stored_bench [-b dir] [-s signers] [values]; -b only makes the store there.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#undef si_value		/* signal.h's; a field of struct storage_item is called so */

#include "glue_store.h"
#include "log.h"
#include "node.h"
#include "sandbox.h"

#define FETCHES		100000u
#define STORES		20000u
#define CERT_LEN	600
#define STEP		4096		/* between turns of the event loop */

struct result {
	double		 re_init_ms, re_load_ms, re_wall_ms, re_step_ms;
	double		 re_fetch_us, re_store_us;
	uint64_t	 re_values, re_places, re_answers, re_bytes;
	double		 re_rss_start, re_rss_fetch, re_rss_store;
};

static double	 clock_us(clockid_t);
static void	 resource_of(uint32_t, struct nodeid *);
static void	 item_of(uint32_t, struct storage_item *);
static int	 store_one(struct storage *, uint32_t);
static int	 by_resource(const void *, const void *);
static void	 build(const char *, uint32_t);
static int	 no_sign(void *, uint64_t, int, const void *, size_t);
static void	 no_send(void *, uint64_t, const void *, size_t);
static void	 no_close(void *, uint64_t);
static void	 no_log(void *, int, const char *);
static void	 no_random(void *, void *, size_t);
static struct node *peer(void);
static void	 fetch_one(struct node *, uint32_t);
static void	 fetches(struct node *, uint32_t, struct result *);
static void	 serve(const char *, uint32_t, int, int);
static double	 rss_mb(pid_t);
static void	 run(const char *, uint32_t, struct result *);
static void	 measure(uint32_t, struct result *);

static uint32_t	 signers = 20000;
static uint64_t	 now_ms;
static uint64_t	 sign_id;	/* 0: none waits */
static size_t	 sign_len;
static struct reload_doc doc;

static double
clock_us(clockid_t id)
{
	struct timespec	 ts;

	if (clock_gettime(id, &ts) == -1)
		err(1, "clock_gettime");
	return ((double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3);
}

/* -- what is stored -- */

static void
resource_of(uint32_t n, struct nodeid *id)
{
	(void)crypto_generichash(id->id_b, NODEID_LEN, (const uint8_t *)&n, sizeof(n),
	    NULL, 0);
}

/* Registration number n as its node would store it. */
static void
item_of(uint32_t n, struct storage_item *si)
{
	static uint8_t	 cert[CERT_LEN], value[20], sig[256];
	static char	 key[64];
	struct reload_signature rs;
	struct wbuf	 w;
	char		 hex[NODEID_HEXLEN];
	uint32_t	 signer = n % signers;

	memset(si, 0, sizeof(*si));
	(void)crypto_generichash(si->si_signer.id_b, NODEID_LEN, (uint8_t *)&signer,
	    sizeof(signer), NULL, 0);
	memset(cert, 0x30, sizeof(cert));
	memcpy(cert + 16, &signer, sizeof(signer));
	(void)crypto_hash_sha256(si->si_sha256, cert, sizeof(cert));
	(void)snprintf(key, sizeof(key), "%s+%016x", nodeid_hex(&si->si_signer, hex), n);
	memset(&rs, 0, sizeof(rs));
	rs.rs_hash = RELOAD_HASH_SHA256;
	rs.rs_alg = RELOAD_SIG_ECDSA;
	rs.rs_id.ri_type = RELOAD_ID_CERT_HASH;
	rs.rs_id.ri_hash = RELOAD_HASH_SHA256;
	rs.rs_id.ri_value.p = (const char *)si->si_sha256;
	rs.rs_id.ri_value.len = sizeof(si->si_sha256);
	rs.rs_value.p = (const char *)cert;
	rs.rs_value.len = 71;
	wbuf_init(&w, sig, sizeof(sig));
	reload_signature_put(&w, &rs);
	if (wbuf_ok(&w) == -1)
		errx(1, "signature");
	si->si_key.p = key;
	si->si_key.len = strlen(key);
	si->si_time = now_ms + n;
	si->si_lifetime = 86400;
	si->si_exists = 1;
	si->si_value.p = (const char *)value;
	si->si_value.len = sizeof(value);
	si->si_sig.p = (const char *)sig;
	si->si_sig.len = w.w_len;
	si->si_cert.p = (const char *)cert;
	si->si_cert.len = sizeof(cert);
}

static int
store_one(struct storage *st, uint32_t n)
{
	struct storage_set ss;
	struct storage_item si;
	struct nodeid	 id;
	const char	*why = "";

	resource_of(n, &id);
	item_of(n, &si);
	memset(&ss, 0, sizeof(ss));
	ss.ss_kind = &doc.rd_kind[0];
	ss.ss_generation = 1;
	ss.ss_items = &si;
	ss.ss_nitems = 1;
	if (storage_store(st, &id, 1, &ss, 1, now_ms, &why) == 0)
		return (0);
	warnx("registration %u: %s", n, why);
	return (-1);
}

static int
by_resource(const void *a, const void *b)
{
	struct nodeid	 x, y;

	resource_of(*(const uint32_t *)a, &x);
	resource_of(*(const uint32_t *)b, &y);
	return (nodeid_cmp(&x, &y));
}

/*
 * In the order of the resources, so that the disk has little to do, but each
 * second one in a second round, so that the pages are as full as those of a
 * store that grew by chance.
 */
static void
build(const char *dir, uint32_t values)
{
	struct storage	 st;
	uint32_t	*order, i, round;

	(void)event_init();
	if (glue_init(dir) == -1)
		errx(1, "store");
	if ((order = reallocarray(NULL, values, sizeof(*order))) == NULL)
		err(1, "malloc");
	for (i = 0; i < values; i++)
		order[i] = i;
	qsort(order, values, sizeof(*order), by_resource);
	storage_init(&st, glue_put, glue_get, NULL);
	for (round = 0; round < 2; round++) {
		for (i = round; i < values; i += 2) {
			if (store_one(&st, order[i]) == -1)
				exit(1);
			if (i % STEP < 2)
				(void)event_loop(EVLOOP_NONBLOCK);
		}
	}
	glue_store_close();
	exit(0);
}

/* -- the peer -- */

static int
no_sign(void *arg, uint64_t id, int type, const void *in, size_t len)
{
	(void)arg;
	(void)type;
	(void)in;
	sign_id = id;
	sign_len = len;
	return (0);
}

static void
no_send(void *arg, uint64_t link, const void *p, size_t len)
{
	(void)arg;
	(void)link;
	(void)p;
	(void)len;
}

static void
no_close(void *arg, uint64_t link)
{
	(void)arg;
	(void)link;
}

static void
no_log(void *arg, int level, const char *text)
{
	(void)arg;
	(void)level;
	(void)text;
}

static void
no_random(void *arg, void *p, size_t len)
{
	(void)arg;
	randombytes_buf(p, len);
}

static struct node *
peer(void)
{
	static struct node_ops ops;
	static uint8_t	 cert[CERT_LEN];
	struct node_conf nc;
	struct node	*n;

	ops.no_send = no_send;
	ops.no_close = no_close;
	ops.no_sign = no_sign;
	ops.no_log = no_log;
	ops.no_random = no_random;
	ops.no_put = glue_put;
	ops.no_get = glue_get;
	memset(&nc, 0, sizeof(nc));
	memset(nc.nc_self.id_b, 0x77, NODEID_LEN);
	nc.nc_cert = cert;
	nc.nc_certlen = sizeof(cert);
	nc.nc_alg = RELOAD_SIG_ECDSA;
	if ((n = node_new(&nc, &doc, &ops, NULL, 1000, now_ms)) == NULL)
		errx(1, "node_new");
	return (n);
}

/* A Fetch as it comes out of a verified message, until its answer is signed and
 * handed to a link that is not there. */
static void
fetch_one(struct node *n, uint32_t i)
{
	struct wire_msg	 wm;
	struct node_in	 in;
	struct wire_fetch wf;
	struct wire_spec spec;
	struct nodeid	 id, other;
	struct wbuf	 w;
	uint8_t		 body[256], specs[64], sig[71];

	resource_of(i, &id);
	memset(&spec, 0, sizeof(spec));
	spec.wp_kind = RELOAD_KIND_VIPR;
	spec.wp_model = RELOAD_DICTIONARY;
	cur_init(&spec.wp_list, specs, 0);
	wbuf_init(&w, specs, sizeof(specs));
	wire_spec_write(&w, &spec);
	memset(&wf, 0, sizeof(wf));
	wf.wf_resource.p = (const char *)id.id_b;
	wf.wf_resource.len = NODEID_LEN;
	cur_init(&wf.wf_specs, specs, w.w_len);
	wbuf_init(&w, body, sizeof(body));
	wire_fetch_write(&w, &wf);
	memset(&wm, 0, sizeof(wm));
	cur_init(&wm.wm_contents.wc_body, body, w.w_len);
	memset(&in, 0, sizeof(in));
	in.ni_msg = &wm;
	in.ni_dest.wd_type = WIRE_DEST_RESOURCE;
	in.ni_dest.wd_id = wf.wf_resource;
	in.ni_signer.ng_node = n->n_self;	/* is not limited */
	in.ni_ret.nx_tid = i + 1;
	in.ni_ret.nx_code = WIRE_FETCH;
	if ((in.ni_ret.nx_dest = malloc(64)) == NULL)
		err(1, "malloc");
	memset(&other, 0x33, sizeof(other));
	wbuf_init(&w, in.ni_ret.nx_dest, 64);
	wire_dest_node(&w, other.id_b);
	in.ni_ret.nx_destlen = w.w_len;
	sign_id = 0;
	fetch_in(n, &in);
	if (sign_id == 0 || sign_len < CERT_LEN / 4)
		errx(1, "registration %u: no answer", i);
	memset(sig, 1, sizeof(sig));
	node_signed(n, sign_id, 0, sig, sizeof(sig));
}

static void
fetches(struct node *n, uint32_t values, struct result *re)
{
	uint64_t	 r = 88172645463325252u;
	uint32_t	 i;
	double		 t;

	t = clock_us(CLOCK_PROCESS_CPUTIME_ID);
	for (i = 0; i < FETCHES; i++) {
		r ^= r << 13;
		r ^= r >> 7;
		r ^= r << 17;
		fetch_one(n, (uint32_t)(r >> 11) % values);
		if (i % STEP == 0)
			(void)event_loop(EVLOOP_NONBLOCK);
	}
	re->re_fetch_us = (clock_us(CLOCK_PROCESS_CPUTIME_ID) - t) / FETCHES;
	re->re_answers = n->n_stats.ns_fetched;
}

/* A word to the parent, which looks at our memory, and its leave to go on. */
static void
serve(const char *dir, uint32_t values, int in, int out)
{
	struct result	 re;
	struct node	*n;
	double		 cpu, wall, t, step;
	uint32_t	 i;
	int		 more;
	char		 c = 0;

	memset(&re, 0, sizeof(re));
	cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID);
	wall = clock_us(CLOCK_MONOTONIC);
	(void)event_init();
	if (glue_init(dir) == -1)
		errx(1, "store");
	(void)sandbox_enter(SANDBOX_OVERLAY);
	n = peer();
	re.re_init_ms = (clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e3;
	do {
		t = clock_us(CLOCK_MONOTONIC);
		more = glue_load(n);
		step = (clock_us(CLOCK_MONOTONIC) - t) / 1e3;
		if (step > re.re_step_ms)
			re.re_step_ms = step;
	} while (more == 1);
	re.re_load_ms = (clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e3;
	re.re_wall_ms = (clock_us(CLOCK_MONOTONIC) - wall) / 1e3;
	re.re_values = n->n_storage.st_nvalues;
	re.re_places = n->n_storage.st_nplaces;
	re.re_bytes = n->n_storage.st_bytes;
	if (write(out, &c, 1) != 1 || read(in, &c, 1) != 1)
		_exit(1);
	fetches(n, values, &re);
	if (write(out, &c, 1) != 1 || read(in, &c, 1) != 1)
		_exit(1);
	t = clock_us(CLOCK_PROCESS_CPUTIME_ID);
	for (i = 0; i < STORES; i++) {
		if (store_one(&n->n_storage, values + i) == -1)
			_exit(1);
		if (i % 64 == 0)
			(void)event_loop(EVLOOP_NONBLOCK);
	}
	re.re_store_us = (clock_us(CLOCK_PROCESS_CPUTIME_ID) - t) / STORES;
	if (write(out, &c, 1) != 1 || read(in, &c, 1) != 1 ||
	    write(out, &re, sizeof(re)) != sizeof(re))
		_exit(1);
	node_free(n);
	glue_store_close();
	_exit(0);
}

/* -- the parent -- */

static double
rss_mb(pid_t pid)
{
	char		 path[64], line[256];
	double		 mb = -1;
	FILE		*f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return (-1);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "VmRSS:", 6) == 0)
			mb = strtod(line + 6, NULL) / 1024;
	}
	fclose(f);
	return (mb);
}

static void
run(const char *dir, uint32_t values, struct result *re)
{
	double		 rss[3];
	pid_t		 pid;
	int		 to[2], from[2], status, i;
	char		 c = 0;

	if (pipe(to) == -1 || pipe(from) == -1 || (pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		close(to[1]);
		close(from[0]);
		serve(dir, values, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	for (i = 0; i < 3; i++) {
		if (read(from[0], &c, 1) != 1)
			errx(1, "the peer has failed");
		rss[i] = rss_mb(pid);
		if (write(to[1], &c, 1) != 1)
			err(1, "pipe");
	}
	if (read(from[0], re, sizeof(*re)) != sizeof(*re))
		errx(1, "the peer has failed");
	re->re_rss_start = rss[0];
	re->re_rss_fetch = rss[1];
	re->re_rss_store = rss[2];
	close(to[1]);
	close(from[0]);
	if (waitpid(pid, &status, 0) == -1)
		err(1, "waitpid");
}

static void
measure(uint32_t values, struct result *re)
{
	static const char *const files[] = { "data.mdb", "data.lock", "data.sync" };
	char		 dir[] = "/tmp/vipr-stored.XXXXXX", path[64];
	struct stat	 sb;
	size_t		 i;
	pid_t		 pid;
	int		 status;

	if (mkdtemp(dir) == NULL)
		err(1, "mkdtemp");
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0)
		build(dir, values);
	if (waitpid(pid, &status, 0) == -1 || status != 0)
		warnx("the store was not made");
	else
		run(dir, values, re);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
	if (stat(path, &sb) == -1)
		sb.st_size = 0;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		(void)unlink(path);
	}
	if (rmdir(dir) == -1)
		warn("%s", dir);
	printf("stored: values=%llu places=%llu record_mb=%.0f file_mb=%.0f open_ms=%.0f "
	    "start_cpu_ms=%.0f start_wall_ms=%.0f longest_step_ms=%.0f rss_start_mb=%.1f "
	    "rss_fetch_mb=%.1f rss_store_mb=%.1f\n", (unsigned long long)re->re_values,
	    (unsigned long long)re->re_places, (double)re->re_bytes / 1048576,
	    (double)sb.st_size / 1048576, re->re_init_ms, re->re_load_ms, re->re_wall_ms,
	    re->re_step_ms, re->re_rss_start, re->re_rss_fetch, re->re_rss_store);
	fflush(stdout);
	if (re->re_values != values || re->re_answers != FETCHES)
		errx(1, "not all is there");
}

int
main(int argc, char **argv)
{
	struct result	 few, many;
	struct reload_kind *rk = &doc.rd_kind[0];
	uint32_t	 values = 1000000;
	const char	*e, *dir = NULL;
	int		 ch;

	while ((ch = getopt(argc, argv, "b:s:")) != -1) {
		if (ch == 'b') {
			dir = optarg;
			continue;
		}
		if (ch != 's')
			errx(2, "usage: stored_bench [-b dir] [-s signers] [values]");
		signers = (uint32_t)strtonum(optarg, 1, 2000000, &e);
		if (e != NULL)
			errx(2, "signers: %s", e);
	}
	if (optind < argc) {
		values = (uint32_t)strtonum(argv[optind], 1000, 1900000, &e);
		if (e != NULL)
			errx(2, "values: %s", e);
	}
	if (sodium_init() == -1)
		errx(1, "libsodium");
	log_init_stderr("stored_bench", 0);
	now_ms = (uint64_t)time(NULL) * 1000;
	(void)strlcpy(doc.rd_name, "bench.example", sizeof(doc.rd_name));
	doc.rd_sequence = 1;
	doc.rd_initial_ttl = 100;
	doc.rd_max_message = 60000;
	doc.rd_kinds = 1;
	rk->rk_id = RELOAD_KIND_VIPR;
	rk->rk_model = RELOAD_DICTIONARY;
	rk->rk_policy = RELOAD_VIPR_NODE_KEY_MATCH;
	rk->rk_max_count = 64;
	rk->rk_max_size = 64;
	rk->rk_lifetime = 86400;
	rk->rk_max_per_node = 1;
	rk->rk_quota = 20000;
	if (dir != NULL)
		build(dir, values);
	measure(1000, &few);
	measure(values, &many);
	printf("stored: values=%u start_ms=%.0f rss_mb=%.1f fetch_us_1k=%.1f "
	    "fetch_us_1m=%.1f store_us=%.1f\n", values, many.re_load_ms,
	    many.re_rss_fetch > many.re_rss_start ? many.re_rss_fetch : many.re_rss_start,
	    few.re_fetch_us, many.re_fetch_us, many.re_store_us);
	return (0);
}
