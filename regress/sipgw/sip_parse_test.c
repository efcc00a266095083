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
 * The SIP parser: good messages of RFC 3261 and RFC 4475, every prefix, each
 * rule of strict reading, framing on a stream.
 */
#include <sys/types.h>

#include <atf-c.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sip_build.h"
#include "sip_parse.h"

#define HEAD	"INVITE sip:+14085550100@b.example SIP/2.0\r\n"
#define VIA	"Via: SIP/2.0/TLS a.example:5061;branch=z9hG4bK776asdhds\r\n"
#define FROM	"From: \"Alice\" <sip:+12125550100@a.example>;tag=1928301774\r\n"
#define TO	"To: <sip:+14085550100@b.example>\r\n"
#define CALLID	"Call-ID: a84b4c76e66710@a.example\r\n"
#define CSEQ	"CSeq: 314159 INVITE\r\n"
#define MAXF	"Max-Forwards: 70\r\n"
#define LEN0	"Content-Length: 0\r\n"
#define BASE	HEAD VIA FROM TO CALLID CSEQ MAXF

static struct sip_msg	m;

static int	 parse(const char *, int);
static int	 bad(const char *, enum sip_error);
static struct span sp(const char *);

static struct span
sp(const char *s)
{
	struct span	r;

	r.p = s;
	r.len = strlen(s);
	return (r);
}

/* From an exact-size copy, so that ASan sees a read behind the end. */
static int
parse_len(const void *p, size_t len, int flags, char **keep)
{
	char	*heap;
	int	 r;

	ATF_REQUIRE((heap = malloc(len + !len)) != NULL);
	memcpy(heap, p, len);
	r = sip_parse(&m, heap, len, flags);
	if (keep != NULL)
		*keep = heap;
	else
		free(heap);
	return (r);
}

static int
parse(const char *s, int flags)
{
	return (sip_parse(&m, s, strlen(s), flags));
}

/* Refused for e?  Says whether it could be answered. */
static int
bad(const char *s, enum sip_error e)
{
	char	*heap;
	int	 answer;

	ATF_CHECK_EQ_MSG(-1, parse_len(s, strlen(s), SIP_STREAM, &heap),
	    "accepted: %s", s);
	ATF_CHECK_EQ_MSG(e, m.sm_error, "%s, not %s: %s",
	    sip_error_str(m.sm_error), sip_error_str(e), s);
	answer = sip_answerable(&m);
	free(heap);
	return (answer);
}

ATF_TC_WITHOUT_HEAD(good);
ATF_TC_BODY(good, tc)
{
	struct sip_via	via;
	struct sip_addr	a;
	struct span	v;
	static const char t[] = HEAD VIA
	    "Via: SIP/2.0/UDP pc33.a.example;branch=z9hG4bKnash;received=192.0.2.1"
	    " ,SIP/2.0/TCP [2001:db8::9]:5070;branch=z9hG4bKx;rport=5062\r\n"
	    MAXF FROM TO CALLID CSEQ
	    "Contact: <sip:alice@pc33.a.example;transport=tcp>;expires=3600\r\n"
	    "Route: <sip:p1.example;lr>,\r\n <sip:p2.example;lr>\r\n"
	    "Supported: timer, 100rel\r\nk: replaces\r\n"
	    "Session-Expires: 1800;refresher=uas\r\n"
	    "X-Thing: yes\r\n"
	    "Content-Type: application/sdp\r\nContent-Length: 4\r\n\r\nbody";

	ATF_REQUIRE_EQ(0, parse(t, SIP_STREAM));
	ATF_CHECK_EQ(1, m.sm_request);
	ATF_CHECK_EQ(SIP_M_INVITE, m.sm_method);
	ATF_CHECK(span_eq(m.sm_uri, "sip:+14085550100@b.example"));
	ATF_CHECK_EQ(3, m.sm_nvias);
	ATF_CHECK(span_eq(m.sm_via.sv_host, "a.example"));
	ATF_CHECK_EQ(5061, m.sm_via.sv_port);
	ATF_CHECK(span_eq(m.sm_via.sv_branch, "z9hG4bK776asdhds"));
	ATF_CHECK(span_eq(m.sm_via.sv_transport, "TLS"));
	ATF_REQUIRE_EQ(0, sip_via_get(&m, 1, &via));
	ATF_CHECK(span_eq(via.sv_received, "192.0.2.1"));
	ATF_CHECK_EQ(0, via.sv_has_rport);
	ATF_REQUIRE_EQ(0, sip_via_get(&m, 2, &via));
	ATF_CHECK(span_eq(via.sv_host, "2001:db8::9"));
	ATF_CHECK_EQ(5070, via.sv_port);
	ATF_CHECK_EQ(1, via.sv_has_rport);
	ATF_CHECK_EQ(5062, via.sv_rport);
	ATF_CHECK_EQ(-1, sip_via_get(&m, 3, &via));
	ATF_CHECK(span_eq(m.sm_from.sa_display, "\"Alice\""));
	ATF_CHECK(span_eq(m.sm_from.sa_uri, "sip:+12125550100@a.example"));
	ATF_CHECK(span_eq(m.sm_from.sa_tag, "1928301774"));
	ATF_CHECK_EQ(0, m.sm_to.sa_tag.len);
	ATF_CHECK(span_eq(m.sm_call_id, "a84b4c76e66710@a.example"));
	ATF_CHECK_EQ(314159, m.sm_cseq);
	ATF_CHECK_EQ(70, m.sm_max_forwards);
	ATF_CHECK_EQ(4, m.sm_content_length);
	ATF_CHECK(span_eq(m.sm_body, "body"));
	ATF_REQUIRE_EQ(0, sip_addr_get(&m, SIP_H_CONTACT, 0, &a));
	ATF_CHECK(span_eq(a.sa_uri, "sip:alice@pc33.a.example;transport=tcp"));
	ATF_CHECK_EQ(1, sip_param(a.sa_params, "EXPIRES", &v));
	ATF_CHECK(span_eq(v, "3600"));
	ATF_CHECK_EQ(2, sip_values_count(&m, SIP_H_ROUTE));
	ATF_REQUIRE_EQ(0, sip_addr_get(&m, SIP_H_ROUTE, 1, &a));
	ATF_CHECK(span_eq(a.sa_uri, "sip:p2.example;lr"));
	ATF_CHECK_EQ(1, sip_list_has(&m, SIP_H_SUPPORTED, "100REL"));
	ATF_CHECK_EQ(1, sip_list_has(&m, SIP_H_SUPPORTED, "replaces"));
	ATF_CHECK_EQ(0, sip_list_has(&m, SIP_H_SUPPORTED, "100re"));
	ATF_CHECK_EQ(3, sip_values_count(&m, SIP_H_SUPPORTED));
	ATF_CHECK(sip_hdr_named(&m, "x-thing") != NULL);
	ATF_CHECK(sip_hdr_named(&m, "x-thin") == NULL);
	ATF_CHECK_EQ(0, sip_hdr_has(&m, SIP_H_REPLACES));
}

