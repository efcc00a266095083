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
 * Session timers (RFC 4028), calls that end without a BYE, and dialogs across
 * the border whose connection or whose memory is lost.
 */

#include <atf-c.h>

#include "proxy_harness.h"

#define SDP	"v=0\no=- 1 1 IN IP4 8.8.8.8\ns=-\nc=IN IP4 8.8.8.8\nt=0 0\n" \
		"m=audio 4000 RTP/AVP 8\n"
#define FAR	"+4940123456"
#define NEAR	"+4930123451"
#define TIMER	"Supported: timer\n"
#define CONTACT	"Contact: <sip:far@192.0.2.9:5060>\n"
#define PEER	"Contact: <sip:vb@b.example;transport=tls>\n"
#define ALICE	"Contact: <sip:alice@10.0.0.5:5060>\n"

static struct sip_flow	pbx, trunk, peer;

static struct world	*start(int);
static void		 fresh(struct world *, const struct seal_keys *);
static const char	*out(struct world *, const char *, const char *);
static const char	*in(struct world *, const char *, const char *);
static const char	*next(struct world *, const struct sip_flow *, const char *,
			    const char *, unsigned, const char *, const char *);
static void		 copy(char *, size_t, const char *, const char *);
static int		 calls(struct world *);

/* direct: with an active route to FAR. */
static struct world *
start(int direct)
{
	static struct rtab_number	 rn;
	struct rtab_route		*rr = &rn.rn_routes[0];
	struct world			*w;

	w_flow_udp(&pbx, "10.0.0.5", 5060);
	w_flow_udp(&trunk, "192.0.2.9", 5060);
	w_outflow(&peer, 1);
	w = w_new(direct);
	w_name(w, 1, "b.example");
	if (!direct)
		return (w);
	memset(&rn, 0, sizeof(rn));
	(void)strlcpy(rn.rn_number, FAR, sizeof(rn.rn_number));
	rn.rn_count = 1;
	rr->rr_state = ROUTE_ACTIVE;
	rr->rr_proofs = 2;
	rr->rr_nuris = 1;
	rr->rr_not_after = w->w_utc / 1000 + 864000;
	rr->rr_last_proof = w->w_utc / 1000 - 3600;
	(void)strlcpy(rr->rr_domain, "b.example", sizeof(rr->rr_domain));
	(void)strlcpy(rr->rr_ticket, "VElDS0VU", sizeof(rr->rr_ticket));
	(void)strlcpy(rr->rr_uris[0], "sips:" FAR "@b.example:5061", URI_MAX);
	ATF_REQUIRE_EQ(0, rtab_put(w->w_rtab, &rn));
	return (w);
}

/* sipgw starts anew: another core, the same keys, nothing remembered. */
static void
fresh(struct world *w, const struct seal_keys *keys)
{
	proxy_free(w->w_px);
	w->w_px = proxy_new(&w_ops, w, w->w_rtab, keys, w->w_boot, w->w_utc);
	ATF_REQUIRE(w->w_px != NULL);
	proxy_conf(w->w_px, w->w_conf);
}

static const char *
out(struct world *w, const char *id, const char *extra)
{
	w->w_next = w->w_nsent;
	w_in(w, &pbx, "INVITE sip:040123456@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK%s;rport\n"
	    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=a\n"
	    "To: <sip:040123456@10.0.0.1>\nCall-ID: %s\nCSeq: 1 INVITE\n%s" ALICE
	    "Content-Type: application/sdp\n\n" SDP, id, id, extra);
	return (w_find(w, "INVITE "));
}

