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
 * imsg channels on the event loop, for every process: rules checked before a
 * handler runs, bounded queues, bounded work a turn; see chan.h.
 */

#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chan.h"
#include "imsg.h"
#include "log.h"
#include "vipr.h"

#define CHAN_BATCH	64

struct chan {
	struct imsgbuf		 c_ibuf;
	struct event		 c_read;
	struct event		 c_write;
	struct event		 c_turn;	/* more messages are read than a turn allows */
	char			 c_name[64];
	const struct imsg_rule	*c_rules;	/* the caller's */
	void			(*c_gone)(struct chan *, void *);
	void			(*c_violation)(struct chan *, const char *, void *);
	void			*c_arg;
	struct log_limit	*c_limit;	/* the caller's, or NULL */
	uint32_t		 c_role;	/* expected in HELLO */
	unsigned		 c_batch;
	int			 c_flags;
#define CHAN_FDPASS	0x01
#define CHAN_HELLO	0x02	/* waiting for the peer's HELLO */
#define CHAN_EOF	0x04	/* peer closed; messages may still wait */
#define CHAN_NOWRITE	0x08	/* writing failed; reading will see the end */
#define CHAN_ENDED	0x10	/* gone was called */
#define CHAN_BUSY	0x20	/* a handler runs */
#define CHAN_FREED	0x40	/* freed inside a handler: finish there */
};

static void	chan_arm(struct chan *);
static void	chan_destroy(struct chan *);
static int	chan_dispatch(struct chan *, struct imsg *);
static int	chan_loud(struct chan *);
static void	chan_end(struct chan *);
static int	chan_gethello(struct chan *, const void *, size_t);
static void	chan_readable(int, short, void *);
static void	chan_run(struct chan *);
static void	chan_turn(int, short, void *);
static void	chan_violated(struct chan *, const char *);
static void	chan_writable(int, short, void *);

