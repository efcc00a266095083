/* SPDX-License-Identifier: ISC */
/*
 * A network of overlay nodes in one process and in virtual time, for tests and
 * simulations.  Certificates and signatures are stand-ins: a certificate is a
 * few bytes that name the node (and its user, see sim_cert), a signature a hash
 * over node and input.
 * Included by each test; everything is static.
 */
#ifndef SIMNET_H
#define SIMNET_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <err.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certstore.h"
#include "e164.h"
#include "node.h"
#include "regist.h"

#define SIM_PORT	7000
#define SIM_WALL	1700000000000ull	/* UTC ms at virtual time 0 */
#define SIM_LATENCY	20
#define SIM_MAGIC	"SIMCERT"
#define SIM_CERT_MIN	(sizeof(SIM_MAGIC) - 1 + NODEID_LEN)

struct sim;
struct simnode;

struct simlink {		/* one end */
	RB_ENTRY(simlink) sl_entry;
	struct simnode	*sl_node;
	uint64_t	 sl_id;
	struct simnode	*sl_peer;
	uint64_t	 sl_peerid;
	int		 sl_up;
	int		 sl_inbound;
};
RB_HEAD(simlinks, simlink);

enum simevent_type { SE_MSG, SE_UP, SE_DOWN, SE_SIGNED };
struct simevent {
	RB_ENTRY(simevent) se_entry;
	uint64_t	 se_at, se_seq;
	enum simevent_type se_type;
	int		 se_to;		/* index of the node */
	unsigned	 se_life;	/* of the node when it was made */
	uint64_t	 se_id;
	size_t		 se_len;
	uint8_t		 se_data[];
};
RB_HEAD(simevents, simevent);

struct simrecord {		/* what a node persisted */
	RB_ENTRY(simrecord) sr_entry;
	int		 sr_table;
	size_t		 sr_keylen, sr_len;
	uint8_t		 sr_key[64];
	uint8_t		*sr_val;
};
RB_HEAD(simrecords, simrecord);

struct simnode {
	RB_ENTRY(simnode) sn_bywake;
	struct sim	*sn_sim;
	int		 sn_index;
	unsigned	 sn_life;	/* counts its starts */
	int		 sn_awake;	/* in the tree of wakes */
	uint64_t	 sn_wake;
	struct node	*sn_node;	/* NULL: off */
	struct regist	*sn_regist;
	struct nodeid	 sn_id;
	struct vaddr	 sn_addr;
	char		 sn_user[32];
	int		 sn_storecert;	/* with a struct certstore */
	int		 sn_self_signed;
	struct certstore *sn_certstore;
	uint8_t		 sn_cert[64];
	size_t		 sn_certlen;
	uint8_t		 sn_sha256[32];
	struct simlinks	 sn_links;
	struct simrecords sn_store;
	int		 sn_first;
	int		 sn_client;
	int		 sn_group;	/* partition: only the same group is heard */
	int		 sn_deaf;	/* powered off: nothing arrives, nobody is told */
	int		 sn_nosign;	/* key is away */
	int		 sn_badsign;	/* signs rubbish */
	int		 sn_puppet;	/* no node: takes links, says what a test injects */
	uint64_t	 sn_puppetlink;	/* its last link */
	int64_t		 sn_skew;	/* its UTC is ahead by so many ms */
	int		 sn_frozen;	/* asleep: its timers and what comes have to wait */
	struct vaddr	 sn_cache[NODE_CACHE_MAX];
	size_t		 sn_ncache;
	struct node_signer sn_signer;
	char		 sn_signeruser[32];
	uint64_t	 sn_msgs, sn_signs, sn_verified;
	unsigned	 sn_warnings;
	uint64_t	 sn_kept[4096];
	size_t		 sn_nkept;
};
RB_HEAD(simwakes, simnode);

struct sim {
	uint64_t	 si_now;	/* virtual ms */
	uint64_t	 si_seq;
	uint64_t	 si_rand;
	struct simevents si_events;
	struct simwakes	 si_wakes;
	struct simnode	*si_node;
	int		 si_nnodes;
	struct reload_doc si_doc;
	int		 si_verbose;
	uint64_t	 si_msgs, si_signs;
	uint64_t	 si_strays;	/* connections to where nobody is */
	/* Sees each message that is sent; 1 swallows it. */
	int		(*si_tap)(struct sim *, struct simnode *from, struct simnode *to,
			    const void *, size_t);
	void		*si_taparg;
};