/* A call from outside whose ticket is good. */
static const char *
in(struct world *w, const char *id, const char *extra)
{
	w->w_next = w->w_nsent;
	w_in(w, &peer, "INVITE sip:" NEAR "@a.example SIP/2.0\n"
	    "Via: SIP/2.0/TLS b.example:5061;branch=z9hG4bK%s\n"
	    "Max-Forwards: 70\nFrom: <sip:" FAR "@b.example>;tag=a\n"
	    "To: <sip:" NEAR "@a.example>\nCall-ID: %s\nCSeq: 1 INVITE\n%s" PEER
	    "ViPR-Ticket: R09PRA\nContent-Type: application/sdp\n\n" SDP, id, id, extra);
	proxy_ticket(w->w_px, w->w_ticket, REFUSAL_NONE, 0, w->w_utc / 1000 + 864000);
	return (w_find(w, "INVITE "));
}

/* A request inside a dialog with the tags a (the caller's) and b, and what of
 * it leaves us; NULL: nothing. */
static const char *
next(struct world *w, const struct sip_flow *fl, const char *method, const char *id,
    unsigned cseq, const char *uri, const char *extra)
{
	static unsigned	 turn;
	char		 host[VADDR_STRLEN];
	int		 callee;

	/* The PBX calls unless the Call-ID begins with an i. */
	callee = (fl == &pbx) == (id[0] == 'i');
	w->w_next = w->w_nsent;
	w_in(w, fl, "%s %s SIP/2.0\nVia: SIP/2.0/%s %s;branch=z9hG4bKn%u%s\n"
	    "Max-Forwards: 70\nFrom: <sip:x@x.example>;tag=%s\n"
	    "To: <sip:y@y.example>;tag=%s\nCall-ID: %s\nCSeq: %u %s\n%s", method, uri,
	    fl->fl_proto == SIP_UDP ? "UDP" : "TLS",
	    vaddr_str(&fl->fl_peer, host, sizeof(host)), turn++,
	    fl->fl_proto == SIP_UDP ? ";rport" : "", callee ? "b" : "a",
	    callee ? "a" : "b", id, cseq, method, extra);
	return (w_find(w, method));
}

/* The URI in a message's Contact. */
static void
copy(char *dst, size_t size, const char *msg, const char *name)
{
	const char	*v = w_hdr(msg, name);

	ATF_REQUIRE(v != NULL && v[0] == '<');
	(void)snprintf(dst, size, "%.*s", (int)strcspn(v + 1, ">"), v + 1);
}

static int
calls(struct world *w)
{
	return ((int)proxy_calls(w->w_px));
}

/* Who is asked for a timer, and for how long. */
ATF_TC_WITHOUT_HEAD(asked);
ATF_TC_BODY(asked, tc)
{
	static const struct { int direct, conf; const char *extra, *se; } rows[] = {
		{ 0, 1800, TIMER, "1800" },
		{ 0, 1800, "k: 100rel, timer\n", "1800" },
		{ 0, 1800, "Supported: 100rel\n", NULL },
		{ 0, 0, TIMER, NULL },
		{ 0, 600, TIMER "Min-SE: 900\n", "900" },
		{ 0, 600, TIMER "Min-SE: 90\n", "600" },
		{ 0, 600, TIMER "Session-Expires: 7200;refresher=uac\n",
		    "7200;refresher=uac" },
		{ 0, 600, "x: 120\n", NULL },	/* compact: as it came */
		{ 1, 1800, "", "1800" },
		{ 1, 1800, TIMER, "1800" },
		{ 1, 0, "", NULL },
		{ 2, 1800, "", "1800" },
		{ 2, 1800, TIMER "Session-Expires: 100\n", "100" },
	};
	struct world	*w;
	const char	*req;
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w = start(rows[i].direct == 1);
		w->w_conf->c_session = (uint32_t)rows[i].conf;
		req = rows[i].direct == 2 ? in(w, "i1", rows[i].extra) :
		    out(w, "1", rows[i].extra);
		ATF_REQUIRE_MSG(req != NULL, "row %zu", i);
		if (rows[i].se == NULL)
			ATF_CHECK_MSG(w_hdr(req, "Session-Expires") == NULL, "row %zu", i);
		else {
			ATF_REQUIRE_MSG(w_hdr(req, "Session-Expires") != NULL, "row %zu", i);
			ATF_CHECK_STREQ(rows[i].se, w_hdr(req, "Session-Expires"));
			ATF_CHECK_EQ(NULL, w_hdr_n(req, "Session-Expires", 1));
		}
		if (i == 7)
			ATF_CHECK_STREQ("120", w_hdr(req, "x"));
		w_free(w);
	}
}

