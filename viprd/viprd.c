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
 * viprd(8): the parent.  Reads the configuration, opens what needs root, starts
 * the other processes and keeps them running; nothing of the network and no
 * secret ever reaches it.  Re-executed with -R it is key or control.
 */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "ctl.h"
#include "log.h"
#include "parent.h"
#include "proc.h"
#include "vipr.h"
#include "viprd.h"

#define RELOAD_S	30

struct parent	parent;

static struct event	sig_chld, sig_hup, sig_int, sig_term;

static int		 parent_check(int);
static struct conf	*parent_configure(const struct conf *, char *, size_t);
static void		 parent_data(struct conf *);
static int		 parent_facility(const char *);
static int		 parent_keylog(void);
static void		 parent_limits(void);
static void		 parent_run(void) __attribute__((__noreturn__));
static void		 parent_signal(int, short, void *);
static void		 parent_next_drop(void);
static void		 reload_commit(void);
static void		 reload_done(const char *);
static void		 reload_timeout(int, short, void *);
static void		 usage(void) __attribute__((__noreturn__));

static void
usage(void)
{
	fprintf(stderr, "usage: viprd [-dnuv] [-D macro=value] [-f file]\n");
	exit(1);
}

int
main(int argc, char **argv)
{
	char	why[1024], path[PATH_MAX];
	int	ch, check = 0;

	if (argc > 2 && strcmp(argv[1], "-R") == 0) {
		if (strcmp(argv[2], role_str(ROLE_KEY)) == 0)
			key_main(argc, argv);
		if (strcmp(argv[2], role_str(ROLE_CONTROL)) == 0)
			control_main(argc, argv);
		usage();
	}
	log_init_stderr("viprd", 1);
	parent.p_conffile = VIPRD_CONF;
	while ((ch = getopt(argc, argv, "dD:f:nuv")) != -1)
		switch (ch) {
		case 'd':
			parent.p_flags |= PARENT_DEBUG;
			break;
		case 'D':
			if (parse_symset(optarg) == -1) {
				fprintf(stderr, "viprd: -D %s: macro=value "
				    "expected\n", optarg);
				exit(1);
			}
			break;
		case 'f':
			parent.p_conffile = optarg;
			break;
		case 'n':
			check = 1;
			break;
		case 'u':
			parent.p_flags |= PARENT_UNPRIVILEGED;
			break;
		case 'v':
			parent.p_verbose++;
			break;
		default:
			usage();
		}
	if (argc != optind)
		usage();
	log_setverbose(parent.p_verbose);
	if (sodium_init() == -1) {
		fprintf(stderr, "viprd: libsodium cannot be initialised\n");
		exit(1);
	}
	if (check)
		return (parent_check(parent.p_verbose));
	if (geteuid() != 0 && !(parent.p_flags & PARENT_UNPRIVILEGED)) {
		fprintf(stderr, "viprd: must be started by root, or with -u\n");
		exit(1);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	umask(022);
	if (exec_users() == -1 || exec_find(argv[0]) == -1 ||
	    parent_keylog() == -1)
		exit(1);
	/* After daemon(3) a relative name would mean another file. */
	if (realpath(parent.p_conffile, path) != NULL)
		parent.p_conffile = path;
	if ((parent.p_conf = parent_configure(NULL, why, sizeof(why))) ==
	    NULL) {
		fprintf(stderr, "viprd: %s\n", why);
		exit(1);
	}
	if (!(parent.p_flags & PARENT_DEBUG) && daemon(0, 0) == -1) {
		fprintf(stderr, "viprd: daemon: %s\n", strerror(errno));
		exit(1);
	}
	parent_run();
}

/* viprd -n: 0 or 1, for exit. */
static int
parent_check(int verbose)
{
	struct conf	*c;
	char		 why[1024];
	int		 flags = CONFIG_CHECK, nerrors = 0;

	if (parent.p_flags & PARENT_UNPRIVILEGED)
		flags |= CONFIG_UNPRIVILEGED;
	c = parse_config(parent.p_conffile, verbose, &nerrors);
	if (c == NULL || nerrors > 0) {
		conf_free(c);
		return (1);
	}
	if (config_open(c, NULL, flags, why, sizeof(why)) == -1) {
		fprintf(stderr, "viprd: %s\n", why);
		conf_free(c);
		return (1);
	}
	if (verbose)
		print_config(stdout, c);
	else
		fprintf(stderr, "configuration OK\n");
	conf_free(c);
	return (0);
}

/*
 * SSLKEYLOGFILE has overlayd write its TLS secrets there, in a trial only: who
 * has them can read all that the links carry.  -1: logged.
 */
static int
parent_keylog(void)
{
	const char	*path = getenv("SSLKEYLOGFILE");
	struct stat	 st;

	parent.p_keylog = -1;
	if (path == NULL || path[0] == '\0')
		return (0);
	if ((parent.p_flags & (PARENT_UNPRIVILEGED | PARENT_DEBUG)) !=
	    (PARENT_UNPRIVILEGED | PARENT_DEBUG)) {
		log_warnx("SSLKEYLOGFILE is set and ignored: TLS secrets are "
		    "written only with -u and -d together");
		return (0);
	}
	parent.p_keylog = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (parent.p_keylog == -1) {
		log_warn("SSLKEYLOGFILE: %s", path);
		return (-1);
	}
	if (fstat(parent.p_keylog, &st) == -1 || !S_ISREG(st.st_mode)) {
		log_warnx("SSLKEYLOGFILE: %s: not a plain file", path);
		return (-1);
	}
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
		log_warnx("SSLKEYLOGFILE: %s: must belong to you and be mode "
		    "0600", path);
		return (-1);
	}
	log_warnx("TLS secrets of the overlay's links are written to %s: for "
	    "trials, never where calls are real", path);
	return (0);
}