static int
simlink_cmp(const struct simlink *a, const struct simlink *b)
{
	return (a->sl_id < b->sl_id ? -1 : a->sl_id > b->sl_id);
}

static int
simevent_cmp(const struct simevent *a, const struct simevent *b)
{
	if (a->se_at != b->se_at)
		return (a->se_at < b->se_at ? -1 : 1);
	return (a->se_seq < b->se_seq ? -1 : a->se_seq > b->se_seq);
}

static int
simwake_cmp(const struct simnode *a, const struct simnode *b)
{
	if (a->sn_wake != b->sn_wake)
		return (a->sn_wake < b->sn_wake ? -1 : 1);
	return (a->sn_index - b->sn_index);
}

static int
simrecord_cmp(const struct simrecord *a, const struct simrecord *b)
{
	if (a->sr_table != b->sr_table)
		return (a->sr_table - b->sr_table);
	if (a->sr_keylen != b->sr_keylen)
		return (a->sr_keylen < b->sr_keylen ? -1 : 1);
	return (memcmp(a->sr_key, b->sr_key, a->sr_keylen));
}

#define SIM_STATIC	__attribute__((__unused__)) static
RB_PROTOTYPE_INTERNAL(simlinks, simlink, sl_entry, simlink_cmp, SIM_STATIC)
RB_PROTOTYPE_INTERNAL(simevents, simevent, se_entry, simevent_cmp, SIM_STATIC)
RB_PROTOTYPE_INTERNAL(simwakes, simnode, sn_bywake, simwake_cmp, SIM_STATIC)
RB_PROTOTYPE_INTERNAL(simrecords, simrecord, sr_entry, simrecord_cmp, SIM_STATIC)
RB_GENERATE_INTERNAL(simlinks, simlink, sl_entry, simlink_cmp, SIM_STATIC)
RB_GENERATE_INTERNAL(simevents, simevent, se_entry, simevent_cmp, SIM_STATIC)
RB_GENERATE_INTERNAL(simwakes, simnode, sn_bywake, simwake_cmp, SIM_STATIC)
RB_GENERATE_INTERNAL(simrecords, simrecord, sr_entry, simrecord_cmp, SIM_STATIC)

static inline uint64_t
sim_rand(struct sim *si)
{
	/* xorshift64*: the same run every time */
	si->si_rand ^= si->si_rand >> 12;
	si->si_rand ^= si->si_rand << 25;
	si->si_rand ^= si->si_rand >> 27;
	return (si->si_rand * 2685821657736338717ull);
}

static inline void
sim_rewake(struct simnode *sn)
{
	struct sim	*si = sn->sn_sim;
	uint64_t	 at;

	if (sn->sn_awake) {
		RB_REMOVE(simwakes, &si->si_wakes, sn);
		sn->sn_awake = 0;
	}
	if (sn->sn_node == NULL || sn->sn_frozen || node_next(sn->sn_node, &at) == -1)
		return;
	sn->sn_wake = at < si->si_now ? si->si_now : at;
	sn->sn_awake = 1;
	RB_INSERT(simwakes, &si->si_wakes, sn);
}

static inline void
sim_event(struct simnode *to, enum simevent_type type, uint64_t delay, uint64_t id,
    const void *data, size_t len)
{
	struct sim	*si = to->sn_sim;
	struct simevent	*se;

	if ((se = malloc(sizeof(*se) + len)) == NULL)
		err(1, "malloc");
	se->se_at = si->si_now + delay;
	se->se_seq = ++si->si_seq;
	se->se_type = type;
	se->se_to = to->sn_index;
	se->se_life = to->sn_life;
	se->se_id = id;
	se->se_len = len;
	if (len > 0)
		memcpy(se->se_data, data, len);
	RB_INSERT(simevents, &si->si_events, se);
}

static inline void
sim_clock(struct simnode *sn)
{
	struct sim	*si = sn->sn_sim;

	node_clock(sn->sn_node, si->si_now, SIM_WALL + si->si_now + (uint64_t)sn->sn_skew);
}

static inline struct simlink *
sim_link(struct simnode *sn, uint64_t id)
{
	struct simlink	 key;

	key.sl_id = id;
	return (RB_FIND(simlinks, &sn->sn_links, &key));
}

/* -- what the nodes call -- */

