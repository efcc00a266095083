/* SPDX-License-Identifier: ISC */
/* core: what the files of the proxy share; nobody else includes it. */
#ifndef PROXY_INT_H
#define PROXY_INT_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stddef.h>
#include <stdint.h>

#include "border.h"
#include "conf.h"
#include "htab.h"
#include "leg.h"
#include "ng.h"
#include "sip_limits.h"
#include "proxy.h"
#include "proxy_hops.h"
#include "proxy_timer.h"
#include "sip_build.h"
#include "sip_parse.h"
#include "sip_uri.h"
#include "txn.h"

#define PX_TXNS_MAX	200000	/* 2,500 calls/s: 64 s of two a call, 5 s of one */
#define PX_TXN_BYTES	(64u * 1024 * 1024)
#define PX_CTX_MAX	20000
#define PX_CTX_INSIDE	10000	/* of these, only the inside may use the last ones */
#define PX_CTX_BYTES	(48u * 1024 * 1024)
#define PX_CTX_URGENT	2000	/* beyond these, for emergency calls and inside dialogs */
#define PX_DIALOG_MAX	20000
#define PX_DIALOGS_CALL	16	/* dialogs that one INVITE may make by forking */
#define PX_LEGS_MAX	24000	/* dialogs, and the ended ones that wait */
#define PX_SPARE	64	/* contexts kept for the next call */
#define PX_TARGETS	16	/* addresses of hops tried for one call */
#define PX_HOPS		64	/* hops that are looked at for one call */
#define PX_NOTES	4096	/* decisions remembered */
#define PX_TEXT		8192	/* a header value that we write */
#define PX_OUT		(SIP_MSG_MAX + 16384)
#define PX_UDP_MAX	65507	/* bytes of a datagram over IPv4 */
#define PX_BRANCH	48
#define PX_URI		2048	/* a Contact, From or To that is remembered */
#define PX_TAG		128
#define PX_CALLID	512
#define PX_LOOP_LIVE	4	/* live calls of one caller to one number */
#define PX_LOOP_ANON	32	/* the same when the caller is not known */

#define PX_TIMER_C	200000	/* RFC 3261 16.6 item 11: above 3 minutes */
#define PX_HOP_SILENCE	4000	/* nothing at all from a trunk that has a successor */
#define PX_HOP_OPEN	4000	/* connecting to a hop */
#define PX_TICKET_MS	5000	/* key's answer about a ticket */
#define PX_LINGER	35000	/* a dialog after its BYE */
#define PX_LINGER_OVER	TXN_T4	/* and after the answer to that */
#define PX_EARLY	240000	/* an early dialog */
#define PX_CANCEL_WAIT	32000	/* a final answer after CANCEL */

enum px_side { SIDE_IN = 0, SIDE_OUT = 1 };

/* Who uses a branch, and so how its messages are edited. */
enum br_kind {
	BR_HOP = 1,	/* PBX or trunk: a transparent proxy */
	BR_DIRECT,	/* PBX to outside, new call */
	BR_INWARD,	/* outside to PBX, new call */
	BR_DIALOG_HOP,	/* inside a dialog between hops */
	BR_DIALOG_OUT,	/* inside a dialog, PBX to outside */
	BR_DIALOG_IN	/* inside a dialog, outside to PBX */
};

#define MEDIA_CALL	40	/* rtpengine's name of a call */
/* A message's description: as it came; made by rtpengine; good for nothing. */
enum px_media { MEDIA_FRESH = 0, MEDIA_READY, MEDIA_FAILED };
struct media_job;
RB_HEAD(media_tree, media_job);

/* Asked at the redirect listener; or came with the token of such an answer
 * and goes directly or not at all. */
enum px_redirect { PX_REDIRECT_NONE = 0, PX_REDIRECT_ASK, PX_REDIRECT_CALL };

struct pctx;

