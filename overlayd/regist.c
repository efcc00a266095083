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
 * core: publishing, refreshing and withdrawing our registrations, decoys and
 * own numbers alike, at the rate that the configuration allows.
 */

#include <errno.h>
#include <sodium.h>

#include <stdlib.h>
#include <string.h>

#include "e164.h"
#include "regist_int.h"

#define BUSY_MAX	64	/* Stores under way */
#define RETRY_MS	1500
#define RETRY_MAX_MS	600000
#define READ_MIN_MS	300000
#define READ_MAX_MS	900000
#define READ_AGE_MS	60000	/* entries younger than this are not read back */
#define ALARM_MS	10000	/* that many failures in one line */
#define ALARM_AGAIN_MS	1800000

static int	 entry_cmp(const struct regist_entry *, const struct regist_entry *);
static int	 due_cmp(const struct regist_entry *, const struct regist_entry *);
static void	 entry_count(struct regist *, const struct regist_entry *, int);
static struct regist_entry *entry_get(struct regist *, uint64_t);
static void	 entry_free(struct regist *, struct regist_entry *);
static void	 entry_undue(struct regist *, struct regist_entry *);
static void	 entry_state(struct regist *, struct regist_entry *, enum regist_state);
static void	 config_add(struct regist *, uint64_t, enum regist_kind, uint64_t, size_t *);
static void	 config_decoys(struct regist *, const struct conf_range *, uint64_t, size_t *);
static void	 regist_joined(struct node *);
static void	 regist_pump(void *);
static void	 regist_failed(struct regist *, const struct regist_entry *);
static void	 regist_alarm(void *);
static void	 readback(void *);

RB_PROTOTYPE(regist_tree, regist_entry, re_entry, entry_cmp)
RB_PROTOTYPE(regist_due, regist_entry, re_bydue, due_cmp)
RB_GENERATE(regist_tree, regist_entry, re_entry, entry_cmp)
RB_GENERATE(regist_due, regist_entry, re_bydue, due_cmp)

static int
entry_cmp(const struct regist_entry *a, const struct regist_entry *b)
{
	return (a->re_number < b->re_number ? -1 : a->re_number > b->re_number);
}

static int
due_cmp(const struct regist_entry *a, const struct regist_entry *b)
{
	if (a->re_due != b->re_due)
		return (a->re_due < b->re_due ? -1 : 1);
	return (entry_cmp(a, b));
}

struct regist *
regist_new(struct node *n, const uint8_t secret[REGIST_SECRET_LEN],
    regist_keep_fn keep, void *arg)
{
	struct regist	*rg;
	uint8_t		 h[16];
	size_t		 i;

	if ((rg = calloc(1, sizeof(*rg))) == NULL)
		return (NULL);
	rg->rg_node = n;
	rg->rg_keep = keep;
	rg->rg_arg = arg;
	rg->rg_rate = 50;
	rg->rg_read_min = READ_MIN_MS;
	rg->rg_read_max = READ_MAX_MS;
	RB_INIT(&rg->rg_entries);
	RB_INIT(&rg->rg_due);
	memcpy(rg->rg_secret, secret, REGIST_SECRET_LEN);
	/*
	 * One VServiceID for all our entries.  It comes from the Node-ID and
	 * not from the secret, so that a box whose store was lost renews its
	 * old entries instead of being refused a second one beside each.
	 */
	(void)crypto_generichash(h, sizeof(h), n->n_self.id_b, NODEID_LEN,
	    (const uint8_t *)"vipr-vservice-id", 16);
	for (i = 0; i < 8; i++) {
		rg->rg_vservice[2 * i] = "0123456789abcdef"[h[i] >> 4];
		rg->rg_vservice[2 * i + 1] = "0123456789abcdef"[h[i] & 15];
	}
	ntimer_set(&rg->rg_timer, regist_pump, rg);
	ntimer_set(&rg->rg_readtimer, readback, rg);
	ntimer_set(&rg->rg_alarmtimer, regist_alarm, rg);
	n->n_regist = rg;
	n->n_joined = regist_joined;
	return (rg);
}

