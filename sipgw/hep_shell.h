/* SPDX-License-Identifier: ISC */
/*
 * sipgw's shell: copies of SIP messages to the capture server of `capture hep`.
 * Nothing waits for it: what the socket does not take at once is dropped and
 * counted.
 */
#ifndef HEP_SHELL_H
#define HEP_SHELL_H

#include <stddef.h>
#include <stdint.h>

#include "txn.h"

struct conf;
struct proxy;

struct hep_stats {
	uint64_t	hs_sent, hs_dropped;
};

extern int	 hep_on;	/* look before a call of hep_copy */

/* The sockets, one a family; before the sandbox. */
void		 hep_init(void);
/* The configuration in force; it must live until the next one is.  An alarm
 * line when copies leave. */
void		 hep_conf(const struct conf *, struct proxy *);
/* A message that came on the flow, or (sent) left on it. */
void		 hep_copy(const struct sip_flow *, const void *, size_t, int sent);
void		 hep_get_stats(struct hep_stats *);

#endif
