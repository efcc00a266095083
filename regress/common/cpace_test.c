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
 * CPace: the worked example of the specification (its second protocol run is
 * the one of the real protocol), the published vectors when their file is
 * there, and what must be refused.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpace.h"

#define YA	"da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08"
#define YB	"d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d"
#define PRS	"566950522d63616c6c2d31410b31343038353535303134320b3132313235353530" \
		"313837000000006b001ae8000000bb"
#define ADA	"490141000b0907050b3134303835353530313432"
#define ADB	"52014100"

struct example {
	const char	*ci, *sid;
	size_t		 gslen;
	const char	*g, *Ya, *Yb, *K, *isk, *mk, *Tb, *Ta;
};

static const struct example	 plain = {
	"0c766970722d63706163652d3109612e6578616d706c6509622e6578616d706c65",
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00000000",
	199,
	"d06f2a6db048b50701674d18a0c2f5a77a9194f7976830e11b27fd71ee4ba70d",
	"7c5f29c7b3bd2face9ee64eca3127184e6c5b3c8cd193fefeb3380fc28739101",
	"ae26f09499e60595465b68340760ae63d61f6fedf8f85361576305f10a22576e",
	"a0df6b66afd70fed91137f6f7758d9abba161bae9869a899fd10e03dc2921b3b",
	"e96b00f32980b6ecd9bd71063355f4323ce17ed873f9e66a2c188c8023a3c543"
	"2aae4d4bf1371b0c94ed80d930de6e846aed76f37f6119ecb6495c381577f73d",
	"bccb71df1742904b764d4671e1aac5802008db29538189e39874ed7be3901e77"
	"543d97ef83e27f1dc2f2cc77587c96961b3ca2ec303f2789629f25341a7b3e6b",
	"9465dfe4e6f0b0643b880f468770d75aee3538fdbfc0f277723f7bccd8892165"
	"f74225895cc166af12b9a9c06340cf181135164edc7d6f54a49dd5f1d7901ed2",
	"fe2d8510ba7f306e819ff3523040908055d620fea85a3b035e83053d73ade00e"
	"a804ff84f280af63d0ff0821c18419be5685e78f283d93b6aaaf069bb88e8e4b"
};

static const struct example	 pvp = {
	"0c6f7665726c61792e7465737410a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
	"10b0b1b2b3b4b5b6b7b8b9babbbcbdbebf",
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00",
	210,
	"b0e9d69a3a6e9bc286a4882e05ddd7b524be3fa58982d5e5ae73ad3c8a290f53",
	"100ca26a8d6c46451d3c4ce7818d22234b9b0cd86274530ad5cbba8d619bba37",
	"02a4cbdd47f76bcab2859b8ce384a24c56b353865bfdf0cf396e537a9edf5f07",
	"ce94814adb067ce4912af303e95f2915a7d2c3e5c6097621f10e5876fd480b19",
	"4bad3929a47c690f54ed1558157b7ddd68135ed6735711479c8cb5b44376a78b"
	"d462e4043c628f70443324a46d69c2fce8836a4634882dc568ba16485d4fe43a",
	"38707f935286f6841eb8bab8c556b13a198042fd9ba4c0e49daf3059b4db6f9c"
	"c0422713f6dc6562e829a075ac2492b4e91f85f5d447738f6bd87f1404a0ff98",
	"c60539360c07faab1de236cbfc4427873de3e2ce0f099fe5170b0ae8bda27529"
	"c9b7dbc0f73e39c91ab42f7eef0091946f3d7239476f45d82bfceb95bb22b69f",
	"8d2b6f44c065dc3bfa1055999a13d9f77c282b855f344573a56382260fd93b07"
	"270171e3d4fefb40ff6cf6d40c5b2206cee46e0b7082a8e6b9bcaff2d214517f"
};

static size_t
unhex(uint8_t *out, size_t size, const char *hex)
{
	size_t	 n;

	ATF_REQUIRE_EQ(0, sodium_hex2bin(out, size, hex, strlen(hex), NULL, &n,
	    NULL));
	return (n);
}

#define CHECK_HEX(want, got, len) check_hex(#got, want, got, len)
static void
check_hex(const char *what, const char *want, const uint8_t *got, size_t len)
{
	char	 hex[1024];

	ATF_REQUIRE(len * 2 < sizeof(hex));
	sodium_bin2hex(hex, sizeof(hex), got, len);
	ATF_CHECK_MSG(strcmp(want, hex) == 0, "%s: want %s got %s", what, want,
	    hex);
}

