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
 * The resolver's questions to DNS: NAPTR, SRV, A and AAAA, one after another.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <arpa/nameser.h>

#include <ares.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resolve.h"
#include "resolve_int.h"

/* One A or AAAA query. */
struct addr_query {
	struct request	*aq_rq;
	size_t		 aq_target;
	int		 aq_family;
};

static void	 naptr_done(void *, int, int, unsigned char *, int);
static void	 srv_query(struct request *, const char *);
static void	 srv_done(void *, int, int, unsigned char *, int);
static int	 target_cmp(const void *, const void *);
static void	 target_query(struct request *);
static void	 target_add(struct request *, const char *, uint16_t, uint16_t, uint16_t);
static void	 addr_done(void *, int, int, unsigned char *, int);
static void	 addr_take(struct request *, struct target *, int, unsigned char *, int);
static void	 note_failure(struct request *, int);

void
request_start(struct request *rq)
{
	if (rq->rq_port != 0) {
		target_add(rq, rq->rq_host, rq->rq_port, 0, 0);
		target_query(rq);
		return;
	}
	rq->rq_queries++;
	ares_query(rq->rq_rs->rs_channel, rq->rq_host, C_IN, T_NAPTR, naptr_done, rq);
}

static void
note_failure(struct request *rq, int status)
{
	switch (status) {
	case ARES_SUCCESS:
	case ARES_ENODATA:
	case ARES_ENOTFOUND:
		break;
	case ARES_ETIMEOUT:
		rq->rq_timeout = 1;
		break;
	default:
		rq->rq_failed = 1;
	}
}

static void
naptr_done(void *arg, int status, int timeouts, unsigned char *buf, int len)
{
	struct request		*rq = arg;
	struct ares_naptr_reply	*list = NULL, *n, *best = NULL;
	char			 name[DOMAIN_SIZE];

	(void)timeouts;
	rq->rq_queries--;
	if (rq->rq_cb == NULL || rq->rq_rs->rs_closing) {
		request_done(rq);
		return;
	}
	/* New servers: this look-up ends here. */
	if (status == ARES_ECANCELLED) {
		rq->rq_failed = 1;
		request_done(rq);
		return;
	}
	(void)snprintf(name, sizeof(name), "_sips._tcp.%.240s", rq->rq_host);
	if (status == ARES_SUCCESS &&
	    ares_parse_naptr_reply(buf, len, &list) == ARES_SUCCESS) {
		for (n = list; n != NULL; n = n->next) {
			if (strcasecmp((const char *)n->service, "SIPS+D2T") != 0 ||
			    strcasecmp((const char *)n->flags, "s") != 0)
				continue;
			if (best == NULL || n->order < best->order ||
			    (n->order == best->order &&
			    n->preference < best->preference))
				best = n;
		}
		if (best != NULL && strlen(best->replacement) < sizeof(name))
			(void)strlcpy(name, best->replacement, sizeof(name));
	}
	if (list != NULL)
		ares_free_data(list);
	srv_query(rq, name);
	if (rq->rq_queries == 0 && !rq->rq_ready)
		request_done(rq);
}

static void
srv_query(struct request *rq, const char *name)
{
	rq->rq_queries++;
	ares_query(rq->rq_rs->rs_channel, name, C_IN, T_SRV, srv_done, rq);
}

static int
target_cmp(const void *a, const void *b)
{
	const struct target	*x = a, *y = b;

	if (x->ta_priority != y->ta_priority)
		return (x->ta_priority < y->ta_priority ? -1 : 1);
	return (x->ta_order > y->ta_order ? -1 : x->ta_order < y->ta_order);
}

static void
target_add(struct request *rq, const char *host, uint16_t port, uint16_t priority,
    uint16_t weight)
{
	struct target	*ta;

	if (rq->rq_ntargets == TARGETS_MAX || port == 0 || host[0] == '\0' ||
	    strcmp(host, ".") == 0 || strlen(host) >= sizeof(ta->ta_host))
		return;
	ta = &rq->rq_targets[rq->rq_ntargets++];
	(void)strlcpy(ta->ta_host, host, sizeof(ta->ta_host));
	ta->ta_port = port;
	ta->ta_priority = priority;
	/* A draw in proportion to the weight; close to RFC 2782 and simple. */
	ta->ta_order = randombytes_uniform((uint32_t)weight * 16 + 16);
}

