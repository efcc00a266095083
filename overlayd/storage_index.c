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
 * core: the index of stored values: places in order, their values as lists by
 * slot, signers with their counts, certificates with their references; our
 * range, and what is swept out of it.
 */

#include <stdlib.h>
#include <string.h>

#include "storage.h"
#include "storage_int.h"

static int	 place_cmp(const void *, const void *);
static int	 owner_cmp(const void *, const void *);
static int	 cert_cmp(const void *, const void *);
static const void *key_first(const void *);
static int	 slot_cmp(const struct storage_value *, const uint8_t *, size_t);
static uint32_t	 place_get(struct storage *, const struct nodeid *, uint32_t, int);
static uint32_t	 owner_of_cert(struct storage *, const struct nodeid *, uint32_t);
static uint32_t	 cert_find(struct storage *, const uint8_t *);
static void	 owner_unref(struct storage *, uint32_t, int);
static void	 value_link(struct storage *, uint32_t);
static void	 value_fill(struct storage_value *, const struct storage_new *, size_t);
static int	 value_keep(struct storage *, const struct storage_new *, uint8_t **,
		    size_t *);
static void	 range_step(struct storage *);
static void	 place_mark(struct storage *, struct storage_place *, uint8_t);

static int
place_cmp(const void *a, const void *b)
{
	const struct storage_place *sp = a;
	const struct storage_key *sk = b;

	if (sp->sp_kind != sk->sk_kind)
		return (sp->sp_kind < sk->sk_kind ? -1 : 1);
	return (memcmp(sp->sp_resource.id_b, sk->sk_resource.id_b, NODEID_LEN));
}

static int
owner_cmp(const void *a, const void *b)
{
	const struct storage_owner *so = a;

	return (memcmp(so->so_node.id_b, b, NODEID_LEN));
}

static int
cert_cmp(const void *a, const void *b)
{
	const struct storage_cert *sc = a;

	return (memcmp(sc->sc_sha256, b, sizeof(sc->sc_sha256)));
}

/* Each entry begins with its key. */
static const void *
key_first(const void *entry)
{
	return (entry);
}

/* Indexes are four bytes, so that they sort as numbers. */
static int
slot_cmp(const struct storage_value *sv, const uint8_t *id, size_t keylen)
{
	int		 c;

	if ((c = memcmp(sv->sv_slot, id, STORAGE_SLOT_ID)) != 0)
		return (c);
	return (sv->sv_keylen < keylen ? -1 : sv->sv_keylen > keylen);
}

void
storage_init(struct storage *st, storage_put_fn put, storage_get_fn get, void *arg)
{
	size_t		 more = get == NULL ? sizeof(uint8_t *) : 0;

	memset(st, 0, sizeof(*st));
	slab_init(&st->st_values, sizeof(struct storage_value) + more);
	slab_init(&st->st_places, sizeof(struct storage_place));
	slab_init(&st->st_owners, sizeof(struct storage_owner));
	slab_init(&st->st_certs, sizeof(struct storage_cert) + more);
	itree_init(&st->st_byplace, &st->st_places,
	    offsetof(struct storage_place, sp_link), place_cmp, key_first);
	itree_init(&st->st_bynode, &st->st_owners,
	    offsetof(struct storage_owner, so_link), owner_cmp, key_first);
	itree_init(&st->st_bysha256, &st->st_certs,
	    offsetof(struct storage_cert, sc_link), cert_cmp, key_first);
	st->st_put = put;
	st->st_get = get;
	st->st_arg = arg;
	st->st_share_ppb = 1000000000;
}

void
storage_clear(struct storage *st)
{
	uint32_t	 i;

	for (i = 1; st->st_get == NULL && i <= st->st_values.sb_top; i++) {
		if (storage_value_at(st, i)->sv_place != 0)
			free(*storage_value_memory(storage_value_at(st, i)));
	}
	for (i = 1; st->st_get == NULL && i <= st->st_certs.sb_top; i++) {
		if (storage_cert_at(st, i)->sc_refs != 0)
			free(*storage_cert_memory(storage_cert_at(st, i)));
	}
	slab_clear(&st->st_values);
	slab_clear(&st->st_places);
	slab_clear(&st->st_owners);
	slab_clear(&st->st_certs);
	free(st->st_buf);
	free(st->st_memo);
	storage_init(st, NULL, NULL, NULL);
}

