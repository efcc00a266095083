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
 * The media rule and the search for a description in a body.
 */
#include <sys/types.h>

#include <atf-c.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdp.h"

#define V	"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\n"
#define PUB	"c=IN IP4 198.51.100.7\r\n"
#define PRIV	"c=IN IP4 192.168.1.7\r\n"
#define T0	"t=0 0\r\n"
#define SAVP	"m=audio 49170 RTP/SAVP 0\r\n"
#define AVP	"m=audio 49170 RTP/AVP 0\r\n"

static struct sip_msg	m;

static enum media_verdict
judge(const char *s, int plain)
{
	struct span		sp;
	enum media_verdict	v;
	char			*heap;
	size_t			len = strlen(s);

	ATF_REQUIRE((heap = malloc(len + !len)) != NULL);
	memcpy(heap, s, len);
	sp.p = heap;
	sp.len = len;
	v = sdp_judge(sp, plain);
	free(heap);
	return (v);
}

ATF_TC_WITHOUT_HEAD(rule);
ATF_TC_BODY(rule, tc)
{
	ATF_CHECK_EQ(MEDIA_OK, judge(V PUB T0 SAVP, 0));
	ATF_CHECK_EQ(MEDIA_OK, judge("v=0\no=- 1 1 IN IP4 1.1.1.1\ns=-\nc=IN IP4 198.51.100.7\nt=0 0\n"
	    "m=audio 49170 RTP/SAVP 0\n", 0));
	ATF_CHECK_EQ(MEDIA_OK, judge(V T0 SAVP PUB, 0));
	ATF_CHECK_EQ(MEDIA_OK, judge(V PRIV T0 SAVP PUB, 0));
	ATF_CHECK_EQ(MEDIA_PRIVATE, judge(V PUB T0 SAVP PRIV, 0));
	ATF_CHECK_EQ(MEDIA_PRIVATE, judge(V PRIV T0 SAVP PUB SAVP, 0));
	ATF_CHECK_EQ(MEDIA_PRIVATE, judge(V PRIV T0 SAVP, 1));
	ATF_CHECK_EQ(MEDIA_PRIVATE, judge(V "c=IN IP4 127.0.0.1\r\n" T0 SAVP, 0));
	ATF_CHECK_EQ(MEDIA_PRIVATE, judge(V "c=IN IP4 0.0.0.0\r\n" T0 SAVP, 0));
	ATF_CHECK_EQ(MEDIA_PRIVATE, judge(V "c=IN IP4 224.2.1.1/127/3\r\n" T0 SAVP, 0));
	ATF_CHECK_EQ(MEDIA_PRIVATE, judge(V "c=IN IP6 fe80::1\r\n" T0 SAVP, 0));
	ATF_CHECK_EQ(MEDIA_OK, judge(V "c=IN IP6 2600::1\r\n" T0 SAVP, 0));
	ATF_CHECK_EQ(MEDIA_PLAINTEXT, judge(V PUB T0 AVP, 0));
	ATF_CHECK_EQ(MEDIA_OK, judge(V PUB T0 AVP, 1));
	ATF_CHECK_EQ(MEDIA_PLAINTEXT, judge(V PUB T0 SAVP AVP, 0));
	ATF_CHECK_EQ(MEDIA_PLAINTEXT, judge(V PUB T0 SAVP "m=image 5000 udptl t38\r\n", 0));
	ATF_CHECK_EQ(MEDIA_OK, judge(V PUB T0 SAVP "m=video 0 RTP/AVP 31\r\n" PRIV, 0));
	ATF_CHECK_EQ(MEDIA_OK, judge(V PUB T0 "m=audio 9/2 UDP/TLS/RTP/SAVPF 0\r\n", 0));
	ATF_CHECK_EQ(MEDIA_PRIVATE, judge(V PUB T0 SAVP "a=rtcp:53020 IN IP4 10.1.1.1\r\n", 0));
	ATF_CHECK_EQ(MEDIA_OK, judge(V PUB T0 SAVP "a=rtcp:53020\r\n", 0));
	ATF_CHECK_EQ(MEDIA_PRIVATE, judge(V PUB T0 SAVP
	    "a=candidate:1 1 UDP 2130706431 10.0.1.1 8998 typ host\r\n", 0));
	ATF_CHECK_EQ(MEDIA_OK, judge(V PUB T0 SAVP "a=candidate:2 1 UDP 1694498815 198.51.100.3 45664"
	    " typ srflx raddr 10.0.1.1 rport 8998\r\n", 0));
	ATF_CHECK_EQ(MEDIA_UNKNOWN, judge(V PUB T0 SAVP
	    "a=candidate:1 1 UDP 2130706431 abc.local 8998 typ host\r\n", 0));
}

