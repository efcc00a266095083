/* SPDX-License-Identifier: ISC */
/*
 * Two whole sipgw processes, sandbox on, with the program that includes this as
 * their parent and as key, as PBX and as trunk: a.example calls b.example.
 */
#ifndef BOXPAIR_H
#define BOXPAIR_H

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <atf-c.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "cursor.h"
#include "proc.h"
#include "vipr.h"

#define NUMBER	"+4940123456"		/* of b.example */
#define CALLER	"+4930123451"		/* of a.example */
#define WAIT_S		30
#define SDP	"v=0\r\no=- 1 1 IN IP4 8.8.8.8\r\ns=-\r\nc=IN IP4 8.8.8.8\r\nt=0 0\r\n" \
		"m=audio 4000 RTP/AVP 8\r\n"

struct box {
	const char	*bx_domain, *bx_addr;
	pid_t		 bx_pid;
	struct chan	*bx_parent, *bx_key, *bx_control;
	struct conf	*bx_conf;
	EVP_PKEY	*bx_pkey;
	int		 bx_ready, bx_naked;
	int		 bx_pbx, bx_trunk;	/* UDP sockets of the test */
	int		 bx_log;
	uint16_t	 bx_udp, bx_tls, bx_pbx_port, bx_trunk_port;
	struct imsg_leg	 bx_leg;
	size_t		 bx_nlegs, bx_nsigned, bx_ntickets, bx_nsync, bx_noutcomes;
	char		 bx_number[20], bx_token[TOKEN_MAX];
	enum refusal	 bx_refusal;
	uint64_t	 bx_generation, bx_told;
};

static struct box	 a, b;
static EVP_PKEY		*ca_key;
static X509		*ca_cert;
static char		 program[512];

static int	on_ack(struct chan *, struct chan_msg *, void *);
static int	on_nak(struct chan *, struct chan_msg *, void *);
static int	on_ready(struct chan *, struct chan_msg *, void *);
static int	on_sign(struct chan *, struct chan_msg *, void *);
static int	on_leg(struct chan *, struct chan_msg *, void *);
static int	on_ticket(struct chan *, struct chan_msg *, void *);
static int	on_outcome(struct chan *, struct chan_msg *, void *);
static int	on_sync(struct chan *, struct chan_msg *, void *);
static int	on_gen(struct chan *, struct chan_msg *, void *);
static int	on_any(struct chan *, struct chan_msg *, void *);
static void	on_gone(struct chan *, void *);

