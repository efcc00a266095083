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
 * Each daemon against a parent and peers that break the rules: every channel
 * gets what no honest process sends.  A peer's channel ends and the parent is
 * told, a parent's nonsense ends the daemon, and all the while nothing dies of
 * a signal, nothing grows without bound and the other channels are served.
 */

#include "child.h"
#include "imsg_rows.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define FLOOD		100000
#define DEAF_FLOOD	(4 * FLOOD)	/* answers above CHAN_QUEUE_MAX */
#ifdef __SANITIZE_ADDRESS__
#define GROWTH_KB	(1024 * 1024)	/* what is freed waits there */
#else
#define GROWTH_KB	(48 * 1024)
#endif
#define LOG_MAX		(512 * 1024)

static const enum vipr_role	 daemons[] = {
	ROLE_KEY, ROLE_CONTROL, ROLE_OVERLAY, ROLE_PVP, ROLE_SIP
};
static struct kid		 kid;
static uint8_t			 buf[VIPR_IMSG_MAX + 64];
static uint64_t			 counter;
static uint8_t			 client_verb = CTL_SHOW;	/* asks them all */

static const char *
name_of(enum vipr_role role)
{
	return (role == CLIENT ? "client" : role_str(role));
}

/* Does the daemon talk to that one? */
static int
talks(enum vipr_role to, enum vipr_role from)
{
	size_t	i;

	for (i = 0; i < N(rows); i++)
		if (rows[i].r_to == to && rows[i].r_from == from)
			return (1);
	return (0);
}

#define EACH_PEER(to, r)						\
	for (r = ROLE_KEY; (int)r <= CLIENT; r++)			\
		if (talks(to, r))

static size_t
valid(const struct row *r, uint8_t *p)
{
	memset(p, 0, r->r_fixed);
	if (r->r_count) {
		counter++;
		memcpy(p, &counter, sizeof(counter));
	}
	if (r->r_textlen > 0)
		memcpy(p + r->r_off, r->r_text, r->r_textlen);
	if (r->r_endlen > 0)
		memcpy(p + r->r_fixed, r->r_end, r->r_endlen);
	if (r->r_from == CLIENT)
		p[4] = client_verb;
	return (r->r_fixed + r->r_endlen);
}

/* Every channel that can answer does, none has ended. */
static void
ping(struct kid *k)
{
	struct wire	*w;
	unsigned	 had;
	size_t		 i, len;

	for (i = 0; i < N(rows); i++) {
		w = &k->k_wire[rows[i].r_from];
		if (rows[i].r_to != k->k_role || rows[i].r_answer == 0 ||
		    w->w_fd == -1)
			continue;
		had = w->w_got[rows[i].r_answer];
		len = valid(&rows[i], buf);
		(void)wire_send(k, w, rows[i].r_type, LEN_TRUE, buf, len, -1);
		UNTIL(k, w->w_got[rows[i].r_answer] > had || w->w_end);
	}
	for (i = 0; i < WIRES; i++)
		ATF_REQUIRE_MSG(!k->k_wire[i].w_end, "%s, %s: channel to %s ended",
		    role_str(k->k_role), doing, name_of((enum vipr_role)i));
}

/* The daemon with all its channels, configured; then everything works. */
static void
up(struct kid *k, enum vipr_role role)
{
	enum vipr_role	r;

	now_doing("start");
	kid_start(k, role);
	wire_hello(k, &k->k_wire[ROLE_PARENT], VIPR_IMSG_VERSION, ROLE_PARENT);
	ATF_REQUIRE_MSG(kid_conf(k, 0) == 0, "%s: %s", role_str(role), k->k_nak);
	kid_commit(k);
	EACH_PEER(role, r)
		kid_peer(k, r, 1);
	ping(k);
}

static void
down(struct kid *k)
{
	unsigned	 i, said = 0;
	struct stat	 st;
	char		 log[80];

	now_doing("stop");
	for (i = 0; i < ROLE_MAX; i++)
		said += k->k_said[i];
	ATF_REQUIRE_EQ(0, kid_stop(k));
	snprintf(log, sizeof(log), "log.%s", role_str(k->k_role));
	ATF_REQUIRE_EQ(0, stat(log, &st));
	ATF_CHECK_MSG(st.st_size < LOG_MAX, "%s wrote %lld bytes of log for %u "
	    "violations", log, (long long)st.st_size, said);
}

