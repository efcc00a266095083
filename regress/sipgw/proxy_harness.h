/* SPDX-License-Identifier: ISC */
/*
 * A world around the proxy core for tests: a clock, wires that remember what
 * was sent, and a key that answers when the test says so.  Static functions,
 * included by each program.
 *
 *   us     10.0.0.1:5060 udp and tcp, 198.51.100.1:5061 tls (border.a.example)
 *   pbx    10.0.0.5:5060 udp      trunks 192.0.2.9:5060, 192.0.2.10:5060 udp
 *   ours   +4930123450 to +4930123459
 */
#ifndef PROXY_HARNESS_H
#define PROXY_HARNESS_H

#include <sys/types.h>
#include <sys/queue.h>

#include <sodium.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "proxy.h"
#include "rtab.h"
#include "store.h"

/* Not every program uses every helper. */
#define W_FN	static __attribute__((__unused__))

#define W_SENT	256
#define W_CONNS	8

struct sent {
	struct sip_flow	 se_flow;
	char		*se_text;	/* a NUL follows */
	size_t		 se_len;
};

struct world {
	struct proxy	*w_px;
	struct conf	*w_conf;
	struct store	*w_store;
	struct rtab	*w_rtab;
	char		 w_dir[256];
	uint64_t	 w_boot, w_utc;
	struct sent	 w_sent[W_SENT];
	size_t		 w_nsent, w_next;
	/* outside connections: id 1 .. W_CONNS; names NULL: gone */
	struct names	 w_names[W_CONNS + 1];
	int		 w_up[W_CONNS + 1];
	uint64_t	 w_not_after;
	int		 w_connect;	/* answer of po_connect: 1 conn 1, 0 pending, -1 */
	int		 w_open;	/* answer of po_open: 1, 0, -1 */
	uint64_t	 w_opening;	/* latest pending id */
	char		 w_host[DOMAIN_SIZE];	/* latest po_connect */
	int		 w_send_fails;
	uint64_t	 w_ticket;	/* latest reqid; key's answer is the test's */
	char		 w_ticket_number[20], w_token[TOKEN_MAX];
	int		 w_key_away;
	size_t		 w_ntickets;
	struct imsg_leg	 w_legs[16];
	size_t		 w_nlegs;
	enum route_outcome w_outcome;
	size_t		 w_noutcomes;
	char		 w_log[16384];
	size_t		 w_nrefused;
	uint64_t	 w_closed;	/* latest po_close */
	uint32_t	 w_random;
	/* rtpengine, of the test; NULL: there is none */
	int		 (*w_media)(struct world *, const uint8_t *, size_t);
};

static int
w_op_send(void *ctx, const struct sip_flow *fl, const uint8_t *p, size_t len)
{
	struct world	*w = ctx;
	struct sent	*se;

	if (w->w_send_fails)
		return (-1);
	if (fl->fl_face == FACE_OUTSIDE && (fl->fl_conn > W_CONNS || !w->w_up[fl->fl_conn]))
		return (-1);
	if (w->w_nsent == W_SENT)
		return (0);
	se = &w->w_sent[w->w_nsent++];
	se->se_flow = *fl;
	se->se_text = malloc(len + 1);
	memcpy(se->se_text, p, len);
	se->se_text[len] = '\0';
	se->se_len = len;
	return (0);
}

static int
w_op_open(void *ctx, uint64_t id, const struct vaddr *va, uint8_t proto, struct sip_flow *fl)
{
	struct world	*w = ctx;

	memset(fl, 0, sizeof(*fl));
	fl->fl_proto = proto;
	fl->fl_face = FACE_INSIDE;
	fl->fl_conn = proto == SIP_UDP ? 0 : 100;
	fl->fl_peer = *va;
	(void)vaddr_parse("10.0.0.1", 5060, &fl->fl_local);
	w->w_opening = id;
	return (w->w_open);
}

static void
w_outflow(struct sip_flow *fl, uint64_t conn)
{
	memset(fl, 0, sizeof(*fl));
	fl->fl_proto = SIP_TLS;
	fl->fl_face = FACE_OUTSIDE;
	fl->fl_conn = conn;
	(void)vaddr_parse("203.0.113.7", 5061, &fl->fl_peer);
	(void)vaddr_parse("198.51.100.1", 5061, &fl->fl_local);
}

