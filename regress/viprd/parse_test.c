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
 * viprd.conf: what is read, each kind of error with its line, all errors in
 * one pass, and that a printed configuration reads back to the same.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "conf.h"
#include "config_parse.h"
#include "log.h"
#include "viprd.h"

#define SIP \
	"domain a.example\n" \
	"sip {\n" \
	"\tlisten inside on 127.0.0.1 port 5060 udp\n" \
	"\tpbx \"pbx\" at 127.0.0.2 port 5060 udp\n" \
	"}\n"

static const char full[] =
    "# everything\n"
    "net = \"192.0.2\"\n"
    "domain \"A.Example.\"\n"
    "data \"/var/vipr\"\n"
    "control socket \"/run/vipr.sock\"\n"
    "master key master.key\n"
    "log facility local0\n"
    "log calls yes\n"
    "restart no\n"
    "permit private\n"
    "test clock-offset -90\n"
    "operator root\n"
    "numbers {\n"
    "\t+14085550100 to +14085550199, +14085550300\n"
    "\t+4989123456 # one more\n"
    "}\n"
    "numbers +390612345678\n"
    "callers { +14085550400 }\n"
    "decoy 5 from +12065550100 to +12065550199\n"
    "decoy 1 from +12065559999\n"
    "never { +1650, 1234 }\n"
    "never 4711\n"
    "accept domain { b.example, C.example }\n"
    "host b.example address 192.0.2.7 port 5061\n"
    "host c.example address 2001:db8::7\n"
    "resolver 192.0.2.53\n"
    "resolver 2001:db8::53 port 5353\n"
    "overlay \"overlay.demo\" {\n"
    "\tconfig o.xml\n"
    "\tcertificate node.crt\n"
    "\tkey node.key\n"
    "\tlisten on 192.0.2.1 port 6084\n"
    "\tadvertise 192.0.2.9\n"
    "\tfirst\n"
    "\tstore-rate 20\n"
    "\tlifetime 12h\n"
    "}\n"
    "pvp {\n"
    "\tlisten on 192.0.2.1\n"
    "\tadvertise 192.0.2.9 port 7000\n"
    "\tdelay 10m to 6h\n"
    "\twithin 20h\n"
    "\tresponder-delay 5m\n"
    "\tmin-duration 90s\n"
    "\tretain 30h\n"
    "\tproofs 3 from 2 callers\n"
    "\tspacing 2h\n"
    "\ttickets-after 3\n"
    "\tticket-lifetime 30d\n"
    "\treceipt-lifetime 10d\n"
    "\tretry 90 to 30m\n"
    "\tbusy yes\n"
    "\tlimit number 6\n"
    "\tlimit peer 60\n"
    "\tlimit failures 4\n"
    "}\n"
    "sip {\n"
    "\tcertificate /etc/vipr/sip.crt\n"
    "\tkey /etc/vipr/sip.key\n"
    "\tca /etc/vipr/ca.pem\n"
    "\tinside certificate in.crt\n"
    "\tinside key in.key\n"
    "\tinside ca in.pem\n"
    "\tlisten inside on 10.0.0.1 udp\n"
    "\tlisten inside on 10.0.0.1 tcp\n"
    "\tlisten inside on 10.0.0.1 tls\n"
    "\tlisten outside on 192.0.2.1 port 5061\n"
    "\tlisten outside on 2001:db8::1\n"
    "\tlisten redirect on 10.0.0.1 udp\n"
    "\tlisten redirect on 10.0.0.1 port 5071 tcp\n"
    "\tcapture hep 2001:db8::9 port 9060 id 2001\n"
    "\thost sip.a.example port 5062\n"
    "\tname sip2.a.example\n"
    "\tcountry 49 \n"
    "\tnational 0\n"
    "\tinternational 00\n"
    "\tlocal +4989\n"
    "\tpbx \"main pbx\" at 10.0.0.2 port 5070 tcp priority 5 outside-line 0 weight 3 ping 30s \\\n"
    "\t\tlocal \"\"\n"
    "\tpbx spare at pbx.a.example udp\n"
    "\ttrunk \"carrier\" at $net.77 port 5060 udp national \"\"\n"
    "\tmedia rtpengine ::1 port 2223 inside \"inside\" outside wan-0.1\n"
    "\tmedia plain\n"
    "\tmode log\n"
    "\tallow refer\n"
    "\tlimit 61 per hour\n"
    "\tlimit 5 at once\n"
    "\tresample 51\n"
    "\treprove 7d\n"
    "\tsession-timer 10m\n"
    "\tconnect-timeout 1500ms\n"
    "\tanswer-timeout 3\n"
    "}\n";

