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

/* Frames of a link: never past the end, and written as they were read. */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "frame.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct frame_link	l;
	struct frame		f;
	struct wbuf		w;
	enum frame_error	e;
	uint8_t			buf[4096 + FRAME_DATA_HEADER];
	uint64_t		now = 1;
	ssize_t			n;

	frame_link_init(&l);
	while ((n = frame_parse(p, len, 4096, &f, &e)) > 0) {
		wbuf_init(&w, buf, sizeof(buf));
		if (f.fr_type == FRAME_ACK) {
			frame_write_ack(&w, f.fr_seq, f.fr_mask);
			(void)frame_acked(&l, f.fr_seq, now);
		} else {
			frame_write_data(&w, f.fr_seq, f.fr_msg, f.fr_len);
			(void)frame_received(&l, f.fr_seq);
			(void)frame_sent(&l, now);
		}
		(void)frame_overdue(&l, ++now);
		if (wbuf_ok(&w) == -1 || w.w_len != (size_t)n ||
		    memcmp(buf, p, w.w_len) != 0)
			abort();
		p += n;
		len -= (size_t)n;
	}
	return (0);
}
