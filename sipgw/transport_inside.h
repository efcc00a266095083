/* SPDX-License-Identifier: ISC */
/*
 * The inside face beyond plain sockets: which listener speaks to whom,
 * keep-alives, connections that a PBX opened, datagrams that came back.
 */
#ifndef TRANSPORT_INSIDE_H
#define TRANSPORT_INSIDE_H

#include <stddef.h>
#include <stdint.h>

#include "transport.h"

/* Another configuration is in force. */
void		 inside_conf(void);
/*
 * The inside listener to speak to this peer from, and our address there: of
 * several the one that the route to the peer leaves by.  NULL: none of that
 * transport and family.
 */
const struct conf_listen *inside_listen(uint8_t proto, const struct vaddr *peer,
		    struct vaddr *local);
/*
 * RFC 5626 4.4.1: n bytes of CRLFs came on a stream.  How many so far are not
 * answered; *pong is set when a CRLF is to be sent back.
 */
unsigned	 inside_keepalive(unsigned so_far, size_t n, int *pong);
/* Is a datagram a keep-alive (CRLFs, NULs, STUN) and to be ignored? */
int		 inside_is_keepalive(const uint8_t *, size_t);
/* May requests to this hop go over a TCP connection that came from its address?
 * Only if it is the one hop of that address that speaks TCP. */
int		 inside_alias(const struct conn *, const struct vaddr *hop);
/* Datagrams of this listener that could not be delivered. */
void		 inside_errors(const struct conf_listen *);

#endif
