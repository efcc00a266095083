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
 * Shell of the key process: channels, configuration, the timer of the core.
 * The rules are in key_call.c,
 * key_sched.c, key_pvp.c, key_respond.c, key_ticket.c, key_route.c and
 * key_sign.c; this file only carries bytes and the time to them.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <event.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "ctl.h"
#include "cursor.h"
#include "e164.h"
#include "key_conf.h"
#include "key_core.h"
#include "key_ctl.h"
#include "key_gen.h"
#include "key_sign.h"
#include "key_signq.h"
#include "log.h"
#include "proc.h"
#include "sandbox.h"
#include "store.h"
#include "viprd.h"

#define MAP_SIZE	((size_t)4 << 30)	/* address space, not memory */
#define PRIO_SIP	0
#define PRIO_PVP	1
#define PRIO_OVERLAY	2
#define PRIO_CONTROL	3
#define FIRST_MAX	4096		/* Node-IDs that proved before */
#define SYNC_TURN	100		/* numbers a turn */
#define SYNC_QUEUE	(1024 * 1024)	/* bytes that wait for sipgw */
#define TICK_MAX_MS	60000
#define NAMES_MAX	64		/* names of one peer */

static int	 key_init(const char *);
static void	 key_boot_id(void);
static int	 key_conf_check(struct conf *, char *, size_t);
static void	 key_conf_commit(struct conf *);
static void	 key_conf_abort(struct conf *);
static const struct imsg_rule *key_rules(enum vipr_role);
static void	 key_peer(enum vipr_role, struct chan *);
static void	 key_shutdown(void);

static void	 key_now(void);
static void	 key_arm(void);
static void	 key_tick(int, short, void *);
static void	 key_sync_turn(int, short, void *);
static void	 key_roots(void);

static int	 key_dispatch_leg(struct chan *, struct chan_msg *, void *);
static int	 key_dispatch_ticket(struct chan *, struct chan_msg *, void *);
static int	 key_dispatch_outcome(struct chan *, struct chan_msg *, void *);
static int	 key_dispatch_sync(struct chan *, struct chan_msg *, void *);
static int	 key_dispatch_claimants(struct chan *, struct chan_msg *, void *);
static int	 key_dispatch_open(struct chan *, struct chan_msg *, void *);
static int	 key_dispatch_in(struct chan *, struct chan_msg *, void *);
static int	 key_dispatch_end(struct chan *, struct chan_msg *, void *);
static int	 key_dispatch_config(struct chan *, struct chan_msg *, void *);
static int	 key_dispatch_ctl(struct chan *, struct chan_msg *, void *);
static int	 key_text_ok(const char *, size_t);

static int	 op_lookup(void *, uint64_t, const char *);
static int	 op_try(void *, uint64_t, uint64_t, const uint8_t *);
static int	 op_out(void *, uint64_t, unsigned, unsigned, const void *, size_t);
static void	 op_leg_ack(void *, uint64_t, uint32_t);
static int	 op_routes(void *, const char *, uint32_t, const void *, size_t);
static void	 op_first(void *);
static void	 op_note(void *, enum key_level, const char *);

