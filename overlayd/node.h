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
struct certstore;

#define NODE_PVP_APPLICATION	61461
#define NODE_LINKS_MAX		256	/* links, up or under way */
#define NODE_LINKS_SOFT		128	/* idle ones above this are closed */
#define NODE_CACHE_MAX		10	/* known peers kept for a restart */
#define NODE_SIGN_MAX		16	/* signatures under way at key */
#define NODE_SIGN_QUEUE_MAX	4096	/* signatures that wait here, */
#define NODE_SIGN_BYTES_MAX	((size_t)16 * 1024 * 1024)	/* and what they are of */
#define NODE_REQS_MAX		8192	/* requests that wait for answers */
#define NODE_SENDS_MAX		5	/* of a request, RFC 6940, 6.2.1 */

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
	/* A document, or Kinds (packed kind-blocks), that a peer sent:
	 * node_config_done(token) follows, or is called at once.  NULL: refused. */
	void	(*no_config)(void *, uint64_t token, int type, const void *, size_t);
	/* Read again what no_put wrote; NULL: storage keeps it in memory. */
	storage_get_fn no_get;
};

struct node_conf {
	struct nodeid	 nc_self;
	const uint8_t	*nc_cert;	/* DER; the owner's, outlives the node */
	size_t		 nc_certlen;
	uint8_t		 nc_sha256[32];
	uint8_t		 nc_alg;	/* enum reload_sigalg of our key */
	const char	*nc_user;	/* of the certificate; the owner's, outlives the node */
	int64_t		 nc_not_after;	/* its end, UTC s; 0: not known */
	int		 nc_self_signed;	/* nobody vouches for the user name */
	struct vaddr	 nc_addr;	/* where peers reach us */
	struct vaddr	 nc_pvp;	/* where claimants' peers reach our PVP; family 0: none */
	int		 nc_first;	/* may start the ring alone */
	int		 nc_private;	/* private addresses of peers are fine */
	int		 nc_client;	/* never in the ring (RFC 6940, 4.2) */
};

/* -- messages being built -- */

struct node_build {
	struct node	*nb_node;	/* NULL: nothing to free */
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
	uint64_t	 nx_link;	/* the way back; 0: by nx_dest */
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
	struct nodeid	 ni_user;	/* Store: Resource-ID of its user name */
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
	int		 nl_asked;	/* by its Attach */
	int		 nl_full;	/* send it a full Update when it is up */
	struct nodeid	*nl_ids;	/* one of these, not known which */
	size_t		 nl_nids;
	struct ntimer	 nl_timer;	/* closing of a replaced link */
};
RB_HEAD(node_links, node_link);

