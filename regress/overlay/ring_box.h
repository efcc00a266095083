/* SPDX-License-Identifier: ISC */
/*
 * Real overlayds, each with its own key process, and we are their parent, their
 * pvpd and their control: certificates and document as viprctl ca makes them,
 * one loopback address a node, the environment that viprd gives its children.
 * Errors end the program.
 */
#ifndef RING_BOX_H
#define RING_BOX_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <err.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "ctl.h"
#include "ctl_ca.h"
#include "e164.h"
#include "log.h"
#include "nodeid.h"
#include "proc.h"
#include "reload_cert.h"
#include "vipr.h"

#define NODES_MAX	64

struct daemon {
	enum vipr_role	 d_role;
	unsigned	 d_index;	/* of its node */
	pid_t		 d_pid;
	struct chan	*d_chan;	/* ours as parent */
	int		 d_acked, d_ready;
};

struct member {
	struct daemon	 m_key, m_overlay;
	struct chan	*m_pvp, *m_ctl;	/* ours as pvpd, as control */
	struct conf	*m_conf;
	struct nodeid	 m_id;
	int		 m_listen;
	struct vaddr	 m_addr;
	uint64_t	 m_joined, m_published, m_forwarded, m_fetched, m_timeouts, m_peers;
	int		 m_asked;	/* an answer of m_ctl is awaited */
};

static struct member	 members[NODES_MAX];
static unsigned		 nnodes = 32, nnumbers = 32;
static const char	*folder, *programs;

static double	 now_s(void);
static uint64_t	 now_ns(void);
static void	 path_of(char *, size_t, const char *, ...)
		    __attribute__((__format__(printf, 3, 4)));
static void	 gone(struct chan *, void *);
static int	 said_ack(struct chan *, struct chan_msg *, void *);
static int	 said_nak(struct chan *, struct chan_msg *, void *);
static int	 said_ready(struct chan *, struct chan_msg *, void *);
static int	 said_violation(struct chan *, struct chan_msg *, void *);
static int	 said_row(struct chan *, struct chan_msg *, void *);
static int	 said_end(struct chan *, struct chan_msg *, void *);
static void	 ca(int, const char *const *);
static void	 certificates(void);
static void	 listener(struct member *, unsigned);
static void	 file_into(struct conf_blob *, int, const char *, ...)
		    __attribute__((__format__(printf, 3, 4)));
static struct conf *configuration(unsigned);
static void	 spawn(struct daemon *, enum vipr_role, unsigned);
static void	 spawn_exec(struct daemon *, const char *, int, int)
		    __attribute__((__noreturn__));
static void	 connect_two(struct chan *, enum vipr_role, struct chan *, enum vipr_role);
static struct chan *connect_us(struct chan *, enum vipr_role, enum vipr_role,
		    const struct imsg_rule *, struct member *);
static void	 order(struct daemon *, uint32_t);
static void	 member_start(unsigned, const struct imsg_rule *);
static void	 metrics(void);
static int	 until(int (*)(void), double, const char *);
static int	 all_joined(void);
static int	 all_published(void);
static int	 all_answered(void);
static void	 number_of(unsigned, unsigned, char *, size_t);

static const struct imsg_rule from_child[] = {
	{ IMSG_READY, 0, 160, 0, said_ready },
	{ IMSG_VIOLATION, sizeof(uint32_t), 256, 0, said_violation },
	{ IMSG_RECONF_ACK, sizeof(struct imsg_reconf), 0, 0, said_ack },
	{ IMSG_RECONF_NAK, sizeof(struct imsg_reconf), 512, 0, said_nak },
	{ IMSG_NONE, 0, 0, 0, NULL }
};
static const struct imsg_rule to_control[] = {
	{ IMSG_CTL_ROW, sizeof(struct imsg_ctl_reply), CTL_ROW_MAX, 0, said_row },
	{ IMSG_CTL_END, sizeof(struct imsg_ctl_reply), CTL_ERROR_MAX + 2, 0, said_end },
	{ IMSG_NONE, 0, 0, 0, NULL }
};

