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
 * The children's lives as the parent sees them: start, channels to each other,
 * configuration, crash and back-off.  Overlayd, pvpd and control start again
 * alone.  When key or sipgw dies both start again, then overlayd and pvpd, so
 * that nobody goes on with half of a past; but sipgw works on for as long as
 * key is away, since telephones must not depend on it.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
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

#define BACKOFF_MAX	300		/* s */
#define LIVED_MS	60000		/* lived that long: no back-off left */
#define START_S		60		/* patience with a start */
#define STOP_S		3		/* with a stop */
#define STOP_KEY_S	10		/* the same of key: it writes out */
#define LOG_BATCH	64
#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))

static const enum vipr_role order[] = {
	ROLE_KEY, ROLE_SIP, ROLE_CONTROL, ROLE_OVERLAY, ROLE_PVP
};
/* Who has a channel to whom, vipr(7). */
static const enum vipr_role links[][2] = {
	{ ROLE_CONTROL, ROLE_KEY }, { ROLE_CONTROL, ROLE_OVERLAY },
	{ ROLE_CONTROL, ROLE_PVP }, { ROLE_CONTROL, ROLE_SIP },
	{ ROLE_SIP, ROLE_KEY }, { ROLE_PVP, ROLE_KEY },
	{ ROLE_PVP, ROLE_OVERLAY }, { ROLE_OVERLAY, ROLE_KEY }
};

static int	child_ack(struct chan *, struct chan_msg *, void *);
static void	child_arm(struct child *, unsigned);
static void	child_cause(int, char *, size_t);
static void	child_crashed(struct child *, const char *);
static void	child_ended(struct child *, int);
static void	child_gone(struct chan *, void *);
static int	child_go(const struct child *);
static void	child_keylog(struct child *);
static void	child_kill(struct child *, const char *);
static void	child_link(enum vipr_role, enum vipr_role);
static void	child_log(int, short, void *);
static int	child_nak(struct chan *, struct chan_msg *, void *);
static int	child_ready(struct chan *, struct chan_msg *, void *);
static void	child_restart(struct child *);
static void	child_rewind(const struct conf *);
static int	child_spawn(struct child *);
static int	child_stale(const struct child *);
static void	child_step(void);
static void	child_succeed(void);
static void	child_timeout(int, short, void *);
static int	child_violation(struct chan *, struct chan_msg *, void *);

#define CHILD_RULES \
	{ IMSG_READY, 0, 160, 0, child_ready }, \
	{ IMSG_VIOLATION, sizeof(uint32_t), 256, 0, child_violation }, \
	{ IMSG_RECONF_ACK, sizeof(struct imsg_reconf), 0, 0, child_ack }, \
	{ IMSG_RECONF_NAK, sizeof(struct imsg_reconf), 512, 0, child_nak }

static const struct imsg_rule child_rules[] = {
	CHILD_RULES,
	{ IMSG_NONE, 0, 0, 0, NULL }
};
static const struct imsg_rule control_rules[] = {
	CHILD_RULES,
	CTL_RULE(parent_ctl),
	{ IMSG_NONE, 0, 0, 0, NULL }
};

void
child_init(void)
{
	struct child	*cp;
	int		 i;

	for (i = 1; i < ROLE_MAX; i++) {
		cp = &parent.p_children[i];
		cp->cp_role = (enum vipr_role)i;
		cp->cp_logfd = -1;
		evtimer_set(&cp->cp_timer, child_timeout, cp);
	}
}

static void
child_arm(struct child *cp, unsigned seconds)
{
	struct timeval	tv = { 0, 0 };

	tv.tv_sec = (time_t)seconds;
	if (evtimer_add(&cp->cp_timer, &tv) == -1)
		fatalx("event_add failed");
}

void
child_start_all(void)
{
	struct child	*cp;
	size_t		 i;

	for (i = 0; i < NELEM(order); i++) {
		cp = &parent.p_children[order[i]];
		if (parent.p_stopping)
			return;
		if (cp->cp_pid == 0 &&
		    parent_wanted(cp->cp_role, parent.p_conf))
			child_start(cp);
	}
}

