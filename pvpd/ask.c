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
 * What key wants to know of the overlay: who claims a number, and where a
 * claimant's PVP server is.  A question that overlayd does not answer in time
 * is answered here.  A number is passed on and not kept.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/time.h>

#include <errno.h>
#include <event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "ctl.h"
#include "cursor.h"
#include "log.h"
#include "proc.h"
#include "pvpd.h"
#include "vipr.h"

#define ASK_MAX		1024
#define ASK_MS		60000
#define SWEEP_S		5

struct ask {
	TAILQ_ENTRY(ask) as_entry;	/* in asks, which owns it; oldest first */
	uint64_t	 as_reqid;
	uint64_t	 as_deadline;	/* monotonic ms */
	int		 as_try;	/* an address is asked for, not claimants */
	uint64_t	 as_id;		/* the record's or the attempt's */
	uint8_t		 as_node[NODEID_LEN];
};
TAILQ_HEAD(ask_list, ask);

static struct ask_list	 asks = TAILQ_HEAD_INITIALIZER(asks);
static unsigned		 count;
static uint64_t		 next_reqid;
static uint64_t		 lookups, attempts, unanswered;
static struct event	 sweep_ev;
static struct log_limit	 ll_key = { "claimants that key had no room for", 5, 60000, 0, 0, 0 };

static struct ask *ask_new(int, uint64_t);
static void	 ask_free(struct ask *);
static struct ask *ask_find(uint64_t, int);
static void	 ask_fail(struct ask *, int);
static void	 claimants(uint64_t, uint32_t, const void *, uint32_t);
static void	 sweep(int, short, void *);
static void	 sweep_arm(void);

int
ask_init(void)
{
	evtimer_set(&sweep_ev, sweep, NULL);
	return (0);
}

static void
sweep_arm(void)
{
	struct timeval	 tv = { SWEEP_S, 0 };

	if (!evtimer_pending(&sweep_ev, NULL))
		evtimer_add(&sweep_ev, &tv);
}

static void
sweep(int fd, short event, void *arg)
{
	struct ask	*as;
	uint64_t	 now = proc_boot_ms();

	(void)fd;
	(void)event;
	(void)arg;
	while ((as = TAILQ_FIRST(&asks)) != NULL && as->as_deadline <= now) {
		unanswered++;
		ask_fail(as, ETIMEDOUT);
	}
	if (!TAILQ_EMPTY(&asks))
		sweep_arm();
}

static struct ask *
ask_new(int try, uint64_t id)
{
	struct ask	*as;

	if (count >= ASK_MAX || (as = calloc(1, sizeof(*as))) == NULL)
		return (NULL);
	as->as_reqid = ++next_reqid;
	as->as_deadline = proc_boot_ms() + ASK_MS;
	as->as_try = try;
	as->as_id = id;
	TAILQ_INSERT_TAIL(&asks, as, as_entry);
	count++;
	sweep_arm();
	return (as);
}

static void
ask_free(struct ask *as)
{
	TAILQ_REMOVE(&asks, as, as_entry);
	count--;
	free(as);
}

static struct ask *
ask_find(uint64_t reqid, int try)
{
	struct ask	*as;

	TAILQ_FOREACH(as, &asks, as_entry)
		if (as->as_reqid == reqid && as->as_try == try)
			return (as);
	return (NULL);
}

static void
claimants(uint64_t vcr, uint32_t error, const void *nodes, uint32_t n)
{
	struct imsg_pvp_claimants	 pc;

	memset(&pc, 0, sizeof(pc));
	pc.pc_vcr = vcr;
	pc.pc_error = error;
	pc.pc_count = n;
	if (chan_send(proc_peer(ROLE_KEY), IMSG_PVP_CLAIMANTS, -1, &pc,
	    sizeof(pc), nodes, (size_t)n * NODEID_LEN) == -1 && errno != ENOTCONN &&
	    log_allow(&ll_key, proc_boot_ms()))
		log_warn("claimants to key");
}

static void
ask_fail(struct ask *as, int error)
{
	if (as->as_try)
		conn_never(as->as_id, PVP_END_NOADDR);
	else
		claimants(as->as_id, (uint32_t)error, NULL, 0);
	ask_free(as);
}