/* -- small things -- */

static uint64_t
now_ns(void)
{
	struct timespec	 ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec);
}

static double
now_s(void)
{
	return ((double)now_ns() / 1e9);
}

static void
path_of(char *buf, size_t size, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	if ((size_t)vsnprintf(buf, size, fmt, ap) >= size)
		errx(1, "%s: path too long", folder);
	va_end(ap);
}

static void
gone(struct chan *ch, void *arg)
{
	(void)arg;
	errx(1, "%s has ended; see %s/log.*", chan_name(ch), folder);
}

/* -- what the daemons say -- */

static int
said_ack(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct daemon	*d = arg;

	(void)ch;
	(void)m;
	d->d_acked = 1;
	return (0);
}

static int
said_nak(struct chan *ch, struct chan_msg *m, void *arg)
{
	size_t	 len = cur_left(&m->cm_tail);

	(void)arg;
	errx(1, "%s refuses its configuration: %s", chan_name(ch),
	    log_str(cur_ptr(&m->cm_tail, len), len));
}

static int
said_ready(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct daemon	*d = arg;

	(void)ch;
	(void)m;
	d->d_ready = 1;
	return (0);
}

static int
said_violation(struct chan *ch, struct chan_msg *m, void *arg)
{
	size_t	 len = cur_left(&m->cm_tail);

	(void)arg;
	errx(1, "%s says: %s", chan_name(ch),
	    log_str(cur_ptr(&m->cm_tail, len), len));
}

static int
said_row(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct member	*mb = arg;
	struct ctl_field cf;
	char		 kind[64], name[64] = "";

	(void)ch;
	if (ctl_row_open(&m->cm_tail, kind, sizeof(kind)) == -1)
		return (-1);
	while (ctl_row_next(&m->cm_tail, &cf) == 1) {
		if (strcmp(cf.cf_name, "name") == 0 && cf.cf_str.len < sizeof(name)) {
			memcpy(name, cf.cf_str.p, cf.cf_str.len);
			name[cf.cf_str.len] = '\0';
		}
		if (strcmp(cf.cf_name, "value") != 0)
			continue;
		if (strcmp(name, "overlay_joined") == 0)
			mb->m_joined = cf.cf_num;
		else if (strcmp(name, "overlay_published") == 0)
			mb->m_published = cf.cf_num;
		else if (strcmp(name, "overlay_peers") == 0)
			mb->m_peers = cf.cf_num;
		else if (strcmp(name, "overlay_forwarded") == 0)
			mb->m_forwarded = cf.cf_num;
		else if (strcmp(name, "overlay_fetches") == 0)
			mb->m_fetched = cf.cf_num;
		else if (strcmp(name, "overlay_timeouts") == 0)
			mb->m_timeouts = cf.cf_num;
	}
	return (0);
}

static int
said_end(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct member	*mb = arg;

	(void)ch;
	(void)m;
	mb->m_asked = 0;
	return (0);
}

/* -- the world -- */

/* viprctl ca, its words put aside. */
static void
ca(int argc, const char *const *argv)
{
	char	*copy[12];
	int	 i, null, out, r;

	for (i = 0; i < argc; i++)
		if ((copy[i] = strdup(argv[i])) == NULL)
			err(1, NULL);
	copy[argc] = NULL;
	(void)fflush(stdout);
	if ((out = dup(STDOUT_FILENO)) == -1 ||
	    (null = open("/dev/null", O_WRONLY | O_CLOEXEC)) == -1)
		err(1, "/dev/null");
	(void)dup2(null, STDOUT_FILENO);
	close(null);
	optind = 1;
	r = ctl_ca(argc, copy);
	(void)fflush(stdout);
	(void)dup2(out, STDOUT_FILENO);
	close(out);
	if (r != 0)
		errx(1, "viprctl ca %s failed", argv[1]);
	for (i = 0; i < argc; i++)
		free(copy[i]);
}

