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
 * Calls that go every way at once, in an order that chance decides (the same
 * each time), beside a model that knows only the definitions: a leg begins with
 * the first 200 that is passed on and ends with the first BYE.  Each report
 * must be what the model says, and none may be missing or too many.
 */

#include <atf-c.h>

#include "proxy_harness.h"

#define RUNS	200
#define STEPS	600
#define CALLS	5
#define TAGS	3		/* telephones that a call forks to */
#define ALL	512		/* legs of a run */
#define LINGER	35000

#define OURS	"+4930123451"

/* One telephone of a call. */
struct fork {
	int		 fo_rang, fo_up;
	uint64_t	 fo_answer;
	uint64_t	 fo_bye;	/* 0: none yet */
};

struct call {
	int		 ca_used;
	int		 ca_lost;	/* sipgw started anew since */
	int		 ca_ghost;	/* and saw a BYE of it */
	int		 ca_kind;	/* enum leg_kind */
	unsigned	 ca_id;
	int		 ca_over;	/* a final answer that is no 2xx was passed */
	int		 ca_leg;	/* index in legs, -1 none */
	int		 ca_first;	/* telephone whose answer made it */
	unsigned	 ca_cseq;
	char		*ca_req;	/* the INVITE as it left us */
	struct fork	 ca_forks[TAGS];
};

struct model {
	int		 mo_kind;
	uint64_t	 mo_start, mo_stop;
	int		 mo_silent;
	int		 mo_seen;
	int		 mo_lost;	/* it was up, or not told yet, at a new start */
};

static struct world	*w;
static struct seal_keys	 keys;
static struct sip_flow	 pbx, trunk, peer;
static struct call	 calls[CALLS];
static struct model	 legs[ALL];
static size_t		 nlegs;
static unsigned		 next_id, dice_state;
static size_t		 reports, shadows, silents, ghosts;

static unsigned		 dice(unsigned);
static void		 drain(void);
static const char	*sent(const char *, unsigned, const char *);
static const struct sip_flow *near_flow(const struct call *);
static const struct sip_flow *far_flow(const struct call *);
static void		 ring(struct call *);
static void		 answer(struct call *);
static void		 refuse(struct call *);
static void		 give_up(struct call *);
static void		 within(struct call *, int, int, const char *, unsigned);
static void		 bye(struct call *);
static void		 talk(struct call *);
static void		 dial(struct call *);
static void		 end(struct call *);
static void		 anew(void);
static void		 report(const struct imsg_leg *);
static unsigned		 shadow(const struct model *);
static void		 chance(struct call *);
static void		 run(unsigned);

static unsigned
dice(unsigned n)
{
	dice_state = dice_state * 1664525u + 1013904223u;
	return ((dice_state >> 8) % n);
}

/* Forget what was sent, look at what was reported. */
static void
drain(void)
{
	size_t	i;

	for (i = 0; i < w->w_nsent; i++)
		free(w->w_sent[i].se_text);
	w->w_nsent = w->w_next = 0;
	for (i = 0; i < w->w_nlegs; i++)
		report(&w->w_legs[i]);
	w->w_nlegs = 0;
	w->w_log[0] = '\0';
}

/* What left since the last drain, of one call: begins with start, and has tag
 * in it (NULL: any). */
static const char *
sent(const char *start, unsigned id, const char *tag)
{
	const char	*v;
	char		 callid[32];
	size_t		 i;

	(void)snprintf(callid, sizeof(callid), "call%u", id);
	for (i = 0; i < w->w_nsent; i++) {
		v = w->w_sent[i].se_text;
		if (strncmp(v, start, strlen(start)) == 0 &&
		    strcmp(w_hdr(v, "Call-ID"), callid) == 0 &&
		    strstr(w_hdr(v, "CSeq"), "INVITE") != NULL &&
		    (tag == NULL || strstr(w_hdr(v, "To"), tag) != NULL))
			return (v);
	}
	return (NULL);
}

