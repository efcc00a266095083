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
 * core: looking a number up: Fetches under three names, the validly signed
 * entries united; further routes and holders as long as there is reason for
 * doubt (vipr-kind(7), Reading).
 */

#include <errno.h>
#include <sodium.h>

#include <stdlib.h>
#include <string.h>

#include "e164.h"
#include "lookup_int.h"

#define AHEAD_MS	600000		/* a storage_time may be so far ahead */
#define GRACE_MS	3600000		/* and so much older than the lifetime */
#define TICK_MS		500
#define WAVE_MS		2000
#define ENOUGH_MS	8000		/* one name that showed entries is enough */
#define WITNESSES	5		/* who must deny an entry, in doubt */
#define BAD_MAX		8		/* bad values, then the answer is let be */

static int	 lookup_new(struct node *, uint64_t, unsigned, unsigned, int,
		    lookup_done, void *);
static void	 lookup_tick(void *);
static int	 lookup_enough(const struct lookup *);
static void	 lookup_wave(struct lookup *);
static int	 lookup_checked(struct lookup *, const struct nodeid *,
		    const struct wire_stored *, uint8_t [16]);
static int	 lookup_value_ok(struct node *, const struct reload_kind *,
		    const struct wire_stored *, const struct nodeid *);
static void	 lookup_add(struct lookup *, const struct wire_stored *, const struct nodeid *);
static void	 lookup_finish(struct lookup *);
static void	 lookup_sum(const struct lookup *, struct lookup_result *);

/* More requests of each name in the wave of that number. */
static const unsigned waves[] = { 0, 1, 1, 2, 4, 6, 8, 10, 12, 12 };

int
lookup_start(struct node *n, uint64_t number, lookup_done done, void *arg)
{
	return (lookup_new(n, number, 0, REGIST_COPIES, 0, done, arg));
}

int
lookup_root(struct node *n, uint64_t number, unsigned copy, lookup_done done, void *arg)
{
	return (lookup_new(n, number, copy, copy + 1, 1, done, arg));
}

static int
lookup_new(struct node *n, uint64_t number, unsigned from, unsigned to, int root,
    lookup_done done, void *arg)
{
	struct lookup	*lu;
	unsigned	 i, sent = 0;

	if (!node_is_joined(n) || n->n_closing) {
		errno = ENETDOWN;
		return (-1);
	}
	if ((lu = calloc(1, sizeof(*lu))) == NULL)
		return (-1);
	lu->lu_done = done;
	lu->lu_arg = arg;
	lu->lu_node = n;
	lu->lu_start = lu->lu_waveat = n->n_mono;
	lu->lu_from = from;
	lu->lu_to = to;
	lu->lu_root = root;
	lu->lu_wave = root ? 1 : 0;
	lu->lu_max = root ? LOOKUP_ROOT_MAX : LOOKUP_REQUESTS_MAX;
	TAILQ_INIT(&lu->lu_asks);
	TAILQ_INSERT_TAIL(&n->n_lookups, lu, lu_entry);
	ntimer_set(&lu->lu_timer, lookup_tick, lu);
	ntimer_add(&n->n_timers, &lu->lu_timer, n->n_mono + TICK_MS);
	for (i = from; i < to; i++) {
		if (regist_resource(number, i, &lu->lu_place[i].lp_resource) == 0 &&
		    (root ? place_more(lu, &lu->lu_place[i]) :
		    place_first(lu, &lu->lu_place[i])) == 0)
			sent++;
	}
	if (sent > 0)
		return (0);
	ntimer_del(&n->n_timers, &lu->lu_timer);
	TAILQ_REMOVE(&n->n_lookups, lu, lu_entry);
	free(lu);
	errno = EAGAIN;
	return (-1);
}

void
lookup_clear(struct node *n)
{
	struct lookup	*lu;

	/* Those who wait are told, and can ask for nothing new. */
	n->n_closing = 1;
	while ((lu = TAILQ_FIRST(&n->n_lookups)) != NULL)
		lookup_finish(lu);
}

void
lookup_doubt(struct lookup *lu)
{
	lu->lu_doubts++;
	detour_doubt(lu->lu_node);
}

/* -- policy -- */

static void
lookup_tick(void *arg)
{
	struct lookup	*lu = arg;
	struct node	*n = lu->lu_node;

	ntimer_add(&n->n_timers, &lu->lu_timer, n->n_mono + TICK_MS);
	ask_expire(lu);
	lookup_next(lu);
}

