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

/* viprctl: an answer as aligned tables. */

#include <sys/types.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl_output.h"

#define CELL_MAX	1024	/* bytes of one cell */
#define LINE_WIDTH	80
#define INDENT_MAX	40	/* a last column further right is not wrapped */

/* One cell, escaped; columns it takes. */
struct cell {
	char	ce_text[CELL_MAX];
	size_t	ce_len;
	size_t	ce_width;
};

static void	 cell_add(struct cell *, const char *, size_t, size_t);
static void	 cell_span(struct cell *, struct span);
static void	 cell_make(struct cell *, const struct ctl_field *);
static size_t	 cell_unit(const char *, uint64_t, char *, size_t);
static void	 print_wrapped(FILE *, const struct cell *, size_t);
static int	 same_columns(const struct output_row *, const struct output_row *);
static void	 print_cell(FILE *, const struct cell *, size_t, int, int);
static void	 table_print(FILE *, const struct output_row *, size_t);
static void	 single_print(FILE *, const struct output_row *);
static void	 lines_print(FILE *, const struct output_rows *);
static void	 heading(const char *, char *, size_t);

static void
cell_add(struct cell *ce, const char *s, size_t len, size_t width)
{
	if (len >= sizeof(ce->ce_text) - ce->ce_len)
		return;
	memcpy(ce->ce_text + ce->ce_len, s, len);
	ce->ce_len += len;
	ce->ce_width += width;
}

/* What a terminal would obey is shown as \xHH or \u{HHHH}. */
static void
cell_span(struct cell *ce, struct span s)
{
	uint32_t	 cp;
	size_t		 i, n;
	char		 buf[16];
	int		 len;

	for (i = 0; i < s.len; i += n) {
		n = utf8_next(s.p + i, s.len - i, &cp);
		if (!utf8_special(cp)) {
			cell_add(ce, s.p + i, n, 1);
			continue;
		}
		if (n == 1)
			len = snprintf(buf, sizeof(buf), "\\x%02x",
			    (unsigned)(unsigned char)s.p[i]);
		else
			len = snprintf(buf, sizeof(buf), "\\u{%" PRIx32 "}",
			    cp);
		cell_add(ce, buf, (size_t)len, (size_t)len);
	}
}

/*
 * Numbers of some units are made short for people, and the unit goes from the
 * name to the number.  Length of the name without it; buf is then filled.
 */
static size_t
cell_unit(const char *name, uint64_t v, char *buf, size_t size)
{
	static const char	 prefix[] = "BkMGT";
	size_t			 len = strlen(name), i = 0;
	double			 d = (double)v;

	if (len > 4 && strcmp(name + len - 4, "_ppm") == 0) {
		(void)snprintf(buf, size, d < 1000 ? "%.2g %%" : "%.1f %%", d / 10000);
		return (len - 4);
	}
	if (len > 6 && strcmp(name + len - 6, "_bytes") == 0) {
		for (; d >= 1000 && i < sizeof(prefix) - 2; i++)
			d /= 1000;
		(void)snprintf(buf, size, i == 0 ? "%.0f %c" : d < 10 ?
		    "%.1f %cB" : "%.0f %cB", d, prefix[i]);
		return (len - 6);
	}
	return (len);
}

static void
cell_make(struct cell *ce, const struct ctl_field *f)
{
	struct cur	 c = f->cf_list;
	struct span	 s;
	struct tm	 tm;
	uint64_t	 i;
	time_t		 t;
	char		 buf[64] = "-";

	memset(ce, 0, sizeof(*ce));
	switch (f->cf_type) {
	case 's':
		cell_span(ce, f->cf_str);
		if (ce->ce_len != 0)
			return;
		break;
	case 'l':
		for (i = 0; i < f->cf_num; i++) {
			if (cur_lv_span(&c, 2, CTL_ROW_MAX, &s) == -1)
				break;
			if (i != 0)
				cell_add(ce, ",", 1, 1);
			cell_span(ce, s);
		}
		if (ce->ce_len != 0)
			return;
		break;
	case 'u':
		(void)snprintf(buf, sizeof(buf), "%" PRIu64, f->cf_num);
		(void)cell_unit(f->cf_name, f->cf_num, buf, sizeof(buf));
		break;
	case 'i':
		(void)snprintf(buf, sizeof(buf), "%" PRId64,
		    (int64_t)f->cf_num);
		break;
	case 'b':
		(void)strlcpy(buf, f->cf_num ? "yes" : "no", sizeof(buf));
		break;
	case 't':
		t = (time_t)f->cf_num;
		if (f->cf_num > INT64_MAX / 2 || gmtime_r(&t, &tm) == NULL ||
		    strftime(buf, sizeof(buf), "%Y-%m-%d %H:%M:%S", &tm) == 0)
			(void)snprintf(buf, sizeof(buf), "%" PRIu64,
			    f->cf_num);
		break;
	default:
		break;
	}
	cell_add(ce, buf, strlen(buf), strlen(buf));
}

