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

/* viprctl: the rows of an answer, kept until all are there. */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "ctl_output.h"

int
rows_add(struct output_rows *rows, const void *data, size_t len)
{
	static size_t		 total;
	struct output_row	*r;
	struct ctl_field	 f;
	struct cur		 c;
	char			 kind[64];
	size_t			 n = 0;
	int			 more;

	if (len > CTL_ROW_MAX || total > OUTPUT_BYTES_MAX - len)
		return (-1);
	cur_init(&c, data, len);
	if (ctl_row_open(&c, kind, sizeof(kind)) == -1 || kind[0] == '\0')
		return (-1);
	while ((more = ctl_row_next(&c, &f)) == 1)
		if (++n > OUTPUT_FIELDS_MAX || f.cf_name[0] == '\0')
			return (-1);
	if (more == -1)
		return (-1);
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (-1);
	if ((r->or_data = malloc(len)) == NULL) {
		free(r);
		return (-1);
	}
	memcpy(r->or_data, data, len);
	r->or_len = len;
	total += len;
	STAILQ_INSERT_TAIL(rows, r, or_entry);
	return (0);
}

void
rows_free(struct output_rows *rows)
{
	struct output_row	*r;

	while ((r = STAILQ_FIRST(rows)) != NULL) {
		STAILQ_REMOVE_HEAD(rows, or_entry);
		free(r->or_data);
		free(r);
	}
}

size_t
row_fields(const struct output_row *r, char kind[64],
    struct ctl_field f[OUTPUT_FIELDS_MAX])
{
	struct cur	 c;
	size_t		 n = 0;

	cur_init(&c, r->or_data, r->or_len);
	if (ctl_row_open(&c, kind, 64) == -1)
		return (0);
	while (n < OUTPUT_FIELDS_MAX && ctl_row_next(&c, &f[n]) == 1)
		n++;
	return (n);
}

size_t
utf8_next(const char *s, size_t len, uint32_t *cp)
{
	const unsigned char	*p = (const unsigned char *)s;
	static const uint32_t	 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t			 n, i;

	*cp = 0xfffd;
	if (p[0] < 0x80) {
		*cp = p[0];
		return (1);
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return (1);
	if (len < n)
		return (1);
	*cp = p[0] & (0xffU >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			*cp = 0xfffd;
			return (1);
		}
		*cp = *cp << 6 | (p[i] & 0x3f);
	}
	/* Too long a form, a half of UTF-16, beyond Unicode. */
	if (*cp < least[n] || (*cp >= 0xd800 && *cp <= 0xdfff) ||
	    *cp > 0x10ffff) {
		*cp = 0xfffd;
		return (1);
	}
	return (n);
}

int
utf8_special(uint32_t cp)
{
	return (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x2028 ||
	    cp == 0x2029 || (cp >= 0x200b && cp <= 0x200f) ||
	    (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069) ||
	    cp == 0xfeff || cp == 0xfffd);
}
