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

/* What proofs add up to (pvp(7)), CLAIM and ROUTE bodies, URIs. */

#include "key_box.h"

#define NUMBER		"+14085550142"

static struct box	*a;
static uint8_t		 node_b[NODEID_LEN], node_b2[NODEID_LEN], node_e[NODEID_LEN];

static void
begin(void)
{
	a = box_new("a", "+12125550100", "+12125550199");
	memset(node_b, 0xb1, NODEID_LEN);
	memset(node_b2, 0xb2, NODEID_LEN);
	memset(node_e, 0xe1, NODEID_LEN);
}

/* A proof now, for a call that ended at stop and lasted 90 s. */
static void
prove_call(const char *domain, const uint8_t *node, unsigned kind, uint64_t start,
    uint64_t stop, const char *caller)
{
	struct kgrant	*kg;
	struct vcr	 v;

	ATF_REQUIRE((kg = calloc(1, sizeof(*kg))) != NULL);
	kg->kg_kind = (uint8_t)kind;
	kg->kg_not_after = world_now / 1000 + 60 * 86400;
	snprintf(kg->kg_number, sizeof(kg->kg_number), NUMBER);
	snprintf(kg->kg_domain, sizeof(kg->kg_domain), "%s", domain);
	snprintf(kg->kg_token, sizeof(kg->kg_token), "tok%02x%llu", node[0],
	    (unsigned long long)stop);
	kg->kg_uricount = 1;
	snprintf(kg->kg_uri[0], URI_MAX, "sips:%s:%u", domain, 5000u + node[0]);
	memset(&v, 0, sizeof(v));
	v.v_start = start;
	v.v_stop = stop;
	snprintf(v.v_caller, sizeof(v.v_caller), "%s", caller);
	box_clock(a);
	ATF_REQUIRE_EQ(0, kroute_proof(a->b_kc, kg, node, &v, NULL));
	free(kg);
}

static void
prove(const char *domain, const uint8_t *node, unsigned kind, uint64_t stop)
{
	prove_call(domain, node, kind, stop - 90000, stop, "+12125550187");
}

static unsigned
state(const char *domain)
{
	return (box_route(a, NUMBER, domain, NULL));
}

static void
active(const char *domain, const uint8_t *node)
{
	uint64_t	 t = world_now;

	prove(domain, node, TICKET_RECEIPT, t);
	prove(domain, node, TICKET_TICKET, t + 2 * HOUR);
	ATF_REQUIRE_EQ(ROUTE_ACTIVE, state(domain));
}

ATF_TC_WITHOUT_HEAD(two_apart);
ATF_TC_BODY(two_apart, tc)
{
	begin();
	prove("b.example", node_b, TICKET_RECEIPT, T0);
	ATF_CHECK_EQ(ROUTE_PENDING, state("b.example"));
	/* The same call by a second box counts once. */
	prove("b.example", node_b2, TICKET_TICKET, T0);
	ATF_CHECK_EQ(ROUTE_PENDING, state("b.example"));
	/* An hour apart, and not overlapping. */
	prove("b.example", node_b, TICKET_TICKET, T0 + HOUR - 1);
	ATF_CHECK_EQ(ROUTE_PENDING, state("b.example"));
	prove_call("b.example", node_b, TICKET_TICKET, T0 - 1000,
	    T0 + 2 * HOUR, "");
	ATF_CHECK_EQ(ROUTE_PENDING, state("b.example"));
	prove("b.example", node_b, TICKET_TICKET, T0 + HOUR);
	ATF_CHECK_EQ(ROUTE_ACTIVE, state("b.example"));
	world_end();
}

/* More proofs than are remembered, close together: the first ones stay. */
ATF_TC_WITHOUT_HEAD(busy_number);
ATF_TC_BODY(busy_number, tc)
{
	unsigned	 i;

	begin();
	for (i = 0; i < 30; i++) {
		prove("b.example", node_b, TICKET_TICKET, T0 + i * 2 * MINUTE);
		ATF_CHECK_EQ(ROUTE_PENDING, state("b.example"));
	}
	prove("b.example", node_b, TICKET_TICKET, T0 + HOUR);
	ATF_CHECK_EQ(ROUTE_ACTIVE, state("b.example"));
	world_end();
}

