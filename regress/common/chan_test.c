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

/* Tests of common/chan.c, both ends on one event loop. */

#include <sys/types.h>
#include <sys/socket.h>

#include <atf-c.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "imsg.h"
#include "log.h"
#include "vipr.h"

#define T_PLAIN		200
#define T_FD		201
#define T_MAYFD		202
#define T_BAD		203
#define T_FREE		204
#define TAIL		32
#define TURNS		200

struct end {
	struct chan	*e_chan;
	int		 e_gone;
	int		 e_violations;
	unsigned	 e_got;
	uint64_t	 e_last;
	char		 e_tail[TAIL + 1];
};

static struct end	left, right;
static unsigned		served[2][64], nserved;

static int	on_bad(struct chan *, struct chan_msg *, void *);
static int	on_fd(struct chan *, struct chan_msg *, void *);
static int	on_free(struct chan *, struct chan_msg *, void *);
static void	on_gone(struct chan *, void *);
static int	on_plain(struct chan *, struct chan_msg *, void *);
static void	on_violation(struct chan *, const char *, void *);
static void	setup(int, int);
static void	teardown(void);
static void	turn(int);

static const struct imsg_rule rules[] = {
	{ T_PLAIN, 8, TAIL, 0, on_plain },
	{ T_FD, 8, 0, 1, on_fd },
	{ T_MAYFD, 8, 0, 2, on_fd },
	{ T_BAD, 0, 0, 0, on_bad },
	{ T_FREE, 0, 0, 0, on_free },
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static int
on_plain(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct end	*e = arg;
	size_t		 n = cur_left(&m->cm_tail);

	ATF_CHECK_EQ(ch, e->e_chan);
	ATF_CHECK_EQ(-1, m->cm_fd);
	ATF_CHECK_EQ(0, (uintptr_t)m->cm_fixed % 8);
	memcpy(&e->e_last, m->cm_fixed, 8);
	cur_bytes(&m->cm_tail, e->e_tail, n);
	e->e_tail[n] = '\0';
	e->e_got++;
	return (0);
}

static int
on_fd(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct end	*e = arg;

	(void)ch;
	e->e_got++;
	if (m->cm_fd != -1)
		close(m->cm_fd);
	return (0);
}

static int
on_bad(struct chan *ch, struct chan_msg *m, void *arg)
{
	(void)ch;
	(void)m;
	(void)arg;
	return (-1);
}

static int
on_free(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct end	*e = arg;

	(void)m;
	chan_free(ch);
	e->e_chan = NULL;
	return (0);
}

static void
on_gone(struct chan *ch, void *arg)
{
	struct end	*e = arg;

	ATF_CHECK_EQ(ch, e->e_chan);
	e->e_gone++;
	chan_free(ch);
	e->e_chan = NULL;
}

static void
on_violation(struct chan *ch, const char *why, void *arg)
{
	struct end	*e = arg;

	(void)ch;
	ATF_CHECK(why[0] != '\0');
	e->e_violations++;
}

static void
setup(int fdpass, int hello)
{
	int	sv[2];

	log_init_stderr("chan_test", 0);
	ATF_REQUIRE(event_init() != NULL);
	ATF_REQUIRE_EQ(0, event_priority_init(4));
	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	memset(&left, 0, sizeof(left));
	memset(&right, 0, sizeof(right));
	ATF_REQUIRE((left.e_chan = chan_new(sv[0], "left", rules, fdpass,
	    on_gone, &left)) != NULL);
	ATF_REQUIRE((right.e_chan = chan_new(sv[1], "right", rules, fdpass,
	    on_gone, &right)) != NULL);
	chan_on_violation(left.e_chan, on_violation);
	chan_on_violation(right.e_chan, on_violation);
	if (hello) {
		ATF_REQUIRE_EQ(0, chan_hello(left.e_chan, ROLE_KEY, ROLE_SIP));
		ATF_REQUIRE_EQ(0, chan_hello(right.e_chan, ROLE_SIP,
		    ROLE_KEY));
	}
}

static void
teardown(void)
{
	chan_free(left.e_chan);
	chan_free(right.e_chan);
}

static void
turn(int n)
{
	while (n-- > 0)
		(void)event_loop(EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

ATF_TC_WITHOUT_HEAD(talk);
ATF_TC_BODY(talk, tc)
{
	uint64_t	v = 1;

	setup(0, 1);
	ATF_CHECK_STREQ("left", chan_name(left.e_chan));
	ATF_CHECK_EQ(0, chan_send(left.e_chan, T_PLAIN, -1, &v, 8, NULL, 0));
	v = 2;
	ATF_CHECK_EQ(0, chan_send(left.e_chan, T_PLAIN, -1, &v, 8, "tail", 4));
	ATF_CHECK(chan_queued(left.e_chan) > 0);
	turn(5);
	ATF_CHECK_EQ(0, chan_queued(left.e_chan));
	ATF_CHECK_EQ(2, right.e_got);
	ATF_CHECK_EQ(2, right.e_last);
	ATF_CHECK_STREQ("tail", right.e_tail);
	ATF_CHECK_EQ(0, chan_send(right.e_chan, T_PLAIN, -1, &v, 8,
	    "0123456789abcdef0123456789abcdef", TAIL));
	turn(5);
	ATF_CHECK_EQ(1, left.e_got);
	/* The last words of one that has gone are heard. */
	ATF_CHECK_EQ(0, chan_send(left.e_chan, T_PLAIN, -1, &v, 8, "bye", 3));
	chan_flush(left.e_chan);
	chan_free(left.e_chan);
	left.e_chan = NULL;
	turn(5);
	ATF_CHECK_EQ(3, right.e_got);
	ATF_CHECK_STREQ("bye", right.e_tail);
	ATF_CHECK_EQ(1, right.e_gone);
	ATF_CHECK_EQ(0, right.e_violations);
	ATF_CHECK_EQ(-1, chan_send(right.e_chan, T_PLAIN, -1, &v, 8, NULL, 0));
	ATF_CHECK_EQ(ENOTCONN, errno);
	teardown();
}

/* Each broken rule ends the channel, once, and no handler runs. */
ATF_TC_WITHOUT_HEAD(violations);
ATF_TC_BODY(violations, tc)
{
	static const struct {
		uint32_t	type;
		size_t		len;
		int		fd;
	} bad[] = {
		{ 199, 8, 0 }, { 0, 0, 0 }, { 0xffffffff, 0, 0 },
		{ T_PLAIN, 0, 0 }, { T_PLAIN, 7, 0 },
		{ T_PLAIN, 8 + TAIL + 1, 0 }, { T_PLAIN, 8, 1 },
		{ T_FD, 8, 0 }, { T_FD, 9, 1 }, { T_MAYFD, 7, 1 },
		{ T_BAD, 0, 0 }, { IMSG_HELLO, 8, 0 }
	};
	char	data[64];
	size_t	i;

	memset(data, 0, sizeof(data));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setup(1, 0);
		ATF_REQUIRE_EQ(0, chan_send(left.e_chan, bad[i].type,
		    bad[i].fd ? dup(0) : -1, NULL, 0, data, bad[i].len));
		ATF_REQUIRE_EQ(0, chan_send(left.e_chan, T_PLAIN, -1, data, 8,
		    NULL, 0));
		turn(10);
		ATF_CHECK_EQ_MSG(1, right.e_gone, "case %zu", i);
		ATF_CHECK_EQ_MSG(1, right.e_violations, "case %zu", i);
		ATF_CHECK_EQ_MSG(0, right.e_got, "case %zu", i);
		ATF_CHECK_EQ(1, left.e_gone);
		ATF_CHECK_EQ(0, left.e_violations);
		teardown();
	}
}

ATF_TC_WITHOUT_HEAD(malformed);
ATF_TC_BODY(malformed, tc)
{
	struct imsg_hdr	hdr = { T_PLAIN, VIPR_IMSG_MAX + 1, 0, 0 };

	setup(0, 0);
	ATF_REQUIRE_EQ((ssize_t)sizeof(hdr), write(chan_fd(left.e_chan), &hdr,
	    sizeof(hdr)));
	turn(5);
	ATF_CHECK_EQ(1, right.e_gone);
	ATF_CHECK_EQ(1, right.e_violations);
	teardown();
}

/* Strangers can't fill the log. */
ATF_TC_WITHOUT_HEAD(quiet);
ATF_TC_BODY(quiet, tc)
{
	struct imsg_hdr	 hdr = { T_PLAIN, VIPR_IMSG_MAX + 1, 0, 0 };
	struct log_limit limit = { "faults", 2, 3600000, 0, 0, 0 };
	unsigned	 i;

	for (i = 0; i < 5; i++) {
		setup(0, 0);
		chan_log_limit(right.e_chan, &limit);
		ATF_REQUIRE_EQ((ssize_t)sizeof(hdr), write(chan_fd(left.e_chan),
		    &hdr, sizeof(hdr)));
		turn(5);
		ATF_CHECK_EQ(1, right.e_violations);
		teardown();
	}
	ATF_CHECK_EQ(0, limit.ll_tokens);
	ATF_CHECK_EQ(3, limit.ll_dropped);
}

ATF_TC_WITHOUT_HEAD(hello);
ATF_TC_BODY(hello, tc)
{
	struct imsg_hello	h;
	uint64_t		v = 0;
	int			i;

	/* 0: right, 1: version, 2: role, 3: short, 4: another message first */
	for (i = 0; i < 5; i++) {
		setup(0, 0);
		ATF_REQUIRE_EQ(0, chan_hello(right.e_chan, ROLE_SIP,
		    ROLE_KEY));
		memset(&h, 0, sizeof(h));
		h.h_version = VIPR_IMSG_VERSION + (i == 1);
		h.h_role = i == 2 ? ROLE_PVP : ROLE_KEY;
		if (i == 4)
			(void)chan_send(left.e_chan, T_PLAIN, -1, &v, 8, NULL,
			    0);
		(void)chan_send(left.e_chan, IMSG_HELLO, -1, &h,
		    sizeof(h) - (i == 3), NULL, 0);
		(void)chan_send(left.e_chan, T_PLAIN, -1, &v, 8, NULL, 0);
		turn(10);
		ATF_CHECK_EQ_MSG(i != 0, right.e_violations, "case %d", i);
		ATF_CHECK_EQ_MSG(i == 0, right.e_got, "case %d", i);
		teardown();
	}
	/* A client's role is not looked at. */
	setup(0, 0);
	ATF_REQUIRE_EQ(0, chan_hello(right.e_chan, ROLE_SIP, CHAN_ANY_ROLE));
	h.h_version = VIPR_IMSG_VERSION;
	h.h_role = 77;
	(void)chan_send(left.e_chan, IMSG_HELLO, -1, &h, sizeof(h), NULL, 0);
	(void)chan_send(left.e_chan, T_PLAIN, -1, &v, 8, NULL, 0);
	/* left has no hello of its own and takes right's for a violation */
	turn(10);
	ATF_CHECK_EQ(1, right.e_got);
	teardown();
}

ATF_TC_WITHOUT_HEAD(limits);
ATF_TC_BODY(limits, tc)
{
	static char	big[VIPR_IMSG_MAX];
	uint64_t	v = 0;
	size_t		before;
	int		i, fd;

	ATF_CHECK_EQ(-1, chan_send(NULL, T_PLAIN, -1, &v, 8, NULL, 0));
	ATF_CHECK_EQ(ENOTCONN, errno);
	fd = dup(0);
	ATF_CHECK_EQ(-1, chan_send(NULL, T_FD, fd, &v, 8, NULL, 0));
	ATF_CHECK_EQ(-1, fcntl(fd, F_GETFD));	/* taken over all the same */
	ATF_CHECK_EQ(0, chan_queued(NULL));
	chan_free(NULL);

	setup(0, 0);
	fd = dup(0);
	ATF_CHECK_EQ(-1, chan_send(left.e_chan, T_FD, fd, &v, 8, NULL, 0));
	ATF_CHECK_EQ(EINVAL, errno);
	ATF_CHECK_EQ(-1, fcntl(fd, F_GETFD));
	ATF_CHECK_EQ(-1, chan_send(left.e_chan, T_PLAIN, -1, NULL, 0, big,
	    sizeof(big)));
	ATF_CHECK_EQ(EMSGSIZE, errno);
	ATF_CHECK_EQ(0, chan_queued(left.e_chan));
	/* A peer that does not read costs CHAN_QUEUE_MAX and no more. */
	for (i = 0; i < 10000; i++)
		if (chan_send(left.e_chan, T_PLAIN, -1, NULL, 0, big,
		    100000) == -1)
			break;
	ATF_CHECK_EQ(ENOBUFS, errno);
	before = chan_queued(left.e_chan);
	ATF_CHECK(before <= CHAN_QUEUE_MAX);
	ATF_CHECK_EQ(-1, chan_send(left.e_chan, T_PLAIN, -1, NULL, 0, big,
	    100000));
	ATF_CHECK_EQ(before, chan_queued(left.e_chan));
	ATF_CHECK_EQ(0, left.e_gone);
	teardown();
}

/* A batch bounds what one turn of the loop handles; nothing is forgotten. */
ATF_TC_WITHOUT_HEAD(batch);
ATF_TC_BODY(batch, tc)
{
	uint64_t	v;
	unsigned	before;
	int		i;

	setup(0, 0);
	chan_batch(right.e_chan, 3);
	for (v = 0; v < 100; v++)
		ATF_REQUIRE_EQ(0, chan_send(left.e_chan, T_PLAIN, -1, &v, 8,
		    NULL, 0));
	for (i = 0; i < TURNS && right.e_got < 100; i++) {
		before = right.e_got;
		turn(1);
		ATF_CHECK(right.e_got - before <= 3);
	}
	ATF_CHECK_EQ(100, right.e_got);
	ATF_CHECK_EQ(99, right.e_last);
	ATF_CHECK(i >= 33);
	/* The same when the sender is gone. */
	for (v = 0; v < 10; v++)
		(void)chan_send(left.e_chan, T_PLAIN, -1, &v, 8, NULL, 0);
	chan_flush(left.e_chan);
	chan_free(left.e_chan);
	left.e_chan = NULL;
	for (i = 0; i < TURNS && !right.e_gone; i++)
		turn(1);
	ATF_CHECK_EQ(110, right.e_got);
	ATF_CHECK_EQ(1, right.e_gone);
	teardown();
}

/* The channel of the first priority is served first, whatever came first. */
static int
on_order(struct chan *ch, struct chan_msg *m, void *arg)
{
	(void)m;
	(void)arg;
	served[0][nserved] = chan_name(ch)[0] == 'f';
	nserved++;
	return (0);
}

static void
on_order_gone(struct chan *ch, void *arg)
{
	(void)ch;
	(void)arg;
}

ATF_TC_WITHOUT_HEAD(priority);
ATF_TC_BODY(priority, tc)
{
	static const struct imsg_rule	order_rules[] = {
		{ T_PLAIN, 0, 0, 0, on_order },
		{ IMSG_NONE, 0, 0, 0, NULL }
	};
	struct imsgbuf	 low, high;
	struct chan	*slow, *first;
	int		 sl[2], sh[2], i;

	ATF_REQUIRE(event_init() != NULL);
	ATF_REQUIRE_EQ(0, event_priority_init(4));
	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sl));
	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sh));
	ATF_REQUIRE((slow = chan_new(sl[0], "slow", order_rules, 0,
	    on_order_gone, NULL)) != NULL);
	ATF_REQUIRE((first = chan_new(sh[0], "first", order_rules, 0,
	    on_order_gone, NULL)) != NULL);
	chan_priority(slow, 2);
	chan_priority(first, 0);
	chan_batch(slow, 4);
	ATF_REQUIRE_EQ(0, imsgbuf_init(&low, sl[1]));
	ATF_REQUIRE_EQ(0, imsgbuf_init(&high, sh[1]));
	for (i = 0; i < 20; i++)
		(void)imsg_compose(&low, T_PLAIN, 0, 0, -1, NULL, 0);
	ATF_REQUIRE_EQ(0, imsgbuf_flush(&low));
	turn(1);			/* four of slow's */
	for (i = 0; i < 5; i++)
		(void)imsg_compose(&high, T_PLAIN, 0, 0, -1, NULL, 0);
	ATF_REQUIRE_EQ(0, imsgbuf_flush(&high));
	turn(TURNS);
	ATF_CHECK_EQ(25, nserved);
	for (i = 4; i < 9; i++)
		ATF_CHECK_EQ_MSG(1, served[0][i], "place %d", i);
	chan_free(slow);
	chan_free(first);
	imsgbuf_clear(&low);
	imsgbuf_clear(&high);
	close(sl[1]);
	close(sh[1]);
}

ATF_TC_WITHOUT_HEAD(free_inside);
ATF_TC_BODY(free_inside, tc)
{
	setup(0, 0);
	(void)chan_send(left.e_chan, T_FREE, -1, NULL, 0, NULL, 0);
	(void)chan_send(left.e_chan, T_FREE, -1, NULL, 0, NULL, 0);
	turn(10);
	ATF_CHECK_EQ(NULL, right.e_chan);
	ATF_CHECK_EQ(0, right.e_gone);
	ATF_CHECK_EQ(1, left.e_gone);
	teardown();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, talk);
	ATF_TP_ADD_TC(tp, violations);
	ATF_TP_ADD_TC(tp, malformed);
	ATF_TP_ADD_TC(tp, quiet);
	ATF_TP_ADD_TC(tp, hello);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, batch);
	ATF_TP_ADD_TC(tp, priority);
	ATF_TP_ADD_TC(tp, free_inside);
	return (atf_no_error());
}
