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

/* `media rtpengine` of the sip section. */

#include <sys/types.h>

#include <string.h>

#include "config_parse.h"
#include "lex.h"

static int	 interface_valid(const char *);

/* rtpengine takes more, but nobody needs it. */
static int
interface_valid(const char *s)
{
	return (s[0] != '\0' && strlen(s) < sizeof(((struct conf *)NULL)->c_media_inside) &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789-_.") == strlen(s));
}

void
set_media(struct lex *lex, struct conf *c, const char *addr, const char *port,
    const char *inside, const char *outside)
{
	const char	*special;
	int		 errors = lex_errors(lex);

	if (c->c_flags & CONF_MEDIA_ENGINE) {
		lex_error(lex, "found a second media rtpengine, expected one");
		return;
	}
	set_addr(lex, &c->c_media, addr, port, 0);
	if (inside != NULL && !interface_valid(inside))
		lex_error(lex, "found \"%.100s\", expected the name of an interface of "
		    "rtpengine: letters, digits, '-', '_' and '.'", inside);
	if (outside != NULL && !interface_valid(outside))
		lex_error(lex, "found \"%.100s\", expected the name of an interface of "
		    "rtpengine: letters, digits, '-', '_' and '.'", outside);
	if (lex_errors(lex) != errors)
		return;
	special = vaddr_special(&c->c_media);
	if (special != NULL && (strcmp(special, "unspecified") == 0 ||
	    strcmp(special, "multicast") == 0)) {
		lex_error(lex, "found %s, expected the address where rtpengine "
		    "listens for control (listen-ng)", addr);
		return;
	}
	if (inside != NULL) {
		(void)strlcpy(c->c_media_inside, inside, sizeof(c->c_media_inside));
		(void)strlcpy(c->c_media_outside, outside, sizeof(c->c_media_outside));
	}
	c->c_flags |= CONF_MEDIA_ENGINE;
}
