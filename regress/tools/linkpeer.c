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
 * linkpeer: the other end of an overlay link, with bad manners.  Connects with
 * a node's certificate, does one thing wrong (or none) and prints, a line each,
 * what comes back: frames, and how and after how many seconds the link ends.
 * Exit 0: the other side ended it; 3: it was still open after -t seconds.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <arpa/inet.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"
#include "reload_cert.h"
#include "wire.h"

#define MSG_MAX		8192
#define IN_MAX		(1 << 20)
#define CONNECTIONS_MAX	256
#define CONFIG_SEQ	1	/* of the first document */

struct me {
	SSL		*m_ssl;
	int		 m_fd;
	EVP_PKEY	*m_key;
	uint8_t		*m_der;
	size_t		 m_derlen;
	struct reload_cert m_peer;
	uint64_t	 m_tid;
	uint64_t	 m_start;	/* ms */
	uint64_t	 m_until;
	int		 m_deaf;	/* no acks */
	uint8_t		 m_in[IN_MAX];
	size_t		 m_inlen;
};

static struct me	 me;
static const char	*bind_to, *prefix, *action, *arg;
static int		 update;	/* a ConfigUpdate instead of a Ping */

static void	 usage(void) __attribute__((__noreturn__));
static uint64_t	 now(void);
static void	 ended(const char *) __attribute__((__noreturn__));
static int	 tcp(const char *, uint16_t);
static void	 tls(void);
static size_t	 ping(uint32_t, uint8_t *, size_t);
static void	 config(struct wbuf *);
static void	 say(const void *, size_t);
static void	 frames(void);
static void	 message(const uint8_t *, size_t);
static void	 listen_on(void);
static void	 many(const char *, uint16_t, unsigned);
static void	 flood(unsigned);
static void	 large(size_t, int);
static void	 act(void);

static void
usage(void)
{
	(void)fprintf(stderr, "usage: linkpeer [-b address] [-c prefix] [-p port] "
	    "[-t seconds] address action [arg]\n"
	    "actions: quiet tcp bytes type deaf gaps, many N, flood N, large N, huge N,\n"
	    "config FILE, kind FILE\n");
	exit(2);
}

