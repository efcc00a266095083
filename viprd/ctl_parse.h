/* SPDX-License-Identifier: ISC */
/* viprctl: the words of its command line. */
#ifndef CTL_PARSE_H
#define CTL_PARSE_H

#include "ctl.h"
#include "ctl_output.h"

struct ctl_command {
	int			 cc_verb;	/* enum ctl_verb */
	enum output_shape	 cc_shape;
	int			 cc_argc;
	const char		*cc_argv[CTL_ARGS_MAX];
};

/* Words, any of which may be cut short as long as it stays the only one.  0;
 * or -1, and what would have been right is on stderr. */
int	 ctl_parse(int argc, char *const *argv, struct ctl_command *);

#endif
