/* SPDX-License-Identifier: ISC */
/* What the files of the resolver share among themselves. */
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
#include "resolve_take.h"

#define TARGETS_MAX	8	/* of an SRV answer */
#define TARGET_ADDRS	4	/* of each family and target */
#define TTL_MAX		3600
#define TTL_MIN		5
#define TTL_NONE	30	/* of "no such name" */
#define TTL_STALE	10	/* of an old answer: when to ask again */
#define STALE_S		86400	/* how long an old answer may be used */
#define STALE_MS	800	/* how long to wait for a new one */

struct target {
	struct srv	 ta_srv;
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
	uint8_t		 rq_proto;
	resolve_cb	 rq_cb;		/* both NULL: cancelled or answered */
	resolve_all_cb	 rq_all;
	void		*rq_arg;
	struct event	 rq_timer;	/* deferred answer, or the end of patience */
	int		 rq_ready;	/* the answer below waits for rq_timer */
	int		 rq_linger;	/* answered with an old answer; a new one is remembered */
	unsigned	 rq_queries;	/* c-ares holds so many pointers to us */
	int		 rq_failed;	/* a server did not answer */
	int		 rq_timeout;
	uint32_t	 rq_ttl;
	struct resolve_answer rq_answer;
	size_t		 rq_ntargets;
	struct target	 rq_targets[TARGETS_MAX];
};
TAILQ_HEAD(request_list, request);

struct cached {
	RB_ENTRY(cached) ca_entry;
	TAILQ_ENTRY(cached) ca_age;	/* oldest first */
	char		 ca_host[DOMAIN_SIZE];
	uint16_t	 ca_port;
	uint8_t		 ca_proto;
	time_t		 ca_until;	/* CLOCK_MONOTONIC */
	time_t		 ca_retry;	/* no server answered: not asked before this */
	struct resolve_answer ca_answer;	/* unfiltered */
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
int	request_waits(const struct request *);	/* does anybody? */
uint32_t resolve_draw(void *, uint32_t bound);	/* for choice_order */
/* resolve_dns.c: begin with DNS. */
void	request_start(struct request *);
uint16_t resolve_port(uint8_t proto);		/* the default */
/*
 * resolve_cache.c.  An answer that is still good, or an older one that may be
 * used because no server answered a moment ago (*stale): NULL none.
 */
const struct cached *cache_find(struct resolver *, const struct request *, int *stale);
/* An answer that is too old but may be used if no server answers. */
struct cached *cache_stale(struct resolver *, const struct request *);
void	cache_put(struct resolver *, const struct request *, const struct resolve_answer *);
void	cache_expire(struct resolver *, const char *host);	/* NULL: all */
void	cache_clear(struct resolver *);
time_t	cache_now(void);

#endif
