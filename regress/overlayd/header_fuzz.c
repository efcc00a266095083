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

/* Forwarding headers: what is accepted is written again as it was. */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "wire.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct wire_header	h;
	struct wire_error	e;
	struct wbuf		w;
	uint8_t			buf[WIRE_HEADER_MIN + WIRE_LISTS_MAX];

	if (wire_header_parse(p, len, &h, &e) == -1) {
		if (e.we_off > len)
			abort();
		return (0);
	}
	wbuf_init(&w, buf, sizeof(buf));
	wire_header_write(&w, &h);
	if (wbuf_ok(&w) == -1 || w.w_len != h.wh_size ||
	    memcmp(buf, p, w.w_len) != 0)
		abort();
	wbuf_init(&w, buf, sizeof(buf));
	wire_dest_reverse(&w, &h.wh_dest);
	if (w.w_len != cur_left(&h.wh_dest))
		abort();
	wbuf_init(&w, buf, sizeof(buf));
	wire_dest_reverse(&w, &h.wh_via);
	if (w.w_len != cur_left(&h.wh_via))
		abort();
	return (0);
}
