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
 * viprctl show metrics: OpenMetrics text.  A row of kind "metric" is a sample:
 * name, type, value, and its other texts are labels.  Of another kind each
 * number is a sample of vipr_KIND_FIELD, its texts the labels.  Samples of
 * one name stand together, as the format wants it.
 */

#include <sys/types.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl_output.h"

#define SAMPLES_MAX	20000

struct sample {
	char				 sa_name[160];
	char				 sa_type[16];
	const struct output_row		*sa_row;
	size_t				 sa_field;
	size_t				 sa_order;
};

static int	 is_number(const struct ctl_field *);
static void	 name_add(char *, size_t, const char *, size_t);
static int	 sample_cmp(const void *, const void *);
static size_t	 samples_of(const struct output_row *, struct sample *, size_t);
static void	 print_labels(FILE *, const struct ctl_field *, size_t, int);
static void	 print_sample(FILE *, const struct sample *);

static int
is_number(const struct ctl_field *f)
{
	return (f->cf_type == 'u' || f->cf_type == 'i' || f->cf_type == 'b' ||
	    f->cf_type == 't');
}

/* Append, with anything but letters, digits and _ made to _. */
static void
name_add(char *buf, size_t size, const char *s, size_t len)
{
	size_t	 n = strlen(buf), i;

	for (i = 0; i < len && n + 1 < size; i++)
		buf[n++] = (s[i] & 0x80) == 0 &&
		    isalnum((unsigned char)s[i]) ? s[i] : '_';
	buf[n] = '\0';
}

static int
sample_cmp(const void *a, const void *b)
{
	const struct sample	*x = a, *y = b;
	int			 r = strcmp(x->sa_name, y->sa_name);

	if (r != 0)
		return (r);
	return (x->sa_order < y->sa_order ? -1 : x->sa_order > y->sa_order);
}

/* At most max samples of this row into sa. */
static size_t
samples_of(const struct output_row *r, struct sample *sa, size_t max)
{
	struct ctl_field	 f[OUTPUT_FIELDS_MAX];
	struct sample		*s;
	char			 kind[64];
	size_t			 i, n, made = 0, name = SIZE_MAX, type = SIZE_MAX;
	int			 named;

	n = row_fields(r, kind, f);
	named = strcmp(kind, "metric") == 0;
	for (i = 0; named && i < n; i++) {
		if (f[i].cf_type == 's' && strcmp(f[i].cf_name, "name") == 0)
			name = i;
		if (f[i].cf_type == 's' && strcmp(f[i].cf_name, "type") == 0)
			type = i;
	}
	if (named && name == SIZE_MAX)
		return (0);
	for (i = 0; i < n && made < max; i++) {
		if (!is_number(&f[i]) ||
		    (named && strcmp(f[i].cf_name, "value") != 0))
			continue;
		s = &sa[made++];
		memset(s, 0, sizeof(*s));
		s->sa_row = r;
		s->sa_field = i;
		if (!named || f[name].cf_str.len < 5 ||
		    strncmp(f[name].cf_str.p, "vipr_", 5) != 0)
			name_add(s->sa_name, sizeof(s->sa_name), "vipr_", 5);
		if (named)
			name_add(s->sa_name, sizeof(s->sa_name),
			    f[name].cf_str.p, f[name].cf_str.len);
		else {
			name_add(s->sa_name, sizeof(s->sa_name), kind,
			    strlen(kind));
			name_add(s->sa_name, sizeof(s->sa_name), "_", 1);
			name_add(s->sa_name, sizeof(s->sa_name), f[i].cf_name,
			    strlen(f[i].cf_name));
		}
		(void)strlcpy(s->sa_type, "unknown", sizeof(s->sa_type));
		if (type != SIZE_MAX && span_eq(f[type].cf_str, "counter"))
			(void)strlcpy(s->sa_type, "counter",
			    sizeof(s->sa_type));
		if (type != SIZE_MAX && span_eq(f[type].cf_str, "gauge"))
			(void)strlcpy(s->sa_type, "gauge", sizeof(s->sa_type));
		/* A counter's family has no _total, its samples have. */
		if (strcmp(s->sa_type, "counter") == 0 &&
		    strlen(s->sa_name) > 6 && strcmp(s->sa_name +
		    strlen(s->sa_name) - 6, "_total") == 0)
			s->sa_name[strlen(s->sa_name) - 6] = '\0';
	}
	return (made);
}

static void
print_labels(FILE *fp, const struct ctl_field *f, size_t n, int named)
{
	char		 name[64];
	uint32_t	 cp;
	size_t		 i, j, len;
	int		 open = 0;

	for (i = 0; i < n; i++) {
		if (f[i].cf_type != 's' || (named &&
		    (strcmp(f[i].cf_name, "name") == 0 ||
		    strcmp(f[i].cf_name, "type") == 0 ||
		    strcmp(f[i].cf_name, "help") == 0)))
			continue;
		name[0] = '\0';
		name_add(name, sizeof(name), f[i].cf_name,
		    strlen(f[i].cf_name));
		fprintf(fp, "%c%s=\"", open ? ',' : '{', name);
		open = 1;
		for (j = 0; j < f[i].cf_str.len; j += len) {
			len = utf8_next(f[i].cf_str.p + j,
			    f[i].cf_str.len - j, &cp);
			if (cp == '"' || cp == '\\')
				fprintf(fp, "\\%c", (int)cp);
			else if (utf8_special(cp))
				putc('?', fp);
			else
				(void)fwrite(f[i].cf_str.p + j, 1, len, fp);
		}
		putc('"', fp);
	}
	if (open)
		putc('}', fp);
}

static void
print_sample(FILE *fp, const struct sample *s)
{
	struct ctl_field	 f[OUTPUT_FIELDS_MAX];
	char			 kind[64];
	size_t			 n;

	n = row_fields(s->sa_row, kind, f);
	fprintf(fp, "%s%s", s->sa_name, strcmp(s->sa_type, "counter") == 0 ?
	    "_total" : "");
	print_labels(fp, f, n, strcmp(kind, "metric") == 0);
	if (f[s->sa_field].cf_type == 'i')
		fprintf(fp, " %" PRId64 "\n", (int64_t)f[s->sa_field].cf_num);
	else
		fprintf(fp, " %" PRIu64 "\n", f[s->sa_field].cf_num);
}

void
metrics_print(FILE *fp, const struct output_rows *rows)
{
	const struct output_row	*r;
	struct sample		*sa;
	size_t			 i, n = 0;

	if ((sa = calloc(SAMPLES_MAX, sizeof(*sa))) == NULL)
		return;
	STAILQ_FOREACH(r, rows, or_entry)
		n += samples_of(r, sa + n, SAMPLES_MAX - n);
	for (i = 0; i < n; i++)
		sa[i].sa_order = i;
	qsort(sa, n, sizeof(*sa), sample_cmp);
	for (i = 0; i < n; i++) {
		if (i == 0 || strcmp(sa[i].sa_name, sa[i - 1].sa_name) != 0)
			fprintf(fp, "# TYPE %s %s\n", sa[i].sa_name,
			    sa[i].sa_type);
		print_sample(fp, &sa[i]);
	}
	fputs("# EOF\n", fp);
	free(sa);
}
