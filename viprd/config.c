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
 * Parent: put a configuration to use: open its files, make a missing master
 * key, bind its listeners.  Keys are opened and handed on unread.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "conf.h"
#include "config_files.h"
#include "config_parse.h"
#include "log.h"
#include "viprd.h"

#define CONTROL_GROUP	"_vipr"
#define RESOLV_CONF	"/etc/resolv.conf"
#define MASTER_LEN	32
#define KEY_FILE_MAX	(64 * 1024)
#define PUBLIC_MAX	(256 * 1024)

static int	 owner_ok(const struct stat *);
static void	 open_key(struct problems *, struct conf_blob *, const char *);
static void	 read_public(struct problems *, struct conf_blob *, const char *, size_t);
static int	 read_all(int, uint8_t *, size_t, size_t *);
static void	 open_files(struct problems *, struct conf *);
static void	 open_master(struct problems *, struct conf *);
static void	 resolvers_default(struct conf *);
static int	 master_new(struct problems *, const struct conf *);
static void	 bind_all(struct problems *, struct conf *, const struct conf *);
static void	 bind_one(struct problems *, struct conf_listen *);
static int	 listen_reuse(const struct conf *, const struct conf_listen *);
static void	 control_open(struct problems *, struct conf *, const struct conf *);
static int	 control_bind(struct problems *, const char *);
static int	 control_free(struct problems *, const struct sockaddr_un *);
static int	 control_rights(struct problems *, const char *);

void
problem(struct problems *pr, const char *fmt, ...)
{
	va_list	 ap;

	if (pr->pr_count++ != 0)
		log_warnx("%s", pr->pr_why);
	va_start(ap, fmt);
	(void)vsnprintf(pr->pr_why, pr->pr_size, fmt, ap);
	va_end(ap);
}

static int
owner_ok(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid());
}

/* A private key: no symbolic link, nobody else's, nobody else's to read. */
static void
open_key(struct problems *pr, struct conf_blob *b, const char *what)
{
	struct stat	 st;
	int		 fd;

	if (b->cb_path[0] == '\0')
		return;
	fd = open(b->cb_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1 || fstat(fd, &st) == -1)
		problem(pr, "%s %s: %s", what, b->cb_path, errno == ELOOP ?
		    "is a symbolic link, expected the file itself" :
		    strerror(errno));
	else if (!S_ISREG(st.st_mode))
		problem(pr, "%s %s: not a regular file", what, b->cb_path);
	else if (!owner_ok(&st))
		problem(pr, "%s %s: belongs to uid %u, expected %s", what,
		    b->cb_path, (unsigned)st.st_uid,
		    geteuid() == 0 ? "root" : "root or the caller");
	else if (st.st_mode & (S_IRWXG | S_IRWXO))
		problem(pr, "%s %s: mode %04o, expected no rights for group "
		    "and others (chmod 600)", what, b->cb_path,
		    (unsigned)(st.st_mode & 07777));
	else if (st.st_size == 0 || st.st_size > KEY_FILE_MAX)
		problem(pr, "%s %s: %lld bytes, expected a key", what,
		    b->cb_path, (long long)st.st_size);
	else {
		b->cb_fd = fd;
		return;
	}
	if (fd != -1)
		(void)close(fd);
}

static int
read_all(int fd, uint8_t *buf, size_t size, size_t *len)
{
	ssize_t	 r;

	*len = 0;
	while (*len < size) {
		r = read(fd, buf + *len, size - *len);
		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return (-1);
		if (r == 0)
			break;
		*len += (size_t)r;
	}
	return (0);
}

