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
 * One structured header at a time: the input is its value (the first byte says
 * whose), inside a message that is otherwise good.  Every reader of values
 * runs; what is handed on must be read again as the same.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sip_build.h"
#include "sip_hdr.h"
#include "sip_parse.h"
#include "sip_uri.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* The first five stand in every message. */
static const struct {
	const char	*name, *value;
} headers[] = {
	{ "Via", "SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK1" }, { "From", "<sip:1@a>;tag=f" },
	{ "To", "<sip:2@b>" }, { "Call-ID", "c" }, { "CSeq", "1 INVITE" },
	{ "Contact", "" }, { "Route", "" }, { "Record-Route", "" }, { "Max-Forwards", "" },
	{ "RAck", "" }, { "RSeq", "" }, { "Retry-After", "" }, { "Session-Expires", "" },
	{ "Min-SE", "" }, { "Require", "" }, { "Supported", "" }, { "Allow", "" },
	{ "Content-Type", "" }, { "Content-Length", "" }, { "Refer-To", "" },
	{ "Replaces", "" }, { "P-Asserted-Identity", "" }, { "Privacy", "" },
	{ "Session-ID", "" }, { "ViPR-Ticket", "" }, { "Diversion", "" }, { "X-Any", "" },
};
#define NHEADERS	(sizeof(headers) / sizeof(headers[0]))
#define FIXED		5
#define VALUE_MAX	8192

static struct sip_msg	m, again;
static uint8_t		in[VALUE_MAX + 1024], out[4 * VALUE_MAX + 4096];
static char		text[2 * VALUE_MAX + 64];

static void	inside(struct span, struct span);
static void	values(enum sip_hdr_id);
static void	hand_on(int);

/* No reader leaves the value that it was given. */
static void
inside(struct span part, struct span whole)
{
	if (part.len > 0 && (part.p < whole.p || part.p + part.len > whole.p + whole.len))
		abort();
}

static void
values(enum sip_hdr_id id)
{
	struct sip_values	 it;
	struct sip_addr		 a;
	struct sip_via		 via;
	struct sip_uri		 uri, same;
	struct span		 v, rest, name, val;
	size_t			 n = 0, i;
	ptrdiff_t		 len;

	sip_values_init(&it, &m, id);
	while (sip_values_next(&it, &v) == 1) {
		n++;
		if (sip_via_parse(v, &via) == 0) {
			inside(via.sv_host, v);
			inside(via.sv_branch, v);
			inside(via.sv_received, v);
		}
		(void)sip_via_rough(v, &via);
		if (sip_addr_parse(v, &a) == 0) {
			inside(a.sa_uri, v);
			inside(a.sa_tag, v);
			inside(a.sa_display, v);
			if (sip_uri_parse(a.sa_uri, &uri) == 0 &&
			    (sip_uri_parse(a.sa_uri, &same) == -1 ||
			    (uri.su_scheme == URI_OTHER && !sip_uri_eq(&uri, &same))))
				abort();
		}
		rest = v;
		while (sip_param_next(&rest, &name, &val) == 1) {
			inside(name, v);
			inside(val, v);
		}
		(void)sip_param(v, "refresher", &val);
		if ((len = sip_unfold(v, text, sizeof(text))) != -1)
			for (i = 0; i < (size_t)len; i++)
				if (text[i] == '\r' || text[i] == '\n' || text[i] == '\0')
					abort();
	}
	if (n > SIP_VALUES_MAX)
		abort();
	(void)sip_join(&m, id, text, sizeof(text));
	(void)sip_join(&m, id, text, 8);
	(void)sip_list_has(&m, id, "100rel");
}

/* As a proxy would; what it wrote is read again. */
static void
hand_on(int flags)
{
	struct sip_edit	 e;
	struct wbuf	 w;

	sip_edit_init(&e, &m);
	e.se_via = "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK2;rport";
	e.se_via_params = ";received=192.0.2.1;rport=9";
	e.se_max_forwards = 9;
	wbuf_init(&w, out, sizeof(out));
	if (sip_edit_write(&e, &w) == -1)
		return;
	if (sip_parse(&again, out, w.w_len, flags | SIP_OWN) == -1 ||
	    again.sm_nvias != m.sm_nvias + 1 || again.sm_nhdrs < m.sm_nhdrs ||
	    again.sm_count[SIP_H_CONTACT] != m.sm_count[SIP_H_CONTACT] ||
	    !sip_span_same(again.sm_body, m.sm_body))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct wbuf	 w;
	struct span	 start;
	uint32_t	 a, b;
	enum sip_method	 method;
	enum sip_hdr_id	 id;
	size_t		 which, i;
	int		 flags, ok;

	if (len < 1 || len > VALUE_MAX)
		return (0);
	which = (p[0] & 0x7f) % NHEADERS;
	flags = p[0] & 0x80 ? SIP_INSIDE : 0;
	wbuf_init(&w, in, sizeof(in));
	wbuf_str(&w, "INVITE sip:2@b SIP/2.0\r\n");
	for (i = 0; i < NHEADERS; i++) {
		if (i != which && i >= FIXED)
			continue;
		wbuf_str(&w, headers[i].name);
		wbuf_str(&w, ": ");
		if (i == which)
			wbuf_bytes(&w, p + 1, len - 1);
		else
			wbuf_str(&w, headers[i].value);
		wbuf_str(&w, "\r\n");
	}
	wbuf_str(&w, "\r\nbody");
	start.p = headers[which].name;
	start.len = strlen(headers[which].name);
	id = sip_hdr_lookup(start);
	ok = sip_parse(&m, in, w.w_len, flags) == 0;
	values(id);
	(void)sip_rack(&m, &a, &b, &method);
	(void)sip_number(&m, id, UINT32_MAX, &a);
	if (ok)
		hand_on(flags);
	else if (sip_answerable(&m)) {
		wbuf_init(&w, out, sizeof(out));
		(void)sip_build_response(&w, &m, 400, NULL, "t", ";received=1.2.3.4", NULL, 0);
	}
	return (0);
}
