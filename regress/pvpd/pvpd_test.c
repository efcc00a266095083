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
 * The real pvpd, twice: this program plays the parent, the key process and
 * overlayd of two boxes that prove something to each other on 127.0.0.1.  What
 * key would compute is any bytes here; order, binding, ends and limits are
 * what is looked at.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <atf-c.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "../common/testtls.h"
#include "addr.h"
#include "chan.h"
#include "conf.h"
#include "ctl.h"
#include "log.h"
#include "vipr.h"

#define OVERLAY	"overlay.test"
#define NODE_A	"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define NODE_B	"b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
#define NODE_C	"c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"

struct box {
	char		 b_name;
	pid_t		 b_pid;
	struct chan	*b_parent, *b_key, *b_overlay, *b_control;
	struct testcert	 b_cert;
	uint8_t		 b_node[NODEID_LEN];
	struct vaddr	 b_addr;
	int		 b_ready, b_acked, b_naks;
	/* What key saw. */
	struct imsg_pvp_open b_open;
	struct imsg_pvp_end b_end;
	struct imsg_pvp_claimants b_claimants;
	int		 b_opens, b_ends, b_answers, b_signs;
	unsigned	 b_types[16];
	int		 b_ntypes;
	int		 b_silent;	/* key answers no message */
	int		 b_deaf;	/* overlayd answers nothing */
	uint8_t		 b_claimant[NODEID_LEN];
	struct vaddr	 b_where;
	unsigned	 b_app;
	int		 b_rows, b_trusts;
};

static struct testcert	 ca;
static struct box	 A, B;

static int	 on_ack(struct chan *, struct chan_msg *, void *);
static int	 on_nak(struct chan *, struct chan_msg *, void *);
static int	 on_ready(struct chan *, struct chan_msg *, void *);
static int	 on_violation(struct chan *, struct chan_msg *, void *);
static int	 on_sign(struct chan *, struct chan_msg *, void *);
static int	 on_claimants(struct chan *, struct chan_msg *, void *);
static int	 on_open(struct chan *, struct chan_msg *, void *);
static int	 on_in(struct chan *, struct chan_msg *, void *);
static int	 on_end(struct chan *, struct chan_msg *, void *);
static int	 on_lookup(struct chan *, struct chan_msg *, void *);
static int	 on_appattach(struct chan *, struct chan_msg *, void *);
static int	 on_row(struct chan *, struct chan_msg *, void *);
static int	 on_rows_end(struct chan *, struct chan_msg *, void *);

