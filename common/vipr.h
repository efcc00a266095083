/* SPDX-License-Identifier: ISC */
/*
 * What the processes say to each other.  Message numbers are given by hand in
 * blocks, never renumbered, never reused; a fixed part is a struct without
 * pointers, enums or padding and starts life zeroed; what follows it (the
 * tail) is written and read with the cursors of cursor.h.
 *
 * "tail:" in a comment gives the layout after the fixed part: lvN(x) is a
 * big-endian length of N bytes and then x.
 */
#ifndef VIPR_H
#define VIPR_H

#include <stdint.h>

#include "addr.h"

#define VIPR_VERSION		"0.1"
#define VIPR_IMSG_VERSION	1
#define VIPR_IMSG_MAX		(192 * 1024)	/* one message, header included */

#define E164_SIZE		17	/* '+', at most 15 digits, NUL */
#define NODEID_LEN		16
#define DOMAIN_SIZE		254	/* lower-case A-labels, no final dot, NUL */
#define TOKEN_MAX		512	/* a ticket or receipt as base64url text, with NUL */
#define URI_MAX			256	/* a SIP URI in a route, with NUL */
#define ROUTE_URIS_MAX		8

enum vipr_role {
	ROLE_PARENT = 0,
	ROLE_KEY = 1,
	ROLE_CONTROL = 2,
	ROLE_OVERLAY = 3,
	ROLE_PVP = 4,
	ROLE_SIP = 5,
	ROLE_MAX = 6
};

enum imsg_type {
	IMSG_NONE = 0,

	/* 1-15: all channels */
	IMSG_HELLO = 1,		/* struct imsg_hello; first on every channel */
	IMSG_PEERFD = 2,	/* parent -> child, struct imsg_peerfd + fd */
	IMSG_READY = 3,		/* child -> parent: configured and serving */
	IMSG_SHUTDOWN = 4,	/* parent -> child */
	IMSG_VIOLATION = 5,	/* child -> parent: a peer broke the rules, u32 role + text */

	/* 16-31: configuration, parent -> child, and the answers */
	IMSG_RECONF_BEGIN = 16,	/* struct imsg_reconf */
	IMSG_RECONF_ITEM = 17,	/* one item of conf.h: u16 item type, encoded; + fd for some */
	IMSG_RECONF_END = 18,	/* struct imsg_reconf */
	IMSG_RECONF_ACK = 19,	/* child -> parent, struct imsg_reconf */
	IMSG_RECONF_NAK = 20,	/* child -> parent, struct imsg_reconf + text */
	IMSG_RECONF_COMMIT = 21,
	IMSG_RECONF_ABORT = 22,
	IMSG_LOGLEVEL = 23,	/* u32 verbosity */
	IMSG_KEYLOG = 24,	/* to overlayd, + fd: write TLS secrets there; viprd -u -d only */

	/* 32-47: signatures, network process <-> key */
	IMSG_KEY_SIGN = 32,	/* struct imsg_key_sign + input */
	IMSG_KEY_SIGN_RES = 33,	/* struct imsg_key_sign_res + signature */

	/* 48-63: sipgw <-> key */
	IMSG_LEG = 48,		/* sipgw -> key, struct imsg_leg: a call leg that ended */
	IMSG_LEG_ACK = 49,	/* key -> sipgw, struct imsg_leg_ack, after the commit */
	IMSG_TICKET_CHECK = 50,	/* sipgw -> key, struct imsg_ticket_check + tail */
	IMSG_TICKET_RES = 51,	/* key -> sipgw, struct imsg_ticket_res */
	IMSG_ROUTE_SET = 52,	/* key -> sipgw, struct imsg_route_set + tail: all routes of one number */
	IMSG_ROUTE_OUTCOME = 53,/* sipgw -> key, struct imsg_route_outcome: how a direct call went */
	IMSG_ROUTE_SYNC = 54,	/* sipgw -> key: send every route (after a lost table); key answers
				 * ROUTE_SETs and then ROUTE_SYNC back with the count, u64 */
	IMSG_TICKET_GEN = 55,	/* key -> sipgw, struct imsg_ticket_gen: forget all verdicts;
				 * sipgw sends it back when it has */

