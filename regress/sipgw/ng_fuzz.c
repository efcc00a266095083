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
 * Any bytes as a datagram of rtpengine; the first byte says whether they stand
 * behind the cookie of a question that waits.
 */

#include <sys/types.h>

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ng.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int	 f_send(void *, const uint8_t *, size_t);
static void	 f_done(void *, uint64_t, struct span, const char *);
static void	 f_state(void *, enum ng_state);
static void	 f_random(void *, void *, size_t);

static const struct ng_ops ops = { f_send, f_done, f_state, f_random };
static char	 cookie[64];
static unsigned	 answers;

static int
f_send(void *ctx, const uint8_t *p, size_t len)
{
	(void)ctx;
	(void)snprintf(cookie, sizeof(cookie), "%.*s",
	    (int)(len < 40 ? len : 40), (const char *)p);
	cookie[strcspn(cookie, " ")] = '\0';
	return (0);
}

static void
f_done(void *ctx, uint64_t id, struct span sdp, const char *error)
{
	size_t		i;
	volatile char	c = 0;

	(void)ctx;
	(void)id;
	for (i = 0; i < sdp.len; i++)
		c = (char)(c ^ sdp.p[i]);
	if (error != NULL && strlen(error) > 100)
		abort();
	if (++answers > 1)
		abort();
}

static void
f_state(void *ctx, enum ng_state st)
{
	(void)ctx;
	(void)st;
}

static void
f_random(void *ctx, void *p, size_t len)
{
	(void)ctx;
	memset(p, 0x11, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct ng_ask	 na;
	struct ng_reply	 r;
	struct tmrs	 tmrs;
	struct ng	*ng;
	struct span	 sdp;
	uint8_t		*msg;
	uint64_t	 id;
	size_t		 n;

	if (len == 0 || len > NG_MSG_MAX || sodium_init() == -1)
		return (0);
	answers = 0;
	tmrs_init(&tmrs, 1);
	if ((ng = ng_new(&tmrs, &ops, NULL)) == NULL)
		return (0);
	ng_conf(ng, 1, "", "", 1);
	memset(&na, 0, sizeof(na));
	na.na_call = "c";
	na.na_from = "caller";
	na.na_sdp.p = "v=0";
	na.na_sdp.len = 3;
	if (ng_ask(ng, &na, &id, &sdp) != 0)
		abort();
	n = p[0] & 1 ? strlen(cookie) + 1 : 0;
	if ((msg = malloc(n + len)) == NULL)
		abort();
	if (n > 0) {
		memcpy(msg, cookie, n - 1);
		msg[n - 1] = ' ';
	}
	memcpy(msg + n, p + 1, len - 1);
	if (ng_reply_parse(msg, n + len - 1, &r) == 0 && r.nr_result.len == 0)
		abort();
	ng_input(ng, msg, n + len - 1);
	ng_input(ng, msg, n + len - 1);
	free(msg);
	ng_free(ng);
	return (0);
}