static const struct sip_flow *
near_flow(const struct call *ca)
{
	return (ca->ca_kind == LEG_ORIGINATED ? &pbx : ca->ca_kind == LEG_TERMINATED ?
	    &trunk : &peer);
}

static const struct sip_flow *
far_flow(const struct call *ca)
{
	return (ca->ca_kind == LEG_ORIGINATED ? &trunk : &pbx);
}

static void
dial(struct call *ca)
{
	const char	*req;
	static const int kinds[] = { LEG_ORIGINATED, LEG_ORIGINATED, LEG_TERMINATED,
	    LEG_OUTSIDE_IN };

	memset(ca, 0, sizeof(*ca));
	ca->ca_kind = kinds[dice(4)];
	ca->ca_id = next_id++;
	ca->ca_leg = -1;
	ca->ca_cseq = 1;
	w_in(w, near_flow(ca), "INVITE sip:%s@%s SIP/2.0\nVia: SIP/2.0/%s;branch=z9hG4bKi%u\n"
	    "Max-Forwards: 70\nFrom: <sip:%s%u@x.example>;tag=a\nTo: <sip:y@y.example>\n"
	    "Call-ID: call%u\nCSeq: 1 INVITE\nContact: <sip:x@%s>\n%s",
	    ca->ca_kind == LEG_ORIGINATED ? "040123456" : OURS,
	    ca->ca_kind == LEG_OUTSIDE_IN ? "a.example" : "10.0.0.1",
	    ca->ca_kind == LEG_ORIGINATED ? "UDP 10.0.0.5:5060" :
	    ca->ca_kind == LEG_TERMINATED ? "UDP 192.0.2.9:5060" : "TLS b.example:5061",
	    ca->ca_id, ca->ca_kind == LEG_ORIGINATED ? "03012345" : "+49401111111",
	    ca->ca_id % 10, ca->ca_id, ca->ca_kind == LEG_ORIGINATED ? "10.0.0.5:5060" :
	    ca->ca_kind == LEG_TERMINATED ? "192.0.2.9:5060" : "b.example;transport=tls",
	    ca->ca_kind == LEG_OUTSIDE_IN ? "ViPR-Ticket: R09PRA\n" : "");
	if (ca->ca_kind == LEG_OUTSIDE_IN)
		proxy_ticket(w->w_px, w->w_ticket, REFUSAL_NONE, 0, w->w_utc / 1000 + 864000);
	/* Four live calls of one peer or one caller: then it is refused. */
	if ((req = sent("INVITE ", ca->ca_id, NULL)) == NULL)
		return;
	ca->ca_req = strdup(req);
	ca->ca_used = 1;
}

static void
end(struct call *ca)
{
	free(ca->ca_req);
	memset(ca, 0, sizeof(*ca));
}

static void
ring(struct call *ca)
{
	struct fork	*fo = &ca->ca_forks[dice(TAGS)];
	char		 tag[16], status[32];
	int		 code = dice(2) ? 180 : 183;

	(void)snprintf(tag, sizeof(tag), "t%d", (int)(fo - ca->ca_forks));
	(void)snprintf(status, sizeof(status), "%d Soon", code);
	w_answer(w, far_flow(ca), ca->ca_req, status, tag, "Contact: <sip:z@192.0.2.9:5060>\n");
	if (sent("SIP/2.0 18", ca->ca_id, tag) != NULL)
		fo->fo_rang = 1;
}

/* A 200, perhaps not the first and perhaps a repeat. */
static void
answer(struct call *ca)
{
	int		 n = (int)dice(TAGS);
	struct fork	*fo = &ca->ca_forks[n];
	char		 tag[16];

	(void)snprintf(tag, sizeof(tag), "t%d", n);
	w_answer(w, far_flow(ca), ca->ca_req, "200 OK", tag, "Contact: <sip:z@192.0.2.9:5060>\n");
	if (sent("SIP/2.0 200 ", ca->ca_id, tag) == NULL || fo->fo_up ||
	    (fo->fo_bye != 0 && w->w_boot - fo->fo_bye < LINGER))
		return;
	fo->fo_up = 1;
	fo->fo_bye = 0;
	fo->fo_answer = w->w_boot;
	if (ca->ca_leg != -1)
		return;
	ATF_REQUIRE(nlegs < ALL);
	ca->ca_leg = (int)nlegs;
	ca->ca_first = n;
	memset(&legs[nlegs], 0, sizeof(legs[0]));
	legs[nlegs].mo_kind = ca->ca_kind;
	legs[nlegs++].mo_start = w->w_boot;
}

