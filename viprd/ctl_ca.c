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
 * running box.
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
#include <time.h>
#include <unistd.h>

#include "ctl_ca.h"
#include "reload_conf.h"

#define ROOT_DAYS	3650
#define NODE_DAYS	397
#define DOC_DAYS	1825
#define DAYS_MAX	7300
#define PATH_SIZE	1024
#define HEX_SIZE	(2 * NODEID_LEN + 1)

/* Options of all commands. */
struct opts {
	int		 op_force;
	int		 op_rsa;
	unsigned	 op_days;
	const char	*op_out;
	const char	*op_user;
	const char	*op_csr;
	struct vaddr	 op_boot[RELOAD_BOOT_MAX];
	size_t		 op_boots;
	uint8_t		 op_bad[64][NODEID_LEN];	/* -x */
	size_t		 op_bads;
	uint8_t		 op_good[64][NODEID_LEN];	/* -X */
	size_t		 op_goods;
	uint32_t	 op_update, op_lifetime, op_quota;
};

/* Who signs, read from the folder. */
struct signer {
	EVP_PKEY	*si_key;
	X509		*si_cert;
	struct reload_cert si_rc;
	uint8_t		*si_der;
	size_t		 si_derlen;
};

static int	 usage(void);
static int	 options(int, char **, const char *, struct opts *);
static int	 opt_addr(const char *, struct opts *);
static int	 opt_node(const char *, uint8_t (*)[NODEID_LEN], size_t *);
static int	 opt_number(int, const char *, uint32_t, uint32_t, uint32_t *);
static const char *path_in(char *, const char *, const char *);
static int	 overlay_ok(const char *);
static int	 overlay_read(const char *, char *, size_t);
static void	 ssl_warn(const char *);
static void	 hex_node(char *, const uint8_t *);
static int	 ca_init(int, char **);
static int	 ca_sign(int, char **);
static int	 sign_request(const char *, EVP_PKEY **);
static int	 issue(const char *, EVP_PKEY *, const char *, const char *,
		    const struct opts *, const char *);
static int	 issued_add(const char *, const uint8_t *, const char *,
		    X509 *);
static int	 ca_config(int, char **);
static int	 signer_load(const char *, struct signer *);
static void	 signer_free(struct signer *);
static int	 signer_sign(const struct signer *, const void *, size_t,
		    char *, size_t);
static void	 config_merge(struct opts *, const struct reload_doc *);
static int	 config_kind(struct wbuf *, const struct opts *,
		    const struct signer *);
static int	 config_write(struct wbuf *, const struct opts *,
		    const char *, unsigned, const struct signer *, X509 *);
static void	 config_date(char *, size_t, unsigned);
static int	 config_check(const struct wbuf *, const struct reload_doc *,
		    const char *, struct reload_doc **);
static int	 ca_show(int, char **);

static int
usage(void)
{
	(void)fprintf(stderr,
	    "usage: viprctl ca init [-f] [-d days] [-k p256 | rsa] dir overlay-name\n"
	    "       viprctl ca sign [-f] [-c csr] [-d days] [-k p256 | rsa]"
	    " [-o prefix] [-u user] dir\n"
	    "       viprctl ca config [-b address:port] [-d days] [-l seconds]"
	    " [-o file]\n"
	    "           [-q numbers] [-t seconds] [-x node-id] [-X node-id] dir\n"
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
		return (usage());
	if (strcmp(argv[0], "init") == 0)
		return (ca_init(argc, argv));
	if (strcmp(argv[0], "sign") == 0)
		return (ca_sign(argc, argv));
	if (strcmp(argv[0], "config") == 0)
		return (ca_config(argc, argv));
	if (strcmp(argv[0], "show") == 0)
		return (ca_show(argc, argv));
	warnx("ca %s: unknown command", argv[0]);
	return (usage());
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
opt_addr(const char *s, struct opts *o)
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
options(int argc, char **argv, const char *spec, struct opts *o)
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
			(void)usage();
			r = -1;
			break;
		}
	}
	return (r);
}

static const char *
path_in(char *buf, const char *dir, const char *name)
{
	if ((size_t)snprintf(buf, PATH_SIZE, "%s/%s", dir, name) >= PATH_SIZE)
		errx(1, "%s: path too long", dir);
	return (buf);
}

