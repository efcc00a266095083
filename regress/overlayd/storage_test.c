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
static int		 disk_full, disk_away;

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

static struct record *disk_find(enum storage_table, const void *, size_t);
static int	 disk_put(void *, enum storage_table, const void *, size_t, const void *, size_t);
static ssize_t	 disk_get(void *, enum storage_table, const void *, size_t, void *, size_t);
static void	 disk_load(struct storage *);
static struct storage_value *slot(struct storage *, unsigned, uint32_t, const char *, size_t);
static const char *text(struct storage *, struct storage_value *);
static struct nodeid nid(unsigned);
static struct storage_item item(unsigned, const char *, uint64_t, const char *);
static int	 store(struct storage *, unsigned, const struct reload_kind *, int,
		    struct storage_item *, size_t, uint64_t);
static int	 put(struct storage *, unsigned, unsigned, uint64_t, int);
static uint32_t	 count(const struct storage *, unsigned, uint32_t);

static uint64_t	 now = NOW;
static uint64_t	 current;
static const char *why;

static struct record *
disk_find(enum storage_table table, const void *key, size_t keylen)
{
	size_t		 i;

	for (i = 0; i < ndisk; i++) {
		if (disk[i].table == (int)table && disk[i].keylen == keylen &&
		    memcmp(disk[i].key, key, keylen) == 0)
			return (&disk[i]);
	}
	return (NULL);
}

static int
disk_put(void *arg, enum storage_table table, const void *key, size_t keylen,
    const void *val, size_t len)
{
	struct record	*r = disk_find(table, key, keylen);

	(void)arg;
	if (val == NULL) {
		if (r != NULL)
			*r = disk[--ndisk];
		return (0);
	}
	if (disk_full)
		return (-1);
	if (r == NULL)
		r = &disk[ndisk++];
	ATF_REQUIRE(ndisk < 4096 && keylen <= 64 && len <= 2048);
	r->table = (int)table;
	r->keylen = keylen;
	memcpy(r->key, key, keylen);
	memcpy(r->val, val, len);
	r->len = len;
	return (0);
}

static ssize_t
disk_get(void *arg, enum storage_table table, const void *key, size_t keylen, void *buf,
    size_t size)
{
	struct record	*r = disk_find(table, key, keylen);

	(void)arg;
	if (disk_away)
		return (-1);
	if (r == NULL)
		return (0);
	ATF_REQUIRE(r->len <= size);
	memcpy(buf, r->val, r->len);
	return ((ssize_t)r->len);
}

static void
disk_load(struct storage *st)
{
	static const int order[] = { STORAGE_T_CERT, STORAGE_T_GENERATION, STORAGE_T_VALUE };
	size_t		 i, j;

	for (i = 0; i < 3; i++) {
		for (j = 0; j < ndisk; j++) {
			if (disk[j].table == order[i])
				ATF_CHECK_EQ(0, storage_load(st, (enum storage_table)order[i],
				    disk[j].key, disk[j].keylen, disk[j].val, disk[j].len));
		}
	}
	storage_loaded(st);
}

static struct storage_value *
slot(struct storage *st, unsigned resource, uint32_t kind, const char *key, size_t len)
{
	struct nodeid	 id = nid(resource);

	return (storage_slot(st, storage_find(st, &id, kind), key, len));
}

