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
 * core: the configuration document of the overlay: life, look-ups, signatures
 * and updates; see reload_conf.h.  The XML is read in reload_confxml.c.
 */

#include <sys/types.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reload_conf.h"
#include "reload_confxml.h"

/*
 * Each node stores its certificate under these two (RFC 6940, 8).  Their limits
 * come from the document (7.4.5, 11.1); where it does not name them, these
 * hold, the same in each node: room for certificates that overlap and for some
 * nodes of one user.
 */
static const struct reload_kind cert_kinds[] = {
	{ .rk_id = RELOAD_KIND_CERT_NODE, .rk_model = RELOAD_ARRAY,
	  .rk_policy = RELOAD_NODE_MATCH, .rk_max_count = 8,
	  .rk_max_size = RELOAD_CERT_DER_MAX },
	{ .rk_id = RELOAD_KIND_CERT_USER, .rk_model = RELOAD_ARRAY,
	  .rk_policy = RELOAD_USER_MATCH, .rk_max_count = 16,
	  .rk_max_size = RELOAD_CERT_DER_MAX },
};

static struct reload_doc *doc_new(const void *, size_t, char *, size_t);
static int	 blob_verify(const struct reload_doc *,
		    const struct reload_blob *, const uint8_t *, size_t,
		    int64_t, uint8_t *, char *, size_t);
static int	 listed(const uint8_t (*)[NODEID_LEN], size_t, const uint8_t *);
static struct reload_doc *doc_parse(const void *, size_t, const char *,
		    char *, size_t);
static void	 kind_clear(struct reload_kind *);
static int	 kind_verify(const struct reload_doc *,
		    const struct reload_kind *, int64_t, uint8_t *, char *,
		    size_t);
static struct reload_kind *kind_place(struct reload_doc *,
		    const struct reload_kind *, const uint8_t *, int64_t, char *,
		    size_t);

static struct reload_doc *
doc_new(const void *p, size_t len, char *why, size_t whysize)
{
	struct reload_doc	*d;
	uint8_t			*copy;

	if (len == 0 || len > RELOAD_DOC_MAX) {
		(void)snprintf(why, whysize, "%s",
		    len == 0 ? "empty document" : "document too long");
		return (NULL);
	}
	if ((d = calloc(1, sizeof(*d))) == NULL ||
	    (copy = malloc(len)) == NULL) {
		free(d);
		(void)snprintf(why, whysize, "out of memory");
		return (NULL);
	}
	memcpy(copy, p, len);
	d->rd_text.b_p = copy;
	d->rd_text.b_len = len;
	d->rd_clients = 1;
	d->rd_reactive = 1;
	d->rd_initial_ttl = 100;
	d->rd_turn_density = 1;
	d->rd_max_message = 5000;
	d->rd_reliability_ms = 3000;
	d->rd_update_s = 600;
	d->rd_ping_s = 3600;
	return (d);
}

struct reload_doc *
reload_doc_parse(const void *p, size_t len, const char *overlay, char *why,
    size_t whysize)
{
	struct reload_doc	*d;

	if ((d = doc_parse(p, len, overlay, why, whysize)) != NULL &&
	    d->rd_unsupported[0] != '\0') {
		(void)snprintf(why, whysize, "%s", d->rd_unsupported);
		reload_doc_free(d);
		return (NULL);
	}
	return (d);
}

/* As it stands, whether we could be in its overlay or not. */
static struct reload_doc *
doc_parse(const void *p, size_t len, const char *overlay, char *why,
    size_t whysize)
{
	struct reload_doc	*d;

	if ((d = doc_new(p, len, why, whysize)) == NULL)
		return (NULL);
	if (reload_xml_doc(d, overlay, why, whysize) == -1) {
		reload_doc_free(d);
		return (NULL);
	}
	return (d);
}

static void
kind_clear(struct reload_kind *k)
{
	free(k->rk_sig);
	free(k->rk_text);
	k->rk_sig = k->rk_text = NULL;
}

