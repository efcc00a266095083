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
 * Fill the store of a box that is stopped, for bench-sip.
 *
 *   benchstore FOLDER MASTER-KEY routes COUNT
 *	COUNT active routes of strangers, for +1999 and seven digits.
 *   benchstore FOLDER MASTER-KEY direct COUNT NUMBER HOST FOLDER MASTER-KEY GRANTER GRANTEE
 *	COUNT routes for NUMBER and those after it, with tickets of the box
 *	whose folder and master key stand behind.
 */

#include <sys/types.h>

#include <err.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "key_core.h"
#include "store.h"
#include "ticket.h"
#include "vipr.h"

#define BATCH		5000	/* routes a commit */
#define TICKET_RAW	150	/* a stranger's ticket, of usual length */

struct box {
	struct store	*bx_store;
	struct kcore	*bx_core;
};

static void	note(void *, enum key_level, const char *);
static void	box_open(struct box *, const char *, const char *, uint64_t);
static void	box_close(struct box *);
static void	route(struct box *, const char *, const char *, const char *, const char *,
		    uint64_t);
static void	token(struct box *, const char *, const char *, const char *, uint64_t,
		    char *, size_t);

static struct key_ops	ops;

static void
note(void *arg, enum key_level level, const char *text)
{
	(void)arg;
	(void)level;
	warnx("%s", text);
}

static void
box_open(struct box *bx, const char *dir, const char *keyfile, uint64_t now)
{
	const uint8_t	 boot[16] = { 0 };
	uint8_t		 master[STORE_MASTER_LEN];
	const char	*why = NULL;
	char		 reason[256];
	int		 fd;

	if ((fd = open(keyfile, O_RDONLY)) == -1 ||
	    read(fd, master, sizeof(master)) != (ssize_t)sizeof(master))
		err(1, "%s", keyfile);
	close(fd);
	if ((bx->bx_store = store_open(dir, 4ULL << 30, KEY_TABLES, &why)) == NULL)
		errx(1, "%s: %s", dir, why != NULL ? why : "cannot open");
	if ((bx->bx_core = kcore_new(&ops, NULL, bx->bx_store, boot)) == NULL)
		err(1, "kcore_new");
	kcore_clock(bx->bx_core, now * 1000, 0);
	if (kcore_open(bx->bx_core, master, 0, reason, sizeof(reason)) == -1)
		errx(1, "%s: %s", dir, reason);
	sodium_memzero(master, sizeof(master));
}

static void
box_close(struct box *bx)
{
	kcore_free(bx->bx_core);
	store_close(bx->bx_store);
}

/* One active route that was proven an hour ago. */
static void
route(struct box *bx, const char *number, const char *domain, const char *uri,
    const char *ticket, uint64_t now)
{
	struct kroutes	*ks;
	struct kroute	*kr;
	struct knode	*kn;

	if ((ks = kroute_get(bx->bx_core, number)) == NULL || ks->ks_count == ks->ks_room)
		err(1, "%s", number);
	kr = &ks->ks_route[ks->ks_count++];
	memset(kr, 0, sizeof(*kr));
	strlcpy(kr->kr_domain, domain, sizeof(kr->kr_domain));
	kr->kr_state = ROUTE_ACTIVE;
	kr->kr_earned = 1;
	kr->kr_changed = now;
	kr->kr_proofcount = 1;
	kr->kr_proof[0].pr_start = (now - 3600) * 1000;
	kr->kr_proof[0].pr_stop = (now - 3500) * 1000;
	kr->kr_proof[0].pr_at = now;
	kr->kr_nodecount = 1;
	kn = &kr->kr_node[0];
	randombytes_buf(kn->kn_id, sizeof(kn->kn_id));
	kn->kn_kind = TICKET_TICKET;
	kn->kn_not_after = now + 30 * 86400;
	kn->kn_last = now;
	strlcpy(kn->kn_token, ticket, sizeof(kn->kn_token));
	kn->kn_uricount = 1;
	strlcpy(kn->kn_uri[0], uri, sizeof(kn->kn_uri[0]));
	if (kroute_put(bx->bx_core, ks, NULL) == -1)
		err(1, "%s: not written", number);
	kroute_free(ks);
}

static void
token(struct box *bx, const char *granter, const char *grantee, const char *number,
    uint64_t now, char *out, size_t size)
{
	struct ticket	 ti;

	if (TAILQ_EMPTY(&bx->bx_core->kc_epochs))
		errx(1, "no epoch");
	memset(&ti, 0, sizeof(ti));
	ti.ti_kind = TICKET_TICKET;
	ti.ti_epoch = TAILQ_FIRST(&bx->bx_core->kc_epochs)->ep_number;
	randombytes_buf(ti.ti_id, sizeof(ti.ti_id));
	strlcpy(ti.ti_granter, granter, sizeof(ti.ti_granter));
	strlcpy(ti.ti_grantee, grantee, sizeof(ti.ti_grantee));
	strlcpy(ti.ti_number, number, sizeof(ti.ti_number));
	ti.ti_not_before = now - 86400;
	ti.ti_not_after = now + 30 * 86400;
	if (ticket_mint(&ti, TAILQ_FIRST(&bx->bx_core->kc_epochs)->ep_key, out, size) == -1)
		errx(1, "ticket_mint");
}

int
main(int argc, char **argv)
{
	struct box	 bx, by;
	uint8_t		 raw[TICKET_RAW];
	const char	*why;
	char		 number[32], domain[64], uri[128], text[512];
	uint64_t	 now = (uint64_t)time(NULL);
	long long	 i, count, first = 19990000000LL;
	int		 direct;

	if (argc < 5 || (direct = strcmp(argv[3], "direct") == 0) != (argc == 11))
		errx(1, "usage: benchstore FOLDER MASTER routes COUNT");
	count = strtonum(argv[4], 1, 10000000, &why);
	if (why != NULL)
		errx(1, "%s: %s", argv[4], why);
	if (sodium_init() == -1)
		errx(1, "libsodium");
	ops.ko_note = note;
	box_open(&bx, argv[1], argv[2], now);
	if (direct) {
		first = strtonum(argv[5] + (argv[5][0] == '+'), 1, 999999999999999LL, &why);
		if (why != NULL)
			errx(1, "%s: %s", argv[5], why);
		box_open(&by, argv[7], argv[8], now);
	}
	for (i = 0; i < count; i++) {
		(void)snprintf(number, sizeof(number), "+%lld", first + i);
		if (direct) {
			token(&by, argv[9], argv[10], number, now, text, sizeof(text));
			(void)snprintf(uri, sizeof(uri), "sip:%s@%s;transport=tls", number,
			    argv[6]);
			route(&bx, number, argv[9], uri, text, now);
		} else {
			randombytes_buf(raw, sizeof(raw));
			(void)sodium_bin2base64(text, sizeof(text), raw, sizeof(raw),
			    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
			(void)snprintf(domain, sizeof(domain), "company%lld.example",
			    i % 5000);
			(void)snprintf(uri, sizeof(uri), "sip:%s@%s;transport=tls", number,
			    domain);
			route(&bx, number, domain, uri, text, now);
		}
		if (i % BATCH == BATCH - 1 && store_commit(bx.bx_store) == -1)
			err(1, "commit");
	}
	if (store_commit(bx.bx_store) == -1)
		err(1, "commit");
	if (direct)
		box_close(&by);
	box_close(&bx);
	return (0);
}
