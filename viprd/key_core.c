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
 * core: a key core as a whole: tables, clock, what is due, and callbacks that
 * outlive what they were made for.
 */

#include <sys/types.h>

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "key_core.h"

#define RUN_MAX		64		/* records served a turn */
#define SWEEP_MS	(60 * 1000ULL)

struct kwait {
	LIST_ENTRY(kwait) wa_entry;
	struct kcore	*wa_core;
	kwait_cb	 wa_cb;
	uint64_t	 wa_a, wa_b;
};

static int	kcore_tables(struct kcore *, const uint8_t *);
static int	kcore_master(struct kcore *);
static int	kcore_boot_load(struct kcore *);
static void	kcore_boot_put(struct kcore *);
static void	kcore_mark(struct kcore *, uint64_t);
static void	kcore_step(struct kcore *, int64_t);

struct kcore *
kcore_new(const struct key_ops *ops, void *arg, struct store *st,
    const uint8_t bootid[16])
{
	struct kcore	*kc;

	if ((kc = calloc(1, sizeof(*kc))) == NULL)
		return (NULL);
	if ((kc->kc_scratch = calloc(1, KEY_SCRATCH)) == NULL) {
		free(kc);
		return (NULL);
	}
	kc->kc_ops = ops;
	kc->kc_arg = arg;
	kc->kc_store = st;
	memcpy(kc->kc_bootid, bootid, sizeof(kc->kc_bootid));
	/* An unknown boot is like no other. */
	if (sodium_is_zero(kc->kc_bootid, sizeof(kc->kc_bootid)))
		randombytes_buf(kc->kc_bootid, sizeof(kc->kc_bootid));
	RB_INIT(&kc->kc_ids);
	RB_INIT(&kc->kc_numbers);
	RB_INIT(&kc->kc_dues);
	RB_INIT(&kc->kc_peers);
	RB_INIT(&kc->kc_charges);
	RB_INIT(&kc->kc_negatives);
	TAILQ_INIT(&kc->kc_tries);
	RB_INIT(&kc->kc_conns);
	TAILQ_INIT(&kc->kc_epochs);
	kc->kc_generation = 1;
	RB_INIT(&kc->kc_revoked);
	RB_INIT(&kc->kc_routenums);
	RB_INIT(&kc->kc_routedues);
	LIST_INIT(&kc->kc_waits);
	return (kc);
}

void
kcore_free(struct kcore *kc)
{
	struct kwait	*wa;

	if (kc == NULL)
		return;
	/* Whoever waits for the commit hears of it now. */
	if (kc->kc_open) {
		klimit_flush(kc);
		(void)store_commit(kc->kc_store);
	}
	kc->kc_open = 0;
	while ((wa = LIST_FIRST(&kc->kc_waits)) != NULL)
		kcore_wait_cancel(wa);
	kpvp_clear(kc);
	kcall_clear(kc);
	klimit_clear(kc);
	kticket_clear(kc);
	kroute_clear(kc);
	sodium_memzero(kc->kc_scratch, KEY_SCRATCH);
	free(kc->kc_scratch);
	sodium_memzero(kc, sizeof(*kc));
	free(kc);
}

static int
kcore_tables(struct kcore *kc, const uint8_t *master)
{
	const struct {
		const char		 *name;
		struct store_table	**table;
	} tables[KEY_TABLES] = {
		{ "meta", &kc->kc_meta },
		{ "calls", &kc->kc_calls },
		{ "routes", &kc->kc_routes },
		{ "peers", &kc->kc_peers_t },
		{ "charges", &kc->kc_charges_t },
		{ "grants", &kc->kc_grants },
		{ "epochs", &kc->kc_epochs_t },
		{ "revoked", &kc->kc_revoked_t },
	};
	size_t		 i;

	for (i = 0; i < KEY_TABLES; i++) {
		*tables[i].table = store_table(kc->kc_store, tables[i].name, 1,
		    master);
		if (*tables[i].table == NULL)
			return (-1);
	}
	return (0);
}

/* Record keys are hashed under the master key, so that under another one
 * nothing at all is found in a table that is not empty. */
static int
kcore_master(struct kcore *kc)
{
	static const char	 key[] = "master";
	uint8_t			 buf[16], version;
	ssize_t			 n;

	n = store_get(kc->kc_meta, key, sizeof(key), buf, sizeof(buf), &version);
	if (n != -1)
		return (0);
	if (errno != ENOENT || store_count(kc->kc_meta) != 0)
		return (-1);
	return (store_put(kc->kc_meta, key, sizeof(key), "vipr", 4, NULL, NULL));
}