/* The channel must end, the parent must be told; then all is well again. */
static void
violated(struct kid *k, enum vipr_role from, unsigned said)
{
	struct wire	*w = &k->k_wire[from];

	UNTIL(k, w->w_end);
	if (from != CLIENT) {
		UNTIL(k, k->k_said[from] == said + 1);
		kid_peer(k, from, 1);
		ping(k);
		ATF_REQUIRE_EQ_MSG(said + 1, k->k_said[from], "%s, %s",
		    role_str(k->k_role), doing);
	} else {
		kid_peer(k, from, 1);
		ping(k);
	}
}

static void
violate(struct kid *k, enum vipr_role from, uint32_t type, uint32_t lenfield,
    size_t len, int fd)
{
	unsigned	said = from == CLIENT ? 0 : k->k_said[from];

	(void)wire_send(k, &k->k_wire[from], type, lenfield, buf, len, fd);
	violated(k, from, said);
}

/* -- peers -- */

static void
case_hello(struct kid *k, enum vipr_role from)
{
	static const struct { uint32_t type; size_t len; uint32_t v; int role; } h[] = {
		{ IMSG_HELLO, 8, VIPR_IMSG_VERSION + 1, 0 },
		{ IMSG_HELLO, 8, 0, 0 },
		{ IMSG_HELLO, 8, VIPR_IMSG_VERSION, 1 },
		{ IMSG_HELLO, 8, VIPR_IMSG_VERSION, -99 },
		{ IMSG_HELLO, 7, VIPR_IMSG_VERSION, 0 },
		{ IMSG_HELLO, 9, VIPR_IMSG_VERSION, 0 },
		{ IMSG_HELLO, 0, VIPR_IMSG_VERSION, 0 },
		{ IMSG_CTL_REQUEST, 16, 0, 0 },
		{ IMSG_CTL_END, 10, 0, 0 },
		{ IMSG_KEY_SIGN, 16, 0, 0 },
	};
	struct imsg_hello	 ih;
	size_t			 i;

	for (i = 0; i < N(h); i++) {
		if (from == CLIENT && h[i].role != 0)
			continue;		/* not looked at there */
		now_doing("hello %zu of %s", i, name_of(from));
		kid_peer(k, from, 0);
		ih.h_version = h[i].v;
		ih.h_role = (uint32_t)((int)from + h[i].role);
		memset(buf, 0, 64);
		memcpy(buf, &ih, sizeof(ih));
		violate(k, from, h[i].type, LEN_TRUE, h[i].len, -1);
	}
	/* Again, when it is done with. */
	now_doing("second hello of %s", name_of(from));
	violate(k, from, IMSG_HELLO, LEN_TRUE, 8, -1);
}

/* Types without a rule, and header lengths that can't be. */
static void
case_header(struct kid *k, enum vipr_role from)
{
	static const uint32_t lens[] = {
		0, 1, HDR - 1, VIPR_IMSG_MAX + 1, 0x7fffffff, 0xfffffffe,
		FD_MARK, FD_MARK | HDR, FD_MARK | (HDR + 8)
	};
	uint32_t	 t, i;
	size_t		 j;

	memset(buf, 0, 64);
	for (i = 0; i < N(lens); i++) {
		now_doing("length %#x from %s", lens[i], name_of(from));
		violate(k, from, IMSG_CTL_REQUEST, lens[i], 32, -1);
	}
	for (t = 0; t < TYPES + 2; t++) {
		for (j = 0; j < N(rows); j++)
			if (rows[j].r_to == k->k_role && rows[j].r_type == t &&
			    rows[j].r_from == from)
				break;
		if (j < N(rows))
			continue;
		now_doing("type %u from %s", t, name_of(from));
		violate(k, from, t < TYPES ? t : 0xffffffff - (t - TYPES),
		    LEN_TRUE, t % 64, -1);
	}
}

static void
case_size(struct kid *k, enum vipr_role from)
{
	const struct row	*r;
	size_t			 i;

	for (i = 0; i < N(rows); i++) {
		r = &rows[i];
		if (r->r_to != k->k_role || r->r_from != from)
			continue;
		now_doing("type %u from %s", r->r_type, name_of(from));
		memset(buf, 0, sizeof(buf));
		if (r->r_fixed > 0) {
			violate(k, from, r->r_type, LEN_TRUE, r->r_fixed - 1, -1);
			violate(k, from, r->r_type, LEN_TRUE, 0, -1);
		}
		violate(k, from, r->r_type, LEN_TRUE, r->r_fixed + r->r_tail + 1, -1);
		/* No peer may pass a descriptor. */
		violate(k, from, r->r_type, LEN_TRUE, valid(r, buf), 0);
	}
}