/* -- places -- */

uint32_t
storage_place_number(const struct storage *st, const struct nodeid *resource, uint32_t kind)
{
	struct storage_key sk;

	sk.sk_resource = *resource;
	sk.sk_kind = kind;
	return (itree_find(&st->st_byplace, &sk));
}

const struct storage_place *
storage_find(const struct storage *st, const struct nodeid *resource, uint32_t kind)
{
	return (storage_place_at(st, storage_place_number(st, resource, kind)));
}

struct storage_place *
storage_nfind(const struct storage *st, const struct nodeid *resource, uint32_t kind)
{
	struct storage_key sk;

	sk.sk_resource = *resource;
	sk.sk_kind = kind;
	return (storage_place_at(st, itree_nfind(&st->st_byplace, &sk)));
}

uint32_t
storage_place_get(struct storage *st, const struct nodeid *resource, uint32_t kind)
{
	return (place_get(st, resource, kind, 0));
}

/*
 * Records come in the order of resources.  Those of our Kind are chained as
 * they come and made a tree at the end; there are few others.
 */
uint32_t
storage_place_load(struct storage *st, const struct nodeid *resource, uint32_t kind)
{
	const struct storage_place *sp = storage_place_at(st, st->st_last);
	int		 chain = kind == RELOAD_KIND_VIPR;

	if (chain && sp != NULL && nodeid_cmp(resource, &sp->sp_resource) <= 0) {
		storage_place_build(st);
		chain = 0;
	}
	return (place_get(st, resource, kind, chain));
}

void
storage_place_build(struct storage *st)
{
	if (st->st_chained > 0)
		itree_build(&st->st_byplace, st->st_first, st->st_chained);
	st->st_first = st->st_last = st->st_chained = 0;
}

static uint32_t
place_get(struct storage *st, const struct nodeid *resource, uint32_t kind, int chain)
{
	struct storage_place *sp;
	struct storage_key sk;
	uint32_t	 n;

	sk.sk_resource = *resource;
	sk.sk_kind = kind;
	if ((n = itree_find(&st->st_byplace, &sk)) != 0 ||
	    (n = slab_new(&st->st_places)) == 0)
		return (n);
	sp = storage_place_at(st, n);
	sp->sp_resource = *resource;
	sp->sp_kind = kind;
	if (chain) {
		itree_chain(&st->st_byplace, st->st_last, n);
		st->st_last = n;
		if (st->st_chained++ == 0)
			st->st_first = n;
	} else
		itree_insert(&st->st_byplace, n, &sk);
	sp->sp_link.il_mark = (uint8_t)nodeid_in(resource, &st->st_from, &st->st_to);
	st->st_nplaces++;
	return (n);
}

void
storage_place_free(struct storage *st, struct storage_place *sp)
{
	struct storage_key sk;

	sk.sk_resource = sp->sp_resource;
	sk.sk_kind = sp->sp_kind;
	if (sp->sp_generation != 0) {
		sp->sp_generation = 0;
		storage_generation_write(st, sp);
	}
	slab_free(&st->st_places, itree_remove(&st->st_byplace, &sk));
	st->st_nplaces--;
}

void
storage_drop(struct storage *st, struct storage_place *sp)
{
	struct storage_value *sv;

	while ((sv = storage_value_at(st, sp->sp_head)) != NULL)
		storage_value_remove(st, sv);
	storage_place_free(st, sp);
}

/* -- signers -- */

uint32_t
storage_owner_get(struct storage *st, const struct nodeid *node, int make)
{
	uint32_t	 n;

	if ((n = itree_find(&st->st_bynode, node->id_b)) != 0 || !make ||
	    (n = slab_new(&st->st_owners)) == 0)
		return (n);
	storage_owner_at(st, n)->so_node = *node;
	itree_insert(&st->st_bynode, n, node->id_b);
	return (n);
}