static inline void
sim_send(void *arg, uint64_t id, const void *msg, size_t len)
{
	struct simnode	*sn = arg;
	struct simlink	*sl = sim_link(sn, id);

	if (sl == NULL || !sl->sl_up)
		return;
	sn->sn_sim->si_msgs++;
	if (sn->sn_sim->si_tap != NULL &&
	    sn->sn_sim->si_tap(sn->sn_sim, sn, sl->sl_peer, msg, len))
		return;
	if (sn->sn_deaf || sl->sl_peer->sn_deaf ||
	    sn->sn_group != sl->sl_peer->sn_group)
		return;
	sim_event(sl->sl_peer, SE_MSG, SIM_LATENCY, sl->sl_peerid, msg, len);
}

static inline void
sim_connect(void *arg, uint64_t id, const struct vaddr *va)
{
	struct simnode	*sn = arg, *to = NULL;
	struct sim	*si = sn->sn_sim;
	struct simlink	*a, *b;
	int		 i;

	for (i = 0; i < si->si_nnodes; i++) {
		if (vaddr_eq(&si->si_node[i].sn_addr, va))
			to = &si->si_node[i];
	}
	si->si_strays += to == NULL;
	if (to == NULL || (to->sn_node == NULL && !to->sn_puppet) || to->sn_deaf ||
	    to == sn || to->sn_group != sn->sn_group) {
		sim_event(sn, SE_DOWN, to != NULL && to->sn_deaf ? 2000 : SIM_LATENCY,
		    id, NULL, 0);
		return;
	}
	if ((a = calloc(1, sizeof(*a))) == NULL || (b = calloc(1, sizeof(*b))) == NULL)
		err(1, "calloc");
	a->sl_node = b->sl_peer = sn;
	b->sl_node = a->sl_peer = to;
	a->sl_id = b->sl_peerid = id;
	b->sl_id = a->sl_peerid = to->sn_puppet ? ++to->sn_puppetlink :
	    node_link_id(to->sn_node);
	b->sl_inbound = 1;
	RB_INSERT(simlinks, &sn->sn_links, a);
	RB_INSERT(simlinks, &to->sn_links, b);
	sim_event(sn, SE_UP, 2 * SIM_LATENCY, a->sl_id, NULL, 0);
	sim_event(to, SE_UP, 3 * SIM_LATENCY, b->sl_id, NULL, 0);
}

/* Both ends go; the far one hears of it unless it must not. */
static inline void
sim_unlink(struct simnode *sn, struct simlink *sl, int tell)
{
	struct simnode	*far = sl->sl_peer;
	struct simlink	*fl = sim_link(far, sl->sl_peerid);

	RB_REMOVE(simlinks, &sn->sn_links, sl);
	free(sl);
	if (fl == NULL)
		return;
	RB_REMOVE(simlinks, &far->sn_links, fl);
	if (tell)
		sim_event(far, SE_DOWN, SIM_LATENCY, fl->sl_id, NULL, 0);
	free(fl);
}

static inline void
sim_close(void *arg, uint64_t id)
{
	struct simnode	*sn = arg;
	struct simlink	*sl = sim_link(sn, id);

	if (sl != NULL)
		sim_unlink(sn, sl, 1);
}

/* identity of a message or value signed by node sn, 37 bytes */
static inline void
sim_identity(const struct simnode *sn, uint8_t out[RELOAD_IDENTITY_LEN])
{
	struct wbuf	 w;

	wbuf_init(&w, out, RELOAD_IDENTITY_LEN);
	reload_identity_write(&w, sn->sn_sha256);
}

static inline void
sim_signature(const struct nodeid *id, const struct span *parts, size_t n,
    const void *identity, size_t idlen, uint8_t out[32])
{
	crypto_hash_sha256_state st;
	size_t		 i;

	(void)crypto_hash_sha256_init(&st);
	(void)crypto_hash_sha256_update(&st, id->id_b, NODEID_LEN);
	for (i = 0; i < n; i++)
		(void)crypto_hash_sha256_update(&st, (const uint8_t *)parts[i].p, parts[i].len);
	(void)crypto_hash_sha256_update(&st, identity, idlen);
	(void)crypto_hash_sha256_final(&st, out);
}

