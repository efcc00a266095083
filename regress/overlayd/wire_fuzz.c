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
 * Whole messages, or, when it is none, two bytes of message code and a body:
 * a body that is accepted can be walked and written again as it was.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "wire.h"

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int	model(uint32_t, void *);
static void	body(unsigned, const struct cur *);

static int
model(uint32_t kind, void *arg)
{
	(void)arg;
	return (kind >= 0xf0000001 ? (int)(kind & 3) :
	    reload_doc_model(kind, NULL));
}

static void
body(unsigned code, const struct cur *c)
{
	struct wire_error	e;
	struct wbuf		w;
	uint8_t			*buf;
	size_t			 len = cur_left(c);

	if (wire_body_check(code, c, model, NULL, &e) == -1) {
		if (e.we_off > len)
			abort();
		return;
	}
	if ((buf = malloc(len + 1)) == NULL)
		return;
	wbuf_init(&w, buf, len + 1);
	/* An address of an unknown type can be read over, not written. */
	if (wire_body_copy(code, c, model, NULL, &w) == 0 &&
	    (w.w_len != len || (len > 0 && memcmp(buf, c->c_p, len) != 0)))
		abort();
	free(buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct wire_msg		m;
	struct wire_error	e;
	struct cur		c;
	uint16_t		code;

	if (wire_msg_parse(p, len, &m, &e) == 0) {
		body(m.wm_contents.wc_code, &m.wm_contents.wc_body);
		return (0);
	}
	cur_init(&c, p, len);
	if (cur_u16(&c, &code) == 0)
		body(code, &c);
	return (0);
}