static void
owner_unref(struct storage *st, uint32_t n, int primary)
{
	struct storage_owner *so = storage_owner_at(st, n);

	so->so_primary -= (uint32_t)primary;
	if (--so->so_count > 0)
		return;
	(void)itree_remove(&st->st_bynode, so->so_node.id_b);
	slab_free(&st->st_owners, n);
}

/* The signer; as a rule the one that used the certificate last. */
static uint32_t
owner_of_cert(struct storage *st, const struct nodeid *node, uint32_t cert)
{
	struct storage_cert *sc = storage_cert_at(st, cert);
	struct storage_owner *so = storage_owner_at(st, sc->sc_owner);

	if (so == NULL || so->so_link.il_height == 0 || !nodeid_eq(&so->so_node, node))
		sc->sc_owner = storage_owner_get(st, node, 1);
	return (sc->sc_owner);
}

static uint32_t
cert_find(struct storage *st, const uint8_t *sha256)
{
	uint32_t	*memo, n;

	if (st->st_memo == NULL)
		return (itree_find(&st->st_bysha256, sha256));
	memo = &st->st_memo[(size_t)sha256[0] << 8 | sha256[1]];
	if (*memo != 0 && cert_cmp(storage_cert_at(st, *memo), sha256) == 0)
		return (*memo);
	if ((n = itree_find(&st->st_bysha256, sha256)) != 0)
		*memo = n;
	return (n);
}

uint32_t
storage_cert_get(struct storage *st, const uint8_t *sha256, struct span der)
{
	struct storage_cert *sc;
	uint8_t		*copy = NULL;
	uint32_t	 n;

	if ((n = cert_find(st, sha256)) != 0) {
		storage_cert_at(st, n)->sc_refs++;
		return (n);
	}
	if (der.len == 0 || der.len > STORAGE_RECORD_MAX ||
	    (n = slab_new(&st->st_certs)) == 0)
		return (0);
	if ((st->st_get == NULL && (copy = malloc(der.len)) == NULL) ||
	    (st->st_put != NULL && !st->st_loading && st->st_put(st->st_arg,
	    STORAGE_T_CERT, sha256, sizeof(sc->sc_sha256), der.p, der.len) == -1)) {
		free(copy);
		slab_free(&st->st_certs, n);
		return (0);
	}
	if (copy != NULL) {
		memcpy(copy, der.p, der.len);
		*storage_cert_memory(storage_cert_at(st, n)) = copy;
	}
	sc = storage_cert_at(st, n);
	memcpy(sc->sc_sha256, sha256, sizeof(sc->sc_sha256));
	sc->sc_len = (uint32_t)der.len;
	sc->sc_refs = 1;
	itree_insert(&st->st_bysha256, n, sha256);
	st->st_bytes += sizeof(sc->sc_sha256) + der.len;
	return (n);
}

void
storage_cert_unref(struct storage *st, uint32_t n)
{
	struct storage_cert *sc = storage_cert_at(st, n);

	if (--sc->sc_refs > 0)
		return;
	if (st->st_put != NULL && !st->st_loading)
		(void)st->st_put(st->st_arg, STORAGE_T_CERT, sc->sc_sha256,
		    sizeof(sc->sc_sha256), NULL, 0);
	if (st->st_get == NULL)
		free(*storage_cert_memory(sc));
	st->st_bytes -= sizeof(sc->sc_sha256) + sc->sc_len;
	(void)itree_remove(&st->st_bysha256, sc->sc_sha256);
	slab_free(&st->st_certs, n);
}

/* -- values -- */

struct storage_value *
storage_value_find(const struct storage *st, const struct storage_place *sp,
    const uint8_t id[STORAGE_SLOT_ID], size_t keylen)
{
	struct storage_value *sv;
	int		 c;

	for (sv = storage_first(st, sp); sv != NULL; sv = storage_after(st, sv)) {
		if ((c = slot_cmp(sv, id, keylen)) >= 0)
			return (c == 0 ? sv : NULL);
	}
	return (NULL);
}

