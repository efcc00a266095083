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

/* The proxy between PBX and trunks: whole message flows. */

#include <atf-c.h>

#include "proxy_harness.h"

#define SDP	"v=0\no=- 1 1 IN IP4 8.8.8.8\ns=-\nc=IN IP4 8.8.8.8\nt=0 0\n" \
		"m=audio 4000 RTP/AVP 8\n"

static struct sip_flow	pbx, trunk, backup;

static struct world	*start(void);
static void		 invite(struct world *, const char *, const char *);
static void		 cancel(struct world *, const char *);
static void		 within(struct world *, const struct sip_flow *, const char *,
			    const char *, int, const char *, const char *);

static struct world *
start(void)
{
	w_flow_udp(&pbx, "10.0.0.5", 5060);
	w_flow_udp(&trunk, "192.0.2.9", 5060);
	w_flow_udp(&backup, "192.0.2.10", 5060);
	return (w_new(0));
}

static void
invite(struct world *w, const char *user, const char *branch)
{
	w_in(w, &pbx, "INVITE sip:%s@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK%s;rport\n"
	    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=f%s\n"
	    "To: <sip:%s@10.0.0.1>\nCall-ID: c%s\nCSeq: 1 INVITE\n"
	    "Contact: <sip:pbx@10.0.0.5:5060>\nContent-Type: application/sdp\n\n" SDP,
	    user, branch, branch, user, branch);
}

/* A request inside the dialog; req: the INVITE as the trunk saw it. */
static void
within(struct world *w, const struct sip_flow *fl, const char *method, const char *branch,
    int cseq, const char *from, const char *to)
{
	w_in(w, fl, "%s sip:%s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s\n"
	    "Route: <sip:10.0.0.1:5060;lr>\nMax-Forwards: 70\nFrom: %s\nTo: %s\n"
	    "Call-ID: c1\nCSeq: %d %s\n", method,
	    fl == &pbx ? "gw@192.0.2.9:5060" : "pbx@10.0.0.5:5060",
	    fl == &pbx ? "10.0.0.5:5060" : "192.0.2.9:5060", branch, from, to, cseq, method);
}

