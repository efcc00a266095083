/* SPDX-License-Identifier: ISC */
/* core: SIP, SIPS and tel URIs (RFC 3261 section 19.1, RFC 3966). */
#ifndef SIP_URI_H
#define SIP_URI_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "cursor.h"
#include "vipr.h"

enum sip_scheme { URI_OTHER = 0, URI_SIP = 1, URI_SIPS = 2, URI_TEL = 3 };

struct sip_uri {
	enum sip_scheme	 su_scheme;
	struct span	 su_all;
	struct span	 su_user;	/* escapes left in; tel: the number as written */
	struct span	 su_password;
	struct span	 su_host;	/* IPv6 without [ ] */
	uint16_t	 su_port;	/* 0: none given */
	struct span	 su_params;	/* "transport=tls;lr", without the first ';' */
	struct span	 su_headers;	/* after '?', which may be empty */
	uint8_t		 su_has_user;	/* an '@' stands (sip, sips) */
	uint8_t		 su_has_password;
	uint8_t		 su_has_headers;	/* a '?' stands */
	uint8_t		 su_ipv6;	/* the host stood in [ ] */
};

/*
 * 0, or -1 malformed.  A scheme that we do not know gives URI_OTHER with
 * su_all only.  Escapes are checked (%HH), not undone.
 */
int		 sip_uri_parse(struct span, struct sip_uri *);
/* Undo %HH.  Length written (a NUL follows), or -1: does not fit, bad escape,
 * an escaped NUL. */
ptrdiff_t	 sip_uri_unescape(struct span, char *dst, size_t size);
/* Same as sip_param on su_params. */
int		 sip_uri_param(const struct sip_uri *, const char *name, struct span *val);
/* Equal by RFC 3261 19.1.4 (tel: RFC 3966 section 4)?  1 or 0.  URIs with more
 * than 64 parameters or headers equal none. */
int		 sip_uri_eq(const struct sip_uri *, const struct sip_uri *);
/* Host as a literal address with the port or its default (5061 for sips or
 * transport=tls, else 5060); -1 when it is a name. */
int		 sip_uri_addr(const struct sip_uri *, struct vaddr *);
/* Lower-cased host, a final dot removed: 0, or -1 when it does not fit or is
 * neither a host name nor an address. */
int		 sip_uri_host(const struct sip_uri *, char out[DOMAIN_SIZE]);
/* sips, or sip with transport=tls? */
int		 sip_uri_is_tls(const struct sip_uri *);

#endif
