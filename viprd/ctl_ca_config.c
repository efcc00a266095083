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
 * viprctl ca config and show: the overlay's configuration document, made from
 * the one before and signed, or looked at; see ctl_ca.h.
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
#include "log.h"
#include "reload_conf.h"

#define DOC_DAYS	1825

/* Who signs, read from the folder. */
struct signer {
	EVP_PKEY	*si_key;
	X509		*si_cert;
	struct reload_cert si_rc;
	uint8_t		*si_der;
	size_t		 si_derlen;
};

static int	 signer_load(const char *, struct signer *);
static void	 signer_free(struct signer *);
static int	 signer_sign(const struct signer *, const void *, size_t,
		    char *, size_t);
static int	 config_root(const char *, const struct signer *,
		    struct ca_opts *, X509 **);
static int	 config_trust(struct wbuf *, const struct ca_opts *, X509 *);
static void	 config_merge(struct ca_opts *, const struct reload_doc *);
static int	 config_kind(struct wbuf *, const struct ca_opts *,
		    const struct signer *);
static int	 config_write(struct wbuf *, const struct ca_opts *,
		    const char *, unsigned, const struct signer *, X509 *);
static void	 config_enroll(struct wbuf *, const char *);
static void	 config_date(char *, size_t, unsigned);
static int	 config_check(const struct wbuf *, const struct reload_doc *,
		    const char *, struct reload_doc **);

/* -- config -- */

