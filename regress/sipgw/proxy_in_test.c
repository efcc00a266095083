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

/* Calls from outside: tickets, refusals, sealed dialogs, what a PBX sees. */

#include <atf-c.h>

#include "proxy_harness.h"

#define SDP	"v=0\no=- 1 1 IN IP4 8.8.8.8\ns=-\nc=IN IP4 8.8.8.8\nt=0 0\n" \
		"m=audio 4000 RTP/AVP 8\n"
#define OURS	"+4930123450"

static struct sip_flow	pbx, trunk, peer, other;

static struct world	*start(void);
static void		 call(struct world *, const struct sip_flow *, const char *,
			    const char *, const char *);
static const char	*ring(struct world *, const char *);

static struct world *
start(void)
{
	struct world	*w;

	w_flow_udp(&pbx, "10.0.0.5", 5060);
	w_flow_udp(&trunk, "192.0.2.9", 5060);
	w_outflow(&peer, 1);
	w_outflow(&other, 2);
	w = w_new(0);
	w_name(w, 1, "b.example");
	w_name(w, 2, "c.example");
	return (w);
}

static void
call(struct world *w, const struct sip_flow *fl, const char *n, const char *uri,
    const char *extra)
{
	w_in(w, fl, "INVITE %s SIP/2.0\n"
	    "Via: SIP/2.0/TLS b.example:5061;branch=z9hG4bK%s\nMax-Forwards: 70\n"
	    "Record-Route: <sip:proxy.b.example;transport=tls;lr>\n"
	    "From: <sip:+4940123456@b.example;verstat=TN-Validation-Passed>;tag=f%s\n"
	    "To: <sip:" OURS "@a.example>\nCall-ID: o%s\nCSeq: 1 INVITE\n%s"
	    "Alert-Info: <http://x.example/ring>\nAnswer-Mode: Auto\nX-Evil: 1\n"
	    "Contact: <sip:bob@gw.b.example;transport=tls>\n"
	    "Content-Type: application/sdp\n\n" SDP, uri, n, n, n, extra);
}

/* Up to the INVITE that the PBX gets, key having agreed. */
static const char *
ring(struct world *w, const char *n)
{
	call(w, &peer, n, "sip:" OURS "@a.example", "ViPR-Ticket: R09PRA\n");
	proxy_ticket(w->w_px, w->w_ticket, REFUSAL_NONE, 0, w->w_utc / 1000 + 86400);
	return (w_find(w, "INVITE "));
}

