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
 * The torture messages of RFC 4475 and RFC 5118 through the whole core: from a
 * PBX in a datagram and on a stream, and from a stranger outside.  Each is
 * handed on as it came, answered with what the RFC asks for, or dropped.
 */

#include <atf-c.h>

#include "proxy_harness.h"
#include "torture.h"
#include "torture_bad.h"
#include "torture_good.h"
#include "torture_ip6.h"
#include "torture_more.h"

#define MSG	16384

static size_t	 tally[3], wrong;

static struct world	*start(void);
static const char	*what(int);
static struct sent	*forwarded(struct world *);
static void		 check_same(const struct torture *, const char *, size_t,
			    const struct sent *, int);
static int		 outcome(struct world *, struct sent **);
static void		 one(const struct torture *, int);
static void		 outside(const struct torture *);
static void		 all(const struct torture *, size_t, int);
static void		 report(const char *);

#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define ALL(table)	do {						\
	all(table, N(table), SIP_UDP);					\
	all(table, N(table), SIP_TCP);					\
	all(table, N(table), SIP_TLS);					\
} while (0)

/* The first trunk bears the name that wsinv's Route asks for. */
static struct world *
start(void)
{
	struct world	*w = w_new(0);
	struct conf_hop	*ch;

	TAILQ_FOREACH(ch, &w->w_conf->c_hops, ch_entry)
		if (strcmp(ch->ch_name, "pstn") == 0)
			(void)strlcpy(ch->ch_host, "services.example.com",
			    sizeof(ch->ch_host));
	proxy_conf(w->w_px, w->w_conf);
	return (w);
}

static const char *
what(int to)
{
	static char	text[32];

	if (to == TORTURE_FWD)
		return ("handed on");
	if (to == TORTURE_DROP)
		return ("dropped");
	if (to == TORTURE_WAIT)
		return ("waited for");
	(void)snprintf(text, sizeof(text), "answered %d", to);
	return (text);
}

/* The request that left, if any. */
static struct sent *
forwarded(struct world *w)
{
	size_t	i;

	for (i = 0; i < w->w_nsent; i++)
		if (strncmp(w->w_sent[i].se_text, "SIP/2.0 ", 8) != 0)
			return (&w->w_sent[i]);
	return (NULL);
}

/* What became of it: the status of the last answer above 100, or the above. */
static int
outcome(struct world *w, struct sent **se)
{
	size_t	i;
	int	status = TORTURE_DROP;

	if ((*se = forwarded(w)) != NULL)
		return (TORTURE_FWD);
	for (i = 0; i < w->w_nsent; i++)
		if (atoi(w->w_sent[i].se_text + 8) > 100)
			status = atoi(w->w_sent[i].se_text + 8);
	return (status);
}

/* Start line, every header that a proxy does not write itself, Vias, body. */
static void
check_same(const struct torture *to, const char *text, size_t len, const struct sent *se,
    int flags)
{
	static struct sip_msg	 a, b;
	static char		 va[MSG], vb[MSG];
	struct sip_via		 via, was;
	size_t			 i = 0, j = 0;

	ATF_REQUIRE_EQ_MSG(0, sip_parse(&a, text, len, flags), "%s", to->to_name);
	ATF_REQUIRE_EQ_MSG(0, sip_parse(&b, se->se_text, se->se_len, SIP_INSIDE),
	    "%s as sent", to->to_name);
	ATF_CHECK_MSG(sip_span_same(a.sm_method_name, b.sm_method_name), "%s", to->to_name);
	ATF_CHECK_MSG(sip_span_same(a.sm_uri, b.sm_uri), "%s: Request-URI", to->to_name);
	ATF_CHECK_MSG(sip_span_same(a.sm_body, b.sm_body), "%s: body", to->to_name);
	ATF_CHECK_EQ_MSG(a.sm_max_forwards < 0 ? 70 : a.sm_max_forwards - 1,
	    b.sm_max_forwards, "%s", to->to_name);
	ATF_CHECK_EQ_MSG(a.sm_nvias + 1, b.sm_nvias, "%s: Vias", to->to_name);
	for (i = 0; i < a.sm_nvias; i++) {
		ATF_REQUIRE_EQ(0, sip_via_get(&a, i, &was));
		ATF_REQUIRE_EQ(0, sip_via_get(&b, i + 1, &via));
		ATF_CHECK_MSG(sip_span_same(was.sv_host, via.sv_host) &&
		    sip_span_same(was.sv_branch, via.sv_branch) &&
		    sip_span_same(was.sv_transport, via.sv_transport) &&
		    was.sv_port == via.sv_port, "%s: Via %zu", to->to_name, i);
	}
	for (i = 0; i < a.sm_nhdrs; i++) {
		switch (a.sm_hdrs[i].sh_id) {
		case SIP_H_VIA:
		case SIP_H_ROUTE:
		case SIP_H_RECORD_ROUTE:
		case SIP_H_MAX_FORWARDS:
		case SIP_H_CONTENT_LENGTH:
			continue;
		default:
			break;
		}
		for (; j < b.sm_nhdrs; j++)
			if (sip_span_same(a.sm_hdrs[i].sh_name, b.sm_hdrs[j].sh_name))
				break;
		ATF_REQUIRE_MSG(j < b.sm_nhdrs, "%s: header %.*s is lost", to->to_name,
		    (int)a.sm_hdrs[i].sh_name.len, a.sm_hdrs[i].sh_name.p);
		/* What C cannot hold goes byte for byte. */
		if (memchr(a.sm_hdrs[i].sh_value.p, '\0', a.sm_hdrs[i].sh_value.len) != NULL) {
			ATF_CHECK_MSG(sip_span_same(a.sm_hdrs[i].sh_value,
			    b.sm_hdrs[j].sh_value), "%s: header %zu", to->to_name, i);
		} else {
			(void)sip_unfold(a.sm_hdrs[i].sh_value, va, sizeof(va));
			(void)sip_unfold(b.sm_hdrs[j].sh_value, vb, sizeof(vb));
			ATF_CHECK_STREQ_MSG(va, vb, "%s", to->to_name);
		}
		j++;
	}
}

