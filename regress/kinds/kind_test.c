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
 * Kinds that come alone, with real signatures: who may define and change one,
 * what becomes of them with another document and after a restart; a document
 * that asks for what we do not have.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <atf-c.h>
#include <event.h>
#include <stdarg.h>
#include <time.h>

#include "../overlayd/hand.h"
#include "ctl_ca.h"
#include "overlayd.h"

#define OVERLAY		"overlay.test"
#define NEW_KIND	0xf0000099u
#define DICTIONARY	"<data-model>DICTIONARY</data-model>" \
			"<access-control>VIPR-NODE-KEY-MATCH</access-control>"
#define VIPR_XML	"<kind id=\"4032186704\">" DICTIONARY \
			"<max-count>64</max-count><max-size>64</max-size></kind>"

struct signer {
	EVP_PKEY	*sr_key;
	X509		*sr_cert;
	struct reload_cert sr_rc;
	char		 sr_hex[33];
};

/* overlayd's, of which this test plays the part. */
struct node	*node;
struct regist	*regist;
struct certstore *certstore;
struct ovconf	 ovconf;
struct conf	*config;

static EVP_PKEY		*rootkey;
static X509		*root;
static struct signer	 one, two, other;
static char		 root64[4096];
static int64_t		 now;
static struct sim	*si;
static struct simnode	*evil, *victim;
static uint64_t		 watch;
static int		 answer, error;