static void
certificates(void)
{
	char		 dir[512], doc[512], boot[VADDR_STRLEN], name[512];
	const char	*init[] = { "ca", "init", dir, "ring.bench" };
	const char	*sign[] = { "ca", "sign", "-o", name, dir };
	const char	*config[] = { "ca", "config", "-b", boot, "-o", doc, dir };
	uint8_t		 master[32];
	unsigned	 i;
	int		 fd;

	path_of(dir, sizeof(dir), "%s/ca", folder);
	path_of(doc, sizeof(doc), "%s/overlay.xml", folder);
	ca(4, init);
	for (i = 0; i < nnodes; i++) {
		path_of(name, sizeof(name), "%s/node%u", folder, i);
		ca(5, sign);
		listener(&members[i], i);
	}
	(void)vaddr_str(&members[0].m_addr, boot, sizeof(boot));
	ca(7, config);
	randombytes_buf(master, sizeof(master));
	path_of(name, sizeof(name), "%s/master", folder);
	if ((fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600)) == -1 ||
	    write(fd, master, sizeof(master)) != (ssize_t)sizeof(master))
		err(1, "%s", name);
	close(fd);
}

/* Each node at an address of its own, on a port that is free. */
static void
listener(struct member *m, unsigned i)
{
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(0x7f5c0001 + i);	/* 127.92.0.1 ... */
	if ((m->m_listen = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0)) == -1 ||
	    bind(m->m_listen, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(m->m_listen, 64) == -1 ||
	    getsockname(m->m_listen, (struct sockaddr *)&sin, &len) == -1 ||
	    vaddr_from_sa((struct sockaddr *)&sin, &m->m_addr) == -1)
		err(1, "listener");
}

