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

/* Direct calls, both ways, and every row of the fall-back table. */

#include <atf-c.h>

#include "proxy_harness.h"

#define SDP	"v=0\no=- 1 1 IN IP4 8.8.8.8\ns=-\nc=IN IP4 8.8.8.8\nt=0 0\n" \
		"m=audio 4000 RTP/AVP 8\n"
#define NUMBER	"+4940123456"

static struct sip_flow	pbx, trunk, peer, other;

static struct world	*start(void);
static void		 invite(struct world *, const char *);
static const char	*trunked(struct world *);
static unsigned		 state(struct world *, unsigned *);

static struct world *
start(void)
{
	struct world	*w;

	w_flow_udp(&pbx, "10.0.0.5", 5060);
	w_flow_udp(&trunk, "192.0.2.9", 5060);
	w_outflow(&peer, 1);
	w_outflow(&other, 2);
	w = w_new(1);
	w_name(w, 1, "b.example");
	w_name(w, 2, "c.example");
	w_route(w, NUMBER, ROUTE_ACTIVE, "VElDS0VU");
	return (w);
}

static unsigned
state(struct world *w, unsigned *strikes)
{
	static struct rtab_number	 rn;

	if (rtab_get(w->w_rtab, NUMBER, &rn) == -1 || rn.rn_count == 0)
		return (ROUTE_NONE);
	*strikes = rn.rn_routes[0].rr_strikes;
	return (rn.rn_routes[0].rr_state);
}

static void
invite(struct world *w, const char *n)
{
	w_in(w, &pbx, "INVITE sip:040123456@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK%s;rport\n"
	    "Max-Forwards: 70\nFrom: \"Alice\" <sip:030123451@10.0.0.5>;tag=f%s\n"
	    "To: <sip:040123456@10.0.0.1>\nCall-ID: c%s@10.0.0.5\nCSeq: 1 INVITE\n"
	    "P-Asserted-Identity: <sip:030123451@10.0.0.5>\nX-PBX: 10.0.0.5\n"
	    "ViPR-Ticket: mine\nSupported: 100rel\n"
	    "Contact: <sip:alice@10.0.0.5:5060>\nContent-Type: application/sdp\n\n" SDP,
	    n, n, n);
}

/* The same call on the trunk, with what the PBX sent as its Request-URI. */
static const char *
trunked(struct world *w)
{
	struct sent	*se;

	while ((se = w_out(w)) != NULL)
		if (vaddr_eq(&se->se_flow.fl_peer, &trunk.fl_peer) &&
		    strncmp(se->se_text, "INVITE sip:040123456@10.0.0.1 SIP/2.0\r\n", 39) == 0)
			return (se->se_text);
	return (NULL);
}

