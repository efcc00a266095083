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
 * PVP connections: a tlsconn, the core's proof (proof.h), a timer.  Who may
 * connect, how many at once, and what key is told.  What a stranger causes is
 * logged at a limited rate.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/tree.h>

#include <errno.h>
#include <event.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "chan.h"
#include "conf.h"
#include "ctl.h"
#include "cursor.h"
#include "log.h"
#include "peers.h"
#include "proc.h"
#include "proof.h"
#include "pvpd.h"
#include "tlsconn.h"
#include "vipr.h"

#define CONNS_MAX	512		/* handshakes and lingering ones too */
#define OPEN_MAX	96		/* key has been told of; strangers */
#define OPEN_MAX_PROVEN	128		/* ... and peers with a success behind them */
#define PEERS_MAX	65536
#define PROVEN_MAX	16384		/* Node-IDs that go first */
#define KEY_QUEUE_MAX	(256 * 1024)	/* bytes that wait for key: busy */
#define BUSY_RETRY_MIN	60		/* s */
#define BUSY_RETRY_SPAN	240
#define OURS_MAX	16

struct conn {
	RB_ENTRY(conn)	 c_entry;	/* in conns, which owns it */
	uint64_t	 c_id;
	struct tlsconn	*c_tls;		/* ours; NULL between two addresses */
	struct proof	 c_proof;
	struct event	 c_timer;
	uint64_t	 c_try;		/* initiator */
	int		 c_role;	/* enum pvp_role */
	int		 c_told;	/* IMSG_PVP_OPEN was sent */
	int		 c_counted;	/* by peers_accept */
	int		 c_up;		/* TLS was open */
	uint8_t		 c_node[NODEID_LEN];
	struct vaddr	 c_peer;
	struct vaddr	 c_addrs[PVP_ADDRS_MAX];
	size_t		 c_naddrs, c_nextaddr;
};
RB_HEAD(conn_tree, conn);

struct node {
	RB_ENTRY(node)	 n_entry;
	uint8_t		 n_id[NODEID_LEN];
};
RB_HEAD(node_tree, node);

struct counters {
	uint64_t	 k_accepted, k_connected, k_turned_away, k_not_tls;
	uint64_t	 k_busy, k_done, k_refused, k_protocol, k_lost, k_noaddr;
};

static struct conn_tree	 conns = RB_INITIALIZER(&conns);
static struct node_tree	 proven = RB_INITIALIZER(&proven);
static unsigned		 nconns, nopen, nproven;
static uint64_t		 next_id;
static struct peers	*peers;
static struct counters	 counters;
static int		 permit_private;
static struct vaddr	 ours[OURS_MAX];
static size_t		 nours;
static struct log_limit	 ll_turned = { "PVP connections turned away", 10, 6000, 0, 0, 0 };
static struct log_limit	 ll_tls = { "PVP handshakes that failed", 10, 6000, 0, 0, 0 };
static struct log_limit	 ll_key = { "messages that key had no room for", 5, 60000, 0, 0, 0 };
static struct log_limit	 ll_ends = { "PVP connections that ended", 100, 600, 0, 0, 0 };

static const struct tlsconn_limits limits = {
	PROOF_CONNECT_MS, PROOF_IDLE_MS, 4 * PROOF_MESSAGE_MAX, 65536
};

static int	 conn_cmp(struct conn *, struct conn *);
static int	 node_cmp(struct node *, struct node *);
static struct conn *conn_new(int);
static void	 conn_free(struct conn *);
static struct conn *conn_find(uint64_t);
static int	 conn_next(struct conn *);
static void	 conn_arm(struct conn *);
static void	 conn_due(int, short, void *);
static int	 node_proven(const uint8_t *);
static void	 node_add(const uint8_t *);
static int	 usable(const struct vaddr *);
static void	 busy(struct conn *);
static void	 good(struct conn *);
static const char *hex(const uint8_t *);

static void	 on_open(struct tlsconn *, void *);
static size_t	 on_data(struct tlsconn *, const uint8_t *, size_t, void *);
static void	 on_closed(struct tlsconn *, const char *, void *);
static void	 on_send(struct proof *, const void *, size_t);
static void	 on_hello(struct proof *, uint16_t, uint64_t, uint64_t);
static void	 on_message(struct proof *, unsigned, const void *, size_t);
static void	 on_end(struct proof *, unsigned, unsigned, uint32_t, unsigned,
		    const char *, const void *, size_t);
static void	 end_send(struct conn *, unsigned, unsigned, uint32_t);

