/* SPDX-License-Identifier: ISC */
/*
 * core: the table of PBXs and trunks: their addresses, which of them answer,
 * and in what order they are tried.  For the files of the proxy.
 */
#ifndef PROXY_HOPS_H
#define PROXY_HOPS_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "proxy.h"
#include "proxy_timer.h"
#include "txn.h"

#define HOP_DESTS	8	/* addresses of one hop */
#define HOP_BRANCH	32

#define HOP_DOWN_MS	30000	/* a failed one without pings is tried last */
#define HOP_DEAD_MS	10000	/* between pings of one that is down */
#define HOP_PING_MS	5000	/* an answer to a ping */
#define HOP_PING_GOOD	2	/* answers in a row until it is up again */
#define HOP_BUSY_S	3600	/* Retry-After that is believed */

enum ping_phase { PING_IDLE = 0, PING_OPENING, PING_SENT };

/* An address of a hop. */
struct dest {
	struct proxy	*de_px;
	const struct conf_hop *de_conf;
	struct vaddr	 de_addr;
	char		 de_host[VADDR_STRLEN];	/* the same as text, without port */
	uint16_t	 de_priority, de_weight;	/* of its SRV record */
	uint16_t	 de_server;	/* those with the same are of one server */
	uint8_t		 de_state;	/* enum proxy_hop_state */
	uint8_t		 de_good;	/* answers to pings in a row while it is down */
	uint8_t		 de_pinged;	/* it has answered a ping */
	uint8_t		 de_called;	/* it has answered a request of a call */
	uint8_t		 de_deaf;	/* answers calls, but no OPTIONS: logged */
	uint8_t		 de_phase;	/* enum ping_phase */
	uint16_t	 de_status;	/* of its latest answer, 0 none */
	uint64_t	 de_since;	/* boot ms of its state, 0 never heard of */
	uint64_t	 de_last;	/* of its latest answer, 0 none */
	uint64_t	 de_until;	/* tried last until then */
	uint64_t	 de_calls;
	uint64_t	 de_id;		/* PING_OPENING */
	uint64_t	 de_start;	/* of the ping under way */
	unsigned	 de_interval;
	struct sip_flow	 de_flow;
	char		 de_branch[HOP_BRANCH];
	struct tmr	 de_tmr;	/* the next ping, or the end of this one */
};

struct hop {
	const struct conf_hop *ho_conf;
	struct vaddr	 ho_addr;	/* the one that is used first; family 0: none known */
	struct dest	*ho_dests[HOP_DESTS];	/* ours */
	size_t		 ho_ndests;
};

/* proxy_hops.c */
void		 hops_free(struct proxy *);
int		 hop_has(const struct hop *, const struct vaddr *);	/* any port */
/* The transport of the hop at exactly this address; proto if it is none's. */
uint8_t		 hop_proto(const struct proxy *, const struct vaddr *, uint8_t proto);
/* It answered a request of a call; retry: s of a 503's Retry-After, or 0. */
void		 hop_heard(struct proxy *, const struct vaddr *, uint8_t proto, int status,
		    uint32_t retry);
/* It did not. */
void		 hop_silent(struct proxy *, const struct vaddr *, uint8_t proto,
		    const char *why);
void		 hop_called(struct proxy *, const struct vaddr *, uint8_t proto);
void		 dest_up(struct dest *, int status, int ping);
void		 dest_down(struct dest *, const char *why);
void		 dest_busy(struct dest *, uint32_t retry);

/* proxy_ping.c */
void		 ping_init(struct dest *);	/* the first one soon */
void		 ping_stop(struct dest *);	/* before it is freed */
void		 ping_again(struct dest *);	/* when it is down: before long */
/* A response, an opened connection, the end of one: 1 if it was a ping's. */
int		 ping_response(struct proxy *, const struct sip_flow *,
		    const struct sip_msg *);
int		 ping_opened(struct proxy *, uint64_t id, const struct sip_flow *);
int		 ping_open_failed(struct proxy *, uint64_t id, const char *why);
void		 ping_flow_gone(struct proxy *, uint64_t conn);
int		 ping_unreachable(struct proxy *, struct span branch, const char *why);

#endif