/* Below 90 s: 422 for one who understands it, else it is raised. */
ATF_TC_WITHOUT_HEAD(too_short);
ATF_TC_BODY(too_short, tc)
{
	struct world	*w = start(1);
	const char	*req, *got;

	ATF_CHECK_EQ(NULL, out(w, "1", TIMER "Session-Expires: 89\n"));
	w->w_next = 0;
	ATF_REQUIRE((got = w_find(w, "SIP/2.0 422 ")) != NULL);
	ATF_CHECK_STREQ("90", w_hdr(got, "Min-SE"));
	/* It is answered as often as it comes, and takes nothing. */
	ATF_CHECK_EQ(NULL, out(w, "1", TIMER "Session-Expires: 89\n"));
	ATF_CHECK(vaddr_eq(&w->w_sent[w->w_nsent - 1].se_flow.fl_peer, &pbx.fl_peer));
	ATF_REQUIRE((req = out(w, "2", "Session-Expires: 1;refresher=uas\n")) != NULL);
	ATF_CHECK_STREQ("90", w_hdr(req, "Session-Expires"));
	ATF_CHECK_STREQ("90", w_hdr(req, "Min-SE"));
	ATF_REQUIRE((req = out(w, "3", "Min-SE: 300\nSession-Expires: 0\n")) != NULL);
	ATF_CHECK_STREQ("300", w_hdr(req, "Session-Expires"));
	ATF_CHECK_STREQ("300", w_hdr(req, "Min-SE"));
	ATF_CHECK_EQ(NULL, in(w, "i4", TIMER "Session-Expires: 10\n"));
	ATF_CHECK_EQ(0, w->w_ntickets);
	w->w_next = 0;
	ATF_REQUIRE((got = w_find(w, "SIP/2.0 422 ")) != NULL);
	ATF_CHECK_EQ(NULL, w_hdr(got, "ViPR-Refusal"));
	w_free(w);
}

