/* SPDX-License-Identifier: ISC */
/*
 * core: one RELOAD peer.  It gets messages, link events, signatures and the
 * clock handed in, and acts through struct node_ops; it owns no descriptor,
 * calls no clock, logs nothing by itself, and there may be any number of them
 * in one process.
 *
 * No operation below but no_config calls back into the node: answers (node_signed,
 * node_link_up, ...) always come later, from the owner's event loop.
 * node_clock must be called before each entry from outside.
 */
#ifndef NODE_H
#define NODE_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "cursor.h"
#include "nodeid.h"
#include "reload_conf.h"
#include "reload_secblock.h"
#include "ring.h"
#include "storage.h"
#include "timers.h"
#include "wire.h"

struct node;
struct node_peer;
struct regist;

#define NODE_PVP_APPLICATION	61461
#define NODE_LINKS_MAX		256	/* links, up or under way */
#define NODE_LINKS_SOFT		128	/* idle ones above this are closed */
#define NODE_CACHE_MAX		10	/* known peers kept for a restart */
#define NODE_SIGN_MAX		16	/* signatures under way at key */
#define NODE_SIGN_QUEUE_MAX	4096	/* signatures that wait here */
#define NODE_REQS_MAX		8192	/* requests that wait for answers */

enum node_log_level { NODE_WARN = 1, NODE_INFO = 2, NODE_DEBUG = 3 };

/* Who signed; the spans live until the next verification. */
struct node_signer {
	struct nodeid	 ng_node;
	uint8_t		 ng_sha256[32];
	struct span	 ng_der;
	const char	*ng_user;
};

struct node_ops {
	/* Write a RELOAD message to a link; a failure is a lost message. */
	void	(*no_send)(void *, uint64_t link, const void *, size_t);
	/* Connect; then node_link_up or node_link_down with that id. */
	void	(*no_connect)(void *, uint64_t link, const struct vaddr *);
	/* Close after what was written has left.  No event follows. */
	void	(*no_close)(void *, uint64_t link);
	/* Sign; node_signed(id) follows.  -1: not now, nothing follows. */
	int	(*no_sign)(void *, uint64_t id, int kstype, const void *, size_t);
	/* Verify parts || SignerIdentity; -1 and *why when it is not valid. */
	int	(*no_verify)(void *, const struct reload_signature *,
		    const struct cur *bucket, const struct span *parts,
		    size_t nparts, int64_t now, struct node_signer *, const char **why);
	void	(*no_random)(void *, void *, size_t);
	void	(*no_log)(void *, int level, const char *text);
	/* Persistence of stored data; NULL: none. */
	storage_put_fn no_put;
	/* Known peers for a later start; NULL: not kept. */
	void	(*no_cache)(void *, const struct vaddr *, size_t n);
	/* A document or Kind that a peer sent: node_config_done(token)
	 * follows, or is called at once.  NULL: refused. */
	void	(*no_config)(void *, uint64_t token, int type, const void *, size_t);
};

struct node_conf {
	struct nodeid	 nc_self;
	const uint8_t	*nc_cert;	/* DER; the owner's, outlives the node */
	size_t		 nc_certlen;
	uint8_t		 nc_sha256[32];
	uint8_t		 nc_alg;	/* enum reload_sigalg of our key */
	struct vaddr	 nc_addr;	/* where peers reach us */
	struct vaddr	 nc_pvp;	/* where claimants' peers reach our PVP; family 0: none */
	int		 nc_first;	/* may start the ring alone */
	int		 nc_private;	/* private addresses of peers are fine */
};

/* -- messages being built -- */

struct node_build {
	struct wbuf	 nb_w;
	size_t		 nb_mark;
	struct wbuf	 nb_bucket;	/* further certificates, packed */
};

struct node_dest {
	uint8_t		 nd_type;	/* WIRE_DEST_NODE or _RESOURCE */
	struct nodeid	 nd_id;
};

