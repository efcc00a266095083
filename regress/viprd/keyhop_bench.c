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
 * What it costs to have the private keys in a process of their own: a TLS 1.3
 * signature through the real key process beside the same one made here, CPU
 * of both processes summed; and how long sipgw waits for one (99th of a
 * hundred) while overlayd has its registrations signed without a pause and
 * 200 call records a second are written.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "../common/testtls.h"
#include "chan.h"
#include "conf.h"
#include "key_sign.h"
#include "log.h"
#include "proc.h"
#include "vipr.h"

#define ROUNDS		4000
#define SAMPLES		1000
#define TICK_US		5000		/* 200 records a second */
#define OUTSTANDING	16		/* of overlayd's signatures */
#define OVERLAY		"overlay.test"
#define NODE		"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"

static struct testcert	 ca, node, sip;
static struct chan	*parent, *to_sip, *to_overlay;
static pid_t		 pid;
static int		 ready, got, published, loaded, refused;
static unsigned		 in_flight, written;
static uint8_t		 tls_input[130], data_input[256];
static size_t		 data_len;
static double		 sent_at, samples[SAMPLES];
static int		 nsamples, waiting;
static struct event	 tick_ev;

static int	 on_ack(struct chan *, struct chan_msg *, void *);
static int	 on_nak(struct chan *, struct chan_msg *, void *);
static int	 on_ready(struct chan *, struct chan_msg *, void *);
static int	 on_signed(struct chan *, struct chan_msg *, void *);
static int	 on_published(struct chan *, struct chan_msg *, void *);
static int	 on_leg(struct chan *, struct chan_msg *, void *);
static int	 on_other(struct chan *, struct chan_msg *, void *);

