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

/* core: messages with a header over a local stream socket; see imsg.h. */

#include <sys/types.h>
#include <sys/uio.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"

#define IMSG_ALLOW_FDPASS	0x01
#define IMSG_FD_MARK		0x80000000U

static struct ibuf	*imsg_readhdr(struct ibuf *, void *, int *);

/* The header of the next message is there: check it, make room for the rest. */
static struct ibuf *
imsg_readhdr(struct ibuf *hdrbuf, void *arg, int *fd)
{
	struct imsgbuf	*ib = arg;
	struct imsg_hdr	 hdr;
	struct ibuf	*b;
	uint32_t	 len;

	if (ibuf_get(hdrbuf, &hdr, sizeof(hdr)) == -1)
		return (NULL);
	len = hdr.len & ~IMSG_FD_MARK;
	if (len < IMSG_HEADER_SIZE || len > ib->maxsize) {
		errno = ERANGE;
		return (NULL);
	}
	if ((hdr.len & IMSG_FD_MARK) &&
	    (!(ib->flags & IMSG_ALLOW_FDPASS) || *fd == -1)) {
		errno = EBADMSG;
		return (NULL);
	}
	if ((b = ibuf_open(len)) == NULL)
		return (NULL);
	if (hdr.len & IMSG_FD_MARK) {
		ibuf_fd_set(b, *fd);
		*fd = -1;
	}
	return (b);
}

int
imsgbuf_init(struct imsgbuf *ib, int fd)
{
	memset(ib, 0, sizeof(*ib));
	if ((ib->w = msgbuf_new_reader(IMSG_HEADER_SIZE, imsg_readhdr,
	    ib)) == NULL)
		return (-1);
	ib->pid = getpid();
	ib->maxsize = MAX_IMSGSIZE;
	ib->fd = fd;
	return (0);
}

void
imsgbuf_allow_fdpass(struct imsgbuf *ib)
{
	ib->flags |= IMSG_ALLOW_FDPASS;
}

int
imsgbuf_set_maxsize(struct imsgbuf *ib, uint32_t max)
{
	if (max < IMSG_HEADER_SIZE || (max & IMSG_FD_MARK)) {
		errno = EINVAL;
		return (-1);
	}
	ib->maxsize = max;
	return (0);
}

int
imsgbuf_read(struct imsgbuf *ib)
{
	if (ib->flags & IMSG_ALLOW_FDPASS)
		return (msgbuf_read(ib->fd, ib->w));
	return (ibuf_read(ib->fd, ib->w));
}

int
imsgbuf_write(struct imsgbuf *ib)
{
	return (msgbuf_write(ib->fd, ib->w));
}

int
imsgbuf_flush(struct imsgbuf *ib)
{
	struct pollfd	pfd;

	while (imsgbuf_queuelen(ib) > 0) {
		if (imsgbuf_write(ib) == -1)
			return (-1);
		if (imsgbuf_queuelen(ib) == 0)
			break;
		pfd.fd = ib->fd;
		pfd.events = POLLOUT;
		if (poll(&pfd, 1, -1) == -1 && errno != EINTR)
			return (-1);
	}
	return (0);
}

void
imsgbuf_clear(struct imsgbuf *ib)
{
	msgbuf_free(ib->w);
	ib->w = NULL;
}

uint32_t
imsgbuf_queuelen(struct imsgbuf *ib)
{
	return (msgbuf_queuelen(ib->w));
}

int
imsgbuf_get(struct imsgbuf *ib, struct imsg *imsg)
{
	struct imsg	 m;
	struct ibuf	*b;

	if ((b = msgbuf_get(ib->w)) == NULL)
		return (0);
	memset(&m, 0, sizeof(m));
	if (ibuf_get(b, &m.hdr, sizeof(m.hdr)) == -1) {
		ibuf_free(b);
		return (-1);
	}
	m.hdr.len &= ~IMSG_FD_MARK;
	m.data = ibuf_size(b) ? ibuf_data(b) : NULL;
	m.buf = b;
	*imsg = m;
	return (1);
}

ssize_t
imsg_get(struct imsgbuf *ib, struct imsg *imsg)
{
	int	r;

	if ((r = imsgbuf_get(ib, imsg)) != 1)
		return (r);
	return ((ssize_t)(imsg_get_len(imsg) + IMSG_HEADER_SIZE));
}

int
imsg_get_ibuf(struct imsg *imsg, struct ibuf *b)
{
	if (ibuf_size(imsg->buf) == 0) {
		errno = EBADMSG;
		return (-1);
	}
	return (ibuf_get_ibuf(imsg->buf, ibuf_size(imsg->buf), b));
}

int
imsg_get_data(struct imsg *imsg, void *data, size_t len)
{
	if (len == 0) {
		errno = EINVAL;
		return (-1);
	}
	if (ibuf_size(imsg->buf) != len) {
		errno = EBADMSG;
		return (-1);
	}
	return (ibuf_get(imsg->buf, data, len));
}

int
imsg_get_buf(struct imsg *imsg, void *data, size_t len)
{
	return (ibuf_get(imsg->buf, data, len));
}

