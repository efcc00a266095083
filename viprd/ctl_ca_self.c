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
 * viprctl ca self: a certificate that a node makes for itself, in an overlay
 * whose document permits it; see ctl_ca.h.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl_ca.h"
#include "ctl_issued.h"

struct self {
	struct reload_doc *se_doc;
	EVP_PKEY	*se_key;
	char		 se_keypath[CA_PATH_SIZE], se_certpath[CA_PATH_SIZE];
	char		 se_user[RELOAD_USER_SIZE];
};

static struct reload_doc *self_document(const char *, const char *);
static int	 self_paths(struct self *, const struct ca_opts *);
static int	 self_key(struct self *, const struct ca_opts *);
static int	 self_user(struct self *, const struct ca_opts *);
static int	 self_cert(struct self *, const struct ca_opts *);

/* The document, as nodes take it. */
static struct reload_doc *
self_document(const char *path, const char *overlay)
{
	struct reload_doc	*d;
	char			 why[RELOAD_WHY_SIZE], *text;
	size_t			 len;

	if ((text = ca_file_read(path, RELOAD_DOC_MAX, &len)) == NULL)
		return (NULL);
	d = reload_doc_parse(text, len, overlay, why, sizeof(why));
	free(text);
	if (d == NULL || reload_doc_verify(d, NULL, time(NULL), why,
	    sizeof(why)) == -1) {
		warnx("%s: %s", path, why);
		reload_doc_free(d);
		return (NULL);
	}
	if (d->rd_self_signed == RELOAD_SELF_NO) {
		warnx("%s: overlay %s does not permit self-signed certificates, "
		    "its CA makes them", path, d->rd_name);
		reload_doc_free(d);
		return (NULL);
	}
	return (d);
}

static int
self_paths(struct self *se, const struct ca_opts *o)
{
	struct stat	 st;

	if ((size_t)snprintf(se->se_keypath, CA_PATH_SIZE, "%s.key",
	    o->op_out) >= CA_PATH_SIZE || (size_t)snprintf(se->se_certpath,
	    CA_PATH_SIZE, "%s.crt", o->op_out) >= CA_PATH_SIZE) {
		warnx("-o: path too long");
		return (-1);
	}
	if (!o->op_force && !o->op_renew && (lstat(se->se_keypath, &st) == 0 ||
	    lstat(se->se_certpath, &st) == 0)) {
		warnx("%s: certificate or key exists already (-r makes another "
		    "certificate for the key, -f replaces both)", o->op_out);
		return (-1);
	}
	return (0);
}

/* The Node-ID comes from the key: who keeps the one keeps the other. */
static int
self_key(struct self *se, const struct ca_opts *o)
{
	if (!o->op_renew) {
		se->se_key = ca_key_make(o->op_rsa ? CA_RSA : CA_P256);
		if (se->se_key == NULL)
			ca_ssl_warn(se->se_keypath);
	} else if ((se->se_key = ca_key_read(se->se_keypath)) != NULL &&
	    reload_key_alg(se->se_key) == 0) {
		warnx("%s: key is neither P-256 nor RSA of 2048 to 4096 bits",
		    se->se_keypath);
		return (-1);
	}
	return (se->se_key == NULL ? -1 : 0);
}

/* Renewed, it stays the same. */
static int
self_user(struct self *se, const struct ca_opts *o)
{
	struct reload_cert	 rc;
	struct stat		 st;
	const char		*user = o->op_user, *why;
	X509			*x;

	if (o->op_renew && user == NULL && lstat(se->se_certpath, &st) == 0) {
		if ((x = ca_cert_read(se->se_certpath)) == NULL)
			return (-1);
		if (reload_cert_parse(x, &rc, &why) == -1) {
			warnx("%s: %s", se->se_certpath, why);
			X509_free(x);
			return (-1);
		}
		X509_free(x);
		if (strcmp(rc.rc_overlay, se->se_doc->rd_name) == 0) {
			(void)strlcpy(se->se_user, rc.rc_user, sizeof(se->se_user));
			return (0);
		}
	}
	return (user_name(se->se_user, user, se->se_doc->rd_name));
}

/* Judged as others will judge it, before anything is written. */
static int
self_cert(struct self *se, const struct ca_opts *o)
{
	struct reload_trust	*trust = NULL;
	struct reload_cert	 rc;
	const char		*why = "out of memory";
	char			 hex[CA_HEX_SIZE];
	uint8_t			 node[NODEID_LEN];
	X509			*x;
	int			 r = -1;

	if ((x = ca_self_make(se->se_key, se->se_doc->rd_self_signed,
	    se->se_user, se->se_doc->rd_name,
	    o->op_days > 0 ? o->op_days : CA_NODE_DAYS, node)) == NULL) {
		ca_ssl_warn(se->se_certpath);
		return (-1);
	}
	if ((trust = reload_doc_trust(se->se_doc)) == NULL ||
	    reload_trust_check(trust, x, NULL, time(NULL), &rc, &why) == -1) {
		warnx("%s: nodes would refuse it: %s", se->se_certpath, why);
		goto done;
	}
	if ((!o->op_renew && ca_key_write(se->se_keypath, se->se_key,
	    o->op_force) == -1) || ca_cert_write(se->se_certpath, x,
	    o->op_force || o->op_renew) == -1)
		goto done;
	ca_hex_node(hex, node);
	(void)printf("%s: node %s user %s\n", se->se_certpath, hex, se->se_user);
	r = 0;
done:
	reload_trust_free(trust);
	X509_free(x);
	return (r);
}

int
ca_self(int argc, char **argv)
{
	struct ca_opts	 o;
	struct self	 se;
	int		 r = 1;

	memset(&se, 0, sizeof(se));
	if (ca_options(argc, argv, "d:fk:o:ru:", &o) == -1)
		return (1);
	if (o.op_out == NULL || (argc - optind != 1 && argc - optind != 2))
		return (ca_usage());
	if (self_paths(&se, &o) == -1 || (se.se_doc = self_document(argv[optind],
	    argc - optind == 2 ? argv[optind + 1] : NULL)) == NULL)
		return (1);
	if (self_key(&se, &o) == 0 && self_user(&se, &o) == 0 &&
	    self_cert(&se, &o) == 0)
		r = 0;
	EVP_PKEY_free(se.se_key);
	reload_doc_free(se.se_doc);
	return (r);
}
