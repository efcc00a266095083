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

/* The store: group commit, visibility, undoing, sealing, crashes, limits. */

/* What a store holds after kill -9 of it or of its helper, after a loss of
 * power and after an error of the disk: all that was acknowledged. */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_use.h"

/* What was acknowledged is there after a kill; what was not may be absent,
 * and a start needs no repair. */
ATF_TC_WITHOUT_HEAD(killed);
ATF_TC_BODY(killed, tc)
{
	struct store		*st;
	struct store_table	*tb;
	pid_t			 pid;
	int			 status, i;
	char			 key[32];

	for (i = 0; i < 10; i++) {
		snprintf(key, sizeof(key), "round %d", i);
		ATF_REQUIRE((pid = fork()) != -1);
		if (pid == 0) {
			st = opened();
			tb = sealed(st);
			if (put(tb, key, "acknowledged") == -1 ||
			    store_commit(st) == -1 || put(tb, "lost", key) == -1)
				_exit(1);
			(void)kill(getpid(), SIGKILL);
			_exit(2);
		}
		ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
		ATF_REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		st = opened();
		tb = sealed(st);
		check_value(tb, key, "acknowledged");
		check_value(tb, "lost", NULL);
		ATF_CHECK_EQ(i + 1, (int)store_count(tb));
		store_close(st);
	}
}

static int	 tell;		/* acknowledged writes go here */

static void
done_tell(int error, void *arg)
{
	uint32_t	 i = (uint32_t)(uintptr_t)arg;

	if (error != 0 || write(tell, &i, sizeof(i)) != (ssize_t)sizeof(i))
		_exit(1);
}

/* Writes without end: in groups of one and of several, and deletes. */
static void
busy_child(uint32_t first)
{
	struct store		*st = opened();
	struct store_table	*tb = sealed(st);
	struct pollfd		 pfd;
	uint32_t		 i;
	char			 key[32], val[600];

	memset(val, 'v', sizeof(val));
	for (i = first;; i++) {
		snprintf(key, sizeof(key), "%u", i);
		if (store_put(tb, key, strlen(key), val, sizeof(val), done_tell,
		    (void *)(uintptr_t)i) == -1)
			_exit(1);
		snprintf(key, sizeof(key), "scratch %u", i % 7);
		if (store_put(tb, key, strlen(key), i % 2 ? val : NULL,
		    i % 2 ? sizeof(val) : 0, NULL, NULL) == -1)
			_exit(1);
		if (i % 5 != 0)
			continue;
		if (i % 2 == 0 && store_commit(st) == -1)
			_exit(1);
		pfd.fd = store_fd(st);
		pfd.events = POLLIN;
		if (i % 2 != 0)
			(void)poll(&pfd, pfd.fd != -1, 1);
		store_tick(st);
	}
}

/* Killed while it writes, or its helper before it: whatever was acknowledged
 * is there, and a start needs no repair. */
ATF_TC_WITHOUT_HEAD(killed_busy);
ATF_TC_BODY(killed_busy, tc)
{
	static uint8_t		 acked[100000];
	struct store		*st;
	struct store_table	*tb;
	uint32_t		 i, next = 0;
	pid_t			 pid, helper;
	int			 fds[2], round, n;
	char			 key[32], buf[1024];

	for (round = 0; round < 12; round++) {
		ATF_REQUIRE_EQ(0, pipe(fds));
		ATF_REQUIRE((pid = fork()) != -1);
		if (pid == 0) {
			close(fds[0]);
			tell = fds[1];
			busy_child(next);
		}
		close(fds[1]);
		for (n = 0; n < 3 + round * 17; n++) {
			ATF_REQUIRE_EQ(sizeof(i), read(fds[0], &i, sizeof(i)));
			ATF_REQUIRE(i < sizeof(acked));
			acked[i] = 1;
		}
		if (round % 3 == 1 && (helper = child_of(pid)) != 0)
			ATF_REQUIRE_EQ(0, kill(helper, SIGKILL));
		ATF_REQUIRE_EQ(0, kill(pid, SIGKILL));
		ATF_REQUIRE_EQ(pid, waitpid(pid, NULL, 0));
		/* What it said before it died counts too. */
		while (read(fds[0], &i, sizeof(i)) == (ssize_t)sizeof(i)) {
			ATF_REQUIRE(i < sizeof(acked));
			acked[i] = 1;
		}
		close(fds[0]);
		st = opened();
		tb = sealed(st);
		for (i = 0; i < sizeof(acked); i++) {
			if (!acked[i])
				continue;
			snprintf(key, sizeof(key), "%u", i);
			ATF_CHECK_EQ_MSG(600, store_get(tb, key, strlen(key), buf,
			    sizeof(buf), NULL), "round %d: %s is lost", round, key);
			if (i >= next)
				next = i + 1;
		}
		store_close(st);
	}
}