int
kcore_open(struct kcore *kc, const uint8_t *master, uint64_t mark, char *why,
    size_t whylen)
{
	if (kcore_tables(kc, master) == -1 && errno != EBADMSG) {
		snprintf(why, whylen, "cannot open the tables: %s",
		    strerror(errno));
		return (-1);
	}
	if (kc->kc_revoked_t == NULL || kcore_master(kc) == -1) {
		snprintf(why, whylen, "the master key does not open the records "
		    "that are stored");
		return (-1);
	}
	if (kcore_boot_load(kc) == -1 || kticket_load(kc) == -1 ||
	    klimit_load(kc) == -1 || kroute_load(kc) == -1 ||
	    kcall_load(kc) == -1) {
		snprintf(why, whylen, "cannot load what is stored: %s",
		    strerror(errno));
		return (-1);
	}
	kc->kc_open = 1;
	kcore_mark(kc, mark);
	if (kticket_epoch(kc) == 0 && kticket_rotate(kc) == 0) {
		snprintf(why, whylen, "cannot write a ticket epoch: %s",
		    strerror(errno));
		return (-1);
	}
	return (0);
}

/* Another database file than last time: a backup was put back.  Tickets made
 * after that backup are unknown here; new ones get a key of their own. */
static void
kcore_mark(struct kcore *kc, uint64_t mark)
{
	static const char	 key[] = "mark";
	struct cur		 c;
	struct wbuf		 w;
	uint8_t			 buf[16], version;
	uint64_t		 old = 0;
	ssize_t			 n;

	if (mark == 0)
		return;
	n = store_get(kc->kc_meta, key, sizeof(key), buf, sizeof(buf), &version);
	if (n != -1) {
		cur_init(&c, buf, (size_t)n);
		(void)cur_u64(&c, &old);
		if (old == mark)
			return;
		kcore_note(kc, KEY_INFO, "store: another file than before, a "
		    "restored backup: new ticket epoch");
		(void)kticket_rotate(kc);
	}
	wbuf_init(&w, buf, sizeof(buf));
	wbuf_u64(&w, mark);
	(void)store_put(kc->kc_meta, key, sizeof(key), buf, w.w_len, NULL, NULL);
}

void
kcore_conf(struct kcore *kc, const struct conf *cf, const char *overlay,
    const uint8_t *node)
{
	struct vcr	*v;

	kc->kc_conf = cf;
	kc->kc_generation++;
	memset(kc->kc_overlay, 0, sizeof(kc->kc_overlay));
	memset(kc->kc_node, 0, sizeof(kc->kc_node));
	if (overlay != NULL)
		snprintf(kc->kc_overlay, sizeof(kc->kc_overlay), "%s", overlay);
	if (node != NULL)
		memcpy(kc->kc_node, node, sizeof(kc->kc_node));
	/* Retention and delays may be others now. */
	RB_FOREACH(v, vcr_ids, &kc->kc_ids)
		kcall_redue(kc, v);
}

/* -- the clock -- */

/* The offset of the last look, if it was taken in this boot. */
static int
kcore_boot_load(struct kcore *kc)
{
	static const char	 key[] = "boot";
	struct cur		 c;
	uint8_t			 buf[32], id[16], version;
	uint64_t		 v;
	ssize_t			 n;

	n = store_get(kc->kc_meta, key, sizeof(key), buf, sizeof(buf), &version);
	if (n == -1)
		return (errno == ENOENT ? 0 : -1);
	cur_init(&c, buf, (size_t)n);
	(void)cur_bytes(&c, id, sizeof(id));
	(void)cur_u64(&c, &v);
	if (cur_done(&c) == -1 || memcmp(id, kc->kc_bootid, sizeof(id)) != 0)
		return (0);
	kc->kc_offset = (int64_t)v;
	kc->kc_clocked = 1;
	return (0);
}

static void
kcore_boot_put(struct kcore *kc)
{
	static const char	 key[] = "boot";
	struct wbuf		 w;
	uint8_t			 buf[32];

	wbuf_init(&w, buf, sizeof(buf));
	wbuf_bytes(&w, kc->kc_bootid, sizeof(kc->kc_bootid));
	wbuf_u64(&w, (uint64_t)kc->kc_offset);
	(void)store_put(kc->kc_meta, key, sizeof(key), buf, w.w_len, NULL, NULL);
}

/*
 * The boot-time clock is never set, so a wall clock that moves against it was
 * stepped.  Records of this boot are moved along; others have lost their hold
 * (pvp(7), CALL RECORDS) and are dropped.
 */
void
kcore_clock(struct kcore *kc, uint64_t now, uint64_t boot)
{
	int64_t		 offset, delta;

	kc->kc_now = now;
	kc->kc_boot = boot;
	if (!kc->kc_open)
		return;
	offset = (int64_t)(now - boot);
	if (!kc->kc_clocked) {
		kc->kc_clocked = 1;
		kc->kc_offset = offset;
		kcore_boot_put(kc);
		return;
	}
	delta = offset - kc->kc_offset;
	if (delta >= -KEY_STEP_MS && delta <= KEY_STEP_MS)
		return;
	kc->kc_offset = offset;
	kcore_boot_put(kc);
	kcore_step(kc, delta);
}

