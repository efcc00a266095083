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
 * What the key process signs, for whom, and above all what it does not.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "../common/testtls.h"
#include "cursor.h"
#include "key_sign.h"
#include "reload_cert.h"
#include "reload_secblock.h"

#define NODE	"4f9c1d20a7b36e5588d1c0be72f4a913"
#define OVERLAY	"overlay.example"
#define NODE_SAN "URI:reload://0110" NODE "@" OVERLAY "/,email:n1@" OVERLAY

static struct testcert	 ca, node, sip;

static int
key_file(const char *path, EVP_PKEY *key)
{
	FILE	*f;
	int	 fd;

	ATF_REQUIRE((f = fopen(path, "w")) != NULL);
	ATF_REQUIRE_EQ(1, PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
	fclose(f);
	ATF_REQUIRE((fd = open(path, O_RDONLY)) != -1);
	return (fd);
}

static void
setup(int rsa)
{
	struct key_pair	*kp;
	const char	*why;
	int		 fd;

	key_sign_init();
	testcert_make(&ca, 0, "overlay ca", NULL, NULL);
	testcert_make(&node, rsa, "", NODE_SAN, &ca);
	testcert_make(&sip, rsa, "sip", "DNS:a.example", &ca);
	fd = key_file("node.key", node.t_key);
	(void)lseek(fd, 0, SEEK_END);		/* it was read before */
	kp = key_pair_load(KEYID_NODE, fd, node.t_pem, node.t_pemlen, &why);
	ATF_REQUIRE_MSG(kp != NULL, "%s", why);
	close(fd);
	ATF_CHECK_STREQ(OVERLAY, key_pair_overlay(kp));
	ATF_CHECK_EQ(0x4f, key_pair_node(kp)[0]);
	ATF_CHECK(key_pair_not_after(kp) > 1000000000);
	key_sign_set(KEYID_NODE, kp);
	fd = key_file("sip.key", sip.t_key);
	kp = key_pair_load(KEYID_SIP, fd, sip.t_pem, sip.t_pemlen, &why);
	ATF_REQUIRE_MSG(kp != NULL, "%s", why);
	close(fd);
	key_sign_set(KEYID_SIP, kp);
}

static void
teardown(void)
{
	key_sign_set(KEYID_NODE, NULL);
	key_sign_set(KEYID_SIP, NULL);
	testcert_free(&ca);
	testcert_free(&node);
	testcert_free(&sip);
}

static size_t
tls13_input(uint8_t *buf, const char *who, size_t hash)
{
	struct wbuf	 w;

	memset(buf, ' ', 64);
	wbuf_init(&w, buf, 512);
	w.w_len = 64;
	wbuf_printf(&w, "TLS 1.3, %s CertificateVerify", who);
	wbuf_u8(&w, 0);
	memset(buf + w.w_len, 0x77, hash);
	return (w.w_len + hash);
}

static size_t
msg_input(uint8_t *buf, size_t size, size_t body)
{
	struct wbuf	 w;
	uint32_t	 hash;

	ATF_REQUIRE_EQ(0, reload_overlay_hash(OVERLAY, &hash));
	wbuf_init(&w, buf, size);
	wbuf_u32(&w, hash);
	wbuf_u64(&w, 0x1122334455667788);
	wbuf_u16(&w, 7);
	wbuf_u32(&w, (uint32_t)body);
	wbuf_zero(&w, body);
	wbuf_u32(&w, 0);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	return (w.w_len);
}

static size_t
data_input(uint8_t *buf, size_t size, int exists)
{
	struct wbuf	 w;
	uint8_t		 id[16];

	sodium_hex2bin(id, 16, NODE, 32, NULL, NULL, NULL);
	wbuf_init(&w, buf, size);
	wbuf_u8(&w, 16);
	wbuf_zero(&w, 16);
	wbuf_u32(&w, 0xf0564950);
	wbuf_u64(&w, 1795169000000);
	wbuf_lv_str(&w, 2, NODE "+7b1f00c2d4e58a36");
	wbuf_u8(&w, (uint8_t)exists);
	wbuf_u32(&w, exists ? 20 : 0);
	if (exists) {
		wbuf_u16(&w, 0x2008);
		wbuf_lv(&w, 2, id, 16);
	}
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	return (w.w_len);
}

static int
ask(unsigned role, unsigned keyid, unsigned type, unsigned scheme,
    const void *in, size_t len, uint8_t *sig, size_t *siglen)
{
	struct imsg_key_sign	 ks;

	memset(&ks, 0, sizeof(ks));
	ks.ks_keyid = (uint16_t)keyid;
	ks.ks_type = (uint16_t)type;
	ks.ks_scheme = (uint16_t)scheme;
	*siglen = KEY_SIGN_SIG_MAX;
	return (key_sign_request((enum vipr_role)role, &ks, in, len, sig, siglen));
}

static int
verifies(struct testcert *t, const EVP_MD *md, int pss, const void *in,
    size_t len, const uint8_t *sig, size_t siglen)
{
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX	*pctx;
	int		 ok;

	ok = EVP_DigestVerifyInit(ctx, &pctx, md, NULL,
	    X509_get0_pubkey(t->t_cert)) == 1 &&
	    (!pss || (EVP_PKEY_CTX_set_rsa_padding(pctx,
	    RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, -1) == 1)) &&
	    EVP_DigestVerify(ctx, sig, siglen, in, len) == 1;
	EVP_MD_CTX_free(ctx);
	return (ok);
}

static void
signatures(int rsa)
{
	uint8_t	 in[4096], sig[KEY_SIGN_SIG_MAX];
	size_t	 n = 0, siglen;
	unsigned scheme;

	setup(rsa);
	for (scheme = rsa ? 0x0804 : 0x0403; scheme <= (rsa ? 0x0806u : 0x0403u);
	    scheme++) {
		n = tls13_input(in, "server", 32);
		ATF_CHECK_EQ(0, ask(ROLE_PVP, KEYID_NODE, KS_TLS13, scheme, in, n,
		    sig, &siglen));
		ATF_CHECK(verifies(&node, scheme == 0x0805 ? EVP_sha384() :
		    scheme == 0x0806 ? EVP_sha512() : EVP_sha256(), rsa, in, n,
		    sig, siglen));
		n = tls13_input(in, "client", 48);
		ATF_CHECK_EQ(0, ask(ROLE_SIP, KEYID_SIP, KS_TLS13, scheme, in, n,
		    sig, &siglen));
		ATF_CHECK(verifies(&sip, scheme == 0x0805 ? EVP_sha384() :
		    scheme == 0x0806 ? EVP_sha512() : EVP_sha256(), rsa, in, n,
		    sig, siglen));
		ATF_CHECK_EQ(0, ask(ROLE_OVERLAY, KEYID_NODE, KS_TLS13, scheme,
		    in, n, sig, &siglen));
	}
	/* Schemes of the other kind of key, and unknown ones. */
	for (scheme = 0; scheme < 0x0900; scheme++)
		if (scheme != 0x0403 && (scheme < 0x0804 || scheme > 0x0806))
			ATF_CHECK_EQ(EINVAL, ask(ROLE_PVP, KEYID_NODE, KS_TLS13,
			    scheme, in, n, sig, &siglen));
	ATF_CHECK_EQ(EINVAL, ask(ROLE_PVP, KEYID_NODE, KS_TLS13,
	    rsa ? 0x0403 : 0x0804, in, n, sig, &siglen));
	teardown();
}

ATF_TC_WITHOUT_HEAD(tls_ec);
ATF_TC_BODY(tls_ec, tc)
{
	signatures(0);
}

ATF_TC_WITHOUT_HEAD(tls_rsa);
ATF_TC_BODY(tls_rsa, tc)
{
	signatures(1);
}

/* Every byte of the fixed part, every length. */
ATF_TC_WITHOUT_HEAD(tls_form);
ATF_TC_BODY(tls_form, tc)
{
	uint8_t	 in[512], sig[KEY_SIGN_SIG_MAX];
	size_t	 n, i, siglen;

	setup(0);
	n = tls13_input(in, "server", 32);
	for (i = 0; i < 98; i++) {
		in[i] ^= 1;
		ATF_CHECK_EQ_MSG(EINVAL, ask(ROLE_PVP, KEYID_NODE, KS_TLS13, 0x0403,
		    in, n, sig, &siglen), "byte %zu", i);
		in[i] ^= 1;
	}
	for (i = 0; i < 400; i++)
		ATF_CHECK_EQ_MSG(i == 98 + 32 || i == 98 + 48 ? 0 : EINVAL,
		    ask(ROLE_PVP, KEYID_NODE, KS_TLS13, 0x0403, in, i, sig, &siglen),
		    "length %zu", i);
	teardown();
}

ATF_TC_WITHOUT_HEAD(rights);
ATF_TC_BODY(rights, tc)
{
	uint8_t		 tls[512], msg[512], data[512], sig[KEY_SIGN_SIG_MAX];
	size_t		 tlslen, msglen, datalen, siglen, len;
	unsigned	 role, keyid, type;
	const uint8_t	*in;
	int		 want, got;

	setup(0);
	tlslen = tls13_input(tls, "server", 32);
	msglen = msg_input(msg, sizeof(msg), 10);
	datalen = data_input(data, sizeof(data), 1);
	for (role = 0; role < ROLE_MAX + 2; role++)
		for (keyid = 0; keyid < 6; keyid++)
			for (type = 0; type < 6; type++) {
				in = type == KS_RELOAD_MSG ? msg :
				    type == KS_RELOAD_DATA ? data : tls;
				len = type == KS_RELOAD_MSG ? msglen :
				    type == KS_RELOAD_DATA ? datalen : tlslen;
				want = EPERM;
				if (type == KS_TLS13 && ((keyid == KEYID_NODE &&
				    (role == ROLE_PVP || role == ROLE_OVERLAY)) ||
				    (keyid == KEYID_SIP && role == ROLE_SIP)))
					want = 0;
				if (type == KS_TLS13 && keyid == KEYID_SIP_INSIDE &&
				    role == ROLE_SIP)
					want = ENOENT;		/* none configured */
				if ((type == KS_RELOAD_MSG || type == KS_RELOAD_DATA) &&
				    keyid == KEYID_NODE && role == ROLE_OVERLAY)
					want = 0;
				got = ask(role, keyid, type, 0x0403, in, len, sig,
				    &siglen);
				ATF_CHECK_EQ_MSG(want, got,
				    "role %u key %u type %u: %d", role, keyid, type,
				    got);
			}
	ATF_CHECK_EQ(EMSGSIZE, (siglen = 10, ask(ROLE_OVERLAY, KEYID_NODE,
	    KS_RELOAD_MSG, 0, msg, KEY_SIGN_INPUT_MAX + 1, sig, &siglen)));
	teardown();
	ATF_CHECK_EQ(ENOENT, ask(ROLE_PVP, KEYID_NODE, KS_TLS13, 0x0403, tls,
	    tlslen, sig, &siglen));
}

/* Input and the identity that key adds. */
static size_t
with_identity(uint8_t *buf, size_t size, const uint8_t *in, size_t len)
{
	struct wbuf	 w;
	uint8_t		 hash[32];
	unsigned	 hlen = 32;

	ATF_REQUIRE_EQ(1, X509_digest(node.t_cert, EVP_sha256(), hash, &hlen));
	wbuf_init(&w, buf, size);
	wbuf_bytes(&w, in, len);
	wbuf_u8(&w, 1);			/* cert_hash */
	wbuf_u16(&w, 34);
	wbuf_u8(&w, 4);			/* SHA-256 */
	wbuf_lv(&w, 1, hash, 32);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	return (w.w_len);
}

static void
reload_signatures(int rsa)
{
	uint8_t	 in[4096], whole[4200], sig[KEY_SIGN_SIG_MAX];
	size_t	 n, m, i, siglen;

	setup(rsa);
	n = msg_input(in, sizeof(in), 100);
	ATF_REQUIRE_EQ(0, ask(ROLE_OVERLAY, KEYID_NODE, KS_RELOAD_MSG, 0, in, n,
	    sig, &siglen));
	m = with_identity(whole, sizeof(whole), in, n);
	ATF_CHECK(verifies(&node, EVP_sha256(), 0, whole, m, sig, siglen));
	ATF_CHECK(!verifies(&node, EVP_sha256(), 0, in, n, sig, siglen));
	for (i = 0; i < n; i++)
		ATF_CHECK_EQ(EINVAL, ask(ROLE_OVERLAY, KEYID_NODE, KS_RELOAD_MSG,
		    0, in, i, sig, &siglen));
	ATF_CHECK_EQ(EINVAL, ask(ROLE_OVERLAY, KEYID_NODE, KS_RELOAD_MSG, 0, in,
	    n + 1, sig, &siglen));
	for (i = 0; i < 4; i++) {		/* another overlay */
		in[i] ^= 0x10;
		ATF_CHECK_EQ(EINVAL, ask(ROLE_OVERLAY, KEYID_NODE, KS_RELOAD_MSG,
		    0, in, n, sig, &siglen));
		in[i] ^= 0x10;
	}
	for (i = 0; i < 2; i++) {
		n = data_input(in, sizeof(in), (int)i);
		ATF_REQUIRE_EQ(0, ask(ROLE_OVERLAY, KEYID_NODE, KS_RELOAD_DATA, 0,
		    in, n, sig, &siglen));
		m = with_identity(whole, sizeof(whole), in, n);
		ATF_CHECK_EQ(i == 1 ? 142 : 122, m);
		ATF_CHECK(verifies(&node, EVP_sha256(), 0, whole, m, sig, siglen));
	}
	teardown();
}

ATF_TC_WITHOUT_HEAD(reload_ec);
ATF_TC_BODY(reload_ec, tc)
{
	reload_signatures(0);
}

ATF_TC_WITHOUT_HEAD(reload_rsa);
ATF_TC_BODY(reload_rsa, tc)
{
	reload_signatures(1);
}

/* Any byte of a registration may change only if it is the place, the time or
 * the VServiceID. */
ATF_TC_WITHOUT_HEAD(data_form);
ATF_TC_BODY(data_form, tc)
{
	uint8_t	 in[512], sig[KEY_SIGN_SIG_MAX];
	size_t	 n, i, siglen;
	int	 free_byte;

	setup(0);
	n = data_input(in, sizeof(in), 1);
	for (i = 0; i < n; i++) {
		free_byte = (i >= 1 && i < 17) || (i >= 21 && i < 29);
		in[i] ^= 0x80;
		ATF_CHECK_EQ_MSG(free_byte ? 0 : EINVAL, ask(ROLE_OVERLAY,
		    KEYID_NODE, KS_RELOAD_DATA, 0, in, n, sig, &siglen),
		    "byte %zu", i);
		in[i] ^= 0x80;
		ATF_CHECK_EQ(EINVAL, ask(ROLE_OVERLAY, KEYID_NODE, KS_RELOAD_DATA,
		    0, in, i, sig, &siglen));
	}
	ATF_CHECK_EQ(EINVAL, ask(ROLE_OVERLAY, KEYID_NODE, KS_RELOAD_DATA, 0, in,
	    n + 1, sig, &siglen));
	/* Another's Node-ID in the key text, and in the value. */
	in[31] = '0';
	ATF_CHECK_EQ(EINVAL, ask(ROLE_OVERLAY, KEYID_NODE, KS_RELOAD_DATA, 0, in,
	    n, sig, &siglen));
	n = data_input(in, sizeof(in), 1);
	in[n - 1] ^= 1;
	ATF_CHECK_EQ(EINVAL, ask(ROLE_OVERLAY, KEYID_NODE, KS_RELOAD_DATA, 0, in,
	    n, sig, &siglen));
	/* Upper-case hex of the VServiceID. */
	n = data_input(in, sizeof(in), 1);
	in[31 + 33 + 1] = 'B';
	ATF_CHECK_EQ(EINVAL, ask(ROLE_OVERLAY, KEYID_NODE, KS_RELOAD_DATA, 0, in,
	    n, sig, &siglen));
	teardown();
}

/* A certificate as an array entry at H(name), or its removal. */
static size_t
cert_input(uint8_t *buf, size_t size, uint32_t kind, const void *name, size_t namelen,
    X509 *x, int exists)
{
	struct wbuf	 w;
	unsigned char	*der = NULL;
	uint8_t		 id[NODEID_LEN];
	int		 len;

	ATF_REQUIRE_EQ(0, reload_resource_id(name, namelen, id));
	ATF_REQUIRE((len = i2d_X509(x, &der)) > 0);
	wbuf_init(&w, buf, size);
	wbuf_lv(&w, 1, id, NODEID_LEN);
	wbuf_u32(&w, kind);
	wbuf_u64(&w, 1795169000000);
	wbuf_u32(&w, 0);		/* the index, whatever it is on the wire */
	wbuf_u8(&w, (uint8_t)exists);
	wbuf_lv(&w, 4, der, exists ? (size_t)len : 0);
	OPENSSL_free(der);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	return (w.w_len);
}

static int
ask_data(const void *in, size_t len)
{
	uint8_t	 sig[KEY_SIGN_SIG_MAX];
	size_t	 siglen;

	return (ask(ROLE_OVERLAY, KEYID_NODE, KS_RELOAD_DATA, 0, in, len, sig, &siglen));
}

/* The certificate in force, under its Node-ID and its user name: signed whole,
 * removed, and with any other bit refused. */
static void
cert_places(const char *user)
{
	uint8_t	 in[4096], whole[4200], sig[KEY_SIGN_SIG_MAX], id[NODEID_LEN];
	size_t	 n, m, i, siglen, len[2] = { NODEID_LEN, strlen(user) };
	const void *name[2] = { id, user };
	static const uint32_t kinds[2] = { 3, 16 };
	unsigned k, b;
	int	 exists;

	ATF_REQUIRE_EQ(0, sodium_hex2bin(id, NODEID_LEN, NODE, 32, NULL, NULL, NULL));
	for (k = 0; k < 2; k++) {
		for (exists = 0; exists < 2; exists++) {
			n = cert_input(in, sizeof(in), kinds[k], name[k], len[k],
			    node.t_cert, exists);
			ATF_REQUIRE_EQ(0, ask(ROLE_OVERLAY, KEYID_NODE,
			    KS_RELOAD_DATA, 0, in, n, sig, &siglen));
			m = with_identity(whole, sizeof(whole), in, n);
			ATF_CHECK(verifies(&node, EVP_sha256(), 0, whole, m, sig,
			    siglen));
			/* Only the storage time is free. */
			for (i = 0; i < n; i++) {
				for (b = 0; b < 8; b++) {
					in[i] ^= (uint8_t)(1u << b);
					ATF_CHECK_EQ_MSG(i >= 21 && i < 29 ? 0 :
					    EINVAL, ask_data(in, n),
					    "kind %u byte %zu bit %u", kinds[k],
					    i, b);
					in[i] ^= (uint8_t)(1u << b);
					if (i >= 21 && i < 29)
						break;
				}
				ATF_CHECK_EQ(EINVAL, ask_data(in, i));
			}
			in[n] = 0;
			ATF_CHECK_EQ(EINVAL, ask_data(in, n + 1));
			/* The other place is not its place. */
			n = cert_input(in, sizeof(in), kinds[k], name[1 - k],
			    len[1 - k], node.t_cert, exists);
			ATF_CHECK_EQ(EINVAL, ask_data(in, n));
			/* As another Kind, registered or private. */
			n = cert_input(in, sizeof(in), 2, name[k], len[k],
			    node.t_cert, exists);
			ATF_CHECK_EQ(EINVAL, ask_data(in, n));
			n = cert_input(in, sizeof(in), 0xf0564950, name[k],
			    len[k], node.t_cert, exists);
			ATF_CHECK_EQ(EINVAL, ask_data(in, n));
		}
		/* Another's certificate at our place. */
		n = cert_input(in, sizeof(in), kinds[k], name[k], len[k],
		    ca.t_cert, 1);
		ATF_CHECK_EQ(EINVAL, ask_data(in, n));
		/* A Node-ID or user name that is not ours. */
		n = cert_input(in, sizeof(in), kinds[k], "n2@" OVERLAY, 18,
		    node.t_cert, 1);
		ATF_CHECK_EQ(EINVAL, ask_data(in, n));
		/* Not for others, nor with another key. */
		n = cert_input(in, sizeof(in), kinds[k], name[k], len[k],
		    node.t_cert, 1);
		ATF_CHECK_EQ(EPERM, ask(ROLE_PVP, KEYID_NODE, KS_RELOAD_DATA, 0,
		    in, n, sig, &siglen));
		ATF_CHECK_EQ(EPERM, ask(ROLE_OVERLAY, KEYID_SIP, KS_RELOAD_DATA,
		    0, in, n, sig, &siglen));
	}
}

ATF_TC_WITHOUT_HEAD(cert_form);
ATF_TC_BODY(cert_form, tc)
{
	setup(0);
	cert_places("n1@" OVERLAY);
	teardown();
}

/* Put another pair in force for the same Node-ID. */
static void
renew(const char *san, const struct testcert *issuer)
{
	struct key_pair	*kp;
	const char	*why;
	int		 fd;

	testcert_free(&node);
	testcert_make(&node, 0, "", san, issuer);
	fd = key_file("node2.key", node.t_key);
	kp = key_pair_load(KEYID_NODE, fd, node.t_pem, node.t_pemlen, &why);
	ATF_REQUIRE_MSG(kp != NULL, "%s", why);
	close(fd);
	key_sign_set(KEYID_NODE, kp);
}

/* With a renewed certificate the one before is not ours any more; a user name
 * need not look like one; nor need anybody have issued the certificate. */
ATF_TC_WITHOUT_HEAD(cert_renewed);
ATF_TC_BODY(cert_renewed, tc)
{
	uint8_t	 in[4096];
	size_t	 n;

	setup(0);
	n = cert_input(in, sizeof(in), 16, "n1@" OVERLAY, 18, node.t_cert, 1);
	ATF_CHECK_EQ(0, ask_data(in, n));
	renew(NODE_SAN, &ca);
	ATF_CHECK_EQ(EINVAL, ask_data(in, n));
	cert_places("n1@" OVERLAY);
	renew("URI:reload://0110" NODE "@" OVERLAY "/,email:7d1c 90ab", &ca);
	cert_places("7d1c 90ab");
	renew(NODE_SAN, NULL);
	cert_places("n1@" OVERLAY);
	teardown();
}

/* The public half of one key with the private half of another. */
static EVP_PKEY *
forge(EVP_PKEY *pub, EVP_PKEY *priv)
{
	EVP_PKEY_CTX	*ctx;
	EVP_PKEY	*key = NULL;
	OSSL_PARAM_BLD	*bld;
	OSSL_PARAM	*params;
	BIGNUM		*bn = NULL;
	uint8_t		 point[65];
	size_t		 len;

	ATF_REQUIRE_EQ(1, EVP_PKEY_get_octet_string_param(pub,
	    OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len));
	ATF_REQUIRE_EQ(1, EVP_PKEY_get_bn_param(priv, OSSL_PKEY_PARAM_PRIV_KEY,
	    &bn));
	ATF_REQUIRE((bld = OSSL_PARAM_BLD_new()) != NULL);
	OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
	    "prime256v1", 0);
	OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, len);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, bn);
	params = OSSL_PARAM_BLD_to_param(bld);
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	ATF_REQUIRE_EQ(1, EVP_PKEY_fromdata_init(ctx));
	ATF_REQUIRE_EQ(1, EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params));
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	BN_free(bn);
	return (key);
}

