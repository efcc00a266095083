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
#include "leg.h"
#include "sip_limits.h"
#include "proxy.h"
#include "proxy_timer.h"
#include "sip_build.h"
#include "sip_parse.h"
#include "sip_uri.h"
#include "txn.h"

#define PX_TXNS_MAX	40000
#define PX_TXN_BYTES	(64u * 1024 * 1024)
#define PX_CTX_MAX	20000
#define PX_CTX_INSIDE	10000	/* of these, only the inside may use the last ones */
#define PX_CTX_BYTES	(48u * 1024 * 1024)
#define PX_DIALOG_MAX	20000
#define PX_DIALOGS_CALL	8	/* dialogs that one INVITE may make by forking */
#define PX_LEGS_MAX	20000
#define PX_TARGETS	8	/* hops tried for one call */
#define PX_NOTES	4096	/* decisions remembered */
#define PX_TEXT		8192	/* a header value that we write */
#define PX_OUT		(SIP_MSG_MAX + 16384)
#define PX_BRANCH	48
#define PX_URI		2048	/* a Contact, From or To that is remembered */
#define PX_TAG		128
#define PX_CALLID	512
#define PX_LOOP_LIVE	4	/* live calls of one caller to one number */
#define PX_LOOP_ANON	32	/* the same when the caller is not known */

#define PX_TIMER_C	200000	/* RFC 3261 16.6 item 11: above 3 minutes */
#define PX_HOP_SILENCE	4000	/* nothing at all from a trunk that has a successor */
#define PX_HOP_OPEN	4000	/* connecting to a hop */
#define PX_HOP_DOWN	30000	/* a hop that failed is tried last for so long */
#define PX_TICKET_MS	5000	/* key's answer about a ticket */
#define PX_LINGER	35000	/* a dialog after its BYE */
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
	struct vaddr	 br_addr;		/* hop: where to */
	uint8_t		 br_proto;
	char		 br_hop[64];		/* its name, for the log */
	struct tmr	 br_tmr;
};
RB_HEAD(branch_tree, branch);

struct target {
	struct vaddr	 tg_addr;
	uint8_t		 tg_proto;
	char		 tg_name[64];
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
	char		 py_tag[PX_TAG];
	char		*py_contact;	/* its remote target */
	char		*py_routes;	/* its route set as a Route value, or NULL */
	char		*py_uri;	/* its From or To, without tag, as this party's side sees it */
	char		*py_peer;	/* the other's From or To as this party's side sees it */
	struct vaddr	 py_addr;	/* inside: next hop */
	uint8_t		 py_proto;
};

struct dialog {
	RB_ENTRY(dialog) dl_entry;	/* by Call-ID and tags; the proxy owns it */
	RB_ENTRY(dialog) dl_identry;
	TAILQ_ENTRY(dialog) dl_list;
	struct proxy	*dl_px;
	uint64_t	 dl_id;
	uint64_t	 dl_ctx;	/* of its INVITE */
	int		 dl_border;	/* one party is outside */
	int		 dl_confirmed;
	int		 dl_ended;
	enum px_side	 dl_creator;	/* of a border dialog: on which side the caller is */
	char		 dl_callid[PX_CALLID];	/* as the inside knows it */
	char		 dl_callid_out[PX_CALLID];
	struct party	 dl_party[2];	/* border: SIDE_IN, SIDE_OUT; else caller, callee */
	char		 dl_grantee[DOMAIN_SIZE];	/* verified name outside */
	char		 dl_host[DOMAIN_SIZE];	/* route's host: we may connect again; or empty */
	uint16_t	 dl_port;
	struct sip_flow	 dl_flow;	/* outside connection used last */
	uint64_t	 dl_limit;	/* place taken in limits, 0 none */
	struct pair	*dl_pair;
	struct leg	*dl_leg;
	struct tmr	 dl_tmr;
};
RB_HEAD(dialog_tree, dialog);
RB_HEAD(dialog_idtree, dialog);
TAILQ_HEAD(dialog_list, dialog);

/* A request that came and what became of it: RFC 3261 16's response context. */
struct pctx {
	TAILQ_ENTRY(pctx) pc_entry;		/* in the proxy, which owns it */
	TAILQ_ENTRY(pctx) pc_reapentry;	/* while pc_reap */
	RB_ENTRY(pctx)	 pc_identry;
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
	/* hops to try */
	struct target	 pc_targets[PX_TARGETS];
	size_t		 pc_ntargets, pc_next;
	int		 pc_to_trunk;
	/* the call */
	enum leg_kind	 pc_legkind;
	uint16_t	 pc_legflags;
	char		 pc_called[E164_SIZE];
	char		 pc_caller[E164_SIZE];
	struct pair	*pc_pair;
	/* direct */
	enum divert	 pc_divert;
	char		 pc_domain[DOMAIN_SIZE];
	char		 pc_host[DOMAIN_SIZE];
	uint16_t	 pc_port;
	char		 pc_uri[URI_MAX];
	char		 pc_ticket[TOKEN_MAX];
	char		 pc_callid_out[PX_CALLID];
	/* from outside */
	uint64_t	 pc_limit;
	int		 pc_counted;
	uint64_t	 pc_check;		/* ticket check under way */
	struct tmr	 pc_tmr;		/* ticket check, timer C */
	/* in-dialog requests: where to */
	char		 pc_ctag[PX_TAG];	/* creator's tag, where only a seal is left */
	char		*pc_target;		/* new Request-URI */
	char		*pc_routes;		/* Route to set */
};
TAILQ_HEAD(pctx_list, pctx);
RB_HEAD(pctx_tree, pctx);