	/* 64-79: pvpd <-> key */
	IMSG_PVP_LOOKUP = 64,	/* key -> pvpd, struct imsg_pvp_lookup */
	IMSG_PVP_CLAIMANTS = 65,/* pvpd -> key, struct imsg_pvp_claimants + n x NODEID_LEN */
	IMSG_PVP_TRY = 66,	/* key -> pvpd, struct imsg_pvp_try: prove with this claimant now */
	IMSG_PVP_OPEN = 67,	/* pvpd -> key, struct imsg_pvp_open: TLS up and both HELLOs seen */
	IMSG_PVP_IN = 68,	/* pvpd -> key, struct imsg_pvp_body + body: a message of the peer */
	IMSG_PVP_OUT = 69,	/* key -> pvpd, struct imsg_pvp_body + body: send this */
	IMSG_PVP_END = 70,	/* pvpd -> key, struct imsg_pvp_end: connection gone, or never came */
	IMSG_PVP_ROOTS = 71,	/* key -> pvpd, struct imsg_pvp_roots + tail: whom to trust */
	IMSG_PVP_FIRST = 72,	/* key -> pvpd, n x NODEID_LEN: proven before, they go first */

	/* 80-95: pvpd <-> overlayd */
	IMSG_OV_LOOKUP = 80,	/* pvpd -> overlayd, struct imsg_ov_lookup */
	IMSG_OV_LOOKUP_RES = 81,/* overlayd -> pvpd, struct imsg_ov_lookup_res + n x NODEID_LEN */
	IMSG_OV_APPATTACH = 82,	/* pvpd -> overlayd, struct imsg_ov_appattach */
	IMSG_OV_APPATTACH_RES = 83, /* overlayd -> pvpd, struct imsg_ov_appattach_res + n x struct vaddr */

	/* 96-111: overlayd <-> key */
	IMSG_OV_CONFIG = 96,	/* overlayd -> key, struct imsg_ov_config + document: is it valid? */
	IMSG_OV_CONFIG_RES = 97,/* key -> overlayd, struct imsg_ov_config_res + text */

	/* 112-127: control <-> everyone */
	IMSG_CTL_REQUEST = 112,	/* control -> daemon, struct imsg_ctl_request + n x lv2(argument) */
	IMSG_CTL_ROW = 113,	/* daemon -> control, struct imsg_ctl_reply + row of ctl.h */
	IMSG_CTL_END = 114,	/* daemon -> control, struct imsg_ctl_reply + lv2(error or empty) */

	/* 128-143: sipgw <-> overlayd, VAP: reserved */
};

struct imsg_hello {
	uint32_t	h_version;	/* VIPR_IMSG_VERSION */
	uint32_t	h_role;		/* of the sender */
};
_Static_assert(sizeof(struct imsg_hello) == 8, "imsg_hello layout");

struct imsg_peerfd {
	uint32_t	pf_role;	/* of the process at the other end */
	uint32_t	pf_pad;
};
_Static_assert(sizeof(struct imsg_peerfd) == 8, "imsg_peerfd layout");

struct imsg_reconf {
	uint64_t	rc_generation;	/* 1 at the start, +1 each try */
};
_Static_assert(sizeof(struct imsg_reconf) == 8, "imsg_reconf layout");

/* -- signatures -- */

enum key_id {
	KEYID_NODE = 1,		/* overlay certificate's key */
	KEYID_SIP = 2,		/* outside SIP certificate's key */
	KEYID_SIP_INSIDE = 3	/* inside face, where it speaks TLS */
};