static void
case_wrong(struct kid *k, enum vipr_role from)
{
	const struct wrong	*x;
	size_t			 i;

	for (i = 0; i < N(wrongs); i++) {
		x = &wrongs[i];
		if (x->x_to != k->k_role || x->x_from != from)
			continue;
		now_doing("wrong contents %zu, type %u from %s", i, x->x_type,
		    name_of(from));
		memset(buf, x->x_fill, x->x_len);
		if (x->x_textlen > 0)
			memcpy(buf + x->x_off, x->x_text, x->x_textlen);
		violate(k, from, x->x_type, LEN_TRUE, x->x_len, -1);
	}
}

/* Any bytes of an allowed size: taken or not, but both in the orderly way. */
static void
case_garbage(struct kid *k, enum vipr_role from)
{
	const struct row	*r;
	unsigned		 said;
	size_t			 i, j, len;

	for (i = 0; i < N(rows) * 8; i++) {
		r = &rows[i / 8];
		if (r->r_to != k->k_role || r->r_from != from)
			continue;
		said = from == CLIENT ? 0 : k->k_said[from];
		len = r->r_fixed + (i % 4 == 0 ? 0 : i % 4 == 1 && r->r_tail > 0 ?
		    1 : i % 4 == 2 ? r->r_tail / 2 : r->r_tail);
		memset(buf, 0, len);
		for (j = 0; i % 8 >= 4 && j < len; j++)
			buf[j] = i % 8 == 7 ? 0xff : (uint8_t)(j * 37 + i);
		now_doing("garbage %zu, type %u from %s", i % 8, r->r_type,
		    name_of(from));
		(void)wire_send(k, &k->k_wire[from], r->r_type, LEN_TRUE, buf,
		    len, -1);
		/* One that is surely refused shows that it was read. */
		violate(k, from, IMSG_NONE, LEN_TRUE, 0, -1);
		if (from != CLIENT)
			ATF_CHECK_EQ_MSG(said + 1, k->k_said[from], "%s", doing);
	}
}

/* Half a message, silence, and then the rest, or the end. */
static void
case_half(struct kid *k, enum vipr_role from)
{
	struct wire		*w = &k->k_wire[from];
	struct imsg_hdr		 h;
	const struct row	*r;
	unsigned		 said = from == CLIENT ? 0 : k->k_said[from];
	unsigned		 had;
	size_t			 i, cut, len;
	int			 fd;

	/* One that is not whole can't answer control, but the parent can. */
	client_verb = CTL_SHOW_PROCESSES;
	for (i = 0; i < N(rows); i++) {
		r = &rows[i];
		if (r->r_to != k->k_role || r->r_from != from)
			continue;
		len = valid(r, buf + HDR);
		memset(&h, 0, sizeof(h));
		h.type = r->r_type;
		h.len = (uint32_t)(HDR + len);
		memcpy(buf, &h, sizeof(h));
		for (cut = 1; cut < HDR + len; cut = cut * 2 + 5) {
			now_doing("%zu bytes of type %u from %s", cut, r->r_type,
			    name_of(from));
			(void)wire_bytes(k, w, buf, cut, -1);
			/* Nobody else waits for it. */
			fd = w->w_fd;
			w->w_fd = -1;
			ping(k);
			w->w_fd = fd;
			len = valid(r, buf + HDR);
			memcpy(buf, &h, sizeof(h));
			if (r->r_count)		/* began with another number */
				break;
			had = w->w_got[r->r_answer];
			(void)wire_bytes(k, w, buf + cut, HDR + len - cut, -1);
			UNTIL(k, r->r_answer == 0 || w->w_got[r->r_answer] > had);
			ping(k);
			memcpy(buf, &h, sizeof(h));
			len = valid(r, buf + HDR);
		}
		now_doing("half of type %u from %s, then its end", r->r_type,
		    name_of(from));
		kid_peer(k, from, 1);
		(void)wire_bytes(k, w, buf, HDR / 2 + len / 2, -1);
		kid_peer(k, from, 1);
		ping(k);
	}
	client_verb = CTL_SHOW;
	if (from != CLIENT)
		ATF_CHECK_EQ_MSG(said, k->k_said[from], "%s", doing);
}

