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

/* TCP of sipgw, inside only: PBXs and trunks. */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <event.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "transport.h"
#include "transport_inside.h"

#define TCP_CONNECT_MS	4000

static void	tcp_start(struct conn *);
static void	tcp_connected(int, short, void *);
static void	tcp_read(struct bufferevent *, void *);
static void	tcp_written(struct bufferevent *, void *);
static void	tcp_error(struct bufferevent *, short, void *);
static void	tcp_nodelay(int);

static struct log_limit	accept_limit = { "failed accepts", 5, 10000, 0, 0, 0 };

static void
tcp_nodelay(int fd)
{
	int	on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static void
tcp_start(struct conn *cn)
{
	tcp_nodelay(cn->cn_fd);
	cn->cn_bev = bufferevent_new(cn->cn_fd, tcp_read, tcp_written, tcp_error, cn);
	if (cn->cn_bev == NULL) {
		conn_dead(cn, "no memory");
		return;
	}
	bufferevent_setwatermark(cn->cn_bev, EV_READ, 0, SIP_MSG_MAX + 8192);
	if (bufferevent_enable(cn->cn_bev, EV_READ | EV_WRITE) == -1) {
		conn_dead(cn, "event loop");
		return;
	}
	conn_opened(cn);
}

void
tcp_accept(int fd, short event, void *arg)
{
	const struct conf_listen *cl = *(const struct conf_listen **)arg;
	struct sockaddr_storage	 ss;
	struct vaddr		 peer, local;
	struct conn		*cn;
	socklen_t		 len;
	int			 s, i;

	(void)event;
	for (i = 0; i < 16; i++) {
		len = sizeof(ss);
		s = accept4(fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (s == -1) {
			if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED &&
			    log_allow(&accept_limit, transport_ops->to_now()))
				log_warn("accept");
			return;
		}
		if (vaddr_from_sa((struct sockaddr *)&ss, &peer) == -1 ||
		    cl->cl_face == FACE_OUTSIDE ||
		    !conn_heard(SIP_TCP, cl->cl_face, &peer) ||
		    transport_local(cl, &peer, &local) == -1 ||
		    (cn = conn_new(SIP_TCP, cl->cl_face, &peer, &local)) == NULL) {
			(void)close(s);
			continue;
		}
		cn->cn_fd = s;
		tcp_start(cn);
	}
}

struct conn *
tcp_connect(const struct vaddr *to)
{
	struct sockaddr_storage	 ss;
	struct vaddr		 local, from;
	struct conn		*cn;
	struct timeval		 tv;
	socklen_t		 len;
	int			 fd;

	/* The address that hops know us by; without a TCP listener the one
	 * for UDP. */
	if (inside_listen(SIP_TCP, to, &local) == NULL &&
	    inside_listen(SIP_UDP, to, &local) == NULL)
		return (NULL);
	if ((cn = conn_new(SIP_TCP, FACE_INSIDE, to, &local)) == NULL)
		return (NULL);
	cn->cn_outbound = 1;
	len = vaddr_to_sa(to, &ss);
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		goto fail;
	cn->cn_fd = fd;
	from = local;
	from.va_port = 0;
	{
		struct sockaddr_storage	 fs;
		socklen_t		 flen = vaddr_to_sa(&from, &fs);

		if (bind(fd, (struct sockaddr *)&fs, flen) == -1)
			log_debug("bind before connect failed");
	}
	if (connect(fd, (struct sockaddr *)&ss, len) == -1 && errno != EINPROGRESS)
		goto fail;
	event_set(&cn->cn_timer, fd, EV_WRITE, tcp_connected, cn);
	tv.tv_sec = TCP_CONNECT_MS / 1000;
	tv.tv_usec = 0;
	if (event_add(&cn->cn_timer, &tv) == -1)
		goto fail;
	return (cn);
fail:
	conn_dead(cn, "connect");
	return (NULL);
}

static void
tcp_connected(int fd, short event, void *arg)
{
	struct conn	*cn = arg;
	socklen_t	 len = sizeof(int);
	int		 err = 0;

	conn_timer_reset(cn);
	if (event == EV_TIMEOUT || getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1 ||
	    err != 0) {
		conn_dead(cn, err != 0 ? strerror(err) : "no connection in time");
		return;
	}
	tcp_start(cn);
}

static void
tcp_read(struct bufferevent *bev, void *arg)
{
	struct conn	*cn = arg;
	struct evbuffer	*in = EVBUFFER_INPUT(bev);
	uint8_t		*p;
	size_t		 len;
	ptrdiff_t	 n;

	if (cn->cn_state != CONN_OPEN) {
		(void)evbuffer_drain(in, EVBUFFER_LENGTH(in));
		return;
	}
	len = EVBUFFER_LENGTH(in);
	if ((p = evbuffer_pullup(in, -1)) == NULL || len == 0)
		return;
	n = conn_frames(cn, p, len);
	if (n == -1)
		n = (ptrdiff_t)len;
	explicit_bzero(p, (size_t)n);
	(void)evbuffer_drain(in, (size_t)n);
}

static void
tcp_written(struct bufferevent *bev, void *arg)
{
	struct conn	*cn = arg;

	(void)bev;
	cn->cn_unread = 0;
	if (cn->cn_state == CONN_CLOSING)
		conn_dead(cn, NULL);
}

static void
tcp_error(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	conn_dead(arg, (what & EVBUFFER_EOF) ? "closed by the peer" : "connection lost");
}

int
tcp_send(struct conn *cn, const uint8_t *p, size_t len)
{
	if (cn->cn_bev == NULL)
		return (-1);
	if (EVBUFFER_LENGTH(EVBUFFER_OUTPUT(cn->cn_bev)) + len > CONN_WRITE_MAX) {
		conn_dead(cn, "peer does not read");
		return (-1);
	}
	return (bufferevent_write(cn->cn_bev, p, len));
}

void
tcp_shut(struct conn *cn)
{
	if (cn->cn_bev == NULL ||
	    EVBUFFER_LENGTH(EVBUFFER_OUTPUT(cn->cn_bev)) == 0)
		conn_dead(cn, NULL);
	else
		conn_timer(cn, CONN_LINGER_MS);
}

void
tcp_close(struct conn *cn)
{
	if (cn->cn_bev != NULL)
		bufferevent_free(cn->cn_bev);
	if (cn->cn_fd != -1)
		(void)close(cn->cn_fd);
	cn->cn_bev = NULL;
	cn->cn_fd = -1;
}