static const struct imsg_rule parent_rules[] = {
	{ IMSG_RECONF_ACK, sizeof(struct imsg_reconf), 0, 0, on_ack },
	{ IMSG_RECONF_NAK, sizeof(struct imsg_reconf), 1024, 0, on_nak },
	{ IMSG_READY, 0, 64, 0, on_ready },
	{ IMSG_VIOLATION, 4, 1024, 0, on_any },
	{ IMSG_NONE, 0, 0, 0, NULL }
};
static const struct imsg_rule key_rules[] = {
	{ IMSG_KEY_SIGN, sizeof(struct imsg_key_sign), 4096, 0, on_sign },
	{ IMSG_LEG, sizeof(struct imsg_leg), 0, 0, on_leg },
	{ IMSG_TICKET_CHECK, sizeof(struct imsg_ticket_check), 65536, 0, on_ticket },
	{ IMSG_ROUTE_OUTCOME, sizeof(struct imsg_route_outcome), 300, 0, on_outcome },
	{ IMSG_ROUTE_SYNC, 0, 8, 0, on_sync },
	{ IMSG_TICKET_GEN, sizeof(struct imsg_ticket_gen), 0, 0, on_gen },
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static struct box *
box_of(struct chan *ch)
{
	return (ch == a.bx_parent || ch == a.bx_key ? &a : &b);
}

static void
on_gone(struct chan *ch, void *arg)
{
	struct box	*bx = box_of(ch);

	(void)arg;
	if (bx->bx_parent == ch)
		bx->bx_parent = NULL;
	else
		bx->bx_key = NULL;
	chan_free(ch);
}

static int
on_ack(struct chan *ch, struct chan_msg *m, void *arg)
{
	(void)arg;
	(void)chan_send(ch, IMSG_RECONF_COMMIT, -1, m->cm_fixed, sizeof(struct imsg_reconf),
	    NULL, 0);
	return (0);
}

static int
on_nak(struct chan *ch, struct chan_msg *m, void *arg)
{
	size_t	n = cur_left(&m->cm_tail);

	(void)arg;
	fprintf(stderr, "refused: %.*s\n", (int)n, (const char *)cur_ptr(&m->cm_tail, n));
	box_of(ch)->bx_naked = 1;
	return (0);
}

static int
on_ready(struct chan *ch, struct chan_msg *m, void *arg)
{
	(void)m;
	(void)arg;
	box_of(ch)->bx_ready = 1;
	return (0);
}

static int
on_any(struct chan *ch, struct chan_msg *m, void *arg)
{
	(void)ch;
	(void)arg;
	fprintf(stderr, "violation: %.*s\n", (int)cur_left(&m->cm_tail),
	    (const char *)cur_ptr(&m->cm_tail, cur_left(&m->cm_tail)));
	return (0);
}

static int
on_sign(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct box		*bx = box_of(ch);
	struct imsg_key_sign	 ks;
	struct imsg_key_sign_res kr;
	EVP_MD_CTX		*md = EVP_MD_CTX_new();
	uint8_t			 sig[256];
	size_t			 siglen = sizeof(sig), n = cur_left(&m->cm_tail);

	(void)arg;
	memcpy(&ks, m->cm_fixed, sizeof(ks));
	ATF_REQUIRE_EQ(KEYID_SIP, ks.ks_keyid);
	ATF_REQUIRE_EQ(KS_TLS13, ks.ks_type);
	memset(&kr, 0, sizeof(kr));
	kr.kr_reqid = ks.ks_reqid;
	ATF_REQUIRE_EQ(1, EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, bx->bx_pkey));
	ATF_REQUIRE_EQ(1, EVP_DigestSign(md, sig, &siglen, cur_ptr(&m->cm_tail, n), n));
	EVP_MD_CTX_free(md);
	bx->bx_nsigned++;
	(void)chan_send(ch, IMSG_KEY_SIGN_RES, -1, &kr, sizeof(kr), sig, siglen);
	return (0);
}

static int
on_leg(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct box		*bx = box_of(ch);
	struct imsg_leg_ack	 la;

	(void)arg;
	memcpy(&bx->bx_leg, m->cm_fixed, sizeof(bx->bx_leg));
	bx->bx_nlegs++;
	memset(&la, 0, sizeof(la));
	la.la_id = bx->bx_leg.lg_id;
	la.la_stored = 1;
	(void)chan_send(ch, IMSG_LEG_ACK, -1, &la, sizeof(la), NULL, 0);
	return (0);
}

static int
on_ticket(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct box		*bx = box_of(ch);
	struct imsg_ticket_check tc;
	struct imsg_ticket_res	 tr;

	(void)arg;
	memcpy(&tc, m->cm_fixed, sizeof(tc));
	(void)strlcpy(bx->bx_number, tc.tc_number, sizeof(bx->bx_number));
	ATF_REQUIRE_EQ(0, cur_lv_str(&m->cm_tail, 2, bx->bx_token, sizeof(bx->bx_token)));
	bx->bx_ntickets++;
	memset(&tr, 0, sizeof(tr));
	tr.tr_reqid = tc.tc_reqid;
	tr.tr_refusal = bx->bx_refusal;
	tr.tr_not_after = (uint64_t)time(NULL) + 1000;
	tr.tr_generation = bx->bx_generation;
	(void)chan_send(ch, IMSG_TICKET_RES, -1, &tr, sizeof(tr), NULL, 0);
	return (0);
}

static int
on_gen(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct imsg_ticket_gen	tg;

	(void)arg;
	memcpy(&tg, m->cm_fixed, sizeof(tg));
	box_of(ch)->bx_told = tg.tg_generation;
	return (0);
}

static int
on_outcome(struct chan *ch, struct chan_msg *m, void *arg)
{
	(void)m;
	(void)arg;
	box_of(ch)->bx_noutcomes++;
	return (0);
}

