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

/* Ways to hops and hosts: re-use, look-up, connect; who waits for which. */

#include <sys/types.h>
#include <sys/queue.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "proc.h"
#include "transport.h"
#include "transport_inside.h"

#define OPENINGS_MAX	512
#define WAITERS_MAX	256

/* One attempt to reach a place, for all who want to go there. */
struct opening {
	TAILQ_ENTRY(opening) op_entry;		/* in openings, which owns it */
	uint64_t	 op_id;
	char		 op_host[DOMAIN_SIZE];	/* outside; "" inside */
	uint16_t	 op_port;
	struct vaddr	 op_addr;		/* inside */
	uint8_t		 op_proto;
	uint64_t	 op_resolve;
	struct vaddr	 op_addrs[RESOLVE_ADDRS_MAX];
	size_t		 op_naddrs, op_next;
	uint64_t	 op_conn;
	uint64_t	 op_waiters[WAITERS_MAX];
	size_t		 op_nwaiters;
};
static TAILQ_HEAD(, opening)	 openings = TAILQ_HEAD_INITIALIZER(openings);
static struct resolver		*resolver;
static size_t			 nopenings;
static uint64_t			 next_opening = 1;

static struct opening *open_new(void);
static struct opening *open_find(uint64_t);
static int	 open_wait(struct opening *, uint64_t);
static void	 open_free(struct opening *);
static void	 open_fail(struct opening *, const char *);
static void	 open_try(struct opening *, const char *);
static void	 open_resolved(enum resolve_error, const struct vaddr *, size_t, void *);
static struct conn *open_reuse(const char *, uint16_t);
static struct conn *open_reuse_inside(const struct vaddr *, uint8_t);
static int	 open_alias(const struct conn *, const struct vaddr *);

void
open_init(struct resolver *res)
{
	resolver = res;
}

static struct opening *
open_new(void)
{
	struct opening	*op;

	if (nopenings >= OPENINGS_MAX || (op = calloc(1, sizeof(*op))) == NULL)
		return (NULL);
	op->op_id = next_opening++;
	TAILQ_INSERT_TAIL(&openings, op, op_entry);
	nopenings++;
	return (op);
}

static struct opening *
open_find(uint64_t id)
{
	struct opening	*op;

	TAILQ_FOREACH(op, &openings, op_entry)
		if (op->op_id == id)
			return (op);
	return (NULL);
}

static int
open_wait(struct opening *op, uint64_t id)
{
	if (op->op_nwaiters == WAITERS_MAX)
		return (-1);
	op->op_waiters[op->op_nwaiters++] = id;
	return (0);
}

static void
open_free(struct opening *op)
{
	struct conn	*cn;

	TAILQ_REMOVE(&openings, op, op_entry);
	nopenings--;
	if (op->op_resolve != 0)
		resolve_cancel(resolver, op->op_resolve);
	if (op->op_conn != 0 && (cn = conn_find(op->op_conn)) != NULL)
		cn->cn_opening = 0;
	free(op);
}

static void
open_fail(struct opening *op, const char *why)
{
	uint64_t	waiters[WAITERS_MAX];
	size_t		i, n = op->op_nwaiters;

	memcpy(waiters, op->op_waiters, sizeof(waiters[0]) * n);
	if (op->op_host[0] != '\0')
		resolve_forget(resolver, op->op_host);
	open_free(op);
	for (i = 0; i < n; i++)
		transport_ops->to_failed(waiters[i], why);
}

/* The next address, or the end. */
static void
open_try(struct opening *op, const char *why)
{
	struct conn	*cn;
	unsigned	 ms;

	op->op_conn = 0;
	while (op->op_next < op->op_naddrs) {
		ms = transport_config->c_connect_ms / (unsigned)op->op_naddrs;
		cn = tls_connect(&op->op_addrs[op->op_next++], op->op_host, op->op_port,
		    ms < 300 ? 300 : ms);
		if (cn == NULL)
			continue;
		cn->cn_opening = op->op_id;
		op->op_conn = cn->cn_id;
		return;
	}
	open_fail(op, why);
}

static void
open_resolved(enum resolve_error err, const struct vaddr *va, size_t n, void *arg)
{
	struct opening	*op = arg;

	op->op_resolve = 0;
	if (err != RESOLVE_OK || n == 0) {
		open_fail(op, resolve_str(err));
		return;
	}
	if (n > RESOLVE_ADDRS_MAX)
		n = RESOLVE_ADDRS_MAX;
	memcpy(op->op_addrs, va, n * sizeof(*va));
	op->op_naddrs = n;
	open_try(op, "no address could be reached");
}

/* From conn_opened: tell all who wait. */
void
open_done(struct conn *cn)
{
	struct opening	*op;
	struct sip_flow	 fl = cn->cn_flow;
	uint64_t	 waiters[WAITERS_MAX];
	size_t		 i, n;

	if ((op = open_find(cn->cn_opening)) == NULL)
		return;
	n = op->op_nwaiters;
	memcpy(waiters, op->op_waiters, sizeof(waiters[0]) * n);
	cn->cn_opening = 0;
	op->op_conn = 0;
	open_free(op);
	for (i = 0; i < n; i++)
		transport_ops->to_opened(waiters[i], &fl);
}

