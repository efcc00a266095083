/* SPDX-License-Identifier: ISC */
/*
 * core: many small entries in little memory: a slab hands entries of one size
 * out by number, and a balanced tree orders them by links that are numbers
 * too.  Number 0 is none.  An entry never moves; one that was given back is
 * handed out again before the slab grows.  A slab grows by doubling, each part
 * beside the ones before, and what was not handed out yet is not touched.
 */
#ifndef ITREE_H
#define ITREE_H

#include <stddef.h>
#include <stdint.h>

#define SLAB_FIRST	8	/* entries of the first part; a power of two */
#define SLAB_PARTS	20

struct slab {
	uint8_t		*sb_part[SLAB_PARTS];
	uint32_t	 sb_size;	/* bytes an entry, at least 4 */
	uint32_t	 sb_top;	/* numbers handed out so far: 1 to this */
	uint32_t	 sb_free;	/* given back, linked by their first bytes */
};

struct ilink {			/* in an entry that a tree orders */
	uint32_t	 il_left, il_right;
	uint8_t		 il_height;	/* 0: in no tree */
	uint8_t		 il_mark;	/* the owner's */
	uint16_t	 il_pad;
};

struct itree {
	struct slab	*it_slab;
	size_t		 it_link;	/* where an entry has its struct ilink */
	/* Entry against key, as memcmp; the key of an entry. */
	int		(*it_cmp)(const void *, const void *);
	const void	*(*it_key)(const void *);
	uint32_t	 it_root;
};

void		 slab_init(struct slab *, size_t size);
void		 slab_clear(struct slab *);
/* A zeroed entry; 0: no memory. */
uint32_t	 slab_new(struct slab *);
/* The entry is all zero from then on, but for its first four bytes. */
void		 slab_free(struct slab *, uint32_t);

/* Entry of a number from 1 to sb_top. */
static inline void *
slab_at(const struct slab *sb, uint32_t n)
{
	uint32_t	 i = n - 1 + SLAB_FIRST;
	unsigned	 part = 31 - (unsigned)__builtin_clz(i) -
			    (unsigned)__builtin_ctz(SLAB_FIRST);

	return (sb->sb_part[part] +
	    (size_t)(i - ((uint32_t)SLAB_FIRST << part)) * sb->sb_size);
}

void		 itree_init(struct itree *, struct slab *, size_t link,
		    int (*cmp)(const void *, const void *), const void *(*key)(const void *));
/* All of these: 0 when there is none. */
uint32_t	 itree_find(const struct itree *, const void *key);
/* The first one at or after key. */
uint32_t	 itree_nfind(const struct itree *, const void *key);
/* key is the entry's own; no other has it. */
void		 itree_insert(struct itree *, uint32_t, const void *key);
/*
 * Many in order: itree_chain for each, n the next after last, which was chained
 * before (0: the first); then itree_build with the first and how many.  Until
 * then they are in no tree; what is in it already stays.
 */
void		 itree_chain(struct itree *, uint32_t last, uint32_t n);
void		 itree_build(struct itree *, uint32_t first, uint32_t count);
/* Take it out of the tree, not of the slab. */
uint32_t	 itree_remove(struct itree *, const void *key);

#endif