/* A pair of sockets, an end each. */
static void
child_link(enum vipr_role a, enum vipr_role b)
{
	struct imsg_peerfd	pf;
	struct chan		*ca = parent.p_children[a].cp_chan;
	struct chan		*cb = parent.p_children[b].cp_chan;
	int			sv[2];

	if (ca == NULL || cb == NULL)
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    sv) == -1) {
		log_warn("channel between %s and %s", role_str(a),
		    role_str(b));
		return;
	}
	memset(&pf, 0, sizeof(pf));
	pf.pf_role = b;
	if (chan_send(ca, IMSG_PEERFD, sv[0], &pf, sizeof(pf), NULL, 0) == -1)
		log_warn("%s", role_str(a));
	pf.pf_role = a;
	if (chan_send(cb, IMSG_PEERFD, sv[1], &pf, sizeof(pf), NULL, 0) == -1)
		log_warn("%s", role_str(b));
}

/* Duplicates of a descriptor share its offset: a child that read a key file
 * leaves it at the end. */
static void
child_rewind(const struct conf *c)
{
	const struct conf_blob	*const files[] = {
		&c->c_sip_key, &c->c_inside_key, &c->c_node_key, &c->c_master
	};
	size_t			 i;

	for (i = 0; i < NELEM(files); i++)
		if (files[i]->cb_fd != -1)
			(void)lseek(files[i]->cb_fd, 0, SEEK_SET);
}

void
child_offer(struct child *cp, const struct conf *c)
{
	child_rewind(c);
	if (conf_send(cp->cp_chan, c, cp->cp_role) == -1)
		child_kill(cp, "configuration could not be sent");
}

void
child_order(struct child *cp, uint32_t type, uint64_t generation)
{
	struct imsg_reconf	rc;

	memset(&rc, 0, sizeof(rc));
	rc.rc_generation = generation;
	if (chan_send(cp->cp_chan, type, -1, &rc, sizeof(rc), NULL, 0) == -1)
		child_kill(cp, "order could not be sent");
}

/* A trial whose links are to be captured and read. */
static void
child_keylog(struct child *cp)
{
	int	fd;

	if (parent.p_keylog == -1 || cp->cp_role != ROLE_OVERLAY)
		return;
	if ((fd = fcntl(parent.p_keylog, F_DUPFD_CLOEXEC, 0)) == -1 ||
	    chan_send(cp->cp_chan, IMSG_KEYLOG, fd, NULL, 0, NULL, 0) == -1)
		log_warn("key log");
}

static int
child_spawn(struct child *cp)
{
	int	fd, logfd;

	if (exec_child(cp->cp_role, parent.p_conf->c_data, &cp->cp_pid, &fd,
	    &logfd) == -1) {
		cp->cp_pid = 0;
		return (-1);
	}
	cp->cp_logfd = logfd;
	event_set(&cp->cp_logev, logfd, EV_READ | EV_PERSIST, child_log, cp);
	if (event_add(&cp->cp_logev, NULL) == -1)
		fatalx("event_add failed");
	if ((cp->cp_chan = chan_new(fd, role_str(cp->cp_role),
	    cp->cp_role == ROLE_CONTROL ? control_rules : child_rules, 1,
	    child_gone, cp)) == NULL)
		fatal("channel to %s", role_str(cp->cp_role));
	return (chan_hello(cp->cp_chan, ROLE_PARENT, cp->cp_role));
}

void
child_start(struct child *cp)
{
	static unsigned	serial;
	size_t		i;

	event_del(&cp->cp_timer);
	cp->cp_serial = ++serial;
	cp->cp_again = 0;
	cp->cp_started = proc_boot_ms();
	cp->cp_sandbox[0] = '\0';
	if (child_spawn(cp) == -1) {
		log_warn("%s: could not be started", role_str(cp->cp_role));
		if (cp->cp_pid == 0)
			child_crashed(cp, "could not be started");
		else
			child_kill(cp, "could not be started");
		return;
	}
	cp->cp_state = CHILD_STARTING;
	for (i = 0; i < NELEM(links); i++)
		if (links[i][0] == cp->cp_role || links[i][1] == cp->cp_role)
			child_link(links[i][0], links[i][1]);
	child_arm(cp, START_S);
	child_keylog(cp);
	child_offer(cp, parent.p_conf);
}

