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
 * core: the timers of the transaction and proxy layers of sipgw.
 */

#include <sys/types.h>
#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proxy_timer.h"

#define TMR_BITS	8	/* a level: TMR_SLOTS is 1 << TMR_BITS */

static void	 tmr_place(struct tmrs *, struct tmr *);
static unsigned	 tmrs_used(const struct tmrs *, unsigned, unsigned);
static uint64_t	 tmrs_next(const struct tmrs *, unsigned *);
static void	 tmrs_turn(struct tmrs *, unsigned, uint64_t);

void
tmrs_init(struct tmrs *ts, uint64_t now)
{
	size_t	i;

	memset(ts->ts_used, 0, sizeof(ts->ts_used));
	for (i = 0; i < TMR_LEVELS * TMR_SLOTS; i++)
		TAILQ_INIT(&ts->ts_slots[i]);
	ts->ts_now = ts->ts_base = now;
}

void
tmr_init(struct tmr *tm, void (*fn)(void *), void *arg)
{
	tm->tm_fn = fn;
	tm->tm_arg = arg;
	tm->tm_on = 0;
}

/* Into the slot that its time has as seen from the wheel's. */
static void
tmr_place(struct tmrs *ts, struct tmr *tm)
{
	uint64_t	 at = tm->tm_at, differ;
	unsigned	 level = 0, slot;

	if (at < ts->ts_base)
		at = ts->ts_base;
	for (differ = (at ^ ts->ts_base) >> TMR_BITS; differ != 0; differ >>= TMR_BITS)
		level++;
	if (level >= TMR_LEVELS) {
		/* Beyond the wheel: the last slot there is. */
		level = TMR_LEVELS - 1;
		slot = TMR_SLOTS - 1;
	} else
		slot = (unsigned)(at >> (level * TMR_BITS)) & (TMR_SLOTS - 1);
	tm->tm_slot = level * TMR_SLOTS + slot;
	TAILQ_INSERT_TAIL(&ts->ts_slots[tm->tm_slot], tm, tm_entry);
	ts->ts_used[level][slot / 64] |= (uint64_t)1 << (slot % 64);
}

void
tmr_set(struct tmrs *ts, struct tmr *tm, uint64_t ms)
{
	tmr_stop(ts, tm);
	tm->tm_at = ts->ts_now + ms;
	tm->tm_on = 1;
	tmr_place(ts, tm);
}

void
tmr_stop(struct tmrs *ts, struct tmr *tm)
{
	unsigned	level, slot;

	if (!tm->tm_on)
		return;
	TAILQ_REMOVE(&ts->ts_slots[tm->tm_slot], tm, tm_entry);
	tm->tm_on = 0;
	if (TAILQ_EMPTY(&ts->ts_slots[tm->tm_slot])) {
		level = tm->tm_slot / TMR_SLOTS;
		slot = tm->tm_slot % TMR_SLOTS;
		ts->ts_used[level][slot / 64] &= ~((uint64_t)1 << (slot % 64));
	}
}

/* The first slot in use of a level from `from` on; TMR_SLOTS: none. */
static unsigned
tmrs_used(const struct tmrs *ts, unsigned level, unsigned from)
{
	uint64_t	bits;
	unsigned	i;

	for (i = from / 64; i < TMR_SLOTS / 64; i++) {
		bits = ts->ts_used[level][i];
		if (i == from / 64)
			bits &= ~(uint64_t)0 << (from % 64);
		if (bits != 0)
			return (i * 64 + (unsigned)__builtin_ctzll(bits));
	}
	return (TMR_SLOTS);
}

/*
 * When the wheel has something to do after ts_base: at level 0 a timer is
 * due, above a slot is to be turned.  UINT64_MAX: never.  Times of a lower
 * level are all before those of a higher one.
 */
static uint64_t
tmrs_next(const struct tmrs *ts, unsigned *level)
{
	uint64_t	at;
	unsigned	here, slot;

	for (*level = 0; *level < TMR_LEVELS; (*level)++) {
		at = ts->ts_base >> (*level * TMR_BITS);
		here = (unsigned)at & (TMR_SLOTS - 1);
		if (here == TMR_SLOTS - 1 ||
		    (slot = tmrs_used(ts, *level, here + 1)) == TMR_SLOTS)
			continue;
		at = (at & ~(uint64_t)(TMR_SLOTS - 1)) | (uint64_t)slot;
		return (at << (*level * TMR_BITS));
	}
	return (UINT64_MAX);
}

/* The wheel comes to a slot: its timers go down, in their order. */
static void
tmrs_turn(struct tmrs *ts, unsigned level, uint64_t at)
{
	struct tmr_list	 list;
	struct tmr	*tm;
	unsigned	 slot = (unsigned)(at >> (level * TMR_BITS)) & (TMR_SLOTS - 1);

	ts->ts_base = at;
	if (level == 0)
		return;
	TAILQ_INIT(&list);
	TAILQ_CONCAT(&list, &ts->ts_slots[level * TMR_SLOTS + slot], tm_entry);
	ts->ts_used[level][slot / 64] &= ~((uint64_t)1 << (slot % 64));
	while ((tm = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, tm, tm_entry);
		tmr_place(ts, tm);
	}
}

void
tmrs_run(struct tmrs *ts, uint64_t now, unsigned max)
{
	struct tmr	*tm;
	uint64_t	 next;
	unsigned	 level;

	if (now > ts->ts_now)
		ts->ts_now = now;
	for (;;) {
		while ((tm = TAILQ_FIRST(&ts->ts_slots[ts->ts_base & (TMR_SLOTS - 1)])) !=
		    NULL) {
			if (max-- == 0)
				return;
			tmr_stop(ts, tm);
			tm->tm_fn(tm->tm_arg);	/* may free tm */
		}
		next = tmrs_next(ts, &level);
		if (next > ts->ts_now) {
			ts->ts_base = ts->ts_now;
			return;
		}
		tmrs_turn(ts, level, next);
	}
}

int64_t
tmrs_wait(const struct tmrs *ts, uint64_t now)
{
	uint64_t	next;
	unsigned	level;

	if (!TAILQ_EMPTY(&ts->ts_slots[ts->ts_base & (TMR_SLOTS - 1)]))
		return (0);
	if ((next = tmrs_next(ts, &level)) == UINT64_MAX)
		return (-1);
	return (next <= now ? 0 : (int64_t)(next - now));
}
