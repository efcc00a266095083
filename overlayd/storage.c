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
 * core: values stored for the overlay: limits, displacement, expiry and the
 * records that survive a restart.
 */

#include <sodium.h>

#include <stdlib.h>
#include <string.h>

#include "storage.h"
#include "storage_int.h"
#include "wire.h"

#define STORAGE_KEY_LEN	(NODEID_LEN + 4 + 16)

static int	 storage_key_cmp(const void *, size_t, const void *, size_t);
static int	 storage_value_cmp(const struct storage_value *, const struct storage_value *);
static int	 storage_expiry_cmp(const struct storage_value *, const struct storage_value *);
static int	 storage_place_cmp(const struct storage_place *, const struct storage_place *);
static int	 storage_owner_cmp(const struct storage_owner *, const struct storage_owner *);
static void	 storage_place_write(struct storage *, const struct storage_place *);
static struct storage_owner *storage_owner_get(struct storage *, const struct nodeid *, int);
static void	 storage_value_remove(struct storage *, struct storage_value *, int);
static void	 storage_value_write(struct storage *, const struct storage_value *);
static void	 storage_value_diskkey(const struct storage_value *, uint8_t *);
static int	 storage_slotkey(const struct reload_kind *, const struct storage_place *,
		    const struct storage_item *, uint32_t, uint8_t *, struct span *);
static int	 storage_check(struct storage *, const struct storage_place *,
		    const struct storage_set *, int, const char **);
static int	 storage_check_item(struct storage *, const struct storage_place *,
		    const struct storage_set *, size_t, int, uint32_t *, const char **);
static int	 storage_check_new(struct storage *, const struct storage_place *,
		    const struct storage_set *, const struct storage_item *, int,
		    uint32_t, const char **);
static int	 storage_same(const struct storage_value *, const struct storage_item *);
static struct storage_value *storage_victim(const struct storage *,
		    const struct storage_place *, const struct storage_item *, int);
static void	 storage_commit_set(struct storage *, const struct nodeid *,
		    struct storage_set *, int, uint64_t);
static uint32_t	 storage_of_node(const struct storage_place *, const struct nodeid *,
		    struct span);
static uint64_t	 storage_quota(const struct storage *, const struct reload_kind *);

RB_PROTOTYPE(storage_values, storage_value, sv_entry, storage_value_cmp)
RB_PROTOTYPE(storage_expiry, storage_value, sv_byexpiry, storage_expiry_cmp)
RB_PROTOTYPE(storage_owners, storage_owner, so_entry, storage_owner_cmp)
RB_GENERATE(storage_values, storage_value, sv_entry, storage_value_cmp)
RB_GENERATE(storage_expiry, storage_value, sv_byexpiry, storage_expiry_cmp)
RB_GENERATE(storage_places, storage_place, sp_entry, storage_place_cmp)
RB_GENERATE(storage_owners, storage_owner, so_entry, storage_owner_cmp)
RB_GENERATE(storage_certs, storage_cert, sc_entry, storage_cert_cmp)

static int
storage_key_cmp(const void *a, size_t alen, const void *b, size_t blen)
{
	size_t		 n = alen < blen ? alen : blen;
	int		 c;

	/* Indexes are stored as four bytes, so that they sort as numbers. */
	if (n > 0 && (c = memcmp(a, b, n)) != 0)
		return (c);
	return (alen < blen ? -1 : alen > blen);
}

static int
storage_value_cmp(const struct storage_value *a, const struct storage_value *b)
{
	return (storage_key_cmp(SV_KEY(a), a->sv_keylen, SV_KEY(b), b->sv_keylen));
}

static int
storage_expiry_cmp(const struct storage_value *a, const struct storage_value *b)
{
	if (a->sv_expire != b->sv_expire)
		return (a->sv_expire < b->sv_expire ? -1 : 1);
	return (a->sv_seq < b->sv_seq ? -1 : a->sv_seq > b->sv_seq);
}

static int
storage_place_cmp(const struct storage_place *a, const struct storage_place *b)
{
	int		 c;

	if ((c = nodeid_cmp(&a->sp_resource, &b->sp_resource)) != 0)
		return (c);
	return (a->sp_kind < b->sp_kind ? -1 : a->sp_kind > b->sp_kind);
}

