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
 * The route table in sipgw's store.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "e164.h"
#include "rtab.h"
#include "rtab_int.h"
#include "sip_uri.h"
#include "store.h"

#define RTAB_VERSION	1
#define KEY_LEN		8

static const char	gen_key[] = "generation";

static void	 number_key(const char *, uint8_t *);
static int	 take_route(struct cur *, struct rtab_route *);
static int	 token_ok(const char *);
static int	 sweep_one(const void *, size_t, const void *, size_t, uint8_t, void *);
static int	 put_raw(struct rtab *, const char *, const struct wbuf *);
static int	 get_raw(struct rtab *, const char *, struct cur *);

struct rtab *
rtab_new(struct store *st)
{
	struct rtab	*rt;
	uint8_t		 version;

	if ((rt = calloc(1, sizeof(*rt))) == NULL)
		return (NULL);
	rt->rt_routes = store_table(st, "routes", RTAB_VERSION, NULL);
	rt->rt_meta = store_table(st, "meta", RTAB_VERSION, NULL);
	if (rt->rt_routes == NULL || rt->rt_meta == NULL) {
		free(rt);
		return (NULL);
	}
	skip_init(rt);
	if (store_get(rt->rt_meta, gen_key, sizeof(gen_key) - 1, &rt->rt_gen, 1,
	    &version) != 1)
		rt->rt_gen = 0;
	return (rt);
}

void
rtab_free(struct rtab *rt)
{
	if (rt == NULL)
		return;
	skip_clear(rt);
	free(rt);
}

uint64_t
rtab_count(struct rtab *rt)
{
	return (store_count(rt->rt_routes));
}

/* Big-endian, so that the order of keys is that of numbers. */
static void
number_key(const char *number, uint8_t *key)
{
	struct wbuf	w;

	wbuf_init(&w, key, KEY_LEN);
	wbuf_u64(&w, e164_pack(number));
}

/* -- from key -- */

static int
token_ok(const char *s)
{
	for (; *s != '\0'; s++)
		if (!((*s >= '0' && *s <= '9') || (*s >= 'A' && *s <= 'Z') ||
		    (*s >= 'a' && *s <= 'z') || *s == '-' || *s == '_'))
			return (0);
	return (1);
}

static int
take_route(struct cur *c, struct rtab_route *r)
{
	struct sip_uri	u;
	struct span	s;
	uint8_t		n, i;

	memset(r, 0, sizeof(*r));
	(void)cur_u8(c, &r->rr_state);
	(void)cur_u8(c, &r->rr_proofs);
	(void)cur_u8(c, &r->rr_strikes);
	(void)cur_u64(c, &r->rr_not_after);
	(void)cur_u64(c, &r->rr_last_proof);
	(void)cur_lv_str(c, 1, r->rr_domain, sizeof(r->rr_domain));
	(void)cur_lv_str(c, 2, r->rr_ticket, sizeof(r->rr_ticket));
	(void)cur_u8(c, &n);
	if (cur_ok(c) == -1 || n > ROUTE_URIS_MAX || r->rr_domain[0] == '\0' ||
	    r->rr_state < ROUTE_PENDING || r->rr_state > ROUTE_REMOVED ||
	    !token_ok(r->rr_ticket))
		return (cur_fail(c));
	for (i = 0; i < n; i++) {
		if (cur_lv_str(c, 2, r->rr_uris[i], URI_MAX) == -1)
			return (-1);
		s.p = r->rr_uris[i];
		s.len = strlen(s.p);
		if (sip_uri_parse(s, &u) == -1 || !sip_uri_is_tls(&u))
			return (cur_fail(c));
	}
	r->rr_nuris = n;
	return (0);
}

int
rtab_set(struct rtab *rt, const struct imsg_route_set *rs, struct cur *tail)
{
	struct rtab_number	*rn;
	struct rtab_route	 spare, *r;
	uint32_t		 i;
	int			 res = -1, save;

	if (memchr(rs->rs_number, '\0', sizeof(rs->rs_number)) == NULL ||
	    !e164_valid(rs->rs_number)) {
		errno = EINVAL;
		return (-1);
	}
	if ((rn = calloc(1, sizeof(*rn))) == NULL)
		return (-1);
	memcpy(rn->rn_number, rs->rs_number, E164_SIZE);
	for (i = 0; i < rs->rs_count && cur_ok(tail) == 0; i++) {
		r = rn->rn_count < RTAB_DOMAINS_MAX ?
		    &rn->rn_routes[rn->rn_count] : &spare;
		if (take_route(tail, r) == 0 && r != &spare)
			rn->rn_count++;
	}
	if (cur_done(tail) == -1)
		errno = EINVAL;
	else
		res = rtab_put(rt, rn);
	save = errno;
	free(rn);
	errno = save;
	return (res);
}