struct node_resp {
	int		 nr_error;	/* 0, or the RELOAD error code */
	struct span	 nr_info;	/* error_info */
	const struct wire_contents *nr_contents;	/* NULL: no answer came */
	const struct node_signer *nr_signer;		/* NULL: the same */
	const struct reload_secblock *nr_sec;
};
typedef void (*node_done)(struct node *, const struct node_resp *, void *arg);
typedef void (*node_sigdone)(struct node *, int error, const void *sig,
	    size_t len, void *arg);

/* Where an answer goes. */
struct node_return {
	uint64_t	 nx_tid;
	uint32_t	 nx_max_response;
	uint16_t	 nx_code;	/* of the request */
	int		 nx_cache;	/* remember the answer */
	struct nodeid	 nx_signer;
	uint8_t		*nx_dest;	/* packed, ours */
	size_t		 nx_destlen;
	uint8_t		*nx_opts;	/* options to copy, ours, or NULL */
	size_t		 nx_optslen;
};

/* A request that is being consumed. */
struct node_in {
	const struct wire_msg *ni_msg;
	struct nodeid	 ni_from;	/* previous hop; ourselves for our own */
	uint64_t	 ni_link;	/* 0 for our own */
	struct wire_dest ni_dest;	/* the last entry */
	struct node_signer ni_signer;
	struct node_return ni_ret;	/* moved into the answer */
};

/* -- state -- */

struct node_link {
	RB_ENTRY(node_link) nl_entry;
	TAILQ_ENTRY(node_link) nl_bypeer;
	uint64_t	 nl_id;
	struct node_peer *nl_peer;	/* NULL: not up */
	struct vaddr	 nl_addr;
	uint64_t	 nl_since;
	int		 nl_inbound;
	int		 nl_suspect;	/* acks are overdue */
	int		 nl_boot;	/* to a bootstrap node */
	int		 nl_expected;	/* only nl_expect may be there */
	struct nodeid	 nl_expect;
	int		 nl_full;	/* send it a full Update when it is up */
	struct ntimer	 nl_timer;	/* closing of a replaced link */
};
RB_HEAD(node_links, node_link);

struct node_peer {
	RB_ENTRY(node_peer) np_entry;
	struct nodeid	 np_id;
	TAILQ_HEAD(, node_link) np_links;	/* newest first */
	int		 np_routable;	/* an Update came */
	int		 np_pinging;
	uint64_t	 np_handed;	/* hand-over began (UTC ms); 0: none */
	uint64_t	 np_config_at;	/* document pushed */
	uint64_t	 np_used;
	struct vaddr	 np_addr;	/* where it listens, if known */
};
RB_HEAD(node_peers, node_peer);

struct node_req {
	RB_ENTRY(node_req) rq_entry;
	struct node	*rq_node;
	uint64_t	 rq_tid;
	uint16_t	 rq_code;
	struct node_dest rq_dest;	/* the last one: who may answer */
	uint8_t		*rq_destlist;
	size_t		 rq_destlen;
	uint64_t	 rq_link;	/* first hop; 0: routed */
	uint8_t		*rq_msg;	/* once signed */
	size_t		 rq_len;
	unsigned	 rq_sends;
	int		 rq_error;	/* failed before it was sent */
	int		 rq_any;	/* any member may answer */
	struct ntimer	 rq_timer;
	node_done	 rq_done;
	void		*rq_arg;
};
RB_HEAD(node_reqs, node_req);

struct node_sig {
	TAILQ_ENTRY(node_sig) ns_entry;
	uint64_t	 ns_id;
	int		 ns_type;	/* KS_RELOAD_* */
	uint64_t	 ns_req;	/* tid of the request, or 0 */
	struct node_return ns_ret;	/* of the answer */
	uint8_t		*ns_data;	/* contents, or the data input */
	size_t		 ns_len;
	uint8_t		*ns_bucket;
	size_t		 ns_bucketlen;
	node_sigdone	 ns_done;	/* data */
	void		*ns_arg;
};
TAILQ_HEAD(node_sigs, node_sig);

struct node_dup {
	RB_ENTRY(node_dup) nu_entry;
	TAILQ_ENTRY(node_dup) nu_age;
	struct nodeid	 nu_signer;
	uint64_t	 nu_tid;
	uint64_t	 nu_until;
	uint8_t		*nu_data;	/* contents and security block; NULL: not answered yet */
	size_t		 nu_len;
};
RB_HEAD(node_dups, node_dup);

