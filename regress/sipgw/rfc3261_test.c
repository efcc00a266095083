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
 * RFC 3261 sections 9, 14, 16 and 17, requirement by requirement, on whole
 * message flows between PBX and trunk.  The number in a case's name is the
 * section.  Timers A to M alone stand in txn_test.c, syntax in torture_test.c.
 */

#include <atf-c.h>

#include "rfc3261.h"

/* What is judged before a request is handed on, in this order. */
ATF_TC_WITHOUT_HEAD(s16_3_validation);
ATF_TC_BODY(s16_3_validation, tc)
{
	static const struct {
		const char	*method, *uri, *more, *want;
	} rows[] = {
		/* item 2 */
		{ "INVITE", "isbn:2983792873", "", "416" },
		{ "OPTIONS", "isbn:2983792873", "", "416" },
		{ "SUBSCRIBE", "http://10.0.0.1/", "Max-Forwards: 0\n", "416" },
		/* item 1 for the URI; headers may not stand in it (19.1.1) */
		{ "INVITE", "sip:0401@10.0.0.1:99999", "", "400" },
		{ "INVITE", "sip:04%0g1@10.0.0.1", "", "400" },
		{ "INVITE", "sip:0401@10.0.0.1?Subject=x", "", "400" },
		{ "REGISTER", "sip:2001:db8::1", "", "400" },
		/* item 3 */
		{ "INVITE", "sip:0401@10.0.0.1", "Max-Forwards: 0\n", "483" },
		{ "OPTIONS", "sip:0401@10.0.0.1", "Max-Forwards: 0\n", "483" },
		{ "MESSAGE", "sip:0401@10.0.0.1", "Max-Forwards: 0\n", "483" },
		/* item 5 */
		{ "INVITE", "sip:0401@10.0.0.1", "Proxy-Require: foo\nProxy-Require: bar\n",
		    "420" },
		{ "MESSAGE", "sip:0401@10.0.0.1", "Proxy-Require: foo\n", "420" },
		/* To us: section 11, 8.2.2.3 and 8.2.1. */
		{ "OPTIONS", "sip:10.0.0.1", "Max-Forwards: 0\n", "200" },
		{ "OPTIONS", "sip:10.0.0.1", "Require: foo\n", "420" },
		{ "REGISTER", "sip:10.0.0.1", "", "405" },
		{ "REGISTER", "sip:elsewhere.example", "", "405" },
		{ "SUBSCRIBE", "sip:10.0.0.1", "", "405" },
		{ "FOO", "sip:10.0.0.1", "", "405" },
	};
	struct world	*w;
	struct sent	*se;
	char		 want[32];
	size_t		 i;

	for (i = 0; i < N(rows); i++) {
		w = start();
		message(w, rows[i].method, rows[i].uri, "z9hG4bK1", rows[i].method,
		    rows[i].more);
		(void)snprintf(want, sizeof(want), "SIP/2.0 %s ", rows[i].want);
		ATF_REQUIRE_EQ_MSG(1, w->w_nsent, "row %zu", i);
		ATF_REQUIRE((se = w_out(w)) != NULL);
		ATF_CHECK_MSG(strncmp(se->se_text, want, strlen(want)) == 0, "row %zu: %.40s",
		    i, se->se_text);
		ATF_CHECK(strstr(w_hdr(se->se_text, "To"), ";tag=") != NULL);
		if (strcmp(rows[i].want, "405") == 0) {
			ATF_REQUIRE(w_hdr(se->se_text, "Allow") != NULL);
			ATF_CHECK(strstr(w_hdr(se->se_text, "Allow"), "REGISTER") == NULL);
		}
		if (strstr(rows[i].more, "bar") != NULL)
			ATF_CHECK_STREQ("foo, bar", w_hdr(se->se_text, "Unsupported"));
		empty(w);
	}
	/* The same in a dialog; ACK is never answered. */
	w = start();
	(void)answered(w, "z9hG4bKi");
	within(w, &pbx, "INFO sip:gw@192.0.2.9:5060", "z9hG4bK2", "2 INFO",
	    "Max-Forwards: 0\n");
	ATF_CHECK(w_find(w, "SIP/2.0 483 ") != NULL);
	within(w, &pbx, "INFO sip:gw@192.0.2.9:5060", "z9hG4bK3", "3 INFO",
	    "Proxy-Require: foo\n");
	ATF_CHECK(w_find(w, "SIP/2.0 420 ") != NULL);
	within(w, &pbx, "ACK sip:gw@192.0.2.9:5060", "z9hG4bK4", "1 ACK",
	    "Max-Forwards: 0\nProxy-Require: foo\n");
	ATF_CHECK_EQ(0, w_count(w, "SIP/2.0"));
	w_free(w);
}

