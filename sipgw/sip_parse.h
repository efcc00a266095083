/* SPDX-License-Identifier: ISC */
/*
 * core: SIP messages, read in one pass without copying (RFC 3261 section 7 and
 * 25).  Every span points into the caller's buffer and lives as long as that
 * does.  Folded header lines are accepted; the value then holds the CRLF and
 * the white space, which all getters here read as a space and sip_build.h
 * writes as one.
 */
#ifndef SIP_PARSE_H
#define SIP_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"

#define SIP_MSG_MAX	65536	/* bytes of a message, body included */
#define SIP_HDRS_MAX	200	/* header lines (a folded one counts once) */
#define SIP_HDRS_OWN	16	/* that we may add */
#define SIP_VIAS_MAX	70	/* Via values */
#define SIP_VALUES_MAX	256	/* comma-separated values of one header name */

enum sip_method {
	SIP_M_OTHER = 0,	/* a valid token that we do not know */
	SIP_M_INVITE, SIP_M_ACK, SIP_M_CANCEL, SIP_M_BYE, SIP_M_PRACK,
	SIP_M_UPDATE, SIP_M_INFO, SIP_M_OPTIONS, SIP_M_REGISTER,
	SIP_M_SUBSCRIBE, SIP_M_NOTIFY, SIP_M_REFER, SIP_M_MESSAGE,
	SIP_M_PUBLISH
};

enum sip_hdr_id {
	SIP_H_OTHER = 0,
	SIP_H_ACCEPT, SIP_H_ACCEPT_CONTACT, SIP_H_ACCEPT_ENCODING,
	SIP_H_ACCEPT_LANGUAGE, SIP_H_ALERT_INFO, SIP_H_ALLOW,
	SIP_H_ALLOW_EVENTS, SIP_H_ANSWER_MODE, SIP_H_AUTHORIZATION,
	SIP_H_CALL_ID, SIP_H_CALL_INFO, SIP_H_CONTACT,
	SIP_H_CONTENT_DISPOSITION, SIP_H_CONTENT_ENCODING, SIP_H_CONTENT_ID,
	SIP_H_CONTENT_LANGUAGE, SIP_H_CONTENT_LENGTH, SIP_H_CONTENT_TYPE,
	SIP_H_CSEQ, SIP_H_DATE, SIP_H_DIVERSION, SIP_H_ERROR_INFO,
	SIP_H_EVENT, SIP_H_EXPIRES, SIP_H_FROM, SIP_H_GEOLOCATION,
	SIP_H_HISTORY_INFO, SIP_H_IDENTITY, SIP_H_IN_REPLY_TO, SIP_H_JOIN,
	SIP_H_MAX_BREADTH, SIP_H_MAX_FORWARDS, SIP_H_MIME_VERSION, SIP_H_MIN_EXPIRES,
	SIP_H_MIN_SE, SIP_H_ORGANIZATION, SIP_H_P_ASSERTED_IDENTITY,
	SIP_H_P_PREFERRED_IDENTITY, SIP_H_PATH, SIP_H_PRIORITY,
	SIP_H_PRIV_ANSWER_MODE, SIP_H_PRIVACY, SIP_H_PROXY_AUTHENTICATE,
	SIP_H_PROXY_AUTHORIZATION, SIP_H_PROXY_REQUIRE, SIP_H_RACK,
	SIP_H_REASON, SIP_H_RECORD_ROUTE, SIP_H_REFER_TO, SIP_H_REFERRED_BY,
	SIP_H_REMOTE_PARTY_ID, SIP_H_REPLACES, SIP_H_REPLY_TO,
	SIP_H_REQUEST_DISPOSITION, SIP_H_REQUIRE, SIP_H_RETRY_AFTER,
	SIP_H_ROUTE, SIP_H_RSEQ, SIP_H_SERVER, SIP_H_SESSION_EXPIRES,
	SIP_H_SESSION_ID, SIP_H_SUBJECT, SIP_H_SUPPORTED, SIP_H_TIMESTAMP,
	SIP_H_TO, SIP_H_UNSUPPORTED, SIP_H_USER_AGENT, SIP_H_VIA,
	SIP_H_VIPR_REFUSAL, SIP_H_VIPR_TICKET,	/* and X-Cisco-ViPR-Ticket */
	SIP_H_WARNING, SIP_H_WWW_AUTHENTICATE,
	SIP_H_MAX
};

/* Why a message is not taken; sip_error_str() has the text for a log line and
 * for the reason phrase of a 400. */
