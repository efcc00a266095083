/* SPDX-License-Identifier: ISC */
/*
 * Judgements of certificates that were shown in an earlier handshake, kept for
 * a short while: the signatures of a chain need not be verified at each
 * resumption.  One is good for exactly these certificates and this store of
 * roots, inside the dates of all certificates of the chain; refusals are never
 * kept.  Certificate revocation lists are not used here.
 */
#ifndef JUDGED_H
#define JUDGED_H

#include <openssl/x509.h>

#include <stddef.h>
#include <stdint.h>

#define JUDGED_ID	32		/* bytes of a hash */
#define JUDGED_MAX	512		/* judgements kept; a new one takes the place of another */
#define JUDGED_MS	(3600 * 1000)	/* for so long */

/* The name of a judgement: hash of the certificate and of the bytes that its
 * intermediates are carried in.  0, or -1. */
int	judged_id(X509 *, const void *chain, size_t len, uint8_t id[JUDGED_ID]);
/* Was it found good by these roots, and is it still inside its time and dates? */
int	judged_good(const uint8_t id[JUDGED_ID], X509_STORE *roots, uint64_t boot_ms,
	    uint64_t utc_s);
/* It was found good now; from <= date < until (UTC s) for the whole chain.
 * Other roots than before: all that was kept goes. */
void	judged_keep(const uint8_t id[JUDGED_ID], X509_STORE *roots, uint64_t boot_ms,
	    uint64_t from, uint64_t until);
void	judged_clear(void);

#endif
