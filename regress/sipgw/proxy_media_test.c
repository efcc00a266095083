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
 * Calls whose media go through rtpengine: what leaves and what comes in.
 */

#include <atf-c.h>

#include "media_world.h"

ATF_TC_WITHOUT_HEAD(out);
ATF_TC_BODY(out, tc)
{
	struct world		*w = start();
	struct proxy_stats	 ps;
	const char		*q, *req, *resp;
	char			 contact[2048], mine[256];
	size_t			 before;

	invite(w, "1", sdp("10.0.0.5", 4000, "RTP/AVP"));
	/* Nothing leaves before the engine has answered. */
	ATF_CHECK_EQ(NULL, w_outward(w));
	ATF_REQUIRE((q = next("offer")) != NULL);
	ATF_CHECK(strstr(q, "8:from-tag6:caller3:sdp") != NULL);
	ATF_CHECK(strstr(q, "c=IN IP4 10.0.0.5") != NULL);
	made(w, q);
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	ATF_CHECK_MSG(strstr(req, "c=IN IP4 198.51.100.7\nt=0 0\nm=audio 30000 RTP/SAVP 8") != NULL,
	    "%s", req);
	ATF_CHECK(strstr(strstr(req, "\r\n\r\n"), "10.0.0.5") == NULL);
	ATF_CHECK_EQ((size_t)atoi(w_hdr(req, "Content-Length")),
	    strlen(strstr(req, "\r\n\r\n") + 4));

	/* Early media, then the same in the 200: asked once. */
	with(w, &peer, req, "183 Session Progress", "t1", sdp("203.0.113.9", 5000, "RTP/SAVP"));
	ATF_CHECK_EQ(NULL, w_out(w));
	ATF_REQUIRE((q = next("answer")) != NULL);
	ATF_CHECK(strstr(q, "8:from-tag6:caller6:to-tag6:callee3:sdp") != NULL);
	made(w, q);
	ATF_REQUIRE((resp = answered(w, "183")) != NULL);
	ATF_CHECK(strstr(resp, "c=IN IP4 10.0.0.7\nt=0 0\nm=audio 31000 RTP/AVP 8") != NULL);
	with(w, &peer, req, "200 OK", "t1", sdp("203.0.113.9", 5000, "RTP/SAVP"));
	ATF_CHECK_EQ(NULL, next("nothing"));
	ATF_REQUIRE((resp = answered(w, "200")) != NULL);
	ATF_CHECK(strstr(resp, "m=audio 31000 RTP/AVP 8") != NULL);
	(void)snprintf(mine, sizeof(mine), "%s", w_hdr(resp, "Contact") + 1);
	*strchr(mine, '>') = '\0';
	/* Repeated, it is passed on again. */
	with(w, &peer, req, "200 OK", "t1", sdp("203.0.113.9", 5000, "RTP/SAVP"));
	ATF_REQUIRE(answered(w, "200") != NULL);
	w_in(w, &pbx, "ACK %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKa\n"
	    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=f1\n"
	    "To: <sip:040123456@10.0.0.1>;tag=t1\nCall-ID: c1@10.0.0.5\nCSeq: 1 ACK\n", mine);
	ATF_REQUIRE(w_find(w, "ACK ") != NULL);

	/* re-INVITE of the peer: its offer, our PBX's answer. */
	(void)snprintf(contact, sizeof(contact), "%s", w_hdr(req, "Contact") + 1);
	*strchr(contact, '>') = '\0';
	w_in(w, &peer, "INVITE %s SIP/2.0\nVia: SIP/2.0/TLS b.example;branch=z9hG4bKr\n"
	    "Max-Forwards: 70\nFrom: <sip:" NUMBER "@b.example>;tag=t1\n"
	    "To: <sip:+4930123451@a.example>;tag=f1\nCall-ID: %s\nCSeq: 1 INVITE\n"
	    "Contact: <sip:vb@b.example;transport=tls>\nContent-Type: application/sdp\n\n%s",
	    contact, w_hdr(req, "Call-ID"), sdp("203.0.113.10", 5002, "RTP/SAVP"));
	ATF_CHECK_EQ(NULL, w_find(w, "INVITE "));
	ATF_REQUIRE((q = next("offer")) != NULL);
	ATF_CHECK(strstr(q, "8:from-tag6:callee6:to-tag6:caller3:sdp") != NULL);
	ATF_CHECK(strstr(q, "7:RTP/AVP") != NULL);
	made(w, q);
	ATF_REQUIRE((resp = w_find(w, "INVITE ")) != NULL);
	ATF_CHECK(strstr(resp, "c=IN IP4 10.0.0.7") != NULL);
	with(w, &pbx, resp, "200 OK", "f1", sdp("10.0.0.5", 4002, "RTP/AVP"));
	ATF_REQUIRE((q = next("answer")) != NULL);
	ATF_CHECK(strstr(q, "8:from-tag6:callee6:to-tag6:caller3:sdp") != NULL);
	made(w, q);
	ATF_REQUIRE((resp = answered(w, "200")) != NULL);
	ATF_CHECK(strstr(resp, "c=IN IP4 198.51.100.7") != NULL);
	ATF_CHECK(strstr(resp, "10.0.0.5") == NULL);

	/* UPDATE of the PBX. */
	w_in(w, &pbx, "UPDATE %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKu\n"
	    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=f1\n"
	    "To: <sip:040123456@10.0.0.1>;tag=t1\nCall-ID: c1@10.0.0.5\nCSeq: 2 UPDATE\n"
	    "Contact: <sip:alice@10.0.0.5:5060>\nContent-Type: application/sdp\n\n%s", mine,
	    sdp("10.0.0.5", 4004, "RTP/AVP"));
	ATF_REQUIRE((q = next("offer")) != NULL);
	ATF_CHECK(strstr(q, "8:from-tag6:caller6:to-tag6:callee3:sdp") != NULL);
	made(w, q);
	ATF_REQUIRE((resp = w_find(w, "UPDATE ")) != NULL);
	ATF_CHECK(strstr(resp, "c=IN IP4 198.51.100.7") != NULL);
	with(w, &peer, resp, "200 OK", "t1", sdp("203.0.113.10", 5002, "RTP/SAVP"));
	made(w, next("answer"));
	ATF_REQUIRE(answered(w, "200") != NULL);

	/* Its end is the engine's; once, however often it is repeated. */
	before = nasked;
	w_in(w, &pbx, "BYE %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKb\n"
	    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=f1\n"
	    "To: <sip:040123456@10.0.0.1>;tag=t1\nCall-ID: c1@10.0.0.5\nCSeq: 3 BYE\n", mine);
	ATF_REQUIRE((q = next("delete")) != NULL);
	say(w, q, "d6:result2:oke");
	w_pass(w, 60000);
	for (; before < nasked; before++)
		if (strstr(asked[before], "delete") != NULL && asked[before] != q)
			atf_tc_fail_nonfatal("told twice");
	nread = nasked;
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ(1, ps.ps_diverts[DIVERT_OK]);
	w_free(w);
}

