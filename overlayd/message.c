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
 * core: messages of our own: built, signed by the process that has the key,
 * sent, repeated, answered.
 */

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

#define BUCKET_MAX	65535
#define NODE_SPARES	4	/* buffers kept, of all nodes of the process */
#define SIGN_RETRY_MS	200

static int	 node_req_cmp(const struct node_req *, const struct node_req *);
static void	 req_timeout(void *);
static void	 req_free(struct node *, struct node_req *);
static void	 req_fail(struct node *, struct node_req *, int);
static void	 sig_free(struct node *, struct node_sig *);
static int	 sig_input(struct node *, const struct node_sig *, struct wbuf *, uint64_t);
static void	 sig_pump(struct node *);
static void	 sig_pump_timer(void *);
static int	 sig_submit(struct node *, struct node_sig *);
static void	 sig_failed(struct node *, struct node_sig *, int);
static void	 sig_answer(struct node *, struct node_sig *, const void *, size_t);
static void	 sig_request(struct node *, struct node_sig *, const void *, size_t);
static uint8_t	*sig_assemble(struct node *, const struct node_sig *, uint64_t,
		    const void *, size_t, const void *, size_t, const void *, size_t,
		    size_t *, size_t *);
static struct node_sig *sig_new(struct node *, struct node_build *);

/* Large ones would else come from the system for each message anew. */
static struct wbuf	 spares[NODE_SPARES];	/* w_buf NULL: none */

RB_PROTOTYPE(node_reqs, node_req, rq_entry, node_req_cmp)
RB_GENERATE(node_reqs, node_req, rq_entry, node_req_cmp)

static int
node_req_cmp(const struct node_req *a, const struct node_req *b)
{
	return (a->rq_tid < b->rq_tid ? -1 : a->rq_tid > b->rq_tid);
}

void
message_init(struct node *n)
{
	RB_INIT(&n->n_reqs);
	dup_init(n);
	TAILQ_INIT(&n->n_sigwait);
	TAILQ_INIT(&n->n_datawait);
	TAILQ_INIT(&n->n_sigsent);
	ntimer_set(&n->n_sigtimer, sig_pump_timer, n);
}

void
message_clear(struct node *n)
{
	struct node_sigs *q[3] = { &n->n_sigwait, &n->n_datawait, &n->n_sigsent };
	struct node_sig	*ns;
	struct node_req	*rq;
	struct node_resp resp;
	size_t		 i;

	/* Those who still wait are told, and can ask for nothing new. */
	n->n_closing = 1;
	for (i = 0; i < 3; i++) {
		while ((ns = TAILQ_FIRST(q[i])) != NULL) {
			TAILQ_REMOVE(q[i], ns, ns_entry);
			if (ns->ns_done != NULL)
				ns->ns_done(n, -1, NULL, 0, ns->ns_arg);
			sig_free(n, ns);
		}
	}
	n->n_nsigwait = n->n_nsigsent = 0;
	memset(&resp, 0, sizeof(resp));
	resp.nr_error = WIRE_E_REQUEST_TIMEOUT;
	while ((rq = RB_MIN(node_reqs, &n->n_reqs)) != NULL)
		node_req_finish(n, rq, &resp);
	dup_clear(n);
	ntimer_del(&n->n_timers, &n->n_sigtimer);
}

/* -- building -- */

int
node_buffer(const struct node *n, struct wbuf *w)
{
	size_t		 i, size = n->n_doc->rd_max_message;
	uint8_t		*buf;

	for (i = 0; i < NODE_SPARES; i++) {
		if (spares[i].w_buf == NULL || spares[i].w_size != size)
			continue;
		wbuf_init(w, spares[i].w_buf, size);
		spares[i].w_buf = NULL;
		return (0);
	}
	memset(w, 0, sizeof(*w));
	if ((buf = malloc(size)) == NULL)
		return (-1);
	wbuf_init(w, buf, size);
	return (0);
}

void
node_spare(struct wbuf *w)
{
	size_t		 i;

	if (w->w_buf == NULL)
		return;
	/* A writer that failed may have come to any place. */
	sodium_memzero(w->w_buf, wbuf_ok(w) == 0 ? w->w_len : w->w_size);
	for (i = 0; i < NODE_SPARES && spares[i].w_buf != NULL; i++) {
		if (spares[i].w_size != w->w_size)
			break;		/* of an earlier document */
	}
	if (i < NODE_SPARES) {
		free(spares[i].w_buf);
		spares[i] = *w;
	} else
		free(w->w_buf);
	memset(w, 0, sizeof(*w));
}