static void
ssl_warn(const char *what)
{
	char	text[256];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	ERR_clear_error();
	warnx("%s: %s", what, text);
}

static void
hex_node(char *buf, const uint8_t *node)
{
	(void)sodium_bin2hex(buf, HEX_SIZE, node, NODEID_LEN);
}

static int
overlay_ok(const char *name)
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

/* The overlay's name stands in the signer's certificate. */
static int
overlay_read(const char *dir, char *name, size_t size)
{
	struct reload_cert	 rc;
	const char		*why;
	char			 path[PATH_SIZE];
	X509			*x;
	int			 r;

	if ((x = ca_cert_read(path_in(path, dir, "signer.crt"))) == NULL)
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
	struct opts	 o;
	struct stat	 st;
	EVP_PKEY	*key = NULL, *skey = NULL;
	X509		*root = NULL;
	const char	*dir, *overlay;
	char		 path[PATH_SIZE];
	size_t		 i;
	int		 r = 1;

	if (options(argc, argv, "d:fk:", &o) == -1)
		return (1);
	if (argc - optind != 2)
		return (usage());
	dir = argv[optind];
	overlay = argv[optind + 1];
	if (!overlay_ok(overlay))
		return (1);
	if (mkdir(dir, 0700) == -1 && errno != EEXIST) {
		warn("%s", dir);
		return (1);
	}
	for (i = 0; i < 4 && !o.op_force; i++) {
		if (lstat(path_in(path, dir, files[i]), &st) == 0) {
			warnx("%s: exists already (-f replaces it)", path);
			return (1);
		}
	}
	if ((key = ca_key_make(o.op_rsa ? CA_RSA : CA_P256)) == NULL ||
	    (skey = ca_key_make(o.op_rsa ? CA_RSA : CA_P256)) == NULL ||
	    (root = ca_root_make(key, overlay, o.op_days > 0 ? o.op_days :
	    ROOT_DAYS)) == NULL) {
		ssl_warn("root");
		goto done;
	}
	if (ca_key_write(path_in(path, dir, "root.key"), key,
	    o.op_force) == -1 ||
	    ca_cert_write(path_in(path, dir, "root.crt"), root,
	    o.op_force) == -1 ||
	    ca_key_write(path_in(path, dir, "signer.key"), skey,
	    o.op_force) == -1)
		goto done;
	o.op_days = o.op_days > 0 ? o.op_days : ROOT_DAYS;
	if (issue(dir, skey, overlay, "signer", &o,
	    path_in(path, dir, "signer.crt")) == -1)
		goto done;
	r = 0;
done:
	X509_free(root);
	EVP_PKEY_free(key);
	EVP_PKEY_free(skey);
	return (r);
}

/* -- sign -- */

/* A line a certificate, so that a bad node can be named later. */
static int
issued_add(const char *dir, const uint8_t *node, const char *user, X509 *x)
{
	char		 path[PATH_SIZE], hex[HEX_SIZE];
	struct tm	 tm;
	FILE		*f;

	memset(&tm, 0, sizeof(tm));
	(void)ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm);
	hex_node(hex, node);
	if ((f = fopen(path_in(path, dir, "issued"), "a")) == NULL) {
		warn("%s", path);
		return (-1);
	}
	(void)fprintf(f, "%s %s until %04d-%02d-%02d\n", hex, user,
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	if (fclose(f) != 0) {
		warn("%s", path);
		return (-1);
	}
	return (0);
}