ATF_TC_WITHOUT_HEAD(in);
ATF_TC_BODY(in, tc)
{
	struct world	*w = start();
	const char	*q, *req, *resp;

	invited(w, "1", sdp("203.0.113.9", 5000, "RTP/SAVP"));
	ATF_CHECK_EQ(NULL, w_find(w, "INVITE "));
	ATF_REQUIRE((q = next("offer")) != NULL);
	ATF_CHECK(strstr(q, "7:RTP/AVP") != NULL);
	made(w, q);
	ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
	ATF_CHECK(strstr(req, "c=IN IP4 10.0.0.7\nt=0 0\nm=audio 31000 RTP/AVP 8") != NULL);
	with(w, &pbx, req, "200 OK", "p1", sdp("10.0.0.5", 4000, "RTP/AVP"));
	ATF_CHECK_EQ(NULL, answered(w, "200"));
	ATF_REQUIRE((q = next("answer")) != NULL);
	made(w, q);
	ATF_REQUIRE((resp = answered(w, "200")) != NULL);
	ATF_CHECK(strstr(resp, "c=IN IP4 198.51.100.7") != NULL);
	ATF_CHECK(strstr(resp, "10.0.0.5") == NULL);

	/* Without an offer: it comes in the 200, the answer in the ACK. */
	invited(w, "2", "");
	ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
	ATF_CHECK_EQ(NULL, next("nothing"));
	with(w, &pbx, req, "200 OK", "p2", sdp("10.0.0.5", 4000, "RTP/AVP"));
	ATF_REQUIRE((q = next("offer")) != NULL);
	ATF_CHECK(strstr(q, "8:from-tag6:callee6:to-tag6:caller3:sdp") != NULL);
	ATF_CHECK(strstr(q, "8:RTP/SAVP") != NULL);
	made(w, q);
	ATF_REQUIRE((resp = answered(w, "200")) != NULL);
	ATF_CHECK(strstr(resp, "RTP/SAVP") != NULL);
	{
		char	 uri[2048];

		(void)snprintf(uri, sizeof(uri), "%s", w_hdr(resp, "Contact") + 1);
		*strchr(uri, '>') = '\0';
		w_in(w, &peer, "ACK %s SIP/2.0\nVia: SIP/2.0/TLS b.example;branch=z9hG4bKa\n"
		    "Max-Forwards: 70\nFrom: <sip:+4940123456@b.example>;tag=f2\n"
		    "To: <sip:" OURS "@a.example>;tag=p2\nCall-ID: o2\nCSeq: 1 ACK\n"
		    "Content-Type: application/sdp\n\n%s", uri,
		    sdp("203.0.113.9", 5000, "RTP/SAVP"));
		ATF_CHECK_EQ(NULL, w_find(w, "ACK "));
		ATF_REQUIRE((q = next("answer")) != NULL);
		ATF_CHECK(strstr(q, "8:from-tag6:callee6:to-tag6:caller3:sdp") != NULL);
		made(w, q);
		ATF_REQUIRE((resp = w_find(w, "ACK ")) != NULL);
		ATF_CHECK(strstr(resp, "m=audio 31000 RTP/AVP 8") != NULL);
		w_in(w, &peer, "BYE %s SIP/2.0\nVia: SIP/2.0/TLS b.example;branch=z9hG4bKb\n"
		    "Max-Forwards: 70\nFrom: <sip:+4940123456@b.example>;tag=f2\n"
		    "To: <sip:" OURS "@a.example>;tag=p2\nCall-ID: o2\nCSeq: 2 BYE\n", uri);
		say(w, next("delete"), "d6:result2:oke");
	}
	/* The PBX is busy: the call ends for the engine, too. */
	invited(w, "3", sdp("203.0.113.9", 5000, "RTP/SAVP"));
	made(w, next("offer"));
	ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
	w_answer(w, &pbx, req, "486 Busy Here", "p3", "");
	say(w, next("delete"), "d6:result2:oke");
	finish(w);
}

