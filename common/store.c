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
 * LMDB behind store.h: one write transaction is open from the first write of
 * a group to its commit, and reads go through it while it is.  A commit writes
 * to the page cache; store_sync.c gets it to the disk meanwhile.  One process
 * and one thread use an environment (MDB_NOLOCK); a lock on the file data.lock
 * keeps a second process out.  Callbacks run in store_tick, store_commit and
 * store_close only, never from inside store_put.
 */

#include <sys/types.h>
#include <sys/file.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cursor.h"
#include "store.h"
#include "store_int.h"

#define LOCK_TRIES	100		/* 20 ms apart */
#define GROUP_HARD_MAX	(STORE_COMMIT_MAX * 16)	/* committed inside store_put */
#define VALUE_MAX	(1024 * 1024)

/* Keys of records met by a walk that are to be deleted. */
struct doomed {
	uint8_t		*do_keys;	/* u16 length and bytes, in turn */
	size_t		 do_len, do_size;
};

static int64_t	 now_ms(void);
static int	 store_lock(const char *);
static int	 store_env(struct store *, const char *, size_t, unsigned);
static int	 group_begin(struct store *);
static int	 store_is_full(struct store *);
static int	 group_add(struct group *, store_done, void *);
static int	 group_reserve(struct store *);
static void	 group_end(struct store *, struct group *, int);
static void	 group_undone(struct store *, int);
static void	 group_synced(struct store *, int);
static int	 write_errno(const struct store *, int);
static int	 group_commit(struct store *);
static void	 ended_call(struct store *);
static int	 put_raw(struct store_table *, MDB_val *, MDB_val *);
static int	 doom(struct doomed *, const MDB_val *);
static int	 doomed_delete(struct store_table *, const struct doomed *);

