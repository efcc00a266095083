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
 * The torture messages of RFC 4475 and RFC 5118 against a real sipgw: this is
 * its PBX and its trunk at once.
 *
 *   siptorture -d ADDR:PORT -l PBX -t TRUNK:PORT [-p udp|tcp|bytes]
 *
 *   -p  bytes: TCP, and each byte a segment of its own
 *
 * Each message is followed by an OPTIONS to sipgw itself, whose answer says
 * that all before it is done with.  A line a message, then one that counts;
 * 0 when every one led to what it must.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <arpa/inet.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../sipgw/torture.h"
#include "../sipgw/torture_bad.h"
#include "../sipgw/torture_good.h"
#include "../sipgw/torture_ip6.h"
#include "../sipgw/torture_more.h"
#include "net.h"

#define MSG	65536
#define PATIENCE 10000	/* ms for an answer */

/* Ports that Vias of the messages name: answers to a datagram go there. */
static const int	ports[] = { 5060, 5050, 6050, 19823, 5070 };
#define NPORTS	(sizeof(ports) / sizeof(ports[0]))

static struct sockaddr_in daemon_at, pbx_at, trunk_at;
static int		 pbx[NPORTS], trunk, tcp, bytes;
static char		 trunk_name[64];

static int	udp(const struct sockaddr_in *, int);
static void	visible(char *, size_t);
static void	call_id(const char *, char *, size_t);
static size_t	insert(char *, size_t, size_t, const char *);
static size_t	unique(const struct torture *, char *, size_t, unsigned);
static void	refuse(const char *, const struct sockaddr_in *);
static int	at_trunk(const char *);
static int	answer(const char *, const char *);
static size_t	probe(char *, size_t, const char *);
static int	by_udp(const char *, size_t, const char *, unsigned);
static int	by_tcp(const char *, size_t, const char *, unsigned, int);
static const char *what(int);

