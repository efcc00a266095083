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
 * Border policy: classes, Request-URI, ticket header, headers both ways,
 * which call may leave, and the fall-back table row by row.
 */
#include <sys/types.h>

#include <atf-c.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "border.h"
#include "conf.h"

#define COMMON	"Via: SIP/2.0/TLS h;branch=z9hG4bK1\r\nCall-ID: c\r\nMax-Forwards: 70\r\n"
#define FROM	"From: <sip:+12125550100@a.example>;tag=1\r\n"
#define TO	"To: <sip:+14085550100@b.example>\r\n"
#define TOTAG	"To: <sip:+14085550100@b.example>;tag=2\r\n"
#define SDP	"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n" \
		"m=audio 4000 RTP/SAVP 0\r\n"

static struct sip_msg	m;
static char		text[16384];

static struct span
sp(const char *s)
{
	struct span	r;

	r.p = s;
	r.len = strlen(s);
	return (r);
}

/* A request with some more headers and a body. */
static void
req(const char *method, const char *uri, const char *headers, const char *body)
{
	(void)snprintf(text, sizeof(text), "%s %s SIP/2.0\r\n" COMMON "CSeq: 1 %s\r\n%s"
	    "Content-Length: %zu\r\n\r\n%s", method, uri, method, headers, strlen(body), body);
	ATF_REQUIRE_EQ_MSG(0, sip_parse(&m, text, strlen(text), SIP_STREAM), "%s: %s",
	    sip_error_str(m.sm_error), text);
}

static void
answer(int status, const char *headers)
{
	(void)snprintf(text, sizeof(text), "SIP/2.0 %d x\r\n" COMMON "CSeq: 1 INVITE\r\n" FROM TOTAG
	    "%sContent-Length: 0\r\n\r\n", status, headers);
	ATF_REQUIRE_EQ(0, sip_parse(&m, text, strlen(text), SIP_STREAM));
}

static struct conf *
config(void)
{
	struct conf		*c;
	struct conf_listen	*l;
	struct e164_range	 r;

	ATF_REQUIRE((c = conf_new()) != NULL);
	(void)strlcpy(c->c_domain, "b.example", sizeof(c->c_domain));
	(void)strlcpy(c->c_outside_host, "sip.b.example", sizeof(c->c_outside_host));
	ATF_REQUIRE(conf_add_text(&c->c_names, "also.example", NULL, 0) != NULL);
	ATF_REQUIRE((l = calloc(1, sizeof(*l))) != NULL);
	l->cl_use = LISTEN_SIP;
	l->cl_proto = SIP_TLS;
	l->cl_face = FACE_OUTSIDE;
	l->cl_fd = -1;
	ATF_REQUIRE_EQ(0, vaddr_parse("198.51.100.1", 5061, &l->cl_addr));
	TAILQ_INSERT_TAIL(&c->c_listens, l, cl_entry);
	(void)strlcpy(r.er_from, "+14085550100", sizeof(r.er_from));
	(void)strlcpy(r.er_to, "+14085550199", sizeof(r.er_to));
	ATF_REQUIRE(conf_add_range(&c->c_numbers, &r, 0) != NULL);
	(void)strlcpy(c->c_rules.er_country, "49", sizeof(c->c_rules.er_country));
	(void)strlcpy(c->c_rules.er_national, "0", sizeof(c->c_rules.er_national));
	(void)strlcpy(c->c_rules.er_international, "00", sizeof(c->c_rules.er_international));
	return (c);
}