ATF_TC_WITHOUT_HEAD(out_call);
ATF_TC_BODY(out_call, tc)
{
	struct world	*w = start();
	struct sent	*se;
	const char	*req, *ours, *contact, *rr, *callid;
	char		 local[2048], remote[2048];

	invite(w, "1");
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	ATF_CHECK(strncmp(req, "INVITE sip:" NUMBER "@b.example:5061;transport=tls SIP/2.0\r\n",
	    58) == 0);
	ATF_CHECK_STREQ("VElDS0VU", w_hdr(req, "ViPR-Ticket"));
	ATF_CHECK_EQ(NULL, w_hdr_n(req, "ViPR-Ticket", 1));
	ATF_CHECK_EQ(NULL, w_hdr_n(req, "Via", 1));
	ATF_CHECK_EQ(NULL, w_hdr(req, "X-PBX"));
	ATF_CHECK_MSG(strstr(w_hdr(req, "From"), "<sip:+4930123451@") != NULL, "%s",
	    w_hdr(req, "From"));
	/* Nothing in the headers names the inside; the body is not theirs. */
	{
		char	head[16384];

		(void)snprintf(head, sizeof(head), "%s", req);
		*strstr(head, "\r\n\r\n") = '\0';
		ATF_CHECK_MSG(strstr(head, "10.0.0.5") == NULL, "%s", head);
	}
	contact = w_hdr(req, "Contact");
	ATF_REQUIRE(contact != NULL);
	ATF_CHECK(strstr(contact, "@border.a.example:5061") != NULL);
	rr = w_hdr(req, "Record-Route");
	ATF_REQUIRE(rr != NULL && w_hdr_n(req, "Record-Route", 1) == NULL);
	ATF_CHECK(strcmp(rr, contact) != 0);
	(void)snprintf(local, sizeof(local), "%s", contact + 1);
	*strchr(local, '>') = '\0';
	(void)snprintf(remote, sizeof(remote), "%s", rr);

	w_answer(w, &peer, req, "100 Trying", "", "");
	w_answer(w, &peer, req, "180 Ringing", "t1",
	    "Contact: <sip:vb@b.example;transport=tls>\nX-Evil: 1\n");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "SIP/2.0 180 ", 12) == 0);
	ATF_CHECK_EQ(NULL, w_hdr(se->se_text, "X-Evil"));
	ATF_CHECK_EQ(NULL, w_hdr(se->se_text, "Record-Route"));
	ATF_CHECK_STREQ("c1@10.0.0.5", w_hdr(se->se_text, "Call-ID"));
	ATF_CHECK_STREQ("<sip:040123456@10.0.0.1>;tag=t1", w_hdr(se->se_text, "To"));
	ATF_CHECK_STREQ("\"Alice\" <sip:030123451@10.0.0.5>;tag=f1",
	    w_hdr(se->se_text, "From"));
	w_answer(w, &peer, req, "200 OK", "t1",
	    "Contact: <sip:vb@b.example;transport=tls>\n");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "SIP/2.0 200 ", 12) == 0);
	ours = w_hdr(se->se_text, "Contact");
	ATF_CHECK(strncmp(ours, "<sip:vipr-", 10) == 0 && strstr(ours, "@10.0.0.1:5060") != NULL);
	ATF_CHECK_EQ_MSG(0, w->w_noutcomes, "a route without strikes has none to clear");

	/* ACK and a request of the PBX: to the peer's Contact, by its Route. */
	w_in(w, &pbx, "ACK sip:vipr-1@10.0.0.1:5060 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKa\nMax-Forwards: 70\n"
	    "From: <sip:030123451@10.0.0.5>;tag=f1\nTo: <sip:040123456@10.0.0.1>;tag=t1\n"
	    "Call-ID: c1@10.0.0.5\nCSeq: 1 ACK\n");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "ACK sip:vb@b.example;transport=tls SIP/2.0\r\n", 44) == 0);
	ATF_CHECK_EQ(1, se->se_flow.fl_conn);
	callid = w_hdr(req, "Call-ID");
	ATF_CHECK_STREQ(callid, w_hdr(se->se_text, "Call-ID"));
	ATF_CHECK(strstr(callid, "10.0.0.5") == NULL);

	/* The peer hangs up, with our seal. */
	w_in(w, &peer, "BYE %s SIP/2.0\nVia: SIP/2.0/TLS b.example;branch=z9hG4bKb\n"
	    "Route: %s\nMax-Forwards: 70\nFrom: <sip:" NUMBER "@b.example>;tag=t1\n"
	    "To: <sip:+4930123451@a.example>;tag=f1\nCall-ID: %s\nCSeq: 9 BYE\n",
	    local, remote, callid);
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK_MSG(strncmp(se->se_text, "BYE sip:alice@10.0.0.5:5060 SIP/2.0\r\n", 37) == 0,
	    "%s", se->se_text);
	ATF_CHECK_STREQ("c1@10.0.0.5", w_hdr(se->se_text, "Call-ID"));
	ATF_CHECK_STREQ("<sip:040123456@10.0.0.1>;tag=t1", w_hdr(se->se_text, "From"));
	ATF_CHECK_EQ(NULL, w_hdr(se->se_text, "Route"));
	w_answer(w, &pbx, se->se_text, "200 OK", "", "");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "SIP/2.0 200 ", 12) == 0);
	ATF_CHECK_EQ(FACE_OUTSIDE, se->se_flow.fl_face);
	w_pass(w, 1000);
	ATF_REQUIRE_EQ(1, w->w_nlegs);
	ATF_CHECK_EQ(LEG_OUTSIDE_OUT, w->w_legs[0].lg_kind);
	w_free(w);
}

/* What happens before anything above 100, and what it does to the route. */
struct row {
	const char	*ro_status, *ro_extra;
	int		 ro_trunk;	/* 1 trunk, 0 passed on */
	enum route_state ro_state;
	unsigned	 ro_strikes;
};

