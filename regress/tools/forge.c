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
 * Root's own forgery: mint a ticket or receipt from a copy of key's store and
 * the master key, to try at the border what no stranger could make.
 *
 *   forge COPY-OF-FOLDER MASTER-KEY ticket|receipt GRANTER GRANTEE NUMBER SECONDS
 *
 * SECONDS: how long it is good, from now; below 0: how long it has been bad.
 *
 *   forge FOLDER MASTER-KEY route DOMAIN URI NUMBER SECONDS TOKEN
 *
 * Put an active route into the store of a box that is stopped.
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

static void	note(void *, enum key_level, const char *);
static void	route(struct kcore *, struct store *, char **, uint64_t);

static void
note(void *arg, enum key_level level, const char *text)
{
	(void)arg;
	(void)level;
	warnx("%s", text);
}

/* argv: DOMAIN URI NUMBER SECONDS TOKEN */
static void
route(struct kcore *kc, struct store *st, char **argv, uint64_t now)
{
	struct kroutes	*ks;
	struct kroute	*kr;
	struct knode	*kn;

	if ((ks = kroute_get(kc, argv[2])) == NULL || ks->ks_count == ks->ks_room)
		err(1, "%s", argv[2]);
	kr = &ks->ks_route[ks->ks_count++];
	memset(kr, 0, sizeof(*kr));
	strlcpy(kr->kr_domain, argv[0], sizeof(kr->kr_domain));
	kr->kr_state = ROUTE_ACTIVE;
	kr->kr_earned = 1;
	kr->kr_changed = now;
	kr->kr_proofcount = 1;
	kr->kr_proof[0].pr_start = (now - 7200) * 1000;
	kr->kr_proof[0].pr_stop = (now - 7100) * 1000;
	kr->kr_proof[0].pr_at = now;
	kr->kr_nodecount = 1;
	kn = &kr->kr_node[0];
	randombytes_buf(kn->kn_id, sizeof(kn->kn_id));
	kn->kn_kind = TICKET_TICKET;
	kn->kn_not_after = now + strtoull(argv[3], NULL, 10);
	kn->kn_last = now;
	strlcpy(kn->kn_token, argv[4], sizeof(kn->kn_token));
	kn->kn_uricount = 1;
	strlcpy(kn->kn_uri[0], argv[1], sizeof(kn->kn_uri[0]));
	if (kroute_put(kc, ks, NULL) == -1 || store_commit(st) == -1)
		err(1, "%s: not written", argv[2]);
	kroute_free(ks);
}

int
main(int argc, char **argv)
{
	struct key_ops	 ops;
	struct store	*st;
	struct kcore	*kc;
	struct ticket	 ti;
	const uint8_t	 boot[16] = { 0 };
	uint8_t		 master[STORE_MASTER_LEN];
	const char	*why = NULL;
	char		 text[512], reason[256];
	long long	 seconds;
	uint64_t	 now = (uint64_t)time(NULL);
	int		 fd;

	if (argc != 8 && (argc != 9 || strcmp(argv[3], "route") != 0))
		errx(1, "usage: forge FOLDER MASTER ticket|receipt GRANTER GRANTEE "
		    "NUMBER SECONDS");
	if (sodium_init() == -1)
		errx(1, "libsodium");
	if ((fd = open(argv[2], O_RDONLY)) == -1 ||
	    read(fd, master, sizeof(master)) != (ssize_t)sizeof(master))
		err(1, "%s", argv[2]);
	close(fd);
	memset(&ops, 0, sizeof(ops));
	ops.ko_note = note;
	if ((st = store_open(argv[1], 1ULL << 30, KEY_TABLES, &why)) == NULL)
		errx(1, "%s: %s", argv[1], why != NULL ? why : "cannot open");
	if ((kc = kcore_new(&ops, NULL, st, boot)) == NULL)
		err(1, "kcore_new");
	kcore_clock(kc, now * 1000, 0);
	if (kcore_open(kc, master, 0, reason, sizeof(reason)) == -1)
		errx(1, "%s: %s", argv[1], reason);
	if (strcmp(argv[3], "route") == 0) {
		route(kc, st, argv + 4, now);
		goto done;
	}
	if (TAILQ_EMPTY(&kc->kc_epochs))
		errx(1, "%s: no epoch", argv[1]);
	seconds = strtoll(argv[7], NULL, 10);
	memset(&ti, 0, sizeof(ti));
	ti.ti_kind = strcmp(argv[3], "receipt") == 0 ? TICKET_RECEIPT : TICKET_TICKET;
	ti.ti_epoch = TAILQ_FIRST(&kc->kc_epochs)->ep_number;
	randombytes_buf(ti.ti_id, sizeof(ti.ti_id));
	ti.ti_id[0] = 1;
	strlcpy(ti.ti_granter, argv[4], sizeof(ti.ti_granter));
	strlcpy(ti.ti_grantee, argv[5], sizeof(ti.ti_grantee));
	strlcpy(ti.ti_number, argv[6], sizeof(ti.ti_number));
	ti.ti_not_before = now - 86400;
	ti.ti_not_after = (uint64_t)((long long)now + seconds);
	if (ticket_mint(&ti, TAILQ_FIRST(&kc->kc_epochs)->ep_key, text,
	    sizeof(text)) == -1)
		errx(1, "ticket_mint");
	printf("%s\n", text);
done:
	sodium_memzero(master, sizeof(master));
	kcore_free(kc);
	store_close(st);
	return (0);
}
