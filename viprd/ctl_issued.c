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
 * viprctl: user names, and the register of certificates that a CA made; see
 * ctl_issued.h.  A line of the register:
 *	NODE-ID USER until YYYY-MM-DD key SHA-256
 * The latest line of a user counts.  Lines without a key are older ones.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl_ca.h"
#include "ctl_issued.h"
#include "reload_conf.h"

#define LINE_SIZE	1024
#define PATH_SIZE	1024

static int	register_path(char *, const char *, const char *);
static int	issued_find(const char *, const char *, struct issued *);
static int	node_bad(const char *, const uint8_t *);
static int	line_parse(char *, struct issued *);
static int	hex(const char *, uint8_t *, size_t);

int
overlay_name_ok(const char *name)
{
	char		uri[DOMAIN_SIZE + 64], back[DOMAIN_SIZE];
	uint8_t		node[NODEID_LEN];
	struct span	s;

	memset(node, 1, sizeof(node));
	s.p = uri;
	if (strlen(name) >= DOMAIN_SIZE || (s.len = reload_uri_write(uri,
	    sizeof(uri), node, name)) == 0 ||
	    reload_uri_parse(s, node, back) == -1 || strcmp(name, back) != 0) {
		warnx("%s: an overlay name is a domain name", name);
		return (0);
	}
	return (1);
}

int
user_ok(const char *s)
{
	const char	*at = strchr(s, '@');
	size_t		 i;

	for (i = 0; s[i] != '\0'; i++) {
		if (s[i] <= ' ' || s[i] > '~')
			return (0);
	}
	return (at != NULL && at != s && at[1] != '\0' &&
	    strchr(at + 1, '@') == NULL);
}

int
user_name(char mail[RELOAD_USER_SIZE], const char *user, const char *overlay)
{
	char	text[17];
	uint8_t	tag[8];

	if (user == NULL) {
		randombytes_buf(tag, sizeof(tag));
		user = sodium_bin2hex(text, sizeof(text), tag, sizeof(tag));
	}
	if ((size_t)snprintf(mail, RELOAD_USER_SIZE, strchr(user, '@') != NULL ?
	    "%s" : "%s@%s", user, overlay) >= RELOAD_USER_SIZE) {
		warnx("user name of more than %d bytes", RELOAD_USER_SIZE - 1);
		return (-1);
	}
	if (user_ok(mail))
		return (0);
	warnx("user name: expected printable characters without blanks, and "
	    "at most one @");
	return (-1);
}

