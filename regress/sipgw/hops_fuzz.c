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
 * PBXs and trunks by a script: each pair of bytes is a step, the first says
 * what happens, the second to whom.  Whatever comes, the rows that viprctl
 * shows stay true and nothing is left behind.
 */
#include "proxy_harness.h"

#define STEPS_MAX	200

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	 step(struct world *, uint8_t, uint8_t, unsigned);
static void	 answer_last(struct world *, uint8_t, const char *);
static void	 check(struct world *);

/* Answer one of the latest requests that we sent. */
static void
answer_last(struct world *w, uint8_t which, const char *status)
{
	struct sent	*se;
	size_t		 i, seen = 0;

	for (i = w->w_nsent; i > 0; i--) {
		se = &w->w_sent[i - 1];
		if (strncmp(se->se_text, "SIP/2.0", 7) == 0)
			continue;
		if (seen++ < which % 4u)
			continue;
		w_answer(w, &se->se_flow, se->se_text, status, "t",
		    which & 0x80 ? "Retry-After: 30\n" : "");
		return;
	}
}

static void
check(struct world *w)
{
	struct proxy_hop	ph;
	size_t			i;

	for (i = 0; proxy_hop_get(w->w_px, i, &ph) == 0; i++)
		if (ph.ph_since > w->w_boot || ph.ph_last > w->w_boot || i > 64 ||
		    (ph.ph_state == HOP_NO_ADDRESS) != (ph.ph_addr.va_family == 0))
			abort();
}

static void
step(struct world *w, uint8_t what, uint8_t arg, unsigned n)
{
	static const char *const codes[] = { "100 x", "180 x", "200 x", "404 x", "408 x",
	    "486 x", "503 x", "302 x" };
	struct proxy_addr	 pa[4];
	struct sip_flow		 fl;
	struct vaddr		 va;
	char			*quoted;
	size_t			 i, len;

	switch (what % 10) {
	case 0:
		w_flow_udp(&fl, arg & 1 ? "192.0.2.9" : "10.0.0.5", 5060);
		w_in(w, &fl, "INVITE sip:%s@10.0.0.1 SIP/2.0\n"
		    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKi%u\n"
		    "Max-Forwards: %u\nFrom: <sip:030123451@10.0.0.5>;tag=f%u\n"
		    "To: <sip:x@10.0.0.1>\nCall-ID: c%u\nCSeq: 1 INVITE\n"
		    "Contact: <sip:pbx@10.0.0.5:5060>\n", arg & 2 ? "112" : "004940123456",
		    n, arg % 72u, n, n);
		break;
	case 1:
	case 2:
		answer_last(w, arg, codes[arg / 8 % 8]);
		break;
	case 3:
		w_pass(w, (uint64_t)arg * 100);
		break;
	case 4:
		if (w->w_nsent == 0)
			break;
		i = w->w_nsent - 1 - (arg % 4u < w->w_nsent ? arg % 4u : 0);
		len = strlen(w->w_sent[i].se_text) * (arg / 4u) / 63;
		if ((quoted = malloc(len + 1)) == NULL)
			abort();
		memcpy(quoted, w->w_sent[i].se_text, len);
		proxy_clock(w->w_px, w->w_boot, w->w_utc);
		proxy_unreachable(w->w_px, quoted, len, "port-unreachable");
		free(quoted);
		break;
	case 5:
		memset(pa, 0, sizeof(pa));
		for (i = 0; i < 4; i++) {
			(void)vaddr_parse(arg & 8 && i == 2 ? "2001:db8::1" : "192.0.2.20", 5060,
			    &pa[i].pa_addr);
			pa[i].pa_addr.va_addr[3] = (uint8_t)(arg / 16 + i);
			pa[i].pa_priority = arg & 1 ? (uint16_t)i : 0;
			pa[i].pa_weight = arg & 2 ? (uint16_t)(i * 1000) : 0;
			pa[i].pa_server = (uint16_t)(arg & 4 ? 1 : i);
		}
		proxy_hop_addrs(w->w_px, "trunk.example", 0, SIP_UDP, pa, 1 + arg % 4u);
		break;
	case 6:
		w->w_open = (int)(arg % 3) - 1;
		break;
	case 7:
		(void)vaddr_parse("192.0.2.10", 5060, &va);
		(void)w_op_open(w, w->w_opening, &va, SIP_TCP, &fl);
		proxy_clock(w->w_px, w->w_boot, w->w_utc);
		if (arg & 1)
			proxy_opened(w->w_px, w->w_opening, &fl);
		else
			proxy_open_failed(w->w_px, w->w_opening, "x");
		break;
	case 8:
		proxy_clock(w->w_px, w->w_boot, w->w_utc);
		proxy_flow_gone(w->w_px, 100);
		break;
	case 9:
		proxy_conf(w->w_px, w->w_conf);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct world		*w = w_new(0);
	struct conf_hop		*ch;
	struct proxy_stats	 ps;
	size_t			 i;

	w_hop(w->w_conf, "named", "192.0.2.30", 5060, 1, 1);
	TAILQ_FOREACH(ch, &w->w_conf->c_hops, ch_entry) {
		ch->ch_ping = 10;
		ch->ch_weight = (uint16_t)(ch->ch_name[0] % 8);
		if (strcmp(ch->ch_name, "backup") == 0)
			ch->ch_proto = SIP_TCP;
		if (strcmp(ch->ch_name, "named") == 0) {
			(void)strlcpy(ch->ch_host, "trunk.example", sizeof(ch->ch_host));
			memset(&ch->ch_addr, 0, sizeof(ch->ch_addr));
		}
	}
	proxy_conf(w->w_px, w->w_conf);
	for (i = 0; i + 1 < len && i / 2 < STEPS_MAX; i += 2) {
		step(w, p[i], p[i + 1], (unsigned)i);
		check(w);
		while (w->w_nsent > W_SENT / 2) {
			free(w->w_sent[0].se_text);
			memmove(&w->w_sent[0], &w->w_sent[1],
			    --w->w_nsent * sizeof(w->w_sent[0]));
		}
		w->w_next = 0;
	}
	/* No call outlives its timers. */
	w->w_open = -1;
	for (i = 0; i < 6; i++) {
		w_pass(w, 100000);
		while (w->w_nsent > 0)
			free(w->w_sent[--w->w_nsent].se_text);
		w->w_next = 0;
	}
	proxy_stats(w->w_px, &ps);
	if (ps.ps_contexts != 0 && ps.ps_dialogs == 0)
		abort();
	w_free(w);
	return (0);
}
