/* SPDX-License-Identifier: ISC */
/*
 * For whole-process tests: start one real daemon, sandbox on, and be its
 * parent and all its peers.  The wires are plain sockets and bytes, so that
 * what no honest process would write can be sent; nothing here sleeps, each
 * wait ends with an answer, the end of a channel or a failed test.
 */
#ifndef CHILD_H
#define CHILD_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <atf-c.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "ctl_ca.h"
#include "imsg.h"
#include "proc.h"
#include "sandbox.h"
#include "vipr.h"

#define FD_MARK		0x80000000U
#define LEN_TRUE	0xffffffffU	/* wire_send: the length as it is */
#define STUCK_MS	30000
#define CLIENT		ROLE_MAX	/* of control's socket */
#define WIRES		(ROLE_MAX + 1)	/* 0 is ours as parent */
#define TYPES		144

struct wire {
	int		 w_fd;			/* -1: none, or ended */
	int		 w_end;			/* ended by the daemon */
	int		 w_deaf;		/* we don't read it */
	uint8_t		 w_buf[2 * VIPR_IMSG_MAX];
	size_t		 w_len;
	unsigned	 w_got[TYPES];		/* messages by type */
	uint8_t		 w_last[512];		/* contents of the last one */
	size_t		 w_lastlen;
};
struct kid {
	enum vipr_role	 k_role;
	pid_t		 k_pid;
	int		 k_status;		/* once k_pid is 0 */
	struct wire	 k_wire[WIRES];
	unsigned	 k_said[ROLE_MAX];	/* violations it reported, by role */
	char		 k_nak[256];
	uint64_t	 k_generation;
	struct sockaddr_un k_socket;		/* of control */
	struct sockaddr_in k_listen[LISTEN_CONTROL];	/* TCP, by use, last offered */
};

static const char	*doing = "";		/* for messages of failed tests */
static char		 doing_buf[160];
static char		 programs[512];		/* folder of the daemons */

__attribute__((__format__(printf, 1, 2), __unused__)) static void
now_doing(const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	(void)vsnprintf(doing_buf, sizeof(doing_buf), fmt, ap);
	va_end(ap);
	doing = doing_buf;
}

/* -- bytes -- */

static void
wire_message(struct kid *k, struct wire *w, const struct imsg_hdr *h,
    const uint8_t *p, size_t len)
{
	struct imsg_ctl_request	 cq;
	struct imsg_ctl_reply	 cr;
	uint8_t			 end[IMSG_HEADER_SIZE + sizeof(cr) + 2];
	struct imsg_hdr		 eh;
	uint32_t		 role;

	ATF_REQUIRE_MSG(h->type < TYPES, "%s: odd type %u", doing, h->type);
	w->w_got[h->type]++;
	w->w_lastlen = len < sizeof(w->w_last) ? len : sizeof(w->w_last);
	memcpy(w->w_last, p, w->w_lastlen);
	if (w == &k->k_wire[ROLE_PARENT] && h->type == IMSG_VIOLATION) {
		ATF_REQUIRE(len >= sizeof(role) && len <= sizeof(role) + 256);
		memcpy(&role, p, sizeof(role));
		ATF_REQUIRE_MSG(role > ROLE_PARENT && role < ROLE_MAX,
		    "%s: violation of role %u", doing, role);
		k->k_said[role]++;
	} else if (w == &k->k_wire[ROLE_PARENT] && h->type == IMSG_RECONF_NAK) {
		ATF_REQUIRE(len >= 8 && len - 8 < sizeof(k->k_nak));
		memcpy(k->k_nak, p + 8, len - 8);
		k->k_nak[len - 8] = '\0';
	} else if (h->type == IMSG_CTL_REQUEST && k->k_role == ROLE_CONTROL) {
		/* As the process that control asks: nothing to show. */
		memcpy(&cq, p, sizeof(cq));
		memset(&eh, 0, sizeof(eh));
		eh.type = IMSG_CTL_END;
		eh.len = sizeof(end);
		memset(&cr, 0, sizeof(cr));
		cr.cr_id = cq.cq_id;
		memset(end, 0, sizeof(end));
		memcpy(end, &eh, sizeof(eh));
		memcpy(end + sizeof(eh), &cr, sizeof(cr));
		(void)send(w->w_fd, end, sizeof(end), MSG_NOSIGNAL);
	}
}

static void
wire_close(struct wire *w)
{
	if (w->w_fd != -1)
		close(w->w_fd);
	w->w_fd = -1;
	w->w_len = 0;
}

