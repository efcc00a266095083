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

/* Errors of datagrams that we sent: Linux keeps them in a queue of the socket. */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>

#include <errno.h>
#include <string.h>

#include "udperr.h"

#define SKIP_MAX	64	/* others than those that count, a call */

static const char *udperr_str(const struct sock_extended_err *);

/* "Destination unreachable" alone: a time that was exceeded or a packet too
 * large may be another's next time (RFC 3261 18.4). */
static const char *
udperr_str(const struct sock_extended_err *ee)
{
	if (!(ee->ee_origin == SO_EE_ORIGIN_ICMP && ee->ee_type == ICMP_DEST_UNREACH) &&
	    !(ee->ee_origin == SO_EE_ORIGIN_ICMP6 && ee->ee_type == ICMPV6_DEST_UNREACH))
		return (NULL);
	switch (ee->ee_errno) {
	case ECONNREFUSED:
		return ("port-unreachable");
	case EHOSTUNREACH:
		return ("host-unreachable");
	case ENETUNREACH:
		return ("net-unreachable");
	case ENOPROTOOPT:
		return ("protocol-unreachable");
	default:
		return (NULL);
	}
}

int
udperr_enable(int fd, int family)
{
	int	on = 1;

	return (family == 4 ? setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)) :
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on)));
}

int
udperr_next(int fd, void *buf, size_t size, size_t *len, const char **why)
{
	union {
		struct cmsghdr	 align;
		char		 bytes[512];
	} ctl;
	struct sock_extended_err ee;
	struct cmsghdr	*cm;
	struct msghdr	 m;
	struct iovec	 iov;
	ssize_t		 n;
	int		 i;

	for (i = 0; i < SKIP_MAX; i++) {
		memset(&m, 0, sizeof(m));
		iov.iov_base = buf;
		iov.iov_len = size;
		m.msg_iov = &iov;
		m.msg_iovlen = 1;
		m.msg_control = ctl.bytes;
		m.msg_controllen = sizeof(ctl.bytes);
		if ((n = recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT)) == -1)
			return (0);
		for (cm = CMSG_FIRSTHDR(&m); cm != NULL; cm = CMSG_NXTHDR(&m, cm)) {
			if (!(cm->cmsg_level == IPPROTO_IP &&
			    cm->cmsg_type == IP_RECVERR) &&
			    !(cm->cmsg_level == IPPROTO_IPV6 &&
			    cm->cmsg_type == IPV6_RECVERR))
				continue;
			if (cm->cmsg_len < CMSG_LEN(sizeof(ee)))
				continue;
			memcpy(&ee, CMSG_DATA(cm), sizeof(ee));
			if ((*why = udperr_str(&ee)) == NULL)
				continue;
			*len = (size_t)n;
			return (1);
		}
	}
	return (0);
}
