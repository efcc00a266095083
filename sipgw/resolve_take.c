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
/* core: DNS answers as bytes to names, addresses and times to live. */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <ares.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "choice.h"
#include "cursor.h"
#include "resolve_take.h"

#define ANSWERS_MAX	256

static int	take_name(const char *, char *, size_t);
static int	skip_name(struct cur *);

/* A name that DNS gave us, to be asked for: 0, or -1. */
static int
take_name(const char *name, char *out, size_t size)
{
	size_t	n;

	if (name == NULL || name[0] == '\0' || strcmp(name, ".") == 0 ||
	    (n = strlcpy(out, name, size)) >= size)
		return (-1);
	if (n > 1 && out[n - 1] == '.')
		out[n - 1] = '\0';
	return (0);
}

int
take_naptr(const uint8_t *p, size_t len, const char *service, char *out, size_t size)
{
	struct ares_naptr_reply	*list = NULL, *n, *best = NULL;
	int			 r = 0;

	if (len > INT_MAX || ares_parse_naptr_reply(p, (int)len, &list) != ARES_SUCCESS)
		return (0);
	for (n = list; n != NULL; n = n->next) {
		if (strcasecmp((const char *)n->service, service) != 0 ||
		    strcasecmp((const char *)n->flags, "s") != 0 ||
		    n->regexp[0] != '\0')
			continue;
		if (best == NULL || n->order < best->order ||
		    (n->order == best->order && n->preference < best->preference))
			best = n;
	}
	if (best != NULL && take_name(best->replacement, out, size) == 0)
		r = 1;
	ares_free_data(list);
	return (r);
}

size_t
take_srv(const uint8_t *p, size_t len, struct srv *out, size_t max, int *none,
    uint32_t (*rnd)(void *, uint32_t), void *arg)
{
	struct ares_srv_reply	*list = NULL, *s, *all[TAKE_SRV_MAX];
	struct choice		 ch[TAKE_SRV_MAX];
	size_t			 i, n = 0, have = 0;

	*none = 0;
	if (len > INT_MAX || ares_parse_srv_reply(p, (int)len, &list) != ARES_SUCCESS)
		return (0);
	for (s = list; s != NULL && n < TAKE_SRV_MAX; s = s->next) {
		all[n] = s;
		ch[n].ch_priority = s->priority;
		ch[n].ch_weight = s->weight;
		ch[n].ch_index = (uint16_t)n;
		n++;
	}
	choice_order(ch, n, rnd, arg);
	for (i = 0; i < n && have < max; i++) {
		s = all[ch[i].ch_index];
		if (s->port == 0 ||
		    take_name(s->host, out[have].sv_host, sizeof(out[have].sv_host)) == -1)
			continue;
		out[have].sv_port = s->port;
		out[have].sv_priority = s->priority;
		out[have].sv_weight = s->weight;
		have++;
	}
	/* Records that lead nowhere: the domain has no such service. */
	*none = n > 0 && have == 0;
	ares_free_data(list);
	return (have);
}

size_t
take_addrs(const uint8_t *p, size_t len, int family, uint16_t port, struct vaddr *out,
    size_t max)
{
	struct ares_addrttl	 a4[TAKE_ADDRS_MAX];
	struct ares_addr6ttl	 a6[TAKE_ADDRS_MAX];
	size_t			 i;
	int			 n = TAKE_ADDRS_MAX;

	if (len > INT_MAX)
		return (0);
	if (family == 4) {
		if (ares_parse_a_reply(p, (int)len, NULL, a4, &n) != ARES_SUCCESS)
			return (0);
	} else if (ares_parse_aaaa_reply(p, (int)len, NULL, a6, &n) != ARES_SUCCESS)
		return (0);
	for (i = 0; n > 0 && i < (size_t)n && i < TAKE_ADDRS_MAX && i < max; i++) {
		memset(&out[i], 0, sizeof(out[i]));
		out[i].va_family = (uint8_t)family;
		out[i].va_port = port;
		if (family == 4)
			memcpy(out[i].va_addr, &a4[i].ipaddr, 4);
		else
			memcpy(out[i].va_addr, &a6[i].ip6addr, 16);
	}
	return (i);
}

/* Past a name: labels, or a pointer, which ends it (RFC 1035 4.1.4). */
static int
skip_name(struct cur *c)
{
	uint8_t	len;
	int	i;

	for (i = 0; i < 128; i++) {
		if (cur_u8(c, &len) == -1)
			return (-1);
		if (len == 0)
			return (0);
		if ((len & 0xc0) == 0xc0)
			return (cur_skip(c, 1));
		if ((len & 0xc0) != 0)
			return (cur_fail(c));
		if (cur_skip(c, len) == -1)
			return (-1);
	}
	return (cur_fail(c));
}

uint32_t
take_ttl(const uint8_t *p, size_t len)
{
	struct cur	c;
	uint16_t	questions, answers, rdlen;
	uint32_t	ttl, least = UINT32_MAX;

	cur_init(&c, p, len);
	cur_skip(&c, 4);
	cur_u16(&c, &questions);
	cur_u16(&c, &answers);
	if (cur_skip(&c, 4) == -1 || questions > 1 || answers > ANSWERS_MAX)
		return (least);
	while (questions-- > 0)
		if (skip_name(&c) == -1 || cur_skip(&c, 4) == -1)
			return (least);
	while (answers-- > 0) {
		skip_name(&c);
		cur_skip(&c, 4);
		cur_u32(&c, &ttl);
		cur_u16(&c, &rdlen);
		if (cur_skip(&c, rdlen) == -1)
			return (least);
		/* RFC 2181 8: with the highest bit set it means 0. */
		if (ttl > INT32_MAX)
			ttl = 0;
		if (ttl < least)
			least = ttl;
	}
	return (least);
}
