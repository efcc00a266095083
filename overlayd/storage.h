/* SPDX-License-Identifier: ISC */
/*
 * core: what this peer stores for the overlay (RFC 6940, 7; vipr-kind(7)): values by
 * (Resource-ID, Kind) and slot, with their signatures and the certificates of
 * their signers, generation counters, lifetimes, limits and displacement.
 * Everything is held in memory under a cap and written through to a store
 * behind st_ops, from which it is loaded again after a restart.
 *
 * Times are UTC ms.  Signatures and policies have been checked by the caller.
 */
#ifndef STORAGE_H
#define STORAGE_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "nodeid.h"
#include "reload_conf.h"

#define STORAGE_SLOT_MAX	1024	/* longest dictionary key taken */
#define STORAGE_VALUES_MAX	400000	/* values, all Kinds together */
#define STORAGE_BYTES_MAX	((size_t)192 * 1024 * 1024)
#define STORAGE_RECORD_MAX	(80 * 1024)	/* a value as written to disk */

enum storage_table { STORAGE_T_VALUE = 0, STORAGE_T_GENERATION = 1, STORAGE_T_CERT = 2 };

/* Persistence; val NULL deletes.  May be NULL: nothing is kept. */
typedef void (*storage_put_fn)(void *arg, enum storage_table, const void *key,
	    size_t keylen, const void *val, size_t vallen);

struct storage_cert {
	RB_ENTRY(storage_cert) sc_entry;
	uint8_t		 sc_sha256[32];
	unsigned	 sc_refs;
	uint64_t	 sc_mark;	/* of the answer that is being built */
	size_t		 sc_len;
	uint8_t		 sc_der[];
};

struct storage_owner;
struct storage_place;

struct storage_value {
	RB_ENTRY(storage_value) sv_entry;	/* in its place, by slot */
	RB_ENTRY(storage_value) sv_byexpiry;
	struct storage_place *sv_place;
	struct storage_owner *sv_owner;
	struct storage_cert *sv_cert;
	uint64_t	 sv_time;	/* storage_time */
	uint64_t	 sv_received;
	uint64_t	 sv_expire;
	uint64_t	 sv_seq;	/* makes the expiry order total */
	uint32_t	 sv_lifetime;	/* s, from sv_received */
	uint8_t		 sv_exists;
	uint8_t		 sv_primary;	/* we are responsible for its place */
	uint16_t	 sv_keylen;
	uint32_t	 sv_vallen;
	uint32_t	 sv_siglen;
	uint8_t		 sv_buf[];	/* slot, value, Signature as on the wire */
};
#define SV_KEY(v)	((v)->sv_buf)
#define SV_VAL(v)	((v)->sv_buf + (v)->sv_keylen)
#define SV_SIG(v)	((v)->sv_buf + (v)->sv_keylen + (v)->sv_vallen)

RB_HEAD(storage_values, storage_value);
RB_HEAD(storage_expiry, storage_value);
RB_HEAD(storage_certs, storage_cert);

struct storage_place {
	RB_ENTRY(storage_place) sp_entry;
	struct nodeid	 sp_resource;
	uint32_t	 sp_kind;
	uint32_t	 sp_count;
	uint64_t	 sp_generation;	/* at least 1 */
	struct storage_values sp_values;
};
RB_HEAD(storage_places, storage_place);

struct storage_owner {
	RB_ENTRY(storage_owner) so_entry;
	struct nodeid	 so_node;
	uint32_t	 so_count;	/* values held of it */
	uint32_t	 so_primary;	/* of these, ones that we are responsible for */
};
RB_HEAD(storage_owners, storage_owner);

struct storage {
	struct storage_places st_places;
	struct storage_expiry st_expiry;
	struct storage_owners st_owners;
	struct storage_certs st_certs;
	storage_put_fn	 st_put;
	void		*st_arg;
	struct nodeid	 st_from, st_to;	/* our range (from, to] */
	int		 st_loading;
	uint32_t	 st_share_ppb;
	uint64_t	 st_seq;
	uint64_t	 st_mark;
	size_t		 st_nvalues, st_nplaces, st_bytes;
	uint64_t	 st_displaced, st_expired;	/* counters */
};

/* One value of a StoreReq; spans are the caller's. */
struct storage_item {
	struct span	 si_key;	/* dictionary key */
	uint32_t	 si_index;	/* array index, UINT32_MAX appends */
	uint64_t	 si_time;
	uint32_t	 si_lifetime;
	uint8_t		 si_exists;
	struct span	 si_value;
	struct span	 si_sig;	/* Signature as on the wire */
	struct nodeid	 si_signer;
	uint8_t		 si_sha256[32];	/* of the certificate */
	struct span	 si_cert;	/* DER */
};

struct storage_set {
	const struct reload_kind *ss_kind;
	uint64_t	 ss_generation;	/* of the request */
	struct storage_item *ss_items;
	size_t		 ss_nitems;
	uint64_t	 ss_current;	/* out: counter afterwards, or now when refused */
	int		 ss_changed;	/* out */
};

void	 storage_init(struct storage *, storage_put_fn, void *arg);
void	 storage_clear(struct storage *);
/* Our range and share of the ring; whose quotas are counted. */
void	 storage_range(struct storage *, const struct nodeid *from,
	    const struct nodeid *to, uint32_t share_ppb);
/*
 * Check all sets and then write all, or nothing.  replica: a copy made by a
 * peer.  0, or the RELOAD error code; *why is static text.
 */
int	 storage_store(struct storage *, const struct nodeid *resource, int replica,
	    struct storage_set *, size_t nsets, uint64_t now, const char **why);
const struct storage_place *storage_find(const struct storage *,
	    const struct nodeid *resource, uint32_t kind);
/* The first place at or after (resource, kind) in numerical order; NULL: none. */
struct storage_place *storage_nfind(struct storage *, const struct nodeid *,
	    uint32_t kind);
struct storage_value *storage_slot(const struct storage_place *, const void *key,
	    size_t keylen);
struct storage_value *storage_first(const struct storage_place *);
struct storage_value *storage_after(struct storage_value *);
/* Seconds left of a value; 0: expired. */
uint32_t storage_left(const struct storage_value *, uint64_t now);
void	 storage_drop(struct storage *, struct storage_place *);
/* Remove what has expired, at most max values; when to come again, or 0. */
uint64_t storage_expire(struct storage *, uint64_t now, unsigned max);
/* Number of different Resource-IDs is st_nplaces with one Kind a place. */

/* Records that storage_put_fn wrote, in the order certificates, generations,
 * values.  0, or -1 for one that is not ours to read (drop it from disk). */
int	 storage_load(struct storage *, enum storage_table, const void *key,
	    size_t keylen, const void *val, size_t vallen, uint64_t now);
/* After loading: counters of places that hold nothing are forgotten. */
void	 storage_loaded(struct storage *);

RB_PROTOTYPE(storage_places, storage_place, sp_entry, storage_place_cmp)

#endif
