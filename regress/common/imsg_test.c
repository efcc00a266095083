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

/* Tests of common/imsg.c and imsg-buffer.c. */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"

#define MARK	0x80000000U

static int	nfds(void);
static void	pair(struct imsgbuf *, struct imsgbuf *, int);
static void	raw_send(int, const void *, size_t, const int *, size_t);
static int	same_file(int, int);
static void	unpair(struct imsgbuf *, struct imsgbuf *);

static int
nfds(void)
{
	int	i, n = 0;

	for (i = 0; i < 256; i++)
		if (fcntl(i, F_GETFD) != -1)
			n++;
	return (n);
}

static void
pair(struct imsgbuf *a, struct imsgbuf *b, int fdpass)
{
	int	sv[2];

	ATF_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    sv) == 0);
	ATF_REQUIRE(imsgbuf_init(a, sv[0]) == 0);
	ATF_REQUIRE(imsgbuf_init(b, sv[1]) == 0);
	if (fdpass) {
		imsgbuf_allow_fdpass(a);
		imsgbuf_allow_fdpass(b);
	}
}

static void
unpair(struct imsgbuf *a, struct imsgbuf *b)
{
	close(a->fd);
	close(b->fd);
	imsgbuf_clear(a);
	imsgbuf_clear(b);
}

/* Bytes and descriptors as a hostile peer may send them. */
static void
raw_send(int s, const void *data, size_t len, const int *fds, size_t n)
{
	union {
		struct cmsghdr	hdr;
		unsigned char	buf[CMSG_SPACE(8 * sizeof(int))];
	} cm;
	struct msghdr	 msg;
	struct iovec	 iov;
	struct cmsghdr	*cmsg;

	memset(&msg, 0, sizeof(msg));
	memset(&cm, 0, sizeof(cm));
	memcpy(&iov.iov_base, &data, sizeof(data));
	iov.iov_len = len;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	if (n > 0) {
		msg.msg_control = cm.buf;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
	}
	ATF_REQUIRE_EQ((ssize_t)len, sendmsg(s, &msg, 0));
}

static int
same_file(int a, int b)
{
	struct stat	sa, sb;

	return (fstat(a, &sa) == 0 && fstat(b, &sb) == 0 &&
	    sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino);
}

