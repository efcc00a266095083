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
 * TLS connections on the event loop: connect or accept, handshake with the
 * private key in the key process, read, write, orderly end.  Everything runs
 * from conn_run, which is entered from events only; a call from outside that
 * needs action just wakes it.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "pkremote.h"
#include "tlsconn.h"

#define READ_CHUNK	16384		/* a TLS record */
#define READS_A_TURN	4
#define FLUSH_MS	5000		/* for what waits when we shut down */
#define WHY_LEN		160

enum tls_state {
	TS_CONNECTING = 1,
	TS_HANDSHAKE,
	TS_OPEN,
	TS_FLUSHING,		/* tlsconn_shutdown: writing what waits */
	TS_LINGERING,		/* close_notify is out: reading to the end */
	TS_ENDED		/* tco_closed was called or is about to be */
};

struct buf {
	uint8_t		*b_p;
	size_t		 b_off, b_len, b_size;	/* bytes at b_p + b_off, b_len of them */
};

struct tlsconn {
	enum tls_state	 tc_state;
	int		 tc_fd;		/* ours */
	SSL		*tc_ssl;
	struct event	 tc_read, tc_write, tc_timer, tc_kick;
	struct tlsconn_limits tc_limits;
	const struct tlsconn_ops *tc_ops;
	void		*tc_arg;
	struct buf	 tc_in, tc_out;
	unsigned	 tc_linger;
	int		 tc_paused;
	int		 tc_again;	/* bytes wait in tc_in, in OpenSSL or the kernel */
	int		 tc_undrained;	/* tell tco_drained when tc_out is empty */
	int		 tc_async;	/* a signature is awaited */
	int		 tc_read_write;	/* SSL_read wants to write */
	int		 tc_busy;	/* inside conn_run */
	int		 tc_dead;	/* freed inside a callback */
	int		 tc_armed;	/* events are set up */
	char		 tc_why[WHY_LEN];	/* set: close with this */
};

static struct tlsconn	*conn_new(SSL_CTX *, const struct tlsconn_limits *,
			    const struct tlsconn_ops *, void *);
static int	 conn_arm(struct tlsconn *);
static void	 conn_destroy(struct tlsconn *);
static void	 conn_kick(struct tlsconn *);
static void	 conn_timer(struct tlsconn *, unsigned);
static void	 conn_fail(struct tlsconn *, const char *);
static void	 conn_ssl_fail(struct tlsconn *, const char *, int, int);
static void	 conn_event(int, short, void *);
static void	 conn_timeout(int, short, void *);
static void	 conn_resume(void *);
static void	 conn_run(struct tlsconn *);
static void	 conn_connected(struct tlsconn *);
static void	 conn_handshake(struct tlsconn *);
static void	 conn_read(struct tlsconn *);
static size_t	 conn_offer(struct tlsconn *, const uint8_t *, size_t);
static void	 conn_deliver(struct tlsconn *);
static void	 conn_take(struct tlsconn *, size_t);
static void	 conn_flush(struct tlsconn *);
static void	 conn_linger(struct tlsconn *);
static void	 conn_wait(struct tlsconn *);
static int	 buf_room(struct buf *, size_t);
static void	 buf_drop(struct buf *, size_t);
static void	 buf_clear(struct buf *);

/* What SSL_read fills; wiped before the next connection has its turn. */
static uint8_t	 chunk[READ_CHUNK];

/* -- buffers: what was taken out is wiped, since an idle connection keeps its
 * buffer and the messages are about calls -- */

/* Room for n more bytes behind the ones there; 0 or -1. */
static int
buf_room(struct buf *b, size_t n)
{
	uint8_t	*p;
	size_t	 size;

	if (b->b_off > 0 && (b->b_len == 0 || b->b_size - b->b_off - b->b_len < n)) {
		if (b->b_len > 0)
			memmove(b->b_p, b->b_p + b->b_off, b->b_len);
		explicit_bzero(b->b_p + b->b_len, b->b_off);
		b->b_off = 0;
	}
	if (b->b_size - b->b_off - b->b_len >= n)
		return (0);
	if (n > SIZE_MAX / 4 || b->b_len > SIZE_MAX / 4)
		return (-1);
	size = b->b_len + n;
	size += size / 2;
	if ((p = malloc(size)) == NULL)
		return (-1);
	if (b->b_p != NULL) {
		memcpy(p, b->b_p, b->b_len);
		explicit_bzero(b->b_p, b->b_len);
		free(b->b_p);
	}
	b->b_p = p;
	b->b_size = size;
	return (0);
}

