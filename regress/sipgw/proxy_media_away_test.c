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
 * Calls whose media should go through rtpengine when the engine is away, slow
 * or says no, and calls that end before it answers.
 */

#include <atf-c.h>

#include "media_world.h"

/* The trunk gets the call as the PBX sent it. */
ATF_TC_WITHOUT_HEAD(fall_back);
ATF_TC_BODY(fall_back, tc)
{
	static const char *const final[] = { "503 Busy", "404 Not Found" };
	struct world	*w = start();
	const char	*req;
	char		 n[8];
	size_t		 i;

	for (i = 0; i < 2; i++) {
		(void)snprintf(n, sizeof(n), "%zu", i);
		invite(w, n, sdp("10.0.0.5", 4000, "RTP/AVP"));
		made(w, next("offer"));
		ATF_REQUIRE((req = w_outward(w)) != NULL);
		w_answer(w, &peer, req, final[i], "t", "ViPR-Refusal: busy\n");
		say(w, next("delete"), "d6:result2:oke");
		ATF_REQUIRE((req = w_invite_to(w, &trunk)) != NULL);
		ATF_CHECK(strstr(req, "c=IN IP4 10.0.0.5\nt=0 0\nm=audio 4000 RTP/AVP 8") != NULL);
		ATF_CHECK(strstr(req, "198.51.100.7") == NULL);
		w_pass(w, 3700000);
		alive(w);
		nread = nasked;
		w->w_next = w->w_nsent;
	}
	w_free(w);
}

ATF_TC_WITHOUT_HEAD(engine_away);
ATF_TC_BODY(engine_away, tc)
{
	struct world		*w = start();
	struct proxy_stats	 ps;
	const char		*req, *resp;
	size_t			 before;

	/* Slow: the call waits two seconds, no longer. */
	invite(w, "1", sdp("10.0.0.5", 4000, "RTP/AVP"));
	ATF_REQUIRE(next("offer") != NULL);
	w_pass(w, 1999);
	ATF_CHECK_EQ(NULL, w_invite_to(w, &trunk));
	w_pass(w, 1);
	ATF_REQUIRE((req = w_invite_to(w, &trunk)) != NULL);
	ATF_CHECK(strstr(req, "m=audio 4000 RTP/AVP 8") != NULL);
	ATF_CHECK(strstr(w->w_log, "reason=media-engine") != NULL);
	ATF_CHECK(strstr(w->w_log, "rtpengine does not answer") != NULL);
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ(1, ps.ps_diverts[DIVERT_MEDIA_ENGINE]);
	ATF_CHECK_EQ(0, ps.ps_calls_direct);
	ATF_CHECK_EQ(NG_DOWN, ps.ps_media_state);
	/* A PBX that asks where to is not sent here. */
	{
		struct sip_flow	 redirect = pbx;

		redirect.fl_face = FACE_REDIRECT;
		w_in(w, &redirect, "INVITE sip:040123456@10.0.0.1 SIP/2.0\n"
		    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKr;rport\n"
		    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=fr\n"
		    "To: <sip:040123456@10.0.0.1>\nCall-ID: cr@10.0.0.5\nCSeq: 1 INVITE\n"
		    "Contact: <sip:alice@10.0.0.5:5060>\nContent-Type: application/sdp\n\n%s",
		    sdp("10.0.0.5", 4000, "RTP/AVP"));
		ATF_REQUIRE((resp = answered(w, "404")) != NULL);
		ATF_CHECK_MSG(strstr(resp, "media-engine") != NULL, "%s", resp);
	}
	/* From now on at once; calls from outside are told busy. */
	before = nasked;
	invite(w, "2", sdp("10.0.0.5", 4000, "RTP/AVP"));
	ATF_REQUIRE(w_invite_to(w, &trunk) != NULL);
	invited(w, "3", sdp("203.0.113.9", 5000, "RTP/SAVP"));
	ATF_REQUIRE((resp = answered(w, "503")) != NULL);
	ATF_CHECK_STREQ("busy", w_hdr(resp, "ViPR-Refusal"));
	ATF_CHECK(w_hdr(resp, "Retry-After") != NULL);
	ATF_CHECK_EQ(before, nasked);
	/* Back: it is used again. */
	alive(w);
	nread = nasked;
	w->w_next = w->w_nsent;
	invite(w, "4", sdp("10.0.0.5", 4000, "RTP/AVP"));
	made(w, next("offer"));
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	/* The system says that it is gone, with an answer half way. */
	with(w, &peer, req, "200 OK", "t4", sdp("203.0.113.9", 5000, "RTP/SAVP"));
	ATF_REQUIRE(next("answer") != NULL);
	proxy_media_refused(w->w_px);
	ATF_CHECK(w_find(w, "ACK ") != NULL);
	ATF_CHECK(w_find(w, "BYE ") != NULL);
	ATF_REQUIRE((req = w_invite_to(w, &trunk)) != NULL);
	ATF_CHECK(strstr(req, "c=IN IP4 10.0.0.5") != NULL);
	w_free(w);
}

