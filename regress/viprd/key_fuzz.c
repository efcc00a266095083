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
 * Fuzz target: a key core fed with what peers (bodies of PVP), pvpd and sipgw
 * (messages) may send.  The input is a list of records: one byte says which,
 * one length byte, then bytes that fill the message as far as they go.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "cursor.h"
#include "key_core.h"
#include "store.h"

#define T0	1795169000000ULL

int		 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	 setup(void);
static void	 cleanup(void);
static void	 fill(void *, size_t, struct cur *);
static void	 one(unsigned, struct cur *);
static void	 body(unsigned, struct cur *);
static void	 leg(unsigned, struct cur *);
static void	 open_conn(unsigned, struct cur *);

static struct kcore	*kc;
static struct store	*st;
static struct conf	*cf;
static char		 dir[] = "/tmp/key_fuzz.XXXXXX";
static uint64_t		 now = T0;
static uint64_t		 last_try, last_vcr;
static uint8_t		 last_node[NODEID_LEN];
static uint8_t		 element[CPACE_ELEMENT];

static int
z_lookup(void *arg, uint64_t vcr, const char *number)
{
	(void)arg;
	(void)number;
	last_vcr = vcr;
	return (0);
}

static int
z_try(void *arg, uint64_t try, uint64_t vcr, const uint8_t *node)
{
	(void)arg;
	(void)vcr;
	last_try = try;
	memcpy(last_node, node, NODEID_LEN);
	return (0);
}

static int
z_out(void *arg, uint64_t conn, unsigned type, unsigned flags, const void *p,
    size_t len)
{
	(void)arg;
	(void)conn;
	(void)type;
	(void)flags;
	(void)p;
	if (len > KEY_BODY_MAX)
		abort();
	return (0);
}

static void
z_ack(void *arg, uint64_t id, uint32_t stored)
{
	(void)arg;
	(void)id;
	if (stored > 2)
		abort();
}

static int
z_routes(void *arg, const char *number, uint32_t count, const void *tail,
    size_t len)
{
	(void)arg;
	(void)number;
	(void)count;
	(void)tail;
	(void)len;
	return (0);
}

static const struct key_ops	 ops = {
	.ko_lookup = z_lookup, .ko_try = z_try, .ko_out = z_out,
	.ko_leg_ack = z_ack, .ko_routes = z_routes
};

static void
cleanup(void)
{
	char	 cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd) != 0)
		warnx("%s left behind", dir);
}

static void
setup(void)
{
	struct conf_range	*cr;
	uint8_t			 g[CPACE_ELEMENT], y[CPACE_SCALAR], master[32];
	uint8_t			 boot[16] = { 1 };
	const char		*why = NULL;
	char			 text[256];

	if (sodium_init() == -1 || mkdtemp(dir) == NULL)
		err(1, "setup");
	atexit(cleanup);
	memset(master, 7, sizeof(master));
	if ((cf = conf_new()) == NULL || (cr = calloc(1, sizeof(*cr))) == NULL)
		err(1, NULL);
	snprintf(cf->c_domain, sizeof(cf->c_domain), "b.example");
	snprintf(cr->cr_range.er_from, E164_SIZE, "+14085550100");
	snprintf(cr->cr_range.er_to, E164_SIZE, "+14085550199");
	TAILQ_INSERT_TAIL(&cf->c_numbers, cr, cr_entry);
	cf->c_limit_number = cf->c_limit_peer = 1000;
	cf->c_busy_moduli = 44;
	if ((st = store_open(dir, 64 << 20, KEY_TABLES, &why)) == NULL)
		errx(1, "store: %s", why != NULL ? why : "?");
	if ((kc = kcore_new(&ops, NULL, st, boot)) == NULL)
		err(1, NULL);
	kcore_clock(kc, now, 1000000000);
	memset(last_node, 0xaa, sizeof(last_node));
	kcore_conf(kc, cf, "overlay.test", (const uint8_t *)"0123456789abcdef");
	if (kcore_open(kc, master, 1, text, sizeof(text)) == -1)
		errx(1, "%s", text);
	cpace_scalar(y);
	if (cpace_generator(g, "p", 1, "c", 1, "s", 1) == -1 ||
	    cpace_public(element, y, g) == -1)
		errx(1, "element");
}

static void
fill(void *p, size_t size, struct cur *c)
{
	size_t	 n = cur_left(c) < size ? cur_left(c) : size;

	(void)cur_bytes(c, p, n);
}

