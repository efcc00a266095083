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

/* viprctl: names into addresses, with c-ares under a deadline; see
 * ctl_fetch.h. */

#include <sys/types.h>
#include <sys/socket.h>
#include <arpa/nameser.h>

#include <ares.h>
#include <ares_version.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl_fetch.h"

#define TARGETS_MAX	16	/* SRV records of a name */
#define QUERY_MS	2000	/* the first try of each server */

struct srv {
	struct fetch_target	sv_target;
	uint16_t		sv_priority;
	uint32_t		sv_draw;
};

struct resolver {
	ares_channel		 re_channel;
	int64_t			 re_deadline;
	/* of the look-up under way */
	int			 re_done;
	int			 re_status;
	struct srv		 re_srv[TARGETS_MAX];
	size_t			 re_srvs;
	int			 re_absent;	/* the SRV record says: no such service */
	struct vaddr		*re_addr;
	size_t			 re_addrs, re_addrmax;
	uint16_t		 re_port;
};

static int	 run(struct resolver *, const char *, char *, size_t);
static void	 srv_done(void *, int, int, unsigned char *, int);
static void	 srv_add(struct resolver *, const struct ares_srv_reply *);
static int	 srv_cmp(const void *, const void *);
static void	 host_done(void *, int, int, struct ares_addrinfo *);

