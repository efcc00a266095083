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

/* PBXs and trunks: choice, fail-over, pings, addresses, what came back. */

#include <atf-c.h>

#include "choice.h"
#include "proxy_harness.h"

static struct sip_flow	pbx, trunk, backup;

static struct world	*start(void);
static struct conf_hop	*hop_named(struct world *, const char *);
static void		 invite(struct world *, int);
static struct sent	*next_to(struct world *, const char *start);
static const char	*state(struct world *, const char *addr);
static void		 named(struct world *, const char *name, const char *host, uint16_t port);
static void		 addresses(struct world *, const char *host, uint16_t port,
			    const char *const *list, size_t);
static uint32_t		 seeded(void *);
static uint32_t		 seeded_below(void *, uint32_t);

static struct world *
start(void)
{
	w_flow_udp(&pbx, "10.0.0.5", 5060);
	w_flow_udp(&trunk, "192.0.2.9", 5060);
	w_flow_udp(&backup, "192.0.2.10", 5060);
	return (w_new(0));
}

static struct conf_hop *
hop_named(struct world *w, const char *name)
{
	struct conf_hop	*ch;

	TAILQ_FOREACH(ch, &w->w_conf->c_hops, ch_entry)
		if (strcmp(ch->ch_name, name) == 0)
			return (ch);
	atf_tc_fail("no hop %s", name);
}

static void
invite(struct world *w, int n)
{
	w_in(w, &pbx, "INVITE sip:0049401234%04d@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKi%d;rport\n"
	    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=f%d\n"
	    "To: <sip:0049401234%04d@10.0.0.1>\nCall-ID: c%d\nCSeq: 1 INVITE\n"
	    "Contact: <sip:pbx@10.0.0.5:5060>\n", n, n, n, n, n);
}

/* The next message sent that begins like this. */
static struct sent *
next_to(struct world *w, const char *text)
{
	struct sent	*se;

	while ((se = w_out(w)) != NULL)
		if (strncmp(se->se_text, text, strlen(text)) == 0)
			return (se);
	return (NULL);
}

static const char *
state(struct world *w, const char *addr)
{
	struct proxy_hop	ph;
	char			text[VADDR_STRLEN];
	size_t			i;

	for (i = 0; proxy_hop_get(w->w_px, i, &ph) == 0; i++)
		if (strcmp(vaddr_host(&ph.ph_addr, text, sizeof(text)), addr) == 0)
			return (proxy_hop_str(ph.ph_state));
	return ("none");
}

/* This trunk is known by name from now on. */
static void
named(struct world *w, const char *name, const char *host, uint16_t port)
{
	struct conf_hop	*old = hop_named(w, name), *ch;

	/* As a reload does: the old one lives until the new one is in force. */
	ATF_REQUIRE((ch = malloc(sizeof(*ch))) != NULL);
	*ch = *old;
	(void)strlcpy(ch->ch_host, host, sizeof(ch->ch_host));
	memset(&ch->ch_addr, 0, sizeof(ch->ch_addr));
	ch->ch_addr.va_port = port;
	TAILQ_INSERT_AFTER(&w->w_conf->c_hops, old, ch, ch_entry);
	TAILQ_REMOVE(&w->w_conf->c_hops, old, ch_entry);
	proxy_conf(w->w_px, w->w_conf);
	free(old);
}

/* Each "priority weight server address". */
static void
addresses(struct world *w, const char *host, uint16_t port, const char *const *list, size_t n)
{
	struct proxy_addr	pa[8];
	char			addr[64];
	unsigned		a, b, c;
	size_t			i;

	memset(pa, 0, sizeof(pa));
	for (i = 0; i < n; i++) {
		ATF_REQUIRE_EQ(4, sscanf(list[i], "%u %u %u %63s", &a, &b, &c, addr));
		ATF_REQUIRE_EQ(0, vaddr_parse(addr, 5060, &pa[i].pa_addr));
		pa[i].pa_priority = (uint16_t)a;
		pa[i].pa_weight = (uint16_t)b;
		pa[i].pa_server = (uint16_t)c;
	}
	proxy_hop_addrs(w->w_px, host, port, SIP_UDP, pa, n);
}

static uint32_t
seeded(void *arg)
{
	uint64_t	*s = arg;

	*s = *s * 6364136223846793005ull + 1442695040888963407ull;
	return ((uint32_t)(*s >> 32));
}

static uint32_t
seeded_below(void *arg, uint32_t bound)
{
	return (choice_uniform(bound, seeded, arg));
}

