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
 * core: bounds on calls, connections and refusals of outside peers.  Each kind
 * is a tree of at most LIMITS_TABLE_MAX entries under a keyed hash, with the
 * ones used longest ago at the front of a list.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <ctype.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sip_limits.h"

#define HASH_LEN	crypto_shorthash_siphashx24_BYTES
#define HOUR_MS		3600000
#define MINUTE_MS	60000
#define RETRY_LIVE_S	30
#define PLACES_MAX	65536
#define KEY_TEXT_MAX	512

enum kind { KIND_CALL, KIND_CONN_ADDR, KIND_CONN_NAME, KIND_REFUSED, KIND_TOTAL,
	KIND_RATE, KIND_MAX };

struct limit {
	RB_ENTRY(limit)		 li_entry;	/* in the kind's tree, which owns it */
	TAILQ_ENTRY(limit)	 li_lru;
	uint8_t			 li_hash[HASH_LEN];
	unsigned		 li_live;	/* places or connections held */
	unsigned		 li_waiting;	/* places not counted yet */
	uint64_t		 li_last;	/* of a bucket: ms of its latest use */
	uint64_t		 li_level;	/* tokens, in thousandths */
	uint32_t		 li_size;	/* of the ring */
	uint32_t		 li_head;	/* oldest */
	uint32_t		 li_count;
	uint64_t		*li_times;	/* ms, oldest first from li_head */
};
RB_HEAD(limit_tree, limit);
TAILQ_HEAD(limit_list, limit);

struct place {
	RB_ENTRY(place)	 pl_entry;	/* in lm_places, which owns it */
	uint64_t	 pl_id;
	struct limit	*pl_limit;	/* has li_live > 0: is not evicted */
	struct limit	*pl_total;	/* the same; NULL: not counted */
	int		 pl_counted;
};
RB_HEAD(place_tree, place);

struct limits {
	uint8_t			 lm_key[crypto_shorthash_siphashx24_KEYBYTES];
	struct limit_tree	 lm_tree[KIND_MAX];
	struct limit_list	 lm_lru[KIND_MAX];
	size_t			 lm_count[KIND_MAX];
	struct place_tree	 lm_places;
	size_t			 lm_nplaces;
	uint64_t		 lm_next;
	unsigned		 lm_total;
};

static int	 limit_cmp(struct limit *, struct limit *);
static int	 place_cmp(struct place *, struct place *);
static void	 limit_hash(struct limits *, const char *, const char *, uint8_t *);
static void	 addr_text(const struct vaddr *, char *, size_t);
static struct limit *limit_find(struct limits *, enum kind, const uint8_t *);
static struct limit *limit_get(struct limits *, enum kind, const uint8_t *, uint32_t);
static void	 limit_free(struct limits *, enum kind, struct limit *);
static void	 ring_expire(struct limit *, uint64_t, uint64_t);
static void	 ring_add(struct limit *, uint64_t);
static int	 conn_open(struct limits *, enum kind, const char *, unsigned);
static void	 conn_close(struct limits *, enum kind, const char *);
static int	 refused_one(struct limits *, const char *, const char *, uint64_t);
static struct place *place_find(struct limits *, uint64_t);

RB_PROTOTYPE(limit_tree, limit, li_entry, limit_cmp)
RB_PROTOTYPE(place_tree, place, pl_entry, place_cmp)
RB_GENERATE(limit_tree, limit, li_entry, limit_cmp)
RB_GENERATE(place_tree, place, pl_entry, place_cmp)

static int
limit_cmp(struct limit *a, struct limit *b)
{
	return (memcmp(a->li_hash, b->li_hash, HASH_LEN));
}

static int
place_cmp(struct place *a, struct place *b)
{
	return (a->pl_id < b->pl_id ? -1 : a->pl_id > b->pl_id);
}

