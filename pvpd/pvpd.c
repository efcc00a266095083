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

/*
 * pvpd: the verification daemon.  Listens for PVP connections and makes them,
 * carries the messages of proofs between the peer and the key process, asks
 * overlayd who claims a number and where.  This file: start, configuration,
 * channels.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <stdint.h>
#include <string.h>

#include "chan.h"
#include "conf.h"
#include "ctl.h"
#include "cursor.h"
#include "listener.h"
#include "log.h"
#include "pkremote.h"
#include "proc.h"
#include "pvpd.h"
#include "sandbox.h"
#include "tlsconn.h"
#include "vipr.h"

static struct listener_list	 listeners = TAILQ_HEAD_INITIALIZER(listeners);
static struct conf		*config;	/* in force; owned */

static int	 init(const char *);
static int	 conf_check(struct conf *, char *, size_t);
static void	 conf_commit(struct conf *);
static void	 conf_abort(struct conf *);
static const struct imsg_rule *rules(enum vipr_role);
static void	 peer(enum vipr_role, struct chan *);
static void	 shut_down(void);
static int	 key_sign_res(struct chan *, struct chan_msg *, void *);
static int	 key_lookup(struct chan *, struct chan_msg *, void *);
static int	 key_try(struct chan *, struct chan_msg *, void *);
static int	 key_out(struct chan *, struct chan_msg *, void *);
static int	 key_roots(struct chan *, struct chan_msg *, void *);
static int	 key_first(struct chan *, struct chan_msg *, void *);
static int	 overlay_lookup_res(struct chan *, struct chan_msg *, void *);
static int	 overlay_appattach_res(struct chan *, struct chan_msg *, void *);
static int	 control_request(struct chan *, struct chan_msg *, void *);
static void	 accepted(int, const struct sockaddr *);