void
reload_doc_free(struct reload_doc *d)
{
	size_t	i;

	if (d == NULL)
		return;
	for (i = 0; i < d->rd_roots; i++)
		free((void *)(uintptr_t)d->rd_root[i].b_p);
	for (i = 0; i < d->rd_kinds; i++)
		kind_clear(&d->rd_kind[i]);
	for (i = 0; i < d->rd_enrolls; i++)
		free(d->rd_enroll[i]);
	free(d->rd_bad);
	free(d->rd_sig);
	free((void *)(uintptr_t)d->rd_text.b_p);
	free(d);
}

int
reload_seq_newer(uint16_t a, uint16_t b)
{
	uint32_t	diff;

	diff = ((uint32_t)a + 65535 - b % 65535) % 65535;
	return (diff > 0 && diff < 32768);
}

struct reload_trust *
reload_doc_trust(const struct reload_doc *d)
{
	struct reload_trust	*t;
	size_t			 i;

	if ((t = reload_trust_new(d->rd_name, d->rd_self_signed)) == NULL)
		return (NULL);
	for (i = 0; i < d->rd_roots; i++) {
		if (reload_trust_root(t, d->rd_root[i].b_p,
		    d->rd_root[i].b_len) == -1)
			goto fail;
	}
	for (i = 0; i < d->rd_bads; i++) {
		if (reload_trust_bad(t, d->rd_bad[i]) == -1)
			goto fail;
	}
	return (t);
fail:
	reload_trust_free(t);
	return (NULL);
}

const struct reload_kind *
reload_doc_kind(const struct reload_doc *d, uint32_t id)
{
	size_t	i;

	for (i = 0; i < d->rd_kinds; i++) {
		if (d->rd_kind[i].rk_id == id)
			return (&d->rd_kind[i]);
	}
	for (i = 0; i < sizeof(cert_kinds) / sizeof(cert_kinds[0]); i++) {
		if (cert_kinds[i].rk_id == id)
			return (&cert_kinds[i]);
	}
	return (NULL);
}

int
reload_doc_model(uint32_t id, void *doc)
{
	const struct reload_kind	*k;
	uint8_t				 model, policy;

	if (doc != NULL)
		return ((k = reload_doc_kind(doc, id)) == NULL ? 0 :
		    k->rk_model);
	return (reload_kind_registered(id, &model, &policy) == -1 ? 0 : model);
}

static int
listed(const uint8_t (*list)[NODEID_LEN], size_t n, const uint8_t *node)
{
	size_t	i;

	for (i = 0; i < n; i++) {
		if (memcmp(list[i], node, NODEID_LEN) == 0)
			return (1);
	}
	return (0);
}

int
reload_is_conf_signer(const struct reload_doc *d, const uint8_t node[NODEID_LEN])
{
	return (listed((const uint8_t (*)[NODEID_LEN])d->rd_conf_signer,
	    d->rd_conf_signers, node));
}

int
reload_is_kind_signer(const struct reload_doc *d, const uint8_t node[NODEID_LEN])
{
	return (listed((const uint8_t (*)[NODEID_LEN])d->rd_kind_signer,
	    d->rd_kind_signers, node));
}

/*
 * A SecurityBlock over a blob, by someone whom the document authority accepts
 * as a member.  The RFC does not say whether the SignerIdentity is part of
 * what is signed: the blob alone is tried first, then both together; either
 * way the identity is bound to the key that verifies.
 */
static int
blob_verify(const struct reload_doc *authority, const struct reload_blob *blob,
    const uint8_t *sig, size_t siglen, int64_t now, uint8_t *node, char *why,
    size_t whysize)
{
	const struct reload_signer	*rg;
	struct reload_secblock		 b;
	struct reload_trust		*t = NULL;
	struct reload_cache		*ca = NULL;
	struct span			 parts[2];
	struct cur			 c;
	const char			*text = "not signed";
	int				 r = -1;

	if (sig == NULL)
		goto fail;
	text = "malformed signature";
	cur_init(&c, sig, siglen);
	if (reload_secblock_parse(&c, &b) == -1 || cur_done(&c) == -1)
		goto fail;
	text = "roots cannot be read";
	if ((t = reload_doc_trust(authority)) == NULL ||
	    (ca = reload_cache_new(t, 4)) == NULL)
		goto fail;
	if ((rg = reload_cache_resolve(ca, &b.rb_sig.rs_id, &b.rb_certs, now,
	    node, &text)) == NULL)
		goto fail;
	parts[0].p = (const char *)blob->b_p;
	parts[0].len = blob->b_len;
	parts[1] = b.rb_sig.rs_id.ri_raw;
	text = "signature does not verify";
	if (reload_verify_parts(rg->rg_key, &b.rb_sig, parts, 1) == 0 ||
	    reload_verify_parts(rg->rg_key, &b.rb_sig, parts, 2) == 0)
		r = 0;
fail:
	if (r == -1)
		(void)snprintf(why, whysize, "%s", text);
	reload_cache_free(ca);
	reload_trust_free(t);
	return (r);
}