enum sip_error {
	SIP_E_OK = 0,
	SIP_E_START_LINE,	/* no request or status line */
	SIP_E_VERSION,		/* not SIP/2.0 (505 for a request) */
	SIP_E_LINE_END,		/* bare CR or LF, or no end of headers */
	SIP_E_CONTROL,		/* control character */
	SIP_E_UTF8,
	SIP_E_HEADER,		/* no name, no colon */
	SIP_E_TOO_LARGE,	/* SIP_MSG_MAX, 413 */
	SIP_E_TOO_MANY_HEADERS,
	SIP_E_TOO_MANY_VIAS,
	SIP_E_LENGTH_MISSING,
	SIP_E_LENGTH_REPEATED,
	SIP_E_LENGTH_BAD,	/* not plain digits, or more than there is */
	SIP_E_REPEATED,		/* another single-value header stands twice */
	SIP_E_VIA, SIP_E_FROM, SIP_E_FROM_TAG, SIP_E_TO, SIP_E_CALL_ID,
	SIP_E_CSEQ,		/* bad, 2^31 or more, or another method */
	SIP_E_MAX_FORWARDS,	/* not digits or over 255 */
	SIP_E_CONTACT,
	SIP_E_ROUTE,		/* Route or Record-Route */
	SIP_E_URI,		/* Request-URI: control, white space, empty */
	SIP_E_MAX
};

/* name-addr or addr-spec with header parameters: From, To, Contact, Route. */
struct sip_addr {
	struct span	 sa_display;	/* as written, quotes included; may be empty */
	struct span	 sa_uri;	/* without < > */
	struct span	 sa_params;	/* after the first ';' outside < >, or empty */
	struct span	 sa_tag;	/* tag parameter; len 0 when there is none */
	int		 sa_star;	/* Contact: * */
	int		 sa_brackets;	/* the URI stood in < > */
};

struct sip_via {
	struct span	 sv_all;	/* the whole value */
	struct span	 sv_transport;	/* "UDP", "TCP", "TLS", ... */
	struct span	 sv_host;	/* sent-by host, IPv6 without [ ] */
	uint16_t	 sv_port;	/* 0: none given */
	struct span	 sv_params;	/* after the first ';', or empty */
	struct span	 sv_branch;	/* len 0: none */
	struct span	 sv_received;
	struct span	 sv_maddr;
	int		 sv_has_rport;	/* rport stands, with or without value */
	uint16_t	 sv_rport;	/* its value, 0: none */
};

struct sip_hdr {
	uint16_t	 sh_id;		/* enum sip_hdr_id */
	struct span	 sh_name;	/* as written, may be a compact form */
	struct span	 sh_value;	/* white space at both ends removed */
};

struct sip_msg {
	struct span	 sm_all;	/* start line to the end of the body */
	enum sip_error	 sm_error;	/* SIP_E_OK after success */
	int		 sm_request;	/* 1 request, 0 response */
	/* request */
	enum sip_method	 sm_method;	/* also of a response: CSeq's */
	struct span	 sm_method_name;
	struct span	 sm_uri;
	/* response */
	int		 sm_status;
	struct span	 sm_reason;
	/* headers, in the order in which they came */
	size_t		 sm_nhdrs;
	size_t		 sm_nvias;	/* Via values in all */
	int16_t		 sm_first[SIP_H_MAX];	/* index into sm_hdrs, -1: none */
	uint8_t		 sm_count[SIP_H_MAX];	/* lines with this id */
	/* parsed ones, valid when sm_error is SIP_E_OK */
	struct sip_via	 sm_via;	/* the topmost */
	struct sip_addr	 sm_from;
	struct sip_addr	 sm_to;
	struct span	 sm_call_id;
	uint32_t	 sm_cseq;
	int		 sm_max_forwards;	/* -1: none */
	int64_t		 sm_content_length;	/* -1: none */
	struct span	 sm_body;
	struct sip_hdr	 sm_hdrs[SIP_HDRS_MAX + SIP_HDRS_OWN];
};

/*
 * How strict.  SIP_STREAM: Content-Length must stand, and the buffer holds
 * exactly one message (sip_frame found its end).  Without it the buffer is a
 * datagram: a missing Content-Length means the rest, bytes behind the body are
 * ignored.  SIP_INSIDE: a PBX or trunk; invalid UTF-8 in header values, a
 * missing From tag and repeated headers that a proxy does not act on are let
 * pass, everything else is as strict as outside.  SIP_OWN: we wrote it; what
 * we added may go over the bounds.
 */
#define SIP_STREAM	0x01
#define SIP_INSIDE	0x02
#define SIP_OWN		0x04

/*
 * 0, or -1 with sm_error set.  After an error the start line and the headers
 * read so far are in the struct; sip_answerable() says whether a response can
 * be built from them.
 */
int		 sip_parse(struct sip_msg *, const void *, size_t, int flags);
/* After a failed sip_parse: is it a request (not ACK) with a Via that names at
 * least its sender, so that sip_build_response can answer it?  Fills the
 * parsed fields as far as they can be read.  1 or 0. */
int		 sip_answerable(struct sip_msg *);
/* Status for the answer: 400, 413, 505.  Text: static, never NULL. */
int		 sip_error_status(enum sip_error);
const char	*sip_error_str(enum sip_error);

