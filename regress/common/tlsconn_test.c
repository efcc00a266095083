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
 * TLS connections whose private keys are elsewhere: both sides, both kinds of
 * key, orderly and disorderly ends, a key process that refuses, is silent or
 * goes away, limits, and OpenSSL's own client and server as peers.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testtls.h"
#include "tlsconn.h"

struct end {
	struct tlsconn	*e_tc;
	int		 e_open, e_closed, e_drained;
	char		 e_why[200];
	uint8_t		*e_in;
	size_t		 e_inlen;
	size_t		 e_take;	/* most bytes taken at a time; 0: all */
	int		 e_free_in;	/* free in: 1 open, 2 data, 3 drained */
	int		 e_abort_data;
	int		 e_echo;
};

static struct testcert	 ca, srv, cli;
static struct end	 S, C;
static const struct tlsconn_limits lim = { 2000, 3000, 65536, 1048576 };

static void
end_free(struct end *e)
{
	tlsconn_free(e->e_tc);
	e->e_tc = NULL;
}

static void
on_open(struct tlsconn *tc, void *arg)
{
	struct end	*e = arg;

	ATF_REQUIRE_EQ(tc, e->e_tc);
	e->e_open++;
	if (e->e_free_in == 1)
		end_free(e);
}

static size_t
on_data(struct tlsconn *tc, const uint8_t *p, size_t n, void *arg)
{
	struct end	*e = arg;

	if (e->e_free_in == 2) {
		end_free(e);
		return (n);
	}
	if (e->e_abort_data)
		return ((size_t)-1);
	if (e->e_take != 0 && n > e->e_take)
		n = e->e_take == SIZE_MAX ? 0 : e->e_take;
	if (n == 0 || e->e_take == SIZE_MAX)
		return (0);
	ATF_REQUIRE((e->e_in = realloc(e->e_in, e->e_inlen + n)) != NULL);
	memcpy(e->e_in + e->e_inlen, p, n);
	e->e_inlen += n;
	if (e->e_echo)
		(void)tlsconn_write(tc, p, n);
	return (n);
}

static void
on_drained(struct tlsconn *tc, void *arg)
{
	struct end	*e = arg;

	(void)tc;
	e->e_drained++;
	if (e->e_free_in == 3)
		end_free(e);
}

static void
on_closed(struct tlsconn *tc, const char *why, void *arg)
{
	struct end	*e = arg;

	(void)tc;
	e->e_closed++;
	snprintf(e->e_why, sizeof(e->e_why), "%s", why);
	end_free(e);
}

static const struct tlsconn_ops ops = { on_open, on_data, on_drained, on_closed };

static void
stuck(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	atf_tc_fail("stuck: server open %d closed %d (%s), client open %d closed "
	    "%d (%s)", S.e_open, S.e_closed, S.e_why, C.e_open, C.e_closed,
	    C.e_why);
}

static void
run_until(int (*cond)(void))
{
	struct event	 guard;
	struct timeval	 tv = { 20, 0 };

	evtimer_set(&guard, stuck, NULL);
	evtimer_add(&guard, &tv);
	while (!cond())
		ATF_REQUIRE(event_loop(EVLOOP_ONCE) != -1);
	event_del(&guard);
}

static int
both_open(void)
{
	return (S.e_open && C.e_open);
}

static int
both_closed(void)
{
	return (S.e_closed && C.e_closed);
}

static int
server_closed(void)
{
	return (S.e_closed);
}

static int
client_closed(void)
{
	return (C.e_closed);
}

static void
setup(int rsa)
{
	event_init();
	pkremote_init(testkey_send);
	testcert_make(&ca, 0, "test ca", NULL, NULL);
	testcert_make(&srv, rsa, "server", "DNS:server.example", &ca);
	testcert_make(&cli, rsa, "client", "DNS:client.example", &ca);
	testkeys[1] = &srv;
	testkeys[2] = &cli;
}

static SSL_CTX *
context(struct testcert *t, uint16_t keyid, int server)
{
	SSL_CTX		*ctx;
	const char	*why;

	ctx = tlsconn_ctx(t->t_pem, t->t_pemlen, keyid, server, &why);
	ATF_REQUIRE_MSG(ctx != NULL, "%s", why);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca.t_cert);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER |
	    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_purpose(ctx, X509_PURPOSE_ANY);
	return (ctx);
}

static int	 listener;

