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
static void	answer_last(struct world *, uint8_t);
static void	route(struct world *);

static void
request(struct world *w, const struct sip_flow *fl, uint8_t arg)
{
	const char	*method = methods[(arg >> 2) % 10];
	unsigned	 call = arg & 3;

	w_in(w, fl, "%s sip:%s@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/%s 10.0.0.5:5060;branch=z9hG4bK%u%s\nMax-Forwards: 70\n"
	    "From: <sip:030123451@10.0.0.5>;tag=f%u\nTo: <sip:x@10.0.0.1>%s\n"
	    "Call-ID: c%u\nCSeq: %u %s\nViPR-Ticket: AAAA\n"
	    "Contact: <sip:pbx@10.0.0.5:5060>\nContent-Type: application/sdp\n\n" SDP,
	    method, fl->fl_face == FACE_OUTSIDE ? "+4930123450" : "040123456",
	    fl->fl_proto == SIP_UDP ? "UDP" : "TLS", call,
	    method[0] == 'B' ? "b" : "", call,
	    arg & 0x80 ? ";tag=t" : "", call, 1 + (arg >> 6), method);
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
		    arg & 0x20 ? "Contact: <sip:y@192.0.2.9>\n" :
		    "ViPR-Refusal: revoked\n");
		return;
	}
}

static void
route(struct world *w)
{
	static struct rtab_number	 rn;
	struct rtab_route		*rr = &rn.rn_routes[0];

	(void)strlcpy(rn.rn_number, "+4940123456", sizeof(rn.rn_number));
	rn.rn_count = 1;
	rr->rr_state = ROUTE_ACTIVE;
	rr->rr_proofs = 2;
	rr->rr_nuris = 1;
	rr->rr_not_after = w->w_utc / 1000 + 86400;
	rr->rr_last_proof = w->w_utc / 1000 - 3600;
	(void)strlcpy(rr->rr_domain, "b.example", sizeof(rr->rr_domain));
	(void)strlcpy(rr->rr_ticket, "VElDS0VU", sizeof(rr->rr_ticket));
	(void)strlcpy(rr->rr_uris[0], "sips:+4940123456@b.example:5061", URI_MAX);
	(void)rtab_put(w->w_rtab, &rn);
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
	route(w);
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
		switch (cmd % 10) {
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
			if (arg & 1)
				proxy_opened(w->w_px, w->w_opening, &fl[arg & 2 ? 2 : 1]);
			else
				proxy_open_failed(w->w_px, w->w_opening, "test");
			break;
		case 8:
			proxy_ticket(w->w_px, w->w_ticket, (enum refusal)(arg % 9),
			    arg & 0x80 ? 7 : 0, 0);
			break;
		case 9:
			if (arg & 1)
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
	w_pass(w, 2ull * 86400 * 1000);
	proxy_stats(w->w_px, &ps);
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
