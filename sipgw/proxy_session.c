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
 * core: session timers as a proxy knows them (RFC 4028 section 8): what we ask
 * for, what is too short, and how long a call is believed in without a sign of
 * it.  We send no refresh of our own and end nothing: the memory of a call
 * that nobody refreshes goes, and with it its record.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proxy_int.h"

#define SESSION_GRACE	40000	/* ms: the BYE of a telephone that noticed first */
#define REFRESHER	";refresher=uac"

static int	 session_carries(enum sip_method);
static uint32_t	 session_least(const struct sip_msg *);

/* INVITE and UPDATE refresh a session, nothing else does. */
static int
session_carries(enum sip_method method)
{
	return (method == SIP_M_INVITE || method == SIP_M_UPDATE);
}

/* What nobody may go below: the sender's Min-SE, or that of the RFC. */
static uint32_t
session_least(const struct sip_msg *m)
{
	uint32_t	min;

	if (sip_number(m, SIP_H_MIN_SE, UINT32_MAX, &min) == -1 ||
	    min < CONF_SESSION_MIN)
		min = CONF_SESSION_MIN;
	return (min);
}

int
session_refuse(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    const struct txn_key *key)
{
	struct sip_extra	 extra = { "Min-SE", px->px_session[0] };
	uint32_t		 se;

	if (!session_carries(m->sm_method) || !sip_hdr_has(m, SIP_H_SESSION_EXPIRES) ||
	    sip_number(m, SIP_H_SESSION_EXPIRES, UINT32_MAX, &se) == -1 ||
	    se >= CONF_SESSION_MIN || !sip_list_has(m, SIP_H_SUPPORTED, "timer"))
		return (0);
	(void)snprintf(px->px_session[0], sizeof(px->px_session[0]), "%u",
	    CONF_SESSION_MIN);
	px_reply(px, fl, m, key, 422, NULL, &extra, 1);
	return (1);
}

void
session_request(struct branch *br, const struct sip_msg *m, struct sip_edit *e)
{
	struct proxy	*px = br->br_ctx->pc_px;
	uint32_t	 ask = px->px_conf->c_session, least, se;

	br->br_session = 0;
	if (!session_carries(m->sm_method))
		return;
	br->br_timer = sip_list_has(m, SIP_H_SUPPORTED, "timer");
	if (sip_hdr_has(m, SIP_H_SESSION_EXPIRES)) {
		/* An unreadable one is for those to judge whom it binds. */
		if (sip_number(m, SIP_H_SESSION_EXPIRES, UINT32_MAX, &se) == -1)
			return;
		br->br_session = se;
		if (se >= CONF_SESSION_MIN)
			return;
		/* Its sender would not understand a 422. */
		least = session_least(m);
		br->br_session = least;
		(void)snprintf(px->px_session[0], sizeof(px->px_session[0]), "%u", least);
		sip_edit_set(e, SIP_H_SESSION_EXPIRES, px->px_session[0]);
		sip_edit_set(e, SIP_H_MIN_SE, px->px_session[0]);
		return;
	}
	if (ask == 0 || m->sm_method != SIP_M_INVITE || (!br->br_timer &&
	    br->br_kind != BR_DIRECT && br->br_kind != BR_INWARD))
		return;
	if (ask < (least = session_least(m)))
		ask = least;
	br->br_session = ask;
	(void)snprintf(px->px_session[0], sizeof(px->px_session[0]), "%u", ask);
	sip_edit_set(e, SIP_H_SESSION_EXPIRES, px->px_session[0]);
}

void
session_answer(struct branch *br, const struct sip_msg *m, int status, struct sip_edit *e)
{
	struct proxy	*px = br->br_ctx->pc_px;

	if (status < 200 || status > 299 || br->br_session == 0 || !br->br_timer ||
	    sip_hdr_has(m, SIP_H_SESSION_EXPIRES))
		return;
	/* The callee knows no timers, the caller does: it refreshes. */
	(void)snprintf(px->px_session[1], sizeof(px->px_session[1]), "%u" REFRESHER,
	    br->br_session);
	sip_edit_add(e, "Session-Expires", px->px_session[1]);
	if (!sip_list_has(m, SIP_H_REQUIRE, "timer"))
		sip_edit_add(e, "Require", "timer");
}

uint64_t
session_ms(const struct branch *br, const struct sip_msg *m)
{
	uint32_t	se = 0;
	int		said = sip_hdr_has(m, SIP_H_SESSION_EXPIRES), heeded;

	switch (br->br_kind) {
	case BR_DIRECT:
	case BR_DIALOG_OUT:
		heeded = br->br_timer;
		break;
	case BR_INWARD:
	case BR_DIALOG_IN:
		heeded = said;
		break;
	case BR_HOP:
	case BR_DIALOG_HOP:
	default:
		heeded = said || br->br_timer;
		break;
	}
	/*
	 * Across the border it counts only if our own telephone heeds it, and
	 * so ends the call itself: a peer that lets its timer run out would
	 * else be rid of its place and of its shadow while the call goes on.
	 */
	if (heeded && !said)
		se = br->br_session;
	else if (heeded && sip_number(m, SIP_H_SESSION_EXPIRES, UINT32_MAX, &se) == -1)
		se = 0;
	if (se == 0 || se > SEAL_LIFE_S)
		return ((uint64_t)SEAL_LIFE_S * 1000);
	if (se < CONF_SESSION_MIN)
		se = CONF_SESSION_MIN;
	return ((uint64_t)se * 1000 + SESSION_GRACE);
}
