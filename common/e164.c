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

/* core: telephone numbers, from what is dialled to E.164. */

#include <string.h>

#include "e164.h"

#define DIALLED_MAX	40	/* digits we look at, prefixes included */
#define LOCAL_MIN	7	/* shorter ones may be emergency or service numbers */
#define FULL_MIN	10	/* "498912345678": reads as complete without a plus */

static int	digits_from(struct span, char *, size_t, int *);
static int	prefixed(const char *, const char *);
static int	finish(const char *, const char *, char *);
static uint64_t	number_value(const char *);

int
e164_valid(const char *s)
{
	size_t	 n;

	if (s == NULL || s[0] != '+' || s[1] < '1' || s[1] > '9')
		return (0);
	for (n = 1; s[n] >= '0' && s[n] <= '9'; n++)
		if (n > 15)
			return (0);
	return (s[n] == '\0' && n >= 9 && n <= 16);
}

/* Digits of the text without separators; *plus: it began with '+'. */
static int
digits_from(struct span in, char *out, size_t size, int *plus)
{
	size_t	 i, n = 0;
	char	 ch;

	*plus = 0;
	if (in.p == NULL)
		return (-1);
	for (i = 0; i < in.len; i++) {
		ch = in.p[i];
		if (ch >= '0' && ch <= '9') {
			if (n + 1 >= size)
				return (-1);
			out[n++] = ch;
		} else if (ch == '+') {
			if (n != 0 || *plus)
				return (-1);
			*plus = 1;
		} else if (ch != '-' && ch != '.' && ch != '(' &&
		    ch != ')' && ch != ' ')
			return (-1);
	}
	out[n] = '\0';
	return (n == 0 ? -1 : 0);
}

/* Does s begin with a prefix that is not empty? */
static int
prefixed(const char *s, const char *prefix)
{
	size_t	 n = strlen(prefix);

	return (n != 0 && strncmp(s, prefix, n) == 0);
}

/* '+', head and tail into out, if that is a number. */
static int
finish(const char *head, const char *tail, char *out)
{
	char	 buf[E164_SIZE];
	size_t	 h = strlen(head), t = strlen(tail);

	if (h > 15 || t > 15 || h + t > 15)
		return (-1);
	buf[0] = '+';
	memcpy(buf + 1, head, h);
	memcpy(buf + 1 + h, tail, t);
	buf[1 + h + t] = '\0';
	if (!e164_valid(buf))
		return (-1);
	/* North America: always ten digits after the 1, none begins with 0 or
	 * 1, and neither does the exchange. */
	if (buf[1] == '1' && (h + t != 11 || buf[2] < '2' || buf[5] < '2'))
		return (-1);
	memcpy(out, buf, E164_SIZE);
	return (0);
}

int
e164_normalise(struct span in, const struct e164_rules *r, char out[E164_SIZE])
{
	char	 digits[DIALLED_MAX + 1];
	const char *d = digits;
	int	 plus, national, international;

	memset(out, 0, E164_SIZE);
	memset(digits, 0, sizeof(digits));
	if (digits_from(in, digits, sizeof(digits), &plus) == -1)
		return (-1);
	if (plus) {
		if (strlen(d) > 15)
			return (-1);
		out[0] = '+';
		memcpy(out + 1, d, strlen(d));
		if (e164_valid(out))
			return (0);
		memset(out, 0, E164_SIZE);
		return (-1);
	}
	if (r == NULL)
		return (-1);
	if (r->er_outside[0] != '\0') {
		if (!prefixed(d, r->er_outside))
			return (-1);
		d += strlen(r->er_outside);
	}
	/* The longer prefix is looked at first: "00" before "0". */
	national = prefixed(d, r->er_national);
	international = prefixed(d, r->er_international);
	if (national && international) {
		if (strlen(r->er_national) == strlen(r->er_international))
			return (-1);
		if (strlen(r->er_national) > strlen(r->er_international))
			international = 0;
		else
			national = 0;
	}
	if (international)
		return (finish("", d + strlen(r->er_international), out));
	if (national) {
		if (r->er_country[0] == '\0')
			return (-1);
		return (finish(r->er_country, d + strlen(r->er_national), out));
	}
	if (strlen(d) < LOCAL_MIN)
		return (-1);
	if (prefixed(d, r->er_country) && strlen(d) >= FULL_MIN)
		return (-1);
	if (r->er_local[0] != '\0')
		return (finish(r->er_local, d, out));
	if (r->er_national[0] == '\0' && r->er_country[0] != '\0')
		return (finish(r->er_country, d, out));
	return (-1);
}

/* Digits after the plus, as a number. */
static uint64_t
number_value(const char *s)
{
	uint64_t	 v = 0;

	for (s++; *s >= '0' && *s <= '9'; s++)
		v = v * 10 + (uint64_t)(*s - '0');
	return (v);
}

uint64_t
e164_pack(const char *s)
{
	uint64_t	 v;
	size_t		 i, n;

	if (!e164_valid(s))
		return (0);
	n = strlen(s) - 1;
	v = number_value(s);
	for (i = n; i < 15; i++)
		v *= 10;
	return (v * 16 + n);
}

void
e164_unpack(uint64_t v, char out[E164_SIZE])
{
	size_t	 i, n = (size_t)(v & 15);
	char	 buf[E164_SIZE];

	memset(out, 0, E164_SIZE);
	memset(buf, 0, sizeof(buf));
	v /= 16;
	buf[0] = '+';
	for (i = 15; i > 0; i--) {
		buf[i] = (char)('0' + v % 10);
		v /= 10;
	}
	if (v != 0)
		return;
	for (i = n + 1; i <= 15; i++) {
		if (buf[i] != '0')
			return;
		buf[i] = '\0';
	}
	if (e164_valid(buf))
		memcpy(out, buf, sizeof(buf));
}

int
e164_in_range(const char *s, const struct e164_range *r)
{
	size_t	 n;

	if (!e164_valid(s))
		return (0);
	n = strlen(s);
	return (n == strlen(r->er_from) && n == strlen(r->er_to) &&
	    strcmp(s, r->er_from) >= 0 && strcmp(s, r->er_to) <= 0);
}

uint64_t
e164_range_size(const struct e164_range *r)
{
	if (!e164_valid(r->er_from) || !e164_valid(r->er_to) ||
	    strlen(r->er_from) != strlen(r->er_to) ||
	    strcmp(r->er_from, r->er_to) > 0)
		return (0);
	/* At most 10^15: it can't overflow. */
	return (number_value(r->er_to) - number_value(r->er_from) + 1);
}

int
e164_range_nth(const struct e164_range *r, uint64_t i, char out[E164_SIZE])
{
	uint64_t	 v;
	size_t		 n;

	memset(out, 0, E164_SIZE);
	if (i >= e164_range_size(r))
		return (-1);
	v = number_value(r->er_from) + i;
	out[0] = '+';
	for (n = strlen(r->er_from) - 1; n > 0; n--) {
		out[n] = (char)('0' + v % 10);
		v /= 10;
	}
	return (0);
}
