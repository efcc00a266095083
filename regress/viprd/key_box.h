/* SPDX-License-Identifier: ISC */
/*
 * Test bed: several key cores in one program, each with its own store in the
 * work folder, and a stand-in for pvpd and the overlay between them that
 * carries bodies, loses or alters them when told to, and keeps what was said.
 */
#ifndef KEY_BOX_H
#define KEY_BOX_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <atf-c.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "key_core.h"
#include "store.h"

#define BOXES_MAX	4
#define LINKS_MAX	4096
#define EVENTS_MAX	4096
#define SAID_MAX	4096
#define T0		1795169000000ULL	/* 2026-11-20 10:03:20 UTC */
#define MINUTE		60000ULL
#define HOUR		3600000ULL
#define DAY		86400000ULL

struct box {
	char		 b_name[32];
	char		 b_domain[DOMAIN_SIZE];
	char		 b_from[E164_SIZE], b_to[E164_SIZE];
	uint8_t		 b_node[NODEID_LEN];
	uint8_t		 b_bootid[16];
	struct conf	*b_cf;
	struct store	*b_st;
	struct kcore	*b_kc;
	size_t		 b_mapsize;
	int64_t		 b_skew;	/* ms that its clock is ahead */
	int		 b_away;	/* its pvpd does not answer */
	int		 b_noconn;	/* connections to it fail */
	/* what it asked and was told */
	unsigned	 b_lookups, b_tries, b_acks[3], b_sets, b_first;
	char		 b_setnumber[E164_SIZE];
	uint32_t	 b_setcount;
	uint8_t		 b_set[65536];
	size_t		 b_setlen;
	char		 b_note[512];	/* the last one */
	unsigned	 b_warnings;
	uint8_t		 b_claimants[16][NODEID_LEN];
	size_t		 b_nclaimants;
	int		 b_lookup_error;
	const uint8_t	*b_scalar;	/* injected, 32 bytes, once */
};

struct link {
	uint64_t	 l_id;		/* both sides' connection id */
	uint64_t	 l_try;
	struct box	*l_i, *l_r;
	int		 l_up;
};

struct event {
	int		 e_kind;	/* 1 body, 2 lookup, 3 try */
	struct box	*e_box;
	uint64_t	 e_a, e_b;
	unsigned	 e_type, e_flags;
	uint8_t		 e_body[KEY_BODY_MAX];
	size_t		 e_len;
	uint8_t		 e_node[NODEID_LEN];
};

struct said {
	char		 s_box[32];
	unsigned	 s_type, s_flags, s_code;
	uint32_t	 s_retry;
	size_t		 s_len;
	uint8_t		 s_body[KEY_BODY_MAX];
};

static struct box	 boxes[BOXES_MAX];
static unsigned		 nboxes;
static struct link	 links[LINKS_MAX];
static unsigned		 nlinks;
static struct event	*events;
static unsigned		 ev_in, ev_out;
static struct said	*said;
static unsigned		 nsaid;
static uint64_t		 world_now = T0;
static uint8_t		 world_exporter[32];
/* Told of each body before it is delivered: 0 deliver (perhaps altered), 1
 * drop the connection instead, 2 swallow it. */
static int		(*world_hook)(struct box *, struct event *);

static inline struct box *
box_of(void *arg)
{
	return (arg);
}

static inline struct event *
event_add_(int kind, struct box *b)
{
	struct event	*e;

	if (events == NULL)
		events = calloc(EVENTS_MAX, sizeof(*events));
	if (said == NULL)
		said = calloc(SAID_MAX, sizeof(*said));
	ATF_REQUIRE(events != NULL && said != NULL);
	e = &events[ev_in++ % EVENTS_MAX];
	ATF_REQUIRE(ev_in - ev_out < EVENTS_MAX);
	memset(e, 0, sizeof(*e));
	e->e_kind = kind;
	e->e_box = b;
	return (e);
}

static inline int
t_lookup(void *arg, uint64_t vcr, const char *number)
{
	struct box	*b = arg;

	(void)number;
	if (b->b_away)
		return (-1);
	b->b_lookups++;
	event_add_(2, b)->e_a = vcr;
	return (0);
}

