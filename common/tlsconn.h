/* SPDX-License-Identifier: ISC */
/*
 * One TLS connection on the event loop, either direction, with the private
 * key in key (pkremote.h).  Owns its descriptor, SSL object, timers and
 * buffers.  Callbacks come from the event loop only, never from inside a call
 * below; after tco_closed the connection must be freed by its owner
 * (tlsconn_free inside any callback is allowed).
 */
#ifndef TLSCONN_H
#define TLSCONN_H

#include <openssl/ssl.h>

#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct tlsconn;

struct tlsconn_ops {
	/* Handshake complete, certificate of the peer accepted by the SSL_CTX. */
	void	(*tco_open)(struct tlsconn *, void *arg);
	/* Bytes came.  Returns how many were consumed; the rest comes again
	 * with more behind it.  (size_t)-1: close at once. */
	size_t	(*tco_data)(struct tlsconn *, const uint8_t *, size_t, void *arg);
	/* Everything written has left (after tlsconn_write); may be NULL. */
	void	(*tco_drained)(struct tlsconn *, void *arg);
	/* Closed by the peer, an error or a time-out; why is for the log. */
	void	(*tco_closed)(struct tlsconn *, const char *why, void *arg);
};

struct tlsconn_limits {
	unsigned	tl_connect_ms;		/* TCP connect */
	unsigned	tl_handshake_ms;	/* from connect or accept to open */
	size_t		tl_read_max;		/* unconsumed bytes kept; more: closed */
	size_t		tl_write_max;		/* unwritten bytes kept; more: closed */
};

/* Take over an accepted, non-blocking descriptor.  NULL: errno; fd is closed. */
struct tlsconn	*tlsconn_accept(int fd, SSL_CTX *, const struct tlsconn_limits *,
		    const struct tlsconn_ops *, void *arg);
/* Connect.  from may be NULL.  NULL: errno (failures of connect(2) itself come by tco_closed). */
struct tlsconn	*tlsconn_connect(const struct vaddr *to, const struct vaddr *from, SSL_CTX *,
		    const struct tlsconn_limits *, const struct tlsconn_ops *, void *arg);
void		 tlsconn_free(struct tlsconn *);
/* 0, or -1 when it is not open or tl_write_max is passed (it then closes). */
int		 tlsconn_write(struct tlsconn *, const void *, size_t);
size_t		 tlsconn_queued(const struct tlsconn *);
/* Write what waits, send close_notify, read on for up to linger_ms, then
 * tco_closed. */
void		 tlsconn_shutdown(struct tlsconn *, unsigned linger_ms);
/* Stop and resume reading. */
void		 tlsconn_pause(struct tlsconn *, int paused);
/* Another tl_read_max. */
void		 tlsconn_read_max(struct tlsconn *, size_t);
SSL		*tlsconn_ssl(struct tlsconn *);
int		 tlsconn_is_open(const struct tlsconn *);

/* OpenSSL loads what it needs at its first use: have it do so before the
 * sandbox.  0, or -1 and *why. */
int		 tlsconn_init(const char **why);

/* Client or server context, TLS 1.3 only, no tickets, no early data, no
 * renegotiation; PEM chain from memory (leaf first), key from pkremote_key.
 * NULL: *why says it. */
SSL_CTX		*tlsconn_ctx(const void *chain_pem, size_t len, uint32_t key,
		    int server, const char **why);

#endif
