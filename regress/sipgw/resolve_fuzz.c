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
/* DNS answers as the resolver reads them: the first byte says as what. */
#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "resolve_take.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static uint32_t	fuzz_draw(void *, uint32_t);

static uint32_t
fuzz_draw(void *arg, uint32_t bound)
{
	uint32_t	*n = arg;

	*n = *n * 1103515245u + 12345u;
	return (bound == 0 ? 0 : (*n >> 8) % bound);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct srv	 srv[8];
	struct vaddr	 va[4];
	char		 name[DOMAIN_SIZE];
	uint8_t		*heap;
	size_t		 i, n;
	uint32_t	 seed = 7;
	int		 what, none;

	if (len == 0)
		return (0);
	what = p[0] % 5;
	/* An exact copy, so that a read past its end is seen. */
	len--;
	if ((heap = malloc(len + !len)) == NULL)
		return (0);
	memcpy(heap, p + 1, len);
	switch (what) {
	case 0:
		if (take_naptr(heap, len, "SIPS+D2T", name, sizeof(name)) == 1 &&
		    (name[0] == '\0' || strlen(name) >= sizeof(name)))
			abort();
		break;
	case 1:
		n = take_srv(heap, len, srv, 8, &none, fuzz_draw, &seed);
		if (n > 8 || (n > 0 && none))
			abort();
		for (i = 0; i < n; i++)
			if (srv[i].sv_port == 0 || srv[i].sv_host[0] == '\0' || (i > 0 &&
			    srv[i].sv_priority < srv[i - 1].sv_priority))
				abort();
		break;
	case 2:
	case 3:
		n = take_addrs(heap, len, what == 2 ? 4 : 6, 5060, va, 4);
		if (n > 4)
			abort();
		for (i = 0; i < n; i++)
			if (va[i].va_family != (what == 2 ? 4 : 6) || va[i].va_port != 5060)
				abort();
		break;
	default:
		(void)take_ttl(heap, len);
	}
	free(heap);
	return (0);
}
