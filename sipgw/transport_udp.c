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

/* UDP of sipgw, inside only. */

#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "log.h"
#include "transport.h"
#include "transport_inside.h"

#define UDP_BATCH	16	/* datagrams a system call */
#define UDP_ROUNDS	4	/* system calls a turn of the event loop */
#define UDP_TRIES	4

static int	udp_undelivered(int);
static void	udp_input(const struct conf_listen *, const struct sockaddr *,
		    const uint8_t *, size_t);

static struct log_limit	udp_limit = { "failed sends", 5, 10000, 0, 0, 0 };

/* The system tells of an earlier datagram by the next call on the socket. */
static int
udp_undelivered(int err)
{
	return (err == ECONNREFUSED || err == EHOSTUNREACH || err == ENETUNREACH ||
	    err == ENOPROTOOPT || err == EPROTO || err == EACCES || err == EOPNOTSUPP ||
	    err == EHOSTDOWN);
}

void
udp_read(int fd, short event, void *arg)
{
	static uint8_t		 bufs[UDP_BATCH][SIP_MSG_MAX];
	static struct sockaddr_storage ss[UDP_BATCH];
	static struct mmsghdr	 hdrs[UDP_BATCH];
	static struct iovec	 iovs[UDP_BATCH];
	const struct conf_listen *cl = *(const struct conf_listen **)arg;
	int			 i, n, round;

	(void)event;
	for (round = 0; round < UDP_ROUNDS; round++) {
		for (i = 0; i < UDP_BATCH; i++) {
			iovs[i].iov_base = bufs[i];
			iovs[i].iov_len = sizeof(bufs[i]);
			memset(&hdrs[i], 0, sizeof(hdrs[i]));
			hdrs[i].msg_hdr.msg_name = &ss[i];
			hdrs[i].msg_hdr.msg_namelen = sizeof(ss[i]);
			hdrs[i].msg_hdr.msg_iov = &iovs[i];
			hdrs[i].msg_hdr.msg_iovlen = 1;
		}
		n = recvmmsg(fd, hdrs, UDP_BATCH, 0, NULL);
		if (n == -1) {
			/* Nothing to read, or what was sent came back. */
			if (errno != EAGAIN && errno != EINTR && !udp_undelivered(errno))
				log_warn("recvmmsg");
			if (round == 0)
				inside_errors(cl);
			return;
		}
		for (i = 0; i < n; i++) {
			udp_input(cl, (struct sockaddr *)&ss[i], bufs[i], hdrs[i].msg_len);
			explicit_bzero(bufs[i], hdrs[i].msg_len);
		}
		/* The next turn of the event loop sees what came meanwhile. */
		if (n < UDP_BATCH)
			return;
	}
}

static void
udp_input(const struct conf_listen *cl, const struct sockaddr *sa, const uint8_t *p,
    size_t len)
{
	struct sip_flow	 fl;

	memset(&fl, 0, sizeof(fl));
	fl.fl_proto = SIP_UDP;
	fl.fl_face = cl->cl_face;
	if (inside_is_keepalive(p, len) || cl->cl_face == FACE_OUTSIDE ||
	    vaddr_from_sa(sa, &fl.fl_peer) == -1 ||
	    transport_local(cl, &fl.fl_peer, &fl.fl_local) == -1)
		return;
	transport_ops->to_input(&fl, p, len);
}

int
udp_send(const struct sip_flow *fl, const uint8_t *p, size_t len)
{
	const struct conf_listen *cl, *any = NULL;
	struct sockaddr_storage	 ss;
	socklen_t		 slen;
	int			 i;

	if (transport_config == NULL)
		return (-1);
	/* From the socket that its answer must come back to. */
	TAILQ_FOREACH(cl, &transport_config->c_listens, cl_entry) {
		if (cl->cl_use != LISTEN_SIP || cl->cl_proto != SIP_UDP ||
		    cl->cl_face != fl->fl_face ||
		    cl->cl_addr.va_family != fl->fl_peer.va_family)
			continue;
		if (vaddr_eq(&cl->cl_addr, &fl->fl_local))
			break;
		if (any == NULL)
			any = cl;
	}
	if (cl == NULL && (cl = any) == NULL)
		return (-1);
	slen = vaddr_to_sa(&fl->fl_peer, &ss);
	for (i = 0; i < UDP_TRIES; i++) {
		if (sendto(cl->cl_fd, p, len, 0, (struct sockaddr *)&ss, slen) != -1)
			return (0);
		/* A full queue is a lost packet, which SIP repeats. */
		if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
			return (0);
		/* The news may be of another datagram: this one was not sent. */
		if (udp_undelivered(errno))
			continue;
		if (log_allow(&udp_limit, transport_ops->to_now()))
			log_warn("udp send");
		break;
	}
	return (-1);
}