ATF_TC_WITHOUT_HEAD(classes);
ATF_TC_BODY(classes, tc)
{
	static const struct { const char *me, *h; enum border_class c; } t[] = {
		{ "INVITE", FROM TO, BORDER_CALL },
		{ "INVITE", FROM TO "Route: <sip:x;lr>\r\n", BORDER_CALL },
		{ "INVITE", FROM TOTAG, BORDER_DIALOG },
		{ "BYE", FROM TOTAG, BORDER_DIALOG }, { "BYE", FROM TO, BORDER_481 },
		{ "PRACK", FROM TO, BORDER_481 }, { "UPDATE", FROM TO, BORDER_481 },
		{ "INFO", FROM TO, BORDER_481 }, { "INFO", FROM TOTAG, BORDER_DIALOG },
		{ "OPTIONS", FROM TO, BORDER_OPTIONS }, { "OPTIONS", FROM TOTAG, BORDER_OPTIONS },
		{ "CANCEL", FROM TO, BORDER_CANCEL }, { "ACK", FROM TOTAG, BORDER_ACK },
		{ "ACK", FROM TO, BORDER_DROP },
		{ "REFER", FROM TOTAG, BORDER_405 }, { "REGISTER", FROM TO, BORDER_405 },
		{ "SUBSCRIBE", FROM TO, BORDER_405 }, { "MESSAGE", FROM TO, BORDER_405 },
		{ "NOTIFY", FROM TOTAG, BORDER_405 }, { "invite", FROM TO, BORDER_405 },
		{ "INVITE", FROM TO "Replaces: x;to-tag=1;from-tag=2\r\n", BORDER_POLICY },
		{ "INVITE", FROM TOTAG "Join: x;to-tag=1;from-tag=2\r\n", BORDER_POLICY },
		{ "BYE", FROM TOTAG "Replaces: x\r\n", BORDER_POLICY },
		{ "ACK", FROM TOTAG "Replaces: x\r\n", BORDER_DROP },
		{ "INVITE", FROM TO "Proxy-Require: foo\r\n", BORDER_420 },
		{ "CANCEL", FROM TO "Proxy-Require: foo\r\n", BORDER_CANCEL }
	};
	struct conf	*c = config();
	size_t		 i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		req(t[i].me, "sip:+14085550100@b.example", t[i].h, "");
		ATF_CHECK_EQ_MSG(t[i].c, border_classify(c, &m), "%s %s", t[i].me, t[i].h);
	}
	c->c_flags |= CONF_ALLOW_REFER;
	req("REFER", "sip:x@b.example", FROM TOTAG, "");
	ATF_CHECK_EQ(BORDER_DIALOG, border_classify(c, &m));
	ATF_CHECK(strstr(border_allow(c), "REFER") != NULL);
	c->c_flags = 0;
	ATF_CHECK(strstr(border_allow(c), "REFER") == NULL);
	conf_free(c);
}

ATF_TC_WITHOUT_HEAD(max_forwards);
ATF_TC_BODY(max_forwards, tc)
{
	static const char t[] = "INVITE sip:+14085550100@b.example SIP/2.0\r\n"
	    "Via: SIP/2.0/TLS h;branch=z9hG4bK1\r\nCall-ID: c\r\nMax-Forwards: 0\r\n"
	    "CSeq: 1 INVITE\r\n" FROM TO "Content-Length: 0\r\n\r\n";
	struct conf	*c = config();

	ATF_REQUIRE_EQ(0, sip_parse(&m, t, sizeof(t) - 1, SIP_STREAM));
	ATF_CHECK_EQ(BORDER_483, border_classify(c, &m));
	conf_free(c);
}