/* A certificate for pub with a Node-ID drawn at random. */
static int
issue(const char *dir, EVP_PKEY *pub, const char *overlay, const char *user,
    const struct opts *o, const char *out)
{
	char		 path[PATH_SIZE], mail[RELOAD_USER_SIZE], hex[HEX_SIZE];
	uint8_t		 node[NODEID_LEN], tag[8];
	EVP_PKEY	*rootkey = NULL;
	X509		*root, *x = NULL;
	int		 r = -1;

	randombytes_buf(node, sizeof(node));
	if (user == NULL) {
		/* A Node-ID shall not tell whose it is. */
		randombytes_buf(tag, sizeof(tag));
		(void)sodium_bin2hex(hex, sizeof(hex), tag, sizeof(tag));
		user = hex;
	}
	if ((size_t)snprintf(mail, sizeof(mail), strchr(user, '@') != NULL ?
	    "%s" : "%s@%s", user, overlay) >= sizeof(mail)) {
		warnx("%s: user name too long", user);
		return (-1);
	}
	if ((root = ca_cert_read(path_in(path, dir, "root.crt"))) == NULL ||
	    (rootkey = ca_key_read(path_in(path, dir, "root.key"))) == NULL)
		goto done;
	if (X509_check_private_key(root, rootkey) != 1) {
		ERR_clear_error();
		warnx("%s: does not belong to root.crt", path);
		goto done;
	}
	if ((x = ca_node_make(pub, node, mail, overlay, root, rootkey,
	    o->op_days > 0 ? o->op_days : NODE_DAYS)) == NULL) {
		ssl_warn(out);
		goto done;
	}
	if (ca_cert_write(out, x, o->op_force) == -1 ||
	    issued_add(dir, node, mail, x) == -1)
		goto done;
	hex_node(hex, node);
	(void)printf("%s: node %s user %s\n", out, hex, mail);
	r = 0;
done:
	X509_free(x);
	X509_free(root);
	EVP_PKEY_free(rootkey);
	return (r);
}

/* The key of a request: whoever made it has the private half. */
static int
sign_request(const char *path, EVP_PKEY **key)
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
	else
		r = 0;
	ERR_clear_error();
	X509_REQ_free(req);
	return (r);
}

static int
ca_sign(int argc, char **argv)
{
	struct opts	 o;
	struct stat	 st;
	EVP_PKEY	*key = NULL;
	const char	*dir;
	char		 overlay[DOMAIN_SIZE], tag[17];
	char		 crt[PATH_SIZE], keyfile[PATH_SIZE];
	uint8_t		 rnd[8];
	int		 r = 1;

	if (options(argc, argv, "c:d:fk:o:u:", &o) == -1)
		return (1);
	if (argc - optind != 1)
		return (usage());
	dir = argv[optind];
	if (overlay_read(dir, overlay, sizeof(overlay)) == -1)
		return (1);
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
		if (sign_request(o.op_csr, &key) == -1)
			goto done;
	} else if ((key = ca_key_make(o.op_rsa ? CA_RSA : CA_P256)) == NULL) {
		ssl_warn(keyfile);
		goto done;
	} else if (ca_key_write(keyfile, key, o.op_force) == -1)
		goto done;
	if (issue(dir, key, overlay, o.op_user, &o, crt) == -1)
		goto done;
	r = 0;
done:
	EVP_PKEY_free(key);
	return (r);
}

/* -- config -- */

static int
signer_load(const char *dir, struct signer *si)
{
	const char	*why;
	char		 path[PATH_SIZE];
	int		 len;

	memset(si, 0, sizeof(*si));
	if ((si->si_key = ca_key_read(path_in(path, dir, "signer.key"))) ==
	    NULL || (si->si_cert = ca_cert_read(path_in(path, dir,
	    "signer.crt"))) == NULL)
		return (-1);
	if (X509_check_private_key(si->si_cert, si->si_key) != 1) {
		ERR_clear_error();
		warnx("%s: does not belong to signer.key", path);
		return (-1);
	}
	if (reload_cert_parse(si->si_cert, &si->si_rc, &why) == -1) {
		warnx("%s: %s", path, why);
		return (-1);
	}
	if ((len = i2d_X509(si->si_cert, &si->si_der)) <= 0) {
		ssl_warn(path);
		return (-1);
	}
	si->si_derlen = (size_t)len;
	return (0);
}

static void
signer_free(struct signer *si)
{
	OPENSSL_free(si->si_der);
	X509_free(si->si_cert);
	EVP_PKEY_free(si->si_key);
	memset(si, 0, sizeof(*si));
}

