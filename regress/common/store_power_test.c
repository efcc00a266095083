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
 * A store through losses of power.  The system calls that LMDB and the store
 * write with are our own here: at any of them a picture is taken of what a
 * disk might hold, which is all that was synced and any sectors of what was
 * written since.  Each picture must open in the state that was acknowledged
 * last, or in that of the commit under way.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"

#define MAP		(4 * 1024 * 1024)
#define IMAGE		(2 * 1024 * 1024)
#define SECTOR		512
#define PENDING_MAX	4096
#define PICTURES	400
#define KEYS		24
#define STEPS		160

struct written {
	int	 wr_file;
	off_t	 wr_off;
	size_t	 wr_len;
	uint8_t	*wr_p;
};

static const char *const names[2] = { "data.mdb", "data.sync" };
static uint8_t		*durable[2];
static size_t		 durable_len[2];
static struct written	 pending[PENDING_MAX];
static unsigned		 npending;
static int		 recording;
static unsigned		 acked, pictures, events;
static unsigned		 picture_acked[PICTURES];
static uint64_t		 seed = 1;

static unsigned
draw(unsigned n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((unsigned)(seed >> 33) % n);
}

/* Which of the two files, -1 for any other. */
static int
which(int fd)
{
	char	 path[64], to[1024];
	ssize_t	 n;
	int	 f;

	if (!recording)
		return (-1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if ((n = readlink(path, to, sizeof(to) - 1)) == -1)
		return (-1);
	to[n] = '\0';
	for (f = 0; f < 2; f++)
		if (strlen(to) > strlen(names[f]) &&
		    strcmp(to + strlen(to) - strlen(names[f]), names[f]) == 0)
			return (f);
	return (-1);
}

static void
apply(uint8_t *image, size_t *len, const struct written *wr, int torn)
{
	size_t	 at, n;

	for (at = 0; at < wr->wr_len; at += n) {
		n = SECTOR - ((size_t)wr->wr_off + at) % SECTOR;
		if (n > wr->wr_len - at)
			n = wr->wr_len - at;
		if (torn && draw(2) == 0)
			continue;
		if ((size_t)wr->wr_off + at + n > IMAGE)
			abort();
		memcpy(image + (size_t)wr->wr_off + at, wr->wr_p + at, n);
	}
	if ((size_t)wr->wr_off + wr->wr_len > *len)
		*len = (size_t)wr->wr_off + wr->wr_len;
}

static void
save(const char *name, const uint8_t *p, size_t len)
{
	int	 fd;

	if ((fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600)) == -1 ||
	    syscall(SYS_write, fd, p, len) != (long)len)
		abort();
	close(fd);
}

/* The power fails now. */
static void
picture(void)
{
	static uint8_t	 image[2][IMAGE];
	size_t		 len[2];
	unsigned	 i;
	char		 name[64];
	int		 f, style = (int)draw(4);

	if (pictures == PICTURES)
		return;
	for (f = 0; f < 2; f++) {
		memcpy(image[f], durable[f], IMAGE);
		len[f] = durable_len[f];
	}
	/* All, none, any, or torn; the root comes last and so decides much. */
	for (i = 0; i < npending; i++) {
		if (style == 1 || (style == 2 && draw(2) == 0) ||
		    (style == 3 && i + 1 < npending && draw(4) != 0))
			continue;
		apply(image[pending[i].wr_file], &len[pending[i].wr_file],
		    &pending[i], style == 2);
	}
	for (f = 0; f < 2; f++) {
		snprintf(name, sizeof(name), "%u.%s", pictures, names[f]);
		save(name, image[f], len[f]);
	}
	picture_acked[pictures++] = acked;
}

static void
note(int f, const void *p, size_t len, off_t off)
{
	struct written	*wr;

	if (npending == PENDING_MAX)
		abort();
	wr = &pending[npending++];
	wr->wr_file = f;
	wr->wr_off = off;
	wr->wr_len = len;
	if ((wr->wr_p = malloc(len)) == NULL)
		abort();
	memcpy(wr->wr_p, p, len);
	events++;
	if (draw(2) == 0)
		picture();
}

ssize_t
pwrite(int fd, const void *p, size_t len, off_t off)
{
	int	 f = which(fd);

	if (f != -1)
		note(f, p, len, off);
	return (syscall(SYS_pwrite64, fd, p, len, off));
}

ssize_t
pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	ssize_t	 r, all = 0;
	int	 i;

	for (i = 0; i < n; i++) {
		r = pwrite(fd, iov[i].iov_base, iov[i].iov_len, off + all);
		if (r != (ssize_t)iov[i].iov_len)
			return (-1);
		all += r;
	}
	return (all);
}

/* At the descriptor's own place. */
ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	off_t	 off;
	int	 i;

	if (which(fd) != -1) {
		if ((off = lseek(fd, 0, SEEK_CUR)) == -1)
			abort();
		for (i = 0; i < n; i++) {
			note(which(fd), iov[i].iov_base, iov[i].iov_len, off);
			off += (off_t)iov[i].iov_len;
		}
	}
	return (syscall(SYS_writev, fd, iov, n));
}