ATF_TC_WITHOUT_HEAD(fall_back);
ATF_TC_BODY(fall_back, tc)
{
	static const struct row	 rows[] = {
		{ "408 x", "", 1, ROUTE_ACTIVE, 1 },
		{ "491 x", "", 1, ROUTE_ACTIVE, 1 },
		{ "500 x", "", 1, ROUTE_ACTIVE, 1 },
		{ "503 x", "", 1, ROUTE_ACTIVE, 1 },
		{ "503 x", "ViPR-Refusal: busy\nRetry-After: 7\n", 1, ROUTE_ACTIVE, 0 },
		{ "403 x", "ViPR-Refusal: expired\n", 1, ROUTE_EXPIRED, 0 },
		{ "403 x", "ViPR-Refusal: no-ticket\n", 1, ROUTE_NONE, 0 },
		{ "403 x", "ViPR-Refusal: bad-ticket\n", 1, ROUTE_NONE, 0 },
		{ "403 x", "ViPR-Refusal: revoked\n", 1, ROUTE_NONE, 0 },
		{ "403 x", "ViPR-Refusal: wrong-number\n", 1, ROUTE_NONE, 0 },
		{ "403 x", "ViPR-Refusal: not-ours\n", 1, ROUTE_NONE, 0 },
		{ "403 x", "ViPR-Refusal: policy\n", 1, ROUTE_NONE, 0 },
		{ "200 x", "ViPR-Refusal: sillycode\nContact: <sip:b@b.example>\n", 0,
		    ROUTE_ACTIVE, 0 },
		{ "403 x", "ViPR-Refusal: sillycode\n", 1, ROUTE_ACTIVE, 1 },
		{ "403 x", "ViPR-Refusal: revoked\nViPR-Refusal: revoked\n", 1,
		    ROUTE_ACTIVE, 1 },
		{ "404 x", "", 1, ROUTE_ACTIVE, 1 },
		{ "401 x", "", 1, ROUTE_ACTIVE, 1 },
		{ "407 x", "", 1, ROUTE_ACTIVE, 1 },
		{ "302 x", "Contact: <sip:+19005551212@premium.example>\n", 1,
		    ROUTE_ACTIVE, 1 },
		{ "606 x", "", 1, ROUTE_ACTIVE, 1 },
		{ "486 x", "", 0, ROUTE_ACTIVE, 0 },
		{ "480 x", "", 0, ROUTE_ACTIVE, 0 },
		{ "487 x", "", 0, ROUTE_ACTIVE, 0 },
		{ "600 x", "", 0, ROUTE_ACTIVE, 0 },
		{ "603 x", "", 0, ROUTE_ACTIVE, 0 },
	};
	struct world	*w;
	const char	*req;
	char		 want[32];
	unsigned	 strikes = 0;
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w = start();
		invite(w, "1");
		ATF_REQUIRE((req = w_outward(w)) != NULL);
		w_answer(w, &peer, req, "100 Trying", "", "");
		w_answer(w, &peer, req, rows[i].ro_status, "t1", rows[i].ro_extra);
		/* A non-2xx is acknowledged on the leg itself. */
		if (rows[i].ro_status[0] != '2')
			ATF_CHECK_EQ(1, w_count(w, "ACK sip:" NUMBER));
		if (rows[i].ro_trunk)
			ATF_CHECK_MSG(trunked(w) != NULL, "row %zu: no trunk", i);
		else {
			(void)snprintf(want, sizeof(want), "SIP/2.0 %.3s ",
			    rows[i].ro_status);
			ATF_CHECK_MSG(w_find(w, want) != NULL, "row %zu: not passed", i);
		}
		ATF_CHECK_EQ_MSG((unsigned)rows[i].ro_state, state(w, &strikes) ==
		    ROUTE_REMOVED ? ROUTE_NONE : state(w, &strikes), "row %zu: state %u", i,
		    state(w, &strikes));
		if (rows[i].ro_state == ROUTE_ACTIVE)
			ATF_CHECK_EQ_MSG(rows[i].ro_strikes, strikes, "row %zu: %u strikes",
			    i, strikes);
		w_free(w);
	}
}

ATF_TC_WITHOUT_HEAD(two_strikes);
ATF_TC_BODY(two_strikes, tc)
{
	struct world	*w = start();
	const char	*req;
	unsigned	 strikes;

	invite(w, "1");
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	w_answer(w, &peer, req, "500 x", "t", "");
	ATF_REQUIRE(trunked(w) != NULL);
	invite(w, "2");
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	w_answer(w, &peer, req, "500 x", "t", "");
	ATF_REQUIRE(trunked(w) != NULL);
	ATF_CHECK_EQ(ROUTE_SUSPENDED, state(w, &strikes));
	invite(w, "3");
	ATF_CHECK_EQ(NULL, w_outward(w));
	w_free(w);
}

