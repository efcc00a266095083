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
 * A telephone that speaks and listens, for tests of media: SIP over UDP, and
 * PCMU packets whose payload is a text that says who speaks.
 *
 *   rtpphone -l ADDR:PORT -m PORT [-e|-f] answer
 *	Answer each call; -e: with early media in a 183 for half a second; -f:
 *	as two telephones, of which one rings with a 183 and the other answers.
 *   rtpphone -l ADDR:PORT -m PORT -d ADDR:PORT [-r] [-n PACKETS] call NUMBER
 *	Call, speak PACKETS packets of 20 ms (100), hang up; -r: move to the next
 *	media port by a re-INVITE half way.  0 when the call was answered.
 *   rtpphone -d ADDR:PORT engine
 *	Print the calls that an rtpengine has.
 *   rtpphone [-t SECONDS] sniff
 *	Look at all RTP on the loopback device until a signal comes.
 *
 * A phone prints one line a call: status, packets sent, packets heard of the
 * other party in the clear, those heard before the answer, those that were
 * anything else, and the address and protocol of the description it got.
 * sniff prints a line for each pair of addresses: packets whose payload is a
 * phone's text, and those whose is not.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "net.h"

#define MSG		65536
#define FRAME_MS	20
#define PAYLOAD		160
#define RTP_HEADER	12
#define EARLY_MS	500
#define CALLER_TEXT	"THE-CALLER-SPEAKS "
#define CALLEE_TEXT	"THE-CALLEE-SPEAKS "
#define PAIRS		64

struct pair {
	struct in_addr	 pa_src, pa_dst;
	unsigned	 pa_plain, pa_hidden;
};

struct call {
	int		 ca_status;
	int		 ca_up;			/* speak */
	int		 ca_answered;
	struct sockaddr_in ca_media;		/* of the other */
	char		 ca_proto[32];
	unsigned	 ca_sent, ca_got, ca_early, ca_other;
	uint16_t	 ca_seq;
};

static struct sockaddr_in local;
static char		 localname[64];
static int		 sip = -1, rtp = -1, rtp2 = -1;
static int		 mediaport, caller;
static volatile sig_atomic_t quit;

static void	 on_signal(int);
static int	 open_udp(const struct sockaddr_in *, int);
static const char *value(const char *, const char *, char *, size_t);
static void	 transmit(const char *, const struct sockaddr_in *);
static int	 receive(char *, struct sockaddr_in *);
static size_t	 sdp(char *, size_t, int);
static void	 described(struct call *, const char *);
static void	 speak(struct call *);
static void	 hear(struct call *, int);
static int	 wait_for(struct call *, long, long *);
static void	 report(const struct call *);
static void	 respond(const char *, const char *, const struct sockaddr_in *, int,
		    const char *);
static void	 answer(int, int) __attribute__((__noreturn__));
static int	 make_call(const struct sockaddr_in *, const char *, unsigned, int);
static int	 dialog_send(const char *, const char *, const char *, unsigned, int,
		    const struct sockaddr_in *);
static void	 sniff_packet(const uint8_t *, size_t, struct pair *, size_t *);
static int	 sniff(int);
static int	 engine(const struct sockaddr_in *);

static void
on_signal(int sig)
{
	(void)sig;
	quit = 1;
}

static int
open_udp(const struct sockaddr_in *sin, int port)
{
	struct sockaddr_in	 at = *sin;
	int			 fd;

	if (port != 0)
		at.sin_port = htons((uint16_t)port);
	if ((fd = socket(AF_INET, SOCK_DGRAM, 0)) == -1 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) == -1)
		err(2, "port %d", ntohs(at.sin_port));
	return (fd);
}

/* The first header line of a name; "" when there is none. */
static const char *
value(const char *msg, const char *name, char *out, size_t size)
{
	const char	*p, *end;
	size_t		 len = strlen(name);

	out[0] = '\0';
	for (p = msg; p != NULL && *p != '\r'; p = end + 2) {
		if ((end = strstr(p, "\r\n")) == NULL)
			break;
		if (strncasecmp(p, name, len) == 0 && p[len] == ':') {
			p += len + 1;
			while (*p == ' ')
				p++;
			(void)snprintf(out, size, "%.*s", (int)(end - p), p);
			break;
		}
	}
	return (out);
}