static void
accepted(int fd, short event, void *arg)
{
	int	 s;

	(void)event;
	s = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ATF_REQUIRE(s != -1);
	S.e_tc = tlsconn_accept(s, arg, &lim, &ops, &S);
	ATF_REQUIRE(S.e_tc != NULL);
}

static struct event	 listen_ev;

static void
listen_at(struct vaddr *va, SSL_CTX *sctx)
{
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ATF_REQUIRE((listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) != -1);
	ATF_REQUIRE_EQ(0, bind(listener, (struct sockaddr *)&sin, sizeof(sin)));
	ATF_REQUIRE_EQ(0, listen(listener, 8));
	ATF_REQUIRE_EQ(0, getsockname(listener, (struct sockaddr *)&sin, &len));
	ATF_REQUIRE_EQ(0, vaddr_from_sa((struct sockaddr *)&sin, va));
	if (sctx != NULL) {
		event_set(&listen_ev, listener, EV_READ | EV_PERSIST, accepted, sctx);
		event_add(&listen_ev, NULL);
	}
}

static void
pair_start(SSL_CTX *sctx, SSL_CTX *cctx)
{
	struct vaddr	 va;

	listen_at(&va, sctx);
	C.e_tc = tlsconn_connect(&va, NULL, cctx, &lim, &ops, &C);
	ATF_REQUIRE(C.e_tc != NULL);
}

static void
pair_stop(SSL_CTX *sctx, SSL_CTX *cctx)
{
	end_free(&S);
	end_free(&C);
	event_del(&listen_ev);
	close(listener);
	SSL_CTX_free(sctx);
	SSL_CTX_free(cctx);
	free(S.e_in);
	free(C.e_in);
	testcert_free(&ca);
	testcert_free(&srv);
	testcert_free(&cli);
}

static size_t	 want_s, want_c;

static int
data_there(void)
{
	return (S.e_inlen >= want_s && C.e_inlen >= want_c);
}

static void
mutual(int rsa)
{
	SSL_CTX		*sctx, *cctx;
	uint8_t		*big;
	size_t		 i, n = 300000;
	uint8_t		 ek[2][32];
	X509		*peer;

	setup(rsa);
	sctx = context(&srv, 1, 1);
	cctx = context(&cli, 2, 0);
	pair_start(sctx, cctx);
	run_until(both_open);
	ATF_CHECK_EQ(2, testkey_requests);
	ATF_CHECK_EQ(TLS1_3_VERSION, SSL_version(tlsconn_ssl(C.e_tc)));
	peer = SSL_get0_peer_certificate(tlsconn_ssl(S.e_tc));
	ATF_REQUIRE(peer != NULL);
	ATF_CHECK_EQ(0, X509_cmp(peer, cli.t_cert));
	ATF_CHECK_EQ(1, SSL_export_keying_material(tlsconn_ssl(S.e_tc), ek[0], 32,
	    "EXPORTER-vipr-pvp-1", 19, NULL, 0, 0));
	ATF_CHECK_EQ(1, SSL_export_keying_material(tlsconn_ssl(C.e_tc), ek[1], 32,
	    "EXPORTER-vipr-pvp-1", 19, NULL, 0, 0));
	ATF_CHECK_EQ(0, memcmp(ek[0], ek[1], 32));
	ATF_CHECK_EQ(1, tlsconn_is_open(C.e_tc));
	ATF_REQUIRE((big = malloc(n)) != NULL);
	for (i = 0; i < n; i++)
		big[i] = (uint8_t)(i * 7);
	ATF_REQUIRE_EQ(0, tlsconn_write(C.e_tc, big, n));
	ATF_REQUIRE_EQ(0, tlsconn_write(S.e_tc, "hello", 5));
	want_s = n;
	want_c = 5;
	S.e_take = 1000;
	run_until(data_there);
	ATF_CHECK_EQ(0, memcmp(S.e_in, big, n));
	ATF_CHECK_EQ(0, memcmp(C.e_in, "hello", 5));
	ATF_CHECK(C.e_drained >= 1);
	free(big);
	/* The last words of the side that closes arrive. */
	S.e_take = 0;
	want_s += 4;
	ATF_REQUIRE_EQ(0, tlsconn_write(C.e_tc, "last", 4));
	tlsconn_shutdown(C.e_tc, 1000);
	ATF_CHECK_EQ(-1, tlsconn_write(C.e_tc, "late", 4));
	run_until(both_closed);
	ATF_CHECK_EQ(n + 4, S.e_inlen);
	ATF_CHECK_STREQ("closed by peer", S.e_why);
	ATF_CHECK_STREQ("closed by us", C.e_why);
	pair_stop(sctx, cctx);
}