/* Read what is there; whole messages are looked at and counted. */
static void
wire_read(struct kid *k, struct wire *w)
{
	struct imsg_hdr	 h;
	ssize_t		 n;
	size_t		 at = 0;

	n = recv(w->w_fd, w->w_buf + w->w_len, sizeof(w->w_buf) - w->w_len,
	    MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		wire_close(w);
		w->w_end = 1;
		return;
	}
	w->w_len += (size_t)n;
	while (w->w_len - at >= sizeof(h)) {
		memcpy(&h, w->w_buf + at, sizeof(h));
		h.len &= ~FD_MARK;
		ATF_REQUIRE_MSG(h.len >= sizeof(h) && h.len <= VIPR_IMSG_MAX,
		    "%s: message of %u bytes from the daemon", doing, h.len);
		if (w->w_len - at < h.len)
			break;
		wire_message(k, w, &h, w->w_buf + at + sizeof(h),
		    h.len - sizeof(h));
		at += h.len;
	}
	memmove(w->w_buf, w->w_buf + at, w->w_len - at);
	w->w_len -= at;
}

/* Wait until something comes on any wire, or w (NULL: none) takes bytes. */
static void
kid_poll(struct kid *k, const struct wire *out, const char *what)
{
	struct pollfd	 pfd[WIRES];
	struct wire	*of[WIRES];
	nfds_t		 n = 0, i;
	int		 r;

	for (i = 0; i < WIRES; i++) {
		of[n] = &k->k_wire[i];
		if (of[n]->w_fd == -1 || (of[n]->w_deaf && of[n] != out))
			continue;
		pfd[n].fd = of[n]->w_fd;
		pfd[n].revents = 0;
		pfd[n].events = of[n]->w_deaf ? 0 : POLLIN;
		if (of[n] == out)
			pfd[n].events |= POLLOUT;
		n++;
	}
	while ((r = poll(pfd, n, STUCK_MS)) == -1 && errno == EINTR)
		;
	ATF_REQUIRE_MSG(r > 0, "%s, %s: stuck waiting for: %s",
	    role_str(k->k_role), doing, what);
	for (i = 0; i < n; i++)
		if (pfd[i].revents & (POLLIN | POLLHUP | POLLERR))
			wire_read(k, of[i]);	/* the deaf: at its end */
}

