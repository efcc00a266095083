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
 * A small public telephone network for tests: a SIP back-to-back user agent
 * over UDP.  It routes by number, and passes on what a PSTN would: the called
 * number, the caller's number unless withheld, answer and hang-up.  No header
 * and no session description crosses it.  It has a parser of its own, so that
 * an error in the daemon's parser is not repeated here.
 *
 *   pstn -l ADDR:PORT -s CONTROL [-v]       run
 *   pstn -s CONTROL command [argument ...]  ask a running one:
 *     count                 calls offered, answered, live
 *     count +NUMBER         calls offered to this number
 *     route PREFIX ADDR:PORT   longest prefix wins; "none" removes
 *     withhold PREFIX|none  callers with this prefix show no number
 *     rewrite FROM TO       this caller is shown as that one
 *     delay-answer MS, delay-bye MS   how much later the far side learns it
 *     calls                 caller and called of every call offered, in order
 *     quit
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <netinet/in.h>

#include <arpa/inet.h>

#include <err.h>
#include <errno.h>
#include <event.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MSG_SIZE	8192
#define FIELD		256
#define RETRIES		7

enum leg_state { L_IDLE, L_TRYING, L_RINGING, L_UP, L_ENDING, L_DONE };

struct call;

/* Either half of a call.  The A leg is a server, the B leg a client. */
struct leg {
	struct call		*lg_call;
	int			 lg_is_b;
	enum leg_state		 lg_state;
	struct sockaddr_in	 lg_peer;
	char			 lg_callid[FIELD];
	char			 lg_local[FIELD];	/* our From/To with tag */
	char			 lg_remote[FIELD];
	char			 lg_target[FIELD];	/* peer's Contact */
	char			 lg_routes[2048];	/* Route lines, ready */
	char			 lg_vias[3000];		/* of the INVITE, A leg */
	char			 lg_rr[2048];		/* Record-Route lines, A leg */
	char			 lg_branch[64];		/* of our INVITE */
	unsigned		 lg_cseq;		/* our last */
	unsigned		 lg_icseq;		/* of the INVITE */
	char			 lg_out[MSG_SIZE];	/* being retransmitted */
	int			 lg_outlen;
	int			 lg_tries;
	struct event		 lg_timer;
};

struct call {
	TAILQ_ENTRY(call)	 ca_entry;
	unsigned		 ca_id;
	char			 ca_called[32];
	char			 ca_caller[32];
	struct leg		 ca_a, ca_b;
	int			 ca_cancelled;
	int			 ca_final;		/* status to pass to A, delayed */
	int			 ca_bye_b;		/* which leg gets the delayed BYE */
	struct event		 ca_delay;
	struct event		 ca_reap;
};

struct route {
	TAILQ_ENTRY(route)	 ro_entry;
	char			 ro_prefix[32];
	struct sockaddr_in	 ro_to;
};

struct offered {
	TAILQ_ENTRY(offered)	 of_entry;
	char			 of_called[32];
	char			 of_caller[32];
};

struct msg {
	char	 m_buf[MSG_SIZE];
	char	*m_body;
	char	*m_start;
	char	*m_line[128];
	int	 m_n;
	int	 m_status;		/* 0: a request */
	char	 m_method[32];		/* of the request or the CSeq */
	unsigned m_cseq;
};

static TAILQ_HEAD(, call)	calls = TAILQ_HEAD_INITIALIZER(calls);
static TAILQ_HEAD(, route)	routes = TAILQ_HEAD_INITIALIZER(routes);
static TAILQ_HEAD(, offered)	offers = TAILQ_HEAD_INITIALIZER(offers);
static int			sipfd, ctlfd, verbose;
static struct sockaddr_in	self;
static char			selfhost[64];
static unsigned			ncalls, nanswered, nlive, serial;
static char			withhold[32], rw_from[32], rw_to[32];
static unsigned			delay_answer, delay_bye;

static int	 ctl_client(const char *, int, char **);
static void	 ctl_read(int, short, void *);
static void	 sip_read(int, short, void *);
static void	 request(struct msg *, struct sockaddr_in *);
static void	 response(struct msg *, struct sockaddr_in *);
static void	 invite(struct msg *, struct sockaddr_in *);
static void	 leg_send(struct leg *, int, const char *, ...)
		    __attribute__((__format__(printf, 3, 4)));
