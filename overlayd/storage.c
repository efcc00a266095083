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
 * core: what is stored and what is refused: limits, counters, displacement
 * (RFC 6940, 7.4.1; vipr-kind(7)).
 */

#include <stdlib.h>
#include <string.h>

#include "storage.h"
#include "storage_int.h"
#include "wire.h"

static int	 storage_slotkey(const struct storage *, const struct reload_kind *,
		    const struct storage_place *, const struct storage_item *, uint32_t,
		    uint8_t *, struct span *);
static int	 storage_same(struct storage *, struct storage_value *,
		    const struct storage_item *);
static uint32_t	 storage_of_node(const struct storage *, const struct storage_place *,
		    const struct nodeid *, struct span);
static struct storage_value *storage_victim(const struct storage *,
		    const struct storage_place *, const struct storage_item *, int);
static uint64_t	 storage_quota(const struct storage *, const struct reload_kind *);
static int	 storage_check_new(struct storage *, const struct storage_place *,
		    const struct storage_set *, const struct storage_item *, int,
		    uint32_t, const char **);
static int	 storage_check_item(struct storage *, const struct storage_place *,
		    const struct storage_set *, size_t, int, uint32_t *, const char **);
static int	 storage_check(struct storage *, const struct storage_place *,
		    const struct storage_set *, int, const char **);
static int	 storage_commit_item(struct storage *, uint32_t, struct storage_set *,
		    const struct storage_item *, int, uint64_t);
static int	 storage_commit_set(struct storage *, const struct nodeid *,
		    struct storage_set *, int, uint64_t);
static void	 storage_purge(struct storage *, const struct nodeid *, uint32_t, uint64_t);

/*
 * The slot that an item names, in slot (buf holds 4 bytes for an index).
 * appended: how many items of the same request were appended before it.
 */
