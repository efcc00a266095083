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

/* rtpengine's control protocol: its encoding, and questions to it. */

#include <atf-c.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ng.h"

#define SDP	"v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n" \
		"m=audio 4000 RTP/AVP 8\r\n"

struct engine {
	struct tmrs	 e_tmrs;
	struct ng	*e_ng;
	char		 e_msg[16][4096];	/* what it was sent */
	size_t		 e_sent;
	uint64_t	 e_done[16];
	char		 e_sdp[16][256];
	char		 e_error[16][80];
	size_t		 e_ndone;
	enum ng_state	 e_state;
	size_t		 e_nstates;
	size_t		 e_pings;
};

static int	 e_send(void *, const uint8_t *, size_t);
static void	 e_done(void *, uint64_t, struct span, const char *);
static void	 e_state(void *, enum ng_state);
static void	 e_random(void *, void *, size_t);
static struct engine *start(void);
static void	 finish(struct engine *);
static void	 pass(struct engine *, uint64_t);
static void	 reply(struct engine *, size_t, const char *);
static void	 back(struct engine *);
static int	 ask(struct engine *, const char *, int, enum ng_side, const char *, uint64_t *,
		    struct span *);

static const struct ng_ops ops = { e_send, e_done, e_state, e_random };

static int
e_send(void *ctx, const uint8_t *p, size_t len)
{
	struct engine	*e = ctx;

	if (memmem(p, len, "4:ping", 6) != NULL)
		e->e_pings++;
	(void)snprintf(e->e_msg[e->e_sent++ % 16], sizeof(e->e_msg[0]), "%.*s", (int)len,
	    (const char *)p);
	return (0);
}

static void
e_done(void *ctx, uint64_t id, struct span sdp, const char *error)
{
	struct engine	*e = ctx;
	size_t		 n = e->e_ndone++ % 16;

	e->e_done[n] = id;
	(void)snprintf(e->e_sdp[n], sizeof(e->e_sdp[0]), "%.*s", (int)sdp.len, sdp.p);
	(void)snprintf(e->e_error[n], sizeof(e->e_error[0]), "%s",
	    error != NULL ? error : "");
}

static void
e_state(void *ctx, enum ng_state st)
{
	struct engine	*e = ctx;

	e->e_state = st;
	e->e_nstates++;
}

static void
e_random(void *ctx, void *p, size_t len)
{
	(void)ctx;
	memset(p, 0xa5, len);
}

/* Switched on, its first ping answered. */
static struct engine *
start(void)
{
	struct engine	*e;

	ATF_REQUIRE(sodium_init() != -1);
	ATF_REQUIRE((e = calloc(1, sizeof(*e))) != NULL);
	tmrs_init(&e->e_tmrs, 1000000);
	ATF_REQUIRE((e->e_ng = ng_new(&e->e_tmrs, &ops, e)) != NULL);
	ATF_CHECK_EQ(NG_OFF, ng_state(e->e_ng));
	ng_conf(e->e_ng, 1, "", "", 1);
	ATF_CHECK_EQ(NG_UNKNOWN, ng_state(e->e_ng));
	ATF_REQUIRE_EQ(1, e->e_sent);
	reply(e, 0, "d6:result4:ponge");
	ATF_CHECK_EQ(NG_UP, ng_state(e->e_ng));
	return (e);
}

static void
finish(struct engine *e)
{
	ng_free(e->e_ng);
	ATF_CHECK_EQ(-1, tmrs_wait(&e->e_tmrs, e->e_tmrs.ts_now));
	free(e);
}

static void
pass(struct engine *e, uint64_t ms)
{
	uint64_t	end = e->e_tmrs.ts_now + ms;
	int64_t		wait;

	while ((wait = tmrs_wait(&e->e_tmrs, e->e_tmrs.ts_now)) != -1 &&
	    e->e_tmrs.ts_now + (uint64_t)wait <= end)
		tmrs_run(&e->e_tmrs, e->e_tmrs.ts_now + (uint64_t)wait, 1000);
	e->e_tmrs.ts_now = end;
}

/* An answer to the n-th datagram. */
static void
reply(struct engine *e, size_t n, const char *text)
{
	char	buf[4096], *exact;
	int	len;

	len = snprintf(buf, sizeof(buf), "%.*s %s", (int)strcspn(e->e_msg[n % 16], " "),
	    e->e_msg[n % 16], text);
	ATF_REQUIRE((exact = malloc((size_t)len)) != NULL);
	memcpy(exact, buf, (size_t)len);
	ng_input(e->e_ng, exact, (size_t)len);
	free(exact);
}

