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
 * viprctl overlay: how a box becomes a member of an overlay that others run:
 * its configuration document by discovery (RFC 6940, 11.2), and the words and
 * options of the rest; the certificate is in ctl_enrol.c.
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

#include "ctl_issued.h"
#include "ctl_overlay.h"
#include "log.h"

#define TIMEOUT_S	30
#define WELL_KNOWN	"/.well-known/reload-config"
#define SERVICE		"_reload-config._tcp."

static int	 usage(void);
static int	 options(int, char **, const char *, struct overlay_opts *);
static int	 overlay_fetch(const struct overlay_opts *, const char *,
		    const char *);
static int	 current_read(const char *, const char *, int, char **, size_t *,
		    struct reload_doc **);
static int	 fetch_document(const struct overlay_opts *, const char *,
		    struct http_answer *, char *);
static struct reload_doc *document_judge(const struct http_answer *,
		    const char *, const char *, const struct reload_doc *);
static void	 document_show(const struct reload_doc *, int64_t);
static void	 root_show(const struct reload_blob *);

static int
usage(void)
{
	(void)fprintf(stderr,
	    "usage: viprctl overlay fetch [-f] [-C cafile] [-n server]"
	    " [-s url] [-t seconds]\n"
	    "           overlay-name file\n"
	    "       viprctl overlay enrol [-fr] [-a account] [-C cafile]"
	    " [-k p256 | rsa]\n"
	    "           [-n server] [-p file] [-s url] [-t seconds] [-u user]\n"
	    "           document prefix [overlay-name]\n"
	    "       viprctl overlay request [-f] [-k p256 | rsa] [-u user]"
	    " overlay-name prefix\n");
	return (1);
}

static int
options(int argc, char **argv, const char *spec, struct overlay_opts *o)
{
	const char	*e;
	int		 ch, r = 0;

	memset(o, 0, sizeof(*o));
	o->oo_timeout = TIMEOUT_S;
#ifdef __GLIBC__
	optind = 0;
#else
	optreset = optind = 1;
#endif
	while (r == 0 && (ch = getopt(argc, argv, spec)) != -1) {
		switch (ch) {
		case 'a':
			o->oo_account = optarg;
			break;
		case 'C':
			o->oo_cafile = optarg;
			break;
		case 'f':
			o->oo_force = 1;
			break;
		case 'k':
			o->oo_keytype = strcmp(optarg, "rsa") == 0 ? CA_RSA :
			    CA_P256;
			if (o->oo_keytype == CA_P256 &&
			    strcmp(optarg, "p256") != 0) {
				warnx("-k %s: expected p256 or rsa", optarg);
				r = -1;
			}
			break;
		case 'n':
			o->oo_dns = optarg;
			break;
		case 'p':
			o->oo_password = optarg;
			break;
		case 'r':
			o->oo_renew = 1;
			break;
		case 's':
			o->oo_server = optarg;
			break;
		case 't':
			o->oo_timeout = (unsigned)strtonum(optarg, 1, 3600, &e);
			if (e != NULL) {
				warnx("-t %s: expected a number from 1 to 3600",
				    optarg);
				r = -1;
			}
			break;
		case 'u':
			o->oo_user = optarg;
			break;
		default:
			(void)usage();
			r = -1;
			break;
		}
	}
	return (r);
}

int
ctl_overlay(int argc, char **argv)
{
	struct overlay_opts	o;
	int			n, r;

	if (sodium_init() == -1)
		errx(1, "libsodium does not start");
	argc--;
	argv++;
	if (argc < 1)
		return (usage());
	if (strcmp(argv[0], "fetch") == 0)
		r = options(argc, argv, "C:fn:s:t:", &o);
	else if (strcmp(argv[0], "request") == 0)
		r = options(argc, argv, "fk:u:", &o);
	else if (strcmp(argv[0], "enrol") == 0)
		r = options(argc, argv, "a:C:fk:n:p:rs:t:u:", &o);
	else {
		warnx("overlay %s: unknown command", argv[0]);
		return (usage());
	}
	if (r == -1)
		return (1);
	n = argc - optind;
	if (n != 2 && (n != 3 || argv[0][0] != 'e'))
		return (usage());
	if (argv[0][0] == 'f')
		r = overlay_fetch(&o, argv[optind], argv[optind + 1]);
	else if (argv[0][0] == 'r')
		r = overlay_request(&o, argv[optind], argv[optind + 1]);
	else
		r = overlay_enrol(&o, argv[optind], argv[optind + 1],
		    n == 3 ? argv[optind + 2] : NULL);
	return (r == -1 ? 1 : 0);
}

