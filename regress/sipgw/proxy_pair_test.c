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
 * Two borders back to back: what leaves a.example's proxy comes to b.example's
 * and the other way round; the test is both PBXs.
 */

#include <atf-c.h>

#include "proxy_harness.h"

#define SDP	"v=0\no=- 1 1 IN IP4 8.8.8.8\ns=-\nc=IN IP4 8.8.8.8\nt=0 0\n" \
		"m=audio 4000 RTP/AVP 8\n"
#define OURS	"+4930123450"		/* b's number: the harness's own range */

static struct world	*a, *b;
static struct sip_flow	 pbx;
static size_t		 seen_a, seen_b;

static void	start(void);
static void	stop(void);
static void	pump(void);
static const char *last(struct world *, const char *);
static void	contact_of(const char *, char *, size_t);
static void	request(struct world *, const char *, const char *, int, const char *,
		    const char *, const char *, const char *, const char *);

static void
start(void)
{
	static struct rtab_number	 rn;
	struct rtab_route		*rr = &rn.rn_routes[0];

	w_flow_udp(&pbx, "10.0.0.5", 5060);
	a = w_new(1);
	b = w_new(0);
	seen_a = seen_b = 0;
	/* The called number is b's; a owns none. */
	free(TAILQ_FIRST(&a->w_conf->c_numbers));
	TAILQ_INIT(&a->w_conf->c_numbers);
	(void)strlcpy(b->w_conf->c_domain, "b.example", sizeof(b->w_conf->c_domain));
	(void)strlcpy(b->w_conf->c_outside_host, "border.b.example",
	    sizeof(b->w_conf->c_outside_host));
	b->w_random = 99;
	w_name(a, 1, "b.example");
	w_name(b, 1, "a.example");
	(void)strlcpy(rn.rn_number, OURS, sizeof(rn.rn_number));
	rn.rn_count = 1;
	rr->rr_state = ROUTE_ACTIVE;
	rr->rr_proofs = 2;
	rr->rr_nuris = 1;
	rr->rr_not_after = a->w_utc / 1000 + 86400;
	rr->rr_last_proof = a->w_utc / 1000 - 3600;
	(void)strlcpy(rr->rr_domain, "b.example", sizeof(rr->rr_domain));
	(void)strlcpy(rr->rr_ticket, "VElDS0VU", sizeof(rr->rr_ticket));
	(void)strlcpy(rr->rr_uris[0], "sips:" OURS "@b.example:5061", URI_MAX);
	ATF_REQUIRE_EQ(0, rtab_put(a->w_rtab, &rn));
}

static void
stop(void)
{
	w_free(a);
	w_free(b);
}

/* Carry what was sent to the outside over to the other side. */
static void
pump(void)
{
	struct sip_flow	 fl;
	struct sent	*se;
	int		 busy = 1;

	w_outflow(&fl, 1);
	while (busy) {
		busy = 0;
		while (seen_a < a->w_nsent) {
			se = &a->w_sent[seen_a++];
			if (se->se_flow.fl_face != FACE_OUTSIDE)
				continue;
			busy = 1;
			proxy_input(b->w_px, &fl, se->se_text, strlen(se->se_text));
			if (b->w_ticket != 0) {
				proxy_ticket(b->w_px, b->w_ticket, REFUSAL_NONE, 0, 0);
				b->w_ticket = 0;
			}
		}
		while (seen_b < b->w_nsent) {
			se = &b->w_sent[seen_b++];
			if (se->se_flow.fl_face != FACE_OUTSIDE)
				continue;
			busy = 1;
			proxy_input(a->w_px, &fl, se->se_text, strlen(se->se_text));
		}
	}
}

/* The latest message to the PBX that begins with that. */
static const char *
last(struct world *w, const char *start_)
{
	size_t	i;

	for (i = w->w_nsent; i-- > 0;)
		if (w->w_sent[i].se_flow.fl_face == FACE_INSIDE &&
		    strncmp(w->w_sent[i].se_text, start_, strlen(start_)) == 0)
			return (w->w_sent[i].se_text);
	ATF_REQUIRE_MSG(0, "no %s", start_);
	return (NULL);
}

static void
contact_of(const char *msg, char *out, size_t size)
{
	const char	*c = w_hdr(msg, "Contact");

	ATF_REQUIRE(c != NULL && c[0] == '<');
	(void)snprintf(out, size, "%s", c + 1);
	*strchr(out, '>') = '\0';
}

static void
request(struct world *w, const char *method, const char *uri, int cseq, const char *from,
    const char *to, const char *callid, const char *extra, const char *body)
{
	w_in(w, &pbx, "%s %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK%s%d%s\n"
	    "Max-Forwards: 70\nFrom: %s\nTo: %s\nCall-ID: %s\nCSeq: %d %s\n%s%s\n\n%s",
	    method, uri, method, cseq, w == a ? "a" : "b", from, to, callid, cseq, method,
	    extra, body[0] != '\0' ? "Content-Type: application/sdp" : "X: y", body);
	pump();
}

