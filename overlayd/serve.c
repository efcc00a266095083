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
 * What overlayd does for others: look-ups and AppAttach for pvpd, requests of
 * the control socket.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "e164.h"
#include "overlayd.h"
#include "proc.h"

#define ASKED_MAX	256	/* look-ups and AppAttaches of pvpd under way */

struct ask {
	uint64_t	 as_reqid;	/* of pvpd, or the id of the control request */
	uint16_t	 as_verb;	/* 0: pvpd */
	char		 as_number[E164_SIZE];
};

static int	 number_ok(const char *, size_t);
static void	 lookup_answer(uint64_t, int, const struct lookup_result *);
static void	 lookup_finished(struct node *, const struct lookup_result *, void *);
static void	 appattach_answer(uint64_t, int, const struct vaddr *, size_t);
static void	 appattach_finished(int, const struct vaddr *, size_t, void *);
static const char *ctl_lookup(const struct ctl_req *);
static void	 ctl_lookup_done(const struct ask *, const struct lookup_result *);
static void	 ctl_show(struct chan *, uint32_t);
static void	 ctl_overlay(struct chan *, uint32_t);
static void	 ctl_peer(struct chan *, uint32_t, struct node_peer *);
static void	 ctl_peers(struct chan *, uint32_t);
static void	 peer_role(const struct node_peer *, char *, size_t);
static uint64_t	 ring_size(const struct ring *);
static const char *ctl_numbers(struct chan *, const struct ctl_req *);
static void	 ctl_metrics(struct chan *, uint32_t);
static int	 ctl_explain_line(struct chan *, uint32_t, const char *, const char *);

static unsigned		 asked;
static struct ctl_row	 row;

/* -- pvpd -- */

/* A number in a fixed field: terminated, valid. */
static int
number_ok(const char *s, size_t size)
{
	return (memchr(s, '\0', size) != NULL && strlen(s) < E164_SIZE && e164_valid(s));
}

static void
lookup_answer(uint64_t reqid, int error, const struct lookup_result *lr)
{
	struct imsg_ov_lookup_res or;
	size_t		 n = error == 0 && lr != NULL ? lr->lr_nodes : 0;

	memset(&or, 0, sizeof(or));
	or.or_reqid = reqid;
	or.or_error = (uint32_t)error;
	or.or_count = (uint32_t)n;
	(void)chan_send(proc_peer(ROLE_PVP), IMSG_OV_LOOKUP_RES, -1, &or, sizeof(or),
	    n == 0 ? NULL : lr->lr_node[0].id_b, n * NODEID_LEN);
}

static void
lookup_finished(struct node *n, const struct lookup_result *lr, void *arg)
{
	struct ask	*as = arg;

	(void)n;
	asked--;
	if (as->as_verb == 0)
		lookup_answer(as->as_reqid, lr->lr_error, lr);
	else
		ctl_lookup_done(as, lr);
	free(as);
}

int
serve_lookup(struct chan *ch, struct chan_msg *cm, void *arg)
{
	const struct imsg_ov_lookup *ol = cm->cm_fixed;
	struct ask	*as;
	int		 error = EAGAIN;

	(void)ch;
	(void)arg;
	if (!number_ok(ol->ol_number, sizeof(ol->ol_number)))
		return (-1);
	if (node == NULL || asked >= ASKED_MAX ||
	    (as = calloc(1, sizeof(*as))) == NULL) {
		lookup_answer(ol->ol_reqid, node == NULL ? ENETDOWN : EAGAIN, NULL);
		return (0);
	}
	as->as_reqid = ol->ol_reqid;
	ov_enter();
	if (lookup_start(node, e164_pack(ol->ol_number), lookup_finished, as) == 0) {
		asked++;
		as = NULL;
	} else
		error = errno;
	ov_leave();
	if (as != NULL) {
		lookup_answer(as->as_reqid, error, NULL);
		free(as);
	}
	return (0);
}