static void
transmit(const char *msg, const struct sockaddr_in *to)
{
	if (sendto(sip, msg, strlen(msg), 0, (const struct sockaddr *)to, sizeof(*to)) == -1)
		warn("sendto");
}

static int
receive(char *msg, struct sockaddr_in *from)
{
	socklen_t	 len = sizeof(*from);
	ssize_t		 n;

	if ((n = recvfrom(sip, msg, MSG - 1, MSG_DONTWAIT, (struct sockaddr *)from,
	    &len)) == -1)
		return (-1);
	msg[n] = '\0';
	return (0);
}

static size_t
sdp(char *out, size_t size, int port)
{
	char	 host[64];

	(void)inet_ntop(AF_INET, &local.sin_addr, host, sizeof(host));
	return ((size_t)snprintf(out, size, "v=0\r\no=phone %d %d IN IP4 %s\r\ns=-\r\n"
	    "c=IN IP4 %s\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n",
	    mediaport, port, host, host, port));
}

/* Where the other one listens. */
static void
described(struct call *ca, const char *msg)
{
	const char	*body, *c, *m;
	char		 host[64];
	unsigned	 port;

	if ((body = strstr(msg, "\r\n\r\n")) == NULL ||
	    (c = strstr(body, "c=IN IP4 ")) == NULL ||
	    (m = strstr(body, "m=audio ")) == NULL ||
	    sscanf(c + 9, "%63[0-9.]", host) != 1 ||
	    sscanf(m + 8, "%u %31s", &port, ca->ca_proto) != 2)
		return;
	memset(&ca->ca_media, 0, sizeof(ca->ca_media));
	ca->ca_media.sin_family = AF_INET;
	ca->ca_media.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &ca->ca_media.sin_addr) != 1)
		ca->ca_media.sin_port = 0;
}

static void
speak(struct call *ca)
{
	const char	*text = caller ? CALLER_TEXT : CALLEE_TEXT;
	uint8_t		 p[RTP_HEADER + PAYLOAD];
	uint32_t	 ts;
	size_t		 i;

	if (!ca->ca_up || ca->ca_media.sin_port == 0)
		return;
	memset(p, 0, RTP_HEADER);
	p[0] = 0x80;
	p[2] = (uint8_t)(ca->ca_seq >> 8);
	p[3] = (uint8_t)ca->ca_seq;
	ts = htonl((uint32_t)ca->ca_seq++ * PAYLOAD);
	memcpy(p + 4, &ts, sizeof(ts));
	memcpy(p + 8, caller ? "call" : "ansr", 4);
	for (i = 0; i < PAYLOAD; i++)
		p[RTP_HEADER + i] = (uint8_t)text[i % strlen(text)];
	if (sendto(rtp, p, sizeof(p), 0, (struct sockaddr *)&ca->ca_media,
	    sizeof(ca->ca_media)) == sizeof(p))
		ca->ca_sent++;
}

static void
hear(struct call *ca, int fd)
{
	const char	*text = caller ? CALLEE_TEXT : CALLER_TEXT;
	uint8_t		 p[2048];
	ssize_t		 n;

	while ((n = recv(fd, p, sizeof(p), MSG_DONTWAIT)) > 0) {
		if ((size_t)n == RTP_HEADER + PAYLOAD && (p[0] & 0xc0) == 0x80 &&
		    memcmp(p + RTP_HEADER, text, strlen(text)) == 0) {
			ca->ca_got++;
			if (!ca->ca_answered)
				ca->ca_early++;
		} else
			ca->ca_other++;
	}
}

