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
 * The key process's signatures for the others: sipgw and pvpd are answered at
 * once, overlayd waits in a queue of which a few are served a turn of the
 * loop, so that calls and proofs go first.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/time.h>

#include <errno.h>
#include <event.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "cursor.h"
#include "key_sign.h"
#include "key_signq.h"
#include "log.h"
#include "proc.h"

#define SIGN_OUTSTANDING 32

struct sign_job {
	STAILQ_ENTRY(sign_job) sj_entry;
	struct imsg_key_sign sj_sign;
	size_t		 sj_len;
	uint8_t		 sj_input[];
};

static void	 ksignq_answer(enum vipr_role, const struct imsg_key_sign *,
		    const void *, size_t);
static void	 ksignq_turn(int, short, void *);

static struct event	 sign_ev;
static STAILQ_HEAD(, sign_job) sign_jobs = STAILQ_HEAD_INITIALIZER(sign_jobs);
static unsigned		 sign_count;
static struct log_limit	 answer_limit = { "signatures that found no room", 5,
			    60000, 0, 0, 0 };

void
ksignq_init(int priority)
{
	evtimer_set(&sign_ev, ksignq_turn, NULL);
	if (event_priority_set(&sign_ev, priority) == -1)
		log_warnx("priority of signatures not set");
}

static void
ksignq_answer(enum vipr_role role, const struct imsg_key_sign *ks,
    const void *input, size_t len)
{
	struct imsg_key_sign_res	 kr;
	uint8_t				 sig[KEY_SIGN_SIG_MAX];
	size_t				 siglen = sizeof(sig);

	memset(&kr, 0, sizeof(kr));
	kr.kr_reqid = ks->ks_reqid;
	kr.kr_error = (uint32_t)key_sign_request(role, ks, input, len, sig,
	    &siglen);
	if (kr.kr_error != 0) {
		siglen = 0;
		log_debug("%s: signature refused: %s", role_str(role),
		    strerror((int)kr.kr_error));
	}
	if (chan_send(proc_peer(role), IMSG_KEY_SIGN_RES, -1, &kr, sizeof(kr),
	    sig, siglen) == -1 && errno != ENOTCONN &&
	    log_allow(&answer_limit, proc_boot_ms()))
		log_warn("signature to %s", role_str(role));
}

/* sipgw and pvpd: at once, in the order of their channels' priorities. */
int
ksignq_dispatch(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_key_sign	 ks;
	const uint8_t		*p;
	size_t			 len = cur_left(&m->cm_tail);

	(void)arg;
	memcpy(&ks, m->cm_fixed, sizeof(ks));
	p = cur_ptr(&m->cm_tail, len);
	ksignq_answer(ch == proc_peer(ROLE_SIP) ? ROLE_SIP : ROLE_PVP, &ks, p,
	    len);
	return (0);
}

/* overlayd: a queue, a few a turn, so that calls and proofs go first. */
int
ksignq_dispatch_overlay(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_key_sign_res	 kr;
	struct imsg_key_sign		 ks;
	struct sign_job			*sj;
	size_t				 len = cur_left(&m->cm_tail);

	(void)arg;
	memcpy(&ks, m->cm_fixed, sizeof(ks));
	if (sign_count >= SIGN_OUTSTANDING ||
	    (sj = malloc(sizeof(*sj) + len)) == NULL) {
		memset(&kr, 0, sizeof(kr));
		kr.kr_reqid = ks.ks_reqid;
		kr.kr_error = EAGAIN;
		(void)chan_send(ch, IMSG_KEY_SIGN_RES, -1, &kr, sizeof(kr),
		    NULL, 0);
		return (0);
	}
	sj->sj_sign = ks;
	sj->sj_len = len;
	if (cur_bytes(&m->cm_tail, sj->sj_input, len) == -1) {
		free(sj);
		return (-1);
	}
	STAILQ_INSERT_TAIL(&sign_jobs, sj, sj_entry);
	/* After the messages of this turn, before the loop sleeps. */
	if (sign_count++ == 0)
		event_active(&sign_ev, EV_TIMEOUT, 1);
	return (0);
}

static void
ksignq_turn(int fd, short event, void *arg)
{
	struct sign_job	*sj;
	struct timeval	 now = { 0, 0 };
	unsigned	 i;

	(void)fd;
	(void)event;
	(void)arg;
	for (i = 0; i < KSIGNQ_TURN && (sj = STAILQ_FIRST(&sign_jobs)) != NULL;
	    i++) {
		STAILQ_REMOVE_HEAD(&sign_jobs, sj_entry);
		sign_count--;
		ksignq_answer(ROLE_OVERLAY, &sj->sj_sign, sj->sj_input,
		    sj->sj_len);
		free(sj);
	}
	if (!STAILQ_EMPTY(&sign_jobs))
		evtimer_add(&sign_ev, &now);
}

void
ksignq_clear(void)
{
	struct sign_job	*sj;

	evtimer_del(&sign_ev);
	while ((sj = STAILQ_FIRST(&sign_jobs)) != NULL) {
		STAILQ_REMOVE_HEAD(&sign_jobs, sj_entry);
		free(sj);
	}
	sign_count = 0;
}
