/* SPDX-License-Identifier: ISC */
/*
 * core: the overlay's configuration document (RFC 6940, 11.1): parsed with
 * expat under limits, checked, its signatures verified over the bytes as they
 * were received.
 */
#ifndef RELOAD_CONF_H
#define RELOAD_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "reload_cert.h"
#include "vipr.h"

#define RELOAD_DOC_MAX		(128 * 1024)	/* bytes of a document */
#define RELOAD_ROOTS_MAX	16
#define RELOAD_BOOT_MAX		64
#define RELOAD_SIGNERS_MAX	16	/* kind-signers; configuration-signers */
#define RELOAD_BAD_MAX		2048
#define RELOAD_KINDS_MAX	32
#define RELOAD_ENROLL_MAX	8
#define RELOAD_URL_MAX		1023	/* bytes of an enrollment-server */
#define RELOAD_WHY_SIZE		256	/* room for a reason */

#define RELOAD_KIND_TURN	2u
#define RELOAD_KIND_CERT_NODE	3u
#define RELOAD_KIND_CERT_USER	16u
#define RELOAD_KIND_VIPR	0xf0564950u	/* our registration */
#define RELOAD_NS_VIPR		"urn:x-vipr:reload:1"
#define RELOAD_NS_BASE		"urn:ietf:params:xml:ns:p2p:config-base"
#define RELOAD_NS_CHORD		"urn:ietf:params:xml:ns:p2p:config-chord"

enum reload_model { RELOAD_SINGLE = 1, RELOAD_ARRAY = 2, RELOAD_DICTIONARY = 3 };
enum reload_policy {
	RELOAD_USER_MATCH = 1,
	RELOAD_NODE_MATCH = 2,
	RELOAD_USER_NODE_MATCH = 3,
	RELOAD_NODE_MULTIPLE = 4,
	RELOAD_VIPR_NODE_KEY_MATCH = 5,
	RELOAD_POLICY_OTHER = 6		/* not known to us: the Kind is unknown */
};

struct reload_blob {
	const uint8_t	*b_p;
	size_t		 b_len;
};

struct reload_kind {
	uint32_t	 rk_id;
	uint8_t		 rk_model;	/* enum reload_model */
	uint8_t		 rk_policy;	/* enum reload_policy */
	uint32_t	 rk_max_count;
	uint32_t	 rk_max_size;
	uint32_t	 rk_node_multiple;	/* NODE-MULTIPLE */
	uint32_t	 rk_lifetime;	/* our Kind, s: 86400 */
	uint32_t	 rk_max_per_node;	/* our Kind: 1 */
	uint32_t	 rk_quota;	/* our Kind: numbers a node, 20000 */
	struct reload_blob rk_blob;	/* signed bytes, <kind ..</kind> */
	uint8_t		*rk_text;	/* what they are in, of a Kind that came alone */
	uint8_t		*rk_sig;	/* its SecurityBlock; NULL without */
	size_t		 rk_siglen;
};

struct reload_doc {
	char		 rd_name[DOMAIN_SIZE];	/* instance-name */
	uint32_t	 rd_hash;	/* overlay field of a message */
	uint16_t	 rd_sequence;	/* 0..65534 */
	int64_t		 rd_expiration;	/* UTC s; 0: none given */
	uint8_t		 rd_self_signed;	/* enum reload_digest */
	uint8_t		 rd_clients;	/* clients-permitted */
	uint8_t		 rd_no_ice;
	uint8_t		 rd_reactive;
	uint8_t		 rd_vipr;	/* our mandatory-extension is named */
	uint8_t		 rd_initial_ttl;
	uint8_t		 rd_turn_density;
	uint32_t	 rd_max_message;	/* bytes */
	uint32_t	 rd_reliability_ms;	/* overlay-reliability-timer */
	uint32_t	 rd_update_s;	/* chord-update-interval */
	uint32_t	 rd_ping_s;	/* chord-ping-interval */
	struct reload_blob rd_root[RELOAD_ROOTS_MAX];	/* DER */
	size_t		 rd_roots;
	struct vaddr	 rd_boot[RELOAD_BOOT_MAX];
	size_t		 rd_boots;
	char		*rd_enroll[RELOAD_ENROLL_MAX];	/* URLs, unchecked text */
	size_t		 rd_enrolls;
	uint8_t		 rd_kind_signer[RELOAD_SIGNERS_MAX][NODEID_LEN];
	size_t		 rd_kind_signers;
	uint8_t		 rd_conf_signer[RELOAD_SIGNERS_MAX][NODEID_LEN];
	size_t		 rd_conf_signers;
	uint8_t		(*rd_bad)[NODEID_LEN];
	size_t		 rd_bads;
	struct reload_kind rd_kind[RELOAD_KINDS_MAX];
	size_t		 rd_kinds;
	char		 rd_unsupported[96];	/* a requirement that we do not meet */
	struct reload_blob rd_text;	/* the whole document, our copy */
	struct reload_blob rd_blob;	/* the signed bytes in it */
	uint8_t		*rd_sig;	/* SecurityBlock; NULL without */
	size_t		 rd_siglen;
};

