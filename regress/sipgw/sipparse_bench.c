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
 * Parsing and forwarding a usual INVITE.
 */
#include <sys/types.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sip_build.h"
#include "sip_parse.h"

#define ROUNDS	200000

static const char invite[] =
    "INVITE sip:+14085550100@b.example;user=phone SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK4b43c2ff8.1;rport\r\n"
    "Max-Forwards: 70\r\n"
    "From: \"Alice Example\" <sip:+12125550100@a.example>;tag=9fxced76sl\r\n"
    "To: <sip:+14085550100@b.example>\r\n"
    "Call-ID: 3848276298220188511@a.example\r\n"
    "CSeq: 2 INVITE\r\n"
    "Contact: <sip:alice@192.0.2.10:5060;transport=udp>\r\n"
    "Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, OPTIONS, REFER, NOTIFY\r\n"
    "Supported: timer, 100rel, replaces\r\n"
    "Session-Expires: 1800\r\n"
    "Min-SE: 90\r\n"
    "User-Agent: Example PBX 1.2\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: 216\r\n"
    "\r\n"
    "v=0\r\no=alice 2890844526 2890844526 IN IP4 198.51.100.10\r\ns=-\r\n"
    "c=IN IP4 198.51.100.10\r\nt=0 0\r\nm=audio 49172 RTP/SAVP 0 8 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\na=x:12345678901\r\n";

static uint64_t
cpu_ns(void)
{
	struct timespec	ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec);
}

int
main(void)
{
	static struct sip_msg	m;
	static char		out[8192], fixed[2048];
	struct sip_edit		e;
	struct wbuf		w;
	const char		*body;
	size_t			len;
	uint64_t		t0, t1, t2;
	int			i;

	/* The length, by what is there. */
	body = strstr(invite, "\r\n\r\n") + 4;
	(void)snprintf(fixed, sizeof(fixed), "%s", invite);
	(void)snprintf(strstr(fixed, "Content-Length: "), 64, "Content-Length: %zu", strlen(body));
	len = strlen(fixed);
	(void)snprintf(fixed + len, sizeof(fixed) - len, "\r\n\r\n%s", body);
	len = strlen(fixed);

	t0 = cpu_ns();
	for (i = 0; i < ROUNDS; i++)
		if (sip_parse(&m, fixed, len, SIP_STREAM) == -1) {
			fprintf(stderr, "sipparse_bench: %s\n", sip_error_str(m.sm_error));
			return (1);
		}
	t1 = cpu_ns();
	for (i = 0; i < ROUNDS; i++) {
		wbuf_init(&w, out, sizeof(out));
		sip_edit_init(&e, &m);
		e.se_via = "SIP/2.0/TLS gw.a.example:5061;branch=z9hG4bK0123456789abcdef";
		e.se_via_params = ";received=192.0.2.10;rport=5060";
		e.se_max_forwards = 69;
		sip_edit_set(&e, SIP_H_CONTACT, "<sip:seal@gw.a.example:5061;transport=tls>");
		if (sip_edit_write(&e, &w) == -1)
			return (1);
	}
	t2 = cpu_ns();
	printf("sipparse: invite_ns=%llu bytes=%zu forward_ns=%llu\n",
	    (unsigned long long)((t1 - t0) / ROUNDS), len,
	    (unsigned long long)((t2 - t1) / ROUNDS));
	return (0);
}