static const struct imsg_rule as_parent[] = {
	{ IMSG_RECONF_ACK, sizeof(struct imsg_reconf), 0, 0, on_ack },
	{ IMSG_RECONF_NAK, sizeof(struct imsg_reconf), 512, 0, on_nak },
	{ IMSG_READY, 0, 512, 0, on_ready },
	{ IMSG_NONE, 0, 0, 0, NULL }
};
static const struct imsg_rule as_sip[] = {
	{ IMSG_KEY_SIGN_RES, sizeof(struct imsg_key_sign_res), 1024, 0, on_signed },
	{ IMSG_LEG_ACK, sizeof(struct imsg_leg_ack), 0, 0, on_leg },
	{ IMSG_ROUTE_SET, sizeof(struct imsg_route_set), 100000, 0, on_other },
	{ IMSG_ROUTE_SYNC, 0, 16, 0, on_other },
	{ IMSG_TICKET_GEN, sizeof(struct imsg_ticket_gen), 0, 0, on_other },
	{ IMSG_NONE, 0, 0, 0, NULL }
};
static const struct imsg_rule as_overlay[] = {
	{ IMSG_KEY_SIGN_RES, sizeof(struct imsg_key_sign_res), 1024, 0, on_published },
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static double
clock_us(clockid_t id)
{
	struct timespec	 ts;

	if (clock_gettime(id, &ts) == -1)
		err(1, "clock");
	return ((double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3);
}

static double
cpu_both(void)
{
	clockid_t	 id;

	if (clock_getcpuclockid(pid, &id) != 0)
		errx(1, "the key process is gone");
	return (clock_us(CLOCK_PROCESS_CPUTIME_ID) + clock_us(id));
}

static int
on_ack(struct chan *ch, struct chan_msg *m, void *arg)
{
	(void)arg;
	return (chan_send(ch, IMSG_RECONF_COMMIT, -1, m->cm_fixed,
	    sizeof(struct imsg_reconf), NULL, 0));
}

static int
on_nak(struct chan *ch, struct chan_msg *m, void *arg)
{
	(void)ch;
	(void)arg;
	errx(1, "configuration refused: %.*s", (int)cur_left(&m->cm_tail),
	    (const char *)m->cm_tail.c_p);
}

static int
on_ready(struct chan *ch, struct chan_msg *m, void *arg)
{
	(void)ch;
	(void)m;
	(void)arg;
	ready = 1;
	return (0);
}

static int
on_other(struct chan *ch, struct chan_msg *m, void *arg)
{
	(void)ch;
	(void)m;
	(void)arg;
	return (0);
}

static void
ask(struct chan *ch, unsigned keyid, unsigned type, unsigned scheme,
    const void *in, size_t len)
{
	static uint64_t		 reqid;
	struct imsg_key_sign	 ks;

	memset(&ks, 0, sizeof(ks));
	ks.ks_reqid = ++reqid;
	ks.ks_keyid = (uint16_t)keyid;
	ks.ks_type = (uint16_t)type;
	ks.ks_scheme = (uint16_t)scheme;
	if (chan_send(ch, IMSG_KEY_SIGN, -1, &ks, sizeof(ks), in, len) == -1)
		err(1, "send");
}

static void
ask_sip(void)
{
	ask(to_sip, KEYID_SIP, KS_TLS13, 0x0403, tls_input, sizeof(tls_input));
}

static void
ask_overlay(void)
{
	while (loaded && in_flight < OUTSTANDING) {
		in_flight++;
		ask(to_overlay, KEYID_NODE, KS_RELOAD_DATA, 0, data_input,
		    data_len);
	}
}

static int
on_signed(struct chan *ch, struct chan_msg *m, void *arg)
{
	const struct imsg_key_sign_res	*kr = m->cm_fixed;

	(void)ch;
	(void)arg;
	if (kr->kr_error != 0)
		errx(1, "signature: %s", strerror((int)kr->kr_error));
	got++;
	if (waiting && nsamples < SAMPLES)
		samples[nsamples++] = clock_us(CLOCK_MONOTONIC) - sent_at;
	waiting = 0;
	return (0);
}

static int
on_published(struct chan *ch, struct chan_msg *m, void *arg)
{
	const struct imsg_key_sign_res	*kr = m->cm_fixed;

	(void)ch;
	(void)arg;
	if (kr->kr_error != 0)
		refused++;
	else
		published++;
	in_flight--;
	ask_overlay();
	return (0);
}

static int
on_leg(struct chan *ch, struct chan_msg *m, void *arg)
{
	const struct imsg_leg_ack	*la = m->cm_fixed;

	(void)ch;
	(void)arg;
	written += la->la_stored == 1;
	return (0);
}

/* As many records as are due by now, and one signature to wait for. */
static void
tick(int fd, short event, void *arg)
{
	static uint64_t	 id;
	static double	 begun;
	struct imsg_leg	 lg;
	struct timeval	 tv = { 0, TICK_US };
	uint64_t	 now;

	(void)fd;
	(void)event;
	(void)arg;
	if (begun == 0)
		begun = clock_us(CLOCK_MONOTONIC);
	now = (uint64_t)time(NULL) * 1000;
	while ((double)id * TICK_US <= clock_us(CLOCK_MONOTONIC) - begun) {
		memset(&lg, 0, sizeof(lg));
		lg.lg_id = ++id;
		lg.lg_stop = now - 2000;
		lg.lg_start = lg.lg_stop - 90000 - id % 1000 * 17;
		lg.lg_boot_stop = (uint64_t)(clock_us(CLOCK_BOOTTIME) / 1e3) -
		    2000;
		lg.lg_boot_start = lg.lg_boot_stop - (lg.lg_stop - lg.lg_start);
		lg.lg_kind = LEG_TERMINATED;
		snprintf(lg.lg_called, sizeof(lg.lg_called), "+1408555%04u",
		    (unsigned)(id % 10000));
		snprintf(lg.lg_caller, sizeof(lg.lg_caller), "+12125550187");
		if (chan_send(to_sip, IMSG_LEG, -1, &lg, sizeof(lg), NULL,
		    0) == -1)
			err(1, "leg");
	}
	if (!waiting) {
		waiting = 1;
		sent_at = clock_us(CLOCK_MONOTONIC);
		ask_sip();
	}
	evtimer_add(&tick_ev, &tv);
}

static void
gone(struct chan *ch, void *arg)
{
	(void)arg;
	errx(1, "key closed the channel to %s", chan_name(ch));
}

static struct chan *
peer_channel(enum vipr_role role, const struct imsg_rule *rules)
{
	struct imsg_peerfd	 pf;
	struct chan		*ch;
	int			 sv[2];

	memset(&pf, 0, sizeof(pf));
	pf.pf_role = role;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    sv) == -1 || chan_send(parent, IMSG_PEERFD, sv[1], &pf, sizeof(pf),
	    NULL, 0) == -1 || (ch = chan_new(sv[0], role_str(role), rules, 0,
	    gone, NULL)) == NULL || chan_hello(ch, role, ROLE_KEY) == -1)
		err(1, "channel to %s", role_str(role));
	return (ch);
}