/* RFC 2782: priorities in order, within one the weights decide. */
ATF_TC_WITHOUT_HEAD(weights);
ATF_TC_BODY(weights, tc)
{
	static const struct choice zero[4] = { { 5, 0, 0 }, { 1, 0, 1 }, { 5, 0, 2 }, { 1, 0, 3 } };
	struct choice	 ch[5];
	unsigned	 first[5] = { 0 }, second[5] = { 0 }, runs = 20000;
	uint64_t	 seed = 42;
	unsigned	 i, seen;

	/* No weights: as they came. */
	memcpy(ch, zero, sizeof(zero));
	choice_order(ch, 4, seeded_below, &seed);
	ATF_CHECK(ch[0].ch_index == 1 && ch[1].ch_index == 3 && ch[2].ch_index == 0 &&
	    ch[3].ch_index == 2);
	for (i = 0; i < runs; i++) {
		ch[0] = (struct choice){ 10, 60, 0 };
		ch[1] = (struct choice){ 10, 30, 1 };
		ch[2] = (struct choice){ 20, 65535, 2 };
		ch[3] = (struct choice){ 10, 10, 3 };
		ch[4] = (struct choice){ 10, 0, 4 };
		choice_order(ch, 5, seeded_below, &seed);
		first[ch[0].ch_index]++;
		second[ch[1].ch_index]++;
		ATF_REQUIRE_EQ(2, ch[4].ch_index);
		seen = 1u << ch[0].ch_index | 1u << ch[1].ch_index | 1u << ch[2].ch_index |
		    1u << ch[3].ch_index | 1u << ch[4].ch_index;
		ATF_REQUIRE_EQ(31, seen);
	}
	/* 60, 30 and 10 of 101 draws; weight 0 has the one that is left. */
	ATF_CHECK_MSG(first[0] > 11500 && first[0] < 12300, "%u", first[0]);
	ATF_CHECK_MSG(first[1] > 5700 && first[1] < 6200, "%u", first[1]);
	ATF_CHECK_MSG(first[3] > 1800 && first[3] < 2200, "%u", first[3]);
	ATF_CHECK_MSG(first[4] > 120 && first[4] < 290, "%u", first[4]);
	/* When the heavy one is drawn first the others share by their weights. */
	ATF_CHECK_MSG(second[1] > 9000 && second[1] < 11500, "%u", second[1]);
	/* The smallest and the largest bound. */
	ATF_CHECK_EQ(0, seeded_below(&seed, 0));
	ATF_CHECK_EQ(0, seeded_below(&seed, 1));
	for (i = 0; i < 100; i++)
		ATF_CHECK(seeded_below(&seed, 0x80000001u) <= 0x80000000u);
	choice_order(NULL, 0, seeded_below, &seed);
}

/* Trunks of one priority share the calls; one that is down gets none. */
ATF_TC_WITHOUT_HEAD(shares);
ATF_TC_BODY(shares, tc)
{
	struct world	*w = start();
	struct sent	*se;
	unsigned	 at[2] = { 0, 0 };
	int		 i;

	hop_named(w, "pstn")->ch_weight = 30;
	hop_named(w, "backup")->ch_weight = 10;
	hop_named(w, "backup")->ch_priority = 1;
	proxy_conf(w->w_px, w->w_conf);
	for (i = 0; i < 400; i++) {
		while (w->w_nsent > 0)
			free(w->w_sent[--w->w_nsent].se_text);
		w->w_next = 0;
		invite(w, i);
		ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
		at[vaddr_eq(&se->se_flow.fl_peer, &backup.fl_peer)]++;
		w_answer(w, &se->se_flow, se->se_text, "486 Busy Here", "t", "");
	}
	ATF_CHECK_MSG(at[0] > 270 && at[0] < 330, "%u of 400", at[0]);
	ATF_CHECK_EQ(400, at[0] + at[1]);
	w_free(w);
}

