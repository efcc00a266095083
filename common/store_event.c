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
 * The group commit of a store on the event loop: one timer a store, armed
 * when the store asks, and the answers of its helper.  A process has one or two stores for its whole life.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <event.h>
#include <stdlib.h>

#include "log.h"
#include "store.h"

struct store_timer {
	struct event	 sm_ev;
	struct event	 sm_answer;
	struct store	*sm_store;
	int		 sm_watching;
};

static void	 timer_arm(int, void *);
static void	 timer_due(int, short, void *);

static void
timer_arm(int ms, void *arg)
{
	struct store_timer	*sm = arg;
	struct timeval		 tv;

	if (ms < 0)
		return;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = (ms % 1000) * 1000;
	evtimer_add(&sm->sm_ev, &tv);
}

static void
timer_due(int fd, short event, void *arg)
{
	struct store_timer	*sm = arg;

	(void)fd;
	(void)event;
	store_tick(sm->sm_store);
	/* A helper that died closes the descriptor; its work is done here then. */
	if (sm->sm_watching && store_fd(sm->sm_store) == -1) {
		event_del(&sm->sm_answer);
		sm->sm_watching = 0;
	}
	timer_arm(store_wait(sm->sm_store), sm);
}

void
store_event(struct store *st)
{
	struct store_timer	*sm;

	if ((sm = calloc(1, sizeof(*sm))) == NULL)
		fatal("store_event");
	sm->sm_store = st;
	evtimer_set(&sm->sm_ev, timer_due, sm);
	if (store_fd(st) != -1) {
		event_set(&sm->sm_answer, store_fd(st), EV_READ | EV_PERSIST,
		    timer_due, sm);
		event_add(&sm->sm_answer, NULL);
		sm->sm_watching = 1;
	}
	store_set_wakeup(st, timer_arm, sm);
	timer_arm(store_wait(st), sm);
}
