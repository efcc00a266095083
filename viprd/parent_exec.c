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
 * The parent's fork and exec: users, folders, where the executables are, and
 * what a child inherits (nothing but two sockets and a clean environment).
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"
#include "parent.h"
#include "proc.h"
#include "vipr.h"

#define ARGS_MAX	16
#define ENV_MAX		8
#define VERBOSE_MAX	3

struct program {
	const char	*pr_user;
	const char	*pr_file;	/* NULL: viprd itself */
	const char	*pr_subdir;
	char		 pr_path[PATH_MAX];
};

static struct program programs[ROLE_MAX] = {
	[ROLE_KEY] = { "_viprkey", NULL, "key", "" },
	[ROLE_CONTROL] = { "_vipr", NULL, "empty", "" },
	[ROLE_OVERLAY] = { "_overlayd", "overlayd", "overlayd", "" },
	[ROLE_PVP] = { "_pvpd", "pvpd", "empty", "" },
	[ROLE_SIP] = { "_sipgw", "sipgw", "sipgw", "" },
};

static char	self[PATH_MAX], self_dir[PATH_MAX];

static void	exec_become(enum vipr_role, const char *, int, int)
		    __attribute__((__noreturn__));
static int	exec_folder(const char *, uid_t, gid_t, mode_t);
static int	exec_locate(struct program *, const char *);
static int	exec_pair(int, int [2]);
static int	exec_self(const char *, char *, size_t);
static int	exec_try(struct program *, const char *, const char *);

const char *
exec_subdir(enum vipr_role role)
{
	return (programs[role].pr_subdir);
}

/* Our own absolute path. */
static int
exec_self(const char *argv0, char *path, size_t size)
{
	char	buf[PATH_MAX];
	ssize_t	n;

	if ((n = readlink("/proc/self/exe", buf, sizeof(buf) - 1)) > 0) {
		buf[n] = '\0';
		return ((size_t)snprintf(path, size, "%s", buf) < size ?
		    0 : -1);
	}
	if (strchr(argv0, '/') != NULL && realpath(argv0, buf) != NULL)
		return ((size_t)snprintf(path, size, "%s", buf) < size ?
		    0 : -1);
	return ((size_t)snprintf(path, size, "%s/sbin/viprd", VIPR_PREFIX) <
	    size ? 0 : -1);
}

static int
exec_try(struct program *pr, const char *dir, const char *sub)
{
	int	n;

	n = snprintf(pr->pr_path, sizeof(pr->pr_path), "%s%s/%s", dir, sub,
	    pr->pr_file);
	if (n < 0 || (size_t)n >= sizeof(pr->pr_path))
		return (-1);
	return (access(pr->pr_path, X_OK));
}

/* Beside viprd, in ../libexec/vipr of it, or in PREFIX/libexec/vipr. */
static int
exec_locate(struct program *pr, const char *dir)
{
	if (exec_try(pr, dir, "") == 0 ||
	    exec_try(pr, dir, "/../libexec/vipr") == 0 ||
	    exec_try(pr, VIPR_PREFIX, "/libexec/vipr") == 0)
		return (0);
	return (-1);
}

int
exec_find(const char *argv0)
{
	char	*slash;
	int	 i;

	if (exec_self(argv0, self, sizeof(self)) == -1) {
		log_warnx("%s: can't tell where I am", argv0);
		return (-1);
	}
	snprintf(self_dir, sizeof(self_dir), "%s", self);
	if ((slash = strrchr(self_dir, '/')) != NULL)
		*slash = '\0';
	for (i = 1; i < ROLE_MAX; i++)
		if (programs[i].pr_file == NULL)
			snprintf(programs[i].pr_path,
			    sizeof(programs[i].pr_path), "%s", self);
	return (0);
}

int
exec_ready(const struct conf *c, char *why, size_t size)
{
	int	i;

	for (i = 1; i < ROLE_MAX; i++) {
		if (programs[i].pr_file == NULL ||
		    !parent_wanted((enum vipr_role)i, c) ||
		    exec_locate(&programs[i], self_dir) == 0)
			continue;
		snprintf(why, size, "%s: not found in %s nor in "
		    "%s/libexec/vipr", programs[i].pr_file, self_dir,
		    VIPR_PREFIX);
		return (-1);
	}
	return (0);
}

int
exec_users(void)
{
	int	i, bad = 0;

	if (parent.p_flags & PARENT_UNPRIVILEGED)
		return (0);
	for (i = 1; i < ROLE_MAX; i++)
		if (getpwnam(programs[i].pr_user) == NULL) {
			log_warnx("user %s is missing", programs[i].pr_user);
			bad = 1;
		}
	return (bad ? -1 : 0);
}

/* Make or mend one folder.  Nobody but us can swap it in between: the folder
 * above is ours. */
static int
exec_folder(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat	st;
	int		fd;

	if (mkdir(path, 0700) == -1 && errno != EEXIST) {
		log_warn("mkdir %s", path);
		return (-1);
	}
	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC)) == -1) {
		log_warn("%s", path);
		return (-1);
	}
	if (fstat(fd, &st) == -1 ||
	    ((st.st_uid != uid || st.st_gid != gid) &&
	    fchown(fd, uid, gid) == -1) ||
	    ((st.st_mode & 07777) != mode && fchmod(fd, mode) == -1)) {
		log_warn("%s: owner or mode", path);
		close(fd);
		return (-1);
	}
	close(fd);
	return (0);
}

