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
 * core: PBXs and trunks: their addresses as configured or looked up, whether
 * they answer, and the order in which a call tries them.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "choice.h"
#include "proxy_int.h"

#define RANKS	3

static int	 dest_rank(const struct dest *, uint64_t);
static struct dest *dest_take(struct hop *, size_t n, const struct vaddr *, uint8_t proto);
static void	 dest_free(struct dest *);
static int	 dest_nowhere(const struct vaddr *);
static void	 hop_set(struct proxy *, struct hop *, const struct proxy_addr *, size_t);
static int	 hop_listens(const struct proxy *, const struct conf_hop *,
		    const struct vaddr *);
static void	 hop_first(struct proxy *, struct dest *);
static void	 dest_left(struct dest *);
static uint32_t	 hop_random(void *);
static uint32_t	 hop_draw(void *, uint32_t);
static void	 hop_dests(struct pctx *, const struct hop *, int rank);
static const char *proto_str(uint8_t);

static const char *
proto_str(uint8_t proto)
{
	return (proto == SIP_UDP ? "udp" : proto == SIP_TCP ? "tcp" : "tls");
}

/* -- configuration and addresses -- */

static void
dest_free(struct dest *de)
{
	if (de == NULL)
		return;
	ping_stop(de);
	free(de);
}

void
hops_free(struct proxy *px)
{
	size_t	i, j;

	for (i = 0; i < px->px_nhops; i++)
		for (j = 0; j < px->px_hops[i].ho_ndests; j++)
			dest_free(px->px_hops[i].ho_dests[j]);
	free(px->px_hops);
	px->px_hops = NULL;
	px->px_nhops = 0;
}

/* One of theirs with that address and transport; it is theirs no more. */
static struct dest *
dest_take(struct hop *hops, size_t n, const struct vaddr *va, uint8_t proto)
{
	struct dest	*de;
	size_t		 i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < hops[i].ho_ndests; j++) {
			de = hops[i].ho_dests[j];
			if (de == NULL || de->de_conf->ch_proto != proto ||
			    !vaddr_eq(&de->de_addr, va))
				continue;
			hops[i].ho_dests[j] = NULL;
			return (de);
		}
	return (NULL);
}

/* Can we talk to that family from an address of ours? */
static int
hop_listens(const struct proxy *px, const struct conf_hop *ch, const struct vaddr *va)
{
	const struct conf_listen	*cl;

	TAILQ_FOREACH(cl, &px->px_conf->c_listens, cl_entry) {
		if (cl->cl_use == LISTEN_SIP && cl->cl_face == FACE_INSIDE &&
		    cl->cl_addr.va_family == va->va_family &&
		    (ch->ch_proto != SIP_UDP || cl->cl_proto == SIP_UDP))
			return (1);
	}
	return (0);
}

/* DNS may say anything; a PBX on a private address is fine. */
static int
dest_nowhere(const struct vaddr *va)
{
	const char	*special = vaddr_special(va);

	return (va->va_port == 0 || (special != NULL &&
	    (strcmp(special, "unspecified") == 0 || strcmp(special, "multicast") == 0)));
}

/* Addresses that stay keep what is known of them. */
static void
hop_set(struct proxy *px, struct hop *ho, const struct proxy_addr *list, size_t n)
{
	struct hop	 old = *ho;
	struct dest	*de;
	size_t		 i;

	ho->ho_ndests = 0;
	memset(&ho->ho_addr, 0, sizeof(ho->ho_addr));
	for (i = 0; i < n && ho->ho_ndests < HOP_DESTS; i++) {
		if (!hop_listens(px, ho->ho_conf, &list[i].pa_addr) ||
		    dest_nowhere(&list[i].pa_addr))
			continue;
		de = dest_take(&old, 1, &list[i].pa_addr, ho->ho_conf->ch_proto);
		if (de == NULL) {
			if ((de = calloc(1, sizeof(*de))) == NULL)
				break;
			de->de_px = px;
			de->de_conf = ho->ho_conf;
			de->de_addr = list[i].pa_addr;
			(void)vaddr_host(&de->de_addr, de->de_host, sizeof(de->de_host));
			ping_init(de);
		}
		de->de_priority = list[i].pa_priority;
		de->de_weight = list[i].pa_weight;
		de->de_server = list[i].pa_server;
		ho->ho_dests[ho->ho_ndests++] = de;
	}
	for (i = 0; i < old.ho_ndests; i++)
		dest_free(old.ho_dests[i]);
	if (ho->ho_ndests > 0)
		hop_first(px, ho->ho_dests[0]);
	else if (n > 0)
		px_log(px, PROXY_ALARM, "%s %s: none of its addresses can be used: no inside "
		    "listener of that family, or not the address of a host",
		    ho->ho_conf->ch_trunk ? "trunk" : "pbx",
		    ho->ho_conf->ch_name);
}

