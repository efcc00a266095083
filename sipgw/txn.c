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
 * core: SIP transactions of sipgw: state machines, timers A to M,
 * retransmissions.  RFC 3261 section 17, RFC 6026.
 */

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "txn.h"

#define FLOW_BATCH	256	/* transactions of a lost connection, a round */

struct txns {
	struct htab	 ts_table;
	struct tmrs	*ts_tmrs;
	const struct txn_ops *ts_ops;
	void		*ts_ctx;
	size_t		 ts_count, ts_max;
	size_t		 ts_bytes, ts_maxbytes;
	int		 ts_urgent;
};

static uint64_t	 txn_hash(const struct txn_key *);
static struct txn *txn_new(struct txns *, const struct txn_key *, enum txn_kind,
		    const struct sip_flow *, void *);
static int	 txn_keep(struct txn *, const uint8_t *, size_t);
static struct txn *txn_client_start(struct txn *, int *);
static int	 txn_send(struct txn *, const uint8_t *, size_t);
static int	 txn_reliable(const struct txn *);
static void	 txn_finish(struct txn *);
static void	 txn_fail(struct txn *, int);
static void	 txn_timer(void *);
static void	 txn_times(struct txn *, uint64_t, uint64_t);
static void	 txn_arm(struct txn *);
static void	 txn_release(struct txn *);
static void	 txn_resend(struct txn *);
static void	 txn_end(struct txn *);
static void	 txn_linger(struct txn *, enum txn_state, uint64_t);

/* The key is a hash already. */
static uint64_t
txn_hash(const struct txn_key *key)
{
	uint64_t	h;

	memcpy(&h, key->tk_b, sizeof(h));
	return (h);
}

struct txns *
txns_new(struct tmrs *tmrs, const struct txn_ops *ops, void *ctx, size_t max,
    size_t maxbytes)
{
	struct txns	*ts;

	if ((ts = calloc(1, sizeof(*ts))) == NULL)
		return (NULL);
	if (htab_init(&ts->ts_table) == -1) {
		free(ts);
		return (NULL);
	}
	ts->ts_tmrs = tmrs;
	ts->ts_ops = ops;
	ts->ts_ctx = ctx;
	ts->ts_max = max;
	ts->ts_maxbytes = maxbytes;
	return (ts);
}

void
txns_free(struct txns *ts)
{
	struct hnode	*hn, *next;

	if (ts == NULL)
		return;
	for (hn = htab_walk(&ts->ts_table, NULL); hn != NULL; hn = next) {
		next = htab_walk(&ts->ts_table, hn);
		txn_free(HTAB_OF(hn, struct txn, tx_node));
	}
	htab_free(&ts->ts_table);
	free(ts);
}

size_t
txns_count(const struct txns *ts)
{
	return (ts->ts_count);
}

void
txns_urgent(struct txns *ts, int on)
{
	ts->ts_urgent = on;
}

struct txn *
txn_find(struct txns *ts, const struct txn_key *key)
{
	struct hnode	*hn;
	struct txn	*tx;

	for (hn = htab_first(&ts->ts_table, txn_hash(key)); hn != NULL; hn = htab_next(hn)) {
		tx = HTAB_OF(hn, struct txn, tx_node);
		if (memcmp(&tx->tx_key, key, sizeof(*key)) == 0)
			return (tx);
	}
	return (NULL);
}

static struct txn *
txn_new(struct txns *ts, const struct txn_key *key, enum txn_kind kind,
    const struct sip_flow *flow, void *arg)
{
	struct txn	*tx;

	if (ts->ts_count >= ts->ts_max + (ts->ts_urgent ? ts->ts_max / 8 : 0) ||
	    ts->ts_bytes >= ts->ts_maxbytes + (ts->ts_urgent ? ts->ts_maxbytes / 8 : 0) ||
	    txn_find(ts, key) != NULL)
		return (NULL);
	if ((tx = calloc(1, sizeof(*tx))) == NULL)
		return (NULL);
	tx->tx_owner = ts;
	tx->tx_key = *key;
	tx->tx_kind = kind;
	tx->tx_state = TXN_CALLING;
	tx->tx_flow = *flow;
	tx->tx_arg = arg;
	tx->tx_resend = tx->tx_end = TXN_NEVER;
	tmr_init(&tx->tx_tmr, txn_timer, tx);
	htab_insert(&ts->ts_table, &tx->tx_node, txn_hash(key));
	ts->ts_count++;
	return (tx);
}

void
txn_free(struct txn *tx)
{
	struct txns	*ts;

	if (tx == NULL)
		return;
	ts = tx->tx_owner;
	htab_remove(&ts->ts_table, &tx->tx_node);
	ts->ts_count--;
	tmr_stop(ts->ts_tmrs, &tx->tx_tmr);
	txn_release(tx);
	free(tx);
}