static void
appattach_answer(uint64_t reqid, int error, const struct vaddr *va, size_t n)
{
	struct imsg_ov_appattach_res oa;

	memset(&oa, 0, sizeof(oa));
	oa.oa_reqid = reqid;
	oa.oa_error = (uint32_t)error;
	oa.oa_count = (uint32_t)(error == 0 ? n : 0);
	(void)chan_send(proc_peer(ROLE_PVP), IMSG_OV_APPATTACH_RES, -1, &oa, sizeof(oa),
	    va, oa.oa_count * sizeof(*va));
}

static void
appattach_finished(int error, const struct vaddr *va, size_t n, void *arg)
{
	struct ask	*as = arg;

	asked--;
	appattach_answer(as->as_reqid, error, va, n);
	free(as);
}

int
serve_appattach(struct chan *ch, struct chan_msg *cm, void *arg)
{
	const struct imsg_ov_appattach *oa = cm->cm_fixed;
	struct ask	*as;
	struct nodeid	 id;

	(void)ch;
	(void)arg;
	if (oa->oa_application != NODE_PVP_APPLICATION)
		return (-1);
	if (node == NULL || !node_is_joined(node) || asked >= ASKED_MAX ||
	    (as = calloc(1, sizeof(*as))) == NULL) {
		appattach_answer(oa->oa_reqid, ENETDOWN, NULL, 0);
		return (0);
	}
	as->as_reqid = oa->oa_reqid;
	memcpy(id.id_b, oa->oa_node, NODEID_LEN);
	ov_enter();
	if (appattach_start(node, &id, appattach_finished, as) == 0) {
		asked++;
		as = NULL;
	}
	ov_leave();
	if (as != NULL) {
		appattach_answer(as->as_reqid, EAGAIN, NULL, 0);
		free(as);
	}
	return (0);
}

/* -- control -- */

int
serve_control(struct chan *ch, struct chan_msg *cm, void *arg)
{
	struct ctl_req	 rq;
	const char	*error = NULL;

	(void)arg;
	if (ctl_req_parse(cm, &rq) == -1)
		return (-1);
	if (node == NULL) {
		(void)ctl_send_end(ch, rq.rq_id, "overlayd is starting");
		return (0);
	}
	ov_enter();
	switch (rq.rq_verb) {
	case CTL_SHOW:
		ctl_show(ch, rq.rq_id);
		break;
	case CTL_SHOW_OVERLAY:
		ctl_overlay(ch, rq.rq_id);
		break;
	case CTL_SHOW_NUMBERS:
		error = ctl_numbers(ch, &rq);
		break;
	case CTL_SHOW_METRICS:
		ctl_metrics(ch, rq.rq_id);
		break;
	case CTL_LOOKUP:
	case CTL_EXPLAIN:
		if ((error = ctl_lookup(&rq)) == NULL) {
			ov_leave();
			return (0);	/* the end comes with the answer */
		}
		break;
	default:
		error = "not a request for overlayd";
		break;
	}
	ov_leave();
	(void)ctl_send_end(ch, rq.rq_id, error);
	return (0);
}

static void
ctl_show(struct chan *ch, uint32_t id)
{
	char		 hex[NODEID_HEXLEN];

	ctl_row(&row, "overlay");
	ctl_str(&row, "overlay", node->n_doc->rd_name);
	ctl_bool(&row, "joined", node_is_joined(node));
	ctl_str(&row, "state", node_join_str(node));
	ctl_str(&row, "node", nodeid_hex(&node->n_self, hex));
	ctl_uint(&row, "peers", node->n_ring.rg_npeers);
	ctl_uint(&row, "links", link_count());
	ctl_uint(&row, "stored", node->n_storage.st_nvalues);
	ctl_uint(&row, "published", regist->rg_npublished);
	ctl_uint(&row, "pending", regist->rg_npending);
	ctl_uint(&row, "failed", regist->rg_nfailed);
	ctl_str(&row, "failed_error", regist->rg_nfailed == 0 ? "" :
	    wire_errcode_str(regist->rg_error));
	ctl_uint(&row, "document", node->n_doc->rd_sequence);
	ctl_uint(&row, "alarms", regist->rg_alarms);
	ctl_str(&row, "store", glue_store_error() == 0 ? "ok" : strerror(glue_store_error()));
	(void)ctl_send_row(ch, id, &row);
}

