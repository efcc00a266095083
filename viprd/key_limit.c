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
 * core: the limits of pvp(7), kept over restarts: failures in a row of a
 * claimant, failed connections of a peer, and numbers that nobody claims.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "e164.h"
#include "key_core.h"

#define CHARGE_MAX	1000		/* times kept, above any limit allowed */
#define CHARGES_MAX	200000
#define NEGATIVE_MS	(3600 * 1000ULL)
#define FLUSH_MS	1000

static int	 kpeer_cmp(struct kpeer *, struct kpeer *);
static int	 kcharge_cmp(struct kcharge *, struct kcharge *);
static int	 knegative_cmp(struct knegative *, struct knegative *);
static struct kcharge *kcharge_get(struct kcore *, const uint8_t *, int);
static void	 kcharge_age(struct kcore *, struct kcharge *);
static int	 kcharge_add(struct kcore *, struct kcharge *, uint64_t);
static int	 kcharge_put(struct kcore *, struct kcharge *, struct kwait *);
static void	 kcharge_free(struct kcore *, struct kcharge *);
static uint64_t	 kcharge_until(const struct kcharge *, uint64_t, unsigned);
static void	 klimit_later(struct kcore *);
static int	 kpeer_load(const void *, size_t, const void *, size_t, uint8_t,
		    void *);
static int	 kcharge_load(const void *, size_t, const void *, size_t, uint8_t,
		    void *);

RB_PROTOTYPE(kpeer_tree, kpeer, pe_entry, kpeer_cmp)
RB_PROTOTYPE(kcharge_tree, kcharge, ch_entry, kcharge_cmp)
RB_PROTOTYPE(knegative_tree, knegative, ng_entry, knegative_cmp)
RB_GENERATE(kpeer_tree, kpeer, pe_entry, kpeer_cmp)
RB_GENERATE(kcharge_tree, kcharge, ch_entry, kcharge_cmp)
RB_GENERATE(knegative_tree, knegative, ng_entry, knegative_cmp)

static int
kpeer_cmp(struct kpeer *a, struct kpeer *b)
{
	return (memcmp(a->pe_node, b->pe_node, sizeof(a->pe_node)));
}

static int
kcharge_cmp(struct kcharge *a, struct kcharge *b)
{
	return (memcmp(a->ch_node, b->ch_node, sizeof(a->ch_node)));
}

static int
knegative_cmp(struct knegative *a, struct knegative *b)
{
	return (a->ng_number < b->ng_number ? -1 : a->ng_number > b->ng_number);
}

/* -- peers -- */

struct kpeer *
klimit_peer(struct kcore *kc, const uint8_t *node, int create)
{
	struct kpeer	 key, *pe;

	memcpy(key.pe_node, node, sizeof(key.pe_node));
	if ((pe = RB_FIND(kpeer_tree, &kc->kc_peers, &key)) != NULL || !create)
		return (pe);
	if (kc->kc_peercount >= KEY_PEERS_MAX ||
	    (pe = calloc(1, sizeof(*pe))) == NULL)
		return (NULL);
	memcpy(pe->pe_node, node, sizeof(pe->pe_node));
	RB_INSERT(kpeer_tree, &kc->kc_peers, pe);
	kc->kc_peercount++;
	return (pe);
}

void
klimit_peer_later(struct kcore *kc, struct kpeer *pe)
{
	pe->pe_dirty = 1;
	klimit_later(kc);
}

static void
klimit_later(struct kcore *kc)
{
	if (kc->kc_flush == 0)
		kc->kc_flush = kc->kc_now + FLUSH_MS;
}

void
klimit_peer_put(struct kcore *kc, struct kpeer *pe)
{
	struct wbuf	 w;
	uint8_t		 buf[64];

	pe->pe_dirty = 0;
	wbuf_init(&w, buf, sizeof(buf));
	wbuf_bytes(&w, pe->pe_node, sizeof(pe->pe_node));
	wbuf_u16(&w, pe->pe_fails);
	wbuf_u8(&w, pe->pe_level);
	wbuf_u64(&w, pe->pe_until);
	wbuf_u64(&w, pe->pe_proven);
	wbuf_u64(&w, pe->pe_proved);
	(void)store_put(kc->kc_peers_t, pe->pe_node, sizeof(pe->pe_node), buf,
	    w.w_len, NULL, NULL);
}

