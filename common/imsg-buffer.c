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

/* core: buffers for messages, their queue, and descriptors in flight; see imsg.h. */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"

#define IOV_BATCH	64
#define FD_QUEUE	4	/* descriptors whose message is not complete yet */

struct msgbuf {
	struct ibufqueue	 bufs;		/* to write */
	uint32_t		 queued;
	size_t			 bytes;
	struct ibufqueue	 rbufs;		/* read, complete */
	struct ibuf		*rpmsg;		/* read, not complete */
	unsigned char		*rhdr;		/* header not complete */
	size_t			 hdrsz;
	size_t			 hdrlen;	/* bytes in rhdr */
	unsigned char		*rbuf;		/* scratch for one read */
	struct ibuf		*(*readhdr)(struct ibuf *, void *, int *);
	void			*rarg;
	int			 rfds[FD_QUEUE];
	size_t			 nrfds;
};

static int	ibuf_realloc(struct ibuf *, size_t);
static void	msgbuf_drain(struct msgbuf *, size_t);
static int	msgbuf_feed(struct msgbuf *, const unsigned char *, size_t);
static int	msgbuf_header(struct msgbuf *);
static int	msgbuf_takefds(struct msgbuf *, struct msghdr *);
static size_t	msgbuf_iov(struct msgbuf *, struct iovec *, int);

struct ibuf *
ibuf_open(size_t len)
{
	if (len == 0) {
		errno = EINVAL;
		return (NULL);
	}
	return (ibuf_dynamic(len, len));
}

struct ibuf *
ibuf_dynamic(size_t len, size_t max)
{
	struct ibuf	*b;

	if (max == 0 || max < len) {
		errno = EINVAL;
		return (NULL);
	}
	if ((b = calloc(1, sizeof(*b))) == NULL)
		return (NULL);
	if (len > 0 && (b->buf = calloc(len, 1)) == NULL) {
		free(b);
		return (NULL);
	}
	b->size = len;
	b->max = max;
	b->fd = -1;
	return (b);
}

static int
ibuf_realloc(struct ibuf *b, size_t len)
{
	unsigned char	*p;
	size_t		 n;

	if (b->max == 0 || b->wpos > b->max || len > b->max - b->wpos) {
		errno = ERANGE;
		return (-1);
	}
	/* Doubling keeps many small additions linear. */
	n = b->size < b->max / 2 ? b->size * 2 : b->max;
	if (n < b->wpos + len)
		n = b->wpos + len;
	if ((p = realloc(b->buf, n)) == NULL)
		return (-1);
	memset(p + b->size, 0, n - b->size);
	b->buf = p;
	b->size = n;
	return (0);
}

void *
ibuf_reserve(struct ibuf *b, size_t len)
{
	void	*p;

	if (b->max == 0 || len > SIZE_MAX - b->wpos) {
		errno = ERANGE;
		return (NULL);
	}
	if (len > b->size - b->wpos && ibuf_realloc(b, len) == -1)
		return (NULL);
	p = b->buf + b->wpos;
	b->wpos += len;
	return (p);
}

int
ibuf_add(struct ibuf *b, const void *data, size_t len)
{
	void	*p;

	if (len == 0)
		return (0);
	if ((p = ibuf_reserve(b, len)) == NULL)
		return (-1);
	memcpy(p, data, len);
	return (0);
}

int
ibuf_add_ibuf(struct ibuf *b, const struct ibuf *from)
{
	return (ibuf_add(b, ibuf_data(from), ibuf_size(from)));
}

int
ibuf_add_zero(struct ibuf *b, size_t len)
{
	void	*p;

	if (len == 0)
		return (0);
	if ((p = ibuf_reserve(b, len)) == NULL)
		return (-1);
	memset(p, 0, len);
	return (0);
}

#define IBUF_ADD(name, type, max, conv)					\
int									\
name(struct ibuf *b, uint64_t value)					\
{									\
	type	v;							\
									\
	if (value > (max)) {						\
		errno = EINVAL;						\
		return (-1);						\
	}								\
	v = conv((type)value);						\
	return (ibuf_add(b, &v, sizeof(v)));				\
}