static char	 errors[65536];
static int	 nerrors;

/* Parse with what is logged in errors. */
static struct conf *
parse(const char *text)
{
	struct conf	*c;
	ssize_t		 n;
	int		 fd, old;

	if ((fd = open("errors", O_RDWR | O_CREAT | O_TRUNC, 0600)) == -1 ||
	    (old = dup(2)) == -1 || dup2(fd, 2) == -1)
		err(1, "errors");
	c = parse_config_text("t.conf", text, strlen(text), &nerrors);
	fflush(stderr);
	dup2(old, 2);
	close(old);
	n = pread(fd, errors, sizeof(errors) - 1, 0);
	close(fd);
	errors[n > 0 ? n : 0] = '\0';
	return (c);
}

/* Refused, and a line says "t.conf:LINE: ..." with all of the words. */
static void
refused(const char *text, int line, const char *word, const char *more)
{
	struct conf	*c = parse(text);
	char		 where[64], *p, *end;

	ATF_CHECK_EQ_MSG(NULL, c, "accepted: %s", text);
	conf_free(c);
	snprintf(where, sizeof(where), line > 0 ? "t.conf:%d: " : "t.conf: ",
	    line);
	for (p = errors; (p = strstr(p, where)) != NULL; p++) {
		if ((end = strchr(p, '\n')) != NULL)
			*end = '\0';
		if (strstr(p, word) != NULL && strstr(p, more) != NULL)
			return;
		if (end != NULL)
			*end = '\n';
	}
	atf_tc_fail_nonfatal("\"%s\" at line %d with \"%s\" not in: %s", word, line,
	    more, errors);
}

static char *
printed(const struct conf *c)
{
	char	*text = NULL;
	size_t	 size;
	FILE	*fp;

	ATF_REQUIRE((fp = open_memstream(&text, &size)) != NULL);
	print_config(fp, c);
	fclose(fp);
	return (text);
}

