/* SPDX-License-Identifier: ISC */
/* The flows that the tests of RFC 3261 begin with: a PBX, two trunks, a call. */
#ifndef RFC3261_H
#define RFC3261_H

#include <atf-c.h>

#include "proxy_harness.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static struct sip_flow	pbx, trunk, backup;

W_FN struct world *
start(void)
{
	w_flow_udp(&pbx, "10.0.0.5", 5060);
	w_flow_udp(&trunk, "192.0.2.9", 5060);
	w_flow_udp(&backup, "192.0.2.10", 5060);
	return (w_new(0));
}

/* A request from the PBX outside of any dialog; more: header lines. */
W_FN void
message(struct world *w, const char *method, const char *uri, const char *branch,
    const char *cseq, const char *more)
{
	w_in(w, &pbx, "%s %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=%s;rport\n"
	    "From: <sip:030123451@10.0.0.5>;tag=f\nTo: <sip:2@10.0.0.1>\n"
	    "Call-ID: c1\nCSeq: 1 %s\nContact: <sip:pbx@10.0.0.5:5060>\n%s",
	    method, uri, branch, cseq, more);
}

/* The INVITE of a new call as the trunk sees it. */
W_FN const char *
call(struct world *w, const char *branch)
{
	message(w, "INVITE", "sip:004940123456@10.0.0.1", branch, "INVITE", "");
	return (w_find(w, "INVITE "));
}

/* A request inside that dialog, from either side; start_: method and URI. */
W_FN void
within(struct world *w, const struct sip_flow *fl, const char *start_, const char *branch,
    const char *cseq, const char *more)
{
	const char	*caller = "<sip:030123451@10.0.0.5>;tag=f";
	const char	*callee = "<sip:2@10.0.0.1>;tag=t1";

	w_in(w, fl, "%s SIP/2.0\nVia: SIP/2.0/UDP %s:5060;branch=%s\n"
	    "From: %s\nTo: %s\nCall-ID: c1\nCSeq: %s\n%s%s", start_,
	    fl == &pbx ? "10.0.0.5" : "192.0.2.9", branch, fl == &pbx ? caller : callee,
	    fl == &pbx ? callee : caller, cseq,
	    strstr(more, "Route:") == NULL ? "Route: <sip:10.0.0.1:5060;lr>\n" : "", more);
}

/* The same, answered and acknowledged. */
W_FN const char *
answered(struct world *w, const char *branch)
{
	const char	*req = call(w, branch);

	ATF_REQUIRE(req != NULL);
	w_answer(w, &trunk, req, "200 OK", "t1", "Contact: <sip:gw@192.0.2.9:5060>\n");
	ATF_REQUIRE(w_find(w, "SIP/2.0 200 ") != NULL);
	within(w, &pbx, "ACK sip:gw@192.0.2.9:5060", "z9hG4bKack", "1 ACK", "");
	ATF_REQUIRE(w_find(w, "ACK sip:gw@192.0.2.9:5060 ") != NULL);
	return (req);
}

/* How many messages to that place begin so, from the last look on. */
W_FN size_t
to_peer(struct world *w, const struct sip_flow *fl, const char *start_)
{
	size_t	i, n = 0;

	for (i = w->w_next; i < w->w_nsent; i++)
		n += vaddr_eq(&w->w_sent[i].se_flow.fl_peer, &fl->fl_peer) &&
		    strncmp(w->w_sent[i].se_text, start_, strlen(start_)) == 0;
	return (n);
}

W_FN void
empty(struct world *w)
{
	struct proxy_stats	ps;

	w_pass(w, 600000);
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ(0, ps.ps_txns);
	ATF_CHECK_EQ(0, ps.ps_contexts);
	w_free(w);
}

#endif
