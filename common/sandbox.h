/* SPDX-License-Identifier: ISC */
/*
 * The last act before the event loop.  Linux: no_new_privs, Landlock as far as
 * the kernel goes, a seccomp allow-list a profile (default: kill the process;
 * opening a file: EACCES).  OpenBSD: unveil and pledge.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

enum sandbox_profile {
	SANDBOX_NONE = 0,	/* the parent */
	SANDBOX_KEY = 1,	/* imsg, LMDB already open */
	SANDBOX_CONTROL = 2,	/* imsg, accept on the control socket */
	SANDBOX_OVERLAY = 3,	/* imsg, TCP sockets, LMDB already open */
	SANDBOX_PVP = 4,	/* imsg, TCP sockets */
	SANDBOX_SIP = 5,	/* imsg, TCP and UDP sockets, LMDB already open */
	SANDBOX_CTL = 6		/* viprctl after connect: stdio */
};

/* Fatal when seccomp is missing; without Landlock a warning and 1; else 0.
 * Proves itself: an open of "/" must fail afterwards. */
int		 sandbox_enter(enum sandbox_profile);
/* What holds, for viprctl: "seccomp, landlock abi 4". */
const char	*sandbox_describe(void);

#endif