static inline int
sim_sign(void *arg, uint64_t id, int type, const void *in, size_t len)
{
	struct simnode	*sn = arg;
	struct span	 part = { in, len };
	uint8_t		 ident[RELOAD_IDENTITY_LEN], sig[32];

	(void)type;
	if (sn->sn_nosign)
		return (-1);
	sn->sn_sim->si_signs++;
	sn->sn_signs++;
	sim_identity(sn, ident);
	sim_signature(&sn->sn_id, &part, 1, ident, sizeof(ident), sig);
	if (sn->sn_badsign)
		sig[0] ^= 1;
	sim_event(sn, SE_SIGNED, 1, id, sig, sizeof(sig));
	return (0);
}

static inline int
sim_verify(void *arg, const struct reload_signature *rs, const struct cur *bucket,
    const struct span *parts, size_t n, int64_t now, struct node_signer *ng,
    const char **why)
{
	struct simnode	*sn = arg;
	struct span	 der;
	struct cur	 c = *bucket;
	struct nodeid	 id;
	uint8_t		 type, md[32], sig[32];

	(void)now;
	sn->sn_verified++;
	while (reload_bucket_next(&c, &type, &der) == 1) {
		if (type != 0 || der.len < SIM_CERT_MIN ||
		    memcmp(der.p, SIM_MAGIC, sizeof(SIM_MAGIC) - 1) != 0)
			continue;
		(void)crypto_hash_sha256(md, (const uint8_t *)der.p, der.len);
		if (rs->rs_id.ri_value.len != 32 || memcmp(rs->rs_id.ri_value.p, md, 32) != 0)
			continue;
		memcpy(id.id_b, der.p + sizeof(SIM_MAGIC) - 1, NODEID_LEN);
		sim_signature(&id, parts, n, rs->rs_id.ri_raw.p, rs->rs_id.ri_raw.len, sig);
		if (rs->rs_value.len != 32 || memcmp(rs->rs_value.p, sig, 32) != 0) {
			*why = "wrong signature";
			return (-1);
		}
		ng->ng_node = id;
		memcpy(ng->ng_sha256, md, 32);
		ng->ng_der = der;
		ng->ng_user = "sim";
		if (der.len > SIM_CERT_MIN && der.len - SIM_CERT_MIN <=
		    sizeof(sn->sn_signeruser)) {
			memset(sn->sn_signeruser, 0, sizeof(sn->sn_signeruser));
			memcpy(sn->sn_signeruser, der.p + SIM_CERT_MIN + 1,
			    der.len - SIM_CERT_MIN - 1);
			ng->ng_user = sn->sn_signeruser;
		}
		return (0);
	}
	*why = "certificate of the signer is missing";
	return (-1);
}

static inline void
sim_random(void *arg, void *buf, size_t len)
{
	struct simnode	*sn = arg;
	uint8_t		*p = buf;
	uint64_t	 v;

	while (len-- > 0) {
		v = sim_rand(sn->sn_sim);
		*p++ = (uint8_t)(v >> 32);
	}
}

static inline void
sim_log(void *arg, int level, const char *text)
{
	struct simnode	*sn = arg;

	if (level == NODE_WARN)
		sn->sn_warnings++;
	if (sn->sn_sim->si_verbose >= level)
		fprintf(stderr, "%8.3f node%d: %s\n", (double)sn->sn_sim->si_now / 1000,
		    sn->sn_index, text);
}

static inline int
sim_put(void *arg, enum storage_table table, const void *key, size_t keylen,
    const void *val, size_t len)
{
	struct simnode	*sn = arg;
	struct simrecord *sr, find;

	find.sr_table = (int)table;
	find.sr_keylen = keylen;
	memcpy(find.sr_key, key, keylen);
	if ((sr = RB_FIND(simrecords, &sn->sn_store, &find)) != NULL) {
		RB_REMOVE(simrecords, &sn->sn_store, sr);
		free(sr->sr_val);
		free(sr);
	}
	if (val == NULL)
		return (0);
	if ((sr = malloc(sizeof(*sr))) == NULL || (find.sr_val = malloc(len + 1)) == NULL)
		err(1, "malloc");
	memcpy(find.sr_val, val, len);
	find.sr_len = len;
	*sr = find;
	RB_INSERT(simrecords, &sn->sn_store, sr);
	return (0);
}

