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
 * The resolver against a name server of the test's own on the loopback.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <atf-c.h>
#include <event.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "cursor.h"
#include "resolve.h"
#include "sandbox.h"

#define T_A	1
#define T_AAAA	28
#define T_SRV	33
#define T_NAPTR	35

/* What the server knows. */
struct rr {
	const char	*rr_name;
	uint16_t	 rr_type;
	uint32_t	 rr_ttl;
	const char	*rr_data;	/* address; "prio weight port target"; NAPTR target */
};
static const struct rr zone[] = {
	{ "naptr.example", T_NAPTR, 60, "_other._tcp.naptr.example" },
	{ "_other._tcp.naptr.example", T_SRV, 60, "10 0 5071 one.example" },
	{ "_sips._tcp.naptr.example", T_SRV, 60, "1 0 5999 two.example" },
	{ "srv.example", T_A, 60, "198.51.100.99" },
	{ "_sips._tcp.srv.example", T_SRV, 60, "20 0 5062 two.example" },
	{ "_sips._tcp.srv.example", T_SRV, 60, "10 5 5061 one.example" },
	{ "one.example", T_A, 30, "198.51.100.1" },
	{ "two.example", T_A, 30, "198.51.100.2" },
	{ "two.example", T_AAAA, 30, "2600::2" },
	{ "plain.example", T_A, 30, "198.51.100.3" },
	{ "private.example", T_A, 30, "10.0.0.1" },
	{ "mixed.example", T_A, 30, "127.0.0.1" },
	{ "mixed.example", T_A, 30, "198.51.100.4" },
	{ "none.example", T_AAAA + 1000, 30, "" },
	{ "_sips._tcp.no.example", T_SRV, 30, "0 0 1 ." },
	{ "no.example", T_A, 30, "198.51.100.5" },
	{ "hop.example", T_NAPTR, 60, "10 10 SIPS+D2T _tls.hop.example" },
	{ "hop.example", T_NAPTR, 60, "20 10 SIP+D2T _second.hop.example" },
	{ "hop.example", T_NAPTR, 60, "10 20 SIP+D2T _first.hop.example" },
	{ "_first.hop.example", T_SRV, 60, "0 0 5071 one.example" },
	{ "_second.hop.example", T_SRV, 60, "0 0 5999 one.example" },
	{ "_sip._udp.hop.example", T_SRV, 7, "10 3 5072 two.example" },
	{ "_sip._udp.hop.example", T_SRV, 7, "10 9 5073 one.example" },
	{ "_tls.hop.example", T_SRV, 60, "5 0 5074 one.example" },
	{ "hop.example", T_A, 30, "198.51.100.6" },
	{ "_sips._tcp.heavy.example", T_SRV, 60, "1 1 5061 one.example" },
	{ "_sips._tcp.heavy.example", T_SRV, 60, "1 9 5062 plain.example" },
	{ "brief.example", T_A, 1, "198.51.100.7" },
	{ "long.example", T_A, 1000000, "198.51.100.8" }
};

static struct event	 dns_event;
static int		 dns_fd, dns_queries, dns_mute;
static struct resolver	*rs;
static struct conf	*cf;

static int		 got, got_error;
static size_t		 got_n;
static struct vaddr	 got_addrs[RESOLVE_ADDRS_MAX];

static void
put_name(struct wbuf *w, const char *name)
{
	const char	*dot;

	if (strcmp(name, ".") == 0)
		name = "";
	while (*name != '\0') {
		if ((dot = strchr(name, '.')) == NULL)
			dot = name + strlen(name);
		wbuf_lv(w, 1, name, (size_t)(dot - name));
		name = *dot == '.' ? dot + 1 : dot;
	}
	wbuf_u8(w, 0);
}