/* From a PBX. */
static void
one(const struct torture *to, int proto)
{
	static char	 text[MSG];
	struct world	*w = start();
	struct sip_flow	 fl;
	struct sent	*se;
	enum sip_error	 err;
	ptrdiff_t	 whole;
	size_t		 len, skip = 0;
	int		 want, got, flags = SIP_INSIDE | (proto == SIP_TCP ? SIP_STREAM : 0);

	len = torture_make(to, "services.example.com", text, sizeof(text));
	ATF_REQUIRE(len > 0);
	w_flow_udp(&fl, "10.0.0.5", 5060);
	want = proto == SIP_TCP ? to->to_stream : to->to_udp;
	if (proto == SIP_TCP) {
		fl.fl_proto = SIP_TCP;
		fl.fl_conn = 7;
		whole = sip_frame(text, len, &skip, &err);
		if (whole > 0)
			w_raw(w, &fl, text + skip, (size_t)whole);
		else if (whole == -1)
			proxy_broken(w->w_px, &fl, text, len, err);
		got = whole == 0 ? TORTURE_WAIT : outcome(w, &se);
		len = whole > 0 ? (size_t)whole : len;
	} else {
		w_raw(w, &fl, text, len);
		got = outcome(w, &se);
	}
	if (got != want) {
		wrong++;
		atf_tc_fail_nonfatal("%s (%s) over %s: not %s as it should: %d", to->to_name,
		    to->to_section, proto == SIP_TCP ? "stream" : "udp", what(want), got);
	}
	tally[got > 2 ? 1 : got == TORTURE_FWD ? 0 : 2]++;
	printf("%s %s %s: %s\n", proto == SIP_TCP ? "tcp" : "udp", to->to_section,
	    to->to_name, what(got));
	if (got == TORTURE_FWD)
		check_same(to, text, len, forwarded(w), flags);
	/* An answer can be matched: its topmost Via is the sender's. */
	if (got > 2 && (se = w_out(w)) != NULL)
		ATF_CHECK_MSG(strstr(se->se_text, "\r\nVia:") != NULL, "%s", to->to_name);
	w_pass(w, 400000);
	w_free(w);
}

/* From outside nothing of it reaches a PBX, and nothing goes unanswered that
 * can be answered. */
static void
outside(const struct torture *to)
{
	static char	 text[MSG];
	struct world	*w = start();
	struct sip_flow	 fl;
	struct sent	*se;
	enum sip_error	 err;
	ptrdiff_t	 whole;
	size_t		 len, skip = 0;
	int		 got = TORTURE_WAIT;

	len = torture_make(to, "services.example.com", text, sizeof(text));
	w_name(w, 1, "b.example");
	w_outflow(&fl, 1);
	whole = sip_frame(text, len, &skip, &err);
	if (whole > 0)
		w_raw(w, &fl, text + skip, (size_t)whole);
	else if (whole == -1)
		proxy_broken(w->w_px, &fl, text, len, err);
	if (whole != 0)
		got = outcome(w, &se);
	if (got == TORTURE_FWD) {
		wrong++;
		atf_tc_fail_nonfatal("%s from outside was handed on", to->to_name);
	}
	if (got == TORTURE_DROP && strncmp(to->to_text, "SIP/", 4) != 0) {
		wrong++;
		atf_tc_fail_nonfatal("%s from outside was met with silence", to->to_name);
	}
	tally[got > 2 ? 1 : 2]++;
	printf("tls %s %s: %s\n", to->to_section, to->to_name, what(got));
	w_pass(w, 400000);
	w_free(w);
}

