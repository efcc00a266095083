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
 * Long walks in parts, and the memory that reading costs: pages of LMDB's map
 * count as ours once they were touched, up to the whole file, though the kernel
 * has them anyway.  They are given back now and then, which loses nothing.
 */

#include <sys/types.h>
#include <sys/mman.h>

#include <errno.h>
#include <lmdb.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"
#include "store_int.h"

#define TOUCH_READ	2	/* pages that a read touches beside its value ... */
#define TOUCH_BYTES	8192	/* ... and one for so many bytes of that */
#define TOUCH_SIZE	65536	/* each may bring so much, says the kernel's habit */
#define KEEP_MIN	((size_t)12 * 1024 * 1024)
#define TRIM_MIN	((size_t)48 * 1024 * 1024)	/* smaller files may stay */
#define RECORDS_READ	8	/* records of a walk that count as one read */
#define DOOMED_MAX	4096	/* records that one part of a walk deletes */

struct doomed_key {
	size_t		 dk_len;
	uint8_t		 dk_key[STORE_KEY_MAX];
};

static size_t	 map_len(struct store *);
static int	 scan_doomed(struct store_table *, const struct doomed_key *, size_t);

/*
 * Where is LMDB's map?  A page of it begins with its number, and the first one
 * holds the root.
 */
void
store_map_find(struct store *st)
{
	MDB_envinfo	 info;
	MDB_stat	 stat;
	MDB_txn		*txn;
	MDB_dbi		 dbi;
	MDB_cursor	*mc;
	MDB_val		 k, v;
	uintptr_t	 page;
	uint64_t	 number;
	uint32_t	 magic;

	if (mdb_env_info(st->st_env, &info) != 0 ||
	    mdb_env_stat(st->st_env, &stat) != 0 ||
	    mdb_txn_begin(st->st_env, NULL, MDB_RDONLY, &txn) != 0)
		return;
	if (mdb_dbi_open(txn, NULL, 0, &dbi) == 0 && mdb_cursor_open(txn, dbi, &mc) == 0) {
		if (mdb_cursor_get(mc, &k, &v, MDB_FIRST) == 0) {
			page = (uintptr_t)k.mv_data & ~((uintptr_t)stat.ms_psize - 1);
			memcpy(&number, (const void *)page, sizeof(number));
			if (number <= info.me_last_pgno) {
				page -= (uintptr_t)number * stat.ms_psize;
				memcpy(&magic, (const uint8_t *)page + STORE_ROOT_OFF,
				    sizeof(magic));
				if (magic == STORE_ROOT_MAGIC)
					st->st_map = (uint8_t *)page;
			}
		}
		mdb_cursor_close(mc);
	}
	mdb_txn_abort(txn);
}

static size_t
map_len(struct store *st)
{
	MDB_envinfo	 info;
	MDB_stat	 stat;

	if (st->st_map == NULL || mdb_env_info(st->st_env, &info) != 0 ||
	    mdb_env_stat(st->st_env, &stat) != 0)
		return (0);
	return ((info.me_last_pgno + 1) * stat.ms_psize);
}

void
store_touched(struct store *st, size_t size)
{
	size_t		 len, keep = st->st_keep > KEEP_MIN ? st->st_keep : KEEP_MIN;

	if ((st->st_touched += TOUCH_READ + size / TOUCH_BYTES) < keep / TOUCH_SIZE)
		return;
	st->st_touched = 0;
	if ((len = map_len(st)) >= TRIM_MIN && len > keep)
		(void)madvise(st->st_map, len, MADV_DONTNEED);
}

void
store_memory(struct store *st, size_t bytes)
{
	st->st_keep = bytes;
}

void
store_settle(struct store *st)
{
	size_t		 len = map_len(st);

	st->st_touched = 0;
	if (len == 0)
		return;
	(void)madvise(st->st_map, len, MADV_RANDOM);
	if (len >= TRIM_MIN)
		(void)madvise(st->st_map, len, MADV_DONTNEED);
}

static int
scan_doomed(struct store_table *tb, const struct doomed_key *dk, size_t n)
{
	size_t		 i;

	for (i = 0; i < n; i++) {
		if (store_put(tb, dk[i].dk_key, dk[i].dk_len, NULL, 0, NULL, NULL) == -1)
			return (-1);
	}
	return (0);
}

int
store_scan(struct store_table *tb, void *key, size_t *keylen, unsigned max,
    int (*cb)(const void *, size_t, const void *, size_t, uint8_t, void *), void *arg)
{
	struct store	*st = tb->tb_store;
	struct doomed_key *dk = NULL;
	MDB_cursor	*mc;
	MDB_txn		*txn;
	MDB_val		 k, v;
	size_t		 doomed = 0;
	unsigned	 n;
	int		 rc, r = 0, ret = 1;

	if (tb->tb_sealed || *keylen > STORE_KEY_MAX) {
		errno = EINVAL;
		return (-1);
	}
	if ((txn = store_read_begin(st)) == NULL)
		return (-1);
	if ((rc = mdb_cursor_open(txn, tb->tb_dbi, &mc)) != 0) {
		store_read_end(st, txn);
		errno = store_mdb_errno(rc);
		return (-1);
	}
	k.mv_data = key;
	k.mv_size = *keylen;
	rc = mdb_cursor_get(mc, &k, &v, *keylen == 0 ? MDB_FIRST : MDB_SET_RANGE);
	if (rc == 0 && k.mv_size == *keylen && memcmp(k.mv_data, key, *keylen) == 0)
		rc = mdb_cursor_get(mc, &k, &v, MDB_NEXT);
	for (n = 0; rc == 0 && n < max && r != -1 && doomed < DOOMED_MAX; n++) {
		if (n % RECORDS_READ == 0 || v.mv_size > TOUCH_BYTES)
			store_touched(st, v.mv_size);
		if (k.mv_size <= STORE_KEY_MAX) {
			memcpy(key, k.mv_data, k.mv_size);
			*keylen = k.mv_size;
			r = v.mv_size == 0 ? 1 : cb(k.mv_data, k.mv_size,
			    (const uint8_t *)v.mv_data + 1, v.mv_size - 1,
			    *(const uint8_t *)v.mv_data, arg);
		}
		if (r == 1 && dk == NULL &&
		    (dk = reallocarray(NULL, DOOMED_MAX, sizeof(*dk))) == NULL)
			break;
		if (r == 1) {
			memcpy(dk[doomed].dk_key, k.mv_data, k.mv_size);
			dk[doomed++].dk_len = k.mv_size;
			r = 0;
		}
		rc = mdb_cursor_get(mc, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(mc);
	store_read_end(st, txn);
	if (rc == MDB_NOTFOUND || r == -1)
		ret = 0;
	else if (rc != 0 || (r == 1 && dk == NULL)) {
		errno = rc != 0 ? store_mdb_errno(rc) : ENOMEM;
		ret = -1;
	}
	if (scan_doomed(tb, dk, doomed) == -1)
		ret = -1;
	free(dk);
	return (ret);
}