static void
kcore_step(struct kcore *kc, int64_t delta)
{
	uint64_t	 before = kc->kc_stats.st_stepped;

	kcall_stepped(kc, delta);
	kcore_note(kc, KEY_INFO, "clock: stepped by %lld ms, %llu records of "
	    "an earlier boot dropped", (long long)delta,
	    (unsigned long long)(kc->kc_stats.st_stepped - before));
}

/* -- what is due -- */

uint64_t
kcore_next(struct kcore *kc)
{
	struct vcr	*v;
	uint64_t	 next, t;

	if (!kc->kc_open)
		return (KEY_NEVER);
	next = kc->kc_swept + SWEEP_MS;
	if ((v = RB_MIN(vcr_dues, &kc->kc_dues)) != NULL && v->v_due < next)
		next = v->v_due;
	if ((t = kroute_next(kc)) < next)
		next = t;
	if (kc->kc_flush != 0 && kc->kc_flush < next)
		next = kc->kc_flush;
	return (next);
}

void
kcore_run(struct kcore *kc)
{
	struct vcr	*v;
	unsigned	 i;

	if (!kc->kc_open || kc->kc_conf == NULL)
		return;
	for (i = 0; i < RUN_MAX; i++) {
		if ((v = RB_MIN(vcr_dues, &kc->kc_dues)) == NULL ||
		    v->v_due > kc->kc_now)
			break;
		kcall_due(kc, v);
	}
	kroute_due(kc);
	if (kc->kc_flush != 0 && kc->kc_flush <= kc->kc_now)
		klimit_flush(kc);
	if (kc->kc_now < kc->kc_swept || kc->kc_now - kc->kc_swept >= SWEEP_MS) {
		kc->kc_swept = kc->kc_now;
		klimit_sweep(kc);
		kticket_sweep(kc);
	}
}

void
kcore_pvpd(struct kcore *kc, int up)
{
	struct vcr	*v, *next;

	/* Old connections died with it either way. */
	kpvp_clear(kc);
	for (v = RB_MIN(vcr_ids, &kc->kc_ids); v != NULL; v = next) {
		next = RB_NEXT(vcr_ids, &kc->kc_ids, v);
		ksched_interrupted(kc, v);
	}
	if (up && kc->kc_ops->ko_first != NULL)
		kc->kc_ops->ko_first(kc->kc_arg);
}

/* -- callbacks -- */

struct kwait *
kcore_wait(struct kcore *kc, kwait_cb cb, uint64_t a, uint64_t b)
{
	struct kwait	*wa;

	if ((wa = calloc(1, sizeof(*wa))) == NULL)
		return (NULL);
	wa->wa_core = kc;
	wa->wa_cb = cb;
	wa->wa_a = a;
	wa->wa_b = b;
	LIST_INSERT_HEAD(&kc->kc_waits, wa, wa_entry);
	return (wa);
}

void
kcore_wait_done(int error, void *arg)
{
	struct kwait	*wa = arg;
	struct kcore	*kc;
	kwait_cb	 cb;
	uint64_t	 a, b;

	if (wa == NULL)
		return;
	kc = wa->wa_core;
	cb = wa->wa_cb;
	a = wa->wa_a;
	b = wa->wa_b;
	kcore_wait_cancel(wa);
	if (cb != NULL)
		cb(kc, error, a, b);
}

/* Only for one that the store does not hold. */
void
kcore_wait_cancel(struct kwait *wa)
{
	if (wa == NULL)
		return;
	LIST_REMOVE(wa, wa_entry);
	free(wa);
}

/* -- small things -- */

void
kcore_note(struct kcore *kc, enum key_level level, const char *fmt, ...)
{
	char		 line[512];
	va_list		 ap;

	if (kc->kc_ops->ko_note == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	kc->kc_ops->ko_note(kc->kc_arg, level, line);
}

void
kcore_random(struct kcore *kc, void *p, size_t n)
{
	if (kc->kc_ops->ko_random != NULL)
		kc->kc_ops->ko_random(kc->kc_arg, p, n);
	else
		randombytes_buf(p, n);
}

uint64_t
kcore_draw(struct kcore *kc, uint64_t low, uint64_t high)
{
	uint64_t	 r, span, limit;

	if (high <= low)
		return (low);
	span = high - low;
	if (span == UINT64_MAX) {
		kcore_random(kc, &r, sizeof(r));
		return (r);
	}
	span++;
	/* Draws above the largest multiple of span would favour low values. */
	limit = UINT64_MAX - UINT64_MAX % span;
	do {
		kcore_random(kc, &r, sizeof(r));
	} while (r >= limit);
	return (low + r % span);
}
