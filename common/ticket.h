/* SPDX-License-Identifier: ISC */
/*
 * core: tickets and receipts.  Both are a MAC (keyed BLAKE2b-256 under an
 * epoch key) over version, kind, epoch, id, granting domain, grantee, the
 * Node-ID that proved, number, not-before, not-after; base64url without
 * padding in the ViPR-Ticket header.  A receipt says "one proof was made", a
 * ticket admits calls.  Made and
 * checked in key only; others carry the text.
 */
#ifndef TICKET_H
#define TICKET_H

#include <stddef.h>
#include <stdint.h>

#include "vipr.h"

#define TICKET_KEY_LEN	32
#define TICKET_ID_LEN	16
#define TICKET_TEXT_MAX	255	/* its length is one byte in CLAIM and ROUTE */

enum ticket_kind { TICKET_TICKET = 1, TICKET_RECEIPT = 2 };

struct ticket {
	uint8_t		ti_kind;		/* enum ticket_kind */
	uint32_t	ti_epoch;
	uint8_t		ti_id[TICKET_ID_LEN];
	char		ti_granter[DOMAIN_SIZE];
	char		ti_grantee[DOMAIN_SIZE];
	uint8_t		ti_node[NODEID_LEN];	/* Node-ID of the grantee that proved; receipts are bound to it */
	char		ti_number[E164_SIZE];
	uint64_t	ti_not_before;		/* UTC s, below 2^40 */
	uint64_t	ti_not_after;
};

/* Text of a ticket, or -1 (field out of range, does not fit).  Domains are
 * lower-case A-labels without a final dot.  When both do not fit the text, the
 * longer one is replaced by '#' and its hash in hex: compare names of a ticket
 * that was read with ticket_domain_is, never with strcmp. */
int	ticket_mint(const struct ticket *, const uint8_t key[TICKET_KEY_LEN],
	    char *out, size_t size);
/* Read the text without checking the MAC: to find the epoch.  -1 if it is not
 * canonical base64url of a well-formed ticket of at most TICKET_TEXT_MAX. */
int	ticket_parse(const char *, size_t len, struct ticket *);
/* Parse and check the MAC in constant time. 0, or -1. */
int	ticket_verify(const char *, size_t len, const uint8_t key[TICKET_KEY_LEN],
	    struct ticket *);
/* Does the name in ti_granter or ti_grantee stand for this domain (case
 * of domain ignored)?  1 or 0. */
int	ticket_domain_is(const char *field, const char *domain);

#endif
