/* SPDX-License-Identifier: ISC */
/*
 * core: tickets that key found good, so that the next call with the same one
 * costs no round trip.  Bounded; what is kept is a keyed hash of the ticket,
 * the number and the peer's names, never the ticket itself.  Only good
 * verdicts of the generation that key named last are kept: a new generation
 * (a revocation, a new epoch, another configuration) empties it.
 */
#ifndef TICKET_CACHE_H
#define TICKET_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "names.h"

#define TICKET_CACHE_WAYS	4
#define TICKET_CACHE_SETS	2048	/* x WAYS x 32 bytes: 256 KB */

struct ticket_cache;

/* key: 32 random bytes, copied.  NULL: no memory. */
struct ticket_cache *ticket_cache_new(const uint8_t key[32]);
void	 ticket_cache_free(struct ticket_cache *);

/* Empty it; verdicts of this generation are kept from now on.  0: of none. */
void	 ticket_cache_begin(struct ticket_cache *, uint64_t generation);

/* A question as it is kept; tag is for ticket_cache_put. */
struct ticket_tag {
	uint8_t	tt_hash[16];
};
/*
 * Was this ticket found good for this number and a peer of these names?  1:
 * *name and *not_after are key's; 0: ask, and hand tag to ticket_cache_put
 * with the verdict.  now: UTC s.
 */
int	 ticket_cache_find(struct ticket_cache *, const char *token, const char *number,
	    const struct names *, uint64_t now, struct ticket_tag *tag, uint32_t *name,
	    uint64_t *not_after);
/* key's good verdict, of that generation. */
void	 ticket_cache_put(struct ticket_cache *, const struct ticket_tag *,
	    uint64_t generation, uint32_t name, uint64_t not_after);
/* How many it holds; for show. */
size_t	 ticket_cache_count(const struct ticket_cache *);

#endif
