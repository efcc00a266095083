/* SPDX-License-Identifier: ISC */
/*
 * core: what the resolver takes from the bytes of a DNS answer.  They are a
 * stranger's: every count and length has a bound, and what is not as it
 * should be is left out.
 */
#ifndef RESOLVE_TAKE_H
#define RESOLVE_TAKE_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "vipr.h"

#define TAKE_SRV_MAX	64	/* SRV records looked at */
#define TAKE_ADDRS_MAX	32

struct srv {
	char		 sv_host[DOMAIN_SIZE];
	uint16_t	 sv_port;
	uint16_t	 sv_priority;
	uint16_t	 sv_weight;
};

/* The name of the SRV records for a service ("SIPS+D2T"): of the NAPTR record
 * that comes first by order and preference.  1 with the name, 0 none. */
int	 take_naptr(const uint8_t *, size_t, const char *service, char *, size_t);
/*
 * SRV records, at most max, by priority and drawn by weight.  Their count; 0
 * when there is none, or the one that says that there is no such service
 * (RFC 2782: "."), which sets *none.
 */
size_t	 take_srv(const uint8_t *, size_t, struct srv *, size_t max, int *none,
	    uint32_t (*rnd)(void *, uint32_t), void *);
/* Addresses (family 4 or 6), at most max, all with this port.  Their count. */
size_t	 take_addrs(const uint8_t *, size_t, int family, uint16_t port,
	    struct vaddr *, size_t max);
/* The smallest TTL of the answers; UINT32_MAX: none. */
uint32_t take_ttl(const uint8_t *, size_t);

#endif