int
build_open(struct node *n, struct node_build *b, uint16_t code)
{
	memset(b, 0, sizeof(*b));
	b->nb_node = n;
	if (node_buffer(n, &b->nb_w) == -1)
		return (-1);
	b->nb_mark = wire_contents_open(&b->nb_w, code);
	return (0);
}

void
build_free(struct node_build *b)
{
	if (b->nb_node != NULL) {
		node_spare(&b->nb_w);
		node_spare(&b->nb_bucket);
	}
	memset(b, 0, sizeof(*b));
}

void
build_cert(struct node_build *b, const void *der, size_t len)
{
	/* One above BUCKET_MAX does not get past sig_new. */
	if (b->nb_bucket.w_buf == NULL && node_buffer(b->nb_node, &b->nb_bucket) == -1) {
		(void)wbuf_fail(&b->nb_w);
		return;
	}
	reload_bucket_add(&b->nb_bucket, der, len);
}

void
node_dest_write(struct wbuf *w, const struct node_dest *nd)
{
	if (nd->nd_type == WIRE_DEST_NODE)
		wire_dest_node(w, nd->nd_id.id_b);
	else
		wire_dest_resource(w, nd->nd_id.id_b, NODEID_LEN);
}

/* -- signatures -- */

static void
sig_free(struct node *n, struct node_sig *ns)
{
	n->n_sigbytes -= ns->ns_len + ns->ns_bucketlen;
	node_return_free(&ns->ns_ret);
	free(ns->ns_data);
	free(ns->ns_bucket);
	free(ns);
}

void
node_return_free(struct node_return *nx)
{
	free(nx->nx_dest);
	free(nx->nx_opts);
	nx->nx_dest = nx->nx_opts = NULL;
	nx->nx_destlen = nx->nx_optslen = 0;
}

/* From a build, which is used up.  NULL: it did not fit, or no memory. */
static struct node_sig *
sig_new(struct node *n, struct node_build *b)
{
	struct node_sig	*ns = NULL;

	wire_contents_close(&b->nb_w, b->nb_mark, NULL);
	if (wbuf_ok(&b->nb_w) == -1 ||
	    (b->nb_bucket.w_buf != NULL && (wbuf_ok(&b->nb_bucket) == -1 ||
	    b->nb_bucket.w_len > BUCKET_MAX)) ||
	    b->nb_w.w_len > VIPR_IMSG_MAX - 1024 ||
	    n->n_closing || n->n_nsigwait >= NODE_SIGN_QUEUE_MAX ||
	    n->n_sigbytes >= NODE_SIGN_BYTES_MAX ||
	    (ns = calloc(1, sizeof(*ns))) == NULL)
		goto out;
	ns->ns_type = KS_RELOAD_MSG;
	if ((ns->ns_data = malloc(b->nb_w.w_len)) == NULL)
		goto fail;
	ns->ns_len = b->nb_w.w_len;
	n->n_sigbytes += ns->ns_len;
	memcpy(ns->ns_data, b->nb_w.w_buf, ns->ns_len);
	if (b->nb_bucket.w_len > 0) {
		if ((ns->ns_bucket = malloc(b->nb_bucket.w_len)) == NULL)
			goto fail;
		memcpy(ns->ns_bucket, b->nb_bucket.w_buf, b->nb_bucket.w_len);
		ns->ns_bucketlen = b->nb_bucket.w_len;
		n->n_sigbytes += ns->ns_bucketlen;
	}
	goto out;
fail:
	sig_free(n, ns);
	ns = NULL;
out:
	build_free(b);
	return (ns);
}

static int
sig_input(struct node *n, const struct node_sig *ns, struct wbuf *w, uint64_t tid)
{
	uint8_t		*buf;
	size_t		 size = ns->ns_len + 16;

	if ((buf = malloc(size)) == NULL)
		return (-1);
	wbuf_init(w, buf, size);
	wire_msg_input(w, n->n_doc->rd_hash, tid, ns->ns_data, ns->ns_len);
	return (0);
}