struct node_peer {
	RB_ENTRY(node_peer) np_entry;
	struct nodeid	 np_id;
	TAILQ_HEAD(, node_link) np_links;	/* newest first */
	int		 np_routable;	/* an Update came */
	int		 np_left;	/* a Leave came: it is not, unless it joins */
	int		 np_pinging;
	uint64_t	 np_since;	/* linked */
	uint64_t	 np_handed;	/* hand-over began (UTC ms); 0: none */
	uint64_t	 np_config_at;	/* document pushed */
	uint64_t	 np_used;
	uint64_t	 np_updated;	/* we sent it an Update */
	uint64_t	 np_lists;	/* it sent one with its neighbours */
	int		 np_near;	/* a neighbour when we sent the last ones */
	int		 np_ask;	/* who it named was not there: ask again */
	struct vaddr	 np_addr;	/* where it listens, if known */
	int		 np_sure;	/* not only by its own word */
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
	int		 rq_hint;	/* Error of a node that may not answer */
	unsigned	 rq_hints;	/* sendings that met one */
	unsigned	 rq_hinted;	/* the last of them */
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
struct node_via;
struct node_attach;
struct node_job;
struct lookup;
struct limits;

/* What others ask of us, by what it costs; limit.c has the rates. */
enum limit_class {
	LIMIT_READ = 0,		/* Fetch, Stat: data_fetch_allow */
	LIMIT_ASK,		/* Ping, Probe, RouteQuery, Find, AppAttach */
	LIMIT_ATTACH,
	LIMIT_JOIN,		/* and Leave */
	LIMIT_UPDATE,
	LIMIT_CONFIG,
	LIMIT_STORE,
	LIMIT_COPY,		/* Store by a neighbour */
	LIMIT_ERROR,		/* errors that we sent it */
	LIMIT_FALSE,		/* nodes and addresses it named that are not there */
	LIMIT_CLASSES
};

enum join_state {
	JOIN_IDLE = 0, JOIN_CONNECT = 1, JOIN_ATTACH = 2, JOIN_UPDATE = 3,
	JOIN_NEIGHBOURS = 4, JOIN_JOIN = 5, JOIN_READY = 6, JOIN_DONE = 7,
	JOIN_LEFT = 8, JOIN_CLIENT = 9
};

struct node_stats {
	uint64_t	ns_in, ns_out, ns_forwarded, ns_dropped, ns_badsig;
	uint64_t	ns_requests, ns_timeouts, ns_errors_sent, ns_errors_in;
	uint64_t	ns_stored, ns_refused, ns_fetched, ns_limited;
	uint64_t	ns_lost_peers, ns_joins;
	uint64_t	ns_fragmented, ns_compressed;
	uint64_t	ns_overrate;	/* asked too much, limit.c */
	uint64_t	ns_muted;	/* of these, not even verified */
	uint64_t	ns_jumps;	/* of UTC */
};

struct node {
	const struct node_ops *n_ops;
	void		*n_arg;
	struct node_conf n_conf;
	const struct reload_doc *n_doc;
	struct nodeid	 n_self;
	uint64_t	 n_mono;	/* ms, pauses left out */
	uint64_t	 n_wall;	/* UTC ms, as it is set */
	uint64_t	 n_started, n_paused;
	struct timers	 n_timers;
	struct ring	 n_ring;
	struct storage	 n_storage;
	struct node_stats n_stats;
	struct node_peers n_peers;
	size_t		 n_npeers;
	struct node_links n_links;
	size_t		 n_nlinks;
	size_t		 n_nseveral;	/* links that wait for their Attach */
	uint64_t	 n_nextlink;

	struct node_reqs n_reqs;
	size_t		 n_nreqs;
	struct node_sigs n_sigwait, n_datawait, n_sigsent;
	size_t		 n_nsigwait, n_nsigsent, n_sigbytes;
	uint64_t	 n_nextsig;
	struct ntimer	 n_sigtimer;
	struct node_dups n_dups;
	TAILQ_HEAD(, node_dup) n_dupage;
	size_t		 n_ndups, n_dupbytes;
	STAILQ_HEAD(, node_self) n_selfq;
	size_t		 n_nself;
	struct ntimer	 n_selftimer;
	TAILQ_HEAD(, node_frag) n_frags;
	size_t		 n_nfrags, n_fragbytes;
	struct node_via	*n_vias;	/* NULL until one is needed */
	unsigned	 n_nextvia;
	size_t		 n_nvias, n_viabytes;
	uint64_t	 n_errtokens_at;
	unsigned	 n_errtokens;

	int		 n_closing;
	struct {
		uint64_t	token;	/* 0: free */
		struct node_return ret;
	}		 n_config[4];	/* ConfigUpdates under examination */
	uint64_t	 n_configpush;	/* when one was sent to a stranger */
	struct {
		struct nodeid	id;
		uint32_t	kind;
	}		 n_kindpushed[64];	/* who got which Kind's definition */
	unsigned	 n_nextkindpushed;
	struct ntimer	 n_kindtimer;	/* data of Kinds that are gone */

	struct limits	*n_limits;
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
	int		 n_quit;	/* left because of a document */
	int		 n_clientbusy;	/* client.c: a Ping or Attach is under way */
	size_t		 n_leaving;	/* Leaves under way */
	struct nodeid	 n_hint[32];	/* of the admitting peer's Update */
	size_t		 n_nhints;
	struct nodeid	 n_hintfrom;
	uint64_t	 n_checklink;
	size_t		 n_nextcheck;	/* whom; 0: not begun */
	unsigned	 n_joinsteps;	/* patience left */
	uint64_t	 n_joinstored;	/* values taken by then */

