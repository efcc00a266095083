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

/* sipgw's shell: what viprctl asks. */

#include <sys/types.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "border.h"
#include "ctl.h"
#include "e164.h"
#include "hep_shell.h"
#include "log.h"
#include "proc.h"
#include "pkremote.h"
#include "sip_shell.h"
#include "tls_resume.h"
#include "transport.h"

#define DECISIONS_MAX	8
#define ROWS_MAX	100000

struct walk {
	struct chan	*wk_ch;
	uint32_t	 wk_id;
	size_t		 wk_rows;
};

static int	ctl_request(struct chan *, struct chan_msg *, void *);
static void	ctl_show(struct chan *, const struct ctl_req *);
static uint64_t	refused_sum(const struct proxy_stats *);
static const char *ctl_routes(struct chan *, const struct ctl_req *);
static const char *ctl_explain(struct chan *, const struct ctl_req *);
static void	explain_row(struct chan *, uint32_t, const char *, const char *);
static void	ctl_show_metrics(struct chan *, const struct ctl_req *);
static void	ctl_redirect_metrics(struct chan *, uint32_t, const struct proxy_stats *);
static void	metric(struct chan *, uint32_t, const char *, const char *, const char *,
		    const char *, uint64_t);
static int	media_down(void);
static unsigned	route_rank(unsigned);
static int	route_rows(const struct rtab_number *, void *);
static uint64_t	skip_until(const char *, const struct rtab_route *);