/* The folder must mean the same to every process. */
static void
parent_data(struct conf *c)
{
	char	path[PATH_MAX];

	if (realpath(c->c_data, path) != NULL &&
	    strlen(path) < sizeof(c->c_data))
		(void)strlcpy(c->c_data, path, sizeof(c->c_data));
}

/* A new configuration, read, checked and opened; NULL: why says it. */
static struct conf *
parent_configure(const struct conf *running, char *why, size_t size)
{
	struct conf	*c;
	int		 flags = 0, nerrors = 0;

	if (parent.p_flags & PARENT_UNPRIVILEGED)
		flags |= CONFIG_UNPRIVILEGED;
	parent.p_generation++;
	c = parse_config(parent.p_conffile, parent.p_verbose, &nerrors);
	if (c == NULL || nerrors > 0) {
		snprintf(why, size, "%s: not usable, %d error%s",
		    parent.p_conffile, nerrors > 0 ? nerrors : 1,
		    nerrors > 1 ? "s" : "");
		goto fail;
	}
	c->c_generation = parent.p_generation;
	parent_data(c);
	if (exec_ready(c, why, size) == -1)
		goto fail;
	if (running != NULL && strcmp(running->c_data, c->c_data) != 0) {
		snprintf(why, size, "data \"%s\": can't change without a "
		    "restart", c->c_data);
		goto fail;
	}
	if (running == NULL && exec_folders(c) == -1) {
		snprintf(why, size, "data \"%s\": not usable", c->c_data);
		goto fail;
	}
	parent_data(c);
	why[0] = '\0';
	if (config_open(c, running, flags, why, size) == -1)
		goto fail;
	return (c);

fail:
	conf_free(c);
	return (NULL);
}

static int
parent_facility(const char *name)
{
	static const struct {
		const char	*name;
		int		 facility;
	} table[] = {
		{ "auth", LOG_AUTH }, { "daemon", LOG_DAEMON },
		{ "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },
		{ "local2", LOG_LOCAL2 }, { "local3", LOG_LOCAL3 },
		{ "local4", LOG_LOCAL4 }, { "local5", LOG_LOCAL5 },
		{ "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 },
		{ "user", LOG_USER }
	};
	size_t	i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].name, name) == 0)
			return (table[i].facility);
	return (LOG_DAEMON);
}

static void
parent_limits(void)
{
	struct rlimit	rl;

	rl.rlim_cur = rl.rlim_max = 0;
	if (setrlimit(RLIMIT_CORE, &rl) == -1)
		fatal("RLIMIT_CORE");
}

