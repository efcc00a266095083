/* SPDX-License-Identifier: ISC */
/*
 * The configuration as parse.y makes it and as each process holds it.  One
 * struct for all: conf_send gives a process the items that its role needs,
 * the others stay empty there.  Plain data; descriptors are owned by the
 * struct (closed by conf_free unless taken: set to -1).
 */
#ifndef CONF_H
#define CONF_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "e164.h"
#include "vipr.h"

struct chan;
struct cur;

enum sip_proto { SIP_UDP = 1, SIP_TCP = 2, SIP_TLS = 3 };
/* FACE_REDIRECT: inside too, but answered with 302 or 404 and never proxied. */
enum sip_face { FACE_INSIDE = 1, FACE_OUTSIDE = 2, FACE_REDIRECT = 3 };

/* A listening socket; bound by the parent, handed to its process. */
enum listen_use { LISTEN_SIP = 1, LISTEN_PVP = 2, LISTEN_OVERLAY = 3, LISTEN_CONTROL = 4 };
struct conf_listen {
	TAILQ_ENTRY(conf_listen) cl_entry;
	uint8_t		 cl_use;	/* enum listen_use */
	uint8_t		 cl_proto;	/* enum sip_proto; others: SIP_TCP */
	uint8_t		 cl_face;	/* enum sip_face, LISTEN_SIP only */
	struct vaddr	 cl_addr;
	int		 cl_fd;
};

/* A PBX or a trunk. */
struct conf_hop {
	TAILQ_ENTRY(conf_hop) ch_entry;
	char		 ch_name[64];
	char		 ch_host[DOMAIN_SIZE];	/* as written: literal or name; port in ch_addr */
	struct vaddr	 ch_addr;	/* va_family 0: ch_host is a name; port 0: SRV says */
	uint8_t		 ch_proto;	/* enum sip_proto */
	uint8_t		 ch_trunk;	/* 1 trunk, 0 PBX */
	uint16_t	 ch_priority;	/* lower first */
	uint16_t	 ch_weight;	/* share of the calls among equals, RFC 2782 */
	uint32_t	 ch_ping;	/* s between OPTIONS: 60; 0: none */
#define CONF_PING	60
	struct e164_rules ch_rules;	/* how its digits become E.164 */
};

struct conf_range {
	TAILQ_ENTRY(conf_range) cr_entry;
	struct e164_range cr_range;
	uint32_t	 cr_count;	/* decoys: how many of the range */
};
TAILQ_HEAD(conf_ranges, conf_range);

/*
 * never: "+1900" is a prefix of E.164 numbers, "112" exactly what was dialled;
 * ct_value 1: of the shipped list.  A name.  A host entry: port 0 if none
 * was given.  An operator: name, and in ct_value the uid.  A resolver:
 * ct_value 1 if it is the system's.
 */
struct conf_text {
	TAILQ_ENTRY(conf_text) ct_entry;
	char		 ct_text[DOMAIN_SIZE];
	struct vaddr	 ct_addr;	/* host entries */
	uint32_t	 ct_value;
};
TAILQ_HEAD(conf_texts, conf_text);

/*
 * Callers of one kind, by what the PBX shows: "+4930123" is a prefix of E.164
 * numbers, all else the user part as it is shown; with cf_to a range of as many
 * digits.  The first class that fits a caller decides.
 */
struct conf_from {
	TAILQ_ENTRY(conf_from) cf_entry;
	char		 cf_from[64];
	char		 cf_to[64];	/* "": no range */
};
struct conf_class {
	TAILQ_ENTRY(conf_class) cc_entry;
	char		 cc_name[64];
	uint8_t		 cc_direct;	/* 1: may go directly */
	TAILQ_HEAD(, conf_from) cc_from;
};
TAILQ_HEAD(conf_classes, conf_class);

/*
 * A file that the parent opened: bytes of certificates and documents (public
 * things), the descriptor itself of keys (the parent does not read them).  The
 * offset of a descriptor is shared with earlier holders: read it with
 * pread(2) from 0.
 */
struct conf_blob {
	char		 cb_path[256];
	uint8_t		*cb_data;
	size_t		 cb_len;	/* a NUL follows them */
	size_t		 cb_missing;	/* conf_item's: bytes still to come */
	int		 cb_fd;
};