static void	 leg_answer(struct leg *, int, const char *);
static void	 leg_bye(struct leg *);
static void	 leg_timer(int, short, void *);
static void	 call_delay(int, short, void *);
static void	 call_reap(int, short, void *);
static void	 call_done(struct call *);

static void
die(const char *what)
{
	err(1, "pstn: %s", what);
}

static int
addr_parse(const char *s, struct sockaddr_in *sin)
{
	char	 host[64], *colon;

	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	if (strlcpy(host, s, sizeof(host)) >= sizeof(host))
		return (-1);
	if ((colon = strchr(host, ':')) == NULL)
		return (-1);
	*colon++ = '\0';
	if (inet_pton(AF_INET, host, &sin->sin_addr) != 1)
		return (-1);
	sin->sin_port = htons((uint16_t)atoi(colon));
	return (0);
}

static void
arm(struct event *ev, unsigned ms)
{
	struct timeval	tv = { ms / 1000, (ms % 1000) * 1000 };

	evtimer_add(ev, &tv);
}

/* Headers, by full or compact name; the n-th of that name, or NULL. */
static const char *
header(const struct msg *m, const char *name, const char *compact, int nth)
{
	const char	*l;
	size_t		 len;
	int		 i;

	for (i = 0; i < m->m_n; i++) {
		l = m->m_line[i];
		len = strcspn(l, ": \t");
		if (!((len == strlen(name) && strncasecmp(l, name, len) == 0) ||
		    (compact != NULL && len == strlen(compact) &&
		    strncasecmp(l, compact, len) == 0)))
			continue;
		if (nth-- > 0)
			continue;
		l += len;
		l += strspn(l, " \t");
		if (*l++ != ':')
			return (NULL);
		return (l + strspn(l, " \t"));
	}
	return (NULL);
}

/* Collect every header of a name as lines "OUT: value\r\n". */
static void
collect(const struct msg *m, const char *name, const char *compact,
    const char *out, char *buf, size_t size)
{
	const char	*v;
	size_t		 len = 0;
	int		 i, n;

	buf[0] = '\0';
	for (i = 0; (v = header(m, name, compact, i)) != NULL; i++) {
		n = snprintf(buf + len, size - len, "%s: %s\r\n", out, v);
		if (n < 0 || (size_t)n >= size - len)
			return;
		len += (size_t)n;
	}
}

static int
parse(struct msg *m, size_t len)
{
	char		*p, *nl;
	const char	*cs;

	m->m_buf[len] = '\0';
	m->m_n = 0;
	m->m_body = strstr(m->m_buf, "\r\n\r\n");
	if (m->m_body == NULL)
		return (-1);
	m->m_body[2] = '\0';
	m->m_body += 4;
	m->m_start = p = m->m_buf;
	if ((nl = strstr(p, "\r\n")) == NULL)
		return (-1);
	*nl = '\0';
	for (p = nl + 2; *p != '\0'; p = nl + 2) {
		if ((nl = strstr(p, "\r\n")) == NULL)
			break;
		*nl = '\0';
		if (m->m_n < 128)
			m->m_line[m->m_n++] = p;
	}
	m->m_status = 0;
	if (strncmp(m->m_start, "SIP/2.0 ", 8) == 0)
		m->m_status = atoi(m->m_start + 8);
	if ((cs = header(m, "CSeq", NULL, 0)) == NULL ||
	    sscanf(cs, "%u %31s", &m->m_cseq, m->m_method) != 2)
		return (-1);
	return (0);
}

/* The user part of the first sip: URI in s: a number, or "". */
static void
user_of(const char *s, char *out, size_t size)
{
	const char	*p;
	size_t		 n;

	out[0] = '\0';
	if (s == NULL || (p = strstr(s, "sip:")) == NULL)
		return;
	p += 4;
	n = strspn(p, "+0123456789");
	if (n == 0 || p[n] != '@' || n >= size)
		return;
	memcpy(out, p, n);
	out[n] = '\0';
}

static void
uri_of(const char *s, char *out, size_t size)
{
	const char	*lt = strchr(s, '<');
	size_t		 n;

	if (lt != NULL) {
		s = lt + 1;
		n = strcspn(s, ">");
	} else
		n = strcspn(s, ";, ");
	if (n >= size)
		n = size - 1;
	memcpy(out, s, n);
	out[n] = '\0';
}

