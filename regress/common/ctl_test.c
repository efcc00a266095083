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

/* Tests of common/ctl.c. */

#include <sys/types.h>

#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

static const char *const	list[] = { "one", "", "three" };

static void	fill(struct ctl_row *);
static int	parse(const uint8_t *, size_t, unsigned *);
static int	request(struct imsg_ctl_request *, const void *, size_t,
		    struct ctl_req *);

static void
fill(struct ctl_row *r)
{
	ctl_row(r, "route");
	ctl_str(r, "number", "+14085550100");
	ctl_str(r, "none", NULL);
	ctl_uint(r, "proofs", 0xffffffffffffffffULL);
	ctl_int(r, "offset", -90);
	ctl_bool(r, "on", 7);
	ctl_time(r, "until", 1234567890);
	ctl_time(r, "never", 0);
	ctl_list(r, "names", list, 3);
	ctl_list(r, "empty", NULL, 0);
	ctl_hex(r, "id", "\x00\xff\x5a", 3);
}

/* 0 when the whole row reads well; counts its fields. */
static int
parse(const uint8_t *p, size_t len, unsigned *n)
{
	struct ctl_field	f;
	struct cur		c;
	char			kind[32];
	int			r;

	*n = 0;
	cur_init(&c, p, len);
	if (ctl_row_open(&c, kind, sizeof(kind)) == -1)
		return (-1);
	while ((r = ctl_row_next(&c, &f)) == 1)
		(*n)++;
	return (r);
}

ATF_TC_WITHOUT_HEAD(round_trip);
ATF_TC_BODY(round_trip, tc)
{
	static struct ctl_row	r;
	struct ctl_field	f;
	struct span		s;
	struct cur		c;
	char			kind[32];

	fill(&r);
	ATF_REQUIRE_EQ(0, wbuf_ok(&r.cr_w));
	cur_init(&c, r.cr_buf, r.cr_w.w_len);
	ATF_REQUIRE_EQ(0, ctl_row_open(&c, kind, sizeof(kind)));
	ATF_CHECK_STREQ("route", kind);
	ATF_REQUIRE_EQ(1, ctl_row_next(&c, &f));
	ATF_CHECK_STREQ("number", f.cf_name);
	ATF_CHECK_EQ('s', f.cf_type);
	ATF_CHECK(span_eq(f.cf_str, "+14085550100"));
	ATF_REQUIRE_EQ(1, ctl_row_next(&c, &f));
	ATF_CHECK_EQ('n', f.cf_type);
	ATF_REQUIRE_EQ(1, ctl_row_next(&c, &f));
	ATF_CHECK_EQ('u', f.cf_type);
	ATF_CHECK_EQ(0xffffffffffffffffULL, f.cf_num);
	ATF_REQUIRE_EQ(1, ctl_row_next(&c, &f));
	ATF_CHECK_EQ('i', f.cf_type);
	ATF_CHECK_EQ(-90, (int64_t)f.cf_num);
	ATF_REQUIRE_EQ(1, ctl_row_next(&c, &f));
	ATF_CHECK_EQ('b', f.cf_type);
	ATF_CHECK_EQ(1, f.cf_num);
	ATF_REQUIRE_EQ(1, ctl_row_next(&c, &f));
	ATF_CHECK_EQ('t', f.cf_type);
	ATF_CHECK_EQ(1234567890, f.cf_num);
	ATF_REQUIRE_EQ(1, ctl_row_next(&c, &f));
	ATF_CHECK_STREQ("never", f.cf_name);
	ATF_CHECK_EQ('n', f.cf_type);
	ATF_REQUIRE_EQ(1, ctl_row_next(&c, &f));
	ATF_CHECK_EQ('l', f.cf_type);
	ATF_CHECK_EQ(3, f.cf_num);
	ATF_CHECK_EQ(0, cur_lv_span(&f.cf_list, 2, 100, &s));
	ATF_CHECK(span_eq(s, "one"));
	ATF_CHECK_EQ(0, cur_lv_span(&f.cf_list, 2, 100, &s));
	ATF_CHECK_EQ(0, s.len);
	ATF_CHECK_EQ(0, cur_lv_span(&f.cf_list, 2, 100, &s));
	ATF_CHECK_EQ(0, cur_done(&f.cf_list));
	ATF_REQUIRE_EQ(1, ctl_row_next(&c, &f));
	ATF_CHECK_EQ(0, f.cf_num);
	ATF_REQUIRE_EQ(1, ctl_row_next(&c, &f));
	ATF_CHECK(span_eq(f.cf_str, "00ff5a"));
	ATF_CHECK_EQ(0, ctl_row_next(&c, &f));
	ATF_CHECK_EQ(0, ctl_row_next(&c, &f));
}