static void	 signer_make(struct signer *, int);
static void	 world(void);
static void	 sign64(const struct signer *, const char *, size_t, char *, size_t);
static char	*document(unsigned, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
static struct reload_doc *parse(const char *);
static char	*kind_xml(uint32_t, unsigned, unsigned);
static char	*block(const struct signer *, const char *);
static int	 add(struct reload_doc *, const struct signer *, const char *, char *);
static void	 config_op(void *, uint64_t, int, const void *, size_t);
static int	 tap(struct sim *, struct simnode *, struct simnode *, const void *, size_t);
static int	 ask(const struct node_dest *, const void *, size_t, uint16_t);
static int	 configupdate(size_t, char **);
static int	 store(uint32_t, unsigned, uint64_t);

static void
signer_make(struct signer *sr, int n)
{
	uint8_t		 id[NODEID_LEN];
	const char	*why;

	memset(id, 0x11 * n, sizeof(id));
	ATF_REQUIRE((sr->sr_key = ca_key_make(CA_P256)) != NULL);
	ATF_REQUIRE((sr->sr_cert = ca_node_make(sr->sr_key, id, "s@x", OVERLAY, root,
	    rootkey, 10)) != NULL);
	ATF_REQUIRE_EQ(0, reload_cert_parse(sr->sr_cert, &sr->sr_rc, &why));
	(void)sodium_bin2hex(sr->sr_hex, sizeof(sr->sr_hex), id, sizeof(id));
}

static void
world(void)
{
	unsigned char	*der = NULL;
	int		 len;

	now = time(NULL);
	ATF_REQUIRE((rootkey = ca_key_make(CA_P256)) != NULL);
	ATF_REQUIRE((root = ca_root_make(rootkey, OVERLAY, 100)) != NULL);
	ATF_REQUIRE((len = i2d_X509(root, &der)) > 0);
	(void)sodium_bin2base64(root64, sizeof(root64), der, (size_t)len,
	    sodium_base64_VARIANT_ORIGINAL);
	OPENSSL_free(der);
	signer_make(&one, 1);
	signer_make(&two, 2);
	signer_make(&other, 3);
}

static void
sign64(const struct signer *sr, const char *blob, size_t len, char *out, size_t size)
{
	uint8_t		 bucket[2048], buf[4096], sig[RELOAD_SIG_MAX];
	unsigned char	*der = NULL;
	struct wbuf	 b, w;
	struct span	 part = { blob, len };
	size_t		 siglen = sizeof(sig);
	int		 derlen;

	ATF_REQUIRE((derlen = i2d_X509(sr->sr_cert, &der)) > 0);
	wbuf_init(&b, bucket, sizeof(bucket));
	reload_bucket_add(&b, der, (size_t)derlen);
	OPENSSL_free(der);
	ATF_REQUIRE_EQ(0, reload_sign_parts(sr->sr_key, &part, 1, sig, &siglen));
	wbuf_init(&w, buf, sizeof(buf));
	reload_secblock_write(&w, bucket, b.w_len, sr->sr_rc.rc_alg, sr->sr_rc.rc_sha256,
	    sig, siglen);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	(void)sodium_bin2base64(out, size, buf, w.w_len, sodium_base64_VARIANT_ORIGINAL);
}

/* Signed by one, who also signs its only Kind; more elements as given. */
static char *
document(unsigned sequence, const char *fmt, ...)
{
	char		*more, *blob, *doc, kindsig[8192], docsig[8192];
	va_list		 ap;

	va_start(ap, fmt);
	ATF_REQUIRE(vasprintf(&more, fmt, ap) > -1);
	va_end(ap);
	sign64(&one, VIPR_XML, strlen(VIPR_XML), kindsig, sizeof(kindsig));
	ATF_REQUIRE(asprintf(&blob, "<configuration instance-name=\"" OVERLAY "\" "
	    "sequence=\"%u\"><root-cert>%s</root-cert><no-ice>true</no-ice>"
	    "<max-message-size>100000</max-message-size>"
	    "<configuration-signer>%s</configuration-signer>%s<required-kinds>"
	    "<kind-block>" VIPR_XML "<kind-signature>%s</kind-signature></kind-block>"
	    "</required-kinds></configuration>", sequence, root64, one.sr_hex, more,
	    kindsig) > 0);
	sign64(&one, blob, strlen(blob), docsig, sizeof(docsig));
	ATF_REQUIRE(asprintf(&doc, "<overlay xmlns=\"" RELOAD_NS_BASE "\">\n%s\n"
	    "<signature>%s</signature></overlay>", blob, docsig) > 0);
	free(blob);
	free(more);
	return (doc);
}

static struct reload_doc *
parse(const char *text)
{
	struct reload_doc *d;
	char		 why[RELOAD_WHY_SIZE];

	d = reload_doc_parse(text, strlen(text), OVERLAY, why, sizeof(why));
	ATF_REQUIRE_MSG(d != NULL, "%s", why);
	ATF_REQUIRE_EQ_MSG(0, reload_doc_verify(d, NULL, now, why, sizeof(why)), "%s", why);
	return (d);
}

static char *
kind_xml(uint32_t id, unsigned count, unsigned size)
{
	char		*s;

	ATF_REQUIRE(asprintf(&s, "<kind id=\"%u\">" DICTIONARY "<max-count>%u</max-count>"
	    "<max-size>%u</max-size></kind>", id, count, size) > 0);
	return (s);
}

static char *
block(const struct signer *sr, const char *kind)
{
	char		*s, sig[8192];

	sign64(sr, kind, strlen(kind), sig, sizeof(sig));
	ATF_REQUIRE(asprintf(&s, "<kind-block>%s<kind-signature>%s</kind-signature>"
	    "</kind-block>", kind, sig) > 0);
	return (s);
}

static int
add(struct reload_doc *d, const struct signer *sr, const char *kind, char *why)
{
	struct reload_kind k;
	char		*b = block(sr, kind);
	int		 r, model;

	why[0] = '\0';
	r = reload_kind_add(d, b, strlen(b), now, &k, &model, why, RELOAD_WHY_SIZE);
	free(b);
	return (r);
}

/* Who may define a Kind, and change it. */
ATF_TC_WITHOUT_HEAD(signers);
ATF_TC_BODY(signers, tc)
{
	struct reload_doc *d;
	const struct reload_kind *rk;
	char		 why[RELOAD_WHY_SIZE], *doc, *a, *b, *v;
	unsigned	 i;

	world();
	doc = document(5, "<kind-signer>%s</kind-signer><kind-signer>%s</kind-signer>",
	    one.sr_hex, two.sr_hex);
	d = parse(doc);
	a = kind_xml(NEW_KIND, 8, 100);
	b = kind_xml(NEW_KIND, 9, 200);
	ATF_CHECK(reload_doc_kind(d, NEW_KIND) == NULL);
	ATF_CHECK_EQ(-1, add(d, &other, a, why));
	ATF_CHECK(strstr(why, "no kind-signer") != NULL);
	ATF_CHECK_EQ_MSG(1, add(d, &two, a, why), "%s", why);
	ATF_CHECK_EQ(0, add(d, &two, a, why));
	ATF_REQUIRE((rk = reload_doc_kind(d, NEW_KIND)) != NULL);
	ATF_CHECK(rk->rk_max_size == 100 && rk->rk_model == RELOAD_DICTIONARY);
	/* Known so already is not a conflict, whoever says it. */
	ATF_CHECK_EQ(0, add(d, &one, a, why));
	ATF_CHECK_EQ(-1, add(d, &one, b, why));
	ATF_CHECK(strstr(why, "another signer") != NULL);
	ATF_CHECK_EQ(100, reload_doc_kind(d, NEW_KIND)->rk_max_size);
	ATF_CHECK_EQ(1, add(d, &two, b, why));
	ATF_CHECK_EQ(200, reload_doc_kind(d, NEW_KIND)->rk_max_size);
	ATF_CHECK_EQ(2, d->rd_kinds);
	/* The document's own: by a document only. */
	ATF_CHECK_EQ(0, add(d, &one, VIPR_XML, why));
	v = kind_xml(RELOAD_KIND_VIPR, 1, 64);
	ATF_CHECK_EQ(-1, add(d, &one, v, why));
	ATF_CHECK(strstr(why, "the document defines it otherwise") != NULL);
	free(v);
	/* Policies of others; more than there is room for. */
	ATF_CHECK_EQ(-1, add(d, &one, "<kind id=\"4026531843\"><data-model>SINGLE"
	    "</data-model><access-control>X</access-control><max-count>1</max-count>"
	    "<max-size>1</max-size></kind>", why));
	ATF_CHECK(strstr(why, "unknown access-control") != NULL);
	for (i = 2; i <= RELOAD_KINDS_MAX; i++) {
		v = kind_xml(NEW_KIND + i, 1, 1);
		ATF_CHECK_EQ(i < RELOAD_KINDS_MAX ? 1 : -1, add(d, &one, v, why));
		free(v);
	}
	ATF_CHECK_EQ(RELOAD_KINDS_MAX, d->rd_kinds);
	reload_doc_free(d);
	free(a);
	free(b);
	free(doc);
}

/* Newer, rightly signed, and with a requirement that we do not meet. */
ATF_TC_WITHOUT_HEAD(unsupported);
ATF_TC_BODY(unsupported, tc)
{
	static const char *const want[] = {
		"<mandatory-extension>urn:x-other</mandatory-extension>",
		"<topology-plugin>PASTRY</topology-plugin>",
		"<shared-secret>x</shared-secret>",
		"<overlay-link-protocol>DTLS</overlay-link-protocol>"
	};
	struct reload_doc *d;
	char		 why[RELOAD_WHY_SIZE], *doc, *next;
	int		 stale;
	size_t		 i;

	world();
	doc = document(5, "<kind-signer>%s</kind-signer>", one.sr_hex);
	d = parse(doc);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		next = document(6, "<kind-signer>%s</kind-signer>%s", one.sr_hex, want[i]);
		ATF_CHECK(reload_doc_parse(next, strlen(next), OVERLAY, why,
		    sizeof(why)) == NULL);
		ATF_CHECK(reload_doc_update(d, next, strlen(next), now, &stale, why,
		    sizeof(why)) == NULL);
		ATF_CHECK_EQ_MSG(RELOAD_LEAVE, stale, "%s: %s", want[i], why);
		/* Nobody is sent away by one that was changed on the way. */
		strstr(next, "sequence=\"6")[10] = '7';
		ATF_CHECK(reload_doc_update(d, next, strlen(next), now, &stale, why,
		    sizeof(why)) == NULL && stale == 0);
		free(next);
		next = document(5, "<kind-signer>%s</kind-signer>%s", one.sr_hex, want[i]);
		ATF_CHECK(reload_doc_update(d, next, strlen(next), now, &stale, why,
		    sizeof(why)) == NULL && stale == RELOAD_STALE);
		free(next);
	}
	reload_doc_free(d);
	free(doc);
}