/* A certificate, document or CA bundle, into memory. */
static void
read_public(struct problems *pr, struct conf_blob *b, const char *what,
    size_t max)
{
	struct stat	 st;
	int		 fd;

	if (b->cb_path[0] == '\0')
		return;
	fd = open(b->cb_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1 || fstat(fd, &st) == -1)
		problem(pr, "%s %s: %s", what, b->cb_path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		problem(pr, "%s %s: not a regular file", what, b->cb_path);
	else if (!owner_ok(&st) || (st.st_mode & (S_IWGRP | S_IWOTH)))
		problem(pr, "%s %s: others may change it, expected a file that "
		    "only its owner %s may write", what, b->cb_path,
		    geteuid() == 0 ? "root" : "(root or the caller)");
	else if (st.st_size == 0 || (uintmax_t)st.st_size > max)
		problem(pr, "%s %s: %lld bytes, expected 1 to %zu", what,
		    b->cb_path, (long long)st.st_size, max);
	else {
		if ((b->cb_data = calloc(1, (size_t)st.st_size + 1)) == NULL)
			fatal("%s", b->cb_path);
		if (read_all(fd, b->cb_data, (size_t)st.st_size,
		    &b->cb_len) == -1 || b->cb_len == 0) {
			problem(pr, "%s %s: cannot be read: %s", what,
			    b->cb_path, strerror(errno));
			free(b->cb_data);
			b->cb_data = NULL;
			b->cb_len = 0;
		}
	}
	if (fd != -1)
		(void)close(fd);
}

static void
open_files(struct problems *pr, struct conf *c)
{
	read_public(pr, &c->c_ov_config, "overlay config", PUBLIC_MAX);
	read_public(pr, &c->c_node_cert, "overlay certificate", PUBLIC_MAX);
	open_key(pr, &c->c_node_key, "overlay key");
	read_public(pr, &c->c_sip_cert, "sip certificate", PUBLIC_MAX);
	open_key(pr, &c->c_sip_key, "sip key");
	read_public(pr, &c->c_inside_cert, "sip inside certificate",
	    PUBLIC_MAX);
	open_key(pr, &c->c_inside_key, "sip inside key");
	read_public(pr, &c->c_inside_ca, "sip inside ca", CONF_CA_MAX);
	if (c->c_sip_cert.cb_path[0] != '\0')
		read_public(pr, &c->c_sip_ca, "sip ca", CONF_CA_MAX);
}

/* No resolver of our own: those of the system, which sipgw can't look up. */
static void
resolvers_default(struct conf *c)
{
	struct vaddr	 va;
	FILE		*fp;
	char		 line[256], *p;

	if (!TAILQ_EMPTY(&c->c_resolvers) || TAILQ_EMPTY(&c->c_hops) ||
	    (fp = fopen(RESOLV_CONF, "re")) == NULL)
		return;
	while (fgets(line, sizeof(line), fp) != NULL) {
		p = line + strspn(line, " \t");
		if (strncmp(p, "nameserver", 10) != 0)
			continue;
		p += 10;
		p += strspn(p, " \t");
		p[strcspn(p, " \t\r\n")] = '\0';
		if (vaddr_parse(p, 53, &va) == 0 &&
		    conf_add_text(&c->c_resolvers, p, &va, 1) == NULL)
			fatal("%s", RESOLV_CONF);
	}
	(void)fclose(fp);
}

/* Make the key that all of key's records are sealed with. */
static int
master_new(struct problems *pr, const struct conf *c)
{
	const char	*path = c->c_master.cb_path;
	char		 db[512];
	uint8_t		 key[MASTER_LEN];
	struct stat	 st;
	int		 fd = -1, ok = 0;

	if (snprintf(db, sizeof(db), "%s/key/data.mdb", c->c_data) <
	    (int)sizeof(db) && stat(db, &st) == 0 && st.st_size > 0) {
		problem(pr, "master key %s: missing, but %s was sealed with "
		    "it: bring the key back, or remove the database", path, db);
		return (-1);
	}
	if (mkdir(c->c_data, 0755) == -1 && errno != EEXIST) {
		problem(pr, "data %s: %s", c->c_data, strerror(errno));
		return (-1);
	}
	randombytes_buf(key, sizeof(key));
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd != -1)
		ok = write(fd, key, sizeof(key)) == (ssize_t)sizeof(key) &&
		    fsync(fd) == 0;
	sodium_memzero(key, sizeof(key));
	if (!ok) {
		problem(pr, "master key %s: cannot be made: %s", path,
		    strerror(errno));
		if (fd != -1) {
			(void)unlink(path);
			(void)close(fd);
		}
		return (-1);
	}
	(void)close(fd);
	log_info("master key %s: made", path);
	return (0);
}