	/* update.c */
	struct nodeid	 n_oldpred[RING_NEIGHBOURS], n_oldsucc[RING_NEIGHBOURS];
	size_t		 n_noldpred, n_noldsucc;
	struct ntimer	 n_updatetimer;	/* reactive, coalesced */
	struct ntimer	 n_tabletimer;	/* the same, to the rest of the table */
	uint64_t	 n_updateused;	/* paces them, as in limit.c */
	struct ntimer	 n_resumetimer;	/* after a pause */
	uint32_t	 n_fingerset;	/* which were there; bit 1 the first */
	uint32_t	 n_fingerlost;	/* to be looked for now */
	uint64_t	 n_fingerdue;	/* next look for one of the others */
	struct ntimer	 n_periodtimer, n_fingertimer, n_pingtimer, n_sweeptimer;
	uint64_t	 n_stable;	/* since when neighbours have not changed */

	/* repl.c */
	TAILQ_HEAD(, node_job) n_jobs;
	int		 n_copydue;	/* copies were left out */

	/* newer.c */
	size_t		 n_nnewer;	/* Fetches under way */
	uint64_t	 n_newerat;	/* paces them */

	/* lookup.c, detour.c */
	TAILQ_HEAD(, lookup) n_lookups;
	uint32_t	 n_doubt;	/* thousandths */
	uint64_t	 n_doubt_at;

	/* read.c: Fetch limits */
	struct {
		struct nodeid	id;
		uint64_t	at;
		uint32_t	tokens;	/* thousandths */
	}		 n_fetchers[256];

