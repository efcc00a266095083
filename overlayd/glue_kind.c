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
 * Kinds that peers define while overlayd runs (RFC 6940, 6.5.4): verified with
 * the document in force, added to it, kept for the next start.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "overlayd.h"

#define BLOCK_MAX	16384	/* a kind-block as it is kept */

static int	 kinds_check(const struct cur *, int64_t, char *, size_t);

/* All are good before any is taken. */
static int
kinds_check(const struct cur *blocks, int64_t now, char *why, size_t size)
{
	struct reload_kind rk;
	struct span	 block;
	struct cur	 c = *blocks;
	unsigned	 count = 0;

	while (wire_kindblock_next(&c, &block) == 1) {
		if (++count > RELOAD_KINDS_MAX || block.len > BLOCK_MAX / 2) {
			(void)strlcpy(why, "too many kinds, or too long", size);
			return (-1);
		}
		if (reload_kind_update(ovconf.oc_doc, block.p, block.len, now, &rk, why,
		    size) == -1)
			return (-1);
	}
	if (count == 0)
		(void)strlcpy(why, "no kind-block", size);
	return (count > 0 ? 0 : -1);
}

void
glue_config_kinds(uint64_t token, const void *p, size_t len)
{
	struct reload_kind rk;
	struct span	 block;
	struct cur	 c;
	char		 why[RELOAD_WHY_SIZE] = "";
	int64_t		 now = (int64_t)(node->n_wall / 1000);
	int		 model, r = 0, changed = 0;

	cur_init(&c, p, len);
	if (kinds_check(&c, now, why, sizeof(why)) == -1)
		r = -1;
	while (r != -1 && wire_kindblock_next(&c, &block) == 1) {
		r = reload_kind_add(ovconf.oc_doc, block.p, block.len, now, &rk, &model,
		    why, sizeof(why));
		if (r != 1)
			continue;
		changed = 1;
		config_kind(node, rk.rk_id, model);
		log_info("overlay %s: kind %u is %s", ovconf.oc_doc->rd_name, rk.rk_id,
		    model != 0 ? "changed" : "new");
	}
	if (changed)
		glue_kinds_put(ovconf.oc_doc);
	if (r == -1)
		log_info("kinds of a peer refused: %s", log_str(why, strlen(why)));
	node_config_done(node, token, r == -1 ? WIRE_E_FORBIDDEN : 0, why);
}

/* Those of doc that came alone. */
void
glue_kinds_put(const struct reload_doc *doc)
{
	struct wbuf	 w;
	uint8_t		*buf, key[5] = "kind", slot = 0;
	size_t		 i;

	if ((buf = malloc(BLOCK_MAX)) == NULL)
		return;
	for (i = 0; i < doc->rd_kinds; i++) {
		if (doc->rd_kind[i].rk_text == NULL)
			continue;
		wbuf_init(&w, buf, BLOCK_MAX);
		reload_kind_block(&w, &doc->rd_kind[i]);
		if (wbuf_ok(&w) == -1)
			continue;
		key[4] = slot++;
		glue_meta_put(key, sizeof(key), buf, w.w_len);
	}
	for (; slot < RELOAD_KINDS_MAX; slot++) {
		key[4] = slot;
		glue_meta_put(key, sizeof(key), NULL, 0);
	}
	free(buf);
}

/* Into another document: a Kind whose signer it does not name any more, or that
 * it defines otherwise, is left out. */
void
glue_kinds_get(struct reload_doc *doc, int64_t now)
{
	struct reload_kind rk;
	char		 why[RELOAD_WHY_SIZE];
	uint8_t		*buf, key[5] = "kind", slot;
	ssize_t		 len;
	int		 model;

	if ((buf = malloc(BLOCK_MAX)) == NULL)
		return;
	for (slot = 0; slot < RELOAD_KINDS_MAX; slot++) {
		key[4] = slot;
		if ((len = glue_meta_get(key, sizeof(key), buf, BLOCK_MAX)) <= 0)
			continue;
		if (reload_kind_add(doc, buf, (size_t)len, now, &rk, &model, why,
		    sizeof(why)) == -1)
			log_info("overlay %s: with document %u a kind that came alone is "
			    "given up: %s", doc->rd_name, doc->rd_sequence, why);
	}
	free(buf);
}
