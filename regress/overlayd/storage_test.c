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
 * Stored values: limits, counters, displacement, expiry, records on disk.
 */

#include <atf-c.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage.h"
#include "wire.h"

#define NOW	1700000000000ull

struct record {
	int		 table;
	size_t		 keylen, len;
	uint8_t		 key[64], val[2048];
};
static struct record	 disk[4096];
static size_t		 ndisk;

static const struct reload_kind	 vipr = {
	.rk_id = RELOAD_KIND_VIPR, .rk_model = RELOAD_DICTIONARY,
	.rk_policy = RELOAD_VIPR_NODE_KEY_MATCH, .rk_max_count = 64, .rk_max_size = 64,
	.rk_lifetime = 86400, .rk_max_per_node = 1, .rk_quota = 20000
};
static const struct reload_kind	 array = {
	.rk_id = 3, .rk_model = RELOAD_ARRAY, .rk_policy = RELOAD_NODE_MATCH,
	.rk_max_count = 4, .rk_max_size = 100
};
static const struct reload_kind	 single = {
	.rk_id = 2, .rk_model = RELOAD_SINGLE, .rk_policy = RELOAD_NODE_MULTIPLE,
	.rk_max_count = 1, .rk_max_size = 100
};

static void	 disk_put(void *, enum storage_table, const void *, size_t, const void *, size_t);
static struct nodeid nid(unsigned);
static struct storage_item item(unsigned, const char *, uint64_t, const char *);
static int	 store(struct storage *, unsigned, const struct reload_kind *, int,
		    struct storage_item *, size_t, uint64_t);
static int	 put(struct storage *, unsigned, unsigned, uint64_t, int);
static uint32_t	 count(const struct storage *, unsigned, uint32_t);

static uint64_t	 now = NOW;
static uint64_t	 current;
static const char *why;

static void
disk_put(void *arg, enum storage_table table, const void *key, size_t keylen,
    const void *val, size_t len)
{
	size_t		 i;

	(void)arg;
	for (i = 0; i < ndisk; i++) {
		if (disk[i].table == (int)table && disk[i].keylen == keylen &&
		    memcmp(disk[i].key, key, keylen) == 0)
			break;
	}
	if (val == NULL) {
		if (i < ndisk)
			disk[i] = disk[--ndisk];
		return;
	}
	ATF_REQUIRE(i < 4096 && keylen <= 64 && len <= 2048);
	disk[i].table = (int)table;
	disk[i].keylen = keylen;
	memcpy(disk[i].key, key, keylen);
	memcpy(disk[i].val, val, len);
	disk[i].len = len;
	if (i == ndisk)
		ndisk++;
}

static struct nodeid
nid(unsigned n)
{
	struct nodeid	 id;

	memset(&id, 0, sizeof(id));
	id.id_b[0] = (uint8_t)(n >> 8);
	id.id_b[1] = (uint8_t)n;
	return (id);
}

static struct storage_item
item(unsigned signer, const char *key, uint64_t time, const char *value)
{
	static char	 certs[1024][16];
	struct storage_item si;

	memset(&si, 0, sizeof(si));
	si.si_signer = nid(signer);
	si.si_key.p = key;
	si.si_key.len = strlen(key);
	si.si_time = time;
	si.si_lifetime = 86400;
	si.si_exists = value != NULL;
	si.si_value.p = value;
	si.si_value.len = value == NULL ? 0 : strlen(value);
	si.si_sig.p = "signature";
	si.si_sig.len = 9;
	(void)snprintf(certs[signer % 1024], 16, "cert%u", signer);
	si.si_cert.p = certs[signer % 1024];
	si.si_cert.len = strlen(certs[signer % 1024]);
	memset(si.si_sha256, 0, sizeof(si.si_sha256));
	memcpy(si.si_sha256, si.si_cert.p, si.si_cert.len);
	return (si);
}

