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
 * sipgw's shell: names of PBXs and trunks are looked up here, again whenever
 * the answer's time is over.  A failed look-up changes nothing: what was known
 * last stays in use.
 */

#include <sys/types.h>

#include <event.h>
#include <stdint.h>
#include <string.h>

#include "ctl.h"
#include "log.h"
#include "proc.h"
#include "sip_shell.h"
#include "transport.h"

#define HOPS_MAX	64
#define HOP_RETRY_S	10	/* after a failed look-up */

/* One name, port and transport; several hops may share it. */
struct hop_query {
	uint64_t	 hq_id;		/* of a look-up under way */
	char		 hq_host[DOMAIN_SIZE];
	uint16_t	 hq_port;
	uint8_t		 hq_proto;
	int		 hq_failed;	/* said in the log */
	struct event	 hq_timer;
};

static void	 hop_ask(struct hop_query *);
static void	 hop_again(int, short, void *);
static void	 hop_resolved(const struct resolve_answer *, void *);
static struct hop_query *hop_query_find(const struct conf_hop *);
static int	 hop_known_by(const struct hop_query *);
static uint64_t	 hop_utc(uint64_t);
static const char *hop_transport(const struct proxy_hop *);

static struct hop_query	queries[HOPS_MAX];
static size_t		nqueries;

static struct hop_query *
hop_query_find(const struct conf_hop *ch)
{
	size_t	i;

	for (i = 0; i < nqueries; i++)
		if (queries[i].hq_port == ch->ch_addr.va_port &&
		    queries[i].hq_proto == ch->ch_proto &&
		    strcmp(queries[i].hq_host, ch->ch_host) == 0)
			return (&queries[i]);
	return (NULL);
}

/* Do we know an address of it? */
static int
hop_known_by(const struct hop_query *hq)
{
	struct proxy_hop	 ph;
	size_t			 i;

	for (i = 0; proxy_hop_get(shell.sh_proxy, i, &ph) == 0; i++)
		if (ph.ph_state != HOP_NO_ADDRESS && ph.ph_conf->ch_proto == hq->hq_proto &&
		    strcmp(ph.ph_conf->ch_host, hq->hq_host) == 0)
			return (1);
	return (0);
}

static void
hop_resolved(const struct resolve_answer *an, void *arg)
{
	struct hop_query	*hq = arg;
	struct proxy_addr	 list[RESOLVE_ADDRS_MAX];
	struct timeval		 tv = { HOP_RETRY_S, 0 };
	const char		*host = log_str(hq->hq_host, strlen(hq->hq_host));
	size_t			 i;

	hq->hq_id = 0;
	if (an->an_error != RESOLVE_OK || an->an_n == 0 || an->an_stale) {
		if (!hq->hq_failed)
			log_warnx("hop %s: %s: %s", host, an->an_stale ?
			    "name servers do not answer" : resolve_str(an->an_error),
			    hop_known_by(hq) ? "what was known last stays in use" :
			    "no address is known");
		hq->hq_failed = 1;
	} else {
		if (hq->hq_failed)
			log_info("hop %s: looked up again", host);
		hq->hq_failed = 0;
		tv.tv_sec = (time_t)an->an_ttl;
	}
	if (an->an_error == RESOLVE_OK && an->an_n > 0) {
		for (i = 0; i < an->an_n; i++) {
			list[i].pa_addr = an->an_addrs[i].ra_addr;
			list[i].pa_priority = an->an_addrs[i].ra_priority;
			list[i].pa_weight = an->an_addrs[i].ra_weight;
			list[i].pa_server = an->an_addrs[i].ra_server;
			if (hq->hq_proto == SIP_TLS)
				tls_hop_name(&list[i].pa_addr, hq->hq_host);
		}
		shell_enter();
		proxy_hop_addrs(shell.sh_proxy, hq->hq_host, hq->hq_port, hq->hq_proto,
		    list, an->an_n);
		shell_leave();
	}
	if (evtimer_add(&hq->hq_timer, &tv) == -1)
		log_warnx("timer could not be set");
}

static void
hop_ask(struct hop_query *hq)
{
	struct timeval	tv = { HOP_RETRY_S, 0 };

	hq->hq_id = resolve_all(shell.sh_hop_resolver, hq->hq_host, hq->hq_port,
	    hq->hq_proto, hop_resolved, hq);
	if (hq->hq_id == 0 && evtimer_add(&hq->hq_timer, &tv) == -1)
		log_warnx("timer could not be set");
}

static void
hop_again(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	hop_ask(arg);
}

