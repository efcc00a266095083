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
 * core: hosts and routes that are not tried for a while; in memory, bounded.
 */
#include <sys/types.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rtab.h"
#include "rtab_int.h"

static int	 skip_cmp(struct skip *, struct skip *);
static void	 skips_init(struct skips *);
static void	 skips_clear(struct skips *);
static struct skip *skip_find(struct skips *, const char *);
static struct skip *skip_get(struct skips *, const char *);
static void	 skip_free(struct skips *, struct skip *);
static void	 route_name(const char *, const char *, char *, size_t);

RB_PROTOTYPE(skip_tree, skip, sp_entry, skip_cmp)
RB_GENERATE(skip_tree, skip, sp_entry, skip_cmp)

static int
skip_cmp(struct skip *a, struct skip *b)
{
	return (strcasecmp(a->sp_name, b->sp_name));
}

static void
skips_init(struct skips *ss)
{
	RB_INIT(&ss->ss_tree);
	TAILQ_INIT(&ss->ss_age);
}

static void
skips_clear(struct skips *ss)
{
	struct skip	*s;

	while ((s = TAILQ_FIRST(&ss->ss_age)) != NULL)
		skip_free(ss, s);
}

void
skip_init(struct rtab *rt)
{
	skips_init(&rt->rt_hosts);
	skips_init(&rt->rt_skips);
}

void
skip_clear(struct rtab *rt)
{
	skips_clear(&rt->rt_hosts);
	skips_clear(&rt->rt_skips);
}

static void
skip_free(struct skips *ss, struct skip *s)
{
	RB_REMOVE(skip_tree, &ss->ss_tree, s);
	TAILQ_REMOVE(&ss->ss_age, s, sp_age);
	ss->ss_count--;
	free(s);
}

static struct skip *
skip_find(struct skips *ss, const char *name)
{
	struct skip	key;

	(void)strlcpy(key.sp_name, name, sizeof(key.sp_name));
	return (RB_FIND(skip_tree, &ss->ss_tree, &key));
}

/* Find or make; the one changed longest ago gives way. */
static struct skip *
skip_get(struct skips *ss, const char *name)
{
	struct skip	*s;

	if ((s = skip_find(ss, name)) != NULL) {
		TAILQ_REMOVE(&ss->ss_age, s, sp_age);
		TAILQ_INSERT_TAIL(&ss->ss_age, s, sp_age);
		return (s);
	}
	if (ss->ss_count >= RTAB_SKIP_MAX)
		skip_free(ss, TAILQ_FIRST(&ss->ss_age));
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	(void)strlcpy(s->sp_name, name, sizeof(s->sp_name));
	RB_INSERT(skip_tree, &ss->ss_tree, s);
	TAILQ_INSERT_TAIL(&ss->ss_age, s, sp_age);
	ss->ss_count++;
	return (s);
}

unsigned
rtab_host_failed(struct rtab *rt, const char *host, uint64_t now_ms)
{
	struct skip	*s;
	uint64_t	 wait = SKIP_HOST_MIN_MS;
	unsigned	 i;

	rt->rt_last_ms = now_ms;
	if ((s = skip_get(&rt->rt_hosts, host)) == NULL)
		return (1);
	/* Calls under way when it failed say nothing new. */
	if (now_ms < s->sp_until)
		return (0);
	s->sp_failures++;
	for (i = 1; i < s->sp_failures && wait < SKIP_HOST_MAX_MS; i++)
		wait *= 2;
	if (wait > SKIP_HOST_MAX_MS)
		wait = SKIP_HOST_MAX_MS;
	s->sp_until = now_ms + wait;
	return (s->sp_failures);
}

void
rtab_host_ok(struct rtab *rt, const char *host)
{
	struct skip	*s;

	if ((s = skip_find(&rt->rt_hosts, host)) != NULL)
		skip_free(&rt->rt_hosts, s);
}

uint64_t
rtab_host_skipped(struct rtab *rt, const char *host, uint64_t now_ms)
{
	struct skip	*s;

	rt->rt_last_ms = now_ms;
	if ((s = skip_find(&rt->rt_hosts, host)) == NULL || now_ms >= s->sp_until)
		return (0);
	return (s->sp_until);
}

static void
route_name(const char *number, const char *domain, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s %s", number, domain);
}

void
rtab_route_skip(struct rtab *rt, const char *number, const char *domain, uint32_t seconds,
    uint64_t now_ms)
{
	struct skip	*s;
	char		 name[DOMAIN_SIZE + E164_SIZE];

	rt->rt_last_ms = now_ms;
	route_name(number, domain, name, sizeof(name));
	if ((s = skip_get(&rt->rt_skips, name)) != NULL)
		s->sp_until = now_ms + (uint64_t)seconds * 1000;
}

uint64_t
rtab_route_skipped(struct rtab *rt, const char *number, const char *domain, uint64_t now_ms)
{
	struct skip	*s;
	char		 name[DOMAIN_SIZE + E164_SIZE];

	rt->rt_last_ms = now_ms;
	route_name(number, domain, name, sizeof(name));
	if ((s = skip_find(&rt->rt_skips, name)) == NULL)
		return (0);
	if (now_ms >= s->sp_until) {
		skip_free(&rt->rt_skips, s);
		return (0);
	}
	return (s->sp_until);
}
