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

/* Tests of common/addr.c and common/vipr.c. */

#include <sys/types.h>
#include <sys/socket.h>

#include <atf-c.h>
#include <string.h>

#include "addr.h"
#include "vipr.h"

ATF_TC_WITHOUT_HEAD(text);
ATF_TC_BODY(text, tc)
{
	static const char *const bad[] = { "", "a", "192.0.2", "192.0.2.256",
	    "192.0.2.1 ", "[::1]", "fe80::1%lo", "192.0.2.1:5060", "::g",
	    "0x7f.1", "1" };
	struct vaddr	va, vb;
	char		buf[VADDR_STRLEN];
	size_t		i;

	ATF_CHECK_EQ(0, vaddr_parse("192.0.2.1", 5061, &va));
	ATF_CHECK_EQ(4, va.va_family);
	ATF_CHECK_STREQ("192.0.2.1:5061", vaddr_str(&va, buf, sizeof(buf)));
	ATF_CHECK_STREQ("192.0.2.1", vaddr_host(&va, buf, sizeof(buf)));
	ATF_CHECK_EQ(0, vaddr_parse("2001:db8::1", 80, &vb));
	ATF_CHECK_EQ(6, vb.va_family);
	ATF_CHECK_STREQ("[2001:db8::1]:80", vaddr_str(&vb, buf, sizeof(buf)));
	ATF_CHECK_STREQ("2001:db8::1", vaddr_host(&vb, buf, sizeof(buf)));
	ATF_CHECK_EQ(0, vaddr_parse("ffff:ffff:ffff:ffff:ffff:ffff:"
	    "255.255.255.255", 65535, &vb));
	ATF_CHECK_STREQ("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	    vaddr_str(&vb, buf, sizeof(buf)));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ATF_CHECK_EQ_MSG(-1, vaddr_parse(bad[i], 1, &va), "%s",
		    bad[i]);
		ATF_CHECK_EQ(0, va.va_family);
	}
	memset(&va, 0, sizeof(va));
	ATF_CHECK_STREQ("none", vaddr_host(&va, buf, sizeof(buf)));
}

ATF_TC_WITHOUT_HEAD(sockaddr);
ATF_TC_BODY(sockaddr, tc)
{
	static const char *const hosts[] = { "192.0.2.9", "2001:db8::9" };
	struct sockaddr_storage	 ss;
	struct vaddr		 va, vb;
	size_t			 i;

	for (i = 0; i < 2; i++) {
		ATF_REQUIRE_EQ(0, vaddr_parse(hosts[i], 1234, &va));
		ATF_CHECK(vaddr_to_sa(&va, &ss) <= sizeof(ss));
		ATF_CHECK_EQ(0, vaddr_from_sa((struct sockaddr *)&ss, &vb));
		ATF_CHECK(vaddr_eq(&va, &vb));
		ATF_CHECK(vaddr_host_eq(&va, &vb));
		vb.va_port++;
		ATF_CHECK(!vaddr_eq(&va, &vb));
		ATF_CHECK(vaddr_host_eq(&va, &vb));
		vb.va_addr[3]++;
		ATF_CHECK(!vaddr_host_eq(&va, &vb));
	}
	ss.ss_family = AF_UNIX;
	ATF_CHECK_EQ(-1, vaddr_from_sa((struct sockaddr *)&ss, &vb));
	ATF_CHECK_EQ(0, vb.va_family);
	/* Bytes after an IPv4 address do not count. */
	ATF_REQUIRE_EQ(0, vaddr_parse("192.0.2.9", 1, &va));
	vb = va;
	vb.va_addr[7] = 1;
	ATF_CHECK(vaddr_eq(&va, &vb));
}

ATF_TC_WITHOUT_HEAD(special);
ATF_TC_BODY(special, tc)
{
	static const struct {
		const char	*host, *what;
	} table[] = {
		{ "0.0.0.0", "unspecified" }, { "0.1.2.3", "unspecified" },
		{ "127.0.0.1", "loopback" }, { "127.255.255.255", "loopback" },
		{ "10.0.0.1", "private" }, { "172.16.0.1", "private" },
		{ "172.31.255.255", "private" }, { "172.32.0.1", NULL },
		{ "172.15.255.255", NULL }, { "192.168.1.1", "private" },
		{ "192.169.0.1", NULL }, { "100.64.0.1", "private" },
		{ "100.127.255.255", "private" }, { "100.128.0.1", NULL },
		{ "169.254.1.1", "link-local" }, { "224.0.0.1", "multicast" },
		{ "239.255.255.255", "multicast" },
		{ "240.0.0.1", "reserved" }, { "255.255.255.255", "reserved" },
		{ "192.0.2.1", NULL }, { "8.8.8.8", NULL },
		{ "::", "unspecified" }, { "::1", "loopback" },
		{ "::127.0.0.1", "loopback" }, { "fe80::1", "link-local" },
		{ "febf::1", "link-local" }, { "fec0::1", "private" },
		{ "fc00::1", "private" }, { "fd12::1", "private" },
		{ "ff02::1", "multicast" }, { "2001:db8::1", NULL },
		{ "::ffff:127.0.0.1", "loopback" },
		{ "::ffff:10.1.2.3", "private" }, { "::ffff:8.8.8.8", NULL },
		{ "64:ff9b::10.0.0.1", "private" },
		{ "64:ff9b::8.8.8.8", NULL },
		{ "2002:7f00:1::", "loopback" }, { "2002:808:808::", NULL }
	};
	struct vaddr	 va;
	const char	*what;
	size_t		 i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		ATF_REQUIRE_EQ(0, vaddr_parse(table[i].host, 1, &va));
		what = vaddr_special(&va);
		if (table[i].what == NULL)
			ATF_CHECK_MSG(what == NULL, "%s", table[i].host);
		else
			ATF_CHECK_STREQ_MSG(table[i].what,
			    what == NULL ? "public" : what, "%s",
			    table[i].host);
	}
	memset(&va, 0, sizeof(va));
	ATF_CHECK_STREQ("unspecified", vaddr_special(&va));
}

ATF_TC_WITHOUT_HEAD(names);
ATF_TC_BODY(names, tc)
{
	unsigned	i;

	for (i = 1; i <= REFUSAL_POLICY; i++)
		ATF_CHECK_EQ(i, refusal_parse(refusal_str(i),
		    strlen(refusal_str(i))));
	ATF_CHECK_STREQ("", refusal_str(REFUSAL_NONE));
	ATF_CHECK_EQ(REFUSAL_NONE, refusal_parse("", 0));
	ATF_CHECK_EQ(REFUSAL_NONE, refusal_parse("policyx", 7));
	ATF_CHECK_EQ(REFUSAL_NONE, refusal_parse("polic", 5));
	ATF_CHECK_EQ(REFUSAL_BUSY, refusal_parse("Busy", 4));
	for (i = 0; i < 300; i++) {
		ATF_CHECK(role_str(i) != NULL);
		ATF_CHECK(refusal_str(i) != NULL);
		ATF_CHECK(route_state_str(i) != NULL);
	}
	ATF_CHECK_STREQ("sipgw", role_str(ROLE_SIP));
	ATF_CHECK_STREQ("removed", route_state_str(ROUTE_REMOVED));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, text);
	ATF_TP_ADD_TC(tp, sockaddr);
	ATF_TP_ADD_TC(tp, special);
	ATF_TP_ADD_TC(tp, names);
	return (atf_no_error());
}
