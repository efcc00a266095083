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
 * verification, the store, documents that peers push.
 */

#include <sys/types.h>

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "overlayd.h"
#include "pkremote.h"
#include "proc.h"
#include "store.h"

#define STORE_MAP	((size_t)2048 * 1024 * 1024)	/* address space, not memory */
#define STORE_VERSION	1
#define PENDING_DOCS	4
#define DOCUMENTS_MAX	8

static int	 op_sign(void *, uint64_t, int, const void *, size_t);
static void	 sign_done(int, const void *, size_t, void *);
static int	 op_verify(void *, const struct reload_signature *, const struct cur *,
		    const struct span *, size_t, int64_t, struct node_signer *,
		    const char **);
static void	 op_random(void *, void *, size_t);
static void	 op_log(void *, int, const char *);
static void	 op_put(void *, enum storage_table, const void *, size_t, const void *, size_t);
static void	 op_cache(void *, const struct vaddr *, size_t);
static void	 op_config(void *, uint64_t, int, const void *, size_t);
static void	 op_config_kind(uint64_t, const void *, size_t);
static void	 store_failed(int, void *);
static int	 load_record(const void *, size_t, const void *, size_t, uint8_t, void *);
static int	 load_kept(const void *, size_t, const void *, size_t, uint8_t, void *);
static int	 make_secret(void);
static struct reload_doc *document_get(unsigned, const struct reload_doc *, int64_t);
static void	 document_put(unsigned, const struct reload_doc *);
static void	 document_send(const struct reload_doc *);

const struct node_ops ov_ops = {
	link_send, link_connect, link_close, op_sign, op_verify, op_random, op_log,
	op_put, op_cache, op_config
};

static struct store	*store;
static struct store_table *tables[3];	/* enum storage_table */
static struct store_table *kept, *meta;
static uint8_t		 secret[REGIST_SECRET_LEN];
static struct {
	uint64_t	 token;		/* 0: free */
	struct reload_doc *doc;
}			 pending[PENDING_DOCS];

static struct log_limit	 store_lines = { "store failures", 3, 60000, 0, 0, 0 };

/* -- store -- */

int
glue_init(const char *dir)
{
	static const char *const names[] = { "value", "generation", "cert" };
	const char	*why = NULL;
	size_t		 i;

	if ((store = store_open(dir, STORE_MAP, 8, &why)) == NULL) {
		log_warnx("store %s: %s", dir, why != NULL ? why : strerror(errno));
		return (-1);
	}
	for (i = 0; i < 3; i++) {
		if ((tables[i] = store_table(store, names[i], STORE_VERSION, NULL)) == NULL)
			goto fail;
	}
	if ((kept = store_table(store, "published", STORE_VERSION, NULL)) == NULL ||
	    (meta = store_table(store, "meta", STORE_VERSION, NULL)) == NULL ||
	    make_secret() == -1)
		goto fail;
	store_event(store);
	return (0);
fail:
	log_warn("store %s", dir);
	store_close(store);
	store = NULL;
	return (-1);
}

/* What decoys are drawn from: made once, kept with the registrations. */
static int
make_secret(void)
{
	uint8_t		 version;
	ssize_t		 n;

	n = store_get(meta, "secret", 6, secret, sizeof(secret), &version);
	if (n == (ssize_t)sizeof(secret))
		return (0);
	if (n != -1 || errno != ENOENT) {
		if (n != -1)
			errno = EBADMSG;
		return (-1);
	}
	randombytes_buf(secret, sizeof(secret));
	if (store_put(meta, "secret", 6, secret, sizeof(secret), NULL, NULL) == -1)
		return (-1);
	return (store_commit(store));
}

const uint8_t *
glue_secret(void)
{
	return (secret);
}

void
glue_close(void)
{
	size_t		 i;

	for (i = 0; i < PENDING_DOCS; i++) {
		reload_doc_free(pending[i].doc);
		pending[i].doc = NULL;
		pending[i].token = 0;
	}
	store_close(store);
	store = NULL;
	sodium_memzero(secret, sizeof(secret));
}

int
glue_store_error(void)
{
	return (store == NULL ? 0 : store_error(store));
}

static void
store_failed(int error, void *arg)
{
	(void)arg;
	if (error != 0 && log_allow(&store_lines, proc_boot_ms()))
		log_warnx("stored registrations are not being written: %s", strerror(error));
}

static void
op_put(void *arg, enum storage_table table, const void *key, size_t keylen,
    const void *val, size_t len)
{
	(void)arg;
	if (store != NULL && store_put(tables[table], key, keylen, val, len,
	    store_failed, NULL) == -1)
		store_failed(errno, NULL);
}

struct load {
	struct node	*ld_node;
	struct regist	*ld_regist;
	enum storage_table ld_table;
	unsigned	 ld_bad;
};