/* All addresses of a name, server by server, then the next trunk. */
ATF_TC_WITHOUT_HEAD(whole_list);
ATF_TC_BODY(whole_list, tc)
{
	static const char *const list[] = { "20 0 0 192.0.2.33", "10 0 1 192.0.2.31",
	    "10 0 1 192.0.2.32" };
	static const char *const want[] = { "192.0.2.31", "192.0.2.32", "192.0.2.33",
	    "192.0.2.10" };
	static const char *const fewer[] = { "10 0 1 192.0.2.32" };
	static const char *const bad[] = { "10 0 1 0.0.0.0", "10 0 2 224.0.0.1",
	    "10 0 3 2001:db8::1" };
	struct world	*w = start();
	struct sent	*se;
	char		 host[VADDR_STRLEN];
	size_t		 i;

	named(w, "pstn", "trunk.example", 0);
	ATF_CHECK_STREQ("none", state(w, "192.0.2.31"));
	/* Until it is known the other one is used. */
	invite(w, 1);
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	ATF_CHECK(vaddr_eq(&se->se_flow.fl_peer, &backup.fl_peer));
	w_answer(w, &backup, se->se_text, "486 x", "t", "");
	addresses(w, "Trunk.Example", 0, list, 3);
	addresses(w, "trunk.example", 5070, want, 0);	/* another port: not ours */
	invite(w, 2);
	for (i = 0; i < 4; i++) {
		/* Repeats to the one before are left out. */
		do {
			ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
			(void)vaddr_host(&se->se_flow.fl_peer, host, sizeof(host));
		} while (i == 2 && strcmp(host, want[1]) == 0);
		ATF_CHECK_STREQ(want[i], vaddr_host(&se->se_flow.fl_peer, host, sizeof(host)));
		if (i == 0)
			w_answer(w, &se->se_flow, se->se_text, "503 x", "t", "");
		else if (i == 1)
			w_pass(w, 4000);	/* silent: down */
		else if (i == 2)
			w_answer(w, &se->se_flow, se->se_text, "408 x", "t", "");
		else
			w_answer(w, &se->se_flow, se->se_text, "404 x", "t", "");
	}
	ATF_CHECK(w_find(w, "SIP/2.0 404 ") != NULL);
	ATF_CHECK_STREQ("up", state(w, "192.0.2.31"));
	ATF_CHECK_STREQ("down", state(w, "192.0.2.32"));
	/* The one that is down is the last of all. */
	w->w_next = w->w_nsent;
	invite(w, 3);
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	ATF_CHECK_STREQ("192.0.2.31", vaddr_host(&se->se_flow.fl_peer, host, sizeof(host)));
	w_answer(w, &se->se_flow, se->se_text, "486 x", "t", "");
	/* A new answer of DNS: what is known of an address that stays is kept; a
	 * call from one that is gone is a stranger's. */
	addresses(w, "trunk.example", 0, fewer, 1);
	ATF_CHECK_STREQ("none", state(w, "192.0.2.31"));
	ATF_CHECK_STREQ("down", state(w, "192.0.2.32"));
	/* A reload while no name server answers changes nothing. */
	proxy_conf(w->w_px, w->w_conf);
	ATF_CHECK_STREQ("down", state(w, "192.0.2.32"));
	named(w, "pstn", "other.example", 0);
	ATF_CHECK_STREQ("none", state(w, "192.0.2.32"));
	/* What nobody can be spoken to at is left out. */
	addresses(w, "other.example", 0, bad, 3);
	ATF_CHECK_STREQ("none", state(w, "0.0.0.0"));
	ATF_CHECK_STREQ("none", state(w, "224.0.0.1"));
	ATF_CHECK_STREQ("none", state(w, "2001:db8::1"));
	ATF_CHECK(strstr(w->w_log, "trunk pstn: none of its addresses can be used") != NULL);
	w_free(w);
}

/* An OPTIONS each minute; silence for 5 s, then every 10 s, up after two. */
ATF_TC_WITHOUT_HEAD(pings);
ATF_TC_BODY(pings, tc)
{
	struct world	*w = start();
	struct sent	*se;
	const char	*req;
	struct proxy_hop ph;

	hop_named(w, "pstn")->ch_ping = 60;
	proxy_conf(w->w_px, w->w_conf);
	ATF_CHECK_STREQ("unknown", state(w, "192.0.2.9"));
	w_pass(w, 1000);
	ATF_REQUIRE((se = w_out(w)) != NULL);
	req = se->se_text;
	ATF_CHECK(strncmp(req, "OPTIONS sip:192.0.2.9:5060 SIP/2.0\r\n", 36) == 0);
	ATF_CHECK_STREQ("70", w_hdr(req, "Max-Forwards"));
	ATF_CHECK_STREQ("1 OPTIONS", w_hdr(req, "CSeq"));
	ATF_CHECK_STREQ("<sip:192.0.2.9:5060>", w_hdr(req, "To"));
	ATF_CHECK_STREQ("<sip:ping@10.0.0.1:5060>", w_hdr(req, "Contact"));
	/* An answer of any kind. */
	w_answer(w, &trunk, req, "404 Not Found", "t", "");
	ATF_CHECK_STREQ("up", state(w, "192.0.2.9"));
	ATF_CHECK(strstr(w->w_log, "trunk pstn answers: address=192.0.2.9:5060") != NULL);
	w->w_next = w->w_nsent;
	w_pass(w, 59000);
	ATF_CHECK_EQ(NULL, w_out(w));
	/* The next: silence, four times on UDP. */
	w_pass(w, 7000);
	ATF_CHECK_EQ(4, w_count(w, "OPTIONS "));
	ATF_CHECK_STREQ("down", state(w, "192.0.2.9"));
	ATF_CHECK(strstr(w->w_log, "trunk pstn does not answer: address=192.0.2.9:5060 "
	    "transport=udp reason=silence") != NULL);
	ATF_CHECK_EQ(NULL, strstr(w->w_log, "no trunk answers"));
	/* Calls take the other at once, however long it lasts. */
	w_pass(w, 120000);
	w->w_next = w->w_nsent;
	invite(w, 1);
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	ATF_CHECK(vaddr_eq(&se->se_flow.fl_peer, &backup.fl_peer));
	w_answer(w, &backup, se->se_text, "486 x", "t", "");
	/* One answer is not enough, two are. */
	w->w_next = w->w_nsent;
	w_pass(w, 11000);
	ATF_REQUIRE((se = next_to(w, "OPTIONS ")) != NULL);
	w_answer(w, &trunk, se->se_text, "200 OK", "t", "");
	ATF_CHECK_STREQ("down", state(w, "192.0.2.9"));
	/* The same answer again is no second one. */
	w_answer(w, &trunk, se->se_text, "200 OK", "t", "");
	ATF_CHECK_STREQ("down", state(w, "192.0.2.9"));
	w->w_next = w->w_nsent;
	w_pass(w, 10500);
	ATF_REQUIRE((se = next_to(w, "OPTIONS ")) != NULL);
	w_answer(w, &trunk, se->se_text, "100 Trying", "", "");
	w_answer(w, &trunk, se->se_text, "200 OK", "t", "");
	ATF_CHECK_STREQ("up", state(w, "192.0.2.9"));
	ATF_CHECK(strstr(w->w_log, "trunk pstn answers again") != NULL);
	ATF_REQUIRE_EQ(0, proxy_hop_get(w->w_px, 1, &ph));
	ATF_CHECK_EQ(200, ph.ph_status);
	ATF_CHECK_EQ(w->w_boot, ph.ph_last);
	ATF_CHECK_EQ(w->w_boot, ph.ph_since);
	ATF_CHECK_EQ(-1, proxy_hop_get(w->w_px, 3, &ph));
	w_free(w);
}

