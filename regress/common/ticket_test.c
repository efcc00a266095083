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

/* Tickets: round trip, every bit, every prefix, one text for one ticket. */

#include <sys/types.h>

#include <atf-c.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ticket.h"

static const uint8_t	 key[TICKET_KEY_LEN] = { 1, 2, 3, 4 };

static void
sample(struct ticket *ti)
{
	memset(ti, 0, sizeof(*ti));
	ti->ti_kind = TICKET_TICKET;
	ti->ti_epoch = 7;
	memset(ti->ti_id, 0x5a, sizeof(ti->ti_id));
	memset(ti->ti_node, 0xa5, sizeof(ti->ti_node));
	strcpy(ti->ti_granter, "b.example");
	strcpy(ti->ti_grantee, "a.example");
	strcpy(ti->ti_number, "+14085550142");
	ti->ti_not_before = 1795169000;
	ti->ti_not_after = 1795169000 + 5184000;
}

static int
same(const struct ticket *a, const struct ticket *b)
{
	return (a->ti_kind == b->ti_kind && a->ti_epoch == b->ti_epoch &&
	    memcmp(a->ti_id, b->ti_id, sizeof(a->ti_id)) == 0 &&
	    memcmp(a->ti_node, b->ti_node, sizeof(a->ti_node)) == 0 &&
	    strcmp(a->ti_granter, b->ti_granter) == 0 &&
	    strcmp(a->ti_grantee, b->ti_grantee) == 0 &&
	    strcmp(a->ti_number, b->ti_number) == 0 &&
	    a->ti_not_before == b->ti_not_before &&
	    a->ti_not_after == b->ti_not_after);
}

ATF_TC_WITHOUT_HEAD(round_trip);
ATF_TC_BODY(round_trip, tc)
{
	static const char *const numbers[] = {
		"+12345678", "+123456789", "+123456789012345", "+14085550142"
	};
	struct ticket	 ti, out;
	char		 text[TOKEN_MAX];
	uint8_t		 other[TICKET_KEY_LEN] = { 1, 2, 3, 5 };
	size_t		 i;

	for (i = 0; i < 4; i++) {
		sample(&ti);
		strcpy(ti.ti_number, numbers[i]);
		ti.ti_kind = i % 2 == 0 ? TICKET_TICKET : TICKET_RECEIPT;
		ATF_REQUIRE_EQ(0, ticket_mint(&ti, key, text, sizeof(text)));
		ATF_CHECK(strlen(text) <= TICKET_TEXT_MAX);
		ATF_REQUIRE_EQ(0, ticket_parse(text, strlen(text), &out));
		ATF_CHECK(same(&ti, &out));
		memset(&out, 0, sizeof(out));
		ATF_REQUIRE_EQ(0, ticket_verify(text, strlen(text), key, &out));
		ATF_CHECK(same(&ti, &out));
		ATF_CHECK_EQ(-1, ticket_verify(text, strlen(text), other, &out));
		ATF_CHECK_EQ(0, out.ti_kind);
	}
}