static const struct imsg_rule as_parent[] = {
	{ IMSG_RECONF_ACK, sizeof(struct imsg_reconf), 0, 0, on_ack },
	{ IMSG_RECONF_NAK, sizeof(struct imsg_reconf), 512, 0, on_nak },
	{ IMSG_READY, 0, 512, 0, on_ready },
	{ IMSG_VIOLATION, sizeof(uint32_t), 512, 0, on_violation },
	{ IMSG_NONE, 0, 0, 0, NULL }
};
static const struct imsg_rule as_key[] = {
	{ IMSG_KEY_SIGN, sizeof(struct imsg_key_sign), 4096, 0, on_sign },
	{ IMSG_PVP_CLAIMANTS, sizeof(struct imsg_pvp_claimants), 4096, 0, on_claimants },
	{ IMSG_PVP_OPEN, sizeof(struct imsg_pvp_open), 0, 0, on_open },
	{ IMSG_PVP_IN, sizeof(struct imsg_pvp_body), 4096, 0, on_in },
	{ IMSG_PVP_END, sizeof(struct imsg_pvp_end), 0, 0, on_end },
	{ IMSG_NONE, 0, 0, 0, NULL }
};
static const struct imsg_rule as_overlay[] = {
	{ IMSG_OV_LOOKUP, sizeof(struct imsg_ov_lookup), 0, 0, on_lookup },
	{ IMSG_OV_APPATTACH, sizeof(struct imsg_ov_appattach), 0, 0, on_appattach },
	{ IMSG_NONE, 0, 0, 0, NULL }
};
static const struct imsg_rule as_control[] = {
	{ IMSG_CTL_ROW, sizeof(struct imsg_ctl_reply), CTL_ROW_MAX, 0, on_row },
	{ IMSG_CTL_END, sizeof(struct imsg_ctl_reply), 1024, 0, on_rows_end },
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static int
on_ack(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct box	*b = arg;

	(void)m;
	b->b_acked = 1;
	return (chan_send(ch, IMSG_RECONF_COMMIT, -1, m->cm_fixed,
	    sizeof(struct imsg_reconf), NULL, 0));
}

static int
on_nak(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct box	*b = arg;

	(void)ch;
	(void)m;
	b->b_naks++;
	return (0);
}

static int
on_ready(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct box	*b = arg;

	(void)ch;
	(void)m;
	b->b_ready = 1;
	return (0);
}

static int
on_violation(struct chan *ch, struct chan_msg *m, void *arg)
{
	(void)ch;
	(void)arg;
	atf_tc_fail("violation: %.*s", (int)cur_left(&m->cm_tail),
	    (const char *)m->cm_tail.c_p);
	return (0);
}

static int
on_sign(struct chan *ch, struct chan_msg *m, void *arg)
{
	const struct imsg_key_sign *ks = m->cm_fixed;
	struct imsg_key_sign_res kr;
	struct box	*b = arg;
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	uint8_t		 sig[256];
	size_t		 siglen = sizeof(sig), n = cur_left(&m->cm_tail);

	b->b_signs++;
	ATF_CHECK_EQ(KEYID_NODE, ks->ks_keyid);
	ATF_CHECK_EQ(KS_TLS13, ks->ks_type);
	memset(&kr, 0, sizeof(kr));
	kr.kr_reqid = ks->ks_reqid;
	ATF_REQUIRE_EQ(1, EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL,
	    b->b_cert.t_key));
	ATF_REQUIRE_EQ(1, EVP_DigestSign(ctx, sig, &siglen,
	    cur_ptr(&m->cm_tail, n), n));
	EVP_MD_CTX_free(ctx);
	return (chan_send(ch, IMSG_KEY_SIGN_RES, -1, &kr, sizeof(kr), sig,
	    siglen));
}

static int
on_claimants(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct box	*b = arg;

	(void)ch;
	memcpy(&b->b_claimants, m->cm_fixed, sizeof(b->b_claimants));
	b->b_answers++;
	return (0);
}

static int
out(struct box *b, uint64_t conn, unsigned type, unsigned flags, size_t len)
{
	static const uint8_t	 body[4096];
	struct imsg_pvp_body	 pb;

	memset(&pb, 0, sizeof(pb));
	pb.pb_conn = conn;
	pb.pb_type = (uint16_t)type;
	pb.pb_flags = (uint16_t)flags;
	pb.pb_len = (uint32_t)len;
	return (chan_send(b->b_key, IMSG_PVP_OUT, -1, &pb, sizeof(pb), body, len));
}

static int
on_open(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct box	*b = arg;

	(void)ch;
	memcpy(&b->b_open, m->cm_fixed, sizeof(b->b_open));
	b->b_opens++;
	if (b->b_open.po_role == PVP_INITIATOR && !b->b_silent)
		return (out(b, b->b_open.po_conn, PVP_PROOF1, 0, 50));
	return (0);
}

static int
on_in(struct chan *ch, struct chan_msg *m, void *arg)
{
	const struct imsg_pvp_body *pb = m->cm_fixed;
	struct box	*b = arg;

	(void)ch;
	ATF_CHECK_EQ(pb->pb_len, cur_left(&m->cm_tail));
	ATF_REQUIRE(b->b_ntypes < 16);
	b->b_types[b->b_ntypes++] = pb->pb_type;
	if (b->b_silent)
		return (0);
	switch (pb->pb_type) {
	case PVP_PROOF1:
		return (out(b, pb->pb_conn, PVP_PROOF2, PVP_OUT_GRID, 101));
	case PVP_PROOF2:
		if (out(b, pb->pb_conn, PVP_PROOF3, 0, 64) == -1)
			return (-1);
		return (out(b, pb->pb_conn, PVP_CLAIM, 0, 100));
	case PVP_CLAIM:
		return (out(b, pb->pb_conn, PVP_ROUTE, PVP_OUT_CLOSE, 300));
	default:
		return (0);
	}
}

