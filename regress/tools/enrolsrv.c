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
 * For tests: the other side of viprctl overlay.  An HTTPS server that gives
 * out a configuration document and enrols as RFC 6940, 11.3 says, with parsers
 * of its own; what is signed is decided by a program.  Answers the DNS too,
 * and misbehaves when told.
 *
 *	enrolsrv [-a account:password] [-d document] [-h host] [-m mode]
 *	    [-n srv | none | dot] [-x program] certificate key folder
 *
 * The first line of its output is its port, of TCP and of UDP.  The program
 * gets the file of a request in DER, and the file to write a certificate in DER
 * to; when it fails, what it says is the reason.  In the folder stand the last
 * head and form, the names in it, and the request.
 *
 * Modes of a good answer: chunked, interim (1xx before it), close (no length),
 * nonotify (nor a word at the end of TLS), type=TYPE.  Of a bad one: cut (close
 * and nonotify), truncate, twice, token=WORD, status=NUMBER, redirect, garbage,
 * nothttp, slow, huge, head (without end), silent, plain (no TLS).
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netinet/in.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cursor.h"

#define REQUEST_MAX	(128 * 1024)
#define PATIENCE_S	20

struct form {
	char	fo_account[256], fo_password[256];
	char	fo_names[256];		/* "username password csr" */
	char	fo_csrtype[64];
	uint8_t	fo_csr[16384];
	size_t	fo_csrlen;
};

static void	 serve(int);
static int	 request_read(SSL *, char *, size_t, size_t *);
static void	 answer(SSL *, const char *, size_t);
static int	 form_read(const char *, const char *, size_t, struct form *);
static int	 form_part(const char *, size_t, struct form *);
static size_t	 sign(const struct form *, uint8_t *, size_t, char *, size_t);
static void	 send_answer(SSL *, unsigned, const char *, const void *, size_t);
static void	 send_text(SSL *, const char *);
static int	 misbehave(SSL *, const char *);
static void	 keep(const char *, const void *, size_t);
static size_t	 load(const char *, void *, size_t);
static void	 dns(int);
static int	 listener(int, in_port_t *);

static const char	*account, *document, *host = "127.0.0.1", *mode = "";
static const char	*folder, *names = "srv", *program;
static in_port_t	 port;
static SSL_CTX		*ctx;

static void
keep(const char *name, const void *p, size_t len)
{
	char	path[1024];
	FILE	*f;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	if ((f = fopen(path, "w")) == NULL || fwrite(p, 1, len, f) != len ||
	    fclose(f) != 0)
		err(1, "%s", path);
}

