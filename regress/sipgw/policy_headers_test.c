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
 * The border's policy as the proxy acts on it: what crosses in headers, in
 * which form, and whom the PBX is told of.
 */

#include <atf-c.h>

#include "policy_world.h"
#include "proxy_int.h"

#define ALL_HEADERS								\
	"Accept: application/sdp\nAccept-Contact: *\nAccept-Encoding: gzip\n"	\
	"Accept-Language: de\nAlert-Info: <http://x>\nAllow: INVITE\n"		\
	"Allow-Events: x\nAnswer-Mode: Auto\nAuthorization: Digest x\n"		\
	"Call-Info: <http://x>\nContent-Disposition: session\nContent-Foo: 1\n"	\
	"Content-ID: <x@y>\nContent-Language: de\nDate: Sat, 13 Nov 2010 23:29:00 GMT\n" \
	"Error-Info: <sip:x@y>\nEvent: x\nExpires: 120\nGeolocation: <sip:x>\n"	\
	"Identity: x\nIn-Reply-To: x\nMIME-Version: 1.0\nMin-Expires: 1\n"	\
	"Min-SE: 90\nOrganization: x\nP-Asserted-Identity: <sip:030123451@10.0.0.5>\n" \
	"P-Charging-Vector: x\nP-Preferred-Identity: <sip:x@y>\nPath: <sip:x>\n" \
	"Priority: urgent\nPriv-Answer-Mode: Auto\nProxy-Authorization: Digest x\n" \
	"Reason: SIP;cause=200\nReply-To: <sip:x@y>\nRequest-Disposition: x\n"	\
	"Server: asterisk\nService-Route: <sip:x>\nSession-Expires: 1800\n"	\
	"Session-ID: " UUID "\nSubject: x\nSupported: 100rel\nTimestamp: 1\n"	\
	"Unsupported: x\nUser-Agent: Asterisk PBX\nUser-to-User: 00\n"		\
	"ViPR-Ticket: mine\nX-Cisco-ViPR-Ticket: mine\nViPR-Refusal: busy\n"	\
	"Warning: 399 10.0.0.5 \"x\"\nX-Secret: x\n"

/* -- headers that leave -- */

ATF_TC_WITHOUT_HEAD(outward);
ATF_TC_BODY(outward, tc)
{
	struct world	*w = start();
	const char	*req;

	dial(w, "1", "030123451", "c1@10.0.0.5", ALL_HEADERS);
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	ATF_CHECK_MSG(strstr(req, "Asterisk") == NULL && strstr(req, "asterisk") == NULL,
	    "%s", req);
	same_names(req, "Via Record-Route Max-Forwards Accept Accept-Encoding "
	    "Accept-Language Allow CSeq Call-ID Contact Content-Disposition Content-Foo "
	    "Content-ID Content-Language Content-Length Content-Type Date Expires From "
	    "MIME-Version Min-SE Session-Expires Session-ID Supported Timestamp To "
	    "Unsupported ViPR-Ticket");
	ATF_CHECK_STREQ("VElDS0VU", w_hdr(req, "ViPR-Ticket"));
	ATF_CHECK_EQ(NULL, w_hdr_n(req, "ViPR-Ticket", 1));
	ATF_CHECK_STREQ("<sip:+4930123451@border.a.example>;tag=f1", w_hdr(req, "From"));
	/* With names, if the operator says so. */
	w->w_conf->c_flags |= CONF_DISPLAY_NAME;
	dial(w, "2", "030123451", "c2", "");
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	ATF_CHECK_STREQ("\"Alice\" <sip:+4930123451@border.a.example>;tag=f2",
	    w_hdr(req, "From"));
	w_free(w);
}