int
exec_folders(const struct conf *c)
{
	struct passwd	*pw;
	char		 path[PATH_MAX];
	uid_t		 uid = geteuid();
	gid_t		 gid = getegid();
	int		 i;

	if (mkdir(c->c_data, 0755) == -1 && errno != EEXIST) {
		log_warn("mkdir %s", c->c_data);
		return (-1);
	}
	snprintf(path, sizeof(path), "%s/empty", c->c_data);
	if (exec_folder(path, uid, gid, 0755) == -1)
		return (-1);
	for (i = 1; i < ROLE_MAX; i++) {
		if (strcmp(programs[i].pr_subdir, "empty") == 0)
			continue;
		if (!(parent.p_flags & PARENT_UNPRIVILEGED)) {
			if ((pw = getpwnam(programs[i].pr_user)) == NULL)
				return (-1);
			uid = pw->pw_uid;
			gid = pw->pw_gid;
		}
		snprintf(path, sizeof(path), "%s/%s", c->c_data,
		    programs[i].pr_subdir);
		if (exec_folder(path, uid, gid, 0700) == -1)
			return (-1);
	}
	return (0);
}

/* Both ends away from the numbers that the child gives a meaning. */
static int
exec_pair(int type, int sv[2])
{
	int	i, fd, raw[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, raw) == -1)
		return (-1);
	for (i = 0; i < 2; i++) {
		fd = fcntl(raw[i], F_DUPFD_CLOEXEC, CHILD_FD_LOG + 1);
		close(raw[i]);
		sv[i] = fd;
	}
	if (sv[0] == -1 || sv[1] == -1) {
		if (sv[0] != -1)
			close(sv[0]);
		if (sv[1] != -1)
			close(sv[1]);
		errno = EMFILE;
		return (-1);
	}
	return (0);
}

/* In the child, between fork and exec. */
static void
exec_become(enum vipr_role role, const char *data, int fd, int logfd)
{
	static const char *const keep[] = {
		"TZ", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS"
	};
	const struct program	*pr = &programs[role];
	const char		*args[ARGS_MAX], *value;
	char			*argv[ARGS_MAX], *env[ENV_MAX];
	sigset_t		 none;
	size_t			 i, n = 0, e = 0;
	int			 null, v;

	args[n++] = pr->pr_file != NULL ? pr->pr_file : "viprd";
	args[n++] = "-R";
	args[n++] = role_str(role);
	args[n++] = "-D";
	args[n++] = data;
	if (parent.p_flags & PARENT_UNPRIVILEGED)
		args[n++] = "-C";
	else {
		args[n++] = "-U";
		args[n++] = pr->pr_user;
	}
	if (parent.p_flags & PARENT_DEBUG)
		args[n++] = "-d";
	for (v = 0; v < log_getverbose() && v < VERBOSE_MAX; v++)
		args[n++] = "-v";
	for (i = 0; i < n; i++)
		if ((argv[i] = strdup(args[i])) == NULL)
			_exit(127);
	argv[n] = NULL;
	/*
	 * What a child frees is overwritten (sandbox_enter); glibc keeps its
	 * per-thread cache out of that, so there is none.  Not in key, which
	 * holds all that anyway and whose signatures would be slower.
	 */
	if (asprintf(&env[e++], "PATH=/usr/bin:/bin:/usr/sbin:/sbin") == -1)
		_exit(127);
	if (role != ROLE_KEY && asprintf(&env[e++], "GLIBC_TUNABLES="
	    "glibc.malloc.tcache_count=0") == -1)
		_exit(127);
	for (i = 0; i < sizeof(keep) / sizeof(keep[0]); i++)
		if ((value = getenv(keep[i])) != NULL &&
		    asprintf(&env[e++], "%s=%s", keep[i], value) == -1)
			_exit(127);
	env[e] = NULL;

	if ((null = open("/dev/null", O_RDWR)) == -1 ||
	    dup2(null, STDIN_FILENO) == -1 ||
	    dup2(null, STDOUT_FILENO) == -1 ||
	    (!(parent.p_flags & PARENT_DEBUG) &&
	    dup2(null, STDERR_FILENO) == -1) ||
	    dup2(fd, CHILD_FD_PARENT) == -1 ||
	    dup2(logfd, CHILD_FD_LOG) == -1)
		_exit(127);
	closefrom(CHILD_FD_LOG + 1);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	execve(pr->pr_path, argv, env);
	_exit(127);
}

int
exec_child(enum vipr_role role, const char *data, pid_t *pid, int *fd,
    int *logfd)
{
	int	sv[2], lv[2], save;

	if (exec_pair(SOCK_STREAM, sv) == -1)
		return (-1);
	if (exec_pair(SOCK_DGRAM | SOCK_NONBLOCK, lv) == -1) {
		save = errno;
		goto fail;
	}
	switch (*pid = fork()) {
	case -1:
		save = errno;
		close(lv[0]);
		close(lv[1]);
		goto fail;
	case 0:
		exec_become(role, data, sv[1], lv[1]);
	default:
		break;
	}
	close(sv[1]);
	close(lv[1]);
	*fd = sv[0];
	*logfd = lv[0];
	return (0);

fail:
	close(sv[0]);
	close(sv[1]);
	errno = save;
	return (-1);
}
