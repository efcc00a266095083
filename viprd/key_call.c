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
 * core: call records (VCRs).  Which legs make one (pvp(7)), how they are
 * kept, found, moved along with a stepped clock, and wiped.
 */

#include <sys/types.h>

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cursor.h"
#include "e164.h"
#include "key_core.h"

#define FUTURE_MS	(60 * 1000ULL)	/* a call that ended later than this from now */
#define OTHER_BOOT_MS	(3600 * 1000ULL)

static int	 vcr_id_cmp(struct vcr *, struct vcr *);
static int	 vcr_number_cmp(struct vcr *, struct vcr *);
static int	 vcr_due_cmp(struct vcr *, struct vcr *);
static int	 kcall_text_ok(const char *, size_t);
static void	 kcall_times(struct kcore *, const struct imsg_leg *, uint64_t *,
		    uint64_t *);
static struct vcr *kcall_same(struct kcore *, const struct vcr *);
static void	 kcall_insert(struct kcore *, struct vcr *);
static void	 kcall_unlink(struct kcore *, struct vcr *);
static void	 kcall_free(struct vcr *);
static void	 kcall_written(struct kcore *, int, uint64_t, uint64_t);
static void	 kcall_recording(struct kcore *, int);
static void	 kcall_time(uint64_t, char *, size_t);
static void	 kcall_log(struct kcore *, const struct vcr *);
static uint64_t	 kcall_end(const struct kcore *, const struct vcr *);
static size_t	 kcall_encode(struct kcore *, const struct vcr *);
static struct vcr *kcall_decode(struct kcore *, const void *, size_t);
static int	 kcall_decode_spent(struct cur *, struct vcr *);
static int	 kcall_decode_sched(struct cur *, struct vcr *);
static int	 kcall_load_one(const void *, size_t, const void *, size_t, uint8_t,
		    void *);

RB_GENERATE(vcr_ids, vcr, v_id_entry, vcr_id_cmp)
RB_GENERATE(vcr_numbers, vcr, v_number_entry, vcr_number_cmp)
RB_GENERATE(vcr_dues, vcr, v_due_entry, vcr_due_cmp)

static int
vcr_id_cmp(struct vcr *a, struct vcr *b)
{
	return (a->v_id < b->v_id ? -1 : a->v_id > b->v_id);
}

/* By kind and number, latest start first. */
static int
vcr_number_cmp(struct vcr *a, struct vcr *b)
{
	int	 c;

	if (a->v_kind != b->v_kind)
		return (a->v_kind < b->v_kind ? -1 : 1);
	if ((c = strcmp(a->v_called, b->v_called)) != 0)
		return (c);
	if (a->v_start != b->v_start)
		return (a->v_start > b->v_start ? -1 : 1);
	return (vcr_id_cmp(a, b));
}

static int
vcr_due_cmp(struct vcr *a, struct vcr *b)
{
	if (a->v_due != b->v_due)
		return (a->v_due < b->v_due ? -1 : 1);
	return (vcr_id_cmp(a, b));
}

/* -- which legs -- */

static int
kcall_text_ok(const char *s, size_t size)
{
	return (memchr(s, '\0', size) != NULL && strlen(s) < E164_SIZE);
}

/*
 * Start and stop in today's wall clock.  A clock that was stepped during the
 * call shows in the difference to the boot-time clock, which then rules.
 */
static void
kcall_times(struct kcore *kc, const struct imsg_leg *lg, uint64_t *start,
    uint64_t *stop)
{
	uint64_t	 length, age;
	int64_t		 diff;

	*start = lg->lg_start;
	*stop = lg->lg_stop;
	if (lg->lg_boot_start == 0 || lg->lg_boot_stop < lg->lg_boot_start ||
	    lg->lg_boot_stop > kc->kc_boot)
		return;
	length = lg->lg_boot_stop - lg->lg_boot_start;
	age = kc->kc_boot - lg->lg_boot_start;
	diff = (int64_t)(kc->kc_now - age - lg->lg_start);
	if (diff > KEY_STEP_MS || diff < -KEY_STEP_MS) {
		*start = kc->kc_now > age ? kc->kc_now - age : 0;
		*stop = *start + length;
		return;
	}
	diff = (int64_t)(lg->lg_stop - lg->lg_start - length);
	if ((lg->lg_flags & LEG_F_STEPPED) || diff > KEY_STEP_MS ||
	    diff < -KEY_STEP_MS)
		*stop = *start + length;
}

