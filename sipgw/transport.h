/* SPDX-License-Identifier: ISC */
/*
 * Sockets of sipgw: UDP and TCP inside, TLS outside.  Shell: it moves bytes
 * between sockets and the proxy, frames streams, re-uses connections and
 * bounds them.  Nothing here is called from inside the proxy but the
 * transport_* functions that serve its ops; what they find out is told to the
 * proxy later, from the event loop.
 */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <event.h>
#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "names.h"
#include "resolve.h"
#include "sip_limits.h"
#include "sip_parse.h"
#include "tlsconn.h"
#include "txn.h"

#define CONN_MAX		4096
#define CONN_INSIDE		256	/* of them for PBXs and trunks alone */
#define CONN_HALF_MAX		512	/* from outside, in their handshake */
#define CONN_FDS		128	/* descriptors for other things */
#define CONN_WRITE_MAX		(512 * 1024)
#define CONN_SNDBUF		32768	/* of the kernel, outside */
#define CONN_UNREAD_MAX		100	/* answers that the peer does not read */
#define CONN_UNREAD_MS		1000	/* and has not read by then */
#define CONN_MESSAGE_MS		10000	/* from a message's first byte to its last */
#define CONN_HANDSHAKE_MS	5000
#define CONN_IDLE_MS		(30 * 60 * 1000)
#define CONN_EXPIRED_S		3600	/* after its certificate ended */
#define CONN_LINGER_MS		1000

/* What the transports call; all from the event loop. */
struct transport_ops {
	void	(*to_input)(const struct sip_flow *, const void *, size_t);
	void	(*to_broken)(const struct sip_flow *, const void *, size_t, enum sip_error);
	void	(*to_opened)(uint64_t id, const struct sip_flow *);
	void	(*to_failed)(uint64_t id, const char *why);
	void	(*to_gone)(uint64_t conn);
	/* A datagram came back (ICMP): as much of it as is known, and why. */
	void	(*to_unreachable)(const void *, size_t, const char *why);
	/* Before a connection inside is taken (no fl_conn yet): 0 close it. */
	int	(*to_hears)(const struct sip_flow *);
	int	(*to_busy)(uint64_t conn);	/* dialogs or calls use it */
	uint64_t (*to_now)(void);		/* ms, never stepped */
	uint64_t (*to_utc)(void);		/* s */
};

struct transport_stats {
	uint64_t	ts_accepted, ts_connected, ts_failed, ts_refused, ts_slow;
	size_t		ts_open, ts_inside, ts_outside;
};

enum conn_state { CONN_CONNECTING = 1, CONN_OPEN, CONN_CLOSING, CONN_DEAD };

struct conn {
	RB_ENTRY(conn)	 cn_entry;		/* by id; the transport owns it */
	uint64_t	 cn_id;
	enum conn_state	 cn_state;
	uint8_t		 cn_proto, cn_face;
	int		 cn_outbound;
	struct sip_flow	 cn_flow;
	struct bufferevent *cn_bev;		/* TCP */
	int		 cn_fd;
	struct tlsconn	*cn_tls;		/* TLS */
	struct names	*cn_names;		/* verified ones, NULL none */
	uint64_t	 cn_not_after;
	char		 cn_host[DOMAIN_SIZE];	/* outbound: whom we wanted */
	uint16_t	 cn_port;
	int		 cn_retired;		/* no new call uses it */
	int		 cn_half;		/* from outside, no handshake yet */
	int		 cn_judge;		/* other roots since it was made */
	int		 cn_stale;		/* of an earlier configuration */
	int		 cn_counted_addr, cn_counted_name;
	unsigned	 cn_unread;
	unsigned	 cn_crlfs;		/* keep-alive bytes not answered */
	uint64_t	 cn_used;		/* ms, latest byte */
	struct event	 cn_timer;		/* connect, or a message's rest */
	int		 cn_timing;
	uint64_t	 cn_opening;		/* the opening it serves, 0 none */
};
RB_HEAD(conn_tree, conn);

