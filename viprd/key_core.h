/* SPDX-License-Identifier: ISC */
/*
 * core: what the parts of the key process share.  One struct kcore is one
 * box's memory of calls, proofs, routes and tickets; a program may hold
 * several (the tests play both sides of a proof with two).  Nothing here
 * reads a clock, a socket or a file but through the store: the shell hands
 * the time in with kcore_clock and gets actions out through struct key_ops.
 *
 * Every function of the core returns without waiting.  What must be durable
 * before it leaves is sent from the callback of the store's commit.
 */
#ifndef KEY_CORE_H
#define KEY_CORE_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "cpace.h"
#include "store.h"
#include "ticket.h"
#include "vipr.h"

#define KEY_CLAIMANTS_MAX	8	/* a call record, pvp(7) */
#define KEY_RUNS_MAX		16	/* a call record */
#define KEY_RUNS_CLAIMANT	2
#define KEY_RETRIES_MAX		3	/* no connection, REFUSE before PROOF2 */
#define KEY_REPEATS_MAX		3	/* lost answers */
#define KEY_LOOKUPS_MAX		20	/* look-ups of one record that failed */
#define KEY_RANK		64	/* records ranked by the responder */
#define KEY_RECORDS_MAX		500000
#define KEY_CONNS_MAX		1024
#define KEY_TRIES_MAX		32
#define KEY_PEERS_MAX		100000
#define KEY_NEGATIVE_MAX	10000
#define KEY_DOMAINS_MAX		8	/* routes kept of one number */
#define KEY_NODES_MAX		4	/* boxes of one domain */
#define KEY_PROOFS_MAX		CONF_PROOFS_MAX	/* proofs remembered of one route */
#define KEY_TOKEN_MAX		255	/* one length byte in CLAIM and ROUTE */
#define KEY_ROUTE_BODY		4096
#define KEY_BODY_MAX		4096	/* any PVP body */
#define KEY_TABLES		8
#define KEY_SCRATCH		(96 * 1024)

#define KEY_STEP_MS		1000	/* a wall clock that moved by more was stepped */
#define KEY_REPEAT_MS		(3600 * 1000ULL)	/* a spent record answers its spender again */
#define KEY_PROOF_AGE_S		(30 * 86400ULL)
#define KEY_DAY_S		86400ULL
#define KEY_NEVER		UINT64_MAX

struct kcore;

enum key_level { KEY_WARN = 1, KEY_INFO = 2, KEY_DEBUG = 3 };

/* What the core asks its shell to do.  A -1 says that the peer is away. */
struct key_ops {
	int	(*ko_lookup)(void *, uint64_t vcr, const char *number);
	int	(*ko_try)(void *, uint64_t try, uint64_t vcr, const uint8_t *node);
	int	(*ko_out)(void *, uint64_t conn, unsigned type, unsigned flags,
		    const void *, size_t);
	void	(*ko_leg_ack)(void *, uint64_t id, uint32_t stored);
	/* IMSG_ROUTE_SET: all routes of a number, as vipr.h lays them out. */
	int	(*ko_routes)(void *, const char *number, uint32_t count,
		    const void *, size_t);
	/* The set of Node-IDs that proved before has grown. */
	void	(*ko_first)(void *);
	/* A line for the log; never a number together with times or callers. */
	void	(*ko_note)(void *, enum key_level, const char *);
	/* Secrets and draws; NULL: libsodium's.  Tests inject their own. */
	void	(*ko_random)(void *, void *, size_t);
	void	(*ko_scalar)(void *, uint8_t *);
};

/* -- call records -- */

enum claim_state {
	CL_PENDING = 1,		/* its moment is to come */
	CL_UNDERWAY = 2,	/* a connection is being made or used */
	CL_CLAIMED = 3,		/* PROOF3 left or may have left, no ROUTE yet */
	CL_PROVEN = 4,
	CL_FAILED = 5,		/* bad Tb, or refused for good */
	CL_DROPPED = 6		/* no connection, limits, too late */
};

