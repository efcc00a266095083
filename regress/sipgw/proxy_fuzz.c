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
 * Drives the proxy core with a script made of the input: raw messages from
 * each side, ready-made ones with pieces changed, answers to what it sent,
 * time, connections that come and go, answers of key.  A command is a byte
 * and an argument byte; raw messages have a length (u16) and bytes behind it.
 */

#include "proxy_harness.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define SDP	"v=0\no=- 1 1 IN IP4 8.8.8.8\ns=-\nc=IN IP4 8.8.8.8\nt=0 0\n" \
		"m=audio 4000 RTP/AVP 8\n"

static const char *const methods[] = { "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "PRACK",
    "UPDATE", "INFO", "REFER", "FOO" };
static const unsigned statuses[] = { 100, 180, 183, 199, 200, 202, 302, 401, 403, 404, 408,
    480, 486, 487, 491, 500, 503, 600, 603, 606 };

static void	request(struct world *, const struct sip_flow *, uint8_t);
static void	redirected(struct world *, const struct sip_flow *, uint8_t, int);
static void	answer_last(struct world *, uint8_t);
static size_t	reversed(const char *, char *, size_t);
static void	within(struct world *, const struct sip_flow *, uint8_t, uint8_t);
static void	settings(struct world *, uint8_t);
static int	media(struct world *, const uint8_t *, size_t);
static void	media_answer(struct world *, uint8_t);

static char	asked[4096];	/* the latest question to rtpengine */

static void
request(struct world *w, const struct sip_flow *fl, uint8_t arg)
{
	const char	*method = methods[(arg >> 2) % 10];
	unsigned	 call = arg & 3;

	w_in(w, fl, "%s sip:%s SIP/2.0\n"
	    "Via: SIP/2.0/%s 10.0.0.5:5060;branch=z9hG4bK%u%s\nMax-Forwards: 70\n"
	    "From: <sip:030123451@10.0.0.5>;tag=f%u\nTo: <sip:x@10.0.0.1>%s\n"
	    "Call-ID: c%u\nCSeq: %u %s\nViPR-Ticket: AAAA\n"
	    "Contact: <sip:pbx@10.0.0.5:5060>\nContent-Type: application/sdp\n\n" SDP,
	    method, fl->fl_face == FACE_OUTSIDE ? "+4930123450@a.example" :
	    arg & 0x20 ? "+4930123450@10.0.0.1" : "040123456@10.0.0.1",
	    fl->fl_proto == SIP_UDP ? "UDP" : "TLS", call,
	    method[0] == 'B' ? "b" : "", call,
	    arg & 0x80 ? ";tag=t" : "", call, 1 + (arg >> 6), method);
}

/* At the redirect listener; or (follow) to where the last 302 leads. */
static void
redirected(struct world *w, const struct sip_flow *fl, uint8_t arg, int follow)
{
	struct sip_flow	 ask = *fl;
	const char	*contact = NULL;
	char		 uri[256] = "sip:040123456@10.0.0.1";
	size_t		 i;

	if (follow) {
		for (i = w->w_nsent; i-- > 0 && contact == NULL;)
			if (strncmp(w->w_sent[i].se_text, "SIP/2.0 302 ", 12) == 0)
				contact = w_hdr(w->w_sent[i].se_text, "Contact");
		if (contact != NULL)
			(void)snprintf(uri, sizeof(uri), "%.*s",
			    (int)strcspn(contact + 1, ">"), contact + 1);
	} else {
		ask.fl_face = FACE_REDIRECT;
		(void)vaddr_parse("10.0.0.1", 5070, &ask.fl_local);
	}
	w_in(w, &ask, "%s %s SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKr%u%u\nMax-Forwards: 70\n"
	    "From: <sip:030123451@10.0.0.5>;tag=r%u\nTo: <sip:x@10.0.0.1>%s\n"
	    "Call-ID: r%u\nCSeq: 1 %s\nContact: <sip:pbx@10.0.0.5:5060>\n"
	    "Content-Type: application/sdp\n\n" SDP, methods[(arg >> 2) % 10], uri,
	    arg & 3, follow, arg & 3, arg & 0x80 ? ";tag=t" : "", arg & 3,
	    methods[(arg >> 2) % 10]);
}

