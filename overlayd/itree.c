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
 * core: entries by number, and AVL trees of them (itree.h).  A tree of two
 * million entries is 29 high at most, which bounds the recursion.
 */

#include <stdlib.h>
#include <string.h>

#include "itree.h"

static struct ilink *link_of(const struct itree *, uint32_t);
static unsigned	 height(const struct itree *, uint32_t);
static void	 measure(const struct itree *, uint32_t);
static uint32_t	 turn_right(const struct itree *, uint32_t);
static uint32_t	 turn_left(const struct itree *, uint32_t);
static uint32_t	 balance(const struct itree *, uint32_t);
static uint32_t	 insert(const struct itree *, uint32_t, uint32_t, const void *);
static uint32_t	 grow(const struct itree *, uint32_t *, uint32_t);
static void	 insert_all(struct itree *, uint32_t);
static uint32_t	 take_first(const struct itree *, uint32_t, uint32_t *);
static uint32_t	 take(const struct itree *, uint32_t, const void *, uint32_t *);

void
slab_init(struct slab *sb, size_t size)
{
	memset(sb, 0, sizeof(*sb));
	sb->sb_size = (uint32_t)size;
}

void
slab_clear(struct slab *sb)
{
	size_t		 i;

	for (i = 0; i < SLAB_PARTS; i++)
		free(sb->sb_part[i]);
	slab_init(sb, sb->sb_size);
}

uint32_t
slab_new(struct slab *sb)
{
	uint32_t	 n = sb->sb_free, i;
	unsigned	 part;

	if (n != 0) {
		memcpy(&sb->sb_free, slab_at(sb, n), sizeof(sb->sb_free));
		memset(slab_at(sb, n), 0, sizeof(sb->sb_free));
		return (n);
	}
	i = sb->sb_top + SLAB_FIRST;
	part = 31 - (unsigned)__builtin_clz(i) - (unsigned)__builtin_ctz(SLAB_FIRST);
	if (part >= SLAB_PARTS)
		return (0);
	if (sb->sb_part[part] == NULL && (sb->sb_part[part] =
	    reallocarray(NULL, (size_t)SLAB_FIRST << part, sb->sb_size)) == NULL)
		return (0);
	n = ++sb->sb_top;
	memset(slab_at(sb, n), 0, sb->sb_size);
	return (n);
}

void
slab_free(struct slab *sb, uint32_t n)
{
	void		*p = slab_at(sb, n);

	memset(p, 0, sb->sb_size);
	memcpy(p, &sb->sb_free, sizeof(sb->sb_free));
	sb->sb_free = n;
}

/* -- the tree -- */

void
itree_init(struct itree *t, struct slab *sb, size_t where,
    int (*cmp)(const void *, const void *), const void *(*key)(const void *))
{
	t->it_slab = sb;
	t->it_link = where;
	t->it_cmp = cmp;
	t->it_key = key;
	t->it_root = 0;
}

static struct ilink *
link_of(const struct itree *t, uint32_t n)
{
	return ((struct ilink *)(void *)((uint8_t *)slab_at(t->it_slab, n) + t->it_link));
}

static unsigned
height(const struct itree *t, uint32_t n)
{
	return (n == 0 ? 0 : link_of(t, n)->il_height);
}

static void
measure(const struct itree *t, uint32_t n)
{
	struct ilink	*il = link_of(t, n);
	unsigned	 l = height(t, il->il_left), r = height(t, il->il_right);

	il->il_height = (uint8_t)((l > r ? l : r) + 1);
}

static uint32_t
turn_right(const struct itree *t, uint32_t n)
{
	struct ilink	*il = link_of(t, n);
	uint32_t	 up = il->il_left;

	il->il_left = link_of(t, up)->il_right;
	link_of(t, up)->il_right = n;
	measure(t, n);
	measure(t, up);
	return (up);
}

static uint32_t
turn_left(const struct itree *t, uint32_t n)
{
	struct ilink	*il = link_of(t, n);
	uint32_t	 up = il->il_right;

	il->il_right = link_of(t, up)->il_left;
	link_of(t, up)->il_left = n;
	measure(t, n);
	measure(t, up);
	return (up);
}

static uint32_t
balance(const struct itree *t, uint32_t n)
{
	struct ilink	*il = link_of(t, n), *side;
	unsigned	 l = height(t, il->il_left), r = height(t, il->il_right);

	if (l > r + 1) {
		side = link_of(t, il->il_left);
		if (height(t, side->il_left) < height(t, side->il_right))
			il->il_left = turn_left(t, il->il_left);
		return (turn_right(t, n));
	}
	if (r > l + 1) {
		side = link_of(t, il->il_right);
		if (height(t, side->il_right) < height(t, side->il_left))
			il->il_right = turn_right(t, il->il_right);
		return (turn_left(t, n));
	}
	il->il_height = (uint8_t)((l > r ? l : r) + 1);
	return (n);
}

