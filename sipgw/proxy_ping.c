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
 * core: OPTIONS to PBXs and trunks, to know which of them are alive.  A ping
 * is repeated on UDP as a request of a transaction would be, but given up
 * after HOP_PING_MS.  Any answer is a sign of life but 408 and 503.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proxy_int.h"

#define PING_PREFIX	"z9hG4bKping"
#define PING_SPREAD_MS	1000	/* the first ones, so that they do not come at once */

static void	 ping_tmr(void *);
static void	 ping_start(struct dest *);
static int	 ping_send(struct dest *);
static void	 ping_failed(struct dest *, const char *);
static void	 ping_next(struct dest *);
static struct dest *ping_find(struct proxy *, struct span branch);
static int	 ping_build(struct dest *, struct wbuf *);

void
ping_init(struct dest *de)
{
	struct proxy	*px = de->de_px;
	uint16_t	 r;

	tmr_stop(&px->px_tmrs, &de->de_tmr);
	tmr_init(&de->de_tmr, ping_tmr, de);
	de->de_phase = PING_IDLE;
	if (de->de_conf->ch_ping == 0)
		return;
	px->px_ops->po_random(px->px_ctx, &r, sizeof(r));
	tmr_set(&px->px_tmrs, &de->de_tmr, r % PING_SPREAD_MS);
}

void
ping_stop(struct dest *de)
{
	struct proxy	*px = de->de_px;

	tmr_stop(&px->px_tmrs, &de->de_tmr);
	if (de->de_phase == PING_OPENING)
		px->px_ops->po_open_cancel(px->px_ctx, de->de_id);
	de->de_phase = PING_IDLE;
}

static void
ping_next(struct dest *de)
{
	uint64_t	ms = (uint64_t)de->de_conf->ch_ping * 1000;

	de->de_phase = PING_IDLE;
	tmr_stop(&de->de_px->px_tmrs, &de->de_tmr);
	if (ms == 0)
		return;
	if (de->de_state == HOP_DOWN && ms > HOP_DEAD_MS)
		ms = HOP_DEAD_MS;
	tmr_set(&de->de_px->px_tmrs, &de->de_tmr, ms);
}

void
ping_again(struct dest *de)
{
	if (de->de_phase == PING_IDLE)
		ping_next(de);
}

static int
ping_build(struct dest *de, struct wbuf *w)
{
	struct proxy	*px = de->de_px;
	const char	*id = de->de_branch + strlen(PING_PREFIX);
	char		 via[256], from[256], to[DOMAIN_SIZE + 64], addr[VADDR_STRLEN];
	int		 n;

	if (de->de_conf->ch_addr.va_family == 0 && de->de_conf->ch_addr.va_port != 0)
		n = snprintf(to, sizeof(to), "sip:%s:%u", de->de_conf->ch_host,
		    (unsigned)de->de_conf->ch_addr.va_port);
	else
		n = snprintf(to, sizeof(to), "sip:%s", de->de_conf->ch_addr.va_family == 0 ?
		    de->de_conf->ch_host : vaddr_str(&de->de_addr, addr, sizeof(addr)));
	if (n < 0 || (size_t)n >= sizeof(to) ||
	    px_via(px, &de->de_flow, de->de_branch, via, sizeof(via)) == -1 ||
	    px_local_uri(&de->de_flow, "ping", "", from, sizeof(from)) == -1)
		return (-1);
	px_wbuf(px, w);
	wbuf_printf(w, "OPTIONS %s SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\n"
	    "From: %s;tag=%.8s\r\nTo: <%s>\r\nCall-ID: ping-%s\r\nCSeq: 1 OPTIONS\r\n"
	    "Contact: %s\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n",
	    to, via, from, id, to, id, from);
	return (wbuf_ok(w));
}

static int
ping_send(struct dest *de)
{
	struct wbuf	w;

	if (ping_build(de, &w) == -1)
		return (-1);
	de->de_phase = PING_SENT;
	return (px_send(de->de_px, &de->de_flow, &w));
}

static void
ping_start(struct dest *de)
{
	struct proxy	*px = de->de_px;
	uint64_t	 ms = (uint64_t)de->de_conf->ch_ping * 1000, ago;
	char		 rnd[17];
	int		 r;

	/* Who answered a call just now need not be asked. */
	ago = px_now(px) - de->de_last;
	if (de->de_state == HOP_UP && de->de_last != 0 && ago < ms) {
		tmr_set(&px->px_tmrs, &de->de_tmr, ms - ago);
		return;
	}
	px_hex(px, rnd, 8);
	(void)snprintf(de->de_branch, sizeof(de->de_branch), PING_PREFIX "%s", rnd);
	de->de_start = px_now(px);
	de->de_interval = TXN_T1;
	de->de_id = px->px_next_id++;
	r = px->px_ops->po_open(px->px_ctx, de->de_id, &de->de_addr, de->de_conf->ch_proto,
	    &de->de_flow);
	if (r == 0) {
		de->de_phase = PING_OPENING;
		tmr_set(&px->px_tmrs, &de->de_tmr, HOP_PING_MS);
	} else if (r != 1 || ping_send(de) == -1)
		ping_failed(de, "no-connection");
	else
		tmr_set(&px->px_tmrs, &de->de_tmr, de->de_conf->ch_proto == SIP_UDP ?
		    de->de_interval : HOP_PING_MS);
}

