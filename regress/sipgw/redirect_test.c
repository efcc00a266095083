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

/* The redirect server: its tokens, what it answers, and the calls that follow. */

#include <atf-c.h>
#include <ctype.h>

#include "proxy_harness.h"
#include "redirect.h"

#define SDP	"v=0\no=- 1 1 IN IP4 8.8.8.8\ns=-\nc=IN IP4 8.8.8.8\nt=0 0\n" \
		"m=audio 4000 RTP/AVP 8\n"
#define NUMBER	"+4940123456"

static struct sip_flow	ask, pbx, peer;

static struct world	*start(void);
static void		 invite(struct world *, const struct sip_flow *, const char *uri,
			    const char *extra);
static const char	*answer(struct world *);
static void		 contact(struct world *, char *, size_t);
static size_t		 trunked(struct world *);

static struct world *
start(void)
{
	struct world	*w;

	w_flow_udp(&pbx, "10.0.0.5", 5060);
	ask = pbx;
	ask.fl_face = FACE_REDIRECT;
	(void)vaddr_parse("10.0.0.1", 5070, &ask.fl_local);
	w_outflow(&peer, 1);
	w = w_new(1);
	w_listen(w->w_conf, SIP_UDP, FACE_REDIRECT, "10.0.0.1", 5070);
	w_name(w, 1, "b.example");
	w_route(w, NUMBER, ROUTE_ACTIVE, "VElDS0VU");
	return (w);
}

static void
invite(struct world *w, const struct sip_flow *fl, const char *uri, const char *extra)
{
	static int	 n;

	n++;
	w_in(w, fl, "INVITE %s SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKr%d;rport\n"
	    "Max-Forwards: 70\nFrom: \"Alice\" <sip:030123451@10.0.0.5>;tag=f%d\n"
	    "To: <sip:040123456@10.0.0.1>\nCall-ID: r%d@10.0.0.5\nCSeq: 1 INVITE\n"
	    "Contact: <sip:alice@10.0.0.5:5060>\n%sContent-Type: application/sdp\n\n" SDP,
	    uri, n, n, n, extra);
}

/* The next final answer. */
static const char *
answer(struct world *w)
{
	struct sent	*se;

	while ((se = w_out(w)) != NULL)
		if (strncmp(se->se_text, "SIP/2.0 ", 8) == 0 && se->se_text[8] > '1')
			return (se->se_text);
	return (NULL);
}

/* INVITEs that left for a trunk, ever. */
static size_t
trunked(struct world *w)
{
	struct vaddr	 va;
	size_t		 i, n = 0;

	(void)vaddr_parse("192.0.2.9", 5060, &va);
	for (i = 0; i < w->w_nsent; i++)
		n += vaddr_host_eq(&w->w_sent[i].se_flow.fl_peer, &va) &&
		    strncmp(w->w_sent[i].se_text, "INVITE ", 7) == 0;
	return (n);
}

/* Ask, and take the URI out of the 302. */
static void
contact(struct world *w, char *out, size_t size)
{
	const char	*m, *v;

	invite(w, &ask, "sip:040123456@10.0.0.1:5070", "");
	ATF_REQUIRE((m = answer(w)) != NULL);
	ATF_REQUIRE_MSG(strncmp(m, "SIP/2.0 302 ", 12) == 0, "%s", m);
	ATF_REQUIRE((v = w_hdr(m, "Contact")) != NULL && v[0] == '<');
	ATF_REQUIRE(strlcpy(out, v + 1, size) < size);
	*strchr(out, '>') = '\0';
}

/* -- tokens -- */

