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

static void
both_kinds(struct store_table *(*make)(struct store *))
{
	struct store		*st = opened();
	struct store_table	*tb = make(st);
	uint8_t			 version;
	char			 small[2];

	ATF_CHECK_EQ(-1, store_wait(st));
	ATF_REQUIRE_EQ(0, put(tb, "one", "first"));
	ATF_CHECK(store_wait(st) >= 0 && store_wait(st) <= STORE_COMMIT_MS);
	check_value(tb, "one", "first");		/* before the commit */
	ATF_CHECK_EQ(0, calls);
	ATF_CHECK_EQ(1, store_count(tb));
	ATF_REQUIRE_EQ(0, store_commit(st));
	ATF_CHECK_EQ(1, calls);
	ATF_CHECK_EQ(-1, store_wait(st));
	check_value(tb, "one", "first");
	ATF_REQUIRE_EQ(0, put(tb, "one", ""));
	ATF_CHECK_EQ(0, store_get(tb, "one", 3, small, sizeof(small), &version));
	ATF_REQUIRE_EQ(0, put(tb, "one", "second"));
	ATF_CHECK_EQ(-1, store_get(tb, "one", 3, small, sizeof(small), &version));
	ATF_CHECK_EQ(ERANGE, errno);
	ATF_REQUIRE_EQ(0, put(tb, "two", "2"));
	ATF_REQUIRE_EQ(0, put(tb, "two", NULL));
	ATF_REQUIRE_EQ(0, put(tb, "three", NULL));	/* was not there */
	check_value(tb, "two", NULL);
	store_close(st);
	ATF_CHECK_EQ(6, calls);
	ATF_CHECK_EQ(0, errors);
	st = opened();
	tb = make(st);
	check_value(tb, "one", "second");
	check_value(tb, "two", NULL);
	ATF_CHECK_EQ(3, store_get(tb, "one", 3, NULL, 0, NULL) == -1 ? 3 : 0);
	ATF_CHECK_EQ(-1, store_put(tb, "", 0, "x", 1, NULL, NULL));
	store_close(st);
}

ATF_TC_WITHOUT_HEAD(plain_table);
ATF_TC_BODY(plain_table, tc)
{
	both_kinds(plain);
}

ATF_TC_WITHOUT_HEAD(sealed_table);
ATF_TC_BODY(sealed_table, tc)
{
	both_kinds(sealed);
}

ATF_TC_WITHOUT_HEAD(version);
ATF_TC_BODY(version, tc)
{
	struct store		*st = opened();
	struct store_table	*tb = sealed(st), *tp = plain(st);
	char			 buf[16];
	uint8_t			 v;

	ATF_REQUIRE_EQ(0, put(tb, "k", "v"));
	ATF_REQUIRE_EQ(0, put(tp, "k", "v"));
	ATF_CHECK_EQ(1, store_get(tb, "k", 1, buf, sizeof(buf), &v));
	ATF_CHECK_EQ(9, v);
	ATF_CHECK_EQ(1, store_get(tp, "k", 1, buf, sizeof(buf), &v));
	ATF_CHECK_EQ(3, v);
	store_close(st);
}

static int
grep_file(const char *path, const char *text)
{
	char	*buf;
	FILE	*f;
	size_t	 n;
	int	 found;

	ATF_REQUIRE((f = fopen(path, "r")) != NULL);
	ATF_REQUIRE((buf = malloc(MAP)) != NULL);
	n = fread(buf, 1, MAP, f);
	fclose(f);
	found = memmem(buf, n, text, strlen(text)) != NULL;
	free(buf);
	return (found);
}

ATF_TC_WITHOUT_HEAD(sealed_on_disk);
ATF_TC_BODY(sealed_on_disk, tc)
{
	struct store		*st = opened();
	struct store_table	*tb = sealed(st), *tp = plain(st);

	ATF_REQUIRE_EQ(0, put(tb, "+14085550142", "MARKERVALUE"));
	ATF_REQUIRE_EQ(0, put(tp, "plainkey1234", "PLAINVALUE"));
	store_close(st);
	ATF_CHECK(grep_file("db/data.mdb", "plainkey1234"));
	ATF_CHECK(grep_file("db/data.mdb", "PLAINVALUE"));
	ATF_CHECK(!grep_file("db/data.mdb", "+14085550142"));
	ATF_CHECK(!grep_file("db/data.mdb", "MARKERVALUE"));
}

ATF_TC_WITHOUT_HEAD(wrong_master);
ATF_TC_BODY(wrong_master, tc)
{
	struct store		*st = opened();
	struct store_table	*tb = sealed(st);
	uint8_t			 other[STORE_MASTER_LEN] = "another";

	ATF_REQUIRE_EQ(0, put(tb, "k", "v"));
	store_close(st);
	st = opened();
	errno = 0;
	ATF_CHECK(store_table(st, "sealed", 9, other) == NULL);
	ATF_CHECK_EQ(EBADMSG, errno);
	/* The store is still good for the right key. */
	tb = sealed(st);
	check_value(tb, "k", "v");
	store_close(st);
}

