/* SPDX-License-Identifier: ISC */
/*
 * RFC 5118: messages with IPv6.
 */
#ifndef TORTURE_IP6_H
#define TORTURE_IP6_H

#include "torture.h"

static const struct torture torture_ip6[] TORTURE_MAYBE = {
{ "ipv6-good", "4.1", 405, 405,
    /* references in brackets */
    TORTURE_TEXT(
    "REGISTER sip:[2001:db8::10] SIP/2.0\n"
    "To: sip:user@example.com\n"
    "From: sip:user@example.com;tag=81x2\n"
    "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111\n"
    "Call-ID: SSG9559905523997077@hlau_4100\n"
    "Max-Forwards: 70\n"
    "Contact: \"Caller\" <sip:caller@[2001:db8::1]>\n"
    "CSeq: 98176 REGISTER\n"
    "Content-Length: 0\n"
    "\n") },
{ "ipv6-bad", "4.2", 400, 400,
    /* one without brackets */
    TORTURE_TEXT(
    "REGISTER sip:2001:db8::10 SIP/2.0\n"
    "To: sip:user@example.com\n"
    "From: sip:user@example.com;tag=81x2\n"
    "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111\n"
    "Call-ID: SSG9559905523997077@hlau_4100\n"
    "Max-Forwards: 70\n"
    "Contact: \"Caller\" <sip:caller@[2001:db8::1]>\n"
    "CSeq: 98176 REGISTER\n"
    "Content-Length: 0\n"
    "\n") },
{ "port-ambiguous", "4.3", 405, 405,
    /* what looks like a port is a part of the address */
    TORTURE_TEXT(
    "REGISTER sip:[2001:db8::10:5070] SIP/2.0\n"
    "To: sip:user@example.com\n"
    "From: sip:user@example.com;tag=81x2\n"
    "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111\n"
    "Call-ID: SSG9559905523997077@hlau_4100\n"
    "Contact: \"Caller\" <sip:caller@[2001:db8::1]>\n"
    "Max-Forwards: 70\n"
    "CSeq: 98176 REGISTER\n"
    "Content-Length: 0\n"
    "\n") },
{ "port-unambiguous", "4.4", 405, 405,
    /* a port behind the brackets */
    TORTURE_TEXT(
    "REGISTER sip:[2001:db8::10]:5070 SIP/2.0\n"
    "To: sip:user@example.com\n"
    "From: sip:user@example.com;tag=81x2\n"
    "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111\n"
    "Call-ID: SSG9559905523997077@hlau_4100\n"
    "Contact: \"Caller\" <sip:caller@[2001:db8::1]>\n"
    "Max-Forwards: 70\n"
    "CSeq: 98176 REGISTER\n"
    "Content-Length: 0\n"
    "\n") },
{ "via-received-with-brackets", "4.5", 481, 481,
    /* received in brackets; no call of ours */
    TORTURE_TEXT(
    "BYE sip:[2001:db8::10] SIP/2.0\n"
    "To: sip:user@example.com;tag=bd76ya\n"
    "From: sip:user@example.com;tag=81x2\n"
    "Via: SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas"
    "3-111\n"
    "Call-ID: SSG9559905523997077@hlau_4100\n"
    "Max-Forwards: 70\n"
    "CSeq: 321 BYE\n"
    "Content-Length: 0\n"
    "\n") },
{ "via-received-no-brackets", "4.5", 481, 481,
    /* received without brackets; no call of ours */
    TORTURE_TEXT(
    "OPTIONS sip:[2001:db8::10] SIP/2.0\n"
    "To: sip:user@example.com;tag=bd76ya\n"
    "From: sip:user@example.com;tag=81x2\n"
    "Via: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3\n"
    "Call-ID: SSG95523997077@hlau_4100\n"
    "Max-Forwards: 70\n"
    "Contact: \"Caller\" <sip:caller@[2001:db8::9:1]>\n"
    "CSeq: 921 OPTIONS\n"
    "Content-Length: 0\n"
    "\n") },
{ "ipv6-in-sdp", "4.6", TORTURE_FWD, TORTURE_FWD,
    /* IPv6 in the session description */
    TORTURE_TEXT(
    "INVITE sip:user@[2001:db8::10] SIP/2.0\n"
    "To: sip:user@[2001:db8::10]\n"
    "From: sip:user@example.com;tag=81x2\n"
    "Via: SIP/2.0/UDP [2001:db8::20];branch=z9hG4bKas3-111\n"
    "Call-ID: SSG9559905523997077@hlau_4100\n"
    "Contact: \"Caller\" <sip:caller@[2001:db8::20]>\n"
    "CSeq: 8612 INVITE\n"
    "Max-Forwards: 70\n"
    "Content-Type: application/sdp\n"
    "Content-Length: @len@\n"
    "\n"
    "v=0\n"
    "o=assistant 971731711378798081 0 IN IP6 2001:db8::20\n"
    "s=Live video feed for today's meeting\n"
    "c=IN IP6 2001:db8::20\n"
    "t=3338481189 3370017201\n"
    "m=audio 6000 RTP/AVP 2\n"
    "a=rtpmap:2 G726-32/8000\n"
    "m=video 6024 RTP/AVP 107\n"
    "a=rtpmap:107 H263-1998/90000\n") },
{ "mult-ip-in-header", "4.7", 481, 481,
    /* both kinds of address in the Vias; no call of ours */
    TORTURE_TEXT(
    "BYE sip:user@host.example.net SIP/2.0\n"
    "Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111\n"
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144\n"
    "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200\n"
    "Call-ID: 997077@lau_4100\n"
    "Max-Forwards: 70\n"
    "CSeq: 89187 BYE\n"
    "To: sip:user@example.net;tag=9817--94\n"
    "From: sip:user@example.com;tag=81x2\n"
    "Content-Length: 0\n"
    "\n") },
{ "mult-ip-in-sdp", "4.8", TORTURE_FWD, TORTURE_FWD,
    /* both kinds of address in the session description */
    TORTURE_TEXT(
    "INVITE sip:user@[2001:db8::10] SIP/2.0\n"
    "To: sip:user@[2001:db8::10]\n"
    "From: sip:user@example.com;tag=81x2\n"
    "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111\n"
    "Call-ID: SSG9559905523997077@hlau_4100\n"
    "Contact: \"Caller\" <sip:caller@[2001:db8::9:1]>\n"
    "Max-Forwards: 70\n"
    "CSeq: 8912 INVITE\n"
    "Content-Type: application/sdp\n"
    "Content-Length: @len@\n"
    "\n"
    "v=0\n"
    "o=bob 280744730 28977631 IN IP4 host.example.com\n"
    "s=\n"
    "t=0 0\n"
    "m=audio 22334 RTP/AVP 0\n"
    "c=IN IP4 192.0.2.1\n"
    "m=video 6024 RTP/AVP 107\n"
    "c=IN IP6 2001:db8::1\n"
    "a=rtpmap:107 H263-1998/90000\n") },
{ "ipv4-mapped-ipv6", "4.9", TORTURE_FWD, TORTURE_FWD,
    /* IPv4 written as IPv6 */
    TORTURE_TEXT(
    "INVITE sip:user@example.com SIP/2.0\n"
    "To: sip:user@example.com\n"
    "From: sip:user@east.example.com;tag=81x2\n"
    "Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19\n"
    "Via: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111\n"
    "Call-ID: SSG9559905523997077@hlau_4100\n"
    "Contact: \"T. desk phone\" <sip:ted@[::ffff:192.0.2.2]>\n"
    "CSeq: 612 INVITE\n"
    "Max-Forwards: 70\n"
    "Content-Type: application/sdp\n"
    "Content-Length: @len@\n"
    "\n"
    "v=0\n"
    "o=assistant 971731711378798081 0 IN IP6 ::ffff:192.0.2.2\n"
    "s=Call me soon, please!\n"
    "c=IN IP6 ::ffff:192.0.2.2\n"
    "t=3338481189 3370017201\n"
    "m=audio 6000 RTP/AVP 2\n"
    "a=rtpmap:2 G726-32/8000\n"
    "m=video 6024 RTP/AVP 107\n"
    "a=rtpmap:107 H263-1998/90000\n") },
{ "ipv6-bug-abnf-3-colons", "4.10", TORTURE_FWD, TORTURE_FWD,
    /* three colons, as a slip in the grammar had it */
    TORTURE_TEXT(
    "OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0\n"
    "To: sip:user@[2001:db8:::192.0.2.1]\n"
    "From: sip:user@example.com;tag=810x2\n"
    "Via: SIP/2.0/UDP lab1.east.example.com;branch=z9hG4bKas3-111\n"
    "Call-ID: G9559905523997077@hlau_4100\n"
    "CSeq: 689 OPTIONS\n"
    "Max-Forwards: 70\n"
    "Content-Length: 0\n"
    "\n") },
{ "ipv6-correct-abnf-2-colons", "4.10", TORTURE_FWD, TORTURE_FWD,
    /* two colons, as it should be */
    TORTURE_TEXT(
    "OPTIONS sip:user@[2001:db8::192.0.2.1] SIP/2.0\n"
    "To: sip:user@[2001:db8::192.0.2.1]\n"
    "From: sip:user@example.com;tag=810x2\n"
    "Via: SIP/2.0/UDP lab1.east.example.com;branch=z9hG4bKas3-111\n"
    "Call-ID: G9559905523997077@hlau_4100\n"
    "CSeq: 689 OPTIONS\n"
    "Max-Forwards: 70\n"
    "Content-Length: 0\n"
    "\n") },
};

#endif
