/* SPDX-License-Identifier: ISC */
/*
 * core: what this peer stores for the overlay (RFC 6940, 7; vipr-kind(7)): values by
 * (Resource-ID, Kind) and slot, with their signatures and the certificates of
 * their signers, generation counters, lifetimes, limits and displacement.
 *
 * An index is in memory, some 104 bytes a value that has a place of its own:
 * who, where, when, and a digest of the slot.  The record itself (slot, value,
 * Signature) and certificates are written through st_put and read again through
 * st_get when they are asked for; without st_get they are kept in memory too.
 * After a restart the index is made again from the records.
 *
 * Times are UTC ms.  Signatures and policies have been checked by the caller.
 * Pointers to values and places are good until one of them is removed or stored;
 * a struct storage is not to be moved.
 */
#ifndef STORAGE_H
#define STORAGE_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "itree.h"
#include "nodeid.h"
#include "reload_conf.h"

#define STORAGE_SLOT_MAX	1024	/* longest dictionary key taken */
#define STORAGE_SLOT_ID		16	/* shorter slots stand in the index */
#define STORAGE_VALUES_MAX	2000000	/* values, all Kinds together */
#define STORAGE_BYTES_MAX	((size_t)1024 * 1024 * 1024)	/* of records */
#define STORAGE_RECORD_MAX	(136 * 1024)	/* a value as written to disk */

enum storage_table { STORAGE_T_VALUE = 0, STORAGE_T_GENERATION = 1, STORAGE_T_CERT = 2 };

/* Persistence; val NULL deletes.  May be NULL: nothing is kept.  0, or -1: not
 * written, no room. */
typedef int (*storage_put_fn)(void *arg, enum storage_table, const void *key,
	    size_t keylen, const void *val, size_t vallen);
/* A record that was put, in buf: its length; 0: there is none, or it is damaged;
 * -1: it cannot be read now. */
typedef ssize_t (*storage_get_fn)(void *arg, enum storage_table, const void *key,
	    size_t keylen, void *buf, size_t size);

struct storage_value {
	uint64_t	 sv_time;	/* storage_time */
	uint8_t		 sv_slot[STORAGE_SLOT_ID];	/* the slot or its digest */
	uint32_t	 sv_seconds;	/* received, UTC s; ms in sv_millis */
	uint32_t	 sv_lifetime;	/* s, from then on */
	uint32_t	 sv_place;	/* numbers of slab entries; 0: unused entry */
	uint32_t	 sv_next;	/* in its place, by slot */
	uint32_t	 sv_owner;
	uint32_t	 sv_cert;
	uint32_t	 sv_len;	/* of its record */
	unsigned	 sv_keylen : 11;	/* of the slot */
	unsigned	 sv_millis : 10;
	unsigned	 sv_exists : 1;
	unsigned	 sv_lost : 1;	/* its record is not to be had */
};
_Static_assert(sizeof(struct storage_value) == 56, "an entry of the index");

struct storage_key {		/* of a place */
	struct nodeid	 sk_resource;
	uint32_t	 sk_kind;
};

struct storage_place {
	struct nodeid	 sp_resource;	/* this and the next are its key */
	uint32_t	 sp_kind;
	uint32_t	 sp_count;
	uint64_t	 sp_generation;	/* at least 1 */
	uint32_t	 sp_head;	/* its values */
	struct ilink	 sp_link;	/* il_mark: we are responsible for it */
};
_Static_assert(sizeof(struct storage_place) == 48, "an entry of the index");

struct storage_owner {
	struct nodeid	 so_node;
	uint32_t	 so_count;	/* values held of it */
	uint32_t	 so_primary;	/* of these, ones that we are responsible for */
	struct ilink	 so_link;
};

struct storage_cert {
	uint8_t		 sc_sha256[32];
	uint32_t	 sc_refs;
	uint32_t	 sc_mark;	/* of the answer that is being built */
	uint32_t	 sc_len;
	uint32_t	 sc_owner;	/* last signer seen with it, or 0 */
	struct ilink	 sc_link;
	uint32_t	 sc_pad;
};
_Static_assert(sizeof(struct storage_cert) % sizeof(void *) == 0, "a pointer may follow");

/* What is not in the index; until the next call that reads or stores. */
struct storage_body {
	struct span	 sb_slot;
	struct span	 sb_value;
	struct span	 sb_sig;	/* Signature as on the wire */
};

