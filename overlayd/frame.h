/* SPDX-License-Identifier: ISC */
/*
 * core: the framing header of an overlay link (RFC 6940, 6.6): data frames,
 * acks, the received mask, round-trip times.  No clock: times are handed in,
 * milliseconds of a monotonic clock.
 */
#ifndef FRAME_H
#define FRAME_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"

#define FRAME_DATA		128
#define FRAME_ACK		129
#define FRAME_DATA_HEADER	8	/* type, sequence, u24 length */
#define FRAME_ACK_LEN		9
#define FRAME_WINDOW		32	/* sequences remembered for the mask */
#define FRAME_SENT_MAX		128	/* unacknowledged frames that are timed */

enum frame_error {
	FRAME_OK = 0,
	FRAME_BAD_TYPE = 1,	/* the stream is lost */
	FRAME_TOO_LARGE = 2	/* longer than max-message-size; fr_seq, fr_len are set */
};

struct frame {
	uint8_t		 fr_type;	/* FRAME_DATA, FRAME_ACK */
	uint32_t	 fr_seq;	/* of the frame, or that which is acknowledged */
	uint32_t	 fr_mask;	/* acks: statistics only */
	const uint8_t	*fr_msg;	/* data: the message or fragment */
	size_t		 fr_len;
};

/*
 * The frame at the head of the stream: bytes it takes, 0 when more must come,
 * -1 and *error when the link must be closed.
 */
ssize_t		 frame_parse(const void *, size_t, size_t maxmsg, struct frame *,
		    enum frame_error *error);
void		 frame_write_data(struct wbuf *, uint32_t seq, const void *, size_t);
void		 frame_write_ack(struct wbuf *, uint32_t seq, uint32_t mask);

/* One direction's bookkeeping of each side of a link; zeroed by frame_link_init. */
struct frame_link {
	uint32_t	 fl_next;	/* sequence of our next data frame */
	uint32_t	 fl_recent[FRAME_WINDOW];	/* received, a ring */
	unsigned	 fl_nrecent, fl_head;
	struct {
		uint32_t	fs_seq;
		uint64_t	fs_at;
	}		 fl_sent[FRAME_SENT_MAX];	/* oldest first */
	unsigned	 fl_nsent;
	int		 fl_measured;	/* a sample was taken */
	uint32_t	 fl_srtt8;	/* smoothed RTT, ms * 8 */
	uint32_t	 fl_rttvar4;	/* ms * 4 */
	uint32_t	 fl_rto;	/* ms; 1000 before the first sample */
	uint64_t	 fl_overdue_since;	/* 0, or when acks stopped coming */
};

#define FRAME_G			10	/* clock granularity, ms */
#define FRAME_RTO_MAX		60000

void		 frame_link_init(struct frame_link *);
/* A data frame is sent now; returns the sequence to write in it. */
uint32_t	 frame_sent(struct frame_link *, uint64_t now);
/* A data frame came: returns the mask for its ack. */
uint32_t	 frame_received(struct frame_link *, uint32_t seq);
/* An ack came.  1 if it named a frame that was waiting, else 0. */
int		 frame_acked(struct frame_link *, uint32_t seq, uint64_t now);
/* When the oldest frame without an ack is overdue; 0: none waits. */
uint64_t	 frame_deadline(const struct frame_link *);
/* For how long (ms) a link has been overdue at now; 0: it is not.  Above 0 it
 * should leave the routing table, above 30000 be closed. */
uint64_t	 frame_overdue(struct frame_link *, uint64_t now);

#endif