static int
udp(const struct sockaddr_in *at, int port)
{
	struct sockaddr_in	sin = *at;
	int			fd;

	if (port != 0)
		sin.sin_port = htons((uint16_t)port);
	if ((fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		err(1, "port %d", ntohs(sin.sin_port));
	return (fd);
}

/* NULs become something that text functions pass over. */
static void
visible(char *p, size_t len)
{
	size_t	i;

	for (i = 0; i < len; i++)
		if (p[i] == '\0')
			p[i] = '?';
	p[len] = '\0';
}

/* "" when there is none. */
static void
call_id(const char *msg, char *out, size_t size)
{
	const char	*p, *end;

	out[0] = '\0';
	for (p = strstr(msg, "\r\n"); p != NULL; p = strstr(p, "\r\n")) {
		p += 2;
		if (strncmp(p, "\r\n", 2) == 0)
			return;
		if (strncasecmp(p, "Call-ID:", 8) != 0 && strncasecmp(p, "i:", 2) != 0)
			continue;
		p = strchr(p, ':') + 1;
		p += strspn(p, " \t");
		if ((end = strstr(p, "\r\n")) != NULL)
			(void)snprintf(out, size, "%.*s", (int)(end - p), p);
		return;
	}
}

static size_t
insert(char *msg, size_t len, size_t at, const char *tag)
{
	size_t	n = strlen(tag);

	memmove(msg + at + n, msg + at, len - at + 1);
	memcpy(msg + at, tag, n);
	return (len + n);
}

/* Several share their branch; to sipgw that would be the same one again. */
static size_t
unique(const struct torture *to, char *msg, size_t len, unsigned n)
{
	static char	 text[MSG];
	const char	*p, *end;
	char		 tag[32];
	size_t		 at;

	(void)snprintf(tag, sizeof(tag), "%s%u.", bytes ? "b" : tcp ? "t" : "u", n);
	memcpy(text, msg, len);
	visible(text, len);
	end = strstr(text, "\r\n\r\n");
	if (strcmp(to->to_name, "badbranch") != 0 &&
	    (p = strstr(text, "z9hG4bK")) != NULL && p < end)
		len = insert(msg, len, (size_t)(p - text) + 7, tag);
	memcpy(text, msg, len);
	visible(text, len);
	for (p = strstr(text, "\r\n"); p != NULL && (end = strstr(p + 2, "\r\n")) != p + 2;
	    p = end) {
		if (end == NULL)
			break;
		if (strncasecmp(p + 2, "Call-ID:", 8) != 0 && strncasecmp(p + 2, "i:", 2) != 0)
			continue;
		at = (size_t)(strchr(p, ':') + 1 - text);
		at += strspn(text + at, " \t");
		return (insert(msg, len, at, tag));
	}
	return (len);
}

/* 603 from the trunk, so that nothing is repeated for long. */
static void
refuse(const char *req, const struct sockaddr_in *to)
{
	static const char *const	want[] = { "via", "v", "from", "f", "to", "t",
	    "call-id", "i", "cseq" };
	static char	 out[MSG];
	const char	*p, *end;
	size_t		 i, n;

	n = (size_t)snprintf(out, sizeof(out), "SIP/2.0 603 Decline\r\n");
	for (p = strstr(req, "\r\n"); p != NULL; p = end) {
		p += 2;
		if ((end = strstr(p, "\r\n")) == NULL || end == p)
			break;
		for (i = 0; i < sizeof(want) / sizeof(want[0]); i++)
			if (strncasecmp(p, want[i], strlen(want[i])) == 0 &&
			    p[strlen(want[i])] == ':')
				break;
		if (i == sizeof(want) / sizeof(want[0]) ||
		    n + (size_t)(end - p) + 64 > sizeof(out))
			continue;
		memcpy(out + n, p, (size_t)(end - p) + 2);
		n += (size_t)(end - p) + 2;
	}
	n += (size_t)snprintf(out + n, sizeof(out) - n, "Content-Length: 0\r\n\r\n");
	(void)sendto(trunk, out, n, 0, (const struct sockaddr *)to, sizeof(*to));
}

/* Did the message with that Call-ID come to the trunk? */
static int
at_trunk(const char *id)
{
	static char		 buf[MSG];
	struct sockaddr_in	 from;
	socklen_t		 len = sizeof(from);
	ssize_t			 n;
	char			 got[512];
	int			 found = 0;

	while ((n = recvfrom(trunk, buf, sizeof(buf) - 1, MSG_DONTWAIT,
	    (struct sockaddr *)&from, &len)) > 0) {
		visible(buf, (size_t)n);
		call_id(buf, got, sizeof(got));
		if (strcmp(got, id) == 0 && strncmp(buf, "ACK ", 4) != 0)
			found = 1;
		if (strncmp(buf, "ACK ", 4) != 0)
			refuse(buf, &from);
	}
	return (found);
}

/* Status of a message if it is a final answer with that Call-ID, else 0. */
static int
answer(const char *buf, const char *id)
{
	char	got[512];

	call_id(buf, got, sizeof(got));
	if (strncmp(buf, "SIP/2.0 ", 8) != 0 || strcmp(got, id) != 0 || atoi(buf + 8) < 200)
		return (0);
	return (atoi(buf + 8));
}

static size_t
probe(char *out, size_t size, const char *id)
{
	char	host[64];

	(void)inet_ntop(AF_INET, &daemon_at.sin_addr, host, sizeof(host));
	return ((size_t)snprintf(out, size, "OPTIONS sip:%s SIP/2.0\r\n"
	    "Via: SIP/2.0/%s 192.0.2.77;rport;branch=z9hG4bK%s\r\n"
	    "From: <sip:p@example.com>;tag=p\r\nTo: <sip:p@example.com>\r\n"
	    "Call-ID: %s\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n"
	    "Content-Length: 0\r\n\r\n", host, tcp ? "TCP" : "UDP", id, id));
}

static int
by_udp(const char *msg, size_t len, const char *id, unsigned n)
{
	static char	 buf[MSG];
	struct pollfd	 pfd[NPORTS];
	char		 text[1024], mine[32];
	size_t		 i;
	ssize_t		 got;
	int		 status = TORTURE_DROP;

	(void)snprintf(mine, sizeof(mine), "probe%s%u.", bytes ? "b" : tcp ? "t" : "u", n);
	(void)sendto(pbx[0], msg, len, 0, (struct sockaddr *)&daemon_at, sizeof(daemon_at));
	len = probe(text, sizeof(text), mine);
	(void)sendto(pbx[0], text, len, 0, (struct sockaddr *)&daemon_at, sizeof(daemon_at));
	for (;;) {
		for (i = 0; i < NPORTS; i++) {
			pfd[i].fd = pbx[i];
			pfd[i].events = POLLIN;
		}
		if (poll(pfd, NPORTS, PATIENCE) <= 0)
			errx(1, "no answer to OPTIONS %u", n);
		/* The probe's port last: what it says is after the others. */
		for (i = NPORTS; i-- > 0;) {
			while ((got = recv(pbx[i], buf, sizeof(buf) - 1, MSG_DONTWAIT)) > 0) {
				visible(buf, (size_t)got);
				if (answer(buf, mine) != 0)
					return (at_trunk(id) ? TORTURE_FWD : status);
				if (answer(buf, id) != 0)
					status = answer(buf, id);
			}
		}
	}
}

static int
by_tcp(const char *msg, size_t len, const char *id, unsigned n, int want)
{
	static char	 buf[MSG];
	struct pollfd	 pfd;
	char		 text[1024], mine[32], *p;
	size_t		 have = 0, i, step = bytes ? 1 : len;
	ssize_t		 got;
	int		 fd, on = 1, status = TORTURE_DROP;
	struct sockaddr_in sin = pbx_at;

	sin.sin_port = 0;
	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    connect(fd, (struct sockaddr *)&daemon_at, sizeof(daemon_at)) == -1)
		err(1, "connect");
	(void)snprintf(mine, sizeof(mine), "probe%s%u.", bytes ? "b" : tcp ? "t" : "u", n);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* A message that cannot go on is answered, and closed, before its end. */
	for (i = 0; i < len; i += step)
		if (send(fd, msg + i, step, MSG_NOSIGNAL) != (ssize_t)step)
			break;
	if (want == TORTURE_WAIT) {
		(void)close(fd);
		return (at_trunk(id) ? TORTURE_FWD : TORTURE_WAIT);
	}
	len = probe(text, sizeof(text), mine);
	(void)send(fd, text, len, MSG_NOSIGNAL);
	pfd.fd = fd;
	pfd.events = POLLIN;
	buf[0] = '\0';
	for (;;) {
		if (poll(&pfd, 1, PATIENCE) <= 0)
			errx(1, "no answer to OPTIONS %u", n);
		if ((got = recv(fd, buf + have, sizeof(buf) - have - 1, 0)) <= 0)
			break;
		have += (size_t)got;
		visible(buf, have);
		if (strstr(buf, mine) != NULL)
			break;
	}
	(void)close(fd);
	for (p = buf; p != NULL && *p != '\0'; p = strstr(p + 1, "SIP/2.0 "))
		if ((p == buf || p[-1] == '\n') && answer(p, id) != 0)
			status = answer(p, id);
	return (at_trunk(id) ? TORTURE_FWD : status);
}

static const char *
what(int to)
{
	static char	text[32];

	if (to == TORTURE_FWD)
		return ("handed on");
	if (to == TORTURE_DROP)
		return ("dropped");
	if (to == TORTURE_WAIT)
		return ("waited for");
	(void)snprintf(text, sizeof(text), "answered %d", to);
	return (text);
}

int
main(int argc, char **argv)
{
	static const struct {
		const struct torture	*table;
		size_t			 n;
	} all[] = {
		{ torture_good, sizeof(torture_good) / sizeof(torture_good[0]) },
		{ torture_bad, sizeof(torture_bad) / sizeof(torture_bad[0]) },
		{ torture_more, sizeof(torture_more) / sizeof(torture_more[0]) },
		{ torture_ip6, sizeof(torture_ip6) / sizeof(torture_ip6[0]) },
	};
	static char	 msg[MSG], text[MSG];
	const struct torture *to;
	size_t		 i, j, len;
	unsigned	 n = 0, wrong = 0, tally[3] = { 0, 0, 0 };
	char		 id[512];
	int		 ch, got, want;

	while ((ch = getopt(argc, argv, "d:l:p:t:")) != -1) {
		if (ch == 'd')
			address(optarg, 5060, &daemon_at);
		else if (ch == 'l')
			address(optarg, 5060, &pbx_at);
		else if (ch == 'p') {
			tcp = strcmp(optarg, "udp") != 0;
			bytes = strcmp(optarg, "bytes") == 0;
		} else if (ch == 't') {
			address(optarg, 5060, &trunk_at);
			(void)snprintf(trunk_name, sizeof(trunk_name), "%s", optarg);
		} else
			errx(1, "usage: siptorture -d ADDR:PORT -l PBX -t TRUNK:PORT "
			    "[-p udp|tcp|bytes]");
	}
	for (i = 0; i < NPORTS; i++)
		pbx[i] = udp(&pbx_at, ports[i]);
	trunk = udp(&trunk_at, 0);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (j = 0; j < all[i].n; j++) {
			to = &all[i].table[j];
			if ((len = torture_make(to, trunk_name, msg, sizeof(msg) - 128)) == 0)
				errx(1, "%s is too long", to->to_name);
			msg[len] = '\0';
			n++;
			len = unique(to, msg, len, n);
			memcpy(text, msg, len);
			visible(text, len);
			call_id(text, id, sizeof(id));
			want = tcp ? to->to_stream : to->to_udp;
			got = tcp ? by_tcp(msg, len, id, n, want) : by_udp(msg, len, id, n);
			wrong += got != want;
			tally[got > 2 ? 1 : got == TORTURE_FWD ? 0 : 2]++;
			printf("%s %s: %s%s\n", to->to_section, to->to_name, what(got),
			    got != want ? ": wrong" : "");
		}
	}
	printf("torture: messages=%u handed-on=%u answered=%u dropped=%u wrong=%u\n", n,
	    tally[0], tally[1], tally[2], wrong);
	return (wrong != 0);
}