static void
file_into(struct conf_blob *cb, int whole, const char *fmt, ...)
{
	char	 path[512];
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	(void)strlcpy(cb->cb_path, path, sizeof(cb->cb_path));
	if (!whole) {
		if ((cb->cb_fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
			err(1, "%s", path);
	} else if ((cb->cb_data = (uint8_t *)ca_file_read(path, 1 << 20,
	    &cb->cb_len)) == NULL)
		exit(1);
}

static void
number_of(unsigned node, unsigned i, char *buf, size_t size)
{
	(void)snprintf(buf, size, "+1408%03u%04u", (node + 200) % 1000, i % 10000);
}

static struct conf *
configuration(unsigned i)
{
	struct conf_listen	*cl;
	struct e164_range	 er;
	struct conf		*c;

	if ((c = conf_new()) == NULL || (cl = calloc(1, sizeof(*cl))) == NULL)
		err(1, NULL);
	c->c_flags |= CONF_OVERLAY_ON | CONF_PERMIT_PRIVATE |
	    (i == 0 ? CONF_OVERLAY_FIRST : 0);
	(void)strlcpy(c->c_domain, "bench.example", sizeof(c->c_domain));
	(void)strlcpy(c->c_overlay, "ring.bench", sizeof(c->c_overlay));
	c->c_store_rate = 1000;
	file_into(&c->c_node_cert, 1, "%s/node%u.crt", folder, i);
	file_into(&c->c_node_key, 0, "%s/node%u.key", folder, i);
	file_into(&c->c_ov_config, 1, "%s/overlay.xml", folder);
	file_into(&c->c_master, 0, "%s/master", folder);
	cl->cl_use = LISTEN_OVERLAY;
	cl->cl_proto = SIP_TCP;
	cl->cl_face = FACE_INSIDE;
	cl->cl_addr = members[i].m_addr;
	cl->cl_fd = members[i].m_listen;
	TAILQ_INSERT_TAIL(&c->c_listens, cl, cl_entry);
	number_of(i, 0, er.er_from, sizeof(er.er_from));
	number_of(i, nnumbers - 1, er.er_to, sizeof(er.er_to));
	if (conf_add_range(&c->c_numbers, &er, 0) == NULL)
		err(1, NULL);
	return (c);
}

/* -- processes: as parent_exec.c starts them, but as one user -- */

static void
spawn_exec(struct daemon *d, const char *data, int fd, int logfd)
{
	char		*env[3], *argv[8], path[512], name[16], log[512];
	unsigned	 n = 0;
	int		 f;

	(void)strlcpy(name, role_str(d->d_role), sizeof(name));
	path_of(path, sizeof(path), "%s/%s", programs,
	    d->d_role == ROLE_KEY ? "viprd" : name);
	path_of(log, sizeof(log), "%s/log.%s.%u", folder, name, d->d_index);
	env[0] = strdup("PATH=/usr/bin:/bin:/usr/sbin:/sbin");
	env[1] = d->d_role == ROLE_KEY ? NULL : strdup("GLIBC_TUNABLES="
	    "glibc.malloc.tcache_count=0");
	env[2] = NULL;
	argv[n++] = name;
	argv[n++] = strdup("-R");
	argv[n++] = name;
	argv[n++] = strdup("-D");
	argv[n++] = strdup(data);
	argv[n++] = strdup("-C");
	argv[n++] = strdup("-d");
	argv[n] = NULL;
	fd = fcntl(fd, F_DUPFD, 100);
	logfd = fcntl(logfd, F_DUPFD, 100);
	if ((f = open("/dev/null", O_RDWR)) == -1 || dup2(f, 0) == -1 ||
	    dup2(f, 1) == -1 ||
	    (f = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600)) == -1 ||
	    dup2(f, 2) == -1 || dup2(fd, CHILD_FD_PARENT) == -1 ||
	    dup2(logfd, CHILD_FD_LOG) == -1)
		_exit(127);
	closefrom(CHILD_FD_LOG + 1);
	execve(path, argv, env);
	_exit(127);
}

static void
spawn(struct daemon *d, enum vipr_role role, unsigned i)
{
	char	 dir[512], sub[600], name[64];
	int	 sv[2], lv[2];

	d->d_role = role;
	d->d_index = i;
	path_of(dir, sizeof(dir), "%s/data%u", folder, i);
	path_of(sub, sizeof(sub), "%s/%s", dir, role_str(role));
	if ((mkdir(dir, 0700) == -1 && errno != EEXIST) || mkdir(sub, 0700) == -1)
		err(1, "%s", sub);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1 ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, lv) == -1)
		err(1, "socketpair");
	if ((d->d_pid = fork()) == -1)
		err(1, "fork");
	if (d->d_pid == 0)
		spawn_exec(d, dir, sv[1], lv[1]);
	close(sv[1]);
	close(lv[1]);		/* lv[0] stays: it logs to its standard error */
	(void)snprintf(name, sizeof(name), "%s of node %u", role_str(role), i);
	if ((d->d_chan = chan_new(sv[0], name, from_child, 1, gone, d)) == NULL ||
	    chan_hello(d->d_chan, ROLE_PARENT, role) == -1)
		err(1, "%s", name);
}

static void
connect_two(struct chan *a, enum vipr_role ra, struct chan *b, enum vipr_role rb)
{
	struct imsg_peerfd	 pf;
	int			 sv[2];

	memset(&pf, 0, sizeof(pf));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) == -1)
		err(1, "socketpair");
	pf.pf_role = rb;
	if (chan_send(a, IMSG_PEERFD, sv[0], &pf, sizeof(pf), NULL, 0) == -1)
		err(1, "channel");
	pf.pf_role = ra;
	if (chan_send(b, IMSG_PEERFD, sv[1], &pf, sizeof(pf), NULL, 0) == -1)
		err(1, "channel");
}

/* A channel of the daemon whose other end is ours, in the role us. */
static struct chan *
connect_us(struct chan *to, enum vipr_role role, enum vipr_role us,
    const struct imsg_rule *rules, struct member *m)
{
	struct imsg_peerfd	 pf;
	struct chan		*ch;
	int			 sv[2];

	memset(&pf, 0, sizeof(pf));
	pf.pf_role = us;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) == -1 ||
	    chan_send(to, IMSG_PEERFD, sv[1], &pf, sizeof(pf), NULL, 0) == -1 ||
	    (ch = chan_new(sv[0], chan_name(to), rules, 0, gone, m)) == NULL ||
	    chan_hello(ch, us, role) == -1)
		err(1, "channel");
	return (ch);
}

