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
 * Host names to addresses: `host` entries, literals, memory, DNS.  c-ares is
 * set up whole before the sandbox, so that it never wants a file.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/tree.h>

#include <netinet/in.h>

#include <ares.h>
#include <errno.h>
#include <event.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "choice.h"
#include "conf.h"
#include "resolve.h"
#include "resolve_int.h"

#define TRY_MS		700	/* one server, first try */
#define TRIES		2
#define REQUEST_MS	3000	/* all of it */
#define SERVERS_MAX	4

static void	 sock_state(void *, ares_socket_t, int, int);
static void	 sock_ready(int, short, void *);
static void	 resolver_timer(int, short, void *);
static void	 resolver_rearm(struct resolver *);
static void	 hosts_clear(struct resolver *);
static void	 request_timer(int, short, void *);
static void	 request_defer(struct request *);
static void	 request_unref(struct request *);
static void	 request_answer(struct request *, enum resolve_error);
static int	 request_fixed(struct request *);
static int	 request_old(struct request *);
static uint64_t	 request_new(struct resolver *, const char *, uint16_t, uint8_t,
		    resolve_cb, resolve_all_cb, void *);
static void	 answer_take(struct request *, const struct resolve_answer *);
static size_t	 answer_order(const struct resolve_answer *, struct vaddr *);

const char *
resolve_str(enum resolve_error e)
{
	switch (e) {
	case RESOLVE_OK:
		return ("ok");
	case RESOLVE_NONE:
		return ("no such name or no address");
	case RESOLVE_REFUSED:
		return ("only addresses that are not permitted");
	case RESOLVE_TIMEOUT:
		return ("name servers do not answer");
	case RESOLVE_FAIL:
		break;
	}
	return ("name servers cannot be reached, refuse, or there are none");
}

/* -- set-up -- */

struct resolver *
resolver_new(const char **why)
{
	struct resolver		*rs;
	struct ares_options	 o;
	static char		 lookups[] = "b";
	static char		*domains[1];
	struct in_addr		 nowhere;
	int			 r, mask;

	*why = "out of memory";
	if ((rs = calloc(1, sizeof(*rs))) == NULL)
		return (NULL);
	TAILQ_INIT(&rs->rs_socks);
	TAILQ_INIT(&rs->rs_requests);
	TAILQ_INIT(&rs->rs_hosts);
	TAILQ_INIT(&rs->rs_age);
	RB_INIT(&rs->rs_cache);
	rs->rs_next = 1;
	evtimer_set(&rs->rs_timer, resolver_timer, rs);

	/* Every option that has a default in a file is given here. */
	memset(&o, 0, sizeof(o));
	memset(&nowhere, 0, sizeof(nowhere));
	o.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
	o.timeout = TRY_MS;
	o.tries = TRIES;
	o.ndots = 1;
	o.lookups = lookups;
	o.servers = &nowhere;
	o.nservers = 1;
	o.domains = domains;
	o.ndomains = 0;
	o.sock_state_cb = sock_state;
	o.sock_state_cb_data = rs;
	mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
	    ARES_OPT_NDOTS | ARES_OPT_LOOKUPS | ARES_OPT_SERVERS |
	    ARES_OPT_DOMAINS | ARES_OPT_SORTLIST | ARES_OPT_SOCK_STATE_CB;
	if ((r = ares_library_init(ARES_LIB_INIT_ALL)) != ARES_SUCCESS ||
	    (r = ares_init_options(&rs->rs_channel, &o, mask)) != ARES_SUCCESS) {
		*why = ares_strerror(r);
		free(rs);
		return (NULL);
	}
	*why = NULL;
	return (rs);
}

static void
hosts_clear(struct resolver *rs)
{
	struct conf_text	*t;

	while ((t = TAILQ_FIRST(&rs->rs_hosts)) != NULL) {
		TAILQ_REMOVE(&rs->rs_hosts, t, ct_entry);
		free(t);
	}
}