IBUF_ADD(ibuf_add_n8, uint8_t, UINT8_MAX, )
IBUF_ADD(ibuf_add_n16, uint16_t, UINT16_MAX, htobe16)
IBUF_ADD(ibuf_add_n32, uint32_t, UINT32_MAX, htobe32)
IBUF_ADD(ibuf_add_n64, uint64_t, UINT64_MAX, htobe64)
IBUF_ADD(ibuf_add_h16, uint16_t, UINT16_MAX, )
IBUF_ADD(ibuf_add_h32, uint32_t, UINT32_MAX, )
IBUF_ADD(ibuf_add_h64, uint64_t, UINT64_MAX, )

#define IBUF_SET(name, type, max, conv)					\
int									\
name(struct ibuf *b, size_t pos, uint64_t value)			\
{									\
	type	v;							\
									\
	if (value > (max)) {						\
		errno = EINVAL;						\
		return (-1);						\
	}								\
	v = conv((type)value);						\
	return (ibuf_set(b, pos, &v, sizeof(v)));			\
}

IBUF_SET(ibuf_set_n8, uint8_t, UINT8_MAX, )
IBUF_SET(ibuf_set_n16, uint16_t, UINT16_MAX, htobe16)
IBUF_SET(ibuf_set_n32, uint32_t, UINT32_MAX, htobe32)
IBUF_SET(ibuf_set_n64, uint64_t, UINT64_MAX, htobe64)
IBUF_SET(ibuf_set_h16, uint16_t, UINT16_MAX, )
IBUF_SET(ibuf_set_h32, uint32_t, UINT32_MAX, )
IBUF_SET(ibuf_set_h64, uint64_t, UINT64_MAX, )

#define IBUF_GET(name, type, conv)					\
int									\
name(struct ibuf *b, type *value)					\
{									\
	if (ibuf_get(b, value, sizeof(*value)) == -1)			\
		return (-1);						\
	*value = conv(*value);						\
	return (0);							\
}

IBUF_GET(ibuf_get_n8, uint8_t, )
IBUF_GET(ibuf_get_n16, uint16_t, be16toh)
IBUF_GET(ibuf_get_n32, uint32_t, be32toh)
IBUF_GET(ibuf_get_n64, uint64_t, be64toh)
IBUF_GET(ibuf_get_h16, uint16_t, )
IBUF_GET(ibuf_get_h32, uint32_t, )
IBUF_GET(ibuf_get_h64, uint64_t, )

/* A string in a field of len bytes: zero-filled and NUL-terminated. */
int
ibuf_add_strbuf(struct ibuf *b, const char *s, size_t len)
{
	char	*p;
	size_t	 n;

	if ((n = strlen(s)) >= len) {
		errno = EOVERFLOW;
		return (-1);
	}
	if ((p = ibuf_reserve(b, len)) == NULL)
		return (-1);
	memset(p, 0, len);
	memcpy(p, s, n);
	return (0);
}

void *
ibuf_seek(struct ibuf *b, size_t pos, size_t len)
{
	if (pos > ibuf_size(b) || len > ibuf_size(b) - pos) {
		errno = ERANGE;
		return (NULL);
	}
	return (b->buf + b->rpos + pos);
}

int
ibuf_set(struct ibuf *b, size_t pos, const void *data, size_t len)
{
	void	*p;

	if ((p = ibuf_seek(b, pos, len)) == NULL)
		return (-1);
	if (len)
		memcpy(p, data, len);
	return (0);
}

int
ibuf_set_maxsize(struct ibuf *b, size_t max)
{
	if (b->max == 0 || max > b->max || max < b->wpos) {
		errno = EINVAL;
		return (-1);
	}
	b->max = max;
	return (0);
}

void *
ibuf_data(const struct ibuf *b)
{
	return (b->buf + b->rpos);
}

size_t
ibuf_size(const struct ibuf *b)
{
	return (b->wpos - b->rpos);
}

size_t
ibuf_left(const struct ibuf *b)
{
	return (b->max == 0 ? 0 : b->max - b->wpos);
}

int
ibuf_truncate(struct ibuf *b, size_t len)
{
	if (ibuf_size(b) >= len) {
		b->wpos = b->rpos + len;
		return (0);
	}
	if (b->max == 0) {
		errno = ERANGE;
		return (-1);
	}
	return (ibuf_add_zero(b, len - ibuf_size(b)));
}

void
ibuf_rewind(struct ibuf *b)
{
	b->rpos = 0;
}

void
ibuf_close(struct msgbuf *m, struct ibuf *b)
{
	TAILQ_INSERT_TAIL(&m->bufs, b, entry);
	m->queued++;
	m->bytes += ibuf_size(b);
}

