/* SPDX-License-Identifier: ISC */
/*
 * core: the proxy of sipgw.  Transaction-stateful and record-routing (RFC 3261
 * section 16) between PBXs and trunks; towards the outside it is the border:
 * tickets, sealed dialogs, hidden inside, fall-back to the trunk.  It gets
 * bytes and a clock, and acts through struct proxy_ops.
 */
#ifndef PROXY_H
#define PROXY_H

#include <stddef.h>
#include <stdint.h>

#include "border.h"
#include "conf.h"
#include "names.h"
#include "rtab.h"
#include "seal.h"
#include "sip_parse.h"
#include "txn.h"
#include "vipr.h"

struct proxy;

enum proxy_log {
	PROXY_DEBUG = 0,
	PROXY_INFO,		/* a call was diverted or fell back: state changed */
	PROXY_REFUSED,		/* a stranger's call was refused: the shell limits the rate */
	PROXY_ALARM		/* the operator must act */
};

/*
 * What the shell does for the core.  None of these may call back into the
 * proxy; results that come later come by the proxy_* functions below.
 */
struct proxy_ops {
	/* Bytes to a flow.  -1: it is not there. */
	int	(*po_send)(void *, const struct sip_flow *, const uint8_t *, size_t);
	/* A way to an address inside (udp, tcp, tls).  1: *flow is it; 0: under
	 * way, proxy_opened or proxy_open_failed follows; -1: none. */
	int	(*po_open)(void *, uint64_t id, const struct vaddr *, uint8_t proto,
		    struct sip_flow *);
	/* The same to a host outside, whose certificate must have that name.
	 * -2: not now, through no fault of the host (key is away). */
	int	(*po_connect)(void *, uint64_t id, const char *host, uint16_t port,
		    struct sip_flow *);
	void	(*po_open_cancel)(void *, uint64_t id);
	/* An open outside connection whose verified peer has that name. 0, -1. */
	int	(*po_find)(void *, const char *name, struct sip_flow *);
	/* Verified names of an outside connection (not_after: end of its
	 * certificate, UTC s); NULL: it is gone. */
	const struct names *(*po_names)(void *, uint64_t conn, uint64_t *not_after);
	void	(*po_close)(void *, uint64_t conn);
	/* Silence on it: no new call uses it, it closes when idle. */
	void	(*po_retire)(void *, uint64_t conn);
	/* Ask key about a ticket.  -1: key is away. */
	int	(*po_ticket)(void *, uint64_t reqid, const char *number,
		    const struct names *, const char *token);
	/* Tell key how a direct call went. */
	void	(*po_outcome)(void *, const char *number, const char *domain,
		    enum route_outcome, enum refusal);
	/* A finished leg.  -1: key is away. */
	int	(*po_leg)(void *, const struct imsg_leg *);
	/* A line for the log; what bounds lines that strangers can cause. */
	void	(*po_log)(void *, enum proxy_log, const char *line);
	void	(*po_random)(void *, void *, size_t);
	/* An INVITE was refused: 1 when its connections must close. */
	int	(*po_refused)(void *, const struct sip_flow *, const char *name);
};

struct proxy_stats {
	uint64_t	ps_requests, ps_responses, ps_malformed, ps_stray;
	uint64_t	ps_calls_in, ps_calls_trunk, ps_calls_direct, ps_calls_outside;
	uint64_t	ps_fallbacks, ps_loops, ps_forged, ps_overload;
	uint64_t	ps_refused[REFUSAL_POLICY + 1];
	uint64_t	ps_diverts[DIVERT_MAX];
	uint64_t	ps_legs_reported, ps_legs_unsent, ps_legs_dropped;
	size_t		ps_txns, ps_contexts, ps_dialogs, ps_legs;
};

/* rtab may be NULL (no routes).  seals are copied.  NULL: no memory. */
struct proxy	*proxy_new(const struct proxy_ops *, void *ctx, struct rtab *,
		    const struct seal_keys *, uint64_t boot_ms, uint64_t utc_ms);
void		 proxy_free(struct proxy *);
/* Put a configuration in force; it must live until the next one is.  Calls
 * under way go on. */
void		 proxy_conf(struct proxy *, const struct conf *);
/* The address of a hop that is configured by name. */
void		 proxy_hop_addr(struct proxy *, const char *host, const struct vaddr *);

/* Set both clocks; call before any of the functions below. */
void		 proxy_clock(struct proxy *, uint64_t boot_ms, uint64_t utc_ms);
/* One whole message (a datagram, or what sip_frame cut off a stream). */
void		 proxy_input(struct proxy *, const struct sip_flow *, const void *, size_t);
/* What came on a stream can never become a message: answer it if that can be
 * done; the caller closes. */
void		 proxy_broken(struct proxy *, const struct sip_flow *, const void *, size_t,
		    enum sip_error);
void		 proxy_opened(struct proxy *, uint64_t id, const struct sip_flow *);
void		 proxy_open_failed(struct proxy *, uint64_t id, const char *why);
void		 proxy_flow_gone(struct proxy *, uint64_t conn);
void		 proxy_ticket(struct proxy *, uint64_t reqid, enum refusal, uint32_t name,
		    uint64_t not_after);
/* key is away: checks under way are answered with 503. */
void		 proxy_key_gone(struct proxy *);
/* Run timers that are due; milliseconds until the next, -1 none. */
void		 proxy_run(struct proxy *);
int64_t		 proxy_wait(const struct proxy *);

void		 proxy_stats(struct proxy *, struct proxy_stats *);
/* Latest decisions about a number (newest first): at most n, each "direct",
 * "trunk: no-route", "refused: bad-ticket" ...; the count. */
size_t		 proxy_explain(struct proxy *, const char *number,
		    const char *out[], size_t n);
/* Dialogs that are answered and not ended; for show. */
size_t		 proxy_calls(const struct proxy *);
/* Does a call or dialog use this outside connection?  1 or 0. */
int		 proxy_conn_busy(const struct proxy *, uint64_t conn);

#endif
