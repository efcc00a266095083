/* SPDX-License-Identifier: ISC */
/* What the files of the route table share among themselves. */
#ifndef RTAB_INT_H
#define RTAB_INT_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include "rtab.h"

struct store_table;

/* A host, or "number domain", that is skipped or failed lately. */
struct skip {
	RB_ENTRY(skip)	 sp_entry;	/* in the tree, which owns it */
	TAILQ_ENTRY(skip) sp_age;
	unsigned	 sp_failures;
	uint64_t	 sp_until;	/* ms */
	char		 sp_name[DOMAIN_SIZE + E164_SIZE];
};
RB_HEAD(skip_tree, skip);
TAILQ_HEAD(skip_list, skip);
struct skips {
	struct skip_tree ss_tree;
	struct skip_list ss_age;	/* changed longest ago first */
	size_t		 ss_count;
};

struct rtab {
	struct store_table	*rt_routes;
	struct store_table	*rt_meta;
	uint8_t			 rt_gen;	/* of a ROUTE_SYNC, in each record */
	int			 rt_swept;
	uint64_t		 rt_last_ms;	/* newest now_ms that was handed in */
	struct skips		 rt_hosts;
	struct skips		 rt_skips;
	uint8_t			 rt_buf[RTAB_VALUE_MAX];
};

void	skip_init(struct rtab *);
void	skip_clear(struct rtab *);

/* One route of a record (rtab_codec.c).  0 or -1. */
int	route_decode(const char *number, struct cur *, struct rtab_route *);

#endif