const char *
kcall_refuse(struct kcore *kc, const struct imsg_leg *lg)
{
	const struct conf	*cf = kc->kc_conf;
	uint64_t		 start, stop, d, min;

	kcall_times(kc, lg, &start, &stop);
	if (cf == NULL || !e164_valid(lg->lg_called))
		return ("called is not a full number");
	if (stop < start || start == 0)
		return ("it ended before it began");
	if (stop > kc->kc_now + FUTURE_MS)
		return ("it ended in the future");
	if (stop + (uint64_t)cf->c_retain * 1000 <= kc->kc_now)
		return ("too old");
	d = (stop - start) / 1000;
	min = cf->c_min_duration;
	if (d > UINT32_MAX)
		return ("too long");
	switch (lg->lg_kind) {
	case LEG_ORIGINATED:
		if (d < min)
			return ("too short");
		if (!e164_valid(lg->lg_caller) ||
		    !conf_caller_ours(cf, lg->lg_caller))
			return ("caller is not ours");
		if (lg->lg_flags & LEG_F_DIVERTED)
			return ("diverted");
		if (lg->lg_flags & LEG_F_SHADOWED)
			return ("another leg came or went with it");
		if (conf_number_ours(cf, lg->lg_called))
			return ("called is our own");
		return (NULL);
	case LEG_TERMINATED:
		if (d + 3 < min)
			return ("too short");
		if (!conf_number_ours(cf, lg->lg_called))
			return ("called is not ours");
		return (NULL);
	default:
		return ("this kind of leg makes no record");
	}
}

int
kcall_leg(struct kcore *kc, const struct imsg_leg *lg)
{
	struct vcr	*v = NULL;
	struct kwait	*wa;

	if (!kcall_text_ok(lg->lg_called, sizeof(lg->lg_called)) ||
	    !kcall_text_ok(lg->lg_caller, sizeof(lg->lg_caller)))
		return (-1);
	kc->kc_stats.st_legs++;
	if (!kc->kc_open || kcall_refuse(kc, lg) != NULL) {
		kc->kc_stats.st_refused++;
		kc->kc_ops->ko_leg_ack(kc->kc_arg, lg->lg_id, 0);
		return (0);
	}
	if (kc->kc_records >= KEY_RECORDS_MAX) {
		errno = ENOBUFS;
		goto fail;
	}
	if ((v = calloc(1, sizeof(*v))) == NULL)
		goto fail;
	v->v_kind = (uint8_t)lg->lg_kind;
	v->v_source = (uint8_t)(lg->lg_source > 2 ? 2 : lg->lg_source);
	memcpy(v->v_called, lg->lg_called, sizeof(v->v_called));
	if (e164_valid(lg->lg_caller))
		memcpy(v->v_caller, lg->lg_caller, sizeof(v->v_caller));
	kcall_times(kc, lg, &v->v_start, &v->v_stop);
	if (lg->lg_boot_start != 0 && lg->lg_boot_start <= kc->kc_boot) {
		v->v_boot_start = lg->lg_boot_start;
		v->v_this_boot = 1;
	}
	/* The same leg again (an import run twice) is one call. */
	if (kcall_same(kc, v) != NULL) {
		kcall_free(v);
		kc->kc_ops->ko_leg_ack(kc->kc_arg, lg->lg_id, 1);
		return (0);
	}
	do {
		kcore_random(kc, &v->v_id, sizeof(v->v_id));
	} while (v->v_id == 0 || kcall_find(kc, v->v_id) != NULL);
	if (v->v_kind == LEG_ORIGINATED && ksched_new(kc, v) == -1)
		goto fail;
	kcall_insert(kc, v);
	if ((wa = kcore_wait(kc, kcall_written, v->v_id, lg->lg_id)) == NULL ||
	    kcall_put(kc, v, wa) == -1) {
		kcall_unlink(kc, v);
		goto fail;
	}
	return (0);
fail:
	kcall_recording(kc, errno);
	kcall_free(v);
	kc->kc_stats.st_unwritten++;
	kc->kc_ops->ko_leg_ack(kc->kc_arg, lg->lg_id, 2);
	return (0);
}