static inline int
t_try(void *arg, uint64_t try, uint64_t vcr, const uint8_t *node)
{
	struct box	*b = arg;
	struct event	*e;

	if (b->b_away)
		return (-1);
	b->b_tries++;
	e = event_add_(3, b);
	e->e_a = try;
	e->e_b = vcr;
	memcpy(e->e_node, node, NODEID_LEN);
	return (0);
}

static inline int
t_out(void *arg, uint64_t conn, unsigned type, unsigned flags, const void *body,
    size_t len)
{
	struct event	*e;

	ATF_REQUIRE(len <= KEY_BODY_MAX);
	e = event_add_(1, arg);
	e->e_a = conn;
	e->e_type = type;
	e->e_flags = flags;
	e->e_len = len;
	if (len > 0)
		memcpy(e->e_body, body, len);
	return (0);
}

static inline void
t_ack(void *arg, uint64_t id, uint32_t stored)
{
	(void)id;
	ATF_REQUIRE(stored < 3);
	box_of(arg)->b_acks[stored]++;
}

static inline int
t_routes(void *arg, const char *number, uint32_t count, const void *tail,
    size_t len)
{
	struct box	*b = arg;

	b->b_sets++;
	snprintf(b->b_setnumber, sizeof(b->b_setnumber), "%s", number);
	b->b_setcount = count;
	ATF_REQUIRE(len <= sizeof(b->b_set));
	memcpy(b->b_set, tail, len);
	b->b_setlen = len;
	return (0);
}

static inline void
t_first(void *arg)
{
	box_of(arg)->b_first++;
}

static inline void
t_note(void *arg, enum key_level level, const char *line)
{
	struct box	*b = arg;

	snprintf(b->b_note, sizeof(b->b_note), "%s", line);
	b->b_warnings += level == KEY_WARN;
}

static inline void
t_scalar(void *arg, uint8_t *y)
{
	struct box	*b = arg;

	if (b->b_scalar != NULL) {
		memcpy(y, b->b_scalar, 32);
		b->b_scalar = NULL;
	} else
		cpace_scalar(y);
}

static const struct key_ops	 box_ops = {
	.ko_lookup = t_lookup, .ko_try = t_try, .ko_out = t_out,
	.ko_leg_ack = t_ack, .ko_routes = t_routes, .ko_first = t_first,
	.ko_note = t_note, .ko_scalar = t_scalar
};

/* -- boxes -- */

static inline void
box_clock(struct box *b)
{
	kcore_clock(b->b_kc, world_now + (uint64_t)b->b_skew,
	    world_now - T0 + 100 * DAY);
}

static inline void
box_open(struct box *b)
{
	const char	*why = NULL;
	char		 text[256] = "";
	uint8_t		 master[32];

	(void)mkdir(b->b_name, 0700);
	b->b_st = store_open(b->b_name, b->b_mapsize, KEY_TABLES, &why);
	ATF_REQUIRE_MSG(b->b_st != NULL, "%s: %s", b->b_name,
	    why != NULL ? why : strerror(errno));
	ATF_REQUIRE((b->b_kc = kcore_new(&box_ops, b, b->b_st,
	    b->b_bootid)) != NULL);
	box_clock(b);
	kcore_conf(b->b_kc, b->b_cf, "overlay.test", b->b_node);
	memset(master, b->b_name[0], sizeof(master));
	ATF_REQUIRE_MSG(kcore_open(b->b_kc, master, 0, text,
	    sizeof(text)) == 0, "%s", text);
	box_clock(b);
}

static inline void
box_close(struct box *b)
{
	kcore_free(b->b_kc);
	store_close(b->b_st);
	b->b_kc = NULL;
	b->b_st = NULL;
}

static inline void
box_number(struct box *b, const char *from, const char *to)
{
	struct conf_range	*cr;

	ATF_REQUIRE((cr = calloc(1, sizeof(*cr))) != NULL);
	snprintf(cr->cr_range.er_from, E164_SIZE, "%s", from);
	snprintf(cr->cr_range.er_to, E164_SIZE, "%s", to);
	TAILQ_INSERT_TAIL(&b->b_cf->c_numbers, cr, cr_entry);
}