static int
storage_owner_cmp(const struct storage_owner *a, const struct storage_owner *b)
{
	return (nodeid_cmp(&a->so_node, &b->so_node));
}

int
storage_cert_cmp(const struct storage_cert *a, const struct storage_cert *b)
{
	return (memcmp(a->sc_sha256, b->sc_sha256, sizeof(a->sc_sha256)));
}

void
storage_init(struct storage *st, storage_put_fn put, void *arg)
{
	memset(st, 0, sizeof(*st));
	RB_INIT(&st->st_places);
	RB_INIT(&st->st_expiry);
	RB_INIT(&st->st_owners);
	RB_INIT(&st->st_certs);
	st->st_put = put;
	st->st_arg = arg;
	st->st_share_ppb = 1000000000;
}

/* From memory only; what is on disk stays. */
void
storage_clear(struct storage *st)
{
	struct storage_place *sp;

	st->st_put = NULL;
	while ((sp = RB_MIN(storage_places, &st->st_places)) != NULL)
		storage_drop(st, sp);
}

void
storage_range(struct storage *st, const struct nodeid *from,
    const struct nodeid *to, uint32_t share_ppb)
{
	struct storage_owner *so;
	struct storage_place *sp;
	struct storage_value *sv;
	uint8_t		 primary;

	if (nodeid_eq(from, &st->st_from) && nodeid_eq(to, &st->st_to))
		return;
	st->st_from = *from;
	st->st_to = *to;
	st->st_share_ppb = share_ppb;
	RB_FOREACH(so, storage_owners, &st->st_owners)
		so->so_primary = 0;
	RB_FOREACH(sp, storage_places, &st->st_places) {
		primary = (uint8_t)nodeid_in(&sp->sp_resource, from, to);
		RB_FOREACH(sv, storage_values, &sp->sp_values) {
			sv->sv_primary = primary;
			sv->sv_owner->so_primary += primary;
		}
	}
}

const struct storage_place *
storage_find(const struct storage *st, const struct nodeid *resource, uint32_t kind)
{
	struct storage_place key;
	struct storage_places head = st->st_places;

	key.sp_resource = *resource;
	key.sp_kind = kind;
	return (RB_FIND(storage_places, &head, &key));
}

struct storage_place *
storage_nfind(struct storage *st, const struct nodeid *resource, uint32_t kind)
{
	struct storage_place key;

	key.sp_resource = *resource;
	key.sp_kind = kind;
	return (RB_NFIND(storage_places, &st->st_places, &key));
}

struct storage_value *
storage_slot(const struct storage_place *sp, const void *key, size_t keylen)
{
	struct storage_value *sv;
	int		 c;

	if (sp == NULL || keylen > STORAGE_SLOT_MAX)
		return (NULL);
	sv = RB_ROOT(&sp->sp_values);
	while (sv != NULL) {
		c = storage_key_cmp(key, keylen, SV_KEY(sv), sv->sv_keylen);
		if (c == 0)
			break;
		sv = c < 0 ? RB_LEFT(sv, sv_entry) : RB_RIGHT(sv, sv_entry);
	}
	return (sv);
}

struct storage_value *
storage_first(const struct storage_place *sp)
{
	struct storage_values head = sp->sp_values;

	return (RB_MIN(storage_values, &head));
}

struct storage_value *
storage_after(struct storage_value *sv)
{
	return (RB_NEXT(storage_values, NULL, sv));
}

uint32_t
storage_left(const struct storage_value *sv, uint64_t now)
{
	if (now >= sv->sv_expire)
		return (0);
	/* A clock that was set back does not lengthen a life. */
	if (now < sv->sv_received)
		return (sv->sv_lifetime);
	return ((uint32_t)((sv->sv_expire - now + 999) / 1000));
}

struct storage_place *
storage_place_get(struct storage *st, const struct nodeid *resource, uint32_t kind)
{
	struct storage_place *sp, key;

	key.sp_resource = *resource;
	key.sp_kind = kind;
	if ((sp = RB_FIND(storage_places, &st->st_places, &key)) != NULL)
		return (sp);
	if ((sp = calloc(1, sizeof(*sp))) == NULL)
		return (NULL);
	sp->sp_resource = *resource;
	sp->sp_kind = kind;
	RB_INIT(&sp->sp_values);
	RB_INSERT(storage_places, &st->st_places, sp);
	st->st_nplaces++;
	return (sp);
}

