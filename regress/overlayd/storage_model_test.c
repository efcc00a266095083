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
 * The storage under many operations by chance, always the same ones, beside a
 * model that is a plain list, in its three forms: all in memory, written
 * through, and records on disk only.  After each step all counts are made anew.
 */

#include <atf-c.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage.h"
#include "storage_int.h"
#include "wire.h"

#define NOW		1700000000000ull
#define RESOURCES	24
#define SIGNERS		9
#define RECORDS		4096
#define MODEL		2048

struct record {
	int		 r_table;
	size_t		 r_keylen, r_len;
	uint8_t		 r_key[64], r_val[512];
};

struct model {
	int		 m_used;
	unsigned	 m_resource, m_signer, m_kind;
	size_t		 m_slotlen;
	char		 m_slot[64], m_value[32];
	uint64_t	 m_time, m_expire;
};

static uint32_t	 rnd(uint32_t);
static struct record *disk_find(int, const void *, size_t);
static int	 disk_put(void *, enum storage_table, const void *, size_t, const void *, size_t);
static ssize_t	 disk_get(void *, enum storage_table, const void *, size_t, void *, size_t);
static struct nodeid nid(unsigned);
static struct model *model_find(unsigned, unsigned, const char *, size_t);
static void	 model_drop_expired(void);
static void	 op_store(struct storage *);
static void	 op_drop(struct storage *);
static void	 op_expire(struct storage *);
static void	 op_range(struct storage *);
static void	 op_forget(struct storage *);
static void	 check_places(struct storage *);
static void	 check_counts(struct storage *);
static void	 check_model(struct storage *);
static void	 op_reload(struct storage *, storage_put_fn, storage_get_fn);
static void	 run(storage_put_fn, storage_get_fn);

static const struct reload_kind	 kinds[] = {
	{ .rk_id = RELOAD_KIND_VIPR, .rk_model = RELOAD_DICTIONARY,
	    .rk_policy = RELOAD_VIPR_NODE_KEY_MATCH, .rk_max_count = 100, .rk_max_size = 64,
	    .rk_lifetime = 86400, .rk_max_per_node = 100, .rk_quota = 20000 },
	{ .rk_id = 3, .rk_model = RELOAD_ARRAY, .rk_policy = RELOAD_NODE_MATCH,
	    .rk_max_count = 6, .rk_max_size = 100 },
	{ .rk_id = 2, .rk_model = RELOAD_SINGLE, .rk_policy = RELOAD_NODE_MULTIPLE,
	    .rk_max_count = 1, .rk_max_size = 100 }
};

static struct record	 disk[RECORDS];
static size_t		 ndisk;
static struct model	 model[MODEL];
static uint64_t		 now, seed, expired;
static struct nodeid	 range_from, range_to;

static uint32_t
rnd(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return ((uint32_t)(seed >> 20) % below);
}

static struct record *
disk_find(int table, const void *key, size_t keylen)
{
	size_t		 i;

	for (i = 0; i < ndisk; i++) {
		if (disk[i].r_table == table && disk[i].r_keylen == keylen &&
		    memcmp(disk[i].r_key, key, keylen) == 0)
			return (&disk[i]);
	}
	return (NULL);
}

static int
disk_put(void *arg, enum storage_table table, const void *key, size_t keylen,
    const void *val, size_t len)
{
	struct record	*r = disk_find((int)table, key, keylen);

	(void)arg;
	if (val == NULL) {
		ATF_REQUIRE_MSG(r != NULL, "a record is deleted that was not put");
		*r = disk[--ndisk];
		return (0);
	}
	if (r == NULL)
		r = &disk[ndisk++];
	ATF_REQUIRE(ndisk < RECORDS && len <= sizeof(r->r_val));
	r->r_table = (int)table;
	r->r_keylen = keylen;
	memcpy(r->r_key, key, keylen);
	memcpy(r->r_val, val, len);
	r->r_len = len;
	return (0);
}

