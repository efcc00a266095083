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
 * TLS of sipgw: the outside face in both directions, with the peer judged in
 * the handshake (names.h), and the inside's listener for PBXs that speak it.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "transport.h"

static void	tls_open(struct tlsconn *, void *);
static size_t	tls_data(struct tlsconn *, const uint8_t *, size_t, void *);
static void	tls_drained(struct tlsconn *, void *);
static void	tls_closed(struct tlsconn *, const char *, void *);

static const struct tlsconn_ops tls_ops = { tls_open, tls_data, tls_drained, tls_closed };

static SSL_CTX		*server_ctx, *client_ctx, *inside_ctx;
static struct log_limit	 refused_limit = { "refused connections", 10, 6000, 0, 0, 0 };
static struct log_limit	 accept_limit = { "failed accepts", 5, 10000, 0, 0, 0 };

void
tls_conf(SSL_CTX *server, SSL_CTX *client, SSL_CTX *inside)
{
	SSL_CTX_free(server_ctx);
	SSL_CTX_free(client_ctx);
	SSL_CTX_free(inside_ctx);
	server_ctx = server;
	client_ctx = client;
	inside_ctx = inside;
}

void
tls_accept(int fd, short event, void *arg)
{
	static const struct tlsconn_limits tl = { CONN_HANDSHAKE_MS, CONN_HANDSHAKE_MS,
	    SIP_MSG_MAX + 16384, CONN_WRITE_MAX };
	const struct conf_listen *cl = *(const struct conf_listen **)arg;
	struct sockaddr_storage	 ss;
	struct vaddr		 peer, local;
	struct conn		*cn;
	SSL_CTX			*ctx;
	socklen_t		 len;
	char			 addr[VADDR_STRLEN];
	int			 s, i;

	(void)event;
	ctx = cl->cl_face == FACE_OUTSIDE ? server_ctx : inside_ctx;
	for (i = 0; i < 16; i++) {
		len = sizeof(ss);
		s = accept4(fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (s == -1) {
			if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED &&
			    log_allow(&accept_limit, transport_ops->to_now()))
				log_warn("accept");
			return;
		}
		if (ctx == NULL || vaddr_from_sa((struct sockaddr *)&ss, &peer) == -1 ||
		    transport_local(cl, &peer, &local) == -1) {
			(void)close(s);
			continue;
		}
		if (cl->cl_face == FACE_OUTSIDE &&
		    limits_conn_open(transport_limits(), &peer) == -1) {
			if (log_allow(&refused_limit, transport_ops->to_now()))
				log_info("connection from %s refused: reason=too-many",
				    vaddr_host(&peer, addr, sizeof(addr)));
			(void)close(s);
			continue;
		}
		if ((cn = conn_new(SIP_TLS, cl->cl_face, &peer, &local)) == NULL) {
			if (cl->cl_face == FACE_OUTSIDE)
				limits_conn_close(transport_limits(), &peer);
			(void)close(s);
			continue;
		}
		cn->cn_counted_addr = cl->cl_face == FACE_OUTSIDE;
		cn->cn_tls = tlsconn_accept(s, ctx, &tl, &tls_ops, cn);
		if (cn->cn_tls == NULL)
			conn_dead(cn, "no memory");
	}
}

struct conn *
tls_connect(const struct vaddr *to, const char *host, uint16_t port, unsigned ms)
{
	struct tlsconn_limits	 tl = { ms, ms, SIP_MSG_MAX + 16384, CONN_WRITE_MAX };
	const struct conf_listen *cl;
	struct vaddr		 local, from, *bindto = NULL;
	struct conn		*cn;

	if (client_ctx == NULL)
		return (NULL);
	memset(&local, 0, sizeof(local));
	if ((cl = transport_listen(SIP_TLS, FACE_OUTSIDE, to->va_family)) != NULL &&
	    transport_local(cl, to, &local) == 0) {
		from = local;
		from.va_port = 0;
		bindto = &from;
	}
	if ((cn = conn_new(SIP_TLS, FACE_OUTSIDE, to, &local)) == NULL)
		return (NULL);
	cn->cn_outbound = 1;
	cn->cn_port = port;
	(void)strlcpy(cn->cn_host, host, sizeof(cn->cn_host));
	cn->cn_tls = tlsconn_connect(to, bindto, client_ctx, &tl, &tls_ops, cn);
	if (cn->cn_tls == NULL || names_expect(tlsconn_ssl(cn->cn_tls), host) == -1) {
		conn_dead(cn, "connect");
		return (NULL);
	}
	return (cn);
}

static void
tls_open(struct tlsconn *tc, void *arg)
{
	struct conn	*cn = arg;
	char		 addr[VADDR_STRLEN];
	int		 size = CONN_SNDBUF;

	if (cn->cn_face == FACE_OUTSIDE) {
		/* What waits in the kernel is not seen: let it be little. */
		(void)setsockopt(SSL_get_fd(tlsconn_ssl(tc)), SOL_SOCKET, SO_SNDBUF,
		    &size, sizeof(size));
		if (names_peer(tlsconn_ssl(tc), &cn->cn_names, &cn->cn_not_after) == -1 ||
		    (cn->cn_outbound && names_find(&cn->cn_names, cn->cn_host) == -1)) {
			conn_dead(cn, "peer has no usable name");
			return;
		}
		if (!cn->cn_outbound) {
			if (limits_name_open(transport_limits(),
			    cn->cn_names.na_name[0]) == -1) {
				if (log_allow(&refused_limit, transport_ops->to_now()))
					log_info("connection from %s refused: "
					    "reason=too-many", cn->cn_names.na_name[0]);
				conn_dead(cn, "too many connections of one domain");
				return;
			}
			cn->cn_counted_name = 1;
		}
		log_debug("connection %llu: %s %s (%s)", (unsigned long long)cn->cn_id,
		    cn->cn_outbound ? "to" : "from", cn->cn_names.na_name[0],
		    vaddr_str(&cn->cn_flow.fl_peer, addr, sizeof(addr)));
	}
	conn_opened(cn);
}

static size_t
tls_data(struct tlsconn *tc, const uint8_t *p, size_t len, void *arg)
{
	struct conn	*cn = arg;
	ptrdiff_t	 n;

	(void)tc;
	if (cn->cn_state == CONN_DEAD || cn->cn_state == CONN_CLOSING)
		return (len);
	n = conn_frames(cn, p, len);
	return (n == -1 ? len : (size_t)n);
}

static void
tls_drained(struct tlsconn *tc, void *arg)
{
	struct conn	*cn = arg;

	(void)tc;
	cn->cn_unread = 0;
}

static void
tls_closed(struct tlsconn *tc, const char *why, void *arg)
{
	struct conn	*cn = arg;
	const char	*rule;
	char		 addr[VADDR_STRLEN];

	if (cn->cn_state == CONN_CONNECTING && cn->cn_face == FACE_OUTSIDE) {
		rule = names_why(tlsconn_ssl(tc));
		if (log_allow(&refused_limit, transport_ops->to_now()))
			log_info("connection %s %s%s%s failed: %s",
			    cn->cn_outbound ? "to" : "from",
			    cn->cn_outbound ? cn->cn_host : "",
			    cn->cn_outbound ? " at " : "",
			    vaddr_str(&cn->cn_flow.fl_peer, addr, sizeof(addr)),
			    rule != NULL ? rule : why);
	}
	conn_dead(cn, why);
}