/* A sealed record moved to another key, or altered, does not open. */
ATF_TC_WITHOUT_HEAD(tampering);
ATF_TC_BODY(tampering, tc)
{
	struct store		*st = opened();
	struct store_table	*tb = sealed(st), *raw;
	uint8_t			 key[256], val[256];
	char			 buf[64];
	size_t			 keylen = 0;
	ssize_t			 n;

	ATF_REQUIRE_EQ(0, put(tb, "one", "value of one"));
	ATF_REQUIRE_EQ(0, store_commit(st));
	/* The same table seen as a plain one. */
	ATF_REQUIRE((raw = store_table(st, "sealed", 9, NULL)) != NULL);
	n = store_next(raw, key, &keylen, sizeof(key), val, sizeof(val), NULL);
	ATF_REQUIRE(n > 0);
	ATF_CHECK_EQ(32, keylen);
	val[n - 1] ^= 1;
	ATF_REQUIRE_EQ(0, store_put(raw, key, keylen, val, (size_t)n, NULL, NULL));
	ATF_CHECK_EQ(-1, store_get(tb, "one", 3, buf, sizeof(buf), NULL));
	ATF_CHECK_EQ(EBADMSG, errno);
	val[n - 1] ^= 1;
	ATF_REQUIRE_EQ(0, store_put(raw, key, keylen, val, (size_t)n, NULL, NULL));
	check_value(tb, "one", "value of one");
	for (; n > 0; n--) {
		ATF_REQUIRE_EQ(0, store_put(raw, key, keylen, val, (size_t)n - 1,
		    NULL, NULL));
		ATF_CHECK_EQ(-1, store_get(tb, "one", 3, buf, sizeof(buf), NULL));
		ATF_CHECK_EQ(EBADMSG, errno);
	}
	store_close(st);
}

struct seen {
	int	 s_count, s_delete, s_put;
	struct store_table *s_table;
};

static int
walk_cb(const void *key, size_t keylen, const void *val, size_t vallen,
    uint8_t v, void *arg)
{
	struct seen	*s = arg;

	(void)key;
	(void)keylen;
	(void)v;
	s->s_count++;
	if (s->s_put)
		ATF_REQUIRE_EQ(0, put(s->s_table, "from the walk", "x"));
	return (s->s_delete && vallen == 4 && memcmp(val, "even", 4) == 0);
}

static void
walk(struct store_table *(*make)(struct store *), int in_group)
{
	struct store		*st = opened();
	struct store_table	*tb = make(st);
	struct seen		 s;
	char			 key[32];
	int			 i;

	for (i = 0; i < 500; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		ATF_REQUIRE_EQ(0, put(tb, key, i % 2 == 0 ? "even" : "odd"));
	}
	if (!in_group)
		ATF_REQUIRE_EQ(0, store_commit(st));
	memset(&s, 0, sizeof(s));
	s.s_delete = 1;
	ATF_REQUIRE_EQ(0, store_walk(tb, walk_cb, &s));
	ATF_CHECK_EQ(500, s.s_count);
	ATF_CHECK_EQ(250, store_count(tb));
	check_value(tb, "key 10", NULL);
	check_value(tb, "key 11", "odd");
	memset(&s, 0, sizeof(s));
	s.s_put = 1;
	s.s_table = plain(st);
	if (in_group)
		ATF_REQUIRE_EQ(0, put(tb, "key 11", "new"));
	ATF_REQUIRE_EQ(0, store_walk(tb, walk_cb, &s));
	ATF_CHECK(s.s_count >= 250);
	ATF_REQUIRE_EQ(0, store_commit(st));
	check_value(s.s_table, "from the walk", "x");
	store_close(st);
}

ATF_TC_WITHOUT_HEAD(walks);
ATF_TC_BODY(walks, tc)
{
	walk(sealed, 0);
	ATF_REQUIRE_EQ(0, unlink("db/data.mdb"));
	walk(sealed, 1);
	ATF_REQUIRE_EQ(0, unlink("db/data.mdb"));
	walk(plain, 0);
	ATF_REQUIRE_EQ(0, unlink("db/data.mdb"));
	walk(plain, 1);
}

