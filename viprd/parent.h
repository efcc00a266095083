/* SPDX-License-Identifier: ISC */
/*
 * The parent's own parts: viprd.c (options, reload, stop), parent_child.c
 * (the children's lives), parent_exec.c (folders, fork, exec), parent_ctl.c
 * (what the operator asks of the parent).
 */
#ifndef PARENT_H
#define PARENT_H

#include <sys/types.h>

#include <event.h>
#include <stddef.h>
#include <stdint.h>

#include "chan.h"
#include "vipr.h"

struct conf;

enum child_state {
	CHILD_OFF = 0,		/* the configuration has no use for it */
	CHILD_DOWN,		/* ended; starts again when its time has come */
	CHILD_STARTING,		/* configuration sent */
	CHILD_CHECKED,		/* accepted it; waits for its turn */
	CHILD_COMMITTED,	/* told to use it */
	CHILD_UP,
	CHILD_STOPPING
};

struct child {
	enum vipr_role	 cp_role;
	enum child_state cp_state;
	pid_t		 cp_pid;	/* 0 when there is none */
	struct chan	*cp_chan;	/* NULL while it is away */
	int		 cp_logfd;	/* -1 without */
	struct event	 cp_logev;
	struct event	 cp_timer;	/* back-off, or patience, by state */
	uint64_t	 cp_started;	/* proc_boot_ms() */
	unsigned	 cp_serial;	/* counts starts of all children */
	int		 cp_again;	/* stopping only to start again */
	unsigned	 cp_restarts;
	unsigned	 cp_backoff;	/* s; 0 before the first crash */
	int		 cp_acked;	/* the reload under way */
	char		 cp_degraded[160];	/* why it is away, or "" */
	char		 cp_sandbox[160];	/* what it said when it was ready */
};

#define RELOAD_WAITERS	8

struct parent {
	struct child	 p_children[ROLE_MAX];	/* [ROLE_PARENT] unused */
	struct conf	*p_conf;	/* in force */
	struct conf	*p_next;	/* being offered to the children */
	uint64_t	 p_generation;	/* of the last try */
	uint64_t	 p_started;
	int		 p_ready;	/* every child was up once */
	int		 p_stopping;
	int		 p_status;	/* to exit with */
	int		 p_reload_again;	/* asked for while not possible */
	int		 p_flags;
#define PARENT_DEBUG		0x1	/* -d */
#define PARENT_UNPRIVILEGED	0x2	/* -u */
	int		 p_verbose;
	const char	*p_conffile;
	int		 p_keylog;	/* for overlayd; -1: no TLS secrets are written */
	uint32_t	 p_waiters[RELOAD_WAITERS];	/* control's ids */
	size_t		 p_nwaiters;
	struct event	 p_reload_timer;
};

extern struct parent parent;

/* viprd.c */
void		 parent_stop(int status);
void		 parent_stop_step(void);	/* a child has ended meanwhile */
/* 0 started (or put off), -1: why says it. */
int		 parent_reload(char *why, size_t);
void		 parent_reload_answer(struct child *, uint64_t generation,
		    const char *nak);
void		 parent_reload_step(void);
void		 parent_reload_abort(const char *why);
int		 parent_wanted(enum vipr_role, const struct conf *);

/* parent_child.c */
void		 child_init(void);
void		 child_start_all(void);		/* that are wanted and not there */
void		 child_start(struct child *);
void		 child_stop(struct child *);
void		 child_reap(void);
int		 child_settled(void);		/* nobody starts or stops */
void		 child_offer(struct child *, const struct conf *);
void		 child_order(struct child *, uint32_t type, uint64_t generation);
void		 child_loglevel(int);

/* parent_exec.c */
int		 exec_find(const char *argv0);	/* -1: logged */
int		 exec_ready(const struct conf *, char *why, size_t);
int		 exec_folders(const struct conf *);
int		 exec_users(void);
const char	*exec_subdir(enum vipr_role);
/* Fork and exec; *pid, *fd (channel) and *logfd are the caller's. */
int		 exec_child(enum vipr_role, const char *data, pid_t *pid,
		    int *fd, int *logfd);

/* parent_ctl.c */
int		 parent_ctl(struct chan *, struct chan_msg *, void *);

#endif
