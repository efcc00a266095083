/* SPDX-License-Identifier: ISC */
/*
 * Process set-up, child's side and parent's side.
 *
 * A child is started by absolute path with CHILD_FD_PARENT as its channel to
 * the parent and CHILD_FD_LOG as its datagram socket for log lines; all other
 * descriptors from 3 up are closed.  Its arguments: -R role (name), -D data
 * folder, -U user (absent under viprd -u), -C (no chroot), -d (log to stderr), -v (verbose; counts).
 */
#ifndef PROC_H
#define PROC_H

#include <sys/types.h>

#include "chan.h"
#include "vipr.h"

#define CHILD_FD_PARENT	3
#define CHILD_FD_LOG	4

struct conf;

struct proc_ops {
	enum vipr_role	 po_role;
	const char	*po_name;	/* syslog identity and title: "overlayd" */
	/*
	 * After the id switch and chroot, before the sandbox: open LMDB and
	 * whatever needs a file.  dir is the data folder as seen from here.
	 * -1: already logged, the process exits 1.
	 */
	int		(*po_init)(const char *dir);
	/* A whole new configuration: check and prepare it without touching
	 * the old one.  -1 refuses it; why says the reason. */
	int		(*po_conf_check)(struct conf *, char *why, size_t);
	/* Put the checked one in force.  conf is now this process's to free
	 * with conf_free when the next one comes. */
	void		(*po_conf_commit)(struct conf *);
	/* The checked one is not to be used; proc frees it afterwards. */
	void		(*po_conf_abort)(struct conf *);
	/* What we accept from a peer; NULL if we have no channel to it. */
	const struct imsg_rule *(*po_rules)(enum vipr_role peer);
	/* Channel to a peer came up (ch) or went away (NULL). */
	void		(*po_peer)(enum vipr_role peer, struct chan *);
	/*
	 * The parent says stop, and there are words to say to others first:
	 * how many ms that may take with the event loop running; proc_stopped
	 * ends it sooner.  NULL or 0: nothing.  Then po_shutdown.
	 */
	unsigned	(*po_leave)(void);
	/* Write out and return; proc exits 0. */
	void		(*po_shutdown)(void);
	int		 po_sandbox;	/* enum sandbox_profile */
};

/* main() of a child.  Does not return.  arg of all chan handlers is NULL. */
void		 proc_child(int argc, char **argv, const struct proc_ops *)
		    __attribute__((__noreturn__));

/* Channel to a peer, NULL while it is away; for chan_send. */
struct chan	*proc_peer(enum vipr_role);

/* Started by viprd -u -d: as the caller, without chroot, in the foreground. */
int		 proc_trial(void);

/* Ask key for a signature (IMSG_KEY_SIGN); for pkremote_init.  0 or -1. */
int		 proc_sign(uint64_t reqid, uint32_t key, uint16_t type,
		    uint16_t scheme, const void *, size_t);

/* What po_leave began is done. */
void		 proc_stopped(void);

/* Wall clock as this process sees it, `test clock-offset` added: UTC ms.
 * Shells call it and hand the value to cores. */
uint64_t	 proc_now_ms(void);
/* CLOCK_BOOTTIME, ms (CLOCK_MONOTONIC where there is no such), `test
 * boot-offset` added. */
uint64_t	 proc_boot_ms(void);
/* Set by proc from conf before po_conf_commit; seconds. */
void		 proc_clock_offset(int64_t seconds);
void		 proc_boot_offset(uint32_t seconds);

#endif
