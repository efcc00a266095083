/* SPDX-License-Identifier: ISC */
/* core: what regist.c (entries, queue, reading back) and regist_store.c (one
 * Store) share. */
#ifndef REGIST_INT_H
#define REGIST_INT_H

#include "regist.h"

/* -- regist.c -- */

void		 regist_entry_due(struct regist *, struct regist_entry *, uint64_t at);
void		 regist_wake(struct regist *, uint64_t at);
uint32_t	 regist_lifetime(const struct regist *);
/* Each copy has been tried. */
void		 regist_round_done(struct regist *, struct regist_entry *);
void		 regist_readback_done(struct node *, const struct lookup_result *, void *);

/* -- regist_store.c -- */

/* Store the entry's next copy; its re_busy until that is over.  -1: not now. */
int		 regist_store(struct regist *, struct regist_entry *);

#endif
