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
 * The caller's wait, finer than sipp tells it: calls one after the other over
 * UDP, each answered and ended at once.
 *
 *   sipprobe -l ADDR:PORT -d ADDR:PORT -n CALLS -w MS NUMBER COUNT
 *
 * NUMBER and those after it, COUNT of them, are called in turn, MS between two
 * calls.  Prints "calls=N p50_us=N p99_us=N": from the INVITE to its 200.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <arpa/inet.h>

#include <err.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "net.h"

#define MSG	8192
#define WAIT_MS	2000	/* for an answer; a call without one is left out */

#define SDP	"v=0\r\no=phone 1 1 IN IP4 198.51.100.1\r\ns=-\r\n"			\
		"c=IN IP4 198.51.100.1\r\nt=0 0\r\nm=audio 6000 RTP/SAVP 0\r\n"	\
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 "				\
		"inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"

static uint64_t	 now_us(void);
static int	 await(const char *, unsigned, char *);
static size_t	 routes(const char *, char *, size_t);
static int	 header(const char *, const char *, char *, size_t);
static void	 transmit(const char *);
static int64_t	 call(long long, unsigned);
static int	 cmp(const void *, const void *);

static struct sockaddr_in	here, there;
static char			local[64], remote[64];
static int			fd;

static uint64_t
now_us(void)
{
	struct timespec	ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000);
}

static void
transmit(const char *msg)
{
	if (sendto(fd, msg, strlen(msg), 0, (struct sockaddr *)&there, sizeof(there)) == -1)
		err(1, "sendto");
}

/* The final answer to a method of call i: 0, or -1: none came. */
static int
await(const char *method, unsigned i, char *msg)
{
	struct pollfd	pfd = { .fd = fd, .events = POLLIN };
	char		id[32], cseq[32];
	uint64_t	end = now_us() + WAIT_MS * 1000u;
	ssize_t		n;

	(void)snprintf(id, sizeof(id), "\r\nCall-ID: probe%u-%ld\r\n", i, (long)getpid());
	(void)snprintf(cseq, sizeof(cseq), " %s\r\n", method);
	while (now_us() < end) {
		if (poll(&pfd, 1, WAIT_MS) != 1 || (n = recv(fd, msg, MSG - 1, 0)) <= 0)
			continue;
		msg[n] = '\0';
		if (strncmp(msg, "SIP/2.0 ", 8) != 0 || msg[8] == '1' ||
		    strstr(msg, id) == NULL || strstr(msg, cseq) == NULL)
			continue;
		return (0);
	}
	return (-1);
}

/* Value of the first line of that name. */
static int
header(const char *msg, const char *name, char *out, size_t size)
{
	char	 line[32];
	const char *p;

	(void)snprintf(line, sizeof(line), "\r\n%s: ", name);
	if ((p = strstr(msg, line)) == NULL)
		return (-1);
	p += strlen(line);
	return (snprintf(out, size, "%.*s", (int)strcspn(p, "\r"), p) < (int)size ? 0 : -1);
}

/* The Record-Routes as Routes, the last one first. */
static size_t
routes(const char *msg, char *out, size_t size)
{
	const char	*p, *lines[16];
	size_t		 n = 0, len = 0;

	out[0] = '\0';
	for (p = msg; n < 16 && (p = strstr(p, "\r\nRecord-Route: ")) != NULL; p += 2)
		lines[n++] = p + 16;
	while (n-- > 0)
		len += (size_t)snprintf(out + len, size - len, "Route: %.*s\r\n",
		    (int)strcspn(lines[n], "\r"), lines[n]);
	return (len);
}