struct node_self {		/* a message to ourselves */
	STAILQ_ENTRY(node_self) nf_entry;
	size_t		 nf_len;
	uint8_t		 nf_msg[];
};

struct node_frag;
struct node_attach;
struct node_job;

enum join_state {
	JOIN_IDLE = 0, JOIN_CONNECT = 1, JOIN_ATTACH = 2, JOIN_UPDATE = 3,
	JOIN_NEIGHBOURS = 4, JOIN_JOIN = 5, JOIN_READY = 6, JOIN_DONE = 7,
	JOIN_LEFT = 8
};

struct node_stats {
	uint64_t	ns_in, ns_out, ns_forwarded, ns_dropped, ns_badsig;
	uint64_t	ns_requests, ns_timeouts, ns_errors_sent, ns_errors_in;
	uint64_t	ns_stored, ns_refused, ns_fetched, ns_limited;
	uint64_t	ns_lost_peers, ns_joins;
};

struct node {
	const struct node_ops *n_ops;
	void		*n_arg;
	struct node_conf n_conf;
	const struct reload_doc *n_doc;
	struct nodeid	 n_self;
	uint64_t	 n_mono, n_wall, n_started;
	struct timers	 n_timers;
	struct ring	 n_ring;
	struct storage	 n_storage;
	struct node_stats n_stats;
	struct node_peers n_peers;
	size_t		 n_npeers;
	struct node_links n_links;
	size_t		 n_nlinks;
	uint64_t	 n_nextlink;

	struct node_reqs n_reqs;
	size_t		 n_nreqs;
	struct node_sigs n_sigwait, n_datawait, n_sigsent;
	size_t		 n_nsigwait, n_nsigsent;
	uint64_t	 n_nextsig;
	struct ntimer	 n_sigtimer;
	struct node_dups n_dups;
	TAILQ_HEAD(, node_dup) n_dupage;
	size_t		 n_ndups, n_dupbytes;
	STAILQ_HEAD(, node_self) n_selfq;
	size_t		 n_nself;
	struct ntimer	 n_selftimer;
	TAILQ_HEAD(, node_frag) n_frags;
	size_t		 n_nfrags;
	uint64_t	 n_errtokens_at;
	unsigned	 n_errtokens;

	int		 n_closing;
	struct {
		uint64_t	token;	/* 0: free */
		struct node_return ret;
	}		 n_config[4];	/* ConfigUpdates under examination */
	uint64_t	 n_configpush;	/* when one was sent to a stranger */
	struct nodeid	 n_kindpushed[64];	/* who got our Kind's definition */
	unsigned	 n_nextkindpushed;

	TAILQ_HEAD(, node_attach) n_attaches;
	struct {			/* candidates that failed lately */
		struct nodeid	id;
		uint64_t	until;
	}		 n_failed[32];
	unsigned	 n_nextfailed;
	struct {			/* neighbours whose link was lost just now */
		struct nodeid	id;
		struct vaddr	addr;
		int		set;
	}		 n_lost[8];
	unsigned	 n_nextlost;
	struct ntimer	 n_losttimer;

	/* join.c */
	enum join_state	 n_join;
	struct ntimer	 n_jointimer, n_checktimer;
	unsigned	 n_jointries;
	uint64_t	 n_bootlink;
	struct vaddr	 n_boots[RELOAD_BOOT_MAX + NODE_CACHE_MAX];
	size_t		 n_nboots, n_nextboot;
	struct vaddr	 n_cache[NODE_CACHE_MAX];
	size_t		 n_ncache;
	struct nodeid	 n_ap;		/* admitting peer */
	int		 n_apupdate;	/* its Update came */
	unsigned	 n_joinwait;	/* Attaches under way for the join */
	size_t		 n_leaving;	/* Leaves under way */
	struct nodeid	 n_hint[32];	/* of the admitting peer's Update */
	size_t		 n_nhints;
	struct nodeid	 n_hintfrom;
	uint64_t	 n_checklink;