static struct leg *
leg_find(const char *callid)
{
	struct call	*ca;

	TAILQ_FOREACH(ca, &calls, ca_entry) {
		if (strcmp(ca->ca_a.lg_callid, callid) == 0)
			return (&ca->ca_a);
		if (strcmp(ca->ca_b.lg_callid, callid) == 0)
			return (&ca->ca_b);
	}
	return (NULL);
}

static struct leg *
other(struct leg *lg)
{
	return (lg->lg_is_b ? &lg->lg_call->ca_a : &lg->lg_call->ca_b);
}

static void
transmit(const struct sockaddr_in *to, const char *buf, int len)
{
	if (verbose)
		fprintf(stderr, "pstn: > %.*s\n", (int)strcspn(buf, "\r"), buf);
	if (sendto(sipfd, buf, (size_t)len, 0, (const struct sockaddr *)to,
	    sizeof(*to)) == -1 && verbose)
		warn("pstn: sendto");
}

/* Send and, if tries, keep for retransmission. */
static void
leg_send(struct leg *lg, int tries, const char *fmt, ...)
{
	char	 one[MSG_SIZE];
	va_list	 ap;
	int	 n;

	va_start(ap, fmt);
	n = vsnprintf(one, sizeof(one), fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof(one))
		return;
	transmit(&lg->lg_peer, one, n);
	if (tries) {
		memcpy(lg->lg_out, one, (size_t)n);
		lg->lg_outlen = n;
		lg->lg_tries = tries;
		arm(&lg->lg_timer, 500);
	}
}

static void
leg_timer(int fd, short ev, void *arg)
{
	struct leg	*lg = arg;

	(void)fd;
	(void)ev;
	if (lg->lg_tries == 0)
		return;
	if (--lg->lg_tries == 0) {
		if (lg->lg_is_b && lg->lg_state == L_TRYING) {
			lg->lg_state = L_DONE;
			leg_answer(other(lg), 503, "");
		}
		if (lg->lg_state == L_ENDING) {
			lg->lg_state = L_DONE;
			call_done(lg->lg_call);
		}
		return;
	}
	transmit(&lg->lg_peer, lg->lg_out, lg->lg_outlen);
	arm(&lg->lg_timer, 500u << (RETRIES - lg->lg_tries < 3 ? RETRIES - lg->lg_tries : 3));
}

static void
sdp(char *buf, size_t size)
{
	/* A call through the telephone network has media of its own. */
	snprintf(buf, size, "v=0\r\no=pstn 1 1 IN IP4 %s\r\ns=-\r\n"
	    "c=IN IP4 %s\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8\r\n",
	    selfhost, selfhost);
}

/* Final or provisional answer to the A leg's INVITE. */
static void
leg_answer(struct leg *lg, int code, const char *extra)
{
	char	 body[512] = "";
	int	 final = code >= 200;

	if (lg->lg_state != L_TRYING && lg->lg_state != L_RINGING)
		return;
	if (code == 200)
		sdp(body, sizeof(body));
	leg_send(lg, final ? RETRIES : 0,
	    "SIP/2.0 %d %s\r\n%s%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\n"
	    "CSeq: %u INVITE\r\nContact: <sip:pstn@%s:%d>\r\n%s%s"
	    "Content-Length: %zu\r\n\r\n%s",
	    code, code == 200 ? "OK" : code == 180 ? "Ringing" :
	    code == 100 ? "Trying" : "Call failed",
	    lg->lg_vias, lg->lg_rr, lg->lg_remote, lg->lg_local, lg->lg_callid,
	    lg->lg_icseq, selfhost, ntohs(self.sin_port),
	    body[0] ? "Content-Type: application/sdp\r\n" : "", extra,
	    strlen(body), body);
	if (code == 200) {
		lg->lg_state = L_UP;
		nanswered++;
	} else if (final) {
		lg->lg_state = L_DONE;
		call_done(lg->lg_call);
	} else if (code == 180)
		lg->lg_state = L_RINGING;
}

