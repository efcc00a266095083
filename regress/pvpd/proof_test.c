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
 * The PVP connection under a clock of the test's own: whole exchanges, every
 * prefix, every wrong order, bounds of each type, timers, the 50 ms grid.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proof.h"

#define WALL	1795169000000u

struct seen {
	struct proof	 s_proof;
	uint8_t		 s_out[16384];
	size_t		 s_outlen;
	int		 s_opens, s_ins, s_ends;
	uint16_t	 s_methods;
	uint64_t	 s_peer_now, s_arrived;
	unsigned	 s_type;		/* last message for key */
	uint8_t		 s_body[PROOF_BODY_MAX];
	size_t		 s_len;
	unsigned	 s_reason, s_code, s_linger;
	uint32_t	 s_retry;
	char		 s_why[64];
	char		 s_text[256];
};

static void
on_send(struct proof *p, const void *buf, size_t len)
{
	struct seen	*s = p->p_arg;

	ATF_REQUIRE(s->s_outlen + len <= sizeof(s->s_out));
	memcpy(s->s_out + s->s_outlen, buf, len);
	s->s_outlen += len;
}

static void
on_open(struct proof *p, uint16_t methods, uint64_t peer_now, uint64_t arrived)
{
	struct seen	*s = p->p_arg;

	s->s_opens++;
	s->s_methods = methods;
	s->s_peer_now = peer_now;
	s->s_arrived = arrived;
}

static void
on_in(struct proof *p, unsigned type, const void *body, size_t len)
{
	struct seen	*s = p->p_arg;

	s->s_ins++;
	s->s_type = type;
	memcpy(s->s_body, body, len);
	s->s_len = len;
}

static void
on_end(struct proof *p, unsigned reason, unsigned code, uint32_t retry,
    unsigned linger, const char *why, const void *text, size_t textlen)
{
	struct seen	*s = p->p_arg;

	s->s_ends++;
	s->s_reason = reason;
	s->s_code = code;
	s->s_retry = retry;
	s->s_linger = linger;
	snprintf(s->s_why, sizeof(s->s_why), "%s", why);
	snprintf(s->s_text, sizeof(s->s_text), "%.*s", (int)textlen,
	    text == NULL ? "" : (const char *)text);
}

static const struct proof_ops ops = { on_send, on_open, on_in, on_end };

static void
start(struct seen *s, unsigned role, uint64_t now)
{
	memset(s, 0, sizeof(*s));
	proof_init(&s->s_proof, role, &ops, s, now);
}

/* Type and length of the first message in the output; takes it off. */
static unsigned
sent(struct seen *s, size_t *len)
{
	unsigned	 type;
	size_t		 n;

	ATF_REQUIRE(s->s_outlen >= PROOF_HEADER);
	ATF_REQUIRE_EQ(0, proof_header(s->s_out, &type, &n));
	ATF_REQUIRE(s->s_outlen >= PROOF_HEADER + n);
	s->s_outlen -= PROOF_HEADER + n;
	memmove(s->s_out, s->s_out + PROOF_HEADER + n, s->s_outlen);
	if (len != NULL)
		*len = n;
	return (type);
}

static unsigned
refusal(struct seen *s)
{
	unsigned	 code;
	uint32_t	 retry;
	const uint8_t	*text;
	size_t		 textlen;

	ATF_REQUIRE(s->s_outlen > PROOF_HEADER);
	ATF_REQUIRE_EQ(PVP_REFUSE, s->s_out[0]);
	ATF_REQUIRE_EQ(0, proof_refuse_parse(s->s_out + PROOF_HEADER,
	    s->s_outlen - PROOF_HEADER, &code, &retry, &text, &textlen));
	s->s_outlen = 0;
	return (code);
}

