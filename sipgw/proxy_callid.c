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
 * core: what names the inside does not cross the border: is a hop's name or
 * address in a text, and the mask that Call-IDs wear outside.
 */

#include <sys/types.h>

#include <ctype.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "proxy_int.h"

#define MASK_NONCE	crypto_stream_xchacha20_NONCEBYTES

static int	 px_holds(struct span, const char *);
static int	 px_mask(struct proxy *, struct span, char *, size_t);

int
px_names_hop(const struct proxy *px, struct span s)
{
	const struct hop	*ho;
	const char		*host;
	size_t			 i, j;

	for (i = 0; i < px->px_nhops; i++) {
		ho = &px->px_hops[i];
		/* A literal one stands among the addresses. */
		if (ho->ho_conf->ch_addr.va_family == 0 &&
		    px_holds(s, ho->ho_conf->ch_host))
			return (1);
		for (j = 0; j < ho->ho_ndests; j++) {
			host = ho->ho_dests[j]->de_host;
			if (ho->ho_dests[j]->de_addr.va_family == 4 ?
			    memmem(s.p, s.len, host, strlen(host)) != NULL :
			    px_holds(s, host))
				return (1);
		}
	}
	return (0);
}

/* memmem(3) that ignores case. */
static int
px_holds(struct span s, const char *text)
{
	size_t	n = strlen(text);

	for (; s.len >= n; s.p++, s.len--)
		if (tolower((unsigned char)*s.p) == tolower((unsigned char)*text) &&
		    strncasecmp(s.p, text, n) == 0)
			return (1);
	return (0);
}

/* Calls' Call-IDs outside may not name a host inside.  The mask is
 * deterministic (the nonce is a keyed hash of the text), so that every message
 * of a dialog gets the same one, and opens without a memory. */
static int
px_mask(struct proxy *px, struct span in, char *out, size_t size)
{
	uint8_t	buf[MASK_NONCE + PX_CALLID];

	if (in.len >= PX_CALLID / 2)
		return (-1);
	(void)crypto_generichash(buf, MASK_NONCE, (const unsigned char *)in.p, in.len,
	    px->px_callid_key, sizeof(px->px_callid_key));
	(void)crypto_stream_xchacha20_xor(buf + MASK_NONCE, (const unsigned char *)in.p,
	    in.len, buf, px->px_callid_key);
	if (sodium_base64_ENCODED_LEN(MASK_NONCE + in.len,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING) + 2 > size)
		return (-1);
	out[0] = 'v';
	out[1] = 'q';
	(void)sodium_bin2base64(out + 2, size - 2, buf, MASK_NONCE + in.len,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return (0);
}

int
px_callid_out(struct proxy *px, const struct sip_msg *m, const struct sip_flow *fl,
    char out[PX_CALLID])
{
	char	host[VADDR_STRLEN], text[PX_CALLID];

	if (span_str(m->sm_call_id, text, sizeof(text)) == -1)
		return (-1);
	(void)vaddr_host(&fl->fl_peer, host, sizeof(host));
	if ((px->px_conf->c_flags & CONF_CALLID_KEEP) != 0 &&
	    !px_names_hop(px, m->sm_call_id) && strstr(text, host) == NULL &&
	    strncmp(text, "vq", 2) != 0) {
		(void)strlcpy(out, text, PX_CALLID);
		return (0);
	}
	return (px_mask(px, m->sm_call_id, out, PX_CALLID));
}

/* The Call-ID that the inside knows, for one that came from outside. */
int
px_callid_in(struct proxy *px, struct span in, char out[PX_CALLID])
{
	uint8_t		 buf[MASK_NONCE + PX_CALLID], nonce[MASK_NONCE];
	struct span	 text;
	size_t		 len;

	if (in.len > 2 && in.p[0] == 'v' && in.p[1] == 'q' &&
	    sodium_base642bin(buf, sizeof(buf), in.p + 2, in.len - 2, NULL, &len, NULL,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
	    len > MASK_NONCE && len - MASK_NONCE < PX_CALLID / 2) {
		len -= MASK_NONCE;
		(void)crypto_stream_xchacha20_xor((unsigned char *)out, buf + MASK_NONCE,
		    len, buf, px->px_callid_key);
		out[len] = '\0';
		(void)crypto_generichash(nonce, MASK_NONCE, (unsigned char *)out, len,
		    px->px_callid_key, sizeof(px->px_callid_key));
		if (sodium_memcmp(nonce, buf, MASK_NONCE) == 0)
			return (0);
	}
	text = in;
	return (span_str(text, out, PX_CALLID));
}