const struct imsg_rule shell_rules_control[] = {
	CTL_RULE(ctl_request),
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static int
ctl_request(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct ctl_req	 rq;
	const char	*error = NULL;

	(void)arg;
	if (ctl_req_parse(m, &rq) == -1)
		return (-1);
	switch (rq.rq_verb) {
	case CTL_SHOW:
		ctl_show(ch, &rq);
		break;
	case CTL_SHOW_ROUTES:
		error = ctl_routes(ch, &rq);
		break;
	case CTL_SHOW_HOPS:
		shell_hops_show(ch, rq.rq_id);
		break;
	case CTL_EXPLAIN:
		error = ctl_explain(ch, &rq);
		break;
	case CTL_SHOW_METRICS:
		ctl_show_metrics(ch, &rq);
		break;
	default:
		error = "not a request for sipgw";
		break;
	}
	(void)ctl_send_end(ch, rq.rq_id, error);
	return (0);
}

static uint64_t
refused_sum(const struct proxy_stats *ps)
{
	uint64_t	 n = 0;
	unsigned	 i;

	for (i = REFUSAL_NO_TICKET; i <= REFUSAL_POLICY; i++)
		n += ps->ps_refused[i];
	return (n);
}

static void
ctl_show(struct chan *ch, const struct ctl_req *rq)
{
	static struct ctl_row	 r;
	struct proxy_stats	 ps;
	struct transport_stats	 ts;

	proxy_stats(shell.sh_proxy, &ps);
	transport_stats(&ts);
	ctl_row(&r, "sipgw");
	ctl_uint(&r, "calls", proxy_calls(shell.sh_proxy));
	ctl_uint(&r, "routes", rtab_count(shell.sh_rtab));
	ctl_uint(&r, "direct", ps.ps_calls_direct);
	ctl_uint(&r, "trunk", ps.ps_calls_trunk);
	ctl_uint(&r, "fallbacks", ps.ps_fallbacks);
	ctl_uint(&r, "redirects", ps.ps_redirects);
	ctl_uint(&r, "from_trunk", ps.ps_calls_in);
	ctl_uint(&r, "from_outside", ps.ps_calls_outside);
	ctl_uint(&r, "refused", refused_sum(&ps));
	ctl_uint(&r, "strangers", ps.ps_strangers);
	ctl_uint(&r, "connections", ts.ts_open);
	ctl_uint(&r, "hops_down", shell_hops_down());
	ctl_str(&r, "rtpengine", ng_state_str(shell.sh_conf != NULL &&
	    (shell.sh_conf->c_flags & CONF_MEDIA_ENGINE) ? ps.ps_media_state : NG_OFF));
	ctl_bool(&r, "key", shell.sh_key);
	ctl_bool(&r, "capture", hep_on);
	if (store_error(shell.sh_store) != 0)
		ctl_str(&r, "store", strerror(store_error(shell.sh_store)));
	else
		ctl_str(&r, "store", "ok");
	(void)ctl_send_row(ch, rq->rq_id, &r);
}

/* UTC s until which the route or its host is skipped, 0: not. */
static uint64_t
skip_until(const char *number, const struct rtab_route *rr)
{
	uint64_t	now = proc_boot_ms(), until, host;

	until = rtab_route_skipped(shell.sh_rtab, number, rr->rr_domain, now);
	host = rtab_host_skipped(shell.sh_rtab, rr->rr_domain, now);
	if (host > until)
		until = host;
	if (until <= now)
		return (0);
	return ((proc_now_ms() + (until - now) + 999) / 1000);
}

/* The route that a call would take first, what is left of old ones last. */
static unsigned
route_rank(unsigned state)
{
	switch (state) {
	case ROUTE_ACTIVE:
		return (0);
	case ROUTE_PENDING:
		return (1);
	case ROUTE_SUSPENDED:
		return (2);
	case ROUTE_EXPIRED:
		return (3);
	default:
		return (4);
	}
}

#define ROUTE_RANKS	5

static int
route_rows(const struct rtab_number *rn, void *arg)
{
	static struct ctl_row	 r;
	struct walk		*wk = arg;
	const struct rtab_route	*rr;
	const char		*uris[ROUTE_URIS_MAX];
	unsigned		 rank;
	size_t			 i, j, k;

	for (k = 0; k < ROUTE_RANKS * rn->rn_count; k++) {
		rank = (unsigned)(k / rn->rn_count);
		i = k % rn->rn_count;
		rr = &rn->rn_routes[i];
		if (route_rank(rr->rr_state) != rank)
			continue;
		ctl_row(&r, "route");
		ctl_str(&r, "number", rn->rn_number);
		ctl_str(&r, "domain", rr->rr_domain);
		ctl_str(&r, "state", route_state_str(rr->rr_state));
		ctl_uint(&r, "strikes", rr->rr_strikes);
		ctl_time(&r, "skip_until", skip_until(rn->rn_number, rr));
		ctl_uint(&r, "proofs", rr->rr_proofs);
		ctl_time(&r, "not_after", rr->rr_not_after);
		ctl_time(&r, "last_proof", rr->rr_last_proof);
		ctl_bool(&r, "ticket", rr->rr_ticket[0] != '\0');
		for (j = 0; j < rr->rr_nuris && j < ROUTE_URIS_MAX; j++)
			uris[j] = rr->rr_uris[j];
		ctl_list(&r, "uris", uris, j);
		if (ctl_send_row(wk->wk_ch, wk->wk_id, &r) == -1 || ++wk->wk_rows >= ROWS_MAX)
			return (1);
	}
	return (0);
}

static const char *
ctl_routes(struct chan *ch, const struct ctl_req *rq)
{
	static struct rtab_number rn;
	struct walk		 wk = { ch, rq->rq_id, 0 };

	if (rq->rq_argc == 0) {
		if (rtab_walk(shell.sh_rtab, NULL, route_rows, &wk) == -1)
			return ("the route table cannot be read");
		return (wk.wk_rows >= ROWS_MAX ? "too many routes: only the first are shown" :
		    NULL);
	}
	if (!e164_valid(rq->rq_argv[0]))
		return ("not a number: + and 8 to 15 digits are expected");
	if (rtab_get(shell.sh_rtab, rq->rq_argv[0], &rn) == -1)
		return (errno == ENOENT ? NULL : "the route table cannot be read");
	(void)route_rows(&rn, &wk);
	explicit_bzero(&rn, sizeof(rn));
	return (NULL);
}

static void
explain_row(struct chan *ch, uint32_t id, const char *what, const char *text)
{
	static struct ctl_row	r;

	ctl_row(&r, "explain");
	ctl_str(&r, "process", "sipgw");
	ctl_str(&r, "what", what);
	ctl_str(&r, "text", text);
	(void)ctl_send_row(ch, id, &r);
}

/* What would happen to a call now, and what happened to the latest ones. */
static const char *
ctl_explain(struct chan *ch, const struct ctl_req *rq)
{
	static struct rtab_route rr;
	char			 text[DOMAIN_SIZE + 64];
	const char		*list[DECISIONS_MAX], *next, *number = rq->rq_argv[0];
	uint64_t		 now = proc_boot_ms(), host = 0, route = 0;
	unsigned		 state = ROUTE_NONE;
	size_t			 i, n;
	int			 active;

	if (rq->rq_argc != 1 || !e164_valid(number))
		return ("not a number: + and 8 to 15 digits are expected");
	memset(&rr, 0, sizeof(rr));
	active = rtab_active(shell.sh_rtab, number, proc_now_ms() / 1000, &rr, &state) == 0;
	if (active) {
		state = ROUTE_ACTIVE;
		route = rtab_route_skipped(shell.sh_rtab, number, rr.rr_domain, now);
		host = rtab_host_skipped(shell.sh_rtab, rr.rr_domain, now);
	}
	if (conf_number_ours(shell.sh_conf, number))
		next = "trunk: own-number";
	else if (border_never(shell.sh_conf, NULL, number, ""))
		next = "trunk: never";
	else if (border_listed(shell.sh_conf, NULL, &shell.sh_conf->c_always, number, ""))
		next = "trunk: always-trunk";
	else if (!active)
		next = state == ROUTE_NONE ? "trunk: no-route" : "trunk: not-active";
	else if (route != 0)
		next = "trunk: route-skipped";
	else if (host != 0)
		next = "trunk: host-skipped";
	else if (shell.sh_conf->c_flags & CONF_MODE_LOG)
		next = "trunk: mode-log";
	else if (border_listed(shell.sh_conf, NULL, &shell.sh_conf->c_logonly, number, ""))
		next = "trunk: log-only";
	else if ((shell.sh_conf->c_flags & CONF_MEDIA_ENGINE) && media_down())
		next = "trunk: media-engine";
	else
		next = "direct";
	explain_row(ch, rq->rq_id, "next call", next);
	if (active)
		(void)snprintf(text, sizeof(text), "%s, to %s%s", route_state_str(state),
		    rr.rr_domain, route != 0 ? ", skipped: its owner said busy" :
		    host != 0 ? ", skipped: the host failed" : "");
	else
		(void)snprintf(text, sizeof(text), "%s", route_state_str(state));
	explain_row(ch, rq->rq_id, "route", text);
	n = proxy_explain(shell.sh_proxy, number, list, DECISIONS_MAX);
	for (i = 0; i < n; i++)
		explain_row(ch, rq->rq_id, i == 0 ? "latest call" : "call before", list[i]);
	explicit_bzero(&rr, sizeof(rr));
	return (NULL);
}

/* Was rtpengine found silent? */
static int
media_down(void)
{
	struct proxy_stats	ps;

	proxy_stats(shell.sh_proxy, &ps);
	return (ps.ps_media_state == NG_DOWN);
}

static void
metric(struct chan *ch, uint32_t id, const char *name, const char *type,
    const char *label, const char *value, uint64_t n)
{
	static struct ctl_row	r;

	ctl_row(&r, "metric");
	ctl_str(&r, "name", name);
	ctl_str(&r, "type", type);
	if (label != NULL)
		ctl_str(&r, label, value);
	ctl_uint(&r, "value", n);
	(void)ctl_send_row(ch, id, &r);
}

/* The redirect server, and the copies that leave for a capture server. */
static void
ctl_redirect_metrics(struct chan *ch, uint32_t id, const struct proxy_stats *ps)
{
	struct hep_stats	 hs;
	unsigned		 i;

	metric(ch, id, "vipr_sip_redirects", "counter", NULL, NULL, ps->ps_redirects);
	for (i = DIVERT_OK + 1; i < DIVERT_MAX; i++)
		metric(ch, id, "vipr_sip_not_redirected", "counter", "reason",
		    divert_str((enum divert)i), ps->ps_unredirected[i]);
	metric(ch, id, "vipr_sip_redirected_calls", "counter", NULL, NULL,
	    ps->ps_redirect_calls);
	metric(ch, id, "vipr_sip_redirected_failed", "counter", NULL, NULL,
	    ps->ps_redirect_failed);
	for (i = REDIRECT_FORGED; i < REDIRECT_ERRORS; i++)
		metric(ch, id, "vipr_sip_redirected_refused", "counter", "reason",
		    redirect_str((enum redirect_error)i), ps->ps_redirect_bad[i]);
	hep_get_stats(&hs);
	metric(ch, id, "vipr_sip_captured", "counter", NULL, NULL, hs.hs_sent);
	metric(ch, id, "vipr_sip_captures_dropped", "counter", NULL, NULL, hs.hs_dropped);
}

static void
ctl_show_metrics(struct chan *ch, const struct ctl_req *rq)
{
	struct proxy_stats	 ps;
	struct transport_stats	 ts;
	struct resume_stats	 rs;
	uint32_t		 id = rq->rq_id;
	unsigned		 i;

	proxy_stats(shell.sh_proxy, &ps);
	transport_stats(&ts);
#define COUNTER(name, n)	metric(ch, id, "vipr_sip_" name, "counter", NULL, NULL, n)
#define GAUGE(name, n)		metric(ch, id, "vipr_sip_" name, "gauge", NULL, NULL, n)
	COUNTER("requests", ps.ps_requests);
	COUNTER("responses", ps.ps_responses);
	COUNTER("malformed", ps.ps_malformed);
	COUNTER("stray", ps.ps_stray);
	COUNTER("forged", ps.ps_forged);
	COUNTER("overload", ps.ps_overload);
	COUNTER("strangers", ps.ps_strangers);
	COUNTER("too_fast", ps.ps_too_fast);
	COUNTER("calls_verified", ps.ps_verified);
	COUNTER("loops", ps.ps_loops);
	COUNTER("calls_from_trunk", ps.ps_calls_in);
	COUNTER("calls_from_outside", ps.ps_calls_outside);
	COUNTER("calls_to_trunk", ps.ps_calls_trunk);
	COUNTER("calls_direct", ps.ps_calls_direct);
	COUNTER("fallbacks", ps.ps_fallbacks);
	for (i = REFUSAL_NO_TICKET; i <= REFUSAL_POLICY; i++)
		metric(ch, id, "vipr_sip_refused", "counter", "reason", refusal_str(i),
		    ps.ps_refused[i]);
	for (i = DIVERT_OK + 1; i < DIVERT_MAX; i++)
		metric(ch, id, "vipr_sip_not_diverted", "counter", "reason",
		    divert_str((enum divert)i), ps.ps_diverts[i]);
	ctl_redirect_metrics(ch, id, &ps);
	COUNTER("legs_sent", shell.sh_legs_sent);
	COUNTER("legs_stored", shell.sh_legs_stored);
	COUNTER("legs_refused", shell.sh_legs_refused);
	COUNTER("legs_lost", shell.sh_legs_lost + shell.sh_legs_failed + ps.ps_legs_unsent);
	COUNTER("legs_dropped", ps.ps_legs_dropped);
	COUNTER("media_offers", ps.ps_media.ns_offers);
	COUNTER("media_answers", ps.ps_media.ns_answers);
	COUNTER("media_ended", ps.ps_media.ns_deletes);
	COUNTER("media_failed", ps.ps_media.ns_failed);
	COUNTER("media_resent", ps.ps_media.ns_resent);
	GAUGE("media_engine_up", ps.ps_media_state == NG_UP);
	GAUGE("media_waiting", ps.ps_media.ns_pending);
	GAUGE("transactions", ps.ps_txns);
	GAUGE("contexts", ps.ps_contexts);
	GAUGE("dialogs", ps.ps_dialogs);
	GAUGE("legs", ps.ps_legs);
	GAUGE("calls", proxy_calls(shell.sh_proxy));
	GAUGE("routes", rtab_count(shell.sh_rtab));
	GAUGE("connections_inside", ts.ts_inside);
	GAUGE("connections_outside", ts.ts_outside);
	COUNTER("connections_accepted", ts.ts_accepted);
	COUNTER("connections_made", ts.ts_connected);
	COUNTER("connections_failed", ts.ts_failed);
	COUNTER("connections_refused", ts.ts_refused);
	COUNTER("connections_slow", ts.ts_slow);
	resume_stats(&rs);
	COUNTER("tls_signatures", pkremote_count());
	COUNTER("tls_resumed", rs.rs_accepted);
	COUNTER("tls_tickets_refused", rs.rs_refused);
	COUNTER("tls_sessions_offered", rs.rs_offered);
	GAUGE("tls_sessions_kept", rs.rs_kept);
	COUNTER("ticket_checks_known", shell.sh_tickets_known);
	shell_hops_metrics(ch, id);
#undef COUNTER
#undef GAUGE
}