/* Nothing has to be sent again. */
static void
txn_release(struct txn *tx)
{
	tx->tx_owner->ts_bytes -= tx->tx_len;
	/* A request may carry a ticket. */
	if (!tx->tx_lent)
		freezero(tx->tx_msg, tx->tx_len);
	tx->tx_lent = 0;
	tx->tx_msg = NULL;
	tx->tx_len = 0;
}

/* Keep a copy of what may have to be sent again, in place of the one before. */
static int
txn_keep(struct txn *tx, const uint8_t *p, size_t len)
{
	uint8_t	*copy;

	if (len > UINT32_MAX || (copy = malloc(len + !len)) == NULL)
		return (-1);
	memcpy(copy, p, len);
	txn_release(tx);
	tx->tx_owner->ts_bytes += len;
	tx->tx_msg = copy;
	tx->tx_len = (uint32_t)len;
	return (0);
}

static void
txn_arm(struct txn *tx)
{
	struct tmrs	*tmrs = tx->tx_owner->ts_tmrs;
	uint64_t	 at = tx->tx_resend < tx->tx_end ? tx->tx_resend : tx->tx_end;

	if (at == TXN_NEVER)
		tmr_stop(tmrs, &tx->tx_tmr);
	else
		tmr_set(tmrs, &tx->tx_tmr, at > tmrs->ts_now ? at - tmrs->ts_now : 0);
}

/* Both timers, ms from now or TXN_NEVER. */
static void
txn_times(struct txn *tx, uint64_t resend, uint64_t end)
{
	uint64_t	now = tx->tx_owner->ts_tmrs->ts_now;

	tx->tx_resend = resend == TXN_NEVER ? TXN_NEVER : now + resend;
	tx->tx_end = end == TXN_NEVER ? TXN_NEVER : now + end;
	txn_arm(tx);
}

static void
txn_timer(void *arg)
{
	struct txn	*tx = arg;

	if (tx->tx_resend < tx->tx_end)
		txn_resend(tx);
	else
		txn_end(tx);
}

static int
txn_send(struct txn *tx, const uint8_t *p, size_t len)
{
	struct txns	*ts = tx->tx_owner;

	return (ts->ts_ops->to_send(ts->ts_ctx, &tx->tx_flow, p, len));
}

static int
txn_reliable(const struct txn *tx)
{
	return (tx->tx_flow.fl_proto != SIP_UDP);
}

/* The last act of every transaction that ends by itself. */
static void
txn_finish(struct txn *tx)
{
	struct txns	*ts = tx->tx_owner;

	tx->tx_state = TXN_TERMINATED;
	if (tx->tx_arg != NULL)
		ts->ts_ops->to_gone(ts->ts_ctx, tx);
	txn_free(tx);
}

static void
txn_fail(struct txn *tx, int error)
{
	struct txns	*ts = tx->tx_owner;

	tmr_stop(ts->ts_tmrs, &tx->tx_tmr);
	tx->tx_state = TXN_TERMINATED;
	if (tx->tx_arg != NULL)
		ts->ts_ops->to_failed(ts->ts_ctx, tx, error);
	txn_finish(tx);
}

/* Timers A, E, G. */
static void
txn_resend(struct txn *tx)
{
	uint32_t	 next;

	tx->tx_resend = TXN_NEVER;
	next = tx->tx_interval * 2;
	switch (tx->tx_kind) {
	case TXN_INVITE_CLIENT:
		if (tx->tx_state != TXN_CALLING)
			return;
		break;
	case TXN_CLIENT:
		if (tx->tx_state != TXN_CALLING && tx->tx_state != TXN_PROCEEDING)
			return;
		if (tx->tx_state == TXN_PROCEEDING || next > TXN_T2)
			next = TXN_T2;
		break;
	case TXN_INVITE_SERVER:
		if (tx->tx_state != TXN_COMPLETED)
			return;
		if (next > TXN_T2)
			next = TXN_T2;
		break;
	case TXN_SERVER:
		return;
	}
	tx->tx_interval = next;
	if (txn_send(tx, tx->tx_msg, tx->tx_len) == -1) {
		txn_fail(tx, 1);
		return;
	}
	tx->tx_resend = tx->tx_owner->ts_tmrs->ts_now + tx->tx_interval;
	txn_arm(tx);
}