static void
leg_bye(struct leg *lg)
{
	if (lg->lg_state == L_DONE || lg->lg_state == L_ENDING)
		return;
	if (lg->lg_state != L_UP) {
		if (lg->lg_is_b && (lg->lg_state == L_TRYING ||
		    lg->lg_state == L_RINGING)) {
			leg_send(lg, 0, "CANCEL sip:%s@%s:%d SIP/2.0\r\n"
			    "Via: SIP/2.0/UDP %s:%d;branch=%s\r\nMax-Forwards: 70\r\n"
			    "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u CANCEL\r\n"
			    "Content-Length: 0\r\n\r\n",
			    lg->lg_call->ca_called, inet_ntoa(lg->lg_peer.sin_addr),
			    ntohs(lg->lg_peer.sin_port), selfhost,
			    ntohs(self.sin_port), lg->lg_branch, lg->lg_local,
			    lg->lg_remote, lg->lg_callid, lg->lg_icseq);
		}
		return;
	}
	lg->lg_state = L_ENDING;
	leg_send(lg, RETRIES, "BYE %s SIP/2.0\r\n"
	    "Via: SIP/2.0/UDP %s:%d;branch=z9hG4bKbye%u\r\nMax-Forwards: 70\r\n"
	    "%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u BYE\r\n"
	    "Content-Length: 0\r\n\r\n", lg->lg_target, selfhost,
	    ntohs(self.sin_port), ++serial, lg->lg_routes, lg->lg_local,
	    lg->lg_remote, lg->lg_callid, ++lg->lg_cseq);
}

static void
reply(struct msg *m, struct sockaddr_in *from, int code)
{
	char	 vias[3000], out[MSG_SIZE];
	int	 n;

	collect(m, "Via", "v", "Via", vias, sizeof(vias));
	n = snprintf(out, sizeof(out), "SIP/2.0 %d %s\r\n%sFrom: %s\r\nTo: %s\r\n"
	    "Call-ID: %s\r\nCSeq: %u %s\r\nContent-Length: 0\r\n\r\n", code,
	    code == 200 ? "OK" : "Refused", vias, header(m, "From", "f", 0),
	    header(m, "To", "t", 0), header(m, "Call-ID", "i", 0), m->m_cseq,
	    m->m_method);
	if (n > 0 && n < (int)sizeof(out))
		transmit(from, out, n);
}

static struct route *
route_find(const char *number)
{
	struct route	*ro, *best = NULL;

	TAILQ_FOREACH(ro, &routes, ro_entry)
		if (strncmp(number, ro->ro_prefix, strlen(ro->ro_prefix)) == 0 &&
		    (best == NULL || strlen(ro->ro_prefix) > strlen(best->ro_prefix)))
			best = ro;
	return (best);
}

static void
leg_init(struct leg *lg, struct call *ca, int is_b)
{
	lg->lg_call = ca;
	lg->lg_is_b = is_b;
	evtimer_set(&lg->lg_timer, leg_timer, lg);
}

/* Ring the far side. */
static void
invite_b(struct call *ca, struct route *ro)
{
	struct leg	*b = &ca->ca_b;
	char		 body[512], caller[64];
	int		 hidden;

	hidden = ca->ca_caller[0] == '\0' ||
	    (withhold[0] && strncmp(ca->ca_caller, withhold, strlen(withhold)) == 0);
	strlcpy(caller, rw_from[0] && strcmp(ca->ca_caller, rw_from) == 0 ?
	    rw_to : ca->ca_caller, sizeof(caller));
	b->lg_peer = ro->ro_to;
	b->lg_state = L_TRYING;
	b->lg_cseq = b->lg_icseq = 1;
	snprintf(b->lg_callid, sizeof(b->lg_callid), "pstn-%d-%u@%s",
	    (int)getpid(), ca->ca_id, selfhost);
	snprintf(b->lg_branch, sizeof(b->lg_branch), "z9hG4bKpstn%d.%u",
	    (int)getpid(), ca->ca_id);
	if (hidden)
		snprintf(b->lg_local, sizeof(b->lg_local), "\"Anonymous\" "
		    "<sip:anonymous@anonymous.invalid>;tag=b%u", ca->ca_id);
	else
		snprintf(b->lg_local, sizeof(b->lg_local),
		    "<sip:%s@%s>;tag=b%u", caller, selfhost, ca->ca_id);
	snprintf(b->lg_remote, sizeof(b->lg_remote), "<sip:%s@%s>",
	    ca->ca_called, inet_ntoa(b->lg_peer.sin_addr));
	sdp(body, sizeof(body));
	leg_send(b, RETRIES, "INVITE sip:%s@%s:%d SIP/2.0\r\n"
	    "Via: SIP/2.0/UDP %s:%d;branch=%s\r\nMax-Forwards: 70\r\n"
	    "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\n"
	    "Contact: <sip:pstn@%s:%d>\r\nContent-Type: application/sdp\r\n"
	    "Content-Length: %zu\r\n\r\n%s", ca->ca_called,
	    inet_ntoa(b->lg_peer.sin_addr), ntohs(b->lg_peer.sin_port),
	    selfhost, ntohs(self.sin_port), b->lg_branch, b->lg_local,
	    b->lg_remote, b->lg_callid, selfhost, ntohs(self.sin_port),
	    strlen(body), body);
}