ATF_TC_WITHOUT_HEAD(ruri);
ATF_TC_BODY(ruri, tc)
{
	static const char *const good[] = {
		"sip:+14085550100@b.example", "sips:+14085550100@B.EXAMPLE",
		"sip:+14085550100@b.example:5061;transport=tls;user=phone",
		"sip:%2b1408555%30100@sip.b.example", "sip:+14085550100@also.example;maddr=10.0.0.1",
		"sip:+14085550100@198.51.100.1", "sip:+14085550100@198.51.100.1:5061",
		"tel:+14085550100", "tel:+1-408-555-0100"
	};
	static const char *const wrong[] = {
		"sip:14085550100@b.example", "sip:+1408555@b.example", "sip:+1408555010012345@b.example",
		"sip:+0408555010@b.example", "sip:+1408555010a@b.example", "sip:+14085550100;x=y@b.example",
		"sip:+14085550100%3bx@b.example", "sip:+14085550100:pw@b.example", "sip:b.example",
		"sip:+14085550100@c.example", "sip:+14085550100@xb.example", "sip:+14085550100@198.51.100.2",
		"sip:+1-408-555-0100@b.example", "tel:14085550100", "tel:+14085550100;phone-context=x",
		"tel:+14085550100;isub=1", "mailto:x@b.example", "http://b.example", "sip:+14085550100%00@b.example",
		"sip:alice@b.example"
	};
	static const char *const bad[] = {
		"sip:+14085550100@b.example?Replaces=x", "sip:+14085550100@b.example?",
		"tel:+14085550100?a=b", "sip:@", "x", "sip:+14085550100@b.example:0",
		"sip:+1%4@b.example"
	};
	struct conf	*c = config();
	char		 n[E164_SIZE];
	size_t		 i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ATF_CHECK_EQ_MSG(0, border_ruri(c, sp(good[i]), n), "%s", good[i]);
		ATF_CHECK_STREQ("+14085550100", n);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ATF_CHECK_EQ_MSG(403, border_ruri(c, sp(wrong[i]), n), "%s", wrong[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ATF_CHECK_EQ_MSG(400, border_ruri(c, sp(bad[i]), n), "%s", bad[i]);
		ATF_CHECK_EQ('\0', n[0]);
	}
	conf_free(c);
}

ATF_TC_WITHOUT_HEAD(ticket);
ATF_TC_BODY(ticket, tc)
{
	static const struct { const char *h; enum refusal r; const char *t; } t[] = {
		{ "", REFUSAL_NO_TICKET, "" }, { "ViPR-Ticket:\r\n", REFUSAL_NO_TICKET, "" },
		{ "ViPR-Ticket: AbC-_9\r\n", REFUSAL_NONE, "AbC-_9" },
		{ "x-cisco-vipr-ticket: AbC\r\n", REFUSAL_NONE, "AbC" },
		{ "ViPR-Ticket: AbC\r\nX-Cisco-ViPR-Ticket: AbC\r\n", REFUSAL_BAD_TICKET, "" },
		{ "ViPR-Ticket: AbC\r\nViPR-Ticket: AbC\r\n", REFUSAL_BAD_TICKET, "" },
		{ "ViPR-Ticket: AbC,AbD\r\n", REFUSAL_BAD_TICKET, "" },
		{ "ViPR-Ticket: AbC=\r\n", REFUSAL_BAD_TICKET, "" },
		{ "ViPR-Ticket: Ab C\r\n", REFUSAL_BAD_TICKET, "" },
		{ "ViPR-Ticket: \"AbC\"\r\n", REFUSAL_BAD_TICKET, "" }
	};
	char	out[TOKEN_MAX], h[TOKEN_MAX + 64];
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		(void)snprintf(h, sizeof(h), "%s%s", FROM TO, t[i].h);
		req("INVITE", "sip:x@b.example", h, "");
		ATF_CHECK_EQ_MSG(t[i].r, border_ticket(&m, out), "%s", t[i].h);
		ATF_CHECK_STREQ(t[i].t, out);
	}
	for (i = TOKEN_MAX - 1; i <= TOKEN_MAX; i++) {
		(void)snprintf(h, sizeof(h), "%sViPR-Ticket: ", "");
		memset(h + strlen("ViPR-Ticket: "), 'a', i);
		memcpy(h + strlen("ViPR-Ticket: ") + i, "\r\n", 3);
		(void)snprintf(text, sizeof(text), "%s%s", FROM TO, h);
		{
			char	copy[2048];

			(void)strlcpy(copy, text, sizeof(copy));
			req("INVITE", "sip:x@b.example", copy, "");
		}
		ATF_CHECK_EQ(i == TOKEN_MAX - 1 ? REFUSAL_NONE : REFUSAL_BAD_TICKET,
		    border_ticket(&m, out));
	}
	ATF_CHECK_EQ(503, border_refusal_status(REFUSAL_BUSY));
	ATF_CHECK_EQ(403, border_refusal_status(REFUSAL_POLICY));
}