#define UNTIL(k, cond) do {						\
	while (!(cond)) {						\
		ATF_REQUIRE_MSG((k)->k_wire[ROLE_PARENT].w_fd != -1,	\
		    "%s, %s: the daemon is gone, waited for: %s",	\
		    role_str((k)->k_role), doing, #cond);		\
		kid_poll((k), NULL, #cond);				\
	}								\
} while (0)

/* All bytes, unless the daemon ends the channel first (-1). */
static int
wire_bytes(struct kid *k, struct wire *w, const void *p, size_t len, int fd)
{
	union {
		struct cmsghdr	hdr;
		uint8_t		buf[CMSG_SPACE(sizeof(int))];
	} cm;
	struct msghdr	 msg;
	struct iovec	 iov;
	struct cmsghdr	*c;
	uint8_t		*copy, *at;
	ssize_t		 n;

	ATF_REQUIRE((copy = at = malloc(len + 1)) != NULL);
	memcpy(copy, p, len);
	while (len > 0 && w->w_fd != -1) {
		memset(&msg, 0, sizeof(msg));
		iov.iov_base = at;
		iov.iov_len = len;
		msg.msg_iov = &iov;
		msg.msg_iovlen = 1;
		if (fd != -1) {
			memset(&cm, 0, sizeof(cm));
			msg.msg_control = cm.buf;
			msg.msg_controllen = sizeof(cm.buf);
			c = CMSG_FIRSTHDR(&msg);
			c->cmsg_len = CMSG_LEN(sizeof(int));
			c->cmsg_level = SOL_SOCKET;
			c->cmsg_type = SCM_RIGHTS;
			memcpy(CMSG_DATA(c), &fd, sizeof(int));
		}
		n = sendmsg(w->w_fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1 && errno == EAGAIN) {
			kid_poll(k, w, "room to write");
			continue;
		}
		if (n == -1)
			break;		/* reading will see the end */
		fd = -1;
		at += n;
		len -= (size_t)n;
	}
	free(copy);
	return (len == 0 ? 0 : -1);
}

/* A message; lenfield LEN_TRUE, or what the header shall say instead. */
static int
wire_send(struct kid *k, struct wire *w, uint32_t type, uint32_t lenfield,
    const void *p, size_t len, int fd)
{
	static uint8_t	 buf[VIPR_IMSG_MAX + 64];
	struct imsg_hdr	 h;

	memset(&h, 0, sizeof(h));
	h.type = type;
	h.len = lenfield;
	if (lenfield == LEN_TRUE)
		h.len = (uint32_t)(sizeof(h) + len) | (fd != -1 ? FD_MARK : 0);
	memcpy(buf, &h, sizeof(h));
	if (len > 0)
		memcpy(buf + sizeof(h), p, len);
	return (wire_bytes(k, w, buf, sizeof(h) + len, fd));
}

static void
wire_hello(struct kid *k, struct wire *w, uint32_t version, uint32_t role)
{
	struct imsg_hello	h = { version, role };

	(void)wire_send(k, w, IMSG_HELLO, LEN_TRUE, &h, sizeof(h), -1);
}

/* -- the daemon -- */

static int	 kid_background;	/* as without viprd -d */

/* A new channel to a peer; the daemon's HELLO has come when it returns. */
static void
kid_peer(struct kid *k, enum vipr_role role, int hello)
{
	struct imsg_peerfd	 pf;
	struct wire		*w = &k->k_wire[role];
	unsigned		 had;
	int			 sv[2];

	wire_close(w);
	w->w_end = w->w_deaf = 0;
	if (role == CLIENT) {
		ATF_REQUIRE((w->w_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
		    0)) != -1);
		ATF_REQUIRE_EQ(0, connect(w->w_fd,
		    (struct sockaddr *)&k->k_socket, sizeof(k->k_socket)));
	} else {
		ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
		    0, sv));
		memset(&pf, 0, sizeof(pf));
		pf.pf_role = role;
		w->w_fd = sv[0];
		(void)wire_send(k, &k->k_wire[ROLE_PARENT], IMSG_PEERFD, LEN_TRUE,
		    &pf, sizeof(pf), sv[1]);
		close(sv[1]);
	}
	had = w->w_got[IMSG_HELLO];
	UNTIL(k, w->w_got[IMSG_HELLO] > had || w->w_end);
	ATF_REQUIRE_MSG(!w->w_end, "%s: no HELLO for %s", doing, role_str(role));
	if (hello)
		wire_hello(k, w, VIPR_IMSG_VERSION, role);
}

static void
kid_start(struct kid *k, enum vipr_role role)
{
	const char	*name = role_str(role);
	char		 path[1024], dir[64], sub[96], log[80];
	int		 sv[2], lv[2], fd;
	unsigned	 i;

	memset(k, 0, sizeof(*k));
	k->k_role = role;
	for (i = 0; i < WIRES; i++)
		k->k_wire[i].w_fd = -1;
	snprintf(path, sizeof(path), "%s/%s", programs, role == ROLE_KEY ||
	    role == ROLE_CONTROL ? "viprd" : name);
	if (access(path, X_OK) == -1)
		atf_tc_skip("%s is not built", path);
	snprintf(dir, sizeof(dir), "data.%s", name);
	snprintf(sub, sizeof(sub), "%s/%s", dir, name);
	(void)mkdir(dir, 0700);
	(void)mkdir(sub, 0700);
	snprintf(log, sizeof(log), "log.%s", name);
	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv));
	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, lv));
	ATF_REQUIRE((k->k_pid = fork()) != -1);
	if (k->k_pid == 0) {
		/* A report of a sanitizer is no orderly end. */
		(void)setenv("ASAN_OPTIONS", "detect_leaks=0:symbolize=0:"
		    "exitcode=99", 1);
		(void)setenv("UBSAN_OPTIONS", "halt_on_error=1:exitcode=99", 1);
		fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(fd, 2);
		/* Out of the way of 3 and 4 first. */
		sv[1] = fcntl(sv[1], F_DUPFD, 100);
		lv[1] = fcntl(lv[1], F_DUPFD, 100);
		dup2(sv[1], CHILD_FD_PARENT);
		dup2(lv[1], CHILD_FD_LOG);
		for (fd = 5; fd < 128; fd++)
			close(fd);
		execl(path, name, "-R", name, "-D", dir, "-C",
		    kid_background ? NULL : "-d", (char *)NULL);
		_exit(127);
	}
	close(sv[1]);
	close(lv[0]);
	close(lv[1]);
	k->k_wire[ROLE_PARENT].w_fd = sv[0];
	UNTIL(k, k->k_wire[ROLE_PARENT].w_got[IMSG_HELLO] == 1);
}