ATF_TC_WITHOUT_HEAD(accepted);
ATF_TC_BODY(accepted, tc)
{
	struct world	*w = start();
	struct sent	*se;
	const char	*req;
	char		 contact[2048], route[2048], bad[2048], vias[3][512], ours[256];
	size_t		 i;

	ATF_REQUIRE((req = ring(w, "1")) != NULL);
	ATF_CHECK_STREQ(OURS, w->w_ticket_number);
	ATF_CHECK_STREQ("R09PRA", w->w_token);
	ATF_CHECK_MSG(strncmp(req, "INVITE sip:" OURS "@10.0.0.5:5060 SIP/2.0\r\n", 46) == 0,
	    "%s", req);
	ATF_CHECK_EQ(NULL, w_hdr(req, "ViPR-Ticket"));
	ATF_CHECK_EQ(NULL, w_hdr(req, "Alert-Info"));
	ATF_CHECK_EQ(NULL, w_hdr(req, "Answer-Mode"));
	ATF_CHECK_EQ(NULL, w_hdr(req, "X-Evil"));
	ATF_CHECK_EQ(NULL, w_hdr(req, "Record-Route"));
	ATF_CHECK(strstr(w_hdr(req, "From"), "verstat") == NULL);
	ATF_CHECK(strncmp(w_hdr(req, "Contact"), "<sip:vipr-", 10) == 0);
	(void)vias;
	w_answer(w, &pbx, req, "180 Ringing", "p1", "Contact: <sip:x@10.0.0.5:5060>\n"
	    "ViPR-Refusal: busy\nWarning: 399 10.0.0.5 \"x\"\n");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "SIP/2.0 180 ", 12) == 0);
	ATF_CHECK_EQ(1, se->se_flow.fl_conn);
	w_answer(w, &pbx, req, "200 OK", "p1", "Contact: <sip:x@10.0.0.5:5060>\n"
	    "ViPR-Refusal: busy\nServer: pbx 10.0.0.5\n");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "SIP/2.0 200 ", 12) == 0);
	ATF_CHECK_MSG(strstr(se->se_text, "10.0.0.5") == NULL, "%s", se->se_text);
	ATF_CHECK_EQ(NULL, w_hdr(se->se_text, "ViPR-Refusal"));
	(void)snprintf(contact, sizeof(contact), "%s", w_hdr(se->se_text, "Contact") + 1);
	*strchr(contact, '>') = '\0';
	(void)snprintf(route, sizeof(route), "%s", w_hdr_n(se->se_text, "Record-Route", 0));
	ATF_CHECK(strstr(w_hdr_n(se->se_text, "Record-Route", 1), "proxy.b.example") != NULL);

	/* ACK and re-INVITE of the peer lead to the PBX's Contact. */
	w_in(w, &peer, "ACK %s SIP/2.0\nVia: SIP/2.0/TLS b.example;branch=z9hG4bKa\n"
	    "Route: %s\nMax-Forwards: 70\nFrom: <sip:+4940123456@b.example>;tag=f1\n"
	    "To: <sip:" OURS "@a.example>;tag=p1\nCall-ID: o1\nCSeq: 1 ACK\n", contact, route);
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "ACK sip:x@10.0.0.5:5060 SIP/2.0\r\n", 33) == 0);

	/* Forged ones do not: each byte of the seal, another tag, another
	 * Call-ID, another peer, a foreign Route. */
	for (i = 5; i < strcspn(contact, "@"); i += 7) {
		(void)strlcpy(bad, contact, sizeof(bad));
		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		w_in(w, &peer, "BYE %s SIP/2.0\n"
		    "Via: SIP/2.0/TLS b.example;branch=z9hG4bKb%zu\nMax-Forwards: 70\n"
		    "From: <sip:+4940123456@b.example>;tag=f1\n"
		    "To: <sip:" OURS "@a.example>;tag=p1\nCall-ID: o1\nCSeq: 2 BYE\n",
		    bad, i);
		ATF_REQUIRE((se = w_out(w)) != NULL);
		ATF_CHECK_MSG(strncmp(se->se_text, "SIP/2.0 481 ", 12) == 0, "byte %zu", i);
	}
	for (i = 0; i < 6; i++) {
		w_in(w, i == 0 ? &other : &peer, "BYE %s SIP/2.0\n"
		    "Via: SIP/2.0/TLS b.example;branch=z9hG4bKc%zu\nMax-Forwards: 70\n%s"
		    "From: <sip:+4940123456@b.example>;tag=%s\n"
		    "To: <sip:" OURS "@a.example>;tag=%s\nCall-ID: %s\nCSeq: 2 BYE\n",
		    i == 5 ? "sip:x@10.0.0.5:5060" : contact, i,
		    i == 4 ? "Route: <sip:10.0.0.9;lr>\n" : "",
		    i == 1 ? "f2" : "f1", i == 2 ? "p2" : "p1", i == 3 ? "o2" : "o1");
		ATF_REQUIRE((se = w_out(w)) != NULL);
		ATF_CHECK_MSG(strncmp(se->se_text, "SIP/2.0 481 ", 12) == 0, "case %zu: %s",
		    i, se->se_text);
	}
	ATF_CHECK_EQ(1, proxy_calls(w->w_px));

	/* The PBX hangs up, at the Contact that it saw. */
	(void)snprintf(ours, sizeof(ours), "%s", w_hdr(req, "Contact") + 1);
	*strchr(ours, '>') = '\0';
	w_in(w, &pbx, "BYE %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKd\n"
	    "Max-Forwards: 70\nFrom: <sip:" OURS "@a.example>;tag=p1\n"
	    "To: <sip:+4940123456@b.example>;tag=f1\nCall-ID: o1\nCSeq: 1 BYE\n"
	    "User-Agent: pbx\n", ours);
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK_MSG(strncmp(se->se_text, "BYE sip:bob@gw.b.example;transport=tls SIP/2.0\r\n",
	    48) == 0, "%s", se->se_text);
	ATF_CHECK_STREQ("<sip:proxy.b.example;transport=tls;lr>", w_hdr(se->se_text, "Route"));
	ATF_CHECK_EQ(1, se->se_flow.fl_conn);
	ATF_CHECK(strstr(se->se_text, "10.0.0.5") == NULL);
	w_answer(w, &peer, se->se_text, "200 OK", "", "");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "SIP/2.0 200 ", 12) == 0);
	ATF_CHECK_EQ(1, vaddr_eq(&se->se_flow.fl_peer, &pbx.fl_peer));
	w_pass(w, 1000);
	ATF_REQUIRE_EQ(1, w->w_nlegs);
	ATF_CHECK_EQ(LEG_OUTSIDE_IN, w->w_legs[0].lg_kind);
	w_free(w);
}

