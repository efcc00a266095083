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

/* URLs and HTTP answers: what is read, and every way to be malformed. */

#include <sys/types.h>

#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl_http.h"

#define BODY_MAX	64

static int	 run(struct http **, const void *, size_t, size_t, int);
static void	 same(const char *, unsigned, const char *, const char *, int);

/* The bytes in pieces of step, each from a heap copy of its exact size. */
static int
run(struct http **h, const void *p, size_t len, size_t step, int end)
{
	uint8_t	*copy;
	size_t	 off, n;
	int	 r = 0;

	ATF_REQUIRE((*h = http_new(BODY_MAX)) != NULL);
	for (off = 0; off < len && r != -1; off += n) {
		n = len - off < step ? len - off : step;
		ATF_REQUIRE((copy = malloc(n)) != NULL);
		memcpy(copy, (const char *)p + off, n);
		r = http_feed(*h, copy, n);
		free(copy);
	}
	return (r == 0 && end ? http_end(*h) : r);
}

static void
same(const char *text, unsigned status, const char *type, const char *body,
    int end)
{
	const struct http_answer	*a;
	struct http			*h;
	size_t				 step;

	for (step = 1; step <= strlen(text); step++) {
		ATF_REQUIRE_EQ_MSG(1, run(&h, text, strlen(text), step, end),
		    "%s: in steps of %zu: %s", text, step,
		    http_why(h) != NULL ? http_why(h) : "more wanted");
		a = http_answer(h);
		ATF_CHECK_EQ(status, a->ha_status);
		ATF_CHECK_STREQ(type, a->ha_type);
		ATF_CHECK_EQ(strlen(body), a->ha_len);
		ATF_CHECK(a->ha_len == 0 || memcmp(a->ha_body, body,
		    a->ha_len) == 0);
		http_free(h);
	}
}