/* From an older configuration: the same address by the same transport. */
static void
hop_inherit(struct proxy *px, struct hop *ho, struct hop *old, size_t nold)
{
	const struct conf_hop	*ch = ho->ho_conf, *was;
	struct dest		*de;
	size_t			 i, j;

	for (i = 0; i < nold; i++) {
		was = old[i].ho_conf;
		if (was->ch_proto != ch->ch_proto || was->ch_trunk != ch->ch_trunk ||
		    strcasecmp(was->ch_host, ch->ch_host) != 0 ||
		    was->ch_addr.va_port != ch->ch_addr.va_port)
			continue;
		for (j = 0; j < old[i].ho_ndests; j++) {
			if ((de = old[i].ho_dests[j]) == NULL ||
			    !hop_listens(px, ch, &de->de_addr))
				continue;
			old[i].ho_dests[j] = NULL;
			de->de_conf = ch;
			ho->ho_dests[ho->ho_ndests++] = de;
			if (de->de_phase == PING_IDLE)
				ping_init(de);
		}
		if (ho->ho_ndests > 0) {
			hop_first(px, ho->ho_dests[0]);
			return;
		}
	}
}

void
proxy_conf(struct proxy *px, const struct conf *conf)
{
	struct conf_hop	*ch;
	struct hop	*hops, *old = px->px_hops;
	struct proxy_addr pa;
	size_t		 i, j, n = 0, nold = px->px_nhops;

	px->px_conf = conf;
	px->px_nlocals = 0;
	TAILQ_FOREACH(ch, &conf->c_hops, ch_entry)
		n++;
	if ((hops = calloc(n + !n, sizeof(*hops))) == NULL) {
		hops_free(px);
		return;
	}
	px->px_hops = hops;
	px->px_nhops = n;
	n = 0;
	TAILQ_FOREACH(ch, &conf->c_hops, ch_entry) {
		hops[n].ho_conf = ch;
		hop_inherit(px, &hops[n], old, nold);
		if (ch->ch_addr.va_family != 0 && hops[n].ho_ndests == 0) {
			memset(&pa, 0, sizeof(pa));
			pa.pa_addr = ch->ch_addr;
			hop_set(px, &hops[n], &pa, 1);
		}
		n++;
	}
	for (i = 0; i < nold; i++)
		for (j = 0; j < old[i].ho_ndests; j++)
			dest_free(old[i].ho_dests[j]);
	free(old);
	media_conf(px);
}

void
proxy_hop_addrs(struct proxy *px, const char *host, uint16_t port, uint8_t proto,
    const struct proxy_addr *list, size_t n)
{
	const struct conf_hop	*ch;
	size_t			 i;

	for (i = 0; i < px->px_nhops; i++) {
		ch = px->px_hops[i].ho_conf;
		if (ch->ch_addr.va_family == 0 && ch->ch_addr.va_port == port &&
		    ch->ch_proto == proto && strcasecmp(ch->ch_host, host) == 0)
			hop_set(px, &px->px_hops[i], list, n);
	}
}

int
hop_has(const struct hop *ho, const struct vaddr *va)
{
	size_t	i;

	for (i = 0; i < ho->ho_ndests; i++)
		if (vaddr_host_eq(&ho->ho_dests[i]->de_addr, va))
			return (1);
	return (0);
}

uint8_t
hop_proto(const struct proxy *px, const struct vaddr *va, uint8_t proto)
{
	const struct hop	*ho;
	uint8_t			 found = 0;
	size_t			 i, j;

	for (i = 0; i < px->px_nhops; i++) {
		ho = &px->px_hops[i];
		for (j = 0; j < ho->ho_ndests; j++) {
			if (!vaddr_eq(&ho->ho_dests[j]->de_addr, va))
				continue;
			if (ho->ho_conf->ch_proto == proto)
				return (proto);
			found = ho->ho_conf->ch_proto;
		}
	}
	return (found != 0 ? found : proto);
}

/* -- state -- */

/* Which address of its hop is used first, for whom one is enough. */
static void
hop_first(struct proxy *px, struct dest *de)
{
	struct hop	*ho = NULL;
	size_t		 i, j;
	int		 rank;

	for (i = 0; i < px->px_nhops; i++)
		if (px->px_hops[i].ho_conf == de->de_conf)
			ho = &px->px_hops[i];
	if (ho == NULL || ho->ho_ndests == 0)
		return;
	for (rank = 0; rank < RANKS; rank++)
		for (j = 0; j < ho->ho_ndests; j++)
			if (dest_rank(ho->ho_dests[j], px_now(px)) == rank) {
				ho->ho_addr = ho->ho_dests[j]->de_addr;
				return;
			}
}