void
regist_free(struct regist *rg)
{
	struct regist_entry *re;

	if (rg == NULL)
		return;
	ntimer_del(&rg->rg_node->n_timers, &rg->rg_timer);
	ntimer_del(&rg->rg_node->n_timers, &rg->rg_readtimer);
	ntimer_del(&rg->rg_node->n_timers, &rg->rg_alarmtimer);
	rg->rg_node->n_regist = NULL;
	rg->rg_node->n_joined = NULL;
	rg->rg_keep = NULL;
	while ((re = RB_MIN(regist_tree, &rg->rg_entries)) != NULL)
		entry_free(rg, re);
	sodium_memzero(rg->rg_secret, sizeof(rg->rg_secret));
	free(rg);
}

uint32_t
regist_lifetime(const struct regist *rg)
{
	const struct reload_kind *rk;
	uint32_t	 most = 86400;

	/* Readers drop what is older than the document's lifetime. */
	rk = reload_doc_kind(rg->rg_node->n_doc, RELOAD_KIND_VIPR);
	if (rk != NULL && rk->rk_lifetime != 0)
		most = rk->rk_lifetime;
	return (rg->rg_lifetime != 0 && rg->rg_lifetime < most ? rg->rg_lifetime : most);
}

int
regist_resource(uint64_t number, unsigned copy, struct nodeid *id)
{
	static const char *const prefix[REGIST_COPIES] = { "", "COPY1", "COPY2" };
	struct wbuf	 w;
	uint8_t		 buf[32];
	char		 text[E164_SIZE];

	if (copy >= REGIST_COPIES)
		return (-1);
	e164_unpack(number, text);
	wbuf_init(&w, buf, sizeof(buf));
	wbuf_str(&w, prefix[copy]);
	wbuf_str(&w, text);
	if (wbuf_ok(&w) == -1)
		return (-1);
	nodeid_resource(buf, w.w_len, id);
	return (0);
}

/* -- entries -- */

struct regist_entry *
regist_find(const struct regist *rg, uint64_t number)
{
	struct regist_tree head = rg->rg_entries;
	struct regist_entry key;

	key.re_number = number;
	return (RB_FIND(regist_tree, &head, &key));
}

struct regist_entry *
regist_first(const struct regist *rg)
{
	struct regist_tree head = rg->rg_entries;

	return (RB_MIN(regist_tree, &head));
}

struct regist_entry *
regist_after(struct regist_entry *re)
{
	return (RB_NEXT(regist_tree, NULL, re));
}

const char *
regist_state_str(const struct regist_entry *re)
{
	if (re->re_withdraw)
		return ("withdrawing");
	switch (re->re_state) {
	case REGIST_PUBLISHED:
		return ("published");
	case REGIST_FAILED:
		return ("failed");
	default:
		return ("pending");
	}
}

static void
entry_count(struct regist *rg, const struct regist_entry *re, int add)
{
	size_t		*p;

	p = re->re_state == REGIST_PUBLISHED ? &rg->rg_npublished :
	    re->re_state == REGIST_FAILED ? &rg->rg_nfailed : &rg->rg_npending;
	*p = add ? *p + 1 : *p - 1;
}

static void
entry_state(struct regist *rg, struct regist_entry *re, enum regist_state state)
{
	entry_count(rg, re, 0);
	re->re_state = (uint8_t)state;
	entry_count(rg, re, 1);
}

static struct regist_entry *
entry_get(struct regist *rg, uint64_t number)
{
	struct regist_entry *re;

	if ((re = regist_find(rg, number)) != NULL)
		return (re);
	if ((re = calloc(1, sizeof(*re))) == NULL)
		return (NULL);
	re->re_number = number;
	RB_INSERT(regist_tree, &rg->rg_entries, re);
	rg->rg_nentries++;
	entry_count(rg, re, 1);
	return (re);
}

static void
entry_undue(struct regist *rg, struct regist_entry *re)
{
	if (re->re_due == 0)
		return;
	RB_REMOVE(regist_due, &rg->rg_due, re);
	re->re_due = 0;
}

void
regist_entry_due(struct regist *rg, struct regist_entry *re, uint64_t at)
{
	entry_undue(rg, re);
	re->re_due = at == 0 ? 1 : at;
	RB_INSERT(regist_due, &rg->rg_due, re);
	regist_wake(rg, at);
}

