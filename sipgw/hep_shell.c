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

/* sipgw's shell: HEP packets on their way to the capture server. */

#include <sys/types.h>
#include <sys/socket.h>

#include <stdint.h>
#include <string.h>

#include "conf.h"
#include "hep.h"
#include "hep_shell.h"
#include "log.h"
#include "proc.h"
#include "proxy.h"

int			 hep_on;
static int		 socks[2] = { -1, -1 };	/* IPv4, IPv6 */
static struct sockaddr_storage server;
static socklen_t	 server_len;
static int		 sock = -1;
static uint32_t		 agent;
static struct proxy	*calls;
static struct hep_stats	 stats;

void
hep_init(void)
{
	/* A kernel without IPv6 has only the first. */
	socks[0] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socks[1] = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

void
hep_conf(const struct conf *c, struct proxy *px)
{
	char	addr[VADDR_STRLEN];

	hep_on = 0;
	if (!(c->c_flags & CONF_HEP))
		return;
	calls = px;
	agent = c->c_hep_id;
	server_len = vaddr_to_sa(&c->c_hep_addr, &server);
	sock = socks[c->c_hep_addr.va_family == 6];
	(void)vaddr_str(&c->c_hep_addr, addr, sizeof(addr));
	if (sock == -1) {
		log_warnx("capture hep %s: no socket of its family", addr);
		return;
	}
	hep_on = 1;
	log_warnx("capture hep %s: a copy of every SIP message, with numbers, callers "
	    "and times of calls, leaves this box unencrypted", addr);
}

void
hep_copy(const struct sip_flow *fl, const void *msg, size_t len, int sent)
{
	static uint8_t		 out[HEP_MAX];
	struct hep_packet	 hp;
	char			 cid[HEP_CID_MAX + 1];
	ptrdiff_t		 n;

	memset(&hp, 0, sizeof(hp));
	hp.hp_src = sent ? fl->fl_local : fl->fl_peer;
	hp.hp_dst = sent ? fl->fl_peer : fl->fl_local;
	hp.hp_proto = fl->fl_proto;
	hp.hp_time = proc_now_ms();
	hp.hp_id = agent;
	/* Outside the Call-ID may be another: the inside's joins the legs. */
	hp.hp_cid = hep_call_id(msg, len);
	if (hp.hp_cid.len > 0 && proxy_callid(calls, hp.hp_cid, cid, sizeof(cid)) == 0) {
		hp.hp_cid.p = cid;
		hp.hp_cid.len = strlen(cid);
	}
	if ((n = hep_write(&hp, msg, len, out, sizeof(out))) == -1) {
		stats.hs_dropped++;
		return;
	}
	if (sendto(sock, out, (size_t)n, MSG_DONTWAIT, (struct sockaddr *)&server,
	    server_len) == n)
		stats.hs_sent++;
	else
		stats.hs_dropped++;
	explicit_bzero(out, (size_t)n);
	explicit_bzero(cid, sizeof(cid));
}

void
hep_get_stats(struct hep_stats *out)
{
	*out = stats;
}
