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

/* Framing header: parsing of a stream, acks and their mask, measurements. */

#include <sys/types.h>

#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

ATF_TC_WITHOUT_HEAD(examples);
ATF_TC_BODY(examples, tc)
{
	static const uint8_t	ack[] = { 0x81, 0, 0, 0, 40, 0x80, 0, 0, 0x16 };
	static const uint8_t	data[] = { 0x80, 0, 0, 0, 1, 0, 0, 4, 't', 'e',
				    's', 't' };
	struct frame		f;
	struct wbuf		w;
	enum frame_error	e;
	uint8_t			buf[64];

	ATF_REQUIRE_EQ(9, frame_parse(ack, sizeof(ack), 100, &f, &e));
	ATF_CHECK(f.fr_type == FRAME_ACK && f.fr_seq == 40 &&
	    f.fr_mask == 0x80000016);
	wbuf_init(&w, buf, sizeof(buf));
	frame_write_ack(&w, f.fr_seq, f.fr_mask);
	ATF_CHECK(w.w_len == sizeof(ack) && memcmp(buf, ack, w.w_len) == 0);
	ATF_REQUIRE_EQ(12, frame_parse(data, sizeof(data), 4, &f, &e));
	ATF_CHECK(f.fr_type == FRAME_DATA && f.fr_seq == 1 && f.fr_len == 4 &&
	    memcmp(f.fr_msg, "test", 4) == 0);
	wbuf_init(&w, buf, sizeof(buf));
	frame_write_data(&w, f.fr_seq, f.fr_msg, f.fr_len);
	ATF_CHECK(w.w_len == sizeof(data) && memcmp(buf, data, w.w_len) == 0);
	/* Two frames in one record: the first is taken. */
	memcpy(buf, ack, sizeof(ack));
	memcpy(buf + sizeof(ack), data, sizeof(data));
	ATF_CHECK_EQ(9, frame_parse(buf, sizeof(ack) + sizeof(data), 4, &f,
	    &e));
}

ATF_TC_WITHOUT_HEAD(stream_pieces);
ATF_TC_BODY(stream_pieces, tc)
{
	struct frame		f;
	struct wbuf		w;
	enum frame_error	e;
	uint8_t			buf[64], *heap;
	size_t			n;
	int			ack;

	for (ack = 0; ack < 2; ack++) {
		wbuf_init(&w, buf, sizeof(buf));
		if (ack)
			frame_write_ack(&w, 7, 1);
		else
			frame_write_data(&w, 7, "message", 7);
		for (n = 0; n < w.w_len; n++) {
			ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
			memcpy(heap, buf, n);
			ATF_CHECK_EQ_MSG(0, frame_parse(heap, n, 100, &f, &e),
			    "%zu bytes", n);
			ATF_CHECK_EQ(FRAME_OK, e);
			free(heap);
		}
	}
}

ATF_TC_WITHOUT_HEAD(refused);
ATF_TC_BODY(refused, tc)
{
	static const uint8_t	big[] = { 0x80, 0, 0, 0, 9, 0, 0, 101 };
	struct frame		f;
	enum frame_error	e;
	uint8_t			b;
	unsigned		i;

	/* Seen from the header alone, before the message has come. */
	ATF_CHECK_EQ(-1, frame_parse(big, sizeof(big), 100, &f, &e));
	ATF_CHECK(e == FRAME_TOO_LARGE && f.fr_len == 101 && f.fr_seq == 9);
	ATF_CHECK_EQ(0, frame_parse(big, sizeof(big), 101, &f, &e));
	for (i = 0; i < 256; i++) {
		b = (uint8_t)i;
		if (i == FRAME_DATA || i == FRAME_ACK)
			continue;
		ATF_CHECK_EQ(-1, frame_parse(&b, 1, 100, &f, &e));
		ATF_CHECK_EQ(FRAME_BAD_TYPE, e);
	}
}

