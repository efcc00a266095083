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
 * config_open: listeners are bound, reused, or refused when busy; the master
 * key and the control socket, and what may be wrong with them.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <netinet/in.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "conf.h"
#include "config_parse.h"
#include "viprd.h"

static char	 why[1024];

/* Ports of this process: two tests may run at once. */
static uint16_t
port(unsigned n)
{
	return ((uint16_t)(20000 + (unsigned)getpid() % 20000 + n));
}

static struct conf *
conf_of(const char *more)
{
	struct conf	*c;
	char		 text[2048];
	int		 n;

	snprintf(text, sizeof(text), "domain a.example\n"
	    "data state\ncontrol socket ctl.sock\nmaster key \"master\"\n"
	    "sip {\nlisten inside on 127.77.1.1 port %u udp\n"
	    "listen inside on 127.77.1.1 port %u tcp\n"
	    "pbx p at 127.77.1.2 udp\n%s}\n", port(0), port(0), more);
	c = parse_config_text("t.conf", text, strlen(text), &n);
	ATF_REQUIRE(c != NULL);
	return (c);
}

static int
opened(struct conf *c, const struct conf *running, int flags)
{
	return (config_open(c, running, flags | CONFIG_UNPRIVILEGED, why,
	    sizeof(why)));
}

static void
refused(const char *more, int flags, const char *word)
{
	struct conf	*c = conf_of(more);

	ATF_CHECK_EQ(-1, opened(c, NULL, flags));
	ATF_CHECK_MSG(strstr(why, word) != NULL, "%s not in: %s", word, why);
	conf_free(c);
}

ATF_TC_WITHOUT_HEAD(listeners);
ATF_TC_BODY(listeners, tc)
{
	const struct conf_listen	*l, *m;
	struct sockaddr_in		 sin;
	struct conf			*c, *d;
	struct stat			 a, b;
	socklen_t			 len = sizeof(sin);
	int				 n = 0;

	c = conf_of("");
	ATF_REQUIRE_EQ_MSG(0, opened(c, NULL, 0), "%s", why);
	TAILQ_FOREACH(l, &c->c_listens, cl_entry) {
		n++;
		ATF_REQUIRE(l->cl_fd != -1);
		ATF_CHECK(fcntl(l->cl_fd, F_GETFD) & FD_CLOEXEC);
		ATF_CHECK(fcntl(l->cl_fd, F_GETFL) & O_NONBLOCK);
		if (l->cl_use == LISTEN_CONTROL)
			continue;
		ATF_REQUIRE_EQ(0, getsockname(l->cl_fd,
		    (struct sockaddr *)&sin, &len));
		ATF_CHECK_EQ(port(0), ntohs(sin.sin_port));
	}
	ATF_CHECK_EQ(3, n);
	/* A reload gets the same sockets, as descriptors of its own. */
	d = conf_of("");
	ATF_REQUIRE_EQ_MSG(0, opened(d, c, 0), "%s", why);
	m = TAILQ_FIRST(&d->c_listens);
	TAILQ_FOREACH(l, &c->c_listens, cl_entry) {
		ATF_CHECK(l->cl_fd != m->cl_fd);
		ATF_REQUIRE_EQ(0, fstat(l->cl_fd, &a));
		ATF_REQUIRE_EQ(0, fstat(m->cl_fd, &b));
		ATF_CHECK_EQ(a.st_ino, b.st_ino);
		m = TAILQ_NEXT(m, cl_entry);
	}
	conf_free(c);
	/* The new one goes on when the old one is gone. */
	TAILQ_FOREACH(m, &d->c_listens, cl_entry)
		ATF_CHECK(fcntl(m->cl_fd, F_GETFD) != -1);
	conf_free(d);
}

ATF_TC_WITHOUT_HEAD(busy);
ATF_TC_BODY(busy, tc)
{
	struct conf	*c;
	char		 text[128];

	c = conf_of("");
	ATF_REQUIRE_EQ_MSG(0, opened(c, NULL, 0), "%s", why);
	snprintf(text, sizeof(text), "listen on 127.77.1.1:%u tcp: Address "
	    "already in use", port(0));
	refused("", 0, text);
	conf_free(c);
	/* Nothing of the refused one is left behind. */
	c = conf_of("");
	ATF_CHECK_EQ_MSG(0, opened(c, NULL, 0), "%s", why);
	conf_free(c);
}

