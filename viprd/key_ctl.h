/* SPDX-License-Identifier: ISC */
/* What key answers to viprctl. */
#ifndef KEY_CTL_H
#define KEY_CTL_H

struct chan;
struct ctl_req;
struct kcore;

/* Answer on the control channel: rows, then the end. */
void	kctl_request(struct kcore *, struct chan *, const struct ctl_req *);

#endif