ATF_TC_WITHOUT_HEAD(response);
ATF_TC_BODY(response, tc)
{
	ATF_REQUIRE_EQ(0, parse("SIP/2.0 180 Ringing\r\n" VIA FROM
	    "To: Bob <sip:bob@b.example>;tag=a6c85cf\r\n" CALLID CSEQ LEN0 "\r\n",
	    SIP_STREAM));
	ATF_CHECK_EQ(0, m.sm_request);
	ATF_CHECK_EQ(180, m.sm_status);
	ATF_CHECK(span_eq(m.sm_reason, "Ringing"));
	ATF_CHECK_EQ(SIP_M_INVITE, m.sm_method);
	ATF_CHECK(span_eq(m.sm_to.sa_display, "Bob"));
	ATF_CHECK(span_eq(m.sm_to.sa_tag, "a6c85cf"));
	ATF_CHECK_EQ(-1, m.sm_max_forwards);
	ATF_REQUIRE_EQ(0, parse("SIP/2.0 200\r\n" VIA FROM TO CALLID CSEQ "\r\n", 0));
	ATF_CHECK_EQ(0, m.sm_reason.len);
	(void)bad("SIP/2.0 099 x\r\n" VIA FROM TO CALLID CSEQ LEN0 "\r\n", SIP_E_START_LINE);
	(void)bad("SIP/2.0 700 x\r\n" VIA FROM TO CALLID CSEQ LEN0 "\r\n", SIP_E_START_LINE);
	(void)bad("SIP/2.0 2000 x\r\n" VIA FROM TO CALLID CSEQ LEN0 "\r\n", SIP_E_START_LINE);
	(void)bad("SIP/2.0 20 x\r\n" VIA FROM TO CALLID CSEQ LEN0 "\r\n", SIP_E_START_LINE);
	ATF_CHECK_EQ(0, bad("SIP/3.0 200 x\r\n" VIA FROM TO CALLID CSEQ LEN0 "\r\n", SIP_E_VERSION));
}

/* RFC 4475 3.1.1.1, "A Short Tortuous INVITE", but for its escaped control
 * characters, which strict reading refuses, and with the length made right. */
ATF_TC_WITHOUT_HEAD(tortuous);
ATF_TC_BODY(tortuous, tc)
{
	static const char t[] =
	    "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n"
	    "TO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n"
	    "from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n"
	    "  ;\r\n  tag = 98asjd8\r\n"
	    "MaX-fOrWaRdS: 0068\r\n"
	    "Call-ID: wsinv.ndaksdj@192.0.2.1\r\n"
	    "Content-Length   : 000\r\n"
	    "cseq: 0009\r\n  INVITE\r\n"
	    "Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\n"
	    "s :\r\n"
	    "NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
	    "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n"
	    "Content-Type: application/sdp\r\n"
	    "Route:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n"
	    "v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n"
	    "  branch  =   z9hG4bK9ikj8  ,\r\n"
	    " SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n"
	    " z9hG4bK30239\r\n"
	    "m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\r\n"
	    "      newvalue ;\r\n  secondparam ; q = 0.33\r\n\r\n";
	struct sip_via	via;
	struct sip_addr	a;
	struct span	v;
	char		buf[128];

	ATF_REQUIRE_EQ_MSG(0, parse(t, SIP_STREAM), "%s", sip_error_str(m.sm_error));
	ATF_CHECK_EQ(68, m.sm_max_forwards);
	ATF_CHECK_EQ(9, m.sm_cseq);
	ATF_CHECK(span_eq(m.sm_from.sa_tag, "98asjd8"));
	ATF_CHECK(span_eq(m.sm_to.sa_tag, "1918181833n"));
	ATF_CHECK(span_eq(m.sm_to.sa_uri, "sip:vivekg@chair-dnrc.example.com"));
	ATF_CHECK_EQ(3, m.sm_nvias);
	ATF_CHECK(span_eq(m.sm_via.sv_branch, "390skdjuw"));
	ATF_REQUIRE_EQ(0, sip_via_get(&m, 1, &via));
	ATF_CHECK(span_eq(via.sv_host, "spindle.example.com"));
	ATF_CHECK(span_eq(via.sv_transport, "TCP"));
	ATF_CHECK(span_eq(via.sv_branch, "z9hG4bK9ikj8"));
	ATF_REQUIRE_EQ(0, sip_via_get(&m, 2, &via));
	ATF_CHECK(span_eq(via.sv_branch, "z9hG4bK30239"));
	ATF_REQUIRE_EQ(0, sip_addr_get(&m, SIP_H_CONTACT, 0, &a));
	ATF_CHECK_EQ(1, sip_param(a.sa_params, "q", &v));
	ATF_CHECK(span_eq(v, "0.33"));
	ATF_CHECK_EQ(1, sip_param(a.sa_params, "secondparam", &v));
	ATF_CHECK_EQ(0, v.len);
	ATF_CHECK(sip_unfold(sip_hdr_named(&m, "newfangledheader")->sh_value, buf,
	    sizeof(buf)) > 0);
	ATF_CHECK_STREQ("newfangled value continued newfangled value", buf);
}