static int
same_columns(const struct output_row *a, const struct output_row *b)
{
	struct ctl_field	 fa[OUTPUT_FIELDS_MAX], fb[OUTPUT_FIELDS_MAX];
	char			 ka[64], kb[64];
	size_t			 i, na, nb;

	na = row_fields(a, ka, fa);
	nb = row_fields(b, kb, fb);
	if (na != nb || strcmp(ka, kb) != 0)
		return (0);
	for (i = 0; i < na; i++)
		if (strcmp(fa[i].cf_name, fb[i].cf_name) != 0)
			return (0);
	return (1);
}

static void
heading(const char *name, char *buf, size_t size)
{
	char	 unit[64];
	size_t	 i, len = cell_unit(name, 0, unit, sizeof(unit));

	for (i = 0; i + 1 < size && i < len; i++)
		buf[i] = name[i] == '_' ? ' ' :
		    (char)toupper((unsigned char)name[i]);
	buf[i] = '\0';
}

/* Numbers stand on the right of their column; the last is not padded. */
static void
print_cell(FILE *fp, const struct cell *ce, size_t width, int right, int last)
{
	size_t	 pad = width > ce->ce_width ? width - ce->ce_width : 0;

	for (; right && pad > 0; pad--)
		putc(' ', fp);
	(void)fwrite(ce->ce_text, 1, ce->ce_len, fp);
	if (last)
		return;
	for (pad += 2; pad > 0; pad--)
		putc(' ', fp);
}

/* The last cell of a row, in lines that end before LINE_WIDTH. */
static void
print_wrapped(FILE *fp, const struct cell *ce, size_t indent)
{
	const char	*p = ce->ce_text, *end = p + ce->ce_len, *q, *space;
	size_t		 room = LINE_WIDTH - indent, n;

	for (;;) {
		/* Bytes for columns: a line is at worst too short. */
		for (q = p, space = NULL, n = 0; q < end && n < room; q++, n++)
			if (*q == ' ')
				space = q;
		if (q == end || (space == NULL &&
		    (space = memchr(q, ' ', (size_t)(end - q))) == NULL)) {
			(void)fwrite(p, 1, (size_t)(end - p), fp);
			return;
		}
		(void)fwrite(p, 1, (size_t)(space - p), fp);
		fprintf(fp, "\n%*s", (int)indent, "");
		p = space + 1;
	}
}

