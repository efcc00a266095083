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
 * What overlayd's node needs from the world: signatures of the key process,
 * verification, documents that peers push.  The store is in glue_store.c.
 */

#include <sys/types.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "overlayd.h"
#include "pkremote.h"
#include "proc.h"

#define PENDING_DOCS	4
#define DOCUMENTS_MAX	8

static int	 op_sign(void *, uint64_t, int, const void *, size_t);
static void	 sign_done(int, const void *, size_t, void *);
static int	 op_verify(void *, const struct reload_signature *, const struct cur *,
		    const struct span *, size_t, int64_t, struct node_signer *,
		    const char **);
static void	 op_random(void *, void *, size_t);
static void	 op_log(void *, int, const char *);
static void	 op_config(void *, uint64_t, int, const void *, size_t);
static struct reload_doc *document_get(unsigned, const struct reload_doc *, int64_t);
static void	 document_put(unsigned, const struct reload_doc *);
static void	 document_send(const struct reload_doc *);

const struct node_ops ov_ops = {
	link_send, link_connect, link_close, op_sign, op_verify, op_random, op_log,
	glue_put, glue_peers_put, op_config, glue_get
};

static struct {
	uint64_t	 token;		/* 0: free */
	struct reload_doc *doc;
}			 pending[PENDING_DOCS];

void
glue_close(void)
{
	size_t		 i;

	for (i = 0; i < PENDING_DOCS; i++) {
		reload_doc_free(pending[i].doc);
		pending[i].doc = NULL;
		pending[i].token = 0;
	}
	glue_store_close();
}

/* -- documents kept -- */

/*
 * Documents that were adopted, for the next start and for a key process that
 * has only seen the file.  Each is signed by a signer that the one before
 * names, so those between the file and the newest are kept where the newest
 * cannot be verified with the file alone.
 */
static struct reload_doc *
document_get(unsigned i, const struct reload_doc *before, int64_t now)
{
	struct reload_doc *doc = NULL;
	uint8_t		*buf, key[9] = "document";
	ssize_t		 len;
	int		 stale;
	char		 why[RELOAD_WHY_SIZE];

	if ((buf = malloc(RELOAD_DOC_MAX)) == NULL)
		return (NULL);
	key[8] = (uint8_t)i;
	len = glue_meta_get(key, sizeof(key), buf, RELOAD_DOC_MAX);
	if (len > 0)
		doc = reload_doc_update(before, buf, (size_t)len, now, &stale, why,
		    sizeof(why));
	free(buf);
	return (doc);
}

/* doc NULL: remove. */
static void
document_put(unsigned i, const struct reload_doc *doc)
{
	uint8_t		 key[9] = "document";

	key[8] = (uint8_t)i;
	glue_meta_put(key, sizeof(key), doc != NULL ? doc->rd_text.b_p : NULL,
	    doc != NULL ? doc->rd_text.b_len : 0);
}

void
glue_document_put(const struct reload_doc *file, const struct reload_doc *doc, int64_t now)
{
	const struct reload_doc *before = file;
	struct reload_doc *nd, *last = NULL;
	char		 why[RELOAD_WHY_SIZE];
	unsigned	 i, k = 0;

	/* After the first of the kept ones that vouches for it. */
	for (i = 0; i < DOCUMENTS_MAX; i++) {
		if (reload_doc_verify(doc, before, now, why, sizeof(why)) == 0)
			break;
		if ((nd = document_get(i, before, now)) == NULL)
			continue;
		if (i != k)
			document_put(k, nd);
		k++;
		reload_doc_free(last);
		before = last = nd;
	}
	reload_doc_free(last);
	if (k == DOCUMENTS_MAX) {
		log_warnx("overlay %s: document %u is not kept: the signers have "
		    "changed too often since that of the file", doc->rd_name,
		    doc->rd_sequence);
		return;
	}
	document_put(k, doc);
	while (++k < DOCUMENTS_MAX)
		document_put(k, NULL);
}

struct reload_doc *
glue_document_newer(const struct reload_doc *file, int64_t now)
{
	struct reload_doc *nd, *last = NULL;
	unsigned	 i;

	for (i = 0; i < DOCUMENTS_MAX; i++) {
		nd = document_get(i, last != NULL ? last : file, now);
		if (nd == NULL)
			continue;
		reload_doc_free(last);
		last = nd;
	}
	return (last);
}

static void
document_send(const struct reload_doc *doc)
{
	struct imsg_ov_config oc;

	oc.oc_reqid = 0;	/* nobody waits for the answer */
	(void)chan_send(proc_peer(ROLE_KEY), IMSG_OV_CONFIG, -1, &oc, sizeof(oc),
	    doc->rd_text.b_p, doc->rd_text.b_len);
}

/* Tell key of the document in force, and of those that lead to it, which it
 * may not have seen; it refuses what it is past. */
void
glue_document_tell(int64_t now)
{
	struct reload_doc *nd, *last = NULL;
	unsigned	 i;

	if (ovconf.oc_file == NULL)
		return;
	for (i = 0; i < DOCUMENTS_MAX; i++) {
		nd = document_get(i, last != NULL ? last : ovconf.oc_file, now);
		if (nd == NULL)
			continue;
		if (nd->rd_sequence != ovconf.oc_doc->rd_sequence)
			document_send(nd);
		reload_doc_free(last);
		last = nd;
	}
	reload_doc_free(last);
	document_send(ovconf.oc_doc);
}

/* -- signatures -- */

static int
op_sign(void *arg, uint64_t id, int type, const void *in, size_t len)
{
	(void)arg;
	return (pkremote_sign(KEYID_NODE, (uint16_t)type, in, len, sign_done,
	    (void *)(uintptr_t)id) == 0 ? -1 : 0);
}