static int
store(struct storage *st, unsigned resource, const struct reload_kind *rk, int replica,
    struct storage_item *items, size_t n, uint64_t generation)
{
	struct storage_set ss;
	struct nodeid	 id = nid(resource);
	int		 r;

	memset(&ss, 0, sizeof(ss));
	ss.ss_kind = rk;
	ss.ss_generation = generation;
	ss.ss_items = items;
	ss.ss_nitems = n;
	r = storage_store(st, &id, replica, &ss, 1, now, &why);
	current = ss.ss_current;
	return (r);
}

static int
put(struct storage *st, unsigned resource, unsigned signer, uint64_t time, int replica)
{
	char		 key[32];
	struct storage_item si;

	(void)snprintf(key, sizeof(key), "key%u", signer);
	si = item(signer, key, time, "value");
	return (store(st, resource, &vipr, replica, &si, 1, replica ? 1 : 0));
}

static uint32_t
count(const struct storage *st, unsigned resource, uint32_t kind)
{
	struct nodeid	 id = nid(resource);
	const struct storage_place *sp = storage_find(st, &id, kind);

	return (sp == NULL ? 0 : sp->sp_count);
}

ATF_TC_WITHOUT_HEAD(rules);
ATF_TC_BODY(rules, tc)
{
	struct storage	 st;
	struct storage_item si[3];
	char		 big[101];

	storage_init(&st, NULL, NULL);
	ATF_CHECK_EQ(0, put(&st, 1, 10, 1000, 0));
	ATF_CHECK_EQ(1, current);
	/* Equal and older times are too old; newer ones replace. */
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_OLD, put(&st, 1, 10, 1000, 0));
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_OLD, put(&st, 1, 10, 999, 0));
	ATF_CHECK_EQ(0, put(&st, 1, 10, 1001, 0));
	ATF_CHECK_EQ(2, current);
	ATF_CHECK_EQ(1, count(&st, 1, RELOAD_KIND_VIPR));
	/* A byte-identical replica is a success without a change. */
	ATF_CHECK_EQ(0, put(&st, 1, 10, 1001, 1));
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_OLD, put(&st, 1, 10, 1000, 1));
	/* One entry of a node in a place. */
	si[0] = item(10, "another", 2000, "v");
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_LARGE, store(&st, 1, &vipr, 0, si, 1, 0));
	ATF_CHECK_STREQ("max-per-node", why);
	/* Size of a value. */
	memset(big, 'x', sizeof(big));
	big[65] = '\0';
	si[0] = item(11, "k11", 1, big);
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_LARGE, store(&st, 1, &vipr, 0, si, 1, 0));
	big[64] = '\0';
	si[0] = item(11, "k11", 1, big);
	ATF_CHECK_EQ(0, store(&st, 1, &vipr, 0, si, 1, 0));
	/* Counter: 0 is not compared, others must be equal. */
	si[0] = item(12, "k12", 1, "v");
	ATF_CHECK_EQ(WIRE_E_GENERATION_TOO_LOW, store(&st, 1, &vipr, 0, si, 1, 1));
	ATF_CHECK_EQ(3, current);
	ATF_CHECK_EQ(WIRE_E_GENERATION_TOO_LOW, store(&st, 1, &vipr, 0, si, 1, 9));
	ATF_CHECK_EQ(0, store(&st, 1, &vipr, 0, si, 1, 3));
	/* A replica brings its own, which is adopted; 0 is not one. */
	si[0] = item(13, "k13", 1, "v");
	ATF_CHECK_EQ(WIRE_E_INVALID_MESSAGE, store(&st, 1, &vipr, 1, si, 1, 0));
	ATF_CHECK_EQ(0, store(&st, 1, &vipr, 1, si, 1, 77));
	ATF_CHECK_EQ(77, current);
	/* The same slot twice in a request. */
	si[0] = item(14, "k14", 1, "v");
	si[1] = item(14, "k14", 2, "v");
	ATF_CHECK_EQ(WIRE_E_INVALID_MESSAGE, store(&st, 1, &vipr, 1, si, 2, 1));
	/* All or nothing. */
	si[0] = item(15, "k15", 1, "v");
	si[1] = item(10, "key10", 5, "v");
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_OLD, store(&st, 1, &vipr, 1, si, 2, 80));
	ATF_CHECK_EQ(4, count(&st, 1, RELOAD_KIND_VIPR));
	storage_clear(&st);
	ATF_CHECK_EQ(0, st.st_nvalues);
	ATF_CHECK_EQ(0, st.st_bytes);
	ATF_CHECK_EQ(0, st.st_nplaces);
}