/* The 2xx: a timer that it has passes; one that it lacks is the caller's. */
ATF_TC_WITHOUT_HEAD(answered);
ATF_TC_BODY(answered, tc)
{
	static const struct { int direct; const char *extra, *answer, *se, *require;
	    unsigned lives; } rows[] = {
		{ 0, TIMER, "Session-Expires: 1200;refresher=uas\nRequire: timer\n",
		    "1200;refresher=uas", "timer", 1240 },
		{ 0, TIMER, "", "1800;refresher=uac", "timer", 1840 },
		{ 0, TIMER, "Require: timer\n", "1800;refresher=uac", "timer", 1840 },
		{ 0, TIMER "Session-Expires: 300\n", "", "300;refresher=uac", "timer", 340 },
		{ 0, "", "", NULL, NULL, 86400 },
		{ 0, "", "Session-Expires: 1;refresher=uas\n", "1;refresher=uas", NULL, 130 },
		{ 0, "", "Session-Expires: 4000000000\n", "4000000000", NULL, 86400 },
		{ 0, "", "Session-Expires: soon\n", "soon", NULL, 86400 },
		{ 1, "", "", NULL, NULL, 86400 },
		/* Across the border: only what the PBX heeds, too. */
		{ 1, "", "Session-Expires: 1800;refresher=uas\n", "1800;refresher=uas",
		    NULL, 86400 },
		{ 1, TIMER, "Session-Expires: 900;refresher=uas\n", "900;refresher=uas",
		    NULL, 940 },
		{ 1, TIMER, "", "1800;refresher=uac", "timer", 1840 },
		{ 2, TIMER, "", "1800;refresher=uac", "timer", 86400 },
		{ 2, TIMER "Session-Expires: 90\n", "", "90;refresher=uac", "timer", 86400 },
		{ 2, "", "Session-Expires: 200;refresher=uas\n", "200;refresher=uas",
		    NULL, 240 },
	};
	struct world	*w;
	const char	*req, *got;
	char		 extra[256];
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w = start(rows[i].direct == 1);
		req = rows[i].direct == 2 ? in(w, "i1", rows[i].extra) :
		    out(w, "1", rows[i].extra);
		ATF_REQUIRE(req != NULL);
		(void)snprintf(extra, sizeof(extra), "%s%s", rows[i].direct == 0 ? CONTACT :
		    rows[i].direct == 1 ? PEER : ALICE, rows[i].answer);
		w_answer(w, rows[i].direct == 0 ? &trunk : rows[i].direct == 1 ? &peer : &pbx,
		    req, "200 OK", "b", extra);
		ATF_REQUIRE((got = w_find(w, "SIP/2.0 200 ")) != NULL);
		ATF_CHECK_MSG((w_hdr(got, "Session-Expires") == NULL) == (rows[i].se == NULL) &&
		    (rows[i].se == NULL ||
		    strcmp(w_hdr(got, "Session-Expires"), rows[i].se) == 0), "row %zu: %s",
		    i, w_hdr(got, "Session-Expires"));
		ATF_CHECK_EQ(NULL, w_hdr_n(got, "Session-Expires", 1));
		ATF_CHECK_MSG((w_hdr(got, "Require") == NULL) == (rows[i].require == NULL),
		    "row %zu", i);
		ATF_CHECK_EQ(NULL, w_hdr_n(got, "Require", 1));
		w_pass(w, (uint64_t)rows[i].lives * 1000 - 1000);
		ATF_CHECK_EQ_MSG(1, calls(w), "row %zu: over early", i);
		w_pass(w, 2000);
		ATF_CHECK_EQ_MSG(0, calls(w), "row %zu: not over", i);
		w_pass(w, 2000);
		ATF_CHECK_EQ(0, w->w_nlegs);
		w_free(w);
	}
}