static size_t
make(uint8_t *buf, unsigned type, size_t len)
{
	buf[0] = (uint8_t)type;
	buf[1] = (uint8_t)(len >> 8);
	buf[2] = (uint8_t)len;
	memset(buf + 3, 0x42, len);
	if (type == PVP_HELLO)
		return (proof_hello_write(buf, PROOF_MESSAGE_MAX, PROOF_METHODS,
		    WALL + 5));
	if (type == PVP_REFUSE)
		return (proof_refuse_write(buf, PROOF_MESSAGE_MAX,
		    REFUSE_NO_MATCH, 7, "no"));
	return (PROOF_HEADER + len);
}

static const size_t	 good_len[] = { 11, 50, 101, 64, 100, 300, 9 };

static size_t
give(struct seen *s, unsigned type, uint64_t now)
{
	uint8_t	 buf[PROOF_MESSAGE_MAX];
	size_t	 n;

	n = make(buf, type, good_len[type]);
	return (proof_input(&s->s_proof, buf, n, now, WALL + now) == n ? n : 0);
}

static int
out(struct seen *s, unsigned type, unsigned flags, uint64_t now)
{
	uint8_t	 body[PROOF_BODY_MAX] = { 0 };
	size_t	 len = type == PVP_CLOSE ? 0 : good_len[type];

	if (type == PVP_REFUSE) {
		body[1] = REFUSE_LIMIT;
		body[6] = 2;
	}
	return (proof_output(&s->s_proof, type, flags, body, len, now));
}

/* A responder that is about to get message number n of the good order. */
static void
responder(struct seen *s, int step)
{
	start(s, PVP_RESPONDER, 100);
	proof_tls_up(&s->s_proof, 110, WALL);
	ATF_REQUIRE_EQ(PVP_HELLO, sent(s, NULL));
	if (step == 0)
		return;
	ATF_REQUIRE(give(s, PVP_HELLO, 120));
	if (step == 1)
		return;
	ATF_REQUIRE(give(s, PVP_PROOF1, 130));
	if (step == 2)
		return;			/* key's turn */
	ATF_REQUIRE_EQ(0, out(s, PVP_PROOF2, 0, 140));
	ATF_REQUIRE_EQ(PVP_PROOF2, sent(s, NULL));
	if (step == 3)
		return;
	if (step == 4) {		/* run 1 */
		ATF_REQUIRE(give(s, PVP_PROOF1, 150));
		ATF_REQUIRE_EQ(0, out(s, PVP_PROOF2, 0, 160));
		ATF_REQUIRE_EQ(PVP_PROOF2, sent(s, NULL));
		return;
	}
	ATF_REQUIRE(give(s, PVP_PROOF3, 150));
	if (step == 5)
		return;
	ATF_REQUIRE(give(s, PVP_CLAIM, 160));
}

static void
initiator(struct seen *s, int step)
{
	start(s, PVP_INITIATOR, 100);
	proof_tls_up(&s->s_proof, 110, WALL);
	ATF_REQUIRE_EQ(PVP_HELLO, sent(s, NULL));
	if (step == 0)
		return;
	ATF_REQUIRE(give(s, PVP_HELLO, 120));
	if (step == 1)
		return;
	ATF_REQUIRE_EQ(0, out(s, PVP_PROOF1, 0, 130));
	ATF_REQUIRE_EQ(PVP_PROOF1, sent(s, NULL));
	if (step == 2)
		return;
	ATF_REQUIRE(give(s, PVP_PROOF2, 140));
	if (step == 3)
		return;
	ATF_REQUIRE_EQ(0, out(s, PVP_PROOF3, 0, 150));
	ATF_REQUIRE_EQ(0, out(s, PVP_CLAIM, 0, 150));
	ATF_REQUIRE_EQ(PVP_PROOF3, sent(s, NULL));
	ATF_REQUIRE_EQ(PVP_CLAIM, sent(s, NULL));
}