ATF_TC_WITHOUT_HEAD(call_id);
ATF_TC_BODY(call_id, tc)
{
	static const char *const ids[] = { "c1@10.0.0.5", "plain", "x@pbx.inside", "vqAAAA",
	    "10.0.0.5-7" };
	struct world	*w;
	struct sent	*se;
	const char	*req, *got;
	char		 n[8], want[512];
	size_t		 i;
	int		 keep;

	for (keep = 0; keep < 2; keep++)
		for (i = 0; i < 5; i++) {
			w = start();
			if (keep)
				w->w_conf->c_flags |= CONF_CALLID_KEEP;
			(void)snprintf(n, sizeof(n), "%zu", i);
			dial(w, n, "030123451", ids[i], "");
			ATF_REQUIRE((req = w_outward(w)) != NULL);
			got = w_hdr(req, "Call-ID");
			/* Kept: what names no hop and is not like a mask. */
			ATF_CHECK_EQ_MSG(keep && (i == 1 || i == 2), strcmp(got, ids[i]) == 0,
			    "%s: %s", ids[i], got);
			ATF_CHECK(strstr(got, "10.0.0.5") == NULL);
			(void)snprintf(want, sizeof(want), "%s", ids[i]);
			w_answer(w, &peer, req, "180 Ringing", "t", "Contact: <sip:v@b.example>\n");
			ATF_REQUIRE((se = w_out(w)) != NULL);
			ATF_CHECK_STREQ(want, w_hdr(se->se_text, "Call-ID"));
			w_free(w);
		}
	/* One that is too long to be masked: the call takes the trunk, and
	 * nobody else is to blame. */
	w = start();
	memset(want, 'x', 400);
	want[400] = '\0';
	dial(w, "1", "030123451", want, "");
	ATF_CHECK(w_invite_to(w, &trunk) != NULL);
	dial(w, "2", "030123451", "short", "");
	ATF_CHECK(w_outward(w) != NULL);
	w_free(w);
}

/* What the PBX answers a call from outside. */
ATF_TC_WITHOUT_HEAD(answers);
ATF_TC_BODY(answers, tc)
{
	static const char *const statuses[] = { "180 Klingelt bei 10.0.0.5",
	    "200 Bob is at home", "404 No such extension on PBX", "486 Bob telefoniert",
	    "503 pbx1.inside overloaded", "302 Moved to 10.0.0.9", "699 Odd" };
	static const char *const phrases[] = { "180 Ringing", "200 OK", "404 Not Found",
	    "486 Busy Here", "503 Service Unavailable", "480 Temporarily Unavailable", "699 " };
	struct world	*w;
	const char	*req, *got;
	char		 want[64];
	size_t		 i;

	for (i = 0; i < 7; i++) {
		w = start();
		ATF_REQUIRE((req = ring(w, "1", "<sip:" NUMBER "@b.example>", "")) != NULL);
		w_answer(w, &pbx, req, statuses[i], "p", "Contact: <sip:x@10.0.0.5:5060>\n"
		    ALL_HEADERS);
		(void)snprintf(want, sizeof(want), "SIP/2.0 %s", phrases[i]);
		ATF_REQUIRE_MSG((got = w_find(w, want)) != NULL, "%s", statuses[i]);
		if (i < 6)
			ATF_CHECK_MSG(strncmp(got + strlen(want), "\r\n", 2) == 0, "%.60s", got);
		ATF_CHECK_MSG(strstr(got, "10.0.0.5") == NULL, "%s", got);
		ATF_CHECK_MSG(strstr(got, "sterisk") == NULL, "%s", got);
		ATF_CHECK_EQ(NULL, w_hdr(got, "ViPR-Refusal"));
		ATF_CHECK_EQ(NULL, w_hdr(got, "ViPR-Ticket"));
		ATF_CHECK_EQ(NULL, w_hdr(got, "Reason"));
		ATF_CHECK_EQ(NULL, w_hdr(got, "X-Secret"));
		ATF_CHECK_STREQ(UUID, w_hdr(got, "Session-ID"));
		w_free(w);
	}
}

