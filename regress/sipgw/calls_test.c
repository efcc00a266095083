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
 * What becomes of a call's record: each way that a call can go, and the bytes
 * of the leg that key is told in the end.
 */

#include <atf-c.h>

#include "proxy_harness.h"

#define SDP	"v=0\no=- 1 1 IN IP4 8.8.8.8\ns=-\nc=IN IP4 8.8.8.8\nt=0 0\n" \
		"m=audio 4000 RTP/AVP 8\n"
#define FAR	"+4940123456"		/* the number that we call */
#define NEAR	"+4930123451"		/* ours */
#define ALICE	"sip:alice@10.0.0.5:5060"
#define FARURI	"sip:far@192.0.2.9:5060"
#define CONTACT	"Contact: <" FARURI ">\n"

static struct sip_flow	pbx, trunk;
static unsigned		turn;
static const char	*branch;	/* of the next request; NULL: a new one */

static struct world	*start(void);
static const char	*out(struct world *, const char *, const char *);
static const char	*in(struct world *, const char *);
static const char	*within(struct world *, const struct sip_flow *, const char *,
			    const char *, const char *, const char *, unsigned,
			    const char *);
static void		 hang_up(struct world *, int, const char *, const char *);
static void		 leg(struct world *, size_t, enum leg_kind, uint64_t, uint64_t,
			    unsigned);
static uint64_t		 dropped(struct world *);
static void		 cancel(struct world *, const char *);

static struct world *
start(void)
{
	w_flow_udp(&pbx, "10.0.0.5", 5060);
	w_flow_udp(&trunk, "192.0.2.9", 5060);
	return (w_new(0));
}

/* A call from the PBX: the INVITE that the trunk gets. */
static const char *
out(struct world *w, const char *id, const char *extra)
{
	w_in(w, &pbx, "INVITE sip:040123456@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK%s;rport\n"
	    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=a%s\n"
	    "To: <sip:040123456@10.0.0.1>\nCall-ID: %s\nCSeq: 1 INVITE\n%s"
	    "Contact: <" ALICE ">\nContent-Type: application/sdp\n\n" SDP, id, id, id,
	    extra);
	return (w_find(w, "INVITE "));
}

/* A call from the trunk: the INVITE that the PBX gets. */
static const char *
in(struct world *w, const char *id)
{
	w_in(w, &trunk, "INVITE sip:030123451@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK%s;rport\n"
	    "Max-Forwards: 70\nFrom: <sip:040123456@192.0.2.9>;tag=a%s\n"
	    "To: <sip:030123451@10.0.0.1>\nCall-ID: %s\nCSeq: 1 INVITE\n"
	    CONTACT "Content-Type: application/sdp\n\n" SDP, id, id, id);
	return (w_find(w, "INVITE "));
}

/* A request inside the dialog (tags from and to) as it leaves us, or NULL. */
static const char *
within(struct world *w, const struct sip_flow *fl, const char *method, const char *id,
    const char *from, const char *to, unsigned cseq, const char *extra)
{
	char	host[VADDR_STRLEN], fresh[32];

	(void)snprintf(fresh, sizeof(fresh), "w%u", turn++);
	w->w_next = w->w_nsent;
	w_in(w, fl, "%s %s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s;rport\n"
	    "Max-Forwards: 70\nFrom: <sip:x@x.example>;tag=%s\n"
	    "To: <sip:y@y.example>;tag=%s\nCall-ID: %s\nCSeq: %u %s\n%s", method,
	    fl == &pbx ? FARURI : ALICE, vaddr_str(&fl->fl_peer, host, sizeof(host)),
	    branch != NULL ? branch : fresh, from, to, id, cseq, method, extra);
	return (w_find(w, method));
}

/* BYE and its answer.  caller: the side that made the call sends it. */
static void
hang_up(struct world *w, int from_pbx, const char *from, const char *id)
{
	const char	*bye;
	char		 to[32];

	/* Tags are a<id> of the caller and b of the callee. */
	(void)snprintf(to, sizeof(to), "a%s", id);
	bye = within(w, from_pbx ? &pbx : &trunk, "BYE", id, from,
	    from[0] == 'a' ? "b" : to, 90, "");
	ATF_REQUIRE(bye != NULL);
	w_answer(w, from_pbx ? &trunk : &pbx, bye, "200 OK", "", "");
	ATF_CHECK(w_find(w, "SIP/2.0 200 ") != NULL);
}

