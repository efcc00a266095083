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
 * Making a commit durable without waiting for the disk: a helper process,
 * forked before the sandbox, calls fdatasync and then notes in the file
 * data.sync which transaction the disk holds.  LMDB itself runs with
 * MDB_NOSYNC; the next commit waits for the helper's answer, so of LMDB's two
 * roots the older one is always whole on the disk, and the pages that the
 * next commit overwrites belong to neither.  After a crash of the system the
 * newer one may not be whole: if data.sync names the older, the start goes
 * back to that, which loses nothing that was acknowledged.  When the disk's
 * answer is an error we go back to the older one at once, since the next commit
 * would take its place.
 */

#include <sys/types.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"
#include "store.h"
#include "store_int.h"

#define ROOT_VERSION	1

struct root {
	uint32_t	 r_magic, r_version;
	uint64_t	 r_address, r_mapsize;
	struct {
		uint32_t	 d_pad;		/* of the first: the page size */
		uint16_t	 d_flags, d_depth;
		uint64_t	 d_counts[3], d_entries, d_root;
	}		 r_dbs[2];
	uint64_t	 r_last_page, r_txn;
};
_Static_assert(sizeof(struct root) == 136, "LMDB's root page");

struct mark {
	uint64_t	 m_txn, m_check;	/* the same, inverted */
};

static int	 root_read(int, off_t, struct root *);
static int	 roots_read(int, struct root[2], off_t *);
static int	 root_copy(int, struct root[2], off_t, int);
static void	 helper(int, int, int) __attribute__((__noreturn__));
static int	 sync_and_mark(int, int, uint64_t);
static void	 helper_lost(struct store *);

static int
root_read(int fd, off_t page, struct root *r)
{
	if (pread(fd, r, sizeof(*r), page + STORE_ROOT_OFF) != (ssize_t)sizeof(*r) ||
	    r->r_magic != STORE_ROOT_MAGIC || r->r_version != ROOT_VERSION)
		return (-1);
	return (0);
}

/* Both roots and where the second stands; -1: not what we know. */
static int
roots_read(int fd, struct root r[2], off_t *page)
{
	if (root_read(fd, 0, &r[0]) == -1)
		return (-1);
	*page = (off_t)r[0].r_dbs[0].d_pad;
	if (*page < 256 || *page > 65536)
		return (-1);
	return (root_read(fd, *page, &r[1]));
}

/* Root number to becomes the same as the other.  0, or an errno value. */
static int
root_copy(int fd, struct root r[2], off_t page, int to)
{
	ssize_t	 n;

	r[to] = r[!to];
	n = pwrite(fd, &r[to], sizeof(r[to]), (to ? page : 0) + STORE_ROOT_OFF);
	return (n == (ssize_t)sizeof(r[to]) ? 0 : n == -1 ? errno : EIO);
}

/* Before LMDB opens the file: go back to the root that is on the disk. */
int
store_sync_recover(struct store *st, const char *dir)
{
	struct root	 r[2];
	struct mark	 m;
	char		 path[1024];
	off_t		 page;
	int		 fd, newer, known, n;

	n = snprintf(path, sizeof(path), "%s/data.sync", dir);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	st->st_mark = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (st->st_mark == -1)
		return (-1);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
	if ((fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)) == -1)
		return (errno == ENOENT ? 0 : -1);
	if (roots_read(fd, r, &page) == -1)
		goto done;		/* new or damaged: LMDB will say */
	newer = r[1].r_txn > r[0].r_txn;
	n = 0;
	known = pread(st->st_mark, &m, sizeof(m), 0) == (ssize_t)sizeof(m) &&
	    m.m_check == ~m.m_txn;
	if (known && m.m_txn == r[newer].r_txn)
		goto done;
	if (known && m.m_txn == r[!newer].r_txn)
		n = root_copy(fd, r, page, newer);
	/* The mark never names a commit that is to come. */
	if (n == 0)
		n = sync_and_mark(fd, st->st_mark, r[newer].r_txn);
	if (n != 0) {
		close(fd);
		errno = n;
		return (-1);
	}
done:
	close(fd);
	return (0);
}

/*
 * The disk did not take a commit: back to the one before it, whose pages are
 * all there still.  No transaction may be open.  0, or an errno value; then
 * nothing may be committed until it has worked.
 */
int
store_sync_back(struct store *st)
{
	struct root	 r[2];
	off_t		 page;
	int		 to, error;

	if (roots_read(st->st_data, r, &page) == -1)
		return (EIO);
	to = r[1].r_txn == st->st_back;
	if (r[to].r_txn == st->st_back && r[!to].r_txn < st->st_back &&
	    (error = root_copy(st->st_data, r, page, to)) != 0)
		return (error);
	if ((error = sync_and_mark(st->st_data, st->st_mark, r[to].r_txn)) == 0)
		st->st_back = 0;
	return (error);
}

