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
 * The configuration document: elements and their ranges, what is refused,
 * signatures, updates, a kind-block alone.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl_ca.h"
#include "reload_conf.h"

#define OVERLAY	"overlay.test"
#define BAD	"000102030405060708090a0b0c0d0e0f"
#define KIND \
	"<kind id=\"4032186704\" xmlns:vipr=\"urn:x-vipr:reload:1\">" \
	"<data-model>DICTIONARY</data-model>" \
	"<access-control>VIPR-NODE-KEY-MATCH</access-control>" \
	"<max-count>64</max-count><max-size>64</max-size>" \
	"<vipr:lifetime>3600</vipr:lifetime></kind>"

struct signer {
	EVP_PKEY	*key;
	X509		*cert;
	struct reload_cert rc;
};
struct world {
	EVP_PKEY	*rootkey;
	X509		*root;
	struct signer	 one, two;	/* two is listed nowhere at first */
	char		 root64[4096];
	char		 hex[2][33];
};

static void	 signer_make(struct world *, struct signer *, int);
static void	 world_make(struct world *);
static void	 world_drop(struct world *);
static void	 sign64(const struct signer *, const char *, size_t, int,
		    char *, size_t);
static char	*doc_make(const struct world *, const struct signer *,
		    unsigned, int, const char *, ...)
		    __attribute__((__format__(printf, 5, 6)));
static struct reload_doc *parse(const char *, char *);
static char	*bare(const char *, ...)
		    __attribute__((__format__(printf, 1, 2)));

static int64_t	now;

static void
signer_make(struct world *wo, struct signer *si, int n)
{
	uint8_t		 node[NODEID_LEN];
	const char	*why;

	memset(node, 0x11 * n, sizeof(node));
	ATF_REQUIRE((si->key = n == 2 ? EVP_RSA_gen(2048) :
	    ca_key_make(CA_P256)) != NULL);
	ATF_REQUIRE((si->cert = ca_node_make(si->key, node, "s@x", OVERLAY,
	    wo->root, wo->rootkey, 10)) != NULL);
	ATF_REQUIRE_EQ(0, reload_cert_parse(si->cert, &si->rc, &why));
	(void)sodium_bin2hex(wo->hex[n - 1], 33, node, sizeof(node));
}

static void
world_make(struct world *wo)
{
	unsigned char	*der = NULL;
	int		 len;

	now = time(NULL);
	ATF_REQUIRE((wo->rootkey = ca_key_make(CA_P256)) != NULL);
	ATF_REQUIRE((wo->root = ca_root_make(wo->rootkey, OVERLAY, 100)) !=
	    NULL);
	ATF_REQUIRE((len = i2d_X509(wo->root, &der)) > 0);
	(void)sodium_bin2base64(wo->root64, sizeof(wo->root64), der,
	    (size_t)len, sodium_base64_VARIANT_ORIGINAL);
	OPENSSL_free(der);
	signer_make(wo, &wo->one, 1);
	signer_make(wo, &wo->two, 2);
}

static void
world_drop(struct world *wo)
{
	EVP_PKEY_free(wo->rootkey);
	X509_free(wo->root);
	EVP_PKEY_free(wo->one.key);
	X509_free(wo->one.cert);
	EVP_PKEY_free(wo->two.key);
	X509_free(wo->two.cert);
}