static void
check_example(const struct example *ex)
{
	uint8_t	 prs[CPACE_PRS_MAX], ci[64], sid[64], ada[64], adb[64], gs[256];
	uint8_t	 ya[32], yb[32], g[32], Ya[32], Yb[32], K[32], K2[32];
	uint8_t	 isk[64], mk[64], ta[64], tb[64];
	size_t	 np, nc, ns, na, nb;

	np = unhex(prs, sizeof(prs), PRS);
	ATF_REQUIRE_EQ(48, np);
	nc = unhex(ci, sizeof(ci), ex->ci);
	ns = unhex(sid, sizeof(sid), ex->sid);
	na = unhex(ada, sizeof(ada), ADA);
	nb = unhex(adb, sizeof(adb), ADB);
	unhex(ya, 32, YA);
	unhex(yb, 32, YB);
	ATF_CHECK_EQ(ex->gslen, cpace_generator_string(gs, sizeof(gs), prs, np,
	    ci, nc, sid, ns));
	ATF_CHECK_EQ(0, cpace_generator_string(gs, ex->gslen - 1, prs, np,
	    ci, nc, sid, ns));
	ATF_REQUIRE_EQ(0, cpace_generator(g, prs, np, ci, nc, sid, ns));
	CHECK_HEX(ex->g, g, 32);
	ATF_REQUIRE_EQ(0, cpace_public(Ya, ya, g));
	ATF_REQUIRE_EQ(0, cpace_public(Yb, yb, g));
	CHECK_HEX(ex->Ya, Ya, 32);
	CHECK_HEX(ex->Yb, Yb, 32);
	ATF_REQUIRE_EQ(0, cpace_shared(K, ya, Yb));
	ATF_REQUIRE_EQ(0, cpace_shared(K2, yb, Ya));
	CHECK_HEX(ex->K, K, 32);
	CHECK_HEX(ex->K, K2, 32);
	cpace_isk(isk, sid, ns, K, Ya, ada, na, Yb, adb, nb);
	CHECK_HEX(ex->isk, isk, 64);
	cpace_mac_key(mk, sid, ns, isk);
	CHECK_HEX(ex->mk, mk, 64);
	cpace_tags(ta, tb, mk, Ya, ada, na, Yb, adb, nb);
	CHECK_HEX(ex->Tb, tb, 64);
	CHECK_HEX(ex->Ta, ta, 64);
}

ATF_TC_WITHOUT_HEAD(example);
ATF_TC_BODY(example, tc)
{
	check_example(&plain);
}

ATF_TC_WITHOUT_HEAD(pvp_vector);
ATF_TC_BODY(pvp_vector, tc)
{
	uint8_t	 isk[64], rk[64], tag[64];
	uint8_t	 claim[] = "\x04\x09" "a.example" "\x00\x12\x75\x00\x00";

	check_example(&pvp);
	unhex(isk, 64, pvp.isk);
	cpace_hmac(rk, isk, "ViPR-pvp-1 after", 16, NULL, 0);
	CHECK_HEX("47704516eed6045aa96740dd293cfa43ef0abddb67be63f8d1918ea3ca87"
	    "eee6618d25b07cd08e44e4baf0fed3ea4f7cfe51039aae7736bba92c32cef723"
	    "fb53", rk, 64);
	cpace_hmac(tag, rk, claim, 1, claim + 1, 15);
	CHECK_HEX("4e846bc4edadecad1554f55119515f8545e3612e2e04ba21d84df0a1d08e"
	    "037f", tag, 32);
}

/* -- the published vectors -- */

static char	*vectors;

static int
vectors_load(void)
{
	const char	*dir = getenv("VIPR_SPEC");
	char		 path[1024];
	FILE		*f;
	long		 n;

	if (dir != NULL)
		snprintf(path, sizeof(path), "%s/cpace-vectors.json", dir);
	else
		return (-1);
	if ((f = fopen(path, "r")) == NULL)
		return (-1);
	ATF_REQUIRE_EQ(0, fseek(f, 0, SEEK_END));
	ATF_REQUIRE((n = ftell(f)) > 0);
	rewind(f);
	ATF_REQUIRE((vectors = calloc(1, (size_t)n + 1)) != NULL);
	ATF_REQUIRE_EQ((size_t)n, fread(vectors, 1, (size_t)n, f));
	fclose(f);
	return (0);
}

/* Hex of "name" behind position *at (moved past it); length in bytes. */
static size_t
vector(const char **at, const char *name, uint8_t *out, size_t size)
{
	char		 label[128], hex[2048];
	const char	*p, *e;
	size_t		 n;

	snprintf(label, sizeof(label), "\"%s\": \"", name);
	ATF_REQUIRE_MSG((p = strstr(*at, label)) != NULL, "no %s", name);
	p += strlen(label);
	ATF_REQUIRE((e = strchr(p, '"')) != NULL);
	n = (size_t)(e - p);
	ATF_REQUIRE(n < sizeof(hex));
	memcpy(hex, p, n);
	hex[n] = '\0';
	*at = e;
	return (unhex(out, size, hex));
}