/* 408 and 503 are no sign of life; a 503 may say when to come again. */
ATF_TC_WITHOUT_HEAD(overloaded);
ATF_TC_BODY(overloaded, tc)
{
	struct world	*w = start();
	struct sent	*se;

	hop_named(w, "pstn")->ch_ping = 60;
	proxy_conf(w->w_px, w->w_conf);
	w_pass(w, 1000);
	ATF_REQUIRE((se = next_to(w, "OPTIONS ")) != NULL);
	w_answer(w, &trunk, se->se_text, "503 x", "t", "Retry-After: 30 (soon)\n");
	ATF_CHECK_STREQ("busy", state(w, "192.0.2.9"));
	invite(w, 1);
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	ATF_CHECK(vaddr_eq(&se->se_flow.fl_peer, &backup.fl_peer));
	/* It is still asked when nobody else will. */
	w_answer(w, &backup, se->se_text, "503 x", "t", "");
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	ATF_CHECK(vaddr_eq(&se->se_flow.fl_peer, &trunk.fl_peer));
	w_answer(w, &trunk, se->se_text, "503 x", "t", "Retry-After: 4000000\n");
	ATF_CHECK(w_find(w, "SIP/2.0 503 ") != NULL);
	/* An hour at most. */
	w_pass(w, 3500 * 1000);
	ATF_CHECK(strcmp(state(w, "192.0.2.9"), "up") != 0);
	w_free(w);

	w = start();
	hop_named(w, "pstn")->ch_ping = 60;
	proxy_conf(w->w_px, w->w_conf);
	w_pass(w, 1000);
	ATF_REQUIRE((se = next_to(w, "OPTIONS ")) != NULL);
	w_answer(w, &trunk, se->se_text, "408 x", "t", "");
	ATF_CHECK_STREQ("down", state(w, "192.0.2.9"));
	w_free(w);
}

/* A busy time ends by itself. */
ATF_TC_WITHOUT_HEAD(busy_ends);
ATF_TC_BODY(busy_ends, tc)
{
	struct world	*w = start();
	struct sent	*se;

	invite(w, 1);
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	w_answer(w, &trunk, se->se_text, "503 x", "t", "Retry-After: 20\n");
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	w_answer(w, &backup, se->se_text, "486 x", "t", "");
	ATF_CHECK_STREQ("busy", state(w, "192.0.2.9"));
	w_pass(w, 20001);
	ATF_CHECK_STREQ("up", state(w, "192.0.2.9"));
	w->w_next = w->w_nsent;
	invite(w, 2);
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	ATF_CHECK(vaddr_eq(&se->se_flow.fl_peer, &trunk.fl_peer));
	w_free(w);
}

/* One that takes calls but knows no OPTIONS is not dead; the last of a kind
 * that dies is told; without pings it is tried again after half a minute. */
