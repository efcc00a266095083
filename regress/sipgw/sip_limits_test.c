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
 * Bounds of outside peers under a clock of the test's own.
 */
#include <sys/types.h>

#include <atf-c.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "sip_limits.h"

#define H	((uint64_t)3600000)
#define T0	((uint64_t)1000000)

static struct limits *
fresh(void)
{
	struct limits	*l;

	if (sodium_init() == -1)
		abort();
	ATF_REQUIRE((l = limits_new()) != NULL);
	return (l);
}

ATF_TC_WITHOUT_HEAD(live);
ATF_TC_BODY(live, tc)
{
	struct limits	*l = fresh();
	uint64_t	 id[4];
	uint32_t	 retry;
	int		 i;

	for (i = 0; i < 4; i++)
		ATF_REQUIRE((id[i] = limits_call(l, "a.example", "+1408", T0, 60, 4, &retry)) != 0);
	ATF_CHECK_EQ(0, limits_call(l, "A.Example", "+1408", T0, 60, 4, &retry));
	ATF_CHECK(retry >= 1 && retry <= 3600);
	ATF_CHECK(limits_call(l, "a.example", "+1409", T0, 60, 4, &retry) != 0);
	ATF_CHECK(limits_call(l, "b.example", "+1408", T0, 60, 4, &retry) != 0);
	limits_call_end(l, id[2]);
	limits_call_end(l, id[2]);
	limits_call_end(l, 99999);
	ATF_CHECK((id[2] = limits_call(l, "a.example", "+1408", T0, 60, 4, &retry)) != 0);
	ATF_CHECK_EQ(0, limits_call(l, "a.example", "+1408", T0, 60, 4, &retry));
	limits_free(l);
}

ATF_TC_WITHOUT_HEAD(hour);
ATF_TC_BODY(hour, tc)
{
	struct limits	*l = fresh();
	uint64_t	 id, now = T0;
	uint32_t	 retry;
	int		 i;

	/* Refused ones do not count. */
	for (i = 0; i < 200; i++) {
		ATF_REQUIRE((id = limits_call(l, "a", "+1", now, 60, 4, &retry)) != 0);
		limits_call_end(l, id);
	}
	for (i = 0; i < 60; i++) {
		ATF_REQUIRE((id = limits_call(l, "a", "+1", now + (uint64_t)i * 1000, 60, 4, &retry)) != 0);
		limits_call_counted(l, id, now + (uint64_t)i * 1000);
		limits_call_counted(l, id, now + (uint64_t)i * 1000);
		limits_call_end(l, id);
	}
	ATF_CHECK_EQ(0, limits_call(l, "a", "+1", now + 60000, 60, 4, &retry));
	ATF_CHECK_EQ(3540, retry);
	ATF_CHECK_EQ(0, limits_call(l, "a", "+1", now + H - 1, 60, 4, &retry));
	ATF_CHECK_EQ(1, retry);
	/* An hour after the first there is one place, and no second. */
	ATF_REQUIRE((id = limits_call(l, "a", "+1", now + H, 60, 4, &retry)) != 0);
	ATF_CHECK_EQ(0, limits_call(l, "a", "+1", now + H, 60, 4, &retry));
	limits_call_end(l, id);
	ATF_CHECK(limits_call(l, "a", "+1", now + H, 60, 4, &retry) != 0);
	/* A smaller limit after a reload holds at once. */
	ATF_CHECK_EQ(0, limits_call(l, "a", "+1", now + H, 30, 4, &retry));
	ATF_CHECK_EQ(0, limits_call(l, "z", "+1", now + H, 0, 4, &retry));
	ATF_CHECK_EQ(0, limits_call(l, "z", "+1", now + H, 4, 0, &retry));
	limits_free(l);
}

ATF_TC_WITHOUT_HEAD(burst);
ATF_TC_BODY(burst, tc)
{
	struct limits	*l = fresh();
	uint32_t	 retry;
	int		 i;

	/* Places not yet counted hold the hour too. */
	for (i = 0; i < 5; i++)
		ATF_CHECK(limits_call(l, "a", "+1", T0, 5, 100, &retry) != 0);
	ATF_CHECK_EQ(0, limits_call(l, "a", "+1", T0, 5, 100, &retry));
	limits_free(l);
}