/* -- table -- */

static int
put_raw(struct rtab *rt, const char *number, const struct wbuf *w)
{
	uint8_t	key[KEY_LEN];

	number_key(number, key);
	if (w == NULL) {
		if (store_put(rt->rt_routes, key, sizeof(key), NULL, 0, NULL,
		    NULL) == -1)
			return (errno == ENOENT ? 0 : -1);
		return (0);
	}
	return (store_put(rt->rt_routes, key, sizeof(key), w->w_buf, w->w_len,
	    NULL, NULL));
}

int
rtab_put(struct rtab *rt, const struct rtab_number *rn)
{
	struct wbuf	w;

	if (!e164_valid(rn->rn_number) || rn->rn_count > RTAB_DOMAINS_MAX) {
		errno = EINVAL;
		return (-1);
	}
	if (rn->rn_count == 0)
		return (put_raw(rt, rn->rn_number, NULL));
	wbuf_init(&w, rt->rt_buf, sizeof(rt->rt_buf));
	wbuf_u8(&w, rt->rt_gen);
	if (rtab_encode(rn, &w) == -1) {
		errno = EMSGSIZE;
		return (-1);
	}
	return (put_raw(rt, rn->rn_number, &w));
}

/* The record of a number into rt_buf; the cursor stands behind the generation. */
static int
get_raw(struct rtab *rt, const char *number, struct cur *c)
{
	uint8_t	key[KEY_LEN], version, gen;
	ssize_t	n;

	if (!e164_valid(number)) {
		errno = ENOENT;
		return (-1);
	}
	number_key(number, key);
	n = store_get(rt->rt_routes, key, sizeof(key), rt->rt_buf,
	    sizeof(rt->rt_buf), &version);
	if (n == -1)
		return (-1);
	cur_init(c, rt->rt_buf, (size_t)n);
	if (version != RTAB_VERSION || cur_u8(c, &gen) == -1) {
		errno = EBADMSG;
		return (-1);
	}
	return (0);
}

int
rtab_get(struct rtab *rt, const char *number, struct rtab_number *rn)
{
	struct cur	c;

	if (get_raw(rt, number, &c) == -1)
		return (-1);
	if (rtab_decode(number, &c, rn) == -1) {
		errno = EBADMSG;
		return (-1);
	}
	return (0);
}

int
rtab_active(struct rtab *rt, const char *number, uint64_t now_s, struct rtab_route *r,
    unsigned *state)
{
	/* The best state first. */
	static const uint8_t	rank[] = {
		[ROUTE_NONE] = 0, [ROUTE_REMOVED] = 1, [ROUTE_EXPIRED] = 2,
		[ROUTE_PENDING] = 3, [ROUTE_SUSPENDED] = 4, [ROUTE_ACTIVE] = 5
	};
	struct cur	c;
	uint8_t		n, st;

	*state = ROUTE_NONE;
	if (get_raw(rt, number, &c) == -1)
		return (-1);
	(void)cur_u8(&c, &n);
	for (; n > 0; n--) {
		if (route_decode(number, &c, r) == -1)
			return (-1);
		st = r->rr_state;
		if (st == ROUTE_ACTIVE) {
			if (r->rr_not_after > now_s && r->rr_ticket[0] != '\0' &&
			    r->rr_nuris > 0) {
				*state = ROUTE_ACTIVE;
				return (0);
			}
			st = ROUTE_EXPIRED;
		}
		if (st <= ROUTE_REMOVED && rank[st] > rank[*state])
			*state = st;
	}
	return (-1);
}

int
rtab_ties(struct rtab *rt, const char *number, const char *domain)
{
	struct rtab_route	r;
	struct cur		c;
	uint8_t			n;

	if (get_raw(rt, number, &c) == -1)
		return (0);
	(void)cur_u8(&c, &n);
	for (; n > 0 && route_decode(number, &c, &r) == 0; n--)
		if (strcasecmp(r.rr_domain, domain) == 0)
			return (r.rr_state == ROUTE_ACTIVE ||
			    r.rr_state == ROUTE_SUSPENDED);
	return (0);
}