/* A strict router before us: what we recorded comes back as Request-URI. */
ATF_TC_WITHOUT_HEAD(s16_4_strict_before);
ATF_TC_BODY(s16_4_strict_before, tc)
{
	struct world	*w = start();
	const char	*req;

	(void)answered(w, "z9hG4bKi");
	within(w, &pbx, "INFO sip:10.0.0.1:5060;lr", "z9hG4bK2", "2 INFO",
	    "Route: <sip:gw@192.0.2.9:5060>\n");
	ATF_REQUIRE((req = w_find(w, "INFO sip:gw@192.0.2.9:5060 SIP/2.0\r\n")) != NULL);
	ATF_CHECK_EQ(NULL, w_hdr(req, "Route"));
	within(w, &pbx, "INFO sip:10.0.0.1:5060;lr", "z9hG4bK3", "3 INFO",
	    "Route: <sip:192.0.2.9:5060;lr>, <sip:gw@10.9.9.9>\n");
	ATF_REQUIRE((req = w_find(w, "INFO sip:gw@10.9.9.9 SIP/2.0\r\n")) != NULL);
	ATF_CHECK_STREQ("<sip:192.0.2.9:5060;lr>", w_hdr(req, "Route"));
	ATF_CHECK_EQ(NULL, w_hdr_n(req, "Route", 1));
	within(w, &pbx, "ACK sip:10.0.0.1:5060;lr", "z9hG4bK4", "1 ACK",
	    "Route: <sip:gw@192.0.2.9:5060>\n");
	ATF_CHECK(w_find(w, "ACK sip:gw@192.0.2.9:5060 SIP/2.0\r\n") != NULL);
	/* A new call through one: the number is found, the Route is gone. */
	message(w, "INVITE", "sip:10.0.0.1;lr", "z9hG4bK5", "INVITE",
	    "Route: <sip:004940123457@10.0.0.1>\n");
	ATF_REQUIRE((req = w_find(w, "INVITE sip:004940123457@10.0.0.1 ")) != NULL);
	ATF_CHECK_EQ(NULL, w_hdr(req, "Route"));
	/* One that goes round to ourselves is answered, not followed. */
	message(w, "INVITE", "sip:10.0.0.1;lr", "z9hG4bK6", "INVITE",
	    "Route: <sip:10.0.0.1;lr>, <sip:10.0.0.1;lr>\n");
	ATF_CHECK(w_out(w) != NULL);
	w_free(w);
}

/* A strict router behind us: 16.6 item 6 and the example of 16.12.1.2. */
ATF_TC_WITHOUT_HEAD(s16_6_strict_behind);
ATF_TC_BODY(s16_6_strict_behind, tc)
{
	struct world	*w = start();
	const char	*req;

	(void)answered(w, "z9hG4bKi");
	within(w, &pbx, "INFO sip:gw@10.9.9.9", "z9hG4bK2", "2 INFO",
	    "Route: <sip:10.0.0.1:5060;lr>, <sip:192.0.2.9:5060>, <sip:p4.example;lr>\n");
	ATF_REQUIRE((req = w_find(w, "INFO sip:192.0.2.9:5060 SIP/2.0\r\n")) != NULL);
	ATF_CHECK_STREQ("<sip:p4.example;lr>, <sip:gw@10.9.9.9>", w_hdr(req, "Route"));
	within(w, &pbx, "ACK sip:gw@10.9.9.9", "z9hG4bK3", "1 ACK",
	    "Route: <sip:10.0.0.1:5060;lr>\nRoute: <sip:192.0.2.9:5060>\n");
	ATF_REQUIRE((req = w_find(w, "ACK sip:192.0.2.9:5060 SIP/2.0\r\n")) != NULL);
	ATF_CHECK_STREQ("<sip:gw@10.9.9.9>", w_hdr(req, "Route"));
	/* A loose one: the Request-URI stays. */
	within(w, &pbx, "INFO sip:gw@10.9.9.9", "z9hG4bK4", "3 INFO",
	    "Route: <sip:10.0.0.1:5060;lr>, <sip:192.0.2.9:5060;lr>\n");
	ATF_REQUIRE((req = w_find(w, "INFO sip:gw@10.9.9.9 SIP/2.0\r\n")) != NULL);
	ATF_CHECK_STREQ("<sip:192.0.2.9:5060;lr>", w_hdr(req, "Route"));
	w_free(w);
}

