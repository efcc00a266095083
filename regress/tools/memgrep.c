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
 * Does a process still know a telephone number?  memgrep NUMBER PID...: looks
 * through all memory of each process for the number's digits as text and for
 * its packed form.  Prints where it was found; exit status 0 found, 1 nowhere.
 */

#include <sys/types.h>

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "e164.h"

#define CHUNK	(1024 * 1024)
#define OVERLAP	32
#define AROUND	48		/* bytes shown on each side */

static const char	*digits;
static uint64_t		 packed;

static void	 show(const char *, const char *, uint64_t, const uint8_t *,
		    size_t, size_t);
static int	 search(const char *, const char *, uint64_t, const uint8_t *, size_t);
static int	 region(int, const char *, uint64_t, uint64_t, const char *);
static int	 process(const char *);

static void
show(const char *pid, const char *name, uint64_t base, const uint8_t *buf,
    size_t len, size_t at)
{
	size_t	 i = at > AROUND ? at - AROUND : 0, end = at + AROUND;

	printf("%s %s %llx: ", pid, name, (unsigned long long)(base + at));
	for (; i < len && i < end; i++)
		putchar(buf[i] >= ' ' && buf[i] < 0x7f ? buf[i] : '.');
	putchar('\n');
}

static int
search(const char *pid, const char *name, uint64_t base, const uint8_t *buf,
    size_t len)
{
	const uint8_t	*p;
	int		 found = 0;

	if ((p = memmem(buf, len, digits, strlen(digits))) != NULL) {
		show(pid, name, base, buf, len, (size_t)(p - buf));
		found = 1;
	}
	if ((p = memmem(buf, len, &packed, sizeof(packed))) != NULL) {
		show(pid, name, base, buf, len, (size_t)(p - buf));
		found = 1;
	}
	return (found);
}

static int
region(int fd, const char *pid, uint64_t from, uint64_t to, const char *name)
{
	static uint8_t	 buf[CHUNK + OVERLAP];
	uint64_t	 at;
	ssize_t		 n;
	int		 found = 0;

	for (at = from; at < to; at += CHUNK) {
		n = pread(fd, buf, to - at < sizeof(buf) ? (size_t)(to - at) :
		    sizeof(buf), (off_t)at);
		if (n > 0)
			found |= search(pid, name, at, buf, (size_t)n);
	}
	return (found);
}

static int
process(const char *pid)
{
	char		 path[64], line[1024], name[512], mode[8];
	unsigned long long from, to;
	FILE		*maps;
	int		 fd, found = 0;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	if ((maps = fopen(path, "r")) == NULL)
		err(2, "%s", path);
	snprintf(path, sizeof(path), "/proc/%s/mem", pid);
	if ((fd = open(path, O_RDONLY)) == -1)
		err(2, "%s", path);
	while (fgets(line, sizeof(line), maps) != NULL) {
		name[0] = '\0';
		if (sscanf(line, "%llx-%llx %7s %*s %*s %*s %511s", &from, &to,
		    mode, name) < 3 || mode[0] != 'r' || name[0] == '/')
			/* Mapped files are searched as files. */
			if (strncmp(mode, "rw", 2) != 0 ||
			    strstr(name, "data.mdb") != NULL)
				continue;
		if (to > INT64_MAX)
			continue;	/* vsyscall */
		found |= region(fd, pid, from, to, name[0] != '\0' ? name : "-");
	}
	fclose(maps);
	close(fd);
	return (found);
}

int
main(int argc, char **argv)
{
	int	 i, found = 0;

	if (argc < 3 || (packed = e164_pack(argv[1])) == 0)
		errx(2, "usage: memgrep NUMBER PID...");
	digits = argv[1] + 1;
	for (i = 2; i < argc; i++)
		found |= process(argv[i]);
	return (found ? 0 : 1);
}
