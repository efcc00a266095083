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
 * Links of overlayd: listeners, TLS connections both ways, frames and their
 * acks.  What a link carries goes to the node; here nothing of it is read.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/tree.h>

#include <event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "listener.h"
#include "log.h"
#include "overlayd.h"
#include "proc.h"
#include "tlsconn.h"

#define CONNECT_MS	5000
#define HANDSHAKE_MS	15000
#define LINGER_MS	2000
#define WRITE_MAX	((size_t)4 * 1024 * 1024)
#define QUEUED_MAX	((size_t)64 * 1024 * 1024)	/* unwritten, all links together; */
#define QUEUED_FAIR	((size_t)256 * 1024)	/* of these every link may have */
#define TICK_MS		500
#define SUSPECT_MS	2000	/* no ack for so long beyond the RTO: not routed through */
#define DEAD_MS		30000
#define TOO_LARGE_MS	1500	/* the error about it may take so long to leave */
#define ACK_MS		10	/* an ack waits so long for company, */
#define ACKS_MAX	16	/* or until there are so many */
#define PENDING_MAX	64	/* accepted, TLS not complete */
#define PENDING_HOST	16	/* the same from one address */

struct ovlink {
	RB_ENTRY(ovlink) ol_entry;	/* in links, which owns it */
	uint64_t	 ol_id;
	struct tlsconn	*ol_tc;
	struct frame_link ol_frames;
	struct vaddr	 ol_addr;
	struct nodeid	 ol_node;	/* once it is open */
	int		 ol_inbound;
	int		 ol_open;
	int		 ol_told;	/* the node knows it as up */
	int		 ol_closing;	/* the node gave it up */
	int		 ol_suspect;
	uint64_t	 ol_close_at;	/* nothing more is read; 0: no */
	uint64_t	 ol_in, ol_out;
	TAILQ_ENTRY(ovlink) ol_acking;	/* in acking if acks wait */
	struct wbuf	 ol_acks;	/* acks not yet written, in ol_ackbuf */
	uint8_t		 ol_ackbuf[ACKS_MAX * FRAME_ACK_LEN];
};
TAILQ_HEAD(ovlink_list, ovlink);
RB_HEAD(ovlink_tree, ovlink);

static int	 ovlink_cmp(const struct ovlink *, const struct ovlink *);
static struct ovlink *ovlink_find(uint64_t);
static struct ovlink *ovlink_new(uint64_t, const struct vaddr *, int);
static void	 ovlink_free(struct ovlink *);
static void	 link_limits(struct tlsconn_limits *);
static size_t	 links_queued(void);
static void	 link_fail(int, short, void *);
static void	 link_opened(struct tlsconn *, void *);
static size_t	 link_data(struct tlsconn *, const uint8_t *, size_t, void *);
static size_t	 link_too_large(struct ovlink *, const uint8_t *, size_t);
static void	 link_closed(struct tlsconn *, const char *, void *);
static void	 link_fault(const struct ovlink *, const struct vaddr *, enum link_fault,
		    const char *, const char *);
static void	 link_tick(int, short, void *);
static void	 tick_arm(void);
static void	 ack_later(struct ovlink *, uint32_t);
static void	 ack_write(struct ovlink *);
static void	 ack_forget(struct ovlink *);
static void	 ack_turn(int, short, void *);
static void	 link_accept(int, const struct sockaddr *);
static int	 accept_wanted(const struct vaddr *);

RB_PROTOTYPE(ovlink_tree, ovlink, ol_entry, ovlink_cmp)
RB_GENERATE(ovlink_tree, ovlink, ol_entry, ovlink_cmp)

static struct listener_list listeners = TAILQ_HEAD_INITIALIZER(listeners);
static struct ovlink_tree links = RB_INITIALIZER(&links);
static size_t	 nlinks;
static struct event tick;
static int	 tick_set;
static struct ovlink_list acking = TAILQ_HEAD_INITIALIZER(acking);
static struct event ack_timer;
static int	 ack_set;
static struct link_faults faults;
struct reload_tls link_tls;

/* Strangers fail in handshakes all day; what members do is said always. */
static struct log_limit	 refusals = { "refused overlay links", 5, 60000, 0, 0, 0 };
static struct log_limit	 breaches = { "overlay links closed for a fault", 10, 10000, 0, 0, 0 };

static const struct tlsconn_ops link_ops = {
	link_opened, link_data, NULL, link_closed
};