/* RFC 4475 3.1.1.2: every character that a token may hold; and 3.1.1.3. */
ATF_TC_WITHOUT_HEAD(wide);
ATF_TC_BODY(wide, tc)
{
	ATF_CHECK_EQ(0, parse("!interesting-Method0123456789_*+`.%indeed'~ "
	    "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
	    ":&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0\r\n"
	    "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\r\n"
	    "To: \"BEL:\\\\ NUL:\\\\ DEL:\\\\\" "
	    "<sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>\r\n"
	    "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>"
	    ";fromParam''~+*_!.-%=\"\xd1\x80\xd0\xb0\xd0\xb1\"\r\n"
	    ";tag=_token~1'+`*%!-.\r\n"
	    "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n"
	    "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\r\n"
	    "Max-Forwards: 255\r\n"
	    "extensionHeader-!.%*+_`'~: \xef\xbb\xbf\xe5\xa4\xa7\r\n"
	    "Content-Length: 0\r\n\r\n", SIP_STREAM) == 0 ? -1 : 0);
	/* The line ";tag" above is no header: that was the error. */
	ATF_CHECK_EQ(SIP_E_HEADER, m.sm_error);
	ATF_CHECK_EQ(0, parse("!interesting-Method0123456789_*+`.%indeed'~ sip:a@b SIP/2.0\r\n"
	    "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\r\n"
	    "To: <sip:x@example.com>\r\n"
	    "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>"
	    ";fromParam''~+*_!.-%=\"\xd1\x80\xd0\xb0\xd0\xb1\";tag=_token~1'+`*%!-.\r\n"
	    "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(:\\/][?}{\r\n"
	    "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\r\n"
	    "Max-Forwards: 255\r\n"
	    "extensionHeader-!.%*+_`'~: \xef\xbb\xbf\xe5\xa4\xa7\r\n"
	    "Content-Length: 0\r\n\r\n", SIP_STREAM));
	ATF_CHECK_EQ(SIP_M_OTHER, m.sm_method);
	ATF_CHECK(span_eq(m.sm_from.sa_tag, "_token~1'+`*%!-."));
}

ATF_TC_WITHOUT_HEAD(every_prefix);
ATF_TC_BODY(every_prefix, tc)
{
	static const char t[] = HEAD VIA FROM TO CALLID CSEQ MAXF
	    "Contact: <sip:a@b>\r\nContent-Length: 3\r\n\r\nabc";
	enum sip_error	 e;
	char		*heap;
	size_t		 n, skip, len = sizeof(t) - 1;

	for (n = 0; n < len; n++) {
		ATF_CHECK_EQ_MSG(-1, parse_len(t, n, SIP_STREAM, &heap),
		    "%zu bytes accepted", n);
		(void)sip_answerable(&m);
		ATF_CHECK_EQ_MSG(0, sip_frame(heap, n, &skip, &e), "%zu framed", n);
		free(heap);
		ATF_CHECK_EQ_MSG(-1, parse_len(t, n, 0, NULL), "datagram of %zu", n);
	}
	ATF_CHECK_EQ(0, parse_len(t, len, SIP_STREAM, NULL));
	ATF_CHECK_EQ((ptrdiff_t)len, sip_frame(t, len, &skip, &e));
}

/* Each byte changed to each of some values: no crash, whatever is said. */
ATF_TC_WITHOUT_HEAD(every_byte);
ATF_TC_BODY(every_byte, tc)
{
	static const char vals[] = { 0, '\r', '\n', ' ', '"', '<', '>', ',', ';',
	    ':', '@', '=', '\\', (char)0xff, (char)0xc0, 'a' };
	char	t[] = HEAD VIA FROM TO CALLID CSEQ MAXF
	    "Contact: <sip:a@b>\r\nContent-Length: 3\r\n\r\nabc", *heap, keep;
	size_t	i, j;

	for (i = 0; i < sizeof(t) - 1; i++) {
		keep = t[i];
		for (j = 0; j < sizeof(vals); j++) {
			t[i] = vals[j];
			if (parse_len(t, sizeof(t) - 1, SIP_STREAM, &heap) == -1)
				(void)sip_answerable(&m);
			free(heap);
		}
		t[i] = keep;
	}
}

ATF_TC_WITHOUT_HEAD(strict_length);
ATF_TC_BODY(strict_length, tc)
{
	ATF_CHECK_EQ(1, bad(BASE "\r\n", SIP_E_LENGTH_MISSING));
	ATF_CHECK_EQ(0, parse(BASE "\r\nrest", 0));
	ATF_CHECK(span_eq(m.sm_body, "rest"));
	(void)bad(BASE LEN0 LEN0 "\r\n", SIP_E_LENGTH_REPEATED);
	(void)bad(BASE LEN0 "l: 0\r\n\r\n", SIP_E_LENGTH_REPEATED);
	(void)bad(BASE "Content-Length: +0\r\n\r\n", SIP_E_LENGTH_BAD);
	(void)bad(BASE "Content-Length: -1\r\n\r\n", SIP_E_LENGTH_BAD);
	(void)bad(BASE "Content-Length: 0x0\r\n\r\n", SIP_E_LENGTH_BAD);
	(void)bad(BASE "Content-Length: 0,0\r\n\r\n", SIP_E_LENGTH_BAD);
	(void)bad(BASE "Content-Length: 0 0\r\n\r\n", SIP_E_LENGTH_BAD);
	(void)bad(BASE "Content-Length:\r\n\r\n", SIP_E_LENGTH_BAD);
	(void)bad(BASE "Content-Length: 1\r\n\r\n", SIP_E_LENGTH_BAD);
	(void)bad(BASE "Content-Length: 1\r\n\r\nab", SIP_E_LENGTH_BAD);
	(void)bad(BASE "Content-Length: 99999999999999999999\r\n\r\n", SIP_E_TOO_LARGE);
	ATF_CHECK_EQ(413, sip_error_status(m.sm_error));
	ATF_CHECK_EQ(0, parse(BASE "Content-Length: 1\r\n\r\nab", 0));
	ATF_CHECK(span_eq(m.sm_body, "a"));
	ATF_CHECK_EQ(-1, parse(BASE "Content-Length: 3\r\n\r\nab", 0));
}