static int
signer_load(const char *dir, struct signer *si)
{
	const char	*why;
	char		 path[CA_PATH_SIZE];
	int		 len;

	memset(si, 0, sizeof(*si));
	if ((si->si_key = ca_key_read(ca_path(path, dir, "signer.key"))) ==
	    NULL || (si->si_cert = ca_cert_read(ca_path(path, dir,
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
		ca_ssl_warn(path);
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

/* A folder without a root is that of an overlay where each node signs for
 * itself, the signer too. */
static int
config_root(const char *dir, const struct signer *si, struct ca_opts *o,
    X509 **root)
{
	struct stat	 st;
	char		 path[CA_PATH_SIZE];
	enum reload_digest self;

	self = ca_self_digest(si->si_cert, &si->si_rc);
	if (self == RELOAD_SELF_NO || lstat(ca_path(path, dir, "root.crt"),
	    &st) == 0)
		return ((*root = ca_cert_read(ca_path(path, dir,
		    "root.crt"))) == NULL ? -1 : 0);
	if (o->op_selfset && o->op_self != self) {
		warnx("-S %s: signer.crt is self-signed with %s, and there is "
		    "no root", ca_self_str(o->op_self), ca_self_str(self));
		return (-1);
	}
	o->op_selfset = 1;
	o->op_self = self;
	return (0);
}

/* What the command line does not say stays as it was. */
static void
config_merge(struct ca_opts *o, const struct reload_doc *d)
{
	const struct reload_kind	*k;
	size_t				 i, j;

	if (d == NULL)
		return;
	if (o->op_boots == 0) {
		memcpy(o->op_boot, d->rd_boot, sizeof(o->op_boot));
		o->op_boots = d->rd_boots;
	}
	if (o->op_enrolls == 0) {
		for (i = 0; i < d->rd_enrolls; i++)
			o->op_enroll[o->op_enrolls++] = d->rd_enroll[i];
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
	if (!o->op_selfset)
		o->op_self = d->rd_self_signed;
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
config_kind(struct wbuf *w, const struct ca_opts *o, const struct signer *si)
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
config_enroll(struct wbuf *w, const char *url)
{
	if (strcmp(url, CA_NO_ENROLL) == 0)
		return;
	wbuf_str(w, "  <enrollment-server>");
	for (; *url != '\0'; url++) {
		if (*url == '&')
			wbuf_str(w, "&amp;");
		else if (*url == '<')
			wbuf_str(w, "&lt;");
		else
			wbuf_u8(w, (uint8_t)*url);
	}
	wbuf_str(w, "</enrollment-server>\n");
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

/* Whose certificates count. */
static int
config_trust(struct wbuf *w, const struct ca_opts *o, X509 *root)
{
	char		 text[16384];
	unsigned char	*der = NULL;
	int		 len;

	if (root != NULL) {
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
		wbuf_printf(w, "  <root-cert>%s</root-cert>\n", text);
	}
	if (o->op_self != RELOAD_SELF_NO)
		wbuf_printf(w, "  <self-signed-permitted digest=\"%s\">true"
		    "</self-signed-permitted>\n", ca_self_str(o->op_self));
	return (0);
}

static int
config_write(struct wbuf *w, const struct ca_opts *o, const char *overlay,
    unsigned sequence, const struct signer *si, X509 *root)
{
	char		 date[32], hex[CA_HEX_SIZE], addr[VADDR_STRLEN];
	char		 text[16384];
	size_t		 i, start;

	config_date(date, sizeof(date), o->op_days > 0 ? o->op_days : DOC_DAYS);
	wbuf_printf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<overlay xmlns=\"%s\" xmlns:chord=\"%s\">\n ", RELOAD_NS_BASE,
	    RELOAD_NS_CHORD);
	start = w->w_len;
	wbuf_printf(w, "<configuration instance-name=\"%s\" sequence=\"%u\" "
	    "expiration=\"%s\">\n", overlay, sequence, date);
	wbuf_str(w, "  <topology-plugin>CHORD-RELOAD</topology-plugin>\n"
	    "  <node-id-length>16</node-id-length>\n");
	if (config_trust(w, o, root) == -1)
		return (-1);
	for (i = 0; i < o->op_boots; i++)
		wbuf_printf(w, "  <bootstrap-node address=\"%s\" "
		    "port=\"%u\"/>\n", vaddr_host(&o->op_boot[i], addr,
		    sizeof(addr)), o->op_boot[i].va_port);
	for (i = 0; i < o->op_enrolls; i++)
		config_enroll(w, o->op_enroll[i]);
	wbuf_str(w, "  <no-ice>true</no-ice>\n"
	    "  <turn-density>0</turn-density>\n"
	    "  <max-message-size>100000</max-message-size>\n");
	wbuf_printf(w, "  <mandatory-extension>%s</mandatory-extension>\n",
	    RELOAD_NS_VIPR);
	ca_hex_node(hex, si->si_rc.rc_node[0]);
	wbuf_printf(w, "  <kind-signer>%s</kind-signer>\n"
	    "  <configuration-signer>%s</configuration-signer>\n", hex, hex);
	for (i = 0; i < o->op_bads; i++) {
		ca_hex_node(hex, o->op_bad[i]);
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

int
ca_config(int argc, char **argv)
{
	struct ca_opts		 o;
	struct signer		 si;
	struct stat		 st;
	struct reload_doc	*old = NULL, *doc = NULL;
	struct wbuf		 w;
	X509			*root = NULL;
	const char		*dir;
	char			 path[CA_PATH_SIZE], why[RELOAD_WHY_SIZE];
	char			*text = NULL, *buf = NULL;
	size_t			 len;
	int			 r = 1;

	memset(&si, 0, sizeof(si));
	if (ca_options(argc, argv, "b:d:e:fl:o:q:S:t:x:X:", &o) == -1)
		return (1);
	if (argc - optind != 1)
		return (ca_usage());
	dir = argv[optind];
	if (signer_load(dir, &si) == -1 ||
	    config_root(dir, &si, &o, &root) == -1)
		goto done;
	if (stat(ca_path(path, dir, "config.xml"), &st) == 0) {
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
	if (o.op_self != RELOAD_SELF_NO)
		warnx("warning: self-signed certificates are permitted: chosen "
		    "Node-IDs are nearly free");
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

int
ca_show(int argc, char **argv)
{
	struct reload_doc	*d;
	char			 why[RELOAD_WHY_SIZE], addr[VADDR_STRLEN];
	char			 hex[CA_HEX_SIZE], *text;
	size_t			 i, len;
	int			 r;

	if (argc != 2 && argc != 3)
		return (ca_usage());
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
	for (i = 0; i < d->rd_enrolls; i++)
		(void)printf("enrollment-server %s\n", log_str(d->rd_enroll[i],
		    strlen(d->rd_enroll[i])));
	if (d->rd_self_signed != RELOAD_SELF_NO)
		(void)printf("self-signed-permitted %s%s\n",
		    ca_self_str(d->rd_self_signed), d->rd_roots == 0 ?
		    ", no root" : "");
	for (i = 0; i < d->rd_conf_signers; i++) {
		ca_hex_node(hex, d->rd_conf_signer[i]);
		(void)printf("configuration-signer %s\n", hex);
	}
	for (i = 0; i < d->rd_kind_signers; i++) {
		ca_hex_node(hex, d->rd_kind_signer[i]);
		(void)printf("kind-signer %s\n", hex);
	}
	for (i = 0; i < d->rd_bads; i++) {
		ca_hex_node(hex, d->rd_bad[i]);
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