/* Offers in answers: a re-INVITE of the PBX without one, a 183 that a PRACK
 * of the peer answers. */
ATF_TC_WITHOUT_HEAD(late);
ATF_TC_BODY(late, tc)
{
	struct world	*w = start();
	const char	*q, *req, *resp;
	char		 mine[256], theirs[2048];

	invite(w, "1", sdp("10.0.0.5", 4000, "RTP/AVP"));
	made(w, next("offer"));
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	with(w, &peer, req, "200 OK", "t1", sdp("203.0.113.9", 5000, "RTP/SAVP"));
	made(w, next("answer"));
	ATF_REQUIRE((resp = answered(w, "200")) != NULL);
	(void)snprintf(mine, sizeof(mine), "%s", w_hdr(resp, "Contact") + 1);
	*strchr(mine, '>') = '\0';
	w_in(w, &pbx, "INVITE %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKr\n"
	    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=f1\n"
	    "To: <sip:040123456@10.0.0.1>;tag=t1\nCall-ID: c1@10.0.0.5\nCSeq: 2 INVITE\n"
	    "Contact: <sip:alice@10.0.0.5:5060>\n", mine);
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	with(w, &peer, req, "200 OK", "t1", sdp("203.0.113.9", 5002, "RTP/SAVP"));
	ATF_REQUIRE((q = next("offer")) != NULL);
	ATF_CHECK(strstr(q, "8:from-tag6:callee6:to-tag6:caller3:sdp") != NULL);
	ATF_CHECK(strstr(q, "7:RTP/AVP") != NULL);
	made(w, q);
	ATF_REQUIRE((resp = answered(w, "200")) != NULL);
	ATF_CHECK(strstr(resp, "m=audio 31000 RTP/AVP 8") != NULL);
	w_in(w, &pbx, "ACK %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKs\n"
	    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=f1\n"
	    "To: <sip:040123456@10.0.0.1>;tag=t1\nCall-ID: c1@10.0.0.5\nCSeq: 2 ACK\n"
	    "Content-Type: application/sdp\n\n%s", mine, sdp("10.0.0.5", 4000, "RTP/AVP"));
	ATF_REQUIRE((q = next("answer")) != NULL);
	ATF_CHECK(strstr(q, "8:from-tag6:callee6:to-tag6:caller3:sdp") != NULL);
	made(w, q);
	ATF_REQUIRE((resp = w_find(w, "ACK ")) != NULL);
	ATF_CHECK(strstr(resp, "m=audio 30000 RTP/SAVP 8") != NULL);

	invited(w, "2", "");
	ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
	{
		char	extra[1024];

		(void)snprintf(extra, sizeof(extra), "Contact: <sip:x@10.0.0.5:5060>\n"
		    "Require: 100rel\nRSeq: 7\nContent-Type: application/sdp\n\n%s",
		    sdp("10.0.0.5", 4000, "RTP/AVP"));
		w_answer(w, &pbx, req, "183 Session Progress", "p2", extra);
	}
	ATF_REQUIRE((q = next("offer")) != NULL);
	ATF_CHECK(strstr(q, "8:from-tag6:callee6:to-tag6:caller3:sdp") != NULL);
	made(w, q);
	ATF_REQUIRE((resp = answered(w, "183")) != NULL);
	ATF_CHECK_STREQ("7", w_hdr(resp, "RSeq"));
	ATF_CHECK(strstr(resp, "m=audio 30000 RTP/SAVP 8") != NULL);
	(void)snprintf(theirs, sizeof(theirs), "%s", w_hdr(resp, "Contact") + 1);
	*strchr(theirs, '>') = '\0';
	w_in(w, &peer, "PRACK %s SIP/2.0\nVia: SIP/2.0/TLS b.example;branch=z9hG4bKp\n"
	    "Max-Forwards: 70\nFrom: <sip:+4940123456@b.example>;tag=f2\n"
	    "To: <sip:" OURS "@a.example>;tag=p2\nCall-ID: o2\nCSeq: 2 PRACK\n"
	    "RAck: 7 1 INVITE\nContent-Type: application/sdp\n\n%s", theirs,
	    sdp("203.0.113.9", 5000, "RTP/SAVP"));
	ATF_REQUIRE((q = next("answer")) != NULL);
	ATF_CHECK(strstr(q, "8:from-tag6:callee6:to-tag6:caller3:sdp") != NULL);
	made(w, q);
	ATF_REQUIRE((resp = w_find(w, "PRACK ")) != NULL);
	ATF_CHECK(strstr(resp, "m=audio 31000 RTP/AVP 8") != NULL);
	w_answer(w, &pbx, resp, "200 OK", "p2", "");
	ATF_REQUIRE(answered(w, "200") != NULL);
	/* The 200 of the INVITE brings none. */
	w_answer(w, &pbx, req, "200 OK", "p2", "Contact: <sip:x@10.0.0.5:5060>\n");
	ATF_REQUIRE(answered(w, "200") != NULL);
	ATF_CHECK_EQ(NULL, next("nothing"));
	w_free(w);
}

