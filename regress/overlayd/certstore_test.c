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
 * Our own certificate at its two places: stored once, renewed, not doubled by a
 * restart, beside the old one after a renewal, and nobody else's to write.
 */

#include <atf-c.h>

#include "simnet.h"

#define BY_NODE		0
#define BY_USER		1
#define HOUR		3600000ull	/* ms */
#define ENTRIES_MAX	16

static struct sim	*si;
static unsigned		 conflicts;	/* Stores refused for their generation */
static struct {
	int		 done;
	int		 error;
	uint16_t	 code;
	uint8_t		 body[8192];
	size_t		 len;
}			 answer;

struct entry {			/* of an array that was fetched */
	uint32_t	 en_index;
	uint32_t	 en_lifetime;	/* what is left of it, s */
	uint64_t	 en_time;
	uint8_t		 en_exists;
	uint8_t		 en_signer[32];	/* SHA-256 of the certificate */
	size_t		 en_len;
	uint8_t		 en_data[64];
};
static struct {
	uint64_t	 generation;
	unsigned	 n;
	struct entry	 entry[ENTRIES_MAX];
}			 seen;

static int	 tap(struct sim *, struct simnode *, struct simnode *, const void *, size_t);
static void	 begin(int, uint64_t, int);
static struct nodeid place(const struct simnode *, int);
static void	 look(struct simnode *, const struct nodeid *, int);
static const struct entry *root(const struct nodeid *, int, uint32_t);
static int	 is_cert(const struct entry *, const struct simnode *);
static unsigned	 holders(const struct simnode *, int);
static unsigned	 stored(const struct nodeid *, int);
static void	 join(void);
static void	 restart(int);
static int	 ask(struct simnode *, uint8_t, const struct nodeid *, unsigned, const void *,
		    size_t, const struct simnode *);
static int	 store(struct simnode *, const struct simnode *, const struct simnode *, int,
		    uint32_t, int);

static int
tap(struct sim *s, struct simnode *from, struct simnode *to, const void *msg, size_t len)
{
	struct wire_msg	 wm;
	struct wire_error we;
	struct wire_errresp wr;

	(void)s;
	(void)from;
	(void)to;
	if (wire_msg_parse(msg, len, &wm, &we) == 0 && wm.wm_contents.wc_code == WIRE_ERROR &&
	    wire_error_parse(&wm.wm_contents.wc_body, &wr, &we) == 0 &&
	    wr.wr_code == WIRE_E_GENERATION_TOO_LOW)
		conflicts++;
	return (0);
}

/* n nodes that store their certificates, the first withstore of them, each
 * with a user name of its own. */
static void
begin(int n, uint64_t seed, int withstore)
{
	char		 user[32];
	int		 i;

	si = sim_new(n, seed);
	si->si_tap = tap;
	conflicts = 0;
	for (i = 0; i < n; i++) {
		(void)snprintf(user, sizeof(user), "%04x u/%d", 0x9e37u * (unsigned)(i + 1), i);
		sim_cert(&si->si_node[i], user, 1);
		si->si_node[i].sn_storecert = i < withstore;
		(void)sim_on(si, i);
	}
	join();
	sim_for(si, 60000);
}

static struct nodeid
place(const struct simnode *sn, int which)
{
	struct nodeid	 id;

	if (which == BY_NODE)
		nodeid_resource(sn->sn_id.id_b, NODEID_LEN, &id);
	else
		nodeid_resource(sn->sn_user, strlen(sn->sn_user), &id);
	return (id);
}

