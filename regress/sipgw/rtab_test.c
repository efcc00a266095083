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
 * The route table: codec, messages of key, outcomes, restart, order,
 * synchronisation, and what is skipped.
 */
#include <sys/types.h>

#include <atf-c.h>
#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rtab.h"
#include "store.h"

#define N1	"+14085550100"
#define N2	"+14085550101"
#define N3	"+498912345678"
#define NOW	1800000000U

static struct store	*st;
static struct rtab_number num, back;

static struct rtab *
open_table(void)
{
	struct rtab	*rt;
	const char	*why = NULL;

	if (sodium_init() == -1)
		abort();
	ATF_REQUIRE_MSG((st = store_open(".", 1 << 26, 8, &why)) != NULL, "%s", why ? why : "");
	ATF_REQUIRE((rt = rtab_new(st)) != NULL);
	return (rt);
}

static void
close_table(struct rtab *rt)
{
	rtab_free(rt);
	store_close(st);
}

/* A number with routes of some states, one a domain d0.example, d1.example... */
static void
fill(const char *number, const uint8_t *states, size_t n)
{
	struct rtab_route	*r;
	size_t			 i;

	memset(&num, 0, sizeof(num));
	(void)strlcpy(num.rn_number, number, sizeof(num.rn_number));
	num.rn_count = n;
	for (i = 0; i < n; i++) {
		r = &num.rn_routes[i];
		r->rr_state = states[i];
		r->rr_proofs = (uint8_t)(i + 2);
		r->rr_not_after = NOW + 1000;
		r->rr_last_proof = NOW - 1000;
		(void)snprintf(r->rr_domain, sizeof(r->rr_domain), "d%zu.example", i);
		(void)strlcpy(r->rr_ticket, "AQIDBAUGBwgJCgsMDQ4P", sizeof(r->rr_ticket));
		r->rr_nuris = 2;
		(void)snprintf(r->rr_uris[0], URI_MAX, "sip:%s@%s:5061;transport=tls", number,
		    r->rr_domain);
		(void)snprintf(r->rr_uris[1], URI_MAX, "sips:%s@b.%s", number, r->rr_domain);
	}
}

static const uint8_t	one_active[] = { ROUTE_ACTIVE };
static const uint8_t	mixed[] = { ROUTE_PENDING, ROUTE_SUSPENDED, ROUTE_ACTIVE };