int
rtab_unmarked(struct rtab *rt, const char *number, const char *domain, uint64_t now_s)
{
	struct rtab_route	rr;
	unsigned		state;
	int			r;

	r = rtab_active(rt, number, now_s, &rr, &state) == 0 && rr.rr_strikes == 0 &&
	    strcasecmp(rr.rr_domain, domain) == 0;
	explicit_bzero(rr.rr_ticket, sizeof(rr.rr_ticket));
	return (r);
}

unsigned
rtab_outcome(struct rtab *rt, const char *number, const char *domain,
    enum route_outcome outcome)
{
	struct rtab_number	*rn;
	struct rtab_route	*r;
	size_t			 i;
	unsigned		 state = ROUTE_NONE;

	if ((rn = calloc(1, sizeof(*rn))) == NULL)
		return (ROUTE_NONE);
	if (rtab_get(rt, number, rn) == -1)
		goto done;
	for (i = 0; i < rn->rn_count; i++)
		if (strcasecmp(rn->rn_routes[i].rr_domain, domain) == 0)
			break;
	if (i == rn->rn_count)
		goto done;
	r = &rn->rn_routes[i];
	switch (outcome) {
	case OUTCOME_OK:
		if (r->rr_strikes == 0) {
			state = r->rr_state;
			goto done;
		}
		r->rr_strikes = 0;
		break;
	case OUTCOME_STRIKE:
		if (r->rr_strikes < UINT8_MAX)
			r->rr_strikes++;
		if (r->rr_strikes >= 2 && r->rr_state == ROUTE_ACTIVE)
			r->rr_state = ROUTE_SUSPENDED;
		break;
	case OUTCOME_EXPIRED:
		r->rr_state = ROUTE_EXPIRED;
		break;
	case OUTCOME_REMOVED:
		r->rr_state = ROUTE_REMOVED;
		break;
	}
	state = r->rr_state;
	if (state == ROUTE_REMOVED) {
		memmove(r, r + 1, (rn->rn_count - i - 1) * sizeof(*r));
		rn->rn_count--;
	}
	if (rtab_put(rt, rn) == -1)
		/* The store is full or broken: at least not now again. */
		rtab_route_skip(rt, number, domain, 3600, rt->rt_last_ms);
 done:
	free(rn);
	return (state);
}

int
rtab_walk(struct rtab *rt, const char *from,
    int (*cb)(const struct rtab_number *, void *), void *arg)
{
	struct rtab_number	*rn;
	struct cur		 c;
	uint8_t			 key[KEY_LEN], version, gen;
	char			 number[E164_SIZE];
	size_t			 keylen;
	uint64_t		 pos;
	ssize_t			 n;
	int			 r = 0;

	if ((rn = calloc(1, sizeof(*rn))) == NULL)
		return (-1);
	pos = from == NULL ? 0 : e164_pack(from);
	for (;;) {
		struct wbuf	w;

		wbuf_init(&w, key, sizeof(key));
		wbuf_u64(&w, pos);
		keylen = sizeof(key);
		n = store_next(rt->rt_routes, key, &keylen, sizeof(key),
		    rt->rt_buf, sizeof(rt->rt_buf), &version);
		if (n == -1) {
			r = errno == ENOENT ? 0 : -1;
			break;
		}
		cur_init(&c, key, keylen);
		if (cur_u64(&c, &pos) == -1 || pos == UINT64_MAX)
			break;
		e164_unpack(pos++, number);
		cur_init(&c, rt->rt_buf, (size_t)n);
		(void)cur_u8(&c, &gen);
		if (number[0] == '\0' || rtab_decode(number, &c, rn) == -1)
			continue;
		if ((r = cb(rn, arg)) != 0)
			break;
	}
	free(rn);
	return (r);
}

/* -- synchronisation -- */

void
rtab_sync_begin(struct rtab *rt)
{
	rt->rt_gen++;
	(void)store_put(rt->rt_meta, gen_key, sizeof(gen_key) - 1, &rt->rt_gen, 1,
	    NULL, NULL);
}

static int
sweep_one(const void *key, size_t keylen, const void *val, size_t len, uint8_t version,
    void *arg)
{
	struct rtab	*rt = arg;
	struct cur	 c;
	uint8_t		 gen;

	(void)key;
	(void)keylen;
	cur_init(&c, val, len);
	if (cur_u8(&c, &gen) == 0 && gen == rt->rt_gen && version == RTAB_VERSION)
		return (0);
	rt->rt_swept++;
	return (1);
}

int
rtab_sync_end(struct rtab *rt)
{
	rt->rt_swept = 0;
	if (store_walk(rt->rt_routes, sweep_one, rt) == -1)
		return (-1);
	return (rt->rt_swept);
}
