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
 * viprd.conf from anybody: read or refused, and what is read prints to what
 * reads to the same.
 */

#include <sys/types.h>

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "config_parse.h"
#include "log.h"
#include "viprd.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static char *
printed(const struct conf *c)
{
	char	*text = NULL;
	size_t	 size;
	FILE	*fp;

	if ((fp = open_memstream(&text, &size)) == NULL)
		err(1, "open_memstream");
	print_config(fp, c);
	if (fclose(fp) == EOF)
		err(1, "open_memstream");
	return (text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int	 quiet;
	struct conf	*c, *d;
	char		*one, *two;
	int		 n;

	/* Messages go nowhere, but a sanitizer's report must be seen. */
	if (!quiet)
		log_init_fd("fuzz", 0, open("/dev/null", O_WRONLY));
	quiet = 1;
	/* It must not read other files than its input. */
	if (size > 65536 || memmem(data, size, "include", 7) != NULL)
		return (0);
	if ((c = parse_config_text("/fuzz.conf", (const char *)data, size,
	    &n)) == NULL)
		return (0);
	one = printed(c);
	if ((d = parse_config_text("/fuzz.conf", one, strlen(one), &n)) ==
	    NULL)
		abort();
	two = printed(d);
	if (strcmp(one, two) != 0)
		abort();
	free(one);
	free(two);
	conf_free(c);
	conf_free(d);
	return (0);
}
