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
 * core: routes on disk.  One record a number with all its routes, read when
 * needed; in memory only the numbers, and when one of their routes ends.
 */

#include <sys/types.h>

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "e164.h"
#include "key_core.h"

#define POSTPONE_S	60

static int	 knumber_cmp(struct knumber *, struct knumber *);
static int	 knumber_due_cmp(struct knumber *, struct knumber *);
static void	 kroute_encode(struct wbuf *, const struct kroute *);
static void	 kroute_decode(struct cur *, struct kroute *);
static int	 kroutes_room(struct kroutes *, unsigned);
static int	 kroutes_decode(const void *, size_t, struct kroutes *);
static uint64_t	 kroute_end(const struct kroute *);
static void	 kroute_index(struct kcore *, const struct kroutes *);
static int	 kroute_load_one(const void *, size_t, const void *, size_t,
		    uint8_t, void *);

RB_PROTOTYPE(knumber_tree, knumber, nu_entry, knumber_cmp)
RB_GENERATE(knumber_tree, knumber, nu_entry, knumber_cmp)
RB_PROTOTYPE(knumber_dues, knumber, nu_due_entry, knumber_due_cmp)
RB_GENERATE(knumber_dues, knumber, nu_due_entry, knumber_due_cmp)

static int
knumber_cmp(struct knumber *a, struct knumber *b)
{
	return (a->nu_number < b->nu_number ? -1 : a->nu_number > b->nu_number);
}

static int
knumber_due_cmp(struct knumber *a, struct knumber *b)
{
	if (a->nu_due != b->nu_due)
		return (a->nu_due < b->nu_due ? -1 : 1);
	return (knumber_cmp(a, b));
}

static void
kroute_encode(struct wbuf *w, const struct kroute *r)
{
	const struct knode	*kn;
	unsigned		 i, j;

	wbuf_lv_str(w, 1, r->kr_domain);
	wbuf_u8(w, r->kr_state);
	wbuf_u8(w, r->kr_earned);
	wbuf_u8(w, r->kr_strikes);
	wbuf_u8(w, r->kr_refails);
	wbuf_u64(w, r->kr_changed);
	wbuf_u8(w, r->kr_proofcount);
	for (i = 0; i < r->kr_proofcount; i++) {
		wbuf_u64(w, r->kr_proof[i].pr_start);
		wbuf_u64(w, r->kr_proof[i].pr_stop);
		wbuf_u64(w, r->kr_proof[i].pr_at);
		wbuf_lv_str(w, 1, r->kr_proof[i].pr_caller);
	}
	wbuf_u8(w, r->kr_nodecount);
	for (i = 0; i < r->kr_nodecount; i++) {
		kn = &r->kr_node[i];
		wbuf_bytes(w, kn->kn_id, sizeof(kn->kn_id));
		wbuf_u8(w, kn->kn_kind);
		wbuf_u64(w, kn->kn_not_after);
		wbuf_u64(w, kn->kn_last);
		wbuf_lv_str(w, 1, kn->kn_token);
		wbuf_u8(w, kn->kn_uricount);
		for (j = 0; j < kn->kn_uricount; j++)
			wbuf_lv_str(w, 1, kn->kn_uri[j]);
	}
}

static void
kroute_decode(struct cur *c, struct kroute *r)
{
	struct knode	*kn;
	struct kproof	*pr;
	unsigned	 i, j;

	(void)cur_lv_str(c, 1, r->kr_domain, sizeof(r->kr_domain));
	(void)cur_u8(c, &r->kr_state);
	(void)cur_u8(c, &r->kr_earned);
	(void)cur_u8(c, &r->kr_strikes);
	(void)cur_u8(c, &r->kr_refails);
	(void)cur_u64(c, &r->kr_changed);
	(void)cur_u8(c, &r->kr_proofcount);
	if (r->kr_proofcount > KEY_PROOFS_MAX) {
		r->kr_proofcount = 0;
		(void)cur_fail(c);
	}
	for (i = 0; i < r->kr_proofcount; i++) {
		pr = &r->kr_proof[i];
		(void)cur_u64(c, &pr->pr_start);
		(void)cur_u64(c, &pr->pr_stop);
		(void)cur_u64(c, &pr->pr_at);
		(void)cur_lv_str(c, 1, pr->pr_caller, sizeof(pr->pr_caller));
	}
	(void)cur_u8(c, &r->kr_nodecount);
	if (r->kr_nodecount > KEY_NODES_MAX) {
		r->kr_nodecount = 0;
		(void)cur_fail(c);
	}
	for (i = 0; i < r->kr_nodecount; i++) {
		kn = &r->kr_node[i];
		(void)cur_bytes(c, kn->kn_id, sizeof(kn->kn_id));
		(void)cur_u8(c, &kn->kn_kind);
		(void)cur_u64(c, &kn->kn_not_after);
		(void)cur_u64(c, &kn->kn_last);
		(void)cur_lv_str(c, 1, kn->kn_token, sizeof(kn->kn_token));
		(void)cur_u8(c, &kn->kn_uricount);
		if (kn->kn_uricount > ROUTE_URIS_MAX) {
			kn->kn_uricount = 0;
			(void)cur_fail(c);
		}
		for (j = 0; j < kn->kn_uricount; j++)
			(void)cur_lv_str(c, 1, kn->kn_uri[j], URI_MAX);
	}
}