ATF_TC_WITHOUT_HEAD(everything);
ATF_TC_BODY(everything, tc)
{
	struct conf			*c;
	const struct conf_hop		*h;
	const struct conf_listen	*l;
	const struct conf_text		*t;
	char				 cwd[256], path[512];

	ATF_REQUIRE_MSG((c = parse(full)) != NULL, "%s", errors);
	ATF_CHECK_EQ(0, nerrors);
	ATF_CHECK_STREQ("", errors);
	ATF_CHECK_STREQ("a.example", c->c_domain);
	ATF_REQUIRE(getcwd(cwd, sizeof(cwd)) != NULL);
	snprintf(path, sizeof(path), "%s/master.key", cwd);
	ATF_CHECK_STREQ(path, c->c_master.cb_path);
	ATF_CHECK_STREQ("local0", c->c_facility);
	ATF_CHECK_EQ(-90, c->c_clock_offset);
	ATF_CHECK_EQ(CONF_RESTART_NO | CONF_LOG_CALLS | CONF_PERMIT_PRIVATE |
	    CONF_MEDIA_PLAIN | CONF_MODE_LOG | CONF_OVERLAY_FIRST |
	    CONF_OVERLAY_ON | CONF_PVP_ON | CONF_OUTSIDE_ON | CONF_ALLOW_REFER |
	    CONF_HEP | CONF_MEDIA_ENGINE,
	    c->c_flags);
	ATF_CHECK(conf_number_ours(c, "+14085550150"));
	ATF_CHECK(conf_number_ours(c, "+14085550300"));
	ATF_CHECK(conf_number_ours(c, "+4989123456"));
	ATF_CHECK(conf_number_ours(c, "+390612345678"));
	ATF_CHECK(!conf_number_ours(c, "+14085550400"));
	ATF_CHECK(conf_caller_ours(c, "+14085550400"));
	ATF_CHECK(conf_caller_ours(c, "+14085550150"));
	ATF_CHECK(conf_never(c, "+16505550100"));
	ATF_CHECK(conf_never(c, "+19005550100"));
	ATF_CHECK(conf_never(c, "112"));
	ATF_CHECK(conf_never(c, "4711"));
	ATF_CHECK(!conf_never(c, "1125"));
	ATF_CHECK(!conf_never(c, "+14085550100"));
	ATF_CHECK_EQ(5, TAILQ_FIRST(&c->c_decoys)->cr_count);
	t = TAILQ_NEXT(TAILQ_FIRST(&c->c_accept), ct_entry);
	ATF_CHECK_STREQ("c.example", t->ct_text);
	t = TAILQ_FIRST(&c->c_hosts);
	ATF_CHECK_EQ(5061, t->ct_addr.va_port);
	ATF_CHECK_EQ(6, TAILQ_NEXT(t, ct_entry)->ct_addr.va_family);
	ATF_CHECK_EQ(0, TAILQ_NEXT(t, ct_entry)->ct_addr.va_port);
	ATF_CHECK_EQ(53, TAILQ_FIRST(&c->c_resolvers)->ct_addr.va_port);
	ATF_CHECK_EQ(6084, c->c_ov_advertise.va_port);
	ATF_CHECK_EQ(7000, c->c_pvp_advertise.va_port);
	ATF_CHECK_EQ(12 * 3600, c->c_lifetime);
	ATF_CHECK_EQ(600, c->c_delay_min);
	ATF_CHECK_EQ(6 * 3600, c->c_delay_max);
	ATF_CHECK_EQ(3, c->c_proofs);
	ATF_CHECK_EQ(2, c->c_proofs_callers);
	ATF_CHECK_EQ(90, c->c_retry_min);
	ATF_CHECK_EQ(44, c->c_busy_moduli);
	ATF_CHECK_EQ(6, c->c_limit_number);
	ATF_CHECK_EQ(60, c->c_limit_peer);
	ATF_CHECK_EQ(4, c->c_limit_failures);
	ATF_CHECK_EQ(1500, c->c_connect_ms);
	ATF_CHECK_EQ(3000, c->c_answer_ms);
	ATF_CHECK_STREQ("sip.a.example", c->c_outside_host);
	ATF_CHECK_EQ(5062, c->c_outside_port);
	ATF_CHECK(conf_name_ours(c, "SIP2.a.example.", 15));
	ATF_CHECK(conf_name_ours(c, "a.exampleX", 9));
	ATF_CHECK(!conf_name_ours(c, "a.exampleX", 10));
	ATF_CHECK(!conf_name_ours(c, "", 0));
	h = TAILQ_FIRST(&c->c_hops);
	ATF_CHECK_STREQ("main pbx", h->ch_name);
	ATF_CHECK_EQ(SIP_TCP, h->ch_proto);
	ATF_CHECK_EQ(5, h->ch_priority);
	ATF_CHECK_EQ(3, h->ch_weight);
	ATF_CHECK_EQ(30, h->ch_ping);
	ATF_CHECK_STREQ("49", h->ch_rules.er_country);
	ATF_CHECK_STREQ("0", h->ch_rules.er_outside);
	ATF_CHECK_STREQ("", h->ch_rules.er_local);
	h = TAILQ_NEXT(h, ch_entry);
	ATF_CHECK_STREQ("pbx.a.example", h->ch_host);
	ATF_CHECK_EQ(0, h->ch_addr.va_family);
	ATF_CHECK_EQ(0, h->ch_addr.va_port);
	ATF_CHECK_EQ(0, h->ch_weight);
	ATF_CHECK_EQ(CONF_PING, h->ch_ping);
	ATF_CHECK_STREQ("4989", h->ch_rules.er_local);
	h = TAILQ_NEXT(h, ch_entry);
	ATF_CHECK_EQ(1, h->ch_trunk);
	ATF_CHECK_STREQ("", h->ch_rules.er_national);
	ATF_CHECK_STREQ("00", h->ch_rules.er_international);
	l = TAILQ_FIRST(&c->c_listens);
	ATF_CHECK_EQ(LISTEN_OVERLAY, l->cl_use);
	ATF_CHECK_EQ(-1, l->cl_fd);
	while (l != NULL && l->cl_face != FACE_REDIRECT)
		l = TAILQ_NEXT(l, cl_entry);
	ATF_REQUIRE(l != NULL);
	ATF_CHECK_EQ(LISTEN_SIP, l->cl_use);
	ATF_CHECK_EQ(SIP_UDP, l->cl_proto);
	ATF_CHECK_EQ(5070, l->cl_addr.va_port);
	ATF_CHECK_EQ(6, c->c_hep_addr.va_family);
	ATF_CHECK_EQ(9060, c->c_hep_addr.va_port);
	ATF_CHECK_EQ(2001, c->c_hep_id);
	ATF_CHECK_EQ(6, c->c_media.va_family);
	ATF_CHECK_EQ(2223, c->c_media.va_port);
	ATF_CHECK_STREQ("inside", c->c_media_inside);
	ATF_CHECK_STREQ("wan-0.1", c->c_media_outside);
	conf_free(c);
}