/* What a node holds there, as it answers itself; holes left out. */
static void
look(struct simnode *sn, const struct nodeid *id, int which)
{
	struct wire_fetch wf;
	struct wire_spec spec;
	struct wire_kinddata wk;
	struct wire_stored ws;
	struct wire_error we;
	struct entry	*en;
	struct wbuf	 w;
	struct cur	 body, kinds;
	unsigned	 unknown;
	uint8_t		 buf[64], out[128];

	memset(&spec, 0, sizeof(spec));
	spec.wp_kind = which == BY_NODE ? 3 : 16;
	spec.wp_model = RELOAD_ARRAY;
	cur_init(&spec.wp_list, "\0\0\0\0\xff\xff\xff\xff", 8);
	wbuf_init(&w, buf, sizeof(buf));
	wire_spec_write(&w, &spec);
	memset(&wf, 0, sizeof(wf));
	wf.wf_resource.p = (const char *)id->id_b;
	wf.wf_resource.len = NODEID_LEN;
	cur_init(&wf.wf_specs, buf, w.w_len);
	wbuf_init(&w, out, sizeof(out));
	wire_fetch_write(&w, &wf);
	memset(&seen, 0, sizeof(seen));
	/* The resource is in the body: an answer comes from that very node. */
	ATF_REQUIRE_EQ(WIRE_FETCH_ANS, ask(sn, WIRE_DEST_NODE, &sn->sn_id, WIRE_FETCH, out,
	    w.w_len, NULL));
	cur_init(&body, answer.body, answer.len);
	ATF_REQUIRE_EQ(0, wire_fetchans_parse(&body, data_model, sn->sn_node, &kinds, &unknown,
	    &we));
	ATF_REQUIRE_EQ(1, wire_kinddata_next(&kinds, data_model, sn->sn_node, &wk));
	seen.generation = wk.wk_generation;
	while (wire_stored_next(&wk.wk_values, RELOAD_ARRAY, &ws) == 1) {
		if (reload_signature_is_none(&ws.ws_sig))
			continue;
		ATF_REQUIRE(seen.n < ENTRIES_MAX);
		en = &seen.entry[seen.n++];
		en->en_index = ws.ws_value.wv_index;
		en->en_lifetime = ws.ws_lifetime;
		en->en_time = ws.ws_time;
		en->en_exists = ws.ws_value.wv_exists;
		ATF_REQUIRE_EQ(32, ws.ws_sig.rs_id.ri_value.len);
		memcpy(en->en_signer, ws.ws_sig.rs_id.ri_value.p, 32);
		en->en_len = ws.ws_value.wv_data.len;
		ATF_REQUIRE(en->en_len <= sizeof(en->en_data));
		memcpy(en->en_data, ws.ws_value.wv_data.p, en->en_len);
	}
}

/* The entry with that index at the responsible peer, NULL for none. */
static const struct entry *
root(const struct nodeid *id, int which, uint32_t index)
{
	unsigned	 i;

	look(sim_owner(si, id), id, which);
	for (i = 0; i < seen.n; i++) {
		if (seen.entry[i].en_index == index)
			return (&seen.entry[i]);
	}
	return (NULL);
}

static int
is_cert(const struct entry *en, const struct simnode *sn)
{
	return (en != NULL && en->en_exists && en->en_len == sn->sn_certlen &&
	    memcmp(en->en_data, sn->sn_cert, sn->sn_certlen) == 0 &&
	    memcmp(en->en_signer, sn->sn_sha256, 32) == 0);
}

/* Nodes that have the certificate of sn at that place. */
static unsigned
holders(const struct simnode *sn, int which)
{
	struct nodeid	 id = place(sn, which);
	unsigned	 j, n = 0;
	int		 i;

	for (i = 0; i < si->si_nnodes; i++) {
		if (si->si_node[i].sn_node == NULL)
			continue;
		look(&si->si_node[i], &id, which);
		for (j = 0; j < seen.n && !is_cert(&seen.entry[j], sn); j++)
			continue;
		n += j < seen.n;
	}
	return (n);
}

/* Values at the responsible peer that have not expired. */
static unsigned
stored(const struct nodeid *id, int which)
{
	(void)root(id, which, 0);
	return (seen.n);
}

/* All join; what they warned of until then is nothing to us. */
static void
join(void)
{
	int		 i;

	ATF_REQUIRE_EQ(0, sim_join(si, 240000));
	for (i = 0; i < si->si_nnodes; i++)
		si->si_node[i].sn_warnings = 0;
}

static void
restart(int i)
{
	sim_off(si, i, 1);
	sim_for(si, 20000);
	(void)sim_on(si, i);
	join();
	sim_for(si, 60000);
}