static int
w_op_connect(void *ctx, uint64_t id, const char *host, uint16_t port, struct sip_flow *fl)
{
	struct world	*w = ctx;

	(void)port;
	(void)strlcpy(w->w_host, host, sizeof(w->w_host));
	w->w_opening = id;
	w_outflow(fl, 1);
	return (w->w_connect);
}

static void
w_op_cancel(void *ctx, uint64_t id)
{
	(void)ctx;
	(void)id;
}

static int
w_op_find(void *ctx, const char *name, struct sip_flow *fl)
{
	struct world	*w = ctx;
	uint64_t	 i;

	for (i = 1; i <= W_CONNS; i++)
		if (w->w_up[i] && names_find(&w->w_names[i], name) != -1) {
			w_outflow(fl, i);
			return (0);
		}
	return (-1);
}

static const struct names *
w_op_names(void *ctx, uint64_t conn, uint64_t *not_after)
{
	struct world	*w = ctx;

	if (conn == 0 || conn > W_CONNS || !w->w_up[conn])
		return (NULL);
	if (not_after != NULL)
		*not_after = w->w_not_after;
	return (&w->w_names[conn]);
}

static void
w_op_close(void *ctx, uint64_t conn)
{
	struct world	*w = ctx;

	w->w_closed = conn;
}

static void
w_op_retire(void *ctx, uint64_t conn)
{
	(void)ctx;
	(void)conn;
}

static int
w_op_ticket(void *ctx, uint64_t reqid, const char *number, const struct names *na,
    const char *token)
{
	struct world	*w = ctx;

	(void)na;
	if (w->w_key_away)
		return (-1);
	w->w_ticket = reqid;
	w->w_ntickets++;
	(void)strlcpy(w->w_ticket_number, number, sizeof(w->w_ticket_number));
	(void)strlcpy(w->w_token, token, sizeof(w->w_token));
	return (0);
}

static void
w_op_outcome(void *ctx, const char *number, const char *domain, enum route_outcome out,
    enum refusal refusal)
{
	struct world	*w = ctx;

	(void)number;
	(void)domain;
	(void)refusal;
	w->w_outcome = out;
	w->w_noutcomes++;
}

static int
w_op_leg(void *ctx, const struct imsg_leg *m)
{
	struct world	*w = ctx;

	if (w->w_key_away)
		return (-1);
	if (w->w_nlegs < 16)
		w->w_legs[w->w_nlegs++] = *m;
	return (0);
}

static void
w_op_log(void *ctx, enum proxy_log what, const char *line)
{
	struct world	*w = ctx;

	(void)what;
	(void)strlcat(w->w_log, line, sizeof(w->w_log));
	(void)strlcat(w->w_log, "\n", sizeof(w->w_log));
}

/* Not random at all, so that a failure can be seen twice. */
static void
w_op_random(void *ctx, void *p, size_t len)
{
	struct world	*w = ctx;
	uint8_t		*b = p;
	size_t		 i;

	for (i = 0; i < len; i++) {
		w->w_random = w->w_random * 1103515245u + 12345u;
		b[i] = (uint8_t)(w->w_random >> 16);
	}
}

static int
w_op_refused(void *ctx, const struct sip_flow *fl, const char *name)
{
	struct world	*w = ctx;

	(void)fl;
	(void)name;
	w->w_nrefused++;
	return (0);
}

static int
w_op_media(void *ctx, const uint8_t *p, size_t len)
{
	struct world	*w = ctx;

	return (w->w_media == NULL ? -1 : w->w_media(w, p, len));
}

static const struct proxy_ops w_ops = {
	.po_send = w_op_send, .po_open = w_op_open, .po_connect = w_op_connect,
	.po_open_cancel = w_op_cancel, .po_find = w_op_find, .po_names = w_op_names,
	.po_close = w_op_close, .po_retire = w_op_retire,
	.po_ticket = w_op_ticket, .po_outcome = w_op_outcome,
	.po_media = w_op_media, .po_leg = w_op_leg, .po_log = w_op_log, .po_random = w_op_random,
	.po_refused = w_op_refused
};

