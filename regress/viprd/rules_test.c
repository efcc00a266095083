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
 * Rules of the sip section for calls, callers, headers and limits: read,
 * refused, printed, and carried to sipgw.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "config_parse.h"
#include "cursor.h"
#include "viprd.h"

#define HEAD	"domain a.example\n" \
		"sip {\n" \
		"\tlisten inside on 127.0.0.1 port 5060 udp\n" \
		"\tpbx \"pbx\" at 127.0.0.2 port 5060 udp\n"

static char		 errors[32768];
static struct conf	*received;
static int		 bad_items;

/* In place of the channel: every item goes to the receiver at once. */
int
chan_send(struct chan *ch, uint32_t type, int fd, const void *fixed, size_t fixedlen,
    const void *tail, size_t taillen)
{
	struct cur	 c;
	void		*exact;

	(void)ch;
	(void)fixed;
	(void)fixedlen;
	if (type != IMSG_RECONF_ITEM)
		return (0);
	ATF_REQUIRE((exact = malloc(taillen)) != NULL);
	memcpy(exact, tail, taillen);
	cur_init(&c, exact, taillen);
	bad_items += conf_item(received, &c, fd) == -1;
	free(exact);
	return (0);
}

static struct conf *
parse(const char *text)
{
	struct conf	*c;
	ssize_t		 n;
	int		 fd, old, nerrors;

	ATF_REQUIRE((fd = open("errors", O_RDWR | O_CREAT | O_TRUNC, 0600)) != -1);
	ATF_REQUIRE((old = dup(2)) != -1 && dup2(fd, 2) != -1);
	c = parse_config_text("t.conf", text, strlen(text), &nerrors);
	fflush(stderr);
	dup2(old, 2);
	close(old);
	n = pread(fd, errors, sizeof(errors) - 1, 0);
	close(fd);
	errors[n > 0 ? n : 0] = '\0';
	return (c);
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

static const char everything[] = HEAD
    "\talways trunk +4930\n"
    "\talways trunk {\n\t\t4711, +1212\n\t\t4711\n\t}\n"
    "\tlog only { +44, 0 }\n"
    "\tclass \"fax \\\"machines\\\"\" {\n"
    "\t\tfrom 4711\n"
    "\t\tfrom {\n\t\t\t200 to 299, alice\n\t\t\t*21\n\t\t}\n"
    "\t\tdirect no\n"
    "\t}\n"
    "\tclass board { from +49301234, direct yes }\n"
    "\tclass \"all others\" {\n\t\tfrom +4930 to +4939 direct no }\n"
    "\tpass header User-to-User\n"
    "\tpass header { X-Foo, Subject, x-foo }\n"
    "\tcall-id keep\n"
    "\tdisplay name\n"
    "\tpresent national\n"
    "\tcountry 49\n"
    "\tlimit 20 calls per second\n"
    "\tlimit 100 calls at once\n"
    "\tlimit 300 requests per second\n"
    "\tlimit 7 connections per second\n"
    "}\n"
    "test boot-offset 2h\n";

static void
check_everything(const struct conf *c)
{
	const struct conf_class	*cc = TAILQ_FIRST(&c->c_classes);
	const struct conf_text	*t;
	size_t			 n = 0;

	ATF_CHECK(conf_listed(&c->c_always, "+4930123456"));
	ATF_CHECK(conf_listed(&c->c_always, "4711"));
	ATF_CHECK(!conf_listed(&c->c_always, "47110"));
	ATF_CHECK(!conf_listed(&c->c_always, "+4940123456"));
	ATF_CHECK(conf_listed(&c->c_logonly, "+442071234567"));
	ATF_CHECK(!conf_listed(&c->c_logonly, "+4930123456"));
	ATF_CHECK(!conf_never(c, "+4930123456"));
	ATF_REQUIRE(cc != NULL);
	ATF_CHECK_STREQ("fax \"machines\"", cc->cc_name);
	ATF_CHECK_EQ(0, cc->cc_direct);
	ATF_CHECK(conf_class_has(cc, "", "4711"));
	ATF_CHECK(conf_class_has(cc, "", "250"));
	ATF_CHECK(conf_class_has(cc, "", "alice"));
	ATF_CHECK(conf_class_has(cc, "", "*21"));
	ATF_CHECK(!conf_class_has(cc, "", "Alice"));
	ATF_CHECK(!conf_class_has(cc, "", "25"));
	ATF_CHECK(!conf_class_has(cc, "", "2500"));
	ATF_CHECK(!conf_class_has(cc, "", "2a0"));
	ATF_CHECK(!conf_class_has(cc, "+4930471100", "0471"));
	cc = TAILQ_NEXT(cc, cc_entry);
	ATF_REQUIRE(cc != NULL);
	ATF_CHECK_EQ(1, cc->cc_direct);
	ATF_CHECK(conf_class_has(cc, "+493012345", ""));
	ATF_CHECK(!conf_class_has(cc, "+493012", "+49301234"));
	cc = TAILQ_NEXT(cc, cc_entry);
	ATF_REQUIRE(cc != NULL && TAILQ_NEXT(cc, cc_entry) == NULL);
	ATF_CHECK(conf_class_has(cc, "+4935", ""));
	ATF_CHECK(!conf_class_has(cc, "+49350", ""));
	TAILQ_FOREACH(t, &c->c_pass, ct_entry)
		n++;
	ATF_CHECK_EQ(3, n);
	ATF_CHECK_EQ(CONF_CALLID_KEEP | CONF_DISPLAY_NAME | CONF_PRESENT_NATIONAL,
	    c->c_flags & (CONF_CALLID_KEEP | CONF_DISPLAY_NAME | CONF_PRESENT_NATIONAL));
	ATF_CHECK_EQ(20, c->c_limit_calls);
	ATF_CHECK_EQ(100, c->c_limit_total);
	ATF_CHECK_EQ(300, c->c_limit_requests);
	ATF_CHECK_EQ(7, conf_limit_conns(c));
	ATF_CHECK_EQ(7200, c->c_boot_offset);
}

ATF_TC_WITHOUT_HEAD(all);
ATF_TC_BODY(all, tc)
{
	struct conf	*c, *d;
	char		*one, *two;

	ATF_REQUIRE_MSG((c = parse(everything)) != NULL, "%s", errors);
	check_everything(c);
	one = printed(c);
	ATF_REQUIRE_MSG((d = parse(one)) != NULL, "%s\n%s", errors, one);
	check_everything(d);
	two = printed(d);
	ATF_CHECK_STREQ(one, two);
	conf_free(d);
	conf_free(c);
	free(one);
	free(two);
	/* What is not said stays as it was. */
	ATF_REQUIRE_MSG((c = parse(HEAD "}\n")) != NULL, "%s", errors);
	ATF_CHECK_EQ(0, c->c_flags);
	ATF_CHECK(TAILQ_EMPTY(&c->c_classes) && TAILQ_EMPTY(&c->c_always) &&
	    TAILQ_EMPTY(&c->c_logonly) && TAILQ_EMPTY(&c->c_pass));
	ATF_CHECK_EQ(0, c->c_limit_calls + c->c_limit_total + c->c_limit_requests);
	ATF_CHECK_EQ(50, conf_limit_conns(c));
	c->c_limit_calls = 60;
	ATF_CHECK_EQ(60, conf_limit_conns(c));
	c->c_limit_live = 70;
	ATF_CHECK_EQ(70, conf_limit_conns(c));
	conf_free(c);
	/* And the later word holds. */
	ATF_REQUIRE_MSG((c = parse(HEAD "call-id keep\ncall-id hide\ndisplay name\n"
	    "display number\npresent national\npresent e164\n}\n")) != NULL, "%s", errors);
	ATF_CHECK_EQ(0, c->c_flags);
	conf_free(c);
}

ATF_TC_WITHOUT_HEAD(refused);
ATF_TC_BODY(refused, tc)
{
	static const struct { const char *text, *where, *said; } t[] = {
		{ "always trunk abc\n}\n", "t.conf:5: ", "always trunk: found \"abc\"" },
		{ "always trunk +\n}\n", "t.conf:5: ", "expected a prefix" },
		{ "always trunk {\n4711\n12x\n}\n}\n", "t.conf:7: ", "found \"12x\"" },
		{ "always +49\n}\n", "t.conf:5: ", "expected: always trunk NUMBER" },
		{ "log only\n}\n", "t.conf:5: ", "expected: log only NUMBER" },
		{ "log only { 1234567890123456 }\n}\n", "t.conf:5: ", "log only: found" },
		{ "class {\nfrom 1\n}\n}\n", "t.conf:5: ", "expected: class NAME" },
		{ "class x {\n}\n}\n", "t.conf:6: ", "class x: found no caller" },
		{ "class x { from 1 }\nclass x { from 2 }\n}\n", "t.conf:6: ",
		    "found a second class \"x\"" },
		{ "class x {\nfrom 299 to 200\n}\n}\n", "t.conf:6: ", "the lower number first" },
		{ "class x {\nfrom 20 to 200\n}\n}\n", "t.conf:6: ", "as many digits" },
		{ "class x {\nfrom alice to carol\n}\n}\n", "t.conf:6: ", "as many digits" },
		{ "class x {\nfrom 20 to +30\n}\n}\n", "t.conf:6: ", "as many digits" },
		{ "class x {\nfrom \"a b\"\n}\n}\n", "t.conf:6: ", "expected an extension" },
		{ "class x {\nfrom +4x\n}\n}\n", "t.conf:6: ", "expected an extension" },
		{ "class x {\nfrom 1\ndirect maybe\n}\n}\n", "t.conf:7: ",
		    "expected: direct yes|no" },
		{ "class x {\nform 1\n}\n}\n", "t.conf:6: ", "expected one of: direct, from" },
		{ "class x {\nfrom { 1, , = }\n}\n}\n", "t.conf:6: ", "expected a caller" },
		{ "class x { from 1\n", "t.conf", "expected '}' for the '{' of line 2" },
		{ "pass header Via\n}\n", "t.conf:5: ", "never crosses the border as it is "
		    "(routing)" },
		{ "pass header p-asserted-identity\n}\n", "t.conf:5: ", "(identity)" },
		{ "pass header { X-A\nANSWER-mode }\n}\n", "t.conf:6: ", "answer by themselves" },
		{ "pass header vipr-ticket\n}\n", "t.conf:5: ", "(our own)" },
		{ "pass header X-Cisco-ViPR-Ticket\n}\n", "t.conf:5: ", "(our own)" },
		{ "pass header Proxy-Authenticate\n}\n", "t.conf:5: ", "(passwords)" },
		{ "pass header v\n}\n", "t.conf:5: ", "(a short form)" },
		{ "pass header \"X Y\"\n}\n", "t.conf:5: ", "expected the name of a header" },
		{ "pass header \"X-Y:\"\n}\n", "t.conf:5: ", "expected the name of a header" },
		{ "pass header { = }\n}\n", "t.conf:5: ", "expected a header name" },
		{ "call-id hidden\n}\n", "t.conf:5: ", "expected: call-id hide|keep" },
		{ "display names\n}\n", "t.conf:5: ", "expected: display number|name" },
		{ "present\n}\n", "t.conf:5: ", "expected: present e164|national" },
		{ "present national\n}\n", "t.conf:2: ", "found present national, expected "
		    "country" },
		{ "limit 20 calls per minute\n}\n", "t.conf:5: ", "limit COUNT calls per second" },
		{ "limit 0 calls at once\n}\n", "t.conf:5: ", "a number from 1 to 1000000" },
		{ "limit 0 connections per second\n}\n", "t.conf:5: ", "a number from 1" },
		{ "limit 0 requests per second\n}\n", "t.conf:5: ", "a number from 1" },
		{ "}\nalways trunk +49\n", "t.conf:6: ", "expected it inside of sip { }" },
		{ "}\ntest boot-offset x\n", "t.conf:6: ", "expected a time" },
	};
	char		 text[1024], where[64], *p, *nl;
	struct conf	*c;
	size_t		 i;
	int		 found;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s%s", HEAD, t[i].text);
		ATF_CHECK_MSG((c = parse(text)) == NULL, "accepted: %s", t[i].text);
		conf_free(c);
		(void)snprintf(where, sizeof(where), "%s", t[i].where);
		found = 0;
		for (p = errors; (p = strstr(p, where)) != NULL; p++) {
			if ((nl = strchr(p, '\n')) != NULL)
				*nl = '\0';
			found |= strstr(p, t[i].said) != NULL;
			if (nl != NULL)
				*nl = '\n';
		}
		ATF_CHECK_MSG(found, "%s: not \"%s\" but: %s", t[i].text, t[i].said, errors);
	}
}