struct branch {
	TAILQ_ENTRY(branch) br_entry;		/* in its context, which owns it */
	RB_ENTRY(branch) br_identry;		/* while br_opening */
	struct pctx	*br_ctx;
	enum br_kind	 br_kind;
	uint64_t	 br_id;
	int		 br_opening;		/* po_open or po_connect is under way */
	struct txn	*br_txn;
	struct sip_flow	 br_flow;
	char		 br_branch[PX_BRANCH];
	uint8_t		*br_req;		/* as sent: for ACK and CANCEL */
	size_t		 br_reqlen;
	int		 br_provisional;	/* any 1xx came */
	int		 br_cancel;		/* to be cancelled: 1 wanted, 2 CANCEL sent */
	int		 br_detached;		/* its answers are not for the caller any more */
	int		 br_final;
	int		 br_closed;		/* BYE was sent to an unwanted 2xx */
	int		 br_timer;		/* who sends it knows session timers */
	uint32_t	 br_session;		/* Session-Expires as sent, s; 0: none */
	struct vaddr	 br_addr;		/* hop: where to */
	uint8_t		 br_proto;
	int		 br_reused;		/* on a connection that was there */
	int		 br_full;		/* not sent: 1 our own bounds, 2 cannot be written */
	struct tmr	 br_tmr;
};
RB_HEAD(branch_tree, branch);

struct target {
	struct vaddr	 tg_addr;
	uint8_t		 tg_proto;
};

/* Live calls of one caller to one number. */
struct pair {
	RB_ENTRY(pair)	 pa_entry;
	char		 pa_key[E164_SIZE + 64];
	unsigned	 pa_count;
};
RB_HEAD(pair_tree, pair);

/* One party of a dialog, as we reach it. */
struct party {
	char		*py_tag;	/* in the dialog's text */
	char		*py_contact;	/* its remote target */
	char		*py_routes;	/* its route set as a Route value, or NULL */
	char		*py_uri;	/* its From or To, without tag, as this party's side sees it */
	char		*py_peer;	/* the other's From or To as this party's side sees it */
	struct vaddr	 py_addr;	/* inside: next hop */
	uint8_t		 py_proto;
};

struct dialog {
	struct hnode	 dl_node;	/* by Call-ID and creator's tag; the proxy owns it */
	struct hnode	 dl_idnode;
	TAILQ_ENTRY(dialog) dl_list;
	struct proxy	*dl_px;
	uint64_t	 dl_id;
	uint64_t	 dl_ctx;	/* of its INVITE */
	int		 dl_border;	/* one party is outside */
	int		 dl_confirmed;
	int		 dl_ended;
	int		 dl_late;	/* met in mid-call, after a restart: it has no leg */
	unsigned	 dl_forks;	/* further answers to its INVITE that stand */
	uint64_t	 dl_first;	/* it is such a one: the dialog answered first */
	enum px_side	 dl_creator;	/* of a border dialog: on which side the caller is */
	char		*dl_callid;	/* as the inside knows it */
	char		*dl_callid_out;	/* may be the same */
	struct party	 dl_party[2];	/* border: SIDE_IN, SIDE_OUT; else caller, callee */
	char		*dl_media_call;	/* "": rtpengine has no part in it */
	char		*dl_grantee;	/* verified name outside */
	char		*dl_host;	/* route's host: we may connect again; or empty */
	uint16_t	 dl_port;
	struct sip_flow	 dl_flow;	/* outside connection used last */
	uint64_t	 dl_limit;	/* place taken in limits, 0 none */
	struct pair	*dl_pair;
	struct leg	*dl_leg;
	struct tmr	 dl_tmr;
	size_t		 dl_size;	/* of all this, with the text */
	char		 dl_text[];	/* the strings above that cannot change */
};
TAILQ_HEAD(dialog_list, dialog);