static int
tap(struct sim *s, struct simnode *from, struct simnode *to, const void *msg, size_t len)
{
	struct wire_msg	 wm;
	struct wire_error we;
	struct wire_errresp wr;

	(void)s;
	if (from != victim || to != evil || wire_msg_parse(msg, len, &wm, &we) == -1 ||
	    wm.wm_header.wh_tid != watch)
		return (0);
	answer = wm.wm_contents.wc_code;
	if (answer == WIRE_ERROR &&
	    wire_error_parse(&wm.wm_contents.wc_body, &wr, &we) == 0)
		error = wr.wr_code;
	return (1);
}

static void
config_op(void *arg, uint64_t token, int type, const void *p, size_t len)
{
	(void)arg;
	ATF_REQUIRE_EQ(WIRE_CU_KIND, type);
	/* The signatures are of today. */
	node->n_wall = (uint64_t)now * 1000;
	glue_config_kinds(token, p, len);
	node->n_wall = SIM_WALL + si->si_now;
}

static int
ask(const struct node_dest *nd, const void *contents, size_t len, uint16_t seq)
{
	struct hand	 ha;
	struct wbuf	 w;
	uint8_t		 dest[32];

	answer = error = 0;
	watch = sim_rand(si) | 1;
	hand_init(&ha, watch);
	ha.ha_seq = seq;
	wbuf_init(&w, dest, sizeof(dest));
	node_dest_write(&w, nd);
	cur_init(&ha.ha_dest, dest, w.w_len);
	ATF_REQUIRE_EQ(0, hand_send(evil, evil, victim, &ha, contents, len));
	sim_for(si, 300);
	return (error != 0 ? -error : answer);
}

