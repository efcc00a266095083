/* SPDX-License-Identifier: ISC */
/*
 * core: sealed Record-Route and Contact values (vipr(7)).  A seal
 * goes out in the user part of a SIP URI and comes back as the Request-URI or
 * Route of a request inside the dialog; nothing is believed of such a request
 * but what its seal says.  It holds version, side, grantee, inside target and
 * expiry; its 16-byte MAC covers these, the Call-ID and the creator's tag.  The
 * whole is encrypted (the MAC serves as the nonce): an outside peer cannot read
 * the PBX's address in it.
 */
#ifndef SEAL_H
#define SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "vipr.h"

#define SEAL_VERSION	1
#define SEAL_KEY_LEN	32
#define SEAL_LIFE_S	86400	/* renewed by re-INVITE and UPDATE */
#define SEAL_TARGET_MAX	256	/* with NUL */
#define SEAL_TEXT_MAX	768	/* text form, with NUL */

enum seal_use { SEAL_CONTACT = 1, SEAL_ROUTE = 2 };
enum seal_side {
	SEAL_TO_INSIDE = 1,	/* given to the outside: leads to se_target inside */
	SEAL_TO_OUTSIDE = 2	/* given to the PBX: leads to a connection of se_grantee */
};

struct seal {
	uint8_t		se_side;	/* enum seal_side */
	uint8_t		se_use;		/* enum seal_use */
	uint64_t	se_expiry;	/* UTC s */
	char		se_grantee[DOMAIN_SIZE];	/* verified name of the outside peer */
	/* Inside target, text of the proxy's: e.g. "udp 10.0.0.5:5060 sip:100@10.0.0.5". */
	char		se_target[SEAL_TARGET_MAX];
};

/* Sipgw's own keys: the newest seals, the one before it still opens. */
struct seal_keys {
	uint8_t		sk_key[2][SEAL_KEY_LEN];
	int		sk_have;	/* 1 or 2 */
	uint8_t		sk_sub[2][2][SEAL_KEY_LEN];	/* seal_keys_derive: MAC's, cipher's */
	int		sk_derived;	/* so many of these are there */
};

/* A fresh random key in front; the one before is kept. */
void	seal_keys_rotate(struct seal_keys *);
void	seal_keys_wipe(struct seal_keys *);
/* Derive once what each seal needs; without it each seal derives its own. */
void	seal_keys_derive(struct seal_keys *);

/*
 * Text (base64url, first letter 'v': fits a user part or a parameter) of a
 * seal for the dialog.  tag: the tag of the dialog's creator, the From tag of
 * the INVITE that made it.  Length, or -1 (field too long, does not fit).
 */
ptrdiff_t seal_make(const struct seal_keys *, const struct seal *, struct span callid,
	    struct span tag, char *out, size_t size);
enum seal_error {
	SEAL_OK = 0,
	SEAL_FORM,	/* not a seal of ours at all */
	SEAL_MAC,	/* forged, altered, or of another dialog */
	SEAL_EXPIRED
};
/*
 * Open a text.  The creator's tag is the From tag of a request in one
 * direction and the To tag in the other: both are given and either may match;
 * *creator is 0 (tag_a) or 1 (tag_b), NULL allowed.  Constant time in the
 * secret parts.  Nothing is filled unless SEAL_OK or SEAL_EXPIRED is returned.
 */
enum seal_error seal_open(const struct seal_keys *, struct span text, struct span callid,
	    struct span tag_a, struct span tag_b, uint64_t now_s, struct seal *, int *creator);

/* -- keys in sipgw's store (seal_store.c) -- */
struct store_table;
/* Load them, or make and store them.  0, or -1 with errno. */
int	seal_keys_load(struct seal_keys *, struct store_table *);

#endif