static void
sign_done(int error, const void *sig, size_t len, void *arg)
{
	ov_enter();
	if (node != NULL)
		node_signed(node, (uint64_t)(uintptr_t)arg, error, sig, len);
	ov_leave();
}

int
glue_key_sign_res(struct chan *ch, struct chan_msg *cm, void *arg)
{
	const struct imsg_key_sign_res *kr = cm->cm_fixed;
	size_t		 len = cur_left(&cm->cm_tail);

	(void)ch;
	(void)arg;
	ov_enter();
	pkremote_reply(kr->kr_reqid, (int)kr->kr_error, cur_ptr(&cm->cm_tail, len), len);
	ov_leave();
	return (0);
}

static int
op_verify(void *arg, const struct reload_signature *rs, const struct cur *bucket,
    const struct span *parts, size_t nparts, int64_t now, struct node_signer *ng,
    const char **why)
{
	const struct reload_signer *rg;

	(void)arg;
	rg = reload_cache_verify(ovconf.oc_cache, rs, bucket, parts, nparts, now,
	    ng->ng_node.id_b, why);
	if (rg == NULL)
		return (-1);
	memcpy(ng->ng_sha256, rg->rg_cert.rc_sha256, sizeof(ng->ng_sha256));
	ng->ng_der.p = (const char *)rg->rg_der;
	ng->ng_der.len = rg->rg_derlen;
	ng->ng_user = rg->rg_cert.rc_user;
	return (0);
}

static void
op_random(void *arg, void *buf, size_t len)
{
	(void)arg;
	randombytes_buf(buf, len);
}

static void
op_log(void *arg, int level, const char *text)
{
	(void)arg;
	switch (level) {
	case NODE_WARN:
		log_warnx("%s", text);
		break;
	case NODE_INFO:
		log_info("%s", text);
		break;
	default:
		log_debug("%s", text);
		break;
	}
}

/* -- documents -- */

/* Looked at here first, so that key is not bothered with rubbish; key, which
 * tells pvpd whom to trust, has the last word. */
static void
op_config(void *arg, uint64_t token, int type, const void *p, size_t len)
{
	struct imsg_ov_config oc;
	struct reload_doc *doc;
	char		 why[RELOAD_WHY_SIZE] = "";
	size_t		 i;
	int		 stale = 0;

	(void)arg;
	if (type == WIRE_CU_KIND) {
		glue_config_kinds(token, p, len);
		return;
	}
	for (i = 0; i < PENDING_DOCS && pending[i].token != 0; i++)
		continue;
	if (i == PENDING_DOCS) {
		node_config_done(node, token, WIRE_E_FORBIDDEN, "busy");
		return;
	}
	doc = reload_doc_update(ovconf.oc_doc, p, len, (int64_t)(node->n_wall / 1000), &stale,
	    why, sizeof(why));
	if (doc != NULL && !ov_document_fits(doc)) {
		(void)strlcpy(why, "not an overlay for registrations of numbers",
		    sizeof(why));
		reload_doc_free(doc);
		doc = NULL;
		stale = RELOAD_LEAVE;
	}
	if (doc == NULL && stale == RELOAD_LEAVE) {
		/* It is in force, for all others. */
		node_config_done(node, token, 0, "");
		node_quit(node, why);
		return;
	}
	if (doc == NULL) {
		node_config_done(node, token, stale == RELOAD_STALE ?
		    WIRE_E_CONFIG_TOO_OLD : WIRE_E_FORBIDDEN, why);
		return;
	}
	oc.oc_reqid = token;
	if (chan_send(proc_peer(ROLE_KEY), IMSG_OV_CONFIG, -1, &oc, sizeof(oc), p,
	    len) == -1) {
		reload_doc_free(doc);
		node_config_done(node, token, WIRE_E_FORBIDDEN, "busy");
		return;
	}
	pending[i].token = token;
	pending[i].doc = doc;
}

int
glue_config_res(struct chan *ch, struct chan_msg *cm, void *arg)
{
	const struct imsg_ov_config_res *or = cm->cm_fixed;
	struct reload_doc *doc;
	const char	*why = "refused by key";
	size_t		 i, len = cur_left(&cm->cm_tail);

	(void)ch;
	(void)arg;
	for (i = 0; i < PENDING_DOCS; i++) {
		if (pending[i].token != 0 && pending[i].token == or->oc_reqid)
			break;
	}
	if (i == PENDING_DOCS)
		return (0);
	doc = pending[i].doc;
	pending[i].token = 0;
	pending[i].doc = NULL;
	ov_enter();
	if (node != NULL && or->oc_ok == 1 && ov_document(doc, &why) == 0) {
		node_config_done(node, or->oc_reqid, 0, "");
		doc = NULL;
	} else {
		log_info("configuration document %u of a peer refused: %s",
		    doc->rd_sequence, log_str(cur_ptr(&cm->cm_tail, len), len));
		if (node != NULL)
			node_config_done(node, or->oc_reqid, WIRE_E_FORBIDDEN, why);
	}
	ov_leave();
	reload_doc_free(doc);
	return (0);
}

/* No answer will come any more. */
void
glue_key_lost(void)
{
	size_t		 i;

	for (i = 0; i < PENDING_DOCS; i++) {
		if (pending[i].token == 0)
			continue;
		if (node != NULL)
			node_config_done(node, pending[i].token, WIRE_E_FORBIDDEN, "busy");
		reload_doc_free(pending[i].doc);
		pending[i].token = 0;
		pending[i].doc = NULL;
	}
}