ATF_TC_WITHOUT_HEAD(refused);
ATF_TC_BODY(refused, tc)
{
	static const struct { const char *uri, *extra; enum refusal key; const char *status,
	    *code; } rows[] = {
		{ "sip:" OURS "@a.example", "", 0, "403", "no-ticket" },
		{ "sip:" OURS "@a.example", "ViPR-Ticket:\n", 0, "403", "no-ticket" },
		{ "sip:" OURS "@a.example", "ViPR-Ticket: AAAA\nViPR-Ticket: AAAA\n", 0, "403",
		    "bad-ticket" },
		{ "sip:" OURS "@a.example", "ViPR-Ticket: AAAA\nX-Cisco-ViPR-Ticket: AAAA\n",
		    0, "403", "bad-ticket" },
		{ "sip:100@a.example", "ViPR-Ticket: AAAA\n", 0, "403", "wrong-number" },
		{ "sip:" OURS ";phone-context=x@a.example", "ViPR-Ticket: AAAA\n", 0, "403",
		    "wrong-number" },
		{ "sip:" OURS "@evil.example", "ViPR-Ticket: AAAA\n", 0, "403",
		    "wrong-number" },
		{ "sip:" OURS "@a.example?Replaces=x", "ViPR-Ticket: AAAA\n", 0, "400", NULL },
		{ "sip:" OURS "@a.example", "ViPR-Ticket: AAAA\n", REFUSAL_BAD_TICKET, "403",
		    "bad-ticket" },
		{ "sip:" OURS "@a.example", "ViPR-Ticket: AAAA\n", REFUSAL_EXPIRED, "403",
		    "expired" },
		{ "sip:" OURS "@a.example", "ViPR-Ticket: AAAA\n", REFUSAL_REVOKED, "403",
		    "revoked" },
		{ "sip:" OURS "@a.example", "ViPR-Ticket: AAAA\n", REFUSAL_WRONG_NUMBER,
		    "403", "wrong-number" },
		{ "sip:" OURS "@a.example", "ViPR-Ticket: AAAA\n", REFUSAL_NOT_OURS, "403",
		    "not-ours" },
		{ "sip:" OURS "@a.example", "ViPR-Ticket: AAAA\n", REFUSAL_BUSY, "503",
		    "busy" },
		{ "sip:+4940999999@a.example", "ViPR-Ticket: AAAA\n", REFUSAL_NONE, "403",
		    "not-ours" },
		{ "sip:" OURS "@a.example", "ViPR-Ticket: AAAA\nReplaces: x;to-tag=1;"
		    "from-tag=2\n", 0, "403", "policy" },
	};
	struct world	*w;
	const char	*got;
	char		 want[32];
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w = start();
		call(w, &peer, "1", rows[i].uri, rows[i].extra);
		if (w->w_ticket != 0)
			proxy_ticket(w->w_px, w->w_ticket, rows[i].key, 0, 0);
		(void)snprintf(want, sizeof(want), "SIP/2.0 %s ", rows[i].status);
		ATF_CHECK_EQ(0, w_count(w, "INVITE"));
		ATF_REQUIRE_MSG((got = w_find(w, want)) != NULL, "row %zu: not %s", i,
		    rows[i].status);
		if (rows[i].code == NULL)
			ATF_CHECK_EQ(NULL, w_hdr(got, "ViPR-Refusal"));
		else {
			ATF_REQUIRE_MSG(w_hdr(got, "ViPR-Refusal") != NULL, "row %zu", i);
			ATF_CHECK_STREQ(rows[i].code, w_hdr(got, "ViPR-Refusal"));
			ATF_CHECK(strstr(w->w_log, rows[i].code) != NULL);
			ATF_CHECK_EQ(1, w->w_nrefused);
		}
		if (rows[i].status[0] == '5')
			ATF_CHECK(w_hdr(got, "Retry-After") != NULL);
		ATF_CHECK(strstr(w->w_log, "AAAA") == NULL);
		w_free(w);
	}
}

/* key away, key silent, key gone meanwhile: 503 busy, Retry-After 5. */
ATF_TC_WITHOUT_HEAD(key_away);
ATF_TC_BODY(key_away, tc)
{
	struct world	*w;
	const char	*got;
	int		 i;

	for (i = 0; i < 3; i++) {
		w = start();
		w->w_key_away = i == 0;
		call(w, &peer, "1", "sip:" OURS "@a.example", "ViPR-Ticket: AAAA\n");
		if (i == 1)
			w_pass(w, 6000);
		if (i == 2)
			proxy_key_gone(w->w_px);
		ATF_REQUIRE((got = w_find(w, "SIP/2.0 503 ")) != NULL);
		ATF_CHECK_STREQ("busy", w_hdr(got, "ViPR-Refusal"));
		ATF_CHECK_STREQ("5", w_hdr(got, "Retry-After"));
		/* A late answer of key changes nothing. */
		proxy_ticket(w->w_px, w->w_ticket, REFUSAL_NONE, 0, 0);
		ATF_CHECK_EQ(0, w_count(w, "INVITE"));
		w_free(w);
	}
}