/* SRTP by name only: NULL ciphers, unless a real one stands beside them. */
ATF_TC_WITHOUT_HEAD(keys);
ATF_TC_BODY(keys, tc)
{
#define KEY	" inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define AES	"a=crypto:1 AES_CM_128_HMAC_SHA1_80" KEY "\r\n"
#define NONE	"a=crypto:2 NULL_HMAC_SHA1_80" KEY "\r\n"
#define OPEN	"a=crypto:3 AES_CM_128_HMAC_SHA1_80" KEY " KDR=1 UNENCRYPTED_SRTP\r\n"
	ATF_CHECK_EQ(MEDIA_OK, judge(V PUB T0 SAVP AES, 0));
	ATF_CHECK_EQ(MEDIA_PLAINTEXT, judge(V PUB T0 SAVP NONE, 0));
	ATF_CHECK_EQ(MEDIA_OK, judge(V PUB T0 SAVP NONE, 1));
	ATF_CHECK_EQ(MEDIA_PLAINTEXT, judge(V PUB T0 SAVP OPEN, 0));
	ATF_CHECK_EQ(MEDIA_PLAINTEXT, judge(V PUB T0 SAVP OPEN NONE, 0));
	ATF_CHECK_EQ(MEDIA_OK, judge(V PUB T0 SAVP AES NONE OPEN, 0));
	ATF_CHECK_EQ(MEDIA_PLAINTEXT, judge(V PUB T0 SAVP AES SAVP NONE, 0));
	ATF_CHECK_EQ(MEDIA_PLAINTEXT, judge(V PUB T0 SAVP NONE SAVP AES, 0));
	ATF_CHECK_EQ(MEDIA_OK, judge(V PUB T0 SAVP AES "m=video 0 RTP/SAVP 31\r\n" NONE, 0));
	ATF_CHECK_EQ(MEDIA_OK, judge(V PUB T0 SAVP "a=crypto:1 AES_CM_128_HMAC_SHA1_80" KEY
	    " UNENCRYPTED_SRTCP\r\n", 0));
}