struct limits *
limits_new(void)
{
	struct limits	*l;
	int		 i;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return (NULL);
	randombytes_buf(l->lm_key, sizeof(l->lm_key));
	for (i = 0; i < KIND_MAX; i++) {
		RB_INIT(&l->lm_tree[i]);
		TAILQ_INIT(&l->lm_lru[i]);
	}
	RB_INIT(&l->lm_places);
	l->lm_next = 1;
	return (l);
}

void
limits_free(struct limits *l)
{
	struct limit	*li;
	struct place	*pl;
	enum kind	 k;

	if (l == NULL)
		return;
	while ((pl = RB_ROOT(&l->lm_places)) != NULL) {
		RB_REMOVE(place_tree, &l->lm_places, pl);
		free(pl);
	}
	for (k = KIND_CALL; k < KIND_MAX; k++)
		while ((li = TAILQ_FIRST(&l->lm_lru[k])) != NULL)
			limit_free(l, k, li);
	sodium_memzero(l, sizeof(*l));
	free(l);
}

/* Two texts, case ignored, with a mark between them. */
static void
limit_hash(struct limits *l, const char *a, const char *b, uint8_t *hash)
{
	char	text[KEY_TEXT_MAX];
	size_t	n = 0;

	for (; *a != '\0' && n < sizeof(text) - 1; a++)
		text[n++] = (char)tolower((uint8_t)*a);
	text[n++] = '\n';
	for (; *b != '\0' && n < sizeof(text); b++)
		text[n++] = (char)tolower((uint8_t)*b);
	(void)crypto_shorthash_siphashx24(hash, (const uint8_t *)text, n, l->lm_key);
}

/* IPv4: the address; IPv6: its /64, which is what one customer has. */
static void
addr_text(const struct vaddr *va, char *buf, size_t size)
{
	struct vaddr	net = *va;

	if (net.va_family == 6)
		memset(net.va_addr + 8, 0, 8);
	(void)vaddr_host(&net, buf, size);
}

static struct limit *
limit_find(struct limits *l, enum kind k, const uint8_t *hash)
{
	struct limit	key;

	memcpy(key.li_hash, hash, HASH_LEN);
	return (RB_FIND(limit_tree, &l->lm_tree[k], &key));
}

static void
limit_free(struct limits *l, enum kind k, struct limit *li)
{
	RB_REMOVE(limit_tree, &l->lm_tree[k], li);
	TAILQ_REMOVE(&l->lm_lru[k], li, li_lru);
	l->lm_count[k]--;
	free(li->li_times);
	free(li);
}

/* Find or make, and make it the one used last.  A full table gives up the
 * entry that was used longest ago and holds nothing. */
static struct limit *
limit_get(struct limits *l, enum kind k, const uint8_t *hash, uint32_t ring)
{
	struct limit	*li, *old;
	uint64_t	*times = NULL;

	if ((li = limit_find(l, k, hash)) != NULL && li->li_size == ring) {
		TAILQ_REMOVE(&l->lm_lru[k], li, li_lru);
		TAILQ_INSERT_TAIL(&l->lm_lru[k], li, li_lru);
		return (li);
	}
	if (ring > 0 && (times = calloc(ring, sizeof(*times))) == NULL)
		return (NULL);
	if (li != NULL) {
		/* The limit was changed: keep the newest that fit. */
		uint32_t	i, skip, n = li->li_count;

		skip = n > ring ? n - ring : 0;
		for (i = skip; i < n; i++)
			times[i - skip] = li->li_times[(li->li_head + i) % li->li_size];
		free(li->li_times);
		li->li_times = times;
		li->li_head = 0;
		li->li_count = n - skip;
		li->li_size = ring;
		return (li);
	}
	if (l->lm_count[k] >= LIMITS_TABLE_MAX) {
		TAILQ_FOREACH(old, &l->lm_lru[k], li_lru)
			if (old->li_live == 0)
				break;
		if (old == NULL) {
			free(times);
			return (NULL);
		}
		limit_free(l, k, old);
	}
	if ((li = calloc(1, sizeof(*li))) == NULL) {
		free(times);
		return (NULL);
	}
	memcpy(li->li_hash, hash, HASH_LEN);
	li->li_times = times;
	li->li_size = ring;
	RB_INSERT(limit_tree, &l->lm_tree[k], li);
	TAILQ_INSERT_TAIL(&l->lm_lru[k], li, li_lru);
	l->lm_count[k]++;
	return (li);
}