/* Between hops our own headers go, and nothing else. */
ATF_TC_WITHOUT_HEAD(our_own);
ATF_TC_BODY(our_own, tc)
{
	struct world	*w = start();
	struct sent	*se;
	const char	*req;

	w_route(w, NUMBER, ROUTE_SUSPENDED, "VElDS0VU");
	dial(w, "1", "030123451", "c1@10.0.0.5", ALL_HEADERS);
	ATF_REQUIRE((req = w_invite_to(w, &trunk)) != NULL);
	ATF_CHECK_EQ(NULL, w_hdr(req, "ViPR-Ticket"));
	ATF_CHECK_EQ(NULL, w_hdr(req, "X-Cisco-ViPR-Ticket"));
	ATF_CHECK_EQ(NULL, w_hdr(req, "ViPR-Refusal"));
	ATF_CHECK_STREQ("Asterisk PBX", w_hdr(req, "User-Agent"));
	ATF_CHECK_STREQ("x", w_hdr(req, "X-Secret"));
	ATF_CHECK_STREQ("c1@10.0.0.5", w_hdr(req, "Call-ID"));
	w_answer(w, &trunk, req, "200 Fine", "t", "Contact: <sip:x@192.0.2.9>\n"
	    "ViPR-Refusal: policy\nViPR-Ticket: x\nX-Trunk: y\n");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "SIP/2.0 200 Fine\r\n", 18) == 0);
	ATF_CHECK_EQ(NULL, w_hdr(se->se_text, "ViPR-Refusal"));
	ATF_CHECK_EQ(NULL, w_hdr(se->se_text, "ViPR-Ticket"));
	ATF_CHECK_STREQ("y", w_hdr(se->se_text, "X-Trunk"));
	w_in(w, &pbx, "ACK sip:x@192.0.2.9 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bKa\n"
	    "Route: <sip:10.0.0.1:5060;lr>\nMax-Forwards: 70\n"
	    "From: <sip:030123451@10.0.0.5>;tag=f1\nTo: <sip:040123456@10.0.0.1>;tag=t\n"
	    "Call-ID: c1@10.0.0.5\nCSeq: 1 ACK\nViPR-Ticket: mine\nX-Cisco-ViPR-Ticket: x\n");
	ATF_REQUIRE((req = w_find(w, "ACK sip:x@192.0.2.9")) != NULL);
	ATF_CHECK_EQ(NULL, w_hdr(req, "ViPR-Ticket"));
	ATF_CHECK_EQ(NULL, w_hdr(req, "X-Cisco-ViPR-Ticket"));
	w_free(w);
}

/* -- what the PBX sees -- */