/*
 * Nodes of the whole ring: all that we know in a small one, else by how far
 * apart our neighbours are.
 */
static uint64_t
ring_size(const struct ring *rg)
{
	size_t		 n = ring_neighbours(rg);
	uint64_t	 share, guess = 0;

	if (rg->rg_npeers > 2 * n && n > 0) {
		share = nodeid_share_ppb(ring_pred(rg, n - 1), ring_succ(rg, n - 1));
		guess = 2 * (uint64_t)n * 1000000000 / (share > 0 ? share : 1);
	}
	return (guess > rg->rg_npeers + 1 ? guess : rg->rg_npeers + 1);
}

/* "predecessor 1, successor 2, finger" */
static void
peer_role(const struct node_peer *np, char *role, size_t size)
{
	const struct ring *rg = &node->n_ring;
	const struct nodeid *p;
	char		 word[32];
	size_t		 i;

	role[0] = '\0';
	for (i = 0; (p = ring_pred(rg, i)) != NULL; i++) {
		if (!nodeid_eq(p, &np->np_id))
			continue;
		(void)snprintf(word, sizeof(word), "predecessor %zu", i + 1);
		(void)strlcat(role, word, size);
	}
	for (i = 0; (p = ring_succ(rg, i)) != NULL; i++) {
		if (!nodeid_eq(p, &np->np_id))
			continue;
		(void)snprintf(word, sizeof(word), "%ssuccessor %zu",
		    role[0] != '\0' ? ", " : "", i + 1);
		(void)strlcat(role, word, size);
	}
	if (ring_is_finger(rg, &np->np_id))
		(void)strlcat(role, role[0] != '\0' ? ", finger" : "finger", size);
	if (role[0] == '\0')
		(void)strlcpy(role, ring_has(rg, &np->np_id) ? "other peer" :
		    "no peer", size);
}

static void
ctl_peer(struct chan *ch, uint32_t id, struct node_peer *np)
{
	struct link_info li;
	char		 hex[NODEID_HEXLEN], buf[VADDR_STRLEN], role[80];
	int		 linked;

	memset(&li, 0, sizeof(li));
	linked = link_info(route_peer_link(np), &li) == 0;
	peer_role(np, role, sizeof(role));
	ctl_row(&row, "peer");
	ctl_str(&row, "node", nodeid_hex(&np->np_id, hex));
	ctl_str(&row, "link", !linked ? "closing" : li.li_suspect ? "no acks" :
	    ring_has(&node->n_ring, &np->np_id) ? "up" : "attached");
	ctl_str(&row, "by", !linked ? NULL : li.li_inbound ? "peer" : "us");
	ctl_str(&row, "address", !linked ? NULL : vaddr_str(&li.li_addr, buf, sizeof(buf)));
	ctl_uint(&row, "rtt_ms", li.li_rtt_ms);
	ctl_uint(&row, "in", li.li_in);
	ctl_uint(&row, "out", li.li_out);
	ctl_str(&row, "role", role);
	(void)ctl_send_row(ch, id, &row);
}

/* The neighbours, the nearest first, then the others. */
static void
ctl_peers(struct chan *ch, uint32_t id)
{
	const struct ring *rg = &node->n_ring;
	const struct nodeid *p;
	struct node_peer *np;
	size_t		 i, j;

	for (i = ring_neighbours(rg); i-- > 0;) {
		if ((p = ring_pred(rg, i)) != NULL &&
		    (np = node_peer_find(node, p)) != NULL)
			ctl_peer(ch, id, np);
	}
	for (i = 0; (p = ring_succ(rg, i)) != NULL; i++) {
		/* In a small ring it may be a predecessor too. */
		for (j = 0; ring_pred(rg, j) != NULL &&
		    !nodeid_eq(ring_pred(rg, j), p); j++)
			continue;
		if (ring_pred(rg, j) == NULL && (np = node_peer_find(node, p)) != NULL)
			ctl_peer(ch, id, np);
	}
	RB_FOREACH(np, node_peers, &node->n_peers) {
		if (!ring_is_neighbour(rg, &np->np_id))
			ctl_peer(ch, id, np);
	}
}

