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
 * SIP, SIPS and tel URIs: the grammar and the comparison of RFC 3261 19.1.
 */
#include <sys/types.h>

#include <atf-c.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sip_uri.h"

static struct span
sp(const char *s)
{
	struct span	r;

	r.p = s;
	r.len = strlen(s);
	return (r);
}

static int
eq(const char *a, const char *b)
{
	struct sip_uri	x, y;

	ATF_REQUIRE_EQ_MSG(0, sip_uri_parse(sp(a), &x), "%s", a);
	ATF_REQUIRE_EQ_MSG(0, sip_uri_parse(sp(b), &y), "%s", b);
	ATF_CHECK_EQ(sip_uri_eq(&x, &y), sip_uri_eq(&y, &x));
	return (sip_uri_eq(&x, &y));
}

ATF_TC_WITHOUT_HEAD(good);
ATF_TC_BODY(good, tc)
{
	struct sip_uri	u;
	struct span	v;
	struct vaddr	va;
	char		buf[DOMAIN_SIZE];

	ATF_REQUIRE_EQ(0, sip_uri_parse(sp("sip:alice:secretword@atlanta.example;transport=tcp"), &u));
	ATF_CHECK_EQ(URI_SIP, u.su_scheme);
	ATF_CHECK(span_eq(u.su_user, "alice"));
	ATF_CHECK_EQ(1, u.su_has_password);
	ATF_CHECK(span_eq(u.su_password, "secretword"));
	ATF_CHECK(span_eq(u.su_host, "atlanta.example"));
	ATF_CHECK_EQ(1, sip_uri_param(&u, "Transport", &v));
	ATF_CHECK(span_eq(v, "tcp"));
	ATF_CHECK_EQ(0, sip_uri_is_tls(&u));

	ATF_REQUIRE_EQ(0, sip_uri_parse(sp("sips:alice@atlanta.example?subject=project%20x&priority=urgent"), &u));
	ATF_CHECK_EQ(URI_SIPS, u.su_scheme);
	ATF_CHECK_EQ(1, u.su_has_headers);
	ATF_CHECK(span_eq(u.su_headers, "subject=project%20x&priority=urgent"));
	ATF_CHECK_EQ(1, sip_uri_is_tls(&u));

	ATF_REQUIRE_EQ(0, sip_uri_parse(sp("SIP:+1-212-555-1212:1234@gateway.example;user=phone"), &u));
	ATF_CHECK(span_eq(u.su_user, "+1-212-555-1212"));
	ATF_REQUIRE_EQ(0, sip_uri_parse(sp("sip:atlanta.example;method=REGISTER?to=alice%40atlanta.example"), &u));
	ATF_CHECK_EQ(0, u.su_has_user);
	ATF_CHECK(span_eq(u.su_host, "atlanta.example"));
	ATF_REQUIRE_EQ(0, sip_uri_parse(sp("sip:alice;day=tuesday@atlanta.example"), &u));
	ATF_CHECK(span_eq(u.su_user, "alice;day=tuesday"));
	ATF_REQUIRE_EQ(0, sip_uri_parse(sp("sip:a@[2001:db8::9:1]:5070;lr"), &u));
	ATF_CHECK_EQ(1, u.su_ipv6);
	ATF_CHECK_EQ(5070, u.su_port);
	ATF_REQUIRE_EQ(0, sip_uri_addr(&u, &va));
	ATF_CHECK_EQ(6, va.va_family);
	ATF_CHECK_EQ(5070, va.va_port);
	ATF_REQUIRE_EQ(0, sip_uri_parse(sp("sip:192.0.2.1;transport=TLS"), &u));
	ATF_REQUIRE_EQ(0, sip_uri_addr(&u, &va));
	ATF_CHECK_EQ(5061, va.va_port);
	ATF_CHECK_EQ(1, sip_uri_is_tls(&u));
	ATF_REQUIRE_EQ(0, sip_uri_parse(sp("sip:x@B.Example."), &u));
	ATF_REQUIRE_EQ(0, sip_uri_host(&u, buf));
	ATF_CHECK_STREQ("b.example", buf);
	ATF_CHECK_EQ(-1, sip_uri_addr(&u, &va));

	ATF_REQUIRE_EQ(0, sip_uri_parse(sp("tel:+1-201-555-0123;phone-context=x"), &u));
	ATF_CHECK_EQ(URI_TEL, u.su_scheme);
	ATF_CHECK(span_eq(u.su_user, "+1-201-555-0123"));
	ATF_CHECK(span_eq(u.su_params, "phone-context=x"));
	ATF_REQUIRE_EQ(0, sip_uri_parse(sp("http://x"), &u));
	ATF_CHECK_EQ(URI_OTHER, u.su_scheme);
	/* A '@' behind the host belongs to a parameter. */
	ATF_REQUIRE_EQ(0, sip_uri_parse(sp("sip:host.example;p=a@b"), &u));
	/* ... but a user part may hold all of that, and this reading wins
	 * where it is a valid one (RFC 3261 25.1: '@' ends userinfo). */
	ATF_CHECK(span_eq(u.su_host, "b"));
}