struct storage_value *
storage_slot(const struct storage *st, const struct storage_place *sp, const void *key,
    size_t keylen)
{
	uint8_t		 id[STORAGE_SLOT_ID];

	if (sp == NULL || keylen > STORAGE_SLOT_MAX)
		return (NULL);
	storage_slot_id(key, keylen, id);
	return (storage_value_find(st, sp, id, keylen));
}

struct storage_value *
storage_first(const struct storage *st, const struct storage_place *sp)
{
	return (sp == NULL ? NULL : storage_value_at(st, sp->sp_head));
}

struct storage_value *
storage_after(const struct storage *st, const struct storage_value *sv)
{
	return (storage_value_at(st, sv->sv_next));
}

struct storage_place *
storage_place(const struct storage *st, const struct storage_value *sv)
{
	return (storage_place_at(st, sv->sv_place));
}

const struct nodeid *
storage_signer(const struct storage *st, const struct storage_value *sv)
{
	return (&storage_owner_at(st, sv->sv_owner)->so_node);
}

uint64_t
storage_received(const struct storage_value *sv)
{
	return ((uint64_t)sv->sv_seconds * 1000 + sv->sv_millis);
}

uint64_t
storage_expires(const struct storage_value *sv)
{
	return (storage_received(sv) + (uint64_t)sv->sv_lifetime * 1000);
}

uint32_t
storage_index(const struct storage_value *sv)
{
	struct cur	 c;
	uint32_t	 index = 0;

	cur_init(&c, sv->sv_slot, sizeof(sv->sv_slot));
	(void)cur_u32(&c, &index);
	return (index);
}

uint32_t
storage_left(const struct storage_value *sv, uint64_t now)
{
	uint64_t	 expires = storage_expires(sv);

	if (now >= expires || sv->sv_lost)
		return (0);
	/* A clock that was set back does not lengthen a life. */
	if (now < storage_received(sv))
		return (sv->sv_lifetime);
	return ((uint32_t)((expires - now + 999) / 1000));
}

static void
value_fill(struct storage_value *sv, const struct storage_new *nw, size_t len)
{
	sv->sv_time = nw->nw_item->si_time;
	memcpy(sv->sv_slot, nw->nw_id, sizeof(sv->sv_slot));
	sv->sv_seconds = (uint32_t)(nw->nw_received / 1000);
	sv->sv_millis = (unsigned)(nw->nw_received % 1000) & 0x3ff;
	sv->sv_lifetime = nw->nw_lifetime;
	sv->sv_keylen = (unsigned)nw->nw_slot.len & 0x7ff;
	sv->sv_exists = nw->nw_item->si_exists != 0;
	sv->sv_lost = 0;
	sv->sv_len = (uint32_t)len;
}

/* Into the list of its place. */
static void
value_link(struct storage *st, uint32_t n)
{
	struct storage_value *sv = storage_value_at(st, n), *other;
	struct storage_place *sp = storage_place(st, sv);
	uint32_t	*at = &sp->sp_head;

	while ((other = storage_value_at(st, *at)) != NULL &&
	    slot_cmp(other, sv->sv_slot, sv->sv_keylen) < 0)
		at = &other->sv_next;
	sv->sv_next = *at;
	*at = n;
	sp->sp_count++;
	st->st_nvalues++;
}

/* The record as it was loaded or, once written, a new one; in *mem if bodies
 * are in memory. */