static int
configupdate(size_t n, char **blocks)
{
	struct wire_configupdate wc;
	struct node_dest nd = { WIRE_DEST_NODE, victim->sn_id };
	struct wbuf	 w, lw;
	static uint8_t	 list[65536], body[65536], contents[65536];
	size_t		 i;

	wbuf_init(&lw, list, sizeof(list));
	for (i = 0; i < n; i++)
		wbuf_lv(&lw, 2, blocks[i], strlen(blocks[i]));
	memset(&wc, 0, sizeof(wc));
	wc.wc_type = WIRE_CU_KIND;
	cur_init(&wc.wc_kinds, list, lw.w_len);
	wbuf_init(&w, body, sizeof(body));
	wire_configupdate_write(&w, &wc);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	i = hand_contents(contents, sizeof(contents), WIRE_CONFIGUPDATE, body, w.w_len);
	return (ask(&nd, contents, i, WIRE_SEQ_ANY));
}

/* evil's own entry at a place of victim's. */
static int
store(uint32_t kind, unsigned size, uint64_t time_ms)
{
	struct node_dest nd = { WIRE_DEST_RESOURCE, victim->sn_id };
	char		 key[64], hex[NODEID_HEXLEN], val[256];
	uint8_t		 body[4096];
	size_t		 len;

	memset(val, 'v', sizeof(val));
	(void)snprintf(key, sizeof(key), "%s+0123456789abcdef",
	    nodeid_hex(&evil->sn_id, hex));
	len = hand_store(evil, &victim->sn_id, kind, key, val, size, SIM_WALL + time_ms,
	    body, sizeof(body));
	return (ask(&nd, body, len, victim->sn_node->n_doc->rd_sequence));
}

/* In a running node: unknown, defined, stored under, changed, kept over a restart,
 * gone with its signer. */
