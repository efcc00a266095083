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
 * TLS secrets of the links in the format of SSLKEYLOGFILE, so that a capture
 * can be read.  Only in a trial, viprd -u -d: elsewhere the parent sends no
 * descriptor, and the message that would bring one is not known here.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "overlayd.h"
#include "proc.h"

#define KEYLOG_LINE	512	/* label, 32 bytes, secret of at most 64, in hex */

static int	 keylog = -1;	/* ours */

static void	 keylog_line(const SSL *, const char *);

/* The parent opened it; it must be a file that only grows. */
int
keylog_take(struct chan *ch, struct chan_msg *cm, void *arg)
{
	struct stat	 st;
	int		 flags;

	(void)ch;
	(void)arg;
	if (!proc_trial() || fstat(cm->cm_fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (flags = fcntl(cm->cm_fd, F_GETFL)) == -1 ||
	    (flags & O_ACCMODE) != O_WRONLY || (flags & O_APPEND) == 0) {
		close(cm->cm_fd);
		return (-1);
	}
	if (keylog != -1)
		close(keylog);
	keylog = cm->cm_fd;
	return (0);
}

/* One write a line, so that several processes can share the file. */
static void
keylog_line(const SSL *ssl, const char *line)
{
	char		 buf[KEYLOG_LINE];
	size_t		 len = strlen(line);

	(void)ssl;
	if (!proc_trial() || keylog == -1 || len >= sizeof(buf))
		return;
	memcpy(buf, line, len);
	buf[len] = '\n';
	if (write(keylog, buf, len + 1) != (ssize_t)(len + 1)) {
		log_warn("key log: given up");
		close(keylog);
		keylog = -1;
	}
	sodium_memzero(buf, sizeof(buf));
}

void
keylog_setup(SSL_CTX *ctx)
{
	if (proc_trial() && keylog != -1)
		SSL_CTX_set_keylog_callback(ctx, keylog_line);
}