void
storage_place_free(struct storage *st, struct storage_place *sp)
{
	uint8_t		 key[NODEID_LEN + 4];
	struct wbuf	 w;

	RB_REMOVE(storage_places, &st->st_places, sp);
	st->st_nplaces--;
	if (st->st_put != NULL && !st->st_loading && sp->sp_generation != 0) {
		wbuf_init(&w, key, sizeof(key));
		wbuf_bytes(&w, sp->sp_resource.id_b, NODEID_LEN);
		wbuf_u32(&w, sp->sp_kind);
		st->st_put(st->st_arg, STORAGE_T_GENERATION, key, w.w_len, NULL, 0);
	}
	free(sp);
}

static void
storage_place_write(struct storage *st, const struct storage_place *sp)
{
	uint8_t		 key[NODEID_LEN + 4], val[8];
	struct wbuf	 w, v;

	if (st->st_put == NULL || st->st_loading)
		return;
	wbuf_init(&w, key, sizeof(key));
	wbuf_bytes(&w, sp->sp_resource.id_b, NODEID_LEN);
	wbuf_u32(&w, sp->sp_kind);
	wbuf_init(&v, val, sizeof(val));
	wbuf_u64(&v, sp->sp_generation);
	st->st_put(st->st_arg, STORAGE_T_GENERATION, key, w.w_len, val, v.w_len);
}

void
storage_drop(struct storage *st, struct storage_place *sp)
{
	struct storage_value *sv;

	while ((sv = RB_MIN(storage_values, &sp->sp_values)) != NULL)
		storage_value_remove(st, sv, 1);
	storage_place_free(st, sp);
}

static struct storage_owner *
storage_owner_get(struct storage *st, const struct nodeid *node, int make)
{
	struct storage_owner *so, key;

	key.so_node = *node;
	so = RB_FIND(storage_owners, &st->st_owners, &key);
	if (so != NULL || !make)
		return (so);
	if ((so = calloc(1, sizeof(*so))) == NULL)
		return (NULL);
	so->so_node = *node;
	RB_INSERT(storage_owners, &st->st_owners, so);
	return (so);
}

struct storage_cert *
storage_cert_get(struct storage *st, const uint8_t *sha256, struct span der)
{
	struct storage_cert *sc, key;

	memcpy(key.sc_sha256, sha256, sizeof(key.sc_sha256));
	if ((sc = RB_FIND(storage_certs, &st->st_certs, &key)) != NULL) {
		sc->sc_refs++;
		return (sc);
	}
	if (der.len == 0 || (sc = malloc(sizeof(*sc) + der.len)) == NULL)
		return (NULL);
	memset(sc, 0, sizeof(*sc));
	memcpy(sc->sc_sha256, sha256, sizeof(sc->sc_sha256));
	memcpy(sc->sc_der, der.p, der.len);
	sc->sc_len = der.len;
	sc->sc_refs = 1;
	RB_INSERT(storage_certs, &st->st_certs, sc);
	st->st_bytes += sizeof(*sc) + der.len;
	if (st->st_put != NULL && !st->st_loading)
		st->st_put(st->st_arg, STORAGE_T_CERT, sc->sc_sha256,
		    sizeof(sc->sc_sha256), sc->sc_der, sc->sc_len);
	return (sc);
}

void
storage_cert_unref(struct storage *st, struct storage_cert *sc)
{
	if (--sc->sc_refs > 0)
		return;
	if (st->st_put != NULL && !st->st_loading)
		st->st_put(st->st_arg, STORAGE_T_CERT, sc->sc_sha256,
		    sizeof(sc->sc_sha256), NULL, 0);
	RB_REMOVE(storage_certs, &st->st_certs, sc);
	st->st_bytes -= sizeof(*sc) + sc->sc_len;
	free(sc);
}