static void
parent_run(void)
{
	int	verbose = parent.p_verbose > (int)parent.p_conf->c_verbose ?
		    parent.p_verbose : (int)parent.p_conf->c_verbose;

	if (parent.p_flags & PARENT_DEBUG)
		log_init_stderr("viprd", verbose);
	else
		log_init_syslog("viprd", verbose,
		    parent_facility(parent.p_conf->c_facility));
	parent_limits();
	if (event_init() == NULL)
		fatalx("event_init failed");
	parent.p_started = proc_boot_ms();
	signal_set(&sig_chld, SIGCHLD, parent_signal, NULL);
	signal_set(&sig_hup, SIGHUP, parent_signal, NULL);
	signal_set(&sig_int, SIGINT, parent_signal, NULL);
	signal_set(&sig_term, SIGTERM, parent_signal, NULL);
	if (signal_add(&sig_chld, NULL) == -1 ||
	    signal_add(&sig_hup, NULL) == -1 ||
	    signal_add(&sig_int, NULL) == -1 ||
	    signal_add(&sig_term, NULL) == -1)
		fatalx("signal_add failed");
	evtimer_set(&parent.p_reload_timer, reload_timeout, NULL);
	child_init();
	log_info("version %s starts, pid %ld%s", VIPR_VERSION, (long)getpid(),
	    parent.p_flags & PARENT_UNPRIVILEGED ?
	    ", without users and chroot (-u)" : "");
	child_start_all();
	event_dispatch();
	fatalx("event loop ended");
}

static void
parent_signal(int sig, short event, void *arg)
{
	char	why[1024];

	(void)event;
	(void)arg;
	switch (sig) {
	case SIGCHLD:
		child_reap();
		break;
	case SIGHUP:
		log_info("reload asked for by signal");
		(void)parent_reload(why, sizeof(why));
		break;
	default:
		log_info("stop asked for by signal %d", sig);
		parent_stop(0);
		break;
	}
}

int
parent_wanted(enum vipr_role role, const struct conf *c)
{
	switch (role) {
	case ROLE_OVERLAY:
		return ((c->c_flags & CONF_OVERLAY_ON) != 0);
	case ROLE_PVP:
		return ((c->c_flags & CONF_PVP_ON) != 0 &&
		    (c->c_flags & CONF_OVERLAY_ON) != 0);
	default:
		return (1);
	}
}

/* -- stop: the network first, key last, so that what ended is recorded -- */

void
parent_stop(int status)
{
	if (parent.p_stopping) {
		if (status != 0)
			parent.p_status = status;
		return;
	}
	parent.p_stopping = 1;
	parent.p_status = status;
	parent_stop_step();
}

void
parent_stop_step(void)
{
	struct child	*cp, *key = &parent.p_children[ROLE_KEY];
	int		 i, left = 0;

	for (i = 1; i < ROLE_MAX; i++) {
		cp = &parent.p_children[i];
		if (cp == key || cp->cp_pid == 0)
			continue;
		child_stop(cp);
		left++;
	}
	if (left > 0)
		return;
	if (key->cp_pid != 0) {
		child_stop(key);
		return;
	}
	parent_next_drop();
	if (parent.p_conf->c_control[0] != '\0')
		(void)unlink(parent.p_conf->c_control);
	log_info("stopped");
	exit(parent.p_status);
}

/* -- reload, in two steps -- */

int
parent_reload(char *why, size_t size)
{
	struct timeval	 tv = { RELOAD_S, 0 };
	struct child	*cp;
	int		 i, offered = 0;

	if (parent.p_stopping) {
		snprintf(why, size, "stopping");
		return (-1);
	}
	if (parent.p_next != NULL || !parent.p_ready || !child_settled()) {
		parent.p_reload_again = 1;
		return (0);
	}
	parent.p_reload_again = 0;
	if ((parent.p_next = parent_configure(parent.p_conf, why,
	    size)) == NULL) {
		log_warnx("generation %llu refused: %s",
		    (unsigned long long)parent.p_generation, why);
		reload_done(why);
		return (-1);
	}
	for (i = 1; i < ROLE_MAX; i++) {
		cp = &parent.p_children[i];
		cp->cp_acked = 1;
		if (cp->cp_state != CHILD_UP)
			continue;
		cp->cp_acked = 0;
		child_offer(cp, parent.p_next);
		offered++;
	}
	if (evtimer_add(&parent.p_reload_timer, &tv) == -1)
		fatalx("event_add failed");
	if (offered == 0)
		reload_commit();
	return (0);
}

