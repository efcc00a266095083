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
 * Numbers modulo 2^128 and the view of the ring, against plain counting.
 */

#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "e164.h"
#include "regist.h"
#include "ring.h"

static uint64_t	 seed = 88172645463325252ull;

static void	 random_id(struct nodeid *);
static struct nodeid id_of(const char *);

static void
random_id(struct nodeid *id)
{
	size_t		 i;

	for (i = 0; i < NODEID_LEN; i++) {
		seed ^= seed >> 12;
		seed ^= seed << 25;
		seed ^= seed >> 27;
		id->id_b[i] = (uint8_t)(seed >> 33);
	}
}

static struct nodeid
id_of(const char *hex)
{
	struct nodeid	 id;

	ATF_REQUIRE_EQ(0, nodeid_parse(hex, strlen(hex), &id));
	return (id);
}

ATF_TC_WITHOUT_HEAD(arithmetic);
ATF_TC_BODY(arithmetic, tc)
{
	struct nodeid	 a = id_of("ffffffffffffffffffffffffffffffff"), b, c;
	struct nodeid	 zero = id_of("00000000000000000000000000000000");
	char		 hex[NODEID_HEXLEN];
	int		 i;

	ATF_CHECK(nodeid_is_wildcard(&a));
	ATF_CHECK(nodeid_is_zero(&zero));
	nodeid_next(&a, &b);
	ATF_CHECK(nodeid_is_zero(&b));
	nodeid_sub(&zero, &a, &c);
	ATF_CHECK_STREQ("00000000000000000000000000000001", nodeid_hex(&c, hex));
	nodeid_pow2(127, &b);
	ATF_CHECK_STREQ("80000000000000000000000000000000", nodeid_hex(&b, hex));
	nodeid_pow2(128, &b);
	ATF_CHECK(nodeid_is_zero(&b));
	b = id_of("000102030405060708090a0b0c0d0eff");
	nodeid_next(&b, &c);
	ATF_CHECK_STREQ("000102030405060708090a0b0c0d0f00", nodeid_hex(&c, hex));
	for (i = 0; i < 1000; i++) {
		random_id(&a);
		random_id(&b);
		nodeid_sub(&a, &b, &c);
		nodeid_add(&c, &b, &c);
		ATF_REQUIRE(nodeid_eq(&a, &c));
	}
	ATF_CHECK_EQ(-1, nodeid_parse("00", 2, &a));
	ATF_CHECK_EQ(-1, nodeid_parse("g0000000000000000000000000000000", 32, &a));
}

ATF_TC_WITHOUT_HEAD(interval);
ATF_TC_BODY(interval, tc)
{
	struct nodeid	 p = id_of("40000000000000000000000000000000");
	struct nodeid	 x = id_of("80000000000000000000000000000000");
	struct nodeid	 k = id_of("60000000000000000000000000000000");
	struct nodeid	 z = id_of("00000000000000000000000000000000");

	ATF_CHECK(nodeid_in(&k, &p, &x));
	ATF_CHECK(nodeid_in(&x, &p, &x));
	ATF_CHECK(!nodeid_in(&p, &p, &x));
	ATF_CHECK(!nodeid_in(&k, &x, &p));
	ATF_CHECK(nodeid_in(&z, &x, &p));
	ATF_CHECK(nodeid_in(&p, &x, &p));
	ATF_CHECK(nodeid_in(&k, &x, &x));
	ATF_CHECK_EQ(250000000, nodeid_share_ppb(&p, &x));
	ATF_CHECK_EQ(750000000, nodeid_share_ppb(&x, &p));
	ATF_CHECK_EQ(1000000000, nodeid_share_ppb(&x, &x));
}

/* The names of a number, from the drafts' computed example. */
ATF_TC_WITHOUT_HEAD(names);
ATF_TC_BODY(names, tc)
{
	static const char *const want[] = {
		"33cefb965aeee14078351370ea17262a",
		"ea538a3c92a22d609c6637593ca523a0",
		"2f078f6b3977d8808348d15bc81b169c"
	};
	struct nodeid	 id;
	char		 hex[NODEID_HEXLEN];
	unsigned	 i;

	for (i = 0; i < 3; i++) {
		ATF_REQUIRE_EQ(0, regist_resource(e164_pack("+12125550147"), i, &id));
		ATF_CHECK_STREQ(want[i], nodeid_hex(&id, hex));
	}
	ATF_CHECK_EQ(-1, regist_resource(e164_pack("+12125550147"), 3, &id));
	nodeid_resource("alice@overlay.test", 18, &id);
	ATF_CHECK_STREQ("bcd8d6e82d02b35e34ddc96f088abcc0", nodeid_hex(&id, hex));
}