/* Forget what is older than the window. */
static void
ring_expire(struct limit *li, uint64_t now, uint64_t window)
{
	while (li->li_count > 0 &&
	    now - li->li_times[li->li_head] >= window) {
		li->li_head = (li->li_head + 1) % li->li_size;
		li->li_count--;
	}
}

static void
ring_add(struct limit *li, uint64_t now)
{
	if (li->li_size == 0)
		return;
	if (li->li_count == li->li_size) {
		li->li_head = (li->li_head + 1) % li->li_size;
		li->li_count--;
	}
	li->li_times[(li->li_head + li->li_count) % li->li_size] = now;
	li->li_count++;
}

/* -- calls -- */

uint64_t
limits_call(struct limits *l, const char *grantee, const char *number, uint64_t now_ms,
    unsigned hour, unsigned live, uint32_t *retry_s)
{
	struct limit	*li, *total = NULL;
	struct place	*pl;
	uint64_t	 wait;
	uint8_t		 hash[HASH_LEN];

	if (hour > LIMITS_HOUR_MAX)
		hour = LIMITS_HOUR_MAX;
	*retry_s = RETRY_LIVE_S;
	limit_hash(l, grantee, number, hash);
	if (hour == 0 || l->lm_nplaces >= PLACES_MAX ||
	    (li = limit_get(l, KIND_CALL, hash, hour)) == NULL)
		return (0);
	ring_expire(li, now_ms, HOUR_MS);
	if (li->li_live >= live)
		return (0);
	if (li->li_count + li->li_waiting >= hour) {
		if (li->li_count > 0) {
			wait = HOUR_MS - (now_ms - li->li_times[li->li_head]);
			wait = (wait + 999) / 1000;
			*retry_s = wait < 1 ? 1 : wait > 3600 ? 3600 :
			    (uint32_t)wait;
		}
		return (0);
	}
	if (l->lm_total != 0) {
		limit_hash(l, grantee, "", hash);
		if ((total = limit_get(l, KIND_TOTAL, hash, 0)) == NULL ||
		    total->li_live >= l->lm_total)
			return (0);
	}
	if ((pl = calloc(1, sizeof(*pl))) == NULL)
		return (0);
	pl->pl_id = l->lm_next++;
	pl->pl_limit = li;
	if ((pl->pl_total = total) != NULL)
		total->li_live++;
	RB_INSERT(place_tree, &l->lm_places, pl);
	l->lm_nplaces++;
	li->li_live++;
	li->li_waiting++;
	*retry_s = 0;
	return (pl->pl_id);
}

static struct place *
place_find(struct limits *l, uint64_t id)
{
	struct place	key;

	key.pl_id = id;
	return (RB_FIND(place_tree, &l->lm_places, &key));
}

void
limits_call_counted(struct limits *l, uint64_t id, uint64_t now_ms)
{
	struct place	*pl;

	if ((pl = place_find(l, id)) == NULL || pl->pl_counted)
		return;
	pl->pl_counted = 1;
	pl->pl_limit->li_waiting--;
	ring_expire(pl->pl_limit, now_ms, HOUR_MS);
	ring_add(pl->pl_limit, now_ms);
}

void
limits_call_end(struct limits *l, uint64_t id)
{
	struct place	*pl;
	struct limit	*li;

	if ((pl = place_find(l, id)) == NULL)
		return;
	li = pl->pl_limit;
	li->li_live--;
	if (!pl->pl_counted)
		li->li_waiting--;
	RB_REMOVE(place_tree, &l->lm_places, pl);
	l->lm_nplaces--;
	if (pl->pl_total != NULL && --pl->pl_total->li_live == 0)
		limit_free(l, KIND_TOTAL, pl->pl_total);
	free(pl);
	if (li->li_live == 0 && li->li_count == 0)
		limit_free(l, KIND_CALL, li);
}