ATF_TC_WITHOUT_HEAD(token);
ATF_TC_BODY(token, tc)
{
	struct seal_keys	 sk, later;
	struct redirect_token	 rt, out;
	struct vaddr		 a, b;
	struct span		 s;
	char			 user[REDIRECT_USER_SIZE], bad[REDIRECT_USER_SIZE], *heap;
	size_t			 i, n;
	int			 bit;

	ATF_REQUIRE(sodium_init() != -1);
	memset(&sk, 0, sizeof(sk));
	memset(&rt, 0, sizeof(rt));
	(void)vaddr_parse("10.0.0.5", 5060, &a);
	(void)vaddr_parse("10.0.0.6", 5060, &b);
	(void)strlcpy(rt.rt_number, "+493012345678901", sizeof(rt.rt_number));
	rt.rt_expiry = 1000;
	rt.rt_route = 77;
	ATF_CHECK_EQ_MSG(-1, redirect_make(&sk, &rt, &a, user, sizeof(user)), "no key");
	seal_keys_rotate(&sk);
	ATF_CHECK_EQ(-1, redirect_make(&sk, &rt, &a, user, sizeof(user) - 1));
	ATF_REQUIRE_EQ(0, redirect_make(&sk, &rt, &a, user, sizeof(user)));
	n = strlen(user);
	ATF_CHECK_EQ(16 + 1 + REDIRECT_TOKEN_LEN, n);
	/* What a dial plan or a database of calls can hold. */
	ATF_CHECK(n <= 64);
	s.p = user;
	s.len = n;
	memset(&out, 0, sizeof(out));
	a.va_port = 40000;
	ATF_REQUIRE_EQ(REDIRECT_OK, redirect_open(&sk, s, &a, 1000, &out));
	ATF_CHECK_STREQ(rt.rt_number, out.rt_number);
	ATF_CHECK_EQ(77, out.rt_route);
	ATF_CHECK_EQ(REDIRECT_EXPIRED, redirect_open(&sk, s, &a, 1001, &out));
	ATF_CHECK_EQ(REDIRECT_ADDRESS, redirect_open(&sk, s, &b, 1000, &out));
	/* In capitals, too; not with another number in front. */
	for (i = 0; i <= n; i++)
		bad[i] = (char)toupper((unsigned char)user[i]);
	s.p = bad;
	ATF_CHECK_EQ(REDIRECT_OK, redirect_open(&sk, s, &a, 1000, &out));
	bad[15] = bad[15] == '1' ? '2' : '1';
	ATF_CHECK_EQ(REDIRECT_FORGED, redirect_open(&sk, s, &a, 1000, &out));
	/* Every letter counts, and all bits of each. */
	for (i = 17; i < n; i++) {
		for (bit = 0; bit < 32; bit++) {
			(void)strlcpy(bad, user, sizeof(bad));
			bad[i] = "abcdefghijklmnopqrstuvwxyz234567"[bit];
			if (bad[i] == user[i])
				continue;
			ATF_CHECK_EQ_MSG(REDIRECT_FORGED, redirect_open(&sk, s, &a, 1000, &out),
			    "letter %zu as %c", i, bad[i]);
		}
	}
	/* No prefix opens, and none is read past its end. */
	for (i = 0; i < n; i++) {
		ATF_REQUIRE((heap = malloc(i + !i)) != NULL);
		memcpy(heap, user, i);
		s.p = heap;
		s.len = i;
		ATF_CHECK_EQ_MSG(i < 17 + 16 ? REDIRECT_NONE : REDIRECT_FORGED,
		    redirect_open(&sk, s, &a, 1000, &out), "prefix of %zu", i);
		free(heap);
	}
	/* The key before still opens, the one before that does not. */
	s.p = user;
	s.len = n;
	later = sk;
	seal_keys_rotate(&later);
	ATF_CHECK_EQ(REDIRECT_OK, redirect_open(&later, s, &a, 1000, &out));
	seal_keys_rotate(&later);
	ATF_CHECK_EQ(REDIRECT_FORGED, redirect_open(&later, s, &a, 1000, &out));
	/* IPv6: all of the address. */
	(void)vaddr_parse("2001:db8::5", 5060, &a);
	(void)vaddr_parse("2001:db8::6", 5060, &b);
	ATF_REQUIRE_EQ(0, redirect_make(&sk, &rt, &a, user, sizeof(user)));
	ATF_CHECK_EQ(REDIRECT_OK, redirect_open(&sk, s, &a, 1000, &out));
	ATF_CHECK_EQ(REDIRECT_ADDRESS, redirect_open(&sk, s, &b, 1000, &out));
}

/* What is dialled in other ways is no token. */
ATF_TC_WITHOUT_HEAD(token_none);
ATF_TC_BODY(token_none, tc)
{
	static const char *const users[] = { "", "+", ".", "100", "+4940123456",
	    "+1.408.5550100", "+4940123456.", "+4940123456.abc", "alice.abcdefghijklmnopqrst",
	    "4940123456.abcdefghijklmnopqrst", "+494012345678901234.abcdefghijklmnopqrst",
	    "+4940123456.abcdefghijklmnopqrs0", "+4940123456;abcdefghijklmnopqrst" };
	struct seal_keys	 sk;
	struct redirect_token	 out;
	struct vaddr		 a;
	struct span		 s;
	size_t			 i;

	ATF_REQUIRE(sodium_init() != -1);
	memset(&sk, 0, sizeof(sk));
	seal_keys_rotate(&sk);
	(void)vaddr_parse("10.0.0.5", 5060, &a);
	for (i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		s.p = users[i];
		s.len = strlen(users[i]);
		ATF_CHECK_EQ_MSG(REDIRECT_NONE, redirect_open(&sk, s, &a, 1, &out), "%s",
		    users[i]);
	}
}