static const struct tlsconn_ops	 tls_ops = { on_open, on_data, NULL, on_closed };
static const struct proof_ops	 proof_ops = { on_send, on_hello, on_message, on_end };

RB_PROTOTYPE(conn_tree, conn, c_entry, conn_cmp)
RB_GENERATE(conn_tree, conn, c_entry, conn_cmp)
RB_PROTOTYPE(node_tree, node, n_entry, node_cmp)
RB_GENERATE(node_tree, node, n_entry, node_cmp)

static int
conn_cmp(struct conn *a, struct conn *b)
{
	return (a->c_id < b->c_id ? -1 : a->c_id > b->c_id);
}

static int
node_cmp(struct node *a, struct node *b)
{
	return (memcmp(a->n_id, b->n_id, NODEID_LEN));
}

static const char *
hex(const uint8_t *node)
{
	static char	 buf[NODEID_LEN * 2 + 1];

	return (sodium_bin2hex(buf, sizeof(buf), node, NODEID_LEN));
}

int
conn_init(void)
{
	return ((peers = peers_new(PEERS_MAX)) == NULL ? -1 : 0);
}

void
conn_conf(const struct conf *conf)
{
	const struct conf_listen	*cl;

	permit_private = (conf->c_flags & CONF_PERMIT_PRIVATE) != 0;
	nours = 0;
	if (conf->c_pvp_advertise.va_family != 0)
		ours[nours++] = conf->c_pvp_advertise;
	TAILQ_FOREACH(cl, &conf->c_listens, cl_entry)
		if (cl->cl_use == LISTEN_PVP && nours < OURS_MAX)
			ours[nours++] = cl->cl_addr;
}

/* -- connections -- */

static struct conn *
conn_new(int role)
{
	struct conn	*c;

	if (nconns >= CONNS_MAX || (c = calloc(1, sizeof(*c))) == NULL)
		return (NULL);
	c->c_id = ++next_id;
	c->c_role = role;
	evtimer_set(&c->c_timer, conn_due, c);
	proof_init(&c->c_proof, (unsigned)role, &proof_ops, c, proc_boot_ms());
	RB_INSERT(conn_tree, &conns, c);
	nconns++;
	return (c);
}

static void
conn_free(struct conn *c)
{
	RB_REMOVE(conn_tree, &conns, c);
	nconns--;
	evtimer_del(&c->c_timer);
	tlsconn_free(c->c_tls);
	if (c->c_counted)
		peers_done(peers, &c->c_peer);
	if (c->c_told)
		nopen--;
	proof_clear(&c->c_proof);
	freezero(c, sizeof(*c));
}

static struct conn *
conn_find(uint64_t id)
{
	struct conn	 want;

	want.c_id = id;
	return (RB_FIND(conn_tree, &conns, &want));
}

static void
conn_arm(struct conn *c)
{
	struct timeval	 tv;
	uint64_t	 wake, now = proc_boot_ms();

	wake = proof_wake(&c->c_proof);
	evtimer_del(&c->c_timer);
	if (wake == UINT64_MAX)
		return;
	wake = wake > now ? wake - now : 0;
	tv.tv_sec = (time_t)(wake / 1000);
	tv.tv_usec = (suseconds_t)(wake % 1000) * 1000;
	evtimer_add(&c->c_timer, &tv);
}

static void
conn_due(int fd, short event, void *arg)
{
	struct conn	*c = arg;

	(void)fd;
	(void)event;
	proof_tick(&c->c_proof, proc_boot_ms());
	conn_arm(c);
}

void
conn_accept(int fd)
{
	struct sockaddr_storage	 ss;
	socklen_t		 len = sizeof(ss);
	struct vaddr		 peer;
	struct conn		*c;
	SSL_CTX			*ctx;
	const char		*why;
	char			 buf[VADDR_STRLEN];

	memset(&peer, 0, sizeof(peer));
	if (getpeername(fd, (struct sockaddr *)&ss, &len) == -1 ||
	    vaddr_from_sa((struct sockaddr *)&ss, &peer) == -1) {
		close(fd);
		return;
	}
	if ((ctx = pvp_tls_server()) == NULL)
		why = "not ready";
	else if (nconns >= CONNS_MAX)
		why = "too many connections";
	else
		why = peers_accept(peers, &peer, proc_boot_ms());
	if (why != NULL) {
		counters.k_turned_away++;
		if (log_allow(&ll_turned, proc_boot_ms()))
			log_info("connection from %s turned away: %s",
			    vaddr_str(&peer, buf, sizeof(buf)), why);
		close(fd);
		return;
	}
	if ((c = conn_new(PVP_RESPONDER)) == NULL) {
		peers_done(peers, &peer);
		close(fd);
		return;
	}
	counters.k_accepted++;
	c->c_peer = peer;
	c->c_counted = 1;
	c->c_tls = tlsconn_accept(fd, ctx, &limits, &tls_ops, c);
	if (c->c_tls == NULL) {
		conn_free(c);
		return;
	}
	conn_arm(c);
}