static int
ovlink_cmp(const struct ovlink *a, const struct ovlink *b)
{
	return (a->ol_id < b->ol_id ? -1 : a->ol_id > b->ol_id);
}

static struct ovlink *
ovlink_find(uint64_t id)
{
	struct ovlink	 key;

	key.ol_id = id;
	return (RB_FIND(ovlink_tree, &links, &key));
}

static struct ovlink *
ovlink_new(uint64_t id, const struct vaddr *va, int inbound)
{
	struct ovlink	*ol;

	if ((ol = calloc(1, sizeof(*ol))) == NULL)
		return (NULL);
	ol->ol_id = id;
	ol->ol_addr = *va;
	ol->ol_inbound = inbound;
	frame_link_init(&ol->ol_frames);
	wbuf_init(&ol->ol_acks, ol->ol_ackbuf, sizeof(ol->ol_ackbuf));
	RB_INSERT(ovlink_tree, &links, ol);
	nlinks++;
	return (ol);
}

static void
ovlink_free(struct ovlink *ol)
{
	RB_REMOVE(ovlink_tree, &links, ol);
	nlinks--;
	ack_forget(ol);
	tlsconn_free(ol->ol_tc);
	free(ol);
}

static void
link_limits(struct tlsconn_limits *tl)
{
	memset(tl, 0, sizeof(*tl));
	tl->tl_connect_ms = CONNECT_MS;
	tl->tl_handshake_ms = HANDSHAKE_MS;
	tl->tl_read_max = (size_t)ovconf.oc_doc->rd_max_message + 65536;
	tl->tl_write_max = WRITE_MAX;
}

void
link_document(void)
{
	struct tlsconn_limits tl;
	struct ovlink	*ol;

	link_limits(&tl);
	RB_FOREACH(ol, ovlink_tree, &links)
		tlsconn_read_max(ol->ol_tc, tl.tl_read_max);
}

/* -- what the node asks for -- */

void
link_connect(void *arg, uint64_t id, const struct vaddr *va)
{
	struct tlsconn_limits tl;
	struct timeval	 tv = { 0, 0 };
	struct ovlink	*ol;
	const struct vaddr *from = NULL;

	(void)arg;
	if (ovconf.oc_from.va_family == va->va_family)
		from = &ovconf.oc_from;
	link_limits(&tl);
	if ((ol = ovlink_new(id, va, 0)) != NULL)
		ol->ol_tc = tlsconn_connect(va, from, ovconf.oc_client, &tl, &link_ops,
		    (void *)(uintptr_t)id);
	if (ol != NULL && ol->ol_tc != NULL)
		return;
	/* The node must not be called back from its own call. */
	if (ol != NULL)
		ovlink_free(ol);
	if (event_once(-1, EV_TIMEOUT, link_fail, (void *)(uintptr_t)id, &tv) == -1)
		log_warn("link");
}

static void
link_fail(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	ov_enter();
	if (node != NULL)
		node_link_down(node, (uint64_t)(uintptr_t)arg);
	ov_leave();
}

static size_t
links_queued(void)
{
	struct ovlink	*ol;
	size_t		 n = 0;

	RB_FOREACH(ol, ovlink_tree, &links)
		n += tlsconn_queued(ol->ol_tc);
	return (n);
}

void
link_send(void *arg, uint64_t id, const void *msg, size_t len)
{
	struct ovlink	*ol;
	struct wbuf	 w;
	uint8_t		*buf;

	(void)arg;
	if ((ol = ovlink_find(id)) == NULL || !ol->ol_open || ol->ol_closing)
		return;
	/* Many that do not read at once: theirs is lost, not our memory. */
	if (tlsconn_queued(ol->ol_tc) > QUEUED_FAIR && links_queued() > QUEUED_MAX)
		return;
	if ((buf = malloc(len + FRAME_DATA_HEADER)) == NULL)
		return;
	wbuf_init(&w, buf, len + FRAME_DATA_HEADER);
	ack_write(ol);
	frame_write_data(&w, frame_sent(&ol->ol_frames, proc_boot_ms()), msg, len);
	if (wbuf_ok(&w) == 0 && tlsconn_write(ol->ol_tc, w.w_buf, w.w_len) == 0)
		ol->ol_out++;
	free(buf);
	tick_arm();
}

