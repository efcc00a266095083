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
 * A flood of mutated SIP messages, the same for the same seed: bits turned,
 * pieces cut, doubled, moved and spliced, numbers blown up, line ends broken.
 *
 *   sipflood -p udp|tcp|tls -d ADDR:PORT [-l ADDR] [-c CERT -k KEY] [-n COUNT]
 *	[-s SEED] [-r RATE]
 *
 *   -l  address to send from; -c, -k: client certificate for tls
 *   -n  messages (20000); -r: at most so many a second, 0 no bound
 * A connection that is closed on us is made again.  Prints what it did; 0 when
 * all were sent.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <arpa/inet.h>
#include <openssl/ssl.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../sipgw/torture.h"
#include "../sipgw/torture_bad.h"
#include "../sipgw/torture_good.h"
#include "../sipgw/torture_ip6.h"
#include "../sipgw/torture_more.h"
#include "net.h"

#define MSG	65536
#define TRIES	200	/* connections refused in a row */
#define SDP	"v=0\no=- 1 1 IN IP4 8.8.8.8\ns=-\nc=IN IP4 8.8.8.8\nt=0 0\n"	\
		"m=audio 4000 RTP/AVP 8\n"
#define HEAD(method)							\
	"Via: SIP/2.0/TLS evil.example:5061;branch=z9hG4bKf10000\nMax-Forwards: 70\n" \
	"From: \"E\" <sip:+12125550150@a.example>;tag=f\n"		\
	"To: <sip:+14085550200@b.example>\nCall-ID: flood@evil.example\n" \
	"CSeq: 1 " method "\nContact: <sip:e@evil.example;transport=tls>\n"
#define LEN	"Content-Type: application/sdp\nContent-Length: @len@\n\n"

static const struct torture plain[] = {
	{ "invite", "", 0, 0, TORTURE_TEXT("INVITE sip:+14085550200@b.example SIP/2.0\n"
	    HEAD("INVITE") "ViPR-Ticket: AAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
	    "Supported: timer, 100rel\nSession-Expires: 1800;refresher=uac\nMin-SE: 90\n"
	    "Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=0\n" LEN SDP) },
	{ "ack", "", 0, 0, TORTURE_TEXT("ACK sip:vq0@b.example;transport=tls SIP/2.0\n"
	    HEAD("ACK") "Route: <sip:AAAA@b.example;transport=tls;lr>\nContent-Length: 0\n\n") },
	{ "cancel", "", 0, 0, TORTURE_TEXT("CANCEL sip:+14085550200@b.example SIP/2.0\n"
	    HEAD("CANCEL") "Reason: SIP;cause=200;text=\"x\"\nContent-Length: 0\n\n") },
	{ "prack", "", 0, 0, TORTURE_TEXT("PRACK sip:+14085550200@b.example SIP/2.0\n"
	    HEAD("PRACK") "RAck: 776656 1 INVITE\nContent-Length: 0\n\n") },
	{ "bye", "", 0, 0, TORTURE_TEXT("BYE sip:vipr-0000000000000001@127.91.2.1 SIP/2.0\n"
	    HEAD("BYE") "Route: <sip:127.91.2.1:5060;lr>\nContent-Length: 0\n\n") },
	{ "options", "", 0, 0, TORTURE_TEXT("OPTIONS sip:b.example SIP/2.0\n"
	    HEAD("OPTIONS") "Accept: application/sdp\nContent-Length: 0\n\n") },
	{ "update", "", 0, 0, TORTURE_TEXT("UPDATE sip:+14085550200@b.example SIP/2.0\n"
	    HEAD("UPDATE") LEN SDP) },
	{ "answer", "", 0, 0, TORTURE_TEXT("SIP/2.0 183 Session Progress\n"
	    HEAD("INVITE") "RSeq: 1\nRequire: 100rel\nRecord-Route: <sip:x;lr>, <sip:y;lr>\n"
	    LEN SDP) },
	{ "refused", "", 0, 0, TORTURE_TEXT("SIP/2.0 503 Service Unavailable\n"
	    HEAD("INVITE") "Retry-After: 10 (a (b) c);duration=3\nViPR-Refusal: busy\n"
	    "Content-Length: 0\n\n") },
};

static uint64_t		 state;
static struct sockaddr_in to, from;
static int		 fd = -1, tls, stream;
static SSL_CTX		*ctx;
static SSL		*ssl;
static uint64_t		 answers, connections, bytes;

static uint64_t	rnd(void);
static size_t	below(size_t);
static size_t	seed_text(char *, size_t);
static size_t	graft(char *, size_t, size_t);
static size_t	mutate(char *, size_t, size_t);
static void	freshen(char *, size_t);
static void	drop(void);
static int	reach(void);
static void	drain(void);
static int	ready(int, short);
static int	out(const char *, size_t);