static int
on_sync(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct box		*bx = box_of(ch);
	struct imsg_route_set	 rs;
	uint8_t			 buf[1024];
	struct wbuf		 w;
	char			 uri[128];
	uint64_t		 n = bx == &a;

	(void)m;
	(void)arg;
	if (bx == &a) {
		memset(&rs, 0, sizeof(rs));
		(void)strlcpy(rs.rs_number, NUMBER, sizeof(rs.rs_number));
		rs.rs_count = 1;
		wbuf_init(&w, buf, sizeof(buf));
		wbuf_u8(&w, ROUTE_ACTIVE);
		wbuf_u8(&w, 2);
		wbuf_u8(&w, 0);
		wbuf_u64(&w, (uint64_t)time(NULL) + 86400);
		wbuf_u64(&w, (uint64_t)time(NULL) - 60);
		wbuf_lv_str(&w, 1, "b.example");
		wbuf_lv_str(&w, 2, "VElDS0VU");
		wbuf_u8(&w, 1);
		(void)snprintf(uri, sizeof(uri), "sips:" NUMBER "@b.example:%u", b.bx_tls);
		wbuf_lv_str(&w, 2, uri);
		(void)chan_send(ch, IMSG_ROUTE_SET, -1, &rs, sizeof(rs), buf, w.w_len);
	}
	(void)chan_send(ch, IMSG_ROUTE_SYNC, -1, &n, sizeof(n), NULL, 0);
	bx->bx_nsync++;
	return (0);
}

/* -- certificates -- */

static X509 *
cert_make(const char *name, EVP_PKEY *key, int ca)
{
	X509		*x = X509_new();
	X509_NAME	*nm = X509_NAME_new();
	X509_EXTENSION	*ext;
	X509V3_CTX	 ctx;
	char		 san[128];

	(void)X509_set_version(x, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(x), ca ? 1 : (long)random());
	(void)X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	(void)X509_NAME_add_entry_by_txt(nm, "CN", MBSTRING_ASC, (const unsigned char *)name,
	    -1, -1, 0);
	(void)X509_set_subject_name(x, nm);
	(void)X509_set_issuer_name(x, ca ? nm : X509_get_subject_name(ca_cert));
	(void)X509_set_pubkey(x, key);
	X509V3_set_ctx(&ctx, ca ? x : ca_cert, x, NULL, NULL, 0);
	if (ca)
		ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints,
		    "critical,CA:TRUE");
	else {
		(void)snprintf(san, sizeof(san), "DNS:%s", name);
		ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, san);
	}
	ATF_REQUIRE(ext != NULL && X509_add_ext(x, ext, -1) == 1);
	X509_EXTENSION_free(ext);
	ATF_REQUIRE(X509_sign(x, ca ? key : ca_key, EVP_sha256()) != 0);
	X509_NAME_free(nm);
	return (x);
}

static void
blob(struct conf_blob *cb, X509 *x)
{
	BIO	*bio = BIO_new(BIO_s_mem());
	char	*p;
	long	 n;

	ATF_REQUIRE_EQ(1, PEM_write_bio_X509(bio, x));
	n = BIO_get_mem_data(bio, &p);
	cb->cb_data = malloc((size_t)n);
	memcpy(cb->cb_data, p, (size_t)n);
	cb->cb_len = (size_t)n;
	(void)strlcpy(cb->cb_path, "test", sizeof(cb->cb_path));
	cb->cb_fd = -1;
	BIO_free(bio);
}

/* -- boxes -- */

static int
sock(int type, const char *addr, uint16_t *port)
{
	struct sockaddr_in	sin;
	socklen_t		len = sizeof(sin);
	int			fd, on = 1;

	ATF_REQUIRE((fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) != -1);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	ATF_REQUIRE_EQ(1, inet_pton(AF_INET, addr, &sin.sin_addr));
	sin.sin_port = htons(*port);
	ATF_REQUIRE_MSG(bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0, "%s", addr);
	if (type == SOCK_STREAM)
		ATF_REQUIRE_EQ(0, listen(fd, 16));
	ATF_REQUIRE_EQ(0, getsockname(fd, (struct sockaddr *)&sin, &len));
	*port = ntohs(sin.sin_port);
	return (fd);
}

