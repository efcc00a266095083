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

/* sipgw's shell: its talk with key about legs, tickets, routes, signatures. */

#include <sys/types.h>

#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "log.h"
#include "pkremote.h"
#include "proc.h"
#include "sip_shell.h"
#include "ticket_cache.h"
#include "tls_resume.h"

#define SIGN_MAX	1024
#define TAGS		512	/* checks under way whose verdict can be remembered */
#define ROUTE_TAIL_MAX	(RTAB_VALUE_MAX * 2)

static int	key_leg_ack(struct chan *, struct chan_msg *, void *);
static int	key_ticket_res(struct chan *, struct chan_msg *, void *);
static int	key_route_set(struct chan *, struct chan_msg *, void *);
static int	key_route_sync(struct chan *, struct chan_msg *, void *);
static int	key_sign_res(struct chan *, struct chan_msg *, void *);
static int	key_ticket_gen(struct chan *, struct chan_msg *, void *);
static void	tickets_forget(uint64_t);

const struct imsg_rule shell_rules_key[] = {
	{ IMSG_LEG_ACK, sizeof(struct imsg_leg_ack), 0, 0, key_leg_ack },
	{ IMSG_TICKET_RES, sizeof(struct imsg_ticket_res), 0, 0, key_ticket_res },
	{ IMSG_ROUTE_SET, sizeof(struct imsg_route_set), ROUTE_TAIL_MAX, 0, key_route_set },
	{ IMSG_ROUTE_SYNC, sizeof(uint64_t), 0, 0, key_route_sync },
	{ IMSG_KEY_SIGN_RES, sizeof(struct imsg_key_sign_res), SIGN_MAX, 0, key_sign_res },
	{ IMSG_TICKET_GEN, sizeof(struct imsg_ticket_gen), 0, 0, key_ticket_gen },
	{ IMSG_NONE, 0, 0, 0, NULL }
};

/* Checks that key has not answered; one may push out another. */
static struct {
	uint64_t		ta_reqid;
	struct ticket_tag	ta_tag;
}			 tags[TAGS];
static struct ticket_cache *tickets;
static uint64_t		 tickets_generation;	/* 0: key has not named one */
static uint64_t		 revocations;

static struct log_limit	leg_limit = { "calls that were not recorded", 3, 60000, 0, 0, 0 };

static struct log_limit	route_limit = { "routes that were not stored", 3, 60000, 0, 0, 0 };

static struct log_limit	gen_limit = { "answers about tickets", 3, 60000, 0, 0, 0 };

static struct log_limit	sync_limit = { "route tables from key", 5, 60000, 0, 0, 0 };

void
shell_key_peer(struct chan *ch)
{
	shell.sh_key = ch != NULL;
	if (ch == NULL) {
		/* What was not acknowledged is not recorded. */
		shell.sh_legs_lost += shell.sh_legs_waiting;
		shell.sh_legs_waiting = 0;
		pkremote_lost();
		tickets_forget(0);
		shell_enter();
		proxy_key_gone(shell.sh_proxy);
		shell_leave();
		return;
	}
	rtab_sync_begin(shell.sh_rtab);
	if (chan_send(ch, IMSG_ROUTE_SYNC, -1, NULL, 0, NULL, 0) == -1)
		log_warn("routes could not be asked for");
}

/* -- tickets -- */

/* Nothing that was found out before counts any more. */
static void
tickets_forget(uint64_t generation)
{
	tickets_generation = generation;
	memset(tags, 0, sizeof(tags));
	if (tickets != NULL)
		ticket_cache_begin(tickets, generation);
}

void
shell_ticket_conf(void)
{
	tickets_forget(tickets_generation);
}

int
shell_ticket_known(void *ctx, uint64_t reqid, const char *number, const struct names *na,
    const char *token, uint32_t *name, uint64_t *not_after)
{
	uint8_t	key[32];

	(void)ctx;
	/* Without key there is no verdict, old or new. */
	if (tickets_generation == 0 || proc_peer(ROLE_KEY) == NULL)
		return (0);
	if (tickets == NULL) {
		randombytes_buf(key, sizeof(key));
		tickets = ticket_cache_new(key);
		sodium_memzero(key, sizeof(key));
		if (tickets == NULL)
			return (0);
		ticket_cache_begin(tickets, tickets_generation);
	}
	if (ticket_cache_find(tickets, token, number, na, proc_now_ms() / 1000,
	    &tags[reqid % TAGS].ta_tag, name, not_after) == 1) {
		tags[reqid % TAGS].ta_reqid = 0;
		shell.sh_tickets_known++;
		return (1);
	}
	tags[reqid % TAGS].ta_reqid = reqid;
	return (0);
}

static int
key_ticket_gen(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_ticket_gen	tg;

	(void)arg;
	memcpy(&tg, m->cm_fixed, sizeof(tg));
	if (tg.tg_generation == 0)
		return (-1);
	/* A revoked peer starts every connection from its certificate. */
	if (tickets_generation == 0 || tg.tg_revocations != revocations)
		resume_rekey();
	revocations = tg.tg_revocations;
	tickets_forget(tg.tg_generation);
	if (chan_send(ch, IMSG_TICKET_GEN, -1, &tg, sizeof(tg), NULL, 0) == -1 &&
	    log_allow(&gen_limit, proc_boot_ms()))
		log_warn("answer about changed tickets");
	return (0);
}

