/* SPDX-License-Identifier: ISC */
/* viprctl overlay: how a box becomes a member of an overlay. */
#ifndef CTL_OVERLAY_H
#define CTL_OVERLAY_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "ctl_ca.h"
#include "ctl_fetch.h"
#include "reload_conf.h"

/*
 * argv[0] is "overlay", argv[1] the command: fetch, request, enrol.  Needs no
 * daemon.  Returns the exit status; errors are on stderr.
 */
int	ctl_overlay(int argc, char **argv);

/* -- between ctl_overlay.c and ctl_enrol.c -- */

struct overlay_opts {
	int		 oo_force;	/* -f */
	int		 oo_renew;	/* -r */
	int		 oo_keytype;	/* -k, enum ca_keytype; 0: not given */
	unsigned	 oo_timeout;	/* -t, s */
	const char	*oo_account;	/* -a */
	const char	*oo_cafile;	/* -C */
	const char	*oo_dns;	/* -n */
	const char	*oo_password;	/* -p, a file */
	const char	*oo_server;	/* -s, a URL */
	const char	*oo_user;	/* -u */
};

/* Takes everything behind the options; 0, or -1 after a message. */
int	 overlay_enrol(const struct overlay_opts *, const char *document,
	    const char *prefix, const char *name);
int	 overlay_request(const struct overlay_opts *, const char *name,
	    const char *prefix);
/* An answer that is none of ours: says why.  -1. */
int	 overlay_refused(const char *from, const struct http_answer *);
/* A document that viprd would take too: read, checked.  NULL after a message. */
struct reload_doc *overlay_document(const char *path, const char *name);

#endif
