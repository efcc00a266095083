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
 * overlayd: the RELOAD peer.  This file: start, configuration, channels and
 * the clock that drives the node.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <errno.h>
#include <event.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "log.h"
#include "overlayd.h"
#include "pkremote.h"
#include "proc.h"
#include "sandbox.h"
#include "tlsconn.h"

#define SIGNERS_MAX	512	/* certificates of peers and writers kept parsed */
#define WAKE_MAX_MS	60000
#define LEAVE_MS	1500	/* the parent waits three seconds */
#define EXPIRY_AGAIN	86400	/* s */
#define JUDGE_AGAIN	3600	/* s; certificates of peers end */
#define JUDGE_LATER	10	/* s; whom a document shuts out is to hear of it */

struct node	*node;
struct regist	*regist;
struct certstore *certstore;
struct ovconf	 ovconf;
struct conf	*config;

static struct ovconf	 next;
static struct event	 wake, loading;
static int		 depth;
static int		 leaving;
static int64_t		 judged;	/* UTC s; when all links were looked at */

static int	 init(const char *);
static int	 conf_check(struct conf *, char *, size_t);
static void	 conf_commit(struct conf *);
static void	 conf_abort(struct conf *);
static const struct imsg_rule *rules(enum vipr_role);
static void	 peer(enum vipr_role, struct chan *);
static unsigned	 leave(void);
static void	 shut_down(void);
static void	 ovconf_clear(struct ovconf *);
static int	 own_cert(const struct conf_blob *, struct ovconf *, const char **);
static int	 contexts(const struct conf *, struct ovconf *, const char **);
static int	 document(const struct conf *, struct ovconf *, char *, size_t);
static int	 membership(const struct conf *, struct ovconf *, const char **);
static void	 addresses(const struct conf *, struct ovconf *);
static void	 drop_unfit(int);
static void	 judge_self(void);
static void	 node_restart(void);
static void	 load(void);
static void	 load_more(int, short, void *);
static void	 wake_up(int, short, void *);
static void	 expiry(void);
static int64_t	 now_s(void);