/* Refreshed by UPDATE and re-INVITE of either side; a refused one is none. */
ATF_TC_WITHOUT_HEAD(refreshed);
ATF_TC_BODY(refreshed, tc)
{
	struct world	*w = start(0);
	const char	*req;
	uint64_t	 t0;
	int		 i;

	ATF_REQUIRE((req = out(w, "1", TIMER "Session-Expires: 200\n")) != NULL);
	t0 = w->w_boot;
	w_answer(w, &trunk, req, "200 OK", "b", CONTACT "Session-Expires: 200;refresher=uac\n");
	for (i = 0; i < 40; i++) {
		w_pass(w, 190000);
		ATF_CHECK_EQ(1, calls(w));
		req = next(w, i % 4 < 2 ? &pbx : &trunk, i % 2 ? "UPDATE" : "INVITE", "1",
		    (unsigned)i + 2, i % 4 < 2 ? "sip:far@192.0.2.9:5060" :
		    "sip:alice@10.0.0.5:5060", TIMER "Session-Expires: 200\n" CONTACT);
		ATF_REQUIRE(req != NULL);
		w_answer(w, i % 4 < 2 ? &trunk : &pbx, req, "200 OK", "",
		    CONTACT "Session-Expires: 200;refresher=uac\n");
	}
	/* The call ends as any other. */
	ATF_REQUIRE((req = next(w, &pbx, "BYE", "1", 99, "sip:far@192.0.2.9:5060", "")) != NULL);
	w_pass(w, 700);
	ATF_REQUIRE_EQ(1, w->w_nlegs);
	ATF_CHECK_EQ(t0, w->w_legs[0].lg_boot_start);
	ATF_CHECK_EQ(40 * 190000, w->w_legs[0].lg_stop - w->w_legs[0].lg_start);
	w_free(w);

	w = start(0);
	ATF_REQUIRE((req = out(w, "1", TIMER)) != NULL);
	w_answer(w, &trunk, req, "200 OK", "b", CONTACT "Session-Expires: 200;refresher=uac\n");
	w_pass(w, 190000);
	ATF_REQUIRE((req = next(w, &pbx, "UPDATE", "1", 2, "sip:far@192.0.2.9:5060",
	    CONTACT)) != NULL);
	w_answer(w, &trunk, req, "500 No", "", "");
	w_pass(w, 49000);
	ATF_CHECK_EQ(1, calls(w));
	w_pass(w, 2000);
	ATF_CHECK_EQ(0, calls(w));
	/* Forgotten, not broken: the BYE still passes, and is no record. */
	ATF_CHECK((req = next(w, &pbx, "BYE", "1", 3, "sip:far@192.0.2.9:5060", "")) != NULL);
	w_pass(w, 1000);
	ATF_CHECK_EQ(0, w->w_nlegs);
	w_free(w);

	/* A re-INVITE that is answered without one switches the timer off. */
	w = start(0);
	ATF_REQUIRE((req = out(w, "1", TIMER)) != NULL);
	w_answer(w, &trunk, req, "200 OK", "b", CONTACT "Session-Expires: 200;refresher=uac\n");
	ATF_REQUIRE((req = next(w, &trunk, "INVITE", "1", 2, "sip:alice@10.0.0.5:5060",
	    CONTACT)) != NULL);
	ATF_CHECK_EQ(NULL, w_hdr(req, "Session-Expires"));
	w_answer(w, &pbx, req, "200 OK", "", ALICE);
	w_pass(w, 80000000);
	ATF_CHECK_EQ(1, calls(w));
	w_free(w);
}

/* Four at once, none of which ever ends: time makes room again. */
ATF_TC_WITHOUT_HEAD(places);
ATF_TC_BODY(places, tc)
{
	struct world		*w = start(0);
	struct proxy_stats	 ps;
	const char		*req;
	char			 id[16];
	int			 i;

	for (i = 0; i < 4; i++) {
		(void)snprintf(id, sizeof(id), "i%d", i);
		ATF_REQUIRE((req = in(w, id, "")) != NULL);
		w_answer(w, &pbx, req, "200 OK", "b",
		    ALICE "Session-Expires: 1800;refresher=uas\n");
	}
	ATF_CHECK_EQ(NULL, in(w, "i8", ""));
	w_pass(w, 1839000);
	ATF_CHECK_EQ(NULL, in(w, "i9", ""));
	w_pass(w, 2000);
	ATF_CHECK_EQ(0, calls(w));
	ATF_CHECK((req = in(w, "i10", "")) != NULL);
	ATF_CHECK(strstr(w->w_log, "a call is forgotten") != NULL);
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ(4, ps.ps_legs_dropped);
	w_free(w);

	/* A fork's second answer inherits the place of the first. */
	w = start(0);
	for (i = 0; i < 4; i++) {
		(void)snprintf(id, sizeof(id), "i%d", i);
		ATF_REQUIRE((req = in(w, id, "")) != NULL);
		w_answer(w, &pbx, req, "200 OK", "b", ALICE);
	}
	w_answer(w, &pbx, req, "200 OK", "c", ALICE);
	ATF_CHECK_EQ(5, calls(w));
	w->w_next = 0;
	ATF_REQUIRE((req = w_find(w, "INVITE ")) != NULL);
	w->w_next = w->w_nsent;
	w_in(w, &pbx, "BYE sip:10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;"
	    "branch=z9hG4bKq\nMax-Forwards: 70\nFrom: <sip:y@y>;tag=b\n"
	    "To: <sip:x@x>;tag=a\nCall-ID: i3\nCSeq: 2 BYE\n");
	ATF_CHECK_EQ(NULL, in(w, "i8", ""));
	w_in(w, &pbx, "BYE sip:10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;"
	    "branch=z9hG4bKr\nMax-Forwards: 70\nFrom: <sip:y@y>;tag=c\n"
	    "To: <sip:x@x>;tag=a\nCall-ID: i3\nCSeq: 2 BYE\n");
	ATF_CHECK(in(w, "i9", "") != NULL);
	w_free(w);
}

