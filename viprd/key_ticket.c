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
 * core: ticket epochs, the granting of tickets and receipts, the judgement of
 * a ticket at the border (vipr(7)), revocation.
 *
 * A receipt carries in the first byte of its id how many proofs it stands for,
 * so that nothing need be stored for it and boxes that share an epoch key
 * count together.
 */

#include <sys/types.h>

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cursor.h"
#include "key_core.h"

#define EPOCHS_MAX	256
#define EPOCH_KEEP_S	(30 * KEY_DAY_S)	/* after its last ticket, to say "expired" */
#define REVOKED_KEEP_S	(400 * KEY_DAY_S)
#define SWEEP_S		3600
#define EARLY_S		10		/* our own clock may have been set back a little */

static int	 krevoked_cmp(struct krevoked *, struct krevoked *);
static struct kepoch *kepoch_new(uint32_t);
static void	 kepoch_free(struct kcore *, struct kepoch *);
static void	 kepoch_insert(struct kcore *, struct kepoch *);
static struct kepoch *kepoch_find(struct kcore *, uint32_t);
static struct kepoch *kepoch_current(const struct kcore *);
static int	 kepoch_put(struct kcore *, const struct kepoch *);
static int	 kepoch_load(const void *, size_t, const void *, size_t, uint8_t,
		    void *);
static const struct krevoked *krevoked_find(struct kcore *, const char *);
static int	 krevoked_add(struct kcore *, const char *);
static int	 krevoked_load(const void *, size_t, const void *, size_t, uint8_t,
		    void *);
static int	 kticket_revoked(struct kcore *, const struct ticket *,
		    const struct kepoch *, const char *);
static int	 kgranted_put(struct kcore *, const struct kgranted *);
static int	 kgranted_decode(const void *, size_t, struct kgranted *);
static int	 kgranted_expired(const void *, size_t, const void *, size_t,
		    uint8_t, void *);
static int	 kgranted_each(const void *, size_t, const void *, size_t, uint8_t,
		    void *);

RB_PROTOTYPE(krevoked_tree, krevoked, rv_entry, krevoked_cmp)
RB_GENERATE(krevoked_tree, krevoked, rv_entry, krevoked_cmp)

static int
krevoked_cmp(struct krevoked *a, struct krevoked *b)
{
	return (strcmp(a->rv_what, b->rv_what));
}

/* -- epochs -- */

static struct kepoch *
kepoch_new(uint32_t number)
{
	struct kepoch	*ep;

	if ((ep = calloc(1, sizeof(*ep))) == NULL)
		return (NULL);
	if ((ep->ep_key = sodium_malloc(TICKET_KEY_LEN)) == NULL) {
		free(ep);
		return (NULL);
	}
	ep->ep_number = number;
	return (ep);
}

static void
kepoch_free(struct kcore *kc, struct kepoch *ep)
{
	TAILQ_REMOVE(&kc->kc_epochs, ep, ep_entry);
	sodium_free(ep->ep_key);
	free(ep);
}

/* Newest first. */
static void
kepoch_insert(struct kcore *kc, struct kepoch *ep)
{
	struct kepoch	*o;

	TAILQ_FOREACH(o, &kc->kc_epochs, ep_entry)
		if (o->ep_number < ep->ep_number) {
			TAILQ_INSERT_BEFORE(o, ep, ep_entry);
			return;
		}
	TAILQ_INSERT_TAIL(&kc->kc_epochs, ep, ep_entry);
}

static struct kepoch *
kepoch_find(struct kcore *kc, uint32_t number)
{
	struct kepoch	*ep;

	TAILQ_FOREACH(ep, &kc->kc_epochs, ep_entry)
		if (ep->ep_number == number)
			return (ep);
	return (NULL);
}

static struct kepoch *
kepoch_current(const struct kcore *kc)
{
	struct kepoch	*ep = TAILQ_FIRST(&kc->kc_epochs);

	return (ep != NULL && !ep->ep_revoked ? ep : NULL);
}