/* The value, as a string. */
static const char *
text(struct storage *st, struct storage_value *sv)
{
	static char	 buf[128];
	struct storage_body sb;

	ATF_REQUIRE(sv != NULL);
	ATF_REQUIRE_EQ(0, storage_body(st, sv, &sb));
	ATF_REQUIRE(sb.sb_value.len < sizeof(buf));
	if (sb.sb_value.len > 0)
		memcpy(buf, sb.sb_value.p, sb.sb_value.len);
	buf[sb.sb_value.len] = '\0';
	return (buf);
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

	storage_init(&st, NULL, NULL, NULL);
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

	storage_init(&st, NULL, NULL, NULL);
	si[0] = item(1, "", 10, "one");
	si[0].si_index = UINT32_MAX;
	si[1] = item(1, "", 10, "two");
	si[1].si_index = UINT32_MAX;
	ATF_CHECK_EQ(0, store(&st, 5, &array, 0, si, 2, 0));
	ATF_CHECK_EQ(2, count(&st, 5, 3));
	ATF_CHECK_STREQ("two", text(&st, slot(&st, 5, 3, "\0\0\0\1", 4)));
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
	unsigned	 i;

	storage_init(&st, NULL, NULL, NULL);
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
	ATF_CHECK(slot(&st, 1, RELOAD_KIND_VIPR, "key163", 6) == NULL);
	ATF_CHECK(slot(&st, 1, RELOAD_KIND_VIPR, "key300", 6) != NULL);
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

	storage_init(&st, NULL, NULL, NULL);
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

	now = NOW;
	storage_init(&st, NULL, NULL, NULL);
	si = item(1, "k1", 1, "v");
	si.si_lifetime = 100;
	ATF_REQUIRE_EQ(0, store(&st, 1, &vipr, 0, &si, 1, 0));
	si = item(2, "k2", 1, "v");
	si.si_lifetime = UINT32_MAX;	/* capped: it is not signed */
	ATF_REQUIRE_EQ(0, store(&st, 1, &vipr, 0, &si, 1, 0));
	ATF_CHECK_EQ(100, storage_left(slot(&st, 1, RELOAD_KIND_VIPR, "k1", 2), NOW));
	ATF_CHECK_EQ(1, storage_left(slot(&st, 1, RELOAD_KIND_VIPR, "k1", 2), NOW + 99001));
	ATF_CHECK_EQ(0, storage_left(slot(&st, 1, RELOAD_KIND_VIPR, "k1", 2), NOW + 100000));
	ATF_CHECK_EQ(86400 + 3600, storage_left(slot(&st, 1, RELOAD_KIND_VIPR, "k2", 2), NOW));
	/* A clock set back does not lengthen a life. */
	ATF_CHECK_EQ(100, storage_left(slot(&st, 1, RELOAD_KIND_VIPR, "k1", 2), NOW - 1000000));
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
	struct storage	 st, back;
	struct storage_item si;
	struct storage_body sb;
	struct nodeid	 id = nid(3);
	struct storage_value *sv;
	struct span	 der;
	struct record	 r;
	size_t		 j, n, values;
	unsigned	 i;

	ATF_REQUIRE(sodium_init() != -1);
	now = NOW;
	storage_init(&st, disk_put, NULL, NULL);
	for (i = 0; i < 20; i++)
		ATF_REQUIRE_EQ(0, put(&st, 1 + i % 5, 50 + i, 1000, 0));
	si = item(90, "short", 1, NULL);
	si.si_lifetime = 10;
	ATF_REQUIRE_EQ(0, store(&st, 3, &vipr, 0, &si, 1, 0));
	ATF_CHECK_EQ(21 + 21 + 5, ndisk);
	values = st.st_nvalues;
	/* Loaded again: the same, until what expired meanwhile is swept out; with
	 * bodies in memory and on disk. */
	for (i = 0; i < 2; i++) {
		storage_init(&back, i == 0 ? NULL : disk_put, i == 0 ? NULL : disk_get, NULL);
		disk_load(&back);
		ATF_CHECK_EQ(values, back.st_nvalues);
		ATF_CHECK_EQ(5, back.st_nplaces);
		ATF_CHECK_EQ(st.st_bytes, back.st_bytes);
		ATF_CHECK_EQ(storage_find(&st, &id, RELOAD_KIND_VIPR)->sp_generation,
		    storage_find(&back, &id, RELOAD_KIND_VIPR)->sp_generation);
		sv = slot(&back, 3, RELOAD_KIND_VIPR, "short", 5);
		ATF_REQUIRE(sv != NULL);
		ATF_CHECK(storage_left(sv, NOW + 9000) > 0);
		ATF_CHECK_EQ(0, storage_left(sv, NOW + 60000));
		(void)storage_expire(&back, NOW + 60000, 10);
		ATF_CHECK_EQ(values - 1, back.st_nvalues);
		sv = slot(&back, 3, RELOAD_KIND_VIPR, "key52", 5);
		ATF_REQUIRE(sv != NULL);
		ATF_CHECK_EQ(1000, sv->sv_time);
		ATF_REQUIRE_EQ(0, storage_body(&back, sv, &sb));
		ATF_CHECK_EQ(0, memcmp(sb.sb_slot.p, "key52", 5));
		ATF_CHECK_EQ(0, memcmp(sb.sb_value.p, "value", 5));
		ATF_CHECK_EQ(0, memcmp(sb.sb_sig.p, "signature", 9));
		ATF_REQUIRE_EQ(0, storage_cert(&back, sv, &der));
		ATF_CHECK_EQ(6, der.len);
		ATF_CHECK_EQ(0, memcmp(der.p, "cert52", 6));
		storage_clear(&back);
	}
	ATF_CHECK_EQ(20 + 20 + 5, ndisk);
	/* Records cut short, each length. */
	for (j = 0; j < ndisk && disk[j].table != STORAGE_T_VALUE; j++)
		continue;
	r = disk[j];
	storage_init(&back, NULL, NULL, NULL);
	for (n = 0; n < r.len; n++)
		ATF_CHECK_EQ(-1, storage_load(&back, STORAGE_T_VALUE, r.key, r.keylen,
		    r.val, n));
	for (n = 0; n < r.keylen; n++)
		ATF_CHECK_EQ(-1, storage_load(&back, STORAGE_T_VALUE, r.key, n, r.val,
		    r.len));
	storage_loaded(&back);
	ATF_CHECK_EQ(0, back.st_nvalues);
	ATF_CHECK_EQ(0, back.st_nplaces);
	storage_clear(&back);
	/* Dropping places empties the disk. */
	while (st.st_nplaces > 0) {
		memset(&id, 0, sizeof(id));
		storage_drop(&st, storage_nfind(&st, &id, 0));
	}
	ATF_CHECK_EQ(0, ndisk);
	ATF_CHECK_EQ(0, st.st_bytes);
	storage_clear(&st);
}

