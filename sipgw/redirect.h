/* SPDX-License-Identifier: ISC */
/*
 * core: the token of the redirect server.  A 302 leads a PBX to a user part
 * `+NUMBER.TOKEN` at an inside listener; a call with it goes directly or not
 * at all.  The token is sealed with sipgw's own key: a MAC over version, number,
 * expiry, route and the address that asked, which is also the nonce under which
 * all but the number is encrypted.  Letters and digits only, in any case, so
 * that no dial plan has to quote it.
 */
#ifndef REDIRECT_H
#define REDIRECT_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "cursor.h"
#include "seal.h"
#include "vipr.h"

#define REDIRECT_LIFE_S		30
#define REDIRECT_TOKEN_LEN	47	/* of 29 bytes in base 32 */
#define REDIRECT_USER_SIZE	(E164_SIZE + 1 + REDIRECT_TOKEN_LEN)	/* with NUL */

struct redirect_token {
	char		 rt_number[E164_SIZE];
	uint32_t	 rt_route;	/* redirect_route() of what was chosen */
	uint32_t	 rt_expiry;	/* UTC s */
};

enum redirect_error {
	REDIRECT_OK = 0,
	REDIRECT_NONE,		/* no token stands there: an ordinary user part */
	REDIRECT_FORGED,	/* or altered, or cut short, or sealed before the keys changed */
	REDIRECT_ADDRESS,	/* good, but another address asked */
	REDIRECT_EXPIRED,
	REDIRECT_ERRORS
};
/* Stable codes for logs and counters: "token-forged" ...; "" for the first two. */
const char	*redirect_str(enum redirect_error);

/* User part for the PBX at that address (its port does not count); 0, or -1:
 * no key, or it does not fit. */
int		 redirect_make(const struct seal_keys *, const struct redirect_token *,
		    const struct vaddr *peer, char *out, size_t size);
/* Open a user part whose escapes are undone.  Filled in for REDIRECT_OK only. */
enum redirect_error redirect_open(const struct seal_keys *, struct span user,
		    const struct vaddr *peer, uint64_t now_s, struct redirect_token *);
/* A short name of a route: a ticket that is renewed makes another one. */
uint32_t	 redirect_route(const char *domain, const char *ticket);

#endif