ATF_TC_WITHOUT_HEAD(buffers);
ATF_TC_BODY(buffers, tc)
{
	static const unsigned char wire[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
	    11, 12, 13, 14, 15 };
	struct ibuf	*b, in, sub;
	uint64_t	 u64;
	uint32_t	 u32;
	uint16_t	 u16;
	uint8_t		 u8;
	char		 s[8];

	ATF_REQUIRE((b = ibuf_dynamic(1, 64)) != NULL);
	ATF_CHECK_EQ(0, ibuf_add_n8(b, 1));
	ATF_CHECK_EQ(0, ibuf_add_n16(b, 0x0203));
	ATF_CHECK_EQ(0, ibuf_add_n32(b, 0x04050607));
	ATF_CHECK_EQ(0, ibuf_add_n64(b, 0x08090a0b0c0d0e0fULL));
	ATF_CHECK_EQ(sizeof(wire), ibuf_size(b));
	ATF_CHECK_EQ(0, memcmp(wire, ibuf_data(b), sizeof(wire)));
	ATF_CHECK_EQ(-1, ibuf_add_n8(b, 256));
	ATF_CHECK_EQ(-1, ibuf_add_n16(b, 65536));
	ATF_CHECK_EQ(-1, ibuf_add_n32(b, 0x100000000ULL));
	ATF_CHECK_EQ(64 - sizeof(wire), ibuf_left(b));
	ATF_CHECK_EQ(-1, ibuf_add_zero(b, 50));
	ATF_CHECK_EQ(ERANGE, errno);
	ATF_CHECK_EQ(0, ibuf_add_zero(b, 49));
	ATF_CHECK_EQ(-1, ibuf_add(b, "x", 1));
	ATF_CHECK_EQ(0, ibuf_set_n16(b, 62, 0xaabb));
	ATF_CHECK_EQ(-1, ibuf_set_n16(b, 63, 0xaabb));
	ATF_CHECK(ibuf_seek(b, 65, 0) == NULL);
	ATF_CHECK(ibuf_seek(b, 0, (size_t)-1) == NULL);
	ATF_CHECK(ibuf_seek(b, (size_t)-1, 2) == NULL);
	ATF_CHECK_EQ(0, ibuf_truncate(b, sizeof(wire)));

	ibuf_from_ibuf(&in, b);
	ATF_CHECK_EQ(0, ibuf_get_n8(&in, &u8));
	ATF_CHECK_EQ(0, ibuf_get_n16(&in, &u16));
	ATF_CHECK_EQ(0, ibuf_get_n32(&in, &u32));
	ATF_CHECK_EQ(-1, ibuf_get_ibuf(&in, 9, &sub));
	ATF_CHECK_EQ(0, ibuf_get_ibuf(&in, 8, &sub));
	ATF_CHECK_EQ(0, ibuf_get_n64(&sub, &u64));
	ATF_CHECK_EQ(1, u8);
	ATF_CHECK_EQ(0x0203, u16);
	ATF_CHECK_EQ(0x04050607, u32);
	ATF_CHECK_EQ(0x08090a0b0c0d0e0fULL, u64);
	ATF_CHECK_EQ(-1, ibuf_get_n8(&in, &u8));
	ATF_CHECK_EQ(EBADMSG, errno);
	ATF_CHECK_EQ(-1, ibuf_add(&in, "x", 1));	/* not its memory */
	ibuf_rewind(&in);
	ATF_CHECK_EQ(sizeof(wire), ibuf_size(&in));
	ATF_CHECK_EQ(-1, ibuf_skip(&in, sizeof(wire) + 1));
	ibuf_free(b);

	ATF_REQUIRE((b = ibuf_open(8)) != NULL);
	ATF_CHECK_EQ(-1, ibuf_add_strbuf(b, "12345678", 8));
	ATF_CHECK_EQ(0, ibuf_add_strbuf(b, "1234567", 8));
	ATF_CHECK_EQ(0, ibuf_get_strbuf(b, s, 8));
	ATF_CHECK_STREQ("1234567", s);
	ibuf_rewind(b);
	ATF_CHECK_EQ(0, ibuf_set(b, 7, "8", 1));
	ATF_CHECK_EQ(-1, ibuf_get_strbuf(b, s, 8));
	ATF_CHECK_EQ(EOVERFLOW, errno);
	ibuf_free(b);
	ATF_CHECK(ibuf_open(0) == NULL);
	ATF_CHECK(ibuf_dynamic(2, 1) == NULL);
}

ATF_TC_WITHOUT_HEAD(round_trip);
ATF_TC_BODY(round_trip, tc)
{
	struct imsgbuf	a, b;
	struct imsg	m;
	struct ibuf	*w, r;
	uint32_t	v, i;

	pair(&a, &b, 0);
	for (i = 0; i < 100; i++)
		ATF_REQUIRE_EQ(1, imsg_compose(&a, 1000 + i, i, 77, -1, &i,
		    i == 0 ? 0 : sizeof(i)));
	ATF_REQUIRE((w = imsg_create(&a, 5, 6, 0, 4)) != NULL);
	ATF_CHECK_EQ(4, imsg_add(w, "abcd", 4));
	imsg_close(&a, w);
	ATF_CHECK_EQ(101, imsgbuf_queuelen(&a));
	ATF_REQUIRE_EQ(0, imsgbuf_flush(&a));
	ATF_CHECK_EQ(0, imsgbuf_queuelen(&a));
	ATF_CHECK_EQ(0, imsg_get(&b, &m));
	ATF_REQUIRE_EQ(1, imsgbuf_read(&b));
	for (i = 0; i < 100; i++) {
		ATF_REQUIRE(imsg_get(&b, &m) > 0);
		ATF_CHECK_EQ(1000 + i, imsg_get_type(&m));
		ATF_CHECK_EQ(i, imsg_get_id(&m));
		ATF_CHECK_EQ(77, imsg_get_pid(&m));
		ATF_CHECK_EQ(-1, imsg_get_fd(&m));
		if (i == 0) {
			ATF_CHECK_EQ(0, imsg_get_len(&m));
			ATF_CHECK_EQ(-1, imsg_get_ibuf(&m, &r));
		} else {
			ATF_CHECK_EQ(-1, imsg_get_data(&m, &v, 3));
			ATF_CHECK_EQ(0, imsg_get_data(&m, &v, sizeof(v)));
			ATF_CHECK_EQ(i, v);
		}
		imsg_free(&m);
	}
	ATF_REQUIRE_EQ(1, imsgbuf_get(&b, &m));
	ATF_CHECK_EQ(getpid(), imsg_get_pid(&m));
	ATF_CHECK_EQ(0, imsg_get_ibuf(&m, &r));
	ATF_CHECK_EQ(4, ibuf_size(&r));
	imsg_free(&m);
	ATF_CHECK_EQ(1, imsgbuf_read(&b));	/* EAGAIN */
	close(a.fd);
	ATF_CHECK_EQ(0, imsgbuf_read(&b));
	a.fd = dup(b.fd);
	unpair(&a, &b);
}

