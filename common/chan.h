/* SPDX-License-Identifier: ISC */
/*
 * An imsg channel on the event loop, with a table of what it accepts.  Size
 * and descriptor of a message are checked before any handler runs; a message
 * without a row, of a wrong size or with a descriptor where none belongs is a
 * violation: it is logged, the parent is told, and the channel ends.
 */
#ifndef CHAN_H
#define CHAN_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"

struct chan;
struct log_limit;

/*
 * One message: fixed points at ir_fixed bytes (aligned for any struct of
 * vipr.h), tail covers the rest, fd is -1 or now the handler's to close.
 * All of it dies when the handler returns.  The handler returns 0, or -1 for
 * a violation found in the contents (the channel then ends).  It must not
 * free the channel.
 */
struct chan_msg {
	uint32_t	 cm_type;
	const void	*cm_fixed;
	struct cur	 cm_tail;
	int		 cm_fd;
};
typedef int (*chan_handler)(struct chan *, struct chan_msg *, void *arg);

struct imsg_rule {
	uint32_t	 ir_type;	/* IMSG_NONE ends the table */
	size_t		 ir_fixed;	/* exact bytes of the fixed part */
	size_t		 ir_tail;	/* most bytes after it */
	int		 ir_fd;		/* 1: a descriptor must come, 0: must not, 2: may */
	chan_handler	 ir_handler;
};

/*
 * Take over fd (non-blocking, close-on-exec).  name is for logs.  gone is
 * called once, from the event loop, when the peer closed or violated the
 * rules; the channel must then be freed by the owner (chan_free in gone is
 * allowed).  fdpass: descriptors may travel (parent channels only).
 * NULL with errno on failure; fd is then still the caller's.
 */
struct chan	*chan_new(int fd, const char *name, const struct imsg_rule *,
		    int fdpass, void (*gone)(struct chan *, void *), void *arg);
void		 chan_free(struct chan *);		/* NULL allowed */
const char	*chan_name(const struct chan *);

/*
 * Queue a message: fixed part, then tail; fd (or -1) is taken over even on
 * failure.  Never blocks.  0, or -1 (ENOBUFS when more than CHAN_QUEUE_MAX
 * bytes wait; EMSGSIZE above VIPR_IMSG_MAX): nothing was queued then, and the
 * channel is as before.  ch may be NULL (peer away): -1, ENOTCONN.
 */
#define CHAN_QUEUE_MAX	(8 * 1024 * 1024)
int		 chan_send(struct chan *, uint32_t type, int fd,
		    const void *fixed, size_t fixedlen,
		    const void *tail, size_t taillen);
/* Bytes that wait to be written. */
size_t		 chan_queued(const struct chan *);
/* Write out what can be written now, for use before exit. */
void		 chan_flush(struct chan *);

/*
 * Stop and resume reading, so that one peer can't starve another: key serves
 * sipgw before pvpd before overlayd (vipr(7)).  priority 0 is served
 * first; needs event_priority_init before chan_new.
 */
void		 chan_priority(struct chan *, int priority);
/* At most n messages handled a turn of the loop (default 64). */
void		 chan_batch(struct chan *, unsigned n);

/*
 * Send IMSG_HELLO as role me, and accept nothing before the peer's own, which
 * must have our version and the role peer (CHAN_ANY_ROLE: not looked at).
 * Right after chan_new.
 */
#define CHAN_ANY_ROLE	0xffffffffU
int		 chan_hello(struct chan *, uint32_t me, uint32_t peer);
/* Called before gone when the peer broke the rules; it is logged already. */
void		 chan_on_violation(struct chan *, void (*)(struct chan *,
		    const char *why, void *));
/* Lines about a peer's faults stay below this; one limit may serve many
 * channels.  Without it each is logged. */
void		 chan_log_limit(struct chan *, struct log_limit *);
/* The descriptor, for getpeereid and the like; it stays the channel's. */
int		 chan_fd(const struct chan *);

#endif