static void
invite(struct msg *m, struct sockaddr_in *from)
{
	struct call	*ca;
	struct leg	*a;
	struct route	*ro;
	struct offered	*of = NULL;
	const char	*contact = header(m, "Contact", "m", 0);
	const char	*id = header(m, "P-Asserted-Identity", NULL, 0);

	if (strchr(header(m, "To", "t", 0), ';') != NULL &&
	    strstr(header(m, "To", "t", 0), "tag=") != NULL) {
		/* A re-INVITE: the network only says yes. */
		struct leg	*lg = leg_find(header(m, "Call-ID", "i", 0));
		char		 body[512], vias[3000], out[MSG_SIZE];
		int		 n;

		if (lg == NULL) {
			reply(m, from, 481);
			return;
		}
		sdp(body, sizeof(body));
		collect(m, "Via", "v", "Via", vias, sizeof(vias));
		n = snprintf(out, sizeof(out), "SIP/2.0 200 OK\r\n%sFrom: %s\r\n"
		    "To: %s\r\nCall-ID: %s\r\nCSeq: %u INVITE\r\n"
		    "Contact: <sip:pstn@%s:%d>\r\nContent-Type: application/sdp\r\n"
		    "Content-Length: %zu\r\n\r\n%s", vias, header(m, "From", "f", 0),
		    header(m, "To", "t", 0), lg->lg_callid, m->m_cseq, selfhost,
		    ntohs(self.sin_port), strlen(body), body);
		transmit(from, out, n);
		return;
	}
	if (leg_find(header(m, "Call-ID", "i", 0)) != NULL)
		return;				/* a retransmission */
	if ((ca = calloc(1, sizeof(*ca))) == NULL ||
	    (of = calloc(1, sizeof(*of))) == NULL)
		die("calloc");
	ca->ca_id = ++serial;
	a = &ca->ca_a;
	leg_init(a, ca, 0);
	leg_init(&ca->ca_b, ca, 1);
	evtimer_set(&ca->ca_delay, call_delay, ca);
	evtimer_set(&ca->ca_reap, call_reap, ca);
	a->lg_peer = *from;
	a->lg_state = L_TRYING;
	a->lg_icseq = m->m_cseq;
	strlcpy(a->lg_callid, header(m, "Call-ID", "i", 0), sizeof(a->lg_callid));
	strlcpy(a->lg_remote, header(m, "From", "f", 0), sizeof(a->lg_remote));
	snprintf(a->lg_local, sizeof(a->lg_local), "%s;tag=a%u",
	    header(m, "To", "t", 0), ca->ca_id);
	uri_of(contact != NULL ? contact : a->lg_remote, a->lg_target,
	    sizeof(a->lg_target));
	collect(m, "Via", "v", "Via", a->lg_vias, sizeof(a->lg_vias));
	collect(m, "Record-Route", NULL, "Route", a->lg_routes, sizeof(a->lg_routes));
	collect(m, "Record-Route", NULL, "Record-Route", a->lg_rr, sizeof(a->lg_rr));
	user_of(m->m_start, ca->ca_called, sizeof(ca->ca_called));
	user_of(id != NULL ? id : a->lg_remote, ca->ca_caller, sizeof(ca->ca_caller));
	strlcpy(of->of_called, ca->ca_called, sizeof(of->of_called));
	strlcpy(of->of_caller, ca->ca_caller, sizeof(of->of_caller));
	TAILQ_INSERT_TAIL(&offers, of, of_entry);
	TAILQ_INSERT_TAIL(&calls, ca, ca_entry);
	ncalls++;
	nlive++;
	leg_answer(a, 100, "");
	if ((ro = route_find(ca->ca_called)) == NULL) {
		leg_answer(a, 404, "");
		return;
	}
	invite_b(ca, ro);
}