ATF_TC_WITHOUT_HEAD(fields_refused);
ATF_TC_BODY(fields_refused, tc)
{
	static const char *const numbers[] = {
		"", "+", "14085550142", "+1234567", "+1234567890123456",
		"+04085550142", "+1408555014a", "+1408555 142"
	};
	static const char *const domains[] = {
		"", "A.example", "a.example.", ".a", "a..b", "a b", "-a.example",
		"a-.example", "a.example-", "#0011"
	};
	struct ticket	 ti;
	char		 text[TOKEN_MAX];
	size_t		 i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sample(&ti);
		memset(ti.ti_number, 0, sizeof(ti.ti_number));
		/* Some fill the field without a terminator. */
		memcpy(ti.ti_number, numbers[i], strnlen(numbers[i],
		    sizeof(ti.ti_number)));
		ATF_CHECK_EQ_MSG(-1, ticket_mint(&ti, key, text, sizeof(text)),
		    "number %s", numbers[i]);
	}
	for (i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
		sample(&ti);
		strcpy(ti.ti_grantee, domains[i]);
		ATF_CHECK_EQ_MSG(-1, ticket_mint(&ti, key, text, sizeof(text)),
		    "grantee %s", domains[i]);
		sample(&ti);
		strcpy(ti.ti_granter, domains[i]);
		ATF_CHECK_EQ_MSG(-1, ticket_mint(&ti, key, text, sizeof(text)),
		    "granter %s", domains[i]);
	}
	sample(&ti);
	ti.ti_kind = 0;
	ATF_CHECK_EQ(-1, ticket_mint(&ti, key, text, sizeof(text)));
	ti.ti_kind = 3;
	ATF_CHECK_EQ(-1, ticket_mint(&ti, key, text, sizeof(text)));
	sample(&ti);
	ti.ti_not_after = ti.ti_not_before - 1;
	ATF_CHECK_EQ(-1, ticket_mint(&ti, key, text, sizeof(text)));
	ti.ti_not_after = UINT64_C(1) << 40;
	ATF_CHECK_EQ(-1, ticket_mint(&ti, key, text, sizeof(text)));
	sample(&ti);
	ATF_REQUIRE_EQ(0, ticket_mint(&ti, key, text, sizeof(text)));
	ATF_CHECK_EQ(0, ticket_mint(&ti, key, text, strlen(text) + 1));
	ATF_CHECK_EQ(-1, ticket_mint(&ti, key, text, strlen(text)));
}

