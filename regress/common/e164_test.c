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

/* E.164: national rules, doubt, ranges, keys. */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <atf-c.h>

#include "e164.h"

static const struct e164_rules germany = { "49", "0", "00", "", "" };
static const struct e164_rules munich = { "49", "0", "00", "0", "4989" };
static const struct e164_rules usa = { "1", "1", "011", "", "1408" };
static const struct e164_rules usa10 = { "1", "1", "011", "9", "1" };
static const struct e164_rules italy = { "39", "", "00", "", "" };

/* NULL expected: refused. */
static void
expect(const struct e164_rules *r, const char *in, const char *out)
{
	struct span	 s;
	char		 buf[E164_SIZE], *heap;
	int		 rc;

	/* Exactly as long as it is, so that ASan sees a read too far. */
	s.len = strlen(in);
	ATF_REQUIRE((heap = malloc(s.len + !s.len)) != NULL);
	memcpy(heap, in, s.len);
	s.p = heap;
	memset(buf, 'x', sizeof(buf));
	rc = e164_normalise(s, r, buf);
	free(heap);
	if (out == NULL) {
		ATF_CHECK_EQ_MSG(-1, rc, "\"%s\" gave %s", in, buf);
		ATF_CHECK_EQ_MSG('\0', buf[0], "\"%s\" left %s", in, buf);
	} else {
		ATF_CHECK_EQ_MSG(0, rc, "\"%s\" refused", in);
		ATF_CHECK_STREQ(out, buf);
	}
}

ATF_TC_WITHOUT_HEAD(valid);
ATF_TC_BODY(valid, tc)
{
	static const char *const good[] = { "+14085550100", "+12345678",
	    "+123456789012345" };
	static const char *const bad[] = { "", "+", "14085550100", "+1234567",
	    "+1234567890123456", "+04085550100", "+1408555010a", "++4085550100",
	    "+1408 5550100", " +14085550100", "+14085550100 ", "+1408555\n100" };
	size_t	 i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ATF_CHECK_MSG(e164_valid(good[i]), "%s", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ATF_CHECK_MSG(!e164_valid(bad[i]), "%s", bad[i]);
	ATF_CHECK(!e164_valid(NULL));
}

ATF_TC_WITHOUT_HEAD(plus);
ATF_TC_BODY(plus, tc)
{
	struct span	 empty = { NULL, 0 };
	char		 buf[E164_SIZE];

	expect(NULL, "+14085550100", "+14085550100");
	expect(NULL, "+1 (408) 555-01.00", "+14085550100");
	expect(&germany, "+14085550100", "+14085550100");
	expect(NULL, "4085550100", NULL);
	expect(NULL, "", NULL);
	expect(NULL, "+", NULL);
	expect(NULL, "( ) - .", NULL);
	expect(NULL, "++14085550100", NULL);
	expect(NULL, "1+4085550100", NULL);
	expect(NULL, "+1408555;ext=3", NULL);
	expect(NULL, "+1408555010%30", NULL);
	expect(NULL, "+1234567", NULL);
	expect(NULL, "+1234567890123456", NULL);
	expect(NULL, "+04085550100", NULL);
	expect(NULL, "+1408555\t0100", NULL);
	expect(NULL, "+12345678901234567890123456789012345678901234567890",
	    NULL);
	ATF_CHECK_EQ(-1, e164_normalise(empty, &germany, buf));
}

ATF_TC_WITHOUT_HEAD(national_germany);
ATF_TC_BODY(national_germany, tc)
{
	expect(&germany, "089123456", "+4989123456");
	expect(&germany, "(089) 12 34-56", "+4989123456");
	expect(&germany, "004989123456", "+4989123456");
	expect(&germany, "0014085550100", "+14085550100");
	/* No local rule: nothing without a prefix. */
	expect(&germany, "12345678", NULL);
	/* Reads as complete without the plus: in doubt. */
	expect(&munich, "0498912345678", NULL);
	/* The line prefix comes off first, and must be there. */
	expect(&munich, "00891234567", "+49891234567");
	expect(&munich, "0004989123456", "+4989123456");
	expect(&munich, "01234567", "+49891234567");
	expect(&munich, "1234567", NULL);
	/* 000 in front: 0 for the line, 00, then a country that begins with 0. */
	expect(&germany, "000891234567", NULL);
}

ATF_TC_WITHOUT_HEAD(national_usa);
ATF_TC_BODY(national_usa, tc)
{
	expect(&usa, "14085550100", "+14085550100");
	expect(&usa, "0114989123456", "+4989123456");
	expect(&usa, "5550100", "+14085550100");
	/* Ten digits with a seven-digit rule: 14 digits after the 1, refused. */
	expect(&usa, "4085550100", NULL);
	expect(&usa10, "94085550100", "+14085550100");
	expect(&usa10, "914085550100", "+14085550100");
	/* No exchange or area code begins with 0 or 1. */
	expect(&usa, "14080550100", NULL);
	expect(&usa, "10085550100", NULL);
	expect(&usa, "140855501001", NULL);
	expect(&usa, "1408555010", NULL);
}

ATF_TC_WITHOUT_HEAD(national_italy);
ATF_TC_BODY(national_italy, tc)
{
	/* The zero is part of the number and stays. */
	expect(&italy, "0612345678", "+390612345678");
	expect(&italy, "3331234567", "+393331234567");
	expect(&italy, "003905551234567", "+3905551234567");
	/* 391 is a mobile prefix, 39 the country: in doubt. */
	expect(&italy, "3912345678", NULL);
}

ATF_TC_WITHOUT_HEAD(short_numbers);
ATF_TC_BODY(short_numbers, tc)
{
	static const char *const dialled[] = { "110", "112", "911", "999",
	    "000", "0112", "1911", "116117", "118118", "19222", "0110", "9911",
	    "0", "00", "1", "9", "011", "+112", "+49110", "+1911" };
	const struct e164_rules	*rules[] = { &germany, &munich, &usa, &usa10,
	    &italy };
	size_t	 i, j;

	/* With every rule: an emergency call must not become a number. */
	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		for (j = 0; j < sizeof(dialled) / sizeof(dialled[0]); j++)
			expect(rules[i], dialled[j], NULL);
}

ATF_TC_WITHOUT_HEAD(ambiguous);
ATF_TC_BODY(ambiguous, tc)
{
	static const struct e164_rules	same = { "49", "0", "0", "", "" };
	static const struct e164_rules	nocountry = { "", "0", "00", "", "" };
	static const struct e164_rules	inverse = { "7", "810", "8", "", "" };

	expect(&same, "089123456", NULL);
	expect(&nocountry, "089123456", NULL);
	expect(&nocountry, "004989123456", "+4989123456");
	/* The longer prefix wins whichever it is. */
	expect(&inverse, "8104951234567", "+74951234567");
	expect(&inverse, "84951234567", "+4951234567");
}

ATF_TC_WITHOUT_HEAD(pack);
ATF_TC_BODY(pack, tc)
{
	static const char *const order[] = { "+12345678", "+123456780",
	    "+1234567800", "+12345679", "+123456790000000", "+14085550100",
	    "+4989123456", "+99999999", "+999999999999999" };
	char		 buf[E164_SIZE];
	uint64_t	 last = 0, v;
	size_t		 i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		v = e164_pack(order[i]);
		ATF_CHECK_MSG(v > last, "%s", order[i]);
		last = v;
		e164_unpack(v, buf);
		ATF_CHECK_STREQ(order[i], buf);
	}
	ATF_CHECK_EQ(0, e164_pack("+123"));
	ATF_CHECK_EQ(0, e164_pack("12345678"));
	/* What pack never returns gives no number. */
	e164_unpack(0, buf);
	ATF_CHECK_STREQ("", buf);
	e164_unpack(UINT64_MAX, buf);
	ATF_CHECK_STREQ("", buf);
	e164_unpack(e164_pack("+12345679") - 1, buf);
	ATF_CHECK_STREQ("", buf);
	e164_unpack(8, buf);
	ATF_CHECK_STREQ("", buf);
}