/* The next ping is answered. */
static void
back(struct engine *e)
{
	size_t	was = e->e_sent;

	while (e->e_sent == was && e->e_tmrs.ts_now < 10000000)
		pass(e, 100);
	ATF_REQUIRE(strstr(e->e_msg[(e->e_sent - 1) % 16], "4:ping") != NULL);
	reply(e, e->e_sent - 1, "d6:result4:ponge");
}

static int
ask(struct engine *e, const char *call, int answer, enum ng_side to, const char *sdp,
    uint64_t *id, struct span *out)
{
	struct ng_ask	na;

	memset(&na, 0, sizeof(na));
	na.na_call = call;
	na.na_from = "caller";
	na.na_to = answer ? "callee" : NULL;
	na.na_answer = answer;
	na.na_towards = to;
	na.na_sdp.p = sdp;
	na.na_sdp.len = strlen(sdp);
	return (ng_ask(e->e_ng, &na, id, out));
}

ATF_TC_WITHOUT_HEAD(bencode);
ATF_TC_BODY(bencode, tc)
{
	static const char good[] = "a1_2 d5:otherd1:xli-5ei7e2:abee3:sdp4:v=0\n"
	    "12:error-reason0:6:result2:oke";
	struct ng_reply	 r;
	struct wbuf	 w;
	char		 buf[256], *heap;
	size_t		 n;

	wbuf_init(&w, buf, sizeof(buf));
	bc_open(&w, 'd');
	bc_pair(&w, "command", "ping");
	bc_str(&w, "n");
	bc_num(&w, 42);
	bc_close(&w);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	ATF_CHECK_EQ(0, memcmp(buf, "d7:command4:ping1:ni42ee", w.w_len));
	ATF_REQUIRE_EQ(0, ng_reply_parse(good, sizeof(good) - 1, &r));
	ATF_CHECK(span_eq(r.nr_cookie, "a1_2"));
	ATF_CHECK(span_eq(r.nr_result, "ok"));
	ATF_CHECK(span_eq(r.nr_sdp, "v=0\n"));
	ATF_CHECK_EQ(0, r.nr_reason.len);
	for (n = 0; n < sizeof(good) - 1; n++) {
		ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
		memcpy(heap, good, n);
		ATF_CHECK_EQ_MSG(-1, ng_reply_parse(heap, n, &r), "%zu bytes accepted", n);
		free(heap);
	}
}

ATF_TC_WITHOUT_HEAD(malformed);
ATF_TC_BODY(malformed, tc)
{
	static const char *const bad[] = {
		"a d6:result2:okex",			/* bytes after it */
		"a d6:result3:oke", "a d6:result1:oke",	/* a length one off */
		"a d6:result99999999999999999999:oke",
		"a d6:result70000:oke", "a d6:result-2:oke", "a d6:result:oke",
		"a d6:result2:ok6:result2:oke",		/* twice */
		"a d3:sdp1:a6:result2:ok3:sdp1:be",
		"a d6:resulti5ee", "a d6:resultl2:okee",	/* no string */
		"a d3:sdp1:ae",				/* no result */
		"a d6:result0:e", "a de", "a d", "a ", "a", " d6:result2:oke",
		"A d6:result2:oke", "a! d6:result2:oke", "a l6:result2:oke",
		"a di5e1:x6:result2:oke",		/* a key that is a number */
		"a d1:xi--5e6:result2:oke", "a d1:xie6:result2:oke",
		"a d1:xi99999999999999999999999e6:result2:oke",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa d6:result2:oke",
		"a d1:xlllllllll1:xeeeeeeeee6:result2:oke"	/* too deep */
	};
	struct ng_reply	 r;
	size_t		 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ATF_CHECK_EQ_MSG(-1, ng_reply_parse(bad[i], strlen(bad[i]), &r), "%s", bad[i]);
	ATF_CHECK_EQ(0, ng_reply_parse("a d1:xllllllll1:xeeeeeeee6:result2:oke", 38, &r));
}