ATF_TC_WITHOUT_HEAD(basic_call);
ATF_TC_BODY(basic_call, tc)
{
	struct world	*w = start();
	struct sent	*se;
	const char	*req, *via;

	invite(w, "004940123456", "1");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "SIP/2.0 100 ", 12) == 0);
	ATF_CHECK(strstr(se->se_text, ";tag=f1") != NULL);
	ATF_REQUIRE((se = w_out(w)) != NULL);
	req = se->se_text;
	ATF_CHECK_EQ(1, vaddr_eq(&se->se_flow.fl_peer, &trunk.fl_peer));
	ATF_CHECK(strncmp(req, "INVITE sip:004940123456@10.0.0.1 SIP/2.0\r\n", 42) == 0);
	ATF_CHECK_STREQ("69", w_hdr(req, "Max-Forwards"));
	ATF_CHECK_STREQ("<sip:10.0.0.1:5060;lr>", w_hdr(req, "Record-Route"));
	ATF_REQUIRE((via = w_hdr_n(req, "Via", 1)) != NULL);
	ATF_CHECK(strstr(via, "received=10.0.0.5") != NULL &&
	    strstr(via, "rport=5060") != NULL);
	ATF_CHECK_EQ(NULL, w_out(w));

	w_answer(w, &trunk, req, "100 Trying", "", "");
	ATF_CHECK_EQ(NULL, w_out(w));
	w_pass(w, 1000);
	w_answer(w, &trunk, req, "180 Ringing", "t1", "Contact: <sip:gw@192.0.2.9:5060>\n");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "SIP/2.0 180 ", 12) == 0);
	ATF_CHECK_EQ(NULL, w_hdr_n(se->se_text, "Via", 1));
	w_pass(w, 4000);
	w_answer(w, &trunk, req, "200 OK", "t1", "Contact: <sip:gw@192.0.2.9:5060>\n");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "SIP/2.0 200 ", 12) == 0);
	ATF_CHECK_STREQ("<sip:10.0.0.1:5060;lr>", w_hdr(se->se_text, "Record-Route"));
	/* A repeat is passed on as it comes. */
	w_answer(w, &trunk, req, "200 OK", "t1", "Contact: <sip:gw@192.0.2.9:5060>\n");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	within(w, &pbx, "ACK", "a1", 1, "<sip:030123451@10.0.0.5>;tag=f1",
	    "<sip:004940123456@10.0.0.1>;tag=t1");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "ACK sip:gw@192.0.2.9:5060 SIP/2.0\r\n", 35) == 0);
	ATF_CHECK_EQ(NULL, w_hdr(se->se_text, "Route"));
	ATF_CHECK_EQ(1, proxy_calls(w->w_px));

	w_pass(w, 61000);
	within(w, &trunk, "BYE", "b1", 2, "<sip:004940123456@10.0.0.1>;tag=t1",
	    "<sip:030123451@10.0.0.5>;tag=f1");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "BYE sip:pbx@10.0.0.5:5060 SIP/2.0\r\n", 35) == 0);
	ATF_CHECK_EQ(1, vaddr_eq(&se->se_flow.fl_peer, &pbx.fl_peer));
	w_answer(w, &pbx, se->se_text, "200 OK", "", "");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK(strncmp(se->se_text, "SIP/2.0 200 ", 12) == 0);
	ATF_CHECK_EQ(0, proxy_calls(w->w_px));

	ATF_CHECK_EQ(0, w->w_nlegs);
	w_pass(w, 700);
	ATF_REQUIRE_EQ(1, w->w_nlegs);
	ATF_CHECK_EQ(LEG_ORIGINATED, w->w_legs[0].lg_kind);
	ATF_CHECK_EQ(0, w->w_legs[0].lg_flags);
	ATF_CHECK_EQ(61000, w->w_legs[0].lg_stop - w->w_legs[0].lg_start);
	ATF_CHECK_STREQ("+4940123456", w->w_legs[0].lg_called);
	ATF_CHECK_STREQ("+4930123451", w->w_legs[0].lg_caller);
	/* Everything goes away by itself. */
	w_pass(w, 100000);
	{
		struct proxy_stats	ps;

		proxy_stats(w->w_px, &ps);
		ATF_CHECK_EQ(0, ps.ps_txns);
		ATF_CHECK_EQ(0, ps.ps_contexts);
		ATF_CHECK_EQ(0, ps.ps_dialogs);
	}
	w_free(w);
}


/* From the trunk: the leg that B's side records. */
ATF_TC_WITHOUT_HEAD(from_trunk);
ATF_TC_BODY(from_trunk, tc)
{
	struct world	*w = start();
	struct sent	*se;
	const char	*req;

	w_in(w, &trunk, "INVITE sip:+4930123455@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKx\nMax-Forwards: 70\n"
	    "From: <sip:040123456@pstn>;tag=f1\nTo: <sip:+4930123455@10.0.0.1>\n"
	    "Diversion: <sip:1@x>\nCall-ID: c1\nCSeq: 1 INVITE\n"
	    "Contact: <sip:gw@192.0.2.9:5060>\n");
	ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
	ATF_CHECK(strncmp(req, "INVITE sip:+4930123455@10.0.0.1 ", 32) == 0);
	w_answer(w, &pbx, req, "200 OK", "t1", "Contact: <sip:pbx@10.0.0.5:5060>\n");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK_EQ(1, vaddr_eq(&se->se_flow.fl_peer, &trunk.fl_peer));
	w_pass(w, 60500);
	within(w, &pbx, "BYE", "b", 2, "<sip:+4930123455@10.0.0.1>;tag=t1",
	    "<sip:040123456@pstn>;tag=f1");
	ATF_REQUIRE((se = w_out(w)) != NULL);
	ATF_CHECK_EQ(1, vaddr_eq(&se->se_flow.fl_peer, &trunk.fl_peer));
	/* A repeated BYE moves no time. */
	w_pass(w, 300);
	within(w, &pbx, "BYE", "b", 2, "<sip:+4930123455@10.0.0.1>;tag=t1",
	    "<sip:040123456@pstn>;tag=f1");
	w_pass(w, 1000);
	ATF_REQUIRE_EQ(1, w->w_nlegs);
	ATF_CHECK_EQ(LEG_TERMINATED, w->w_legs[0].lg_kind);
	ATF_CHECK_EQ(LEG_F_DIVERTED, w->w_legs[0].lg_flags);
	ATF_CHECK_EQ(60500, w->w_legs[0].lg_stop - w->w_legs[0].lg_start);
	ATF_CHECK_STREQ("+4930123455", w->w_legs[0].lg_called);
	ATF_CHECK_STREQ("+4940123456", w->w_legs[0].lg_caller);
	w_free(w);
}