/* base64 of a SecurityBlock over the blob alone. */
static int
signer_sign(const struct signer *si, const void *blob, size_t len, char *text,
    size_t size)
{
	uint8_t		bucket[RELOAD_CERT_DER_MAX], block[8192];
	uint8_t		sig[RELOAD_SIG_MAX];
	struct wbuf	b, w;
	struct span	part;
	size_t		siglen = sizeof(sig);

	part.p = blob;
	part.len = len;
	if (reload_sign_parts(si->si_key, &part, 1, sig, &siglen) == -1) {
		warnx("signer.key does not sign");
		return (-1);
	}
	wbuf_init(&b, bucket, sizeof(bucket));
	reload_bucket_add(&b, si->si_der, si->si_derlen);
	wbuf_init(&w, block, sizeof(block));
	reload_secblock_write(&w, bucket, b.w_len, si->si_rc.rc_alg,
	    si->si_rc.rc_sha256, sig, siglen);
	if (wbuf_ok(&b) == -1 || wbuf_ok(&w) == -1 ||
	    sodium_base64_encoded_len(w.w_len,
	    sodium_base64_VARIANT_ORIGINAL) > size) {
		warnx("signature too long");
		return (-1);
	}
	(void)sodium_bin2base64(text, size, block, w.w_len,
	    sodium_base64_VARIANT_ORIGINAL);
	return (0);
}

/* What the command line does not say stays as it was. */
static void
config_merge(struct opts *o, const struct reload_doc *d)
{
	const struct reload_kind	*k;
	size_t				 i, j;

	if (d == NULL)
		return;
	if (o->op_boots == 0) {
		memcpy(o->op_boot, d->rd_boot, sizeof(o->op_boot));
		o->op_boots = d->rd_boots;
	}
	for (i = 0; i < d->rd_bads && o->op_bads < 64; i++) {
		for (j = 0; j < o->op_goods; j++) {
			if (memcmp(d->rd_bad[i], o->op_good[j],
			    NODEID_LEN) == 0)
				break;
		}
		if (j == o->op_goods)
			memcpy(o->op_bad[o->op_bads++], d->rd_bad[i],
			    NODEID_LEN);
	}
	if (o->op_update == 0)
		o->op_update = d->rd_update_s;
	if ((k = reload_doc_kind(d, RELOAD_KIND_VIPR)) != NULL) {
		if (o->op_lifetime == 0)
			o->op_lifetime = k->rk_lifetime;
		if (o->op_quota == 0)
			o->op_quota = k->rk_quota;
	}
}

/* The Kind of VIPR registrations; foreign prefixes are declared on kind
 * itself, for the signed bytes must be well-formed alone. */
static int
config_kind(struct wbuf *w, const struct opts *o, const struct signer *si)
{
	char	text[16384];
	size_t	start;

	wbuf_str(w, "  <required-kinds>\n   <kind-block>\n    ");
	start = w->w_len;
	wbuf_printf(w, "<kind id=\"%u\" xmlns:vipr=\"%s\">\n",
	    RELOAD_KIND_VIPR, RELOAD_NS_VIPR);
	wbuf_str(w, "     <data-model>DICTIONARY</data-model>\n"
	    "     <access-control>VIPR-NODE-KEY-MATCH</access-control>\n"
	    "     <max-count>64</max-count>\n"
	    "     <max-size>64</max-size>\n");
	wbuf_printf(w, "     <vipr:lifetime>%u</vipr:lifetime>\n"
	    "     <vipr:max-per-node>1</vipr:max-per-node>\n"
	    "     <vipr:quota>%u</vipr:quota>\n"
	    "    </kind>", o->op_lifetime > 0 ? o->op_lifetime : 86400,
	    o->op_quota > 0 ? o->op_quota : 20000);
	if (wbuf_ok(w) == -1 || signer_sign(si, w->w_buf + start,
	    w->w_len - start, text, sizeof(text)) == -1)
		return (-1);
	wbuf_printf(w, "\n    <kind-signature>%s</kind-signature>\n"
	    "   </kind-block>\n  </required-kinds>\n", text);
	return (0);
}

