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

/* Requests inside dialogs between hops over streams. */

#include <atf-c.h>

#include "proxy_harness.h"

static struct sip_flow	pbx;

static struct world	*start(void);
static struct sent	*next_to(struct world *, const char *start);
static void		 answered(struct world *);
static void		 bye(struct world *);

/* The first trunk speaks TCP. */
static struct world *
start(void)
{
	struct world	*w = w_new(0);

	w_flow_udp(&pbx, "10.0.0.5", 5060);
	TAILQ_NEXT(TAILQ_FIRST(&w->w_conf->c_hops), ch_entry)->ch_proto = SIP_TCP;
	proxy_conf(w->w_px, w->w_conf);
	return (w);
}

static struct sent *
next_to(struct world *w, const char *text)
{
	struct sent	*se;

	while ((se = w_out(w)) != NULL)
		if (strncmp(se->se_text, text, strlen(text)) == 0)
			return (se);
	return (NULL);
}

/* A call that the trunk answers. */
static void
answered(struct world *w)
{
	struct sent	*se;

	w_in(w, &pbx, "INVITE sip:004940123456@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKi;rport\n"
	    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=f\n"
	    "To: <sip:004940123456@10.0.0.1>\nCall-ID: c\nCSeq: 1 INVITE\n"
	    "Contact: <sip:pbx@10.0.0.5:5060>\n");
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	ATF_CHECK_EQ(SIP_TCP, se->se_flow.fl_proto);
	w_answer(w, &se->se_flow, se->se_text, "200 OK", "t", "Contact: <sip:gw@192.0.2.9>\n");
}

static void
bye(struct world *w)
{
	w_in(w, &pbx, "BYE sip:gw@192.0.2.9 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKbye\n"
	    "Route: <sip:10.0.0.1:5060;lr>,<sip:10.0.0.1:5060;transport=tcp;lr>\n"
	    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=f\n"
	    "To: <sip:004940123456@10.0.0.1>;tag=t\nCall-ID: c\nCSeq: 2 BYE\n");
}

/* A Contact that is the address of a TCP hop and says nothing else. */
ATF_TC_WITHOUT_HEAD(plain_contact);
ATF_TC_BODY(plain_contact, tc)
{
	struct world	*w = start();
	struct sent	*se;

	answered(w);
	bye(w);
	ATF_REQUIRE((se = next_to(w, "BYE ")) != NULL);
	ATF_CHECK_EQ(SIP_TCP, se->se_flow.fl_proto);
	ATF_CHECK_EQ(NULL, w_hdr(se->se_text, "Route"));
	w_free(w);
	/* Where a UDP hop has the same address, it is UDP. */
	w = start();
	w_hop(w->w_conf, "also", "192.0.2.9", 5060, 1, 3);
	proxy_conf(w->w_px, w->w_conf);
	answered(w);
	bye(w);
	ATF_REQUIRE((se = next_to(w, "BYE ")) != NULL);
	ATF_CHECK_EQ(SIP_UDP, se->se_flow.fl_proto);
	w_free(w);
}

/* The BYE over a connection that had died unnoticed is sent once more. */
ATF_TC_WITHOUT_HEAD(lost_bye);
ATF_TC_BODY(lost_bye, tc)
{
	struct world	*w = start();
	struct sent	*se;

	answered(w);
	bye(w);
	ATF_REQUIRE((se = next_to(w, "BYE ")) != NULL);
	proxy_flow_gone(w->w_px, 100);
	ATF_REQUIRE((se = next_to(w, "BYE ")) != NULL);
	ATF_CHECK_EQ(SIP_TCP, se->se_flow.fl_proto);
	w_answer(w, &se->se_flow, se->se_text, "200 OK", "", "");
	ATF_CHECK(w_find(w, "SIP/2.0 200 ") != NULL);
	w_free(w);
	/* Once. */
	w = start();
	answered(w);
	bye(w);
	ATF_REQUIRE(next_to(w, "BYE ") != NULL);
	proxy_flow_gone(w->w_px, 100);
	ATF_REQUIRE(next_to(w, "BYE ") != NULL);
	proxy_flow_gone(w->w_px, 100);
	ATF_CHECK(w_find(w, "SIP/2.0 503 ") != NULL);
	ATF_CHECK_EQ(0, w_count(w, "BYE "));
	w_pass(w, 100000);
	{
		struct proxy_stats	ps;

		proxy_stats(w->w_px, &ps);
		ATF_CHECK_EQ(0, ps.ps_contexts);
		ATF_CHECK_EQ(0, ps.ps_dialogs);
	}
	w_free(w);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, plain_contact);
	ATF_TP_ADD_TC(tp, lost_bye);
	return (atf_no_error());
}