static const struct imsg_rule from_key[] = {
	{ IMSG_KEY_SIGN_RES, sizeof(struct imsg_key_sign_res), 1024, 0, glue_key_sign_res },
	{ IMSG_OV_CONFIG_RES, sizeof(struct imsg_ov_config_res), 1024, 0, glue_config_res },
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static const struct imsg_rule from_pvp[] = {
	{ IMSG_OV_LOOKUP, sizeof(struct imsg_ov_lookup), 0, 0, serve_lookup },
	{ IMSG_OV_APPATTACH, sizeof(struct imsg_ov_appattach), 0, 0, serve_appattach },
	{ IMSG_NONE, 0, 0, 0, NULL }
};

/* In a trial only. */
static const struct imsg_rule from_parent[] = {
	{ IMSG_KEYLOG, 0, 0, 1, keylog_take },
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static const struct imsg_rule from_control[] = {
	CTL_RULE(serve_control),
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static const struct proc_ops ops = {
	.po_role = ROLE_OVERLAY,
	.po_name = "overlayd",
	.po_init = init,
	.po_conf_check = conf_check,
	.po_conf_commit = conf_commit,
	.po_conf_abort = conf_abort,
	.po_rules = rules,
	.po_peer = peer,
	.po_leave = leave,
	.po_shutdown = shut_down,
	.po_sandbox = SANDBOX_OVERLAY
};

int
main(int argc, char **argv)
{
	proc_child(argc, argv, &ops);
}

static int64_t
now_s(void)
{
	return ((int64_t)(proc_now_ms() / 1000));
}

/* OpenSSL and expat load what they need before the sandbox. */
static int
init(const char *dir)
{
	const char	*why;

	pkremote_init(proc_sign);
	if (tlsconn_init(&why) == -1) {
		log_warnx("TLS cannot start: %s", why);
		return (-1);
	}
	evtimer_set(&wake, wake_up, NULL);
	evtimer_set(&loading, load_more, NULL);
	link_tls.rt_now = now_s;
	return (glue_init(dir));
}

/* -- the clock -- */

void
ov_enter(void)
{
	depth++;
	if (node != NULL)
		node_clock(node, proc_boot_ms(), proc_now_ms());
}

void
ov_leave(void)
{
	struct timeval	 tv;
	uint64_t	 at, ms = WAKE_MAX_MS;

	if (--depth > 0 || node == NULL)
		return;
	if (leaving && node_leaving(node) == 0)
		proc_stopped();
	if (node_next(node, &at) == 0)
		ms = at > node->n_mono ? at - node->n_mono : 0;
	if (ms > WAKE_MAX_MS)
		ms = WAKE_MAX_MS;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	if (evtimer_add(&wake, &tv) == -1)
		log_warn("timer");
}

static void
wake_up(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	ov_enter();
	if (node != NULL)
		node_run(node);
	expiry();
	if (now_s() < judged || now_s() >= judged + JUDGE_AGAIN)
		drop_unfit(1);
	ov_leave();
}

/* An alarm a day; to stop would end what works. */
static void
expiry(void)
{
	static int64_t	 said;
	static uint16_t	 sequence;
	const struct reload_doc *doc = ovconf.oc_doc;
	int64_t		 now = now_s();

	if (doc == NULL || doc->rd_expiration == 0 || now < doc->rd_expiration ||
	    (said != 0 && sequence == doc->rd_sequence && now >= said &&
	    now < said + EXPIRY_AGAIN))
		return;
	said = now;
	sequence = doc->rd_sequence;
	log_warnx("alarm: overlay %s: document %u has expired %lld days ago; it stays in "
	    "force until a newer one comes", doc->rd_name, doc->rd_sequence,
	    (long long)((now - doc->rd_expiration) / 86400));
}

/* -- configuration -- */

static void
ovconf_clear(struct ovconf *oc)
{
	SSL_CTX_free(oc->oc_server);
	SSL_CTX_free(oc->oc_client);
	reload_cache_free(oc->oc_cache);
	reload_trust_free(oc->oc_trust);
	reload_doc_free(oc->oc_doc);
	reload_doc_free(oc->oc_file);
	free(oc->oc_der);
	memset(oc, 0, sizeof(*oc));
}

static int
own_cert(const struct conf_blob *blob, struct ovconf *oc, const char **why)
{
	X509		*x;
	unsigned char	*der = NULL;
	int		 len, ret = -1;

	*why = "no certificate in PEM form";
	if ((x = reload_cert_pem(blob->cb_data, blob->cb_len)) == NULL)
		return (-1);
	/* Others will judge it so: profile, overlay, chain, dates. */
	if (reload_trust_check(oc->oc_trust, x, NULL, now_s(), &oc->oc_cert, why) == -1)
		goto out;
	if (oc->oc_cert.rc_nodes != 1) {
		*why = "certificate has more than one Node-ID";
		goto out;
	}
	*why = "out of memory";
	if ((len = i2d_X509(x, &der)) <= 0 ||
	    (oc->oc_der = malloc((size_t)len)) == NULL)
		goto out;
	memcpy(oc->oc_der, der, (size_t)len);
	oc->oc_derlen = (size_t)len;
	oc->oc_self_signed = X509_NAME_cmp(X509_get_issuer_name(x),
	    X509_get_subject_name(x)) == 0;
	ret = 0;
out:
	OPENSSL_free(der);
	X509_free(x);
	return (ret);
}

static int
contexts(const struct conf *conf, struct ovconf *oc, const char **why)
{
	const struct conf_blob *cb = &conf->c_node_cert;

	oc->oc_server = tlsconn_ctx(cb->cb_data, cb->cb_len, KEYID_NODE, 1, why);
	if (oc->oc_server == NULL)
		return (-1);
	oc->oc_client = tlsconn_ctx(cb->cb_data, cb->cb_len, KEYID_NODE, 0, why);
	if (oc->oc_client == NULL)
		return (-1);
	reload_tls_setup(oc->oc_server, &link_tls);
	reload_tls_setup(oc->oc_client, &link_tls);
	keylog_setup(oc->oc_server);
	keylog_setup(oc->oc_client);
	return (0);
}

/* The document of the file, or a later one that peers pushed. */
static int
document(const struct conf *conf, struct ovconf *oc, char *why, size_t size)
{
	const struct conf_blob *cb = &conf->c_ov_config;
	struct reload_doc *doc, *pushed;
	char		 reason[RELOAD_WHY_SIZE] = "";

	doc = reload_doc_parse(cb->cb_data, cb->cb_len,
	    conf->c_overlay[0] != '\0' ? conf->c_overlay : NULL, reason, sizeof(reason));
	if (doc == NULL ||
	    reload_doc_verify(doc, NULL, now_s(), reason, sizeof(reason)) == -1) {
		(void)snprintf(why, size, "%s: %s", cb->cb_path, reason);
		reload_doc_free(doc);
		return (-1);
	}
	if (!ov_document_fits(doc)) {
		(void)snprintf(why, size, "%s: not an overlay for registrations of "
		    "numbers (no-ice, extension %s and Kind %u are needed)",
		    cb->cb_path, RELOAD_NS_VIPR, RELOAD_KIND_VIPR);
		reload_doc_free(doc);
		return (-1);
	}
	/* Peers push documents too, and the last one is kept. */
	if ((pushed = glue_document_newer(doc, now_s())) != NULL) {
		log_info("overlay %s: document %u came from peers, the file has %u",
		    doc->rd_name, pushed->rd_sequence, doc->rd_sequence);
		oc->oc_file = doc;
		doc = pushed;
	}
	glue_kinds_get(doc, now_s());
	oc->oc_doc = doc;
	return (0);
}

int
ov_document_fits(const struct reload_doc *doc)
{
	return (doc->rd_vipr && doc->rd_no_ice &&
	    reload_doc_kind(doc, RELOAD_KIND_VIPR) != NULL);
}

/* What is made of the document, and our place in its overlay. */
static int
membership(const struct conf *conf, struct ovconf *oc, const char **why)
{
	*why = "out of memory";
	if ((oc->oc_trust = reload_doc_trust(oc->oc_doc)) == NULL ||
	    (oc->oc_cache = reload_cache_new(oc->oc_trust, SIGNERS_MAX)) == NULL ||
	    own_cert(&conf->c_node_cert, oc, why) == -1) {
		reload_cache_free(oc->oc_cache);
		reload_trust_free(oc->oc_trust);
		oc->oc_cache = NULL;
		oc->oc_trust = NULL;
		return (-1);
	}
	return (0);
}

/* Where peers reach us: told by the operator, or the listeners' addresses. */
static void
addresses(const struct conf *conf, struct ovconf *oc)
{
	const struct conf_listen *cl;

	TAILQ_FOREACH(cl, &conf->c_listens, cl_entry) {
		if (cl->cl_use == LISTEN_OVERLAY && oc->oc_addr.va_family == 0)
			oc->oc_addr = cl->cl_addr;
		if (cl->cl_use == LISTEN_PVP && oc->oc_pvp.va_family == 0)
			oc->oc_pvp = cl->cl_addr;
	}
	/* Connect from the address we listen on, if it is a single one. */
	if (oc->oc_addr.va_family != 0 && (vaddr_special(&oc->oc_addr) == NULL ||
	    strcmp(vaddr_special(&oc->oc_addr), "unspecified") != 0)) {
		oc->oc_from = oc->oc_addr;
		oc->oc_from.va_port = 0;
	}
	if (conf->c_ov_advertise.va_family != 0)
		oc->oc_addr = conf->c_ov_advertise;
	if (conf->c_pvp_advertise.va_family != 0)
		oc->oc_pvp = conf->c_pvp_advertise;
	if ((conf->c_flags & CONF_PVP_ON) == 0)
		memset(&oc->oc_pvp, 0, sizeof(oc->oc_pvp));
}

static int
conf_check(struct conf *conf, char *why, size_t size)
{
	const char	*reason = "";
	char		 buf[VADDR_STRLEN];
	int		 ok;

	ovconf_clear(&next);
	if (document(conf, &next, why, size) == -1)
		goto fail;
	if ((conf->c_flags & CONF_OVERLAY_CLIENT) && next.oc_file == NULL &&
	    !next.oc_doc->rd_clients) {
		(void)snprintf(why, size, "%s: clients-permitted is false: this node "
		    "cannot be a client", conf->c_ov_config.cb_path);
		goto fail;
	}
	/* A document of peers that shuts us out must not stop the whole box. */
	if ((ok = membership(conf, &next, &reason)) == -1 && next.oc_file != NULL) {
		log_warnx("alarm: overlay %s: by document %u, which came from peers, "
		    "%s: %s; that of the file is used, %u", next.oc_doc->rd_name,
		    next.oc_doc->rd_sequence, conf->c_node_cert.cb_path, reason,
		    next.oc_file->rd_sequence);
		reload_doc_free(next.oc_doc);
		next.oc_doc = next.oc_file;
		next.oc_file = NULL;
		glue_kinds_get(next.oc_doc, now_s());
		ok = membership(conf, &next, &reason);
	}
	if (ok == -1 || contexts(conf, &next, &reason) == -1) {
		(void)snprintf(why, size, "%s: %s", conf->c_node_cert.cb_path, reason);
		goto fail;
	}
	addresses(conf, &next);
	if (next.oc_addr.va_family == 0) {
		(void)snprintf(why, size, "overlay: no address to listen on");
		goto fail;
	}
	if (vaddr_special(&next.oc_addr) != NULL &&
	    (conf->c_flags & CONF_PERMIT_PRIVATE) == 0) {
		(void)snprintf(why, size, "overlay: peers cannot reach %s (%s), "
		    "advertise another address or permit private",
		    vaddr_str(&next.oc_addr, buf, sizeof(buf)),
		    vaddr_special(&next.oc_addr));
		goto fail;
	}
	return (0);
fail:
	ovconf_clear(&next);
	return (-1);
}

static void
conf_abort(struct conf *conf)
{
	(void)conf;
	ovconf_clear(&next);
}

/* Another identity, or other addresses: a new node, links and all. */
static void
node_restart(void)
{
	struct node_conf nc;

	(void)evtimer_del(&loading);
	link_clear();
	certstore_free(certstore);
	regist_free(regist);
	node_free(node);
	node = NULL;
	regist = NULL;
	certstore = NULL;
	memset(&nc, 0, sizeof(nc));
	memcpy(nc.nc_self.id_b, ovconf.oc_cert.rc_node[0], NODEID_LEN);
	nc.nc_cert = ovconf.oc_der;
	nc.nc_certlen = ovconf.oc_derlen;
	memcpy(nc.nc_sha256, ovconf.oc_cert.rc_sha256, sizeof(nc.nc_sha256));
	nc.nc_alg = ovconf.oc_cert.rc_alg;
	nc.nc_user = ovconf.oc_cert.rc_user;
	nc.nc_not_after = ovconf.oc_cert.rc_not_after;
	nc.nc_self_signed = ovconf.oc_self_signed;
	nc.nc_addr = ovconf.oc_addr;
	nc.nc_pvp = ovconf.oc_pvp;
	nc.nc_first = (config->c_flags & CONF_OVERLAY_FIRST) != 0;
	nc.nc_client = (config->c_flags & CONF_OVERLAY_CLIENT) != 0;
	nc.nc_private = (config->c_flags & CONF_PERMIT_PRIVATE) != 0;
	node = node_new(&nc, ovconf.oc_doc, &ov_ops, NULL, proc_boot_ms(), proc_now_ms());
	if (node == NULL)
		fatal("node");
	if ((regist = regist_new(node, glue_secret(), glue_keep, NULL)) == NULL)
		fatal("registrations");
	if ((certstore = certstore_new(node)) == NULL)
		fatal("certificate");
	glue_load_begin(regist);
	load();
}

/* What is stored is read a part at a time, and the node starts when all is
 * there: it would deny what it has not seen yet. */
static void
load(void)
{
	const struct timeval soon = { 0, 0 };
	struct vaddr	 cache[NODE_CACHE_MAX];
	char		 hex[NODEID_HEXLEN], buf[VADDR_STRLEN];

	if (glue_load(node) == 1) {
		if (evtimer_add(&loading, &soon) == -1)
			fatal("timer");
		return;
	}
	log_info("overlay %s: node %s at %s, %zu values stored", ovconf.oc_doc->rd_name,
	    nodeid_hex(&node->n_self, hex), vaddr_str(&node->n_conf.nc_addr, buf,
	    sizeof(buf)), node->n_storage.st_nvalues);
	node_start(node, cache, glue_cache(cache, NODE_CACHE_MAX));
}

static void
load_more(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	ov_enter();
	if (node != NULL)
		load();
	ov_leave();
}

static void
conf_commit(struct conf *conf)
{
	struct conf_listen *cl;
	struct ovconf	 old = ovconf;
	struct conf	*oldconf = config;
	int		 fresh;

	ovconf = next;
	memset(&next, 0, sizeof(next));
	config = conf;
	link_tls.rt_trust = ovconf.oc_trust;
	link_tls.rt_self = ovconf.oc_cert.rc_node[0];
	link_listen_clear();
	TAILQ_FOREACH(cl, &conf->c_listens, cl_entry) {
		if (cl->cl_use != LISTEN_OVERLAY || cl->cl_fd == -1)
			continue;
		link_listen(cl->cl_fd);
		cl->cl_fd = -1;
	}
	fresh = node == NULL || oldconf == NULL || old.oc_derlen != ovconf.oc_derlen ||
	    memcmp(old.oc_der, ovconf.oc_der, old.oc_derlen) != 0 ||
	    !vaddr_eq(&old.oc_addr, &ovconf.oc_addr) ||
	    strcmp(old.oc_doc->rd_name, ovconf.oc_doc->rd_name) != 0 ||
	    ((oldconf->c_flags ^ conf->c_flags) &
	    (CONF_PERMIT_PRIVATE | CONF_OVERLAY_CLIENT)) != 0;
	ov_enter();
	if (fresh)
		node_restart();
	else {
		/* The new copy of our certificate is the one to be used. */
		node->n_conf.nc_cert = ovconf.oc_der;
		node->n_conf.nc_pvp = ovconf.oc_pvp;
		node->n_conf.nc_first = (conf->c_flags & CONF_OVERLAY_FIRST) != 0;
		node_document(node, ovconf.oc_doc);
		link_document();
		drop_unfit(0);
	}
	if (regist_config(regist, &conf->c_numbers, &conf->c_decoys, conf->c_store_rate,
	    conf->c_lifetime) == -1)
		log_warnx("more numbers and decoys than the overlay grants a node, "
		    "some are not published");
	glue_kinds_put(ovconf.oc_doc);
	glue_document_tell(now_s());
	expiry();
	ov_leave();
	ovconf_clear(&old);
	conf_free(oldconf);
}

/*
 * Links to nodes that the document calls bad are closed at once; with all, also
 * those to nodes that it does not let in for another reason, or whose
 * certificate has ended.
 */
static void
drop_unfit(int all)
{
	struct node_link *nl, key;
	const char	*why;
	char		 hex[NODEID_HEXLEN];

	judged = now_s() - (all ? 0 : JUDGE_AGAIN - JUDGE_LATER);
	key.nl_id = 0;
	while (node != NULL &&
	    (nl = RB_NFIND(node_links, &node->n_links, &key)) != NULL) {
		key.nl_id = nl->nl_id + 1;
		if (nl->nl_peer == NULL || (!all && !reload_trust_is_bad(ovconf.oc_trust,
		    nl->nl_peer->np_id.id_b)) || link_judge(nl->nl_id, &why))
			continue;
		log_info("node %s is no member by document %u: %s; its link is closed",
		    nodeid_hex(&nl->nl_peer->np_id, hex), ovconf.oc_doc->rd_sequence, why);
		node_link_drop(node, nl);
	}
}

/* We ourselves may be shut out by a document; the others will not say. */
static void
judge_self(void)
{
	const unsigned char *p = ovconf.oc_der;
	struct reload_cert rc;
	const char	*why;
	X509		*x;

	if ((x = d2i_X509(NULL, &p, (long)ovconf.oc_derlen)) == NULL)
		return;
	if (reload_trust_check(ovconf.oc_trust, x, NULL, now_s(), &rc, &why) == -1)
		log_warnx("alarm: overlay %s: by document %u, which came from peers, %s: %s; "
		    "no peer will talk to this box", ovconf.oc_doc->rd_name,
		    ovconf.oc_doc->rd_sequence, config->c_node_cert.cb_path, why);
	X509_free(x);
}

int
ov_document(struct reload_doc *doc, const char **why)
{
	struct reload_trust *trust;
	struct reload_cache *cache;

	*why = "out of memory";
	if ((trust = reload_doc_trust(doc)) == NULL)
		return (-1);
	if ((cache = reload_cache_new(trust, SIGNERS_MAX)) == NULL) {
		reload_trust_free(trust);
		return (-1);
	}
	glue_kinds_get(doc, now_s());
	node_document(node, doc);
	link_tls.rt_trust = trust;
	reload_cache_free(ovconf.oc_cache);
	reload_trust_free(ovconf.oc_trust);
	if (ovconf.oc_file == NULL)
		ovconf.oc_file = ovconf.oc_doc;
	else
		reload_doc_free(ovconf.oc_doc);
	ovconf.oc_doc = doc;
	glue_document_put(ovconf.oc_file, doc, now_s());
	glue_kinds_put(doc);
	ovconf.oc_trust = trust;
	ovconf.oc_cache = cache;
	link_document();
	drop_unfit(0);
	judge_self();
	log_info("overlay %s: document %u in force", doc->rd_name, doc->rd_sequence);
	return (0);
}

/* The neighbours are told, or they would wait for our acks. */
static unsigned
leave(void)
{
	if (node == NULL || !node_is_joined(node))
		return (0);
	link_listen_clear();
	ov_enter();
	node_leave(node);
	leaving = node_leaving(node) > 0;
	ov_leave();
	return (leaving ? LEAVE_MS : 0);
}

static void
shut_down(void)
{
	ov_enter();
	link_listen_clear();
	link_clear();
	certstore_free(certstore);
	regist_free(regist);
	node_free(node);
	node = NULL;
	regist = NULL;
	certstore = NULL;
	glue_close();
	ov_leave();
}

/* -- channels -- */

static const struct imsg_rule *
rules(enum vipr_role role)
{
	switch (role) {
	case ROLE_PARENT:
		return (proc_trial() ? from_parent : NULL);
	case ROLE_KEY:
		return (from_key);
	case ROLE_PVP:
		return (from_pvp);
	case ROLE_CONTROL:
		return (from_control);
	default:
		return (NULL);
	}
}

static void
peer(enum vipr_role role, struct chan *ch)
{
	if (role != ROLE_KEY)
		return;
	if (ch != NULL) {
		glue_document_tell(now_s());
		return;
	}
	ov_enter();
	glue_key_lost();
	pkremote_lost();
	ov_leave();
}