void
link_close(void *arg, uint64_t id)
{
	struct ovlink	*ol;

	(void)arg;
	if ((ol = ovlink_find(id)) == NULL || ol->ol_closing)
		return;
	ol->ol_closing = 1;
	ack_write(ol);
	tlsconn_shutdown(ol->ol_tc, LINGER_MS);
}

/* -- acks -- */

/*
 * An ack goes in the same TLS record as what is sent to that peer next, which
 * most often is the answer: a record of its own would wake that peer and pass
 * both kernels once more.  RFC 6940, 6.6.2 wants it sent at once, for the sake
 * of the peer's RTO; 10 ms are the granularity with which that is reckoned.
 */
static void
ack_later(struct ovlink *ol, uint32_t seq)
{
	struct timeval	 tv = { 0, ACK_MS * 1000 };

	if (ol->ol_acks.w_len == 0) {
		if (!ack_set) {
			evtimer_set(&ack_timer, ack_turn, NULL);
			ack_set = 1;
		}
		if (TAILQ_EMPTY(&acking))
			(void)evtimer_add(&ack_timer, &tv);
		TAILQ_INSERT_TAIL(&acking, ol, ol_acking);
	}
	frame_write_ack(&ol->ol_acks, seq, frame_received(&ol->ol_frames, seq));
	if (ol->ol_acks.w_len == sizeof(ol->ol_ackbuf))
		ack_write(ol);
}

static void
ack_write(struct ovlink *ol)
{
	if (ol->ol_acks.w_len == 0)
		return;
	(void)tlsconn_write(ol->ol_tc, ol->ol_ackbuf, ol->ol_acks.w_len);
	ack_forget(ol);
}

static void
ack_forget(struct ovlink *ol)
{
	if (ol->ol_acks.w_len == 0)
		return;
	wbuf_init(&ol->ol_acks, ol->ol_ackbuf, sizeof(ol->ol_ackbuf));
	TAILQ_REMOVE(&acking, ol, ol_acking);
	if (TAILQ_EMPTY(&acking))
		(void)evtimer_del(&ack_timer);
}

static void
ack_turn(int fd, short event, void *arg)
{
	struct ovlink	*ol;

	(void)fd;
	(void)event;
	(void)arg;
	while ((ol = TAILQ_FIRST(&acking)) != NULL)
		ack_write(ol);
}

/* -- what the connection tells -- */

static void
link_opened(struct tlsconn *tc, void *arg)
{
	struct reload_cert rc;
	struct ovlink	*ol;
	struct nodeid	 id, ids[RELOAD_NODES_MAX];
	unsigned	 i;
	int		 r;

	if ((ol = ovlink_find((uint64_t)(uintptr_t)arg)) == NULL || node == NULL)
		return;
	if (ol->ol_closing)
		return;
	if (reload_tls_peer(tlsconn_ssl(tc), &rc) == -1) {
		tlsconn_shutdown(tc, 0);
		return;
	}
	for (i = 0; i < rc.rc_nodes; i++)
		memcpy(ids[i].id_b, rc.rc_node[i], NODEID_LEN);
	id = ids[0];
	ol->ol_node = id;
	ol->ol_open = ol->ol_told = 1;
	ov_enter();
	r = rc.rc_nodes == 1 ?
	    node_link_up(node, ol->ol_id, &id, &ol->ol_addr, ol->ol_inbound) :
	    node_link_several(node, ol->ol_id, ids, rc.rc_nodes, &ol->ol_addr,
	    ol->ol_inbound);
	if (r == -1) {
		faults.lf_count[LINK_NOT_WANTED]++;
		ol->ol_told = 0;
		link_close(NULL, ol->ol_id);
	}
	ov_leave();
}