static void
answered(struct node *n, const struct node_resp *resp, void *arg)
{
	(void)n;
	(void)arg;
	answer.done = 1;
	answer.error = resp->nr_error;
	if (resp->nr_contents == NULL)
		return;
	answer.code = resp->nr_contents->wc_code;
	answer.len = cur_left(&resp->nr_contents->wc_body);
	ATF_REQUIRE(answer.len <= sizeof(answer.body));
	memcpy(answer.body, resp->nr_contents->wc_body.c_p, answer.len);
}

/* A request of a node: the answer's code, or an error as -code. */
static int
ask(struct simnode *sn, uint8_t type, const struct nodeid *id, unsigned code,
    const void *body, size_t len, const struct simnode *also)
{
	struct node_build b;
	struct node_dest nd = { type, *id };
	int		 i;

	memset(&answer, 0, sizeof(answer));
	node_clock(sn->sn_node, si->si_now, SIM_WALL + si->si_now);
	ATF_REQUIRE_EQ(0, build_open(sn->sn_node, &b, (uint16_t)code));
	wbuf_bytes(&b.nb_w, body, len);
	if (also != NULL)
		build_cert(&b, also->sn_cert, also->sn_certlen);
	ATF_REQUIRE(node_request(sn->sn_node, &b, &nd, 1, 0, answered, NULL) != 0);
	sim_rewake(sn);
	for (i = 0; i < 400 && !answer.done; i++)
		sim_for(si, 50);
	ATF_REQUIRE(answer.done);
	return (answer.error != 0 ? -answer.error : answer.code);
}

/* by asks to store, signed by signer, at the place of owner. */
static int
store(struct simnode *by, const struct simnode *signer, const struct simnode *owner, int which,
    uint32_t index, int exists)
{
	struct wire_store wt;
	struct wire_kinddata wk;
	struct wire_stored ws;
	struct nodeid	 id = place(owner, which);
	struct span	 part;
	struct wbuf	 w;
	struct cur	 c;
	uint8_t		 in[512], ident[RELOAD_IDENTITY_LEN], sig[32], sb[128], vals[512];
	uint8_t		 kinds[512], body[1024];

	memset(&ws, 0, sizeof(ws));
	ws.ws_time = SIM_WALL + si->si_now;
	ws.ws_lifetime = 86400;
	ws.ws_value.wv_index = index;
	ws.ws_value.wv_exists = (uint8_t)exists;
	ws.ws_value.wv_data.p = (const char *)signer->sn_cert;
	ws.ws_value.wv_data.len = exists ? signer->sn_certlen : 0;
	memset(&wk, 0, sizeof(wk));
	wk.wk_kind = which == BY_NODE ? 3 : 16;
	wk.wk_model = RELOAD_ARRAY;
	wbuf_init(&w, in, sizeof(in));
	wire_data_input(&w, id.id_b, NODEID_LEN, wk.wk_kind, RELOAD_ARRAY, ws.ws_time,
	    &ws.ws_value);
	part.p = (const char *)in;
	part.len = w.w_len;
	sim_identity(signer, ident);
	sim_signature(&signer->sn_id, &part, 1, ident, sizeof(ident), sig);
	wbuf_init(&w, sb, sizeof(sb));
	reload_signature_write(&w, RELOAD_SIG_ECDSA, signer->sn_sha256, sig, 32);
	cur_init(&c, sb, w.w_len);
	ATF_REQUIRE_EQ(0, reload_signature_parse(&c, &ws.ws_sig));
	wbuf_init(&w, vals, sizeof(vals));
	wire_stored_write(&w, RELOAD_ARRAY, &ws);
	cur_init(&wk.wk_values, vals, w.w_len);
	wbuf_init(&w, kinds, sizeof(kinds));
	wire_kinddata_write(&w, &wk);
	memset(&wt, 0, sizeof(wt));
	wt.wt_resource.p = (const char *)id.id_b;
	wt.wt_resource.len = NODEID_LEN;
	cur_init(&wt.wt_kinds, kinds, w.w_len);
	wbuf_init(&w, body, sizeof(body));
	wire_store_write(&w, &wt);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	return (ask(by, WIRE_DEST_RESOURCE, &id, WIRE_STORE, body, w.w_len, signer));
}

