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

/* sipgw's shell: the socket to rtpengine. */

#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <event.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "ng.h"
#include "proc.h"
#include "sip_shell.h"

#define MEDIA_BATCH	64
#define MEDIA_RCVBUF	(1024 * 1024)

static void	 media_close(void);
static void	 media_read(int, short, void *);

static struct event	 media_event;
static struct vaddr	 media_addr;
static int		 media_fd = -1;
static struct log_limit	 media_limit = { "failed sends to rtpengine", 5, 10000, 0, 0, 0 };

static void
media_close(void)
{
	if (media_fd == -1)
		return;
	(void)event_del(&media_event);
	close(media_fd);
	media_fd = -1;
}

/*
 * Before the proxy gets its configuration.  A connected socket: the kernel
 * drops what others send, and tells when nobody listens.  It stays when there
 * is no engine any more, for the ends of calls that have it.
 */
void
shell_media_conf(const struct conf *conf)
{
	struct sockaddr_storage	 ss;
	socklen_t		 len;
	int			 size = MEDIA_RCVBUF;

	if (!(conf->c_flags & CONF_MEDIA_ENGINE) ||
	    (media_fd != -1 && vaddr_eq(&media_addr, &conf->c_media)))
		return;
	media_close();
	media_addr = conf->c_media;
	len = vaddr_to_sa(&media_addr, &ss);
	media_fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (media_fd == -1) {
		log_warn("rtpengine: socket");
		return;
	}
	(void)setsockopt(media_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (connect(media_fd, (struct sockaddr *)&ss, len) == -1) {
		log_warn("rtpengine: connect");
		close(media_fd);
		media_fd = -1;
		return;
	}
	event_set(&media_event, media_fd, EV_READ | EV_PERSIST, media_read, NULL);
	if (event_add(&media_event, NULL) == -1) {
		log_warnx("rtpengine: event");
		close(media_fd);
		media_fd = -1;
	}
}

static void
media_read(int fd, short event, void *arg)
{
	static uint8_t	 buf[NG_MSG_MAX + 1024];
	ssize_t		 n;
	size_t		 most = 0;
	int		 i;

	(void)event;
	(void)arg;
	shell_enter();
	for (i = 0; i < MEDIA_BATCH; i++) {
		if ((n = recv(fd, buf, sizeof(buf), 0)) == -1) {
			if (errno == ECONNREFUSED) {
				proxy_media_refused(shell.sh_proxy);
				continue;
			}
			if (errno != EAGAIN && errno != EINTR)
				log_warn("rtpengine: recv");
			break;
		}
		if ((size_t)n > most)
			most = (size_t)n;
		proxy_media_input(shell.sh_proxy, buf, (size_t)n);
	}
	shell_leave();
	explicit_bzero(buf, most);	/* SRTP keys */
}

int
shell_media(void *ctx, const uint8_t *p, size_t len)
{
	(void)ctx;
	if (media_fd == -1)
		return (-1);
	/* ECONNREFUSED is about what was sent before, and told only once. */
	if (send(media_fd, p, len, 0) == -1 && (errno != ECONNREFUSED ||
	    send(media_fd, p, len, 0) == -1)) {
		if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR &&
		    errno != ECONNREFUSED && log_allow(&media_limit, proc_boot_ms()))
			log_warn("rtpengine: send");
		return (-1);
	}
	return (0);
}