ATF_TC_WITHOUT_HEAD(deaf_and_last);
ATF_TC_BODY(deaf_and_last, tc)
{
	struct world	*w = start();
	struct sent	*se;

	hop_named(w, "pstn")->ch_ping = 60;
	proxy_conf(w->w_px, w->w_conf);
	invite(w, 1);
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	w_answer(w, &trunk, se->se_text, "486 x", "t", "");
	ATF_CHECK_STREQ("up", state(w, "192.0.2.9"));
	w_pass(w, 300000);
	ATF_CHECK_STREQ("up", state(w, "192.0.2.9"));
	ATF_CHECK(strstr(w->w_log, "answers calls but no OPTIONS") != NULL);
	/* Silence to a call counts, and here it is the last but one. */
	w->w_next = w->w_nsent;
	invite(w, 2);
	ATF_REQUIRE(next_to(w, "INVITE ") != NULL);
	w_pass(w, 4100);
	ATF_CHECK_STREQ("down", state(w, "192.0.2.9"));
	ATF_CHECK_EQ(NULL, strstr(w->w_log, "no trunk answers"));
	w_pass(w, 33000);
	ATF_CHECK_STREQ("down", state(w, "192.0.2.10"));
	ATF_CHECK(strstr(w->w_log, "no trunk answers: calls to the public network fail") !=
	    NULL);
	/* Both are asked all the same. */
	w->w_next = w->w_nsent;
	invite(w, 3);
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	w_answer(w, &se->se_flow, se->se_text, "180 x", "t", "");
	ATF_CHECK_STREQ("up", state(w, vaddr_eq(&se->se_flow.fl_peer, &trunk.fl_peer) ?
	    "192.0.2.9" : "192.0.2.10"));
	w_free(w);
}

/* What ICMP brings back is believed if it quotes a branch of ours. */
ATF_TC_WITHOUT_HEAD(unreachable);
ATF_TC_BODY(unreachable, tc)
{
	struct world	*w = start();
	struct sent	*se;
	char		*end, forged[2048];

	invite(w, 1);
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	ATF_CHECK(vaddr_eq(&se->se_flow.fl_peer, &trunk.fl_peer));
	(void)strlcpy(forged, se->se_text, sizeof(forged));
	ATF_REQUIRE((end = strstr(forged, ";branch=z9hG4bK")) != NULL);
	end[20] ^= 1;
	proxy_unreachable(w->w_px, forged, strlen(forged), "port-unreachable");
	proxy_unreachable(w->w_px, "", 0, "port-unreachable");
	proxy_unreachable(w->w_px, "INVITE ", 7, "port-unreachable");
	proxy_unreachable(w->w_px, "INVITE x;branch=", 16, "port-unreachable");
	/* Cut off within the branch. */
	proxy_unreachable(w->w_px, se->se_text,
	    (size_t)(strstr(se->se_text, ";branch=") - se->se_text) + 20, "port-unreachable");
	ATF_CHECK_EQ(NULL, w_out(w));
	proxy_unreachable(w->w_px, se->se_text, strlen(se->se_text) / 2, "port-unreachable");
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	ATF_CHECK(vaddr_eq(&se->se_flow.fl_peer, &backup.fl_peer));
	ATF_CHECK_STREQ("down", state(w, "192.0.2.9"));
	/* After a sign of life it changes nothing. */
	w_answer(w, &backup, se->se_text, "100 Trying", "", "");
	proxy_unreachable(w->w_px, se->se_text, strlen(se->se_text), "port-unreachable");
	ATF_CHECK_EQ(NULL, w_out(w));
	ATF_CHECK_STREQ("up", state(w, "192.0.2.10"));
	w_free(w);
	/* A ping. */
	w = start();
	hop_named(w, "pstn")->ch_ping = 60;
	proxy_conf(w->w_px, w->w_conf);
	w_pass(w, 1000);
	ATF_REQUIRE((se = next_to(w, "OPTIONS ")) != NULL);
	proxy_unreachable(w->w_px, se->se_text, strlen(se->se_text), "port-unreachable");
	ATF_CHECK_STREQ("down", state(w, "192.0.2.9"));
	ATF_CHECK(strstr(w->w_log, "reason=port-unreachable") != NULL);
	w_free(w);
}