static void
open_master(struct problems *pr, struct conf *c)
{
	struct stat	 st;

	if (lstat(c->c_master.cb_path, &st) == -1 && errno == ENOENT) {
		if (pr->pr_flags & CONFIG_CHECK)
			return;		/* the start will make it */
		if (pr->pr_count != 0 || master_new(pr, c) == -1)
			return;
	}
	open_key(pr, &c->c_master, "master key");
	if (c->c_master.cb_fd != -1 && (fstat(c->c_master.cb_fd, &st) == -1 ||
	    st.st_size != MASTER_LEN))
		problem(pr, "master key %s: %lld bytes, expected %d",
		    c->c_master.cb_path, (long long)st.st_size, MASTER_LEN);
}

/* A descriptor of the running configuration for the same address, or -1. */
static int
listen_reuse(const struct conf *running, const struct conf_listen *l)
{
	const struct conf_listen	*o;

	if (running == NULL)
		return (-1);
	TAILQ_FOREACH(o, &running->c_listens, cl_entry)
		if (o->cl_fd != -1 && o->cl_use != LISTEN_CONTROL &&
		    (o->cl_proto == SIP_UDP) == (l->cl_proto == SIP_UDP) &&
		    vaddr_eq(&o->cl_addr, &l->cl_addr))
			return (fcntl(o->cl_fd, F_DUPFD_CLOEXEC, 0));
	return (-1);
}

static void
bind_one(struct problems *pr, struct conf_listen *l)
{
	struct sockaddr_storage	 ss;
	char			 text[VADDR_STRLEN];
	const char		*what;
	socklen_t		 len;
	int			 fd, on = 1, udp = l->cl_proto == SIP_UDP;

	what = l->cl_use == LISTEN_OVERLAY ? "overlay" :
	    l->cl_use == LISTEN_PVP ? "pvp" :
	    l->cl_face == FACE_INSIDE ? "sip inside" :
	    l->cl_face == FACE_REDIRECT ? "sip redirect" : "sip outside";
	len = vaddr_to_sa(&l->cl_addr, &ss);
	fd = socket(ss.ss_family, (udp ? SOCK_DGRAM : SOCK_STREAM) |
	    SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		goto fail;
	/* Not for UDP: there it would let two processes share the port. */
	if (!udp && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
	    sizeof(on)) == -1)
		goto fail;
	if (ss.ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, &on, sizeof(on)) == -1)
		goto fail;
	if (bind(fd, (struct sockaddr *)&ss, len) == -1)
		goto fail;
	if (!udp && listen(fd, 256) == -1)
		goto fail;
	l->cl_fd = fd;
	return;

 fail:
	problem(pr, "%s: listen on %s %s: %s", what,
	    vaddr_str(&l->cl_addr, text, sizeof(text)), udp ? "udp" : "tcp",
	    strerror(errno));
	if (fd != -1)
		(void)close(fd);
}

static void
bind_all(struct problems *pr, struct conf *c, const struct conf *running)
{
	struct conf_listen	*l;

	TAILQ_FOREACH(l, &c->c_listens, cl_entry)
		if (l->cl_fd == -1 && l->cl_use != LISTEN_CONTROL &&
		    (l->cl_fd = listen_reuse(running, l)) == -1)
			bind_one(pr, l);
}