/* A slow sweep looks at a part of a big index, and still says the right time. */
ATF_TC_WITHOUT_HEAD(sweep);
ATF_TC_BODY(sweep, tc)
{
	struct storage	 st;
	struct nodeid	 from, to;
	unsigned	 i, calls;
	uint64_t	 at;

	now = NOW;
	storage_init(&st, NULL, NULL, NULL);
	for (i = 0; i < 3000; i++)
		ATF_REQUIRE_EQ(0, put(&st, i, 10 + i % 700, 1000, 0));
	/* All expire in the same moment; ten go in a call. */
	ATF_CHECK_EQ(NOW + 86400000, storage_expire(&st, NOW + 86399999, 10));
	for (calls = 0; (at = storage_expire(&st, NOW + 86400000, 10)) != 0; calls++)
		ATF_REQUIRE(at <= NOW + 86400000 && calls < 1000);
	ATF_CHECK_EQ(0, st.st_nvalues);
	ATF_CHECK_EQ(3000, st.st_expired);
	/* One that comes while the index is being looked at is not overlooked. */
	for (i = 0; i < 100; i++)
		ATF_REQUIRE_EQ(0, put(&st, i, 10 + i, 1000, 0));
	ATF_CHECK(storage_expire(&st, NOW + 86400000, 10) <= NOW + 86400000);
	now = NOW + 1000;
	ATF_REQUIRE_EQ(0, put(&st, 0, 9, 1000, 0));
	while ((at = storage_expire(&st, NOW + 86400000, 10)) <= NOW + 86400000)
		ATF_REQUIRE(at != 0);
	ATF_CHECK_EQ(1, st.st_nvalues);
	ATF_CHECK_EQ(NOW + 1000 + 86400000, at);
	now = NOW;
	storage_clear(&st);
	/* What is outside the range goes, some hundred places a call. */
	storage_init(&st, NULL, NULL, NULL);
	for (i = 0; i < 2000; i++)
		ATF_REQUIRE_EQ(0, put(&st, i, 10 + i % 700, 1000, 0));
	from = nid(99);
	to = nid(199);
	for (calls = 1; storage_forget(&st, &from, &to) == 1; calls++)
		ATF_REQUIRE(calls < 100);
	ATF_CHECK(calls >= 1900 / 256);
	ATF_CHECK_EQ(100, st.st_nplaces);
	ATF_CHECK(storage_find(&st, &to, RELOAD_KIND_VIPR) != NULL);
	ATF_CHECK(storage_find(&st, &from, RELOAD_KIND_VIPR) == NULL);
	storage_clear(&st);
}

/* What has expired is answered to nobody and takes nobody's room, swept or not. */
ATF_TC_WITHOUT_HEAD(expired_room);
ATF_TC_BODY(expired_room, tc)
{
	struct storage	 st;
	struct storage_item si;
	unsigned	 i;

	now = NOW;
	storage_init(&st, NULL, NULL, NULL);
	for (i = 0; i < 4; i++) {
		si = item(1, "", 10, "v");
		si.si_index = i;
		si.si_lifetime = 100;
		ATF_REQUIRE_EQ(0, store(&st, 5, &array, 0, &si, 1, 0));
	}
	si = item(1, "", 10, "v");
	si.si_index = UINT32_MAX;
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_LARGE, store(&st, 5, &array, 0, &si, 1, 0));
	now = NOW + 100000;
	ATF_CHECK_EQ(0, store(&st, 5, &array, 0, &si, 1, 0));
	ATF_CHECK_EQ(1, count(&st, 5, 3));
	ATF_CHECK_EQ(4, st.st_expired);
	/* Nor does an expired entry's storage_time bind its successor. */
	now += 86400000;
	si = item(1, "", 9, "v");
	si.si_index = 0;
	ATF_CHECK_EQ(0, store(&st, 5, &array, 0, &si, 1, 0));
	now = NOW;
	storage_clear(&st);
}