/* Timers B, D, F, H, I, J, K, L, M: B, F and H are failures. */
static void
txn_end(struct txn *tx)
{
	switch (tx->tx_kind) {
	case TXN_INVITE_CLIENT:
	case TXN_CLIENT:
		if (tx->tx_state == TXN_CALLING || tx->tx_state == TXN_PROCEEDING) {
			txn_fail(tx, 0);
			return;
		}
		break;
	case TXN_INVITE_SERVER:
		if (tx->tx_state == TXN_COMPLETED) {
			txn_fail(tx, 0);
			return;
		}
		break;
	case TXN_SERVER:
		break;
	}
	txn_finish(tx);
}

/* Into a state that only waits; 0 ms ends the transaction by the timer, so
 * that no caller sees it freed under its feet. */
static void
txn_linger(struct txn *tx, enum txn_state state, uint64_t ms)
{
	tx->tx_state = state;
	txn_times(tx, TXN_NEVER, ms);
	/* Only an answer that may have to be repeated is still of use. */
	if (state != TXN_COMPLETED || tx->tx_kind == TXN_INVITE_CLIENT ||
	    tx->tx_kind == TXN_CLIENT)
		txn_release(tx);
}

/* The request stands in the transaction. */
static struct txn *
txn_client_start(struct txn *tx, int *error)
{
	if (txn_send(tx, tx->tx_msg, tx->tx_len) == -1) {
		*error = 1;
		txn_free(tx);
		return (NULL);
	}
	tx->tx_interval = TXN_T1;
	txn_times(tx, txn_reliable(tx) ? TXN_NEVER : TXN_T1, TXN_TIMEOUT);
	return (tx);
}

struct txn *
txn_client(struct txns *ts, const struct txn_key *key, int invite,
    const struct sip_flow *flow, const uint8_t *p, size_t len, void *arg, int *error)
{
	struct txn	*tx;

	*error = 0;
	tx = txn_new(ts, key, invite ? TXN_INVITE_CLIENT : TXN_CLIENT, flow, arg);
	if (tx == NULL)
		return (NULL);
	if (txn_keep(tx, p, len) == -1) {
		txn_free(tx);
		return (NULL);
	}
	return (txn_client_start(tx, error));
}

struct txn *
txn_client_lend(struct txns *ts, const struct txn_key *key, int invite,
    const struct sip_flow *flow, uint8_t *p, size_t len, void *arg, int *error)
{
	struct txn	*tx;

	*error = 0;
	if (len > UINT32_MAX)
		return (NULL);
	tx = txn_new(ts, key, invite ? TXN_INVITE_CLIENT : TXN_CLIENT, flow, arg);
	if (tx == NULL)
		return (NULL);
	tx->tx_msg = p;
	tx->tx_len = (uint32_t)len;
	tx->tx_lent = 1;
	ts->ts_bytes += len;
	return (txn_client_start(tx, error));
}

int
txn_client_response(struct txn *tx, unsigned status)
{
	if (status < 100 || status > 699)
		return (-1);
	switch (tx->tx_kind) {
	case TXN_INVITE_CLIENT:
		switch (tx->tx_state) {
		case TXN_CALLING:
		case TXN_PROCEEDING:
			if (status < 200) {
				/* No timer but the user's C from here on. */
				tx->tx_state = TXN_PROCEEDING;
				txn_times(tx, TXN_NEVER, TXN_NEVER);
			} else if (status < 300)
				txn_linger(tx, TXN_ACCEPTED, TXN_TIMEOUT);
			else
				txn_linger(tx, TXN_COMPLETED,
				    txn_reliable(tx) ? 0 : TXN_TIMER_D);
			return (1);
		case TXN_ACCEPTED:
			return (status >= 200 && status < 300 ? 1 : -1);
		case TXN_COMPLETED:
			if (status < 300)
				return (-1);
			if (tx->tx_msg != NULL)
				(void)txn_send(tx, tx->tx_msg, tx->tx_len);
			return (0);
		case TXN_CONFIRMED:
		case TXN_TERMINATED:
			break;
		}
		return (-1);
	case TXN_CLIENT:
		if (tx->tx_state == TXN_COMPLETED)
			return (0);
		if (tx->tx_state != TXN_CALLING && tx->tx_state != TXN_PROCEEDING)
			return (-1);
		if (status < 200) {
			tx->tx_state = TXN_PROCEEDING;
			return (1);
		}
		txn_linger(tx, TXN_COMPLETED, txn_reliable(tx) ? 0 : TXN_T4);
		return (1);
	case TXN_INVITE_SERVER:
	case TXN_SERVER:
		break;
	}
	return (-1);
}

int
txn_client_ack(struct txn *tx, const uint8_t *p, size_t len)
{
	if (tx->tx_kind != TXN_INVITE_CLIENT || tx->tx_state != TXN_COMPLETED)
		return (-1);
	if (txn_keep(tx, p, len) == -1)
		return (-1);
	return (txn_send(tx, p, len));
}

