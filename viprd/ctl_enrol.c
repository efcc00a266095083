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
 * viprctl overlay request, enrol: a key, a request for a certificate, and its
 * certificate from the overlay's enrolment server (RFC 6940, 11.3).  That takes
 * an account's name and password with the request as a form, and gives back one
 * certificate, or one word that says why not.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <readpassphrase.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl_issued.h"
#include "ctl_overlay.h"
#include "log.h"

#define PATH_SIZE	1024
#define SECRET_SIZE	512	/* of a password, with its NUL */
#define DER_MAX		(8 * 1024)	/* of a request */
#define TOKEN_SHOWN	64
#define TYPE_CERT	"application/pkix-cert"

/* One enrolment. */
struct enrol {
	const struct overlay_opts *en_opts;
	struct reload_doc *en_doc;
	char		 en_keypath[PATH_SIZE], en_certpath[PATH_SIZE];
	char		 en_user[RELOAD_USER_SIZE];	/* what we ask for */
	char		 en_password[SECRET_SIZE];
	struct fetch	 en_fetch;
	char		 en_type[128];	/* Content-Type of the form */
	char		 en_boundary[40];
	EVP_PKEY	*en_key;
	X509		*en_old;	/* -r: the certificate so far */
	struct reload_cert en_oldcert;
};

static int	 paths(const char *, char *, char *, const char *);
static int	 absent(const char *, int);
static X509_REQ	*request_make(EVP_PKEY *, const char *);
static int	 request_write(const char *, X509_REQ *, int);
static void	 ssl_warn(const char *);
static int	 password_read(const char *, char *);
static int	 servers(struct enrol *);
static int	 prepare(struct enrol *, const char *, const char *,
		    const char *);
static int	 old_read(struct enrol *);
static enum ca_keytype key_type(const struct enrol *);
static int	 key_get(struct enrol *);
static void	 form_text(struct wbuf *, const char *, const char *,
		    const char *);
static int	 form_make(const struct enrol *, struct wbuf *, X509_REQ *);
static int	 refusal(const char *, const struct http_answer *);
static X509	*answer_cert(const char *, const struct http_answer *);
static int	 cert_judge(const struct enrol *, const char *, X509 *,
		    struct reload_cert *);
static int	 enrol_ask(struct enrol *, X509 **, struct reload_cert *);
static int	 enrol_keep(const struct enrol *, X509 *,
		    const struct reload_cert *);

static void
ssl_warn(const char *what)
{
	char	text[256];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	ERR_clear_error();
	warnx("%s: %s", what, text);
}

/* prefix.key and prefix.crt or prefix.csr, in a folder we may write to. */
static int
paths(const char *prefix, char *key, char *other, const char *suffix)
{
	char	dir[PATH_SIZE];

	if (strlcpy(dir, prefix, sizeof(dir)) >= sizeof(dir) - 4) {
		warnx("%s: path too long", prefix);
		return (-1);
	}
	(void)snprintf(key, PATH_SIZE, "%s.key", prefix);
	(void)snprintf(other, PATH_SIZE, "%s.%s", prefix, suffix);
	if (access(dirname(dir), W_OK | X_OK) == -1) {
		warn("%s", prefix);
		return (-1);
	}
	return (0);
}

static int
absent(const char *path, int force)
{
	struct stat	st;

	if (force || lstat(path, &st) == -1)
		return (0);
	warnx("%s: exists already (-f replaces it)", path);
	return (-1);
}

/* -- request -- */

/* No subject, the user name in the extension that asks for a subjectAltName:
 * the RFC does not say where. */