static int
kepoch_put(struct kcore *kc, const struct kepoch *ep)
{
	struct wbuf	 w;
	uint8_t		 buf[64];
	int		 r;

	wbuf_init(&w, buf, sizeof(buf));
	wbuf_u32(&w, ep->ep_number);
	wbuf_u8(&w, (uint8_t)ep->ep_revoked);
	wbuf_u64(&w, ep->ep_created);
	wbuf_u64(&w, ep->ep_last);
	wbuf_bytes(&w, ep->ep_key, TICKET_KEY_LEN);
	r = store_put(kc->kc_epochs_t, &ep->ep_number, sizeof(ep->ep_number),
	    buf, w.w_len, NULL, NULL);
	sodium_memzero(buf, sizeof(buf));
	return (r);
}

static int
kepoch_load(const void *key, size_t keylen, const void *val, size_t vallen,
    uint8_t version, void *arg)
{
	struct kcore	*kc = arg;
	struct kepoch	*ep;
	struct cur	 c;
	uint32_t	 number;
	uint8_t		 revoked;

	(void)key;
	(void)keylen;
	cur_init(&c, val, vallen);
	(void)cur_u32(&c, &number);
	(void)cur_u8(&c, &revoked);
	if (version != 1 || cur_left(&c) != 16 + TICKET_KEY_LEN ||
	    kepoch_find(kc, number) != NULL)
		return (0);
	if ((ep = kepoch_new(number)) == NULL)
		return (-1);
	ep->ep_revoked = revoked != 0;
	(void)cur_u64(&c, &ep->ep_created);
	(void)cur_u64(&c, &ep->ep_last);
	(void)cur_bytes(&c, ep->ep_key, TICKET_KEY_LEN);
	kepoch_insert(kc, ep);
	return (0);
}

uint32_t
kticket_epoch(const struct kcore *kc)
{
	struct kepoch	*ep = kepoch_current(kc);

	return (ep != NULL ? ep->ep_number : 0);
}

uint32_t
kticket_rotate(struct kcore *kc)
{
	struct kepoch	*ep, *last;
	uint32_t	 number = 1;
	unsigned	 n = 0;

	TAILQ_FOREACH(ep, &kc->kc_epochs, ep_entry)
		n++;
	if ((last = TAILQ_FIRST(&kc->kc_epochs)) != NULL)
		number = last->ep_number + 1;
	if (n >= EPOCHS_MAX || number == 0 ||
	    (ep = kepoch_new(number)) == NULL) {
		errno = ENOBUFS;
		return (0);
	}
	kcore_random(kc, ep->ep_key, TICKET_KEY_LEN);
	ep->ep_created = ep->ep_last = kc->kc_now / 1000;
	kepoch_insert(kc, ep);
	/* A key that is not on disk must sign nothing. */
	if (kepoch_put(kc, ep) == -1 || store_commit(kc->kc_store) == -1) {
		kepoch_free(kc, ep);
		return (0);
	}
	kc->kc_generation++;
	kcore_note(kc, KEY_INFO, "tickets: epoch %u begins", number);
	return (number);
}

/* -- granting -- */

