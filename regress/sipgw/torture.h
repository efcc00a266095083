/* SPDX-License-Identifier: ISC */
/*
 * Messages that are hard to read: how they are told and made.  The messages
 * themselves stand in torture_good.h (RFC 4475 3.1.1), torture_bad.h (3.1.2 and
 * 3.2), torture_more.h (3.3, 3.4) and torture_ip6.h (RFC 5118).  They are test
 * vectors of those documents; what each must lead to is ours.
 */
#ifndef TORTURE_H
#define TORTURE_H

#include <sys/types.h>

#include <stdio.h>
#include <string.h>

/* What a message leads to, beside the status of an answer. */
#define TORTURE_DROP	0	/* nothing at all is sent */
#define TORTURE_FWD	1	/* it is handed on with every header and the body as it came */
#define TORTURE_WAIT	2	/* on a stream it is no whole message yet */

struct torture {
	const char	*to_name;
	const char	*to_section;
	int		 to_udp;	/* from inside, in a datagram */
	int		 to_stream;	/* from inside, on a stream */
	const char	*to_text;	/* lines end with \n */
	size_t		 to_len;
};
#define TORTURE_TEXT(s)	s, sizeof(s) - 1
/* Not every program uses all of it. */
#define TORTURE_MAYBE	__attribute__((__unused__))

/*
 * The message as it goes over the wire: each line ends with CRLF, @len@ is the
 * length of the body, @route@ the text handed in.  Its length, 0: no room.
 */
TORTURE_MAYBE static size_t
torture_make(const struct torture *to, const char *route, char *out, size_t size)
{
	const char	*p, *end = to->to_text + to->to_len, *body;
	char		 number[16];
	size_t		 n = 0, lines = 0, len;
	const char	*with;

	for (p = to->to_text; p + 1 < end && (p[0] != '\n' || p[1] != '\n'); p++)
		;
	body = p + 2 < end ? p + 2 : end;
	for (p = body; p < end; p++)
		lines += *p == '\n';
	(void)snprintf(number, sizeof(number), "%zu", (size_t)(end - body) + lines);
	for (p = to->to_text; p < end; p++) {
		with = NULL;
		if (p + 5 <= end && memcmp(p, "@len@", 5) == 0) {
			with = number;
			p += 4;
		} else if (p + 7 <= end && memcmp(p, "@route@", 7) == 0) {
			with = route;
			p += 6;
		}
		len = with != NULL ? strlen(with) : 1;
		if (n + len + 1 > size)
			return (0);
		if (with != NULL) {
			memcpy(out + n, with, len);
			n += len;
			continue;
		}
		if (*p == '\n')
			out[n++] = '\r';
		out[n++] = *p;
	}
	return (n);
}

#endif