ATF_TC_WITHOUT_HEAD(places);
ATF_TC_BODY(places, tc)
{
	struct wire_find wf;
	struct wire_findkind fk;
	struct wire_error we;
	struct simnode	*sn;
	struct nodeid	 id;
	struct wbuf	 w;
	struct cur	 body, kinds;
	uint8_t		 buf[64], list[4];
	int		 i, which;

	begin(9, 1, 9);
	sim_for(si, 300000);	/* copies of while nodes joined are gone */
	for (i = 0; i < 9; i++) {
		sn = &si->si_node[i];
		for (which = 0; which < 2; which++) {
			id = place(sn, which);
			ATF_CHECK_EQ(1, sn->sn_certstore->cs_place[which].cp_rounds);
			ATF_CHECK_EQ(0, sn->sn_certstore->cs_place[which].cp_renewed);
			ATF_CHECK_EQ(3, holders(sn, which));
			ATF_CHECK_EQ(1, stored(&id, which));
			ATF_CHECK(is_cert(root(&id, which, 0), sn));
			ATF_CHECK(root(&id, which, 0)->en_lifetime > 85800);
		}
		ATF_CHECK_EQ(0, sn->sn_warnings);
	}
	/* Anybody finds it, from any place that the same peer has. */
	sn = &si->si_node[4];
	id = place(sn, BY_NODE);
	memset(&wf, 0, sizeof(wf));
	wf.wf_resource.p = (const char *)id.id_b;
	wf.wf_resource.len = NODEID_LEN;
	wbuf_init(&w, list, sizeof(list));
	wbuf_u32(&w, RELOAD_KIND_CERT_NODE);
	cur_init(&wf.wf_kinds, list, w.w_len);
	wbuf_init(&w, buf, sizeof(buf));
	wire_find_write(&w, &wf);
	ATF_CHECK_EQ(WIRE_FIND_ANS, ask(&si->si_node[2], WIRE_DEST_RESOURCE, &id, WIRE_FIND, buf,
	    w.w_len, NULL));
	cur_init(&body, answer.body, answer.len);
	ATF_REQUIRE_EQ(0, wire_findans_parse(&body, &kinds, &we));
	ATF_REQUIRE_EQ(1, wire_findkind_next(&kinds, &fk));
	ATF_CHECK_EQ(RELOAD_KIND_CERT_NODE, fk.wf_kind);
	ATF_CHECK(fk.wf_closest.len == NODEID_LEN &&
	    memcmp(fk.wf_closest.p, id.id_b, NODEID_LEN) == 0);
	sim_free(si);
}

/* A restart renews what is there, with or without what it had on disk. */
ATF_TC_WITHOUT_HEAD(restarted);
ATF_TC_BODY(restarted, tc)
{
	struct simrecord *sr;
	struct simnode	*sn;
	struct nodeid	 id;
	uint64_t	 before[2], generation[2];
	int		 which, lost;

	begin(6, 2, 6);
	sn = &si->si_node[3];
	for (lost = 0; lost < 2; lost++) {
		for (which = 0; which < 2; which++) {
			id = place(sn, which);
			before[which] = root(&id, which, 0)->en_time;
			generation[which] = seen.generation;
		}
		if (lost) {
			sim_off(si, 3, 1);
			while ((sr = RB_MIN(simrecords, &sn->sn_store)) != NULL) {
				RB_REMOVE(simrecords, &sn->sn_store, sr);
				free(sr->sr_val);
				free(sr);
			}
			(void)sim_on(si, 3);
			join();
			sim_for(si, 60000);
		} else
			restart(3);
		for (which = 0; which < 2; which++) {
			id = place(sn, which);
			ATF_CHECK_EQ(1, stored(&id, which));
			ATF_CHECK(is_cert(root(&id, which, 0), sn));
			ATF_CHECK(root(&id, which, 0)->en_time > before[which]);
			ATF_CHECK(seen.generation > generation[which]);
			ATF_CHECK_EQ(3, holders(sn, which));
			ATF_CHECK_EQ(1, sn->sn_certstore->cs_place[which].cp_renewed);
		}
	}
	sim_free(si);
}

/* At half-life, and it never runs out; once a peer that held it is gone the
 * others have it. */