/* count rows with the same columns, from first on. */
static void
table_print(FILE *fp, const struct output_row *first, size_t count)
{
	struct ctl_field	 f[OUTPUT_FIELDS_MAX];
	const struct output_row	*r;
	struct cell		 ce;
	struct span		 s;
	size_t			 width[OUTPUT_FIELDS_MAX], i, j, n, indent = 0;
	int			 right[OUTPUT_FIELDS_MAX];
	char			 kind[64], head[64];

	n = row_fields(first, kind, f);
	for (i = 0; i < n; i++) {
		right[i] = f[i].cf_type == 'u' || f[i].cf_type == 'i';
		width[i] = cell_unit(f[i].cf_name, 0, head, sizeof(head));
	}
	for (r = first, j = 0; j < count; j++, r = STAILQ_NEXT(r, or_entry)) {
		(void)row_fields(r, kind, f);
		for (i = 0; i < n; i++) {
			cell_make(&ce, &f[i]);
			if (ce.ce_width > width[i])
				width[i] = ce.ce_width;
		}
	}
	(void)row_fields(first, kind, f);
	for (i = 0; i + 1 < n; i++)
		indent += width[i] + 2;
	for (i = 0; i < n; i++) {
		heading(f[i].cf_name, head, sizeof(head));
		memset(&ce, 0, sizeof(ce));
		s.p = head;
		s.len = strlen(head);
		cell_span(&ce, s);
		print_cell(fp, &ce, width[i], right[i], i + 1 == n);
	}
	putc('\n', fp);
	for (r = first, j = 0; j < count; j++, r = STAILQ_NEXT(r, or_entry)) {
		(void)row_fields(r, kind, f);
		for (i = 0; i < n; i++) {
			cell_make(&ce, &f[i]);
			if (i + 1 == n && f[i].cf_type == 's' &&
			    indent <= INDENT_MAX)
				print_wrapped(fp, &ce, indent);
			else
				print_cell(fp, &ce, width[i], right[i],
				    i + 1 == n);
		}
		putc('\n', fp);
	}
}

/* One row of a mixed answer: a field a line under its kind. */
static void
single_print(FILE *fp, const struct output_row *r)
{
	struct ctl_field	 f[OUTPUT_FIELDS_MAX];
	struct cell		 ce;
	struct span		 s;
	char			 kind[64], unit[64];
	size_t			 i, n, width = 0;

	n = row_fields(r, kind, f);
	for (i = 0; i < n; i++)
		if (cell_unit(f[i].cf_name, 0, unit, sizeof(unit)) > width)
			width = cell_unit(f[i].cf_name, 0, unit, sizeof(unit));
	memset(&ce, 0, sizeof(ce));
	s.p = kind;
	s.len = strlen(kind);
	cell_span(&ce, s);
	print_cell(fp, &ce, 0, 0, 1);
	putc('\n', fp);
	for (i = 0; i < n; i++) {
		memset(&ce, 0, sizeof(ce));
		s.p = f[i].cf_name;
		s.len = cell_unit(s.p, 0, unit, sizeof(unit));
		cell_span(&ce, s);
		fputs("  ", fp);
		print_cell(fp, &ce, width, 0, 0);
		cell_make(&ce, &f[i]);
		print_cell(fp, &ce, 0, 0, 1);
		putc('\n', fp);
	}
}

/* Texts as they are, a line each. */
static void
lines_print(FILE *fp, const struct output_rows *rows)
{
	struct ctl_field	 f[OUTPUT_FIELDS_MAX];
	const struct output_row	*r;
	struct cell		 ce;
	char			 kind[64];
	size_t			 n;

	STAILQ_FOREACH(r, rows, or_entry) {
		n = row_fields(r, kind, f);
		memset(&ce, 0, sizeof(ce));
		if (n > 0 && f[0].cf_type == 's') {
			/* Indentation is kept, other control characters not. */
			if (f[0].cf_str.len > 0 && f[0].cf_str.p[0] == '\t') {
				cell_add(&ce, "\t", 1, 8);
				f[0].cf_str.p++;
				f[0].cf_str.len--;
			}
			cell_span(&ce, f[0].cf_str);
		}
		print_cell(fp, &ce, 0, 0, 1);
		putc('\n', fp);
	}
}

void
text_print(FILE *fp, const struct output_rows *rows, enum output_shape shape)
{
	const struct output_row	*first, *r;
	size_t			 count;
	int			 blank = 0;

	if (shape == SHAPE_LINES) {
		lines_print(fp, rows);
		return;
	}
	for (first = STAILQ_FIRST(rows); first != NULL; first = r) {
		count = 1;
		for (r = STAILQ_NEXT(first, or_entry); r != NULL &&
		    same_columns(first, r); r = STAILQ_NEXT(r, or_entry))
			count++;
		if (blank)
			putc('\n', fp);
		blank = 1;
		if (shape == SHAPE_MIXED && count == 1)
			single_print(fp, first);
		else
			table_print(fp, first, count);
	}
}