static int
kroutes_room(struct kroutes *ks, unsigned count)
{
	ks->ks_room = count < KEY_DOMAINS_MAX ? count + 1 : count;
	ks->ks_route = calloc(ks->ks_room, sizeof(*ks->ks_route));
	return (ks->ks_route == NULL ? -1 : 0);
}

static int
kroutes_decode(const void *p, size_t len, struct kroutes *ks)
{
	struct cur	 c;
	uint8_t		 n;
	unsigned	 i;

	cur_init(&c, p, len);
	(void)cur_lv_str(&c, 1, ks->ks_number, sizeof(ks->ks_number));
	if (cur_u8(&c, &n) == -1 || n > KEY_DOMAINS_MAX ||
	    !e164_valid(ks->ks_number))
		return (-1);
	if (kroutes_room(ks, n) == -1)
		return (-1);
	for (i = 0; i < n; i++)
		kroute_decode(&c, &ks->ks_route[i]);
	ks->ks_count = n;
	return (cur_done(&c));
}

struct kroutes *
kroute_get(struct kcore *kc, const char *number)
{
	struct kroutes	*ks;
	uint64_t	 key = e164_pack(number);
	uint8_t		 version;
	ssize_t		 n;

	if ((ks = calloc(1, sizeof(*ks))) == NULL)
		return (NULL);
	n = store_get(kc->kc_routes, &key, sizeof(key), kc->kc_scratch,
	    KEY_SCRATCH, &version);
	if (n == -1 && (errno != ENOENT || kroutes_room(ks, 0) == -1)) {
		free(ks);
		return (NULL);
	}
	if (n != -1 && (version != 1 ||
	    kroutes_decode(kc->kc_scratch, (size_t)n, ks) == -1)) {
		kroute_free(ks);
		errno = EBADMSG;
		return (NULL);
	}
	strncpy(ks->ks_number, number, sizeof(ks->ks_number) - 1);
	return (ks);
}

void
kroute_free(struct kroutes *ks)
{
	if (ks == NULL)
		return;
	if (ks->ks_route != NULL)
		sodium_memzero(ks->ks_route,
		    ks->ks_room * sizeof(*ks->ks_route));
	free(ks->ks_route);
	free(ks);
}

int
kroute_put(struct kcore *kc, struct kroutes *ks, struct kwait *wa)
{
	struct wbuf	 w;
	uint64_t	 key = e164_pack(ks->ks_number);
	unsigned	 i;
	int		 r;

	wbuf_init(&w, kc->kc_scratch, KEY_SCRATCH);
	wbuf_lv_str(&w, 1, ks->ks_number);
	wbuf_u8(&w, (uint8_t)ks->ks_count);
	for (i = 0; i < ks->ks_count; i++)
		kroute_encode(&w, &ks->ks_route[i]);
	if (wbuf_ok(&w) == -1) {
		kcore_wait_cancel(wa);
		errno = EMSGSIZE;
		return (-1);
	}
	r = store_put(kc->kc_routes, &key, sizeof(key),
	    ks->ks_count == 0 ? NULL : kc->kc_scratch,
	    ks->ks_count == 0 ? 0 : w.w_len,
	    wa == NULL ? NULL : kcore_wait_done, wa);
	sodium_memzero(kc->kc_scratch, w.w_len);
	if (r == -1)
		kcore_wait_cancel(wa);
	else
		kroute_index(kc, ks);
	return (r);
}

/* -- numbers -- */