/* A request that came and what became of it: RFC 3261 16's response context. */
struct pctx {
	TAILQ_ENTRY(pctx) pc_entry;		/* in the proxy, which owns it */
	TAILQ_ENTRY(pctx) pc_reapentry;	/* while pc_reap */
	struct hnode	 pc_idnode;
	struct proxy	*pc_px;
	uint64_t	 pc_id;
	struct txn	*pc_server;		/* NULL when it is gone */
	struct sip_flow	 pc_flow;
	enum px_side	 pc_side;
	enum sip_method	 pc_method;
	uint8_t		*pc_req;		/* as it came */
	size_t		 pc_reqlen;
	TAILQ_HEAD(, branch) pc_branches;
	struct branch	*pc_branch;		/* the one whose answers count */
	char		 pc_totag[17];		/* of answers of our own */
	char		 pc_loop[17];
	int		 pc_final;		/* a final answer went to the caller */
	int		 pc_cancelled;
	int		 pc_passed;		/* a 180-199 was passed on */
	int		 pc_reap;
	size_t		 pc_pop_routes;		/* our own Route entries in front */
	uint64_t	 pc_dialog;		/* request inside this dialog, 0 none */
	size_t		 pc_ndialogs;		/* made by this INVITE */
	uint64_t	 pc_answered;		/* dialog of the first 2xx, 0 none */
	/* hops to try */
	size_t		 pc_ntargets, pc_next;
	int		 pc_again;		/* a hop was tried on a new connection */
	int		 pc_urgent;		/* may use what is kept for such */
	/* the call */
	enum leg_kind	 pc_legkind;
	uint16_t	 pc_legflags;
	char		 pc_called[E164_SIZE];
	char		 pc_caller[E164_SIZE];
	struct pair	*pc_pair;
	/* direct */
	enum divert	 pc_divert;
	uint16_t	 pc_port;
	enum px_redirect pc_redirect;
	uint32_t	 pc_route;		/* which one its token names */
	/* rtpengine */
	char		 pc_media_call[MEDIA_CALL];	/* "": has no part in it */
	int		 pc_media_kept;		/* a dialog ends it, not we */
	uint8_t		*pc_body;		/* of the INVITE as it goes on */
	size_t		 pc_bodylen;
	/* from outside */
	uint64_t	 pc_limit;
	int		 pc_counted;
	uint64_t	 pc_check;		/* ticket check under way */
	struct tmr	 pc_tmr;		/* ticket check, timer C */
	/* in-dialog requests: where to */
	char		*pc_target;		/* new Request-URI */
	char		*pc_routes;		/* Route to set */
	/* Large, and of use to some only: from here on nothing is cleared but the
	 * first byte of each text. */
	char		 pc_domain[DOMAIN_SIZE];	/* outside: who calls or is called */
	char		 pc_host[DOMAIN_SIZE];	/* direct: where to */
	char		 pc_uri[URI_MAX];
	char		 pc_ticket[TOKEN_MAX];
	char		 pc_callid_out[PX_CALLID];
	char		 pc_media_tag[PX_TAG];	/* whose answer rtpengine acts on */
	char		 pc_ctag[PX_TAG];	/* creator's tag, where only a seal is left */
	struct target	 pc_targets[PX_TARGETS];	/* pc_ntargets of them */
};
TAILQ_HEAD(pctx_list, pctx);

struct note {
	char		 no_number[E164_SIZE];
	char		 no_text[64];
};

/* For which last proof a call already took the trunk to be proven again. */
#define PX_REPROVED	4096
#define PX_LOCALS	16
#define PX_GHOSTS	1024
struct reproved {
	uint64_t	 re_number;	/* e164_pack */
	uint64_t	 re_proof;
};

struct proxy {
	const struct proxy_ops *px_ops;
	void		*px_ctx;
	const struct conf *px_conf;
	struct rtab	*px_rtab;
	struct seal_keys px_seals;
	uint8_t		 px_callid_key[32];
	uint8_t		 px_loop_key[16];
	uint64_t	 px_utc;
	struct tmrs	 px_tmrs;
	struct txns	*px_txns;
	struct legs	*px_legs;
	struct limits	*px_limits;
	struct hop	*px_hops;
	size_t		 px_nhops;
	struct pctx_list px_list;
	struct pctx_list px_reap;	/* perhaps not needed any more */
	struct htab	 px_ctxs;
	size_t		 px_nctx;
	struct pctx_list px_spare;	/* some that were freed, wiped */
	size_t		 px_nspare;
	struct branch_tree px_opening;
	struct htab	 px_dialogs, px_dialogs_id;
	struct dialog_list px_dialog_list;
	size_t		 px_ndialogs;
	struct pair_tree px_pairs;
	uint64_t	 px_next_id;
	struct note	 px_notes[PX_NOTES];
	size_t		 px_nnotes;
	struct reproved	 px_reproved[PX_REPROVED];
	struct proxy_stats px_stats;
	/* Scratch: a message that came, one of ours read again, one to send. */
	struct sip_msg	 px_in, px_again, px_third;
	uint64_t	 px_again_id;	/* whose request px_again is, 0: nobody's */
	uint8_t		 px_out[PX_OUT];
	size_t		 px_outmax;	/* dirty bytes of px_out */
	char		 px_text[8][PX_TEXT];
	int		 px_textdirty;
	/* Addresses of ours that a wildcard listener stands for. */
	struct vaddr	 px_locals[PX_LOCALS];
	size_t		 px_nlocals;
	size_t		 px_ctxbytes;	/* requests kept in contexts */
	struct ng	*px_ng;		/* NULL: there never was an rtpengine */
	struct vaddr	 px_media_addr;
	struct media_tree px_media_jobs;
	size_t		 px_media_bytes;	/* messages that are held */
	enum px_media	 px_media;	/* of the message being handled */
	char		 px_session[2][32];	/* values that session_* write */
	uint64_t	 px_started;	/* UTC s */
	uint64_t	 px_ghosts[PX_GHOSTS];	/* forgotten calls that ended: keyed hashes */
};