void
ibuf_from_buffer(struct ibuf *b, void *data, size_t len)
{
	memset(b, 0, sizeof(*b));
	b->buf = data;
	b->size = b->wpos = len;
	b->fd = -1;
}

void
ibuf_from_ibuf(struct ibuf *b, const struct ibuf *from)
{
	ibuf_from_buffer(b, ibuf_data(from), ibuf_size(from));
}

int
ibuf_get(struct ibuf *b, void *data, size_t len)
{
	if (ibuf_size(b) < len) {
		errno = EBADMSG;
		return (-1);
	}
	if (len)
		memcpy(data, ibuf_data(b), len);
	b->rpos += len;
	return (0);
}

int
ibuf_get_ibuf(struct ibuf *b, size_t len, struct ibuf *new)
{
	if (ibuf_size(b) < len) {
		errno = EBADMSG;
		return (-1);
	}
	ibuf_from_buffer(new, ibuf_data(b), len);
	b->rpos += len;
	return (0);
}

char *
ibuf_get_string(struct ibuf *b, size_t len)
{
	char	*s;

	if (ibuf_size(b) < len) {
		errno = EBADMSG;
		return (NULL);
	}
	if ((s = strndup(ibuf_data(b), len)) == NULL)
		return (NULL);
	b->rpos += len;
	return (s);
}

int
ibuf_get_strbuf(struct ibuf *b, char *s, size_t len)
{
	if (len == 0) {
		errno = EINVAL;
		return (-1);
	}
	if (ibuf_get(b, s, len) == -1)
		return (-1);
	if (s[len - 1] != '\0') {
		s[len - 1] = '\0';
		errno = EOVERFLOW;
		return (-1);
	}
	return (0);
}

int
ibuf_skip(struct ibuf *b, size_t len)
{
	if (ibuf_size(b) < len) {
		errno = EBADMSG;
		return (-1);
	}
	b->rpos += len;
	return (0);
}

void
ibuf_free(struct ibuf *b)
{
	int	save = errno;

	if (b == NULL)
		return;
	if (b->max != 0) {
		if (b->fd != -1)
			close(b->fd);
		if (b->buf != NULL)
			explicit_bzero(b->buf, b->size);
		free(b->buf);
		free(b);
	}
	errno = save;
}

int
ibuf_fd_avail(struct ibuf *b)
{
	return (b->fd != -1);
}

int
ibuf_fd_get(struct ibuf *b)
{
	int	fd;

	if (b->max == 0)
		return (-1);	/* someone else's memory owns no descriptor */
	fd = b->fd;
	b->fd = -1;
	return (fd);
}

void
ibuf_fd_set(struct ibuf *b, int fd)
{
	if (b->max == 0)
		return;
	if (b->fd != -1)
		close(b->fd);
	b->fd = fd >= 0 ? fd : -1;
}

struct msgbuf *
msgbuf_new(void)
{
	struct msgbuf	*m;

	if ((m = calloc(1, sizeof(*m))) == NULL)
		return (NULL);
	TAILQ_INIT(&m->bufs);
	TAILQ_INIT(&m->rbufs);
	return (m);
}

struct msgbuf *
msgbuf_new_reader(size_t hdrsz,
    struct ibuf *(*readhdr)(struct ibuf *, void *, int *), void *arg)
{
	struct msgbuf	*m;

	if (hdrsz == 0 || hdrsz > IBUF_READ_SIZE / 2) {
		errno = EINVAL;
		return (NULL);
	}
	if ((m = msgbuf_new()) == NULL)
		return (NULL);
	if ((m->rhdr = calloc(1, hdrsz)) == NULL ||
	    (m->rbuf = malloc(IBUF_READ_SIZE)) == NULL) {
		msgbuf_free(m);
		return (NULL);
	}
	m->hdrsz = hdrsz;
	m->readhdr = readhdr;
	m->rarg = arg;
	return (m);
}

void
msgbuf_free(struct msgbuf *m)
{
	if (m == NULL)
		return;
	msgbuf_clear(m);
	free(m->rhdr);
	if (m->rbuf != NULL)
		explicit_bzero(m->rbuf, IBUF_READ_SIZE);
	free(m->rbuf);
	free(m);
}

