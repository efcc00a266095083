/* SPDX-License-Identifier: ISC */
/* core: what storage.c and storage_load.c share. */
#ifndef STORAGE_INT_H
#define STORAGE_INT_H

#include "storage.h"

#define STORAGE_VALUE_TOP	65535	/* bytes of one value, whatever the Kind says */

/* The place, made if need be. */
struct storage_place *storage_place_get(struct storage *, const struct nodeid *, uint32_t);
void	 storage_place_free(struct storage *, struct storage_place *);
/* One reference more; the certificate is stored if it is new. */
struct storage_cert *storage_cert_get(struct storage *, const uint8_t *, struct span);
void	 storage_cert_unref(struct storage *, struct storage_cert *);
/* Slot, received, lifetime and moment of expiry; -1: no memory. */
int	 storage_value_insert(struct storage *, struct storage_place *,
	    const struct storage_item *, struct span, uint64_t, uint32_t, uint64_t);

int	 storage_cert_cmp(const struct storage_cert *, const struct storage_cert *);
RB_PROTOTYPE(storage_certs, storage_cert, sc_entry, storage_cert_cmp)

#endif