static void
entry_free(struct regist *rg, struct regist_entry *re)
{
	entry_undue(rg, re);
	entry_count(rg, re, 0);
	RB_REMOVE(regist_tree, &rg->rg_entries, re);
	rg->rg_nentries--;
	if (re->re_kept && rg->rg_keep != NULL)
		rg->rg_keep(rg->rg_arg, re->re_number, 0);
	free(re);
}

void
regist_known(struct regist *rg, uint64_t number)
{
	struct regist_entry *re;

	if ((re = entry_get(rg, number)) != NULL)
		re->re_kept = 1;
}

/* -- configuration -- */

/* spread: the first round of all is spread over so many ms. */
static void
config_add(struct regist *rg, uint64_t number, enum regist_kind kind, uint64_t spread,
    size_t *count)
{
	struct node	*n = rg->rg_node;
	struct regist_entry *re;

	if ((re = entry_get(rg, number)) == NULL)
		return;
	if (re->re_mark)
		return;		/* named twice; an own number stays one */
	re->re_mark = 1;
	re->re_kind = (uint8_t)kind;
	(*count)++;
	if (re->re_withdraw || (re->re_due == 0 && !re->re_busy)) {
		re->re_withdraw = 0;
		re->re_copy = re->re_good = 0;
		regist_entry_due(rg, re, n->n_mono + node_rand(n, (uint32_t)spread + 1));
	}
}

/*
 * Decoys of a range: drawn by a keyed hash of the range and a counter, so that
 * they are the same after a restart and nobody else can tell them.
 */
static void
config_decoys(struct regist *rg, const struct conf_range *cr, uint64_t spread, size_t *count)
{
	struct regist_entry *re;
	struct wbuf	 w;
	uint64_t	 size, i, tries, v, number;
	uint8_t		 in[64], h[16];
	char		 text[E164_SIZE];
	struct cur	 c;

	size = e164_range_size(&cr->cr_range);
	for (i = tries = 0; i < cr->cr_count && i < size &&
	    tries < 20 * (uint64_t)cr->cr_count + 100; tries++) {
		wbuf_init(&w, in, sizeof(in));
		wbuf_str(&w, cr->cr_range.er_from);
		wbuf_str(&w, cr->cr_range.er_to);
		wbuf_u64(&w, tries);
		(void)crypto_generichash(h, sizeof(h), in, w.w_len, rg->rg_secret,
		    sizeof(rg->rg_secret));
		cur_init(&c, h, sizeof(h));
		(void)cur_u64(&c, &v);
		if (e164_range_nth(&cr->cr_range, v % size, text) == -1)
			continue;
		number = e164_pack(text);
		if ((re = regist_find(rg, number)) != NULL && re->re_mark) {
			if (re->re_kind == REGIST_OWN && size <= 2 * (uint64_t)cr->cr_count)
				i++;	/* own numbers thin the range out */
			continue;
		}
		config_add(rg, number, REGIST_DECOY, spread, count);
		i++;
	}
}

int
regist_config(struct regist *rg, const struct conf_ranges *numbers,
    const struct conf_ranges *decoys, uint32_t rate, uint32_t lifetime)
{
	const struct reload_kind *rk;
	const struct conf_range *cr;
	struct regist_entry *re;
	struct node	*n = rg->rg_node;
	char		 text[E164_SIZE];
	uint64_t	 i, size, spread, total = 0;
	size_t		 count = 0, max = REGIST_NUMBERS_MAX;
	int		 over = 0;

	rk = reload_doc_kind(n->n_doc, RELOAD_KIND_VIPR);
	if (rk != NULL && rk->rk_quota < max)
		max = rk->rk_quota;
	rg->rg_rate = rate == 0 ? 50 : rate;
	rg->rg_lifetime = lifetime;
	TAILQ_FOREACH(cr, numbers, cr_entry)
		total += e164_range_size(&cr->cr_range);
	TAILQ_FOREACH(cr, decoys, cr_entry)
		total += cr->cr_count;
	spread = (total > max ? max : total) * REGIST_COPIES * 1000 / rg->rg_rate;
	RB_FOREACH(re, regist_tree, &rg->rg_entries)
		re->re_mark = 0;
	TAILQ_FOREACH(cr, numbers, cr_entry) {
		size = e164_range_size(&cr->cr_range);
		for (i = 0; i < size; i++) {
			if (count >= max) {
				over = 1;
				break;
			}
			if (e164_range_nth(&cr->cr_range, i, text) == -1)
				break;
			config_add(rg, e164_pack(text), REGIST_OWN, spread, &count);
		}
	}
	TAILQ_FOREACH(cr, decoys, cr_entry) {
		if (count + cr->cr_count > max) {
			over = 1;
			break;
		}
		config_decoys(rg, cr, spread, &count);
	}
	RB_FOREACH(re, regist_tree, &rg->rg_entries) {
		if (re->re_mark || re->re_withdraw)
			continue;
		re->re_withdraw = 1;
		re->re_copy = re->re_good = 0;
		regist_entry_due(rg, re, n->n_mono);
	}
	return (over ? -1 : 0);
}