static int
kpeer_load(const void *key, size_t keylen, const void *val, size_t vallen,
    uint8_t version, void *arg)
{
	struct kcore	*kc = arg;
	struct kpeer	*pe;
	struct cur	 c;
	uint8_t		 node[NODEID_LEN];

	(void)key;
	(void)keylen;
	cur_init(&c, val, vallen);
	if (version != 1 || cur_bytes(&c, node, sizeof(node)) == -1)
		return (1);
	if ((pe = klimit_peer(kc, node, 1)) == NULL)
		return (0);
	(void)cur_u16(&c, &pe->pe_fails);
	(void)cur_u8(&c, &pe->pe_level);
	(void)cur_u64(&c, &pe->pe_until);
	(void)cur_u64(&c, &pe->pe_proven);
	(void)cur_u64(&c, &pe->pe_proved);
	return (cur_done(&c) == -1);
}

size_t
klimit_first(struct kcore *kc, uint8_t (*nodes)[NODEID_LEN], size_t max)
{
	struct kpeer	*pe;
	size_t		 n = 0;

	RB_FOREACH(pe, kpeer_tree, &kc->kc_peers) {
		if (n == max)
			break;
		if (pe->pe_proven != 0 || pe->pe_proved != 0)
			memcpy(nodes[n++], pe->pe_node, NODEID_LEN);
	}
	return (n);
}

/* -- charges -- */

static struct kcharge *
kcharge_get(struct kcore *kc, const uint8_t *node, int create)
{
	struct kcharge	 key, *ch;

	memcpy(key.ch_node, node, sizeof(key.ch_node));
	if ((ch = RB_FIND(kcharge_tree, &kc->kc_charges, &key)) != NULL ||
	    !create)
		return (ch);
	if (kc->kc_chargecount >= CHARGES_MAX) {
		errno = ENOBUFS;
		return (NULL);
	}
	if ((ch = calloc(1, sizeof(*ch))) == NULL)
		return (NULL);
	memcpy(ch->ch_node, node, sizeof(ch->ch_node));
	RB_INSERT(kcharge_tree, &kc->kc_charges, ch);
	kc->kc_chargecount++;
	return (ch);
}

static void
kcharge_free(struct kcore *kc, struct kcharge *ch)
{
	RB_REMOVE(kcharge_tree, &kc->kc_charges, ch);
	kc->kc_chargecount--;
	free(ch->ch_each);
	free(ch);
}

/* Forget what is older than a day; what lies in the future was now. */
static void
kcharge_age(struct kcore *kc, struct kcharge *ch)
{
	uint64_t	 now = kc->kc_now / 1000;
	unsigned	 i, n = 0;

	for (i = 0; i < ch->ch_count; i++) {
		if (ch->ch_each[i].cg_at + KEY_DAY_S <= now)
			continue;
		ch->ch_each[n] = ch->ch_each[i];
		if (ch->ch_each[n].cg_at > now)
			ch->ch_each[n].cg_at = (uint32_t)now;
		n++;
	}
	ch->ch_count = n;
}

static int
kcharge_add(struct kcore *kc, struct kcharge *ch, uint64_t number)
{
	struct kcharged	*each;
	unsigned	 size;

	kcharge_age(kc, ch);
	/* No limit is above that: the oldest makes room. */
	if (ch->ch_count == CHARGE_MAX)
		memmove(&ch->ch_each[0], &ch->ch_each[1],
		    --ch->ch_count * sizeof(*ch->ch_each));
	if (ch->ch_count == ch->ch_size) {
		size = ch->ch_size == 0 ? 4 : ch->ch_size * 2;
		each = reallocarray(ch->ch_each, size, sizeof(*each));
		if (each == NULL)
			return (-1);
		ch->ch_each = each;
		ch->ch_size = size;
	}
	ch->ch_each[ch->ch_count].cg_number = number;
	ch->ch_each[ch->ch_count++].cg_at = (uint32_t)(kc->kc_now / 1000);
	return (0);
}