static void
srv_done(void *arg, int status, int timeouts, unsigned char *buf, int len)
{
	struct request		*rq = arg;
	struct ares_srv_reply	*list = NULL, *s;

	(void)timeouts;
	rq->rq_queries--;
	if (rq->rq_cb == NULL || rq->rq_rs->rs_closing) {
		request_done(rq);
		return;
	}
	/* New servers: this look-up ends here. */
	if (status == ARES_ECANCELLED) {
		rq->rq_failed = 1;
		request_done(rq);
		return;
	}
	if (status == ARES_SUCCESS &&
	    ares_parse_srv_reply(buf, len, &list) == ARES_SUCCESS && list != NULL) {
		for (s = list; s != NULL; s = s->next)
			target_add(rq, s->host, s->port, s->priority, s->weight);
		ares_free_data(list);
		qsort(rq->rq_targets, rq->rq_ntargets, sizeof(rq->rq_targets[0]),
		    target_cmp);
	} else
		target_add(rq, rq->rq_host, PORT_TLS, 0, 0);
	target_query(rq);
	if (rq->rq_queries == 0 && !rq->rq_ready)
		request_done(rq);
}

/* A and AAAA of every target. */
static void
target_query(struct request *rq)
{
	struct addr_query	*aq;
	size_t			 i;
	int			 pass;

	rq->rq_queries++;	/* held while queries may end at once */
	for (i = 0; i < rq->rq_ntargets; i++)
		for (pass = 0; pass < 2; pass++) {
			if ((aq = calloc(1, sizeof(*aq))) == NULL) {
				rq->rq_failed = 1;
				continue;
			}
			aq->aq_rq = rq;
			aq->aq_target = i;
			aq->aq_family = pass == 0 ? AF_INET : AF_INET6;
			rq->rq_queries++;
			ares_query(rq->rq_rs->rs_channel, rq->rq_targets[i].ta_host,
			    C_IN, pass == 0 ? T_A : T_AAAA, addr_done, aq);
		}
	rq->rq_queries--;
}

static void
addr_done(void *arg, int status, int timeouts, unsigned char *buf, int len)
{
	struct addr_query	*aq = arg;
	struct request		*rq = aq->aq_rq;

	(void)timeouts;
	rq->rq_queries--;
	note_failure(rq, status);
	if (status == ARES_SUCCESS && rq->rq_cb != NULL)
		addr_take(rq, &rq->rq_targets[aq->aq_target], aq->aq_family,
		    buf, len);
	free(aq);
	if (rq->rq_queries == 0 && !rq->rq_ready)
		request_done(rq);
}

static void
addr_take(struct request *rq, struct target *ta, int family, unsigned char *buf, int len)
{
	struct ares_addrttl	 a4[TARGET_ADDRS];
	struct ares_addr6ttl	 a6[TARGET_ADDRS];
	struct vaddr		*va;
	int			 i, n = TARGET_ADDRS, ttl;

	if (family == AF_INET) {
		if (ares_parse_a_reply(buf, len, NULL, a4, &n) != ARES_SUCCESS)
			return;
	} else if (ares_parse_aaaa_reply(buf, len, NULL, a6, &n) != ARES_SUCCESS)
		return;
	for (i = 0; i < n && i < TARGET_ADDRS; i++) {
		va = family == AF_INET ? &ta->ta_v4[ta->ta_n4++] :
		    &ta->ta_v6[ta->ta_n6++];
		memset(va, 0, sizeof(*va));
		va->va_port = ta->ta_port;
		if (family == AF_INET) {
			va->va_family = 4;
			memcpy(va->va_addr, &a4[i].ipaddr, 4);
			ttl = a4[i].ttl;
		} else {
			va->va_family = 6;
			memcpy(va->va_addr, &a6[i].ip6addr, 16);
			ttl = a6[i].ttl;
		}
		if (ttl >= 0 && (uint32_t)ttl < rq->rq_ttl)
			rq->rq_ttl = (uint32_t)ttl;
	}
}
