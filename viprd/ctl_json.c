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

/* viprctl -j: an answer as JSON (RFC 8259). */

#include <sys/types.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl_output.h"

static void	 json_string(FILE *, struct span);
static void	 json_list(FILE *, const struct ctl_field *);
static void	 json_value(FILE *, const struct ctl_field *);
static void	 json_row(FILE *, const struct output_row *, int);

static void
json_string(FILE *fp, struct span s)
{
	uint32_t	 cp;
	size_t		 i, n;

	putc('"', fp);
	for (i = 0; i < s.len; i += n) {
		n = utf8_next(s.p + i, s.len - i, &cp);
		if (cp == '"' || cp == '\\')
			fprintf(fp, "\\%c", (int)cp);
		else if (cp == '\n')
			fputs("\\n", fp);
		else if (cp == '\t')
			fputs("\\t", fp);
		else if (utf8_special(cp))
			fprintf(fp, "\\u%04" PRIx32, cp);
		else
			(void)fwrite(s.p + i, 1, n, fp);
	}
	putc('"', fp);
}

static void
json_list(FILE *fp, const struct ctl_field *f)
{
	struct cur	 c = f->cf_list;
	struct span	 s;
	uint64_t	 i;

	putc('[', fp);
	for (i = 0; i < f->cf_num; i++) {
		if (cur_lv_span(&c, 2, CTL_ROW_MAX, &s) == -1)
			break;
		if (i != 0)
			putc(',', fp);
		json_string(fp, s);
	}
	putc(']', fp);
}

static void
json_value(FILE *fp, const struct ctl_field *f)
{
	switch (f->cf_type) {
	case 's':
		json_string(fp, f->cf_str);
		break;
	case 'i':
		fprintf(fp, "%" PRId64, (int64_t)f->cf_num);
		break;
	case 'u':
	case 't':
		fprintf(fp, "%" PRIu64, f->cf_num);
		break;
	case 'b':
		fputs(f->cf_num ? "true" : "false", fp);
		break;
	case 'l':
		json_list(fp, f);
		break;
	default:
		fputs("null", fp);
		break;
	}
}

static void
json_row(FILE *fp, const struct output_row *r, int with_kind)
{
	struct ctl_field	 f[OUTPUT_FIELDS_MAX];
	struct span		 s;
	char			 kind[64];
	size_t			 i, n;
	int			 comma = 0;

	n = row_fields(r, kind, f);
	for (i = 0; i < n; i++)
		if (strcmp(f[i].cf_name, "kind") == 0)
			with_kind = 0;
	putc('{', fp);
	if (with_kind) {
		fputs("\"kind\":", fp);
		s.p = kind;
		s.len = strlen(kind);
		json_string(fp, s);
		comma = 1;
	}
	for (i = 0; i < n; i++) {
		if (comma)
			putc(',', fp);
		comma = 1;
		s.p = f[i].cf_name;
		s.len = strlen(f[i].cf_name);
		json_string(fp, s);
		putc(':', fp);
		json_value(fp, &f[i]);
	}
	putc('}', fp);
}

void
json_print(FILE *fp, const struct output_rows *rows, enum output_shape shape)
{
	const struct output_row	*r;

	if (shape == SHAPE_ONE) {
		/* One thing was asked for: the first row, best by its daemon. */
		if ((r = STAILQ_FIRST(rows)) == NULL)
			fputs("null", fp);
		else
			json_row(fp, r, 0);
		putc('\n', fp);
		return;
	}
	putc('[', fp);
	STAILQ_FOREACH(r, rows, or_entry) {
		fputs(r == STAILQ_FIRST(rows) ? "\n" : ",\n", fp);
		json_row(fp, r, shape == SHAPE_MIXED || shape == SHAPE_METRICS);
	}
	fputs(STAILQ_EMPTY(rows) ? "]\n" : "\n]\n", fp);
}