/* All calls of a grantee together. */
ATF_TC_WITHOUT_HEAD(total);
ATF_TC_BODY(total, tc)
{
	struct limits	*l = fresh();
	uint64_t	 id[3];
	uint32_t	 retry;
	char		 number[16];
	int		 i;

	limits_total(l, 3);
	for (i = 0; i < 3; i++) {
		(void)snprintf(number, sizeof(number), "+%d", i);
		ATF_REQUIRE((id[i] = limits_call(l, "a.example", number, T0, 60, 4, &retry)) != 0);
	}
	ATF_CHECK_EQ(0, limits_call(l, "A.example", "+9", T0, 60, 4, &retry));
	ATF_CHECK(retry >= 1 && retry <= 3600);
	ATF_CHECK(limits_call(l, "b.example", "+9", T0, 60, 4, &retry) != 0);
	limits_call_end(l, id[1]);
	ATF_CHECK((id[1] = limits_call(l, "a.example", "+9", T0, 60, 4, &retry)) != 0);
	ATF_CHECK_EQ(0, limits_call(l, "a.example", "+8", T0, 60, 4, &retry));
	/* The number's own limit is asked first, and takes no place. */
	limits_total(l, 4);
	ATF_CHECK_EQ(0, limits_call(l, "a.example", "+9", T0, 60, 1, &retry));
	ATF_CHECK(limits_call(l, "a.example", "+8", T0, 60, 4, &retry) != 0);
	limits_total(l, 0);
	ATF_CHECK(limits_call(l, "a.example", "+7", T0, 60, 4, &retry) != 0);
	for (i = 0; i < 3; i++)
		limits_call_end(l, id[i]);
	limits_free(l);
}

ATF_TC_WITHOUT_HEAD(rate);
ATF_TC_BODY(rate, tc)
{
	struct limits	*l = fresh();
	uint32_t	 retry;
	int		 i, n;

	/* Twice as many in a burst, then as they come. */
	for (i = 0; i < 20; i++)
		ATF_CHECK_EQ(0, limits_rate(l, LIMITS_CALLS, "a.example", 10, T0, &retry));
	ATF_CHECK_EQ(-1, limits_rate(l, LIMITS_CALLS, "A.EXAMPLE", 10, T0, &retry));
	ATF_CHECK(retry >= 1 && retry <= 3600);
	ATF_CHECK_EQ(0, limits_rate(l, LIMITS_REQUESTS, "a.example", 10, T0, &retry));
	ATF_CHECK_EQ(0, limits_rate(l, LIMITS_CALLS, "b.example", 10, T0, &retry));
	ATF_CHECK_EQ(-1, limits_rate(l, LIMITS_CALLS, "a.example", 10, T0 + 99, &retry));
	ATF_CHECK_EQ(0, limits_rate(l, LIMITS_CALLS, "a.example", 10, T0 + 100, &retry));
	ATF_CHECK_EQ(-1, limits_rate(l, LIMITS_CALLS, "a.example", 10, T0 + 100, &retry));
	/* A flood of ten times the rate for ten seconds. */
	for (i = n = 0; i < 1000; i++)
		n += limits_rate(l, LIMITS_CALLS, "a.example", 10,
		    T0 + 101 + (uint64_t)i * 10, &retry) == 0;
	ATF_CHECK_MSG(n >= 99 && n <= 101, "%d", n);
	/* Rest fills the bucket and no more. */
	for (i = n = 0; i < 100; i++)
		n += limits_rate(l, LIMITS_CALLS, "a.example", 10, T0 + 3600000, &retry) == 0;
	ATF_CHECK_EQ(20, n);
	limits_free(l);
}

/* Connections: an address, whatever its port, and a /64. */
ATF_TC_WITHOUT_HEAD(conn_rate);
ATF_TC_BODY(conn_rate, tc)
{
	struct limits	*l = fresh();
	struct vaddr	 a, b, c, d;
	int		 i;

	ATF_REQUIRE_EQ(0, vaddr_parse("192.0.2.1", 5061, &a));
	ATF_REQUIRE_EQ(0, vaddr_parse("192.0.2.2", 5061, &b));
	ATF_REQUIRE_EQ(0, vaddr_parse("2001:db8::1", 1, &c));
	ATF_REQUIRE_EQ(0, vaddr_parse("2001:db8::ffff:2", 2, &d));
	for (i = 0; i < 6; i++) {
		a.va_port++;
		ATF_CHECK_EQ(0, limits_conn_rate(l, &a, 3, T0));
		ATF_CHECK_EQ(0, limits_conn_rate(l, i & 1 ? &c : &d, 3, T0));
	}
	ATF_CHECK_EQ(-1, limits_conn_rate(l, &a, 3, T0));
	ATF_CHECK_EQ(-1, limits_conn_rate(l, &c, 3, T0));
	ATF_CHECK_EQ(-1, limits_conn_rate(l, &d, 3, T0 + 300));
	ATF_CHECK_EQ(0, limits_conn_rate(l, &b, 3, T0));
	ATF_CHECK_EQ(0, limits_conn_rate(l, &d, 3, T0 + 334));
	limits_free(l);
}

