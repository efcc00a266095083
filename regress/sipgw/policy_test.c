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
 * The border's policy as the proxy acts on it: who is heard, which calls an
 * operator keeps on the trunk, and how often a domain may knock.
 */

#include <atf-c.h>

#include "policy_world.h"
#include "proxy_int.h"

/* -- who is heard -- */

ATF_TC_WITHOUT_HEAD(strangers);
ATF_TC_BODY(strangers, tc)
{
	static const char *const methods[] = { "OPTIONS", "REGISTER", "INVITE", "BYE",
	    "CANCEL", "ACK", "MESSAGE", "FOO" };
	static const char	 garbage[] = "OPTIONS sip:100@10.0.0.1 SIP/2.0\r\nVia: x\r\n\r\n";
	struct world		*w = start();
	struct proxy_stats	 ps;
	struct sip_flow		 fl;
	uint64_t		 n = 0;
	size_t			 i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		w_flow_udp(&fl, "203.0.113.200", 5060);
		w_in(w, &fl, "%s sip:100@10.0.0.1 SIP/2.0\n"
		    "Via: SIP/2.0/UDP 203.0.113.200:5060;branch=z9hG4bK%zu;rport\n"
		    "Max-Forwards: 70\nFrom: <sip:100@1.1.1.1>;tag=x\n"
		    "To: <sip:100@1.1.1.1>\nCall-ID: %zu\nCSeq: 1 %s\n"
		    "User-Agent: friendly-scanner\n", methods[i], i, i, methods[i]);
		n++;
	}
	proxy_input(w->w_px, &fl, garbage, sizeof(garbage) - 1);
	proxy_broken(w->w_px, &fl, garbage, sizeof(garbage) - 1, SIP_E_LINE_END);
	n += 2;
	w_flow_udp(&fl, "2001:db8::bad", 5060);
	w_in(w, &fl, "OPTIONS sip:100@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP [2001:db8::bad]:5060;branch=z9hG4bK6\nMax-Forwards: 70\n"
	    "From: <sip:1@x>;tag=x\nTo: <sip:1@x>\nCall-ID: 6\nCSeq: 1 OPTIONS\n");
	n++;
	/* An answer that fits nothing is dropped as ever, and is no stranger's. */
	w_in(w, &fl, "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\n"
	    "From: <sip:1@x>;tag=x\nTo: <sip:1@x>;tag=y\nCall-ID: 6\nCSeq: 1 OPTIONS\n");
	ATF_CHECK_EQ(NULL, w_out(w));
	ATF_CHECK_EQ(0, w->w_closed);
	ATF_CHECK(strstr(w->w_log, "udp from a stranger inside refused: reason=unknown-hop "
	    "address=203.0.113.200\n") != NULL);
	ATF_CHECK(strstr(w->w_log, "udp from a stranger inside refused: reason=unknown-hop "
	    "address=2001:db8::bad\n") != NULL);
	ATF_CHECK_EQ(NULL, strstr(w->w_log, "friendly"));
	/* On a stream: closed at once. */
	fl.fl_proto = SIP_TCP;
	fl.fl_conn = 77;
	ATF_CHECK_EQ(0, proxy_hears(w->w_px, &fl));
	w_in(w, &fl, "OPTIONS sip:100@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/TCP [2001:db8::bad]:5060;branch=z9hG4bK7\nMax-Forwards: 70\n"
	    "From: <sip:1@x>;tag=x\nTo: <sip:1@x>\nCall-ID: 6\nCSeq: 1 OPTIONS\n");
	n += 2;
	ATF_CHECK_EQ(77, w->w_closed);
	ATF_CHECK_EQ(NULL, w_out(w));
	ATF_CHECK(strstr(w->w_log, "tcp from a stranger inside refused: reason=unknown-hop "
	    "address=2001:db8::bad\n") != NULL);
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ(n, ps.ps_strangers);
	ATF_CHECK_EQ(0, ps.ps_malformed + ps.ps_requests + ps.ps_contexts + ps.ps_txns);
	/* The PBX is heard whatever its port. */
	w_flow_udp(&fl, "10.0.0.5", 45678);
	ATF_CHECK_EQ(1, proxy_hears(w->w_px, &fl));
	w_in(w, &fl, "OPTIONS sip:10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:45678;branch=z9hG4bK8\nMax-Forwards: 70\n"
	    "From: <sip:1@x>;tag=x\nTo: <sip:1@x>\nCall-ID: 8\nCSeq: 1 OPTIONS\n");
	ATF_CHECK(w_find(w, "SIP/2.0 200 ") != NULL);
	w_free(w);
}