ATF_TC_WITHOUT_HEAD(bad);
ATF_TC_BODY(bad, tc)
{
	static const char *const t[] = {
		"", "sip", "sip:", ":x", "sip:@host", "sip:a@", "sip:a@host:", "sip:a@host:0",
		"sip:a@host:65536", "sip:a@host:x", "sip:a@[::1", "sip:a@::1", "sip:a@[]",
		"sip:a@[fe80::1%eth0]", "sip:a b@host", "sip:a@ho st", "sip:a%4@host",
		"sip:a%zz@host", "sip:a%@host", "sip:a@host;", "sip:a@host;x=%1", "sip:a@b@c",
		"sip:a@host?x=%", "sip:\"a\"@host", "sip:<a>@host", "sip:a\x01@host",
		"sip:a@host\x80", "tel:", "tel:abcxyz", "tel:+1 2", "tel:+1;", "1x:", "a b:c",
		"sip:a:b c@host"
	};
	struct sip_uri	u;
	size_t		i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ATF_CHECK_EQ_MSG(-1, sip_uri_parse(sp(t[i]), &u), "accepted: %s", t[i]);
}

/* RFC 3261 19.1.4. */
ATF_TC_WITHOUT_HEAD(compare);
ATF_TC_BODY(compare, tc)
{
	ATF_CHECK_EQ(1, eq("sip:%61lice@atlanta.example;transport=TCP",
	    "sip:alice@AtlanTa.ExAmPle;Transport=tcp"));
	ATF_CHECK_EQ(1, eq("sip:carol@chicago.example", "sip:carol@chicago.example;newparam=5"));
	ATF_CHECK_EQ(1, eq("sip:carol@chicago.example;security=on",
	    "sip:carol@chicago.example;newparam=5"));
	ATF_CHECK_EQ(1, eq("sip:biloxi.example;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.example",
	    "sip:biloxi.example;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.example"));
	ATF_CHECK_EQ(1, eq("sip:alice@atlanta.example?subject=project%20x&priority=urgent",
	    "sip:alice@atlanta.example?priority=urgent&subject=project%20x"));
	ATF_CHECK_EQ(0, eq("SIP:ALICE@AtLanTa.ExAmPle;Transport=udp",
	    "sip:alice@AtLanTa.ExAmPle;Transport=UDP"));
	ATF_CHECK_EQ(0, eq("sip:bob@biloxi.example", "sip:bob@biloxi.example:5060"));
	ATF_CHECK_EQ(0, eq("sip:bob@biloxi.example", "sip:bob@biloxi.example;transport=udp"));
	ATF_CHECK_EQ(0, eq("sip:bob@biloxi.example", "sip:bob@biloxi.example:6000;transport=tcp"));
	ATF_CHECK_EQ(0, eq("sip:carol@chicago.example", "sip:carol@chicago.example?Subject=next%20meeting"));
	ATF_CHECK_EQ(0, eq("sip:bob@phone21.boxesbybob.example", "sip:bob@192.0.2.4"));
	ATF_CHECK_EQ(0, eq("sip:carol@chicago.example;security=on",
	    "sip:carol@chicago.example;security=off"));
	ATF_CHECK_EQ(0, eq("sip:a@b", "sips:a@b"));
	ATF_CHECK_EQ(0, eq("sip:a@b", "sip:b"));
	/* Too many parameters to compare without cost: equal to none. */
	{
		char	big[1024] = "sip:a@b";
		int	i;

		for (i = 0; i < 70; i++)
			(void)snprintf(big + strlen(big), sizeof(big) - strlen(big), ";p%d=1", i);
		ATF_CHECK_EQ(0, eq(big, big));
	}
	ATF_CHECK_EQ(1, eq("tel:+1-201-555-0123", "tel:+1(201)555.0123"));
	ATF_CHECK_EQ(0, eq("tel:+1-201-555-0123", "tel:+12015550124"));
}

ATF_TC_WITHOUT_HEAD(unescape);
ATF_TC_BODY(unescape, tc)
{
	char	buf[8];

	ATF_CHECK_EQ(4, sip_uri_unescape(sp("%2b1%32x"), buf, sizeof(buf)));
	ATF_CHECK_STREQ("+12x", buf);
	ATF_CHECK_EQ(7, sip_uri_unescape(sp("1234567"), buf, sizeof(buf)));
	ATF_CHECK_EQ(-1, sip_uri_unescape(sp("12345678"), buf, sizeof(buf)));
	ATF_CHECK_EQ(-1, sip_uri_unescape(sp("a%00b"), buf, sizeof(buf)));
	ATF_CHECK_EQ(-1, sip_uri_unescape(sp("a%2"), buf, sizeof(buf)));
	ATF_CHECK_EQ(0, sip_uri_unescape(sp(""), buf, 1));
	ATF_CHECK_EQ(-1, sip_uri_unescape(sp(""), buf, 0));
}

ATF_TC_WITHOUT_HEAD(every_prefix);
ATF_TC_BODY(every_prefix, tc)
{
	static const char t[] = "sips:%2b1408;x=y:pw@[2001:db8::1]:5061;transport=tls;lr?a=b&c=%41";
	struct sip_uri	u;
	struct span	s;
	char		*heap;
	size_t		n;

	for (n = 0; n <= sizeof(t) - 1; n++) {
		ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
		memcpy(heap, t, n);
		s.p = heap;
		s.len = n;
		(void)sip_uri_parse(s, &u);
		free(heap);
	}
	ATF_CHECK_EQ(0, sip_uri_parse(sp(t), &u));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, good);
	ATF_TP_ADD_TC(tp, bad);
	ATF_TP_ADD_TC(tp, compare);
	ATF_TP_ADD_TC(tp, unescape);
	ATF_TP_ADD_TC(tp, every_prefix);
	return (atf_no_error());
}
