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
 * core: writes SIP messages: forwarded ones with edits, and our own.
 */
#include <sys/types.h>

#include <stdint.h>
#include <string.h>

#include "sip_build.h"
#include "sip_hdr.h"
#include "sip_uri.h"

static int	 text_ok(const char *);
static void	 put_text(struct wbuf *, const char *);
static void	 put_number(struct wbuf *, const char *, size_t);
static void	 put_id(struct wbuf *, const struct sip_msg *, enum sip_hdr_id);
static void	 put_start(struct wbuf *, const struct sip_edit *);
static void	 put_via_top(struct wbuf *, struct span, const char *);
static void	 put_vias(struct wbuf *, const struct sip_edit *);
static void	 put_vias_back(struct wbuf *, const struct sip_msg *, const char *);
static void	 put_list(struct wbuf *, const struct sip_msg *, enum sip_hdr_id, size_t,
		    const char *);
static void	 put_to(struct wbuf *, const struct sip_msg *, const char *);
static void	 put_session(struct wbuf *, const struct sip_msg *, int);
static void	 put_common(struct wbuf *, const struct sip_msg *, const struct sip_msg *,
		    uint32_t, const char *);

/*
 * May this stand inside a line?  Anything with a control byte but a tab is an
 * attempt at a line of its own; in a quoted string an escaped one is not, if
 * it ends no line.
 */
static int
text_ok(const char *s)
{
	struct span	t = { s, strlen(s) };
	int		high, quoted = 0, escaped = 0;

	if (sip_plain(t, &high))
		return (1);
	for (; *s != '\0'; s++) {
		if (*s == '\r' || *s == '\n' ||
		    (((uint8_t)*s < 0x20 || *s == 0x7f) && *s != '\t' && !escaped))
			return (0);
		if (!escaped && *s == '"')
			quoted = !quoted;
		escaped = quoted && !escaped && *s == '\\';
	}
	return (1);
}

static void
put_text(struct wbuf *w, const char *s)
{
	if (s == NULL || !text_ok(s))
		(void)wbuf_fail(w);
	else
		wbuf_str(w, s);
}

/* A header line with a number; the two of every message, so without printf. */
static void
put_number(struct wbuf *w, const char *name, size_t n)
{
	char		digits[24];
	struct span	s;
	size_t		i = sizeof(digits);

	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	s.p = digits + i;
	s.len = sizeof(digits) - i;
	wbuf_str(w, name);
	wbuf_span(w, s);
	wbuf_str(w, "\r\n");
}

void
sip_put_header(struct wbuf *w, const char *name, const char *value)
{
	put_text(w, name);
	wbuf_str(w, ": ");
	put_text(w, value);
	wbuf_str(w, "\r\n");
}

void
sip_put_value(struct wbuf *w, struct span s)
{
	struct cur	c;
	struct span	part;

	cur_init(&c, s.p, s.len);
	while (cur_left(&c) > 0) {
		if (memchr(s.p, '\r', s.len) == NULL) {
			wbuf_span(w, s);
			return;
		}
		if (cur_until(&c, '\r', &part) == -1) {
			part.len = cur_left(&c);
			wbuf_bytes(w, cur_ptr(&c, part.len), part.len);
			return;
		}
		wbuf_span(w, part);
		sip_lws(&c);
		wbuf_u8(w, ' ');
		s.len = cur_left(&c);
		s.p = (const char *)cur_ptr(&c, s.len);
		cur_init(&c, s.p, s.len);
	}
}

/* First line with the id, under its canonical name. */
static void
put_id(struct wbuf *w, const struct sip_msg *m, enum sip_hdr_id id)
{
	const struct sip_hdr	*h;

	if ((h = sip_hdr_first(m, id)) == NULL) {
		(void)wbuf_fail(w);
		return;
	}
	wbuf_str(w, sip_hdr_str(id));
	wbuf_str(w, ": ");
	sip_put_value(w, h->sh_value);
	wbuf_str(w, "\r\n");
}

/* -- edits -- */