/* Speak and hear until a SIP message comes (1) or it is that late (0). */
static int
wait_for(struct call *ca, long until, long *frame)
{
	struct pollfd	 pfd[3];
	long		 left;

	for (;;) {
		while (*frame <= now_ms()) {
			speak(ca);
			*frame += FRAME_MS;
		}
		if (quit || (left = until - now_ms()) <= 0)
			return (0);
		if (left > *frame - now_ms())
			left = *frame - now_ms();
		pfd[0].fd = sip;
		pfd[1].fd = rtp;
		pfd[2].fd = rtp2;
		pfd[0].events = pfd[1].events = pfd[2].events = POLLIN;
		if (poll(pfd, 3, left < 0 ? 0 : (int)left) <= 0)
			continue;
		hear(ca, rtp);
		if (rtp2 != -1)
			hear(ca, rtp2);
		if (pfd[0].revents & POLLIN)
			return (1);
	}
}

static void
report(const struct call *ca)
{
	char	 host[64];

	(void)inet_ntop(AF_INET, &ca->ca_media.sin_addr, host, sizeof(host));
	printf("status=%d sent=%u heard=%u early=%u other=%u from=%s proto=%s\n",
	    ca->ca_status, ca->ca_sent, ca->ca_got, ca->ca_early, ca->ca_other, host,
	    ca->ca_proto);
	fflush(stdout);
}

/* port 0: without a description. */
static void
respond(const char *req, const char *status, const struct sockaddr_in *to, int port,
    const char *tag)
{
	static char	 out[MSG];
	char		 v[4096], body[1024];
	const char	*p, *end;
	size_t		 n, len = 0;

	n = (size_t)snprintf(out, sizeof(out), "SIP/2.0 %s\r\n", status);
	for (p = req; *p != '\r'; p = end + 2) {
		if ((end = strstr(p, "\r\n")) == NULL)
			return;
		if (strncasecmp(p, "Via:", 4) == 0 || strncasecmp(p, "Record-Route:", 13) == 0 ||
		    strncasecmp(p, "From:", 5) == 0 || strncasecmp(p, "Call-ID:", 8) == 0 ||
		    strncasecmp(p, "CSeq:", 5) == 0)
			n += (size_t)snprintf(out + n, sizeof(out) - n, "%.*s",
			    (int)(end + 2 - p), p);
	}
	(void)value(req, "To", v, sizeof(v));
	if (port != 0)
		len = sdp(body, sizeof(body), port);
	else
		body[0] = '\0';
	n += (size_t)snprintf(out + n, sizeof(out) - n, "To: %s", v);
	if (strstr(v, ";tag=") == NULL)
		n += (size_t)snprintf(out + n, sizeof(out) - n, ";tag=%s", tag);
	(void)snprintf(out + n, sizeof(out) - n, "\r\nContact: <sip:phone@%s>\r\n"
	    "%sContent-Length: %zu\r\n\r\n%s", localname,
	    port != 0 ? "Content-Type: application/sdp\r\n" : "", len, body);
	transmit(out, to);
}

static void
answer(int early, int forks)
{
	static char		 msg[MSG], invite[MSG];
	struct sockaddr_in	 from, back;
	struct call		 ca;
	long			 frame, until;

	memset(&ca, 0, sizeof(ca));
	frame = now_ms();
	until = frame + 3600000;
	while (!quit) {
		if (wait_for(&ca, until, &frame) == 0) {
			if (quit)
				break;
			/* Early media is over. */
			until = now_ms() + 3600000;
			ca.ca_up = ca.ca_answered = 1;
			respond(invite, "200 OK", &back, mediaport, "phone");
			continue;
		}
		if (receive(msg, &from) == -1)
			continue;
		if (strncmp(msg, "INVITE ", 7) == 0) {
			if (strcmp(msg, invite) == 0)
				continue;	/* again */
			(void)strlcpy(invite, msg, sizeof(invite));
			back = from;
			if (!ca.ca_up)
				memset(&ca, 0, sizeof(ca));
			described(&ca, msg);
			ca.ca_status = 200;
			if ((early || forks) && !ca.ca_up) {
				ca.ca_up = early;
				respond(msg, "183 Session Progress", &from,
				    forks ? mediaport + 20 : mediaport,
				    forks ? "other" : "phone");
				until = now_ms() + EARLY_MS;
			} else {
				respond(msg, "200 OK", &from, mediaport, "phone");
				ca.ca_up = ca.ca_answered = 1;
			}
		} else if (strncmp(msg, "BYE ", 4) == 0) {
			respond(msg, "200 OK", &from, 0, "phone");
			if (ca.ca_up)
				report(&ca);
			memset(&ca, 0, sizeof(ca));
			invite[0] = '\0';
		} else if (strncmp(msg, "CANCEL ", 7) == 0) {
			respond(msg, "200 OK", &from, 0, "phone");
			respond(invite, "487 Request Terminated", &back, 0, "phone");
			memset(&ca, 0, sizeof(ca));
			until = now_ms() + 3600000;
		} else if (strncmp(msg, "ACK ", 4) == 0) {
			/* To an offer of ours. */
			described(&ca, msg);
		} else if (strncmp(msg, "OPTIONS ", 8) == 0)
			respond(msg, "200 OK", &from, 0, "phone");
	}
	exit(0);
}