struct claimant {
	uint8_t		cl_node[NODEID_LEN];
	uint64_t	cl_moment;	/* UTC ms */
	uint64_t	cl_try;		/* attempt under way, or 0; not stored */
	uint8_t		cl_state;	/* enum claim_state */
	uint8_t		cl_runs;	/* PROOF2s that came, but for repeats */
	uint8_t		cl_retries;
	uint8_t		cl_repeats;
};

enum sched_state {
	VS_LOOKUP = 1,		/* look up at vs_moment */
	VS_LOOKING = 2,		/* asked; vs_moment is the time-out */
	VS_TRYING = 3,		/* claimants have their moments */
	VS_DONE = 4
};

struct vcr_sched {
	uint64_t	vs_moment;
	uint8_t		vs_state;	/* enum sched_state */
	uint8_t		vs_runs;
	uint8_t		vs_lookups;	/* that failed */
	uint8_t		vs_force;	/* asked for by the operator: no negative cache */
	uint8_t		vs_count;
	struct claimant	vs_claim[KEY_CLAIMANTS_MAX];
};

/* A terminated record that was proven: by whom, and what it was given. */
struct vcr_spent {
	uint8_t		 sp_node[NODEID_LEN];
	uint64_t	 sp_at;		/* UTC ms */
	int		 sp_committed;	/* not stored */
	char		 sp_domain[DOMAIN_SIZE];	/* empty: no CLAIM yet */
	uint16_t	 sp_len;	/* of sp_route; 0 with a domain: refused */
	uint8_t		*sp_route;	/* ROUTE body without its tag */
};

struct vcr {
	RB_ENTRY(vcr)		 v_id_entry;
	RB_ENTRY(vcr)		 v_number_entry;
	RB_ENTRY(vcr)		 v_due_entry;
	uint64_t		 v_id;
	uint64_t		 v_due;		/* next moment of any kind, UTC ms */
	uint64_t		 v_start;	/* UTC ms */
	uint64_t		 v_stop;
	uint64_t		 v_boot_start;	/* boot-time clock, ms */
	uint8_t			 v_kind;	/* LEG_ORIGINATED, LEG_TERMINATED */
	uint8_t			 v_source;	/* 0 sipgw, 1 imported, 2 VAP */
	uint8_t			 v_this_boot;	/* v_boot_start can be believed */
	char			 v_called[E164_SIZE];
	char			 v_caller[E164_SIZE];	/* or empty */
	struct vcr_sched	*v_sched;	/* originated */
	struct vcr_spent	*v_spent;	/* terminated, NULL: unspent */
};
RB_HEAD(vcr_ids, vcr);
RB_HEAD(vcr_numbers, vcr);
RB_HEAD(vcr_dues, vcr);

/* -- peers and limits -- */

struct kpeer {
	RB_ENTRY(kpeer)	 pe_entry;
	uint8_t		 pe_node[NODEID_LEN];
	uint16_t	 pe_fails;	/* bad Tb's in a row */
	uint8_t		 pe_level;	/* waits since the last success */
	uint64_t	 pe_until;	/* UTC ms: waits till then */
	uint64_t	 pe_proven;	/* UTC s: it last proved a number to us */
	uint64_t	 pe_proved;	/* UTC s: it last proved a call of its own to us */
	uint8_t		 pe_dirty;	/* to be written with the next flush */
};
RB_HEAD(kpeer_tree, kpeer);

/* Failed connections of a Node-ID in the last 24 h. */
struct kcharged {
	uint64_t	 cg_number;	/* packed */
	uint32_t	 cg_at;		/* UTC s */
};
struct kcharge {
	RB_ENTRY(kcharge) ch_entry;
	uint8_t		 ch_node[NODEID_LEN];
	uint8_t		 ch_dirty;	/* given back since it was written */
	unsigned	 ch_count;
	unsigned	 ch_size;
	struct kcharged	*ch_each;	/* oldest first */
};
RB_HEAD(kcharge_tree, kcharge);

struct knegative {
	RB_ENTRY(knegative) ng_entry;
	uint64_t	 ng_number;	/* packed */
	uint64_t	 ng_until;	/* UTC ms */
};
RB_HEAD(knegative_tree, knegative);