void
sip_edit_init(struct sip_edit *e, const struct sip_msg *m)
{
	memset(e, 0, sizeof(*e));
	e->se_msg = m;
	e->se_max_forwards = -1;
}

void
sip_edit_drop(struct sip_edit *e, enum sip_hdr_id id)
{
	if (id > SIP_H_OTHER && id < SIP_H_MAX)
		e->se_drop[id] = 1;
}

void
sip_edit_add(struct sip_edit *e, const char *name, const char *value)
{
	if (e->se_nadd == SIP_EDITS_MAX) {
		e->se_bad = 1;
		return;
	}
	e->se_add[e->se_nadd].sx_name = name;
	e->se_add[e->se_nadd++].sx_value = value;
}

void
sip_edit_add_top(struct sip_edit *e, const char *name, const char *value)
{
	if (e->se_ntop == SIP_EDITS_MAX) {
		e->se_bad = 1;
		return;
	}
	e->se_top[e->se_ntop].sx_name = name;
	e->se_top[e->se_ntop++].sx_value = value;
}

void
sip_edit_set(struct sip_edit *e, enum sip_hdr_id id, const char *value)
{
	sip_edit_drop(e, id);
	sip_edit_add(e, sip_hdr_str(id), value);
}

static void
put_start(struct wbuf *w, const struct sip_edit *e)
{
	const struct sip_msg	*m = e->se_msg;

	if (m->sm_request) {
		wbuf_span(w, m->sm_method_name);
		wbuf_u8(w, ' ');
		if (e->se_uri == NULL)
			wbuf_span(w, m->sm_uri);
		else if (*e->se_uri == '\0' || strchr(e->se_uri, ' ') != NULL)
			(void)wbuf_fail(w);
		else
			put_text(w, e->se_uri);
		wbuf_str(w, " SIP/2.0\r\n");
		return;
	}
	wbuf_printf(w, "SIP/2.0 %03d ", e->se_status ? e->se_status : m->sm_status);
	if (e->se_reason != NULL)
		put_text(w, e->se_reason);
	else if (e->se_status)
		wbuf_str(w, sip_reason(e->se_status));
	else
		wbuf_span(w, m->sm_reason);
	wbuf_str(w, "\r\n");
}

/* A Via with more parameters; what it says itself of received and rport goes,
 * so that neither can stand twice nor be forged. */
static void
put_via_top(struct wbuf *w, struct span value, const char *params)
{
	struct sip_via	via;
	struct span	rest, name, val;
	int		r, ipv6;

	if (sip_via_parse(value, &via) == -1) {
		(void)wbuf_fail(w);
		return;
	}
	ipv6 = memchr(via.sv_host.p, ':', via.sv_host.len) != NULL;
	wbuf_str(w, "SIP/2.0/");
	wbuf_span(w, via.sv_transport);
	wbuf_str(w, ipv6 ? " [" : " ");
	wbuf_span(w, via.sv_host);
	wbuf_str(w, ipv6 ? "]" : "");
	if (via.sv_port != 0)
		wbuf_printf(w, ":%u", (unsigned)via.sv_port);
	rest = via.sv_params;
	while ((r = sip_param_next(&rest, &name, &val)) == 1) {
		if (span_caseeq(name, "received") || span_caseeq(name, "rport"))
			continue;
		wbuf_u8(w, ';');
		wbuf_span(w, name);
		if (val.len == 0)
			continue;
		/* A quote stands before the value only if it was quoted. */
		wbuf_u8(w, '=');
		if (val.p[-1] == '"')
			wbuf_u8(w, '"');
		sip_put_value(w, val);
		if (val.p[-1] == '"')
			wbuf_u8(w, '"');
	}
	if (r == -1)
		(void)wbuf_fail(w);
	put_text(w, params);
}

/*
 * The values of a list header from the pop-th on, those of one line on one
 * line: so no message gets more lines than it came with.  params: for the
 * first one, a Via; may be NULL.
 */