static void
w_hop(struct conf *c, const char *name, const char *addr, uint16_t port, int trunk,
    uint16_t priority)
{
	struct conf_hop	*ch;

	ch = calloc(1, sizeof(*ch));
	(void)strlcpy(ch->ch_name, name, sizeof(ch->ch_name));
	(void)strlcpy(ch->ch_host, addr, sizeof(ch->ch_host));
	(void)vaddr_parse(addr, port, &ch->ch_addr);
	ch->ch_proto = SIP_UDP;
	ch->ch_trunk = (uint8_t)trunk;
	ch->ch_priority = priority;
	(void)strlcpy(ch->ch_rules.er_country, "49", sizeof(ch->ch_rules.er_country));
	(void)strlcpy(ch->ch_rules.er_national, "0", sizeof(ch->ch_rules.er_national));
	(void)strlcpy(ch->ch_rules.er_international, "00",
	    sizeof(ch->ch_rules.er_international));
	TAILQ_INSERT_TAIL(&c->c_hops, ch, ch_entry);
}

static void
w_listen(struct conf *c, uint8_t proto, uint8_t face, const char *addr, uint16_t port)
{
	struct conf_listen	*cl;

	cl = calloc(1, sizeof(*cl));
	cl->cl_use = LISTEN_SIP;
	cl->cl_proto = proto;
	cl->cl_face = face;
	cl->cl_fd = -1;
	(void)vaddr_parse(addr, port, &cl->cl_addr);
	TAILQ_INSERT_TAIL(&c->c_listens, cl, cl_entry);
}

W_FN void
w_name(struct world *w, uint64_t conn, const char *name)
{
	w->w_up[conn] = 1;
	w->w_names[conn].na_count = 1;
	(void)strlcpy(w->w_names[conn].na_name[0], name, DOMAIN_SIZE);
}

/* A table that lasts longer than a world (fuzzing); NULL: each its own. */
static struct rtab	*w_shared;

