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
 * A child's life, for every process but the parent: arguments, chroot, user,
 * event loop, sandbox, then configuration and peers as the parent sends them;
 * see proc.h.
 */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <errno.h>
#include <event.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "log.h"
#include "proc.h"
#include "sandbox.h"
#include "vipr.h"

#define PROC_NOFILE	8192
#define PROC_PRIORITIES	4
#define PROC_RULES_MAX	32
#define PROC_ITEM_MAX	(VIPR_IMSG_MAX - 64)
#define PROC_WHY	256

extern char		**environ;

struct proc_args {
	const char	*pa_data;
	const char	*pa_user;
	int		 pa_chroot;
	int		 pa_stderr;
	int		 pa_verbose;
};

static const struct proc_ops	*ops;
static struct chan		*peers[ROLE_MAX];
static struct imsg_rule		 parent_rules[PROC_RULES_MAX];
static struct conf		*next_conf;	/* arriving, or checked */
static uint64_t			 next_generation;
static int			 next_bad;	/* an item could not be read */
static int			 next_checked;
static int			 ready_sent;
static int64_t			 clock_offset;
static uint64_t			 boot_offset;		/* ms */
static struct event		 stop_timer;
static int			 stopping;	/* po_leave is at work */
static int			 trial;

static int	proc_abort(struct chan *, struct chan_msg *, void *);
static int	proc_begin(struct chan *, struct chan_msg *, void *);
static int	proc_commit(struct chan *, struct chan_msg *, void *);
static void	proc_drop(void);
static int	proc_end(struct chan *, struct chan_msg *, void *);
static void	proc_exit(int) __attribute__((__noreturn__));
static uint64_t	proc_generation(const struct chan_msg *);
static int	proc_item(struct chan *, struct chan_msg *, void *);
static void	proc_limits(void);
static int	proc_loglevel(struct chan *, struct chan_msg *, void *);
static void	proc_nak(const char *);
static void	proc_options(int, char **, struct proc_args *);
static void	proc_parent_gone(struct chan *, void *);
static int	proc_peerfd(struct chan *, struct chan_msg *, void *);
static void	proc_peer_gone(struct chan *, void *);
static void	proc_peer_violation(struct chan *, const char *, void *);
static void	proc_privdrop(const struct proc_args *, char *, size_t);
static enum vipr_role proc_role(const struct chan *);
static void	proc_rules_init(void);
static int	proc_shutdown(struct chan *, struct chan_msg *, void *);
static void	proc_stop(int, short, void *);
static const char *proc_subdir(enum vipr_role);
static void	proc_usage(void) __attribute__((__noreturn__));

static const struct imsg_rule base_rules[] = {
	{ IMSG_PEERFD, sizeof(struct imsg_peerfd), 0, 1, proc_peerfd },
	{ IMSG_SHUTDOWN, 0, 0, 0, proc_shutdown },
	{ IMSG_RECONF_BEGIN, sizeof(struct imsg_reconf), 0, 0, proc_begin },
	{ IMSG_RECONF_ITEM, 0, PROC_ITEM_MAX, 2, proc_item },
	{ IMSG_RECONF_END, sizeof(struct imsg_reconf), 0, 0, proc_end },
	{ IMSG_RECONF_COMMIT, sizeof(struct imsg_reconf), 0, 0, proc_commit },
	{ IMSG_RECONF_ABORT, sizeof(struct imsg_reconf), 0, 0, proc_abort },
	{ IMSG_LOGLEVEL, sizeof(uint32_t), 0, 0, proc_loglevel },
	{ IMSG_NONE, 0, 0, 0, NULL }
};

#if defined(__SANITIZE_ADDRESS__)
#define PROC_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PROC_ASAN
#endif
#endif
#ifdef PROC_ASAN
/* The leak checker and the symbolizer start processes: the sandbox would kill
 * us before the report is out. */
const char	*__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return ("detect_leaks=0:symbolize=0");
}
#endif

void
proc_child(int argc, char **argv, const struct proc_ops *po)
{
	struct proc_args	 pa;
	char			 dir[512];
	struct chan		*ch;

	ops = po;
	setproctitle_init(argc, argv, environ);
	proc_options(argc, argv, &pa);
	if (pa.pa_stderr)
		log_init_stderr(po->po_name, pa.pa_verbose);
	else
		log_init_fd(po->po_name, pa.pa_verbose, CHILD_FD_LOG);
	setproctitle("%s", po->po_name);
	tzset();
	umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	/* The parent decides when we stop. */
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);

	proc_privdrop(&pa, dir, sizeof(dir));
	proc_limits();
	if (sodium_init() == -1)
		fatalx("sodium_init failed");
	if (event_init() == NULL)
		fatalx("event_init failed");
	if (event_priority_init(PROC_PRIORITIES) == -1)
		fatalx("event_priority_init failed");
	if (po->po_init(dir) == -1)
		_exit(1);
	proc_rules_init();
	if ((ch = chan_new(CHILD_FD_PARENT, "parent", parent_rules, 1,
	    proc_parent_gone, NULL)) == NULL)
		fatal("channel to the parent");
	peers[ROLE_PARENT] = ch;
	if (chan_hello(ch, po->po_role, ROLE_PARENT) == -1)
		fatal("hello");
	(void)sandbox_enter((enum sandbox_profile)po->po_sandbox);
	event_dispatch();
	fatalx("event loop ended");
}