int
kticket_grant(struct kcore *kc, unsigned kind, unsigned count,
    const char *grantee, const uint8_t *node, const char *number,
    uint64_t not_after, char *token, size_t size)
{
	struct kgranted	 gr;
	struct kepoch	*ep;
	struct ticket	 ti;
	uint64_t	 last;

	if ((ep = kepoch_current(kc)) == NULL) {
		if (kticket_rotate(kc) == 0)
			return (-1);
		ep = kepoch_current(kc);
	}
	memset(&ti, 0, sizeof(ti));
	ti.ti_kind = (uint8_t)kind;
	ti.ti_epoch = ep->ep_number;
	kcore_random(kc, ti.ti_id, sizeof(ti.ti_id));
	if (kind == TICKET_RECEIPT)
		ti.ti_id[0] = (uint8_t)(count < 254 ? count : 254);
	snprintf(ti.ti_granter, sizeof(ti.ti_granter), "%s",
	    kc->kc_conf->c_domain);
	snprintf(ti.ti_grantee, sizeof(ti.ti_grantee), "%s", grantee);
	memcpy(ti.ti_node, node, sizeof(ti.ti_node));
	snprintf(ti.ti_number, sizeof(ti.ti_number), "%s", number);
	ti.ti_not_before = kc->kc_now / 1000;
	ti.ti_not_after = not_after;
	if (ticket_mint(&ti, ep->ep_key, token, size) == -1)
		return (-1);
	/* By the day, so that most grants write no epoch. */
	last = (not_after / KEY_DAY_S + 1) * KEY_DAY_S;
	if (last > ep->ep_last) {
		ep->ep_last = last;
		if (kepoch_put(kc, ep) == -1)
			return (-1);
	}
	memset(&gr, 0, sizeof(gr));
	memcpy(gr.gr_id, ti.ti_id, sizeof(gr.gr_id));
	gr.gr_kind = ti.ti_kind;
	gr.gr_epoch = ti.ti_epoch;
	memcpy(gr.gr_node, node, sizeof(gr.gr_node));
	gr.gr_not_before = ti.ti_not_before;
	gr.gr_not_after = not_after;
	memcpy(gr.gr_number, ti.ti_number, sizeof(gr.gr_number));
	memcpy(gr.gr_grantee, ti.ti_grantee, sizeof(gr.gr_grantee));
	return (kgranted_put(kc, &gr));
}

unsigned
kticket_proofs(struct kcore *kc, const char *token, const char *grantee,
    const uint8_t *node, const char *number)
{
	struct kepoch	*ep;
	struct ticket	 ti;
	uint64_t	 now = kc->kc_now / 1000;
	size_t		 len = strlen(token);

	if (len == 0 || ticket_parse(token, len, &ti) == -1 ||
	    (ep = kepoch_find(kc, ti.ti_epoch)) == NULL ||
	    ticket_verify(token, len, ep->ep_key, &ti) == -1)
		return (0);
	if (!ticket_domain_is(ti.ti_granter, kc->kc_conf->c_domain) ||
	    !ticket_domain_is(ti.ti_grantee, grantee) ||
	    memcmp(ti.ti_node, node, sizeof(ti.ti_node)) != 0 ||
	    strcmp(ti.ti_number, number) != 0 || ti.ti_not_after <= now ||
	    ti.ti_not_before > now + EARLY_S ||
	    kticket_revoked(kc, &ti, ep, grantee))
		return (0);
	return (ti.ti_kind == TICKET_TICKET ? 255 : ti.ti_id[0]);
}

/* -- judging -- */

/* A grantee's revocation covers what was granted up to then. */
static int
kticket_revoked(struct kcore *kc, const struct ticket *ti,
    const struct kepoch *ep, const char *grantee)
{
	const struct krevoked	*rv;
	char			 what[DOMAIN_SIZE + 1];

	if (ep->ep_revoked)
		return (1);
	what[0] = 't';
	sodium_bin2hex(what + 1, sizeof(what) - 1, ti->ti_id, TICKET_ID_LEN);
	if (krevoked_find(kc, what) != NULL)
		return (1);
	snprintf(what, sizeof(what), "g%s", grantee);
	rv = krevoked_find(kc, what);
	return (rv != NULL && rv->rv_at >= ti->ti_not_before);
}

void
kticket_check(struct kcore *kc, const char *token, size_t len,
    const char *number, const char (*names)[DOMAIN_SIZE], unsigned n,
    struct imsg_ticket_res *tr)
{
	struct kepoch	*ep;
	struct ticket	 ti;
	char		 grantee[DOMAIN_SIZE];
	uint64_t	 now = kc->kc_now / 1000;
	unsigned	 i;
	size_t		 j;