uint32_t
itree_find(const struct itree *t, const void *key)
{
	uint32_t	 n = t->it_root;
	int		 c;

	while (n != 0 && (c = t->it_cmp(slab_at(t->it_slab, n), key)) != 0)
		n = c > 0 ? link_of(t, n)->il_left : link_of(t, n)->il_right;
	return (n);
}

uint32_t
itree_nfind(const struct itree *t, const void *key)
{
	uint32_t	 n = t->it_root, best = 0;
	int		 c;

	while (n != 0) {
		if ((c = t->it_cmp(slab_at(t->it_slab, n), key)) == 0)
			return (n);
		if (c > 0) {
			best = n;
			n = link_of(t, n)->il_left;
		} else
			n = link_of(t, n)->il_right;
	}
	return (best);
}

static uint32_t
insert(const struct itree *t, uint32_t at, uint32_t n, const void *key)
{
	struct ilink	*il;

	if (at == 0)
		return (n);
	il = link_of(t, at);
	if (t->it_cmp(slab_at(t->it_slab, at), key) > 0)
		il->il_left = insert(t, il->il_left, n, key);
	else
		il->il_right = insert(t, il->il_right, n, key);
	return (balance(t, at));
}

void
itree_insert(struct itree *t, uint32_t n, const void *key)
{
	struct ilink	*il = link_of(t, n);

	il->il_left = il->il_right = 0;
	il->il_height = 1;
	t->it_root = insert(t, t->it_root, n, key);
}

void
itree_chain(struct itree *t, uint32_t last, uint32_t n)
{
	if (last != 0)
		link_of(t, last)->il_right = n;
	link_of(t, n)->il_height = 1;
}

/* A tree of the next count entries of a chain; *at moves on. */
static uint32_t
grow(const struct itree *t, uint32_t *at, uint32_t count)
{
	uint32_t	 left, n;

	if (count == 0)
		return (0);
	left = grow(t, at, count / 2);
	n = *at;
	*at = link_of(t, n)->il_right;
	link_of(t, n)->il_left = left;
	link_of(t, n)->il_right = grow(t, at, count - count / 2 - 1);
	measure(t, n);
	return (n);
}

static void
insert_all(struct itree *t, uint32_t n)
{
	uint32_t	 left, right;

	if (n == 0)
		return;
	left = link_of(t, n)->il_left;
	right = link_of(t, n)->il_right;
	itree_insert(t, n, t->it_key(slab_at(t->it_slab, n)));
	insert_all(t, left);
	insert_all(t, right);
}

void
itree_build(struct itree *t, uint32_t first, uint32_t count)
{
	uint32_t	 others = t->it_root;

	t->it_root = grow(t, &first, count);
	insert_all(t, others);
}

static uint32_t
take_first(const struct itree *t, uint32_t at, uint32_t *out)
{
	struct ilink	*il = link_of(t, at);

	if (il->il_left == 0) {
		*out = at;
		return (il->il_right);
	}
	il->il_left = take_first(t, il->il_left, out);
	return (balance(t, at));
}

static uint32_t
take(const struct itree *t, uint32_t at, const void *key, uint32_t *out)
{
	struct ilink	*il;
	uint32_t	 next, rest;
	int		 c;

	if (at == 0)
		return (0);
	il = link_of(t, at);
	if ((c = t->it_cmp(slab_at(t->it_slab, at), key)) > 0)
		il->il_left = take(t, il->il_left, key, out);
	else if (c < 0)
		il->il_right = take(t, il->il_right, key, out);
	else {
		*out = at;
		if (il->il_left == 0)
			return (il->il_right);
		if (il->il_right == 0)
			return (il->il_left);
		rest = take_first(t, il->il_right, &next);
		link_of(t, next)->il_left = il->il_left;
		link_of(t, next)->il_right = rest;
		at = next;
	}
	return (balance(t, at));
}

uint32_t
itree_remove(struct itree *t, const void *key)
{
	uint32_t	 n = 0;

	t->it_root = take(t, t->it_root, key, &n);
	if (n != 0) {
		link_of(t, n)->il_left = link_of(t, n)->il_right = 0;
		link_of(t, n)->il_height = 0;
	}
	return (n);
}
