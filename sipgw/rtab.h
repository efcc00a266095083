/* SPDX-License-Identifier: ISC */
/*
 * The routes that key gave us: number -> domains with state, ticket and URIs,
 * in a plain table of sipgw's store, so that they are there after a restart
 * without key.  key is the master: IMSG_ROUTE_SET replaces all routes of a
 * number.  What a call teaches (strikes, expired, removed) is written here at
 * once and reported to key by the caller.
 *
 * Beside it, in memory only: hosts that are skipped after a failure, and
 * routes that are skipped because their owner said busy.
 */
#ifndef RTAB_H
#define RTAB_H

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "vipr.h"

struct store;
struct store_table;
struct rtab;

#define RTAB_DOMAINS_MAX	8	/* routes (domains) of one number */
#define RTAB_VALUE_MAX		24576	/* bytes of a number's record */
#define RTAB_SKIP_MAX		4096	/* hosts, and routes, that are remembered */

struct rtab_route {
	uint8_t		rr_state;	/* enum route_state */
	uint8_t		rr_proofs;
	uint8_t		rr_strikes;
	uint8_t		rr_nuris;
	uint64_t	rr_not_after;	/* UTC s, 0 with a receipt */
	uint64_t	rr_last_proof;	/* UTC s */
	char		rr_domain[DOMAIN_SIZE];
	char		rr_ticket[TOKEN_MAX];
	char		rr_uris[ROUTE_URIS_MAX][URI_MAX];	/* latest proof first */
};
struct rtab_number {
	char		 rn_number[E164_SIZE];
	size_t		 rn_count;
	struct rtab_route rn_routes[RTAB_DOMAINS_MAX];
};

/* Open the tables in the store ("routes" and "meta").  NULL with errno. */
struct rtab	*rtab_new(struct store *);
void		 rtab_free(struct rtab *);	/* not the store */

/*
 * IMSG_ROUTE_SET: check all of it, then replace the number's routes.
 * 0; -1 with errno EINVAL (malformed: a violation) or that of the store.
 * More than RTAB_DOMAINS_MAX: the first ones are kept.
 */
int		 rtab_set(struct rtab *, const struct imsg_route_set *, struct cur *tail);
/* Replace by hand (tests, benches); rn_count 0 deletes. */
int		 rtab_put(struct rtab *, const struct rtab_number *);
/* All routes of a number: 0, or -1 with errno ENOENT, EBADMSG. */
int		 rtab_get(struct rtab *, const char *number, struct rtab_number *);
/*
 * The route to use now: active, with a ticket not yet past its date.  Fast
 * (one read, no list).  0, or -1: none; *state is then the best state found
 * (ROUTE_NONE when the number is unknown).
 */
int		 rtab_active(struct rtab *, const char *number, uint64_t now_s,
		    struct rtab_route *, unsigned *state);
/* Is the number tied to the domain by an active or suspended route?  1 or 0. */
int		 rtab_ties(struct rtab *, const char *number, const char *domain);
/* Effect of a call on one route (enum route_outcome).  The new state, or
 * ROUTE_NONE if there is no such route.  Two strikes suspend. */
unsigned	 rtab_outcome(struct rtab *, const char *number, const char *domain,
		    enum route_outcome);
/* Is the route to use now that of the domain, without a strike?  Then a call that
 * went well changes nothing.  1 or 0; as fast as rtab_active. */
int		 rtab_unmarked(struct rtab *, const char *number, const char *domain,
		    uint64_t now_s);
uint64_t	 rtab_count(struct rtab *);	/* numbers */
/* In order of numbers, starting at or behind `from` (NULL: all), until cb
 * returns non-zero.  cb must not change the table. */
int		 rtab_walk(struct rtab *, const char *from,
		    int (*cb)(const struct rtab_number *, void *), void *);
/*
 * A ROUTE_SYNC: mark, take the ROUTE_SETs, then sweep numbers that were not
 * set since the mark.  Returns how many went, -1 on error.
 */
void		 rtab_sync_begin(struct rtab *);
int		 rtab_sync_end(struct rtab *);

/* -- skipped hosts and routes: now_ms from the monotonic clock -- */

#define SKIP_HOST_MIN_MS	60000		/* first failure; doubles */
#define SKIP_HOST_MAX_MS	3600000
#define SKIP_HOST_ALARM		3		/* failures in a row */

/* The host failed: skipped from now on.  Returns the count of failures in a
 * row (== SKIP_HOST_ALARM: time for the alarm line); 0 if it was skipped
 * already (a call that was under way), which changes nothing. */
unsigned	 rtab_host_failed(struct rtab *, const char *host, uint64_t now_ms);
void		 rtab_host_ok(struct rtab *, const char *host);
/* Until when it is skipped, 0: not. */
uint64_t	 rtab_host_skipped(struct rtab *, const char *host, uint64_t now_ms);
/* Skip one route for that many seconds (busy, Retry-After). */
void		 rtab_route_skip(struct rtab *, const char *number, const char *domain,
		    uint32_t seconds, uint64_t now_ms);
uint64_t	 rtab_route_skipped(struct rtab *, const char *number, const char *domain,
		    uint64_t now_ms);

/* The value's codec, for tests: number's record to bytes and back. */
int		 rtab_encode(const struct rtab_number *, struct wbuf *);
int		 rtab_decode(const char *number, struct cur *, struct rtab_number *);

#endif