/* 0, or an errno value. */
static int
sync_and_mark(int data, int mark, uint64_t txn)
{
	struct mark	 m;
	ssize_t		 n;

	if (fdatasync(data) == -1)
		return (errno);
	m.m_txn = txn;
	m.m_check = ~txn;
	if ((n = pwrite(mark, &m, sizeof(m), 0)) != (ssize_t)sizeof(m))
		return (n == -1 ? errno : EIO);
	return (fdatasync(mark) == -1 ? errno : 0);
}

/* Lives as long as its parent's end of the socket; it holds the lock of the
 * folder too, so that a successor waits for its last write. */
static void
helper(int fd, int data, int mark)
{
	uint64_t	 txn;
	int		 error;

	(void)signal(SIGPIPE, SIG_IGN);
#ifdef __linux__
	(void)prctl(PR_SET_NAME, "store-sync", 0, 0, 0);	/* for ps -c */
#endif
	(void)sandbox_enter(SANDBOX_KEY);
	for (;;) {
		if (read(fd, &txn, sizeof(txn)) != (ssize_t)sizeof(txn))
			_exit(0);
		error = sync_and_mark(data, mark, txn);
		if (write(fd, &error, sizeof(error)) != (ssize_t)sizeof(error))
			_exit(0);
	}
}

int
store_sync_start(struct store *st)
{
	pid_t	 pid;
	int	 sv[2], keep[5], i, fd, high;

	if (mdb_env_get_fd(st->st_env, &st->st_data) != 0) {
		errno = EINVAL;
		return (-1);
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1)
		return (-1);
	if ((pid = fork()) == -1) {
		close(sv[0]);
		close(sv[1]);
		return (-1);
	}
	if (pid == 0) {
		keep[0] = sv[1];
		keep[1] = st->st_data;
		keep[2] = st->st_mark;
		keep[3] = st->st_lock;
		keep[4] = 2;
		high = 3;
		for (i = 0; i < 4; i++)
			if (keep[i] >= high)
				high = keep[i] + 1;
		for (fd = 3; fd < high; fd++)
			if (fd != keep[0] && fd != keep[1] && fd != keep[2] &&
			    fd != keep[3])
				(void)close(fd);
		closefrom(high);
		log_init_stderr("store", 0);
		helper(sv[1], st->st_data, st->st_mark);
	}
	close(sv[1]);
	st->st_sync = sv[0];
	st->st_alone = 0;
	return (0);
}

/* The helper reads the end of the socket and goes; nobody waits for it, which
 * the sandbox would not allow. */
void
store_sync_stop(struct store *st)
{
	if (st->st_sync != -1)
		close(st->st_sync);
	st->st_sync = -1;
	st->st_alone = 1;
	if (st->st_mark != -1)
		close(st->st_mark);
	st->st_mark = -1;
}

int
store_sync_now(struct store *st, uint64_t txn)
{
	return (sync_and_mark(st->st_data, st->st_mark, txn));
}

/* The helper works on it, or 1 and the result at once when there is none. */
int
store_sync_begin(struct store *st, uint64_t txn, int *error)
{
	st->st_sync_txn = txn;
	if (!st->st_alone &&
	    write(st->st_sync, &txn, sizeof(txn)) == (ssize_t)sizeof(txn))
		return (0);
	*error = store_sync_now(st, txn);
	return (1);
}

/* The helper is gone: its work is done here from now on.  The descriptor
 * stays ours, since an event loop may still watch it. */
static void
helper_lost(struct store *st)
{
	st->st_alone = 1;
	log_warnx("the store's helper is gone: the disk is waited for");
}

/* Is the helper's answer there?  With block, wait for it.  1 and the result,
 * or 0; 0 too when no answer is due, but a helper that died is noticed. */
int
store_sync_result(struct store *st, int block, int *error)
{
	struct pollfd	 pfd;
	ssize_t		 n;

	if (st->st_alone)
		return (0);
	pfd.fd = st->st_sync;
	pfd.events = POLLIN;
	while (poll(&pfd, 1, block ? -1 : 0) != 1)
		if (!block)
			return (0);
	do {
		n = read(st->st_sync, error, sizeof(*error));
	} while (n == -1 && errno == EINTR);
	if (n == (ssize_t)sizeof(*error))
		return (st->st_syncing);
	helper_lost(st);
	if (!st->st_syncing)
		return (0);
	*error = store_sync_now(st, st->st_sync_txn);
	return (1);
}
