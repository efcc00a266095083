/* SPDX-License-Identifier: ISC */
/* core: arithmetic on the ring of 2^128 places (RFC 6940, 10.1). */
#ifndef NODEID_H
#define NODEID_H

#include <stddef.h>
#include <stdint.h>

#include "vipr.h"

#define NODEID_HEXLEN	(2 * NODEID_LEN + 1)	/* text with NUL */

/* A Node-ID or a Resource-ID: an unsigned number, big-endian. */
struct nodeid {
	uint8_t		id_b[NODEID_LEN];
};

int		 nodeid_cmp(const struct nodeid *, const struct nodeid *);
int		 nodeid_eq(const struct nodeid *, const struct nodeid *);
/* All zero is never on the wire; all ones is the wildcard. */
int		 nodeid_is_zero(const struct nodeid *);
int		 nodeid_is_wildcard(const struct nodeid *);

/* a + b and a - b, modulo 2^128; the result may be one of the operands. */
void		 nodeid_add(const struct nodeid *a, const struct nodeid *b,
		    struct nodeid *);
void		 nodeid_sub(const struct nodeid *a, const struct nodeid *b,
		    struct nodeid *);
/* a + 1 */
void		 nodeid_next(const struct nodeid *, struct nodeid *);
/* 2^bit, bit 0 to 127. */
void		 nodeid_pow2(unsigned bit, struct nodeid *);
/* Is k in (p, x], going clockwise?  p equal to x: always. */
int		 nodeid_in(const struct nodeid *k, const struct nodeid *p,
		    const struct nodeid *x);
/* Order of a and b by clockwise distance from x: as memcmp. */
int		 nodeid_dist_cmp(const struct nodeid *x, const struct nodeid *a,
		    const struct nodeid *b);
/* Share of the ring in (p, x], in parts of 10^9; p equal to x: all. */
uint32_t	 nodeid_share_ppb(const struct nodeid *p, const struct nodeid *x);

/* Lower-case hex into buf (NODEID_HEXLEN bytes); returns buf. */
const char	*nodeid_hex(const struct nodeid *, char *buf);
/* 32 hex digits, either case.  0 or -1. */
int		 nodeid_parse(const char *, size_t len, struct nodeid *);
/* Resource-ID of a name: the first 128 bits of its SHA-1 (RFC 6940, 10.2). */
void		 nodeid_resource(const void *name, size_t len, struct nodeid *);

#endif
