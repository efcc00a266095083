/* SPDX-License-Identifier: ISC */
/*
 * viprctl: one HTTPS request.  A process of its own makes it: it resolves and
 * connects, then may open nothing any more, and only then reads what comes
 * from elsewhere.  It is started before there is a private key, so that it has
 * none in its memory.
 */
#ifndef CTL_FETCH_H
#define CTL_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "ctl_http.h"

#define FETCH_URLS_MAX	8
#define FETCH_NAMES_MAX	2
#define FETCH_FROM_SIZE	(URL_HOST_SIZE + 8)	/* "host:port" */
#define FETCH_BODY_MAX	(64 * 1024)	/* bytes that we send */

struct fetch {
	struct url	 fe_url[FETCH_URLS_MAX];	/* in turn, until one connects */
	size_t		 fe_urls;
	/* Connect where the SRV records of this name (_x._tcp.name) lead, and not to the
	 * host of the URL; NULL: to that. */
	const char	*fe_srv;
	/* The server's certificate has to be for one of these. */
	const char	*fe_name[FETCH_NAMES_MAX];
	const char	*fe_cafile;	/* NULL: the roots of the system */
	const char	*fe_dns;	/* address[:port] of a server, or NULL */
	const char	*fe_accept;	/* header Accept */
	const char	*fe_type;	/* Content-Type: POST; NULL: GET */
	size_t		 fe_max;	/* bytes of an answer's body */
	unsigned	 fe_timeout;	/* s, for all of it */
};

/* Starts the process.  NULL after a message. */
struct fetcher *fetch_start(const struct fetch *);
/*
 * Sends body (len 0 with GET), waits for the answer.  0, and the caller frees
 * ha_body, which has a NUL behind its end, and from says who answered; or -1
 * after a message.  Either way the process is gone, and so is the struct
 * fetcher.  The texts are fit for a terminal, the body is not.
 */
int	 fetch_run(struct fetcher *, const void *body, size_t len,
	    struct http_answer *, char from[FETCH_FROM_SIZE]);
/* Ends one that was not used; NULL allowed. */
void	 fetch_cancel(struct fetcher *);

/* -- ctl_resolve.c: for the process -- */

struct fetch_target {
	char		ft_host[URL_HOST_SIZE];
	uint16_t	ft_port;
};
struct resolver;
/* server: address[:port], or NULL; deadline in ms of CLOCK_MONOTONIC.  NULL
 * and why. */
struct resolver *resolver_new(const char *server, int64_t deadline, char *why,
	    size_t whysize);
void	 resolver_free(struct resolver *);	/* NULL allowed */
/*
 * SRV records in the order in which to try them (RFC 2782); how many; 0: the
 * name has none; -1 and why: the look-up failed, or there is no such service.
 */
int	 resolver_srv(struct resolver *, const char *name,
	    struct fetch_target *, size_t max, char *why, size_t whysize);
/* Addresses of a host, from /etc/hosts too; how many, or -1 and why. */
int	 resolver_host(struct resolver *, const char *host, uint16_t port,
	    struct vaddr *, size_t max, char *why, size_t whysize);

int64_t	 fetch_now_ms(void);	/* CLOCK_MONOTONIC */

#endif