static void
storage_value_diskkey(const struct storage_value *sv, uint8_t *key)
{
	struct wbuf	 w;
	uint8_t		 h[16];

	(void)crypto_generichash(h, sizeof(h), SV_KEY(sv), sv->sv_keylen, NULL, 0);
	wbuf_init(&w, key, STORAGE_KEY_LEN);
	wbuf_bytes(&w, sv->sv_place->sp_resource.id_b, NODEID_LEN);
	wbuf_u32(&w, sv->sv_place->sp_kind);
	wbuf_bytes(&w, h, sizeof(h));
}

static void
storage_value_write(struct storage *st, const struct storage_value *sv)
{
	uint8_t		 key[STORAGE_KEY_LEN], *buf;
	struct wbuf	 w;
	size_t		 size;

	if (st->st_put == NULL || st->st_loading)
		return;
	size = 128 + (size_t)sv->sv_keylen + sv->sv_vallen + sv->sv_siglen;
	if ((buf = malloc(size)) == NULL)
		return;
	wbuf_init(&w, buf, size);
	wbuf_u64(&w, sv->sv_time);
	wbuf_u64(&w, sv->sv_received);
	wbuf_u32(&w, sv->sv_lifetime);
	wbuf_u8(&w, sv->sv_exists);
	wbuf_bytes(&w, sv->sv_owner->so_node.id_b, NODEID_LEN);
	wbuf_bytes(&w, sv->sv_cert->sc_sha256, sizeof(sv->sv_cert->sc_sha256));
	wbuf_lv(&w, 2, SV_KEY(sv), sv->sv_keylen);
	wbuf_lv(&w, 4, SV_VAL(sv), sv->sv_vallen);
	wbuf_lv(&w, 2, SV_SIG(sv), sv->sv_siglen);
	storage_value_diskkey(sv, key);
	if (wbuf_ok(&w) == 0)
		st->st_put(st->st_arg, STORAGE_T_VALUE, key, sizeof(key), buf, w.w_len);
	free(buf);
}

/* Unlink and free; the place stays, even when empty. */
static void
storage_value_remove(struct storage *st, struct storage_value *sv, int disk)
{
	struct storage_place *sp = sv->sv_place;
	struct storage_owner *so = sv->sv_owner;
	uint8_t		 key[STORAGE_KEY_LEN];

	if (disk && st->st_put != NULL && !st->st_loading) {
		storage_value_diskkey(sv, key);
		st->st_put(st->st_arg, STORAGE_T_VALUE, key, sizeof(key), NULL, 0);
	}
	RB_REMOVE(storage_values, &sp->sp_values, sv);
	RB_REMOVE(storage_expiry, &st->st_expiry, sv);
	sp->sp_count--;
	so->so_primary -= sv->sv_primary;
	if (--so->so_count == 0) {
		RB_REMOVE(storage_owners, &st->st_owners, so);
		free(so);
	}
	storage_cert_unref(st, sv->sv_cert);
	st->st_nvalues--;
	st->st_bytes -= sizeof(*sv) + sv->sv_keylen + sv->sv_vallen + sv->sv_siglen;
	free(sv);
}

int
storage_value_insert(struct storage *st, struct storage_place *sp,
    const struct storage_item *si, struct span slot, uint64_t received,
    uint32_t lifetime, uint64_t expire)
{
	struct storage_value *sv;
	size_t		 len = slot.len + si->si_value.len + si->si_sig.len;

	if ((sv = malloc(sizeof(*sv) + len)) == NULL)
		return (-1);
	memset(sv, 0, sizeof(*sv));
	if ((sv->sv_cert = storage_cert_get(st, si->si_sha256, si->si_cert)) == NULL) {
		free(sv);
		return (-1);
	}
	if ((sv->sv_owner = storage_owner_get(st, &si->si_signer, 1)) == NULL) {
		storage_cert_unref(st, sv->sv_cert);
		free(sv);
		return (-1);
	}
	sv->sv_place = sp;
	sv->sv_time = si->si_time;
	sv->sv_received = received;
	sv->sv_lifetime = lifetime;
	sv->sv_expire = expire;
	sv->sv_seq = ++st->st_seq;
	sv->sv_exists = si->si_exists;
	sv->sv_keylen = (uint16_t)slot.len;
	sv->sv_vallen = (uint32_t)si->si_value.len;
	sv->sv_siglen = (uint32_t)si->si_sig.len;
	if (slot.len > 0)
		memcpy(SV_KEY(sv), slot.p, slot.len);
	if (si->si_value.len > 0)
		memcpy(SV_VAL(sv), si->si_value.p, si->si_value.len);
	if (si->si_sig.len > 0)
		memcpy(SV_SIG(sv), si->si_sig.p, si->si_sig.len);
	sv->sv_primary = (uint8_t)nodeid_in(&sp->sp_resource, &st->st_from, &st->st_to);
	sv->sv_owner->so_count++;
	sv->sv_owner->so_primary += sv->sv_primary;
	RB_INSERT(storage_values, &sp->sp_values, sv);
	RB_INSERT(storage_expiry, &st->st_expiry, sv);
	sp->sp_count++;
	st->st_nvalues++;
	st->st_bytes += sizeof(*sv) + len;
	storage_value_write(st, sv);
	return (0);
}