static int
value_keep(struct storage *st, const struct storage_new *nw, uint8_t **mem, size_t *len)
{
	uint8_t		 key[STORAGE_KEY_LEN], *rec;
	int		 r = 0;

	*mem = NULL;
	if (nw->nw_record.p != NULL) {
		*len = nw->nw_record.len;
		if (st->st_get != NULL)
			return (0);
		if ((*mem = malloc(*len)) == NULL)
			return (-1);
		memcpy(*mem, nw->nw_record.p, *len);
		return (0);
	}
	if ((rec = storage_record_make(nw, len)) == NULL)
		return (-1);
	if (st->st_put != NULL) {
		storage_record_key(storage_place_at(st, nw->nw_place), nw->nw_id,
		    nw->nw_slot.len, key);
		r = st->st_put(st->st_arg, STORAGE_T_VALUE, key, sizeof(key), rec, *len);
	}
	if (r == 0 && st->st_get == NULL)
		*mem = rec;
	else
		free(rec);
	return (r);
}

int
storage_value_put(struct storage *st, const struct storage_new *nw)
{
	struct storage_place *sp = storage_place_at(st, nw->nw_place);
	struct storage_value *sv;
	uint8_t		*mem;
	size_t		 len;
	uint32_t	 n = 0, cert, owner;
	uint64_t	 expires;

	sv = storage_value_find(st, sp, nw->nw_id, nw->nw_slot.len);
	if ((cert = storage_cert_get(st, nw->nw_item->si_sha256, nw->nw_item->si_cert)) == 0)
		return (-1);
	if ((owner = owner_of_cert(st, &nw->nw_item->si_signer, cert)) == 0) {
		storage_cert_unref(st, cert);
		return (-1);
	}
	storage_owner_at(st, owner)->so_count++;
	storage_owner_at(st, owner)->so_primary += sp->sp_link.il_mark;
	if ((sv == NULL && (n = slab_new(&st->st_values)) == 0) ||
	    value_keep(st, nw, &mem, &len) == -1) {
		if (n != 0)
			slab_free(&st->st_values, n);
		owner_unref(st, owner, sp->sp_link.il_mark);
		storage_cert_unref(st, cert);
		return (-1);
	}
	if (sv != NULL) {
		st->st_bytes -= STORAGE_KEY_LEN + sv->sv_len;
		owner_unref(st, sv->sv_owner, sp->sp_link.il_mark);
		storage_cert_unref(st, sv->sv_cert);
		if (st->st_get == NULL)
			free(*storage_value_memory(sv));
	} else
		sv = storage_value_at(st, n);
	value_fill(sv, nw, len);
	sv->sv_owner = owner;
	sv->sv_cert = cert;
	if (st->st_get == NULL)
		*storage_value_memory(sv) = mem;
	if (sv->sv_place == 0) {
		sv->sv_place = nw->nw_place;
		value_link(st, n);
	}
	st->st_bytes += STORAGE_KEY_LEN + len;
	if ((expires = storage_expires(sv)) == 0)
		expires = 1;
	if (st->st_bound == 0 || expires < st->st_bound)
		st->st_bound = expires;
	if (st->st_scanat != 0 && expires < st->st_scanmin)
		st->st_scanmin = expires;
	return (0);
}

void
storage_value_remove(struct storage *st, struct storage_value *sv)
{
	struct storage_place *sp = storage_place(st, sv);
	struct storage_value *other;
	uint32_t	*at = &sp->sp_head, n;

	storage_record_delete(st, sv);
	while ((other = storage_value_at(st, *at)) != sv)
		at = &other->sv_next;
	n = *at;
	*at = sv->sv_next;
	sp->sp_count--;
	st->st_nvalues--;
	st->st_bytes -= STORAGE_KEY_LEN + sv->sv_len;
	owner_unref(st, sv->sv_owner, sp->sp_link.il_mark);
	storage_cert_unref(st, sv->sv_cert);
	if (st->st_get == NULL)
		free(*storage_value_memory(sv));
	slab_free(&st->st_values, n);
}

/* -- sweeping: a part of the index a call -- */

/* Count the values of a place as ours to answer for, or not. */
static void
place_mark(struct storage *st, struct storage_place *sp, uint8_t mark)
{
	struct storage_value *sv;
	struct storage_owner *so;

	if (sp->sp_link.il_mark == mark)
		return;
	sp->sp_link.il_mark = mark;
	for (sv = storage_first(st, sp); sv != NULL; sv = storage_after(st, sv)) {
		so = storage_owner_at(st, sv->sv_owner);
		so->so_primary += mark ? 1 : UINT32_MAX;	/* or minus 1 */
	}
}

