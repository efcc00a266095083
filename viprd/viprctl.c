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
 * viprctl(8): asks a running viprd over its control socket and shows the
 * answer.  Holds nothing: it may not open a file or another socket by the time
 * it reads a byte that came from elsewhere.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "ctl_ca.h"
#include "ctl_output.h"
#include "ctl_overlay.h"
#include "ctl_parse.h"
#include "imsg.h"
#include "log.h"
#include "sandbox.h"
#include "vipr.h"

#define CONTROL_SOCKET	"/run/vipr.sock"
#define ANSWER_S	60	/* without a byte: viprd hangs */

static void	 usage(void) __attribute__((__noreturn__));
static void	 shed(void);
static int	 control_connect(const char *);
static int	 request_send(struct imsgbuf *, const struct ctl_command *);
static int	 hello_check(struct imsg *);
static int	 end_read(struct imsg *, char *, size_t);
static int	 row_read(struct imsg *, struct output_rows *);
static int	 message(struct imsg *, struct output_rows *, char *, size_t, int *);
static int	 answer_read(struct imsgbuf *, struct output_rows *, char *, size_t);
static void	 answer_print(const struct ctl_command *, const struct output_rows *, int);
static void	 error_print(const char *);

static void
usage(void)
{
	fprintf(stderr, "usage: viprctl [-j] [-s socket] command [argument ...]\n"
	    "       viprctl ca command [argument ...]\n"
	    "       viprctl overlay command [argument ...]\n");
	exit(1);
}

/* Rights that an installation may have given us by mistake. */
static void
shed(void)
{
	if (setresgid(getgid(), getgid(), getgid()) == -1 ||
	    setresuid(getuid(), getuid(), getuid()) == -1) {
		fprintf(stderr, "viprctl: cannot drop privileges: %s\n",
		    strerror(errno));
		exit(1);
	}
	closefrom(3);
}

static int
control_connect(const char *path)
{
	struct timeval		 tv = { ANSWER_S, 0 };
	struct sockaddr_un	 sun;
	int			 fd;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		fprintf(stderr, "viprctl: %s: name too long for a socket\n",
		    path);
		return (-1);
	}
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == -1 ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		fprintf(stderr, "viprctl: %s: %s%s\n", path, strerror(errno),
		    errno == ENOENT || errno == ECONNREFUSED ?
		    " (is viprd running?)" : errno == EACCES ?
		    " (expected root or a member of group _vipr)" : "");
		if (fd != -1)
			(void)close(fd);
		return (-1);
	}
	return (fd);
}

static int
request_send(struct imsgbuf *ibuf, const struct ctl_command *cc)
{
	struct imsg_ctl_request	 cq;
	struct imsg_hello	 h;
	struct wbuf		 w;
	uint8_t			 buf[sizeof(cq) + CTL_ARGS_MAX * 258];
	int			 i;

	memset(&h, 0, sizeof(h));
	h.h_version = VIPR_IMSG_VERSION;
	h.h_role = ROLE_MAX;		/* none of the processes */
	memset(&cq, 0, sizeof(cq));
	cq.cq_id = 1;
	cq.cq_verb = (uint16_t)cc->cc_verb;
	cq.cq_argc = (uint8_t)cc->cc_argc;
	wbuf_init(&w, buf, sizeof(buf));
	wbuf_bytes(&w, &cq, sizeof(cq));
	for (i = 0; i < cc->cc_argc; i++)
		wbuf_lv_str(&w, 2, cc->cc_argv[i]);
	if (wbuf_ok(&w) == -1) {
		errno = EMSGSIZE;
		return (-1);
	}
	if (imsg_compose(ibuf, IMSG_HELLO, 0, 0, -1, &h, sizeof(h)) == -1 ||
	    imsg_compose(ibuf, IMSG_CTL_REQUEST, 0, 0, -1, buf, w.w_len) == -1)
		return (-1);
	return (imsgbuf_flush(ibuf));
}

static int
hello_check(struct imsg *im)
{
	struct imsg_hello	 h;

	if (imsg_get_data(im, &h, sizeof(h)) == -1)
		return (-1);
	if (h.h_version != VIPR_IMSG_VERSION) {
		fprintf(stderr, "viprctl: viprd speaks version %u of the "
		    "control protocol, viprctl version %d\n", h.h_version,
		    VIPR_IMSG_VERSION);
		return (-1);
	}
	return (0);
}

/* Text of the end into error ("": success). */
static int
end_read(struct imsg *im, char *error, size_t size)
{
	struct imsg_ctl_reply	 cr;
	struct ibuf		 b;
	struct cur		 c;

	if (imsg_get_ibuf(im, &b) == -1 ||
	    ibuf_get(&b, &cr, sizeof(cr)) == -1 || cr.cr_id != 1)
		return (-1);
	cur_init(&c, ibuf_data(&b), ibuf_size(&b));
	if (cur_lv_str(&c, 2, error, size) == -1)
		return (-1);
	return (cur_done(&c));
}

