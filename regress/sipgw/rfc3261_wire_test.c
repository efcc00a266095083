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
 * RFC 3261 section 18, and the bounds of what is handed on: framing, where
 * answers go, answers that are nobody's.
 */

#include <atf-c.h>

#include "rfc3261.h"

#define UDP_BYTES	65507
/* On a stream; branch number, length of the body. */
#define MESSAGE	"MESSAGE sip:0401@10.0.0.1 SIP/2.0\r\n"		\
	"Via: SIP/2.0/TCP 10.0.0.5;branch=z9hG4bK%u\r\nFrom: <sip:1@x>;tag=f\r\n" \
	"To: <sip:2@x>\r\nCall-ID: c\r\nCSeq: 1 MESSAGE\r\nl: %zu\r\n\r\n"

/* As many Vias and header lines as may be: what we add to them does not keep us
 * from ending the call. */
ATF_TC_WITHOUT_HEAD(s16_6_largest);
ATF_TC_BODY(s16_6_largest, tc)
{
	static char	 more[32768];
	struct world	*w = start();
	const char	*req;
	size_t		 i, n = 0;

	for (i = 0; i < SIP_VIAS_MAX - 1; i++)
		n += (size_t)snprintf(more + n, sizeof(more) - n, "%s SIP/2.0/UDP h%zu",
		    i == 0 ? "Via:" : ",", i);
	/* Eight lines stand beside these. */
	n += (size_t)snprintf(more + n, sizeof(more) - n, "\n");
	for (i = 0; i < SIP_HDRS_MAX - 8; i++)
		n += (size_t)snprintf(more + n, sizeof(more) - n, "X-%zu: y\n", i);
	message(w, "INVITE", "sip:004940123456@10.0.0.1", "z9hG4bKi", "INVITE", more);
	ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
	ATF_CHECK_STREQ("y", w_hdr(req, "X-191"));
	w_in(w, &trunk, "SIP/2.0 180 x\nVia: %s\nFrom: <sip:030123451@10.0.0.5>;tag=f\n"
	    "To: <sip:2@10.0.0.1>;tag=t\nCall-ID: c1\nCSeq: 1 INVITE\n", w_hdr(req, "Via"));
	message(w, "CANCEL", "sip:004940123456@10.0.0.1", "z9hG4bKi", "CANCEL", "");
	ATF_CHECK_EQ(1, to_peer(w, &trunk, "CANCEL "));
	w_in(w, &trunk, "SIP/2.0 487 x\nVia: %s\nFrom: <sip:030123451@10.0.0.5>;tag=f\n"
	    "To: <sip:2@10.0.0.1>;tag=t\nCall-ID: c1\nCSeq: 1 INVITE\n", w_hdr(req, "Via"));
	ATF_CHECK_EQ(1, to_peer(w, &trunk, "ACK "));
	empty(w);
	/* One line more. */
	w = start();
	(void)strlcat(more, "X: y\n", sizeof(more));
	message(w, "INVITE", "sip:004940123456@10.0.0.1", "z9hG4bKi", "INVITE", more);
	ATF_CHECK_EQ(1, w_count(w, "SIP/2.0 400 "));
	ATF_CHECK_EQ(1, w->w_nsent);
	w_free(w);
}