/*
 * The slot that an item names, in slot (buf holds 4 bytes for an index).
 * appended: how many items of the same request were appended before it.
 */
static int
storage_slotkey(const struct reload_kind *rk, const struct storage_place *sp,
    const struct storage_item *si, uint32_t appended, uint8_t *buf, struct span *slot)
{
	struct storage_values head;
	struct storage_value *last;
	struct wbuf	 w;
	struct cur	 c;
	uint32_t	 index;

	slot->p = NULL;
	slot->len = 0;
	switch (rk->rk_model) {
	case RELOAD_SINGLE:
		return (0);
	case RELOAD_DICTIONARY:
		*slot = si->si_key;
		return (slot->len > STORAGE_SLOT_MAX ? -1 : 0);
	case RELOAD_ARRAY:
		break;
	default:
		return (-1);
	}
	index = si->si_index;
	if (index == UINT32_MAX) {
		index = 0;
		if (sp != NULL) {
			head = sp->sp_values;
			if ((last = RB_MAX(storage_values, &head)) != NULL) {
				cur_init(&c, SV_KEY(last), last->sv_keylen);
				(void)cur_u32(&c, &index);
				index++;
			}
		}
		index += appended;
	}
	if (index >= rk->rk_max_count)
		return (-1);
	wbuf_init(&w, buf, 4);
	wbuf_u32(&w, index);
	slot->p = (const char *)buf;
	slot->len = 4;
	return (0);
}

static int
storage_same(const struct storage_value *sv, const struct storage_item *si)
{
	return (sv->sv_time == si->si_time && sv->sv_exists == si->si_exists &&
	    sv->sv_vallen == si->si_value.len && (sv->sv_vallen == 0 ||
	    memcmp(SV_VAL(sv), si->si_value.p, sv->sv_vallen) == 0));
}

/* Entries of node at this place, the slot itself left out. */
static uint32_t
storage_of_node(const struct storage_place *sp, const struct nodeid *node,
    struct span slot)
{
	struct storage_values head = sp->sp_values;
	struct storage_value *sv;
	uint32_t	 n = 0;

	RB_FOREACH(sv, storage_values, &head) {
		if (nodeid_eq(&sv->sv_owner->so_node, node) &&
		    !(sv->sv_keylen == slot.len &&
		    memcmp(SV_KEY(sv), slot.p, slot.len) == 0))
			n++;
	}
	return (n);
}

/*
 * Whom a newcomer displaces in a full place (vipr-kind(7)): an entry of the
 * Node-ID that holds most entries here, if the newcomer holds fewer.  A
 * replica follows its peer: the oldest entry goes when no such one is there.
 */
static struct storage_value *
storage_victim(const struct storage *st, const struct storage_place *sp,
    const struct storage_item *si, int replica)
{
	struct storage_values head = sp->sp_values;
	struct storage_value *sv, *most = NULL, *oldest = NULL;
	struct storage_owner *so, key;
	struct storage_owners owners = st->st_owners;
	uint32_t	 have;

	key.so_node = si->si_signer;
	so = RB_FIND(storage_owners, &owners, &key);
	have = so == NULL ? 0 : so->so_count;
	RB_FOREACH(sv, storage_values, &head) {
		if (most == NULL || sv->sv_owner->so_count > most->sv_owner->so_count)
			most = sv;
		if (oldest == NULL || sv->sv_time < oldest->sv_time)
			oldest = sv;
	}
	if (most != NULL && most->sv_owner->so_count > have)
		return (most);
	if (replica && oldest != NULL && oldest->sv_time < si->si_time)
		return (oldest);
	return (NULL);
}

