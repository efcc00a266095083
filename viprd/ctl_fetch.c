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
 * viprctl: one HTTPS request, in a process of its own; see ctl_fetch.h.  What
 * the two processes say: a byte that says go and the body; back, one byte,
 * then a reason, or status, type, location and body.
 */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl_fetch.h"
#include "cursor.h"
#include "log.h"
#include "sandbox.h"

#define ADDRS_MAX	16
#define TARGETS_MAX	8
#define CONNECT_MS	5000	/* for one address */
#define GRACE_MS	5000	/* beyond the time-out before it is killed */
#define WHY_SIZE	512
#define GO		1

struct fetcher {
	pid_t		 f_pid;
	int		 f_in, f_out;	/* -1 when closed */
	size_t		 f_max;
	unsigned	 f_timeout;
};

/* The process's own. */
struct job {
	const struct fetch *j_fetch;
	const struct url *j_url;	/* the one that connected */
	SSL_CTX		*j_ctx;
	SSL		*j_ssl;
	int		 j_fd;
	int64_t		 j_deadline;
	char		 j_where[FETCH_FROM_SIZE];	/* host:port, for messages */
	char		 j_why[WHY_SIZE];
	uint8_t		*j_body;
	size_t		 j_len;
};

static void	 child(const struct fetch *, int, int)
		    __attribute__((__noreturn__));