/* Ask it to end; kill it when it takes too long. */
void
child_stop(struct child *cp)
{
	if (cp->cp_pid == 0 || cp->cp_state == CHILD_STOPPING)
		return;
	cp->cp_state = CHILD_STOPPING;
	child_arm(cp, cp->cp_role == ROLE_KEY ? STOP_KEY_S : STOP_S);
	if (chan_send(cp->cp_chan, IMSG_SHUTDOWN, -1, NULL, 0, NULL, 0) == -1)
		(void)kill(cp->cp_pid, SIGKILL);
}

/* The same, and start it when it has ended. */
static void
child_restart(struct child *cp)
{
	child_stop(cp);
	cp->cp_again = 1;
}

static void
child_kill(struct child *cp, const char *why)
{
	log_warnx("%s[%ld]: killed: %s", role_str(cp->cp_role),
	    (long)cp->cp_pid, why);
	if (cp->cp_pid != 0)
		(void)kill(cp->cp_pid, SIGKILL);
}

int
child_settled(void)
{
	int	i;

	for (i = 1; i < ROLE_MAX; i++) {
		if (child_stale(&parent.p_children[i]))
			return (0);
		switch (parent.p_children[i].cp_state) {
		case CHILD_OFF:
		case CHILD_DOWN:
		case CHILD_UP:
			break;
		default:
			return (0);
		}
	}
	return (1);
}

void
child_loglevel(int verbose)
{
	uint32_t	v = (uint32_t)verbose;
	int		i;

	for (i = 1; i < ROLE_MAX; i++)
		if (parent.p_children[i].cp_chan != NULL)
			(void)chan_send(parent.p_children[i].cp_chan,
			    IMSG_LOGLEVEL, -1, &v, sizeof(v), NULL, 0);
}

/* -- what children say -- */

static int
child_ack(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct child		*cp = arg;
	struct imsg_reconf	 rc;

	(void)ch;
	memcpy(&rc, m->cm_fixed, sizeof(rc));
	if (cp->cp_state == CHILD_STARTING) {
		if (rc.rc_generation != parent.p_conf->c_generation)
			return (-1);
		cp->cp_state = CHILD_CHECKED;
		event_del(&cp->cp_timer);
		child_step();
	} else
		parent_reload_answer(cp, rc.rc_generation, NULL);
	return (0);
}

static int
child_nak(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct child		*cp = arg;
	struct imsg_reconf	 rc;
	const char		*why;
	size_t			 len = cur_left(&m->cm_tail);

	(void)ch;
	memcpy(&rc, m->cm_fixed, sizeof(rc));
	why = log_str(cur_ptr(&m->cm_tail, len), len);
	if (cp->cp_state != CHILD_STARTING) {
		parent_reload_answer(cp, rc.rc_generation, why);
		return (0);
	}
	log_warnx("generation %llu refused: %s: %s",
	    (unsigned long long)rc.rc_generation, role_str(cp->cp_role), why);
	snprintf(cp->cp_degraded, sizeof(cp->cp_degraded),
	    "refuses its configuration: %s", why);
	if (!parent.p_ready)
		parent_stop(1);
	else
		(void)kill(cp->cp_pid, SIGKILL);
	return (0);
}

static int
child_ready(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct child	*cp = arg;
	struct span	 s;

	(void)ch;
	if (cp->cp_state == CHILD_STOPPING)
		return (0);
	if (cp->cp_state != CHILD_COMMITTED)
		return (-1);
	s.len = cur_left(&m->cm_tail);
	s.p = (const char *)cur_ptr(&m->cm_tail, s.len);
	snprintf(cp->cp_sandbox, sizeof(cp->cp_sandbox), "%s",
	    log_str(s.p, s.len));
	event_del(&cp->cp_timer);
	cp->cp_state = CHILD_UP;
	cp->cp_degraded[0] = '\0';
	if (parent.p_ready)
		log_info("%s[%ld] is back", role_str(cp->cp_role),
		    (long)cp->cp_pid);
	child_step();
	return (0);
}

