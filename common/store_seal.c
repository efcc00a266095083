/*
 * Copyright (c) 2026 The VIPR edge authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

/*
 * Sealed tables of the store: keys, the check of the master key, hashing of
 * record keys, sealing and opening of values.
 */

#include <sys/types.h>

#include <errno.h>
#include <lmdb.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "store.h"
#include "store_int.h"

#define NONCE_LEN	STORE_NONCE
#define SEAL_TAG	crypto_aead_xchacha20poly1305_ietf_ABYTES
#define TABLE_KEY_LEN	crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define CHECK_TEXT	"vipr store"

_Static_assert(NONCE_LEN == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    "length of a nonce");

static const uint8_t *store_nonce(struct store *);
static ssize_t	 unseal(struct store_table *, const void *, size_t,
		    const MDB_val *, uint8_t *, size_t, uint8_t *);

/* Two keys a table, from the master key and the table's name. */
int
store_table_keys(struct store_table *tb, const char *name, const uint8_t *master)
{
	static const char		*const label[2] = {
		"vipr store seal", "vipr store hash"
	};
	crypto_generichash_state	 gs;
	size_t				 i;

	tb->tb_keys = sodium_malloc(TABLE_KEY_LEN * 2);
	if (tb->tb_keys == NULL)
		return (-1);
	for (i = 0; i < 2; i++) {
		crypto_generichash_init(&gs, master, STORE_MASTER_LEN,
		    TABLE_KEY_LEN);
		crypto_generichash_update(&gs, (const uint8_t *)label[i],
		    strlen(label[i]) + 1);
		crypto_generichash_update(&gs, (const uint8_t *)name,
		    strlen(name) + 1);
		crypto_generichash_final(&gs, tb->tb_keys + i * TABLE_KEY_LEN,
		    TABLE_KEY_LEN);
	}
	sodium_memzero(&gs, sizeof(gs));
	tb->tb_sealed = 1;
	return (0);
}

/*
 * A sealed constant a table: with another master key everything would look
 * absent or damaged, one record at a time.  Refuse at the door instead.
 */
int
store_table_check(struct store_table *tb, const char *name)
{
	struct store	*st = tb->tb_store;
	struct store_table fake;
	uint8_t		 hash[STORE_KEYHASH], out[sizeof(CHECK_TEXT)], version;
	char		 kbuf[STORE_NAME_MAX];
	MDB_val		 k, v;
	ssize_t		 n;
	int		 rc;

	memcpy(&fake, tb, sizeof(fake));
	fake.tb_version = 1;
	store_key_hash(tb, CHECK_TEXT, strlen(CHECK_TEXT), hash);
	(void)strlcpy(kbuf, name, sizeof(kbuf));
	k.mv_data = kbuf;
	k.mv_size = strlen(kbuf);
	rc = mdb_get(st->st_txn, st->st_check, &k, &v);
	if (rc == 0) {
		n = unseal(&fake, hash, sizeof(hash), &v, out, sizeof(out),
		    &version);
		if (n != (ssize_t)strlen(CHECK_TEXT) ||
		    memcmp(out, CHECK_TEXT, strlen(CHECK_TEXT)) != 0) {
			errno = EBADMSG;
			return (-1);
		}
		return (0);
	}
	if (rc == MDB_NOTFOUND) {
		if ((n = store_seal(&fake, hash, CHECK_TEXT, strlen(CHECK_TEXT))) == -1)
			return (-1);
		v.mv_data = st->st_buf;
		v.mv_size = (size_t)n;
		rc = mdb_put(st->st_txn, st->st_check, &k, &v, 0);
	}
	if (rc != 0) {
		errno = store_mdb_errno(rc);
		return (-1);
	}
	return (0);
}

int
store_buf_need(struct store *st, size_t n)
{
	uint8_t	*p;

	if (n <= st->st_bufsize)
		return (0);
	n = (n + 4095) & ~(size_t)4095;
	if ((p = malloc(n)) == NULL)
		return (-1);
	if (st->st_buf != NULL)
		sodium_memzero(st->st_buf, st->st_bufsize);
	free(st->st_buf);
	st->st_buf = p;
	st->st_bufsize = n;
	return (0);
}