/* Up, heard of, tried last: 0, 1, 2. */
static int
dest_rank(const struct dest *de, uint64_t now)
{
	if (de->de_state == HOP_DOWN)
		return (de->de_conf->ch_ping != 0 || de->de_until > now ? 2 : 0);
	return (de->de_until > now ? 1 : 0);
}

void
dest_up(struct dest *de, int status, int ping)
{
	struct proxy	*px = de->de_px;
	char		 addr[VADDR_STRLEN];

	de->de_last = px_now(px);
	de->de_status = (uint16_t)status;
	if (ping)
		de->de_pinged = 1;
	else
		de->de_called = 1;
	if (de->de_state == HOP_UP)
		return;
	if (ping && de->de_state == HOP_DOWN && ++de->de_good < HOP_PING_GOOD)
		return;
	px_log(px, PROXY_INFO, "%s %s answers%s: address=%s transport=%s",
	    de->de_conf->ch_trunk ? "trunk" : "pbx", de->de_conf->ch_name,
	    de->de_state == HOP_DOWN ? " again" : "",
	    vaddr_str(&de->de_addr, addr, sizeof(addr)), proto_str(de->de_conf->ch_proto));
	de->de_state = HOP_UP;
	de->de_since = px_now(px);
	de->de_until = 0;
	de->de_good = 0;
	hop_first(px, de);
}

/* Was it the last of its kind? */
static void
dest_left(struct dest *de)
{
	struct proxy	*px = de->de_px;
	struct hop	*ho;
	size_t		 i, j;

	for (i = 0; i < px->px_nhops; i++) {
		ho = &px->px_hops[i];
		if (ho->ho_conf->ch_trunk != de->de_conf->ch_trunk)
			continue;
		for (j = 0; j < ho->ho_ndests; j++)
			if (ho->ho_dests[j]->de_state != HOP_DOWN)
				return;
	}
	px_log(px, PROXY_ALARM, de->de_conf->ch_trunk ? "no trunk answers: calls to the "
	    "public network fail" : "no pbx answers: nobody here can be called");
}

void
dest_down(struct dest *de, const char *why)
{
	struct proxy	*px = de->de_px;
	char		 addr[VADDR_STRLEN];
	int		 fresh;

	fresh = de->de_state != HOP_DOWN ||
	    (de->de_conf->ch_ping == 0 && de->de_until <= px_now(px));
	de->de_good = 0;
	de->de_until = px_now(px) + HOP_DOWN_MS;
	if (!fresh)
		return;
	if (de->de_state != HOP_DOWN)
		de->de_since = px_now(px);
	de->de_state = HOP_DOWN;
	px_log(px, PROXY_ALARM, "%s %s does not answer: address=%s transport=%s reason=%s",
	    de->de_conf->ch_trunk ? "trunk" : "pbx", de->de_conf->ch_name,
	    vaddr_str(&de->de_addr, addr, sizeof(addr)), proto_str(de->de_conf->ch_proto),
	    why);
	dest_left(de);
	hop_first(px, de);
	ping_again(de);
}

/* 503 with a Retry-After: it lives, but not for us. */
void
dest_busy(struct dest *de, uint32_t retry)
{
	struct proxy	*px = de->de_px;

	if (retry > HOP_BUSY_S)
		retry = HOP_BUSY_S;
	if (de->de_until <= px_now(px))
		px_log(px, PROXY_INFO, "%s %s is overloaded: tried last for %u s",
		    de->de_conf->ch_trunk ? "trunk" : "pbx", de->de_conf->ch_name,
		    (unsigned)retry);
	de->de_until = px_now(px) + (uint64_t)retry * 1000;
	hop_first(px, de);
}

#define EACH_DEST(px, ho, de, va, proto, i, j)						\
	for (i = 0; i < (px)->px_nhops; i++)						\
		for (ho = &(px)->px_hops[i], j = 0; j < ho->ho_ndests; j++)		\
			if ((de = ho->ho_dests[j])->de_conf->ch_proto == (proto) &&	\
			    vaddr_eq(&de->de_addr, va))

void
hop_heard(struct proxy *px, const struct vaddr *va, uint8_t proto, int status,
    uint32_t retry)
{
	struct hop	*ho;
	struct dest	*de;
	size_t		 i, j;

	EACH_DEST(px, ho, de, va, proto, i, j) {
		dest_up(de, status, 0);
		if (status == 503 && retry != 0)
			dest_busy(de, retry);
	}
}

void
hop_silent(struct proxy *px, const struct vaddr *va, uint8_t proto, const char *why)
{
	struct hop	*ho;
	struct dest	*de;
	size_t		 i, j;

	EACH_DEST(px, ho, de, va, proto, i, j)
		dest_down(de, why);
}

