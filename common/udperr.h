/* SPDX-License-Identifier: ISC */
/* What becomes of datagrams that could not be delivered (ICMP), where the
 * system tells. */
#ifndef UDPERR_H
#define UDPERR_H

#include <sys/types.h>

#include <stddef.h>

/* Ask for it; family 4 or 6.  0, or -1: this system does not tell. */
int	 udperr_enable(int fd, int family);
/*
 * The next one of a socket: 1 with as much of the datagram as came back
 * (*len bytes, perhaps 0) and what happened in *why (static), 0 none.
 */
int	 udperr_next(int fd, void *buf, size_t size, size_t *len, const char **why);

#endif
