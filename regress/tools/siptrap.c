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
 * A SIP/TLS callee for tests that answers every INVITE the same way and
 * prints what it was sent: for looking at what a box sends outside, and for
 * playing each row of the table of refusals.
 *
 *   siptrap -l ADDR:PORT -c CHAIN -k KEY [-a CA] [-r CODE] [-H HEADER]
 *           [-p CODE] [-d MS] [-s] [-x] [-n COUNT] [-2]
 *
 *   -r  final answer (default 486); -H adds a header to it
 *   -p  provisional answer sent first; -d: MS pass before the final one
 *   -s  no final answer; -x  close the connection on the INVITE
 *   -n  leave after COUNT connections; -2: TLS 1.2 at most
 * Requests go to stdout, each followed by a line of its own, "--".
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char	*finalcode = "486", *provisional, *extra;
static int		 silent, closing, delay;

static void	answer(SSL *, const char *, const char *);
static int	message(SSL *, const char *);
static void	serve(SSL *);

/* Copy the lines of msg that begin with one of our five headers. */
static size_t
echo_headers(const char *msg, char *out, size_t size)
{
	static const char *const want[] = { "Via:", "v:", "From:", "f:",
	    "Call-ID:", "i:", "CSeq:", "Record-Route:", NULL };
	const char	*p, *nl;
	size_t		 len = 0, n;
	int		 i, to;

	for (p = strstr(msg, "\r\n"); p != NULL; p = nl) {
		p += 2;
		if ((nl = strstr(p, "\r\n")) == NULL || nl == p)
			break;
		n = (size_t)(nl - p) + 2;
		to = strncasecmp(p, "To:", 3) == 0 || strncasecmp(p, "t:", 2) == 0;
		for (i = 0; want[i] != NULL; i++)
			if (strncasecmp(p, want[i], strlen(want[i])) == 0)
				break;
		if ((want[i] == NULL && !to) || len + n + 16 >= size)
			continue;
		memcpy(out + len, p, n);
		len += n;
		if (to && memmem(p, n, "tag=", 4) == NULL) {
			memcpy(out + len - 2, ";tag=trap\r\n", 11);
			len += 9;
		}
	}
	out[len] = '\0';
	return (len);
}

static void
answer(SSL *ssl, const char *msg, const char *code)
{
	char	head[8192], out[12000];
	int	n;

	(void)echo_headers(msg, head, sizeof(head));
	n = snprintf(out, sizeof(out), "SIP/2.0 %s Trap\r\n%s%s%s"
	    "Content-Length: 0\r\n\r\n", code, head,
	    extra != NULL && atoi(code) >= 200 ? extra : "",
	    extra != NULL && atoi(code) >= 200 ? "\r\n" : "");
	(void)SSL_write(ssl, out, n);
}

/* One message; -1: close. */
static int
message(SSL *ssl, const char *msg)
{
	printf("%s\n--\n", msg);
	fflush(stdout);
	if (strncmp(msg, "INVITE ", 7) == 0) {
		if (closing)
			return (-1);
		if (provisional != NULL)
			answer(ssl, msg, provisional);
		if (silent)
			return (0);
		if (delay > 0)
			(void)poll(NULL, 0, delay);
		answer(ssl, msg, finalcode);
	} else if (strncmp(msg, "ACK ", 4) != 0 && strncmp(msg, "SIP/2.0", 7) != 0)
		answer(ssl, msg, "200");
	return (0);
}

/* A read may hold several messages, but not a part of one. */
static void
serve(SSL *ssl)
{
	char		 buf[65536], keep;
	const char	*h;
	char		*p, *end;
	int		 n;

	while ((n = SSL_read(ssl, buf, sizeof(buf) - 1)) > 0) {
		buf[n] = '\0';
		for (p = buf; *p != '\0'; p = end) {
			end = buf + n;
			h = strcasestr(p, "\r\nContent-Length:");
			if (strstr(p, "\r\n\r\n") != NULL && h != NULL &&
			    strstr(p, "\r\n\r\n") + 4 + atoi(h + 17) < end)
				end = strstr(p, "\r\n\r\n") + 4 + atoi(h + 17);
			keep = *end;
			*end = '\0';
			if (message(ssl, p) == -1)
				return;
			*end = keep;
		}
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_in	 sin = { .sin_family = AF_INET };
	const char		*chain = NULL, *key = NULL, *ca = NULL;
	char			*colon;
	SSL_CTX			*ctx;
	SSL			*ssl;
	int			 ch, s, c, on = 1, count = -1;
	int			 version = TLS1_3_VERSION;

	while ((ch = getopt(argc, argv, "2a:c:d:H:k:l:n:p:r:sx")) != -1)
		switch (ch) {
		case '2': version = TLS1_2_VERSION; break;
		case 'a': ca = optarg; break;
		case 'c': chain = optarg; break;
		case 'd': delay = (int)strtonum(optarg, 1, 60000, NULL); break;
		case 'H': extra = optarg; break;
		case 'k': key = optarg; break;
		case 'l':
			if ((colon = strrchr(optarg, ':')) == NULL)
				errx(1, "siptrap: %s: not ADDR:PORT", optarg);
			*colon = '\0';
			sin.sin_port = htons((uint16_t)strtonum(colon + 1, 1, 65535, NULL));
			if (inet_pton(AF_INET, optarg, &sin.sin_addr) != 1)
				errx(1, "siptrap: %s: not an address", optarg);
			break;
		case 'n': count = (int)strtonum(optarg, 1, 1000000, NULL); break;
		case 'p': provisional = optarg; break;
		case 'r': finalcode = optarg; break;
		case 's': silent = 1; break;
		case 'x': closing = 1; break;
		default: errx(1, "usage: siptrap -l ADDR:PORT -c CHAIN -k KEY ...");
		}
	if (chain == NULL || key == NULL || sin.sin_port == 0)
		errx(1, "siptrap: -l, -c and -k are needed");
	if ((ctx = SSL_CTX_new(TLS_server_method())) == NULL ||
	    SSL_CTX_set_max_proto_version(ctx, version) != 1 ||
	    SSL_CTX_use_certificate_chain_file(ctx, chain) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		errx(1, "siptrap: %s: %s", chain,
		    ERR_reason_error_string(ERR_peek_last_error()));
	if (ca != NULL) {
		if (SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1)
			errx(1, "siptrap: %s", ca);
		SSL_CTX_set_purpose(ctx, X509_PURPOSE_ANY);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER |
		    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	if ((s = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(s, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(s, 16) == -1)
		err(1, "siptrap: listen");
	signal(SIGPIPE, SIG_IGN);
	while (count == -1 || count-- > 0) {
		if ((c = accept(s, NULL, NULL)) == -1)
			continue;
		if ((ssl = SSL_new(ctx)) == NULL)
			errx(1, "siptrap: SSL_new");
		SSL_set_fd(ssl, c);
		if (SSL_accept(ssl) == 1)
			serve(ssl);
		SSL_free(ssl);
		close(c);
	}
	return (0);
}