/* identity: the SignerIdentity is signed too, as some read the RFC. */
static void
sign64(const struct signer *si, const char *blob, size_t len, int identity,
    char *out, size_t size)
{
	uint8_t		 bucket[2048], block[4096], id[64], sig[RELOAD_SIG_MAX];
	unsigned char	*der = NULL;
	struct wbuf	 b, w, iw;
	struct span	 parts[2];
	size_t		 siglen = sizeof(sig);
	int		 derlen;

	ATF_REQUIRE((derlen = i2d_X509(si->cert, &der)) > 0);
	wbuf_init(&b, bucket, sizeof(bucket));
	reload_bucket_add(&b, der, (size_t)derlen);
	OPENSSL_free(der);
	wbuf_init(&iw, id, sizeof(id));
	reload_identity_write(&iw, si->rc.rc_sha256);
	parts[0].p = blob;
	parts[0].len = len;
	parts[1].p = (const char *)id;
	parts[1].len = iw.w_len;
	ATF_REQUIRE_EQ(0, reload_sign_parts(si->key, parts, identity ? 2 : 1,
	    sig, &siglen));
	wbuf_init(&w, block, sizeof(block));
	reload_secblock_write(&w, bucket, b.w_len, si->rc.rc_alg,
	    si->rc.rc_sha256, sig, siglen);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	(void)sodium_bin2base64(out, size, block, w.w_len,
	    sodium_base64_VARIANT_ORIGINAL);
}

/* A signed document with some more elements; the Kind is signed by one. */
static char *
doc_make(const struct world *wo, const struct signer *si, unsigned sequence,
    int identity, const char *fmt, ...)
{
	char	*blob, *more, *doc, kindsig[8192], docsig[8192];
	va_list	 ap;

	va_start(ap, fmt);
	ATF_REQUIRE(vasprintf(&more, fmt, ap) > -1);
	va_end(ap);
	sign64(&wo->one, KIND, strlen(KIND), identity, kindsig,
	    sizeof(kindsig));
	ATF_REQUIRE(asprintf(&blob, "<configuration instance-name=\"" OVERLAY
	    "\" sequence=\"%u\"><root-cert>\n%s\n</root-cert>"
	    "<no-ice> true </no-ice>%s<required-kinds><kind-block>" KIND
	    "<kind-signature>%s</kind-signature></kind-block></required-kinds>"
	    "</configuration>", sequence, wo->root64, more, kindsig) > 0);
	sign64(si, blob, strlen(blob), identity, docsig, sizeof(docsig));
	ATF_REQUIRE(asprintf(&doc, "<?xml version=\"1.0\"?>\n<overlay xmlns=\""
	    RELOAD_NS_BASE "\" xmlns:chord=\"" RELOAD_NS_CHORD "\">\n%s"
	    "<signature>%s</signature></overlay>", blob, docsig) > 0);
	free(blob);
	free(more);
	return (doc);
}

static struct reload_doc *
parse(const char *text, char *why)
{
	struct reload_doc	*d;
	char			*heap;
	size_t			 len = strlen(text);

	ATF_REQUIRE((heap = malloc(len + !len)) != NULL);
	memcpy(heap, text, len);
	d = reload_doc_parse(heap, len, OVERLAY, why, RELOAD_WHY_SIZE);
	free(heap);
	return (d);
}

/* An unsigned document with the elements given and a no-ice. */
static char *
bare(const char *fmt, ...)
{
	char	*more, *doc;
	va_list	 ap;

	va_start(ap, fmt);
	ATF_REQUIRE(vasprintf(&more, fmt, ap) > -1);
	va_end(ap);
	ATF_REQUIRE(asprintf(&doc, "<overlay xmlns=\"" RELOAD_NS_BASE
	    "\" xmlns:chord=\"" RELOAD_NS_CHORD "\">\n<configuration "
	    "instance-name=\"" OVERLAY "\" sequence=\"7\">\n"
	    "<root-cert>AAAA</root-cert><no-ice>1</no-ice>\n%s"
	    "</configuration></overlay>", more) > 0);
	free(more);
	return (doc);
}