void
msgbuf_clear(struct msgbuf *m)
{
	struct ibuf	*b;
	size_t		 i;

	while ((b = TAILQ_FIRST(&m->bufs)) != NULL) {
		TAILQ_REMOVE(&m->bufs, b, entry);
		ibuf_free(b);
	}
	m->queued = 0;
	m->bytes = 0;
	while ((b = TAILQ_FIRST(&m->rbufs)) != NULL) {
		TAILQ_REMOVE(&m->rbufs, b, entry);
		ibuf_free(b);
	}
	ibuf_free(m->rpmsg);
	m->rpmsg = NULL;
	m->hdrlen = 0;
	for (i = 0; i < m->nrfds; i++)
		close(m->rfds[i]);
	m->nrfds = 0;
}

void
msgbuf_concat(struct msgbuf *m, struct ibufqueue *q)
{
	struct ibuf	*b;

	while ((b = TAILQ_FIRST(q)) != NULL) {
		TAILQ_REMOVE(q, b, entry);
		ibuf_close(m, b);
	}
}

uint32_t
msgbuf_queuelen(struct msgbuf *m)
{
	return (m->queued);
}

size_t
msgbuf_bytes(const struct msgbuf *m)
{
	return (m->bytes);
}

struct ibuf *
msgbuf_get(struct msgbuf *m)
{
	struct ibuf	*b;

	if ((b = TAILQ_FIRST(&m->rbufs)) != NULL)
		TAILQ_REMOVE(&m->rbufs, b, entry);
	return (b);
}

/* n bytes have left: forget them. */
static void
msgbuf_drain(struct msgbuf *m, size_t n)
{
	struct ibuf	*b;

	m->bytes -= n;
	while ((b = TAILQ_FIRST(&m->bufs)) != NULL) {
		if (n < ibuf_size(b)) {
			b->rpos += n;
			return;
		}
		n -= ibuf_size(b);
		TAILQ_REMOVE(&m->bufs, b, entry);
		m->queued--;
		ibuf_free(b);
	}
}

/* A descriptor travels with the first byte of its message, so a message that
 * has one starts a batch of its own. */
static size_t
msgbuf_iov(struct msgbuf *m, struct iovec *iov, int fds)
{
	struct ibuf	*b;
	size_t		 n = 0;

	TAILQ_FOREACH(b, &m->bufs, entry) {
		if (n == IOV_BATCH || (fds && n > 0 && b->fd != -1))
			break;
		iov[n].iov_base = ibuf_data(b);
		iov[n].iov_len = ibuf_size(b);
		n++;
	}
	return (n);
}

int
ibuf_write(int fd, struct msgbuf *m)
{
	struct iovec	iov[IOV_BATCH];
	ssize_t		n;
	size_t		count;

	while ((count = msgbuf_iov(m, iov, 0)) > 0) {
		if ((n = writev(fd, iov, (int)count)) == -1) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN || errno == ENOBUFS)
				return (0);
			return (-1);
		}
		msgbuf_drain(m, (size_t)n);
	}
	return (0);
}

int
msgbuf_write(int fd, struct msgbuf *m)
{
	union {
		struct cmsghdr	hdr;
		unsigned char	buf[CMSG_SPACE(sizeof(int))];
	} cm;
	struct iovec	 iov[IOV_BATCH];
	struct msghdr	 msg;
	struct cmsghdr	*cmsg;
	struct ibuf	*b;
	ssize_t		 n;
	size_t		 count;

	while ((count = msgbuf_iov(m, iov, 1)) > 0) {
		b = TAILQ_FIRST(&m->bufs);
		memset(&msg, 0, sizeof(msg));
		memset(&cm, 0, sizeof(cm));
		msg.msg_iov = iov;
		msg.msg_iovlen = count;
		if (b->fd != -1) {
			msg.msg_control = cm.buf;
			msg.msg_controllen = sizeof(cm.buf);
			cmsg = CMSG_FIRSTHDR(&msg);
			cmsg->cmsg_len = CMSG_LEN(sizeof(int));
			cmsg->cmsg_level = SOL_SOCKET;
			cmsg->cmsg_type = SCM_RIGHTS;
			memcpy(CMSG_DATA(cmsg), &b->fd, sizeof(int));
		}
		if ((n = sendmsg(fd, &msg, MSG_NOSIGNAL)) == -1) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN || errno == ENOBUFS)
				return (0);
			return (-1);
		}
		/* It has left with the first byte, whatever the count. */
		if (b->fd != -1) {
			close(b->fd);
			b->fd = -1;
		}
		msgbuf_drain(m, (size_t)n);
	}
	return (0);
}

