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

/* Log lines to stderr, to syslog, or as datagrams to the parent; see log.h. */

#define LIBBSD_OPENBSD_VIS	/* libbsd has two strnvis; we use neither */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include <vis.h>

#include "log.h"

#define LOG_STR_MAX	200	/* of escaped text */

enum log_mode { MODE_STDERR, MODE_SYSLOG, MODE_FD };

static enum log_mode	 mode = MODE_STDERR;
static char		 ident[64] = "vipr";
static int		 verbosity;
static int		 log_fd = -1;
static int		 log_facility = LOG_DAEMON;
static unsigned		 log_lost;

static void	log_emit(int, const char *);
static void	log_fdline(int, const char *);
static void	log_format(char *, size_t, int, const char *, va_list)
		    __attribute__((__format__(printf, 4, 0)));
static void	log_start(const char *, int);
static void	log_syslog(const char *, int, const char *);

static void
log_start(const char *name, int verbose)
{
	snprintf(ident, sizeof(ident), "%s", name);
	verbosity = verbose;
}

void
log_init_stderr(const char *name, int verbose)
{
	log_start(name, verbose);
	mode = MODE_STDERR;
}

void
log_init_syslog(const char *name, int verbose, int facility)
{
	log_start(name, verbose);
	log_facility = facility;
	tzset();
	mode = MODE_SYSLOG;
}

void
log_init_fd(const char *name, int verbose, int fd)
{
	int	fl;

	log_start(name, verbose);
	if ((fl = fcntl(fd, F_GETFL)) != -1)
		(void)fcntl(fd, F_SETFL, fl | O_NONBLOCK);
	log_fd = fd;
	mode = MODE_FD;
}

void
log_setverbose(int verbose)
{
	verbosity = verbose;
}

int
log_getverbose(void)
{
	return (verbosity);
}

/* One datagram: a digit for the priority, then the text.  A parent that
 * doesn't keep up costs lines, never time. */
static void
log_fdline(int priority, const char *line)
{
	char	buf[LOG_LINE_MAX + 64];
	int	n;

	if (log_lost > 0) {
		n = snprintf(buf, sizeof(buf), "%c%u log lines lost",
		    '0' + LOG_WARNING, log_lost);
		if (write(log_fd, buf, (size_t)n) == -1) {
			log_lost++;
			return;
		}
		log_lost = 0;
	}
	n = snprintf(buf, sizeof(buf), "%c%s", '0' + priority, line);
	if ((size_t)n >= sizeof(buf))
		n = (int)sizeof(buf) - 1;
	if (write(log_fd, buf, (size_t)n) == -1)
		log_lost++;
}

#ifdef __OpenBSD__
static void
log_syslog(const char *name, int priority, const char *line)
{
	struct syslog_data	data = SYSLOG_DATA_INIT;

	data.log_tag = name;
	data.log_fac = log_facility;
	syslog_r(priority, &data, "%s", line);
}
#else
/* openlog(3) knows one name a process and we write for several, so we speak
 * to the daemon's socket ourselves.  Absent or busy: the line is lost. */
static void
log_syslog(const char *name, int priority, const char *line)
{
	static int		 sock = -1;
	struct sockaddr_un	 sun;
	struct tm		 tm;
	time_t			 now;
	char			 buf[LOG_LINE_MAX + 128], stamp[32];
	int			 i, n;

	now = time(NULL);
	if (localtime_r(&now, &tm) == NULL ||
	    strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &tm) == 0)
		return;
	n = snprintf(buf, sizeof(buf), "<%d>%s %s: %s",
	    log_facility | priority, stamp, name, line);
	if ((size_t)n >= sizeof(buf))
		n = (int)sizeof(buf) - 1;
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	snprintf(sun.sun_path, sizeof(sun.sun_path), "/dev/log");
	for (i = 0; i < 2; i++) {
		if (sock == -1) {
			sock = socket(AF_UNIX,
			    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
			if (sock == -1)
				return;
			if (connect(sock, (struct sockaddr *)&sun,
			    sizeof(sun)) == -1) {
				close(sock);
				sock = -1;
				return;
			}
		}
		if (send(sock, buf, (size_t)n, MSG_NOSIGNAL) != -1 ||
		    errno == EAGAIN || errno == ENOBUFS)
			return;
		/* syslogd was restarted: once more on a new socket. */
		close(sock);
		sock = -1;
	}
}
#endif

/* Control characters never reach a log, whoever wrote the line. */
void
log_relay(const char *name, int priority, const char *line)
{
	char	clean[LOG_LINE_MAX];
	size_t	i;

	for (i = 0; line[i] != '\0' && i < sizeof(clean) - 1; i++)
		clean[i] = (unsigned char)line[i] < ' ' || line[i] == 0x7f ?
		    '?' : line[i];
	clean[i] = '\0';
	priority &= LOG_PRIMASK;
	if (mode == MODE_SYSLOG)
		log_syslog(name, priority, clean);
	else
		fprintf(stderr, "%s: %s\n", name, clean);
}

