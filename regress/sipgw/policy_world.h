/* SPDX-License-Identifier: ISC */
/*
 * What the tests of the border's policy share: calls of the PBX to NUMBER, and
 * calls of b.example to OURS.
 */
#ifndef POLICY_WORLD_H
#define POLICY_WORLD_H

#include "proxy_harness.h"

#define NUMBER	"+4940123456"
#define OURS	"+4930123450"
#define SDP	"v=0\no=- 1 1 IN IP4 8.8.8.8\ns=-\nc=IN IP4 8.8.8.8\nt=0 0\n" \
		"m=audio 4000 RTP/AVP 8\n"
#define UUID	"ab30317f1a784dc48ff824d0d3715d86"
#define UUID2	"47755a9de7794ba387653f2099600ef2"

static struct sip_flow	pbx, trunk, peer;

W_FN struct world *
start(void)
{
	struct world	*w;

	w_flow_udp(&pbx, "10.0.0.5", 5060);
	w_flow_udp(&trunk, "192.0.2.9", 5060);
	w_outflow(&peer, 1);
	w = w_new(1);
	w_name(w, 1, "b.example");
	w_route(w, NUMBER, ROUTE_ACTIVE, "VElDS0VU");
	return (w);
}

/* The PBX calls NUMBER: n tells calls apart, caller is the user part of From. */
W_FN void
dial(struct world *w, const char *n, const char *caller, const char *callid,
    const char *extra)
{
	w_in(w, &pbx, "INVITE sip:040123456@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK%s;rport\n"
	    "Max-Forwards: 70\nFrom: \"Alice\" <sip:%s@10.0.0.5>;tag=f%s\n"
	    "To: <sip:040123456@10.0.0.1>\nCall-ID: %s\nCSeq: 1 INVITE\n%s"
	    "Contact: <sip:alice@10.0.0.5:5060>\nContent-Type: application/sdp\n\n" SDP,
	    n, caller, n, callid, extra);
}

/* A call from outside with a ticket. */
W_FN void
knock(struct world *w, const char *n, const char *from, const char *extra)
{
	w_in(w, &peer, "INVITE sip:" OURS "@a.example SIP/2.0\n"
	    "Via: SIP/2.0/TLS b.example:5061;branch=z9hG4bK%s\nMax-Forwards: 70\n"
	    "From: %s;tag=f%s\nTo: \"Us\" <sip:" OURS "@a.example>\nCall-ID: o%s\n"
	    "CSeq: 1 INVITE\nViPR-Ticket: R09PRA\n%s"
	    "Contact: <sip:bob@gw.b.example;transport=tls>\n"
	    "Content-Type: application/sdp\n\n" SDP, n, from, n, n, extra);
}

/* Up to what the PBX gets, key having agreed. */
W_FN const char *
ring(struct world *w, const char *n, const char *from, const char *extra)
{
	knock(w, n, from, extra);
	proxy_ticket(w->w_px, w->w_ticket, REFUSAL_NONE, 0, w->w_utc / 1000 + 86400);
	return (w_find(w, "INVITE "));
}

/* Are its headers just those of the list? */
W_FN void
same_names(const char *msg, const char *list)
{
	const char	*p, *colon;
	char		 copy[4096], want[64], *name, *rest = copy;

	for (p = strstr(msg, "\r\n"); p != NULL && strncmp(p, "\r\n\r\n", 4) != 0;
	    p = strstr(p + 2, "\r\n")) {
		ATF_REQUIRE((colon = strchr(p, ':')) != NULL);
		(void)snprintf(want, sizeof(want), " %.*s ", (int)(colon - p - 2), p + 2);
		(void)snprintf(copy, sizeof(copy), " %s ", list);
		ATF_CHECK_MSG(strstr(copy, want) != NULL, "%s passed", want);
	}
	(void)strlcpy(copy, list, sizeof(copy));
	while ((name = strsep(&rest, " ")) != NULL)
		ATF_CHECK_MSG(w_hdr(msg, name) != NULL, "%s did not pass", name);
}

#endif