struct chan *
chan_new(int fd, const char *name, const struct imsg_rule *rules, int fdpass,
    void (*gone)(struct chan *, void *), void *arg)
{
	struct chan	*ch;
	int		 fl;

	if ((fl = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, fl | O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return (NULL);
	if ((ch = calloc(1, sizeof(*ch))) == NULL)
		return (NULL);
	if (imsgbuf_init(&ch->c_ibuf, fd) == -1) {
		free(ch);
		return (NULL);
	}
	(void)imsgbuf_set_maxsize(&ch->c_ibuf, VIPR_IMSG_MAX);
	if (fdpass) {
		imsgbuf_allow_fdpass(&ch->c_ibuf);
		ch->c_flags |= CHAN_FDPASS;
	}
	snprintf(ch->c_name, sizeof(ch->c_name), "%s", name);
	ch->c_rules = rules;
	ch->c_gone = gone;
	ch->c_arg = arg;
	ch->c_batch = CHAN_BATCH;
	event_set(&ch->c_read, fd, EV_READ | EV_PERSIST, chan_readable, ch);
	event_set(&ch->c_write, fd, EV_WRITE, chan_writable, ch);
	evtimer_set(&ch->c_turn, chan_turn, ch);
	if (event_add(&ch->c_read, NULL) == -1) {
		imsgbuf_clear(&ch->c_ibuf);
		free(ch);
		errno = ENOMEM;
		return (NULL);
	}
	return (ch);
}

static void
chan_destroy(struct chan *ch)
{
	event_del(&ch->c_read);
	event_del(&ch->c_write);
	event_del(&ch->c_turn);
	close(ch->c_ibuf.fd);
	imsgbuf_clear(&ch->c_ibuf);
	free(ch);
}

void
chan_free(struct chan *ch)
{
	if (ch == NULL)
		return;
	if (ch->c_flags & CHAN_BUSY) {
		ch->c_flags |= CHAN_FREED | CHAN_ENDED;
		return;
	}
	chan_destroy(ch);
}

const char *
chan_name(const struct chan *ch)
{
	return (ch->c_name);
}

int
chan_fd(const struct chan *ch)
{
	return (ch->c_ibuf.fd);
}

void
chan_on_violation(struct chan *ch, void (*cb)(struct chan *, const char *,
    void *))
{
	ch->c_violation = cb;
}

void
chan_log_limit(struct chan *ch, struct log_limit *limit)
{
	ch->c_limit = limit;
}

/* May a line be written about what the peer did?  errno is left alone. */
static int
chan_loud(struct chan *ch)
{
	struct timespec	 ts;
	int		 saved = errno, yes = 1;

	if (ch->c_limit != NULL && clock_gettime(CLOCK_MONOTONIC, &ts) == 0)
		yes = log_allow(ch->c_limit, (unsigned long long)ts.tv_sec *
		    1000 + (unsigned long long)ts.tv_nsec / 1000000);
	errno = saved;
	return (yes);
}

int
chan_send(struct chan *ch, uint32_t type, int fd, const void *fixed,
    size_t fixedlen, const void *tail, size_t taillen)
{
	struct ibuf	*b;
	int		 save;

	if (ch == NULL || (ch->c_flags & (CHAN_NOWRITE | CHAN_ENDED))) {
		errno = ENOTCONN;
		goto fail;
	}
	if (fd != -1 && !(ch->c_flags & CHAN_FDPASS)) {
		errno = EINVAL;
		goto fail;
	}
	if (fixedlen > VIPR_IMSG_MAX - IMSG_HEADER_SIZE ||
	    taillen > VIPR_IMSG_MAX - IMSG_HEADER_SIZE - fixedlen) {
		errno = EMSGSIZE;
		goto fail;
	}
	if (chan_queued(ch) + IMSG_HEADER_SIZE + fixedlen + taillen >
	    CHAN_QUEUE_MAX) {
		errno = ENOBUFS;
		goto fail;
	}
	if ((b = imsg_create(&ch->c_ibuf, type, 0, 0,
	    fixedlen + taillen)) == NULL)
		goto fail;
	if (ibuf_add(b, fixed, fixedlen) == -1 ||
	    ibuf_add(b, tail, taillen) == -1) {
		ibuf_free(b);
		goto fail;
	}
	ibuf_fd_set(b, fd);
	imsg_close(&ch->c_ibuf, b);
	chan_arm(ch);
	return (0);

fail:
	save = errno;
	if (fd != -1)
		close(fd);
	errno = save;
	return (-1);
}

size_t
chan_queued(const struct chan *ch)
{
	return (ch == NULL ? 0 : msgbuf_bytes(ch->c_ibuf.w));
}

void
chan_flush(struct chan *ch)
{
	if (ch != NULL && !(ch->c_flags & (CHAN_NOWRITE | CHAN_ENDED)))
		(void)imsgbuf_write(&ch->c_ibuf);
}

void
chan_priority(struct chan *ch, int priority)
{
	event_del(&ch->c_read);
	event_del(&ch->c_write);
	event_del(&ch->c_turn);
	if (event_priority_set(&ch->c_read, priority) == -1 ||
	    event_priority_set(&ch->c_write, priority) == -1 ||
	    event_priority_set(&ch->c_turn, priority) == -1)
		log_warnx("%s: priority %d not set", ch->c_name, priority);
	if (event_add(&ch->c_read, NULL) == -1)
		log_warnx("%s: event_add failed", ch->c_name);
	chan_arm(ch);
}

void
chan_batch(struct chan *ch, unsigned n)
{
	ch->c_batch = n == 0 ? 1 : n;
}

int
chan_hello(struct chan *ch, uint32_t me, uint32_t peer)
{
	struct imsg_hello	h;

	memset(&h, 0, sizeof(h));
	h.h_version = VIPR_IMSG_VERSION;
	h.h_role = me;
	ch->c_role = peer;
	ch->c_flags |= CHAN_HELLO;
	return (chan_send(ch, IMSG_HELLO, -1, &h, sizeof(h), NULL, 0));
}

/* Write what waits at the end of this turn, all of it at once, and only if that
 * is too much wait for room: an idle channel costs no call but the write. */
static void
chan_arm(struct chan *ch)
{
	if (imsgbuf_queuelen(&ch->c_ibuf) > 0 &&
	    !(ch->c_flags & (CHAN_NOWRITE | CHAN_ENDED)) &&
	    !event_pending(&ch->c_write, EV_WRITE, NULL))
		event_active(&ch->c_write, EV_WRITE, 1);
}

/* Tell the owner, once; it frees us now or later. */
static void
chan_end(struct chan *ch)
{
	if (ch->c_flags & CHAN_ENDED)
		return;
	ch->c_flags |= CHAN_ENDED;
	event_del(&ch->c_read);
	event_del(&ch->c_write);
	event_del(&ch->c_turn);
	ch->c_gone(ch, ch->c_arg);
}

static void
chan_violated(struct chan *ch, const char *why)
{
	if (ch->c_flags & CHAN_ENDED)
		return;
	if (chan_loud(ch))
		log_warnx("%s: %s", ch->c_name, why);
	if (ch->c_violation != NULL)
		ch->c_violation(ch, why, ch->c_arg);
	chan_end(ch);
}

static void
chan_writable(int fd, short event, void *arg)
{
	struct chan	*ch = arg;

	(void)fd;
	(void)event;
	if (imsgbuf_write(&ch->c_ibuf) == -1) {
		/* What the peer said before it went can still be read, and
		 * after that the end of file. */
		log_debug("%s: write: %s", ch->c_name, strerror(errno));
		ch->c_flags |= CHAN_NOWRITE;
		return;
	}
	if (imsgbuf_queuelen(&ch->c_ibuf) > 0 &&
	    event_add(&ch->c_write, NULL) == -1)
		log_warnx("%s: event_add failed", ch->c_name);
}

static void
chan_readable(int fd, short event, void *arg)
{
	struct chan	*ch = arg;

	(void)fd;
	(void)event;
	switch (imsgbuf_read(&ch->c_ibuf)) {
	case -1:
		if (errno == EBADMSG || errno == ERANGE)
			chan_violated(ch, "malformed message");
		else {
			if (errno != ECONNRESET && chan_loud(ch))
				log_warn("%s: read", ch->c_name);
			chan_end(ch);
		}
		return;
	case 0:
		ch->c_flags |= CHAN_EOF;
		event_del(&ch->c_read);
		break;
	default:
		break;
	}
	chan_run(ch);
}

static void
chan_turn(int fd, short event, void *arg)
{
	struct chan	*ch = arg;

	(void)fd;
	(void)event;
	if (!(ch->c_flags & CHAN_EOF) && event_add(&ch->c_read, NULL) == -1)
		log_warnx("%s: event_add failed", ch->c_name);
	chan_run(ch);
}

/* Handle what was read, at most c_batch messages; the rest in another turn of
 * the loop, and no reading until then. */
static void
chan_run(struct chan *ch)
{
	struct timeval	 now = { 0, 0 };
	struct imsg	 imsg;
	char		 why[96];
	unsigned	 n;
	int		 bad;

	for (n = 0; n < ch->c_batch; n++) {
		if (imsgbuf_get(&ch->c_ibuf, &imsg) != 1) {
			if (ch->c_flags & CHAN_EOF)
				chan_end(ch);
			return;
		}
		ch->c_flags |= CHAN_BUSY;
		bad = chan_dispatch(ch, &imsg) == -1;
		ch->c_flags &= ~CHAN_BUSY;
		snprintf(why, sizeof(why), "message %u of %zu bytes refused",
		    imsg_get_type(&imsg), imsg_get_len(&imsg));
		imsg_free(&imsg);
		if (ch->c_flags & CHAN_FREED) {
			chan_destroy(ch);
			return;
		}
		if (bad) {
			chan_violated(ch, why);
			return;
		}
	}
	event_del(&ch->c_read);
	if (event_add(&ch->c_turn, &now) == -1)
		log_warnx("%s: event_add failed", ch->c_name);
}

static int
chan_gethello(struct chan *ch, const void *data, size_t len)
{
	struct imsg_hello	h;

	if (len != sizeof(h))
		return (-1);
	memcpy(&h, data, sizeof(h));
	if (h.h_version != VIPR_IMSG_VERSION ||
	    (ch->c_role != CHAN_ANY_ROLE && h.h_role != ch->c_role)) {
		if (chan_loud(ch))
			log_warnx("%s: protocol version %u, role %u; expected "
			    "%u, %u", ch->c_name, h.h_version, h.h_role,
			    VIPR_IMSG_VERSION, ch->c_role);
		return (-1);
	}
	ch->c_flags &= ~CHAN_HELLO;
	return (0);
}

/* Imsg still owns the memory when the handler returns. */
static int
chan_dispatch(struct chan *ch, struct imsg *imsg)
{
	const struct imsg_rule	*r;
	struct chan_msg		 m;
	const uint8_t		*data;
	size_t			 len;
	int			 fd;

	data = ibuf_data(imsg->buf);
	len = imsg_get_len(imsg);
	if (ch->c_flags & CHAN_HELLO) {
		if (imsg_get_type(imsg) != IMSG_HELLO ||
		    ibuf_fd_avail(imsg->buf))
			return (-1);
		return (chan_gethello(ch, data, len));
	}
	for (r = ch->c_rules; r->ir_type != IMSG_NONE; r++)
		if (r->ir_type == imsg_get_type(imsg))
			break;
	if (r->ir_type == IMSG_NONE || len < r->ir_fixed ||
	    len - r->ir_fixed > r->ir_tail)
		return (-1);
	fd = imsg_get_fd(imsg);
	if ((fd == -1 && r->ir_fd == 1) || (fd != -1 && r->ir_fd == 0)) {
		if (fd != -1)
			close(fd);
		return (-1);
	}
	memset(&m, 0, sizeof(m));
	m.cm_type = r->ir_type;
	m.cm_fixed = data;
	cur_init(&m.cm_tail, data + r->ir_fixed, len - r->ir_fixed);
	m.cm_fd = fd;
	return (r->ir_handler(ch, &m, ch->c_arg));
}