static ssize_t
disk_get(void *arg, enum storage_table table, const void *key, size_t keylen, void *buf,
    size_t size)
{
	struct record	*r = disk_find((int)table, key, keylen);

	(void)arg;
	if (r == NULL || r->r_len > size)
		return (0);
	memcpy(buf, r->r_val, r->r_len);
	return ((ssize_t)r->r_len);
}

static struct nodeid
nid(unsigned n)
{
	struct nodeid	 id;

	(void)crypto_generichash(id.id_b, NODEID_LEN, (uint8_t *)&n, sizeof(n), NULL, 0);
	return (id);
}

static struct model *
model_find(unsigned resource, unsigned kind, const char *slot, size_t len)
{
	size_t		 i;

	for (i = 0; i < MODEL; i++) {
		if (model[i].m_used && model[i].m_resource == resource &&
		    model[i].m_kind == kind && model[i].m_slotlen == len &&
		    memcmp(model[i].m_slot, slot, len) == 0)
			return (&model[i]);
	}
	return (NULL);
}

static void
model_drop_expired(void)
{
	size_t		 i;

	for (i = 0; i < MODEL; i++) {
		if (model[i].m_used && model[i].m_expire <= now)
			model[i].m_used = 0;
	}
}

static void
op_store(struct storage *st)
{
	struct storage_item si;
	struct storage_set ss;
	struct model	*m, want;
	struct nodeid	 id;
	struct wbuf	 w;
	const char	*why = "";
	char		 cert[16];
	uint8_t		 ix[4];
	unsigned	 kind = rnd(8) < 5 ? 0 : 1 + rnd(2);
	size_t		 i;

	memset(&want, 0, sizeof(want));
	memset(&si, 0, sizeof(si));
	want.m_used = 1;
	want.m_kind = kind;
	want.m_resource = rnd(RESOURCES);
	want.m_signer = rnd(SIGNERS);
	want.m_time = 1000 + rnd(5000);
	si.si_lifetime = 1 + rnd(2000);
	want.m_expire = now + si.si_lifetime * 1000;
	(void)snprintf(want.m_value, sizeof(want.m_value), "value%u", rnd(1000000));
	if (kind == 0) {
		/* Keys that stand in the index and longer ones. */
		(void)snprintf(want.m_slot, sizeof(want.m_slot), rnd(2) ? "%u+%u" :
		    "a long key of node %u, number %u", want.m_signer, rnd(4));
		want.m_slotlen = strlen(want.m_slot);
		si.si_key.p = want.m_slot;
		si.si_key.len = want.m_slotlen;
	} else if (kind == 1) {
		si.si_index = rnd(6);
		wbuf_init(&w, ix, sizeof(ix));
		wbuf_u32(&w, si.si_index);
		memcpy(want.m_slot, ix, 4);
		want.m_slotlen = 4;
	}
	si.si_signer = nid(1000 + want.m_signer);
	si.si_time = want.m_time;
	si.si_exists = 1;
	si.si_value.p = want.m_value;
	si.si_value.len = strlen(want.m_value);
	si.si_sig.p = "signature";
	si.si_sig.len = 9;
	/* Each node has had two certificates. */
	(void)snprintf(cert, sizeof(cert), "cert%u.%u", want.m_signer, rnd(2));
	si.si_cert.p = cert;
	si.si_cert.len = strlen(cert);
	(void)crypto_hash_sha256(si.si_sha256, (uint8_t *)cert, strlen(cert));
	memset(&ss, 0, sizeof(ss));
	ss.ss_kind = &kinds[kind];
	ss.ss_items = &si;
	ss.ss_nitems = 1;
	id = nid(want.m_resource);
	m = model_find(want.m_resource, kind, want.m_slot, want.m_slotlen);
	if (m != NULL && m->m_expire <= now) {
		m->m_used = 0;
		m = NULL;
	}
	if (m != NULL && want.m_time <= m->m_time) {
		ATF_REQUIRE_EQ(WIRE_E_DATA_TOO_OLD, storage_store(st, &id, 0, &ss, 1, now, &why));
		return;
	}
	ATF_REQUIRE_EQ_MSG(0, storage_store(st, &id, 0, &ss, 1, now, &why), "%s", why);
	ATF_REQUIRE(ss.ss_changed && ss.ss_current > 0);
	for (i = 0; m == NULL; i++) {
		ATF_REQUIRE(i < MODEL);
		if (!model[i].m_used)
			m = &model[i];
	}
	*m = want;
}

