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
 * core: the bodies of CLAIM and ROUTE (pvp(7)), and what a domain and
 * a SIP URI in them may look like.
 */

#include <sys/types.h>

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "cursor.h"
#include "e164.h"
#include "key_core.h"

#define TAG_LEN		32

static int	 body_tag_ok(const void *, size_t, const uint8_t *, unsigned);
static int	 token_ok(const char *);
static int	 uri_params_tls(const char *);
static int	 uri_user_ok(const char *, size_t);
static int	 grant_fields(struct cur *, struct kgrant *);

/* -- domains and URIs -- */

/* Does ";transport=tls" stand among the parameters? */
static int
uri_params_tls(const char *s)
{
	size_t	 n;

	while (*s == ';') {
		s++;
		n = strcspn(s, ";");
		if (n == strlen("transport=tls") &&
		    strncasecmp(s, "transport=tls", n) == 0)
			return (1);
		s += n;
	}
	return (0);
}

/* '+' and digits, or an unreserved name; nothing that needs unescaping. */
static int
uri_user_ok(const char *s, size_t len)
{
	size_t	 i;

	if (len == 0 || len > 64)
		return (0);
	for (i = 0; i < len; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') ||
		    (s[i] >= 'A' && s[i] <= 'Z') ||
		    (s[i] >= '0' && s[i] <= '9') ||
		    strchr("+-_.!~*'", s[i]) != NULL))
			return (0);
	return (1);
}

int
kclaim_uri(const char *uri, char host[DOMAIN_SIZE])
{
	const char	*p, *at;
	size_t		 i, n;
	unsigned	 port = 0;
	int		 sips;

	for (p = uri; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("<>\"?\\^`{|}%", *p) != NULL)
			return (-1);
	if (p - uri >= URI_MAX)
		return (-1);
	if (strncasecmp(uri, "sips:", 5) == 0) {
		sips = 1;
		p = uri + 5;
	} else if (strncasecmp(uri, "sip:", 4) == 0) {
		sips = 0;
		p = uri + 4;
	} else
		return (-1);
	if ((at = strchr(p, '@')) != NULL) {
		if (!uri_user_ok(p, (size_t)(at - p)))
			return (-1);
		p = at + 1;
	}
	n = strcspn(p, ":;");
	if (n == 0 || n >= DOMAIN_SIZE)
		return (-1);
	for (i = 0; i < n; i++)
		host[i] = p[i] >= 'A' && p[i] <= 'Z' ?
		    (char)(p[i] + ('a' - 'A')) : p[i];
	host[n] = '\0';
	if (!conf_domain_valid(host))
		return (-1);
	p += n;
	if (*p == ':') {
		for (p++, i = 0; *p >= '0' && *p <= '9'; p++, i++) {
			port = port * 10 + (unsigned)(*p - '0');
			if (port > 65535)
				return (-1);
		}
		if (i == 0 || port == 0)
			return (-1);
	}
	if (*p != '\0' && *p != ';')
		return (-1);
	return (sips || uri_params_tls(p) ? 0 : -1);
}

/* -- bodies -- */

static int
body_tag_ok(const void *body, size_t len, const uint8_t *rk, unsigned type)
{
	uint8_t	 tag[TAG_LEN];
	int	 ok;

	if (len < TAG_LEN)
		return (0);
	kpvp_tag(tag, rk, type, body, len - TAG_LEN);
	ok = sodium_memcmp(tag, (const uint8_t *)body + len - TAG_LEN,
	    TAG_LEN) == 0;
	sodium_memzero(tag, sizeof(tag));
	return (ok);
}

/* base64url, not empty. */
static int
token_ok(const char *s)
{
	size_t	 i;

	for (i = 0; s[i] != '\0'; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') ||
		    (s[i] >= 'A' && s[i] <= 'Z') ||
		    (s[i] >= '0' && s[i] <= '9') || s[i] == '-' || s[i] == '_'))
			return (0);
	return (i > 0);
}

