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
 * HEP packets: their chunks as Homer's HEP3 network protocol specification lists
 * them, and what is blotted out of the messages in them.  That a dissector of
 * others reads them is tried in regress/e2e/redirect_test.sh.
 */

#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "hep.h"

static void	 blot(const char *, const char *);

/* Blotted, in an exact copy so that a step outside of it is seen. */
static void
blot(const char *in, const char *want)
{
	size_t	 n = strlen(in);
	uint8_t	*p;

	ATF_REQUIRE((p = malloc(n + !n)) != NULL);
	memcpy(p, in, n);
	hep_blot(p, n);
	ATF_CHECK_MSG(n == strlen(want) && memcmp(p, want, n) == 0, "%s: %.*s", in, (int)n, p);
	free(p);
}

ATF_TC_WITHOUT_HEAD(packet);
ATF_TC_BODY(packet, tc)
{
	/* By hand from the specification. */
	static const uint8_t want[] = {
		'H', 'E', 'P', '3', 0, 110,
		0, 0, 0, 1, 0, 7, 2,			/* IPv4 */
		0, 0, 0, 2, 0, 7, 17,			/* UDP */
		0, 0, 0, 3, 0, 10, 192, 0, 2, 1,
		0, 0, 0, 4, 0, 10, 192, 0, 2, 2,
		0, 0, 0, 7, 0, 8, 0x13, 0xc4,
		0, 0, 0, 8, 0, 8, 0x13, 0xce,
		0, 0, 0, 9, 0, 10, 0x65, 0x53, 0xf1, 0x00,	/* 1700000000 */
		0, 0, 0, 10, 0, 10, 0, 1, 0xe0, 0x78,	/* 123000 */
		0, 0, 0, 11, 0, 7, 1,			/* SIP */
		0, 0, 0, 12, 0, 10, 0, 0, 0x07, 0xd1,
		0, 0, 0, 0x11, 0, 8, 'c', '1',
		0, 0, 0, 15, 0, 9, 'S', 'I', 'P'
	};
	struct hep_packet	 hp;
	uint8_t			 out[sizeof(want)];
	size_t			 i;

	memset(&hp, 0, sizeof(hp));
	(void)vaddr_parse("192.0.2.1", 5060, &hp.hp_src);
	(void)vaddr_parse("192.0.2.2", 5070, &hp.hp_dst);
	hp.hp_proto = SIP_UDP;
	hp.hp_time = 1700000000123ull;
	hp.hp_id = 2001;
	hp.hp_cid.p = "c1";
	hp.hp_cid.len = 2;
	ATF_REQUIRE_EQ((ptrdiff_t)sizeof(want), hep_write(&hp, "SIP", 3, out, sizeof(out)));
	for (i = 0; i < sizeof(want); i++)
		ATF_CHECK_EQ_MSG(want[i], out[i], "byte %zu", i);
	for (i = 0; i < sizeof(want); i++)
		ATF_CHECK_EQ(-1, hep_write(&hp, "SIP", 3, out, i));
}

ATF_TC_WITHOUT_HEAD(packet_v6);
ATF_TC_BODY(packet_v6, tc)
{
	static uint8_t		 big[70000], out[70000];
	struct hep_packet	 hp;
	ptrdiff_t		 n;
	size_t			 most;

	memset(&hp, 0, sizeof(hp));
	(void)vaddr_parse("2001:db8::1", 5061, &hp.hp_src);
	(void)vaddr_parse("2001:db8::2", 40000, &hp.hp_dst);
	hp.hp_proto = SIP_TLS;
	n = hep_write(&hp, "x", 1, out, sizeof(out));
	ATF_REQUIRE(n > 0);
	ATF_CHECK_EQ(10, out[12]);
	ATF_CHECK_EQ(6, out[19]);	/* TLS is TCP */
	ATF_CHECK_EQ(5, out[23]);	/* chunks of IPv6 addresses */
	ATF_CHECK_EQ(22, out[25]);
	ATF_CHECK_EQ(0x20, out[26]);
	/* As much as a datagram takes, and not a byte more. */
	memset(big, 'a', sizeof(big));
	most = HEP_MAX - (size_t)(n - 1);
	ATF_CHECK_EQ(HEP_MAX, hep_write(&hp, big, most, out, sizeof(out)));
	ATF_CHECK_EQ(-1, hep_write(&hp, big, most + 1, out, sizeof(out)));
	/* A correlation id that is too long is cut. */
	hp.hp_cid.p = (const char *)big;
	hp.hp_cid.len = 5000;
	ATF_CHECK_EQ(n + 6 + HEP_CID_MAX, hep_write(&hp, "x", 1, out, sizeof(out)));
}