/* Where answers go, and what our Via says of the sender (18.2, RFC 3581). */
ATF_TC_WITHOUT_HEAD(s18_2_responses);
ATF_TC_BODY(s18_2_responses, tc)
{
	static const struct {
		const char	*via;
		uint16_t	 port;
		const char	*want;
	} rows[] = {
		{ "10.0.0.5:5090;branch=z9hG4bKx", 5090, "SIP/2.0/UDP 10.0.0.5:5090;branch=z9hG4bKx" },
		{ "10.0.0.5;branch=z9hG4bKx", 5060, "SIP/2.0/UDP 10.0.0.5;branch=z9hG4bKx" },
		{ "10.0.0.5:5090;branch=z9hG4bKx;rport", 5071,
		    "SIP/2.0/UDP 10.0.0.5:5090;branch=z9hG4bKx;received=10.0.0.5;rport=5071" },
		{ "pbx.example:5090;branch=z9hG4bKx;ttl=1", 5090,
		    "SIP/2.0/UDP pbx.example:5090;branch=z9hG4bKx;ttl=1;received=10.0.0.5" },
		/* Neither is believed, nor is a maddr followed. */
		{ "10.0.0.5:5090;branch=z9hG4bKx;received=1.2.3.4;maddr=255.255.255.255", 5090,
		    "SIP/2.0/UDP 10.0.0.5:5090;branch=z9hG4bKx;maddr=255.255.255.255" },
	};
	struct world	*w;
	struct sip_flow	 fl;
	struct sent	*se;
	struct vaddr	 va;
	size_t		 i;

	for (i = 0; i < N(rows); i++) {
		w = start();
		w_flow_udp(&fl, "10.0.0.5", 5071);
		w_in(w, &fl, "OPTIONS sip:10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP %s\n"
		    "From: <sip:1@x>;tag=f\nTo: <sip:2@x>\nCall-ID: c\nCSeq: 1 OPTIONS\n",
		    rows[i].via);
		ATF_REQUIRE((se = w_out(w)) != NULL);
		(void)vaddr_parse("10.0.0.5", rows[i].port, &va);
		ATF_CHECK_MSG(vaddr_eq(&va, &se->se_flow.fl_peer), "row %zu", i);
		ATF_CHECK_STREQ(rows[i].want, w_hdr(se->se_text, "Via"));
		w_free(w);
	}
}

/* Messages on a stream: cut at every byte, several at once, as long as may be;
 * lengths in a datagram (18.3). */
ATF_TC_WITHOUT_HEAD(s18_3_framing);
ATF_TC_BODY(s18_3_framing, tc)
{
	static char	 msg[2 * SIP_MSG_MAX], two[4 * SIP_MSG_MAX];
	struct world	*w = start();
	struct sip_flow	 fl = pbx;
	enum sip_error	 err;
	ptrdiff_t	 n;
	size_t		 len, i, skip, off, fill;

	fl.fl_proto = SIP_TCP;
	fl.fl_conn = 7;
	len = (size_t)snprintf(msg, sizeof(msg), MESSAGE, 1u, (size_t)5);
	(void)strlcpy(msg + len, "\r\n\r\nx", sizeof(msg) - len);
	len += 5;
	for (i = 0; i < len; i++)
		ATF_REQUIRE_EQ_MSG(0, sip_frame(msg, i, &skip, &err), "%zu bytes", i);
	ATF_CHECK_EQ((ptrdiff_t)len, sip_frame(msg, len, &skip, &err));
	/* Three in one segment, keep-alives between them. */
	off = 0;
	for (i = 0; i < 3; i++)
		off += (size_t)snprintf(two + off, sizeof(two) - off, "%s\r\n\r\n", msg);
	len = off;
	for (off = i = 0; (n = sip_frame(two + off, len - off, &skip, &err)) > 0; i++) {
		w_raw(w, &fl, two + off + skip, (size_t)n);
		off += skip + (size_t)n;
	}
	ATF_CHECK_EQ(0, n);
	ATF_CHECK_EQ(3, i);
	ATF_CHECK_EQ(len, off + skip);
	/* 64 KB, and one byte more. */
	len = (size_t)snprintf(msg, sizeof(msg), MESSAGE, 2u, (size_t)65000);
	fill = SIP_MSG_MAX - len;
	len = (size_t)snprintf(msg, sizeof(msg), MESSAGE, 2u, fill);
	memset(msg + len, 'b', fill + 1);
	ATF_REQUIRE_EQ(SIP_MSG_MAX, len + fill);
	ATF_CHECK_EQ(SIP_MSG_MAX, sip_frame(msg, SIP_MSG_MAX, &skip, &err));
	w->w_next = w->w_nsent;
	w_raw(w, &fl, msg, SIP_MSG_MAX);
	ATF_CHECK_EQ(1, w->w_nsent - w->w_next);
	(void)snprintf(msg, sizeof(msg), MESSAGE, 3u, fill + 1);
	msg[len] = 'b';
	ATF_CHECK_EQ(-1, sip_frame(msg, SIP_MSG_MAX + 1, &skip, &err));
	ATF_CHECK_EQ(SIP_E_TOO_LARGE, err);
	w->w_next = w->w_nsent;
	proxy_broken(w->w_px, &fl, msg, SIP_MSG_MAX + 1, err);
	ATF_CHECK_EQ(1, w_count(w, "SIP/2.0 413 "));
	/* Datagrams: more than the length says is dropped, less is refused. */
	len = (size_t)snprintf(msg, sizeof(msg), MESSAGE, 4u, (size_t)3);
	(void)strlcpy(msg + len, "abcdefg", sizeof(msg) - len);
	w->w_next = w->w_nsent;
	w_raw(w, &pbx, msg, len + 7);
	ATF_REQUIRE_EQ(1, to_peer(w, &trunk, "MESSAGE "));
	ATF_CHECK_STREQ("abc", strstr(w_find(w, "MESSAGE "), "\r\n\r\n") + 4);
	(void)snprintf(msg, sizeof(msg), MESSAGE, 5u, (size_t)3);
	w->w_next = w->w_nsent;
	w_raw(w, &pbx, msg, len + 2);
	ATF_CHECK_EQ(1, w_count(w, "SIP/2.0 400 "));
	ATF_CHECK_EQ(1, w_count(w, ""));
	w_free(w);
}