ATF_TC_WITHOUT_HEAD(live);
ATF_TC_BODY(live, tc)
{
	struct node_ops	 ops = sim_ops;
	struct reload_doc *d, *again;
	char		*doc, *b[3], *k[3];
	int		 i;

	world();
	ATF_REQUIRE(event_init() != NULL);
	ATF_REQUIRE(mkdir("store", 0700) == 0);
	ATF_REQUIRE_EQ(0, glue_init("store"));
	doc = document(1, "<kind-signer>%s</kind-signer><kind-signer>%s</kind-signer>",
	    one.sr_hex, two.sr_hex);
	d = parse(doc);
	si = sim_new(3, 9);
	si->si_doc.rd_hash = d->rd_hash;
	for (i = 0; i < 3; i++)
		(void)sim_on(si, i);
	ATF_REQUIRE_EQ(0, sim_join(si, 240000));
	sim_for(si, 20000);
	victim = &si->si_node[0];
	evil = &si->si_node[1];
	si->si_tap = tap;
	ops.no_config = config_op;
	victim->sn_node->n_ops = &ops;
	node = victim->sn_node;
	node->n_doc = ovconf.oc_doc = d;
	k[0] = kind_xml(NEW_KIND, 8, 100);
	k[1] = kind_xml(NEW_KIND + 1, 8, 100);
	k[2] = kind_xml(NEW_KIND, 8, 50);
	ATF_CHECK_EQ(-WIRE_E_UNKNOWN_KIND, store(NEW_KIND, 100, 1));
	/* One bad one among good ones: none is taken. */
	b[0] = block(&two, k[0]);
	b[1] = block(&one, k[1]);
	b[2] = block(&other, k[2]);
	ATF_CHECK_EQ(-WIRE_E_FORBIDDEN, configupdate(3, b));
	ATF_CHECK_EQ(1, d->rd_kinds);
	ATF_CHECK_EQ(WIRE_CONFIGUPDATE_ANS, configupdate(2, b));
	ATF_CHECK_EQ(3, d->rd_kinds);
	ATF_CHECK_EQ(WIRE_STORE_ANS, store(NEW_KIND, 100, 2));
	ATF_CHECK_EQ(WIRE_STORE_ANS, store(NEW_KIND + 1, 100, 2));
	ATF_CHECK_EQ(WIRE_STORE_ANS, store(RELOAD_KIND_VIPR, 20, 2));
	/* Another signer's opinion; its own new limits. */
	free(b[2]);
	b[2] = block(&one, k[2]);
	ATF_CHECK_EQ(-WIRE_E_FORBIDDEN, configupdate(1, &b[2]));
	free(b[2]);
	b[2] = block(&two, k[2]);
	ATF_CHECK_EQ(WIRE_CONFIGUPDATE_ANS, configupdate(1, &b[2]));
	ATF_CHECK_EQ(-WIRE_E_DATA_TOO_LARGE, store(NEW_KIND, 51, 3));
	ATF_CHECK_EQ(WIRE_STORE_ANS, store(NEW_KIND, 50, 3));
	/* The next start. */
	again = parse(doc);
	glue_kinds_get(again, now);
	ATF_CHECK_EQ(3, again->rd_kinds);
	ATF_REQUIRE(reload_doc_kind(again, NEW_KIND) != NULL);
	ATF_CHECK_EQ(50, reload_doc_kind(again, NEW_KIND)->rk_max_size);
	reload_doc_free(again);
	free(doc);
	/* The next document, without the second signer. */
	doc = document(2, "<kind-signer>%s</kind-signer>", one.sr_hex);
	again = parse(doc);
	glue_kinds_get(again, now);
	ATF_CHECK_EQ(2, again->rd_kinds);
	ATF_CHECK_EQ(3, node->n_storage.st_nvalues);
	node_clock(node, si->si_now, SIM_WALL + si->si_now);
	node_document(node, again);
	sim_rewake(victim);
	sim_for(si, 1000);
	ovconf.oc_doc = again;
	glue_kinds_put(again);
	ATF_CHECK_EQ(2, node->n_storage.st_nvalues);
	/* evil's document is the first one still. */
	ATF_CHECK_EQ(-WIRE_E_UNKNOWN_KIND, store(NEW_KIND, 50, 4));
	ATF_CHECK_EQ(WIRE_STORE_ANS, store(NEW_KIND + 1, 100, 4));
	reload_doc_free(d);
	d = parse(doc);
	glue_kinds_get(d, now);
	ATF_CHECK_EQ(2, d->rd_kinds);
	ATF_CHECK(reload_doc_kind(d, NEW_KIND) == NULL);
	reload_doc_free(d);
	sim_free(si);
	node = NULL;
	reload_doc_free(again);
	glue_store_close();
	for (i = 0; i < 3; i++) {
		free(b[i]);
		free(k[i]);
	}
	free(doc);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, signers);
	ATF_TP_ADD_TC(tp, unsupported);
	ATF_TP_ADD_TC(tp, live);
	return (atf_no_error());
}