size_t
kclaim_build(const struct kclaim *cm, const uint8_t rk[64], uint8_t *buf,
    size_t size)
{
	struct wbuf	 w;
	uint8_t		 tag[TAG_LEN];

	wbuf_init(&w, buf, size);
	wbuf_lv_str(&w, 1, cm->cm_domain);
	wbuf_u32(&w, cm->cm_lifetime);
	wbuf_lv_str(&w, 1, cm->cm_token);
	if (wbuf_ok(&w) == -1)
		return (0);
	kpvp_tag(tag, rk, PVP_CLAIM, buf, w.w_len);
	wbuf_bytes(&w, tag, sizeof(tag));
	return (wbuf_ok(&w) == -1 ? 0 : w.w_len);
}

int
kclaim_parse(const void *body, size_t len, const uint8_t rk[64],
    struct kclaim *cm)
{
	struct cur	 c;

	memset(cm, 0, sizeof(*cm));
	if (!body_tag_ok(body, len, rk, PVP_CLAIM))
		return (-1);
	cur_init(&c, body, len - TAG_LEN);
	(void)cur_lv_str(&c, 1, cm->cm_domain, sizeof(cm->cm_domain));
	(void)cur_u32(&c, &cm->cm_lifetime);
	(void)cur_lv_str(&c, 1, cm->cm_token, sizeof(cm->cm_token));
	return (cur_done(&c));
}

size_t
kgrant_build(const struct kgrant *kg, uint8_t *buf, size_t size)
{
	struct wbuf	 w;
	unsigned	 i;

	wbuf_init(&w, buf, size);
	wbuf_u8(&w, kg->kg_kind);
	wbuf_u64(&w, kg->kg_not_after);
	wbuf_lv_str(&w, 1, kg->kg_number + 1);
	wbuf_lv_str(&w, 1, kg->kg_token);
	wbuf_u8(&w, kg->kg_uricount);
	for (i = 0; i < kg->kg_uricount; i++)
		wbuf_lv_str(&w, 1, kg->kg_uri[i]);
	return (wbuf_ok(&w) == -1 ? 0 : w.w_len);
}

static int
grant_fields(struct cur *c, struct kgrant *kg)
{
	char		 digits[E164_SIZE - 1], host[DOMAIN_SIZE];
	unsigned	 i;

	(void)cur_u8(c, &kg->kg_kind);
	(void)cur_u64(c, &kg->kg_not_after);
	(void)cur_lv_str(c, 1, digits, sizeof(digits));
	(void)cur_lv_str(c, 1, kg->kg_token, sizeof(kg->kg_token));
	(void)cur_u8(c, &kg->kg_uricount);
	if (cur_ok(c) == -1 || kg->kg_uricount == 0 ||
	    kg->kg_uricount > ROUTE_URIS_MAX || !token_ok(kg->kg_token) ||
	    (kg->kg_kind != TICKET_TICKET && kg->kg_kind != TICKET_RECEIPT))
		return (-1);
	snprintf(kg->kg_number, sizeof(kg->kg_number), "+%s", digits);
	if (!e164_valid(kg->kg_number))
		return (-1);
	for (i = 0; i < kg->kg_uricount; i++) {
		if (cur_lv_str(c, 1, kg->kg_uri[i], URI_MAX) == -1 ||
		    kclaim_uri(kg->kg_uri[i], host) == -1)
			return (-1);
		if (i == 0)
			memcpy(kg->kg_domain, host, sizeof(kg->kg_domain));
		else if (strcmp(kg->kg_domain, host) != 0)
			return (-1);
	}
	return (cur_done(c));
}

int
kgrant_parse(const void *body, size_t len, const uint8_t rk[64],
    struct kgrant *kg)
{
	struct cur	 c;

	memset(kg, 0, sizeof(*kg));
	if (!body_tag_ok(body, len, rk, PVP_ROUTE))
		return (-1);
	cur_init(&c, body, len - TAG_LEN);
	return (grant_fields(&c, kg));
}