/* routes: with a table in a folder of its own. */
W_FN struct world *
w_new(int routes)
{
	struct world		*w;
	struct conf		*c;
	struct conf_range	*cr;
	struct seal_keys	 keys;
	const char		*why = NULL;

	if (sodium_init() == -1)
		abort();
	w = calloc(1, sizeof(*w));
	w->w_boot = 1000000;
	w->w_utc = 1790000000000ull;
	w->w_open = 1;
	w->w_connect = 1;
	w->w_random = 4711;
	w->w_conf = c = conf_new();
	(void)strlcpy(c->c_domain, "a.example", sizeof(c->c_domain));
	(void)strlcpy(c->c_outside_host, "border.a.example", sizeof(c->c_outside_host));
	c->c_outside_port = 5061;
	c->c_resample = 0;
	c->c_flags |= CONF_MEDIA_PLAIN | CONF_OUTSIDE_ON;
	w_listen(c, SIP_UDP, FACE_INSIDE, "10.0.0.1", 5060);
	w_listen(c, SIP_TCP, FACE_INSIDE, "10.0.0.1", 5060);
	w_listen(c, SIP_TLS, FACE_OUTSIDE, "198.51.100.1", 5061);
	w_hop(c, "pbx", "10.0.0.5", 5060, 0, 1);
	w_hop(c, "pstn", "192.0.2.9", 5060, 1, 1);
	w_hop(c, "backup", "192.0.2.10", 5060, 1, 2);
	cr = calloc(1, sizeof(*cr));
	(void)strlcpy(cr->cr_range.er_from, "+4930123450", sizeof(cr->cr_range.er_from));
	(void)strlcpy(cr->cr_range.er_to, "+4930123459", sizeof(cr->cr_range.er_to));
	TAILQ_INSERT_TAIL(&c->c_numbers, cr, cr_entry);
	if (routes && w_shared != NULL)
		w->w_rtab = w_shared;
	else if (routes) {
		/* kyua: the folder of the test; never the one we stand in. */
		(void)snprintf(w->w_dir, sizeof(w->w_dir), "%s/proxy.XXXXXX",
		    getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
		if (mkdtemp(w->w_dir) == NULL ||
		    (w->w_store = store_open(w->w_dir, 1 << 24, 8, &why)) == NULL ||
		    (w->w_rtab = rtab_new(w->w_store)) == NULL)
			abort();
	}
	memset(&keys, 0, sizeof(keys));
	seal_keys_rotate(&keys);
	w->w_px = proxy_new(&w_ops, w, w->w_rtab, &keys, w->w_boot, w->w_utc);
	if (w->w_px == NULL)
		abort();
	proxy_conf(w->w_px, c);
	return (w);
}

/* A route to b.example, proven twice, in place of what the number had. */
W_FN void
w_route(struct world *w, const char *number, enum route_state st, const char *ticket)
{
	static struct rtab_number	 rn;
	struct rtab_route		*rr = &rn.rn_routes[0];

	memset(&rn, 0, sizeof(rn));
	(void)strlcpy(rn.rn_number, number, sizeof(rn.rn_number));
	rn.rn_count = 1;
	rr->rr_state = (uint8_t)st;
	rr->rr_proofs = 2;
	rr->rr_nuris = 1;
	rr->rr_not_after = w->w_utc / 1000 + 86400;
	rr->rr_last_proof = w->w_utc / 1000 - 3600;
	(void)strlcpy(rr->rr_domain, "b.example", sizeof(rr->rr_domain));
	(void)strlcpy(rr->rr_ticket, ticket, sizeof(rr->rr_ticket));
	(void)snprintf(rr->rr_uris[0], URI_MAX, "sips:%s@b.example:5061", number);
	if (rtab_put(w->w_rtab, &rn) == -1)
		abort();
}

/* The files of its store; they may be open. */
W_FN void
w_unlink(const struct world *w)
{
	static const char *const names[] = { "data.mdb", "data.lock", "data.sync" };
	char	path[300];
	size_t	i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", w->w_dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(w->w_dir);
}

W_FN void
w_free(struct world *w)
{
	size_t	i;

	proxy_free(w->w_px);
	for (i = 0; i < w->w_nsent; i++)
		free(w->w_sent[i].se_text);
	conf_free(w->w_conf);
	if (w->w_store != NULL) {
		rtab_free(w->w_rtab);
		store_close(w->w_store);
		w_unlink(w);
	}
	free(w);
}

/* Let time pass, timer by timer. */
W_FN void
w_pass(struct world *w, uint64_t ms)
{
	uint64_t	end = w->w_boot + ms;
	int64_t		wait;

	while ((wait = proxy_wait(w->w_px)) != -1 && w->w_boot + (uint64_t)wait <= end) {
		w->w_boot += (uint64_t)wait;
		w->w_utc += (uint64_t)wait;
		proxy_clock(w->w_px, w->w_boot, w->w_utc);
		proxy_run(w->w_px);
	}
	w->w_utc += end - w->w_boot;
	w->w_boot = end;
	proxy_clock(w->w_px, w->w_boot, w->w_utc);
}

W_FN void
w_flow_udp(struct sip_flow *fl, const char *addr, uint16_t port)
{
	memset(fl, 0, sizeof(*fl));
	fl->fl_proto = SIP_UDP;
	fl->fl_face = FACE_INSIDE;
	(void)vaddr_parse(addr, port, &fl->fl_peer);
	(void)vaddr_parse("10.0.0.1", 5060, &fl->fl_local);
}

/* Bytes as they are, from an exact copy, so that a read past its end is seen. */
W_FN void
w_raw(struct world *w, const struct sip_flow *fl, const void *p, size_t len)
{
	char	*exact = malloc(len + !len);

	memcpy(exact, p, len);
	proxy_clock(w->w_px, w->w_boot, w->w_utc);
	proxy_input(w->w_px, fl, exact, len);
	free(exact);
}

W_FN void w_in(struct world *, const struct sip_flow *, const char *, ...)
		    __attribute__((__format__(printf, 3, 4)));

/* Lines with \n; "\n\n" and a body may follow.  Content-Length is added. */
static void
w_in(struct world *w, const struct sip_flow *fl, const char *fmt, ...)
{
	static char	 text[65536], wire[131072];
	const char	*body, *p;
	size_t		 n = 0;
	va_list		 ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	body = strstr(text, "\n\n");
	for (p = text; *p != '\0' && p != body; p++) {
		if (*p == '\n')
			wire[n++] = '\r';
		wire[n++] = *p;
	}
	if (n >= 2 && wire[n - 1] != '\n') {
		wire[n++] = '\r';
		wire[n++] = '\n';
	}
	body = body != NULL ? body + 2 : "";
	n += (size_t)snprintf(wire + n, sizeof(wire) - n, "Content-Length: %zu\r\n\r\n%s",
	    strlen(body), body);
	w_raw(w, fl, wire, n);
}

/* The next message that was sent, NULL: none. */
W_FN struct sent *
w_out(struct world *w)
{
	return (w->w_next < w->w_nsent ? &w->w_sent[w->w_next++] : NULL);
}

/* The next one that begins with that; those before it are left out. */
W_FN const char *
w_find(struct world *w, const char *start)
{
	struct sent	*se;

	while ((se = w_out(w)) != NULL)
		if (strncmp(se->se_text, start, strlen(start)) == 0)
			return (se->se_text);
	return (NULL);
}

/* The next INVITE that left on a connection outside; NULL: none. */
W_FN const char *
w_outward(struct world *w)
{
	struct sent	*se;

	while ((se = w_out(w)) != NULL)
		if (se->se_flow.fl_face == FACE_OUTSIDE &&
		    strncmp(se->se_text, "INVITE ", 7) == 0)
			return (se->se_text);
	return (NULL);
}

/* The next INVITE that left for the peer of a flow; NULL: none. */
W_FN const char *
w_invite_to(struct world *w, const struct sip_flow *fl)
{
	struct sent	*se;

	while ((se = w_out(w)) != NULL)
		if (vaddr_eq(&se->se_flow.fl_peer, &fl->fl_peer) &&
		    strncmp(se->se_text, "INVITE ", 7) == 0)
			return (se->se_text);
	return (NULL);
}

/* How many of those sent since the last look begin with it. */
W_FN size_t
w_count(struct world *w, const char *start)
{
	size_t	i, n = 0;

	for (i = w->w_next; i < w->w_nsent; i++)
		n += strncmp(w->w_sent[i].se_text, start, strlen(start)) == 0;
	return (n);
}

/* Value of the n-th header line of a name; static memory, eight in turn. */
W_FN const char *
w_hdr_n(const char *msg, const char *name, int n)
{
	static char	 buf[8][4096];
	static int	 turn;
	const char	*p, *end;
	char		*out = buf[turn++ % 8];
	size_t		 len = strlen(name);

	out[0] = '\0';
	for (p = msg; p != NULL && strncmp(p, "\r\n", 2) != 0; p = end + 2) {
		if ((end = strstr(p, "\r\n")) == NULL)
			break;
		if (strncasecmp(p, name, len) == 0 && p[len] == ':' && n-- == 0) {
			p += len + 1;
			while (*p == ' ')
				p++;
			(void)snprintf(out, 4096, "%.*s", (int)(end - p), p);
			return (out);
		}
	}
	return (NULL);
}

W_FN const char *
w_hdr(const char *msg, const char *name)
{
	return (w_hdr_n(msg, name, 0));
}

/* An answer to a request that we sent: Via, From, To (with tag), Call-ID, CSeq
 * and Record-Route copied from it; extra: more lines, each with \n. */
W_FN void
w_answer(struct world *w, const struct sip_flow *fl, const char *req, const char *status,
    const char *tag, const char *extra)
{
	static char	 text[32768];
	const char	*v;
	size_t		 n;
	int		 i;

	n = (size_t)snprintf(text, sizeof(text), "SIP/2.0 %s\n", status);
	for (i = 0; (v = w_hdr_n(req, "Via", i)) != NULL; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "Via: %s\n", v);
	for (i = 0; (v = w_hdr_n(req, "Record-Route", i)) != NULL; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "Record-Route: %s\n", v);
	v = w_hdr(req, "To");
	(void)snprintf(text + n, sizeof(text) - n,
	    "From: %s\nTo: %s%s%s\nCall-ID: %s\nCSeq: %s\n%s", w_hdr(req, "From"), v,
	    tag[0] != '\0' && strstr(v, ";tag=") == NULL ? ";tag=" : "",
	    strstr(v, ";tag=") == NULL ? tag : "", w_hdr(req, "Call-ID"),
	    w_hdr(req, "CSeq"), extra);
	w_in(w, fl, "%s", text);
}

#endif