static int
load_record(const void *key, size_t keylen, const void *val, size_t len, uint8_t version,
    void *arg)
{
	struct load	*ld = arg;

	if (version == STORE_VERSION && storage_load(&ld->ld_node->n_storage,
	    ld->ld_table, key, keylen, val, len, ld->ld_node->n_wall) == 0)
		return (0);
	ld->ld_bad++;
	return (1);		/* expired, or of no use */
}

static int
load_kept(const void *key, size_t keylen, const void *val, size_t len, uint8_t version,
    void *arg)
{
	struct load	*ld = arg;
	struct cur	 c;
	uint64_t	 number;

	(void)val;
	(void)len;
	(void)version;
	cur_init(&c, key, keylen);
	if (cur_u64(&c, &number) == -1 || cur_done(&c) == -1)
		return (1);
	regist_known(ld->ld_regist, number);
	return (0);
}

void
glue_load(struct node *n, struct regist *rg)
{
	static const enum storage_table order[] = {
		STORAGE_T_CERT, STORAGE_T_GENERATION, STORAGE_T_VALUE
	};
	struct load	 ld = { n, rg, STORAGE_T_CERT, 0 };
	size_t		 i;

	for (i = 0; i < 3; i++) {
		ld.ld_table = order[i];
		if (store_walk(tables[order[i]], load_record, &ld) == -1)
			log_warn("reading the store");
	}
	storage_loaded(&n->n_storage);
	if (store_walk(kept, load_kept, &ld) == -1)
		log_warn("reading the store");
}

void
glue_keep(void *arg, uint64_t number, int present)
{
	struct wbuf	 w;
	uint8_t		 key[8];

	(void)arg;
	wbuf_init(&w, key, sizeof(key));
	wbuf_u64(&w, number);
	if (store != NULL && store_put(kept, key, sizeof(key), present ? "1" : NULL,
	    present ? 1 : 0, store_failed, NULL) == -1)
		store_failed(errno, NULL);
}

/* Known peers: u8 family, u16 port, 16 bytes of address each. */
static void
op_cache(void *arg, const struct vaddr *va, size_t n)
{
	struct wbuf	 w;
	uint8_t		 buf[NODE_CACHE_MAX * 19];
	size_t		 i;

	(void)arg;
	wbuf_init(&w, buf, sizeof(buf));
	for (i = 0; i < n && i < NODE_CACHE_MAX; i++) {
		wbuf_u8(&w, va[i].va_family);
		wbuf_u16(&w, va[i].va_port);
		wbuf_bytes(&w, va[i].va_addr, sizeof(va[i].va_addr));
	}
	if (store != NULL)
		(void)store_put(meta, "peers", 5, buf, w.w_len, store_failed, NULL);
}

size_t
glue_cache(struct vaddr *va, size_t max)
{
	struct cur	 c;
	uint8_t		 buf[NODE_CACHE_MAX * 19], version;
	ssize_t		 len;
	size_t		 n = 0;

	if ((len = store_get(meta, "peers", 5, buf, sizeof(buf), &version)) == -1)
		return (0);
	cur_init(&c, buf, (size_t)len);
	while (n < max && cur_left(&c) > 0) {
		memset(&va[n], 0, sizeof(va[n]));
		cur_u8(&c, &va[n].va_family);
		cur_u16(&c, &va[n].va_port);
		cur_bytes(&c, va[n].va_addr, sizeof(va[n].va_addr));
		if (cur_ok(&c) == -1)
			break;
		n++;
	}
	return (n);
}

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
	uint8_t		*buf, key[9] = "document", version;
	ssize_t		 len;
	int		 stale;
	char		 why[RELOAD_WHY_SIZE];

	if (store == NULL || (buf = malloc(RELOAD_DOC_MAX)) == NULL)
		return (NULL);
	key[8] = (uint8_t)i;
	len = store_get(meta, key, sizeof(key), buf, RELOAD_DOC_MAX, &version);
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
	if (store != NULL && store_put(meta, key, sizeof(key),
	    doc != NULL ? doc->rd_text.b_p : NULL, doc != NULL ? doc->rd_text.b_len : 0,
	    store_failed, NULL) == -1 && errno != ENOENT)
		store_failed(errno, NULL);
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

static void
op_config_kind(uint64_t token, const void *block, size_t len)
{
	struct reload_kind rk;
	char		 why[RELOAD_WHY_SIZE] = "";

	if (reload_kind_update(ovconf.oc_doc, block, len, (int64_t)(node->n_wall / 1000), &rk,
	    why, sizeof(why)) == -1)
		node_config_done(node, token, WIRE_E_FORBIDDEN, why);
	else if (reload_doc_kind(ovconf.oc_doc, rk.rk_id) == NULL)
		node_config_done(node, token, WIRE_E_FORBIDDEN,
		    "Kinds are taken with a document only");
	else
		node_config_done(node, token, 0, "");
}

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
		op_config_kind(token, p, len);
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
	}
	if (doc == NULL) {
		node_config_done(node, token, stale ? WIRE_E_CONFIG_TOO_OLD :
		    WIRE_E_FORBIDDEN, why);
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