static void
config_date(char *buf, size_t size, unsigned days)
{
	struct tm	tm;
	time_t		t;

	t = time(NULL) + (time_t)days * 86400;
	(void)gmtime_r(&t, &tm);
	(void)strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static int
config_write(struct wbuf *w, const struct opts *o, const char *overlay,
    unsigned sequence, const struct signer *si, X509 *root)
{
	char		 date[32], hex[HEX_SIZE], addr[VADDR_STRLEN];
	char		 text[16384];
	unsigned char	*der = NULL;
	size_t		 i, start;
	int		 len;

	config_date(date, sizeof(date), o->op_days > 0 ? o->op_days : DOC_DAYS);
	if ((len = i2d_X509(root, &der)) <= 0 ||
	    sodium_base64_encoded_len((size_t)len,
	    sodium_base64_VARIANT_ORIGINAL) > sizeof(text)) {
		warnx("root.crt cannot be encoded");
		OPENSSL_free(der);
		return (-1);
	}
	(void)sodium_bin2base64(text, sizeof(text), der, (size_t)len,
	    sodium_base64_VARIANT_ORIGINAL);
	OPENSSL_free(der);
	wbuf_printf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<overlay xmlns=\"%s\" xmlns:chord=\"%s\">\n ", RELOAD_NS_BASE,
	    RELOAD_NS_CHORD);
	start = w->w_len;
	wbuf_printf(w, "<configuration instance-name=\"%s\" sequence=\"%u\" "
	    "expiration=\"%s\">\n", overlay, sequence, date);
	wbuf_str(w, "  <topology-plugin>CHORD-RELOAD</topology-plugin>\n"
	    "  <node-id-length>16</node-id-length>\n");
	wbuf_printf(w, "  <root-cert>%s</root-cert>\n", text);
	for (i = 0; i < o->op_boots; i++)
		wbuf_printf(w, "  <bootstrap-node address=\"%s\" "
		    "port=\"%u\"/>\n", vaddr_host(&o->op_boot[i], addr,
		    sizeof(addr)), o->op_boot[i].va_port);
	wbuf_str(w, "  <no-ice>true</no-ice>\n"
	    "  <turn-density>0</turn-density>\n"
	    "  <max-message-size>100000</max-message-size>\n");
	wbuf_printf(w, "  <mandatory-extension>%s</mandatory-extension>\n",
	    RELOAD_NS_VIPR);
	hex_node(hex, si->si_rc.rc_node[0]);
	wbuf_printf(w, "  <kind-signer>%s</kind-signer>\n"
	    "  <configuration-signer>%s</configuration-signer>\n", hex, hex);
	for (i = 0; i < o->op_bads; i++) {
		hex_node(hex, o->op_bad[i]);
		wbuf_printf(w, "  <bad-node>%s</bad-node>\n", hex);
	}
	wbuf_printf(w, "  <chord:chord-update-interval>%u"
	    "</chord:chord-update-interval>\n",
	    o->op_update > 0 ? o->op_update : 600);
	if (config_kind(w, o, si) == -1)
		return (-1);
	wbuf_str(w, " </configuration>");
	if (wbuf_ok(w) == -1 || signer_sign(si, w->w_buf + start,
	    w->w_len - start, text, sizeof(text)) == -1)
		return (-1);
	wbuf_printf(w, "\n <signature>%s</signature>\n</overlay>\n", text);
	return (wbuf_ok(w));
}

/* Nodes will judge it just so: as an update of what they have. */
static int
config_check(const struct wbuf *w, const struct reload_doc *old,
    const char *overlay, struct reload_doc **out)
{
	char	why[RELOAD_WHY_SIZE];
	int	stale;

	if (old != NULL) {
		*out = reload_doc_update(old, w->w_buf, w->w_len, time(NULL),
		    &stale, why, sizeof(why));
	} else if ((*out = reload_doc_parse(w->w_buf, w->w_len, overlay, why,
	    sizeof(why))) != NULL && reload_doc_verify(*out, NULL, time(NULL),
	    why, sizeof(why)) == -1) {
		reload_doc_free(*out);
		*out = NULL;
	}
	if (*out == NULL) {
		warnx("the new configuration would be refused: %s", why);
		return (-1);
	}
	return (0);
}

