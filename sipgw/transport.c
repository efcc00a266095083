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
 * Connections of sipgw: the table, its bounds and timers, framing, listeners.
 */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/tree.h>

#include <event.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sip_parse.h"
#include "tls_resume.h"
#include "transport.h"
#include "transport_inside.h"

#define LISTENS_MAX	32
#define SWEEP_MS	15000
#define SWEEP_SOON_MS	1000		/* while connections are retired */
#define RETIRED_MAX	6		/* at once, of one host */
#define JUDGED_MAX	200		/* certificates a sweep */

struct listener {
	struct event		 li_ev;
	const struct conf_listen *li_conf;
	int			 li_on;
};

struct conn_tree		 conns = RB_INITIALIZER(&conns);
const struct transport_ops	*transport_ops;
const struct conf		*transport_config;

static struct listener		 listeners[LISTENS_MAX];
static struct limits		*limits;
static struct transport_stats	 stats;
static uint64_t			 next_id = 1;
static struct event		 reap_ev, sweep_ev, unread_ev;
static size_t			 nconns, nhalf, conn_max = CONN_MAX;
static int			 sweep_soon;

static void	 conn_shut(struct conn *);	/* after what waits was written */
static void	 conn_unread(struct conn *);	/* another answer queued */
static void	conn_expired(int, short, void *);
static void	conn_free(struct conn *);
static void	conn_reap(int, short, void *);
static void	conn_evict(void);
static void	conn_limit(void);
static void	half_done(struct conn *);
static void	transport_sweep(int, short, void *);
static void	conf_marks(const struct conf *, uint8_t [32], uint8_t [32]);
static void	retire_changed(const struct conf *);
static int	retire_stale(void);
static void	transport_unread(int, short, void *);
static void	after(struct event *, unsigned);

RB_GENERATE(conn_tree, conn, cn_entry, conn_cmp)

int
conn_cmp(const struct conn *a, const struct conn *b)
{
	return (a->cn_id < b->cn_id ? -1 : a->cn_id > b->cn_id);
}

static void
after(struct event *ev, unsigned ms)
{
	struct timeval	tv;

	tv.tv_sec = ms / 1000;
	tv.tv_usec = (suseconds_t)(ms % 1000) * 1000;
	if (evtimer_add(ev, &tv) == -1)
		log_warnx("timer could not be set");
}

int
transport_init(const struct transport_ops *ops, struct limits *lim, struct resolver *res)
{
	transport_ops = ops;
	limits = lim;
	if (resume_init(ops->to_now, ops->to_utc) == -1)
		return (-1);
	conn_limit();
	evtimer_set(&reap_ev, conn_reap, NULL);
	evtimer_set(&sweep_ev, transport_sweep, NULL);
	evtimer_set(&unread_ev, transport_unread, NULL);
	after(&sweep_ev, SWEEP_MS);
	open_init(res);
	return (0);
}

struct limits *
transport_limits(void)
{
	return (limits);
}

void
transport_conf(const struct conf *conf, SSL_CTX *server, SSL_CTX *client, SSL_CTX *inside,
    SSL_CTX *hop)
{
	const struct conf_listen	*cl;
	struct listener			*li;
	size_t				 i, n = 0;

	for (i = 0; i < LISTENS_MAX; i++) {
		if (listeners[i].li_on)
			(void)event_del(&listeners[i].li_ev);
		listeners[i].li_on = 0;
	}
	transport_config = conf;
	retire_changed(conf);
	tls_conf(server, client, inside, hop);
	inside_conf();
	TAILQ_FOREACH(cl, &conf->c_listens, cl_entry) {
		if (cl->cl_use != LISTEN_SIP || cl->cl_fd == -1 || n == LISTENS_MAX)
			continue;
		li = &listeners[n++];
		li->li_conf = cl;
		event_set(&li->li_ev, cl->cl_fd, EV_READ | EV_PERSIST,
		    cl->cl_proto == SIP_UDP ? udp_read :
		    cl->cl_proto == SIP_TCP ? tcp_accept : tls_accept, &li->li_conf);
		if (event_add(&li->li_ev, NULL) == -1)
			log_warnx("listener could not be watched");
		else
			li->li_on = 1;
	}
}

