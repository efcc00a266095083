/* SPDX-License-Identifier: ISC */
/*
 * core: SIP transactions, RFC 3261 section 17 with the Accepted states of RFC
 * 6026.  This layer knows no header: it gets a key that names the transaction,
 * status codes and ready bytes, keeps the retransmissions and the timers, and
 * tells the layer above (the proxy) what it has to know.
 */
#ifndef TXN_H
#define TXN_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "conf.h"
#include "htab.h"
#include "proxy_timer.h"

/* RFC 3261 17.1.1.1, table 4; milliseconds. */
#define TXN_T1		500
#define TXN_T2		4000
#define TXN_T4		5000
#define TXN_TIMEOUT	(64 * TXN_T1)	/* timers B, F, H, J, L, M */
#define TXN_TIMER_D	32000
#define TXN_NEVER	UINT64_MAX

/*
 * Where a message came from or goes to.  A stream is named by its connection
 * id; ids are never used twice, and one that is gone just fails to send.
 */
struct sip_flow {
	uint64_t	fl_conn;	/* 0: UDP */
	uint8_t		fl_proto;	/* enum sip_proto */
	uint8_t		fl_face;	/* enum sip_face */
	uint8_t		fl_pad[6];
	struct vaddr	fl_local;	/* our end: the listener's address */
	struct vaddr	fl_peer;
};

/* Name of a transaction: a keyed hash over branch, sent-by, method and scope, or
 * of what RFC 3261 17.2.3 lists for a branch without the magic cookie. */
struct txn_key {
	uint8_t		tk_b[16];
};

enum txn_kind { TXN_INVITE_CLIENT = 1, TXN_CLIENT, TXN_INVITE_SERVER, TXN_SERVER };

enum txn_state {
	TXN_CALLING = 1,	/* INVITE client; Trying of the others */
	TXN_PROCEEDING,
	TXN_COMPLETED,
	TXN_CONFIRMED,		/* INVITE server */
	TXN_ACCEPTED,		/* RFC 6026 */
	TXN_TERMINATED
};

struct txns;

struct txn {
	struct hnode	 tx_node;	/* in the txns, which own it */
	struct txns	*tx_owner;
	struct txn_key	 tx_key;
	enum txn_kind	 tx_kind;
	enum txn_state	 tx_state;
	struct sip_flow	 tx_flow;
	/* What may have to be sent again.  Client: the request, then the ACK to
	 * a non-2xx; server: the last response.  NULL: nothing any more. */
	uint8_t		*tx_msg;
	uint32_t	 tx_len;
	int		 tx_lent;	/* tx_msg is the user's own memory */
	uint32_t	 tx_interval;	/* A, E, G as it stands */
	uint64_t	 tx_resend;	/* A, E, G: boot ms, TXN_NEVER */
	uint64_t	 tx_end;	/* B, D, F, H, I, J, K, L, M */
	struct tmr	 tx_tmr;	/* for the earlier of the two */
	void		*tx_arg;	/* of the user; NULL: nobody listens any more */
};

struct txn_ops {
	/* Bytes to the flow; -1: it is not there (transport error). */
	int	(*to_send)(void *ctx, const struct sip_flow *, const uint8_t *, size_t);
	/*
	 * Nothing final came in time (B, F), or the transport failed (error
	 * set); or the ACK to our non-2xx did not come (H).  Not called once
	 * tx_arg is NULL.  The transaction ends after it.
	 */
	void	(*to_failed)(void *ctx, struct txn *, int error);
	/* The transaction is about to be freed; forget it.  Called whenever
	 * tx_arg is not NULL. */
	void	(*to_gone)(void *ctx, struct txn *);
};

/* Bounds: transactions, and bytes that they keep in all. */
struct txns	*txns_new(struct tmrs *, const struct txn_ops *, void *ctx,
		    size_t max, size_t maxbytes);
/* While on, a part of the bounds that is kept for what must not fail may be used. */
void		 txns_urgent(struct txns *, int on);
void		 txns_free(struct txns *);	/* NULL allowed; to_gone is not called */
size_t		 txns_count(const struct txns *);

struct txn	*txn_find(struct txns *, const struct txn_key *);
void		 txn_free(struct txn *);	/* without to_gone; NULL allowed */

/*
 * Client: send the request (copied) and start A/B or E/F.  NULL: bounds
 * reached, or no memory.  A transport failure at once is told by *error = 1
 * with NULL.  RFC 3261 17.1.
 */
struct txn	*txn_client(struct txns *, const struct txn_key *, int invite,
		    const struct sip_flow *, const uint8_t *, size_t, void *arg, int *error);
/* The same without a copy: the bytes must stand until a final response came or
 * the transaction is gone. */
struct txn	*txn_client_lend(struct txns *, const struct txn_key *, int invite,
		    const struct sip_flow *, uint8_t *, size_t, void *arg, int *error);
/*
 * A response came.  1: new to the user, act on it; 0: a repeat, dropped (the
 * ACK was sent again if it was one to a non-2xx); -1: does not fit the state.
 * Every 2xx to an INVITE is new (RFC 6026 7.2).
 */
int		 txn_client_response(struct txn *, unsigned status);
/* INVITE client, after a new final non-2xx: the ACK; it is sent, and again at
 * each repeat. */
int		 txn_client_ack(struct txn *, const uint8_t *, size_t);
/* End it now, without a callback: the user gives up. */
void		 txn_client_drop(struct txn *);

/* Server.  NULL: bounds reached or no memory. */
struct txn	*txn_server(struct txns *, const struct txn_key *, int invite,
		    const struct sip_flow *, void *arg);
/* The same request came again: the last response is repeated. */
void		 txn_server_repeat(struct txn *);
/* An ACK matched: it is absorbed (1), or is one for a 2xx and the user's (0). */
int		 txn_server_ack(struct txn *);
/*
 * Send a response (copied where it must be repeated).  -1: not allowed in this
 * state, or the transport failed (to_failed is not called for it).
 */
int		 txn_respond(struct txn *, unsigned status, const uint8_t *, size_t);
/* Has a final response been sent? */
int		 txn_server_final(const struct txn *);

/* Nothing came back and nothing will (ICMP): as a transport failure. */
void		 txn_client_lost(struct txn *);

/* A connection is gone: client transactions on it fail. */
void		 txns_flow_gone(struct txns *, uint64_t conn);

#endif
