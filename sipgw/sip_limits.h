/* SPDX-License-Identifier: ISC */
/*
 * core: bounds on what outside peers may use (vipr(7)), in
 * bounded memory.  Times are milliseconds of a clock that is not stepped.
 * Keys (addresses, names, numbers) are stored as keyed hashes only.
 * (Not named limits.h: with -iquote that would hide <limits.h> of the C library.)
 */
#ifndef SIP_LIMITS_H
#define SIP_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define LIMITS_CONN_ADDR	32	/* connections an address */
#define LIMITS_CONN_DOMAIN	16	/* and a domain */
#define LIMITS_REFUSED_MIN	60	/* refused INVITEs a minute and address or domain */
#define LIMITS_TABLE_MAX	8192	/* entries a kind */
#define LIMITS_HOUR_MAX		1000	/* largest limit-hour that is counted exactly */

struct limits;

struct limits	*limits_new(void);	/* NULL: ENOMEM */
void		 limits_free(struct limits *);

/*
 * Calls of a grantee to a number.  limits_call takes a place: its id (not 0),
 * or 0 when hour calls were counted in the last hour or live ones are up;
 * *retry_s then says when to try again (1 to 3600).  The place counts for the
 * hour only when limits_call_counted is called (ringing or answered) but is
 * held from the start, so that a burst cannot pass.  limits_call_end frees it:
 * for BYE, CANCEL, time-out and refusal alike; a place that was never counted
 * leaves no trace.  Unknown ids are ignored.
 */
uint64_t	 limits_call(struct limits *, const char *grantee, const char *number,
		    uint64_t now_ms, unsigned hour, unsigned live, uint32_t *retry_s);
void		 limits_call_counted(struct limits *, uint64_t id, uint64_t now_ms);
void		 limits_call_end(struct limits *, uint64_t id);

/* Live calls of a grantee to all numbers together, for limits_call; 0 (at
 * first): any number. */
void		 limits_total(struct limits *, unsigned live);

/*
 * How often: a bucket of twice per_s that fills at per_s a second, for each
 * name.  0: it may; -1: too often, and when it may again (1 to 3600 s).
 */
enum limits_rate { LIMITS_CALLS = 1, LIMITS_REQUESTS = 2, LIMITS_EXCESS = 3 };
int		 limits_rate(struct limits *, enum limits_rate, const char *name,
		    unsigned per_s, uint64_t now_ms, uint32_t *retry_s);

/*
 * Outside connections.  addr (the port is ignored; IPv6 counts by /64) at
 * accept, name once the certificate is known.  0, or -1: too many, close it.
 * Each successful open needs its close.
 */
int		 limits_conn_open(struct limits *, const struct vaddr *);
/* May another one be accepted now?  0, or -1: more than per_s a second. */
int		 limits_conn_rate(struct limits *, const struct vaddr *, unsigned per_s,
		    uint64_t now_ms);
void		 limits_conn_close(struct limits *, const struct vaddr *);
int		 limits_name_open(struct limits *, const char *name);
void		 limits_name_close(struct limits *, const char *name);

/* An INVITE of this address and name (NULL: none) was refused.  1: more than
 * LIMITS_REFUSED_MIN in a minute, close its connections; else 0. */
int		 limits_refused(struct limits *, const struct vaddr *, const char *name,
		    uint64_t now_ms);

#endif
