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
 * The control process: takes viprctl's connections, knows who is at the other
 * end, decides what that one may ask, and carries requests to the processes
 * that answer them and rows back.  It holds nothing itself, and a client that
 * is slow or hostile ends alone.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "ctl.h"
#include "log.h"
#include "proc.h"
#include "sandbox.h"
#include "vipr.h"
#include "viprd.h"

#define CLIENTS_MAX		48
#define CLIENTS_ROOT		8	/* more of them for root alone */
#define CLIENTS_UID		16	/* of one user but root */
#define CLIENT_QUEUE_MAX	(4 * 1024 * 1024)
#define CLIENT_IDLE_S		60
#define REQUEST_S		10
#define SEVERAL_S		4	/* for each, when several are asked */
#define LOOKUP_S		30	/* longer than a look-up among nodes that drop */
#define RELOAD_S		45	/* longer than the parent's own patience */
#define ACCEPT_BATCH		8
#define ACCEPT_PAUSE_S		1

#define R(role)		(1U << (role))
#define R_PARENT	R(ROLE_PARENT)
#define R_KEY		R(ROLE_KEY)
#define R_OVERLAY	R(ROLE_OVERLAY)
#define R_PVP		R(ROLE_PVP)
#define R_SIP		R(ROLE_SIP)
#define R_ALL		(R_PARENT | R_KEY | R_SIP | R_OVERLAY | R_PVP)

struct client {
	TAILQ_ENTRY(client)	 cl_entry;	/* in clients, which owns it */
	struct chan		*cl_chan;
	struct event		 cl_timer;
	uid_t			 cl_uid;
	uint8_t			 cl_class;
	/* the request under way; one at a time */
	uint32_t		 cl_request;	/* our id for it; 0: none */
	uint32_t		 cl_theirs;	/* the client's */
	unsigned		 cl_wait;	/* role that is answering */
	unsigned		 cl_todo;	/* roles to ask after it */
	int			 cl_several;	/* more than one is asked */
	struct imsg_ctl_request	 cl_ask;	/* what they are asked */
	uint8_t			 cl_args[CTL_ARGS_MAX * 258];
	size_t			 cl_argslen;
	char			 cl_error[CTL_ERROR_MAX];
};
static TAILQ_HEAD(, client)	 clients = TAILQ_HEAD_INITIALIZER(clients);

struct verb {
	uint16_t	 v_verb;
	uint8_t		 v_class;	/* needed */
	uint8_t		 v_argmin, v_argmax;
	unsigned	 v_roles;	/* who answers */
	const char	*v_name;
};
static const struct verb verbs[] = {
	{ CTL_SHOW, CTL_READ, 0, 0, R_ALL, "show" },
	{ CTL_SHOW_NUMBERS, CTL_READ, 0, 1, R_OVERLAY, "show numbers" },
	{ CTL_SHOW_ROUTES, CTL_READ, 0, 1, R_SIP, "show routes" },
	{ CTL_SHOW_TICKETS, CTL_READ, 0, 1, R_KEY, "show tickets" },
	{ CTL_SHOW_CALLS, CTL_READ, 0, 1, R_KEY, "show calls" },
	{ CTL_SHOW_OVERLAY, CTL_READ, 0, 0, R_OVERLAY, "show overlay" },
	{ CTL_SHOW_PROOFS, CTL_READ, 0, 1, R_KEY, "show proofs" },
	{ CTL_SHOW_PROCESSES, CTL_READ, 0, 0, R_PARENT, "show processes" },
	{ CTL_SHOW_METRICS, CTL_READ, 0, 0, R_ALL, "show metrics" },
	{ CTL_SHOW_CONFIG, CTL_READ, 0, 0, R_PARENT, "show config" },
	{ CTL_SHOW_HOPS, CTL_READ, 0, 0, R_SIP, "show hops" },
	{ CTL_EXPLAIN, CTL_READ, 1, 1, R_KEY | R_SIP | R_OVERLAY, "explain" },
	{ CTL_LOOKUP, CTL_READ, 1, 1, R_OVERLAY, "lookup" },
	{ CTL_VERIFY, CTL_WRITE, 1, 1, R_KEY, "verify" },
	{ CTL_RELOAD, CTL_WRITE, 0, 0, R_PARENT, "reload" },
	{ CTL_LOG, CTL_WRITE, 1, 1, R_PARENT, "log" },
	{ CTL_STOP, CTL_WRITE, 0, 0, R_PARENT, "stop" },
	{ CTL_REVOKE, CTL_WRITE, 1, 2, R_KEY, "revoke" },
	{ CTL_ROUTE, CTL_WRITE, 2, 3, R_KEY, "route" },
	{ CTL_KEY_ROTATE, CTL_WRITE, 0, 0, R_KEY, "key rotate" }
};

