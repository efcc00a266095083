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
 * The key process tells sipgw when what it knows of tickets is out of date:
 * after a revocation, a new epoch, another configuration.  A request of the
 * operator that changes this is answered when sipgw has said that it forgot,
 * so that a revocation is in force when viprctl returns.
 */

#include <sys/types.h>
#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "ctl.h"
#include "key_core.h"
#include "key_gen.h"
#include "log.h"
#include "proc.h"

#define HELD_MAX	64

/* An answer to the operator that waits for sipgw. */
struct held {
	STAILQ_ENTRY(held) he_entry;
	uint64_t	 he_generation;
	uint32_t	 he_id;
	char		*he_error;	/* NULL: success */
};

static void	 kgen_release(uint64_t);

static STAILQ_HEAD(, held) helds = STAILQ_HEAD_INITIALIZER(helds);
static unsigned		 nheld;
static uint64_t		 told;		/* generation that was sent, 0 none */
static uint64_t		 known;		/* generation that sipgw answered */

/* What waited for a generation up to this goes out. */
static void
kgen_release(uint64_t generation)
{
	struct held	*he;

	while ((he = STAILQ_FIRST(&helds)) != NULL &&
	    he->he_generation <= generation) {
		STAILQ_REMOVE_HEAD(&helds, he_entry);
		nheld--;
		if (proc_peer(ROLE_CONTROL) != NULL)
			(void)ctl_send_end(proc_peer(ROLE_CONTROL), he->he_id,
			    he->he_error);
		free(he->he_error);
		free(he);
	}
}

void
kgen_peer(const struct kcore *kc, struct chan *ch)
{
	told = known = 0;
	if (ch == NULL)
		kgen_release(UINT64_MAX);	/* nobody is left who could remember */
	else
		kgen_tell(kc);
}

void
kgen_tell(const struct kcore *kc)
{
	struct imsg_ticket_gen	 tg;

	if (told == kc->kc_generation || proc_peer(ROLE_SIP) == NULL)
		return;
	memset(&tg, 0, sizeof(tg));
	tg.tg_generation = kc->kc_generation;
	tg.tg_revocations = kc->kc_revocations;
	/* A full channel is a broken one: nothing is cached meanwhile, since
	 * later verdicts carry a generation that sipgw has not heard of. */
	if (chan_send(proc_peer(ROLE_SIP), IMSG_TICKET_GEN, -1, &tg, sizeof(tg),
	    NULL, 0) == -1)
		log_warn("sipgw could not be told of changed tickets");
	else
		told = kc->kc_generation;
}

int
kgen_dispatch(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_ticket_gen	 tg;

	(void)ch;
	(void)arg;
	memcpy(&tg, m->cm_fixed, sizeof(tg));
	if (tg.tg_generation > told)
		return (0);
	if (tg.tg_generation > known)
		known = tg.tg_generation;
	kgen_release(known);
	return (0);
}

int
kgen_hold(const struct kcore *kc, uint32_t id, const char *error)
{
	struct held	*he;

	kgen_tell(kc);
	if (proc_peer(ROLE_SIP) == NULL || known >= kc->kc_generation ||
	    told != kc->kc_generation || nheld >= HELD_MAX ||
	    (he = calloc(1, sizeof(*he))) == NULL)
		return (0);
	if (error != NULL && (he->he_error = strdup(error)) == NULL) {
		free(he);
		return (0);
	}
	he->he_generation = kc->kc_generation;
	he->he_id = id;
	STAILQ_INSERT_TAIL(&helds, he, he_entry);
	nheld++;
	return (1);
}

void
kgen_control_gone(void)
{
	struct held	*he;

	while ((he = STAILQ_FIRST(&helds)) != NULL) {
		STAILQ_REMOVE_HEAD(&helds, he_entry);
		free(he->he_error);
		free(he);
	}
	nheld = 0;
}