ATF_TC_WITHOUT_HEAD(renewed);
ATF_TC_BODY(renewed, tc)
{
	struct simnode	*sn;
	struct nodeid	 id;
	uint64_t	 first;
	int		 i;

	begin(5, 3, 5);
	sn = &si->si_node[2];
	id = place(sn, BY_NODE);
	first = root(&id, BY_NODE, 0)->en_time;
	sim_for(si, 10 * HOUR);
	ATF_CHECK_EQ(first, root(&id, BY_NODE, 0)->en_time);
	sim_for(si, 3 * HOUR);
	ATF_CHECK(root(&id, BY_NODE, 0)->en_time > first + 10 * HOUR);
	for (i = 0; i < 12; i++) {
		sim_for(si, 3 * HOUR);
		ATF_CHECK_EQ(1, stored(&id, BY_NODE));
	}
	ATF_CHECK(sn->sn_certstore->cs_place[BY_NODE].cp_rounds >= 5);
	ATF_CHECK_EQ(sn->sn_certstore->cs_place[BY_NODE].cp_rounds - 1,
	    sn->sn_certstore->cs_place[BY_NODE].cp_renewed);
	/* Off for good: it lasts as long as it was stored for. */
	sim_off(si, 2, 1);
	sim_for(si, HOUR);
	ATF_CHECK_EQ(1, stored(&id, BY_NODE));
	sim_for(si, 25 * HOUR);
	ATF_CHECK_EQ(0, stored(&id, BY_NODE));
	sim_free(si);
}

/*
 * The certificate is exchanged: the old one stays until its time is over.  The
 * simulated document has room for four by Node-ID, and a fifth waits for one
 * of the holes.
 */
ATF_TC_WITHOUT_HEAD(exchanged);
ATF_TC_BODY(exchanged, tc)
{
	struct simnode	*sn, old;
	struct nodeid	 id, user;
	uint8_t		 serial;

	begin(4, 4, 4);
	sn = &si->si_node[1];
	id = place(sn, BY_NODE);
	user = place(sn, BY_USER);
	for (serial = 2; serial <= 4; serial++) {
		old = *sn;
		sim_off(si, 1, 1);
		sim_cert(sn, old.sn_user, serial);
		sim_for(si, 10000);
		(void)sim_on(si, 1);
		join();
		sim_for(si, 60000);
		ATF_CHECK_EQ(serial, stored(&id, BY_NODE));
		ATF_CHECK_EQ(serial, stored(&user, BY_USER));
		ATF_CHECK(is_cert(root(&id, BY_NODE, serial - 2u), &old));
		ATF_CHECK(is_cert(root(&id, BY_NODE, serial - 1u), sn));
		ATF_CHECK_EQ(3, holders(&old, BY_NODE));
		ATF_CHECK_EQ(3, holders(sn, BY_NODE));
	}
	/* Three days: one is left, in its own slot. */
	sim_for(si, 72 * HOUR);
	ATF_CHECK_EQ(1, stored(&id, BY_NODE));
	ATF_CHECK(is_cert(root(&id, BY_NODE, 3), sn));
	ATF_CHECK_EQ(0, sn->sn_warnings);
	/* No index follows the last one. */
	old = *sn;
	sim_off(si, 1, 1);
	sim_cert(sn, old.sn_user, 5);
	(void)sim_on(si, 1);
	join();
	sim_for(si, 60000);
	ATF_CHECK_EQ(2, stored(&id, BY_NODE));
	ATF_CHECK(is_cert(root(&id, BY_NODE, 0), sn));
	ATF_CHECK(is_cert(root(&id, BY_NODE, 3), &old));
	ATF_CHECK(is_cert(root(&user, BY_USER, 4), sn));
	sim_free(si);
}

