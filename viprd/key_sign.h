/* SPDX-License-Identifier: ISC */
/*
 * Private keys and what may be signed with them.  Runs in the key process
 * only.  A request names a key and a type; the input is a whole typed message,
 * never a digest, and is parsed before it is signed.  Which process may use
 * which key for which type is a table in key_sign.c.
 */
#ifndef KEY_SIGN_H
#define KEY_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "vipr.h"

#define KEY_SIGN_INPUT_MAX	(128 * 1024)	/* a whole RELOAD message's contents */
#define KEY_SIGN_SIG_MAX	512		/* RSA of 4096 bits */

/* A certificate and its private key, proven to belong together. */
struct key_pair;

/* OpenSSL without a configuration file, secure heap for keys.  Fatal on
 * failure.  Before the sandbox. */
void		 key_sign_init(void);

/*
 * Read a PEM key from fd (from its start; fd stays the caller's) and take the
 * first certificate of the PEM chain, prove the pair by signing a nonce.  For
 * KEYID_NODE the certificate must be an overlay certificate with one Node-ID.
 * NULL and *why (static text, to be put behind the file's name) on failure.
 */
struct key_pair	*key_pair_load(enum key_id, int fd, const void *cert_pem,
		    size_t, const char **why);
void		 key_pair_free(struct key_pair *);	/* NULL allowed */
/* KEYID_NODE only: Node-ID, overlay name. */
const uint8_t	*key_pair_node(const struct key_pair *);
const char	*key_pair_overlay(const struct key_pair *);
/* End of the certificate's validity, UTC s. */
int64_t		 key_pair_not_after(const struct key_pair *);

/*
 * A pair and the generation of its configuration, before it is in force: from
 * now on requests that name this generation are signed with it, since another
 * process may learn of the commit before key does.  It stays the caller's;
 * NULL takes it back.
 */
void		 key_sign_stage(enum key_id, uint64_t generation, struct key_pair *);
/*
 * Put a pair in force, or with NULL take the key away.  Owned here then.  The
 * one before goes on serving requests that name its generation, for
 * handshakes under way: KEY_SIGN_KEEP_MS, and no more than KEY_SIGN_OLD.
 */
#define KEY_SIGN_KEEP_MS	10000
#define KEY_SIGN_OLD		64	/* of each key, the newest */
void		 key_sign_set(enum key_id, struct key_pair *);
/* Free those whose time is over at now (CLOCK_BOOTTIME, ms). */
void		 key_sign_expire(uint64_t now);
/* How many are kept beside those in force. */
unsigned	 key_sign_old(void);

/*
 * Sign for a process.  *siglen: room in (at least KEY_SIGN_SIG_MAX), bytes
 * out.  0, or an errno value: EPERM (not this process, key or type), ENOENT
 * (no such key configured), EINVAL (input is not what the type says),
 * EMSGSIZE, EIO.  Nothing is fatal.
 */
int		 key_sign_request(enum vipr_role from, const struct imsg_key_sign *,
		    const void *in, size_t, uint8_t *sig, size_t *siglen);

#endif
