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
 * Any bytes as a description, and as a multipart body with boundary "b".
 */
#include <sys/types.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdp.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct sip_msg	m;
static char		buf[SIP_MSG_MAX];

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct span	s = { (const char *)p, len };
	int		n;

	/* What may leave in the clear only is never OK otherwise. */
	if (sdp_judge(s, 1) != MEDIA_OK && sdp_judge(s, 0) == MEDIA_OK)
		abort();
	n = snprintf(buf, sizeof(buf), "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
	    "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
	    "Content-Type: multipart/mixed;boundary=b\r\nContent-Length: %zu\r\n\r\n", len);
	if (len > sizeof(buf) - (size_t)n)
		return (0);
	memcpy(buf + n, p, len);
	if (sip_parse(&m, buf, (size_t)n + len, SIP_STREAM) == -1)
		abort();
	if (sdp_find(&m, &s) == 0 && (s.p < buf || s.p + s.len > buf + n + len))
		abort();
	(void)sdp_judge_msg(&m, 0);
	return (0);
}