static int64_t
now_ms(void)
{
	struct timespec	 ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

static int
store_lock(const char *dir)
{
	const struct timespec	 moment = { 0, 20 * 1000 * 1000 };
	char			 path[1024];
	int			 fd, n;

	n = snprintf(path, sizeof(path), "%s/data.lock", dir);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return (-1);
	/* The helper of one that was killed needs a moment to end. */
	for (n = 0; flock(fd, LOCK_EX | LOCK_NB) == -1; n++) {
		if (errno != EWOULDBLOCK || n == LOCK_TRIES) {
			n = errno;
			close(fd);
			errno = n;
			return (-1);
		}
		(void)nanosleep(&moment, NULL);
	}
	return (fd);
}

/*
 * An eighth of the map is kept back from puts, so that deletes, which need
 * pages too, still work in a store that is full.
 */
static int
store_env(struct store *st, const char *dir, size_t mapsize, unsigned tables)
{
	MDB_txn	*txn;
	size_t	 id;
	int	 rc;

	if (mapsize > SIZE_MAX / 2) {
		errno = EINVAL;
		return (-1);
	}
	st->st_limit = mapsize;
	if ((rc = mdb_env_create(&st->st_env)) != 0)
		goto fail;
	if ((rc = mdb_env_set_maxdbs(st->st_env, tables + 1)) != 0 ||
	    (rc = mdb_env_set_mapsize(st->st_env,
	    mapsize + mapsize / 8 + 64 * 4096)) != 0)
		goto fail;
	if ((rc = mdb_env_open(st->st_env, dir, MDB_NOLOCK | MDB_NOSYNC,
	    0600)) != 0)
		goto fail;
	if ((rc = mdb_txn_begin(st->st_env, NULL, 0, &txn)) != 0)
		goto fail;
	if ((rc = mdb_dbi_open(txn, STORE_CHECK, MDB_CREATE, &st->st_check)) != 0) {
		mdb_txn_abort(txn);
		goto fail;
	}
	id = mdb_txn_id(txn);
	if ((rc = mdb_txn_commit(txn)) != 0)
		goto fail;
	if (store_sync_start(st) == -1)
		return (-1);
	if ((rc = store_sync_now(st, id)) != 0)
		goto fail;
	store_map_find(st);
	return (0);
 fail:
	errno = store_mdb_errno(rc);
	return (-1);
}

struct store *
store_open(const char *dir, size_t mapsize, unsigned tables, const char **why)
{
	struct store	*st;
	const char	*dummy;
	int		 saved;

	if (why == NULL)
		why = &dummy;
	*why = NULL;
	if ((st = calloc(1, sizeof(*st))) == NULL)
		return (NULL);
	st->st_mark = st->st_sync = -1;
	st->st_alone = 1;
	if ((st->st_lock = store_lock(dir)) == -1) {
		if (errno == EWOULDBLOCK)
			*why = "in use by another process";
		goto fail;
	}
	if (store_sync_recover(st, dir) == -1)
		goto fail;
	if (store_env(st, dir, mapsize, tables) == -1) {
		if (errno == EIO)
			*why = "data.mdb is damaged or of another version";
		goto fail;
	}
	return (st);
 fail:
	saved = errno;
	store_close(st);
	errno = saved;
	return (NULL);
}

void
store_close(struct store *st)
{
	struct store_table	*tb;

	if (st == NULL)
		return;
	if (st->st_env != NULL) {
		(void)store_commit(st);
		/* A callback may have written again. */
		if (st->st_txn != NULL)
			(void)store_commit(st);
		if (st->st_txn != NULL)
			mdb_txn_abort(st->st_txn);
		if (st->st_read != NULL)
			mdb_txn_abort(st->st_read);
		store_sync_stop(st);
		mdb_env_close(st->st_env);
	} else
		store_sync_stop(st);
	while ((tb = st->st_tables) != NULL) {
		st->st_tables = tb->tb_next;
		sodium_free(tb->tb_keys);
		free(tb);
	}
	if (st->st_buf != NULL)
		sodium_memzero(st->st_buf, st->st_bufsize);
	free(st->st_buf);
	free(st->st_group.g_list);
	free(st->st_synced.g_list);
	free(st->st_ended.g_list);
	free(st->st_ended_error);
	if (st->st_lock != -1)
		close(st->st_lock);
	free(st);
}

struct store_table *
store_table(struct store *st, const char *name, uint8_t version,
    const uint8_t *master)
{
	struct store_table	*tb;
	size_t			 id;
	int			 rc, saved;

	if (strlen(name) == 0 || strlen(name) >= STORE_NAME_MAX ||
	    strcmp(name, STORE_CHECK) == 0) {
		errno = EINVAL;
		return (NULL);
	}
	if (store_commit(st) == -1)
		return (NULL);
	if ((tb = calloc(1, sizeof(*tb))) == NULL)
		return (NULL);
	tb->tb_store = st;
	tb->tb_version = version;
	if (master != NULL && store_table_keys(tb, name, master) == -1)
		goto fail;
	if (st->st_back != 0 && (rc = store_sync_back(st)) != 0) {
		errno = rc;
		goto fail;
	}
	if ((rc = mdb_txn_begin(st->st_env, NULL, 0, &st->st_txn)) != 0) {
		st->st_txn = NULL;
		errno = store_mdb_errno(rc);
		goto fail;
	}
	if ((rc = mdb_dbi_open(st->st_txn, name, MDB_CREATE, &tb->tb_dbi)) != 0) {
		errno = store_mdb_errno(rc);
		goto fail;
	}
	if (tb->tb_sealed && store_table_check(tb, name) == -1)
		goto fail;
	id = mdb_txn_id(st->st_txn);
	rc = mdb_txn_commit(st->st_txn);
	st->st_txn = NULL;
	if (rc == 0 && (rc = store_sync_now(st, id)) != 0) {
		mdb_dbi_close(st->st_env, tb->tb_dbi);
		st->st_back = id;
	}
	if (rc != 0) {
		errno = store_mdb_errno(rc);
		goto fail;
	}
	tb->tb_next = st->st_tables;
	st->st_tables = tb;
	return (tb);
 fail:
	saved = errno;
	if (st->st_txn != NULL)
		mdb_txn_abort(st->st_txn);
	st->st_txn = NULL;
	sodium_free(tb->tb_keys);
	free(tb);
	errno = saved;
	return (NULL);
}

/*
 * Does LMDB use more of its map than we were given?  Pages free for reuse do
 * not count; they stand in its own table 0, as lists headed by their count,
 * which only a read transaction may look at.
 */
static int
store_is_full(struct store *st)
{
	MDB_envinfo	 info;
	MDB_stat	 stat;
	MDB_cursor	*mc;
	MDB_txn		*txn;
	MDB_val		 k, v;
	size_t		 limit, n, spare = 0;

	if (mdb_env_info(st->st_env, &info) != 0 ||
	    mdb_env_stat(st->st_env, &stat) != 0)
		return (0);
	limit = st->st_limit / stat.ms_psize;
	if (info.me_last_pgno + 1 <= limit)
		return (0);
	if ((txn = store_read_begin(st)) == NULL)
		return (1);
	if (mdb_cursor_open(txn, 0, &mc) == 0) {
		while (mdb_cursor_get(mc, &k, &v, MDB_NEXT) == 0) {
			if (v.mv_size < sizeof(n))
				continue;
			memcpy(&n, v.mv_data, sizeof(n));
			spare += n;
		}
		mdb_cursor_close(mc);
	}
	store_read_end(st, txn);
	return (spare > info.me_last_pgno ||
	    info.me_last_pgno + 1 - spare > limit);
}

static int
group_begin(struct store *st)
{
	int	 rc;

	if (st->st_txn != NULL)
		return (0);
	if (st->st_back != 0 && (rc = store_sync_back(st)) != 0) {
		errno = st->st_error = rc;
		return (-1);
	}
	st->st_full = store_is_full(st);
	if ((rc = mdb_txn_begin(st->st_env, NULL, 0, &st->st_txn)) != 0) {
		st->st_txn = NULL;
		errno = store_mdb_errno(rc);
		return (-1);
	}
	st->st_writes = 0;
	st->st_since = now_ms();
	return (0);
}

static int
group_add(struct group *g, store_done done, void *arg)
{
	struct pending	*p;
	size_t		 n;

	if (g->g_len == g->g_size) {
		n = g->g_size == 0 ? STORE_COMMIT_MAX : g->g_size * 2;
		p = reallocarray(g->g_list, n, sizeof(*p));
		if (p == NULL)
			return (-1);
		g->g_list = p;
		g->g_size = n;
	}
	g->g_list[g->g_len].pe_done = done;
	g->g_list[g->g_len++].pe_arg = arg;
	return (0);
}

/* Room in the list of ended callbacks for all of the open group and one
 * more, so that ending a group can't fail. */
static int
group_reserve(struct store *st)
{
	struct pending	*p;
	int		*e;
	size_t		 n;

	n = st->st_ended.g_len + st->st_synced.g_len + st->st_group.g_len + 1;
	if (n > st->st_ended.g_size) {
		n *= 2;
		p = reallocarray(st->st_ended.g_list, n, sizeof(*p));
		if (p == NULL)
			return (-1);
		st->st_ended.g_list = p;
		st->st_ended.g_size = n;
	}
	if (st->st_ended.g_size > st->st_ended_size) {
		n = st->st_ended.g_size;
		if ((e = reallocarray(st->st_ended_error, n, sizeof(*e))) == NULL)
			return (-1);
		st->st_ended_error = e;
		st->st_ended_size = n;
	}
	return (0);
}

/* A group is durable or undone: its callbacks wait for ended_call. */
static void
group_end(struct store *st, struct group *g, int error)
{
	size_t	 i;

	for (i = 0; i < g->g_len; i++) {
		st->st_ended_error[st->st_ended.g_len] = error;
		st->st_ended.g_list[st->st_ended.g_len++] = g->g_list[i];
	}
	g->g_len = 0;
	st->st_error = error;
}

/* The open group is gone as a whole. */
static void
group_undone(struct store *st, int error)
{
	st->st_txn = NULL;
	st->st_writes = 0;
	group_end(st, &st->st_group, error);
}

/* LMDB takes a short write, which a full disk makes, for an I/O error. */
static int
write_errno(const struct store *st, int rc)
{
	struct statvfs	 sv;

	if (rc == EIO && fstatvfs(st->st_data, &sv) == 0 && sv.f_bavail == 0)
		return (ENOSPC);
	return (store_mdb_errno(rc));
}

/* Hand the open group to the helper.  Not while it has another. */
static int
group_commit(struct store *st)
{
	struct group	 g;
	uint64_t	 id;
	int		 rc, error;

	if (st->st_txn == NULL || st->st_syncing)
		return (0);
	id = mdb_txn_id(st->st_txn);
	if ((rc = mdb_txn_commit(st->st_txn)) != 0) {
		group_undone(st, write_errno(st, rc));
		errno = st->st_error;
		return (-1);
	}
	st->st_txn = NULL;
	st->st_writes = 0;
	g = st->st_synced;		/* empty */
	st->st_synced = st->st_group;
	st->st_group = g;
	st->st_syncing = 1;
	if (store_sync_begin(st, id, &error) == 1)
		group_synced(st, error);
	return (0);
}

/* The disk has the group, or does not: then it is undone, and the open one,
 * which builds on it, too. */
static void
group_synced(struct store *st, int error)
{
	st->st_syncing = 0;
	group_end(st, &st->st_synced, error);
	if (error == 0)
		return;
	if (st->st_txn != NULL) {
		mdb_txn_abort(st->st_txn);
		group_undone(st, error);
	}
	st->st_back = st->st_sync_txn;
	(void)store_sync_back(st);	/* else before the next group */
}

/*
 * The callbacks may write, and so lengthen the lists, which keep their room
 * for the groups under way; what they add waits for the next turn.
 */
static void
ended_call(struct store *st)
{
	struct pending	 pe;
	size_t		 i, n = st->st_ended.g_len;

	if (st->st_calling || n == 0)
		return;
	st->st_calling = 1;
	for (i = 0; i < n; i++) {
		pe = st->st_ended.g_list[i];
		pe.pe_done(st->st_ended_error[i], pe.pe_arg);
	}
	st->st_calling = 0;
	st->st_ended.g_len -= n;
	memmove(st->st_ended.g_list, st->st_ended.g_list + n,
	    st->st_ended.g_len * sizeof(st->st_ended.g_list[0]));
	memmove(st->st_ended_error, st->st_ended_error + n,
	    st->st_ended.g_len * sizeof(st->st_ended_error[0]));
	if (st->st_ended.g_len > 0 && st->st_wakeup != NULL)
		st->st_wakeup(0, st->st_wakeup_arg);
}

static int
put_raw(struct store_table *tb, MDB_val *k, MDB_val *v)
{
	struct store	*st = tb->tb_store;
	int		 rc;

	if (v == NULL) {
		rc = mdb_del(st->st_txn, tb->tb_dbi, k, NULL);
		if (rc == MDB_NOTFOUND)
			rc = 0;
	} else
		rc = st->st_full ? ENOSPC :
		    mdb_put(st->st_txn, tb->tb_dbi, k, v, 0);
	if (rc == 0)
		return (0);
	/* Refused before LMDB was asked, or a value LMDB refuses: the group
	 * is as it was.  Otherwise its transaction is spoilt: undone. */
	if (!(v != NULL && st->st_full) && rc != MDB_BAD_VALSIZE) {
		mdb_txn_abort(st->st_txn);
		group_undone(st, write_errno(st, rc));
		if (st->st_wakeup != NULL)
			st->st_wakeup(0, st->st_wakeup_arg);
	} else {
		if (rc == ENOSPC)
			st->st_error = ENOSPC;
		if (st->st_writes == 0) {
			mdb_txn_abort(st->st_txn);
			st->st_txn = NULL;
		}
	}
	errno = store_mdb_errno(rc);
	return (-1);
}

int
store_put(struct store_table *tb, const void *key, size_t keylen,
    const void *val, size_t vallen, store_done done, void *arg)
{
	struct store	*st = tb->tb_store;
	uint8_t		 kbuf[STORE_KEY_MAX];
	MDB_val		 k, v;
	ssize_t		 n;
	int		 first = st->st_txn == NULL;

	if (keylen == 0 || keylen > STORE_KEY_MAX || vallen > VALUE_MAX) {
		errno = EINVAL;
		return (-1);
	}
	k.mv_data = kbuf;
	k.mv_size = keylen;
	if (tb->tb_sealed) {
		store_key_hash(tb, key, keylen, kbuf);
		k.mv_size = STORE_KEYHASH;
	} else
		memcpy(kbuf, key, keylen);
	if (val != NULL && tb->tb_sealed) {
		if ((n = store_seal(tb, kbuf, val, vallen)) == -1)
			return (-1);
		v.mv_size = (size_t)n;
	} else if (val != NULL) {
		if (store_buf_need(st, 1 + vallen) == -1)
			return (-1);
		st->st_buf[0] = tb->tb_version;
		memcpy(st->st_buf + 1, val, vallen);
		v.mv_size = 1 + vallen;
	}
	v.mv_data = st->st_buf;
	if (group_reserve(st) == -1 ||
	    (done != NULL && group_add(&st->st_group, done, arg) == -1))
		return (-1);
	if (group_begin(st) == -1) {
		if (done != NULL)
			st->st_group.g_len--;
		return (-1);
	}
	if (put_raw(tb, &k, val == NULL ? NULL : &v) == -1) {
		/* This write's own caller has the error already. */
		if (done != NULL && st->st_group.g_len > 0)
			st->st_group.g_len--;
		else if (done != NULL)
			st->st_ended.g_len--;
		return (-1);
	}
	st->st_writes++;
	store_touched(st, vallen);
	if (st->st_writes >= GROUP_HARD_MAX && !st->st_walking)
		(void)group_commit(st);
	if (st->st_wakeup != NULL) {
		if (first)
			st->st_wakeup(STORE_COMMIT_MS, st->st_wakeup_arg);
		else if (st->st_writes == STORE_COMMIT_MAX || st->st_writes == 0)
			st->st_wakeup(0, st->st_wakeup_arg);
	}
	return (0);
}

static int
doom(struct doomed *d, const MDB_val *k)
{
	uint8_t	*p;
	size_t	 need = d->do_len + 2 + k->mv_size;

	if (need > d->do_size) {
		if ((p = realloc(d->do_keys, need * 2)) == NULL)
			return (-1);
		d->do_keys = p;
		d->do_size = need * 2;
	}
	d->do_keys[d->do_len] = (uint8_t)(k->mv_size >> 8);
	d->do_keys[d->do_len + 1] = (uint8_t)k->mv_size;
	memcpy(d->do_keys + d->do_len + 2, k->mv_data, k->mv_size);
	d->do_len = need;
	return (0);
}

static int
doomed_delete(struct store_table *tb, const struct doomed *d)
{
	struct store	*st = tb->tb_store;
	struct cur	 c, e;
	uint8_t		 kbuf[STORE_KEY_MAX];
	MDB_val		 k;
	int		 first;

	cur_init(&c, d->do_keys, d->do_len);
	while (cur_left(&c) > 0) {
		cur_lv(&c, 2, &e);
		k.mv_size = cur_left(&e);
		if (k.mv_size > sizeof(kbuf) ||
		    cur_bytes(&e, kbuf, k.mv_size) == -1)
			break;
		k.mv_data = kbuf;
		first = st->st_txn == NULL;
		if (group_reserve(st) == -1 || group_begin(st) == -1 ||
		    put_raw(tb, &k, NULL) == -1)
			return (-1);
		st->st_writes++;
		if (first && st->st_wakeup != NULL)
			st->st_wakeup(STORE_COMMIT_MS, st->st_wakeup_arg);
		if (st->st_writes >= GROUP_HARD_MAX && !st->st_walking)
			(void)group_commit(st);
	}
	return (0);
}

/*
 * No commit falls into a walk: without LMDB's reader table the snapshot that
 * is walked stays whole only until the second commit after it.  The value is
 * copied out first, since a write of the callback may move pages.
 */
int
store_walk(struct store_table *tb, int (*cb)(const void *, size_t, const void *,
    size_t, uint8_t, void *), void *arg)
{
	struct store	*st = tb->tb_store;
	struct doomed	 d = { NULL, 0, 0 };
	uint8_t		 kbuf[STORE_KEY_MAX], *buf = NULL, *p, version;
	size_t		 size = 0;
	MDB_txn		*txn = st->st_txn;
	MDB_cursor	*mc = NULL;
	MDB_val		 k, v;
	ssize_t		 n;
	int		 rc, own = 0, ret = 0, r;

	if (txn == NULL) {
		if ((rc = mdb_txn_begin(st->st_env, NULL, MDB_RDONLY, &txn)) != 0) {
			errno = store_mdb_errno(rc);
			return (-1);
		}
		own = 1;
	}
	st->st_walking++;
	if ((rc = mdb_cursor_open(txn, tb->tb_dbi, &mc)) != 0) {
		errno = store_mdb_errno(rc);
		mc = NULL;
		ret = -1;
	}
	while (ret == 0 && mdb_cursor_get(mc, &k, &v, MDB_NEXT) == 0) {
		if (k.mv_size > sizeof(kbuf))
			continue;
		if (v.mv_size + 1 > size) {
			if ((p = realloc(buf, v.mv_size * 2 + 1)) == NULL) {
				ret = -1;
				break;
			}
			buf = p;
			size = v.mv_size * 2 + 1;
		}
		/* What does not open is left to store_get to report. */
		if ((n = store_value_out(tb, &k, &v, buf, size, &version)) == -1)
			continue;
		memcpy(kbuf, k.mv_data, k.mv_size);
		r = cb(kbuf, k.mv_size, buf, (size_t)n, version, arg);
		if (r == 1) {
			k.mv_data = kbuf;
			if (doom(&d, &k) == -1)
				ret = -1;
		} else if (r == -1)
			break;
		if (!own && st->st_txn != txn)
			break;		/* a write failed: the walked group is gone */
	}
	if (mc != NULL && (own || st->st_txn == txn))
		mdb_cursor_close(mc);
	if (own)
		mdb_txn_abort(txn);
	st->st_walking--;
	if (buf != NULL)
		sodium_memzero(buf, size);
	free(buf);
	if (doomed_delete(tb, &d) == -1)
		ret = -1;
	free(d.do_keys);
	return (ret);
}

int
store_wait(const struct store *st)
{
	int64_t	 left;

	if (st->st_ended.g_len > 0)
		return (0);
	if (st->st_syncing)
		return (STORE_COMMIT_MS);	/* or when store_fd is readable */
	if (st->st_txn == NULL)
		return (-1);
	if (st->st_writes >= STORE_COMMIT_MAX)
		return (0);
	left = st->st_since + STORE_COMMIT_MS - now_ms();
	return (left <= 0 ? 0 : left > STORE_COMMIT_MS ? STORE_COMMIT_MS : (int)left);
}

int
store_fd(const struct store *st)
{
	return (st->st_alone ? -1 : st->st_sync);
}

void
store_tick(struct store *st)
{
	int	 error;

	if (st->st_walking || st->st_calling)
		return;
	if (store_sync_result(st, 0, &error) == 1)
		group_synced(st, error);
	if (st->st_txn != NULL && (st->st_writes >= STORE_COMMIT_MAX ||
	    now_ms() - st->st_since >= STORE_COMMIT_MS))
		(void)group_commit(st);
	ended_call(st);
}

int
store_commit(struct store *st)
{
	int	 i, error = 0, ret = 0;

	if (st->st_walking) {
		errno = EBUSY;
		return (-1);
	}
	/* The group that the helper has, then the open one. */
	for (i = 0; i < 2; i++) {
		if (st->st_syncing) {
			(void)store_sync_result(st, 1, &error);
			group_synced(st, error);
			if (error != 0)
				ret = error;
		}
		if (i == 0 && st->st_txn != NULL) {
			if (group_commit(st) == -1)
				ret = errno;
			else if (!st->st_syncing && st->st_error != 0)
				ret = st->st_error;
		}
	}
	ended_call(st);
	if (ret == 0)
		return (0);
	errno = ret;
	return (-1);
}

void
store_set_wakeup(struct store *st, void (*cb)(int, void *), void *arg)
{
	st->st_wakeup = cb;
	st->st_wakeup_arg = arg;
}

int
store_error(const struct store *st)
{
	return (st->st_error);
}