ATF_TC_WITHOUT_HEAD(elements);
ATF_TC_BODY(elements, tc)
{
	struct reload_doc	*d;
	char			 why[RELOAD_WHY_SIZE], addr[VADDR_STRLEN];
	char			*doc;

	doc = bare("<topology-plugin>CHORD-RELOAD</topology-plugin>"
	    "<node-id-length>16</node-id-length>"
	    "<bootstrap-node address=\"192.0.2.1\"/>"
	    "<bootstrap-node address=\"2001:db8::1\" port=\"99\"/>"
	    "<turn-density> 0 </turn-density>"
	    "<clients-permitted>false</clients-permitted>"
	    "<max-message-size>100000</max-message-size>"
	    "<initial-ttl>30</initial-ttl>"
	    "<overlay-reliability-timer>200</overlay-reliability-timer>"
	    "<overlay-link-protocol>TLS</overlay-link-protocol>"
	    "<bad-node>" BAD "</bad-node>"
	    "<kind-signer>" BAD "</kind-signer>"
	    "<configuration-signer>" BAD "</configuration-signer>"
	    "<mandatory-extension>urn:x-vipr:reload:1</mandatory-extension>"
	    "<self-signed-permitted digest=\"sha1\">true"
	    "</self-signed-permitted>"
	    "<chord:chord-update-interval>60</chord:chord-update-interval>"
	    "<chord:chord-ping-interval>61</chord:chord-ping-interval>"
	    "<chord:chord-reactive>false</chord:chord-reactive>"
	    "<x:other xmlns:x=\"urn:x\"><turn-density>9</turn-density>"
	    "</x:other><!-- max-count --><required-kinds><kind-block>" KIND
	    "</kind-block><kind-block><kind name=\"TURN-SERVICE\">"
	    "<data-model>ARRAY</data-model><access-control>X</access-control>"
	    "<max-count>1</max-count><max-size>50</max-size>"
	    "<max-node-multiple>20</max-node-multiple></kind></kind-block>"
	    "</required-kinds>");
	d = parse(doc, why);
	ATF_REQUIRE_MSG(d != NULL, "%s", why);
	ATF_CHECK_STREQ(OVERLAY, d->rd_name);
	ATF_CHECK_EQ(0x3ff83023, d->rd_hash);
	ATF_CHECK_EQ(7, d->rd_sequence);
	ATF_CHECK_EQ(2, d->rd_boots);
	ATF_CHECK_STREQ("192.0.2.1:6084", vaddr_str(&d->rd_boot[0], addr,
	    sizeof(addr)));
	ATF_CHECK_STREQ("[2001:db8::1]:99", vaddr_str(&d->rd_boot[1], addr,
	    sizeof(addr)));
	ATF_CHECK(d->rd_turn_density == 0 && !d->rd_clients && d->rd_no_ice &&
	    d->rd_max_message == 100000 && d->rd_initial_ttl == 30 &&
	    d->rd_reliability_ms == 200 && d->rd_update_s == 60 &&
	    d->rd_ping_s == 61 && !d->rd_reactive && d->rd_vipr &&
	    d->rd_self_signed == RELOAD_SELF_SHA1 && d->rd_bads == 1 &&
	    d->rd_expiration == 0);
	ATF_CHECK_EQ(2, d->rd_kinds);
	ATF_CHECK_EQ(RELOAD_DICTIONARY, reload_doc_model(RELOAD_KIND_VIPR, d));
	/* A registered Kind's own model counts, not the document's. */
	ATF_CHECK_EQ(RELOAD_SINGLE, reload_doc_model(RELOAD_KIND_TURN, d));
	/* Known without being named. */
	ATF_CHECK_EQ(RELOAD_ARRAY, reload_doc_model(RELOAD_KIND_CERT_NODE, d));
	ATF_CHECK_EQ(RELOAD_USER_MATCH,
	    reload_doc_kind(d, RELOAD_KIND_CERT_USER)->rk_policy);
	ATF_CHECK_EQ(0, reload_doc_model(0x7fff0000, d));
	ATF_CHECK_EQ(RELOAD_ARRAY, reload_doc_model(RELOAD_KIND_CERT_NODE,
	    NULL));
	ATF_CHECK(d->rd_kind[0].rk_lifetime == 3600 &&
	    d->rd_kind[0].rk_quota == 20000 &&
	    d->rd_kind[0].rk_policy == RELOAD_VIPR_NODE_KEY_MATCH);
	ATF_CHECK(d->rd_kind[0].rk_blob.b_len == strlen(KIND) &&
	    memcmp(d->rd_kind[0].rk_blob.b_p, KIND, strlen(KIND)) == 0);
	ATF_CHECK_EQ(-1, reload_doc_verify(d, NULL, 0, why, sizeof(why)));
	ATF_CHECK_STREQ("configuration: not signed", why);
	reload_doc_free(d);
	free(doc);
}