	kc->kc_stats.st_checks++;
	tr->tr_generation = kc->kc_generation;
	tr->tr_refusal = REFUSAL_NO_TICKET;
	if (len == 0)
		return;
	/* Only just started: no verdict, or the peer would drop its route. */
	tr->tr_refusal = REFUSAL_BUSY;
	if (!kc->kc_open || kc->kc_conf == NULL)
		return;
	tr->tr_refusal = REFUSAL_BAD_TICKET;
	if (ticket_parse(token, len, &ti) == -1)
		return;
	memcpy(tr->tr_id, ti.ti_id, sizeof(tr->tr_id));
	if ((ep = kepoch_find(kc, ti.ti_epoch)) == NULL ||
	    ticket_verify(token, len, ep->ep_key, &ti) == -1 ||
	    ti.ti_kind != TICKET_TICKET ||
	    !ticket_domain_is(ti.ti_granter, kc->kc_conf->c_domain))
		return;
	for (i = 0; i < n; i++)
		if (ticket_domain_is(ti.ti_grantee, names[i]))
			break;
	if (i == n || ti.ti_not_before > now + EARLY_S)
		return;
	for (j = 0; names[i][j] != '\0'; j++)
		grantee[j] = names[i][j] >= 'A' && names[i][j] <= 'Z' ?
		    (char)(names[i][j] + ('a' - 'A')) : names[i][j];
	grantee[j] = '\0';
	if (kticket_revoked(kc, &ti, ep, grantee))
		tr->tr_refusal = REFUSAL_REVOKED;
	else if (strcmp(ti.ti_number, number) != 0)
		tr->tr_refusal = REFUSAL_WRONG_NUMBER;
	else if (!conf_number_ours(kc->kc_conf, number))
		tr->tr_refusal = REFUSAL_NOT_OURS;
	else if (ti.ti_not_after <= now)
		tr->tr_refusal = REFUSAL_EXPIRED;
	else {
		tr->tr_refusal = REFUSAL_NONE;
		tr->tr_name = i;
		tr->tr_not_after = ti.ti_not_after;
		kc->kc_stats.st_admitted++;
	}
}

/* -- revocation -- */

static const struct krevoked *
krevoked_find(struct kcore *kc, const char *what)
{
	struct krevoked	 key;

	snprintf(key.rv_what, sizeof(key.rv_what), "%s", what);
	return (RB_FIND(krevoked_tree, &kc->kc_revoked, &key));
}

static int
krevoked_add(struct kcore *kc, const char *what)
{
	struct krevoked	 key, *rv;
	struct wbuf	 w;
	uint8_t		 buf[DOMAIN_SIZE + 32];

	snprintf(key.rv_what, sizeof(key.rv_what), "%s", what);
	if ((rv = RB_FIND(krevoked_tree, &kc->kc_revoked, &key)) == NULL) {
		if ((rv = calloc(1, sizeof(*rv))) == NULL)
			return (-1);
		memcpy(rv->rv_what, key.rv_what, sizeof(rv->rv_what));
		RB_INSERT(krevoked_tree, &kc->kc_revoked, rv);
	}
	rv->rv_at = kc->kc_now / 1000;
	rv->rv_until = rv->rv_at + REVOKED_KEEP_S;
	wbuf_init(&w, buf, sizeof(buf));
	wbuf_lv_str(&w, 1, rv->rv_what);
	wbuf_u64(&w, rv->rv_at);
	wbuf_u64(&w, rv->rv_until);
	return (store_put(kc->kc_revoked_t, rv->rv_what, strlen(rv->rv_what),
	    buf, w.w_len, NULL, NULL));
}

static int
krevoked_load(const void *key, size_t keylen, const void *val, size_t vallen,
    uint8_t version, void *arg)
{
	struct kcore	*kc = arg;
	struct krevoked	*rv;
	struct cur	 c;

	(void)key;
	(void)keylen;
	if (version != 1)
		return (0);
	if ((rv = calloc(1, sizeof(*rv))) == NULL)
		return (-1);
	cur_init(&c, val, vallen);
	(void)cur_lv_str(&c, 1, rv->rv_what, sizeof(rv->rv_what));
	(void)cur_u64(&c, &rv->rv_at);
	(void)cur_u64(&c, &rv->rv_until);
	if (cur_done(&c) == -1 ||
	    RB_INSERT(krevoked_tree, &kc->kc_revoked, rv) != NULL)
		free(rv);
	return (0);
}

