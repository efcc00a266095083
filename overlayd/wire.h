/* SPDX-License-Identifier: ISC */
/*
 * core: the codec of RELOAD messages (RFC 6940), both ways.
 *
 * Reading copies nothing: spans and lists (struct cur) point into the buffer
 * that was parsed and live as long as it does.  A parse function checks its
 * whole structure, lists included, so that a later walk over a list can't
 * fail; it returns 0, or -1 with reason and offset (counted from the start of
 * what it was given).  Walk over a list with the *_next functions on a COPY of
 * the struct cur: 1 and the next element, 0 at the end, -1 malformed.
 *
 * Writing goes to a struct wbuf.  A structure with lists takes them already
 * packed (a struct cur over bytes made with the element writers).
 *
 * The data model of a Kind is not on the wire: parsers of stored data ask a
 * callback.  Unknown Kinds are skipped, counted, and shown with model 0.
 *
 * A Node-ID is NODEID_LEN bytes everywhere.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "cursor.h"
#include "reload_conf.h"
#include "reload_secblock.h"
#include "vipr.h"

#define WIRE_TOKEN		0xd2454c4fu
#define WIRE_VERSION_1		0x0a
#define WIRE_HEADER_MIN		38
#define WIRE_LISTS_MAX		16384	/* via + destinations + options, bytes */
#define WIRE_ENTRIES_MAX	128	/* entries of one destination or via list */
#define WIRE_KINDS_MAX		64	/* Kinds in one request */
#define WIRE_RANGES_MAX		64	/* array ranges in one specifier */
#define WIRE_RESOURCE_MAX	254

#define WIRE_FRAG_ALWAYS	0x80000000u
#define WIRE_FRAG_LAST		0x40000000u
#define WIRE_FRAG_WHOLE		0xc0000000u	/* not fragmented */
#define WIRE_FRAG_OFFSET	0x00ffffffu

#define WIRE_SEQ_ANY		65535	/* configuration_sequence of ConfigUpdate */

enum wire_reason {
	WIRE_OK = 0,
	WIRE_SHORT = 1,		/* bytes end before the structure does */
	WIRE_TOKEN_BAD = 2,	/* not RELOAD */
	WIRE_VERSION_BAD = 3,
	WIRE_LENGTH_BAD = 4,	/* a length field disagrees with the bytes */
	WIRE_FRAGMENT_BAD = 5,	/* bit 31 of fragment is clear */
	WIRE_DEST_BAD = 6,	/* a malformed destination, or one in a wrong place */
	WIRE_NO_DEST = 7,	/* empty destination list */
	WIRE_TOO_MANY = 8,	/* more elements than we take */
	WIRE_BOOLEAN_BAD = 9,
	WIRE_TYPE_BAD = 10,	/* unknown selector where unknown is not allowed */
	WIRE_TRAILING = 11,	/* bytes after the structure */
	WIRE_DUPLICATE = 12,	/* the same Kind, range or destination twice */
	WIRE_VALUE_BAD = 13,	/* a value out of its range */
	WIRE_SECBLOCK_BAD = 14,
	WIRE_ADDRESS_BAD = 15,
	WIRE_MODEL_BAD = 16	/* value does not fit its data model */
};

struct wire_error {
	int		 we_reason;	/* enum wire_reason */
	size_t		 we_off;
};
const char	*wire_strerror(int reason);

/* Data model (enum reload_model) of a Kind, 0 when unknown. */
typedef int (*wire_model_fn)(uint32_t kind, void *arg);