ATF_TC_WITHOUT_HEAD(strict_bytes);
ATF_TC_BODY(strict_bytes, tc)
{
	static const char *const utf[] = { "\xff", "\xc0\xaf", "\xe0\x80\xaf",
	    "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xc3",
	    "\xe4\xbd", "\x80" };
	char	t[1024];
	size_t	i;
	int	c;

	for (i = 0; i < sizeof(utf) / sizeof(utf[0]); i++) {
		(void)snprintf(t, sizeof(t), "%sSubject: a%sb\r\n%s\r\n", BASE,
		    utf[i], LEN0);
		(void)bad(t, SIP_E_UTF8);
		ATF_CHECK_EQ(0, parse(t, SIP_STREAM | SIP_INSIDE));
	}
	ATF_CHECK_EQ(0, parse(BASE "Subject: \xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80\r\n"
	    LEN0 "\r\n", SIP_STREAM));
	for (c = 1; c < 0x20; c++) {
		if (c == '\t' || c == '\r' || c == '\n')
			continue;
		(void)snprintf(t, sizeof(t), "%sSubject: a%cb\r\n%s\r\n", BASE, c, LEN0);
		(void)bad(t, SIP_E_CONTROL);
		ATF_CHECK_EQ(-1, parse(t, SIP_STREAM | SIP_INSIDE));
	}
	(void)bad(BASE "Subject: a\x7f" "b\r\n" LEN0 "\r\n", SIP_E_CONTROL);
	(void)bad(BASE "Subject: a\nb\r\n" LEN0 "\r\n", SIP_E_LINE_END);
	(void)bad(BASE "Subject: a\rb\r\n" LEN0 "\r\n", SIP_E_LINE_END);
	(void)bad(BASE "Subject: a\n" LEN0 "\r\n", SIP_E_LINE_END);
	(void)bad("INVITE sip:a\x01@b SIP/2.0\r\n" VIA FROM TO CALLID CSEQ LEN0 "\r\n",
	    SIP_E_CONTROL);
	/* A NUL in a header. */
	memcpy(t, BASE "Subject: a", sizeof(BASE "Subject: a"));
	memcpy(t + sizeof(BASE "Subject: a"), "b\r\n" LEN0 "\r\n",
	    sizeof("b\r\n" LEN0 "\r\n"));
	ATF_CHECK_EQ(-1, parse_len(t, sizeof(BASE "Subject: a") +
	    sizeof("b\r\n" LEN0 "\r\n") - 1, SIP_STREAM, NULL));
	ATF_CHECK_EQ(SIP_E_CONTROL, m.sm_error);
}

ATF_TC_WITHOUT_HEAD(strict_fields);
ATF_TC_BODY(strict_fields, tc)
{
	(void)bad(HEAD VIA TO CALLID CSEQ LEN0 "\r\n", SIP_E_FROM);
	(void)bad(HEAD VIA FROM CALLID CSEQ LEN0 "\r\n", SIP_E_TO);
	(void)bad(HEAD VIA FROM TO CSEQ LEN0 "\r\n", SIP_E_CALL_ID);
	(void)bad(HEAD VIA FROM TO CALLID LEN0 "\r\n", SIP_E_CSEQ);
	/* Refused for its form, but answered as far as that goes. */
	ATF_CHECK_EQ(1, bad(HEAD VIA FROM FROM TO CALLID CSEQ LEN0 "\r\n", SIP_E_REPEATED));
	ATF_CHECK_EQ(1, bad(HEAD VIA LEN0 "\r\n", SIP_E_FROM));
	ATF_CHECK_EQ(0, bad(HEAD FROM TO CALLID CSEQ LEN0 "\r\n", SIP_E_VIA));
	ATF_CHECK_EQ(1, bad(HEAD VIA "From: <sip:a@b>\r\n" TO CALLID CSEQ LEN0 "\r\n", SIP_E_FROM_TAG));
	ATF_CHECK_EQ(0, parse(HEAD VIA "From: <sip:a@b>\r\n" TO CALLID CSEQ LEN0 "\r\n",
	    SIP_STREAM | SIP_INSIDE));
	(void)bad(HEAD VIA "From: <sip:a@b>;tag=\r\n" TO CALLID CSEQ LEN0 "\r\n", SIP_E_FROM);
	(void)bad(HEAD VIA "From: <sip:a@b>;tag=a;tag=b\r\n" TO CALLID CSEQ LEN0 "\r\n", SIP_E_FROM);
	(void)bad(HEAD VIA "From: <sip:a@b;tag=x\r\n" TO CALLID CSEQ LEN0 "\r\n", SIP_E_FROM);
	(void)bad(HEAD VIA "From: \"x <sip:a@b>;tag=x\r\n" TO CALLID CSEQ LEN0 "\r\n", SIP_E_FROM);
	/* A PBX may repeat what routes nothing, a stranger may not. */
	(void)bad(BASE "Subject: a\r\nSubject: b\r\n" LEN0 "\r\n", SIP_E_REPEATED);
	ATF_CHECK_EQ(0, parse(BASE "Subject: a\r\nSubject: b\r\n" LEN0 "\r\n",
	    SIP_STREAM | SIP_INSIDE));
	ATF_CHECK_EQ(-1, parse(BASE MAXF LEN0 "\r\n", SIP_STREAM | SIP_INSIDE));
	ATF_CHECK_EQ(-1, parse(BASE LEN0 LEN0 "\r\n", SIP_STREAM | SIP_INSIDE));
	(void)bad(HEAD VIA FROM FROM TO CALLID CSEQ LEN0 "\r\n", SIP_E_REPEATED);
	(void)bad(HEAD VIA FROM "f: <sip:a@b>;tag=1\r\n" TO CALLID CSEQ LEN0 "\r\n", SIP_E_REPEATED);
	(void)bad(HEAD VIA FROM TO TO CALLID CSEQ LEN0 "\r\n", SIP_E_REPEATED);
	(void)bad(HEAD VIA FROM TO CALLID "i: x\r\n" CSEQ LEN0 "\r\n", SIP_E_REPEATED);
	(void)bad(HEAD VIA FROM TO CALLID CSEQ CSEQ LEN0 "\r\n", SIP_E_REPEATED);
	(void)bad(HEAD VIA FROM TO CALLID CSEQ MAXF MAXF LEN0 "\r\n", SIP_E_REPEATED);
	(void)bad(HEAD VIA FROM TO "Call-ID: a b\r\n" CSEQ LEN0 "\r\n", SIP_E_CALL_ID);
	(void)bad(HEAD VIA FROM TO "Call-ID:\r\n" CSEQ LEN0 "\r\n", SIP_E_CALL_ID);
	(void)bad(HEAD VIA FROM TO CALLID "CSeq: 2147483648 INVITE\r\n" LEN0 "\r\n", SIP_E_CSEQ);
	ATF_CHECK_EQ(0, parse(HEAD VIA FROM TO CALLID "CSeq: 2147483647 INVITE\r\n"
	    LEN0 "\r\n", SIP_STREAM));
	(void)bad(HEAD VIA FROM TO CALLID "CSeq: 1 BYE\r\n" LEN0 "\r\n", SIP_E_CSEQ);
	(void)bad(HEAD VIA FROM TO CALLID "CSeq: 1 invite\r\n" LEN0 "\r\n", SIP_E_CSEQ);
	(void)bad(HEAD VIA FROM TO CALLID "CSeq: 1INVITE\r\n" LEN0 "\r\n", SIP_E_CSEQ);
	(void)bad(HEAD VIA FROM TO CALLID "CSeq: -1 INVITE\r\n" LEN0 "\r\n", SIP_E_CSEQ);
	(void)bad(HEAD VIA FROM TO CALLID "CSeq: 1 INVITE x\r\n" LEN0 "\r\n", SIP_E_CSEQ);
	(void)bad(HEAD VIA FROM TO CALLID CSEQ "Max-Forwards: 256\r\n" LEN0 "\r\n",
	    SIP_E_MAX_FORWARDS);
	(void)bad(HEAD VIA FROM TO CALLID CSEQ "Max-Forwards: -1\r\n" LEN0 "\r\n",
	    SIP_E_MAX_FORWARDS);
	(void)bad(HEAD VIA FROM TO CALLID CSEQ "Max-Forwards: 7x\r\n" LEN0 "\r\n",
	    SIP_E_MAX_FORWARDS);
	(void)bad(BASE "Contact: <sip:a@b\r\n" LEN0 "\r\n", SIP_E_CONTACT);
	(void)bad(BASE "Contact: <sip:a@b>,,<sip:c@d>\r\n" LEN0 "\r\n", SIP_E_CONTACT);
	(void)bad(BASE "Route: sip\r\n" LEN0 "\r\n", SIP_E_ROUTE);
	(void)bad(BASE "Route: *\r\n" LEN0 "\r\n", SIP_E_ROUTE);
	(void)bad(BASE "Record-Route: <sip:a>, \r\n" LEN0 "\r\n", SIP_E_ROUTE);
	(void)bad(BASE "no colon here\r\n" LEN0 "\r\n", SIP_E_HEADER);
	(void)bad(BASE ": x\r\n" LEN0 "\r\n", SIP_E_HEADER);
	(void)bad(HEAD "Via: SIP/2.0/TLS\r\n" FROM TO CALLID CSEQ LEN0 "\r\n", SIP_E_VIA);
	(void)bad(HEAD "Via: SIP/1.0/TLS a\r\n" FROM TO CALLID CSEQ LEN0 "\r\n", SIP_E_VIA);
	(void)bad(HEAD "Via: SIP/2.0/TLS a:0\r\n" FROM TO CALLID CSEQ LEN0 "\r\n", SIP_E_VIA);
	(void)bad(HEAD "Via: SIP/2.0/TLS a:65536\r\n" FROM TO CALLID CSEQ LEN0 "\r\n", SIP_E_VIA);
	(void)bad(HEAD "Via: SIP/2.0/TLS [::1;branch=z\r\n" FROM TO CALLID CSEQ LEN0 "\r\n", SIP_E_VIA);
	(void)bad(HEAD "Via: SIP/2.0/TLS a;branch=x;branch=y\r\n" FROM TO CALLID CSEQ LEN0 "\r\n",
	    SIP_E_VIA);
}

