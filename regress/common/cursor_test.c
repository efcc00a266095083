/* SPDX-License-Identifier: ISC */

#include <sys/types.h>

#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"

static const uint8_t	bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
			    14, 15, 16, 17, 18 };

ATF_TC_WITHOUT_HEAD(integers);
ATF_TC_BODY(integers, tc)
{
	struct cur	c;
	uint64_t	u64;
	uint32_t	u32;
	uint16_t	u16;
	uint8_t		u8;

	cur_init(&c, bytes, sizeof(bytes));
	ATF_CHECK_EQ(0, cur_u8(&c, &u8));
	ATF_CHECK_EQ(1, u8);
	ATF_CHECK_EQ(0, cur_u16(&c, &u16));
	ATF_CHECK_EQ(0x0203, u16);
	ATF_CHECK_EQ(0, cur_u24(&c, &u32));
	ATF_CHECK_EQ(0x040506, u32);
	ATF_CHECK_EQ(0, cur_u32(&c, &u32));
	ATF_CHECK_EQ(0x0708090a, u32);
	ATF_CHECK_EQ(0, cur_u64(&c, &u64));
	ATF_CHECK_EQ(0x0b0c0d0e0f101112ULL, u64);
	ATF_CHECK_EQ(0, cur_done(&c));
	ATF_CHECK_EQ(-1, cur_u8(&c, &u8));
	ATF_CHECK_EQ(0, u8);
	ATF_CHECK_EQ(-1, cur_ok(&c));
	ATF_CHECK_EQ(0, cur_left(&c));
}

/* A short read poisons, and what follows stays poisoned and zero. */
ATF_TC_WITHOUT_HEAD(poison);
ATF_TC_BODY(poison, tc)
{
	struct cur	 c, in;
	struct span	 s;
	uint32_t	 u32 = 7;
	uint8_t		 b[4] = { 9, 9, 9, 9 }, *heap;
	size_t		 n;

	for (n = 0; n < 4; n++) {
		ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
		memcpy(heap, bytes, n);
		cur_init(&c, heap, n);
		ATF_CHECK_EQ_MSG(-1, cur_u32(&c, &u32), "%zu bytes", n);
		ATF_CHECK_EQ(0, u32);
		ATF_CHECK_EQ(-1, cur_skip(&c, 0));
		ATF_CHECK_EQ(NULL, cur_ptr(&c, 0));
		ATF_CHECK_EQ(-1, cur_bytes(&c, b, 4));
		ATF_CHECK_EQ(0, b[3]);
		free(heap);
	}
	cur_init(&c, "\005ab", 3);
	ATF_CHECK_EQ(-1, cur_lv(&c, 1, &in));
	ATF_CHECK_EQ(-1, cur_ok(&in));
	cur_init(&c, "\377\377\377\377ab", 6);
	ATF_CHECK_EQ(-1, cur_lv(&c, 4, &in));
	cur_init(&c, "\003abc", 4);
	ATF_CHECK_EQ(-1, cur_lv_span(&c, 1, 2, &s));
	ATF_CHECK_EQ(-1, cur_ok(&c));
}

/* An inner cursor cannot leave its element. */
ATF_TC_WITHOUT_HEAD(nested);
ATF_TC_BODY(nested, tc)
{
	struct cur	c, in;
	uint16_t	u16;
	uint8_t		u8;

	cur_init(&c, "\000\003abcd", 6);
	ATF_REQUIRE_EQ(0, cur_lv(&c, 2, &in));
	ATF_CHECK_EQ(3, cur_left(&in));
	ATF_CHECK_EQ(0, cur_u16(&in, &u16));
	ATF_CHECK_EQ(-1, cur_u16(&in, &u16));
	ATF_CHECK_EQ(0, cur_u8(&c, &u8));
	ATF_CHECK_EQ('d', u8);
	ATF_CHECK_EQ(0, cur_done(&c));
}