ATF_TC_WITHOUT_HEAD(codec);
ATF_TC_BODY(codec, tc)
{
	static uint8_t	buf[RTAB_VALUE_MAX];
	struct wbuf	w;
	struct cur	c;
	uint8_t		*heap;
	size_t		 n, i;

	fill(N1, mixed, 3);
	/* Not canonical base64: kept as text.  And none at all. */
	(void)strlcpy(num.rn_routes[0].rr_ticket, "AB", sizeof(num.rn_routes[0].rr_ticket));
	num.rn_routes[1].rr_ticket[0] = '\0';
	num.rn_routes[2].rr_nuris = 8;
	for (i = 2; i < 8; i++) {
		memset(num.rn_routes[2].rr_uris[i], 'x', URI_MAX - 1);
		memcpy(num.rn_routes[2].rr_uris[i], "sip:", 4);
	}
	wbuf_init(&w, buf, sizeof(buf));
	ATF_REQUIRE_EQ(0, rtab_encode(&num, &w));
	cur_init(&c, buf, w.w_len);
	ATF_REQUIRE_EQ(0, rtab_decode(N1, &c, &back));
	ATF_CHECK_EQ(num.rn_count, back.rn_count);
	for (i = 0; i < num.rn_count; i++) {
		struct rtab_route *a = &num.rn_routes[i], *b = &back.rn_routes[i];
		size_t		   j;

		ATF_CHECK_EQ(a->rr_state, b->rr_state);
		ATF_CHECK_EQ(a->rr_proofs, b->rr_proofs);
		ATF_CHECK_EQ(a->rr_not_after, b->rr_not_after);
		ATF_CHECK_EQ(a->rr_last_proof, b->rr_last_proof);
		ATF_CHECK_STREQ(a->rr_domain, b->rr_domain);
		ATF_CHECK_STREQ(a->rr_ticket, b->rr_ticket);
		ATF_REQUIRE_EQ(a->rr_nuris, b->rr_nuris);
		for (j = 0; j < a->rr_nuris; j++)
			ATF_CHECK_STREQ(a->rr_uris[j], b->rr_uris[j]);
	}
	/* Tickets of every length come back as they were. */
	for (n = 1; n <= 380; n++) {
		struct rtab_route *a = &num.rn_routes[0];
		uint8_t		   raw[380];

		randombytes_buf(raw, sizeof(raw));
		(void)sodium_bin2base64(a->rr_ticket, sizeof(a->rr_ticket), raw, n,
		    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
		wbuf_init(&w, buf, sizeof(buf));
		ATF_REQUIRE_EQ(0, rtab_encode(&num, &w));
		cur_init(&c, buf, w.w_len);
		ATF_REQUIRE_EQ(0, rtab_decode(N1, &c, &back));
		ATF_CHECK_STREQ(a->rr_ticket, back.rn_routes[0].rr_ticket);
	}
	for (n = 0; n < w.w_len; n++) {
		ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
		memcpy(heap, buf, n);
		cur_init(&c, heap, n);
		ATF_CHECK_EQ_MSG(-1, rtab_decode(N1, &c, &back), "%zu", n);
		free(heap);
	}
	fill(N1, mixed, 3);
	num.rn_routes[0].rr_uris[0][5] = '\x01';
	wbuf_init(&w, buf, sizeof(buf));
	ATF_CHECK_EQ(-1, rtab_encode(&num, &w));
}

ATF_TC_WITHOUT_HEAD(table);
ATF_TC_BODY(table, tc)
{
	struct rtab		*rt = open_table();
	static struct rtab_route r;
	unsigned		 state;

	ATF_CHECK_EQ(-1, rtab_get(rt, N1, &back));
	ATF_CHECK_EQ(ENOENT, errno);
	ATF_CHECK_EQ(-1, rtab_active(rt, N1, NOW, &r, &state));
	ATF_CHECK_EQ(ROUTE_NONE, state);
	ATF_CHECK_EQ(-1, rtab_active(rt, "112", NOW, &r, &state));
	fill(N1, mixed, 3);
	ATF_REQUIRE_EQ(0, rtab_put(rt, &num));
	ATF_REQUIRE_EQ(0, rtab_active(rt, N1, NOW, &r, &state));
	ATF_CHECK_STREQ("d2.example", r.rr_domain);
	ATF_CHECK_STREQ("AQIDBAUGBwgJCgsMDQ4P", r.rr_ticket);
	ATF_CHECK_STREQ("sip:" N1 "@d2.example:5061;transport=tls", r.rr_uris[0]);
	ATF_CHECK_STREQ("sips:" N1 "@b.d2.example", r.rr_uris[1]);
	ATF_CHECK_EQ(-1, rtab_active(rt, N1, NOW + 1000, &r, &state));
	ATF_CHECK_EQ(ROUTE_SUSPENDED, state);
	ATF_CHECK_EQ(1, rtab_ties(rt, N1, "D2.example"));
	ATF_CHECK_EQ(1, rtab_ties(rt, N1, "d1.example"));
	ATF_CHECK_EQ(0, rtab_ties(rt, N1, "d0.example"));
	ATF_CHECK_EQ(0, rtab_ties(rt, N1, "d9.example"));
	ATF_CHECK_EQ(0, rtab_ties(rt, N2, "d2.example"));
	close_table(rt);

	/* After a restart all is there. */
	rt = open_table();
	ATF_CHECK_EQ(1, rtab_count(rt));
	ATF_CHECK_EQ(0, rtab_active(rt, N1, NOW, &r, &state));
	num.rn_count = 0;
	ATF_CHECK_EQ(0, rtab_put(rt, &num));
	ATF_CHECK_EQ(0, rtab_put(rt, &num));
	ATF_CHECK_EQ(-1, rtab_get(rt, N1, &back));
	ATF_CHECK_EQ(0, rtab_count(rt));
	close_table(rt);
}

ATF_TC_WITHOUT_HEAD(outcomes);
ATF_TC_BODY(outcomes, tc)
{
	struct rtab		*rt = open_table();
	static struct rtab_route r;
	unsigned		 state;

	fill(N1, one_active, 1);
	ATF_REQUIRE_EQ(0, rtab_put(rt, &num));
	ATF_CHECK_EQ(ROUTE_NONE, rtab_outcome(rt, N1, "other", OUTCOME_STRIKE));
	ATF_CHECK_EQ(ROUTE_NONE, rtab_outcome(rt, N2, "d0.example", OUTCOME_STRIKE));
	/* A strike, a success, a strike: in a row is meant. */
	ATF_CHECK_EQ(ROUTE_ACTIVE, rtab_outcome(rt, N1, "d0.example", OUTCOME_STRIKE));
	ATF_CHECK_EQ(ROUTE_ACTIVE, rtab_outcome(rt, N1, "d0.example", OUTCOME_OK));
	ATF_CHECK_EQ(ROUTE_ACTIVE, rtab_outcome(rt, N1, "d0.example", OUTCOME_STRIKE));
	ATF_REQUIRE_EQ(0, rtab_get(rt, N1, &back));
	ATF_CHECK_EQ(1, back.rn_routes[0].rr_strikes);
	ATF_CHECK_EQ(ROUTE_SUSPENDED, rtab_outcome(rt, N1, "d0.example", OUTCOME_STRIKE));
	ATF_CHECK_EQ(-1, rtab_active(rt, N1, NOW, &r, &state));
	ATF_CHECK_EQ(ROUTE_SUSPENDED, state);
	ATF_REQUIRE_EQ(0, rtab_put(rt, &num));
	ATF_CHECK_EQ(ROUTE_EXPIRED, rtab_outcome(rt, N1, "d0.example", OUTCOME_EXPIRED));
	ATF_CHECK_EQ(-1, rtab_active(rt, N1, NOW, &r, &state));
	ATF_CHECK_EQ(ROUTE_EXPIRED, state);
	fill(N1, mixed, 3);
	ATF_REQUIRE_EQ(0, rtab_put(rt, &num));
	ATF_CHECK_EQ(ROUTE_REMOVED, rtab_outcome(rt, N1, "d2.example", OUTCOME_REMOVED));
	ATF_REQUIRE_EQ(0, rtab_get(rt, N1, &back));
	ATF_CHECK_EQ(2, back.rn_count);
	ATF_CHECK_STREQ("d1.example", back.rn_routes[1].rr_domain);
	ATF_CHECK_EQ(ROUTE_REMOVED, rtab_outcome(rt, N1, "d0.example", OUTCOME_REMOVED));
	ATF_CHECK_EQ(ROUTE_REMOVED, rtab_outcome(rt, N1, "d1.example", OUTCOME_REMOVED));
	ATF_CHECK_EQ(-1, rtab_get(rt, N1, &back));
	close_table(rt);
}

/* An IMSG_ROUTE_SET of n routes; bad: which field is spoiled. */
static int
set(struct rtab *rt, const char *number, unsigned n, int bad, size_t cut)
{
	static uint8_t		buf[65536];
	struct imsg_route_set	rs;
	struct wbuf		w;
	struct cur		c;
	char			text[URI_MAX + 10];
	unsigned		i;
	uint8_t			*heap;
	int			r;

	memset(&rs, 0, sizeof(rs));
	(void)strlcpy(rs.rs_number, number, sizeof(rs.rs_number));
	rs.rs_count = n;
	wbuf_init(&w, buf, sizeof(buf));
	for (i = 0; i < n; i++) {
		wbuf_u8(&w, bad == 1 ? 9 : ROUTE_ACTIVE);
		wbuf_u8(&w, 2);
		wbuf_u8(&w, 0);
		wbuf_u64(&w, NOW + 5);
		wbuf_u64(&w, NOW - 5);
		(void)snprintf(text, sizeof(text), "d%u.example", i);
		wbuf_lv_str(&w, 1, bad == 2 ? "" : text);
		wbuf_lv_str(&w, 2, bad == 3 ? "a b" : "abcd");
		wbuf_u8(&w, bad == 4 ? 9 : 1);
		(void)snprintf(text, sizeof(text), "sip:%s@d%u.example;transport=%s", number, i,
		    bad == 5 ? "tcp" : "tls");
		if (bad == 6)
			memset(text, 'a', URI_MAX + 1), text[URI_MAX + 1] = '\0';
		wbuf_lv_str(&w, 2, text);
	}
	if (bad == 7)
		wbuf_u8(&w, 0);
	if (bad == 8)
		memset(rs.rs_number, '1', sizeof(rs.rs_number));
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	n = (unsigned)(w.w_len > cut ? w.w_len - cut : 0);
	ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
	memcpy(heap, buf, n);
	cur_init(&c, heap, n);
	r = rtab_set(rt, &rs, &c);
	free(heap);
	return (r);
}

ATF_TC_WITHOUT_HEAD(messages);
ATF_TC_BODY(messages, tc)
{
	struct rtab	*rt = open_table();
	size_t		 cut;
	int		 bad;

	ATF_REQUIRE_EQ(0, set(rt, N1, 2, 0, 0));
	ATF_REQUIRE_EQ(0, rtab_get(rt, N1, &back));
	ATF_CHECK_EQ(2, back.rn_count);
	ATF_CHECK_EQ(NOW + 5, back.rn_routes[1].rr_not_after);
	ATF_CHECK_STREQ("abcd", back.rn_routes[1].rr_ticket);
	for (bad = 1; bad <= 8; bad++) {
		ATF_CHECK_EQ_MSG(-1, set(rt, N1, 1, bad, 0), "%d", bad);
		ATF_CHECK_EQ(EINVAL, errno);
	}
	for (cut = 1; cut < 100; cut++)
		ATF_CHECK_EQ(-1, set(rt, N1, 1, 0, cut));
	ATF_CHECK_EQ(-1, set(rt, "112", 1, 0, 0));
	/* Nothing of that changed the table. */
	ATF_REQUIRE_EQ(0, rtab_get(rt, N1, &back));
	ATF_CHECK_EQ(2, back.rn_count);
	ATF_REQUIRE_EQ(0, set(rt, N1, RTAB_DOMAINS_MAX + 3, 0, 0));
	ATF_REQUIRE_EQ(0, rtab_get(rt, N1, &back));
	ATF_CHECK_EQ(RTAB_DOMAINS_MAX, back.rn_count);
	ATF_REQUIRE_EQ(0, set(rt, N1, 0, 0, 0));
	ATF_CHECK_EQ(-1, rtab_get(rt, N1, &back));
	close_table(rt);
}

static int
collect(const struct rtab_number *n, void *arg)
{
	char	*out = arg;

	(void)strlcat(out, n->rn_number, 256);
	(void)strlcat(out, " ", 256);
	return (strcmp(n->rn_number, "+498999999999") == 0);
}

ATF_TC_WITHOUT_HEAD(walk);
ATF_TC_BODY(walk, tc)
{
	struct rtab	*rt = open_table();
	char		 out[256] = "";

	ATF_CHECK_EQ(0, rtab_walk(rt, NULL, collect, out));
	ATF_CHECK_STREQ("", out);
	ATF_REQUIRE_EQ(0, set(rt, N3, 1, 0, 0));
	ATF_REQUIRE_EQ(0, set(rt, N2, 1, 0, 0));
	ATF_REQUIRE_EQ(0, set(rt, N1, 1, 0, 0));
	ATF_CHECK_EQ(0, rtab_walk(rt, NULL, collect, out));
	ATF_CHECK_STREQ(N1 " " N2 " " N3 " ", out);
	out[0] = '\0';
	ATF_CHECK_EQ(0, rtab_walk(rt, N2, collect, out));
	ATF_CHECK_STREQ(N2 " " N3 " ", out);
	ATF_REQUIRE_EQ(0, set(rt, "+498999999999", 1, 0, 0));
	ATF_REQUIRE_EQ(0, set(rt, "+498999999999123", 1, 0, 0));
	out[0] = '\0';
	ATF_CHECK_EQ(1, rtab_walk(rt, N3, collect, out));
	ATF_CHECK_STREQ(N3 " +498999999999 ", out);
	close_table(rt);
}

ATF_TC_WITHOUT_HEAD(sync);
ATF_TC_BODY(sync, tc)
{
	struct rtab	*rt = open_table();

	ATF_REQUIRE_EQ(0, set(rt, N1, 1, 0, 0));
	ATF_REQUIRE_EQ(0, set(rt, N2, 1, 0, 0));
	rtab_sync_begin(rt);
	ATF_REQUIRE_EQ(0, set(rt, N2, 1, 0, 0));
	ATF_REQUIRE_EQ(0, set(rt, N3, 1, 0, 0));
	ATF_CHECK_EQ(1, rtab_sync_end(rt));
	ATF_CHECK_EQ(-1, rtab_get(rt, N1, &back));
	ATF_CHECK_EQ(0, rtab_get(rt, N2, &back));
	ATF_CHECK_EQ(0, rtab_get(rt, N3, &back));
	close_table(rt);
	rt = open_table();
	/* Set in the run before and not again: swept too. */
	rtab_sync_begin(rt);
	ATF_CHECK_EQ(2, rtab_sync_end(rt));
	ATF_CHECK_EQ(0, rtab_count(rt));
	close_table(rt);
}

ATF_TC_WITHOUT_HEAD(skips);
ATF_TC_BODY(skips, tc)
{
	struct rtab	*rt = open_table();
	uint64_t	 now = 1000000, wait = SKIP_HOST_MIN_MS;
	char		 name[32];
	unsigned	 i;

	ATF_CHECK_EQ(0, rtab_host_skipped(rt, "b.example", now));
	for (i = 1; i <= 10; i++) {
		ATF_CHECK_EQ(i, rtab_host_failed(rt, "b.example", now));
		ATF_CHECK_EQ(0, rtab_host_failed(rt, "B.Example", now + 1));
		ATF_CHECK_EQ(now + wait, rtab_host_skipped(rt, "b.example", now));
		ATF_CHECK_EQ(0, rtab_host_skipped(rt, "c.example", now));
		ATF_CHECK_EQ(0, rtab_host_skipped(rt, "b.example", now + wait));
		now += wait;
		wait = wait * 2 > SKIP_HOST_MAX_MS ? SKIP_HOST_MAX_MS : wait * 2;
	}
	rtab_host_ok(rt, "b.example");
	rtab_host_ok(rt, "unknown");
	ATF_CHECK_EQ(1, rtab_host_failed(rt, "b.example", now));
	rtab_route_skip(rt, N1, "b.example", 5, now);
	ATF_CHECK_EQ(now + 5000, rtab_route_skipped(rt, N1, "b.example", now));
	ATF_CHECK_EQ(0, rtab_route_skipped(rt, N2, "b.example", now));
	ATF_CHECK_EQ(0, rtab_route_skipped(rt, N1, "c.example", now));
	ATF_CHECK_EQ(0, rtab_route_skipped(rt, N1, "b.example", now + 5000));
	/* Bounded: the oldest goes. */
	for (i = 0; i < RTAB_SKIP_MAX; i++) {
		(void)snprintf(name, sizeof(name), "h%u", i);
		(void)rtab_host_failed(rt, name, now);
	}
	ATF_CHECK_EQ(0, rtab_host_skipped(rt, "b.example", now));
	ATF_CHECK(rtab_host_skipped(rt, "h0", now) != 0);
	close_table(rt);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, codec);
	ATF_TP_ADD_TC(tp, table);
	ATF_TP_ADD_TC(tp, outcomes);
	ATF_TP_ADD_TC(tp, messages);
	ATF_TP_ADD_TC(tp, walk);
	ATF_TP_ADD_TC(tp, sync);
	ATF_TP_ADD_TC(tp, skips);
	return (atf_no_error());
}
