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
 * core: the PVP connection.  What may come next is one state; every message
 * is judged at its header, before its body is waited for.  Times are
 * monotonic milliseconds handed in; the wall clock is only passed on.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "proof.h"
#include "vipr.h"

#define HELLO_LEN	11
#define REFUSE_MIN	7
#define REFUSE_MAX	262

struct bounds {
	uint16_t	 b_min, b_max;
};

/* By type, PVP_HELLO to PVP_REFUSE. */
static const struct bounds bounds[] = {
	{ HELLO_LEN, HELLO_LEN },
	{ 43, 57 },
	{ 101, 101 },
	{ 64, 64 },
	{ 38, 546 },
	{ 0, PROOF_BODY_MAX },
	{ REFUSE_MIN, REFUSE_MAX }
};

static int	 may_come(const struct proof *, unsigned);
static int	 may_leave(const struct proof *, unsigned);
static void	 message(struct proof *, unsigned, const uint8_t *, size_t,
		    uint64_t, uint64_t);
static void	 hello(struct proof *, const uint8_t *, size_t, uint64_t);
static void	 malformed_refuse(struct proof *);
static void	 refused(struct proof *, const uint8_t *, size_t);
static void	 ended(struct proof *, unsigned, unsigned, uint32_t, unsigned,
		    const char *, const void *, size_t);
static void	 broken(struct proof *, unsigned, const char *);
static void	 leave(struct proof *, unsigned, unsigned, const void *, size_t,
		    uint64_t);
static int	 hold(struct proof *, unsigned, unsigned, const void *, size_t,
		    uint64_t);
static void	 release(struct proof *, uint64_t);

/* -- codec -- */

int
proof_header(const uint8_t h[PROOF_HEADER], unsigned *type, size_t *len)
{
	struct cur	 c;
	uint8_t		 t;
	uint16_t	 n;

	cur_init(&c, h, PROOF_HEADER);
	cur_u8(&c, &t);
	cur_u16(&c, &n);
	*type = t;
	*len = n;
	if (t >= sizeof(bounds) / sizeof(bounds[0]) ||
	    n < bounds[t].b_min || n > bounds[t].b_max)
		return (-1);
	return (0);
}

size_t
proof_hello_write(uint8_t *out, size_t size, uint16_t methods, uint64_t wall)
{
	struct wbuf	 w;

	wbuf_init(&w, out, size);
	wbuf_u8(&w, PVP_HELLO);
	wbuf_u16(&w, HELLO_LEN);
	wbuf_u8(&w, PROOF_VERSION);
	wbuf_u16(&w, methods);
	wbuf_u64(&w, wall);
	return (wbuf_ok(&w) == -1 ? 0 : w.w_len);
}

int
proof_hello_parse(const void *p, size_t len, unsigned *version,
    uint16_t *methods, uint64_t *wall)
{
	struct cur	 c;
	uint8_t		 v;

	cur_init(&c, p, len);
	cur_u8(&c, &v);
	cur_u16(&c, methods);
	cur_u64(&c, wall);
	*version = v;
	return (cur_done(&c));
}

size_t
proof_refuse_write(uint8_t *out, size_t size, unsigned code, uint32_t retry,
    const char *text)
{
	struct wbuf	 w;
	size_t		 n = strlen(text);

	if (n > 255)
		n = 255;
	wbuf_init(&w, out, size);
	wbuf_u8(&w, PVP_REFUSE);
	wbuf_u16(&w, (uint16_t)(REFUSE_MIN + n));
	wbuf_u16(&w, (uint16_t)code);
	wbuf_u32(&w, retry);
	wbuf_lv(&w, 1, text, n);
	return (wbuf_ok(&w) == -1 ? 0 : w.w_len);
}

int
proof_refuse_parse(const void *p, size_t len, unsigned *code, uint32_t *retry,
    const uint8_t **text, size_t *textlen)
{
	struct cur	 c, t;
	uint16_t	 v;

	cur_init(&c, p, len);
	cur_u16(&c, &v);
	cur_u32(&c, retry);
	cur_lv(&c, 1, &t);
	*code = v;
	*textlen = cur_left(&t);
	*text = cur_ptr(&t, *textlen);
	return (cur_done(&c));
}

/* -- life -- */