ATF_TC_WITHOUT_HEAD(loading);
ATF_TC_BODY(loading, tc)
{
	struct testcert	 two, noid;
	EVP_PKEY	*p384, *forged;
	const char	*why;
	FILE		*f;
	int		 fd, wrong;

	setup(0);
	fd = open("node.key", O_RDONLY);
	wrong = open("sip.key", O_RDONLY);
	ATF_CHECK(key_pair_load(KEYID_NODE, wrong, node.t_pem, node.t_pemlen,
	    &why) == NULL);
	ATF_CHECK_STREQ("private key does not belong to the certificate", why);
	ATF_CHECK(key_pair_load(KEYID_NODE, fd, "rubbish", 7, &why) == NULL);
	ATF_CHECK_STREQ("no certificate in PEM form", why);
	ATF_CHECK(key_pair_load(KEYID_NODE, fd, "", 0, &why) == NULL);
	ATF_CHECK(key_pair_load(KEYID_NODE, -1, node.t_pem, node.t_pemlen,
	    &why) == NULL);
	ATF_CHECK_STREQ("private key cannot be read", why);
	testcert_make(&noid, 0, "x", "DNS:x.example", &ca);
	ATF_CHECK(key_pair_load(KEYID_NODE, fd, noid.t_pem, noid.t_pemlen,
	    &why) == NULL);
	ATF_CHECK(why != NULL);
	testcert_make(&two, 0, "", NODE_SAN ",URI:reload://0110"
	    "00000000000000000000000000000001@" OVERLAY "/", &ca);
	ATF_CHECK(key_pair_load(KEYID_NODE, fd, two.t_pem, two.t_pemlen,
	    &why) == NULL);
	/* With a password: no prompt, an error. */
	ATF_REQUIRE((f = fopen("locked.key", "w")) != NULL);
	PEM_write_PrivateKey(f, node.t_key, EVP_aes_128_cbc(),
	    (const unsigned char *)"pw", 2, NULL, NULL);
	fclose(f);
	close(fd);
	fd = open("locked.key", O_RDONLY);
	ATF_CHECK(key_pair_load(KEYID_NODE, fd, node.t_pem, node.t_pemlen,
	    &why) == NULL);
	ATF_CHECK_STREQ("no private key in PEM form without a password", why);
	close(fd);
	/* The certificate's public point beside another private number: only a
	 * signature tells. */
	fd = key_file("forged.key", forged = forge(sip.t_key, node.t_key));
	ATF_CHECK(key_pair_load(KEYID_SIP, fd, sip.t_pem, sip.t_pemlen,
	    &why) == NULL);
	ATF_CHECK_STREQ("private key does not belong to the certificate", why);
	close(fd);
	EVP_PKEY_free(forged);
	/* Another curve. */
	ATF_REQUIRE((p384 = EVP_EC_gen("P-384")) != NULL);
	fd = key_file("p384.key", p384);
	ATF_CHECK(key_pair_load(KEYID_SIP, fd, sip.t_pem, sip.t_pemlen,
	    &why) == NULL);
	close(fd);
	close(wrong);
	EVP_PKEY_free(p384);
	testcert_free(&two);
	testcert_free(&noid);
	teardown();
}