static X509_REQ *
request_make(EVP_PKEY *key, const char *user)
{
	STACK_OF(X509_EXTENSION)	*exts = NULL;
	GENERAL_NAMES			*names;
	GENERAL_NAME			*gn = NULL;
	ASN1_IA5STRING			*s = NULL;
	X509_REQ			*req;
	int				 ok = 0;

	req = X509_REQ_new();
	if ((names = GENERAL_NAMES_new()) == NULL || req == NULL ||
	    (gn = GENERAL_NAME_new()) == NULL ||
	    (s = ASN1_IA5STRING_new()) == NULL ||
	    ASN1_STRING_set(s, user, -1) != 1)
		goto done;
	GENERAL_NAME_set0_value(gn, GEN_EMAIL, s);
	s = NULL;
	if (sk_GENERAL_NAME_push(names, gn) == 0)
		goto done;
	gn = NULL;
	ok = X509V3_add1_i2d(&exts, NID_subject_alt_name, names, 0,
	    X509V3_ADD_DEFAULT) == 1 &&
	    X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 &&
	    X509_REQ_set_pubkey(req, key) == 1 &&
	    X509_REQ_add_extensions(req, exts) == 1 &&
	    X509_REQ_sign(req, key, EVP_sha256()) > 0;
done:
	ASN1_IA5STRING_free(s);
	GENERAL_NAME_free(gn);
	GENERAL_NAMES_free(names);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	if (!ok) {
		ssl_warn("certificate request");
		X509_REQ_free(req);
		req = NULL;
	}
	return (req);
}

static int
request_write(const char *path, X509_REQ *req, int force)
{
	BIO	*bio;
	char	*p;
	long	 len;
	int	 r = -1;

	if ((bio = BIO_new(BIO_s_mem())) == NULL ||
	    PEM_write_bio_X509_REQ(bio, req) != 1)
		ssl_warn(path);
	else {
		len = BIO_get_mem_data(bio, &p);
		r = ca_file_write(path, p, (size_t)len, 0644, force);
	}
	BIO_free(bio);
	return (r);
}

int
overlay_request(const struct overlay_opts *o, const char *name,
    const char *prefix)
{
	X509_REQ	*req = NULL;
	EVP_PKEY	*key = NULL;
	char		 keypath[PATH_SIZE], path[PATH_SIZE];
	char		 user[RELOAD_USER_SIZE];
	int		 r = -1;

	if (!overlay_name_ok(name) || user_name(user, o->oo_user, name) == -1 ||
	    paths(prefix, keypath, path, "csr") == -1 ||
	    absent(keypath, o->oo_force) == -1 ||
	    absent(path, o->oo_force) == -1)
		return (-1);
	if ((key = ca_key_make(o->oo_keytype == CA_RSA ? CA_RSA :
	    CA_P256)) == NULL)
		ssl_warn(keypath);
	else if ((req = request_make(key, user)) != NULL &&
	    ca_key_write(keypath, key, o->oo_force) == 0 &&
	    request_write(path, req, o->oo_force) == 0) {
		(void)printf("%s: asks for user %s\n", path, user);
		r = 0;
	}
	X509_REQ_free(req);
	EVP_PKEY_free(key);
	return (r);
}

/* -- what is needed before anything is asked -- */

/* From a file of its own ("-": standard input), or the terminal. */
static int
password_read(const char *path, char *buf)
{
	struct stat	 st;
	ssize_t		 n;
	size_t		 len = 0;
	int		 fd = STDIN_FILENO;

	if (path == NULL) {
		if (readpassphrase("Password: ", buf, SECRET_SIZE,
		    RPP_REQUIRE_TTY) != NULL)
			return (0);
		warnx("password: no terminal to ask at, expected -p file");
		return (-1);
	}
	if (strcmp(path, "-") != 0) {
		if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1 ||
		    fstat(fd, &st) == -1) {
			warn("%s", path);
			goto fail;
		}
		if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0) {
			warnx("%s: others may read it, expected mode 0600",
			    path);
			goto fail;
		}
	}
	while (len < SECRET_SIZE && (n = read(fd, buf + len,
	    SECRET_SIZE - len)) > 0)
		len += (size_t)n;
	if (fd != STDIN_FILENO)
		(void)close(fd);
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	if (len > 0 && buf[len - 1] == '\r')
		len--;
	if (len < SECRET_SIZE && memchr(buf, '\0', len) == NULL &&
	    memchr(buf, '\n', len) == NULL) {
		buf[len] = '\0';
		return (0);
	}
	warnx("%s: expected one line of less than %d bytes", path,
	    SECRET_SIZE);
	return (-1);
fail:
	if (fd != -1)
		(void)close(fd);
	return (-1);
}