static int	 why(struct job *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
static int	 body_read(struct job *, int);
static int	 tls_ctx(struct job *);
static int	 connect_any(struct job *);
static int	 connect_host(struct job *, struct resolver *,
		    const struct fetch_target *);
static int	 connect_one(struct job *, const struct vaddr *);
static int	 tls_wait(struct job *, int, const char *);
static int	 tls_start(struct job *);
static int	 tls_names(struct job *, X509 *);
static void	 names_list(X509 *, char *, size_t);
static int	 request_send(struct job *);
static int	 answer_read(struct job *, struct http *);
static void	 answer_tell(const struct job *, const struct http *, int);
static void	 write_all(int, const void *, size_t);
static void	 fetcher_close(struct fetcher *, int);
static char	*text_clean(char *);
static int	 answer_parse(const uint8_t *, size_t, size_t,
		    struct http_answer *, char *);

static int
why(struct job *j, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	(void)vsnprintf(j->j_why, sizeof(j->j_why), fmt, ap);
	va_end(ap);
	return (-1);
}

/* -- before the sandbox -- */

/* The whole of it; without the byte that says go, there is nothing to do. */
static int
body_read(struct job *j, int fd)
{
	uint8_t	go;
	ssize_t	n;

	if ((j->j_body = malloc(FETCH_BODY_MAX)) == NULL)
		return (why(j, "out of memory"));
	if (read(fd, &go, 1) != 1 || go != GO)
		_exit(0);
	while ((n = read(fd, j->j_body + j->j_len, FETCH_BODY_MAX -
	    j->j_len)) > 0)
		j->j_len += (size_t)n;
	return (n == 0 ? 0 : why(j, "request: %s", strerror(errno)));
}

static int
tls_ctx(struct job *j)
{
	static const char *const	 system_roots[] = {
		"/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"
	};
	const char			*file = j->j_fetch->fe_cafile;
	size_t				 i;

	for (i = 0; file == NULL && i < 2; i++) {
		if (access(system_roots[i], R_OK) == 0)
			file = system_roots[i];
	}
	if (file == NULL)
		return (why(j, "no roots to judge the server by: expected %s, "
		    "or -C file", system_roots[0]));
	if ((j->j_ctx = SSL_CTX_new(TLS_client_method())) == NULL ||
	    SSL_CTX_set_min_proto_version(j->j_ctx, TLS1_2_VERSION) != 1)
		return (why(j, "TLS is not available"));
	(void)SSL_CTX_set_options(j->j_ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
	SSL_CTX_set_verify(j->j_ctx, SSL_VERIFY_PEER, NULL);
	if (SSL_CTX_load_verify_file(j->j_ctx, file) != 1)
		return (why(j, "%s: no certificates in PEM form", file));
	return (0);
}

/* 0 and j_fd, or -1 and why. */
static int
connect_one(struct job *j, const struct vaddr *va)
{
	struct sockaddr_storage	 ss;
	struct pollfd		 pfd;
	socklen_t		 len;
	int64_t			 left;
	int			 error = 0;

	len = vaddr_to_sa(va, &ss);
	if ((j->j_fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0)) == -1)
		return (why(j, "%s: %s", j->j_where, strerror(errno)));
	if (connect(j->j_fd, (struct sockaddr *)&ss, len) == 0)
		return (0);
	if (errno == EINPROGRESS) {
		pfd.fd = j->j_fd;
		pfd.events = POLLOUT;
		left = j->j_deadline - fetch_now_ms();
		if (left > CONNECT_MS)
			left = CONNECT_MS;
		len = sizeof(error);
		if (poll(&pfd, 1, left < 0 ? 0 : (int)left) != 1)
			error = ETIMEDOUT;
		else if (getsockopt(j->j_fd, SOL_SOCKET, SO_ERROR, &error,
		    &len) == -1)
			error = errno;
		if (error == 0)
			return (0);
	} else
		error = errno;
	(void)close(j->j_fd);
	j->j_fd = -1;
	return (why(j, "%s: %s", j->j_where, strerror(error)));
}

static int
connect_host(struct job *j, struct resolver *re, const struct fetch_target *ft)
{
	struct vaddr	list[ADDRS_MAX];
	int		i, n;

	(void)snprintf(j->j_where, sizeof(j->j_where),
	    strchr(ft->ft_host, ':') != NULL ? "[%.253s]:%u" : "%.255s:%u",
	    ft->ft_host, ft->ft_port);
	if ((n = resolver_host(re, ft->ft_host, ft->ft_port, list, ADDRS_MAX,
	    j->j_why, sizeof(j->j_why))) == -1)
		return (-1);
	for (i = 0; i < n; i++) {
		if (connect_one(j, &list[i]) == 0)
			return (0);
	}
	return (-1);
}

/* The first that can be reached; the last failure is told. */
static int
connect_any(struct job *j)
{
	const struct fetch	*fe = j->j_fetch;
	struct fetch_target	 list[TARGETS_MAX];
	struct resolver		*re;
	int			 i, n, r = -1;

	if ((re = resolver_new(fe->fe_dns, j->j_deadline, j->j_why,
	    sizeof(j->j_why))) == NULL)
		return (-1);
	for (n = 0; n < (int)fe->fe_urls && n < TARGETS_MAX; n++) {
		(void)strlcpy(list[n].ft_host, fe->fe_url[n].u_host,
		    sizeof(list[n].ft_host));
		list[n].ft_port = fe->fe_url[n].u_port;
	}
	if (fe->fe_srv != NULL) {
		if ((i = resolver_srv(re, fe->fe_srv, list, TARGETS_MAX,
		    j->j_why, sizeof(j->j_why))) == -1)
			goto done;
		/* None: the host of the URL itself, as without SRV. */
		if (i > 0)
			n = i;
	}
	for (i = 0; i < n && r == -1; i++) {
		r = connect_host(j, re, &list[i]);
		j->j_url = &fe->fe_url[fe->fe_srv != NULL ? 0 : i];
	}
done:
	resolver_free(re);
	return (r);
}

/* -- in the sandbox -- */

/* After a call that returned ret: wait for what it wants.  0 to call again. */
static int
tls_wait(struct job *j, int ret, const char *doing)
{
	const char	*text;
	struct pollfd	 pfd;
	int64_t		 left;
	int		 error;

	switch ((error = SSL_get_error(j->j_ssl, ret))) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		pfd.fd = j->j_fd;
		pfd.events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
		left = j->j_deadline - fetch_now_ms();
		if (left > 0 && poll(&pfd, 1, (int)left) == 1)
			return (0);
		return (why(j, "%s: %s took too long", j->j_where, doing));
	case SSL_ERROR_SSL:
		text = ERR_reason_error_string(ERR_peek_last_error());
		return (why(j, "%s: %s: %s", j->j_where, doing,
		    text != NULL ? text : "TLS error"));
	default:
		return (why(j, "%s: %s: the connection broke off", j->j_where,
		    doing));
	}
}