static inline ssize_t
sim_get(void *arg, enum storage_table table, const void *key, size_t keylen, void *buf,
    size_t size)
{
	struct simnode	*sn = arg;
	struct simrecord *sr, find;

	find.sr_table = (int)table;
	find.sr_keylen = keylen;
	memcpy(find.sr_key, key, keylen);
	if ((sr = RB_FIND(simrecords, &sn->sn_store, &find)) == NULL || sr->sr_len > size)
		return (0);
	memcpy(buf, sr->sr_val, sr->sr_len);
	return ((ssize_t)sr->sr_len);
}

static inline void
sim_cache(void *arg, const struct vaddr *va, size_t n)
{
	struct simnode	*sn = arg;

	memcpy(sn->sn_cache, va, n * sizeof(*va));
	sn->sn_ncache = n;
}

static inline void
sim_keep(void *arg, uint64_t number, int kept)
{
	struct simnode	*sn = arg;
	size_t		 i;

	for (i = 0; i < sn->sn_nkept && sn->sn_kept[i] != number; i++)
		continue;
	if (kept && i == sn->sn_nkept && i < 4096)
		sn->sn_kept[sn->sn_nkept++] = number;
	else if (!kept && i < sn->sn_nkept)
		sn->sn_kept[i] = sn->sn_kept[--sn->sn_nkept];
}

static const struct node_ops sim_ops = {
	sim_send, sim_connect, sim_close, sim_sign, sim_verify, sim_random, sim_log,
	sim_put, sim_cache, NULL, sim_get
};

/* -- what a test calls -- */

static inline void
sim_doc(struct sim *si)
{
	struct reload_doc *rd = &si->si_doc;
	struct reload_kind *rk;

	memset(rd, 0, sizeof(*rd));
	(void)snprintf(rd->rd_name, sizeof(rd->rd_name), "overlay.test");
	rd->rd_hash = 0x3ff83023;
	rd->rd_sequence = 1;
	rd->rd_no_ice = rd->rd_reactive = rd->rd_clients = rd->rd_vipr = 1;
	rd->rd_initial_ttl = 100;
	rd->rd_max_message = 100000;
	rd->rd_reliability_ms = 3000;
	rd->rd_update_s = 600;
	rd->rd_ping_s = 3600;
	rk = &rd->rd_kind[rd->rd_kinds++];
	rk->rk_id = RELOAD_KIND_VIPR;
	rk->rk_model = RELOAD_DICTIONARY;
	rk->rk_policy = RELOAD_VIPR_NODE_KEY_MATCH;
	rk->rk_max_count = 64;
	rk->rk_max_size = 64;
	rk->rk_lifetime = 86400;
	rk->rk_max_per_node = 1;
	rk->rk_quota = 20000;
	rk = &rd->rd_kind[rd->rd_kinds++];
	rk->rk_id = RELOAD_KIND_CERT_NODE;
	rk->rk_model = RELOAD_ARRAY;
	rk->rk_policy = RELOAD_NODE_MATCH;
	rk->rk_max_count = 4;
	rk->rk_max_size = 4096;
	rk = &rd->rd_kind[rd->rd_kinds++];
	rk->rk_id = RELOAD_KIND_TURN;
	rk->rk_model = RELOAD_SINGLE;
	rk->rk_policy = RELOAD_NODE_MULTIPLE;
	rk->rk_max_count = 1;
	rk->rk_max_size = 64;
	rk->rk_node_multiple = 20;
}

/* Another certificate for a node that is off: serial and user name follow. */
static inline void
sim_cert(struct simnode *sn, const char *user, uint8_t serial)
{
	size_t		 len = strlen(user);

	if (len >= sizeof(sn->sn_user))
		errx(1, "user name %s", user);
	memcpy(sn->sn_user, user, len + 1);
	sn->sn_cert[SIM_CERT_MIN] = serial;
	memcpy(sn->sn_cert + SIM_CERT_MIN + 1, user, len);
	sn->sn_certlen = SIM_CERT_MIN + 1 + len;
	(void)crypto_hash_sha256(sn->sn_sha256, sn->sn_cert, sn->sn_certlen);
}

