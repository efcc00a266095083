/* SPDX-License-Identifier: ISC */
/* viprctl: user names of an overlay, and the register of a CA's certificates. */
#ifndef CTL_ISSUED_H
#define CTL_ISSUED_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stdint.h>

#include "reload_cert.h"
#include "vipr.h"

#define ISSUED_KEY_LEN	32	/* SHA-256 of a SubjectPublicKeyInfo */

/* Whom a certificate was made for. */
struct issued {
	char		is_user[RELOAD_USER_SIZE];
	uint8_t		is_node[NODEID_LEN];
	uint8_t		is_key[ISSUED_KEY_LEN];
	int		is_haskey;	/* 0: a line without */
};

/* A legal name of an overlay?  0 after a message. */
int	overlay_name_ok(const char *);

/*
 * The user name for a certificate: user as it stands if it holds an @, else
 * user@overlay; NULL: one drawn at random, which tells nobody whose it is.
 * 0, or -1 after a message.
 */
int	user_name(char mail[RELOAD_USER_SIZE], const char *user,
	    const char *overlay);
/* Printable, one @ with something on either side? */
int	user_ok(const char *);
/* rfc822Name that a request asks for.  1, 0: none; -1 after a message. */
int	request_user(X509_REQ *, const char *path, char user[RELOAD_USER_SIZE]);
/* 0 or -1. */
int	issued_key(EVP_PKEY *, uint8_t key[ISSUED_KEY_LEN]);
/*
 * The Node-ID for is_user and is_key: the same user gets his again (RFC 6940,
 * 11.3), but one that dir's document calls bad.  named: the operator said who
 * it is; else only the key that had the name may have it again, for the name
 * is only what a request says.  0, is_node and *again; -1 after a message.
 */
int	issued_node(const char *dir, int named, struct issued *, int *again);
/* One more line, which says when the certificate ends.  0, or -1 after a
 * message. */
int	issued_add(const char *dir, const struct issued *, X509 *);

#endif