/* The n-th report, once its hold is over. */
static void
leg(struct world *w, size_t n, enum leg_kind kind, uint64_t begin, uint64_t length,
    unsigned flags)
{
	const struct imsg_leg	*lg = &w->w_legs[n];

	w_pass(w, 700);
	ATF_REQUIRE_EQ_MSG(n + 1, w->w_nlegs, "%zu legs", w->w_nlegs);
	ATF_CHECK_EQ(kind, lg->lg_kind);
	ATF_CHECK_EQ_MSG(begin, lg->lg_boot_start, "start off by %lld",
	    (long long)(lg->lg_boot_start - begin));
	ATF_CHECK_EQ_MSG(length, lg->lg_boot_stop - lg->lg_boot_start, "%llu ms",
	    (unsigned long long)(lg->lg_boot_stop - lg->lg_boot_start));
	ATF_CHECK_EQ(flags, lg->lg_flags);
	ATF_CHECK_EQ(0, lg->lg_source);
	if (flags & LEG_F_STEPPED)
		return;
	ATF_CHECK_EQ(1790000000000ull + begin - 1000000, lg->lg_start);
	ATF_CHECK_EQ(length, lg->lg_stop - lg->lg_start);
	if (kind == LEG_ORIGINATED) {
		ATF_CHECK_STREQ(FAR, lg->lg_called);
		ATF_CHECK_STREQ(NEAR, lg->lg_caller);
	} else if (kind == LEG_TERMINATED) {
		ATF_CHECK_STREQ(NEAR, lg->lg_called);
		ATF_CHECK_STREQ(FAR, lg->lg_caller);
	}
}

static uint64_t
dropped(struct world *w)
{
	struct proxy_stats	ps;

	proxy_stats(w->w_px, &ps);
	return (ps.ps_legs_dropped);
}

static void
cancel(struct world *w, const char *id)
{
	w->w_next = w->w_nsent;
	w_in(w, &pbx, "CANCEL sip:040123456@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK%s;rport\n"
	    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=a%s\n"
	    "To: <sip:040123456@10.0.0.1>\nCall-ID: %s\nCSeq: 1 CANCEL\n", id, id, id);
}

/* Both directions, and either side hangs up; to the millisecond. */
ATF_TC_WITHOUT_HEAD(plain);
ATF_TC_BODY(plain, tc)
{
	struct world	*w;
	const char	*req;
	uint64_t	 t0;
	int		 inward, callee;

	for (inward = 0; inward < 2; inward++)
		for (callee = 0; callee < 2; callee++) {
			w = start();
			w_pass(w, 12345);
			req = inward ? in(w, "1") : out(w, "1", "");
			ATF_REQUIRE(req != NULL);
			w_pass(w, 333);
			w_answer(w, inward ? &pbx : &trunk, req, "180 Ringing", "b",
			    CONTACT);
			w_pass(w, 7001);
			t0 = w->w_boot;
			w_answer(w, inward ? &pbx : &trunk, req, "200 OK", "b",
			    inward ? "Contact: <" ALICE ">\n" : CONTACT);
			w_pass(w, 17);
			(void)within(w, inward ? &trunk : &pbx, "ACK", "1", "a1", "b", 1, "");
			ATF_CHECK_EQ(1, proxy_calls(w->w_px));
			w_pass(w, 61234 - 17);
			hang_up(w, inward == callee, callee ? "b" : "a1", "1");
			ATF_CHECK_EQ(0, proxy_calls(w->w_px));
			leg(w, 0, inward ? LEG_TERMINATED : LEG_ORIGINATED, t0, 61234, 0);
			w_free(w);
		}
}

/* The first BYE counts: one that crosses it passes, too, and moves nothing;
 * nor does one that is repeated, refused with 481, or never answered. */
