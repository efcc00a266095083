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
#include "ng.h"
#include "redirect.h"
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
	PROXY_STRANGER,		/* the same on the inside face, with a limit of its own */
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
	/* Did key find this ticket good before, and nothing changed since?  1:
	 * *name and *not_after as for proxy_ticket, and po_ticket need not be
	 * called.  May be NULL. */
	int	(*po_ticket_known)(void *, uint64_t reqid, const char *number,
		    const struct names *, const char *token, uint32_t *name,
		    uint64_t *not_after);
	/* A datagram to rtpengine.  -1: not sent.  May be NULL. */
	int	(*po_media)(void *, const uint8_t *, size_t);
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
	uint64_t	ps_strangers;	/* at the inside face: given nothing */
	uint64_t	ps_too_fast;	/* requests from outside over the rate */
	uint64_t	ps_verified;	/* calls from outside shown with a verified caller */
	uint64_t	ps_refused[REFUSAL_POLICY + 1];
	uint64_t	ps_diverts[DIVERT_MAX];
	/* The redirect server: 302, 404 by reason; calls with a token, and
	 * what became of the bad ones by enum redirect_error. */
	uint64_t	ps_redirects, ps_unredirected[DIVERT_MAX];
	uint64_t	ps_redirect_calls, ps_redirect_failed;
	uint64_t	ps_redirect_bad[REDIRECT_ERRORS];
	uint64_t	ps_legs_reported, ps_legs_unsent, ps_legs_dropped;
	size_t		ps_txns, ps_contexts, ps_dialogs, ps_legs;
	enum ng_state	ps_media_state;
	struct ng_stats	ps_media;
};

/* rtab may be NULL (no routes).  seals are copied.  NULL: no memory. */
struct proxy	*proxy_new(const struct proxy_ops *, void *ctx, struct rtab *,
		    const struct seal_keys *, uint64_t boot_ms, uint64_t utc_ms);
void		 proxy_free(struct proxy *);
/* Put a configuration in force; it must live until the next one is.  Calls
 * under way go on. */
void		 proxy_conf(struct proxy *, const struct conf *);
/*
 * The addresses of the hops that are configured by this name, port (0: none)
 * and transport.  What is known of those that stay is kept.
 */
struct proxy_addr {
	struct vaddr	 pa_addr;
	uint16_t	 pa_priority, pa_weight;	/* of the SRV record */
	uint16_t	 pa_server;	/* addresses with the same are of one server */
};
void		 proxy_hop_addrs(struct proxy *, const char *host, uint16_t port,
		    uint8_t proto, const struct proxy_addr *, size_t);
/* How the PBXs and trunks are: the n-th address of all.  0, -1: there is none.
 * BUSY: a 503 said when to come again. */
enum proxy_hop_state { HOP_UNKNOWN = 0, HOP_UP, HOP_DOWN, HOP_BUSY, HOP_NO_ADDRESS };
struct proxy_hop {
	const struct conf_hop *ph_conf;
	struct vaddr	 ph_addr;
	enum proxy_hop_state ph_state;
	uint64_t	 ph_since, ph_last;	/* boot ms: of the state, the latest answer; 0 none */
	uint16_t	 ph_status;		/* the latest answer */
	uint64_t	 ph_calls;		/* sent there */
};
int		 proxy_hop_get(const struct proxy *, size_t n, struct proxy_hop *);
const char	*proxy_hop_str(enum proxy_hop_state);

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
/* A datagram could not be delivered (ICMP); quoted: as much of it as came
 * back.  Only one that quotes a branch of ours is believed. */
void		 proxy_unreachable(struct proxy *, const void *quoted, size_t, const char *why);
void		 proxy_ticket(struct proxy *, uint64_t reqid, enum refusal, uint32_t name,
		    uint64_t not_after);
/* A datagram from rtpengine; nobody listens there (ECONNREFUSED). */
void		 proxy_media_input(struct proxy *, const void *, size_t);
void		 proxy_media_refused(struct proxy *);
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
/* The inside's Call-ID of a call, for either side's, cut to fit: 0, or -1. */
int		 proxy_callid(struct proxy *, struct span, char *out, size_t);
/* Dialogs that are answered and not ended; for show. */
size_t		 proxy_calls(const struct proxy *);
/* Requests under way, and answered INVITEs whose 2xx may still be repeated. */
size_t		 proxy_contexts(const struct proxy *);
/* May this peer be heard?  A connection to the inside face of one that is
 * neither PBX nor trunk: 0, and it was counted and logged. */
int		 proxy_hears(struct proxy *, const struct sip_flow *);
/* Does a call or dialog use this outside connection?  1 or 0. */
int		 proxy_conn_busy(const struct proxy *, uint64_t conn);

#endif
