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

/* core: names of the numbers in vipr.h. */

#include <sys/types.h>

#include <stddef.h>

#include "cursor.h"
#include "vipr.h"

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))

static const char *const refusals[] = {
	"", "no-ticket", "bad-ticket", "expired", "revoked", "wrong-number",
	"not-ours", "busy", "policy"
};

const char *
role_str(unsigned role)
{
	static const char *const names[] = {
		"parent", "key", "control", "overlayd", "pvpd", "sipgw"
	};

	return (role < NELEM(names) ? names[role] : "unknown");
}

const char *
refusal_str(unsigned code)
{
	return (code < NELEM(refusals) ? refusals[code] : "unknown");
}

unsigned
refusal_parse(const char *p, size_t len)
{
	struct span	s;
	unsigned	i;

	s.p = p;
	s.len = len;
	for (i = 1; i < NELEM(refusals); i++)
		if (span_caseeq(s, refusals[i]))
			return (i);
	return (REFUSAL_NONE);
}

const char *
route_state_str(unsigned state)
{
	static const char *const names[] = {
		"none", "pending", "active", "suspended", "expired", "removed"
	};

	return (state < NELEM(names) ? names[state] : "unknown");
}