enum wire_code {
	WIRE_PROBE = 0x01, WIRE_PROBE_ANS = 0x02,
	WIRE_ATTACH = 0x03, WIRE_ATTACH_ANS = 0x04,
	WIRE_STORE = 0x07, WIRE_STORE_ANS = 0x08,
	WIRE_FETCH = 0x09, WIRE_FETCH_ANS = 0x0a,
	WIRE_FIND = 0x0d, WIRE_FIND_ANS = 0x0e,
	WIRE_JOIN = 0x0f, WIRE_JOIN_ANS = 0x10,
	WIRE_LEAVE = 0x11, WIRE_LEAVE_ANS = 0x12,
	WIRE_UPDATE = 0x13, WIRE_UPDATE_ANS = 0x14,
	WIRE_ROUTEQUERY = 0x15, WIRE_ROUTEQUERY_ANS = 0x16,
	WIRE_PING = 0x17, WIRE_PING_ANS = 0x18,
	WIRE_STAT = 0x19, WIRE_STAT_ANS = 0x1a,
	WIRE_APPATTACH = 0x1d, WIRE_APPATTACH_ANS = 0x1e,
	WIRE_CONFIGUPDATE = 0x21, WIRE_CONFIGUPDATE_ANS = 0x22,
	WIRE_ERROR = 0xffff
};
/* "Ping", "PingAns", "Error"; "0x...." never: NULL for an unknown code. */
const char	*wire_code_str(unsigned);

enum wire_errcode {
	WIRE_E_FORBIDDEN = 0x02,
	WIRE_E_NOT_FOUND = 0x03,
	WIRE_E_REQUEST_TIMEOUT = 0x04,
	WIRE_E_GENERATION_TOO_LOW = 0x05,	/* info: StoreAns */
	WIRE_E_INCOMPATIBLE = 0x06,
	WIRE_E_UNSUPPORTED_OPTION = 0x07,
	WIRE_E_DATA_TOO_LARGE = 0x08,
	WIRE_E_DATA_TOO_OLD = 0x09,
	WIRE_E_TTL_EXCEEDED = 0x0a,
	WIRE_E_MESSAGE_TOO_LARGE = 0x0b,
	WIRE_E_UNKNOWN_KIND = 0x0c,		/* info: list8 of Kind-IDs */
	WIRE_E_UNKNOWN_EXTENSION = 0x0d,
	WIRE_E_RESPONSE_TOO_LARGE = 0x0e,
	WIRE_E_CONFIG_TOO_OLD = 0x0f,
	WIRE_E_CONFIG_TOO_NEW = 0x10,
	WIRE_E_IN_PROGRESS = 0x11,
	WIRE_E_EXP_A = 0x12,
	WIRE_E_EXP_B = 0x13,
	WIRE_E_INVALID_MESSAGE = 0x14
};
const char	*wire_errcode_str(unsigned);	/* "Error_Forbidden"; NULL: unknown */

/* -- destinations, 6.3.2.2 -- */

enum wire_dest_type { WIRE_DEST_NODE = 1, WIRE_DEST_RESOURCE = 2, WIRE_DEST_OPAQUE = 3 };

struct wire_dest {
	uint8_t		 wd_type;	/* others: unknown, wd_id is the raw data */
	uint8_t		 wd_compact;	/* an opaque id in the two-byte form */
	struct span	 wd_id;		/* without inner length; NODEID_LEN for a node */
};
int		 wire_dest_next(struct cur *, struct wire_dest *);
void		 wire_dest_write(struct wbuf *, const struct wire_dest *);
void		 wire_dest_node(struct wbuf *, const uint8_t *node);
void		 wire_dest_resource(struct wbuf *, const void *id, size_t len);
/* Is it this node? 1 or 0. */
int		 wire_dest_is_node(const struct wire_dest *, const uint8_t *node);
/* Entries of a checked list; its entries in reverse order. */
size_t		 wire_dest_count(const struct cur *);
void		 wire_dest_reverse(struct wbuf *, const struct cur *);

/* -- forwarding header, 6.3.2 -- */

struct wire_header {
	uint32_t	 wh_overlay;
	uint16_t	 wh_config_seq;
	uint8_t		 wh_version;	/* writers: WIRE_VERSION_1 */
	uint8_t		 wh_ttl;
	uint32_t	 wh_fragment;
	uint32_t	 wh_length;	/* whole message or fragment */
	uint64_t	 wh_tid;	/* transaction_id */
	uint32_t	 wh_max_response;
	struct cur	 wh_via;
	struct cur	 wh_dest;
	struct cur	 wh_options;
	uint8_t		 wh_duplicate;	/* a destination stands there twice (parsed ones) */
	size_t		 wh_size;	/* of the header with its lists (parsed ones) */
};