static int
row_read(struct imsg *im, struct output_rows *rows)
{
	struct imsg_ctl_reply	 cr;
	struct ibuf		 b;

	if (imsg_get_ibuf(im, &b) == -1 ||
	    ibuf_get(&b, &cr, sizeof(cr)) == -1 || cr.cr_id != 1)
		return (-1);
	return (rows_add(rows, ibuf_data(&b), ibuf_size(&b)));
}

static int
message(struct imsg *im, struct output_rows *rows, char *error, size_t size,
    int *done)
{
	switch (imsg_get_type(im)) {
	case IMSG_HELLO:
		return (hello_check(im));
	case IMSG_CTL_ROW:
		return (row_read(im, rows));
	case IMSG_CTL_END:
		*done = 1;
		return (end_read(im, error, size));
	default:
		return (-1);
	}
}

/* 0 when the answer came whole; -1: said why. */
static int
answer_read(struct imsgbuf *ibuf, struct output_rows *rows, char *error,
    size_t size)
{
	struct imsg	 im;
	int		 n, done = 0;

	while (!done) {
		errno = 0;
		if ((n = imsgbuf_read(ibuf)) == -1 || errno == EAGAIN) {
			fprintf(stderr, "viprctl: no answer: %s\n",
			    errno == EAGAIN ? "viprd is silent" :
			    strerror(errno));
			return (-1);
		}
		if (n == 0) {
			fprintf(stderr, "viprctl: viprd closed the "
			    "connection\n");
			return (-1);
		}
		while (!done && (n = imsgbuf_get(ibuf, &im)) == 1) {
			n = message(&im, rows, error, size, &done);
			imsg_free(&im);
			if (n == -1)
				break;
		}
		if (n == -1) {
			fprintf(stderr, "viprctl: the answer is malformed\n");
			return (-1);
		}
	}
	return (0);
}

static void
answer_print(const struct ctl_command *cc, const struct output_rows *rows,
    int json)
{
	if (cc->cc_shape == SHAPE_QUIET && STAILQ_EMPTY(rows))
		return;
	if (json)
		json_print(stdout, rows, cc->cc_shape);
	else if (cc->cc_shape == SHAPE_METRICS)
		metrics_print(stdout, rows);
	else
		text_print(stdout, rows, cc->cc_shape);
}

static void
error_print(const char *error)
{
	uint32_t	 cp;
	size_t		 i, n, len = strlen(error);

	fputs("viprctl: ", stderr);
	for (i = 0; i < len; i += n) {
		n = utf8_next(error + i, len - i, &cp);
		if (utf8_special(cp) && error[i] != '\n')
			putc('?', stderr);
		else
			(void)fwrite(error + i, 1, n, stderr);
	}
	putc('\n', stderr);
}

int
main(int argc, char **argv)
{
	struct output_rows	 rows = STAILQ_HEAD_INITIALIZER(rows);
	struct ctl_command	 cc;
	struct imsgbuf		 ibuf;
	const char		*path = CONTROL_SOCKET;
	char			 error[CTL_ERROR_MAX];
	int			 ch, fd, json = 0;

	log_init_stderr("viprctl", 0);
	while ((ch = getopt(argc, argv, "+js:")) != -1)
		switch (ch) {
		case 'j':
			json = 1;
			break;
		case 's':
			path = optarg;
			break;
		default:
			usage();
		}
	argc -= optind;
	argv += optind;
	if (argc == 0)
		usage();
	shed();
	if (strcmp(argv[0], "ca") == 0)
		return (ctl_ca(argc, argv));
	if (strcmp(argv[0], "overlay") == 0)
		return (ctl_overlay(argc, argv));
	if (ctl_parse(argc, argv, &cc) == -1)
		return (1);
	(void)signal(SIGPIPE, SIG_IGN);
	if ((fd = control_connect(path)) == -1)
		return (1);
	(void)sandbox_enter(SANDBOX_CTL);
	if (imsgbuf_init(&ibuf, fd) == -1 ||
	    imsgbuf_set_maxsize(&ibuf, VIPR_IMSG_MAX) == -1 ||
	    request_send(&ibuf, &cc) == -1) {
		fprintf(stderr, "viprctl: %s: %s\n", path, strerror(errno));
		return (1);
	}
	error[0] = '\0';
	if (answer_read(&ibuf, &rows, error, sizeof(error)) == -1)
		return (1);
	answer_print(&cc, &rows, json);
	if (error[0] != '\0')
		error_print(error);
	rows_free(&rows);
	imsgbuf_clear(&ibuf);
	(void)close(fd);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		if (errno == EPIPE)	/* the reader has seen enough */
			return (1);
		fprintf(stderr, "viprctl: standard output: %s\n",
		    strerror(errno));
		return (1);
	}
	return (error[0] == '\0' ? 0 : 1);
}