/* An attempt as initiator that pvpd was asked for. */
struct ktry {
	TAILQ_ENTRY(ktry) tr_entry;
	uint64_t	 tr_id;
	uint64_t	 tr_vcr;
	uint64_t	 tr_asked;	/* UTC ms */
	uint64_t	 tr_conn;	/* 0 before IMSG_PVP_OPEN */
	unsigned	 tr_claim;	/* index of the claimant */
};
TAILQ_HEAD(ktry_list, ktry);

/* -- connections -- */

enum conn_state {
	CS_START = 1,		/* responder: PROOF1 of run 0 is to come */
	CS_CHARGING = 2,	/* responder: PROOF2 waits for the commit */
	CS_PROOF2 = 3,		/* responder: sent it, PROOF3 or a PROOF1 is to come */
	CS_SPENDING = 4,	/* responder: good Ta, the commit is to come */
	CS_SPENT = 5,		/* responder: CLAIM is to come */
	CS_ANSWERING = 6,	/* responder: ROUTE waits for the commit */
	CS_WAIT2 = 10,		/* initiator: PROOF2 is to come */
	CS_CLAIMING = 11,	/* initiator: PROOF3 waits for the commit */
	CS_WAITROUTE = 12	/* initiator: ROUTE is to come */
};

#define KEY_AD_MAX	32
struct kconn {
	RB_ENTRY(kconn)	 co_entry;
	uint64_t	 co_id;
	uint64_t	 co_try;	/* initiator */
	uint64_t	 co_vcr;	/* record in play, 0: none (a run without a record) */
	uint64_t	 co_best;	/* responder: record of run 0 */
	int64_t		 co_skew;	/* responder: s added to our times */
	uint8_t		 co_node[NODEID_LEN];
	uint8_t		 co_exporter[32];
	uint16_t	 co_role;
	uint16_t	 co_methods;
	uint8_t		 co_state;	/* enum conn_state */
	uint8_t		 co_run;
	uint8_t		 co_method;	/* letter */
	uint8_t		 co_method0;	/* of run 0 */
	uint8_t		 co_repeat;	/* initiator: after a lost answer */
	uint8_t		 co_charged;
	uint32_t	 co_charge_at;
	char		 co_number[E164_SIZE];
	uint8_t		 co_ad[KEY_AD_MAX];	/* ADa, ours or the peer's */
	size_t		 co_adlen;
	uint8_t		 co_ad0[KEY_AD_MAX];	/* ADa of run 0 */
	uint8_t		 co_y[CPACE_SCALAR];	/* initiator */
	uint8_t		 co_Y[CPACE_ELEMENT];	/* initiator: Ya */
	uint8_t		 co_ta[CPACE_TAG];	/* to send, or expected */
	uint8_t		 co_rk[CPACE_ISK];	/* the ISK until a tag was good */
	uint8_t		 co_out[104];	/* PROOF2 that waits */
	uint8_t		*co_claim;	/* CLAIM that came while spending */
	size_t		 co_claimlen;
};
RB_HEAD(kconn_tree, kconn);

/* -- tickets -- */

struct kepoch {
	TAILQ_ENTRY(kepoch) ep_entry;	/* newest first */
	uint32_t	 ep_number;
	int		 ep_revoked;
	uint64_t	 ep_created;	/* UTC s */
	uint64_t	 ep_last;	/* UTC s: the latest not_after under it */
	uint8_t		*ep_key;	/* sodium_malloc */
};
TAILQ_HEAD(kepoch_list, kepoch);

struct krevoked {
	RB_ENTRY(krevoked) rv_entry;
	char		 rv_what[DOMAIN_SIZE + 1];	/* 't' id in hex, or 'g' domain */
	uint64_t	 rv_at;		/* UTC s */
	uint64_t	 rv_until;	/* UTC s */
};
RB_HEAD(krevoked_tree, krevoked);

/* -- routes -- */

struct kproof {
	uint64_t	 pr_start;	/* of the call, UTC ms */
	uint64_t	 pr_stop;
	uint64_t	 pr_at;		/* of the proof, UTC s */
	char		 pr_caller[E164_SIZE];
};