static void
request(struct msg *m, struct sockaddr_in *from)
{
	struct leg	*lg;

	if (strcmp(m->m_method, "INVITE") == 0) {
		invite(m, from);
		return;
	}
	if (strcmp(m->m_method, "OPTIONS") == 0) {
		reply(m, from, 200);
		return;
	}
	lg = leg_find(header(m, "Call-ID", "i", 0));
	if (strcmp(m->m_method, "ACK") == 0) {
		if (lg != NULL && !lg->lg_is_b &&
		    (lg->lg_state == L_UP || lg->lg_state == L_DONE))
			lg->lg_tries = 0;
		return;
	}
	if (lg == NULL) {
		reply(m, from, 481);
		return;
	}
	reply(m, from, 200);
	if (strcmp(m->m_method, "BYE") == 0) {
		lg->lg_state = L_DONE;
		lg->lg_tries = 0;
		lg->lg_call->ca_bye_b = !lg->lg_is_b;
		lg->lg_call->ca_final = -1;
		if (delay_bye)
			arm(&lg->lg_call->ca_delay, delay_bye);
		else
			call_delay(-1, 0, lg->lg_call);
	} else if (strcmp(m->m_method, "CANCEL") == 0 && !lg->lg_is_b) {
		lg->lg_call->ca_cancelled = 1;
		leg_bye(&lg->lg_call->ca_b);
		leg_answer(lg, 487, "");
	}
}

/* The delayed half of an event: the far side's answer or hang-up. */
static void
call_delay(int fd, short ev, void *arg)
{
	struct call	*ca = arg;

	(void)fd;
	(void)ev;
	if (ca->ca_final == -1) {
		leg_bye(ca->ca_bye_b ? &ca->ca_b : &ca->ca_a);
		call_done(ca);
	} else if (ca->ca_final > 0)
		leg_answer(&ca->ca_a, ca->ca_final, "");
}

static void
response(struct msg *m, struct sockaddr_in *from)
{
	struct leg	*lg = leg_find(header(m, "Call-ID", "i", 0));
	struct call	*ca;
	const char	*contact;

	(void)from;
	if (lg == NULL)
		return;
	ca = lg->lg_call;
	if (strcmp(m->m_method, "BYE") == 0 && m->m_status >= 200) {
		lg->lg_tries = 0;
		lg->lg_state = L_DONE;
		call_done(ca);
		return;
	}
	if (strcmp(m->m_method, "INVITE") != 0 || !lg->lg_is_b)
		return;
	lg->lg_tries = 0;
	if (m->m_status < 200) {
		if (m->m_status >= 180 && lg->lg_state == L_TRYING) {
			lg->lg_state = L_RINGING;
			leg_answer(&ca->ca_a, 180, "");
		}
		if (ca->ca_cancelled)
			leg_bye(lg);
		return;
	}
	strlcpy(lg->lg_remote, header(m, "To", "t", 0), sizeof(lg->lg_remote));
	if ((contact = header(m, "Contact", "m", 0)) != NULL)
		uri_of(contact, lg->lg_target, sizeof(lg->lg_target));
	if (m->m_status == 200) {
		/* Client side: routes in reverse order; ours are few. */
		const char	*v[16];
		int		 n = 0;
		size_t		 len = 0;

		while (n < 16 && (v[n] = header(m, "Record-Route", NULL, n)) != NULL)
			n++;
		lg->lg_routes[0] = '\0';
		while (n-- > 0)
			len += (size_t)snprintf(lg->lg_routes + len,
			    sizeof(lg->lg_routes) - len, "Route: %s\r\n", v[n]);
		leg_send(lg, 0, "ACK %s SIP/2.0\r\n"
		    "Via: SIP/2.0/UDP %s:%d;branch=z9hG4bKack%u\r\n"
		    "Max-Forwards: 70\r\n%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\n"
		    "CSeq: %u ACK\r\nContent-Length: 0\r\n\r\n", lg->lg_target,
		    selfhost, ntohs(self.sin_port), ++serial, lg->lg_routes,
		    lg->lg_local, lg->lg_remote, lg->lg_callid, lg->lg_icseq);
		if (lg->lg_state == L_UP || lg->lg_state == L_ENDING)
			return;			/* a retransmission */
		lg->lg_state = L_UP;
		if (ca->ca_cancelled) {
			leg_bye(lg);
			return;
		}
		ca->ca_final = 200;
		if (delay_answer)
			arm(&ca->ca_delay, delay_answer);
		else
			call_delay(-1, 0, ca);
		return;
	}
	leg_send(lg, 0, "ACK sip:%s@%s:%d SIP/2.0\r\n"
	    "Via: SIP/2.0/UDP %s:%d;branch=%s\r\nMax-Forwards: 70\r\n"
	    "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u ACK\r\n"
	    "Content-Length: 0\r\n\r\n", ca->ca_called,
	    inet_ntoa(lg->lg_peer.sin_addr), ntohs(lg->lg_peer.sin_port), selfhost,
	    ntohs(self.sin_port), lg->lg_branch, lg->lg_local, lg->lg_remote,
	    lg->lg_callid, lg->lg_icseq);
	lg->lg_state = L_DONE;
	leg_answer(&ca->ca_a, m->m_status, "");
}