/*
 * Framing on a stream: how many of the len bytes the first message takes.
 * > 0: *skip bytes of white-space keep-alives (CRLFs), then a message of that
 *      many bytes: [*skip, *skip + returned).
 *   0: incomplete; *skip keep-alive bytes may be dropped already.
 *  -1: never a message (*err: SIP_E_TOO_LARGE, SIP_E_LENGTH_*, SIP_E_LINE_END,
 *      SIP_E_HEADER, SIP_E_TOO_MANY_HEADERS).  For an answer, sip_parse what
 *      is there; then close.
 */
ptrdiff_t	 sip_frame(const void *, size_t len, size_t *skip, enum sip_error *err);

enum sip_method	 sip_method_parse(struct span);
const char	*sip_method_str(enum sip_method);	/* "INVITE"; "" for OTHER */
enum sip_hdr_id	 sip_hdr_lookup(struct span name);	/* long or compact, case ignored */
const char	*sip_hdr_str(enum sip_hdr_id);		/* "Call-ID"; "" for OTHER */

/* First header line with this id, the next one after h; NULL: none. */
const struct sip_hdr *sip_hdr_first(const struct sip_msg *, enum sip_hdr_id);
const struct sip_hdr *sip_hdr_next(const struct sip_msg *, const struct sip_hdr *h);
/* Does any line have this id / this name (unknown headers, case ignored)? */
int		 sip_hdr_has(const struct sip_msg *, enum sip_hdr_id);
const struct sip_hdr *sip_hdr_named(const struct sip_msg *, const char *name);

/*
 * All comma-separated values of a header id, over all its lines: 1 and *v
 * (trimmed), 0 at the end, -1 when an element is malformed (open quote or
 * bracket, empty element) or more than SIP_VALUES_MAX stand.
 *
 *	sip_values_init(&it, m, SIP_H_ROUTE);
 *	while ((r = sip_values_next(&it, &v)) == 1)
 */
struct sip_values {
	const struct sip_msg	*si_msg;
	const struct sip_hdr	*si_hdr;
	struct cur		 si_cur;
	size_t			 si_n;
	int			 si_open;	/* si_cur is inside si_hdr */
};
void		 sip_values_init(struct sip_values *, const struct sip_msg *, enum sip_hdr_id);
int		 sip_values_next(struct sip_values *, struct span *v);
/* The n-th (from 0) value: 0, or -1 when there is none or it is malformed. */
int		 sip_value(const struct sip_msg *, enum sip_hdr_id, size_t n, struct span *v);
/* Values in all; -1 malformed. */
int		 sip_values_count(const struct sip_msg *, enum sip_hdr_id);
/* Does a list of tokens (Require, Supported, Allow, Privacy with ';') hold the
 * token (case ignored)?  1 or 0. */
int		 sip_list_has(const struct sip_msg *, enum sip_hdr_id, const char *token);

/* One value.  0, or -1 malformed. */
int		 sip_via_parse(struct span, struct sip_via *);
int		 sip_addr_parse(struct span, struct sip_addr *);
/* The n-th Via (0: topmost). */
int		 sip_via_get(const struct sip_msg *, size_t n, struct sip_via *);
/* The n-th value of Contact, Route, Record-Route, ... as an address. */
int		 sip_addr_get(const struct sip_msg *, enum sip_hdr_id, size_t n, struct sip_addr *);

/*
 * A parameter in text like "a=b;c;d=\"x\"": 1 with its value (quotes taken
 * off, escapes left in; empty when it has none), 0 absent, -1 malformed or
 * the name stands twice.  Name: case ignored.
 */
int		 sip_param(struct span params, const char *name, struct span *val);
/* The next parameter of p (p moves on): 1, 0 at the end, -1 malformed. */
int		 sip_param_next(struct span *p, struct span *name, struct span *val);

/* RAck: response number, CSeq number and method.  0 or -1. */
int		 sip_rack(const struct sip_msg *, uint32_t *rseq, uint32_t *cseq, enum sip_method *);
/* Plain digits of a single-value header up to max ("; comment" and parameters
 * after them are ignored: Expires, RSeq, Min-SE, Retry-After).  0 or -1. */
int		 sip_number(const struct sip_msg *, enum sip_hdr_id, uint32_t max, uint32_t *);
/* A Session-ID's value, RFC 7989: id and remote are 32 hexadecimal digits, in
 * the value's memory; remote.len is 0 where it has none.  -1: of another form. */
int		 sip_session_id(struct span, struct span *id, struct span *remote);

/* Copy a value with folds turned into one space; length, or -1 (does not fit). */
ptrdiff_t	 sip_unfold(struct span, char *dst, size_t size);
/* The values of all lines with the id as one, ", " between them: 1, 0 none
 * stands (dst is ""), -1 it does not fit. */
int		 sip_join(const struct sip_msg *, enum sip_hdr_id, char *dst, size_t size);
/* Remove white space, folds included, from both ends. */
struct span	 sip_trim(struct span);
/* Equality of two spans, exactly and with ASCII case ignored. */
int		 sip_span_same(struct span, struct span);
int		 sip_span_casesame(struct span, struct span);

#endif
