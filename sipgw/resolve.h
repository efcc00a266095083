/* SPDX-License-Identifier: ISC */
/*
 * Host names to addresses (RFC 3263): `host` entries of the configuration
 * first, literal addresses, then DNS by c-ares on the event loop: NAPTR, SRV
 * (_sip._udp, _sip._tcp, _sips._tcp), A and AAAA.  The transport is always
 * known, so of NAPTR only where the SRV records of that transport are counts.
 * With a port there is no NAPTR and no SRV.  No file is read after
 * resolver_new.  Addresses that a stranger may not send us to (loopback,
 * private, ...) are left out unless `permit private`; `host` entries are the
 * operator's own word and are not filtered.
 *
 * Answers are kept for their TTL (5 s to 1 h).  For a day more they are used
 * while no name server answers (RFC 8767), so that a dead resolver stops
 * nobody from telephoning.
 */
#ifndef RESOLVE_H
#define RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define RESOLVE_ADDRS_MAX	8
#define RESOLVE_CACHE_MAX	1024
#define RESOLVE_QUERIES_MAX	256	/* under way at once */

struct conf;
struct resolver;

/* Before the sandbox, after event_init.  NULL: *why says it. */
struct resolver	*resolver_new(const char **why);
void		 resolver_free(struct resolver *);	/* waiting callbacks are not called */
/* Take host entries, resolvers and permit private over (copied); what is in
 * the cache is asked again.  0, or -1 with errno. */
int		 resolver_conf(struct resolver *, const struct conf *);

enum resolve_error {
	RESOLVE_OK = 0,
	RESOLVE_NONE,		/* no such name, no address */
	RESOLVE_REFUSED,	/* only addresses that are not permitted */
	RESOLVE_TIMEOUT,
	RESOLVE_FAIL		/* servers unreachable, none configured, too many queries */
};
const char	*resolve_str(enum resolve_error);

/*
 * Addresses in the order in which to try them, 1 to RESOLVE_ADDRS_MAX; none
 * unless RESOLVE_OK.  Among servers of one priority the order is drawn anew
 * for each look-up.  Called once, from the event loop, never from inside
 * resolve().
 */
typedef void	(*resolve_cb)(enum resolve_error, const struct vaddr *, size_t n, void *arg);

/* For TLS.  port: of the URI, 0 when it has none.  The id for resolve_cancel
 * (then cb is never called), 0 with errno when out of memory. */
uint64_t	 resolve(struct resolver *, const char *host, uint16_t port,
		    resolve_cb, void *arg);

/* The same for those who choose by themselves: all addresses, in no order
 * but that of each server's own. */
struct resolve_addr {
	struct vaddr	 ra_addr;
	uint16_t	 ra_priority, ra_weight;	/* of the SRV record */
	uint16_t	 ra_server;	/* addresses with the same are of one server */
};
struct resolve_answer {
	enum resolve_error an_error;
	int		 an_stale;	/* older than its TTL: no server answers */
	uint32_t	 an_ttl;	/* s, 5 to 3600; when to ask again */
	size_t		 an_n;
	struct resolve_addr an_addrs[RESOLVE_ADDRS_MAX];
};
typedef void	(*resolve_all_cb)(const struct resolve_answer *, void *arg);

/* proto: enum sip_proto. */
uint64_t	 resolve_all(struct resolver *, const char *host, uint16_t port,
		    uint8_t proto, resolve_all_cb, void *arg);
void		 resolve_cancel(struct resolver *, uint64_t id);
/* Ask again for a name at its next use (its addresses failed). */
void		 resolve_forget(struct resolver *, const char *host);

#endif