ATF_TC_WITHOUT_HEAD(refused);
ATF_TC_BODY(refused, tc)
{
	static const struct {
		const char	*xml, *why;
	} t[] = {
		{ "<topology-plugin>X</topology-plugin>",
		    "line 4: unknown topology-plugin" },
		{ "\n<node-id-length>20</node-id-length>",
		    "line 5: node-id-length is no number from 16 to 16" },
		{ "<turn-density>256</turn-density>", NULL },
		{ "<no-ice>true</no-ice>", "line 4: no-ice stands twice" },
		{ "<clients-permitted>yes</clients-permitted>", NULL },
		{ "<shared-secret>x</shared-secret>", NULL },
		{ "<max-message-size>999</max-message-size>", NULL },
		{ "<max-message-size>16777216</max-message-size>", NULL },
		{ "<initial-ttl>0</initial-ttl>", NULL },
		{ "<initial-ttl>1e1</initial-ttl>", NULL },
		{ "<overlay-reliability-timer>199</overlay-reliability-timer>",
		    NULL },
		{ "<overlay-link-protocol>DTLS</overlay-link-protocol>", NULL },
		{ "<mandatory-extension>urn:other</mandatory-extension>",
		    "line 4: a mandatory-extension that we do not have" },
		{ "<bad-node>00</bad-node>", NULL },
		{ "<bad-node>000102030405060708090a0b0c0d0e0g</bad-node>",
		    NULL },
		{ "<root-cert>?</root-cert>", "line 4: root-cert is no base64" },
		{ "<root-cert></root-cert>", NULL },
		{ "<self-signed-permitted>true</self-signed-permitted>", NULL },
		{ "<self-signed-permitted digest=\"md5\">true"
		    "</self-signed-permitted>", NULL },
		{ "<bootstrap-node address=\"example.com\"/>", NULL },
		{ "<bootstrap-node port=\"1\"/>", NULL },
		{ "<bootstrap-node address=\"192.0.2.1\" port=\"0\"/>", NULL },
		{ "<chord:chord-update-interval>0</chord:chord-update-interval>",
		    NULL },
		{ "<required-kinds><kind-block/></required-kinds>",
		    "line 4: kind-block without a kind" },
		{ "<required-kinds><kind-block><kind-signature>AAAA"
		    "</kind-signature>" KIND "</kind-block></required-kinds>",
		    "line 4: kind-signature before its kind" },
		{ "<required-kinds><kind-block>" KIND "</kind-block>"
		    "<kind-block>" KIND "</kind-block></required-kinds>",
		    "line 4: kind 4032186704 stands twice" },
		{ "<required-kinds><kind-block>" KIND KIND "</kind-block>"
		    "</required-kinds>", NULL },
		{ "<required-kinds><kind-block><kind name=\"X\"/></kind-block>"
		    "</required-kinds>",
		    "line 4: a kind is required whose name is unknown" },
		{ "<required-kinds><kind-block><kind id=\"2000\"/></kind-block>"
		    "</required-kinds>", NULL },
		{ "<required-kinds><kind-block><kind id=\"4294967295\"/>"
		    "</kind-block></required-kinds>", NULL },
		{ "<required-kinds><kind-block><kind id=\"4026531841\">"
		    "<data-model>DICTIONARY</data-model></kind></kind-block>"
		    "</required-kinds>", NULL },
		{ "<required-kinds><kind-block><kind id=\"4026531841\">"
		    "<data-model>ARRAY</data-model>"
		    "<access-control>MY-OWN</access-control>"
		    "<max-count>1</max-count><max-size>1</max-size></kind>"
		    "</kind-block></required-kinds>",
		    "line 4: kind 4026531841: unknown access-control" },
		{ "<required-kinds><kind-block><kind id=\"4026531841\">"
		    "<data-model>ARRAY</data-model>"
		    "<access-control>USER-NODE-MATCH</access-control>"
		    "<max-count>1</max-count><max-size>1</max-size></kind>"
		    "</kind-block></required-kinds>", NULL },
		{ "<a><b><c><d><e><f><g><h><i><j><k><l><m><n><o><p>"
		    "</p></o></n></m></l></k></j></i></h></g></f></e></d></c>"
		    "</b></a>", "line 4: elements nested too deeply" },
		{ "&x;", "line 4: undefined entity" },
		{ "<a", NULL }, { "</b>", NULL }, { "\xff", NULL },
		{ "<a>\x01</a>", NULL }
	};
	static const char	*const whole[] = {
		"", " ", "<", "<overlay/>", "<overlay xmlns=\"urn:x\"/>",
		"<overlay xmlns=\"" RELOAD_NS_BASE "\"/>",
		"<!DOCTYPE overlay><overlay xmlns=\"" RELOAD_NS_BASE "\"/>",
		"<!DOCTYPE x [<!ENTITY a \"b\"><!ENTITY c \"&a;&a;&a;\">]>"
		"<overlay xmlns=\"" RELOAD_NS_BASE "\">&c;</overlay>",
		"<overlay xmlns=\"" RELOAD_NS_BASE "\"><configuration/>"
		"</overlay>",
		"<overlay xmlns=\"" RELOAD_NS_BASE "\"><configuration "
		"instance-name=\"" OVERLAY "\"/></overlay>",
		"<overlay xmlns=\"" RELOAD_NS_BASE "\"><configuration "
		"instance-name=\"" OVERLAY "\" sequence=\"65535\"/></overlay>",
		"<overlay xmlns=\"" RELOAD_NS_BASE "\"><configuration "
		"instance-name=\"" OVERLAY "\" sequence=\"1\"/></overlay>",
		"<overlay xmlns=\"" RELOAD_NS_BASE "\"><configuration "
		"instance-name=\"other.test\" sequence=\"1\"/></overlay>",
		"<kind-block xmlns=\"" RELOAD_NS_BASE "\"/>"
	};
	struct reload_doc	*d;
	char			 why[RELOAD_WHY_SIZE], *doc;
	size_t			 i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		doc = bare("%s", t[i].xml);
		d = parse(doc, why);
		ATF_CHECK_MSG(d == NULL, "accepted: %s", t[i].xml);
		reload_doc_free(d);
		if (t[i].why != NULL)
			ATF_CHECK_STREQ(t[i].why, why);
		ATF_CHECK_MSG(strncmp(why, "line ", 5) == 0, "%s", why);
		free(doc);
	}
	for (i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		d = parse(whole[i], why);
		ATF_CHECK_MSG(d == NULL, "accepted: %s", whole[i]);
		ATF_CHECK(why[0] != '\0');
		reload_doc_free(d);
	}
}