void
hop_called(struct proxy *px, const struct vaddr *va, uint8_t proto)
{
	struct hop	*ho;
	struct dest	*de;
	size_t		 i, j;

	EACH_DEST(px, ho, de, va, proto, i, j)
		de->de_calls++;
}

/* -- choice -- */

static uint32_t
hop_random(void *arg)
{
	struct proxy	*px = arg;
	uint32_t	 r;

	px->px_ops->po_random(px->px_ctx, &r, sizeof(r));
	return (r);
}

static uint32_t
hop_draw(void *arg, uint32_t bound)
{
	return (choice_uniform(bound, hop_random, arg));
}

/* The addresses of one hop that have that rank: servers drawn by weight, each
 * with its addresses. */
static void
hop_dests(struct pctx *pc, const struct hop *ho, int rank)
{
	struct proxy	*px = pc->pc_px;
	struct choice	 ch[HOP_DESTS];
	struct dest	*de;
	struct target	*tg;
	size_t		 i, j, k, n = 0;

	for (i = 0; i < ho->ho_ndests; i++) {
		de = ho->ho_dests[i];
		for (j = 0; j < n && ch[j].ch_index != de->de_server; j++)
			;
		if (j < n)
			continue;
		ch[n].ch_priority = de->de_priority;
		ch[n].ch_weight = de->de_weight;
		ch[n++].ch_index = de->de_server;
	}
	choice_order(ch, n, hop_draw, px);
	for (k = 0; k < n; k++)
		for (i = 0; i < ho->ho_ndests; i++) {
			de = ho->ho_dests[i];
			if (de->de_server != ch[k].ch_index ||
			    dest_rank(de, px_now(px)) != rank)
				continue;
			if (pc->pc_ntargets == PX_TARGETS)
				return;
			tg = &pc->pc_targets[pc->pc_ntargets++];
			tg->tg_addr = de->de_addr;
			tg->tg_proto = ho->ho_conf->ch_proto;
		}
}

/* Those that are up by priority and weight, then those that said busy, then
 * those that do not answer. */
void
hop_targets(struct pctx *pc, int trunk)
{
	struct proxy		*px = pc->pc_px;
	const struct hop	*ho;
	struct choice		 ch[PX_HOPS];
	size_t			 i, j, n;
	int			 rank;

	pc->pc_ntargets = pc->pc_next = 0;
	for (rank = 0; rank < RANKS; rank++) {
		n = 0;
		for (i = 0; i < px->px_nhops && n < PX_HOPS; i++) {
			ho = &px->px_hops[i];
			if (ho->ho_conf->ch_trunk != trunk)
				continue;
			for (j = 0; j < ho->ho_ndests; j++)
				if (dest_rank(ho->ho_dests[j], px_now(px)) == rank)
					break;
			if (j == ho->ho_ndests)
				continue;
			ch[n].ch_priority = ho->ho_conf->ch_priority;
			ch[n].ch_weight = ho->ho_conf->ch_weight;
			ch[n++].ch_index = (uint16_t)i;
		}
		choice_order(ch, n, hop_draw, px);
		for (i = 0; i < n; i++)
			hop_dests(pc, &px->px_hops[ch[i].ch_index], rank);
	}
}

/* -- for show -- */

int
proxy_hop_get(const struct proxy *px, size_t n, struct proxy_hop *out)
{
	const struct hop	*ho;
	const struct dest	*de;
	size_t			 i, rows;

	for (i = 0; i < px->px_nhops; i++) {
		ho = &px->px_hops[i];
		rows = ho->ho_ndests > 0 ? ho->ho_ndests : 1;
		if (n < rows)
			break;
		n -= rows;
	}
	if (i == px->px_nhops)
		return (-1);
	memset(out, 0, sizeof(*out));
	out->ph_conf = ho->ho_conf;
	if (ho->ho_ndests == 0) {
		out->ph_state = HOP_NO_ADDRESS;
		return (0);
	}
	de = ho->ho_dests[n];
	out->ph_addr = de->de_addr;
	out->ph_state = de->de_state != HOP_DOWN && de->de_until > px_now(px) ? HOP_BUSY :
	    (enum proxy_hop_state)de->de_state;
	out->ph_since = de->de_since;
	out->ph_last = de->de_last;
	out->ph_status = de->de_status;
	out->ph_calls = de->de_calls;
	return (0);
}

const char *
proxy_hop_str(enum proxy_hop_state s)
{
	switch (s) {
	case HOP_UNKNOWN:
		return ("unknown");
	case HOP_UP:
		return ("up");
	case HOP_DOWN:
		return ("down");
	case HOP_BUSY:
		return ("busy");
	case HOP_NO_ADDRESS:
		break;
	}
	return ("no-address");
}