ATF_TC_WITHOUT_HEAD(byes);
ATF_TC_BODY(byes, tc)
{
	struct world	*w;
	const char	*req, *a, *b;
	uint64_t	 t0;
	int		 how;

	for (how = 0; how < 5; how++) {
		w = start();
		ATF_REQUIRE((req = out(w, "1", "")) != NULL);
		t0 = w->w_boot;
		w_answer(w, &trunk, req, "200 OK", "b", CONTACT);
		w_pass(w, 70000);
		branch = "bye";
		ATF_REQUIRE((a = within(w, &pbx, "BYE", "1", "a1", "b", 2, "")) != NULL);
		switch (how) {
		case 0:		/* crossing */
			w_pass(w, 40);
			branch = NULL;
			ATF_REQUIRE((b = within(w, &trunk, "BYE", "1", "b", "a1", 1, "")) !=
			    NULL);
			w_answer(w, &pbx, b, "200 OK", "", "");
			w_answer(w, &trunk, a, "200 OK", "", "");
			ATF_CHECK_EQ(2, w_count(w, "SIP/2.0 200 "));
			break;
		case 1:		/* repeated: it is the same transaction */
			w_pass(w, 499);
			ATF_CHECK_EQ(NULL, within(w, &pbx, "BYE", "1", "a1", "b", 2, ""));
			w_answer(w, &trunk, a, "200 OK", "", "");
			break;
		case 2:
			w_pass(w, 30);
			w_answer(w, &trunk, a, "481 Gone", "", "");
			ATF_CHECK_EQ(1, w_count(w, "SIP/2.0 481 "));
			break;
		case 3:		/* a challenge, and the same once more */
			w_pass(w, 30);
			w_answer(w, &trunk, a, "401 Who are you", "", "");
			branch = NULL;
			ATF_REQUIRE((b = within(w, &pbx, "BYE", "1", "a1", "b", 3, "")) !=
			    NULL);
			w_answer(w, &trunk, b, "200 OK", "", "");
			break;
		case 4:
			w_pass(w, 40000);
			break;
		}
		branch = NULL;
		leg(w, 0, LEG_ORIGINATED, t0, 70000, 0);
		w_pass(w, 40000);
		ATF_CHECK_EQ(1, w->w_nlegs);
		w_free(w);
	}
}

/* No BYE ever: nothing is invented. */
ATF_TC_WITHOUT_HEAD(no_bye);
ATF_TC_BODY(no_bye, tc)
{
	struct world	*w = start();
	const char	*req;

	ATF_REQUIRE((req = out(w, "1", "")) != NULL);
	w_answer(w, &trunk, req, "200 OK", "b", CONTACT);
	w_pass(w, 86399000);
	ATF_CHECK_EQ(1, proxy_calls(w->w_px));
	w_pass(w, 2000);
	ATF_CHECK_EQ(0, proxy_calls(w->w_px));
	w_pass(w, 2000);
	ATF_CHECK_EQ(0, w->w_nlegs);
	ATF_CHECK_EQ(1, dropped(w));
	w_free(w);
}

/* INVITE, 200 and ACK come several times, or the ACK never. */
ATF_TC_WITHOUT_HEAD(repeats);
ATF_TC_BODY(repeats, tc)
{
	struct world	*w = start();
	const char	*req;
	uint64_t	 t0;
	int		 i;

	ATF_REQUIRE((req = out(w, "1", "")) != NULL);
	w_pass(w, 499);
	ATF_CHECK_EQ(NULL, out(w, "1", ""));
	w_answer(w, &trunk, req, "180 Ringing", "b", CONTACT);
	w_answer(w, &trunk, req, "180 Ringing", "b", CONTACT);
	w_pass(w, 3000);
	t0 = w->w_boot;
	for (i = 0; i < 7; i++) {
		w->w_next = w->w_nsent;
		w_answer(w, &trunk, req, "200 OK", "b", CONTACT);
		ATF_CHECK_EQ(1, w_count(w, "SIP/2.0 200 "));
		w_pass(w, 4000);
	}
	ATF_CHECK_EQ(1, proxy_calls(w->w_px));
	/* Nobody acknowledged it: the callee gives up. */
	w_pass(w, 4000);
	hang_up(w, 0, "b", "1");
	leg(w, 0, LEG_ORIGINATED, t0, 32000, 0);
	w_free(w);
}

