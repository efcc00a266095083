/* SPDX-License-Identifier: ISC */
/*
 * core: https URLs, and one HTTP/1.1 answer (RFC 9112) read as it comes.
 * Strict where a client may be: CRLF only, no folded lines, no coding but
 * chunked; every length has a cap.  Own code and not evhttp: that would bring
 * two more libraries and still leave the check of the server's name, the cap
 * of a chunked body and a reason for each refusal to us.
 */
#ifndef CTL_HTTP_H
#define CTL_HTTP_H

#include <stddef.h>
#include <stdint.h>

#define URL_HOST_SIZE	256
#define URL_PATH_SIZE	1024
#define HTTP_HEAD_MAX	16384	/* bytes of status line and header fields */
#define HTTP_FIELDS_MAX	100
#define HTTP_INTERIM_MAX 4	/* answers 1xx before the real one */

struct url {
	char		u_host[URL_HOST_SIZE];	/* an IPv6 address without brackets */
	uint16_t	u_port;
	uint8_t		u_literal;	/* the host is an address */
	char		u_path[URL_PATH_SIZE];	/* with the query; at least "/" */
};

/* https://host[:port][/path].  No user, no fragment.  0, or -1 and *why. */
int	url_parse(const char *, struct url *, const char **why);
/* "host", "host:8443", "[2001:db8::1]": for a Host field; returns buf. */
const char *url_authority(const struct url *, char *buf, size_t size);

struct http_answer {
	unsigned	 ha_status;		/* 200 to 999 */
	char		 ha_type[64];		/* "text/plain"; "" when not told */
	char		 ha_location[256];	/* of a redirect, or "" */
	uint8_t		*ha_body;		/* allocated; NULL without */
	size_t		 ha_len;
};

/* bodymax: bytes of a body; a longer one is an error.  NULL: no memory. */
struct http *http_new(size_t bodymax);
void	 http_free(struct http *);		/* NULL allowed */
/* Bytes that came.  1: the answer is complete, 0: more is needed, -1: wrong. */
int	 http_feed(struct http *, const void *, size_t);
/* The peer closed in order.  1: the answer is complete; -1: it is not. */
int	 http_end(struct http *);
/* After -1: static text. */
const char *http_why(const struct http *);
/* After 1; valid as long as the struct http. */
const struct http_answer *http_answer(const struct http *);

#endif
