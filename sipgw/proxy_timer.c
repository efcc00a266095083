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

/* core: an ordered set of timers, for the transaction and proxy layers of sipgw. */

#include <sys/types.h>
#include <sys/tree.h>

#include <stddef.h>
#include <stdint.h>

#include "proxy_timer.h"

static int	tmr_cmp(const struct tmr *, const struct tmr *);

RB_PROTOTYPE(tmr_tree, tmr, tm_entry, tmr_cmp)
RB_GENERATE(tmr_tree, tmr, tm_entry, tmr_cmp)

static int
tmr_cmp(const struct tmr *a, const struct tmr *b)
{
	if (a->tm_at != b->tm_at)
		return (a->tm_at < b->tm_at ? -1 : 1);
	if (a->tm_seq != b->tm_seq)
		return (a->tm_seq < b->tm_seq ? -1 : 1);
	return (0);
}

void
tmrs_init(struct tmrs *ts, uint64_t now)
{
	RB_INIT(&ts->ts_tree);
	ts->ts_now = now;
	ts->ts_seq = 0;
}

void
tmr_init(struct tmr *tm, void (*fn)(void *), void *arg)
{
	tm->tm_fn = fn;
	tm->tm_arg = arg;
	tm->tm_on = 0;
}

void
tmr_set(struct tmrs *ts, struct tmr *tm, uint64_t ms)
{
	tmr_stop(ts, tm);
	tm->tm_at = ts->ts_now + ms;
	tm->tm_seq = ts->ts_seq++;
	tm->tm_on = 1;
	RB_INSERT(tmr_tree, &ts->ts_tree, tm);
}

void
tmr_stop(struct tmrs *ts, struct tmr *tm)
{
	if (!tm->tm_on)
		return;
	RB_REMOVE(tmr_tree, &ts->ts_tree, tm);
	tm->tm_on = 0;
}

void
tmrs_run(struct tmrs *ts, uint64_t now, unsigned max)
{
	struct tmr	*tm;

	if (now > ts->ts_now)
		ts->ts_now = now;
	while (max-- > 0) {
		tm = RB_MIN(tmr_tree, &ts->ts_tree);
		if (tm == NULL || tm->tm_at > ts->ts_now)
			return;
		tmr_stop(ts, tm);
		tm->tm_fn(tm->tm_arg);	/* may free tm */
	}
}

int64_t
tmrs_wait(const struct tmrs *ts, uint64_t now)
{
	struct tmr	*tm;
	/* RB_MIN takes no const tree; nothing is changed. */
	struct tmr_tree	 tree = ts->ts_tree;

	if ((tm = RB_MIN(tmr_tree, &tree)) == NULL)
		return (-1);
	return (tm->tm_at <= now ? 0 : (int64_t)(tm->tm_at - now));
}
