/* SPDX-License-Identifier: ISC */
/*
 * core: tickets and receipts.  Both are a MAC (keyed BLAKE2b-256 under an
 * epoch key) over version, kind, epoch, id, granting domain, grantee, number,
 * not-before, not-after; base64url without padding in the ViPR-Ticket header.
 * A receipt says "one proof was made", a ticket admits calls.  Made and
 * checked in key only; others carry the text.
 */
#ifndef TICKET_H
#define TICKET_H

#include <stddef.h>
#include <stdint.h>

#include "vipr.h"

#define TICKET_KEY_LEN	32
#define TICKET_ID_LEN	16

enum ticket_kind { TICKET_TICKET = 1, TICKET_RECEIPT = 2 };

struct ticket {
	uint8_t		ti_kind;		/* enum ticket_kind */
	uint32_t	ti_epoch;
	uint8_t		ti_id[TICKET_ID_LEN];
	char		ti_granter[DOMAIN_SIZE];
	char		ti_grantee[DOMAIN_SIZE];
	uint8_t		ti_node[NODEID_LEN];	/* Node-ID of the grantee that proved; receipts are bound to it */
	char		ti_number[E164_SIZE];
	uint64_t	ti_not_before;		/* UTC s */
	uint64_t	ti_not_after;
};

/* Text of a ticket, or -1 (field out of range, does not fit). */
int	ticket_mint(const struct ticket *, const uint8_t key[TICKET_KEY_LEN],
	    char *out, size_t size);
/* Read the text without checking the MAC: to find the epoch.  -1 if it is not
 * canonical base64url of a well-formed ticket of at most TOKEN_MAX. */
int	ticket_parse(const char *, size_t len, struct ticket *);
/* Parse and check the MAC in constant time. 0, or -1. */
int	ticket_verify(const char *, size_t len, const uint8_t key[TICKET_KEY_LEN],
	    struct ticket *);

#endif