static void
refuse(struct call *ca)
{
	w_answer(w, far_flow(ca), ca->ca_req, dice(2) ? "486 Busy" : "404 Nobody", "t9", "");
	ca->ca_over |= sent("SIP/2.0 4", ca->ca_id, NULL) != NULL;
}

static void
give_up(struct call *ca)
{
	if (ca->ca_kind == LEG_OUTSIDE_IN)
		return;
	w_in(w, near_flow(ca), "CANCEL sip:x@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP %s:5060;"
	    "branch=z9hG4bKi%u\nMax-Forwards: 70\nFrom: <sip:x@x.example>;tag=a\n"
	    "To: <sip:y@y.example>\nCall-ID: call%u\nCSeq: 1 CANCEL\n",
	    ca->ca_kind == LEG_ORIGINATED ? "10.0.0.5" : "192.0.2.9", ca->ca_id, ca->ca_id);
}

/* A request inside the dialog with telephone n; by the caller, or by it. */
static void
within(struct call *ca, int n, int callee, const char *method, unsigned cseq)
{
	const struct sip_flow	*fl = callee ? far_flow(ca) : near_flow(ca);
	char			 host[VADDR_STRLEN], tag[16];

	(void)snprintf(tag, sizeof(tag), "t%d", n);
	w_in(w, fl, "%s %s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bKr%u\n"
	    "Max-Forwards: 70\nFrom: <sip:x@x.example>;tag=%s\nTo: <sip:y@y.example>;tag=%s\n"
	    "Call-ID: call%u\nCSeq: %u %s\nContact: <sip:m@%s>\n", method,
	    fl == &pbx ? "sip:z@192.0.2.9:5060" : "sip:z@10.0.0.5:5060",
	    vaddr_str(&fl->fl_peer, host, sizeof(host)), next_id++, callee ? tag : "a",
	    callee ? "a" : tag, ca->ca_id, cseq, method, host);
}

static void
bye(struct call *ca)
{
	int		 n = (int)dice(TAGS), i, callee;
	struct fork	*fo = &ca->ca_forks[n];

	/* Where there is a dialog.  The outside hangs up by a seal, which other
	 * tests try: here its PBX does. */
	if ((!fo->fo_up && !fo->fo_rang) || ca->ca_over)
		return;
	if (fo->fo_bye != 0 && w->w_boot - fo->fo_bye > LINGER - 1000)
		return;
	callee = ca->ca_kind == LEG_OUTSIDE_IN || dice(2);
	within(ca, n, callee, "BYE", ++ca->ca_cseq);
	if (ca->ca_lost) {
		/* The end of a call that nobody remembers: of an unknown kind. */
		if (ca->ca_ghost++ == 0) {
			ATF_REQUIRE(nlegs < ALL);
			memset(&legs[nlegs], 0, sizeof(legs[0]));
			legs[nlegs].mo_silent = 1;
			legs[nlegs++].mo_stop = w->w_boot;
			ghosts++;
		}
		return;
	}
	if (fo->fo_bye != 0)
		return;
	fo->fo_bye = w->w_boot;
	if (!fo->fo_up || ca->ca_leg == -1 || ca->ca_first != n)
		return;
	legs[ca->ca_leg].mo_stop = w->w_boot;
	for (i = 0; i < TAGS; i++)
		legs[ca->ca_leg].mo_silent |= ca->ca_forks[i].fo_up &&
		    ca->ca_forks[i].fo_bye == 0;
}