ATF_TC_WITHOUT_HEAD(headers);
ATF_TC_BODY(headers, tc)
{
	struct conf	*c = config();
	size_t		 i, kept = 0;

	req("INVITE", "sip:x@b.example", FROM TO "Alert-Info: <http://x/>\r\nAnswer-Mode: Auto\r\n"
	    "P-Asserted-Identity: <sip:x@y>\r\nCall-Info: <http://x/>\r\nContent-Foo: 1\r\nX-Y: z\r\n"
	    "ViPR-Ticket: a\r\nViPR-Refusal: busy\r\nSubject: s\r\nUser-Agent: u\r\nContact: <sip:a@b>\r\n"
	    "Record-Route: <sip:a;lr>\r\nDiversion: <sip:a@b>\r\nRefer-To: <sip:a@b>\r\nk: timer\r\n"
	    "Session-ID: ab30317f1a784dc48ff824d0d3715d86\r\nContent: 1\r\n", "");
	for (i = 0; i < m.sm_nhdrs; i++) {
		struct span n = m.sm_hdrs[i].sh_name;

		if (!border_keep_in(&m.sm_hdrs[i], c))
			continue;
		kept++;
		ATF_CHECK_MSG(span_eq(n, "Call-ID") || span_eq(n, "CSeq") || span_eq(n, "From") ||
		    span_eq(n, "To") || span_eq(n, "Content-Foo") || span_eq(n, "User-Agent") ||
		    span_eq(n, "k") || span_eq(n, "Session-ID"), "%.*s", (int)n.len, n.p);
	}
	ATF_CHECK_EQ(8, kept);
	c->c_flags |= CONF_ALLOW_REFER;
	ATF_CHECK_EQ(1, border_keep_in(sip_hdr_first(&m, SIP_H_REFER_TO), c));
	answer(200, "Warning: 399 10.0.0.5 \"x\"\r\nServer: s\r\nP-Asserted-Identity: <sip:1@10.0.0.5>\r\n"
	    "Contact: <sip:1@10.0.0.5>\r\nRetry-After: 3\r\nViPR-Refusal: busy\r\nError-Info: <sip:10.0.0.5>\r\n");
	ATF_CHECK_EQ(0, border_keep_out(sip_hdr_first(&m, SIP_H_WARNING), c));
	ATF_CHECK_EQ(0, border_keep_out(sip_hdr_first(&m, SIP_H_P_ASSERTED_IDENTITY), c));
	ATF_CHECK_EQ(0, border_keep_out(sip_hdr_first(&m, SIP_H_CONTACT), c));
	ATF_CHECK_EQ(0, border_keep_out(sip_hdr_first(&m, SIP_H_VIPR_REFUSAL), c));
	ATF_CHECK_EQ(0, border_keep_out(sip_hdr_first(&m, SIP_H_SERVER), c));
	ATF_CHECK_EQ(1, border_keep_out(sip_hdr_first(&m, SIP_H_RETRY_AFTER), c));
	conf_free(c);
}

static const char *
from_in(const char *v)
{
	static char	out[512];
	struct sip_addr	a;

	ATF_REQUIRE_EQ(0, sip_addr_parse(sp(v), &a));
	ATF_REQUIRE_EQ(0, border_from_in(NULL, &a, out, sizeof(out)));
	return (out);
}

ATF_TC_WITHOUT_HEAD(identity);
ATF_TC_BODY(identity, tc)
{
	static struct conf	 plain;
	struct sip_addr		 a;
	char			 n[E164_SIZE], out[300];

	ATF_CHECK_STREQ("\"A B\" <sip:+12125550100@a.example>;tag=1",
	    from_in("\"A B\" <sip:+12125550100@a.example>;tag=1"));
	ATF_CHECK_STREQ("<sip:+12125550100@a.example>;tag=1",
	    from_in("<sip:+12125550100;verstat=TN-Validation-Passed@a.example>;tag=1"));
	ATF_CHECK_STREQ("<sip:+1@a.example;user=phone>;tag=1",
	    from_in("<sip:+1@a.example;VERSTAT=x;user=phone>;tag=1"));
	ATF_CHECK_STREQ("<sip:+1@a.example>;tag=1", from_in("<sip:+1@a.example;%76erstat=x>;tag=1"));
	ATF_CHECK_STREQ("<sip:+1@a.example>;tag=1", from_in("<sip:+1@a.example>;verstat=x;tag=1"));
	ATF_CHECK_STREQ("<tel:+1>;tag=1", from_in("<tel:+1;verstat=TN-Validation-Passed>;tag=1"));
	ATF_CHECK_STREQ("<sip:+1;a=b@a.example?x=y>;tag=1;q=\"v\"",
	    from_in("<sip:+1;a=b@a.example;verstat?x=y>;tag=1;q=\"v\""));
	ATF_CHECK_STREQ("<sip:+1;verstatx=1@a>;tag=1", from_in("sip:+1;verstatx=1@a;tag=1") ?
	    "<sip:+1;verstatx=1@a>;tag=1" : "");
	ATF_REQUIRE_EQ(0, sip_addr_parse(sp("<sip:+12125550100;x=y@a.example>;tag=1"), &a));
	ATF_CHECK_EQ(0, border_from_number(&a, n));
	ATF_CHECK_STREQ("+12125550100", n);
	ATF_CHECK_EQ(1, border_identity_in(&plain, &a, "a.example", 1, out, sizeof(out)));
	ATF_CHECK_STREQ("<sip:+12125550100@a.example>", out);
	ATF_CHECK_EQ(0, border_identity_in(&plain, &a, "a.example", 0, out, sizeof(out)));
	ATF_REQUIRE_EQ(0, sip_addr_parse(sp("<sip:12125550100@a.example>;tag=1"), &a));
	ATF_CHECK_EQ(-1, border_from_number(&a, n));
	ATF_CHECK_EQ(0, border_identity_in(&plain, &a, "a.example", 1, out, sizeof(out)));
}