ATF_TC_WITHOUT_HEAD(questions);
ATF_TC_BODY(questions, tc)
{
	struct engine	*e = start();
	struct ng_stats	 st;
	struct span	 sdp;
	uint64_t	 id, again;
	const char	*m;

	ATF_REQUIRE_EQ(0, ask(e, "c1", 0, NG_OUTSIDE, SDP, &id, &sdp));
	ATF_REQUIRE_EQ(2, e->e_sent);
	m = strchr(e->e_msg[1], ' ') + 1;
	ATF_CHECK(strncmp(m, "d7:command5:offer7:call-id2:c18:from-tag6:caller3:sdp", 53) == 0);
	ATF_CHECK(strstr(m, "18:transport-protocol8:RTP/SAVP") != NULL);
	ATF_CHECK(strstr(m, "4:DTLS3:off") != NULL);
	ATF_CHECK(strstr(m, "20:no-NULL_HMAC_SHA1_80") != NULL);
	ATF_CHECK(strstr(m, "3:ICE6:remove") != NULL);
	ATF_CHECK(strstr(m, "9:direction") == NULL);
	ATF_CHECK(strstr(m, "6:to-tag") == NULL);
	/* The same question waits for the same answer. */
	ATF_REQUIRE_EQ(0, ask(e, "c1", 0, NG_OUTSIDE, SDP, &again, &sdp));
	ATF_CHECK_EQ(id, again);
	ATF_CHECK_EQ(2, e->e_sent);
	/* Strangers' answers: another cookie, none, one that is none. */
	ng_input(e->e_ng, "a5a5a5a5a5a5a5a5_9 d3:sdp1:x6:result2:oke", 41);
	ng_input(e->e_ng, "a5a5a5a5a5a5a5a6_2 d3:sdp1:x6:result2:oke", 41);
	ng_input(e->e_ng, "junk", 4);
	ATF_CHECK_EQ(0, e->e_ndone);
	reply(e, 1, "d3:sdp3:abc6:result2:oke");
	ATF_REQUIRE_EQ(1, e->e_ndone);
	ATF_CHECK_EQ(id, e->e_done[0]);
	ATF_CHECK_STREQ("abc", e->e_sdp[0]);
	ATF_CHECK_STREQ("", e->e_error[0]);
	reply(e, 1, "d3:sdp3:abc6:result2:oke");	/* a second copy of it */
	ATF_CHECK_EQ(1, e->e_ndone);
	ng_stats(e->e_ng, &st);
	ATF_CHECK_EQ(4, st.ns_strange);
	ATF_CHECK_EQ(0, st.ns_pending);

	/* Known, while it is the latest of the call. */
	ATF_REQUIRE_EQ(1, ask(e, "c1", 0, NG_OUTSIDE, SDP, &id, &sdp));
	ATF_CHECK(span_eq(sdp, "abc"));
	ATF_REQUIRE_EQ(0, ask(e, "c1", 1, NG_INSIDE, SDP, &id, &sdp));
	m = strchr(e->e_msg[2], ' ') + 1;
	ATF_CHECK(strncmp(m, "d7:command6:answer7:call-id2:c18:from-tag6:caller6:to-tag6:callee",
	    65) == 0);
	ATF_CHECK(strstr(m, "transport-protocol") == NULL);
	reply(e, 2, "d3:sdp3:def6:result2:oke");
	ATF_REQUIRE_EQ(1, ask(e, "c1", 1, NG_INSIDE, SDP, &id, &sdp));
	ATF_CHECK(span_eq(sdp, "def"));
	ATF_REQUIRE_EQ(0, ask(e, "c1", 0, NG_OUTSIDE, SDP, &id, &sdp));
	reply(e, 3, "d3:sdp3:abc6:result2:oke");
	/* The end of a call is the end of what is known of it, and of no other. */
	ATF_REQUIRE_EQ(0, ask(e, "c2", 0, NG_OUTSIDE, SDP, &id, &sdp));
	reply(e, 4, "d3:sdp3:ghi6:result2:oke");
	ng_delete(e->e_ng, "c1", "caller");
	ATF_CHECK(strstr(e->e_msg[5], "d7:command6:delete7:call-id2:c18:from-tag6:caller12:"
	    "delete delayi0ee") != NULL);
	reply(e, 5, "d7:warning3:abc6:result2:oke");
	ATF_REQUIRE_EQ(1, ask(e, "c2", 0, NG_OUTSIDE, SDP, &id, &sdp));
	ATF_REQUIRE_EQ(0, ask(e, "c1", 0, NG_OUTSIDE, SDP, &id, &sdp));
	reply(e, 6, "d6:result5:error12:error-reason3:bade");
	ATF_CHECK_STREQ("bad", e->e_error[(e->e_ndone - 1) % 16]);
	ATF_CHECK_EQ(NG_UP, ng_state(e->e_ng));
	/* An error is not kept, nor anything for long. */
	ATF_REQUIRE_EQ(0, ask(e, "c1", 0, NG_OUTSIDE, SDP, &id, &sdp));
	reply(e, 7, "d6:result2:oke");		/* without a description */
	ATF_CHECK_STREQ("refused", e->e_error[(e->e_ndone - 1) % 16]);
	pass(e, NG_KEEP_MS);
	ATF_REQUIRE_EQ(0, ask(e, "c2", 0, NG_OUTSIDE, SDP, &id, &sdp) == 1);
	finish(e);
}