/* One child says of another that it broke the rules. */
static int
child_violation(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct child	*cp = arg;
	uint32_t	 role;
	size_t		 len = cur_left(&m->cm_tail);
	char		 why[320];

	(void)ch;
	memcpy(&role, m->cm_fixed, sizeof(role));
	if (role == ROLE_PARENT || role >= ROLE_MAX || role == cp->cp_role)
		return (-1);
	snprintf(why, sizeof(why), "%s says: %s", role_str(cp->cp_role),
	    log_str(cur_ptr(&m->cm_tail, len), len));
	if (parent.p_children[role].cp_pid != 0)
		child_kill(&parent.p_children[role], why);
	return (0);
}

static void
child_gone(struct chan *ch, void *arg)
{
	struct child	*cp = arg;

	chan_free(ch);
	cp->cp_chan = NULL;
	/* It is on its way out, or it broke the rules and must go. */
	if (cp->cp_pid != 0)
		(void)kill(cp->cp_pid, SIGKILL);
}

static void
child_log(int fd, short event, void *arg)
{
	struct child	*cp = arg;
	char		 buf[LOG_LINE_MAX + 64], name[64];
	ssize_t		 n;
	int		 i;

	(void)event;
	snprintf(name, sizeof(name), "%s[%ld]", role_str(cp->cp_role),
	    (long)cp->cp_pid);
	for (i = 0; i < LOG_BATCH; i++) {
		if ((n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT)) < 2)
			return;
		buf[n] = '\0';
		if (buf[0] >= '0' && buf[0] <= '7')
			log_relay(name, buf[0] - '0', buf + 1);
	}
}

/* Older than the key process that runs now: it must start again. */
static int
child_stale(const struct child *cp)
{
	const struct child	*key = &parent.p_children[ROLE_KEY];

	return (cp->cp_role != ROLE_CONTROL && cp->cp_state == CHILD_UP &&
	    key->cp_state == CHILD_UP && cp->cp_serial < key->cp_serial);
}

/* May it have its configuration now?  Key is first; a sipgw that lost its key
 * process need not wait for another. */
static int
child_go(const struct child *cp)
{
	const struct child	*key = &parent.p_children[ROLE_KEY];

	if (cp->cp_state != CHILD_CHECKED)
		return (0);
	if (cp == key || key->cp_state == CHILD_UP)
		return (1);
	return (parent.p_ready && key->cp_state == CHILD_DOWN &&
	    (cp->cp_role == ROLE_SIP || cp->cp_role == ROLE_CONTROL));
}

/* After key came back: sipgw next, then the rest. */
static void
child_succeed(void)
{
	struct child	*sip = &parent.p_children[ROLE_SIP];
	int		 i;

	if (!parent.p_ready || parent.p_next != NULL)
		return;
	if (child_stale(sip)) {
		child_restart(sip);
		return;
	}
	if (sip->cp_state != CHILD_UP)
		return;
	for (i = 1; i < ROLE_MAX; i++)
		if (child_stale(&parent.p_children[i]))
			child_restart(&parent.p_children[i]);
}

/* Something has changed: let those go on whose turn has come.  At the first
 * start all children must have accepted their configuration before. */
static void
child_step(void)
{
	struct child	*cp;
	size_t		 i;
	int		 up = 1;

	if (parent.p_stopping)
		return;
	for (i = 0; i < NELEM(order); i++)
		if (!parent.p_ready && parent.p_children[order[i]].cp_state ==
		    CHILD_STARTING)
			return;
	for (i = 0; i < NELEM(order); i++) {
		cp = &parent.p_children[order[i]];
		if (child_go(cp)) {
			cp->cp_state = CHILD_COMMITTED;
			child_arm(cp, START_S);
			child_order(cp, IMSG_RECONF_COMMIT,
			    parent.p_conf->c_generation);
		}
		if (cp->cp_state != CHILD_UP && cp->cp_state != CHILD_OFF)
			up = 0;
	}
	if (up && !parent.p_ready) {
		parent.p_ready = 1;
		log_info("ready, generation %llu",
		    (unsigned long long)parent.p_conf->c_generation);
	}
	child_succeed();
	parent_reload_step();
}

/* -- how they end -- */

