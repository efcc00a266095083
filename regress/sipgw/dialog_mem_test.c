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

/* What an open dialog costs in memory, everything that hangs on it included. */

#include <malloc.h>

#include <atf-c.h>

#include "proxy_harness.h"

#define DIALOGS		400
#define DIALOG_BYTES	2048

static size_t	 heap(void);
static void	 sent_clear(struct world *);
static void	 ring(struct world *, const struct sip_flow *, int);
static void	 calls(int);

static struct sip_flow	pbx, trunk, outside;

static size_t
heap(void)
{
	return (mallinfo2().uordblks + mallinfo2().hblkhd);
}

static void
sent_clear(struct world *w)
{
	size_t	i;

	for (i = 0; i < w->w_nsent; i++)
		free(w->w_sent[i].se_text);
	w->w_nsent = w->w_next = 0;
	w->w_log[0] = '\0';
}

/* A call of the PBX that is answered, its 2xx acknowledged by nobody. */
static void
ring(struct world *w, const struct sip_flow *to, int i)
{
	const char	*req;

	sent_clear(w);
	w_in(w, &pbx, "INVITE sip:004940123456@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKmemory%d;rport\n"
	    "Max-Forwards: 70\nFrom: \"Anybody\" <sip:+4930%07d@10.0.0.5>;tag=from-%d\n"
	    "To: <sip:004940123456@10.0.0.1>\nCall-ID: 7d1c9b1e4f%d@10.0.0.5\n"
	    "CSeq: 1 INVITE\nContact: <sip:+4930123450@10.0.0.5:5060>\n"
	    "Content-Type: application/sdp\n\nv=0\no=- 1 1 IN IP4 8.8.8.8\ns=-\n"
	    "c=IN IP4 8.8.8.8\nt=0 0\nm=audio 4000 RTP/AVP 8\n", i, i, i, i);
	ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
	w_answer(w, to, req, "200 OK", "the-tag-of-the-callee",
	    "Contact: <sip:+4940123456@192.0.2.9:5060>\n");
	ATF_REQUIRE(w_find(w, "SIP/2.0 200 ") != NULL);
}

static void
calls(int direct)
{
	struct world		*w;
	struct rtab_number	*rn;
	struct rtab_route	*r;
	size_t			 before, open;
	int			 i;

	w_flow_udp(&pbx, "10.0.0.5", 5060);
	w_flow_udp(&trunk, "192.0.2.9", 5060);
	w_outflow(&outside, 1);
	w = w_new(direct);
	if (direct) {
		w_name(w, 1, "b.example");
		rn = calloc(1, sizeof(*rn));
		rn->rn_count = 1;
		r = &rn->rn_routes[0];
		r->rr_state = ROUTE_ACTIVE;
		r->rr_nuris = 1;
		r->rr_not_after = w->w_utc / 1000 + 86400;
		r->rr_last_proof = w->w_utc / 1000;
		(void)strlcpy(rn->rn_number, "+4940123456", sizeof(rn->rn_number));
		(void)strlcpy(r->rr_domain, "b.example", sizeof(r->rr_domain));
		(void)strlcpy(r->rr_uris[0], "sip:+4940123456@b.example;transport=tls",
		    URI_MAX);
		(void)strlcpy(r->rr_ticket, "a-ticket", TOKEN_MAX);
		ATF_REQUIRE_EQ(0, rtab_put(w->w_rtab, rn));
		free(rn);
	}
	/* What is made once, and memory that is kept for the next call. */
	ring(w, direct ? &outside : &trunk, 0);
	w_pass(w, 40000);
	sent_clear(w);
	before = heap();
	if (before == 0)
		atf_tc_skip("mallinfo2 counts nothing here");
	for (i = 1; i <= DIALOGS; i++)
		ring(w, direct ? &outside : &trunk, i);
	/* The transactions of the INVITEs end. */
	w_pass(w, 40000);
	sent_clear(w);
	open = heap();
	ATF_CHECK_EQ(DIALOGS + 1, proxy_calls(w->w_px));
	ATF_CHECK_MSG(open > before && (open - before) / DIALOGS <= DIALOG_BYTES,
	    "%zu bytes a dialog", (open - before) / DIALOGS);
	w_free(w);
}

ATF_TC_WITHOUT_HEAD(trunk_calls);
ATF_TC_BODY(trunk_calls, tc)
{
	calls(0);
}

ATF_TC_WITHOUT_HEAD(direct_calls);
ATF_TC_BODY(direct_calls, tc)
{
	calls(1);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, trunk_calls);
	ATF_TP_ADD_TC(tp, direct_calls);
	return (atf_no_error());
}