struct conf {
	uint64_t	 c_generation;
	uint32_t	 c_received;		/* conf_item's: 0 nothing, 1 under way, 2 all */
	char		 c_path[256];
	char		 c_data[256];		/* data folder: "/var/vipr" */
	char		 c_control[108];	/* control socket */
	char		 c_domain[DOMAIN_SIZE];	/* our SIP domain */
	int64_t		 c_clock_offset;	/* s; test clock-offset */
	uint32_t	 c_boot_offset;		/* s; test boot-offset, of sipgw only */
	uint32_t	 c_flags;
#define CONF_RESTART_NO		0x0001
#define CONF_LOG_CALLS		0x0002
#define CONF_PERMIT_PRIVATE	0x0004	/* peers and claimants on private and loopback addresses */
#define CONF_MEDIA_PLAIN	0x0008	/* RTP without SRTP may go out directly */
#define CONF_MODE_LOG		0x0010	/* learn and report, divert nothing */
#define CONF_OVERLAY_FIRST	0x0020	/* this node starts the ring */
#define CONF_OVERLAY_ON		0x0040	/* an overlay section stands */
#define CONF_PVP_ON		0x0080
#define CONF_OUTSIDE_ON		0x0100	/* sip has an outside face */
#define CONF_ALLOW_REFER	0x0200
#define CONF_OVERLAY_CLIENT	0x0400	/* never in the ring */
#define CONF_CALLID_KEEP	0x0800	/* Call-IDs of our PBX leave as they are */
#define CONF_DISPLAY_NAME	0x40000	/* display names cross the border */
#define CONF_PRESENT_NATIONAL	0x80000	/* the PBX sees numbers as its trunk shows them */
#define CONF_MEDIA_ENGINE	0x1000	/* rtpengine at c_media carries media */
#define CONF_HEP		0x4000	/* copies of SIP messages go to c_hep_addr */
	uint32_t	 c_verbose;
	char		 c_facility[16];

	TAILQ_HEAD(, conf_listen) c_listens;
	TAILQ_HEAD(, conf_hop)	 c_hops;
	struct conf_ranges	 c_numbers;	/* ours: published and answered for */
	struct conf_ranges	 c_callers;	/* further numbers our callers show */
	struct conf_ranges	 c_decoys;
	struct conf_texts	 c_never;	/* prefixes, "+1900"; short ones as digits "112" */
	struct conf_texts	 c_always;	/* always trunk: entries as of never */
	struct conf_texts	 c_logonly;	/* log only: learned, not diverted */
	struct conf_texts	 c_pass;	/* header names that cross the border, too */
	struct conf_classes	 c_classes;
	struct conf_texts	 c_names;	/* outside names besides the domain */
	struct conf_texts	 c_hosts;	/* host NAME address A port P */
	struct conf_texts	 c_accept;	/* domains that may claim; empty: all */
	struct conf_texts	 c_refuse;
	struct conf_texts	 c_operators;
	struct conf_texts	 c_resolvers;	/* DNS servers, ct_addr */

	/* sip */
	struct e164_rules c_rules;		/* default of hops without their own */
	struct conf_blob c_sip_cert, c_sip_key, c_sip_ca;
	struct conf_blob c_inside_cert, c_inside_key, c_inside_ca;
	char		 c_outside_host[DOMAIN_SIZE];	/* host of the URIs we grant: default domain */
	uint16_t	 c_outside_port;
	uint32_t	 c_limit_hour;		/* calls a grantee and number: 60 */
	uint32_t	 c_limit_live;		/* 4 */
	uint32_t	 c_limit_calls;		/* new calls a second of a domain outside; 50 */
	uint32_t	 c_limit_total;		/* its live calls, to all numbers; 500 */
	uint32_t	 c_limit_requests;	/* its requests a second; 500 */
	uint32_t	 c_limit_conns;		/* connections a second of an address; 50 */
	uint32_t	 c_resample;		/* 50; 0: never */
	uint32_t	 c_reprove;		/* s without a proof before a call takes the trunk: 14 d */
	uint32_t	 c_session;		/* s, Session-Expires that we ask for: 1800; 0: none */
#define CONF_SESSION_MIN	90		/* RFC 4028 section 4 */
	uint32_t	 c_connect_ms;		/* 2000 */
	uint32_t	 c_answer_ms;		/* 4000 */
	struct vaddr	 c_media;		/* media rtpengine: its control address */
	char		 c_media_inside[64];	/* its interfaces; both or none */
	char		 c_media_outside[64];
	struct vaddr	 c_hep_addr;		/* capture hep: Homer */
	uint32_t	 c_hep_id;		/* capture agent's id there: 1 */

	/* overlay */
	char		 c_overlay[DOMAIN_SIZE];
	struct conf_blob c_ov_config;		/* signed configuration document */
	struct conf_blob c_node_cert, c_node_key;
	struct vaddr	 c_ov_advertise;	/* address peers are told; family 0: the listener's */
	uint32_t	 c_store_rate;		/* Stores a second: 50 */
	uint32_t	 c_lifetime;		/* registration, s: 86400; 0: the document's */