const char *
kticket_revoke(struct kcore *kc, const char *what, const char *value)
{
	struct kepoch	*ep;
	char		 key[DOMAIN_SIZE + 1], *end;
	unsigned long	 number;
	size_t		 i;

	if (strcmp(what, "ticket") == 0) {
		if (strlen(value) != TICKET_ID_LEN * 2 ||
		    strspn(value, "0123456789abcdefABCDEF") != strlen(value))
			return ("ticket id: expected 32 hex digits");
		key[0] = 't';
		for (i = 0; i <= strlen(value); i++)
			key[i + 1] = value[i] >= 'A' && value[i] <= 'F' ?
			    (char)(value[i] + ('a' - 'A')) : value[i];
	} else if (strcmp(what, "grantee") == 0) {
		if (!conf_domain_valid(value))
			return ("grantee: expected a domain in lower case");
		snprintf(key, sizeof(key), "g%s", value);
	} else if (strcmp(what, "epoch") == 0) {
		errno = 0;
		number = strtoul(value, &end, 10);
		if (*value < '0' || *value > '9' || *end != '\0' || errno != 0 ||
		    number > UINT32_MAX ||
		    (ep = kepoch_find(kc, (uint32_t)number)) == NULL)
			return ("epoch: no such one");
		ep->ep_revoked = 1;
		kc->kc_generation++;
		kc->kc_revocations++;
		if (kepoch_put(kc, ep) == -1 || store_commit(kc->kc_store) == -1)
			return ("in force, but could not be written to disk");
		if (kticket_epoch(kc) == 0 && kticket_rotate(kc) == 0)
			return ("in force, but a new epoch could not be written");
		return (NULL);
	} else
		return ("expected ticket, grantee or epoch");
	kc->kc_generation++;
	kc->kc_revocations++;
	if (krevoked_add(kc, key) == -1 || store_commit(kc->kc_store) == -1)
		return ("in force, but could not be written to disk");
	return (NULL);
}

/* -- what was granted -- */

static int
kgranted_put(struct kcore *kc, const struct kgranted *gr)
{
	struct wbuf	 w;
	uint8_t		 buf[DOMAIN_SIZE + 128];

	wbuf_init(&w, buf, sizeof(buf));
	wbuf_bytes(&w, gr->gr_id, sizeof(gr->gr_id));
	wbuf_u8(&w, gr->gr_kind);
	wbuf_u32(&w, gr->gr_epoch);
	wbuf_bytes(&w, gr->gr_node, sizeof(gr->gr_node));
	wbuf_u64(&w, gr->gr_not_before);
	wbuf_u64(&w, gr->gr_not_after);
	wbuf_lv_str(&w, 1, gr->gr_number);
	wbuf_lv_str(&w, 1, gr->gr_grantee);
	return (store_put(kc->kc_grants, gr->gr_id, sizeof(gr->gr_id), buf,
	    w.w_len, NULL, NULL));
}

static int
kgranted_decode(const void *p, size_t len, struct kgranted *gr)
{
	struct cur	 c;

	memset(gr, 0, sizeof(*gr));
	cur_init(&c, p, len);
	(void)cur_bytes(&c, gr->gr_id, sizeof(gr->gr_id));
	(void)cur_u8(&c, &gr->gr_kind);
	(void)cur_u32(&c, &gr->gr_epoch);
	(void)cur_bytes(&c, gr->gr_node, sizeof(gr->gr_node));
	(void)cur_u64(&c, &gr->gr_not_before);
	(void)cur_u64(&c, &gr->gr_not_after);
	(void)cur_lv_str(&c, 1, gr->gr_number, sizeof(gr->gr_number));
	(void)cur_lv_str(&c, 1, gr->gr_grantee, sizeof(gr->gr_grantee));
	return (cur_done(&c));
}