/* The helper is killed, idle and at work: nothing is lost. */
ATF_TC_WITHOUT_HEAD(helper_killed);
ATF_TC_BODY(helper_killed, tc)
{
	struct store		*st = opened();
	struct store_table	*tb = plain(st);
	pid_t			 pid;

	if ((pid = child_of_mine()) == 0)
		atf_tc_skip("no list of children in /proc");
	ATF_REQUIRE_EQ(0, kill(pid, SIGSTOP));
	ATF_REQUIRE_EQ(0, put(tb, "one", "1"));
	while (store_wait(st) > 0)
		(void)poll(NULL, 0, store_wait(st));
	store_tick(st);
	ATF_CHECK_EQ(0, calls);
	ATF_REQUIRE_EQ(0, kill(pid, SIGKILL));
	answer(st);
	ATF_CHECK_EQ(1, calls);
	ATF_CHECK_EQ(0, errors);
	ATF_CHECK_EQ(-1, store_fd(st));
	ATF_REQUIRE_EQ(0, put(tb, "two", "2"));
	ATF_REQUIRE_EQ(0, store_commit(st));
	ATF_CHECK_EQ(2, calls);
	store_close(st);
	st = opened();
	tb = plain(st);
	check_value(tb, "one", "1");
	check_value(tb, "two", "2");
	ATF_REQUIRE_EQ(pid, waitpid(pid, NULL, 0));
	ATF_REQUIRE((pid = child_of_mine()) != 0);
	ATF_REQUIRE_EQ(0, kill(pid, SIGKILL));
	answer(st);
	ATF_CHECK_EQ(-1, store_fd(st));
	store_close(st);
}

static void
copy(const char *from, const char *to)
{
	static char	 buf[MAP];
	FILE		*f;
	size_t		 n;

	ATF_REQUIRE((f = fopen(from, "r")) != NULL);
	n = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	ATF_REQUIRE((f = fopen(to, "w")) != NULL);
	ATF_REQUIRE_EQ(n, fwrite(buf, 1, n, f));
	fclose(f);
}

/* The system crashed while a commit was on its way to the disk: its new root
 * page came through, its other pages did not.  The start goes back to what
 * was acknowledged. */
ATF_TC_WITHOUT_HEAD(power_lost);
ATF_TC_BODY(power_lost, tc)
{
	struct store		*st;
	struct store_table	*tb;
	FILE			*f;
	char			 key[32], junk[4096];
	long			 page, size;
	int			 i, round;

	memset(junk, 0xee, sizeof(junk));
	for (round = 0; round < 4; round++) {
		st = opened();
		tb = plain(st);
		for (i = 0; i < 200; i++) {
			snprintf(key, sizeof(key), "%d-%d", round, i);
			ATF_REQUIRE_EQ(0, put(tb, key, "acknowledged"));
		}
		ATF_REQUIRE_EQ(0, store_commit(st));
		copy("db/data.mdb", "before.mdb");
		copy("db/data.sync", "before.sync");
		ATF_REQUIRE_EQ(0, put(tb, "late", "not acknowledged"));
		store_close(st);
		/* Of the last commit only the root page, and junk in the place
		 * of each other page that differs. */
		copy("db/data.mdb", "after.mdb");
		copy("before.sync", "db/data.sync");
		ATF_REQUIRE((f = fopen("after.mdb", "r")) != NULL);
		ATF_REQUIRE_EQ(0, fseek(f, 0, SEEK_END));
		size = ftell(f);
		fclose(f);
		for (page = 2; page * 4096 < size; page++) {
			char	 a[4096] = { 0 }, b[4096] = { 0 };

			ATF_REQUIRE((f = fopen("before.mdb", "r")) != NULL);
			(void)fseek(f, page * 4096, SEEK_SET);
			(void)!fread(a, 1, 4096, f);
			fclose(f);
			ATF_REQUIRE((f = fopen("after.mdb", "r")) != NULL);
			(void)fseek(f, page * 4096, SEEK_SET);
			(void)!fread(b, 1, 4096, f);
			fclose(f);
			if (memcmp(a, b, 4096) == 0)
				continue;
			ATF_REQUIRE((f = fopen("db/data.mdb", "r+")) != NULL);
			(void)fseek(f, page * 4096, SEEK_SET);
			(void)fwrite(junk, 1, 4096, f);
			fclose(f);
		}
		st = opened();
		tb = plain(st);
		check_value(tb, "late", NULL);
		for (i = 0; i < 200; i++) {
			snprintf(key, sizeof(key), "%d-%d", round, i);
			check_value(tb, key, "acknowledged");
		}
		ATF_CHECK_EQ((uint64_t)(round + 1) * 200, store_count(tb));
		store_close(st);
	}
}