/* -- both -- */

int
overlay_refused(const char *from, const struct http_answer *a)
{
	if (a->ha_status >= 300 && a->ha_status < 400)
		warnx("%s: sends us on (%u%s%s), which is not followed; if it "
		    "is right, give that URL with -s", from, a->ha_status,
		    a->ha_location[0] != '\0' ? ", " : "", a->ha_location);
	else if (a->ha_status == 200)
		warnx("%s: answers with \"%s\"", from, a->ha_type);
	else
		warnx("%s: answers %u, expected 200%s", from, a->ha_status,
		    a->ha_status == 404 || a->ha_status == 410 ?
		    " (there is nothing at this URL)" :
		    a->ha_status == 429 || a->ha_status >= 500 ?
		    " (trouble over there; try later)" : "");
	return (-1);
}

struct reload_doc *
overlay_document(const char *path, const char *name)
{
	struct reload_doc	*d;
	char			 reason[RELOAD_WHY_SIZE], *text;
	size_t			 len;

	if ((text = ca_file_read(path, RELOAD_DOC_MAX, &len)) == NULL)
		return (NULL);
	if ((d = reload_doc_parse(text, len, name, reason,
	    sizeof(reason))) == NULL || reload_doc_verify(d, NULL, time(NULL),
	    reason, sizeof(reason)) == -1) {
		warnx("%s: %s", path, reason);
		reload_doc_free(d);
		d = NULL;
	}
	free(text);
	return (d);
}

/* -- discovery -- */

/* 0 and the document in the file, none when there is no file; -1: said why. */
static int
current_read(const char *path, const char *name, int force, char **text,
    size_t *len, struct reload_doc **d)
{
	char		reason[RELOAD_WHY_SIZE];
	struct stat	st;

	*text = NULL;
	*d = NULL;
	if (force || (lstat(path, &st) == -1 && errno == ENOENT))
		return (0);
	if ((*text = ca_file_read(path, RELOAD_DOC_MAX, len)) == NULL)
		return (-1);
	if ((*d = reload_doc_parse(*text, *len, name, reason,
	    sizeof(reason))) != NULL)
		return (0);
	warnx("%s: %s (-f replaces it, without a look at it)", path, reason);
	return (-1);
}

static int
fetch_document(const struct overlay_opts *o, const char *name,
    struct http_answer *a, char *from)
{
	struct fetch	 fe;
	struct fetcher	*f;
	const char	*reason;
	char		 srv[sizeof(SERVICE) + DOMAIN_SIZE];

	memset(&fe, 0, sizeof(fe));
	fe.fe_urls = 1;
	if (o->oo_server != NULL) {
		if (url_parse(o->oo_server, &fe.fe_url[0], &reason) == -1) {
			warnx("-s %s: %s", o->oo_server, reason);
			return (-1);
		}
		fe.fe_name[0] = fe.fe_url[0].u_host;
		fe.fe_name[1] = name;
	} else {
		(void)snprintf(srv, sizeof(srv), "%s%s", SERVICE, name);
		(void)strlcpy(fe.fe_url[0].u_host, name,
		    sizeof(fe.fe_url[0].u_host));
		fe.fe_url[0].u_port = 443;
		(void)strlcpy(fe.fe_url[0].u_path, WELL_KNOWN,
		    sizeof(fe.fe_url[0].u_path));
		fe.fe_srv = srv;
		fe.fe_name[0] = name;
	}
	fe.fe_cafile = o->oo_cafile;
	fe.fe_dns = o->oo_dns;
	fe.fe_accept = "application/p2p-overlay+xml";
	fe.fe_max = RELOAD_DOC_MAX;
	fe.fe_timeout = o->oo_timeout;
	if ((f = fetch_start(&fe)) == NULL)
		return (-1);
	return (fetch_run(f, NULL, 0, a, from));
}

/*
 * A first document is believed because of the server's certificate, a later
 * one because of its signature.  Either has to be one that viprd takes, which
 * looks whether it is signed by somebody it names.
 */
