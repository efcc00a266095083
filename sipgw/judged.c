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
 * Certificates of resumed peers whose chain was verified a short while ago.
 * A table of fixed size; its places follow from a keyed hash, so that no peer
 * can choose whose it takes.
 */

#include <sys/types.h>

#include <openssl/x509.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "judged.h"

struct judged {
	uint8_t		 jd_id[JUDGED_ID];
	uint64_t	 jd_made;		/* boot ms */
	uint64_t	 jd_from, jd_until;	/* UTC s */
	int		 jd_set;
};

static struct judged	 table[JUDGED_MAX];
static X509_STORE	*store;		/* by which all of the table were judged */
static uint8_t		 key[crypto_generichash_KEYBYTES];
static int		 have_key;

static struct judged *judged_place(const uint8_t [JUDGED_ID]);

static struct judged *
judged_place(const uint8_t id[JUDGED_ID])
{
	return (&table[((unsigned)id[0] << 8 | id[1]) % JUDGED_MAX]);
}

int
judged_id(X509 *cert, const void *chain, size_t len, uint8_t id[JUDGED_ID])
{
	crypto_generichash_state st;
	unsigned char		*der = NULL;
	uint64_t		 n;
	int			 derlen;

	if (!have_key) {
		randombytes_buf(key, sizeof(key));
		have_key = 1;
	}
	if (cert == NULL || (derlen = i2d_X509(cert, &der)) <= 0)
		return (-1);
	n = (uint64_t)derlen;
	(void)crypto_generichash_init(&st, key, sizeof(key), JUDGED_ID);
	(void)crypto_generichash_update(&st, (const uint8_t *)&n, sizeof(n));
	(void)crypto_generichash_update(&st, der, (unsigned long long)derlen);
	(void)crypto_generichash_update(&st, chain, len);
	(void)crypto_generichash_final(&st, id, JUDGED_ID);
	OPENSSL_free(der);
	return (0);
}

int
judged_good(const uint8_t id[JUDGED_ID], X509_STORE *roots, uint64_t boot_ms, uint64_t utc_s)
{
	const struct judged	*jd = judged_place(id);

	return (store != NULL && store == roots && jd->jd_set &&
	    memcmp(jd->jd_id, id, JUDGED_ID) == 0 && boot_ms - jd->jd_made < JUDGED_MS &&
	    utc_s >= jd->jd_from && utc_s < jd->jd_until);
}

void
judged_keep(const uint8_t id[JUDGED_ID], X509_STORE *roots, uint64_t boot_ms,
    uint64_t from, uint64_t until)
{
	struct judged	*jd = judged_place(id);

	if (store != roots) {
		judged_clear();
		/* Held, so that no other can come to stand at its address. */
		if (X509_STORE_up_ref(roots) != 1)
			return;
		store = roots;
	}
	memcpy(jd->jd_id, id, JUDGED_ID);
	jd->jd_made = boot_ms;
	jd->jd_from = from;
	jd->jd_until = until;
	jd->jd_set = 1;
}

void
judged_clear(void)
{
	memset(table, 0, sizeof(table));
	X509_STORE_free(store);
	store = NULL;
}