void
resolver_free(struct resolver *rs)
{
	struct request	*rq, *next;

	if (rs == NULL)
		return;
	rs->rs_closing = 1;
	TAILQ_FOREACH(rq, &rs->rs_requests, rq_entry) {
		rq->rq_cb = NULL;
		rq->rq_all = NULL;
		rq->rq_linger = 0;
	}
	ares_destroy(rs->rs_channel);
	TAILQ_FOREACH_SAFE(rq, &rs->rs_requests, rq_entry, next)
		request_unref(rq);
	evtimer_del(&rs->rs_timer);
	hosts_clear(rs);
	cache_clear(rs);
	free(rs);
}

int
resolver_conf(struct resolver *rs, const struct conf *cf)
{
	struct ares_addr_port_node	 nodes[SERVERS_MAX];
	const struct conf_text		*t;
	struct conf_text		*copy;
	size_t				 n = 0;

	memset(nodes, 0, sizeof(nodes));
	TAILQ_FOREACH(t, &cf->c_resolvers, ct_entry) {
		if (n == SERVERS_MAX)
			break;
		if (t->ct_addr.va_family == 4) {
			nodes[n].family = AF_INET;
			memcpy(&nodes[n].addr.addr4, t->ct_addr.va_addr, 4);
		} else if (t->ct_addr.va_family == 6) {
			nodes[n].family = AF_INET6;
			memcpy(&nodes[n].addr.addr6, t->ct_addr.va_addr, 16);
		} else
			continue;
		nodes[n].udp_port = nodes[n].tcp_port = t->ct_addr.va_port != 0 ?
		    t->ct_addr.va_port : 53;
		if (n > 0)
			nodes[n - 1].next = &nodes[n];
		n++;
	}
	hosts_clear(rs);
	cache_expire(rs, NULL);
	rs->rs_permit = (cf->c_flags & CONF_PERMIT_PRIVATE) != 0;
	TAILQ_FOREACH(t, &cf->c_hosts, ct_entry) {
		if ((copy = malloc(sizeof(*copy))) == NULL)
			return (-1);
		*copy = *t;
		TAILQ_INSERT_TAIL(&rs->rs_hosts, copy, ct_entry);
	}
	/* Servers cannot be changed under queries: those end now. */
	ares_cancel(rs->rs_channel);
	rs->rs_servers = n;
	if (n > 0 && ares_set_servers_ports(rs->rs_channel, nodes) !=
	    ARES_SUCCESS) {
		rs->rs_servers = 0;
		errno = EINVAL;
		return (-1);
	}
	return (0);
}

/* -- sockets and time of c-ares -- */

static void
sock_state(void *arg, ares_socket_t fd, int rd, int wr)
{
	struct resolver	*rs = arg;
	struct sock	*so;
	short		 what;

	TAILQ_FOREACH(so, &rs->rs_socks, so_entry)
		if (so->so_fd == fd)
			break;
	if (so != NULL)
		(void)event_del(&so->so_event);
	if (!rd && !wr) {
		if (so != NULL) {
			TAILQ_REMOVE(&rs->rs_socks, so, so_entry);
			free(so);
		}
		return;
	}
	if (so == NULL) {
		/* Without memory the query runs into its time-out. */
		if ((so = calloc(1, sizeof(*so))) == NULL)
			return;
		so->so_fd = fd;
		TAILQ_INSERT_TAIL(&rs->rs_socks, so, so_entry);
	}
	what = (short)(EV_PERSIST | (rd ? EV_READ : 0) | (wr ? EV_WRITE : 0));
	event_set(&so->so_event, fd, what, sock_ready, rs);
	(void)event_add(&so->so_event, NULL);
}

static void
sock_ready(int fd, short event, void *arg)
{
	struct resolver	*rs = arg;

	ares_process_fd(rs->rs_channel,
	    event & EV_READ ? fd : ARES_SOCKET_BAD,
	    event & EV_WRITE ? fd : ARES_SOCKET_BAD);
	resolver_rearm(rs);
}

