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
#include "tls_resume.h"
#include "transport.h"
#include "transport_inside.h"

static int	tls_names(struct conn *);
static void	tls_open(struct tlsconn *, void *);
static size_t	tls_data(struct tlsconn *, const uint8_t *, size_t, void *);
static void	tls_drained(struct tlsconn *, void *);
static void	tls_closed(struct tlsconn *, const char *, void *);

static const struct tlsconn_ops tls_ops = { tls_open, tls_data, tls_drained, tls_closed };

/* Names under which addresses of PBXs and trunks were found. */
#define HOPS_MAX	256
#define HOP_CONNECT_MS	4000

static struct {
	struct vaddr	ho_addr;
	char		ho_host[DOMAIN_SIZE];
}			 hops[HOPS_MAX];
static size_t		 nhops, next_hop;

static SSL_CTX		*server_ctx, *client_ctx, *inside_ctx, *hop_ctx;
static struct log_limit	 refused_limit = { "refused connections", 10, 6000, 0, 0, 0 };
static struct log_limit	 accept_limit = { "failed accepts", 5, 10000, 0, 0, 0 };

void
tls_conf(SSL_CTX *server, SSL_CTX *client, SSL_CTX *inside, SSL_CTX *hop)
{
	SSL_CTX_free(server_ctx);
	SSL_CTX_free(client_ctx);
	SSL_CTX_free(inside_ctx);
	SSL_CTX_free(hop_ctx);
	server_ctx = server;
	client_ctx = client;
	resume_client(client);
	inside_ctx = inside;
	hop_ctx = hop;
	nhops = next_hop = 0;
}

void
tls_hop_name(const struct vaddr *va, const char *host)
{
	size_t	i;

	for (i = 0; i < nhops; i++)
		if (vaddr_eq(&hops[i].ho_addr, va))
			break;
	if (i == nhops) {
		if (nhops < HOPS_MAX)
			nhops++;
		else
			i = next_hop++ % HOPS_MAX;
	}
	hops[i].ho_addr = *va;
	(void)strlcpy(hops[i].ho_host, host, sizeof(hops[i].ho_host));
}

const char *
tls_hop_host(const struct vaddr *va)
{
	const struct conf_hop	*ch;
	size_t			 i;

	TAILQ_FOREACH(ch, &transport_config->c_hops, ch_entry)
		if (ch->ch_proto == SIP_TLS && ch->ch_addr.va_family != 0 &&
		    vaddr_eq(&ch->ch_addr, va))
			return (ch->ch_host);
	for (i = 0; i < nhops; i++)
		if (vaddr_eq(&hops[i].ho_addr, va))
			return (hops[i].ho_host);
	return (NULL);
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
		    !conn_heard(SIP_TLS, cl->cl_face, &peer) ||
		    transport_local(cl, &peer, &local) == -1) {
			(void)close(s);
			continue;
		}
		if (cl->cl_face == FACE_OUTSIDE && (limits_conn_rate(transport_limits(),
		    &peer, conf_limit_conns(transport_config),
		    transport_ops->to_now()) == -1 ||
		    limits_conn_open(transport_limits(), &peer) == -1)) {
			transport_refused();
			if (log_allow(&refused_limit, transport_ops->to_now()))
				log_info("connection refused: reason=too-many "
				    "address=%s", vaddr_host(&peer, addr,
				    sizeof(addr)));
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
		else if (cl->cl_face == FACE_OUTSIDE)
			conn_half(cn);
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
	resume_offer(tlsconn_ssl(cn->cn_tls), port);
	return (cn);
}