ATF_TC_WITHOUT_HEAD(models);
ATF_TC_BODY(models, tc)
{
	struct storage	 st;
	struct storage_item si[3];
	struct storage_value *sv;
	struct nodeid	 id = nid(5);

	storage_init(&st, NULL, NULL);
	si[0] = item(1, "", 10, "one");
	si[0].si_index = UINT32_MAX;
	si[1] = item(1, "", 10, "two");
	si[1].si_index = UINT32_MAX;
	ATF_CHECK_EQ(0, store(&st, 5, &array, 0, si, 2, 0));
	ATF_CHECK_EQ(2, count(&st, 5, 3));
	sv = storage_slot(storage_find(&st, &id, 3), "\0\0\0\1", 4);
	ATF_REQUIRE(sv != NULL);
	ATF_CHECK_EQ(0, memcmp(SV_VAL(sv), "two", 3));
	/* Sparse, but the index is bounded. */
	si[0].si_index = 3;
	ATF_CHECK_EQ(0, store(&st, 5, &array, 0, si, 1, 0));
	si[0].si_index = UINT32_MAX;
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_LARGE, store(&st, 5, &array, 0, si, 1, 0));
	si[0].si_index = 0xfffffffe;
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_LARGE, store(&st, 5, &array, 0, si, 1, 0));
	si[0] = item(1, "", 10, "v");
	ATF_CHECK_EQ(0, store(&st, 5, &single, 0, si, 1, 0));
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_OLD, store(&st, 5, &single, 0, si, 1, 0));
	si[0].si_time = 11;
	ATF_CHECK_EQ(0, store(&st, 5, &single, 0, si, 1, 0));
	ATF_CHECK_EQ(1, count(&st, 5, 2));
	ATF_CHECK_EQ(2, st.st_nplaces);
	storage_clear(&st);
}

/* A full place: only who holds less gets in, in place of who holds most. */
ATF_TC_WITHOUT_HEAD(displacement);
ATF_TC_BODY(displacement, tc)
{
	struct storage	 st;
	struct nodeid	 id = nid(1);
	unsigned	 i;

	storage_init(&st, NULL, NULL);
	for (i = 0; i < 64; i++)
		ATF_REQUIRE_EQ(0, put(&st, 1, 100 + i, 1000, 0));
	/* All hold one entry, and so would the newcomer: it holds none yet. */
	ATF_CHECK_EQ(0, put(&st, 1, 200, 1000, 0));
	ATF_CHECK_EQ(64, count(&st, 1, RELOAD_KIND_VIPR));
	ATF_CHECK_EQ(1, st.st_displaced);
	/* One that holds as much as the greediest is refused. */
	ATF_REQUIRE_EQ(0, put(&st, 2, 300, 1000, 0));
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_LARGE, put(&st, 1, 300, 1000, 0));
	/* The greedy one goes first. */
	for (i = 10; i < 20; i++)
		ATF_REQUIRE_EQ(0, put(&st, i, 163, 1000, 0));
	ATF_CHECK_EQ(0, put(&st, 1, 300, 1000, 0));
	ATF_CHECK_EQ(64, count(&st, 1, RELOAD_KIND_VIPR));
	ATF_CHECK(storage_slot(storage_find(&st, &id, RELOAD_KIND_VIPR), "key163", 6) == NULL);
	ATF_CHECK(storage_slot(storage_find(&st, &id, RELOAD_KIND_VIPR), "key300", 6) != NULL);
	/* An update of an entry that is there needs no room. */
	ATF_CHECK_EQ(0, put(&st, 1, 300, 2000, 0));
	/* A replica follows its peer: the oldest goes. */
	for (i = 20; i < 30; i++)
		ATF_REQUIRE_EQ(0, put(&st, i, 400, 1000, 0));
	ATF_CHECK_EQ(0, put(&st, 1, 400, 3000, 1));
	ATF_CHECK_EQ(64, count(&st, 1, RELOAD_KIND_VIPR));
	storage_clear(&st);
	ATF_CHECK_EQ(0, st.st_bytes);
}