static void
cancel(struct world *w, const char *n)
{
	w_in(w, &pbx, "CANCEL sip:004940123456@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK%s;rport\nMax-Forwards: 70\n"
	    "From: <sip:030123451@10.0.0.5>;tag=f%s\nTo: <sip:004940123456@10.0.0.1>\n"
	    "Call-ID: c%s\nCSeq: 1 CANCEL\n", n, n, n);
}

ATF_TC_WITHOUT_HEAD(cancelled);
ATF_TC_BODY(cancelled, tc)
{
	struct world		*w = start();
	struct proxy_stats	 ps;
	const char		*req, *c;
	char			 branch[256];

	/* After a 1xx: at once, with the branch of the INVITE. */
	invite(w, "004940123456", "1");
	ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
	w_answer(w, &trunk, req, "180 Ringing", "t", "");
	cancel(w, "1");
	ATF_CHECK(w_find(w, "SIP/2.0 200 ") != NULL);
	ATF_REQUIRE((c = w_find(w, "CANCEL sip:004940123456@10.0.0.1 ")) != NULL);
	(void)snprintf(branch, sizeof(branch), "%s", w_hdr(req, "Via"));
	ATF_CHECK_STREQ(branch, w_hdr(c, "Via"));
	ATF_CHECK_EQ(NULL, w_hdr_n(c, "Via", 1));
	w_answer(w, &trunk, c, "200 OK", "t", "");
	w_answer(w, &trunk, req, "487 x", "t", "");
	ATF_CHECK(w_find(w, "ACK sip:004940123456@10.0.0.1 ") != NULL);
	ATF_CHECK(w_find(w, "SIP/2.0 487 ") != NULL);
	/* Before any: it waits for one; none comes, the caller is told. */
	invite(w, "004940123456", "2");
	ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
	cancel(w, "2");
	w->w_next = w->w_nsent;
	w_pass(w, 1000);
	ATF_CHECK_EQ(0, w_count(w, "CANCEL"));
	w_pass(w, 40000);
	ATF_CHECK(w_count(w, "SIP/2.0 487 ") > 0);
	w_pass(w, 100000);
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ(0, ps.ps_txns);
	ATF_CHECK_EQ(0, ps.ps_contexts);
	ATF_CHECK_EQ(0, w->w_nlegs);
	/* One that fits nothing. */
	cancel(w, "3");
	ATF_CHECK(w_find(w, "SIP/2.0 481 ") != NULL);
	w_free(w);
}

