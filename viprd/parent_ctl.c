/*
 * Copyright (c) 2026 The VIPR edge authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

/* What the operator asks of the parent: its state, the processes', reload,
 * log level, stop, the configuration in force. */

#include <sys/types.h>

#include <ctype.h>
#include <errno.h>
#include <event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "ctl.h"
#include "log.h"
#include "parent.h"
#include "proc.h"
#include "vipr.h"
#include "viprd.h"

struct status {
	long	st_uid;
	long	st_seccomp;	/* 2: a filter holds */
	long	st_nnp;
};

static void	ctl_config(struct chan *, uint32_t);
static void	ctl_log(struct chan *, const struct ctl_req *);
static void	ctl_metrics(struct chan *, uint32_t);
static void	ctl_process(struct chan *, uint32_t, const struct child *);
static void	ctl_processes(struct chan *, uint32_t);
static void	ctl_reload(struct chan *, uint32_t);
static void	ctl_show(struct chan *, uint32_t);
static void	ctl_status(pid_t, struct status *);
static const char *state_str(enum child_state);

int
parent_ctl(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct ctl_req	rq;

	(void)arg;
	if (ctl_req_parse(m, &rq) == -1)
		return (-1);
	switch (rq.rq_verb) {
	case CTL_SHOW:
		ctl_show(ch, rq.rq_id);
		break;
	case CTL_SHOW_PROCESSES:
		ctl_processes(ch, rq.rq_id);
		break;
	case CTL_SHOW_CONFIG:
		ctl_config(ch, rq.rq_id);
		break;
	case CTL_SHOW_METRICS:
		ctl_metrics(ch, rq.rq_id);
		break;
	case CTL_RELOAD:
		ctl_reload(ch, rq.rq_id);
		return (0);
	case CTL_LOG:
		ctl_log(ch, &rq);
		return (0);
	case CTL_STOP:
		log_info("stop asked for by uid %u", rq.rq_uid);
		break;
	default:
		(void)ctl_send_end(ch, rq.rq_id, "not known here");
		return (0);
	}
	(void)ctl_send_end(ch, rq.rq_id, NULL);
	if (rq.rq_verb == CTL_STOP)
		parent_stop(0);
	return (0);
}

static const char *
state_str(enum child_state state)
{
	static const char *const names[] = {
		"off", "down", "starting", "checked", "committed", "up",
		"stopping"
	};

	return (names[state]);
}

static void
ctl_show(struct chan *ch, uint32_t id)
{
	struct ctl_row	 r;
	char		 text[ROLE_MAX][256];
	const char	*list[ROLE_MAX];
	const struct child *cp;
	size_t		 n = 0;
	int		 i;

	for (i = 1; i < ROLE_MAX; i++) {
		cp = &parent.p_children[i];
		if (cp->cp_state == CHILD_UP || cp->cp_state == CHILD_OFF)
			continue;
		snprintf(text[n], sizeof(text[n]), "%s: %s%s%s",
		    role_str((unsigned)i), state_str(cp->cp_state),
		    cp->cp_degraded[0] ? ", " : "", cp->cp_degraded);
		list[n] = text[n];
		n++;
	}
	ctl_row(&r, "viprd");
	ctl_str(&r, "version", VIPR_VERSION);
	ctl_str(&r, "domain", parent.p_conf->c_domain);
	ctl_str(&r, "config", parent.p_conffile);
	ctl_uint(&r, "generation", parent.p_conf->c_generation);
	ctl_uint(&r, "uptime", (proc_boot_ms() - parent.p_started) / 1000);
	ctl_list(&r, "degraded", list, n);
	(void)ctl_send_row(ch, id, &r);
}

/* What the kernel says holds for a process; -1 where it says nothing. */
static void
ctl_status(pid_t pid, struct status *st)
{
	static const struct {
		const char	*name;
		size_t		 offset;
	} fields[] = {
		{ "Uid:", offsetof(struct status, st_uid) },
		{ "Seccomp:", offsetof(struct status, st_seccomp) },
		{ "NoNewPrivs:", offsetof(struct status, st_nnp) }
	};
	char	 path[64], line[256];
	FILE	*f;
	size_t	 i, len;
	long	 v;

	st->st_uid = st->st_seccomp = st->st_nnp = -1;
	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	if (pid == 0 || (f = fopen(path, "re")) == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL)
		for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
			len = strlen(fields[i].name);
			if (strncmp(line, fields[i].name, len) != 0)
				continue;
			v = strtol(line + len, NULL, 10);
			memcpy((char *)st + fields[i].offset, &v, sizeof(v));
		}
	fclose(f);
}