ATF_TC_WITHOUT_HEAD(round_trip);
ATF_TC_BODY(round_trip, tc)
{
	struct conf	*c, *d;
	char		*one, *two;

	ATF_REQUIRE_MSG((c = parse(full)) != NULL, "%s", errors);
	one = printed(c);
	ATF_REQUIRE_MSG((d = parse(one)) != NULL, "%s\n%s", errors, one);
	two = printed(d);
	ATF_CHECK_STREQ(one, two);
	/* What printing could leave out. */
	ATF_CHECK_EQ(c->c_flags, d->c_flags);
	ATF_CHECK_EQ(c->c_clock_offset, d->c_clock_offset);
	ATF_CHECK_STREQ(c->c_master.cb_path, d->c_master.cb_path);
	conf_free(c);
	conf_free(d);
	free(one);
	free(two);

	ATF_REQUIRE_MSG((c = parse(SIP "never only +1900\n")) != NULL, "%s",
	    errors);
	one = printed(c);
	ATF_CHECK(!conf_never(c, "112"));
	ATF_REQUIRE_MSG((d = parse(one)) != NULL, "%s\n%s", errors, one);
	ATF_CHECK(!conf_never(d, "112"));
	ATF_CHECK(conf_never(d, "+19005550100"));
	two = printed(d);
	ATF_CHECK_STREQ(one, two);
	conf_free(c);
	conf_free(d);
	free(one);
	free(two);
}

/* A client of the overlay instead of its first node; not both. */
ATF_TC_WITHOUT_HEAD(overlay_client);
ATF_TC_BODY(overlay_client, tc)
{
	struct conf	*c, *d;
	const char	*p;
	char		*text, *one;

	ATF_REQUIRE((p = strstr(full, "\tfirst\n")) != NULL);
	ATF_REQUIRE(asprintf(&text, "%.*s\tclient\n%s", (int)(p - full), full,
	    p + strlen("\tfirst\n")) > 0);
	ATF_REQUIRE_MSG((c = parse(text)) != NULL, "%s", errors);
	ATF_CHECK((c->c_flags & CONF_OVERLAY_CLIENT) != 0 &&
	    (c->c_flags & CONF_OVERLAY_FIRST) == 0);
	one = printed(c);
	ATF_REQUIRE_MSG((d = parse(one)) != NULL, "%s\n%s", errors, one);
	ATF_CHECK_EQ(c->c_flags, d->c_flags);
	conf_free(c);
	conf_free(d);
	free(one);
	free(text);
	ATF_REQUIRE(asprintf(&text, "%.*s\tclient\n%s", (int)(p - full), full,
	    p) > 0);
	ATF_CHECK(parse(text) == NULL);
	ATF_CHECK_MSG(strstr(errors, "found client and first") != NULL, "%s",
	    errors);
	free(text);
}

