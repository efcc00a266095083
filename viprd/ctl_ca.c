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
 * viprctl ca: makes an overlay, offline: its root, node certificates and the
 * signed configuration document.  The folder holds root.key, root.crt,
 * signer.key, signer.crt (who signs documents and Kinds), config.xml (the
 * latest document) and issued (a line a certificate).  It never belongs on a
 * running box.  In an overlay where each node signs for itself there is no
 * root, and signer.crt is self-signed too.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <openssl/err.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl_ca.h"
#include "ctl_http.h"
#include "ctl_issued.h"
#include "reload_conf.h"

#define ROOT_DAYS	3650
#define DAYS_MAX	7300
#define SIGNER		"signer"	/* user name of who signs documents */

static int	 opt_addr(const char *, struct ca_opts *);
static int	 opt_enroll(const char *, struct ca_opts *);
static int	 opt_node(const char *, uint8_t (*)[NODEID_LEN], size_t *);
static int	 opt_number(int, const char *, uint32_t, uint32_t, uint32_t *);
static int	 opt_self(const char *, struct ca_opts *);
static int	 overlay_read(const char *, char *, size_t);
static int	 ca_init(int, char **);
static int	 init_root(const char *, const char *, struct ca_opts *);
static int	 init_self(const char *, const char *, struct ca_opts *);
static int	 ca_sign(int, char **);
static int	 sign_request(const char *, EVP_PKEY **, char *);
static int	 sign_user(const char *, const char *);
static int	 issue(const char *, EVP_PKEY *, const char *, const char *,
		    const struct ca_opts *, const char *);

int
ca_usage(void)
{
	(void)fprintf(stderr,
	    "usage: viprctl ca init [-f] [-d days] [-k p256 | rsa] [-S sha1 | sha256]\n"
	    "           dir overlay-name\n"
	    "       viprctl ca sign [-f] [-c csr] [-d days] [-k p256 | rsa]"
	    " [-o prefix] [-u user] dir\n"
	    "       viprctl ca config [-b address:port] [-d days] [-e url]"
	    " [-l seconds]\n"
	    "           [-o file] [-q numbers] [-S no | sha1 | sha256] [-t seconds]"
	    " [-x node-id]\n"
	    "           [-X node-id] dir\n"
	    "       viprctl ca self [-fr] [-d days] [-k p256 | rsa] [-u user] -o prefix\n"
	    "           document [overlay-name]\n"
	    "       viprctl ca show file [overlay-name]\n");
	return (1);
}

int
ctl_ca(int argc, char **argv)
{
	if (sodium_init() == -1)
		errx(1, "libsodium does not start");
	if (argc > 0 && strcmp(argv[0], "ca") == 0) {
		argc--;
		argv++;
	}
	if (argc < 1)
		return (ca_usage());
	if (strcmp(argv[0], "init") == 0)
		return (ca_init(argc, argv));
	if (strcmp(argv[0], "sign") == 0)
		return (ca_sign(argc, argv));
	if (strcmp(argv[0], "self") == 0)
		return (ca_self(argc, argv));
	if (strcmp(argv[0], "config") == 0)
		return (ca_config(argc, argv));
	if (strcmp(argv[0], "show") == 0)
		return (ca_show(argc, argv));
	warnx("ca %s: unknown command", argv[0]);
	return (ca_usage());
}

/* -- options and small things -- */

static int
opt_number(int ch, const char *s, uint32_t min, uint32_t max, uint32_t *v)
{
	const char	*e;

	*v = (uint32_t)strtonum(s, min, max, &e);
	if (e == NULL)
		return (0);
	warnx("-%c %s: expected a number from %u to %u", ch, s, min, max);
	return (-1);
}