static void
all(const struct torture *table, size_t n, int proto)
{
	size_t	i;

	for (i = 0; i < n; i++) {
		if (proto == SIP_TLS)
			outside(&table[i]);
		else
			one(&table[i], proto);
	}
}

static void
report(const char *which)
{
	printf("torture: %s: handed-on=%zu answered=%zu dropped=%zu wrong=%zu\n", which,
	    tally[0], tally[1], tally[2], wrong);
	memset(tally, 0, sizeof(tally));
}

/* RFC 4475 3.1.1 */
ATF_TC_WITHOUT_HEAD(valid);
ATF_TC_BODY(valid, tc)
{
	ALL(torture_good);
	report("valid");
}

/* RFC 4475 3.1.2, 3.2 */
ATF_TC_WITHOUT_HEAD(invalid);
ATF_TC_BODY(invalid, tc)
{
	ALL(torture_bad);
	report("invalid");
}

/* RFC 4475 3.3, 3.4 */
ATF_TC_WITHOUT_HEAD(semantics);
ATF_TC_BODY(semantics, tc)
{
	ALL(torture_more);
	report("semantics");
}

/* RFC 5118 */
ATF_TC_WITHOUT_HEAD(ipv6);
ATF_TC_BODY(ipv6, tc)
{
	ALL(torture_ip6);
	report("ipv6");
}

ATF_TC_WITHOUT_HEAD(count);
ATF_TC_BODY(count, tc)
{
	ATF_CHECK_EQ(49, N(torture_good) + N(torture_bad) + N(torture_more));
	ATF_CHECK_EQ(12, N(torture_ip6));
}

/* dblreq on a stream: there the second message is one. */
ATF_TC_WITHOUT_HEAD(two_on_a_stream);
ATF_TC_BODY(two_on_a_stream, tc)
{
	static char		 text[MSG];
	struct world		*w = start();
	const struct torture	*to = NULL;
	struct sip_flow		 fl;
	enum sip_error		 err;
	ptrdiff_t		 n;
	size_t			 i, len, skip, off = 0;

	for (i = 0; i < N(torture_good); i++)
		if (strcmp(torture_good[i].to_name, "dblreq") == 0)
			to = &torture_good[i];
	ATF_REQUIRE(to != NULL);
	len = torture_make(to, "", text, sizeof(text));
	w_flow_udp(&fl, "10.0.0.5", 5060);
	fl.fl_proto = SIP_TCP;
	fl.fl_conn = 7;
	while ((n = sip_frame(text + off, len - off, &skip, &err)) > 0) {
		w_raw(w, &fl, text + off + skip, (size_t)n);
		off += skip + (size_t)n;
	}
	ATF_CHECK_EQ(0, n);
	ATF_CHECK_EQ(len, off + skip);
	ATF_CHECK_EQ(1, w_count(w, "SIP/2.0 405 "));
	ATF_CHECK_EQ(1, w_count(w, "INVITE sip:joe@example.com SIP/2.0\r\n"));
	w_free(w);
}

/* unreason and noreason as answers to a call of ours: as they are. */
ATF_TC_WITHOUT_HEAD(reasons);
ATF_TC_BODY(reasons, tc)
{
	static const char *const lines[] = {
		"183 ", "183 = 2**3 * 5**2 \xd0\xbd\xd0\xbe %41",
		"200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe \xd1\x81\xd1\x82\xd0\xbe %41",
	};
	struct world	*w = start();
	struct sip_flow	 pbx, trunk;
	struct sent	*se;
	const char	*req;
	char		 want[128];
	size_t		 i;

	w_flow_udp(&pbx, "10.0.0.5", 5060);
	w_flow_udp(&trunk, "192.0.2.9", 5060);
	w_in(w, &pbx, "INVITE sip:004940123456@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKr;rport\nMax-Forwards: 70\n"
	    "From: <sip:1@10.0.0.5>;tag=f\nTo: <sip:2@10.0.0.1>\nCall-ID: r\n"
	    "CSeq: 1 INVITE\nContact: <sip:1@10.0.0.5>\n");
	ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
	for (i = 0; i < N(lines); i++) {
		w_answer(w, &trunk, req, lines[i], "t", "Contact: <sip:2@192.0.2.9>\n");
		(void)snprintf(want, sizeof(want), "SIP/2.0 %s\r\n", lines[i]);
		ATF_REQUIRE((se = w_out(w)) != NULL);
		ATF_CHECK_MSG(strncmp(se->se_text, want, strlen(want)) == 0, "%s", se->se_text);
	}
	w_free(w);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, valid);
	ATF_TP_ADD_TC(tp, invalid);
	ATF_TP_ADD_TC(tp, semantics);
	ATF_TP_ADD_TC(tp, ipv6);
	ATF_TP_ADD_TC(tp, count);
	ATF_TP_ADD_TC(tp, two_on_a_stream);
	ATF_TP_ADD_TC(tp, reasons);
	return (atf_no_error());
}