ATF_TC_WITHOUT_HEAD(identity);
ATF_TC_BODY(identity, tc)
{
	static const struct { enum route_state state; const char *from; int shown; } rows[] = {
		{ ROUTE_ACTIVE, "<sip:" NUMBER "@b.example>", 1 },
		{ ROUTE_ACTIVE, "<tel:" NUMBER ">", 1 },
		{ ROUTE_ACTIVE, "<sip:" NUMBER ";verstat=TN-Validation-Passed@b.example>", 1 },
		{ ROUTE_SUSPENDED, "<sip:" NUMBER "@b.example>", 1 },
		{ ROUTE_PENDING, "<sip:" NUMBER "@b.example>", 0 },
		{ ROUTE_EXPIRED, "<sip:" NUMBER "@b.example>", 0 },
		{ ROUTE_REMOVED, "<sip:" NUMBER "@b.example>", 0 },
		{ ROUTE_ACTIVE, "<sip:+4940123457@b.example>", 0 },
		{ ROUTE_ACTIVE, "<sip:4940123456@b.example>", 0 },
		{ ROUTE_ACTIVE, "<sip:anonymous@anonymous.invalid>", 0 },
		{ ROUTE_ACTIVE, "<mailto:" NUMBER "@b.example>", 0 },
	};
	struct world		*w;
	struct proxy_stats	 ps;
	const char		*req, *pai;
	size_t			 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w = start();
		w_route(w, NUMBER, rows[i].state, "VElDS0VU");
		ATF_REQUIRE((req = ring(w, "1", rows[i].from, "P-Asserted-Identity: "
		    "<sip:+4911@b.example>\nP-Preferred-Identity: <sip:+4911@b>\n"
		    "Remote-Party-ID: <sip:+4911@b>\nIdentity: x\n")) != NULL);
		pai = w_hdr(req, "P-Asserted-Identity");
		if (rows[i].shown) {
			ATF_REQUIRE_MSG(pai != NULL, "row %zu", i);
			ATF_CHECK_STREQ("<sip:" NUMBER "@b.example>", pai);
			ATF_CHECK_EQ(NULL, w_hdr_n(req, "P-Asserted-Identity", 1));
		} else
			ATF_CHECK_MSG(pai == NULL, "row %zu: %s", i, pai);
		ATF_CHECK_EQ(NULL, strstr(req, "+4911"));
		ATF_CHECK_EQ(NULL, strstr(req, "verstat"));
		proxy_stats(w->w_px, &ps);
		ATF_CHECK_EQ((uint64_t)rows[i].shown, ps.ps_verified);
		w_free(w);
	}
	/* The number is another domain's. */
	w = start();
	w_name(w, 1, "c.example");
	ATF_REQUIRE((req = ring(w, "1", "<sip:" NUMBER "@b.example>", "")) != NULL);
	ATF_CHECK_EQ(NULL, w_hdr(req, "P-Asserted-Identity"));
	w_free(w);
}

ATF_TC_WITHOUT_HEAD(present);
ATF_TC_BODY(present, tc)
{
	struct world		*w = start();
	struct e164_rules	*r = &w->w_conf->c_rules;
	const char		*req;

	/* As it comes. */
	ATF_REQUIRE((req = ring(w, "1", "\"Your Bank\" <sip:" NUMBER "@b.example>", "")) != NULL);
	ATF_CHECK(strncmp(req, "INVITE sip:" OURS "@10.0.0.5:5060 ", 37) == 0);
	ATF_CHECK_STREQ("<sip:" NUMBER "@b.example>;tag=f1", w_hdr(req, "From"));
	ATF_CHECK_STREQ("<sip:" OURS "@a.example>", w_hdr(req, "To"));
	/* As a trunk would show it. */
	w->w_conf->c_flags |= CONF_PRESENT_NATIONAL;
	(void)strlcpy(r->er_country, "49", sizeof(r->er_country));
	(void)strlcpy(r->er_national, "0", sizeof(r->er_national));
	(void)strlcpy(r->er_international, "00", sizeof(r->er_international));
	ATF_REQUIRE((req = ring(w, "2", "\"Your Bank\" <sip:" NUMBER
	    ";verstat=x@b.example;user=phone>", "")) != NULL);
	ATF_CHECK_MSG(strncmp(req, "INVITE sip:030123450@10.0.0.5:5060 ", 35) == 0, "%s", req);
	ATF_CHECK_STREQ("<sip:040123456@b.example;user=phone>;tag=f2", w_hdr(req, "From"));
	ATF_CHECK_STREQ("<sip:030123450@a.example>", w_hdr(req, "To"));
	ATF_CHECK_STREQ("<sip:040123456@b.example>", w_hdr(req, "P-Asserted-Identity"));
	ATF_REQUIRE((req = ring(w, "3", "<sip:+12125550100@b.example>", "")) != NULL);
	ATF_CHECK_STREQ("<sip:0012125550100@b.example>;tag=f3", w_hdr(req, "From"));
	ATF_REQUIRE((req = ring(w, "4", "<sip:anonymous@anonymous.invalid>", "")) != NULL);
	ATF_CHECK_STREQ("<sip:anonymous@anonymous.invalid>;tag=f4", w_hdr(req, "From"));
	/* What the peer is told of all that: nothing. */
	w_answer(w, &pbx, req, "486 x", "p", "");
	ATF_REQUIRE((req = w_find(w, "SIP/2.0 486 ")) != NULL);
	ATF_CHECK_STREQ("<sip:anonymous@anonymous.invalid>;tag=f4", w_hdr(req, "From"));
	ATF_CHECK_STREQ("\"Us\" <sip:" OURS "@a.example>;tag=p", w_hdr(req, "To"));
	/* A dial plan of ten digits; names. */
	(void)strlcpy(r->er_country, "1", sizeof(r->er_country));
	r->er_national[0] = '\0';
	w->w_conf->c_flags |= CONF_DISPLAY_NAME;
	ATF_REQUIRE((req = ring(w, "5", "\"B\" <sip:+12125550100@b.example>", "")) != NULL);
	ATF_CHECK_STREQ("\"B\" <sip:2125550100@b.example>;tag=f5", w_hdr(req, "From"));
	w_free(w);
}

