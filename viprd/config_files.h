/* SPDX-License-Identifier: ISC */
/* Problems found while a configuration is put to use, and who looks for them. */
#ifndef CONFIG_FILES_H
#define CONFIG_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"

/* Problems: all but the last are logged as they come, the last one is kept
 * for the caller of config_open. */
struct problems {
	unsigned	 pr_count;
	int		 pr_flags;	/* CONFIG_* */
	int64_t		 pr_now;	/* UTC s, test clock-offset added */
	char		*pr_why;
	size_t		 pr_size;
};
void	problem(struct problems *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));

/* config_cert.c: the certificates and the document, which are read already. */
void	config_certs(struct problems *, const struct conf *);

#endif