static int
kcharge_put(struct kcore *kc, struct kcharge *ch, struct kwait *wa)
{
	struct wbuf	 w;
	unsigned	 i;
	int		 r;

	ch->ch_dirty = 0;
	wbuf_init(&w, kc->kc_scratch, KEY_SCRATCH);
	wbuf_bytes(&w, ch->ch_node, sizeof(ch->ch_node));
	wbuf_u16(&w, (uint16_t)ch->ch_count);
	for (i = 0; i < ch->ch_count; i++) {
		wbuf_u64(&w, ch->ch_each[i].cg_number);
		wbuf_u32(&w, ch->ch_each[i].cg_at);
	}
	r = store_put(kc->kc_charges_t, ch->ch_node, sizeof(ch->ch_node),
	    kc->kc_scratch, w.w_len, wa == NULL ? NULL : kcore_wait_done, wa);
	if (r == -1)
		kcore_wait_cancel(wa);
	return (r);
}

/* When fewer than limit are left, of a number (0: of all); 0: they are. */
static uint64_t
kcharge_until(const struct kcharge *ch, uint64_t number, unsigned limit)
{
	unsigned	 i, n = 0;

	if (limit > CHARGE_MAX)
		limit = CHARGE_MAX;
	/* From the newest: the limit-th has to age. */
	for (i = ch->ch_count; i > 0; i--)
		if (number == 0 || ch->ch_each[i - 1].cg_number == number)
			if (++n == limit)
				return (ch->ch_each[i - 1].cg_at + KEY_DAY_S);
	return (limit == 0 ? UINT64_MAX : 0);
}

uint32_t
klimit_check(struct kcore *kc, const uint8_t *node, const char *number)
{
	struct kcharge	*ch;
	uint64_t	 now = kc->kc_now / 1000, until, all;

	if ((ch = kcharge_get(kc, node, 0)) == NULL)
		return (0);
	kcharge_age(kc, ch);
	until = kcharge_until(ch, e164_pack(number),
	    kc->kc_conf->c_limit_number);
	all = kcharge_until(ch, 0, kc->kc_conf->c_limit_peer);
	if (all > until)
		until = all;
	if (until == 0)
		return (0);
	if (until == UINT64_MAX)
		return ((uint32_t)KEY_DAY_S);
	return (until > now ? (uint32_t)(until - now) : 1);
}

int
klimit_charge(struct kcore *kc, const uint8_t *node, const char *number,
    struct kwait *wa)
{
	struct kcharge	*ch;

	if ((ch = kcharge_get(kc, node, 1)) == NULL ||
	    kcharge_add(kc, ch, e164_pack(number)) == -1) {
		kcore_wait_cancel(wa);
		return (-1);
	}
	return (kcharge_put(kc, ch, wa));
}

/* Written within a second: should that be lost, a charge too many stands. */
void
klimit_refund(struct kcore *kc, const uint8_t *node, const char *number,
    uint32_t at)
{
	struct kcharge	*ch;
	uint64_t	 packed = e164_pack(number);
	unsigned	 i;

	if ((ch = kcharge_get(kc, node, 0)) == NULL)
		return;
	for (i = ch->ch_count; i > 0; i--) {
		if (ch->ch_each[i - 1].cg_number != packed ||
		    ch->ch_each[i - 1].cg_at != at)
			continue;
		memmove(&ch->ch_each[i - 1], &ch->ch_each[i],
		    (ch->ch_count - i) * sizeof(*ch->ch_each));
		ch->ch_count--;
		ch->ch_dirty = 1;
		klimit_later(kc);
		return;
	}
}

unsigned
klimit_count(struct kcore *kc, const uint8_t *node, const char *number)
{
	struct kcharge	*ch;
	uint64_t	 packed = number == NULL ? 0 : e164_pack(number);
	unsigned	 i, n = 0;

	if ((ch = kcharge_get(kc, node, 0)) == NULL)
		return (0);
	kcharge_age(kc, ch);
	for (i = 0; i < ch->ch_count; i++)
		n += number == NULL || ch->ch_each[i].cg_number == packed;
	return (n);
}

static int
kcharge_load(const void *key, size_t keylen, const void *val, size_t vallen,
    uint8_t version, void *arg)
{
	struct kcore	*kc = arg;
	struct kcharge	*ch;
	struct cur	 c;
	uint8_t		 node[NODEID_LEN];
	uint16_t	 n;

	(void)key;
	(void)keylen;
	cur_init(&c, val, vallen);
	(void)cur_bytes(&c, node, sizeof(node));
	if (cur_u16(&c, &n) == -1 || version != 1 || n == 0 || n > CHARGE_MAX ||
	    cur_left(&c) != (size_t)n * 12)
		return (1);
	if (kcharge_get(kc, node, 0) != NULL ||
	    (ch = kcharge_get(kc, node, 1)) == NULL)
		return (0);
	if ((ch->ch_each = calloc(n, sizeof(*ch->ch_each))) == NULL)
		return (-1);
	for (ch->ch_size = n; ch->ch_count < n; ch->ch_count++) {
		(void)cur_u64(&c, &ch->ch_each[ch->ch_count].cg_number);
		(void)cur_u32(&c, &ch->ch_each[ch->ch_count].cg_at);
	}
	return (0);
}

