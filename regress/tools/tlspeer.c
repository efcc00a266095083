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
 * tlspeer: a peer of the border with many certificates and little manners, for
 * tests and measurements.
 *
 *   tlspeer -C ca.pem -K ca.key [-n COUNT] [-f FROM] ADDRESS:PORT MODE
 *
 * Certificates are made under the CA, p0.example, p1.example and so on, 16
 * connections each; connections come from FROM.X.Y (default 127.92), 16 an
 * address.  Modes:
 *
 *   hold    open COUNT connections, an OPTIONS on each, say "ready COUNT" and
 *           hold them until the input ends; then say how many still live
 *   shake   COUNT whole handshakes one after the other, an OPTIONS on each
 *   resume  the same, resumed where the peer does; says how many were
 *   ask     COUNT OPTIONS on one connection: what of the figures of the two
 *           before is the OPTIONS; the rest is accept, handshake and close
 *   mute    COUNT TCP connections that never say anything
 *   slow    COUNT TLS connections that send a byte a second
 *   pipe    COUNT connections that send OPTIONS and never read
 *
 * The last three wait until the peer has closed all of them, and say how many
 * milliseconds the first and the last of them lived.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COUNT_MAX	4096
#define A_NAME		16		/* connections of one certificate */
#define TIMEOUT_MS	20000

struct peer {
	int		 pe_fd;
	SSL		*pe_ssl;
	uint64_t	 pe_since;
	size_t		 pe_sent;
	int		 pe_dead;
};

static struct peer	 peers[COUNT_MAX];
static SSL_CTX		*ctxs[COUNT_MAX / A_NAME];
static X509		*ca_cert;
static EVP_PKEY		*ca_key;
static struct sockaddr_in to;
static const char	*from = "127.92";
static unsigned		 count = 1;
static SSL_SESSION	*session;
static int		 resuming;

static uint64_t	 now_ms(void);
static SSL_CTX	*context(unsigned);
static int	 keep_session(SSL *, SSL_SESSION *);
static int	 dial(unsigned);
static void	 shake(struct peer *, unsigned);
static int	 options(struct peer *, unsigned);
static void	 hang_up(struct peer *);
static size_t	 message(char *, size_t, unsigned);
static int	 lives(struct peer *);
static void	 mode_hold(void);
static void	 mode_shake(int);
static void	 mode_ask(void);
static void	 mode_until(void (*)(struct peer *, unsigned));
static void	 slow_byte(struct peer *, unsigned);
static void	 pipe_more(struct peer *, unsigned);
static void	 read_ca(const char *, const char *);

static uint64_t
now_ms(void)
{
	struct timespec	 ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		err(1, "clock");
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

/* RFC 8446, 4.6.1: tickets come behind the handshake.  The newest is kept. */
static int
keep_session(SSL *ssl, SSL_SESSION *ss)
{
	(void)ssl;
	SSL_SESSION_free(session);
	if ((session = SSL_SESSION_dup(ss)) == NULL)
		errx(1, "session");
	/* 0: OpenSSL keeps its own. */
	return (0);
}

static SSL_CTX *
context(unsigned i)
{
	X509_EXTENSION	*ext;
	EVP_PKEY	*key;
	SSL_CTX		*ctx;
	X509		*x;
	char		 san[64];

	if ((key = EVP_EC_gen("P-256")) == NULL || (x = X509_new()) == NULL ||
	    (ctx = SSL_CTX_new(TLS_client_method())) == NULL)
		errx(1, "certificate");
	(void)X509_set_version(x, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(x), (long)i + 1000);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	(void)X509_set_issuer_name(x, X509_get_subject_name(ca_cert));
	(void)X509_set_pubkey(x, key);
	(void)snprintf(san, sizeof(san), "DNS:p%u.example", i);
	if ((ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san)) == NULL ||
	    X509_add_ext(x, ext, -1) != 1 || X509_sign(x, ca_key, EVP_sha256()) == 0 ||
	    SSL_CTX_use_certificate(ctx, x) != 1 || SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1)
		errx(1, "certificate");
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, keep_session);
	X509_EXTENSION_free(ext);
	X509_free(x);
	EVP_PKEY_free(key);
	return (ctx);
}

