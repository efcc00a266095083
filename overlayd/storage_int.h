/* SPDX-License-Identifier: ISC */
/* core: what the files of the storage share. */
#ifndef STORAGE_INT_H
#define STORAGE_INT_H

#include "storage.h"

#define STORAGE_VALUE_TOP	65535	/* bytes of one value, whatever the Kind says */
#define STORAGE_KEY_LEN		(NODEID_LEN + 4 + 16)	/* of a value's record */
#define STORAGE_STEP		65536	/* entries looked at in one call */
#define STORAGE_DROPS		256	/* places dropped in one call */
#define STORAGE_MEMO		65536	/* certificates remembered while loading */

/* -- storage_index.c -- */

static inline struct storage_value *
storage_value_at(const struct storage *st, uint32_t n)
{
	return (n == 0 ? NULL : slab_at(&st->st_values, n));
}

static inline struct storage_place *
storage_place_at(const struct storage *st, uint32_t n)
{
	return (n == 0 ? NULL : slab_at(&st->st_places, n));
}

static inline struct storage_owner *
storage_owner_at(const struct storage *st, uint32_t n)
{
	return (n == 0 ? NULL : slab_at(&st->st_owners, n));
}

static inline struct storage_cert *
storage_cert_at(const struct storage *st, uint32_t n)
{
	return (n == 0 ? NULL : slab_at(&st->st_certs, n));
}

/* Where the copy in memory hangs, behind the entry, when there is no st_get. */
static inline uint8_t **
storage_value_memory(struct storage_value *sv)
{
	return ((uint8_t **)(void *)(sv + 1));
}

static inline uint8_t **
storage_cert_memory(struct storage_cert *sc)
{
	return ((uint8_t **)(void *)(sc + 1));
}

/* Moment of expiry. */
uint64_t storage_expires(const struct storage_value *);
/* Number of the place, made if need be; 0: no memory. */
uint32_t storage_place_get(struct storage *, const struct nodeid *, uint32_t kind);
/* The same while generations are loaded; the new ones are found after the
 * second only. */
uint32_t storage_place_load(struct storage *, const struct nodeid *, uint32_t kind);
void	 storage_place_build(struct storage *);
uint32_t storage_place_number(const struct storage *, const struct nodeid *, uint32_t kind);
/* An empty one. */
void	 storage_place_free(struct storage *, struct storage_place *);
uint32_t storage_owner_get(struct storage *, const struct nodeid *, int make);
/* One reference more; the certificate is stored if it is new.  0: it is not
 * known and cannot be. */
uint32_t storage_cert_get(struct storage *, const uint8_t *, struct span);
void	 storage_cert_unref(struct storage *, uint32_t);
/* A value for a slot of a place. */
struct storage_new {
	uint32_t	 nw_place;
	const struct storage_item *nw_item;
	struct span	 nw_slot;
	uint8_t		 nw_id[STORAGE_SLOT_ID];	/* of that slot */
	uint64_t	 nw_received;
	uint32_t	 nw_lifetime;
	struct span	 nw_record;	/* as it was loaded; p NULL: to be made and written */
};
/* It takes the place of the one that is there.  -1: no room. */
int	 storage_value_put(struct storage *, const struct storage_new *);
struct storage_value *storage_value_find(const struct storage *,
	    const struct storage_place *, const uint8_t id[STORAGE_SLOT_ID], size_t keylen);
/* From the index and from disk; its place stays, even when empty. */
void	 storage_value_remove(struct storage *, struct storage_value *);

/* -- storage_body.c -- */

/* What stands in the index for a slot. */
void	 storage_slot_id(const void *, size_t, uint8_t [STORAGE_SLOT_ID]);
/* Read a record: spans point into it.  -1: it is not one. */
int	 storage_record_parse(const void *, size_t, struct storage_item *,
	    uint64_t *received, struct span *slot);
/* malloc'ed, its length in *len; NULL: no memory. */
uint8_t	*storage_record_make(const struct storage_new *, size_t *len);
/* Key of a value's record on disk, from what the index has of its slot. */
void	 storage_record_key(const struct storage_place *, const uint8_t id[STORAGE_SLOT_ID],
	    size_t keylen, uint8_t key[STORAGE_KEY_LEN]);
void	 storage_record_delete(struct storage *, const struct storage_value *);
/* A place's counter; sp_generation 0 deletes. */
void	 storage_generation_write(struct storage *, const struct storage_place *);
#endif