/* Where to ask: -s, or what the document says. */
static int
servers(struct enrol *en)
{
	const char	*text, *reason;
	struct fetch	*fe = &en->en_fetch;
	size_t		 i, n;

	n = en->en_opts->oo_server != NULL ? 1 : en->en_doc->rd_enrolls;
	if (n == 0) {
		warnx("overlay %s has no enrollment-server in its document; "
		    "-s url names one, \"viprctl overlay request\" makes a "
		    "request to be sent by other means", en->en_doc->rd_name);
		return (-1);
	}
	for (i = 0; i < n && i < FETCH_URLS_MAX; i++) {
		text = en->en_opts->oo_server != NULL ?
		    en->en_opts->oo_server : en->en_doc->rd_enroll[i];
		if (url_parse(text, &fe->fe_url[i], &reason) == -1) {
			warnx("enrollment-server %s: %s",
			    log_str(text, strlen(text)), reason);
			return (-1);
		}
	}
	fe->fe_urls = i;
	/* Of this name, not of the URL's (11.3): the overlay vouches for it. */
	fe->fe_name[0] = en->en_doc->rd_name;
	fe->fe_cafile = en->en_opts->oo_cafile;
	fe->fe_dns = en->en_opts->oo_dns;
	fe->fe_accept = TYPE_CERT;
	fe->fe_type = en->en_type;
	fe->fe_max = RELOAD_CERT_DER_MAX;
	fe->fe_timeout = en->en_opts->oo_timeout;
	return (0);
}

/* -r: the user name stays, and the certificate is replaced. */
static int
old_read(struct enrol *en)
{
	const char	*reason;

	if ((en->en_old = ca_cert_read(en->en_certpath)) == NULL)
		return (-1);
	if (reload_cert_parse(en->en_old, &en->en_oldcert, &reason) == -1) {
		warnx("%s: %s", en->en_certpath, reason);
		return (-1);
	}
	if (en->en_opts->oo_user == NULL)
		(void)strlcpy(en->en_user, en->en_oldcert.rc_user,
		    sizeof(en->en_user));
	return (0);
}

static int
prepare(struct enrol *en, const char *document, const char *prefix,
    const char *name)
{
	const struct overlay_opts	*o = en->en_opts;
	uint8_t				 rnd[16];

	if (o->oo_renew && (o->oo_force || o->oo_keytype != 0)) {
		warnx("-r keeps the key: not together with -f or -k");
		return (-1);
	}
	if (o->oo_password != NULL && o->oo_account == NULL) {
		warnx("-p: expected an account too (-a)");
		return (-1);
	}
	if (paths(prefix, en->en_keypath, en->en_certpath, "crt") == -1 ||
	    (!o->oo_renew && (absent(en->en_keypath, o->oo_force) == -1 ||
	    absent(en->en_certpath, o->oo_force) == -1)) ||
	    (en->en_doc = overlay_document(document, name)) == NULL ||
	    user_name(en->en_user, o->oo_user, en->en_doc->rd_name) == -1 ||
	    (o->oo_renew && old_read(en) == -1) || servers(en) == -1)
		return (-1);
	randombytes_buf(rnd, sizeof(rnd));
	(void)sodium_bin2hex(en->en_boundary, sizeof(en->en_boundary), rnd,
	    sizeof(rnd));
	(void)snprintf(en->en_type, sizeof(en->en_type),
	    "multipart/form-data; boundary=%s", en->en_boundary);
	return (o->oo_account == NULL ? 0 : password_read(o->oo_password,
	    en->en_password));
}

/* Like the CA's own, when nothing is said. */
static enum ca_keytype
key_type(const struct enrol *en)
{
	const struct reload_blob	*b = &en->en_doc->rd_root[0];
	const unsigned char		*p = b->b_p;
	X509				*x;
	enum ca_keytype			 type = CA_P256;

	if (en->en_opts->oo_keytype != 0)
		return (en->en_opts->oo_keytype == CA_RSA ? CA_RSA : CA_P256);
	if (en->en_doc->rd_roots > 0 &&
	    (x = d2i_X509(NULL, &p, (long)b->b_len)) != NULL) {
		if (EVP_PKEY_get_base_id(X509_get0_pubkey(x)) == EVP_PKEY_RSA)
			type = CA_RSA;
		X509_free(x);
	}
	ERR_clear_error();
	return (type);
}