static int
opt_addr(const char *s, struct ca_opts *o)
{
	const char	*colon, *e;
	char		 host[VADDR_STRLEN];
	size_t		 len;
	uint16_t	 port;

	if (o->op_boots == RELOAD_BOOT_MAX) {
		warnx("-b: more than %d bootstrap nodes", RELOAD_BOOT_MAX);
		return (-1);
	}
	if ((colon = strrchr(s, ':')) == NULL)
		goto bad;
	len = (size_t)(colon - s);
	if (len >= 2 && s[0] == '[' && s[len - 1] == ']') {
		s++;
		len -= 2;
	} else if (memchr(s, ':', len) != NULL)
		goto bad;
	port = (uint16_t)strtonum(colon + 1, 1, 65535, &e);
	if (e != NULL || len >= sizeof(host))
		goto bad;
	memcpy(host, s, len);
	host[len] = '\0';
	if (vaddr_parse(host, port, &o->op_boot[o->op_boots]) == -1)
		goto bad;
	o->op_boots++;
	return (0);
bad:
	warnx("-b %s: expected address:port or [address]:port", s);
	return (-1);
}

/* "none": what the last document had is not kept. */
static int
opt_enroll(const char *s, struct ca_opts *o)
{
	const char	*why;
	struct url	 u;

	if (strcmp(s, CA_NO_ENROLL) != 0 && url_parse(s, &u, &why) == -1) {
		warnx("-e %s: %s", s, why);
		return (-1);
	}
	if (strlen(s) > RELOAD_URL_MAX || o->op_enrolls == RELOAD_ENROLL_MAX) {
		warnx("-e: URL too long, or more than %d", RELOAD_ENROLL_MAX);
		return (-1);
	}
	o->op_enroll[o->op_enrolls++] = s;
	return (0);
}

static int
opt_node(const char *s, uint8_t (*list)[NODEID_LEN], size_t *n)
{
	size_t	len = 0;

	if (*n == 64 || strlen(s) != 2 * NODEID_LEN || sodium_hex2bin(list[*n],
	    NODEID_LEN, s, strlen(s), NULL, &len, NULL) != 0 ||
	    len != NODEID_LEN) {
		warnx("%s: expected a Node-ID, %d hexadecimal digits", s,
		    2 * NODEID_LEN);
		return (-1);
	}
	(*n)++;
	return (0);
}

static int
opt_self(const char *s, struct ca_opts *o)
{
	o->op_selfset = 1;
	if (strcmp(s, "sha256") == 0)
		o->op_self = RELOAD_SELF_SHA256;
	else if (strcmp(s, "sha1") == 0)
		o->op_self = RELOAD_SELF_SHA1;
	else if (strcmp(s, "no") == 0)
		o->op_self = RELOAD_SELF_NO;
	else {
		warnx("-S %s: expected sha256, sha1 or no", s);
		return (-1);
	}
	return (0);
}

int
ca_options(int argc, char **argv, const char *spec, struct ca_opts *o)
{
	uint32_t	v;
	int		ch, r = 0;

	memset(o, 0, sizeof(*o));
#ifdef __GLIBC__
	optind = 0;
#else
	optreset = optind = 1;
#endif
	while (r == 0 && (ch = getopt(argc, argv, spec)) != -1) {
		switch (ch) {
		case 'b':
			r = opt_addr(optarg, o);
			break;
		case 'c':
			o->op_csr = optarg;
			break;
		case 'd':
			r = opt_number(ch, optarg, 1, DAYS_MAX, &v);
			o->op_days = v;
			break;
		case 'e':
			r = opt_enroll(optarg, o);
			break;
		case 'f':
			o->op_force = 1;
			break;
		case 'k':
			o->op_rsa = strcmp(optarg, "rsa") == 0;
			if (!o->op_rsa && strcmp(optarg, "p256") != 0) {
				warnx("-k %s: expected p256 or rsa", optarg);
				r = -1;
			}
			break;
		case 'l':
			r = opt_number(ch, optarg, 60, 365 * 86400,
			    &o->op_lifetime);
			break;
		case 'o':
			o->op_out = optarg;
			break;
		case 'q':
			r = opt_number(ch, optarg, 1, 10000000, &o->op_quota);
			break;
		case 'r':
			o->op_renew = 1;
			break;
		case 'S':
			r = opt_self(optarg, o);
			break;
		case 't':
			r = opt_number(ch, optarg, 1, 86400, &o->op_update);
			break;
		case 'u':
			o->op_user = optarg;
			break;
		case 'x':
			r = opt_node(optarg, o->op_bad, &o->op_bads);
			break;
		case 'X':
			r = opt_node(optarg, o->op_good, &o->op_goods);
			break;
		default:
			(void)ca_usage();
			r = -1;
			break;
		}
	}
	return (r);
}