ATF_TC_WITHOUT_HEAD(expiration);
ATF_TC_BODY(expiration, tc)
{
	static const struct {
		const char	*text;
		int64_t		 want;	/* -1: refused */
	} t[] = {
		{ "2030-01-01T00:00:00Z", 1893456000 },
		{ "2030-01-01T00:00:00.25Z", 1893456000 },
		{ "2024-02-29T12:30:05Z", 1709209805 },
		{ "2030-01-01", -1 }, { "2030-01-01T00:00:00", -1 },
		{ "2030-13-01T00:00:00Z", -1 }, { "2030-00-01T00:00:00Z", -1 },
		{ "2030-01-01T24:00:00Z", -1 }, { "", -1 },
		{ "2030-01-01T00:00:00Zx", -1 }
	};
	struct reload_doc	*d;
	char			 why[RELOAD_WHY_SIZE], *doc;
	size_t			 i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		ATF_REQUIRE(asprintf(&doc, "<overlay xmlns=\"" RELOAD_NS_BASE
		    "\"><configuration instance-name=\"" OVERLAY
		    "\" sequence=\"0\" expiration=\"%s\"><no-ice>1</no-ice>"
		    "<root-cert>AAAA</root-cert></configuration></overlay>",
		    t[i].text) > 0);
		d = parse(doc, why);
		ATF_CHECK_EQ_MSG(t[i].want == -1, d == NULL, "%s", t[i].text);
		if (d != NULL)
			ATF_CHECK_EQ(t[i].want, d->rd_expiration);
		reload_doc_free(d);
		free(doc);
	}
}