static void
put_list(struct wbuf *w, const struct sip_msg *m, enum sip_hdr_id id, size_t pop,
    const char *params)
{
	const struct sip_hdr	*line = NULL;
	struct sip_values	 it;
	struct span		 v;
	size_t			 n = 0;
	int			 r;

	sip_values_init(&it, m, id);
	while ((r = sip_values_next(&it, &v)) == 1) {
		if (n++ < pop)
			continue;
		if (it.si_hdr == line)
			wbuf_str(w, ", ");
		else {
			wbuf_str(w, line != NULL ? "\r\n" : "");
			wbuf_str(w, sip_hdr_str(id));
			wbuf_str(w, ": ");
			line = it.si_hdr;
		}
		if (n == pop + 1 && params != NULL)
			put_via_top(w, v, params);
		else
			sip_put_value(w, v);
	}
	wbuf_str(w, line != NULL ? "\r\n" : "");
	if (r == -1)
		(void)wbuf_fail(w);
}

static void
put_vias(struct wbuf *w, const struct sip_edit *e)
{
	if (e->se_via != NULL)
		sip_put_header(w, "Via", e->se_via);
	if (!e->se_drop[SIP_H_VIA])
		put_list(w, e->se_msg, SIP_H_VIA, e->se_pop_vias, e->se_via_params);
}

/*
 * The Vias of a request, for its answer.  Where one of them is not to be read
 * the lines go back just as they came: so its sender finds its own again.
 */
static void
put_vias_back(struct wbuf *w, const struct sip_msg *m, const char *params)
{
	const struct sip_hdr	*h;
	struct sip_edit		 e;
	struct sip_via		 via;

	if (m->sm_nvias > 0 && sip_via_get(m, 0, &via) == 0) {
		sip_edit_init(&e, m);
		e.se_via_params = params;
		put_vias(w, &e);
		return;
	}
	for (h = sip_hdr_first(m, SIP_H_VIA); h != NULL; h = sip_hdr_next(m, h)) {
		wbuf_str(w, "Via: ");
		sip_put_value(w, h->sh_value);
		wbuf_str(w, "\r\n");
	}
}

int
sip_edit_write(const struct sip_edit *e, struct wbuf *w)
{
	const struct sip_msg	*m = e->se_msg;
	const struct sip_hdr	*h;
	struct span		 body;
	size_t			 i;

	if (e->se_bad)
		return (wbuf_fail(w));
	put_start(w, e);
	put_vias(w, e);
	for (i = e->se_ntop; i > 0; i--)
		sip_put_header(w, e->se_top[i - 1].sx_name,
		    e->se_top[i - 1].sx_value);
	if (!e->se_drop[SIP_H_ROUTE])
		put_list(w, m, SIP_H_ROUTE, e->se_pop_routes, NULL);
	if (e->se_max_forwards >= 0)
		put_number(w, "Max-Forwards: ", (size_t)e->se_max_forwards);
	for (i = 0; i < m->sm_nhdrs; i++) {
		h = &m->sm_hdrs[i];
		if (h->sh_id == SIP_H_VIA || h->sh_id == SIP_H_ROUTE ||
		    h->sh_id == SIP_H_CONTENT_LENGTH || e->se_drop[h->sh_id])
			continue;
		if (h->sh_id == SIP_H_MAX_FORWARDS) {
			if (e->se_max_forwards >= 0)
				continue;
		} else if (e->se_keep != NULL && !e->se_keep(h, e->se_keep_arg))
			continue;
		wbuf_span(w, h->sh_name);
		wbuf_str(w, ": ");
		sip_put_value(w, h->sh_value);
		wbuf_str(w, "\r\n");
	}
	for (i = 0; i < e->se_nadd; i++)
		sip_put_header(w, e->se_add[i].sx_name, e->se_add[i].sx_value);
	body = e->se_set_body ? e->se_body : m->sm_body;
	put_number(w, "Content-Length: ", body.len);
	wbuf_str(w, "\r\n");
	wbuf_span(w, body);
	return (wbuf_ok(w));
}