/* Its exit status; reads on so that it can write. */
static int
kid_wait(struct kid *k)
{
	unsigned	 i;

	while (k->k_wire[ROLE_PARENT].w_fd != -1)
		kid_poll(k, NULL, "end of the daemon");
	ATF_REQUIRE_EQ(k->k_pid, waitpid(k->k_pid, &k->k_status, 0));
	k->k_pid = 0;
	for (i = 0; i < WIRES; i++)
		wire_close(&k->k_wire[i]);
	ATF_REQUIRE_MSG(WIFEXITED(k->k_status), "%s, %s: ended by signal %d",
	    role_str(k->k_role), doing, WTERMSIG(k->k_status));
	return (WEXITSTATUS(k->k_status));
}

__attribute__((__unused__)) static int
kid_stop(struct kid *k)
{
	(void)wire_send(k, &k->k_wire[ROLE_PARENT], IMSG_SHUTDOWN, LEN_TRUE, "",
	    0, -1);
	return (kid_wait(k));
}

/* Resident memory, KiB. */
__attribute__((__unused__)) static long
kid_memory(const struct kid *k)
{
	char	 path[64], line[256];
	long	 kb = -1;
	FILE	*f;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)k->k_pid);
	ATF_REQUIRE((f = fopen(path, "r")) != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	fclose(f);
	return (kb);
}

/* -- a configuration that works -- */

static void
world_make(const atf_tc_t *tc)
{
	char	*init[] = { "ca", "init", "ca", "overlay.test", NULL };
	char	*sign[] = { "ca", "sign", "-o", "node", "ca", NULL };
	char	*doc[] = { "ca", "config", "-b", "127.0.0.1:6084", "-o",
		    "overlay.xml", "ca", NULL };
	uint8_t	 master[32];
	int	 fd;

	if (getenv("VIPR_BUILD") != NULL)
		snprintf(programs, sizeof(programs), "%s", getenv("VIPR_BUILD"));
	else
		snprintf(programs, sizeof(programs), "%s/../..",
		    atf_tc_get_config_var(tc, "srcdir"));
	(void)signal(SIGPIPE, SIG_IGN);
	/* conf_send wants a channel, and that an event loop. */
	ATF_REQUIRE(event_init() != NULL);
	ATF_REQUIRE_EQ(0, ctl_ca(4, init));
	optind = 1;
	ATF_REQUIRE_EQ(0, ctl_ca(5, sign));
	optind = 1;
	ATF_REQUIRE_EQ(0, ctl_ca(7, doc));
	memset(master, 0x4d, sizeof(master));
	ATF_REQUIRE((fd = open("master", O_WRONLY | O_CREAT, 0600)) != -1);
	ATF_REQUIRE_EQ((ssize_t)sizeof(master), write(fd, master, sizeof(master)));
	close(fd);
}

static void
conf_file(struct conf_blob *cb, const char *path, int whole)
{
	size_t	len;

	snprintf(cb->cb_path, sizeof(cb->cb_path), "%s", path);
	if (whole) {
		ATF_REQUIRE((cb->cb_data = (uint8_t *)ca_file_read(path, 1 << 20,
		    &len)) != NULL);
		cb->cb_len = len;
	} else
		ATF_REQUIRE((cb->cb_fd = open(path, O_RDONLY | O_CLOEXEC)) != -1);
}