static void
order(struct daemon *d, uint32_t type)
{
	struct imsg_reconf	 rc = { 1 };

	if (chan_send(d->d_chan, type, -1, &rc, sizeof(rc), NULL, 0) == -1)
		err(1, "%s", chan_name(d->d_chan));
}

/* rules: what we take from overlayd as its pvpd. */
static void
member_start(unsigned i, const struct imsg_rule *rules)
{
	struct member	*m = &members[i];
	struct reload_cert rc;
	X509		*x;
	const char	*why;
	char		 path[512];

	path_of(path, sizeof(path), "%s/node%u.crt", folder, i);
	if ((x = ca_cert_read(path)) == NULL || reload_cert_parse(x, &rc, &why) == -1)
		errx(1, "%s: not a certificate of a node", path);
	X509_free(x);
	memcpy(m->m_id.id_b, rc.rc_node[0], NODEID_LEN);
	m->m_conf = configuration(i);
	spawn(&m->m_key, ROLE_KEY, i);
	spawn(&m->m_overlay, ROLE_OVERLAY, i);
	connect_two(m->m_key.d_chan, ROLE_KEY, m->m_overlay.d_chan, ROLE_OVERLAY);
	m->m_pvp = connect_us(m->m_overlay.d_chan, ROLE_OVERLAY, ROLE_PVP, rules, m);
	m->m_ctl = connect_us(m->m_overlay.d_chan, ROLE_OVERLAY, ROLE_CONTROL, to_control, m);
	if (conf_send(m->m_key.d_chan, m->m_conf, ROLE_KEY) == -1 ||
	    conf_send(m->m_overlay.d_chan, m->m_conf, ROLE_OVERLAY) == -1)
		err(1, "configuration of node %u", i);
	while (!m->m_key.d_acked || !m->m_overlay.d_acked)
		(void)event_loop(EVLOOP_ONCE);
	order(&m->m_key, IMSG_RECONF_COMMIT);
	order(&m->m_overlay, IMSG_RECONF_COMMIT);
	while (!m->m_key.d_ready || !m->m_overlay.d_ready)
		(void)event_loop(EVLOOP_ONCE);
}

/* What each says of itself. */
static void
metrics(void)
{
	struct imsg_ctl_request	 cq;
	unsigned		 i;

	for (i = 0; i < nnodes && members[i].m_ctl != NULL; i++) {
		memset(&cq, 0, sizeof(cq));
		cq.cq_id = 1;
		cq.cq_verb = CTL_SHOW_METRICS;
		cq.cq_class = CTL_READ;
		if (chan_send(members[i].m_ctl, IMSG_CTL_REQUEST, -1, &cq, sizeof(cq),
		    NULL, 0) == -1)
			err(1, "node %u", i);
		members[i].m_asked = 1;
	}
	(void)until(all_answered, 30, "answers about themselves");
}

static int
until(int (*cond)(void), double seconds, const char *what)
{
	struct timeval	 tv = { 0, 200000 };
	double		 end = now_s() + seconds;

	for (;;) {
		if (cond != all_answered)
			metrics();
		if (cond())
			return (0);
		if (now_s() > end)
			errx(1, "%s: not within %.0f s; see %s/log.*", what, seconds,
			    folder);
		if (cond != all_answered)
			(void)event_loopexit(&tv);
		(void)event_loop(cond != all_answered ? 0 : EVLOOP_ONCE);
	}
}

static int
all_answered(void)
{
	unsigned	 i;

	for (i = 0; i < nnodes; i++)
		if (members[i].m_asked)
			return (0);
	return (1);
}

/* Those that were started. */
static int
all_joined(void)
{
	unsigned	 i;

	for (i = 0; i < nnodes && members[i].m_ctl != NULL; i++)
		if (!members[i].m_joined)
			return (0);
	return (1);
}

static int
all_published(void)
{
	unsigned	 i;

	for (i = 0; i < nnodes; i++)
		if (members[i].m_published < nnumbers)
			return (0);
	return (1);
}

#endif