/* Records that are gone or not what the index says: as good as expired. */
ATF_TC_WITHOUT_HEAD(lost);
ATF_TC_BODY(lost, tc)
{
	struct storage	 st;
	struct storage_body sb;
	struct storage_value *sv;
	struct record	*r;
	struct span	 der;
	size_t		 i, n;

	ATF_REQUIRE(sodium_init() != -1);
	now = NOW;
	storage_init(&st, disk_put, disk_get, NULL);
	for (i = 0; i < 6; i++)
		ATF_REQUIRE_EQ(0, put(&st, 1, 10 + (unsigned)i, 1000, 0));
	/* A disk that cannot be read now is not the end of anything. */
	disk_away = 1;
	sv = slot(&st, 1, RELOAD_KIND_VIPR, "key10", 5);
	ATF_REQUIRE(sv != NULL);
	ATF_CHECK_EQ(-1, storage_body(&st, sv, &sb));
	ATF_CHECK_EQ(-1, storage_cert(&st, sv, &der));
	ATF_CHECK(storage_left(sv, NOW) > 0);
	disk_away = 0;
	ATF_CHECK_STREQ("value", text(&st, sv));
	ATF_CHECK_EQ(0, st.st_lost);
	/* Of the six: gone, short, long, of another time, of another signer, whole. */
	for (i = 0, n = 0; i < ndisk; i++) {
		r = &disk[i];
		if (r->table != STORAGE_T_VALUE)
			continue;
		switch (n++) {
		case 0:
			r->table = 99;
			break;
		case 1:
			r->len--;
			break;
		case 2:
			r->len++;
			break;
		case 3:
			r->val[7] ^= 1;
			break;
		case 4:
			r->val[21] ^= 1;
			break;
		}
	}
	ATF_REQUIRE_EQ(6, n);
	for (i = 0, n = 0; i < 6; i++) {
		char	 key[16];

		(void)snprintf(key, sizeof(key), "key%zu", 10 + i);
		sv = slot(&st, 1, RELOAD_KIND_VIPR, key, 5);
		ATF_REQUIRE(sv != NULL);
		if (storage_body(&st, sv, &sb) == 0) {
			n++;
			continue;
		}
		ATF_CHECK_EQ(0, storage_left(sv, NOW));
		ATF_CHECK_EQ(-1, storage_body(&st, sv, &sb));
	}
	ATF_CHECK_EQ(1, n);
	ATF_CHECK_EQ(5, st.st_lost);
	/* The signer may store it again at once, whatever the time of the lost one. */
	for (i = 0; i < 6; i++) {
		if (put(&st, 1, 10 + (unsigned)i, 1000, 0) == 0)
			n++;
	}
	ATF_CHECK_EQ(6, n);
	ATF_CHECK_EQ(6, count(&st, 1, RELOAD_KIND_VIPR));
	for (i = 0; i < 6; i++) {
		char	 key[16];

		(void)snprintf(key, sizeof(key), "key%zu", 10 + i);
		ATF_CHECK_STREQ("value", text(&st, slot(&st, 1, RELOAD_KIND_VIPR, key, 5)));
	}
	/* Swept out with what has expired, but not counted so. */
	for (i = 0; i < ndisk && disk[i].table != STORAGE_T_CERT; i++)
		continue;
	disk[i] = disk[--ndisk];
	for (sv = storage_first(&st, storage_nfind(&st, &(struct nodeid){ { 0 } }, 0)), n = 0;
	    sv != NULL; sv = storage_after(&st, sv))
		n += storage_cert(&st, sv, &der) == -1;
	ATF_CHECK_EQ(1, n);
	(void)storage_expire(&st, NOW, 10);
	ATF_CHECK_EQ(5, st.st_nvalues);
	ATF_CHECK_EQ(0, st.st_expired);
	storage_clear(&st);
	ndisk = 0;
}

