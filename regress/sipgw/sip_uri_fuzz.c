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
 * Any bytes as a URI: itself equal to itself, and what the border says of it.
 */
#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "border.h"
#include "conf.h"
#include "sip_uri.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct conf	*cf;

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct sip_uri	u;
	struct span	s = { (const char *)p, len }, v;
	struct vaddr	va;
	char		buf[DOMAIN_SIZE], number[E164_SIZE], digits[32];

	if (cf == NULL) {
		if ((cf = conf_new()) == NULL)
			abort();
		(void)strlcpy(cf->c_domain, "b.example", sizeof(cf->c_domain));
	}
	/* What is not + and 8 to 15 digits is never taken. */
	if (border_ruri(cf, s, number) == 0 && !e164_valid(number))
		abort();
	if (border_number(cf, NULL, s, number, digits) == 0 && !e164_valid(number))
		abort();
	if (sip_uri_parse(s, &u) == -1)
		return (0);
	if (sip_uri_param(&u, "transport", &v) != -1 &&
	    u.su_headers.len == 0 && u.su_scheme != URI_TEL)
		(void)sip_uri_eq(&u, &u);
	(void)sip_uri_addr(&u, &va);
	(void)sip_uri_host(&u, buf);
	(void)sip_uri_unescape(u.su_user, buf, sizeof(buf));
	return (0);
}
