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
 * Records of stored values as a damaged disk may give them back: the index is
 * made of what can be read, holds together, and is emptied again.
 * Input: table, length of the key, length of the value, key, value, and so on.
 */

#include <sodium.h>

#include <stdlib.h>

#include "storage.h"
#include "storage_int.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct storage	 st;
	struct storage_place *sp;
	struct storage_value *sv;
	struct storage_body sb;
	struct nodeid	 id = { { 0 } };
	struct span	 der;
	struct cur	 c, k, v;
	uint64_t	 now = 0, at;
	uint32_t	 kind = 0;
	uint8_t		 table;
	size_t		 values = 0, keylen, vallen;

	if (sodium_init() == -1)
		abort();
	storage_init(&st, NULL, NULL, NULL);
	cur_init(&c, data, len);
	for (;;) {
		cur_u8(&c, &table);
		cur_lv(&c, 1, &k);
		cur_lv(&c, 2, &v);
		if (cur_ok(&c) == -1)
			break;
		keylen = cur_left(&k);
		vallen = cur_left(&v);
		(void)storage_load(&st, (enum storage_table)(table % 3), cur_ptr(&k, keylen),
		    keylen, cur_ptr(&v, vallen), vallen);
	}
	storage_loaded(&st);
	while ((sp = storage_nfind(&st, &id, kind)) != NULL) {
		if (sp->sp_generation == 0 || sp->sp_count == 0)
			abort();
		for (sv = storage_first(&st, sp); sv != NULL; sv = storage_after(&st, sv)) {
			values++;
			if (storage_body(&st, sv, &sb) == -1) {
				if (!sv->sv_lost)
					abort();
				continue;
			}
			if (storage_cert(&st, sv, &der) == -1 || der.len == 0 ||
			    storage_slot(&st, sp, sb.sb_slot.p, sb.sb_slot.len) != sv)
				abort();
		}
		kind = sp->sp_kind;
		nodeid_next(&sp->sp_resource, &id);
		if (nodeid_is_zero(&id) && ++kind == 0)
			break;
	}
	if (values != st.st_nvalues)
		abort();
	while ((at = storage_expire(&st, now, 1000)) != 0)
		now = at > now ? at : now + 1;
	if (st.st_nvalues != 0 || st.st_bytes != 0 || st.st_nplaces != 0)
		abort();
	storage_clear(&st);
	return (0);
}