static enum divert
judge(const struct conf *c, const char *uri, const char *headers, const char *body,
    char called[E164_SIZE], char caller[E164_SIZE])
{
	char	h[2048];

	(void)snprintf(h, sizeof(h), "%s%s", headers, body[0] ? "Content-Type: application/sdp\r\n" : "");
	req("INVITE", uri, h, body);
	return (border_judge_out(c, NULL, &m, called, caller));
}

ATF_TC_WITHOUT_HEAD(outward);
ATF_TC_BODY(outward, tc)
{
	static const struct { const char *u, *h; enum divert d; const char *called; } t[] = {
		{ "sip:+12125550123@pbx", FROM TO, DIVERT_OK, "+12125550123" },
		{ "sip:0012125550123@pbx;user=phone", FROM TO, DIVERT_OK, "+12125550123" },
		{ "sip:08912345678@pbx", FROM TO, DIVERT_OK, "+498912345678" },
		{ "tel:+1-212-555-0123", FROM TO, DIVERT_OK, "+12125550123" },
		{ "sip:+12125550123;ext=5@pbx", FROM TO, DIVERT_NO_NUMBER, "" },
		{ "sip:112@pbx", FROM TO, DIVERT_NEVER, "" },
		{ "sip:911@pbx", FROM TO, DIVERT_NEVER, "" },
		{ "sip:+19005550123@pbx", FROM TO, DIVERT_NEVER, "+19005550123" },
		{ "sip:alice@pbx", FROM TO, DIVERT_NO_NUMBER, "" },
		{ "sip:4711@pbx", FROM TO, DIVERT_NO_NUMBER, "" },
		{ "sip:*21@pbx", FROM TO, DIVERT_NO_NUMBER, "" },
		{ "sip:%2312@pbx", FROM TO, DIVERT_NO_NUMBER, "" },
		{ "sip:+14085550100@pbx", FROM TO, DIVERT_OWN, "+14085550100" },
		{ "sip:+12125550123@pbx", FROM TO "Privacy: id\r\n", DIVERT_PRIVACY, "+12125550123" },
		{ "sip:+12125550123@pbx", FROM TO "Privacy: user;critical\r\n", DIVERT_PRIVACY, "+12125550123" },
		{ "sip:+12125550123@pbx", FROM TO "Privacy: none\r\n", DIVERT_OK, "+12125550123" },
		{ "sip:+12125550123@pbx", "From: <sip:anonymous@anonymous.invalid>;tag=1\r\n" TO,
		    DIVERT_PRIVACY, "+12125550123" },
		{ "sip:+12125550123@pbx", "From: \"Anonymous\" <sip:+1@h>;tag=1\r\n" TO,
		    DIVERT_PRIVACY, "+12125550123" },
		{ "sip:+12125550123@pbx", "From: <sip:%41nonymous@h>;tag=1\r\n" TO,
		    DIVERT_PRIVACY, "+12125550123" },
		{ "sip:+12125550123@pbx", FROM TO "Remote-Party-ID: <sip:1@h>;privacy=full\r\n",
		    DIVERT_PRIVACY, "+12125550123" },
		{ "sip:+12125550123@pbx", FROM TO "Remote-Party-ID: <sip:1@h>;privacy=off\r\n",
		    DIVERT_OK, "+12125550123" },
		{ "sip:+12125550123@pbx", FROM TOTAG, DIVERT_IN_DIALOG, "+12125550123" },
		{ "sip:+12125550123@pbx", FROM TO "Replaces: x\r\n", DIVERT_IN_DIALOG, "+12125550123" },
		{ "sip:+12125550123@pbx", FROM TO "Proxy-Require: x\r\n", DIVERT_PROXY_REQUIRE, "+12125550123" }
	};
	struct conf	*c = config();
	char		 called[E164_SIZE], caller[E164_SIZE];
	size_t		 i;
	enum divert	 d;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		d = judge(c, t[i].u, t[i].h, SDP, called, caller);
		ATF_CHECK_EQ_MSG(t[i].d, d, "%s %s: %s, not %s", t[i].u, t[i].h, divert_str(d),
		    divert_str(t[i].d));
		ATF_CHECK_STREQ(t[i].called, called);
	}
	ATF_CHECK_EQ(DIVERT_MEDIA_UNKNOWN, judge(c, "sip:+12125550123@p", FROM TO, "", called, caller));
	ATF_CHECK_STREQ("+12125550100", caller);
	ATF_CHECK_EQ(DIVERT_MEDIA_PRIVATE, judge(c, "sip:+12125550123@p", FROM TO,
	    "v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"
	    "m=audio 4000 RTP/SAVP 0\r\n", called, caller));
	ATF_CHECK_EQ(DIVERT_MEDIA_PLAIN, judge(c, "sip:+12125550123@p", FROM TO,
	    "v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"
	    "m=audio 4000 RTP/AVP 0\r\n", called, caller));
	ATF_CHECK_EQ(DIVERT_OK, judge(c, "sip:+12125550123@p", FROM TO, SDP, called, caller));
	c->c_flags |= CONF_MODE_LOG;
	ATF_CHECK_EQ(DIVERT_MODE_LOG, judge(c, "sip:+12125550123@p", FROM TO, SDP, called, caller));
	ATF_CHECK_EQ(DIVERT_OWN, judge(c, "sip:+14085550101@p", FROM TO, SDP, called, caller));
	for (i = 0; i <= DIVERT_MAX; i++)
		ATF_CHECK(divert_str((enum divert)i) != NULL);
	conf_free(c);
}