/* proxy.c */
uint64_t	 px_now(const struct proxy *);
uint64_t	 px_now_s(const struct proxy *);		/* UTC */
int		 px_send(struct proxy *, const struct sip_flow *, const struct wbuf *);
void		 px_clean(struct proxy *);	/* last in each call into us */
/* A message of ours in place of one that came. */
void		 px_message(struct proxy *, const struct sip_flow *, const void *, size_t);
void		 px_key_client(const char *branch, const char *method, struct txn_key *);
/* Answer a request without a context; extra may be NULL. */
void		 px_reply(struct proxy *, const struct sip_flow *, const struct sip_msg *,
		    const struct txn_key *, int status, const char *reason,
		    const struct sip_extra *, size_t);
void		 px_wbuf(struct proxy *, struct wbuf *);
void		 px_back(const struct sip_flow *, const struct sip_via *, struct sip_flow *);
int		 px_parse_flags(const struct sip_flow *);
void		 px_hex(struct proxy *, char *out, size_t bytes);	/* 2 * bytes + NUL */

/* proxy_note.c */
void		 px_log(struct proxy *, enum proxy_log, const char *, ...)
		    __attribute__((__format__(printf, 3, 4)));
void		 px_note(struct proxy *, const char *number, const char *, ...)
		    __attribute__((__format__(printf, 3, 4)));
struct pair	*pair_take(struct proxy *, const char *caller, const char *called, unsigned *n);
void		 pair_drop(struct proxy *, struct pair *);

/* proxy_guard.c: who is heard, and how often */
void		 px_refused(struct proxy *, enum proxy_log, const struct sip_flow *,
		    const char *what, const char *reason, const char *text);
int		 guard_message(struct proxy *, const struct sip_flow *, const void *, size_t);
int		 guard_request(struct proxy *, const struct sip_flow *,
		    const struct sip_msg *, const struct txn_key *, const char *name);
unsigned	 guard_calls_s(const struct conf *);
unsigned	 guard_calls_live(const struct conf *);
unsigned	 guard_requests_s(const struct conf *);

/* proxy_ctx.c */
RB_PROTOTYPE(branch_tree, branch, br_identry, branch_cmp)
int		 branch_cmp(const struct branch *, const struct branch *);
/* Context with a server transaction; a 503 or 422 was sent when it returns NULL. */
struct pctx	*pctx_new(struct proxy *, const struct sip_flow *, const struct sip_msg *,
		    const struct txn_key *);
void		 pctx_free(struct pctx *);
struct pctx	*pctx_find(struct proxy *, uint64_t id);
void		 pctx_mark(struct pctx *);		/* look at it in pctx_reap */
void		 pctx_reap(struct proxy *);
/* Final answer of our own. */
void		 pctx_answer(struct pctx *, int status, const char *reason,
		    const struct sip_extra *, size_t);
void		 pctx_trying(struct pctx *);
void		 pctx_cancel(struct pctx *);		/* a CANCEL came */
void		 pctx_timer_c(struct pctx *);		/* start it again */
void		 pctx_flow_gone(struct proxy *, uint64_t conn);
/* The request of a context, parsed again into px_again if it is not there. */
const struct sip_msg *pctx_msg(struct pctx *);
struct branch	*branch_new(struct pctx *, enum br_kind);
void		 branch_free(struct branch *);
/* Build and send on br_flow.  -1: it failed. */
int		 branch_send(struct branch *);
void		 branch_sent(struct branch *);
/* Its answers are nobody's: CANCEL it as soon as that is allowed. */
void		 branch_detach(struct branch *);
void		 branch_timer(struct branch *, uint64_t ms);
/* Nothing more can come of it; acts by kind.  event: enum fall_event. */
void		 branch_failed(struct branch *, int event);
void		 branch_response(struct branch *, const struct sip_msg *);
/* Pass an answer to the caller. */
void		 pctx_pass(struct pctx *, struct branch *, const struct sip_msg *, int status);

