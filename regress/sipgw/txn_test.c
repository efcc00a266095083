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

/* Transactions: every timer of RFC 3261 table 4 and RFC 6026, on a fake clock. */

#include <atf-c.h>
#include <string.h>

#include "txn.h"

static struct tmrs	 tmrs;
static struct txns	*txns;
static unsigned		 nsent, nfailed, ngone;
static int		 last_error, send_fails;
static char		 last[16];
static int		 arg;

static int	op_send(void *, const struct sip_flow *, const uint8_t *, size_t);
static void	op_failed(void *, struct txn *, int);
static void	op_gone(void *, struct txn *);
static void	start(void);
static void	pass(uint64_t);
static struct txn *client(int, uint8_t);
static struct txn *server(int, uint8_t);

static const struct txn_ops ops = { op_send, op_failed, op_gone };

static int
op_send(void *ctx, const struct sip_flow *fl, const uint8_t *p, size_t len)
{
	(void)ctx;
	(void)fl;
	if (send_fails)
		return (-1);
	nsent++;
	ATF_REQUIRE(len < sizeof(last));
	memcpy(last, p, len);
	last[len] = '\0';
	return (0);
}

static void
op_failed(void *ctx, struct txn *tx, int error)
{
	(void)ctx;
	(void)tx;
	nfailed++;
	last_error = error;
}

static void
op_gone(void *ctx, struct txn *tx)
{
	(void)ctx;
	(void)tx;
	ngone++;
}

static void
start(void)
{
	tmrs_init(&tmrs, 1000);
	nsent = nfailed = ngone = 0;
	last_error = send_fails = 0;
	ATF_REQUIRE((txns = txns_new(&tmrs, &ops, NULL, 4, 1000)) != NULL);
}

/* Timer by timer, so that each sees its own moment. */
static void
pass(uint64_t ms)
{
	uint64_t	end = tmrs.ts_now + ms;
	int64_t		wait;

	while ((wait = tmrs_wait(&tmrs, tmrs.ts_now)) != -1 &&
	    tmrs.ts_now + (uint64_t)wait <= end)
		tmrs_run(&tmrs, tmrs.ts_now + (uint64_t)wait, 1);
	tmrs.ts_now = end;
}

static struct txn *
client(int invite, uint8_t proto)
{
	struct sip_flow	 fl;
	struct txn_key	 key;
	struct txn	*tx;
	int		 error;

	memset(&fl, 0, sizeof(fl));
	memset(&key, 1, sizeof(key));
	fl.fl_proto = proto;
	fl.fl_conn = proto == SIP_UDP ? 0 : 7;
	ATF_REQUIRE((tx = txn_client(txns, &key, invite, &fl, (const uint8_t *)"REQ", 3, &arg,
	    &error)) != NULL);
	return (tx);
}

static struct txn *
server(int invite, uint8_t proto)
{
	struct sip_flow	 fl;
	struct txn_key	 key;
	struct txn	*tx;

	memset(&fl, 0, sizeof(fl));
	memset(&key, 2, sizeof(key));
	fl.fl_proto = proto;
	ATF_REQUIRE((tx = txn_server(txns, &key, invite, &fl, &arg)) != NULL);
	return (tx);
}

/* A: 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s; B: 32 s. */
ATF_TC_WITHOUT_HEAD(timers_a_b);
ATF_TC_BODY(timers_a_b, tc)
{
	start();
	(void)client(1, SIP_UDP);
	ATF_CHECK_EQ(1, nsent);
	pass(499);
	ATF_CHECK_EQ(1, nsent);
	pass(1);
	ATF_CHECK_EQ(2, nsent);
	pass(1000);
	ATF_CHECK_EQ(3, nsent);
	pass(30000);
	ATF_CHECK_EQ(7, nsent);
	ATF_CHECK_EQ(0, nfailed);
	pass(500);
	ATF_CHECK_EQ(1, nfailed);
	ATF_CHECK_EQ(0, last_error);
	ATF_CHECK_EQ(1, ngone);
	ATF_CHECK_EQ(0, txns_count(txns));
	txns_free(txns);
	/* A stream repeats nothing. */
	start();
	(void)client(1, SIP_TCP);
	pass(31999);
	ATF_CHECK_EQ(1, nsent);
	pass(1);
	ATF_CHECK_EQ(1, nfailed);
	txns_free(txns);
}