ATF_TC_WITHOUT_HEAD(s16_6_max_forwards);
ATF_TC_BODY(s16_6_max_forwards, tc)
{
	static const char *const rows[][2] = {
		{ "", "70" }, { "Max-Forwards: 1\n", "0" }, { "Max-Forwards: 70\n", "69" },
		{ "Max-Forwards: 255\n", "254" }, { "Max-Forwards: 0010\n", "9" },
	};
	struct world	*w;
	const char	*req;
	size_t		 i;

	for (i = 0; i < N(rows); i++) {
		w = start();
		message(w, "MESSAGE", "sip:0401@10.0.0.1", "z9hG4bK1", "MESSAGE", rows[i][0]);
		ATF_REQUIRE((req = w_find(w, "MESSAGE ")) != NULL);
		ATF_CHECK_STREQ(rows[i][1], w_hdr(req, "Max-Forwards"));
		ATF_CHECK_EQ(NULL, w_hdr_n(req, "Max-Forwards", 1));
		w_free(w);
	}
}

/* Methods that we do not know or only hand on, in and out of a dialog, both
 * ways: REFER and NOTIFY, SUBSCRIBE, MESSAGE, PUBLISH, PRACK (RFC 3262), UPDATE
 * (RFC 3311), INFO. */
ATF_TC_WITHOUT_HEAD(s16_6_methods);
ATF_TC_BODY(s16_6_methods, tc)
{
	static const char *const new[] = { "SUBSCRIBE", "MESSAGE", "PUBLISH", "REFER",
	    "NOTIFY", "OPTIONS", "INFO", "X-FOO" };
	static const char *const inside[] = { "REFER", "NOTIFY", "INFO", "UPDATE", "PRACK",
	    "MESSAGE", "SUBSCRIBE", "OPTIONS", "X-FOO" };
	struct world	*w = start();
	const char	*req;
	char		 line[64], cseq[64], branch[32];
	size_t		 i;

	for (i = 0; i < N(new); i++) {
		(void)snprintf(branch, sizeof(branch), "z9hG4bKn%zu", i);
		message(w, new[i], "sip:0401@10.0.0.1", branch, new[i], "X-Y: z ; (a)\n");
		(void)snprintf(line, sizeof(line), "%s sip:0401@10.0.0.1 ", new[i]);
		ATF_REQUIRE_MSG((req = w_find(w, line)) != NULL, "%s", new[i]);
		ATF_CHECK_STREQ("z ; (a)", w_hdr(req, "X-Y"));
		w_answer(w, &trunk, req, "202 x", "t", "");
		ATF_CHECK(w_find(w, "SIP/2.0 202 x\r\n") != NULL);
	}
	(void)answered(w, "z9hG4bKi");
	for (i = 0; i < 2 * N(inside); i++) {
		(void)snprintf(branch, sizeof(branch), "z9hG4bKm%zu", i);
		(void)snprintf(line, sizeof(line), "%s sip:%s", inside[i / 2],
		    i % 2 == 0 ? "gw@192.0.2.9:5060" : "pbx@10.0.0.5:5060");
		(void)snprintf(cseq, sizeof(cseq), "%zu %s", 10 + i, inside[i / 2]);
		within(w, i % 2 == 0 ? &pbx : &trunk, line, branch, cseq,
		    "RAck: 7 1 INVITE\nRefer-To: <sip:3@x?Replaces=1>\nEvent: refer;id=2\n");
		ATF_REQUIRE_MSG((req = w_find(w, line)) != NULL, "%s", line);
		ATF_CHECK_STREQ("7 1 INVITE", w_hdr(req, "RAck"));
		ATF_CHECK_STREQ("<sip:3@x?Replaces=1>", w_hdr(req, "Refer-To"));
		ATF_CHECK_STREQ(cseq, w_hdr(req, "CSeq"));
		w_answer(w, i % 2 == 0 ? &trunk : &pbx, req, "200 OK", "", "");
		ATF_CHECK(w_find(w, "SIP/2.0 200 ") != NULL);
	}
	w_free(w);
}

