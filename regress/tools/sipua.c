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
 * A SIP user agent over UDP for tests.  As a phone or a trunk it answers by the
 * number that is called; as a caller it sends a message from a file.
 *
 *   sipua -l ADDR:PORT [-H HEADER]...
 *	The last three digits of the called number are the final answer, after
 *	a 180 when the digit before them is 1; 180 rings until CANCEL, 000 is
 *	silent.  Headers go into final answers to INVITE.  A request whose
 *	User-Agent is "answer CODE" is answered with that.
 *   sipua -l ADDR:PORT -d ADDR:PORT [-c CODE] [-k] [-t SECONDS] [-w MS] FILE
 *	Send FILE, print what comes, leave after the final answer (0) or when
 *	the time is up (1).  -c: CANCEL when CODE comes.  A 2xx to INVITE gets
 *	ACK and, MS later, BYE; -k: no BYE.
 * What comes goes to stdout, each message followed by a line of its own, "--".
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

#define MSG	65536
#define HEADERS	8

static const char	*extra[HEADERS];
static size_t		 nextra;
static struct sockaddr_in local;
static char		 localname[64];
static int		 fd;

static size_t	 copy(const char *, const char *, char *, size_t);
static const char *value(const char *, const char *, char *, size_t);
static void	 transmit(const char *, const struct sockaddr_in *);
static void	 answer(const char *, int, const struct sockaddr_in *);
static void	 phone(void) __attribute__((__noreturn__));
static void	 within(const char *, const char *, const char *, int,
		    const struct sockaddr_in *);
static int	 caller(const char *, const struct sockaddr_in *, int, int, int, int);
static int	 show(char *, struct sockaddr_in *);

/* All lines that begin with the name (and a colon), as they are. */
static size_t
copy(const char *msg, const char *name, char *out, size_t size)
{
	const char	*p, *nl;
	size_t		 len = 0, n;

	out[0] = '\0';
	for (p = strstr(msg, "\r\n"); p != NULL; p = nl) {
		p += 2;
		if ((nl = strstr(p, "\r\n")) == NULL || nl == p)
			break;
		n = (size_t)(nl - p) + 2;
		if (strncasecmp(p, name, strlen(name)) != 0 || p[strlen(name)] != ':' ||
		    len + n >= size)
			continue;
		memcpy(out + len, p, n);
		out[len += n] = '\0';
	}
	return (len);
}

/* What stands behind the first header of a name; "" if there is none. */
static const char *
value(const char *msg, const char *name, char *out, size_t size)
{
	char	*p;

	(void)copy(msg, name, out, size);
	if ((p = strstr(out, "\r\n")) != NULL)
		*p = '\0';
	if ((p = strchr(out, ':')) == NULL)
		return ("");
	return (p + 1 + strspn(p + 1, " "));
}

static void
transmit(const char *msg, const struct sockaddr_in *to)
{
	(void)sendto(fd, msg, strlen(msg), 0, (const struct sockaddr *)to, sizeof(*to));
}

static void
answer(const char *msg, int code, const struct sockaddr_in *to)
{
	static const char	*names[] = { "Via", "Record-Route", "From", "Call-ID",
	    "CSeq" };
	static const char	 sdp[] = "v=0\r\no=ua 1 1 IN IP4 198.51.100.9\r\ns=-\r\n"
	    "c=IN IP4 198.51.100.9\r\nt=0 0\r\nm=audio 6000 RTP/SAVP 0\r\n"
	    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
	    "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";
	static char	 head[MSG], part[MSG], out[MSG * 2];
	char		 to_value[1024];
	size_t		 i;
	int		 invite;

	invite = strncmp(msg, "INVITE ", 7) == 0;
	head[0] = '\0';
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)copy(msg, names[i], part, sizeof(part));
		(void)strlcat(head, part, sizeof(head));
	}
	(void)snprintf(part, sizeof(part), "%s", value(msg, "To", to_value,
	    sizeof(to_value)));
	if (snprintf(out, sizeof(out), "SIP/2.0 %d Answer\r\n%sTo: %s%s\r\n"
	    "Contact: <sip:ua@%s>\r\n", code, head, part,
	    code == 100 || strstr(part, "tag=") != NULL ? "" : ";tag=ua", localname) >=
	    (int)sizeof(out))
		errx(1, "no room for an answer");
	for (i = 0; invite && code >= 200 && i < nextra; i++) {
		(void)strlcat(out, extra[i], sizeof(out));
		(void)strlcat(out, "\r\n", sizeof(out));
	}
	if (invite && code >= 200 && code < 300)
		(void)snprintf(part, sizeof(part), "Content-Type: application/sdp\r\n"
		    "Content-Length: %zu\r\n\r\n%s", strlen(sdp), sdp);
	else
		(void)snprintf(part, sizeof(part), "Content-Length: 0\r\n\r\n");
	(void)strlcat(out, part, sizeof(out));
	transmit(out, to);
}

