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
 * core: stored values from the records of an earlier run.
 */

#include <string.h>

#include "storage.h"
#include "storage_int.h"

int
storage_load(struct storage *st, enum storage_table table, const void *key,
    size_t keylen, const void *val, size_t vallen, uint64_t now)
{
	struct storage_item si;
	struct storage_place *sp;
	struct span	 slot;
	struct nodeid	 resource;
	uint64_t	 received, gen;
	uint32_t	 kind;
	struct cur	 k, v;
	int		 error = -1;

	cur_init(&k, key, keylen);
	cur_init(&v, val, vallen);
	memset(&si, 0, sizeof(si));
	if (table == STORAGE_T_CERT) {
		if (keylen != sizeof(si.si_sha256) || vallen == 0)
			return (-1);
		st->st_loading = 1;
		si.si_cert.p = val;
		si.si_cert.len = vallen;
		/* One reference too many, given back by storage_loaded. */
		error = storage_cert_get(st, key, si.si_cert) == NULL ? -1 : 0;
		return (error);
	}
	st->st_loading = 1;
	cur_bytes(&k, resource.id_b, NODEID_LEN);
	cur_u32(&k, &kind);
	if (table == STORAGE_T_GENERATION) {
		cur_u64(&v, &gen);
		if (cur_done(&k) == -1 || cur_done(&v) == -1 || gen == 0 ||
		    (sp = storage_place_get(st, &resource, kind)) == NULL)
			return (-1);
		sp->sp_generation = gen;
		return (0);
	}
	cur_u64(&v, &si.si_time);
	cur_u64(&v, &received);
	cur_u32(&v, &si.si_lifetime);
	cur_u8(&v, &si.si_exists);
	cur_bytes(&v, si.si_signer.id_b, NODEID_LEN);
	cur_bytes(&v, si.si_sha256, sizeof(si.si_sha256));
	cur_lv_span(&v, 2, STORAGE_SLOT_MAX, &slot);
	cur_lv_span(&v, 4, STORAGE_VALUE_TOP, &si.si_value);
	cur_lv_span(&v, 2, 65535, &si.si_sig);
	if (cur_ok(&k) == -1 || cur_done(&v) == -1 ||
	    received + (uint64_t)si.si_lifetime * 1000 <= now)
		return (-1);
	if ((sp = storage_place_get(st, &resource, kind)) == NULL)
		return (-1);
	if (sp->sp_generation == 0)
		sp->sp_generation = 1;
	if (storage_slot(sp, slot.p, slot.len) == NULL)
		error = storage_value_insert(st, sp, &si, slot, received,
		    si.si_lifetime, received + (uint64_t)si.si_lifetime * 1000);
	if (sp->sp_count == 0)
		storage_place_free(st, sp);
	return (error);
}

void
storage_loaded(struct storage *st)
{
	struct storage_place *sp, *nsp;
	struct storage_cert *sc, *nsc;

	st->st_loading = 0;
	RB_FOREACH_SAFE(sc, storage_certs, &st->st_certs, nsc)
		storage_cert_unref(st, sc);
	RB_FOREACH_SAFE(sp, storage_places, &st->st_places, nsp) {
		if (sp->sp_count == 0)
			storage_place_free(st, sp);
	}
}
