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
 * Configuration documents: a first one, an update of the one in force, and a
 * kind-block alone.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "fuzzdoc.h"
#include "reload_conf.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	first(const uint8_t *, size_t);
static void	kind(const uint8_t *, size_t, uint32_t);
static void	kinds(const struct reload_doc *);
static void	update(const struct reload_doc *, const uint8_t *, size_t);

static void
first(const uint8_t *p, size_t len)
{
	struct reload_doc	*d;
	char			 why[RELOAD_WHY_SIZE];
	size_t			 i;

	if ((d = reload_doc_parse(p, len, NULL, why, sizeof(why))) == NULL) {
		if (why[0] == '\0' || memchr(why, '\0', sizeof(why)) == NULL)
			abort();
		return;
	}
	/* What is signed lies inside what was read. */
	if (d->rd_blob.b_p < d->rd_text.b_p || d->rd_blob.b_p +
	    d->rd_blob.b_len > d->rd_text.b_p + d->rd_text.b_len ||
	    d->rd_blob.b_len < 20 || memcmp(d->rd_blob.b_p, "<", 1) != 0 ||
	    d->rd_blob.b_p[d->rd_blob.b_len - 1] != '>')
		abort();
	for (i = 0; i < d->rd_kinds; i++) {
		if (d->rd_kind[i].rk_blob.b_p[0] != '<' ||
		    d->rd_kind[i].rk_blob.b_p[
		    d->rd_kind[i].rk_blob.b_len - 1] != '>')
			abort();
	}
	if (reload_doc_verify(d, NULL, FUZZ_NOW, why, sizeof(why)) == 0)
		kinds(d);
	reload_doc_free(d);
}

/* A Kind of a verified document can be handed on alone. */
static void
kinds(const struct reload_doc *d)
{
	struct reload_kind	 k;
	struct wbuf		 w;
	uint8_t			*buf;
	char			 why[RELOAD_WHY_SIZE];
	size_t			 i, size;

	for (i = 0; i < d->rd_kinds; i++) {
		if (d->rd_kind[i].rk_sig == NULL)
			continue;
		size = d->rd_kind[i].rk_blob.b_len + 2 * d->rd_kind[i].rk_siglen + 256;
		if ((buf = malloc(size)) == NULL)
			abort();
		wbuf_init(&w, buf, size);
		reload_kind_block(&w, &d->rd_kind[i]);
		if (wbuf_ok(&w) == -1 || reload_kind_update(d, buf, w.w_len,
		    FUZZ_NOW, &k, why, sizeof(why)) == -1 ||
		    k.rk_id != d->rd_kind[i].rk_id)
			abort();
		free(buf);
	}
}

/* A verified kind-block is taken into a document, and a second time changes nothing. */
static void
kind(const uint8_t *p, size_t len, uint32_t id)
{
	struct reload_kind	 k;
	struct reload_doc	*d;
	char			 why[RELOAD_WHY_SIZE];
	int			 model, r;

	if ((d = reload_doc_parse(fuzz_document, sizeof(fuzz_document) - 1, NULL,
	    why, sizeof(why))) == NULL)
		abort();
	r = reload_kind_add(d, p, len, FUZZ_NOW, &k, &model, why, sizeof(why));
	if (r == 1 && (k.rk_id != id || (k.rk_policy != RELOAD_POLICY_OTHER &&
	    reload_doc_kind(d, id) == NULL) || reload_kind_add(d, p, len,
	    FUZZ_NOW, &k, &model, why, sizeof(why)) != 0))
		abort();
	kinds(d);
	reload_doc_free(d);
}

/* The same bytes come from a peer. */
static void
update(const struct reload_doc *current, const uint8_t *p, size_t len)
{
	struct reload_trust	*trust;
	struct reload_kind	 k;
	struct reload_doc	*d;
	char			 why[RELOAD_WHY_SIZE];
	int			 stale;

	if (reload_kind_update(current, p, len, FUZZ_NOW, &k, why,
	    sizeof(why)) == 0)
		kind(p, len, k.rk_id);
	d = reload_doc_update(current, p, len, FUZZ_NOW, &stale, why,
	    sizeof(why));
	if (d == NULL)
		return;
	if (!reload_seq_newer(d->rd_sequence, current->rd_sequence) ||
	    strcmp(d->rd_name, current->rd_name) != 0 ||
	    (trust = reload_doc_trust(d)) == NULL)
		abort();
	reload_trust_free(trust);
	kinds(d);
	reload_doc_free(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static struct reload_doc *current;
	struct reload_doc	*named;
	char			 why[RELOAD_WHY_SIZE];

	if (current == NULL && ((current = reload_doc_parse(fuzz_document,
	    sizeof(fuzz_document) - 1, NULL, why, sizeof(why))) == NULL ||
	    reload_doc_verify(current, NULL, FUZZ_NOW, why, sizeof(why)) == -1))
		abort();
	first(p, len);
	update(current, p, len);
	named = reload_doc_parse(p, len, "overlay.test", why, sizeof(why));
	reload_doc_free(named);
	return (0);
}