ATF_TC_WITHOUT_HEAD(responder_good);
ATF_TC_BODY(responder_good, tc)
{
	struct seen	 s;

	responder(&s, 1);
	ATF_CHECK_EQ(1, s.s_opens);
	ATF_CHECK_EQ(PROOF_METHODS, s.s_methods);
	ATF_CHECK_EQ(WALL + 5, s.s_peer_now);
	ATF_CHECK_EQ(WALL + 120, s.s_arrived);
	responder(&s, 6);
	ATF_CHECK_EQ(3, s.s_ins);
	ATF_CHECK_EQ(PVP_CLAIM, s.s_type);
	ATF_CHECK_EQ(100, s.s_len);
	ATF_REQUIRE_EQ(0, out(&s, PVP_ROUTE, 0, 200));
	ATF_CHECK_EQ(PVP_ROUTE, sent(&s, NULL));
	ATF_CHECK_EQ(1, s.s_ends);
	ATF_CHECK_EQ(PVP_END_CLOSED, s.s_reason);
	ATF_CHECK_EQ(PROOF_LINGER_MS, s.s_linger);
	ATF_CHECK_EQ(UINT64_MAX, proof_wake(&s.s_proof));
	/* What comes now is thrown away. */
	ATF_CHECK(give(&s, PVP_CLAIM, 210));
	ATF_CHECK_EQ(3, s.s_ins);
	proof_lost(&s.s_proof, "later");
	ATF_CHECK_EQ(1, s.s_ends);
}

ATF_TC_WITHOUT_HEAD(initiator_good);
ATF_TC_BODY(initiator_good, tc)
{
	struct seen	 s;
	uint8_t		 two[2 * PROOF_MESSAGE_MAX];
	size_t		 n;

	initiator(&s, 4);
	ATF_CHECK_EQ(1, s.s_ins);
	ATF_CHECK_EQ(PVP_PROOF2, s.s_type);
	/* What follows ROUTE is ignored, even nonsense. */
	n = make(two, PVP_ROUTE, 300);
	memset(two + n, 0xff, 50);
	ATF_CHECK_EQ(n + 50, proof_input(&s.s_proof, two, n + 50, 160, WALL));
	ATF_CHECK_EQ(PVP_ROUTE, s.s_type);
	ATF_CHECK_EQ(300, s.s_len);
	ATF_CHECK_EQ(1, s.s_ends);
	ATF_CHECK_EQ(PVP_END_CLOSED, s.s_reason);
	ATF_CHECK_EQ(0, s.s_outlen);
}

ATF_TC_WITHOUT_HEAD(second_run);
ATF_TC_BODY(second_run, tc)
{
	struct seen	 s;

	initiator(&s, 3);
	ATF_REQUIRE_EQ(0, out(&s, PVP_PROOF1, 0, 150));
	ATF_CHECK_EQ(PVP_PROOF1, sent(&s, NULL));
	ATF_REQUIRE(give(&s, PVP_PROOF2, 160));
	ATF_REQUIRE_EQ(0, out(&s, PVP_CLOSE, 0, 170));
	ATF_CHECK_EQ(1, s.s_ends);
	ATF_CHECK_EQ(PVP_END_CLOSED, s.s_reason);
	ATF_CHECK_EQ(0, s.s_linger);
	/* Never a third. */
	initiator(&s, 3);
	ATF_REQUIRE_EQ(0, out(&s, PVP_PROOF1, 0, 150));
	ATF_REQUIRE(give(&s, PVP_PROOF2, 160));
	ATF_CHECK_EQ(-1, out(&s, PVP_PROOF1, 0, 170));
	responder(&s, 4);
	ATF_CHECK(give(&s, PVP_PROOF3, 170));
	ATF_CHECK_EQ(0, s.s_ends);
	responder(&s, 4);
	give(&s, PVP_PROOF1, 170);
	ATF_CHECK_EQ(REFUSE_PROTOCOL, refusal(&s));
	ATF_CHECK_EQ(PVP_END_PROTOCOL, s.s_reason);
}

