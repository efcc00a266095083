/* SPDX-License-Identifier: ISC */
/*
 * Where to connect for the host of a route (RFC 3263, TLS only): `host`
 * entries of the configuration first, literal addresses, then DNS by c-ares
 * on the event loop: NAPTR (SIPS+D2T), SRV _sips._tcp, A and AAAA.  No file is
 * read after resolver_new.  Addresses that a stranger may not send us to
 * (loopback, private, ...) are left out unless `permit private`; `host`
 * entries are the operator's own word and are not filtered.
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
/* Take host entries, resolvers and permit private over (copied); empties the
 * cache.  0, or -1 with errno. */
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
 * unless RESOLVE_OK.  Called once, from the event loop, never from inside
 * resolve().
 */
typedef void	(*resolve_cb)(enum resolve_error, const struct vaddr *, size_t n, void *arg);

/* port: of the URI, 0 when it has none.  The id for resolve_cancel (then cb is
 * never called), 0 with errno when out of memory. */
uint64_t	 resolve(struct resolver *, const char *host, uint16_t port,
		    resolve_cb, void *arg);
void		 resolve_cancel(struct resolver *, uint64_t id);
/* Remove a name from the cache (its addresses failed). */
void		 resolve_forget(struct resolver *, const char *host);

#endif