/* Both halves finished: forget the call once retransmissions have died down. */
static void
call_done(struct call *ca)
{
	if (ca->ca_a.lg_state != L_DONE || (ca->ca_b.lg_state != L_DONE &&
	    ca->ca_b.lg_state != L_IDLE))
		return;
	if (!evtimer_pending(&ca->ca_reap, NULL)) {
		nlive--;
		arm(&ca->ca_reap, 4000);
	}
}

static void
call_reap(int fd, short ev, void *arg)
{
	struct call	*ca = arg;

	(void)fd;
	(void)ev;
	event_del(&ca->ca_a.lg_timer);
	event_del(&ca->ca_b.lg_timer);
	event_del(&ca->ca_delay);
	TAILQ_REMOVE(&calls, ca, ca_entry);
	free(ca);
}

static void
sip_read(int fd, short ev, void *arg)
{
	static struct msg	 m;
	struct sockaddr_in	 from;
	socklen_t		 len;
	ssize_t			 n;

	(void)ev;
	(void)arg;
	len = sizeof(from);
	n = recvfrom(fd, m.m_buf, sizeof(m.m_buf) - 1, 0,
	    (struct sockaddr *)&from, &len);
	if (n <= 0)
		return;
	if (verbose)
		fprintf(stderr, "pstn: < %.*s\n", (int)strcspn(m.m_buf, "\r"), m.m_buf);
	if (parse(&m, (size_t)n) == -1 || header(&m, "Call-ID", "i", 0) == NULL ||
	    header(&m, "From", "f", 0) == NULL || header(&m, "To", "t", 0) == NULL)
		return;
	if (m.m_status == 0)
		request(&m, &from);
	else
		response(&m, &from);
}

static void
ctl_command(int argc, char **argv, char *out, size_t size)
{
	struct route	*ro, *tmp;
	struct offered	*of;
	unsigned	 n = 0;
	size_t		 len = 0;
	const char	*c = argv[0];

	snprintf(out, size, "ok\n");
	if (strcmp(c, "count") == 0 && argc == 1)
		snprintf(out, size, "offered=%u answered=%u live=%u\n", ncalls,
		    nanswered, nlive);
	else if (strcmp(c, "count") == 0 && argc == 2) {
		TAILQ_FOREACH(of, &offers, of_entry)
			n += strcmp(of->of_called, argv[1]) == 0;
		snprintf(out, size, "%u\n", n);
	} else if (strcmp(c, "calls") == 0) {
		out[0] = '\0';
		TAILQ_FOREACH(of, &offers, of_entry)
			if (len + 70 < size)
				len += (size_t)snprintf(out + len, size - len,
				    "%s %s\n", of->of_caller[0] ? of->of_caller : "-",
				    of->of_called);
	} else if (strcmp(c, "route") == 0 && argc == 3) {
		TAILQ_FOREACH_SAFE(ro, &routes, ro_entry, tmp)
			if (strcmp(ro->ro_prefix, argv[1]) == 0) {
				TAILQ_REMOVE(&routes, ro, ro_entry);
				free(ro);
			}
		if (strcmp(argv[2], "none") == 0)
			return;
		if ((ro = calloc(1, sizeof(*ro))) == NULL)
			die("calloc");
		strlcpy(ro->ro_prefix, argv[1], sizeof(ro->ro_prefix));
		if (addr_parse(argv[2], &ro->ro_to) == -1) {
			free(ro);
			snprintf(out, size, "bad address\n");
			return;
		}
		TAILQ_INSERT_TAIL(&routes, ro, ro_entry);
	} else if (strcmp(c, "withhold") == 0 && argc == 2)
		strlcpy(withhold, strcmp(argv[1], "none") == 0 ? "" : argv[1],
		    sizeof(withhold));
	else if (strcmp(c, "rewrite") == 0 && argc == 3) {
		strlcpy(rw_from, argv[1], sizeof(rw_from));
		strlcpy(rw_to, argv[2], sizeof(rw_to));
	} else if (strcmp(c, "delay-answer") == 0 && argc == 2)
		delay_answer = (unsigned)strtonum(argv[1], 0, 60000, NULL);
	else if (strcmp(c, "delay-bye") == 0 && argc == 2)
		delay_bye = (unsigned)strtonum(argv[1], 0, 60000, NULL);
	else if (strcmp(c, "quit") == 0)
		event_loopexit(NULL);
	else
		snprintf(out, size, "unknown command\n");
}

