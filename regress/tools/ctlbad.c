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
 * A client of the control socket that need not be polite, for tests.
 *   ctlbad SOCKET ask VERB [ARG ...]   rows as text; status 1 and the error
 *   ctlbad SOCKET MISCHIEF             status 0 when the other end closed on us
 *   ctlbad SOCKET hold N               N idle connections until stdin ends;
 *                                      prints how many of them were kept
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "cursor.h"
#include "imsg.h"
#include "vipr.h"

#define WAIT_MS		20000
#define HOLD_MAX	256

static int	ask(int, int, char **);
static int	closed(int);
static int	dial(const char *);
static void	hello(struct imsgbuf *, uint32_t);
static void	hold(const char *, int);
static int	mischief(int, const char *);
static int	print_end(struct cur *);
static void	print_row(struct cur *);
static void	request(struct imsgbuf *, unsigned, int, char **);
static void	usage(void) __attribute__((__noreturn__));

static void
usage(void)
{
	fprintf(stderr, "usage: ctlbad socket ask verb [arg ...]\n"
	    "       ctlbad socket hold n\n"
	    "       ctlbad socket garbage|huge|short|nohello|version|type|"
	    "argc|descriptor|twice|flood\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	int	status = 0;

	if (argc < 3)
		usage();
	if (strcmp(argv[2], "hold") == 0) {
		if (argc != 4)
			usage();
		hold(argv[1], (int)strtol(argv[3], NULL, 10));
	} else if (strcmp(argv[2], "ask") == 0) {
		if (argc < 4)
			usage();
		status = ask(dial(argv[1]), argc - 3, argv + 3);
	} else
		status = mischief(dial(argv[1]), argv[2]);
	/* Buffers of the connection are the kernel's to free now. */
	fflush(stdout);
	_exit(status);
}

static int
dial(const char *path)
{
	struct sockaddr_un	sun;
	int			fd;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path))
		errx(2, "%s: name too long", path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err(2, "%s", path);
	return (fd);
}

static void
hello(struct imsgbuf *ib, uint32_t version)
{
	struct imsg_hello	h;

	memset(&h, 0, sizeof(h));
	h.h_version = version;
	h.h_role = ROLE_MAX;
	if (imsg_compose(ib, IMSG_HELLO, 0, 0, -1, &h, sizeof(h)) == -1)
		err(2, "hello");
}

static void
request(struct imsgbuf *ib, unsigned verb, int argc, char **argv)
{
	struct imsg_ctl_request	cq;
	struct iovec		iov[2];
	struct wbuf		w;
	uint8_t			buf[8192];
	int			i;

	memset(&cq, 0, sizeof(cq));
	cq.cq_id = 7;
	cq.cq_verb = (uint16_t)verb;
	cq.cq_class = CTL_ROOT;		/* nobody must believe this */
	cq.cq_argc = (uint8_t)argc;
	wbuf_init(&w, buf, sizeof(buf));
	for (i = 0; i < argc; i++)
		wbuf_lv_str(&w, 2, argv[i]);
	if (wbuf_ok(&w) == -1)
		errx(2, "arguments too long");
	iov[0].iov_base = &cq;
	iov[0].iov_len = sizeof(cq);
	iov[1].iov_base = buf;
	iov[1].iov_len = w.w_len;
	if (imsg_composev(ib, IMSG_CTL_REQUEST, 0, 0, -1, iov, 2) == -1)
		err(2, "request");
}

static void
print_row(struct cur *c)
{
	struct ctl_field	f;
	struct span		s;
	char			kind[64];
	uint64_t		i;
	int			r;

	if (ctl_row_open(c, kind, sizeof(kind)) == -1)
		errx(2, "malformed row");
	printf("%s", kind);
	while ((r = ctl_row_next(c, &f)) == 1) {
		printf(" %s=", f.cf_name);
		switch (f.cf_type) {
		case 's':
			printf("%.*s", (int)f.cf_str.len, f.cf_str.p);
			break;
		case 'n':
			printf("-");
			break;
		case 'l':
			for (i = 0; i < f.cf_num; i++) {
				(void)cur_lv_span(&f.cf_list, 2, CTL_ROW_MAX,
				    &s);
				printf("%s%.*s", i ? "," : "", (int)s.len,
				    s.p);
			}
			break;
		default:
			printf("%" PRIu64, f.cf_num);
			break;
		}
	}
	if (r == -1)
		errx(2, "malformed row");
	printf("\n");
}

static int
print_end(struct cur *c)
{
	char	error[CTL_ERROR_MAX];

	if (cur_lv_str(c, 2, error, sizeof(error)) == -1)
		errx(2, "malformed end");
	if (error[0] == '\0')
		return (0);
	printf("error: %s\n", error);
	return (1);
}