/* A request inside the dialog of a 2xx; port: with a description. */
static int
dialog_send(const char *method, const char *invite, const char *resp, unsigned cseq, int port,
    const struct sockaddr_in *to)
{
	static char	 out[MSG];
	char		 v[4096], target[4096], body[1024] = "", *p;
	size_t		 n, len = 0;
	static unsigned	 branch;

	(void)value(resp, "Contact", v, sizeof(v));
	if ((p = strchr(v, '<')) == NULL)
		return (-1);
	(void)strlcpy(target, p + 1, sizeof(target));
	target[strcspn(target, ">")] = '\0';
	n = (size_t)snprintf(out, sizeof(out), "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;"
	    "branch=z9hG4bKd%d.%u\r\nMax-Forwards: 70\r\n", method, target, localname,
	    (int)getpid(), ++branch);
	/* One of ours in front of it, if any: it is the route. */
	if (*value(resp, "Record-Route", v, sizeof(v)) != '\0')
		n += (size_t)snprintf(out + n, sizeof(out) - n, "Route: %s\r\n", v);
	n += (size_t)snprintf(out + n, sizeof(out) - n, "From: %s\r\n",
	    value(invite, "From", v, sizeof(v)));
	n += (size_t)snprintf(out + n, sizeof(out) - n, "To: %s\r\n",
	    value(resp, "To", v, sizeof(v)));
	n += (size_t)snprintf(out + n, sizeof(out) - n, "Call-ID: %s\r\nCSeq: %u %s\r\n",
	    value(invite, "Call-ID", v, sizeof(v)), cseq, method);
	if (port != 0)
		len = sdp(body, sizeof(body), port);
	(void)snprintf(out + n, sizeof(out) - n, "Contact: <sip:phone@%s>\r\n"
	    "%sContent-Length: %zu\r\n\r\n%s", localname,
	    port != 0 ? "Content-Type: application/sdp\r\n" : "", len, body);
	transmit(out, to);
	return (0);
}