/* The group of a new record was committed, or could not be. */
static void
kcall_written(struct kcore *kc, int error, uint64_t id, uint64_t leg)
{
	struct vcr	*v;

	kcall_recording(kc, error);
	if (error != 0) {
		kc->kc_stats.st_unwritten++;
		if ((v = kcall_find(kc, id)) != NULL) {
			kcall_unlink(kc, v);
			kcall_free(v);
		}
	} else if (kc->kc_conf != NULL && (kc->kc_conf->c_flags & CONF_LOG_CALLS) &&
	    (v = kcall_find(kc, id)) != NULL)
		kcall_log(kc, v);
	kc->kc_ops->ko_leg_ack(kc->kc_arg, leg, error == 0 ? 1 : 2);
}

static void
kcall_time(uint64_t ms, char *buf, size_t size)
{
	time_t		 t = (time_t)(ms / 1000);
	struct tm	 tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(buf, size, "?");
}

/* log calls yes: the only line of key that shows a call. */
static void
kcall_log(struct kcore *kc, const struct vcr *v)
{
	char	 start[32], stop[32];

	kcall_time(v->v_start, start, sizeof(start));
	kcall_time(v->v_stop, stop, sizeof(stop));
	kcore_note(kc, KEY_INFO, "call recorded: %s number=%s caller=%s "
	    "start=%s stop=%s", v->v_kind == LEG_ORIGINATED ? "originated" :
	    "terminated", v->v_called,
	    v->v_caller[0] != '\0' ? v->v_caller : "unknown", start, stop);
}

/* One line when records begin to be lost, one when it is over. */
static void
kcall_recording(struct kcore *kc, int error)
{
	if (error != 0 && kc->kc_not_recording == 0)
		kcore_note(kc, KEY_WARN, "calls: not recording: %s",
		    strerror(error));
	else if (error == 0 && kc->kc_not_recording != 0)
		kcore_note(kc, KEY_INFO, "calls: recording again");
	kc->kc_not_recording = error;
}

static struct vcr *
kcall_same(struct kcore *kc, const struct vcr *v)
{
	struct vcr	 key, *o;

	memset(&key, 0, sizeof(key));
	key.v_kind = v->v_kind;
	memcpy(key.v_called, v->v_called, sizeof(key.v_called));
	key.v_start = v->v_start;
	o = RB_NFIND(vcr_numbers, &kc->kc_numbers, &key);
	for (; o != NULL && o->v_kind == v->v_kind && o->v_start == v->v_start &&
	    strcmp(o->v_called, v->v_called) == 0;
	    o = RB_NEXT(vcr_numbers, &kc->kc_numbers, o))
		if (o->v_stop == v->v_stop && strcmp(o->v_caller, v->v_caller) == 0)
			return (o);
	return (NULL);
}

/* -- memory -- */

static void
kcall_insert(struct kcore *kc, struct vcr *v)
{
	RB_INSERT(vcr_ids, &kc->kc_ids, v);
	RB_INSERT(vcr_numbers, &kc->kc_numbers, v);
	kc->kc_records++;
	if (v->v_kind == LEG_TERMINATED)
		kc->kc_terminated++;
	v->v_due = KEY_NEVER;
	RB_INSERT(vcr_dues, &kc->kc_dues, v);
	kcall_redue(kc, v);
}

static void
kcall_unlink(struct kcore *kc, struct vcr *v)
{
	RB_REMOVE(vcr_ids, &kc->kc_ids, v);
	RB_REMOVE(vcr_numbers, &kc->kc_numbers, v);
	RB_REMOVE(vcr_dues, &kc->kc_dues, v);
	kc->kc_records--;
	if (v->v_kind == LEG_TERMINATED)
		kc->kc_terminated--;
}

void
kcall_spent_free(struct vcr_spent *sp)
{
	if (sp == NULL)
		return;
	if (sp->sp_route != NULL) {
		sodium_memzero(sp->sp_route, sp->sp_len);
		free(sp->sp_route);
	}
	sodium_memzero(sp, sizeof(*sp));
	free(sp);
}

static void
kcall_free(struct vcr *v)
{
	if (v == NULL)
		return;
	kcall_spent_free(v->v_spent);
	if (v->v_sched != NULL) {
		sodium_memzero(v->v_sched, sizeof(*v->v_sched));
		free(v->v_sched);
	}
	sodium_memzero(v, sizeof(*v));
	free(v);
}