ATF_TC_WITHOUT_HEAD(interfaces);
ATF_TC_BODY(interfaces, tc)
{
	struct engine	*e = start();
	struct span	 sdp;
	uint64_t	 id;

	ng_conf(e->e_ng, 1, "lan", "wan", 0);
	ATF_CHECK_EQ(NG_UP, ng_state(e->e_ng));
	ATF_REQUIRE_EQ(0, ask(e, "c1", 0, NG_OUTSIDE, SDP, &id, &sdp));
	ATF_CHECK(strstr(e->e_msg[1], "9:directionl3:lan3:wane") != NULL);
	ATF_REQUIRE_EQ(0, ask(e, "c2", 0, NG_INSIDE, SDP, &id, &sdp));
	ATF_CHECK(strstr(e->e_msg[2], "9:directionl3:wan3:lane") != NULL);
	ATF_CHECK(strstr(e->e_msg[2], "18:transport-protocol7:RTP/AVP") != NULL);
	ATF_CHECK(strstr(e->e_msg[2], "4:DTLS") == NULL);
	/* Another engine: what is under way fails, it begins anew. */
	ng_conf(e->e_ng, 1, "lan", "wan", 1);
	ATF_CHECK_EQ(2, e->e_ndone);
	ATF_CHECK_EQ(NG_UNKNOWN, ng_state(e->e_ng));
	/* At rest it is asked nothing unless there is something to ask. */
	reply(e, e->e_sent - 1, "d6:result4:ponge");
	ng_rest(e->e_ng);
	id = e->e_sent;
	pass(e, 60000);
	ATF_CHECK_EQ(id, e->e_sent);
	ATF_REQUIRE_EQ(0, ask(e, "c3", 0, NG_INSIDE, SDP, &id, &sdp));
	reply(e, e->e_sent - 1, "d3:sdp3:abc6:result2:oke");
	ATF_CHECK_EQ(3, e->e_ndone);
	ng_conf(e->e_ng, 1, "", "", 0);
	pass(e, 2 * NG_PING_MS);
	ATF_CHECK(strstr(e->e_msg[(e->e_sent - 1) % 16], "4:ping") != NULL);
	ng_conf(e->e_ng, 0, "", "", 0);
	ATF_CHECK_EQ(NG_OFF, ng_state(e->e_ng));
	ATF_CHECK_EQ(-1, ask(e, "c1", 0, NG_OUTSIDE, SDP, &id, &sdp));
	finish(e);
}

ATF_TC_WITHOUT_HEAD(silence);
ATF_TC_BODY(silence, tc)
{
	struct engine	*e = start();
	struct span	 sdp;
	uint64_t	 id;
	size_t		 pings;

	/* Lost once: the very same datagram again. */
	ATF_REQUIRE_EQ(0, ask(e, "c1", 0, NG_OUTSIDE, SDP, &id, &sdp));
	pass(e, NG_RESEND_MS);
	ATF_REQUIRE_EQ(3, e->e_sent);
	ATF_CHECK_STREQ(e->e_msg[1], e->e_msg[2]);
	reply(e, 1, "d3:sdp3:abc6:result2:oke");
	ATF_CHECK_EQ(1, e->e_ndone);
	/* Lost four times: it is down, and says so once. */
	ATF_REQUIRE_EQ(0, ask(e, "c2", 0, NG_OUTSIDE, SDP, &id, &sdp));
	pass(e, NG_SENDS * NG_RESEND_MS - 1);
	ATF_CHECK_EQ(1, e->e_ndone);
	ATF_CHECK_EQ(NG_UP, ng_state(e->e_ng));
	pass(e, 1);
	ATF_REQUIRE_EQ(2, e->e_ndone);
	ATF_CHECK_EQ(id, e->e_done[1]);
	ATF_CHECK_STREQ("no answer", e->e_error[1]);
	ATF_CHECK_EQ(NG_DOWN, ng_state(e->e_ng));
	ATF_CHECK_EQ(NG_DOWN, e->e_state);
	ATF_CHECK_EQ(3 + NG_SENDS, e->e_sent);
	/* Now nothing is asked and no call ended; pings go on. */
	ATF_CHECK_EQ(-1, ask(e, "c3", 0, NG_OUTSIDE, SDP, &id, &sdp));
	ng_delete(e->e_ng, "c1", "caller");
	ATF_CHECK_EQ(3 + NG_SENDS, e->e_sent);
	pings = e->e_pings;
	pass(e, 20000);
	ATF_CHECK_MSG(e->e_pings >= pings + 8, "%zu", e->e_pings - pings);
	ATF_CHECK_EQ(NG_DOWN, ng_state(e->e_ng));
	back(e);
	ATF_CHECK_EQ(NG_UP, ng_state(e->e_ng));
	ATF_CHECK_EQ(0, ask(e, "c3", 0, NG_OUTSIDE, SDP, &id, &sdp));
	/* The system knows that nobody listens: at once. */
	ng_refused(e->e_ng);
	ATF_CHECK_EQ(3, e->e_ndone);
	ATF_CHECK_EQ(NG_DOWN, ng_state(e->e_ng));
	finish(e);
}

