/* SPDX-License-Identifier: ISC */
/*
 * Listening sockets of a network process: connections are taken in turns, and
 * not for a second when descriptors have run out.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>

struct listener;
TAILQ_HEAD(listener_list, listener);

/* A connection: s is non-blocking, close-on-exec and the callee's. */
typedef void (*listener_fn)(int s, const struct sockaddr *peer);

/* Take fd over; a failure is logged. */
void	 listener_add(struct listener_list *, int fd, listener_fn);
/* Close them all. */
void	 listener_clear(struct listener_list *);

#endif
