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
 * core: which of our records a responder's run is made with (pvp(7)).  The
 * arithmetic is the same whether there are no records or 64, and no branch
 * depends on their times.
 */

#include <sys/types.h>

#include <sodium.h>
#include <string.h>

#include "key_core.h"

#define NO_SCORE	0x80u	/* above any score of a candidate */

struct rank_slot {
	uint64_t	 sl_s;
	uint32_t	 sl_d;
	uint32_t	 sl_score;
	struct vcr	*sl_vcr;
};

static int	 rank_eligible(const struct kcore *, const struct vcr *,
		    const uint8_t *);
static void	 rank_score(struct rank_slot *, int64_t, uint32_t, uint32_t,
		    unsigned, unsigned, unsigned, unsigned);
static uint32_t	 mask_less(uint32_t, uint32_t);
static uint32_t	 pick(uint32_t, uint32_t, uint32_t);
static uint32_t	 residue(uint64_t, unsigned);
static uint32_t	 residue_from(uint32_t, uint32_t, uint32_t);
static void	 rank_take(const struct rank_slot *, uint32_t, uint32_t,
		    struct krank *);

static int
rank_eligible(const struct kcore *kc, const struct vcr *v, const uint8_t *node)
{
	const struct conf	*cf = kc->kc_conf;
	const struct vcr_spent	*sp = v->v_spent;

	if (v->v_stop + (uint64_t)cf->c_responder_min * 1000 > kc->kc_now ||
	    v->v_stop + (uint64_t)cf->c_retain * 1000 <= kc->kc_now)
		return (0);
	if (sp == NULL)
		return (1);
	/* Whoever spent it may have lost the answer. */
	return (memcmp(sp->sp_node, node, NODEID_LEN) == 0 &&
	    sp->sp_at + KEY_REPEAT_MS > kc->kc_now);
}

/* All ones when a < b; both below 2^31. */
static uint32_t
mask_less(uint32_t a, uint32_t b)
{
	return ((uint32_t)0 - ((a - b) >> 31));
}

static uint32_t
pick(uint32_t mask, uint32_t yes, uint32_t no)
{
	return ((yes & mask) | (no & ~mask));
}

/* A multiplication where the modulus is one that is known here, as all of the
 * protocol's are: a division may take longer for other operands. */
static uint32_t
residue(uint64_t v, unsigned mod)
{
	switch (mod) {
	case 7:
		return ((uint32_t)(v % 7));
	case 11:
		return ((uint32_t)(v % 11));
	case 44:
		return ((uint32_t)(v % 44));
	default:
		return ((uint32_t)(v % mod));
	}
}

/* theirs - ours, both below mod. */
static uint32_t
residue_from(uint32_t theirs, uint32_t ours, uint32_t mod)
{
	uint32_t	 x = theirs + mod - ours;

	return (x - (mod & ~mask_less(x, mod)));
}

/* s, d: ours; the record nearest to the residues that has them. */
static void
rank_score(struct rank_slot *sl, int64_t s, uint32_t d, uint32_t absent,
    unsigned ms, unsigned rs, unsigned md, unsigned rd)
{
	uint32_t	 x, y, far, dx, dy, neg;

	/* A multiple of any ms makes s positive. */
	x = residue_from(rs, residue((uint64_t)s + ((uint64_t)ms << 40), ms), ms);
	y = residue_from(rd, residue(d, md), md);
	/* Two's complement: x <= 5 ? x : x - ms. */
	dx = x - (ms & mask_less(5, x));
	dy = y - (md & mask_less(3, y));
	sl->sl_s = (uint64_t)s + (uint64_t)(int64_t)(int32_t)dx;
	sl->sl_d = d + dy;
	neg = (uint32_t)0 - (dx >> 31);
	x = (dx ^ neg) - neg;
	neg = (uint32_t)0 - (dy >> 31);
	y = (dy ^ neg) - neg;
	far = mask_less(5, x);
	sl->sl_score = pick(far | absent, NO_SCORE, x + y);
}

static void
rank_take(const struct rank_slot *slots, uint32_t index, uint32_t score,
    struct krank *out)
{
	uintptr_t	 v = 0, wide;
	uint32_t	 i, mask, here;

	memset(out, 0, sizeof(*out));
	here = mask_less(score, NO_SCORE);
	for (i = 0; i < KEY_RANK; i++) {
		mask = ~mask_less(i, index) & ~mask_less(index, i) & here;
		wide = (uintptr_t)0 - (uintptr_t)(mask & 1);
		v |= (uintptr_t)slots[i].sl_vcr & wide;
		out->rk_s |= slots[i].sl_s & ((uint64_t)0 - (mask & 1));
		out->rk_d |= slots[i].sl_d & mask;
	}
	out->rk_vcr = (struct vcr *)v;
}

void
krank(struct kcore *kc, const char *number, const uint8_t *node, int64_t skew,
    unsigned ms, unsigned rs, unsigned md, unsigned rd, struct krank best[2])
{
	struct rank_slot	 slots[KEY_RANK];
	struct vcr		*v;
	uint32_t		 i, n = 0, i0, i1, k0, k1, less0, less1, key;

	memset(slots, 0, sizeof(slots));
	for (v = kcall_first(kc, LEG_TERMINATED, number);
	    v != NULL && n < KEY_RANK; v = kcall_next(kc, v))
		if (rank_eligible(kc, v, node))
			slots[n++].sl_vcr = v;
	for (i = 0; i < KEY_RANK; i++) {
		v = slots[i].sl_vcr;
		rank_score(&slots[i],
		    (v != NULL ? (int64_t)kcall_s(v) : 0) + skew,
		    v != NULL ? kcall_d(v) : 0,
		    (uint32_t)0 - (uint32_t)(v == NULL), ms, rs, md, rd);
	}
	/* Latest start first, and only a better one replaces: a tie stays with
	 * the later start. */
	i0 = i1 = 0;
	k0 = k1 = NO_SCORE + 1;
	for (i = 0; i < KEY_RANK; i++) {
		key = slots[i].sl_score;
		less0 = mask_less(key, k0);
		less1 = mask_less(key, k1);
		i1 = pick(less0, i0, pick(less1, i, i1));
		k1 = pick(less0, k0, pick(less1, key, k1));
		i0 = pick(less0, i, i0);
		k0 = pick(less0, key, k0);
	}
	rank_take(slots, i0, k0, &best[0]);
	rank_take(slots, i1, k1, &best[1]);
	sodium_memzero(slots, sizeof(slots));
}