ATF_TC_WITHOUT_HEAD(numbers);
ATF_TC_BODY(numbers, tc)
{
	struct conf	*c = config();
	struct conf_hop	 hop;
	char		 n[E164_SIZE], digits[32];
	struct sip_addr	 a;
	char		 out[300];

	memset(&hop, 0, sizeof(hop));
	hop.ch_rules = c->c_rules;
	(void)strlcpy(hop.ch_rules.er_outside, "0", sizeof(hop.ch_rules.er_outside));
	/* A PBX whose users dial 0 for a line. */
	ATF_CHECK_EQ(0, border_number(c, &hop, sp("sip:008912345678@p"), n, digits));
	ATF_CHECK_STREQ("+498912345678", n);
	ATF_CHECK_STREQ("008912345678", digits);
	ATF_CHECK_EQ(1, border_never(c, &hop, "", "0112"));
	ATF_CHECK_EQ(1, border_never(c, &hop, "", "112"));
	ATF_CHECK_EQ(0, border_never(c, NULL, "", "0113334"));
	ATF_CHECK_EQ(0, border_never(c, &hop, "", ""));
	/* On a trunk nobody does. */
	hop.ch_trunk = 1;
	ATF_CHECK_EQ(0, border_number(c, &hop, sp("sip:08912345678@p"), n, NULL));
	ATF_CHECK_STREQ("+498912345678", n);
	ATF_CHECK_EQ(-1, border_number(c, &hop, sp("sip:x@p"), n, digits));
	ATF_CHECK_STREQ("", n);
	hop.ch_trunk = 0;

	req("INVITE", "sip:x@b.example", "From: <sip:08912345678@p>;tag=1\r\n" TO, "");
	ATF_CHECK_EQ(0, border_caller(c, &hop, &m, n));
	ATF_CHECK_STREQ("+498912345678", n);
	req("INVITE", "sip:x@b.example", "From: <sip:anonymous@anonymous.invalid>;tag=1\r\n" TO
	    "P-Asserted-Identity: \"x\" <sip:alice@p>, <tel:+12125550100>\r\n", "");
	ATF_CHECK_EQ(0, border_caller(c, &hop, &m, n));
	ATF_CHECK_STREQ("+12125550100", n);
	req("INVITE", "sip:x@b.example", "From: <sip:anonymous@anonymous.invalid>;tag=1\r\n" TO, "");
	ATF_CHECK_EQ(-1, border_caller(c, &hop, &m, n));
	ATF_CHECK_STREQ("", n);
	ATF_CHECK_EQ(0, border_diverted(&m));
	req("INVITE", "sip:x@b.example", FROM TO "History-Info: <sip:a@b>;index=1\r\n", "");
	ATF_CHECK_EQ(1, border_diverted(&m));
	req("INVITE", "sip:x@b.example", FROM TO "b: <sip:a@b>\r\n", "");
	ATF_CHECK_EQ(1, border_diverted(&m));

	ATF_REQUIRE_EQ(0, sip_addr_parse(sp("\"Al\" <sip:100@10.0.0.5:5060;x=y>;tag=77"), &a));
	ATF_CHECK_EQ(0, border_from_out(c, &a, "+14085550100", out, sizeof(out)));
	ATF_CHECK_STREQ("<sip:+14085550100@sip.b.example>;tag=77", out);
	c->c_flags |= CONF_DISPLAY_NAME;
	ATF_CHECK_EQ(0, border_from_out(c, &a, "+14085550100", out, sizeof(out)));
	ATF_CHECK_STREQ("\"Al\" <sip:+14085550100@sip.b.example>;tag=77", out);
	ATF_CHECK_EQ(0, border_from_out(c, &a, "", out, sizeof(out)));
	ATF_CHECK_STREQ("<sip:anonymous@sip.b.example>;tag=77", out);
	ATF_CHECK_EQ(-1, border_from_out(c, &a, "", out, 10));
	conf_free(c);
}