ATF_TC_WITHOUT_HEAD(needs_ticket);
ATF_TC_BODY(needs_ticket, tc)
{
	begin();
	prove("b.example", node_b, TICKET_RECEIPT, T0);
	prove("b.example", node_b, TICKET_RECEIPT, T0 + 2 * HOUR);
	prove("b.example", node_b, TICKET_RECEIPT, T0 + 4 * HOUR);
	ATF_CHECK_EQ(ROUTE_PENDING, state("b.example"));
	prove("b.example", node_b, TICKET_TICKET, T0 + 6 * HOUR);
	ATF_CHECK_EQ(ROUTE_ACTIVE, state("b.example"));
	world_end();
}

ATF_TC_WITHOUT_HEAD(callers);
ATF_TC_BODY(callers, tc)
{
	begin();
	a->b_cf->c_proofs_callers = 2;
	prove("b.example", node_b, TICKET_RECEIPT, T0);
	prove("b.example", node_b, TICKET_TICKET, T0 + 2 * HOUR);
	ATF_CHECK_EQ(ROUTE_PENDING, state("b.example"));
	prove_call("b.example", node_b, TICKET_TICKET, T0 + 4 * HOUR - 90000,
	    T0 + 4 * HOUR, "+12125550101");
	ATF_CHECK_EQ(ROUTE_ACTIVE, state("b.example"));
	world_end();
}

/* A proof of more than 30 days ago counts for nothing. */
ATF_TC_WITHOUT_HEAD(thirty_days);
ATF_TC_BODY(thirty_days, tc)
{
	begin();
	prove("b.example", node_b, TICKET_TICKET, T0);
	world_run(T0 + 30 * DAY);
	prove("b.example", node_b, TICKET_TICKET, world_now);
	ATF_CHECK_EQ(ROUTE_PENDING, state("b.example"));
	world_end();
}

ATF_TC_WITHOUT_HEAD(conflict);
ATF_TC_BODY(conflict, tc)
{
	begin();
	active("b.example", node_b);
	world_run(world_now + DAY);
	/* A pending newcomer changes nothing. */
	prove("e.example", node_e, TICKET_RECEIPT, world_now);
	ATF_CHECK_EQ(ROUTE_ACTIVE, state("b.example"));
	ATF_CHECK_EQ(ROUTE_PENDING, state("e.example"));
	a->b_warnings = 0;
	prove("e.example", node_e, TICKET_TICKET, world_now + 2 * HOUR);
	ATF_CHECK_EQ(ROUTE_SUSPENDED, state("b.example"));
	ATF_CHECK_EQ(ROUTE_ACTIVE, state("e.example"));
	ATF_CHECK_EQ(1, a->b_warnings);
	/* Whoever is proven again first has it. */
	prove("b.example", node_b, TICKET_TICKET, world_now + 4 * HOUR);
	ATF_CHECK_EQ(ROUTE_ACTIVE, state("b.example"));
	ATF_CHECK_EQ(ROUTE_SUSPENDED, state("e.example"));
	world_end();
}

static void
outcome(unsigned what)
{
	box_clock(a);
	kroute_outcome(a->b_kc, NUMBER, "b.example", what, 0);
}