/* -- the server -- */

ATF_TC_WITHOUT_HEAD(redirected);
ATF_TC_BODY(redirected, tc)
{
	struct world		*w = start();
	struct proxy_stats	 ps;
	const char		*m, *req, *list[4];
	char			 uri[256];

	contact(w, uri, sizeof(uri));
	ATF_CHECK_MSG(strncmp(uri, "sip:" NUMBER ".", 16) == 0, "%s", uri);
	/* The ordinary inside listener, by the transport that it asked with. */
	ATF_CHECK_MSG(strcmp(strchr(uri, '@'), "@10.0.0.1:5060") == 0, "%s", uri);
	ATF_CHECK_EQ_MSG(0, trunked(w), "nothing is proxied");
	ATF_REQUIRE_EQ(1, proxy_explain(w->w_px, NUMBER, list, 4));
	ATF_CHECK_STREQ("redirected", list[0]);

	/* Its ticket and our certificate: nothing of the PBX's. */
	invite(w, &pbx, uri, "");
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	ATF_CHECK(strncmp(req, "INVITE sip:" NUMBER "@b.example:5061;transport=tls SIP/2.0\r\n",
	    58) == 0);
	ATF_CHECK_STREQ("VElDS0VU", w_hdr(req, "ViPR-Ticket"));
	ATF_CHECK_MSG(strstr(req, strchr(uri, '.')) == NULL, "the token does not leave");
	w_answer(w, &peer, req, "180 Ringing", "t1", "Contact: <sip:b@b.example>\n");
	w_answer(w, &peer, req, "200 OK", "t1", "Contact: <sip:b@b.example>\n");
	ATF_REQUIRE((m = answer(w)) != NULL);
	ATF_CHECK(strncmp(m, "SIP/2.0 200 ", 12) == 0);
	ATF_CHECK_EQ_MSG(0, w->w_noutcomes, "a route without strikes has none to clear");
	w_in(w, &pbx, "BYE sip:vipr-1@10.0.0.1:5060 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKbye\nMax-Forwards: 70\n"
	    "From: %s\nTo: %s\nCall-ID: %s\nCSeq: 2 BYE\n", w_hdr(m, "From"),
	    w_hdr(m, "To"), w_hdr(m, "Call-ID"));
	ATF_REQUIRE((req = w_find(w, "BYE ")) != NULL);
	w_answer(w, &peer, req, "200 OK", "", "");
	/* A direct call is no proof. */
	w_pass(w, 60000);
	ATF_REQUIRE_EQ(1, w->w_nlegs);
	ATF_CHECK_EQ(LEG_OUTSIDE_OUT, w->w_legs[0].lg_kind);
	ATF_CHECK_EQ(0, trunked(w));
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ(1, ps.ps_redirects);
	ATF_CHECK_EQ(1, ps.ps_redirect_calls);
	ATF_CHECK_EQ(1, ps.ps_calls_direct);
	ATF_CHECK_EQ(0, ps.ps_contexts);
	w_free(w);
}