static void
ping_tmr(void *arg)
{
	struct dest	*de = arg;
	struct proxy	*px = de->de_px;
	uint64_t	 end = de->de_start + HOP_PING_MS;

	switch (de->de_phase) {
	case PING_IDLE:
		ping_start(de);
		return;
	case PING_OPENING:
		px->px_ops->po_open_cancel(px->px_ctx, de->de_id);
		ping_failed(de, "no-connection");
		return;
	case PING_SENT:
		if (px_now(px) >= end || de->de_conf->ch_proto != SIP_UDP) {
			ping_failed(de, "silence");
			return;
		}
		if (ping_send(de) == -1) {
			ping_failed(de, "no-connection");
			return;
		}
		de->de_interval *= 2;
		tmr_set(&px->px_tmrs, &de->de_tmr,
		    px_now(px) + de->de_interval > end ? end - px_now(px) :
		    de->de_interval);
		return;
	}
}

static void
ping_failed(struct dest *de, const char *why)
{
	struct proxy	*px = de->de_px;

	de->de_phase = PING_IDLE;
	/* One that takes calls but never answered an OPTIONS is not dead. */
	if (de->de_called && !de->de_pinged && de->de_state != HOP_DOWN &&
	    strcmp(why, "silence") == 0) {
		if (!de->de_deaf)
			px_log(px, PROXY_INFO, "%s %s answers calls but no OPTIONS: "
			    "its silence to them does not count",
			    de->de_conf->ch_trunk ? "trunk" : "pbx", de->de_conf->ch_name);
		de->de_deaf = 1;
	} else
		dest_down(de, why);
	ping_next(de);
}

static struct dest *
ping_find(struct proxy *px, struct span branch)
{
	struct dest	*de;
	size_t		 i, j;

	if (branch.len < strlen(PING_PREFIX) ||
	    memcmp(branch.p, PING_PREFIX, strlen(PING_PREFIX)) != 0)
		return (NULL);
	for (i = 0; i < px->px_nhops; i++)
		for (j = 0; j < px->px_hops[i].ho_ndests; j++) {
			de = px->px_hops[i].ho_dests[j];
			if (de->de_phase == PING_SENT && span_eq(branch, de->de_branch))
				return (de);
		}
	return (NULL);
}

int
ping_response(struct proxy *px, const struct sip_flow *fl, const struct sip_msg *m)
{
	struct dest	*de;
	uint32_t	 retry = 0;

	if (fl->fl_face != FACE_INSIDE ||
	    (de = ping_find(px, m->sm_via.sv_branch)) == NULL)
		return (0);
	if (m->sm_method != SIP_M_OPTIONS || m->sm_status < 200)
		return (1);
	de->de_phase = PING_IDLE;
	if (m->sm_status == 503)
		(void)sip_number(m, SIP_H_RETRY_AFTER, UINT32_MAX, &retry);
	if (m->sm_status == 408 || (m->sm_status == 503 && retry == 0)) {
		de->de_status = (uint16_t)m->sm_status;
		dest_down(de, m->sm_status == 408 ? "status-408" : "status-503");
	} else {
		dest_up(de, m->sm_status, 1);
		if (retry != 0)
			dest_busy(de, retry);
	}
	ping_next(de);
	return (1);
}

int
ping_opened(struct proxy *px, uint64_t id, const struct sip_flow *fl)
{
	struct dest	*de;
	size_t		 i, j;

	for (i = 0; i < px->px_nhops; i++)
		for (j = 0; j < px->px_hops[i].ho_ndests; j++) {
			de = px->px_hops[i].ho_dests[j];
			if (de->de_phase != PING_OPENING || de->de_id != id)
				continue;
			de->de_flow = *fl;
			if (ping_send(de) == -1)
				ping_failed(de, "no-connection");
			else
				tmr_set(&px->px_tmrs, &de->de_tmr, HOP_PING_MS);
			return (1);
		}
	return (0);
}

int
ping_open_failed(struct proxy *px, uint64_t id, const char *why)
{
	struct dest	*de;
	size_t		 i, j;

	(void)why;
	for (i = 0; i < px->px_nhops; i++)
		for (j = 0; j < px->px_hops[i].ho_ndests; j++) {
			de = px->px_hops[i].ho_dests[j];
			if (de->de_phase != PING_OPENING || de->de_id != id)
				continue;
			ping_failed(de, "no-connection");
			return (1);
		}
	return (0);
}

void
ping_flow_gone(struct proxy *px, uint64_t conn)
{
	struct dest	*de;
	size_t		 i, j;

	if (conn == 0)
		return;
	for (i = 0; i < px->px_nhops; i++)
		for (j = 0; j < px->px_hops[i].ho_ndests; j++) {
			de = px->px_hops[i].ho_dests[j];
			if (de->de_phase == PING_SENT && de->de_flow.fl_conn == conn)
				ping_failed(de, "connection-lost");
		}
}

int
ping_unreachable(struct proxy *px, struct span branch, const char *why)
{
	struct dest	*de;

	if ((de = ping_find(px, branch)) == NULL)
		return (0);
	ping_failed(de, why);
	return (1);
}