/* Entries that one Node-ID may have here (vipr-kind(7)). */
static uint64_t
storage_quota(const struct storage *st, const struct reload_kind *rk)
{
	return (64 + 12 * (uint64_t)rk->rk_quota * st->st_share_ppb / 1000000000);
}

static int
storage_check_new(struct storage *st, const struct storage_place *sp,
    const struct storage_set *ss, const struct storage_item *si, int replica,
    uint32_t added, const char **why)
{
	const struct reload_kind *rk = ss->ss_kind;
	struct storage_owner *so;
	uint32_t	 count = sp == NULL ? 0 : sp->sp_count;

	if (rk->rk_policy == RELOAD_VIPR_NODE_KEY_MATCH && !replica) {
		so = storage_owner_get(st, &si->si_signer, 0);
		if (so != NULL && so->so_primary + added >= storage_quota(st, rk)) {
			*why = "quota of the node";
			return (WIRE_E_DATA_TOO_LARGE);
		}
	}
	if (st->st_nvalues + added >= STORAGE_VALUES_MAX ||
	    st->st_bytes >= STORAGE_BYTES_MAX) {
		*why = "storage is full";
		return (WIRE_E_DATA_TOO_LARGE);
	}
	if (count + added < rk->rk_max_count)
		return (0);
	if (rk->rk_policy == RELOAD_VIPR_NODE_KEY_MATCH && sp != NULL &&
	    storage_victim(st, sp, si, replica) != NULL)
		return (0);
	*why = "max-count";
	return (WIRE_E_DATA_TOO_LARGE);
}

static int
storage_check_item(struct storage *st, const struct storage_place *sp,
    const struct storage_set *ss, size_t n, int replica, uint32_t *added,
    const char **why)
{
	const struct storage_item *si = &ss->ss_items[n];
	const struct reload_kind *rk = ss->ss_kind;
	const struct storage_value *sv;
	struct span	 slot;
	uint8_t		 ix[4];
	size_t		 i;
	uint32_t	 same = 0;

	if (si->si_value.len > rk->rk_max_size || si->si_value.len > STORAGE_VALUE_TOP) {
		*why = "max-size";
		return (WIRE_E_DATA_TOO_LARGE);
	}
	if (storage_slotkey(rk, sp, si, *added, ix, &slot) == -1) {
		*why = "index or key out of bounds";
		return (WIRE_E_DATA_TOO_LARGE);
	}
	for (i = 0; i < n; i++) {
		if (nodeid_eq(&ss->ss_items[i].si_signer, &si->si_signer))
			same++;
		if (rk->rk_model == RELOAD_SINGLE ||
		    (rk->rk_model == RELOAD_ARRAY && si->si_index != UINT32_MAX &&
		    ss->ss_items[i].si_index == si->si_index) ||
		    (rk->rk_model == RELOAD_DICTIONARY &&
		    ss->ss_items[i].si_key.len == slot.len && (slot.len == 0 ||
		    memcmp(ss->ss_items[i].si_key.p, slot.p, slot.len) == 0))) {
			*why = "the same slot twice";
			return (WIRE_E_INVALID_MESSAGE);
		}
	}
	sv = storage_slot(sp, slot.p, slot.len);
	if (sv != NULL) {
		if (replica && storage_same(sv, si))
			return (0);
		if (si->si_time <= sv->sv_time) {
			*why = "storage_time is not newer";
			return (WIRE_E_DATA_TOO_OLD);
		}
		return (0);
	}
	if (rk->rk_policy == RELOAD_VIPR_NODE_KEY_MATCH && rk->rk_max_per_node != 0) {
		if (sp != NULL)
			same += storage_of_node(sp, &si->si_signer, slot);
		if (same >= rk->rk_max_per_node) {
			*why = "max-per-node";
			return (WIRE_E_DATA_TOO_LARGE);
		}
	}
	i = (size_t)storage_check_new(st, sp, ss, si, replica, *added, why);
	(*added)++;
	return ((int)i);
}