static void
ctl_overlay(struct chan *ch, uint32_t id)
{
	const struct link_faults *lf = link_faults();
	char		 hex[NODEID_HEXLEN], buf[VADDR_STRLEN];

	ctl_row(&row, "node");
	ctl_str(&row, "overlay", node->n_doc->rd_name);
	ctl_str(&row, "node", nodeid_hex(&node->n_self, hex));
	ctl_str(&row, "state", node_join_str(node));
	ctl_bool(&row, "joined", node_is_joined(node));
	ctl_str(&row, "address", vaddr_str(&node->n_conf.nc_addr, buf, sizeof(buf)));
	ctl_uint(&row, "document", node->n_doc->rd_sequence);
	ctl_time(&row, "document_expires", node->n_doc->rd_expiration > 0 ?
	    (uint64_t)node->n_doc->rd_expiration : 0);
	ctl_time(&row, "certificate_expires", (uint64_t)ovconf.oc_cert.rc_not_after);
	ctl_uint(&row, "ring_nodes", ring_size(&node->n_ring));
	ctl_uint(&row, "share_ppm", ring_share_ppb(&node->n_ring) / 1000);
	ctl_uint(&row, "peers", node->n_ring.rg_npeers);
	ctl_uint(&row, "links", link_count());
	(void)ctl_send_row(ch, id, &row);
	ctl_row(&row, "ours");
	ctl_uint(&row, "published", regist->rg_npublished);
	ctl_uint(&row, "pending", regist->rg_npending);
	ctl_uint(&row, "failed", regist->rg_nfailed);
	ctl_str(&row, "failed_error", regist->rg_nfailed == 0 ? NULL :
	    wire_errcode_str(regist->rg_error));
	ctl_uint(&row, "alarms", regist->rg_alarms);
	(void)ctl_send_row(ch, id, &row);
	ctl_row(&row, "stored");
	ctl_uint(&row, "places", node->n_storage.st_nplaces);
	ctl_uint(&row, "stored", node->n_storage.st_nvalues);
	ctl_uint(&row, "record_bytes", node->n_storage.st_bytes);
	ctl_str(&row, "disk", glue_store_error() == 0 ? "ok" :
	    strerror(glue_store_error()));
	(void)ctl_send_row(ch, id, &row);
	ctl_row(&row, "faults");
	ctl_uint(&row, "not_reached", lf->lf_count[LINK_NOT_REACHED]);
	ctl_uint(&row, "handshake_failed", lf->lf_count[LINK_HANDSHAKE]);
	ctl_uint(&row, "too_many", lf->lf_count[LINK_TOO_MANY]);
	ctl_uint(&row, "not_wanted", lf->lf_count[LINK_NOT_WANTED]);
	ctl_uint(&row, "bad_frames", lf->lf_count[LINK_BAD_FRAME]);
	ctl_uint(&row, "too_large", lf->lf_count[LINK_TOO_LARGE]);
	ctl_uint(&row, "not_reading", lf->lf_count[LINK_NOT_READING]);
	ctl_uint(&row, "no_acks", lf->lf_count[LINK_SILENT]);
	ctl_time(&row, "last_at", lf->lf_at / 1000);
	ctl_str(&row, "last", lf->lf_at == 0 ? NULL : lf->lf_last);
	(void)ctl_send_row(ch, id, &row);
	ctl_peers(ch, id);
}