/* What fits into no datagram is refused, and is not the trunk's fault. */
ATF_TC_WITHOUT_HEAD(s18_1_1_too_long);
ATF_TC_BODY(s18_1_1_too_long, tc)
{
	static char	 msg[SIP_MSG_MAX + 1];
	struct world	*w = start();
	struct sip_flow	 fl = pbx;
	size_t		 len, more, body, i;

	fl.fl_proto = SIP_TCP;
	fl.fl_conn = 7;
	len = (size_t)snprintf(msg, sizeof(msg), MESSAGE, 1u, (size_t)10000);
	memset(msg + len, 'b', 10000);
	w_raw(w, &fl, msg, len + 10000);
	ATF_REQUIRE_EQ(1, to_peer(w, &trunk, "MESSAGE "));
	more = w->w_sent[0].se_len - 10000;
	for (i = 0; i < 2; i++) {
		body = UDP_BYTES - more + i;
		len = (size_t)snprintf(msg, sizeof(msg), MESSAGE, 2u + (unsigned)i, body);
		memset(msg + len, 'b', body);
		w->w_next = w->w_nsent;
		w_raw(w, &fl, msg, len + body);
		ATF_CHECK_EQ(i == 0, to_peer(w, &trunk, "MESSAGE "));
		ATF_CHECK_EQ(i, w_count(w, "SIP/2.0 500 "));
	}
	ATF_CHECK_EQ(0, to_peer(w, &backup, "MESSAGE "));
	ATF_CHECK(strstr(w->w_log, "does not answer") == NULL);
	w_free(w);
}

/* Answers that are no one's, or cut short, lead to nothing (18.1.2, 18.3). */
ATF_TC_WITHOUT_HEAD(s18_1_2_stray);
ATF_TC_BODY(s18_1_2_stray, tc)
{
	struct world	*w = start();
	const char	*req;
	char		 text[1024];
	int		 len;

	ATF_REQUIRE((req = call(w, "z9hG4bKi")) != NULL);
	w->w_next = w->w_nsent;
	w_in(w, &trunk, "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKnever\n"
	    "Via: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bKi\nFrom: <sip:1@x>;tag=f\n"
	    "To: <sip:2@x>;tag=t\nCall-ID: c1\nCSeq: 1 INVITE\n");
	/* The method belongs to the name of the transaction. */
	w_in(w, &trunk, "SIP/2.0 200 OK\nVia: %s\nVia: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bKi\n"
	    "From: <sip:1@x>;tag=f\nTo: <sip:2@x>;tag=t\nCall-ID: c1\nCSeq: 1 BYE\n",
	    w_hdr(req, "Via"));
	len = snprintf(text, sizeof(text), "SIP/2.0 200 OK\r\nVia: %s\r\n"
	    "Via: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bKi\r\nFrom: <sip:1@x>;tag=f\r\n"
	    "To: <sip:2@x>;tag=t\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\nl: 9\r\n\r\nshort",
	    w_hdr(req, "Via"));
	w_raw(w, &trunk, text, (size_t)len);
	ATF_CHECK_EQ(0, w_count(w, ""));
	ATF_CHECK_EQ(0, proxy_calls(w->w_px));
	w_free(w);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, s16_6_largest);
	ATF_TP_ADD_TC(tp, s18_2_responses);
	ATF_TP_ADD_TC(tp, s18_3_framing);
	ATF_TP_ADD_TC(tp, s18_1_2_stray);
	ATF_TP_ADD_TC(tp, s18_1_1_too_long);
	return (atf_no_error());
}