static int
on_end(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct box	*b = arg;

	(void)ch;
	memcpy(&b->b_end, m->cm_fixed, sizeof(b->b_end));
	b->b_ends++;
	return (0);
}

static int
on_lookup(struct chan *ch, struct chan_msg *m, void *arg)
{
	const struct imsg_ov_lookup *ol = m->cm_fixed;
	struct imsg_ov_lookup_res or;
	struct box	*b = arg;

	if (b->b_deaf)
		return (0);
	ATF_CHECK_STREQ("+14085550142", ol->ol_number);
	memset(&or, 0, sizeof(or));
	or.or_reqid = ol->ol_reqid;
	or.or_count = 1;
	return (chan_send(ch, IMSG_OV_LOOKUP_RES, -1, &or, sizeof(or),
	    b->b_claimant, NODEID_LEN));
}

static int
on_appattach(struct chan *ch, struct chan_msg *m, void *arg)
{
	const struct imsg_ov_appattach *oa = m->cm_fixed;
	struct imsg_ov_appattach_res res;
	struct box	*b = arg;

	if (b->b_deaf)
		return (0);
	b->b_app = oa->oa_application;
	memset(&res, 0, sizeof(res));
	res.oa_reqid = oa->oa_reqid;
	res.oa_count = 1;
	return (chan_send(ch, IMSG_OV_APPATTACH_RES, -1, &res, sizeof(res),
	    &b->b_where, sizeof(b->b_where)));
}

static int
on_row(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct box	*b = arg;
	struct ctl_field f;
	char		 kind[64];
	int		 r;

	(void)ch;
	ATF_REQUIRE_EQ(0, ctl_row_open(&m->cm_tail, kind, sizeof(kind)));
	ATF_CHECK_STREQ("pvpd", kind);
	while ((r = ctl_row_next(&m->cm_tail, &f)) == 1)
		if (strcmp(f.cf_name, "ready") == 0)
			b->b_trusts = f.cf_num != 0;
	ATF_CHECK_EQ(0, r);
	b->b_rows++;
	return (0);
}

static int
on_rows_end(struct chan *ch, struct chan_msg *m, void *arg)
{
	struct box	*b = arg;

	(void)ch;
	(void)m;
	b->b_rows += 100;
	return (0);
}

/* -- running -- */

static void
gone(struct chan *ch, void *arg)
{
	struct box	*b = arg;

	(void)ch;
	atf_tc_fail("box %c: channel lost", b->b_name);
}

static void
stuck(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	atf_tc_fail("stuck waiting: %s", (const char *)arg);
}

#define WAIT(cond) do {							\
	struct event	 guard_;					\
	struct timeval	 tv_ = { 30, 0 };				\
	static char	 what_[] = #cond;				\
									\
	evtimer_set(&guard_, stuck, what_);				\
	evtimer_add(&guard_, &tv_);					\
	while (!(cond))							\
		ATF_REQUIRE(event_loop(EVLOOP_ONCE) != -1);		\
	event_del(&guard_);						\
} while (0)

static int
channel(int sv[2], int type)
{
	return (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv));
}

static struct chan *
peer_channel(struct box *b, enum vipr_role role, const struct imsg_rule *rules)
{
	struct imsg_peerfd	 pf;
	struct chan		*ch;
	int			 sv[2];

	ATF_REQUIRE_EQ(0, channel(sv, SOCK_STREAM));
	memset(&pf, 0, sizeof(pf));
	pf.pf_role = role;
	ATF_REQUIRE_EQ(0, chan_send(b->b_parent, IMSG_PEERFD, sv[1], &pf,
	    sizeof(pf), NULL, 0));
	ATF_REQUIRE((ch = chan_new(sv[0], role_str(role), rules, 0, gone, b)) != NULL);
	ATF_REQUIRE_EQ(0, chan_hello(ch, role, ROLE_PVP));
	return (ch);
}