static int
sig_submit(struct node *n, struct node_sig *ns)
{
	struct wbuf	 w;
	int		 r;

	ns->ns_id = ++n->n_nextsig;
	if (ns->ns_type == KS_RELOAD_DATA)
		return (n->n_ops->no_sign(n->n_arg, ns->ns_id, ns->ns_type,
		    ns->ns_data, ns->ns_len));
	if (sig_input(n, ns, &w, ns->ns_req != 0 ? ns->ns_req : ns->ns_ret.nx_tid) == -1)
		return (-1);
	r = n->n_ops->no_sign(n->n_arg, ns->ns_id, ns->ns_type, w.w_buf, w.w_len);
	free(w.w_buf);
	return (r);
}

static void
sig_pump_timer(void *arg)
{
	sig_pump(arg);
}

/* Messages before stored data: the ring must stay alive under a reload of
 * ten thousand numbers. */
static void
sig_pump(struct node *n)
{
	struct node_sigs *q;
	struct node_sig	*ns;

	while (n->n_nsigsent < NODE_SIGN_MAX) {
		q = &n->n_sigwait;
		if ((ns = TAILQ_FIRST(q)) == NULL) {
			q = &n->n_datawait;
			ns = TAILQ_FIRST(q);
		}
		if (ns == NULL)
			return;
		if (sig_submit(n, ns) == -1) {
			ntimer_add(&n->n_timers, &n->n_sigtimer, n->n_mono + SIGN_RETRY_MS);
			return;
		}
		TAILQ_REMOVE(q, ns, ns_entry);
		n->n_nsigwait--;
		TAILQ_INSERT_TAIL(&n->n_sigsent, ns, ns_entry);
		n->n_nsigsent++;
	}
}

static void
sig_failed(struct node *n, struct node_sig *ns, int error)
{
	struct node_req	*rq;

	if (ns->ns_done != NULL)
		ns->ns_done(n, error, NULL, 0, ns->ns_arg);
	else if (ns->ns_req != 0 && (rq = node_req_find(n, ns->ns_req)) != NULL)
		req_fail(n, rq, WIRE_E_REQUEST_TIMEOUT);
}

void
node_signed(struct node *n, uint64_t id, int error, const void *sig, size_t len)
{
	struct node_sig	*ns;

	TAILQ_FOREACH(ns, &n->n_sigsent, ns_entry) {
		if (ns->ns_id == id)
			break;
	}
	if (ns == NULL)
		return;
	TAILQ_REMOVE(&n->n_sigsent, ns, ns_entry);
	n->n_nsigsent--;
	if (error != 0 || len == 0 || len > RELOAD_SIG_MAX)
		sig_failed(n, ns, error != 0 ? error : -1);
	else if (ns->ns_done != NULL)
		ns->ns_done(n, 0, sig, len, ns->ns_arg);
	else if (ns->ns_req != 0)
		sig_request(n, ns, sig, len);
	else
		sig_answer(n, ns, sig, len);
	sig_free(n, ns);
	sig_pump(n);
}

int
node_sign_data(struct node *n, const void *in, size_t len, node_sigdone done, void *arg)
{
	struct node_sig	*ns;

	if (n->n_closing || n->n_nsigwait >= NODE_SIGN_QUEUE_MAX ||
	    (ns = calloc(1, sizeof(*ns))) == NULL)
		return (-1);
	if ((ns->ns_data = malloc(len)) == NULL) {
		free(ns);
		return (-1);
	}
	memcpy(ns->ns_data, in, len);
	ns->ns_len = len;
	n->n_sigbytes += len;
	ns->ns_type = KS_RELOAD_DATA;
	ns->ns_done = done;
	ns->ns_arg = arg;
	TAILQ_INSERT_TAIL(&n->n_datawait, ns, ns_entry);
	n->n_nsigwait++;
	sig_pump(n);
	return (0);
}

/* Nobody waits any more for the data signatures of arg. */
void
node_sign_cancel(struct node *n, void *arg)
{
	struct node_sig	*ns, *nns;

	TAILQ_FOREACH_SAFE(ns, &n->n_datawait, ns_entry, nns) {
		if (ns->ns_arg != arg)
			continue;
		TAILQ_REMOVE(&n->n_datawait, ns, ns_entry);
		n->n_nsigwait--;
		sig_free(n, ns);
	}
	TAILQ_FOREACH_SAFE(ns, &n->n_sigsent, ns_entry, nns) {
		if (ns->ns_done == NULL || ns->ns_arg != arg)
			continue;
		TAILQ_REMOVE(&n->n_sigsent, ns, ns_entry);
		n->n_nsigsent--;
		sig_free(n, ns);
	}
}