static void
proc_usage(void)
{
	fprintf(stderr, "%s is started by viprd(8), not by hand\n",
	    ops->po_name);
	exit(1);
}

static void
proc_options(int argc, char **argv, struct proc_args *pa)
{
	struct stat	st;
	int		ch;

	memset(pa, 0, sizeof(*pa));
	pa->pa_chroot = 1;
	while ((ch = getopt(argc, argv, "R:D:U:Cdv")) != -1)
		switch (ch) {
		case 'R':
			if (strcmp(optarg, role_str(ops->po_role)) != 0)
				proc_usage();
			break;
		case 'D':
			pa->pa_data = optarg;
			break;
		case 'U':
			pa->pa_user = optarg;
			break;
		case 'C':
			pa->pa_chroot = 0;
			break;
		case 'd':
			pa->pa_stderr = 1;
			break;
		case 'v':
			pa->pa_verbose++;
			break;
		default:
			proc_usage();
		}
	if (pa->pa_data == NULL || optind != argc ||
	    fstat(CHILD_FD_PARENT, &st) == -1 || !S_ISSOCK(st.st_mode) ||
	    fstat(CHILD_FD_LOG, &st) == -1 || !S_ISSOCK(st.st_mode))
		proc_usage();
	trial = pa->pa_user == NULL && !pa->pa_chroot && pa->pa_stderr;
}

int
proc_trial(void)
{
	return (trial);
}

/* The process's own folder below the data folder. */
static const char *
proc_subdir(enum vipr_role role)
{
	switch (role) {
	case ROLE_KEY:
	case ROLE_OVERLAY:
	case ROLE_SIP:
		return (role_str(role));
	default:
		return ("empty");
	}
}

/* chroot and user; dir becomes the data folder as seen afterwards. */
static void
proc_privdrop(const struct proc_args *pa, char *dir, size_t size)
{
	struct passwd	*pw = NULL;
	gid_t		 gid;
	uid_t		 uid;

	if ((size_t)snprintf(dir, size, "%s/%s", pa->pa_data,
	    proc_subdir(ops->po_role)) >= size)
		fatalx("%s: name too long", pa->pa_data);
	if (pa->pa_user != NULL && (pw = getpwnam(pa->pa_user)) == NULL)
		fatalx("unknown user %s", pa->pa_user);
	if (pa->pa_chroot) {
		if (chroot(dir) == -1)
			fatal("chroot %s", dir);
		if (chdir("/") == -1)
			fatal("chdir /");
		snprintf(dir, size, "/");
	}
	if (pw == NULL)
		return;
	uid = pw->pw_uid;
	gid = pw->pw_gid;
	endpwent();
	if (setgroups(1, &gid) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1)
		fatal("switch to user %s", pa->pa_user);
	if (setuid(0) == 0 || getuid() != uid || geteuid() != uid)
		fatalx("user %s: rights are still there", pa->pa_user);
}

static void
proc_limits(void)
{
	struct rlimit	rl;

	rl.rlim_cur = rl.rlim_max = 0;
	if (setrlimit(RLIMIT_CORE, &rl) == -1)
		fatal("RLIMIT_CORE");
	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		fatal("RLIMIT_NOFILE");
	if (rl.rlim_max > PROC_NOFILE)
		rl.rlim_max = PROC_NOFILE;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		fatal("RLIMIT_NOFILE");
#ifdef __linux__
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		fatal("PR_SET_DUMPABLE");
#endif
}

/* Ours and those the role adds for its talk with the parent. */
static void
proc_rules_init(void)
{
	const struct imsg_rule	*r;
	size_t			 n = 0;

	for (r = base_rules; r->ir_type != IMSG_NONE; r++)
		parent_rules[n++] = *r;
	if ((r = ops->po_rules(ROLE_PARENT)) != NULL)
		for (; r->ir_type != IMSG_NONE; r++) {
			if (n == PROC_RULES_MAX - 1)
				fatalx("too many rules");
			parent_rules[n++] = *r;
		}
	memset(&parent_rules[n], 0, sizeof(parent_rules[n]));
}