static int
ca_config(int argc, char **argv)
{
	struct opts		 o;
	struct signer		 si;
	struct stat		 st;
	struct reload_doc	*old = NULL, *doc = NULL;
	struct wbuf		 w;
	X509			*root = NULL;
	const char		*dir;
	char			 path[PATH_SIZE], why[RELOAD_WHY_SIZE];
	char			*text = NULL, *buf = NULL;
	size_t			 len;
	int			 r = 1;

	memset(&si, 0, sizeof(si));
	if (options(argc, argv, "b:d:fl:o:q:t:x:X:", &o) == -1)
		return (1);
	if (argc - optind != 1)
		return (usage());
	dir = argv[optind];
	if (signer_load(dir, &si) == -1 ||
	    (root = ca_cert_read(path_in(path, dir, "root.crt"))) == NULL)
		goto done;
	if (stat(path_in(path, dir, "config.xml"), &st) == 0) {
		if ((text = ca_file_read(path, RELOAD_DOC_MAX, &len)) == NULL)
			goto done;
		if ((old = reload_doc_parse(text, len, si.si_rc.rc_overlay,
		    why, sizeof(why))) == NULL) {
			warnx("%s: %s", path, why);
			goto done;
		}
	} else if (errno != ENOENT) {
		warn("%s", path);
		goto done;
	}
	config_merge(&o, old);
	if (o.op_boots == 0)
		warnx("warning: no bootstrap node (-b): nobody can join");
	if ((buf = malloc(RELOAD_DOC_MAX)) == NULL)
		err(1, NULL);
	wbuf_init(&w, buf, RELOAD_DOC_MAX);
	if (config_write(&w, &o, si.si_rc.rc_overlay, old == NULL ? 1 :
	    (old->rd_sequence + 1u) % 65535, &si, root) == -1) {
		warnx("%s: document too long or not signed", path);
		goto done;
	}
	if (config_check(&w, old, si.si_rc.rc_overlay, &doc) == -1 ||
	    ca_file_write(path, buf, w.w_len, 0644, 1) == -1 ||
	    (o.op_out != NULL && ca_file_write(o.op_out, buf, w.w_len, 0644,
	    1) == -1))
		goto done;
	(void)printf("%s: overlay %s sequence %u\n",
	    o.op_out != NULL ? o.op_out : path, doc->rd_name, doc->rd_sequence);
	r = 0;
done:
	reload_doc_free(old);
	reload_doc_free(doc);
	free(text);
	free(buf);
	X509_free(root);
	signer_free(&si);
	return (r);
}

/* -- show -- */

static int
ca_show(int argc, char **argv)
{
	struct reload_doc	*d;
	char			 why[RELOAD_WHY_SIZE], addr[VADDR_STRLEN];
	char			 hex[HEX_SIZE], *text;
	size_t			 i, len;
	int			 r;

	if (argc != 2 && argc != 3)
		return (usage());
	if ((text = ca_file_read(argv[1], RELOAD_DOC_MAX, &len)) == NULL)
		return (1);
	d = reload_doc_parse(text, len, argc == 3 ? argv[2] : NULL, why,
	    sizeof(why));
	free(text);
	if (d == NULL) {
		warnx("%s: %s", argv[1], why);
		return (1);
	}
	(void)printf("overlay %s\nsequence %u\n", d->rd_name, d->rd_sequence);
	for (i = 0; i < d->rd_boots; i++)
		(void)printf("bootstrap %s\n", vaddr_str(&d->rd_boot[i], addr,
		    sizeof(addr)));
	for (i = 0; i < d->rd_conf_signers; i++) {
		hex_node(hex, d->rd_conf_signer[i]);
		(void)printf("configuration-signer %s\n", hex);
	}
	for (i = 0; i < d->rd_kind_signers; i++) {
		hex_node(hex, d->rd_kind_signer[i]);
		(void)printf("kind-signer %s\n", hex);
	}
	for (i = 0; i < d->rd_bads; i++) {
		hex_node(hex, d->rd_bad[i]);
		(void)printf("bad-node %s\n", hex);
	}
	for (i = 0; i < d->rd_kinds; i++)
		(void)printf("kind %u max-count %u max-size %u lifetime %u "
		    "quota %u\n", d->rd_kind[i].rk_id,
		    d->rd_kind[i].rk_max_count, d->rd_kind[i].rk_max_size,
		    d->rd_kind[i].rk_lifetime, d->rd_kind[i].rk_quota);
	if ((r = reload_doc_verify(d, NULL, time(NULL), why,
	    sizeof(why))) == -1)
		warnx("%s: %s", argv[1], why);
	else
		(void)printf("signatures good\n");
	reload_doc_free(d);
	return (r == -1 ? 1 : 0);
}