/*
 * Header, contents, security block.  *tail is where the contents begin.  NULL:
 * above max-message-size or no memory.
 */
static uint8_t *
sig_assemble(struct node *n, const struct node_sig *ns, uint64_t tid,
    const void *dest, size_t destlen, const void *opts, size_t optslen,
    const void *sig, size_t siglen, size_t *len, size_t *tail)
{
	struct wire_header wh;
	struct wbuf	 w, bucket;
	uint8_t		*buf;
	uint16_t	 seq = n->n_doc->rd_sequence;
	size_t		 size, blen;

	blen = n->n_conf.nc_certlen + 3 + ns->ns_bucketlen;
	size = WIRE_HEADER_MIN + destlen + optslen + ns->ns_len + 2 * blen + siglen + 128;
	if ((buf = malloc(size)) == NULL)
		return (NULL);
	if (ns->ns_len >= 2 && ns->ns_data[0] == 0 && ns->ns_data[1] == WIRE_CONFIGUPDATE)
		seq = WIRE_SEQ_ANY;
	wire_header_init(&wh, n->n_doc->rd_hash, seq, n->n_doc->rd_initial_ttl, tid);
	cur_init(&wh.wh_via, NULL, 0);
	cur_init(&wh.wh_dest, dest, destlen);
	cur_init(&wh.wh_options, opts, optslen);
	wbuf_init(&w, buf, size);
	wire_header_write(&w, &wh);
	*tail = w.w_len;
	wbuf_bytes(&w, ns->ns_data, ns->ns_len);
	/* Our own certificate first, built behind the message's end. */
	wbuf_init(&bucket, buf + size - blen, blen);
	reload_bucket_add(&bucket, n->n_conf.nc_cert, n->n_conf.nc_certlen);
	wbuf_bytes(&bucket, ns->ns_bucket, ns->ns_bucketlen);
	w.w_size = size - blen;
	reload_secblock_write(&w, bucket.w_buf, bucket.w_len, n->n_conf.nc_alg,
	    n->n_conf.nc_sha256, sig, siglen);
	if (wbuf_ok(&w) == -1 || wbuf_ok(&bucket) == -1 ||
	    w.w_len > n->n_doc->rd_max_message) {
		free(buf);
		return (NULL);
	}
	wire_length_set(buf, w.w_len);
	*len = w.w_len;
	return (buf);
}

/* -- requests -- */

struct node_req *
node_req_find(struct node *n, uint64_t tid)
{
	struct node_req	 key;

	key.rq_tid = tid;
	return (RB_FIND(node_reqs, &n->n_reqs, &key));
}

static void
req_free(struct node *n, struct node_req *rq)
{
	RB_REMOVE(node_reqs, &n->n_reqs, rq);
	n->n_nreqs--;
	ntimer_del(&n->n_timers, &rq->rq_timer);
	free(rq->rq_destlist);
	free(rq->rq_msg);
	free(rq);
}

/* Fails from the timer, so that no caller is called back from its own call. */
static void
req_fail(struct node *n, struct node_req *rq, int error)
{
	rq->rq_error = error;
	ntimer_add(&n->n_timers, &rq->rq_timer, n->n_mono);
}