/* -- numbers that nobody claims -- */

int
klimit_negative(struct kcore *kc, const char *number)
{
	struct knegative	 key, *ng;

	key.ng_number = e164_pack(number);
	ng = RB_FIND(knegative_tree, &kc->kc_negatives, &key);
	return (ng != NULL && ng->ng_until > kc->kc_now);
}

/* An hour, less where all delays are short.  Not kept over a restart: the
 * worst is one look-up more. */
void
klimit_negative_add(struct kcore *kc, const char *number)
{
	struct knegative	 key, *ng;
	uint64_t		 ms;

	ms = (uint64_t)kc->kc_conf->c_try_max * 1000 / 24;
	if (ms > NEGATIVE_MS)
		ms = NEGATIVE_MS;
	key.ng_number = e164_pack(number);
	ng = RB_FIND(knegative_tree, &kc->kc_negatives, &key);
	if (ng == NULL) {
		if (kc->kc_negativecount >= KEY_NEGATIVE_MAX ||
		    (ng = calloc(1, sizeof(*ng))) == NULL)
			return;
		ng->ng_number = key.ng_number;
		RB_INSERT(knegative_tree, &kc->kc_negatives, ng);
		kc->kc_negativecount++;
	}
	ng->ng_until = kc->kc_now + ms;
}

/* -- all of it -- */

int
klimit_load(struct kcore *kc)
{
	if (store_walk(kc->kc_peers_t, kpeer_load, kc) == -1)
		return (-1);
	return (store_walk(kc->kc_charges_t, kcharge_load, kc));
}

void
klimit_sweep(struct kcore *kc)
{
	struct knegative	*ng, *nng;
	struct kcharge		*ch, *nch;

	for (ng = RB_MIN(knegative_tree, &kc->kc_negatives); ng != NULL;
	    ng = nng) {
		nng = RB_NEXT(knegative_tree, &kc->kc_negatives, ng);
		if (ng->ng_until > kc->kc_now)
			continue;
		RB_REMOVE(knegative_tree, &kc->kc_negatives, ng);
		kc->kc_negativecount--;
		free(ng);
	}
	for (ch = RB_MIN(kcharge_tree, &kc->kc_charges); ch != NULL; ch = nch) {
		nch = RB_NEXT(kcharge_tree, &kc->kc_charges, ch);
		kcharge_age(kc, ch);
		if (ch->ch_count != 0)
			continue;
		(void)store_put(kc->kc_charges_t, ch->ch_node,
		    sizeof(ch->ch_node), NULL, 0, NULL, NULL);
		kcharge_free(kc, ch);
	}
}

void
klimit_flush(struct kcore *kc)
{
	struct kcharge	*ch;
	struct kpeer	*pe;

	kc->kc_flush = 0;
	RB_FOREACH(ch, kcharge_tree, &kc->kc_charges)
		if (ch->ch_dirty)
			(void)kcharge_put(kc, ch, NULL);
	RB_FOREACH(pe, kpeer_tree, &kc->kc_peers)
		if (pe->pe_dirty)
			klimit_peer_put(kc, pe);
}

void
klimit_clear(struct kcore *kc)
{
	struct knegative	*ng;
	struct kcharge		*ch;
	struct kpeer		*pe;

	while ((ng = RB_MIN(knegative_tree, &kc->kc_negatives)) != NULL) {
		RB_REMOVE(knegative_tree, &kc->kc_negatives, ng);
		free(ng);
	}
	while ((ch = RB_MIN(kcharge_tree, &kc->kc_charges)) != NULL)
		kcharge_free(kc, ch);
	while ((pe = RB_MIN(kpeer_tree, &kc->kc_peers)) != NULL) {
		RB_REMOVE(kpeer_tree, &kc->kc_peers, pe);
		free(pe);
	}
	kc->kc_negativecount = kc->kc_peercount = 0;
}