static void
put_rr(struct wbuf *w, const struct rr *r)
{
	struct vaddr	va;
	unsigned	a, b, c;
	char		host[256], service[32];
	size_t		mark;

	put_name(w, r->rr_name);
	wbuf_u16(w, r->rr_type);
	wbuf_u16(w, 1);
	wbuf_u32(w, r->rr_ttl);
	mark = wbuf_open(w, 2);
	switch (r->rr_type) {
	case T_A:
	case T_AAAA:
		ATF_REQUIRE_EQ(0, vaddr_parse(r->rr_data, 0, &va));
		wbuf_bytes(w, va.va_addr, r->rr_type == T_A ? 4 : 16);
		break;
	case T_SRV:
		ATF_REQUIRE_EQ(4, sscanf(r->rr_data, "%u %u %u %255s", &a, &b, &c, host));
		wbuf_u16(w, (uint16_t)a);
		wbuf_u16(w, (uint16_t)b);
		wbuf_u16(w, (uint16_t)c);
		put_name(w, host);
		break;
	case T_NAPTR:
		a = b = 10;
		(void)strlcpy(service, "SIPS+D2T", sizeof(service));
		(void)strlcpy(host, r->rr_data, sizeof(host));
		if (strchr(r->rr_data, ' ') != NULL)
			ATF_REQUIRE_EQ(4, sscanf(r->rr_data, "%u %u %31s %255s", &a, &b,
			    service, host));
		wbuf_u16(w, (uint16_t)a);
		wbuf_u16(w, (uint16_t)b);
		wbuf_lv_str(w, 1, "s");
		wbuf_lv_str(w, 1, service);
		wbuf_lv_str(w, 1, "");
		put_name(w, host);
		break;
	}
	wbuf_close(w, 2, mark);
}

static void
dns_ready(int fd, short what, void *arg)
{
	struct sockaddr_storage	ss;
	socklen_t		sslen = sizeof(ss);
	uint8_t			buf[512], out[1024];
	char			name[256] = "";
	struct cur		c, label;
	struct wbuf		w;
	struct span		q;
	ssize_t			n;
	uint16_t		id, type;
	uint8_t			len;
	size_t			i, qend;
	unsigned		answers = 0, known = 0;

	(void)what;
	(void)arg;
	n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&ss, &sslen);
	if (n < 12)
		return;
	dns_queries++;
	if (dns_mute)
		return;
	cur_init(&c, buf, (size_t)n);
	cur_u16(&c, &id);
	cur_skip(&c, 10);
	while (cur_u8(&c, &len) == 0 && len > 0) {
		cur_sub(&c, len, &label);
		(void)snprintf(name + strlen(name), sizeof(name) - strlen(name), "%s%.*s",
		    name[0] ? "." : "", (int)len, (const char *)label.c_base);
	}
	cur_u16(&c, &type);
	cur_skip(&c, 2);
	qend = cur_off(&c);
	for (i = 0; i < sizeof(zone) / sizeof(zone[0]); i++)
		if (strcasecmp(zone[i].rr_name, name) == 0) {
			known = 1;
			answers += zone[i].rr_type == type;
		}
	wbuf_init(&w, out, sizeof(out));
	wbuf_u16(&w, id);
	wbuf_u16(&w, known ? 0x8180 : 0x8183);
	wbuf_u16(&w, 1);
	wbuf_u16(&w, (uint16_t)answers);
	wbuf_u32(&w, 0);
	cur_init(&c, buf, qend);
	cur_skip(&c, 12);
	q.len = cur_left(&c);
	q.p = (const char *)cur_ptr(&c, q.len);
	wbuf_span(&w, q);
	for (i = 0; i < sizeof(zone) / sizeof(zone[0]); i++)
		if (strcasecmp(zone[i].rr_name, name) == 0 && zone[i].rr_type == type)
			put_rr(&w, &zone[i]);
	ATF_REQUIRE_EQ(0, wbuf_ok(&w));
	(void)sendto(fd, out, w.w_len, 0, (struct sockaddr *)&ss, sslen);
}