/*
 * The connection of a direct call breaks.  A request of the PBX makes a new
 * one to the route's host, if that is still who it was; the next ones use it.
 */
ATF_TC_WITHOUT_HEAD(reconnect);
ATF_TC_BODY(reconnect, tc)
{
	struct world	*w;
	struct sip_flow	 fl;
	const char	*req;
	char		 ours[512];
	uint64_t	 t0;
	int		 wrong;

	for (wrong = 0; wrong < 2; wrong++) {
		w = start(1);
		ATF_REQUIRE((req = out(w, "1", "")) != NULL);
		t0 = w->w_boot;
		w_answer(w, &peer, req, "200 OK", "b", PEER);
		ATF_REQUIRE((req = w_find(w, "SIP/2.0 200 ")) != NULL);
		copy(ours, sizeof(ours), req, "Contact");
		w_pass(w, 5000);
		w->w_up[1] = 0;
		proxy_flow_gone(w->w_px, 1);
		ATF_CHECK_EQ(1, calls(w));
		w->w_connect = 0;
		w->w_host[0] = '\0';
		ATF_CHECK_EQ(NULL, next(w, &pbx, "INFO", "1", 2, ours, ""));
		ATF_CHECK_STREQ("b.example", w->w_host);
		w_name(w, 3, wrong ? "c.example" : "b.example");
		w_outflow(&fl, 3);
		proxy_opened(w->w_px, w->w_opening, &fl);
		if (wrong) {
			ATF_CHECK(w_find(w, "SIP/2.0 503 ") != NULL);
			w_free(w);
			continue;
		}
		ATF_REQUIRE((req = w_find(w, "INFO sip:vb@b.example;transport=tls ")) != NULL);
		ATF_CHECK_EQ(3, w->w_sent[w->w_next - 1].se_flow.fl_conn);
		ATF_CHECK_EQ(1, proxy_conn_busy(w->w_px, 3));
		w_answer(w, &fl, req, "200 OK", "", "");
		w_pass(w, 5000);
		/* A call that stands keeps its connection. */
		ATF_CHECK_EQ(1, proxy_conn_busy(w->w_px, 3));
		/* It breaks again, and what opens is the answer at once. */
		w->w_up[3] = 0;
		proxy_flow_gone(w->w_px, 3);
		w_name(w, 1, "b.example");
		w->w_connect = 1;
		ATF_REQUIRE((req = next(w, &pbx, "BYE", "1", 3, ours, "")) != NULL);
		ATF_CHECK_EQ(1, w->w_sent[w->w_next - 1].se_flow.fl_conn);
		w_answer(w, &peer, req, "200 OK", "", "");
		ATF_CHECK(w_find(w, "SIP/2.0 200 ") != NULL);
		w_pass(w, 1000);
		ATF_REQUIRE_EQ(1, w->w_nlegs);
		ATF_CHECK_EQ(LEG_OUTSIDE_OUT, w->w_legs[0].lg_kind);
		ATF_CHECK_EQ(t0, w->w_legs[0].lg_boot_start);
		ATF_CHECK_EQ(10000, w->w_legs[0].lg_stop - w->w_legs[0].lg_start);
		w_free(w);
	}
	/* The host cannot be reached: the PBX hears so, its call is over. */
	w = start(1);
	ATF_REQUIRE((req = out(w, "1", "")) != NULL);
	w_answer(w, &peer, req, "200 OK", "b", PEER);
	w->w_up[1] = 0;
	proxy_flow_gone(w->w_px, 1);
	w->w_connect = 0;
	(void)next(w, &pbx, "BYE", "1", 2, "sip:vipr@10.0.0.1", "");
	proxy_open_failed(w->w_px, w->w_opening, "refused");
	ATF_CHECK(w_find(w, "SIP/2.0 503 ") != NULL);
	ATF_CHECK_EQ(0, calls(w));
	/* And it may try once more: the peer came back. */
	w_name(w, 1, "b.example");
	ATF_CHECK(next(w, &pbx, "BYE", "1", 3, "sip:vipr@10.0.0.1", "") != NULL);
	w_pass(w, 1000);
	ATF_CHECK_EQ(1, w->w_nlegs);
	w_free(w);
}