struct chan *
proc_peer(enum vipr_role role)
{
	return ((unsigned)role < ROLE_MAX ? peers[role] : NULL);
}

int
proc_sign(uint64_t reqid, uint32_t key, uint16_t type, uint16_t scheme,
    const void *in, size_t len)
{
	struct imsg_key_sign	ks;

	memset(&ks, 0, sizeof(ks));
	ks.ks_reqid = reqid;
	ks.ks_keyid = (uint16_t)key;
	ks.ks_generation = (uint16_t)(key >> 16);
	ks.ks_type = type;
	ks.ks_scheme = scheme;
	return (chan_send(proc_peer(ROLE_KEY), IMSG_KEY_SIGN, -1, &ks,
	    sizeof(ks), in, len));
}

static void
proc_exit(int status)
{
	unsigned	i;

	if (ops->po_shutdown != NULL)
		ops->po_shutdown();
	for (i = 0; i < ROLE_MAX; i++)
		chan_flush(peers[i]);
	_exit(status);
}

static void
proc_parent_gone(struct chan *ch, void *arg)
{
	(void)ch;
	(void)arg;
	log_debug("parent gone");
	proc_exit(1);
}

static int
proc_shutdown(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct timeval	tv;
	unsigned	ms;

	(void)ch;
	(void)m;
	(void)arg;
	if (stopping)
		return (0);
	log_debug("stopping");
	if (ops->po_leave == NULL || (ms = ops->po_leave()) == 0)
		proc_exit(0);
	stopping = 1;
	evtimer_set(&stop_timer, proc_stop, NULL);
	tv.tv_sec = ms / 1000;
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	if (evtimer_add(&stop_timer, &tv) == -1)
		proc_exit(0);
	return (0);
}

static void
proc_stop(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	proc_exit(0);
}

void
proc_stopped(void)
{
	struct timeval	tv = { 0, 0 };

	/* From the event loop: the caller may be deep in what is freed. */
	if (stopping && evtimer_add(&stop_timer, &tv) == -1)
		proc_exit(0);
}

static int
proc_loglevel(struct chan *ch, struct chan_msg *m, void *arg)
{
	uint32_t	v;

	(void)ch;
	(void)arg;
	memcpy(&v, m->cm_fixed, sizeof(v));
	log_setverbose(v > 8 ? 8 : (int)v);
	return (0);
}

/* -- peers -- */

static enum vipr_role
proc_role(const struct chan *ch)
{
	unsigned	i;

	for (i = 1; i < ROLE_MAX; i++)
		if (peers[i] == ch)
			return ((enum vipr_role)i);
	return (ROLE_MAX);
}

static int
proc_peerfd(struct chan *parent, struct chan_msg *m, void *arg)
{
	const struct imsg_rule	*rules;
	struct imsg_peerfd	 pf;
	struct chan		*ch, *old;
	enum vipr_role		 role;

	(void)parent;
	(void)arg;
	memcpy(&pf, m->cm_fixed, sizeof(pf));
	role = (enum vipr_role)pf.pf_role;
	if (pf.pf_role == ROLE_PARENT || pf.pf_role >= ROLE_MAX ||
	    role == ops->po_role || (rules = ops->po_rules(role)) == NULL) {
		log_warnx("no channel to process %u is known here", pf.pf_role);
		close(m->cm_fd);
		return (0);
	}
	if ((old = peers[role]) != NULL) {
		peers[role] = NULL;
		ops->po_peer(role, NULL);
		chan_free(old);
	}
	if ((ch = chan_new(m->cm_fd, role_str(role), rules, 0, proc_peer_gone,
	    NULL)) == NULL) {
		log_warn("channel to %s", role_str(role));
		close(m->cm_fd);
		return (0);
	}
	chan_on_violation(ch, proc_peer_violation);
	if (chan_hello(ch, ops->po_role, role) == -1) {
		log_warn("channel to %s", role_str(role));
		chan_free(ch);
		return (0);
	}
	peers[role] = ch;
	ops->po_peer(role, ch);
	return (0);
}

static void
proc_peer_gone(struct chan *ch, void *arg)
{
	enum vipr_role	role = proc_role(ch);

	(void)arg;
	if (role != ROLE_MAX) {
		log_debug("%s is away", role_str(role));
		peers[role] = NULL;
		ops->po_peer(role, NULL);
	}
	chan_free(ch);
}

static void
proc_peer_violation(struct chan *ch, const char *why, void *arg)
{
	uint32_t	role = proc_role(ch);

	(void)arg;
	(void)chan_send(peers[ROLE_PARENT], IMSG_VIOLATION, -1, &role,
	    sizeof(role), why, strlen(why));
}