static const struct imsg_rule from_key[] = {
	{ IMSG_KEY_SIGN_RES, sizeof(struct imsg_key_sign_res), 1024, 0, key_sign_res },
	{ IMSG_PVP_LOOKUP, sizeof(struct imsg_pvp_lookup), 0, 0, key_lookup },
	{ IMSG_PVP_TRY, sizeof(struct imsg_pvp_try), 0, 0, key_try },
	{ IMSG_PVP_OUT, sizeof(struct imsg_pvp_body), 4096, 0, key_out },
	{ IMSG_PVP_ROOTS, sizeof(struct imsg_pvp_roots), 160 * 1024, 0, key_roots },
	{ IMSG_PVP_FIRST, 0, 160 * 1024, 0, key_first },
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static const struct imsg_rule from_overlay[] = {
	{ IMSG_OV_LOOKUP_RES, sizeof(struct imsg_ov_lookup_res),
	    OV_LOOKUP_MAX * NODEID_LEN, 0, overlay_lookup_res },
	{ IMSG_OV_APPATTACH_RES, sizeof(struct imsg_ov_appattach_res),
	    64 * sizeof(struct vaddr), 0, overlay_appattach_res },
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static const struct imsg_rule from_control[] = {
	CTL_RULE(control_request),
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static const struct proc_ops ops = {
	.po_role = ROLE_PVP,
	.po_name = "pvpd",
	.po_init = init,
	.po_conf_check = conf_check,
	.po_conf_commit = conf_commit,
	.po_conf_abort = conf_abort,
	.po_rules = rules,
	.po_peer = peer,
	.po_shutdown = shut_down,
	.po_sandbox = SANDBOX_PVP
};

int
main(int argc, char **argv)
{
	proc_child(argc, argv, &ops);
}

/* -- start and configuration -- */

/* OpenSSL loads what it needs at its first use: before the sandbox. */
static int
init(const char *dir)
{
	const char	*why;

	(void)dir;
	pkremote_init(proc_sign);
	if (tlsconn_init(&why) == -1) {
		log_warnx("TLS cannot start: %s", why);
		return (-1);
	}
	if (conn_init() == -1 || ask_init() == -1) {
		log_warn("start");
		return (-1);
	}
	return (0);
}

static int
conf_check(struct conf *conf, char *why, size_t size)
{
	return (pvp_tls_prepare(conf, why, size));
}

static void
conf_commit(struct conf *conf)
{
	struct conf_listen	*cl;

	pvp_tls_commit();
	conn_conf(conf);
	listener_clear(&listeners);
	TAILQ_FOREACH(cl, &conf->c_listens, cl_entry) {
		if (cl->cl_use != LISTEN_PVP || cl->cl_fd == -1)
			continue;
		listener_add(&listeners, cl->cl_fd, accepted);
		cl->cl_fd = -1;
	}
	conf_free(config);
	config = conf;
}

static void
conf_abort(struct conf *conf)
{
	(void)conf;
	pvp_tls_abort();
}

static void
shut_down(void)
{
	listener_clear(&listeners);
}

/* -- channels -- */

static const struct imsg_rule *
rules(enum vipr_role role)
{
	switch (role) {
	case ROLE_KEY:
		return (from_key);
	case ROLE_OVERLAY:
		return (from_overlay);
	case ROLE_CONTROL:
		return (from_control);
	default:
		return (NULL);
	}
}

static void
peer(enum vipr_role role, struct chan *ch)
{
	if (ch != NULL)
		return;
	if (role == ROLE_KEY) {
		pkremote_lost();
		ask_key_lost();
		conn_key_lost();
	} else if (role == ROLE_OVERLAY)
		ask_overlay_lost();
}

static int
key_sign_res(struct chan *ch, struct chan_msg *cm, void *arg)
{
	const struct imsg_key_sign_res	*kr = cm->cm_fixed;
	size_t				 len = cur_left(&cm->cm_tail);

	(void)ch;
	(void)arg;
	pkremote_reply(kr->kr_reqid, (int)kr->kr_error,
	    cur_ptr(&cm->cm_tail, len), len);
	return (0);
}

static int
key_lookup(struct chan *ch, struct chan_msg *cm, void *arg)
{
	const struct imsg_pvp_lookup	*pl = cm->cm_fixed;

	(void)ch;
	(void)arg;
	if (memchr(pl->pl_number, '\0', E164_SIZE) == NULL)
		return (-1);
	ask_lookup(pl);
	return (0);
}

static int
key_try(struct chan *ch, struct chan_msg *cm, void *arg)
{
	const struct imsg_pvp_try	*pt = cm->cm_fixed;

	(void)ch;
	(void)arg;
	if (pt->pt_try == 0)
		return (-1);
	ask_try(pt);
	return (0);
}

static int
key_out(struct chan *ch, struct chan_msg *cm, void *arg)
{
	(void)ch;
	(void)arg;
	return (conn_output(cm->cm_fixed, &cm->cm_tail));
}

static int
key_roots(struct chan *ch, struct chan_msg *cm, void *arg)
{
	(void)ch;
	(void)arg;
	return (pvp_tls_roots(cm->cm_fixed, &cm->cm_tail));
}

static int
key_first(struct chan *ch, struct chan_msg *cm, void *arg)
{
	(void)ch;
	(void)arg;
	return (conn_first(&cm->cm_tail));
}

static int
overlay_lookup_res(struct chan *ch, struct chan_msg *cm, void *arg)
{
	(void)ch;
	(void)arg;
	return (ask_lookup_res(cm->cm_fixed, &cm->cm_tail));
}

static int
overlay_appattach_res(struct chan *ch, struct chan_msg *cm, void *arg)
{
	(void)ch;
	(void)arg;
	return (ask_appattach_res(cm->cm_fixed, &cm->cm_tail));
}

static int
control_request(struct chan *ch, struct chan_msg *cm, void *arg)
{
	static struct ctl_row	 row;
	struct ctl_req		 rq;

	(void)arg;
	if (ctl_req_parse(cm, &rq) == -1)
		return (-1);
	if (rq.rq_verb == CTL_SHOW || rq.rq_verb == CTL_SHOW_METRICS) {
		ctl_row(&row, "pvpd");
		ctl_bool(&row, "ready", pvp_tls_server() != NULL);
		ctl_bool(&row, "listening", !TAILQ_EMPTY(&listeners));
		conn_show(&row);
		ask_show(&row);
		(void)ctl_send_row(ch, rq.rq_id, &row);
	}
	(void)ctl_send_end(ch, rq.rq_id, NULL);
	return (0);
}

static void
accepted(int s, const struct sockaddr *sa)
{
	(void)sa;
	conn_accept(s);
}
