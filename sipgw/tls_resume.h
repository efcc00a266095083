/* SPDX-License-Identifier: ISC */
/*
 * Resumption on the outside face (RFC 8446, 2.2 and 4.6.1), both ways.  Who a
 * resumed peer is was settled by the certificate of the session's first
 * handshake; that certificate is judged again by names.h at each resumption,
 * with the roots in force and today's date, and when we connect with the host's
 * name.  As a server the signatures of a chain are verified once an hour, or
 * again when the roots change (judged.h).  Whoever does not pass makes a whole
 * handshake.
 *
 * As a server nothing is stored: the state is in the ticket, encrypted under
 * keys of sipgw's own that never leave its memory, are new every hour and
 * after a revocation, and are gone with the process.  As a client one session
 * a host is kept, for one use.  Neither needs a signature of key.
 */
#ifndef TLS_RESUME_H
#define TLS_RESUME_H

#include <openssl/ssl.h>

#include <stddef.h>
#include <stdint.h>

#define RESUME_KEY_MS		(3600 * 1000)	/* a key makes tickets so long, is known twice as long */
#define RESUME_TICKET_S		3600		/* a ticket's life */
#define RESUME_SESSION_S	86400		/* from the handshake that a certificate was shown in */
#define RESUME_HOSTS		512		/* sessions kept as a client */
#define RESUME_CHAIN_MAX	8192		/* bytes of intermediates in a ticket */

struct resume_stats {
	uint64_t	rs_accepted;	/* as server */
	uint64_t	rs_refused;	/* tickets that led to a whole handshake */
	uint64_t	rs_remembered;	/* of those accepted: by a judgement of before (judged.h) */
	uint64_t	rs_offered;	/* as client */
	size_t		rs_kept;
};

/* Clocks: CLOCK_BOOTTIME ms, UTC s.  Before the sandbox.  0, or -1. */
int	 resume_init(uint64_t (*boot_ms)(void), uint64_t (*utc_s)(void));

/*
 * Let a context of names_ctx resume.  what: bytes that say what a session is
 * good under (our domain, certificate and roots); sessions made under
 * something else are not resumed (the session id context is its hash).
 * 0, or -1.
 */
int	 resume_ctx(SSL_CTX *, int server, const void *what, size_t len);
/* This client context is in force now; sessions that do not fit it go. */
void	 resume_client(SSL_CTX *);
/* Before the handshake, after names_expect: offer what is kept of this host. */
void	 resume_offer(SSL *, uint16_t port);

/* The peer of an open connection of the outside, by these roots now: NULL still
 * good, else static text. */
const char *resume_judge(SSL *, X509_STORE *roots);

/* Once in a while: keys whose time is over go. */
void	 resume_tick(void);
/* New keys at once; no ticket or session of before is any good. */
void	 resume_rekey(void);
void	 resume_stats(struct resume_stats *);

#endif