static void
setup(unsigned flags)
{
	struct sockaddr_in	sin;
	socklen_t		len = sizeof(sin);
	struct vaddr		va;
	const char		*why;

	if (sodium_init() == -1)
		abort();
	event_init();
	ATF_REQUIRE_MSG((rs = resolver_new(&why)) != NULL, "%s", why);
	ATF_REQUIRE((dns_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) != -1);
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ATF_REQUIRE_EQ(0, bind(dns_fd, (struct sockaddr *)&sin, sizeof(sin)));
	ATF_REQUIRE_EQ(0, getsockname(dns_fd, (struct sockaddr *)&sin, &len));
	event_set(&dns_event, dns_fd, EV_READ | EV_PERSIST, dns_ready, NULL);
	event_add(&dns_event, NULL);
	ATF_REQUIRE((cf = conf_new()) != NULL);
	cf->c_flags = flags;
	ATF_REQUIRE_EQ(0, vaddr_parse("127.0.0.1", ntohs(sin.sin_port), &va));
	ATF_REQUIRE(conf_add_text(&cf->c_resolvers, "127.0.0.1", &va, 0) != NULL);
	ATF_REQUIRE_EQ(0, vaddr_parse("127.0.0.9", 0, &va));
	ATF_REQUIRE(conf_add_text(&cf->c_hosts, "fixed.example", &va, 0) != NULL);
	va.va_port = 7000;
	ATF_REQUIRE(conf_add_text(&cf->c_hosts, "port.example", &va, 0) != NULL);
	ATF_REQUIRE_EQ(0, resolver_conf(rs, cf));
}

static void
teardown(void)
{
	resolver_free(rs);
	conf_free(cf);
	event_del(&dns_event);
	close(dns_fd);
}

static void
done(enum resolve_error e, const struct vaddr *va, size_t n, void *arg)
{
	(void)arg;
	got++;
	got_error = (int)e;
	got_n = n;
	if (n > 0)
		memcpy(got_addrs, va, n * sizeof(*va));
}

/* The addresses as text, or the error. */
static const char *
look(const char *host, uint16_t port)
{
	static char	out[512];
	char		text[VADDR_STRLEN];
	size_t		i;

	got = 0;
	ATF_REQUIRE(resolve(rs, host, port, done, NULL) != 0);
	ATF_CHECK_EQ_MSG(0, got, "answered from inside");
	while (got == 0)
		event_loop(EVLOOP_ONCE);
	ATF_CHECK_EQ(1, got);
	if (got_error != RESOLVE_OK) {
		ATF_CHECK_EQ(0, got_n);
		return (resolve_str((enum resolve_error)got_error));
	}
	out[0] = '\0';
	for (i = 0; i < got_n; i++) {
		(void)strlcat(out, i ? " " : "", sizeof(out));
		(void)strlcat(out, vaddr_str(&got_addrs[i], text, sizeof(text)), sizeof(out));
	}
	return (out);
}

ATF_TC_WITHOUT_HEAD(fixed);
ATF_TC_BODY(fixed, tc)
{
	setup(0);
	ATF_CHECK_STREQ("127.0.0.9:5061", look("fixed.example", 0));
	ATF_CHECK_STREQ("127.0.0.9:6000", look("Fixed.Example.", 6000));
	ATF_CHECK_STREQ("127.0.0.9:7000", look("port.example", 6000));
	ATF_CHECK_STREQ("198.51.100.7:5061", look("198.51.100.7", 0));
	ATF_CHECK_STREQ("[2600::1]:5070", look("2600::1", 5070));
	ATF_CHECK_STREQ(resolve_str(RESOLVE_REFUSED), look("10.0.0.1", 0));
	ATF_CHECK_STREQ(resolve_str(RESOLVE_REFUSED), look("127.0.0.1", 0));
	ATF_CHECK_STREQ(resolve_str(RESOLVE_NONE), look("", 0));
	/* Unique local, link-local, loopback, mapped; a zone is no address. */
	ATF_CHECK_STREQ(resolve_str(RESOLVE_REFUSED), look("fd00:91::1", 0));
	ATF_CHECK_STREQ(resolve_str(RESOLVE_REFUSED), look("fe80::1", 0));
	ATF_CHECK_STREQ(resolve_str(RESOLVE_REFUSED), look("::1", 0));
	ATF_CHECK_STREQ(resolve_str(RESOLVE_REFUSED), look("::ffff:10.0.0.1", 0));
	ATF_CHECK_STREQ(resolve_str(RESOLVE_NONE), look("fe80::1%lo", 0));
	ATF_CHECK_STREQ(resolve_str(RESOLVE_NONE), look("[2600::1]", 0));
	ATF_CHECK_EQ(0, dns_queries);
	teardown();
}