/* What stands behind a nested list or class is read as ever. */
ATF_TC_WITHOUT_HEAD(after_braces);
ATF_TC_BODY(after_braces, tc)
{
	struct conf	*c;

	ATF_CHECK(parse(HEAD "class x {\nfrom { 1\n2 }\n}\nnonsense 1\n}\nnonsense 2\n") == NULL);
	ATF_CHECK_MSG(strstr(errors, "t.conf:9: found \"nonsense\", expected one of: allow") !=
	    NULL, "%s", errors);
	ATF_CHECK_MSG(strstr(errors, "t.conf:11: found \"nonsense\", expected one of: accept") !=
	    NULL, "%s", errors);
	ATF_REQUIRE_MSG((c = parse(HEAD "always trunk { +49 }\nlimit 61 per hour\n}\n"
	    "numbers { +14085550100 }\n")) != NULL, "%s", errors);
	ATF_CHECK_EQ(61, c->c_limit_hour);
	ATF_CHECK(conf_number_ours(c, "+14085550100"));
	conf_free(c);
}

ATF_TC_WITHOUT_HEAD(wire);
ATF_TC_BODY(wire, tc)
{
	struct conf		*c;
	struct conf_class	*cc;
	const struct conf_from	*cf;
	char			 text[16];
	unsigned		 i;

	ATF_REQUIRE_MSG((c = parse(everything)) != NULL, "%s", errors);
	ATF_REQUIRE((received = conf_new()) != NULL);
	ATF_REQUIRE_EQ(0, conf_send(NULL, c, ROLE_SIP));
	ATF_CHECK_EQ(0, bad_items);
	ATF_REQUIRE_EQ(0, conf_complete(received));
	check_everything(received);
	conf_free(received);
	/* Nobody else is told how our telephones are numbered. */
	ATF_REQUIRE((received = conf_new()) != NULL);
	ATF_REQUIRE_EQ(0, conf_send(NULL, c, ROLE_KEY));
	ATF_CHECK_EQ(0, bad_items);
	ATF_CHECK(TAILQ_EMPTY(&received->c_classes) && TAILQ_EMPTY(&received->c_always));
	conf_free(received);
	/* A class of many items arrives whole. */
	cc = TAILQ_LAST(&c->c_classes, conf_classes);
	for (i = 0; i < 5000; i++) {
		(void)snprintf(text, sizeof(text), "%08u", i);
		ATF_REQUIRE(conf_add_from(cc, text, "") != NULL);
	}
	ATF_REQUIRE((received = conf_new()) != NULL);
	ATF_REQUIRE_EQ(0, conf_send(NULL, c, ROLE_SIP));
	ATF_CHECK_EQ(0, bad_items);
	cc = TAILQ_LAST(&received->c_classes, conf_classes);
	i = 0;
	TAILQ_FOREACH(cf, &cc->cc_from, cf_entry)
		i++;
	ATF_CHECK_EQ(5001, i);
	ATF_CHECK(conf_class_has(cc, "", "00004999"));
	conf_free(received);
	conf_free(c);
}

