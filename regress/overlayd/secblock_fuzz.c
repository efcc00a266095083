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

/* Security blocks, the certificates in them, and reload URIs. */

#include <sys/types.h>

#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "reload_cert.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static struct reload_trust	*trust;
	struct reload_secblock		 b;
	struct reload_cache		*cache;
	struct cur			 c, list;
	struct span			 part, der;
	struct wbuf			 w;
	const char			*why;
	char				 overlay[DOMAIN_SIZE];
	uint8_t				*buf, node[NODEID_LEN], type;

	if (trust == NULL)
		trust = reload_trust_new("overlay.test", RELOAD_SELF_SHA256);
	part.p = (const char *)p;
	part.len = len;
	(void)reload_uri_parse(part, node, overlay);
	cur_init(&c, p, len);
	if (reload_secblock_parse(&c, &b) == -1)
		return (0);
	if ((buf = malloc(len)) == NULL ||
	    (cache = reload_cache_new(trust, 2)) == NULL)
		abort();
	wbuf_init(&w, buf, len);
	wbuf_lv(&w, 2, b.rb_certs.c_p, cur_left(&b.rb_certs));
	reload_signature_put(&w, &b.rb_sig);
	if (wbuf_ok(&w) == -1 || w.w_len != cur_off(&c) ||
	    memcmp(buf, p, w.w_len) != 0)
		abort();
	(void)reload_cache_verify(cache, &b.rb_sig, &b.rb_certs, &part, 1,
	    1700000000, node, &why);
	for (list = b.rb_certs; reload_bucket_next(&list, &type, &der) == 1;)
		(void)reload_cache_add(cache, der.p, der.len, &b.rb_certs,
		    1700000000, &why);
	if (reload_cache_count(cache) > 2)
		abort();
	reload_cache_free(cache);
	free(buf);
	return (0);
}