#define WIRE_OPT_FORWARD_CRITICAL	0x01
#define WIRE_OPT_DESTINATION_CRITICAL	0x02
#define WIRE_OPT_RESPONSE_COPY		0x04
#define WIRE_OPT_STATELESS		0x08	/* RFC 7263: IGNORE-STATE-KEEPING */
struct wire_option {
	uint8_t		 wo_type;
	uint8_t		 wo_flags;
	struct span	 wo_value;
};
int		 wire_option_next(struct cur *, struct wire_option *);
void		 wire_option_write(struct wbuf *, const struct wire_option *);

/*
 * The header at the start of len bytes.  wh_length is not compared with len
 * (wire_msg_parse and wire_fragment_parse do).  The fixed fields are filled
 * in, as far as they were there, on any failure but TOKEN_BAD.
 */
int		 wire_header_parse(const void *, size_t, struct wire_header *,
		    struct wire_error *);
/* Writes wh_length as given; see wire_length_set. */
void		 wire_header_write(struct wbuf *, const struct wire_header *);
/* Put the length into a message or fragment that was written with 0. */
void		 wire_length_set(void *msg, size_t len);
/* An unfragmented request or answer with our defaults: the caller fills in
 * lists, tid and sequence where they differ. */
void		 wire_header_init(struct wire_header *, uint32_t overlay,
		    uint16_t config_seq, uint8_t ttl, uint64_t tid);

/* -- contents, 6.3.3 -- */

struct wire_contents {
	uint16_t	 wc_code;	/* enum wire_code */
	struct cur	 wc_body;
	struct cur	 wc_ext;
	struct span	 wc_raw;	/* code to extensions: what is signed */
};
struct wire_ext {
	uint16_t	 we_type;
	uint8_t		 we_critical;
	struct span	 we_value;
};
int		 wire_ext_next(struct cur *, struct wire_ext *);
void		 wire_ext_write(struct wbuf *, const struct wire_ext *);
int		 wire_contents_parse(struct cur *, struct wire_contents *,
		    struct wire_error *);
/* code, body length, [body]: returns the mark for wire_contents_close, which
 * writes the body's length and no extensions (or the packed ones given). */
size_t		 wire_contents_open(struct wbuf *, uint16_t code);
void		 wire_contents_close(struct wbuf *, size_t mark, const struct cur *ext);

/* -- messages -- */

struct wire_msg {
	struct wire_header	wm_header;
	struct wire_contents	wm_contents;
	struct reload_secblock	wm_sec;
};
/* One whole message: exactly len bytes, unfragmented.  After a failure
 * wm_header holds what could be read. */
int		 wire_msg_parse(const void *, size_t, struct wire_msg *, struct wire_error *);
/* Header of a message or fragment of exactly len bytes: what a transit node
 * looks at. */
int		 wire_fragment_parse(const void *, size_t, struct wire_header *,
		    struct wire_error *);
/* overlay || transaction_id || contents: IMSG_KEY_SIGN input of KS_RELOAD_MSG;
 * a verifier appends the SignerIdentity. */
void		 wire_msg_input(struct wbuf *, uint32_t overlay, uint64_t tid,
		    const void *contents, size_t len);

/* -- bodies.  Each parse takes the whole body. -- */

struct wire_candidate {
	struct vaddr	 wi_addr;	/* va_family 0: an unknown kind of address */
	uint8_t		 wi_link;	/* enum wire_link; others: ignore the candidate */
	uint8_t		 wi_type;	/* enum wire_cand */
	struct span	 wi_foundation;
	uint32_t	 wi_priority;
	struct vaddr	 wi_rel;	/* srflx, relay */
	struct cur	 wi_ext;	/* packed: opaque16 name, opaque16 value */
};
enum wire_link { WIRE_DTLS_UDP_SR = 1, WIRE_DTLS_UDP_SR_NO_ICE = 3, WIRE_TLS_TCP_FH_NO_ICE = 4 };
enum wire_cand { WIRE_CAND_HOST = 1, WIRE_CAND_SRFLX = 2, WIRE_CAND_RELAY = 4 };
#define WIRE_HOST_PRIORITY	0x7effffffu
int		 wire_candidate_next(struct cur *, struct wire_candidate *);
void		 wire_candidate_write(struct wbuf *, const struct wire_candidate *);
/* TLS-TCP-FH-NO-ICE host candidate. */
void		 wire_candidate_host(struct wbuf *, const struct vaddr *);
/* IpAddressPort: 0, or -1 and a poisoned cursor. */
int		 wire_addr_parse(struct cur *, struct vaddr *);
void		 wire_addr_write(struct wbuf *, const struct vaddr *);