static void
range_step(struct storage *st)
{
	struct storage_place *sp;
	uint32_t	 step = STORAGE_STEP;

	for (; st->st_rangeat <= st->st_places.sb_top && step > 0; step--) {
		sp = storage_place_at(st, st->st_rangeat++);
		if (sp->sp_link.il_height != 0)
			place_mark(st, sp, (uint8_t)nodeid_in(&sp->sp_resource,
			    &st->st_from, &st->st_to));
	}
	if (st->st_rangeat > st->st_places.sb_top)
		st->st_rangeat = 0;
}

void
storage_range(struct storage *st, const struct nodeid *from, const struct nodeid *to,
    uint32_t share_ppb)
{
	if (nodeid_eq(from, &st->st_from) && nodeid_eq(to, &st->st_to))
		return;
	st->st_from = *from;
	st->st_to = *to;
	st->st_share_ppb = share_ppb;
	st->st_rangeat = 1;
	range_step(st);
}

int
storage_forget(struct storage *st, const struct nodeid *from, const struct nodeid *to)
{
	struct storage_place *sp;
	uint32_t	 step = STORAGE_STEP, drops = STORAGE_DROPS;

	if (st->st_forgetat == 0)
		st->st_forgetat = 1;
	for (; st->st_forgetat <= st->st_places.sb_top && step > 0 && drops > 0; step--) {
		sp = storage_place_at(st, st->st_forgetat++);
		if (sp->sp_link.il_height == 0 || nodeid_in(&sp->sp_resource, from, to))
			continue;
		storage_drop(st, sp);
		drops--;
	}
	if (st->st_forgetat <= st->st_places.sb_top)
		return (1);
	st->st_forgetat = 0;
	return (0);
}

void
storage_shift(struct storage *st, int64_t jump, uint64_t now)
{
	struct storage_value *sv;
	uint64_t	 received;
	uint32_t	 i;

	for (i = 1; i <= st->st_values.sb_top; i++) {
		sv = storage_value_at(st, i);
		if (sv->sv_place == 0)
			continue;
		received = storage_received(sv);
		if (jump < 0 && received < (uint64_t)-jump)
			received = 0;
		else
			received += (uint64_t)jump;
		if (received > now)
			received = now;
		sv->sv_seconds = (uint32_t)(received / 1000);
		sv->sv_millis = (unsigned)(received % 1000) & 0x3ff;
	}
	/* Look at all of them again. */
	st->st_bound = st->st_nvalues > 0;
	st->st_scanat = 0;
}

uint64_t
storage_expire(struct storage *st, uint64_t now, unsigned max)
{
	struct storage_value *sv;
	struct storage_place *sp;
	uint64_t	 expires;
	uint32_t	 step = STORAGE_STEP;

	if (st->st_rangeat != 0) {
		range_step(st);
		return (now);
	}
	if (st->st_scanat == 0) {
		if (st->st_bound == 0 || now < st->st_bound)
			return (st->st_bound);
		st->st_scanat = 1;
		st->st_scanmin = UINT64_MAX;
	}
	for (; st->st_scanat <= st->st_values.sb_top; st->st_scanat++) {
		sv = storage_value_at(st, st->st_scanat);
		if (step-- == 0)
			return (now);
		if (sv->sv_place == 0)
			continue;
		expires = storage_expires(sv);
		if (expires > now && !sv->sv_lost) {
			if (expires < st->st_scanmin)
				st->st_scanmin = expires;
			continue;
		}
		if (max-- == 0)
			return (now);
		st->st_expired += !sv->sv_lost;
		sp = storage_place(st, sv);
		storage_value_remove(st, sv);
		if (sp->sp_count == 0)
			storage_place_free(st, sp);
	}
	st->st_scanat = 0;
	st->st_bound = st->st_nvalues == 0 ? 0 : st->st_scanmin;
	return (st->st_bound);
}