/* As for calls that pass through us: the same reasons, in a Reason. */
ATF_TC_WITHOUT_HEAD(not_redirected);
ATF_TC_BODY(not_redirected, tc)
{
	static const struct {
		const char	*uri, *extra, *why;
	} rows[] = {
		{ "sip:112@10.0.0.1:5070", "", "never" },
		{ "sip:alice@10.0.0.1:5070", "", "no-number" },
		{ "tel:+4930123452", "", "own-number" },
		{ "sip:040123456@10.0.0.1:5070", "Privacy: id\n", "privacy" },
		{ "sip:040123456@10.0.0.1:5070", "Replaces: a;from-tag=b;to-tag=c\n",
		    "in-dialog" },
		{ "sip:040123456@10.0.0.1:5070", "Proxy-Require: x\n", "proxy-require" },
		{ "sip:040123457@10.0.0.1:5070", "", "no-route" },
	};
	struct world		*w = start();
	struct proxy_stats	 ps;
	const char		*m;
	char			 want[128];
	size_t			 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		invite(w, &ask, rows[i].uri, rows[i].extra);
		ATF_REQUIRE_MSG((m = answer(w)) != NULL, "%s", rows[i].why);
		ATF_CHECK_MSG(strncmp(m, "SIP/2.0 404 Not Direct\r\n", 24) == 0, "%s: %s",
		    rows[i].why, m);
		(void)snprintf(want, sizeof(want), "Q.850;cause=3;text=\"%s\"", rows[i].why);
		ATF_CHECK_STREQ(want, w_hdr(m, "Reason"));
		ATF_CHECK_EQ(NULL, w_hdr(m, "Contact"));
	}
	/* Media, mode, skips and drawing lots. */
	w->w_conf->c_flags &= ~(uint32_t)CONF_MEDIA_PLAIN;
	invite(w, &ask, "sip:040123456@10.0.0.1", "");
	ATF_CHECK_STREQ("Q.850;cause=3;text=\"media-plain\"", w_hdr(answer(w), "Reason"));
	w->w_conf->c_flags |= CONF_MEDIA_PLAIN | CONF_MODE_LOG;
	invite(w, &ask, "sip:040123456@10.0.0.1", "");
	ATF_CHECK_STREQ("Q.850;cause=3;text=\"mode-log\"", w_hdr(answer(w), "Reason"));
	w->w_conf->c_flags &= ~(uint32_t)CONF_MODE_LOG;
	w->w_conf->c_resample = 1;
	invite(w, &ask, "sip:040123456@10.0.0.1", "");
	ATF_CHECK_STREQ("Q.850;cause=3;text=\"resample\"", w_hdr(answer(w), "Reason"));
	w->w_conf->c_resample = 0;
	w_route(w, NUMBER, ROUTE_SUSPENDED, "VElDS0VU");
	invite(w, &ask, "sip:040123456@10.0.0.1", "");
	ATF_CHECK_STREQ("Q.850;cause=3;text=\"not-active\"", w_hdr(answer(w), "Reason"));
	w_route(w, NUMBER, ROUTE_ACTIVE, "VElDS0VU");
	(void)rtab_host_failed(w->w_rtab, "b.example", w->w_boot);
	invite(w, &ask, "sip:040123456@10.0.0.1", "");
	ATF_CHECK_STREQ("Q.850;cause=3;text=\"host-skipped\"", w_hdr(answer(w), "Reason"));
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ(0, ps.ps_redirects);
	ATF_CHECK_EQ(1, ps.ps_unredirected[DIVERT_NEVER]);
	ATF_CHECK_EQ(1, ps.ps_unredirected[DIVERT_RESAMPLE]);
	ATF_CHECK_EQ(0, ps.ps_calls_trunk);
	ATF_CHECK_EQ(0, trunked(w));
	w_free(w);
}

/* Nobody is sent here for a call that needs an rtpengine which is away. */
ATF_TC_WITHOUT_HEAD(media_engine);
ATF_TC_BODY(media_engine, tc)
{
	struct world	*w = start();
	const char	*m;

	(void)vaddr_parse("127.0.0.1", 2223, &w->w_conf->c_media);
	w->w_conf->c_flags |= CONF_MEDIA_ENGINE;
	proxy_conf(w->w_px, w->w_conf);
	w_pass(w, 60000);
	invite(w, &ask, "sip:040123456@10.0.0.1", "");
	ATF_REQUIRE((m = answer(w)) != NULL);
	ATF_CHECK_MSG(strncmp(m, "SIP/2.0 404 ", 12) == 0, "%s", m);
	ATF_CHECK_STREQ("Q.850;cause=3;text=\"media-engine\"", w_hdr(m, "Reason"));
	w_free(w);
}

/* Drawn once, when the PBX asked, and not again when the call comes. */
ATF_TC_WITHOUT_HEAD(resample_once);
ATF_TC_BODY(resample_once, tc)
{
	struct world	*w = start();
	char		 uri[256];

	contact(w, uri, sizeof(uri));
	w->w_conf->c_resample = 1;
	invite(w, &pbx, uri, "");
	ATF_CHECK(w_outward(w) != NULL);
	w_free(w);
}

