/* SPDX-License-Identifier: ISC */
/* viprctl: how answers are shown; one file a format. */
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ctl.h"

#define OUTPUT_BYTES_MAX	(256UL * 1024 * 1024)	/* kept of one answer */
#define OUTPUT_FIELDS_MAX	64			/* a row */

/* How a command's rows look. */
enum output_shape {
	SHAPE_LIST = 0,		/* rows of one kind */
	SHAPE_MIXED = 1,	/* rows of several kinds: JSON says which */
	SHAPE_ONE = 2,		/* JSON: objects without an array; none: null */
	SHAPE_METRICS = 3,	/* OpenMetrics text */
	SHAPE_QUIET = 4,	/* only what the daemon has to say */
	SHAPE_LINES = 5		/* one text a row */
};

struct output_row {
	STAILQ_ENTRY(output_row) or_entry;
	uint8_t		*or_data;
	size_t		 or_len;
};
STAILQ_HEAD(output_rows, output_row);

/* ctl_rows.c: rows as they came, checked: each has a kind and at most
 * OUTPUT_FIELDS_MAX fields, all well-formed.  -1: malformed, or too much. */
int	 rows_add(struct output_rows *, const void *, size_t);
void	 rows_free(struct output_rows *);
/* Fields of a row that rows_add took.  Returns how many. */
size_t	 row_fields(const struct output_row *, char kind[64],
	    struct ctl_field [OUTPUT_FIELDS_MAX]);
/* One character of UTF-8: its length, and in *cp the code point; a byte that
 * is none gives 1 and 0xfffd.  len > 0. */
size_t	 utf8_next(const char *, size_t len, uint32_t *cp);
/* Would this character upset a terminal or a log? */
int	 utf8_special(uint32_t cp);

void	 text_print(FILE *, const struct output_rows *, enum output_shape);	/* ctl_text.c */
void	 json_print(FILE *, const struct output_rows *, enum output_shape);	/* ctl_json.c */
void	 metrics_print(FILE *, const struct output_rows *);			/* ctl_metrics.c */

#endif