/* A REFUSE is never answered, whatever its length says. */
ATF_TC_WITHOUT_HEAD(refuse_unanswered);
ATF_TC_BODY(refuse_unanswered, tc)
{
	static const uint16_t	 lens[] = { 0, 1, 6, 263, 4096, 65535 };
	struct seen		 s;
	uint8_t			 h[PROOF_HEADER];
	size_t			 i;
	int			 step;

	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		for (step = 0; step < 6; step++) {
			responder(&s, step);
			h[0] = PVP_REFUSE;
			h[1] = (uint8_t)(lens[i] >> 8);
			h[2] = (uint8_t)lens[i];
			ATF_CHECK_EQ(sizeof(h), proof_input(&s.s_proof, h,
			    sizeof(h), 170, WALL));
			ATF_CHECK_EQ(0, s.s_outlen);
			ATF_CHECK_EQ(1, s.s_ends);
			ATF_CHECK_EQ(PVP_END_PROTOCOL, s.s_reason);
		}
}

/* CLAIM in the same record as PROOF3, in any split. */
ATF_TC_WITHOUT_HEAD(one_record);
ATF_TC_BODY(one_record, tc)
{
	struct seen	 s;
	uint8_t		 buf[1024];
	size_t		 a, n, cut, used;

	a = make(buf, PVP_PROOF3, 64);
	n = a + make(buf + a, PVP_CLAIM, 100);
	for (cut = 0; cut <= n; cut++) {
		responder(&s, 3);
		used = proof_input(&s.s_proof, buf, cut, 150, WALL);
		ATF_REQUIRE(used <= cut);
		used += proof_input(&s.s_proof, buf + used, n - used, 151, WALL);
		ATF_CHECK_EQ(n, used);
		ATF_CHECK_EQ(3, s.s_ins);
		ATF_CHECK_EQ(0, s.s_ends);
	}
}

/* A prefix of a message is no message, and its header is judged at once. */
ATF_TC_WITHOUT_HEAD(every_prefix);
ATF_TC_BODY(every_prefix, tc)
{
	struct seen	 s;
	uint8_t		 buf[PROOF_MESSAGE_MAX], *heap;
	unsigned	 type;
	size_t		 n, len;

	for (type = PVP_HELLO; type <= PVP_REFUSE; type++) {
		len = make(buf, type, good_len[type]);
		for (n = 0; n < len; n++) {
			switch (type) {
			case PVP_HELLO: responder(&s, 0); break;
			case PVP_PROOF1: responder(&s, 1); break;
			case PVP_PROOF3: responder(&s, 3); break;
			case PVP_CLAIM: responder(&s, 5); break;
			case PVP_PROOF2: initiator(&s, 2); break;
			default: initiator(&s, 4); break;
			}
			s.s_ins = s.s_opens = 0;
			ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
			memcpy(heap, buf, n);
			ATF_CHECK_EQ_MSG(0, proof_input(&s.s_proof, heap, n, 200,
			    WALL), "type %u, %zu bytes", type, n);
			free(heap);
			ATF_CHECK_EQ(0, s.s_ins + s.s_opens + s.s_ends);
			proof_lost(&s.s_proof, "cut");
			ATF_CHECK_EQ(type == PVP_HELLO ? PVP_END_NOCONN :
			    PVP_END_LOST, s.s_reason);
		}
	}
}

ATF_TC_WITHOUT_HEAD(bounds);
ATF_TC_BODY(bounds, tc)
{
	static const struct { unsigned lo, hi; } b[] = {
		{ 11, 11 }, { 43, 57 }, { 101, 101 }, { 64, 64 }, { 38, 546 },
		{ 0, 4096 }, { 7, 262 }
	};
	uint8_t		 h[3];
	unsigned	 type, t;
	size_t		 len, n;

	for (type = 0; type < 256; type++)
		for (len = 0; len < 65536; len += len < 5000 ? 1 : 997) {
			h[0] = (uint8_t)type;
			h[1] = (uint8_t)(len >> 8);
			h[2] = (uint8_t)len;
			ATF_REQUIRE_EQ_MSG(type < 7 && len >= b[type].lo &&
			    len <= b[type].hi ? 0 : -1, proof_header(h, &t, &n),
			    "type %u length %zu", type, len);
		}
}