ATF_TC_WITHOUT_HEAD(mutual_ec);
ATF_TC_BODY(mutual_ec, tc)
{
	mutual(0);
}

ATF_TC_WITHOUT_HEAD(mutual_rsa);
ATF_TC_BODY(mutual_rsa, tc)
{
	mutual(1);
}

static void
key_trouble(enum testkey_mode mode)
{
	SSL_CTX	*sctx, *cctx;

	setup(0);
	testkey_mode = mode;
	sctx = context(&srv, 1, 1);
	cctx = context(&cli, 2, 0);
	pair_start(sctx, cctx);
	run_until(both_closed);
	ATF_CHECK_EQ(0, S.e_open);
	ATF_CHECK_EQ(0, C.e_open);
	ATF_CHECK_MSG(strncmp(S.e_why, "handshake: ", 11) == 0, "%s", S.e_why);
	pair_stop(sctx, cctx);
}

ATF_TC_WITHOUT_HEAD(key_refuses);
ATF_TC_BODY(key_refuses, tc)
{
	key_trouble(KEY_REFUSE);
}

ATF_TC_WITHOUT_HEAD(key_away);
ATF_TC_BODY(key_away, tc)
{
	key_trouble(KEY_NOSEND);
}

ATF_TC_WITHOUT_HEAD(key_garbage);
ATF_TC_BODY(key_garbage, tc)
{
	key_trouble(KEY_GARBAGE);
}

ATF_TC_WITHOUT_HEAD(key_silent);
ATF_TC_BODY(key_silent, tc)
{
	key_trouble(KEY_SILENT);
}

static int
asked(void)
{
	return (testkey_requests > 0);
}

ATF_TC_WITHOUT_HEAD(key_lost);
ATF_TC_BODY(key_lost, tc)
{
	SSL_CTX	*sctx, *cctx;

	setup(0);
	testkey_mode = KEY_SILENT;
	sctx = context(&srv, 1, 1);
	cctx = context(&cli, 2, 0);
	pair_start(sctx, cctx);
	run_until(asked);
	pkremote_lost();
	run_until(both_closed);
	ATF_CHECK_EQ(0, S.e_open);
	pkremote_reply(1, 0, "late", 4);	/* of nobody */
	pair_stop(sctx, cctx);
}

/* The peer goes while the signature is awaited; then the answer comes. */
ATF_TC_WITHOUT_HEAD(peer_gone_in_pause);
ATF_TC_BODY(peer_gone_in_pause, tc)
{
	SSL_CTX	*sctx, *cctx;

	setup(0);
	testkey_mode = KEY_SILENT;
	sctx = context(&srv, 1, 1);
	cctx = context(&cli, 2, 0);
	pair_start(sctx, cctx);
	run_until(asked);
	end_free(&C);
	pkremote_reply(1, EIO, NULL, 0);
	run_until(server_closed);
	ATF_CHECK_EQ(0, S.e_open);
	pair_stop(sctx, cctx);
}

/* Our own side is freed while the signature is awaited. */
ATF_TC_WITHOUT_HEAD(freed_in_pause);
ATF_TC_BODY(freed_in_pause, tc)
{
	SSL_CTX	*sctx, *cctx;

	setup(0);
	testkey_mode = KEY_SILENT;
	sctx = context(&srv, 1, 1);
	cctx = context(&cli, 2, 0);
	pair_start(sctx, cctx);
	run_until(asked);
	end_free(&S);
	pkremote_reply(1, EIO, NULL, 0);
	run_until(client_closed);
	ATF_CHECK_EQ(0, C.e_open);
	pair_stop(sctx, cctx);
}

ATF_TC_WITHOUT_HEAD(untrusted);
ATF_TC_BODY(untrusted, tc)
{
	SSL_CTX		*sctx, *cctx;
	struct testcert	 ca2, other;

	setup(0);
	testcert_make(&ca2, 0, "another ca", NULL, NULL);
	testcert_make(&other, 0, "client", NULL, &ca2);
	testkeys[3] = &other;
	sctx = context(&srv, 1, 1);
	cctx = context(&other, 3, 0);
	pair_start(sctx, cctx);
	/* The client believes itself open until the alert comes. */
	run_until(both_closed);
	ATF_CHECK_EQ(0, S.e_open);
	ATF_CHECK_STREQ("handshake: unable to get local issuer certificate",
	    S.e_why);
	ATF_CHECK_MSG(strncmp(C.e_why, "read: ", 6) == 0, "%s", C.e_why);
	pair_stop(sctx, cctx);
	testcert_free(&ca2);
	testcert_free(&other);
}