static void
conf_socket(struct kid *k, struct conf *c, unsigned use, unsigned proto,
    unsigned face)
{
	struct conf_listen	*cl;
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);
	int			 type = proto == SIP_UDP ? SOCK_DGRAM : SOCK_STREAM;

	ATF_REQUIRE((cl = calloc(1, sizeof(*cl))) != NULL);
	cl->cl_use = (uint8_t)use;
	cl->cl_proto = (uint8_t)proto;
	cl->cl_face = (uint8_t)face;
	if (use == LISTEN_CONTROL) {
		cl->cl_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
		    SOCK_NONBLOCK, 0);
		k->k_socket.sun_family = AF_UNIX;
		snprintf(k->k_socket.sun_path, sizeof(k->k_socket.sun_path),
		    "control.sock");
		(void)unlink(k->k_socket.sun_path);
		ATF_REQUIRE_EQ(0, bind(cl->cl_fd,
		    (struct sockaddr *)&k->k_socket, sizeof(k->k_socket)));
	} else {
		memset(&sin, 0, sizeof(sin));
		sin.sin_family = AF_INET;
		sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		cl->cl_fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		ATF_REQUIRE_EQ(0, bind(cl->cl_fd, (struct sockaddr *)&sin,
		    sizeof(sin)));
		ATF_REQUIRE_EQ(0, getsockname(cl->cl_fd, (struct sockaddr *)&sin,
		    &len));
		ATF_REQUIRE_EQ(0, vaddr_from_sa((struct sockaddr *)&sin,
		    &cl->cl_addr));
	}
	if (type == SOCK_STREAM) {
		ATF_REQUIRE_EQ(0, listen(cl->cl_fd, 16));
		if (use != LISTEN_CONTROL)
			k->k_listen[use] = sin;
	}
	TAILQ_INSERT_TAIL(&c->c_listens, cl, cl_entry);
}

/* The answer to the next configuration: 0 for ACK, -1 for NAK.  overlayd
 * finds no peer, so it never asks us for signatures. */
static int
kid_conf(struct kid *k, int garbage)
{
	struct conf_blob	*cert;
	struct wire		*w = &k->k_wire[ROLE_PARENT];
	struct conf		*c;
	struct chan		*ch;
	unsigned		 acks = w->w_got[IMSG_RECONF_ACK];
	unsigned		 naks = w->w_got[IMSG_RECONF_NAK];

	ATF_REQUIRE((c = conf_new()) != NULL);
	c->c_generation = ++k->k_generation;
	c->c_flags |= CONF_OVERLAY_ON | CONF_PVP_ON | CONF_OUTSIDE_ON |
	    CONF_PERMIT_PRIVATE;
	snprintf(c->c_domain, sizeof(c->c_domain), "a.example");
	snprintf(c->c_overlay, sizeof(c->c_overlay), "overlay.test");
	conf_file(&c->c_node_cert, "node.crt", 1);
	conf_file(&c->c_node_key, "node.key", 0);
	conf_file(&c->c_sip_cert, "node.crt", 1);
	conf_file(&c->c_sip_key, "node.key", 0);
	conf_file(&c->c_sip_ca, "ca/root.crt", 1);
	conf_file(&c->c_ov_config, "overlay.xml", 1);
	conf_file(&c->c_master, "master", 0);
	if (garbage != 1 || k->k_role != ROLE_CONTROL)
		conf_socket(k, c, LISTEN_CONTROL, SIP_TCP, FACE_INSIDE);
	conf_socket(k, c, LISTEN_OVERLAY, SIP_TCP, FACE_INSIDE);
	conf_socket(k, c, LISTEN_PVP, SIP_TCP, FACE_INSIDE);
	conf_socket(k, c, LISTEN_SIP, SIP_UDP, FACE_INSIDE);
	conf_socket(k, c, LISTEN_SIP, SIP_TLS, FACE_OUTSIDE);
	if (garbage) {
		cert = k->k_role == ROLE_SIP ? &c->c_sip_cert : &c->c_node_cert;
		memset(cert->cb_data, garbage == 1 ? 'x' : 0, cert->cb_len);
	}
	/* Its messages in the ordinary way, over a channel of the same socket. */
	ATF_REQUIRE((ch = chan_new(dup(w->w_fd), "daemon", NULL, 1, NULL,
	    NULL)) != NULL);
	ATF_REQUIRE_EQ(0, conf_send(ch, c, k->k_role));
	chan_flush(ch);
	while (chan_queued(ch) > 0) {
		kid_poll(k, w, "room to write");
		chan_flush(ch);
	}
	chan_free(ch);
	conf_free(c);
	UNTIL(k, w->w_got[IMSG_RECONF_ACK] > acks || w->w_got[IMSG_RECONF_NAK] > naks);
	return (w->w_got[IMSG_RECONF_ACK] > acks ? 0 : -1);
}

__attribute__((__unused__)) static void
kid_commit(struct kid *k)
{
	struct wire		*w = &k->k_wire[ROLE_PARENT];
	struct imsg_reconf	 rc = { k->k_generation };
	unsigned		 had = w->w_got[IMSG_READY];

	(void)wire_send(k, w, IMSG_RECONF_COMMIT, LEN_TRUE, &rc, sizeof(rc), -1);
	if (had == 0)
		UNTIL(k, w->w_got[IMSG_READY] == 1);
}

#endif