/* Every refusal has its reason and address in one form. */
ATF_TC_WITHOUT_HEAD(lines);
ATF_TC_BODY(lines, tc)
{
	struct world	*w = start();

	w_in(w, &peer, "INVITE sip:" OURS "@a.example SIP/2.0\n"
	    "Via: SIP/2.0/TLS x;branch=z9hG4bK1\nMax-Forwards: 70\nFrom: <sip:x@y>;tag=1\n"
	    "To: <sip:x@y>\nCall-ID: 1\nCSeq: 1 INVITE\n");
	ATF_CHECK(strstr(w->w_log, "INVITE from b.example refused: reason=no-ticket "
	    "address=203.0.113.7\n") != NULL);
	w_in(w, &peer, "BYE sip:x@border.a.example SIP/2.0\n"
	    "Via: SIP/2.0/TLS x;branch=z9hG4bK2\nMax-Forwards: 70\nFrom: <sip:x@y>;tag=1\n"
	    "To: <sip:x@y>;tag=2\nCall-ID: 1\nCSeq: 1 BYE\n");
	ATF_CHECK_MSG(strstr(w->w_log, "BYE from b.example inside no dialog of ours refused: "
	    "reason=no-dialog address=203.0.113.7\n") != NULL, "%s", w->w_log);
	w_in(w, &peer, "INVITE sip:" OURS "@a.example SIP/2.0\n"
	    "Via: SIP/2.0/TLS x;branch=z9hG4bK3\nFrom: <sip:x@y>\nTo: <sip:x@y>\n"
	    "Call-ID: 1 address=1.2.3.4\nCSeq: 1 INVITE\n");
	ATF_CHECK_MSG(strstr(w->w_log, "malformed message refused: reason=malformed "
	    "address=203.0.113.7: ") != NULL, "%s", w->w_log);
	w_in(w, &pbx, "INVITE sip:1@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP x;branch=z9hG4bK3\n"
	    "From: <sip:x@y>;tag=1\nTo: <sip:x@y>\nCSeq: 1 INVITE\n");
	ATF_CHECK_MSG(strstr(w->w_log, "malformed message from inside refused: "
	    "reason=malformed address=10.0.0.5: ") != NULL, "%s", w->w_log);
	ATF_CHECK_EQ(NULL, strstr(w->w_log, "1.2.3.4"));
	w_free(w);
}

/* A request repeated on another connection of the same name is answered there. */
ATF_TC_WITHOUT_HEAD(repeated);
ATF_TC_BODY(repeated, tc)
{
	struct world	*w = start();
	struct sip_flow	 two;
	struct sent	*se;
	uint64_t	 i;

	w_outflow(&two, 2);
	w_name(w, 2, "b.example");
	for (i = 1; i <= 2; i++) {
		w_in(w, i == 1 ? &peer : &two, "CANCEL sip:" OURS "@a.example SIP/2.0\n"
		    "Via: SIP/2.0/TLS x;branch=z9hG4bK1\nMax-Forwards: 70\n"
		    "From: <sip:x@y>;tag=1\nTo: <sip:x@y>\nCall-ID: 1\nCSeq: 1 CANCEL\n");
		ATF_REQUIRE((se = w_out(w)) != NULL);
		ATF_CHECK(strncmp(se->se_text, "SIP/2.0 481 ", 12) == 0);
		ATF_CHECK_EQ(i, se->se_flow.fl_conn);
	}
	w_free(w);
}

/* -- which calls stay on the trunk -- */

static void
kept(struct world *w, const char *n, const char *caller, const char *extra,
    const char *why)
{
	const char	*list[1];

	dial(w, n, caller, n, extra);
	if (why == NULL) {
		ATF_CHECK_MSG(w_outward(w) != NULL, "%s: not direct", caller);
		return;
	}
	ATF_CHECK_MSG(w_invite_to(w, &trunk) != NULL, "%s: not to the trunk", caller);
	ATF_REQUIRE_EQ(1, proxy_explain(w->w_px, NUMBER, list, 1));
	ATF_CHECK_STREQ(why, list[0]);
}