/* -- our own -- */

static void
put_to(struct wbuf *w, const struct sip_msg *m, const char *tag)
{
	const struct sip_hdr	*h;
	struct sip_addr		 to;

	if ((h = sip_hdr_first(m, SIP_H_TO)) == NULL) {
		(void)wbuf_fail(w);
		return;
	}
	wbuf_str(w, "To: ");
	sip_put_value(w, h->sh_value);
	if (tag != NULL && sip_addr_parse(h->sh_value, &to) == 0 &&
	    to.sa_tag.len == 0) {
		wbuf_str(w, ";tag=");
		put_text(w, tag);
	}
	wbuf_str(w, "\r\n");
}

/*
 * The Session-ID of a message in one of ours (RFC 7989 7).  Back to its sender,
 * whose UUID it has, that becomes the remote one, and what it knew as the
 * remote one, or nil, is ours; a value without remote (RFC 7329) is the same in
 * both directions.
 */
static void
put_session(struct wbuf *w, const struct sip_msg *m, int back)
{
	const struct sip_hdr	*h;
	struct span		 id, remote;

	if ((h = sip_hdr_first(m, SIP_H_SESSION_ID)) == NULL ||
	    sip_session_id(h->sh_value, &id, &remote) == -1)
		return;
	wbuf_str(w, "Session-ID: ");
	if (remote.len == 0)
		wbuf_span(w, id);
	else {
		wbuf_span(w, back ? remote : id);
		wbuf_str(w, ";remote=");
		wbuf_span(w, back ? id : remote);
	}
	wbuf_str(w, "\r\n");
}

int
sip_build_response(struct wbuf *w, const struct sip_msg *req, int status,
    const char *reason, const char *to_tag, const char *via_params,
    const struct sip_extra *extra, size_t nextra)
{
	size_t	i;

	wbuf_printf(w, "SIP/2.0 %03d ", status);
	put_text(w, reason != NULL ? reason : sip_reason(status));
	wbuf_str(w, "\r\n");
	put_vias_back(w, req, via_params);
	/* A request that was refused for its form may lack some of these. */
	if (sip_hdr_has(req, SIP_H_FROM))
		put_id(w, req, SIP_H_FROM);
	if (sip_hdr_has(req, SIP_H_TO))
		put_to(w, req, to_tag);
	if (sip_hdr_has(req, SIP_H_CALL_ID))
		put_id(w, req, SIP_H_CALL_ID);
	if (sip_hdr_has(req, SIP_H_CSEQ))
		put_id(w, req, SIP_H_CSEQ);
	put_session(w, req, 1);
	for (i = 0; i < nextra; i++)
		sip_put_header(w, extra[i].sx_name, extra[i].sx_value);
	wbuf_str(w, "Content-Length: 0\r\n\r\n");
	return (wbuf_ok(w));
}

/* From and Call-ID of the INVITE, To of another message, CSeq, the end. */
static void
put_common(struct wbuf *w, const struct sip_msg *invite, const struct sip_msg *to,
    uint32_t cseq, const char *method)
{
	wbuf_str(w, "Max-Forwards: 70\r\n");
	put_id(w, invite, SIP_H_FROM);
	put_to(w, to, NULL);
	put_id(w, invite, SIP_H_CALL_ID);
	wbuf_printf(w, "CSeq: %u %s\r\n", (unsigned)cseq, method);
	put_session(w, to, to != invite);
}

int
sip_build_ack(struct wbuf *w, const struct sip_msg *invite, const struct sip_msg *resp)
{
	wbuf_str(w, "ACK ");
	wbuf_span(w, invite->sm_uri);
	wbuf_str(w, " SIP/2.0\r\nVia: ");
	sip_put_value(w, invite->sm_via.sv_all);
	wbuf_str(w, "\r\n");
	put_list(w, invite, SIP_H_ROUTE, 0, NULL);
	put_common(w, invite, resp, invite->sm_cseq, "ACK");
	wbuf_str(w, "Content-Length: 0\r\n\r\n");
	return (wbuf_ok(w));
}