static void
roots_send(struct box *b, const struct testcert *root, const uint8_t *bad)
{
	static uint8_t		 buf[8192];
	struct imsg_pvp_roots	 pr;
	struct wbuf		 w;
	unsigned char		*der = NULL;
	int			 n;

	ATF_REQUIRE((n = i2d_X509(root->t_cert, &der)) > 0);
	memset(&pr, 0, sizeof(pr));
	pr.pr_count = 1;
	pr.pr_bad = bad != NULL;
	wbuf_init(&w, buf, sizeof(buf));
	wbuf_lv_str(&w, 1, OVERLAY);
	wbuf_lv(&w, 2, der, (size_t)n);
	if (bad != NULL)
		wbuf_bytes(&w, bad, NODEID_LEN);
	ATF_REQUIRE_EQ(0, chan_send(b->b_key, IMSG_PVP_ROOTS, -1, &pr,
	    sizeof(pr), buf, w.w_len));
	OPENSSL_free(der);
}

static void
conf_give(struct box *b, uint64_t generation, unsigned flags, int fd)
{
	struct conf		*conf;
	struct conf_listen	*cl;

	ATF_REQUIRE((conf = conf_new()) != NULL);
	conf->c_generation = generation;
	conf->c_flags |= flags | CONF_PVP_ON | CONF_OVERLAY_ON;
	snprintf(conf->c_overlay, sizeof(conf->c_overlay), OVERLAY);
	snprintf(conf->c_node_cert.cb_path, sizeof(conf->c_node_cert.cb_path),
	    "node.crt");
	ATF_REQUIRE((conf->c_node_cert.cb_data = malloc(b->b_cert.t_pemlen)) != NULL);
	memcpy(conf->c_node_cert.cb_data, b->b_cert.t_pem, b->b_cert.t_pemlen);
	conf->c_node_cert.cb_len = b->b_cert.t_pemlen;
	ATF_REQUIRE((cl = calloc(1, sizeof(*cl))) != NULL);
	cl->cl_use = LISTEN_PVP;
	cl->cl_proto = SIP_TCP;
	cl->cl_addr = b->b_addr;
	cl->cl_fd = fd;
	TAILQ_INSERT_TAIL(&conf->c_listens, cl, cl_entry);
	ATF_REQUIRE_EQ(0, conf_send(b->b_parent, conf, ROLE_PVP));
	conf_free(conf);
}

static int
listener(struct vaddr *va)
{
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);
	int			 fd;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ATF_REQUIRE((fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0)) != -1);
	ATF_REQUIRE_EQ(0, bind(fd, (struct sockaddr *)&sin, sizeof(sin)));
	ATF_REQUIRE_EQ(0, listen(fd, 64));
	ATF_REQUIRE_EQ(0, getsockname(fd, (struct sockaddr *)&sin, &len));
	ATF_REQUIRE_EQ(0, vaddr_from_sa((struct sockaddr *)&sin, va));
	return (fd);
}

static void
show(struct box *b)
{
	struct imsg_ctl_request	 cq;

	memset(&cq, 0, sizeof(cq));
	cq.cq_id = 1;
	cq.cq_verb = CTL_SHOW;
	cq.cq_class = CTL_READ;
	b->b_rows = 0;
	ATF_REQUIRE_EQ(0, chan_send(b->b_control, IMSG_CTL_REQUEST, -1, &cq,
	    sizeof(cq), NULL, 0));
	WAIT(b->b_rows >= 100);
	ATF_CHECK_EQ(101, b->b_rows);
}