static void
add_listen(struct box *bx, uint8_t proto, uint8_t face, int fd, uint16_t port)
{
	struct conf_listen	*cl = calloc(1, sizeof(*cl));

	cl->cl_use = LISTEN_SIP;
	cl->cl_proto = proto;
	cl->cl_face = face;
	cl->cl_fd = fd;
	(void)vaddr_parse(bx->bx_addr, port, &cl->cl_addr);
	TAILQ_INSERT_TAIL(&bx->bx_conf->c_listens, cl, cl_entry);
}

static void
add_hop(struct box *bx, const char *name, uint16_t port, uint8_t trunk)
{
	struct conf_hop	*ch = calloc(1, sizeof(*ch));

	(void)strlcpy(ch->ch_name, name, sizeof(ch->ch_name));
	(void)strlcpy(ch->ch_host, "127.77.0.9", sizeof(ch->ch_host));
	(void)vaddr_parse("127.77.0.9", port, &ch->ch_addr);
	ch->ch_proto = SIP_UDP;
	ch->ch_trunk = trunk;
	TAILQ_INSERT_TAIL(&bx->bx_conf->c_hops, ch, ch_entry);
}

static void
box_conf(struct box *bx)
{
	struct conf		*c;
	struct conf_range	*cr;
	struct conf_text	*ct;
	X509			*x;
	int			 udp, tls;

	bx->bx_conf = c = conf_new();
	c->c_generation = 1;
	(void)strlcpy(c->c_domain, bx->bx_domain, sizeof(c->c_domain));
	(void)strlcpy(c->c_outside_host, bx->bx_domain, sizeof(c->c_outside_host));
	c->c_flags |= CONF_OUTSIDE_ON | CONF_PERMIT_PRIVATE | CONF_MEDIA_PLAIN;
	c->c_resample = 0;
	/* A slow machine is no reason to fall back. */
	c->c_connect_ms = 20000;
	c->c_answer_ms = 20000;
	udp = sock(SOCK_DGRAM, bx->bx_addr, &bx->bx_udp);
	tls = sock(SOCK_STREAM, bx->bx_addr, &bx->bx_tls);
	c->c_outside_port = bx->bx_tls;
	add_listen(bx, SIP_UDP, FACE_INSIDE, udp, bx->bx_udp);
	add_listen(bx, SIP_TLS, FACE_OUTSIDE, tls, bx->bx_tls);
	add_hop(bx, "pbx", bx->bx_pbx_port, 0);
	add_hop(bx, "pstn", bx->bx_trunk_port, 1);
	cr = calloc(1, sizeof(*cr));
	(void)strlcpy(cr->cr_range.er_from, bx == &a ? CALLER : NUMBER,
	    sizeof(cr->cr_range.er_from));
	(void)strlcpy(cr->cr_range.er_to, cr->cr_range.er_from, sizeof(cr->cr_range.er_to));
	TAILQ_INSERT_TAIL(&c->c_numbers, cr, cr_entry);
	ct = calloc(1, sizeof(*ct));
	(void)strlcpy(ct->ct_text, "b.example", sizeof(ct->ct_text));
	(void)vaddr_parse("127.77.0.2", 0, &ct->ct_addr);
	TAILQ_INSERT_TAIL(&c->c_hosts, ct, ct_entry);
	bx->bx_pkey = EVP_EC_gen("P-256");
	x = cert_make(bx->bx_domain, bx->bx_pkey, 0);
	blob(&c->c_sip_cert, x);
	blob(&c->c_sip_ca, ca_cert);
	X509_free(x);
}

static struct chan *
pair_chan(struct box *bx, enum vipr_role role, const struct imsg_rule *rules, int *other)
{
	struct chan	*ch;
	int		 sv[2];

	(void)bx;
	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    sv));
	ATF_REQUIRE((ch = chan_new(sv[0], role_str(role), rules, role == ROLE_PARENT, on_gone,
	    NULL)) != NULL);
	*other = sv[1];
	return (ch);
}