/* nnodes nodes, all off, node 0 the first of the ring and bootstrap node. */
static inline struct sim *
sim_new(int nnodes, uint64_t seed)
{
	struct sim	*si;
	struct simnode	*sn;
	char		 host[32];
	int		 i;

	if ((si = calloc(1, sizeof(*si))) == NULL ||
	    (si->si_node = calloc((size_t)nnodes, sizeof(*si->si_node))) == NULL)
		err(1, "calloc");
	si->si_rand = seed * 2654435761u + 88172645463325252ull;
	si->si_nnodes = nnodes;
	si->si_now = 1000;
	si->si_verbose = getenv("SIM_VERBOSE") != NULL ? atoi(getenv("SIM_VERBOSE")) : 0;
	RB_INIT(&si->si_events);
	RB_INIT(&si->si_wakes);
	sim_doc(si);
	for (i = 0; i < nnodes; i++) {
		sn = &si->si_node[i];
		sn->sn_sim = si;
		sn->sn_index = i;
		sn->sn_first = i == 0;
		RB_INIT(&sn->sn_links);
		RB_INIT(&sn->sn_store);
		sim_random(sn, sn->sn_id.id_b, NODEID_LEN);
		(void)snprintf(host, sizeof(host), "10.%d.%d.%d", i / 65536, i / 256 % 256, i % 256);
		if (vaddr_parse(host, SIM_PORT, &sn->sn_addr) == -1)
			errx(1, "address %s", host);
		memcpy(sn->sn_cert, SIM_MAGIC, sizeof(SIM_MAGIC) - 1);
		memcpy(sn->sn_cert + sizeof(SIM_MAGIC) - 1, sn->sn_id.id_b, NODEID_LEN);
		sn->sn_certlen = SIM_CERT_MIN;
		memcpy(sn->sn_user, "sim", 4);
		(void)crypto_hash_sha256(sn->sn_sha256, sn->sn_cert, sn->sn_certlen);
	}
	si->si_doc.rd_boot[si->si_doc.rd_boots++] = si->si_node[0].sn_addr;
	return (si);
}

static inline void
sim_load(struct simnode *sn)
{
	struct simrecord *sr;
	static const int order[] = { STORAGE_T_CERT, STORAGE_T_GENERATION, STORAGE_T_VALUE };
	size_t		 i;

	for (i = 0; i < 3; i++) {
		RB_FOREACH(sr, simrecords, &sn->sn_store) {
			if (sr->sr_table == order[i])
				(void)storage_load(&sn->sn_node->n_storage,
				    (enum storage_table)sr->sr_table, sr->sr_key,
				    sr->sr_keylen, sr->sr_val, sr->sr_len);
		}
	}
	storage_loaded(&sn->sn_node->n_storage);
}

static inline struct simnode *
sim_on(struct sim *si, int i)
{
	struct simnode	*sn = &si->si_node[i];
	struct node_conf nc;
	uint8_t		 secret[REGIST_SECRET_LEN];
	size_t		 j;

	memset(&nc, 0, sizeof(nc));
	nc.nc_self = sn->sn_id;
	nc.nc_cert = sn->sn_cert;
	nc.nc_certlen = sn->sn_certlen;
	memcpy(nc.nc_sha256, sn->sn_sha256, 32);
	nc.nc_alg = RELOAD_SIG_ECDSA;
	nc.nc_user = sn->sn_user;
	nc.nc_self_signed = sn->sn_self_signed;
	nc.nc_addr = sn->sn_addr;
	nc.nc_pvp = sn->sn_addr;
	nc.nc_pvp.va_port = 7100;
	nc.nc_first = sn->sn_first;
	nc.nc_client = sn->sn_client;
	nc.nc_private = 1;
	sn->sn_life++;
	sn->sn_deaf = 0;
	sn->sn_node = node_new(&nc, &si->si_doc, &sim_ops, sn, si->si_now,
	    SIM_WALL + si->si_now + (uint64_t)sn->sn_skew);
	if (sn->sn_node == NULL)
		err(1, "node_new");
	memset(secret, 'a' + i % 26, sizeof(secret));
	if ((sn->sn_regist = regist_new(sn->sn_node, secret, sim_keep, sn)) == NULL)
		err(1, "regist_new");
	if (sn->sn_storecert && (sn->sn_certstore = certstore_new(sn->sn_node)) == NULL)
		err(1, "certstore_new");
	for (j = 0; j < sn->sn_nkept; j++)
		regist_known(sn->sn_regist, sn->sn_kept[j]);
	sim_load(sn);
	node_start(sn->sn_node, sn->sn_cache, sn->sn_ncache);
	sim_rewake(sn);
	return (sn);
}

/* tell: the others see their links closed (a killed process); otherwise they
 * hear nothing any more (power off). */