ATF_TC_WITHOUT_HEAD(signatures);
ATF_TC_BODY(signatures, tc)
{
	struct world		 wo;
	struct reload_doc	*d;
	char			 why[RELOAD_WHY_SIZE], *doc, *p;
	int			 identity;
	size_t			 i, n;

	world_make(&wo);
	for (identity = 0; identity < 2; identity++) {
		doc = doc_make(&wo, &wo.one, 1, identity,
		    "<configuration-signer>%s</configuration-signer>"
		    "<kind-signer>%s</kind-signer>", wo.hex[0], wo.hex[0]);
		ATF_REQUIRE_MSG((d = parse(doc, why)) != NULL, "%s", why);
		ATF_CHECK_EQ_MSG(0, reload_doc_verify(d, NULL, now, why,
		    sizeof(why)), "%s", why);
		/* Its signer's certificate has ended by then. */
		ATF_CHECK_EQ(-1, reload_doc_verify(d, NULL, now + 11 * 86400,
		    why, sizeof(why)));
		reload_doc_free(d);
		/* No byte between the tags may change, at any place. */
		p = strstr(doc, "<configuration");
		n = (size_t)(strstr(doc, "</configuration>") - p);
		for (i = 0; i < n; i += 7) {
			p[i] ^= 1;
			if ((d = parse(doc, why)) != NULL)
				ATF_CHECK_EQ_MSG(-1, reload_doc_verify(d, NULL,
				    now, why, sizeof(why)), "byte %zu", i);
			reload_doc_free(d);
			p[i] ^= 1;
		}
		free(doc);
	}

	/* A member who is no configuration-signer; no kind-signer; bad. */
	doc = doc_make(&wo, &wo.two, 1, 0,
	    "<configuration-signer>%s</configuration-signer>"
	    "<kind-signer>%s</kind-signer>", wo.hex[0], wo.hex[0]);
	ATF_REQUIRE((d = parse(doc, why)) != NULL);
	ATF_CHECK_EQ(-1, reload_doc_verify(d, NULL, now, why, sizeof(why)));
	ATF_CHECK_STREQ("configuration: its signer is no configuration-signer",
	    why);
	reload_doc_free(d);
	free(doc);
	doc = doc_make(&wo, &wo.one, 1, 0,
	    "<configuration-signer>%s</configuration-signer>"
	    "<kind-signer>%s</kind-signer>", wo.hex[0], wo.hex[1]);
	ATF_REQUIRE((d = parse(doc, why)) != NULL);
	ATF_CHECK_EQ(-1, reload_doc_verify(d, NULL, now, why, sizeof(why)));
	ATF_CHECK_STREQ("kind 4032186704: its signer is no kind-signer", why);
	reload_doc_free(d);
	free(doc);
	doc = doc_make(&wo, &wo.one, 1, 0,
	    "<configuration-signer>%s</configuration-signer>"
	    "<bad-node>%s</bad-node>", wo.hex[0], wo.hex[0]);
	ATF_REQUIRE((d = parse(doc, why)) != NULL);
	ATF_CHECK_EQ(-1, reload_doc_verify(d, NULL, now, why, sizeof(why)));
	ATF_CHECK_STREQ("configuration: a bad node", why);
	reload_doc_free(d);
	free(doc);
	world_drop(&wo);
}