/* Each type at each step: only what is due passes. */
ATF_TC_WITHOUT_HEAD(wrong_order);
ATF_TC_BODY(wrong_order, tc)
{
	/* Bit per type, PVP_HELLO to PVP_REFUSE. */
	static const unsigned resp[] = { 0x41, 0x42, 0x40, 0x4a, 0x48, 0x50, 0x40 };
	static const unsigned init[] = { 0x41, 0x40, 0x44, 0x40, 0x60 };
	struct seen	 s;
	unsigned	 type, step;
	int		 ok;

	for (step = 0; step < 7; step++)
		for (type = 0; type < 7; type++) {
			responder(&s, (int)step);
			give(&s, type, 200);
			ok = (resp[step] >> type & 1) != 0;
			ATF_CHECK_EQ_MSG(!ok, s.s_reason == PVP_END_PROTOCOL,
			    "responder step %u type %u", step, type);
			if (!ok) {
				ATF_CHECK_EQ(REFUSE_PROTOCOL, refusal(&s));
				ATF_CHECK_EQ(PROOF_LINGER_MS, s.s_linger);
			} else
				ATF_CHECK_EQ(0, s.s_outlen);
		}
	for (step = 0; step < 5; step++)
		for (type = 0; type < 7; type++) {
			initiator(&s, (int)step);
			give(&s, type, 200);
			ok = (init[step] >> type & 1) != 0;
			ATF_CHECK_EQ_MSG(!ok, s.s_reason == PVP_END_PROTOCOL,
			    "initiator step %u type %u", step, type);
			if (!ok)
				ATF_CHECK_EQ(REFUSE_PROTOCOL, refusal(&s));
		}
}

ATF_TC_WITHOUT_HEAD(hello);
ATF_TC_BODY(hello, tc)
{
	struct seen	 s;
	uint8_t		 buf[64];
	size_t		 n;

	n = proof_hello_write(buf, sizeof(buf), 0xfffe, 1);
	ATF_REQUIRE_EQ(14, n);
	responder(&s, 0);
	proof_input(&s.s_proof, buf, n, 120, WALL);
	ATF_CHECK_EQ(PROOF_METHOD_B, s.s_methods);	/* unknown bits ignored */
	buf[3] = 2;
	responder(&s, 0);
	proof_input(&s.s_proof, buf, n, 120, WALL);
	ATF_CHECK_EQ(REFUSE_VERSION, refusal(&s));
	ATF_CHECK_EQ(0, s.s_opens);
}

ATF_TC_WITHOUT_HEAD(refuse);
ATF_TC_BODY(refuse, tc)
{
	struct seen	 s;
	uint8_t		 buf[300];
	size_t		 n;
	char		 longtext[300];

	initiator(&s, 2);
	give(&s, PVP_REFUSE, 200);
	ATF_CHECK_EQ(PVP_END_REFUSED, s.s_reason);
	ATF_CHECK_EQ(REFUSE_NO_MATCH, s.s_code);
	ATF_CHECK_EQ(7, s.s_retry);
	ATF_CHECK_STREQ("no", s.s_text);
	ATF_CHECK_EQ(0, s.s_outlen);		/* never answered */
	/* The text does not fill the body: malformed, not answered either. */
	n = proof_refuse_write(buf, sizeof(buf), 6, 0, "text");
	buf[PROOF_HEADER + 6]--;
	initiator(&s, 2);
	proof_input(&s.s_proof, buf, n, 200, WALL);
	ATF_CHECK_EQ(PVP_END_PROTOCOL, s.s_reason);
	ATF_CHECK_EQ(0, s.s_outlen);
	buf[PROOF_HEADER + 6] += 2;
	initiator(&s, 2);
	proof_input(&s.s_proof, buf, n, 200, WALL);
	ATF_CHECK_EQ(PVP_END_PROTOCOL, s.s_reason);
	memset(longtext, 'x', sizeof(longtext) - 1);
	longtext[sizeof(longtext) - 1] = '\0';
	ATF_CHECK_EQ(3 + 262, proof_refuse_write(buf, sizeof(buf), 1, 0, longtext));
	/* Ours, by key: with the text that key gave. */
	responder(&s, 2);
	ATF_REQUIRE_EQ(0, out(&s, PVP_REFUSE, 0, 200));
	ATF_CHECK_EQ(REFUSE_LIMIT, refusal(&s));
	ATF_CHECK_EQ(PVP_END_CLOSED, s.s_reason);
	/* Ours, busy: after the HELLO. */
	responder(&s, 0);
	proof_refuse(&s.s_proof, REFUSE_BUSY, 100, "busy");
	ATF_CHECK_EQ(REFUSE_BUSY, refusal(&s));
}