static void
buf_drop(struct buf *b, size_t n)
{
	explicit_bzero(b->b_p + b->b_off, n);
	b->b_off += n;
	b->b_len -= n;
	if (b->b_len == 0)
		b->b_off = 0;
	/* An idle connection keeps no big buffer. */
	if (b->b_len == 0 && b->b_size > 2 * READ_CHUNK)
		buf_clear(b);
}

static void
buf_clear(struct buf *b)
{
	if (b->b_len > 0)
		explicit_bzero(b->b_p + b->b_off, b->b_len);
	free(b->b_p);
	memset(b, 0, sizeof(*b));
}

/* -- making and ending -- */

static struct tlsconn *
conn_new(SSL_CTX *ctx, const struct tlsconn_limits *limits,
    const struct tlsconn_ops *ops, void *arg)
{
	struct tlsconn	*tc;

	if ((tc = calloc(1, sizeof(*tc))) == NULL)
		return (NULL);
	tc->tc_fd = -1;
	tc->tc_limits = *limits;
	tc->tc_ops = ops;
	tc->tc_arg = arg;
	if ((tc->tc_ssl = SSL_new(ctx)) == NULL ||
	    pkremote_ssl(tc->tc_ssl, conn_resume, tc) == -1) {
		SSL_free(tc->tc_ssl);
		free(tc);
		errno = ENOMEM;
		return (NULL);
	}
	return (tc);
}

/* The descriptor is there: events and OpenSSL's end of it. */
static int
conn_arm(struct tlsconn *tc)
{
	if (SSL_set_fd(tc->tc_ssl, tc->tc_fd) != 1) {
		errno = ENOMEM;
		return (-1);
	}
	event_set(&tc->tc_read, tc->tc_fd, EV_READ | EV_PERSIST, conn_event, tc);
	event_set(&tc->tc_write, tc->tc_fd, EV_WRITE, conn_event, tc);
	event_set(&tc->tc_kick, -1, 0, conn_event, tc);
	evtimer_set(&tc->tc_timer, conn_timeout, tc);
	tc->tc_armed = 1;
	return (0);
}

struct tlsconn *
tlsconn_accept(int fd, SSL_CTX *ctx, const struct tlsconn_limits *limits,
    const struct tlsconn_ops *ops, void *arg)
{
	struct tlsconn		*tc;
	int			 one = 1, saved;

	if ((tc = conn_new(ctx, limits, ops, arg)) == NULL) {
		saved = errno;
		close(fd);
		errno = saved;
		return (NULL);
	}
	tc->tc_fd = fd;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	SSL_set_accept_state(tc->tc_ssl);
	if (conn_arm(tc) == -1) {
		saved = errno;
		conn_destroy(tc);
		errno = saved;
		return (NULL);
	}
	tc->tc_state = TS_HANDSHAKE;
	conn_timer(tc, limits->tl_handshake_ms);
	conn_kick(tc);
	return (tc);
}