enum key_sign_type {
	KS_TLS13 = 1,		/* whole TLS 1.3 CertificateVerify input, RFC 8446 4.4.3 */
	KS_RELOAD_MSG = 2,	/* overlay || transaction_id || contents; key appends SignerIdentity */
	KS_RELOAD_DATA = 3	/* resource || kind || storage_time || value; key appends SignerIdentity */
};

struct imsg_key_sign {
	uint64_t	ks_reqid;	/* echoed in the answer */
	uint16_t	ks_keyid;	/* enum key_id */
	uint16_t	ks_type;	/* enum key_sign_type */
	uint16_t	ks_scheme;	/* TLS SignatureScheme for KS_TLS13, RFC 8446 4.2.3; 0 otherwise */
	uint16_t	ks_generation;	/* of the certificate (low 16 bits); 0: the one in force */
};					/* tail: the typed input, to the end */
_Static_assert(sizeof(struct imsg_key_sign) == 16, "imsg_key_sign layout");

struct imsg_key_sign_res {
	uint64_t	kr_reqid;
	uint32_t	kr_error;	/* 0, or an errno value; then no signature follows */
	uint32_t	kr_pad;
};					/* tail: the signature (ECDSA: DER), to the end */
_Static_assert(sizeof(struct imsg_key_sign_res) == 16, "imsg_key_sign_res layout");

/* -- call legs, pvp(7) -- */

enum leg_kind {
	LEG_ORIGINATED = 1,	/* PBX to trunk */
	LEG_TERMINATED = 2,	/* trunk to PBX */
	LEG_OUTSIDE_IN = 3,	/* outside to PBX: never a record */
	LEG_OUTSIDE_OUT = 4	/* PBX to outside: never a record */
};
#define LEG_F_DIVERTED	0x0001	/* had Diversion, History-Info, Referred-By or Replaces */
#define LEG_F_SHADOWED	0x0002	/* another leg was answered or ended within 0.5 s of it */
#define LEG_F_STEPPED	0x0004	/* wall clock was stepped during the call */

struct imsg_leg {
	uint64_t	lg_id;		/* of the sender, echoed in the ack */
	uint64_t	lg_start;	/* answer, UTC ms */
	uint64_t	lg_stop;	/* first BYE, UTC ms */
	uint64_t	lg_boot_start;	/* answer and end on CLOCK_BOOTTIME, ms */
	uint64_t	lg_boot_stop;
	uint16_t	lg_kind;	/* enum leg_kind */
	uint16_t	lg_flags;	/* LEG_F_* */
	uint32_t	lg_source;	/* 0 sipgw, 1 imported, 2 VAP */
	char		lg_called[20];	/* E.164 with +, NUL-terminated */
	char		lg_caller[20];	/* the same, or empty */
};
_Static_assert(sizeof(struct imsg_leg) == 88, "imsg_leg layout");

struct imsg_leg_ack {
	uint64_t	la_id;
	uint32_t	la_stored;	/* 1 stored, 0 refused by the rules, 2 could not be written */
	uint32_t	la_pad;
};
_Static_assert(sizeof(struct imsg_leg_ack) == 16, "imsg_leg_ack layout");

/* -- tickets at the border, vipr(7) -- */

enum refusal {			/* names of vipr(7); text by refusal_str() */
	REFUSAL_NONE = 0,
	REFUSAL_NO_TICKET = 1,
	REFUSAL_BAD_TICKET = 2,
	REFUSAL_EXPIRED = 3,
	REFUSAL_REVOKED = 4,
	REFUSAL_WRONG_NUMBER = 5,
	REFUSAL_NOT_OURS = 6,
	REFUSAL_BUSY = 7,
	REFUSAL_POLICY = 8
};