/* Every way of cutting a message: nothing before it is whole, all after. */
ATF_TC_WITHOUT_HEAD(every_prefix);
ATF_TC_BODY(every_prefix, tc)
{
	struct imsgbuf	a, b;
	struct imsg	m;
	struct imsg_hdr	hdr = { 42, sizeof(hdr) + 8, 1, 2 };
	unsigned char	wire[sizeof(hdr) + 8];
	size_t		n;

	memcpy(wire, &hdr, sizeof(hdr));
	memcpy(wire + sizeof(hdr), "12345678", 8);
	for (n = 0; n <= sizeof(wire); n++) {
		pair(&a, &b, 1);
		if (n > 0) {
			raw_send(a.fd, wire, n, NULL, 0);
			ATF_CHECK_EQ(1, imsgbuf_read(&b));
		}
		if (n < sizeof(wire)) {
			ATF_CHECK_EQ_MSG(0, imsg_get(&b, &m),
			    "%zu bytes accepted", n);
			raw_send(a.fd, wire + n, sizeof(wire) - n, NULL, 0);
			ATF_CHECK_EQ(1, imsgbuf_read(&b));
		}
		ATF_REQUIRE_EQ((ssize_t)sizeof(wire), imsg_get(&b, &m));
		ATF_CHECK_EQ(42, imsg_get_type(&m));
		ATF_CHECK_EQ(8, imsg_get_len(&m));
		imsg_free(&m);
		unpair(&a, &b);
	}
}

ATF_TC_WITHOUT_HEAD(bad_length);
ATF_TC_BODY(bad_length, tc)
{
	static const uint32_t	bad[] = { 0, 1, 15, 101, 0x7fffffff,
	    0xffffffff, MARK, MARK | 16 };
	struct imsgbuf		a, b;
	struct imsg		m;
	struct imsg_hdr		hdr;
	char			body[84];
	size_t			i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pair(&a, &b, i % 2 == 0);
		ATF_REQUIRE_EQ(0, imsgbuf_set_maxsize(&b, 100));
		memset(&hdr, 0, sizeof(hdr));
		hdr.len = bad[i];
		raw_send(a.fd, &hdr, sizeof(hdr), NULL, 0);
		ATF_CHECK_EQ_MSG(-1, imsgbuf_read(&b), "length %x", bad[i]);
		ATF_CHECK(errno == ERANGE || errno == EBADMSG);
		ATF_CHECK_EQ(0, imsg_get(&b, &m));
		unpair(&a, &b);
	}
	pair(&a, &b, 0);
	ATF_REQUIRE_EQ(0, imsgbuf_set_maxsize(&b, 100));
	ATF_REQUIRE_EQ(0, imsgbuf_set_maxsize(&a, 100));
	memset(body, 0, sizeof(body));
	ATF_CHECK_EQ(1, imsg_compose(&a, 1, 0, 0, -1, body, 84));
	ATF_CHECK_EQ(-1, imsg_compose(&a, 1, 0, 0, -1, body, 85));
	ATF_CHECK_EQ(ERANGE, errno);
	ATF_REQUIRE_EQ(0, imsgbuf_flush(&a));
	ATF_REQUIRE_EQ(1, imsgbuf_read(&b));
	ATF_REQUIRE_EQ(100, imsg_get(&b, &m));
	imsg_free(&m);
	ATF_CHECK_EQ(-1, imsgbuf_set_maxsize(&a, 15));
	unpair(&a, &b);
}