ATF_TC_WITHOUT_HEAD(dns);
ATF_TC_BODY(dns, tc)
{
	int	n;

	setup(0);
	ATF_CHECK_STREQ("198.51.100.1:5071", look("naptr.example", 0));
	ATF_CHECK_STREQ("198.51.100.1:5061 198.51.100.2:5062 [2600::2]:5062", look("srv.example", 0));
	/* A port in the URI: no NAPTR, no SRV. */
	ATF_CHECK_STREQ("198.51.100.99:5080", look("srv.example", 5080));
	ATF_CHECK_STREQ("198.51.100.3:5061", look("plain.example", 0));
	ATF_CHECK_STREQ(resolve_str(RESOLVE_REFUSED), look("private.example", 0));
	ATF_CHECK_STREQ("198.51.100.4:5061", look("mixed.example", 0));
	ATF_CHECK_STREQ(resolve_str(RESOLVE_NONE), look("none.example", 0));
	ATF_CHECK_STREQ(resolve_str(RESOLVE_NONE), look("unknown.example", 0));
	/* SRV "." says: no such service here. */
	ATF_CHECK_STREQ(resolve_str(RESOLVE_NONE), look("no.example", 0));
	/* All of that again, from the cache. */
	n = dns_queries;
	ATF_CHECK_STREQ("198.51.100.1:5061 198.51.100.2:5062 [2600::2]:5062", look("SRV.example", 0));
	ATF_CHECK_STREQ(resolve_str(RESOLVE_NONE), look("unknown.example", 0));
	ATF_CHECK_EQ(n, dns_queries);
	resolve_forget(rs, "srv.example");
	ATF_CHECK_STREQ("198.51.100.1:5061 198.51.100.2:5062 [2600::2]:5062", look("srv.example", 0));
	ATF_CHECK(dns_queries > n);
	teardown();
}

ATF_TC_WITHOUT_HEAD(permit);
ATF_TC_BODY(permit, tc)
{
	setup(CONF_PERMIT_PRIVATE);
	ATF_CHECK_STREQ("10.0.0.1:5061", look("private.example", 0));
	ATF_CHECK_STREQ("127.0.0.1:5061 198.51.100.4:5061", look("mixed.example", 0));
	ATF_CHECK_STREQ("127.0.0.1:5061", look("127.0.0.1", 0));
	ATF_CHECK_STREQ("[fd00:91::1]:5061", look("fd00:91::1", 0));
	ATF_CHECK_STREQ("[fe80::1]:5061", look("fe80::1", 0));
	teardown();
}

ATF_TC_WITHOUT_HEAD(trouble);
ATF_TC_BODY(trouble, tc)
{
	struct conf	*empty;
	uint64_t	 id;
	unsigned	 i;

	setup(0);
	dns_mute = 1;
	ATF_CHECK_STREQ(resolve_str(RESOLVE_TIMEOUT), look("plain.example", 5061));
	/* Cancelled: no answer comes, whatever state it is in. */
	got = 0;
	id = resolve(rs, "plain.example", 0, done, NULL);
	resolve_cancel(rs, id);
	resolve_cancel(rs, id);
	id = resolve(rs, "198.51.100.7", 0, done, NULL);
	resolve_cancel(rs, id);
	resolve_cancel(rs, 12345);
	event_loop(EVLOOP_NONBLOCK);
	ATF_CHECK_EQ(0, got);
	/* More than are allowed at once: refused, not queued. */
	for (i = 0; i < RESOLVE_QUERIES_MAX + 5; i++)
		ATF_CHECK(resolve(rs, "plain.example", 0, done, NULL) != 0);
	while (got == 0)
		event_loop(EVLOOP_ONCE);
	ATF_CHECK_EQ(RESOLVE_FAIL, got_error);
	/* New servers under way, then none at all. */
	ATF_CHECK_EQ(0, resolver_conf(rs, cf));
	ATF_REQUIRE((empty = conf_new()) != NULL);
	ATF_CHECK_EQ(0, resolver_conf(rs, empty));
	conf_free(empty);
	while (got < RESOLVE_QUERIES_MAX)
		event_loop(EVLOOP_ONCE);
	ATF_CHECK_STREQ(resolve_str(RESOLVE_FAIL), look("plain.example", 0));
	/* Freed with look-ups waiting. */
	ATF_CHECK_EQ(0, resolver_conf(rs, cf));
	(void)resolve(rs, "plain.example", 0, done, NULL);
	(void)resolve(rs, "198.51.100.7", 0, done, NULL);
	teardown();
}