/* A silent trunk, one that says 503, one whose socket is gone. */
ATF_TC_WITHOUT_HEAD(fail_over);
ATF_TC_BODY(fail_over, tc)
{
	struct world	*w = start();
	struct sent	*se;
	const char	*req;

	invite(w, "004940123456", "1");
	ATF_REQUIRE(w_find(w, "INVITE ") != NULL);
	w_pass(w, 4100);
	while ((se = w_out(w)) != NULL &&
	    !vaddr_eq(&se->se_flow.fl_peer, &backup.fl_peer))
		;
	ATF_REQUIRE(se != NULL);
	ATF_CHECK(strncmp(se->se_text, "INVITE sip:004940123456@10.0.0.1 ", 33) == 0);
	/* The next call goes there at once. */
	w->w_next = w->w_nsent;
	invite(w, "004940123456", "2");
	ATF_REQUIRE((se = w_out(w)) != NULL && (se = w_out(w)) != NULL);
	ATF_CHECK_EQ(1, vaddr_eq(&se->se_flow.fl_peer, &backup.fl_peer));
	req = se->se_text;
	w_answer(w, &backup, req, "503 x", "t", "");
	/* The other one is asked all the same; its answer is the call's. */
	while ((se = w_out(w)) != NULL && strncmp(se->se_text, "INVITE", 6) != 0)
		;
	ATF_REQUIRE(se != NULL);
	ATF_CHECK_EQ(1, vaddr_eq(&se->se_flow.fl_peer, &trunk.fl_peer));
	w_answer(w, &trunk, se->se_text, "404 x", "t", "");
	ATF_CHECK(w_find(w, "SIP/2.0 404 ") != NULL);
	w_free(w);
	w = start();
	w->w_open = -1;
	invite(w, "004940123456", "1");
	ATF_CHECK(w_find(w, "SIP/2.0 503 ") != NULL);
	w_free(w);
}

/* RFC 3261 16.7 and RFC 6026: every 2xx of a fork passes, each has a dialog. */
ATF_TC_WITHOUT_HEAD(forks);
ATF_TC_BODY(forks, tc)
{
	struct world	*w = start();
	const char	*req;

	invite(w, "004940123456", "1");
	ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
	w_answer(w, &trunk, req, "180 R", "t1", "Contact: <sip:a@192.0.2.9>\n");
	w_answer(w, &trunk, req, "180 R", "t2", "Contact: <sip:b@192.0.2.9>\n");
	w_answer(w, &trunk, req, "200 OK", "t2", "Contact: <sip:b@192.0.2.9>\n");
	w_answer(w, &trunk, req, "200 OK", "t1", "Contact: <sip:a@192.0.2.9>\n");
	ATF_CHECK_EQ(2, w_count(w, "SIP/2.0 180 "));
	ATF_CHECK_EQ(2, w_count(w, "SIP/2.0 200 "));
	ATF_CHECK_EQ(2, proxy_calls(w->w_px));
	/* The caller ends one of them.  One leg: that of the first answer. */
	within(w, &pbx, "BYE", "b1", 2, "<sip:030123451@10.0.0.5>;tag=f1",
	    "<sip:004940123456@10.0.0.1>;tag=t1");
	w_pass(w, 70000);
	within(w, &pbx, "BYE", "b2", 2, "<sip:030123451@10.0.0.5>;tag=f1",
	    "<sip:004940123456@10.0.0.1>;tag=t2");
	w_pass(w, 1000);
	ATF_REQUIRE_EQ(1, w->w_nlegs);
	ATF_CHECK_EQ(70000, w->w_legs[0].lg_stop - w->w_legs[0].lg_start);
	w_free(w);
}

/* Five live calls with the same two numbers are a loop; emergency never is. */
ATF_TC_WITHOUT_HEAD(loops);
ATF_TC_BODY(loops, tc)
{
	struct world	*w = start();
	const char	*req = NULL;
	char		 n[16];
	int		 i;

	for (i = 0; i < 5; i++) {
		(void)snprintf(n, sizeof(n), "%d", i);
		invite(w, "004940123456", n);
		if (i < 4) {
			ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
			w_answer(w, &trunk, req, "180 R", "t", "");
		}
	}
	ATF_CHECK_EQ(1, w_count(w, "SIP/2.0 482 "));
	ATF_CHECK_EQ(0, w_count(w, "INVITE "));
	ATF_CHECK(strstr(w->w_log, "loop") != NULL);
	/* One ends: there is room again. */
	w_answer(w, &trunk, req, "486 x", "t", "");
	invite(w, "004940123456", "9");
	ATF_CHECK(w_find(w, "INVITE ") != NULL);
	for (i = 10; i < 20; i++) {
		(void)snprintf(n, sizeof(n), "%d", i);
		invite(w, "112", n);
		ATF_CHECK(w_find(w, "INVITE sip:112@10.0.0.1 ") != NULL);
	}
	w_free(w);
	/* Our own INVITE comes back to us as it left: RFC 3261 16.3. */
	w = start();
	invite(w, "004940123456", "1");
	ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
	w_in(w, &pbx, "INVITE sip:004940123456@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKother\nVia: %s\n"
	    "Max-Forwards: 60\nFrom: <sip:030123451@10.0.0.5>;tag=f1\n"
	    "To: <sip:004940123456@10.0.0.1>\nCall-ID: c1\nCSeq: 1 INVITE\n"
	    "Contact: <sip:pbx@10.0.0.5:5060>\n", w_hdr(req, "Via"));
	ATF_CHECK(w_find(w, "SIP/2.0 482 ") != NULL);
	w_free(w);
}