static size_t
link_data(struct tlsconn *tc, const uint8_t *p, size_t len, void *arg)
{
	enum frame_error error;
	struct ovlink	*ol;
	struct frame	 fr;
	uint64_t	 id = (uint64_t)(uintptr_t)arg;
	size_t		 used = 0;
	ssize_t		 n;

	(void)tc;
	ov_enter();
	while ((ol = ovlink_find(id)) != NULL && used < len) {
		if (ol->ol_close_at != 0) {
			used = len;
			break;
		}
		n = frame_parse(p + used, len - used, ovconf.oc_doc->rd_max_message,
		    &fr, &error);
		if (n == 0)
			break;
		if (n == -1 && error == FRAME_TOO_LARGE) {
			n = (ssize_t)link_too_large(ol, p + used, len - used);
			used = n == -1 ? (size_t)-1 : used + (size_t)n;
			break;
		}
		if (n == -1) {
			link_fault(ol, &ol->ol_addr, LINK_BAD_FRAME,
			    "what it sent is not a frame", NULL);
			used = (size_t)-1;
			break;
		}
		used += (size_t)n;
		if (fr.fr_type == FRAME_ACK) {
			(void)frame_acked(&ol->ol_frames, fr.fr_seq, proc_boot_ms());
			continue;
		}
		ack_later(ol, fr.fr_seq);
		ol->ol_in++;
		if (ol->ol_closing || node == NULL)
			continue;
		if (node_input(node, id, fr.fr_msg, fr.fr_len) == -1) {
			used = (size_t)-1;
			break;
		}
	}
	ov_leave();
	return (used);
}

/*
 * Of a message above max-message-size the header is waited for, so that its
 * sender is told; then the link is closed.  Bytes used, -1: close now.
 */
static size_t
link_too_large(struct ovlink *ol, const uint8_t *p, size_t len)
{
	int		 r = -1;

	if (!ol->ol_closing && node != NULL)
		r = node_too_large(node, ol->ol_id, p + FRAME_DATA_HEADER,
		    len - FRAME_DATA_HEADER);
	if (r == 1)
		return (0);
	link_fault(ol, &ol->ol_addr, LINK_TOO_LARGE, "message above max-message-size", NULL);
	if (r == -1)
		return ((size_t)-1);
	ol->ol_close_at = proc_boot_ms() + TOO_LARGE_MS;
	tick_arm();
	return (len);
}

static void
link_closed(struct tlsconn *tc, const char *why, void *arg)
{
	struct ovlink	*ol;
	uint64_t	 id = (uint64_t)(uintptr_t)arg;
	const char	*cert;

	(void)tc;
	if ((ol = ovlink_find(id)) == NULL)
		return;
	if (!ol->ol_open) {
		cert = link_tls.rt_why;
		link_tls.rt_why = NULL;
		link_fault(ol, &ol->ol_addr, ol->ol_inbound ? LINK_HANDSHAKE :
		    LINK_NOT_REACHED, cert != NULL ? "its certificate is refused" : why,
		    cert);
	} else if (!ol->ol_closing && tlsconn_queued(ol->ol_tc) > WRITE_MAX / 2)
		link_fault(ol, &ol->ol_addr, LINK_NOT_READING, why, NULL);
	else if (!ol->ol_closing && !ol->ol_inbound && ol->ol_in == 0)
		/* In TLS 1.3 the refusal of our certificate comes so. */
		link_fault(ol, &ol->ol_addr, LINK_NOT_REACHED,
		    "the other side wants no link with us", why);
	ovlink_free(ol);
	ov_enter();
	if (node != NULL)
		node_link_down(node, id);	/* a link it gave up is not known to it */
	ov_leave();
}

/* Count it, remember it for viprctl, log it: what, and more of it or NULL. */
static void
link_fault(const struct ovlink *ol, const struct vaddr *va, enum link_fault lf,
    const char *why, const char *more)
{
	int		 open = ol != NULL && ol->ol_open;
	char		 buf[VADDR_STRLEN], hex[NODEID_HEXLEN];

	faults.lf_count[lf]++;
	faults.lf_at = proc_now_ms();
	(void)snprintf(faults.lf_last, sizeof(faults.lf_last), "%s%s%s %s: %s%s%s",
	    open ? nodeid_hex(&ol->ol_node, hex) : "", open ? " " : "",
	    ol != NULL && !ol->ol_inbound ? "to" : "from",
	    vaddr_str(va, buf, sizeof(buf)), why, more != NULL ? ": " : "",
	    more != NULL ? more : "");
	if (log_allow(open ? &breaches : &refusals, proc_boot_ms()))
		log_info("overlay link %s%s", open ? "closed: " : "", faults.lf_last);
}

/* Frames without an ack: the peer is not routed through, and later closed. */
static void
tick_arm(void)
{
	struct timeval	 tv = { 0, TICK_MS * 1000 };

	if (!tick_set) {
		evtimer_set(&tick, link_tick, NULL);
		tick_set = 1;
	}
	if (!evtimer_pending(&tick, NULL))
		(void)evtimer_add(&tick, &tv);
}