struct storage {
	struct slab	 st_values, st_places, st_owners, st_certs;
	struct itree	 st_byplace;	/* by Kind, then Resource-ID */
	struct itree	 st_bynode;
	struct itree	 st_bysha256;
	storage_put_fn	 st_put;
	storage_get_fn	 st_get;
	void		*st_arg;
	uint8_t		*st_buf;	/* a record that was read */
	struct nodeid	 st_from, st_to;	/* our range (from, to] */
	uint32_t	 st_share_ppb;
	uint32_t	 st_mark;
	uint32_t	 st_rangeat;	/* place to look at next: the range changed */
	uint32_t	 st_forgetat;	/* storage_forget: the same */
	uint32_t	 st_scanat;	/* value to look at next: expiry */
	uint64_t	 st_scanmin;	/* first expiry of those looked at */
	uint64_t	 st_bound;	/* nothing expires before; 0: nothing at all */
	int		 st_loading;
	uint32_t	 st_first, st_last, st_chained;	/* places loaded in order */
	uint32_t	 st_hint;	/* the place of the last value loaded */
	uint32_t	*st_memo;	/* while loading: certificates by digest */
	size_t		 st_nvalues, st_nplaces, st_bytes;
	uint64_t	 st_displaced, st_expired, st_lost;	/* counters */
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

void	 storage_init(struct storage *, storage_put_fn, storage_get_fn, void *arg);
/* From memory only; what is on disk stays. */
void	 storage_clear(struct storage *);
/* Our range and share of the ring; whose quotas are counted.  Of many places
 * the later ones are counted anew by storage_expire. */
void	 storage_range(struct storage *, const struct nodeid *from,
	    const struct nodeid *to, uint32_t share_ppb);
/*
 * Check all sets and then write all, or nothing (all that there was room for,
 * if the disk is found full).  replica: a copy made by a peer.  0, or the
 * RELOAD error code; *why is static text.
 */
int	 storage_store(struct storage *, const struct nodeid *resource, int replica,
	    struct storage_set *, size_t nsets, uint64_t now, const char **why);
const struct storage_place *storage_find(const struct storage *,
	    const struct nodeid *resource, uint32_t kind);
/* The first place at or after (kind, resource) in the order of Kinds and, within
 * one, of Resource-IDs; NULL: none. */
struct storage_place *storage_nfind(const struct storage *, const struct nodeid *,
	    uint32_t kind);
/* Values of a place, which may be NULL, in the order of their slots: indexes as
 * numbers, longer keys by digest. */
struct storage_value *storage_slot(const struct storage *, const struct storage_place *,
	    const void *key, size_t keylen);
struct storage_value *storage_first(const struct storage *, const struct storage_place *);
struct storage_value *storage_after(const struct storage *, const struct storage_value *);
/* Of a value: its place, its signer, when it came. */
struct storage_place *storage_place(const struct storage *, const struct storage_value *);
const struct nodeid *storage_signer(const struct storage *, const struct storage_value *);
uint64_t storage_received(const struct storage_value *);
/* The index of a value in an array. */
uint32_t storage_index(const struct storage_value *);
/* Seconds left of a value; 0: expired, or lost. */
uint32_t storage_left(const struct storage_value *, uint64_t now);
/* Read its record, the certificate of its signer.  -1: not to be had; the value
 * is as good as expired if that is for good. */
int	 storage_body(struct storage *, struct storage_value *, struct storage_body *);
int	 storage_cert(struct storage *, struct storage_value *, struct span *der);
/* A new answer begins; then 1 for each certificate that is new in it. */
void	 storage_answer(struct storage *);
int	 storage_cert_new(struct storage *, const struct storage_value *);
void	 storage_drop(struct storage *, struct storage_place *);
/* Drop the places outside (from, to], a part of them a call.  1: come again. */
int	 storage_forget(struct storage *, const struct nodeid *from,
	    const struct nodeid *to);
/* Remove what has expired or was lost, at most max values, and look at a part
 * of the index only; when to come again, or 0. */
uint64_t storage_expire(struct storage *, uint64_t now, unsigned max);

/* UTC was set by jump ms and is now: what is stored is as old as it was.  Records
 * on disk keep the time they were written with. */
void	 storage_shift(struct storage *, int64_t jump, uint64_t now);

/* Records that storage_put_fn wrote, in the order certificates, generations,
 * values.  0, or -1 for one that is not ours to read (drop it from disk).
 * An expired one is taken, for storage_expire to drop. */
int	 storage_load(struct storage *, enum storage_table, const void *key,
	    size_t keylen, const void *val, size_t vallen);
/* After loading: counters of places that hold nothing are forgotten, and
 * certificates that no value needs. */
void	 storage_loaded(struct storage *);

#endif