ATF_TC_WITHOUT_HEAD(dialog);
ATF_TC_BODY(dialog, tc)
{
	const char	*req;
	char		 at_a[512], at_b[512], bfrom[512], bto[512], bcall[512];
	const char	*from = "<sip:030999@10.0.0.5>;tag=fa";
	const char	*to = "<sip:" OURS "@10.0.0.1>;tag=tb";
	struct proxy_stats ps;

	start();
	request(a, "INVITE", "sip:" OURS "@10.0.0.1", 1, from, "<sip:" OURS "@10.0.0.1>",
	    "call@10.0.0.5", "Contact: <sip:alice@10.0.0.5>\nSupported: 100rel\n", SDP);
	req = last(b, "INVITE sip:" OURS "@10.0.0.5");
	contact_of(req, at_b, sizeof(at_b));
	(void)snprintf(bfrom, sizeof(bfrom), "%s", w_hdr(req, "From"));
	(void)snprintf(bto, sizeof(bto), "%s;tag=tb", w_hdr(req, "To"));
	(void)snprintf(bcall, sizeof(bcall), "%s", w_hdr(req, "Call-ID"));
	ATF_CHECK(strstr(bcall, "10.0.0.5") == NULL);
	/* A reliable ringing, its PRACK across both. */
	w_answer(b, &pbx, req, "183 Progress", "tb", "Contact: <sip:bob@10.0.0.5>\n"
	    "Require: 100rel\nRSeq: 7\n");
	pump();
	req = last(a, "SIP/2.0 183 ");
	ATF_CHECK_STREQ("7", w_hdr(req, "RSeq"));
	ATF_CHECK_STREQ("100rel", w_hdr(req, "Require"));
	contact_of(req, at_a, sizeof(at_a));
	request(a, "PRACK", at_a, 2, from, to, "call@10.0.0.5", "RAck: 7 1 INVITE\n", "");
	req = last(b, "PRACK sip:bob@10.0.0.5 ");
	ATF_CHECK_STREQ("7 1 INVITE", w_hdr(req, "RAck"));
	w_answer(b, &pbx, req, "200 OK", "tb", "");
	pump();
	ATF_CHECK(strstr(w_hdr(last(a, "SIP/2.0 200 "), "CSeq"), "PRACK") != NULL);
	/* Answer, ACK. */
	w_answer(b, &pbx, last(b, "INVITE "), "200 OK", "tb", "Contact: <sip:bob@10.0.0.5>\n");
	pump();
	req = last(a, "SIP/2.0 200 ");
	ATF_CHECK_STREQ(to, w_hdr(req, "To"));
	contact_of(req, at_a, sizeof(at_a));
	request(a, "ACK", at_a, 1, from, to, "call@10.0.0.5", "", "");
	(void)last(b, "ACK sip:bob@10.0.0.5 ");
	/* B puts on hold, from another contact; A's requests follow it. */
	request(b, "INVITE", at_b, 100, bto, bfrom, bcall, "Contact: <sip:bob2@10.0.0.5>\n",
	    SDP);
	req = last(a, "INVITE sip:alice@10.0.0.5 ");
	ATF_CHECK_STREQ(from, w_hdr(req, "To"));
	ATF_CHECK_STREQ(to, w_hdr(req, "From"));
	ATF_CHECK_STREQ("call@10.0.0.5", w_hdr(req, "Call-ID"));
	w_answer(a, &pbx, req, "200 OK", "", "Contact: <sip:alice2@10.0.0.5>\n");
	pump();
	req = last(b, "SIP/2.0 200 ");
	contact_of(req, at_b, sizeof(at_b));
	request(b, "ACK", at_b, 100, bto, bfrom, bcall, "", "");
	(void)last(a, "ACK sip:alice2@10.0.0.5 ");
	/* A: UPDATE, INFO. */
	request(a, "UPDATE", at_a, 3, from, to, "call@10.0.0.5",
	    "Contact: <sip:alice3@10.0.0.5>\n", SDP);
	w_answer(b, &pbx, last(b, "UPDATE sip:bob2@10.0.0.5 "), "200 OK", "",
	    "Contact: <sip:bob2@10.0.0.5>\n");
	pump();
	ATF_CHECK(strstr(w_hdr(last(a, "SIP/2.0 200 "), "CSeq"), "UPDATE") != NULL);
	request(b, "INFO", at_b, 101, bto, bfrom, bcall, "", "");
	w_answer(a, &pbx, last(a, "INFO sip:alice3@10.0.0.5 "), "200 OK", "", "");
	pump();
	/* A refused re-INVITE leaves the call as it is. */
	request(a, "INVITE", at_a, 4, from, to, "call@10.0.0.5",
	    "Contact: <sip:alice3@10.0.0.5>\n", SDP);
	w_answer(b, &pbx, last(b, "INVITE sip:bob2@10.0.0.5 "), "488 No", "", "");
	pump();
	(void)last(b, "ACK sip:bob2@10.0.0.5 ");
	(void)last(a, "SIP/2.0 488 ");
	ATF_CHECK_EQ(1, proxy_calls(a->w_px));
	ATF_CHECK_EQ(1, proxy_calls(b->w_px));
	/* REFER stays at our own border. */
	request(a, "REFER", at_a, 5, from, to, "call@10.0.0.5",
	    "Refer-To: <sip:+19005550100@x>\n", "");
	(void)last(a, "SIP/2.0 405 ");
	/* The end. */
	request(b, "BYE", at_b, 102, bto, bfrom, bcall, "", "");
	w_answer(a, &pbx, last(a, "BYE sip:alice3@10.0.0.5 "), "200 OK", "", "");
	pump();
	ATF_CHECK(strstr(w_hdr(last(b, "SIP/2.0 200 "), "CSeq"), "BYE") != NULL);
	ATF_CHECK_EQ(0, proxy_calls(a->w_px));
	ATF_CHECK_EQ(0, proxy_calls(b->w_px));
	w_pass(a, 200000);
	w_pass(b, 200000);
	proxy_stats(a->w_px, &ps);
	ATF_CHECK_EQ(0, ps.ps_txns + ps.ps_contexts + ps.ps_dialogs);
	proxy_stats(b->w_px, &ps);
	ATF_CHECK_EQ(0, ps.ps_txns + ps.ps_contexts + ps.ps_dialogs);
	ATF_CHECK_EQ(0, ps.ps_forged);
	stop();
}

