/* SPDX-License-Identifier: ISC */
/*
 * Configuration of the key process: private keys, the master key, the
 * overlay's configuration document.  A new one is prepared beside the one in
 * force; commit or abort ends that.
 */
#ifndef KEY_CONF_H
#define KEY_CONF_H

#include <stddef.h>
#include <stdint.h>

struct conf;
struct imsg_pvp_roots;

#define KEY_DOC_MAX	(128 * 1024)	/* overlay's document */
#define KEY_ROOTS_MAX	(180 * 1024)	/* IMSG_PVP_ROOTS */

/* Load and check keys and document at the time now (UTC s).  -1: why names
 * the file; nothing is left prepared. */
int		 kconf_check(const struct conf *, int64_t now, char *why, size_t);
/* The master key's bytes; -1 and why also when it is not the one in use. */
int		 kconf_master(const struct conf *, uint8_t *master, char *why, size_t);
void		 kconf_commit(const struct conf *);
void		 kconf_abort(void);
void		 kconf_clear(void);

/* Of what is in force: NULL without an overlay. */
const char	*kconf_overlay(void);
const uint8_t	*kconf_node(void);
/* Tail of IMSG_PVP_ROOTS; its length, 0 without an overlay. */
size_t		 kconf_roots(struct imsg_pvp_roots *, uint8_t *, size_t);
/* A document that came over the overlay: verified against the one in force
 * and put in its place.  0; 1 when it is the one in force; -1 and why. */
int		 kconf_update(const void *, size_t, int64_t now, char *why, size_t);

#endif
