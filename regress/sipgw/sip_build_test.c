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
 * The message builder: forwarding with edits, our own requests and responses;
 * what it writes must be read back by the strict parser.
 */
#include <sys/types.h>

#include <atf-c.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sip_build.h"

static const char invite[] =
    "INVITE sip:+14085550100@b.example SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1;rport, SIP/2.0/UDP p;branch=z9hG4bK2\r\n"
    "Via: SIP/2.0/UDP q;branch=z9hG4bK3;received=192.0.2.9\r\n"
    "Max-Forwards: 70\r\nFrom: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>\r\n"
    "Call-ID: c1\r\nCSeq: 7 INVITE\r\nRoute: <sip:us;lr>, <sip:them;lr>\r\n"
    "Contact: <sip:a@10.0.0.5>\r\nSubject: one\r\n two\r\nAlert-Info: <http://x/>\r\n"
    "ViPR-Refusal: busy\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc";
static const char ok200[] =
    "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS gw;branch=z9hG4bKx\r\n"
    "From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>;tag=2\r\nCall-ID: c1\r\n"
    "CSeq: 7 INVITE\r\nRecord-Route: <sip:far;lr>, <sip:near;lr>\r\nRecord-Route: <sip:us;lr>\r\n"
    "Contact: <sip:seal@b.example;x=y?h=v>\r\nContent-Length: 0\r\n\r\n";

static struct sip_msg	in, out;
static char		buf[8192];
static struct wbuf	w;

static int
keep(const struct sip_hdr *h, const void *arg)
{
	(void)arg;
	return (h->sh_id != SIP_H_ALERT_INFO);
}

static void
reread(void)
{
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	ATF_REQUIRE_EQ_MSG(0, sip_parse(&out, buf, w.w_len, SIP_STREAM), "%s\n%.*s",
	    sip_error_str(out.sm_error), (int)w.w_len, buf);
}

static void
setup(const char *t)
{
	ATF_REQUIRE_EQ(0, sip_parse(&in, t, strlen(t), SIP_STREAM));
	memset(buf, 0, sizeof(buf));
	wbuf_init(&w, buf, sizeof(buf) - 1);
}

ATF_TC_WITHOUT_HEAD(forward);
ATF_TC_BODY(forward, tc)
{
	struct sip_edit	e;
	struct sip_via	via;
	struct sip_addr	a;

	setup(invite);
	sip_edit_init(&e, &in);
	e.se_uri = "sip:+14085550100@10.0.0.9:5060";
	e.se_via = "SIP/2.0/TLS gw.a.example:5061;branch=z9hG4bKnew";
	e.se_via_params = ";received=192.0.2.1;rport=5062";
	e.se_pop_routes = 1;
	e.se_max_forwards = 69;
	e.se_keep = keep;
	sip_edit_drop(&e, SIP_H_VIPR_REFUSAL);
	sip_edit_set(&e, SIP_H_CONTACT, "<sip:seal@gw>");
	sip_edit_add_top(&e, "Record-Route", "<sip:inner;lr>");
	sip_edit_add_top(&e, "Record-Route", "<sip:outer;lr>");
	sip_edit_add(&e, "ViPR-Ticket", "abc");
	ATF_REQUIRE_EQ(0, sip_edit_write(&e, &w));
	reread();
	ATF_CHECK(span_eq(out.sm_uri, e.se_uri));
	ATF_CHECK_EQ(4, out.sm_nvias);
	ATF_CHECK(span_eq(out.sm_via.sv_branch, "z9hG4bKnew"));
	ATF_REQUIRE_EQ(0, sip_via_get(&out, 1, &via));
	ATF_CHECK(span_eq(via.sv_received, "192.0.2.1"));
	ATF_CHECK_EQ(5062, via.sv_rport);
	ATF_CHECK(span_eq(via.sv_branch, "z9hG4bK1"));
	ATF_REQUIRE_EQ(0, sip_via_get(&out, 3, &via));
	ATF_CHECK(span_eq(via.sv_received, "192.0.2.9"));
	ATF_CHECK_EQ(69, out.sm_max_forwards);
	ATF_CHECK_EQ(1, sip_values_count(&out, SIP_H_ROUTE));
	ATF_REQUIRE_EQ(0, sip_addr_get(&out, SIP_H_RECORD_ROUTE, 0, &a));
	ATF_CHECK(span_eq(a.sa_uri, "sip:outer;lr"));
	ATF_REQUIRE_EQ(0, sip_addr_get(&out, SIP_H_CONTACT, 0, &a));
	ATF_CHECK(span_eq(a.sa_uri, "sip:seal@gw"));
	ATF_CHECK_EQ(1, sip_values_count(&out, SIP_H_CONTACT));
	ATF_CHECK(span_eq(sip_hdr_first(&out, SIP_H_SUBJECT)->sh_value, "one two"));
	ATF_CHECK_EQ(0, sip_hdr_has(&out, SIP_H_ALERT_INFO));
	ATF_CHECK_EQ(0, sip_hdr_has(&out, SIP_H_VIPR_REFUSAL));
	ATF_CHECK(span_eq(sip_hdr_first(&out, SIP_H_VIPR_TICKET)->sh_value, "abc"));
	ATF_CHECK(span_eq(out.sm_body, "abc"));
}