/* Valid messages in great number, which mean nothing; heard or unheard. */
static void
flood(struct kid *k, enum vipr_role from, int deaf)
{
	static uint8_t	 big[256 * 256];
	const struct row *mine[16];
	struct imsg_hdr	 h;
	struct wire	*w = &k->k_wire[from];
	size_t		 n = 0, i, at, len, sent, total = FLOOD;

	/* The deaf one asks for answers, if it can. */
	for (i = 0; i < N(rows) && deaf; i++)
		if (rows[i].r_to == k->k_role && rows[i].r_from == from &&
		    (rows[i].r_answer != 0 || rows[i].r_type == IMSG_PVP_TRY ||
		    rows[i].r_type == IMSG_PVP_LOOKUP))
			mine[n++] = &rows[i];
	if (n > 0)
		total = DEAF_FLOOD;
	for (i = 0; i < N(rows) && total == FLOOD; i++)
		if (rows[i].r_to == k->k_role && rows[i].r_from == from)
			mine[n++] = &rows[i];
	w->w_deaf = deaf;
	memset(&h, 0, sizeof(h));
	for (sent = 0; sent < total && !w->w_end;) {
		for (at = i = 0; i < 250 && sent < total; i++, sent++) {
			len = valid(mine[sent % n], big + at + HDR);
			h.type = mine[sent % n]->r_type;
			h.len = (uint32_t)(HDR + len);
			memcpy(big + at, &h, HDR);
			at += HDR + len;
		}
		(void)wire_bytes(k, w, big, at, -1);
	}
	w->w_deaf = 0;
}

static void
case_flood(struct kid *k, enum vipr_role from)
{
	long	before = kid_memory(k), after;
	int	deaf;

	for (deaf = 0; deaf < 2; deaf++) {
		now_doing("flood from %s, %s", name_of(from), deaf ? "deaf" :
		    "listening");
		flood(k, from, deaf);
		/* A client may have one request under way, no more. */
		if (from == CLIENT)
			UNTIL(k, k->k_wire[CLIENT].w_end);
		else
			ping(k);
		if (from != CLIENT)	/* all that came before was read */
			violate(k, from, IMSG_NONE, LEN_TRUE, 0, -1);
		after = kid_memory(k);
		ATF_CHECK_MSG(after - before < GROWTH_KB, "%s, %s: %ld KiB more",
		    role_str(k->k_role), doing, after - before);
		kid_peer(k, from, 1);
		ping(k);
	}
	printf("%s: flood from %s: %ld KiB, then %ld\n", role_str(k->k_role),
	    name_of(from), before, kid_memory(k));
	fflush(stdout);
}

static void
all_peers(const atf_tc_t *tc, void (*run)(struct kid *, enum vipr_role))
{
	enum vipr_role	r;
	size_t		i;

	world_make(tc);
	for (i = 0; i < N(daemons); i++) {
		up(&kid, daemons[i]);
		EACH_PEER(daemons[i], r)
			run(&kid, r);
		down(&kid);
	}
}