static struct reload_doc *
document_judge(const struct http_answer *a, const char *from, const char *name,
    const struct reload_doc *current)
{
	struct reload_doc	*d;
	char			 reason[RELOAD_WHY_SIZE];
	int64_t			 now = time(NULL);
	int			 stale;

	if (current != NULL)
		d = reload_doc_update(current, a->ha_body, a->ha_len, now,
		    &stale, reason, sizeof(reason));
	else
		d = reload_doc_parse(a->ha_body, a->ha_len, name, reason,
		    sizeof(reason));
	if (d != NULL && reload_doc_verify(d, NULL, now, reason,
	    sizeof(reason)) == -1) {
		reload_doc_free(d);
		d = NULL;
	}
	if (d == NULL)
		warnx("%s: its document is refused: %s", from,
		    log_str(reason, strlen(reason)));
	return (d);
}

static void
root_show(const struct reload_blob *b)
{
	const unsigned char	*p = b->b_p;
	char			 hex[2 * crypto_hash_sha256_BYTES + 1];
	uint8_t			 md[crypto_hash_sha256_BYTES];
	struct tm		 tm;
	X509			*x;

	(void)crypto_hash_sha256(md, b->b_p, b->b_len);
	(void)sodium_bin2hex(hex, sizeof(hex), md, sizeof(md));
	memset(&tm, 0, sizeof(tm));
	if ((x = d2i_X509(NULL, &p, (long)b->b_len)) == NULL ||
	    ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) != 1)
		(void)printf("root %s\n", hex);
	else
		(void)printf("root %s until %04d-%02d-%02d\n", hex,
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	X509_free(x);
	ERR_clear_error();
}

static void
document_show(const struct reload_doc *d, int64_t now)
{
	char		 date[32], hex[2 * NODEID_LEN + 1];
	struct tm	 tm;
	time_t		 t = (time_t)d->rd_expiration;
	size_t		 i;

	(void)printf("overlay %s\nsequence %u\n", d->rd_name, d->rd_sequence);
	if (d->rd_expiration == 0)
		(void)printf("expires never\n");
	else if (gmtime_r(&t, &tm) != NULL && strftime(date, sizeof(date),
	    "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		(void)printf("expires %s\n", date);
	for (i = 0; i < d->rd_roots; i++)
		root_show(&d->rd_root[i]);
	if (d->rd_self_signed != RELOAD_SELF_NO)
		(void)printf("self-signed certificates are permitted\n");
	for (i = 0; i < d->rd_conf_signers; i++) {
		(void)sodium_bin2hex(hex, sizeof(hex), d->rd_conf_signer[i],
		    NODEID_LEN);
		(void)printf("configuration-signer %s\n", hex);
	}
	for (i = 0; i < d->rd_enrolls; i++)
		(void)printf("enrollment-server %s\n", log_str(d->rd_enroll[i],
		    strlen(d->rd_enroll[i])));
	(void)printf("signatures good\n");
	if (d->rd_expiration != 0 && d->rd_expiration <= now)
		warnx("warning: the document has expired");
	if (d->rd_boots == 0)
		warnx("warning: it names no bootstrap node: nobody can join");
}

static int
overlay_fetch(const struct overlay_opts *o, const char *name, const char *path)
{
	struct http_answer	 a;
	struct reload_doc	*current = NULL, *d = NULL;
	char			 from[FETCH_FROM_SIZE], *text = NULL;
	size_t			 len = 0;
	int			 r = -1;

	memset(&a, 0, sizeof(a));
	if (!overlay_name_ok(name))
		return (-1);
	if (current_read(path, name, o->oo_force, &text, &len, &current) == -1 ||
	    fetch_document(o, name, &a, from) == -1)
		goto done;
	if (a.ha_status != 200) {
		(void)overlay_refused(from, &a);
		goto done;
	}
	if (current != NULL && a.ha_len == len &&
	    memcmp(a.ha_body, text, len) == 0) {
		if ((d = overlay_document(path, name)) != NULL) {
			(void)printf("%s: is the latest\n", path);
			document_show(d, time(NULL));
			r = 0;
		}
		goto done;
	}
	if ((d = document_judge(&a, from, name, current)) == NULL)
		goto done;
	if (ca_file_write(path, a.ha_body, a.ha_len, 0644, o->oo_force ||
	    current != NULL) == -1)
		goto done;
	(void)printf("%s: from %s, %s\n", path, from, current != NULL ?
	    "signed by a signer of the one before" :
	    "a first one, believed because of that server's certificate");
	document_show(d, time(NULL));
	r = 0;
done:
	reload_doc_free(current);
	reload_doc_free(d);
	free(text);
	free(a.ha_body);
	return (r);
}