struct conn *
tls_connect_hop(const struct vaddr *to)
{
	static const struct tlsconn_limits tl = { HOP_CONNECT_MS, HOP_CONNECT_MS,
	    SIP_MSG_MAX + 16384, CONN_WRITE_MAX };
	const char		*host;
	struct vaddr		 local, from;
	struct conn		*cn;

	if (hop_ctx == NULL || (host = tls_hop_host(to)) == NULL)
		return (NULL);
	/* The address that hops know us by. */
	if ((inside_listen(SIP_TLS, to, &local) == NULL &&
	    inside_listen(SIP_TCP, to, &local) == NULL &&
	    inside_listen(SIP_UDP, to, &local) == NULL) ||
	    (cn = conn_new(SIP_TLS, FACE_INSIDE, to, &local)) == NULL)
		return (NULL);
	from = local;
	from.va_port = 0;
	cn->cn_outbound = 1;
	cn->cn_port = to->va_port;
	(void)strlcpy(cn->cn_host, host, sizeof(cn->cn_host));
	cn->cn_tls = tlsconn_connect(to, &from, hop_ctx, &tl, &tls_ops, cn);
	if (cn->cn_tls == NULL || names_expect(tlsconn_ssl(cn->cn_tls), host) == -1) {
		conn_dead(cn, "connect");
		return (NULL);
	}
	return (cn);
}

int
tls_trusted(struct conn *cn)
{
	if (cn->cn_tls == NULL || cn->cn_face != FACE_OUTSIDE || server_ctx == NULL)
		return (1);
	return (resume_judge(tlsconn_ssl(cn->cn_tls),
	    SSL_CTX_get_cert_store(server_ctx)) == NULL);
}

/* Whom the peer's certificate speaks for; -1: nobody, or not who we want. */
static int
tls_names(struct conn *cn)
{
	struct names	 na;
	SSL		*ssl = tlsconn_ssl(cn->cn_tls);

	if (names_peer(ssl, &na, &cn->cn_not_after) == -1 ||
	    (cn->cn_outbound && names_find(&na, cn->cn_host) == -1)) {
		/* Inside a certificate is not needed, nor a name in it when its
		 * address was asked for. */
		return (cn->cn_face == FACE_OUTSIDE ? -1 : 0);
	}
	if (na.na_left > 0 && log_allow(&refused_limit, transport_ops->to_now()))
		log_info("certificate of %s: %zu names, the first %d count",
		    na.na_name[0], na.na_count + na.na_left, NAMES_MAX);
	return ((cn->cn_names = names_copy(&na)) == NULL ? -1 : 0);
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
	}
	if (tls_names(cn) == -1) {
		conn_dead(cn, "peer has no usable name");
		return;
	}
	if (cn->cn_face == FACE_OUTSIDE) {
		if (!cn->cn_outbound) {
			if (limits_name_open(transport_limits(),
			    cn->cn_names->na_name[0]) == -1) {
				transport_refused();
				if (log_allow(&refused_limit, transport_ops->to_now()))
					log_info("connection from %s refused: "
					    "reason=too-many address=%s",
					    cn->cn_names->na_name[0],
					    vaddr_host(&cn->cn_flow.fl_peer, addr,
					    sizeof(addr)));
				conn_dead(cn, "too many connections of one domain");
				return;
			}
			cn->cn_counted_name = 1;
		}
		log_debug("connection %llu: %s %s (%s)", (unsigned long long)cn->cn_id,
		    cn->cn_outbound ? "to" : "from", cn->cn_names->na_name[0],
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

	if (cn->cn_state == CONN_CONNECTING) {
		rule = names_why(tlsconn_ssl(tc));
		if (!log_allow(&refused_limit, transport_ops->to_now())) {
			conn_dead(cn, why);
			return;
		}
		if (cn->cn_outbound)
			log_info("connection to %s at %s failed: %s", cn->cn_host,
			    vaddr_str(&cn->cn_flow.fl_peer, addr, sizeof(addr)),
			    rule != NULL ? rule : why);
		else	/* What its certificate says stands behind all else. */
			log_info("connection refused: reason=handshake address=%s: %s",
			    vaddr_host(&cn->cn_flow.fl_peer, addr, sizeof(addr)),
			    rule != NULL ? rule : why);
	}
	conn_dead(cn, why);
}