ATF_TC_WITHOUT_HEAD(descriptors);
ATF_TC_BODY(descriptors, tc)
{
	struct imsgbuf	a, b, c, d;
	struct imsg	m;
	int		before = nfds(), fds[5], got, i;
	char		path[] = "imsg.XXXXXX";

	pair(&a, &b, 1);
	for (i = 0; i < 5; i++) {
		memcpy(path, "imsg.XXXXXX", sizeof(path));
		ATF_REQUIRE((fds[i] = mkstemp(path)) != -1);
		ATF_REQUIRE_EQ(1, imsg_compose(&a, (uint32_t)i, 0, 0,
		    i == 2 ? -1 : dup(fds[i]), "x", 1));
	}
	ATF_REQUIRE_EQ(0, imsgbuf_flush(&a));
	for (i = 0; i < 5; i++) {
		while (imsg_get(&b, &m) == 0)
			ATF_REQUIRE_EQ(1, imsgbuf_read(&b));
		ATF_CHECK_EQ((uint32_t)i, imsg_get_type(&m));
		if (i == 3) {		/* unclaimed: imsg_free closes it */
			imsg_free(&m);
			continue;
		}
		got = imsg_get_fd(&m);
		ATF_CHECK_EQ(-1, imsg_get_fd(&m));
		if (i == 2)
			ATF_CHECK_EQ(-1, got);
		else {
			ATF_CHECK(same_file(got, fds[i]));
			ATF_CHECK(fcntl(got, F_GETFD) & FD_CLOEXEC);
			close(got);
		}
		imsg_free(&m);
	}
	/* Forwarded with its descriptor. */
	pair(&c, &d, 1);
	ATF_REQUIRE_EQ(1, imsg_compose(&a, 9, 8, 7, dup(fds[0]), "abc", 3));
	ATF_REQUIRE_EQ(0, imsgbuf_flush(&a));
	ATF_REQUIRE_EQ(1, imsgbuf_read(&b));
	ATF_REQUIRE(imsg_get(&b, &m) > 0);
	ATF_REQUIRE_EQ(1, imsg_forward(&c, &m));
	imsg_free(&m);
	ATF_REQUIRE_EQ(0, imsgbuf_flush(&c));
	ATF_REQUIRE_EQ(1, imsgbuf_read(&d));
	ATF_REQUIRE_EQ(19, imsg_get(&d, &m));
	ATF_CHECK_EQ(9, imsg_get_type(&m));
	ATF_CHECK_EQ(8, imsg_get_id(&m));
	got = imsg_get_fd(&m);
	ATF_CHECK(same_file(got, fds[0]));
	close(got);
	imsg_free(&m);
	/* Still queued, still unread: the buffers close them. */
	ATF_REQUIRE_EQ(1, imsg_compose(&c, 1, 0, 0, dup(fds[0]), "x", 1));
	ATF_REQUIRE_EQ(1, imsg_compose(&a, 1, 0, 0, dup(fds[0]), "x", 1));
	ATF_REQUIRE_EQ(0, imsgbuf_flush(&a));
	ATF_REQUIRE_EQ(1, imsgbuf_read(&b));
	unpair(&a, &b);
	unpair(&c, &d);
	for (i = 0; i < 5; i++)
		close(fds[i]);
	ATF_CHECK_EQ(before, nfds());
}

