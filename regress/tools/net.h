/* SPDX-License-Identifier: ISC */
/* What the tools that speak SIP share: addresses and the time. */
#ifndef TOOLS_NET_H
#define TOOLS_NET_H

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <arpa/inet.h>

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Not every program uses both. */
#define N_FN	static __attribute__((__unused__))

/* ADDR:PORT; port: where the text may leave it out, -1: it may not.  A text
 * that is none ends the program. */
N_FN void
address(const char *text, int port, struct sockaddr_in *sin)
{
	const char	*why = NULL;
	char		 host[64], *colon;

	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	if (strlcpy(host, text, sizeof(host)) >= sizeof(host) ||
	    ((colon = strrchr(host, ':')) == NULL && port == -1))
		errx(2, "%s: not ADDR:PORT", text);
	if (colon != NULL) {
		*colon = '\0';
		port = (int)strtonum(colon + 1, 1, 65535, &why);
	}
	if (why != NULL)
		errx(2, "%s: port %s", text, why);
	sin->sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &sin->sin_addr) != 1)
		errx(2, "%s: not an address", text);
}

/* Milliseconds of the clock that only goes forward. */
N_FN long
now_ms(void)
{
	struct timespec	ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

#endif