static void
free_inside(int where)
{
	SSL_CTX	*sctx, *cctx;

	setup(0);
	sctx = context(&srv, 1, 1);
	cctx = context(&cli, 2, 0);
	S.e_free_in = where;
	pair_start(sctx, cctx);
	if (where != 1) {
		run_until(both_open);
		if (where == 3)
			ATF_REQUIRE_EQ(0, tlsconn_write(S.e_tc, "x", 1));
		else
			ATF_REQUIRE_EQ(0, tlsconn_write(C.e_tc, "x", 1));
	}
	run_until(client_closed);
	ATF_CHECK(S.e_tc == NULL);
	ATF_CHECK_EQ(0, S.e_closed);
	pair_stop(sctx, cctx);
}

ATF_TC_WITHOUT_HEAD(free_in_open);
ATF_TC_BODY(free_in_open, tc)
{
	free_inside(1);
}

ATF_TC_WITHOUT_HEAD(free_in_data);
ATF_TC_BODY(free_in_data, tc)
{
	free_inside(2);
}

ATF_TC_WITHOUT_HEAD(free_in_drained);
ATF_TC_BODY(free_in_drained, tc)
{
	free_inside(3);
}

ATF_TC_WITHOUT_HEAD(data_refused);
ATF_TC_BODY(data_refused, tc)
{
	SSL_CTX	*sctx, *cctx;

	setup(0);
	sctx = context(&srv, 1, 1);
	cctx = context(&cli, 2, 0);
	S.e_abort_data = 1;
	pair_start(sctx, cctx);
	run_until(both_open);
	ATF_REQUIRE_EQ(0, tlsconn_write(C.e_tc, "x", 1));
	run_until(both_closed);
	pair_stop(sctx, cctx);
}

/* More than tl_read_max that nobody takes; more than tl_write_max queued. */
ATF_TC_WITHOUT_HEAD(bounds);
ATF_TC_BODY(bounds, tc)
{
	SSL_CTX	*sctx, *cctx;
	uint8_t	*big;

	setup(0);
	sctx = context(&srv, 1, 1);
	cctx = context(&cli, 2, 0);
	S.e_take = SIZE_MAX;
	pair_start(sctx, cctx);
	run_until(both_open);
	ATF_REQUIRE((big = calloc(1, lim.tl_write_max + 1)) != NULL);
	ATF_REQUIRE_EQ(0, tlsconn_write(C.e_tc, big, lim.tl_read_max + 1));
	run_until(both_closed);
	ATF_CHECK_STREQ("message too long", S.e_why);
	memset(&S, 0, sizeof(S));
	memset(&C, 0, sizeof(C));
	event_del(&listen_ev);
	close(listener);
	pair_start(sctx, cctx);
	run_until(both_open);
	ATF_CHECK_EQ(-1, tlsconn_write(C.e_tc, big, lim.tl_write_max + 1));
	ATF_CHECK_EQ(ENOBUFS, errno);
	ATF_CHECK_EQ(0, C.e_closed);		/* not from inside the call */
	run_until(both_closed);
	ATF_CHECK_STREQ("peer does not read", C.e_why);
	free(big);
	pair_stop(sctx, cctx);
}

static int
echoed(void)
{
	return (C.e_inlen == 3);
}

ATF_TC_WITHOUT_HEAD(pausing);
ATF_TC_BODY(pausing, tc)
{
	SSL_CTX	*sctx, *cctx;
	int	 i;

	setup(0);
	sctx = context(&srv, 1, 1);
	cctx = context(&cli, 2, 0);
	S.e_echo = 1;
	pair_start(sctx, cctx);
	run_until(both_open);
	tlsconn_pause(S.e_tc, 1);
	ATF_REQUIRE_EQ(0, tlsconn_write(C.e_tc, "abc", 3));
	for (i = 0; i < 20; i++)
		event_loop(EVLOOP_NONBLOCK);
	ATF_CHECK_EQ(0, S.e_inlen);
	tlsconn_pause(S.e_tc, 0);
	run_until(echoed);
	pair_stop(sctx, cctx);
}