ATF_TC_WITHOUT_HEAD(good);
ATF_TC_BODY(good, tc)
{
	same("HTTP/1.1 200 OK\r\nContent-Type: Application/PKIX-Cert\r\n"
	    "Content-Length: 5\r\n\r\nhello", 200, "application/pkix-cert",
	    "hello", 0);
	same("HTTP/1.1 403 \r\ncontent-type:text/plain ; charset=utf-8\r\n"
	    "CONTENT-LENGTH: \t7 \t\r\n\r\nbad_CSR", 403, "text/plain",
	    "bad_CSR", 0);
	same("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, "", "", 0);
	same("HTTP/1.0 200 ok\r\nContent-type: text/plain\r\n\r\nup to the end",
	    200, "text/plain", "up to the end", 1);
	same("HTTP/1.1 204 No Content\r\n\r\n", 204, "", "", 0);
	same("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, "",
	    "", 0);
	same("HTTP/1.1 100 Continue\r\nContent-Type: x/y\r\n\r\n"
	    "HTTP/1.1 103 Early Hints\r\n\r\n"
	    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, "", "x", 0);
	same("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
	    "5\r\nhello\r\n00A;a=b;c=\"d\"\r\n0123456789\r\n1 ;x\r\n!\r\n0\r\n"
	    "Trailer: x\r\n\r\n", 200, "", "hello0123456789!", 0);
	same("HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\n"
	    "Content-Length: 2\r\n\r\n\r\n", 200, "", "\r\n", 0);
}

ATF_TC_WITHOUT_HEAD(location);
ATF_TC_BODY(location, tc)
{
	static const char	 text[] = "HTTP/1.1 302 Found\r\n"
	    "Location: https://x.test/y\r\nContent-Length: 0\r\n\r\n";
	struct http		*h;

	ATF_REQUIRE_EQ(1, run(&h, text, strlen(text), 7, 0));
	ATF_CHECK_STREQ("https://x.test/y", http_answer(h)->ha_location);
	http_free(h);
}

ATF_TC_WITHOUT_HEAD(every_prefix);
ATF_TC_BODY(every_prefix, tc)
{
	static const char	*const text[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "5\r\nhello\r\n0\r\n\r\n"
	};
	struct http		*h;
	size_t			 i, n;

	for (i = 0; i < 2; i++) {
		for (n = 0; n < strlen(text[i]); n++) {
			ATF_CHECK_EQ_MSG(0, run(&h, text[i], n, 9999, 0),
			    "%zu bytes of %zu", n, i);
			ATF_CHECK_EQ(-1, http_end(h));
			ATF_CHECK(http_why(h) != NULL);
			http_free(h);
		}
	}
}

ATF_TC_WITHOUT_HEAD(malformed);
ATF_TC_BODY(malformed, tc)
{
#define OK	"HTTP/1.1 200 OK\r\n"
#define CHUNKS	OK "Transfer-Encoding: chunked\r\n\r\n"
	static const struct {
		const char	*text, *why;
	} t[] = {
		{ "220 m", "does not begin with" },
		{ "HTTP/1.1\r\n\r\n", "does not begin with" },
		{ "nonsense\r\n\r\n", "does not begin with" },
		{ "\r\n\r\n\r\n", "does not begin with" },
		{ "HTTP/2 200 OK\r\n\r\n", "is neither HTTP/1.1" },
		{ "HTTP/1.2 200 OK\r\n\r\n", "is neither HTTP/1.1" },
		{ "http/1.1 200 OK\r\n\r\n", "does not begin with" },
		{ "HTTP/1.1 20 OK\r\n\r\n", "has no status" },
		{ "HTTP/1.1 2000 OK\r\n\r\n", "has no status" },
		{ "HTTP/1.1 099 OK\r\n\r\n", "has no status" },
		{ "HTTP/1.1  200 OK\r\n\r\n", "has no status" },
		{ "HTTP/1.1 2x0 OK\r\n\r\n", "has no status" },
		{ "HTTP/1.1 101 Switching\r\n\r\n", "has too much before" },
		{ "HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 b\r\n\r\n"
		    "HTTP/1.1 100 c\r\n\r\nHTTP/1.1 100 d\r\n\r\n"
		    "HTTP/1.1 100 e\r\n\r\n", "has too much before" },
		{ OK "X\r\n\r\n", "has a malformed header" },
		{ OK ": x\r\n\r\n", "has a malformed header" },
		{ OK "X : x\r\n\r\n", "has a malformed header" },
		{ OK "X: a\r\n folded\r\n\r\n", "has a malformed header" },
		{ OK "X: a\rb\r\n\r\n", "has a malformed header" },
		{ OK "X: a\nY: b\r\n\r\n", "has a malformed header" },
		{ OK "X: \001\r\n\r\n", "has a malformed header" },
		{ OK "X: \177\r\n\r\n", "has a malformed header" },
		{ OK "X: a\n\r\n\r\n", "has a malformed header" },
		{ OK "Content-Length: 5, 5\r\n\r\n", "has no single" },
		{ OK "Content-Length: -1\r\n\r\n", "has no single" },
		{ OK "Content-Length: +1\r\n\r\n", "has no single" },
		{ OK "Content-Length: 0x1\r\n\r\n", "has no single" },
		{ OK "Content-Length:\r\n\r\n", "has no single" },
		{ OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
		    "has no single" },
		{ OK "Content-Length: 18446744073709551617\r\n\r\n",
		    "has no single" },
		{ OK "Content-Length: 65\r\n\r\n", "is longer" },
		{ OK "Content-Length: 4294967295\r\n\r\n", "is longer" },
		{ OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		    "has both" },
		{ "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		    "has both" },
		{ OK "Transfer-Encoding: gzip, chunked\r\n\r\n",
		    "has a Transfer-Encoding" },
		{ OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"
		    "\r\n\r\n", "has a Transfer-Encoding" },
		{ OK "Content-Encoding: gzip\r\n\r\n", "has a Content-Enc" },
		{ OK "Content-Type: a/b\r\nContent-Type: a/b\r\n\r\n",
		    "has two" },
		{ OK "Content-Type: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n",
		    "has an overlong" },
		{ OK "Content-Length: 1\r\n\r\nab", "goes on after" },
		{ "HTTP/1.1 204 X\r\n\r\na", "goes on after" },
		{ CHUNKS "\r\n", "has a malformed chunk" },
		{ CHUNKS "x\r\n", "has a malformed chunk" },
		{ CHUNKS "-1\r\n", "has a malformed chunk" },
		{ CHUNKS "1 x\r\n", "has a malformed chunk" },
		{ CHUNKS "1\n", "has a malformed chunk" },
		{ CHUNKS "1;a\001\r\n", "has a malformed chunk" },
		{ CHUNKS "000000001\r\n", "has a malformed chunk" },
		{ CHUNKS "1\r\nab\r\n", "has a malformed chunk" },
		{ CHUNKS "1\r\na\n", "has a malformed chunk" },
		{ CHUNKS "41\r\n", "is longer" },
		{ CHUNKS "ffffffff\r\n", "is longer" },
		{ CHUNKS "1\r\na\r\n40\r\n", "is longer" },
		{ CHUNKS "0\r\nX: \001\r\n\r\n", "has a malformed trailer" },
		{ CHUNKS "0\r\n\n", "has a malformed trailer" },
		{ CHUNKS "0\r\n\r\nx", "goes on after" },
	};
	struct http	*h;
	size_t		 i, step;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		for (step = 1; step < 4; step++) {
			ATF_CHECK_EQ_MSG(-1, run(&h, t[i].text,
			    strlen(t[i].text), step == 3 ? 9999 : step, 0),
			    "%s", t[i].text);
			ATF_CHECK_MSG(http_why(h) != NULL && strncmp(
			    http_why(h), t[i].why, strlen(t[i].why)) == 0,
			    "%s: %s", t[i].text, http_why(h));
			/* It stays so. */
			ATF_CHECK_EQ(-1, http_feed(h, "x", 1));
			ATF_CHECK_EQ(-1, http_end(h));
			http_free(h);
		}
	}
}

ATF_TC_WITHOUT_HEAD(nul);
ATF_TC_BODY(nul, tc)
{
	static const char	 text[] = OK "X: \0\r\n\r\n";
	struct http		*h;

	ATF_CHECK_EQ(-1, run(&h, text, sizeof(text) - 1, 9999, 0));
	http_free(h);
}

ATF_TC_WITHOUT_HEAD(limits);
ATF_TC_BODY(limits, tc)
{
	struct http	*h;
	char		*buf;
	size_t		 i, len;

	ATF_REQUIRE((buf = malloc(3 * HTTP_HEAD_MAX)) != NULL);
	/* A head without end. */
	len = (size_t)sprintf(buf, OK "X: ");
	memset(buf + len, 'x', 3 * HTTP_HEAD_MAX - len);
	ATF_CHECK_EQ(0, run(&h, buf, HTTP_HEAD_MAX, 1000, 0));
	http_free(h);
	ATF_CHECK_EQ(-1, run(&h, buf, HTTP_HEAD_MAX + 1, 1000, 0));
	ATF_CHECK_STREQ("has too long a header", http_why(h));
	http_free(h);
	/* Fields. */
	len = (size_t)sprintf(buf, OK);
	for (i = 0; i < HTTP_FIELDS_MAX; i++)
		len += (size_t)sprintf(buf + len, "X: %zu\r\n", i);
	(void)sprintf(buf + len, "\r\n");
	ATF_CHECK_EQ(0, run(&h, buf, strlen(buf), 9999, 0));
	http_free(h);
	(void)sprintf(buf + len, "X: x\r\n\r\n");
	ATF_CHECK_EQ(-1, run(&h, buf, strlen(buf), 9999, 0));
	ATF_CHECK_STREQ("has too many header fields", http_why(h));
	http_free(h);
	/* A body without end, told and not. */
	len = (size_t)sprintf(buf, OK "\r\n");
	memset(buf + len, 'x', BODY_MAX + 1);
	ATF_CHECK_EQ(1, run(&h, buf, len + BODY_MAX, 9, 1));
	http_free(h);
	ATF_CHECK_EQ(-1, run(&h, buf, len + BODY_MAX + 1, 9, 1));
	ATF_CHECK_STREQ("is longer than is allowed", http_why(h));
	http_free(h);
	/* A line of a chunk; a trailer. */
	len = (size_t)sprintf(buf, CHUNKS "1;");
	memset(buf + len, 'x', 300);
	ATF_CHECK_EQ(-1, run(&h, buf, len + 300, 9999, 0));
	ATF_CHECK_STREQ("has a malformed chunk", http_why(h));
	http_free(h);
	len = (size_t)sprintf(buf, CHUNKS "0\r\n");
	for (i = 0; i < HTTP_HEAD_MAX / 5 + 1; i++)
		len += (size_t)sprintf(buf + len, "a:b\r\n");
	ATF_CHECK_EQ(-1, run(&h, buf, len, 9999, 0));
	ATF_CHECK_STREQ("has too long a trailer", http_why(h));
	http_free(h);
	/* Nothing at all. */
	ATF_CHECK_EQ(-1, run(&h, "", 0, 1, 1));
	ATF_CHECK_STREQ("never came: the connection was closed", http_why(h));
	http_free(h);
	http_free(NULL);
	free(buf);
}

ATF_TC_WITHOUT_HEAD(urls);
ATF_TC_BODY(urls, tc)
{
	static const struct {
		const char	*text, *host, *path, *authority;
		unsigned	 port, literal;
	} good[] = {
		{ "https://overlay.test", "overlay.test", "/", "overlay.test",
		    443, 0 },
		{ "HTTPS://Overlay.Test:443/a/b?c=d&e", "Overlay.Test",
		    "/a/b?c=d&e", "Overlay.Test", 443, 0 },
		{ "https://x?y", "x", "/?y", "x", 443, 0 },
		{ "https://192.0.2.1:8443/", "192.0.2.1", "/",
		    "192.0.2.1:8443", 8443, 1 },
		{ "https://[2001:db8::1]:1/x", "2001:db8::1", "/x",
		    "[2001:db8::1]:1", 1, 1 },
		{ "https://[::1]", "::1", "/", "[::1]", 443, 1 },
	};
	static const char	*const bad[] = {
		"", "overlay.test", "http://overlay.test/", "https:/x",
		"https://", "https:///x", "https://:443/", "https://user@x/",
		"https://x:0/", "https://x:65536/", "https://x:/",
		"https://x:1x/", "https://x y/", "https://x/a b",
		"https://x/#f", "https://x/\t", "https://x/\r\nHost: y",
		"https://-x/", "https://.x/", "https://a..b/",
		"https://[::1/", "https://[]/", "https://[192.0.2.1]/",
		"https://[fe80::1%25eth0]/", "https://x\\y/", "https://x/\177",
		"https://x/\303\244"
	};
	const char	*why;
	struct url	 u;
	char		 buf[300], text[2048];
	size_t		 i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ATF_REQUIRE_EQ_MSG(0, url_parse(good[i].text, &u, &why),
		    "%s: %s", good[i].text, why);
		ATF_CHECK_STREQ(good[i].host, u.u_host);
		ATF_CHECK_STREQ(good[i].path, u.u_path);
		ATF_CHECK_EQ(good[i].port, u.u_port);
		ATF_CHECK_EQ(good[i].literal, u.u_literal);
		ATF_CHECK_STREQ(good[i].authority, url_authority(&u, buf,
		    sizeof(buf)));
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why = NULL;
		ATF_CHECK_EQ_MSG(-1, url_parse(bad[i], &u, &why), "%s",
		    bad[i]);
		ATF_CHECK(why != NULL);
	}
	/* The longest that fit, and one more. */
	for (i = 0; i < 2; i++) {
		(void)snprintf(text, sizeof(text), "https://%0*d/",
		    URL_HOST_SIZE - 1 + (int)i, 1);
		ATF_CHECK_EQ(i == 0 ? 0 : -1, url_parse(text, &u, &why));
		(void)snprintf(text, sizeof(text), "https://x/%0*d",
		    URL_PATH_SIZE - 2 + (int)i, 1);
		ATF_CHECK_EQ(i == 0 ? 0 : -1, url_parse(text, &u, &why));
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, good);
	ATF_TP_ADD_TC(tp, location);
	ATF_TP_ADD_TC(tp, every_prefix);
	ATF_TP_ADD_TC(tp, malformed);
	ATF_TP_ADD_TC(tp, nul);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, urls);
	return (atf_no_error());
}