ATF_TC_WITHOUT_HEAD(engine_says_no);
ATF_TC_BODY(engine_says_no, tc)
{
	struct world	*w = start();
	const char	*q, *req, *resp, *s;
	char		 buf[8192];

	invite(w, "1", sdp("10.0.0.5", 4000, "RTP/AVP"));
	say(w, next("offer"), "d6:result5:error12:error-reason18:Failed to parse SDe");
	ATF_REQUIRE((req = w_invite_to(w, &trunk)) != NULL);
	ATF_CHECK(strstr(req, "m=audio 4000") != NULL);
	ATF_CHECK(strstr(w->w_log, "Failed to parse SD") != NULL);
	/* What was asked may have been begun. */
	say(w, next("delete"), "d6:result2:oke");
	/* An address that nobody outside reaches: a wrong interface. */
	public = "10.9.9.9";
	invite(w, "2", sdp("10.0.0.5", 4000, "RTP/AVP"));
	made(w, next("offer"));
	ATF_REQUIRE(w_invite_to(w, &trunk) != NULL);
	ATF_CHECK(strstr(w->w_log, "cannot be reached from the Internet") != NULL);
	say(w, next("delete"), "d6:result2:oke");
	public = "198.51.100.7";
	/* Plain RTP: others would hear it. */
	invite(w, "3", sdp("10.0.0.5", 4000, "RTP/AVP"));
	s = sdp("198.51.100.7", 30000, "RTP/AVP");
	(void)snprintf(buf, sizeof(buf), "d3:sdp%zu:%s6:result2:oke", strlen(s), s);
	say(w, next("offer"), buf);
	ATF_REQUIRE(w_invite_to(w, &trunk) != NULL);
	ATF_CHECK(strstr(w->w_log, "not encrypted") != NULL);
	say(w, next("delete"), "d6:result2:oke");
	/* From outside: busy, so that the peer takes its trunk. */
	invited(w, "4", sdp("203.0.113.9", 5000, "RTP/SAVP"));
	say(w, next("offer"), "d6:result5:error12:error-reason4:fulle");
	ATF_REQUIRE((resp = answered(w, "503")) != NULL);
	ATF_CHECK_STREQ("busy", w_hdr(resp, "ViPR-Refusal"));
	say(w, next("delete"), "d6:result2:oke");
	/* An answer of our PBX: it is hung up, the peer told busy. */
	invited(w, "5", sdp("203.0.113.9", 5000, "RTP/SAVP"));
	made(w, next("offer"));
	ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
	with(w, &pbx, req, "200 OK", "p5", sdp("10.0.0.5", 4000, "RTP/AVP"));
	say(w, next("answer"), "d6:result5:error12:error-reason4:fulle");
	ATF_CHECK(w_find(w, "ACK ") != NULL);
	ATF_CHECK(w_find(w, "BYE ") != NULL);
	ATF_REQUIRE((resp = answered(w, "503")) != NULL);
	ATF_CHECK_STREQ("busy", w_hdr(resp, "ViPR-Refusal"));
	say(w, next("delete"), "d6:result2:oke");
	/* After a 183 the caller hears a 503 and no other call. */
	invite(w, "6", sdp("10.0.0.5", 4000, "RTP/AVP"));
	made(w, next("offer"));
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	w_answer(w, &peer, req, "180 Ringing", "t6", "Contact: <sip:x@b.example>\n");
	ATF_REQUIRE(answered(w, "180") != NULL);
	with(w, &peer, req, "200 OK", "t6", sdp("203.0.113.9", 5000, "RTP/SAVP"));
	ATF_REQUIRE((q = next("answer")) != NULL);
	say(w, q, "d6:result5:error12:error-reason4:fulle");
	ATF_CHECK(w_find(w, "BYE ") != NULL);
	ATF_REQUIRE(answered(w, "503") != NULL);
	ATF_CHECK_EQ(NULL, w_invite_to(w, &trunk));
	say(w, next("delete"), "d6:result2:oke");
	finish(w);
}

