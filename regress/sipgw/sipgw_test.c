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
 * Two whole sipgw processes: a direct call over TLS, its dialog, and what
 * happens when the other side is gone.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boxpair.h"

/* PBX of A to PBX of B: both sides sign, B's key sees the ticket, the dialog
 * goes through both borders, both report the leg; then again on the same
 * connection. */
ATF_TC_WITHOUT_HEAD(direct_call);
ATF_TC_BODY(direct_call, tc)
{
	static char	 text[8192];
	char		 contact[1024], from[512], to[512], callid[512];
	int		 i;

	start(tc);
	for (i = 0; i < 2; i++) {
		invite(i == 0 ? "one" : "two");
		WAIT_FOR(receive(b.bx_pbx, "INVITE sip:" NUMBER "@127.77.0.9"));
		ATF_CHECK_EQ(1, a.bx_nsigned);
		ATF_CHECK_EQ(1, b.bx_nsigned);
		ATF_CHECK_EQ((size_t)i + 1, b.bx_ntickets);
		ATF_CHECK_STREQ(NUMBER, b.bx_number);
		ATF_CHECK_STREQ("VElDS0VU", b.bx_token);
		ATF_CHECK(strstr(got, "VElDS0VU") == NULL);
		ATF_CHECK(strstr(got, SDP) != NULL);
		answer(&b, b.bx_pbx, "180 Ringing", "bob");
		WAIT_FOR(receive(a.bx_pbx, "SIP/2.0 180 "));
		/* B's INVITE is gone from got; ask for its repeat by the 200. */
		invite(i == 0 ? "one" : "two");
		WAIT_FOR(receive(a.bx_pbx, "SIP/2.0 180 "));
		hdr(got, "Contact", contact, sizeof(contact));
		hdr(got, "To", to, sizeof(to));
		hdr(got, "From", from, sizeof(from));
		hdr(got, "Call-ID", callid, sizeof(callid));
		ATF_REQUIRE(contact[0] == '<');
		contact[strlen(contact) - 1] = '\0';
		/* The caller hangs up an early dialog by BYE: it reaches B. */
		(void)snprintf(text, sizeof(text), "BYE %s SIP/2.0\r\n"
		    "Via: SIP/2.0/UDP 127.77.0.9:%u;branch=z9hG4bKbye%d\r\n"
		    "Max-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\n"
		    "CSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n", contact + 1, a.bx_pbx_port,
		    i, from, to, callid);
		transmit(&a, a.bx_pbx, text);
		WAIT_FOR(receive(b.bx_pbx, "BYE sip:bob@127.77.0.9"));
		answer(&b, b.bx_pbx, "200 OK", "bob");
		WAIT_FOR(receive(a.bx_pbx, "SIP/2.0 200 "));
	}
	stop();
}

/* An answered call: legs of both sides, no word on the trunk. */
ATF_TC_WITHOUT_HEAD(answered);
ATF_TC_BODY(answered, tc)
{
	static char	 text[8192];
	char		 contact[1024], from[512], to[512], callid[512];

	start(tc);
	invite("one");
	WAIT_FOR(receive(b.bx_pbx, "INVITE "));
	answer(&b, b.bx_pbx, "200 OK", "bob");
	WAIT_FOR(receive(a.bx_pbx, "SIP/2.0 200 "));
	hdr(got, "Contact", contact, sizeof(contact));
	hdr(got, "To", to, sizeof(to));
	hdr(got, "From", from, sizeof(from));
	hdr(got, "Call-ID", callid, sizeof(callid));
	contact[strlen(contact) - 1] = '\0';
	(void)snprintf(text, sizeof(text), "ACK %s SIP/2.0\r\n"
	    "Via: SIP/2.0/UDP 127.77.0.9:%u;branch=z9hG4bKack\r\nMax-Forwards: 70\r\n"
	    "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
	    contact + 1, a.bx_pbx_port, from, to, callid);
	transmit(&a, a.bx_pbx, text);
	WAIT_FOR(receive(b.bx_pbx, "ACK sip:bob@127.77.0.9"));
	/* B hangs up, at the Contact that A's call showed to it. */
	hdr(got, "From", from, sizeof(from));
	hdr(got, "To", to, sizeof(to));
	hdr(got, "Call-ID", callid, sizeof(callid));
	(void)snprintf(text, sizeof(text), "BYE sip:vipr-1@%s:%u SIP/2.0\r\n"
	    "Via: SIP/2.0/UDP 127.77.0.9:%u;branch=z9hG4bKbye\r\nMax-Forwards: 70\r\n"
	    "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
	    b.bx_addr, b.bx_udp, b.bx_pbx_port, to, from, callid);
	transmit(&b, b.bx_pbx, text);
	WAIT_FOR(receive(a.bx_pbx, "BYE sip:x@127.77.0.9"));
	answer(&a, a.bx_pbx, "200 OK", "x");
	WAIT_FOR(receive(b.bx_pbx, "SIP/2.0 200 "));
	WAIT_FOR(a.bx_nlegs == 1 && b.bx_nlegs == 1);
	ATF_CHECK_EQ(LEG_OUTSIDE_OUT, a.bx_leg.lg_kind);
	ATF_CHECK_EQ(LEG_OUTSIDE_IN, b.bx_leg.lg_kind);
	/* A good call of a good route is no news. */
	ATF_CHECK_EQ(0, a.bx_noutcomes);
	ATF_CHECK_EQ(0, receive(a.bx_trunk, "INVITE"));
	stop();
}