static void
child_cause(int status, char *buf, size_t size)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		snprintf(buf, size, "killed by its sandbox: it made a system "
		    "call that it may not make");
	else if (WIFSIGNALED(status))
		snprintf(buf, size, "killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		snprintf(buf, size, "could not be executed");
	else
		snprintf(buf, size, "exited with status %d",
		    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

void
child_reap(void)
{
	pid_t	pid;
	int	i, status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (i = 1; i < ROLE_MAX; i++)
			if (parent.p_children[i].cp_pid == pid) {
				child_ended(&parent.p_children[i], status);
				break;
			}
}

static void
child_ended(struct child *cp, int status)
{
	enum child_state	was = cp->cp_state;
	char			why[128];
	long			pid = (long)cp->cp_pid;
	int			again = cp->cp_again;

	/* Its last words first. */
	child_log(cp->cp_logfd, EV_READ, cp);
	event_del(&cp->cp_logev);
	close(cp->cp_logfd);
	cp->cp_logfd = -1;
	event_del(&cp->cp_timer);
	chan_free(cp->cp_chan);
	cp->cp_chan = NULL;
	cp->cp_pid = 0;
	cp->cp_again = 0;
	cp->cp_sandbox[0] = '\0';
	cp->cp_state = parent_wanted(cp->cp_role, parent.p_conf) ?
	    CHILD_DOWN : CHILD_OFF;
	if (cp->cp_role == ROLE_CONTROL)
		parent.p_nwaiters = 0;
	child_cause(status, why, sizeof(why));
	if (was != CHILD_STOPPING || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		log_warnx("%s[%ld] %s", role_str(cp->cp_role), pid, why);
	if (parent.p_stopping)
		parent_stop_step();
	else if (was != CHILD_STOPPING)
		child_crashed(cp, why);
	else if (again && cp->cp_state == CHILD_DOWN) {
		cp->cp_restarts++;
		child_start(cp);
	}
	child_step();
}

static void
child_crashed(struct child *cp, const char *why)
{
	char	text[160];

	cp->cp_state = CHILD_DOWN;
	snprintf(text, sizeof(text), "%s: %s", role_str(cp->cp_role), why);
	if (cp->cp_degraded[0] == '\0')
		snprintf(cp->cp_degraded, sizeof(cp->cp_degraded), "%s", why);
	if (!parent.p_ready || (parent.p_conf->c_flags & CONF_RESTART_NO)) {
		log_warnx("%s; stopping", text);
		parent_stop(1);
		return;
	}
	parent_reload_abort(text);
	if (proc_boot_ms() - cp->cp_started > LIVED_MS || cp->cp_backoff == 0)
		cp->cp_backoff = 1;
	else if ((cp->cp_backoff *= 2) > BACKOFF_MAX)
		cp->cp_backoff = BACKOFF_MAX;
	cp->cp_restarts++;
	log_info("%s starts again in %u s", role_str(cp->cp_role),
	    cp->cp_backoff);
	child_arm(cp, cp->cp_backoff);
	if (cp->cp_role == ROLE_SIP)
		child_stop(&parent.p_children[ROLE_KEY]);
}

static void
child_timeout(int fd, short event, void *arg)
{
	struct child	*cp = arg, *key = &parent.p_children[ROLE_KEY];

	(void)fd;
	(void)event;
	switch (cp->cp_state) {
	case CHILD_DOWN:
		if (parent.p_stopping)
			break;
		if (!parent_wanted(cp->cp_role, parent.p_conf)) {
			cp->cp_state = CHILD_OFF;
			break;
		}
		/* Not in the middle of a reload, and key before sipgw. */
		if (parent.p_next != NULL || (cp->cp_role == ROLE_SIP &&
		    key->cp_state == CHILD_STOPPING)) {
			child_arm(cp, 1);
			break;
		}
		if (cp->cp_role == ROLE_SIP && key->cp_pid == 0)
			child_start(key);
		child_start(cp);
		break;
	case CHILD_STARTING:
	case CHILD_COMMITTED:
		child_kill(cp, "start takes too long");
		break;
	case CHILD_STOPPING:
		child_kill(cp, "does not stop");
		break;
	default:
		break;
	}
}