static int
key_get(struct enrol *en)
{
	if (!en->en_opts->oo_renew) {
		if ((en->en_key = ca_key_make(key_type(en))) != NULL)
			return (0);
		ssl_warn(en->en_keypath);
		return (-1);
	}
	if ((en->en_key = ca_key_read(en->en_keypath)) == NULL)
		return (-1);
	if (X509_check_private_key(en->en_old, en->en_key) == 1)
		return (0);
	ERR_clear_error();
	warnx("%s: is not the key of %s", en->en_keypath, en->en_certpath);
	return (-1);
}

/* -- the form -- */

static void
form_text(struct wbuf *w, const char *boundary, const char *name,
    const char *value)
{
	wbuf_printf(w, "--%s\r\nContent-Disposition: form-data; name=\"%s\""
	    "\r\n\r\n", boundary, name);
	wbuf_str(w, value);
	wbuf_str(w, "\r\n");
}

/*
 * username, password, csr.  nodeids is left out, which stands for one: a box
 * has no use for more.  The boundary is random, so nothing contains it.
 */
static int
form_make(const struct enrol *en, struct wbuf *w, X509_REQ *req)
{
	unsigned char	*der = NULL;
	int		 len;

	if ((len = i2d_X509_REQ(req, &der)) <= 0 || len > DER_MAX) {
		warnx("certificate request: cannot be encoded");
		OPENSSL_free(der);
		return (-1);
	}
	if (en->en_opts->oo_account != NULL) {
		form_text(w, en->en_boundary, "username",
		    en->en_opts->oo_account);
		form_text(w, en->en_boundary, "password", en->en_password);
	}
	/* The file name is for libraries that tell files from text by it. */
	wbuf_printf(w, "--%s\r\nContent-Disposition: form-data; name=\"csr\"; "
	    "filename=\"request.p10\"\r\nContent-Type: application/pkcs10"
	    "\r\n\r\n", en->en_boundary);
	wbuf_bytes(w, der, (size_t)len);
	wbuf_printf(w, "\r\n--%s--\r\n", en->en_boundary);
	OPENSSL_free(der);
	if (wbuf_ok(w) == 0)
		return (0);
	warnx("account name and request are too long");
	return (-1);
}

/* -- the answer -- */

/* 403 with one word (11.3). */
static int
refusal(const char *from, const struct http_answer *a)
{
	static const struct {
		const char	*token, *text;
	} known[] = {
		{ "failed_authentication",
		    "account or password is wrong, or one is wanted (-a)" },
		{ "username_not_available",
		    "somebody else has that user name, or it may not be had; "
		    "try another (-u)" },
		{ "Node-IDs_not_available",
		    "there is no Node-ID left for this account" },
		{ "bad_CSR",
		    "the server does not take the request (perhaps another "
		    "kind of key: -k rsa, -k p256)" }
	};
	struct span	s;
	size_t		i;

	if (a->ha_status == 401)
		warnx("%s: wants an HTTP password, which is not how RELOAD "
		    "enrols: is this the right URL?", from);
	if (a->ha_status != 403 || strcmp(a->ha_type, "text/plain") != 0)
		return (overlay_refused(from, a));
	s.p = (const char *)a->ha_body;
	s.len = a->ha_len;
	while (s.len > 0 && strchr(" \t\r\n", s.p[s.len - 1]) != NULL)
		s.len--;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (span_eq(s, known[i].token)) {
			warnx("%s: refuses: %s (%s)", from, known[i].text,
			    known[i].token);
			return (-1);
		}
	}
	warnx("%s: refuses, for a reason that RELOAD does not know: \"%s\"",
	    from, log_str(s.p, s.len < TOKEN_SHOWN ? s.len : TOKEN_SHOWN));
	return (-1);
}

/* Exactly one, in DER. */
static X509 *
answer_cert(const char *from, const struct http_answer *a)
{
	const unsigned char	*p = a->ha_body;
	X509			*x;

	if (a->ha_status != 200) {
		(void)refusal(from, a);
		return (NULL);
	}
	if (strcmp(a->ha_type, TYPE_CERT) != 0) {
		warnx("%s: answers with \"%s\", expected " TYPE_CERT, from,
		    a->ha_type);
		return (NULL);
	}
	x = d2i_X509(NULL, &p, (long)a->ha_len);
	ERR_clear_error();
	if (x != NULL && p == a->ha_body + a->ha_len)
		return (x);
	warnx("%s: its answer is not one certificate in DER%s", from,
	    a->ha_len > 10 && memcmp(a->ha_body, "-----BEGIN", 10) == 0 ?
	    ", but PEM" : x != NULL ? ": there is more behind it" : "");
	X509_free(x);
	return (NULL);
}