/* -- the queue -- */

static void
regist_joined(struct node *n)
{
	struct regist	*rg = n->n_regist;

	regist_wake(rg, n->n_mono);
	ntimer_add(&n->n_timers, &rg->rg_readtimer, n->n_mono + rg->rg_read_min +
	    node_rand(n, (uint32_t)(rg->rg_read_max - rg->rg_read_min + 1)));
}

void
regist_wake(struct regist *rg, uint64_t at)
{
	struct node	*n = rg->rg_node;

	if (at < n->n_mono)
		at = n->n_mono;
	if (node_is_joined(n) &&
	    (!rg->rg_timer.nt_armed || rg->rg_timer.nt_at > at))
		ntimer_add(&n->n_timers, &rg->rg_timer, at);
}

/* One Store a token; a token every 1/rate s, at most one second's worth. */
static void
regist_pump(void *arg)
{
	struct regist	*rg = arg;
	struct node	*n = rg->rg_node;
	struct regist_entry *re;
	uint64_t	 add, max = (uint64_t)rg->rg_rate * 1000;

	if (!node_is_joined(n))
		return;
	add = (n->n_mono - rg->rg_tokens_at) * rg->rg_rate;
	rg->rg_tokens_at = n->n_mono;
	rg->rg_tokens = add > max - rg->rg_tokens ? max : rg->rg_tokens + add;
	while ((re = RB_MIN(regist_due, &rg->rg_due)) != NULL && re->re_due <= n->n_mono) {
		if (rg->rg_nbusy >= BUSY_MAX)
			return;		/* the next that ends goes on */
		if (rg->rg_tokens < 1000) {
			ntimer_add(&n->n_timers, &rg->rg_timer,
			    n->n_mono + (1000 - rg->rg_tokens) / rg->rg_rate + 1);
			return;
		}
		entry_undue(rg, re);
		if (regist_store(rg, re) == -1) {
			regist_entry_due(rg, re, n->n_mono + RETRY_MS);
			continue;
		}
		rg->rg_tokens -= 1000;
	}
	if (re != NULL)
		regist_wake(rg, re->re_due);
}

/* -- the outcome -- */

void
regist_round_done(struct regist *rg, struct regist_entry *re)
{
	struct node	*n = rg->rg_node;
	uint64_t	 ms, half = (uint64_t)regist_lifetime(rg) * 500;
	int		 two;

	re->re_copy = 0;
	if (re->re_good == (1u << REGIST_COPIES) - 1) {
		re->re_good = re->re_fails = 0;
		if (re->re_withdraw) {
			entry_free(rg, re);
			return;
		}
		re->re_refreshed = n->n_wall;
		entry_state(rg, re, REGIST_PUBLISHED);
		/* At half-life, up to a tenth of it earlier. */
		regist_entry_due(rg, re, n->n_mono + half - node_rand(n, (uint32_t)(half / 10) + 1));
		return;
	}
	if (re->re_fails < UINT8_MAX)
		re->re_fails++;
	/* Two names are enough to be found; the third one is tried on. */
	two = (re->re_good & (re->re_good - 1)) != 0;
	if (re->re_fails >= 3 && !re->re_withdraw && two)
		entry_state(rg, re, REGIST_PUBLISHED);
	else if (re->re_fails >= 3) {
		entry_state(rg, re, REGIST_FAILED);
		regist_failed(rg, re);
	}
	/* The missing copies only, until it is time to refresh the others. */
	if (n->n_mono - re->re_began >= half)
		re->re_good = 0;
	while ((re->re_good & 1u << re->re_copy) != 0)
		re->re_copy++;
	ms = (uint64_t)RETRY_MS << (re->re_fails < 7 ? re->re_fails - 1 : 7);
	if (ms > RETRY_MAX_MS)
		ms = RETRY_MAX_MS;
	if (re->re_fails >= 3 && two)
		ms *= 6;
	regist_entry_due(rg, re, n->n_mono + ms / 2 + node_rand(n, (uint32_t)ms));
}