/* No slot at all: a warning, and the first hole is taken. */
ATF_TC_WITHOUT_HEAD(full);
ATF_TC_BODY(full, tc)
{
	struct simnode	*sn;
	struct nodeid	 id;
	char		 user[32];
	uint8_t		 serial;

	begin(3, 5, 0);
	sn = &si->si_node[1];
	id = place(sn, BY_NODE);
	memcpy(user, sn->sn_user, sizeof(user));
	for (serial = 0; serial < 4; serial++)
		ATF_CHECK_EQ(WIRE_STORE_ANS, store(sn, sn, sn, BY_NODE,
		    serial == 0 ? 3 : serial - 1u, 1));
	ATF_CHECK_EQ(-WIRE_E_DATA_TOO_LARGE, store(sn, sn, sn, BY_NODE, WIRE_APPEND, 1));
	ATF_CHECK_EQ(-WIRE_E_DATA_TOO_LARGE, store(sn, sn, sn, BY_NODE, 4, 1));
	sim_off(si, 1, 1);
	sim_cert(sn, user, 2);
	sn->sn_storecert = 1;
	(void)sim_on(si, 1);
	join();
	sim_for(si, HOUR);
	ATF_CHECK_EQ(1, sn->sn_warnings);
	ATF_CHECK_EQ(0, holders(sn, BY_NODE));
	ATF_CHECK_EQ(3, holders(sn, BY_USER));
	sim_for(si, 24 * HOUR);
	ATF_CHECK_EQ(1, sn->sn_warnings);
	ATF_CHECK_EQ(3, holders(sn, BY_NODE));
	ATF_CHECK_EQ(1, stored(&id, BY_NODE));
	sim_free(si);
}

/* Who may write: by Node-ID nobody else, by user name who has that name. */
ATF_TC_WITHOUT_HEAD(forbidden);
ATF_TC_BODY(forbidden, tc)
{
	struct simnode	*owner, *evil, *same;
	struct nodeid	 id[2];
	int		 which;

	begin(6, 6, 1);
	owner = &si->si_node[0];
	evil = &si->si_node[3];
	same = &si->si_node[4];
	sim_off(si, 4, 1);
	sim_cert(same, owner->sn_user, 1);
	(void)sim_on(si, 4);
	join();
	sim_for(si, 60000);
	for (which = 0; which < 2; which++) {
		id[which] = place(owner, which);
		/* His own certificate, or a removal, in our slot and behind it. */
		ATF_CHECK_EQ(-WIRE_E_FORBIDDEN, store(evil, evil, owner, which, 0, 1));
		ATF_CHECK_EQ(-WIRE_E_FORBIDDEN, store(evil, evil, owner, which, 0, 0));
		ATF_CHECK_EQ(-WIRE_E_FORBIDDEN, store(evil, evil, owner, which,
		    WIRE_APPEND, 1));
		/* What we signed, as a request of his. */
		ATF_CHECK_EQ(-WIRE_E_FORBIDDEN, store(evil, owner, owner, which,
		    WIRE_APPEND, 1));
		ATF_CHECK_EQ(-WIRE_E_FORBIDDEN, store(evil, owner, owner, which, 0, 0));
		/* What he signed, as a request of ours. */
		ATF_CHECK_EQ(-WIRE_E_FORBIDDEN, store(owner, evil, owner, which,
		    WIRE_APPEND, 1));
		ATF_CHECK_EQ(1, stored(&id[which], which));
		ATF_CHECK(is_cert(root(&id[which], which, 0), owner));
	}
	ATF_CHECK_EQ(-WIRE_E_FORBIDDEN, store(same, same, owner, BY_NODE, WIRE_APPEND, 1));
	ATF_CHECK_EQ(WIRE_STORE_ANS, store(same, same, owner, BY_USER, WIRE_APPEND, 1));
	ATF_CHECK_EQ(2, stored(&id[BY_USER], BY_USER));
	ATF_CHECK(is_cert(root(&id[BY_USER], BY_USER, 1), same));
	/* Size and index. */
	ATF_CHECK_EQ(-WIRE_E_DATA_TOO_LARGE, store(same, same, owner, BY_USER, 16, 1));
	ATF_CHECK_EQ(WIRE_STORE_ANS, store(same, same, owner, BY_USER, 15, 1));
	ATF_CHECK_EQ(3, stored(&id[BY_USER], BY_USER));
	sim_free(si);
}

/* Nodes of one user share an array; who writes between reading and storing
 * makes the other read again.  Self-signed, a namesake is worth a warning. */