ATF_TC_WITHOUT_HEAD(methods);
ATF_TC_BODY(methods, tc)
{
	static const char *const rows[][2] = {
		{ "OPTIONS", "200" }, { "REFER", "405" }, { "SUBSCRIBE", "405" },
		{ "REGISTER", "405" }, { "MESSAGE", "405" }, { "NOTIFY", "405" },
		{ "BYE", "481" }, { "UPDATE", "481" }, { "PRACK", "481" }, { "INFO", "481" },
		{ "CANCEL", "481" }, { "FOO", "405" },
	};
	struct world	*w;
	char		 want[32];
	const char	*got;
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w = start();
		w_in(w, &peer, "%s sip:" OURS "@a.example SIP/2.0\n"
		    "Via: SIP/2.0/TLS b.example;branch=z9hG4bKm\nMax-Forwards: 70\n"
		    "From: <sip:x@b.example>;tag=f\nTo: <sip:" OURS "@a.example>\n"
		    "Route: <sip:10.0.0.5;lr>\nCall-ID: m\nCSeq: 1 %s\n", rows[i][0],
		    rows[i][0]);
		(void)snprintf(want, sizeof(want), "SIP/2.0 %s ", rows[i][1]);
		ATF_REQUIRE_MSG((got = w_find(w, want)) != NULL, "%s", rows[i][0]);
		ATF_CHECK_EQ(NULL, w_hdr(got, "ViPR-Refusal"));
		ATF_CHECK_EQ(NULL, w_out(w));
		w_free(w);
	}
	/* An INVITE with a To tag and no cookie: 481, ticket or not. */
	w = start();
	w_in(w, &peer, "INVITE sip:" OURS "@a.example SIP/2.0\n"
	    "Via: SIP/2.0/TLS b.example;branch=z9hG4bKm\nMax-Forwards: 70\n"
	    "From: <sip:x@b.example>;tag=f\nTo: <sip:" OURS "@a.example>;tag=t\n"
	    "ViPR-Ticket: AAAA\nCall-ID: m\nCSeq: 1 INVITE\n");
	ATF_CHECK(w_find(w, "SIP/2.0 481 ") != NULL);
	ATF_CHECK_EQ(0, w->w_ntickets);
	w_free(w);
}

/* 4 calls at once of one grantee to one number; BYE, CANCEL and refusals free
 * a place. */
ATF_TC_WITHOUT_HEAD(limits);
ATF_TC_BODY(limits, tc)
{
	struct world	*w = start();
	const char	*req, *got, *fifth;
	char		 n[16];
	int		 i;

	for (i = 0; i < 4; i++) {
		(void)snprintf(n, sizeof(n), "%d", i);
		ATF_REQUIRE((req = ring(w, n)) != NULL);
		w_answer(w, &pbx, req, "180 Ringing", n, "Contact: <sip:x@10.0.0.5>\n");
	}
	ATF_CHECK_EQ(NULL, ring(w, "9"));
	w->w_next = 0;
	ATF_REQUIRE((got = w_find(w, "SIP/2.0 503 ")) != NULL);
	ATF_CHECK_STREQ("busy", w_hdr(got, "ViPR-Refusal"));
	ATF_CHECK(w_hdr(got, "Retry-After") != NULL);
	w->w_next = w->w_nsent;
	/* One is refused by the PBX: a place is free. */
	w_answer(w, &pbx, req, "486 Busy", n, "");
	w->w_next = w->w_nsent;
	ATF_CHECK((fifth = ring(w, "10")) != NULL);
	/* And it is cancelled: the PBX gets one CANCEL, then a place is free. */
	w_answer(w, &pbx, fifth, "180 Ringing", "x", "Contact: <sip:x@10.0.0.5>\n");
	for (i = 0; i < 2; i++)
		w_in(w, &peer, "CANCEL sip:" OURS "@a.example SIP/2.0\n"
		    "Via: SIP/2.0/TLS b.example:5061;branch=z9hG4bK10\nMax-Forwards: 70\n"
		    "From: <sip:x@b.example>;tag=f10\nTo: <sip:" OURS "@a.example>\n"
		    "Call-ID: o10\nCSeq: 1 CANCEL\n");
	ATF_CHECK_EQ(1, w_count(w, "CANCEL sip:" OURS "@10.0.0.5"));
	w_answer(w, &pbx, fifth, "487 x", "x", "");
	ATF_CHECK_EQ(1, w_count(w, "SIP/2.0 487 "));
	w->w_next = w->w_nsent;
	ATF_CHECK(ring(w, "11") != NULL);
	w_free(w);
}

