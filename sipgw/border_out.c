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
 * core: which call from inside may leave directly, and what leaves with it.
 */
#include <sys/types.h>

#include <stdint.h>
#include <string.h>

#include "border.h"
#include "conf.h"
#include "sdp.h"
#include "sip_uri.h"

#define DIGITS_SIZE	32

static const char *const diverts[DIVERT_MAX] = {
	[DIVERT_OK] = "ok", [DIVERT_NO_NUMBER] = "no-number",
	[DIVERT_NEVER] = "never", [DIVERT_ALWAYS] = "always-trunk",
	[DIVERT_OWN] = "own-number", [DIVERT_CLASS] = "class",
	[DIVERT_PRIVACY] = "privacy", [DIVERT_IN_DIALOG] = "in-dialog",
	[DIVERT_PROXY_REQUIRE] = "proxy-require",
	[DIVERT_MEDIA_PRIVATE] = "media-private",
	[DIVERT_MEDIA_PLAIN] = "media-plain",
	[DIVERT_MEDIA_UNKNOWN] = "media-unknown",
	[DIVERT_MEDIA_ENGINE] = "media-engine",
	[DIVERT_MODE_LOG] = "mode-log", [DIVERT_LOG_ONLY] = "log-only",
	[DIVERT_NO_ROUTE] = "no-route",
	[DIVERT_NOT_ACTIVE] = "not-active",
	[DIVERT_ROUTE_SKIPPED] = "route-skipped",
	[DIVERT_HOST_SKIPPED] = "host-skipped",
	[DIVERT_RESAMPLE] = "resample", [DIVERT_REPROVE] = "reprove",
	[DIVERT_LIMIT] = "limit"
};

static const struct e164_rules *hop_rules(const struct conf *, const struct conf_hop *);
static int	 uri_user(struct span, char *, size_t);
static int	 identity_parts(const struct e164_rules *, struct span, char[E164_SIZE],
		    char *, size_t);
static int	 anonymous(const struct sip_addr *);
static int	 token_private(const struct sip_hdr *);

const char *
divert_str(enum divert d)
{
	if ((size_t)d >= DIVERT_MAX)
		return ("unknown");
	return (diverts[d]);
}

static const struct e164_rules *
hop_rules(const struct conf *cf, const struct conf_hop *hop)
{
	static const struct e164_rules	none;

	if (hop == NULL || memcmp(&hop->ch_rules, &none, sizeof(none)) == 0)
		return (&cf->c_rules);
	return (&hop->ch_rules);
}

/* What was dialled: the unescaped user part of a sip: or the text of a tel:
 * URI.  -1: parameters or anything else that puts the number in doubt. */
static int
uri_user(struct span text, char *out, size_t size)
{
	struct sip_uri	u;

	if (sip_uri_parse(text, &u) == -1 || u.su_scheme == URI_OTHER ||
	    u.su_user.len == 0 || u.su_has_password || u.su_has_headers)
		return (-1);
	if (u.su_scheme == URI_TEL && u.su_params.len > 0)
		return (-1);
	return (sip_uri_unescape(u.su_user, out, size) == -1 ? -1 : 0);
}

int
border_number(const struct conf *cf, const struct conf_hop *hop, struct span uri,
    char number[E164_SIZE], char *digits)
{
	struct e164_rules	rules = *hop_rules(cf, hop);
	struct span		s;
	char			user[64];
	size_t			i, n = 0;

	memset(number, 0, E164_SIZE);
	if (digits != NULL)
		digits[0] = '\0';
	if (uri_user(uri, user, sizeof(user)) == -1)
		return (-1);
	for (i = 0; digits != NULL && user[i] != '\0' && n < DIGITS_SIZE - 1; i++)
		if (strchr("-.() ", user[i]) == NULL)
			digits[n++] = user[i];
	if (digits != NULL)
		digits[n] = '\0';
	/* Nobody dials for a line on a trunk. */
	if (hop != NULL && hop->ch_trunk)
		memset(rules.er_outside, 0, sizeof(rules.er_outside));
	s.p = user;
	s.len = strlen(user);
	return (e164_normalise(s, &rules, number));
}

int
border_caller(const struct conf *cf, const struct conf_hop *hop, const struct sip_msg *m,
    char number[E164_SIZE])
{
	struct e164_rules	rules = *hop_rules(cf, hop);
	struct sip_values	it;
	struct sip_addr		a;
	struct span		s;
	char			user[64], *semi;

	memset(number, 0, E164_SIZE);
	/* A caller ID does not carry the digit that asks for a line. */
	memset(rules.er_outside, 0, sizeof(rules.er_outside));
	sip_values_init(&it, m, SIP_H_P_ASSERTED_IDENTITY);
	while (sip_values_next(&it, &s) == 1) {
		if (sip_addr_parse(s, &a) == -1 ||
		    uri_user(a.sa_uri, user, sizeof(user)) == -1)
			continue;
		s.p = user;
		s.len = strlen(user);
		if (e164_normalise(s, &rules, number) == 0)
			return (0);
	}
	if (uri_user(m->sm_from.sa_uri, user, sizeof(user)) == -1)
		return (-1);
	/* ";cpc=ordinary" and the like say nothing about the number. */
	if ((semi = strchr(user, ';')) != NULL)
		*semi = '\0';
	s.p = user;
	s.len = strlen(user);
	return (e164_normalise(s, &rules, number));
}

