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

#define UDP_BATCH	64

static struct log_limit	udp_limit = { "failed sends", 5, 10000, 0, 0, 0 };

void
udp_read(int fd, short event, void *arg)
{
	static uint8_t		 buf[SIP_MSG_MAX];
	const struct conf_listen *cl = *(const struct conf_listen **)arg;
	struct sockaddr_storage	 ss;
	struct sip_flow		 fl;
	socklen_t		 len;
	ssize_t			 n;
	size_t			 most = 0;
	int			 i;

	(void)event;
	memset(&fl, 0, sizeof(fl));
	fl.fl_proto = SIP_UDP;
	fl.fl_face = cl->cl_face;
	for (i = 0; i < UDP_BATCH; i++) {
		len = sizeof(ss);
		n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&ss, &len);
		if (n == -1) {
			if (errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
				log_warn("recvfrom");
			break;
		}
		/* Keep-alives: a few CRLFs or NULs. */
		if (n <= 4 || cl->cl_face != FACE_INSIDE ||
		    vaddr_from_sa((struct sockaddr *)&ss, &fl.fl_peer) == -1 ||
		    transport_local(cl, &fl.fl_peer, &fl.fl_local) == -1)
			continue;
		if ((size_t)n > most)
			most = (size_t)n;
		transport_ops->to_input(&fl, buf, (size_t)n);
	}
	explicit_bzero(buf, most);
}

int
udp_send(const struct sip_flow *fl, const uint8_t *p, size_t len)
{
	const struct conf_listen *cl, *any = NULL;
	struct sockaddr_storage	 ss;
	socklen_t		 slen;

	if (transport_config == NULL)
		return (-1);
	/* From the socket that its answer must come back to. */
	TAILQ_FOREACH(cl, &transport_config->c_listens, cl_entry) {
		if (cl->cl_use != LISTEN_SIP || cl->cl_proto != SIP_UDP ||
		    cl->cl_face != FACE_INSIDE ||
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
	if (sendto(cl->cl_fd, p, len, 0, (struct sockaddr *)&ss, slen) == -1) {
		/* A full queue is a lost packet, which SIP repeats. */
		if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR ||
		    errno == ECONNREFUSED)
			return (0);
		if (log_allow(&udp_limit, transport_ops->to_now()))
			log_warn("udp send");
		return (-1);
	}
	return (0);
}
