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
 * A TCP connection for tests: what comes on stdin is sent, what comes is
 * written to stdout.  It ends with either side.
 *
 *   tcpline [-l ADDR] ADDR:PORT
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <err.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"

static void	 address(char *, struct vaddr *);
static int	 copy(int, int);
static void	 usage(void) __attribute__((__noreturn__));

static void
usage(void)
{
	(void)fprintf(stderr, "usage: tcpline [-l address] address:port\n");
	exit(1);
}

static void
address(char *text, struct vaddr *va)
{
	const char	*why;
	char		*colon;

	if ((colon = strrchr(text, ':')) == NULL)
		usage();
	*colon = '\0';
	if (vaddr_parse(text, (uint16_t)strtonum(colon + 1, 1, UINT16_MAX, &why), va) == -1)
		errx(1, "%s: no address", text);
}

static int
copy(int from, int to)
{
	uint8_t	buf[65536];
	ssize_t	n;

	if ((n = read(from, buf, sizeof(buf))) <= 0)
		return (-1);
	return (write(to, buf, (size_t)n) == n ? 0 : -1);
}

int
main(int argc, char *argv[])
{
	struct sockaddr_storage	ss;
	struct vaddr		to, from;
	struct pollfd		pfd[2];
	char			*local = NULL;
	socklen_t		len;
	int			ch, s;

	while ((ch = getopt(argc, argv, "l:")) != -1) {
		if (ch != 'l')
			usage();
		local = optarg;
	}
	if (argc - optind != 1)
		usage();
	address(argv[optind], &to);
	len = vaddr_to_sa(&to, &ss);
	if ((s = socket(ss.ss_family, SOCK_STREAM, 0)) == -1)
		err(1, "socket");
	if (local != NULL) {
		struct sockaddr_storage	here;
		socklen_t		hlen;

		if (vaddr_parse(local, 0, &from) == -1)
			errx(1, "%s: no address", local);
		hlen = vaddr_to_sa(&from, &here);
		if (bind(s, (struct sockaddr *)&here, hlen) == -1)
			err(1, "%s", local);
	}
	if (connect(s, (struct sockaddr *)&ss, len) == -1)
		err(1, "%s", argv[optind]);
	pfd[0].fd = STDIN_FILENO;
	pfd[1].fd = s;
	pfd[0].events = pfd[1].events = POLLIN;
	for (;;) {
		if (poll(pfd, 2, -1) == -1)
			err(1, "poll");
		if ((pfd[0].revents != 0 && copy(STDIN_FILENO, s) == -1) ||
		    (pfd[1].revents != 0 && copy(s, STDOUT_FILENO) == -1))
			return (0);
	}
}
