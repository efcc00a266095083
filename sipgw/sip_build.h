/* SPDX-License-Identifier: ISC */
/*
 * core: writing SIP messages into a buffer of the caller (wbuf).  A message is
 * either forwarded with edits, or made from one that we hold.  Each function
 * returns 0, or -1 when it does not fit or a part is not fit to be sent (a CR,
 * LF or NUL in a text handed in: header injection); the wbuf is then bad.
 *
 * Texts handed in are not copied: they must live until sip_edit_write.
 */
#ifndef SIP_BUILD_H
#define SIP_BUILD_H

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "sip_parse.h"

#define SIP_EDITS_MAX	24

/* A header to be added: name and value are NUL-terminated. */
struct sip_extra {
	const char	*sx_name;	/* "Retry-After" */
	const char	*sx_value;
};

struct sip_edit {
	const struct sip_msg *se_msg;
	const char	*se_uri;	/* new Request-URI, NULL: as it is */
	int		 se_status;	/* new status, 0: as it is */
	const char	*se_reason;
	const char	*se_via;	/* pushed on top: "SIP/2.0/TLS h;branch=..." */
	size_t		 se_pop_vias;	/* topmost Via values that go */
	const char	*se_via_params;	/* appended to the topmost Via that stays, whose own
					 * received and rport go: ";received=1.2.3.4;rport=5" */
	size_t		 se_pop_routes;	/* topmost Route values that go */
	int		 se_max_forwards;	/* -1: as it is; else set (added if absent) */
	int		 (*se_keep)(const struct sip_hdr *, const void *);	/* 0: drop this line; NULL: keep all */
	const void	*se_keep_arg;
	uint8_t		 se_drop[SIP_H_MAX];	/* 1: all lines with this id go */
	struct sip_extra se_top[SIP_EDITS_MAX];	/* behind the Vias: Record-Route, Route */
	size_t		 se_ntop;
	struct sip_extra se_add[SIP_EDITS_MAX];	/* at the end */
	size_t		 se_nadd;
	int		 se_set_body;	/* 1: se_body in place of the message's */
	struct span	 se_body;
	int		 se_bad;	/* too many edits */
};

/*
 * Via, Route, Max-Forwards, Content-Length are always handled here: they do
 * not go through se_keep, but se_drop[SIP_H_VIA] and se_drop[SIP_H_ROUTE] hold.
 * Exactly one Content-Length is written, last.
 */
void	sip_edit_init(struct sip_edit *, const struct sip_msg *);
void	sip_edit_drop(struct sip_edit *, enum sip_hdr_id);
/* Drop all lines with the id and add this value instead. */
void	sip_edit_set(struct sip_edit *, enum sip_hdr_id, const char *value);
void	sip_edit_add(struct sip_edit *, const char *name, const char *value);
/* The last one added stands topmost, as a proxy's Record-Route does. */
void	sip_edit_add_top(struct sip_edit *, const char *name, const char *value);
int	sip_edit_write(const struct sip_edit *, struct wbuf *);

/*
 * A response of our own.  to_tag: added if To has none (NULL: none, for 100).
 * via_params: appended to the topmost Via, may be NULL.  Record-Route is not
 * copied.  The request needs only what sip_answerable asks for: of a field
 * that it repeats the first is copied, one that it lacks is left out.  Its
 * Session-ID comes back with the two UUIDs changed over (RFC 7989 7).
 */
int	sip_build_response(struct wbuf *, const struct sip_msg *req, int status,
	    const char *reason, const char *to_tag, const char *via_params,
	    const struct sip_extra *, size_t);
/* Reason phrase for a status; never NULL. */
const char *sip_reason(int status);

/* ACK for a final answer of 300 and above, RFC 3261 17.1.1.3.  invite is the
 * request as we sent it. */
int	sip_build_ack(struct wbuf *, const struct sip_msg *invite, const struct sip_msg *resp);
/* CANCEL of a request that we sent, RFC 3261 9.1, with its Session-ID (RFC 7989
 * 7); reason (Reason header) may be NULL. */
int	sip_build_cancel(struct wbuf *, const struct sip_msg *invite, const char *reason);
/*
 * ACK or BYE inside the dialog of a 2xx to an INVITE that we sent (2xx that
 * crossed a CANCEL): Request-URI and Route from the 2xx, RFC 3261 12.1.2.
 * The skip values nearest to us (the last of Record-Route) are left out: our
 * own.  via: our Via.  cseq: the INVITE's for ACK, one more for BYE.
 */
int	sip_build_dialog(struct wbuf *, enum sip_method, const struct sip_msg *invite,
	    const struct sip_msg *resp, const char *via, uint32_t cseq, size_t skip);

/* A header line; value checked for CR, LF, NUL. */
void	sip_put_header(struct wbuf *, const char *name, const char *value);
/* A value of a received message with its folds turned into spaces. */
void	sip_put_value(struct wbuf *, struct span);

#endif