ATF_TC_WITHOUT_HEAD(received_mask);
ATF_TC_BODY(received_mask, tc)
{
	static const uint32_t	seqs[] = { 8, 9, 36, 38, 39 };
	struct frame_link	l;
	uint32_t		n;
	size_t			i;

	frame_link_init(&l);
	for (i = 0; i < 5; i++)
		(void)frame_received(&l, seqs[i]);
	ATF_CHECK_EQ(0x80000016, frame_received(&l, 40));
	/* Bits 1 to 31 once the window is full, over the wrap too. */
	frame_link_init(&l);
	for (n = 0xfffffff0; n != 40; n++) {
		if (n == 30)
			ATF_CHECK_EQ(0xfffffffe, frame_received(&l, n));
		else
			(void)frame_received(&l, n);
	}
	/* The same frame again names itself nowhere. */
	frame_link_init(&l);
	ATF_CHECK_EQ(0, frame_received(&l, 5));
	ATF_CHECK_EQ(0, frame_received(&l, 5));
	/* An older one: later frames are not in its mask. */
	ATF_CHECK_EQ(0, frame_received(&l, 3));
	ATF_CHECK_EQ(0x6, frame_received(&l, 5) | frame_received(&l, 4) |
	    frame_received(&l, 5));
}

ATF_TC_WITHOUT_HEAD(round_trips);
ATF_TC_BODY(round_trips, tc)
{
	struct frame_link	l;
	uint32_t		s;
	unsigned		i;

	frame_link_init(&l);
	ATF_CHECK_EQ(1000, l.fl_rto);
	ATF_CHECK_EQ(0, frame_deadline(&l));
	ATF_CHECK_EQ(0, frame_sent(&l, 100));
	ATF_CHECK_EQ(1, frame_sent(&l, 150));
	ATF_CHECK_EQ(1100, frame_deadline(&l));
	ATF_CHECK_EQ(0, frame_acked(&l, 7, 160));
	ATF_CHECK_EQ(1, frame_acked(&l, 0, 900));
	/* SRTT = 800, RTTVAR = 400: RTO = 2400. */
	ATF_CHECK_EQ(2400, l.fl_rto);
	ATF_CHECK_EQ(150 + 2400, frame_deadline(&l));
	ATF_CHECK_EQ(0, frame_overdue(&l, 2549));
	ATF_CHECK_EQ(1, frame_overdue(&l, 2550));
	ATF_CHECK_EQ(30001, frame_overdue(&l, 32550));
	/* Acks resume: the link is back. */
	ATF_CHECK_EQ(1, frame_acked(&l, 1, 32600));
	ATF_CHECK_EQ(0, frame_overdue(&l, 32601));
	ATF_CHECK_EQ(0, frame_deadline(&l));
	ATF_CHECK(l.fl_rto <= FRAME_RTO_MAX);
	for (i = 0; i < 100; i++) {
		s = frame_sent(&l, 40000 + i * 10);
		ATF_CHECK_EQ(1, frame_acked(&l, s, 40000 + i * 10 + 2));
	}
	ATF_CHECK_EQ(1000, l.fl_rto);	/* RFC 6298: never below a second */
}

/* A peer that never acks costs no memory, and its silence is seen. */
ATF_TC_WITHOUT_HEAD(no_acks);
ATF_TC_BODY(no_acks, tc)
{
	struct frame_link	l;
	unsigned		i;

	frame_link_init(&l);
	for (i = 0; i < 10 * FRAME_SENT_MAX; i++)
		ATF_CHECK_EQ(i, frame_sent(&l, 5));
	ATF_CHECK_EQ(FRAME_SENT_MAX, l.fl_nsent);
	ATF_CHECK_EQ(1005, frame_deadline(&l));
	ATF_CHECK_EQ(1, frame_acked(&l, FRAME_SENT_MAX - 1, 6));
	ATF_CHECK_EQ(0, l.fl_nsent);
	ATF_CHECK_EQ(0, frame_acked(&l, FRAME_SENT_MAX - 1, 6));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, examples);
	ATF_TP_ADD_TC(tp, stream_pieces);
	ATF_TP_ADD_TC(tp, refused);
	ATF_TP_ADD_TC(tp, received_mask);
	ATF_TP_ADD_TC(tp, round_trips);
	ATF_TP_ADD_TC(tp, no_acks);
	return (atf_no_error());
}