static int
storage_slotkey(const struct storage *st, const struct reload_kind *rk,
    const struct storage_place *sp, const struct storage_item *si, uint32_t appended,
    uint8_t *buf, struct span *slot)
{
	struct storage_value *sv;
	struct wbuf	 w;
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
		for (sv = storage_first(st, sp); sv != NULL; sv = storage_after(st, sv))
			index = storage_index(sv) + 1;
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
storage_same(struct storage *st, struct storage_value *sv, const struct storage_item *si)
{
	struct storage_body sb;

	return (sv->sv_time == si->si_time && sv->sv_exists == (si->si_exists != 0) &&
	    storage_body(st, sv, &sb) == 0 && sb.sb_value.len == si->si_value.len &&
	    (sb.sb_value.len == 0 ||
	    memcmp(sb.sb_value.p, si->si_value.p, sb.sb_value.len) == 0));
}

/* Entries of node at this place, the slot itself left out. */
static uint32_t
storage_of_node(const struct storage *st, const struct storage_place *sp,
    const struct nodeid *node, struct span slot)
{
	struct storage_value *sv, *own;
	uint32_t	 n = 0;

	own = storage_slot(st, sp, slot.p, slot.len);
	for (sv = storage_first(st, sp); sv != NULL; sv = storage_after(st, sv)) {
		if (sv != own && nodeid_eq(storage_signer(st, sv), node))
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
	struct storage_value *sv, *greedy = NULL, *oldest = NULL;
	const struct storage_owner *so;
	uint32_t	 have = 0, most = 0;

	if ((so = storage_owner_at(st, itree_find(&st->st_bynode,
	    si->si_signer.id_b))) != NULL)
		have = so->so_count;
	for (sv = storage_first(st, sp); sv != NULL; sv = storage_after(st, sv)) {
		so = storage_owner_at(st, sv->sv_owner);
		if (so->so_count > most) {
			most = so->so_count;
			greedy = sv;
		}
		if (oldest == NULL || sv->sv_time < oldest->sv_time)
			oldest = sv;
	}
	if (most > have)
		return (greedy);
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
	const struct storage_owner *so;
	uint32_t	 count = sp == NULL ? 0 : sp->sp_count;

	if (rk->rk_policy == RELOAD_VIPR_NODE_KEY_MATCH && !replica) {
		so = storage_owner_at(st, storage_owner_get(st, &si->si_signer, 0));
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
	struct storage_value *sv;
	struct span	 slot;
	uint8_t		 ix[4];
	size_t		 i;
	uint32_t	 same = 0;

	if (si->si_value.len > rk->rk_max_size || si->si_value.len > STORAGE_VALUE_TOP) {
		*why = "max-size";
		return (WIRE_E_DATA_TOO_LARGE);
	}
	if (storage_slotkey(st, rk, sp, si, *added, ix, &slot) == -1) {
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
	sv = storage_slot(st, sp, slot.p, slot.len);
	if (sv != NULL && !sv->sv_lost) {
		if (replica && storage_same(st, sv, si))
			return (0);
		if (si->si_time <= sv->sv_time) {
			*why = "storage_time is not newer";
			return (WIRE_E_DATA_TOO_OLD);
		}
		return (0);
	}
	if (rk->rk_policy == RELOAD_VIPR_NODE_KEY_MATCH && rk->rk_max_per_node != 0) {
		if (sp != NULL)
			same += storage_of_node(st, sp, &si->si_signer, slot);
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

/* 1: stored; 0: as it was; -1: no room. */
static int
storage_commit_item(struct storage *st, uint32_t place, struct storage_set *ss,
    const struct storage_item *si, int replica, uint64_t now)
{
	const struct reload_kind *rk = ss->ss_kind;
	const struct storage_place *sp = storage_place_at(st, place);
	struct storage_value *sv;
	struct storage_new nw;
	uint8_t		 ix[4];

	memset(&nw, 0, sizeof(nw));
	if (storage_slotkey(st, rk, sp, si, 0, ix, &nw.nw_slot) == -1)
		return (0);
	storage_slot_id(nw.nw_slot.p, nw.nw_slot.len, nw.nw_id);
	if ((sv = storage_value_find(st, sp, nw.nw_id, nw.nw_slot.len)) != NULL) {
		if (replica && storage_same(st, sv, si))
			return (0);
	} else if (sp->sp_count >= rk->rk_max_count) {
		if ((sv = storage_victim(st, sp, si, replica)) == NULL)
			return (0);
		storage_value_remove(st, sv);
		st->st_displaced++;
	}
	/* The lifetime is not signed: a stranger may not make an entry
	 * of our Kind outlive what the Kind allows. */
	nw.nw_lifetime = si->si_lifetime;
	if (rk->rk_policy == RELOAD_VIPR_NODE_KEY_MATCH &&
	    nw.nw_lifetime > rk->rk_lifetime + 3600)
		nw.nw_lifetime = rk->rk_lifetime + 3600;
	nw.nw_place = place;
	nw.nw_item = si;
	nw.nw_received = now;
	return (storage_value_put(st, &nw) == -1 ? -1 : 1);
}

static int
storage_commit_set(struct storage *st, const struct nodeid *resource,
    struct storage_set *ss, int replica, uint64_t now)
{
	struct storage_place *sp;
	size_t		 i;
	uint32_t	 place;
	int		 r = 0;

	if ((place = storage_place_get(st, resource, ss->ss_kind->rk_id)) == 0)
		return (-1);
	for (i = 0; i < ss->ss_nitems && r != -1; i++) {
		r = storage_commit_item(st, place, ss, &ss->ss_items[i], replica, now);
		if (r == 1)
			ss->ss_changed = 1;
	}
	sp = storage_place_at(st, place);
	if (replica && ss->ss_generation > sp->sp_generation)
		sp->sp_generation = ss->ss_generation;
	else if (ss->ss_changed || sp->sp_generation == 0)
		sp->sp_generation++;
	ss->ss_current = sp->sp_generation;
	if (sp->sp_count == 0)
		storage_place_free(st, sp);
	else
		storage_generation_write(st, sp);
	return (r == -1 ? -1 : 0);
}

/* What has expired takes nobody's room. */
static void
storage_purge(struct storage *st, const struct nodeid *resource, uint32_t kind, uint64_t now)
{
	struct storage_place *sp;
	struct storage_value *sv, *next;

	sp = storage_place_at(st, storage_place_number(st, resource, kind));
	if (sp == NULL)
		return;
	for (sv = storage_first(st, sp); sv != NULL; sv = next) {
		next = storage_after(st, sv);
		if (storage_left(sv, now) > 0)
			continue;
		st->st_expired += !sv->sv_lost;
		storage_value_remove(st, sv);
	}
	if (sp->sp_count == 0)
		storage_place_free(st, sp);
}

int
storage_store(struct storage *st, const struct nodeid *resource, int replica,
    struct storage_set *sets, size_t nsets, uint64_t now, const char **why)
{
	const struct storage_place *sp;
	size_t		 i;
	int		 e, error = 0;

	for (i = 0; i < nsets; i++) {
		storage_purge(st, resource, sets[i].ss_kind->rk_id, now);
		sp = storage_find(st, resource, sets[i].ss_kind->rk_id);
		sets[i].ss_current = sp == NULL ? 0 : sp->sp_generation;
		sets[i].ss_changed = 0;
		e = storage_check(st, sp, &sets[i], replica, why);
		if (error == 0)
			error = e;
	}
	for (i = 0; i < nsets && error == 0; i++) {
		if (storage_commit_set(st, resource, &sets[i], replica, now) == -1) {
			*why = "storage is full";
			error = WIRE_E_DATA_TOO_LARGE;
		}
	}
	return (error);
}
