/* SPDX-License-Identifier: ISC */
/*
 * core: a chained hash table of nodes that stand in their objects.  The user
 * makes the hash (64 bits, which no stranger may be able to choose) and
 * compares keys; the table grows as it fills and never moves a node.
 */
#ifndef HTAB_H
#define HTAB_H

#include <stddef.h>
#include <stdint.h>

struct hnode {
	struct hnode	*hn_next;
	uint64_t	 hn_hash;
};

struct htab {
	struct hnode	**ht_slots;
	size_t		 ht_mask;	/* slots less one */
	size_t		 ht_count;
};

/* The object that a node stands in. */
#define HTAB_OF(node, type, field) \
	((type *)(void *)((char *)(node) - offsetof(type, field)))

int		 htab_init(struct htab *);	/* -1: no memory */
/* The slots, not the objects.  A table of zeroes is allowed. */
void		 htab_free(struct htab *);
void		 htab_insert(struct htab *, struct hnode *, uint64_t hash);
void		 htab_remove(struct htab *, struct hnode *);
/* The first and the next node with that hash, NULL: none. */
struct hnode	*htab_first(const struct htab *, uint64_t hash);
struct hnode	*htab_next(const struct hnode *);
/* All nodes in no order: after this one, NULL: the first.  The table must not
 * change meanwhile. */
struct hnode	*htab_walk(const struct htab *, const struct hnode *);

#endif