ATF_TC_WITHOUT_HEAD(blotted);
ATF_TC_BODY(blotted, tc)
{
	blot("", "");
	blot("INVITE sip:a@b SIP/2.0\r\nViPR-Ticket: abcd\r\nTo: x\r\n\r\n",
	    "INVITE sip:a@b SIP/2.0\r\nViPR-Ticket: ****\r\nTo: x\r\n\r\n");
	blot("vipr-ticket \t: abcd\r\n", "vipr-ticket \t: ****\r\n");
	blot("VIPR-TICKET:abcd", "VIPR-TICKET:****");
	blot("X-Cisco-ViPR-Ticket: ab", "X-Cisco-ViPR-Ticket: **");
	/* Folded, and with line ends that we refuse. */
	blot("ViPR-Ticket:\r\n abcd\r\n\tef\r\nTo: x\r\n y\r\n",
	    "ViPR-Ticket:\r\n ****\r\n\t**\r\nTo: x\r\n y\r\n");
	blot("ViPR-Ticket: ab\nTo: x\n", "ViPR-Ticket: **\nTo: x\n");
	blot("ViPR-Ticket: ab\rTo: x\r", "ViPR-Ticket: **\rTo: x\r");
	blot("To: x\n\r\n\rViPR-Ticket: ab", "To: x\n\r\n\rViPR-Ticket: **");
	/* Twice, and in the copy of a message that a body may hold. */
	blot("ViPR-Ticket: a\r\nViPR-Ticket: b\r\n\r\nViPR-Ticket: c\r\n",
	    "ViPR-Ticket: *\r\nViPR-Ticket: *\r\n\r\nViPR-Ticket: *\r\n");
	blot("Authorization: Digest response=\"1\"\r\nProxy-Authorization: x\r\n",
	    "Authorization: ****** ************\r\nProxy-Authorization: *\r\n");
	/* Names that only begin alike. */
	blot("ViPR-Tickets: ab\r\nViPR-Ticket\r\nAuthorization-X: a\r\n",
	    "ViPR-Tickets: ab\r\nViPR-Ticket\r\nAuthorization-X: a\r\n");
	blot("ViPR-Refusal: no-ticket\r\n", "ViPR-Refusal: no-ticket\r\n");
	/* SDP. */
	blot("\r\n\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:Abc+/|2^20|1:4\r\na=x\r\n",
	    "\r\n\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:**************\r\na=x\r\n");
	blot("a=crypto:1 X INLINE:ab;inline:cd UNENCRYPTED_SRTP",
	    "a=crypto:1 X INLINE:************ ****************");
	blot("a=crypto:1 X other:ab", "a=crypto:* * ********");
	blot("a=key-mgmt:mikey AQ==\nk=base64:aa\na=ice-pwd:zz\na=ice-ufrag:u",
	    "a=key-mgmt:***** ****\nk=*********\na=ice-pwd:**\na=ice-ufrag:u");
	blot("k: 100rel\r\n", "k: 100rel\r\n");
	/* What cannot be read is not copied. */
	blot("Content-Encoding: gzip\r\nTo: x\r\n\r\na b\r\nc",
	    "Content-Encoding: gzip\r\nTo: x\r\n\r\n******");
	blot("e : gzip\r\n\r\nab", "e : gzip\r\n\r\n**");
	blot("Content-Encoding: identity\r\n\r\nab", "Content-Encoding: identity\r\n\r\nab");
	blot("a\r\n\r\n--x\r\nContent-Transfer-Encoding: base64\r\n\r\nab\r\n--x--",
	    "a\r\n\r\n--x\r\nContent-Transfer-Encoding: base64\r\n\r\n*********");
	blot("Content-Type: application/dtmf-relay\r\n\r\nSignal=5\r\n",
	    "Content-Type: application/dtmf-relay\r\n\r\n**********");
	blot("c:application/DTMF\r\n\r\n5", "c:application/DTMF\r\n\r\n*");
	blot("Content-Type: application/sdp\r\n\r\n5", "Content-Type: application/sdp\r\n\r\n5");
	blot("Content-Transfer-Encoding: binary\r\n\r\nab",
	    "Content-Transfer-Encoding: binary\r\n\r\nab");
}

ATF_TC_WITHOUT_HEAD(call_id);
ATF_TC_BODY(call_id, tc)
{
	static const struct {
		const char	*msg, *want;
	} rows[] = {
		{ "INVITE x\r\nTo: y\r\nCall-ID: a@b\r\n\r\n", "a@b" },
		{ "INVITE x\r\ni:  c d \r\n\r\n", "c d" },
		{ "INVITE x\r\nCALL-ID :z", "z" },
		{ "INVITE x\r\nI: 1\r\nCall-ID: 2\r\n", "1" },
		{ "INVITE x\r\nTo: y\r\n\r\nCall-ID: a@b\r\n", "" },
		{ "INVITE x\r\nCall-IDs: a\r\n", "" },
		{ "Call-ID:", "" },
		{ "", "" }
	};
	struct span	 s;
	char		*heap;
	size_t		 i, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = strlen(rows[i].msg);
		ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
		memcpy(heap, rows[i].msg, n);
		s = hep_call_id(heap, n);
		ATF_CHECK_MSG(s.len == strlen(rows[i].want) &&
		    memcmp(s.p, rows[i].want, s.len) == 0, "%s", rows[i].msg);
		free(heap);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, packet);
	ATF_TP_ADD_TC(tp, packet_v6);
	ATF_TP_ADD_TC(tp, blotted);
	ATF_TP_ADD_TC(tp, call_id);
	return (atf_no_error());
}