ATF_TC_WITHOUT_HEAD(one_line_sections);
ATF_TC_BODY(one_line_sections, tc)
{
	struct conf	*c;

	c = parse("domain a.example\nsip { listen inside on 127.0.0.1 udp\n"
	    "pbx p at 127.0.0.2 udp }\nnumbers { +14085550100 +14085550101,"
	    "\n\n+14085550102\n,\n}");
	ATF_REQUIRE_MSG(c != NULL, "%s", errors);
	ATF_CHECK(conf_number_ours(c, "+14085550102"));
	conf_free(c);
	c = parse(SIP "numbers { }\nnever {\n}\naccept domain { }\n");
	ATF_REQUIRE_MSG(c != NULL, "%s", errors);
	conf_free(c);
}

ATF_TC_WITHOUT_HEAD(syntax);
ATF_TC_BODY(syntax, tc)
{
	refused("domain a.example\nfoo bar\n", 2, "found \"foo\"",
	    "expected one of: accept, callers, control");
	refused("domain\n", 1, "found end of line", "domain NAME");
	refused("domain a.example b.example\n", 1, "found \"b.example\"",
	    "domain NAME");
	refused("domain a.example\npbx \"x\" at 127.0.0.1 udp\n", 2,
	    "found \"pbx\"", "inside of sip { }");
	refused("sip {\n\tlisten inside on 127.0.0.1\n}\n", 2,
	    "found end of line", "udp|tcp|tls");
	refused("sip {\n\tdomain a.example\n}\n", 2, "found \"domain\"",
	    "outside of it");
	refused("sip {\n\tbogus\n}\n", 2, "found \"bogus\"", "answer-timeout");
	refused("sip {\n\tpbx \"x\" at 127.0.0.1 sctp\n}\n", 2,
	    "found \"sctp\"", "udp|tcp|tls ");
	refused("sip {\n\tmedia loud\n}\n", 2, "found \"loud\"", "pass|plain");
	refused("sip {\n\tmedia rtpengine 127.0.0.1\n}\n", 2, "found end of line",
	    "rtpengine ADDRESS port PORT");
	refused("sip {\n\tmedia rtpengine 0.0.0.0 port 2223\n}\n", 2, "found 0.0.0.0",
	    "listen-ng");
	refused("sip {\n\tmedia rtpengine engine.a.example port 2223\n}\n", 2,
	    "found \"engine.a.example\"", "address");
	refused("sip {\n\tmedia rtpengine 127.0.0.1 port 2223 inside lan\n}\n", 2,
	    "found end of line", "outside NAME");
	refused("sip {\n\tmedia rtpengine 127.0.0.1 port 2223 inside \"a b\" outside c\n}\n",
	    2, "found \"a b\"", "name of an interface");
	refused("sip {\n\tmedia rtpengine 127.0.0.1 port 2223\n"
	    "\tmedia rtpengine 127.0.0.1 port 2224\n}\n", 3, "a second media rtpengine",
	    "expected one");
	refused("pvp {\n\tlimit number\n}\n", 2, "found end of line",
	    "limit number|peer|failures COUNT");
	refused("numbers {\n\t+14085550100,\n\tto\n}\n", 3, "found \"to\"",
	    "a number or '}'");
	refused("sip {\n", 1, "found end of file", "'{' of line 1");
	refused("domain \"a.example\n", 1, "end of line", "quoted string");
	refused("domain $nope\n", 1, "\"nope\"", "not defined");
	refused("domain a.example; permit\n", 1, "found \"permit\"",
	    "domain NAME");
	refused("domain a.example\001\n", 1, "0x01", "plain text");
	refused("domain a!b\n", 1, "'!'", "no meaning");
	refused("restart maybe\n", 1, "found \"maybe\"", "yes|no");
	refused("1x.y = \"3\"\n", 1, "macro name", "letters");
	refused("}\n", 1, "found '}'", "accept");
	refused("a = \"$a $a\"\ndomain $a\n", 2, "\"a\"", "too many");
	refused("include \"/nonexistent/x\"\n", 1, "/nonexistent/x",
	    "No such file");
}

