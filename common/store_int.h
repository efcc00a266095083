/* SPDX-License-Identifier: ISC */
/* What the files of the store share; nobody else includes this. */
#ifndef STORE_INT_H
#define STORE_INT_H

#include <sys/types.h>

#include <lmdb.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

#define STORE_KEYHASH	32		/* a sealed record's key */
#define STORE_NAME_MAX	64		/* of a table, with NUL */
#define STORE_CHECK	"store.check"	/* table of sealed constants */
#define STORE_NONCE	24		/* of a sealed value */
#define STORE_NONCES	32		/* drawn at once */

/* LMDB 0.9 data file, 64 bits: where its two roots stand in their pages. */
#define STORE_ROOT_OFF	16
#define STORE_ROOT_MAGIC	0xBEEFC0DEu

struct pending {
	store_done	 pe_done;
	void		*pe_arg;
};

struct group {
	struct pending	*g_list;
	size_t		 g_len, g_size;
};

struct store_table {
	struct store		*tb_store;
	struct store_table	*tb_next;
	MDB_dbi			 tb_dbi;
	uint8_t			 tb_version;
	int			 tb_sealed;
	uint8_t			*tb_keys;	/* sodium_malloc: seal key, hash key */
};

struct store {
	MDB_env		*st_env;
	MDB_txn		*st_txn;	/* the open group; NULL when none */
	MDB_txn		*st_read;	/* reset between reads */
	MDB_dbi		 st_check;
	struct store_table *st_tables;	/* owned */
	int		 st_lock;
	int		 st_data;	/* LMDB's descriptor of data.mdb */
	int		 st_mark;	/* data.sync */
	int		 st_sync;	/* to the helper */
	int		 st_alone;	/* there is no helper */
	uint64_t	 st_sync_txn;	/* what the helper works on */
	int		 st_syncing;	/* its answer is awaited */
	uint64_t	 st_back;	/* a commit that the disk did not take; 0: none */
	size_t		 st_limit;	/* bytes in use at which puts stop */
	int		 st_full;	/* no room for puts in this group */
	unsigned	 st_writes;	/* in the open group */
	int64_t		 st_since;	/* ms, first write of the group */
	struct group	 st_group;	/* callbacks of the open group */
	struct group	 st_synced;	/* of the group that the helper has */
	struct group	 st_ended;	/* of ended groups, not called yet ... */
	int		*st_ended_error;/* ... with their results */
	size_t		 st_ended_size;
	uint8_t		*st_map;	/* LMDB's; NULL: not known */
	size_t		 st_touched;	/* pages since they were given back */
	size_t		 st_keep;	/* bytes that may stay; store_memory */
	int		 st_error;
	int		 st_walking;
	int		 st_calling;
	uint8_t		*st_buf;	/* sealing and opening */
	size_t		 st_bufsize;
	uint8_t		 st_nonces[STORE_NONCES][STORE_NONCE];
	unsigned	 st_noncesleft;
	void		(*st_wakeup)(int, void *);
	void		*st_wakeup_arg;
};

int		 store_mdb_errno(int);
/* Room for n bytes in st_buf; its contents are lost. */
int		 store_buf_need(struct store *, size_t);
/* Keys of a sealed table from the master key and its name. */
int		 store_table_keys(struct store_table *, const char *name,
		    const uint8_t *master);
/* Is it the master key that the table was made with?  Within a write
 * transaction.  -1: EBADMSG. */
int		 store_table_check(struct store_table *, const char *name);
void		 store_key_hash(const struct store_table *, const void *, size_t,
		    uint8_t *hash);
/* Sealed value in st_buf: its length, or -1. */
ssize_t		 store_seal(struct store_table *, const uint8_t *hash,
		    const void *, size_t);
/* A record's value for the caller, without its version byte, opened if the
 * table is sealed: length or -1. */
ssize_t		 store_value_out(struct store_table *, const MDB_val *key,
		    const MDB_val *val, void *, size_t, uint8_t *version);

/* A transaction to read with, until the next call into the store; give it
 * back. NULL: errno. */
MDB_txn		*store_read_begin(struct store *);
void		 store_read_end(struct store *, MDB_txn *);

/* store_scan.c */
void		 store_map_find(struct store *);
/* A value of that size was read or written: memory is given back now and then. */
void		 store_touched(struct store *, size_t);

/* store_sync.c */
int		 store_sync_recover(struct store *, const char *dir);
int		 store_sync_start(struct store *);
void		 store_sync_stop(struct store *);
int		 store_sync_now(struct store *, uint64_t txn);
int		 store_sync_begin(struct store *, uint64_t txn, int *error);
int		 store_sync_back(struct store *);
int		 store_sync_result(struct store *, int block, int *error);

#endif