/* The listener whose address we show for a transport; NULL none. */
const struct conf_listen *
transport_listen(uint8_t proto, uint8_t face, uint8_t family)
{
	const struct conf_listen	*cl;

	if (transport_config == NULL)
		return (NULL);
	TAILQ_FOREACH(cl, &transport_config->c_listens, cl_entry) {
		if (cl->cl_use == LISTEN_SIP && cl->cl_proto == proto &&
		    cl->cl_face == face && cl->cl_addr.va_family == family)
			return (cl);
	}
	return (NULL);
}

int
transport_source(const struct vaddr *peer, struct vaddr *out)
{
	struct sockaddr_storage	 ss;
	socklen_t		 len;
	int			 fd, r = -1;

	len = vaddr_to_sa(peer, &ss);
	fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return (-1);
	if (connect(fd, (struct sockaddr *)&ss, len) == 0) {
		len = sizeof(ss);
		if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0 &&
		    vaddr_from_sa((struct sockaddr *)&ss, out) == 0)
			r = 0;
	}
	(void)close(fd);
	return (r);
}

/* Our address towards a peer: the listener's, or, where that is a wildcard,
 * the one that the route to the peer takes. */
int
transport_local(const struct conf_listen *cl, const struct vaddr *peer, struct vaddr *out)
{
	const char	*special;
	uint16_t	 port = cl->cl_addr.va_port;

	*out = cl->cl_addr;
	special = vaddr_special(&cl->cl_addr);
	if (special == NULL || strcmp(special, "unspecified") != 0)
		return (0);
	if (transport_source(peer, out) == -1)
		return (-1);
	out->va_port = port;
	return (0);
}

void
transport_refused(void)
{
	stats.ts_refused++;
}

void
transport_stats(struct transport_stats *out)
{
	struct conn	*cn;

	*out = stats;
	RB_FOREACH(cn, conn_tree, &conns) {
		out->ts_open += cn->cn_state == CONN_OPEN;
		out->ts_inside += cn->cn_face != FACE_OUTSIDE;
		out->ts_outside += cn->cn_face == FACE_OUTSIDE;
	}
}

struct conn *
conn_find(uint64_t id)
{
	struct conn	k;

	k.cn_id = id;
	return (RB_FIND(conn_tree, &conns, &k));
}

int
conn_heard(uint8_t proto, uint8_t face, const struct vaddr *peer)
{
	struct sip_flow	fl;

	if (face == FACE_OUTSIDE)
		return (1);
	memset(&fl, 0, sizeof(fl));
	fl.fl_proto = proto;
	fl.fl_face = face;
	fl.fl_peer = *peer;
	return (transport_ops->to_hears(&fl));
}

struct conn *
conn_new(uint8_t proto, uint8_t face, const struct vaddr *peer, const struct vaddr *local)
{
	struct conn	*cn;

	if (nconns >= conn_max - (face == FACE_OUTSIDE ? CONN_INSIDE : 0)) {
		if (face == FACE_OUTSIDE)
			conn_evict();
		return (NULL);
	}
	if ((cn = calloc(1, sizeof(*cn))) == NULL)
		return (NULL);
	cn->cn_id = next_id++;
	cn->cn_state = CONN_CONNECTING;
	cn->cn_proto = proto;
	cn->cn_face = face;
	cn->cn_fd = -1;
	cn->cn_flow.fl_conn = cn->cn_id;
	cn->cn_flow.fl_proto = proto;
	cn->cn_flow.fl_face = face;
	cn->cn_flow.fl_peer = *peer;
	cn->cn_flow.fl_local = *local;
	cn->cn_used = transport_ops->to_now();
	evtimer_set(&cn->cn_timer, conn_expired, cn);
	RB_INSERT(conn_tree, &conns, cn);
	nconns++;
	return (cn);
}