static void
op_drop(struct storage *st)
{
	struct storage_place *sp;
	struct nodeid	 id = nid(rnd(RESOURCES)), other;
	size_t		 i;
	unsigned	 kind = rnd(3);

	sp = storage_nfind(st, &id, kinds[kind].rk_id);
	if (sp == NULL)
		return;
	for (i = 0; i < MODEL; i++) {
		other = nid(model[i].m_resource);
		if (nodeid_eq(&other, &sp->sp_resource) &&
		    kinds[model[i].m_kind].rk_id == sp->sp_kind)
			model[i].m_used = 0;
	}
	storage_drop(st, sp);
}

static void
op_expire(struct storage *st)
{
	uint64_t	 at, min = 0;
	size_t		 i;

	now += rnd(200000);
	do {
		at = storage_expire(st, now, 1 + rnd(4));
	} while (at != 0 && at <= now);
	model_drop_expired();
	for (i = 0; i < MODEL; i++) {
		if (model[i].m_used && (min == 0 || model[i].m_expire < min))
			min = model[i].m_expire;
	}
	/* Never later than the first to expire; there may be none that early. */
	ATF_REQUIRE(min == 0 ? at == 0 || st->st_nvalues == 0 : at != 0 && at <= min);
	ATF_REQUIRE(at == 0 || at > now);
}

static void
op_range(struct storage *st)
{
	range_from = nid(2000 + rnd(20));
	range_to = nid(2000 + rnd(20));
	storage_range(st, &range_from, &range_to, 1000000000);
}

static void
op_forget(struct storage *st)
{
	struct nodeid	 from = nid(3000 + rnd(1000)), to = nid(3000 + rnd(1000)), id;
	size_t		 i;

	while (storage_forget(st, &from, &to) == 1)
		continue;
	for (i = 0; i < MODEL; i++) {
		id = nid(model[i].m_resource);
		if (!nodeid_in(&id, &from, &to))
			model[i].m_used = 0;
	}
}

/* From nothing but the records, expired ones and all. */
static void
op_reload(struct storage *st, storage_put_fn put, storage_get_fn get)
{
	static const int order[] = { STORAGE_T_CERT, STORAGE_T_GENERATION, STORAGE_T_VALUE };
	struct storage	 back;
	size_t		 i, j, values = st->st_nvalues, places = st->st_nplaces;
	size_t		 bytes = st->st_bytes, records = ndisk;

	expired += st->st_expired;
	storage_clear(st);
	/* Not where it was: nothing of the old one may be in use. */
	storage_init(&back, put, get, NULL);
	for (i = 0; i < 3; i++) {
		for (j = 0; j < ndisk; j++) {
			if (disk[j].r_table == order[i])
				ATF_REQUIRE_EQ(0, storage_load(&back,
				    (enum storage_table)order[i], disk[j].r_key,
				    disk[j].r_keylen, disk[j].r_val, disk[j].r_len));
		}
	}
	storage_loaded(&back);
	ATF_REQUIRE_EQ(values, back.st_nvalues);
	ATF_REQUIRE_EQ(places, back.st_nplaces);
	ATF_REQUIRE_EQ(bytes, back.st_bytes);
	ATF_REQUIRE_EQ(records, ndisk);
	storage_range(&back, &range_from, &range_to, 1000000000);
	check_places(&back);
	check_counts(&back);
	check_model(&back);
	storage_clear(&back);
	/* And once more, to go on with. */
	storage_init(st, put, get, NULL);
	for (i = 0; i < 3; i++) {
		for (j = 0; j < ndisk; j++) {
			if (disk[j].r_table == order[i])
				(void)storage_load(st, (enum storage_table)order[i],
				    disk[j].r_key, disk[j].r_keylen, disk[j].r_val,
				    disk[j].r_len);
		}
	}
	storage_loaded(st);
	storage_range(st, &range_from, &range_to, 1000000000);
}

