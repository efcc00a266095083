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
 * core: strict routers (RFC 2543) before and behind us: RFC 3261 16.4, 16.6
 * item 6 and 16.12.1.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy_int.h"

#define ROUTES_MAX	70

struct loose {
	struct sip_msg	 lo_msg;
	uint8_t		 lo_buf[PX_OUT];
};

static int	route_lr(struct span);

/* Is that URI one of a loose router? */
static int
route_lr(struct span s)
{
	struct sip_uri	uri;
	struct span	v;

	return (sip_uri_parse(s, &uri) == 0 && sip_uri_param(&uri, "lr", &v) == 1);
}

int
route_unstrict(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    const struct txn_key *key)
{
	struct sip_edit	 e;
	struct sip_uri	 uri;
	struct sip_addr	 last;
	struct loose	*lo;
	struct wbuf	 w, text;
	struct span	 v, lr;
	int		 i, n;

	if (!sip_hdr_has(m, SIP_H_ROUTE) || sip_uri_parse(m->sm_uri, &uri) == -1 ||
	    (uri.su_scheme != URI_SIP && uri.su_scheme != URI_SIPS) ||
	    uri.su_has_user || sip_uri_param(&uri, "lr", &lr) != 1 ||
	    !px_is_us(px, uri.su_host, uri.su_port))
		return (0);
	n = sip_values_count(m, SIP_H_ROUTE);
	if (n < 1 || n > ROUTES_MAX ||
	    sip_addr_get(m, SIP_H_ROUTE, (size_t)n - 1, &last) == -1)
		return (0);
	/* What a strict router puts last is where the request is to end. */
	if (sip_uri_parse(last.sa_uri, &uri) == -1 || (!uri.su_has_user &&
	    px_is_us(px, uri.su_host, uri.su_port)))
		return (0);
	if (span_str(last.sa_uri, px->px_text[6], PX_TEXT) == -1)
		return (0);
	px->px_textdirty = 1;
	wbuf_init(&text, px->px_text[7], PX_TEXT - 1);
	for (i = 0; i < n - 1; i++) {
		if (sip_value(m, SIP_H_ROUTE, (size_t)i, &v) == -1)
			return (0);
		wbuf_str(&text, i > 0 ? ", " : "");
		sip_put_value(&text, v);
	}
	if (wbuf_ok(&text) == -1 || (lo = malloc(sizeof(*lo))) == NULL)
		return (0);
	px->px_text[7][text.w_len] = '\0';
	sip_edit_init(&e, m);
	e.se_uri = px->px_text[6];
	sip_edit_drop(&e, SIP_H_ROUTE);
	if (text.w_len > 0)
		sip_edit_add_top(&e, "Route", px->px_text[7]);
	wbuf_init(&w, lo->lo_buf, sizeof(lo->lo_buf));
	n = 0;
	if (sip_edit_write(&e, &w) == 0 &&
	    sip_parse(&lo->lo_msg, w.w_buf, w.w_len, px_parse_flags(fl)) == 0) {
		hop_request(px, fl, &lo->lo_msg, key);
		n = 1;
	}
	freezero(lo, sizeof(*lo));
	return (n);
}

int
route_strict(const struct sip_msg *m, size_t pop, const char *target, char uri[PX_TEXT],
    char routes[PX_TEXT])
{
	struct sip_addr	 first;
	struct sip_uri	 next;
	struct span	 v;
	struct wbuf	 w;
	int		 i, n;

	if (sip_addr_get(m, SIP_H_ROUTE, pop, &first) == -1 || route_lr(first.sa_uri) ||
	    sip_uri_parse(first.sa_uri, &next) == -1 || next.su_has_headers)
		return (0);
	n = sip_values_count(m, SIP_H_ROUTE);
	if (n > ROUTES_MAX || span_str(first.sa_uri, uri, PX_TEXT) == -1)
		return (-1);
	wbuf_init(&w, routes, PX_TEXT - 1);
	for (i = (int)pop + 1; i < n; i++) {
		if (sip_value(m, SIP_H_ROUTE, (size_t)i, &v) == -1)
			return (-1);
		sip_put_value(&w, v);
		wbuf_str(&w, ", ");
	}
	wbuf_u8(&w, '<');
	if (target != NULL)
		wbuf_str(&w, target);
	else
		wbuf_span(&w, m->sm_uri);
	wbuf_u8(&w, '>');
	if (wbuf_ok(&w) == -1)
		return (-1);
	routes[w.w_len] = '\0';
	return (1);
}