/* A 1xx stops A and B; a 3xx-6xx is acknowledged, again at each repeat; D. */
ATF_TC_WITHOUT_HEAD(timer_d);
ATF_TC_BODY(timer_d, tc)
{
	struct txn	*tx;

	start();
	tx = client(1, SIP_UDP);
	ATF_CHECK_EQ(1, txn_client_response(tx, 180));
	pass(200000);
	ATF_CHECK_EQ(1, nsent);
	ATF_CHECK_EQ(1, txn_client_response(tx, 486));
	ATF_CHECK_EQ(0, txn_client_ack(tx, (const uint8_t *)"ACK", 3));
	ATF_CHECK_STREQ("ACK", last);
	ATF_CHECK_EQ(2, nsent);
	ATF_CHECK_EQ(0, txn_client_response(tx, 486));
	ATF_CHECK_EQ(3, nsent);
	ATF_CHECK_EQ(-1, txn_client_response(tx, 200));
	ATF_CHECK_EQ(-1, txn_client_response(tx, 180));
	pass(31999);
	ATF_CHECK_EQ(0, ngone);
	pass(1);
	ATF_CHECK_EQ(1, ngone);
	ATF_CHECK_EQ(0, nfailed);
	txns_free(txns);
	/* On a stream D is 0. */
	start();
	tx = client(1, SIP_TLS);
	ATF_CHECK_EQ(1, txn_client_response(tx, 486));
	pass(0);
	ATF_CHECK_EQ(1, ngone);
	txns_free(txns);
}

/* RFC 6026: each 2xx is the user's for 32 s (M). */
ATF_TC_WITHOUT_HEAD(timer_m);
ATF_TC_BODY(timer_m, tc)
{
	struct txn	*tx;

	start();
	tx = client(1, SIP_UDP);
	ATF_CHECK_EQ(1, txn_client_response(tx, 200));
	ATF_CHECK_EQ(1, txn_client_response(tx, 200));
	ATF_CHECK_EQ(-1, txn_client_response(tx, 486));
	ATF_CHECK_EQ(-1, txn_client_ack(tx, (const uint8_t *)"ACK", 3));
	pass(31999);
	ATF_CHECK_EQ(1, nsent);
	ATF_CHECK_EQ(0, ngone);
	pass(1);
	ATF_CHECK_EQ(1, ngone);
	txns_free(txns);
}

/* E: 0, .5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5; F: 32 s; K. */
ATF_TC_WITHOUT_HEAD(timers_e_f_k);
ATF_TC_BODY(timers_e_f_k, tc)
{
	struct txn	*tx;

	start();
	(void)client(0, SIP_UDP);
	pass(31999);
	ATF_CHECK_EQ(11, nsent);
	pass(1);
	ATF_CHECK_EQ(1, nfailed);
	txns_free(txns);
	/* After a 1xx every T2. */
	start();
	tx = client(0, SIP_UDP);
	ATF_CHECK_EQ(1, txn_client_response(tx, 100));
	pass(500);
	ATF_CHECK_EQ(2, nsent);
	pass(4000);
	ATF_CHECK_EQ(3, nsent);
	ATF_CHECK_EQ(1, txn_client_response(tx, 200));
	ATF_CHECK_EQ(0, txn_client_response(tx, 200));
	pass(4999);
	ATF_CHECK_EQ(3, nsent);
	ATF_CHECK_EQ(0, ngone);
	pass(1);
	ATF_CHECK_EQ(1, ngone);
	ATF_CHECK_EQ(0, nfailed);
	txns_free(txns);
}