/* DNS names, to be told: only those that are such. */
static void
names_list(X509 *x, char *buf, size_t size)
{
	GENERAL_NAMES	*names;
	GENERAL_NAME	*gn;
	const char	*s;
	size_t		 len = 0;
	int		 i, n;

	buf[0] = '\0';
	if ((names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL,
	    NULL)) == NULL)
		return;
	for (i = 0; i < sk_GENERAL_NAME_num(names) && i < 4; i++) {
		gn = sk_GENERAL_NAME_value(names, i);
		if (gn->type != GEN_DNS)
			continue;
		s = (const char *)ASN1_STRING_get0_data(gn->d.dNSName);
		n = snprintf(buf + len, size - len, " %s", log_str(s,
		    (size_t)ASN1_STRING_length(gn->d.dNSName)));
		if (n < 0 || (size_t)n >= size - len)
			break;
		len += (size_t)n;
	}
	GENERAL_NAMES_free(names);
}

/* RFC 2818, but for the common name, which counts no longer. */
static int
tls_names(struct job *j, X509 *x)
{
	const char	*const *name = j->j_fetch->fe_name;
	struct vaddr	 va;
	char		 list[WHY_SIZE / 2];
	size_t		 i;

	for (i = 0; i < FETCH_NAMES_MAX; i++) {
		if (name[i] == NULL)
			continue;
		if (vaddr_parse(name[i], 0, &va) == 0 ?
		    X509_check_ip_asc(x, name[i], 0) == 1 :
		    X509_check_host(x, name[i], 0,
		    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
		    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1)
			return (0);
	}
	names_list(x, list, sizeof(list));
	return (why(j, "%s: its certificate is not for %s%s%s%s%s", j->j_where,
	    name[0], name[1] != NULL ? " or " : "", name[1] != NULL ? name[1] :
	    "", list[0] != '\0' ? ", but for" : "", list));
}

static int
tls_start(struct job *j)
{
	char		 name[URL_HOST_SIZE];
	struct vaddr	 va;
	X509		*x;
	long		 verified;
	int		 r;

	(void)strlcpy(name, j->j_fetch->fe_name[0], sizeof(name));
	if ((j->j_ssl = SSL_new(j->j_ctx)) == NULL ||
	    SSL_set_fd(j->j_ssl, j->j_fd) != 1)
		return (why(j, "out of memory"));
	/* The certificate of that name is the one we want to see. */
	if (vaddr_parse(name, 0, &va) == -1 &&
	    SSL_set_tlsext_host_name(j->j_ssl, name) != 1)
		return (why(j, "%s: cannot be asked for", name));
	ERR_clear_error();
	while ((r = SSL_connect(j->j_ssl)) != 1) {
		verified = SSL_get_verify_result(j->j_ssl);
		if (verified != X509_V_OK)
			return (why(j, "%s: its certificate is not trusted: "
			    "%s", j->j_where,
			    X509_verify_cert_error_string(verified)));
		if (tls_wait(j, r, "TLS handshake") == -1)
			return (-1);
	}
	if ((x = SSL_get0_peer_certificate(j->j_ssl)) == NULL)
		return (why(j, "%s: shows no certificate", j->j_where));
	return (tls_names(j, x));
}

static int
request_send(struct job *j)
{
	const struct fetch	*fe = j->j_fetch;
	struct wbuf		 w;
	char			 host[FETCH_FROM_SIZE];
	uint8_t			*buf;
	size_t			 n, off = 0, size = j->j_len + URL_PATH_SIZE +
				    1024;
	int			 r = 0;

	if ((buf = malloc(size)) == NULL)
		return (why(j, "out of memory"));
	wbuf_init(&w, buf, size);
	wbuf_printf(&w, "%s %s HTTP/1.1\r\nHost: %s\r\nAccept: %s\r\n"
	    "Connection: close\r\n", fe->fe_type != NULL ? "POST" : "GET",
	    j->j_url->u_path, url_authority(j->j_url, host, sizeof(host)),
	    fe->fe_accept);
	if (fe->fe_type != NULL)
		wbuf_printf(&w, "Content-Type: %s\r\nContent-Length: %zu\r\n",
		    fe->fe_type, j->j_len);
	wbuf_str(&w, "\r\n");
	wbuf_bytes(&w, j->j_body, j->j_len);
	if (wbuf_ok(&w) == -1)
		r = why(j, "request too long");
	while (r == 0 && off < w.w_len) {
		ERR_clear_error();
		if (SSL_write_ex(j->j_ssl, buf + off, w.w_len - off, &n) == 1)
			off += n;
		else
			r = tls_wait(j, 0, "request");
	}
	sodium_memzero(buf, size);
	free(buf);
	return (r);
}

static int
answer_read(struct job *j, struct http *h)
{
	uint8_t	buf[16384];
	size_t	n;
	int	r = 0;

	while (r == 0) {
		ERR_clear_error();
		if (SSL_read_ex(j->j_ssl, buf, sizeof(buf), &n) == 1)
			r = http_feed(h, buf, n);
		else if (SSL_get_error(j->j_ssl, 0) == SSL_ERROR_ZERO_RETURN)
			r = http_end(h);
		else if (tls_wait(j, 0, "answer") == -1)
			return (-1);
	}
	if (r == -1)
		return (why(j, "%s: the answer %s", j->j_where, http_why(h)));
	(void)SSL_shutdown(j->j_ssl);
	return (0);
}

static void
write_all(int fd, const void *p, size_t len)
{
	ssize_t	n;
	size_t	off;

	for (off = 0; off < len; off += (size_t)n) {
		if ((n = write(fd, (const char *)p + off, len - off)) == -1)
			return;
	}
}

static void
answer_tell(const struct job *j, const struct http *h, int out)
{
	const struct http_answer	*a = h != NULL ? http_answer(h) : NULL;
	struct wbuf			 w;
	uint8_t				 buf[2048];

	wbuf_init(&w, buf, sizeof(buf));
	wbuf_u8(&w, a != NULL);
	if (a == NULL)
		wbuf_lv_str(&w, 2, j->j_why);
	else {
		wbuf_lv_str(&w, 2, j->j_where);
		wbuf_u16(&w, (uint16_t)a->ha_status);
		wbuf_lv_str(&w, 2, a->ha_type);
		wbuf_lv_str(&w, 2, a->ha_location);
		wbuf_u32(&w, (uint32_t)a->ha_len);
	}
	write_all(out, buf, w.w_len);
	if (a != NULL)
		write_all(out, a->ha_body, a->ha_len);
}

static void
child(const struct fetch *fe, int in, int out)
{
	struct rlimit	 none = { 0, 0 };
	struct http	*h = NULL;
	struct job	 j;
	int		 r = -1;

	memset(&j, 0, sizeof(j));
	j.j_fetch = fe;
	j.j_fd = -1;
	(void)setrlimit(RLIMIT_CORE, &none);
	if (body_read(&j, in) == -1 || tls_ctx(&j) == -1)
		goto done;
	j.j_deadline = fetch_now_ms() + (int64_t)fe->fe_timeout * 1000;
	if (connect_any(&j) == -1)
		goto done;
	(void)sandbox_enter(SANDBOX_CTL);
	if ((h = http_new(fe->fe_max)) == NULL)
		r = why(&j, "out of memory");
	else if (tls_start(&j) == 0 && request_send(&j) == 0)
		r = answer_read(&j, h);
done:
	answer_tell(&j, r == 0 ? h : NULL, out);
	if (j.j_body != NULL)
		sodium_memzero(j.j_body, FETCH_BODY_MAX);
	_exit(0);
}

/* -- the other side -- */

struct fetcher *
fetch_start(const struct fetch *fe)
{
	struct fetcher	*f;
	int		 to[2], from[2];

	if ((f = calloc(1, sizeof(*f))) == NULL)
		err(1, NULL);
	if (pipe2(to, O_CLOEXEC) == -1 || pipe2(from, O_CLOEXEC) == -1)
		err(1, "pipe");
	(void)signal(SIGPIPE, SIG_IGN);
	(void)fflush(NULL);
	switch ((f->f_pid = fork())) {
	case -1:
		err(1, "fork");
	case 0:
		(void)close(to[1]);
		(void)close(from[0]);
		child(fe, to[0], from[1]);
	}
	(void)close(to[0]);
	(void)close(from[1]);
	f->f_out = to[1];
	f->f_in = from[0];
	f->f_max = fe->fe_max;
	f->f_timeout = fe->fe_timeout;
	return (f);
}

static void
fetcher_close(struct fetcher *f, int stop)
{
	int	status = 0;

	if (f->f_out != -1)
		(void)close(f->f_out);
	(void)close(f->f_in);
	if (stop)
		(void)kill(f->f_pid, SIGKILL);
	while (waitpid(f->f_pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (!stop && WIFSIGNALED(status))
		warnx("the process that asks died of signal %d",
		    WTERMSIG(status));
	free(f);
}

void
fetch_cancel(struct fetcher *f)
{
	if (f != NULL)
		fetcher_close(f, 1);
}

/* It was put together in the sandbox: fit for a terminal, whatever that did. */
static char *
text_clean(char *s)
{
	char	*p;

	for (p = s; *p != '\0'; p++) {
		if (*p < ' ' || *p > '~')
			*p = '?';
	}
	return (s);
}

static int
answer_parse(const uint8_t *p, size_t len, size_t max, struct http_answer *a,
    char *from)
{
	struct cur	c;
	char		text[WHY_SIZE];
	uint32_t	n;
	uint16_t	status;
	uint8_t		ok;

	memset(a, 0, sizeof(*a));
	cur_init(&c, p, len);
	if (cur_u8(&c, &ok) == -1)
		return (-1);
	if (!ok) {
		if (cur_lv_str(&c, 2, text, sizeof(text)) == -1)
			(void)strlcpy(text, "no answer", sizeof(text));
		warnx("%s", text_clean(text));
		return (-1);
	}
	(void)cur_lv_str(&c, 2, from, FETCH_FROM_SIZE);
	(void)cur_u16(&c, &status);
	(void)cur_lv_str(&c, 2, a->ha_type, sizeof(a->ha_type));
	(void)cur_lv_str(&c, 2, a->ha_location, sizeof(a->ha_location));
	(void)cur_u32(&c, &n);
	if (cur_ok(&c) == -1 || n > max || n != cur_left(&c)) {
		warnx("the answer did not come whole");
		return (-1);
	}
	(void)text_clean(from);
	(void)text_clean(a->ha_type);
	(void)text_clean(a->ha_location);
	a->ha_status = status;
	a->ha_len = n;
	if ((a->ha_body = malloc(a->ha_len + 1)) == NULL)
		err(1, NULL);
	(void)cur_bytes(&c, a->ha_body, a->ha_len);
	a->ha_body[a->ha_len] = '\0';
	return (0);
}

int
fetch_run(struct fetcher *f, const void *body, size_t len,
    struct http_answer *a, char from[FETCH_FROM_SIZE])
{
	struct pollfd	 pfd;
	uint8_t		 go = GO, *buf;
	size_t		 size = f->f_max + 2048, got = 0, max = f->f_max;
	int64_t		 end, left;
	ssize_t		 n = -1;
	int		 r = -1;

	if ((buf = malloc(size)) == NULL)
		err(1, NULL);
	write_all(f->f_out, &go, 1);
	write_all(f->f_out, body, len);
	(void)close(f->f_out);
	f->f_out = -1;
	end = fetch_now_ms() + (int64_t)f->f_timeout * 1000 + GRACE_MS;
	pfd.fd = f->f_in;
	pfd.events = POLLIN;
	while (got < size && (left = end - fetch_now_ms()) > 0 &&
	    poll(&pfd, 1, (int)left) == 1 &&
	    (n = read(f->f_in, buf + got, size - got)) > 0)
		got += (size_t)n;
	if (n != 0)
		warnx("the process that asks does not end");
	fetcher_close(f, n != 0);
	if (n == 0)
		r = answer_parse(buf, got, max, a, from);
	free(buf);
	return (r);
}