static void
box_start(const atf_tc_t *tc, struct box *b, char name, const char *node,
    const struct testcert *issuer, unsigned flags)
{
	char	 path[1024], san[256], log[8] = "log.x";
	int	 sv[2], lv[2], fd;

	memset(b, 0, sizeof(*b));
	b->b_name = name;
	sodium_hex2bin(b->b_node, NODEID_LEN, node, 32, NULL, NULL, NULL);
	snprintf(san, sizeof(san), "URI:reload://0110%s@" OVERLAY
	    "/,email:n@" OVERLAY, node);
	testcert_make(&b->b_cert, 0, "", san, issuer);
	snprintf(path, sizeof(path), "%s/../../pvpd",
	    atf_tc_get_config_var(tc, "srcdir"));
	if (access(path, X_OK) == -1)
		atf_tc_skip("%s is not built", path);
	ATF_REQUIRE_EQ(0, channel(sv, SOCK_STREAM));
	ATF_REQUIRE_EQ(0, channel(lv, SOCK_DGRAM));
	log[4] = name;
	ATF_REQUIRE((b->b_pid = fork()) != -1);
	if (b->b_pid == 0) {
		fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, 2);
		/* Out of the way of 3 and 4 first. */
		sv[1] = fcntl(sv[1], F_DUPFD, 100);
		lv[1] = fcntl(lv[1], F_DUPFD, 100);
		dup2(sv[1], 3);
		dup2(lv[1], 4);
		closefrom(5);
		execl(path, "pvpd", "-R", role_str(ROLE_PVP), "-D", ".", "-C",
		    "-d", "-v", (char *)NULL);
		_exit(127);
	}
	close(sv[1]);
	close(lv[0]);
	close(lv[1]);
	b->b_parent = chan_new(sv[0], "pvpd", as_parent, 1, gone, b);
	ATF_REQUIRE(b->b_parent != NULL);
	ATF_REQUIRE_EQ(0, chan_hello(b->b_parent, ROLE_PARENT, ROLE_PVP));
	b->b_key = peer_channel(b, ROLE_KEY, as_key);
	b->b_overlay = peer_channel(b, ROLE_OVERLAY, as_overlay);
	b->b_control = peer_channel(b, ROLE_CONTROL, as_control);
	conf_give(b, 1, flags, listener(&b->b_addr));
	WAIT(b->b_ready);
	roots_send(b, &ca, NULL);
	while (!b->b_trusts)
		show(b);
}

static void
box_stop(struct box *b)
{
	int	 status;

	(void)chan_send(b->b_parent, IMSG_SHUTDOWN, -1, NULL, 0, NULL, 0);
	chan_flush(b->b_parent);
	ATF_REQUIRE_EQ(b->b_pid, waitpid(b->b_pid, &status, 0));
	ATF_CHECK_MSG(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "box %c: status %x", b->b_name, status);
	chan_free(b->b_parent);
	chan_free(b->b_key);
	chan_free(b->b_overlay);
	chan_free(b->b_control);
	testcert_free(&b->b_cert);
}

static void
world(const atf_tc_t *tc)
{
	if (sodium_init() == -1 || event_init() == NULL ||
	    event_priority_init(4) == -1)
		abort();
	(void)signal(SIGPIPE, SIG_IGN);
	log_init_stderr("test", 0);
	testcert_make(&ca, 0, "overlay ca", NULL, NULL);
	box_start(tc, &A, 'A', NODE_A, &ca, CONF_PERMIT_PRIVATE);
	box_start(tc, &B, 'B', NODE_B, &ca, CONF_PERMIT_PRIVATE);
	A.b_where = B.b_addr;
	B.b_where = A.b_addr;
}

static void
try(struct box *b, uint64_t id, const uint8_t *node)
{
	struct imsg_pvp_try	 pt;

	memset(&pt, 0, sizeof(pt));
	pt.pt_try = id;
	pt.pt_vcr = 77;
	memcpy(pt.pt_node, node, NODEID_LEN);
	ATF_REQUIRE_EQ(0, chan_send(b->b_key, IMSG_PVP_TRY, -1, &pt, sizeof(pt),
	    NULL, 0));
}

static void
lookup(struct box *b)
{
	struct imsg_pvp_lookup	 pl;

	memset(&pl, 0, sizeof(pl));
	pl.pl_vcr = 77;
	snprintf(pl.pl_number, sizeof(pl.pl_number), "+14085550142");
	ATF_REQUIRE_EQ(0, chan_send(b->b_key, IMSG_PVP_LOOKUP, -1, &pl,
	    sizeof(pl), NULL, 0));
}

/* -- cases -- */

#define CASE(name) \
	ATF_TC(name); \
	ATF_TC_HEAD(name, tc) \
	{ \
		atf_tc_set_md_var(tc, "timeout", "60"); \
	} \
	ATF_TC_BODY(name, tc)

