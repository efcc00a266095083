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
 * core: what may come in from outside, and in which form.
 */
#include <sys/types.h>

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "border.h"
#include "conf.h"
#include "sip_uri.h"

/* base64url. */
static const uint8_t token_chars[256] = {
	['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
	['-'] = 1, ['_'] = 1
};

static int	 host_ours(const struct conf *, const struct sip_uri *);
static int	 is_verstat(struct span);
static size_t	 segment_name(struct span);
static void	 put_uri(struct wbuf *, struct span);
static struct span put_number(const struct conf *, struct wbuf *, struct span);

enum border_class
border_classify(const struct conf *cf, const struct sip_msg *m)
{
	switch (m->sm_method) {
	case SIP_M_INVITE:
	case SIP_M_ACK:
	case SIP_M_CANCEL:
	case SIP_M_BYE:
	case SIP_M_PRACK:
	case SIP_M_UPDATE:
	case SIP_M_INFO:
	case SIP_M_OPTIONS:
		break;
	case SIP_M_REFER:
		if (cf->c_flags & CONF_ALLOW_REFER)
			break;
		return (BORDER_405);
	default:
		return (BORDER_405);
	}
	if (sip_hdr_has(m, SIP_H_REPLACES) || sip_hdr_has(m, SIP_H_JOIN))
		return (m->sm_method == SIP_M_ACK ? BORDER_DROP : BORDER_POLICY);
	if (m->sm_method == SIP_M_ACK)
		return (m->sm_to.sa_tag.len > 0 ? BORDER_ACK : BORDER_DROP);
	if (m->sm_method == SIP_M_CANCEL)
		return (BORDER_CANCEL);
	if (m->sm_method == SIP_M_OPTIONS)
		return (BORDER_OPTIONS);
	if (m->sm_max_forwards == 0)
		return (BORDER_483);
	if (sip_hdr_has(m, SIP_H_PROXY_REQUIRE))
		return (BORDER_420);
	if (m->sm_to.sa_tag.len > 0)
		return (BORDER_DIALOG);
	return (m->sm_method == SIP_M_INVITE ? BORDER_CALL : BORDER_481);
}

const char *
border_allow(const struct conf *cf)
{
	if (cf->c_flags & CONF_ALLOW_REFER)
		return ("INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, "
		    "OPTIONS, REFER");
	return ("INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, OPTIONS");
}

/* Domain, outside name, host of the URIs that we grant, or address of an
 * outside listener. */
static int
host_ours(const struct conf *cf, const struct sip_uri *u)
{
	const struct conf_listen	*l;
	struct vaddr			 va;

	if (conf_name_ours(cf, u->su_host.p, u->su_host.len) ||
	    (cf->c_outside_host[0] != '\0' &&
	    span_caseeq(u->su_host, cf->c_outside_host)))
		return (1);
	if (sip_uri_addr(u, &va) == -1)
		return (0);
	TAILQ_FOREACH(l, &cf->c_listens, cl_entry)
		if (l->cl_use == LISTEN_SIP && l->cl_face == FACE_OUTSIDE &&
		    vaddr_host_eq(&l->cl_addr, &va))
			return (1);
	return (0);
}

int
border_ruri(const struct conf *cf, struct span text, char number[E164_SIZE])
{
	struct sip_uri	u;
	char		user[64];

	memset(number, 0, E164_SIZE);
	if (sip_uri_parse(text, &u) == -1 || u.su_has_headers)
		return (400);
	switch (u.su_scheme) {
	case URI_TEL:
		if (u.su_params.len > 0 || u.su_user.p[0] != '+' ||
		    e164_normalise(u.su_user, NULL, number) == -1)
			goto wrong;
		return (0);
	case URI_SIP:
	case URI_SIPS:
		if (!u.su_has_user || u.su_has_password ||
		    sip_uri_unescape(u.su_user, user, sizeof(user)) == -1 ||
		    !e164_valid(user) || !host_ours(cf, &u))
			goto wrong;
		(void)strlcpy(number, user, E164_SIZE);
		return (0);
	case URI_OTHER:
		break;
	}
 wrong:
	memset(number, 0, E164_SIZE);
	return (403);
}

enum refusal
border_ticket(const struct sip_msg *m, char out[TOKEN_MAX])
{
	const struct sip_hdr	*h;
	struct cur		 c;
	struct span		 t;

	out[0] = '\0';
	if ((h = sip_hdr_first(m, SIP_H_VIPR_TICKET)) == NULL)
		return (REFUSAL_NO_TICKET);
	if (m->sm_count[SIP_H_VIPR_TICKET] > 1)
		return (REFUSAL_BAD_TICKET);
	if (h->sh_value.len == 0)
		return (REFUSAL_NO_TICKET);
	cur_init(&c, h->sh_value.p, h->sh_value.len);
	if (cur_token(&c, token_chars, &t) == -1 || cur_done(&c) == -1 ||
	    span_str(t, out, TOKEN_MAX) == -1) {
		out[0] = '\0';
		return (REFUSAL_BAD_TICKET);
	}
	return (REFUSAL_NONE);
}

int
border_refusal_status(enum refusal r)
{
	return (r == REFUSAL_BUSY ? 503 : 403);
}

int
border_keep_in(const struct sip_hdr *h, const void *arg)
{
	const struct conf	*cf = arg;

	switch ((enum sip_hdr_id)h->sh_id) {
	case SIP_H_FROM:
	case SIP_H_TO:
	case SIP_H_CALL_ID:
	case SIP_H_CSEQ:
	case SIP_H_CONTENT_TYPE:
	case SIP_H_CONTENT_ENCODING:
	case SIP_H_CONTENT_DISPOSITION:
	case SIP_H_CONTENT_LANGUAGE:
	case SIP_H_CONTENT_ID:
	case SIP_H_SUPPORTED:
	case SIP_H_REQUIRE:
	case SIP_H_ALLOW:
	case SIP_H_ACCEPT:
	case SIP_H_RSEQ:
	case SIP_H_RACK:
	case SIP_H_SESSION_EXPIRES:
	case SIP_H_MIN_SE:
	case SIP_H_EXPIRES:
	case SIP_H_USER_AGENT:
		return (1);
	case SIP_H_SESSION_ID:
		return (border_session_id(h->sh_value));
	case SIP_H_REFER_TO:
	case SIP_H_REFERRED_BY:
		return (cf != NULL && (cf->c_flags & CONF_ALLOW_REFER) != 0);
	case SIP_H_OTHER:
		if (h->sh_name.len > 8 &&
		    strncasecmp(h->sh_name.p, "Content-", 8) == 0)
			return (1);
		return (border_passes(cf, h));
	default:
		return (border_passes(cf, h));
	}
}

/* `pass header`; what must never pass cannot be configured. */
int
border_passes(const struct conf *cf, const struct sip_hdr *h)
{
	const struct conf_text	*t;
	const char		*name;

	if (cf == NULL || TAILQ_EMPTY(&cf->c_pass))
		return (0);
	name = sip_hdr_str((enum sip_hdr_id)h->sh_id);
	TAILQ_FOREACH(t, &cf->c_pass, ct_entry)
		if (name[0] != '\0' ? strcasecmp(name, t->ct_text) == 0 :
		    span_caseeq(h->sh_name, t->ct_text))
			return (1);
	return (0);
}

int
border_session_id(struct span v)
{
	struct span	id, remote;

	return (sip_session_id(v, &id, &remote) == 0);
}

/* -- caller identity -- */

static int
is_verstat(struct span name)
{
	char	text[16];

	return (sip_uri_unescape(name, text, sizeof(text)) != -1 &&
	    strcasecmp(text, "verstat") == 0);
}

/* Length of the name of a ';' segment of a URI. */
static size_t
segment_name(struct span s)
{
	size_t	i;

	for (i = 0; i < s.len; i++)
		if (strchr("=@?", s.p[i]) != NULL)
			break;
	return (i);
}

/* A URI without verstat: as a parameter, or in the user part. */
static void
put_uri(struct wbuf *w, struct span uri)
{
	struct cur	c, at, in;
	struct span	s, name, rest;
	int		first = 1;

	cur_init(&c, uri.p, uri.len);
	for (;;) {
		at = c;
		if (cur_until(&c, ';', &s) == -1) {
			c = at;
			s.len = cur_left(&c);
			s.p = (const char *)cur_ptr(&c, s.len);
		}
		name = s;
		name.len = segment_name(s);
		if (first || !is_verstat(name)) {
			if (!first)
				wbuf_u8(w, ';');
			wbuf_span(w, s);
		} else {
			/* What stands behind the user part, or the headers. */
			cur_init(&in, s.p, s.len);
			if (cur_until(&in, '@', &rest) == -1) {
				cur_init(&in, s.p, s.len);
				if (cur_until(&in, '?', &rest) == -1)
					cur_init(&in, NULL, 0);
			}
			rest.len = cur_left(&in);
			rest.p = (const char *)cur_ptr(&in, rest.len);
			wbuf_span(w, rest);
		}
		first = 0;
		if (cur_left(&c) == 0)
			break;
		(void)cur_skip(&c, 1);
	}
}

void
border_present(const struct conf *cf, const struct e164_rules *rules, const char *number,
    char out[BORDER_PRESENT_SIZE])
{
	size_t	n = strlen(rules->er_country);

	out[0] = '\0';
	if ((cf->c_flags & CONF_PRESENT_NATIONAL) && number[0] == '+') {
		if (n > 0 && strncmp(number + 1, rules->er_country, n) == 0) {
			(void)strlcpy(out, rules->er_national, BORDER_PRESENT_SIZE);
			number += 1 + n;
		} else if (rules->er_international[0] != '\0') {
			(void)strlcpy(out, rules->er_international,
			    BORDER_PRESENT_SIZE);
			number++;
		}
	}
	(void)strlcat(out, number, BORDER_PRESENT_SIZE);
}

/* The scheme and number of a sip URI as the PBX shall see them; the rest of
 * the URI.  What is no such number is left to the caller whole. */
static struct span
put_number(const struct conf *cf, struct wbuf *w, struct span uri)
{
	struct sip_uri	u;
	struct cur	c;
	struct span	user;
	char		text[64], shown[BORDER_PRESENT_SIZE];

	if (cf == NULL || (cf->c_flags & CONF_PRESENT_NATIONAL) == 0 ||
	    sip_uri_parse(uri, &u) == -1 ||
	    (u.su_scheme != URI_SIP && u.su_scheme != URI_SIPS) || u.su_has_password)
		return (uri);
	/* Parameters in the user part (RFC 3261 19.1.6) stay. */
	cur_init(&c, u.su_user.p, u.su_user.len);
	if (cur_until(&c, ';', &user) == -1)
		user = u.su_user;
	if (sip_uri_unescape(user, text, sizeof(text)) == -1 || !e164_valid(text))
		return (uri);
	border_present(cf, &cf->c_rules, text, shown);
	wbuf_str(w, u.su_scheme == URI_SIP ? "sip:" : "sips:");
	wbuf_str(w, shown);
	uri.len -= (size_t)(user.p + user.len - uri.p);
	uri.p = user.p + user.len;
	return (uri);
}

int
border_from_in(const struct conf *cf, const struct sip_addr *a, char *out, size_t size)
{
	struct wbuf	w;
	struct span	rest = a->sa_params, name, val;
	int		r;

	if (size == 0)
		return (-1);
	out[0] = '\0';
	wbuf_init(&w, out, size - 1);
	if (a->sa_display.len > 0 &&
	    (cf == NULL || (cf->c_flags & CONF_DISPLAY_NAME) != 0)) {
		sip_put_value(&w, a->sa_display);
		wbuf_u8(&w, ' ');
	}
	wbuf_u8(&w, '<');
	put_uri(&w, put_number(cf, &w, a->sa_uri));
	wbuf_u8(&w, '>');
	while ((r = sip_param_next(&rest, &name, &val)) == 1) {
		if (is_verstat(name))
			continue;
		wbuf_u8(&w, ';');
		wbuf_span(&w, name);
		if (val.len == 0)
			continue;
		wbuf_str(&w, val.p[-1] == '"' ? "=\"" : "=");
		sip_put_value(&w, val);
		if (val.p[-1] == '"')
			wbuf_u8(&w, '"');
	}
	if (r == -1 || wbuf_ok(&w) == -1)
		return (-1);
	out[w.w_len] = '\0';
	return (0);
}

int
border_from_number(const struct sip_addr *a, char number[E164_SIZE])
{
	struct sip_uri	u;
	struct cur	c;
	struct span	user;
	char		text[64];

	memset(number, 0, E164_SIZE);
	if (sip_uri_parse(a->sa_uri, &u) == -1 || u.su_scheme == URI_OTHER)
		return (-1);
	/* Parameters in the user part (RFC 3261 19.1.6) are left off. */
	cur_init(&c, u.su_user.p, u.su_user.len);
	if (cur_until(&c, ';', &user) == -1)
		user = u.su_user;
	if (sip_uri_unescape(user, text, sizeof(text)) == -1 || text[0] != '+')
		return (-1);
	user.p = text;
	user.len = strlen(text);
	return (e164_normalise(user, NULL, number));
}

int
border_identity_in(const struct conf *cf, const struct sip_addr *from, const char *domain,
    int route_ties, char *out, size_t size)
{
	struct wbuf	w;
	char		number[E164_SIZE], shown[BORDER_PRESENT_SIZE];

	if (size == 0)
		return (0);
	out[0] = '\0';
	if (!route_ties || border_from_number(from, number) == -1)
		return (0);
	wbuf_init(&w, out, size - 1);
	border_present(cf, &cf->c_rules, number, shown);
	wbuf_printf(&w, "<sip:%s@%s>", shown, domain);
	if (wbuf_ok(&w) == -1)
		return (0);
	out[w.w_len] = '\0';
	return (1);
}