void
limits_total(struct limits *l, unsigned live)
{
	l->lm_total = live;
}

/* -- how often -- */

int
limits_rate(struct limits *l, enum limits_rate which, const char *name, unsigned per_s,
    uint64_t now_ms, uint32_t *retry_s)
{
	struct limit	*li;
	uint64_t	 full = (uint64_t)per_s * 2000, gone;
	uint8_t		 hash[HASH_LEN];

	*retry_s = 1;
	limit_hash(l, name, which == LIMITS_CALLS ? "calls" :
	    which == LIMITS_REQUESTS ? "requests" : "excess", hash);
	if ((li = limit_get(l, KIND_RATE, hash, 0)) == NULL)
		return (0);
	gone = now_ms - li->li_last;
	if (li->li_last == 0 || gone >= 2000)
		li->li_level = full;
	else
		li->li_level += gone * per_s;
	if (li->li_level > full)
		li->li_level = full;
	li->li_last = now_ms;
	if (li->li_level < 1000)
		return (-1);
	li->li_level -= 1000;
	return (0);
}

/* -- connections -- */

static int
conn_open(struct limits *l, enum kind k, const char *text, unsigned max)
{
	struct limit	*li;
	uint8_t		 hash[HASH_LEN];

	limit_hash(l, text, "", hash);
	if ((li = limit_get(l, k, hash, 0)) == NULL || li->li_live >= max)
		return (-1);
	li->li_live++;
	return (0);
}

static void
conn_close(struct limits *l, enum kind k, const char *text)
{
	struct limit	*li;
	uint8_t		 hash[HASH_LEN];

	limit_hash(l, text, "", hash);
	if ((li = limit_find(l, k, hash)) == NULL || li->li_live == 0)
		return;
	if (--li->li_live == 0)
		limit_free(l, k, li);
}

int
limits_conn_open(struct limits *l, const struct vaddr *va)
{
	char	text[VADDR_STRLEN];

	addr_text(va, text, sizeof(text));
	return (conn_open(l, KIND_CONN_ADDR, text, LIMITS_CONN_ADDR));
}

int
limits_conn_rate(struct limits *l, const struct vaddr *va, unsigned per_s, uint64_t now_ms)
{
	char		text[VADDR_STRLEN];
	uint32_t	ignored;

	/* No domain is named like an address. */
	addr_text(va, text, sizeof(text));
	return (limits_rate(l, LIMITS_REQUESTS, text, per_s, now_ms, &ignored));
}

void
limits_conn_close(struct limits *l, const struct vaddr *va)
{
	char	text[VADDR_STRLEN];

	addr_text(va, text, sizeof(text));
	conn_close(l, KIND_CONN_ADDR, text);
}

int
limits_name_open(struct limits *l, const char *name)
{
	return (conn_open(l, KIND_CONN_NAME, name, LIMITS_CONN_DOMAIN));
}

void
limits_name_close(struct limits *l, const char *name)
{
	conn_close(l, KIND_CONN_NAME, name);
}

/* -- refusals -- */

static int
refused_one(struct limits *l, const char *kind, const char *text, uint64_t now)
{
	struct limit	*li;
	uint8_t		 hash[HASH_LEN];

	limit_hash(l, kind, text, hash);
	if ((li = limit_get(l, KIND_REFUSED, hash, LIMITS_REFUSED_MIN + 1)) == NULL)
		return (0);
	ring_expire(li, now, MINUTE_MS);
	ring_add(li, now);
	return (li->li_count > LIMITS_REFUSED_MIN);
}

int
limits_refused(struct limits *l, const struct vaddr *va, const char *name, uint64_t now_ms)
{
	char	text[VADDR_STRLEN];
	int	r;

	addr_text(va, text, sizeof(text));
	r = refused_one(l, "addr", text, now_ms);
	if (name != NULL)
		r |= refused_one(l, "name", name, now_ms);
	return (r);
}