void
kcall_clear(struct kcore *kc)
{
	struct vcr	*v;

	while ((v = RB_MIN(vcr_ids, &kc->kc_ids)) != NULL) {
		kcall_unlink(kc, v);
		kcall_free(v);
	}
}

void
kcall_delete(struct kcore *kc, struct vcr *v)
{
	uint64_t	 id = v->v_id;

	kcall_unlink(kc, v);
	kcall_free(v);
	/* If this fails the record is deleted when it is next loaded. */
	(void)store_put(kc->kc_calls, &id, sizeof(id), NULL, 0, NULL, NULL);
}

struct vcr *
kcall_find(struct kcore *kc, uint64_t id)
{
	struct vcr	 key;

	key.v_id = id;
	return (RB_FIND(vcr_ids, &kc->kc_ids, &key));
}

struct vcr *
kcall_first(struct kcore *kc, unsigned kind, const char *called)
{
	struct vcr	 key, *v;

	memset(&key, 0, sizeof(key));
	key.v_kind = (uint8_t)kind;
	strncpy(key.v_called, called, sizeof(key.v_called) - 1);
	key.v_start = UINT64_MAX;
	v = RB_NFIND(vcr_numbers, &kc->kc_numbers, &key);
	if (v == NULL || v->v_kind != kind || strcmp(v->v_called, called) != 0)
		return (NULL);
	return (v);
}

struct vcr *
kcall_next(struct kcore *kc, struct vcr *v)
{
	struct vcr	*n;

	(void)kc;		/* RB_NEXT of libbsd does not look at its head */
	n = RB_NEXT(vcr_numbers, &kc->kc_numbers, v);
	if (n == NULL || n->v_kind != v->v_kind ||
	    strcmp(n->v_called, v->v_called) != 0)
		return (NULL);
	return (n);
}

uint64_t
kcall_s(const struct vcr *v)
{
	return (v->v_start / 1000);
}

uint32_t
kcall_d(const struct vcr *v)
{
	return ((uint32_t)((v->v_stop - v->v_start) / 1000));
}

/* -- what is due -- */

static uint64_t
kcall_end(const struct kcore *kc, const struct vcr *v)
{
	uint64_t	 retain = 93600;

	if (kc->kc_conf != NULL)
		retain = kc->kc_conf->c_retain;
	return (v->v_stop + retain * 1000);
}

void
kcall_redue(struct kcore *kc, struct vcr *v)
{
	uint64_t	 due, t;

	due = kcall_end(kc, v);
	if (v->v_sched != NULL && (t = ksched_next(kc, v)) < due)
		due = t;
	if (v->v_spent != NULL && v->v_spent->sp_route != NULL &&
	    (t = v->v_spent->sp_at + KEY_REPEAT_MS) < due)
		due = t;
	if (due == v->v_due)
		return;
	RB_REMOVE(vcr_dues, &kc->kc_dues, v);
	v->v_due = due;
	RB_INSERT(vcr_dues, &kc->kc_dues, v);
}

void
kcall_due(struct kcore *kc, struct vcr *v)
{
	struct vcr_spent	*sp = v->v_spent;

	if (kcall_end(kc, v) <= kc->kc_now) {
		kcall_delete(kc, v);
		return;
	}
	if (sp != NULL && sp->sp_route != NULL &&
	    sp->sp_at + KEY_REPEAT_MS <= kc->kc_now) {
		/* Nobody may ask again: the answer goes, the mark stays. */
		sodium_memzero(sp->sp_route, sp->sp_len);
		free(sp->sp_route);
		sp->sp_route = NULL;
		sp->sp_len = 0;
		(void)kcall_put(kc, v, NULL);
	}
	if (v->v_sched != NULL && ksched_next(kc, v) <= kc->kc_now)
		ksched_due(kc, v);
	kcall_redue(kc, v);
}