/* One box of a domain: what it granted last. */
struct knode {
	uint8_t		 kn_id[NODEID_LEN];
	uint8_t		 kn_kind;	/* enum ticket_kind, 0: none */
	uint8_t		 kn_uricount;
	uint64_t	 kn_not_after;	/* UTC s */
	uint64_t	 kn_last;	/* UTC s: latest proof */
	char		 kn_token[KEY_TOKEN_MAX + 1];
	char		 kn_uri[ROUTE_URIS_MAX][URI_MAX];
};

struct kroute {
	char		 kr_domain[DOMAIN_SIZE];
	uint8_t		 kr_state;	/* enum route_state */
	uint8_t		 kr_earned;	/* had all its proofs and a ticket once */
	uint8_t		 kr_strikes;
	uint8_t		 kr_refails;	/* re-proofs in a row that failed */
	uint8_t		 kr_proofcount;
	uint8_t		 kr_nodecount;
	uint64_t	 kr_changed;	/* UTC s */
	struct kproof	 kr_proof[KEY_PROOFS_MAX];	/* latest last */
	struct knode	 kr_node[KEY_NODES_MAX];	/* latest proof first */
};

/* All routes of a number, and room for one more up to KEY_DOMAINS_MAX. */
struct kroutes {
	char		 ks_number[E164_SIZE];
	unsigned	 ks_count;
	unsigned	 ks_room;
	struct kroute	*ks_route;
};

/* Every number that has routes, and when one of them ends. */
struct knumber {
	RB_ENTRY(knumber) nu_entry;
	RB_ENTRY(knumber) nu_due_entry;
	uint64_t	 nu_number;	/* packed */
	uint64_t	 nu_due;	/* UTC s */
};
RB_HEAD(knumber_tree, knumber);
RB_HEAD(knumber_dues, knumber);

struct key_stats {
	uint64_t	st_legs, st_refused, st_unwritten, st_stepped;
	uint64_t	st_lookups, st_tries, st_proven, st_badtb, st_lost;
	uint64_t	st_answered, st_spent, st_badta, st_limited, st_granted;
	uint64_t	st_checks, st_admitted;
};

struct kwait;
LIST_HEAD(kwait_list, kwait);

struct kcore {
	const struct key_ops	*kc_ops;
	void			*kc_arg;
	const struct conf	*kc_conf;	/* the shell's */
	struct store		*kc_store;	/* the shell's */
	struct store_table	*kc_meta, *kc_calls, *kc_routes, *kc_peers_t;
	struct store_table	*kc_charges_t, *kc_grants, *kc_epochs_t, *kc_revoked_t;
	uint64_t		 kc_now;	/* UTC ms */
	uint64_t		 kc_boot;	/* boot-time clock, ms */
	int64_t			 kc_offset;	/* kc_now - kc_boot at the last look */
	int			 kc_clocked;
	int			 kc_open;
	uint8_t			 kc_bootid[16];
	uint8_t			 kc_node[NODEID_LEN];
	char			 kc_overlay[DOMAIN_SIZE];
	struct vcr_ids		 kc_ids;	/* owns the records */
	struct vcr_numbers	 kc_numbers;
	struct vcr_dues		 kc_dues;
	unsigned		 kc_records, kc_terminated;
	struct kpeer_tree	 kc_peers;
	unsigned		 kc_peercount;
	struct kcharge_tree	 kc_charges;
	unsigned		 kc_chargecount;
	struct knegative_tree	 kc_negatives;
	unsigned		 kc_negativecount;
	struct ktry_list	 kc_tries;
	unsigned		 kc_trycount;
	struct kconn_tree	 kc_conns;
	unsigned		 kc_conncount;
	struct kepoch_list	 kc_epochs;
	struct krevoked_tree	 kc_revoked;
	uint64_t		 kc_generation;	/* of verdicts on tickets, from 1 */
	uint64_t		 kc_revocations;
	struct knumber_tree	 kc_routenums;
	struct knumber_dues	 kc_routedues;
	struct kwait_list	 kc_waits;
	uint64_t		 kc_swept;	/* UTC ms */
	uint64_t		 kc_flush;	/* UTC ms: write what is dirty; 0: nothing is */
	uint64_t		 kc_grants_swept;	/* UTC s */
	int			 kc_not_recording;	/* errno of the last failed write */
	struct key_stats	 kc_stats;
	uint8_t			*kc_scratch;	/* KEY_SCRATCH, for encoded records */
};