/* The far end rings two telephones; both send early media, one answers. */
ATF_TC_WITHOUT_HEAD(forked);
ATF_TC_BODY(forked, tc)
{
	struct world	*w = start();
	const char	*q, *req, *resp;

	invite(w, "1", sdp("10.0.0.5", 4000, "RTP/AVP"));
	made(w, next("offer"));
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	with(w, &peer, req, "183 Session Progress", "t1", sdp("203.0.113.1", 5000, "RTP/SAVP"));
	made(w, next("answer"));
	ATF_REQUIRE(answered(w, "183") != NULL);
	with(w, &peer, req, "183 Session Progress", "t2", sdp("203.0.113.2", 5000, "RTP/SAVP"));
	made(w, next("answer"));
	ATF_REQUIRE(answered(w, "183") != NULL);
	/* The first again: the engine is told, it acts on the second's now. */
	with(w, &peer, req, "200 OK", "t1", sdp("203.0.113.1", 5000, "RTP/SAVP"));
	ATF_REQUIRE((q = next("answer")) != NULL);
	ATF_CHECK(strstr(q, "203.0.113.1") != NULL);
	made(w, q);
	ATF_REQUIRE((resp = answered(w, "200")) != NULL);
	/* The other one answers too, and is hung up: the call goes on. */
	with(w, &peer, req, "200 OK", "t2", sdp("203.0.113.2", 5000, "RTP/SAVP"));
	made(w, next("answer"));
	ATF_REQUIRE((resp = answered(w, "200")) != NULL);
	w_in(w, &pbx, "BYE %.*s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKb\n"
	    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=f1\n"
	    "To: <sip:040123456@10.0.0.1>;tag=t2\nCall-ID: c1@10.0.0.5\nCSeq: 2 BYE\n",
	    (int)strcspn(w_hdr(resp, "Contact") + 1, ">"), w_hdr(resp, "Contact") + 1);
	ATF_REQUIRE(w_find(w, "BYE ") != NULL);
	ATF_CHECK_EQ(NULL, next("nothing"));
	w_in(w, &pbx, "BYE %.*s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKc\n"
	    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=f1\n"
	    "To: <sip:040123456@10.0.0.1>;tag=t1\nCall-ID: c1@10.0.0.5\nCSeq: 3 BYE\n",
	    (int)strcspn(w_hdr(resp, "Contact") + 1, ">"), w_hdr(resp, "Contact") + 1);
	ATF_REQUIRE(w_find(w, "BYE ") != NULL);
	say(w, next("delete"), "d6:result2:oke");
	finish(w);
}

