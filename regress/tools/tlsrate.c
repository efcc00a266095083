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
 * TLS handshakes, one after the other, as a peer outside makes them.
 *
 *   tlsrate -c CERTIFICATE -k KEY -C ROOTS -n COUNT [-r] [-s NAME] ADDR:PORT...
 *	COUNT connections in turn to the addresses, each closed as soon as it
 *	stands.  -r: the first one is whole, the others resume the session that
 *	the one before was given.
 *   tlsrate ... -o COUNT
 *	Open COUNT connections, say so, hold them until stdin ends.
 * Prints "handshakes=N resumed=M seconds=S".
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <netinet/in.h>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SOURCES	120	/* addresses that the connections come from */

static void	 address(const char *, struct sockaddr_in *);
static SSL	*hand(SSL_CTX *, const struct sockaddr_in *, unsigned, SSL_SESSION *);
static void	 ask(SSL *);
static void	 done(SSL *);
static int	 fresh(SSL *, SSL_SESSION *);
static double	 now(void);

static SSL_SESSION	*given;
static char		*name;

static double
now(void)
{
	struct timespec	ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

static void
address(const char *text, struct sockaddr_in *sin)
{
	char	host[64], *colon;

	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	if (strlcpy(host, text, sizeof(host)) >= sizeof(host) ||
	    (colon = strrchr(host, ':')) == NULL)
		errx(2, "%s: not ADDR:PORT", text);
	*colon = '\0';
	sin->sin_port = htons((uint16_t)strtonum(colon + 1, 1, 65535, NULL));
	if (inet_pton(AF_INET, host, &sin->sin_addr) != 1)
		errx(2, "%s: not an address", host);
}

static int
fresh(SSL *ssl, SSL_SESSION *s)
{
	(void)ssl;
	SSL_SESSION_free(given);
	given = s;
	return (1);
}

/* A connection that stands; NULL: refused.  Loopback has addresses enough for
 * every limit that counts them. */
static SSL *
hand(SSL_CTX *ctx, const struct sockaddr_in *to, unsigned n, SSL_SESSION *s)
{
	const struct timeval	patience = { 10, 0 };
	struct sockaddr_in	from;
	SSL			*ssl;
	int			 fd, one = 1;

	memset(&from, 0, sizeof(from));
	from.sin_family = AF_INET;
	from.sin_addr.s_addr = htonl(0x7f5b4000u + 1 + n % SOURCES);	/* 127.91.64.x */
	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1)
		err(1, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) == -1 ||
	    connect(fd, (const struct sockaddr *)to, sizeof(*to)) == -1)
		err(1, "connect");
	if ((ssl = SSL_new(ctx)) == NULL || SSL_set_fd(ssl, fd) != 1)
		errx(1, "SSL_new");
	if (name != NULL)
		(void)SSL_set_tlsext_host_name(ssl, name);
	if (s != NULL)
		(void)SSL_set_session(ssl, s);
	if (SSL_connect(ssl) != 1) {
		ERR_print_errors_fp(stderr);
		errx(1, "handshake %u failed", n);
	}
	return (ssl);
}

/* An OPTIONS and its answer: so the server's last flight has been judged, and
 * tickets that follow it have been read. */
static void
ask(SSL *ssl)
{
	static unsigned	n;
	char		buf[2048];
	size_t		have = 0;
	int		r;

	r = snprintf(buf, sizeof(buf), "OPTIONS sip:%s SIP/2.0\r\n"
	    "Via: SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bKrate%u\r\n"
	    "From: <sip:rate@a.example>;tag=r%u\r\nTo: <sip:%s>\r\nCall-ID: rate%u-%ld\r\n"
	    "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
	    name != NULL ? name : "localhost", n, n, name != NULL ? name : "localhost", n,
	    (long)getpid());
	n++;
	if (SSL_write(ssl, buf, r) != r)
		errx(1, "the connection did not stand");
	for (;;) {
		if ((r = SSL_read(ssl, buf + have, (int)(sizeof(buf) - 1 - have))) <= 0)
			errx(1, "the connection ended");
		have += (size_t)r;
		buf[have] = '\0';
		if (strstr(buf, "\r\n\r\n") != NULL)
			return;
	}
}

static void
done(SSL *ssl)
{
	struct linger	li = { 1, 0 };
	int		fd = SSL_get_fd(ssl);

	SSL_set_quiet_shutdown(ssl, 1);
	(void)SSL_shutdown(ssl);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &li, sizeof(li));
	SSL_free(ssl);
	close(fd);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in	 to;
	const char		*cert = NULL, *key = NULL, *roots = NULL, *why = NULL;
	SSL_CTX			*ctx;
	SSL			*ssl;
	char			 byte;
	unsigned		 i, count = 1000, resumed = 0;
	double			 begun;
	int			 ch, again = 0, hold = 0;

	while ((ch = getopt(argc, argv, "c:k:C:n:o:rs:")) != -1) {
		switch (ch) {
		case 'c':
			cert = optarg;
			break;
		case 'k':
			key = optarg;
			break;
		case 'C':
			roots = optarg;
			break;
		case 'n':
		case 'o':
			hold = ch == 'o';
			count = (unsigned)strtonum(optarg, 1, 1000000, &why);
			if (why != NULL)
				errx(2, "%s: %s", optarg, why);
			break;
		case 'r':
			again = 1;
			break;
		case 's':
			name = optarg;
			break;
		default:
			return (2);
		}
	}
	argc -= optind;
	argv += optind;
	if (argc != 1 || cert == NULL || key == NULL || roots == NULL)
		errx(2, "usage: tlsrate -c CERTIFICATE -k KEY -C ROOTS [-n COUNT] [-o COUNT] "
		    "[-r] [-s NAME] ADDR:PORT");
	address(argv[0], &to);
	if ((ctx = SSL_CTX_new(TLS_client_method())) == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_use_certificate_chain_file(ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_load_verify_locations(ctx, roots, NULL) != 1)
		errx(1, "certificate, key or roots");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (again) {
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
		    SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(ctx, fresh);
	}
	begun = now();
	for (i = 0; i < count; i++) {
		ssl = hand(ctx, &to, i, again ? given : NULL);
		resumed += SSL_session_reused(ssl) == 1;
		ask(ssl);
		if (!hold)
			done(ssl);
	}
	printf("handshakes=%u resumed=%u seconds=%.3f\n", count, resumed, now() - begun);
	fflush(stdout);
	while (hold && read(STDIN_FILENO, &byte, 1) > 0)
		;
	SSL_CTX_free(ctx);
	return (0);
}