void
proof_init(struct proof *p, unsigned role, const struct proof_ops *ops,
    void *arg, uint64_t now)
{
	memset(p, 0, sizeof(*p));
	p->p_ops = ops;
	p->p_arg = arg;
	p->p_role = role;
	p->p_state = PS_TLS;
	p->p_start = p->p_last = now;
}

void
proof_clear(struct proof *p)
{
	while (p->p_nheld > 0)
		free(p->p_held[--p->p_nheld]);
	p->p_state = PS_ENDED;
}

void
proof_tls_up(struct proof *p, uint64_t now, uint64_t wall)
{
	uint8_t	 buf[PROOF_HEADER + HELLO_LEN];
	size_t	 n;

	if (p->p_state != PS_TLS)
		return;
	/* The responder's ten seconds began at its accept. */
	if (p->p_role == PVP_INITIATOR)
		p->p_last = now;
	p->p_state = PS_HELLO;
	n = proof_hello_write(buf, sizeof(buf), PROOF_METHODS, wall);
	p->p_ops->pf_send(p, buf, n);
}

static void
ended(struct proof *p, unsigned reason, unsigned code, uint32_t retry,
    unsigned linger, const char *why, const void *text, size_t textlen)
{
	if (p->p_state == PS_ENDED)
		return;
	proof_clear(p);
	p->p_ops->pf_end(p, reason, code, retry, linger, why, text, textlen);
}

/* The peer broke the protocol: REFUSE and close. */
static void
broken(struct proof *p, unsigned code, const char *why)
{
	uint8_t	 buf[PROOF_HEADER + REFUSE_MAX];
	size_t	 n;

	if (p->p_state == PS_ENDED)
		return;
	n = proof_refuse_write(buf, sizeof(buf), code, 0, why);
	p->p_ops->pf_send(p, buf, n);
	ended(p, PVP_END_PROTOCOL, code, 0, PROOF_LINGER_MS, why, NULL, 0);
}

void
proof_refuse(struct proof *p, unsigned code, uint32_t retry, const char *text)
{
	uint8_t	 buf[PROOF_HEADER + REFUSE_MAX];
	size_t	 n;

	if (p->p_state == PS_ENDED || p->p_state == PS_TLS)
		return;
	n = proof_refuse_write(buf, sizeof(buf), code, retry, text);
	p->p_ops->pf_send(p, buf, n);
	ended(p, PVP_END_CLOSED, 0, 0, PROOF_LINGER_MS, text, NULL, 0);
}

void
proof_lost(struct proof *p, const char *why)
{
	/* The peer's HELLO decides, whatever TLS said: the client's end of a
	 * TLS 1.3 handshake is open before the server has judged it. */
	ended(p, p->p_hello ? PVP_END_LOST : PVP_END_NOCONN, 0, 0, 0, why,
	    NULL, 0);
}

/* -- from the peer -- */

static int
may_come(const struct proof *p, unsigned type)
{
	if (type == PVP_REFUSE)
		return (1);
	switch (p->p_state) {
	case PS_HELLO:
		return (type == PVP_HELLO);
	case PS_PROOF1:
		return (type == PVP_PROOF1);
	case PS_PROOF3:
		return (type == PVP_PROOF3 ||
		    (type == PVP_PROOF1 && p->p_runs < 2));
	case PS_CLAIM:
		return (type == PVP_CLAIM && p->p_role == PVP_RESPONDER);
	case PS_PROOF2:
		return (type == PVP_PROOF2);
	case PS_ROUTE:
		return (type == PVP_ROUTE);
	case PS_TLS:
	case PS_KEY:
	case PS_ENDED:
		break;
	}
	return (0);
}

size_t
proof_input(struct proof *p, const uint8_t *buf, size_t len, uint64_t now,
    uint64_t wall)
{
	size_t		 used = 0, n;
	unsigned	 type;

	while (p->p_state != PS_ENDED && len - used >= PROOF_HEADER) {
		if (proof_header(buf + used, &type, &n) == -1) {
			if (type == PVP_REFUSE)
				malformed_refuse(p);
			else
				broken(p, REFUSE_PROTOCOL, "bad type or length");
			break;
		}
		if (!may_come(p, type)) {
			broken(p, REFUSE_PROTOCOL, "unexpected message");
			break;
		}
		if (len - used - PROOF_HEADER < n)
			return (used);
		p->p_last = now;
		message(p, type, buf + used + PROOF_HEADER, n, now, wall);
		used += PROOF_HEADER + n;
	}
	/* What follows the end is read and thrown away. */
	return (p->p_state == PS_ENDED ? len : used);
}

