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
 * Sealed dialog values: round trip, each altered byte, other dialogs, expiry,
 * key change.
 */
#include <sys/types.h>

#include <atf-c.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seal.h"
#include "store.h"

#define NOW	1800000000ULL

static struct seal_keys	keys;
static struct seal	seal;
static char		text[SEAL_TEXT_MAX];

static struct span
sp(const char *s)
{
	struct span	r;

	r.p = s;
	r.len = strlen(s);
	return (r);
}

static ptrdiff_t
make(void)
{
	if (sodium_init() == -1)
		abort();
	seal_keys_wipe(&keys);
	seal_keys_rotate(&keys);
	memset(&seal, 0, sizeof(seal));
	seal.se_side = SEAL_TO_INSIDE;
	seal.se_use = SEAL_CONTACT;
	seal.se_expiry = NOW + SEAL_LIFE_S;
	(void)strlcpy(seal.se_grantee, "a.example", sizeof(seal.se_grantee));
	(void)strlcpy(seal.se_target, "udp 10.0.0.5:5060 sip:100@10.0.0.5:5060",
	    sizeof(seal.se_target));
	return (seal_make(&keys, &seal, sp("call-1@a"), sp("tag-1"), text, sizeof(text)));
}

static enum seal_error
open_as(const char *t, const char *callid, const char *a, const char *b, uint64_t now,
    struct seal *out, int *who)
{
	return (seal_open(&keys, sp(t), sp(callid), sp(a), sp(b), now, out, who));
}

ATF_TC_WITHOUT_HEAD(round_trip);
ATF_TC_BODY(round_trip, tc)
{
	struct seal	out;
	int		who = -1;
	size_t		i;

	ATF_REQUIRE(make() > 0);
	for (i = 0; text[i] != '\0'; i++)
		ATF_CHECK(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
		    text[i]) != NULL);
	/* Nothing of the inside can be read from it. */
	ATF_CHECK_EQ(SEAL_OK, open_as(text, "call-1@a", "tag-1", "x", NOW, &out, &who));
	ATF_CHECK_EQ(0, who);
	ATF_CHECK_STREQ(seal.se_grantee, out.se_grantee);
	ATF_CHECK_STREQ(seal.se_target, out.se_target);
	ATF_CHECK_EQ(seal.se_expiry, out.se_expiry);
	ATF_CHECK_EQ(SEAL_TO_INSIDE, out.se_side);
	ATF_CHECK_EQ(SEAL_CONTACT, out.se_use);
	ATF_CHECK_EQ(SEAL_OK, open_as(text, "call-1@a", "x", "tag-1", NOW, &out, &who));
	ATF_CHECK_EQ(1, who);
	ATF_CHECK_EQ(SEAL_OK, open_as(text, "call-1@a", "x", "tag-1", NOW + SEAL_LIFE_S, &out, NULL));
	ATF_CHECK_EQ(SEAL_EXPIRED, open_as(text, "call-1@a", "tag-1", "", NOW + SEAL_LIFE_S + 1,
	    &out, &who));
}

ATF_TC_WITHOUT_HEAD(altered);
ATF_TC_BODY(altered, tc)
{
	struct seal	out;
	char		t[SEAL_TEXT_MAX];
	size_t		i, j;
	enum seal_error	e;

	ATF_REQUIRE(make() > 0);
	memset(&out, 0x5a, sizeof(out));
	for (i = 0; text[i] != '\0'; i++)
		for (j = 0; j < 6; j++) {
			(void)strlcpy(t, text, sizeof(t));
			t[i] = (char)(t[i] ^ (1 << j));
			e = open_as(t, "call-1@a", "tag-1", "tag-1", NOW, &out, NULL);
			ATF_CHECK_MSG(e == SEAL_MAC || e == SEAL_FORM, "byte %zu bit %zu: %d", i, j, e);
		}
	for (i = 0; text[i] != '\0'; i++) {
		(void)strlcpy(t, text, sizeof(t));
		t[i] = '\0';
		e = open_as(t, "call-1@a", "tag-1", "tag-1", NOW, &out, NULL);
		ATF_CHECK_MSG(e == SEAL_MAC || e == SEAL_FORM, "prefix %zu", i);
	}
	(void)strlcpy(t, text, sizeof(t));
	(void)strlcat(t, "A", sizeof(t));
	ATF_CHECK(open_as(t, "call-1@a", "tag-1", "tag-1", NOW, &out, NULL) != SEAL_OK);
	ATF_CHECK_EQ(SEAL_MAC, open_as(text, "call-2@a", "tag-1", "tag-1", NOW, &out, NULL));
	ATF_CHECK_EQ(SEAL_MAC, open_as(text, "call-1@a", "tag-2", "", NOW, &out, NULL));
	/* The border between Call-ID and tag cannot be moved. */
	ATF_CHECK_EQ(SEAL_MAC, open_as(text, "call-1@at", "ag-1", "", NOW, &out, NULL));
	ATF_CHECK_EQ(SEAL_FORM, open_as("", "c", "t", "t", NOW, &out, NULL));
	ATF_CHECK_EQ(SEAL_FORM, open_as("v", "c", "t", "t", NOW, &out, NULL));
	ATF_CHECK_EQ(SEAL_FORM, open_as("+14085550100", "c", "t", "t", NOW, &out, NULL));
	for (i = 0; i < sizeof(out); i++)
		ATF_REQUIRE_EQ(0x5a, ((uint8_t *)&out)[i]);
}