ATF_TC_WITHOUT_HEAD(quota);
ATF_TC_BODY(quota, tc)
{
	struct storage	 st;
	struct reload_kind small = vipr;
	struct storage_item si;
	struct nodeid	 from, to;
	unsigned	 i;
	int		 r = 0;

	storage_init(&st, NULL, NULL);
	small.rk_quota = 10;
	from = nid(0);
	to = nid(0x8000);		/* half of the ring: 64 + 12 * 10 / 2 */
	storage_range(&st, &from, &to, nodeid_share_ppb(&from, &to));
	for (i = 1; i < 500 && r == 0; i++) {
		si = item(7, "key7", 1000, "v");
		r = store(&st, i, &small, 0, &si, 1, 0);
	}
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_LARGE, r);
	ATF_CHECK_STREQ("quota of the node", why);
	ATF_CHECK_EQ(64 + 60, st.st_nvalues);
	/* What we hold as a replica does not count. */
	from = nid(100);
	storage_range(&st, &from, &to, nodeid_share_ppb(&from, &to));
	si = item(7, "key7", 1000, "v");
	ATF_CHECK_EQ(0, store(&st, 499, &small, 0, &si, 1, 0));
	storage_clear(&st);
}

ATF_TC_WITHOUT_HEAD(expiry);
ATF_TC_BODY(expiry, tc)
{
	struct storage	 st;
	struct storage_item si;
	struct nodeid	 id = nid(1);
	const struct storage_place *sp;

	now = NOW;
	storage_init(&st, NULL, NULL);
	si = item(1, "k1", 1, "v");
	si.si_lifetime = 100;
	ATF_REQUIRE_EQ(0, store(&st, 1, &vipr, 0, &si, 1, 0));
	si = item(2, "k2", 1, "v");
	si.si_lifetime = UINT32_MAX;	/* capped: it is not signed */
	ATF_REQUIRE_EQ(0, store(&st, 1, &vipr, 0, &si, 1, 0));
	sp = storage_find(&st, &id, RELOAD_KIND_VIPR);
	ATF_CHECK_EQ(100, storage_left(storage_slot(sp, "k1", 2), NOW));
	ATF_CHECK_EQ(1, storage_left(storage_slot(sp, "k1", 2), NOW + 99001));
	ATF_CHECK_EQ(0, storage_left(storage_slot(sp, "k1", 2), NOW + 100000));
	ATF_CHECK_EQ(86400 + 3600, storage_left(storage_slot(sp, "k2", 2), NOW));
	/* A clock set back does not lengthen a life. */
	ATF_CHECK_EQ(100, storage_left(storage_slot(sp, "k1", 2), NOW - 1000000));
	ATF_CHECK_EQ(NOW + 100000, storage_expire(&st, NOW + 99999, 10));
	ATF_CHECK_EQ(2, st.st_nvalues);
	ATF_CHECK_EQ(NOW + 90000000, storage_expire(&st, NOW + 100000, 10));
	ATF_CHECK_EQ(1, st.st_nvalues);
	ATF_CHECK_EQ(0, storage_expire(&st, NOW + 90000000, 10));
	ATF_CHECK_EQ(0, st.st_nplaces);
	ATF_CHECK_EQ(0, st.st_bytes);
}