/* One line for all that fail at the same time, and one again while it lasts. */
static void
regist_failed(struct regist *rg, const struct regist_entry *re)
{
	struct node	*n = rg->rg_node;
	uint64_t	 at = n->n_mono + ALARM_MS;

	rg->rg_error = re->re_error;
	if (rg->rg_alarmtimer.nt_armed)
		return;
	ntimer_add(&n->n_timers, &rg->rg_alarmtimer,
	    at > rg->rg_alarm_next ? at : rg->rg_alarm_next);
}

static void
regist_alarm(void *arg)
{
	struct regist	*rg = arg;
	struct node	*n = rg->rg_node;

	if (rg->rg_nfailed == 0)
		return;
	rg->rg_alarm_next = n->n_mono + ALARM_AGAIN_MS;
	rg->rg_alarms++;
	node_log(n, NODE_WARN, "%zu of %zu registrations have failed three times or "
	    "more, the last one with %s; they are tried again", rg->rg_nfailed,
	    rg->rg_nentries, wire_errcode_str(rg->rg_error));
}

/* -- reading back -- */

static void
readback(void *arg)
{
	struct regist	*rg = arg;
	struct node	*n = rg->rg_node;
	struct regist_entry *re;
	uint64_t	 skip;

	ntimer_add(&n->n_timers, &rg->rg_readtimer, n->n_mono + rg->rg_read_min +
	    node_rand(n, (uint32_t)(rg->rg_read_max - rg->rg_read_min + 1)));
	if (!node_is_joined(n) || rg->rg_npublished == 0)
		return;
	skip = node_rand(n, (uint32_t)rg->rg_nentries);
	for (re = regist_first(rg); re != NULL && skip > 0; skip--)
		re = regist_after(re);
	if (re == NULL || re->re_state != REGIST_PUBLISHED || re->re_withdraw ||
	    re->re_busy || re->re_good != 0 ||
	    re->re_refreshed + READ_AGE_MS > n->n_wall)
		return;
	(void)lookup_start(n, re->re_number, regist_readback_done,
	    (void *)(uintptr_t)re->re_number);
}

void
regist_readback_done(struct node *n, const struct lookup_result *lr, void *arg)
{
	struct regist	*rg = n->n_regist;
	struct regist_entry *re;
	char		 text[E164_SIZE];

	if (n->n_closing || rg == NULL || lr->lr_error != 0 ||
	    (re = regist_find(rg, (uint64_t)(uintptr_t)arg)) == NULL)
		return;
	rg->rg_readbacks++;
	if (lr->lr_owntime > re->re_time)
		re->re_time = lr->lr_owntime;
	if (re->re_withdraw || re->re_state != REGIST_PUBLISHED)
		return;
	if (lr->lr_own >= lr->lr_answers) {
		re->re_hidden = 0;
		return;
	}
	if (re->re_hidden < UINT8_MAX)
		re->re_hidden++;
	e164_unpack(re->re_number, text);
	rg->rg_alarms++;
	node_log(n, NODE_WARN, "registration of %s is missing in %u of %u places that answered%s",
	    text, lr->lr_answers - lr->lr_own, lr->lr_answers,
	    re->re_hidden > 1 ? ", again: it may be hidden on purpose" : "");
	if (!re->re_busy) {
		re->re_copy = re->re_good = 0;
		regist_entry_due(rg, re, n->n_mono);
	}
}