ATF_TC_WITHOUT_HEAD(key_change);
ATF_TC_BODY(key_change, tc)
{
	struct seal	out;

	ATF_REQUIRE(make() > 0);
	seal_keys_rotate(&keys);
	ATF_CHECK_EQ(SEAL_OK, open_as(text, "call-1@a", "tag-1", "", NOW, &out, NULL));
	seal_keys_rotate(&keys);
	ATF_CHECK_EQ(SEAL_MAC, open_as(text, "call-1@a", "tag-1", "", NOW, &out, NULL));
	seal_keys_wipe(&keys);
	ATF_CHECK_EQ(SEAL_MAC, open_as(text, "call-1@a", "tag-1", "", NOW, &out, NULL));
	ATF_CHECK_EQ(-1, seal_make(&keys, &seal, sp("c"), sp("t"), text, sizeof(text)));
}

/* Subkeys that were derived before are those that each seal derives. */
ATF_TC_WITHOUT_HEAD(derived);
ATF_TC_BODY(derived, tc)
{
	struct seal	out;
	char		same[SEAL_TEXT_MAX];

	ATF_REQUIRE(make() > 0);
	seal_keys_derive(&keys);
	ATF_REQUIRE(seal_make(&keys, &seal, sp("call-1@a"), sp("tag-1"), same,
	    sizeof(same)) > 0);
	ATF_CHECK_STREQ(text, same);
	ATF_CHECK_EQ(SEAL_OK, open_as(text, "call-1@a", "tag-1", "", NOW, &out, NULL));
	/* A new key is not sealed with under the old one's. */
	seal_keys_rotate(&keys);
	ATF_REQUIRE(seal_make(&keys, &seal, sp("call-1@a"), sp("tag-1"), same,
	    sizeof(same)) > 0);
	ATF_CHECK(strcmp(text, same) != 0);
	seal_keys_derive(&keys);
	ATF_CHECK_EQ(SEAL_OK, open_as(text, "call-1@a", "tag-1", "", NOW, &out, NULL));
	ATF_CHECK_EQ(SEAL_OK, open_as(same, "call-1@a", "tag-1", "", NOW, &out, NULL));
	seal_keys_wipe(&keys);
	ATF_CHECK_EQ(SEAL_MAC, open_as(same, "call-1@a", "tag-1", "", NOW, &out, NULL));
}

ATF_TC_WITHOUT_HEAD(sizes);
ATF_TC_BODY(sizes, tc)
{
	struct seal	out;
	char		small[SEAL_TEXT_MAX];
	ptrdiff_t	n;
	size_t		i;

	ATF_REQUIRE((n = make()) > 0);
	for (i = 0; i <= (size_t)n; i++)
		ATF_CHECK_EQ(-1, seal_make(&keys, &seal, sp("c"), sp("t"), small, i));
	ATF_CHECK_EQ(n, seal_make(&keys, &seal, sp("c"), sp("t"), small, (size_t)n + 1));
	memset(seal.se_grantee, 'a', sizeof(seal.se_grantee) - 1);
	memset(seal.se_target, 'b', sizeof(seal.se_target) - 1);
	ATF_CHECK(seal_make(&keys, &seal, sp("c"), sp("t"), text, sizeof(text)) > 0);
	ATF_CHECK_EQ(SEAL_OK, open_as(text, "c", "t", "", NOW, &out, NULL));
	ATF_CHECK_STREQ(seal.se_target, out.se_target);
	ATF_CHECK_STREQ(seal.se_grantee, out.se_grantee);
	seal.se_side = 3;
	ATF_CHECK_EQ(-1, seal_make(&keys, &seal, sp("c"), sp("t"), text, sizeof(text)));
}

ATF_TC_WITHOUT_HEAD(stored);
ATF_TC_BODY(stored, tc)
{
	struct seal_keys	again;
	struct store		*st;
	const char		*why = NULL;
	struct store_table	*t;

	if (sodium_init() == -1)
		abort();
	ATF_REQUIRE_MSG((st = store_open(".", 1 << 24, 4, &why)) != NULL, "%s", why ? why : "");
	ATF_REQUIRE((t = store_table(st, "meta", 1, NULL)) != NULL);
	ATF_REQUIRE_EQ(0, seal_keys_load(&keys, t));
	ATF_CHECK_EQ(1, keys.sk_have);
	store_close(st);
	ATF_REQUIRE((st = store_open(".", 1 << 24, 4, &why)) != NULL);
	ATF_REQUIRE((t = store_table(st, "meta", 1, NULL)) != NULL);
	ATF_REQUIRE_EQ(0, seal_keys_load(&again, t));
	ATF_CHECK_EQ(0, memcmp(&keys, &again, sizeof(keys)));
	store_close(st);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, round_trip);
	ATF_TP_ADD_TC(tp, altered);
	ATF_TP_ADD_TC(tp, key_change);
	ATF_TP_ADD_TC(tp, derived);
	ATF_TP_ADD_TC(tp, sizes);
	ATF_TP_ADD_TC(tp, stored);
	return (atf_no_error());
}
