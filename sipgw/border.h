/* SPDX-License-Identifier: ISC */
/*
 * core: border policy.  What may come in from outside, what leaves, which call
 * may be diverted, and what a failed direct leg means.  Pure functions over
 * messages and configuration; the proxy acts on what they return.
 */
#ifndef BORDER_H
#define BORDER_H

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "sip_build.h"
#include "sip_parse.h"
#include "vipr.h"

struct conf;
struct conf_class;
struct conf_hop;
struct conf_texts;
struct e164_rules;

/* -- from outside (border_in.c) -- */

/* What to do with a request from outside, before any look-up. */
enum border_class {
	BORDER_CALL = 1,	/* new INVITE: judge Request-URI and ticket */
	BORDER_DIALOG = 2,	/* To tag: needs a valid sealed cookie, else 481 (ACK: dropped) */
	BORDER_CANCEL = 3,	/* matches by transaction, else 481 */
	BORDER_ACK = 4,		/* of a transaction, else as BORDER_DIALOG, never answered */
	BORDER_OPTIONS = 5,	/* 200 with border_allow() */
	BORDER_405 = 6,		/* with Allow: border_allow() */
	BORDER_481 = 7,
	BORDER_POLICY = 8,	/* Replaces or Join: 403; ViPR-Refusal: policy if it is an INVITE */
	BORDER_420 = 9,		/* Proxy-Require: Bad Extension, copy it to Unsupported */
	BORDER_483 = 10,	/* Max-Forwards: 0 */
	BORDER_DROP = 11	/* an ACK that fits nothing */
};
enum border_class border_classify(const struct conf *, const struct sip_msg *);
/* Value of Allow for the outside. */
const char	*border_allow(const struct conf *);

/*
 * Request-URI of a new INVITE from outside.  0 and the number (+ and digits);
 * 403: wrong-number; 400: URI headers, or no URI at all.
 */
int		 border_ruri(const struct conf *, struct span uri, char number[E164_SIZE]);

/*
 * The ticket header of a request.  REFUSAL_NONE and its text (NUL-terminated,
 * unchecked but for its alphabet); REFUSAL_NO_TICKET: none, or empty;
 * REFUSAL_BAD_TICKET: more than one, too long, not base64url.
 */
enum refusal	 border_ticket(const struct sip_msg *, char out[TOKEN_MAX]);

/* Status of a refusal: 403, or 503 for busy. */
int		 border_refusal_status(enum refusal);

/* se_keep for requests and responses from outside to the PBX; arg: struct
 * conf.  Via, Route, Max-Forwards, Content-Length: the builder's; From, To:
 * see border_from_in; Contact and Record-Route never pass (ours are added). */
int		 border_keep_in(const struct sip_hdr *, const void *conf);
/*
 * From (or To) for the inside: the value with every verstat parameter taken
 * out of the URI, its user part and the header parameters, on one line; without
 * the display name unless the configuration lets names pass, and with the
 * number as border_present writes it.  conf NULL: only verstat goes.
 * 0, or -1 (does not fit).
 */
int		 border_from_in(const struct conf *, const struct sip_addr *, char *out,
		    size_t size);
/*
 * A number in the form in which the PBX's trunk shows it (`present`): as it is,
 * or by the rules given: national prefix and the rest, else international
 * prefix and all.  Without the rule that is needed it stays as it is.
 */
#define BORDER_PRESENT_SIZE	40
void		 border_present(const struct conf *, const struct e164_rules *,
		    const char *number, char out[BORDER_PRESENT_SIZE]);
/* The number that From claims (sip user part or tel: with +, after
 * unescaping): 0, or -1 when it claims none. */
int		 border_from_number(const struct sip_addr *, char number[E164_SIZE]);
/*
 * May the caller be shown as verified?  route_ties: our route table ties the
 * number to the peer's domain (rtab_ties).  Fills the value of a
 * P-Asserted-Identity header for the PBX; 1, or 0 (then none is sent; one that
 * the peer sent never passes).
 */
int		 border_identity_in(const struct conf *, const struct sip_addr *from,
		    const char *domain, int route_ties, char *out, size_t size);
/* Is a Session-ID's value of the form of RFC 7989 (32 hexadecimal digits, and
 * perhaps remote=)?  Only such a one crosses the border, unchanged. */
int		 border_session_id(struct span);

/* Is it one that the operator lets pass (`pass header`)?  1 or 0. */
int		 border_passes(const struct conf *, const struct sip_hdr *);

/* -- to outside (border_out.c) -- */

/* se_keep for requests and responses to the outside; arg: struct conf.  An
 * allow-list too: what names the PBX, a user's privacy or the inside's routing
 * stays inside. */
int		 border_keep_out(const struct sip_hdr *, const void *conf);
/*
 * From of a call that leaves: `<sip:+NUMBER@our-domain>;tag=...`, with the
 * display name if names pass, never the PBX's host.  caller: E.164 or "" (then the user part
 * is "anonymous").  0 or -1.
 */
int		 border_from_out(const struct conf *, const struct sip_addr *,
		    const char *caller, char *out, size_t size);
/* Status with which a PBX's final answer leaves: 3xx, 401, 407 become 480. */
int		 border_status_out(int status);