/* proxy_hop.c: PBXs and trunks */
void		 hop_request(struct proxy *, const struct sip_flow *, const struct sip_msg *,
		    const struct txn_key *);
const struct conf_hop *hop_find(struct proxy *, const struct sip_flow *, const struct sip_msg *);
/* Try the next hop; the last failure is answered with status. */
void		 hop_next(struct pctx *, int status);
/* A call that is not diverted, for the reason in pc_divert. */
void		 hop_to_trunk(struct pctx *);
void		 hop_failed(struct branch *, int event);
void		 hop_response(struct branch *, const struct sip_msg *);
void		 px_local(struct proxy *, const struct vaddr *);
int		 px_is_us(struct proxy *, struct span host, uint16_t port);
size_t		 px_own_routes(struct proxy *, const struct sip_msg *);
/* An emergency call, or a request inside a dialog? */
int		 hop_urgent(struct proxy *, const struct sip_flow *, const struct sip_msg *);
/* RFC 5393 section 5: every request that is handed on between hops says how
 * far it may still fork. */
void		 hop_breadth(const struct sip_msg *, struct sip_edit *);

/* proxy_media.c: rtpengine */
void		 media_conf(struct proxy *);
void		 media_free(struct proxy *);
int		 media_on(const struct proxy *);	/* for new calls */
int		 media_away(const struct proxy *);	/* it was found silent */
/* The offer of a new INVITE that leaves: 1 go on; 0 wait for out_media; -1
 * the engine cannot.  One that comes in: goes on, or is refused. */
int		 media_outward(struct pctx *);
void		 media_inward(struct pctx *);
void		 media_edit(const struct pctx *, struct sip_edit *);
void		 media_drop(struct pctx *);	/* the INVITE failed */
void		 media_end(struct dialog *);
/* A request inside a dialog, an answer: 1, it is taken (held or answered). */
int		 media_within(struct proxy *, const struct sip_flow *,
		    const struct sip_msg *, const struct txn_key *, struct dialog *,
		    const char *callid, struct span ctag);
int		 media_response(struct branch *, const struct sip_flow *,
		    const struct sip_msg *);
void		 media_lost(struct branch *, const struct sip_msg *);

/* proxy_redirect.c: the redirect server */
void		 redirect_request(struct proxy *, const struct sip_flow *,
		    const struct sip_msg *, const struct txn_key *);
/* A new INVITE from a hop: 0, it has no token; 1, a good one, and *m is the
 * same request to the plain number, *from the PBX; -1, it was refused. */
int		 redirect_call(struct pctx *, const struct sip_msg **, const struct conf_hop **);
/* Not directly now (404: pc_divert), or tried without success (500). */
void		 redirect_refuse(struct pctx *);
void		 redirect_failed(struct pctx *, const char *why);
/* Does its token name another route than this one?  1 or 0. */
int		 redirect_stale(const struct pctx *, const struct rtab_route *);

/* proxy_hops.c, beside what proxy_hops.h has: fill the targets of a context
 * with trunks (1) or PBXs (0). */
void		 hop_targets(struct pctx *, int trunk);

/* proxy_route.c: strict routers */
/* A request whose Request-URI is a Record-Route of ours, as a strict router
 * sends it, with its last Route put back: 1 it was taken (by hop_request), 0
 * it is none such. */
int		 route_unstrict(struct proxy *, const struct sip_flow *, const struct sip_msg *,
		    const struct txn_key *);
/* Is the first Route behind pop of ours a strict router's?  1: uri and routes
 * are what it wants to see (target: the Request-URI, NULL the message's), 0: it
 * is none, -1: it does not fit. */
int		 route_strict(const struct sip_msg *, size_t pop, const char *target,
		    char uri[PX_TEXT], char routes[PX_TEXT]);