ATF_TC_WITHOUT_HEAD(values);
ATF_TC_BODY(values, tc)
{
	refused("domain a_b\n", 1, "a_b", "domain name");
	refused("domain 192.0.2.1\n", 1, "192.0.2.1", "domain name");
	refused("domain -a.example\n", 1, "-a.example", "domain name");
	refused("domain a..example\n", 1, "a..example", "domain name");
	refused("data \"\"\n", 1, "found \"\"", "file name");
	refused("log facility kern\n", 1, "kern", "facility");
	refused("operator no-such-user-here\n", 1, "no-such-user-here",
	    "a user");
	refused("numbers 4085550100\n", 1, "4085550100", "8 to 15");
	refused("numbers +14085550199 to +14085550100\n", 1,
	    "+14085550199 to +14085550100", "lower number first");
	refused("numbers +14085550100 to +140855501000\n", 1, "as many digits",
	    "");
	refused("decoy 0 from +14085550100\n", 1, "\"0\"", "from 1 to");
	refused("decoy 2 from +14085550100\n", 1, "2 decoys", "the 1 numbers");
	refused("never 12a\n", 1, "12a", "+1900");
	refused("host b.example address example.com\n", 1, "example.com",
	    "IPv4 or IPv6");
	refused("resolver 192.0.2.1 port 0\n", 1, "\"0\"", "1 to 65535");
	refused("resolver 192.0.2.1 port 65536\n", 1, "\"65536\"",
	    "1 to 65535");
	refused("test clock-offset soon\n", 1, "soon", "whole seconds");
	refused("pvp {\nmin-duration 1x\n}\n", 2, "1x", "30s, 15m");
	refused("pvp {\nmin-duration 1500ms\n}\n", 2, "1500ms",
	    "whole seconds");
	refused("pvp {\nmin-duration 2d\n}\n", 2, "2d", "from 0s to 1d");
	refused("pvp {\nmin-duration 99999999999999999999\n}\n", 2, "999",
	    "a time");
	refused("pvp {\nproofs 0\n}\n", 2, "\"0\"", "from 1 to 16");
	refused("pvp {\nproofs 17\n}\n", 2, "\"17\"", "from 1 to 16");
	refused("pvp {\nproofs 16 from 17 callers\n}\n", 2, "\"17\"",
	    "from 1 to 16");
	refused("overlay o.x {\nstore-rate 0\n}\n", 2, "\"0\"", "1 to 100000");
	refused("sip {\n\tlisten redirect on 127.0.0.1 tls\n}\n", 2,
	    "\"tls\"", "listen redirect on ADDRESS [port PORT] udp|tcp");
	refused("sip {\n\tcapture hep 127.0.0.1\n}\n", 2, "end of line",
	    "capture hep ADDRESS port PORT [id COUNT]");
	refused("sip {\n\tcapture hep 0.0.0.0 port 9060\n}\n", 2, "0.0.0.0",
	    "address of a capture server");
	refused("sip {\ncapture hep 10.0.0.1 port 1\ncapture hep 10.0.0.2 port 1\n}\n",
	    3, "second capture", "expected one");
	refused("overlay o.x {\nlisten on 127.0.0.1\nlisten on 127.0.0.1\n}\n",
	    3, "127.0.0.1:6084 a second time", "one listener");
	refused("sip {\ncountry 049\n}\n", 2, "country", "not 0");
	refused("sip {\ncountry 12345\n}\n", 2, "country", "at most 3");
	refused("sip {\nnational 0x\n}\n", 2, "national", "digits");
	refused("sip {\npbx a at 127.0.0.1 udp\ntrunk a at 127.0.0.2 udp\n}\n",
	    3, "second hop", "another name");
	refused("sip {\npbx \"\" at 127.0.0.1 udp\n}\n", 2, "pbx", "a name");
	refused("sip {\npbx a at 127.0.0.1 tls\n}\n", 1, "pbx or trunk with tls",
	    "inside ca FILE");
	refused("sip {\ntrunk a at 127.0.0.1 port 5061 tls\n}\n", 1,
	    "pbx or trunk with tls", "inside ca FILE");
	refused("sip {\npbx a at under_score udp\n}\n", 2, "under_score",
	    "host name");
	refused("sip {\n}\nsip {\n}\n", 3, "second sip section", "line 1");
}