static uint64_t
now(void)
{
	struct timespec	ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

static void
ended(const char *how)
{
	unsigned long	 e = ERR_peek_error();
	const char	*s = e == 0 ? NULL : ERR_reason_error_string(e);

	printf("closed after %llu s: %s\n",
	    (unsigned long long)((now() - me.m_start) / 1000), s != NULL ? s : how);
	exit(0);
}

static int
tcp(const char *to, uint16_t port)
{
	struct sockaddr_in sin;
	int		 fd, small = 4096, one = 1;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1)
		err(1, "socket");
	if (bind_to != NULL) {
		if (inet_pton(AF_INET, bind_to, &sin.sin_addr) != 1)
			usage();
		if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
			err(1, "%s", bind_to);
	}
	if (strcmp(action, "flood") == 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	sin.sin_port = htons(port);
	if (inet_pton(AF_INET, to, &sin.sin_addr) != 1)
		usage();
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		err(1, "%s", to);
	return (fd);
}

/* Whom the certificate of PREFIX.crt stands for; without -c it shows none. */
static void
tls(void)
{
	SSL_CTX		*ctx;
	X509		*x;
	const char	*why;
	char		 path[512];
	int		 len;

	if ((ctx = SSL_CTX_new(TLS_client_method())) == NULL)
		errx(1, "TLS");
	if (prefix != NULL) {
		(void)snprintf(path, sizeof(path), "%s.crt", prefix);
		if (SSL_CTX_use_certificate_chain_file(ctx, path) != 1)
			errx(1, "%s", path);
		if ((x = SSL_CTX_get0_certificate(ctx)) == NULL ||
		    (len = i2d_X509(x, &me.m_der)) <= 0)
			errx(1, "%s", path);
		me.m_derlen = (size_t)len;
		(void)snprintf(path, sizeof(path), "%s.key", prefix);
		if (SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) != 1)
			errx(1, "%s", path);
		me.m_key = SSL_CTX_get0_privatekey(ctx);
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	if ((me.m_ssl = SSL_new(ctx)) == NULL || SSL_set_fd(me.m_ssl, me.m_fd) != 1)
		errx(1, "TLS");
	if (SSL_connect(me.m_ssl) != 1)
		ended("handshake");
	if ((x = SSL_get0_peer_certificate(me.m_ssl)) == NULL ||
	    reload_cert_parse(x, &me.m_peer, &why) == -1)
		errx(1, "peer's certificate");
	printf("open\n");
	(void)fcntl(me.m_fd, F_SETFL, O_NONBLOCK);
}

/* The file named: a document, or a kind-block. */
static void
config(struct wbuf *w)
{
	struct wire_configupdate wc;
	struct wbuf		 lw;
	static uint8_t		 buf[MSG_MAX], list[MSG_MAX];
	size_t			 len;
	FILE			*fp;

	if ((fp = fopen(arg, "r")) == NULL)
		err(1, "%s", arg);
	len = fread(buf, 1, sizeof(buf), fp);
	(void)fclose(fp);
	memset(&wc, 0, sizeof(wc));
	if (strcmp(action, "config") == 0) {
		wc.wc_type = WIRE_CU_CONFIG;
		wc.wc_config.p = (const char *)buf;
		wc.wc_config.len = len;
	} else {
		wc.wc_type = WIRE_CU_KIND;
		wbuf_init(&lw, list, sizeof(list));
		wbuf_lv(&lw, 2, buf, len);
		cur_init(&wc.wc_kinds, list, lw.w_len);
	}
	wire_configupdate_write(w, &wc);
}

/* A frame with a signed Ping to the other side, or an update; its length. */
static size_t
ping(uint32_t seq, uint8_t *out, size_t size)
{
	struct wire_header	h;
	struct wbuf		w, d, iw;
	struct span		part;
	uint8_t			msg[MSG_MAX], dest[64], input[MSG_MAX], sig[512];
	uint8_t			sha[EVP_MAX_MD_SIZE], bucket[MSG_MAX];
	size_t			start, mark, siglen = sizeof(sig);
	uint32_t		overlay;

	if (reload_overlay_hash(me.m_peer.rc_overlay, &overlay) == -1 ||
	    EVP_Digest(me.m_der, me.m_derlen, sha, NULL, EVP_sha256(), NULL) != 1)
		errx(1, "digest");
	wbuf_init(&d, dest, sizeof(dest));
	wire_dest_node(&d, me.m_peer.rc_node[0]);
	wire_header_init(&h, overlay, update ? WIRE_SEQ_ANY : CONFIG_SEQ, 100, ++me.m_tid);
	cur_init(&h.wh_dest, dest, d.w_len);
	wbuf_init(&w, msg, sizeof(msg));
	wire_header_write(&w, &h);
	start = w.w_len;
	mark = wire_contents_open(&w, update ? WIRE_CONFIGUPDATE : WIRE_PING);
	if (update)
		config(&w);
	else
		wire_ping_write(&w, NULL, 0);
	wire_contents_close(&w, mark, NULL);
	wbuf_init(&iw, input, sizeof(input));
	wire_msg_input(&iw, overlay, h.wh_tid, msg + start, w.w_len - start);
	reload_identity_write(&iw, sha);
	part.p = (const char *)input;
	part.len = iw.w_len;
	if (reload_sign_parts(me.m_key, &part, 1, sig, &siglen) == -1)
		errx(1, "cannot sign");
	wbuf_init(&d, bucket, sizeof(bucket));
	reload_bucket_add(&d, me.m_der, me.m_derlen);
	reload_secblock_write(&w, bucket, d.w_len, reload_key_alg(me.m_key), sha,
	    sig, siglen);
	wire_length_set(msg, w.w_len);
	wbuf_init(&d, out, size);
	frame_write_data(&d, seq, msg, w.w_len);
	if (wbuf_ok(&w) == -1 || wbuf_ok(&d) == -1)
		errx(1, "message too long");
	return (d.w_len);
}

/* Write all, but not for longer than there is time. */
static void
say(const void *p, size_t len)
{
	const uint8_t	*b = p;
	struct pollfd	 pfd = { me.m_fd, POLLOUT, 0 };
	int		 n, e;

	while (len > 0) {
		if (now() >= me.m_until)
			return;
		if ((n = SSL_write(me.m_ssl, b, (int)len)) > 0) {
			b += n;
			len -= (size_t)n;
			continue;
		}
		e = SSL_get_error(me.m_ssl, n);
		if (e != SSL_ERROR_WANT_WRITE && e != SSL_ERROR_WANT_READ)
			ended(strcmp(action, "flood") == 0 ? "cut off" : "write");
		(void)poll(&pfd, 1, 100);
	}
}

static void
message(const uint8_t *p, size_t len)
{
	struct wire_msg		 m;
	struct wire_errresp	 r;
	const char		*s;

	if (wire_msg_parse(p, len, &m, NULL) == -1) {
		printf("message of %zu bytes\n", len);
		return;
	}
	s = wire_code_str(m.wm_contents.wc_code);
	if (m.wm_contents.wc_code == WIRE_ERROR &&
	    wire_error_parse(&m.wm_contents.wc_body, &r, NULL) == 0)
		s = wire_errcode_str(r.wr_code);
	printf("message %s\n", s != NULL ? s : "unknown");
}

/* All whole frames that came; data is acknowledged, unless we are deaf. */
static void
frames(void)
{
	enum frame_error error;
	struct frame	 f;
	struct wbuf	 w;
	uint8_t		 ack[FRAME_ACK_LEN];
	ssize_t		 n;
	size_t		 used = 0;

	while ((n = frame_parse(me.m_in + used, me.m_inlen - used, IN_MAX, &f,
	    &error)) > 0) {
		used += (size_t)n;
		if (f.fr_type == FRAME_ACK) {
			printf("ack %u %08x\n", f.fr_seq, f.fr_mask);
			continue;
		}
		message(f.fr_msg, f.fr_len);
		if (me.m_deaf)
			continue;
		wbuf_init(&w, ack, sizeof(ack));
		frame_write_ack(&w, f.fr_seq, 0);
		say(ack, w.w_len);
	}
	if (n == -1)
		errx(1, "not a frame");
	memmove(me.m_in, me.m_in + used, me.m_inlen - used);
	me.m_inlen -= used;
}

/* Read until it is closed, or time is up. */
static void
listen_on(void)
{
	struct pollfd	 pfd = { me.m_fd, POLLIN, 0 };
	char		 c;
	int		 n, e;

	while (now() < me.m_until) {
		(void)poll(&pfd, 1, 50);
		if (me.m_ssl == NULL) {
			n = (int)recv(me.m_fd, &c, 1, MSG_DONTWAIT);
			if (n == 0 || (n == -1 && errno != EAGAIN))
				ended(n == 0 ? "end" : strerror(errno));
			continue;
		}
		n = SSL_read(me.m_ssl, me.m_in + me.m_inlen,
		    (int)(sizeof(me.m_in) - me.m_inlen));
		if (n > 0) {
			me.m_inlen += (size_t)n;
			frames();
			continue;
		}
		e = SSL_get_error(me.m_ssl, n);
		if (e == SSL_ERROR_ZERO_RETURN)
			ended("end");
		if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
			ended("end without close_notify");
	}
	printf("still open\n");
	exit(3);
}

/* Connections that say nothing: how many are not kept waiting? */
static void
many(const char *to, uint16_t port, unsigned n)
{
	int		 fd[CONNECTIONS_MAX];
	unsigned	 i, gone = 0;
	char		 c;

	if (n > CONNECTIONS_MAX)
		usage();
	for (i = 0; i < n; i++)
		fd[i] = tcp(to, port);
	while (now() < me.m_until)
		(void)poll(NULL, 0, 100);
	for (i = 0; i < n; i++) {
		if (recv(fd[i], &c, 1, MSG_DONTWAIT) != -1 || errno != EAGAIN)
			gone++;
	}
	printf("refused %u of %u\n", gone, n);
	exit(0);
}

/* A Ping so many times every three seconds, and no answer is read. */
static void
flood(unsigned n)
{
	uint8_t		 buf[MSG_MAX];
	struct wbuf	 w;
	size_t		 len = ping(0, buf, sizeof(buf));
	uint32_t	 seq;

	for (seq = 0; now() < me.m_until; seq++) {
		wbuf_init(&w, buf, FRAME_DATA_HEADER);
		wbuf_u8(&w, FRAME_DATA);
		wbuf_u32(&w, seq);
		say(buf, len);
		if (seq % n == n - 1)
			(void)poll(NULL, 0, 3000);
	}
	printf("still open\n");
	exit(3);
}

/* A frame of n bytes: a Ping with nothing behind it, or no message at all. */
static void
large(size_t n, int garbage)
{
	uint8_t		 buf[MSG_MAX];
	struct wbuf	 w;
	size_t		 len;

	len = ping(0, buf, sizeof(buf));
	wire_length_set(buf + FRAME_DATA_HEADER, n);
	if (garbage)
		memset(buf + FRAME_DATA_HEADER, 0xee, len - FRAME_DATA_HEADER);
	wbuf_init(&w, buf, FRAME_DATA_HEADER);
	wbuf_u8(&w, FRAME_DATA);
	wbuf_u32(&w, 0);
	wbuf_u8(&w, (uint8_t)(n >> 16));
	wbuf_u16(&w, (uint16_t)n);
	say(buf, len);
}

static void
act(void)
{
	static const uint32_t	 seqs[] = { 0, 5, 3, 3 };
	uint8_t			 buf[MSG_MAX];
	size_t			 i, len;

	if (strcmp(action, "bytes") == 0) {
		len = ping(0, buf, sizeof(buf));
		for (i = 0; i < len; i++)
			say(buf + i, 1);
	} else if (strcmp(action, "type") == 0)
		say("\x4d\0\0\0\0\0\0\0\0", 9);
	else if (strcmp(action, "gaps") == 0) {
		for (i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++)
			say(buf, ping(seqs[i], buf, sizeof(buf)));
	} else if (strcmp(action, "deaf") == 0) {
		me.m_deaf = 1;
		say(buf, ping(0, buf, sizeof(buf)));
	} else if (arg != NULL && strcmp(action, "flood") == 0)
		flood((unsigned)strtoul(arg, NULL, 10));
	else if (arg != NULL && (strcmp(action, "large") == 0 ||
	    strcmp(action, "huge") == 0))
		large(strtoul(arg, NULL, 10), action[0] == 'h');
	else if (arg != NULL && (strcmp(action, "config") == 0 ||
	    strcmp(action, "kind") == 0)) {
		update = 1;
		say(buf, ping(0, buf, sizeof(buf)));
	} else if (strcmp(action, "quiet") != 0)
		usage();
}

int
main(int argc, char **argv)
{
	unsigned long	 port = 6084, seconds = 10;
	int		 ch;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	while ((ch = getopt(argc, argv, "b:c:p:t:")) != -1)
		switch (ch) {
		case 'b':
			bind_to = optarg;
			break;
		case 'c':
			prefix = optarg;
			break;
		case 'p':
			port = strtoul(optarg, NULL, 10);
			break;
		case 't':
			seconds = strtoul(optarg, NULL, 10);
			break;
		default:
			usage();
		}
	if (argc - optind < 2 || port > UINT16_MAX)
		usage();
	action = argv[optind + 1];
	arg = argv[optind + 2];
	me.m_start = now();
	me.m_until = me.m_start + seconds * 1000;
	me.m_tid = me.m_start << 20;
	if (arg != NULL && strcmp(action, "many") == 0)
		many(argv[optind], (uint16_t)port, (unsigned)strtoul(arg, NULL, 10));
	me.m_fd = tcp(argv[optind], (uint16_t)port);
	if (strcmp(action, "tcp") != 0) {
		tls();
		if (prefix != NULL)
			act();
	}
	listen_on();
}