int64_t
fetch_now_ms(void)
{
	struct timespec	ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

struct resolver *
resolver_new(const char *server, int64_t deadline, char *why, size_t whysize)
{
	struct ares_options	 o;
	struct resolver		*re;
	int			 r;

	if ((re = calloc(1, sizeof(*re))) == NULL) {
		(void)snprintf(why, whysize, "out of memory");
		return (NULL);
	}
	re->re_deadline = deadline;
	memset(&o, 0, sizeof(o));
	o.timeout = QUERY_MS;
	o.tries = 3;
	if ((r = ares_library_init(ARES_LIB_INIT_ALL)) != ARES_SUCCESS ||
	    (r = ares_init_options(&re->re_channel, &o, ARES_OPT_TIMEOUTMS |
	    ARES_OPT_TRIES)) != ARES_SUCCESS) {
		(void)snprintf(why, whysize, "resolver: %s", ares_strerror(r));
		free(re);
		return (NULL);
	}
	if (server != NULL && (r = ares_set_servers_ports_csv(re->re_channel,
	    server)) != ARES_SUCCESS) {
		(void)snprintf(why, whysize, "%s: no address of a DNS server",
		    server);
		resolver_free(re);
		return (NULL);
	}
	return (re);
}

void
resolver_free(struct resolver *re)
{
	if (re == NULL)
		return;
	ares_destroy(re->re_channel);
	ares_library_cleanup();
	free(re);
}

/* Until the look-up is over.  0; or -1 and why when time is up. */
static int
run(struct resolver *re, const char *name, char *why, size_t whysize)
{
	ares_socket_t	 socks[ARES_GETSOCK_MAXNUM];
	struct pollfd	 pfd[ARES_GETSOCK_MAXNUM];
	struct timeval	 tv;
	int64_t		 left, wait;
	unsigned	 mask;
	nfds_t		 n;
	int		 i;

	while (!re->re_done) {
		if ((left = re->re_deadline - fetch_now_ms()) <= 0) {
			ares_cancel(re->re_channel);
			(void)snprintf(why, whysize, "%s: no answer from the "
			    "DNS in time", name);
			return (-1);
		}
		mask = (unsigned)ares_getsock(re->re_channel, socks,
		    ARES_GETSOCK_MAXNUM);
		for (i = 0, n = 0; i < ARES_GETSOCK_MAXNUM; i++) {
			/* c-ares' macros shift into the sign. */
			pfd[n].events = (short)((mask >> i & 1 ? POLLIN : 0) |
			    (mask >> (i + ARES_GETSOCK_MAXNUM) & 1 ? POLLOUT :
			    0));
			pfd[n].fd = socks[i];
			pfd[n].revents = 0;
			if (pfd[n].events != 0)
				n++;
		}
		wait = left < 1000 ? left : 1000;
		if (ares_timeout(re->re_channel, NULL, &tv) != NULL &&
		    (int64_t)tv.tv_sec * 1000 + tv.tv_usec / 1000 < wait)
			wait = (int64_t)tv.tv_sec * 1000 + tv.tv_usec / 1000;
		if (poll(pfd, n, (int)wait) == -1 && errno != EINTR) {
			(void)snprintf(why, whysize, "poll: %s",
			    strerror(errno));
			ares_cancel(re->re_channel);
			return (-1);
		}
		for (i = 0; i < (int)n; i++)
			if (pfd[i].revents != 0)
				ares_process_fd(re->re_channel,
				    pfd[i].events & POLLIN ? pfd[i].fd :
				    ARES_SOCKET_BAD, pfd[i].events & POLLOUT ?
				    pfd[i].fd : ARES_SOCKET_BAD);
		ares_process_fd(re->re_channel, ARES_SOCKET_BAD,
		    ARES_SOCKET_BAD);
	}
	return (0);
}

/* -- SRV -- */

static void
srv_add(struct resolver *re, const struct ares_srv_reply *s)
{
	struct srv	*sv;

	/* A single "." says that there is no such service. */
	if (s->host[0] == '\0' || strcmp(s->host, ".") == 0) {
		re->re_absent = 1;
		return;
	}
	if (re->re_srvs == TARGETS_MAX || s->port == 0 ||
	    strlen(s->host) >= sizeof(sv->sv_target.ft_host))
		return;
	sv = &re->re_srv[re->re_srvs++];
	(void)strlcpy(sv->sv_target.ft_host, s->host,
	    sizeof(sv->sv_target.ft_host));
	sv->sv_target.ft_port = s->port;
	sv->sv_priority = s->priority;
	/* A draw in proportion to the weight; close to RFC 2782 and simple. */
	sv->sv_draw = randombytes_uniform((uint32_t)s->weight * 16 + 16);
}

static void
srv_done(void *arg, int status, int timeouts, unsigned char *buf, int len)
{
	struct resolver		*re = arg;
	struct ares_srv_reply	*list = NULL, *s;

	(void)timeouts;
	re->re_done = 1;
	re->re_status = status;
	if (status != ARES_SUCCESS)
		return;
	if ((re->re_status = ares_parse_srv_reply(buf, len, &list)) !=
	    ARES_SUCCESS)
		return;
	for (s = list; s != NULL; s = s->next)
		srv_add(re, s);
	ares_free_data(list);
}

static int
srv_cmp(const void *a, const void *b)
{
	const struct srv	*x = a, *y = b;

	if (x->sv_priority != y->sv_priority)
		return (x->sv_priority < y->sv_priority ? -1 : 1);
	return (x->sv_draw > y->sv_draw ? -1 : x->sv_draw < y->sv_draw);
}

int
resolver_srv(struct resolver *re, const char *name, struct fetch_target *list,
    size_t max, char *why, size_t whysize)
{
	size_t	i;

	re->re_done = re->re_absent = 0;
	re->re_srvs = 0;
	ares_query(re->re_channel, name, ns_c_in, ns_t_srv, srv_done, re);
	if (run(re, name, why, whysize) == -1)
		return (-1);
	if (re->re_status == ARES_ENODATA || re->re_status == ARES_ENOTFOUND)
		return (0);
	if (re->re_status != ARES_SUCCESS) {
		(void)snprintf(why, whysize, "%s: %s", name,
		    ares_strerror(re->re_status));
		return (-1);
	}
	if (re->re_srvs == 0) {
		(void)snprintf(why, whysize, re->re_absent ?
		    "%s: the DNS says that there is no such service" :
		    "%s: no usable SRV record", name);
		return (-1);
	}
	qsort(re->re_srv, re->re_srvs, sizeof(re->re_srv[0]), srv_cmp);
	for (i = 0; i < re->re_srvs && i < max; i++)
		list[i] = re->re_srv[i].sv_target;
	return ((int)i);
}

/* -- addresses -- */

static void
host_done(void *arg, int status, int timeouts, struct ares_addrinfo *ai)
{
	struct resolver			*re = arg;
	const struct ares_addrinfo_node	*n;

	(void)timeouts;
	re->re_done = 1;
	re->re_status = status;
	if (status != ARES_SUCCESS || ai == NULL)
		return;
	for (n = ai->nodes; n != NULL && re->re_addrs < re->re_addrmax;
	    n = n->ai_next) {
		if (vaddr_from_sa(n->ai_addr, &re->re_addr[re->re_addrs]) == -1)
			continue;
		re->re_addr[re->re_addrs++].va_port = re->re_port;
	}
	ares_freeaddrinfo(ai);
}

int
resolver_host(struct resolver *re, const char *host, uint16_t port,
    struct vaddr *list, size_t max, char *why, size_t whysize)
{
	struct ares_addrinfo_hints	 hints;

	if (vaddr_parse(host, port, list) == 0)
		return (1);
	memset(&hints, 0, sizeof(hints));
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	re->re_done = 0;
	re->re_addr = list;
	re->re_addrs = 0;
	re->re_addrmax = max;
	re->re_port = port;
	ares_getaddrinfo(re->re_channel, host, NULL, &hints, host_done, re);
	if (run(re, host, why, whysize) == -1)
		return (-1);
	if (re->re_status != ARES_SUCCESS || re->re_addrs == 0) {
		(void)snprintf(why, whysize, "%s: %s", host,
		    re->re_status != ARES_SUCCESS ?
		    ares_strerror(re->re_status) : "no address");
		return (-1);
	}
	return ((int)re->re_addrs);
}