const char *
ca_path(char *buf, const char *dir, const char *name)
{
	if ((size_t)snprintf(buf, CA_PATH_SIZE, "%s/%s", dir, name) >= CA_PATH_SIZE)
		errx(1, "%s: path too long", dir);
	return (buf);
}

void
ca_ssl_warn(const char *what)
{
	char	text[256];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	ERR_clear_error();
	warnx("%s: %s", what, text);
}

void
ca_hex_node(char *buf, const uint8_t *node)
{
	(void)sodium_bin2hex(buf, CA_HEX_SIZE, node, NODEID_LEN);
}

/* The overlay's name stands in the signer's certificate. */
static int
overlay_read(const char *dir, char *name, size_t size)
{
	struct reload_cert	 rc;
	const char		*why;
	char			 path[CA_PATH_SIZE];
	X509			*x;
	int			 r;

	if ((x = ca_cert_read(ca_path(path, dir, "signer.crt"))) == NULL)
		return (-1);
	if ((r = reload_cert_parse(x, &rc, &why)) == -1)
		warnx("%s: %s", path, why);
	else
		(void)strlcpy(name, rc.rc_overlay, size);
	X509_free(x);
	return (r);
}

/* -- init -- */

static int
ca_init(int argc, char **argv)
{
	static const char *const	files[] = { "root.key", "root.crt",
					    "signer.key", "signer.crt" };
	struct ca_opts	 o;
	struct stat	 st;
	const char	*dir, *overlay;
	char		 path[CA_PATH_SIZE];
	size_t		 i;

	if (ca_options(argc, argv, "d:fk:S:", &o) == -1)
		return (1);
	if (argc - optind != 2)
		return (ca_usage());
	dir = argv[optind];
	overlay = argv[optind + 1];
	if (!overlay_name_ok(overlay))
		return (1);
	if (mkdir(dir, 0700) == -1 && errno != EEXIST) {
		warn("%s", dir);
		return (1);
	}
	for (i = 0; i < 4; i++) {
		if (lstat(ca_path(path, dir, files[i]), &st) == -1)
			continue;
		if (!o.op_force) {
			warnx("%s: exists already (-f replaces it)", path);
			return (1);
		}
		if (i < 2 && o.op_self != RELOAD_SELF_NO) {
			warnx("%s: the folder is that of a CA, expected another "
			    "one with -S", path);
			return (1);
		}
	}
	if (o.op_days == 0)
		o.op_days = ROOT_DAYS;
	return ((o.op_self != RELOAD_SELF_NO ? init_self(dir, overlay, &o) :
	    init_root(dir, overlay, &o)) == -1 ? 1 : 0);
}

static int
init_root(const char *dir, const char *overlay, struct ca_opts *o)
{
	EVP_PKEY	*key = NULL, *skey = NULL;
	X509		*root = NULL;
	char		 path[CA_PATH_SIZE];
	int		 r = -1;

	if ((key = ca_key_make(o->op_rsa ? CA_RSA : CA_P256)) == NULL ||
	    (skey = ca_key_make(o->op_rsa ? CA_RSA : CA_P256)) == NULL ||
	    (root = ca_root_make(key, overlay, o->op_days)) == NULL) {
		ca_ssl_warn("root");
		goto done;
	}
	if (ca_key_write(ca_path(path, dir, "root.key"), key,
	    o->op_force) == -1 ||
	    ca_cert_write(ca_path(path, dir, "root.crt"), root,
	    o->op_force) == -1 ||
	    ca_key_write(ca_path(path, dir, "signer.key"), skey,
	    o->op_force) == -1)
		goto done;
	r = issue(dir, skey, overlay, SIGNER, o,
	    ca_path(path, dir, "signer.crt"));
done:
	X509_free(root);
	EVP_PKEY_free(key);
	EVP_PKEY_free(skey);
	return (r);
}