int
fdatasync(int fd)
{
	int		 f = which(fd);
	unsigned	 i, n = 0;

	if (f != -1 && draw(2) == 0)
		picture();
	for (i = 0; f != -1 && i < npending; i++) {
		if (pending[i].wr_file != f) {
			pending[n++] = pending[i];
			continue;
		}
		apply(durable[f], &durable_len[f], &pending[i], 0);
		free(pending[i].wr_p);
	}
	if (f != -1)
		npending = n;
	return ((int)syscall(SYS_fdatasync, fd));
}

/* -- the story -- */

static void
load(int f)
{
	char	 path[64];
	int	 fd;
	ssize_t	 n;

	snprintf(path, sizeof(path), "db/%s", names[f]);
	ATF_REQUIRE((durable[f] = calloc(1, IMAGE)) != NULL);
	ATF_REQUIRE((fd = open(path, O_RDONLY)) != -1);
	ATF_REQUIRE((n = read(fd, durable[f], IMAGE)) >= 0);
	durable_len[f] = (size_t)n;
	close(fd);
}

static void
done(int error, void *arg)
{
	ATF_REQUIRE_EQ(0, error);
	acked = (unsigned)(uintptr_t)arg;
}

/* Step s writes one key and deletes another. */
static void
step(struct store_table *tb, unsigned s)
{
	static uint8_t	 val[6000];
	unsigned	 set = s % KEYS, gone = (s * 5 + 7) % KEYS;

	memset(val, (int)(s & 0xff), sizeof(val));
	ATF_REQUIRE_EQ(0, store_put(tb, &gone, sizeof(gone), NULL, 0, NULL, NULL));
	ATF_REQUIRE_EQ(0, store_put(tb, &set, sizeof(set), val, 1 + s * 37 %
	    sizeof(val), done, (void *)(uintptr_t)s));
}

/* Is the table as it is after steps 1 to s? */
static int
state_is(struct store_table *tb, unsigned s)
{
	unsigned	 have[KEYS] = { 0 }, i;
	uint8_t		 buf[6000];
	ssize_t		 n;

	for (i = 1; i <= s; i++) {
		have[(i * 5 + 7) % KEYS] = 0;
		have[i % KEYS] = i;
	}
	for (i = 0; i < KEYS; i++) {
		n = store_get(tb, &i, sizeof(i), buf, sizeof(buf), NULL);
		if (have[i] == 0 ? n != -1 || errno != ENOENT :
		    n != (ssize_t)(1 + have[i] * 37 % sizeof(buf)) ||
		    buf[0] != (have[i] & 0xff) ||
		    buf[n - 1] != (have[i] & 0xff))
			return (0);
	}
	return (1);
}

static pid_t
helper(void)
{
	char	 path[64];
	FILE	*f;
	int	 pid = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	if ((f = fopen(path, "r")) == NULL)
		return (0);
	if (fscanf(f, "%d", &pid) != 1)
		pid = 0;
	fclose(f);
	return ((pid_t)pid);
}

ATF_TC_WITHOUT_HEAD(any_moment);
ATF_TC_BODY(any_moment, tc)
{
	static const uint8_t	 master[STORE_MASTER_LEN] = "a master key";
	struct store		*st;
	struct store_table	*tb;
	unsigned		 i, now = 0, next = 0;
	char			 cmd[128];
	pid_t			 pid;

	ATF_REQUIRE_EQ(0, mkdir("db", 0700));
	ATF_REQUIRE((st = store_open("db", MAP, 2, NULL)) != NULL);
	ATF_REQUIRE((tb = store_table(st, "t", 1, master)) != NULL);
	/* Without a helper the same steps are taken in this process. */
	if ((pid = helper()) == 0)
		atf_tc_skip("no list of children in /proc");
	ATF_REQUIRE_EQ(0, kill(pid, SIGKILL));
	while (store_fd(st) != -1)
		store_tick(st);
	load(0);
	load(1);
	recording = 1;
	for (i = 1; i <= STEPS; i++) {
		step(tb, i);
		/* Some commits hold several steps. */
		if (draw(3) != 0)
			ATF_REQUIRE_EQ(0, store_commit(st));
	}
	ATF_REQUIRE_EQ(0, store_commit(st));
	recording = 0;
	store_close(st);
	ATF_CHECK_EQ(STEPS, acked);
	ATF_CHECK(events > 400);
	ATF_CHECK_EQ(PICTURES, pictures);
	ATF_REQUIRE_EQ(0, mkdir("after", 0700));
	for (i = 0; i < pictures; i++) {
		snprintf(cmd, sizeof(cmd), "mv %u.data.mdb after/data.mdb && "
		    "mv %u.data.sync after/data.sync", i, i);
		ATF_REQUIRE_EQ(0, system(cmd));
		ATF_REQUIRE_MSG((st = store_open("after", MAP, 2, NULL)) != NULL,
		    "picture %u does not open: %s", i, strerror(errno));
		ATF_REQUIRE((tb = store_table(st, "t", 1, master)) != NULL);
		for (next = picture_acked[i]; next <= picture_acked[i] + 30; next++)
			if (state_is(tb, next))
				break;
		now += next == picture_acked[i];
		ATF_CHECK_MSG(next <= picture_acked[i] + 30,
		    "picture %u is not in state %u", i, picture_acked[i]);
		store_close(st);
	}
	/* Both kinds were seen. */
	ATF_CHECK(now > 0 && now < pictures);
}

ATF_TP_ADD_TCS(tp)
{
	if (sodium_init() == -1)
		abort();
	ATF_TP_ADD_TC(tp, any_moment);
	return (atf_no_error());
}
