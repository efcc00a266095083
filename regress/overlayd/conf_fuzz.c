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

/* Configuration documents, whole and a kind-block alone. */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "reload_conf.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct reload_doc	*d, *none;
	struct reload_kind	 k;
	char			 why[RELOAD_WHY_SIZE];
	size_t			 i;

	if ((d = reload_doc_parse(p, len, NULL, why, sizeof(why))) == NULL) {
		if (why[0] == '\0' || memchr(why, '\0', sizeof(why)) == NULL)
			abort();
	} else {
		/* What is signed lies inside what was read. */
		if (d->rd_blob.b_p < d->rd_text.b_p || d->rd_blob.b_p +
		    d->rd_blob.b_len > d->rd_text.b_p + d->rd_text.b_len ||
		    d->rd_blob.b_len < 20 ||
		    memcmp(d->rd_blob.b_p, "<", 1) != 0 ||
		    d->rd_blob.b_p[d->rd_blob.b_len - 1] != '>')
			abort();
		for (i = 0; i < d->rd_kinds; i++) {
			if (d->rd_kind[i].rk_blob.b_p[0] != '<' ||
			    d->rd_kind[i].rk_blob.b_p[
			    d->rd_kind[i].rk_blob.b_len - 1] != '>')
				abort();
		}
		(void)reload_doc_verify(d, NULL, 1800000000, why,
		    sizeof(why));
		(void)reload_kind_update(d, p, len, 1800000000, &k, why,
		    sizeof(why));
		reload_doc_free(d);
	}
	none = reload_doc_parse(p, len, "overlay.test", why, sizeof(why));
	if (none != NULL)
		(void)reload_kind_update(none, p, len, 1800000000, &k, why,
		    sizeof(why));
	reload_doc_free(none);
	return (0);
}