uint64_t
node_request(struct node *n, struct node_build *b, const struct node_dest *dests,
    size_t ndests, uint64_t link, node_done done, void *arg)
{
	struct node_req	*rq;
	struct node_sig	*ns;
	struct wbuf	 w;
	size_t		 i;
	uint16_t	 code;
	struct cur	 c;

	cur_init(&c, b->nb_w.w_buf, b->nb_w.w_len);
	(void)cur_u16(&c, &code);
	if (n->n_closing || n->n_nreqs >= NODE_REQS_MAX ||
	    (rq = calloc(1, sizeof(*rq))) == NULL) {
		build_free(b);
		return (0);
	}
	ntimer_set(&rq->rq_timer, req_timeout, rq);
	if ((rq->rq_destlist = malloc(ndests * 20)) == NULL)
		goto fail;
	wbuf_init(&w, rq->rq_destlist, ndests * 20);
	for (i = 0; i < ndests; i++)
		node_dest_write(&w, &dests[i]);
	rq->rq_destlen = w.w_len;
	if ((ns = sig_new(n, b)) == NULL)
		goto fail;
	do {
		rq->rq_tid = node_rand64(n);
	} while (rq->rq_tid == 0 || RB_INSERT(node_reqs, &n->n_reqs, rq) != NULL);
	n->n_nreqs++;
	rq->rq_node = n;
	rq->rq_code = code;
	rq->rq_dest = dests[ndests - 1];
	rq->rq_link = link;
	rq->rq_done = done;
	rq->rq_arg = arg;
	n->n_stats.ns_requests++;
	ns->ns_req = rq->rq_tid;
	TAILQ_INSERT_TAIL(&n->n_sigwait, ns, ns_entry);
	n->n_nsigwait++;
	sig_pump(n);
	/* Until it is signed: key may be away for a while. */
	ntimer_add(&n->n_timers, &rq->rq_timer, n->n_mono +
	    (uint64_t)NODE_SENDS_MAX * n->n_doc->rd_reliability_ms);
	return (rq->rq_tid);
fail:
	build_free(b);
	free(rq->rq_destlist);
	free(rq);
	return (0);
}

static void
sig_request(struct node *n, struct node_sig *ns, const void *sig, size_t len)
{
	struct node_req	*rq;
	size_t		 tail;

	if ((rq = node_req_find(n, ns->ns_req)) == NULL)
		return;
	rq->rq_msg = sig_assemble(n, ns, rq->rq_tid, rq->rq_destlist, rq->rq_destlen,
	    NULL, 0, sig, len, &rq->rq_len, &tail);
	if (rq->rq_msg == NULL) {
		req_fail(n, rq, WIRE_E_MESSAGE_TOO_LARGE);
		return;
	}
	rq->rq_sends = 1;
	ntimer_add(&n->n_timers, &rq->rq_timer, n->n_mono + n->n_doc->rd_reliability_ms);
	route_out(n, rq->rq_msg, rq->rq_len, rq->rq_link);
}

static void
req_timeout(void *arg)
{
	struct node_req	*rq = arg;
	struct node	*n = rq->rq_node;
	struct node_resp resp;

	if (rq->rq_error == 0 && rq->rq_msg != NULL && rq->rq_sends < NODE_SENDS_MAX) {
		rq->rq_sends++;
		ntimer_add(&n->n_timers, &rq->rq_timer,
		    n->n_mono + n->n_doc->rd_reliability_ms);
		route_out(n, rq->rq_msg, rq->rq_len, rq->rq_link);
		return;
	}
	memset(&resp, 0, sizeof(resp));
	resp.nr_error = rq->rq_error != 0 ? rq->rq_error :
	    rq->rq_hint != 0 ? rq->rq_hint : WIRE_E_REQUEST_TIMEOUT;
	n->n_stats.ns_timeouts++;
	node_req_finish(n, rq, &resp);
}

void
node_req_finish(struct node *n, struct node_req *rq, const struct node_resp *resp)
{
	node_done	 done = rq->rq_done;
	void		*arg = rq->rq_arg;

	req_free(n, rq);
	if (done != NULL)
		done(n, resp, arg);
}

void
node_cancel(struct node *n, uint64_t tid)
{
	struct node_req	*rq;

	if (tid != 0 && (rq = node_req_find(n, tid)) != NULL)
		req_free(n, rq);
}

/* -- answers -- */

