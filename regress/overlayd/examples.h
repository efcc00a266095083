/* SPDX-License-Identifier: ISC */
/*
 * Worked examples of RELOAD messages: overlay "overlay.test", Node-IDs A =
 * a0..af to D = d0..df, a stand-in certificate of 11 bytes and a toy RSA key
 * of 512 bits.  The bytes were made by an independent program and read by
 * another implementation.
 */
#ifndef EXAMPLES_H
#define EXAMPLES_H

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <stdlib.h>

#include "wire.h"

#define ALICE		"bcd8d6e82d02b35e34ddc96f088abcc0"
#define A		"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define B		"b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
#define C		"c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
#define D		"d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
#define KIND		0xf0000001u
#define TIME		UINT64_C(1700000000000)
#define CERT		"TEST-CERT-A"

#define PING \
	"d2454c4f3ff8302300010a64c0000000000000be010203040506070800000000" \
	"000000130000021110" ALICE "0017000000020000" \
	"00000000000e00000b544553542d434552542d410401010022042" \
	"0c1cafbfdd8052717a5330b3a2fe3c1673e6801d480e4dc4f069356331e6aabbc" \
	"0040892266feb79dd0b018238f3b7186189764a05d3320b9e0551a410685c7a1" \
	"63c9b318193fd3db9d50332d2ed197bf533d3d8bc7e9480cba4727a49a91e341" \
	"a801"
#define VIA_HEADER \
	"d2454c4f3ff8302300010a62c0000000000001f4010203040506070800000000" \
	"0024002700000110" A "0110" B "8345" "0110" C "021110" ALICE
#define ANSWER_HEADER \
	"d2454c4f3ff8302300010a64c000000000000190010203040506070800000000" \
	"0000003600000110" C "0110" B "0110" A
#define STORED_SIG \
	"0401010022042" \
	"0c1cafbfdd8052717a5330b3a2fe3c1673e6801d480e4dc4f069356331e6aabbc" \
	"004060" \
	"5e437feead4ed37b7d0781c97dafdffbdeb0faf3902211ff4f5ed3253c6f18a0" \
	"79c6c3cf08bfdb6d89f674790e75cfd6386e5c02441193cd8d2de2d06418fe"
#define STORE \
	"10" ALICE "00000000a5f0000001000000000000000000000095" \
	"000000910000018bcfe5680000000e100010" A "010000000568656c6c6f" \
	STORED_SIG
#define STORE_ANS	"002ef000000100000000000000010020" B C
#define FETCH \
	"10" ALICE "00480000000200000000000000000000000000100000000000000000" \
	"000a00080000000" "0fffffffff0000001000000000000000700140012" "0010" A
#define FETCH_ANS \
	"0000003ef0000001000000000000000" "00000002e0000002a" \
	"000000000000000000000000" "0010" A "0000000000" "00000300000000"
#define STAT_ANS \
	"00000059f0000001000000000000000100000049000000450000018bcfe56800" \
	"00000e100010" A "0100000005042" \
	"09c015ac18bb70481f467bb1fadb4f9e6ee93a1c093f15839bb55b425d7cea994"
#define CAND	"0106c000020117c40401317effffff010000"
#define SRFLX	"0106c63364079c4001013264ffffff0201060a0000019c400000"

static const struct {
	const char	*name;
	unsigned	 code;
	const char	*hex;
} bodies[] = {
	{ "store", WIRE_STORE, STORE },
	{ "store answer", WIRE_STORE_ANS, STORE_ANS },
	{ "fetch", WIRE_FETCH, FETCH },
	{ "stat", WIRE_STAT, FETCH },
	{ "fetch answer", WIRE_FETCH_ANS, FETCH_ANS },
	{ "stat answer", WIRE_STAT_ANS, STAT_ANS },
	{ "peer_ready", WIRE_UPDATE, "000003e801" },
	{ "neighbors", WIRE_UPDATE, "000003e8020020" A B "0010" D },
	{ "full", WIRE_UPDATE, "000003e8030010" A "0010" D "0010" C },
	{ "unknown kind", WIRE_ERROR, "000c000504f0000001" },
	{ "counter too low", WIRE_ERROR,
	    "00050010000ef000000100000000000000090000" },
	{ "forbidden", WIRE_ERROR, "000200046e6f7065" },
	{ "attach", WIRE_ATTACH, "00000770617373697665" "0012" CAND "01" },
	{ "attach answer", WIRE_ATTACH_ANS, "000006616374697665" "0012" CAND
	    "00" },
	{ "attach by ICE", WIRE_ATTACH, "00000770617373697665" "001a" SRFLX
	    "00" },
	{ "appattach", WIRE_APPATTACH, "000013c40770617373697665" "0012" CAND },
	{ "probe", WIRE_PROBE, "03010203" },
	{ "probe answer", WIRE_PROBE_ANS,
	    "001201040ee6b28002040000000c030400000e10" },
	{ "join", WIRE_JOIN, A "0000" },
	{ "join answer", WIRE_JOIN_ANS, "0000" },
	{ "leave", WIRE_LEAVE, A "0013" "010010" D },
	{ "route query", WIRE_ROUTEQUERY, "01021110" ALICE "0000" },
	{ "route query answer", WIRE_ROUTEQUERY_ANS, D },
	{ "ping", WIRE_PING, "0000" },
	{ "ping answer", WIRE_PING_ANS, "11223344556677880000018bcfe56800" },
	{ "find", WIRE_FIND, "10" ALICE "0400000002" },
	{ "find answer", WIRE_FIND_ANS,
	    "00150000000210" "00000000000000000000000000000000" },
	{ "configuration", WIRE_CONFIGUPDATE, "01000000070000043c782f3e" },
	{ "kinds", WIRE_CONFIGUPDATE, "020000000900000600043c6b2f3e" }
};
#define NBODIES	(sizeof(bodies) / sizeof(bodies[0]))

static void	 need(int);
static EVP_PKEY	*toy_key(void);

static void
need(int ok)
{
	if (!ok)
		abort();
}

static EVP_PKEY *
toy_key(void)
{
	static const char	*const hex[] = {
		"cb3faf8ed6a6d9c253596f3e7cf62f5221c8c7fe63942dc1eaa880a7dd81d821"
		"af509b627d4085e6266ea45b5e15e90010ab107b862dd6b51342ca88b064f3e1",
		"10001",
		"647a7c80e1ef247224206f9575d382fb58865910930bfb3f0591fde07eea24fd"
		"48608e3517e20a5913e7cb6fd8cc7aff92e5a5c4c4a9afe81288b408897fa72d"
	};
	static const char	*const names[] = {
		OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E,
		OSSL_PKEY_PARAM_RSA_D
	};
	OSSL_PARAM_BLD	*bld;
	OSSL_PARAM	*params;
	EVP_PKEY_CTX	*ctx;
	EVP_PKEY	*key = NULL;
	BIGNUM		*bn[3] = { NULL, NULL, NULL };
	size_t		 i;

	need((bld = OSSL_PARAM_BLD_new()) != NULL);
	for (i = 0; i < 3; i++) {
		need(BN_hex2bn(&bn[i], hex[i]) > 0);
		need(OSSL_PARAM_BLD_push_BN(bld, names[i], bn[i]) == 1);
	}
	need((params = OSSL_PARAM_BLD_to_param(bld)) != NULL);
	need((ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL)) !=
	    NULL);
	need(EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx,
	    &key, EVP_PKEY_KEYPAIR, params) == 1);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	for (i = 0; i < 3; i++)
		BN_free(bn[i]);
	return (key);
}

#endif