/* Answers below 200: 100 never, the others at once; each but 100 sets timer C
 * anew (16.7 items 2 and 5). */
ATF_TC_WITHOUT_HEAD(s16_7_provisional);
ATF_TC_BODY(s16_7_provisional, tc)
{
	static const char *const rows[] = { "101 a", "180 b", "181 c", "182 d", "183 e",
	    "199 f" };
	struct world	*w = start();
	const char	*req;
	char		 line[32];
	size_t		 i;

	ATF_REQUIRE((req = call(w, "z9hG4bKi")) != NULL);
	w_answer(w, &trunk, req, "100 Trying", "", "");
	ATF_CHECK_EQ(NULL, w_out(w));
	for (i = 0; i < N(rows); i++) {
		w_pass(w, 190000);
		w_answer(w, &trunk, req, rows[i], "t1", "RSeq: 9\nRequire: 100rel\n");
		(void)snprintf(line, sizeof(line), "SIP/2.0 %s\r\n", rows[i]);
		ATF_REQUIRE_MSG((req = w_find(w, line)) != NULL, "%s", rows[i]);
		ATF_CHECK_STREQ("9", w_hdr(req, "RSeq"));
		ATF_CHECK_STREQ("100rel", w_hdr(req, "Require"));
		w->w_next = 0;
		ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
		w->w_next = w->w_nsent;
	}
	w_pass(w, 190000);
	w_answer(w, &trunk, req, "100 Trying", "", "");
	ATF_CHECK_EQ(0, w_count(w, ""));
	/* 16.8: now it fires: CANCEL, and 408 for the caller. */
	w_pass(w, 20000);
	ATF_CHECK(to_peer(w, &trunk, "CANCEL ") > 0);
	ATF_CHECK(to_peer(w, &pbx, "SIP/2.0 408 ") > 0);
	/* What the trunk says to the CANCEL is acknowledged and goes no further. */
	w->w_next = w->w_nsent;
	w_answer(w, &trunk, req, "487 x", "t1", "");
	ATF_CHECK_EQ(1, to_peer(w, &trunk, "ACK "));
	ATF_CHECK_EQ(0, to_peer(w, &pbx, "SIP/2.0 487"));
	empty(w);
}

/* Which final answer the caller sees (16.7 items 5 to 7): one branch at a time,
 * so challenges are never merged; 408 and 503 are tried elsewhere first. */
ATF_TC_WITHOUT_HEAD(s16_7_final);
ATF_TC_BODY(s16_7_final, tc)
{
	static const struct {
		const char	*first, *second, *want;
	} rows[] = {
		{ "301 x", NULL, "SIP/2.0 301 x\r\n" },
		{ "401 x", NULL, "SIP/2.0 401 x\r\n" },
		{ "407 x", NULL, "SIP/2.0 407 x\r\n" },
		{ "486 x", NULL, "SIP/2.0 486 x\r\n" },
		{ "500 x", NULL, "SIP/2.0 500 x\r\n" },
		{ "603 x", NULL, "SIP/2.0 603 x\r\n" },
		{ "699 x", NULL, "SIP/2.0 699 x\r\n" },
		{ "503 x", "404 y", "SIP/2.0 404 y\r\n" },
		{ "503 x", "503 y", "SIP/2.0 503 y\r\n" },
		{ "408 x", "200 y", "SIP/2.0 200 y\r\n" },
	};
	struct world	*w;
	const char	*req, *ack, *end;
	char		 via[256];
	size_t		 i;

	for (i = 0; i < N(rows); i++) {
		w = start();
		ATF_REQUIRE((req = call(w, "z9hG4bKi")) != NULL);
		w_answer(w, &trunk, req, rows[i].first, "t1",
		    "WWW-Authenticate: Digest realm=\"a, b\", nonce=\"1\"\n"
		    "Proxy-Authenticate: Digest realm=\"c\"\nContact: <sip:e@f>\n");
		/* 17.1.1.3: the ACK, hop by hop. */
		ATF_REQUIRE((ack = w_find(w, "ACK ")) != NULL);
		(void)snprintf(via, sizeof(via), "%s", w_hdr(req, "Via"));
		ATF_CHECK_STREQ(via, w_hdr(ack, "Via"));
		ATF_CHECK_EQ(NULL, w_hdr_n(ack, "Via", 1));
		ATF_CHECK_STREQ("<sip:2@10.0.0.1>;tag=t1", w_hdr(ack, "To"));
		ATF_CHECK_STREQ("1 ACK", w_hdr(ack, "CSeq"));
		if (rows[i].second != NULL) {
			w->w_next = 0;
			while ((req = w_find(w, "INVITE ")) != NULL &&
			    !vaddr_eq(&w->w_sent[w->w_next - 1].se_flow.fl_peer,
			    &backup.fl_peer))
				;
			ATF_REQUIRE(req != NULL);
			w_answer(w, &backup, req, rows[i].second, "t2",
			    "Contact: <sip:gw@192.0.2.10>\n");
		} else
			ATF_CHECK_EQ(0, to_peer(w, &backup, "INVITE"));
		w->w_next = 0;
		ATF_REQUIRE_MSG((end = w_find(w, rows[i].want)) != NULL, "row %zu", i);
		if (rows[i].second == NULL)
			ATF_CHECK_STREQ("Digest realm=\"a, b\", nonce=\"1\"",
			    w_hdr(end, "WWW-Authenticate"));
		/* A repeat is acknowledged again and not passed on. */
		w->w_next = w->w_nsent;
		if (rows[i].second == NULL) {
			w_answer(w, &trunk, req, rows[i].first, "t1", "");
			ATF_CHECK_EQ(1, w_count(w, "ACK "));
			ATF_CHECK_EQ(0, w_count(w, "SIP/2.0"));
		}
		empty(w);
	}
}