struct wire_attach {			/* Attach and AppAttach */
	struct span	 wa_ufrag, wa_password, wa_role;
	uint16_t	 wa_application;	/* AppAttach */
	struct cur	 wa_candidates;		/* one or more */
	uint8_t		 wa_send_update;	/* Attach */
};
int		 wire_attach_parse(const struct cur *, struct wire_attach *, struct wire_error *);
void		 wire_attach_write(struct wbuf *, const struct wire_attach *);
int		 wire_appattach_parse(const struct cur *, struct wire_attach *, struct wire_error *);
void		 wire_appattach_write(struct wbuf *, const struct wire_attach *);

struct wire_join {			/* Join; JoinAns has wj_data only */
	const uint8_t	*wj_node;
	struct span	 wj_data;
};
int		 wire_join_parse(const struct cur *, struct wire_join *, struct wire_error *);
void		 wire_join_write(struct wbuf *, const struct wire_join *);
int		 wire_joinans_parse(const struct cur *, struct wire_join *, struct wire_error *);
void		 wire_joinans_write(struct wbuf *, const struct wire_join *);

/* Packed Node-IDs: successors, predecessors, fingers, replicas. */
int		 wire_node_next(struct cur *, const uint8_t **node);

enum wire_leave_type { WIRE_FROM_SUCC = 1, WIRE_FROM_PRED = 2 };
struct wire_leave {
	const uint8_t	*wl_node;
	uint8_t		 wl_type;	/* enum wire_leave_type */
	struct cur	 wl_nodes;
};
int		 wire_leave_parse(const struct cur *, struct wire_leave *, struct wire_error *);
void		 wire_leave_write(struct wbuf *, const struct wire_leave *);

enum wire_update_type { WIRE_PEER_READY = 1, WIRE_NEIGHBORS = 2, WIRE_FULL = 3 };
struct wire_update {
	uint32_t	 wu_uptime;	/* s */
	uint8_t		 wu_type;	/* enum wire_update_type */
	struct cur	 wu_pred, wu_succ;	/* NEIGHBORS, FULL */
	struct cur	 wu_fingers;	/* FULL */
};
int		 wire_update_parse(const struct cur *, struct wire_update *, struct wire_error *);
void		 wire_update_write(struct wbuf *, const struct wire_update *);

struct wire_routequery {
	uint8_t		 wq_send_update;
	struct wire_dest wq_dest;
	struct span	 wq_data;
};
int		 wire_routequery_parse(const struct cur *, struct wire_routequery *,
		    struct wire_error *);
void		 wire_routequery_write(struct wbuf *, const struct wire_routequery *);
/* RouteQueryAns is one Node-ID. */
int		 wire_routequeryans_parse(const struct cur *, const uint8_t **node,
		    struct wire_error *);

enum wire_probe_type { WIRE_PROBE_SET = 1, WIRE_PROBE_RESOURCES = 2, WIRE_PROBE_UPTIME = 3 };
struct wire_probe {			/* Probe: the types asked for */
	struct span	 wp_types;
};
struct wire_probeinfo {			/* an element of ProbeAns */
	uint8_t		 wp_type;
	uint32_t	 wp_value;	/* known types */
	struct span	 wp_raw;
};
int		 wire_probe_parse(const struct cur *, struct wire_probe *, struct wire_error *);
void		 wire_probe_write(struct wbuf *, const struct wire_probe *);
int		 wire_probeans_parse(const struct cur *, struct cur *infos, struct wire_error *);
void		 wire_probeans_write(struct wbuf *, const struct cur *infos);
int		 wire_probeinfo_next(struct cur *, struct wire_probeinfo *);
void		 wire_probeinfo_write(struct wbuf *, uint8_t type, uint32_t value);
void		 wire_probeinfo_put(struct wbuf *, const struct wire_probeinfo *);