static int
ask(int fd, int argc, char **argv)
{
	struct imsg_ctl_reply	cr;
	struct imsgbuf		ib;
	struct imsg		imsg;
	struct cur		c;
	struct ibuf		rest;
	uint32_t		type;

	if (imsgbuf_init(&ib, fd) == -1)
		err(2, "imsgbuf_init");
	(void)imsgbuf_set_maxsize(&ib, VIPR_IMSG_MAX);
	hello(&ib, VIPR_IMSG_VERSION);
	request(&ib, (unsigned)strtoul(argv[0], NULL, 10), argc - 1, argv + 1);
	if (imsgbuf_flush(&ib) == -1)
		err(2, "write");
	for (;;) {
		if (imsg_get(&ib, &imsg) == 0) {
			switch (imsgbuf_read(&ib)) {
			case -1:
				err(2, "read");
			case 0:
				errx(2, "closed");
			default:
				continue;
			}
		}
		type = imsg_get_type(&imsg);
		if (type == IMSG_CTL_ROW || type == IMSG_CTL_END) {
			if (imsg_get_buf(&imsg, &cr, sizeof(cr)) == -1 ||
			    cr.cr_id != 7 || imsg_get_ibuf(&imsg, &rest) == -1)
				errx(2, "malformed answer");
			cur_init(&c, ibuf_data(&rest), ibuf_size(&rest));
			if (type == IMSG_CTL_END)
				return (print_end(&c));
			print_row(&c);
		}
		imsg_free(&imsg);
	}
}

/* Read until the other end closes: 0; 1 when it does not. */
static int
closed(int fd)
{
	struct pollfd	pfd;
	char		buf[4096];
	ssize_t		n;

	for (;;) {
		pfd.fd = fd;
		pfd.events = POLLIN;
		if (poll(&pfd, 1, WAIT_MS) != 1)
			return (1);
		n = read(fd, buf, sizeof(buf));
		if (n == 0 || (n == -1 && errno == ECONNRESET))
			return (0);
		if (n == -1)
			return (1);
	}
}

static int
mischief(int fd, const char *what)
{
	struct imsg_hdr	hdr;
	struct imsgbuf	ib;
	char		junk[4096];
	int		i;

	if (imsgbuf_init(&ib, fd) == -1)
		err(2, "imsgbuf_init");
	(void)imsgbuf_set_maxsize(&ib, VIPR_IMSG_MAX);
	memset(&hdr, 0, sizeof(hdr));
	memset(junk, 0xa5, sizeof(junk));
	if (strcmp(what, "garbage") == 0) {
		if (write(fd, junk, sizeof(junk)) == -1)
			return (0);
		return (closed(fd));
	}
	if (strcmp(what, "huge") == 0 || strcmp(what, "short") == 0) {
		hdr.type = IMSG_HELLO;
		hdr.len = what[0] == 'h' ? 0x7fffffff : 3;
		if (write(fd, &hdr, sizeof(hdr)) == -1)
			return (0);
		return (closed(fd));
	}
	if (strcmp(what, "nohello") != 0)
		hello(&ib, strcmp(what, "version") == 0 ?
		    VIPR_IMSG_VERSION + 1 : VIPR_IMSG_VERSION);
	if (strcmp(what, "nohello") == 0 || strcmp(what, "version") == 0)
		request(&ib, CTL_SHOW, 0, NULL);
	else if (strcmp(what, "type") == 0)
		(void)imsg_compose(&ib, IMSG_SHUTDOWN, 0, 0, -1, NULL, 0);
	else if (strcmp(what, "argc") == 0) {
		struct imsg_ctl_request	cq;

		memset(&cq, 0, sizeof(cq));
		cq.cq_verb = CTL_EXPLAIN;
		cq.cq_argc = 255;
		(void)imsg_compose(&ib, IMSG_CTL_REQUEST, 0, 0, -1, &cq,
		    sizeof(cq));
	} else if (strcmp(what, "descriptor") == 0)
		(void)imsg_compose(&ib, IMSG_CTL_REQUEST, 0, 0, dup(fd), junk,
		    16);
	else if (strcmp(what, "twice") == 0)
		hello(&ib, VIPR_IMSG_VERSION);
	else if (strcmp(what, "flood") == 0) {
		/* Never reads an answer; the other end must not grow. */
		for (i = 0; i < 20000; i++)
			request(&ib, CTL_SHOW, 0, NULL);
		if (imsgbuf_flush(&ib) == -1)
			return (0);
		return (closed(fd));
	} else
		usage();
	if (imsgbuf_flush(&ib) == -1)
		return (0);
	return (closed(fd));
}

static void
hold(const char *path, int n)
{
	struct pollfd	pfd[HOLD_MAX];
	char		c;
	int		i, kept = 0;

	if (n > HOLD_MAX)
		n = HOLD_MAX;
	for (i = 0; i < n; i++) {
		pfd[i].fd = dial(path);
		pfd[i].events = POLLIN;
	}
	/* Kept ones are greeted, the others closed. */
	for (i = 0; i < n; i++)
		if (poll(&pfd[i], 1, WAIT_MS) == 1 &&
		    recv(pfd[i].fd, &c, 1, MSG_PEEK) == 1)
			kept++;
	printf("%d\n", kept);
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
}