CASE(whole)
{
	world(tc);
	memcpy(A.b_claimant, B.b_node, NODEID_LEN);
	lookup(&A);
	WAIT(A.b_answers == 1);
	ATF_CHECK_EQ(77, A.b_claimants.pc_vcr);
	ATF_CHECK_EQ(0, A.b_claimants.pc_error);
	ATF_CHECK_EQ(1, A.b_claimants.pc_count);
	try(&A, 5, B.b_node);
	WAIT(A.b_ends == 1 && B.b_ends == 1);
	ATF_CHECK_EQ(61461, A.b_app);
	ATF_CHECK_EQ(1, A.b_opens);
	ATF_CHECK_EQ(1, B.b_opens);
	ATF_CHECK_EQ(PVP_INITIATOR, A.b_open.po_role);
	ATF_CHECK_EQ(PVP_RESPONDER, B.b_open.po_role);
	ATF_CHECK_EQ(5, A.b_open.po_try);
	ATF_CHECK_EQ(0, B.b_open.po_try);
	ATF_CHECK_EQ(3, A.b_open.po_methods);
	ATF_CHECK_EQ(0, memcmp(A.b_open.po_node, B.b_node, NODEID_LEN));
	ATF_CHECK_EQ(0, memcmp(B.b_open.po_node, A.b_node, NODEID_LEN));
	ATF_CHECK_EQ(0, memcmp(A.b_open.po_exporter, B.b_open.po_exporter, 32));
	ATF_CHECK(!sodium_is_zero(A.b_open.po_exporter, 32));
	ATF_CHECK_EQ(2, A.b_ntypes);
	ATF_CHECK_EQ(PVP_PROOF2, A.b_types[0]);
	ATF_CHECK_EQ(PVP_ROUTE, A.b_types[1]);
	ATF_CHECK_EQ(3, B.b_ntypes);
	ATF_CHECK_EQ(PVP_PROOF1, B.b_types[0]);
	ATF_CHECK_EQ(PVP_PROOF3, B.b_types[1]);
	ATF_CHECK_EQ(PVP_CLAIM, B.b_types[2]);
	ATF_CHECK_EQ(PVP_END_CLOSED, A.b_end.pe_reason);
	ATF_CHECK_EQ(PVP_END_CLOSED, B.b_end.pe_reason);
	ATF_CHECK_EQ(A.b_open.po_conn, A.b_end.pe_conn);
	ATF_CHECK_EQ(5, A.b_end.pe_try);
	ATF_CHECK_EQ(1, A.b_signs);
	show(&A);
	/* And a new configuration in between changes nothing. */
	conf_give(&B, 2, CONF_PERMIT_PRIVATE, listener(&B.b_addr));
	B.b_acked = 0;
	WAIT(B.b_acked);
	show(&B);
	A.b_where = B.b_addr;
	try(&A, 6, B.b_node);
	WAIT(A.b_ends == 2 && B.b_ends == 2);
	ATF_CHECK_EQ(PVP_END_CLOSED, A.b_end.pe_reason);
	box_stop(&A);
	box_stop(&B);
}

CASE(another_node)
{
	uint8_t	 c[NODEID_LEN];

	world(tc);
	sodium_hex2bin(c, NODEID_LEN, NODE_C, 32, NULL, NULL, NULL);
	try(&A, 5, c);
	WAIT(A.b_ends == 1);
	ATF_CHECK_EQ(PVP_END_NOCONN, A.b_end.pe_reason);
	ATF_CHECK_EQ(0, A.b_opens);
	ATF_CHECK_EQ(0, A.b_end.pe_conn);
	/* Ourselves. */
	A.b_where = A.b_addr;
	try(&A, 6, A.b_node);
	WAIT(A.b_ends == 2);
	ATF_CHECK_EQ(PVP_END_NOCONN, A.b_end.pe_reason);
	ATF_CHECK_EQ(0, A.b_opens);
	box_stop(&A);
	box_stop(&B);
}