/* Each bit of the raw form, text made canonical again. */
ATF_TC_WITHOUT_HEAD(every_bit);
ATF_TC_BODY(every_bit, tc)
{
	struct ticket	 ti, out;
	char		 text[TOKEN_MAX], alt[TOKEN_MAX];
	uint8_t		 raw[TOKEN_MAX];
	size_t		 n, i;

	sample(&ti);
	ATF_REQUIRE_EQ(0, ticket_mint(&ti, key, text, sizeof(text)));
	ATF_REQUIRE_EQ(0, sodium_base642bin(raw, sizeof(raw), text, strlen(text),
	    NULL, &n, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING));
	for (i = 0; i < n * 8; i++) {
		raw[i / 8] ^= (uint8_t)(1 << (i % 8));
		sodium_bin2base64(alt, sizeof(alt), raw, n,
		    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
		ATF_CHECK_EQ_MSG(-1, ticket_verify(alt, strlen(alt), key, &out),
		    "bit %zu", i);
		(void)ticket_parse(alt, strlen(alt), &out);
		raw[i / 8] ^= (uint8_t)(1 << (i % 8));
	}
	/* One byte more or less in front of the MAC. */
	sodium_bin2base64(alt, sizeof(alt), raw, n - 1,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	ATF_CHECK_EQ(-1, ticket_parse(alt, strlen(alt), &out));
	raw[n] = 0;
	sodium_bin2base64(alt, sizeof(alt), raw, n + 1,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	ATF_CHECK_EQ(-1, ticket_parse(alt, strlen(alt), &out));
	ATF_CHECK_EQ(-1, ticket_verify(alt, strlen(alt), key, &out));
}

ATF_TC_WITHOUT_HEAD(every_prefix);
ATF_TC_BODY(every_prefix, tc)
{
	struct ticket	 ti, out;
	char		 text[TOKEN_MAX], *heap;
	size_t		 n, len;

	sample(&ti);
	ATF_REQUIRE_EQ(0, ticket_mint(&ti, key, text, sizeof(text)));
	len = strlen(text);
	for (n = 0; n < len; n++) {
		ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
		memcpy(heap, text, n);
		ATF_CHECK_EQ_MSG(-1, ticket_parse(heap, n, &out), "%zu", n);
		ATF_CHECK_EQ_MSG(-1, ticket_verify(heap, n, key, &out), "%zu", n);
		free(heap);
	}
}

/* A text that decodes to the same bytes but is not the one we write. */
ATF_TC_WITHOUT_HEAD(canonical);
ATF_TC_BODY(canonical, tc)
{
	struct ticket	 ti, out;
	char		 text[TOKEN_MAX], alt[TOKEN_MAX + 8];
	size_t		 i, len;
	int		 tried = 0;

	/* A length that leaves unused bits in the last character. */
	sample(&ti);
	do {
		strcat(ti.ti_grantee, "x");
		ATF_REQUIRE_EQ(0, ticket_mint(&ti, key, text, sizeof(text)));
		len = strlen(text);
	} while (len % 4 == 0);
	for (i = 0; i < 64; i++) {
		strcpy(alt, text);
		alt[len - 1] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		    "0123456789-_"[i];
		if (alt[len - 1] == text[len - 1])
			continue;
		ATF_CHECK_EQ(-1, ticket_verify(alt, len, key, &out));
		tried++;
	}
	ATF_CHECK_EQ(63, tried);
	snprintf(alt, sizeof(alt), "%s=", text);
	ATF_CHECK_EQ(-1, ticket_parse(alt, len + 1, &out));
	snprintf(alt, sizeof(alt), " %s", text);
	ATF_CHECK_EQ(-1, ticket_parse(alt, len + 1, &out));
	snprintf(alt, sizeof(alt), "%s\n", text);
	ATF_CHECK_EQ(-1, ticket_parse(alt, len + 1, &out));
	ATF_CHECK_EQ(-1, ticket_parse(text, len + 1, &out));	/* the NUL */
	for (i = 0; i < len; i++)
		if (text[i] == '-' || text[i] == '_') {
			strcpy(alt, text);
			alt[i] = text[i] == '-' ? '+' : '/';
			ATF_CHECK_EQ(-1, ticket_parse(alt, len, &out));
		}
	memset(alt, 'A', sizeof(alt));
	ATF_CHECK_EQ(-1, ticket_parse(alt, TICKET_TEXT_MAX, &out));
	ATF_CHECK_EQ(-1, ticket_parse(alt, TICKET_TEXT_MAX + 1, &out));
	ATF_CHECK_EQ(-1, ticket_parse("", 0, &out));
}

/* Names too long for one length byte of PVP are stood in for by hashes. */
ATF_TC_WITHOUT_HEAD(long_names);
ATF_TC_BODY(long_names, tc)
{
	struct ticket	 ti, out;
	char		 text[TOKEN_MAX], granter[DOMAIN_SIZE], grantee[DOMAIN_SIZE];
	size_t		 na, nb, i;

	for (na = 1; na < DOMAIN_SIZE; na += 9)
		for (nb = 1; nb < DOMAIN_SIZE; nb += 9) {
			sample(&ti);
			for (i = 0; i < na; i++)
				granter[i] = i % 50 == 49 && i + 1 < na ? '.' : 'a';
			granter[na] = '\0';
			for (i = 0; i < nb; i++)
				grantee[i] = i % 50 == 49 && i + 1 < nb ? '.' : 'b';
			grantee[nb] = '\0';
			strcpy(ti.ti_granter, granter);
			strcpy(ti.ti_grantee, grantee);
			ATF_REQUIRE_EQ(0, ticket_mint(&ti, key, text, sizeof(text)));
			ATF_CHECK(strlen(text) <= TICKET_TEXT_MAX);
			ATF_REQUIRE_EQ(0, ticket_verify(text, strlen(text), key,
			    &out));
			ATF_CHECK_EQ(1, ticket_domain_is(out.ti_granter, granter));
			ATF_CHECK_EQ(1, ticket_domain_is(out.ti_grantee, grantee));
			ATF_CHECK_EQ(0, ticket_domain_is(out.ti_grantee, granter));
		}
	ATF_CHECK_EQ(1, ticket_domain_is("a.example", "A.Example"));
	ATF_CHECK_EQ(0, ticket_domain_is("a.example", "a.example."));
	ATF_CHECK_EQ(0, ticket_domain_is("", ""));
	ATF_CHECK_EQ(0, ticket_domain_is(out.ti_granter, out.ti_granter));
}

ATF_TP_ADD_TCS(tp)
{
	if (sodium_init() == -1)
		abort();
	ATF_TP_ADD_TC(tp, round_trip);
	ATF_TP_ADD_TC(tp, fields_refused);
	ATF_TP_ADD_TC(tp, every_bit);
	ATF_TP_ADD_TC(tp, every_prefix);
	ATF_TP_ADD_TC(tp, canonical);
	ATF_TP_ADD_TC(tp, long_names);
	return (atf_no_error());
}