/* Neighbours, responsibility and next hop as one counts them by hand. */
ATF_TC_WITHOUT_HEAD(views);
ATF_TC_BODY(views, tc)
{
	struct ring	 rg;
	struct nodeid	 self, peer[64], k, d, best, want;
	const struct nodeid *hop;
	size_t		 n, i, j, closer;
	int		 run;

	for (n = 0; n <= 40; n++) {
		random_id(&self);
		ring_init(&rg, &self);
		ATF_CHECK_EQ(-1, ring_add(&rg, &self));
		for (i = 0; i < n; i++) {
			random_id(&peer[i]);
			ATF_CHECK_EQ(1, ring_add(&rg, &peer[i]));
			ATF_CHECK_EQ(0, ring_add(&rg, &peer[i]));
		}
		ATF_CHECK_EQ(n < 3 ? n : 3, ring_neighbours(&rg));
		for (i = 0; i < n; i++) {
			closer = 0;
			for (j = 0; j < n; j++)
				closer += nodeid_dist_cmp(&self, &peer[j], &peer[i]) < 0;
			ATF_CHECK_EQ(closer < 3 || n - 1 - closer < 3,
			    ring_is_neighbour(&rg, &peer[i]));
			if (closer < 3)
				ATF_CHECK(nodeid_eq(ring_succ(&rg, closer), &peer[i]));
			if (n - 1 - closer < 3)
				ATF_CHECK(nodeid_eq(ring_pred(&rg, n - 1 - closer), &peer[i]));
		}
		for (run = 0; run < 50; run++) {
			random_id(&k);
			/* The owner of k is the first node at or after k. */
			best = self;
			for (i = 0; i < n; i++) {
				if (nodeid_dist_cmp(&k, &peer[i], &best) < 0)
					best = peer[i];
			}
			ATF_CHECK_EQ(nodeid_eq(&best, &self), ring_responsible(&rg, &k));
			/* The hop leaves the least way to k without passing it. */
			hop = ring_next_hop(&rg, &k);
			ATF_CHECK_EQ(n == 0, hop == NULL);
			if (n == 0 || ring_responsible(&rg, &k))
				continue;
			memset(&want, 0, sizeof(want));
			for (i = 0, j = 0; i < n; i++) {
				if (nodeid_dist_cmp(&self, &peer[i], &k) > 0)
					continue;
				if (j == 0 || nodeid_dist_cmp(&self, &peer[i], &want) > 0)
					want = peer[i];
				j = 1;
			}
			if (j == 0)
				want = *ring_succ(&rg, 0);
			ATF_CHECK(nodeid_eq(hop, &want));
		}
		/* Wanted: those that would be neighbours once they are in. */
		for (run = 0; run < 20; run++) {
			struct ring	 with = rg;

			random_id(&d);
			ATF_REQUIRE_EQ(1, ring_add(&with, &d));
			ATF_CHECK_EQ(ring_is_neighbour(&with, &d), ring_wanted(&rg, &d));
			ATF_CHECK_EQ(0, ring_wanted(&with, &d));
		}
		for (i = 0; i < n; i++)
			ATF_CHECK_EQ(1, ring_del(&rg, &peer[i]));
		ATF_CHECK_EQ(0, rg.rg_npeers);
	}
}

ATF_TC_WITHOUT_HEAD(fingers);
ATF_TC_BODY(fingers, tc)
{
	struct ring	 rg;
	struct nodeid	 self = id_of("f0000000000000000000000000000000"), id;
	char		 hex[NODEID_HEXLEN];
	const struct nodeid *f;
	unsigned	 i;

	ring_init(&rg, &self);
	ring_finger_start(&rg, 1, &id);
	ATF_CHECK_STREQ("70000000000000000000000000000000", nodeid_hex(&id, hex));
	ring_finger_start(&rg, 4, &id);
	ATF_CHECK_STREQ("00000000000000000000000000000000", nodeid_hex(&id, hex));
	id = id_of("75000000000000000000000000000000");
	ATF_CHECK(ring_finger_covers(&rg, 1, &id));
	ATF_CHECK(!ring_finger_covers(&rg, 2, &id));
	ATF_CHECK_EQ(NULL, ring_finger(&rg, 1));
	ATF_REQUIRE_EQ(1, ring_add(&rg, &id));
	ATF_REQUIRE((f = ring_finger(&rg, 1)) != NULL);
	ATF_CHECK(nodeid_eq(f, &id));
	ATF_CHECK(ring_is_finger(&rg, &id));
	/* Every place but our own is covered by exactly one of the 128. */
	for (i = 0; i < 200; i++) {
		unsigned	 j, n = 0;

		random_id(&id);
		for (j = 1; j <= 128; j++)
			n += (unsigned)ring_finger_covers(&rg, j, &id);
		ATF_CHECK_EQ(1, n);
	}
	ATF_CHECK(!ring_finger_open(&rg, 1));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, arithmetic);
	ATF_TP_ADD_TC(tp, interval);
	ATF_TP_ADD_TC(tp, names);
	ATF_TP_ADD_TC(tp, views);
	ATF_TP_ADD_TC(tp, fingers);
	return (atf_no_error());
}