static void
link_tick(int fd, short event, void *arg)
{
	struct ovlink	*ol, *nol;
	uint64_t	 now = proc_boot_ms(), ms;
	int		 again = 0, suspect;

	(void)fd;
	(void)event;
	(void)arg;
	ov_enter();
	RB_FOREACH_SAFE(ol, ovlink_tree, &links, nol) {
		if (!ol->ol_open || ol->ol_closing)
			continue;
		ms = frame_overdue(&ol->ol_frames, now);
		again |= frame_deadline(&ol->ol_frames) != 0;
		suspect = ms > SUSPECT_MS;
		if (suspect != ol->ol_suspect) {
			ol->ol_suspect = suspect;
			node_link_suspect(node, ol->ol_id, suspect);
		}
		again |= ol->ol_close_at != 0;
		if (ms > DEAD_MS)
			link_fault(ol, &ol->ol_addr, LINK_SILENT, "no acks for 30 s", NULL);
		if (ms > DEAD_MS || (ol->ol_close_at != 0 && now >= ol->ol_close_at)) {
			ol->ol_closing = 1;
			node_link_down(node, ol->ol_id);
			tlsconn_shutdown(ol->ol_tc, 0);
		}
	}
	ov_leave();
	if (again)
		tick_arm();
}

int
link_info(uint64_t id, struct link_info *li)
{
	struct ovlink	*ol;

	if ((ol = ovlink_find(id)) == NULL)
		return (-1);
	memset(li, 0, sizeof(*li));
	li->li_inbound = ol->ol_inbound;
	li->li_suspect = ol->ol_suspect;
	li->li_rtt_ms = ol->ol_frames.fl_srtt8 / 8;
	li->li_in = ol->ol_in;
	li->li_out = ol->ol_out;
	li->li_addr = ol->ol_addr;
	return (0);
}

int
link_judge(uint64_t id, const char **why)
{
	struct reload_cert rc;
	struct ovlink	*ol;
	SSL		*ssl;
	X509		*x;

	if ((ol = ovlink_find(id)) == NULL || !ol->ol_open || ol->ol_closing ||
	    (ssl = tlsconn_ssl(ol->ol_tc)) == NULL ||
	    (x = SSL_get0_peer_certificate(ssl)) == NULL)
		return (1);
	return (reload_trust_check(ovconf.oc_trust, x, SSL_get_peer_cert_chain(ssl),
	    link_tls.rt_now(), &rc, why) == 0);
}

size_t
link_count(void)
{
	return (nlinks);
}

const struct link_faults *
link_faults(void)
{
	return (&faults);
}

void
link_clear(void)
{
	struct ovlink	*ol;

	while ((ol = RB_MIN(ovlink_tree, &links)) != NULL)
		ovlink_free(ol);
}

/* -- listeners -- */

void
link_listen(int fd)
{
	listener_add(&listeners, fd, link_accept);
}

void
link_listen_clear(void)
{
	listener_clear(&listeners);
}

/* Strangers may hold few places before they have shown a certificate. */
static int
accept_wanted(const struct vaddr *va)
{
	struct ovlink	*ol;
	size_t		 pending = 0, host = 0;

	RB_FOREACH(ol, ovlink_tree, &links) {
		if (!ol->ol_inbound || ol->ol_open)
			continue;
		pending++;
		host += (size_t)vaddr_host_eq(&ol->ol_addr, va);
	}
	return (nlinks < 2 * NODE_LINKS_MAX && pending < PENDING_MAX && host < PENDING_HOST);
}

static void
link_accept(int s, const struct sockaddr *sa)
{
	struct tlsconn_limits tl;
	struct ovlink	*ol;
	struct vaddr	 va;

	if (node == NULL || vaddr_from_sa(sa, &va) == -1) {
		close(s);
		return;
	}
	if (!accept_wanted(&va)) {
		link_fault(NULL, &va, LINK_TOO_MANY,
		    "too many connections without a certificate yet", NULL);
		close(s);
		return;
	}
	if ((ol = ovlink_new(node_link_id(node), &va, 1)) == NULL) {
		close(s);
		return;
	}
	link_limits(&tl);
	ol->ol_tc = tlsconn_accept(s, ovconf.oc_server, &tl, &link_ops,
	    (void *)(uintptr_t)ol->ol_id);
	if (ol->ol_tc == NULL)
		ovlink_free(ol);
}
