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
 * Fuzz target: a member of the ring sends anything, and its links do anything.
 * The input is read as steps.  First byte of a step, by its low three bits:
 *
 * 0  a whole message as it comes from a link (bit 3: another one of its links)
 * 1  contents of a message that the member signed, to the victim's Node-ID
 * 2  the same, to a place of the victim
 * 3  the beginning of a message above max-message-size
 * 4  a link of the member comes up, inbound if bit 3 is set
 * 5  one of its links goes down
 * 6  acks of one of its links are overdue, or come again (bit 3)
 * 7  time passes, until the next moment or (bit 3) without the victim
 *
 * Steps 0 to 3 are followed by two bytes of length (0: all that is left) and the
 * message; bit 4 lets no time pass after a step.
 */

#include "simnet.h"

#define LINKS	4	/* of the member, besides the one it has */
#define STEPS	24

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct sim	*si;
static unsigned		 runs;
static uint64_t		 links[LINKS];

static void	 fresh(void);
static void	 message(struct simnode *, struct simnode *, unsigned, const uint8_t *,
		    size_t);
static void	 too_large(struct simnode *, struct simnode *, const uint8_t *, size_t);
static void	 link_step(struct simnode *, struct simnode *, unsigned);
static uint64_t	 some_link(const struct simnode *, const struct simnode *, unsigned);
static void	 bounds(const struct node *);

static void
fresh(void)
{
	int		 i;

	if (si != NULL)
		sim_free(si);
	if (sodium_init() == -1)
		abort();
	si = sim_new(3, 1);
	for (i = 0; i < 3; i++)
		(void)sim_on(si, i);
	if (sim_join(si, 240000) == -1)
		abort();
	sim_for(si, 5000);
	memset(links, 0, sizeof(links));
	runs = 0;
}

static void
message(struct simnode *evil, struct simnode *victim, unsigned how, const uint8_t *data,
    size_t len)
{
	struct node_dest nd;
	uint8_t		*msg;
	uint64_t	 id;
	size_t		 n;

	if ((how & 7) == 0 && (how & 8) == 0) {
		(void)sim_inject(evil, victim, data, len);
		return;
	}
	if ((how & 7) == 0) {
		sim_clock(victim);
		if ((id = some_link(evil, victim, how >> 5)) != 0 &&
		    node_input(victim->sn_node, id, data, len) == -1)
			node_link_down(victim->sn_node, id);
		sim_rewake(victim);
		return;
	}
	if ((msg = malloc(len + 1024)) == NULL)
		return;
	memset(&nd, 0, sizeof(nd));
	nd.nd_type = (how & 7) == 2 ? WIRE_DEST_RESOURCE : WIRE_DEST_NODE;
	nd.nd_id = victim->sn_id;
	n = sim_message(evil, &nd, sim_rand(si), 100, 1, data, len, &si->si_node[2], 0,
	    msg, len + 1024);
	(void)sim_inject(evil, victim, msg, n);
	free(msg);
}

static uint64_t
some_link(const struct simnode *evil, const struct simnode *victim, unsigned which)
{
	struct node_peer *np;

	which %= LINKS + 1;
	if (which < LINKS)
		return (links[which]);
	np = node_peer_find(victim->sn_node, &evil->sn_id);
	return (np == NULL ? 0 : route_peer_link(np));
}

/* As link.c does with it: more and more of it, until it is told to close. */
static void
too_large(struct simnode *evil, struct simnode *victim, const uint8_t *data, size_t len)
{
	struct simlink	*sl;
	uint64_t	 id = some_link(evil, victim, LINKS);
	size_t		 n;
	int		 r = 1;

	sim_clock(victim);
	for (n = 1; n <= len && r == 1; n += 1 + n / 8)
		r = node_too_large(victim->sn_node, id, data, n);
	if (r == -1 && id != 0) {
		if ((sl = sim_link(victim, id)) != NULL)
			sim_unlink(victim, sl, 1);
		node_link_down(victim->sn_node, id);
	}
	sim_rewake(victim);
}

/* Links beyond those of the network: only the victim knows them. */
static void
link_step(struct simnode *evil, struct simnode *victim, unsigned step)
{
	struct simlink	*sl;
	unsigned	 which = step >> 5;
	uint64_t	 id;

	sim_clock(victim);
	if ((step & 7) == 4) {
		which %= LINKS;
		if (links[which] != 0)
			node_link_down(victim->sn_node, links[which]);
		links[which] = node_link_id(victim->sn_node);
		if (node_link_up(victim->sn_node, links[which], &evil->sn_id,
		    &evil->sn_addr, (step & 8) != 0) == -1)
			links[which] = 0;
	} else if ((id = some_link(evil, victim, which)) != 0 && (step & 7) == 5) {
		if ((sl = sim_link(victim, id)) != NULL)
			sim_unlink(victim, sl, 1);
		node_link_down(victim->sn_node, id);
		if (which % (LINKS + 1) < LINKS)
			links[which % (LINKS + 1)] = 0;
	} else if (id != 0)
		node_link_suspect(victim->sn_node, id, (step & 8) == 0);
	sim_rewake(victim);
}

static void
bounds(const struct node *n)
{
	if (n->n_nlinks > NODE_LINKS_MAX || n->n_npeers > NODE_LINKS_MAX ||
	    n->n_nreqs > NODE_REQS_MAX || n->n_nsigwait > NODE_SIGN_QUEUE_MAX ||
	    n->n_sigbytes > 2 * NODE_SIGN_BYTES_MAX || n->n_ndups > 8192)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct simnode	*evil, *victim;
	unsigned	 step, steps;
	size_t		 n, used = 0;

	if (len < 1 || len > 32768)
		return (0);
	if (si == NULL || runs++ > 2000 || node_peer_find(si->si_node[0].sn_node,
	    &si->si_node[1].sn_id) == NULL)
		fresh();
	victim = &si->si_node[0];
	evil = &si->si_node[1];
	for (steps = 0; used < len && steps < STEPS; steps++) {
		step = data[used++];
		if ((step & 7) <= 3) {
			if (len - used < 2)
				break;
			n = (size_t)data[used] << 8 | data[used + 1];
			used += 2;
			if (n == 0 || n > len - used)
				n = len - used;
			if ((step & 7) == 3)
				too_large(evil, victim, data + used, n);
			else
				message(evil, victim, step, data + used, n);
			used += n;
		} else if ((step & 7) < 7)
			link_step(evil, victim, step);
		else if (step & 8) {
			victim->sn_frozen = 1;
			sim_rewake(victim);
			sim_for(si, 500u << (step >> 5));
			victim->sn_frozen = 0;
			sim_rewake(victim);
		} else
			sim_for(si, 50u << (step >> 5));
		if ((step & 16) == 0)
			sim_for(si, 100);
	}
	sim_for(si, 100);
	bounds(victim->sn_node);
	return (0);
}