static void
message(struct proof *p, unsigned type, const uint8_t *body, size_t len,
    uint64_t now, uint64_t wall)
{
	switch (type) {
	case PVP_HELLO:
		hello(p, body, len, wall);
		break;
	case PVP_PROOF1:
		p->p_runs++;
		p->p_proof1 = now;
		p->p_state = PS_KEY;
		p->p_ops->pf_in(p, type, body, len);
		break;
	case PVP_PROOF3:
		/* CLAIM may share its record: key takes them in turn. */
		p->p_state = PS_CLAIM;
		p->p_ops->pf_in(p, type, body, len);
		break;
	case PVP_PROOF2:
	case PVP_CLAIM:
		p->p_claimed = type == PVP_CLAIM;
		p->p_state = PS_KEY;
		p->p_ops->pf_in(p, type, body, len);
		break;
	case PVP_ROUTE:
		p->p_state = PS_KEY;
		p->p_ops->pf_in(p, type, body, len);
		ended(p, PVP_END_CLOSED, 0, 0, 0, "done", NULL, 0);
		break;
	case PVP_REFUSE:
		refused(p, body, len);
		break;
	}
}

static void
hello(struct proof *p, const uint8_t *body, size_t len, uint64_t wall)
{
	unsigned	 version;
	uint16_t	 methods;
	uint64_t	 peer_now;

	if (proof_hello_parse(body, len, &version, &methods, &peer_now) == -1) {
		broken(p, REFUSE_PROTOCOL, "malformed HELLO");
		return;
	}
	p->p_hello = 1;
	if (version != PROOF_VERSION) {
		broken(p, REFUSE_VERSION, "version not supported");
		return;
	}
	p->p_state = p->p_role == PVP_INITIATOR ? PS_KEY : PS_PROOF1;
	p->p_ops->pf_open(p, methods & PROOF_METHODS, peer_now, wall);
}

/* Never answered, even a malformed one. */
static void
malformed_refuse(struct proof *p)
{
	ended(p, PVP_END_PROTOCOL, 0, 0, 0, "malformed REFUSE", NULL, 0);
}

static void
refused(struct proof *p, const uint8_t *body, size_t len)
{
	const uint8_t	*text;
	size_t		 textlen;
	unsigned	 code;
	uint32_t	 retry;

	if (proof_refuse_parse(body, len, &code, &retry, &text, &textlen) == -1) {
		malformed_refuse(p);
		return;
	}
	ended(p, PVP_END_REFUSED, code, retry, 0, "refused by peer", text,
	    textlen);
}

/* -- from key -- */

static int
may_leave(const struct proof *p, unsigned type)
{
	if (type == PVP_REFUSE || type == PVP_CLOSE)
		return (p->p_state != PS_TLS && p->p_state != PS_ENDED);
	if (p->p_role == PVP_INITIATOR) {
		if (type == PVP_PROOF1)
			return (p->p_state == PS_KEY && p->p_runs < 2);
		if (type == PVP_PROOF3)
			return (p->p_state == PS_KEY && p->p_runs > 0);
		return (type == PVP_CLAIM && p->p_state == PS_CLAIM);
	}
	if (type == PVP_PROOF2)
		return (p->p_state == PS_KEY && p->p_runs > 0 && !p->p_claimed);
	return (type == PVP_ROUTE && p->p_state == PS_KEY && p->p_claimed);
}