/* Addresses that somebody else tells us to connect to. */
static int
usable(const struct vaddr *va)
{
	size_t	 i;

	if (permit_private)
		return (1);
	if (vaddr_special(va) != NULL)
		return (0);
	for (i = 0; i < nours; i++)
		if (vaddr_host_eq(va, &ours[i]))
			return (0);
	return (1);
}

void
conn_connect(uint64_t try, const uint8_t node[NODEID_LEN],
    const struct vaddr *addrs, size_t n)
{
	struct conn	*c;
	size_t		 i;

	if (pvp_tls_client() == NULL) {
		conn_never(try, PVP_END_NOCONN);
		return;
	}
	if ((c = conn_new(PVP_INITIATOR)) == NULL) {
		conn_never(try, PVP_END_NOCONN);
		return;
	}
	c->c_try = try;
	memcpy(c->c_node, node, NODEID_LEN);
	for (i = 0; i < n && c->c_naddrs < PVP_ADDRS_MAX; i++)
		if (usable(&addrs[i]))
			c->c_addrs[c->c_naddrs++] = addrs[i];
	if (c->c_naddrs == 0) {
		counters.k_noaddr++;
		log_info("node %s: no usable address", hex(node));
		conn_never(try, PVP_END_NOADDR);
		conn_free(c);
		return;
	}
	if (conn_next(c) == -1) {
		conn_never(try, PVP_END_NOCONN);
		conn_free(c);
	}
}

/* The next address that the limit allows; -1 when there is none. */
static int
conn_next(struct conn *c)
{
	SSL_CTX	*ctx = pvp_tls_client();
	char	 buf[VADDR_STRLEN];

	while (ctx != NULL && c->c_nextaddr < c->c_naddrs) {
		c->c_peer = c->c_addrs[c->c_nextaddr++];
		if (!peers_connect(peers, &c->c_peer, proc_boot_ms())) {
			counters.k_turned_away++;
			if (log_allow(&ll_turned, proc_boot_ms()))
				log_info("not connecting to %s: %d connections "
				    "this hour", vaddr_str(&c->c_peer, buf,
				    sizeof(buf)), PEERS_OUT_HOUR);
			continue;
		}
		proof_init(&c->c_proof, PVP_INITIATOR, &proof_ops, c,
		    proc_boot_ms());
		c->c_tls = tlsconn_connect(&c->c_peer, NULL, ctx, &limits,
		    &tls_ops, c);
		if (c->c_tls == NULL) {
			log_warn("connect to %s", vaddr_str(&c->c_peer, buf,
			    sizeof(buf)));
			continue;
		}
		counters.k_connected++;
		conn_arm(c);
		return (0);
	}
	return (-1);
}

void
conn_never(uint64_t try, enum pvp_end reason)
{
	struct imsg_pvp_end	 pe;

	memset(&pe, 0, sizeof(pe));
	pe.pe_try = try;
	pe.pe_reason = (uint16_t)reason;
	if (chan_send(proc_peer(ROLE_KEY), IMSG_PVP_END, -1, &pe, sizeof(pe),
	    NULL, 0) == -1 && errno != ENOTCONN &&
	    log_allow(&ll_key, proc_boot_ms()))
		log_warn("end of an attempt to key");
}

/* -- from TLS -- */

static void
on_open(struct tlsconn *tc, void *arg)
{
	struct conn	*c = arg;
	uint8_t		 node[NODEID_LEN];
	const char	*why = NULL;

	c->c_up = 1;
	if (pvp_tls_peer(tlsconn_ssl(tc), node, &why) == 0 &&
	    c->c_role == PVP_INITIATOR &&
	    memcmp(node, c->c_node, NODEID_LEN) != 0)
		why = "another node than the one asked for";
	if (why != NULL) {
		proof_lost(&c->c_proof, why);
		return;
	}
	memcpy(c->c_node, node, NODEID_LEN);
	proof_tls_up(&c->c_proof, proc_boot_ms(), proc_now_ms());
	if (c->c_role == PVP_RESPONDER && (nopen >= (node_proven(node) ?
	    OPEN_MAX_PROVEN : OPEN_MAX) || proc_peer(ROLE_KEY) == NULL ||
	    chan_queued(proc_peer(ROLE_KEY)) > KEY_QUEUE_MAX))
		busy(c);
	conn_arm(c);
}