static const char *
section(const char *name)
{
	char		 label[128];
	const char	*p;

	snprintf(label, sizeof(label), "\"%s\"", name);
	ATF_REQUIRE_MSG((p = strstr(vectors, label)) != NULL, "no %s", name);
	return (p);
}

ATF_TC_WITHOUT_HEAD(published);
ATF_TC_BODY(published, tc)
{
	const char	*at;
	uint8_t		 prs[128], ci[128], sid[64], gs[512], gs2[512];
	uint8_t		 g[32], g2[32], y[32], ya[32], yb[32], Ya[32], Yb[32];
	uint8_t		 ada[64], adb[64], K[32], K2[32], isk[64], isk2[64], r[32];
	size_t		 np, nc, ns, n, na, nb;
	int		 i;

	if (vectors_load() == -1)
		atf_tc_skip("VIPR_SPEC does not name a folder with cpace-vectors.json");
	at = section("calculate_generator");
	np = vector(&at, "PRS", prs, sizeof(prs));
	nc = vector(&at, "CI", ci, sizeof(ci));
	ns = vector(&at, "sid", sid, sizeof(sid));
	n = vector(&at, "generator_string", gs, sizeof(gs));
	vector(&at, "g", g, 32);
	ATF_REQUIRE_EQ(n, cpace_generator_string(gs2, sizeof(gs2), prs, np, ci,
	    nc, sid, ns));
	ATF_CHECK_EQ(0, memcmp(gs, gs2, n));
	ATF_REQUIRE_EQ(0, cpace_generator(g2, prs, np, ci, nc, sid, ns));
	ATF_CHECK_EQ(0, memcmp(g, g2, 32));

	at = section("run");
	ns = vector(&at, "sid", sid, sizeof(sid));
	vector(&at, "g", g, 32);
	vector(&at, "ya", ya, 32);
	na = vector(&at, "ADa", ada, sizeof(ada));
	vector(&at, "Ya", Ya, 32);
	vector(&at, "yb", yb, 32);
	nb = vector(&at, "ADb", adb, sizeof(adb));
	vector(&at, "Yb", Yb, 32);
	vector(&at, "K", K, 32);
	ATF_REQUIRE_EQ(0, cpace_public(r, ya, g));
	ATF_CHECK_EQ(0, memcmp(r, Ya, 32));
	ATF_REQUIRE_EQ(0, cpace_public(r, yb, g));
	ATF_CHECK_EQ(0, memcmp(r, Yb, 32));
	ATF_REQUIRE_EQ(0, cpace_shared(K2, ya, Yb));
	ATF_CHECK_EQ(0, memcmp(K, K2, 32));
	ATF_REQUIRE_EQ(0, cpace_shared(K2, yb, Ya));
	ATF_CHECK_EQ(0, memcmp(K, K2, 32));
	at = section("run");
	vector(&at, "ISK_IR", isk, 64);
	cpace_isk(isk2, sid, ns, K, Ya, ada, na, Yb, adb, nb);
	ATF_CHECK_EQ(0, memcmp(isk, isk2, 64));
	at = section("run");
	vector(&at, "ISK_SY", isk, 64);
	cpace_isk_oc(isk2, sid, ns, K, Ya, ada, na, Yb, adb, nb);
	ATF_CHECK_EQ(0, memcmp(isk, isk2, 64));
	/* The order of the parts does not matter there. */
	cpace_isk_oc(isk2, sid, ns, K, Yb, adb, nb, Ya, ada, na);
	ATF_CHECK_EQ(0, memcmp(isk, isk2, 64));

	at = section("scalar_mult_vfy_valid");
	vector(&at, "s", y, 32);
	vector(&at, "X", g, 32);
	vector(&at, "result", r, 32);
	ATF_REQUIRE_EQ(0, cpace_shared(K, y, g));
	ATF_CHECK_EQ(0, memcmp(K, r, 32));
	ATF_CHECK_EQ(1, cpace_element_ok(g));
	at = section("scalar_mult_vfy_invalid_must_abort");
	for (i = 0; i < 2; i++) {
		vector(&at, "s", y, 32);
		vector(&at, "Y", g, 32);
		memset(K, 0xaa, sizeof(K));
		ATF_CHECK_EQ(-1, cpace_shared(K, y, g));
		ATF_CHECK(sodium_is_zero(K, 32));
		ATF_CHECK_EQ(0, cpace_element_ok(g));
	}
	at = section("extra_invalid_not_from_draft");
	for (i = 0; i < 4; i++) {
		vector(&at, "Y", g, 32);
		memset(K, 0xaa, sizeof(K));
		ATF_CHECK_EQ(-1, cpace_shared(K, y, g));
		ATF_CHECK(sodium_is_zero(K, 32));
		ATF_CHECK_EQ(0, cpace_element_ok(g));
	}
	free(vectors);
}