/* -- configuration, in two steps -- */

static uint64_t
proc_generation(const struct chan_msg *m)
{
	struct imsg_reconf	rc;

	memcpy(&rc, m->cm_fixed, sizeof(rc));
	return (rc.rc_generation);
}

/* Forget a configuration that is not in force. */
static void
proc_drop(void)
{
	if (next_conf == NULL)
		return;
	if (next_checked && ops->po_conf_abort != NULL)
		ops->po_conf_abort(next_conf);
	conf_free(next_conf);
	next_conf = NULL;
	next_checked = 0;
}

static int
proc_begin(struct chan *ch, struct chan_msg *m, void *arg)
{
	(void)ch;
	(void)arg;
	proc_drop();
	if ((next_conf = conf_new()) == NULL)
		fatal("conf_new");
	next_generation = proc_generation(m);
	next_bad = 0;
	return (0);
}

static int
proc_item(struct chan *ch, struct chan_msg *m, void *arg)
{
	(void)ch;
	(void)arg;
	if (next_conf == NULL || next_checked || next_bad) {
		if (m->cm_fd != -1)
			close(m->cm_fd);
		return (0);
	}
	if (conf_item(next_conf, &m->cm_tail, m->cm_fd) == -1)
		next_bad = 1;
	return (0);
}

static void
proc_nak(const char *why)
{
	struct imsg_reconf	rc;

	memset(&rc, 0, sizeof(rc));
	rc.rc_generation = next_generation;
	if (chan_send(peers[ROLE_PARENT], IMSG_RECONF_NAK, -1, &rc, sizeof(rc),
	    why, strlen(why)) == -1)
		fatal("answer to the parent");
	proc_drop();
}

static int
proc_end(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_reconf	rc;
	char			why[PROC_WHY];

	(void)arg;
	if (next_conf == NULL || next_checked ||
	    proc_generation(m) != next_generation)
		return (0);
	if (next_bad || conf_complete(next_conf) == -1) {
		proc_nak("configuration did not arrive whole");
		return (0);
	}
	next_conf->c_generation = next_generation;
	why[0] = '\0';
	if (ops->po_conf_check(next_conf, why, sizeof(why)) == -1) {
		proc_nak(why[0] != '\0' ? why : "no reason given");
		return (0);
	}
	next_checked = 1;
	memset(&rc, 0, sizeof(rc));
	rc.rc_generation = next_generation;
	if (chan_send(ch, IMSG_RECONF_ACK, -1, &rc, sizeof(rc), NULL, 0) == -1)
		fatal("answer to the parent");
	return (0);
}

static int
proc_commit(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct conf	*c = next_conf;
	const char	*box;

	(void)arg;
	if (c == NULL || !next_checked ||
	    proc_generation(m) != next_generation) {
		log_warnx("commit of generation %llu, which is not here",
		    (unsigned long long)proc_generation(m));
		return (-1);
	}
	next_conf = NULL;
	next_checked = 0;
	proc_clock_offset(c->c_clock_offset);
	proc_boot_offset(c->c_boot_offset);
	ops->po_conf_commit(c);
	if (!ready_sent) {
		ready_sent = 1;
		box = sandbox_describe();
		if (chan_send(ch, IMSG_READY, -1, NULL, 0, box,
		    strlen(box)) == -1)
			fatal("answer to the parent");
	}
	return (0);
}

static int
proc_abort(struct chan *ch, struct chan_msg *m, void *arg)
{
	(void)ch;
	(void)m;
	(void)arg;
	proc_drop();
	return (0);
}

/* -- clocks -- */

void
proc_clock_offset(int64_t seconds)
{
	clock_offset = seconds;
}

void
proc_boot_offset(uint32_t seconds)
{
	/* A clock that timers run by is never put back. */
	if ((uint64_t)seconds * 1000 > boot_offset)
		boot_offset = (uint64_t)seconds * 1000;
}

uint64_t
proc_now_ms(void)
{
	struct timespec	ts;
	int64_t		ms;

	if (clock_gettime(CLOCK_REALTIME, &ts) == -1)
		fatal("clock_gettime");
	ms = ((int64_t)ts.tv_sec + clock_offset) * 1000 +
	    ts.tv_nsec / 1000000;
	return (ms < 0 ? 0 : (uint64_t)ms);
}

uint64_t
proc_boot_ms(void)
{
	struct timespec	ts;

#ifdef CLOCK_BOOTTIME
	if (clock_gettime(CLOCK_BOOTTIME, &ts) == -1)
#else
	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
#endif
		fatal("clock_gettime");
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000 +
	    boot_offset);
}