/* A disk that takes nothing: Data_Too_Large, and what was there stays. */
ATF_TC_WITHOUT_HEAD(full_disk);
ATF_TC_BODY(full_disk, tc)
{
	struct storage	 st;
	struct storage_item si[3];

	now = NOW;
	storage_init(&st, disk_put, disk_get, NULL);
	ATF_REQUIRE_EQ(0, put(&st, 1, 10, 1000, 0));
	disk_full = 1;
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_LARGE, put(&st, 1, 11, 1000, 0));
	ATF_CHECK_STREQ("storage is full", why);
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_LARGE, put(&st, 2, 10, 1000, 0));
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_LARGE, put(&st, 1, 10, 2000, 0));
	ATF_CHECK_EQ(1, st.st_nvalues);
	ATF_CHECK_EQ(1, st.st_nplaces);
	ATF_CHECK_EQ(1000, slot(&st, 1, RELOAD_KIND_VIPR, "key10", 5)->sv_time);
	ATF_CHECK_STREQ("value", text(&st, slot(&st, 1, RELOAD_KIND_VIPR, "key10", 5)));
	/* Removal needs no room. */
	disk_full = 0;
	si[0] = item(12, "k12", 1, "v");
	si[0].si_lifetime = 1;
	ATF_REQUIRE_EQ(0, store(&st, 2, &vipr, 0, si, 1, 0));
	disk_full = 1;
	(void)storage_expire(&st, NOW + 5000, 10);
	ATF_CHECK_EQ(1, st.st_nvalues);
	disk_full = 0;
	ATF_CHECK_EQ(0, put(&st, 1, 11, 1000, 0));
	storage_clear(&st);
	ndisk = 0;
}

/* Limits of the whole: reached without storing so much. */
ATF_TC_WITHOUT_HEAD(whole);
ATF_TC_BODY(whole, tc)
{
	struct storage	 st;
	size_t		 real;

	now = NOW;
	storage_init(&st, NULL, NULL, NULL);
	ATF_REQUIRE_EQ(0, put(&st, 1, 10, 1000, 0));
	real = st.st_bytes;
	st.st_bytes = STORAGE_BYTES_MAX;
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_LARGE, put(&st, 1, 11, 1000, 0));
	ATF_CHECK_STREQ("storage is full", why);
	st.st_bytes = STORAGE_BYTES_MAX - 1;
	ATF_CHECK_EQ(0, put(&st, 1, 11, 1000, 0));
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_LARGE, put(&st, 1, 12, 1000, 1));
	/* An update of what is there is no more than before. */
	ATF_CHECK_EQ(0, put(&st, 1, 11, 1001, 0));
	st.st_bytes = real;
	st.st_nvalues = STORAGE_VALUES_MAX;
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_LARGE, put(&st, 1, 12, 1000, 0));
	st.st_nvalues = STORAGE_VALUES_MAX - 1;
	ATF_CHECK_EQ(0, put(&st, 1, 12, 1000, 0));
	ATF_CHECK_EQ(WIRE_E_DATA_TOO_LARGE, put(&st, 1, 13, 1000, 0));
	storage_clear(&st);
}

/* UTC is set: what is stored stays as old as it was. */
ATF_TC_WITHOUT_HEAD(shift);
ATF_TC_BODY(shift, tc)
{
	struct storage	 st;
	struct storage_value *sv;

	now = NOW;
	storage_init(&st, NULL, NULL, NULL);
	ATF_REQUIRE_EQ(0, put(&st, 1, 10, 1000, 0));
	sv = slot(&st, 1, RELOAD_KIND_VIPR, "key10", 5);
	storage_shift(&st, 7 * 86400000ll, NOW + 7 * 86400000ull + 5000);
	ATF_CHECK_EQ(86395, storage_left(sv, NOW + 7 * 86400000ull + 5000));
	storage_shift(&st, -14 * 86400000ll, NOW - 7 * 86400000ull + 5000);
	ATF_CHECK_EQ(86395, storage_left(sv, NOW - 7 * 86400000ull + 5000));
	ATF_CHECK_EQ(NOW - 7 * 86400000ull + 86400000,
	    storage_expire(&st, NOW - 7 * 86400000ull + 5000, 10));
	ATF_CHECK_EQ(1, st.st_nvalues);
	storage_shift(&st, -(int64_t)NOW, 5000);
	ATF_CHECK(storage_left(sv, 5000) <= 86400);
	storage_clear(&st);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, rules);
	ATF_TP_ADD_TC(tp, models);
	ATF_TP_ADD_TC(tp, displacement);
	ATF_TP_ADD_TC(tp, quota);
	ATF_TP_ADD_TC(tp, expiry);
	ATF_TP_ADD_TC(tp, records);
	ATF_TP_ADD_TC(tp, sweep);
	ATF_TP_ADD_TC(tp, expired_room);
	ATF_TP_ADD_TC(tp, lost);
	ATF_TP_ADD_TC(tp, full_disk);
	ATF_TP_ADD_TC(tp, whole);
	ATF_TP_ADD_TC(tp, shift);
	return (atf_no_error());
}
