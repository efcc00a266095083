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

/* OpenBSD: one pledge(2) a process; see sandbox.h. */

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"

static const char	*promises = "none";

/* "flock" and "stdio" are all that LMDB needs with its environment open;
 * "recvfd" takes peers' channels and listeners from the parent. */
int
sandbox_enter(enum sandbox_profile profile)
{
	static const char *const table[] = {
		NULL,
		"stdio flock recvfd",			/* key */
		"stdio unix recvfd",			/* control: accept */
		"stdio inet flock recvfd",		/* overlayd */
		"stdio inet recvfd",			/* pvpd */
		"stdio inet flock recvfd",		/* sipgw */
		"stdio tty"				/* viprctl */
	};

	if (profile == SANDBOX_NONE)
		return (0);
	promises = table[profile];
	if (unveil("/", "") == -1 || unveil(NULL, NULL) == -1)
		fatal("sandbox: unveil");
	if (pledge(promises, NULL) == -1)
		fatal("sandbox: pledge %s", promises);
	return (0);
}

const char *
sandbox_describe(void)
{
	return (promises);
}
