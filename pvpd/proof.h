/* SPDX-License-Identifier: ISC */
/*
 * core: one PVP connection: framing, order, HELLO, timers, the grid of
 * PROOF2, REFUSE.  Bodies but HELLO and REFUSE are opaque here; the key
 * process makes and judges them.  The shell brings bytes and clocks and does
 * what the ops ask for.  Ops are called from inside the calls below; the
 * proof must not be freed in them.
 */
#ifndef PROOF_H
#define PROOF_H

#include <stddef.h>
#include <stdint.h>

#include "vipr.h"

#define PROOF_VERSION		1
#define PROOF_METHOD_A		0x0001
#define PROOF_METHOD_B		0x0002
#define PROOF_METHODS		(PROOF_METHOD_A | PROOF_METHOD_B)

#define PROOF_HEADER		3
#define PROOF_BODY_MAX		4096
#define PROOF_MESSAGE_MAX	(PROOF_HEADER + PROOF_BODY_MAX)
#define PROOF_QUEUE		4	/* messages of key that wait for the grid */

#define PROOF_IDLE_MS		10000	/* without a complete message */
#define PROOF_TOTAL_MS		60000
#define PROOF_GRID_MS		50
#define PROOF_LINGER_MS		1000
#define PROOF_CONNECT_MS	3000

enum proof_refuse {
	REFUSE_PROTOCOL = 1, REFUSE_VERSION = 2, REFUSE_METHOD = 3,
	REFUSE_BUSY = 4, REFUSE_LIMIT = 5, REFUSE_NO_MATCH = 6,
	REFUSE_DOMAIN = 7, REFUSE_NOT_OURS = 8, REFUSE_INTERNAL = 9
};

struct proof;

struct proof_ops {
	/* Bytes for the peer. */
	void	(*pf_send)(struct proof *, const void *, size_t);
	/* Both HELLOs are there: methods of both, the peer's clock and ours
	 * when it came (UTC ms).  Tell key. */
	void	(*pf_open)(struct proof *, uint16_t methods, uint64_t peer_now,
		    uint64_t arrived);
	/* A message for key. */
	void	(*pf_in)(struct proof *, unsigned type, const void *, size_t);
	/* It is over, once a proof: tell key (enum pvp_end; code and retry of a
	 * REFUSE of the peer), then close: after what waits and a
	 * close_notify, reading for linger ms.  why is for the log; text is
	 * the peer's words in a REFUSE, not printable as they stand. */
	void	(*pf_end)(struct proof *, unsigned reason, unsigned code,
		    uint32_t retry, unsigned linger_ms, const char *why,
		    const void *text, size_t textlen);
};

enum proof_state {
	PS_TLS,			/* no TLS yet */
	PS_HELLO,		/* the peer's HELLO is due */
	PS_KEY,			/* key's turn; nothing may come but REFUSE */
	PS_PROOF1,		/* responder: PROOF1 of run 0 is due */
	PS_PROOF3,		/* responder: PROOF3, or PROOF1 of run 1, is due */
	PS_CLAIM,		/* CLAIM is due, from the initiator */
	PS_PROOF2,		/* initiator: PROOF2 is due */
	PS_ROUTE,		/* initiator: ROUTE is due */
	PS_ENDED
};

struct proof {
	const struct proof_ops *p_ops;
	void		*p_arg;
	unsigned	 p_role;	/* enum pvp_role: ours */
	enum proof_state p_state;
	int		 p_hello;	/* the peer's HELLO came */
	int		 p_runs;	/* PROOF1s so far */
	int		 p_claimed;	/* responder: CLAIM came */
	uint64_t	 p_start;	/* ms, monotonic: accepted or connecting */
	uint64_t	 p_last;	/* ms: last complete message, either way */
	uint64_t	 p_proof1;	/* ms: last byte of PROOF1 */
	struct proof_held {
		uint64_t	 h_due;		/* ms; 0: at once, in its turn */
		uint8_t		 h_type;
		uint16_t	 h_flags;
		uint16_t	 h_len;
		uint8_t		 h_body[PROOF_BODY_MAX];
	}		*p_held[PROOF_QUEUE];	/* owned */
	unsigned	 p_nheld;
};

/* role: ours.  now: monotonic ms, when the connection was accepted or asked
 * for. */
void		 proof_init(struct proof *, unsigned role, const struct proof_ops *,
		    void *arg, uint64_t now);
void		 proof_clear(struct proof *);	/* frees what waits; no op called */
/* TLS is up: our HELLO leaves. wall: UTC ms. */
void		 proof_tls_up(struct proof *, uint64_t now, uint64_t wall);
/* Bytes of the peer; returns how many were consumed. */
size_t		 proof_input(struct proof *, const uint8_t *, size_t, uint64_t now,
		    uint64_t wall);
/* A message of key (enum pvp_type or PVP_CLOSE, PVP_OUT_*).  -1: key asked for
 * something that cannot follow; the connection has ended. */
int		 proof_output(struct proof *, unsigned type, unsigned flags,
		    const void *, size_t, uint64_t now);
/* Refuse on our own account (busy). */
void		 proof_refuse(struct proof *, unsigned code, uint32_t retry,
		    const char *text);
/* The connection is gone, or never came. */
void		 proof_lost(struct proof *, const char *why);
/* When to call proof_tick next (monotonic ms; UINT64_MAX never). */
uint64_t	 proof_wake(const struct proof *);
void		 proof_tick(struct proof *, uint64_t now);

/* Codec.  Header: 0 and the body's length, -1 for an unknown type or a length
 * out of the bounds of the type, both judged from these three bytes. */
int		 proof_header(const uint8_t h[PROOF_HEADER], unsigned *type, size_t *len);
size_t		 proof_hello_write(uint8_t *, size_t, uint16_t methods, uint64_t wall);
int		 proof_hello_parse(const void *, size_t, unsigned *version,
		    uint16_t *methods, uint64_t *wall);
size_t		 proof_refuse_write(uint8_t *, size_t, unsigned code, uint32_t retry,
		    const char *text);
int		 proof_refuse_parse(const void *, size_t, unsigned *code,
		    uint32_t *retry, const uint8_t **text, size_t *textlen);

#endif
