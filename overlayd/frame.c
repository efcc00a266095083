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
 * core: framing header of an overlay link and the measurements made with it
 * (RFC 6940, 6.6; RTO after RFC 6298); see frame.h.
 */

#include <sys/types.h>

#include <string.h>

#include "frame.h"

static void	frame_sample(struct frame_link *, uint64_t);

ssize_t
frame_parse(const void *p, size_t len, size_t maxmsg, struct frame *f,
    enum frame_error *error)
{
	struct cur	c;
	uint32_t	n;

	memset(f, 0, sizeof(*f));
	*error = FRAME_OK;
	cur_init(&c, p, len);
	if (cur_left(&c) == 0)
		return (0);
	(void)cur_u8(&c, &f->fr_type);
	switch (f->fr_type) {
	case FRAME_DATA:
		(void)cur_u32(&c, &f->fr_seq);
		if (cur_u24(&c, &n) == -1)
			return (0);
		f->fr_len = n;
		if (n > maxmsg) {
			*error = FRAME_TOO_LARGE;
			return (-1);
		}
		if ((f->fr_msg = cur_ptr(&c, n)) == NULL)
			return (0);
		break;
	case FRAME_ACK:
		(void)cur_u32(&c, &f->fr_seq);
		if (cur_u32(&c, &f->fr_mask) == -1)
			return (0);
		break;
	default:
		*error = FRAME_BAD_TYPE;
		return (-1);
	}
	return ((ssize_t)cur_off(&c));
}

void
frame_write_data(struct wbuf *w, uint32_t seq, const void *p, size_t len)
{
	if (len > 0xffffff) {
		(void)wbuf_fail(w);
		return;
	}
	wbuf_u8(w, FRAME_DATA);
	wbuf_u32(w, seq);
	wbuf_lv(w, 3, p, len);
}

void
frame_write_ack(struct wbuf *w, uint32_t seq, uint32_t mask)
{
	wbuf_u8(w, FRAME_ACK);
	wbuf_u32(w, seq);
	wbuf_u32(w, mask);
}

void
frame_link_init(struct frame_link *l)
{
	memset(l, 0, sizeof(*l));
	l->fl_rto = 1000;
}

/*
 * When too many frames wait for their ack the new one is not timed: the
 * oldest says best whether the peer is there.
 */
uint32_t
frame_sent(struct frame_link *l, uint64_t now)
{
	uint32_t	seq = l->fl_next++;

	if (l->fl_nsent < FRAME_SENT_MAX) {
		l->fl_sent[l->fl_nsent].fs_seq = seq;
		l->fl_sent[l->fl_nsent].fs_at = now;
		l->fl_nsent++;
	}
	return (seq);
}

/*
 * Bit N-M for each M of the 32 latest with N-32 < M < N, as the RFC's words
 * have it: bit 0 is never set.  Others number from N-1; nothing rests on it.
 */
uint32_t
frame_received(struct frame_link *l, uint32_t seq)
{
	uint32_t	mask = 0, back;
	unsigned	i;

	for (i = 0; i < l->fl_nrecent; i++) {
		back = seq - l->fl_recent[i];
		if (back >= 1 && back < FRAME_WINDOW)
			mask |= UINT32_C(1) << back;
	}
	l->fl_recent[l->fl_head] = seq;
	l->fl_head = (l->fl_head + 1) % FRAME_WINDOW;
	if (l->fl_nrecent < FRAME_WINDOW)
		l->fl_nrecent++;
	return (mask);
}

static void
frame_sample(struct frame_link *l, uint64_t rtt)
{
	uint32_t	r, delta, rto;

	r = rtt > FRAME_RTO_MAX ? FRAME_RTO_MAX : (uint32_t)rtt;
	if (!l->fl_measured) {
		l->fl_measured = 1;
		l->fl_srtt8 = r * 8;
		l->fl_rttvar4 = r * 2;
	} else {
		delta = l->fl_srtt8 / 8 > r ? l->fl_srtt8 / 8 - r :
		    r - l->fl_srtt8 / 8;
		l->fl_rttvar4 = l->fl_rttvar4 - l->fl_rttvar4 / 4 + delta;
		l->fl_srtt8 = l->fl_srtt8 - l->fl_srtt8 / 8 + r;
	}
	rto = l->fl_rttvar4 > FRAME_G ? l->fl_rttvar4 : FRAME_G;
	rto += l->fl_srtt8 / 8;
	/* RFC 6298, 2.4: not below a second. */
	if (rto < 1000)
		rto = 1000;
	l->fl_rto = rto > FRAME_RTO_MAX ? FRAME_RTO_MAX : rto;
}

int
frame_acked(struct frame_link *l, uint32_t seq, uint64_t now)
{
	uint64_t	at;
	unsigned	i;

	for (i = 0; i < l->fl_nsent; i++) {
		if (l->fl_sent[i].fs_seq == seq)
			break;
	}
	if (i == l->fl_nsent)
		return (0);
	at = l->fl_sent[i].fs_at;
	frame_sample(l, now > at ? now - at : 0);
	/*
	 * TCP keeps the order, so what was sent before has arrived too: a
	 * peer that acks only some frames does not count as gone.
	 */
	i++;
	memmove(&l->fl_sent[0], &l->fl_sent[i],
	    (l->fl_nsent - i) * sizeof(l->fl_sent[0]));
	l->fl_nsent -= i;
	l->fl_overdue_since = 0;
	return (1);
}

uint64_t
frame_deadline(const struct frame_link *l)
{
	return (l->fl_nsent == 0 ? 0 : l->fl_sent[0].fs_at + l->fl_rto);
}

uint64_t
frame_overdue(struct frame_link *l, uint64_t now)
{
	uint64_t	deadline = frame_deadline(l);

	if (deadline == 0 || now < deadline) {
		l->fl_overdue_since = 0;
		return (0);
	}
	if (l->fl_overdue_since == 0)
		l->fl_overdue_since = deadline;
	return (now - l->fl_overdue_since + 1);
}
