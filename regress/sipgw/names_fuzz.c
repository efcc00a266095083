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
 * Any bytes as a certificate: its names, its use and its chain.
 */
#include <sys/types.h>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What stands as a name is a host in lower case and nothing else. */
static void
fit(const char *name)
{
	size_t	i, len = strnlen(name, DOMAIN_SIZE);

	if (len == 0 || len == DOMAIN_SIZE || name[0] == '.' || name[len - 1] == '.')
		abort();
	for (i = 0; i < len; i++)
		if (!isalnum((uint8_t)name[i]) && name[i] != '-' && name[i] != '.')
			abort();
		else if (isupper((uint8_t)name[i]))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static X509_STORE	*none;
	const unsigned char	*q = p;
	struct names		 na, *copy;
	X509			*x;
	size_t			 i;
	int			 ok;

	if (none == NULL && (none = X509_STORE_new()) == NULL)
		abort();
	if ((x = d2i_X509(NULL, &q, (long)len)) == NULL) {
		ERR_clear_error();
		return (0);
	}
	memset(&na, 0x5a, sizeof(na));
	ok = names_cert(x, &na) == 0;
	if (ok != (na.na_count > 0) || na.na_count > NAMES_MAX ||
	    (na.na_left > 0 && na.na_count != NAMES_MAX))
		abort();
	for (i = 0; i < na.na_count; i++) {
		fit(na.na_name[i]);
		if (names_find(&na, na.na_name[i]) == -1)
			abort();
	}
	if (ok) {
		if ((copy = names_copy(&na)) == NULL)
			abort();
		if (names_find(copy, na.na_name[na.na_count - 1]) == -1)
			abort();
		free(copy);
	}
	(void)names_usage(x);
	/* No root: nothing is ever good. */
	if (names_again(x, NULL, none, NULL, 1800000000) == NULL)
		abort();
	X509_free(x);
	ERR_clear_error();
	return (0);
}