ATF_TC_WITHOUT_HEAD(master_key);
ATF_TC_BODY(master_key, tc)
{
	struct conf	*c;
	struct stat	 st;
	uint8_t		 one[64], two[64];
	int		 fd;

	/* A check makes nothing. */
	c = conf_of("");
	ATF_REQUIRE_EQ_MSG(0, opened(c, NULL, CONFIG_CHECK), "%s", why);
	ATF_CHECK_EQ(-1, lstat("master", &st));
	ATF_CHECK_EQ(-1, lstat("ctl.sock", &st));
	conf_free(c);
	c = conf_of("");
	ATF_REQUIRE_EQ_MSG(0, opened(c, NULL, 0), "%s", why);
	ATF_CHECK_EQ(32, pread(c->c_master.cb_fd, one, sizeof(one), 0));
	ATF_REQUIRE_EQ(0, lstat("master", &st));
	ATF_CHECK_EQ(0600, st.st_mode & 07777);
	conf_free(c);
	c = conf_of("");
	ATF_REQUIRE_EQ_MSG(0, opened(c, NULL, 0), "%s", why);
	ATF_CHECK_EQ(32, pread(c->c_master.cb_fd, two, sizeof(two), 0));
	ATF_CHECK_EQ(0, memcmp(one, two, 32));
	conf_free(c);
	ATF_REQUIRE_EQ(0, chmod("master", 0640));
	refused("", 0, "mode 0640");
	ATF_REQUIRE_EQ(0, chmod("master", 0600));
	ATF_REQUIRE_EQ(0, truncate("master", 31));
	refused("", 0, "31 bytes, expected 32");
	ATF_REQUIRE_EQ(0, rename("master", "elsewhere"));
	ATF_REQUIRE_EQ(0, symlink("elsewhere", "master"));
	refused("", 0, "symbolic link");
	ATF_REQUIRE_EQ(0, unlink("master"));
	ATF_REQUIRE_EQ(0, mkdir("master", 0700));
	refused("", 0, "not a regular file");
	ATF_REQUIRE_EQ(0, rmdir("master"));
	/* Its database is there: a new key would make it unreadable. */
	ATF_REQUIRE(mkdir("state", 0700) == 0 || access("state", F_OK) == 0);
	ATF_REQUIRE_EQ(0, mkdir("state/key", 0700));
	ATF_REQUIRE((fd = open("state/key/data.mdb", O_CREAT | O_WRONLY,
	    0600)) != -1);
	ATF_REQUIRE_EQ(1, write(fd, "x", 1));
	close(fd);
	refused("", 0, "bring the key back");
	ATF_CHECK_EQ(-1, lstat("master", &st));
}

ATF_TC_WITHOUT_HEAD(control_socket);
ATF_TC_BODY(control_socket, tc)
{
	struct sockaddr_un	 sun;
	struct conf		*c;
	struct stat		 st;
	int			 fd;

	c = conf_of("");
	ATF_REQUIRE_EQ_MSG(0, opened(c, NULL, 0), "%s", why);
	ATF_REQUIRE_EQ(0, lstat("ctl.sock", &st));
	ATF_CHECK(S_ISSOCK(st.st_mode));
	ATF_CHECK_EQ(0600, st.st_mode & 07777);
	conf_free(c);
	/* Left behind by a crash: replaced. */
	ATF_REQUIRE_EQ(0, lstat("ctl.sock", &st));
	c = conf_of("");
	ATF_REQUIRE_EQ_MSG(0, opened(c, NULL, 0), "%s", why);
	conf_free(c);
	ATF_REQUIRE_EQ(0, unlink("ctl.sock"));
	/* Served by another one: left alone. */
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	(void)strlcpy(sun.sun_path, "ctl.sock", sizeof(sun.sun_path));
	ATF_REQUIRE((fd = socket(AF_UNIX, SOCK_STREAM, 0)) != -1);
	ATF_REQUIRE_EQ(0, bind(fd, (struct sockaddr *)&sun, sizeof(sun)));
	ATF_REQUIRE_EQ(0, listen(fd, 1));
	refused("", 0, "another viprd is serving it");
	ATF_CHECK_EQ(0, lstat("ctl.sock", &st));
	close(fd);
	ATF_REQUIRE_EQ(0, unlink("ctl.sock"));
	atf_utils_create_file("ctl.sock", "precious");
	refused("", 0, "exists and is not a socket");
	ATF_CHECK(atf_utils_compare_file("ctl.sock", "precious"));
}

/* As root of the real thing: the group's, and the group must be there. */
ATF_TC(control_group);
ATF_TC_HEAD(control_group, tc)
{
	atf_tc_set_md_var(tc, "require.user", "root");
}
ATF_TC_BODY(control_group, tc)
{
	struct conf	*c = conf_of("");
	struct stat	 st;

	if (config_open(c, NULL, 0, why, sizeof(why)) == 0) {
		ATF_REQUIRE_EQ(0, lstat("ctl.sock", &st));
		ATF_CHECK_EQ(0660, st.st_mode & 07777);
		ATF_CHECK_EQ(0, st.st_uid);
		ATF_CHECK(st.st_gid != 0);
	} else {
		ATF_CHECK_MSG(strstr(why, "there is no group _vipr") != NULL,
		    "%s", why);
		ATF_CHECK_EQ(-1, lstat("ctl.sock", &st));
	}
	conf_free(c);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, listeners);
	ATF_TP_ADD_TC(tp, busy);
	ATF_TP_ADD_TC(tp, master_key);
	ATF_TP_ADD_TC(tp, control_socket);
	ATF_TP_ADD_TC(tp, control_group);
	return (atf_no_error());
}