/* splitmix64 */
static uint64_t
rnd(void)
{
	uint64_t	z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31));
}

static size_t
below(size_t n)
{
	return (n == 0 ? 0 : (size_t)(rnd() % n));
}

static size_t
seed_text(char *out_, size_t size)
{
#define PICK(t)	torture_make(&(t)[below(sizeof(t) / sizeof((t)[0]))], "x.example", out_, size)
	switch (below(8)) {
	case 0:
		return (PICK(torture_good));
	case 1:
		return (PICK(torture_bad));
	case 2:
		return (PICK(torture_more));
	case 3:
		return (PICK(torture_ip6));
	default:
		return (PICK(plain));
	}
#undef PICK
}

/* A piece of another message in place of one of this. */
static size_t
graft(char *p, size_t len, size_t room)
{
	static char	 other[MSG];
	size_t		 n, at = below(len), cut, take, start;

	n = seed_text(other, sizeof(other));
	start = below(n);
	take = 1 + below(n - start < 200 ? n - start : 200);
	cut = below(len - at < 200 ? len - at + 1 : 200);
	if (start + take > n || len - cut + take > room)
		return (len);
	memmove(p + at + take, p + at + cut, len - at - cut);
	memcpy(p + at, other + start, take);
	return (len - cut + take);
}

static size_t
mutate(char *p, size_t len, size_t room)
{
	static const char *const	texts[] = { "\r\n", "\r", "\n", "\r\n ", "\r\n\r\n", ";",
	    ",", "\"", "<", ">", "@", "[", "]", ":", "%00", "%", "\\", "(", "sip:", ";tag=a",
	    ";branch=z9hG4bK", "4294967296", "99999999999999999999", "-1", "\xff\xfe", "\xc0\x80",
	    "Via: ", "Route: <sip:x;lr>\r\n", "Content-Length: 0\r\n", "\t", "  ", "*", "?a=b" };
	const char	*t;
	size_t		 at = below(len), n = 0, i, room_;

	if (len < 2)
		return (len);
	/* Mostly before the body: there the reading is. */
	if (below(4) != 0) {
		for (i = 0; i + 4 < len && memcmp(p + i, "\r\n\r\n", 4) != 0; i++)
			;
		at = below(i + 1);
	}
	switch (below(9)) {
	case 0:
		p[at] = (char)(p[at] ^ (1 << below(8)));
		break;
	case 1:
		p[at] = (char)rnd();
		break;
	case 2:
	case 3:
		t = texts[below(sizeof(texts) / sizeof(texts[0]))];
		n = strlen(t);
		if (len + n > room)
			break;
		memmove(p + at + n, p + at, len - at);
		memcpy(p + at, t, n);
		len += n;
		break;
	case 4:
		n = 1 + below(len - at < 64 ? len - at : 64);
		memmove(p + at, p + at + n, len - at - n);
		len -= n;
		break;
	case 5:		/* doubled, perhaps many times */
		n = 1 + below(len - at < 128 ? len - at : 128);
		room_ = below(16) == 0 ? 300 : 1;
		for (i = 0; i < room_ && len + n <= room; i++) {
			memmove(p + at + n, p + at, len - at);
			len += n;
		}
		break;
	case 6:		/* a long run */
		n = below(32) == 0 ? below(60000) : below(600);
		if (len + n > room)
			break;
		memmove(p + at + n, p + at, len - at);
		memset(p + at, "a0;,\" %\\<"[below(9)], n);
		len += n;
		break;
	case 7:
		len = graft(p, len, room);
		break;
	case 8:
		len = 1 + below(len);
		break;
	}
	return (len);
}

/* Another branch, so that it is no repeat of one before. */
static void
freshen(char *p, size_t len)
{
	char	*b;
	size_t	 i;

	if ((b = memmem(p, len, "z9hG4bK", 7)) == NULL)
		return;
	for (i = (size_t)(b - p) + 7; i < len && i < (size_t)(b - p) + 13 &&
	    ((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= '0' && p[i] <= '9')); i++)
		p[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[below(36)];
}

static void
drop(void)
{
	SSL_free(ssl);
	ssl = NULL;
	if (fd != -1)
		(void)close(fd);
	fd = -1;
}

static int
ready(int s, short events)
{
	struct pollfd	pfd = { s, events, 0 };

	return (poll(&pfd, 1, 5000) == 1);
}

/* A socket or connection to send on.  0 or -1. */
static int
reach(void)
{
	struct linger	hard = { 1, 0 };
	int		on = 1, r, e;

	if (fd != -1)
		return (0);
	if ((fd = socket(AF_INET, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0)) == -1 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) == -1)
		err(1, "socket");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		goto fail;
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	if (!stream)
		return (0);
	/* Many are made: none may linger. */
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	connections++;
	if (!tls)
		return (0);
	if ((ssl = SSL_new(ctx)) == NULL || SSL_set_fd(ssl, fd) != 1)
		errx(1, "SSL_new");
	while ((r = SSL_connect(ssl)) != 1) {
		e = SSL_get_error(ssl, r);
		if ((e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) ||
		    !ready(fd, e == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT))
			goto fail;
	}
	return (0);
fail:
	drop();
	return (-1);
}