static inline void
sim_off(struct sim *si, int i, int tell)
{
	struct simnode	*sn = &si->si_node[i];
	struct simlink	*sl;

	if (!tell) {
		sn->sn_deaf = 1;
		return;
	}
	while ((sl = RB_MIN(simlinks, &sn->sn_links)) != NULL)
		sim_unlink(sn, sl, 1);
	sn->sn_life++;
	sn->sn_node->n_storage.st_put = NULL;
	certstore_free(sn->sn_certstore);
	regist_free(sn->sn_regist);
	node_free(sn->sn_node);
	sn->sn_node = NULL;
	sn->sn_regist = NULL;
	sn->sn_certstore = NULL;
	sim_rewake(sn);
}

static inline void
sim_deliver(struct sim *si, struct simevent *se)
{
	struct simnode	*sn = &si->si_node[se->se_to];
	struct simlink	*sl;

	if (sn->sn_puppet && se->se_type == SE_UP &&
	    (sl = sim_link(sn, se->se_id)) != NULL)
		sl->sl_up = 1;
	if (sn->sn_node == NULL || sn->sn_life != se->se_life)
		return;
	if (sn->sn_deaf && se->se_type != SE_SIGNED)
		return;
	sim_clock(sn);
	switch (se->se_type) {
	case SE_MSG:
		sn->sn_msgs++;
		if ((sl = sim_link(sn, se->se_id)) == NULL || !sl->sl_up)
			break;
		if (node_input(sn->sn_node, se->se_id, se->se_data, se->se_len) == -1 &&
		    (sl = sim_link(sn, se->se_id)) != NULL) {
			sim_unlink(sn, sl, 1);
			node_link_down(sn->sn_node, se->se_id);
		}
		break;
	case SE_UP:
		if ((sl = sim_link(sn, se->se_id)) == NULL)
			break;
		sl->sl_up = 1;
		if (node_link_up(sn->sn_node, se->se_id, &sl->sl_peer->sn_id,
		    &sl->sl_peer->sn_addr, sl->sl_inbound) == -1)
			sim_unlink(sn, sl, 1);
		break;
	case SE_DOWN:
		node_link_down(sn->sn_node, se->se_id);
		break;
	case SE_SIGNED:
		node_signed(sn->sn_node, se->se_id, 0, se->se_data, se->se_len);
		break;
	}
	sim_rewake(sn);
}

/* Run until the given virtual time. */
static inline void
sim_run(struct sim *si, uint64_t until)
{
	struct simevent	*se;
	struct simnode	*sn;

	for (;;) {
		se = RB_MIN(simevents, &si->si_events);
		sn = RB_MIN(simwakes, &si->si_wakes);
		if (sn != NULL && (se == NULL || sn->sn_wake <= se->se_at)) {
			if (sn->sn_wake > until)
				break;
			if (sn->sn_wake > si->si_now)
				si->si_now = sn->sn_wake;
			sim_clock(sn);
			node_run(sn->sn_node);
			sim_rewake(sn);
			continue;
		}
		if (se == NULL || se->se_at > until)
			break;
		si->si_now = se->se_at;
		RB_REMOVE(simevents, &si->si_events, se);
		if (si->si_node[se->se_to].sn_frozen) {
			se->se_at += 1000;
			RB_INSERT(simevents, &si->si_events, se);
			continue;
		}
		sim_deliver(si, se);
		free(se);
	}
	if (si->si_now < until)
		si->si_now = until;
}

static inline void
sim_for(struct sim *si, uint64_t ms)
{
	sim_run(si, si->si_now + ms);
}

static inline void
sim_free(struct sim *si)
{
	struct simevent	*se;
	struct simrecord *sr;
	int		 i;

	for (i = 0; i < si->si_nnodes; i++) {
		if (si->si_node[i].sn_node != NULL)
			sim_off(si, i, 1);
		while ((sr = RB_MIN(simrecords, &si->si_node[i].sn_store)) != NULL) {
			RB_REMOVE(simrecords, &si->si_node[i].sn_store, sr);
			free(sr->sr_val);
			free(sr);
		}
	}
	while ((se = RB_MIN(simevents, &si->si_events)) != NULL) {
		RB_REMOVE(simevents, &si->si_events, se);
		free(se);
	}
	free(si->si_node);
	free(si);
}

#include "simask.h"

#endif
