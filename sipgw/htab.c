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

/* core: a chained hash table. */

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "htab.h"

#define HTAB_FIRST	64	/* slots at the start */

static void	 htab_grow(struct htab *);

int
htab_init(struct htab *ht)
{
	ht->ht_count = 0;
	ht->ht_mask = HTAB_FIRST - 1;
	ht->ht_slots = calloc(HTAB_FIRST, sizeof(*ht->ht_slots));
	return (ht->ht_slots == NULL ? -1 : 0);
}

void
htab_free(struct htab *ht)
{
	free(ht->ht_slots);
	ht->ht_slots = NULL;
	ht->ht_count = 0;
}

/* Twice the slots.  Without memory it goes on with longer chains. */
static void
htab_grow(struct htab *ht)
{
	struct hnode	**slots, *hn, *next;
	size_t		  i, mask = ht->ht_mask * 2 + 1;

	if (mask < ht->ht_mask || (slots = calloc(mask + 1, sizeof(*slots))) == NULL)
		return;
	for (i = 0; i <= ht->ht_mask; i++) {
		for (hn = ht->ht_slots[i]; hn != NULL; hn = next) {
			next = hn->hn_next;
			hn->hn_next = slots[hn->hn_hash & mask];
			slots[hn->hn_hash & mask] = hn;
		}
	}
	free(ht->ht_slots);
	ht->ht_slots = slots;
	ht->ht_mask = mask;
}

void
htab_insert(struct htab *ht, struct hnode *hn, uint64_t hash)
{
	if (ht->ht_count > ht->ht_mask / 2)
		htab_grow(ht);
	hn->hn_hash = hash;
	hn->hn_next = ht->ht_slots[hash & ht->ht_mask];
	ht->ht_slots[hash & ht->ht_mask] = hn;
	ht->ht_count++;
}

void
htab_remove(struct htab *ht, struct hnode *hn)
{
	struct hnode	**prev = &ht->ht_slots[hn->hn_hash & ht->ht_mask];

	while (*prev != hn)
		prev = &(*prev)->hn_next;
	*prev = hn->hn_next;
	hn->hn_next = NULL;
	ht->ht_count--;
}

struct hnode *
htab_first(const struct htab *ht, uint64_t hash)
{
	struct hnode	*hn = ht->ht_slots[hash & ht->ht_mask];

	while (hn != NULL && hn->hn_hash != hash)
		hn = hn->hn_next;
	return (hn);
}

struct hnode *
htab_next(const struct hnode *hn)
{
	struct hnode	*next = hn->hn_next;

	while (next != NULL && next->hn_hash != hn->hn_hash)
		next = next->hn_next;
	return (next);
}

struct hnode *
htab_walk(const struct htab *ht, const struct hnode *hn)
{
	size_t	i = 0;

	if (hn != NULL) {
		if (hn->hn_next != NULL)
			return (hn->hn_next);
		i = (hn->hn_hash & ht->ht_mask) + 1;
	}
	for (; i <= ht->ht_mask; i++)
		if (ht->ht_slots[i] != NULL)
			return (ht->ht_slots[i]);
	return (NULL);
}