void
open_conn_gone(struct conn *cn, const char *why)
{
	struct opening	*op;

	op = open_find(cn->cn_opening);
	cn->cn_opening = 0;
	if (op == NULL)
		return;
	if (op->op_host[0] != '\0')
		open_try(op, why);
	else {
		op->op_conn = 0;
		open_fail(op, why);
	}
}

/* Outside: an open connection that we made to that host. */
static struct conn *
open_reuse(const char *host, uint16_t port)
{
	struct conn	*cn, *best = NULL;

	RB_FOREACH(cn, conn_tree, &conns) {
		if (cn->cn_state == CONN_OPEN && !cn->cn_retired &&
		    cn->cn_face == FACE_OUTSIDE && cn->cn_outbound &&
		    cn->cn_port == port && strcmp(cn->cn_host, host) == 0 &&
		    (cn->cn_not_after == 0 ||
		    cn->cn_not_after > transport_ops->to_utc()))
			best = cn;
	}
	return (best);
}

/*
 * RFC 5923: a TLS connection that a PBX or trunk opened is also the way to it,
 * if it came from that address and its certificate has the name that we would
 * ask for.
 */
static int
open_alias(const struct conn *cn, const struct vaddr *va)
{
	const char	*host = tls_hop_host(va);

	return (!cn->cn_outbound && cn->cn_names != NULL && host != NULL &&
	    vaddr_host_eq(&cn->cn_flow.fl_peer, va) &&
	    names_find(cn->cn_names, host) != -1);
}

/* Inside: one to that address, else one that came from there. */
static struct conn *
open_reuse_inside(const struct vaddr *va, uint8_t proto)
{
	struct conn	*cn, *best = NULL, *alias = NULL;

	RB_FOREACH(cn, conn_tree, &conns) {
		if (cn->cn_state != CONN_OPEN || cn->cn_retired ||
		    cn->cn_face != FACE_INSIDE || cn->cn_proto != proto)
			continue;
		if (proto == SIP_TCP && inside_alias(cn, va))
			alias = cn;
		if (proto == SIP_TLS ? (cn->cn_outbound &&
		    vaddr_eq(&cn->cn_flow.fl_peer, va)) || open_alias(cn, va) :
		    vaddr_eq(&cn->cn_flow.fl_peer, va))
			best = cn;
	}
	return (best != NULL ? best : alias);
}

int
transport_open(uint64_t id, const struct vaddr *va, uint8_t proto, struct sip_flow *fl)
{
	struct opening	*op;
	struct conn	*cn;

	if (proto == SIP_UDP) {
		memset(fl, 0, sizeof(*fl));
		fl->fl_proto = SIP_UDP;
		fl->fl_face = FACE_INSIDE;
		fl->fl_peer = *va;
		return (inside_listen(SIP_UDP, va, &fl->fl_local) == NULL ? -1 : 1);
	}
	if ((cn = open_reuse_inside(va, proto)) != NULL) {
		*fl = cn->cn_flow;
		return (1);
	}
	/* No handshake without key's signature, if we have a certificate. */
	if (proto == SIP_TLS && proc_peer(ROLE_KEY) == NULL &&
	    transport_config->c_inside_cert.cb_len > 0)
		return (-1);
	TAILQ_FOREACH(op, &openings, op_entry)
		if (op->op_host[0] == '\0' && op->op_proto == proto &&
		    vaddr_eq(&op->op_addr, va))
			return (open_wait(op, id));
	if ((op = open_new()) == NULL)
		return (-1);
	op->op_addr = *va;
	op->op_proto = proto;
	if ((cn = proto == SIP_TLS ? tls_connect_hop(va) : tcp_connect(va)) == NULL) {
		open_free(op);
		return (-1);
	}
	cn->cn_opening = op->op_id;
	op->op_conn = cn->cn_id;
	return (open_wait(op, id));
}

int
transport_connect(uint64_t id, const char *host, uint16_t port, struct sip_flow *fl)
{
	struct opening	*op;
	struct conn	*cn;

	if ((cn = open_reuse(host, port)) != NULL) {
		*fl = cn->cn_flow;
		return (1);
	}
	/* No handshake without key's signature. */
	if (proc_peer(ROLE_KEY) == NULL)
		return (-2);
	TAILQ_FOREACH(op, &openings, op_entry)
		if (op->op_port == port && strcmp(op->op_host, host) == 0)
			return (open_wait(op, id));
	if ((op = open_new()) == NULL)
		return (-1);
	(void)strlcpy(op->op_host, host, sizeof(op->op_host));
	op->op_port = port;
	if ((op->op_resolve = resolve(resolver, host, port, open_resolved, op)) == 0) {
		open_free(op);
		return (-1);
	}
	return (open_wait(op, id));
}

void
transport_open_cancel(uint64_t id)
{
	struct opening	*op;
	struct conn	*cn;
	size_t		 i;

	TAILQ_FOREACH(op, &openings, op_entry) {
		for (i = 0; i < op->op_nwaiters; i++)
			if (op->op_waiters[i] == id)
				break;
		if (i == op->op_nwaiters)
			continue;
		op->op_waiters[i] = op->op_waiters[--op->op_nwaiters];
		if (op->op_nwaiters > 0)
			return;
		/* Nobody waits any more: the attempt ends with them. */
		if (op->op_conn != 0 && (cn = conn_find(op->op_conn)) != NULL) {
			cn->cn_opening = 0;
			conn_dead(cn, "given up");
		}
		op->op_conn = 0;
		open_free(op);
		return;
	}
}
