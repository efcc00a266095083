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
 * Reading from a store: through the open group while there is one, so that a
 * write is seen at once, else from what was committed last.
 */

#include <sys/types.h>

#include <errno.h>
#include <lmdb.h>
#include <stdint.h>
#include <string.h>

#include "store.h"
#include "store_int.h"

/* The open group, else a read transaction that is kept for reuse. */
MDB_txn *
store_read_begin(struct store *st)
{
	int	 rc;

	if (st->st_txn != NULL)
		return (st->st_txn);
	if (st->st_read != NULL)
		rc = mdb_txn_renew(st->st_read);
	else if ((rc = mdb_txn_begin(st->st_env, NULL, MDB_RDONLY,
	    &st->st_read)) != 0)
		st->st_read = NULL;
	if (rc != 0) {
		errno = store_mdb_errno(rc);
		return (NULL);
	}
	return (st->st_read);
}

void
store_read_end(struct store *st, MDB_txn *txn)
{
	if (txn == st->st_read)
		mdb_txn_reset(txn);
}

ssize_t
store_get(struct store_table *tb, const void *key, size_t keylen,
    void *buf, size_t size, uint8_t *version)
{
	struct store	*st = tb->tb_store;
	uint8_t		 kbuf[STORE_KEY_MAX];
	MDB_txn		*txn;
	MDB_val		 k, v;
	ssize_t		 n = -1;
	int		 rc;

	if (keylen == 0 || keylen > STORE_KEY_MAX) {
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
	if ((txn = store_read_begin(st)) == NULL)
		return (-1);
	if ((rc = mdb_get(txn, tb->tb_dbi, &k, &v)) == 0) {
		n = store_value_out(tb, &k, &v, buf, size, version);
		store_touched(st, v.mv_size);
	} else
		errno = store_mdb_errno(rc);
	store_read_end(st, txn);
	return (n);
}

ssize_t
store_next(struct store_table *tb, void *key, size_t *keylen, size_t keysize,
    void *buf, size_t size, uint8_t *version)
{
	struct store	*st = tb->tb_store;
	MDB_txn		*txn;
	MDB_cursor	*mc;
	MDB_val		 k, v;
	ssize_t		 n = -1;
	int		 rc;

	if (tb->tb_sealed || *keylen > keysize || *keylen > STORE_KEY_MAX) {
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
	if (rc != 0)
		errno = store_mdb_errno(rc);
	else if (k.mv_size > keysize)
		errno = ERANGE;
	else if ((n = store_value_out(tb, &k, &v, buf, size, version)) != -1) {
		memcpy(key, k.mv_data, k.mv_size);
		*keylen = k.mv_size;
		store_touched(st, v.mv_size);
	}
	mdb_cursor_close(mc);
	store_read_end(st, txn);
	return (n);
}

uint64_t
store_count(struct store_table *tb)
{
	struct store	*st = tb->tb_store;
	MDB_txn		*txn;
	MDB_stat	 stat;
	uint64_t	 n = 0;

	if ((txn = store_read_begin(st)) == NULL)
		return (0);
	if (mdb_stat(txn, tb->tb_dbi, &stat) == 0)
		n = stat.ms_entries;
	store_read_end(st, txn);
	return (n);
}