void
kcall_stepped(struct kcore *kc, int64_t delta)
{
	struct vcr	*v, *next;
	uint64_t	 age;
	unsigned	 i;

	for (v = RB_MIN(vcr_ids, &kc->kc_ids); v != NULL; v = next) {
		next = RB_NEXT(vcr_ids, &kc->kc_ids, v);
		if (!v->v_this_boot) {
			kc->kc_stats.st_stepped++;
			kcall_delete(kc, v);
			continue;
		}
		age = kc->kc_boot - v->v_boot_start;
		RB_REMOVE(vcr_numbers, &kc->kc_numbers, v);
		v->v_stop -= v->v_start;
		v->v_start = kc->kc_now > age ? kc->kc_now - age : 0;
		v->v_stop += v->v_start;
		RB_INSERT(vcr_numbers, &kc->kc_numbers, v);
		if (v->v_sched != NULL) {
			v->v_sched->vs_moment += (uint64_t)delta;
			for (i = 0; i < v->v_sched->vs_count; i++)
				v->v_sched->vs_claim[i].cl_moment +=
				    (uint64_t)delta;
		}
		if (v->v_spent != NULL)
			v->v_spent->sp_at += (uint64_t)delta;
		kcall_redue(kc, v);
		(void)kcall_put(kc, v, NULL);
	}
}

/* -- on disk -- */

static size_t
kcall_encode(struct kcore *kc, const struct vcr *v)
{
	static const uint8_t	 none[16];
	const struct claimant	*cl;
	struct wbuf		 w;
	unsigned		 i;

	wbuf_init(&w, kc->kc_scratch, KEY_SCRATCH);
	wbuf_u64(&w, v->v_id);
	wbuf_u8(&w, v->v_kind);
	wbuf_u8(&w, v->v_source);
	wbuf_u64(&w, v->v_start);
	wbuf_u64(&w, v->v_stop);
	wbuf_u64(&w, v->v_boot_start);
	wbuf_bytes(&w, v->v_this_boot ? kc->kc_bootid : none, sizeof(none));
	wbuf_lv_str(&w, 1, v->v_called);
	wbuf_lv_str(&w, 1, v->v_caller);
	wbuf_u8(&w, v->v_spent != NULL);
	if (v->v_spent != NULL) {
		wbuf_bytes(&w, v->v_spent->sp_node, NODEID_LEN);
		wbuf_u64(&w, v->v_spent->sp_at);
		wbuf_lv_str(&w, 1, v->v_spent->sp_domain);
		wbuf_lv(&w, 2, v->v_spent->sp_route, v->v_spent->sp_len);
	}
	wbuf_u8(&w, v->v_sched != NULL);
	if (v->v_sched != NULL) {
		wbuf_u8(&w, v->v_sched->vs_state);
		wbuf_u8(&w, v->v_sched->vs_runs);
		wbuf_u8(&w, v->v_sched->vs_lookups);
		wbuf_u8(&w, v->v_sched->vs_force);
		wbuf_u64(&w, v->v_sched->vs_moment);
		wbuf_u8(&w, v->v_sched->vs_count);
		for (i = 0; i < v->v_sched->vs_count; i++) {
			cl = &v->v_sched->vs_claim[i];
			wbuf_bytes(&w, cl->cl_node, NODEID_LEN);
			/* Under way: whoever reads this knows it was cut short. */
			wbuf_u64(&w, cl->cl_try != 0 ? 0 : cl->cl_moment);
			wbuf_u8(&w, cl->cl_state);
			wbuf_u8(&w, cl->cl_runs);
			wbuf_u8(&w, cl->cl_retries);
			wbuf_u8(&w, cl->cl_repeats);
		}
	}
	return (wbuf_ok(&w) == -1 ? 0 : w.w_len);
}

int
kcall_put(struct kcore *kc, struct vcr *v, struct kwait *wa)
{
	size_t	 n;
	int	 r;

	if ((n = kcall_encode(kc, v)) == 0) {
		kcore_wait_cancel(wa);
		errno = EMSGSIZE;
		return (-1);
	}
	r = store_put(kc->kc_calls, &v->v_id, sizeof(v->v_id), kc->kc_scratch, n,
	    wa == NULL ? NULL : kcore_wait_done, wa);
	sodium_memzero(kc->kc_scratch, n);
	if (r == -1)
		kcore_wait_cancel(wa);
	return (r);
}