static int
storage_check(struct storage *st, const struct storage_place *sp,
    const struct storage_set *ss, int replica, const char **why)
{
	size_t		 i;
	uint32_t	 added = 0;
	int		 error;

	if (!replica && ss->ss_generation != 0 &&
	    ss->ss_generation != (sp == NULL ? 0 : sp->sp_generation)) {
		*why = "generation counter";
		return (WIRE_E_GENERATION_TOO_LOW);
	}
	if (replica && ss->ss_generation == 0) {
		*why = "a replica without a generation counter";
		return (WIRE_E_INVALID_MESSAGE);
	}
	for (i = 0; i < ss->ss_nitems; i++) {
		error = storage_check_item(st, sp, ss, i, replica, &added, why);
		if (error != 0)
			return (error);
	}
	return (0);
}

static void
storage_commit_set(struct storage *st, const struct nodeid *resource,
    struct storage_set *ss, int replica, uint64_t now)
{
	const struct reload_kind *rk = ss->ss_kind;
	struct storage_item *si;
	struct storage_place *sp;
	struct storage_value *sv, *victim;
	struct span	 slot;
	uint64_t	 expire;
	uint32_t	 lifetime;
	uint8_t		 ix[4];
	size_t		 i;

	if ((sp = storage_place_get(st, resource, rk->rk_id)) == NULL)
		return;
	for (i = 0; i < ss->ss_nitems; i++) {
		si = &ss->ss_items[i];
		if (storage_slotkey(rk, sp, si, 0, ix, &slot) == -1)
			continue;
		if ((sv = storage_slot(sp, slot.p, slot.len)) != NULL) {
			if (replica && storage_same(sv, si))
				continue;
			storage_value_remove(st, sv, 1);
		} else if (sp->sp_count >= rk->rk_max_count) {
			if ((victim = storage_victim(st, sp, si, replica)) == NULL)
				continue;
			storage_value_remove(st, victim, 1);
			st->st_displaced++;
		}
		/* The lifetime is not signed: a stranger may not make an entry
		 * of our Kind outlive what the Kind allows. */
		lifetime = si->si_lifetime;
		if (rk->rk_policy == RELOAD_VIPR_NODE_KEY_MATCH &&
		    lifetime > rk->rk_lifetime + 3600)
			lifetime = rk->rk_lifetime + 3600;
		expire = now + (uint64_t)lifetime * 1000;
		if (storage_value_insert(st, sp, si, slot, now, lifetime, expire) == 0)
			ss->ss_changed = 1;
	}
	if (replica && ss->ss_generation > sp->sp_generation)
		sp->sp_generation = ss->ss_generation;
	else if (ss->ss_changed || sp->sp_generation == 0)
		sp->sp_generation++;
	ss->ss_current = sp->sp_generation;
	if (sp->sp_count == 0)
		storage_place_free(st, sp);
	else
		storage_place_write(st, sp);
}

int
storage_store(struct storage *st, const struct nodeid *resource, int replica,
    struct storage_set *sets, size_t nsets, uint64_t now, const char **why)
{
	const struct storage_place *sp;
	size_t		 i;
	int		 e, error = 0;

	for (i = 0; i < nsets; i++) {
		sp = storage_find(st, resource, sets[i].ss_kind->rk_id);
		sets[i].ss_current = sp == NULL ? 0 : sp->sp_generation;
		sets[i].ss_changed = 0;
		e = storage_check(st, sp, &sets[i], replica, why);
		if (error == 0)
			error = e;
	}
	if (error != 0)
		return (error);
	for (i = 0; i < nsets; i++)
		storage_commit_set(st, resource, &sets[i], replica, now);
	return (0);
}

uint64_t
storage_expire(struct storage *st, uint64_t now, unsigned max)
{
	struct storage_value *sv;
	struct storage_place *sp;

	while ((sv = RB_MIN(storage_expiry, &st->st_expiry)) != NULL) {
		if (sv->sv_expire > now || max-- == 0)
			return (sv->sv_expire > now ? sv->sv_expire : now);
		sp = sv->sv_place;
		storage_value_remove(st, sv, 1);
		st->st_expired++;
		if (sp->sp_count == 0)
			storage_place_free(st, sp);
	}
	return (0);
}