/* -- fall-back -- */

static void
fall(enum fall_event ev, int status, enum refusal r, int passed, enum fall_route route,
    enum fall_host host, enum fall_call call, int shown)
{
	struct fall_in	in;
	struct fall_out	out;

	memset(&in, 0, sizeof(in));
	in.fi_event = ev;
	in.fi_status = status;
	in.fi_refusal = r;
	in.fi_passed = passed;
	in.fi_retry_after = 77;
	border_fall(&in, &out);
	ATF_CHECK_EQ_MSG(route, out.fo_route, "event %d status %d code %d passed %d", ev, status, r, passed);
	ATF_CHECK_EQ_MSG(host, out.fo_host, "event %d status %d code %d passed %d", ev, status, r, passed);
	ATF_CHECK_EQ_MSG(call, out.fo_call, "event %d status %d code %d passed %d", ev, status, r, passed);
	ATF_CHECK_EQ_MSG(shown, out.fo_status, "event %d status %d code %d passed %d", ev, status, r, passed);
	if (route == FALL_ROUTE_SKIP)
		ATF_CHECK_EQ(77, out.fo_skip_s);
}

ATF_TC_WITHOUT_HEAD(table);
ATF_TC_BODY(table, tc)
{
	static const int strike[] = { 300, 301, 302, 305, 380, 400, 401, 403, 404, 405, 407, 408, 410,
	    415, 420, 421, 481, 482, 483, 484, 488, 491, 500, 501, 502, 503, 504, 513, 599, 606 };
	static const int pass[] = { 480, 486, 487, 600, 603, 604, 607, 608 };
	size_t	i;
	int	r;

	for (r = FALL_NOCONN; r <= FALL_LOST; r++) {
		fall((enum fall_event)r, 0, 0, 0, FALL_ROUTE_KEEP, FALL_HOST_SKIP, FALL_CALL_TRUNK, 0);
		fall((enum fall_event)r, 0, 0, 1, FALL_ROUTE_KEEP, FALL_HOST_KEEP, FALL_CALL_PASS, 480);
	}
	for (i = 0; i < sizeof(strike) / sizeof(strike[0]); i++) {
		int	s = strike[i];
		int	shown = (s >= 300 && s < 400) || s == 401 || s == 407 ? 480 : s;

		fall(FALL_FINAL, s, 0, 0, FALL_ROUTE_STRIKE, FALL_HOST_CLEAR, FALL_CALL_TRUNK, 0);
		fall(FALL_FINAL, s, 0, 1, s == 404 ? FALL_ROUTE_STRIKE : FALL_ROUTE_KEEP,
		    FALL_HOST_CLEAR, FALL_CALL_PASS, shown);
	}
	for (i = 0; i < sizeof(pass) / sizeof(pass[0]); i++) {
		fall(FALL_FINAL, pass[i], 0, 0, FALL_ROUTE_KEEP, FALL_HOST_CLEAR, FALL_CALL_PASS, pass[i]);
		fall(FALL_FINAL, pass[i], 0, 1, FALL_ROUTE_KEEP, FALL_HOST_CLEAR, FALL_CALL_PASS, pass[i]);
	}
	fall(FALL_FINAL, 200, 0, 0, FALL_ROUTE_CLEAR, FALL_HOST_CLEAR, FALL_CALL_PASS, 200);
	fall(FALL_FINAL, 202, REFUSAL_BUSY, 1, FALL_ROUTE_CLEAR, FALL_HOST_CLEAR, FALL_CALL_PASS, 202);
	/* A known code decides before the status, whatever that is. */
	fall(FALL_FINAL, 503, REFUSAL_BUSY, 0, FALL_ROUTE_SKIP, FALL_HOST_CLEAR, FALL_CALL_TRUNK, 0);
	fall(FALL_FINAL, 486, REFUSAL_BUSY, 0, FALL_ROUTE_SKIP, FALL_HOST_CLEAR, FALL_CALL_TRUNK, 0);
	fall(FALL_FINAL, 403, REFUSAL_EXPIRED, 0, FALL_ROUTE_EXPIRE, FALL_HOST_CLEAR, FALL_CALL_TRUNK, 0);
	fall(FALL_FINAL, 603, REFUSAL_EXPIRED, 1, FALL_ROUTE_EXPIRE, FALL_HOST_CLEAR, FALL_CALL_PASS, 603);
	for (r = REFUSAL_NO_TICKET; r <= REFUSAL_POLICY; r++) {
		if (r == REFUSAL_BUSY || r == REFUSAL_EXPIRED)
			continue;
		fall(FALL_FINAL, 403, (enum refusal)r, 0, FALL_ROUTE_REMOVE, FALL_HOST_CLEAR, FALL_CALL_TRUNK, 0);
		fall(FALL_FINAL, 401, (enum refusal)r, 1, FALL_ROUTE_REMOVE, FALL_HOST_CLEAR, FALL_CALL_PASS, 480);
	}
}