int		 transport_init(const struct transport_ops *, struct limits *, struct resolver *);
/* Contexts are taken over; listeners' descriptors stay conf's. */
void		 transport_conf(const struct conf *, SSL_CTX *server, SSL_CTX *client,
		    SSL_CTX *inside, SSL_CTX *hop);
void		 transport_stats(struct transport_stats *);
void		 transport_refused(void);	/* another one in the count */
struct limits	*transport_limits(void);

/* For struct proxy_ops. */
int		 transport_send(const struct sip_flow *, const uint8_t *, size_t);
int		 transport_open(uint64_t id, const struct vaddr *, uint8_t proto,
		    struct sip_flow *);
int		 transport_connect(uint64_t id, const char *host, uint16_t port,
		    struct sip_flow *);
void		 transport_open_cancel(uint64_t id);
int		 transport_find(const char *name, struct sip_flow *);
const struct names *transport_names(uint64_t conn, uint64_t *not_after);
void		 transport_close(uint64_t conn);
void		 transport_retire(uint64_t conn);
/* Close all connections from this address, or of this verified name. */
void		 transport_close_peer(const struct vaddr *, const char *name);

/* Between the files of the transport. */
RB_PROTOTYPE(conn_tree, conn, cn_entry, conn_cmp)
int		 conn_cmp(const struct conn *, const struct conn *);
extern struct conn_tree conns;
extern const struct transport_ops *transport_ops;
extern const struct conf *transport_config;
struct conn	*conn_new(uint8_t proto, uint8_t face, const struct vaddr *peer,
		    const struct vaddr *local);
void		 conn_dead(struct conn *, const char *why);	/* freed from the loop */
struct conn	*conn_find(uint64_t id);
void		 conn_half(struct conn *);	/* came from outside: a handshake begins */
/* May this peer connect to the face?  Outside that is judged elsewhere. */
int		 conn_heard(uint8_t proto, uint8_t face, const struct vaddr *peer);
void		 conn_timer(struct conn *, unsigned ms);	/* 0: stop */
void		 conn_timer_reset(struct conn *);	/* after another use of cn_timer */
/* Cut messages off; how many bytes were used; -1: close. */
ptrdiff_t	 conn_frames(struct conn *, const uint8_t *, size_t);
void		 conn_opened(struct conn *);	/* serve who waits */
const struct conf_listen *transport_listen(uint8_t proto, uint8_t face, uint8_t family);
/* The address from which a datagram to the peer would leave; 0 or -1. */
int		 transport_source(const struct vaddr *peer, struct vaddr *);
/* Our address on a listener towards a peer; 0 or -1. */
int		 transport_local(const struct conf_listen *, const struct vaddr *peer,
		    struct vaddr *);

/* transport_tcp.c */
void		 tcp_accept(int fd, short, void *listen);
struct conn	*tcp_connect(const struct vaddr *);
int		 tcp_send(struct conn *, const uint8_t *, size_t);
void		 tcp_close(struct conn *);
void		 tcp_shut(struct conn *);
/* transport_udp.c */
void		 udp_read(int fd, short, void *listen);
int		 udp_send(const struct sip_flow *, const uint8_t *, size_t);
/* transport_tls.c */
void		 tls_accept(int fd, short, void *listen);
struct conn	*tls_connect(const struct vaddr *, const char *host, uint16_t port,
		    unsigned ms);
/* To a PBX or trunk, whose certificate must have the name that is configured. */
struct conn	*tls_connect_hop(const struct vaddr *);
/* The name under which this address was found for a PBX or trunk; and what it
 * is ("" none, the literal address where that is configured). */
void		 tls_hop_name(const struct vaddr *, const char *host);
const char	*tls_hop_host(const struct vaddr *);
/* Is the peer still one to be believed?  1, or 0. */
int		 tls_trusted(struct conn *);
void		 tls_conf(SSL_CTX *server, SSL_CTX *client, SSL_CTX *inside, SSL_CTX *hop);
/* transport_open.c */
void		 open_init(struct resolver *);
void		 open_done(struct conn *);
void		 open_conn_gone(struct conn *, const char *why);

#endif