/* Which of the published numbers are decoys is root's to know. */
static const char *
ctl_numbers(struct chan *ch, const struct ctl_req *rq)
{
	struct regist_entry *re;
	char		 text[E164_SIZE];
	uint64_t	 only = 0;

	if (rq->rq_argc > 0) {
		if (!e164_valid(rq->rq_argv[0]))
			return ("expected a number as +15550100");
		only = e164_pack(rq->rq_argv[0]);
	}
	for (re = regist_first(regist); re != NULL; re = regist_after(re)) {
		if ((only != 0 && re->re_number != only) ||
		    (re->re_kind != REGIST_OWN && rq->rq_class < CTL_ROOT))
			continue;
		e164_unpack(re->re_number, text);
		ctl_row(&row, "number");
		ctl_str(&row, "number", text);
		ctl_str(&row, "kind", re->re_kind == REGIST_OWN ? "own" :
		    re->re_kind == REGIST_DECOY ? "decoy" : "former");
		ctl_str(&row, "state", regist_state_str(re));
		ctl_time(&row, "refreshed", re->re_refreshed / 1000);
		if (re->re_error != 0 && re->re_state != REGIST_PUBLISHED)
			ctl_str(&row, "error", wire_errcode_str(re->re_error));
		if (ctl_send_row(ch, rq->rq_id, &row) == -1)
			return ("too many numbers for one answer");
	}
	return (NULL);
}

static void
ctl_metrics(struct chan *ch, uint32_t id)
{
	const struct node_stats *ns = &node->n_stats;
	const struct link_faults *lf = link_faults();
	const struct {
		const char	*name;
		uint64_t	 value;
		int		 gauge;
	} m[] = {
		{ "overlay_joined", (uint64_t)node_is_joined(node), 1 },
		{ "overlay_peers", node->n_ring.rg_npeers, 1 },
		{ "overlay_links", link_count(), 1 },
		{ "overlay_links_not_reached", lf->lf_count[LINK_NOT_REACHED], 0 },
		{ "overlay_links_refused", lf->lf_count[LINK_TOO_MANY] +
		    lf->lf_count[LINK_HANDSHAKE] + lf->lf_count[LINK_NOT_WANTED], 0 },
		{ "overlay_links_cut", lf->lf_count[LINK_BAD_FRAME] +
		    lf->lf_count[LINK_TOO_LARGE] + lf->lf_count[LINK_NOT_READING] +
		    lf->lf_count[LINK_SILENT], 0 },
		{ "overlay_stored", node->n_storage.st_nvalues, 1 },
		{ "overlay_stored_bytes", node->n_storage.st_bytes, 1 },
		{ "overlay_displaced", node->n_storage.st_displaced, 0 },
		{ "overlay_expired", node->n_storage.st_expired, 0 },
		{ "overlay_records_lost", node->n_storage.st_lost, 0 },
		{ "overlay_published", regist->rg_npublished, 1 },
		{ "overlay_pending", regist->rg_npending, 1 },
		{ "overlay_failed", regist->rg_nfailed, 1 },
		{ "overlay_stores_sent", regist->rg_stores, 0 },
		{ "overlay_certificate_places", certstore_places(certstore), 1 },
		{ "overlay_readbacks", regist->rg_readbacks, 0 },
		{ "overlay_alarms", regist->rg_alarms, 0 },
		{ "overlay_messages_in", ns->ns_in, 0 },
		{ "overlay_messages_out", ns->ns_out, 0 },
		{ "overlay_forwarded", ns->ns_forwarded, 0 },
		{ "overlay_fragmented", ns->ns_fragmented, 0 },
		{ "overlay_compressed", ns->ns_compressed, 0 },
		{ "overlay_dropped", ns->ns_dropped, 0 },
		{ "overlay_bad_signatures", ns->ns_badsig, 0 },
		{ "overlay_requests", ns->ns_requests, 0 },
		{ "overlay_timeouts", ns->ns_timeouts, 0 },
		{ "overlay_errors_sent", ns->ns_errors_sent, 0 },
		{ "overlay_errors_received", ns->ns_errors_in, 0 },
		{ "overlay_stores_accepted", ns->ns_stored, 0 },
		{ "overlay_stores_refused", ns->ns_refused, 0 },
		{ "overlay_fetches", ns->ns_fetched, 0 },
		{ "overlay_fetches_limited", ns->ns_limited, 0 },
		{ "overlay_over_rate", ns->ns_overrate, 0 },
		{ "overlay_over_rate_unread", ns->ns_muted, 0 },
		{ "overlay_clock_jumps", ns->ns_jumps, 0 },
		{ "overlay_peers_lost", ns->ns_lost_peers, 0 }
	};
	size_t		 i;

	for (i = 0; i < sizeof(m) / sizeof(m[0]); i++) {
		ctl_row(&row, "metric");
		ctl_str(&row, "name", m[i].name);
		ctl_str(&row, "type", m[i].gauge ? "gauge" : "counter");
		ctl_uint(&row, "value", m[i].value);
		if (ctl_send_row(ch, id, &row) == -1)
			break;
	}
}