ATF_TC_WITHOUT_HEAD(no_connection);
ATF_TC_BODY(no_connection, tc)
{
	SSL_CTX		*cctx;
	struct vaddr	 va;

	setup(0);
	cctx = context(&cli, 2, 0);
	listen_at(&va, NULL);
	close(listener);
	C.e_tc = tlsconn_connect(&va, NULL, cctx, &lim, &ops, &C);
	ATF_REQUIRE(C.e_tc != NULL);
	ATF_CHECK_EQ(0, C.e_closed);
	run_until(client_closed);
	ATF_CHECK_STREQ("connect: Connection refused", C.e_why);
	SSL_CTX_free(cctx);
}

/* A peer that says nothing, and one that does not speak TLS. */
ATF_TC_WITHOUT_HEAD(not_tls);
ATF_TC_BODY(not_tls, tc)
{
	SSL_CTX		*sctx;
	struct tlsconn_limits quick = { 50, 50, 1000, 1000 };
	int		 sv[2];

	setup(0);
	sctx = context(&srv, 1, 1);
	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv));
	S.e_tc = tlsconn_accept(sv[0], sctx, &quick, &ops, &S);
	ATF_REQUIRE(S.e_tc != NULL);
	run_until(server_closed);
	ATF_CHECK_STREQ("handshake: timed out", S.e_why);
	close(sv[1]);
	memset(&S, 0, sizeof(S));
	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv));
	ATF_REQUIRE_EQ(16, write(sv[1], "INVITE sip:x SIP", 16));
	S.e_tc = tlsconn_accept(sv[0], sctx, &lim, &ops, &S);
	run_until(server_closed);
	ATF_CHECK_MSG(strncmp(S.e_why, "handshake: ", 11) == 0, "%s", S.e_why);
	close(sv[1]);
	SSL_CTX_free(sctx);
}

/* -- the provider alone -- */

ATF_TC_WITHOUT_HEAD(provider);
ATF_TC_BODY(provider, tc)
{
	EVP_PKEY	*key;
	EVP_MD_CTX	*ctx;
	OSSL_PARAM	*params = NULL;
	unsigned char	*der = NULL, sig[512];
	size_t		 len = sizeof(sig);
	struct testcert	 other;
	int		 rsa;

	for (rsa = 0; rsa < 2; rsa++) {
		setup(rsa);
		testcert_make(&other, rsa, "other", NULL, &ca);
		ATF_REQUIRE((key = pkremote_key(srv.t_cert, 1)) != NULL);
		ATF_CHECK_EQ(1, X509_check_private_key(srv.t_cert, key));
		ATF_CHECK_EQ(0, X509_check_private_key(other.t_cert, key));
		/* Nothing comes out. */
		ATF_CHECK(EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params) != 1);
		ATF_CHECK(i2d_PrivateKey(key, &der) <= 0);
		/* No digests but those of TLS 1.3, no signature outside of a
		 * handshake. */
		ATF_REQUIRE((ctx = EVP_MD_CTX_new()) != NULL);
		ATF_CHECK(EVP_DigestSignInit(ctx, NULL, EVP_sha1(), NULL, key) <= 0);
		EVP_MD_CTX_reset(ctx);
		ATF_REQUIRE_EQ(1, EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL,
		    key));
		ATF_CHECK(EVP_DigestSign(ctx, sig, &len, (const uint8_t *)"x", 1) <= 0);
		ATF_CHECK_EQ(0, testkey_requests);
		EVP_MD_CTX_free(ctx);
		EVP_PKEY_free(key);
		testcert_free(&ca);
		testcert_free(&srv);
		testcert_free(&cli);
		testcert_free(&other);
	}
	testcert_make(&other, 0, "x", NULL, NULL);
	EVP_PKEY_free(other.t_key);
	ATF_REQUIRE((other.t_key = EVP_EC_gen("P-384")) != NULL);
	X509_set_pubkey(other.t_cert, other.t_key);
	ATF_CHECK(pkremote_key(other.t_cert, 1) == NULL);
	testcert_free(&other);
}

static int	 signed_error = -1;
static size_t	 signed_len;

static void
on_signed(int error, const void *sig, size_t len, void *arg)
{
	(void)sig;
	(void)arg;
	signed_error = error;
	signed_len = len;
}

static int
is_signed(void)
{
	return (signed_error != -1);
}