static void
namesakes(int self_signed)
{
	struct simnode	*sn;
	struct nodeid	 id;
	int		 i, k;

	begin(6, 7, 1);
	id = place(&si->si_node[0], BY_USER);
	for (i = 1; i < 5; i++) {
		sim_off(si, i, 1);
		sn = &si->si_node[i];
		sim_cert(sn, si->si_node[0].sn_user, 1);
		sn->sn_self_signed = self_signed;
		(void)sim_on(si, i);
	}
	join();
	/* All four at the same moment. */
	for (i = 1; i < 5; i++) {
		sn = &si->si_node[i];
		sn->sn_storecert = 1;
		ATF_REQUIRE((sn->sn_certstore = certstore_new(sn->sn_node)) != NULL);
		ntimer_add(&sn->sn_node->n_timers,
		    &sn->sn_certstore->cs_place[BY_USER].cp_timer, si->si_now + 30000);
		sim_rewake(sn);
	}
	sim_for(si, 60000);
	ATF_CHECK(conflicts > 0);
	ATF_CHECK_EQ(5, stored(&id, BY_USER));
	for (i = 0; i < 5; i++) {
		sn = &si->si_node[i];
		for (k = 0; k < 5 && !is_cert(root(&id, BY_USER, (uint32_t)k), sn); k++)
			continue;
		ATF_CHECK_MSG(k < 5, "node %d", i);
		ATF_CHECK_EQ(3, holders(sn, BY_USER));
		ATF_CHECK_EQ(1, sn->sn_certstore->cs_place[BY_USER].cp_rounds);
		/* One line for all of them. */
		ATF_CHECK_EQ(self_signed && i > 0, sn->sn_warnings);
	}
	restart(2);
	ATF_CHECK_EQ(5, stored(&id, BY_USER));
	ATF_CHECK_EQ((unsigned)self_signed, si->si_node[2].sn_warnings);
	sim_free(si);
}

ATF_TC_WITHOUT_HEAD(one_user);
ATF_TC_BODY(one_user, tc)
{
	namesakes(0);
}

ATF_TC_WITHOUT_HEAD(namesake);
ATF_TC_BODY(namesake, tc)
{
	namesakes(1);
}

/* An array that is too large for an answer is asked for by Stat. */
ATF_TC_WITHOUT_HEAD(too_large);
ATF_TC_BODY(too_large, tc)
{
	struct simnode	*sn;
	struct nodeid	 id;
	uint64_t	 before;
	uint32_t	 i;

	begin(4, 8, 1);
	sn = &si->si_node[0];
	id = place(sn, BY_USER);
	before = root(&id, BY_USER, 0)->en_time;
	si->si_doc.rd_max_message = 1200;
	sim_off(si, 1, 1);
	sim_cert(&si->si_node[1], sn->sn_user, 1);
	(void)sim_on(si, 1);
	join();
	sim_for(si, 60000);
	for (i = 1; i < 10; i++)
		ATF_CHECK_EQ(WIRE_STORE_ANS, store(&si->si_node[1], &si->si_node[1], sn, BY_USER,
		    i, i != 4));
	restart(0);
	ATF_CHECK_EQ(0, sn->sn_warnings);
	ATF_CHECK_EQ(1, sn->sn_certstore->cs_place[BY_USER].cp_rounds);
	si->si_doc.rd_max_message = 100000;
	ATF_CHECK_EQ(10, stored(&id, BY_USER));
	ATF_CHECK(is_cert(root(&id, BY_USER, 0), sn));
	ATF_CHECK(root(&id, BY_USER, 0)->en_time > before);
	ATF_CHECK_EQ(1, sn->sn_certstore->cs_place[BY_USER].cp_renewed);
	sim_free(si);
}