ATF_TC_WITHOUT_HEAD(rules);
ATF_TC_BODY(rules, tc)
{
	struct world		*w = start();
	struct conf		*c = w->w_conf;
	struct conf_class	*cc;
	struct proxy_stats	 ps;
	const char		*req;

	/* always trunk: not even learned. */
	ATF_REQUIRE(conf_add_text(&c->c_always, "+4940", NULL, 0) != NULL);
	dial(w, "1", "030123451", "c1", "");
	ATF_REQUIRE((req = w_invite_to(w, &trunk)) != NULL);
	ATF_CHECK(strncmp(req, "INVITE sip:040123456@10.0.0.1 ", 30) == 0);
	w_answer(w, &trunk, req, "200 OK", "t", "Contact: <sip:x@192.0.2.9>\n");
	w_pass(w, 60000);
	w_in(w, &pbx, "BYE sip:x@192.0.2.9 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bKb\n"
	    "Route: <sip:10.0.0.1:5060;lr>\n"
	    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=f1\n"
	    "To: <sip:040123456@10.0.0.1>;tag=t\nCall-ID: c1\nCSeq: 2 BYE\n");
	w_pass(w, 1000);
	ATF_CHECK_EQ(0, w->w_nlegs);
	kept(w, "2", "030123451", "", "trunk: always-trunk");
	conf_clear_lists(c);
	w_free(w);

	/* As it was dialled, too. */
	w = start();
	ATF_REQUIRE(conf_add_text(&w->w_conf->c_always, "040123456", NULL, 0) != NULL);
	kept(w, "1", "030123451", "", "trunk: always-trunk");
	w_free(w);

	/* log only: learned, and the log says what could have been. */
	w = start();
	ATF_REQUIRE(conf_add_text(&w->w_conf->c_logonly, "+4940123456", NULL, 0) != NULL);
	kept(w, "1", "030123451", "", "trunk: log-only");
	ATF_CHECK(strstr(w->w_log, "call could have gone directly to b.example: "
	    "reason=log-only") != NULL);
	w_route(w, NUMBER, ROUTE_SUSPENDED, "VElDS0VU");
	kept(w, "2", "030123451", "", "trunk: not-active");
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ(1, ps.ps_diverts[DIVERT_LOG_ONLY]);
	ATF_CHECK_EQ(2, ps.ps_calls_trunk);
	w_free(w);

	/* Classes: the first that holds the caller, by From or identity. */
	w = start();
	ATF_REQUIRE((cc = conf_add_class(w->w_conf, "boss")) != NULL);
	ATF_REQUIRE(conf_add_from(cc, "4712", "") != NULL);
	ATF_REQUIRE((cc = conf_add_class(w->w_conf, "fax")) != NULL);
	cc->cc_direct = 0;
	ATF_REQUIRE(conf_add_from(cc, "4710", "4719") != NULL);
	ATF_REQUIRE(conf_add_from(cc, "+493012345", "") != NULL);
	kept(w, "1", "4711", "", "trunk: class");
	kept(w, "2", "4712", "", NULL);
	kept(w, "3", "4720", "", NULL);
	kept(w, "4", "4711;x=y", "", "trunk: class");
	kept(w, "5", "%34711", "", "trunk: class");
	kept(w, "6", "030123459", "", "trunk: class");
	kept(w, "7", "030999", "P-Asserted-Identity: <tel:+4930123451>\n", "trunk: class");
	kept(w, "8", "4711", "P-Asserted-Identity: \"x\" <sip:4720@pbx>\n", "trunk: class");
	/* An identity that says boss does it even where From says fax. */
	kept(w, "9", "4711", "P-Asserted-Identity: <sip:4712@pbx>\n", NULL);
	w_free(w);
}

/* -- how often -- */