	/* update.c */
	struct nodeid	 n_oldpred[RING_NEIGHBOURS], n_oldsucc[RING_NEIGHBOURS];
	size_t		 n_noldpred, n_noldsucc;
	struct ntimer	 n_updatetimer;	/* reactive, coalesced */
	struct ntimer	 n_periodtimer, n_fingertimer, n_pingtimer, n_sweeptimer;
	int		 n_rangechanged;
	uint64_t	 n_stable;	/* since when neighbours have not changed */

	/* repl.c */
	TAILQ_HEAD(, node_job) n_jobs;

	/* newer.c */
	size_t		 n_nnewer;	/* Fetches under way */
	uint64_t	 n_newerat;	/* paces them */

	/* read.c: Fetch limits */
	struct {
		struct nodeid	id;
		uint64_t	at;
		uint32_t	tokens;	/* thousandths */
	}		 n_fetchers[256];

	struct regist	*n_regist;
	void		(*n_joined)(struct node *);	/* regist.c */
};

/* -- node.c: life -- */

struct node	*node_new(const struct node_conf *, const struct reload_doc *,
		    const struct node_ops *, void *arg, uint64_t mono, uint64_t wall);
void		 node_free(struct node *);
void		 node_clock(struct node *, uint64_t mono, uint64_t wall);
/* Begin to look for the ring.  cache: peers known from an earlier run. */
void		 node_start(struct node *, const struct vaddr *cache, size_t n);
/* Tell the neighbours that we go; the messages still have to be signed and
 * sent: give it a second before node_free, or until node_leaving says 0. */
void		 node_leave(struct node *);
size_t		 node_leaving(const struct node *);	/* who has not answered it */
/* Moment of the next node_run, 0 and *at; -1: none. */
int		 node_next(const struct node *, uint64_t *at);
void		 node_run(struct node *);
/* A new document, or new addresses, in force from now on. */
void		 node_document(struct node *, const struct reload_doc *);
int		 node_is_joined(const struct node *);
size_t		 node_pending(const struct node *);	/* requests and signatures under way */
const char	*node_join_str(const struct node *);

/* Events.  A link that came from outside gets its id from node_link_id. */
uint64_t	 node_link_id(struct node *);
/* inbound: accepted by us.  -1: not wanted, the owner closes it. */
int		 node_link_up(struct node *, uint64_t link, const struct nodeid *,
		    const struct vaddr *, int inbound);
void		 node_link_down(struct node *, uint64_t link);
void		 node_link_suspect(struct node *, uint64_t link, int suspect);
/* One whole message or fragment from a link.  -1: close that link. */
int		 node_input(struct node *, uint64_t link, const void *, size_t);
/* The beginning of one above max-message-size: 1 more must come first; 0 an
 * error is on its way, close the link when it has left; -1 close it now. */
int		 node_too_large(struct node *, uint64_t link, const void *, size_t);
void		 node_signed(struct node *, uint64_t id, int error, const void *, size_t);
/* Outcome of no_config: 0, or the RELOAD error code and a text. */
void		 node_config_done(struct node *, uint64_t token, int error, const char *);

struct node_peer *node_peer_find(const struct node *, const struct nodeid *);
struct node_link *node_link_find(const struct node *, uint64_t);
/* Give up a link (and maybe its peer) from our side. */
void		 node_link_drop(struct node *, struct node_link *);
/* Close links that are of no use to the ring. */
void		 node_prune(struct node *);
/* Before a link to a node that would be a neighbour: give up another one. */
void		 node_make_room(struct node *, const struct nodeid *);
/* Connect to addr; 0: no.  The link's id. */
uint64_t	 node_connect(struct node *, const struct vaddr *, int boot);
void		 node_log(struct node *, int level, const char *, ...)
		    __attribute__((__format__(printf, 3, 4)));
uint32_t	 node_rand(struct node *, uint32_t below);	/* 0 if below is 0 */
uint64_t	 node_rand64(struct node *);
/* Why we do not connect there, or NULL. */
const char	*node_addr_bad(const struct node *, const struct vaddr *);