ATF_TC_WITHOUT_HEAD(next);
ATF_TC_BODY(next, tc)
{
	struct store		*st = opened();
	struct store_table	*tb = plain(st);
	char			 key[16], val[16];
	size_t			 keylen = 0;

	ATF_REQUIRE_EQ(0, put(tb, "b", "2"));
	ATF_REQUIRE_EQ(0, put(tb, "d", "4"));
	ATF_REQUIRE_EQ(1, store_next(tb, key, &keylen, sizeof(key), val,
	    sizeof(val), NULL));
	ATF_CHECK(keylen == 1 && key[0] == 'b' && val[0] == '2');
	key[0] = 'c';
	ATF_REQUIRE_EQ(1, store_next(tb, key, &keylen, sizeof(key), val,
	    sizeof(val), NULL));
	ATF_CHECK(keylen == 1 && key[0] == 'd' && val[0] == '4');
	key[0] = 'e';
	ATF_CHECK_EQ(-1, store_next(tb, key, &keylen, sizeof(key), val,
	    sizeof(val), NULL));
	ATF_CHECK_EQ(ENOENT, errno);
	ATF_CHECK_EQ(-1, store_next(sealed(st), key, &keylen, sizeof(key), val,
	    sizeof(val), NULL));
	store_close(st);
}

static int	 woken, wake_ms;

static void
wakeup(int ms, void *arg)
{
	(void)arg;
	woken++;
	wake_ms = ms;
}

static struct store_table	*again_table;

static void
done_again(int error, void *arg)
{
	done(error, arg);
	if (calls < 4)
		ATF_REQUIRE_EQ(0, store_put(again_table, "again", 5, "x", 1,
		    done_again, NULL));
}

ATF_TC_WITHOUT_HEAD(groups);
ATF_TC_BODY(groups, tc)
{
	struct store		*st = opened();
	struct store_table	*tb = plain(st);
	char			 key[32];
	int			 i;

	store_set_wakeup(st, wakeup, NULL);
	ATF_REQUIRE_EQ(0, put(tb, "k", "v"));
	ATF_CHECK_EQ(1, woken);
	ATF_CHECK_EQ(STORE_COMMIT_MS, wake_ms);
	for (i = 1; i < STORE_COMMIT_MAX; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		ATF_REQUIRE_EQ(0, put(tb, key, "v"));
	}
	ATF_CHECK_EQ(2, woken);
	ATF_CHECK_EQ(0, wake_ms);
	ATF_CHECK_EQ(0, store_wait(st));
	ATF_CHECK_EQ(0, calls);
	store_tick(st);			/* the helper works on it ... */
	ATF_CHECK_EQ(0, calls);
	ATF_REQUIRE_EQ(0, put(tb, "meanwhile", "v"));
	check_value(tb, "meanwhile", "v");
	answer(st);
	ATF_CHECK_EQ(STORE_COMMIT_MAX, calls);
	ATF_REQUIRE_EQ(0, store_commit(st));
	ATF_CHECK_EQ(STORE_COMMIT_MAX + 1, calls);
	ATF_CHECK_EQ(-1, store_wait(st));
	/* A callback that writes opens a new group, not a loop. */
	again_table = tb;
	calls = 0;
	ATF_REQUIRE_EQ(0, store_put(tb, "again", 5, "x", 1, done_again, NULL));
	ATF_REQUIRE_EQ(0, store_commit(st));
	ATF_CHECK_EQ(1, calls);
	ATF_REQUIRE_EQ(0, store_commit(st));
	ATF_CHECK_EQ(2, calls);
	store_close(st);
}

static void
done_loop(int error, void *arg)
{
	done(error, arg);
	if (calls == *(int *)arg)
		(void)event_loopexit(NULL);
}

/* On the event loop: groups commit by themselves, with and without a helper. */
ATF_TC_WITHOUT_HEAD(event_loop);
ATF_TC_BODY(event_loop, tc)
{
	struct store		*st = opened();
	struct store_table	*tb = sealed(st);
	struct timeval		 guard = { 20, 0 };
	char			 key[32];
	pid_t			 pid;
	int			 i, round, want = 0;

	ATF_REQUIRE(event_init() != NULL);
	store_event(st);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 300; i++) {
			snprintf(key, sizeof(key), "%d-%d", round, i);
			want++;
			ATF_REQUIRE_EQ(0, store_put(tb, key, strlen(key), "v", 1,
			    done_loop, &want));
		}
		(void)event_loopexit(&guard);
		(void)event_dispatch();
		ATF_CHECK_EQ(want, calls);
		ATF_CHECK_EQ(0, errors);
		if (round == 0 && (pid = child_of_mine()) != 0)
			ATF_REQUIRE_EQ(0, kill(pid, SIGKILL));
	}
	store_close(st);
}