ATF_TC_WITHOUT_HEAD(start_lines);
ATF_TC_BODY(start_lines, tc)
{
	(void)bad("INVITE  sip:a@b SIP/2.0\r\n" VIA FROM TO CALLID CSEQ LEN0 "\r\n",
	    SIP_E_START_LINE);
	(void)bad("INVITE sip:a@b  SIP/2.0\r\n" VIA FROM TO CALLID CSEQ LEN0 "\r\n",
	    SIP_E_START_LINE);
	(void)bad("INVITE sip:a@b SIP/2.0 \r\n" VIA FROM TO CALLID CSEQ LEN0 "\r\n",
	    SIP_E_START_LINE);
	(void)bad("INVITE <sip:a@b> SIP/2.0\r\n" VIA FROM TO CALLID CSEQ LEN0 "\r\n", SIP_E_URI);
	(void)bad("INVITE sip:a@b SIP/7.0\r\n" VIA FROM TO CALLID CSEQ LEN0 "\r\n",
	    SIP_E_VERSION);
	ATF_CHECK_EQ(505, sip_error_status(m.sm_error));
	(void)bad("INVITE sip:a@b HTTP/1.1\r\n" VIA FROM TO CALLID CSEQ LEN0 "\r\n",
	    SIP_E_START_LINE);
	(void)bad("GET / HTTP/1.1\r\n\r\n", SIP_E_START_LINE);
	(void)bad("INVITE sip:a@b\r\n" VIA FROM TO CALLID CSEQ LEN0 "\r\n", SIP_E_START_LINE);
	(void)bad("\r\n\r\n", SIP_E_LINE_END);
	ATF_CHECK_EQ(0, parse("\r\n\r\n" BASE LEN0 "\r\n", SIP_STREAM));
	ATF_CHECK_EQ(SIP_M_OTHER, sip_method_parse(sp("invite")));
	ATF_CHECK_EQ(SIP_M_INVITE, sip_method_parse(sp("INVITE")));
}

