/* SPDX-License-Identifier: ISC */
/*
 * What the parts of the viprd executable offer each other: the parent, the
 * configuration reader, and the two roles that are viprd re-executed.
 */
#ifndef VIPRD_H
#define VIPRD_H

#include <stddef.h>
#include <stdio.h>

struct conf;

#define VIPRD_CONF	"/etc/viprd.conf"

/* main() of a re-executed viprd: -R key, -R control.  They do not return. */
void		 key_main(int argc, char **argv) __attribute__((__noreturn__));
void		 control_main(int argc, char **argv) __attribute__((__noreturn__));

/*
 * parse.y.  Read a configuration file; messages about it ("file:line: text")
 * are printed to stderr or logged.  NULL or *nerrors > 0: not usable; the
 * caller frees what came back.  verbose > 0: more warnings.
 */
struct conf	*parse_config(const char *path, int verbose, int *nerrors);
/* "macro=value" of -D, before parse_config; -1: no '='. */
int		 parse_symset(const char *);

/* printconf.c.  Text that parses back to the same. */
void		 print_config(FILE *, const struct conf *);

/*
 * config.c.  Open the files that conf names, check certificates, bind the
 * listeners; what running (or NULL) has open under the same address is
 * duplicated.  Nothing of running is changed.  flags: CONFIG_*.
 * -1: why says what and where, in one line.
 */
#define CONFIG_UNPRIVILEGED	0x1	/* viprd -u: no users, owner is the caller */
#define CONFIG_CHECK		0x2	/* viprd -n: check files only, bind and create nothing */
int		 config_open(struct conf *, const struct conf *running, int flags,
		    char *why, size_t);

#endif