#define PEERS(name, text)						\
ATF_TC(name);								\
ATF_TC_HEAD(name, tc)							\
{									\
	atf_tc_set_md_var(tc, "descr", text);				\
}									\
ATF_TC_BODY(name, tc)							\
{									\
	all_peers(tc, case_##name);					\
}

PEERS(hello, "a peer of another version or role, or without a greeting")
PEERS(header, "types without a rule, lengths that cannot be")
PEERS(size, "each message too short, too long, with a descriptor")
PEERS(wrong, "contents that contradict themselves")
PEERS(garbage, "any bytes of an allowed size")
PEERS(half, "half a message stops nobody else")
PEERS(flood, "a hundred thousand messages that mean nothing")

/* -- the parent -- */

static void
say(struct kid *k, const struct say *s)
{
	int	fd = -1;

	memset(buf, 0, s->s_len);
	if (s->s_textlen > 0)
		memcpy(buf, s->s_text, s->s_textlen);
	if (s->s_fd)
		ATF_REQUIRE((fd = open("master", O_RDONLY | O_CLOEXEC)) != -1);
	(void)wire_send(k, &k->k_wire[ROLE_PARENT], s->s_type, s->s_lenfield, buf,
	    s->s_len, fd);
	if (fd != -1)
		close(fd);
}

ATF_TC_WITHOUT_HEAD(parent);
ATF_TC_BODY(parent, tc)
{
	static const struct { uint32_t v, role; size_t len; } h[] = {
		{ VIPR_IMSG_VERSION + 1, ROLE_PARENT, 8 },
		{ VIPR_IMSG_VERSION, ROLE_KEY, 8 },
		{ VIPR_IMSG_VERSION, 0xffffffff, 8 },
		{ VIPR_IMSG_VERSION, ROLE_PARENT, 7 },
		{ VIPR_IMSG_VERSION, ROLE_PARENT, 9 },
	};
	struct imsg_hello	 ih;
	size_t			 i, j;

	world_make(tc);
	for (i = 0; i < N(daemons); i++) {
		for (j = 0; j < N(fatal_says) + N(h) + 1; j++) {
			now_doing("parent's %zu", j);
			kid_start(&kid, daemons[i]);
			if (j < N(fatal_says)) {
				wire_hello(&kid, &kid.k_wire[0],
				    VIPR_IMSG_VERSION, ROLE_PARENT);
				say(&kid, &fatal_says[j]);
			} else if (j < N(fatal_says) + N(h)) {
				ih.h_version = h[j - N(fatal_says)].v;
				ih.h_role = h[j - N(fatal_says)].role;
				memset(buf, 0, 16);
				memcpy(buf, &ih, sizeof(ih));
				(void)wire_send(&kid, &kid.k_wire[0], IMSG_HELLO,
				    LEN_TRUE, buf, h[j - N(fatal_says)].len, -1);
			} else		/* no greeting at all */
				say(&kid, &(struct say)S(IMSG_SHUTDOWN, 0, 0, NONE));
			ATF_CHECK_EQ_MSG(1, kid_wait(&kid), "%s, %s: exit %d",
			    role_str(daemons[i]), doing, kid.k_status);
		}
	}
}

/* TLS secrets: no process can be made to write them outside of a trial. */
ATF_TC_WITHOUT_HEAD(keylog);
ATF_TC_BODY(keylog, tc)
{
	struct wire	*w = &kid.k_wire[ROLE_PARENT];
	struct stat	 st;
	size_t		 i;
	int		 fd;

	world_make(tc);
	for (i = 0; i < N(daemons); i++)
		for (kid_background = 0; kid_background < 2; kid_background++) {
			now_doing("key log");
			kid_start(&kid, daemons[i]);
			wire_hello(&kid, w, VIPR_IMSG_VERSION, ROLE_PARENT);
			ATF_REQUIRE((fd = open("keys", O_WRONLY | O_APPEND |
			    O_CREAT | O_CLOEXEC, 0600)) != -1);
			(void)wire_send(&kid, w, IMSG_KEYLOG, LEN_TRUE, buf, 0, fd);
			close(fd);
			(void)wire_send(&kid, w, IMSG_SHUTDOWN, LEN_TRUE, buf, 0, -1);
			ATF_CHECK_EQ_MSG(daemons[i] == ROLE_OVERLAY &&
			    !kid_background ? 0 : 1, kid_wait(&kid), "%s: exit %d",
			    role_str(daemons[i]), kid.k_status);
		}
	kid_background = 0;
	ATF_CHECK(stat("keys", &st) == 0 && st.st_size == 0);
}

ATF_TC_WITHOUT_HEAD(order);
ATF_TC_BODY(order, tc)
{
	struct wire	*w = &kid.k_wire[ROLE_PARENT];
	unsigned	 naks, acks, round;
	size_t		 i, j, n;

	world_make(tc);
	for (i = 0; i < N(daemons); i++)
		for (round = 0; round < 2; round++) {
			/* Before the first configuration, and after. */
			now_doing("order");
			if (round == 1)
				up(&kid, daemons[i]);
			else {
				kid_start(&kid, daemons[i]);
				wire_hello(&kid, w, VIPR_IMSG_VERSION, ROLE_PARENT);
			}
			for (j = 0; j < N(lived); j++) {
				now_doing("order %zu", j);
				naks = w->w_got[IMSG_RECONF_NAK];
				acks = w->w_got[IMSG_RECONF_ACK];
				for (n = 0; n < 5 && lived[j].l_say[n].s_type != 0; n++)
					say(&kid, &lived[j].l_say[n]);
				naks += (unsigned)lived[j].l_naks;
				UNTIL(&kid, w->w_got[IMSG_RECONF_NAK] >= naks ||
				    w->w_got[IMSG_RECONF_ACK] > acks);
				kid_peer(&kid, daemons[i] == ROLE_CONTROL ?
				    ROLE_KEY : ROLE_CONTROL, 1);
				ATF_CHECK_EQ_MSG(naks, w->w_got[IMSG_RECONF_NAK],
				    "%s, %s", role_str(daemons[i]), doing);
				ATF_CHECK_EQ_MSG(acks, w->w_got[IMSG_RECONF_ACK],
				    "%s, %s", role_str(daemons[i]), doing);
			}
			if (round == 1)
				ping(&kid);
			down(&kid);
		}
}

/* Peers that talk before there is a configuration are served or put off. */
ATF_TC_WITHOUT_HEAD(early);
ATF_TC_BODY(early, tc)
{
	enum vipr_role	r;
	size_t		i, j, len;

	world_make(tc);
	for (i = 0; i < N(daemons); i++) {
		now_doing("early");
		kid_start(&kid, daemons[i]);
		wire_hello(&kid, &kid.k_wire[0], VIPR_IMSG_VERSION, ROLE_PARENT);
		EACH_PEER(daemons[i], r)
			if (r != CLIENT)
				kid_peer(&kid, r, 1);
		for (j = 0; j < N(rows); j++) {
			if (rows[j].r_to != daemons[i] || rows[j].r_from == CLIENT ||
			    rows[j].r_type == IMSG_ROUTE_SYNC)
				continue;
			len = valid(&rows[j], buf);
			(void)wire_send(&kid, &kid.k_wire[rows[j].r_from],
			    rows[j].r_type, LEN_TRUE, buf, len, -1);
		}
		ping(&kid);
		EACH_PEER(daemons[i], r)
			if (r != CLIENT) {
				now_doing("early, %s again", role_str(r));
				kid_peer(&kid, r, 1);
				violate(&kid, r, IMSG_NONE, LEN_TRUE, 0, -1);
			}
		ATF_CHECK_EQ(0, kid_conf(&kid, 0));
		kid_commit(&kid);
		ping(&kid);
		down(&kid);
	}
}

/* -- life -- */

ATF_TC_WITHOUT_HEAD(life);
ATF_TC_BODY(life, tc)
{
	enum vipr_role	r;
	size_t		i;
	int		n;

	world_make(tc);
	for (i = 0; i < N(daemons); i++)
		for (n = 0; n < 6; n++) {
			now_doing("life %d", n);
			if (n < 4)
				up(&kid, daemons[i]);
			else {
				kid_start(&kid, daemons[i]);
				wire_hello(&kid, &kid.k_wire[0],
				    VIPR_IMSG_VERSION, ROLE_PARENT);
			}
			if (n == 2)		/* a new one is checked */
				ATF_CHECK_EQ(0, kid_conf(&kid, 0));
			if (n == 3) {		/* work is under way */
				EACH_PEER(daemons[i], r)
					flood(&kid, r, 1);
			}
			if (n != 0 && n != 4) {
				ATF_CHECK_EQ_MSG(0, kid_stop(&kid), "%s, %s",
				    role_str(daemons[i]), doing);
				continue;
			}
			/* The parent is lost: peers see the end as well. */
			EACH_PEER(daemons[i], r)
				if (kid.k_wire[r].w_fd != -1)
					break;
			wire_close(&kid.k_wire[ROLE_PARENT]);
			while (n == 0 && kid.k_wire[r].w_fd != -1)
				kid_poll(&kid, NULL, "end after loss of the parent");
			ATF_CHECK_EQ_MSG(1, kid_wait(&kid), "%s, %s",
			    role_str(daemons[i]), doing);
		}
}

/* Does a connection to the listener come about? */
static int
listens(const struct sockaddr_in *sin)
{
	int	fd, r;

	ATF_REQUIRE((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) != -1);
	r = connect(fd, (const struct sockaddr *)sin, sizeof(*sin));
	close(fd);
	return (r == 0);
}

/* Does key sign with the key of the configuration in force? */
static void
signs(struct kid *k)
{
	struct wire		*w = &k->k_wire[ROLE_PVP];
	struct imsg_key_sign_res kr;
	struct imsg_key_sign	 ks = { 77, KEYID_NODE, KS_TLS13, 0x0403, 0 };
	unsigned		 had = w->w_got[IMSG_KEY_SIGN_RES];

	memcpy(buf, &ks, sizeof(ks));
	memset(buf + 16, ' ', 64);
	memcpy(buf + 80, "TLS 1.3, server CertificateVerify", 34);
	memset(buf + 114, 0x55, 32);
	(void)wire_send(k, w, IMSG_KEY_SIGN, LEN_TRUE, buf, 146, -1);
	UNTIL(k, w->w_got[IMSG_KEY_SIGN_RES] > had);
	memcpy(&kr, w->w_last, sizeof(kr));
	ATF_CHECK_EQ_MSG(0, kr.kr_error, "%s: error %u", doing, kr.kr_error);
	ATF_CHECK(w->w_lastlen > 64);
}

ATF_TC_WITHOUT_HEAD(refused);
ATF_TC_BODY(refused, tc)
{
	static const unsigned	 use[ROLE_MAX] = { [ROLE_OVERLAY] = LISTEN_OVERLAY,
				    [ROLE_PVP] = LISTEN_PVP, [ROLE_SIP] = LISTEN_SIP };
	struct sockaddr_in	 in_force;
	size_t			 i;
	unsigned		 u;
	int			 garbage;

	world_make(tc);
	for (i = 0; i < N(daemons); i++) {
		up(&kid, daemons[i]);
		u = use[daemons[i]];
		in_force = kid.k_listen[u];
		for (garbage = 1; garbage <= (daemons[i] == ROLE_CONTROL ? 1 : 2);
		    garbage++) {
			now_doing("garbage certificate %d", garbage);
			ATF_CHECK_EQ_MSG(-1, kid_conf(&kid, garbage), "%s, %s",
			    role_str(daemons[i]), doing);
			ATF_CHECK_MSG(kid.k_nak[0] != '\0' &&
			    strcmp(kid.k_nak, "no reason given") != 0, "%s: %s",
			    role_str(daemons[i]), kid.k_nak);
			printf("%s: %s\n", role_str(daemons[i]), kid.k_nak);
			if (garbage == 2)
				say(&kid, &(struct say)S(IMSG_RECONF_ABORT, 8, 0, NONE));
			ping(&kid);
			if (u != 0) {
				ATF_CHECK(listens(&in_force));
				ATF_CHECK(!listens(&kid.k_listen[u]));
			}
			if (daemons[i] == ROLE_KEY)
				signs(&kid);
		}
		now_doing("checked, then aborted");
		ATF_CHECK_EQ_MSG(0, kid_conf(&kid, 0), "%s: %s",
		    role_str(daemons[i]), kid.k_nak);
		say(&kid, &(struct say)S(IMSG_RECONF_ABORT, 8, 0, NONE));
		ping(&kid);
		if (daemons[i] == ROLE_KEY)
			signs(&kid);
		now_doing("the next good one");
		ATF_CHECK_EQ(0, kid_conf(&kid, 0));
		kid_commit(&kid);
		ping(&kid);
		if (u != 0) {
			ATF_CHECK(listens(&kid.k_listen[u]));
			ATF_CHECK(!listens(&in_force));
		}
		if (daemons[i] == ROLE_KEY)
			signs(&kid);
		now_doing("commit of one that was refused");
		ATF_CHECK_EQ(-1, kid_conf(&kid, 1));
		kid_commit(&kid);
		ATF_CHECK_EQ(1, kid_wait(&kid));
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, hello);
	ATF_TP_ADD_TC(tp, header);
	ATF_TP_ADD_TC(tp, size);
	ATF_TP_ADD_TC(tp, wrong);
	ATF_TP_ADD_TC(tp, garbage);
	ATF_TP_ADD_TC(tp, half);
	ATF_TP_ADD_TC(tp, flood);
	ATF_TP_ADD_TC(tp, parent);
	ATF_TP_ADD_TC(tp, keylog);
	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, early);
	ATF_TP_ADD_TC(tp, life);
	ATF_TP_ADD_TC(tp, refused);
	return (atf_no_error());
}