/* A connection that was there and died unnoticed is not the hop's fault. */
ATF_TC_WITHOUT_HEAD(stale_connection);
ATF_TC_BODY(stale_connection, tc)
{
	struct world	*w = start();
	struct sent	*se;

	hop_named(w, "pstn")->ch_proto = SIP_TCP;
	proxy_conf(w->w_px, w->w_conf);
	invite(w, 1);
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	ATF_CHECK_EQ(SIP_TCP, se->se_flow.fl_proto);
	proxy_flow_gone(w->w_px, 100);
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	ATF_CHECK_EQ(SIP_TCP, se->se_flow.fl_proto);
	ATF_CHECK_STREQ("unknown", state(w, "192.0.2.9"));
	/* Twice is. */
	proxy_flow_gone(w->w_px, 100);
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	ATF_CHECK(vaddr_eq(&se->se_flow.fl_peer, &backup.fl_peer));
	ATF_CHECK_STREQ("down", state(w, "192.0.2.9"));
	w_free(w);
}

/* Pings over streams wait for the connection. */
ATF_TC_WITHOUT_HEAD(stream_pings);
ATF_TC_BODY(stream_pings, tc)
{
	struct world	*w = start();
	struct sip_flow	 fl;
	struct vaddr	 va;
	struct sent	*se;

	hop_named(w, "pstn")->ch_proto = SIP_TCP;
	hop_named(w, "pstn")->ch_ping = 60;
	w->w_open = 0;
	proxy_conf(w->w_px, w->w_conf);
	w_pass(w, 1000);
	ATF_CHECK_EQ(NULL, w_out(w));
	(void)vaddr_parse("192.0.2.9", 5060, &va);
	(void)w_op_open(w, w->w_opening, &va, SIP_TCP, &fl);
	proxy_opened(w->w_px, w->w_opening, &fl);
	ATF_REQUIRE((se = next_to(w, "OPTIONS ")) != NULL);
	ATF_CHECK(strncmp(w_hdr(se->se_text, "Via"), "SIP/2.0/TCP ", 12) == 0);
	w_answer(w, &fl, se->se_text, "200 OK", "t", "");
	ATF_CHECK_STREQ("up", state(w, "192.0.2.9"));
	w_pass(w, 60000);
	proxy_open_failed(w->w_px, w->w_opening, "refused");
	ATF_CHECK_STREQ("down", state(w, "192.0.2.9"));
	/* Neither an answer nor a connection: again in 10 s; a reload keeps it. */
	w_pass(w, 10000);
	proxy_conf(w->w_px, w->w_conf);
	ATF_CHECK_STREQ("down", state(w, "192.0.2.9"));
	w_pass(w, 30000);
	w->w_open = 1;
	w->w_next = w->w_nsent;
	w_pass(w, 16000);
	ATF_REQUIRE((se = next_to(w, "OPTIONS ")) != NULL);
	proxy_flow_gone(w->w_px, 100);
	ATF_CHECK_STREQ("down", state(w, "192.0.2.9"));
	w_free(w);
}

/* RFC 5393: how far a request may fork, and what is a loop. */
ATF_TC_WITHOUT_HEAD(breadth);
ATF_TC_BODY(breadth, tc)
{
	static const struct {
		const char	*in, *out, *status;
	} rows[] = {
		{ "", "60", NULL }, { "Max-Breadth: 1\n", "1", NULL },
		{ "Max-Breadth: 60\n", "60", NULL }, { "max-breadth: 61\n", "60", NULL },
		{ "Max-Breadth: 4294967295\n", "60", NULL },
		{ "Max-Breadth: 0\n", NULL, "SIP/2.0 440 " },
		{ "Max-Breadth: x\n", NULL, "SIP/2.0 400 " },
		{ "Max-Breadth: 4294967296\n", "60", NULL },
		{ "Max-Breadth: 99999999999999999999999\n", "60", NULL },
		{ "Max-Breadth: 000\n", NULL, "SIP/2.0 440 " },
		{ "Max-Breadth: 99999999999999999999999x\n", NULL, "SIP/2.0 400 " },
		{ "Max-Breadth: 3\nMax-Breadth: 9\n", NULL, "SIP/2.0 400 " }
	};
	struct world	*w;
	struct sent	*se;
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w = start();
		w_in(w, &pbx, "INVITE sip:004940123456@10.0.0.1 SIP/2.0\n"
		    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKb;rport\n"
		    "Max-Forwards: 70\n%sFrom: <sip:030123451@10.0.0.5>;tag=f\n"
		    "To: <sip:004940123456@10.0.0.1>\nCall-ID: c\nCSeq: 1 INVITE\n"
		    "Contact: <sip:pbx@10.0.0.5:5060>\n", rows[i].in);
		if (rows[i].status != NULL) {
			ATF_CHECK_MSG(w_find(w, rows[i].status) != NULL, "row %zu", i);
			ATF_CHECK_EQ(0, w_count(w, "INVITE "));
		} else {
			ATF_REQUIRE_MSG((se = next_to(w, "INVITE ")) != NULL, "row %zu", i);
			ATF_CHECK_STREQ(rows[i].out, w_hdr(se->se_text, "Max-Breadth"));
			ATF_CHECK_EQ(NULL, w_hdr_n(se->se_text, "Max-Breadth", 1));
		}
		w_free(w);
	}
}

