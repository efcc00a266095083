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
#include <sys/tree.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "txn.h"

#define FLOW_BATCH	256	/* transactions of a lost connection, a round */

struct txns {
	struct txn_tree	 ts_tree;
	struct tmrs	*ts_tmrs;
	const struct txn_ops *ts_ops;
	void		*ts_ctx;
	size_t		 ts_count, ts_max;
	size_t		 ts_bytes, ts_maxbytes;
};

static int	 txn_cmp(const struct txn *, const struct txn *);
static struct txn *txn_new(struct txns *, const struct txn_key *, enum txn_kind,
		    const struct sip_flow *, void *);
static int	 txn_keep(struct txn *, uint8_t **, size_t *, const uint8_t *, size_t);
static int	 txn_send(struct txn *, const uint8_t *, size_t);
static int	 txn_reliable(const struct txn *);
static void	 txn_finish(struct txn *);
static void	 txn_fail(struct txn *, int);
static void	 txn_resend(void *);
static void	 txn_end(void *);
static void	 txn_linger(struct txn *, enum txn_state, uint64_t);

RB_PROTOTYPE(txn_tree, txn, tx_entry, txn_cmp)
RB_GENERATE(txn_tree, txn, tx_entry, txn_cmp)

static int
txn_cmp(const struct txn *a, const struct txn *b)
{
	return (memcmp(&a->tx_key, &b->tx_key, sizeof(a->tx_key)));
}

struct txns *
txns_new(struct tmrs *tmrs, const struct txn_ops *ops, void *ctx, size_t max,
    size_t maxbytes)
{
	struct txns	*ts;

	if ((ts = calloc(1, sizeof(*ts))) == NULL)
		return (NULL);
	RB_INIT(&ts->ts_tree);
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
	struct txn	*tx;

	if (ts == NULL)
		return;
	while ((tx = RB_MIN(txn_tree, &ts->ts_tree)) != NULL)
		txn_free(tx);
	free(ts);
}

size_t
txns_count(const struct txns *ts)
{
	return (ts->ts_count);
}

struct txn *
txn_find(struct txns *ts, const struct txn_key *key)
{
	struct txn	 k;

	k.tx_key = *key;
	return (RB_FIND(txn_tree, &ts->ts_tree, &k));
}

static struct txn *
txn_new(struct txns *ts, const struct txn_key *key, enum txn_kind kind,
    const struct sip_flow *flow, void *arg)
{
	struct txn	*tx;

	if (ts->ts_count >= ts->ts_max || ts->ts_bytes >= ts->ts_maxbytes)
		return (NULL);
	if ((tx = calloc(1, sizeof(*tx))) == NULL)
		return (NULL);
	tx->tx_owner = ts;
	tx->tx_key = *key;
	tx->tx_kind = kind;
	tx->tx_state = TXN_CALLING;
	tx->tx_flow = *flow;
	tx->tx_arg = arg;
	tmr_init(&tx->tx_resend, txn_resend, tx);
	tmr_init(&tx->tx_end, txn_end, tx);
	if (RB_INSERT(txn_tree, &ts->ts_tree, tx) != NULL) {
		free(tx);
		return (NULL);
	}
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
	RB_REMOVE(txn_tree, &ts->ts_tree, tx);
	ts->ts_count--;
	ts->ts_bytes -= tx->tx_len + tx->tx_acklen;
	tmr_stop(ts->ts_tmrs, &tx->tx_resend);
	tmr_stop(ts->ts_tmrs, &tx->tx_end);
	/* A request may carry a ticket. */
	freezero(tx->tx_msg, tx->tx_len);
	free(tx->tx_ack);
	free(tx);
}

/* Replace *dst by a copy of the bytes. */
static int
txn_keep(struct txn *tx, uint8_t **dst, size_t *dstlen, const uint8_t *p, size_t len)
{
	uint8_t	*copy;

	if ((copy = malloc(len + !len)) == NULL)
		return (-1);
	memcpy(copy, p, len);
	tx->tx_owner->ts_bytes += len;
	tx->tx_owner->ts_bytes -= *dstlen;
	free(*dst);
	*dst = copy;
	*dstlen = len;
	return (0);
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

	tmr_stop(ts->ts_tmrs, &tx->tx_resend);
	tmr_stop(ts->ts_tmrs, &tx->tx_end);
	tx->tx_state = TXN_TERMINATED;
	if (tx->tx_arg != NULL)
		ts->ts_ops->to_failed(ts->ts_ctx, tx, error);
	txn_finish(tx);
}

/* Timers A, E, G. */
static void
txn_resend(void *arg)
{
	struct txn	*tx = arg;
	unsigned	 next;

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
	tx->tx_retrans = 1;
	if (txn_send(tx, tx->tx_msg, tx->tx_len) == -1) {
		txn_fail(tx, 1);
		return;
	}
	tmr_set(tx->tx_owner->ts_tmrs, &tx->tx_resend, tx->tx_interval);
}

/* Timers B, D, F, H, I, J, K, L, M: B, F and H are failures. */
static void
txn_end(void *arg)
{
	struct txn	*tx = arg;

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
	struct tmrs	*tmrs = tx->tx_owner->ts_tmrs;

	tx->tx_state = state;
	tmr_stop(tmrs, &tx->tx_resend);
	tmr_set(tmrs, &tx->tx_end, ms);
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
	if (txn_keep(tx, &tx->tx_msg, &tx->tx_len, p, len) == -1) {
		txn_free(tx);
		return (NULL);
	}
	if (txn_send(tx, p, len) == -1) {
		*error = 1;
		txn_free(tx);
		return (NULL);
	}
	tx->tx_interval = TXN_T1;
	if (!txn_reliable(tx))
		tmr_set(ts->ts_tmrs, &tx->tx_resend, TXN_T1);
	tmr_set(ts->ts_tmrs, &tx->tx_end, TXN_TIMEOUT);
	return (tx);
}

int
txn_client_response(struct txn *tx, unsigned status)
{
	struct tmrs	*tmrs = tx->tx_owner->ts_tmrs;

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
				tmr_stop(tmrs, &tx->tx_resend);
				tmr_stop(tmrs, &tx->tx_end);
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
			if (tx->tx_ack != NULL)
				(void)txn_send(tx, tx->tx_ack, tx->tx_acklen);
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
	if (txn_keep(tx, &tx->tx_ack, &tx->tx_acklen, p, len) == -1)
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
	struct tmrs	*tmrs = tx->tx_owner->ts_tmrs;

	if (tx->tx_kind != TXN_INVITE_SERVER)
		return (1);
	switch (tx->tx_state) {
	case TXN_COMPLETED:
		tmr_stop(tmrs, &tx->tx_resend);
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
	struct tmrs	*tmrs = tx->tx_owner->ts_tmrs;
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
	if (txn_keep(tx, &tx->tx_msg, &tx->tx_len, p, len) == -1)
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
		tmr_set(tmrs, &tx->tx_resend, TXN_T1);	/* G */
	return (r);
}

int
txn_server_final(const struct txn *tx)
{
	return (tx->tx_state != TXN_CALLING && tx->tx_state != TXN_PROCEEDING);
}

void
txns_flow_gone(struct txns *ts, uint64_t conn)
{
	struct txn_key	 keys[FLOW_BATCH];
	struct txn	*tx;
	size_t		 i, n;

	if (conn == 0)
		return;
	/* to_failed may free other transactions and make new ones: so first
	 * names, then, one by one, those that are still there. */
	do {
		n = 0;
		RB_FOREACH(tx, txn_tree, &ts->ts_tree) {
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