ATF_TC_WITHOUT_HEAD(sign_others);
ATF_TC_BODY(sign_others, tc)
{
	uint64_t	 id;

	setup(1);
	ATF_REQUIRE(pkremote_sign(1, KS_RELOAD_MSG, "bytes", 5, on_signed, NULL) != 0);
	run_until(is_signed);
	ATF_CHECK_EQ(0, signed_error);
	ATF_CHECK_EQ(256, signed_len);
	testkey_mode = KEY_SILENT;
	signed_error = -1;
	ATF_REQUIRE((id = pkremote_sign(1, KS_RELOAD_MSG, "bytes", 5, on_signed,
	    NULL)) != 0);
	pkremote_cancel(id);
	pkremote_reply(id, 0, "sig", 3);
	ATF_CHECK_EQ(-1, signed_error);
	ATF_REQUIRE(pkremote_sign(1, KS_RELOAD_MSG, "bytes", 5, on_signed, NULL) != 0);
	pkremote_lost();
	ATF_CHECK_EQ(ENOTCONN, signed_error);
	testkey_mode = KEY_NOSEND;
	ATF_CHECK_EQ(0, pkremote_sign(1, KS_RELOAD_MSG, "bytes", 5, on_signed, NULL));
}

/* -- OpenSSL's own programs as peers -- */

static void
write_file(const char *path, struct testcert *t)
{
	FILE	*f;

	ATF_REQUIRE((f = fopen(path, "w")) != NULL);
	fputs(t->t_pem, f);
	PEM_write_PrivateKey(f, t->t_key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
}

static int
server_has_data(void)
{
	return (S.e_inlen >= 5);
}

ATF_TC(s_client);
ATF_TC_HEAD(s_client, tc)
{
	atf_tc_set_md_var(tc, "require.progs", "openssl");
}
ATF_TC_BODY(s_client, tc)
{
	SSL_CTX		*sctx;
	struct vaddr	 va;
	char		 addr[VADDR_STRLEN];
	int		 rsa, in[2], status;
	pid_t		 pid;

	for (rsa = 0; rsa < 2; rsa++) {
		setup(rsa);
		write_file("ca.pem", &ca);
		write_file("cli.pem", &cli);
		sctx = context(&srv, 1, 1);
		listen_at(&va, sctx);
		vaddr_str(&va, addr, sizeof(addr));
		ATF_REQUIRE_EQ(0, pipe(in));
		ATF_REQUIRE((pid = fork()) != -1);
		if (pid == 0) {
			dup2(in[0], 0);
			close(in[1]);
			execlp("openssl", "openssl", "s_client", "-quiet",
			    "-connect", addr, "-CAfile", "ca.pem", "-cert",
			    "cli.pem", "-key", "cli.pem", "-verify_return_error",
			    (char *)NULL);
			_exit(127);
		}
		close(in[0]);
		ATF_REQUIRE_EQ(5, write(in[1], "hello", 5));
		run_until(server_has_data);
		ATF_CHECK_EQ(0, memcmp(S.e_in, "hello", 5));
		ATF_CHECK_EQ(1, S.e_open);
		tlsconn_shutdown(S.e_tc, 1000);
		run_until(server_closed);
		close(in[1]);
		ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
		event_del(&listen_ev);
		close(listener);
		SSL_CTX_free(sctx);
		free(S.e_in);
		memset(&S, 0, sizeof(S));
		testcert_free(&ca);
		testcert_free(&srv);
		testcert_free(&cli);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, mutual_ec);
	ATF_TP_ADD_TC(tp, mutual_rsa);
	ATF_TP_ADD_TC(tp, key_refuses);
	ATF_TP_ADD_TC(tp, key_away);
	ATF_TP_ADD_TC(tp, key_garbage);
	ATF_TP_ADD_TC(tp, key_silent);
	ATF_TP_ADD_TC(tp, key_lost);
	ATF_TP_ADD_TC(tp, peer_gone_in_pause);
	ATF_TP_ADD_TC(tp, freed_in_pause);
	ATF_TP_ADD_TC(tp, untrusted);
	ATF_TP_ADD_TC(tp, free_in_open);
	ATF_TP_ADD_TC(tp, free_in_data);
	ATF_TP_ADD_TC(tp, free_in_drained);
	ATF_TP_ADD_TC(tp, data_refused);
	ATF_TP_ADD_TC(tp, bounds);
	ATF_TP_ADD_TC(tp, pausing);
	ATF_TP_ADD_TC(tp, no_connection);
	ATF_TP_ADD_TC(tp, not_tls);
	ATF_TP_ADD_TC(tp, provider);
	ATF_TP_ADD_TC(tp, sign_others);
	ATF_TP_ADD_TC(tp, s_client);
	return (atf_no_error());
}