/* A call of ours that the trunk brings back to us goes to the PBX, once. */
ATF_TC_WITHOUT_HEAD(spiral);
ATF_TC_BODY(spiral, tc)
{
	static const char	 rest[] = "From: <sip:030123451@10.0.0.5>;tag=f\n"
	    "To: <sip:030123459@10.0.0.1>\nCall-ID: c\nCSeq: 1 INVITE\n"
	    "Contact: <sip:pbx@10.0.0.5:5060>\n";
	struct world	*w = start();
	struct sent	*se;
	char		 via[2][512];

	w_in(w, &pbx, "INVITE sip:030123459@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKb\nMax-Forwards: 70\n%s", rest);
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	ATF_CHECK(vaddr_eq(&se->se_flow.fl_peer, &trunk.fl_peer));
	(void)strlcpy(via[0], w_hdr(se->se_text, "Via"), sizeof(via[0]));
	w_in(w, &trunk, "INVITE sip:030123459@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKt\nVia: %s\n"
	    "Max-Forwards: 60\n%s", via[0], rest);
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	ATF_CHECK(vaddr_eq(&se->se_flow.fl_peer, &pbx.fl_peer));
	(void)strlcpy(via[1], w_hdr(se->se_text, "Via"), sizeof(via[1]));
	w_in(w, &pbx, "INVITE sip:030123459@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKc\nVia: %s\n"
	    "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKt\nVia: %s\n"
	    "Max-Forwards: 50\n%s", via[1], via[0], rest);
	ATF_CHECK(w_find(w, "SIP/2.0 482 ") != NULL);
	ATF_CHECK_EQ(0, w_count(w, "INVITE "));
	/* RFC 3261 16.3 item 3: at 0 it goes no further; 1 leaves as 0. */
	w_in(w, &trunk, "INVITE sip:030123458@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKm0\nMax-Forwards: 0\n%s", rest);
	ATF_CHECK(w_find(w, "SIP/2.0 483 ") != NULL);
	w_in(w, &trunk, "INVITE sip:030123457@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKm1\nMax-Forwards: 1\n%s", rest);
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	ATF_CHECK_STREQ("0", w_hdr(se->se_text, "Max-Forwards"));
	w_free(w);
}

/* When there is no room left: 503 with Retry-After, and nobody else is blamed;
 * emergency calls and what stands inside a dialog still pass. */
ATF_TC_WITHOUT_HEAD(overload);
ATF_TC_BODY(overload, tc)
{
	struct world	*w = start();
	struct sent	*se;
	struct proxy_stats ps;
	const char	*last = NULL;
	int		 i, refused = 0;

	/* An answered call. */
	w_in(w, &pbx, "INVITE sip:004940123456@10.0.0.1 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKlive;rport\n"
	    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=f\n"
	    "To: <sip:004940123456@10.0.0.1>\nCall-ID: live\nCSeq: 1 INVITE\n"
	    "Contact: <sip:pbx@10.0.0.5:5060>\n");
	ATF_REQUIRE((se = next_to(w, "INVITE ")) != NULL);
	w_answer(w, &trunk, se->se_text, "200 OK", "t", "Contact: <sip:gw@192.0.2.9:5060>\n");
	for (i = 0; i < 40000 && refused < 3; i++) {
		while (w->w_nsent > 0)
			free(w->w_sent[--w->w_nsent].se_text);
		w->w_next = 0;
		w_in(w, &pbx, "INVITE sip:0049401%06d@10.0.0.1 SIP/2.0\n"
		    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKi%d;rport\n"
		    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=f%d\n"
		    "To: <sip:x@10.0.0.1>\nCall-ID: c%d\nCSeq: 1 INVITE\n"
		    "Contact: <sip:pbx@10.0.0.5:5060>\n", i, i, i, i);
		if ((last = w_find(w, "SIP/2.0 503 ")) != NULL) {
			ATF_CHECK_STREQ("5", w_hdr(last, "Retry-After"));
			refused++;
		}
	}
	ATF_REQUIRE_EQ(3, refused);
	ATF_CHECK_MSG(i > 15000, "%d", i);
	proxy_stats(w->w_px, &ps);
	ATF_CHECK_EQ(3, ps.ps_overload);
	ATF_CHECK_STREQ("up", state(w, "192.0.2.9"));
	for (i = 0; i < 50; i++) {
		while (w->w_nsent > 0)
			free(w->w_sent[--w->w_nsent].se_text);
		w->w_next = 0;
		w_in(w, &pbx, "INVITE sip:112@10.0.0.1 SIP/2.0\n"
		    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKe%d;rport\n"
		    "Max-Forwards: 70\nFrom: <sip:030123451@10.0.0.5>;tag=e%d\n"
		    "To: <sip:112@10.0.0.1>\nCall-ID: e%d\nCSeq: 1 INVITE\n"
		    "Contact: <sip:pbx@10.0.0.5:5060>\n", i, i, i);
		ATF_REQUIRE_MSG((se = next_to(w, "INVITE sip:112@")) != NULL, "call %d", i);
		w_answer(w, &trunk, se->se_text, "180 Ringing", "t", "");
	}
	w_in(w, &pbx, "BYE sip:gw@192.0.2.9:5060 SIP/2.0\n"
	    "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKbye\n"
	    "Route: <sip:10.0.0.1:5060;lr>\nMax-Forwards: 70\n"
	    "From: <sip:030123451@10.0.0.5>;tag=f\nTo: <sip:004940123456@10.0.0.1>;tag=t\n"
	    "Call-ID: live\nCSeq: 2 BYE\n");
	ATF_CHECK(next_to(w, "BYE ") != NULL);
	w_free(w);
}