ATF_TC_WITHOUT_HEAD(rates);
ATF_TC_BODY(rates, tc)
{
	struct world		*w = start();
	struct proxy_stats	 ps;
	const char		*got;
	size_t			 ok, no;
	int			 i;

	/* What is not said follows from what is. */
	ATF_CHECK_EQ(50, guard_calls_s(w->w_conf));
	ATF_CHECK_EQ(500, guard_calls_live(w->w_conf));
	ATF_CHECK_EQ(500, guard_requests_s(w->w_conf));
	w->w_conf->c_limit_live = 20000;
	ATF_CHECK_EQ(20000, guard_calls_s(w->w_conf));
	ATF_CHECK_EQ(20000, guard_calls_live(w->w_conf));
	ATF_CHECK_EQ(200000, guard_requests_s(w->w_conf));
	w->w_conf->c_limit_live = 4;
	w->w_conf->c_limit_requests = 20;
	for (i = 0; i < 100; i++)
		w_in(w, &peer, "OPTIONS sip:a.example SIP/2.0\n"
		    "Via: SIP/2.0/TLS b.example;branch=z9hG4bKo%d\nMax-Forwards: 70\n"
		    "From: <sip:x@b.example>;tag=1\nTo: <sip:a.example>\nCall-ID: o\n"
		    "CSeq: %d OPTIONS\n", i, i + 1);
	ok = w_count(w, "SIP/2.0 200 ");
	no = w_count(w, "SIP/2.0 503 ");
	ATF_CHECK_EQ(40, ok);
	ATF_CHECK_EQ(60, no);
	got = w_find(w, "SIP/2.0 503 ");
	ATF_CHECK_STREQ("1", w_hdr(got, "Retry-After"));
	ATF_CHECK_EQ(NULL, w_hdr(got, "ViPR-Refusal"));
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ(60, ps.ps_too_fast);
	ATF_CHECK(strstr(w->w_log, "OPTIONS from b.example refused: reason=too-fast "
	    "address=203.0.113.7\n") != NULL);
	/* A new call is busy; BYE passes, and so do others' requests. */
	w->w_next = w->w_nsent;
	knock(w, "1", "<sip:+4911@b.example>", "");
	ATF_REQUIRE((got = w_find(w, "SIP/2.0 503 ")) != NULL);
	ATF_CHECK_STREQ("busy", w_hdr(got, "ViPR-Refusal"));
	ATF_CHECK_STREQ("1", w_hdr(got, "Retry-After"));
	ATF_CHECK_EQ(0, w->w_ticket);
	w_in(w, &peer, "BYE sip:x@border.a.example SIP/2.0\n"
	    "Via: SIP/2.0/TLS x;branch=z9hG4bK2\nMax-Forwards: 70\nFrom: <sip:x@y>;tag=1\n"
	    "To: <sip:x@y>;tag=2\nCall-ID: 1\nCSeq: 1 BYE\n");
	ATF_CHECK(w_find(w, "SIP/2.0 481 ") != NULL);
	/* Some time later all is well. */
	w_pass(w, 1000);
	ATF_CHECK(ring(w, "2", "<sip:+4911@b.example>", "") != NULL);
	/* Who goes on all the same, even with what is not answered, is out. */
	ATF_CHECK_EQ(0, w->w_closed);
	w->w_log[0] = '\0';
	for (i = 0; i < 220; i++)
		w_in(w, &peer, "ACK sip:a.example SIP/2.0\n"
		    "Via: SIP/2.0/TLS b.example;branch=z9hG4bKa%d\nMax-Forwards: 70\n"
		    "From: <sip:x@b.example>;tag=1\nTo: <sip:a.example>;tag=2\nCall-ID: o\n"
		    "CSeq: %d ACK\n", i, i + 1);
	ATF_CHECK_EQ(1, w->w_closed);
	ATF_CHECK(strstr(w->w_log, "ACK from b.example refused: reason=flood "
	    "address=203.0.113.7: closing the connection\n") != NULL);
	w_free(w);
}

ATF_TC_WITHOUT_HEAD(call_rates);
ATF_TC_BODY(call_rates, tc)
{
	struct world	*w = start();
	const char	*req, *got;
	char		 n[16];
	int		 i, rang = 0;

	w->w_conf->c_limit_calls = 3;
	for (i = 0; i < 10; i++) {
		(void)snprintf(n, sizeof(n), "%d", i);
		knock(w, n, "<sip:+4911@b.example>", "");
		proxy_ticket(w->w_px, w->w_ticket, REFUSAL_NONE, 0, 0);
		if ((req = w_find(w, "INVITE ")) == NULL)
			break;
		rang++;
		w_answer(w, &pbx, req, "486 x", "p", "");
		w->w_next = w->w_nsent;
	}
	ATF_CHECK_EQ(6, rang);
	w->w_next = 0;
	ATF_REQUIRE((got = w_find(w, "SIP/2.0 503 ")) != NULL);
	ATF_CHECK_STREQ("busy", w_hdr(got, "ViPR-Refusal"));
	ATF_CHECK(w_hdr(got, "Retry-After") != NULL);
	w->w_next = w->w_nsent;
	w_pass(w, 350);
	ATF_CHECK(ring(w, "20", "<sip:+4911@b.example>", "") != NULL);
	w_free(w);

	/* Live ones, of all numbers together. */
	w = start();
	w->w_conf->c_limit_total = 2;
	ATF_CHECK(ring(w, "1", "<sip:+4911@b.example>", "") != NULL);
	ATF_REQUIRE((req = ring(w, "2", "<sip:+4911@b.example>", "")) != NULL);
	ATF_CHECK_EQ(NULL, ring(w, "3", "<sip:+4911@b.example>", ""));
	w->w_next = 0;
	ATF_CHECK(w_find(w, "SIP/2.0 503 ") != NULL);
	w_answer(w, &pbx, req, "486 x", "p", "");
	w->w_next = w->w_nsent;
	ATF_CHECK(ring(w, "4", "<sip:+4911@b.example>", "") != NULL);
	w_free(w);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, strangers);
	ATF_TP_ADD_TC(tp, lines);
	ATF_TP_ADD_TC(tp, repeated);
	ATF_TP_ADD_TC(tp, rules);
	ATF_TP_ADD_TC(tp, rates);
	ATF_TP_ADD_TC(tp, call_rates);
	return (atf_no_error());
}