ATF_TC_WITHOUT_HEAD(response_back);
ATF_TC_BODY(response_back, tc)
{
	struct sip_edit	e;
	struct span	body = { "xy", 2 };

	setup(ok200);
	sip_edit_init(&e, &in);
	e.se_pop_vias = 1;
	e.se_via = "SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK1";
	e.se_status = 480;
	sip_edit_drop(&e, SIP_H_RECORD_ROUTE);
	sip_edit_set(&e, SIP_H_CONTENT_TYPE, "text/plain");
	e.se_set_body = 1;
	e.se_body = body;
	ATF_REQUIRE_EQ(0, sip_edit_write(&e, &w));
	reread();
	ATF_CHECK_EQ(480, out.sm_status);
	ATF_CHECK(span_eq(out.sm_reason, "Temporarily Unavailable"));
	ATF_CHECK_EQ(1, out.sm_nvias);
	ATF_CHECK(span_eq(out.sm_body, "xy"));
	ATF_CHECK_EQ(0, sip_hdr_has(&out, SIP_H_RECORD_ROUTE));
}

ATF_TC_WITHOUT_HEAD(own);
ATF_TC_BODY(own, tc)
{
	static struct sip_msg	resp;
	struct sip_extra	x[] = { { "ViPR-Refusal", "busy" }, { "Retry-After", "5" } };
	struct sip_addr		a;

	setup(invite);
	ATF_REQUIRE_EQ(0, sip_build_response(&w, &in, 503, NULL, "t9", ";received=192.0.2.1", x, 2));
	reread();
	ATF_CHECK_EQ(503, out.sm_status);
	ATF_CHECK_EQ(3, out.sm_nvias);
	ATF_CHECK(span_eq(out.sm_to.sa_tag, "t9"));
	ATF_CHECK(span_eq(out.sm_via.sv_received, "192.0.2.1"));
	ATF_CHECK_EQ(0, out.sm_via.sv_has_rport);
	ATF_CHECK(span_eq(sip_hdr_first(&out, SIP_H_RETRY_AFTER)->sh_value, "5"));
	ATF_CHECK_EQ(7, out.sm_cseq);

	resp = out;		/* points into buf: keep that */
	{
		static char	ack[4096];

		wbuf_init(&w, ack, sizeof(ack));
		ATF_REQUIRE_EQ(0, sip_build_ack(&w, &in, &resp));
		ATF_REQUIRE_EQ(0, sip_parse(&out, ack, w.w_len, SIP_STREAM));
		ATF_CHECK_EQ(SIP_M_ACK, out.sm_method);
		ATF_CHECK_EQ(1, out.sm_nvias);
		ATF_CHECK(span_eq(out.sm_via.sv_branch, "z9hG4bK1"));
		ATF_CHECK(span_eq(out.sm_to.sa_tag, "t9"));
		ATF_CHECK_EQ(2, sip_values_count(&out, SIP_H_ROUTE));
		wbuf_init(&w, ack, sizeof(ack));
		ATF_REQUIRE_EQ(0, sip_build_cancel(&w, &in, "SIP;cause=200"));
		ATF_REQUIRE_EQ(0, sip_parse(&out, ack, w.w_len, SIP_STREAM));
		ATF_CHECK_EQ(SIP_M_CANCEL, out.sm_method);
		ATF_CHECK_EQ(0, out.sm_to.sa_tag.len);
		ATF_CHECK_EQ(7, out.sm_cseq);
	}
	ATF_REQUIRE_EQ(0, sip_parse(&resp, ok200, sizeof(ok200) - 1, SIP_STREAM));
	wbuf_init(&w, buf, sizeof(buf) - 1);
	ATF_REQUIRE_EQ(0, sip_build_dialog(&w, SIP_M_BYE, &in, &resp,
	    "SIP/2.0/TLS gw;branch=z9hG4bKbye", 8, 1));
	reread();
	ATF_CHECK_EQ(SIP_M_BYE, out.sm_method);
	ATF_CHECK_EQ(8, out.sm_cseq);
	ATF_CHECK(span_eq(out.sm_uri, "sip:seal@b.example;x=y"));
	ATF_CHECK_EQ(2, sip_values_count(&out, SIP_H_ROUTE));
	ATF_REQUIRE_EQ(0, sip_addr_get(&out, SIP_H_ROUTE, 0, &a));
	ATF_CHECK(span_eq(a.sa_uri, "sip:near;lr"));
	ATF_REQUIRE_EQ(0, sip_addr_get(&out, SIP_H_ROUTE, 1, &a));
	ATF_CHECK(span_eq(a.sa_uri, "sip:far;lr"));
}