static size_t
on_data(struct tlsconn *tc, const uint8_t *p, size_t len, void *arg)
{
	struct conn	*c = arg;
	size_t		 n;

	(void)tc;
	n = proof_input(&c->c_proof, p, len, proc_boot_ms(), proc_now_ms());
	conn_arm(c);
	return (n);
}

static void
on_closed(struct tlsconn *tc, const char *why, void *arg)
{
	struct conn	*c = arg;
	const char	*refusal;
	char		 buf[VADDR_STRLEN];

	(void)tc;
	if (!c->c_up) {
		if ((refusal = pvp_tls_refusal()) != NULL)
			why = refusal;
		counters.k_not_tls++;
		if (log_allow(&ll_tls, proc_boot_ms()))
			log_info("%s %s: %s",
			    c->c_role == PVP_INITIATOR ? "to" : "from",
			    vaddr_str(&c->c_peer, buf, sizeof(buf)), why);
		if (c->c_role == PVP_INITIATOR &&
		    c->c_proof.p_state != PS_ENDED) {
			tlsconn_free(c->c_tls);
			c->c_tls = NULL;
			if (conn_next(c) == 0)
				return;
		}
	}
	proof_lost(&c->c_proof, why);
	conn_free(c);
}

/* -- from the proof -- */

static void
on_send(struct proof *p, const void *buf, size_t len)
{
	struct conn	*c = p->p_arg;

	/* A failure ends the connection by way of on_closed. */
	(void)tlsconn_write(c->c_tls, buf, len);
}

static void
busy(struct conn *c)
{
	counters.k_busy++;
	proof_refuse(&c->c_proof, REFUSE_BUSY,
	    BUSY_RETRY_MIN + randombytes_uniform(BUSY_RETRY_SPAN), "busy");
}

static void
on_hello(struct proof *p, uint16_t methods, uint64_t peer_now, uint64_t arrived)
{
	struct conn		*c = p->p_arg;
	struct imsg_pvp_open	 po;

	memset(&po, 0, sizeof(po));
	po.po_conn = c->c_id;
	po.po_try = c->c_try;
	po.po_peer_now = peer_now;
	po.po_arrived = arrived;
	memcpy(po.po_node, c->c_node, NODEID_LEN);
	po.po_role = (uint16_t)c->c_role;
	po.po_methods = methods;
	if (pvp_tls_exporter(tlsconn_ssl(c->c_tls), po.po_exporter) == -1 ||
	    chan_send(proc_peer(ROLE_KEY), IMSG_PVP_OPEN, -1, &po, sizeof(po),
	    NULL, 0) == -1)
		busy(c);
	else {
		c->c_told = 1;
		nopen++;
	}
	sodium_memzero(&po, sizeof(po));
}

static void
on_message(struct proof *p, unsigned type, const void *body, size_t len)
{
	struct conn		*c = p->p_arg;
	struct imsg_pvp_body	 pb;

	memset(&pb, 0, sizeof(pb));
	pb.pb_conn = c->c_id;
	pb.pb_type = (uint16_t)type;
	pb.pb_len = (uint32_t)len;
	if (chan_send(proc_peer(ROLE_KEY), IMSG_PVP_IN, -1, &pb, sizeof(pb),
	    body, len) == -1)
		busy(c);
}

static void
end_send(struct conn *c, unsigned reason, unsigned code, uint32_t retry)
{
	struct imsg_pvp_end	 pe;

	if (!c->c_told && c->c_try == 0)
		return;
	memset(&pe, 0, sizeof(pe));
	pe.pe_conn = c->c_told ? c->c_id : 0;
	pe.pe_try = c->c_try;
	pe.pe_reason = (uint16_t)reason;
	pe.pe_code = (uint16_t)code;
	pe.pe_retry = retry;
	if (chan_send(proc_peer(ROLE_KEY), IMSG_PVP_END, -1, &pe, sizeof(pe),
	    NULL, 0) == -1 && errno != ENOTCONN &&
	    log_allow(&ll_key, proc_boot_ms()))
		log_warn("end of a connection to key");
}