struct imsg_ticket_check {
	uint64_t	tc_reqid;
	char		tc_number[20];	/* of the Request-URI, E.164 */
	uint32_t	tc_names;	/* how many verified names of the peer follow */
};					/* tail: lv2(token text), tc_names x lv1(name) */
_Static_assert(sizeof(struct imsg_ticket_check) == 32, "imsg_ticket_check layout");

struct imsg_ticket_res {
	uint64_t	tr_reqid;
	uint32_t	tr_refusal;	/* enum refusal; NONE: accepted */
	uint32_t	tr_name;	/* index of the name that is the grantee, when accepted */
	uint64_t	tr_not_after;	/* UTC s, when accepted */
	uint64_t	tr_generation;	/* of the verdict: tg_generation */
	uint8_t		tr_id[16];	/* ticket id, when it could be read */
};
_Static_assert(sizeof(struct imsg_ticket_res) == 48, "imsg_ticket_res layout");

/*
 * Verdicts of an earlier generation may not hold any more.  Only a verdict
 * that carries the generation last heard of may be remembered.
 */
struct imsg_ticket_gen {
	uint64_t	tg_generation;	/* from 1; counts what may change a verdict */
	uint64_t	tg_revocations;	/* counts revocations alone */
};
_Static_assert(sizeof(struct imsg_ticket_gen) == 16, "imsg_ticket_gen layout");

enum route_state {
	ROUTE_NONE = 0, ROUTE_PENDING = 1, ROUTE_ACTIVE = 2,
	ROUTE_SUSPENDED = 3, ROUTE_EXPIRED = 4, ROUTE_REMOVED = 5
};

struct imsg_route_set {
	char		rs_number[20];
	uint32_t	rs_count;	/* routes (one a domain) that follow; 0: the number has none */
};
/*
 * tail, rs_count times:
 *   u8 state, u8 proofs, u8 strikes, u64 not_after (UTC s, 0 with a receipt),
 *   u64 last_proof (UTC s), lv1(domain), lv2(ticket text, or empty),
 *   u8 n, n x lv2(SIP URI), latest proof first
 */
_Static_assert(sizeof(struct imsg_route_set) == 24, "imsg_route_set layout");

enum route_outcome {
	OUTCOME_OK = 1,		/* 2xx: clears strikes */
	OUTCOME_STRIKE = 2,
	OUTCOME_EXPIRED = 3,	/* peer said expired */
	OUTCOME_REMOVED = 4	/* peer said any code but busy and expired */
};

struct imsg_route_outcome {
	char		ro_number[20];
	uint16_t	ro_outcome;	/* enum route_outcome */
	uint16_t	ro_refusal;	/* enum refusal of the answer, 0 without */
};					/* tail: lv1(domain) */
_Static_assert(sizeof(struct imsg_route_outcome) == 24, "imsg_route_outcome layout");

/* -- proofs, pvp(7) -- */

struct imsg_pvp_lookup {
	uint64_t	pl_vcr;		/* opaque id of the call record */
	char		pl_number[20];
	uint32_t	pl_pad;
};
_Static_assert(sizeof(struct imsg_pvp_lookup) == 32, "imsg_pvp_lookup layout");

struct imsg_pvp_claimants {
	uint64_t	pc_vcr;
	uint32_t	pc_error;	/* 0; else the look-up failed and may be tried again */
	uint32_t	pc_count;
};
_Static_assert(sizeof(struct imsg_pvp_claimants) == 16, "imsg_pvp_claimants layout");

struct imsg_pvp_try {
	uint64_t	pt_try;		/* id of this attempt */
	uint64_t	pt_vcr;
	uint8_t		pt_node[NODEID_LEN];
};
_Static_assert(sizeof(struct imsg_pvp_try) == 32, "imsg_pvp_try layout");

enum pvp_role { PVP_INITIATOR = 1, PVP_RESPONDER = 2 };

