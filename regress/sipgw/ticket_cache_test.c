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
/* Tickets remembered: what is found again, and what must not be. */
#include <sys/types.h>

#include <atf-c.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "ticket_cache.h"

static const uint8_t key[32] = { 1, 2, 3 };

static struct names
named(const char *a, const char *b)
{
	struct names	na;

	memset(&na, 0, sizeof(na));
	(void)strlcpy(na.na_name[na.na_count++], a, DOMAIN_SIZE);
	if (b != NULL)
		(void)strlcpy(na.na_name[na.na_count++], b, DOMAIN_SIZE);
	return (na);
}

static int
find(struct ticket_cache *tc, const char *token, const char *number, const struct names *na,
    uint64_t now, struct ticket_tag *tag)
{
	uint32_t	name = 99;
	uint64_t	not_after = 0;
	int		r;

	r = ticket_cache_find(tc, token, number, na, now, tag, &name, &not_after);
	if (r == 1) {
		ATF_CHECK_EQ(1, name);
		ATF_CHECK_EQ(5000, not_after);
	}
	return (r);
}

ATF_TC_WITHOUT_HEAD(questions);
ATF_TC_BODY(questions, tc)
{
	struct ticket_cache	*t = ticket_cache_new(key);
	struct names		 ab = named("a.example", "b.example");
	struct names		 ba = named("b.example", "a.example");
	struct names		 a = named("a.example", NULL);
	struct ticket_tag	 tag, tag2;

	ATF_REQUIRE(t != NULL);
	ticket_cache_begin(t, 7);
	ATF_CHECK_EQ(0, find(t, "token", "+15550100", &ab, 1000, &tag));
	ticket_cache_put(t, &tag, 7, 1, 5000);
	ATF_CHECK_EQ(1, ticket_cache_count(t));
	ATF_CHECK_EQ(1, find(t, "token", "+15550100", &ab, 1000, &tag));
	/* Each part of the question counts. */
	ATF_CHECK_EQ(0, find(t, "tokem", "+15550100", &ab, 1000, &tag2));
	ATF_CHECK_EQ(0, find(t, "token+", "15550100", &ab, 1000, &tag2));
	ATF_CHECK_EQ(0, find(t, "token", "+15550101", &ab, 1000, &tag2));
	ATF_CHECK_EQ(0, find(t, "token", "+15550100", &ba, 1000, &tag2));
	ATF_CHECK_EQ(0, find(t, "token", "+15550100", &a, 1000, &tag2));
	/* The same put twice is one. */
	ticket_cache_put(t, &tag, 7, 1, 5000);
	ATF_CHECK_EQ(1, ticket_cache_count(t));
	/* Past its date key is asked, and it goes. */
	ATF_CHECK_EQ(1, find(t, "token", "+15550100", &ab, 4999, &tag));
	ATF_CHECK_EQ(0, find(t, "token", "+15550100", &ab, 5000, &tag));
	ATF_CHECK_EQ(0, ticket_cache_count(t));
	ATF_CHECK_EQ(0, find(t, "token", "+15550100", &ab, 1000, &tag));
	ticket_cache_free(t);
	ticket_cache_free(NULL);
}

/* A verdict of another generation is not kept, whichever way they cross. */
ATF_TC_WITHOUT_HEAD(generations);
ATF_TC_BODY(generations, tc)
{
	struct ticket_cache	*t = ticket_cache_new(key);
	struct names		 ab = named("a.example", "b.example");
	struct ticket_tag	 tag;

	ATF_REQUIRE(t != NULL);
	/* Nothing is known of key. */
	ATF_CHECK_EQ(0, find(t, "token", "+1", &ab, 1, &tag));
	ticket_cache_put(t, &tag, 0, 1, 5000);
	ATF_CHECK_EQ(0, find(t, "token", "+1", &ab, 1, &tag));
	ticket_cache_begin(t, 7);
	ticket_cache_put(t, &tag, 7, 1, 5000);
	ATF_CHECK_EQ(1, find(t, "token", "+1", &ab, 1, &tag));
	/* Revoked: empty at once. */
	ticket_cache_begin(t, 8);
	ATF_CHECK_EQ(0, ticket_cache_count(t));
	ATF_CHECK_EQ(0, find(t, "token", "+1", &ab, 1, &tag));
	/* The answer to a question of before comes behind the news. */
	ticket_cache_put(t, &tag, 7, 1, 5000);
	ATF_CHECK_EQ(0, find(t, "token", "+1", &ab, 1, &tag));
	/* The answer of a newer generation before the news: not kept either. */
	ticket_cache_put(t, &tag, 9, 1, 5000);
	ATF_CHECK_EQ(0, find(t, "token", "+1", &ab, 1, &tag));
	ticket_cache_begin(t, 0);
	ticket_cache_put(t, &tag, 0, 1, 5000);
	ATF_CHECK_EQ(0, ticket_cache_count(t));
	ticket_cache_free(t);
}

/* Many more than it holds: bounded, and the one in use stays. */
ATF_TC_WITHOUT_HEAD(bounded);
ATF_TC_BODY(bounded, tc)
{
	struct ticket_cache	*t = ticket_cache_new(key);
	struct names		 ab = named("a.example", "b.example");
	struct ticket_tag	 tag;
	char			 token[32];
	unsigned		 i, n = TICKET_CACHE_SETS * TICKET_CACHE_WAYS * 4;

	ATF_REQUIRE(t != NULL);
	ticket_cache_begin(t, 1);
	ATF_CHECK_EQ(0, find(t, "mine", "+1", &ab, 1, &tag));
	ticket_cache_put(t, &tag, 1, 1, 5000);
	for (i = 0; i < n; i++) {
		(void)snprintf(token, sizeof(token), "t%u", i);
		ATF_REQUIRE_EQ(0, find(t, token, "+1", &ab, 1, &tag));
		ticket_cache_put(t, &tag, 1, 1, 5000);
		ATF_REQUIRE_EQ(1, find(t, token, "+1", &ab, 1, &tag));
		ATF_REQUIRE_EQ_MSG(1, find(t, "mine", "+1", &ab, 1, &tag), "after %u", i);
	}
	ATF_CHECK(ticket_cache_count(t) <= TICKET_CACHE_SETS * TICKET_CACHE_WAYS);
	ATF_CHECK(ticket_cache_count(t) > TICKET_CACHE_SETS * TICKET_CACHE_WAYS / 2);
	ticket_cache_free(t);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, questions);
	ATF_TP_ADD_TC(tp, generations);
	ATF_TP_ADD_TC(tp, bounded);
	return (atf_no_error());
}