/* key_core.c */

/* A core on an open store; bootid names this boot of the machine (all zero:
 * unknown).  NULL: errno. */
struct kcore	*kcore_new(const struct key_ops *, void *, struct store *,
		    const uint8_t bootid[16]);
void		 kcore_free(struct kcore *);	/* commits; the store stays open */
/*
 * Open the tables under the master key and load what is stored.  mark names
 * the database file (its inode): another one than last time means that a
 * backup was put back, and a new ticket epoch begins.  -1: why says it.
 */
int		 kcore_open(struct kcore *, const uint8_t *master, uint64_t mark,
		    char *why, size_t);
/* A configuration, the overlay's name and our Node-ID (NULL: no overlay). */
void		 kcore_conf(struct kcore *, const struct conf *, const char *overlay,
		    const uint8_t *node);
/* The time, before anything else is called: UTC ms, boot-time clock ms. */
void		 kcore_clock(struct kcore *, uint64_t now, uint64_t boot);
/* When kcore_run is to be called next: UTC ms, KEY_NEVER. */
uint64_t	 kcore_next(struct kcore *);
void		 kcore_run(struct kcore *);
/* pvpd came, or went with all its connections. */
void		 kcore_pvpd(struct kcore *, int up);

void		 kcore_note(struct kcore *, enum key_level, const char *, ...)
		    __attribute__((__format__(printf, 3, 4)));
void		 kcore_random(struct kcore *, void *, size_t);
/* Uniform in [low, high]; low when high is not above it. */
uint64_t	 kcore_draw(struct kcore *, uint64_t low, uint64_t high);
/*
 * Call cb once the last write is durable or has failed (error).  ids instead
 * of pointers: what they name may be gone by then.  Give kcore_wait_done and
 * the result as arg to store_put; NULL: no memory (count it as failed).
 */
typedef void (*kwait_cb)(struct kcore *, int error, uint64_t a, uint64_t b);
struct kwait	*kcore_wait(struct kcore *, kwait_cb, uint64_t a, uint64_t b);
void		 kcore_wait_done(int error, void *);
void		 kcore_wait_cancel(struct kwait *);

/* key_call.c */

RB_PROTOTYPE(vcr_ids, vcr, v_id_entry, vcr_id_cmp)
RB_PROTOTYPE(vcr_numbers, vcr, v_number_entry, vcr_number_cmp)
RB_PROTOTYPE(vcr_dues, vcr, v_due_entry, vcr_due_cmp)

/* A leg that ended, acknowledged by ko_leg_ack; -1: not well-formed. */
int		 kcall_leg(struct kcore *, const struct imsg_leg *);
/* Why a leg makes no record, NULL if it does. */
const char	*kcall_refuse(struct kcore *, const struct imsg_leg *);
struct vcr	*kcall_find(struct kcore *, uint64_t id);
/* First record of a kind and number, latest start first; next of the same. */
struct vcr	*kcall_first(struct kcore *, unsigned kind, const char *called);
struct vcr	*kcall_next(struct kcore *, struct vcr *);
/* S and D of pvp(7), seconds. */
uint64_t	 kcall_s(const struct vcr *);
uint32_t	 kcall_d(const struct vcr *);
/* Write the record; wait may be NULL.  -1: errno, and wait is cancelled. */
int		 kcall_put(struct kcore *, struct vcr *, struct kwait *);
/* Its next moment changed. */
void		 kcall_redue(struct kcore *, struct vcr *);
/* Something of it is due: expiry, or a step of the schedule. */
void		 kcall_due(struct kcore *, struct vcr *);
void		 kcall_delete(struct kcore *, struct vcr *);	/* wiped, on disk too */
int		 kcall_load(struct kcore *);
void		 kcall_clear(struct kcore *);	/* memory only */
/* The wall clock was stepped by delta ms. */
void		 kcall_stepped(struct kcore *, int64_t delta);
void		 kcall_spent_free(struct vcr_spent *);