/* 16.9: what cannot be sent counts as 503. */
ATF_TC_WITHOUT_HEAD(s16_9_transport);
ATF_TC_BODY(s16_9_transport, tc)
{
	struct world	*w = start();

	w->w_open = -1;
	message(w, "INVITE", "sip:004940123456@10.0.0.1", "z9hG4bKi", "INVITE", "");
	ATF_CHECK_EQ(1, w_count(w, "SIP/2.0 503 "));
	message(w, "MESSAGE", "sip:004940123456@10.0.0.1", "z9hG4bKm", "MESSAGE", "");
	ATF_CHECK_EQ(2, w_count(w, "SIP/2.0 503 "));
	w->w_open = 1;
	empty(w);
}

/* CANCEL: 9.1, 9.2, 16.10. */
ATF_TC_WITHOUT_HEAD(s16_10_cancel);
ATF_TC_BODY(s16_10_cancel, tc)
{
	const char	*uri = "sip:004940123456@10.0.0.1";
	struct world	*w = start();
	const char	*req, *c;
	char		 via[256];

	/* Before any answer it waits; then it goes to that branch, once. */
	ATF_REQUIRE((req = call(w, "z9hG4bKi")) != NULL);
	(void)snprintf(via, sizeof(via), "%s", w_hdr(req, "Via"));
	message(w, "CANCEL", uri, "z9hG4bKi", "CANCEL", "");
	message(w, "CANCEL", uri, "z9hG4bKi", "CANCEL", "");
	ATF_CHECK_EQ(2, to_peer(w, &pbx, "SIP/2.0 200 "));
	ATF_CHECK_EQ(0, w_count(w, "CANCEL"));
	w_answer(w, &trunk, req, "100 Trying", "", "");
	ATF_REQUIRE_EQ(1, to_peer(w, &trunk, "CANCEL sip:004940123456@10.0.0.1 "));
	ATF_REQUIRE((c = w_find(w, "CANCEL ")) != NULL);
	ATF_CHECK_STREQ(via, w_hdr(c, "Via"));
	ATF_CHECK_EQ(NULL, w_hdr_n(c, "Via", 1));
	ATF_CHECK_STREQ("1 CANCEL", w_hdr(c, "CSeq"));
	ATF_CHECK_STREQ("c1", w_hdr(c, "Call-ID"));
	ATF_CHECK_STREQ("<sip:2@10.0.0.1>", w_hdr(c, "To"));
	ATF_CHECK_EQ(NULL, w_hdr(c, "Proxy-Require"));
	message(w, "CANCEL", uri, "z9hG4bKi", "CANCEL", "");
	w_answer(w, &trunk, req, "180 x", "t1", "");
	ATF_CHECK_EQ(0, to_peer(w, &trunk, "CANCEL "));
	w_answer(w, &trunk, req, "487 x", "t1", "");
	ATF_CHECK_EQ(1, to_peer(w, &pbx, "SIP/2.0 487 "));
	/* After the end: answered, without effect. */
	w->w_next = w->w_nsent;
	message(w, "CANCEL", uri, "z9hG4bKi", "CANCEL", "");
	ATF_CHECK_EQ(1, to_peer(w, &pbx, "SIP/2.0 200 "));
	ATF_CHECK_EQ(1, w_count(w, ""));
	empty(w);

	/* A 2xx that crosses it wins: the caller ends it with BYE. */
	w = start();
	ATF_REQUIRE((req = call(w, "z9hG4bKi")) != NULL);
	w_answer(w, &trunk, req, "180 x", "t1", "");
	message(w, "CANCEL", uri, "z9hG4bKi", "CANCEL", "");
	ATF_CHECK_EQ(1, to_peer(w, &trunk, "CANCEL "));
	w->w_next = w->w_nsent;
	w_answer(w, &trunk, req, "200 OK", "t1", "Contact: <sip:gw@192.0.2.9:5060>\n");
	ATF_CHECK_EQ(1, to_peer(w, &pbx, "SIP/2.0 200 OK\r\n"));
	ATF_CHECK_EQ(1, proxy_calls(w->w_px));
	/* And one after the 2xx does nothing to the call. */
	w->w_next = w->w_nsent;
	message(w, "CANCEL", uri, "z9hG4bKi", "CANCEL", "");
	ATF_CHECK_EQ(0, to_peer(w, &trunk, "CANCEL "));
	ATF_CHECK_EQ(1, proxy_calls(w->w_px));
	w_free(w);

	/* Of two branches only the live one is cancelled; another call's never. */
	w = start();
	ATF_REQUIRE((req = call(w, "z9hG4bKi")) != NULL);
	w_answer(w, &trunk, req, "503 x", "t1", "");
	while ((req = w_find(w, "INVITE ")) != NULL &&
	    !vaddr_eq(&w->w_sent[w->w_next - 1].se_flow.fl_peer, &backup.fl_peer))
		;
	ATF_REQUIRE(req != NULL);
	w_answer(w, &backup, req, "180 x", "t2", "");
	message(w, "CANCEL", uri, "z9hG4bKother", "CANCEL", "");
	ATF_CHECK(w_find(w, "SIP/2.0 481 ") != NULL);
	message(w, "CANCEL", uri, "z9hG4bKi", "CANCEL", "");
	ATF_CHECK_EQ(1, to_peer(w, &backup, "CANCEL "));
	ATF_CHECK_EQ(0, to_peer(w, &trunk, "CANCEL "));
	w_free(w);
}

