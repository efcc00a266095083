/* SPDX-License-Identifier: ISC */
/* core: what the files of the SIP parser share among themselves. */
#ifndef SIP_HDR_H
#define SIP_HDR_H

#include "sip_parse.h"

/* May this header stand on one line only?  From inside that is asked only of
 * those that a proxy acts on.  1 or 0. */
int	sip_hdr_single(enum sip_hdr_id, int inside);

/* 256-entry tables for cur_token: RFC 3261 token; digits; anything that may
 * stand in a URI or unquoted parameter value (no white space, no quotes, no
 * < > , ;). */
extern const uint8_t sip_token[256];
extern const uint8_t sip_visible[256];
extern const uint8_t sip_word[256];	/* of a Call-ID */

/* Nothing but printable bytes, and those of UTF-8 (then *high is set)?  1, 0. */
int	sip_plain(struct span, int *high);

/* Transport, host and port of a Via whose parameters cannot be read: enough
 * to answer it.  0, or -1 when not even they can. */
int	sip_via_rough(struct span, struct sip_via *);

/* Skip white space, folds included. */
void	sip_lws(struct cur *);

#endif
