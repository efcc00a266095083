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
 * Any bytes as a seal: none may open but the one that was made.
 */
#include <sys/types.h>

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "seal.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct seal_keys	keys;
static char		good[SEAL_TEXT_MAX];
static size_t		good_len;

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct span	text = { (const char *)p, len }, id = { "c@h", 3 }, tag = { "t", 1 };
	struct span	none = { "", 0 };
	struct seal	se, out;
	char		copy[SEAL_TEXT_MAX];
	size_t		i;

	if (good_len == 0) {
		if (sodium_init() == -1)
			abort();
		/* A key that is always the same: a finding can be repeated. */
		memset(keys.sk_key[0], 7, SEAL_KEY_LEN);
		keys.sk_have = 1;
		memset(&se, 0, sizeof(se));
		se.se_side = SEAL_TO_INSIDE;
		se.se_use = SEAL_ROUTE;
		se.se_expiry = 2000000000;
		(void)strlcpy(se.se_grantee, "a.example", sizeof(se.se_grantee));
		(void)strlcpy(se.se_target, "udp 10.0.0.5:5060", sizeof(se.se_target));
		if (seal_make(&keys, &se, id, tag, good, sizeof(good)) == -1)
			abort();
		good_len = strlen(good);
	}
	if (seal_open(&keys, text, id, tag, none, 1, &out, NULL) == SEAL_OK &&
	    (len != good_len || memcmp(p, good, len) != 0))
		abort();
	/* The input as a change of the good one. */
	memcpy(copy, good, sizeof(copy));
	for (i = 0; i < len && i < good_len; i++)
		copy[i] = (char)(copy[i] ^ (p[i] & 0x7f));
	text.p = copy;
	text.len = good_len;
	if (seal_open(&keys, text, id, none, tag, 1, &out, NULL) == SEAL_OK &&
	    memcmp(copy, good, good_len) != 0)
		abort();
	return (0);
}