/* PROOF2 leaves at the arrival of PROOF1 + k x 50 ms. */
ATF_TC_WITHOUT_HEAD(grid);
ATF_TC_BODY(grid, tc)
{
	struct seen	 s;
	uint64_t	 work, due;

	for (work = 0; work < 230; work++) {
		responder(&s, 2);		/* PROOF1 came at 130 */
		due = 130 + (work == 0 ? 50 : (work + 49) / 50 * 50);
		ATF_REQUIRE_EQ(0, out(&s, PVP_PROOF2, PVP_OUT_GRID, 130 + work));
		if (130 + work < due) {
			ATF_CHECK_EQ(0, s.s_outlen);
			ATF_CHECK_EQ(due, proof_wake(&s.s_proof));
			proof_tick(&s.s_proof, due - 1);
			ATF_CHECK_EQ(0, s.s_outlen);
			proof_tick(&s.s_proof, due);
		}
		ATF_CHECK_EQ(PVP_PROOF2, sent(&s, NULL));
		ATF_CHECK_EQ(0, s.s_ends);
		/* REFUSE 5 in its place. */
		responder(&s, 2);
		ATF_REQUIRE_EQ(0, out(&s, PVP_REFUSE, PVP_OUT_GRID, 130 + work));
		proof_tick(&s.s_proof, due);
		ATF_CHECK_EQ(REFUSE_LIMIT, refusal(&s));
		ATF_CHECK_EQ(1, s.s_ends);
	}
	/* The peer may not go on before it has left, and what waits dies with
	 * the connection. */
	responder(&s, 2);
	ATF_REQUIRE_EQ(0, out(&s, PVP_PROOF2, PVP_OUT_GRID, 131));
	give(&s, PVP_PROOF3, 140);
	ATF_CHECK_EQ(REFUSE_PROTOCOL, refusal(&s));
	proof_tick(&s.s_proof, 180);
	ATF_CHECK_EQ(0, s.s_outlen);
	/* Key says close while PROOF2 waits: in its turn. */
	responder(&s, 2);
	ATF_REQUIRE_EQ(0, out(&s, PVP_PROOF2, PVP_OUT_GRID, 131));
	ATF_REQUIRE_EQ(0, out(&s, PVP_CLOSE, 0, 132));
	ATF_CHECK_EQ(0, s.s_ends);
	proof_tick(&s.s_proof, 180);
	ATF_CHECK_EQ(PVP_PROOF2, sent(&s, NULL));
	ATF_CHECK_EQ(1, s.s_ends);
}