ATF_TC_WITHOUT_HEAD(updates);
ATF_TC_BODY(updates, tc)
{
	struct world		 wo, foreign;
	struct reload_doc	*d, *current;
	char			 why[RELOAD_WHY_SIZE], *doc;
	int			 stale;

	world_make(&wo);
	world_make(&foreign);
	doc = doc_make(&wo, &wo.one, 5, 0,
	    "<configuration-signer>%s</configuration-signer>"
	    "<kind-signer>%s</kind-signer>", wo.hex[0], wo.hex[0]);
	ATF_REQUIRE((current = parse(doc, why)) != NULL);
	/* The same again is stale. */
	ATF_CHECK((d = reload_doc_update(current, doc, strlen(doc), now,
	    &stale, why, sizeof(why))) == NULL && stale);
	free(doc);
	/* The next one names another signer: signed by the present one. */
	doc = doc_make(&wo, &wo.one, 6, 0,
	    "<configuration-signer>%s</configuration-signer>"
	    "<kind-signer>%s</kind-signer>", wo.hex[1], wo.hex[0]);
	d = reload_doc_update(current, doc, strlen(doc), now, &stale, why,
	    sizeof(why));
	ATF_CHECK_MSG(d != NULL && !stale, "%s", why);
	reload_doc_free(d);
	free(doc);
	/* Nobody signs himself in. */
	doc = doc_make(&wo, &wo.two, 6, 0,
	    "<configuration-signer>%s</configuration-signer>"
	    "<kind-signer>%s</kind-signer>", wo.hex[1], wo.hex[0]);
	ATF_CHECK(reload_doc_update(current, doc, strlen(doc), now, &stale,
	    why, sizeof(why)) == NULL && !stale);
	free(doc);
	/* Nor does a stranger with a root of his own and our Node-IDs. */
	doc = doc_make(&foreign, &foreign.one, 6, 0,
	    "<configuration-signer>%s</configuration-signer>"
	    "<kind-signer>%s</kind-signer>", wo.hex[0], wo.hex[0]);
	ATF_CHECK(reload_doc_update(current, doc, strlen(doc), now, &stale,
	    why, sizeof(why)) == NULL && !stale);
	free(doc);
	reload_doc_free(current);

	ATF_CHECK(reload_seq_newer(1, 0) && !reload_seq_newer(0, 1) &&
	    !reload_seq_newer(3, 3) && reload_seq_newer(0, 65534) &&
	    !reload_seq_newer(65534, 0) && reload_seq_newer(100, 65000));
	world_drop(&wo);
	world_drop(&foreign);
}

/* As it travels in a ConfigUpdate. */
ATF_TC_WITHOUT_HEAD(kind_alone);
ATF_TC_BODY(kind_alone, tc)
{
	struct world		 wo;
	struct reload_doc	*d;
	struct reload_kind	 k;
	struct wbuf		 w;
	char			 why[RELOAD_WHY_SIZE], buf[8192], *doc;
	size_t			 skip;

	world_make(&wo);
	doc = doc_make(&wo, &wo.one, 5, 0,
	    "<configuration-signer>%s</configuration-signer>"
	    "<kind-signer>%s</kind-signer>", wo.hex[0], wo.hex[0]);
	ATF_REQUIRE((d = parse(doc, why)) != NULL);
	free(doc);
	wbuf_init(&w, buf, sizeof(buf));
	reload_kind_block(&w, &d->rd_kind[0]);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	ATF_CHECK_EQ_MSG(0, reload_kind_update(d, buf, w.w_len, now, &k, why,
	    sizeof(why)), "%s", why);
	ATF_CHECK(k.rk_id == RELOAD_KIND_VIPR && k.rk_lifetime == 3600 &&
	    k.rk_sig == NULL && k.rk_blob.b_p == NULL);
	/* The default namespace need not be declared again. */
	skip = strlen("<kind-block xmlns=\"" RELOAD_NS_BASE "\">") -
	    strlen("<kind-block>");
	memcpy(buf + skip, "<kind-block>", strlen("<kind-block>"));
	ATF_CHECK_EQ_MSG(0, reload_kind_update(d, buf + skip, w.w_len - skip,
	    now, &k, why, sizeof(why)), "%s", why);
	*strstr(buf + skip, "3600") = '4';
	ATF_CHECK_EQ(-1, reload_kind_update(d, buf + skip, w.w_len - skip,
	    now, &k, why, sizeof(why)));
	ATF_CHECK_EQ(-1, reload_kind_update(d, "<kind-block/>", 13, now, &k,
	    why, sizeof(why)));
	reload_doc_free(d);
	world_drop(&wo);
}