static int
make_call(const struct sockaddr_in *to, const char *number, unsigned packets, int move)
{
	static char		 invite[MSG], msg[MSG], ok[MSG];
	struct sockaddr_in	 from;
	struct call		 ca;
	char			 body[1024], host[64], v[256];
	long			 frame, until, end;
	unsigned		 cseq = 1;
	int			 bye = 0;

	memset(&ca, 0, sizeof(ca));
	(void)sdp(body, sizeof(body), mediaport);
	(void)inet_ntop(AF_INET, &to->sin_addr, host, sizeof(host));
	(void)snprintf(invite, sizeof(invite), "INVITE sip:%s@%s:%d SIP/2.0\r\n"
	    "Via: SIP/2.0/UDP %s;branch=z9hG4bKp%d\r\nMax-Forwards: 70\r\n"
	    "From: <sip:+12125550150@%s>;tag=p%d\r\nTo: <sip:%s@%s>\r\n"
	    "Call-ID: p%d@%s\r\nCSeq: 1 INVITE\r\nContact: <sip:phone@%s>\r\n"
	    "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", number, host,
	    ntohs(to->sin_port), localname, (int)getpid(), localname, (int)getpid(), number,
	    host, (int)getpid(), localname, localname, strlen(body), body);
	transmit(invite, to);
	frame = now_ms();
	until = end = frame + 15000;
	while (!quit) {
		if (wait_for(&ca, until, &frame) == 0) {
			if (!ca.ca_up || !ca.ca_answered || bye)
				break;
			if (move) {
				/* Half way: to the other port. */
				move = 0;
				rtp2 = rtp;
				rtp = open_udp(&local, mediaport + 2);
				(void)dialog_send("INVITE", invite, ok, ++cseq, mediaport + 2, to);
				until = now_ms() + (long)packets * FRAME_MS / 2;
				continue;
			}
			(void)dialog_send("BYE", invite, ok, ++cseq, 0, to);
			bye = 1;
			ca.ca_up = 0;
			until = now_ms() + 3000;
			continue;
		}
		if (receive(msg, &from) == -1)
			continue;
		if (strncmp(msg, "SIP/2.0 ", 8) != 0) {
			if (strncmp(msg, "BYE ", 4) == 0) {
				respond(msg, "200 OK", &from, 0, "phone");
				break;
			}
			continue;
		}
		if (strstr(value(msg, "CSeq", v, sizeof(v)), "BYE") != NULL)
			break;
		if (strstr(v, "INVITE") == NULL || atoi(msg + 8) < 180)
			continue;
		if (atoi(msg + 8) < 200) {
			described(&ca, msg);
			continue;
		}
		ca.ca_status = atoi(msg + 8);
		if (ca.ca_status >= 300)
			break;
		(void)strlcpy(ok, msg, sizeof(ok));
		(void)dialog_send("ACK", invite, ok, (unsigned)atoi(v), 0, to);
		described(&ca, msg);
		if (!ca.ca_answered) {
			ca.ca_up = ca.ca_answered = 1;
			until = now_ms() + (long)packets * FRAME_MS / (move ? 2 : 1);
		}
	}
	report(&ca);
	return (ca.ca_status == 200 ? 0 : 1);
}

static void
sniff_packet(const uint8_t *p, size_t len, struct pair *pairs, size_t *n)
{
	struct ip	 ip;
	struct udphdr	 uh;
	size_t		 at, i;
	int		 plain;

	if (len < sizeof(ip))
		return;
	memcpy(&ip, p, sizeof(ip));
	at = (size_t)ip.ip_hl * 4;
	if (ip.ip_v != 4 || ip.ip_p != IPPROTO_UDP || len < at + sizeof(uh) + RTP_HEADER)
		return;
	at += sizeof(uh);
	/* RTP, and no RTCP, of PCMU. */
	if ((p[at] & 0xc0) != 0x80 || (p[at + 1] & 0x7f) != 0 || len < at + RTP_HEADER + PAYLOAD)
		return;
	plain = memcmp(p + at + RTP_HEADER, CALLER_TEXT, strlen(CALLER_TEXT)) == 0 ||
	    memcmp(p + at + RTP_HEADER, CALLEE_TEXT, strlen(CALLEE_TEXT)) == 0;
	for (i = 0; i < *n; i++)
		if (pairs[i].pa_src.s_addr == ip.ip_src.s_addr &&
		    pairs[i].pa_dst.s_addr == ip.ip_dst.s_addr)
			break;
	if (i == PAIRS)
		return;
	if (i == *n) {
		pairs[i].pa_src = ip.ip_src;
		pairs[i].pa_dst = ip.ip_dst;
		++*n;
	}
	if (plain)
		pairs[i].pa_plain++;
	else
		pairs[i].pa_hidden++;
}

