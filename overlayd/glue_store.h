/* SPDX-License-Identifier: ISC */
/* overlayd's store, for the node's ops and for the shell. */
#ifndef GLUE_STORE_H
#define GLUE_STORE_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "node.h"

struct regist;

/* Before the sandbox.  -1: the reason was logged. */
int		 glue_init(const char *dir);
void		 glue_store_close(void);
/* 0, or the errno of a write that failed while none has succeeded since. */
int		 glue_store_error(void);
/* What decoys are drawn from, REGIST_SECRET_LEN bytes. */
const uint8_t	*glue_secret(void);

/* Numbers that were published; then what is stored for others, in parts: 1, call
 * again soon; 0, all is there. */
void		 glue_load_begin(struct regist *);
int		 glue_load(struct node *);

/* Of struct node_ops. */
int		 glue_put(void *, enum storage_table, const void *, size_t, const void *,
		    size_t);
ssize_t		 glue_get(void *, enum storage_table, const void *, size_t, void *, size_t);
void		 glue_peers_put(void *, const struct vaddr *, size_t);
/* Of regist_new. */
void		 glue_keep(void *, uint64_t, int);

/* Known peers of an earlier run: how many. */
size_t		 glue_cache(struct vaddr *, size_t max);
/* Small things by name; val NULL removes.  -1: there is none. */
void		 glue_meta_put(const void *, size_t, const void *val, size_t);
ssize_t		 glue_meta_get(const void *, size_t, void *, size_t);

#endif
