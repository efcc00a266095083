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

/* Connection limits by address. */

#include <sys/types.h>

#include <atf-c.h>
#include <stdint.h>
#include <string.h>

#include "addr.h"
#include "peers.h"

#define HOUR	3600000u

static struct vaddr
addr(const char *text)
{
	struct vaddr	 va;

	ATF_REQUIRE_EQ(0, vaddr_parse(text, 1000, &va));
	return (va);
}

ATF_TC_WITHOUT_HEAD(at_once);
ATF_TC_BODY(at_once, tc)
{
	struct peers	*ps = peers_new(100);
	struct vaddr	 a = addr("192.0.2.1"), b = addr("192.0.2.2");
	int		 i;

	for (i = 0; i < PEERS_LIVE; i++) {
		a.va_port++;
		ATF_CHECK(peers_accept(ps, &a, 1000) == NULL);
	}
	ATF_CHECK(peers_accept(ps, &a, 1000) != NULL);
	ATF_CHECK(peers_accept(ps, &b, 1000) == NULL);
	peers_done(ps, &a);
	ATF_CHECK(peers_accept(ps, &a, 1000) == NULL);
	peers_free(ps);
}

static int
burst(struct peers *ps, struct vaddr *va, uint64_t now, int n)
{
	int	 i, ok = 0;

	for (i = 0; i < n; i++)
		if (peers_accept(ps, va, now) == NULL) {
			ok++;
			peers_done(ps, va);
		}
	return (ok);
}

ATF_TC_WITHOUT_HEAD(an_hour);
ATF_TC_BODY(an_hour, tc)
{
	struct peers	*ps = peers_new(100);
	struct vaddr	 a = addr("192.0.2.1");
	uint64_t	 t;
	int		 n;

	ATF_CHECK_EQ(60, burst(ps, &a, 1000, 100));
	ATF_CHECK_EQ(0, burst(ps, &a, 1000 + HOUR - 1, 100));
	/* Never more than 60 in any hour that follows. */
	n = 0;
	for (t = 1000 + HOUR; t < 1000 + 2 * HOUR; t += 10000)
		n += burst(ps, &a, t, 3);
	ATF_CHECK_MSG(n > 20 && n <= 60, "%d", n);
	ATF_CHECK_EQ(60, burst(ps, &a, 1000 + 5 * HOUR, 100));
	/* A good proof. */
	peers_good(ps, &a);
	ATF_CHECK_EQ(3540, burst(ps, &a, 1000 + 5 * HOUR, 5000));
	peers_free(ps);
}

ATF_TC_WITHOUT_HEAD(ipv6);
ATF_TC_BODY(ipv6, tc)
{
	struct peers	*ps = peers_new(100);
	struct vaddr	 a = addr("2001:db8::1"), b = addr("2001:db8::2:3:4:5"),
			 c = addr("2001:db8:0:1::1");

	ATF_CHECK_EQ(60, burst(ps, &a, 1000, 100));
	ATF_CHECK_EQ(0, burst(ps, &b, 1000, 100));
	ATF_CHECK_EQ(60, burst(ps, &c, 1000, 100));
	ATF_CHECK_EQ(2, peers_count(ps));
	peers_free(ps);
}

ATF_TC_WITHOUT_HEAD(outwards);
ATF_TC_BODY(outwards, tc)
{
	struct peers	*ps = peers_new(100);
	struct vaddr	 a = addr("192.0.2.1");
	int		 i, n = 0;

	for (i = 0; i < 20; i++)
		n += peers_connect(ps, &a, 1000);
	ATF_CHECK_EQ(PEERS_OUT_HOUR, n);
	ATF_CHECK_EQ(60, burst(ps, &a, 1000, 100));	/* a count of its own */
	peers_free(ps);
}

ATF_TC_WITHOUT_HEAD(memory);
ATF_TC_BODY(memory, tc)
{
	struct peers	*ps = peers_new(10);
	struct vaddr	 a = addr("192.0.2.1"), b = addr("198.51.100.0");
	int		 i;

	/* One with a live connection is never forgotten. */
	ATF_CHECK(peers_accept(ps, &a, 1) == NULL);
	for (i = 0; i < 1000; i++) {
		b.va_addr[2] = (uint8_t)(i >> 8);
		b.va_addr[3] = (uint8_t)i;
		ATF_CHECK(peers_accept(ps, &b, 2) == NULL);
		peers_done(ps, &b);
	}
	ATF_CHECK_EQ(10, peers_count(ps));
	ATF_CHECK_EQ(59, burst(ps, &a, 3, 100));
	/* All alive: nobody new. */
	for (i = 0; i < 9; i++) {
		b.va_addr[3] = (uint8_t)i;
		ATF_CHECK(peers_accept(ps, &b, 4) == NULL);
	}
	b.va_addr[3] = 200;
	ATF_CHECK(peers_accept(ps, &b, 4) != NULL);
	peers_free(ps);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, at_once);
	ATF_TP_ADD_TC(tp, an_hour);
	ATF_TP_ADD_TC(tp, ipv6);
	ATF_TP_ADD_TC(tp, outwards);
	ATF_TP_ADD_TC(tp, memory);
	return (atf_no_error());
}