/* Print it; 0: nothing usable came. */
static int
show(char *msg, struct sockaddr_in *from)
{
	socklen_t	len = sizeof(*from);
	ssize_t		n;

	n = recvfrom(fd, msg, MSG - 1, 0, (struct sockaddr *)from, &len);
	if (n <= 4)
		return (0);
	msg[n] = '\0';
	printf("%s\n--\n", msg);
	fflush(stdout);
	return (1);
}

static void
phone(void)
{
	static char		 msg[MSG], ringing[MSG];
	struct sockaddr_in	 from;
	const char		*at;
	char			 agent[1024];
	int			 code;

	for (;;) {
		if (!show(msg, &from) || strncmp(msg, "ACK ", 4) == 0 ||
		    strncmp(msg, "SIP/2.0 ", 8) == 0)
			continue;
		if (strncmp(msg, "CANCEL ", 7) == 0) {
			answer(msg, 200, &from);
			if (ringing[0] != '\0')
				answer(ringing, 487, &from);
			ringing[0] = '\0';
			continue;
		}
		if (sscanf(value(msg, "User-Agent", agent, sizeof(agent)), "answer %d",
		    &code) == 1) {
			answer(msg, code, &from);
			continue;
		}
		if (strncmp(msg, "INVITE ", 7) != 0) {
			answer(msg, 200, &from);
			continue;
		}
		code = 200;
		if ((at = strchr(msg, '@')) != NULL && at - msg > 16 &&
		    strspn(at - 4, "0123456789") == 4) {
			code = atoi(at - 3);
			if (at[-4] == '1')
				answer(msg, 180, &from);
		}
		if (code == 180 || code == 100)
			(void)strlcpy(ringing, msg, sizeof(ringing));
		if (code >= 100)
			answer(msg, code, &from);
	}
}

/* ACK or BYE inside the dialog that the answer made. */
static void
within(const char *method, const char *req, const char *resp, int cseq,
    const struct sockaddr_in *to)
{
	static char	 out[MSG], rr[MSG], one[MSG], routes[MSG];
	char		 b[5][2048], *p, *lt, *gt;

	(void)copy(resp, "Record-Route", rr, sizeof(rr));
	routes[0] = '\0';
	for (p = rr; (p = strstr(p, "Record-Route:")) != NULL; p += 13) {
		if (snprintf(one, sizeof(one), "Route:%.*s\r\n%s",
		    (int)strcspn(p + 13, "\r"), p + 13, routes) >= (int)sizeof(one))
			errx(1, "no room for the route");
		(void)strlcpy(routes, one, sizeof(routes));
	}
	(void)value(resp, "Contact", b[0], sizeof(b[0]));
	lt = strchr(b[0], '<');
	if (lt == NULL || (gt = strchr(lt, '>')) == NULL)
		return;
	*gt = '\0';
	if (snprintf(out, sizeof(out), "%s %s SIP/2.0\r\n"
	    "Via: SIP/2.0/UDP %s;branch=z9hG4bK%s%d%ld\r\n%sFrom: %s\r\nTo: %s\r\n"
	    "Call-ID: %s\r\nCSeq: %d %s\r\nMax-Forwards: 70\r\n"
	    "Content-Length: 0\r\n\r\n", method, lt + 1, localname, method, cseq,
	    now_ms(), routes, value(req, "From", b[1], sizeof(b[1])),
	    value(resp, "To", b[2], sizeof(b[2])),
	    value(req, "Call-ID", b[3], sizeof(b[3])), cseq, method) >= (int)sizeof(out))
		errx(1, "no room for a %s", method);
	transmit(out, to);
}