/* A good call ends a row of strikes, and key hears of it; of the next ones not. */
ATF_TC_WITHOUT_HEAD(strike_cleared);
ATF_TC_BODY(strike_cleared, tc)
{
	static const char *const ids[] = { "2", "3" };
	struct world	*w = start();
	const char	*req;
	unsigned	 strikes, i;

	invite(w, "1");
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	w_answer(w, &peer, req, "500 x", "t", "");
	ATF_REQUIRE(trunked(w) != NULL);
	ATF_CHECK_EQ(ROUTE_ACTIVE, state(w, &strikes));
	ATF_CHECK_EQ(1, strikes);
	ATF_CHECK_EQ(1, w->w_noutcomes);
	for (i = 0; i < 2; i++) {
		invite(w, ids[i]);
		ATF_REQUIRE((req = w_outward(w)) != NULL);
		w_answer(w, &peer, req, "200 OK", "t1",
		    "Contact: <sip:vb@b.example;transport=tls>\n");
		ATF_REQUIRE(w_find(w, "SIP/2.0 200 ") != NULL);
		ATF_CHECK_EQ(ROUTE_ACTIVE, state(w, &strikes));
		ATF_CHECK_EQ(0, strikes);
		ATF_CHECK_EQ(2, w->w_noutcomes);
		ATF_CHECK_EQ(OUTCOME_OK, w->w_outcome);
	}
	w_free(w);
}

/* Silence, no connection, lost connection: the host is skipped, the call goes on. */
ATF_TC_WITHOUT_HEAD(host_skip);
ATF_TC_BODY(host_skip, tc)
{
	struct world	*w = start();
	struct sent	*se;
	const char	*req;
	unsigned	 strikes;

	/* Silence: 4 s, a 100 restarts nothing, then CANCEL because of it. */
	invite(w, "1");
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	w_pass(w, 3000);
	w_answer(w, &peer, req, "100 Trying", "", "");
	w_pass(w, 900);
	ATF_CHECK_EQ(NULL, w_out(w));
	w_pass(w, 200);
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "CANCEL sip:" NUMBER, 18) == 0);
	ATF_CHECK(trunked(w) != NULL);
	ATF_CHECK_EQ(ROUTE_ACTIVE, state(w, &strikes));
	/* A 2xx that crossed it: ACK, BYE, nothing for the PBX. */
	w_answer(w, &peer, req, "200 OK", "t", "Contact: <sip:vb@b.example>\n");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "ACK sip:vb@b.example ", 21) == 0);
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "BYE sip:vb@b.example ", 21) == 0);
	ATF_CHECK_EQ(NULL, w_out(w));
	/* The next call does not wait for that host. */
	invite(w, "2");
	ATF_CHECK_EQ(NULL, w_outward(w));
	w->w_next = 0;
	/* After a minute it is tried again; no connection: two minutes. */
	w_pass(w, 61000);
	w->w_next = w->w_nsent;
	w->w_connect = 0;
	invite(w, "3");
	ATF_CHECK_EQ(NULL, w_outward(w));
	w->w_next = w->w_nsent;
	w_pass(w, 1900);
	ATF_CHECK_EQ(NULL, trunked(w));
	w_pass(w, 200);
	ATF_CHECK(trunked(w) != NULL);
	w_pass(w, 61000);
	w->w_connect = 1;
	w->w_next = w->w_nsent;
	invite(w, "4");
	ATF_CHECK_EQ(NULL, w_outward(w));
	w_pass(w, 61000);
	w->w_next = w->w_nsent;
	invite(w, "5");
	ATF_REQUIRE(w_outward(w) != NULL);
	/* The connection breaks: the third in a row raises the alarm. */
	w->w_up[1] = 0;
	proxy_flow_gone(w->w_px, 1);
	ATF_CHECK(trunked(w) != NULL);
	ATF_CHECK(strstr(w->w_log, "3 times in a row") != NULL);
	w_free(w);
}

/* No 1xx yet: no CANCEL before one comes (RFC 3261 9.1). */
ATF_TC_WITHOUT_HEAD(cancel_waits);
ATF_TC_BODY(cancel_waits, tc)
{
	struct world	*w = start();
	const char	*req;

	invite(w, "1");
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	w_pass(w, 4100);
	ATF_CHECK_EQ(0, w_count(w, "CANCEL"));
	ATF_CHECK(trunked(w) != NULL);
	w_answer(w, &peer, req, "100 Trying", "", "");
	ATF_CHECK(w_find(w, "CANCEL sip:" NUMBER) != NULL);
	w_answer(w, &peer, req, "487 x", "t", "");
	ATF_CHECK(w_find(w, "ACK sip:" NUMBER) != NULL);
	ATF_CHECK_EQ(NULL, w_out(w));
	w_free(w);
}