static void
resolver_timer(int fd, short event, void *arg)
{
	struct resolver	*rs = arg;

	(void)fd;
	(void)event;
	ares_process_fd(rs->rs_channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	resolver_rearm(rs);
}

static void
resolver_rearm(struct resolver *rs)
{
	struct timeval	tv, *next;

	if ((next = ares_timeout(rs->rs_channel, NULL, &tv)) == NULL)
		(void)evtimer_del(&rs->rs_timer);
	else
		(void)evtimer_add(&rs->rs_timer, next);
}

/* -- requests -- */

uint32_t
resolve_draw(void *arg, uint32_t bound)
{
	(void)arg;
	return (randombytes_uniform(bound));
}

void
resolve_forget(struct resolver *rs, const char *host)
{
	cache_expire(rs, host);
}

uint64_t
resolve(struct resolver *rs, const char *host, uint16_t port, resolve_cb cb, void *arg)
{
	return (request_new(rs, host, port, SIP_TLS, cb, NULL, arg));
}

uint64_t
resolve_all(struct resolver *rs, const char *host, uint16_t port, uint8_t proto,
    resolve_all_cb cb, void *arg)
{
	return (request_new(rs, host, port, proto, NULL, cb, arg));
}

static uint64_t
request_new(struct resolver *rs, const char *host, uint16_t port, uint8_t proto,
    resolve_cb cb, resolve_all_cb all, void *arg)
{
	struct request	*rq;
	struct timeval	 tv = { REQUEST_MS / 1000, (REQUEST_MS % 1000) * 1000 };
	size_t		 n;

	if ((rq = calloc(1, sizeof(*rq))) == NULL)
		return (0);
	n = strlcpy(rq->rq_host, host, sizeof(rq->rq_host));
	if (n > 0 && n < sizeof(rq->rq_host) && rq->rq_host[n - 1] == '.')
		rq->rq_host[n - 1] = '\0';
	rq->rq_rs = rs;
	rq->rq_id = rs->rs_next++;
	rq->rq_port = port;
	rq->rq_proto = proto;
	rq->rq_cb = cb;
	rq->rq_all = all;
	rq->rq_arg = arg;
	rq->rq_ttl = TTL_MAX;
	evtimer_set(&rq->rq_timer, request_timer, rq);
	TAILQ_INSERT_TAIL(&rs->rs_requests, rq, rq_entry);
	rs->rs_count++;
	if (n == 0 || n >= sizeof(rq->rq_host))
		request_answer(rq, RESOLVE_NONE);
	else if (request_fixed(rq))
		;
	else if (rs->rs_servers == 0 || rs->rs_count > RESOLVE_QUERIES_MAX) {
		if (!request_old(rq))
			request_answer(rq, RESOLVE_FAIL);
	} else {
		if (cache_stale(rs, rq) != NULL) {
			tv.tv_sec = STALE_MS / 1000;
			tv.tv_usec = STALE_MS % 1000 * 1000;
		}
		(void)evtimer_add(&rq->rq_timer, &tv);
		/* Held, so that an answer from inside cannot free it. */
		rq->rq_queries++;
		request_start(rq);
		rq->rq_queries--;
		if (rq->rq_queries == 0 && !rq->rq_ready)
			request_done(rq);
		resolver_rearm(rs);
	}
	return (rq->rq_id);
}

void
resolve_cancel(struct resolver *rs, uint64_t id)
{
	struct request	*rq;

	TAILQ_FOREACH(rq, &rs->rs_requests, rq_entry)
		if (rq->rq_id == id) {
			rq->rq_cb = NULL;
			rq->rq_all = NULL;
			if (!rq->rq_linger)
				request_unref(rq);
			return;
		}
}

int
request_waits(const struct request *rq)
{
	return (rq->rq_cb != NULL || rq->rq_all != NULL || rq->rq_linger);
}

/* Free it unless a query of c-ares still points to it. */
static void
request_unref(struct request *rq)
{
	struct resolver	*rs = rq->rq_rs;

	(void)evtimer_del(&rq->rq_timer);
	if (rq->rq_queries > 0)
		return;
	TAILQ_REMOVE(&rs->rs_requests, rq, rq_entry);
	rs->rs_count--;
	free(rq);
}

/* The answer waits for the event loop. */
static void
request_defer(struct request *rq)
{
	struct timeval	now = { 0, 0 };

	rq->rq_ready = 1;
	(void)evtimer_del(&rq->rq_timer);
	(void)evtimer_add(&rq->rq_timer, &now);
}

static void
request_answer(struct request *rq, enum resolve_error e)
{
	memset(&rq->rq_answer, 0, sizeof(rq->rq_answer));
	rq->rq_answer.an_error = e;
	rq->rq_answer.an_ttl = e == RESOLVE_OK ? TTL_MAX : TTL_STALE;
	request_defer(rq);
}

/* No server answers, but we have an old answer: 1. */
static int
request_old(struct request *rq)
{
	struct cached	*ca;

	if ((ca = cache_stale(rq->rq_rs, rq)) == NULL)
		return (0);
	ca->ca_retry = cache_now() + TTL_STALE;
	answer_take(rq, &ca->ca_answer);
	rq->rq_answer.an_stale = 1;
	rq->rq_answer.an_ttl = TTL_STALE;
	return (1);
}

/* Less what may not be used. */
static void
answer_take(struct request *rq, const struct resolve_answer *all)
{
	struct resolve_answer	*an = &rq->rq_answer;
	size_t			 i;

	*an = *all;
	an->an_n = 0;
	for (i = 0; i < all->an_n; i++) {
		if (rq->rq_rs->rs_permit ||
		    vaddr_special(&all->an_addrs[i].ra_addr) == NULL)
			an->an_addrs[an->an_n++] = all->an_addrs[i];
	}
	if (all->an_n > 0 && an->an_n == 0)
		an->an_error = RESOLVE_REFUSED;
	request_defer(rq);
}

/* Servers by priority and weight, each with its addresses. */
static size_t
answer_order(const struct resolve_answer *an, struct vaddr *out)
{
	struct choice	ch[RESOLVE_ADDRS_MAX];
	size_t		i, j, k, n = 0, have = 0;

	for (i = 0; i < an->an_n; i++) {
		for (j = 0; j < i; j++)
			if (an->an_addrs[j].ra_server == an->an_addrs[i].ra_server)
				break;
		if (j < i)
			continue;
		ch[n].ch_priority = an->an_addrs[i].ra_priority;
		ch[n].ch_weight = an->an_addrs[i].ra_weight;
		ch[n++].ch_index = an->an_addrs[i].ra_server;
	}
	choice_order(ch, n, resolve_draw, NULL);
	for (k = 0; k < n; k++)
		for (i = 0; i < an->an_n; i++)
			if (an->an_addrs[i].ra_server == ch[k].ch_index)
				out[have++] = an->an_addrs[i].ra_addr;
	return (have);
}

static void
request_timer(int fd, short event, void *arg)
{
	struct request		*rq = arg;
	struct timeval		 tv = { REQUEST_MS / 1000, (REQUEST_MS % 1000) * 1000 };
	resolve_cb		 cb = rq->rq_cb;
	resolve_all_cb		 all = rq->rq_all;
	void			*cbarg = rq->rq_arg;
	struct resolve_answer	 an;
	struct vaddr		 addrs[RESOLVE_ADDRS_MAX];
	size_t			 n;

	(void)fd;
	(void)event;
	/* Out of patience: the old answer now, the new one when it comes. */
	if (!rq->rq_ready && !rq->rq_linger && request_old(rq)) {
		rq->rq_linger = 1;
		rq->rq_ready = 0;
	} else if (!rq->rq_ready)
		request_answer(rq, RESOLVE_TIMEOUT);
	an = rq->rq_answer;
	rq->rq_cb = NULL;
	rq->rq_all = NULL;
	if (rq->rq_linger && (cb != NULL || all != NULL))
		(void)evtimer_add(&rq->rq_timer, &tv);
	else {
		rq->rq_linger = 0;
		request_unref(rq);
	}
	if (all != NULL)
		all(&an, cbarg);
	if (cb != NULL) {
		n = an.an_error == RESOLVE_OK ? answer_order(&an, addrs) : 0;
		cb(an.an_error, addrs, n, cbarg);
	}
}

/* `host` entries, literal addresses and what we remember.  1 if that was it. */
static int
request_fixed(struct request *rq)
{
	struct resolver		*rs = rq->rq_rs;
	struct resolve_answer	*an = &rq->rq_answer;
	const struct conf_text	*t;
	const struct cached	*ca;
	struct resolve_addr	*ra;
	struct vaddr		 va;
	uint16_t		 port;
	int			 stale;

	port = rq->rq_port ? rq->rq_port : resolve_port(rq->rq_proto);
	request_answer(rq, RESOLVE_OK);
	TAILQ_FOREACH(t, &rs->rs_hosts, ct_entry) {
		if (strcasecmp(t->ct_text, rq->rq_host) != 0 ||
		    an->an_n == RESOLVE_ADDRS_MAX)
			continue;
		ra = &an->an_addrs[an->an_n];
		ra->ra_addr = t->ct_addr;
		/* In the order of their lines. */
		ra->ra_priority = ra->ra_server = (uint16_t)an->an_n++;
		if (ra->ra_addr.va_port == 0)
			ra->ra_addr.va_port = port;
	}
	if (an->an_n > 0)
		return (1);
	if (vaddr_parse(rq->rq_host, port, &va) == 0) {
		an->an_n = 1;
		an->an_addrs[0].ra_addr = va;
		if (!rs->rs_permit && vaddr_special(&va) != NULL)
			request_answer(rq, RESOLVE_REFUSED);
		return (1);
	}
	/* No name: an address with a zone, or a broken one. */
	if (strpbrk(rq->rq_host, "%:[]") != NULL) {
		request_answer(rq, RESOLVE_NONE);
		return (1);
	}
	if ((ca = cache_find(rs, rq, &stale)) != NULL) {
		answer_take(rq, &ca->ca_answer);
		an->an_stale = stale;
		an->an_ttl = stale ? TTL_STALE :
		    (uint32_t)(ca->ca_until - cache_now());
		return (1);
	}
	rq->rq_ready = 0;
	(void)evtimer_del(&rq->rq_timer);
	return (0);
}

/* Every query is back: the answer. */
void
request_done(struct request *rq)
{
	struct resolver		*rs = rq->rq_rs;
	struct resolve_answer	 an;
	struct resolve_addr	*ra;
	struct target		*ta;
	size_t			 i, j;

	if (!request_waits(rq) || rs->rs_closing) {
		if (!rs->rs_closing)
			request_unref(rq);
		return;
	}
	memset(&an, 0, sizeof(an));
	for (i = 0; i < rq->rq_ntargets; i++) {
		ta = &rq->rq_targets[i];
		for (j = 0; j < ta->ta_n4 + ta->ta_n6 &&
		    an.an_n < RESOLVE_ADDRS_MAX; j++) {
			ra = &an.an_addrs[an.an_n++];
			ra->ra_addr = j < ta->ta_n4 ? ta->ta_v4[j] :
			    ta->ta_v6[j - ta->ta_n4];
			ra->ra_priority = ta->ta_srv.sv_priority;
			ra->ra_weight = ta->ta_srv.sv_weight;
			ra->ra_server = (uint16_t)i;
		}
	}
	an.an_error = an.an_n > 0 ? RESOLVE_OK : rq->rq_failed ? RESOLVE_FAIL :
	    rq->rq_timeout ? RESOLVE_TIMEOUT : RESOLVE_NONE;
	an.an_ttl = an.an_n == 0 ? TTL_NONE : rq->rq_ttl < TTL_MIN ? TTL_MIN :
	    rq->rq_ttl > TTL_MAX ? TTL_MAX : rq->rq_ttl;
	if (an.an_error == RESOLVE_OK || an.an_error == RESOLVE_NONE)
		cache_put(rs, rq, &an);
	else if (request_old(rq))
		return;
	answer_take(rq, &an);
}