/* -- message.c: building, signing, requests, answers -- */

int		 build_open(struct node *, struct node_build *, uint16_t code);
void		 build_free(struct node_build *);
/* Add a certificate to the message's bucket, once. */
void		 build_cert(struct node_build *, const void *der, size_t);
/*
 * Sign and send the request, repeat it, and call done once: with the answer, or
 * with an error.  Takes over b in any case.  link: first hop, 0 to route it.
 * The transaction id, or 0 (done is then not called).
 */
uint64_t	 node_request(struct node *, struct node_build *, const struct node_dest *,
		    size_t ndests, uint64_t link, node_done, void *arg);
void		 node_cancel(struct node *, uint64_t tid);
void		 node_answer(struct node *, struct node_in *, struct node_build *);
/* The same when the return path was kept. */
void		 node_answer_to(struct node *, struct node_return *, struct node_build *);
void		 node_error(struct node *, struct node_in *, int code, const char *text);
void		 node_error_to(struct node *, struct node_return *, int code,
		    const void *info, size_t);
void		 node_return_free(struct node_return *);
/* Where an answer to a message that came from from goes; -1: nowhere. */
int		 node_return_make(struct node *, const struct wire_header *, uint16_t code,
		    const struct nodeid *from, struct node_return *);
/* Sign a data input; -1: not queued. */
int		 node_sign_data(struct node *, const void *, size_t, node_sigdone, void *arg);
void		 node_sign_cancel(struct node *, void *arg);
struct node_req	*node_req_find(struct node *, uint64_t tid);
void		 node_req_finish(struct node *, struct node_req *, const struct node_resp *);
/* 0: new, now remembered; 1: known (its answer was sent again if there was one). */
int		 node_dup_check(struct node *, struct node_in *);
void		 node_dup_expire(struct node *);
void		 message_init(struct node *);
void		 message_clear(struct node *);
/* Append a destination to a packed list. */
void		 node_dest_write(struct wbuf *, const struct node_dest *);

/* -- route.c -- */

/* Send a whole message by its destination list. */
void		 route_out(struct node *, const void *, size_t, uint64_t link);
/* The link over which a node or resource is reached; 0: none. */
uint64_t	 route_link(struct node *, const struct nodeid *, int resource);
uint64_t	 route_peer_link(const struct node_peer *);
void		 route_init(struct node *);
void		 route_clear(struct node *);

/* -- frag.c -- */

/* Takes a fragment; the whole message (free it) when it is complete. */
uint8_t		*frag_add(struct node *, const struct wire_header *, const void *,
		    size_t, size_t *len);
void		 frag_clear(struct node *);

/* -- attach.c -- */

typedef void (*attach_done)(struct node *, int ok, const struct nodeid *, void *arg);
/* Attach to a node or resource; done once, never inside.  -1: not now. */
int		 attach_start(struct node *, const struct node_dest *, size_t ndests,
		    uint64_t link, attach_done, void *arg);
/* Attach to a node unless it is linked or an Attach is under way. */
void		 attach_candidate(struct node *, const struct nodeid *, const struct nodeid *via);
int		 attach_pending(const struct node *, const struct nodeid *);
void		 attach_in(struct node *, struct node_in *);
void		 appattach_in(struct node *, struct node_in *);
void		 attach_link_up(struct node *, struct node_peer *);
void		 attach_clear(struct node *);
void		 attach_failed(struct node *, const struct nodeid *);
/* A peer is reached at this address: remember it. */
void		 node_peer_addr(struct node *, const struct nodeid *, const struct vaddr *);
/* AppAttach to a claimant for PVP. */
typedef void (*appattach_done)(int error, const struct vaddr *, size_t n, void *arg);
int		 appattach_start(struct node *, const struct nodeid *, appattach_done, void *arg);

/* -- join.c -- */

void		 join_start(struct node *);
void		 join_link_up(struct node *, struct node_link *);
void		 join_link_down(struct node *, uint64_t link);
void		 join_update(struct node *, const struct nodeid *, const struct wire_update *);
void		 join_in(struct node *, struct node_in *);
void		 leave_in(struct node *, struct node_in *);
void		 join_lost_ring(struct node *);
void		 join_hand_over_done(struct node *, const struct nodeid *);
void		 join_clear(struct node *);
void		 join_init(struct node *);