int
request_user(X509_REQ *req, const char *path, char user[RELOAD_USER_SIZE])
{
	STACK_OF(X509_EXTENSION)	*exts;
	GENERAL_NAMES			*names = NULL;
	const GENERAL_NAME		*gn;
	struct span			 s;
	int				 i, r = 0;

	user[0] = '\0';
	if ((exts = X509_REQ_get_extensions(req)) != NULL)
		names = X509V3_get_d2i(exts, NID_subject_alt_name, NULL, NULL);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	for (i = 0; i < sk_GENERAL_NAME_num(names) && r != -1; i++) {
		gn = sk_GENERAL_NAME_value(names, i);
		/* A Node-ID asked for counts nothing (RFC 6940, 11.3). */
		if (gn->type != GEN_EMAIL)
			continue;
		s.p = (const char *)ASN1_STRING_get0_data(gn->d.rfc822Name);
		s.len = (size_t)ASN1_STRING_length(gn->d.rfc822Name);
		if (r == 1 || span_str(s, user, RELOAD_USER_SIZE) == -1 ||
		    !user_ok(user)) {
			warnx("%s: asks for no single, readable user name",
			    path);
			r = -1;
		} else
			r = 1;
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return (r);
}

int
issued_key(EVP_PKEY *key, uint8_t out[ISSUED_KEY_LEN])
{
	unsigned char	*der = NULL;
	unsigned	 n = 0;
	int		 len, ok;

	if ((len = i2d_PUBKEY(key, &der)) <= 0)
		return (-1);
	ok = EVP_Digest(der, (size_t)len, out, &n, EVP_sha256(), NULL) == 1 &&
	    n == ISSUED_KEY_LEN;
	OPENSSL_free(der);
	return (ok ? 0 : -1);
}

static int
hex(const char *s, uint8_t *out, size_t len)
{
	size_t	n = 0;

	return (s != NULL && strlen(s) == 2 * len && sodium_hex2bin(out, len, s,
	    2 * len, NULL, &n, NULL) == 0 && n == len ? 0 : -1);
}

static int
register_path(char *path, const char *dir, const char *name)
{
	if ((size_t)snprintf(path, PATH_SIZE, "%s/%s", dir, name) < PATH_SIZE)
		return (0);
	warnx("%s: path too long", dir);
	return (-1);
}

static int
line_parse(char *line, struct issued *is)
{
	char	*w[6];
	size_t	 i;

	memset(is, 0, sizeof(*is));
	for (i = 0; i < 6; i++)
		w[i] = strtok(i == 0 ? line : NULL, " \n");
	if (w[1] == NULL || hex(w[0], is->is_node, NODEID_LEN) == -1 ||
	    strlcpy(is->is_user, w[1], sizeof(is->is_user)) >=
	    sizeof(is->is_user))
		return (-1);
	is->is_haskey = w[4] != NULL && strcmp(w[4], "key") == 0 &&
	    hex(w[5], is->is_key, ISSUED_KEY_LEN) == 0;
	return (0);
}

/* The last line of user: 1; 0: none (or no register); -1 after a message. */
static int
issued_find(const char *dir, const char *user, struct issued *out)
{
	struct issued	 is;
	char		 line[LINE_SIZE], path[PATH_SIZE];
	unsigned	 n = 0;
	FILE		*f;
	int		 r = 0;

	if (register_path(path, dir, "issued") == -1)
		return (-1);
	if ((f = fopen(path, "r")) == NULL) {
		if (errno == ENOENT)
			return (0);
		warn("%s", path);
		return (-1);
	}
	while (r != -1 && fgets(line, sizeof(line), f) != NULL) {
		n++;
		/* Who is not found would get a Node-ID of his own. */
		if (line_parse(line, &is) == -1) {
			warnx("%s: line %u: expected a Node-ID and a user",
			    path, n);
			r = -1;
		} else if (strcmp(is.is_user, user) == 0) {
			*out = is;
			r = 1;
		}
	}
	if (ferror(f)) {
		warn("%s", path);
		r = -1;
	}
	(void)fclose(f);
	return (r);
}

/* 1, 0, -1 after a message. */
static int
node_bad(const char *dir, const uint8_t *node)
{
	struct reload_doc	*d;
	struct stat		 st;
	char			 path[PATH_SIZE], why[RELOAD_WHY_SIZE], *text;
	size_t			 i, len;
	int			 r = 0;

	if (register_path(path, dir, "config.xml") == -1)
		return (-1);
	if (stat(path, &st) == -1 && errno == ENOENT)
		return (0);
	if ((text = ca_file_read(path, RELOAD_DOC_MAX, &len)) == NULL)
		return (-1);
	d = reload_doc_parse(text, len, NULL, why, sizeof(why));
	free(text);
	if (d == NULL) {
		warnx("%s: %s", path, why);
		return (-1);
	}
	for (i = 0; i < d->rd_bads && r == 0; i++)
		r = memcmp(d->rd_bad[i], node, NODEID_LEN) == 0;
	reload_doc_free(d);
	return (r);
}

int
issued_node(const char *dir, int named, struct issued *is, int *again)
{
	struct issued	old;
	int		r;

	*again = 0;
	randombytes_buf(is->is_node, NODEID_LEN);
	if ((r = issued_find(dir, is->is_user, &old)) < 1)
		return (r);
	if (!named && (!old.is_haskey || memcmp(old.is_key, is->is_key,
	    ISSUED_KEY_LEN) != 0)) {
		warnx("%s: has a certificate for another key; if this is the "
		    "same node, say so with -u %s", is->is_user, is->is_user);
		return (-1);
	}
	if ((r = node_bad(dir, old.is_node)) == 0) {
		memcpy(is->is_node, old.is_node, NODEID_LEN);
		*again = 1;
	}
	return (r == -1 ? -1 : 0);
}

int
issued_add(const char *dir, const struct issued *is, X509 *x)
{
	char		 node[2 * NODEID_LEN + 1], key[2 * ISSUED_KEY_LEN + 1];
	char		 path[PATH_SIZE];
	struct tm	 tm;
	FILE		*f;

	memset(&tm, 0, sizeof(tm));
	(void)ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm);
	(void)sodium_bin2hex(node, sizeof(node), is->is_node, NODEID_LEN);
	(void)sodium_bin2hex(key, sizeof(key), is->is_key, ISSUED_KEY_LEN);
	if (register_path(path, dir, "issued") == -1)
		return (-1);
	if ((f = fopen(path, "a")) == NULL) {
		warn("%s", path);
		return (-1);
	}
	(void)fprintf(f, "%s %s until %04d-%02d-%02d key %s\n", node,
	    is->is_user, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, key);
	if (fclose(f) != 0) {
		warn("%s", path);
		return (-1);
	}
	return (0);
}