/* proxy_out.c: direct legs */
/* The route that the call would take now, and whether it may. */
enum divert	 out_choose(struct pctx *, struct rtab_route *);
int		 out_has_route(struct pctx *);
int		 out_try(struct pctx *, const struct sip_msg *, const struct conf_hop *);
void		 out_media(struct pctx *, int ok);	/* its offer is ready, or not */
void		 out_media_lost(struct branch *);	/* the answer cannot be used */
void		 out_opened(struct branch *);
void		 out_failed(struct branch *, int event);
void		 out_response(struct branch *, const struct sip_msg *);
void		 out_close(struct branch *, const struct sip_msg *);	/* ACK and BYE to a 2xx */

/* proxy_in.c: requests from outside */
void		 in_request(struct proxy *, const struct sip_flow *, const struct sip_msg *,
		    const struct txn_key *);
void		 in_ticket(struct pctx *, enum refusal, uint32_t name, uint64_t not_after);
void		 in_forward(struct pctx *);	/* to a PBX */
void		 in_refuse(struct pctx *, enum refusal, uint32_t retry);

/* proxy_dialog.c */
struct dialog	*dialog_find(struct proxy *, const char *callid, struct span tag_a,
		    struct span tag_b, int *swapped);
struct dialog	*dialog_get(struct proxy *, uint64_t id);
/* Does any dialog with this Call-ID and creator's tag stand? */
int		 dialog_known(struct proxy *, const char *callid, struct span tag);
/* An answer to an INVITE with a To tag: make or update its dialog. */
struct dialog	*dialog_answer(struct pctx *, struct branch *, const struct sip_msg *);
/* A target refresh: request or 2xx from a party. */
void		 dialog_refresh(struct dialog *, size_t party, const struct sip_msg *);
void		 dialog_bye(struct dialog *);
void		 dialog_free(struct dialog *);
/* The INVITE failed: its early dialogs end. */
void		 dialog_drop_early(struct proxy *, uint64_t ctx);

/* proxy_within.c: requests inside a dialog */
void		 within_hop(struct proxy *, const struct sip_flow *, const struct sip_msg *,
		    const struct txn_key *, const struct conf_hop *);
void		 within_outside(struct proxy *, const struct sip_flow *, const struct sip_msg *,
		    const struct txn_key *);

/* The connection of a request inside a dialog, to an inside party, had died
 * unnoticed: once more on another. */
void		 within_again(struct branch *);
/* A connection for a request inside a dialog is there; -1: not its peer's. */
int		 within_opened(struct branch *);

/* proxy_session.c: session timers, RFC 4028 section 8 */
/* A timer that is too short, from one who understands a 422: it was sent, 1. */
int		 session_refuse(struct proxy *, const struct sip_flow *,
		    const struct sip_msg *, const struct txn_key *);
/* Ask for a timer, or raise one, in the request of a branch. */
void		 session_request(struct branch *, const struct sip_msg *, struct sip_edit *);
/* A 2xx without one: the caller refreshes alone. */
void		 session_answer(struct branch *, const struct sip_msg *, int status,
		    struct sip_edit *);
/* After this 2xx: ms until a dialog without a sign of life is forgotten. */
uint64_t	 session_ms(const struct branch *, const struct sip_msg *);

/* proxy_callid.c: what names the inside */
/* Does the text hold the name or address of a hop? */
int		 px_names_hop(const struct proxy *, struct span);
/* The Call-ID that a call of the inside has outside; -1: it is too long. */
int		 px_callid_out(struct proxy *, const struct sip_msg *, const struct sip_flow *,
		    char out[PX_CALLID]);
/* The other way round; one that is not masked is itself.  -1: too long. */
int		 px_callid_in(struct proxy *, struct span, char out[PX_CALLID]);

/* proxy_edit.c: how messages change on their way */
void		 px_via_params(const struct sip_flow *, const struct sip_via *, char *, size_t);
int		 px_outside_host(struct proxy *, char *, size_t);
/* The request of a branch, ready to send. */
int		 px_write_request(struct branch *, struct wbuf *);
/* An answer of a branch, for the caller. */
int		 px_write_response(struct pctx *, struct branch *, const struct sip_msg *,
		    int status, struct dialog *, struct wbuf *);
/* Copy one message along without a transaction: ACK. */
int		 px_write_ack(struct proxy *, const struct sip_msg *, struct dialog *,
		    enum br_kind, const struct sip_flow *, const char *uri,
		    const char *routes, struct wbuf *);
int		 px_via(struct proxy *, const struct sip_flow *, const char *branch, char *,
		    size_t);
int		 px_local_uri(const struct sip_flow *, const char *user, const char *params,
		    char *, size_t);

#endif