ATF_TC_WITHOUT_HEAD(conns);
ATF_TC_BODY(conns, tc)
{
	struct limits	*l = fresh();
	struct vaddr	 a, b, c6, d6;
	int		 i;

	ATF_REQUIRE_EQ(0, vaddr_parse("192.0.2.1", 1, &a));
	ATF_REQUIRE_EQ(0, vaddr_parse("192.0.2.2", 1, &b));
	for (i = 0; i < LIMITS_CONN_ADDR; i++) {
		a.va_port = (uint16_t)i;
		ATF_CHECK_EQ(0, limits_conn_open(l, &a));
	}
	ATF_CHECK_EQ(-1, limits_conn_open(l, &a));
	ATF_CHECK_EQ(0, limits_conn_open(l, &b));
	limits_conn_close(l, &a);
	ATF_CHECK_EQ(0, limits_conn_open(l, &a));
	ATF_CHECK_EQ(-1, limits_conn_open(l, &a));
	/* One /64 is one address. */
	ATF_REQUIRE_EQ(0, vaddr_parse("2001:db8::1", 1, &c6));
	ATF_REQUIRE_EQ(0, vaddr_parse("2001:db8::ffff:2", 1, &d6));
	for (i = 0; i < LIMITS_CONN_ADDR; i++)
		ATF_CHECK_EQ(0, limits_conn_open(l, i & 1 ? &c6 : &d6));
	ATF_CHECK_EQ(-1, limits_conn_open(l, &c6));
	for (i = 0; i < LIMITS_CONN_DOMAIN; i++)
		ATF_CHECK_EQ(0, limits_name_open(l, "a.example"));
	ATF_CHECK_EQ(-1, limits_name_open(l, "A.EXAMPLE"));
	limits_name_close(l, "a.example");
	limits_name_close(l, "unknown");
	ATF_CHECK_EQ(0, limits_name_open(l, "a.example"));
	limits_free(l);
}

ATF_TC_WITHOUT_HEAD(refused);
ATF_TC_BODY(refused, tc)
{
	struct limits	*l = fresh();
	struct vaddr	 a, b;
	int		 i;

	ATF_REQUIRE_EQ(0, vaddr_parse("192.0.2.1", 1, &a));
	ATF_REQUIRE_EQ(0, vaddr_parse("192.0.2.2", 1, &b));
	for (i = 0; i < LIMITS_REFUSED_MIN; i++)
		ATF_CHECK_EQ(0, limits_refused(l, &a, "a.example", T0 + (uint64_t)i));
	/* The 61st, by the domain alone. */
	ATF_CHECK_EQ(1, limits_refused(l, &b, "a.example", T0 + 59999));
	ATF_CHECK_EQ(1, limits_refused(l, &a, NULL, T0 + 59999));
	ATF_CHECK_EQ(0, limits_refused(l, &b, "b.example", T0 + 59999));
	ATF_CHECK_EQ(0, limits_refused(l, &a, "a.example", T0 + 200000));
	limits_free(l);
}

ATF_TC_WITHOUT_HEAD(bounded);
ATF_TC_BODY(bounded, tc)
{
	struct limits	*l = fresh();
	struct vaddr	 a;
	char		 name[32];
	uint32_t	 retry;
	uint64_t	 id, keep;
	int		 i;

	ATF_REQUIRE((keep = limits_call(l, "keep", "+1", T0, 60, 1, &retry)) != 0);
	ATF_REQUIRE_EQ(0, vaddr_parse("192.0.2.1", 1, &a));
	for (i = 0; i < LIMITS_TABLE_MAX + 100; i++) {
		(void)snprintf(name, sizeof(name), "d%d", i);
		(void)limits_refused(l, &a, name, T0);
		ATF_REQUIRE((id = limits_call(l, name, "+1", T0, 2, 1, &retry)) != 0);
		limits_call_counted(l, id, T0);
		limits_call_end(l, id);
	}
	/* A held place is never forgotten. */
	ATF_CHECK_EQ(0, limits_call(l, "keep", "+1", T0, 60, 1, &retry));
	limits_call_end(l, keep);
	ATF_CHECK(limits_call(l, "keep", "+1", T0, 60, 1, &retry) != 0);
	/* A full table of held connections refuses. */
	for (i = 0; i < LIMITS_TABLE_MAX; i++) {
		(void)snprintf(name, sizeof(name), "d%d", i);
		ATF_REQUIRE_EQ(0, limits_name_open(l, name));
	}
	ATF_CHECK_EQ(-1, limits_name_open(l, "one-more"));
	ATF_CHECK_EQ(0, limits_name_open(l, "d7"));
	limits_free(l);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, live);
	ATF_TP_ADD_TC(tp, hour);
	ATF_TP_ADD_TC(tp, burst);
	ATF_TP_ADD_TC(tp, total);
	ATF_TP_ADD_TC(tp, rate);
	ATF_TP_ADD_TC(tp, conn_rate);
	ATF_TP_ADD_TC(tp, conns);
	ATF_TP_ADD_TC(tp, refused);
	ATF_TP_ADD_TC(tp, bounded);
	return (atf_no_error());
}
