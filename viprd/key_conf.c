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
 * Configuration of the key process; see key_conf.h.  Certificates and the
 * overlay's document come as bytes, private keys as descriptors.
 */

#include <sys/types.h>

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "cursor.h"
#include "key_conf.h"
#include "key_sign.h"
#include "reload_conf.h"
#include "store.h"

#define KEYS	3

struct prepared {
	struct key_pair		*pp_pair[KEYS];
	struct reload_doc	*pp_doc;
};

static int	 kconf_pair(unsigned, enum key_id, const struct conf_blob *,
		    const struct conf_blob *, uint64_t, char *, size_t);
static int	 kconf_doc(const struct conf *, int64_t, char *, size_t);

static const enum key_id	 key_ids[KEYS] = {
	KEYID_NODE, KEYID_SIP, KEYID_SIP_INSIDE
};
static struct prepared		 next;
static struct reload_doc	*doc;		/* in force */
static uint8_t			 node_id[NODEID_LEN];
static int			 have_node;
static uint8_t			 master_hash[32];	/* of the key in use */
static int			 have_master;

static int
kconf_pair(unsigned slot, enum key_id id, const struct conf_blob *key,
    const struct conf_blob *cert, uint64_t generation, char *why, size_t size)
{
	const char	*reason = NULL;

	if (key->cb_fd == -1 && cert->cb_len == 0)
		return (0);
	if (key->cb_fd == -1 || cert->cb_len == 0) {
		snprintf(why, size, "%s: %s is missing",
		    key->cb_fd == -1 ? cert->cb_path : key->cb_path,
		    key->cb_fd == -1 ? "its private key" : "its certificate");
		return (-1);
	}
	next.pp_pair[slot] = key_pair_load(id, key->cb_fd, cert->cb_data,
	    cert->cb_len, &reason);
	if (next.pp_pair[slot] == NULL) {
		snprintf(why, size, "%s with %s: %s", key->cb_path,
		    cert->cb_path, reason != NULL ? reason : strerror(errno));
		return (-1);
	}
	key_sign_stage(id, generation, next.pp_pair[slot]);
	return (0);
}

/* The file may be behind what the overlay has taught us since. */
static int
kconf_doc(const struct conf *cf, int64_t now, char *why, size_t size)
{
	const struct conf_blob	*b = &cf->c_ov_config;
	const char		*name = cf->c_overlay[0] != '\0' ?
				    cf->c_overlay : NULL;
	char			 reason[RELOAD_WHY_SIZE] = "";
	const char		*overlay;

	if (b->cb_len == 0)
		return (0);
	next.pp_doc = reload_doc_parse(b->cb_data, b->cb_len, name, reason,
	    sizeof(reason));
	if (next.pp_doc == NULL ||
	    reload_doc_verify(next.pp_doc, NULL, now, reason,
	    sizeof(reason)) == -1) {
		snprintf(why, size, "%s: %s", b->cb_path, reason);
		return (-1);
	}
	if (next.pp_pair[0] != NULL &&
	    (overlay = key_pair_overlay(next.pp_pair[0])) != NULL &&
	    strcmp(overlay, next.pp_doc->rd_name) != 0) {
		snprintf(why, size, "%s is for overlay %s, %s is of overlay %s",
		    cf->c_node_cert.cb_path, overlay, b->cb_path,
		    next.pp_doc->rd_name);
		return (-1);
	}
	return (0);
}

int
kconf_check(const struct conf *cf, int64_t now, char *why, size_t size)
{
	kconf_abort();
	if (kconf_pair(0, KEYID_NODE, &cf->c_node_key, &cf->c_node_cert,
	    cf->c_generation, why, size) == -1 ||
	    kconf_pair(1, KEYID_SIP, &cf->c_sip_key, &cf->c_sip_cert,
	    cf->c_generation, why, size) == -1 ||
	    kconf_pair(2, KEYID_SIP_INSIDE, &cf->c_inside_key,
	    &cf->c_inside_cert, cf->c_generation, why, size) == -1 ||
	    kconf_doc(cf, now, why, size) == -1) {
		kconf_abort();
		return (-1);
	}
	return (0);
}

