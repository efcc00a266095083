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
 * core: connection limits by address.  Counts an hour are those of the running
 * hour of an address and the share of the one before that still falls into
 * the last sixty minutes.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "peers.h"

#define HOUR_MS		(3600 * 1000)
#define KEY_LEN		9		/* family, 4 bytes or a /64 */

struct window {
	uint64_t	 w_start;
	uint32_t	 w_now, w_before;
};

struct peer {
	RB_ENTRY(peer)	 pe_entry;	/* in ps_tree, which owns it */
	TAILQ_ENTRY(peer) pe_quiet;	/* least recently used first */
	uint8_t		 pe_key[KEY_LEN];
	uint8_t		 pe_good;
	uint32_t	 pe_live;
	struct window	 pe_in, pe_out;
};
RB_HEAD(peer_tree, peer);
TAILQ_HEAD(peer_list, peer);

struct peers {
	struct peer_tree ps_tree;
	struct peer_list ps_list;
	size_t		 ps_count, ps_max;
};

static int	 peer_cmp(struct peer *, struct peer *);
static void	 peer_key(const struct vaddr *, uint8_t *);
static struct peer *peer_find(struct peers *, const struct vaddr *);
static struct peer *peer_get(struct peers *, const struct vaddr *);
static int	 window_add(struct window *, uint64_t, uint32_t);

RB_PROTOTYPE(peer_tree, peer, pe_entry, peer_cmp)
RB_GENERATE(peer_tree, peer, pe_entry, peer_cmp)

static int
peer_cmp(struct peer *a, struct peer *b)
{
	return (memcmp(a->pe_key, b->pe_key, KEY_LEN));
}

static void
peer_key(const struct vaddr *va, uint8_t *key)
{
	memset(key, 0, KEY_LEN);
	key[0] = va->va_family;
	memcpy(key + 1, va->va_addr, va->va_family == 4 ? 4 : 8);
}

static struct peer *
peer_find(struct peers *ps, const struct vaddr *va)
{
	struct peer	 want;

	peer_key(va, want.pe_key);
	return (RB_FIND(peer_tree, &ps->ps_tree, &want));
}

static struct peer *
peer_get(struct peers *ps, const struct vaddr *va)
{
	struct peer	*pe;

	if ((pe = peer_find(ps, va)) != NULL) {
		TAILQ_REMOVE(&ps->ps_list, pe, pe_quiet);
		TAILQ_INSERT_TAIL(&ps->ps_list, pe, pe_quiet);
		return (pe);
	}
	if (ps->ps_count >= ps->ps_max) {
		TAILQ_FOREACH(pe, &ps->ps_list, pe_quiet)
			if (pe->pe_live == 0)
				break;
		if (pe == NULL)
			return (NULL);
		RB_REMOVE(peer_tree, &ps->ps_tree, pe);
		TAILQ_REMOVE(&ps->ps_list, pe, pe_quiet);
		ps->ps_count--;
		free(pe);
	}
	if ((pe = calloc(1, sizeof(*pe))) == NULL)
		return (NULL);
	peer_key(va, pe->pe_key);
	RB_INSERT(peer_tree, &ps->ps_tree, pe);
	TAILQ_INSERT_TAIL(&ps->ps_list, pe, pe_quiet);
	ps->ps_count++;
	return (pe);
}

/* Count one more if that stays within max in the last hour: 1, else 0. */
static int
window_add(struct window *w, uint64_t now, uint32_t max)
{
	uint64_t	 before;

	if (w->w_start == 0 || now - w->w_start >= 2 * HOUR_MS) {
		w->w_start = now;
		w->w_now = w->w_before = 0;
	} else if (now - w->w_start >= HOUR_MS) {
		w->w_start += HOUR_MS;
		w->w_before = w->w_now;
		w->w_now = 0;
	}
	/* Rounded up: the limit is never passed. */
	before = (w->w_before * (HOUR_MS - (now - w->w_start)) + HOUR_MS - 1) /
	    HOUR_MS;
	if (w->w_now + before >= max)
		return (0);
	w->w_now++;
	return (1);
}

struct peers *
peers_new(size_t max)
{
	struct peers	*ps;

	if ((ps = calloc(1, sizeof(*ps))) == NULL)
		return (NULL);
	RB_INIT(&ps->ps_tree);
	TAILQ_INIT(&ps->ps_list);
	ps->ps_max = max;
	return (ps);
}

void
peers_free(struct peers *ps)
{
	struct peer	*pe;

	if (ps == NULL)
		return;
	while ((pe = TAILQ_FIRST(&ps->ps_list)) != NULL) {
		TAILQ_REMOVE(&ps->ps_list, pe, pe_quiet);
		free(pe);
	}
	free(ps);
}

const char *
peers_accept(struct peers *ps, const struct vaddr *va, uint64_t now)
{
	struct peer	*pe;

	if ((pe = peer_get(ps, va)) == NULL)
		return ("too many addresses");
	if (pe->pe_live >= PEERS_LIVE)
		return ("too many connections at once");
	if (!window_add(&pe->pe_in, now,
	    pe->pe_good ? PEERS_HOUR_GOOD : PEERS_HOUR))
		return ("too many connections this hour");
	pe->pe_live++;
	return (NULL);
}

void
peers_done(struct peers *ps, const struct vaddr *va)
{
	struct peer	*pe;

	if ((pe = peer_find(ps, va)) != NULL && pe->pe_live > 0)
		pe->pe_live--;
}

void
peers_good(struct peers *ps, const struct vaddr *va)
{
	struct peer	*pe;

	if ((pe = peer_find(ps, va)) != NULL)
		pe->pe_good = 1;
}

int
peers_connect(struct peers *ps, const struct vaddr *va, uint64_t now)
{
	struct peer	*pe;

	return ((pe = peer_get(ps, va)) != NULL &&
	    window_add(&pe->pe_out, now, PEERS_OUT_HOUR));
}

size_t
peers_count(const struct peers *ps)
{
	return (ps->ps_count);
}