/* What telephones really send. */
ATF_TC_WITHOUT_HEAD(offers);
ATF_TC_BODY(offers, tc)
{
	/* IPv6, several streams of which one is refused, telephone-event. */
	ATF_CHECK_EQ(MEDIA_OK, judge("v=0\r\no=- 1 1 IN IP6 2600::1\r\ns=-\r\n"
	    "c=IN IP6 2600::1\r\n" T0 "m=audio 4000 RTP/SAVP 8 101\r\n"
	    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
	    "a=rtcp:4001 IN IP6 2600::1\r\nm=video 0 RTP/SAVP 99\r\n"
	    "m=image 0 udptl t38\r\n", 0));
	ATF_CHECK_EQ(MEDIA_PRIVATE, judge(V "c=IN IP6 fd00::1\r\n" T0 SAVP, 0));
	ATF_CHECK_EQ(MEDIA_PRIVATE, judge(V "c=IN IP6 ::ffff:10.0.0.1\r\n" T0 SAVP, 0));
	ATF_CHECK_EQ(MEDIA_PRIVATE, judge(V PUB T0 SAVP "a=rtcp:4001 IN IP6 fe80::1\r\n", 0));
	ATF_CHECK_EQ(MEDIA_PRIVATE, judge(V "c=IN IP4 100.64.1.1\r\n" T0 SAVP, 0));
	/* A browser behind a PBX: BUNDLE, ICE, DTLS; the second stream is in
	 * the first. */
	ATF_CHECK_EQ(MEDIA_OK, judge(V PUB T0 "a=group:BUNDLE 0 1\r\n"
	    "m=audio 45664 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtcp-mux\r\n"
	    "a=rtcp:9 IN IP4 198.51.100.7\r\na=setup:actpass\r\na=ice-ufrag:x\r\n"
	    "a=candidate:1 1 UDP 2130706431 2600::7 45664 typ host\r\n"
	    "a=candidate:2 1 TCP 1518280447 198.51.100.7 9 typ host tcptype active\r\n"
	    "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=bundle-only\r\n", 0));
	ATF_CHECK_EQ(MEDIA_PRIVATE, judge(V "c=IN IP4 0.0.0.0\r\n" T0
	    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp:9 IN IP4 0.0.0.0\r\n", 0));
	/* The second stream decides as the first does. */
	ATF_CHECK_EQ(MEDIA_PRIVATE, judge(V PUB T0 SAVP "m=video 5000 RTP/SAVP 31\r\n" PRIV, 0));
	ATF_CHECK_EQ(MEDIA_PLAINTEXT, judge(V PUB T0 SAVP "m=video 5000 RTP/AVPF 31\r\n", 0));
}

ATF_TC_WITHOUT_HEAD(doubt);
ATF_TC_BODY(doubt, tc)
{
	static const char *const t[] = {
		"", "\r\n", V PUB T0, V T0 SAVP, V "c=IN IP4 pbx.example\r\n" T0 SAVP,
		V PUB T0 "m=audio 0 RTP/SAVP 0\r\n", PUB T0 SAVP, "v=1\r\n" PUB SAVP,
		V "c=IN IP4\r\n" T0 SAVP, V "c=ATM NSAP 1.2.3.4\r\n" T0 SAVP, V PUB PUB T0 SAVP,
		V PUB T0 "m=audio x RTP/SAVP 0\r\n", V PUB T0 "m=audio 70000 RTP/SAVP 0\r\n",
		V PUB T0 "m=audio\r\n", V PUB "junk\r\n" T0 SAVP, V PUB "\r\n" T0 SAVP,
		V PUB T0 SAVP "a=candidate:1 1 UDP\r\n", V "c=IN IP4 198.51.100.7 x\r\n" T0 SAVP,
		V "c=IN IP4 010.0.0.1\r\n" T0 SAVP, V PUB T0 SAVP "a=\x01\r\n"
	};
	char	many[8192];
	size_t	i, n;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ATF_CHECK_EQ_MSG(MEDIA_UNKNOWN, judge(t[i], 0), "%zu", i);
	n = (size_t)snprintf(many, sizeof(many), "%s", V PUB T0);
	for (i = 0; i <= SDP_MEDIA_MAX; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n, SAVP);
	ATF_CHECK_EQ(MEDIA_UNKNOWN, judge(many, 0));
}

static enum media_verdict
msg(const char *type, const char *extra, const char *body)
{
	static char	t[8192];

	(void)snprintf(t, sizeof(t), "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
	    "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
	    "%s%s%s%sContent-Length: %zu\r\n\r\n%s", type ? "Content-Type: " : "", type ? type : "",
	    type ? "\r\n" : "", extra, strlen(body), body);
	ATF_REQUIRE_EQ_MSG(0, sip_parse(&m, t, strlen(t), SIP_STREAM), "%s",
	    sip_error_str(m.sm_error));
	return (sdp_judge_msg(&m, 0));
}

ATF_TC_WITHOUT_HEAD(bodies);
ATF_TC_BODY(bodies, tc)
{
#define GOOD	V PUB T0 SAVP
#define PART	"--b\r\nContent-Type: application/sdp\r\n\r\n"
	ATF_CHECK_EQ(MEDIA_OK, msg("application/sdp", "", GOOD));
	ATF_CHECK_EQ(MEDIA_OK, msg("Application/SDP;charset=utf-8", "", GOOD));
	ATF_CHECK_EQ(MEDIA_UNKNOWN, msg("application/sdp", "", ""));
	ATF_CHECK_EQ(MEDIA_UNKNOWN, msg(NULL, "", GOOD));
	ATF_CHECK_EQ(MEDIA_UNKNOWN, msg("application/sdpx", "", GOOD));
	ATF_CHECK_EQ(MEDIA_UNKNOWN, msg("application/sdp", "Content-Encoding: gzip\r\n", GOOD));
	ATF_CHECK_EQ(MEDIA_UNKNOWN, msg("application/sdp", "e: gzip\r\n", GOOD));
	ATF_CHECK_EQ(MEDIA_OK, msg("multipart/mixed;boundary=b", "", "--b\r\nContent-Type: text/plain\r\n\r\n"
	    "hi\r\n" PART GOOD "\r\n--b--\r\n"));
	ATF_CHECK_EQ(MEDIA_OK, msg("multipart/mixed; boundary=\"b\"", "", PART GOOD "\r\n--b--"));
	ATF_CHECK_EQ(MEDIA_PRIVATE, msg("multipart/mixed;boundary=b", "", "pre\r\n" PART V PRIV T0 SAVP
	    "--b--\r\n"));
	/* Two of them; none; nested; coded; folded; unclosed; no boundary. */
	ATF_CHECK_EQ(MEDIA_UNKNOWN, msg("multipart/mixed;boundary=b", "", PART GOOD "\r\n" PART GOOD "\r\n--b--"));
	ATF_CHECK_EQ(MEDIA_UNKNOWN, msg("multipart/mixed;boundary=b", "", "--b\r\n\r\nx\r\n--b--"));
	ATF_CHECK_EQ(MEDIA_UNKNOWN, msg("multipart/mixed;boundary=b", "",
	    PART GOOD "\r\n--b\r\nContent-Type: multipart/mixed;boundary=c\r\n\r\n--c--\r\n--b--"));
	ATF_CHECK_EQ(MEDIA_UNKNOWN, msg("multipart/mixed;boundary=b", "",
	    "--b\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: base64\r\n\r\n" GOOD "\r\n--b--"));
	ATF_CHECK_EQ(MEDIA_UNKNOWN, msg("multipart/mixed;boundary=b", "",
	    PART GOOD "\r\n--b\r\nContent-Type:\r\n application/sdp\r\n\r\n" V PRIV T0 SAVP "\r\n--b--"));
	ATF_CHECK_EQ(MEDIA_UNKNOWN, msg("multipart/mixed;boundary=b", "", PART GOOD));
	ATF_CHECK_EQ(MEDIA_UNKNOWN, msg("multipart/mixed", "", PART GOOD "\r\n--b--"));
	ATF_CHECK_EQ(MEDIA_UNKNOWN, msg("multipart/mixed;boundary=\"\"", "", PART GOOD "\r\n--b--"));
	ATF_CHECK_EQ(MEDIA_UNKNOWN, msg("multipart/alternative;boundary=b", "", PART GOOD "\r\n--b--"));
}

ATF_TC_WITHOUT_HEAD(every_prefix);
ATF_TC_BODY(every_prefix, tc)
{
	static const char t[] = V T0 SAVP "c=IN IP4 192.168.1.70\r\n"
	    "a=candidate:1 1 UDP 2130706431 10.0.1.1 8998 typ host\r\n";
	char	copy[sizeof(t)];
	size_t	n;

	/* Cut anywhere, it never becomes an offer that may leave. */
	for (n = 0; n < sizeof(t); n++) {
		memcpy(copy, t, n);
		copy[n == sizeof(t) ? n - 1 : n] = '\0';
		ATF_CHECK_MSG(judge(copy, 0) != MEDIA_OK, "%zu", n);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, rule);
	ATF_TP_ADD_TC(tp, keys);
	ATF_TP_ADD_TC(tp, offers);
	ATF_TP_ADD_TC(tp, doubt);
	ATF_TP_ADD_TC(tp, bodies);
	ATF_TP_ADD_TC(tp, every_prefix);
	return (atf_no_error());
}