ATF_TC_WITHOUT_HEAD(ranges);
ATF_TC_BODY(ranges, tc)
{
	struct e164_range	 r = { "+14085550100", "+14085550199" };
	struct e164_range	 one = { "+14085550100", "+14085550100" };
	struct e164_range	 back = { "+14085550199", "+14085550100" };
	struct e164_range	 mixed = { "+1408555010", "+14085550199" };
	struct e164_range	 all = { "+100000000000000",
				    "+999999999999999" };
	char			 buf[E164_SIZE];

	ATF_CHECK_EQ(100, e164_range_size(&r));
	ATF_CHECK_EQ(1, e164_range_size(&one));
	ATF_CHECK_EQ(0, e164_range_size(&back));
	ATF_CHECK_EQ(0, e164_range_size(&mixed));
	ATF_CHECK_EQ(900000000000000ULL, e164_range_size(&all));
	ATF_CHECK(e164_in_range("+14085550100", &r));
	ATF_CHECK(e164_in_range("+14085550199", &r));
	ATF_CHECK(!e164_in_range("+14085550099", &r));
	ATF_CHECK(!e164_in_range("+14085550200", &r));
	ATF_CHECK(!e164_in_range("+140855501000", &r));
	ATF_CHECK(!e164_in_range("+1408555015", &r));
	ATF_CHECK(!e164_in_range("14085550150", &r));
	ATF_CHECK(!e164_in_range("", &r));
	ATF_CHECK_EQ(0, e164_range_nth(&r, 0, buf));
	ATF_CHECK_STREQ("+14085550100", buf);
	ATF_CHECK_EQ(0, e164_range_nth(&r, 99, buf));
	ATF_CHECK_STREQ("+14085550199", buf);
	ATF_CHECK_EQ(-1, e164_range_nth(&r, 100, buf));
	ATF_CHECK_EQ(0, e164_range_nth(&all, 899999999999999ULL, buf));
	ATF_CHECK_STREQ("+999999999999999", buf);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, valid);
	ATF_TP_ADD_TC(tp, plus);
	ATF_TP_ADD_TC(tp, national_germany);
	ATF_TP_ADD_TC(tp, national_usa);
	ATF_TP_ADD_TC(tp, national_italy);
	ATF_TP_ADD_TC(tp, short_numbers);
	ATF_TP_ADD_TC(tp, ambiguous);
	ATF_TP_ADD_TC(tp, pack);
	ATF_TP_ADD_TC(tp, ranges);
	return (atf_no_error());
}
