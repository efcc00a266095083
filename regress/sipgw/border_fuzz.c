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
 * Any SIP message before the border's policy: what may never cross does not,
 * in either direction, and a call is diverted only to a number that is one.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "border.h"
#include "conf.h"
#include "sip_build.h"
#include "sip_parse.h"
#include "sip_uri.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct sip_msg	 m, again;
static char		 out[2 * SIP_MSG_MAX], twice[SIP_MSG_MAX], once[SIP_MSG_MAX];
static struct conf	*conf;

static void
setup(void)
{
	static const struct e164_range	 range = { "+4930123450", "+4930123459" };
	struct conf_class		*cc;

	if ((conf = conf_new()) == NULL ||
	    conf_add_range(&conf->c_numbers, &range, 0) == NULL ||
	    conf_add_text(&conf->c_always, "+4940", NULL, 0) == NULL ||
	    conf_add_text(&conf->c_logonly, "+4941", NULL, 0) == NULL ||
	    conf_add_text(&conf->c_pass, "User-to-User", NULL, 0) == NULL ||
	    (cc = conf_add_class(conf, "fax")) == NULL ||
	    conf_add_from(cc, "4710", "4719") == NULL ||
	    conf_add_from(cc, "+493012345", "") == NULL)
		abort();
	cc->cc_direct = 0;
	(void)strlcpy(conf->c_domain, "a.example", sizeof(conf->c_domain));
	(void)strlcpy(conf->c_rules.er_country, "49", sizeof(conf->c_rules.er_country));
	(void)strlcpy(conf->c_rules.er_national, "0", sizeof(conf->c_rules.er_national));
	(void)strlcpy(conf->c_rules.er_international, "00",
	    sizeof(conf->c_rules.er_international));
}

/* What a message looks like on the other side. */
static void
cross(int (*keep)(const struct sip_hdr *, const void *))
{
	static const enum sip_hdr_id	 never[] = { SIP_H_P_ASSERTED_IDENTITY,
	    SIP_H_P_PREFERRED_IDENTITY, SIP_H_REMOTE_PARTY_ID, SIP_H_ALERT_INFO,
	    SIP_H_ANSWER_MODE, SIP_H_PRIV_ANSWER_MODE, SIP_H_CALL_INFO, SIP_H_REPLACES,
	    SIP_H_JOIN, SIP_H_REFER_TO, SIP_H_REFERRED_BY, SIP_H_ROUTE, SIP_H_RECORD_ROUTE,
	    SIP_H_CONTACT, SIP_H_VIPR_TICKET, SIP_H_VIPR_REFUSAL, SIP_H_DIVERSION,
	    SIP_H_HISTORY_INFO, SIP_H_AUTHORIZATION, SIP_H_PROXY_AUTHORIZATION,
	    SIP_H_WWW_AUTHENTICATE, SIP_H_PROXY_AUTHENTICATE, SIP_H_PRIVACY, SIP_H_WARNING };
	struct sip_edit	 e;
	struct wbuf	 w;
	size_t		 i;

	wbuf_init(&w, out, sizeof(out));
	sip_edit_init(&e, &m);
	e.se_keep = keep;
	e.se_keep_arg = conf;
	sip_edit_drop(&e, SIP_H_ROUTE);
	if (sip_edit_write(&e, &w) == -1 || w.w_len > SIP_MSG_MAX ||
	    sip_parse(&again, out, w.w_len, SIP_STREAM | SIP_INSIDE) == -1)
		return;
	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (sip_hdr_has(&again, never[i]))
			abort();
}

/* From for the inside: no verstat, the same tag, and nothing left to change. */
static void
from_inward(const struct conf *c)
{
	struct sip_addr	 a;
	struct span	 s, v;

	if (border_from_in(c, &m.sm_from, once, sizeof(once)) == -1)
		return;
	s.p = once;
	s.len = strlen(once);
	if (sip_addr_parse(s, &a) == -1)
		return;
	if (sip_param(a.sa_params, "verstat", &v) == 1 ||
	    !sip_span_same(a.sa_tag, m.sm_from.sa_tag))
		abort();
	if (c == NULL || (c->c_flags & CONF_PRESENT_NATIONAL) != 0 ||
	    border_from_in(c, &a, twice, sizeof(twice)) == -1)
		return;
	if (strcmp(once, twice) != 0)
		abort();
}

static void
outward(void)
{
	char		 called[E164_SIZE], caller[E164_SIZE], text[1024];
	struct span	 s;
	struct sip_addr	 a;
	enum divert	 d;

	d = border_judge_out(conf, NULL, &m, called, caller);
	if (d >= DIVERT_NO_ROUTE || (called[0] != '\0' && !e164_valid(called)) ||
	    (caller[0] != '\0' && !e164_valid(caller)))
		abort();
	if ((d == DIVERT_OK || d == DIVERT_LOG_ONLY) && (!e164_valid(called) ||
	    conf_never(conf, called) || conf_number_ours(conf, called) ||
	    conf_listed(&conf->c_always, called) || border_private(&m)))
		abort();
	if (border_from_out(conf, &m.sm_from, caller, text, sizeof(text)) == -1)
		return;
	/* Whatever the PBX wrote, it is one address at our own host. */
	s.p = text;
	s.len = strlen(text);
	if (sip_addr_parse(s, &a) == 0 && !span_eq(a.sa_uri, "sip:anonymous@a.example") &&
	    (a.sa_uri.len < 10 || memcmp(a.sa_uri.p + a.sa_uri.len - 10, "@a.example", 10) != 0))
		abort();
}

static void
inward(void)
{
	char		 number[E164_SIZE], token[TOKEN_MAX], text[512];
	struct fall_in	 fi;
	struct fall_out	 fo;

	(void)border_classify(conf, &m);
	if (border_ruri(conf, m.sm_uri, number) == 0 && !e164_valid(number))
		abort();
	(void)border_ticket(&m, token);
	if (border_identity_in(conf, &m.sm_from, "b.example", 1, text, sizeof(text)) == 1 &&
	    (border_from_number(&m.sm_from, number) == -1 || !e164_valid(number)))
		abort();
	memset(&fi, 0, sizeof(fi));
	fi.fi_event = FALL_FINAL;
	fi.fi_status = m.sm_request ? 500 : m.sm_status;
	fi.fi_refusal = border_refusal(&m);
	fi.fi_retry_after = border_retry_after(&m);
	if (fi.fi_retry_after < 1 || fi.fi_retry_after > 3600)
		abort();
	border_fall(&fi, &fo);
	if (fo.fo_call == FALL_CALL_PASS && fi.fi_status >= 300 && fi.fi_status < 400)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	if (conf == NULL)
		setup();
	conf->c_flags = len > 0 && (p[len - 1] & 1) ? CONF_MEDIA_PLAIN : CONF_PRESENT_NATIONAL |
	    CONF_DISPLAY_NAME | CONF_MEDIA_PLAIN;
	if (sip_parse(&m, p, len, SIP_STREAM) == 0) {
		cross(border_keep_in);
		from_inward(NULL);
		from_inward(conf);
		inward();
	}
	if (sip_parse(&m, p, len, SIP_INSIDE) == 0) {
		cross(border_keep_out);
		outward();
	}
	return (0);
}