/* Something in mid-call, and an answer to it. */
static void
talk(struct call *ca)
{
	static const char *const methods[] = { "INVITE", "UPDATE", "INFO", "ACK" };
	static const char *const answers[] = { "200 OK", "488 No", "491 Wait", "481 What" };
	const char	*method = methods[dice(4)], *req;
	char		 line[16];
	size_t		 i;
	int		 n = (int)dice(TAGS), callee;

	if (!ca->ca_forks[n].fo_up || ca->ca_forks[n].fo_bye != 0)
		return;
	callee = ca->ca_kind == LEG_OUTSIDE_IN || dice(2);
	within(ca, n, callee, method, ++ca->ca_cseq);
	(void)snprintf(line, sizeof(line), "%s ", method);
	for (i = 0; i < w->w_nsent && strcmp(method, "ACK") != 0; i++) {
		if (strncmp(w->w_sent[i].se_text, line, strlen(line)) != 0)
			continue;
		req = strdup(w->w_sent[i].se_text);
		w_answer(w, callee ? near_flow(ca) : far_flow(ca), req, answers[dice(4)], "",
		    "Contact: <sip:m@192.0.2.9:5060>\n");
		free((void *)(uintptr_t)req);
		return;
	}
}

/* sipgw starts anew; what it knew is gone. */
static void
anew(void)
{
	size_t	i;

	proxy_free(w->w_px);
	w->w_px = proxy_new(&w_ops, w, w->w_rtab, &keys, w->w_boot, w->w_utc);
	ATF_REQUIRE(w->w_px != NULL);
	proxy_conf(w->w_px, w->w_conf);
	for (i = 0; i < nlegs; i++)
		legs[i].mo_lost = 1;
	for (i = 0; i < CALLS; i++) {
		calls[i].ca_lost = calls[i].ca_used;
		calls[i].ca_ghost = 0;
		calls[i].ca_leg = -1;
	}
}

static unsigned
shadow(const struct model *mo)
{
	const struct model	*o;
	size_t			 i;

	for (i = 0; i < nlegs; i++) {
		o = &legs[i];
		if (o->mo_kind == LEG_ORIGINATED || o->mo_lost)
			continue;
		if ((o->mo_start > mo->mo_start ? o->mo_start - mo->mo_start :
		    mo->mo_start - o->mo_start) <= 500)
			return (LEG_F_SHADOWED);
		if (o->mo_stop != 0 && (o->mo_stop > mo->mo_stop ?
		    o->mo_stop - mo->mo_stop : mo->mo_stop - o->mo_stop) <= 500)
			return (LEG_F_SHADOWED);
	}
	return (0);
}

static void
report(const struct imsg_leg *lg)
{
	struct model	*mo;
	size_t		 i;

	for (i = 0; i < nlegs; i++) {
		mo = &legs[i];
		if (!mo->mo_seen && !mo->mo_lost && mo->mo_kind == lg->lg_kind &&
		    mo->mo_start == lg->lg_boot_start && mo->mo_stop == lg->lg_boot_stop)
			break;
	}
	ATF_REQUIRE_MSG(i < nlegs, "a leg that never was: kind %u from %llu to %llu",
	    lg->lg_kind, (unsigned long long)lg->lg_boot_start,
	    (unsigned long long)lg->lg_boot_stop);
	mo->mo_seen = 1;
	reports++;
	ATF_CHECK_EQ_MSG(0, mo->mo_silent, "a leg whose end nobody knows");
	if (lg->lg_kind == LEG_ORIGINATED)
		ATF_CHECK_EQ_MSG(shadow(mo), lg->lg_flags, "flags %x", lg->lg_flags);
	else
		ATF_CHECK_EQ(0, lg->lg_flags);
	shadows += lg->lg_flags != 0;
	ATF_CHECK_EQ(lg->lg_stop - lg->lg_start, lg->lg_boot_stop - lg->lg_boot_start);
}