struct imsg_pvp_open {
	uint64_t	po_conn;	/* id of the connection, chosen by pvpd */
	uint64_t	po_try;		/* initiator: the attempt it serves; responder: 0 */
	uint64_t	po_peer_now;	/* from the peer's HELLO, UTC ms */
	uint64_t	po_arrived;	/* our clock when it came, UTC ms */
	uint8_t		po_node[NODEID_LEN];	/* peer, from its certificate */
	uint8_t		po_exporter[32];
	uint16_t	po_role;	/* enum pvp_role: ours */
	uint16_t	po_methods;	/* in both HELLOs */
	uint32_t	po_pad;
};
_Static_assert(sizeof(struct imsg_pvp_open) == 88, "imsg_pvp_open layout");

enum pvp_type {
	PVP_HELLO = 0, PVP_PROOF1 = 1, PVP_PROOF2 = 2, PVP_PROOF3 = 3,
	PVP_CLAIM = 4, PVP_ROUTE = 5, PVP_REFUSE = 6,
	PVP_CLOSE = 255		/* key -> pvpd only: send nothing more, close */
};
#define PVP_OUT_GRID	0x0001	/* send on the 50 ms grid from the arrival of PROOF1 */
#define PVP_OUT_CLOSE	0x0004	/* then close_notify and close */

struct imsg_pvp_body {
	uint64_t	pb_conn;
	uint16_t	pb_type;	/* enum pvp_type */
	uint16_t	pb_flags;	/* PVP_OUT_*; 0 towards key */
	uint32_t	pb_len;		/* bytes of body, all of the tail */
};
_Static_assert(sizeof(struct imsg_pvp_body) == 16, "imsg_pvp_body layout");

enum pvp_end {
	PVP_END_CLOSED = 1,	/* orderly, after ROUTE or REFUSE or our own close */
	PVP_END_LOST = 2,	/* lost or timed out after the peer's HELLO */
	PVP_END_NOCONN = 3,	/* no connection, or lost before the peer's HELLO */
	PVP_END_NOADDR = 4,	/* AppAttach failed or gave no usable address */
	PVP_END_REFUSED = 5,	/* peer sent REFUSE: pe_code, pe_retry */
	PVP_END_PROTOCOL = 6	/* peer broke the protocol */
};

struct imsg_pvp_end {
	uint64_t	pe_conn;	/* 0 when no IMSG_PVP_OPEN was sent */
	uint64_t	pe_try;		/* initiator; else 0 */
	uint16_t	pe_reason;	/* enum pvp_end */
	uint16_t	pe_code;	/* of REFUSE */
	uint32_t	pe_retry;	/* of REFUSE, seconds */
};
_Static_assert(sizeof(struct imsg_pvp_end) == 24, "imsg_pvp_end layout");

struct imsg_pvp_roots {
	uint32_t	pr_count;	/* root certificates */
	uint32_t	pr_bad;		/* bad Node-IDs */
	uint32_t	pr_self_signed;	/* 0 no, 1 sha1, 2 sha256 */
	uint32_t	pr_pad;
};			/* tail: lv1(overlay name), pr_count x lv2(DER), pr_bad x NODEID_LEN */
_Static_assert(sizeof(struct imsg_pvp_roots) == 16, "imsg_pvp_roots layout");

/* -- overlay -- */

#define OV_LOOKUP_MAX	192	/* claimants in one answer: 3 places of 64 */

struct imsg_ov_lookup {
	uint64_t	ol_reqid;
	char		ol_number[20];
	uint32_t	ol_pad;
};
_Static_assert(sizeof(struct imsg_ov_lookup) == 32, "imsg_ov_lookup layout");

struct imsg_ov_lookup_res {
	uint64_t	or_reqid;
	uint32_t	or_error;	/* 0, or errno: ETIMEDOUT, ENETDOWN (not joined), EAGAIN (limit) */
	uint32_t	or_count;	/* claimants; our own Node-ID is left out */
};
_Static_assert(sizeof(struct imsg_ov_lookup_res) == 16, "imsg_ov_lookup_res layout");