/* Why a call is not diverted; stable codes by divert_str(). */
enum divert {
	DIVERT_OK = 0,		/* look for a route */
	DIVERT_NO_NUMBER,	/* "no-number": the Request-URI is no number without doubt */
	DIVERT_NEVER,		/* "never" */
	DIVERT_ALWAYS,		/* "always-trunk": the operator's choice; not learned */
	DIVERT_OWN,		/* "own-number": to the trunk */
	DIVERT_CLASS,		/* "class": such callers do not go directly */
	DIVERT_PRIVACY,		/* "privacy" */
	DIVERT_IN_DIALOG,	/* "in-dialog": Replaces or Join, or a To tag */
	DIVERT_PROXY_REQUIRE,	/* "proxy-require" */
	DIVERT_MEDIA_PRIVATE,	/* "media-private" */
	DIVERT_MEDIA_PLAIN,	/* "media-plain" */
	DIVERT_MEDIA_UNKNOWN,	/* "media-unknown" */
	DIVERT_MODE_LOG,	/* "mode-log": all was fit, but mode log diverts nothing */
	DIVERT_LOG_ONLY,	/* "log-only": the same for this number */
	/* The proxy's own, from the route table and its state: */
	DIVERT_NO_ROUTE,	/* "no-route" */
	DIVERT_NOT_ACTIVE,	/* "not-active" */
	DIVERT_ROUTE_SKIPPED,	/* "route-skipped": Retry-After */
	DIVERT_HOST_SKIPPED,	/* "host-skipped" */
	DIVERT_RESAMPLE,	/* "resample": one call in `resample` is proven again */
	DIVERT_REPROVE,		/* "reprove": no proof for `reprove` seconds */
	DIVERT_MEDIA_ENGINE,	/* "media-engine": rtpengine is away, or cannot do it */
	DIVERT_LIMIT,		/* "limit": no room for another call */
	DIVERT_MAX
};
const char	*divert_str(enum divert);	/* never NULL; "ok" for DIVERT_OK */

/*
 * An INVITE from inside.  Always fills called and caller ("" when they do not
 * normalise), whatever the verdict: leg reports need them.  DIVERT_OK or the
 * first reason in the order of the enum, up to DIVERT_LOG_ONLY (but "never"
 * and "always-trunk" before "no-number").
 */
enum divert	 border_judge_out(const struct conf *, const struct conf_hop *from,
		    const struct sip_msg *, char called[E164_SIZE], char caller[E164_SIZE]);
/*
 * Number of a Request-URI or address from a PBX or trunk, by the hop's rules.
 * digits (may be NULL, size >= 32): as dialled, separators dropped.
 * 0, or -1 when in doubt.
 */
int		 border_number(const struct conf *, const struct conf_hop *, struct span uri,
		    char number[E164_SIZE], char *digits);
/* Caller of an INVITE from a PBX or trunk: P-Asserted-Identity first, else
 * From.  0, or -1 (none, or withheld). */
int		 border_caller(const struct conf *, const struct conf_hop *,
		    const struct sip_msg *, char number[E164_SIZE]);
/* Privacy asked for, or an anonymous From?  1 or 0. */
int		 border_private(const struct sip_msg *);
/* Is it on the never list (which begins with the shipped entries) as a number,
 * as dialled, or as dialled behind the digit for a line?  Either may be "". */
int		 border_never(const struct conf *, const struct conf_hop *,
		    const char *number, const char *digits);
/* The same of another list of such entries. */
int		 border_listed(const struct conf *, const struct conf_hop *,
		    const struct conf_texts *, const char *number, const char *digits);
/* The first class that holds the caller, as P-Asserted-Identity or From shows
 * it; NULL: none. */
const struct conf_class *border_caller_class(const struct conf *, const struct conf_hop *,
		    const struct sip_msg *);
/* Diversion, History-Info, Referred-By or Replaces: LEG_F_DIVERTED. */
int		 border_diverted(const struct sip_msg *);

/* -- fall-back (border_fall.c), the table of vipr(7) as a pure function -- */

enum fall_event {
	FALL_NOCONN = 1,	/* no TCP or TLS in time, wrong name or chain */
	FALL_SILENCE = 2,	/* nothing above 100 in time */
	FALL_LOST = 3,		/* connection lost before a final answer */
	FALL_FINAL = 4		/* fi_status, fi_refusal */
};
enum fall_route { FALL_ROUTE_KEEP = 0, FALL_ROUTE_CLEAR, FALL_ROUTE_STRIKE,
	FALL_ROUTE_SKIP, FALL_ROUTE_EXPIRE, FALL_ROUTE_REMOVE };
enum fall_host { FALL_HOST_KEEP = 0, FALL_HOST_SKIP, FALL_HOST_CLEAR };
enum fall_call { FALL_CALL_TRUNK = 1, FALL_CALL_PASS = 2 };

struct fall_in {
	enum fall_event	 fi_event;
	int		 fi_status;	/* FALL_FINAL: 200-699 */
	enum refusal	 fi_refusal;	/* border_refusal() of the answer */
	uint32_t	 fi_retry_after;	/* border_retry_after() */
	int		 fi_passed;	/* a 180-199 was passed to the PBX */
};
struct fall_out {
	enum fall_route	 fo_route;
	enum fall_host	 fo_host;	/* CLEAR: it answered, its failures are forgotten */
	enum fall_call	 fo_call;
	int		 fo_status;	/* FALL_CALL_PASS: status shown to the PBX */
	uint32_t	 fo_skip_s;	/* FALL_ROUTE_SKIP: seconds */
};
void		 border_fall(const struct fall_in *, struct fall_out *);
/* Stable code for logs: "busy", "status-503", "noconn", "silence", "lost";
 * buf is used where a number stands in it. */
const char	*border_fall_str(const struct fall_in *, char *buf, size_t);

/* The ViPR-Refusal of an answer; REFUSAL_NONE for none, an unknown one, or
 * more than one. */
enum refusal	 border_refusal(const struct sip_msg *);
/* Retry-After in seconds, 1 to 3600; 60 when absent or unreadable. */
uint32_t	 border_retry_after(const struct sip_msg *);

#endif