/* One thing happens to a call. */
static void
chance(struct call *ca)
{
	switch (ca->ca_used ? dice(12) : 0) {
	case 0:
		if (!ca->ca_used)
			dial(ca);
		break;
	case 1:
	case 2:
		ring(ca);
		break;
	case 3:
	case 4:
		answer(ca);
		break;
	case 5:
		if (dice(4) == 0)
			refuse(ca);
		break;
	case 6:
		if (dice(4) == 0)
			give_up(ca);
		break;
	case 7:
	case 8:
		bye(ca);
		break;
	case 9:
		talk(ca);
		break;
	default:
		/* Most when they are over; of others becomes what may. */
		if (ca->ca_over || dice(20) == 0 || (ca->ca_leg != -1 &&
		    legs[ca->ca_leg].mo_stop != 0 && dice(3) == 0))
			end(ca);
		break;
	}
}

static void
run(unsigned seed)
{
	static const unsigned	 waits[] = { 1, 20, 90, 200, 400, 700, 3000, 9000 };
	struct proxy_stats	 ps;
	struct call		*ca;
	size_t			 i;
	int			 step;

	dice_state = seed;
	nlegs = 0;
	next_id = 1;
	w = w_new(0);
	w_name(w, 1, "b.example");
	memset(&keys, 0, sizeof(keys));
	seal_keys_rotate(&keys);
	anew();
	for (step = 0; step < STEPS; step++) {
		ca = &calls[dice(CALLS)];
		if (seed % 2 == 0 && dice(150) == 0)
			anew();
		chance(ca);
		drain();
		w_pass(w, waits[dice(8)] + dice(10));
		for (i = 0; i < CALLS; i++)
			if (calls[i].ca_used && calls[i].ca_leg == -1 &&
			    sent("SIP/2.0 4", calls[i].ca_id, NULL) != NULL)
				end(&calls[i]);	/* nobody answered in time */
		drain();
	}
	w_pass(w, 700);
	drain();
	for (i = 0; i < nlegs; i++) {
		if (legs[i].mo_lost)
			continue;
		ATF_CHECK_EQ_MSG(legs[i].mo_stop != 0 && !legs[i].mo_silent,
		    legs[i].mo_seen, "seed %u: leg %zu of kind %d, from %llu to %llu", seed,
		    i, legs[i].mo_kind, (unsigned long long)legs[i].mo_start,
		    (unsigned long long)legs[i].mo_stop);
		silents += (size_t)legs[i].mo_silent;
	}
	/* A day later nothing is left of all this. */
	w_pass(w, 86400000);
	drain();
	w_pass(w, 86400000);
	drain();
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ_MSG(0, ps.ps_dialogs + ps.ps_contexts + ps.ps_txns + ps.ps_legs,
	    "seed %u: %zu dialogs, %zu contexts, %zu transactions, %zu legs are left", seed,
	    ps.ps_dialogs, ps.ps_contexts, ps.ps_txns, ps.ps_legs);
	/* Every place is free again. */
	for (i = 0; i < CALLS; i++)
		end(&calls[i]);
	for (i = 0; i < 4; i++) {
		do
			dial(&calls[0]);
		while (calls[0].ca_kind != LEG_OUTSIDE_IN);
		ATF_CHECK_MSG(calls[0].ca_used, "seed %u: place %zu is not free", seed, i);
		end(&calls[0]);
		drain();
	}
	w_free(w);
}

ATF_TC(any_order);
ATF_TC_HEAD(any_order, tc)
{
	atf_tc_set_md_var(tc, "timeout", "300");
}
ATF_TC_BODY(any_order, tc)
{
	unsigned	seed;

	w_flow_udp(&pbx, "10.0.0.5", 5060);
	w_flow_udp(&trunk, "192.0.2.9", 5060);
	w_outflow(&peer, 1);
	for (seed = 1; seed <= RUNS; seed++)
		run(seed);
	/* It was worth it. */
	printf("%zu legs, %zu shadowed, %zu silent, %zu ghosts\n", reports, shadows,
	    silents, ghosts);
	ATF_CHECK(reports > 5 * RUNS && shadows > 20 && silents > RUNS &&
	    ghosts > RUNS);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, any_order);
	return (atf_no_error());
}