ATF_TC_WITHOUT_HEAD(whole);
ATF_TC_BODY(whole, tc)
{
	refused("", 0, "no domain", "domain NAME");
	refused("domain a.example\n", 0, "neither sip nor overlay", "");
	refused("domain a.example\nsip {\n}\n", 2, "no pbx", "pbx NAME");
	refused("domain a.example\nsip {\n}\n", 2, "no inside listener", "");
	refused("domain a.example\noverlay o.x {\n}\n", 2, "config FILE", "");
	refused("domain a.example\noverlay o.x {\n}\n", 2, "key FILE", "");
	refused("domain a.example\noverlay o.x {\n}\n", 2, "no listener",
	    "listen on");
	refused(SIP "pvp {\n}\n", 6, "no overlay section", "");
	refused(SIP "overlay o.x {\nlisten on 0.0.0.0\n}\n", 6, "unspecified",
	    "advertise");
	refused(SIP "overlay o.x {\nlisten on 10.0.0.1\n}\n", 6, "private",
	    "advertise");
	refused(SIP "pvp {\ndelay 2h to 1h\n}\n", 6, "delay", "shorter");
	refused(SIP "pvp {\nwithin 1h\n}\n", 6, "within", "at least");
	refused(SIP "pvp {\nretain 1h\n}\n", 6, "retain", "more than");
	refused(SIP "pvp {\nproofs 2 from 3 callers\n}\n", 6, "callers",
	    "at most");
	refused(SIP "decoy 1 from +14085550100\n", 0, "decoy",
	    "overlay section");
	refused(SIP "numbers { +14085550100 to +14085550199 +14085550150 }\n",
	    0, "+14085550150 twice", "once");
	refused(SIP "numbers +19005550100\n", 0, "+19005550100", "never");
	refused(SIP "numbers +10000000000 to +19999999999\n", 0, "1000000",
	    "");
	refused(SIP "accept domain b.example\nrefuse domain c.example\n", 0,
	    "accept domain and refuse domain", "");
	refused(SIP "numbers +14085550100\ndecoy 3 from +14085550000 to "
	    "+14085550199\n", 0, "our own +14085550100", "nobody has");
	refused("domain a.example\nsip {\nlisten inside on 127.0.0.1 tls\n"
	    "pbx p at 127.0.0.1 udp\n}\n", 2, "inside listener with tls", "");
	refused("domain a.example\nsip {\nlisten inside on 127.0.0.1 udp\n"
	    "listen outside on 192.0.2.1\npbx p at 127.0.0.1 udp\n}\n", 2,
	    "outside listener", "certificate FILE");
	refused("domain a.example\nsip {\nlisten inside on 127.0.0.1 udp\n"
	    "national 0\npbx p at 127.0.0.1 udp\n}\n", 2, "national",
	    "country");
}

ATF_TC_WITHOUT_HEAD(all_in_one_pass);
ATF_TC_BODY(all_in_one_pass, tc)
{
	static const char	 text[] =
	    "domain a_b\n"				/* 1 */
	    "foo\n"					/* 2 */
	    "numbers {\n"
	    "\t12\n"					/* 4 */
	    "\t+14085550100 to to\n"			/* 5 */
	    "}\n"
	    "bogus \"x\" {\n"				/* 7 */
	    "\tnot looked at\n"
	    "}\n"
	    "sip {\n"
	    "\tlisten inside on nowhere udp\n"		/* 11 */
	    "\tmode fast\n"				/* 12 */
	    "\tpbx\n"					/* 13 */
	    "\tresample 51\n"
	    "\tmedia { pass }\n"			/* 15 */
	    "\tresample x\n"				/* 16 */
	    "}\n"
	    "restart 1\n"				/* 18 */
	    "pvp {\n"
	    "\tdelay 1 2\n"				/* 20 */
	    "\tdelay 1x to 2x\n"			/* 21, two */
	    "}\n"
	    "log calls\n";				/* 23 */
	static const int	 lines[] = { 1, 2, 4, 5, 7, 11, 12, 13, 15, 16,
				    18, 20, 21, 23 };
	char			 where[64];
	size_t			 i;

	ATF_CHECK_EQ(NULL, parse(text));
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(where, sizeof(where), "t.conf:%d: ", lines[i]);
		ATF_CHECK_MSG(strstr(errors, where) != NULL, "%snot in:\n%s",
		    where, errors);
	}
	ATF_CHECK_EQ_MSG(15, nerrors, "%d: %s", nerrors, errors);
}