/* The caller gives up: 487 to it at once, and no fall-back. */
ATF_TC_WITHOUT_HEAD(caller_cancels);
ATF_TC_BODY(caller_cancels, tc)
{
	struct world	*w = start();
	const char	*req;

	invite(w, "1");
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	w_answer(w, &peer, req, "180 Ringing", "t", "Contact: <sip:vb@b.example>\n");
	w_in(w, &pbx, "CANCEL sip:040123456@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1;rport\nMax-Forwards: 70\n"
	    "From: <sip:030123451@10.0.0.5>;tag=f1\nTo: <sip:040123456@10.0.0.1>\n"
	    "Call-ID: c1@10.0.0.5\nCSeq: 1 CANCEL\n");
	ATF_CHECK(w_count(w, "SIP/2.0 200 ") == 1);
	ATF_CHECK(w_count(w, "SIP/2.0 487 ") == 1);
	ATF_CHECK(w_count(w, "CANCEL sip:" NUMBER) == 1);
	ATF_CHECK_EQ(NULL, trunked(w));
	w_answer(w, &peer, req, "200 OK", "t", "Contact: <sip:vb@b.example>\n");
	/* It crossed the CANCEL: ended by us, not shown. */
	ATF_CHECK_EQ(1, w_count(w, "ACK sip:vb"));
	ATF_CHECK_EQ(1, w_count(w, "BYE sip:vb"));
	ATF_CHECK_EQ(0, w_count(w, "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1;rport=5060\r\nContact"));
	w_free(w);
}

/* key is away: no new connection can be made; no fault of the host. */
ATF_TC_WITHOUT_HEAD(key_away);
ATF_TC_BODY(key_away, tc)
{
	struct world	*w = start();
	unsigned	 strikes;

	w->w_connect = -2;
	invite(w, "1");
	ATF_CHECK(trunked(w) != NULL);
	w->w_connect = 1;
	invite(w, "2");
	ATF_CHECK(w_outward(w) != NULL);
	ATF_CHECK_EQ(ROUTE_ACTIVE, state(w, &strikes));
	w_free(w);
}

/* A 2xx with a known refusal is a refusal: the peer's call is ended. */
ATF_TC_WITHOUT_HEAD(refusing_2xx);
ATF_TC_BODY(refusing_2xx, tc)
{
	struct world	*w = start();
	const char	*req;

	invite(w, "1");
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	w_answer(w, &peer, req, "200 OK", "t",
	    "ViPR-Refusal: not-ours\nContact: <sip:vb@b.example>\n");
	if (w_count(w, "SIP/2.0 200 ") == 0) {
		ATF_CHECK_EQ(1, w_count(w, "ACK sip:vb@b.example "));
		ATF_CHECK_EQ(1, w_count(w, "BYE sip:vb@b.example "));
		ATF_CHECK(trunked(w) != NULL);
	}
	w_free(w);
}

/* After a passed 180 every final answer is passed on; 3xx, 401, 407 as 480. */
ATF_TC_WITHOUT_HEAD(after_ringing);
ATF_TC_BODY(after_ringing, tc)
{
	static const char *const cases[][2] = {
		{ "302 x", "480" }, { "401 x", "480" }, { "407 x", "480" },
		{ "404 x", "404" }, { "486 x", "486" }, { "500 x", "500" },
	};
	struct world	*w;
	const char	*req;
	char		 want[32];
	unsigned	 strikes;
	size_t		 i;

	for (i = 0; i < 6; i++) {
		w = start();
		invite(w, "1");
		ATF_REQUIRE((req = w_outward(w)) != NULL);
		w_answer(w, &peer, req, "183 x", "t", "Contact: <sip:vb@b.example>\n");
		w_answer(w, &peer, req, cases[i][0], "t", "");
		(void)snprintf(want, sizeof(want), "SIP/2.0 %s ", cases[i][1]);
		ATF_CHECK_MSG(w_count(w, want) == 1, "%s", cases[i][0]);
		ATF_CHECK_EQ(NULL, trunked(w));
		ATF_CHECK_EQ(ROUTE_ACTIVE, state(w, &strikes));
		ATF_CHECK_EQ(i == 3 ? 1 : 0, strikes);
		w_free(w);
	}
	w = start();
	invite(w, "1");
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	w_answer(w, &peer, req, "183 x", "t", "Contact: <sip:vb@b.example>\n");
	w_answer(w, &peer, req, "403 x", "t", "ViPR-Refusal: revoked\n");
	ATF_REQUIRE((req = w_find(w, "SIP/2.0 403 ")) != NULL);
	ATF_CHECK_EQ(NULL, w_hdr(req, "ViPR-Refusal"));
	ATF_CHECK(state(w, &strikes) != ROUTE_ACTIVE);
	w_free(w);
}

