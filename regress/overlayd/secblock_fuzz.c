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
 * Security blocks, the certificates in them, and reload URIs.  What is signed
 * is a text that stays the same, so that a block may be valid.
 */

#include <sys/types.h>

#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "fuzzdoc.h"
#include "reload_cert.h"
#include "reload_conf.h"

#define SIGNED	"signed"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void			 block(const struct reload_secblock *);
static void			 certificates(struct reload_cache *,
				    const struct reload_secblock *);
static struct reload_trust	*roots(void);

static struct reload_trust	*trust;

/* The roots of the document, self-signed ones besides, one node is bad. */
static struct reload_trust *
roots(void)
{
	static const uint8_t	 bad[NODEID_LEN] = { 0xba, 0xd0 };
	struct reload_trust	*t;
	struct reload_doc	*d;
	char			 why[RELOAD_WHY_SIZE];
	size_t			 i;

	d = reload_doc_parse(fuzz_document, sizeof(fuzz_document) - 1, NULL, why,
	    sizeof(why));
	t = reload_trust_new("overlay.test", RELOAD_SELF_SHA256);
	if (d == NULL || t == NULL || reload_trust_bad(t, bad) == -1)
		abort();
	for (i = 0; i < d->rd_roots; i++)
		if (reload_trust_root(t, d->rd_root[i].b_p, d->rd_root[i].b_len) == -1)
			abort();
	reload_doc_free(d);
	return (t);
}

/* Each certificate of the bucket for itself. */
static void
certificates(struct reload_cache *cache, const struct reload_secblock *b)
{
	const struct reload_signer	*rg;
	struct reload_cert		 rc;
	struct cur			 list = b->rb_certs;
	struct span			 der;
	X509				*x;
	const unsigned char		*p;
	const char			*why = NULL;
	uint8_t				 type;

	while (reload_bucket_next(&list, &type, &der) == 1) {
		rg = reload_cache_add(cache, der.p, der.len, &b->rb_certs,
		    FUZZ_NOW, &why);
		if (rg == NULL && why == NULL)
			abort();
		if (rg != NULL && (memcmp(rg->rg_der, der.p, der.len) != 0 ||
		    reload_cache_find(cache, rg->rg_cert.rc_sha256,
		    FUZZ_NOW) != rg))
			abort();
		p = (const unsigned char *)der.p;
		if (der.len > RELOAD_CERT_DER_MAX ||
		    (x = d2i_X509(NULL, &p, (long)der.len)) == NULL)
			continue;
		if (reload_trust_check(trust, x, NULL, FUZZ_NOW, &rc, &why) == 0 &&
		    (rc.rc_nodes < 1 || rc.rc_nodes > RELOAD_NODES_MAX ||
		    strcmp(rc.rc_overlay, "overlay.test") != 0 ||
		    reload_trust_is_bad(trust, rc.rc_node[0])))
			abort();
		X509_free(x);
	}
}

static void
block(const struct reload_secblock *b)
{
	const struct reload_signer	*rg;
	struct reload_cache		*cache;
	struct span			 part = { SIGNED, sizeof(SIGNED) - 1 };
	const char			*why = NULL;
	uint8_t				 node[NODEID_LEN];

	if ((cache = reload_cache_new(trust, 2)) == NULL)
		abort();
	rg = reload_cache_verify(cache, &b->rb_sig, &b->rb_certs, &part, 1,
	    FUZZ_NOW, node, &why);
	if (rg == NULL && why == NULL)
		abort();
	if (rg != NULL) {
		/* Held while the cache forgets it.  From the cache alone only
		 * a certificate of several nodes is designated by one of them. */
		reload_signer_ref(rg);
		if (reload_trust_is_bad(trust, node) || (reload_cache_verify(cache,
		    &b->rb_sig, NULL, &part, 1, FUZZ_NOW, node, &why) != rg &&
		    (b->rb_sig.rs_id.ri_type == RELOAD_ID_CERT_HASH ||
		    rg->rg_cert.rc_nodes > 1)))
			abort();
	}
	certificates(cache, b);
	if (reload_cache_count(cache) > 2)
		abort();
	if (rg != NULL)
		reload_signer_unref(rg);
	reload_cache_free(cache);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct reload_secblock	 b;
	struct wbuf		 w;
	struct span		 part;
	struct cur		 c;
	char			 overlay[DOMAIN_SIZE], uri[DOMAIN_SIZE + 64];
	uint8_t			*buf, node[NODEID_LEN], again[NODEID_LEN];
	size_t			 n;

	if (trust == NULL)
		trust = roots();
	part.p = (const char *)p;
	part.len = len;
	if (reload_uri_parse(part, node, overlay) == 0) {
		n = reload_uri_write(uri, sizeof(uri), node, overlay);
		part.p = uri;
		part.len = n;
		if (n == 0 || reload_uri_parse(part, again, overlay) == -1 ||
		    memcmp(node, again, sizeof(node)) != 0)
			abort();
	}
	cur_init(&c, p, len);
	if (reload_secblock_parse(&c, &b) == -1)
		return (0);
	if ((buf = malloc(len)) == NULL)
		abort();
	wbuf_init(&w, buf, len);
	wbuf_lv(&w, 2, b.rb_certs.c_p, cur_left(&b.rb_certs));
	reload_signature_put(&w, &b.rb_sig);
	if (wbuf_ok(&w) == -1 || w.w_len != cur_off(&c) ||
	    memcmp(buf, p, w.w_len) != 0)
		abort();
	if (reload_signature_is_none(&b.rb_sig) && b.rb_sig.rs_value.len != 0)
		abort();
	free(buf);
	block(&b);
	return (0);
}