/* What a PBX's request in such a dialog is for the peer. */
ATF_TC_WITHOUT_HEAD(present_dialog);
ATF_TC_BODY(present_dialog, tc)
{
	struct world		*w = start();
	struct e164_rules	*r = &w->w_conf->c_rules;
	struct sent		*se;
	const char		*req;
	char			 ours[256];

	w->w_conf->c_flags |= CONF_PRESENT_NATIONAL;
	(void)strlcpy(r->er_country, "49", sizeof(r->er_country));
	(void)strlcpy(r->er_national, "0", sizeof(r->er_national));
	ATF_REQUIRE((req = ring(w, "1", "\"B\" <sip:" NUMBER "@b.example>", "")) != NULL);
	w_answer(w, &pbx, req, "200 OK", "p", "Contact: <sip:x@10.0.0.5:5060>\n");
	(void)snprintf(ours, sizeof(ours), "%s", w_hdr(req, "Contact") + 1);
	*strchr(ours, '>') = '\0';
	w->w_next = w->w_nsent;
	w_in(w, &pbx, "BYE %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKd\n"
	    "Max-Forwards: 70\nFrom: %s;tag=p\nTo: %s\nCall-ID: o1\nCSeq: 1 BYE\n"
	    ALL_HEADERS, ours, w_hdr(req, "To"), w_hdr(req, "From"));
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "BYE sip:bob@gw.b.example;transport=tls ", 39) == 0);
	ATF_CHECK_STREQ("\"Us\" <sip:" OURS "@a.example>;tag=p", w_hdr(se->se_text, "From"));
	ATF_CHECK_STREQ("\"B\" <sip:" NUMBER "@b.example>;tag=f1", w_hdr(se->se_text, "To"));
	ATF_CHECK_EQ(NULL, w_hdr(se->se_text, "User-Agent"));
	ATF_CHECK_EQ(NULL, w_hdr(se->se_text, "ViPR-Ticket"));
	ATF_CHECK_EQ(NULL, w_hdr(se->se_text, "X-Secret"));
	w_free(w);
}

ATF_TC_WITHOUT_HEAD(inward);
ATF_TC_BODY(inward, tc)
{
	struct world	*w = start();
	const char	*req;

	ATF_REQUIRE((req = ring(w, "1", "<sip:+4911@b.example>",
	    "Accept: application/sdp\nAccept-Contact: *\nAlert-Info: <http://x>\nAllow: INVITE\n"
	    "Answer-Mode: Auto\nCall-Info: <http://x>\nContent-Foo: 1\nDate: x\n"
	    "Diversion: <sip:x@y>\nExpires: 120\nHistory-Info: <sip:x@y>\nMin-SE: 90\n"
	    "P-Asserted-Identity: <sip:+491@b>\nPrivacy: id\nPriv-Answer-Mode: Auto\n"
	    "RAck: 1 1 INVITE\nRSeq: 1\nReason: x\nRequire: 100rel\nSession-Expires: 1800\n"
	    "Session-ID: " UUID ";remote=" UUID2 "\nSubject: x\nSupported: 100rel\n"
	    "User-Agent: u\nUser-to-User: 00\nViPR-Refusal: busy\nWarning: 399 x \"x\"\n"
	    "X-Secret: x\n")) != NULL);
	same_names(req, "Via Max-Forwards From To Call-ID CSeq Contact Content-Type "
	    "Content-Length Content-Foo Supported Require Allow Accept RSeq RAck "
	    "Session-Expires Min-SE Expires User-Agent Session-ID");
	ATF_CHECK_STREQ(UUID ";remote=" UUID2, w_hdr(req, "Session-ID"));
	w_free(w);
}