ATF_TC_WITHOUT_HEAD(outcomes);
ATF_TC_BODY(outcomes, tc)
{
	char	 token[KEY_TOKEN_MAX + 1];

	begin();
	active("b.example", node_b);
	outcome(OUTCOME_STRIKE);
	ATF_CHECK_EQ(ROUTE_ACTIVE, state("b.example"));
	outcome(OUTCOME_OK);
	outcome(OUTCOME_STRIKE);
	ATF_CHECK_EQ(ROUTE_ACTIVE, state("b.example"));
	outcome(OUTCOME_STRIKE);
	ATF_CHECK_EQ(ROUTE_SUSPENDED, state("b.example"));
	/* A new proof makes it active and clears the strikes. */
	prove("b.example", node_b, TICKET_TICKET, world_now + 4 * HOUR);
	ATF_CHECK_EQ(ROUTE_ACTIVE, state("b.example"));
	outcome(OUTCOME_STRIKE);
	ATF_CHECK_EQ(ROUTE_ACTIVE, state("b.example"));
	outcome(OUTCOME_EXPIRED);
	ATF_CHECK_EQ(ROUTE_EXPIRED, state("b.example"));
	prove("b.example", node_b, TICKET_TICKET, world_now + 6 * HOUR);
	ATF_CHECK_EQ(ROUTE_ACTIVE, state("b.example"));
	kroute_token(a->b_kc, NUMBER, node_b, token);
	ATF_CHECK(token[0] != '\0');
	/* Removed: everything is proven anew, nothing old is shown. */
	outcome(OUTCOME_REMOVED);
	ATF_CHECK_EQ(ROUTE_REMOVED, state("b.example"));
	kroute_token(a->b_kc, NUMBER, node_b, token);
	ATF_CHECK_STREQ("", token);
	prove("b.example", node_b, TICKET_TICKET, world_now + 8 * HOUR);
	ATF_CHECK_EQ(ROUTE_PENDING, state("b.example"));
	box_restart(a);
	ATF_CHECK_EQ(ROUTE_PENDING, state("b.example"));
	/* Of somebody else, of nothing, without sense. */
	kroute_outcome(a->b_kc, NUMBER, "x.example", OUTCOME_REMOVED, 0);
	kroute_outcome(a->b_kc, "+14085550143", "b.example", OUTCOME_REMOVED, 0);
	outcome(0);
	outcome(77);
	ATF_CHECK_EQ(ROUTE_PENDING, state("b.example"));
	world_end();
}

ATF_TC_WITHOUT_HEAD(reproofs);
ATF_TC_BODY(reproofs, tc)
{
	begin();
	active("b.example", node_b);
	kroute_reproof_failed(a->b_kc, NUMBER, node_b);
	kroute_reproof_failed(a->b_kc, NUMBER, node_b);
	kroute_reproof_failed(a->b_kc, NUMBER, node_e);
	ATF_CHECK_EQ(ROUTE_ACTIVE, state("b.example"));
	/* A success between them starts anew. */
	prove("b.example", node_b, TICKET_TICKET, world_now + 9 * HOUR);
	kroute_reproof_failed(a->b_kc, NUMBER, node_b);
	kroute_reproof_failed(a->b_kc, NUMBER, node_b);
	ATF_CHECK_EQ(ROUTE_ACTIVE, state("b.example"));
	kroute_reproof_failed(a->b_kc, NUMBER, node_b);
	ATF_CHECK_EQ(ROUTE_SUSPENDED, state("b.example"));
	world_end();
}

ATF_TC_WITHOUT_HEAD(expiry);
ATF_TC_BODY(expiry, tc)
{
	begin();
	active("b.example", node_b);
	prove("e.example", node_e, TICKET_RECEIPT, world_now);
	world_run(T0 + 60 * DAY - 1000);
	ATF_CHECK_EQ(ROUTE_ACTIVE, state("b.example"));
	a->b_sets = 0;
	world_run(T0 + 60 * DAY);
	ATF_CHECK_EQ(ROUTE_EXPIRED, state("b.example"));
	/* sipgw was told. */
	ATF_CHECK(a->b_sets > 0);
	world_run(T0 + 91 * DAY);
	ATF_CHECK_EQ(ROUTE_NONE, state("b.example"));
	ATF_CHECK_EQ(ROUTE_NONE, state("e.example"));
	ATF_CHECK_EQ(0, a->b_setcount);
	ATF_CHECK_EQ(0, store_count(a->b_kc->kc_routes));
	ATF_CHECK_EQ(KEY_NEVER, kroute_next(a->b_kc));
	world_end();
}

/* A route ends while nothing can be written: tried again later, not at once
 * and for ever. */
ATF_TC_WITHOUT_HEAD(expiry_full);
ATF_TC_BODY(expiry_full, tc)
{
	uint8_t		 junk[2000] = { 0 };
	uint32_t	 i;

	begin();
	box_close(a);
	a->b_mapsize = 1 << 20;
	ATF_REQUIRE_EQ(0, system("rm -rf a"));
	box_open(a);
	active("b.example", node_b);
	ATF_REQUIRE_EQ(0, store_commit(a->b_st));
	for (i = 0; i < 1000; i++) {
		if (store_put(a->b_kc->kc_grants, &i, sizeof(i), junk,
		    sizeof(junk), NULL, NULL) == -1)
			break;
		ATF_REQUIRE_EQ(0, store_commit(a->b_st));
	}
	ATF_REQUIRE_EQ(ENOSPC, errno);
	world_now = T0 + 60 * DAY + 1000;
	box_clock(a);
	kcore_run(a->b_kc);
	ATF_CHECK_EQ(world_now / 1000 + 60, kroute_next(a->b_kc) / 1000);
	/* The junk is swept away meanwhile. */
	world_commit();
	world_run(world_now + 2 * MINUTE);
	ATF_CHECK_EQ(ROUTE_EXPIRED, state("b.example"));
	world_end();
}

