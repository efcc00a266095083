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

/* Transports inside: our address towards a peer, keep-alives, ICMP. */

#include <sys/types.h>
#include <sys/socket.h>

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "proxy.h"
#include "sip_shell.h"
#include "transport.h"
#include "transport_inside.h"
#include "udperr.h"

#define SOURCES		64	/* peers whose source address is remembered */
#define SOURCE_MS	10000	/* routes may change */
#define ERRORS_MAX	64	/* a turn */

/* From which address of ours the kernel would speak to a peer. */
struct source {
	struct vaddr	 so_peer;
	struct vaddr	 so_local;
	uint64_t	 so_until;
};

static int	 inside_source(const struct vaddr *, struct vaddr *);

static struct source	sources[SOURCES];
static size_t		next_source;

void
inside_conf(void)
{
	const struct conf_listen	*cl;

	memset(sources, 0, sizeof(sources));
	TAILQ_FOREACH(cl, &transport_config->c_listens, cl_entry) {
		if (cl->cl_use == LISTEN_SIP && cl->cl_proto == SIP_UDP &&
		    cl->cl_fd != -1 && udperr_enable(cl->cl_fd, cl->cl_addr.va_family) == -1)
			log_debug("no news of undelivered datagrams");
	}
}

static int
inside_source(const struct vaddr *peer, struct vaddr *local)
{
	struct source	*so;
	uint64_t	 now = transport_ops->to_now();
	size_t		 i;
	int		 r;

	for (i = 0; i < SOURCES; i++)
		if (sources[i].so_until > now && vaddr_host_eq(&sources[i].so_peer, peer)) {
			*local = sources[i].so_local;
			return (local->va_family != 0 ? 0 : -1);
		}
	so = &sources[next_source++ % SOURCES];
	memset(so, 0, sizeof(*so));
	so->so_peer = *peer;
	so->so_until = now + SOURCE_MS;
	r = transport_source(peer, &so->so_local);
	*local = so->so_local;
	return (r);
}

const struct conf_listen *
inside_listen(uint8_t proto, const struct vaddr *peer, struct vaddr *local)
{
	const struct conf_listen	*cl, *first = NULL, *wild = NULL, *best = NULL;
	const char			*special;
	struct vaddr			 src;
	size_t				 n = 0;

	if (transport_config == NULL)
		return (NULL);
	TAILQ_FOREACH(cl, &transport_config->c_listens, cl_entry) {
		if (cl->cl_use != LISTEN_SIP || cl->cl_proto != proto ||
		    cl->cl_face != FACE_INSIDE || cl->cl_addr.va_family != peer->va_family)
			continue;
		n++;
		if (first == NULL)
			first = cl;
		special = vaddr_special(&cl->cl_addr);
		if (wild == NULL && special != NULL && strcmp(special, "unspecified") == 0)
			wild = cl;
	}
	if (first == NULL)
		return (NULL);
	if ((n == 1 && wild == NULL) || inside_source(peer, &src) == -1) {
		*local = first->cl_addr;
		return (wild == first ? NULL : first);
	}
	TAILQ_FOREACH(cl, &transport_config->c_listens, cl_entry)
		if (best == NULL && cl->cl_use == LISTEN_SIP && cl->cl_proto == proto &&
		    cl->cl_face == FACE_INSIDE && vaddr_host_eq(&cl->cl_addr, &src))
			best = cl;
	if (best == NULL && wild != NULL) {
		*local = src;
		local->va_port = wild->cl_addr.va_port;
		return (wild);
	}
	if (best == NULL)
		best = first;
	*local = best->cl_addr;
	return (best);
}

unsigned
inside_keepalive(unsigned so_far, size_t n, int *pong)
{
	/* One answer, however many came at once: a flood gets no more. */
	*pong = so_far + n >= 4;
	return (*pong ? 0 : so_far + (unsigned)n);
}

int
inside_is_keepalive(const uint8_t *p, size_t len)
{
	size_t	i;

	/* A message begins with a letter; STUN with 0 or 1 (RFC 5389 6). */
	if (len == 0 || p[0] <= 1)
		return (1);
	if (p[0] > ' ')
		return (0);
	for (i = 0; i < len; i++)
		if (p[i] != '\r' && p[i] != '\n' && p[i] != '\0' && p[i] != ' ')
			return (0);
	return (1);
}

int
inside_alias(const struct conn *cn, const struct vaddr *hop)
{
	struct proxy_hop	 ph;
	size_t			 i, n = 0;

	if (cn->cn_outbound || !vaddr_host_eq(&cn->cn_flow.fl_peer, hop))
		return (0);
	for (i = 0; proxy_hop_get(shell.sh_proxy, i, &ph) == 0; i++)
		n += ph.ph_conf->ch_proto == SIP_TCP && vaddr_host_eq(&ph.ph_addr, hop);
	return (n == 1);
}

void
inside_errors(const struct conf_listen *cl)
{
	static uint8_t	 buf[2048];
	const char	*why;
	size_t		 len;
	int		 i;

	for (i = 0; i < ERRORS_MAX &&
	    udperr_next(cl->cl_fd, buf, sizeof(buf), &len, &why) == 1; i++)
		transport_ops->to_unreachable(buf, len, why);
	explicit_bzero(buf, sizeof(buf));
}