static void
box_key(struct box *bx)
{
	struct imsg_peerfd	pf;
	int			fd;

	bx->bx_key = pair_chan(bx, ROLE_KEY, key_rules, &fd);
	memset(&pf, 0, sizeof(pf));
	pf.pf_role = ROLE_KEY;
	ATF_REQUIRE_EQ(0, chan_send(bx->bx_parent, IMSG_PEERFD, fd, &pf, sizeof(pf), NULL, 0));
	ATF_REQUIRE_EQ(0, chan_hello(bx->bx_key, ROLE_KEY, ROLE_SIP));
}

static void
box_start(struct box *bx)
{
	char	 data[128], sub[160], log[128];
	int	 fd, lv[2];

	(void)snprintf(data, sizeof(data), "data.%s", bx->bx_domain);
	(void)snprintf(sub, sizeof(sub), "%s/sipgw", data);
	(void)mkdir(data, 0700);
	(void)mkdir(sub, 0700);
	(void)snprintf(log, sizeof(log), "log.%s", bx->bx_domain);
	bx->bx_parent = pair_chan(bx, ROLE_PARENT, parent_rules, &fd);
	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, lv));
	if ((bx->bx_pid = fork()) == 0) {
		int	out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

		(void)dup2(out, 2);
		/* Out of the way first: 3 and 4 may be in use. */
		fd = fcntl(fd, F_DUPFD, 100);
		lv[1] = fcntl(lv[1], F_DUPFD, 101);
		(void)dup2(fd, 3);
		(void)dup2(lv[1], 4);
		closefrom(5);
		(void)fcntl(3, F_SETFL, O_NONBLOCK);
		execl(program, program, "-R", "sipgw", "-D", data, "-C", "-d", "-v",
		    (char *)NULL);
		_exit(127);
	}
	(void)close(fd);
	(void)close(lv[1]);
	bx->bx_log = lv[0];
	ATF_REQUIRE_EQ(0, chan_hello(bx->bx_parent, ROLE_PARENT, ROLE_SIP));
	ATF_REQUIRE_EQ(0, conf_send(bx->bx_parent, bx->bx_conf, ROLE_SIP));
	box_key(bx);
}

static void
wakeup(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
}

/* One turn of the loop; 0 once the time is over. */
static int
turn(time_t deadline)
{
	static struct event	ev;
	struct timeval		tv = { 0, 20000 };

	evtimer_set(&ev, wakeup, NULL);
	(void)evtimer_add(&ev, &tv);
	(void)event_loop(EVLOOP_ONCE);
	(void)evtimer_del(&ev);
	return (time(NULL) <= deadline);
}

#define WAIT_FOR(cond) do {						\
	time_t end_ = time(NULL) + WAIT_S;				\
	while (!(cond))							\
		ATF_REQUIRE_MSG(turn(end_), "timed out: %s", #cond);	\
} while (0)

/* -- SIP -- */

static char	 got[65536];
static struct sockaddr_in got_from;

/* The next message that begins with that, on a socket. */
static int
receive(int fd, const char *start)
{
	socklen_t	len = sizeof(got_from);
	ssize_t		n;

	while ((n = recvfrom(fd, got, sizeof(got) - 1, 0, (struct sockaddr *)&got_from,
	    &len)) > 0) {
		got[n] = '\0';
		if (strncmp(got, start, strlen(start)) == 0)
			return (1);
	}
	return (0);
}

static void
transmit(struct box *bx, int fd, const char *text)
{
	struct sockaddr_in	sin;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	(void)inet_pton(AF_INET, bx->bx_addr, &sin.sin_addr);
	sin.sin_port = htons(bx->bx_udp);
	ATF_REQUIRE(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&sin,
	    sizeof(sin)) != -1);
}

static void
hdr(const char *msg, const char *name, char *out, size_t size)
{
	const char	*p, *end;
	char		 want[64];

	(void)snprintf(want, sizeof(want), "\r\n%s: ", name);
	out[0] = '\0';
	if ((p = strstr(msg, want)) == NULL)
		return;
	p += strlen(want);
	end = strstr(p, "\r\n");
	(void)snprintf(out, size, "%.*s", (int)(end - p), p);
}