static struct resolve_answer answer;

static void
all_done(const struct resolve_answer *an, void *arg)
{
	(void)arg;
	got++;
	answer = *an;
}

/* "priority weight server address ..." */
static const char *
look_all(const char *host, uint16_t port, uint8_t proto)
{
	static char		 out[512];
	const struct resolve_addr *ra;
	char			 text[VADDR_STRLEN];
	size_t			 i, n = 0;

	got = 0;
	ATF_REQUIRE(resolve_all(rs, host, port, proto, all_done, NULL) != 0);
	while (got == 0)
		event_loop(EVLOOP_ONCE);
	if (answer.an_error != RESOLVE_OK)
		return (resolve_str(answer.an_error));
	out[0] = '\0';
	for (i = 0; i < answer.an_n; i++) {
		ra = &answer.an_addrs[i];
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%u %u %u %s", i ? " " : "",
		    ra->ra_priority, ra->ra_weight, ra->ra_server,
		    vaddr_str(&ra->ra_addr, text, sizeof(text)));
	}
	return (out);
}

/* Each transport has its own records and port. */
ATF_TC_WITHOUT_HEAD(services);
ATF_TC_BODY(services, tc)
{
	const char	*s;

	setup(0);
	ATF_CHECK_STREQ("0 0 0 198.51.100.1:5071", look_all("hop.example", 0, SIP_TCP));
	ATF_CHECK_STREQ("5 0 0 198.51.100.1:5074", look_all("hop.example", 0, SIP_TLS));
	/* Two servers; which comes first is drawn. */
	s = look_all("hop.example", 0, SIP_UDP);
	if (strncmp(s, "10 3", 4) == 0)
		ATF_CHECK_STREQ("10 3 0 198.51.100.2:5072 10 3 0 [2600::2]:5072 "
		    "10 9 1 198.51.100.1:5073", s);
	else
		ATF_CHECK_STREQ("10 9 0 198.51.100.1:5073 10 3 1 198.51.100.2:5072 "
		    "10 3 1 [2600::2]:5072", s);
	/* The smallest time to live of all records. */
	ATF_CHECK_EQ(7, answer.an_ttl);
	ATF_CHECK_EQ(0, answer.an_stale);
	ATF_CHECK_STREQ("0 0 0 198.51.100.3:5060", look_all("plain.example", 0, SIP_UDP));
	ATF_CHECK_STREQ("0 0 0 198.51.100.3:5060", look_all("plain.example", 0, SIP_TCP));
	ATF_CHECK_STREQ("0 0 0 198.51.100.6:5070", look_all("hop.example", 5070, SIP_UDP));
	ATF_CHECK_STREQ("0 0 0 127.0.0.9:5060", look_all("fixed.example", 0, SIP_TCP));
	ATF_CHECK_STREQ("0 0 0 198.51.100.7:5060", look_all("brief.example", 0, SIP_UDP));
	ATF_CHECK_EQ(5, answer.an_ttl);
	ATF_CHECK_STREQ("0 0 0 198.51.100.8:5060", look_all("long.example", 0, SIP_UDP));
	ATF_CHECK_EQ(3600, answer.an_ttl);
	teardown();
}