ATF_TC_WITHOUT_HEAD(operator);
ATF_TC_BODY(operator, tc)
{
	begin();
	active("b.example", node_b);
	ATF_CHECK_EQ(0, kroute_operator(a->b_kc, NUMBER, "x.example",
	    ROUTE_SUSPENDED));
	ATF_CHECK_EQ(1, kroute_operator(a->b_kc, NUMBER, NULL, ROUTE_SUSPENDED));
	ATF_CHECK_EQ(ROUTE_SUSPENDED, state("b.example"));
	ATF_CHECK_EQ(1, kroute_operator(a->b_kc, NUMBER, "b.example",
	    ROUTE_REMOVED));
	ATF_CHECK_EQ(0, kroute_operator(a->b_kc, NUMBER, NULL, ROUTE_REMOVED));
	world_end();
}

/* What sipgw gets, field by field; two boxes side by side. */
ATF_TC_WITHOUT_HEAD(route_set);
ATF_TC_BODY(route_set, tc)
{
	struct cur	 c;
	char		 text[512], ticket[512];
	uint8_t		 u8, n;
	uint64_t	 u64;

	begin();
	prove("b.example", node_b, TICKET_RECEIPT, T0);
	prove("b.example", node_b2, TICKET_TICKET, T0 + 2 * HOUR);
	ATF_CHECK_EQ(0, kroute_send(a->b_kc, NUMBER));
	ATF_CHECK_STREQ(NUMBER, a->b_setnumber);
	ATF_CHECK_EQ(1, a->b_setcount);
	cur_init(&c, a->b_set, a->b_setlen);
	cur_u8(&c, &u8);
	ATF_CHECK_EQ(ROUTE_ACTIVE, u8);
	cur_u8(&c, &u8);
	ATF_CHECK_EQ(2, u8);
	cur_u8(&c, &u8);
	ATF_CHECK_EQ(0, u8);
	cur_u64(&c, &u64);
	ATF_CHECK_EQ(world_now / 1000 + 60 * 86400, u64);
	cur_u64(&c, &u64);
	ATF_CHECK_EQ(world_now / 1000, u64);
	cur_lv_str(&c, 1, text, sizeof(text));
	ATF_CHECK_STREQ("b.example", text);
	cur_lv_str(&c, 2, ticket, sizeof(ticket));
	ATF_CHECK(strncmp(ticket, "tokb2", 5) == 0);
	cur_u8(&c, &n);
	ATF_CHECK_EQ(2, n);
	cur_lv_str(&c, 2, text, sizeof(text));
	ATF_CHECK_STREQ("sips:b.example:5178", text);
	cur_lv_str(&c, 2, text, sizeof(text));
	ATF_CHECK_STREQ("sips:b.example:5177", text);
	ATF_CHECK_EQ(0, cur_done(&c));
	/* Every number once, in order; none twice. */
	ATF_CHECK(kroute_walk(a->b_kc, 0) != 0);
	ATF_CHECK_EQ(0, kroute_walk(a->b_kc, kroute_walk(a->b_kc, 0)));
	ATF_CHECK_EQ(0, kroute_send(a->b_kc, "+14085550143"));
	ATF_CHECK_EQ(0, a->b_setcount);
	world_end();
}

/* Nine domains: one that is worth less makes room; boxes likewise. */
ATF_TC_WITHOUT_HEAD(crowd);
ATF_TC_BODY(crowd, tc)
{
	struct kroutes	*ks;
	uint8_t		 node[NODEID_LEN];
	char		 domain[32];
	unsigned	 i;

	begin();
	active("b.example", node_b);
	for (i = 0; i < 12; i++) {
		memset(node, (int)(i + 1), sizeof(node));
		snprintf(domain, sizeof(domain), "d%u.example", i);
		prove(domain, node, TICKET_RECEIPT, T0 + i * 1000);
		prove("b.example", node, TICKET_RECEIPT, T0 + (40 + i) * HOUR);
	}
	ATF_REQUIRE((ks = kroute_get(a->b_kc, NUMBER)) != NULL);
	ATF_CHECK_EQ(KEY_DOMAINS_MAX, ks->ks_count);
	ATF_CHECK(kroute_find(ks, "b.example") != NULL);
	ATF_CHECK(kroute_find(ks, "d11.example") != NULL);
	ATF_CHECK_EQ(KEY_NODES_MAX, kroute_find(ks, "b.example")->kr_nodecount);
	kroute_free(ks);
	box_restart(a);
	world_end();
}