/* The listener is no proxy. */
ATF_TC_WITHOUT_HEAD(methods);
ATF_TC_BODY(methods, tc)
{
	static const struct {
		const char	*method;
		int		 status;
	} rows[] = { { "OPTIONS", 200 }, { "BYE", 405 }, { "REGISTER", 405 },
	    { "MESSAGE", 405 }, { "SUBSCRIBE", 405 }, { "FOO", 501 } };
	struct world	*w = start();
	struct sip_flow	 stranger = ask, pstn = ask;
	const char	*m;
	char		 want[32];
	size_t		 i, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w_in(w, &ask, "%s sip:10.0.0.1:5070 SIP/2.0\n"
		    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKm%zu\nMax-Forwards: 0\n"
		    "From: <sip:a@10.0.0.5>;tag=m\nTo: <sip:10.0.0.1>\nCall-ID: m%zu\n"
		    "CSeq: 1 %s\n", rows[i].method, i, i, rows[i].method);
		ATF_REQUIRE((m = answer(w)) != NULL);
		(void)snprintf(want, sizeof(want), "SIP/2.0 %d ", rows[i].status);
		ATF_CHECK_MSG(strncmp(m, want, 12) == 0, "%s: %s", rows[i].method, m);
		ATF_CHECK_STREQ("INVITE, ACK, CANCEL, OPTIONS", w_hdr(m, "Allow"));
	}
	/* Inside a dialog: there is none here. */
	w_in(w, &ask, "INVITE sip:040123456@10.0.0.1:5070 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKd\nMax-Forwards: 70\n"
	    "From: <sip:a@10.0.0.5>;tag=m\nTo: <sip:10.0.0.1>;tag=x\nCall-ID: d\n"
	    "CSeq: 1 INVITE\n");
	ATF_CHECK(strncmp(answer(w), "SIP/2.0 481 ", 12) == 0);
	invite(w, &ask, "mailto:a@b", "");
	ATF_CHECK(strncmp(answer(w), "SIP/2.0 416 ", 12) == 0);
	invite(w, &ask, "sip:040123456@10.0.0.1?Subject=x", "");
	ATF_CHECK(strncmp(answer(w), "SIP/2.0 400 ", 12) == 0);
	/* Only PBXs ask. */
	(void)vaddr_parse("10.0.0.99", 5060, &stranger.fl_peer);
	n = w->w_nsent;
	invite(w, &stranger, "sip:040123456@10.0.0.1", "");
	ATF_CHECK_EQ_MSG(n, w->w_nsent, "a stranger was answered");
	(void)vaddr_parse("192.0.2.9", 5060, &pstn.fl_peer);
	invite(w, &pstn, "sip:040123456@10.0.0.1", "");
	ATF_CHECK(strncmp(answer(w), "SIP/2.0 403 ", 12) == 0);
	/* A repeat gets the same 302, an ACK ends it, a late CANCEL gets 200.
	 * Nobody acknowledged the answers above: their repeats end first. */
	w_pass(w, 40000);
	for (i = 0; i < 2; i++) {
		n = w->w_nsent;
		w_in(w, &ask, "INVITE sip:040123456@10.0.0.1:5070 SIP/2.0\n"
		    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKsame\nMax-Forwards: 70\n"
		    "From: <sip:030123451@10.0.0.5>;tag=s\nTo: <sip:10.0.0.1>\n"
		    "Call-ID: same\nCSeq: 1 INVITE\nContact: <sip:a@10.0.0.5>\n"
		    "Content-Type: application/sdp\n\n" SDP);
		ATF_REQUIRE_EQ(n + 1, w->w_nsent);
	}
	ATF_CHECK_STREQ(w->w_sent[n - 1].se_text, w->w_sent[n].se_text);
	w->w_next = w->w_nsent;
	w_in(w, &ask, "CANCEL sip:040123456@10.0.0.1:5070 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKsame\nMax-Forwards: 70\n"
	    "From: <sip:030123451@10.0.0.5>;tag=s\nTo: <sip:10.0.0.1>\n"
	    "Call-ID: same\nCSeq: 1 CANCEL\n");
	ATF_CHECK(strncmp(answer(w), "SIP/2.0 200 ", 12) == 0);
	w_in(w, &ask, "ACK sip:040123456@10.0.0.1:5070 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKsame\nMax-Forwards: 70\n"
	    "From: <sip:030123451@10.0.0.5>;tag=s\nTo: %s\n"
	    "Call-ID: same\nCSeq: 1 ACK\n", w_hdr(w->w_sent[n].se_text, "To"));
	n = w->w_nsent;
	w_pass(w, 2000);
	ATF_CHECK_EQ_MSG(n, w->w_nsent, "302 was repeated after its ACK");
	ATF_CHECK_EQ(0, trunked(w));
	w_free(w);
}

/* Which listener the Contact names. */
ATF_TC_WITHOUT_HEAD(listeners);
ATF_TC_BODY(listeners, tc)
{
	struct world		*w = start();
	struct conf_listen	*cl;
	char			 uri[256];

	ask.fl_proto = SIP_TCP;
	ask.fl_conn = 200;
	contact(w, uri, sizeof(uri));
	ATF_CHECK_MSG(strstr(uri, "@10.0.0.1:5060;transport=tcp") != NULL, "%s", uri);
	/* No such listener: another, and a wildcard stands for our address. */
	TAILQ_FOREACH(cl, &w->w_conf->c_listens, cl_entry) {
		if (cl->cl_face == FACE_INSIDE && cl->cl_proto == SIP_TCP)
			cl->cl_face = FACE_REDIRECT;
		else if (cl->cl_face == FACE_INSIDE)
			(void)vaddr_parse("0.0.0.0", 5066, &cl->cl_addr);
	}
	contact(w, uri, sizeof(uri));
	ATF_CHECK_MSG(strcmp(strchr(uri, '@'), "@10.0.0.1:5066") == 0, "%s", uri);
	w_free(w);
}