static int
kind_verify(const struct reload_doc *d, const struct reload_kind *k,
    int64_t now, uint8_t *node, char *why, size_t whysize)
{
	char	text[RELOAD_WHY_SIZE];

	if (blob_verify(d, &k->rk_blob, k->rk_sig, k->rk_siglen, now, node,
	    text, sizeof(text)) == -1) {
		(void)snprintf(why, whysize, "kind %u: %s", k->rk_id, text);
		return (-1);
	}
	if (!reload_is_kind_signer(d, node)) {
		(void)snprintf(why, whysize,
		    "kind %u: its signer is no kind-signer", k->rk_id);
		return (-1);
	}
	return (0);
}

int
reload_doc_verify(const struct reload_doc *d, const struct reload_doc *current,
    int64_t now, char *why, size_t whysize)
{
	const struct reload_doc	*authority = current == NULL ? d : current;
	char			 text[RELOAD_WHY_SIZE];
	uint8_t			 node[NODEID_LEN];
	size_t			 i;

	if (blob_verify(authority, &d->rd_blob, d->rd_sig, d->rd_siglen, now,
	    node, text, sizeof(text)) == -1) {
		(void)snprintf(why, whysize, "configuration: %s", text);
		return (-1);
	}
	if (!reload_is_conf_signer(authority, node)) {
		(void)snprintf(why, whysize,
		    "configuration: its signer is no configuration-signer");
		return (-1);
	}
	for (i = 0; i < d->rd_kinds; i++) {
		if (kind_verify(d, &d->rd_kind[i], now, node, why, whysize) == -1)
			return (-1);
	}
	return (0);
}

struct reload_doc *
reload_doc_update(const struct reload_doc *current, const void *p, size_t len,
    int64_t now, int *stale, char *why, size_t whysize)
{
	struct reload_doc	*d;

	*stale = 0;
	if ((d = doc_parse(p, len, current->rd_name, why, whysize)) == NULL)
		return (NULL);
	if (!reload_seq_newer(d->rd_sequence, current->rd_sequence)) {
		*stale = RELOAD_STALE;
		(void)snprintf(why, whysize, "sequence %u is not newer than %u",
		    d->rd_sequence, current->rd_sequence);
		goto fail;
	}
	if (reload_doc_verify(d, current, now, why, whysize) == -1)
		goto fail;
	if (d->rd_unsupported[0] != '\0') {
		*stale = RELOAD_LEAVE;
		(void)snprintf(why, whysize, "%s", d->rd_unsupported);
		goto fail;
	}
	return (d);
fail:
	reload_doc_free(d);
	return (NULL);
}

int
reload_kind_update(const struct reload_doc *current, const void *p, size_t len,
    int64_t now, struct reload_kind *k, char *why, size_t whysize)
{
	struct reload_doc	*d;
	uint8_t			 node[NODEID_LEN];
	int			 r = -1;

	memset(k, 0, sizeof(*k));
	if ((d = doc_new(p, len, why, whysize)) == NULL)
		return (-1);
	if (reload_xml_kind(d, why, whysize) == 0 &&
	    kind_verify(current, &d->rd_kind[0], now, node, why,
	    whysize) == 0) {
		*k = d->rd_kind[0];
		k->rk_blob.b_p = NULL;
		k->rk_blob.b_len = 0;
		k->rk_sig = NULL;
		k->rk_siglen = 0;
		r = 0;
	}
	reload_doc_free(d);
	return (r);
}