void
store_key_hash(const struct store_table *tb, const void *key, size_t keylen, uint8_t *hash)
{
	crypto_generichash(hash, STORE_KEYHASH, key, keylen,
	    tb->tb_keys + TABLE_KEY_LEN, TABLE_KEY_LEN);
}

/* Random ones, drawn many at a time: a system call each costs as much as the
 * sealing.  A nonce is no secret, and each is given out once. */
static const uint8_t *
store_nonce(struct store *st)
{
	if (st->st_noncesleft == 0) {
		randombytes_buf(st->st_nonces, sizeof(st->st_nonces));
		st->st_noncesleft = STORE_NONCES;
	}
	return (st->st_nonces[--st->st_noncesleft]);
}

/* version, nonce, ciphertext and tag into st_buf; the hash of the record's key
 * and the version are associated data.  Length, or -1. */
ssize_t
store_seal(struct store_table *tb, const uint8_t *hash, const void *val, size_t vallen)
{
	struct store		*st = tb->tb_store;
	uint8_t			 ad[1 + STORE_KEYHASH];
	unsigned long long	 clen;

	if (store_buf_need(st, 1 + NONCE_LEN + vallen + SEAL_TAG) == -1)
		return (-1);
	ad[0] = st->st_buf[0] = tb->tb_version;
	memcpy(ad + 1, hash, STORE_KEYHASH);
	memcpy(st->st_buf + 1, store_nonce(st), NONCE_LEN);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(
	    st->st_buf + 1 + NONCE_LEN, &clen, val, vallen, ad, sizeof(ad),
	    NULL, st->st_buf + 1, tb->tb_keys);
	return ((ssize_t)(1 + NONCE_LEN + clen));
}

static ssize_t
unseal(struct store_table *tb, const void *hash, size_t hashlen,
    const MDB_val *v, uint8_t *out, size_t size, uint8_t *version)
{
	struct cur		 c;
	uint8_t			 ad[1 + STORE_KEYHASH];
	const uint8_t		*nonce, *ct;
	unsigned long long	 mlen;
	size_t			 n;

	cur_init(&c, v->mv_data, v->mv_size);
	cur_u8(&c, version);
	nonce = cur_ptr(&c, NONCE_LEN);
	n = cur_left(&c);
	ct = cur_ptr(&c, n);
	if (cur_ok(&c) == -1 || ct == NULL || n < SEAL_TAG ||
	    hashlen != STORE_KEYHASH) {
		errno = EBADMSG;
		return (-1);
	}
	if (size < n - SEAL_TAG) {
		errno = ERANGE;
		return (-1);
	}
	ad[0] = *version;
	memcpy(ad + 1, hash, STORE_KEYHASH);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, &mlen, NULL, ct, n,
	    ad, sizeof(ad), nonce, tb->tb_keys) != 0) {
		errno = EBADMSG;
		return (-1);
	}
	return ((ssize_t)mlen);
}

/* The value of a record for the caller: opened, without its version byte. */
ssize_t
store_value_out(struct store_table *tb, const MDB_val *k, const MDB_val *v,
    void *buf, size_t size, uint8_t *version)
{
	struct cur	 c;
	uint8_t		 dummy;
	size_t		 n;

	if (version == NULL)
		version = &dummy;
	if (tb->tb_sealed)
		return (unseal(tb, k->mv_data, k->mv_size, v, buf, size, version));
	cur_init(&c, v->mv_data, v->mv_size);
	cur_u8(&c, version);
	n = cur_left(&c);
	if (cur_ok(&c) == -1) {
		errno = EBADMSG;
		return (-1);
	}
	if (n > size) {
		errno = ERANGE;
		return (-1);
	}
	cur_bytes(&c, buf, n);
	return ((ssize_t)n);
}

/* LMDB's own codes are negative. */
int
store_mdb_errno(int rc)
{
	switch (rc) {
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return (ENOSPC);
	case MDB_NOTFOUND:
		return (ENOENT);
	case MDB_BAD_VALSIZE:
		return (EINVAL);
	default:
		return (rc > 0 ? rc : EIO);
	}
}