/* Would the others let us in with it? */
static int
cert_judge(const struct enrol *en, const char *from, X509 *x,
    struct reload_cert *rc)
{
	struct reload_trust	*trust;
	const char		*reason = NULL;

	if ((trust = reload_doc_trust(en->en_doc)) == NULL)
		reason = "the roots of the document cannot be read";
	else if (reload_trust_check(trust, x, NULL, time(NULL), rc,
	    &reason) == -1)
		;
	else if (EVP_PKEY_eq(X509_get0_pubkey(x), en->en_key) != 1)
		reason = "it is for another key";
	else if (rc->rc_nodes != 1)
		reason = "it holds several Node-IDs, and a box has one";
	else
		reason = NULL;
	reload_trust_free(trust);
	ERR_clear_error();
	if (reason != NULL)
		warnx("%s: its certificate is refused: %s", from, reason);
	return (reason != NULL ? -1 : 0);
}

/* The process that asks is made before there is a key. */
static int
enrol_ask(struct enrol *en, X509 **x, struct reload_cert *rc)
{
	struct http_answer	 a;
	struct fetcher		*f;
	struct wbuf		 w;
	X509_REQ		*req = NULL;
	char			 from[FETCH_FROM_SIZE];
	uint8_t			*buf;
	int			 r = -1;

	memset(&a, 0, sizeof(a));
	if ((buf = malloc(FETCH_BODY_MAX)) == NULL)
		err(1, NULL);
	wbuf_init(&w, buf, FETCH_BODY_MAX);
	if ((f = fetch_start(&en->en_fetch)) == NULL || key_get(en) == -1 ||
	    (req = request_make(en->en_key, en->en_user)) == NULL ||
	    form_make(en, &w, req) == -1)
		fetch_cancel(f);
	else if (fetch_run(f, buf, w.w_len, &a, from) == 0 &&
	    (*x = answer_cert(from, &a)) != NULL)
		r = cert_judge(en, from, *x, rc);
	X509_REQ_free(req);
	sodium_memzero(buf, FETCH_BODY_MAX);
	free(buf);
	free(a.ha_body);
	return (r);
}

static int
enrol_keep(const struct enrol *en, X509 *x, const struct reload_cert *rc)
{
	const struct overlay_opts	*o = en->en_opts;
	char				 hex[2 * NODEID_LEN + 1], user[256];

	if ((!o->oo_renew &&
	    ca_key_write(en->en_keypath, en->en_key, o->oo_force) == -1) ||
	    ca_cert_write(en->en_certpath, x, o->oo_force ||
	    o->oo_renew) == -1)
		return (-1);
	(void)sodium_bin2hex(hex, sizeof(hex), rc->rc_node[0], NODEID_LEN);
	(void)strlcpy(user, log_str(rc->rc_user, strlen(rc->rc_user)),
	    sizeof(user));
	(void)printf("%s: node %s user %s\n", en->en_certpath, hex, user);
	if (strcmp(rc->rc_user, en->en_user) != 0)
		warnx("warning: the server gave us the user name %s in place "
		    "of %s", user, en->en_user);
	if (o->oo_renew && memcmp(rc->rc_node[0], en->en_oldcert.rc_node[0],
	    NODEID_LEN) != 0)
		warnx("warning: the server gave us another Node-ID than "
		    "before");
	return (0);
}

int
overlay_enrol(const struct overlay_opts *o, const char *document,
    const char *prefix, const char *name)
{
	struct reload_cert	 rc;
	struct enrol		*en;
	X509			*x = NULL;
	int			 r = -1;

	if ((en = calloc(1, sizeof(*en))) == NULL)
		err(1, NULL);
	en->en_opts = o;
	if (prepare(en, document, prefix, name) == 0 &&
	    enrol_ask(en, &x, &rc) == 0)
		r = enrol_keep(en, x, &rc);
	X509_free(x);
	X509_free(en->en_old);
	EVP_PKEY_free(en->en_key);
	reload_doc_free(en->en_doc);
	freezero(en, sizeof(*en));
	return (r);
}