/* G: .5, 1, 2, 4, 4 ...; H: 32 s; an ACK: I, 5 s. */
ATF_TC_WITHOUT_HEAD(timers_g_h_i);
ATF_TC_BODY(timers_g_h_i, tc)
{
	struct txn	*tx;

	start();
	tx = server(1, SIP_UDP);
	txn_server_repeat(tx);
	ATF_CHECK_EQ(0, nsent);
	ATF_CHECK_EQ(0, txn_respond(tx, 100, (const uint8_t *)"100", 3));
	txn_server_repeat(tx);
	ATF_CHECK_EQ(2, nsent);
	ATF_CHECK_EQ(0, txn_respond(tx, 486, (const uint8_t *)"486", 3));
	ATF_CHECK_EQ(-1, txn_respond(tx, 487, (const uint8_t *)"487", 3));
	ATF_CHECK_EQ(-1, txn_respond(tx, 200, (const uint8_t *)"200", 3));
	ATF_CHECK_STREQ("486", last);
	nsent = 0;
	pass(500);
	ATF_CHECK_EQ(1, nsent);
	pass(1000);
	ATF_CHECK_EQ(2, nsent);
	pass(2000);
	pass(4000);
	ATF_CHECK_EQ(4, nsent);
	pass(4000);
	ATF_CHECK_EQ(5, nsent);
	txn_server_repeat(tx);
	ATF_CHECK_EQ(6, nsent);
	ATF_CHECK_EQ(1, txn_server_ack(tx));
	ATF_CHECK_EQ(1, txn_server_ack(tx));
	txn_server_repeat(tx);
	ATF_CHECK_EQ(6, nsent);
	pass(4999);
	ATF_CHECK_EQ(0, ngone);
	pass(1);
	ATF_CHECK_EQ(1, ngone);
	txns_free(txns);
	/* No ACK at all. */
	start();
	tx = server(1, SIP_TCP);
	ATF_CHECK_EQ(0, txn_respond(tx, 486, (const uint8_t *)"486", 3));
	pass(31999);
	ATF_CHECK_EQ(1, nsent);
	ATF_CHECK_EQ(0, nfailed);
	pass(1);
	ATF_CHECK_EQ(1, nfailed);
	txns_free(txns);
}

/* L: a 2xx leaves each time the user sends it, a repeated INVITE is absorbed. */
ATF_TC_WITHOUT_HEAD(timer_l);
ATF_TC_BODY(timer_l, tc)
{
	struct txn	*tx;

	start();
	tx = server(1, SIP_UDP);
	ATF_CHECK_EQ(0, txn_respond(tx, 200, (const uint8_t *)"200", 3));
	ATF_CHECK_EQ(0, txn_respond(tx, 200, (const uint8_t *)"200", 3));
	ATF_CHECK_EQ(-1, txn_respond(tx, 486, (const uint8_t *)"486", 3));
	ATF_CHECK_EQ(2, nsent);
	txn_server_repeat(tx);
	ATF_CHECK_EQ(2, nsent);
	ATF_CHECK_EQ(0, txn_server_ack(tx));
	pass(31999);
	ATF_CHECK_EQ(0, ngone);
	pass(1);
	ATF_CHECK_EQ(1, ngone);
	txns_free(txns);
}

/* J: 32 s on UDP, 0 on a stream. */
ATF_TC_WITHOUT_HEAD(timer_j);
ATF_TC_BODY(timer_j, tc)
{
	struct txn	*tx;

	start();
	tx = server(0, SIP_UDP);
	ATF_CHECK_EQ(0, txn_respond(tx, 200, (const uint8_t *)"200", 3));
	txn_server_repeat(tx);
	ATF_CHECK_EQ(2, nsent);
	ATF_CHECK_EQ(1, txn_server_ack(tx));
	pass(31999);
	ATF_CHECK_EQ(0, ngone);
	pass(1);
	ATF_CHECK_EQ(1, ngone);
	(void)server(0, SIP_TCP);
	ATF_CHECK_EQ(1, txns_count(txns));
	txns_free(txns);
}