/* A PBX with an IPv6 address. */
ATF_TC_WITHOUT_HEAD(ipv6);
ATF_TC_BODY(ipv6, tc)
{
	struct world	*w = start();
	char		 uri[256];

	w_listen(w->w_conf, SIP_UDP, FACE_INSIDE, "2001:db8::1", 5060);
	w_hop(w->w_conf, "pbx6", "2001:db8::5", 5060, 0, 9);
	proxy_conf(w->w_px, w->w_conf);
	(void)vaddr_parse("2001:db8::5", 5060, &ask.fl_peer);
	(void)vaddr_parse("2001:db8::1", 5070, &ask.fl_local);
	contact(w, uri, sizeof(uri));
	ATF_CHECK_MSG(strcmp(strchr(uri, '@'), "@[2001:db8::1]:5060") == 0, "%s", uri);
	(void)vaddr_parse("2001:db8::5", 5060, &pbx.fl_peer);
	(void)vaddr_parse("2001:db8::1", 5060, &pbx.fl_local);
	invite(w, &pbx, uri, "");
	ATF_CHECK(w_outward(w) != NULL);
	w_free(w);
}

/* -- the calls that follow -- */

/* Whatever falls back otherwise is 500 here; the route suffers as it would. */
ATF_TC_WITHOUT_HEAD(failures);
ATF_TC_BODY(failures, tc)
{
	static const struct {
		const char	*answer, *extra, *why;
		enum route_outcome outcome;
	} rows[] = {
		{ "503 Away", "", "status-503", OUTCOME_STRIKE },
		{ "404 Not Found", "", "status-404", OUTCOME_STRIKE },
		{ "302 Moved", "Contact: <sip:+19005550100@x>\n", "status-302", OUTCOME_STRIKE },
		{ "403 No", "ViPR-Refusal: expired\n", "expired", OUTCOME_EXPIRED },
		{ "403 No", "ViPR-Refusal: not-ours\n", "not-ours", OUTCOME_REMOVED },
	};
	struct world	*w = start();
	const char	*m, *req;
	char		 uri[256], want[128];
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w_route(w, NUMBER, ROUTE_ACTIVE, "VElDS0VU");
		contact(w, uri, sizeof(uri));
		invite(w, &pbx, uri, "");
		ATF_REQUIRE((req = w_outward(w)) != NULL);
		w->w_outcome = 0;
		w_answer(w, &peer, req, rows[i].answer, "t", rows[i].extra);
		ATF_REQUIRE((m = answer(w)) != NULL);
		ATF_CHECK_MSG(strncmp(m, "SIP/2.0 500 Direct Call Failed\r\n", 32) == 0,
		    "%s: %s", rows[i].answer, m);
		(void)snprintf(want, sizeof(want), "Q.850;cause=41;text=\"%s\"", rows[i].why);
		ATF_CHECK_STREQ(want, w_hdr(m, "Reason"));
		ATF_CHECK_EQ(NULL, w_hdr(m, "Retry-After"));
		ATF_CHECK_EQ(NULL, w_hdr(m, "ViPR-Refusal"));
		ATF_CHECK_EQ_MSG(rows[i].outcome, w->w_outcome, "%s", rows[i].why);
	}
	/* Silence, and a CANCEL once it is allowed. */
	w_pass(w, 40000);
	w->w_next = w->w_nsent;
	w_route(w, NUMBER, ROUTE_ACTIVE, "VElDS0VU");
	contact(w, uri, sizeof(uri));
	invite(w, &pbx, uri, "");
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	w_answer(w, &peer, req, "100 Trying", "", "");
	w_pass(w, 4001);
	ATF_CHECK(w_count(w, "CANCEL ") == 1);
	ATF_REQUIRE((m = w_find(w, "SIP/2.0 500 ")) != NULL);
	ATF_CHECK_STREQ("Q.850;cause=41;text=\"silence\"", w_hdr(m, "Reason"));
	ATF_CHECK_MSG(rtab_host_skipped(w->w_rtab, "b.example", w->w_boot) != 0,
	    "the host is skipped");
	ATF_CHECK_EQ_MSG(0, trunked(w), "never to the trunk");
	w_free(w);
}