static int
kcall_decode_spent(struct cur *c, struct vcr *v)
{
	struct vcr_spent	*sp;
	struct span		 s;

	if ((sp = v->v_spent = calloc(1, sizeof(*sp))) == NULL)
		return (-1);
	(void)cur_bytes(c, sp->sp_node, NODEID_LEN);
	(void)cur_u64(c, &sp->sp_at);
	(void)cur_lv_str(c, 1, sp->sp_domain, sizeof(sp->sp_domain));
	if (cur_lv_span(c, 2, KEY_ROUTE_BODY, &s) == -1)
		return (-1);
	sp->sp_committed = 1;
	if (s.len == 0)
		return (0);
	if ((sp->sp_route = malloc(s.len)) == NULL)
		return (-1);
	memcpy(sp->sp_route, s.p, s.len);
	sp->sp_len = (uint16_t)s.len;
	return (0);
}

static int
kcall_decode_sched(struct cur *c, struct vcr *v)
{
	struct vcr_sched	*vs;
	struct claimant		*cl;
	unsigned		 i;

	if ((vs = v->v_sched = calloc(1, sizeof(*vs))) == NULL)
		return (-1);
	(void)cur_u8(c, &vs->vs_state);
	(void)cur_u8(c, &vs->vs_runs);
	(void)cur_u8(c, &vs->vs_lookups);
	(void)cur_u8(c, &vs->vs_force);
	(void)cur_u64(c, &vs->vs_moment);
	(void)cur_u8(c, &vs->vs_count);
	if (vs->vs_count > KEY_CLAIMANTS_MAX)
		return (-1);
	for (i = 0; i < vs->vs_count; i++) {
		cl = &vs->vs_claim[i];
		(void)cur_bytes(c, cl->cl_node, NODEID_LEN);
		(void)cur_u64(c, &cl->cl_moment);
		(void)cur_u8(c, &cl->cl_state);
		(void)cur_u8(c, &cl->cl_runs);
		(void)cur_u8(c, &cl->cl_retries);
		(void)cur_u8(c, &cl->cl_repeats);
	}
	return (cur_ok(c));
}

static struct vcr *
kcall_decode(struct kcore *kc, const void *p, size_t len)
{
	struct vcr	*v;
	struct cur	 c;
	uint8_t		 boot[16], flag;

	if ((v = calloc(1, sizeof(*v))) == NULL)
		return (NULL);
	cur_init(&c, p, len);
	(void)cur_u64(&c, &v->v_id);
	(void)cur_u8(&c, &v->v_kind);
	(void)cur_u8(&c, &v->v_source);
	(void)cur_u64(&c, &v->v_start);
	(void)cur_u64(&c, &v->v_stop);
	(void)cur_u64(&c, &v->v_boot_start);
	(void)cur_bytes(&c, boot, sizeof(boot));
	(void)cur_lv_str(&c, 1, v->v_called, sizeof(v->v_called));
	(void)cur_lv_str(&c, 1, v->v_caller, sizeof(v->v_caller));
	(void)cur_u8(&c, &flag);
	if (flag && kcall_decode_spent(&c, v) == -1)
		goto fail;
	(void)cur_u8(&c, &flag);
	if (flag && kcall_decode_sched(&c, v) == -1)
		goto fail;
	if (cur_done(&c) == -1 || v->v_stop < v->v_start)
		goto fail;
	v->v_this_boot = memcmp(boot, kc->kc_bootid, sizeof(boot)) == 0;
	return (v);
fail:
	kcall_free(v);
	return (NULL);
}

static int
kcall_load_one(const void *key, size_t keylen, const void *val, size_t vallen,
    uint8_t version, void *arg)
{
	struct kcore	*kc = arg;
	struct vcr	*v;

	(void)key;
	(void)keylen;
	if (version != 1 || (v = kcall_decode(kc, val, vallen)) == NULL)
		return (1);
	/* A record of another boot that ended in the future: the clock was
	 * wrong then or is wrong now. */
	if (!v->v_this_boot && v->v_stop > kc->kc_now + OTHER_BOOT_MS) {
		kc->kc_stats.st_stepped++;
		kcall_free(v);
		return (1);
	}
	if (kcall_find(kc, v->v_id) != NULL) {
		kcall_free(v);
		return (1);
	}
	kcall_insert(kc, v);
	return (0);
}

int
kcall_load(struct kcore *kc)
{
	struct vcr	*v, *next;

	if (store_walk(kc->kc_calls, kcall_load_one, kc) == -1)
		return (-1);
	for (v = RB_MIN(vcr_ids, &kc->kc_ids); v != NULL; v = next) {
		next = RB_NEXT(vcr_ids, &kc->kc_ids, v);
		ksched_interrupted(kc, v);
	}
	return (0);
}