static void
answer_last(struct world *w, uint8_t arg)
{
	struct sent	*se;
	size_t		 i;
	char		 status[16];

	for (i = w->w_nsent; i-- > 0;) {
		se = &w->w_sent[i];
		if (strncmp(se->se_text, "SIP/2.0", 7) == 0 ||
		    strncmp(se->se_text, "ACK", 3) == 0)
			continue;
		if (arg & 0x80 && i > 0) {
			arg = (uint8_t)(arg & 0x7f);
			continue;
		}
		(void)snprintf(status, sizeof(status), "%u x", statuses[arg % 20]);
		w_answer(w, &se->se_flow, se->se_text, status, arg & 0x40 ? "t" : "u",
		    (arg & 0x30) == 0x30 ? "Contact: <sip:y@192.0.2.9>\n"
		    "Content-Type: application/sdp\n\n" SDP :
		    arg & 0x20 ? "Contact: <sip:y@192.0.2.9>\n" :
		    "ViPR-Refusal: revoked\n");
		return;
	}
}

static int
media(struct world *w, const uint8_t *p, size_t len)
{
	(void)w;
	(void)snprintf(asked, sizeof(asked), "%.*s", (int)len, (const char *)p);
	return (0);
}

/* rtpengine answers the latest question, or is gone. */
static void
media_answer(struct world *w, uint8_t arg)
{
	char	buf[512];
	int	n;

	proxy_clock(w->w_px, w->w_boot, w->w_utc);
	if ((arg & 0x30) == 0x30) {
		proxy_media_refused(w->w_px);
		return;
	}
	n = snprintf(buf, sizeof(buf), "%.*s %s", (int)strcspn(asked, " "), asked,
	    (arg & 0x30) == 0x20 ? "d6:result5:error12:error-reason3:bade" :
	    strstr(asked, "4:ping") != NULL ? "d6:result4:ponge" :
	    "d3:sdp86:v=0\no=- 1 1 IN IP4 8.8.8.9\ns=-\nc=IN IP4 8.8.8.9\nt=0 0\n"
	    "m=audio 30000 RTP/SAVP 8 101 13\n6:result2:oke");
	proxy_media_input(w->w_px, buf, (size_t)n);
}

/* Record-Route values of a message as a Route, the last one first. */
static size_t
reversed(const char *msg, char *out, size_t size)
{
	const char	*v;
	size_t		 n = 0;
	int		 i;

	for (i = 0; w_hdr_n(msg, "Record-Route", i) != NULL; i++)
		;
	while (i-- > 0 && (v = w_hdr_n(msg, "Record-Route", i)) != NULL && n < size)
		n += (size_t)snprintf(out + n, size - n, "Route: %s\n", v);
	return (n);
}

/*
 * What the party that got the latest INVITE or answer to one would send inside
 * its dialog.  what: method, tag, CSeq; how: which message, and what is forged:
 * the Contact, the way that it comes.
 */