/* Nobody signs for anybody else: only who signs documents is made. */
static int
init_self(const char *dir, const char *overlay, struct ca_opts *o)
{
	EVP_PKEY	*key;
	X509		*x = NULL;
	char		 path[CA_PATH_SIZE], user[RELOAD_USER_SIZE];
	char		 hex[CA_HEX_SIZE];
	uint8_t		 node[NODEID_LEN];
	int		 r = -1;

	if (user_name(user, SIGNER, overlay) == -1)
		return (-1);
	if ((key = ca_key_make(o->op_rsa ? CA_RSA : CA_P256)) == NULL ||
	    (x = ca_self_make(key, o->op_self, user, overlay, o->op_days,
	    node)) == NULL) {
		ca_ssl_warn("signer");
		goto done;
	}
	if (ca_key_write(ca_path(path, dir, "signer.key"), key,
	    o->op_force) == -1 ||
	    ca_cert_write(ca_path(path, dir, "signer.crt"), x,
	    o->op_force) == -1)
		goto done;
	ca_hex_node(hex, node);
	(void)printf("%s: node %s user %s\n", path, hex, user);
	r = 0;
done:
	X509_free(x);
	EVP_PKEY_free(key);
	return (r);
}

/* -- sign -- */

/* A certificate for pub; its user keeps his Node-ID, others get one at random. */
static int
issue(const char *dir, EVP_PKEY *pub, const char *overlay, const char *user,
    const struct ca_opts *o, const char *out)
{
	struct issued	 is;
	char		 path[CA_PATH_SIZE], hex[CA_HEX_SIZE];
	EVP_PKEY	*rootkey = NULL;
	X509		*root = NULL, *x = NULL;
	int		 again = 0, r = -1;

	memset(&is, 0, sizeof(is));
	if (user_name(is.is_user, user, overlay) == -1)
		return (-1);
	if (issued_key(pub, is.is_key) == -1) {
		ca_ssl_warn(out);
		return (-1);
	}
	if (user != NULL && strcmp(user, SIGNER) == 0)
		randombytes_buf(is.is_node, sizeof(is.is_node));
	else if (issued_node(dir, o->op_user != NULL, &is, &again) == -1)
		return (-1);
	if ((root = ca_cert_read(ca_path(path, dir, "root.crt"))) == NULL ||
	    (rootkey = ca_key_read(ca_path(path, dir, "root.key"))) == NULL)
		goto done;
	if (X509_check_private_key(root, rootkey) != 1) {
		ERR_clear_error();
		warnx("%s: does not belong to root.crt", path);
		goto done;
	}
	if ((x = ca_node_make(pub, is.is_node, is.is_user, overlay, root,
	    rootkey, o->op_days > 0 ? o->op_days : CA_NODE_DAYS)) == NULL) {
		ca_ssl_warn(out);
		goto done;
	}
	if (ca_cert_write(out, x, o->op_force) == -1 ||
	    issued_add(dir, &is, x) == -1)
		goto done;
	ca_hex_node(hex, is.is_node);
	(void)printf("%s: node %s user %s%s\n", out, hex, is.is_user,
	    again ? " as before" : "");
	r = 0;
done:
	X509_free(x);
	X509_free(root);
	EVP_PKEY_free(rootkey);
	return (r);
}