/* Drawn anew for each look-up, also of what is remembered. */
ATF_TC_WITHOUT_HEAD(weights);
ATF_TC_BODY(weights, tc)
{
	int	i, light = 0, n = 0;

	setup(0);
	for (i = 0; i < 600; i++) {
		light += strncmp(look("heavy.example", 0), "198.51.100.1:5061 ", 18) == 0;
		ATF_CHECK_EQ(2, got_n);
		if (i == 0)
			n = dns_queries;
	}
	ATF_CHECK_EQ(n, dns_queries);
	/* 1.5 of 11 draws: 82 on average. */
	ATF_CHECK_MSG(light > 35 && light < 140, "%d", light);
	teardown();
}

/* While no server answers an old answer is better than none. */
ATF_TC_WITHOUT_HEAD(stale);
ATF_TC_BODY(stale, tc)
{
	struct conf	*empty;
	int		 n;

	setup(0);
	ATF_CHECK_STREQ("198.51.100.3:5061", look("plain.example", 0));
	ATF_CHECK_STREQ(resolve_str(RESOLVE_NONE), look("none.example", 0));
	resolve_forget(rs, "plain.example");
	resolve_forget(rs, "none.example");
	dns_mute = 1;
	ATF_CHECK_STREQ("198.51.100.3:5061", look("plain.example", 0));
	/* Not asked again at once. */
	n = dns_queries;
	ATF_CHECK_STREQ("0 0 0 198.51.100.3:5061", look_all("plain.example", 0, SIP_TLS));
	ATF_CHECK_EQ(1, answer.an_stale);
	ATF_CHECK_EQ(10, answer.an_ttl);
	ATF_CHECK_EQ(n, dns_queries);
	/* That there was no such name is not held against it. */
	ATF_CHECK_STREQ(resolve_str(RESOLVE_TIMEOUT), look("none.example", 0));
	/* A reload, with servers and without. */
	ATF_CHECK_EQ(0, resolver_conf(rs, cf));
	ATF_CHECK_STREQ("198.51.100.3:5061", look("plain.example", 0));
	ATF_REQUIRE((empty = conf_new()) != NULL);
	ATF_CHECK_EQ(0, resolver_conf(rs, empty));
	ATF_CHECK_STREQ("198.51.100.3:5061", look("plain.example", 0));
	ATF_CHECK_STREQ(resolve_str(RESOLVE_FAIL), look("long.example", 0));
	conf_free(empty);
	/* One that answers again is believed. */
	dns_mute = 0;
	ATF_CHECK_EQ(0, resolver_conf(rs, cf));
	ATF_CHECK_STREQ("0 0 0 198.51.100.3:5061", look_all("plain.example", 0, SIP_TLS));
	ATF_CHECK_EQ(0, answer.an_stale);
	teardown();
}

/* As in sipgw: no file can be opened once look-ups begin. */
ATF_TC_WITHOUT_HEAD(sandboxed);
ATF_TC_BODY(sandboxed, tc)
{
	pid_t	pid;
	int	status;

	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		setup(0);
		(void)sandbox_enter(SANDBOX_SIP);
		if (strcmp(look("srv.example", 0),
		    "198.51.100.1:5061 198.51.100.2:5062 [2600::2]:5062") != 0)
			_exit(1);
		_exit(strcmp(look("plain.example", 5061), "198.51.100.3:5061") == 0 ? 0 : 2);
	}
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_CHECK_MSG(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x", status);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, sandboxed);
	ATF_TP_ADD_TC(tp, fixed);
	ATF_TP_ADD_TC(tp, dns);
	ATF_TP_ADD_TC(tp, permit);
	ATF_TP_ADD_TC(tp, trouble);
	ATF_TP_ADD_TC(tp, services);
	ATF_TP_ADD_TC(tp, weights);
	ATF_TP_ADD_TC(tp, stale);
	return (atf_no_error());
}
