/* SPDX-License-Identifier: ISC */
/*
 * Logging.  In a child each line is one datagram to the parent, which writes
 * it to syslog under the child's name; with -d lines go to stderr.  Before
 * log_init lines go to stderr.  Levels: fatal (dying), log_warn (operator must
 * act), log_info (state changed), log_debug (for us, only when verbose).
 */
#ifndef LOG_H
#define LOG_H

#include <stdarg.h>
#include <stddef.h>

#define LOG_LINE_MAX	1024

/* mode: stderr, syslog (parent), or datagrams on fd. */
void	log_init_stderr(const char *ident, int verbose);
void	log_init_syslog(const char *ident, int verbose, int facility);
void	log_init_fd(const char *ident, int verbose, int fd);
void	log_setverbose(int);
int	log_getverbose(void);

void	log_warn(const char *, ...) __attribute__((__format__(printf, 1, 2)));	/* adds errno */
void	log_warnx(const char *, ...) __attribute__((__format__(printf, 1, 2)));
void	log_info(const char *, ...) __attribute__((__format__(printf, 1, 2)));
void	log_debug(const char *, ...) __attribute__((__format__(printf, 1, 2)));
void	fatal(const char *, ...) __attribute__((__noreturn__, __format__(printf, 1, 2)));
void	fatalx(const char *, ...) __attribute__((__noreturn__, __format__(printf, 1, 2)));

/*
 * Bytes from outside, escaped with vis(3) and capped, for a log line.  Uses one
 * of four static buffers in turn.
 */
const char *log_str(const void *, size_t);

/*
 * Rate limit for lines that strangers can cause: 1 if the line may be
 * written.  At most burst lines, then one a period; the next line allowed is
 * preceded by a count of the ones left out.
 */
struct log_limit {
	const char	*ll_what;	/* "refused INVITEs" */
	unsigned	 ll_burst;
	unsigned	 ll_period_ms;
	unsigned	 ll_tokens;
	unsigned	 ll_dropped;
	unsigned long long ll_last_ms;
};
int	log_allow(struct log_limit *, unsigned long long now_ms);

/* Parent: write a datagram of a child to syslog or stderr. */
void	log_relay(const char *ident, int priority, const char *line);

#endif
