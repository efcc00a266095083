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
 * core: timers in a tree by moment; no clock here.
 */

#include <stddef.h>
#include <string.h>

#include "timers.h"

static int	 ntimer_cmp(const struct ntimer *, const struct ntimer *);

RB_PROTOTYPE(ntimer_tree, ntimer, nt_entry, ntimer_cmp)
RB_GENERATE(ntimer_tree, ntimer, nt_entry, ntimer_cmp)

static int
ntimer_cmp(const struct ntimer *a, const struct ntimer *b)
{
	if (a->nt_at != b->nt_at)
		return (a->nt_at < b->nt_at ? -1 : 1);
	return (a->nt_seq < b->nt_seq ? -1 : a->nt_seq > b->nt_seq);
}

void
timers_init(struct timers *tm)
{
	RB_INIT(&tm->tm_tree);
	tm->tm_seq = 0;
}

void
ntimer_set(struct ntimer *nt, void (*cb)(void *), void *arg)
{
	memset(nt, 0, sizeof(*nt));
	nt->nt_cb = cb;
	nt->nt_arg = arg;
}

void
ntimer_add(struct timers *tm, struct ntimer *nt, uint64_t at)
{
	ntimer_del(tm, nt);
	nt->nt_at = at;
	nt->nt_seq = ++tm->tm_seq;
	nt->nt_armed = 1;
	RB_INSERT(ntimer_tree, &tm->tm_tree, nt);
}

void
ntimer_del(struct timers *tm, struct ntimer *nt)
{
	if (!nt->nt_armed)
		return;
	nt->nt_armed = 0;
	RB_REMOVE(ntimer_tree, &tm->tm_tree, nt);
}

int
timers_next(const struct timers *tm, uint64_t *at)
{
	struct ntimer_tree head = tm->tm_tree;
	const struct ntimer *nt;

	if ((nt = RB_MIN(ntimer_tree, &head)) == NULL)
		return (-1);
	*at = nt->nt_at;
	return (0);
}

void
timers_run(struct timers *tm, uint64_t now, unsigned max)
{
	struct ntimer	*nt;

	while (max-- > 0 && (nt = RB_MIN(ntimer_tree, &tm->tm_tree)) != NULL &&
	    nt->nt_at <= now) {
		ntimer_del(tm, nt);
		nt->nt_cb(nt->nt_arg);	/* last use of nt: it may be gone */
	}
}