/* One pair of SIP for a generation; the pair stays the caller's. */
static struct key_pair *
sip_pair(struct testcert *t, const char *name)
{
	struct key_pair	*kp;
	const char	*why;
	int		 fd;

	testcert_make(t, 0, "sip", "DNS:a.example", &ca);
	fd = key_file(name, t->t_key);
	kp = key_pair_load(KEYID_SIP, fd, t->t_pem, t->t_pemlen, &why);
	ATF_REQUIRE_MSG(kp != NULL, "%s", why);
	close(fd);
	return (kp);
}

/* Whose key signs for that generation? */
static int
signed_by(unsigned generation, struct testcert *t)
{
	struct imsg_key_sign	 ks;
	uint8_t			 in[512], sig[KEY_SIGN_SIG_MAX];
	size_t			 n, siglen = sizeof(sig);

	memset(&ks, 0, sizeof(ks));
	ks.ks_keyid = KEYID_SIP;
	ks.ks_type = KS_TLS13;
	ks.ks_scheme = 0x0403;
	ks.ks_generation = (uint16_t)generation;
	n = tls13_input(in, "server", 32);
	return (key_sign_request(ROLE_SIP, &ks, in, n, sig, &siglen) == 0 &&
	    verifies(t, EVP_sha256(), 0, in, n, sig, siglen));
}