/* RFC 7989: what we write ourselves names both ends as its reader sees them. */
#define A	"ab30317f1a784dc48ff824d0d3715d86"
#define B	"47755a9de7794ba387653f2099600ef2"
#define NIL	"00000000000000000000000000000000"
ATF_TC_WITHOUT_HEAD(session_id);
ATF_TC_BODY(session_id, tc)
{
	static const struct {
		const char	*in, *answer, *cancel;	/* NULL: none */
	} t[] = {
		{ A ";remote=" NIL, NIL ";remote=" A, A ";remote=" NIL },
		{ A " ; remote=" B, B ";remote=" A, A ";remote=" B },
		{ A, A, A },
		{ A ";remote=" B ";x=y", NULL, NULL }, { A ";remote=" B "0", NULL, NULL },
		{ "x", NULL, NULL }, { "", NULL, NULL },
	};
	static struct sip_msg	 resp;
	static char		 text[4096], answer[4096];
	const struct sip_hdr	*h;
	size_t			 i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		(void)snprintf(text, sizeof(text), "INVITE sip:b@b.example SIP/2.0\r\n"
		    "Via: SIP/2.0/UDP q;branch=z9hG4bK3\r\nMax-Forwards: 70\r\n"
		    "From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>\r\n"
		    "Call-ID: c1\r\nCSeq: 7 INVITE\r\nSession-ID: %s\r\n"
		    "Contact: <sip:a@10.0.0.5>\r\nContent-Length: 0\r\n\r\n", t[i].in);
		setup(text);
		ATF_REQUIRE_EQ(0, sip_build_response(&w, &in, 403, NULL, "t", NULL, NULL, 0));
		reread();
		h = sip_hdr_first(&out, SIP_H_SESSION_ID);
		ATF_REQUIRE_EQ_MSG(t[i].answer != NULL, h != NULL, "%s", t[i].in);
		if (h != NULL)
			ATF_CHECK(span_eq(h->sh_value, t[i].answer));
		/* The ACK of that answer, and a CANCEL: as the INVITE was. */
		(void)memcpy(answer, buf, w.w_len);
		ATF_REQUIRE_EQ(0, sip_parse(&resp, answer, w.w_len, SIP_STREAM));
		wbuf_init(&w, buf, sizeof(buf) - 1);
		ATF_REQUIRE_EQ(0, sip_build_ack(&w, &in, &resp));
		reread();
		h = sip_hdr_first(&out, SIP_H_SESSION_ID);
		ATF_REQUIRE_EQ_MSG(t[i].cancel != NULL, h != NULL, "%s", t[i].in);
		if (h != NULL)
			ATF_CHECK(span_eq(h->sh_value, t[i].cancel));
		wbuf_init(&w, buf, sizeof(buf) - 1);
		ATF_REQUIRE_EQ(0, sip_build_cancel(&w, &in, NULL));
		reread();
		h = sip_hdr_first(&out, SIP_H_SESSION_ID);
		ATF_REQUIRE_EQ_MSG(t[i].cancel != NULL, h != NULL, "%s", t[i].in);
		if (h != NULL)
			ATF_CHECK(span_eq(h->sh_value, t[i].cancel));
	}
}