static void
on_end(struct proof *p, unsigned reason, unsigned code, uint32_t retry,
    unsigned linger, const char *why, const void *text, size_t textlen)
{
	struct conn	*c = p->p_arg;

	switch (reason) {
	case PVP_END_CLOSED:
		counters.k_done++;
		break;
	case PVP_END_REFUSED:
		counters.k_refused++;
		break;
	case PVP_END_PROTOCOL:
		counters.k_protocol++;
		break;
	default:
		counters.k_lost++;
		break;
	}
	if (c->c_up && log_allow(&ll_ends, proc_boot_ms())) {
		if (reason == PVP_END_REFUSED)
			log_info("%s node %s: refused with %u, retry after %u: %s",
			    c->c_role == PVP_INITIATOR ? "proof to" : "proof of",
			    hex(c->c_node), code, retry, log_str(text, textlen));
		else
			log_info("%s node %s: %s",
			    c->c_role == PVP_INITIATOR ? "proof to" : "proof of",
			    hex(c->c_node), why);
	}
	end_send(c, reason, code, retry);
	if (c->c_tls != NULL)
		tlsconn_shutdown(c->c_tls, linger);
}

/* -- from key -- */

/* ROUTE answers a good Ta, and so do the refusals that only answer a CLAIM. */
static void
good(struct conn *c)
{
	if (c->c_role != PVP_RESPONDER)
		return;
	peers_good(peers, &c->c_peer);
	node_add(c->c_node);
}

int
conn_output(const struct imsg_pvp_body *pb, struct cur *tail)
{
	struct conn	*c;
	struct cur	 peek = *tail;
	const uint8_t	*body;
	uint16_t	 code = 0;
	size_t		 len = cur_left(tail);

	if (pb->pb_len != len || len > PROOF_BODY_MAX)
		return (-1);
	body = cur_ptr(tail, len);
	if ((c = conn_find(pb->pb_conn)) == NULL)
		return (0);		/* gone in the meantime */
	if (pb->pb_type == PVP_REFUSE)
		cur_u16(&peek, &code);
	if (pb->pb_type == PVP_ROUTE || code == REFUSE_DOMAIN ||
	    code == REFUSE_NOT_OURS)
		good(c);
	if (proof_output(&c->c_proof, pb->pb_type, pb->pb_flags, body, len,
	    proc_boot_ms()) == -1)
		log_warnx("key asked for a message of type %u out of order",
		    pb->pb_type);
	conn_arm(c);
	return (0);
}

static int
node_proven(const uint8_t *id)
{
	struct node	 want;

	memcpy(want.n_id, id, NODEID_LEN);
	return (RB_FIND(node_tree, &proven, &want) != NULL);
}

static void
node_add(const uint8_t *id)
{
	struct node	*n;

	if (nproven >= PROVEN_MAX || node_proven(id) ||
	    (n = calloc(1, sizeof(*n))) == NULL)
		return;
	memcpy(n->n_id, id, NODEID_LEN);
	RB_INSERT(node_tree, &proven, n);
	nproven++;
}

int
conn_first(struct cur *tail)
{
	const uint8_t	*id;

	if (cur_left(tail) % NODEID_LEN != 0)
		return (-1);
	while (cur_left(tail) > 0) {
		if ((id = cur_ptr(tail, NODEID_LEN)) == NULL)
			return (-1);
		node_add(id);
	}
	return (0);
}

/* Its runs went with it. */
void
conn_key_lost(void)
{
	struct conn	*c;

	RB_FOREACH(c, conn_tree, &conns) {
		c->c_try = 0;
		if (c->c_told) {
			c->c_told = 0;
			nopen--;
		}
		proof_lost(&c->c_proof, "key is gone");
		conn_arm(c);
	}
}

void
conn_show(struct ctl_row *row)
{
	ctl_uint(row, "connections", nconns);
	ctl_uint(row, "open", nopen);
	ctl_uint(row, "addresses", peers_count(peers));
	ctl_uint(row, "accepted", counters.k_accepted);
	ctl_uint(row, "connected", counters.k_connected);
	ctl_uint(row, "turned_away", counters.k_turned_away);
	ctl_uint(row, "handshake_failed", counters.k_not_tls);
	ctl_uint(row, "busy", counters.k_busy);
	ctl_uint(row, "completed", counters.k_done);
	ctl_uint(row, "refused", counters.k_refused);
	ctl_uint(row, "protocol_errors", counters.k_protocol);
	ctl_uint(row, "lost", counters.k_lost);
	ctl_uint(row, "no_address", counters.k_noaddr);
}