/* Who connects from outside and does not come to an end with his handshake must
 * not keep others out: the one that has taken longest makes room. */
void
conn_half(struct conn *cn)
{
	cn->cn_half = 1;
	if (++nhalf > CONN_HALF_MAX)
		conn_evict();
}

static void
conn_evict(void)
{
	struct conn	*cn;

	RB_FOREACH(cn, conn_tree, &conns)
		if (cn->cn_half) {
			conn_dead(cn, "no handshake, and others wait");
			return;
		}
}

static void
half_done(struct conn *cn)
{
	nhalf -= cn->cn_half != 0;
	cn->cn_half = 0;
}

/* What the kernel lets us have, less what else needs descriptors. */
static void
conn_limit(void)
{
	struct rlimit	 rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < CONN_MAX + CONN_FDS)
		conn_max = rl.rlim_cur < 4 * CONN_FDS ? CONN_INSIDE * 2 :
		    (size_t)rl.rlim_cur - CONN_FDS;
	if (conn_max < CONN_MAX)
		log_warnx("%zu connections at most: too few descriptors for %d", conn_max,
		    CONN_MAX);
}

static void
conn_free(struct conn *cn)
{
	RB_REMOVE(conn_tree, &conns, cn);
	nconns--;
	(void)evtimer_del(&cn->cn_timer);
	tcp_close(cn);
	if (cn->cn_tls != NULL)
		tlsconn_free(cn->cn_tls);
	if (cn->cn_counted_addr)
		limits_conn_close(limits, &cn->cn_flow.fl_peer);
	if (cn->cn_counted_name)
		limits_name_close(limits, cn->cn_names->na_name[0]);
	free(cn->cn_names);
	freezero(cn, sizeof(*cn));
}

/*
 * The connection is of no use any more.  It is freed, and the proxy told, from
 * the event loop: we may stand inside a call of the proxy here.
 */
void
conn_dead(struct conn *cn, const char *why)
{
	if (cn->cn_state == CONN_DEAD)
		return;
	if (cn->cn_face == FACE_OUTSIDE || why != NULL)
		log_debug("connection %llu closed: %s", (unsigned long long)cn->cn_id,
		    why != NULL ? why : "done");
	if (cn->cn_state == CONN_CONNECTING)
		stats.ts_failed++;
	cn->cn_state = CONN_DEAD;
	half_done(cn);
	conn_timer(cn, 0);
	/* Set anew it would be put off, for ever where many come and go. */
	if (!evtimer_pending(&reap_ev, NULL))
		after(&reap_ev, 0);
}

static void
conn_reap(int fd, short event, void *arg)
{
	struct conn	*cn, *next;
	uint64_t	 id;

	(void)fd;
	(void)event;
	(void)arg;
	for (cn = RB_MIN(conn_tree, &conns); cn != NULL; cn = next) {
		next = RB_NEXT(conn_tree, &conns, cn);
		if (cn->cn_state != CONN_DEAD)
			continue;
		id = cn->cn_id;
		/* Tell first: a dead connection is found by nobody. */
		if (cn->cn_opening != 0)
			open_conn_gone(cn, "connection failed");
		transport_ops->to_gone(id);
		/* The proxy may have made others. */
		if ((cn = conn_find(id)) != NULL) {
			next = RB_NEXT(conn_tree, &conns, cn);
			conn_free(cn);
		}
	}
}

static void
conn_shut(struct conn *cn)
{
	if (cn->cn_state == CONN_DEAD || cn->cn_state == CONN_CLOSING)
		return;
	cn->cn_state = CONN_CLOSING;
	if (cn->cn_tls != NULL)
		tlsconn_shutdown(cn->cn_tls, CONN_LINGER_MS);
	else
		tcp_shut(cn);
}