/* A clock that was ahead; a certificate that ends soon. */
ATF_TC_WITHOUT_HEAD(times);
ATF_TC_BODY(times, tc)
{
	struct certplace *cp;
	struct simnode	*sn;
	struct nodeid	 id;
	uint64_t	 ahead;

	begin(4, 9, 2);
	sn = &si->si_node[1];
	id = place(sn, BY_NODE);
	ahead = SIM_WALL + si->si_now + 48 * HOUR;
	cp = &sn->sn_certstore->cs_place[BY_NODE];
	cp->cp_time = ahead;
	ntimer_add(&sn->sn_node->n_timers, &cp->cp_timer, si->si_now + 10);
	sim_rewake(sn);
	sim_for(si, 5000);
	ATF_CHECK_EQ(ahead + 1, root(&id, BY_NODE, 0)->en_time);
	restart(1);
	ATF_CHECK_EQ(ahead + 2, root(&id, BY_NODE, 0)->en_time);
	ATF_CHECK_EQ(1, stored(&id, BY_NODE));
	/* An hour is left. */
	sim_off(si, 1, 1);
	sim_for(si, 20000);
	(void)sim_on(si, 1);
	sn->sn_node->n_conf.nc_not_after = (int64_t)((SIM_WALL + si->si_now) / 1000 + 3600);
	join();
	sim_for(si, 60000);
	ATF_CHECK(root(&id, BY_NODE, 0)->en_lifetime <= 3600);
	ATF_CHECK(root(&id, BY_NODE, 0)->en_lifetime > 3000);
	ATF_CHECK_EQ(1, sn->sn_certstore->cs_place[BY_NODE].cp_rounds);
	sim_for(si, 2 * HOUR);
	ATF_CHECK_EQ(0, stored(&id, BY_NODE));
	ATF_CHECK(sn->sn_certstore->cs_place[BY_NODE].cp_rounds > 2);
	ATF_CHECK_EQ(0, sn->sn_warnings);
	sim_free(si);
}

/* A client stores its own as everybody does, and holds nobody's. */
ATF_TC_WITHOUT_HEAD(client);
ATF_TC_BODY(client, tc)
{
	struct simnode	*sn;
	struct nodeid	 id;
	int		 which;

	begin(6, 11, 5);
	sn = &si->si_node[5];
	sim_off(si, 5, 1);
	sn->sn_client = 1;
	sn->sn_storecert = 1;
	(void)sim_on(si, 5);
	join();
	sim_for(si, 60000);
	for (which = 0; which < 2; which++) {
		id = place(sn, which);
		ATF_CHECK_EQ(1, stored(&id, which));
		ATF_CHECK(is_cert(root(&id, which, 0), sn));
		ATF_CHECK_EQ(3, holders(sn, which));
	}
	restart(5);
	for (which = 0; which < 2; which++) {
		id = place(sn, which);
		ATF_CHECK_EQ(1, stored(&id, which));
		ATF_CHECK_EQ(1, sn->sn_certstore->cs_place[which].cp_renewed);
	}
	ATF_CHECK_EQ(0, sn->sn_node->n_storage.st_nvalues);
	sim_free(si);
}

/* Switched off at any moment of a round: nothing is left behind. */
ATF_TC_WITHOUT_HEAD(ended);
ATF_TC_BODY(ended, tc)
{
	struct simnode	*sn;
	struct nodeid	 id;
	int		 i;

	begin(3, 10, 3);
	sn = &si->si_node[1];
	id = place(sn, BY_NODE);
	for (i = 0; i < 24; i++) {
		ntimer_add(&sn->sn_node->n_timers, &sn->sn_certstore->cs_place[0].cp_timer,
		    si->si_now + 1);
		ntimer_add(&sn->sn_node->n_timers, &sn->sn_certstore->cs_place[1].cp_timer,
		    si->si_now + 7);
		sim_rewake(sn);
		sim_for(si, (uint64_t)i * 5);
		sim_off(si, 1, 1);
		sim_for(si, 10000);
		(void)sim_on(si, 1);
		join();
	}
	sim_for(si, 60000);
	ATF_CHECK_EQ(1, stored(&id, BY_NODE));
	ATF_CHECK_EQ(3, holders(sn, BY_USER));
	sim_free(si);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, places);
	ATF_TP_ADD_TC(tp, restarted);
	ATF_TP_ADD_TC(tp, renewed);
	ATF_TP_ADD_TC(tp, exchanged);
	ATF_TP_ADD_TC(tp, full);
	ATF_TP_ADD_TC(tp, forbidden);
	ATF_TP_ADD_TC(tp, one_user);
	ATF_TP_ADD_TC(tp, namesake);
	ATF_TP_ADD_TC(tp, too_large);
	ATF_TP_ADD_TC(tp, times);
	ATF_TP_ADD_TC(tp, client);
	ATF_TP_ADD_TC(tp, ended);
	return (atf_no_error());
}
