/* SPDX-License-Identifier: ISC */
/*
 * What the tests of media share: an rtpengine that remembers what it was asked
 * and answers when the test says so, and calls through it.
 */
#ifndef MEDIA_WORLD_H
#define MEDIA_WORLD_H

#include "proxy_harness.h"

#define LINES	"v=0\no=- 1 1 IN IP4 %s\ns=-\nc=IN IP4 %s\nt=0 0\nm=audio %d %s 8\n"
#define NUMBER	"+4940123456"
#define OURS	"+4930123450"
#define ASKED	64

static struct sip_flow	pbx, trunk, peer;
static char		asked[ASKED][8192];
static size_t		nasked, nread, npings;
static char		ping[256];	/* the latest */
static const char	*public = "198.51.100.7";

/* A description: media at an address and port, by a protocol. */
W_FN const char *
sdp(const char *addr, int port, const char *proto)
{
	static char	 buf[4][1024];
	static int	 turn;
	char		*out = buf[turn++ % 4];

	(void)snprintf(out, sizeof(buf[0]), LINES, addr, addr, port, proto);
	return (out);
}

W_FN int
engine(struct world *w, const uint8_t *p, size_t len)
{
	(void)w;
	ATF_REQUIRE(nasked < ASKED && len < sizeof(asked[0]));
	if (memmem(p, len, "7:command4:ping", 15) != NULL) {
		npings++;
		memcpy(ping, p, len);
		ping[len] = '\0';
		return (0);
	}
	memcpy(asked[nasked], p, len);
	asked[nasked++][len] = '\0';
	return (0);
}

/* The next thing that it is asked, pings left out; NULL: nothing. */
W_FN const char *
next(const char *command)
{
	char	want[64];

	(void)snprintf(want, sizeof(want), "d7:command%zu:%s7:call-id37:vipr-",
	    strlen(command), command);
	if (nread == nasked)
		return (NULL);
	ATF_CHECK_MSG(strstr(asked[nread], want) != NULL, "%s, not %s", asked[nread], command);
	return (asked[nread++]);
}

/* Its answer to one of these. */
W_FN void
say(struct world *w, const char *question, const char *text)
{
	char	 buf[8192];
	int	 n;

	ATF_REQUIRE(question != NULL);
	n = snprintf(buf, sizeof(buf), "%.*s %s", (int)strcspn(question, " "), question, text);
	proxy_clock(w->w_px, w->w_boot, w->w_utc);
	proxy_media_input(w->w_px, buf, (size_t)n);
}

/* It answers its next ping. */
W_FN void
alive(struct world *w)
{
	size_t	was = npings, i;

	for (i = 0; i < 200 && npings == was; i++)
		w_pass(w, 100);
	ATF_REQUIRE(npings > was);
	say(w, ping, "d6:result4:ponge");
}

/* It does what it should: of plain RTP it makes SRTP, and back. */
W_FN void
made(struct world *w, const char *question)
{
	char		 buf[8192];
	const char	*text;
	int		 out;

	ATF_REQUIRE(question != NULL);
	if (strstr(question, "7:command5:offer") != NULL)
		out = strstr(question, "8:RTP/SAVP") != NULL;
	else
		out = strstr(question, "RTP/AVP 8") != NULL;
	text = out ? sdp(public, 30000, "RTP/SAVP") : sdp("10.0.0.7", 31000, "RTP/AVP");
	(void)snprintf(buf, sizeof(buf), "d3:sdp%zu:%s6:result2:oke", strlen(text), text);
	say(w, question, buf);
}

W_FN struct world *
start(void)
{
	struct world	*w;

	nasked = nread = npings = 0;
	public = "198.51.100.7";
	w_flow_udp(&pbx, "10.0.0.5", 5060);
	w_flow_udp(&trunk, "192.0.2.9", 5060);
	w_outflow(&peer, 1);
	w = w_new(1);
	w_name(w, 1, "b.example");
	w_route(w, NUMBER, ROUTE_ACTIVE, "VElDS0VU");
	w->w_media = engine;
	w->w_conf->c_flags &= ~(uint32_t)CONF_MEDIA_PLAIN;
	w->w_conf->c_flags |= CONF_MEDIA_ENGINE;
	ATF_REQUIRE_EQ(0, vaddr_parse("127.0.0.1", 2223, &w->w_conf->c_media));
	proxy_conf(w->w_px, w->w_conf);
	ATF_REQUIRE_EQ(1, npings);
	say(w, ping, "d6:result4:ponge");
	return (w);
}

W_FN void
finish(struct world *w)
{
	struct proxy_stats	ps;

	ATF_CHECK_EQ(NULL, next("nothing"));
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ(0, ps.ps_media.ns_pending);
	w_free(w);
}

/* From our PBX; body "": without an offer. */
W_FN void
invite(struct world *w, const char *n, const char *body)
{
	w_in(w, &pbx, "INVITE sip:040123456@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK%s;rport\n"
	    "Max-Forwards: 70\nFrom: \"Alice\" <sip:030123451@10.0.0.5>;tag=f%s\n"
	    "To: <sip:040123456@10.0.0.1>\nCall-ID: c%s@10.0.0.5\nCSeq: 1 INVITE\n"
	    "Contact: <sip:alice@10.0.0.5:5060>\n%s\n%s", n, n, n,
	    body[0] != '\0' ? "Content-Type: application/sdp\n" : "", body);
}

/* From outside, up to key's consent. */
W_FN void
invited(struct world *w, const char *n, const char *body)
{
	w_in(w, &peer, "INVITE sip:" OURS "@a.example SIP/2.0\n"
	    "Via: SIP/2.0/TLS b.example:5061;branch=z9hG4bK%s\nMax-Forwards: 70\n"
	    "From: <sip:+4940123456@b.example>;tag=f%s\n"
	    "To: <sip:" OURS "@a.example>\nCall-ID: o%s\nCSeq: 1 INVITE\n"
	    "ViPR-Ticket: R09PRA\nContact: <sip:bob@gw.b.example;transport=tls>\n"
	    "%s\n%s", n, n, n, body[0] != '\0' ? "Content-Type: application/sdp\n" : "", body);
	proxy_ticket(w->w_px, w->w_ticket, REFUSAL_NONE, 0, w->w_utc / 1000 + 86400);
}

W_FN const char *
answered(struct world *w, const char *status)
{
	char	line[32];

	(void)snprintf(line, sizeof(line), "SIP/2.0 %s ", status);
	return (w_find(w, line));
}

/* An answer with a description. */
W_FN void
with(struct world *w, const struct sip_flow *fl, const char *req, const char *status,
    const char *tag, const char *body)
{
	char	extra[2048];

	(void)snprintf(extra, sizeof(extra), "Contact: <sip:x@%s:5060>\n"
	    "Content-Type: application/sdp\n\n%s", fl == &pbx ? "10.0.0.5" : "b.example", body);
	w_answer(w, fl, req, status, tag, extra);
}

#endif