/* key_sched.c */

/* A fresh originated record: draw its moment.  -1: no memory. */
int		 ksched_new(struct kcore *, struct vcr *);
/* Next moment of the schedule, KEY_NEVER when nothing is left. */
uint64_t	 ksched_next(const struct kcore *, const struct vcr *);
void		 ksched_due(struct kcore *, struct vcr *);
/* IMSG_PVP_CLAIMANTS; nodes holds n Node-IDs. */
void		 ksched_claimants(struct kcore *, uint64_t vcr, int error,
		    const uint8_t *nodes, size_t n);
/* Fix up what was under way when the process or pvpd ended. */
void		 ksched_interrupted(struct kcore *, struct vcr *);
/* Prove the unspent calls to number now; how many. */
unsigned	 ksched_verify(struct kcore *, const char *number);
struct ktry	*ksched_try_find(struct kcore *, uint64_t id);
/* The record and claimant of an attempt, or NULL. */
struct vcr	*ksched_try_vcr(struct kcore *, const struct ktry *, struct claimant **);
/* The attempt is over: set the claimant's state, free the attempt. */
void		 ksched_try_end(struct kcore *, struct ktry *, enum claim_state);
/* No PROOF2 came: another moment, not before (s from now); or dropped. */
void		 ksched_retry(struct kcore *, struct ktry *, uint32_t notbefore);
/* ROUTE did not come after PROOF3: repeat soon, or dropped. */
void		 ksched_repeat(struct kcore *, struct ktry *, uint32_t notbefore);
/* A bad Tb of this Node-ID: 1 when it must wait now and its proofs are dropped. */
int		 ksched_failed(struct kcore *, const uint8_t *node);
const char	*ksched_state_str(const struct vcr *);

/* key_limit.c */

struct kpeer	*klimit_peer(struct kcore *, const uint8_t *node, int create);
void		 klimit_peer_put(struct kcore *, struct kpeer *);
/* The same, within a second, together with others: for what is no limit. */
void		 klimit_peer_later(struct kcore *, struct kpeer *);
/* May this Node-ID try this number?  0, or seconds until it may. */
uint32_t	 klimit_check(struct kcore *, const uint8_t *node, const char *number);
/* Charge a failed connection to both; the wait runs after the commit. -1: errno. */
int		 klimit_charge(struct kcore *, const uint8_t *node, const char *number,
		    struct kwait *);
void		 klimit_refund(struct kcore *, const uint8_t *node, const char *number,
		    uint32_t at);
unsigned	 klimit_count(struct kcore *, const uint8_t *node, const char *number);
int		 klimit_negative(struct kcore *, const char *number);
void		 klimit_negative_add(struct kcore *, const char *number);
int		 klimit_load(struct kcore *);
void		 klimit_clear(struct kcore *);
void		 klimit_sweep(struct kcore *);
/* Write what may wait: charges given back, times of successes. */
void		 klimit_flush(struct kcore *);
/* Node-IDs with a success of either kind, at most max; how many. */
size_t		 klimit_first(struct kcore *, uint8_t (*nodes)[NODEID_LEN], size_t max);

/* key_pvp.c, key_respond.c */

/* IMSG_PVP_OPEN, IMSG_PVP_IN, IMSG_PVP_END.  -1: pvpd broke the rules. */
int		 kpvp_open(struct kcore *, const struct imsg_pvp_open *);
int		 kpvp_in(struct kcore *, uint64_t conn, unsigned type,
		    const void *, size_t);
int		 kpvp_end(struct kcore *, const struct imsg_pvp_end *);
void		 kpvp_clear(struct kcore *);	/* every connection is gone */
void		 kpvp_conn_free(struct kcore *, struct kconn *);
struct kconn	*kpvp_conn_find(struct kcore *, uint64_t);
void		 kpvp_out(struct kcore *, struct kconn *, unsigned type,
		    unsigned flags, const void *, size_t);
/* Send REFUSE and forget the connection. */
void		 kpvp_refuse(struct kcore *, struct kconn *, unsigned code,
		    uint32_t retry, unsigned flags);