/* Places in order, each list by slot; what was counted while going along. */
static void
check_places(struct storage *st)
{
	const struct storage_place *sp, *before = NULL;
	struct storage_value *sv, *last;
	struct storage_body sb;
	struct nodeid	 id;
	size_t		 places = 0, values = 0, bytes = 0;
	uint32_t	 kind = 0, count, i;

	memset(&id, 0, sizeof(id));
	while ((sp = storage_nfind(st, &id, kind)) != NULL) {
		ATF_REQUIRE(before == NULL || before->sp_kind < sp->sp_kind ||
		    (before->sp_kind == sp->sp_kind &&
		    nodeid_cmp(&before->sp_resource, &sp->sp_resource) < 0));
		ATF_REQUIRE(sp->sp_generation > 0);
		ATF_REQUIRE_EQ(sp, storage_find(st, &sp->sp_resource, sp->sp_kind));
		ATF_REQUIRE_EQ(nodeid_in(&sp->sp_resource, &st->st_from, &st->st_to),
		    sp->sp_link.il_mark);
		count = 0;
		last = NULL;
		for (sv = storage_first(st, sp); sv != NULL; sv = storage_after(st, sv)) {
			ATF_REQUIRE_EQ(sp, storage_place(st, sv));
			ATF_REQUIRE(last == NULL || memcmp(last->sv_slot, sv->sv_slot,
			    STORAGE_SLOT_ID) < 0);
			ATF_REQUIRE_EQ(0, storage_body(st, sv, &sb));
			ATF_REQUIRE_EQ(sv, storage_slot(st, sp, sb.sb_slot.p, sb.sb_slot.len));
			bytes += STORAGE_KEY_LEN + sv->sv_len;
			last = sv;
			count++;
		}
		ATF_REQUIRE(count > 0);
		ATF_REQUIRE_EQ(count, sp->sp_count);
		values += count;
		places++;
		before = sp;
		id = sp->sp_resource;
		kind = sp->sp_kind;
		nodeid_next(&id, &id);
	}
	for (i = 1; i <= st->st_certs.sb_top; i++) {
		if (storage_cert_at(st, i)->sc_refs > 0)
			bytes += 32 + storage_cert_at(st, i)->sc_len;
	}
	ATF_REQUIRE_EQ(places, st->st_nplaces);
	ATF_REQUIRE_EQ(values, st->st_nvalues);
	ATF_REQUIRE_EQ(bytes, st->st_bytes);
}

/* Signers and certificates: counts and references. */
static void
check_counts(struct storage *st)
{
	const struct storage_owner *so;
	const struct storage_cert *sc;
	struct storage_value *sv;
	struct span	 der;
	uint32_t	 i, j, count, primary;

	for (i = 1; i <= st->st_owners.sb_top; i++) {
		so = storage_owner_at(st, i);
		count = primary = 0;
		for (j = 1; j <= st->st_values.sb_top; j++) {
			sv = storage_value_at(st, j);
			if (sv->sv_place == 0 || sv->sv_owner != i)
				continue;
			count++;
			primary += storage_place(st, sv)->sp_link.il_mark;
		}
		ATF_REQUIRE_EQ(count == 0, so->so_link.il_height == 0);
		if (count == 0)
			continue;
		ATF_REQUIRE_EQ(count, so->so_count);
		ATF_REQUIRE_EQ(primary, so->so_primary);
		ATF_REQUIRE_EQ(i, storage_owner_get(st, &so->so_node, 0));
	}
	for (i = 1; i <= st->st_certs.sb_top; i++) {
		sc = storage_cert_at(st, i);
		count = 0;
		for (j = 1; j <= st->st_values.sb_top; j++) {
			sv = storage_value_at(st, j);
			if (sv->sv_place == 0 || sv->sv_cert != i)
				continue;
			if (count++ == 0) {
				ATF_REQUIRE_EQ(0, storage_cert(st, sv, &der));
				ATF_REQUIRE_EQ(0, strncmp(der.p, "cert", 4));
			}
		}
		ATF_REQUIRE_EQ(count, sc->sc_refs);
	}
}