CASE(untrusted)
{
	struct testcert	 other;

	world(tc);
	testcert_make(&other, 0, "another ca", NULL, NULL);
	roots_send(&A, &other, NULL);
	try(&A, 5, B.b_node);
	WAIT(A.b_ends == 1);
	ATF_CHECK_EQ(PVP_END_NOCONN, A.b_end.pe_reason);
	/* The other way round: B refuses A, in TLS, and A has no HELLO. */
	roots_send(&A, &ca, NULL);
	roots_send(&B, &other, NULL);
	show(&B);
	try(&A, 6, B.b_node);
	WAIT(A.b_ends == 2);
	ATF_CHECK_EQ(PVP_END_NOCONN, A.b_end.pe_reason);
	/* A bad node. */
	roots_send(&B, &ca, A.b_node);
	show(&B);
	try(&A, 7, B.b_node);
	WAIT(A.b_ends == 3);
	ATF_CHECK_EQ(PVP_END_NOCONN, A.b_end.pe_reason);
	ATF_CHECK_EQ(0, A.b_opens + B.b_opens);
	testcert_free(&other);
	box_stop(&A);
	box_stop(&B);
}

CASE(addresses)
{
	world(tc);
	box_stop(&A);
	box_start(tc, &A, 'A', NODE_A, &ca, 0);
	A.b_where = B.b_addr;
	try(&A, 5, B.b_node);
	WAIT(A.b_ends == 1);
	ATF_CHECK_EQ(PVP_END_NOADDR, A.b_end.pe_reason);
	box_stop(&A);
	/* Nobody there; then more than ten an hour. */
	box_start(tc, &A, 'A', NODE_A, &ca, CONF_PERMIT_PRIVATE);
	A.b_where = B.b_addr;
	box_stop(&B);
	for (int i = 1; i <= 12; i++) {
		try(&A, (uint64_t)i, B.b_node);
		WAIT(A.b_ends == i);
		ATF_CHECK_EQ(PVP_END_NOCONN, A.b_end.pe_reason);
	}
	show(&A);
	box_stop(&A);
}

CASE(refused)
{
	uint8_t			 body[7] = { 0, 5, 0, 0, 1, 0, 0 };
	struct imsg_pvp_body	 pb;

	world(tc);
	B.b_silent = 1;
	try(&A, 5, B.b_node);
	WAIT(B.b_ntypes == 1);
	memset(&pb, 0, sizeof(pb));
	pb.pb_conn = B.b_open.po_conn;
	pb.pb_type = PVP_REFUSE;
	pb.pb_flags = PVP_OUT_GRID;
	pb.pb_len = sizeof(body);
	ATF_REQUIRE_EQ(0, chan_send(B.b_key, IMSG_PVP_OUT, -1, &pb, sizeof(pb),
	    body, sizeof(body)));
	WAIT(A.b_ends == 1 && B.b_ends == 1);
	ATF_CHECK_EQ(PVP_END_REFUSED, A.b_end.pe_reason);
	ATF_CHECK_EQ(5, A.b_end.pe_code);
	ATF_CHECK_EQ(256, A.b_end.pe_retry);
	ATF_CHECK_EQ(PVP_END_CLOSED, B.b_end.pe_reason);
	box_stop(&A);
	box_stop(&B);
}

/* Key goes away in the middle: the peer sees a lost connection, and all is
 * well when it is back. */
CASE(key_lost)
{
	world(tc);
	B.b_silent = 1;
	try(&A, 5, B.b_node);
	WAIT(B.b_ntypes == 1);
	chan_free(B.b_key);
	B.b_key = NULL;
	WAIT(A.b_ends == 1);
	ATF_CHECK_EQ(PVP_END_LOST, A.b_end.pe_reason);
	B.b_silent = 0;
	B.b_key = peer_channel(&B, ROLE_KEY, as_key);
	roots_send(&B, &ca, NULL);
	try(&A, 6, B.b_node);
	WAIT(A.b_ends == 2);
	ATF_CHECK_EQ(PVP_END_CLOSED, A.b_end.pe_reason);
	box_stop(&A);
	box_stop(&B);
}

CASE(overlay_lost)
{
	world(tc);
	A.b_deaf = 1;
	lookup(&A);
	try(&A, 5, B.b_node);
	show(&A);
	chan_free(A.b_overlay);
	A.b_overlay = NULL;
	WAIT(A.b_ends == 1 && A.b_answers == 1);
	ATF_CHECK_EQ(PVP_END_NOADDR, A.b_end.pe_reason);
	ATF_CHECK_EQ(ENETDOWN, (int)A.b_claimants.pc_error);
	lookup(&A);
	try(&A, 6, B.b_node);
	WAIT(A.b_ends == 2 && A.b_answers == 2);
	box_stop(&A);
	box_stop(&B);
}