static int
caller(const char *path, const struct sockaddr_in *to, int cancel, int keep, int seconds,
    int hold)
{
	static char		 req[MSG], msg[MSG], out[MSG], part[MSG];
	struct sockaddr_in	 from;
	struct pollfd		 pfd = { .fd = fd, .events = POLLIN };
	char			 cs[256];
	const char		*method;
	long			 end = now_ms() + seconds * 1000L, bye = 0;
	size_t			 n;
	FILE			*fp;
	int			 code, cseq, ended = 0;

	if ((fp = fopen(path, "r")) == NULL)
		err(2, "%s", path);
	n = fread(req, 1, sizeof(req) - 1, fp);
	fclose(fp);
	req[n] = '\0';
	cseq = atoi(value(req, "CSeq", cs, sizeof(cs)));
	transmit(req, to);
	while (now_ms() < end) {
		if (bye != 0 && now_ms() >= bye) {
			within("BYE", req, part, cseq + 1, to);
			bye = 0;
			ended = 1;
		}
		if (poll(&pfd, 1, 50) != 1 || !show(msg, &from))
			continue;
		if (strncmp(msg, "SIP/2.0 ", 8) != 0) {
			if (strncmp(msg, "ACK ", 4) != 0)
				answer(msg, 200, &from);
			continue;
		}
		code = atoi(msg + 8);
		method = value(msg, "CSeq", cs, sizeof(cs));
		method += strspn(method, "0123456789 ");
		if (strcmp(method, "BYE") == 0 && ended)
			return (0);
		if (strcmp(method, "CANCEL") == 0 && strncmp(req, "CANCEL", 6) != 0)
			continue;
		if (code == cancel) {
			cancel = 0;
			(void)snprintf(out, sizeof(out), "CANCEL %.*s\r\n",
			    (int)strcspn(req + 7, "\r"), req + 7);
			for (n = 0; n < 4; n++) {
				static const char *names[] = { "Via", "From", "To",
				    "Call-ID" };

				(void)copy(req, names[n], part, sizeof(part));
				(void)strlcat(out, part, sizeof(out));
			}
			(void)snprintf(part, sizeof(part), "CSeq: %d CANCEL\r\n"
			    "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n", cseq);
			(void)strlcat(out, part, sizeof(out));
			transmit(out, to);
		}
		if (code < 200)
			continue;
		if (strcmp(method, "INVITE") == 0 && code < 300) {
			within("ACK", req, msg, cseq, to);
			if (keep)
				return (0);
			(void)strlcpy(part, msg, sizeof(part));
			if (!ended && bye == 0)
				bye = now_ms() + hold;
			continue;
		}
		return (0);
	}
	return (1);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in	 to;
	const char		*dest = NULL;
	int			 ch, cancel = 0, keep = 0, seconds = 10, hold = 0;

	while ((ch = getopt(argc, argv, "c:d:H:kl:t:w:")) != -1)
		switch (ch) {
		case 'c': cancel = atoi(optarg); break;
		case 'd': dest = optarg; break;
		case 'H':
			if (nextra < HEADERS)
				extra[nextra++] = optarg;
			break;
		case 'k': keep = 1; break;
		case 'l':
			address(optarg, -1, &local);
			(void)strlcpy(localname, optarg, sizeof(localname));
			break;
		case 't': seconds = atoi(optarg); break;
		case 'w': hold = atoi(optarg); break;
		default: errx(2, "usage: sipua -l ADDR:PORT ...");
		}
	argv += optind;
	if (localname[0] == '\0' || (dest == NULL) != (argv[0] == NULL))
		errx(2, "usage: sipua -l ADDR:PORT [-d ADDR:PORT FILE]");
	if ((fd = socket(AF_INET, SOCK_DGRAM, 0)) == -1 ||
	    bind(fd, (struct sockaddr *)&local, sizeof(local)) == -1)
		err(2, "sipua: %s", localname);
	if (dest == NULL)
		phone();
	address(dest, -1, &to);
	return (caller(argv[0], &to, cancel, keep, seconds, hold));
}