/* Calls that are not diverted, each with its reason. */
ATF_TC_WITHOUT_HEAD(not_diverted);
ATF_TC_BODY(not_diverted, tc)
{
	struct world	*w;
	const char	*list[4];
	size_t		 i;
	static const char *const extra[][3] = {
		{ "Privacy: id\n", SDP, "trunk: privacy" },
		{ "", "v=0\no=- 1 1 IN IP4 8.8.8.8\ns=-\nc=IN IP4 192.168.1.1\nt=0 0\n"
		    "m=audio 4000 RTP/AVP 8\n", "trunk: media-private" },
		{ "", "", "trunk: media-unknown" },
	};

	for (i = 0; i < 3; i++) {
		w = start();
		w_in(w, &pbx, "INVITE sip:040123456@10.0.0.1 SIP/2.0\n"
		    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1;rport\n"
		    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=f\n"
		    "To: <sip:040123456@10.0.0.1>\nCall-ID: c\nCSeq: 1 INVITE\n%s"
		    "Contact: <sip:alice@10.0.0.5:5060>\n%s\n\n%s", extra[i][0],
		    extra[i][1][0] != '\0' ? "Content-Type: application/sdp" : "X: y",
		    extra[i][1]);
		ATF_CHECK_MSG(trunked(w) != NULL, "case %zu", i);
		ATF_REQUIRE_EQ(1, proxy_explain(w->w_px, NUMBER, list, 4));
		ATF_CHECK_STREQ(extra[i][2], list[0]);
		w_free(w);
	}
	/* mode log: learned and reported, not diverted. */
	w = start();
	w->w_conf->c_flags |= CONF_MODE_LOG;
	invite(w, "1");
	ATF_CHECK(trunked(w) != NULL);
	ATF_REQUIRE_EQ(1, proxy_explain(w->w_px, NUMBER, list, 4));
	ATF_CHECK_STREQ("trunk: mode-log", list[0]);
	w_free(w);
	/* Not active. */
	w = start();
	w_route(w, NUMBER, ROUTE_PENDING, "VElDS0VU");
	invite(w, "1");
	ATF_CHECK(trunked(w) != NULL);
	ATF_REQUIRE_EQ(1, proxy_explain(w->w_px, NUMBER, list, 4));
	ATF_CHECK_STREQ("trunk: not-active", list[0]);
	w_free(w);
	/* No proof for long: the first call is proven again, the next not. */
	w = start();
	w->w_utc += 15ull * 86400 * 1000;
	w_route(w, NUMBER, ROUTE_ACTIVE, "VElDS0VU");
	{
		static struct rtab_number	 rn;

		ATF_REQUIRE_EQ(0, rtab_get(w->w_rtab, NUMBER, &rn));
		rn.rn_routes[0].rr_last_proof -= 15 * 86400;
		ATF_REQUIRE_EQ(0, rtab_put(w->w_rtab, &rn));
	}
	invite(w, "1");
	ATF_CHECK(trunked(w) != NULL);
	ATF_REQUIRE_EQ(1, proxy_explain(w->w_px, NUMBER, list, 4));
	ATF_CHECK_STREQ("trunk: reprove", list[0]);
	invite(w, "2");
	ATF_CHECK(w_outward(w) != NULL);
	w_free(w);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, out_call);
	ATF_TP_ADD_TC(tp, fall_back);
	ATF_TP_ADD_TC(tp, two_strikes);
	ATF_TP_ADD_TC(tp, strike_cleared);
	ATF_TP_ADD_TC(tp, host_skip);
	ATF_TP_ADD_TC(tp, cancel_waits);
	ATF_TP_ADD_TC(tp, caller_cancels);
	ATF_TP_ADD_TC(tp, key_away);
	ATF_TP_ADD_TC(tp, refusing_2xx);
	ATF_TP_ADD_TC(tp, after_ringing);
	ATF_TP_ADD_TC(tp, not_diverted);
	return (atf_no_error());
}
