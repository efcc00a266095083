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
 * core: order by priority and weight, as RFC 2782 has it for SRV records and
 * as we have it for PBXs and trunks.
 */

#include <stddef.h>
#include <stdint.h>

#include "choice.h"

static void	 choice_sort(struct choice *, size_t);
static int	 choice_before(const struct choice *, const struct choice *);
static void	 choice_move(struct choice *, size_t from, size_t to);

/* Within a priority the weights of 0 come first, as the draw below wants. */
static int
choice_before(const struct choice *a, const struct choice *b)
{
	if (a->ch_priority != b->ch_priority)
		return (a->ch_priority < b->ch_priority);
	return (a->ch_weight == 0 && b->ch_weight != 0);
}

static void
choice_move(struct choice *ch, size_t from, size_t to)
{
	struct choice	x = ch[from];

	for (; from > to; from--)
		ch[from] = ch[from - 1];
	ch[to] = x;
}

/* Equals stay as they came; there are few of them. */
static void
choice_sort(struct choice *ch, size_t n)
{
	size_t	i, j;

	for (i = 1; i < n; i++) {
		for (j = i; j > 0 && choice_before(&ch[i], &ch[j - 1]); j--)
			;
		choice_move(ch, i, j);
	}
}

uint32_t
choice_uniform(uint32_t bound, uint32_t (*next)(void *), void *arg)
{
	uint32_t	r, least;

	if (bound < 2)
		return (0);
	/* The first 2^32 mod bound numbers would make some more likely. */
	least = (0 - bound) % bound;
	do {
		r = next(arg);
	} while (r < least);
	return (r % bound);
}

void
choice_order(struct choice *ch, size_t n, uint32_t (*rnd)(void *, uint32_t), void *arg)
{
	size_t		i, j, end;
	uint32_t	sum, draw, run;

	choice_sort(ch, n);
	for (i = 0; i < n; i++) {
		sum = 0;
		for (end = i; end < n && ch[end].ch_priority == ch[i].ch_priority; end++)
			sum += ch[end].ch_weight;
		if (sum == 0) {
			i = end - 1;
			continue;
		}
		draw = rnd(arg, sum + 1);
		run = 0;
		for (j = i; j < end; j++) {
			run += ch[j].ch_weight;
			if (run >= draw)
				break;
		}
		choice_move(ch, j, i);
	}
}