/* Remove a socket that nobody serves any more; -1: it is in use, or no socket. */
static int
control_free(struct problems *pr, const struct sockaddr_un *sun)
{
	struct stat	 st;
	int		 fd, r;

	if (lstat(sun->sun_path, &st) == -1) {
		if (errno == ENOENT)
			return (0);
		problem(pr, "control socket %s: %s", sun->sun_path,
		    strerror(errno));
		return (-1);
	}
	if (!S_ISSOCK(st.st_mode)) {
		problem(pr, "control socket %s: exists and is not a socket",
		    sun->sun_path);
		return (-1);
	}
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0)) == -1)
		return (-1);
	r = connect(fd, (const struct sockaddr *)sun, sizeof(*sun));
	if (r == 0 || errno == EAGAIN) {
		(void)close(fd);
		problem(pr, "control socket %s: another viprd is serving it",
		    sun->sun_path);
		return (-1);
	}
	(void)close(fd);
	if (unlink(sun->sun_path) == -1) {
		problem(pr, "control socket %s: %s", sun->sun_path,
		    strerror(errno));
		return (-1);
	}
	return (0);
}

/* The group may connect; under viprd -u nobody but the caller. */
static int
control_rights(struct problems *pr, const char *path)
{
	const struct group	*gr;

	if (pr->pr_flags & CONFIG_UNPRIVILEGED)
		return (0);
	if ((gr = getgrnam(CONTROL_GROUP)) == NULL) {
		problem(pr, "control socket %s: there is no group %s", path,
		    CONTROL_GROUP);
		return (-1);
	}
	if (chown(path, 0, gr->gr_gid) == -1 || chmod(path, 0660) == -1) {
		problem(pr, "control socket %s: %s", path, strerror(errno));
		return (-1);
	}
	return (0);
}

static int
control_bind(struct problems *pr, const char *path)
{
	struct sockaddr_un	 sun;
	mode_t			 old;
	int			 fd, r;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		problem(pr, "control socket %s: name longer than %zu bytes",
		    path, sizeof(sun.sun_path) - 1);
		return (-1);
	}
	if (control_free(pr, &sun) == -1)
		return (-1);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0)) == -1) {
		problem(pr, "control socket: %s", strerror(errno));
		return (-1);
	}
	old = umask(0177);
	r = bind(fd, (struct sockaddr *)&sun, sizeof(sun));
	(void)umask(old);
	if (r == -1 || listen(fd, 16) == -1) {
		problem(pr, "control socket %s: %s", path, strerror(errno));
		if (r == 0)
			(void)unlink(path);
		(void)close(fd);
		return (-1);
	}
	if (control_rights(pr, path) == -1) {
		(void)unlink(path);
		(void)close(fd);
		return (-1);
	}
	return (fd);
}

/* The last listener of the list is the control socket. */
static void
control_open(struct problems *pr, struct conf *c, const struct conf *running)
{
	const struct conf_listen *o;
	struct conf_listen	*l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		fatal("control socket");
	l->cl_use = LISTEN_CONTROL;
	l->cl_proto = SIP_TCP;
	l->cl_fd = -1;
	TAILQ_INSERT_TAIL(&c->c_listens, l, cl_entry);
	if (running != NULL && strcmp(running->c_control, c->c_control) == 0)
		TAILQ_FOREACH(o, &running->c_listens, cl_entry)
			if (o->cl_use == LISTEN_CONTROL && o->cl_fd != -1)
				l->cl_fd = fcntl(o->cl_fd, F_DUPFD_CLOEXEC, 0);
	if (l->cl_fd == -1)
		l->cl_fd = control_bind(pr, c->c_control);
}

int
config_open(struct conf *c, const struct conf *running, int flags, char *why,
    size_t size)
{
	struct problems	 pr;

	memset(&pr, 0, sizeof(pr));
	pr.pr_why = why;
	pr.pr_size = size;
	pr.pr_flags = flags;
	pr.pr_now = (int64_t)time(NULL) + c->c_clock_offset;
	if (size > 0)
		why[0] = '\0';
	open_files(&pr, c);
	config_certs(&pr, c);
	open_master(&pr, c);
	resolvers_default(c);
	if (!(flags & CONFIG_CHECK)) {
		bind_all(&pr, c, running);
		/* Last: what has its name in the file system is made only
		 * when the rest is right. */
		if (pr.pr_count == 0)
			control_open(&pr, c, running);
	} else
		(void)config_warn(c);
	return (pr.pr_count == 0 ? 0 : -1);
}
