/* SPDX-License-Identifier: ISC */
/*
 * core: our own certificate in the overlay (RFC 6940, 8), stored under its
 * Node-ID (CERTIFICATE_BY_NODE) and under its user name (CERTIFICATE_BY_USER).
 *
 * Both are arrays.  A round reads the array, and renews the entry that holds
 * our certificate, or appends one; so a restart adds nothing, and after a
 * renewal of the certificate the old one stays beside it until its lifetime
 * ends.
 */
#ifndef CERTSTORE_H
#define CERTSTORE_H

#include <stddef.h>
#include <stdint.h>

#include "node.h"

#define CERTSTORE_PLACES	2
#define CERTSTORE_LIFETIME	86400	/* s; less when the certificate ends before */

enum certplace_state { CERT_IDLE = 0, CERT_READING = 1, CERT_SIGNING = 2, CERT_STORING = 3 };

struct certstore;

struct certplace {
	struct certstore *cp_store;
	uint32_t	 cp_kind;
	struct nodeid	 cp_resource;
	struct ntimer	 cp_timer;
	enum certplace_state cp_state;
	uint64_t	 cp_tid;	/* of the request under way */
	int		 cp_stat;	/* too large to Fetch: ask by Stat */
	unsigned	 cp_again;	/* somebody wrote in between, so often */
	unsigned	 cp_fails;	/* rounds in a row */
	uint32_t	 cp_index;	/* where it is being stored; WIRE_APPEND */
	uint64_t	 cp_generation;
	uint64_t	 cp_time;	/* storage_time, the last used */
	uint32_t	 cp_lifetime;	/* s, of the round */
	uint64_t	 cp_until;	/* UTC ms; it stands there till then */
	uint64_t	 cp_rounds;	/* that ended well */
	uint64_t	 cp_renewed;	/* of these, ones that found our entry */
};

struct certstore {
	struct node	*cs_node;
	struct certplace cs_place[CERTSTORE_PLACES];	/* by node, by user */
	uint64_t	 cs_quiet;	/* mono ms; no warning of namesakes until then */
};

/* Makes itself known to the node, and begins when that has joined.  NULL: out
 * of memory. */
struct certstore *certstore_new(struct node *);
void		 certstore_free(struct certstore *);	/* NULL allowed; before node_free */
/* At how many places it stands, as far as is known. */
unsigned	 certstore_places(const struct certstore *);
/* The node is in the ring, or attached to it as a client. */
void		 certstore_joined(struct certstore *);

#endif