/* The key of a request: whoever made it has the private half.  And the user
 * name that it asks for, "" if none. */
static int
sign_request(const char *path, EVP_PKEY **key, char *user)
{
	X509_REQ	*req;
	int		 r = -1;

	if ((req = ca_req_read(path)) == NULL)
		return (-1);
	if ((*key = X509_REQ_get_pubkey(req)) == NULL ||
	    X509_REQ_verify(req, *key) != 1)
		warnx("%s: not signed with its own key", path);
	else if (reload_key_alg(*key) == 0)
		warnx("%s: key is neither P-256 nor RSA of 2048 to 4096 bits",
		    path);
	else if (request_user(req, path, user) != -1)
		r = 0;
	ERR_clear_error();
	X509_REQ_free(req);
	return (r);
}

/* Who has this name's Node-ID signs documents. */
static int
sign_user(const char *user, const char *overlay)
{
	char	mail[RELOAD_USER_SIZE], signer[RELOAD_USER_SIZE];

	if (user == NULL)
		return (0);
	if (user_name(mail, user, overlay) == -1 ||
	    user_name(signer, SIGNER, overlay) == -1)
		return (-1);
	if (strcmp(mail, signer) != 0)
		return (0);
	warnx("%s: is the signer of documents, expected another user", mail);
	return (-1);
}

static int
ca_sign(int argc, char **argv)
{
	struct ca_opts	 o;
	struct stat	 st;
	EVP_PKEY	*key = NULL;
	const char	*dir, *name;
	char		 overlay[DOMAIN_SIZE], tag[17];
	char		 crt[CA_PATH_SIZE], keyfile[CA_PATH_SIZE];
	char		 user[RELOAD_USER_SIZE] = "";
	uint8_t		 rnd[8];
	int		 r = 1;

	if (ca_options(argc, argv, "c:d:fk:o:u:", &o) == -1)
		return (1);
	if (argc - optind != 1)
		return (ca_usage());
	dir = argv[optind];
	if (overlay_read(dir, overlay, sizeof(overlay)) == -1)
		return (1);
	if (lstat(ca_path(crt, dir, "root.crt"), &st) == -1) {
		warn("%s", crt);
		return (1);
	}
	if (o.op_out == NULL) {
		randombytes_buf(rnd, sizeof(rnd));
		(void)sodium_bin2hex(tag, sizeof(tag), rnd, sizeof(rnd));
		(void)snprintf(crt, sizeof(crt), "%s/node-%s.crt", dir, tag);
		(void)snprintf(keyfile, sizeof(keyfile), "%s/node-%s.key", dir,
		    tag);
	} else {
		(void)snprintf(crt, sizeof(crt), "%s.crt", o.op_out);
		if ((size_t)snprintf(keyfile, sizeof(keyfile), "%s.key",
		    o.op_out) >= sizeof(keyfile)) {
			warnx("-o: path too long");
			return (1);
		}
	}
	if (!o.op_force && (lstat(crt, &st) == 0 || (o.op_csr == NULL &&
	    lstat(keyfile, &st) == 0))) {
		warnx("%s: certificate or key exists already "
		    "(-f replaces them)", o.op_out != NULL ? o.op_out : crt);
		return (1);
	}
	if (o.op_csr != NULL) {
		if (sign_request(o.op_csr, &key, user) == -1)
			goto done;
	}
	name = o.op_user != NULL ? o.op_user : user[0] != '\0' ? user : NULL;
	if (sign_user(name, overlay) == -1)
		goto done;
	if (key == NULL) {
		if ((key = ca_key_make(o.op_rsa ? CA_RSA : CA_P256)) == NULL) {
			ca_ssl_warn(keyfile);
			goto done;
		}
		if (ca_key_write(keyfile, key, o.op_force) == -1)
			goto done;
	}
	if (issue(dir, key, overlay, name, &o, crt) == -1)
		goto done;
	r = 0;
done:
	EVP_PKEY_free(key);
	return (r);
}