/* Server side: repeats, ACK of either kind (17.2.1, 13.3.1.4, 16.11). */
ATF_TC_WITHOUT_HEAD(s17_2_server);
ATF_TC_BODY(s17_2_server, tc)
{
	struct world	*w = start();
	const char	*req;
	int		 i;

	/* 100 at once; a repeat gets the latest answer, nothing is sent on. */
	ATF_REQUIRE((req = call(w, "z9hG4bKi")) != NULL);
	(void)call(w, "z9hG4bKi");
	w->w_next = 0;
	ATF_CHECK_EQ(2, to_peer(w, &pbx, "SIP/2.0 100 "));
	ATF_CHECK_EQ(1, w_count(w, "INVITE "));
	w_answer(w, &trunk, req, "180 x", "t1", "");
	w->w_next = w->w_nsent;
	(void)call(w, "z9hG4bKi");
	w->w_next -= w->w_next == w->w_nsent;
	ATF_CHECK_EQ(1, w_count(w, "SIP/2.0 180 "));
	/* A final one: repeated by timer G until the ACK, which ends here. */
	w->w_next = w->w_nsent;
	w_answer(w, &trunk, req, "486 x", "t1", "");
	w_pass(w, 1600);
	ATF_CHECK_EQ(3, to_peer(w, &pbx, "SIP/2.0 486 "));
	w->w_next = w->w_nsent;
	message(w, "ACK", "sip:004940123456@10.0.0.1", "z9hG4bKi", "ACK", "");
	w_pass(w, 10000);
	ATF_CHECK_EQ(0, w_count(w, ""));
	empty(w);

	/* 2xx: each repeat passes, and each ACK. */
	w = start();
	req = answered(w, "z9hG4bKi");
	for (i = 0; i < 3; i++) {
		w_answer(w, &trunk, req, "200 OK", "t1",
		    "Contact: <sip:gw@192.0.2.9:5060>\n");
		ATF_CHECK(w_find(w, "SIP/2.0 200 OK\r\n") != NULL);
		within(w, &pbx, "ACK sip:gw@192.0.2.9:5060", "z9hG4bKack", "1 ACK", "");
		ATF_CHECK(w_find(w, "ACK sip:gw@192.0.2.9:5060 ") != NULL);
	}
	/* The INVITE once more: RFC 6026, nothing. */
	w->w_next = w->w_nsent;
	message(w, "INVITE", "sip:004940123456@10.0.0.1", "z9hG4bKi", "INVITE", "");
	ATF_CHECK_EQ(0, w_count(w, ""));
	w_free(w);

	/* Non-INVITE (17.2.2): silence before the answer, then the same. */
	w = start();
	message(w, "MESSAGE", "sip:0401@10.0.0.1", "z9hG4bKm", "MESSAGE", "");
	message(w, "MESSAGE", "sip:0401@10.0.0.1", "z9hG4bKm", "MESSAGE", "");
	ATF_CHECK_EQ(1, w_count(w, ""));
	w_answer(w, &trunk, w_find(w, "MESSAGE "), "200 x", "t", "");
	message(w, "MESSAGE", "sip:0401@10.0.0.1", "z9hG4bKm", "MESSAGE", "");
	ATF_CHECK_EQ(2, w_count(w, "SIP/2.0 200 x\r\n"));
	empty(w);
}