/* What is answered here. */
ATF_TC_WITHOUT_HEAD(own_answers);
ATF_TC_BODY(own_answers, tc)
{
	static const char *const rows[][4] = {
		{ "OPTIONS", "sip:10.0.0.1", "", "200" },
		{ "OPTIONS", "sip:10.0.0.1:5060;transport=udp", "", "200" },
		{ "REGISTER", "sip:10.0.0.1", "", "405" },
		{ "INVITE", "sip:0401@10.0.0.1", "Max-Forwards: 0\n", "483" },
		{ "INVITE", "sip:0401@10.0.0.1", "Proxy-Require: foo\n", "420" },
		{ "INVITE", "http://x", "", "416" },
		{ "MESSAGE", "sip:10.0.0.1", "", "405" },
		{ "INVITE", "sip:0401@10.0.0.1", "Max-Forwards: 256\n", "400" },
		{ "INVITE", "sip:0401@10.0.0.1", "Max-Forwards: 7\nMax-Forwards: 7\n", "400" },
	};
	struct world	*w;
	struct sip_flow	 stranger;
	char		 want[32];
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w = start();
		w_in(w, &pbx, "%s %s SIP/2.0\n"
		    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKx\n"
		    "From: <sip:1@10.0.0.5>;tag=f\nTo: <sip:2@10.0.0.1>\n"
		    "Call-ID: c\nCSeq: 1 %s\n%s", rows[i][0], rows[i][1], rows[i][0],
		    rows[i][2]);
		(void)snprintf(want, sizeof(want), "SIP/2.0 %s ", rows[i][3]);
		ATF_CHECK_EQ_MSG(1, w_count(w, want), "row %zu", i);
		ATF_CHECK_EQ(1, w->w_nsent);
		w_free(w);
	}
	w = start();
	w_flow_udp(&stranger, "203.0.113.200", 5060);
	w_in(w, &stranger, "INVITE sip:0401@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 203.0.113.200;branch=z9hG4bKx\nMax-Forwards: 70\n"
	    "From: <sip:1@x>;tag=f\nTo: <sip:2@10.0.0.1>\nCall-ID: c\nCSeq: 1 INVITE\n");
	ATF_CHECK_EQ(0, w->w_nsent);
	w_free(w);
}

/* Nobody answers: timer C, or the caller's own end. */
ATF_TC_WITHOUT_HEAD(timer_c);
ATF_TC_BODY(timer_c, tc)
{
	struct world		*w = start();
	struct proxy_stats	 ps;
	const char		*req;

	invite(w, "004940123456", "1");
	ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
	w_answer(w, &trunk, req, "180 R", "t", "");
	w_pass(w, 150000);
	w_answer(w, &trunk, req, "180 R", "t", "");
	w_pass(w, 150000);
	w->w_next = 0;
	ATF_CHECK_EQ(0, w_count(w, "CANCEL"));
	w_pass(w, 60000);
	ATF_CHECK(w_count(w, "SIP/2.0 408 ") >= 1);
	ATF_CHECK(w_count(w, "CANCEL") >= 1);
	w_pass(w, 200000);
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ(0, ps.ps_txns);
	ATF_CHECK_EQ(0, ps.ps_contexts);
	ATF_CHECK_EQ(0, ps.ps_dialogs);
	w_free(w);
}

