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
 * Slabs and trees against a plain array: order, balance, numbers used again.
 */

#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "itree.h"

#define KEYS	3000

struct entry {
	uint32_t	 en_key;
	struct ilink	 en_link;
};

static int	 entry_cmp(const void *, const void *);
static const void *entry_key(const void *);
static unsigned	 check_node(const struct itree *, uint32_t, uint32_t, uint32_t, unsigned *);
static void	 check(const struct itree *, const uint32_t *, unsigned);
static uint32_t	 rnd(void);

static uint32_t	 number_of[KEYS];	/* by key; 0: not in */
static uint64_t	 seed = 88172645463325252u;

static uint32_t
rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return ((uint32_t)(seed >> 16));
}

static int
entry_cmp(const void *a, const void *b)
{
	const struct entry *en = a;
	const uint32_t	*key = b;

	return (en->en_key < *key ? -1 : en->en_key > *key);
}

static const void *
entry_key(const void *a)
{
	return (a);
}

/* Height of a part, all of whose keys are in [low, high]. */
static unsigned
check_node(const struct itree *t, uint32_t n, uint32_t low, uint32_t high, unsigned *count)
{
	const struct entry *en;
	unsigned	 l, r;

	if (n == 0)
		return (0);
	en = slab_at(t->it_slab, n);
	ATF_REQUIRE(en->en_key >= low && en->en_key <= high);
	(*count)++;
	l = check_node(t, en->en_link.il_left, low, en->en_key - (en->en_key > 0), count);
	r = check_node(t, en->en_link.il_right, en->en_key + 1, high, count);
	ATF_REQUIRE(l <= r + 1 && r <= l + 1);
	ATF_REQUIRE_EQ((l > r ? l : r) + 1, en->en_link.il_height);
	return ((l > r ? l : r) + 1);
}

static void
check(const struct itree *t, const uint32_t *by, unsigned count)
{
	const struct entry *en;
	unsigned	 n = 0;
	uint32_t	 key, next = 0;

	(void)check_node(t, t->it_root, 0, UINT32_MAX, &n);
	ATF_REQUIRE_EQ(count, n);
	for (key = KEYS; key-- > 0;) {
		if (by[key] != 0) {
			next = by[key];
			en = slab_at(t->it_slab, next);
			ATF_REQUIRE_EQ(key, en->en_key);
		}
		ATF_REQUIRE_EQ(by[key], itree_find(t, &key));
		ATF_REQUIRE_EQ(next, itree_nfind(t, &key));
	}
}

ATF_TC_WITHOUT_HEAD(model);
ATF_TC_BODY(model, tc)
{
	struct slab	 sb;
	struct itree	 t;
	struct entry	*en;
	uint32_t	 key, n, top = 0;
	unsigned	 i, count = 0;

	slab_init(&sb, sizeof(struct entry));
	itree_init(&t, &sb, offsetof(struct entry, en_link), entry_cmp, entry_key);
	for (i = 0; i < 60000; i++) {
		/* It grows, shrinks and grows. */
		key = rnd() % KEYS;
		if (number_of[key] == 0 && (i / 10000) % 2 == 1 && rnd() % 4 != 0)
			continue;
		if (number_of[key] == 0) {
			ATF_REQUIRE((n = slab_new(&sb)) != 0);
			en = slab_at(&sb, n);
			ATF_REQUIRE_EQ(0, en->en_key);
			ATF_REQUIRE_EQ(0, en->en_link.il_height);
			en->en_key = key;
			itree_insert(&t, n, &key);
			number_of[key] = n;
			count++;
		} else if ((i / 10000) % 2 == 1 || rnd() % 4 == 0) {
			ATF_REQUIRE_EQ(number_of[key], itree_remove(&t, &key));
			ATF_REQUIRE_EQ(0, itree_remove(&t, &key));
			slab_free(&sb, number_of[key]);
			number_of[key] = 0;
			count--;
		}
		if (count > top)
			top = count;
		if (i % 500 == 0)
			check(&t, number_of, count);
	}
	check(&t, number_of, count);
	/* What was given back was used again. */
	ATF_CHECK_EQ(top, sb.sb_top);
	slab_clear(&sb);
	ATF_CHECK_EQ(0, sb.sb_top);
}

/* Chains of every length, beside entries that are there. */
ATF_TC_WITHOUT_HEAD(chains);
ATF_TC_BODY(chains, tc)
{
	struct slab	 sb;
	struct itree	 t;
	uint32_t	 key, n, first, last;
	unsigned	 len, others, count, chained;

	for (len = 0; len < 200; len++) {
		for (others = 0; others <= 40; others += 20) {
			memset(number_of, 0, sizeof(number_of));
			slab_init(&sb, sizeof(struct entry));
			itree_init(&t, &sb, offsetof(struct entry, en_link), entry_cmp,
			    entry_key);
			first = last = 0;
			count = chained = 0;
			for (key = 0; count < len + others; key += 7) {
				ATF_REQUIRE((n = slab_new(&sb)) != 0);
				((struct entry *)slab_at(&sb, n))->en_key = key;
				number_of[key] = n;
				/* The others stand between them. */
				if (count < 2 * others && count % 2 == 1)
					itree_insert(&t, n, &key);
				else {
					itree_chain(&t, last, n);
					last = n;
					if (chained++ == 0)
						first = n;
				}
				count++;
			}
			itree_build(&t, first, chained);
			check(&t, number_of, len + others);
			slab_clear(&sb);
		}
	}
}

/* Entries stay where they are while the slab grows. */
ATF_TC_WITHOUT_HEAD(places);
ATF_TC_BODY(places, tc)
{
	struct slab	 sb;
	uint64_t	*first, *p;
	uint32_t	 i;

	slab_init(&sb, sizeof(uint64_t));
	ATF_REQUIRE_EQ(1, slab_new(&sb));
	first = slab_at(&sb, 1);
	*first = 1;
	for (i = 2; i <= 100000; i++) {
		ATF_REQUIRE_EQ(i, slab_new(&sb));
		p = slab_at(&sb, i);
		ATF_REQUIRE_EQ(0, *p);
		*p = i;
	}
	ATF_CHECK_EQ(first, slab_at(&sb, 1));
	for (i = 1; i <= 100000; i++) {
		p = slab_at(&sb, i);
		ATF_REQUIRE_EQ(i, *p);
	}
	slab_clear(&sb);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, model);
	ATF_TP_ADD_TC(tp, chains);
	ATF_TP_ADD_TC(tp, places);
	return (atf_no_error());
}