/* -- privacy -- */

static int
anonymous(const struct sip_addr *a)
{
	static const char *const users[] =
	    { "anonymous", "restricted", "unavailable", "unknown", "private" };
	struct sip_uri	u;
	struct span	d = a->sa_display;
	char		user[64];
	size_t		i;

	if (d.len >= 2 && d.p[0] == '"') {
		d.p++;
		d.len -= 2;
	}
	if (span_caseeq(sip_trim(d), "anonymous"))
		return (1);
	if (sip_uri_parse(a->sa_uri, &u) == -1)
		return (1);
	if (u.su_scheme == URI_TEL)
		return (0);
	if (span_caseeq(u.su_host, "anonymous.invalid"))
		return (1);
	if (sip_uri_unescape(u.su_user, user, sizeof(user)) == -1)
		return (u.su_user.len > 0);
	for (i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		if (strcasecmp(user, users[i]) == 0)
			return (1);
	return (0);
}

/* Any privacy value but "none" asks for it. */
static int
token_private(const struct sip_hdr *h)
{
	static const uint8_t	alpha[256] = {
		['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['0' ... '9'] = 1,
		['-'] = 1
	};
	struct cur	c;
	struct span	t;

	cur_init(&c, h->sh_value.p, h->sh_value.len);
	while (cur_left(&c) > 0) {
		if (!alpha[(uint8_t)cur_peek(&c)]) {
			(void)cur_skip(&c, 1);
			continue;
		}
		(void)cur_token(&c, alpha, &t);
		if (!span_caseeq(t, "none"))
			return (1);
	}
	return (0);
}

int
border_private(const struct sip_msg *m)
{
	const struct sip_hdr	*h;
	struct sip_values	 it;
	struct sip_addr		 a;
	struct span		 v, p;
	int			 r;

	for (h = sip_hdr_first(m, SIP_H_PRIVACY); h != NULL;
	    h = sip_hdr_next(m, h))
		if (token_private(h))
			return (1);
	if (anonymous(&m->sm_from))
		return (1);
	sip_values_init(&it, m, SIP_H_REMOTE_PARTY_ID);
	while ((r = sip_values_next(&it, &v)) == 1) {
		if (sip_addr_parse(v, &a) == -1)
			return (1);
		if (sip_param(a.sa_params, "privacy", &p) != 0 &&
		    !span_caseeq(p, "off"))
			return (1);
	}
	return (r == -1);
}

int
border_diverted(const struct sip_msg *m)
{
	return (sip_hdr_has(m, SIP_H_DIVERSION) ||
	    sip_hdr_has(m, SIP_H_HISTORY_INFO) ||
	    sip_hdr_has(m, SIP_H_REFERRED_BY) ||
	    sip_hdr_has(m, SIP_H_REPLACES));
}

int
border_listed(const struct conf *cf, const struct conf_hop *hop,
    const struct conf_texts *list, const char *number, const char *digits)
{
	const char	*outside = hop_rules(cf, hop)->er_outside;
	size_t		 n = strlen(outside);

	if (TAILQ_EMPTY(list))
		return (0);
	if (number[0] != '\0' && conf_listed(list, number))
		return (1);
	if (digits[0] == '\0')
		return (0);
	if (conf_listed(list, digits))
		return (1);
	return (n > 0 && strncmp(digits, outside, n) == 0 &&
	    conf_listed(list, digits + n));
}

int
border_never(const struct conf *cf, const struct conf_hop *hop, const char *number,
    const char *digits)
{
	return (border_listed(cf, hop, &cf->c_never, number, digits));
}

/* The user part of one identity, and its number where it is one. */
static int
identity_parts(const struct e164_rules *rules, struct span uri, char number[E164_SIZE],
    char *user, size_t size)
{
	struct span	 s;
	char		*semi;

	memset(number, 0, E164_SIZE);
	if (uri_user(uri, user, size) == -1)
		return (-1);
	if ((semi = strchr(user, ';')) != NULL)
		*semi = '\0';
	s.p = user;
	s.len = strlen(user);
	(void)e164_normalise(s, rules, number);
	return (0);
}

const struct conf_class *
border_caller_class(const struct conf *cf, const struct conf_hop *hop,
    const struct sip_msg *m)
{
	struct e164_rules	 rules = *hop_rules(cf, hop);
	const struct conf_class	*cc;
	struct sip_values	 it;
	struct sip_addr		 a;
	struct span		 s;
	struct {
		char	 ca_number[E164_SIZE], ca_user[64];
	}			 callers[4];
	size_t			 n = 0, i;

	if (TAILQ_EMPTY(&cf->c_classes))
		return (NULL);
	memset(rules.er_outside, 0, sizeof(rules.er_outside));
	sip_values_init(&it, m, SIP_H_P_ASSERTED_IDENTITY);
	while (n < 3 && sip_values_next(&it, &s) == 1)
		if (sip_addr_parse(s, &a) == 0 && identity_parts(&rules, a.sa_uri,
		    callers[n].ca_number, callers[n].ca_user,
		    sizeof(callers[n].ca_user)) == 0)
			n++;
	if (identity_parts(&rules, m->sm_from.sa_uri, callers[n].ca_number,
	    callers[n].ca_user, sizeof(callers[n].ca_user)) == 0)
		n++;
	TAILQ_FOREACH(cc, &cf->c_classes, cc_entry)
		for (i = 0; i < n; i++)
			if (conf_class_has(cc, callers[i].ca_number, callers[i].ca_user))
				return (cc);
	return (NULL);
}

enum divert
border_judge_out(const struct conf *cf, const struct conf_hop *hop,
    const struct sip_msg *m, char called[E164_SIZE], char caller[E164_SIZE])
{
	const struct conf_class	*cc;
	char			 digits[DIGITS_SIZE];
	int			 number;

	(void)border_caller(cf, hop, m, caller);
	number = border_number(cf, hop, m->sm_uri, called, digits);
	/* An emergency number that does not normalise is named as what it is. */
	if (border_never(cf, hop, called, digits))
		return (DIVERT_NEVER);
	if (border_listed(cf, hop, &cf->c_always, called, digits))
		return (DIVERT_ALWAYS);
	if (number == -1)
		return (DIVERT_NO_NUMBER);
	if (conf_number_ours(cf, called))
		return (DIVERT_OWN);
	if ((cc = border_caller_class(cf, hop, m)) != NULL && !cc->cc_direct)
		return (DIVERT_CLASS);
	if (border_private(m))
		return (DIVERT_PRIVACY);
	if (m->sm_to.sa_tag.len > 0 || sip_hdr_has(m, SIP_H_REPLACES) ||
	    sip_hdr_has(m, SIP_H_JOIN))
		return (DIVERT_IN_DIALOG);
	if (sip_hdr_has(m, SIP_H_PROXY_REQUIRE))
		return (DIVERT_PROXY_REQUIRE);
	switch (sdp_judge_msg(m, (cf->c_flags & CONF_MEDIA_PLAIN) != 0)) {
	case MEDIA_OK:
		break;
	/* rtpengine makes SRTP at a public address of them. */
	case MEDIA_PRIVATE:
		if (!(cf->c_flags & CONF_MEDIA_ENGINE))
			return (DIVERT_MEDIA_PRIVATE);
		break;
	case MEDIA_PLAINTEXT:
		if (!(cf->c_flags & CONF_MEDIA_ENGINE))
			return (DIVERT_MEDIA_PLAIN);
		break;
	case MEDIA_UNKNOWN:
		return (DIVERT_MEDIA_UNKNOWN);
	}
	if (cf->c_flags & CONF_MODE_LOG)
		return (DIVERT_MODE_LOG);
	return (border_listed(cf, hop, &cf->c_logonly, called, digits) ?
	    DIVERT_LOG_ONLY : DIVERT_OK);
}

/* -- what leaves -- */

int
border_keep_out(const struct sip_hdr *h, const void *arg)
{
	switch ((enum sip_hdr_id)h->sh_id) {
	case SIP_H_ACCEPT_ENCODING:
	case SIP_H_ACCEPT_LANGUAGE:
	case SIP_H_DATE:
	case SIP_H_MIME_VERSION:
	case SIP_H_RETRY_AFTER:
	case SIP_H_TIMESTAMP:
	case SIP_H_UNSUPPORTED:
		return (1);
	case SIP_H_SERVER:
	case SIP_H_USER_AGENT:
		/* What to attack the PBX with is nobody's business. */
		return (arg != NULL && border_passes(arg, h));
	default:
		return (border_keep_in(h, arg));
	}
}

int
border_from_out(const struct conf *cf, const struct sip_addr *from, const char *caller,
    char *out, size_t size)
{
	struct wbuf	w;

	if (size == 0)
		return (-1);
	out[0] = '\0';
	wbuf_init(&w, out, size - 1);
	if (from->sa_display.len > 0 && caller[0] != '\0' &&
	    (cf->c_flags & CONF_DISPLAY_NAME) != 0) {
		sip_put_value(&w, from->sa_display);
		wbuf_u8(&w, ' ');
	}
	wbuf_printf(&w, "<sip:%s@%s>",
	    caller[0] != '\0' ? caller : "anonymous",
	    cf->c_outside_host[0] != '\0' ? cf->c_outside_host : cf->c_domain);
	if (from->sa_tag.len > 0) {
		wbuf_str(&w, ";tag=");
		wbuf_span(&w, from->sa_tag);
	}
	if (wbuf_ok(&w) == -1)
		return (-1);
	out[w.w_len] = '\0';
	return (0);
}