void
conn_timer(struct conn *cn, unsigned ms)
{
	(void)evtimer_del(&cn->cn_timer);
	cn->cn_timing = ms != 0;
	if (ms != 0)
		after(&cn->cn_timer, ms);
}

void
conn_timer_reset(struct conn *cn)
{
	(void)event_del(&cn->cn_timer);
	evtimer_set(&cn->cn_timer, conn_expired, cn);
	cn->cn_timing = 0;
}

static void
conn_expired(int fd, short event, void *arg)
{
	struct conn	*cn = arg;

	(void)fd;
	(void)event;
	cn->cn_timing = 0;
	if (cn->cn_state == CONN_OPEN)
		stats.ts_slow++;
	conn_dead(cn, cn->cn_state == CONN_CONNECTING ? "no connection in time" :
	    "message not complete in time");
}

/* Whole messages to the proxy.  It may close the connection meanwhile. */
ptrdiff_t
conn_frames(struct conn *cn, const uint8_t *p, size_t len)
{
	enum sip_error	err;
	ptrdiff_t	n;
	size_t		used = 0, skip;
	int		pong;

	cn->cn_used = transport_ops->to_now();
	while (used < len) {
		n = sip_frame(p + used, len - used, &skip, &err);
		if (n == -1) {
			transport_ops->to_broken(&cn->cn_flow, p + used, len - used, err);
			conn_shut(cn);
			return (-1);
		}
		used += skip;
		if (skip > 0) {
			cn->cn_crlfs = inside_keepalive(cn->cn_crlfs, skip, &pong);
			if (pong && transport_send(&cn->cn_flow,
			    (const uint8_t *)"\r\n", 2) == -1)
				return (-1);
		}
		if (n == 0)
			break;
		cn->cn_crlfs = 0;
		transport_ops->to_input(&cn->cn_flow, p + used, (size_t)n);
		used += (size_t)n;
		if (cn->cn_state != CONN_OPEN)
			return (-1);
		if (cn->cn_timing)
			conn_timer(cn, 0);
	}
	if (used == len)
		conn_timer(cn, 0);
	else if (!cn->cn_timing)
		conn_timer(cn, CONN_MESSAGE_MS);
	return ((ptrdiff_t)used);
}

/* Many answers may be made before one of them can leave: who has not taken
 * them a second later does not read. */
static void
conn_unread(struct conn *cn)
{
	if (++cn->cn_unread > CONN_UNREAD_MAX && !evtimer_pending(&unread_ev, NULL))
		after(&unread_ev, CONN_UNREAD_MS);
}

static void
transport_unread(int fd, short event, void *arg)
{
	struct conn	*cn;

	(void)fd;
	(void)event;
	(void)arg;
	RB_FOREACH(cn, conn_tree, &conns)
		if (cn->cn_unread > CONN_UNREAD_MAX)
			conn_dead(cn, "peer does not read");
}

void
conn_opened(struct conn *cn)
{
	cn->cn_state = CONN_OPEN;
	half_done(cn);
	cn->cn_used = transport_ops->to_now();
	conn_timer(cn, 0);
	if (cn->cn_outbound)
		stats.ts_connected++;
	else
		stats.ts_accepted++;
	if (cn->cn_opening != 0)
		open_done(cn);
}

void
transport_retire(uint64_t id)
{
	struct conn	*cn;

	if ((cn = conn_find(id)) != NULL)
		cn->cn_retired = 1;
}