/* -- bodies -- */

ATF_TC_WITHOUT_HEAD(uris);
ATF_TC_BODY(uris, tc)
{
	static const char *const good[] = {
		"sips:b.example", "sip:b.example;transport=tls",
		"SIP:+14085550142@B.Example:5061;user=phone;Transport=TLS",
		"sips:a-b_c@x-y.example:1", "sips:b.example;lr"
	};
	static const char *const bad[] = {
		"", "sip:", "sips:", "sip:b.example", "sip:b.example;transport=tcp",
		"sip:b.example;transport=tlsx", "sips:192.0.2.1", "sips:[2001:db8::1]",
		"sips:b.example.", "sips:.example", "sips:b..example", "sips:-b.example",
		"sips:b.example:", "sips:b.example:0", "sips:b.example:65536",
		"sips:b.example:50x", "sips:b.example?Replaces=1", "sips:b ex",
		"sips:@b.example", "sips:a@b@c.example", "sips:a%00@b.example",
		"tel:+14085550142", "sips:<b.example>", "sips:b.example/x",
		"sips:1.2.3.4;transport=tls", "sips:b.123", "sips:a\nb.example"
	};
	char		 host[DOMAIN_SIZE], big[600];
	size_t		 i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ATF_CHECK_EQ_MSG(0, kclaim_uri(good[i], host), "%s", good[i]);
	ATF_CHECK_EQ(0, kclaim_uri(good[2], host));
	ATF_CHECK_STREQ("b.example", host);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ATF_CHECK_EQ_MSG(-1, kclaim_uri(bad[i], host), "%s", bad[i]);
	memset(big, 'a', sizeof(big));
	memcpy(big, "sips:", 5);
	big[sizeof(big) - 1] = '\0';
	ATF_CHECK_EQ(-1, kclaim_uri(big, host));
}

/* Sign what stands before the tag, so that only the form decides. */
static int
claim_parse(const uint8_t *body, size_t len, const uint8_t *rk)
{
	struct kclaim	 cm;
	uint8_t		*heap;
	int		 r;

	ATF_REQUIRE((heap = malloc(len + 32)) != NULL);
	memcpy(heap, body, len);
	kpvp_tag(heap + len, rk, PVP_CLAIM, heap, len);
	r = kclaim_parse(heap, len + 32, rk, &cm);
	free(heap);
	return (r);
}

static int
grant_parse(const uint8_t *body, size_t len, const uint8_t *rk)
{
	struct kgrant	*kg;
	uint8_t		*heap;
	int		 r;

	ATF_REQUIRE((kg = malloc(sizeof(*kg))) != NULL);
	ATF_REQUIRE((heap = malloc(len + 32)) != NULL);
	memcpy(heap, body, len);
	kpvp_tag(heap + len, rk, PVP_ROUTE, heap, len);
	r = kgrant_parse(heap, len + 32, rk, kg);
	free(heap);
	free(kg);
	return (r);
}