/* Is what we know all that we want to know? */
static int
lookup_enough(const struct lookup *lu)
{
	const struct lookup_place *lp;
	uint64_t	 ms = lu->lu_node->n_mono - lu->lu_start;
	unsigned	 i, w, witnesses = 0, answered = 0, hits = 0;
	int		 doubt;

	lp = &lu->lu_place[lu->lu_from];
	if (lu->lu_root)
		return (lp->lp_sure > 0 && lp->lp_holder[0].lh_answered);
	for (i = lu->lu_from; i < lu->lu_to; i++) {
		lp = &lu->lu_place[i];
		w = place_witnesses(lu, lp);
		witnesses += w;
		answered += w > 0;
		hits += lp->lp_hit != 0;
	}
	doubt = lu->lu_doubts > 0 || hits == 1 ||
	    (hits == 0 && detour_doubted(lu->lu_node));
	if (!doubt)
		return (answered == REGIST_COPIES);
	/* Two names that show entries, or one and a while of trying. */
	if (hits >= 2 || (hits == 1 && ms >= ENOUGH_MS))
		return (1);
	return (hits == 0 && answered == REGIST_COPIES && witnesses >= WITNESSES);
}

static void
lookup_wave(struct lookup *lu)
{
	struct lookup_place *lp;
	unsigned	 i, j, count;

	lu->lu_waveat = lu->lu_node->n_mono;
	if (lu->lu_wave + 1 >= sizeof(waves) / sizeof(waves[0]))
		return;
	count = waves[++lu->lu_wave];
	for (i = lu->lu_from; i < lu->lu_to; i++) {
		lp = &lu->lu_place[i];
		for (j = 0; j < count && (!lp->lp_hit || lu->lu_root); j++) {
			if (place_more(lu, lp) == -1)
				return;
		}
	}
}

void
lookup_next(struct lookup *lu)
{
	uint64_t	 now = lu->lu_node->n_mono;

	if (lookup_enough(lu) || now - lu->lu_start >= LOOKUP_TIME_MS) {
		lookup_finish(lu);
		return;
	}
	/* While the first requests are young, nothing speaks against them. */
	if (lu->lu_young == 0 ||
	    (lu->lu_wave > 0 && now - lu->lu_waveat >= WAVE_MS))
		lookup_wave(lu);
	if (lu->lu_open == 0)
		lookup_finish(lu);
}

/* -- values -- */

int
lookup_values(struct lookup *lu, struct lookup_place *lp, const struct node_resp *resp)
{
	struct node	*n = lu->lu_node;
	const struct reload_kind *rk;
	struct wire_kinddata wk;
	struct wire_stored ws;
	struct wire_error we;
	struct node_signer ng;
	struct cur	 kinds, values, bucket = resp->nr_sec->rb_certs;
	const char	*why;
	unsigned	 unknown, bad = 0, max = LOOKUP_ENTRIES_MAX;
	int		 shown = 0;
	uint8_t		 md[16];

	rk = reload_doc_kind(n->n_doc, RELOAD_KIND_VIPR);
	if (rk == NULL || wire_fetchans_parse(&resp->nr_contents->wc_body, data_model, n,
	    &kinds, &unknown, &we) == -1)
		return (-1);
	while (wire_kinddata_next(&kinds, data_model, n, &wk) == 1) {
		if (wk.wk_kind != RELOAD_KIND_VIPR)
			continue;
		values = wk.wk_values;
		while (max > 0 && bad < BAD_MAX &&
		    wire_stored_next(&values, RELOAD_DICTIONARY, &ws) == 1) {
			max--;
			/* The same bytes from another holder of this place. */
			if (lookup_checked(lu, &lp->lp_resource, &ws, md)) {
				shown += ws.ws_value.wv_exists;
				continue;
			}
			if (lu->lu_nseen == LOOKUP_SEEN_MAX ||
			    data_check(n, &lp->lp_resource, rk, &ws, &bucket, &ng, &why) != 0 ||
			    lookup_value_ok(n, rk, &ws, &ng.ng_node) == -1) {
				bad++;
				continue;
			}
			memcpy(lu->lu_seen[lu->lu_nseen++], md, sizeof(md));
			if (nodeid_eq(&ng.ng_node, &n->n_self)) {
				lp->lp_own = 1;
				if (ws.ws_time > lu->lu_owntime)
					lu->lu_owntime = ws.ws_time;
			}
			lookup_add(lu, &ws, &ng.ng_node);
			shown += ws.ws_value.wv_exists;
		}
	}
	return (shown);
}

/* Has this value been found good already?  All that its signature covers, and
 * the signature, go into md. */
static int
lookup_checked(struct lookup *lu, const struct nodeid *resource,
    const struct wire_stored *ws, uint8_t md[16])
{
	crypto_generichash_state st;
	const struct span *parts[3] = { &ws->ws_value.wv_key, &ws->ws_value.wv_data,
	    &ws->ws_sig.rs_value };
	struct wbuf	 w;
	uint8_t		 head[NODEID_LEN + 8 + 1 + 3 * 8];
	size_t		 i;

	wbuf_init(&w, head, sizeof(head));
	wbuf_bytes(&w, resource->id_b, NODEID_LEN);
	wbuf_u64(&w, ws->ws_time);
	wbuf_u8(&w, ws->ws_value.wv_exists ? 1 : 0);
	for (i = 0; i < 3; i++)
		wbuf_u64(&w, parts[i]->len);
	(void)crypto_generichash_init(&st, NULL, 0, 16);
	(void)crypto_generichash_update(&st, head, w.w_len);
	for (i = 0; i < 3; i++) {
		if (parts[i]->len > 0)
			(void)crypto_generichash_update(&st,
			    (const uint8_t *)parts[i]->p, parts[i]->len);
	}
	(void)crypto_generichash_final(&st, md, 16);
	for (i = 0; i < lu->lu_nseen; i++) {
		if (memcmp(lu->lu_seen[i], md, 16) == 0)
			return (1);
	}
	return (0);
}

