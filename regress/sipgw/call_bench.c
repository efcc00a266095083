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
 * The proxy core alone, without sockets: CPU of a call (INVITE, 180, 200, ACK,
 * BYE, 200) through it, and the memory of a dialog that stands open and of a
 * call that has just ended, while many other dialogs are open.
 *
 *   call_bench [CALLS [OPEN-DIALOGS]]
 */

#include <malloc.h>
#include <time.h>

#include "proxy_harness.h"

#define SDP	"v=0\no=- 1 1 IN IP4 8.8.8.8\ns=-\nc=IN IP4 8.8.8.8\nt=0 0\n" \
		"m=audio 4000 RTP/SAVP 8\n" \
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\n"

static int	 b_send(void *, const struct sip_flow *, const uint8_t *, size_t);
static void	 b_log(void *, enum proxy_log, const char *);
static void	 feed(struct world *, const struct sip_flow *, const char *, ...)
		    __attribute__((__format__(printf, 3, 4)));
static void	 answer(struct world *, const char *, int, unsigned long);
static void	 call(struct world *, unsigned long, int);
static uint64_t	 now_ns(void);
static size_t	 heap(void);
static void	 measure(int, unsigned long, unsigned long);

static struct sip_flow	 pbx, trunk;
static struct proxy_ops	 ops;
static uint64_t		 spent;
static char		 request[8192], response[8192];	/* what we sent last */
static int		 direct;

static int
b_send(void *ctx, const struct sip_flow *fl, const uint8_t *p, size_t len)
{
	char	*to = strncmp((const char *)p, "SIP/2.0", 7) == 0 ? response : request;

	(void)ctx;
	(void)fl;
	if (len >= sizeof(request))
		return (-1);
	memcpy(to, p, len);
	to[len] = '\0';
	return (0);
}

static void
b_log(void *ctx, enum proxy_log what, const char *line)
{
	(void)ctx;
	(void)what;
	(void)line;
}

static uint64_t
now_ns(void)
{
	struct timespec	ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec);
}

static size_t
heap(void)
{
	return (mallinfo2().uordblks + mallinfo2().hblkhd);
}

/* A message, lines with \n; only the proxy's own time counts. */
static void
feed(struct world *w, const struct sip_flow *fl, const char *fmt, ...)
{
	static char	 text[8192], wire[16384];
	const char	*body, *p;
	size_t		 n = 0;
	uint64_t	 t;
	va_list		 ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	body = strstr(text, "\n\n");
	for (p = text; *p != '\0' && p != body; p++) {
		if (*p == '\n')
			wire[n++] = '\r';
		wire[n++] = *p;
	}
	if (body != NULL) {
		wire[n++] = '\r';
		wire[n++] = '\n';
	}
	body = body != NULL ? body + 2 : "";
	n += (size_t)snprintf(wire + n, sizeof(wire) - n, "Content-Length: %zu\r\n\r\n%s",
	    strlen(body), body);
	t = now_ns();
	proxy_clock(w->w_px, w->w_boot, w->w_utc);
	proxy_input(w->w_px, fl, wire, n);
	spent += now_ns() - t;
}

/* An answer to the request that was sent last. */
static void
answer(struct world *w, const char *status, int sdp, unsigned long i)
{
	struct sip_flow	 fl;
	char		 text[8192], *p, *end;
	size_t		 n;

	(void)i;
	n = (size_t)snprintf(text, sizeof(text), "SIP/2.0 %s\n", status);
	for (p = strstr(request, "\r\n") + 2; strncmp(p, "\r\n", 2) != 0; p = end + 2) {
		end = strstr(p, "\r\n");
		if (strncmp(p, "Via:", 4) != 0 && strncmp(p, "From:", 5) != 0 &&
		    strncmp(p, "To:", 3) != 0 && strncmp(p, "Call-ID:", 8) != 0 &&
		    strncmp(p, "CSeq:", 5) != 0 && strncmp(p, "Record-Route:", 13) != 0)
			continue;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s%s\n", (int)(end - p), p,
		    strncmp(p, "To:", 3) == 0 && memmem(p, (size_t)(end - p), ";tag=", 5) ==
		    NULL ? ";tag=callee" : "");
	}
	n += (size_t)snprintf(text + n, sizeof(text) - n, "Contact: <sip:%s>\n",
	    direct ? "sealed@border.b.example;transport=tls" : "gw@192.0.2.9:5060");
	if (sdp)
		(void)snprintf(text + n, sizeof(text) - n,
		    "Content-Type: application/sdp\n\n" SDP);
	if (direct) {
		w_outflow(&fl, 1);
		feed(w, &fl, "%s", text);
	} else
		feed(w, &trunk, "%s", text);
}