/* Two legs of one call that is put through: no record may come of it. */
ATF_TC_WITHOUT_HEAD(shadow);
ATF_TC_BODY(shadow, tc)
{
	struct world	*w = start();
	const char	*in, *out;
	size_t		 i;

	w_in(w, &trunk, "INVITE sip:+4930123455@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKx\nMax-Forwards: 70\n"
	    "From: <sip:+4917012345@pstn>;tag=f9\nTo: <sip:+4930123455@10.0.0.1>\n"
	    "Call-ID: c9\nCSeq: 1 INVITE\nContact: <sip:gw@192.0.2.9:5060>\n");
	ATF_REQUIRE((in = w_find(w, "INVITE ")) != NULL);
	invite(w, "004940123456", "1");
	ATF_REQUIRE((out = w_find(w, "INVITE ")) != NULL);
	w_answer(w, &trunk, out, "200 OK", "t1", "Contact: <sip:gw@192.0.2.9:5060>\n");
	w_pass(w, 400);
	w_answer(w, &pbx, in, "200 OK", "t9", "Contact: <sip:pbx@10.0.0.5:5060>\n");
	w_pass(w, 65000);
	within(w, &pbx, "BYE", "b1", 2, "<sip:030123451@10.0.0.5>;tag=f1",
	    "<sip:004940123456@10.0.0.1>;tag=t1");
	w_pass(w, 90000);
	w_in(w, &pbx, "BYE sip:gw@192.0.2.9:5060 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKy\nMax-Forwards: 70\n"
	    "From: <sip:+4930123455@10.0.0.1>;tag=t9\nTo: <sip:+4917012345@pstn>;tag=f9\n"
	    "Call-ID: c9\nCSeq: 1 BYE\n");
	w_pass(w, 1000);
	ATF_REQUIRE_EQ(2, w->w_nlegs);
	for (i = 0; i < 2; i++)
		ATF_CHECK_EQ(w->w_legs[i].lg_kind == LEG_ORIGINATED ? LEG_F_SHADOWED : 0,
		    w->w_legs[i].lg_flags);
	w_free(w);
}

/* TCP towards the hop: wait for the connection, go on, or fail over. */
ATF_TC_WITHOUT_HEAD(tcp_hop);
ATF_TC_BODY(tcp_hop, tc)
{
	struct world	*w = start();
	struct sip_flow	 fl;
	struct vaddr	 va;
	const char	*req;

	TAILQ_NEXT(TAILQ_FIRST(&w->w_conf->c_hops), ch_entry)->ch_proto = SIP_TCP;
	proxy_conf(w->w_px, w->w_conf);
	w->w_open = 0;
	invite(w, "004940123456", "1");
	ATF_CHECK_EQ(0, w_count(w, "INVITE "));
	(void)vaddr_parse("192.0.2.9", 5060, &va);
	(void)w_op_open(w, w->w_opening, &va, SIP_TCP, &fl);
	proxy_opened(w->w_px, w->w_opening, &fl);
	ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
	ATF_CHECK(strncmp(w_hdr(req, "Via"), "SIP/2.0/TCP ", 12) == 0);
	/* Two Record-Routes, ours to the trunk on top. */
	ATF_CHECK_STREQ("<sip:10.0.0.1:5060;transport=tcp;lr>", w_hdr(req, "Record-Route"));
	ATF_CHECK_STREQ("<sip:10.0.0.1:5060;lr>", w_hdr_n(req, "Record-Route", 1));
	/* The connection breaks before an answer: the next trunk. */
	w->w_open = 1;
	proxy_flow_gone(w->w_px, 100);
	ATF_CHECK_EQ(1, w_count(w, "INVITE "));
	w_free(w);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, basic_call);
	ATF_TP_ADD_TC(tp, from_trunk);
	ATF_TP_ADD_TC(tp, cancelled);
	ATF_TP_ADD_TC(tp, fail_over);
	ATF_TP_ADD_TC(tp, forks);
	ATF_TP_ADD_TC(tp, loops);
	ATF_TP_ADD_TC(tp, own_answers);
	ATF_TP_ADD_TC(tp, timer_c);
	ATF_TP_ADD_TC(tp, shadow);
	ATF_TP_ADD_TC(tp, tcp_hop);
	return (atf_no_error());
}
