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
 * HTTP answers from anybody: the same verdict and the same body however the
 * bytes are cut.  The first byte is the size of the pieces; input that begins
 * with "https" is a URL.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl_http.h"

#define BODY_MAX	4096

int		 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int	 run(struct http *, const uint8_t *, size_t, size_t);
static void	 url(const uint8_t *, size_t);

static int
run(struct http *h, const uint8_t *p, size_t len, size_t step)
{
	uint8_t	*copy;
	size_t	 n;
	int	 r = 0;

	for (; len > 0 && r != -1; p += n, len -= n) {
		n = len < step ? len : step;
		if ((copy = malloc(n)) == NULL)
			abort();
		memcpy(copy, p, n);
		r = http_feed(h, copy, n);
		free(copy);
	}
	return (r == 0 ? http_end(h) : r);
}

/* What is read writes to what reads to the same. */
static void
url(const uint8_t *p, size_t len)
{
	const char	*why;
	struct url	 u, v;
	char		*text, authority[URL_HOST_SIZE + 16];
	char		 again[URL_HOST_SIZE + URL_PATH_SIZE + 32];

	if ((text = malloc(len + 1)) == NULL)
		abort();
	memcpy(text, p, len);
	text[len] = '\0';
	if (url_parse(text, &u, &why) == 0) {
		(void)snprintf(again, sizeof(again), "https://%s%s",
		    url_authority(&u, authority, sizeof(authority)), u.u_path);
		if (url_parse(again, &v, &why) == -1 ||
		    memcmp(&u, &v, sizeof(u)) != 0)
			abort();
	} else if (why == NULL)
		abort();
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct http_answer	*a, *b;
	struct http			*one, *two;
	int				 r;

	if (size == 0)
		return (0);
	if (size >= 5 && memcmp(data, "https", 5) == 0) {
		url(data, size);
		return (0);
	}
	if ((one = http_new(BODY_MAX)) == NULL ||
	    (two = http_new(BODY_MAX)) == NULL)
		abort();
	r = run(one, data + 1, size - 1, size);
	if (r != run(two, data + 1, size - 1, (size_t)data[0] + 1))
		abort();
	a = http_answer(one);
	b = http_answer(two);
	if (r == 1 && (a->ha_status < 200 || a->ha_status > 999 ||
	    a->ha_len > BODY_MAX || a->ha_status != b->ha_status ||
	    a->ha_len != b->ha_len || strcmp(a->ha_type, b->ha_type) != 0 ||
	    (a->ha_len > 0 && memcmp(a->ha_body, b->ha_body, a->ha_len) != 0)))
		abort();
	if (r != 1 && http_why(one) == NULL)
		abort();
	http_free(one);
	http_free(two);
	return (0);
}