/* B refuses; key of B goes away; B itself goes away: the trunk each time. */
ATF_TC_WITHOUT_HEAD(fall_back);
ATF_TC_BODY(fall_back, tc)
{
	int	status;

	start(tc);
	b.bx_refusal = REFUSAL_BUSY;
	invite("one");
	WAIT_FOR(receive(a.bx_trunk, "INVITE sip:" NUMBER "@127.77.0.1 "));
	answer(&a, a.bx_trunk, "486 Busy", "gw");
	WAIT_FOR(receive(a.bx_pbx, "SIP/2.0 486 "));
	/* The route is skipped now; key sends its routes again, but a skip is
	 * sipgw's own.  A's key comes back and is asked for its routes. */
	chan_free(a.bx_key);
	box_key(&a);
	WAIT_FOR(a.bx_nsync == 2);
	invite("two");
	WAIT_FOR(receive(a.bx_trunk, "INVITE sip:" NUMBER "@127.77.0.1 "));
	ATF_CHECK_EQ(1, b.bx_ntickets);
	ATF_REQUIRE_EQ(0, kill(b.bx_pid, SIGKILL));
	ATF_REQUIRE_EQ(b.bx_pid, waitpid(b.bx_pid, &status, 0));
	b.bx_pid = -1;
	ATF_CHECK_EQ(0, receive(b.bx_pbx, "INVITE"));
	stop();
}

/* A call that B's PBX refuses; how often B's key has been asked by then. */
static size_t
ask_again(const char *n)
{
	invite(n);
	WAIT_FOR(receive(b.bx_pbx, "INVITE "));
	answer(&b, b.bx_pbx, "486 Busy Here", "bob");
	WAIT_FOR(receive(a.bx_pbx, "SIP/2.0 486 "));
	return (b.bx_ntickets);
}

static void
announce(uint64_t generation, uint64_t revocations)
{
	struct imsg_ticket_gen	tg;

	memset(&tg, 0, sizeof(tg));
	tg.tg_generation = generation;
	tg.tg_revocations = revocations;
	ATF_REQUIRE_EQ(0, chan_send(b.bx_key, IMSG_TICKET_GEN, -1, &tg, sizeof(tg), NULL, 0));
	WAIT_FOR(b.bx_told == generation);
}

/* A ticket that key found good is not asked about again, until key says that
 * something changed; what crosses that word on its way is not believed. */
ATF_TC_WITHOUT_HEAD(remembered);
ATF_TC_BODY(remembered, tc)
{
	start(tc);
	/* key has not named a generation: nothing is remembered. */
	b.bx_generation = 0;
	ATF_CHECK_EQ(1, ask_again("a1"));
	ATF_CHECK_EQ(2, ask_again("a2"));
	b.bx_generation = 5;
	ATF_CHECK_EQ(3, ask_again("a3"));
	announce(5, 0);
	ATF_CHECK_EQ(4, ask_again("b1"));
	ATF_CHECK_EQ(4, ask_again("b2"));
	ATF_CHECK_EQ(4, ask_again("b3"));
	/* Revoked.  An answer that was on its way with the old generation
	 * lets its own call in and no other. */
	announce(6, 1);
	ATF_CHECK_EQ(5, ask_again("c1"));
	ATF_CHECK_EQ(6, ask_again("c2"));
	b.bx_generation = 6;
	ATF_CHECK_EQ(7, ask_again("d1"));
	ATF_CHECK_EQ(7, ask_again("d2"));
	/* Without key there is no verdict, although one is remembered. */
	chan_free(b.bx_key);
	b.bx_key = NULL;
	invite("e1");
	WAIT_FOR(receive(a.bx_trunk, "INVITE sip:" NUMBER "@127.77.0.1 "));
	ATF_CHECK_EQ(7, b.bx_ntickets);
	ATF_CHECK_EQ(0, receive(b.bx_pbx, "INVITE"));
	stop();
}

/* Something that is no SIP, and a connection without a certificate. */
ATF_TC_WITHOUT_HEAD(strangers);
ATF_TC_BODY(strangers, tc)
{
	struct sockaddr_in	sin;
	char			buf[256];
	ssize_t			n;
	int			fd;

	start(tc);
	transmit(&a, a.bx_pbx, "\r\n\r\nnonsense\r\n\r\n");
	transmit(&a, a.bx_pbx, "INVITE sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP 127.77.0.9\r\n\r\n");
	ATF_REQUIRE((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) != -1);
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	(void)inet_pton(AF_INET, b.bx_addr, &sin.sin_addr);
	sin.sin_port = htons(b.bx_tls);
	ATF_REQUIRE_EQ(0, connect(fd, (struct sockaddr *)&sin, sizeof(sin)));
	ATF_REQUIRE(send(fd, "OPTIONS sip:b SIP/2.0\r\n\r\n", 25, 0) == 25);
	ATF_REQUIRE(fcntl(fd, F_SETFL, O_NONBLOCK) != -1);
	/* An alert at most, then the end. */
	WAIT_FOR((n = recv(fd, buf, sizeof(buf), 0)) == 0 || (n == -1 && errno != EAGAIN));
	(void)close(fd);
	invite("one");
	WAIT_FOR(receive(b.bx_pbx, "INVITE "));
	stop();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, direct_call);
	ATF_TP_ADD_TC(tp, answered);
	ATF_TP_ADD_TC(tp, fall_back);
	ATF_TP_ADD_TC(tp, remembered);
	ATF_TP_ADD_TC(tp, strangers);
	return (atf_no_error());
}
