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
 * Host names of routes to addresses: `host` entries, literals, cache, DNS.
 * c-ares is set up whole before the sandbox, so that it never wants a file.
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
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf.h"
#include "resolve.h"
#include "resolve_int.h"

#define TRY_MS		700	/* one server, first try */
#define TRIES		2
#define REQUEST_MS	3000	/* all of it */
#define TTL_MIN		5
#define TTL_NONE	30
#define SERVERS_MAX	4

static int	 cached_cmp(struct cached *, struct cached *);
static time_t	 mono(void);
static void	 sock_state(void *, ares_socket_t, int, int);
static void	 sock_ready(int, short, void *);
static void	 resolver_timer(int, short, void *);
static void	 resolver_rearm(struct resolver *);
static void	 hosts_clear(struct resolver *);
static void	 cache_clear(struct resolver *);
static void	 cache_remove(struct resolver *, struct cached *);
static struct cached *cache_find(struct resolver *, const char *, uint16_t);
static void	 cache_put(struct resolver *, const struct request *);
static void	 request_timer(int, short, void *);
static void	 request_defer(struct request *);
static void	 request_unref(struct request *);
static void	 request_answer(struct request *, enum resolve_error,
		    const struct vaddr *, size_t);
static int	 request_fixed(struct request *);

RB_PROTOTYPE(cache_tree, cached, ca_entry, cached_cmp)
RB_GENERATE(cache_tree, cached, ca_entry, cached_cmp)

static int
cached_cmp(struct cached *a, struct cached *b)
{
	if (a->ca_port != b->ca_port)
		return (a->ca_port < b->ca_port ? -1 : 1);
	return (strcasecmp(a->ca_host, b->ca_host));
}

static time_t
mono(void)
{
	struct timespec	ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec);
}

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
	return ("look-up failed");
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
	TAILQ_FOREACH(rq, &rs->rs_requests, rq_entry)
		rq->rq_cb = NULL;
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
	cache_clear(rs);
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

/* -- cache -- */

static void
cache_remove(struct resolver *rs, struct cached *ca)
{
	RB_REMOVE(cache_tree, &rs->rs_cache, ca);
	TAILQ_REMOVE(&rs->rs_age, ca, ca_age);
	rs->rs_ncached--;
	free(ca);
}

static void
cache_clear(struct resolver *rs)
{
	struct cached	*ca;

	while ((ca = TAILQ_FIRST(&rs->rs_age)) != NULL)
		cache_remove(rs, ca);
}

static struct cached *
cache_find(struct resolver *rs, const char *host, uint16_t port)
{
	struct cached	key, *ca;

	(void)strlcpy(key.ca_host, host, sizeof(key.ca_host));
	key.ca_port = port;
	if ((ca = RB_FIND(cache_tree, &rs->rs_cache, &key)) == NULL)
		return (NULL);
	if (ca->ca_until > mono())
		return (ca);
	cache_remove(rs, ca);
	return (NULL);
}

static void
cache_put(struct resolver *rs, const struct request *rq)
{
	struct cached	*ca;
	uint32_t	 ttl = rq->rq_error == RESOLVE_OK ? rq->rq_ttl : TTL_NONE;

	if ((ca = cache_find(rs, rq->rq_host, rq->rq_port)) != NULL)
		cache_remove(rs, ca);
	while (rs->rs_ncached >= RESOLVE_CACHE_MAX)
		cache_remove(rs, TAILQ_FIRST(&rs->rs_age));
	if ((ca = calloc(1, sizeof(*ca))) == NULL)
		return;
	(void)strlcpy(ca->ca_host, rq->rq_host, sizeof(ca->ca_host));
	ca->ca_port = rq->rq_port;
	ca->ca_error = rq->rq_error;
	ca->ca_n = rq->rq_n;
	memcpy(ca->ca_addrs, rq->rq_addrs, sizeof(ca->ca_addrs));
	ttl = ttl < TTL_MIN ? TTL_MIN : ttl > TTL_MAX ? TTL_MAX : ttl;
	ca->ca_until = mono() + (time_t)ttl;
	RB_INSERT(cache_tree, &rs->rs_cache, ca);
	TAILQ_INSERT_TAIL(&rs->rs_age, ca, ca_age);
	rs->rs_ncached++;
}

void
resolve_forget(struct resolver *rs, const char *host)
{
	struct cached	*ca, *next;

	TAILQ_FOREACH_SAFE(ca, &rs->rs_age, ca_age, next)
		if (strcasecmp(ca->ca_host, host) == 0)
			cache_remove(rs, ca);
}

/* -- requests -- */