/* Ping: opaque16 padding. */
int		 wire_ping_parse(const struct cur *, struct span *padding, struct wire_error *);
void		 wire_ping_write(struct wbuf *, const void *padding, size_t);
struct wire_pingans {
	uint64_t	 wp_id;
	uint64_t	 wp_time;	/* UTC ms */
};
int		 wire_pingans_parse(const struct cur *, struct wire_pingans *, struct wire_error *);
void		 wire_pingans_write(struct wbuf *, const struct wire_pingans *);

enum wire_configupdate_type { WIRE_CU_CONFIG = 1, WIRE_CU_KIND = 2 };
struct wire_configupdate {
	uint8_t		 wc_type;	/* others: unknown, wc_raw only */
	struct span	 wc_config;	/* the document */
	struct cur	 wc_kinds;	/* packed opaque16 kind-blocks */
	struct span	 wc_raw;
};
int		 wire_configupdate_parse(const struct cur *, struct wire_configupdate *,
		    struct wire_error *);
void		 wire_configupdate_write(struct wbuf *, const struct wire_configupdate *);
int		 wire_kindblock_next(struct cur *, struct span *);

struct wire_errresp {
	uint16_t	 wr_code;	/* enum wire_errcode */
	struct span	 wr_info;
};
int		 wire_error_parse(const struct cur *, struct wire_errresp *, struct wire_error *);
void		 wire_error_write(struct wbuf *, uint16_t code, const void *info, size_t);
/* error_info of Unknown_Kind. */
int		 wire_kindlist_parse(struct span info, struct cur *kinds);
void		 wire_kindlist_write(struct wbuf *, const uint32_t *kinds, size_t n);
int		 wire_kindid_next(struct cur *, uint32_t *kind);

/* Body of an answer that is empty: UpdateAns, LeaveAns, ConfigUpdateAns.
 * Surplus bytes are borne, as other implementations put some there. */
int		 wire_empty_parse(const struct cur *, struct wire_error *);

/* -- stored data, section 7 of the RFC -- */

struct wire_value {			/* StoredDataValue */
	uint32_t	 wv_index;	/* ARRAY; WIRE_APPEND */
	struct span	 wv_key;	/* DICTIONARY */
	uint8_t		 wv_exists;
	struct span	 wv_data;
};
#define WIRE_APPEND	0xffffffffu
struct wire_stored {			/* StoredData */
	uint64_t	 ws_time;	/* storage_time, UTC ms */
	uint32_t	 ws_lifetime;	/* s */
	struct wire_value ws_value;
	struct reload_signature ws_sig;
	struct span	 ws_raw;	/* with its length field */
};
struct wire_meta {			/* StoredMetaData */
	uint64_t	 ws_time;
	uint32_t	 ws_lifetime;
	uint32_t	 ws_index;
	struct span	 ws_key;
	uint8_t		 ws_exists;
	uint32_t	 ws_size;	/* of the value */
	uint8_t		 ws_hashalg;
	struct span	 ws_hash;
};
/* StoreKindData, FetchKindResponse, StatKindResponse: all the same form. */
struct wire_kinddata {
	uint32_t	 wk_kind;
	uint64_t	 wk_generation;
	int		 wk_model;	/* enum reload_model; 0: unknown Kind */
	struct cur	 wk_values;	/* packed StoredData or StoredMetaData */
};
int		 wire_kinddata_next(struct cur *, wire_model_fn, void *arg, struct wire_kinddata *);
void		 wire_kinddata_write(struct wbuf *, const struct wire_kinddata *);
int		 wire_stored_next(struct cur *, int model, struct wire_stored *);
/* The signature as in ws_sig; ws_raw is not looked at. */
void		 wire_stored_write(struct wbuf *, int model, const struct wire_stored *);
void		 wire_value_write(struct wbuf *, int model, const struct wire_value *);
int		 wire_meta_next(struct cur *, int model, struct wire_meta *);
void		 wire_meta_write(struct wbuf *, int model, const struct wire_meta *);
/* What a data signature covers, but for the SignerIdentity that follows:
 * KS_RELOAD_DATA input.  Resource-ID in wire form; an array index as 0. */