ATF_TC_WITHOUT_HEAD(refused);
ATF_TC_BODY(refused, tc)
{
	uint8_t	 y[32], K[32], E[32], g[32], prs[CPACE_PRS_MAX + 1];
	int	 i;

	memset(prs, 7, sizeof(prs));
	ATF_CHECK_EQ(0, cpace_generator(g, prs, CPACE_PRS_MAX, "", 0, "", 0));
	ATF_CHECK_EQ(-1, cpace_generator(g, prs, CPACE_PRS_MAX + 1, "", 0, "", 0));
	ATF_CHECK(sodium_is_zero(g, 32));
	cpace_scalar(y);
	/* identity, p, -1, all ones, a good one with bit 255 */
	memset(E, 0, 32);
	ATF_CHECK_EQ(0, cpace_element_ok(E));
	ATF_CHECK_EQ(-1, cpace_shared(K, y, E));
	memset(E, 0xff, 32);
	ATF_CHECK_EQ(0, cpace_element_ok(E));
	ATF_CHECK_EQ(-1, cpace_shared(K, y, E));
	E[0] = 0xed;
	E[31] = 0x7f;
	ATF_CHECK_EQ(0, cpace_element_ok(E));
	ATF_CHECK_EQ(-1, cpace_shared(K, y, E));
	memset(E, 0, 32);
	E[0] = 1;
	ATF_CHECK_EQ(0, cpace_element_ok(E));
	ATF_CHECK_EQ(-1, cpace_shared(K, y, E));
	for (i = 0; i < 50; i++) {
		crypto_core_ristretto255_random(E);
		ATF_CHECK_EQ(1, cpace_element_ok(E));
		ATF_CHECK_EQ(0, cpace_shared(K, y, E));
		E[31] |= 0x80;
		ATF_CHECK_EQ(0, cpace_element_ok(E));
		memset(K, 0xaa, 32);
		ATF_CHECK_EQ(-1, cpace_shared(K, y, E));
		ATF_CHECK(sodium_is_zero(K, 32));
	}
}

/* Equal secrets agree; a secret, sid or CI that differs in one bit does not. */
ATF_TC_WITHOUT_HEAD(agreement);
ATF_TC_BODY(agreement, tc)
{
	uint8_t	 prs[2][40], ci[2][20], sid[2][33], g[2][32], y[2][32], Y[2][32];
	uint8_t	 K[2][32];
	int	 i, s;

	for (i = 0; i < 40; i++) {
		randombytes_buf(prs[0], 40);
		randombytes_buf(ci[0], 20);
		randombytes_buf(sid[0], 33);
		memcpy(prs[1], prs[0], 40);
		memcpy(ci[1], ci[0], 20);
		memcpy(sid[1], sid[0], 33);
		if (i % 4 == 1)
			prs[1][i % 40] ^= 1;
		else if (i % 4 == 2)
			ci[1][i % 20] ^= 1;
		else if (i % 4 == 3)
			sid[1][i % 33] ^= 1;
		for (s = 0; s < 2; s++) {
			ATF_REQUIRE_EQ(0, cpace_generator(g[s], prs[s], 40, ci[s],
			    20, sid[s], 33));
			cpace_scalar(y[s]);
			ATF_REQUIRE_EQ(0, cpace_public(Y[s], y[s], g[s]));
		}
		ATF_REQUIRE_EQ(0, cpace_shared(K[0], y[0], Y[1]));
		ATF_REQUIRE_EQ(0, cpace_shared(K[1], y[1], Y[0]));
		ATF_CHECK_EQ(i % 4 == 0, memcmp(K[0], K[1], 32) == 0);
	}
}

ATF_TP_ADD_TCS(tp)
{
	if (sodium_init() == -1)
		abort();
	ATF_TP_ADD_TC(tp, example);
	ATF_TP_ADD_TC(tp, pvp_vector);
	ATF_TP_ADD_TC(tp, published);
	ATF_TP_ADD_TC(tp, refused);
	ATF_TP_ADD_TC(tp, agreement);
	return (atf_no_error());
}