ATF_TC_WITHOUT_HEAD(refusals);
ATF_TC_BODY(refusals, tc)
{
	struct fall_in	in;
	char		buf[32];
	int		r;

	for (r = REFUSAL_NO_TICKET; r <= REFUSAL_POLICY; r++) {
		char	h[64];

		(void)snprintf(h, sizeof(h), "ViPR-Refusal: %s\r\n", refusal_str((unsigned)r));
		answer(403, h);
		ATF_CHECK_EQ(r, (int)border_refusal(&m));
	}
	answer(403, "");
	ATF_CHECK_EQ(REFUSAL_NONE, border_refusal(&m));
	answer(403, "ViPR-Refusal: other\r\n");
	ATF_CHECK_EQ(REFUSAL_NONE, border_refusal(&m));
	answer(403, "ViPR-Refusal: busy, policy\r\n");
	ATF_CHECK_EQ(REFUSAL_NONE, border_refusal(&m));
	answer(403, "ViPR-Refusal: busy\r\nViPR-Refusal: busy\r\n");
	ATF_CHECK_EQ(REFUSAL_NONE, border_refusal(&m));
	answer(403, "ViPR-Refusal:\r\n");
	ATF_CHECK_EQ(REFUSAL_NONE, border_refusal(&m));
	answer(503, "Retry-After: 120;duration=3\r\n");
	ATF_CHECK_EQ(120, border_retry_after(&m));
	answer(503, "Retry-After: 0\r\n");
	ATF_CHECK_EQ(1, border_retry_after(&m));
	answer(503, "Retry-After: 86400\r\n");
	ATF_CHECK_EQ(3600, border_retry_after(&m));
	answer(503, "Retry-After: x\r\n");
	ATF_CHECK_EQ(60, border_retry_after(&m));
	answer(503, "");
	ATF_CHECK_EQ(60, border_retry_after(&m));
	memset(&in, 0, sizeof(in));
	in.fi_event = FALL_FINAL;
	in.fi_status = 503;
	ATF_CHECK_STREQ("status-503", border_fall_str(&in, buf, sizeof(buf)));
	in.fi_refusal = REFUSAL_NOT_OURS;
	ATF_CHECK_STREQ("not-ours", border_fall_str(&in, buf, sizeof(buf)));
	in.fi_event = FALL_SILENCE;
	ATF_CHECK_STREQ("silence", border_fall_str(&in, buf, sizeof(buf)));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, classes);
	ATF_TP_ADD_TC(tp, max_forwards);
	ATF_TP_ADD_TC(tp, ruri);
	ATF_TP_ADD_TC(tp, ticket);
	ATF_TP_ADD_TC(tp, headers);
	ATF_TP_ADD_TC(tp, identity);
	ATF_TP_ADD_TC(tp, outward);
	ATF_TP_ADD_TC(tp, numbers);
	ATF_TP_ADD_TC(tp, table);
	ATF_TP_ADD_TC(tp, refusals);
	return (atf_no_error());
}