static int
dial(unsigned i)
{
	struct sockaddr_in	 sin;
	char			 text[64];
	int			 fd, on = 1;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	(void)snprintf(text, sizeof(text), "%s.%u.%u", from, i / A_NAME / 200,
	    1 + i / A_NAME % 200);
	if (inet_pton(AF_INET, text, &sin.sin_addr) != 1)
		errx(1, "%s: not an address", text);
	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		err(1, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		err(1, "%s", text);
	return (fd);
}

static void
shake(struct peer *pe, unsigned i)
{
	unsigned	 n = i / A_NAME;

	pe->pe_fd = dial(i);
	pe->pe_since = now_ms();
	if (ctxs[n] == NULL)
		ctxs[n] = context(n);
	if ((pe->pe_ssl = SSL_new(ctxs[n])) == NULL || SSL_set_fd(pe->pe_ssl, pe->pe_fd) != 1)
		errx(1, "TLS");
	if (resuming && session != NULL && SSL_set_session(pe->pe_ssl, session) != 1)
		errx(1, "session");
	if (SSL_connect(pe->pe_ssl) != 1)
		errx(1, "connection %u: handshake: %s", i,
		    ERR_reason_error_string(ERR_peek_error()));
}

static size_t
message(char *buf, size_t size, unsigned i)
{
	static unsigned	 n;
	int		 len;

	n++;
	len = snprintf(buf, size, "OPTIONS sip:p SIP/2.0\r\n"
	    "Via: SIP/2.0/TLS p.example;branch=z9hG4bK%u.%u\r\nMax-Forwards: 70\r\n"
	    "From: <sip:p@p.example>;tag=%u\r\nTo: <sip:p>\r\nCall-ID: %u.%u.%ld\r\n"
	    "CSeq: %u OPTIONS\r\nContent-Length: 0\r\n\r\n", i, n, i + 1, i, n,
	    (long)getpid(), n);
	return ((size_t)len);
}

/* 0: answered. */
static int
options(struct peer *pe, unsigned i)
{
	char	 buf[4096];
	size_t	 len = message(buf, sizeof(buf), i);
	int	 n;

	if (SSL_write(pe->pe_ssl, buf, (int)len) <= 0 ||
	    (n = SSL_read(pe->pe_ssl, buf, sizeof(buf) - 1)) <= 0)
		return (-1);
	buf[n] = '\0';
	return (strncmp(buf, "SIP/2.0 200 ", 12) == 0 ? 0 : -1);
}

static void
hang_up(struct peer *pe)
{
	if (pe->pe_ssl != NULL)
		(void)SSL_shutdown(pe->pe_ssl);
	SSL_free(pe->pe_ssl);
	(void)close(pe->pe_fd);
	memset(pe, 0, sizeof(*pe));
}

/* Has the other end closed?  What it says is thrown away, but for pipe, which
 * reads nothing and learns it from the socket's state. */
static int
lives(struct peer *pe)
{
	struct pollfd	 pfd = { pe->pe_fd, POLLRDHUP, 0 };

	return (poll(&pfd, 1, 0) == 0 ||
	    (pfd.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0);
}

static void
mode_hold(void)
{
	unsigned	 i, alive = 0;
	char		 c;

	for (i = 0; i < count; i++) {
		shake(&peers[i], i);
		if (options(&peers[i], i) == -1)
			errx(1, "connection %u: no answer", i);
	}
	printf("ready %u\n", count);
	(void)fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	for (i = 0; i < count; i++)
		alive += options(&peers[i], i) == 0;
	printf("alive %u\n", alive);
}

static void
mode_shake(int resume)
{
	struct peer	*pe = &peers[0];
	unsigned	 i, resumed = 0;

	resuming = resume;
	for (i = 0; i < count + (resume != 0); i++) {
		shake(pe, 0);
		resumed += SSL_session_reused(pe->pe_ssl) == 1;
		if (options(pe, i) == -1)
			errx(1, "handshake %u: no answer", i);
		hang_up(pe);
	}
	printf("done %u resumed %u\n", count, resumed);
}

static void
mode_ask(void)
{
	struct peer	*pe = &peers[0];
	unsigned	 i;

	shake(pe, 0);
	for (i = 0; i < count; i++)
		if (options(pe, i) == -1)
			errx(1, "OPTIONS %u: no answer", i);
	hang_up(pe);
	printf("asked %u\n", count);
}

static void
slow_byte(struct peer *pe, unsigned i)
{
	static char	 buf[4096];
	static size_t	 len;

	if (len == 0)
		len = message(buf, sizeof(buf), i);
	if (now_ms() - pe->pe_since < 1000 * pe->pe_sent || pe->pe_sent == len)
		return;
	(void)SSL_write(pe->pe_ssl, buf + pe->pe_sent++, 1);
	ERR_clear_error();
}

static void
pipe_more(struct peer *pe, unsigned i)
{
	char	 buf[4096];
	size_t	 len;
	int	 n;

	for (n = 0; n < 50; n++) {
		len = message(buf, sizeof(buf), i);
		if (SSL_write(pe->pe_ssl, buf, (int)len) <= 0)
			break;
		pe->pe_sent++;
	}
	ERR_clear_error();
}

/* Go on until the peer has had enough of each. */
static void
mode_until(void (*more)(struct peer *, unsigned))
{
	uint64_t	 start = now_ms(), first = 0, last = 0;
	unsigned	 i, left = count;

	for (i = 0; i < count; i++) {
		if (more == NULL) {
			peers[i].pe_fd = dial(i);
			peers[i].pe_since = now_ms();
			continue;
		}
		shake(&peers[i], i);
		if (fcntl(peers[i].pe_fd, F_SETFL, O_NONBLOCK) == -1)
			err(1, "fcntl");
		(void)SSL_set_mode(peers[i].pe_ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
		    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	}
	while (left > 0) {
		if (now_ms() - start > TIMEOUT_MS)
			errx(1, "%u of %u connections live on", left, count);
		for (i = 0; i < count; i++) {
			if (peers[i].pe_dead)
				continue;
			if (lives(&peers[i])) {
				if (more != NULL)
					more(&peers[i], i);
				continue;
			}
			peers[i].pe_dead = 1;
			left--;
			last = now_ms() - peers[i].pe_since;
			if (first == 0)
				first = last;
		}
		(void)poll(NULL, 0, 20);
	}
	printf("closed %u after %llu to %llu ms\n", count, (unsigned long long)first,
	    (unsigned long long)last);
}

static void
read_ca(const char *cert, const char *key)
{
	FILE	*fp;

	if ((fp = fopen(cert, "r")) == NULL ||
	    (ca_cert = PEM_read_X509(fp, NULL, NULL, NULL)) == NULL)
		errx(1, "%s: no certificate", cert);
	(void)fclose(fp);
	if ((fp = fopen(key, "r")) == NULL ||
	    (ca_key = PEM_read_PrivateKey(fp, NULL, NULL, NULL)) == NULL)
		errx(1, "%s: no key", key);
	(void)fclose(fp);
}

int
main(int argc, char **argv)
{
	const char	*cert = NULL, *key = NULL, *why = NULL;
	char		*colon;
	int		 ch;

	while ((ch = getopt(argc, argv, "C:K:f:n:")) != -1) {
		switch (ch) {
		case 'C':
			cert = optarg;
			break;
		case 'K':
			key = optarg;
			break;
		case 'f':
			from = optarg;
			break;
		case 'n':
			count = (unsigned)strtonum(optarg, 1, COUNT_MAX, &why);
			if (why != NULL)
				errx(1, "-n %s: %s", optarg, why);
			break;
		default:
			return (1);
		}
	}
	argc -= optind;
	argv += optind;
	if (argc != 2 || cert == NULL || key == NULL ||
	    (colon = strrchr(argv[0], ':')) == NULL)
		errx(1, "usage: tlspeer -C ca.pem -K ca.key [-n count] [-f from] "
		    "address:port mode");
	*colon = '\0';
	to.sin_family = AF_INET;
	to.sin_port = htons((uint16_t)strtonum(colon + 1, 1, 65535, &why));
	if (why != NULL || inet_pton(AF_INET, argv[0], &to.sin_addr) != 1)
		errx(1, "expected ADDRESS:PORT");
	(void)signal(SIGPIPE, SIG_IGN);
	read_ca(cert, key);
	if (strcmp(argv[1], "hold") == 0)
		mode_hold();
	else if (strcmp(argv[1], "shake") == 0)
		mode_shake(0);
	else if (strcmp(argv[1], "resume") == 0)
		mode_shake(1);
	else if (strcmp(argv[1], "ask") == 0)
		mode_ask();
	else if (strcmp(argv[1], "mute") == 0)
		mode_until(NULL);
	else if (strcmp(argv[1], "slow") == 0)
		mode_until(slow_byte);
	else if (strcmp(argv[1], "pipe") == 0)
		mode_until(pipe_more);
	else
		errx(1, "%s: no such mode", argv[1]);
	return (0);
}
