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
 * The keys of the seals in sipgw's store: dialogs outlive a restart of sipgw.
 */
#include <sys/types.h>

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "seal.h"
#include "store.h"

static const char	seal_key_name[] = "seal-keys";

int
seal_keys_load(struct seal_keys *sk, struct store_table *t)
{
	uint8_t	buf[2 * SEAL_KEY_LEN], version;
	ssize_t	n;
	int	r;

	memset(sk, 0, sizeof(*sk));
	n = store_get(t, seal_key_name, sizeof(seal_key_name) - 1, buf,
	    sizeof(buf), &version);
	if (n == SEAL_KEY_LEN || n == 2 * SEAL_KEY_LEN) {
		memcpy(sk->sk_key, buf, (size_t)n);
		sk->sk_have = (int)(n / SEAL_KEY_LEN);
		sodium_memzero(buf, sizeof(buf));
		return (0);
	}
	/* None yet, or not ours: seals under it could not be opened anyway. */
	if (n == -1 && errno != ENOENT && errno != ERANGE)
		return (-1);
	seal_keys_rotate(sk);
	r = store_put(t, seal_key_name, sizeof(seal_key_name) - 1, sk->sk_key[0],
	    SEAL_KEY_LEN, NULL, NULL);
	if (r == -1) {
		int	save = errno;

		seal_keys_wipe(sk);
		errno = save;
	}
	return (r);
}