ATF_TC_WITHOUT_HEAD(bounds);
ATF_TC_BODY(bounds, tc)
{
	static char	t[SIP_MSG_MAX + 4096];
	enum sip_error	e;
	size_t		skip, n;
	int		i;

	/* 200 header lines are taken, 201 are not. */
	for (i = 193; i <= 194; i++) {
		int	k;

		n = (size_t)snprintf(t, sizeof(t), "%s", HEAD VIA FROM TO CALLID CSEQ MAXF);
		for (k = 0; k < i; k++)
			n += (size_t)snprintf(t + n, sizeof(t) - n, "Z: y\r\n");
		n += (size_t)snprintf(t + n, sizeof(t) - n, LEN0 "\r\n");
		if (i == 193) {
			ATF_CHECK_EQ(0, sip_parse(&m, t, n, SIP_STREAM));
			ATF_CHECK_EQ((ptrdiff_t)n, sip_frame(t, n, &skip, &e));
		} else {
			ATF_CHECK_EQ(-1, sip_parse(&m, t, n, SIP_STREAM));
			ATF_CHECK_EQ(SIP_E_TOO_MANY_HEADERS, m.sm_error);
			ATF_CHECK_EQ(1, sip_answerable(&m));
			ATF_CHECK_EQ(-1, sip_frame(t, n, &skip, &e));
			ATF_CHECK_EQ(SIP_E_TOO_MANY_HEADERS, e);
		}
	}
	/* 70 Vias, in one line or more. */
	for (i = 70; i <= 71; i++) {
		int	k;

		n = (size_t)snprintf(t, sizeof(t), "%s", HEAD FROM TO CALLID CSEQ MAXF LEN0 "Via: ");
		for (k = 0; k < i; k++)
			n += (size_t)snprintf(t + n, sizeof(t) - n,
			    "%sSIP/2.0/UDP h%d;branch=z9hG4bK%d", k ? ", " : "", k, k);
		n += (size_t)snprintf(t + n, sizeof(t) - n, "\r\n\r\n");
		ATF_CHECK_EQ(i == 70 ? 0 : -1, sip_parse(&m, t, n, SIP_STREAM));
		if (i == 71)
			ATF_CHECK_EQ(SIP_E_TOO_MANY_VIAS, m.sm_error);
	}
	/* 64 KB, body included. */
	n = (size_t)snprintf(t, sizeof(t), "%sContent-Length: %05d\r\n\r\n", BASE, 0);
	memset(t + n, 'b', sizeof(t) - n);
	(void)snprintf(t, sizeof(t), "%sContent-Length: %05zu\r\n\r", BASE, SIP_MSG_MAX - n);
	t[n - 1] = '\n';
	ATF_CHECK_EQ(SIP_MSG_MAX, sip_frame(t, sizeof(t), &skip, &e));
	ATF_CHECK_EQ(0, sip_parse(&m, t, SIP_MSG_MAX, SIP_STREAM));
	(void)snprintf(t, sizeof(t), "%sContent-Length: %05zu\r\n\r", BASE, SIP_MSG_MAX - n + 1);
	t[n - 1] = '\n';
	ATF_CHECK_EQ(-1, sip_frame(t, sizeof(t), &skip, &e));
	ATF_CHECK_EQ(SIP_E_TOO_LARGE, e);
	ATF_CHECK_EQ(-1, sip_parse(&m, t, SIP_MSG_MAX + 1, SIP_STREAM));
	ATF_CHECK_EQ(SIP_E_TOO_LARGE, m.sm_error);
	/* A header that never ends. */
	memset(t, 'x', sizeof(t));
	ATF_CHECK_EQ(0, sip_frame(t, SIP_MSG_MAX - 1, &skip, &e));
	ATF_CHECK_EQ(-1, sip_frame(t, SIP_MSG_MAX, &skip, &e));
}

ATF_TC_WITHOUT_HEAD(frame);
ATF_TC_BODY(frame, tc)
{
	static const char one[] = BASE "l:\r\n 3\r\n\r\nabc";
	static const char two[] = "\r\n\r\n" BASE "l:\r\n 3\r\n\r\nabc" BASE LEN0 "\r\n";
	enum sip_error	e;
	size_t		skip;

	ATF_CHECK_EQ((ptrdiff_t)sizeof(one) - 1, sip_frame(two, sizeof(two) - 1, &skip, &e));
	ATF_CHECK_EQ(4, skip);
	ATF_CHECK_EQ(0, sip_frame("\r\n\r\n", 4, &skip, &e));
	ATF_CHECK_EQ(4, skip);
	ATF_CHECK_EQ(0, sip_frame("\r", 1, &skip, &e));
	ATF_CHECK_EQ(0, skip);
	ATF_CHECK_EQ(-1, sip_frame("\rx", 2, &skip, &e));
	ATF_CHECK_EQ(0, sip_frame("", 0, &skip, &e));
	ATF_CHECK_EQ(-1, sip_frame(BASE "\r\n", sizeof(BASE "\r\n") - 1, &skip, &e));
	ATF_CHECK_EQ(SIP_E_LENGTH_MISSING, e);
	ATF_CHECK_EQ(-1, sip_frame(BASE LEN0 LEN0, sizeof(BASE LEN0 LEN0 "X") - 2, &skip, &e) == 0 ?
	    -1 : -2);
	ATF_CHECK_EQ(-1, sip_frame(BASE LEN0 LEN0 "\r\n", sizeof(BASE LEN0 LEN0 "\r\n") - 1,
	    &skip, &e));
	ATF_CHECK_EQ(SIP_E_LENGTH_REPEATED, e);
	ATF_CHECK_EQ(-1, sip_frame("A\rB", 3, &skip, &e));
	ATF_CHECK_EQ(SIP_E_LINE_END, e);
}

ATF_TC_WITHOUT_HEAD(params);
ATF_TC_BODY(params, tc)
{
	struct span	v;

	ATF_CHECK_EQ(1, sip_param(sp("a=1;b; c = \"x;\\\"y\" ;d=[::1]"), "c", &v));
	ATF_CHECK(span_eq(v, "x;\\\"y"));
	ATF_CHECK_EQ(1, sip_param(sp("a=1;b; c = \"x;y\" ;d=[::1]"), "d", &v));
	ATF_CHECK(span_eq(v, "[::1]"));
	ATF_CHECK_EQ(1, sip_param(sp("a=1;b"), "B", &v));
	ATF_CHECK_EQ(0, v.len);
	ATF_CHECK_EQ(0, sip_param(sp("a=1;b"), "c", &v));
	ATF_CHECK_EQ(0, sip_param(sp(""), "c", &v));
	ATF_CHECK_EQ(-1, sip_param(sp("a=1;;b"), "b", &v));
	ATF_CHECK_EQ(-1, sip_param(sp("a=\"1"), "b", &v));
	ATF_CHECK_EQ(-1, sip_param(sp("a=1;A=2"), "a", &v));
	ATF_CHECK_EQ(-1, sip_param(sp("=1"), "a", &v));
}