/* Items that no parent sends. */
ATF_TC_WITHOUT_HEAD(malformed);
ATF_TC_BODY(malformed, tc)
{
	static const struct { const char *p; size_t len; } t[] = {
		{ "\0\12", 2 },				/* nothing */
		{ "\0\12\0\1", 4 },			/* no name */
		{ "\0\12\1x", 4 },			/* no direct */
		{ "\0\12\1x\2", 5 },			/* direct 2 */
		{ "\0\12\1x\1\1y", 7 },			/* no end of range */
		{ "\0\12\1x\1\0\0", 7 },		/* empty entry */
		{ "\0\12\1x\1\1\n\0", 8 },		/* not printable */
		{ "\0\12\1x\1\5y\0", 8 },		/* longer than there is */
	};
	static const char	 good[] = "\0\12\1x\1\1y\0", start[] = "\0\1\0\0\0\0\0\0\0\7";
	struct cur		 cur;
	struct conf		*c;
	void			*exact;
	size_t			 i;

	for (i = 0; i <= sizeof(t) / sizeof(t[0]); i++) {
		const char	*p = i < sizeof(t) / sizeof(t[0]) ? t[i].p : good;
		size_t		 len = i < sizeof(t) / sizeof(t[0]) ? t[i].len : 8;

		ATF_REQUIRE((c = conf_new()) != NULL);
		cur_init(&cur, start, 10);
		ATF_REQUIRE_EQ(0, conf_item(c, &cur, -1));
		ATF_REQUIRE((exact = malloc(len)) != NULL);
		memcpy(exact, p, len);
		cur_init(&cur, exact, len);
		ATF_CHECK_EQ_MSG(p == good ? 0 : -1, conf_item(c, &cur, -1), "item %zu", i);
		free(exact);
		conf_free(c);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, all);
	ATF_TP_ADD_TC(tp, refused);
	ATF_TP_ADD_TC(tp, after_braces);
	ATF_TP_ADD_TC(tp, wire);
	ATF_TP_ADD_TC(tp, malformed);
	return (atf_no_error());
}