void
txn_client_drop(struct txn *tx)
{
	txn_free(tx);
}

struct txn *
txn_server(struct txns *ts, const struct txn_key *key, int invite,
    const struct sip_flow *flow, void *arg)
{
	struct txn	*tx;

	tx = txn_new(ts, key, invite ? TXN_INVITE_SERVER : TXN_SERVER, flow, arg);
	return (tx);
}

void
txn_server_repeat(struct txn *tx)
{
	/* RFC 6026 7.1: a repeated INVITE in Accepted is absorbed. */
	if (tx->tx_msg == NULL || tx->tx_state == TXN_ACCEPTED ||
	    tx->tx_state == TXN_CONFIRMED)
		return;
	(void)txn_send(tx, tx->tx_msg, tx->tx_len);
}

int
txn_server_ack(struct txn *tx)
{
	if (tx->tx_kind != TXN_INVITE_SERVER)
		return (1);
	switch (tx->tx_state) {
	case TXN_COMPLETED:
		txn_linger(tx, TXN_CONFIRMED, txn_reliable(tx) ? 0 : TXN_T4);
		return (1);
	case TXN_ACCEPTED:
		return (0);
	case TXN_CALLING:
	case TXN_PROCEEDING:
	case TXN_CONFIRMED:
	case TXN_TERMINATED:
		break;
	}
	return (1);
}

int
txn_respond(struct txn *tx, unsigned status, const uint8_t *p, size_t len)
{
	int		 r;

	if (status < 100 || status > 699 || tx->tx_state == TXN_TERMINATED)
		return (-1);
	if (tx->tx_kind != TXN_INVITE_SERVER && tx->tx_kind != TXN_SERVER)
		return (-1);
	if (tx->tx_state == TXN_ACCEPTED) {
		/* Each 2xx of a forked call, and each repeat of one. */
		if (status < 200 || status > 299)
			return (-1);
		return (txn_send(tx, p, len));
	}
	if (tx->tx_state != TXN_CALLING && tx->tx_state != TXN_PROCEEDING)
		return (-1);
	/* A 2xx to INVITE is repeated by its sender (RFC 6026 7.1). */
	if ((tx->tx_kind == TXN_SERVER || status < 200 || status > 299) &&
	    txn_keep(tx, p, len) == -1)
		return (-1);
	r = txn_send(tx, p, len);
	if (status < 200) {
		tx->tx_state = TXN_PROCEEDING;
		return (r);
	}
	if (tx->tx_kind == TXN_SERVER) {
		txn_linger(tx, TXN_COMPLETED, txn_reliable(tx) ? 0 : TXN_TIMEOUT);
		return (r);
	}
	if (status < 300) {
		txn_linger(tx, TXN_ACCEPTED, TXN_TIMEOUT);
		return (r);
	}
	txn_linger(tx, TXN_COMPLETED, TXN_TIMEOUT);	/* H */
	tx->tx_interval = TXN_T1;
	if (!txn_reliable(tx))
		txn_times(tx, TXN_T1, TXN_TIMEOUT);	/* G */
	return (r);
}

int
txn_server_final(const struct txn *tx)
{
	return (tx->tx_state != TXN_CALLING && tx->tx_state != TXN_PROCEEDING);
}

void
txn_client_lost(struct txn *tx)
{
	if ((tx->tx_kind == TXN_INVITE_CLIENT || tx->tx_kind == TXN_CLIENT) &&
	    tx->tx_state == TXN_CALLING && tx->tx_flow.fl_conn == 0)
		txn_fail(tx, 1);
}

void
txns_flow_gone(struct txns *ts, uint64_t conn)
{
	struct txn_key	 keys[FLOW_BATCH];
	struct hnode	*hn;
	struct txn	*tx;
	size_t		 i, n;

	if (conn == 0)
		return;
	/* to_failed may free other transactions and make new ones: so first
	 * names, then, one by one, those that are still there. */
	do {
		n = 0;
		for (hn = htab_walk(&ts->ts_table, NULL); hn != NULL;
		    hn = htab_walk(&ts->ts_table, hn)) {
			tx = HTAB_OF(hn, struct txn, tx_node);
			if (tx->tx_flow.fl_conn != conn ||
			    (tx->tx_kind != TXN_INVITE_CLIENT && tx->tx_kind != TXN_CLIENT) ||
			    (tx->tx_state != TXN_CALLING && tx->tx_state != TXN_PROCEEDING))
				continue;
			keys[n++] = tx->tx_key;
			if (n == FLOW_BATCH)
				break;
		}
		for (i = 0; i < n; i++)
			if ((tx = txn_find(ts, &keys[i])) != NULL)
				txn_fail(tx, 1);
	} while (n == FLOW_BATCH);
}