static void
answer(struct box *bx, int fd, const char *status, const char *contact)
{
	static char	 text[16384];
	char		 v[2048], t[2048];
	const char	*p;
	size_t		 n;

	n = (size_t)snprintf(text, sizeof(text), "SIP/2.0 %s\r\n", status);
	for (p = got; (p = strstr(p, "\r\nVia: ")) != NULL; p += 2) {
		hdr(p, "Via", v, sizeof(v));
		n += (size_t)snprintf(text + n, sizeof(text) - n, "Via: %s\r\n", v);
	}
	hdr(got, "From", v, sizeof(v));
	hdr(got, "To", t, sizeof(t));
	n += (size_t)snprintf(text + n, sizeof(text) - n, "From: %s\r\nTo: %s%s\r\n", v, t,
	    strstr(t, ";tag=") != NULL ? "" : ";tag=callee");
	hdr(got, "Call-ID", v, sizeof(v));
	hdr(got, "CSeq", t, sizeof(t));
	(void)snprintf(text + n, sizeof(text) - n, "Call-ID: %s\r\nCSeq: %s\r\n"
	    "Contact: <sip:%s@127.77.0.9:%u>\r\nContent-Length: 0\r\n\r\n", v, t, contact,
	    bx->bx_pbx_port);
	transmit(bx, fd, text);
}

static void
invite(const char *n)
{
	static char	text[4096];

	(void)snprintf(text, sizeof(text), "INVITE sip:" NUMBER "@%s SIP/2.0\r\n"
	    "Via: SIP/2.0/UDP 127.77.0.9:%u;branch=z9hG4bK%s;rport\r\nMax-Forwards: 70\r\n"
	    "From: <sip:" CALLER "@127.77.0.9>;tag=caller\r\nTo: <sip:" NUMBER "@%s>\r\n"
	    "Call-ID: %s@127.77.0.9\r\nCSeq: 1 INVITE\r\n"
	    "Contact: <sip:x@127.77.0.9:%u>\r\nContent-Type: application/sdp\r\n"
	    "Content-Length: %zu\r\n\r\n" SDP, a.bx_addr, a.bx_pbx_port, n, a.bx_addr, n,
	    a.bx_pbx_port, strlen(SDP));
	transmit(&a, a.bx_pbx, text);
}

static void
start(const atf_tc_t *tc)
{
	struct stat	st;

	(void)snprintf(program, sizeof(program), "%s/../../sipgw",
	    atf_tc_get_config_var_wd(tc, "srcdir", "."));
	if (stat(program, &st) == -1)
		atf_tc_skip("no sipgw at %s", program);
	ATF_REQUIRE(sodium_init() != -1);
	(void)signal(SIGPIPE, SIG_IGN);
	ATF_REQUIRE(event_init() != NULL && event_priority_init(4) == 0);
	ca_key = EVP_EC_gen("P-256");
	ca_cert = cert_make("test ca", ca_key, 1);
	a.bx_domain = "a.example";
	a.bx_addr = "127.77.0.1";
	b.bx_domain = "b.example";
	b.bx_addr = "127.77.0.2";
	a.bx_pbx = sock(SOCK_DGRAM, "127.77.0.9", &a.bx_pbx_port);
	a.bx_trunk = sock(SOCK_DGRAM, "127.77.0.9", &a.bx_trunk_port);
	b.bx_pbx = sock(SOCK_DGRAM, "127.77.0.9", &b.bx_pbx_port);
	b.bx_trunk = sock(SOCK_DGRAM, "127.77.0.9", &b.bx_trunk_port);
	box_conf(&a);
	box_conf(&b);
	box_start(&a);
	box_start(&b);
	WAIT_FOR(a.bx_ready && b.bx_ready && a.bx_nsync == 1 && b.bx_nsync == 1);
}

static void
stop(void)
{
	int	status;

	(void)chan_send(a.bx_parent, IMSG_SHUTDOWN, -1, NULL, 0, NULL, 0);
	(void)chan_send(b.bx_parent, IMSG_SHUTDOWN, -1, NULL, 0, NULL, 0);
	WAIT_FOR(a.bx_parent == NULL && b.bx_parent == NULL);
	ATF_REQUIRE_EQ(a.bx_pid, waitpid(a.bx_pid, &status, 0));
	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	if (b.bx_pid > 0) {
		ATF_REQUIRE_EQ(b.bx_pid, waitpid(b.bx_pid, &status, 0));
		ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

#endif
