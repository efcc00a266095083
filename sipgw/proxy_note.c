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
 * core: the proxy's log lines, its memory of decisions for viprctl explain,
 * and the count of live calls between two parties (loops).
 */

#include <sys/types.h>
#include <sys/tree.h>

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy_int.h"

static int	pair_cmp(const struct pair *, const struct pair *);

RB_PROTOTYPE(pair_tree, pair, pa_entry, pair_cmp)
RB_GENERATE(pair_tree, pair, pa_entry, pair_cmp)

static int
pair_cmp(const struct pair *a, const struct pair *b)
{
	return (strcmp(a->pa_key, b->pa_key));
}

void
px_log(struct proxy *px, enum proxy_log what, const char *fmt, ...)
{
	char	line[512];
	va_list	ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	px->px_ops->po_log(px->px_ctx, what, line);
}

/* No time and no caller is kept with the number. */
void
px_note(struct proxy *px, const char *number, const char *fmt, ...)
{
	struct note	*no;
	va_list		 ap;

	if (number[0] == '\0')
		return;
	no = &px->px_notes[px->px_nnotes++ % PX_NOTES];
	(void)strlcpy(no->no_number, number, sizeof(no->no_number));
	va_start(ap, fmt);
	(void)vsnprintf(no->no_text, sizeof(no->no_text), fmt, ap);
	va_end(ap);
}

size_t
proxy_explain(struct proxy *px, const char *number, const char *out[], size_t n)
{
	struct note	*no;
	size_t		 i, have, found = 0;

	have = px->px_nnotes < PX_NOTES ? px->px_nnotes : PX_NOTES;
	for (i = 1; i <= have && found < n; i++) {
		no = &px->px_notes[(px->px_nnotes - i) % PX_NOTES];
		if (strcmp(no->no_number, number) == 0)
			out[found++] = no->no_text;
	}
	return (found);
}

int
proxy_callid(struct proxy *px, struct span in, char *out, size_t size)
{
	char	callid[PX_CALLID];

	if (px_callid_in(px, in, callid) == -1)
		return (-1);
	(void)strlcpy(out, callid, size);
	return (0);
}

/* Take a place among the live calls of the two; *n: how many there are now. */
struct pair *
pair_take(struct proxy *px, const char *caller, const char *called, unsigned *n)
{
	struct pair	*pa, k;

	(void)snprintf(k.pa_key, sizeof(k.pa_key), "%s %s", called, caller);
	if ((pa = RB_FIND(pair_tree, &px->px_pairs, &k)) == NULL) {
		if ((pa = calloc(1, sizeof(*pa))) == NULL)
			return (NULL);
		(void)strlcpy(pa->pa_key, k.pa_key, sizeof(pa->pa_key));
		RB_INSERT(pair_tree, &px->px_pairs, pa);
	}
	*n = ++pa->pa_count;
	explicit_bzero(&k, sizeof(k));
	return (pa);
}

void
pair_drop(struct proxy *px, struct pair *pa)
{
	if (pa == NULL || --pa->pa_count > 0)
		return;
	RB_REMOVE(pair_tree, &px->px_pairs, pa);
	freezero(pa, sizeof(*pa));
}

size_t
proxy_calls(const struct proxy *px)
{
	const struct dialog	*dl;
	size_t			 n = 0;

	TAILQ_FOREACH(dl, &px->px_dialog_list, dl_list)
		n += dl->dl_confirmed && !dl->dl_ended;
	return (n);
}

int
proxy_conn_busy(const struct proxy *px, uint64_t conn)
{
	const struct dialog	*dl;
	const struct pctx	*pc;
	const struct branch	*br;

	TAILQ_FOREACH(dl, &px->px_dialog_list, dl_list)
		if (dl->dl_border && !dl->dl_ended && dl->dl_flow.fl_conn == conn)
			return (1);
	TAILQ_FOREACH(pc, &px->px_list, pc_entry) {
		if (pc->pc_flow.fl_conn == conn && !pc->pc_final)
			return (1);
		TAILQ_FOREACH(br, &pc->pc_branches, br_entry)
			if (br->br_flow.fl_conn == conn && !br->br_final)
				return (1);
	}
	return (0);
}
