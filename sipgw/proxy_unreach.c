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
 * core: datagrams that could not be delivered (RFC 3261 18.4).  Anybody may
 * send an ICMP error with forged addresses; only who saw our request knows the
 * branch in it, so nothing else in the quotation is believed.
 */

#include <sys/types.h>

#include <stdint.h>
#include <string.h>

#include "proxy_int.h"

#define QUOTE_MAX	2048

static int	 quote_read(const void *, size_t, struct span *method, struct span *branch);

/* Method and branch of the first line and the first Via, which may be all of
 * the message that came back. */
static int
quote_read(const void *p, size_t len, struct span *method, struct span *branch)
{
	static const char	 key[] = ";branch=";
	const char		*s = p, *end = s + len, *b;
	size_t			 n;

	for (n = 0; n < len && s[n] >= 'A' && s[n] <= 'Z'; n++)
		;
	if (n == 0 || n == len || s[n] != ' ')
		return (-1);
	method->p = s;
	method->len = n;
	if ((b = memmem(s, len, key, sizeof(key) - 1)) == NULL)
		return (-1);
	branch->p = b += sizeof(key) - 1;
	while (b < end && *b != ';' && *b != '\r' && *b != ',' && *b != ' ')
		b++;
	branch->len = (size_t)(b - branch->p);
	/* One that is cut off is not known. */
	return (b == end ? -1 : 0);
}

void
proxy_unreachable(struct proxy *px, const void *quoted, size_t len, const char *why)
{
	struct span	 method, branch;
	struct txn_key	 key;
	struct txn	*tx;
	char		 name[PX_BRANCH], verb[32];

	if (len > QUOTE_MAX)
		len = QUOTE_MAX;
	if (quote_read(quoted, len, &method, &branch) == -1)
		return;
	if (!ping_unreachable(px, branch, why) &&
	    span_str(branch, name, sizeof(name)) == 0 &&
	    span_str(method, verb, sizeof(verb)) == 0) {
		px_key_client(name, verb, &key);
		if ((tx = txn_find(px->px_txns, &key)) != NULL)
			txn_client_lost(tx);
	}
	/* The next hop may have been asked meanwhile. */
	px_clean(px);
}