/* Bodies: in parts, none, some that cannot be judged. */
ATF_TC_WITHOUT_HEAD(bodies);
ATF_TC_BODY(bodies, tc)
{
	struct world	*w = start();
	const char	*req;

	w_in(w, &peer, "INVITE sip:" OURS "@a.example SIP/2.0\n"
	    "Via: SIP/2.0/TLS b.example:5061;branch=z9hG4bK1\nMax-Forwards: 70\n"
	    "From: <sip:+4940123456@b.example>;tag=f1\n"
	    "To: <sip:" OURS "@a.example>\nCall-ID: o1\nCSeq: 1 INVITE\n"
	    "ViPR-Ticket: R09PRA\nContact: <sip:bob@gw.b.example;transport=tls>\n"
	    "Content-Type: multipart/mixed;boundary=xx\n\n"
	    "--xx\nContent-Type: text/plain\n\nhello\n--xx\nContent-Type: application/sdp\n\n"
	    "%s--xx--\n", sdp("203.0.113.9", 5000, "RTP/SAVP"));
	proxy_ticket(w->w_px, w->w_ticket, REFUSAL_NONE, 0, w->w_utc / 1000 + 86400);
	made(w, next("offer"));
	ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
	ATF_CHECK(strstr(req, "\n\nhello\n--xx\nContent-Type: application/sdp\n\nv=0\n"
	    "o=- 1 1 IN IP4 10.0.0.7\n") != NULL);
	ATF_CHECK(strstr(req, "m=audio 31000 RTP/AVP 8\n--xx--\n") != NULL ||
	    strstr(req, "m=audio 31000 RTP/AVP 8\n\n--xx--\n") != NULL);
	ATF_CHECK(strstr(req, "203.0.113.9") == NULL);
	w_answer(w, &pbx, req, "486 Busy Here", "p", "");
	say(w, next("delete"), "d6:result2:oke");
	/* Two descriptions: which one is meant? */
	w_in(w, &peer, "INVITE sip:" OURS "@a.example SIP/2.0\n"
	    "Via: SIP/2.0/TLS b.example:5061;branch=z9hG4bK2\nMax-Forwards: 70\n"
	    "From: <sip:+4940123456@b.example>;tag=f2\n"
	    "To: <sip:" OURS "@a.example>\nCall-ID: o2\nCSeq: 1 INVITE\n"
	    "ViPR-Ticket: R09PRA\nContact: <sip:bob@gw.b.example;transport=tls>\n"
	    "Content-Type: multipart/mixed;boundary=xx\n\n"
	    "--xx\nContent-Type: application/sdp\n\n%s--xx\nContent-Type: application/sdp\n\n"
	    "%s--xx--\n", sdp("203.0.113.9", 5000, "RTP/SAVP"),
	    sdp("203.0.113.9", 5000, "RTP/SAVP"));
	proxy_ticket(w->w_px, w->w_ticket, REFUSAL_NONE, 0, w->w_utc / 1000 + 86400);
	ATF_CHECK_EQ(NULL, w_find(w, "INVITE "));
	/* A call from the PBX without an offer stays on the trunk. */
	w->w_next = 0;
	invite(w, "3", "");
	ATF_REQUIRE(w_invite_to(w, &trunk) != NULL);
	ATF_CHECK(strstr(w->w_log, "reason=media-unknown") != NULL);
	finish(w);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, out);
	ATF_TP_ADD_TC(tp, in);
	ATF_TP_ADD_TC(tp, late);
	ATF_TP_ADD_TC(tp, forked);
	ATF_TP_ADD_TC(tp, bodies);
	return (atf_no_error());
}
