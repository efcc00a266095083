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
 * Any bytes as the user part that a redirected call comes with: none may open
 * but the one that was made.  And as a message that is copied for a capture
 * server: its length stays, and no ticket does.
 */

#include <sys/types.h>

#include <ctype.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "hep.h"
#include "redirect.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	 tokens(const uint8_t *, size_t);
static void	 copies(const uint8_t *, size_t);

static void
tokens(const uint8_t *p, size_t len)
{
	static struct seal_keys	 keys;
	static struct vaddr	 peer;
	static char		 good[REDIRECT_USER_SIZE];
	struct redirect_token	 rt;
	struct span		 s = { (const char *)p, len };
	char			 copy[REDIRECT_USER_SIZE];
	size_t			 i, n;

	if (good[0] == '\0') {
		if (sodium_init() == -1)
			abort();
		/* A key that is always the same: a finding can be repeated. */
		memset(keys.sk_key[0], 7, SEAL_KEY_LEN);
		keys.sk_have = 1;
		memset(&rt, 0, sizeof(rt));
		(void)strlcpy(rt.rt_number, "+14085550100", sizeof(rt.rt_number));
		rt.rt_expiry = 2000000000;
		if (vaddr_parse("10.0.0.5", 5060, &peer) == -1 ||
		    redirect_make(&keys, &rt, &peer, good, sizeof(good)) == -1)
			abort();
	}
	n = strlen(good);
	if (redirect_open(&keys, s, &peer, 1, &rt) == REDIRECT_OK &&
	    (len != n || strncasecmp(s.p, good, n) != 0))
		abort();
	/* The input as a change of the good one. */
	memcpy(copy, good, sizeof(copy));
	for (i = 0; i < len && i < n; i++)
		copy[i] = (char)(copy[i] ^ (p[i] & 0x7f));
	s.p = copy;
	s.len = n;
	if (redirect_open(&keys, s, &peer, 1, &rt) == REDIRECT_OK &&
	    strncasecmp(copy, good, n) != 0)
		abort();
}

static void
copies(const uint8_t *p, size_t len)
{
	static const char	 ticket[] = "\r\nViPR-Ticket: SECRET\r\n";
	struct hep_packet	 hp;
	struct span		 id;
	uint8_t			*msg, *out;
	size_t			 n = sizeof(ticket) - 1, size = len + n + 256;
	ptrdiff_t		 r;

	if (len > 60000)
		return;
	if ((msg = malloc(len + n)) == NULL || (out = malloc(size)) == NULL)
		abort();
	/* Behind whatever it is, a ticket that may not be seen; a byte more or
	 * less of it says that lengths have changed. */
	memcpy(msg, p, len);
	memcpy(msg + len, ticket, n);
	memset(&hp, 0, sizeof(hp));
	hp.hp_src.va_family = hp.hp_dst.va_family = len % 2 ? 4 : 6;
	hp.hp_proto = SIP_UDP;
	id = hep_call_id(msg, len + n);
	if (id.len > 0 && ((const uint8_t *)id.p < msg ||
	    (const uint8_t *)id.p + id.len > msg + len + n))
		abort();
	if (id.len > 64)
		id.len = 64;
	hp.hp_cid = id;
	r = hep_write(&hp, msg, len + n, out, size);
	if (r == -1 || memcmp(out, "HEP3", 4) != 0 || (out[4] << 8 | out[5]) != r ||
	    memmem(out + r - n, n, "SECRET", 6) != NULL)
		abort();
	free(out);
	free(msg);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	tokens(p, len);
	copies(p, len);
	return (0);
}