static void
within(struct world *w, const struct sip_flow *fl, uint8_t what, uint8_t how)
{
	static char	 routes[16384], uri[4096], from[4096], to[4096], callid[4096];
	struct sip_flow	 way;
	struct sent	*se;
	const char	*v, *tag, *method = methods[what % 10], *msg = NULL;
	char		*end;
	size_t		 i, skip = how & 3;
	int		 answer = 0;

	for (i = w->w_nsent; i-- > 0 && msg == NULL;) {
		se = &w->w_sent[i];
		answer = strncmp(se->se_text, "SIP/2.0 1", 9) == 0 ||
		    strncmp(se->se_text, "SIP/2.0 2", 9) == 0;
		if ((!answer && strncmp(se->se_text, "INVITE ", 7) != 0) ||
		    w_hdr(se->se_text, "Contact") == NULL || skip-- > 0)
			continue;
		msg = se->se_text;
		way = se->se_flow;
	}
	if (msg == NULL || (v = w_hdr(msg, "Contact")) == NULL || v[0] != '<' ||
	    w_hdr(msg, "From") == NULL || w_hdr(msg, "To") == NULL ||
	    w_hdr(msg, "Call-ID") == NULL)
		return;
	(void)strlcpy(uri, v + 1, sizeof(uri));
	(void)strlcpy(from, w_hdr(msg, answer ? "From" : "To"), sizeof(from));
	(void)strlcpy(to, w_hdr(msg, answer ? "To" : "From"), sizeof(to));
	(void)strlcpy(callid, w_hdr(msg, "Call-ID"), sizeof(callid));
	if ((end = strchr(uri, '>')) == NULL)
		return;
	*end = '\0';
	if ((how & 0x30) == 0x30 && strlen(uri) > 20)
		uri[5 + how % 15] ^= 1;
	tag = answer || strstr(from, ";tag=") != NULL ? "" : what & 0x10 ? ";tag=t" : ";tag=u";
	routes[0] = '\0';
	if (how & 0x40)
		(void)reversed(msg, routes, sizeof(routes));
	else if ((v = w_hdr(msg, "Record-Route")) != NULL)
		(void)snprintf(routes, sizeof(routes), "Route: %s\n", v);
	if ((how & 0x0c) == 0x0c) {
		/* Through a strict router. */
		(void)snprintf(routes, sizeof(routes), "Route: %s<%s>\n",
		    how & 0x40 ? "<sip:192.0.2.9>, " : "", uri);
		(void)strlcpy(uri, "sip:10.0.0.1:5060;lr", sizeof(uri));
	} else if (how & 0x08)
		(void)strlcat(routes, "Route: <sip:192.0.2.9:5060>\n", sizeof(routes));
	w_in(w, how & 0x80 ? fl : &way, "%s %s SIP/2.0\n"
	    "Via: SIP/2.0/%s 10.0.0.5:5060;branch=z9hG4bKw%u\nMax-Forwards: 70\n"
	    "From: %s%s\nTo: %s\nCall-ID: %s\nCSeq: %u %s\n%s%sRAck: 1 1 INVITE\n"
	    "Session-Expires: 90\nContact: <sip:z@10.0.0.5:5070>\n"
	    "Content-Type: application/sdp\n\n" SDP, method, uri,
	    way.fl_proto == SIP_UDP ? "UDP" : "TLS", what, from, tag, to, callid,
	    1u + (what >> 5), method, routes, what & 0x08 ? "Proxy-Require: x\n" : "");
}