int
sip_build_cancel(struct wbuf *w, const struct sip_msg *invite, const char *reason)
{
	wbuf_str(w, "CANCEL ");
	wbuf_span(w, invite->sm_uri);
	wbuf_str(w, " SIP/2.0\r\nVia: ");
	sip_put_value(w, invite->sm_via.sv_all);
	wbuf_str(w, "\r\n");
	put_list(w, invite, SIP_H_ROUTE, 0, NULL);
	put_common(w, invite, invite, invite->sm_cseq, "CANCEL");
	if (reason != NULL)
		sip_put_header(w, "Reason", reason);
	wbuf_str(w, "Content-Length: 0\r\n\r\n");
	return (wbuf_ok(w));
}

int
sip_build_dialog(struct wbuf *w, enum sip_method method, const struct sip_msg *invite,
    const struct sip_msg *resp, const char *via, uint32_t cseq, size_t skip)
{
	struct sip_addr	 contact;
	struct sip_uri	 uri;
	struct span	 target = invite->sm_uri, v;
	int		 n;

	if (sip_addr_get(resp, SIP_H_CONTACT, 0, &contact) == 0 &&
	    !contact.sa_star && sip_uri_parse(contact.sa_uri, &uri) == 0) {
		target = contact.sa_uri;
		if (uri.su_has_headers)
			target.len -= uri.su_headers.len + 1;
	}
	put_text(w, sip_method_str(method));
	wbuf_u8(w, ' ');
	wbuf_span(w, target);
	wbuf_str(w, " SIP/2.0\r\n");
	sip_put_header(w, "Via", via);
	n = sip_values_count(resp, SIP_H_RECORD_ROUTE);
	if (n < 0)
		return (wbuf_fail(w));
	for (n -= (int)skip; n > 0; n--) {
		if (sip_value(resp, SIP_H_RECORD_ROUTE, (size_t)n - 1, &v) == -1)
			return (wbuf_fail(w));
		wbuf_str(w, "Route: ");
		sip_put_value(w, v);
		wbuf_str(w, "\r\n");
	}
	put_common(w, invite, resp, cseq, sip_method_str(method));
	wbuf_str(w, "Content-Length: 0\r\n\r\n");
	return (wbuf_ok(w));
}

static const struct {
	int		 status;
	const char	*reason;
} reasons[] = {
	{ 100, "Trying" }, { 180, "Ringing" },
	{ 181, "Call Is Being Forwarded" }, { 182, "Queued" },
	{ 183, "Session Progress" }, { 200, "OK" }, { 202, "Accepted" },
	{ 302, "Moved Temporarily" }, { 400, "Bad Request" },
	{ 403, "Forbidden" }, { 404, "Not Found" },
	{ 405, "Method Not Allowed" }, { 408, "Request Timeout" },
	{ 413, "Request Entity Too Large" }, { 415, "Unsupported Media Type" },
	{ 416, "Unsupported URI Scheme" }, { 420, "Bad Extension" },
	{ 480, "Temporarily Unavailable" },
	{ 481, "Call/Transaction Does Not Exist" }, { 482, "Loop Detected" },
	{ 483, "Too Many Hops" }, { 484, "Address Incomplete" },
	{ 486, "Busy Here" }, { 487, "Request Terminated" },
	{ 488, "Not Acceptable Here" }, { 491, "Request Pending" },
	{ 500, "Server Internal Error" }, { 501, "Not Implemented" },
	{ 502, "Bad Gateway" }, { 503, "Service Unavailable" },
	{ 504, "Server Time-out" }, { 505, "Version Not Supported" },
	{ 513, "Message Too Large" }, { 603, "Decline" }
};

const char *
sip_reason(int status)
{
	size_t	i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return (reasons[i].reason);
	return (status < 200 ? "Progress" : status < 300 ? "OK" :
	    status < 400 ? "Redirection" : status < 500 ? "Request Failure" :
	    status < 600 ? "Server Failure" : "Global Failure");
}