ATF_TC_WITHOUT_HEAD(addresses);
ATF_TC_BODY(addresses, tc)
{
	struct sip_addr	a;

	/* RFC 3261 20.10, 20.20, 20.34, 20.39. */
	ATF_REQUIRE_EQ(0, sip_addr_parse(sp("\"Mr. Watson\" <sip:watson@worcester.bell.example>"
	    ";q=0.7; expires=3600"), &a));
	ATF_CHECK(span_eq(a.sa_display, "\"Mr. Watson\""));
	ATF_REQUIRE_EQ(0, sip_addr_parse(sp("sip:+12125551212@server.example;tag=887s"), &a));
	ATF_CHECK(span_eq(a.sa_uri, "sip:+12125551212@server.example"));
	ATF_CHECK(span_eq(a.sa_tag, "887s"));
	ATF_REQUIRE_EQ(0, sip_addr_parse(sp("Anonymous <sip:c8oqz84zk7z@privacy.example>;tag=hyh8"), &a));
	ATF_CHECK(span_eq(a.sa_display, "Anonymous"));
	ATF_REQUIRE_EQ(0, sip_addr_parse(sp("The Operator <sip:operator@cs.example;a=b?c=d>;tag=287447"), &a));
	ATF_CHECK(span_eq(a.sa_uri, "sip:operator@cs.example;a=b?c=d"));
	ATF_REQUIRE_EQ(0, sip_addr_parse(sp("*"), &a));
	ATF_CHECK_EQ(1, a.sa_star);
	ATF_CHECK_EQ(-1, sip_addr_parse(sp(""), &a));
	ATF_CHECK_EQ(-1, sip_addr_parse(sp("<>"), &a));
	ATF_CHECK_EQ(-1, sip_addr_parse(sp("<sip:a b@c>"), &a));
	ATF_CHECK_EQ(-1, sip_addr_parse(sp("<sip:a@c> x"), &a));
	ATF_CHECK_EQ(-1, sip_addr_parse(sp("\"x\" sip:a@c"), &a));
	ATF_CHECK_EQ(-1, sip_addr_parse(sp("sip:a@c?d=e"), &a));
	ATF_CHECK_EQ(-1, sip_addr_parse(sp("<sip:a@c>;tag=\"q\\\"\x41 b\""), &a));
	ATF_CHECK_EQ(-1, sip_addr_parse(sp("<sip:a@c<d>"), &a));
}

ATF_TC_WITHOUT_HEAD(names);
ATF_TC_BODY(names, tc)
{
	static const struct { const char *n; enum sip_hdr_id id; } c[] = {
		{ "i", SIP_H_CALL_ID }, { "M", SIP_H_CONTACT }, { "l", SIP_H_CONTENT_LENGTH },
		{ "C", SIP_H_CONTENT_TYPE }, { "e", SIP_H_CONTENT_ENCODING },
		{ "f", SIP_H_FROM }, { "t", SIP_H_TO }, { "v", SIP_H_VIA },
		{ "k", SIP_H_SUPPORTED }, { "s", SIP_H_SUBJECT }, { "r", SIP_H_REFER_TO },
		{ "b", SIP_H_REFERRED_BY }, { "o", SIP_H_EVENT }, { "u", SIP_H_ALLOW_EVENTS },
		{ "x", SIP_H_SESSION_EXPIRES }, { "y", SIP_H_IDENTITY },
		{ "d", SIP_H_REQUEST_DISPOSITION }, { "a", SIP_H_ACCEPT_CONTACT },
		{ "z", SIP_H_OTHER }, { "n", SIP_H_OTHER }, { "", SIP_H_OTHER },
		{ "X-Cisco-ViPR-Ticket", SIP_H_VIPR_TICKET }, { "vipr-ticket", SIP_H_VIPR_TICKET },
		{ "VIPR-REFUSAL", SIP_H_VIPR_REFUSAL }, { "Vias", SIP_H_OTHER },
		{ "proxy-authentication-info", SIP_H_OTHER }
	};
	char	buf[64];
	size_t	i;
	int	id;

	for (i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		ATF_CHECK_EQ_MSG(c[i].id, sip_hdr_lookup(sp(c[i].n)), "%s", c[i].n);
	for (id = SIP_H_OTHER + 1; id < SIP_H_MAX; id++) {
		const char	*name = sip_hdr_str((enum sip_hdr_id)id);

		ATF_CHECK_EQ_MSG(id, (int)sip_hdr_lookup(sp(name)), "%d %s", id, name);
		(void)snprintf(buf, sizeof(buf), "%sx", name);
		ATF_CHECK_EQ(SIP_H_OTHER, sip_hdr_lookup(sp(buf)));
	}
	for (id = 0; id < SIP_E_MAX; id++)
		ATF_CHECK(strlen(sip_error_str((enum sip_error)id)) > 0);
}

ATF_TC_WITHOUT_HEAD(numbers);
ATF_TC_BODY(numbers, tc)
{
	uint32_t	a, b;
	enum sip_method	me;

	ATF_REQUIRE_EQ(0, parse(BASE "RAck: 776656 1 INVITE\r\nRetry-After: 120 (in a meeting)\r\n"
	    "Expires: 5;x\r\nMin-SE: 90x\r\n" LEN0 "\r\n", SIP_STREAM));
	ATF_REQUIRE_EQ(0, sip_rack(&m, &a, &b, &me));
	ATF_CHECK_EQ(776656, a);
	ATF_CHECK_EQ(1, b);
	ATF_CHECK_EQ(SIP_M_INVITE, me);
	ATF_CHECK_EQ(0, sip_number(&m, SIP_H_RETRY_AFTER, 3600, &a));
	ATF_CHECK_EQ(120, a);
	ATF_CHECK_EQ(-1, sip_number(&m, SIP_H_RETRY_AFTER, 100, &a));
	ATF_CHECK_EQ(0, sip_number(&m, SIP_H_EXPIRES, 100, &a));
	ATF_CHECK_EQ(-1, sip_number(&m, SIP_H_MIN_SE, 100, &a));
	ATF_CHECK_EQ(-1, sip_number(&m, SIP_H_RSEQ, 100, &a));
}

/* What cannot be read can be answered all the same where its sender is named:
 * the Vias go back as they came. */
ATF_TC_WITHOUT_HEAD(answerable);
ATF_TC_BODY(answerable, tc)
{
	static const struct {
		const char	*vias, *host, *back;
		uint16_t	 port;
	} rows[] = {
		{ "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n", "192.0.2.15",
		    "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n", 0 },
		{ "v: SIP/2.0/TCP [2001:db8::1]:99;branch\r\nv: x\r\n", "2001:db8::1",
		    "Via: SIP/2.0/TCP [2001:db8::1]:99;branch\r\nVia: x\r\n", 99 },
		{ "Via: SIP/7.0/UDP h.example;rport\r\n", "h.example",
		    "Via: SIP/7.0/UDP h.example;rport\r\n", 0 },
		{ "Via: SIP/2.0/UDP h.example;branch=a;branch=b\r\n", "h.example",
		    "Via: SIP/2.0/UDP h.example;branch=a;branch=b\r\n", 0 },
	};
	static const char *const starts[] = { "INVITE  sip:a@b  SIP/2.0", "INVITE sip:a; lr SIP/2.0",
	    "INVITE sip:a@b SIP/2.0  ", "INVITE sip:a@b", "INVITE", "INVITE sip:a@\x01 SIP/2.0",
	    "INVITE sip:a@b SIP/3.0", "INVITE <sip:a@b> SIP/2.0" };
	char		 t[1024], out[2048];
	struct wbuf	 w;
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(t, sizeof(t), "%s%s%s\r\n", HEAD, rows[i].vias,
		    FROM TO CALLID CSEQ LEN0);
		ATF_CHECK_EQ_MSG(1, bad(t, SIP_E_VIA), "row %zu", i);
		ATF_CHECK_EQ(-1, parse(t, SIP_STREAM));
		ATF_REQUIRE_EQ(1, sip_answerable(&m));
		ATF_CHECK_EQ(1, span_eq(m.sm_via.sv_host, rows[i].host));
		ATF_CHECK_EQ(rows[i].port, m.sm_via.sv_port);
		wbuf_init(&w, out, sizeof(out) - 1);
		ATF_REQUIRE_EQ(0, sip_build_response(&w, &m, 400, NULL, "t",
		    ";received=1.2.3.4", NULL, 0));
		out[w.w_len] = '\0';
		ATF_CHECK_MSG(strstr(out, rows[i].back) != NULL, "%s", out);
	}
	for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		(void)snprintf(t, sizeof(t), "%s\r\n%s\r\n", starts[i],
		    VIA FROM TO CALLID CSEQ LEN0);
		ATF_CHECK_EQ(-1, parse(t, SIP_STREAM));
		ATF_CHECK_EQ_MSG(1, sip_answerable(&m), "%s", starts[i]);
	}
	/* Every line ends with LF alone; the first CR is missing. */
	ATF_CHECK_EQ(1, bad("INVITE sip:a@b SIP/2.0\n" "Via: SIP/2.0/UDP h\n"
	    "CSeq: 1 INVITE\n\n", SIP_E_LINE_END));
	/* Never: an ACK, an answer, a sender that has no name, no method. */
	ATF_CHECK_EQ(0, bad("ACK  sip:a@b SIP/2.0\r\n" VIA "\r\n", SIP_E_START_LINE));
	ATF_CHECK_EQ(0, bad("SIP/2.0 99 x\r\n" VIA "\r\n", SIP_E_START_LINE));
	ATF_CHECK_EQ(0, bad(HEAD "Via: SIP/2.0/UDP ;x\r\n" LEN0 "\r\n", SIP_E_VIA));
	ATF_CHECK_EQ(0, bad(HEAD "Via: UDP\r\n" LEN0 "\r\n", SIP_E_VIA));
	ATF_CHECK_EQ(0, bad("<> sip:a@b SIP/2.0\r\n" VIA "\r\n", SIP_E_START_LINE));
}

