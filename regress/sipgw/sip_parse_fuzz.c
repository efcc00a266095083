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
 * Any bytes as a SIP message, as a datagram and on a stream.  What is accepted
 * must survive being forwarded: the builder's output is parsed again.
 */
#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>

#include "border.h"
#include "sdp.h"
#include "sip_build.h"
#include "sip_parse.h"
#include "sip_uri.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct sip_msg	m, again;
static char		out[3 * SIP_MSG_MAX], number[E164_SIZE], ticket[TOKEN_MAX];

static void
forward(int flags)
{
	struct sip_edit	e;
	struct wbuf	w;

	wbuf_init(&w, out, sizeof(out));
	sip_edit_init(&e, &m);
	e.se_via = "SIP/2.0/TLS gw.example;branch=z9hG4bKfuzz";
	e.se_via_params = ";received=192.0.2.1;rport=5060";
	if (sip_edit_write(&e, &w) == -1 || w.w_len > SIP_MSG_MAX)
		return;
	/* One more header line or Via than came may be too many. */
	if (sip_parse(&again, out, w.w_len, flags | SIP_STREAM) == -1 &&
	    again.sm_error != SIP_E_TOO_MANY_HEADERS &&
	    again.sm_error != SIP_E_TOO_MANY_VIAS)
		abort();
	if (again.sm_error == SIP_E_OK && (again.sm_nvias != m.sm_nvias + 1 ||
	    !sip_span_same(again.sm_body, m.sm_body) ||
	    !sip_span_same(again.sm_from.sa_tag, m.sm_from.sa_tag)))
		abort();
}

static void
getters(void)
{
	struct sip_addr	a;
	struct sip_uri	u;
	struct span	v;
	enum sip_method	me;
	uint32_t	x, y;
	size_t		i;

	for (i = 0; i < m.sm_nvias; i++) {
		struct sip_via	via;

		(void)sip_via_get(&m, i, &via);
	}
	for (i = 0; sip_addr_get(&m, SIP_H_CONTACT, i, &a) == 0; i++) {
		(void)sip_uri_parse(a.sa_uri, &u);
		(void)sip_param(a.sa_params, "q", &v);
	}
	(void)sip_rack(&m, &x, &y, &me);
	(void)sip_number(&m, SIP_H_RETRY_AFTER, 3600, &x);
	(void)sip_list_has(&m, SIP_H_REQUIRE, "100rel");
	(void)border_private(&m);
	(void)border_ticket(&m, ticket);
	(void)border_refusal(&m);
	(void)border_from_number(&m.sm_from, number);
	(void)border_from_in(NULL, &m.sm_from, out, sizeof(out));
	(void)sdp_judge_msg(&m, 0);
}

static void
respond(int flags)
{
	static struct sip_extra	x = { "Retry-After", "5" };
	struct wbuf		w;

	if (!sip_answerable(&m))
		return;
	wbuf_init(&w, out, sizeof(out));
	if (sip_build_response(&w, &m, 400, sip_error_str(m.sm_error), "t", NULL, &x, 1) == -1)
		return;
	if (w.w_len > SIP_MSG_MAX)
		return;
	/* Whatever it answered, it wrote no broken line. */
	if (sip_parse(&again, out, w.w_len, flags | SIP_STREAM) == -1 &&
	    (again.sm_error == SIP_E_LINE_END || again.sm_error == SIP_E_CONTROL ||
	    again.sm_error == SIP_E_HEADER || again.sm_error == SIP_E_START_LINE))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static const int	modes[] = { 0, SIP_STREAM, SIP_INSIDE };
	enum sip_error		e;
	ptrdiff_t		n;
	size_t			skip, i;

	n = sip_frame(p, len, &skip, &e);
	if (skip > len || (n > 0 && (size_t)n > len - skip))
		abort();
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (sip_parse(&m, p, len, modes[i]) == 0) {
			forward(modes[i]);
			getters();
		} else if (m.sm_error == SIP_E_OK)
			abort();
		respond(modes[i]);
	}
	return (0);
}