/* What a hostile peer does with descriptors: refused, and none is kept. */
ATF_TC_WITHOUT_HEAD(hostile_descriptors);
ATF_TC_BODY(hostile_descriptors, tc)
{
	struct imsgbuf	a, b;
	struct imsg	m;
	struct imsg_hdr	hdr;
	int		before = nfds(), fds[8], i;

	memset(&hdr, 0, sizeof(hdr));
	hdr.type = 1;
	for (i = 0; i < 8; i++)
		fds[i] = 0;
	/* no mark */
	pair(&a, &b, 1);
	hdr.len = sizeof(hdr);
	raw_send(a.fd, &hdr, sizeof(hdr), fds, 1);
	ATF_CHECK_EQ(-1, imsgbuf_read(&b));
	ATF_CHECK_EQ(EBADMSG, errno);
	unpair(&a, &b);
	/* a mark, none came */
	pair(&a, &b, 1);
	hdr.len = sizeof(hdr) | MARK;
	raw_send(a.fd, &hdr, sizeof(hdr), NULL, 0);
	ATF_CHECK_EQ(-1, imsgbuf_read(&b));
	ATF_CHECK_EQ(EBADMSG, errno);
	unpair(&a, &b);
	/* two or more for one message */
	for (i = 2; i <= 8; i++) {
		pair(&a, &b, 1);
		raw_send(a.fd, &hdr, sizeof(hdr), fds, (size_t)i);
		ATF_CHECK_EQ(-1, imsgbuf_read(&b));
		ATF_CHECK_EQ(0, imsg_get(&b, &m));
		unpair(&a, &b);
	}
	/* many, one byte of a message each */
	pair(&a, &b, 1);
	for (i = 0; i < 8; i++)
		raw_send(a.fd, (unsigned char *)&hdr + i, 1, fds, 1);
	for (i = 0; i < 8; i++)
		if (imsgbuf_read(&b) == -1)
			break;
	ATF_CHECK(i < 8);
	unpair(&a, &b);
	/* where none may come */
	pair(&a, &b, 0);
	raw_send(a.fd, &hdr, sizeof(hdr), fds, 1);
	ATF_CHECK_EQ(-1, imsgbuf_read(&b));
	unpair(&a, &b);
	pair(&a, &b, 0);
	hdr.len = sizeof(hdr);
	raw_send(a.fd, &hdr, sizeof(hdr), fds, 1);
	ATF_CHECK_EQ(1, imsgbuf_read(&b));
	ATF_REQUIRE(imsg_get(&b, &m) > 0);
	ATF_CHECK_EQ(-1, imsg_get_fd(&m));
	imsg_free(&m);
	unpair(&a, &b);
	ATF_CHECK_EQ(before, nfds());
}

/* A peer that does not read: nothing is lost, nothing goes twice. */
ATF_TC_WITHOUT_HEAD(full);
ATF_TC_BODY(full, tc)
{
	struct imsgbuf	 a, b;
	struct imsg	 m;
	int		 before = nfds(), small = 4096, got, n = 0;
	unsigned char	*body;
	uint32_t	 i;

	ATF_REQUIRE((body = malloc(100000)) != NULL);
	memset(body, 'v', 100000);
	pair(&a, &b, 1);
	ATF_REQUIRE_EQ(0, setsockopt(a.fd, SOL_SOCKET, SO_SNDBUF, &small,
	    sizeof(small)));
	ATF_REQUIRE_EQ(0, imsgbuf_set_maxsize(&a, 200000));
	ATF_REQUIRE_EQ(0, imsgbuf_set_maxsize(&b, 200000));
	for (i = 0; i < 20; i++)
		ATF_REQUIRE_EQ(1, imsg_compose(&a, i, 0, 0,
		    i % 3 == 0 ? dup(0) : -1, body, 100000));
	ATF_REQUIRE_EQ(0, imsgbuf_write(&a));
	ATF_CHECK(imsgbuf_queuelen(&a) > 0);
	for (i = 0; i < 20;) {
		ATF_REQUIRE(n++ < 100000);
		ATF_REQUIRE_EQ(0, imsgbuf_write(&a));
		ATF_REQUIRE_EQ(1, imsgbuf_read(&b));
		while (imsg_get(&b, &m) > 0) {
			ATF_CHECK_EQ(i, imsg_get_type(&m));
			ATF_CHECK_EQ(100000, imsg_get_len(&m));
			got = imsg_get_fd(&m);
			ATF_CHECK_EQ(i % 3 == 0, got != -1);
			if (got != -1)
				close(got);
			imsg_free(&m);
			i++;
		}
	}
	ATF_CHECK_EQ(0, imsgbuf_queuelen(&a));
	/* The reader has gone: an error, no signal. */
	close(b.fd);
	b.fd = dup(a.fd);
	ATF_REQUIRE_EQ(1, imsg_compose(&a, 1, 0, 0, -1, "x", 1));
	ATF_CHECK_EQ(-1, imsgbuf_write(&a));
	unpair(&a, &b);
	free(body);
	ATF_CHECK_EQ(before, nfds());
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, buffers);
	ATF_TP_ADD_TC(tp, round_trip);
	ATF_TP_ADD_TC(tp, every_prefix);
	ATF_TP_ADD_TC(tp, bad_length);
	ATF_TP_ADD_TC(tp, descriptors);
	ATF_TP_ADD_TC(tp, hostile_descriptors);
	ATF_TP_ADD_TC(tp, full);
	return (atf_no_error());
}