/* The reader's own checks: a lax storing peer gains nothing. */
static int
lookup_value_ok(struct node *n, const struct reload_kind *rk,
    const struct wire_stored *ws, const struct nodeid *node)
{
	struct cur	 c, attr;
	uint16_t	 type;
	uint64_t	 life = (uint64_t)rk->rk_lifetime * 1000 + GRACE_MS;
	struct nodeid	 id;

	if (ws->ws_time > n->n_wall + AHEAD_MS ||
	    (ws->ws_time < n->n_wall && n->n_wall - ws->ws_time > life))
		return (-1);
	if (!ws->ws_value.wv_exists)
		return (0);
	/* Attributes: type, length, value; the first peerID counts. */
	cur_init(&c, ws->ws_value.wv_data.p, ws->ws_value.wv_data.len);
	while (cur_u16(&c, &type) == 0) {
		if (cur_lv(&c, 2, &attr) == -1)
			return (-1);
		if (type != 0x2008)
			continue;
		if (cur_bytes(&attr, id.id_b, NODEID_LEN) == -1 || cur_done(&attr) == -1)
			return (-1);
		return (nodeid_eq(&id, node) ? 0 : -1);
	}
	return (-1);
}

/* The newest storage_time of a key counts, a removal included. */
static void
lookup_add(struct lookup *lu, const struct wire_stored *ws, const struct nodeid *node)
{
	struct lookup_key *lk;
	size_t		 i;

	for (i = 0; i < lu->lu_nkeys; i++) {
		if (memcmp(lu->lu_key[i].lk_key, ws->ws_value.wv_key.p, REGIST_KEY_LEN) == 0)
			break;
	}
	if (i == LOOKUP_ENTRIES_MAX)
		return;
	lk = &lu->lu_key[i];
	if (i == lu->lu_nkeys)
		lu->lu_nkeys++;
	else if (lk->lk_time >= ws->ws_time)
		return;
	memcpy(lk->lk_key, ws->ws_value.wv_key.p, REGIST_KEY_LEN);
	lk->lk_node = *node;
	lk->lk_time = ws->ws_time;
	lk->lk_exists = ws->ws_value.wv_exists;
}

static void
lookup_sum(const struct lookup *lu, struct lookup_result *lr)
{
	const struct lookup_place *lp;
	const struct lookup_key *lk;
	size_t		 i, j;
	unsigned	 w;

	lr->lr_owntime = lu->lu_owntime;
	lr->lr_requests = lu->lu_requests;
	lr->lr_doubts = lu->lu_doubts;
	for (i = lu->lu_from; i < lu->lu_to; i++) {
		lp = &lu->lu_place[i];
		w = place_witnesses(lu, lp);
		lr->lr_witnesses += w;
		lr->lr_answers += w > 0 || lp->lp_hit;
		lr->lr_own += lp->lp_own != 0;
	}
	lp = &lu->lu_place[lu->lu_from];
	if (lu->lu_root && lp->lp_sure > 0 && lp->lp_holder[0].lh_answered) {
		lr->lr_rooted = 1;
		lr->lr_root = lp->lp_holder[0].lh_id;
		lr->lr_path = lp->lp_holder[0].lh_path;
	}
	if (lr->lr_answers == 0)
		lr->lr_error = lu->lu_limited > 0 ? EAGAIN : ETIMEDOUT;
	for (i = 0; i < lu->lu_nkeys && lr->lr_nodes < OV_LOOKUP_MAX; i++) {
		lk = &lu->lu_key[i];
		if (!lk->lk_exists)
			continue;
		if (nodeid_eq(&lk->lk_node, &lu->lu_node->n_self)) {
			lr->lr_ownexists = 1;
			continue;
		}
		for (j = 0; j < lr->lr_nodes; j++) {
			if (nodeid_eq(&lr->lr_node[j], &lk->lk_node))
				break;
		}
		if (j == lr->lr_nodes)
			lr->lr_node[lr->lr_nodes++] = lk->lk_node;
	}
}

static void
lookup_finish(struct lookup *lu)
{
	struct node	*n = lu->lu_node;
	struct lookup_result *lr;
	struct lookup_ask *la;

	ntimer_del(&n->n_timers, &lu->lu_timer);
	TAILQ_REMOVE(&n->n_lookups, lu, lu_entry);
	while ((la = TAILQ_FIRST(&lu->lu_asks)) != NULL)
		ask_free(la);
	if ((lr = calloc(1, sizeof(*lr))) != NULL) {
		lookup_sum(lu, lr);
		lu->lu_done(n, lr, lu->lu_arg);
	}
	free(lr);
	free(lu);
}