ATF_TC_WITHOUT_HEAD(second_process);
ATF_TC_BODY(second_process, tc)
{
	struct store	*st = opened();
	const char	*why = NULL;

	ATF_CHECK(store_open("db", MAP, 4, &why) == NULL);
	ATF_CHECK(why != NULL && strstr(why, "in use") != NULL);
	store_close(st);
	ATF_CHECK(store_open("no such folder", MAP, 4, &why) == NULL);
	ATF_CHECK_EQ(ENOENT, errno);
	ATF_REQUIRE_EQ(0, truncate("db/data.mdb", 100));
	ATF_CHECK(store_open("db", MAP, 4, &why) == NULL);
}

/* Map full: puts are refused, deletes work, and then puts work again. */
ATF_TC_WITHOUT_HEAD(full);
ATF_TC_BODY(full, tc)
{
	struct store		*st = opened();
	struct store_table	*tb = sealed(st);
	char			 key[32], val[2000];
	int			 i, stored, refused = 0;

	memset(val, 'x', sizeof(val));
	for (i = 0; i < 5000 && refused < 100; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		if (store_put(tb, key, strlen(key), val, sizeof(val), done,
		    NULL) == -1) {
			ATF_CHECK_EQ(ENOSPC, errno);
			refused++;
		}
		if (i % 20 == 0)
			(void)store_commit(st);
	}
	(void)store_commit(st);
	ATF_CHECK_EQ(100, refused);
	ATF_CHECK_EQ(0, errors);
	ATF_CHECK_EQ(ENOSPC, store_error(st));
	stored = (int)store_count(tb);
	ATF_CHECK(stored > 500);
	ATF_CHECK_EQ(stored, calls);
	for (i = 0; i < stored / 2; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		ATF_REQUIRE_EQ(0, put(tb, key, NULL));
		if (i % 20 == 0)
			ATF_REQUIRE_EQ(0, store_commit(st));
	}
	ATF_REQUIRE_EQ(0, store_commit(st));
	ATF_CHECK_EQ(0, store_error(st));
	for (i = 0; i < 50; i++) {
		snprintf(key, sizeof(key), "n%d", i);
		ATF_REQUIRE_EQ(0, put(tb, key, "room again"));
		ATF_REQUIRE_EQ(0, store_commit(st));
	}
	check_value(tb, "n7", "room again");
	store_close(st);
}

/* The file cannot grow, as on a full disk: the group is undone as a whole. */
ATF_TC_WITHOUT_HEAD(disk_full);
ATF_TC_BODY(disk_full, tc)
{
	struct store		*st = opened();
	struct store_table	*tb = sealed(st);
	struct rlimit		 rl, tight;
	struct stat		 sb;
	char			 key[32], val[4000];
	int			 i;

	ATF_REQUIRE_EQ(0, put(tb, "before", "stays"));
	ATF_REQUIRE_EQ(0, store_commit(st));
	ATF_REQUIRE(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	ATF_REQUIRE_EQ(0, stat("db/data.mdb", &sb));
	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_FSIZE, &rl));
	tight = rl;
	tight.rlim_cur = (rlim_t)sb.st_size;
	memset(val, 'x', sizeof(val));
	calls = errors = 0;
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_FSIZE, &tight));
	for (i = 0; i < 30; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		ATF_REQUIRE_EQ(0, store_put(tb, key, strlen(key), val,
		    sizeof(val), done, NULL));
	}
	ATF_CHECK_EQ(-1, store_commit(st));
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_FSIZE, &rl));
	ATF_CHECK_EQ(30, calls);
	ATF_CHECK_EQ(30, errors);
	ATF_CHECK_EQ(EFBIG, last_error);
	ATF_CHECK_EQ(EFBIG, store_error(st));
	check_value(tb, "k3", NULL);
	check_value(tb, "before", "stays");
	ATF_REQUIRE_EQ(0, put(tb, "after", "goes on"));
	ATF_REQUIRE_EQ(0, store_commit(st));
	ATF_CHECK_EQ(0, store_error(st));
	store_close(st);
	st = opened();
	tb = sealed(st);
	check_value(tb, "after", "goes on");
	check_value(tb, "k3", NULL);
	store_close(st);
}

ATF_TP_ADD_TCS(tp)
{
	if (sodium_init() == -1)
		abort();
	ATF_TP_ADD_TC(tp, plain_table);
	ATF_TP_ADD_TC(tp, sealed_table);
	ATF_TP_ADD_TC(tp, version);
	ATF_TP_ADD_TC(tp, sealed_on_disk);
	ATF_TP_ADD_TC(tp, wrong_master);
	ATF_TP_ADD_TC(tp, tampering);
	ATF_TP_ADD_TC(tp, walks);
	ATF_TP_ADD_TC(tp, next);
	ATF_TP_ADD_TC(tp, groups);
	ATF_TP_ADD_TC(tp, event_loop);
	ATF_TP_ADD_TC(tp, second_process);
	ATF_TP_ADD_TC(tp, full);
	ATF_TP_ADD_TC(tp, disk_full);
	return (atf_no_error());
}