static int
sniff(int seconds)
{
	static struct pair	 pairs[PAIRS];
	struct sockaddr_ll {
		unsigned short	 family, protocol;
		int		 ifindex;
		unsigned short	 hatype;
		unsigned char	 pkttype, halen, addr[8];
	} from;
	socklen_t		 flen;
	uint8_t			 p[65536];
	char			 a[64], b[64];
	ssize_t			 r;
	size_t			 i, n = 0;
	long			 end = now_ms() + seconds * 1000L;
	struct pollfd		 pfd;
	int			 fd;

	if ((fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETHERTYPE_IP))) == -1)
		err(2, "packet socket");
	printf("listening\n");
	fflush(stdout);
	pfd.fd = fd;
	pfd.events = POLLIN;
	while (!quit && now_ms() < end) {
		if (poll(&pfd, 1, 100) <= 0)
			continue;
		flen = sizeof(from);
		r = recvfrom(fd, p, sizeof(p), 0, (struct sockaddr *)&from, &flen);
		/* On the loopback device each comes twice: out and in. */
		if (r > 0 && from.pkttype != 4)
			sniff_packet(p, (size_t)r, pairs, &n);
	}
	for (i = 0; i < n; i++)
		printf("%s %s plain=%u hidden=%u\n",
		    inet_ntop(AF_INET, &pairs[i].pa_src, a, sizeof(a)),
		    inet_ntop(AF_INET, &pairs[i].pa_dst, b, sizeof(b)),
		    pairs[i].pa_plain, pairs[i].pa_hidden);
	return (0);
}

static int
engine(const struct sockaddr_in *to)
{
	struct pollfd		 pfd;
	char			 buf[MSG], ask[64];
	ssize_t			 n;

	/* The same words twice would get the first answer twice. */
	(void)snprintf(ask, sizeof(ask), "calls%d%ld d7:command4:liste", (int)getpid(),
	    now_ms());

	if ((pfd.fd = socket(AF_INET, SOCK_DGRAM, 0)) == -1 ||
	    connect(pfd.fd, (const struct sockaddr *)to, sizeof(*to)) == -1 ||
	    send(pfd.fd, ask, strlen(ask), 0) == -1)
		err(2, "engine");
	pfd.events = POLLIN;
	if (poll(&pfd, 1, 2000) != 1 || (n = recv(pfd.fd, buf, sizeof(buf), 0)) == -1)
		errx(1, "no answer");
	printf("%.*s\n", (int)n, buf);
	return (0);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in	 to;
	const char		*dest = NULL;
	unsigned		 packets = 100;
	int			 ch, early = 0, forks = 0, move = 0, seconds = 60;

	while ((ch = getopt(argc, argv, "d:efl:m:n:rt:")) != -1) {
		switch (ch) {
		case 'd':
			dest = optarg;
			break;
		case 'e':
			early = 1;
			break;
		case 'f':
			forks = 1;
			break;
		case 'l':
			(void)strlcpy(localname, optarg, sizeof(localname));
			address(optarg, -1, &local);
			break;
		case 'm':
			mediaport = (int)strtonum(optarg, 1, 65000, NULL);
			break;
		case 'n':
			packets = (unsigned)strtonum(optarg, 1, 100000, NULL);
			break;
		case 'r':
			move = 1;
			break;
		case 't':
			seconds = (int)strtonum(optarg, 1, 3600, NULL);
			break;
		default:
			errx(2, "see the head of rtpphone.c");
		}
	}
	argc -= optind;
	argv += optind;
	(void)signal(SIGTERM, on_signal);
	(void)signal(SIGINT, on_signal);
	if (argc == 1 && strcmp(argv[0], "sniff") == 0)
		return (sniff(seconds));
	if (argc == 1 && strcmp(argv[0], "engine") == 0 && dest != NULL) {
		address(dest, -1, &to);
		return (engine(&to));
	}
	if (argc < 1 || localname[0] == '\0' || mediaport == 0)
		errx(2, "-l, -m and answer or call are needed");
	sip = open_udp(&local, 0);
	rtp = open_udp(&local, mediaport);
	if (strcmp(argv[0], "answer") == 0)
		answer(early, forks);
	if (argc != 2 || strcmp(argv[0], "call") != 0 || dest == NULL)
		errx(2, "call NUMBER, with -d");
	caller = 1;
	address(dest, -1, &to);
	return (make_call(&to, argv[1], packets, move));
}