/* sid and CI of a run; the lengths are fixed and returned. */
size_t		 kpvp_sid(const struct kconn *, unsigned run, uint8_t sid[33]);
size_t		 kpvp_ci(const struct kcore *, const struct kconn *, uint8_t *, size_t);
/* 32 bytes over type and body, pvp(7). */
void		 kpvp_tag(uint8_t tag[32], const uint8_t rk[64], unsigned type,
		    const void *, size_t);
void		 kpvp_rk(uint8_t key[CPACE_ISK]);	/* ISK to rk, in place */

void		 krespond_open(struct kcore *, struct kconn *, uint64_t peer_now,
		    uint64_t arrived);
void		 krespond_in(struct kcore *, struct kconn *, unsigned type,
		    const uint8_t *, size_t);
/* Clock difference of pvp(7), seconds. */
int64_t		 krespond_skew(uint64_t peer_now, uint64_t arrived);

/* key_rank.c */

struct krank {
	struct vcr	*rk_vcr;	/* NULL: no candidate */
	uint64_t	 rk_s;		/* S' and D' */
	uint32_t	 rk_d;
};
/*
 * The best two records of a number for these residues, by the order of
 * pvp(7), over the 64 latest and padded to 64.
 */
void		 krank(struct kcore *, const char *number, const uint8_t *node,
		    int64_t skew, unsigned ms, unsigned rs, unsigned md, unsigned rd,
		    struct krank best[2]);

/* key_claim.c: CLAIM and ROUTE */

struct kclaim {
	char		 cm_domain[DOMAIN_SIZE];
	uint32_t	 cm_lifetime;
	char		 cm_token[KEY_TOKEN_MAX + 1];	/* or empty */
};
struct kgrant {
	uint8_t		 kg_kind;
	uint8_t		 kg_uricount;
	uint64_t	 kg_not_after;
	char		 kg_number[E164_SIZE];	/* with '+' */
	char		 kg_token[KEY_TOKEN_MAX + 1];
	char		 kg_domain[DOMAIN_SIZE];	/* host of the URIs */
	char		 kg_uri[ROUTE_URIS_MAX][URI_MAX];
};
/* Bodies with their tags.  Builders: length, 0 if it does not fit.  Parsers:
 * 0; -1 malformed or a bad tag. */
size_t		 kclaim_build(const struct kclaim *, const uint8_t rk[64],
		    uint8_t *, size_t);
int		 kclaim_parse(const void *, size_t, const uint8_t rk[64], struct kclaim *);
size_t		 kgrant_build(const struct kgrant *, uint8_t *, size_t);	/* no tag */
int		 kgrant_parse(const void *, size_t, const uint8_t rk[64], struct kgrant *);
/* Host of a SIP URI that a route may hold, lower-cased; -1 if it may not. */
int		 kclaim_uri(const char *, char host[DOMAIN_SIZE]);

/* key_method.c */

struct pvp_call {
	const char	*pc_called;	/* E.164 with '+' */
	const char	*pc_caller;	/* the same, or empty */
	uint64_t	 pc_s;
	uint32_t	 pc_d;
};
#define PVP_NEEDS_CALLER	0x0001
struct pvp_method {
	uint8_t		 pm_letter;
	uint16_t	 pm_bit;	/* in HELLO's bitmap */
	unsigned	 pm_fields;	/* PVP_NEEDS_* at the initiator */
	unsigned	 pm_decibits;	/* strength against one who knows number and day */
	size_t		(*pm_prs_initiator)(const struct pvp_call *, uint8_t *, size_t);
	size_t		(*pm_prs_responder)(const struct pvp_call *, uint8_t *, size_t);
};
const struct pvp_method *kmethod_find(unsigned letter);
/* The method to begin with: the strongest in the bitmap that the call has the
 * fields for; after (letter) the one to go on with in run 1.  NULL: none. */
const struct pvp_method *kmethod_pick(unsigned methods, int caller);
const struct pvp_method *kmethod_after(unsigned methods, unsigned letter);

/* key_ticket.c */