/* -- update.c -- */

void		 update_init(struct node *);
void		 update_clear(struct node *);
void		 update_send(struct node *, const struct nodeid *, int type);
void		 update_in(struct node *, struct node_in *);
void		 update_start(struct node *);	/* joined: periodic work begins */
/* The set of routable peers changed. */
void		 update_ring(struct node *, int lost);
void		 update_link_up(struct node *, struct node_peer *, int full);
/* Something does not fit: ask the neighbours that have been silent a moment,
 * all of them or those that list (packed Node-IDs) leaves out. */
void		 update_doubt(struct node *, const struct cur *list1, const struct cur *list2);
void		 ping_in(struct node *, struct node_in *);
void		 probe_in(struct node *, struct node_in *);
void		 routequery_in(struct node *, struct node_in *);

/* -- document.c -- */

void		 configupdate_in(struct node *, struct node_in *);
void		 config_push(struct node *, const struct nodeid *);
/* That node does not know Kinds (error_info): define one that is ours, once. */
void		 config_push_kind(struct node *, const struct nodeid *, struct span info);
void		 config_clear(struct node *);

/* -- data.c -- */

void		 store_in(struct node *, struct node_in *);
/* Does the signature of a value hold and may its signer write there? 0 or a
 * RELOAD error code. */
int		 data_check(struct node *, const struct nodeid *resource,
		    const struct reload_kind *, const struct wire_stored *,
		    const struct cur *bucket, struct node_signer *, const char **why);
/* The same, and the item to store, its certificate and signature copied
 * (prev: the one before, whose certificate it may share). */
int		 data_item(struct node *, const struct reload_kind *, const struct wire_stored *,
		    const struct nodeid *resource, const struct cur *bucket,
		    struct node_signer *, struct storage_item *,
		    const struct storage_item *prev, const char **why);
/* Free these copies, of all items, zeroed ones too. */
void		 data_items_free(struct storage_item *, size_t);
/* The Resource-ID of a body, the same as that of the destination; -1: answered
 * with an error. */
int		 data_resource(struct node *, struct node_in *, struct span, struct nodeid *);
/* wire_model_fn with the node as arg. */
int		 data_model(uint32_t kind, void *node);

/* -- read.c -- */

void		 fetch_in(struct node *, struct node_in *);
void		 stat_in(struct node *, struct node_in *);
void		 find_in(struct node *, struct node_in *);
/* A stored value as StoredData with that lifetime. */
void		 data_value_write(struct wbuf *, int model, const struct storage_value *,
		    uint32_t lifetime);
/* 1: the signer may fetch now. */
int		 data_fetch_allow(struct node *, const struct nodeid *);

/* -- repl.c -- */

/* Copy one place (its values of storage_time >= since received) to the two
 * successors. */
void		 repl_stored(struct node *, const struct nodeid *resource, uint32_t kind,
		    uint64_t since);
/* Copy the range (from, to] to a node from at on; values received at or after since. */
enum repl_why { REPL_COPY = 0, REPL_MOVED = 1, REPL_JOIN = 2 };
void		 repl_range(struct node *, const struct nodeid *to_node,
		    const struct nodeid *from, const struct nodeid *to,
		    uint64_t since, uint64_t delay_ms, enum repl_why);
void		 repl_peer_gone(struct node *, const struct nodeid *);
void		 repl_clear(struct node *);
/* Forget what is three predecessors away. */
void		 repl_sweep(struct node *);

/* -- newer.c -- */

/* A peer's value in that slot is newer than ours: fetch and store it. */
void		 newer_fetch(struct node *, const struct nodeid *peer,
		    const struct nodeid *resource, uint32_t kind, const void *slot, size_t);
int		 newer_busy(const struct node *);	/* copies had better wait */

RB_PROTOTYPE(node_peers, node_peer, np_entry, node_peer_cmp)
RB_PROTOTYPE(node_links, node_link, nl_entry, node_link_cmp)

#endif
