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

/* core: values in the configuration document: numbers, dates, base64. */

#include <sys/types.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reload_confxml.h"

char *
reload_val_trim(char *s)
{
	size_t	n;

	s += strspn(s, " \t\r\n");
	for (n = strlen(s); n > 0 && strchr(" \t\r\n", s[n - 1]) != NULL; n--)
		s[n - 1] = '\0';
	return (s);
}

int
reload_val_number(const char *s, uint32_t min, uint32_t max, uint32_t *v)
{
	const char	*err;

	*v = (uint32_t)strtonum(s, min, max, &err);
	return (err == NULL ? 0 : -1);
}

int
reload_val_boolean(const char *s, uint8_t *v)
{
	if (strcmp(s, "true") == 0 || strcmp(s, "1") == 0)
		*v = 1;
	else if (strcmp(s, "false") == 0 || strcmp(s, "0") == 0)
		*v = 0;
	else
		return (-1);
	return (0);
}

int
reload_val_node(const char *s, uint8_t *node)
{
	size_t	n = 0;

	return (strlen(s) == 2 * NODEID_LEN && sodium_hex2bin(node, NODEID_LEN,
	    s, 2 * NODEID_LEN, NULL, &n, NULL) == 0 && n == NODEID_LEN ?
	    0 : -1);
}

uint8_t *
reload_val_base64(const char *s, size_t *len)
{
	uint8_t	*buf;
	size_t	 size = strlen(s) / 4 * 3 + 3;

	*len = 0;
	if ((buf = malloc(size)) == NULL)
		return (NULL);
	if (sodium_base642bin(buf, size, s, strlen(s), " \t\r\n", len, NULL,
	    sodium_base64_VARIANT_ORIGINAL) != 0 || *len == 0) {
		free(buf);
		return (NULL);
	}
	return (buf);
}

int
reload_val_date(const char *s, int64_t *out)
{
	struct cur	c;
	struct span	frac;
	struct tm	tm;
	uint64_t	v[6];
	static const char sep[] = "--T::";
	static const uint64_t max[] = { 9999, 12, 31, 23, 59, 60 };
	size_t		i;

	*out = 0;
	cur_init(&c, s, strlen(s));
	for (i = 0; i < 6; i++) {
		if (cur_dec(&c, max[i], &v[i]) == -1 ||
		    (i < 5 && cur_lit(&c, sep[i]) == -1))
			return (-1);
	}
	if (cur_peek(&c) == '.' && cur_until(&c, 'Z', &frac) == -1)
		return (-1);
	if (cur_lit(&c, 'Z') == -1 || cur_done(&c) == -1 || v[0] < 1970 ||
	    v[1] < 1 || v[2] < 1)
		return (-1);
	memset(&tm, 0, sizeof(tm));
	tm.tm_year = (int)v[0] - 1900;
	tm.tm_mon = (int)v[1] - 1;
	tm.tm_mday = (int)v[2];
	tm.tm_hour = (int)v[3];
	tm.tm_min = (int)v[4];
	tm.tm_sec = (int)v[5];
	*out = timegm(&tm);
	return (0);
}
