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

/* Fuzz target: bytes on a channel, as a client of the control socket sends
 * them, read message by message. */

#include <sys/types.h>
#include <sys/socket.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl.h"
#include "imsg.h"

#define INPUT_MAX	32768	/* fits a socket's buffer */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ctl_req	rq;
	struct imsgbuf		ib;
	struct imsg		imsg;
	struct ibuf		body;
	struct chan_msg		m;
	int			sv[2];

	if (size > INPUT_MAX)
		return (0);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv) == -1)
		return (0);
	if (imsgbuf_init(&ib, sv[1]) == -1)
		abort();
	imsgbuf_allow_fdpass(&ib);
	if (write(sv[0], data, size) == -1 && size > 0)
		goto done;
	close(sv[0]);
	sv[0] = -1;
	while (imsgbuf_read(&ib) == 1)
		while (imsgbuf_get(&ib, &imsg) == 1) {
			if (imsg_get_ibuf(&imsg, &body) == 0 &&
			    ibuf_size(&body) >=
			    sizeof(struct imsg_ctl_request)) {
				m.cm_type = imsg_get_type(&imsg);
				m.cm_fixed = ibuf_data(&body);
				m.cm_fd = -1;
				if (ibuf_skip(&body,
				    sizeof(struct imsg_ctl_request)) == -1)
					abort();
				cur_init(&m.cm_tail, ibuf_data(&body),
				    ibuf_size(&body));
				(void)ctl_req_parse(&m, &rq);
			}
			imsg_free(&imsg);
		}
done:
	imsgbuf_clear(&ib);
	if (sv[0] != -1)
		close(sv[0]);
	close(sv[1]);
	return (0);
}