ATF_TC_WITHOUT_HEAD(pings);
ATF_TC_BODY(pings, tc)
{
	struct engine	*e = start();

	/* One that answers is asked every few seconds and never lost. */
	for (size_t i = 0; i < 20; i++) {
		pass(e, NG_PING_MS);
		ATF_REQUIRE_EQ(i + 2, e->e_sent);
		reply(e, e->e_sent - 1, "d6:result4:ponge");
	}
	ATF_CHECK_EQ(NG_UP, ng_state(e->e_ng));
	ATF_CHECK_EQ(1, e->e_nstates);
	pass(e, NG_PING_MS + NG_SENDS * NG_RESEND_MS);
	ATF_CHECK_EQ(NG_DOWN, ng_state(e->e_ng));
	finish(e);
}

ATF_TC_WITHOUT_HEAD(bounds);
ATF_TC_BODY(bounds, tc)
{
	struct engine	*e = start();
	struct ng_stats	 st;
	struct span	 sdp;
	uint64_t	 id;
	char		 call[32], *big;
	size_t		 i;

	ATF_REQUIRE((big = malloc(NG_MSG_MAX + 1)) != NULL);
	memset(big, 'x', NG_MSG_MAX);
	big[NG_MSG_MAX] = '\0';
	ATF_CHECK_EQ(-1, ask(e, "c", 0, NG_OUTSIDE, big, &id, &sdp));
	for (i = 0; i < NG_PENDING_MAX; i++) {
		(void)snprintf(call, sizeof(call), "c%zu", i);
		ATF_REQUIRE_EQ(0, ask(e, call, 0, NG_OUTSIDE, SDP, &id, &sdp));
	}
	ATF_CHECK_EQ(-1, ask(e, "more", 0, NG_OUTSIDE, SDP, &id, &sdp));
	ng_stats(e->e_ng, &st);
	ATF_CHECK_EQ(NG_PENDING_MAX, st.ns_pending);
	pass(e, NG_SENDS * NG_RESEND_MS);
	ATF_CHECK_EQ(NG_PENDING_MAX, e->e_ndone);
	ng_stats(e->e_ng, &st);
	ATF_CHECK(st.ns_pending <= 1);		/* a ping */
	/* What is kept has an end, too: the oldest go. */
	back(e);
	for (i = 0; i < 200; i++) {
		char	*text;
		int	 n;

		(void)snprintf(call, sizeof(call), "k%zu", i);
		ATF_REQUIRE_EQ(0, ask(e, call, 0, NG_OUTSIDE, SDP, &id, &sdp));
		ATF_REQUIRE((text = malloc(NG_MSG_MAX)) != NULL);
		n = snprintf(text, NG_MSG_MAX, "%.*s d3:sdp60000:%.60000s6:result2:oke",
		    (int)strcspn(e->e_msg[(e->e_sent - 1) % 16], " "),
		    e->e_msg[(e->e_sent - 1) % 16], big);
		ng_input(e->e_ng, text, (size_t)n);
		free(text);
	}
	ATF_CHECK_EQ(1, ask(e, "k199", 0, NG_OUTSIDE, SDP, &id, &sdp));
	ATF_CHECK_EQ(0, ask(e, "k0", 0, NG_OUTSIDE, SDP, &id, &sdp));
	free(big);
	finish(e);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, bencode);
	ATF_TP_ADD_TC(tp, malformed);
	ATF_TP_ADD_TC(tp, questions);
	ATF_TP_ADD_TC(tp, interfaces);
	ATF_TP_ADD_TC(tp, silence);
	ATF_TP_ADD_TC(tp, pings);
	ATF_TP_ADD_TC(tp, bounds);
	return (atf_no_error());
}
