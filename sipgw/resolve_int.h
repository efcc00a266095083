/* SPDX-License-Identifier: ISC */
/* What the two files of the resolver share among themselves. */
#ifndef RESOLVE_INT_H
#define RESOLVE_INT_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/time.h>
#include <sys/tree.h>

#include <ares.h>
#include <event.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "conf.h"
#include "resolve.h"

#define PORT_TLS	5061
#define TARGETS_MAX	8	/* of an SRV answer */
#define TARGET_ADDRS	4	/* of each family and target */
#define TTL_MAX		3600

struct target {
	char		 ta_host[DOMAIN_SIZE];
	uint16_t	 ta_port;
	uint16_t	 ta_priority;
	uint32_t	 ta_order;	/* by weight, drawn */
	size_t		 ta_n4, ta_n6;
	struct vaddr	 ta_v4[TARGET_ADDRS];
	struct vaddr	 ta_v6[TARGET_ADDRS];
};

/* A look-up; freed when it has been answered and no query points to it. */
struct request {
	TAILQ_ENTRY(request) rq_entry;	/* in rs_requests, which owns it */
	struct resolver	*rq_rs;
	uint64_t	 rq_id;
	char		 rq_host[DOMAIN_SIZE];
	uint16_t	 rq_port;
	resolve_cb	 rq_cb;		/* NULL: cancelled or answered */
	void		*rq_arg;
	struct event	 rq_timer;	/* deferred answer, or the end of patience */
	int		 rq_ready;	/* the answer below waits for rq_timer */
	unsigned	 rq_queries;	/* c-ares holds so many pointers to us */
	int		 rq_failed;	/* a server did not answer */
	int		 rq_timeout;
	uint32_t	 rq_ttl;
	enum resolve_error rq_error;
	size_t		 rq_n;
	struct vaddr	 rq_addrs[RESOLVE_ADDRS_MAX];
	size_t		 rq_ntargets;
	struct target	 rq_targets[TARGETS_MAX];
};
TAILQ_HEAD(request_list, request);

struct cached {
	RB_ENTRY(cached) ca_entry;
	TAILQ_ENTRY(cached) ca_age;	/* oldest first */
	char		 ca_host[DOMAIN_SIZE];
	uint16_t	 ca_port;
	time_t		 ca_until;	/* CLOCK_MONOTONIC */
	enum resolve_error ca_error;
	size_t		 ca_n;
	struct vaddr	 ca_addrs[RESOLVE_ADDRS_MAX];
};
RB_HEAD(cache_tree, cached);
TAILQ_HEAD(cache_list, cached);

struct sock {
	TAILQ_ENTRY(sock) so_entry;
	struct event	 so_event;
	int		 so_fd;
};

struct resolver {
	ares_channel	 rs_channel;
	struct event	 rs_timer;
	TAILQ_HEAD(, sock) rs_socks;
	struct request_list rs_requests;
	size_t		 rs_count;
	uint64_t	 rs_next;
	size_t		 rs_servers;
	int		 rs_permit;
	int		 rs_closing;
	struct conf_texts rs_hosts;	/* ours */
	struct cache_tree rs_cache;
	struct cache_list rs_age;
	size_t		 rs_ncached;
};

/* resolve.c: every query is back, so the request is answered, or freed if
 * nobody waits for it any more. */
void	request_done(struct request *);
/* resolve_dns.c: begin with DNS. */
void	request_start(struct request *);

#endif