/* A header is complete: make the buffer of its message. */
static int
msgbuf_header(struct msgbuf *m)
{
	struct ibuf	 hdr;
	int		 fd, had;

	ibuf_from_buffer(&hdr, m->rhdr, m->hdrsz);
	had = m->nrfds > 0;
	fd = had ? m->rfds[0] : -1;
	errno = EBADMSG;
	m->rpmsg = m->readhdr(&hdr, m->rarg, &fd);
	if (had && fd == -1) {
		m->nrfds--;
		memmove(&m->rfds[0], &m->rfds[1], m->nrfds * sizeof(int));
	}
	if (m->rpmsg == NULL)
		return (-1);
	m->hdrlen = 0;
	if (ibuf_add(m->rpmsg, m->rhdr, m->hdrsz) == -1) {
		errno = EBADMSG;
		return (-1);
	}
	return (0);
}

static int
msgbuf_feed(struct msgbuf *m, const unsigned char *p, size_t len)
{
	size_t	n;

	while (len > 0 || (m->rpmsg != NULL && ibuf_left(m->rpmsg) == 0)) {
		if (m->rpmsg == NULL) {
			n = m->hdrsz - m->hdrlen;
			if (n > len)
				n = len;
			memcpy(m->rhdr + m->hdrlen, p, n);
			m->hdrlen += n;
			p += n;
			len -= n;
			if (m->hdrlen == m->hdrsz && msgbuf_header(m) == -1)
				return (-1);
			continue;
		}
		n = ibuf_left(m->rpmsg);
		if (n > len)
			n = len;
		if (ibuf_add(m->rpmsg, p, n) == -1)
			return (-1);
		p += n;
		len -= n;
		if (ibuf_left(m->rpmsg) == 0) {
			TAILQ_INSERT_TAIL(&m->rbufs, m->rpmsg, entry);
			m->rpmsg = NULL;
		}
	}
	/* Between two messages no descriptor can be on its way. */
	if (m->nrfds > 0 && m->rpmsg == NULL && m->hdrlen == 0) {
		errno = EBADMSG;
		return (-1);
	}
	return (0);
}

/* Keep the descriptors of one recvmsg; every one is queued or closed. */
static int
msgbuf_takefds(struct msgbuf *m, struct msghdr *msg)
{
	struct cmsghdr	*cmsg;
	size_t		 i, n;
	int		 fd, bad = 0, got = 0;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL;
	    cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int),
			    sizeof(int));
			if (got++ > 0 || m->nrfds == FD_QUEUE) {
				close(fd);
				bad = EBADMSG;
			} else
				m->rfds[m->nrfds++] = fd;
		}
	}
	/* Cut short: more than one came, or our table of files is full. */
	if (msg->msg_flags & MSG_CTRUNC)
		bad = got ? EBADMSG : EMFILE;
	if (bad) {
		errno = bad;
		return (-1);
	}
	return (0);
}

int
ibuf_read(int fd, struct msgbuf *m)
{
	ssize_t	n;

	if (m->rbuf == NULL) {
		errno = EINVAL;
		return (-1);
	}
	do {
		n = read(fd, m->rbuf, IBUF_READ_SIZE);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return (errno == EAGAIN ? 1 : -1);
	if (n == 0)
		return (0);
	return (msgbuf_feed(m, m->rbuf, (size_t)n) == -1 ? -1 : 1);
}

int
msgbuf_read(int fd, struct msgbuf *m)
{
	union {
		struct cmsghdr	hdr;
		unsigned char	buf[CMSG_SPACE(sizeof(int))];
	} cm;
	struct msghdr	msg;
	struct iovec	iov;
	ssize_t		n;

	if (m->rbuf == NULL) {
		errno = EINVAL;
		return (-1);
	}
	do {
		memset(&msg, 0, sizeof(msg));
		memset(&cm, 0, sizeof(cm));
		iov.iov_base = m->rbuf;
		iov.iov_len = IBUF_READ_SIZE;
		msg.msg_iov = &iov;
		msg.msg_iovlen = 1;
		msg.msg_control = cm.buf;
		msg.msg_controllen = sizeof(cm.buf);
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return (errno == EAGAIN ? 1 : -1);
	if (msgbuf_takefds(m, &msg) == -1)
		return (-1);
	if (n == 0)
		return (0);
	return (msgbuf_feed(m, m->rbuf, (size_t)n) == -1 ? -1 : 1);
}