	/* pvp; times in s */
	struct vaddr	 c_pvp_advertise;
	uint32_t	 c_delay_min, c_delay_max;	/* 900, 43200 */
	uint32_t	 c_try_max;		/* stop + this: last moment drawn: 86400 */
	uint32_t	 c_responder_min;	/* stop + this: a terminated record can be proven: 600 */
	uint32_t	 c_min_duration;	/* 60 */
	uint32_t	 c_retain;		/* 93600 */
	uint32_t	 c_proofs;		/* 2 */
#define CONF_PROOFS_MAX	16			/* key remembers so many of a route */
	uint32_t	 c_proofs_callers;	/* different callers asked for: 0 */
	uint32_t	 c_proofs_spacing;	/* s between the ends of proven calls: 3600 */
	uint32_t	 c_tickets_after;	/* 2 */
	uint32_t	 c_ticket_lifetime;	/* 60 d */
	uint32_t	 c_receipt_lifetime;	/* 30 d */
	uint32_t	 c_retry_min, c_retry_max;	/* lost answer: 60, 2700 */
	uint32_t	 c_busy_moduli;		/* 11, or 44 when busy is allowed */
	uint32_t	 c_limit_number;	/* failed connections a peer and number: 5 */
	uint32_t	 c_limit_peer;		/* 50 */
	uint32_t	 c_limit_failures;	/* in a row a claimant: 5 */
	struct conf_blob c_master;		/* master key file, descriptor only; key reads it */
};

struct conf	*conf_new(void);		/* defaults filled in */
void		 conf_free(struct conf *);	/* NULL allowed; closes and wipes */

/* Ours? (numbers; numbers or callers.)  conf_never: is it covered by the never
 * list?  Takes an E.164 number, and also the digits as they were dialled: ask
 * for both. */
int		 conf_number_ours(const struct conf *, const char *e164);
int		 conf_caller_ours(const struct conf *, const char *e164);
int		 conf_never(const struct conf *, const char *e164);
/* The same of any list of such entries. */
int		 conf_listed(const struct conf_texts *, const char *number);
/* Does the class hold a caller with this number ("": none) or this user part? */
int		 conf_class_has(const struct conf_class *, const char *e164, const char *user);
/* c_limit_conns, or what follows from other limits where it was not set. */
uint32_t	 conf_limit_conns(const struct conf *);
/* Is this name our SIP domain or one of the outside names (case ignored)? */
int		 conf_name_ours(const struct conf *, const char *host, size_t len);

/*
 * Parent: BEGIN, the items role needs (descriptors duplicated), END.  -1 with
 * errno if something could not be queued.  Listening sockets and keys travel
 * as descriptors, certificates, documents and the CA bundle as bytes in
 * pieces of at most CONF_PIECE.
 *
 *   role      gets
 *   key       all key files, the master key, certificates, the overlay's
 *             document, numbers, callers, accept, refuse, pvp and URI settings
 *   control   its socket, operators
 *   overlayd  its listeners, PVP's addresses, node certificate, document,
 *             numbers, decoys
 *   pvpd      its listeners, node certificate, addresses of the overlay's
 *   sipgw     its listeners, SIP certificates, CA bundle, hops, numbers,
 *             callers, never, names, hosts, resolvers
 */
#define CONF_CLOCK_MAX	(400LL * 86400)	/* s, of test clock-offset, either way */
#define CONF_CA_MAX	(4 * 1024 * 1024)
#define CONF_PIECE	(64 * 1024)
#define CONF_ITEM_MAX	(CONF_PIECE + 1024)	/* tail of an IMSG_RECONF_ITEM */
int		 conf_send(struct chan *, const struct conf *, enum vipr_role);
/*
 * Child: take one IMSG_RECONF_ITEM into conf (fresh from conf_new; the first
 * item empties the lists that conf_new filled).  fd is taken over even on
 * failure.  -1: malformed, out of range, or out of order.
 */
int		 conf_item(struct conf *, struct cur *item, int fd);
/* Did everything arrive?  0, or -1; the last item asks it, too. */
int		 conf_complete(const struct conf *);

/* Empty all lists, shipped entries included. */
void		 conf_clear_lists(struct conf *);
/* Add to a list.  NULL: no memory, or text too long. */
struct conf_range *conf_add_range(struct conf_ranges *, const struct e164_range *, uint32_t count);
struct conf_text *conf_add_text(struct conf_texts *, const char *, const struct vaddr *, uint32_t value);
struct conf_class *conf_add_class(struct conf *, const char *name);
struct conf_from *conf_add_from(struct conf_class *, const char *from, const char *to);
/* Lower-case A-labels, letters, digits and hyphens, at most 253 bytes, no
 * final dot, at least one letter in the last label? */
int		 conf_domain_valid(const char *);

#endif