struct imsg_ov_appattach {
	uint64_t	oa_reqid;
	uint8_t		oa_node[NODEID_LEN];
	uint32_t	oa_application;	/* 61461: PVP */
	uint32_t	oa_pad;
};
_Static_assert(sizeof(struct imsg_ov_appattach) == 32, "imsg_ov_appattach layout");

struct imsg_ov_appattach_res {
	uint64_t	oa_reqid;
	uint32_t	oa_error;
	uint32_t	oa_count;	/* struct vaddr that follow, unusable ones removed */
};
_Static_assert(sizeof(struct imsg_ov_appattach_res) == 16, "imsg_ov_appattach_res layout");

struct imsg_ov_config {
	uint64_t	oc_reqid;
};
_Static_assert(sizeof(struct imsg_ov_config) == 8, "imsg_ov_config layout");

struct imsg_ov_config_res {
	uint64_t	oc_reqid;
	uint32_t	oc_ok;		/* 1 valid and now in force; else text says why */
	uint32_t	oc_pad;
};
_Static_assert(sizeof(struct imsg_ov_config_res) == 16, "imsg_ov_config_res layout");

/* -- control -- */

enum ctl_class { CTL_READ = 1, CTL_WRITE = 2, CTL_ROOT = 3 };	/* each includes the ones before */

enum ctl_verb {
	CTL_SHOW = 1,		/* summary: every process adds its rows */
	CTL_SHOW_NUMBERS = 2,	/* overlayd */
	CTL_SHOW_ROUTES = 3,	/* sipgw; argument: number or none */
	CTL_SHOW_TICKETS = 4,	/* key */
	CTL_SHOW_CALLS = 5,	/* key */
	CTL_SHOW_OVERLAY = 6,	/* overlayd */
	CTL_SHOW_PROOFS = 7,	/* key */
	CTL_SHOW_PROCESSES = 8,	/* parent */
	CTL_EXPLAIN = 9,	/* key, sipgw, overlayd: number */
	CTL_LOOKUP = 10,	/* overlayd: number */
	CTL_VERIFY = 11,	/* key: number; prove its unspent calls now */
	CTL_RELOAD = 12,	/* parent */
	CTL_LOG = 13,		/* parent: "brief" or "verbose" */
	CTL_STOP = 14,		/* parent */
	CTL_REVOKE = 15,	/* key: "ticket" id | "grantee" domain | "epoch" number */
	CTL_ROUTE = 16,		/* key: "remove" | "suspend" number [domain] */
	CTL_KEY_ROTATE = 17,	/* key: a new ticket epoch */
	CTL_SHOW_METRICS = 18,
	CTL_SHOW_CONFIG = 19,	/* parent */
	CTL_SHOW_HOPS = 20	/* sipgw */
};

struct imsg_ctl_request {
	uint32_t	cq_id;		/* of control, echoed in the answers */
	uint16_t	cq_verb;	/* enum ctl_verb */
	uint8_t		cq_class;	/* enum ctl_class of the caller */
	uint8_t		cq_argc;
	uint32_t	cq_uid;
	uint32_t	cq_pad;
};
_Static_assert(sizeof(struct imsg_ctl_request) == 16, "imsg_ctl_request layout");

struct imsg_ctl_reply {
	uint32_t	cr_id;
	uint32_t	cr_pad;
};
_Static_assert(sizeof(struct imsg_ctl_reply) == 8, "imsg_ctl_reply layout");

/* Names for logs and viprctl; never NULL. */
const char	*role_str(unsigned);		/* "parent", "key", "control", "overlayd", ... */
const char	*refusal_str(unsigned);		/* "no-ticket", ...; "" for NONE */
unsigned	 refusal_parse(const char *, size_t len);	/* REFUSAL_NONE if unknown */
const char	*route_state_str(unsigned);	/* "pending", ... */

#endif