/* RFC 3261 25.1: a quoted-pair may hold any byte but CR and LF; we take it from
 * inside alone, and nowhere but in a quoted string. */
ATF_TC_WITHOUT_HEAD(quoted_pairs);
ATF_TC_BODY(quoted_pairs, tc)
{
	static const struct {
		const char	*line;
		enum sip_error	 inside;
	} rows[] = {
		{ "Subject: \"a\\\x01\"\r\n", SIP_E_OK },
		{ "Subject: \"a\\\x7f\" b\r\n", SIP_E_OK },
		{ "Subject: \"a\\\\\x01\"\r\n", SIP_E_CONTROL },
		{ "Subject: \"a\x01\"\r\n", SIP_E_CONTROL },
		{ "Subject: a\\\x01\r\n", SIP_E_CONTROL },
		{ "Subject: \"a\" \\\x01\r\n", SIP_E_CONTROL },
		{ "Subject: \"a\\\rb\"\r\n", SIP_E_LINE_END },
		{ "Subject: \"a\\\"\x01\"\r\n", SIP_E_CONTROL },
	};
	char	t[1024];
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(t, sizeof(t), "%s%s%s\r\n", BASE, rows[i].line, LEN0);
		(void)parse(t, SIP_STREAM | SIP_INSIDE);
		ATF_CHECK_EQ_MSG(rows[i].inside, m.sm_error, "row %zu", i);
		(void)bad(t, rows[i].inside == SIP_E_OK ? SIP_E_CONTROL : rows[i].inside);
	}
	/* Such a NUL never becomes the end of a text. */
	ATF_CHECK_EQ(-1, sip_unfold((struct span){ "a\0b", 3 }, t, sizeof(t)));
}

ATF_TC_WITHOUT_HEAD(join);
ATF_TC_BODY(join, tc)
{
	char	t[16];

	ATF_REQUIRE_EQ(0, parse(BASE "Require: a,\r\n b\r\nX: y\r\nRequire: c\r\n" LEN0
	    "\r\n", SIP_STREAM));
	ATF_CHECK_EQ(1, sip_join(&m, SIP_H_REQUIRE, t, sizeof(t)));
	ATF_CHECK_STREQ("a, b, c", t);
	ATF_CHECK_EQ(1, sip_join(&m, SIP_H_REQUIRE, t, 8));
	ATF_CHECK_EQ(-1, sip_join(&m, SIP_H_REQUIRE, t, 7));
	ATF_CHECK_STREQ("", t);
	ATF_CHECK_EQ(-1, sip_join(&m, SIP_H_REQUIRE, t, 5));
	ATF_CHECK_EQ(0, sip_join(&m, SIP_H_PROXY_REQUIRE, t, sizeof(t)));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, good);
	ATF_TP_ADD_TC(tp, response);
	ATF_TP_ADD_TC(tp, tortuous);
	ATF_TP_ADD_TC(tp, wide);
	ATF_TP_ADD_TC(tp, every_prefix);
	ATF_TP_ADD_TC(tp, every_byte);
	ATF_TP_ADD_TC(tp, strict_length);
	ATF_TP_ADD_TC(tp, strict_bytes);
	ATF_TP_ADD_TC(tp, strict_fields);
	ATF_TP_ADD_TC(tp, start_lines);
	ATF_TP_ADD_TC(tp, bounds);
	ATF_TP_ADD_TC(tp, frame);
	ATF_TP_ADD_TC(tp, params);
	ATF_TP_ADD_TC(tp, addresses);
	ATF_TP_ADD_TC(tp, names);
	ATF_TP_ADD_TC(tp, numbers);
	ATF_TP_ADD_TC(tp, answerable);
	ATF_TP_ADD_TC(tp, quoted_pairs);
	ATF_TP_ADD_TC(tp, join);
	return (atf_no_error());
}