/* A reload: handshakes that began before or after it are signed with the key
 * of their certificate, whoever learns of the commit first. */
ATF_TC_WITHOUT_HEAD(generations);
ATF_TC_BODY(generations, tc)
{
	struct testcert	 one, two, three, many;
	struct key_pair	*kp;
	uint64_t	 g;

	setup(0);
	kp = sip_pair(&one, "one.key");
	key_sign_stage(KEYID_SIP, 11, kp);
	ATF_CHECK(signed_by(0, &sip));
	ATF_CHECK(signed_by(10, &sip));
	ATF_CHECK_MSG(signed_by(11, &one), "before the commit");
	key_sign_set(KEYID_SIP, kp);
	ATF_CHECK(signed_by(0, &one));
	ATF_CHECK(signed_by(11, &one));
	/* setup's pair never was of a generation: nobody can ask for it. */
	ATF_CHECK_EQ(0, key_sign_old());
	kp = sip_pair(&two, "two.key");
	key_sign_stage(KEYID_SIP, 12, kp);
	/* Given up: not signed with any more. */
	key_sign_stage(KEYID_SIP, 0, NULL);
	ATF_CHECK(signed_by(12, &one));
	key_sign_stage(KEYID_SIP, 65536 + 13, kp);
	key_sign_set(KEYID_SIP, kp);
	ATF_CHECK(signed_by(0, &two));
	ATF_CHECK(signed_by(13, &two));
	ATF_CHECK_MSG(signed_by(11, &one), "a handshake under way");
	ATF_CHECK_EQ(1, key_sign_old());
	kp = sip_pair(&three, "three.key");
	key_sign_stage(KEYID_SIP, 14, kp);
	key_sign_set(KEYID_SIP, kp);
	ATF_CHECK(signed_by(11, &one));
	ATF_CHECK(signed_by(13, &two));
	ATF_CHECK(signed_by(14, &three));
	/* Its time is over: freed, and the one in force answers. */
	key_sign_expire(0);
	ATF_CHECK_EQ(2, key_sign_old());
	key_sign_expire(UINT64_MAX);
	ATF_CHECK_EQ(0, key_sign_old());
	ATF_CHECK(signed_by(11, &three));
	/* Bounded. */
	for (g = 20; g < 20 + KEY_SIGN_OLD + 10; g++) {
		kp = sip_pair(&many, "many.key");
		key_sign_stage(KEYID_SIP, g, kp);
		key_sign_set(KEYID_SIP, kp);
		testcert_free(&many);
	}
	ATF_CHECK_EQ(KEY_SIGN_OLD, key_sign_old());
	ATF_CHECK(!signed_by(14, &three));
	teardown();
	key_sign_expire(UINT64_MAX);
	testcert_free(&one);
	testcert_free(&two);
	testcert_free(&three);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, tls_ec);
	ATF_TP_ADD_TC(tp, tls_rsa);
	ATF_TP_ADD_TC(tp, tls_form);
	ATF_TP_ADD_TC(tp, rights);
	ATF_TP_ADD_TC(tp, reload_ec);
	ATF_TP_ADD_TC(tp, reload_rsa);
	ATF_TP_ADD_TC(tp, data_form);
	ATF_TP_ADD_TC(tp, cert_form);
	ATF_TP_ADD_TC(tp, cert_renewed);
	ATF_TP_ADD_TC(tp, loading);
	ATF_TP_ADD_TC(tp, generations);
	return (atf_no_error());
}