void
ask_lookup(const struct imsg_pvp_lookup *pl)
{
	struct imsg_ov_lookup	 ol;
	struct ask		*as;

	lookups++;
	if ((as = ask_new(0, pl->pl_vcr)) == NULL) {
		claimants(pl->pl_vcr, EAGAIN, NULL, 0);
		return;
	}
	memset(&ol, 0, sizeof(ol));
	ol.ol_reqid = as->as_reqid;
	memcpy(ol.ol_number, pl->pl_number, sizeof(ol.ol_number));
	if (chan_send(proc_peer(ROLE_OVERLAY), IMSG_OV_LOOKUP, -1, &ol,
	    sizeof(ol), NULL, 0) == -1)
		ask_fail(as, ENETDOWN);
	memset(&ol, 0, sizeof(ol));
}

void
ask_try(const struct imsg_pvp_try *pt)
{
	struct imsg_ov_appattach	 oa;
	struct ask			*as;

	attempts++;
	if ((as = ask_new(1, pt->pt_try)) == NULL) {
		conn_never(pt->pt_try, PVP_END_NOADDR);
		return;
	}
	memcpy(as->as_node, pt->pt_node, NODEID_LEN);
	memset(&oa, 0, sizeof(oa));
	oa.oa_reqid = as->as_reqid;
	memcpy(oa.oa_node, pt->pt_node, NODEID_LEN);
	oa.oa_application = PVP_APPLICATION;
	if (chan_send(proc_peer(ROLE_OVERLAY), IMSG_OV_APPATTACH, -1, &oa,
	    sizeof(oa), NULL, 0) == -1)
		ask_fail(as, ENETDOWN);
}

int
ask_lookup_res(const struct imsg_ov_lookup_res *or, struct cur *tail)
{
	struct ask	*as;
	const uint8_t	*nodes;
	size_t		 n;

	n = (size_t)or->or_count * NODEID_LEN;
	if (or->or_count > OV_LOOKUP_MAX || cur_left(tail) != n ||
	    (or->or_error != 0 && or->or_count != 0))
		return (-1);
	nodes = cur_ptr(tail, n);
	if ((as = ask_find(or->or_reqid, 0)) == NULL)
		return (0);		/* answered too late */
	claimants(as->as_id, or->or_error, nodes, or->or_count);
	ask_free(as);
	return (0);
}

int
ask_appattach_res(const struct imsg_ov_appattach_res *oa, struct cur *tail)
{
	struct vaddr	 addrs[PVP_ADDRS_MAX];
	struct ask	*as;
	uint32_t	 i;
	size_t		 n = 0;

	if (cur_left(tail) % sizeof(struct vaddr) != 0 ||
	    cur_left(tail) / sizeof(struct vaddr) != oa->oa_count)
		return (-1);
	memset(addrs, 0, sizeof(addrs));
	for (i = 0; i < oa->oa_count && n < PVP_ADDRS_MAX; i++) {
		cur_bytes(tail, &addrs[n], sizeof(addrs[n]));
		if ((addrs[n].va_family == 4 || addrs[n].va_family == 6) &&
		    addrs[n].va_port != 0)
			n++;
	}
	if ((as = ask_find(oa->oa_reqid, 1)) == NULL)
		return (0);
	if (oa->oa_error != 0 || n == 0)
		conn_never(as->as_id, PVP_END_NOADDR);
	else
		conn_connect(as->as_id, as->as_node, addrs, n);
	ask_free(as);
	return (0);
}

void
ask_overlay_lost(void)
{
	struct ask	*as;

	while ((as = TAILQ_FIRST(&asks)) != NULL)
		ask_fail(as, ENETDOWN);
}

/* Nobody is left to be told. */
void
ask_key_lost(void)
{
	struct ask	*as;

	while ((as = TAILQ_FIRST(&asks)) != NULL)
		ask_free(as);
}

void
ask_show(struct ctl_row *row)
{
	ctl_uint(row, "lookups", lookups);
	ctl_uint(row, "attempts", attempts);
	ctl_uint(row, "asked", count);
	ctl_uint(row, "unanswered", unanswered);
}