ATF_TC_WITHOUT_HEAD(bodies);
ATF_TC_BODY(bodies, tc)
{
	struct kclaim	 cm;
	struct kgrant	*kg;
	uint8_t		 rk[64], buf[KEY_ROUTE_BODY], bad[KEY_ROUTE_BODY];
	size_t		 n, i;

	memset(rk, 5, sizeof(rk));
	memset(&cm, 0, sizeof(cm));
	snprintf(cm.cm_domain, sizeof(cm.cm_domain), "a.example");
	snprintf(cm.cm_token, sizeof(cm.cm_token), "abcDEF_-09");
	ATF_REQUIRE((n = kclaim_build(&cm, rk, buf, sizeof(buf))) != 0);
	ATF_CHECK_EQ(0, kclaim_parse(buf, n, rk, &cm));
	ATF_CHECK_STREQ("abcDEF_-09", cm.cm_token);
	for (i = 0; i < n; i++) {
		ATF_CHECK_EQ(-1, kclaim_parse(buf, i, rk, &cm));
		memcpy(bad, buf, n);
		bad[i] ^= 0x10;
		ATF_CHECK_EQ(-1, kclaim_parse(bad, n, rk, &cm));
	}
	n -= 32;
	ATF_CHECK_EQ(0, claim_parse(buf, n, rk));
	for (i = 0; i < n; i++)
		ATF_CHECK_EQ_MSG(-1, claim_parse(buf, i, rk), "%zu", i);
	buf[n] = 0;
	ATF_CHECK_EQ(-1, claim_parse(buf, n + 1, rk));
	buf[0] = 255;
	ATF_CHECK_EQ(-1, claim_parse(buf, n, rk));
	buf[0] = 8;
	ATF_CHECK_EQ(-1, claim_parse(buf, n, rk));

	ATF_REQUIRE((kg = calloc(1, sizeof(*kg))) != NULL);
	kg->kg_kind = TICKET_TICKET;
	kg->kg_not_after = 12345;
	snprintf(kg->kg_number, sizeof(kg->kg_number), NUMBER);
	snprintf(kg->kg_token, sizeof(kg->kg_token), "abc");
	kg->kg_uricount = 2;
	snprintf(kg->kg_uri[0], URI_MAX, "sips:b.example");
	snprintf(kg->kg_uri[1], URI_MAX, "sip:B.example;transport=tls");
	ATF_REQUIRE((n = kgrant_build(kg, buf, sizeof(buf))) != 0);
	ATF_CHECK_EQ(0, grant_parse(buf, n, rk));
	for (i = 0; i < n; i++)
		ATF_CHECK_EQ_MSG(-1, grant_parse(buf, i, rk), "%zu", i);
	buf[n] = 0;
	ATF_CHECK_EQ(-1, grant_parse(buf, n + 1, rk));
	buf[0] = 3;
	ATF_CHECK_EQ(-1, grant_parse(buf, n, rk));
	buf[0] = 0;
	ATF_CHECK_EQ(-1, grant_parse(buf, n, rk));
	/* No URI, nine of them, two hosts, a token that is none. */
	kg->kg_uricount = 0;
	n = kgrant_build(kg, buf, sizeof(buf));
	ATF_CHECK_EQ(-1, grant_parse(buf, n, rk));
	kg->kg_uricount = 2;
	snprintf(kg->kg_uri[1], URI_MAX, "sips:c.example");
	n = kgrant_build(kg, buf, sizeof(buf));
	ATF_CHECK_EQ(-1, grant_parse(buf, n, rk));
	kg->kg_uricount = 1;
	n = kgrant_build(kg, buf, sizeof(buf));
	ATF_CHECK_EQ(0, grant_parse(buf, n, rk));
	buf[n - 15] = 9;
	ATF_CHECK_EQ(-1, grant_parse(buf, n, rk));
	snprintf(kg->kg_token, sizeof(kg->kg_token), "a\r\nb");
	n = kgrant_build(kg, buf, sizeof(buf));
	ATF_CHECK_EQ(-1, grant_parse(buf, n, rk));
	kg->kg_token[0] = '\0';
	n = kgrant_build(kg, buf, sizeof(buf));
	ATF_CHECK_EQ(-1, grant_parse(buf, n, rk));
	free(kg);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, two_apart);
	ATF_TP_ADD_TC(tp, busy_number);
	ATF_TP_ADD_TC(tp, needs_ticket);
	ATF_TP_ADD_TC(tp, callers);
	ATF_TP_ADD_TC(tp, thirty_days);
	ATF_TP_ADD_TC(tp, conflict);
	ATF_TP_ADD_TC(tp, outcomes);
	ATF_TP_ADD_TC(tp, reproofs);
	ATF_TP_ADD_TC(tp, expiry);
	ATF_TP_ADD_TC(tp, expiry_full);
	ATF_TP_ADD_TC(tp, operator);
	ATF_TP_ADD_TC(tp, route_set);
	ATF_TP_ADD_TC(tp, crowd);
	ATF_TP_ADD_TC(tp, uris);
	ATF_TP_ADD_TC(tp, bodies);
	return (atf_no_error());
}