/* What is the callee's own answer is passed on. */
ATF_TC_WITHOUT_HEAD(passed_on);
ATF_TC_BODY(passed_on, tc)
{
	static const char *const rows[] = { "486 Busy", "480 Away", "603 Decline" };
	struct world	*w = start();
	const char	*m, *req;
	char		 uri[256];
	size_t		 i;

	for (i = 0; i < 3; i++) {
		contact(w, uri, sizeof(uri));
		invite(w, &pbx, uri, "");
		ATF_REQUIRE((req = w_outward(w)) != NULL);
		w_answer(w, &peer, req, rows[i], "t", "");
		ATF_REQUIRE((m = answer(w)) != NULL);
		ATF_CHECK_MSG(strncmp(m + 8, rows[i], 4) == 0, "%s: %s", rows[i], m);
	}
	/* After ringing everything is. */
	contact(w, uri, sizeof(uri));
	invite(w, &pbx, uri, "");
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	w_answer(w, &peer, req, "180 Ringing", "t", "Contact: <sip:b@b.example>\n");
	w_answer(w, &peer, req, "503 Away", "t", "");
	ATF_REQUIRE((m = answer(w)) != NULL);
	ATF_CHECK_MSG(strncmp(m, "SIP/2.0 503 ", 12) == 0, "%s", m);
	ATF_CHECK_EQ(0, trunked(w));
	w_free(w);
}

/* The caller gives up. */
ATF_TC_WITHOUT_HEAD(cancelled);
ATF_TC_BODY(cancelled, tc)
{
	struct world	*w = start();
	const char	*req;
	char		 uri[256];

	contact(w, uri, sizeof(uri));
	w_in(w, &pbx, "INVITE %s SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKc\nMax-Forwards: 70\n"
	    "From: <sip:030123451@10.0.0.5>;tag=c\nTo: <sip:10.0.0.1>\nCall-ID: c\n"
	    "CSeq: 1 INVITE\nContact: <sip:a@10.0.0.5>\nContent-Type: application/sdp\n\n" SDP,
	    uri);
	ATF_REQUIRE((req = w_outward(w)) != NULL);
	w_answer(w, &peer, req, "100 Trying", "", "");
	w_in(w, &pbx, "CANCEL %s SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKc\nMax-Forwards: 70\n"
	    "From: <sip:030123451@10.0.0.5>;tag=c\nTo: <sip:10.0.0.1>\nCall-ID: c\n"
	    "CSeq: 1 CANCEL\n", uri);
	ATF_CHECK(w_count(w, "CANCEL ") == 1);
	ATF_CHECK(strncmp(answer(w), "SIP/2.0 200 ", 12) == 0);
	ATF_CHECK(strncmp(answer(w), "SIP/2.0 487 ", 12) == 0);
	ATF_CHECK_EQ(0, trunked(w));
	w_free(w);
}

