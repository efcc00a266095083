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
 * core: the index of stored values from the records of an earlier run.
 */

#include <stdlib.h>
#include <string.h>

#include "storage.h"
#include "storage_int.h"

static void	 load_begin(struct storage *);
static uint32_t	 load_place(struct storage *, const struct nodeid *, uint32_t);
static int	 load_value(struct storage *, const struct nodeid *, uint32_t, struct cur *,
		    struct span);

static void
load_begin(struct storage *st)
{
	if (st->st_loading)
		return;
	st->st_loading = 1;
	st->st_memo = calloc(STORAGE_MEMO, sizeof(*st->st_memo));	/* or NULL */
}

/* Values come in the same order as the places did. */
static uint32_t
load_place(struct storage *st, const struct nodeid *resource, uint32_t kind)
{
	const struct storage_place *sp;
	uint32_t	 n = st->st_hint;
	int		 i;

	for (i = 0; i < 2 && n <= st->st_places.sb_top; i++, n++) {
		if (n == 0)
			continue;
		sp = storage_place_at(st, n);
		if (sp->sp_link.il_height != 0 && sp->sp_kind == kind &&
		    nodeid_eq(&sp->sp_resource, resource)) {
			st->st_hint = n;
			return (n);
		}
	}
	return (st->st_hint = storage_place_get(st, resource, kind));
}

/* rest: of the record's key, the digest of the slot. */
static int
load_value(struct storage *st, const struct nodeid *resource, uint32_t kind,
    struct cur *rest, struct span rec)
{
	struct storage_new nw;
	struct storage_item si;
	struct storage_place *sp;
	int		 error = -1;

	memset(&nw, 0, sizeof(nw));
	cur_bytes(rest, nw.nw_id, sizeof(nw.nw_id));
	if (cur_done(rest) == -1 || storage_record_parse(rec.p, rec.len, &si,
	    &nw.nw_received, &nw.nw_slot) == -1 || nw.nw_received / 1000 > UINT32_MAX ||
	    (nw.nw_place = load_place(st, resource, kind)) == 0)
		return (-1);
	if (nw.nw_slot.len <= STORAGE_SLOT_ID)
		storage_slot_id(nw.nw_slot.p, nw.nw_slot.len, nw.nw_id);
	nw.nw_item = &si;
	nw.nw_lifetime = si.si_lifetime;
	nw.nw_record = rec;
	sp = storage_place_at(st, nw.nw_place);
	if (sp->sp_generation == 0)
		sp->sp_generation = 1;
	if (storage_value_find(st, sp, nw.nw_id, nw.nw_slot.len) == NULL)
		error = storage_value_put(st, &nw);
	if (sp->sp_count == 0)
		storage_place_free(st, sp);
	return (error);
}

int
storage_load(struct storage *st, enum storage_table table, const void *key,
    size_t keylen, const void *val, size_t vallen)
{
	struct nodeid	 resource;
	struct span	 rec = { val, vallen };
	struct cur	 k, v;
	uint64_t	 gen;
	uint32_t	 kind, n;

	load_begin(st);
	if (table == STORAGE_T_CERT) {
		/* One reference too many, given back by storage_loaded. */
		return (keylen != 32 || itree_find(&st->st_bysha256, key) != 0 ||
		    storage_cert_get(st, key, rec) == 0 ? -1 : 0);
	}
	cur_init(&k, key, keylen);
	cur_bytes(&k, resource.id_b, NODEID_LEN);
	cur_u32(&k, &kind);
	if (cur_ok(&k) == -1)
		return (-1);
	if (table == STORAGE_T_VALUE) {
		storage_place_build(st);
		return (load_value(st, &resource, kind, &k, rec));
	}
	cur_init(&v, val, vallen);
	cur_u64(&v, &gen);
	if (cur_done(&k) == -1 || cur_done(&v) == -1 || gen == 0 ||
	    (n = storage_place_load(st, &resource, kind)) == 0)
		return (-1);
	storage_place_at(st, n)->sp_generation = gen;
	return (0);
}

void
storage_loaded(struct storage *st)
{
	struct storage_place *sp;
	uint32_t	 i;

	if (!st->st_loading)
		return;
	storage_place_build(st);
	st->st_loading = 0;
	st->st_hint = 0;
	free(st->st_memo);
	st->st_memo = NULL;
	for (i = 1; i <= st->st_certs.sb_top; i++) {
		if (storage_cert_at(st, i)->sc_refs > 0)
			storage_cert_unref(st, i);
	}
	for (i = 1; i <= st->st_places.sb_top; i++) {
		sp = storage_place_at(st, i);
		if (sp->sp_link.il_height != 0 && sp->sp_count == 0)
			storage_place_free(st, sp);
	}
}