static struct conf	*conf;		/* in force; NULL before the first */
static struct event	 listen_ev, pause_ev;
static int		 listen_fd = -1;	/* conf's */
static uid_t		 owner;		/* of a viprd -u; else root */
static uint32_t		 last_request;
static unsigned		 nclients;
static struct log_limit	 full_limit = { "refused control connections", 5,
			    10000, 0, 0, 0 };
static struct log_limit	 fault_limit = { "faults of control clients", 10,
			    6000, 0, 0, 0 };
static struct log_limit	 drop_limit = { "dropped control clients", 10,
			    6000, 0, 0, 0 };

static uint8_t	client_class(uid_t);
static void	client_drop(struct client *, const char *);
static void	client_end(struct client *);
static struct client *client_find(uint32_t);
static void	client_free(struct client *);
static void	client_gone(struct chan *, void *);
static void	client_new(int);
static void	client_next(struct client *);
static void	client_refuse(struct client *, uint32_t, const char *);
static int	client_request(struct chan *, struct chan_msg *, void *);
static int	client_room(uid_t);
static void	client_start(struct client *, const struct verb *,
		    const struct ctl_req *, const struct chan_msg *);
static void	client_timeout(int, short, void *);
static void	control_accept(int, short, void *);
static int	control_check(struct conf *, char *, size_t);
static void	control_commit(struct conf *);
static int	control_end(struct chan *, struct chan_msg *, void *);
static int	control_init(const char *);
static void	control_listen(void);
static void	control_peer(enum vipr_role, struct chan *);
static enum vipr_role control_role(const struct chan *);
static int	control_row(struct chan *, struct chan_msg *, void *);
static const struct imsg_rule *control_rules(enum vipr_role);
static void	control_resume(int, short, void *);
static void	control_shutdown(void);
static void	request_error(struct client *, enum vipr_role, const char *,
		    const char *);

static const struct imsg_rule client_rules[] = {
	CTL_RULE(client_request),
	{ IMSG_NONE, 0, 0, 0, NULL }
};