/* When something about the route ends by itself: UTC s. */
static uint64_t
kroute_end(const struct kroute *r)
{
	uint64_t	 end = 0, t;
	unsigned	 i;

	switch (r->kr_state) {
	case ROUTE_ACTIVE:
	case ROUTE_SUSPENDED:
		for (i = 0; i < r->kr_nodecount; i++)
			if (r->kr_node[i].kn_kind == TICKET_TICKET &&
			    r->kr_node[i].kn_not_after > end)
				end = r->kr_node[i].kn_not_after;
		return (end);
	case ROUTE_PENDING:
		for (i = 0; i < r->kr_nodecount; i++)
			if (r->kr_node[i].kn_not_after > end)
				end = r->kr_node[i].kn_not_after;
		for (i = 0; i < r->kr_proofcount; i++)
			if ((t = r->kr_proof[i].pr_at + KEY_PROOF_AGE_S) > end)
				end = t;
		return (end);
	default:
		return (r->kr_changed + KEY_PROOF_AGE_S);
	}
}

static void
kroute_index(struct kcore *kc, const struct kroutes *ks)
{
	struct knumber	 key, *nu;
	uint64_t	 due = KEY_NEVER, t;
	unsigned	 i;

	key.nu_number = e164_pack(ks->ks_number);
	nu = RB_FIND(knumber_tree, &kc->kc_routenums, &key);
	if (nu != NULL)
		RB_REMOVE(knumber_dues, &kc->kc_routedues, nu);
	if (ks->ks_count == 0) {
		if (nu != NULL)
			RB_REMOVE(knumber_tree, &kc->kc_routenums, nu);
		free(nu);
		return;
	}
	for (i = 0; i < ks->ks_count; i++)
		if ((t = kroute_end(&ks->ks_route[i])) < due)
			due = t;
	if (nu == NULL) {
		/* Out of memory: the route stands, but is not listed. */
		if ((nu = calloc(1, sizeof(*nu))) == NULL)
			return;
		nu->nu_number = key.nu_number;
		RB_INSERT(knumber_tree, &kc->kc_routenums, nu);
	}
	nu->nu_due = due;
	RB_INSERT(knumber_dues, &kc->kc_routedues, nu);
}

static int
kroute_load_one(const void *key, size_t keylen, const void *val, size_t vallen,
    uint8_t version, void *arg)
{
	struct kcore	*kc = arg;
	struct kroutes	*ks;

	(void)key;
	(void)keylen;
	if ((ks = calloc(1, sizeof(*ks))) == NULL)
		return (-1);
	if (version == 1 && kroutes_decode(val, vallen, ks) == 0)
		kroute_index(kc, ks);
	kroute_free(ks);
	return (0);
}

int
kroute_load(struct kcore *kc)
{
	return (store_walk(kc->kc_routes, kroute_load_one, kc));
}

void
kroute_clear(struct kcore *kc)
{
	struct knumber	*nu;

	while ((nu = RB_MIN(knumber_tree, &kc->kc_routenums)) != NULL) {
		RB_REMOVE(knumber_tree, &kc->kc_routenums, nu);
		free(nu);
	}
	RB_INIT(&kc->kc_routedues);
}

uint64_t
kroute_next(struct kcore *kc)
{
	struct knumber	*nu = RB_MIN(knumber_dues, &kc->kc_routedues);

	if (nu == NULL || nu->nu_due > UINT64_MAX / 1000)
		return (KEY_NEVER);
	return (nu->nu_due * 1000);
}

uint64_t
kroute_first_due(struct kcore *kc)
{
	struct knumber	*nu = RB_MIN(knumber_dues, &kc->kc_routedues);

	return (nu == NULL ? 0 : nu->nu_number);
}

/* What is due can't be read or written now (a full disk): in a minute. */
void
kroute_postpone(struct kcore *kc, uint64_t packed)
{
	struct knumber	 key, *nu;

	key.nu_number = packed;
	if ((nu = RB_FIND(knumber_tree, &kc->kc_routenums, &key)) == NULL)
		return;
	RB_REMOVE(knumber_dues, &kc->kc_routedues, nu);
	nu->nu_due = kc->kc_now / 1000 + POSTPONE_S;
	RB_INSERT(knumber_dues, &kc->kc_routedues, nu);
}

uint64_t
kroute_walk(struct kcore *kc, uint64_t after)
{
	struct knumber	 key, *nu;

	key.nu_number = after + 1;
	nu = after == UINT64_MAX ? NULL :
	    RB_NFIND(knumber_tree, &kc->kc_routenums, &key);
	return (nu == NULL ? 0 : nu->nu_number);
}