ATF_TC_WITHOUT_HEAD(text);
ATF_TC_BODY(text, tc)
{
	static uint8_t	 alpha[256];
	struct cur	 c;
	struct span	 s;
	uint64_t	 v;
	char		 buf[4];
	int		 i;

	for (i = 'a'; i <= 'z'; i++)
		alpha[i] = 1;
	cur_init(&c, "abc:65535;", 10);
	ATF_CHECK_EQ(0, cur_token(&c, alpha, &s));
	ATF_CHECK(span_eq(s, "abc"));
	ATF_CHECK(span_caseeq(s, "ABC"));
	ATF_CHECK(!span_eq(s, "ab"));
	ATF_CHECK_EQ(0, cur_lit(&c, ':'));
	ATF_CHECK_EQ(0, cur_dec(&c, 65535, &v));
	ATF_CHECK_EQ(65535, v);
	ATF_CHECK_EQ(0, span_str(s, buf, sizeof(buf)));
	ATF_CHECK_STREQ("abc", buf);
	ATF_CHECK_EQ(-1, span_str(s, buf, 3));
	cur_init(&c, "65536", 5);
	ATF_CHECK_EQ(-1, cur_dec(&c, 65535, &v));
	cur_init(&c, "18446744073709551615", 20);
	ATF_CHECK_EQ(0, cur_dec(&c, UINT64_MAX, &v));
	ATF_CHECK_EQ(UINT64_MAX, v);
	cur_init(&c, "18446744073709551616", 20);
	ATF_CHECK_EQ(-1, cur_dec(&c, UINT64_MAX, &v));
	cur_init(&c, "9", 1);
	ATF_CHECK_EQ(-1, cur_dec(&c, 5, &v));
	cur_init(&c, "abc", 3);
	ATF_CHECK_EQ(-1, cur_until(&c, ':', &s));
	cur_init(&c, "\003a\000c", 4);
	ATF_CHECK_EQ(-1, cur_lv_str(&c, 1, buf, sizeof(buf)));
}

ATF_TC_WITHOUT_HEAD(writer);
ATF_TC_BODY(writer, tc)
{
	struct wbuf	 w;
	struct cur	 c, in;
	uint8_t		 buf[16], u8;
	size_t		 m;

	wbuf_init(&w, buf, sizeof(buf));
	wbuf_u8(&w, 1);
	m = wbuf_open(&w, 3);
	wbuf_u16(&w, 0x0203);
	wbuf_str(&w, "xy");
	wbuf_printf(&w, "%d", 42);
	wbuf_close(&w, 3, m);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	ATF_CHECK_EQ(10, w.w_len);
	cur_init(&c, buf, w.w_len);
	cur_u8(&c, &u8);
	ATF_CHECK_EQ(0, cur_lv(&c, 3, &in));
	ATF_CHECK_EQ(0, cur_done(&c));
	ATF_CHECK_EQ(6, cur_left(&in));
	/* Does not fit: poisoned, and nothing beyond the buffer is touched. */
	wbuf_zero(&w, 7);
	ATF_CHECK_EQ(-1, wbuf_ok(&w));
	wbuf_u8(&w, 1);
	ATF_CHECK_EQ(10, w.w_len);
	/* A value too large for its width. */
	wbuf_init(&w, buf, sizeof(buf));
	wbuf_u24(&w, 0x01000000);
	ATF_CHECK_EQ(-1, wbuf_ok(&w));
	/* A length too large for its prefix. */
	wbuf_init(&w, buf, sizeof(buf));
	wbuf_lv(&w, 1, bytes, 300);
	ATF_CHECK_EQ(-1, wbuf_ok(&w));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, integers);
	ATF_TP_ADD_TC(tp, poison);
	ATF_TP_ADD_TC(tp, nested);
	ATF_TP_ADD_TC(tp, text);
	ATF_TP_ADD_TC(tp, writer);
	return (atf_no_error());
}