int
imsg_get_strbuf(struct imsg *imsg, char *s, size_t len)
{
	return (ibuf_get_strbuf(imsg->buf, s, len));
}

int
imsg_get_fd(struct imsg *imsg)
{
	return (ibuf_fd_get(imsg->buf));
}

uint32_t
imsg_get_id(struct imsg *imsg)
{
	return (imsg->hdr.peerid);
}

size_t
imsg_get_len(struct imsg *imsg)
{
	return (ibuf_size(imsg->buf));
}

pid_t
imsg_get_pid(struct imsg *imsg)
{
	return ((pid_t)imsg->hdr.pid);
}

uint32_t
imsg_get_type(struct imsg *imsg)
{
	return (imsg->hdr.type);
}

/* Pass a message on as it came, with its descriptor. */
int
imsg_forward(struct imsgbuf *ib, struct imsg *imsg)
{
	struct ibuf	*b;
	size_t		 len = 0;

	ibuf_rewind(imsg->buf);
	if (ibuf_skip(imsg->buf, sizeof(imsg->hdr)) == -1)
		return (-1);
	len = ibuf_size(imsg->buf);
	if ((b = imsg_create(ib, imsg->hdr.type, imsg->hdr.peerid,
	    (pid_t)imsg->hdr.pid, len)) == NULL)
		return (-1);
	if (ibuf_add_ibuf(b, imsg->buf) == -1) {
		ibuf_free(b);
		return (-1);
	}
	ibuf_fd_set(b, ibuf_fd_get(imsg->buf));
	imsg_close(ib, b);
	return (1);
}

int
imsg_compose(struct imsgbuf *ib, uint32_t type, uint32_t id, pid_t pid,
    int fd, const void *data, size_t len)
{
	struct iovec	iov;

	memset(&iov, 0, sizeof(iov));
	memcpy(&iov.iov_base, &data, sizeof(data));	/* only read from */
	iov.iov_len = len;
	return (imsg_composev(ib, type, id, pid, fd, &iov, 1));
}

int
imsg_composev(struct imsgbuf *ib, uint32_t type, uint32_t id, pid_t pid,
    int fd, const struct iovec *iov, int iovcnt)
{
	struct ibuf	*b;
	size_t		 len = 0;
	int		 i;

	for (i = 0; i < iovcnt; i++) {
		if (len > SIZE_MAX - iov[i].iov_len) {
			errno = ERANGE;
			return (-1);
		}
		len += iov[i].iov_len;
	}
	if ((b = imsg_create(ib, type, id, pid, len)) == NULL)
		return (-1);
	for (i = 0; i < iovcnt; i++)
		if (ibuf_add(b, iov[i].iov_base, iov[i].iov_len) == -1) {
			ibuf_free(b);
			return (-1);
		}
	ibuf_fd_set(b, fd);
	imsg_close(ib, b);
	return (1);
}

/* Takes buf over, on success and on failure alike. */
int
imsg_compose_ibuf(struct imsgbuf *ib, uint32_t type, uint32_t id, pid_t pid,
    struct ibuf *buf)
{
	struct ibuf	*b;

	if ((b = imsg_create(ib, type, id, pid, ibuf_size(buf))) == NULL ||
	    ibuf_add_ibuf(b, buf) == -1)
		goto fail;
	ibuf_fd_set(b, ibuf_fd_get(buf));
	ibuf_free(buf);
	imsg_close(ib, b);
	return (1);

fail:
	ibuf_free(b);
	ibuf_free(buf);
	return (-1);
}

struct ibuf *
imsg_create(struct imsgbuf *ib, uint32_t type, uint32_t id, pid_t pid,
    size_t len)
{
	struct imsg_hdr	 hdr;
	struct ibuf	*b;

	if (len > ib->maxsize - IMSG_HEADER_SIZE) {
		errno = ERANGE;
		return (NULL);
	}
	memset(&hdr, 0, sizeof(hdr));
	hdr.type = type;
	hdr.peerid = id;
	hdr.pid = (uint32_t)(pid == 0 ? ib->pid : pid);
	if ((b = ibuf_dynamic(len + IMSG_HEADER_SIZE, ib->maxsize)) == NULL)
		return (NULL);
	if (ibuf_add(b, &hdr, sizeof(hdr)) == -1) {
		ibuf_free(b);
		return (NULL);
	}
	return (b);
}

int
imsg_add(struct ibuf *b, const void *data, size_t len)
{
	if (ibuf_add(b, data, len) == -1) {
		ibuf_free(b);
		return (-1);
	}
	return ((int)len);
}

/* The length is known only now. */
void
imsg_close(struct imsgbuf *ib, struct ibuf *b)
{
	uint32_t	len;

	len = (uint32_t)ibuf_size(b);
	if (ibuf_fd_avail(b))
		len |= IMSG_FD_MARK;
	(void)ibuf_set_h32(b, offsetof(struct imsg_hdr, len), len);
	ibuf_close(ib->w, b);
}

void
imsg_free(struct imsg *imsg)
{
	ibuf_free(imsg->buf);
	imsg->buf = NULL;
	imsg->data = NULL;
}