	struct regist	*n_regist;
	void		(*n_joined)(struct node *);	/* regist.c */
	struct certstore *n_certstore;	/* NULL: ours is not stored */
};

/* -- node.c: life -- */

struct node	*node_new(const struct node_conf *, const struct reload_doc *,
		    const struct node_ops *, void *arg, uint64_t mono, uint64_t wall);
void		 node_free(struct node *);
/* Monotonic and UTC ms.  Being ten seconds late for a timer counts as a pause, in
 * which no time passes; UTC that jumps by ten minutes moves what is stored along. */
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
/* Leave for good, until another document is in force: this one, a valid one, asks
 * for something that we do not have (RFC 6940, 11.1). */
void		 node_quit(struct node *, const char *why);
/* A new document, or new addresses, in force from now on. */
void		 node_document(struct node *, const struct reload_doc *);
/* In the ring, or attached to it as a client. */
int		 node_is_joined(const struct node *);
const char	*node_join_str(const struct node *);

/* Events.  A link that came from outside gets its id from node_link_id. */
uint64_t	 node_link_id(struct node *);
/* inbound: accepted by us.  -1: not wanted, the owner closes it. */
int		 node_link_up(struct node *, uint64_t link, const struct nodeid *,
		    const struct vaddr *, int inbound);
/* The same where the certificate names several Node-IDs: it serves after an
 * Attach that is signed as one of them, or at once when we expect one. */
int		 node_link_several(struct node *, uint64_t link, const struct nodeid *,
		    size_t, const struct vaddr *, int inbound);
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

/*
 * A buffer of max-message-size, of those kept ready if there is one; 0, or -1
 * without memory.  Given back with node_spare, which wipes what was written.
 */
int		 node_buffer(const struct node *, struct wbuf *);
void		 node_spare(struct wbuf *);
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
void		 message_init(struct node *);
void		 message_clear(struct node *);
/* Append a destination to a packed list. */
void		 node_dest_write(struct wbuf *, const struct node_dest *);

/* -- dup.c -- */

/* 0: new, now remembered; 1: known (its answer was sent again if there was one). */
int		 node_dup_check(struct node *, struct node_in *);
/* The answer to a remembered request: contents and security block. */
void		 dup_answer(struct node *, const struct node_return *, const void *, size_t);
void		 node_dup_expire(struct node *);
void		 dup_init(struct node *);
void		 dup_clear(struct node *);

/* -- route.c -- */

/* Send a whole message by its destination list. */
void		 route_out(struct node *, const void *, size_t, uint64_t link);
/* The link over which a node or resource is reached; 0: none. */
uint64_t	 route_link(struct node *, const struct nodeid *, int resource);
uint64_t	 route_peer_link(const struct node_peer *);
void		 route_init(struct node *);
void		 route_clear(struct node *);

int		 route_verify(struct node *, const struct wire_msg *, struct node_signer *);

/* -- several.c -- */

/* A message from such a link.  -1: close it. */
int		 several_input(struct node *, struct node_link *, const void *, size_t);

/* -- frag.c -- */

/*
 * Send header (its fragment field, too) and payload; in equal pieces if together
 * they are above max-message-size.  -1: that cannot be done, nothing was sent.
 */
int		 frag_send(struct node *, uint64_t link, struct wire_header *,
		    const void *payload, size_t);
/* Takes a fragment that from brought; the whole message (free it) when it is
 * complete. */
uint8_t		*frag_add(struct node *, const struct nodeid *from,
		    const struct wire_header *, const void *, size_t, size_t *len);
void		 frag_clear(struct node *);

/* -- via.c -- */

/* Keep the via list of a request that from brought, and from; *out: the opaque
 * id that stands for them.  -1: no room. */
int		 via_save(struct node *, const struct wire_header *,
		    const struct nodeid *from, uint8_t out[2]);
/* The destinations that an opaque id of an answer stands for, good until the
 * next via_save.  -1: not ours, too old, or of another transaction. */
int		 via_load(struct node *, const struct wire_dest *, uint64_t tid, struct cur *);
void		 via_clear(struct node *);

/* -- limit.c -- */

int		 limit_init(struct node *);
void		 limit_clear(struct node *);
/* Forget those who have asked for nothing lately. */
void		 limit_expire(struct node *);
size_t		 limit_count(const struct node *);	/* signers remembered */
/* 1: whoever has the certificate of that digest is above its rate for such
 * requests that from, the previous hop, brings: it need not be verified. */
int		 limit_muted(struct node *, struct span digest, const struct nodeid *from,
		    uint16_t code);
/* A request that was verified: 1 to go on, 0 to drop it. */
int		 limit_allow(struct node *, const struct node_signer *,
		    const struct nodeid *from, uint16_t code);
/* The same for an error in answer to such a request. */
int		 limit_error(struct node *, const struct node_signer *,
		    const struct nodeid *from, uint16_t code);
/* It named a node or an address that is not there.  limit_trusted is 0 when it
 * has done so too often lately. */
void		 limit_false(struct node *, const struct nodeid *);
int		 limit_trusted(const struct node *, const struct nodeid *);
/* May we connect there on another's word?  Why not, or NULL: then it counts. */
const char	*limit_connect(struct node *, const struct vaddr *);
void		 limit_unreached(struct node *, const struct vaddr *);
void		 limit_reached(struct node *, const struct vaddr *);

/* -- attach.c -- */

typedef void (*attach_done)(struct node *, int ok, const struct nodeid *, void *arg);
/* Attach to a node or resource; done once, never inside.  -1: not now. */
int		 attach_start(struct node *, const struct node_dest *, size_t ndests,
		    uint64_t link, attach_done, void *arg);
/* Attach to a node unless it is linked or an Attach is under way.  via: who
 * named it and answers for it; the way leads through it. */
void		 attach_candidate(struct node *, const struct nodeid *, const struct nodeid *via);
/* The same by the ring's way. */
void		 attach_named(struct node *, const struct nodeid *, const struct nodeid *by);
int		 attach_pending(const struct node *, const struct nodeid *);
void		 attach_in(struct node *, struct node_in *);
void		 appattach_in(struct node *, struct node_in *);
void		 attach_link_up(struct node *, struct node_peer *);
void		 attach_clear(struct node *);
void		 attach_failed(struct node *, const struct nodeid *);
int		 attach_failed_lately(const struct node *, const struct nodeid *);
/* A peer is reached at this address: remember it.  sure: we were there; what a
 * node merely says is kept for a restart only if its link comes from there. */
void		 node_peer_addr(struct node *, const struct nodeid *, const struct vaddr *,
		    int sure);
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

/* Begin anew, after a moment. */
void		 join_again(struct node *);

/* -- client.c -- */

/* Before the first connection: what was held as a peer is given up.  -1: the
 * document permits no clients. */
int		 client_start(struct node *);
void		 client_attached(struct node *, const struct nodeid *ap);
/* The peer over which a client reaches that. */
const struct nodeid *client_hop(const struct node *, const struct nodeid *);
void		 client_update(struct node *, const struct nodeid *, const struct wire_update *);
void		 client_ring(struct node *);
void		 client_check(struct node *);
/* clients-permitted has changed. */
void		 client_document(struct node *);

/* -- update.c -- */

void		 update_init(struct node *);
void		 update_clear(struct node *);
void		 update_send(struct node *, const struct nodeid *, int type);
void		 update_in(struct node *, struct node_in *);
void		 update_start(struct node *);	/* joined: periodic work begins */
/* Those of a new document begin now. */
void		 update_intervals(struct node *, const struct reload_doc *old);
/* Attach to those that would be among our nearest neighbours, of lists that by
 * has sent; through it, unless it is leaving. */
void		 update_candidates(struct node *, struct cur, struct cur,
		    const struct nodeid *by, int leaving);
/* The set of routable peers changed. */
void		 update_ring(struct node *, int lost);
void		 update_link_up(struct node *, struct node_peer *, int full);
/* Something does not fit: ask the neighbours that have been silent a moment,
 * all of them or those that list (packed Node-IDs) leaves out. */
void		 update_doubt(struct node *, const struct cur *list1, const struct cur *list2);

/* -- probe.c -- */

void		 ping_in(struct node *, struct node_in *);
void		 probe_in(struct node *, struct node_in *);
void		 routequery_in(struct node *, struct node_in *);

/* -- document.c -- */

void		 configupdate_in(struct node *, struct node_in *);
void		 config_push(struct node *, const struct nodeid *);
/* Drop, by and by, what is stored of Kinds that are not known any more; as a
 * client, all. */
void		 config_sweep(struct node *);
void		 config_init(struct node *);
/* Another document is in force: Kinds that have gone, or changed their form. */
void		 config_kinds(struct node *, const struct reload_doc *old);
/* The same for one that was defined or changed: model is what it was, 0: none. */
void		 config_kind(struct node *, uint32_t kind, int model);
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
/* A stored value as StoredData with that lifetime.  -1: its record is not to be
 * had, nothing was written. */
int		 data_value_write(struct wbuf *, int model, struct storage *,
		    struct storage_value *, uint32_t lifetime);
/* 1: the signer may fetch now. */
int		 data_fetch_allow(struct node *, const struct nodeid *);

/* -- repl.c -- */

/* Copy one place (its values of storage_time >= since received) to the two
 * successors. */
void		 repl_stored(struct node *, const struct nodeid *resource, uint32_t kind,
		    uint64_t since);
/* Copy the range (from, to] to a node from at on; values received at or after
 * since.  -1: too much is under way; it is done later by repl_again, unless
 * a node joins. */
enum repl_why { REPL_COPY = 0, REPL_MOVED = 1, REPL_JOIN = 2 };
int		 repl_range(struct node *, const struct nodeid *to_node,
		    const struct nodeid *from, const struct nodeid *to,
		    uint64_t since, uint64_t delay_ms, enum repl_why);
void		 repl_again(struct node *);
void		 repl_peer_gone(struct node *, const struct nodeid *);
void		 repl_clear(struct node *);
/* Forget what is three predecessors away.  1: more is to be looked at soon. */
int		 repl_sweep(struct node *);

/* -- newer.c -- */

/* A peer's value in that slot is newer than ours: fetch and store it. */
void		 newer_fetch(struct node *, const struct nodeid *peer,
		    const struct nodeid *resource, uint32_t kind, const void *slot, size_t);
int		 newer_busy(const struct node *);	/* copies had better wait */

RB_PROTOTYPE(node_peers, node_peer, np_entry, node_peer_cmp)
RB_PROTOTYPE(node_links, node_link, nl_entry, node_link_cmp)

#endif