int		 kticket_load(struct kcore *);
void		 kticket_clear(struct kcore *);
void		 kticket_sweep(struct kcore *);
/* A new epoch; its number, 0 on failure. */
uint32_t	 kticket_rotate(struct kcore *);
uint32_t	 kticket_epoch(const struct kcore *);
/*
 * Mint for the count-th proof.  -1: does not fit or no epoch.  The grant is
 * remembered for show tickets.
 */
int		 kticket_grant(struct kcore *, unsigned kind, unsigned count,
		    const char *grantee, const uint8_t *node, const char *number,
		    uint64_t not_after, char *token, size_t);
/* How many proofs this token stands for: 0 none, 255 an unexpired ticket. */
unsigned	 kticket_proofs(struct kcore *, const char *token, const char *grantee,
		    const uint8_t *node, const char *number);
/* Judge a ticket at the border, in the order of vipr(7).  names: n
 * NUL-terminated names of the peer. */
void		 kticket_check(struct kcore *, const char *token, size_t len,
		    const char *number, const char (*names)[DOMAIN_SIZE], unsigned n,
		    struct imsg_ticket_res *);
/* what: "ticket", "grantee", "epoch".  NULL, or why not. */
const char	*kticket_revoke(struct kcore *, const char *what, const char *value);
struct kgranted {
	uint8_t		 gr_id[TICKET_ID_LEN];
	uint8_t		 gr_kind;
	uint32_t	 gr_epoch;
	uint8_t		 gr_node[NODEID_LEN];
	uint64_t	 gr_not_before, gr_not_after;
	char		 gr_number[E164_SIZE];
	char		 gr_grantee[DOMAIN_SIZE];
	int		 gr_revoked;
};
/* Walk the grants; cb returns 0 to go on. */
void		 kticket_walk(struct kcore *, int (*cb)(const struct kgranted *, void *),
		    void *);

/* key_route.c, key_routedb.c */

int		 kroute_load(struct kcore *);
void		 kroute_clear(struct kcore *);
/* Routes of a number, count 0 if none; the caller frees.  NULL: errno. */
struct kroutes	*kroute_get(struct kcore *, const char *number);
void		 kroute_free(struct kroutes *);	/* NULL allowed */
/* Write (delete when empty); -1 with the wait cancelled. */
int		 kroute_put(struct kcore *, struct kroutes *, struct kwait *);
struct kroute	*kroute_find(struct kroutes *, const char *domain);
/* Compose and send IMSG_ROUTE_SET for a number. */
int		 kroute_send(struct kcore *, const char *number);
int		 kroute_send_set(struct kcore *, const struct kroutes *);
/* A proof: ROUTE came from node for the call.  -1: could not be queued, and
 * the wait is cancelled. */
int		 kroute_proof(struct kcore *, const struct kgrant *, const uint8_t *node,
		    const struct vcr *, struct kwait *);
/* A re-proof with a box of a route failed. */
void		 kroute_reproof_failed(struct kcore *, const char *number,
		    const uint8_t *node);
/* How a direct call went. */
void		 kroute_outcome(struct kcore *, const char *number, const char *domain,
		    unsigned outcome, unsigned refusal);
/* Operator: remove or suspend; domain NULL: all.  How many. */
unsigned	 kroute_operator(struct kcore *, const char *number, const char *domain,
		    enum route_state);
/* Newest receipt or ticket that this box granted us for the number, or "". */
void		 kroute_token(struct kcore *, const char *number, const uint8_t *node,
		    char token[KEY_TOKEN_MAX + 1]);
/* Proofs that count: do not overlap, far enough apart, young enough. */
unsigned	 kroute_proofs(const struct kcore *, const struct kroute *, unsigned *callers);
/* The node whose ticket is in force, or NULL. */
const struct knode *kroute_ticket(const struct kcore *, const struct kroute *);
/* Numbers whose routes have something due; next moment, UTC ms. */
void		 kroute_due(struct kcore *);
uint64_t	 kroute_next(struct kcore *);
uint64_t	 kroute_first_due(struct kcore *);	/* packed, 0: none */
void		 kroute_postpone(struct kcore *, uint64_t packed);
/* Walk all numbers after the given one (packed; 0: from the start): the next
 * one, 0 at the end. */
uint64_t	 kroute_walk(struct kcore *, uint64_t after);

#endif