/* The connection is lost in the middle of the call; B's hang-up finds another
 * of the same name, A's makes a new one. */
ATF_TC_WITHOUT_HEAD(reconnect);
ATF_TC_BODY(reconnect, tc)
{
	const char	*req;
	char		 at_a[512], at_b[512], bfrom[512], bto[512], bcall[512];
	const char	*from = "<sip:030999@10.0.0.5>;tag=fa";
	const char	*to = "<sip:" OURS "@10.0.0.1>;tag=tb";

	start();
	a->w_conf->c_flags |= CONF_CALLID_KEEP;
	request(a, "INVITE", "sip:" OURS "@10.0.0.1", 1, from, "<sip:" OURS "@10.0.0.1>",
	    "call", "Contact: <sip:alice@10.0.0.5>\n", SDP);
	req = last(b, "INVITE ");
	contact_of(req, at_b, sizeof(at_b));
	(void)snprintf(bfrom, sizeof(bfrom), "%s", w_hdr(req, "From"));
	(void)snprintf(bto, sizeof(bto), "%s;tag=tb", w_hdr(req, "To"));
	(void)snprintf(bcall, sizeof(bcall), "%s", w_hdr(req, "Call-ID"));
	/* call-id keep: one that tells nothing is left alone. */
	ATF_CHECK_STREQ("call", bcall);
	w_answer(b, &pbx, req, "200 OK", "tb", "Contact: <sip:bob@10.0.0.5>\n");
	pump();
	contact_of(last(a, "SIP/2.0 200 "), at_a, sizeof(at_a));
	a->w_up[1] = b->w_up[1] = 0;
	proxy_flow_gone(a->w_px, 1);
	proxy_flow_gone(b->w_px, 1);
	/* B has no way to A. */
	request(b, "INFO", at_b, 1, bto, bfrom, bcall, "", "");
	(void)last(b, "SIP/2.0 503 ");
	/* A comes back by itself. */
	a->w_up[1] = b->w_up[1] = 1;
	a->w_host[0] = '\0';
	a->w_names[1].na_count = 0;
	a->w_connect = 0;
	request(a, "INFO", at_a, 2, from, to, "call", "", "");
	ATF_CHECK_STREQ("b.example", a->w_host);
	a->w_names[1].na_count = 1;
	{
		struct sip_flow	fl;

		w_outflow(&fl, 1);
		proxy_opened(a->w_px, a->w_opening, &fl);
	}
	pump();
	(void)last(b, "INFO sip:bob@10.0.0.5 ");
	request(b, "BYE", at_b, 2, bto, bfrom, bcall, "", "");
	(void)last(a, "BYE sip:alice@10.0.0.5 ");
	stop();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, dialog);
	ATF_TP_ADD_TC(tp, reconnect);
	return (atf_no_error());
}