/* 183 with media, PRACK, 180, UPDATE before the answer: none of them is it. */
ATF_TC_WITHOUT_HEAD(early_media);
ATF_TC_BODY(early_media, tc)
{
	struct world	*w = start();
	const char	*req, *got;
	uint64_t	 t0;

	ATF_REQUIRE((req = out(w, "1", "Supported: 100rel\n")) != NULL);
	w_answer(w, &trunk, req, "183 Session Progress", "b", CONTACT
	    "Require: 100rel\nRSeq: 5\nContent-Type: application/sdp\n\n" SDP);
	ATF_REQUIRE((got = w_find(w, "SIP/2.0 183 ")) != NULL);
	ATF_CHECK_STREQ("5", w_hdr(got, "RSeq"));
	ATF_REQUIRE((got = within(w, &pbx, "PRACK", "1", "a1", "b", 2,
	    "RAck: 5 1 INVITE\n")) != NULL);
	w_answer(w, &trunk, got, "200 OK", "", "");
	w_pass(w, 20000);
	ATF_REQUIRE((got = within(w, &trunk, "UPDATE", "1", "b", "a1", 1, CONTACT)) != NULL);
	w_answer(w, &pbx, got, "200 OK", "", "Contact: <" ALICE ">\n");
	w_pass(w, 20000);
	w_answer(w, &trunk, req, "180 Ringing", "b", CONTACT);
	ATF_CHECK_EQ(0, proxy_calls(w->w_px));
	w_pass(w, 20000);
	t0 = w->w_boot;
	w_answer(w, &trunk, req, "200 OK", "b", CONTACT);
	(void)within(w, &pbx, "ACK", "1", "a1", "b", 1, "");
	w_pass(w, 65432);
	hang_up(w, 1, "a1", "1");
	leg(w, 0, LEG_ORIGINATED, t0, 65432, 0);
	w_free(w);
}

/* Ringing for longer than an early dialog lasts without a sign. */
ATF_TC_WITHOUT_HEAD(long_ring);
ATF_TC_BODY(long_ring, tc)
{
	struct world	*w = start();
	const char	*req, *got;
	uint64_t	 t0;
	int		 i;

	ATF_REQUIRE((req = out(w, "1", "")) != NULL);
	for (i = 0; i < 10; i++) {
		w_answer(w, &trunk, req, "182 Queued", "b", CONTACT);
		w_pass(w, 60000);
	}
	ATF_REQUIRE((got = within(w, &pbx, "INFO", "1", "a1", "b", 2, "")) != NULL);
	w_answer(w, &trunk, got, "200 OK", "", "");
	t0 = w->w_boot;
	w_answer(w, &trunk, req, "200 OK", "b", CONTACT);
	w_pass(w, 60001);
	hang_up(w, 0, "b", "1");
	leg(w, 0, LEG_ORIGINATED, t0, 60001, 0);
	w_free(w);
}

/*
 * A fork behind the trunk or the PBX.  Who answers later makes no leg; where
 * the first leaves and another stays, no record can be right.
 */
ATF_TC_WITHOUT_HEAD(forks);
ATF_TC_BODY(forks, tc)
{
	struct world	*w;
	const char	*req;
	uint64_t	 t0;
	int		 how;

	for (how = 0; how < 3; how++) {
		w = start();
		ATF_REQUIRE((req = out(w, "1", "")) != NULL);
		w_answer(w, &trunk, req, "180 Ringing", "c", CONTACT);
		w_answer(w, &trunk, req, "180 Ringing", "b", CONTACT);
		if (how == 2)
			w_answer(w, &trunk, req, "180 Ringing", "d", CONTACT);
		w_pass(w, 900);
		t0 = w->w_boot;
		w_answer(w, &trunk, req, "200 OK", "b", CONTACT);
		w_pass(w, 50);
		w->w_next = w->w_nsent;
		w_answer(w, &trunk, req, "200 OK", "c", CONTACT);
		/* Both are passed: the caller ends one of them. */
		ATF_CHECK_EQ(1, w_count(w, "SIP/2.0 200 "));
		w_pass(w, 50);
		switch (how) {
		case 0:
			ATF_CHECK(within(w, &pbx, "BYE", "1", "a1", "c", 2, "") != NULL);
			w_pass(w, 60000);
			ATF_CHECK_EQ(0, w->w_nlegs);
			hang_up(w, 1, "a1", "1");
			leg(w, 0, LEG_ORIGINATED, t0, 60100, 0);
			break;
		case 1:
			hang_up(w, 1, "a1", "1");
			w_pass(w, 60000);
			ATF_CHECK(within(w, &pbx, "BYE", "1", "a1", "c", 2, "") != NULL);
			w_pass(w, 1000);
			ATF_CHECK_EQ(0, w->w_nlegs);
			ATF_CHECK_EQ(1, dropped(w));
			break;
		case 2:		/* a third one answers what is over for it */
			ATF_CHECK(within(w, &pbx, "BYE", "1", "a1", "d", 2, "") != NULL);
			w_answer(w, &trunk, req, "200 OK", "d", CONTACT);
			ATF_CHECK(within(w, &trunk, "BYE", "1", "c", "a1", 2, "") != NULL);
			w_pass(w, 60000);
			hang_up(w, 0, "b", "1");
			leg(w, 0, LEG_ORIGINATED, t0, 60100, 0);
			break;
		}
		w_pass(w, 86400000);
		ATF_CHECK_EQ(how == 1 ? 0 : 1, w->w_nlegs);
		ATF_CHECK_EQ(0, proxy_calls(w->w_px));
		w_free(w);
	}
}