/* A row cut anywhere but between two fields does not read well. */
ATF_TC_WITHOUT_HEAD(every_prefix);
ATF_TC_BODY(every_prefix, tc)
{
	static struct ctl_row	r;
	uint8_t			*heap;
	size_t			 n, whole = 0;
	unsigned		 fields;

	fill(&r);
	for (n = 0; n < r.cr_w.w_len; n++) {
		ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
		memcpy(heap, r.cr_buf, n);
		if (parse(heap, n, &fields) == 0)
			whole++;
		free(heap);
	}
	/* After the kind and after each field but the last. */
	ATF_CHECK_EQ(10, whole);
	ATF_CHECK_EQ(0, parse(r.cr_buf, r.cr_w.w_len, &fields));
	ATF_CHECK_EQ(10, fields);
}

ATF_TC_WITHOUT_HEAD(bad_rows);
ATF_TC_BODY(bad_rows, tc)
{
	static const struct {
		const char	*bytes;
		size_t		 len;
	} bad[] = {
		{ "\x01k\x01" "fx", 5 },		/* unknown type */
		{ "\x01k\x01" "fb\x02", 6 },		/* neither 0 nor 1 */
		{ "\x01k\x01" "fl\x02\x00\x01" "a", 9 },	/* one entry short */
		{ "\x01k\x01" "fl\xff", 6 },
		{ "\x01k\x01" "fs\xff\xff", 7 },
		{ "\x02k\x00\x01" "fn", 6 },		/* NUL in the kind */
		{ "\x01k\x02" "f\x00n", 6 }		/* and in a name */
	};
	static struct ctl_row	r;
	static char		text[CTL_ROW_MAX];
	unsigned		fields;
	size_t			i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ATF_CHECK_EQ_MSG(-1, parse((const uint8_t *)bad[i].bytes,
		    bad[i].len, &fields), "case %zu", i);
	/* Too long a row is not sent. */
	memset(text, 'a', sizeof(text) - 1);
	ctl_row(&r, "x");
	ctl_str(&r, "long", text);
	ATF_CHECK_EQ(-1, ctl_send_row(NULL, 1, &r));
}

static int
request(struct imsg_ctl_request *cq, const void *tail, size_t len,
    struct ctl_req *rq)
{
	struct chan_msg	m;

	memset(&m, 0, sizeof(m));
	m.cm_fixed = cq;
	cur_init(&m.cm_tail, tail, len);
	return (ctl_req_parse(&m, rq));
}

ATF_TC_WITHOUT_HEAD(requests);
ATF_TC_BODY(requests, tc)
{
	struct imsg_ctl_request	cq;
	struct ctl_req		rq;
	struct wbuf		w;
	uint8_t			buf[4096], *heap;
	char			arg[300];
	size_t			n;

	memset(&cq, 0, sizeof(cq));
	cq.cq_id = 9;
	cq.cq_verb = CTL_ROUTE;
	cq.cq_class = CTL_WRITE;
	cq.cq_argc = 2;
	cq.cq_uid = 1000;
	wbuf_init(&w, buf, sizeof(buf));
	wbuf_lv_str(&w, 2, "remove");
	wbuf_lv_str(&w, 2, "+14085550100");
	ATF_REQUIRE_EQ(0, request(&cq, buf, w.w_len, &rq));
	ATF_CHECK_EQ(9, rq.rq_id);
	ATF_CHECK_EQ(CTL_ROUTE, rq.rq_verb);
	ATF_CHECK_EQ(CTL_WRITE, rq.rq_class);
	ATF_CHECK_EQ(1000, rq.rq_uid);
	ATF_CHECK_EQ(2, rq.rq_argc);
	ATF_CHECK_STREQ("+14085550100", rq.rq_argv[1]);
	for (n = 0; n < w.w_len; n++) {
		ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
		memcpy(heap, buf, n);
		ATF_CHECK_EQ_MSG(-1, request(&cq, heap, n, &rq),
		    "%zu bytes accepted", n);
		free(heap);
	}
	/* One argument more than said, one less, a count beyond all. */
	cq.cq_argc = 1;
	ATF_CHECK_EQ(-1, request(&cq, buf, w.w_len, &rq));
	cq.cq_argc = 3;
	ATF_CHECK_EQ(-1, request(&cq, buf, w.w_len, &rq));
	cq.cq_argc = 255;
	ATF_CHECK_EQ(-1, request(&cq, buf, w.w_len, &rq));
	/* 255 bytes fit, 256 do not; a NUL inside does not. */
	memset(arg, 'a', sizeof(arg));
	cq.cq_argc = 1;
	wbuf_init(&w, buf, sizeof(buf));
	wbuf_lv(&w, 2, arg, 255);
	ATF_CHECK_EQ(0, request(&cq, buf, w.w_len, &rq));
	wbuf_init(&w, buf, sizeof(buf));
	wbuf_lv(&w, 2, arg, 256);
	ATF_CHECK_EQ(-1, request(&cq, buf, w.w_len, &rq));
	wbuf_init(&w, buf, sizeof(buf));
	wbuf_lv(&w, 2, "a\0b", 3);
	ATF_CHECK_EQ(-1, request(&cq, buf, w.w_len, &rq));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, round_trip);
	ATF_TP_ADD_TC(tp, every_prefix);
	ATF_TP_ADD_TC(tp, bad_rows);
	ATF_TP_ADD_TC(tp, requests);
	return (atf_no_error());
}