ATF_TC_WITHOUT_HEAD(timers);
ATF_TC_BODY(timers, tc)
{
	struct seen	 s;
	uint64_t	 now;
	int		 i;

	/* From accept on, TLS included. */
	start(&s, PVP_RESPONDER, 1000);
	ATF_CHECK_EQ(11000, proof_wake(&s.s_proof));
	proof_tls_up(&s.s_proof, 9000, WALL);
	ATF_CHECK_EQ(11000, proof_wake(&s.s_proof));
	proof_tick(&s.s_proof, 10999);
	ATF_CHECK_EQ(0, s.s_ends);
	proof_tick(&s.s_proof, 11000);
	ATF_CHECK_EQ(1, s.s_ends);
	ATF_CHECK_EQ(PVP_END_NOCONN, s.s_reason);
	/* Each complete message gives ten seconds more, half ones do not. */
	responder(&s, 1);
	ATF_CHECK_EQ(10120, proof_wake(&s.s_proof));
	proof_input(&s.s_proof, (const uint8_t *)"\x01\x00", 2, 9000, WALL);
	ATF_CHECK_EQ(10120, proof_wake(&s.s_proof));
	proof_tick(&s.s_proof, 10120);
	ATF_CHECK_EQ(PVP_END_LOST, s.s_reason);
	/* 60 s in all, however lively. */
	responder(&s, 1);
	now = 9000;
	ATF_REQUIRE(give(&s, PVP_PROOF1, now));
	for (i = 0; i < 1; i++) {
		now += 9000;
		ATF_REQUIRE_EQ(0, out(&s, PVP_PROOF2, 0, now));
		now += 9000;
		ATF_REQUIRE(give(&s, PVP_PROOF1, now));
	}
	now += 9000;
	ATF_REQUIRE_EQ(0, out(&s, PVP_PROOF2, 0, now));
	now += 9000;
	ATF_REQUIRE(give(&s, PVP_PROOF3, now));
	now += 9000;
	ATF_REQUIRE(give(&s, PVP_CLAIM, now));
	ATF_CHECK_EQ(100 + PROOF_TOTAL_MS, proof_wake(&s.s_proof));
	proof_tick(&s.s_proof, 100 + PROOF_TOTAL_MS);
	ATF_CHECK_EQ(1, s.s_ends);
	ATF_CHECK_STREQ("took too long in all", s.s_why);
}

/* Key is trusted with contents, not with order. */
ATF_TC_WITHOUT_HEAD(key_out_of_order);
ATF_TC_BODY(key_out_of_order, tc)
{
	static const unsigned resp[] = { 0x40, 0x40, 0x44, 0x40, 0x40, 0x40, 0x60 };
	static const unsigned init[] = { 0x40, 0x42, 0x40, 0x4a, 0x40 };
	struct seen	 s;
	unsigned	 step, type;

	for (step = 0; step < 7; step++)
		for (type = 0; type < 7; type++) {
			responder(&s, (int)step);
			ATF_CHECK_EQ_MSG((resp[step] >> type & 1) ? 0 : -1,
			    out(&s, type, 0, 200), "responder %u type %u", step, type);
		}
	for (step = 0; step < 5; step++)
		for (type = 0; type < 7; type++) {
			initiator(&s, (int)step);
			ATF_CHECK_EQ_MSG((init[step] >> type & 1) ? 0 : -1,
			    out(&s, type, 0, 200), "initiator %u type %u", step, type);
		}
	responder(&s, 2);
	ATF_CHECK_EQ(-1, proof_output(&s.s_proof, PVP_PROOF2, 0, "short", 5, 200));
	ATF_CHECK_EQ(1, s.s_ends);
	ATF_CHECK_EQ(0, out(&s, PVP_PROOF2, 0, 210));	/* crossed with the end */
	ATF_CHECK_EQ(0, s.s_outlen);
	/* More than fits behind a held message. */
	responder(&s, 2);
	ATF_CHECK_EQ(0, out(&s, PVP_PROOF2, PVP_OUT_GRID, 131));
	ATF_CHECK_EQ(0, out(&s, PVP_CLOSE, 0, 131));
	ATF_CHECK_EQ(0, out(&s, PVP_CLOSE, 0, 131));
	ATF_CHECK_EQ(0, out(&s, PVP_CLOSE, 0, 131));
	ATF_CHECK_EQ(-1, out(&s, PVP_CLOSE, 0, 131));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, responder_good);
	ATF_TP_ADD_TC(tp, initiator_good);
	ATF_TP_ADD_TC(tp, second_run);
	ATF_TP_ADD_TC(tp, refuse_unanswered);
	ATF_TP_ADD_TC(tp, one_record);
	ATF_TP_ADD_TC(tp, every_prefix);
	ATF_TP_ADD_TC(tp, bounds);
	ATF_TP_ADD_TC(tp, wrong_order);
	ATF_TP_ADD_TC(tp, hello);
	ATF_TP_ADD_TC(tp, refuse);
	ATF_TP_ADD_TC(tp, grid);
	ATF_TP_ADD_TC(tp, timers);
	ATF_TP_ADD_TC(tp, key_out_of_order);
	return (atf_no_error());
}