/* name[0] is the byte that its Node-ID and master key are made of. */
static inline struct box *
box_new(const char *name, const char *from, const char *to)
{
	struct box	*b = &boxes[nboxes++];
	unsigned	 i, high = (unsigned)(name[0] - 'a' + 10) << 4;

	ATF_REQUIRE(nboxes <= BOXES_MAX);
	ATF_REQUIRE(sodium_init() != -1);
	memset(b, 0, sizeof(*b));
	snprintf(b->b_name, sizeof(b->b_name), "%s", name);
	snprintf(b->b_domain, sizeof(b->b_domain), "%s.example", name);
	for (i = 0; i < NODEID_LEN; i++)
		b->b_node[i] = (uint8_t)(high | i);
	memset(b->b_bootid, name[0], sizeof(b->b_bootid));
	b->b_mapsize = 64 << 20;
	ATF_REQUIRE((b->b_cf = conf_new()) != NULL);
	snprintf(b->b_cf->c_domain, sizeof(b->b_cf->c_domain), "%s",
	    b->b_domain);
	box_number(b, from, to);
	box_open(b);
	return (b);
}

/* As kill -9: what was not committed is gone. */
static inline void
box_restart(struct box *b)
{
	box_close(b);
	box_open(b);
}

static inline void
world_end(void)
{
	unsigned	 i;

	for (i = 0; i < nboxes; i++) {
		if (boxes[i].b_kc != NULL)
			box_close(&boxes[i]);
		conf_free(boxes[i].b_cf);
	}
	free(events);
	free(said);
	nboxes = nlinks = ev_in = ev_out = nsaid = 0;
	events = NULL;
	said = NULL;
}

static inline struct box *
box_by_node(const uint8_t *node)
{
	unsigned	 i;

	for (i = 0; i < nboxes; i++)
		if (memcmp(boxes[i].b_node, node, NODEID_LEN) == 0)
			return (&boxes[i]);
	return (NULL);
}

static inline void
box_claims(struct box *b, struct box *claimant)
{
	memcpy(b->b_claimants[b->b_nclaimants++], claimant->b_node, NODEID_LEN);
}

/* -- between boxes -- */

static inline struct link *
link_find(uint64_t id)
{
	unsigned	 i;

	for (i = nlinks; i > 0; i--)
		if (links[i - 1].l_id == id)
			return (&links[i - 1]);
	return (NULL);
}

static inline void
box_end(struct box *b, uint64_t conn, uint64_t try, unsigned reason,
    unsigned code, uint32_t retry)
{
	struct imsg_pvp_end	 pe;

	memset(&pe, 0, sizeof(pe));
	pe.pe_conn = conn;
	pe.pe_try = try;
	pe.pe_reason = (uint16_t)reason;
	pe.pe_code = (uint16_t)code;
	pe.pe_retry = retry;
	box_clock(b);
	ATF_CHECK_EQ(0, kpvp_end(b->b_kc, &pe));
}

static inline void
link_down(struct link *l, unsigned reason)
{
	if (!l->l_up)
		return;
	l->l_up = 0;
	box_end(l->l_i, l->l_id, l->l_try, reason, 0, 0);
	box_end(l->l_r, l->l_id, 0, reason, 0, 0);
}

