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
 * Fuzz target: a member of the ring sends anything.  First byte: bit 0 off,
 * the rest is a whole message as it comes from a link; on, the rest is the
 * contents of a message that the member signed and bit 1 chooses node or
 * resource as destination.
 */

#include "simnet.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct sim	*si;
static unsigned		 runs;

static void	 fresh(void);

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
	runs = 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct simnode	*evil, *victim;
	struct node_dest nd;
	uint8_t		*msg;
	size_t		 n;

	if (len < 1 || len > 32768)
		return (0);
	if (si == NULL || runs++ > 2000)
		fresh();
	victim = &si->si_node[0];
	evil = &si->si_node[1];
	if (node_peer_find(victim->sn_node, &evil->sn_id) == NULL)
		fresh();
	victim = &si->si_node[0];
	evil = &si->si_node[1];
	if ((data[0] & 1) == 0)
		(void)sim_inject(evil, victim, data + 1, len - 1);
	else {
		if ((msg = malloc(len + 1024)) == NULL)
			return (0);
		memset(&nd, 0, sizeof(nd));
		nd.nd_type = data[0] & 2 ? WIRE_DEST_RESOURCE : WIRE_DEST_NODE;
		nd.nd_id = victim->sn_id;
		n = sim_message(evil, &nd, sim_rand(si), 100, 1, data + 1, len - 1,
		    &si->si_node[2], 0, msg, len + 1024);
		(void)sim_inject(evil, victim, msg, n);
		free(msg);
	}
	sim_for(si, 100);
	return (0);
}