struct hop {
	const struct conf_hop *ho_conf;
	struct vaddr	 ho_addr;	/* family 0: not known yet */
	uint64_t	 ho_down;	/* boot ms until which it is tried last */
};

struct note {
	char		 no_number[E164_SIZE];
	char		 no_text[64];
};

/* For which last proof a call already took the trunk to be proven again. */
#define PX_REPROVED	4096
#define PX_LOCALS	16
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
	struct pctx_tree px_ctxs;
	size_t		 px_nctx;
	struct branch_tree px_opening;
	struct dialog_tree px_dialogs;
	struct dialog_idtree px_dialogs_id;
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
	uint8_t		 px_out[PX_OUT];
	size_t		 px_outmax;	/* dirty bytes of px_out */
	char		 px_text[8][PX_TEXT];
	int		 px_textdirty;
	/* Addresses of ours that a wildcard listener stands for. */
	struct vaddr	 px_locals[PX_LOCALS];
	size_t		 px_nlocals;
	size_t		 px_ctxbytes;	/* requests kept in contexts */
};

/* proxy.c */
uint64_t	 px_now(const struct proxy *);
uint64_t	 px_now_s(const struct proxy *);		/* UTC */
int		 px_send(struct proxy *, const struct sip_flow *, const struct wbuf *);
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
void		 pair_hold(struct pair *);
void		 pair_drop(struct proxy *, struct pair *);

/* proxy_ctx.c */
RB_PROTOTYPE(pctx_tree, pctx, pc_identry, pctx_cmp)
RB_PROTOTYPE(branch_tree, branch, br_identry, branch_cmp)
int		 pctx_cmp(const struct pctx *, const struct pctx *);
int		 branch_cmp(const struct branch *, const struct branch *);
/* Context with a server transaction; a 503 was sent when it returns NULL. */
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
/* The request of a context, parsed again into px_again. */
const struct sip_msg *pctx_msg(struct pctx *);
struct branch	*branch_new(struct pctx *, enum br_kind);
void		 branch_free(struct branch *);
/* Build and send on br_flow.  -1: it failed. */
int		 branch_send(struct branch *);
void		 branch_sent(struct branch *);
/* Its answers are nobody's: CANCEL it as soon as that is allowed. */
void		 branch_detach(struct branch *);
void		 branch_cancel(struct branch *);
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
/* Fill the targets of a context with trunks (1) or PBXs (0). */
void		 hop_targets(struct pctx *, int trunk);
/* Try the next hop; the last failure is answered with status. */
void		 hop_next(struct pctx *, int status);
void		 hop_failed(struct branch *, int event);
void		 hop_response(struct branch *, const struct sip_msg *);
void		 hop_mark(struct proxy *, const struct vaddr *, uint8_t proto, int down);
void		 px_local(struct proxy *, const struct vaddr *);
int		 px_is_us(struct proxy *, struct span host, uint16_t port);
size_t		 px_own_routes(struct proxy *, const struct sip_msg *);

/* proxy_out.c: direct legs */
int		 out_has_route(struct pctx *);
int		 out_try(struct pctx *, const struct sip_msg *, const struct conf_hop *);
void		 out_opened(struct branch *);
void		 out_failed(struct branch *, int event);
void		 out_response(struct branch *, const struct sip_msg *);
void		 out_close(struct branch *, const struct sip_msg *);	/* ACK and BYE to a 2xx */

/* proxy_in.c: requests from outside */
void		 in_request(struct proxy *, const struct sip_flow *, const struct sip_msg *,
		    const struct txn_key *);
void		 in_ticket(struct pctx *, enum refusal, uint32_t name, uint64_t not_after);
void		 in_refuse(struct pctx *, enum refusal, uint32_t retry);

/* proxy_dialog.c */
RB_PROTOTYPE(dialog_tree, dialog, dl_entry, dialog_cmp)
RB_PROTOTYPE(dialog_idtree, dialog, dl_identry, dialog_idcmp)
int		 dialog_cmp(const struct dialog *, const struct dialog *);
int		 dialog_idcmp(const struct dialog *, const struct dialog *);
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
char		*px_route_set(const struct sip_msg *, int reverse, struct proxy *, int *bad);

/* proxy_within.c: requests inside a dialog */
void		 within_hop(struct proxy *, const struct sip_flow *, const struct sip_msg *,
		    const struct txn_key *, const struct conf_hop *);
void		 within_outside(struct proxy *, const struct sip_flow *, const struct sip_msg *,
		    const struct txn_key *);

/* proxy_edit.c: how messages change on their way */
int		 px_callid_out(struct proxy *, const struct sip_msg *, const struct sip_flow *,
		    char out[PX_CALLID]);
int		 px_callid_in(struct proxy *, struct span, char out[PX_CALLID]);
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