ATF_TC_WITHOUT_HEAD(injection);
ATF_TC_BODY(injection, tc)
{
	static const char *const evil[] = { "x\r\nEvil: 1", "x\nEvil: 1", "x\rEvil", "\x01", "a\x7f",
	    "\"a\\\rb\"", "\"a\\\nb\"", "\"a\x01\"", "\"a\" \\\x01", "\"\\\\\x01\"" };
	struct sip_extra	x;
	struct sip_edit		e;
	size_t			i;

	for (i = 0; i < sizeof(evil) / sizeof(evil[0]); i++) {
		setup(invite);
		sip_edit_init(&e, &in);
		sip_edit_add(&e, "X-A", evil[i]);
		ATF_CHECK_EQ(-1, sip_edit_write(&e, &w));
		setup(invite);
		sip_edit_init(&e, &in);
		e.se_uri = evil[i];
		ATF_CHECK_EQ(-1, sip_edit_write(&e, &w));
		setup(invite);
		sip_edit_init(&e, &in);
		e.se_via = evil[i];
		ATF_CHECK_EQ(-1, sip_edit_write(&e, &w));
		setup(invite);
		x.sx_name = "X-A";
		x.sx_value = evil[i];
		ATF_CHECK_EQ(-1, sip_build_response(&w, &in, 403, NULL, "t", NULL, &x, 1));
		setup(invite);
		ATF_CHECK_EQ(-1, sip_build_response(&w, &in, 403, evil[i], "t", NULL, NULL, 0));
		setup(invite);
		ATF_CHECK_EQ(-1, sip_build_response(&w, &in, 403, NULL, evil[i], NULL, NULL, 0));
	}
	/* A quoted-pair is none. */
	setup(invite);
	sip_edit_init(&e, &in);
	sip_edit_set(&e, SIP_H_FROM, "\"a\\\x01\\\"\t\" <sip:a@b>;tag=c");
	ATF_CHECK_EQ(0, sip_edit_write(&e, &w));
	setup(invite);
	sip_edit_init(&e, &in);
	e.se_uri = "sip:a b";
	ATF_CHECK_EQ(-1, sip_edit_write(&e, &w));
	sip_edit_init(&e, &in);
	for (i = 0; i <= SIP_EDITS_MAX; i++)
		sip_edit_add(&e, "X", "y");
	setup(invite);
	ATF_CHECK_EQ(-1, sip_edit_write(&e, &w));
}

/* A buffer one byte too small, and every smaller one, fails cleanly. */
ATF_TC_WITHOUT_HEAD(small);
ATF_TC_BODY(small, tc)
{
	struct sip_edit	e;
	size_t		full, n;

	setup(invite);
	sip_edit_init(&e, &in);
	ATF_REQUIRE_EQ(0, sip_edit_write(&e, &w));
	full = w.w_len;
	for (n = 0; n < full; n++) {
		wbuf_init(&w, buf, n);
		ATF_CHECK_EQ(-1, sip_edit_write(&e, &w));
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, forward);
	ATF_TP_ADD_TC(tp, response_back);
	ATF_TP_ADD_TC(tp, own);
	ATF_TP_ADD_TC(tp, session_id);
	ATF_TP_ADD_TC(tp, injection);
	ATF_TP_ADD_TC(tp, small);
	return (atf_no_error());
}