uint64_t
resolve(struct resolver *rs, const char *host, uint16_t port, resolve_cb cb, void *arg)
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
	rq->rq_cb = cb;
	rq->rq_arg = arg;
	rq->rq_ttl = TTL_MAX;
	evtimer_set(&rq->rq_timer, request_timer, rq);
	TAILQ_INSERT_TAIL(&rs->rs_requests, rq, rq_entry);
	rs->rs_count++;
	if (n == 0 || n >= sizeof(rq->rq_host))
		request_answer(rq, RESOLVE_NONE, NULL, 0);
	else if (request_fixed(rq))
		;
	else if (rs->rs_servers == 0 || rs->rs_count > RESOLVE_QUERIES_MAX)
		request_answer(rq, RESOLVE_FAIL, NULL, 0);
	else {
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
			request_unref(rq);
			return;
		}
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
request_answer(struct request *rq, enum resolve_error e, const struct vaddr *va, size_t n)
{
	rq->rq_error = e;
	rq->rq_n = n;
	if (n > 0)
		memcpy(rq->rq_addrs, va, n * sizeof(*va));
	request_defer(rq);
}

static void
request_timer(int fd, short event, void *arg)
{
	struct request	*rq = arg;
	resolve_cb	 cb = rq->rq_cb;
	void		*cbarg = rq->rq_arg;
	struct vaddr	 addrs[RESOLVE_ADDRS_MAX];
	enum resolve_error e;
	size_t		 n;

	(void)fd;
	(void)event;
	e = rq->rq_ready ? rq->rq_error : RESOLVE_TIMEOUT;
	n = e == RESOLVE_OK ? rq->rq_n : 0;
	memcpy(addrs, rq->rq_addrs, sizeof(addrs));
	rq->rq_cb = NULL;
	request_unref(rq);
	if (cb != NULL)
		cb(e, addrs, n, cbarg);
}

/* `host` entries, literal addresses and the cache.  1 if that was it. */
static int
request_fixed(struct request *rq)
{
	struct resolver		*rs = rq->rq_rs;
	const struct conf_text	*t;
	const struct cached	*ca;
	struct vaddr		 va, addrs[RESOLVE_ADDRS_MAX];
	uint16_t		 port = rq->rq_port ? rq->rq_port : PORT_TLS;
	size_t			 n = 0;

	TAILQ_FOREACH(t, &rs->rs_hosts, ct_entry) {
		if (strcasecmp(t->ct_text, rq->rq_host) != 0 ||
		    n == RESOLVE_ADDRS_MAX)
			continue;
		addrs[n] = t->ct_addr;
		if (addrs[n].va_port == 0)
			addrs[n].va_port = port;
		n++;
	}
	if (n > 0) {
		request_answer(rq, RESOLVE_OK, addrs, n);
		return (1);
	}
	if (vaddr_parse(rq->rq_host, port, &va) == 0) {
		if (!rs->rs_permit && vaddr_special(&va) != NULL)
			request_answer(rq, RESOLVE_REFUSED, NULL, 0);
		else
			request_answer(rq, RESOLVE_OK, &va, 1);
		return (1);
	}
	if ((ca = cache_find(rs, rq->rq_host, rq->rq_port)) == NULL)
		return (0);
	request_answer(rq, ca->ca_error, ca->ca_addrs, ca->ca_n);
	return (1);
}

/* Every query is back: the answer. */
void
request_done(struct request *rq)
{
	struct resolver	*rs = rq->rq_rs;
	struct vaddr	 addrs[RESOLVE_ADDRS_MAX];
	struct target	*ta;
	size_t		 i, j, n = 0, refused = 0;

	if (rq->rq_cb == NULL || rs->rs_closing) {
		if (!rs->rs_closing)
			request_unref(rq);
		return;
	}
	for (i = 0; i < rq->rq_ntargets; i++) {
		ta = &rq->rq_targets[i];
		for (j = 0; j < ta->ta_n4 + ta->ta_n6; j++) {
			const struct vaddr *va = j < ta->ta_n4 ?
			    &ta->ta_v4[j] : &ta->ta_v6[j - ta->ta_n4];

			if (!rs->rs_permit && vaddr_special(va) != NULL)
				refused++;
			else if (n < RESOLVE_ADDRS_MAX)
				addrs[n++] = *va;
		}
	}
	request_answer(rq, n > 0 ? RESOLVE_OK : refused > 0 ? RESOLVE_REFUSED :
	    rq->rq_failed ? RESOLVE_FAIL : rq->rq_timeout ? RESOLVE_TIMEOUT :
	    RESOLVE_NONE, addrs, n);
	if (rq->rq_error == RESOLVE_OK || rq->rq_error == RESOLVE_NONE ||
	    rq->rq_error == RESOLVE_REFUSED)
		cache_put(rs, rq);
}