/* What connections were made under: trust, and all else. */
static void
conf_marks(const struct conf *conf, uint8_t trust[32], uint8_t rest[32])
{
	crypto_generichash_state st;
	const struct conf_text	*ct;
	const struct conf_hop	*ch;
	size_t			 i;
	const struct conf_blob	*const roots[] = { &conf->c_sip_ca, &conf->c_inside_ca };
	const struct conf_blob	*const certs[] = { &conf->c_sip_cert, &conf->c_inside_cert };

#define ADD(p, len)	(void)crypto_generichash_update(&st, (const unsigned char *)(p), len)
	(void)crypto_generichash_init(&st, NULL, 0, 32);
	for (i = 0; i < 2; i++) {
		ADD(&roots[i]->cb_len, sizeof(roots[i]->cb_len));
		ADD(roots[i]->cb_data, roots[i]->cb_len);
	}
	(void)crypto_generichash_final(&st, trust, 32);
	(void)crypto_generichash_init(&st, NULL, 0, 32);
	ADD(conf->c_domain, strlen(conf->c_domain) + 1);
	for (i = 0; i < 2; i++) {
		ADD(&certs[i]->cb_len, sizeof(certs[i]->cb_len));
		ADD(certs[i]->cb_data, certs[i]->cb_len);
	}
	TAILQ_FOREACH(ct, &conf->c_hosts, ct_entry) {
		ADD(ct->ct_text, strlen(ct->ct_text) + 1);
		ADD(&ct->ct_addr, sizeof(ct->ct_addr));
	}
	TAILQ_FOREACH(ch, &conf->c_hops, ch_entry) {
		ADD(ch->ch_host, strlen(ch->ch_host) + 1);
		ADD(&ch->ch_addr, sizeof(ch->ch_addr));
	}
	(void)crypto_generichash_final(&st, rest, 32);
#undef ADD
}

/*
 * Addresses or our certificate are others now: new calls make new connections,
 * dialogs keep the old ones until they end.  Where a configuration follows
 * another so fast that old ones pile up, the peer would refuse more of them:
 * the newest then serves on until one of the others is closed.  Who is not
 * trusted any more gets no new call at all.
 */
static void
retire_changed(const struct conf *conf)
{
	static uint8_t	 trust[32], rest[32];
	struct conn	*cn;
	uint8_t		 new_trust[32], new_rest[32];
	int		 distrust;

	conf_marks(conf, new_trust, new_rest);
	distrust = memcmp(trust, new_trust, sizeof(trust)) != 0;
	if (!distrust && memcmp(rest, new_rest, sizeof(rest)) == 0)
		return;
	memcpy(trust, new_trust, sizeof(trust));
	memcpy(rest, new_rest, sizeof(rest));
	RB_FOREACH(cn, conn_tree, &conns) {
		cn->cn_judge |= distrust && cn->cn_tls != NULL &&
		    cn->cn_face == FACE_OUTSIDE;
		if (cn->cn_tls == NULL || !cn->cn_outbound || cn->cn_retired)
			continue;
		cn->cn_stale = 1;
		cn->cn_retired = distrust;
	}
	/* Once: what follows at once must not put it off again and again. */
	if (retire_stale() && !sweep_soon) {
		sweep_soon = 1;
		after(&sweep_ev, SWEEP_SOON_MS);
	}
}

/* Retire what is stale as far as it may; are there retired ones? */
static int
retire_stale(void)
{
	struct conn	*cn, *o;
	unsigned	 n;
	int		 some = 0;

	RB_FOREACH(cn, conn_tree, &conns) {
		if (cn->cn_stale && !cn->cn_retired && cn->cn_state == CONN_OPEN) {
			n = 0;
			RB_FOREACH(o, conn_tree, &conns)
				n += o->cn_retired && o->cn_state == CONN_OPEN &&
				    o->cn_face == cn->cn_face &&
				    o->cn_port == cn->cn_port &&
				    strcmp(o->cn_host, cn->cn_host) == 0;
			cn->cn_retired = n < RETIRED_MAX;
		}
		some |= cn->cn_retired || cn->cn_stale || cn->cn_judge;
	}
	return (some);
}