/* `pass header`, both ways, but never what names the inside. */
ATF_TC_WITHOUT_HEAD(passes);
ATF_TC_BODY(passes, tc)
{
	struct world	*w = start();
	const char	*req;

	ATF_REQUIRE(conf_add_text(&w->w_conf->c_pass, "User-to-User", NULL, 0) != NULL);
	ATF_REQUIRE(conf_add_text(&w->w_conf->c_pass, "subject", NULL, 0) != NULL);
	ATF_REQUIRE(conf_add_text(&w->w_conf->c_pass, "User-Agent", NULL, 0) != NULL);
	ATF_REQUIRE(conf_add_text(&w->w_conf->c_pass, "X-Where", NULL, 0) != NULL);
	dial(w, "1", "030123451", "c1", "USER-to-user: 00\ns: hello\nUser-Agent: phone\n"
	    "X-Where: 10.0.0.5\nX-Other: x\n");
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	ATF_CHECK_STREQ("00", w_hdr(req, "User-to-User"));
	ATF_CHECK(w_hdr(req, "Subject") != NULL || w_hdr(req, "s") != NULL);
	ATF_CHECK_STREQ("phone", w_hdr(req, "User-Agent"));
	ATF_CHECK_EQ(NULL, w_hdr(req, "X-Where"));
	ATF_CHECK_EQ(NULL, w_hdr(req, "X-Other"));
	ATF_REQUIRE((req = ring(w, "2", "<sip:+4911@b>", "User-to-User: 11\nX-Where: home\n"
	    "X-Other: x\n")) != NULL);
	ATF_CHECK_STREQ("11", w_hdr(req, "User-to-User"));
	ATF_CHECK_STREQ("home", w_hdr(req, "X-Where"));
	ATF_CHECK_EQ(NULL, w_hdr(req, "X-Other"));
	w_free(w);
}