ATF_TC_WITHOUT_HEAD(include);
ATF_TC_BODY(include, tc)
{
	struct conf	*c;
	int		 n;

	ATF_REQUIRE_EQ(0, mkdir("d", 0755));
	atf_utils_create_file("d/main.conf", "%s", SIP
	    "include \"sub.conf\"\nnumbers $num\n");
	atf_utils_create_file("d/sub.conf", "num = \"+14085550100\"\n"
	    "callers +14085550200");
	ATF_REQUIRE((c = parse_config("d/main.conf", 0, &n)) != NULL);
	ATF_CHECK(conf_number_ours(c, "+14085550100"));
	ATF_CHECK(conf_caller_ours(c, "+14085550200"));
	conf_free(c);
	/* An error names the file in which it stands. */
	atf_utils_create_file("d/sub.conf", "num = \"+14085550100\"\nbad\n");
	ATF_CHECK_EQ(NULL, parse("include d/sub.conf\nworse\n"));
	ATF_CHECK_MSG(strstr(errors, "d/sub.conf:2: found \"bad\"") != NULL,
	    "%s", errors);
	ATF_CHECK_MSG(strstr(errors, "t.conf:2: found \"worse\"") != NULL,
	    "%s", errors);
	/* A file that includes itself ends. */
	atf_utils_create_file("d/sub.conf", "include sub.conf\n");
	ATF_CHECK_EQ(NULL, parse_config("d/sub.conf", 0, &n));
	/* Who may write it may become root. */
	atf_utils_create_file("d/w.conf", SIP);
	ATF_REQUIRE_EQ(0, chmod("d/w.conf", 0664));
	ATF_CHECK_EQ(NULL, parse_config("d/w.conf", 0, &n));
	ATF_CHECK_EQ(1, n);
	ATF_CHECK_EQ(NULL, parse_config("/dev/null", 0, &n));
	ATF_CHECK_EQ(NULL, parse_config("nonexistent", 0, &n));
	ATF_CHECK_EQ(1, n);
}

ATF_TC_WITHOUT_HEAD(warnings);
ATF_TC_BODY(warnings, tc)
{
	struct conf	*c;

	ATF_REQUIRE_MSG((c = parse(full)) != NULL, "%s", errors);
	/* delay, responder-delay, busy, media plain, allow refer, mode log,
	 * permit private, log calls, restart no, clock-offset */
	ATF_CHECK_EQ(11, config_warn(c));
	conf_free(c);
	ATF_REQUIRE((c = parse(SIP)) != NULL);
	ATF_CHECK_EQ(1, config_warn(c));	/* no trunk */
	conf_free(c);
}

ATF_TC_WITHOUT_HEAD(every_prefix);
ATF_TC_BODY(every_prefix, tc)
{
	struct conf	*c;
	char		*heap;
	size_t		 n;
	int		 bad;

	/* Cut anywhere, it is read or refused, and nothing else happens. */
	log_init_fd("test", 0, open("/dev/null", O_WRONLY));
	for (n = 0; n < sizeof(full) - 1; n++) {
		ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
		memcpy(heap, full, n);
		c = parse_config_text("t.conf", heap, n, &bad);
		ATF_CHECK_EQ((c == NULL), (bad > 0));
		conf_free(c);
		free(heap);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, everything);
	ATF_TP_ADD_TC(tp, round_trip);
	ATF_TP_ADD_TC(tp, overlay_client);
	ATF_TP_ADD_TC(tp, one_line_sections);
	ATF_TP_ADD_TC(tp, syntax);
	ATF_TP_ADD_TC(tp, values);
	ATF_TP_ADD_TC(tp, whole);
	ATF_TP_ADD_TC(tp, all_in_one_pass);
	ATF_TP_ADD_TC(tp, include);
	ATF_TP_ADD_TC(tp, warnings);
	ATF_TP_ADD_TC(tp, every_prefix);
	return (atf_no_error());
}