/* A connection from i to r; try 0: an attacker drives i by hand. */
static inline struct link *
link_new(struct box *i, struct box *r, uint64_t try)
{
	struct imsg_pvp_open	 po;
	struct link		*l = &links[nlinks++];

	ATF_REQUIRE(nlinks <= LINKS_MAX);
	l->l_id = nlinks;
	l->l_try = try;
	l->l_i = i;
	l->l_r = r;
	l->l_up = 1;
	memset(&po, 0, sizeof(po));
	po.po_conn = l->l_id;
	memcpy(po.po_exporter, world_exporter, sizeof(po.po_exporter));
	po.po_exporter[31] ^= (uint8_t)(nlinks - 1);
	po.po_exporter[30] ^= (uint8_t)((nlinks - 1) >> 8);
	po.po_methods = 3;
	po.po_role = PVP_RESPONDER;
	memcpy(po.po_node, i->b_node, NODEID_LEN);
	po.po_arrived = world_now + (uint64_t)r->b_skew;
	po.po_peer_now = world_now + (uint64_t)i->b_skew;
	box_clock(r);
	ATF_CHECK_EQ(0, kpvp_open(r->b_kc, &po));
	if (try == 0)
		return (l);
	po.po_role = PVP_INITIATOR;
	po.po_try = try;
	memcpy(po.po_node, r->b_node, NODEID_LEN);
	box_clock(i);
	ATF_CHECK_EQ(0, kpvp_open(i->b_kc, &po));
	return (l);
}

static inline void
deliver(struct event *e)
{
	struct link	*l;
	struct box	*to;
	struct said	*s;
	struct cur	 c;
	uint16_t	 code = 0;
	uint32_t	 retry = 0;
	int		 what;

	if ((l = link_find(e->e_a)) == NULL || !l->l_up)
		return;
	what = world_hook == NULL ? 0 : world_hook(e->e_box, e);
	if (e->e_type == PVP_REFUSE) {
		cur_init(&c, e->e_body, e->e_len);
		cur_u16(&c, &code);
		ATF_CHECK_EQ(0, cur_u32(&c, &retry));
	}
	ATF_REQUIRE(nsaid < SAID_MAX);
	s = &said[nsaid++];
	snprintf(s->s_box, sizeof(s->s_box), "%s", e->e_box->b_name);
	s->s_type = e->e_type;
	s->s_flags = e->e_flags;
	s->s_code = code;
	s->s_retry = retry;
	s->s_len = e->e_len;
	memcpy(s->s_body, e->e_body, e->e_len);
	if (what == 1) {
		link_down(l, PVP_END_LOST);
		return;
	}
	if (what == 2)
		return;
	to = e->e_box == l->l_i ? l->l_r : l->l_i;
	if (e->e_type == PVP_CLOSE) {
		link_down(l, PVP_END_CLOSED);
		return;
	}
	if (e->e_type == PVP_REFUSE) {
		l->l_up = 0;
		box_end(to, l->l_id, to == l->l_i ? l->l_try : 0,
		    PVP_END_REFUSED, code, retry);
		return;
	}
	box_clock(to);
	if (to != l->l_i || l->l_try != 0)
		ATF_CHECK_EQ(0, kpvp_in(to->b_kc, e->e_a, e->e_type, e->e_body,
		    e->e_len));
	if (e->e_flags & PVP_OUT_CLOSE)
		link_down(l, PVP_END_CLOSED);
}

static inline void
world_commit(void)
{
	unsigned	 i, turn;

	/* What a commit sets off may want another one. */
	for (i = 0; i < nboxes; i++)
		for (turn = 0; boxes[i].b_kc != NULL && turn < 4; turn++)
			(void)store_commit(boxes[i].b_st);
}

/* Everything that was said is heard. */
static inline void
world_talk(void)
{
	struct event	*e;
	struct box	*to;

	world_commit();
	while (ev_out != ev_in) {
		e = &events[ev_out++ % EVENTS_MAX];
		switch (e->e_kind) {
		case 1:
			deliver(e);
			break;
		case 2:
			box_clock(e->e_box);
			ksched_claimants(e->e_box->b_kc, e->e_a,
			    e->e_box->b_lookup_error, e->e_box->b_claimants[0],
			    e->e_box->b_nclaimants);
			break;
		case 3:
			to = box_by_node(e->e_node);
			if (to == NULL || to->b_noconn || to->b_kc == NULL)
				box_end(e->e_box, 0, e->e_a, PVP_END_NOCONN, 0, 0);
			else
				link_new(e->e_box, to, e->e_a);
			break;
		}
		world_commit();
	}
}