/* The same from every process, the parent included. */
static const struct imsg_rule peer_rules[] = {
	{ IMSG_CTL_ROW, sizeof(struct imsg_ctl_reply), CTL_ROW_MAX, 0,
	    control_row },
	{ IMSG_CTL_END, sizeof(struct imsg_ctl_reply), CTL_ERROR_MAX + 2, 0,
	    control_end },
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static const struct proc_ops control_ops = {
	.po_role = ROLE_CONTROL,
	.po_name = "control",
	.po_init = control_init,
	.po_conf_check = control_check,
	.po_conf_commit = control_commit,
	.po_conf_abort = NULL,
	.po_rules = control_rules,
	.po_peer = control_peer,
	.po_shutdown = control_shutdown,
	.po_sandbox = SANDBOX_CONTROL
};

void
control_main(int argc, char **argv)
{
	proc_child(argc, argv, &control_ops);
}

static int
control_init(const char *dir)
{
	/* viprd -u: no chroot; whoever started it may do everything. */
	if (strcmp(dir, "/") != 0)
		owner = getuid();
	evtimer_set(&pause_ev, control_resume, NULL);
	return (0);
}

static const struct imsg_rule *
control_rules(enum vipr_role peer)
{
	return (peer == ROLE_CONTROL ? NULL : peer_rules);
}

static int
control_check(struct conf *c, char *why, size_t size)
{
	struct conf_listen	*l;

	TAILQ_FOREACH(l, &c->c_listens, cl_entry)
		if (l->cl_use == LISTEN_CONTROL && l->cl_fd != -1)
			return (0);
	snprintf(why, size, "no control socket");
	return (-1);
}

static void
control_commit(struct conf *c)
{
	struct conf_listen	*l;
	struct client		*cl;

	if (listen_fd != -1) {
		event_del(&listen_ev);
		event_del(&pause_ev);
	}
	conf_free(conf);
	conf = c;
	TAILQ_FOREACH(l, &conf->c_listens, cl_entry)
		if (l->cl_use == LISTEN_CONTROL && l->cl_fd != -1)
			listen_fd = l->cl_fd;
	event_set(&listen_ev, listen_fd, EV_READ | EV_PERSIST, control_accept,
	    NULL);
	control_listen();
	/* Operators may have come or gone. */
	TAILQ_FOREACH(cl, &clients, cl_entry)
		cl->cl_class = client_class(cl->cl_uid);
}

static void
control_listen(void)
{
	if (event_add(&listen_ev, NULL) == -1)
		fatalx("event_add failed");
}

static void
control_resume(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	control_listen();
}

/* The parent decides; clients see the end of file. */
static void
control_shutdown(void)
{
	struct client	*cl;

	TAILQ_FOREACH(cl, &clients, cl_entry)
		chan_flush(cl->cl_chan);
}

/* -- clients -- */

/* The socket's mode keeps out all but root, us and our group. */
static uint8_t
client_class(uid_t uid)
{
	const struct conf_text	*ct;

	if (uid == 0 || uid == owner)
		return (CTL_ROOT);
	TAILQ_FOREACH(ct, &conf->c_operators, ct_entry)
		if (ct->ct_value == uid)
			return (CTL_WRITE);
	return (CTL_READ);
}

static int
client_room(uid_t uid)
{
	const struct client	*cl;
	unsigned		 n = 0;

	if (uid == 0)
		return (nclients < CLIENTS_MAX + CLIENTS_ROOT);
	TAILQ_FOREACH(cl, &clients, cl_entry)
		if (cl->cl_uid == uid)
			n++;
	return (n < CLIENTS_UID && nclients < CLIENTS_MAX);
}

static void
control_accept(int fd, short event, void *arg)
{
	struct timeval	tv = { ACCEPT_PAUSE_S, 0 };
	int		i, s;

	(void)event;
	(void)arg;
	for (i = 0; i < ACCEPT_BATCH; i++) {
		if ((s = accept4(fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
			client_new(s);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno == EMFILE || errno == ENFILE) {
			event_del(&listen_ev);
			if (evtimer_add(&pause_ev, &tv) == -1)
				fatalx("event_add failed");
		} else if (errno != EAGAIN)
			log_warn("accept");
		return;
	}
}

static void
client_new(int s)
{
	struct timeval	 tv = { CLIENT_IDLE_S, 0 };
	struct client	*cl;
	char		 name[64];
	uid_t		 uid;
	gid_t		 gid;

	if (getpeereid(s, &uid, &gid) == -1) {
		log_warn("getpeereid");
		close(s);
		return;
	}
	if (!client_room(uid)) {
		if (log_allow(&full_limit, proc_boot_ms()))
			log_warnx("uid %u: too many connections", uid);
		close(s);
		return;
	}
	if ((cl = calloc(1, sizeof(*cl))) == NULL) {
		log_warn("client");
		close(s);
		return;
	}
	snprintf(name, sizeof(name), "client of uid %u", uid);
	if ((cl->cl_chan = chan_new(s, name, client_rules, 0, client_gone,
	    cl)) == NULL) {
		log_warn("%s", name);
		close(s);
		free(cl);
		return;
	}
	chan_batch(cl->cl_chan, 1);
	chan_log_limit(cl->cl_chan, &fault_limit);
	cl->cl_uid = uid;
	cl->cl_class = client_class(uid);
	evtimer_set(&cl->cl_timer, client_timeout, cl);
	TAILQ_INSERT_TAIL(&clients, cl, cl_entry);
	nclients++;
	if (chan_hello(cl->cl_chan, ROLE_CONTROL, CHAN_ANY_ROLE) == -1 ||
	    evtimer_add(&cl->cl_timer, &tv) == -1)
		client_free(cl);
}

static void
client_free(struct client *cl)
{
	if (cl == NULL)
		return;
	TAILQ_REMOVE(&clients, cl, cl_entry);
	nclients--;
	event_del(&cl->cl_timer);
	chan_free(cl->cl_chan);
	free(cl);
}

static void
client_gone(struct chan *ch, void *arg)
{
	(void)ch;
	client_free(arg);
}

static void
client_drop(struct client *cl, const char *why)
{
	if (log_allow(&drop_limit, proc_boot_ms()))
		log_info("%s: %s", chan_name(cl->cl_chan), why);
	client_free(cl);
}

static struct client *
client_find(uint32_t request)
{
	struct client	*cl;

	if (request == 0)
		return (NULL);
	TAILQ_FOREACH(cl, &clients, cl_entry)
		if (cl->cl_request == request)
			return (cl);
	return (NULL);
}

/* A request that goes no further. */
static void
client_refuse(struct client *cl, uint32_t id, const char *why)
{
	(void)ctl_send_end(cl->cl_chan, id, why);
}

static int
client_request(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct client		*cl = arg;
	const struct verb	*v = NULL;
	struct ctl_req		 rq;
	size_t			 i;

	(void)ch;
	if (ctl_req_parse(m, &rq) == -1)
		return (-1);
	if (cl->cl_request != 0)
		return (-1);		/* one at a time */
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (verbs[i].v_verb == rq.rq_verb)
			v = &verbs[i];
	if (v == NULL)
		client_refuse(cl, rq.rq_id, "unknown request");
	else if (rq.rq_argc < v->v_argmin || rq.rq_argc > v->v_argmax)
		client_refuse(cl, rq.rq_id, "wrong number of arguments");
	else if (cl->cl_class < v->v_class) {
		log_info("uid %u: %s refused", cl->cl_uid, v->v_name);
		client_refuse(cl, rq.rq_id, "permission denied: only root and "
		    "operators may do this");
	} else
		client_start(cl, v, &rq, m);
	return (0);
}

static void
client_start(struct client *cl, const struct verb *v,
    const struct ctl_req *rq, const struct chan_msg *m)
{
	char		 args[256] = "";
	unsigned	 roles = v->v_roles;
	struct cur	 c = m->cm_tail;
	size_t		 n;
	int		 i;

	if (!(conf->c_flags & CONF_OVERLAY_ON))
		roles &= ~(R_OVERLAY | R_PVP);
	if (!(conf->c_flags & CONF_PVP_ON))
		roles &= ~R_PVP;
	if (roles == 0) {
		client_refuse(cl, rq->rq_id, "no overlay is configured");
		return;
	}
	if (v->v_class > CTL_READ) {
		for (i = 0; i < rq->rq_argc; i++) {
			n = strlen(args);
			snprintf(args + n, sizeof(args) - n, " %s",
			    log_str(rq->rq_argv[i], strlen(rq->rq_argv[i])));
		}
		log_info("uid %u: %s%s", cl->cl_uid, v->v_name, args);
	}
	if (++last_request == 0)
		last_request = 1;
	cl->cl_request = last_request;
	cl->cl_theirs = rq->rq_id;
	cl->cl_wait = 0;
	cl->cl_todo = roles;
	cl->cl_several = (roles & (roles - 1)) != 0;
	cl->cl_error[0] = '\0';

	/* Who asks is what we know, not what the client says. */
	memset(&cl->cl_ask, 0, sizeof(cl->cl_ask));
	cl->cl_ask.cq_id = cl->cl_request;
	cl->cl_ask.cq_verb = v->v_verb;
	cl->cl_ask.cq_class = cl->cl_class;
	cl->cl_ask.cq_argc = (uint8_t)rq->rq_argc;
	cl->cl_ask.cq_uid = cl->cl_uid;
	cl->cl_argslen = cur_left(&c);
	cur_bytes(&c, cl->cl_args, cl->cl_argslen);
	client_next(cl);
}

/* Ask the next process, one after the other, so that rows come in the same
 * order every time. */
static void
client_next(struct client *cl)
{
	struct timeval	tv = { 0, 0 };
	enum vipr_role	role;
	unsigned	i;

	for (i = 0; i < ROLE_MAX; i++) {
		if (!(cl->cl_todo & R(i)))
			continue;
		role = (enum vipr_role)i;
		cl->cl_todo &= ~R(i);
		if (chan_send(proc_peer(role), IMSG_CTL_REQUEST, -1,
		    &cl->cl_ask, sizeof(cl->cl_ask), cl->cl_args,
		    cl->cl_argslen) == -1) {
			request_error(cl, role, " ", "is not running");
			continue;
		}
		cl->cl_wait = R(i);
		if (cl->cl_ask.cq_verb == CTL_RELOAD)
			tv.tv_sec = RELOAD_S;
		else if (role == ROLE_OVERLAY && (cl->cl_ask.cq_verb == CTL_LOOKUP ||
		    cl->cl_ask.cq_verb == CTL_EXPLAIN))
			tv.tv_sec = LOOKUP_S;
		else
			tv.tv_sec = cl->cl_several ? SEVERAL_S : REQUEST_S;
		if (evtimer_add(&cl->cl_timer, &tv) == -1)
			fatalx("event_add failed");
		return;
	}
	client_end(cl);
}

/* Add what one process has to complain. */
static void
request_error(struct client *cl, enum vipr_role role, const char *sep,
    const char *text)
{
	size_t	n = strlen(cl->cl_error);

	snprintf(cl->cl_error + n, sizeof(cl->cl_error) - n, "%s%s%s%s",
	    n ? "; " : "", role_str(role), sep, text);
}

/* Every process has answered, or can't. */
static void
client_end(struct client *cl)
{
	struct timeval	tv = { CLIENT_IDLE_S, 0 };
	uint32_t	id = cl->cl_theirs;

	cl->cl_request = 0;
	cl->cl_wait = 0;
	if (evtimer_add(&cl->cl_timer, &tv) == -1)
		fatalx("event_add failed");
	(void)ctl_send_end(cl->cl_chan, id, cl->cl_error);
}

static void
client_timeout(int fd, short event, void *arg)
{
	struct client	*cl = arg;
	unsigned	 i;

	(void)fd;
	(void)event;
	if (cl->cl_request == 0) {
		client_drop(cl, "idle");
		return;
	}
	for (i = 0; i < ROLE_MAX; i++)
		if (cl->cl_wait & R(i))
			request_error(cl, (enum vipr_role)i, " ",
			    "does not answer");
	cl->cl_wait = 0;
	client_next(cl);
}

/* -- processes -- */

static enum vipr_role
control_role(const struct chan *ch)
{
	unsigned	i;

	for (i = 0; i < ROLE_MAX; i++)
		if (proc_peer((enum vipr_role)i) == ch)
			return ((enum vipr_role)i);
	return (ROLE_MAX);
}

static void
control_peer(enum vipr_role role, struct chan *ch)
{
	struct client	*cl;

	if (ch != NULL)
		return;
	TAILQ_FOREACH(cl, &clients, cl_entry) {
		if (!(cl->cl_wait & R(role)))
			continue;
		request_error(cl, role, " ", "has ended meanwhile");
		cl->cl_wait = 0;
		client_next(cl);
	}
}

/* A row whose client is gone, or that comes after its end, is dropped. */
static int
control_row(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_ctl_reply	 cr;
	struct client		*cl;
	const uint8_t		*tail;
	size_t			 len;

	(void)arg;
	memcpy(&cr, m->cm_fixed, sizeof(cr));
	if ((cl = client_find(cr.cr_id)) == NULL ||
	    !(cl->cl_wait & R(control_role(ch))))
		return (0);
	len = cur_left(&m->cm_tail);
	tail = cur_ptr(&m->cm_tail, len);
	cr.cr_id = cl->cl_theirs;
	if (chan_queued(cl->cl_chan) > CLIENT_QUEUE_MAX ||
	    chan_send(cl->cl_chan, IMSG_CTL_ROW, -1, &cr, sizeof(cr), tail,
	    len) == -1)
		client_drop(cl, "does not read its answer");
	return (0);
}

static int
control_end(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_ctl_reply	 cr;
	enum vipr_role		 role = control_role(ch);
	struct client		*cl;
	char			 error[CTL_ERROR_MAX];

	(void)arg;
	memcpy(&cr, m->cm_fixed, sizeof(cr));
	if (cur_lv_str(&m->cm_tail, 2, error, sizeof(error)) == -1 ||
	    cur_done(&m->cm_tail) == -1)
		return (-1);
	if ((cl = client_find(cr.cr_id)) == NULL || role == ROLE_MAX ||
	    !(cl->cl_wait & R(role)))
		return (0);
	cl->cl_wait = 0;
	if (error[0] != '\0' && cl->cl_several)
		request_error(cl, role, ": ", error);
	else if (error[0] != '\0')
		snprintf(cl->cl_error, sizeof(cl->cl_error), "%s", error);
	client_next(cl);
	return (0);
}