/* A PBX with thirty telephones in one group; the last that rings answers. */
ATF_TC_WITHOUT_HEAD(ring_group);
ATF_TC_BODY(ring_group, tc)
{
	struct world		*w = start();
	struct proxy_stats	 ps;
	const char		*req;
	char			 tag[16];
	uint64_t		 t0;
	int			 i;

	ATF_REQUIRE((req = in(w, "1")) != NULL);
	for (i = 0; i < 30; i++) {
		(void)snprintf(tag, sizeof(tag), "r%d", i);
		w_answer(w, &pbx, req, "180 Ringing", tag, "Contact: <" ALICE ">\n");
	}
	ATF_CHECK_EQ(30, w_count(w, "SIP/2.0 180 "));
	proxy_stats(w->w_px, &ps);
	ATF_CHECK(ps.ps_dialogs <= 16);
	t0 = w->w_boot;
	w_answer(w, &pbx, req, "200 OK", "b", "Contact: <" ALICE ">\n");
	w_pass(w, 60000);
	hang_up(w, 0, "a1", "1");
	leg(w, 0, LEG_TERMINATED, t0, 60000, 0);
	w_pass(w, 300000);
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ(0, ps.ps_dialogs);
	w_free(w);
}

/* BYE before the ACK, BYE while it rings, BYE of the callee at once. */
ATF_TC_WITHOUT_HEAD(hasty);
ATF_TC_BODY(hasty, tc)
{
	struct world	*w = start();
	const char	*req;
	uint64_t	 t0;

	ATF_REQUIRE((req = out(w, "1", "")) != NULL);
	t0 = w->w_boot;
	w_answer(w, &trunk, req, "200 OK", "b", CONTACT);
	w_pass(w, 3);
	hang_up(w, 1, "a1", "1");
	/* The ACK still passes. */
	ATF_CHECK(within(w, &pbx, "ACK", "1", "a1", "b", 1, "") != NULL);
	leg(w, 0, LEG_ORIGINATED, t0, 3, 0);

	ATF_REQUIRE((req = out(w, "2", "")) != NULL);
	w_answer(w, &trunk, req, "180 Ringing", "b", CONTACT);
	hang_up(w, 1, "a2", "2");
	w_answer(w, &trunk, req, "487 Terminated", "b", "");
	ATF_CHECK(w_find(w, "SIP/2.0 487 ") != NULL);
	/* The same, but the answer was on its way: no call came of it. */
	ATF_REQUIRE((req = out(w, "3", "")) != NULL);
	w_answer(w, &trunk, req, "180 Ringing", "b", CONTACT);
	hang_up(w, 1, "a3", "3");
	w_answer(w, &trunk, req, "200 OK", "b", CONTACT);
	ATF_CHECK_EQ(0, proxy_calls(w->w_px));
	w_pass(w, 100000);
	ATF_CHECK_EQ(1, w->w_nlegs);
	w_free(w);
}

