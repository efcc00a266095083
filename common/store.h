/* SPDX-License-Identifier: ISC */
/*
 * LMDB behind a narrow door: one environment a process, opened before the
 * sandbox (MDB_NOLOCK: one process, one thread), writes committed in groups.
 * store_open forks a helper that waits for the disk in our place; it ends
 * with us.  Nobody's loop stops for an fdatasync but in store_open,
 * store_table, store_commit and store_close.
 *
 * A write is visible to reads at once.  It is durable when its callback runs:
 * the group commits STORE_COMMIT_MS after its first write or at
 * STORE_COMMIT_MAX writes, whichever comes first.  When a commit fails (disk
 * full, I/O error) every callback of the group gets the error, the group is
 * undone as a whole, and the store goes on.
 *
 * A sealed table encrypts values with XChaCha20-Poly1305 under a key derived
 * from the master key and the table's name (record key as associated data)
 * and replaces record keys by keyed hashes; its records cannot be walked in
 * key order, only in any order.  Values carry a version byte.
 */
#ifndef STORE_H
#define STORE_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#define STORE_COMMIT_MS		20
#define STORE_COMMIT_MAX	64
#define STORE_KEY_MAX		256
#define STORE_MASTER_LEN	32

struct store;
struct store_table;

typedef void (*store_done)(int error, void *arg);	/* 0, or an errno value */

/* Open dir/data.mdb, mapsize bytes of address space.  NULL: errno is set, or
 * *why (static text) says it. */
struct store	*store_open(const char *dir, size_t mapsize, unsigned tables, const char **why);
void		 store_close(struct store *);		/* commits first */

/* Open or create a table.  master (STORE_MASTER_LEN bytes) makes it sealed,
 * NULL leaves it plain.  version is the version byte of values we write. */
struct store_table *store_table(struct store *, const char *name, uint8_t version,
		    const uint8_t *master);

/* Put (val NULL: delete).  done may be NULL.  -1: nothing queued, errno. */
int		 store_put(struct store_table *, const void *key, size_t keylen,
		    const void *val, size_t vallen, store_done done, void *arg);
/*
 * Get into buf (size bytes): length of the value and its version, or -1 with
 * errno ENOENT, ERANGE (buf too small), EBADMSG (does not unseal).
 */
ssize_t		 store_get(struct store_table *, const void *key, size_t keylen,
		    void *buf, size_t size, uint8_t *version);
/*
 * Walk all records; of a sealed table key is the hash, and value is opened.
 * cb returns 0 to go on, 1 to delete this record, -1 to stop.
 */
int		 store_walk(struct store_table *, int (*cb)(const void *key, size_t keylen,
		    const void *val, size_t vallen, uint8_t version, void *arg), void *arg);
/*
 * Plain tables: a part of a walk in the order of the keys.  Records after key
 * (STORE_KEY_MAX bytes of room; *keylen 0: from the first), at most max, and
 * key becomes the last one's.  cb as above, but the value is LMDB's own and the
 * store must not be called.  1: there is more, 0: that was the last, or cb
 * stopped it, -1: errno.
 */
int		 store_scan(struct store_table *, void *key, size_t *keylen, unsigned max,
		    int (*cb)(const void *key, size_t keylen, const void *val,
		    size_t vallen, uint8_t version, void *arg), void *arg);
/* The walks are over: reads are here and there from now on, and memory that
 * they took is given back. */
void		 store_settle(struct store *);
/* About so many bytes of what was read may stay resident, 12 megabytes at least,
 * which is the default; less than 48 always may. */
void		 store_memory(struct store *, size_t);
/* Plain tables: the first record with a key >= the given one; fills key. */
ssize_t		 store_next(struct store_table *, void *key, size_t *keylen, size_t keysize,
		    void *buf, size_t size, uint8_t *version);
uint64_t	 store_count(struct store_table *);

/*
 * Group commit without an event loop of its own: the shell asks when to call
 * store_tick (ms to wait, -1 for never) and calls it then.  store_commit
 * commits now.  store_set_wakeup: cb is called when a first write makes a
 * wake-up necessary, ms from now.
 */
int		 store_wait(const struct store *);
void		 store_tick(struct store *);
/* Readable when store_tick has something to do before that time; or -1. */
int		 store_fd(const struct store *);
int		 store_commit(struct store *);
void		 store_set_wakeup(struct store *, void (*cb)(int ms, void *), void *arg);
/* store_event.c: do the above with a libevent timer. */
void		 store_event(struct store *);
/* 0, or the errno of the last failed commit while none has succeeded since. */
int		 store_error(const struct store *);

#endif