/* Requests of RFC 2543, without the cookie in their branch (17.2.3). */
ATF_TC_WITHOUT_HEAD(s17_2_3_old_branches);
ATF_TC_BODY(s17_2_3_old_branches, tc)
{
	struct world	*w = start();
	const char	*req;

	ATF_REQUIRE((req = call(w, "1")) != NULL);
	(void)call(w, "1");
	w->w_next = 0;
	ATF_CHECK_EQ(1, w_count(w, "INVITE "));
	w_answer(w, &trunk, req, "180 x", "t1", "");
	w->w_next = w->w_nsent;
	message(w, "CANCEL", "sip:004940123456@10.0.0.1", "1", "CANCEL", "");
	ATF_CHECK_EQ(1, to_peer(w, &pbx, "SIP/2.0 200 "));
	ATF_CHECK_EQ(1, to_peer(w, &trunk, "CANCEL "));
	w_answer(w, &trunk, req, "487 x", "t1", "");
	w->w_next = w->w_nsent;
	message(w, "ACK", "sip:004940123456@10.0.0.1", "1", "ACK", "");
	w_pass(w, 20000);
	ATF_CHECK_EQ(0, to_peer(w, &pbx, "SIP/2.0 487"));
	empty(w);
}

/* Client side on UDP: timers A, B, E, F as the two ends see them (17.1). */
ATF_TC_WITHOUT_HEAD(s17_1_client);
ATF_TC_BODY(s17_1_client, tc)
{
	struct world	*w = start();
	struct conf_hop	*ch, *last = NULL;

	/* One trunk only: silence is waited for to the end. */
	TAILQ_FOREACH(ch, &w->w_conf->c_hops, ch_entry)
		last = ch;
	TAILQ_REMOVE(&w->w_conf->c_hops, last, ch_entry);
	free(last);
	proxy_conf(w->w_px, w->w_conf);
	message(w, "INVITE", "sip:004940123456@10.0.0.1", "z9hG4bKi", "INVITE", "");
	w_pass(w, 31900);
	ATF_CHECK_EQ(7, to_peer(w, &trunk, "INVITE "));
	ATF_CHECK_EQ(0, to_peer(w, &pbx, "SIP/2.0 408"));
	w_pass(w, 200);
	ATF_CHECK_EQ(1, to_peer(w, &pbx, "SIP/2.0 408 "));
	empty(w);
	/* E: 0, 0.5, 1.5, 3.5, 7.5, then each 4 s; F, and RFC 4320: no 408. */
	w = start();
	message(w, "MESSAGE", "sip:0401@10.0.0.1", "z9hG4bKm", "MESSAGE", "");
	w_pass(w, 3900);
	ATF_CHECK_EQ(4, to_peer(w, &trunk, "MESSAGE "));
	w_pass(w, 200000);
	ATF_CHECK_EQ(0, w_count(w, "SIP/2.0 408"));
	empty(w);
	/* A stream: sent once. */
	w = start();
	TAILQ_FOREACH(ch, &w->w_conf->c_hops, ch_entry)
		if (ch->ch_trunk)
			ch->ch_proto = SIP_TCP;
	proxy_conf(w->w_px, w->w_conf);
	message(w, "INVITE", "sip:004940123456@10.0.0.1", "z9hG4bKi", "INVITE", "");
	w_pass(w, 3900);
	ATF_CHECK_EQ(1, to_peer(w, &trunk, "INVITE "));
	w_free(w);
}