void
shell_hops(void)
{
	const struct conf_hop	*ch;
	struct hop_query	*hq;
	struct proxy_hop	 ph;
	size_t			 i;

	for (i = 0; i < nqueries; i++) {
		if (queries[i].hq_id != 0)
			resolve_cancel(shell.sh_hop_resolver, queries[i].hq_id);
		(void)evtimer_del(&queries[i].hq_timer);
	}
	nqueries = 0;
	/* Whose certificate the addresses that we know already must show. */
	for (i = 0; proxy_hop_get(shell.sh_proxy, i, &ph) == 0; i++)
		if (ph.ph_conf->ch_proto == SIP_TLS && ph.ph_state != HOP_NO_ADDRESS)
			tls_hop_name(&ph.ph_addr, ph.ph_conf->ch_host);
	TAILQ_FOREACH(ch, &shell.sh_conf->c_hops, ch_entry) {
		if (ch->ch_addr.va_family != 0 || hop_query_find(ch) != NULL)
			continue;
		if (nqueries == HOPS_MAX) {
			log_warnx("more than %d names of PBXs and trunks: the others are "
			    "not looked up", HOPS_MAX);
			return;
		}
		hq = &queries[nqueries++];
		memset(hq, 0, sizeof(*hq));
		(void)strlcpy(hq->hq_host, ch->ch_host, sizeof(hq->hq_host));
		hq->hq_port = ch->ch_addr.va_port;
		hq->hq_proto = ch->ch_proto;
		evtimer_set(&hq->hq_timer, hop_again, hq);
		hop_ask(hq);
	}
}

/* -- for viprctl -- */

/* UTC s of a moment on the other clock. */
static uint64_t
hop_utc(uint64_t boot_ms)
{
	uint64_t	now = proc_boot_ms();

	if (boot_ms == 0)
		return (0);
	return ((proc_now_ms() - (now > boot_ms ? now - boot_ms : 0)) / 1000);
}

static const char *
hop_transport(const struct proxy_hop *ph)
{
	return (ph->ph_conf->ch_proto == SIP_UDP ? "udp" :
	    ph->ph_conf->ch_proto == SIP_TCP ? "tcp" : "tls");
}

void
shell_hops_show(struct chan *ch, uint32_t id)
{
	static struct ctl_row	 r;
	struct proxy_hop	 ph;
	char			 addr[VADDR_STRLEN];
	size_t			 i;

	for (i = 0; proxy_hop_get(shell.sh_proxy, i, &ph) == 0; i++) {
		ctl_row(&r, "hop");
		ctl_str(&r, "name", ph.ph_conf->ch_name);
		ctl_str(&r, "kind", ph.ph_conf->ch_trunk ? "trunk" : "pbx");
		ctl_str(&r, "address", ph.ph_state == HOP_NO_ADDRESS ?
		    ph.ph_conf->ch_host : vaddr_str(&ph.ph_addr, addr, sizeof(addr)));
		ctl_str(&r, "transport", hop_transport(&ph));
		ctl_str(&r, "state", proxy_hop_str(ph.ph_state));
		ctl_time(&r, "since", hop_utc(ph.ph_since));
		ctl_time(&r, "last_answer", hop_utc(ph.ph_last));
		if (ph.ph_status == 0)
			ctl_null(&r, "status");
		else
			ctl_uint(&r, "status", ph.ph_status);
		ctl_uint(&r, "calls", ph.ph_calls);
		if (ctl_send_row(ch, id, &r) == -1)
			return;
	}
}

void
shell_hops_metrics(struct chan *ch, uint32_t id)
{
	static struct ctl_row	 r;
	struct proxy_hop	 ph;
	char			 addr[VADDR_STRLEN];
	size_t			 i;
	int			 pass;

	for (pass = 0; pass < 2; pass++)
		for (i = 0; proxy_hop_get(shell.sh_proxy, i, &ph) == 0; i++) {
			if (ph.ph_state == HOP_NO_ADDRESS)
				continue;
			ctl_row(&r, "metric");
			ctl_str(&r, "name", pass == 0 ? "vipr_sip_hop_up" :
			    "vipr_sip_hop_calls");
			ctl_str(&r, "type", pass == 0 ? "gauge" : "counter");
			ctl_str(&r, "hop", ph.ph_conf->ch_name);
			ctl_str(&r, "address", vaddr_str(&ph.ph_addr, addr, sizeof(addr)));
			ctl_uint(&r, "value", pass == 0 ? ph.ph_state == HOP_UP ||
			    ph.ph_state == HOP_BUSY : ph.ph_calls);
			if (ctl_send_row(ch, id, &r) == -1)
				return;
		}
}

uint64_t
shell_hops_down(void)
{
	struct proxy_hop	 ph;
	uint64_t		 n = 0;
	size_t			 i;

	for (i = 0; proxy_hop_get(shell.sh_proxy, i, &ph) == 0; i++)
		n += ph.ph_state == HOP_DOWN || ph.ph_state == HOP_NO_ADDRESS;
	return (n);
}