static int
tcp(const struct vaddr *va)
{
	struct sockaddr_storage	 ss;
	socklen_t		 len;
	int			 fd;

	len = vaddr_to_sa(va, &ss);
	ATF_REQUIRE((fd = socket(AF_INET, SOCK_STREAM, 0)) != -1);
	ATF_REQUIRE_EQ(0, connect(fd, (struct sockaddr *)&ss, len));
	return (fd);
}

/* Four at once of one address; the fifth is closed before TLS. */
CASE(at_once)
{
	struct timeval	 tv = { 20, 0 };
	int		 fd[5], i;
	char		 c;

	world(tc);
	for (i = 0; i < 5; i++)
		fd[i] = tcp(&B.b_addr);
	ATF_REQUIRE_EQ(0, setsockopt(fd[4], SOL_SOCKET, SO_RCVTIMEO, &tv,
	    sizeof(tv)));
	ATF_CHECK_EQ(0, read(fd[4], &c, 1));
	ATF_CHECK_EQ(-1, recv(fd[0], &c, 1, MSG_DONTWAIT));
	for (i = 0; i < 5; i++)
		close(fd[i]);
	box_stop(&A);
	box_stop(&B);
}

/* A TLS client of OpenSSL's own, with or without the protocol's name. */
static int
client(const char *alpn, size_t alpnlen, int max, int *alert)
{
	SSL_CTX		*ctx = SSL_CTX_new(TLS_client_method());
	SSL		*ssl;
	char		 c;
	int		 fd = tcp(&B.b_addr), r;
	struct timeval	 tv = { 0, 10000 };
	pid_t		 pid;
	int		 status;

	/* In a child, since this process must go on signing. */
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		SSL_CTX_use_certificate(ctx, A.b_cert.t_cert);
		SSL_CTX_use_PrivateKey(ctx, A.b_cert.t_key);
		SSL_CTX_set_max_proto_version(ctx, max);
		if (alpnlen > 0)
			SSL_CTX_set_alpn_protos(ctx,
			    (const unsigned char *)alpn, (unsigned)alpnlen);
		ssl = SSL_new(ctx);
		SSL_set_fd(ssl, fd);
		r = SSL_connect(ssl) == 1 && SSL_read(ssl, &c, 1) == 1;
		_exit(r ? 0 : ERR_GET_REASON(ERR_peek_error()) % 1000 % 250 + 1);
	}
	close(fd);
	SSL_CTX_free(ctx);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		event_loopexit(&tv);
		event_dispatch();
	}
	*alert = WEXITSTATUS(status);
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

CASE(protocol_name)
{
	int	 alert;

	world(tc);
	ATF_CHECK_EQ(1, client("\x0avipr-pvp/1", 11, TLS1_3_VERSION, &alert));
	ATF_CHECK_EQ(0, client("\x0avipr-pvp/2", 11, TLS1_3_VERSION, &alert));
	ATF_CHECK_EQ(SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL % 1000 % 250 + 1, alert);
	ATF_CHECK_EQ(0, client("", 0, TLS1_3_VERSION, &alert));
	ATF_CHECK_EQ(SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL % 1000 % 250 + 1, alert);
	ATF_CHECK_EQ(0, client("\x0avipr-pvp/1", 11, TLS1_2_VERSION, &alert));
	box_stop(&A);
	box_stop(&B);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, whole);
	ATF_TP_ADD_TC(tp, another_node);
	ATF_TP_ADD_TC(tp, untrusted);
	ATF_TP_ADD_TC(tp, addresses);
	ATF_TP_ADD_TC(tp, refused);
	ATF_TP_ADD_TC(tp, key_lost);
	ATF_TP_ADD_TC(tp, overlay_lost);
	ATF_TP_ADD_TC(tp, at_once);
	ATF_TP_ADD_TC(tp, protocol_name);
	return (atf_no_error());
}