ATF_TC_WITHOUT_HEAD(transport);
ATF_TC_BODY(transport, tc)
{
	struct sip_flow	 fl;
	struct txn_key	 key;
	struct txn	*tx;
	int		 error;

	/* At once. */
	start();
	send_fails = 1;
	memset(&fl, 0, sizeof(fl));
	memset(&key, 3, sizeof(key));
	ATF_CHECK_EQ(NULL, txn_client(txns, &key, 1, &fl, (const uint8_t *)"X", 1, &arg,
	    &error));
	ATF_CHECK_EQ(1, error);
	send_fails = 0;
	/* At a repeat. */
	(void)client(1, SIP_UDP);
	send_fails = 1;
	pass(500);
	ATF_CHECK_EQ(1, nfailed);
	ATF_CHECK_EQ(1, last_error);
	send_fails = 0;
	/* The connection goes: waiting clients fail, those answered do not. */
	tx = client(1, SIP_TLS);
	txns_flow_gone(txns, 8);
	ATF_CHECK_EQ(1, nfailed);
	txns_flow_gone(txns, 7);
	ATF_CHECK_EQ(2, nfailed);
	tx = client(1, SIP_TLS);
	ATF_CHECK_EQ(1, txn_client_response(tx, 200));
	txns_flow_gone(txns, 7);
	ATF_CHECK_EQ(2, nfailed);
	txns_free(txns);
}

ATF_TC_WITHOUT_HEAD(bounds);
ATF_TC_BODY(bounds, tc)
{
	static uint8_t	 big[2000];
	struct sip_flow	 fl;
	struct txn_key	 key;
	int		 i, error;

	start();
	memset(&fl, 0, sizeof(fl));
	fl.fl_proto = SIP_TCP;
	for (i = 0; i < 6; i++) {
		memset(&key, 10 + i, sizeof(key));
		ATF_CHECK_EQ(i < 4, txn_server(txns, &key, 1, &fl, NULL) != NULL);
	}
	/* A key that is in use. */
	memset(&key, 10, sizeof(key));
	ATF_CHECK(txn_find(txns, &key) != NULL);
	txn_free(txn_find(txns, &key));
	ATF_CHECK_EQ(NULL, txn_find(txns, &key));
	memset(&key, 11, sizeof(key));
	ATF_CHECK_EQ(NULL, txn_server(txns, &key, 1, &fl, NULL));
	txns_free(txns);
	/* Bytes kept. */
	start();
	memset(&key, 20, sizeof(key));
	send_fails = 1;
	ATF_CHECK_EQ(NULL, txn_client(txns, &key, 1, &fl, big, sizeof(big), NULL, &error));
	ATF_CHECK(txn_server(txns, &key, 1, &fl, NULL) != NULL);
	ATF_CHECK_EQ(-1, txn_respond(txn_find(txns, &key), 486, big, sizeof(big)));
	memset(&key, 21, sizeof(key));
	ATF_CHECK_EQ(NULL, txn_server(txns, &key, 1, &fl, NULL));
	txns_free(txns);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, timers_a_b);
	ATF_TP_ADD_TC(tp, timer_d);
	ATF_TP_ADD_TC(tp, timer_m);
	ATF_TP_ADD_TC(tp, timers_e_f_k);
	ATF_TP_ADD_TC(tp, timers_g_h_i);
	ATF_TP_ADD_TC(tp, timer_l);
	ATF_TP_ADD_TC(tp, timer_j);
	ATF_TP_ADD_TC(tp, transport);
	ATF_TP_ADD_TC(tp, bounds);
	return (atf_no_error());
}