void		 wire_data_input(struct wbuf *, const void *resource, size_t len,
		    uint32_t kind, int model, uint64_t time, const struct wire_value *);

struct wire_store {			/* Store */
	struct span	 wt_resource;
	uint8_t		 wt_replica;
	struct cur	 wt_kinds;	/* struct wire_kinddata */
	unsigned	 wt_unknown;	/* unknown Kinds among them */
};
int		 wire_store_parse(const struct cur *, wire_model_fn, void *arg,
		    struct wire_store *, struct wire_error *);
void		 wire_store_write(struct wbuf *, const struct wire_store *);

struct wire_storeresp {			/* an element of StoreAns */
	uint32_t	 wr_kind;
	uint64_t	 wr_generation;
	struct cur	 wr_replicas;	/* Node-IDs */
};
int		 wire_storeans_parse(const struct cur *, struct cur *resps, struct wire_error *);
void		 wire_storeans_write(struct wbuf *, const struct cur *resps);
int		 wire_storeresp_next(struct cur *, struct wire_storeresp *);
void		 wire_storeresp_write(struct wbuf *, const struct wire_storeresp *);

struct wire_fetch {			/* Fetch and Stat */
	struct span	 wf_resource;
	struct cur	 wf_specs;	/* struct wire_spec */
	unsigned	 wf_unknown;
};
struct wire_spec {			/* StoredDataSpecifier */
	uint32_t	 wp_kind;
	uint64_t	 wp_generation;
	int		 wp_model;	/* 0: unknown Kind, wp_list is raw */
	struct cur	 wp_list;	/* ranges, or keys; empty keys: all */
};
struct wire_range { uint32_t wr_first, wr_last; };
int		 wire_fetch_parse(const struct cur *, wire_model_fn, void *arg,
		    struct wire_fetch *, struct wire_error *);
void		 wire_fetch_write(struct wbuf *, const struct wire_fetch *);
int		 wire_spec_next(struct cur *, wire_model_fn, void *arg, struct wire_spec *);
void		 wire_spec_write(struct wbuf *, const struct wire_spec *);
int		 wire_range_next(struct cur *, struct wire_range *);
int		 wire_key_next(struct cur *, struct span *key);

/* FetchAns and StatAns: the list of struct wire_kinddata. */
int		 wire_fetchans_parse(const struct cur *, wire_model_fn, void *arg,
		    struct cur *kinds, unsigned *unknown, struct wire_error *);
int		 wire_statans_parse(const struct cur *, wire_model_fn, void *arg,
		    struct cur *kinds, unsigned *unknown, struct wire_error *);
/* Both: list32 of what wire_kinddata_write made. */
void		 wire_fetchans_write(struct wbuf *, const struct cur *kinds);

struct wire_find {
	struct span	 wf_resource;
	struct cur	 wf_kinds;	/* wire_kindid_next */
};
struct wire_findkind {			/* an element of FindAns */
	uint32_t	 wf_kind;
	struct span	 wf_closest;	/* Resource-ID */
};
int		 wire_find_parse(const struct cur *, struct wire_find *, struct wire_error *);
void		 wire_find_write(struct wbuf *, const struct wire_find *);
int		 wire_findans_parse(const struct cur *, struct cur *kinds, struct wire_error *);
void		 wire_findans_write(struct wbuf *, const struct cur *kinds);
int		 wire_findkind_next(struct cur *, struct wire_findkind *);
void		 wire_findkind_write(struct wbuf *, const struct wire_findkind *);

struct wire_turn {			/* value of Kind TURN-SERVICE */
	uint8_t		 wt_iteration;
	struct vaddr	 wt_addr;
};
int		 wire_turn_parse(const struct cur *, struct wire_turn *, struct wire_error *);
void		 wire_turn_write(struct wbuf *, const struct wire_turn *);

/* Any body by its code, for tools, tests and fuzzing: is it well formed?
 * Unknown codes are; 0 or -1. */
int		 wire_body_check(unsigned code, const struct cur *, wire_model_fn,
		    void *arg, struct wire_error *);
/* Read it and write it again from its parts.  -1 malformed or it does not fit. */
int		 wire_body_copy(unsigned code, const struct cur *, wire_model_fn,
		    void *arg, struct wbuf *);

#endif