/* CANCEL: in time; crossed by the 200; and a 200 that comes after all is over. */
ATF_TC_WITHOUT_HEAD(cancelled);
ATF_TC_BODY(cancelled, tc)
{
	struct world	*w = start();
	const char	*req, *got;
	uint64_t	 t0;

	ATF_REQUIRE((req = out(w, "1", "")) != NULL);
	w_answer(w, &trunk, req, "180 Ringing", "b", CONTACT);
	cancel(w, "1");
	ATF_REQUIRE((got = w_find(w, "CANCEL ")) != NULL);
	w_answer(w, &trunk, got, "200 OK", "b", "");
	w_answer(w, &trunk, req, "487 Terminated", "b", "");
	ATF_CHECK(w_find(w, "SIP/2.0 487 ") != NULL);

	ATF_REQUIRE((req = out(w, "2", "")) != NULL);
	w_answer(w, &trunk, req, "180 Ringing", "b", CONTACT);
	cancel(w, "2");
	t0 = w->w_boot;
	w_answer(w, &trunk, req, "200 OK", "b", CONTACT);
	ATF_CHECK_EQ(2, w_count(w, "SIP/2.0 200 "));
	w_pass(w, 25);
	hang_up(w, 1, "a2", "2");
	leg(w, 0, LEG_ORIGINATED, t0, 25, 0);

	ATF_REQUIRE((req = out(w, "3", "")) != NULL);
	w_answer(w, &trunk, req, "180 Ringing", "b", CONTACT);
	cancel(w, "3");
	w_pass(w, 33000);
	ATF_CHECK(w_find(w, "SIP/2.0 487 ") != NULL);
	w->w_next = w->w_nsent;
	w_answer(w, &trunk, req, "200 OK", "b", CONTACT);
	ATF_CHECK_EQ(0, w_count(w, "SIP/2.0 200 "));
	ATF_CHECK_EQ(0, proxy_calls(w->w_px));
	w_pass(w, 100000);
	ATF_CHECK_EQ(1, w->w_nlegs);
	w_free(w);
}

/* The wall clock jumps in mid-call; key is told, and what really passed. */
ATF_TC_WITHOUT_HEAD(clock_steps);
ATF_TC_BODY(clock_steps, tc)
{
	static const int64_t	 step[] = { 3600000, -3600000, 501, -501, 500 };
	struct world		*w;
	const char		*req;
	uint64_t		 t0;
	size_t			 i;

	for (i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		w = start();
		ATF_REQUIRE((req = out(w, "1", "")) != NULL);
		t0 = w->w_boot;
		w_answer(w, &trunk, req, "200 OK", "b", CONTACT);
		w_pass(w, 30000);
		w->w_utc = (uint64_t)((int64_t)w->w_utc + step[i]);
		w_pass(w, 40000);
		hang_up(w, 1, "a1", "1");
		w_pass(w, 700);
		ATF_REQUIRE_EQ(1, w->w_nlegs);
		ATF_CHECK_EQ(t0, w->w_legs[0].lg_boot_start);
		ATF_CHECK_EQ(70000, w->w_legs[0].lg_boot_stop - w->w_legs[0].lg_boot_start);
		ATF_CHECK_EQ(step[i] == 500 ? 0 : LEG_F_STEPPED, w->w_legs[0].lg_flags);
		w_free(w);
	}
}

/* Hold, other media, a transfer with REFER, one with Replaces. */
ATF_TC_WITHOUT_HEAD(transfers);
ATF_TC_BODY(transfers, tc)
{
	struct world	*w = start();
	const char	*req, *got;
	uint64_t	 t0, t1;

	ATF_REQUIRE((req = out(w, "1", "")) != NULL);
	t0 = w->w_boot;
	w_answer(w, &trunk, req, "200 OK", "b", CONTACT);
	w_pass(w, 10000);
	/* The caller holds, the callee resumes elsewhere. */
	ATF_REQUIRE((got = within(w, &pbx, "INVITE", "1", "a1", "b", 2, "Contact: <" ALICE
	    ">\nContent-Type: application/sdp\n\n" SDP "a=sendonly\n")) != NULL);
	w_answer(w, &trunk, got, "200 OK", "", CONTACT);
	ATF_CHECK(within(w, &pbx, "ACK", "1", "a1", "b", 2, "") != NULL);
	w_pass(w, 10000);
	ATF_REQUIRE((got = within(w, &trunk, "INVITE", "1", "b", "a1", 1, CONTACT
	    "Content-Type: application/sdp\n\n" SDP)) != NULL);
	w_answer(w, &pbx, got, "488 Not Here", "", "");
	/* The callee is sent elsewhere: REFER, its NOTIFYs, then BYE. */
	ATF_REQUIRE((got = within(w, &pbx, "REFER", "1", "a1", "b", 3,
	    "Refer-To: <sip:+4989999999@192.0.2.9>\nContact: <" ALICE ">\n")) != NULL);
	w_answer(w, &trunk, got, "202 Accepted", "", CONTACT);
	ATF_REQUIRE((got = within(w, &trunk, "NOTIFY", "1", "b", "a1", 2,
	    "Event: refer\nSubscription-State: active\n")) != NULL);
	w_answer(w, &pbx, got, "200 OK", "", "");
	ATF_CHECK_EQ(1, proxy_calls(w->w_px));
	w_pass(w, 45000);
	/* An attended one: a new call in place of the old one. */
	w_pass(w, 2000);
	ATF_REQUIRE((req = out(w, "2", "Replaces: 1;to-tag=b;from-tag=a1\n")) != NULL);
	t1 = w->w_boot;
	w_answer(w, &trunk, req, "200 OK", "b", CONTACT);
	w_pass(w, 100);
	hang_up(w, 0, "b", "1");
	leg(w, 0, LEG_ORIGINATED, t0, 67100, 0);
	w_pass(w, 60000);
	hang_up(w, 0, "b", "2");
	leg(w, 1, LEG_ORIGINATED, t1, 60800, LEG_F_DIVERTED);
	w_free(w);
}