/* Time passes; whatever is due is done. */
static inline void
world_run(uint64_t until)
{
	uint64_t	 next, t;
	unsigned	 i, turns = 0;

	for (;;) {
		next = KEY_NEVER;
		for (i = 0; i < nboxes; i++) {
			if (boxes[i].b_kc == NULL)
				continue;
			t = kcore_next(boxes[i].b_kc);
			if (t != KEY_NEVER)
				t -= (uint64_t)boxes[i].b_skew;
			if (t < next)
				next = t;
		}
		if (next > until)
			break;
		ATF_REQUIRE_MSG(turns++ < 1000000, "no progress");
		if (next > world_now)
			world_now = next;
		for (i = 0; i < nboxes; i++) {
			if (boxes[i].b_kc == NULL)
				continue;
			box_clock(&boxes[i]);
			kcore_run(boxes[i].b_kc);
		}
		world_talk();
	}
	world_now = until;
	for (i = 0; i < nboxes; i++)
		if (boxes[i].b_kc != NULL)
			box_clock(&boxes[i]);
}

/* -- calls -- */

static inline void
box_leg(struct box *b, unsigned kind, const char *called, const char *caller,
    uint64_t start, uint64_t stop)
{
	struct imsg_leg	 lg;
	int64_t		 boot = (int64_t)(100 * DAY) - (int64_t)T0 - b->b_skew;

	memset(&lg, 0, sizeof(lg));
	lg.lg_id = 1;
	lg.lg_start = start;
	lg.lg_stop = stop;
	lg.lg_boot_start = start + (uint64_t)boot;
	lg.lg_boot_stop = stop + (uint64_t)boot;
	lg.lg_kind = (uint16_t)kind;
	snprintf(lg.lg_called, sizeof(lg.lg_called), "%s", called);
	snprintf(lg.lg_caller, sizeof(lg.lg_caller), "%s", caller);
	box_clock(b);
	ATF_CHECK_EQ(0, kcall_leg(b->b_kc, &lg));
	(void)store_commit(b->b_st);
}

/* A call of a to b that begins now and lasts ms; b's record is off by ds and
 * dd ms.  shown: the caller as b sees it.  Time is at its end afterwards. */
static inline void
world_call(struct box *a, struct box *b, const char *called, const char *caller,
    const char *shown, uint64_t ms, int64_t ds, int64_t dd)
{
	uint64_t	 start = world_now;

	world_run(world_now + ms + 10000);
	if (a != NULL)
		box_leg(a, LEG_ORIGINATED, called, caller,
		    start + (uint64_t)a->b_skew, start + ms +
		    (uint64_t)a->b_skew);
	if (b != NULL)
		box_leg(b, LEG_TERMINATED, called, shown,
		    start + (uint64_t)(ds + b->b_skew),
		    start + ms + (uint64_t)(ds + dd + b->b_skew));
}

static inline unsigned
said_count(const char *box, unsigned type)
{
	unsigned	 i, n = 0;

	for (i = 0; i < nsaid; i++)
		n += said[i].s_type == type && strcmp(said[i].s_box, box) == 0;
	return (n);
}

/* The last REFUSE of a box: its code, 0 if there was none. */
static inline unsigned
said_refuse(const char *box, uint32_t *retry)
{
	unsigned	 i;

	for (i = nsaid; i > 0; i--) {
		if (said[i - 1].s_type != PVP_REFUSE ||
		    strcmp(said[i - 1].s_box, box) != 0)
			continue;
		if (retry != NULL)
			*retry = said[i - 1].s_retry;
		return (said[i - 1].s_code);
	}
	return (0);
}

/* State of a's route to number by domain, ROUTE_NONE if there is none. */
static inline unsigned
box_route(struct box *b, const char *number, const char *domain,
    unsigned *proofs)
{
	struct kroutes	*ks;
	struct kroute	*r;
	unsigned	 state = ROUTE_NONE;

	ATF_REQUIRE((ks = kroute_get(b->b_kc, number)) != NULL);
	if ((r = kroute_find(ks, domain)) != NULL) {
		state = r->kr_state;
		if (proofs != NULL)
			*proofs = kroute_proofs(b->b_kc, r, NULL);
	}
	kroute_free(ks);
	return (state);
}

#endif
