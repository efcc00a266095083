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
 * core: who is heard at all, and how often.  The inside face hears PBXs and
 * trunks; whoever else sends there is given nothing, not even a refusal, and
 * counted.  A domain outside has so many requests and calls a second.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proxy_int.h"

#define CALLS_S		50	/* new calls a second of one domain */
#define CALLS_LIVE	500	/* its live calls */
#define REQUESTS_S	500
#define REQUESTS_CALL	10	/* and at least so many for each call */
#define REQUESTS_FLOOD	4	/* so many times more, and it is not spoken to */

static int	 hop_known(const struct proxy *, const struct sip_flow *);
static const char *flow_proto(const struct sip_flow *);
static unsigned	 most(unsigned, unsigned);

static const char *
flow_proto(const struct sip_flow *fl)
{
	return (fl->fl_proto == SIP_UDP ? "udp" : fl->fl_proto == SIP_TCP ? "tcp" : "tls");
}

/*
 * One form for all lines that say whom we did not like: the reason and the
 * address stand before any text that a stranger may have chosen.
 */
void
px_refused(struct proxy *px, enum proxy_log level, const struct sip_flow *fl,
    const char *what, const char *reason, const char *text)
{
	char	host[VADDR_STRLEN];

	px_log(px, level, "%s refused: reason=%s address=%s%s%s", what, reason,
	    vaddr_host(&fl->fl_peer, host, sizeof(host)), text != NULL ? ": " : "",
	    text != NULL ? text : "");
}

/* Is the peer of an inside flow a PBX or a trunk, by its address? */
static int
hop_known(const struct proxy *px, const struct sip_flow *fl)
{
	const struct hop	*ho;
	size_t			 i;

	for (i = 0; i < px->px_nhops; i++) {
		ho = &px->px_hops[i];
		if (hop_has(ho, &fl->fl_peer))
			return (1);
	}
	return (0);
}

int
proxy_hears(struct proxy *px, const struct sip_flow *fl)
{
	char	what[32];

	if (fl->fl_face == FACE_OUTSIDE || hop_known(px, fl))
		return (1);
	px->px_stats.ps_strangers++;
	(void)snprintf(what, sizeof(what), "%s from a stranger inside", flow_proto(fl));
	px_refused(px, PROXY_STRANGER, fl, what, "unknown-hop", NULL);
	return (0);
}

/*
 * A message that came, before it is read.  -1: it is not for us to hear.  Of
 * those that a stranger sends only answers are read: the far end of a call
 * between hops may well send one, and one that fits no transaction of ours is
 * dropped without a word anyway.
 */
int
guard_message(struct proxy *px, const struct sip_flow *fl, const void *p, size_t len)
{
	if (fl->fl_face == FACE_OUTSIDE || hop_known(px, fl))
		return (0);
	if (len > 8 && memcmp(p, "SIP/2.0 ", 8) == 0)
		return (0);
	(void)proxy_hears(px, fl);
	if (fl->fl_proto != SIP_UDP)
		px->px_ops->po_close(px->px_ctx, fl->fl_conn);
	return (-1);
}

static unsigned
most(unsigned a, unsigned b)
{
	return (a > b ? a : b);
}

/* What is not configured follows from what is, so that who permits many calls
 * to one number need not say it three times. */
unsigned
guard_calls_s(const struct conf *c)
{
	return (c->c_limit_calls != 0 ? c->c_limit_calls : most(CALLS_S, c->c_limit_live));
}

unsigned
guard_calls_live(const struct conf *c)
{
	return (c->c_limit_total != 0 ? c->c_limit_total : most(CALLS_LIVE, c->c_limit_live));
}

unsigned
guard_requests_s(const struct conf *c)
{
	return (c->c_limit_requests != 0 ? c->c_limit_requests :
	    most(REQUESTS_S, REQUESTS_CALL * guard_calls_s(c)));
}

/*
 * A request from outside.  -1: there were too many, and it was answered 503 if
 * it can be.  ACK is never answered, and BYE makes things better: both count
 * but pass.  Who goes on all the same loses the connection.
 */
int
guard_request(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m,
    const struct txn_key *key, const char *name)
{
	struct sip_extra	 extra[2];
	char			 seconds[16], what[DOMAIN_SIZE + 64];
	uint32_t		 retry, ignored;
	unsigned		 most_s = guard_requests_s(px->px_conf);
	size_t			 n = 0;

	if (limits_rate(px->px_limits, LIMITS_REQUESTS, name, most_s, px_now(px),
	    &retry) == 0)
		return (0);
	px->px_stats.ps_too_fast++;
	(void)snprintf(what, sizeof(what), "%s from %s", m->sm_method == SIP_M_OTHER ?
	    "request" : sip_method_str(m->sm_method), name);
	if (limits_rate(px->px_limits, LIMITS_EXCESS, name, REQUESTS_FLOOD * most_s,
	    px_now(px), &ignored) == -1) {
		px_refused(px, PROXY_ALARM, fl, what, "flood", "closing the connection");
		px->px_ops->po_close(px->px_ctx, fl->fl_conn);
		return (-1);
	}
	if (m->sm_method == SIP_M_ACK || m->sm_method == SIP_M_BYE)
		return (0);
	px_refused(px, PROXY_REFUSED, fl, what, "too-fast", NULL);
	(void)snprintf(seconds, sizeof(seconds), "%u", (unsigned)retry);
	extra[n].sx_name = "Retry-After";
	extra[n++].sx_value = seconds;
	if (m->sm_method == SIP_M_INVITE && m->sm_to.sa_tag.len == 0) {
		extra[n].sx_name = "ViPR-Refusal";
		extra[n++].sx_value = refusal_str(REFUSAL_BUSY);
		px->px_stats.ps_refused[REFUSAL_BUSY]++;
	}
	px_reply(px, fl, m, key, 503, NULL, extra, n);
	return (-1);
}