/* A trunk's 302 goes to the PBX; the new call has the new number. */
ATF_TC_WITHOUT_HEAD(redirected);
ATF_TC_BODY(redirected, tc)
{
	struct world	*w = start();
	const char	*req;
	uint64_t	 t0;

	ATF_REQUIRE((req = out(w, "1", "")) != NULL);
	w_answer(w, &trunk, req, "302 Moved", "b", "Contact: <sip:+4989999999@192.0.2.9>\n");
	ATF_CHECK(w_find(w, "SIP/2.0 302 ") != NULL);
	w_pass(w, 1000);
	ATF_CHECK_EQ(0, w->w_nlegs);
	ATF_REQUIRE((req = out(w, "2", "")) != NULL);
	t0 = w->w_boot;
	w_answer(w, &trunk, req, "200 OK", "b", CONTACT);
	w_pass(w, 60000);
	hang_up(w, 1, "a2", "2");
	leg(w, 0, LEG_ORIGINATED, t0, 60000, 0);
	w_free(w);
}

/* What a forwarded call carries marks it, whoever forwarded it. */
ATF_TC_WITHOUT_HEAD(forwarded);
ATF_TC_BODY(forwarded, tc)
{
	static const char *const rows[] = { "Diversion: <sip:+4930123459@x>;reason=no-answer\n",
	    "History-Info: <sip:+4930123459@x>;index=1\n", "Referred-By: <sip:x@10.0.0.5>\n",
	    "Replaces: x;to-tag=1;from-tag=2\n", "Subject: Diversion\n" };
	struct world	*w;
	const char	*a, *b;
	uint64_t	 t0;
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w = start();
		ATF_REQUIRE((a = out(w, "1", rows[i])) != NULL);
		t0 = w->w_boot;
		w_answer(w, &trunk, a, "200 OK", "b", CONTACT);
		w_pass(w, 60000);
		hang_up(w, 0, "b", "1");
		leg(w, 0, LEG_ORIGINATED, t0, 60000, i == 4 ? 0 : LEG_F_DIVERTED);
		w_free(w);
	}
	/* A stranger rings, the PBX rings FAR and joins the two. */
	w = start();
	ATF_REQUIRE((a = in(w, "1")) != NULL);
	ATF_REQUIRE((b = out(w, "2", "")) != NULL);
	t0 = w->w_boot;
	w_answer(w, &trunk, b, "200 OK", "b", CONTACT);
	w_pass(w, 300);
	w_answer(w, &pbx, a, "200 OK", "b", "Contact: <" ALICE ">\n");
	w_pass(w, 60000);
	hang_up(w, 0, "a1", "1");
	w_pass(w, 300);
	hang_up(w, 1, "a2", "2");
	w_pass(w, 700);
	ATF_REQUIRE_EQ(2, w->w_nlegs);
	ATF_CHECK_EQ(LEG_TERMINATED, w->w_legs[0].lg_kind);
	ATF_CHECK_EQ(0, w->w_legs[0].lg_flags);
	ATF_CHECK_EQ(LEG_ORIGINATED, w->w_legs[1].lg_kind);
	ATF_CHECK_EQ(LEG_F_SHADOWED, w->w_legs[1].lg_flags);
	w_free(w);
}