/* A descriptor of ours whose file's name ends so. */
static int
fd_of(const char *end)
{
	char	 path[64], to[1024];
	ssize_t	 n;
	int	 fd;

	for (fd = 3; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if ((n = readlink(path, to, sizeof(to) - 1)) == -1)
			continue;
		to[n] = '\0';
		if ((size_t)n > strlen(end) &&
		    strcmp(to + (size_t)n - strlen(end), end) == 0)
			return (fd);
	}
	return (-1);
}

/* The disk answers with an error: the group is undone, and an open one that
 * was begun after it; what was acknowledged stays, and later commits neither
 * build on it nor take the durable one's place. */
ATF_TC_WITHOUT_HEAD(sync_fails);
ATF_TC_BODY(sync_fails, tc)
{
	struct store		*st = opened();
	struct store_table	*tb = sealed(st);
	pid_t			 pid;
	int			 mark, keep, full, round;

	if ((pid = child_of_mine()) == 0 || (mark = fd_of("/data.sync")) == -1)
		atf_tc_skip("no list of children or descriptors in /proc");
	ATF_REQUIRE_EQ(0, put(tb, "kept", "1"));
	ATF_REQUIRE_EQ(0, store_commit(st));
	ATF_REQUIRE_EQ(0, kill(pid, SIGSTOP));
	ATF_REQUIRE_EQ(0, put(tb, "undone", "1"));
	ATF_REQUIRE_EQ(0, put(tb, "kept", "2"));
	while (store_wait(st) > 0)
		(void)poll(NULL, 0, store_wait(st));
	store_tick(st);			/* the helper has it */
	ATF_REQUIRE_EQ(0, put(tb, "built on it", "1"));
	ATF_REQUIRE((keep = dup(mark)) != -1);
	ATF_REQUIRE((full = open("/dev/full", O_RDWR)) != -1);
	ATF_REQUIRE_EQ(mark, dup2(full, mark));
	calls = 0;
	ATF_REQUIRE_EQ(0, kill(pid, SIGKILL));
	answer(st);
	ATF_CHECK_EQ(3, calls);
	ATF_CHECK_EQ(3, errors);
	ATF_CHECK_EQ(ENOSPC, last_error);
	ATF_CHECK_EQ(ENOSPC, store_error(st));
	/* The disk is as it was: nothing is taken. */
	for (round = 0; round < 3; round++) {
		ATF_CHECK_EQ(-1, put(tb, "refused", "1"));
		ATF_CHECK_EQ(ENOSPC, errno);
		check_value(tb, "kept", "1");
		check_value(tb, "undone", NULL);
		check_value(tb, "built on it", NULL);
	}
	copy("db/data.mdb", "stuck.mdb");
	/* It recovers. */
	ATF_REQUIRE_EQ(mark, dup2(keep, mark));
	for (round = 0; round < 4; round++) {
		ATF_REQUIRE_EQ(0, put(tb, round % 2 ? "odd" : "even", "1"));
		ATF_REQUIRE_EQ(0, store_commit(st));
		ATF_CHECK_EQ(0, store_error(st));
	}
	store_close(st);
	close(keep);
	close(full);
	st = opened();
	tb = sealed(st);
	check_value(tb, "kept", "1");
	check_value(tb, "odd", "1");
	check_value(tb, "undone", NULL);
	ATF_CHECK_EQ(3, store_count(tb));
	store_close(st);
	/* A start in the middle of it is one in the state before. */
	copy("stuck.mdb", "db/data.mdb");
	st = opened();
	tb = sealed(st);
	check_value(tb, "kept", "1");
	check_value(tb, "undone", NULL);
	ATF_CHECK_EQ(1, store_count(tb));
	store_close(st);
}

ATF_TP_ADD_TCS(tp)
{
	if (sodium_init() == -1)
		return (atf_libc_error(EIO, "sodium_init"));
	ATF_TP_ADD_TC(tp, killed);
	ATF_TP_ADD_TC(tp, killed_busy);
	ATF_TP_ADD_TC(tp, helper_killed);
	ATF_TP_ADD_TC(tp, power_lost);
	ATF_TP_ADD_TC(tp, sync_fails);
	return (atf_no_error());
}