static size_t
load(const char *path, void *p, size_t max)
{
	FILE	*f;
	size_t	 n;

	if ((f = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	n = fread(p, 1, max, f);
	(void)fclose(f);
	return (n);
}

/* -- answers -- */

static void
send_text(SSL *ssl, const char *s)
{
	(void)SSL_write(ssl, s, (int)strlen(s));
}

static void
send_answer(SSL *ssl, unsigned status, const char *type, const void *p,
    size_t len)
{
	char	head[512];
	size_t	half = len / 2;

	if (strncmp(mode, "type=", 5) == 0)
		type = mode + 5;
	if (strcmp(mode, "interim") == 0)
		send_text(ssl, "HTTP/1.1 100 Continue\r\n\r\n");
	if (strcmp(mode, "chunked") == 0) {
		(void)snprintf(head, sizeof(head), "HTTP/1.1 %u X\r\n"
		    "Transfer-Encoding: chunked\r\nContent-Type: %s; q=1\r\n\r\n"
		    "%zx;note=x\r\n", status, type, half);
		send_text(ssl, head);
		if (half > 0)
			(void)SSL_write(ssl, p, (int)half);
		(void)snprintf(head, sizeof(head), "\r\n%zX\r\n", len - half);
		send_text(ssl, head);
		(void)SSL_write(ssl, (const char *)p + half, (int)(len - half));
		send_text(ssl, "\r\n0\r\nTrailer: x\r\n\r\n");
		return;
	}
	if (strcmp(mode, "close") == 0 || strcmp(mode, "cut") == 0)
		(void)snprintf(head, sizeof(head), "HTTP/1.0 %u ok\r\n"
		    "Content-type: %s\r\n\r\n", status, type);
	else
		(void)snprintf(head, sizeof(head), "HTTP/1.1 %u X\r\n"
		    "Content-Type: %s\r\nContent-Length: %zu\r\n"
		    "Connection: close\r\n\r\n", status, type,
		    strcmp(mode, "truncate") == 0 ? len + 1 : len);
	send_text(ssl, head);
	if (len > 0)
		(void)SSL_write(ssl, p, (int)len);
}

/* 1 when the mode is an answer by itself. */
static int
misbehave(SSL *ssl, const char *path)
{
	static char	junk[16384];
	char		buf[16];
	unsigned	status;
	int		i;

	if (strncmp(mode, "token=", 6) == 0)
		send_answer(ssl, 403, "text/plain; charset=utf-8", mode + 6,
		    strlen(mode + 6));
	else if (strncmp(mode, "status=", 7) == 0) {
		status = (unsigned)strtonum(mode + 7, 100, 999, NULL);
		send_answer(ssl, status, "text/html", "<p>no</p>", 9);
	} else if (strcmp(mode, "redirect") == 0)
		send_text(ssl, "HTTP/1.1 302 Found\r\nLocation: "
		    "https://evil.test/x\r\nContent-Length: 0\r\n\r\n");
	else if (strcmp(mode, "garbage") == 0) {
		memset(junk, 'x', 300);
		send_answer(ssl, 200, path[1] == '.' ?
		    "application/p2p-overlay+xml" : "application/pkix-cert",
		    junk, 300);
	} else if (strcmp(mode, "nothttp") == 0)
		send_text(ssl, "220 mail.example ESMTP\r\n");
	else if (strcmp(mode, "slow") == 0) {
		send_text(ssl, "HTTP/1.1 200 OK\r\n");
		(void)SSL_read(ssl, buf, sizeof(buf));
	} else if (strcmp(mode, "huge") == 0) {
		send_text(ssl, "HTTP/1.0 200 OK\r\n\r\n");
		for (i = 0; i < 1000 && SSL_write(ssl, junk, sizeof(junk)) > 0;)
			i++;
	} else if (strcmp(mode, "head") == 0) {
		send_text(ssl, "HTTP/1.1 200 OK\r\nX: ");
		memset(junk, 'x', sizeof(junk));
		for (i = 0; i < 1000 && SSL_write(ssl, junk, sizeof(junk)) > 0;)
			i++;
	} else
		return (0);
	return (1);
}

/* -- requests -- */

static int
request_read(SSL *ssl, char *buf, size_t size, size_t *headlen)
{
	char	*end, *p;
	size_t	 len = 0, want = 0;
	int	 n;

	*headlen = 0;
	for (;;) {
		if (len == size - 1 || (n = SSL_read(ssl, buf + len,
		    (int)(size - 1 - len))) <= 0)
			return (-1);
		len += (size_t)n;
		buf[len] = '\0';
		if (*headlen == 0 && (end = strstr(buf, "\r\n\r\n")) != NULL) {
			*headlen = (size_t)(end - buf) + 4;
			if ((p = strcasestr(buf, "\r\nContent-Length:")) !=
			    NULL && p < end)
				want = (size_t)strtoul(p + 17, NULL, 10);
		}
		if (*headlen != 0 && len >= *headlen + want)
			return ((int)len);
	}
}

static int
form_part(const char *p, size_t len, struct form *fo)
{
	const char	*body, *q;
	char		 head[512], name[64], *type;
	size_t		 n;

	if ((body = memmem(p, len, "\r\n\r\n", 4)) == NULL ||
	    (n = (size_t)(body - p)) >= sizeof(head))
		return (-1);
	memcpy(head, p, n);
	head[n] = '\0';
	body += 4;
	n = len - (size_t)(body - p);
	if (strcasestr(head, "Content-Disposition: form-data;") == NULL ||
	    (q = strstr(head, " name=\"")) == NULL ||
	    sscanf(q, " name=\"%63[^\"]\"", name) != 1)
		return (-1);
	(void)strlcat(fo->fo_names, fo->fo_names[0] != '\0' ? " " : "",
	    sizeof(fo->fo_names));
	(void)strlcat(fo->fo_names, name, sizeof(fo->fo_names));
	if (strcmp(name, "username") == 0 && n < sizeof(fo->fo_account))
		memcpy(fo->fo_account, body, n);
	else if (strcmp(name, "password") == 0 && n < sizeof(fo->fo_password))
		memcpy(fo->fo_password, body, n);
	else if (strcmp(name, "csr") == 0 && n <= sizeof(fo->fo_csr)) {
		memcpy(fo->fo_csr, body, n);
		fo->fo_csrlen = n;
		if ((type = strcasestr(head, "\r\nContent-Type: ")) != NULL)
			(void)sscanf(type + 16, "%63[^\r\n;]", fo->fo_csrtype);
	}
	return (0);
}

static int
form_read(const char *head, const char *p, size_t len, struct form *fo)
{
	const char	*q, *end = p + len;
	char		 boundary[128], mark[136];
	size_t		 n;

	memset(fo, 0, sizeof(*fo));
	if ((q = strcasestr(head, "\r\nContent-Type: multipart/form-data;")) ==
	    NULL || (q = strstr(q, "boundary=")) == NULL ||
	    sscanf(q, "boundary=%127[^\r\n;\"]", boundary) != 1)
		return (-1);
	(void)snprintf(mark, sizeof(mark), "\r\n--%s", boundary);
	n = strlen(mark);
	/* The first mark has no line before it. */
	if (len < n || memcmp(p, mark + 2, n - 2) != 0)
		return (-1);
	p += n - 2;
	while (end - p >= 2 && memcmp(p, "\r\n", 2) == 0) {
		p += 2;
		if ((q = memmem(p, (size_t)(end - p), mark, n)) == NULL ||
		    form_part(p, (size_t)(q - p), fo) == -1)
			return (-1);
		p = q + n;
	}
	return (end - p >= 2 && memcmp(p, "--", 2) == 0 ? 0 : -1);
}

/* Bytes of a certificate, or 0 and a word. */
static size_t
sign(const struct form *fo, uint8_t *der, size_t size, char *why, size_t whysize)
{
	char	csr[1024], out[1024];
	ssize_t	n;
	pid_t	pid;
	int	status, fd[2];

	keep("csr.der", fo->fo_csr, fo->fo_csrlen);
	(void)snprintf(csr, sizeof(csr), "%s/csr.der", folder);
	(void)snprintf(out, sizeof(out), "%s/out.der", folder);
	(void)unlink(out);
	if (pipe(fd) == -1 || (pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		(void)dup2(fd[1], STDOUT_FILENO);
		closefrom(3);
		(void)execl(program, program, csr, out, fo->fo_account,
		    (char *)NULL);
		err(1, "%s", program);
	}
	(void)close(fd[1]);
	n = read(fd[0], why, whysize - 1);
	why[n > 0 ? n : 0] = '\0';
	(void)close(fd[0]);
	if (waitpid(pid, &status, 0) == -1 || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		return (0);
	return (load(out, der, size));
}

static void
answer(SSL *ssl, const char *request, size_t headlen)
{
	static struct form	fo;
	static uint8_t		buf[256 * 1024];
	char			pair[520], why[256], path[512] = "";
	size_t			n;

	keep("head", request, headlen);
	(void)sscanf(request, "%*15s %511s", path);
	if (misbehave(ssl, path))
		return;
	if (strncmp(request, "GET ", 4) == 0 && document != NULL) {
		n = load(document, buf, sizeof(buf));
		send_answer(ssl, 200, "application/p2p-overlay+xml", buf, n);
		return;
	}
	if (strncmp(request, "POST ", 5) != 0 || program == NULL) {
		send_answer(ssl, 404, "text/html", "none", 4);
		return;
	}
	n = (size_t)strtoul(strcasestr(request, "Content-Length:") + 15, NULL,
	    10);
	if (form_read(request, request + headlen, n, &fo) == -1 ||
	    strcmp(fo.fo_csrtype, "application/pkcs10") != 0) {
		send_answer(ssl, 400, "text/plain", "bad form", 8);
		return;
	}
	keep("body", request + headlen, n);
	keep("names", fo.fo_names, strlen(fo.fo_names));
	(void)snprintf(pair, sizeof(pair), "%s:%s", fo.fo_account,
	    fo.fo_password);
	if (account != NULL && strcmp(pair, account) != 0)
		send_answer(ssl, 403, "text/plain", "failed_authentication", 21);
	else if ((n = sign(&fo, buf, sizeof(buf) / 2, why, sizeof(why))) == 0)
		send_answer(ssl, 403, "text/plain", why, strlen(why));
	else {
		if (strcmp(mode, "twice") == 0) {
			memcpy(buf + n, buf, n);
			n *= 2;
		}
		send_answer(ssl, 200, "application/pkix-cert", buf, n);
	}
}

static void
serve(int fd)
{
	static char	 buf[REQUEST_MAX];
	struct timeval	 tv = { PATIENCE_S, 0 };
	size_t		 headlen;
	SSL		*ssl;
	int		 n;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (strcmp(mode, "silent") == 0) {
		/* Until the other side gives up. */
		while (read(fd, buf, sizeof(buf)) > 0)
			continue;
		return;
	}
	if (strcmp(mode, "plain") == 0) {
		if (read(fd, buf, sizeof(buf)) > 0 && write(fd,
		    "HTTP/1.1 400 Bad Request\r\n\r\n", 28) == -1)
			warn("write");
		return;
	}
	if ((ssl = SSL_new(ctx)) == NULL || SSL_set_fd(ssl, fd) != 1)
		errx(1, "SSL_new");
	if (SSL_accept(ssl) == 1 &&
	    (n = request_read(ssl, buf, sizeof(buf), &headlen)) > 0) {
		answer(ssl, buf, headlen);
		if (strcmp(mode, "nonotify") != 0 && strcmp(mode, "cut") != 0)
			(void)SSL_shutdown(ssl);
	}
	ERR_clear_error();
	SSL_free(ssl);
}

/* -- DNS -- */

/* One question: SRV leads to srv.test and this port, any A is our host. */
static void
dns(int fd)
{
	struct sockaddr_storage	 ss;
	struct in_addr		 a;
	struct cur		 c, label;
	struct wbuf		 w;
	socklen_t		 sslen = sizeof(ss);
	uint8_t			 in[512], out[512];
	uint16_t		 id, type, answers;
	ssize_t			 n;
	size_t			 qlen;

	if ((n = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&ss,
	    &sslen)) < 12)
		return;
	cur_init(&c, in, (size_t)n);
	(void)cur_u16(&c, &id);
	(void)cur_skip(&c, 10);
	do {
		if (cur_lv(&c, 1, &label) == -1)
			return;
	} while (cur_left(&label) > 0);
	if (cur_u16(&c, &type) == -1 || cur_skip(&c, 2) == -1)
		return;
	qlen = cur_off(&c) - 12;
	answers = (type == ns_t_srv && strcmp(names, "none") != 0) ||
	    type == ns_t_a;
	wbuf_init(&w, out, sizeof(out));
	wbuf_u16(&w, id);
	/* No such name, but for the A record. */
	wbuf_u16(&w, type == ns_t_srv && answers == 0 ? 0x8583 : 0x8580);
	wbuf_u16(&w, 1);
	wbuf_u16(&w, answers);
	wbuf_u32(&w, 0);
	wbuf_bytes(&w, in + 12, qlen);
	if (answers > 0) {
		wbuf_u16(&w, 0xc00c);
		wbuf_u16(&w, type);
		wbuf_u16(&w, ns_c_in);
		wbuf_u32(&w, 60);
	}
	if (type == ns_t_a) {
		(void)inet_pton(AF_INET, host, &a);
		wbuf_lv(&w, 2, &a, sizeof(a));
	} else if (answers > 0 && strcmp(names, "dot") == 0)
		wbuf_lv(&w, 2, "\0\0\0\0\0\0\0", 7);
	else if (answers > 0) {
		wbuf_u16(&w, 6 + 10);
		wbuf_u32(&w, 0);
		wbuf_u16(&w, port);
		wbuf_bytes(&w, "\003srv\004test", 10);
	}
	(void)sendto(fd, out, w.w_len, 0, (struct sockaddr *)&ss, sslen);
}

/* type on the port, or on any and then that. */
static int
listener(int type, in_port_t *number)
{
	struct sockaddr_in	sin;
	socklen_t		len = sizeof(sin);
	int			fd, on = 1;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons(*number);
	if (inet_pton(AF_INET, host, &sin.sin_addr) != 1)
		errx(1, "%s: no address", host);
	if ((fd = socket(AF_INET, type | SOCK_CLOEXEC, 0)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    (type == SOCK_STREAM && listen(fd, 8) == -1) ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		err(1, "%s", host);
	*number = ntohs(sin.sin_port);
	return (fd);
}

int
main(int argc, char **argv)
{
	struct pollfd	pfd[2];
	int		ch, fd;

	while ((ch = getopt(argc, argv, "a:d:h:m:n:p:x:")) != -1)
		switch (ch) {
		case 'a':
			account = optarg;
			break;
		case 'd':
			document = optarg;
			break;
		case 'h':
			host = optarg;
			break;
		case 'm':
			mode = optarg;
			break;
		case 'n':
			names = optarg;
			break;
		case 'p':
			port = (in_port_t)strtonum(optarg, 1, 65535, NULL);
			break;
		case 'x':
			program = optarg;
			break;
		default:
			return (2);
		}
	if (argc - optind != 3)
		errx(2, "usage: enrolsrv [options] certificate key folder");
	folder = argv[optind + 2];
	(void)signal(SIGPIPE, SIG_IGN);
	if ((ctx = SSL_CTX_new(TLS_server_method())) == NULL ||
	    SSL_CTX_use_certificate_chain_file(ctx, argv[optind]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, argv[optind + 1],
	    SSL_FILETYPE_PEM) != 1)
		errx(1, "certificate or key cannot be used");
	pfd[0].fd = listener(SOCK_STREAM, &port);
	pfd[1].fd = listener(SOCK_DGRAM, &port);
	pfd[0].events = pfd[1].events = POLLIN;
	(void)printf("%u\n", port);
	(void)fflush(stdout);
	for (;;) {
		if (poll(pfd, 2, -1) == -1)
			err(1, "poll");
		if (pfd[1].revents != 0)
			dns(pfd[1].fd);
		if (pfd[0].revents != 0 &&
		    (fd = accept(pfd[0].fd, NULL, NULL)) != -1) {
			serve(fd);
			(void)close(fd);
		}
	}
}