/* Another configuration while all goes on. */
static void
settings(struct world *w, uint8_t arg)
{
	struct conf_hop	*ch;

	w->w_conf->c_flags ^= arg & 1 ? CONF_MEDIA_PLAIN : 0;
	w->w_conf->c_limit_live = arg & 2 ? 1 : 4;
	TAILQ_FOREACH(ch, &w->w_conf->c_hops, ch_entry) {
		if (arg & 4)
			ch->ch_proto = arg & 8 ? SIP_TCP : SIP_UDP;
		if (ch->ch_trunk && arg & 16)
			ch->ch_priority = (uint16_t)(1 + (arg >> 5));
	}
	proxy_conf(w->w_px, w->w_conf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct sip_flow	 fl[4];
	struct proxy_stats ps;
	struct world	*w;
	uint8_t		*raw, cmd, arg;
	size_t		 n, i = 0, steps = 0;

	w = w_new(1);
	w_shared = w->w_rtab;
	if (w->w_store != NULL) {
		/* The first one's stays, for all. */
		w_unlink(w);
		w->w_store = NULL;
	}
	w_route(w, "+4940123456", ROUTE_ACTIVE, "VElDS0VU");
	asked[0] = '\0';
	w->w_media = media;
	(void)vaddr_parse("127.0.0.1", 2223, &w->w_conf->c_media);
	w_name(w, 1, "b.example");
	w_name(w, 2, "c.example");
	w_flow_udp(&fl[0], "10.0.0.5", 5060);
	w_flow_udp(&fl[1], "192.0.2.9", 5060);
	w_outflow(&fl[2], 1);
	w_outflow(&fl[3], 2);
	while (i + 2 <= len && steps++ < 400) {
		cmd = p[i++];
		arg = p[i++];
		if (w->w_nsent == W_SENT) {
			/* Forget the old ones. */
			for (n = 0; n < W_SENT; n++)
				free(w->w_sent[n].se_text);
			w->w_nsent = w->w_next = 0;
		}
		/* From 216 on: what came later than the first corpus. */
		switch (cmd < 216 ? cmd % 10 : 10 + (cmd - 216) % 4) {
		case 10:
		case 11:
			if (i == len)
				break;
			within(w, &fl[(cmd / 4) & 3], arg, p[i++]);
			break;
		case 12:
			settings(w, arg);
			break;
		case 13:
			proxy_flow_gone(w->w_px, arg & 1 ? 100 : 2);
			w->w_up[2] = (arg & 2) != 0;
			break;
		case 0:		/* raw */
			if (i + 2 > len)
				break;
			n = ((size_t)p[i] << 8 | p[i + 1]) % 4096;
			i += 2;
			if (n > len - i)
				n = len - i;
			raw = malloc(n + !n);
			memcpy(raw, p + i, n);
			i += n;
			proxy_clock(w->w_px, w->w_boot, w->w_utc);
			proxy_input(w->w_px, &fl[arg & 3], raw, n);
			free(raw);
			break;
		case 1:
		case 2:
			if ((cmd / 10 & 0x14) == 0x14 && (cmd / 10 & 3) < 2)
				redirected(w, &fl[cmd / 10 & 1], arg, cmd % 10 == 2);
			else
				request(w, &fl[(cmd / 10) & 3], arg);
			break;
		case 3:
		case 4:
			answer_last(w, arg);
			break;
		case 5:
			w_pass(w, (uint64_t)arg * arg * 10);
			break;
		case 6:
			w->w_open = (arg & 3) == 0 ? 0 : (arg & 3) == 1 ? -1 : 1;
			w->w_connect = (arg & 12) == 0 ? 0 : (arg & 12) == 4 ? -1 : 1;
			w->w_send_fails = (arg & 0x30) == 0x30;
			w->w_key_away = (arg & 0xc0) == 0xc0;
			break;
		case 7:
			if (arg & 8)
				media_answer(w, arg);
			else if (arg & 1)
				proxy_opened(w->w_px, w->w_opening, &fl[arg & 2 ? 2 : 1]);
			else
				proxy_open_failed(w->w_px, w->w_opening, "test");
			break;
		case 8:
			proxy_ticket(w->w_px, w->w_ticket, (enum refusal)(arg % 9),
			    arg & 0x80 ? 7 : 0, 0);
			break;
		case 9:
			if (arg & 8) {
				w->w_conf->c_flags ^= CONF_MEDIA_ENGINE;
				proxy_conf(w->w_px, w->w_conf);
			} else if (arg & 1)
				proxy_key_gone(w->w_px);
			else if (arg & 2) {
				w->w_up[1] = !w->w_up[1];
				if (!w->w_up[1])
					proxy_flow_gone(w->w_px, 1);
			} else
				proxy_conf(w->w_px, w->w_conf);
			break;
		}
	}
	/* Whatever happened: in two days nothing of it is left. */
	w->w_send_fails = 0;
	w->w_conf->c_flags &= ~(uint32_t)CONF_MEDIA_ENGINE;
	proxy_conf(w->w_px, w->w_conf);
	w_pass(w, 2ull * 86400 * 1000);
	proxy_stats(w->w_px, &ps);
	if (ps.ps_media.ns_pending != 0)
		abort();
	if (ps.ps_txns != 0 || ps.ps_contexts != 0 || ps.ps_dialogs != 0 || ps.ps_legs != 0) {
		fprintf(stderr, "left: %zu transactions, %zu contexts, %zu dialogs, "
		    "%zu legs; %llu responses %llu stray %llu malformed\n", ps.ps_txns, ps.ps_contexts,
		    ps.ps_dialogs, ps.ps_legs, (unsigned long long)ps.ps_responses,
		    (unsigned long long)ps.ps_stray, (unsigned long long)ps.ps_malformed);
		for (i = 0; i < w->w_nsent; i++)
			fprintf(stderr, "%s\n", w->w_sent[i].se_text);
		abort();
	}
	w_free(w);
	return (0);
}