/* Where a Kind that node has signed goes.  NULL: it may not. */
static struct reload_kind *
kind_place(struct reload_doc *doc, const struct reload_kind *k,
    const uint8_t *node, int64_t now, char *why, size_t whysize)
{
	struct reload_kind	*old;
	char			 text[RELOAD_WHY_SIZE];
	uint8_t			 was[NODEID_LEN];
	size_t			 i;

	for (i = 0; i < doc->rd_kinds; i++) {
		old = &doc->rd_kind[i];
		if (old->rk_id != k->rk_id)
			continue;
		if (old->rk_text == NULL)
			(void)snprintf(why, whysize, "kind %u: the document "
			    "defines it otherwise", k->rk_id);
		else if (kind_verify(doc, old, now, was, text,
		    sizeof(text)) == 0 && memcmp(was, node, NODEID_LEN) != 0)
			(void)snprintf(why, whysize, "kind %u: it was defined "
			    "by another signer", k->rk_id);
		else
			return (old);
		return (NULL);
	}
	if (doc->rd_kinds == RELOAD_KINDS_MAX) {
		(void)snprintf(why, whysize, "more than %d kinds",
		    RELOAD_KINDS_MAX);
		return (NULL);
	}
	return (&doc->rd_kind[doc->rd_kinds]);
}

int
reload_kind_add(struct reload_doc *doc, const void *p, size_t len, int64_t now,
    struct reload_kind *k, int *model, char *why, size_t whysize)
{
	struct reload_doc	*d;
	struct reload_kind	*nk, *place;
	const struct reload_kind *known;
	uint8_t			 node[NODEID_LEN];
	int			 r = -1;

	memset(k, 0, sizeof(*k));
	*model = 0;
	if ((d = doc_new(p, len, why, whysize)) == NULL)
		return (-1);
	if (reload_xml_kind(d, why, whysize) == -1)
		goto out;
	nk = &d->rd_kind[0];
	if (d->rd_unsupported[0] != '\0') {
		(void)snprintf(why, whysize, "%s", d->rd_unsupported);
		goto out;
	}
	if (kind_verify(doc, nk, now, node, why, whysize) == -1)
		goto out;
	if ((known = reload_doc_kind(doc, nk->rk_id)) != NULL &&
	    known->rk_blob.b_len == nk->rk_blob.b_len &&
	    memcmp(known->rk_blob.b_p, nk->rk_blob.b_p, nk->rk_blob.b_len) == 0) {
		*k = *known;
		r = 0;
		goto out;
	}
	if ((place = kind_place(doc, nk, node, now, why, whysize)) == NULL)
		goto out;
	if (place == &doc->rd_kind[doc->rd_kinds])
		doc->rd_kinds++;
	else {
		*model = place->rk_model;
		kind_clear(place);
	}
	/* The text goes over with the Kind, whose blob points into it. */
	*place = *nk;
	place->rk_text = (uint8_t *)(uintptr_t)d->rd_text.b_p;
	d->rd_text.b_p = NULL;
	nk->rk_sig = NULL;
	*k = *place;
	r = 1;
out:
	reload_doc_free(d);
	return (r);
}

void
reload_kind_block(struct wbuf *w, const struct reload_kind *k)
{
	char	*text;
	size_t	 len;

	len = sodium_base64_encoded_len(k->rk_siglen,
	    sodium_base64_VARIANT_ORIGINAL);
	if (k->rk_sig == NULL || (text = malloc(len)) == NULL) {
		(void)wbuf_fail(w);
		return;
	}
	(void)sodium_bin2base64(text, len, k->rk_sig, k->rk_siglen,
	    sodium_base64_VARIANT_ORIGINAL);
	wbuf_str(w, "<kind-block xmlns=\"" RELOAD_NS_BASE "\">");
	wbuf_bytes(w, k->rk_blob.b_p, k->rk_blob.b_len);
	wbuf_str(w, "<kind-signature>");
	wbuf_str(w, text);
	wbuf_str(w, "</kind-signature></kind-block>");
	free(text);
}