/* A body: as it stands, or PROOF1's head with a good element behind it. */
static void
body(unsigned type, struct cur *c)
{
	uint8_t	 buf[300], *exact;
	size_t	 n = cur_left(c);

	if (n > 255)
		n = 255;
	(void)cur_bytes(c, buf, n);
	if (type == 17) {
		type = PVP_PROOF1;
		memcpy(buf + n, element, sizeof(element));
		n += sizeof(element);
	}
	if ((exact = malloc(n + !n)) == NULL)
		return;
	memcpy(exact, buf, n);
	(void)kpvp_in(kc, 1 + type % 2, type, exact, n);
	(void)kpvp_in(kc, 2 - type % 2, type, exact, n);
	free(exact);
}

static void
leg(unsigned kind, struct cur *c)
{
	struct imsg_leg	 lg;

	memset(&lg, 0, sizeof(lg));
	lg.lg_start = now - 90000;
	lg.lg_stop = now;
	lg.lg_kind = 1 + kind % 2;
	snprintf(lg.lg_called, sizeof(lg.lg_called), "%s",
	    lg.lg_kind == 1 ? "+12125550187" : "+14085550142");
	snprintf(lg.lg_caller, sizeof(lg.lg_caller), "+14085550143");
	fill(&lg, sizeof(lg), c);
	(void)kcall_leg(kc, &lg);
}

static void
open_conn(unsigned role, struct cur *c)
{
	struct imsg_pvp_open	 po;

	memset(&po, 0, sizeof(po));
	fill(&po, sizeof(po), c);
	po.po_conn = 1 + role % 2;
	po.po_methods = 3;
	if (po.po_conn == 2) {
		po.po_role = PVP_INITIATOR;
		po.po_try = last_try;
		memcpy(po.po_node, last_node, NODEID_LEN);
	} else {
		po.po_role = PVP_RESPONDER;
		po.po_try = 0;
	}
	(void)kpvp_open(kc, &po);
}

static void
one(unsigned what, struct cur *c)
{
	struct imsg_pvp_end		 pe;
	struct imsg_ticket_res		 tr;
	struct kclaim			 cm;
	static struct kgrant		 kg;
	uint8_t				 nodes[4 * NODEID_LEN] = { 0 }, rk[64] = { 0 };
	uint8_t				 exact[255];
	char				 text[256] = "", names[1][DOMAIN_SIZE], host[DOMAIN_SIZE];
	size_t				 n;

	switch (what % 12) {
	case 0:
		leg(what / 12, c);
		break;
	case 1:
		fill(nodes, sizeof(nodes), c);
		ksched_claimants(kc, last_vcr, 0, nodes, 4);
		break;
	case 2:
		open_conn(what / 12, c);
		break;
	case 3:
		body(17, c);
		break;
	case 4:
	case 5:
		body(what / 12, c);
		break;
	case 6:
		memset(&pe, 0, sizeof(pe));
		fill(&pe, sizeof(pe), c);
		pe.pe_conn = 1 + what / 12 % 2;
		(void)kpvp_end(kc, &pe);
		break;
	case 7:
		n = cur_left(c);
		fill(text, sizeof(text) - 1, c);
		memset(&tr, 0, sizeof(tr));
		snprintf(names[0], DOMAIN_SIZE, "a.example");
		kticket_check(kc, text, n < 255 ? n : 255, "+14085550142",
		    (const char (*)[DOMAIN_SIZE])names, 1, &tr);
		break;
	case 8:
		fill(text, DOMAIN_SIZE - 1, c);
		kroute_outcome(kc, "+12125550187", text, what / 12, 0);
		break;
	case 9:
		now += 60000ULL * (1 + what / 12);
		kcore_clock(kc, now, now - T0 + 1000000000);
		kcore_run(kc);
		break;
	case 10:
		(void)store_commit(st);
		break;
	case 11:
		/* Bodies behind a good tag. */
		n = cur_left(c);
		if (n > sizeof(exact) - 32)
			n = sizeof(exact) - 32;
		fill(exact, n, c);
		kpvp_tag(exact + n, rk, PVP_CLAIM, exact, n);
		(void)kclaim_parse(exact, n + 32, rk, &cm);
		kpvp_tag(exact + n, rk, PVP_ROUTE, exact, n);
		(void)kgrant_parse(exact, n + 32, rk, &kg);
		fill(text, sizeof(text) - 1, c);
		(void)kclaim_uri(text, host);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur	 c, sub;
	uint8_t		 what, len;
	unsigned	 i;

	if (kc == NULL)
		setup();
	cur_init(&c, data, size);
	for (i = 0; i < 64 && cur_left(&c) >= 2; i++) {
		(void)cur_u8(&c, &what);
		(void)cur_u8(&c, &len);
		if (cur_sub(&c, len < cur_left(&c) ? len : cur_left(&c),
		    &sub) == -1)
			break;
		one(what, &sub);
	}
	/* Each input finds no connection open. */
	(void)store_commit(st);
	kcore_pvpd(kc, 1);
	if (kc->kc_conncount != 0)
		abort();
	return (0);
}