int
shell_ticket(void *ctx, uint64_t reqid, const char *number, const struct names *na,
    const char *token)
{
	static uint8_t		 buf[TOKEN_MAX + 2 + NAMES_MAX * (DOMAIN_SIZE + 1)];
	struct imsg_ticket_check tc;
	struct wbuf		 w;
	size_t			 i;
	int			 r;

	(void)ctx;
	memset(&tc, 0, sizeof(tc));
	tc.tc_reqid = reqid;
	(void)strlcpy(tc.tc_number, number, sizeof(tc.tc_number));
	tc.tc_names = (uint32_t)na->na_count;
	wbuf_init(&w, buf, sizeof(buf));
	wbuf_lv_str(&w, 2, token);
	for (i = 0; i < na->na_count; i++)
		wbuf_lv_str(&w, 1, na->na_name[i]);
	r = wbuf_ok(&w) == -1 ? -1 : chan_send(proc_peer(ROLE_KEY), IMSG_TICKET_CHECK, -1,
	    &tc, sizeof(tc), buf, w.w_len);
	explicit_bzero(buf, w.w_len);
	return (r);
}

void
shell_outcome(void *ctx, const char *number, const char *domain, enum route_outcome out,
    enum refusal refusal)
{
	struct imsg_route_outcome ro;
	uint8_t			 buf[DOMAIN_SIZE + 1];
	struct wbuf		 w;

	(void)ctx;
	memset(&ro, 0, sizeof(ro));
	(void)strlcpy(ro.ro_number, number, sizeof(ro.ro_number));
	ro.ro_outcome = (uint16_t)out;
	ro.ro_refusal = (uint16_t)refusal;
	wbuf_init(&w, buf, sizeof(buf));
	wbuf_lv_str(&w, 1, domain);
	if (wbuf_ok(&w) == 0 && chan_send(proc_peer(ROLE_KEY), IMSG_ROUTE_OUTCOME, -1, &ro,
	    sizeof(ro), buf, w.w_len) == -1)
		log_debug("outcome of a call not reported: key is away");
}

int
shell_leg(void *ctx, const struct imsg_leg *m)
{
	(void)ctx;
	if (chan_send(proc_peer(ROLE_KEY), IMSG_LEG, -1, m, sizeof(*m), NULL, 0) == -1) {
		if (log_allow(&leg_limit, proc_boot_ms()))
			log_warnx("a call was not recorded: key is away");
		return (-1);
	}
	shell.sh_legs_sent++;
	shell.sh_legs_waiting++;
	return (0);
}

static int
key_leg_ack(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_leg_ack	la;

	(void)ch;
	(void)arg;
	memcpy(&la, m->cm_fixed, sizeof(la));
	if (shell.sh_legs_waiting > 0)
		shell.sh_legs_waiting--;
	switch (la.la_stored) {
	case 0:
		shell.sh_legs_refused++;
		break;
	case 1:
		shell.sh_legs_stored++;
		break;
	case 2:
		shell.sh_legs_failed++;
		if (log_allow(&leg_limit, proc_boot_ms()))
			log_warnx("a call was not recorded: key could not write it");
		break;
	default:
		return (-1);
	}
	return (0);
}

static int
key_ticket_res(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_ticket_res	tr;

	(void)ch;
	(void)arg;
	memcpy(&tr, m->cm_fixed, sizeof(tr));
	if (tr.tr_refusal > REFUSAL_POLICY)
		return (-1);
	if (tr.tr_refusal == REFUSAL_NONE && tickets != NULL && tr.tr_reqid != 0 &&
	    tags[tr.tr_reqid % TAGS].ta_reqid == tr.tr_reqid) {
		tags[tr.tr_reqid % TAGS].ta_reqid = 0;
		ticket_cache_put(tickets, &tags[tr.tr_reqid % TAGS].ta_tag,
		    tr.tr_generation, tr.tr_name, tr.tr_not_after);
	}
	shell_enter();
	proxy_ticket(shell.sh_proxy, tr.tr_reqid, (enum refusal)tr.tr_refusal, tr.tr_name,
	    tr.tr_not_after);
	shell_leave();
	return (0);
}

static int
key_route_set(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_route_set	rs;

	(void)ch;
	(void)arg;
	memcpy(&rs, m->cm_fixed, sizeof(rs));
	if (rtab_set(shell.sh_rtab, &rs, &m->cm_tail) == -1) {
		if (errno == EINVAL)
			return (-1);
		if (log_allow(&route_limit, proc_boot_ms()))
			log_warn("a route could not be stored");
	}
	return (0);
}

static int
key_route_sync(struct chan *ch, struct chan_msg *m, void *arg)
{
	uint64_t	n;
	int		gone;

	(void)ch;
	(void)arg;
	memcpy(&n, m->cm_fixed, sizeof(n));
	gone = rtab_sync_end(shell.sh_rtab);
	if (!log_allow(&sync_limit, proc_boot_ms()))
		return (0);
	if (gone == -1)
		log_warn("old routes could not be removed");
	log_info("routes: %llu numbers from key, %d old ones removed",
	    (unsigned long long)n, gone == -1 ? 0 : gone);
	return (0);
}

static int
key_sign_res(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_key_sign_res kr;
	size_t			 len;

	(void)ch;
	(void)arg;
	memcpy(&kr, m->cm_fixed, sizeof(kr));
	len = cur_left(&m->cm_tail);
	pkremote_reply(kr.kr_reqid, (int)kr.kr_error, cur_ptr(&m->cm_tail, len), len);
	return (0);
}