/*
 * Parse and check everything but the signatures.  overlay: the instance-name
 * wanted (several configurations may stand in one document), NULL: the only
 * one.  The text is copied.  NULL: why says what and in which line.
 * A mandatory extension that we do not have, a foreign topology or a
 * node-id-length other than 16 is refused.
 */
struct reload_doc *reload_doc_parse(const void *, size_t, const char *overlay,
	    char *why, size_t whysize);
void	 reload_doc_free(struct reload_doc *);	/* NULL allowed */

/*
 * Signatures: of the document by a configuration-signer of current, and of
 * each Kind by a kind-signer of the document itself.  current NULL: the first
 * one, provisioned by hand: its own list and roots count, which shows that it
 * came whole from a signer that it names.  0, or -1 and why.
 */
int	 reload_doc_verify(const struct reload_doc *doc, const struct reload_doc *current,
	    int64_t now, char *why, size_t whysize);
/* Is sequence a newer than b (modulo 65535, as TCP compares)?  1 or 0. */
int	 reload_seq_newer(uint16_t a, uint16_t b);
/*
 * An update that arrived: parse, same overlay name, newer, verified against
 * current.  *stale tells of a failure: RELOAD_STALE when only the sequence was
 * not newer, RELOAD_LEAVE when the document is good but asks for something that
 * we do not have: whoever gets it MUST leave the overlay (RFC 6940, 11.1).
 */
enum reload_refusal { RELOAD_STALE = 1, RELOAD_LEAVE = 2 };
struct reload_doc *reload_doc_update(const struct reload_doc *current, const void *,
	    size_t, int64_t now, int *stale, char *why, size_t whysize);

/* Roots, bad nodes, self-signed rule of the document; NULL: out of memory. */
struct reload_trust *reload_doc_trust(const struct reload_doc *);
/* Kind by id; NULL when unknown (or its policy is).  CERTIFICATE_BY_NODE and
 * CERTIFICATE_BY_USER are known without being named, with limits of ours. */
const struct reload_kind *reload_doc_kind(const struct reload_doc *, uint32_t id);
/* Data model of a Kind or 0; of registered Kinds also without a document.
 * Fits as wire_model_fn of overlayd with the document as arg. */
int	 reload_doc_model(uint32_t kind, void *doc);
/*
 * A kind-block that came alone (ConfigUpdate): parsed, and signed by a
 * kind-signer of doc.  0 and *k (without blob and signature), or -1 and why.
 */
int	 reload_kind_update(const struct reload_doc *, const void *, size_t,
	    int64_t now, struct reload_kind *k, char *why, size_t whysize);
/*
 * Take such a Kind into doc, for as long as doc lives.  Several rules, ours where
 * the RFC has none: a Kind of the document itself is changed by a newer document
 * only, as a kind-block has no sequence and an old one could be sent again; one
 * that came alone is changed by whoever signed it before.  1: *k is new or
 * changed, *model what its data model was, 0 for a new one; 0: known so already;
 * -1: refused, *why.  The text is copied.
 */
int	 reload_kind_add(struct reload_doc *doc, const void *, size_t, int64_t now,
	    struct reload_kind *k, int *model, char *why, size_t whysize);
/* The kind-block to send for a Kind of a document: blob and signature. */
void	 reload_kind_block(struct wbuf *, const struct reload_kind *);
int	 reload_is_conf_signer(const struct reload_doc *, const uint8_t node[NODEID_LEN]);
int	 reload_is_kind_signer(const struct reload_doc *, const uint8_t node[NODEID_LEN]);

#endif
