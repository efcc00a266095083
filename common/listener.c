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
 * Listening sockets on the event loop; see listener.h.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <event.h>
#include <stdlib.h>
#include <unistd.h>

#include "listener.h"
#include "log.h"

#define ACCEPTS_A_TURN	16
#define ACCEPT_PAUSE_S	1		/* after running out of descriptors */

struct listener {
	TAILQ_ENTRY(listener) l_entry;	/* in its list, which owns it */
	struct event	 l_ev, l_timer;
	listener_fn	 l_accept;
	int		 l_fd;		/* ours */
};

static void	 listener_ready(int, short, void *);
static void	 listener_again(int, short, void *);

void
listener_add(struct listener_list *list, int fd, listener_fn fn)
{
	struct listener	*l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		log_warn("listener");
		close(fd);
		return;
	}
	l->l_fd = fd;
	l->l_accept = fn;
	event_set(&l->l_ev, fd, EV_READ | EV_PERSIST, listener_ready, l);
	evtimer_set(&l->l_timer, listener_again, l);
	TAILQ_INSERT_TAIL(list, l, l_entry);
	if (event_add(&l->l_ev, NULL) == -1)
		log_warn("listener");
}

void
listener_clear(struct listener_list *list)
{
	struct listener	*l;

	while ((l = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, l, l_entry);
		event_del(&l->l_ev);
		evtimer_del(&l->l_timer);
		close(l->l_fd);
		free(l);
	}
}

static void
listener_ready(int fd, short event, void *arg)
{
	struct sockaddr_storage ss;
	struct listener	*l = arg;
	struct timeval	 tv = { ACCEPT_PAUSE_S, 0 };
	socklen_t	 len;
	int		 i, s;

	(void)event;
	for (i = 0; i < ACCEPTS_A_TURN; i++) {
		len = sizeof(ss);
		s = accept4(fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (s != -1) {
			l->l_accept(s, (struct sockaddr *)&ss);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			log_warn("accept");
			event_del(&l->l_ev);
			(void)evtimer_add(&l->l_timer, &tv);
		}
		return;
	}
}

static void
listener_again(int fd, short event, void *arg)
{
	struct listener	*l = arg;

	(void)fd;
	(void)event;
	(void)event_add(&l->l_ev, NULL);
}