ATF_TC_WITHOUT_HEAD(cancelled);
ATF_TC_BODY(cancelled, tc)
{
	struct world	*w = start();
	const char	*q, *req;

	/* While the engine thinks: its answer comes too late. */
	invite(w, "1", sdp("10.0.0.5", 4000, "RTP/AVP"));
	ATF_REQUIRE((q = next("offer")) != NULL);
	w_in(w, &pbx, "CANCEL sip:040123456@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1;rport\nMax-Forwards: 70\n"
	    "From: \"Alice\" <sip:030123451@10.0.0.5>;tag=f1\n"
	    "To: <sip:040123456@10.0.0.1>\nCall-ID: c1@10.0.0.5\nCSeq: 1 CANCEL\n");
	ATF_REQUIRE(answered(w, "487") != NULL);
	say(w, next("delete"), "d7:warning3:abc6:result2:oke");
	made(w, q);
	say(w, next("delete"), "d6:result2:oke");
	ATF_CHECK_EQ(NULL, w_outward(w));
	/* While the answer is being made: the callee's leg is ended. */
	invite(w, "2", sdp("10.0.0.5", 4000, "RTP/AVP"));
	made(w, next("offer"));
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	with(w, &peer, req, "200 OK", "t2", sdp("203.0.113.9", 5000, "RTP/SAVP"));
	ATF_REQUIRE((q = next("answer")) != NULL);
	w_in(w, &pbx, "CANCEL sip:040123456@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK2;rport\nMax-Forwards: 70\n"
	    "From: \"Alice\" <sip:030123451@10.0.0.5>;tag=f2\n"
	    "To: <sip:040123456@10.0.0.1>\nCall-ID: c2@10.0.0.5\nCSeq: 1 CANCEL\n");
	ATF_REQUIRE(answered(w, "487") != NULL);
	say(w, next("delete"), "d6:result2:oke");
	made(w, q);
	ATF_CHECK(w_find(w, "ACK ") != NULL);
	ATF_CHECK(w_find(w, "BYE ") != NULL);
	ATF_CHECK_EQ(NULL, answered(w, "200"));
	finish(w);
}

/* A reload without the engine: calls that have it keep it. */
ATF_TC_WITHOUT_HEAD(reload);
ATF_TC_BODY(reload, tc)
{
	struct world	*w = start();
	const char	*req, *resp;

	invite(w, "1", sdp("10.0.0.5", 4000, "RTP/AVP"));
	made(w, next("offer"));
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	with(w, &peer, req, "200 OK", "t1", sdp("203.0.113.9", 5000, "RTP/SAVP"));
	made(w, next("answer"));
	ATF_REQUIRE((resp = answered(w, "200")) != NULL);
	w->w_conf->c_flags &= ~(uint32_t)CONF_MEDIA_ENGINE;
	proxy_conf(w->w_px, w->w_conf);
	invite(w, "2", sdp("10.0.0.5", 4000, "RTP/AVP"));
	ATF_REQUIRE(w_invite_to(w, &trunk) != NULL);
	ATF_CHECK(strstr(w->w_log, "reason=media-private") != NULL);
	w_in(w, &pbx, "BYE %.*s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKb\n"
	    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=f1\n"
	    "To: <sip:040123456@10.0.0.1>;tag=t1\nCall-ID: c1@10.0.0.5\nCSeq: 2 BYE\n",
	    (int)strcspn(w_hdr(resp, "Contact") + 1, ">"), w_hdr(resp, "Contact") + 1);
	say(w, next("delete"), "d6:result2:oke");
	finish(w);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, fall_back);
	ATF_TP_ADD_TC(tp, engine_away);
	ATF_TP_ADD_TC(tp, engine_says_no);
	ATF_TP_ADD_TC(tp, cancelled);
	ATF_TP_ADD_TC(tp, reload);
	return (atf_no_error());
}