/* -- lookup and explain -- */

static const char *
ctl_lookup(const struct ctl_req *rq)
{
	struct ask	*as;

	if (rq->rq_argc < 1 || !e164_valid(rq->rq_argv[0]))
		return ("expected a number as +15550100");
	if (asked >= ASKED_MAX || (as = calloc(1, sizeof(*as))) == NULL)
		return ("too many look-ups under way");
	as->as_reqid = rq->rq_id;
	as->as_verb = rq->rq_verb;
	(void)strlcpy(as->as_number, rq->rq_argv[0], sizeof(as->as_number));
	if (lookup_start(node, e164_pack(as->as_number), lookup_finished, as) == -1) {
		free(as);
		return (errno == ENETDOWN ? "the overlay is not joined" : strerror(errno));
	}
	asked++;
	return (NULL);
}

static int
ctl_explain_line(struct chan *ch, uint32_t id, const char *what, const char *text)
{
	ctl_row(&row, "explain");
	ctl_str(&row, "process", "overlayd");
	ctl_str(&row, "what", what);
	ctl_str(&row, "text", text);
	return (ctl_send_row(ch, id, &row));
}

static void
ctl_lookup_done(const struct ask *as, const struct lookup_result *lr)
{
	struct chan	*ch = proc_peer(ROLE_CONTROL);
	struct regist_entry *re;
	uint32_t	 id = (uint32_t)as->as_reqid;
	char		 hex[NODEID_HEXLEN], line[256];
	size_t		 i;

	if (ch == NULL)
		return;
	if (as->as_verb == CTL_EXPLAIN) {
		if (lr->lr_error != 0)
			(void)snprintf(line, sizeof(line), "the look-up failed: %s",
			    strerror(lr->lr_error));
		else
			(void)snprintf(line, sizeof(line), "%zu claimants besides us, "
			    "%u of 3 places answered, %u requests, %u doubts",
			    lr->lr_nodes, lr->lr_answers, lr->lr_requests, lr->lr_doubts);
		(void)ctl_explain_line(ch, id, "claimants", line);
		re = regist == NULL ? NULL : regist_find(regist, e164_pack(as->as_number));
		if (re != NULL && re->re_kind == REGIST_OWN) {
			(void)snprintf(line, sizeof(line), "we publish it: %s",
			    regist_state_str(re));
			(void)ctl_explain_line(ch, id, "registration", line);
		}
		(void)ctl_send_end(ch, id, NULL);
		return;
	}
	for (i = 0; i < lr->lr_nodes; i++) {
		ctl_row(&row, "claimant");
		ctl_str(&row, "number", as->as_number);
		ctl_str(&row, "node", nodeid_hex(&lr->lr_node[i], hex));
		ctl_bool(&row, "self", 0);
		(void)ctl_send_row(ch, id, &row);
	}
	if (lr->lr_own > 0 && lr->lr_ownexists) {
		ctl_row(&row, "claimant");
		ctl_str(&row, "number", as->as_number);
		ctl_str(&row, "node", nodeid_hex(&node->n_self, hex));
		ctl_bool(&row, "self", 1);
		(void)ctl_send_row(ch, id, &row);
	}
	(void)ctl_send_end(ch, id, lr->lr_error == 0 ? NULL :
	    lr->lr_error == EAGAIN ? "too many look-ups, try later" :
	    "no answer from the overlay");
}
