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

/* core: verdicts on tickets, remembered until anything changes. */

#include <sys/types.h>

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ticket_cache.h"

/* te_not_after 0: free. */
struct entry {
	uint8_t		te_hash[16];
	uint64_t	te_not_after;	/* UTC s */
	uint32_t	te_name;
	uint32_t	te_used;	/* of the cache's count of uses */
};
_Static_assert(sizeof(struct entry) == 32, "entry layout");

struct ticket_cache {
	uint8_t		 tc_key[32];
	uint64_t	 tc_generation;
	uint32_t	 tc_uses;
	size_t		 tc_count;
	struct entry	 tc_entry[TICKET_CACHE_SETS][TICKET_CACHE_WAYS];
};

static void	 cache_tag(const struct ticket_cache *, const char *, const char *,
		    const struct names *, struct ticket_tag *);
static struct entry *cache_set(struct ticket_cache *, const struct ticket_tag *);

struct ticket_cache *
ticket_cache_new(const uint8_t key[32])
{
	struct ticket_cache	*tc;

	if ((tc = calloc(1, sizeof(*tc))) == NULL)
		return (NULL);
	memcpy(tc->tc_key, key, sizeof(tc->tc_key));
	return (tc);
}

void
ticket_cache_free(struct ticket_cache *tc)
{
	if (tc == NULL)
		return;
	sodium_memzero(tc, sizeof(*tc));
	free(tc);
}

void
ticket_cache_begin(struct ticket_cache *tc, uint64_t generation)
{
	tc->tc_generation = generation;
	if (tc->tc_count > 0)
		memset(tc->tc_entry, 0, sizeof(tc->tc_entry));
	tc->tc_count = 0;
}

/* Each part with its length, so that no two questions look alike. */
static void
cache_tag(const struct ticket_cache *tc, const char *token, const char *number,
    const struct names *na, struct ticket_tag *tag)
{
	crypto_generichash_state st;
	size_t			 i, len;

	(void)crypto_generichash_init(&st, tc->tc_key, sizeof(tc->tc_key),
	    sizeof(tag->tt_hash));
#define ADD(s) do {								\
	len = strlen(s);							\
	(void)crypto_generichash_update(&st, (const unsigned char *)&len,	\
	    sizeof(len));							\
	(void)crypto_generichash_update(&st, (const unsigned char *)(s), len);	\
} while (0)
	ADD(token);
	ADD(number);
	for (i = 0; i < na->na_count; i++)
		ADD(na->na_name[i]);
#undef ADD
	(void)crypto_generichash_final(&st, tag->tt_hash, sizeof(tag->tt_hash));
	sodium_memzero(&st, sizeof(st));
}

static struct entry *
cache_set(struct ticket_cache *tc, const struct ticket_tag *tag)
{
	uint16_t	n;

	memcpy(&n, tag->tt_hash, sizeof(n));
	return (tc->tc_entry[n % TICKET_CACHE_SETS]);
}

int
ticket_cache_find(struct ticket_cache *tc, const char *token, const char *number,
    const struct names *na, uint64_t now, struct ticket_tag *tag, uint32_t *name,
    uint64_t *not_after)
{
	struct entry	*te;
	size_t		 i;

	cache_tag(tc, token, number, na, tag);
	te = cache_set(tc, tag);
	for (i = 0; i < TICKET_CACHE_WAYS; i++, te++) {
		if (te->te_not_after == 0 ||
		    memcmp(te->te_hash, tag->tt_hash, sizeof(te->te_hash)) != 0)
			continue;
		/* key says how a ticket past its date is refused. */
		if (te->te_not_after <= now || te->te_name >= na->na_count) {
			memset(te, 0, sizeof(*te));
			tc->tc_count--;
			return (0);
		}
		te->te_used = ++tc->tc_uses;
		*name = te->te_name;
		*not_after = te->te_not_after;
		return (1);
	}
	return (0);
}

void
ticket_cache_put(struct ticket_cache *tc, const struct ticket_tag *tag,
    uint64_t generation, uint32_t name, uint64_t not_after)
{
	struct entry	*set, *te;
	size_t		 i;

	if (generation == 0 || generation != tc->tc_generation || not_after == 0)
		return;
	set = te = cache_set(tc, tag);
	for (i = 0; i < TICKET_CACHE_WAYS; i++) {
		if (memcmp(set[i].te_hash, tag->tt_hash, sizeof(tag->tt_hash)) == 0 &&
		    set[i].te_not_after != 0) {
			te = &set[i];
			break;
		}
		/* A free one, or the one not used for longest. */
		if (te->te_not_after != 0 && (set[i].te_not_after == 0 ||
		    tc->tc_uses - set[i].te_used > tc->tc_uses - te->te_used))
			te = &set[i];
	}
	if (te->te_not_after == 0)
		tc->tc_count++;
	memcpy(te->te_hash, tag->tt_hash, sizeof(te->te_hash));
	te->te_not_after = not_after;
	te->te_name = name;
	te->te_used = ++tc->tc_uses;
}

size_t
ticket_cache_count(const struct ticket_cache *tc)
{
	return (tc->tc_count);
}