/* BYEs that cross the border at the same time both arrive. */
ATF_TC_WITHOUT_HEAD(crossing);
ATF_TC_BODY(crossing, tc)
{
	struct world	*w = start(0);
	const char	*req, *a, *b;
	char		 sealed[1024], ours[512];

	ATF_REQUIRE((req = in(w, "i1", "")) != NULL);
	copy(ours, sizeof(ours), req, "Contact");
	w_answer(w, &pbx, req, "200 OK", "b", ALICE);
	ATF_REQUIRE((req = w_find(w, "SIP/2.0 200 ")) != NULL);
	copy(sealed, sizeof(sealed), req, "Contact");
	w_pass(w, 1000);
	ATF_REQUIRE((a = next(w, &pbx, "BYE", "i1", 1, ours, "")) != NULL);
	w_pass(w, 10);
	ATF_REQUIRE((b = next(w, &peer, "BYE", "i1", 2, sealed, "")) != NULL);
	w_answer(w, &peer, a, "200 OK", "", "");
	w_answer(w, &pbx, b, "200 OK", "", "");
	ATF_CHECK_EQ(2, w_count(w, "SIP/2.0 200 "));
	/* Nothing else does. */
	ATF_CHECK_EQ(NULL, next(w, &peer, "INFO", "i1", 3, sealed, ""));
	ATF_CHECK_EQ(NULL, next(w, &pbx, "INVITE", "i1", 3, ours, ALICE));
	w_pass(w, 1000);
	ATF_REQUIRE_EQ(1, w->w_nlegs);
	ATF_CHECK_EQ(1000, w->w_legs[0].lg_stop - w->w_legs[0].lg_start);
	w_free(w);
}

/*
 * After a restart in mid-call the outside's requests lead on by their seal,
 * make no dialog that is none, and no record.
 */
ATF_TC_WITHOUT_HEAD(restarted);
ATF_TC_BODY(restarted, tc)
{
	struct world		*w = start(0);
	struct proxy_stats	 ps;
	struct seal_keys	 keys;
	const char		*req, *got;
	char			 sealed[1024];

	memset(&keys, 0, sizeof(keys));
	seal_keys_rotate(&keys);
	fresh(w, &keys);
	ATF_REQUIRE((req = in(w, "i1", "")) != NULL);
	w_answer(w, &pbx, req, "200 OK", "b", ALICE);
	ATF_REQUIRE((req = w_find(w, "SIP/2.0 200 ")) != NULL);
	copy(sealed, sizeof(sealed), req, "Contact");
	w_pass(w, 1000);
	fresh(w, &keys);
	ATF_REQUIRE((req = next(w, &peer, "INVITE", "i1", 2, sealed,
	    PEER "Content-Type: application/sdp\n\n" SDP)) != NULL);
	ATF_CHECK(strncmp(req, "INVITE sip:alice@10.0.0.5:5060 ", 31) == 0);
	w_answer(w, &pbx, req, "200 OK", "", ALICE);
	ATF_REQUIRE((got = w_find(w, "SIP/2.0 200 ")) != NULL);
	copy(sealed, sizeof(sealed), got, "Contact");
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ(0, ps.ps_dialogs);
	ATF_REQUIRE((req = next(w, &peer, "BYE", "i1", 3, sealed, "")) != NULL);
	w_answer(w, &pbx, req, "200 OK", "", "");
	ATF_CHECK(w_find(w, "SIP/2.0 200 ") != NULL);
	w_pass(w, 100000);
	ATF_CHECK_EQ(0, w->w_nlegs);
	w_free(w);
}