static void
check_model(struct storage *st)
{
	const struct model *m;
	struct storage_value *sv;
	struct storage_body sb;
	struct nodeid	 id;
	size_t		 i, n = 0, live = 0;
	uint32_t	 j;

	for (i = 0; i < MODEL; i++) {
		m = &model[i];
		if (!m->m_used || m->m_expire <= now)
			continue;
		n++;
		id = nid(m->m_resource);
		sv = storage_slot(st, storage_find(st, &id, kinds[m->m_kind].rk_id), m->m_slot,
		    m->m_slotlen);
		ATF_REQUIRE(sv != NULL);
		ATF_REQUIRE_EQ(m->m_time, sv->sv_time);
		ATF_REQUIRE_EQ((m->m_expire - now + 999) / 1000, storage_left(sv, now));
		ATF_REQUIRE_EQ(0, storage_body(st, sv, &sb));
		ATF_REQUIRE(sb.sb_value.len == strlen(m->m_value) &&
		    memcmp(sb.sb_value.p, m->m_value, sb.sb_value.len) == 0);
	}
	for (j = 1; j <= st->st_values.sb_top; j++) {
		sv = storage_value_at(st, j);
		if (sv->sv_place != 0 && storage_left(sv, now) > 0)
			live++;
	}
	ATF_REQUIRE_EQ(n, live);
}

static void
run(storage_put_fn put, storage_get_fn get)
{
	struct storage	 st;
	struct storage_place *sp;
	struct nodeid	 zero;
	unsigned	 i;

	ATF_REQUIRE(sodium_init() != -1);
	seed = 88172645463325252u;
	now = NOW;
	memset(&zero, 0, sizeof(zero));
	range_from = range_to = zero;
	storage_init(&st, put, get, NULL);
	for (i = 0; i < 6000; i++) {
		switch (rnd(64)) {
		case 0:
			op_drop(&st);
			break;
		case 1:
			op_expire(&st);
			break;
		case 2:
			op_range(&st);
			break;
		case 3:
			if (rnd(8) == 0)
				op_forget(&st);
			break;
		case 4:
			if (put != NULL)
				op_reload(&st, put, get);
			break;
		default:
			op_store(&st);
			break;
		}
		if (i % 10 != 0)
			continue;
		check_places(&st);
		check_counts(&st);
		check_model(&st);
	}
	ATF_CHECK(st.st_nvalues > 50 && expired + st.st_expired > 50);
	while ((sp = storage_nfind(&st, &zero, 0)) != NULL)
		storage_drop(&st, sp);
	ATF_CHECK_EQ(0, st.st_nvalues);
	ATF_CHECK_EQ(0, st.st_nplaces);
	ATF_CHECK_EQ(0, st.st_bytes);
	ATF_CHECK_EQ(0, ndisk);
	ATF_CHECK(st.st_bynode.it_root == 0 && st.st_bysha256.it_root == 0);
	storage_clear(&st);
}

ATF_TC_WITHOUT_HEAD(memory);
ATF_TC_BODY(memory, tc)
{
	run(NULL, NULL);
}

ATF_TC_WITHOUT_HEAD(written_through);
ATF_TC_BODY(written_through, tc)
{
	run(disk_put, NULL);
}

ATF_TC_WITHOUT_HEAD(on_disk);
ATF_TC_BODY(on_disk, tc)
{
	run(disk_put, disk_get);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, memory);
	ATF_TP_ADD_TC(tp, written_through);
	ATF_TP_ADD_TC(tp, on_disk);
	return (atf_no_error());
}
