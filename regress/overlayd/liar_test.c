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
 * Peers that lie to whoever joins: bootstrap nodes that say nothing, answer and
 * never come, or pretend to be the whole ring.
 */

#include <atf-c.h>

#include "simnet.h"
#include "simfoe.h"

enum liar { SILENT, NEVER_COMES, NO_JOIN, FALSE_RING };
static enum liar	 liar;
static unsigned		 asked;

static int	 liar_tap(struct sim *, struct simnode *, struct simnode *,
		    const void *, size_t);
static struct sim *liar_ring(int, int, uint64_t);

/* The liar answers whatever reaches it, to whomever it is addressed. */
static int
liar_tap(struct sim *si, struct simnode *from, struct simnode *to, const void *msg,
    size_t len)
{
	struct wire_header wh;
	struct wire_error we;
	struct cur	 c;
	uint8_t		 body[512];
	uint16_t	 code;
	size_t		 n;

	(void)si;
	if (!to->sn_puppet || wire_fragment_parse(msg, len, &wh, &we) == -1)
		return (0);
	cur_init(&c, (const uint8_t *)msg + wh.wh_size, len - wh.wh_size);
	if (cur_u16(&c, &code) == -1 || (code & 1) == 0 || code == WIRE_ERROR)
		return (1);
	asked++;
	if (liar == SILENT || (liar == NO_JOIN && code == WIRE_JOIN) ||
	    (n = foe_polite(to, code, body, sizeof(body))) == 0)
		return (1);
	foe_answer(to, from, &wh, body, n);
	if (liar == NEVER_COMES)
		return (1);
	if (code == WIRE_ATTACH) {
		sim_connect(to, ++to->sn_puppetlink, &from->sn_addr);
		return (1);
	}
	/* "We two are the ring, and you are in it." */
	if (liar == FALSE_RING && (code == WIRE_JOIN || code == WIRE_UPDATE)) {
		n = foe_update(body, sizeof(body), WIRE_NEIGHBORS, from->sn_id.id_b, 1,
		    from->sn_id.id_b, 1);
		if (code == WIRE_JOIN)
			foe_ask(to, from, body, n);
	}
	return (1);
}

/* n honest nodes, and foes that are bootstrap nodes, too. */
static struct sim *
liar_ring(int n, int foes, uint64_t seed)
{
	struct sim	*si = foe_ring(n, foes + 1, seed);
	int		 i;

	si->si_tap = liar_tap;
	for (i = n; i < n + foes; i++)
		si->si_doc.rd_boot[si->si_doc.rd_boots++] = si->si_node[i].sn_addr;
	asked = 0;
	si->si_node[n + foes].sn_puppet = 0;
	return (si);
}

/* They take the link and then say nothing: the next one is asked. */
ATF_TC_WITHOUT_HEAD(silent);
ATF_TC_BODY(silent, tc)
{
	struct sim	*si;
	uint64_t	 seed;

	liar = SILENT;
	for (seed = 1; seed <= 6; seed++) {
		si = liar_ring(5, 4, seed);
		(void)sim_on(si, 9);
		ATF_CHECK_EQ(0, sim_join(si, 90000));
		foe_settle(si, 30000);
		sim_free(si);
	}
	ATF_CHECK(asked > 0);
}

/* They answer the Attach as if they were responsible, and never connect. */
ATF_TC_WITHOUT_HEAD(never_comes);
ATF_TC_BODY(never_comes, tc)
{
	struct sim	*si;
	uint64_t	 seed;

	liar = NEVER_COMES;
	for (seed = 1; seed <= 6; seed++) {
		si = liar_ring(5, 4, seed);
		(void)sim_on(si, 9);
		ATF_CHECK_EQ(0, sim_join(si, 240000));
		foe_settle(si, 30000);
		sim_free(si);
	}
	ATF_CHECK(asked > 0);
}

/* They connect, too, and do not answer the Join. */
ATF_TC_WITHOUT_HEAD(no_join);
ATF_TC_BODY(no_join, tc)
{
	struct sim	*si;
	uint64_t	 seed;

	liar = NO_JOIN;
	for (seed = 1; seed <= 6; seed++) {
		si = liar_ring(5, 4, seed);
		(void)sim_on(si, 9);
		ATF_CHECK_EQ(0, sim_join(si, 200000));
		sim_for(si, 60000);
		sim_free(si);
	}
	ATF_CHECK(asked > 0);
}

/* A ring of liars that takes the newcomer in: the other bootstrap nodes, which
 * are asked from time to time, know another one. */
ATF_TC_WITHOUT_HEAD(false_ring);
ATF_TC_BODY(false_ring, tc)
{
	struct simnode	*sn;
	struct sim	*si;
	uint64_t	 seed;
	int		 fooled = 0, i, honest;

	liar = FALSE_RING;
	for (seed = 1; seed <= 8; seed++) {
		si = liar_ring(6, 2, seed);
		sn = sim_on(si, 8);
		ATF_CHECK_EQ(0, sim_join(si, 200000));
		for (i = honest = 0; i < 6; i++)
			honest += ring_has(&sn->sn_node->n_ring, &si->si_node[i].sn_id);
		fooled += honest == 0;
		sim_for(si, 1800000);
		for (i = honest = 0; i < 6; i++)
			honest += ring_has(&sn->sn_node->n_ring, &si->si_node[i].sn_id);
		ATF_CHECK_MSG(honest == 6, "%d of 6 honest ones known", honest);
		sim_free(si);
	}
	ATF_CHECK_MSG(fooled > 0, "nobody was fooled");
}

/* A member turned liar that all the others know: it keeps its links alive and
 * does nothing else.  The ring goes on without what it was to do. */
ATF_TC_WITHOUT_HEAD(lazy_member);
ATF_TC_BODY(lazy_member, tc)
{
	struct sim	*si = foe_ring(12, 0, 3);
	int		 i;

	sim_numbers(&si->si_node[1], "+14085550100", "+14085550119", NULL, NULL, 0);
	sim_for(si, 20000);
	liar = NO_JOIN;
	asked = 0;
	foe_turn(&si->si_node[6]);
	si->si_tap = liar_tap;
	for (i = 0; i < 12; i++) {
		if (i == 1 || i == 6)
			continue;
		ATF_CHECK_EQ(1, foe_claimants(&si->si_node[i], "+14085550105"));
		ATF_CHECK_EQ(1, foe_claimants(&si->si_node[i], "+14085550112"));
	}
	ATF_CHECK(asked > 0);
	sim_free(si);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, silent);
	ATF_TP_ADD_TC(tp, never_comes);
	ATF_TP_ADD_TC(tp, no_join);
	ATF_TP_ADD_TC(tp, false_ring);
	ATF_TP_ADD_TC(tp, lazy_member);
	return (atf_no_error());
}