static int
kgranted_expired(const void *key, size_t keylen, const void *val, size_t vallen,
    uint8_t version, void *arg)
{
	struct kcore	*kc = arg;
	struct kgranted	 gr;

	(void)key;
	(void)keylen;
	return (version != 1 || kgranted_decode(val, vallen, &gr) == -1 ||
	    gr.gr_not_after <= kc->kc_now / 1000);
}

struct walk {
	struct kcore	*wk_core;
	int		(*wk_cb)(const struct kgranted *, void *);
	void		*wk_arg;
};

static int
kgranted_each(const void *key, size_t keylen, const void *val, size_t vallen,
    uint8_t version, void *arg)
{
	struct walk	*wk = arg;
	struct kgranted	 gr;
	struct kepoch	*ep;
	struct ticket	 ti;

	(void)key;
	(void)keylen;
	if (version != 1 || kgranted_decode(val, vallen, &gr) == -1)
		return (0);
	memset(&ti, 0, sizeof(ti));
	memcpy(ti.ti_id, gr.gr_id, sizeof(ti.ti_id));
	ti.ti_not_before = gr.gr_not_before;
	ep = kepoch_find(wk->wk_core, gr.gr_epoch);
	gr.gr_revoked = ep == NULL ||
	    kticket_revoked(wk->wk_core, &ti, ep, gr.gr_grantee);
	return (wk->wk_cb(&gr, wk->wk_arg) == 0 ? 0 : -1);
}

void
kticket_walk(struct kcore *kc, int (*cb)(const struct kgranted *, void *),
    void *arg)
{
	struct walk	 wk = { kc, cb, arg };

	(void)store_walk(kc->kc_grants, kgranted_each, &wk);
}

/* -- all of it -- */

int
kticket_load(struct kcore *kc)
{
	if (store_walk(kc->kc_epochs_t, kepoch_load, kc) == -1)
		return (-1);
	return (store_walk(kc->kc_revoked_t, krevoked_load, kc));
}

void
kticket_sweep(struct kcore *kc)
{
	struct krevoked	*rv, *nrv;
	struct kepoch	*ep, *nep;
	uint64_t	 now = kc->kc_now / 1000;

	for (rv = RB_MIN(krevoked_tree, &kc->kc_revoked); rv != NULL; rv = nrv) {
		nrv = RB_NEXT(krevoked_tree, &kc->kc_revoked, rv);
		if (rv->rv_until > now)
			continue;
		(void)store_put(kc->kc_revoked_t, rv->rv_what,
		    strlen(rv->rv_what), NULL, 0, NULL, NULL);
		RB_REMOVE(krevoked_tree, &kc->kc_revoked, rv);
		free(rv);
	}
	TAILQ_FOREACH_SAFE(ep, &kc->kc_epochs, ep_entry, nep) {
		if (ep == TAILQ_FIRST(&kc->kc_epochs) ||
		    ep->ep_last + EPOCH_KEEP_S > now)
			continue;
		(void)store_put(kc->kc_epochs_t, &ep->ep_number,
		    sizeof(ep->ep_number), NULL, 0, NULL, NULL);
		kepoch_free(kc, ep);
	}
	if (kc->kc_grants_swept != 0 && now < kc->kc_grants_swept + SWEEP_S)
		return;
	kc->kc_grants_swept = now;
	(void)store_walk(kc->kc_grants, kgranted_expired, kc);
}

void
kticket_clear(struct kcore *kc)
{
	struct krevoked	*rv;
	struct kepoch	*ep;

	while ((rv = RB_MIN(krevoked_tree, &kc->kc_revoked)) != NULL) {
		RB_REMOVE(krevoked_tree, &kc->kc_revoked, rv);
		free(rv);
	}
	while ((ep = TAILQ_FIRST(&kc->kc_epochs)) != NULL)
		kepoch_free(kc, ep);
}
