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

/* CPU time to mint and to check a ticket. */

#include <sys/types.h>

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ticket.h"

#define ROUNDS	100000

static double
cpu_ns(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ((double)ts.tv_sec * 1e9 + (double)ts.tv_nsec);
}

int
main(void)
{
	struct ticket	 ti, out;
	uint8_t		 key[TICKET_KEY_LEN];
	char		 text[TOKEN_MAX];
	double		 start, mint, check;
	int		 i;

	if (sodium_init() == -1)
		return (1);
	randombytes_buf(key, sizeof(key));
	memset(&ti, 0, sizeof(ti));
	ti.ti_kind = TICKET_TICKET;
	ti.ti_epoch = 1;
	snprintf(ti.ti_granter, sizeof(ti.ti_granter), "b.example");
	snprintf(ti.ti_grantee, sizeof(ti.ti_grantee), "a.example");
	snprintf(ti.ti_number, sizeof(ti.ti_number), "+14085550142");
	ti.ti_not_before = 1795169000;
	ti.ti_not_after = 1795169000 + 5184000;
	start = cpu_ns();
	for (i = 0; i < ROUNDS; i++) {
		randombytes_buf(ti.ti_id, sizeof(ti.ti_id));
		if (ticket_mint(&ti, key, text, sizeof(text)) == -1)
			return (1);
	}
	mint = (cpu_ns() - start) / ROUNDS;
	start = cpu_ns();
	for (i = 0; i < ROUNDS; i++)
		if (ticket_verify(text, strlen(text), key, &out) == -1)
			return (1);
	check = (cpu_ns() - start) / ROUNDS;
	printf("ticket: mint_ns=%.0f check_ns=%.0f\n", mint, check);
	return (0);
}