/* re-INVITE: both at once, refused with 491; a 2xx of one, repeated (14). */
ATF_TC_WITHOUT_HEAD(s14_glare);
ATF_TC_BODY(s14_glare, tc)
{
	struct world	*w = start();
	const char	*out, *in;

	(void)answered(w, "z9hG4bKi");
	within(w, &pbx, "INVITE sip:gw@192.0.2.9:5060", "z9hG4bKp", "2 INVITE",
	    "Contact: <sip:pbx@10.0.0.5:5060>\n");
	ATF_REQUIRE((out = w_find(w, "INVITE sip:gw@192.0.2.9:5060 ")) != NULL);
	ATF_CHECK_EQ(NULL, w_hdr(out, "Record-Route"));
	within(w, &trunk, "INVITE sip:pbx@10.0.0.5:5060", "z9hG4bKt", "5 INVITE",
	    "Contact: <sip:gw@192.0.2.9:5060>\n");
	ATF_REQUIRE((in = w_find(w, "INVITE sip:pbx@10.0.0.5:5060 ")) != NULL);
	w_answer(w, &trunk, out, "491 Pending", "", "");
	ATF_CHECK_EQ(1, to_peer(w, &pbx, "SIP/2.0 491 "));
	ATF_CHECK_EQ(1, to_peer(w, &trunk, "ACK "));
	w_answer(w, &pbx, in, "491 Pending", "", "");
	ATF_CHECK_EQ(1, to_peer(w, &trunk, "SIP/2.0 491 "));
	ATF_CHECK_EQ(1, proxy_calls(w->w_px));
	within(w, &pbx, "ACK sip:gw@192.0.2.9:5060", "z9hG4bKp", "2 ACK", "");
	within(w, &trunk, "ACK sip:pbx@10.0.0.5:5060", "z9hG4bKt", "5 ACK", "");
	w->w_next = w->w_nsent;
	/* One tries again. */
	within(w, &trunk, "INVITE sip:pbx@10.0.0.5:5060", "z9hG4bKu", "6 INVITE",
	    "Contact: <sip:gw2@192.0.2.9:5060>\n");
	ATF_REQUIRE((in = w_find(w, "INVITE sip:pbx@10.0.0.5:5060 ")) != NULL);
	w_answer(w, &pbx, in, "200 OK", "", "Contact: <sip:pbx@10.0.0.5:5060>\n");
	w_answer(w, &pbx, in, "200 OK", "", "Contact: <sip:pbx@10.0.0.5:5060>\n");
	ATF_CHECK_EQ(2, to_peer(w, &trunk, "SIP/2.0 200 OK\r\n"));
	ATF_CHECK_EQ(1, proxy_calls(w->w_px));
	w_free(w);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, s16_3_validation);
	ATF_TP_ADD_TC(tp, s16_4_strict_before);
	ATF_TP_ADD_TC(tp, s16_6_strict_behind);
	ATF_TP_ADD_TC(tp, s16_6_max_forwards);
	ATF_TP_ADD_TC(tp, s16_6_methods);
	ATF_TP_ADD_TC(tp, s16_7_provisional);
	ATF_TP_ADD_TC(tp, s16_7_final);
	ATF_TP_ADD_TC(tp, s16_9_transport);
	ATF_TP_ADD_TC(tp, s16_10_cancel);
	ATF_TP_ADD_TC(tp, s17_2_server);
	ATF_TP_ADD_TC(tp, s17_2_3_old_branches);
	ATF_TP_ADD_TC(tp, s17_1_client);
	ATF_TP_ADD_TC(tp, s14_glare);
	return (atf_no_error());
}