static const struct imsg_rule key_from_sipgw[] = {
	{ IMSG_KEY_SIGN, sizeof(struct imsg_key_sign), 4096, 0,
	    ksignq_dispatch },
	{ IMSG_LEG, sizeof(struct imsg_leg), 0, 0, key_dispatch_leg },
	{ IMSG_TICKET_CHECK, sizeof(struct imsg_ticket_check),
	    65536, 0, key_dispatch_ticket },
	{ IMSG_ROUTE_OUTCOME, sizeof(struct imsg_route_outcome),
	    DOMAIN_SIZE, 0, key_dispatch_outcome },
	{ IMSG_ROUTE_SYNC, 0, 8, 0, key_dispatch_sync },
	{ IMSG_TICKET_GEN, sizeof(struct imsg_ticket_gen), 0, 0, kgen_dispatch },
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static const struct imsg_rule key_from_pvpd[] = {
	{ IMSG_KEY_SIGN, sizeof(struct imsg_key_sign), 4096, 0,
	    ksignq_dispatch },
	{ IMSG_PVP_CLAIMANTS, sizeof(struct imsg_pvp_claimants),
	    OV_LOOKUP_MAX * NODEID_LEN, 0, key_dispatch_claimants },
	{ IMSG_PVP_OPEN, sizeof(struct imsg_pvp_open), 0, 0,
	    key_dispatch_open },
	{ IMSG_PVP_IN, sizeof(struct imsg_pvp_body), KEY_BODY_MAX, 0,
	    key_dispatch_in },
	{ IMSG_PVP_END, sizeof(struct imsg_pvp_end), 0, 0, key_dispatch_end },
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static const struct imsg_rule key_from_overlayd[] = {
	{ IMSG_KEY_SIGN, sizeof(struct imsg_key_sign), KEY_SIGN_INPUT_MAX, 0,
	    ksignq_dispatch_overlay },
	{ IMSG_OV_CONFIG, sizeof(struct imsg_ov_config), KEY_DOC_MAX, 0,
	    key_dispatch_config },
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static const struct imsg_rule key_from_control[] = {
	CTL_RULE(key_dispatch_ctl),
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static const struct proc_ops key_proc = {
	.po_role = ROLE_KEY,
	.po_name = "key",
	.po_init = key_init,
	.po_conf_check = key_conf_check,
	.po_conf_commit = key_conf_commit,
	.po_conf_abort = key_conf_abort,
	.po_rules = key_rules,
	.po_peer = key_peer,
	.po_shutdown = key_shutdown,
	.po_sandbox = SANDBOX_KEY
};

static const struct key_ops key_ops = {
	.ko_lookup = op_lookup,
	.ko_try = op_try,
	.ko_out = op_out,
	.ko_leg_ack = op_leg_ack,
	.ko_routes = op_routes,
	.ko_first = op_first,
	.ko_note = op_note
};

static struct kcore	*core;
static struct store	*store;
static struct conf	*conf;		/* in force; NULL before the first */
static uint64_t		 db_mark;	/* inode of the database */
static uint8_t		 boot_id[16];
static struct event	 tick_ev, sync_ev;
static uint64_t		 sync_at, sync_count;
static int		 syncing;
static struct log_limit	 answer_limit = { "answers that found no room", 5,
			    60000, 0, 0, 0 };

void
key_main(int argc, char **argv)
{
	/* Before the chroot. */
	key_boot_id();
	proc_child(argc, argv, &key_proc);
}

/* Names this boot of the machine; where it can't be told, zeros, and records
 * of before a restart can't be moved along with a stepped clock. */
static void
key_boot_id(void)
{
	char	 text[64];
	ssize_t	 n;
	size_t	 len;
	int	 fd;

	if ((fd = open("/proc/sys/kernel/random/boot_id",
	    O_RDONLY | O_CLOEXEC)) == -1)
		return;
	if ((n = read(fd, text, sizeof(text))) > 0)
		(void)sodium_hex2bin(boot_id, sizeof(boot_id), text, (size_t)n,
		    "-\n", &len, NULL);
	close(fd);
}

static int
key_init(const char *dir)
{
	struct stat	 st;
	const char	*why = NULL;
	char		 path[600];

	key_sign_init();
	store = store_open(dir, MAP_SIZE, KEY_TABLES, &why);
	if (store == NULL) {
		if (why != NULL)
			log_warnx("database in %s: %s", dir, why);
		else
			log_warn("database in %s", dir);
		return (-1);
	}
	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	if (stat(path, &st) == 0)
		db_mark = (uint64_t)st.st_ino;
	store_event(store);
	if ((core = kcore_new(&key_ops, NULL, store, boot_id)) == NULL) {
		log_warn("key core");
		return (-1);
	}
	evtimer_set(&tick_ev, key_tick, NULL);
	evtimer_set(&sync_ev, key_sync_turn, NULL);
	if (event_priority_set(&sync_ev, PRIO_CONTROL) == -1)
		log_warnx("priority of a timer not set");
	ksignq_init(PRIO_OVERLAY);
	return (0);
}

/* -- the clock -- */

static void
key_now(void)
{
	kcore_clock(core, proc_now_ms(), proc_boot_ms());
}

/* Wake up for what the core has next; soon if a commit may change that. */
static void
key_arm(void)
{
	struct timeval	 tv;
	uint64_t	 now = proc_now_ms(), next, ms;

	next = kcore_next(core);
	ms = next <= now ? 0 : next - now;
	if (ms > TICK_MAX_MS)
		ms = TICK_MAX_MS;
	if (ms > 500 && !LIST_EMPTY(&core->kc_waits))
		ms = 500;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	evtimer_add(&tick_ev, &tv);
}

static void
key_tick(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	key_sign_expire(proc_boot_ms());
	if (conf == NULL)
		return;
	key_now();
	kcore_run(core);
	key_arm();
}

/* -- configuration -- */

static int
key_conf_check(struct conf *cf, char *why, size_t size)
{
	uint8_t	 master[STORE_MASTER_LEN];
	int	 ok;

	if (kconf_check(cf, (int64_t)(proc_now_ms() / 1000), why, size) == -1)
		return (-1);
	if (kconf_master(cf, master, why, size) == -1)
		goto fail;
	if (!core->kc_open) {
		/* The offset of this configuration is not in force yet. */
		kcore_clock(core, proc_now_ms() +
		    (uint64_t)(cf->c_clock_offset * 1000), proc_boot_ms());
		kcore_conf(core, cf, NULL, NULL);
		ok = kcore_open(core, master, db_mark, why, size);
		kcore_conf(core, conf, NULL, NULL);
		if (ok == -1)
			goto fail;
	}
	sodium_memzero(master, sizeof(master));
	return (0);
fail:
	sodium_memzero(master, sizeof(master));
	kconf_abort();
	return (-1);
}

static void
key_conf_commit(struct conf *cf)
{
	kconf_commit(cf);
	key_now();
	kcore_conf(core, cf, kconf_overlay(), kconf_node());
	conf_free(conf);
	conf = cf;
	kgen_tell(core);
	key_roots();
	op_first(NULL);
	key_arm();
}

static void
key_conf_abort(struct conf *cf)
{
	(void)cf;
	kconf_abort();
}

/* To pvpd: whom the overlay trusts. */
static void
key_roots(void)
{
	struct imsg_pvp_roots	 pr;
	uint8_t			*buf;
	size_t			 len;

	if ((buf = malloc(KEY_ROOTS_MAX)) == NULL)
		return;
	if ((len = kconf_roots(&pr, buf, KEY_ROOTS_MAX)) != 0 &&
	    proc_peer(ROLE_PVP) != NULL &&
	    chan_send(proc_peer(ROLE_PVP), IMSG_PVP_ROOTS, -1, &pr, sizeof(pr),
	    buf, len) == -1)
		log_warn("roots to pvpd");
	free(buf);
}

/* -- peers -- */

static const struct imsg_rule *
key_rules(enum vipr_role peer)
{
	switch (peer) {
	case ROLE_SIP:
		return (key_from_sipgw);
	case ROLE_PVP:
		return (key_from_pvpd);
	case ROLE_OVERLAY:
		return (key_from_overlayd);
	case ROLE_CONTROL:
		return (key_from_control);
	default:
		return (NULL);
	}
}

static void
key_peer(enum vipr_role role, struct chan *ch)
{
	switch (role) {
	case ROLE_SIP:
		evtimer_del(&sync_ev);
		syncing = 0;
		if (ch != NULL)
			chan_priority(ch, PRIO_SIP);
		kgen_peer(core, ch);
		break;
	case ROLE_PVP:
		if (ch != NULL) {
			chan_priority(ch, PRIO_PVP);
			key_roots();
		}
		if (conf != NULL) {
			key_now();
			kcore_pvpd(core, ch != NULL);
			key_arm();
		}
		break;
	case ROLE_OVERLAY:
		ksignq_clear();
		if (ch != NULL) {
			chan_priority(ch, PRIO_OVERLAY);
			chan_batch(ch, KSIGNQ_TURN);
		}
		break;
	case ROLE_CONTROL:
		if (ch != NULL)
			chan_priority(ch, PRIO_CONTROL);
		else
			kgen_control_gone();
		break;
	default:
		break;
	}
}

static void
key_shutdown(void)
{
	evtimer_del(&tick_ev);
	ksignq_clear();
	kcore_free(core);
	core = NULL;
	store_close(store);
	store = NULL;
	kconf_clear();
	conf_free(conf);
	conf = NULL;
}

static int
key_text_ok(const char *s, size_t size)
{
	return (memchr(s, '\0', size) != NULL);
}

/* -- sipgw -- */

static int
key_dispatch_leg(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_leg	 lg;
	int		 r;

	(void)ch;
	(void)arg;
	memcpy(&lg, m->cm_fixed, sizeof(lg));
	key_now();
	r = kcall_leg(core, &lg);
	sodium_memzero(&lg, sizeof(lg));
	key_arm();
	return (r);
}

static int
key_dispatch_ticket(struct chan *ch, struct chan_msg *m, void *arg)
{
	static char			 names[NAMES_MAX][DOMAIN_SIZE];
	struct imsg_ticket_check	 tc;
	struct imsg_ticket_res		 tr;
	struct span			 token;
	uint32_t			 i, n = 0;

	(void)arg;
	memcpy(&tc, m->cm_fixed, sizeof(tc));
	if (!key_text_ok(tc.tc_number, sizeof(tc.tc_number)) ||
	    cur_lv_span(&m->cm_tail, 2, 65535, &token) == -1)
		return (-1);
	for (i = 0; i < tc.tc_names; i++) {
		if (cur_lv_str(&m->cm_tail, 1, names[n], DOMAIN_SIZE) == -1)
			return (-1);
		/* A certificate with more names than that is a strange one. */
		if (n < NAMES_MAX - 1)
			n++;
	}
	if (cur_done(&m->cm_tail) == -1)
		return (-1);
	memset(&tr, 0, sizeof(tr));
	tr.tr_reqid = tc.tc_reqid;
	kgen_tell(core);
	key_now();
	kticket_check(core, token.p, token.len, tc.tc_number,
	    (const char (*)[DOMAIN_SIZE])names, n, &tr);
	if (chan_send(ch, IMSG_TICKET_RES, -1, &tr, sizeof(tr), NULL, 0) == -1 &&
	    log_allow(&answer_limit, proc_boot_ms()))
		log_warn("ticket answer to sipgw");
	return (0);
}

static int
key_dispatch_outcome(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_route_outcome	 ro;
	char				 domain[DOMAIN_SIZE];

	(void)ch;
	(void)arg;
	memcpy(&ro, m->cm_fixed, sizeof(ro));
	if (!key_text_ok(ro.ro_number, sizeof(ro.ro_number)) ||
	    cur_lv_str(&m->cm_tail, 1, domain, sizeof(domain)) == -1 ||
	    cur_done(&m->cm_tail) == -1 || !e164_valid(ro.ro_number))
		return (-1);
	key_now();
	kroute_outcome(core, ro.ro_number, domain, ro.ro_outcome, ro.ro_refusal);
	key_arm();
	return (0);
}

static int
key_dispatch_sync(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct timeval	 now = { 0, 0 };

	(void)ch;
	(void)m;
	(void)arg;
	syncing = 1;
	sync_at = sync_count = 0;
	evtimer_add(&sync_ev, &now);
	return (0);
}

/* Every number's routes, a few a turn and never more than sipgw takes. */
static void
key_sync_turn(int fd, short event, void *arg)
{
	struct chan	*ch = proc_peer(ROLE_SIP);
	struct timeval	 pause = { 0, 0 };
	char		 number[E164_SIZE];
	uint64_t	 next;
	unsigned	 i;

	(void)fd;
	(void)event;
	(void)arg;
	if (!syncing || ch == NULL)
		return;
	if (conf == NULL || chan_queued(ch) > SYNC_QUEUE) {
		pause.tv_usec = 20000;
		evtimer_add(&sync_ev, &pause);
		return;
	}
	key_now();
	for (i = 0; i < SYNC_TURN; i++) {
		if ((next = kroute_walk(core, sync_at)) == 0) {
			syncing = 0;
			if (chan_send(ch, IMSG_ROUTE_SYNC, -1, &sync_count,
			    sizeof(sync_count), NULL, 0) == -1)
				log_warn("end of the routes to sipgw");
			return;
		}
		e164_unpack(next, number);
		if (kroute_send(core, number) == 0)
			sync_count++;
		sync_at = next;
	}
	evtimer_add(&sync_ev, &pause);
}

/* -- pvpd -- */

static int
key_dispatch_claimants(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_pvp_claimants	 pc;
	size_t				 len = cur_left(&m->cm_tail);

	(void)ch;
	(void)arg;
	memcpy(&pc, m->cm_fixed, sizeof(pc));
	if (pc.pc_count > OV_LOOKUP_MAX || len != pc.pc_count * NODEID_LEN)
		return (-1);
	key_now();
	ksched_claimants(core, pc.pc_vcr, (int)(pc.pc_error != 0),
	    cur_ptr(&m->cm_tail, len), pc.pc_count);
	key_arm();
	return (0);
}

static int
key_dispatch_open(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_pvp_open	 po;
	int			 r;

	(void)ch;
	(void)arg;
	memcpy(&po, m->cm_fixed, sizeof(po));
	key_now();
	r = kpvp_open(core, &po);
	sodium_memzero(&po, sizeof(po));
	key_arm();
	return (r);
}

static int
key_dispatch_in(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_pvp_body	 pb;
	size_t			 len = cur_left(&m->cm_tail);
	int			 r;

	(void)ch;
	(void)arg;
	memcpy(&pb, m->cm_fixed, sizeof(pb));
	if (pb.pb_len != len)
		return (-1);
	key_now();
	r = kpvp_in(core, pb.pb_conn, pb.pb_type, cur_ptr(&m->cm_tail, len), len);
	key_arm();
	return (r);
}

static int
key_dispatch_end(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_pvp_end	 pe;
	int			 r;

	(void)ch;
	(void)arg;
	memcpy(&pe, m->cm_fixed, sizeof(pe));
	key_now();
	r = conf == NULL ? 0 : kpvp_end(core, &pe);
	key_arm();
	return (r);
}

/* -- overlayd and control -- */

static int
key_dispatch_config(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_ov_config		 oc;
	struct imsg_ov_config_res	 or;
	char				 why[256] = "";
	size_t				 len = cur_left(&m->cm_tail);
	int				 r;

	(void)arg;
	memcpy(&oc, m->cm_fixed, sizeof(oc));
	memset(&or, 0, sizeof(or));
	or.oc_reqid = oc.oc_reqid;
	r = kconf_update(cur_ptr(&m->cm_tail, len), len,
	    (int64_t)(proc_now_ms() / 1000), why, sizeof(why));
	or.oc_ok = r != -1;
	if (r == 0) {
		log_info("overlay: a new configuration document is in force");
		key_roots();
	}
	if (chan_send(ch, IMSG_OV_CONFIG_RES, -1, &or, sizeof(or), why,
	    strlen(why)) == -1 && log_allow(&answer_limit, proc_boot_ms()))
		log_warn("configuration answer to overlayd");
	return (0);
}

static int
key_dispatch_ctl(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct ctl_req	 rq;

	(void)arg;
	if (ctl_req_parse(m, &rq) == -1)
		return (-1);
	key_now();
	kctl_request(core, ch, &rq);
	key_arm();
	return (0);
}

/* -- what the core asks for -- */

static int
op_lookup(void *arg, uint64_t vcr, const char *number)
{
	struct imsg_pvp_lookup	 pl;

	(void)arg;
	memset(&pl, 0, sizeof(pl));
	pl.pl_vcr = vcr;
	snprintf(pl.pl_number, sizeof(pl.pl_number), "%s", number);
	return (chan_send(proc_peer(ROLE_PVP), IMSG_PVP_LOOKUP, -1, &pl,
	    sizeof(pl), NULL, 0));
}

static int
op_try(void *arg, uint64_t try, uint64_t vcr, const uint8_t *node)
{
	struct imsg_pvp_try	 pt;

	(void)arg;
	memset(&pt, 0, sizeof(pt));
	pt.pt_try = try;
	pt.pt_vcr = vcr;
	memcpy(pt.pt_node, node, sizeof(pt.pt_node));
	return (chan_send(proc_peer(ROLE_PVP), IMSG_PVP_TRY, -1, &pt,
	    sizeof(pt), NULL, 0));
}

static int
op_out(void *arg, uint64_t conn, unsigned type, unsigned flags, const void *body,
    size_t len)
{
	struct imsg_pvp_body	 pb;

	(void)arg;
	memset(&pb, 0, sizeof(pb));
	pb.pb_conn = conn;
	pb.pb_type = (uint16_t)type;
	pb.pb_flags = (uint16_t)flags;
	pb.pb_len = (uint32_t)len;
	return (chan_send(proc_peer(ROLE_PVP), IMSG_PVP_OUT, -1, &pb,
	    sizeof(pb), body, len));
}

static void
op_leg_ack(void *arg, uint64_t id, uint32_t stored)
{
	struct imsg_leg_ack	 la;

	(void)arg;
	memset(&la, 0, sizeof(la));
	la.la_id = id;
	la.la_stored = stored;
	(void)chan_send(proc_peer(ROLE_SIP), IMSG_LEG_ACK, -1, &la, sizeof(la),
	    NULL, 0);
}

static int
op_routes(void *arg, const char *number, uint32_t count, const void *tail,
    size_t len)
{
	struct imsg_route_set	 rs;

	(void)arg;
	memset(&rs, 0, sizeof(rs));
	snprintf(rs.rs_number, sizeof(rs.rs_number), "%s", number);
	rs.rs_count = count;
	return (chan_send(proc_peer(ROLE_SIP), IMSG_ROUTE_SET, -1, &rs,
	    sizeof(rs), tail, len));
}

static void
op_first(void *arg)
{
	static uint8_t	 nodes[FIRST_MAX][NODEID_LEN];
	size_t		 n;

	(void)arg;
	n = klimit_first(core, nodes, FIRST_MAX);
	(void)chan_send(proc_peer(ROLE_PVP), IMSG_PVP_FIRST, -1, NULL, 0, nodes,
	    n * NODEID_LEN);
}

static void
op_note(void *arg, enum key_level level, const char *line)
{
	(void)arg;
	if (level == KEY_WARN)
		log_warnx("%s", line);
	else if (level == KEY_INFO)
		log_info("%s", line);
	else
		log_debug("%s", line);
}