/* Tokens that do not hold here and now. */
ATF_TC_WITHOUT_HEAD(bad_tokens);
ATF_TC_BODY(bad_tokens, tc)
{
	struct world		*w = start();
	struct sip_flow		 other = pbx, pstn = pbx;
	struct proxy_stats	 ps;
	const char		*m;
	char			 uri[256], bad[264], *p;

	contact(w, uri, sizeof(uri));
	/* Another address than the one that asked, a PBX or not. */
	w_hop(w->w_conf, "pbx2", "10.0.0.6", 5060, 0, 9);
	proxy_conf(w->w_px, w->w_conf);
	(void)vaddr_parse("10.0.0.6", 5060, &other.fl_peer);
	invite(w, &other, uri, "");
	ATF_REQUIRE((m = answer(w)) != NULL);
	ATF_CHECK_MSG(strncmp(m, "SIP/2.0 403 ", 12) == 0, "%s", m);
	ATF_CHECK(strstr(w->w_log, "redirected call refused: reason=token-address "
	    "address=10.0.0.6\n") != NULL);
	(void)vaddr_parse("192.0.2.9", 5060, &pstn.fl_peer);
	invite(w, &pstn, uri, "");
	ATF_CHECK(strncmp(answer(w), "SIP/2.0 403 ", 12) == 0);
	/* Altered: neither to a trunk nor directly. */
	(void)strlcpy(bad, uri, sizeof(bad));
	p = strchr(bad, '@') - 1;
	*p = *p == 'a' ? 'b' : 'a';
	invite(w, &pbx, bad, "");
	ATF_CHECK(strncmp(answer(w), "SIP/2.0 403 ", 12) == 0);
	ATF_CHECK(strstr(w->w_log, "reason=token-forged") != NULL);
	/* The number in front is part of it. */
	(void)strlcpy(bad, uri, sizeof(bad));
	bad[10] = bad[10] == '1' ? '2' : '1';
	invite(w, &pbx, bad, "");
	ATF_CHECK(strncmp(answer(w), "SIP/2.0 403 ", 12) == 0);
	/* A PBX that escapes what it need not is understood. */
	(void)snprintf(bad, sizeof(bad), "sip:%%2B%s", uri + 5);
	invite(w, &pbx, bad, "");
	ATF_CHECK(w_outward(w) != NULL);
	/* The route is another one now, or none. */
	contact(w, uri, sizeof(uri));
	w_route(w, NUMBER, ROUTE_ACTIVE, "TmV1");
	invite(w, &pbx, uri, "");
	ATF_REQUIRE((m = answer(w)) != NULL);
	ATF_CHECK_MSG(strncmp(m, "SIP/2.0 404 ", 12) == 0, "%s", m);
	ATF_CHECK_STREQ("Q.850;cause=3;text=\"not-active\"", w_hdr(m, "Reason"));
	w_route(w, NUMBER, ROUTE_REMOVED, "VElDS0VU");
	invite(w, &pbx, uri, "");
	ATF_CHECK(strncmp(answer(w), "SIP/2.0 404 ", 12) == 0);
	w_route(w, NUMBER, ROUTE_ACTIVE, "VElDS0VU");
	/* What is said about the call holds for the call. */
	invite(w, &pbx, uri, "Privacy: id\n");
	ATF_CHECK(strncmp(answer(w), "SIP/2.0 404 ", 12) == 0);
	/* Its time is up. */
	contact(w, uri, sizeof(uri));
	w_pass(w, 31000);
	w->w_next = w->w_nsent;
	invite(w, &pbx, uri, "");
	ATF_REQUIRE((m = answer(w)) != NULL);
	ATF_CHECK_MSG(strncmp(m, "SIP/2.0 404 ", 12) == 0, "%s", m);
	ATF_CHECK_STREQ("Q.850;cause=3;text=\"token-expired\"", w_hdr(m, "Reason"));
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ(2, ps.ps_redirect_bad[REDIRECT_ADDRESS]);
	ATF_CHECK_EQ(2, ps.ps_redirect_bad[REDIRECT_FORGED]);
	ATF_CHECK_EQ(1, ps.ps_redirect_bad[REDIRECT_EXPIRED]);
	ATF_CHECK_EQ(0, trunked(w));
	w_free(w);
}

/* One address that is a trunk and a PBX, as of a proxy that serves both. */
ATF_TC_WITHOUT_HEAD(shared_address);
ATF_TC_BODY(shared_address, tc)
{
	struct world	*w = start();
	struct sip_flow	 fl = ask;
	const char	*m, *v;
	char		 uri[256];

	w_hop(w->w_conf, "pbx2", "192.0.2.9", 5090, 0, 9);
	proxy_conf(w->w_px, w->w_conf);
	(void)vaddr_parse("192.0.2.9", 5060, &fl.fl_peer);
	invite(w, &fl, "sip:040123456@10.0.0.1", "");
	ATF_REQUIRE((m = answer(w)) != NULL);
	ATF_REQUIRE_MSG((v = w_hdr(m, "Contact")) != NULL, "%s", m);
	ATF_REQUIRE(strlcpy(uri, v + 1, sizeof(uri)) < sizeof(uri));
	*strchr(uri, '>') = '\0';
	fl = pbx;
	(void)vaddr_parse("192.0.2.9", 5060, &fl.fl_peer);
	invite(w, &fl, uri, "");
	ATF_CHECK(w_outward(w) != NULL);
	w_free(w);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, token);
	ATF_TP_ADD_TC(tp, token_none);
	ATF_TP_ADD_TC(tp, redirected);
	ATF_TP_ADD_TC(tp, not_redirected);
	ATF_TP_ADD_TC(tp, media_engine);
	ATF_TP_ADD_TC(tp, resample_once);
	ATF_TP_ADD_TC(tp, methods);
	ATF_TP_ADD_TC(tp, listeners);
	ATF_TP_ADD_TC(tp, ipv6);
	ATF_TP_ADD_TC(tp, failures);
	ATF_TP_ADD_TC(tp, passed_on);
	ATF_TP_ADD_TC(tp, cancelled);
	ATF_TP_ADD_TC(tp, bad_tokens);
	ATF_TP_ADD_TC(tp, shared_address);
	return (atf_no_error());
}