int
proof_output(struct proof *p, unsigned type, unsigned flags, const void *body,
    size_t len, uint64_t now)
{
	uint64_t	 due = 0, steps;

	if (p->p_state == PS_ENDED)
		return (0);		/* crossed with the end */
	if (type != PVP_CLOSE && (type >= sizeof(bounds) / sizeof(bounds[0]) ||
	    len < bounds[type].b_min || len > bounds[type].b_max)) {
		proof_lost(p, "key sent a malformed message");
		return (-1);
	}
	if ((flags & PVP_OUT_GRID) != 0) {
		steps = now <= p->p_proof1 ? 1 :
		    (now - p->p_proof1 + PROOF_GRID_MS - 1) / PROOF_GRID_MS;
		due = p->p_proof1 + (steps == 0 ? 1 : steps) * PROOF_GRID_MS;
	}
	if (p->p_nheld > 0 || due > now) {
		if (hold(p, type, flags, body, len, due) == -1) {
			proof_lost(p, "too many messages of key wait");
			return (-1);
		}
		return (0);
	}
	if (!may_leave(p, type)) {
		proof_lost(p, "key sent a message out of order");
		return (-1);
	}
	leave(p, type, flags, body, len, now);
	return (0);
}

static int
hold(struct proof *p, unsigned type, unsigned flags, const void *body,
    size_t len, uint64_t due)
{
	struct proof_held	*h;

	if (p->p_nheld == PROOF_QUEUE || (h = calloc(1, sizeof(*h))) == NULL)
		return (-1);
	h->h_due = due;
	h->h_type = (uint8_t)type;
	h->h_flags = (uint16_t)flags;
	h->h_len = (uint16_t)len;
	if (len > 0)
		memcpy(h->h_body, body, len);
	p->p_held[p->p_nheld++] = h;
	return (0);
}

/* Send what is due, in its order. */
static void
release(struct proof *p, uint64_t now)
{
	struct proof_held	*h;

	while (p->p_nheld > 0 && p->p_held[0]->h_due <= now) {
		h = p->p_held[0];
		p->p_nheld--;
		memmove(&p->p_held[0], &p->p_held[1],
		    p->p_nheld * sizeof(p->p_held[0]));
		if (may_leave(p, h->h_type))
			leave(p, h->h_type, h->h_flags, h->h_body, h->h_len, now);
		else
			proof_lost(p, "key sent a message out of order");
		free(h);
	}
}

static void
leave(struct proof *p, unsigned type, unsigned flags, const void *body,
    size_t len, uint64_t now)
{
	struct wbuf	 w;
	uint8_t		 buf[PROOF_MESSAGE_MAX];

	if (type == PVP_CLOSE) {
		ended(p, PVP_END_CLOSED, 0, 0, 0, "closed by key", NULL, 0);
		return;
	}
	wbuf_init(&w, buf, sizeof(buf));
	wbuf_u8(&w, (uint8_t)type);
	wbuf_lv(&w, 2, body, len);
	p->p_ops->pf_send(p, buf, w.w_len);
	p->p_last = now;
	switch (type) {
	case PVP_PROOF1:
		p->p_runs++;
		p->p_state = PS_PROOF2;
		break;
	case PVP_PROOF2:
		p->p_state = PS_PROOF3;
		break;
	case PVP_PROOF3:
		p->p_state = PS_CLAIM;
		break;
	case PVP_CLAIM:
		p->p_state = PS_ROUTE;
		break;
	default:
		break;
	}
	if (type == PVP_REFUSE || type == PVP_ROUTE)
		ended(p, PVP_END_CLOSED, 0, 0, PROOF_LINGER_MS,
		    type == PVP_ROUTE ? "done" : "refused", NULL, 0);
	else if ((flags & PVP_OUT_CLOSE) != 0)
		ended(p, PVP_END_CLOSED, 0, 0, 0, "closed by key", NULL, 0);
}

/* -- time -- */

uint64_t
proof_wake(const struct proof *p)
{
	uint64_t	 t, end = p->p_start + PROOF_TOTAL_MS;

	if (p->p_state == PS_ENDED)
		return (UINT64_MAX);
	t = p->p_last + PROOF_IDLE_MS;
	if (end < t)
		t = end;
	if (p->p_nheld > 0 && p->p_held[0]->h_due < t)
		t = p->p_held[0]->h_due;
	return (t);
}

void
proof_tick(struct proof *p, uint64_t now)
{
	release(p, now);
	if (p->p_state == PS_ENDED)
		return;
	if (now >= p->p_start + PROOF_TOTAL_MS)
		proof_lost(p, "took too long in all");
	else if (now >= p->p_last + PROOF_IDLE_MS)
		proof_lost(p, "no message in time");
}
