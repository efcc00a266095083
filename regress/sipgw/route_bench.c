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
 * A route table of one million: look-up and bytes on disk.
 */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rtab.h"
#include "store.h"

#define ROUTES		1000000U
#define LOOKUPS		1000000U
#define ROUNDS		20
#define TICKET_RAW	150	/* a ticket between two domains of usual length */

static uint64_t
cpu_ns(void)
{
	struct timespec	ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec);
}

static void
number(uint32_t i, char *out, size_t size)
{
	(void)snprintf(out, size, "+1408%07u", i);
}

static int
ns_cmp(const void *a, const void *b)
{
	const uint64_t	*x = a, *y = b;

	return (*x < *y ? -1 : *x > *y);
}

int
main(int argc, char **argv)
{
	static struct rtab_number rn;
	static struct rtab_route route;
	struct rtab_route	*r = &rn.rn_routes[0];
	struct stat		 sb;
	struct store		*st;
	struct rtab		*rt;
	const char		*why = NULL;
	char			 dir[] = "/tmp/route_bench.XXXXXX", path[64], n[32];
	uint8_t			 raw[TICKET_RAW];
	uint32_t		 i, count = ROUTES, x = 1;
	uint64_t		 t0, t1, ns[ROUNDS];
	unsigned		 state, found = 0, rounds = 0;

	if (argc > 1)
		count = (uint32_t)strtoul(argv[1], NULL, 10);
	if (count == 0 || sodium_init() == -1 || mkdtemp(dir) == NULL ||
	    (st = store_open(dir, (size_t)2 << 30, 8, &why)) == NULL ||
	    (rt = rtab_new(st)) == NULL) {
		fprintf(stderr, "route_bench: %s\n", why ? why : "set-up failed");
		return (1);
	}
	memset(&rn, 0, sizeof(rn));
	rn.rn_count = 1;
	r->rr_state = ROUTE_ACTIVE;
	r->rr_proofs = 2;
	r->rr_nuris = 1;
	r->rr_not_after = 2000000000;
	r->rr_last_proof = 1800000000;
	for (i = 0; i < count; i++) {
		number(i, rn.rn_number, sizeof(rn.rn_number));
		(void)snprintf(r->rr_domain, sizeof(r->rr_domain), "company%u.example", i % 5000);
		(void)snprintf(r->rr_uris[0], URI_MAX, "sip:%s@%.200s:5061;transport=tls",
		    rn.rn_number, r->rr_domain);
		randombytes_buf(raw, sizeof(raw));
		(void)sodium_bin2base64(r->rr_ticket, sizeof(r->rr_ticket), raw, sizeof(raw),
		    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
		if (rtab_put(rt, &rn) == -1) {
			perror("rtab_put");
			return (1);
		}
		if (i % 20000 == 0)
			(void)store_commit(st);
	}
	(void)store_commit(st);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
	if (stat(path, &sb) == -1)
		return (1);
	/* The median of ROUNDS, after some to warm up. */
	for (i = 0, t0 = 0; i < LOOKUPS + 1000; i++) {
		if (i >= 1000 && (i - 1000) % (LOOKUPS / ROUNDS) == 0) {
			t1 = cpu_ns();
			if (i > 1000)
				ns[rounds++] = t1 - t0;
			t0 = t1;
		}
		x = x * 1664525U + 1013904223U;
		number((uint32_t)(((uint64_t)x * count) >> 32), n, sizeof(n));
		found += rtab_active(rt, n, 1900000000, &route, &state) == 0;
	}
	ns[rounds++] = cpu_ns() - t0;
	qsort(ns, rounds, sizeof(ns[0]), ns_cmp);
	printf("route: routes=%u lookup_ns=%llu bytes_route=%llu found=%u\n", count,
	    (unsigned long long)(ns[rounds / 2] / (LOOKUPS / ROUNDS)),
	    (unsigned long long)((uint64_t)sb.st_blocks * 512 / count), found);
	rtab_free(rt);
	store_close(st);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/lock.mdb", dir);
	(void)unlink(path);
	(void)rmdir(dir);
	return (found == LOOKUPS + 1000 ? 0 : 1);
}
