/* SPDX-License-Identifier: ISC */
/*
 * core: copies of SIP messages for a capture server (Homer) as HEP version 3
 * packets.  What would let its reader act in our name or listen to a call is
 * blotted out first: tickets, keys of SRTP, answers to digest challenges.
 */
#ifndef HEP_H
#define HEP_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "cursor.h"

#define HEP_MAX		65507	/* what a UDP datagram holds */
#define HEP_CID_MAX	256	/* bytes of a correlation id */

struct hep_packet {
	struct vaddr	 hp_src, hp_dst;	/* of one family */
	uint8_t		 hp_proto;	/* enum sip_proto: tcp and tls are 6, udp 17 */
	uint64_t	 hp_time;	/* UTC ms */
	uint32_t	 hp_id;		/* capture agent */
	struct span	 hp_cid;	/* the same for all legs of a call; empty: none */
};

/*
 * The packet of a message, whose copy in it is blotted.  Its length, or -1: it
 * does not fit in size bytes or in a datagram.  A cid is cut at HEP_CID_MAX.
 */
ptrdiff_t	 hep_write(const struct hep_packet *, const void *msg, size_t len,
		    uint8_t *out, size_t size);
/*
 * Replace by as many asterisks: values of ViPR-Ticket, X-Cisco-ViPR-Ticket,
 * Authorization and Proxy-Authorization with their folded lines; keys in
 * a=crypto, a=key-mgmt, a=ice-pwd and k= lines of SDP; the whole of a body that
 * is encoded or holds keys that a caller pressed.  Needs no well-formed message:
 * any line will do.
 */
void		 hep_blot(uint8_t *, size_t);
/* Value of the first Call-ID line (or i), trimmed; empty: none. */
struct span	 hep_call_id(const void *, size_t);

#endif