static void
log_emit(int priority, const char *line)
{
	char	name[96];

	if (mode == MODE_FD) {
		log_fdline(priority, line);
		return;
	}
	snprintf(name, sizeof(name), "%s[%ld]", ident, (long)getpid());
	log_relay(name, priority, line);
}

/* Appends the error text unless err is 0. */
static void
log_format(char *buf, size_t size, int err, const char *fmt, va_list ap)
{
	size_t	n;

	if (vsnprintf(buf, size, fmt, ap) < 0)
		snprintf(buf, size, "(unprintable)");
	if (err != 0) {
		n = strlen(buf);
		snprintf(buf + n, size - n, "%s%s", n ? ": " : "",
		    strerror(err));
	}
}

void
log_warn(const char *fmt, ...)
{
	char	line[LOG_LINE_MAX];
	va_list	ap;
	int	save = errno;

	va_start(ap, fmt);
	log_format(line, sizeof(line), save, fmt, ap);
	va_end(ap);
	log_emit(LOG_WARNING, line);
	errno = save;
}

void
log_warnx(const char *fmt, ...)
{
	char	line[LOG_LINE_MAX];
	va_list	ap;
	int	save = errno;

	va_start(ap, fmt);
	log_format(line, sizeof(line), 0, fmt, ap);
	va_end(ap);
	log_emit(LOG_WARNING, line);
	errno = save;
}

void
log_info(const char *fmt, ...)
{
	char	line[LOG_LINE_MAX];
	va_list	ap;
	int	save = errno;

	va_start(ap, fmt);
	log_format(line, sizeof(line), 0, fmt, ap);
	va_end(ap);
	log_emit(LOG_INFO, line);
	errno = save;
}

void
log_debug(const char *fmt, ...)
{
	char	line[LOG_LINE_MAX];
	va_list	ap;
	int	save = errno;

	if (verbosity == 0)
		return;
	va_start(ap, fmt);
	log_format(line, sizeof(line), 0, fmt, ap);
	va_end(ap);
	log_emit(LOG_DEBUG, line);
	errno = save;
}

void
fatal(const char *fmt, ...)
{
	char	line[LOG_LINE_MAX], what[LOG_LINE_MAX - 16];
	va_list	ap;
	int	save = errno;

	va_start(ap, fmt);
	log_format(what, sizeof(what), save, fmt, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "fatal: %s", what);
	log_emit(LOG_CRIT, line);
	_exit(1);
}

void
fatalx(const char *fmt, ...)
{
	char	line[LOG_LINE_MAX], what[LOG_LINE_MAX - 16];
	va_list	ap;

	va_start(ap, fmt);
	log_format(what, sizeof(what), 0, fmt, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "fatal: %s", what);
	log_emit(LOG_CRIT, line);
	_exit(1);
}

const char *
log_str(const void *data, size_t len)
{
	static char	 bufs[4][LOG_STR_MAX + 8];
	static unsigned	 turn;
	const char	*p = data;
	char		*buf, *q;
	size_t		 i;

	q = buf = bufs[turn++ % 4];
	for (i = 0; i < len; i++) {
		if (q - buf > LOG_STR_MAX - 4) {
			memcpy(q, "...", 3);
			q += 3;
			break;
		}
		q = vis(q, (unsigned char)p[i],
		    VIS_CSTYLE | VIS_OCTAL | VIS_TAB | VIS_NL, 0);
	}
	*q = '\0';
	return (buf);
}

int
log_allow(struct log_limit *ll, unsigned long long now_ms)
{
	unsigned long long	gain;
	unsigned		dropped;

	if (ll->ll_last_ms == 0) {
		ll->ll_tokens = ll->ll_burst;
		ll->ll_last_ms = now_ms;
	} else if (now_ms > ll->ll_last_ms && ll->ll_period_ms > 0) {
		gain = (now_ms - ll->ll_last_ms) / ll->ll_period_ms;
		if (gain >= ll->ll_burst - ll->ll_tokens) {
			ll->ll_tokens = ll->ll_burst;
			ll->ll_last_ms = now_ms;
		} else {
			ll->ll_tokens += (unsigned)gain;
			ll->ll_last_ms += gain * ll->ll_period_ms;
		}
	} else if (now_ms < ll->ll_last_ms)
		ll->ll_last_ms = now_ms;	/* clock stepped back */
	if (ll->ll_tokens == 0) {
		ll->ll_dropped++;
		return (0);
	}
	ll->ll_tokens--;
	if ((dropped = ll->ll_dropped) > 0) {
		ll->ll_dropped = 0;
		log_info("%s: %u not shown", ll->ll_what, dropped);
	}
	return (1);
}