static void
ctl_read(int fd, short ev, void *arg)
{
	struct timeval	 tv = { 2, 0 };
	char		 in[1024], out[16384], *argv[8], *p;
	int		 c, argc = 0;
	ssize_t		 n;

	(void)ev;
	(void)arg;
	if ((c = accept(fd, NULL, NULL)) == -1)
		return;
	(void)setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if ((n = read(c, in, sizeof(in) - 1)) > 0) {
		in[n] = '\0';
		for (p = strtok(in, " \n"); p != NULL && argc < 8;
		    p = strtok(NULL, " \n"))
			argv[argc++] = p;
		if (argc > 0) {
			ctl_command(argc, argv, out, sizeof(out));
			if (write(c, out, strlen(out)) == -1 && verbose)
				warn("pstn: control");
		}
	}
	close(c);
}

static int
ctl_client(const char *path, int argc, char **argv)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	char			 buf[16384];
	ssize_t			 n;
	int			 fd, i;

	strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		die(path);
	buf[0] = '\0';
	for (i = 0; i < argc; i++) {
		strlcat(buf, argv[i], sizeof(buf));
		strlcat(buf, i + 1 < argc ? " " : "\n", sizeof(buf));
	}
	if (write(fd, buf, strlen(buf)) == -1)
		die("write");
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		(void)fwrite(buf, 1, (size_t)n, stdout);
	close(fd);
	return (0);
}

int
main(int argc, char **argv)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	struct event		 sipev, ctlev;
	const char		*ctl = NULL;
	int			 ch, listening = 0;

	while ((ch = getopt(argc, argv, "l:s:v")) != -1)
		switch (ch) {
		case 'l':
			if (addr_parse(optarg, &self) == -1)
				errx(1, "pstn: %s: not ADDR:PORT", optarg);
			listening = 1;
			break;
		case 's':
			ctl = optarg;
			break;
		case 'v':
			verbose = 1;
			break;
		default:
			errx(1, "usage: pstn -l ADDR:PORT -s CONTROL | "
			    "pstn -s CONTROL command ...");
		}
	argc -= optind;
	argv += optind;
	if (ctl == NULL)
		errx(1, "pstn: -s CONTROL is missing");
	if (!listening)
		return (ctl_client(ctl, argc, argv));

	event_init();
	strlcpy(selfhost, inet_ntoa(self.sin_addr), sizeof(selfhost));
	if ((sipfd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) == -1 ||
	    bind(sipfd, (struct sockaddr *)&self, sizeof(self)) == -1)
		die("bind");
	strlcpy(sun.sun_path, ctl, sizeof(sun.sun_path));
	(void)unlink(ctl);
	if ((ctlfd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) == -1 ||
	    bind(ctlfd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(ctlfd, 8) == -1)
		die(ctl);
	event_set(&sipev, sipfd, EV_READ | EV_PERSIST, sip_read, NULL);
	event_set(&ctlev, ctlfd, EV_READ | EV_PERSIST, ctl_read, NULL);
	event_add(&sipev, NULL);
	event_add(&ctlev, NULL);
	event_dispatch();
	(void)unlink(ctl);
	return (0);
}