struct tlsconn *
tlsconn_connect(const struct vaddr *to, const struct vaddr *from, SSL_CTX *ctx,
    const struct tlsconn_limits *limits, const struct tlsconn_ops *ops, void *arg)
{
	struct sockaddr_storage	 ss;
	struct tlsconn		*tc;
	socklen_t		 len;
	unsigned		 ms = limits->tl_handshake_ms;
	int			 one = 1, saved;

	if ((tc = conn_new(ctx, limits, ops, arg)) == NULL)
		return (NULL);
	SSL_set_connect_state(tc->tc_ssl);
	tc->tc_fd = socket(to->va_family == 6 ? AF_INET6 : AF_INET,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (tc->tc_fd == -1 || conn_arm(tc) == -1)
		goto fail;
	(void)setsockopt(tc->tc_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (from != NULL && from->va_family != 0) {
		len = vaddr_to_sa(from, &ss);
		if (bind(tc->tc_fd, (struct sockaddr *)&ss, len) == -1)
			goto fail;
	}
	tc->tc_state = TS_CONNECTING;
	if (limits->tl_connect_ms < ms)
		ms = limits->tl_connect_ms;
	conn_timer(tc, ms);
	len = vaddr_to_sa(to, &ss);
	if (connect(tc->tc_fd, (struct sockaddr *)&ss, len) == -1 &&
	    errno != EINPROGRESS) {
		(void)snprintf(tc->tc_why, sizeof(tc->tc_why), "connect: %s",
		    strerror(errno));
		conn_kick(tc);
	} else
		event_add(&tc->tc_write, NULL);
	return (tc);
 fail:
	saved = errno;
	conn_destroy(tc);
	errno = saved;
	return (NULL);
}

static void
conn_destroy(struct tlsconn *tc)
{
	if (tc->tc_armed) {
		event_del(&tc->tc_read);
		event_del(&tc->tc_write);
		event_del(&tc->tc_timer);
		event_del(&tc->tc_kick);
	}
	/* Before the descriptor: a job under way runs to its end here. */
	pkremote_ssl_free(tc->tc_ssl);
	SSL_free(tc->tc_ssl);
	if (tc->tc_fd != -1)
		close(tc->tc_fd);
	buf_clear(&tc->tc_in);
	buf_clear(&tc->tc_out);
	free(tc);
}

void
tlsconn_free(struct tlsconn *tc)
{
	if (tc == NULL)
		return;
	tc->tc_state = TS_ENDED;
	if (tc->tc_busy)
		tc->tc_dead = 1;	/* conn_run destroys it */
	else
		conn_destroy(tc);
}

/* -- events -- */

static void
conn_kick(struct tlsconn *tc)
{
	event_active(&tc->tc_kick, EV_TIMEOUT, 1);
}

static void
conn_timer(struct tlsconn *tc, unsigned ms)
{
	struct timeval	 tv;

	tv.tv_sec = ms / 1000;
	tv.tv_usec = (ms % 1000) * 1000;
	evtimer_del(&tc->tc_timer);
	evtimer_add(&tc->tc_timer, &tv);
}

static void
conn_event(int fd, short event, void *arg)
{
	struct tlsconn	*tc = arg;

	(void)fd;
	if (event & EV_READ)
		tc->tc_again = 1;
	conn_run(tc);
}

static void
conn_timeout(int fd, short event, void *arg)
{
	struct tlsconn	*tc = arg;

	(void)fd;
	(void)event;
	switch (tc->tc_state) {
	case TS_CONNECTING:
		conn_fail(tc, "connect: timed out");
		break;
	case TS_HANDSHAKE:
		conn_fail(tc, tc->tc_async ? "handshake: no signature in time" :
		    "handshake: timed out");
		break;
	case TS_FLUSHING:
	case TS_LINGERING:
		conn_fail(tc, "closed by us");
		break;
	default:
		return;
	}
	conn_run(tc);
}

/* From pkremote: the signature is there, or will never be. */
static void
conn_resume(void *arg)
{
	struct tlsconn	*tc = arg;

	tc->tc_async = 0;
	conn_kick(tc);
}

static void
conn_fail(struct tlsconn *tc, const char *why)
{
	if (tc->tc_why[0] == '\0')
		(void)strlcpy(tc->tc_why, why, sizeof(tc->tc_why));
}

static void
conn_ssl_fail(struct tlsconn *tc, const char *what, int error, int saved)
{
	const char	*s;
	unsigned long	 e;
	long		 v;

	e = ERR_peek_error();
	v = SSL_get_verify_result(tc->tc_ssl);
	if (error == SSL_ERROR_SYSCALL && e == 0)
		s = saved == 0 ? "connection lost" : strerror(saved);
	else if (v != X509_V_OK && ERR_GET_REASON(e) ==
	    SSL_R_CERTIFICATE_VERIFY_FAILED)
		s = X509_verify_cert_error_string(v);
	else if (ERR_GET_REASON(e) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		s = "connection lost";
	else if ((s = ERR_reason_error_string(e)) == NULL)
		s = "protocol error";
	if (tc->tc_why[0] == '\0')
		(void)snprintf(tc->tc_why, sizeof(tc->tc_why), "%s: %s", what, s);
	ERR_clear_error();
}

/*
 * All work of a connection.  Each step may end it by setting tc_why, or find
 * it freed by a callback (tc_dead).
 */
static void
conn_run(struct tlsconn *tc)
{
	if (tc->tc_busy)
		return;
	tc->tc_busy = 1;
	if (tc->tc_why[0] == '\0' && tc->tc_state == TS_CONNECTING)
		conn_connected(tc);
	if (tc->tc_why[0] == '\0' && tc->tc_state == TS_HANDSHAKE)
		conn_handshake(tc);
	if (tc->tc_why[0] == '\0' && !tc->tc_dead && tc->tc_state == TS_OPEN)
		conn_read(tc);
	if (tc->tc_why[0] == '\0' && !tc->tc_dead &&
	    (tc->tc_state == TS_OPEN || tc->tc_state == TS_FLUSHING))
		conn_flush(tc);
	if (tc->tc_why[0] == '\0' && !tc->tc_dead &&
	    tc->tc_state == TS_LINGERING)
		conn_linger(tc);
	if (tc->tc_why[0] != '\0' && !tc->tc_dead && tc->tc_state != TS_ENDED) {
		event_del(&tc->tc_read);
		event_del(&tc->tc_write);
		event_del(&tc->tc_timer);
		if (tc->tc_state == TS_OPEN) {
			(void)SSL_shutdown(tc->tc_ssl);
			ERR_clear_error();
		}
		tc->tc_state = TS_ENDED;
		tc->tc_ops->tco_closed(tc, tc->tc_why, tc->tc_arg);
	}
	tc->tc_busy = 0;
	if (tc->tc_dead)
		conn_destroy(tc);
	else
		conn_wait(tc);
}

/* Arm what the state waits for. */
static void
conn_wait(struct tlsconn *tc)
{
	if (tc->tc_state == TS_ENDED || tc->tc_async)
		return;
	if (tc->tc_why[0] != '\0') {
		conn_kick(tc);		/* a callback asked for the end */
		return;
	}
	switch (tc->tc_state) {
	case TS_CONNECTING:
		event_add(&tc->tc_write, NULL);
		break;
	case TS_HANDSHAKE:
		if (SSL_want_write(tc->tc_ssl)) {
			event_del(&tc->tc_read);
			event_add(&tc->tc_write, NULL);
		} else
			event_add(&tc->tc_read, NULL);
		break;
	case TS_OPEN:
		if (!tc->tc_paused)
			event_add(&tc->tc_read, NULL);
		if (tc->tc_out.b_len > 0 || tc->tc_read_write)
			event_add(&tc->tc_write, NULL);
		if (tc->tc_again && !tc->tc_paused)
			conn_kick(tc);
		break;
	case TS_FLUSHING:
		event_add(&tc->tc_write, NULL);
		break;
	case TS_LINGERING:
		event_add(&tc->tc_read, NULL);
		break;
	case TS_ENDED:
		break;
	}
}

static void
conn_connected(struct tlsconn *tc)
{
	int		 error = 0;
	socklen_t	 len = sizeof(error);
	struct sockaddr_storage ss;
	socklen_t	 sslen = sizeof(ss);

	if (getsockopt(tc->tc_fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error != 0) {
		(void)snprintf(tc->tc_why, sizeof(tc->tc_why), "connect: %s",
		    strerror(error));
		return;
	}
	if (getpeername(tc->tc_fd, (struct sockaddr *)&ss, &sslen) == -1)
		return;			/* woken too early */
	tc->tc_state = TS_HANDSHAKE;
	conn_timer(tc, tc->tc_limits.tl_handshake_ms);
}

static void
conn_handshake(struct tlsconn *tc)
{
	int	 ret, error, saved;

	if (tc->tc_async)
		return;
	ERR_clear_error();
	errno = 0;
	ret = SSL_do_handshake(tc->tc_ssl);
	saved = errno;
	if (ret == 1) {
		SSL_clear_mode(tc->tc_ssl, SSL_MODE_ASYNC);
		tc->tc_state = TS_OPEN;
		evtimer_del(&tc->tc_timer);
		tc->tc_again = 1;
		tc->tc_ops->tco_open(tc, tc->tc_arg);
		return;
	}
	error = SSL_get_error(tc->tc_ssl, ret);
	switch (error) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		break;
	case SSL_ERROR_WANT_ASYNC:
		/* The peer may close now; we learn of it when we go on. */
		tc->tc_async = 1;
		event_del(&tc->tc_read);
		event_del(&tc->tc_write);
		break;
	default:
		conn_ssl_fail(tc, "handshake", error, saved);
		break;
	}
}

/* Offer bytes until nothing more is taken; how many were. */
static size_t
conn_offer(struct tlsconn *tc, const uint8_t *p, size_t len)
{
	size_t	 n, used = 0;

	while (used < len && !tc->tc_dead && !tc->tc_paused &&
	    tc->tc_state == TS_OPEN && tc->tc_why[0] == '\0') {
		n = tc->tc_ops->tco_data(tc, p + used, len - used, tc->tc_arg);
		if (tc->tc_dead)
			break;
		if (n > len - used) {
			conn_fail(tc, "closed by us");
			break;
		}
		if (n == 0)
			break;
		used += n;
	}
	return (used);
}

/* The same with those that waited. */
static void
conn_deliver(struct tlsconn *tc)
{
	size_t	 n;

	if (tc->tc_in.b_len == 0)
		return;
	n = conn_offer(tc, tc->tc_in.b_p + tc->tc_in.b_off, tc->tc_in.b_len);
	if (n > 0 && !tc->tc_dead)
		buf_drop(&tc->tc_in, n);
}

/* n bytes stand in chunk: offered from there, and what is not taken waits. */
static void
conn_take(struct tlsconn *tc, size_t n)
{
	size_t	 used = 0;
	int	 more = tc->tc_in.b_len > 0;

	if (!more)
		used = conn_offer(tc, chunk, n);
	if (!tc->tc_dead && used < n) {
		if (buf_room(&tc->tc_in, n - used) == -1)
			conn_fail(tc, "out of memory");
		else {
			memcpy(tc->tc_in.b_p + tc->tc_in.b_off + tc->tc_in.b_len,
			    chunk + used, n - used);
			tc->tc_in.b_len += n - used;
			if (more)
				conn_deliver(tc);
		}
	}
	explicit_bzero(chunk, n);
}

static void
conn_read(struct tlsconn *tc)
{
	size_t	 n;
	int	 i, ret, error, saved;

	if (tc->tc_paused || (!tc->tc_again && !tc->tc_read_write))
		return;
	tc->tc_again = 0;
	tc->tc_read_write = 0;
	conn_deliver(tc);
	for (i = 0; i < READS_A_TURN; i++) {
		if (tc->tc_dead || tc->tc_paused || tc->tc_state != TS_OPEN ||
		    tc->tc_why[0] != '\0')
			return;
		if (tc->tc_in.b_len >= tc->tc_limits.tl_read_max) {
			conn_fail(tc, "message too long");
			return;
		}
		n = tc->tc_limits.tl_read_max - tc->tc_in.b_len;
		if (n > READ_CHUNK)
			n = READ_CHUNK;
		ERR_clear_error();
		errno = 0;
		ret = SSL_read(tc->tc_ssl, chunk, (int)n);
		saved = errno;
		if (ret > 0) {
			conn_take(tc, (size_t)ret);
			if (tc->tc_dead)
				return;
			/* Of what else the socket may have the event tells. */
			if (!SSL_has_pending(tc->tc_ssl)) {
				if (tc->tc_in.b_len == 0)
					buf_clear(&tc->tc_in);
				return;
			}
			continue;
		}
		error = SSL_get_error(tc->tc_ssl, ret);
		if (error == SSL_ERROR_WANT_WRITE)
			tc->tc_read_write = 1;
		else if (error == SSL_ERROR_ZERO_RETURN)
			conn_fail(tc, "closed by peer");
		else if (error != SSL_ERROR_WANT_READ)
			conn_ssl_fail(tc, "read", error, saved);
		if (tc->tc_in.b_len == 0)
			buf_clear(&tc->tc_in);
		return;
	}
	tc->tc_again = 1;
}

static void
conn_flush(struct tlsconn *tc)
{
	size_t	 n;
	int	 ret, error, saved;

	while (tc->tc_out.b_len > 0) {
		n = tc->tc_out.b_len > READ_CHUNK ? READ_CHUNK : tc->tc_out.b_len;
		ERR_clear_error();
		errno = 0;
		ret = SSL_write(tc->tc_ssl, tc->tc_out.b_p + tc->tc_out.b_off,
		    (int)n);
		saved = errno;
		if (ret > 0) {
			buf_drop(&tc->tc_out, (size_t)ret);
			continue;
		}
		error = SSL_get_error(tc->tc_ssl, ret);
		if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
			conn_ssl_fail(tc, "write", error, saved);
		return;
	}
	if (tc->tc_undrained) {
		tc->tc_undrained = 0;
		if (tc->tc_ops->tco_drained != NULL && tc->tc_state == TS_OPEN) {
			tc->tc_ops->tco_drained(tc, tc->tc_arg);
			if (tc->tc_dead)
				return;
		}
	}
	if (tc->tc_state != TS_FLUSHING || tc->tc_out.b_len > 0)
		return;
	ERR_clear_error();
	(void)SSL_shutdown(tc->tc_ssl);
	ERR_clear_error();
	if (tc->tc_linger == 0) {
		conn_fail(tc, "closed by us");
		return;
	}
	tc->tc_state = TS_LINGERING;
	conn_timer(tc, tc->tc_linger);
}

/* What the peer still sends is thrown away; a closed socket that was not read
 * empty would make its kernel drop our last message. */
static void
conn_linger(struct tlsconn *tc)
{
	uint8_t	 junk[READ_CHUNK];
	ssize_t	 n;
	int	 i;

	for (i = 0; i < READS_A_TURN; i++) {
		n = read(tc->tc_fd, junk, sizeof(junk));
		if (n > 0)
			continue;
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			conn_fail(tc, "closed by us");
		return;
	}
}

/* -- for the owner -- */

int
tlsconn_write(struct tlsconn *tc, const void *p, size_t len)
{
	if (tc->tc_state != TS_OPEN || tc->tc_why[0] != '\0') {
		errno = ENOTCONN;
		return (-1);
	}
	if (len == 0)
		return (0);
	if (len > tc->tc_limits.tl_write_max ||
	    tc->tc_out.b_len > tc->tc_limits.tl_write_max - len) {
		conn_fail(tc, "peer does not read");
		conn_kick(tc);
		errno = ENOBUFS;
		return (-1);
	}
	if (buf_room(&tc->tc_out, len) == -1) {
		conn_fail(tc, "out of memory");
		conn_kick(tc);
		errno = ENOMEM;
		return (-1);
	}
	memcpy(tc->tc_out.b_p + tc->tc_out.b_off + tc->tc_out.b_len, p, len);
	tc->tc_out.b_len += len;
	tc->tc_undrained = 1;
	conn_kick(tc);
	return (0);
}

size_t
tlsconn_queued(const struct tlsconn *tc)
{
	return (tc->tc_out.b_len);
}

void
tlsconn_shutdown(struct tlsconn *tc, unsigned linger_ms)
{
	switch (tc->tc_state) {
	case TS_OPEN:
		tc->tc_state = TS_FLUSHING;
		tc->tc_linger = linger_ms;
		event_del(&tc->tc_read);
		conn_timer(tc, FLUSH_MS);
		break;
	case TS_CONNECTING:
	case TS_HANDSHAKE:
		conn_fail(tc, "closed by us");
		break;
	default:
		return;
	}
	conn_kick(tc);
}

void
tlsconn_read_max(struct tlsconn *tc, size_t max)
{
	tc->tc_limits.tl_read_max = max;
}

void
tlsconn_pause(struct tlsconn *tc, int paused)
{
	if (tc->tc_paused == paused)
		return;
	tc->tc_paused = paused;
	if (tc->tc_state != TS_OPEN)
		return;
	if (paused)
		event_del(&tc->tc_read);
	else {
		tc->tc_again = 1;
		conn_kick(tc);
	}
}

SSL *
tlsconn_ssl(struct tlsconn *tc)
{
	return (tc->tc_ssl);
}

int
tlsconn_is_open(const struct tlsconn *tc)
{
	return (tc->tc_state == TS_OPEN && tc->tc_why[0] == '\0');
}