/* RFC 3261 18.2.2 and RFC 3581: where an answer goes, and what it says. */
ATF_TC_WITHOUT_HEAD(return_path);
ATF_TC_BODY(return_path, tc)
{
	static const struct {
		const char	*via, *host;
		uint16_t	 port;
		const char	*has, *hasnot;
	} rows[] = {
		{ "10.0.0.5:5070;branch=z9hG4bKa", "10.0.0.5", 5070, "z9hG4bKa", "received" },
		{ "10.0.0.5;branch=z9hG4bKb", "10.0.0.5", 5060, "z9hG4bKb", "rport" },
		{ "10.0.0.5:5070;rport;branch=z9hG4bKc", "10.0.0.5", 6000,
		    ";received=10.0.0.5;rport=6000", "rport;" },
		{ "pbx.local:5070;branch=z9hG4bKd", "10.0.0.5", 5070, ";received=10.0.0.5",
		    "rport" },
		/* What it says of itself is not believed. */
		{ "10.9.9.9:5070;received=10.8.8.8;rport=1;branch=z9hG4bKe", "10.0.0.5", 6000,
		    ";received=10.0.0.5;rport=6000", "10.8.8.8" },
		{ "10.0.0.5:5070;maddr=10.7.7.7;branch=z9hG4bKf", "10.0.0.5", 5070,
		    "z9hG4bKf", "received" }
	};
	struct world	*w = start();
	struct sip_flow	 fl;
	struct sent	*se;
	char		 host[VADDR_STRLEN];
	const char	*via;
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w_flow_udp(&fl, "10.0.0.5", 6000);
		w_in(w, &fl, "OPTIONS sip:10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP %s\n"
		    "Max-Forwards: 70\nFrom: <sip:p@10.0.0.5>;tag=f\nTo: <sip:10.0.0.1>\n"
		    "Call-ID: r%zu\nCSeq: 1 OPTIONS\n", rows[i].via, i);
		ATF_REQUIRE_MSG((se = next_to(w, "SIP/2.0 200 ")) != NULL, "row %zu", i);
		ATF_CHECK_STREQ(rows[i].host, vaddr_host(&se->se_flow.fl_peer, host,
		    sizeof(host)));
		ATF_CHECK_EQ_MSG(rows[i].port, se->se_flow.fl_peer.va_port, "row %zu: %u", i,
		    se->se_flow.fl_peer.va_port);
		/* From the socket that it came to. */
		ATF_CHECK(vaddr_eq(&fl.fl_local, &se->se_flow.fl_local));
		ATF_REQUIRE((via = w_hdr(se->se_text, "Via")) != NULL);
		ATF_CHECK_MSG(strstr(via, rows[i].has) != NULL, "row %zu: %s", i, via);
		ATF_CHECK_MSG(strstr(via, rows[i].hasnot) == NULL, "row %zu: %s", i, via);
	}
	w_free(w);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, weights);
	ATF_TP_ADD_TC(tp, shares);
	ATF_TP_ADD_TC(tp, whole_list);
	ATF_TP_ADD_TC(tp, pings);
	ATF_TP_ADD_TC(tp, overloaded);
	ATF_TP_ADD_TC(tp, busy_ends);
	ATF_TP_ADD_TC(tp, deaf_and_last);
	ATF_TP_ADD_TC(tp, unreachable);
	ATF_TP_ADD_TC(tp, stale_connection);
	ATF_TP_ADD_TC(tp, stream_pings);
	ATF_TP_ADD_TC(tp, breadth);
	ATF_TP_ADD_TC(tp, spiral);
	ATF_TP_ADD_TC(tp, overload);
	ATF_TP_ADD_TC(tp, return_path);
	return (atf_no_error());
}
