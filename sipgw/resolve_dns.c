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

static const char *service_naptr(uint8_t);
static const char *service_srv(uint8_t);
static int	 request_ends(struct request *, int);
static void	 naptr_done(void *, int, int, unsigned char *, int);
static void	 srv_query(struct request *, const char *);
static void	 srv_done(void *, int, int, unsigned char *, int);
static void	 target_query(struct request *);
static void	 target_host(struct request *, uint16_t port);
static void	 addr_done(void *, int, int, unsigned char *, int);
static void	 note_status(struct request *, int);
static void	 note_ttl(struct request *, const unsigned char *, int);

/* RFC 3263 4.1. */
static const char *
service_naptr(uint8_t proto)
{
	return (proto == SIP_UDP ? "SIP+D2U" : proto == SIP_TCP ? "SIP+D2T" : "SIPS+D2T");
}

static const char *
service_srv(uint8_t proto)
{
	return (proto == SIP_UDP ? "_sip._udp" : proto == SIP_TCP ? "_sip._tcp" :
	    "_sips._tcp");
}

uint16_t
resolve_port(uint8_t proto)
{
	return (proto == SIP_TLS ? 5061 : 5060);
}

void
request_start(struct request *rq)
{
	if (rq->rq_port != 0) {
		target_host(rq, rq->rq_port);
		target_query(rq);
		return;
	}
	rq->rq_queries++;
	ares_query(rq->rq_rs->rs_channel, rq->rq_host, C_IN, T_NAPTR, naptr_done, rq);
}

static void
note_status(struct request *rq, int status)
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
note_ttl(struct request *rq, const unsigned char *buf, int len)
{
	uint32_t	ttl;

	if (buf == NULL || len <= 0)
		return;
	ttl = take_ttl(buf, (size_t)len);
	if (ttl < rq->rq_ttl)
		rq->rq_ttl = ttl;
}

/* A query is back.  1: there will be no more of this look-up. */
static int
request_ends(struct request *rq, int status)
{
	rq->rq_queries--;
	if (!request_waits(rq) || rq->rq_rs->rs_closing) {
		request_done(rq);
		return (1);
	}
	note_status(rq, status);
	/* New servers; or none answers, and there is an old answer. */
	if (status == ARES_ECANCELLED ||
	    ((rq->rq_failed || rq->rq_timeout) && cache_stale(rq->rq_rs, rq) != NULL)) {
		rq->rq_failed = 1;
		request_done(rq);
		return (1);
	}
	return (0);
}

static void
naptr_done(void *arg, int status, int timeouts, unsigned char *buf, int len)
{
	struct request	*rq = arg;
	char		 name[DOMAIN_SIZE];

	(void)timeouts;
	if (request_ends(rq, status))
		return;
	if (status == ARES_SUCCESS && take_naptr(buf, (size_t)len,
	    service_naptr(rq->rq_proto), name, sizeof(name)) == 1)
		note_ttl(rq, buf, len);
	else
		(void)snprintf(name, sizeof(name), "%s.%.240s",
		    service_srv(rq->rq_proto), rq->rq_host);
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

/* The host itself is the server. */
static void
target_host(struct request *rq, uint16_t port)
{
	struct srv	*sv = &rq->rq_targets[0].ta_srv;

	(void)strlcpy(sv->sv_host, rq->rq_host, sizeof(sv->sv_host));
	sv->sv_port = port;
	sv->sv_priority = sv->sv_weight = 0;
	rq->rq_ntargets = 1;
}

static void
srv_done(void *arg, int status, int timeouts, unsigned char *buf, int len)
{
	struct request	*rq = arg;
	struct srv	 list[TARGETS_MAX];
	size_t		 i;
	int		 none = 0;

	(void)timeouts;
	if (request_ends(rq, status))
		return;
	if (status == ARES_SUCCESS) {
		rq->rq_ntargets = take_srv(buf, (size_t)len, list, TARGETS_MAX, &none,
		    resolve_draw, NULL);
		for (i = 0; i < rq->rq_ntargets; i++)
			rq->rq_targets[i].ta_srv = list[i];
		note_ttl(rq, buf, len);
	}
	if (rq->rq_ntargets == 0 && !none)
		target_host(rq, resolve_port(rq->rq_proto));
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
			aq->aq_family = pass == 0 ? 4 : 6;
			rq->rq_queries++;
			ares_query(rq->rq_rs->rs_channel,
			    rq->rq_targets[i].ta_srv.sv_host, C_IN,
			    pass == 0 ? T_A : T_AAAA, addr_done, aq);
		}
	rq->rq_queries--;
}

static void
addr_done(void *arg, int status, int timeouts, unsigned char *buf, int len)
{
	struct addr_query	*aq = arg;
	struct request		*rq = aq->aq_rq;
	struct target		*ta = &rq->rq_targets[aq->aq_target];
	int			 v4 = aq->aq_family == 4;
	size_t			 n;

	(void)timeouts;
	free(aq);
	rq->rq_queries--;
	note_status(rq, status);
	if (status == ARES_SUCCESS && request_waits(rq)) {
		n = take_addrs(buf, (size_t)len, v4 ? 4 : 6, ta->ta_srv.sv_port,
		    v4 ? ta->ta_v4 : ta->ta_v6, TARGET_ADDRS);
		if (v4)
			ta->ta_n4 = n;
		else
			ta->ta_n6 = n;
		if (n > 0)
			note_ttl(rq, buf, len);
	}
	if (rq->rq_queries == 0 && !rq->rq_ready)
		request_done(rq);
}
