/* SPDX-License-Identifier: ISC */
/* Shared by the wire_*.c files only. */
#ifndef WIRE_INT_H
#define WIRE_INT_H

#include "wire.h"

/* Note reason and place (e may be NULL); returns -1.  at reads inside the
 * bytes that base began with. */
int	wire_fail(struct wire_error *e, int reason, const struct cur *base,
	    const struct cur *at);
/* A copy of a body that starts at its next byte, for offsets. */
void	wire_body(const struct cur *body, struct cur *c);
/* The end of a structure: 0, or -1 with SHORT or TRAILING. */
int	wire_end(struct wire_error *e, struct cur *c);
/* Boolean of one byte; poisons on anything but 0 and 1. */
int	wire_bool(struct cur *, uint8_t *);
/* Take the rest of a cursor as a span. */
void	wire_rest(const struct cur *, struct span *);
/* Length prefix and what is left of the list. */
void	wire_list_put(struct wbuf *, int width, const struct cur *);
void	wire_span_put(struct wbuf *, int width, struct span);
/* ResourceId. */
int	wire_resource(struct cur *, struct span *);
/* 1 element follows, 0 end, -1 poisoned. */
int	wire_more(struct cur *);
/* Node-ID list of a given prefix width: a multiple of the length. */
int	wire_nodes(struct cur *, int width, struct cur *list);

#endif