int
node_return_make(struct node *n, const struct wire_header *wh, uint16_t code,
    const struct nodeid *from, struct node_return *nx)
{
	struct wire_option wo;
	struct wbuf	 w;
	struct cur	 opts = wh->wh_options;
	size_t		 size = 18 + cur_left(&wh->wh_via);

	(void)n;
	memset(nx, 0, sizeof(*nx));
	if ((nx->nx_dest = malloc(size)) == NULL)
		return (-1);
	nx->nx_tid = wh->wh_tid;
	nx->nx_max_response = wh->wh_max_response;
	nx->nx_code = code;
	/* reverse(via + [P]) */
	wbuf_init(&w, nx->nx_dest, size);
	wire_dest_node(&w, from->id_b);
	wire_dest_reverse(&w, &wh->wh_via);
	nx->nx_destlen = w.w_len;
	if (wbuf_ok(&w) == -1) {
		node_return_free(nx);
		return (-1);
	}
	size = cur_left(&opts);
	if (size == 0 || (nx->nx_opts = malloc(size)) == NULL)
		return (0);
	wbuf_init(&w, nx->nx_opts, size);
	while (wire_option_next(&opts, &wo) == 1) {
		if ((wo.wo_flags & WIRE_OPT_RESPONSE_COPY) == 0)
			continue;
		wo.wo_flags &= (uint8_t)~(WIRE_OPT_FORWARD_CRITICAL |
		    WIRE_OPT_DESTINATION_CRITICAL | WIRE_OPT_RESPONSE_COPY);
		wire_option_write(&w, &wo);
	}
	nx->nx_optslen = w.w_len;
	return (0);
}

void
node_answer_to(struct node *n, struct node_return *nx, struct node_build *b)
{
	struct node_sig	*ns;

	/* Half of the queue is for what we ask ourselves: who asks us much has
	 * to wait before the ring falls apart. */
	if (n->n_nsigwait >= NODE_SIGN_QUEUE_MAX / 2 ||
	    n->n_sigbytes >= NODE_SIGN_BYTES_MAX / 2) {
		n->n_stats.ns_dropped++;
		build_free(b);
		node_return_free(nx);
		return;
	}
	if ((ns = sig_new(n, b)) == NULL) {
		node_return_free(nx);
		return;
	}
	ns->ns_ret = *nx;
	memset(nx, 0, sizeof(*nx));
	TAILQ_INSERT_TAIL(&n->n_sigwait, ns, ns_entry);
	n->n_nsigwait++;
	sig_pump(n);
}

void
node_answer(struct node *n, struct node_in *in, struct node_build *b)
{
	/* An answer that does not fit a message is an error of its own. */
	if (wbuf_ok(&b->nb_w) == -1 ||
	    (b->nb_bucket.w_buf != NULL && wbuf_ok(&b->nb_bucket) == -1)) {
		build_free(b);
		node_error(n, in, WIRE_E_RESPONSE_TOO_LARGE, "answer too large");
		return;
	}
	node_answer_to(n, &in->ni_ret, b);
}

static void
sig_answer(struct node *n, struct node_sig *ns, const void *sig, size_t siglen)
{
	struct node_return *nx = &ns->ns_ret;
	uint8_t		*msg;
	size_t		 len, tail;
	int		 error;

	msg = sig_assemble(n, ns, nx->nx_tid, nx->nx_dest, nx->nx_destlen,
	    nx->nx_opts, nx->nx_optslen, sig, siglen, &len, &tail);
	error = ns->ns_data[0] == 0xff && ns->ns_data[1] == 0xff;
	if (msg == NULL || (!error && nx->nx_max_response != 0 &&
	    len > nx->nx_max_response)) {
		free(msg);
		if (!error)
			node_error_to(n, nx, WIRE_E_RESPONSE_TOO_LARGE,
			    "answer too large", 16);
		return;
	}
	if (nx->nx_cache)
		dup_answer(n, nx, msg + tail, len - tail);
	route_out(n, msg, len, nx->nx_link);
	free(msg);
}

void
node_error_to(struct node *n, struct node_return *nx, int code, const void *info,
    size_t len)
{
	struct node_build b;

	if (build_open(n, &b, WIRE_ERROR) == -1) {
		node_return_free(nx);
		return;
	}
	wire_error_write(&b.nb_w, (uint16_t)code, info, len);
	n->n_stats.ns_errors_sent++;
	node_answer_to(n, nx, &b);
}

void
node_error(struct node *n, struct node_in *in, int code, const char *text)
{
	node_log(n, NODE_DEBUG, "%s refused: %s: %s",
	    wire_code_str(in->ni_ret.nx_code) != NULL ?
	    wire_code_str(in->ni_ret.nx_code) : "request",
	    wire_errcode_str((unsigned)code) != NULL ?
	    wire_errcode_str((unsigned)code) : "error", text);
	if (in->ni_link != 0 && !limit_error(n, &in->ni_signer, &in->ni_from,
	    in->ni_ret.nx_code))
		return;		/* the caller frees the way back */
	node_error_to(n, &in->ni_ret, code, text, strlen(text));
}