/* Microseconds from INVITE to 200, -1: there was none. */
static int64_t
call(long long number, unsigned i)
{
	char		msg[MSG], answer[MSG], route[2048], to[512], contact[512], *uri;
	uint64_t	begun, took;
	unsigned	k;

	(void)snprintf(msg, sizeof(msg), "INVITE sip:+%lld@%s SIP/2.0\r\n"
	    "Via: SIP/2.0/UDP %s;branch=z9hG4bKprobe%u-%ld;rport\r\n"
	    "From: <sip:+12125550150@%s>;tag=probe%u\r\nTo: <sip:+%lld@%s>\r\n"
	    "Call-ID: probe%u-%ld\r\nCSeq: 1 INVITE\r\nContact: <sip:probe@%s>\r\n"
	    "Max-Forwards: 70\r\nContent-Type: application/sdp\r\n"
	    "Content-Length: %zu\r\n\r\n" SDP, number, remote, local, i, (long)getpid(),
	    local, i, number, remote, i, (long)getpid(), local, strlen(SDP));
	begun = now_us();
	transmit(msg);
	if (await("INVITE", i, answer) == -1)
		return (-1);
	took = now_us() - begun;
	if (strncmp(answer, "SIP/2.0 2", 9) != 0 ||
	    header(answer, "To", to, sizeof(to)) == -1 ||
	    header(answer, "Contact", contact, sizeof(contact)) == -1 ||
	    (uri = strchr(contact, '<')) == NULL)
		return (-1);
	uri++;
	uri[strcspn(uri, ">")] = '\0';
	(void)routes(answer, route, sizeof(route));
	for (k = 0; k < 2; k++) {
		(void)snprintf(msg, sizeof(msg), "%s %s SIP/2.0\r\n"
		    "Via: SIP/2.0/UDP %s;branch=z9hG4bKprobe%u-%ld-%u;rport\r\n%s"
		    "From: <sip:+12125550150@%s>;tag=probe%u\r\nTo: %s\r\n"
		    "Call-ID: probe%u-%ld\r\nCSeq: %u %s\r\nMax-Forwards: 70\r\n"
		    "Content-Length: 0\r\n\r\n", k == 0 ? "ACK" : "BYE", uri, local, i,
		    (long)getpid(), k, route, local, i, to, i, (long)getpid(), k + 1,
		    k == 0 ? "ACK" : "BYE");
		transmit(msg);
	}
	(void)await("BYE", i, answer);
	return ((int64_t)took);
}

static int
cmp(const void *a, const void *b)
{
	const int64_t	*x = a, *y = b;

	return (*x < *y ? -1 : *x > *y);
}

int
main(int argc, char **argv)
{
	const char	*why = NULL;
	struct timespec	 pause;
	int64_t		*us, took;
	long long	 number, count = 1;
	unsigned	 i, calls = 100, n = 0, wait = 20;
	int		 ch;

	while ((ch = getopt(argc, argv, "d:l:n:w:")) != -1) {
		switch (ch) {
		case 'd':
			address(optarg, -1, &there);
			(void)strlcpy(remote, optarg, sizeof(remote));
			break;
		case 'l':
			address(optarg, -1, &here);
			(void)strlcpy(local, optarg, sizeof(local));
			break;
		case 'n':
			calls = (unsigned)strtonum(optarg, 1, 1000000, &why);
			break;
		case 'w':
			wait = (unsigned)strtonum(optarg, 0, 999, &why);
			break;
		default:
			return (2);
		}
		if (why != NULL)
			errx(2, "%s: %s", optarg, why);
	}
	argc -= optind;
	argv += optind;
	if (argc != 2 || local[0] == '\0' || remote[0] == '\0')
		errx(2, "usage: sipprobe -l ADDR:PORT -d ADDR:PORT [-n CALLS] [-w MS] NUMBER COUNT");
	number = strtonum(argv[0] + (argv[0][0] == '+'), 1, 999999999999999LL, &why);
	if (why == NULL)
		count = strtonum(argv[1], 1, 1000000, &why);
	if (why != NULL)
		errx(2, "NUMBER COUNT: %s", why);
	if ((us = calloc(calls, sizeof(*us))) == NULL)
		err(1, NULL);
	if ((fd = socket(AF_INET, SOCK_DGRAM, 0)) == -1 ||
	    bind(fd, (struct sockaddr *)&here, sizeof(here)) == -1)
		err(1, "%s", local);
	pause.tv_sec = 0;
	pause.tv_nsec = (long)wait * 1000000;
	for (i = 0; i < calls; i++) {
		if ((took = call(number + i % count, i)) >= 0)
			us[n++] = took;
		(void)nanosleep(&pause, NULL);
	}
	if (n == 0)
		errx(1, "no call was answered");
	qsort(us, n, sizeof(*us), cmp);
	printf("calls=%u p50_us=%lld p99_us=%lld\n", n, (long long)us[(n - 1) / 2],
	    (long long)us[(n - 1) * 99 / 100]);
	free(us);
	return (0);
}