/* Idle connections, and those whose certificate has ended. */
static void
transport_sweep(int fd, short event, void *arg)
{
	struct conn	*cn;
	uint64_t	 now, utc;
	unsigned	 judged = 0;

	(void)fd;
	(void)event;
	(void)arg;
	resume_tick();
	now = transport_ops->to_now();
	utc = transport_ops->to_utc();
	RB_FOREACH(cn, conn_tree, &conns) {
		if (cn->cn_state != CONN_OPEN)
			continue;
		/* A few a turn.  Who is not trusted any more is as one whose
		 * certificate has ended. */
		if (cn->cn_judge && judged++ < JUDGED_MAX) {
			cn->cn_judge = 0;
			if (!tls_trusted(cn) && cn->cn_not_after >= utc)
				cn->cn_not_after = utc - 1;
		}
		if (cn->cn_face == FACE_OUTSIDE && cn->cn_not_after != 0 &&
		    cn->cn_not_after < utc &&
		    (cn->cn_not_after + CONN_EXPIRED_S < utc ||
		    !transport_ops->to_busy(cn->cn_id)))
			conn_shut(cn);
		else if ((cn->cn_retired || now - cn->cn_used > CONN_IDLE_MS) &&
		    !transport_ops->to_busy(cn->cn_id))
			conn_shut(cn);
	}
	sweep_soon = retire_stale();
	after(&sweep_ev, sweep_soon ? SWEEP_SOON_MS : SWEEP_MS);
}

/* -- for the proxy -- */

int
transport_send(const struct sip_flow *fl, const uint8_t *p, size_t len)
{
	struct conn	*cn;

	if (fl->fl_proto == SIP_UDP)
		return (udp_send(fl, p, len));
	if ((cn = conn_find(fl->fl_conn)) == NULL ||
	    (cn->cn_state != CONN_OPEN && cn->cn_state != CONN_CLOSING))
		return (-1);
	cn->cn_used = transport_ops->to_now();
	if (cn->cn_tls == NULL)
		return (tcp_send(cn, p, len));
	if (tlsconn_queued(cn->cn_tls) == 0)
		cn->cn_unread = 0;
	conn_unread(cn);
	if (tlsconn_write(cn->cn_tls, p, len) == -1) {
		conn_dead(cn, "write failed");
		return (-1);
	}
	return (0);
}

int
transport_find(const char *name, struct sip_flow *fl)
{
	struct conn	*cn, *best = NULL;

	RB_FOREACH(cn, conn_tree, &conns) {
		if (cn->cn_face == FACE_OUTSIDE && cn->cn_state == CONN_OPEN &&
		    names_find(cn->cn_names, name) != -1)
			best = cn;	/* the newest */
	}
	if (best == NULL)
		return (-1);
	*fl = best->cn_flow;
	return (0);
}

const struct names *
transport_names(uint64_t id, uint64_t *not_after)
{
	struct conn	*cn;

	if ((cn = conn_find(id)) == NULL || cn->cn_face != FACE_OUTSIDE ||
	    (cn->cn_state != CONN_OPEN && cn->cn_state != CONN_CLOSING))
		return (NULL);
	if (not_after != NULL)
		*not_after = cn->cn_not_after;
	return (cn->cn_names);
}

void
transport_close(uint64_t id)
{
	struct conn	*cn;

	if ((cn = conn_find(id)) != NULL)
		conn_shut(cn);
}

void
transport_close_peer(const struct vaddr *va, const char *name)
{
	struct conn	*cn;

	RB_FOREACH(cn, conn_tree, &conns) {
		if (cn->cn_face != FACE_OUTSIDE || cn->cn_outbound)
			continue;
		if (vaddr_host_eq(&cn->cn_flow.fl_peer, va) ||
		    (name != NULL && cn->cn_names != NULL &&
		    names_find(cn->cn_names, name) != -1))
			conn_shut(cn);
	}
}