/* A hop's name in any case of letters, and every address of it. */
ATF_TC_WITHOUT_HEAD(hop_names);
ATF_TC_BODY(hop_names, tc)
{
	static const char *const says[] = { "PBX2.Inside", "at pbx2.inside:5060",
	    "[2001:DB8:0:1::5]:5060", "x 2001:db8:0:1::5", "10.0.0.6", "(10.0.0.5)" };
	struct proxy_addr	 pa[2];
	struct conf_hop		*ch;
	struct world		*w = start();
	struct sip_flow		 fl;
	const char		*req;
	char			 h[128], n[8], caller[16];
	size_t			 i;

	w_hop(w->w_conf, "second", "10.0.0.99", 5060, 0, 9);
	TAILQ_FOREACH(ch, &w->w_conf->c_hops, ch_entry)
		if (strcmp(ch->ch_name, "second") == 0)
			break;
	(void)strlcpy(ch->ch_host, "pbx2.inside", sizeof(ch->ch_host));
	ch->ch_addr.va_family = 0;
	ATF_REQUIRE(conf_add_text(&w->w_conf->c_pass, "X-Says", NULL, 0) != NULL);
	proxy_conf(w->w_px, w->w_conf);
	memset(pa, 0, sizeof(pa));
	(void)vaddr_parse("10.0.0.6", 5060, &pa[0].pa_addr);
	(void)vaddr_parse("2001:db8:0:1::5", 5060, &pa[1].pa_addr);
	w_listen(w->w_conf, SIP_UDP, FACE_INSIDE, "2001:db8:0:1::1", 5060);
	proxy_hop_addrs(w->w_px, "pbx2.inside", 5060, SIP_UDP, pa, 2);
	for (i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		(void)snprintf(n, sizeof(n), "%zu", i);
		(void)snprintf(h, sizeof(h), "X-Says: %s\n", says[i]);
		/* Another caller each: so many of one would be a loop. */
		(void)snprintf(caller, sizeof(caller), "03012345%zu", i);
		dial(w, n, caller, n, h);
		ATF_REQUIRE((req = w_outward(w)) != NULL);
		ATF_CHECK_EQ_MSG(NULL, w_hdr(req, "X-Says"), "%s left", says[i]);
	}
	dial(w, "9", "030123459", "9", "X-Says: nothing\n");
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	ATF_CHECK_STREQ("nothing", w_hdr(req, "X-Says"));
	/* All of its addresses are heard. */
	for (i = 0; i < 2; i++) {
		w_flow_udp(&fl, i == 0 ? "10.0.0.6" : "2001:db8:0:1::5", 5060);
		ATF_CHECK_EQ(1, proxy_hears(w->w_px, &fl));
	}
	w_free(w);
}

/* RFC 7989: as it is or not at all. */
ATF_TC_WITHOUT_HEAD(session_id);
ATF_TC_BODY(session_id, tc)
{
	static const struct { const char *value; int good; } t[] = {
		{ UUID, 1 }, { UUID ";remote=" UUID2, 1 }, { UUID " ; remote=" UUID2, 1 },
		{ "00000000000000000000000000000000;remote=" UUID, 1 },
		{ "AB30317F1A784DC48FF824D0D3715D86", 1 },
		{ "", 0 }, { "1", 0 }, { UUID "0", 0 }, { "zb30317f1a784dc48ff824d0d3715d86", 0 },
		{ UUID ";", 0 }, { UUID ";remote", 0 }, { UUID ";remote=", 0 },
		{ UUID ";remote=x", 0 }, { UUID ";remote=" UUID2 ";x=pbx.inside", 0 },
		{ UUID ";x=y", 0 }, { UUID " " UUID2, 0 }, { UUID ";remote=\"" UUID2 "\"", 1 },
		{ "10.0.0.5", 0 },
	};
	struct span	 v;
	struct world	*w;
	const char	*req;
	char		 h[256];
	size_t		 i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		v.p = t[i].value;
		v.len = strlen(v.p);
		ATF_CHECK_EQ_MSG(t[i].good, border_session_id(v), "%s", t[i].value);
	}
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		w = start();
		(void)snprintf(h, sizeof(h), "Session-ID: %s\n", t[i].value);
		dial(w, "1", "030123451", "c1", h);
		ATF_REQUIRE((req = w_outward(w)) != NULL);
		if (t[i].good)
			ATF_CHECK_STREQ(t[i].value, w_hdr(req, "Session-ID"));
		else
			ATF_CHECK_EQ(NULL, w_hdr(req, "Session-ID"));
		w_free(w);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, outward);
	ATF_TP_ADD_TC(tp, call_id);
	ATF_TP_ADD_TC(tp, answers);
	ATF_TP_ADD_TC(tp, our_own);
	ATF_TP_ADD_TC(tp, identity);
	ATF_TP_ADD_TC(tp, present);
	ATF_TP_ADD_TC(tp, present_dialog);
	ATF_TP_ADD_TC(tp, inward);
	ATF_TP_ADD_TC(tp, passes);
	ATF_TP_ADD_TC(tp, hop_names);
	ATF_TP_ADD_TC(tp, session_id);
	return (atf_no_error());
}