/* UPDATE's 2xx moves the target of the one who answers (RFC 3311 5.2). */
ATF_TC_WITHOUT_HEAD(moved);
ATF_TC_BODY(moved, tc)
{
	struct world	*w = start(0);
	const char	*req;
	char		 ours[512], sealed[1024];

	ATF_REQUIRE((req = in(w, "i1", "")) != NULL);
	copy(ours, sizeof(ours), req, "Contact");
	w_answer(w, &pbx, req, "200 OK", "b", ALICE);
	ATF_REQUIRE((req = w_find(w, "SIP/2.0 200 ")) != NULL);
	copy(sealed, sizeof(sealed), req, "Contact");
	ATF_REQUIRE((req = next(w, &pbx, "UPDATE", "i1", 1, ours, ALICE)) != NULL);
	w_answer(w, &peer, req, "200 OK", "", "Contact: <sip:new@gw2.b.example;transport=tls>\n");
	ATF_REQUIRE((req = next(w, &pbx, "INFO", "i1", 2, ours, "")) != NULL);
	ATF_CHECK(strncmp(req, "INFO sip:new@gw2.b.example;transport=tls ", 41) == 0);
	w_free(w);
}

/* For days on end: what a refresh renews is the Contact, not the Route. */
ATF_TC_WITHOUT_HEAD(long_call);
ATF_TC_BODY(long_call, tc)
{
	struct world	*w = start(0);
	const char	*req, *got;
	char		 sealed[1024], old[1024], route[1100];
	unsigned	 i;

	ATF_REQUIRE((req = in(w, "i1", "")) != NULL);
	w_answer(w, &pbx, req, "200 OK", "b", ALICE);
	ATF_REQUIRE((got = w_find(w, "SIP/2.0 200 ")) != NULL);
	copy(sealed, sizeof(sealed), got, "Contact");
	(void)snprintf(old, sizeof(old), "%s", sealed);
	(void)snprintf(route, sizeof(route), "Route: %s\n" PEER, w_hdr(got, "Record-Route"));
	for (i = 0; i < 5; i++) {
		w_pass(w, 80000000);
		ATF_REQUIRE_MSG((req = next(w, &peer, i % 2 ? "UPDATE" : "INVITE", "i1", 2 + i,
		    sealed, route)) != NULL, "round %u", i);
		w_answer(w, &pbx, req, "200 OK", "", ALICE);
		ATF_REQUIRE((got = w_find(w, "SIP/2.0 200 ")) != NULL);
		copy(sealed, sizeof(sealed), got, "Contact");
	}
	ATF_CHECK_EQ(1, calls(w));
	/* The first Contact is of no use any more. */
	ATF_CHECK_EQ(NULL, next(w, &peer, "BYE", "i1", 10, old, route));
	ATF_CHECK(next(w, &peer, "BYE", "i1", 11, sealed, route) != NULL);
	w_pass(w, 1000);
	ATF_REQUIRE_EQ(1, w->w_nlegs);
	ATF_CHECK_EQ(400000000, w->w_legs[0].lg_stop - w->w_legs[0].lg_start);
	w_free(w);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, asked);
	ATF_TP_ADD_TC(tp, too_short);
	ATF_TP_ADD_TC(tp, answered);
	ATF_TP_ADD_TC(tp, refreshed);
	ATF_TP_ADD_TC(tp, places);
	ATF_TP_ADD_TC(tp, reconnect);
	ATF_TP_ADD_TC(tp, crossing);
	ATF_TP_ADD_TC(tp, restarted);
	ATF_TP_ADD_TC(tp, moved);
	ATF_TP_ADD_TC(tp, long_call);
	return (atf_no_error());
}
