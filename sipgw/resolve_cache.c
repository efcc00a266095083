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
/* The resolver's memory: answers, and old ones for when no server answers. */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "resolve.h"
#include "resolve_int.h"

static int	 cached_cmp(const struct cached *, const struct cached *);
static void	 cache_remove(struct resolver *, struct cached *);
static struct cached *cache_get(struct resolver *, const struct request *);

RB_PROTOTYPE(cache_tree, cached, ca_entry, cached_cmp)
RB_GENERATE(cache_tree, cached, ca_entry, cached_cmp)

static int
cached_cmp(const struct cached *a, const struct cached *b)
{
	if (a->ca_port != b->ca_port)
		return (a->ca_port < b->ca_port ? -1 : 1);
	if (a->ca_proto != b->ca_proto)
		return (a->ca_proto < b->ca_proto ? -1 : 1);
	return (strcasecmp(a->ca_host, b->ca_host));
}

time_t
cache_now(void)
{
	struct timespec	ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec);
}

static void
cache_remove(struct resolver *rs, struct cached *ca)
{
	RB_REMOVE(cache_tree, &rs->rs_cache, ca);
	TAILQ_REMOVE(&rs->rs_age, ca, ca_age);
	rs->rs_ncached--;
	free(ca);
}

void
cache_clear(struct resolver *rs)
{
	struct cached	*ca;

	while ((ca = TAILQ_FIRST(&rs->rs_age)) != NULL)
		cache_remove(rs, ca);
}

void
cache_expire(struct resolver *rs, const char *host)
{
	struct cached	*ca;
	time_t		 now = cache_now();

	TAILQ_FOREACH(ca, &rs->rs_age, ca_age) {
		if (host != NULL && strcasecmp(ca->ca_host, host) != 0)
			continue;
		if (ca->ca_until > now)
			ca->ca_until = now;
		ca->ca_retry = 0;
	}
}

static struct cached *
cache_get(struct resolver *rs, const struct request *rq)
{
	static struct cached	 key;

	(void)strlcpy(key.ca_host, rq->rq_host, sizeof(key.ca_host));
	key.ca_port = rq->rq_port;
	key.ca_proto = rq->rq_proto;
	return (RB_FIND(cache_tree, &rs->rs_cache, &key));
}

const struct cached *
cache_find(struct resolver *rs, const struct request *rq, int *stale)
{
	struct cached	*ca;
	time_t		 now = cache_now();

	*stale = 0;
	if ((ca = cache_get(rs, rq)) == NULL)
		return (NULL);
	if (ca->ca_until > now)
		return (ca);
	if (ca->ca_answer.an_error != RESOLVE_OK || ca->ca_until + STALE_S <= now) {
		cache_remove(rs, ca);
		return (NULL);
	}
	*stale = 1;
	return (ca->ca_retry > now ? ca : NULL);
}

struct cached *
cache_stale(struct resolver *rs, const struct request *rq)
{
	struct cached	*ca;

	ca = cache_get(rs, rq);
	return (ca != NULL && ca->ca_answer.an_error == RESOLVE_OK ? ca : NULL);
}

void
cache_put(struct resolver *rs, const struct request *rq, const struct resolve_answer *an)
{
	struct cached	*ca;

	if ((ca = cache_get(rs, rq)) != NULL)
		cache_remove(rs, ca);
	while (rs->rs_ncached >= RESOLVE_CACHE_MAX)
		cache_remove(rs, TAILQ_FIRST(&rs->rs_age));
	if ((ca = calloc(1, sizeof(*ca))) == NULL)
		return;
	(void)strlcpy(ca->ca_host, rq->rq_host, sizeof(ca->ca_host));
	ca->ca_port = rq->rq_port;
	ca->ca_proto = rq->rq_proto;
	ca->ca_answer = *an;
	ca->ca_until = cache_now() + (time_t)an->an_ttl;
	RB_INSERT(cache_tree, &rs->rs_cache, ca);
	TAILQ_INSERT_TAIL(&rs->rs_age, ca, ca_age);
	rs->rs_ncached++;
}
