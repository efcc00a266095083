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
 * Fuzz target: the peer's side of a PVP connection.  The first byte chooses
 * our role and how big the pieces are; key answers each message with what
 * would be due.  The clock moves with the input.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proof.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct run {
	uint64_t	 r_now;
	uint8_t		 r_choice;
	int		 r_ended;
	unsigned	 r_due;		/* message of key, or 0 */
	unsigned	 r_msgs;
};

static const uint8_t	 body[PROOF_BODY_MAX];
static volatile uint8_t	 last_byte;	/* all of a body can be read */

static void
on_send(struct proof *p, const void *buf, size_t len)
{
	const uint8_t	*b = buf;
	unsigned	 type;
	size_t		 n;

	(void)p;
	if (len < PROOF_HEADER || proof_header(b, &type, &n) == -1 ||
	    n + PROOF_HEADER != len)
		abort();
}

static void
on_open(struct proof *p, uint16_t methods, uint64_t peer_now, uint64_t arrived)
{
	struct run	*r = p->p_arg;

	(void)peer_now;
	(void)arrived;
	if ((methods & ~PROOF_METHODS) != 0)
		abort();
	if (p->p_role == PVP_INITIATOR)
		r->r_due = PVP_PROOF1;
}

static void
on_in(struct proof *p, unsigned type, const void *b, size_t len)
{
	struct run	*r = p->p_arg;

	if (len > PROOF_BODY_MAX)
		abort();
	if (len > 0)
		last_byte = ((const uint8_t *)b)[len - 1];
	if (++r->r_msgs > 5)
		abort();
	switch (type) {
	case PVP_PROOF1:
		r->r_due = PVP_PROOF2;
		break;
	case PVP_PROOF2:
		r->r_due = (r->r_choice & 2) != 0 ? PVP_PROOF3 : PVP_PROOF1;
		break;
	case PVP_CLAIM:
		r->r_due = PVP_ROUTE;
		break;
	default:
		break;
	}
}

static void
on_end(struct proof *p, unsigned reason, unsigned code, uint32_t retry,
    unsigned linger, const char *why, const void *text, size_t textlen)
{
	struct run	*r = p->p_arg;

	(void)reason;
	(void)code;
	(void)retry;
	(void)linger;
	if (r->r_ended++ || why == NULL || (textlen > 0 && text == NULL))
		abort();
}

static const struct proof_ops	 ops = { on_send, on_open, on_in, on_end };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t	 lens[] = { 11, 50, 101, 64, 100, 300, 7 };
	struct proof		 p;
	struct run		 r;
	uint8_t			*buf;
	size_t			 have = 0, piece, used;
	unsigned		 due;

	if (size < 1)
		return (0);
	memset(&r, 0, sizeof(r));
	r.r_choice = data[0];
	r.r_now = 1000;
	proof_init(&p, (data[0] & 1) != 0 ? PVP_INITIATOR : PVP_RESPONDER, &ops,
	    &r, r.r_now);
	proof_tls_up(&p, r.r_now, 1);
	piece = (size_t)(data[0] >> 3) + 1;
	data++;
	size--;
	if ((buf = malloc(size + 1)) == NULL)
		return (0);
	while (size > 0 || r.r_due != 0) {
		if (size < piece)
			piece = size;
		memcpy(buf + have, data, piece);
		have += piece;
		data += piece;
		size -= piece;
		used = proof_input(&p, buf, have, r.r_now, r.r_now);
		if (used > have)
			abort();
		memmove(buf, buf + used, have - used);
		have -= used;
		if ((due = r.r_due) != 0) {
			r.r_due = 0;
			(void)proof_output(&p, due, due == PVP_PROOF2 ?
			    PVP_OUT_GRID : 0, body, lens[due], r.r_now);
			if (due == PVP_PROOF3)
				(void)proof_output(&p, PVP_CLAIM, 0, body,
				    lens[PVP_CLAIM], r.r_now);
		}
		r.r_now += (r.r_choice & 4) != 0 ? 60 : 7;
		proof_tick(&p, r.r_now);
	}
	proof_lost(&p, "end");
	if (r.r_ended != 1 || proof_wake(&p) != UINT64_MAX)
		abort();
	proof_clear(&p);
	free(buf);
	return (0);
}