int
kconf_master(const struct conf *cf, uint8_t *master, char *why, size_t size)
{
	const struct conf_blob	*b = &cf->c_master;
	uint8_t			 buf[STORE_MASTER_LEN + 1], hash[32];
	ssize_t			 n;
	int			 ok = -1;

	if (b->cb_fd == -1) {
		snprintf(why, size, "no master key was handed over");
		return (-1);
	}
	n = pread(b->cb_fd, buf, sizeof(buf), 0);
	if (n == -1)
		snprintf(why, size, "%s: %s", b->cb_path, strerror(errno));
	else if (n != STORE_MASTER_LEN)
		snprintf(why, size, "%s: expected a master key of %d bytes",
		    b->cb_path, STORE_MASTER_LEN);
	else {
		crypto_generichash(hash, sizeof(hash), buf, STORE_MASTER_LEN,
		    NULL, 0);
		if (have_master && sodium_memcmp(hash, master_hash,
		    sizeof(hash)) != 0)
			snprintf(why, size, "%s: another master key than the "
			    "one in use", b->cb_path);
		else {
			memcpy(master_hash, hash, sizeof(hash));
			memcpy(master, buf, STORE_MASTER_LEN);
			ok = 0;
		}
	}
	sodium_memzero(buf, sizeof(buf));
	return (ok);
}

void
kconf_commit(const struct conf *cf)
{
	const uint8_t	*node;
	unsigned	 i;

	(void)cf;
	have_master = 1;
	have_node = 0;
	if (next.pp_pair[0] != NULL &&
	    (node = key_pair_node(next.pp_pair[0])) != NULL) {
		memcpy(node_id, node, sizeof(node_id));
		have_node = 1;
	}
	for (i = 0; i < KEYS; i++) {
		key_sign_set(key_ids[i], next.pp_pair[i]);
		next.pp_pair[i] = NULL;
	}
	/* What came over the overlay stays if it is newer than the file. */
	if (doc != NULL && next.pp_doc != NULL &&
	    strcmp(doc->rd_name, next.pp_doc->rd_name) == 0 &&
	    !reload_seq_newer(next.pp_doc->rd_sequence, doc->rd_sequence)) {
		reload_doc_free(next.pp_doc);
		next.pp_doc = NULL;
		return;
	}
	reload_doc_free(doc);
	doc = next.pp_doc;
	next.pp_doc = NULL;
}

void
kconf_abort(void)
{
	unsigned	 i;

	for (i = 0; i < KEYS; i++) {
		key_sign_stage(key_ids[i], 0, NULL);
		key_pair_free(next.pp_pair[i]);
		next.pp_pair[i] = NULL;
	}
	reload_doc_free(next.pp_doc);
	next.pp_doc = NULL;
}

void
kconf_clear(void)
{
	unsigned	 i;

	kconf_abort();
	for (i = 0; i < KEYS; i++)
		key_sign_set(key_ids[i], NULL);
	key_sign_expire(UINT64_MAX);
	reload_doc_free(doc);
	doc = NULL;
	sodium_memzero(master_hash, sizeof(master_hash));
}

const char *
kconf_overlay(void)
{
	return (doc != NULL ? doc->rd_name : NULL);
}

const uint8_t *
kconf_node(void)
{
	return (have_node ? node_id : NULL);
}

size_t
kconf_roots(struct imsg_pvp_roots *pr, uint8_t *buf, size_t size)
{
	struct wbuf	 w;
	size_t		 i;

	if (doc == NULL)
		return (0);
	memset(pr, 0, sizeof(*pr));
	pr->pr_count = (uint32_t)doc->rd_roots;
	pr->pr_bad = (uint32_t)doc->rd_bads;
	pr->pr_self_signed = doc->rd_self_signed;
	wbuf_init(&w, buf, size);
	wbuf_lv_str(&w, 1, doc->rd_name);
	for (i = 0; i < doc->rd_roots; i++)
		wbuf_lv(&w, 2, doc->rd_root[i].b_p, doc->rd_root[i].b_len);
	for (i = 0; i < doc->rd_bads; i++)
		wbuf_bytes(&w, doc->rd_bad[i], NODEID_LEN);
	return (wbuf_ok(&w) == -1 ? 0 : w.w_len);
}

int
kconf_update(const void *p, size_t len, int64_t now, char *why, size_t size)
{
	struct reload_doc	*nd;
	char			 reason[RELOAD_WHY_SIZE] = "";
	int			 stale = 0;

	if (doc == NULL) {
		snprintf(why, size, "no overlay is configured");
		return (-1);
	}
	/* overlayd was restarted and hears again of the one in force. */
	if (len == doc->rd_text.b_len && memcmp(p, doc->rd_text.b_p, len) == 0)
		return (1);
	nd = reload_doc_update(doc, p, len, now, &stale, reason, sizeof(reason));
	if (nd == NULL) {
		snprintf(why, size, "%s", stale == RELOAD_STALE ? "not newer than the one in "
		    "force" : reason);
		return (-1);
	}
	reload_doc_free(doc);
	doc = nd;
	return (0);
}