/*
 * sipgw starts anew in mid-call: requests still find their way, there is no
 * record, and the end of the forgotten call shadows that of another.
 */
ATF_TC_WITHOUT_HEAD(restart);
ATF_TC_BODY(restart, tc)
{
	struct world	*w = start();
	const char	*req, *got;
	uint64_t	 t0;
	int		 near;

	for (near = 0; near < 2; near++) {
		ATF_REQUIRE((req = out(w, near ? "3" : "1", "")) != NULL);
		t0 = w->w_boot;
		w_answer(w, &trunk, req, "200 OK", "b", CONTACT);
		w_pass(w, 70000);
		/* Of this one nothing is known, even after a re-INVITE. */
		ATF_REQUIRE((got = within(w, &trunk, "INVITE", near ? "old" : "lost", "x", "y",
		    7, CONTACT)) != NULL);
		w_answer(w, &pbx, got, "200 OK", "", "Contact: <" ALICE ">\n");
		hang_up(w, 1, near ? "a3" : "a1", near ? "3" : "1");
		w_pass(w, near ? 400 : 600);
		ATF_CHECK(within(w, &trunk, "BYE", near ? "old" : "lost", "x", "y", 8, "") !=
		    NULL);
		leg(w, (size_t)near, LEG_ORIGINATED, t0, 70000, near ? LEG_F_SHADOWED : 0);
	}
	/* The same BYE once more is no second ghost. */
	ATF_REQUIRE((req = out(w, "5", "")) != NULL);
	t0 = w->w_boot;
	w_answer(w, &trunk, req, "200 OK", "b", CONTACT);
	w_pass(w, 70000);
	ATF_CHECK(within(w, &trunk, "BYE", "old", "x", "y", 9, "") != NULL);
	hang_up(w, 1, "a5", "5");
	leg(w, 2, LEG_ORIGINATED, t0, 70000, 0);
	w_pass(w, 100000);
	ATF_CHECK_EQ(3, w->w_nlegs);
	w_free(w);
}

/* The trunk changes in mid-set-up: what the first says later is not the call. */
ATF_TC_WITHOUT_HEAD(fail_over);
ATF_TC_BODY(fail_over, tc)
{
	struct world	*w = start();
	struct sip_flow	 second;
	const char	*req, *again;
	uint64_t	 t0;

	w_flow_udp(&second, "192.0.2.10", 5060);
	ATF_REQUIRE((req = out(w, "1", "")) != NULL);
	w_answer(w, &trunk, req, "503 Busy", "x", "");
	ATF_REQUIRE((again = w_find(w, "INVITE ")) != NULL);
	w_pass(w, 500);
	t0 = w->w_boot;
	w_answer(w, &second, again, "200 OK", "b", CONTACT);
	w_answer(w, &trunk, req, "200 OK", "x", CONTACT);
	ATF_CHECK_EQ(1, w_count(w, "SIP/2.0 200 "));
	w_pass(w, 60000);
	hang_up(w, 1, "a1", "1");
	leg(w, 0, LEG_ORIGINATED, t0, 60000, 0);
	w_free(w);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, plain);
	ATF_TP_ADD_TC(tp, byes);
	ATF_TP_ADD_TC(tp, no_bye);
	ATF_TP_ADD_TC(tp, repeats);
	ATF_TP_ADD_TC(tp, early_media);
	ATF_TP_ADD_TC(tp, long_ring);
	ATF_TP_ADD_TC(tp, forks);
	ATF_TP_ADD_TC(tp, ring_group);
	ATF_TP_ADD_TC(tp, hasty);
	ATF_TP_ADD_TC(tp, cancelled);
	ATF_TP_ADD_TC(tp, clock_steps);
	ATF_TP_ADD_TC(tp, transfers);
	ATF_TP_ADD_TC(tp, redirected);
	ATF_TP_ADD_TC(tp, forwarded);
	ATF_TP_ADD_TC(tp, restart);
	ATF_TP_ADD_TC(tp, fail_over);
	return (atf_no_error());
}