/* CANCEL of somebody else: 481, and the call goes on. */
ATF_TC_WITHOUT_HEAD(foreign_cancel);
ATF_TC_BODY(foreign_cancel, tc)
{
	struct world	*w = start();
	const char	*req;

	ATF_REQUIRE((req = ring(w, "1")) != NULL);
	w_in(w, &other, "CANCEL sip:" OURS "@a.example SIP/2.0\n"
	    "Via: SIP/2.0/TLS b.example:5061;branch=z9hG4bK1\nMax-Forwards: 70\n"
	    "From: <sip:+4940123456@b.example>;tag=f1\nTo: <sip:" OURS "@a.example>\n"
	    "Call-ID: o1\nCSeq: 1 CANCEL\n");
	ATF_CHECK(w_find(w, "SIP/2.0 481 ") != NULL);
	ATF_CHECK_EQ(0, w_count(w, "CANCEL"));
	w_answer(w, &pbx, req, "200 OK", "p", "Contact: <sip:x@10.0.0.5>\n");
	ATF_CHECK(w_find(w, "SIP/2.0 200 ") != NULL);
	w_free(w);
}

/* A PBX's 3xx, 401, 407 leave as 480; its host leaves in no header. */
ATF_TC_WITHOUT_HEAD(pbx_answers);
ATF_TC_BODY(pbx_answers, tc)
{
	static const char *const rows[][2] = {
		{ "302 x", "480" }, { "401 x", "480" }, { "407 x", "480" }, { "486 x", "486" },
		{ "603 x", "603" }, { "503 x", "503" },
	};
	struct world	*w;
	const char	*req, *got;
	char		 want[32];
	size_t		 i;

	for (i = 0; i < 6; i++) {
		w = start();
		ATF_REQUIRE((req = ring(w, "1")) != NULL);
		w_answer(w, &pbx, req, rows[i][0], "p", "Contact: <sip:0900@10.0.0.5>\n"
		    "ViPR-Refusal: revoked\nWWW-Authenticate: Digest realm=\"10.0.0.5\"\n"
		    "Reason: SIP;text=\"10.0.0.5\"\nServer: 10.0.0.5\n");
		ATF_CHECK_EQ(1, w_count(w, "ACK sip:" OURS "@10.0.0.5"));
		(void)snprintf(want, sizeof(want), "SIP/2.0 %s ", rows[i][1]);
		ATF_REQUIRE_MSG((got = w_find(w, want)) != NULL, "%s", rows[i][0]);
		ATF_CHECK_MSG(strstr(got, "10.0.0.5") == NULL, "%s", got);
		ATF_CHECK_EQ(NULL, w_hdr(got, "ViPR-Refusal"));
		ATF_CHECK_EQ(NULL, w_hdr(got, "Contact"));
		w_free(w);
	}
}

/* The peer's connection breaks while the PBX rings: the PBX is told. */
ATF_TC_WITHOUT_HEAD(peer_gone);
ATF_TC_BODY(peer_gone, tc)
{
	struct world		*w = start();
	struct proxy_stats	 ps;
	const char		*req;

	ATF_REQUIRE((req = ring(w, "1")) != NULL);
	w_answer(w, &pbx, req, "180 Ringing", "p", "Contact: <sip:x@10.0.0.5>\n");
	w->w_up[1] = 0;
	proxy_flow_gone(w->w_px, 1);
	ATF_CHECK_EQ(1, w_count(w, "CANCEL"));
	w_answer(w, &pbx, req, "487 x", "p", "");
	w_pass(w, 300000);
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ(0, ps.ps_txns);
	ATF_CHECK_EQ(0, ps.ps_contexts);
	ATF_CHECK_EQ(0, ps.ps_dialogs);
	w_free(w);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, accepted);
	ATF_TP_ADD_TC(tp, refused);
	ATF_TP_ADD_TC(tp, key_away);
	ATF_TP_ADD_TC(tp, methods);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, foreign_cancel);
	ATF_TP_ADD_TC(tp, pbx_answers);
	ATF_TP_ADD_TC(tp, peer_gone);
	return (atf_no_error());
}