ATF_TC_WITHOUT_HEAD(every_prefix);
ATF_TC_BODY(every_prefix, tc)
{
	struct world		 wo;
	struct reload_doc	*d;
	char			 why[RELOAD_WHY_SIZE], *doc, *heap;
	size_t			 n, len;

	world_make(&wo);
	doc = doc_make(&wo, &wo.one, 5, 0, "<kind-signer>%s</kind-signer>",
	    wo.hex[0]);
	len = strlen(doc);
	for (n = 0; n < len; n++) {
		ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
		memcpy(heap, doc, n);
		d = reload_doc_parse(heap, n, NULL, why, sizeof(why));
		ATF_CHECK_MSG(d == NULL, "%zu bytes accepted", n);
		reload_doc_free(d);
		free(heap);
	}
	free(doc);
	world_drop(&wo);
}

/* Text as in the schema, a child as in the prose of RFC 6940, 11.1. */
ATF_TC_WITHOUT_HEAD(enrollment);
ATF_TC_BODY(enrollment, tc)
{
	struct reload_doc	*d;
	char			 why[RELOAD_WHY_SIZE], url[1100], *doc;
	size_t			 i;

	doc = bare("<enrollment-server>\n https://a.test/x?y&amp;z \n"
	    "</enrollment-server><enrollment-server> <url> https://b.test"
	    "</url>\n<url>https://c.test</url> </enrollment-server>"
	    "<enrollment-server/><url>https://d.test</url>"
	    "<enrollment-server><x:url xmlns:x=\"urn:x\">e</x:url>"
	    "</enrollment-server><enrollment-server>any text"
	    "</enrollment-server>");
	d = parse(doc, why);
	ATF_REQUIRE_MSG(d != NULL, "%s", why);
	ATF_REQUIRE_EQ(4, d->rd_enrolls);
	ATF_CHECK_STREQ("https://a.test/x?y&z", d->rd_enroll[0]);
	ATF_CHECK_STREQ("https://b.test", d->rd_enroll[1]);
	ATF_CHECK_STREQ("https://c.test", d->rd_enroll[2]);
	ATF_CHECK_STREQ("any text", d->rd_enroll[3]);
	reload_doc_free(d);
	free(doc);
	/* The longest, the most, and one more. */
	for (i = 0; i < 2; i++) {
		memset(url, 'x', sizeof(url));
		url[RELOAD_URL_MAX + i] = '\0';
		doc = bare("<enrollment-server>%s</enrollment-server>", url);
		d = parse(doc, why);
		ATF_CHECK_EQ(i == 0, d != NULL);
		reload_doc_free(d);
		free(doc);
#define FOUR	"<enrollment-server>x</enrollment-server>" \
		"<enrollment-server>x</enrollment-server>" \
		"<enrollment-server>x</enrollment-server>" \
		"<enrollment-server>x</enrollment-server>"
		doc = bare(FOUR FOUR "%s", i == 0 ? "" : "<enrollment-server>"
		    "<url>x</url></enrollment-server>");
		d = parse(doc, why);
		ATF_CHECK_EQ(i == 0, d != NULL);
		reload_doc_free(d);
		free(doc);
	}
	ATF_CHECK_STREQ("line 4: more than 8 enrollment-servers", why);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, elements);
	ATF_TP_ADD_TC(tp, enrollment);
	ATF_TP_ADD_TC(tp, refused);
	ATF_TP_ADD_TC(tp, expiration);
	ATF_TP_ADD_TC(tp, signatures);
	ATF_TP_ADD_TC(tp, updates);
	ATF_TP_ADD_TC(tp, kind_alone);
	ATF_TP_ADD_TC(tp, every_prefix);
	return (atf_no_error());
}