static void
start(const char *self, const char *dir)
{
	char	 path[1024], data[1100];
	int	 sv[2], lv[2];

	snprintf(path, sizeof(path), "%s", self);
	*(strrchr(path, '/') == NULL ? path : strrchr(path, '/')) = '\0';
	snprintf(data, sizeof(data), "%s/../../viprd", path[0] ? path : ".");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    sv) == -1 || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0,
	    lv) == -1 || (pid = fork()) == -1)
		err(1, "start");
	if (pid == 0) {
		sv[1] = fcntl(sv[1], F_DUPFD, 100);
		lv[1] = fcntl(lv[1], F_DUPFD, 100);
		dup2(sv[1], CHILD_FD_PARENT);
		dup2(lv[1], CHILD_FD_LOG);
		closefrom(5);
		execl(data, "viprd", "-R", "key", "-D", dir, "-C", "-d",
		    (char *)NULL);
		err(127, "%s", data);
	}
	close(sv[1]);
	close(lv[0]);
	close(lv[1]);
	if ((parent = chan_new(sv[0], "key", as_parent, 1, gone, NULL)) == NULL ||
	    chan_hello(parent, ROLE_PARENT, ROLE_KEY) == -1)
		err(1, "channel to key");
}

static void
blob(struct conf_blob *b, const char *dir, const char *name,
    const struct testcert *t, int key)
{
	FILE	*f;

	snprintf(b->cb_path, sizeof(b->cb_path), "%s/%s", dir, name);
	if (!key) {
		if ((b->cb_data = malloc(t->t_pemlen)) == NULL)
			err(1, NULL);
		memcpy(b->cb_data, t->t_pem, t->t_pemlen);
		b->cb_len = t->t_pemlen;
		return;
	}
	if ((f = fopen(b->cb_path, "w")) == NULL)
		err(1, "%s", b->cb_path);
	PEM_write_PrivateKey(f, t->t_key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	if ((b->cb_fd = open(b->cb_path, O_RDONLY | O_CLOEXEC)) == -1)
		err(1, "%s", b->cb_path);
}

static void
configure(const char *dir)
{
	struct conf		*conf;
	struct conf_range	*cr;
	uint8_t			 master[32];
	char			 path[512];
	int			 fd;

	if ((conf = conf_new()) == NULL || (cr = calloc(1, sizeof(*cr))) == NULL)
		err(1, NULL);
	conf->c_generation = 1;
	conf->c_flags |= CONF_OVERLAY_ON | CONF_PVP_ON | CONF_OUTSIDE_ON;
	snprintf(conf->c_domain, sizeof(conf->c_domain), "a.example");
	snprintf(conf->c_overlay, sizeof(conf->c_overlay), OVERLAY);
	snprintf(cr->cr_range.er_from, E164_SIZE, "+14085550000");
	snprintf(cr->cr_range.er_to, E164_SIZE, "+14085559999");
	TAILQ_INSERT_TAIL(&conf->c_numbers, cr, cr_entry);
	blob(&conf->c_node_cert, dir, "node.crt", &node, 0);
	blob(&conf->c_node_key, dir, "node.key", &node, 1);
	blob(&conf->c_sip_cert, dir, "sip.crt", &sip, 0);
	blob(&conf->c_sip_key, dir, "sip.key", &sip, 1);
	randombytes_buf(master, sizeof(master));
	snprintf(path, sizeof(path), "%s/master", dir);
	if ((fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == -1 ||
	    write(fd, master, sizeof(master)) != sizeof(master))
		err(1, "%s", path);
	conf->c_master.cb_fd = fd;
	if (conf_send(parent, conf, ROLE_KEY) == -1)
		err(1, "configuration");
	conf_free(conf);
}

static void
inputs(void)
{
	struct wbuf	 w;
	uint8_t		 id[NODEID_LEN];

	memset(tls_input, 0x55, sizeof(tls_input));
	memset(tls_input, ' ', 64);
	memcpy(tls_input + 64, "TLS 1.3, server CertificateVerify", 34);
	sodium_hex2bin(id, sizeof(id), NODE, 32, NULL, NULL, NULL);
	wbuf_init(&w, data_input, sizeof(data_input));
	wbuf_u8(&w, NODEID_LEN);
	wbuf_zero(&w, NODEID_LEN);
	wbuf_u32(&w, 0xf0564950);
	wbuf_u64(&w, (uint64_t)time(NULL) * 1000);
	wbuf_lv_str(&w, 2, NODE "+0000000000000001");
	wbuf_u8(&w, 1);
	wbuf_u32(&w, 4 + NODEID_LEN);
	wbuf_u16(&w, 0x2008);
	wbuf_lv(&w, 2, id, sizeof(id));
	data_len = w.w_len;
}

static double
direct(const char *dir)
{
	struct imsg_key_sign	 ks;
	char			 path[512];
	uint8_t			 sig[KEY_SIGN_SIG_MAX];
	size_t			 len;
	double			 t;
	const char		*why;
	struct key_pair		*kp;
	int			 i, fd;

	key_sign_init();
	snprintf(path, sizeof(path), "%s/sip.key", dir);
	if ((fd = open(path, O_RDONLY)) == -1 || (kp = key_pair_load(KEYID_SIP,
	    fd, sip.t_pem, sip.t_pemlen, &why)) == NULL)
		errx(1, "%s", path);
	close(fd);
	key_sign_set(KEYID_SIP, kp);
	memset(&ks, 0, sizeof(ks));
	ks.ks_keyid = KEYID_SIP;
	ks.ks_type = KS_TLS13;
	ks.ks_scheme = 0x0403;
	t = clock_us(CLOCK_PROCESS_CPUTIME_ID);
	for (i = 0; i < ROUNDS; i++) {
		len = sizeof(sig);
		if (key_sign_request(ROLE_SIP, &ks, tls_input,
		    sizeof(tls_input), sig, &len) != 0)
			errx(1, "signature");
	}
	t = (clock_us(CLOCK_PROCESS_CPUTIME_ID) - t) / ROUNDS;
	key_sign_set(KEYID_SIP, NULL);
	return (t);
}

static int
by_size(const void *a, const void *b)
{
	const double	*x = a, *y = b;

	return (*x < *y ? -1 : *x > *y);
}

int
main(int argc, char **argv)
{
	struct timeval	 tv = { 0, TICK_US };
	char		 dir[] = "/tmp/keyhop.XXXXXX", path[512];
	double		 hop, here, t = 0;
	int		 i, status;

	(void)argc;
	if (sodium_init() == -1 || mkdtemp(dir) == NULL || event_init() == NULL ||
	    event_priority_init(4) == -1)
		err(1, "start");
	(void)signal(SIGPIPE, SIG_IGN);
	log_init_stderr("keyhop", 0);
	snprintf(path, sizeof(path), "%s/key", dir);
	if (mkdir(path, 0700) == -1)
		err(1, "%s", path);
	testcert_make(&ca, 0, "ca", NULL, NULL);
	testcert_make(&node, 0, "", "URI:reload://0110" NODE "@" OVERLAY
	    "/,email:n@" OVERLAY, &ca);
	testcert_make(&sip, 0, "sip", "DNS:a.example", &ca);
	inputs();
	start(argv[0], dir);
	to_sip = peer_channel(ROLE_SIP, as_sip);
	to_overlay = peer_channel(ROLE_OVERLAY, as_overlay);
	configure(dir);
	while (!ready)
		event_loop(EVLOOP_ONCE);
	for (i = -100; i < ROUNDS; i++) {
		if (i == 0)
			t = cpu_both();
		got = 0;
		ask_sip();
		while (!got)
			event_loop(EVLOOP_ONCE);
	}
	hop = (cpu_both() - t) / ROUNDS;
	here = direct(dir);
	loaded = 1;
	ask_overlay();
	evtimer_set(&tick_ev, tick, NULL);
	evtimer_add(&tick_ev, &tv);
	t = clock_us(CLOCK_MONOTONIC);
	while (nsamples < SAMPLES)
		event_loop(EVLOOP_ONCE);
	t = (clock_us(CLOCK_MONOTONIC) - t) / 1e6;
	qsort(samples, SAMPLES, sizeof(samples[0]), by_size);
	printf("keyhop: key_us=%.1f here_us=%.1f more_us=%.1f p50_us=%.0f "
	    "p99_us=%.0f max_us=%.0f published_s=%.0f records_s=%.0f refused=%d\n",
	    hop, here, hop - here, samples[SAMPLES / 2],
	    samples[SAMPLES * 99 / 100], samples[SAMPLES - 1], published / t,
	    written / t, refused);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
	snprintf(path, sizeof(path), "rm -rf %s", dir);
	return (system(path) == 0 ? 0 : 1);
}
