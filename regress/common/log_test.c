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

/* Tests of common/log.c. */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"

static const char	*line(int);
static const char	*stderr_of(void (*)(void));

static const char *
line(int fd)
{
	static char	buf[4096];
	ssize_t		n;

	if ((n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT)) == -1)
		return ("");
	buf[n] = '\0';
	return (buf);
}

static const char *
stderr_of(void (*f)(void))
{
	static char	buf[8192];
	size_t		n = 0;
	ssize_t		r;
	int		p[2], keep;

	ATF_REQUIRE_EQ(0, pipe(p));
	keep = dup(STDERR_FILENO);
	dup2(p[1], STDERR_FILENO);
	close(p[1]);
	f();
	fflush(stderr);
	dup2(keep, STDERR_FILENO);
	close(keep);
	while ((r = read(p[0], buf + n, sizeof(buf) - 1 - n)) > 0)
		n += (size_t)r;
	buf[n] = '\0';
	close(p[0]);
	return (buf);
}

ATF_TC_WITHOUT_HEAD(datagrams);
ATF_TC_BODY(datagrams, tc)
{
	char	long_text[3000];
	int	sv[2];

	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	log_init_fd("key", 0, sv[0]);
	log_info("route %d", 7);
	ATF_CHECK_STREQ("6route 7", line(sv[1]));
	errno = ENOENT;
	log_warn("open %s", "x");
	ATF_CHECK_EQ(ENOENT, errno);
	ATF_CHECK_STREQ("4open x: No such file or directory", line(sv[1]));
	log_warnx("text");
	ATF_CHECK_STREQ("4text", line(sv[1]));
	log_debug("not now");
	ATF_CHECK_STREQ("", line(sv[1]));
	log_setverbose(1);
	ATF_CHECK_EQ(1, log_getverbose());
	log_debug("now");
	ATF_CHECK_STREQ("7now", line(sv[1]));
	memset(long_text, 'a', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	log_info("%s", long_text);
	ATF_CHECK_EQ(LOG_LINE_MAX, strlen(line(sv[1])));
	log_init_stderr("log_test", 0);
	close(sv[0]);
	close(sv[1]);
}

/* A parent that does not read costs lines, which are counted, not time. */
ATF_TC_WITHOUT_HEAD(lost);
ATF_TC_BODY(lost, tc)
{
	int	i, sv[2], got = 0;

	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	log_init_fd("key", 0, sv[0]);
	for (i = 0; i < 5000; i++)
		log_info("line %d", i);
	while (line(sv[1])[0] != '\0')
		got++;
	ATF_CHECK(got > 0 && got < 5000);
	log_info("after");
	ATF_CHECK_EQ(5000 - got, atoi(line(sv[1]) + 1));
	ATF_CHECK_STREQ("6after", line(sv[1]));
	log_init_stderr("log_test", 0);
}

static void
relay_hostile(void)
{
	log_init_stderr("viprd", 0);
	log_relay("sipgw[7]", LOG_INFO, "a\nviprd: forged\r\x1b[2J\x7f" "b");
}

static void
fatal_text(void)
{
	pid_t	pid;
	int	status;

	log_init_stderr("viprd", 0);
	if ((pid = fork()) == 0) {
		errno = EACCES;
		fatal("chroot %s", "/x");
	}
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	if ((pid = fork()) == 0)
		fatalx("no");
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

ATF_TC_WITHOUT_HEAD(relay);
ATF_TC_BODY(relay, tc)
{
	const char	*s;

	ATF_CHECK_STREQ("sipgw[7]: a?viprd: forged??[2J?b\n",
	    stderr_of(relay_hostile));
	s = stderr_of(fatal_text);
	ATF_CHECK(strncmp(s, "viprd[", 6) == 0);
	ATF_CHECK(strstr(s, "]: fatal: chroot /x: Permission denied\n") !=
	    NULL);
	ATF_CHECK(strstr(s, "]: fatal: no\n") != NULL);
}

ATF_TC_WITHOUT_HEAD(escape);
ATF_TC_BODY(escape, tc)
{
	char		 many[5000];
	const char	*s;
	size_t		 i;

	ATF_CHECK_STREQ("plain text", log_str("plain text", 10));
	ATF_CHECK_STREQ("", log_str("", 0));
	ATF_CHECK_STREQ("", log_str(NULL, 0));
	ATF_CHECK_STREQ("a\\nb\\tc\\\\", log_str("a\nb\tc\\", 6));
	for (i = 0; i < sizeof(many); i++)
		many[i] = (char)i;
	s = log_str(many, sizeof(many));
	ATF_CHECK(strlen(s) < 210);
	ATF_CHECK_STREQ("...", s + strlen(s) - 3);
	for (; *s != '\0'; s++)
		ATF_CHECK(*s >= ' ' && *s < 0x7f);
	/* Four at once in one line. */
	ATF_CHECK(strcmp(log_str("a", 1), log_str("b", 1)) != 0);
}

ATF_TC_WITHOUT_HEAD(limit);
ATF_TC_BODY(limit, tc)
{
	struct log_limit	ll = { "things", 3, 1000, 0, 0, 0 };
	unsigned long long	now = 1000000;
	int			i, sv[2], n = 0;

	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	log_init_fd("sipgw", 0, sv[0]);
	for (i = 0; i < 10; i++)
		n += log_allow(&ll, now);
	ATF_CHECK_EQ(3, n);
	ATF_CHECK_STREQ("", line(sv[1]));
	ATF_CHECK_EQ(0, log_allow(&ll, now + 999));
	ATF_CHECK_EQ(1, log_allow(&ll, now + 1000));
	ATF_CHECK_STREQ("6things: 8 not shown", line(sv[1]));
	ATF_CHECK_EQ(0, log_allow(&ll, now + 1999));
	/* Long quiet: a whole burst, and no more. */
	now += 1000000000;
	for (i = 0, n = 0; i < 10; i++)
		n += log_allow(&ll, now);
	ATF_CHECK_EQ(3, n);
	/* A clock that steps back does not silence us for ever. */
	now -= 500000000;
	ATF_CHECK_EQ(0, log_allow(&ll, now));
	ATF_CHECK_EQ(1, log_allow(&ll, now + 1000));
	log_init_stderr("log_test", 0);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, datagrams);
	ATF_TP_ADD_TC(tp, lost);
	ATF_TP_ADD_TC(tp, relay);
	ATF_TP_ADD_TC(tp, escape);
	ATF_TP_ADD_TC(tp, limit);
	return (atf_no_error());
}