static void
call(struct world *w, unsigned long i, int end)
{
	char		 ids[512], contact[512], *p;
	const char	*number = direct ? "+4940123456" : "+4941123456";

	(void)snprintf(ids, sizeof(ids),
	    "From: <sip:+4930%07lu@10.0.0.5>;tag=%luc%lu\nCall-ID: %lu-4711@10.0.0.5\n",
	    i % 9999999, i, i, i);
	feed(w, &pbx, "INVITE sip:%s@10.0.0.1:5060 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK-%lu-1;rport\n%s"
	    "To: <sip:%s@10.0.0.1:5060>\nCSeq: 1 INVITE\n"
	    "Contact: <sip:+4930123450@10.0.0.5:5060>\nMax-Forwards: 70\n"
	    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO\n"
	    "Supported: timer, replaces\nUser-Agent: telephone\n"
	    "Content-Type: application/sdp\n\n" SDP, number, i, ids, number);
	answer(w, "180 Ringing", 0, i);
	answer(w, "200 OK", 1, i);
	if (strncmp(response, "SIP/2.0 200", 11) != 0)
		abort();
	p = strstr(response, "Contact: <") + 10;
	(void)snprintf(contact, sizeof(contact), "%.*s", (int)strcspn(p, ">"), p);
	feed(w, &pbx, "ACK %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK-%lu-2\n"
	    "%s%sTo: <sip:%s@10.0.0.1:5060>;tag=callee\nCSeq: 1 ACK\n"
	    "Max-Forwards: 70\n", contact, i, direct ? "" : "Route: <sip:10.0.0.1:5060;lr>\n",
	    ids, number);
	if (!end)
		return;
	feed(w, &pbx, "BYE %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK-%lu-3\n"
	    "%s%sTo: <sip:%s@10.0.0.1:5060>;tag=callee\nCSeq: 2 BYE\n"
	    "Max-Forwards: 70\n", contact, i, direct ? "" : "Route: <sip:10.0.0.1:5060;lr>\n",
	    ids, number);
	answer(w, "200 OK", 0, i);
	if (strncmp(response, "SIP/2.0 200", 11) != 0)
		abort();
}

static void
measure(int way, unsigned long calls, unsigned long open)
{
	struct world		*w = w_new(way);
	struct rtab_number	*rn;
	struct rtab_route	*r;
	size_t			 h0, h1, h2, h3;
	unsigned long		 i, n = 0;
	uint64_t		 t;

	direct = way;
	ops = w_ops;
	ops.po_send = b_send;
	ops.po_log = b_log;
	proxy_free(w->w_px);
	{
		struct seal_keys	keys;

		memset(&keys, 0, sizeof(keys));
		seal_keys_rotate(&keys);
		w->w_px = proxy_new(&ops, w, w->w_rtab, &keys, w->w_boot, w->w_utc);
	}
	proxy_conf(w->w_px, w->w_conf);
	if (way) {
		w_name(w, 1, "b.example");
		rn = calloc(1, sizeof(*rn));
		rn->rn_count = 1;
		r = &rn->rn_routes[0];
		r->rr_state = ROUTE_ACTIVE;
		r->rr_proofs = 1;
		r->rr_nuris = 1;
		r->rr_not_after = w->w_utc / 1000 + 86400;
		r->rr_last_proof = w->w_utc / 1000;
		(void)strlcpy(rn->rn_number, "+4940123456", sizeof(rn->rn_number));
		(void)strlcpy(r->rr_domain, "b.example", sizeof(r->rr_domain));
		(void)strlcpy(r->rr_uris[0], "sip:+4940123456@b.example;transport=tls", URI_MAX);
		memset(r->rr_ticket, 'T', 180);
		if (rtab_put(w->w_rtab, rn) == -1)
			abort();
		free(rn);
	}
	h0 = heap();
	for (i = 0; i < open; i++) {
		call(w, n++, 0);
		if (i % 100 == 99)
			w_pass(w, 1000);
	}
	w_pass(w, 40000);
	h1 = heap();
	/* As many calls as a second has, then the second, and so on. */
	spent = 0;
	for (i = 0; i < calls; i++) {
		call(w, n++, 1);
		if (i % 200 == 199) {
			t = now_ns();
			w_pass(w, 1000);
			spent += now_ns() - t;
		}
	}
	h2 = heap();
	t = now_ns();
	w_pass(w, 40000);
	spent += now_ns() - t;
	h3 = heap();
	printf("call: case=%s calls=%lu dialogs=%lu cpu_call_us=%.1f dialog_bytes=%zu "
	    "ended_call_bytes=%zu left_bytes=%zd\n", way ? "direct" : "trunk", calls, open,
	    (double)spent / 1000 / (double)calls, open != 0 ? (h1 - h0) / open : 0,
	    (h2 - h1) / (calls < 7000 ? calls : 7000), (ssize_t)(h3 - h1));
	w_free(w);
}

int
main(int argc, char **argv)
{
	unsigned long	calls = argc > 1 ? strtoul(argv[1], NULL, 10) : 5000;
	unsigned long	open = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000;

	w_flow_udp(&pbx, "10.0.0.5", 5060);
	w_flow_udp(&trunk, "192.0.2.9", 5060);
	measure(0, calls, open);
	measure(1, calls, open);
	return (0);
}