static void
ctl_process(struct chan *ch, uint32_t id, const struct child *cp)
{
	struct ctl_row	 r;
	struct status	 st;
	char		 root[400];
	pid_t		 pid = cp == NULL ? getpid() : cp->cp_pid;
	uint64_t	 since = cp == NULL ? parent.p_started : cp->cp_started;

	ctl_status(pid, &st);
	ctl_row(&r, "process");
	ctl_str(&r, "name", cp == NULL ? "viprd" : role_str(cp->cp_role));
	if (pid == 0)
		ctl_null(&r, "pid");
	else
		ctl_uint(&r, "pid", (uint64_t)pid);
	ctl_str(&r, "state", cp == NULL ? "up" : state_str(cp->cp_state));
	if (st.st_uid == -1)
		ctl_null(&r, "uid");
	else
		ctl_uint(&r, "uid", (uint64_t)st.st_uid);
	if (cp == NULL || (parent.p_flags & PARENT_UNPRIVILEGED))
		ctl_null(&r, "chroot");
	else {
		snprintf(root, sizeof(root), "%s/%s", parent.p_conf->c_data,
		    exec_subdir(cp->cp_role));
		ctl_str(&r, "chroot", root);
	}
	ctl_bool(&r, "seccomp", st.st_seccomp == 2);
	ctl_bool(&r, "no_new_privs", st.st_nnp == 1);
	ctl_str(&r, "sandbox", cp == NULL || cp->cp_sandbox[0] == '\0' ?
	    NULL : cp->cp_sandbox);
	ctl_uint(&r, "restarts", cp == NULL ? 0 : cp->cp_restarts);
	if (pid == 0)
		ctl_null(&r, "uptime");
	else
		ctl_uint(&r, "uptime", (proc_boot_ms() - since) / 1000);
	ctl_str(&r, "degraded", cp == NULL || cp->cp_degraded[0] == '\0' ?
	    NULL : cp->cp_degraded);
	(void)ctl_send_row(ch, id, &r);
}

static void
ctl_processes(struct chan *ch, uint32_t id)
{
	int	i;

	ctl_process(ch, id, NULL);
	for (i = 1; i < ROLE_MAX; i++)
		if (parent.p_children[i].cp_state != CHILD_OFF)
			ctl_process(ch, id, &parent.p_children[i]);
}

static void
ctl_metrics(struct chan *ch, uint32_t id)
{
	struct ctl_row		 r;
	const struct child	*cp;
	int			 i;

	for (i = 1; i < ROLE_MAX; i++) {
		cp = &parent.p_children[i];
		if (cp->cp_state == CHILD_OFF)
			continue;
		ctl_row(&r, "metric");
		ctl_str(&r, "name", "vipr_process_up");
		ctl_str(&r, "type", "gauge");
		ctl_str(&r, "process", role_str((unsigned)i));
		ctl_uint(&r, "value", cp->cp_state == CHILD_UP);
		(void)ctl_send_row(ch, id, &r);
		ctl_row(&r, "metric");
		ctl_str(&r, "name", "vipr_process_restarts");
		ctl_str(&r, "type", "counter");
		ctl_str(&r, "process", role_str((unsigned)i));
		ctl_uint(&r, "value", cp->cp_restarts);
		(void)ctl_send_row(ch, id, &r);
	}
}

static void
ctl_config(struct chan *ch, uint32_t id)
{
	struct ctl_row	 r;
	FILE		*f;
	char		*text = NULL, *line, *next;
	size_t		 size = 0;

	if ((f = open_memstream(&text, &size)) == NULL) {
		log_warn("open_memstream");
		return;
	}
	fprintf(f, "# generation %llu\n",
	    (unsigned long long)parent.p_conf->c_generation);
	print_config(f, parent.p_conf);
	if (fclose(f) == EOF)
		log_warn("print_config");
	for (next = text; (line = strsep(&next, "\n")) != NULL;) {
		if (next == NULL && *line == '\0')
			break;
		ctl_row(&r, "config");
		ctl_str(&r, "line", line);
		(void)ctl_send_row(ch, id, &r);
	}
	free(text);
}

static void
ctl_reload(struct chan *ch, uint32_t id)
{
	char	why[1024];

	if (parent.p_nwaiters == RELOAD_WAITERS) {
		(void)ctl_send_end(ch, id, "too many reloads at once");
		return;
	}
	/* Answered by reload_done, perhaps before we return. */
	parent.p_waiters[parent.p_nwaiters++] = id;
	why[0] = '\0';
	if (parent_reload(why, sizeof(why)) == -1 && parent.p_nwaiters > 0) {
		parent.p_nwaiters--;
		(void)ctl_send_end(ch, id, why);
	}
}

static void
ctl_log(struct chan *ch, const struct ctl_req *rq)
{
	const char	*how = rq->rq_argc == 1 ? rq->rq_argv[0] : "";
	int		 verbose;

	if (strcmp(how, "verbose") == 0)
		verbose = 2;
	else if (strcmp(how, "brief") == 0)
		verbose = 0;
	else {
		(void)ctl_send_end(ch, rq->rq_id, "brief or verbose expected");
		return;
	}
	log_setverbose(verbose);
	child_loglevel(verbose);
	(void)ctl_send_end(ch, rq->rq_id, NULL);
}