ATF_TC_WITHOUT_HEAD(records);
ATF_TC_BODY(records, tc)
{
	static const int order[] = { STORAGE_T_CERT, STORAGE_T_GENERATION, STORAGE_T_VALUE };
	struct storage	 st, back;
	struct storage_item si;
	struct nodeid	 id = nid(3);
	struct storage_value *sv;
	struct record	 r;
	size_t		 i, j, n, values;

	ATF_REQUIRE(sodium_init() != -1);
	now = NOW;
	storage_init(&st, disk_put, NULL);
	for (i = 0; i < 20; i++)
		ATF_REQUIRE_EQ(0, put(&st, 1 + (unsigned)i % 5, 50 + (unsigned)i, 1000, 0));
	si = item(90, "short", 1, NULL);
	si.si_lifetime = 10;
	ATF_REQUIRE_EQ(0, store(&st, 3, &vipr, 0, &si, 1, 0));
	ATF_CHECK_EQ(21 + 21 + 5, ndisk);
	values = st.st_nvalues;
	/* Loaded again: the same, but for what expired meanwhile. */
	storage_init(&back, disk_put, NULL);
	for (i = 0; i < 3; i++) {
		for (j = 0; j < ndisk; j++) {
			if (disk[j].table == order[i])
				(void)storage_load(&back, (enum storage_table)order[i],
				    disk[j].key, disk[j].keylen, disk[j].val, disk[j].len,
				    NOW + 60000);
		}
	}
	storage_loaded(&back);
	ATF_CHECK_EQ(values - 1, back.st_nvalues);
	ATF_CHECK_EQ(5, back.st_nplaces);
	ATF_CHECK_EQ(storage_find(&st, &id, RELOAD_KIND_VIPR)->sp_generation,
	    storage_find(&back, &id, RELOAD_KIND_VIPR)->sp_generation);
	sv = storage_slot(storage_find(&back, &id, RELOAD_KIND_VIPR), "key52", 5);
	ATF_REQUIRE(sv != NULL);
	ATF_CHECK_EQ(1000, sv->sv_time);
	ATF_CHECK_EQ(0, memcmp(SV_VAL(sv), "value", 5));
	ATF_CHECK_EQ(0, memcmp(SV_SIG(sv), "signature", 9));
	ATF_CHECK_EQ(0, memcmp(sv->sv_cert->sc_der, "cert52", 6));
	/* Records cut short, each length. */
	for (j = 0; j < ndisk && disk[j].table != STORAGE_T_VALUE; j++)
		continue;
	r = disk[j];
	storage_clear(&back);
	storage_init(&back, NULL, NULL);
	for (n = 0; n < r.len; n++)
		ATF_CHECK_EQ(-1, storage_load(&back, STORAGE_T_VALUE, r.key, r.keylen,
		    r.val, n, NOW));
	for (n = 0; n < r.keylen - 16; n++)
		ATF_CHECK_EQ(-1, storage_load(&back, STORAGE_T_VALUE, r.key, n, r.val,
		    r.len, NOW));
	storage_loaded(&back);
	ATF_CHECK_EQ(0, back.st_nvalues);
	/* Dropping places empties the disk. */
	while ((i = st.st_nplaces) > 0) {
		memset(&id, 0, sizeof(id));
		storage_drop(&st, storage_nfind(&st, &id, 0));
	}
	ATF_CHECK_EQ(0, ndisk);
	ATF_CHECK_EQ(0, st.st_bytes);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, rules);
	ATF_TP_ADD_TC(tp, models);
	ATF_TP_ADD_TC(tp, displacement);
	ATF_TP_ADD_TC(tp, quota);
	ATF_TP_ADD_TC(tp, expiry);
	ATF_TP_ADD_TC(tp, records);
	return (atf_no_error());
}