void
parent_reload_answer(struct child *cp, uint64_t generation, const char *nak)
{
	char	why[320];
	int	i;

	if (parent.p_next == NULL ||
	    generation != parent.p_next->c_generation)
		return;			/* of a try that is over */
	if (nak != NULL) {
		snprintf(why, sizeof(why), "%s: %s", role_str(cp->cp_role),
		    nak);
		parent_reload_abort(why);
		return;
	}
	cp->cp_acked = 1;
	for (i = 1; i < ROLE_MAX; i++)
		if (!parent.p_children[i].cp_acked)
			return;
	reload_commit();
}

/* A configuration that will not be used leaves no control socket behind. */
static void
parent_next_drop(void)
{
	if (parent.p_next == NULL)
		return;
	if (strcmp(parent.p_next->c_control, parent.p_conf->c_control) != 0)
		(void)unlink(parent.p_next->c_control);
	conf_free(parent.p_next);
	parent.p_next = NULL;
}

void
parent_reload_abort(const char *why)
{
	int	i;

	if (parent.p_next == NULL)
		return;
	event_del(&parent.p_reload_timer);
	log_warnx("generation %llu refused: %s",
	    (unsigned long long)parent.p_next->c_generation, why);
	for (i = 1; i < ROLE_MAX; i++)
		if (parent.p_children[i].cp_chan != NULL)
			child_order(&parent.p_children[i], IMSG_RECONF_ABORT,
			    parent.p_next->c_generation);
	parent_next_drop();
	reload_done(why);
}

static void
reload_commit(void)
{
	struct conf	*old = parent.p_conf;
	struct child	*cp;
	int		 i;

	event_del(&parent.p_reload_timer);
	parent.p_conf = parent.p_next;
	parent.p_next = NULL;
	for (i = 1; i < ROLE_MAX; i++) {
		cp = &parent.p_children[i];
		if (cp->cp_state != CHILD_UP)
			continue;
		child_order(cp, IMSG_RECONF_COMMIT,
		    parent.p_conf->c_generation);
		if (!parent_wanted(cp->cp_role, parent.p_conf))
			child_stop(cp);
	}
	if (strcmp(old->c_control, parent.p_conf->c_control) != 0 &&
	    old->c_control[0] != '\0')
		(void)unlink(old->c_control);
	conf_free(old);
	log_info("generation %llu in force",
	    (unsigned long long)parent.p_conf->c_generation);
	for (i = 1; i < ROLE_MAX; i++) {
		cp = &parent.p_children[i];
		if (cp->cp_state == CHILD_OFF &&
		    parent_wanted(cp->cp_role, parent.p_conf))
			child_start(cp);
	}
	reload_done("");
}

static void
reload_timeout(int fd, short event, void *arg)
{
	char	why[128];
	int	i;

	(void)fd;
	(void)event;
	(void)arg;
	snprintf(why, sizeof(why), "no answer in %d s", RELOAD_S);
	for (i = 1; i < ROLE_MAX; i++)
		if (!parent.p_children[i].cp_acked) {
			snprintf(why, sizeof(why), "%s: no answer in %d s",
			    role_str((unsigned)i), RELOAD_S);
			break;
		}
	parent_reload_abort(why);
}

/* A reload that had to wait. */
void
parent_reload_step(void)
{
	char	why[1024];

	if (parent.p_reload_again && parent.p_next == NULL &&
	    parent.p_ready && !parent.p_stopping && child_settled())
		(void)parent_reload(why, sizeof(why));
}

/* Tell the operators who asked. */
static void
reload_done(const char *error)
{
	struct chan	*ch = parent.p_children[ROLE_CONTROL].cp_chan;
	size_t		 i;

	for (i = 0; i < parent.p_nwaiters; i++)
		(void)ctl_send_end(ch, parent.p_waiters[i], error);
	parent.p_nwaiters = 0;
}