/* Read what was answered, or notice the end. */
static void
drain(void)
{
	static char	buf[MSG];
	ssize_t		n;

	for (;;) {
		if (tls) {
			if ((n = SSL_read(ssl, buf, sizeof(buf))) <= 0) {
				if (SSL_get_error(ssl, (int)n) != SSL_ERROR_WANT_READ)
					drop();
				return;
			}
		} else if ((n = recv(fd, buf, sizeof(buf), 0)) <= 0) {
			if (stream && (n == 0 || (errno != EAGAIN && errno != EINTR)))
				drop();
			return;
		}
		answers++;
	}
}

static int
out(const char *p, size_t len)
{
	size_t	done = 0;
	ssize_t	n;
	int	e;

	do {
		if (tls) {
			if ((n = SSL_write(ssl, p + done, (int)(len - done))) <= 0) {
				e = SSL_get_error(ssl, (int)n);
				if (e != SSL_ERROR_WANT_WRITE && e != SSL_ERROR_WANT_READ)
					return (-1);
				n = 0;
				if (!ready(fd, e == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT))
					return (-1);
			}
		} else if ((n = send(fd, p + done, len - done, MSG_NOSIGNAL)) == -1) {
			if (!stream)
				return (errno == EAGAIN && ready(fd, POLLOUT) ? 0 : -1);
			if (errno != EAGAIN || !ready(fd, POLLOUT))
				return (-1);
			n = 0;
		}
		done += (size_t)n;
	} while (done < len);
	bytes += len;
	return (0);
}

int
main(int argc, char **argv)
{
	static char	 msg[MSG];
	const char	*proto = "udp", *cert = NULL, *key = NULL;
	uint64_t	 count = 20000, rate = 0, i;
	long		 start, ahead;
	size_t		 len, n;
	int		 ch, tries = 0;

	state = 1;
	from.sin_family = AF_INET;
	while ((ch = getopt(argc, argv, "c:d:k:l:n:p:r:s:")) != -1) {
		switch (ch) {
		case 'c': cert = optarg; break;
		case 'd': address(optarg, 0, &to); break;
		case 'k': key = optarg; break;
		case 'l': address(optarg, 0, &from); break;
		case 'n': count = strtoull(optarg, NULL, 10); break;
		case 'p': proto = optarg; break;
		case 'r': rate = strtoull(optarg, NULL, 10); break;
		case 's': state = strtoull(optarg, NULL, 10); break;
		default:
			errx(1, "usage: sipflood -p udp|tcp|tls -d ADDR:PORT [-l ADDR] "
			    "[-c CERT -k KEY] [-n COUNT] [-s SEED] [-r RATE]");
		}
	}
	stream = strcmp(proto, "udp") != 0;
	tls = strcmp(proto, "tls") == 0;
	(void)signal(SIGPIPE, SIG_IGN);
	if (tls && ((ctx = SSL_CTX_new(TLS_client_method())) == NULL || (cert != NULL &&
	    (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1))))
		errx(1, "%s: no certificate", cert);
	start = now_ms();
	for (i = 0; i < count;) {
		if (reach() == -1) {
			if (++tries == TRIES)
				errx(1, "%d times no connection, after %llu messages", tries,
				    (unsigned long long)i);
			(void)poll(NULL, 0, 10);
			continue;
		}
		tries = 0;
		len = seed_text(msg, sizeof(msg));
		if (below(2) == 0)
			freshen(msg, len);
		for (n = below(4); n > 0; n--)
			len = mutate(msg, len, stream ? sizeof(msg) : 60000);
		i++;
		if (out(msg, len) == -1 && stream)
			drop();
		else
			drain();
		ahead = rate == 0 ? 0 : start + (long)(i * 1000 / rate);
		if (ahead > now_ms())
			(void)poll(NULL, 0, (int)(ahead - now_ms()));
	}
	start = now_ms() - start;
	printf("flood: proto=%s messages=%llu bytes=%llu connections=%llu answers=%llu "
	    "ms=%llu per_s=%llu\n", proto, (unsigned long long)count,
	    (unsigned long long)bytes, (unsigned long long)connections,
	    (unsigned long long)answers, (unsigned long long)start,
	    (unsigned long long)count * 1000 / (unsigned long long)(start + !start));
	drop();
	return (0);
}
