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
 * What key answers to viprctl.  Whoever asks is told no more than his class
 * allows: without root no caller, no time but the hour, no moment to come.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "e164.h"
#include "key_core.h"
#include "key_ctl.h"
#include "key_gen.h"

#define ROWS_MAX	5000
#define HOUR_S		3600

struct kctl {
	struct kcore		*kt_core;
	struct chan		*kt_chan;
	const struct ctl_req	*kt_req;
	unsigned		 kt_rows;
	int			 kt_cut;	/* rows were left out */
	struct ctl_row		 kt_row;
};

static int	 kctl_send(struct kctl *);
static const char *kctl_number(const struct ctl_req *, int);
static const char *kctl_show(struct kctl *);
static const char *kctl_calls(struct kctl *);
static const char *kctl_tickets(struct kctl *);
static int	 kctl_ticket(const struct kgranted *, void *);
static const char *kctl_proofs(struct kctl *);
static void	 kctl_proof(struct kctl *, struct vcr *);
static const char *kctl_explain(struct kctl *);
static int	 kctl_explain_line(struct kctl *, const char *, const char *);
static void	 kctl_explain_calls(struct kctl *, const char *);
static void	 kctl_explain_routes(struct kctl *, const char *);
static const char *kctl_verify(struct kctl *);
static const char *kctl_revoke(struct kctl *);
static const char *kctl_route(struct kctl *);
static const char *kctl_rotate(struct kctl *);
static const char *kctl_metrics(struct kctl *);
static const char *kctl_source(const struct vcr *);
static int	 kctl_matches(const struct ctl_req *, const char *);

/* A verb's answer after its rows: NULL, or what went wrong. */
static const struct {
	unsigned	  verb;
	unsigned	  class;
	const char	*(*run)(struct kctl *);
} verbs[] = {
	{ CTL_SHOW, CTL_READ, kctl_show },
	{ CTL_SHOW_TICKETS, CTL_READ, kctl_tickets },
	{ CTL_SHOW_CALLS, CTL_READ, kctl_calls },
	{ CTL_SHOW_PROOFS, CTL_READ, kctl_proofs },
	{ CTL_SHOW_METRICS, CTL_READ, kctl_metrics },
	{ CTL_EXPLAIN, CTL_READ, kctl_explain },
	{ CTL_VERIFY, CTL_WRITE, kctl_verify },
	{ CTL_REVOKE, CTL_WRITE, kctl_revoke },
	{ CTL_ROUTE, CTL_WRITE, kctl_route },
	{ CTL_KEY_ROTATE, CTL_WRITE, kctl_rotate },
};

void
kctl_request(struct kcore *kc, struct chan *ch, const struct ctl_req *rq)
{
	static struct kctl	 kt;
	const char		*error = "not a request for key";
	uint64_t		 before = kc->kc_generation;
	size_t			 i;

	memset(&kt, 0, sizeof(kt));
	kt.kt_core = kc;
	kt.kt_chan = ch;
	kt.kt_req = rq;
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (verbs[i].verb != rq->rq_verb)
			continue;
		if (rq->rq_class < verbs[i].class)
			error = "not permitted";
		else if (!kc->kc_open || kc->kc_conf == NULL)
			error = "key is starting";
		else
			error = verbs[i].run(&kt);
		break;
	}
	if (error == NULL && kt.kt_cut)
		error = "more than 5000 rows: name a number";
	if (kc->kc_generation == before || !kgen_hold(kc, rq->rq_id, error))
		(void)ctl_send_end(ch, rq->rq_id, error);
}

static int
kctl_send(struct kctl *kt)
{
	if (kt->kt_rows >= ROWS_MAX ||
	    ctl_send_row(kt->kt_chan, kt->kt_req->rq_id, &kt->kt_row) == -1) {
		kt->kt_cut = 1;
		return (-1);
	}
	kt->kt_rows++;
	return (0);
}

/* Argument i as a number, NULL if it is none. */
static const char *
kctl_number(const struct ctl_req *rq, int i)
{
	if (i >= rq->rq_argc || !e164_valid(rq->rq_argv[i]))
		return (NULL);
	return (rq->rq_argv[i]);
}

static int
kctl_matches(const struct ctl_req *rq, const char *number)
{
	return (rq->rq_argc == 0 || strcmp(rq->rq_argv[0], number) == 0);
}

static const char *
kctl_source(const struct vcr *v)
{
	static const char *const names[] = { "sip", "import", "vap" };

	return (names[v->v_source > 2 ? 2 : v->v_source]);
}

static const char *
kctl_show(struct kctl *kt)
{
	struct kcore	*kc = kt->kt_core;
	struct ctl_row	*row = &kt->kt_row;
	const char	*text = NULL;
	char		 buf[160];
	int		 error = kc->kc_not_recording;

	if (error == 0)
		error = store_error(kc->kc_store);
	if (error != 0) {
		snprintf(buf, sizeof(buf), "not recording: %s", strerror(error));
		text = buf;
	}
	ctl_row(row, "key");
	ctl_uint(row, "records", kc->kc_records);
	ctl_uint(row, "originated", kc->kc_records - kc->kc_terminated);
	ctl_uint(row, "terminated", kc->kc_terminated);
	ctl_uint(row, "routes", store_count(kc->kc_routes));
	ctl_uint(row, "epoch", kticket_epoch(kc));
	ctl_bool(row, "recording", error == 0);
	ctl_str(row, "error", text);
	ctl_uint(row, "legs", kc->kc_stats.st_legs);
	ctl_uint(row, "legs_refused", kc->kc_stats.st_refused);
	ctl_uint(row, "legs_unwritten", kc->kc_stats.st_unwritten);
	ctl_uint(row, "stepped", kc->kc_stats.st_stepped);
	ctl_uint(row, "lookups", kc->kc_stats.st_lookups);
	ctl_uint(row, "tries", kc->kc_stats.st_tries);
	ctl_uint(row, "proven", kc->kc_stats.st_proven);
	ctl_uint(row, "failed_runs", kc->kc_stats.st_badtb);
	ctl_uint(row, "lost_answers", kc->kc_stats.st_lost);
	ctl_uint(row, "answered", kc->kc_stats.st_answered);
	ctl_uint(row, "spent", kc->kc_stats.st_spent);
	ctl_uint(row, "limited", kc->kc_stats.st_limited);
	ctl_uint(row, "granted", kc->kc_stats.st_granted);
	ctl_uint(row, "tickets_checked", kc->kc_stats.st_checks);
	ctl_uint(row, "tickets_accepted", kc->kc_stats.st_admitted);
	(void)kctl_send(kt);
	return (NULL);
}

static const char *
kctl_metrics(struct kctl *kt)
{
	const struct key_stats	*st = &kt->kt_core->kc_stats;
	const struct {
		const char	*name;
		uint64_t	 value;
		int		 gauge;
	} m[] = {
		{ "key_records", kt->kt_core->kc_records, 1 },
		{ "key_legs", st->st_legs, 0 },
		{ "key_legs_refused", st->st_refused, 0 },
		{ "key_legs_unwritten", st->st_unwritten, 0 },
		{ "key_tries", st->st_tries, 0 },
		{ "key_proven", st->st_proven, 0 },
		{ "key_failed_runs", st->st_badtb, 0 },
		{ "key_answered", st->st_answered, 0 },
		{ "key_spent", st->st_spent, 0 },
		{ "key_limited", st->st_limited, 0 },
		{ "key_granted", st->st_granted, 0 },
		{ "key_tickets_checked", st->st_checks, 0 },
		{ "key_tickets_accepted", st->st_admitted, 0 },
	};
	size_t	 i;

	for (i = 0; i < sizeof(m) / sizeof(m[0]); i++) {
		ctl_row(&kt->kt_row, "metric");
		ctl_str(&kt->kt_row, "name", m[i].name);
		ctl_str(&kt->kt_row, "type", m[i].gauge ? "gauge" : "counter");
		ctl_uint(&kt->kt_row, "value", m[i].value);
		if (kctl_send(kt) == -1)
			break;
	}
	return (NULL);
}

static const char *
kctl_calls(struct kctl *kt)
{
	struct ctl_row	*row = &kt->kt_row;
	struct vcr	*v;
	char		 id[17];
	int		 root = kt->kt_req->rq_class >= CTL_ROOT;

	if (kt->kt_req->rq_argc > 0 && kctl_number(kt->kt_req, 0) == NULL)
		return ("expected a number as +15550100");
	RB_FOREACH(v, vcr_numbers, &kt->kt_core->kc_numbers) {
		if (!kctl_matches(kt->kt_req, v->v_called))
			continue;
		snprintf(id, sizeof(id), "%016llx", (unsigned long long)v->v_id);
		ctl_row(row, "call");
		ctl_str(row, "id", id);
		ctl_str(row, "direction", v->v_kind == LEG_ORIGINATED ?
		    "originated" : "terminated");
		ctl_str(row, "number", v->v_called);
		ctl_time(row, "hour", v->v_start / 1000 / HOUR_S * HOUR_S);
		ctl_str(row, "state", ksched_state_str(v));
		ctl_str(row, "source", kctl_source(v));
		if (root) {
			ctl_str(row, "caller", v->v_caller[0] != '\0' ?
			    v->v_caller : NULL);
			ctl_time(row, "start", v->v_start / 1000);
			ctl_time(row, "stop", v->v_stop / 1000);
		}
		if (kctl_send(kt) == -1)
			break;
	}
	return (NULL);
}

static int
kctl_ticket(const struct kgranted *gr, void *arg)
{
	struct kctl	*kt = arg;
	struct ctl_row	*row = &kt->kt_row;

	if (!kctl_matches(kt->kt_req, gr->gr_number))
		return (0);
	ctl_row(row, "ticket");
	ctl_hex(row, "id", gr->gr_id, sizeof(gr->gr_id));
	ctl_str(row, "kind", gr->gr_kind == TICKET_TICKET ? "ticket" : "receipt");
	ctl_str(row, "number", gr->gr_number);
	ctl_str(row, "grantee", gr->gr_grantee);
	ctl_hex(row, "node", gr->gr_node, sizeof(gr->gr_node));
	ctl_uint(row, "epoch", gr->gr_epoch);
	ctl_time(row, "not_before", gr->gr_not_before);
	ctl_time(row, "not_after", gr->gr_not_after);
	ctl_bool(row, "revoked", gr->gr_revoked);
	return (kctl_send(kt));
}

static const char *
kctl_tickets(struct kctl *kt)
{
	kticket_walk(kt->kt_core, kctl_ticket, kt);
	return (NULL);
}

static void
kctl_proof(struct kctl *kt, struct vcr *v)
{
	static const char *const	 states[] = { "", "pending", "under way",
	    "claimed", "proven", "failed", "dropped" };
	const struct vcr_sched		*vs = v->v_sched;
	struct ctl_row			*row = &kt->kt_row;
	const char			*list[KEY_CLAIMANTS_MAX];
	char				 id[17];
	uint64_t			 next;
	unsigned			 i, tried = 0, failed = 0;

	for (i = 0; i < vs->vs_count; i++) {
		list[i] = states[vs->vs_claim[i].cl_state > CL_DROPPED ? 0 :
		    vs->vs_claim[i].cl_state];
		tried += vs->vs_claim[i].cl_runs > 0 ||
		    vs->vs_claim[i].cl_state >= CL_CLAIMED;
		failed += vs->vs_claim[i].cl_state == CL_FAILED;
	}
	next = ksched_next(kt->kt_core, v);
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)v->v_id);
	ctl_row(row, "proof");
	ctl_str(row, "id", id);
	ctl_str(row, "number", v->v_called);
	ctl_str(row, "state", ksched_state_str(v));
	ctl_uint(row, "claimants", vs->vs_count);
	ctl_uint(row, "tried", tried);
	ctl_uint(row, "failures", failed);
	ctl_uint(row, "runs", vs->vs_runs);
	ctl_list(row, "each", list, vs->vs_count);
	if (kt->kt_req->rq_class >= CTL_ROOT)
		ctl_time(row, "next", next == KEY_NEVER ? 0 : next / 1000);
	(void)kctl_send(kt);
}

static const char *
kctl_proofs(struct kctl *kt)
{
	struct vcr	*v;

	if (kt->kt_req->rq_argc > 0 && kctl_number(kt->kt_req, 0) == NULL)
		return ("expected a number as +15550100");
	RB_FOREACH(v, vcr_numbers, &kt->kt_core->kc_numbers) {
		if (kt->kt_cut)
			break;
		if (v->v_sched != NULL && kctl_matches(kt->kt_req, v->v_called))
			kctl_proof(kt, v);
	}
	return (NULL);
}

/* -- explain -- */

static int
kctl_explain_line(struct kctl *kt, const char *what, const char *text)
{
	ctl_row(&kt->kt_row, "explain");
	ctl_str(&kt->kt_row, "process", "key");
	ctl_str(&kt->kt_row, "what", what);
	ctl_str(&kt->kt_row, "text", text);
	return (kctl_send(kt));
}

static void
kctl_explain_calls(struct kctl *kt, const char *number)
{
	struct kcore	*kc = kt->kt_core;
	struct vcr	*v;
	unsigned	 n = 0, waiting = 0, trying = 0, proven = 0, none = 0;
	unsigned	 failed = 0, ended = 0, spent = 0;
	char		 line[256];

	for (v = kcall_first(kc, LEG_ORIGINATED, number); v != NULL;
	    v = kcall_next(kc, v)) {
		const char	*state = ksched_state_str(v);

		n++;
		waiting += strcmp(state, "waiting") == 0;
		trying += strcmp(state, "trying") == 0 ||
		    strcmp(state, "looking up") == 0;
		proven += strcmp(state, "proven") == 0;
		none += strcmp(state, "no claimant") == 0;
		failed += strcmp(state, "failed") == 0;
	}
	snprintf(line, sizeof(line), "%u of our calls to it are kept: %u wait for "
	    "their look-up, %u are being tried, %u proven, %u failed, %u without "
	    "a claimant", n, waiting, trying, proven, failed, none);
	if (kctl_explain_line(kt, "calls", n == 0 ?
	    "none of our calls to it is kept: it was not called over a trunk of "
	    "late, or too short, or the caller is not ours" : line) == -1)
		return;
	for (v = kcall_first(kc, LEG_TERMINATED, number); v != NULL;
	    v = kcall_next(kc, v)) {
		ended++;
		spent += v->v_spent != NULL;
	}
	if (!conf_number_ours(kc->kc_conf, number))
		return;
	snprintf(line, sizeof(line), "it is ours: %u calls from the trunk are "
	    "kept, %u of them proven by somebody", ended, spent);
	(void)kctl_explain_line(kt, "received", line);
}

static void
kctl_explain_routes(struct kctl *kt, const char *number)
{
	struct kcore		*kc = kt->kt_core;
	struct kroutes		*ks;
	const struct kroute	*r;
	char			 line[512], by[40];
	unsigned		 i, proofs, callers;

	if ((ks = kroute_get(kc, number)) == NULL) {
		(void)kctl_explain_line(kt, "route", "its routes cannot be read");
		return;
	}
	if (ks->ks_count == 0)
		(void)kctl_explain_line(kt, "route", "nothing was ever proven");
	for (i = 0; i < ks->ks_count; i++) {
		r = &ks->ks_route[i];
		proofs = kroute_proofs(kc, r, &callers);
		by[0] = '\0';
		if (kc->kc_conf->c_proofs_callers > 0)
			snprintf(by, sizeof(by), ", by %u of %u callers", callers,
			    kc->kc_conf->c_proofs_callers);
		snprintf(line, sizeof(line), "via %s: %s; %u of %u proofs count "
		    "(calls that end %u s apart%s), %s, %u strikes, %u re-proofs "
		    "failed", r->kr_domain, route_state_str(r->kr_state), proofs,
		    kc->kc_conf->c_proofs, kc->kc_conf->c_proofs_spacing, by,
		    kroute_ticket(kc, r) != NULL ? "a ticket in force" :
		    r->kr_nodecount > 0 ? "a receipt, no ticket" : "no ticket",
		    r->kr_strikes, r->kr_refails);
		if (kctl_explain_line(kt, "route", line) == -1)
			break;
	}
	kroute_free(ks);
}

static const char *
kctl_explain(struct kctl *kt)
{
	const char	*number;

	if ((number = kctl_number(kt->kt_req, 0)) == NULL)
		return ("expected a number as +15550100");
	kctl_explain_calls(kt, number);
	kctl_explain_routes(kt, number);
	return (NULL);
}

/* -- changes -- */

static const char *
kctl_verify(struct kctl *kt)
{
	const char	*number;
	unsigned	 n;

	if ((number = kctl_number(kt->kt_req, 0)) == NULL)
		return ("expected a number as +15550100");
	if ((n = ksched_verify(kt->kt_core, number)) == 0)
		return ("no call to it is left to prove");
	ctl_row(&kt->kt_row, "verify");
	ctl_str(&kt->kt_row, "number", number);
	ctl_uint(&kt->kt_row, "calls", n);
	(void)kctl_send(kt);
	return (NULL);
}

static const char *
kctl_revoke(struct kctl *kt)
{
	if (kt->kt_req->rq_argc != 2)
		return ("expected ticket ID, grantee DOMAIN or epoch NUMBER");
	return (kticket_revoke(kt->kt_core, kt->kt_req->rq_argv[0],
	    kt->kt_req->rq_argv[1]));
}

static const char *
kctl_route(struct kctl *kt)
{
	const struct ctl_req	*rq = kt->kt_req;
	enum route_state	 state;
	const char		*number;
	unsigned		 n;

	if (rq->rq_argc < 2 || rq->rq_argc > 3 ||
	    (number = kctl_number(rq, 1)) == NULL)
		return ("expected remove or suspend, a number and perhaps a domain");
	if (strcmp(rq->rq_argv[0], "remove") == 0)
		state = ROUTE_REMOVED;
	else if (strcmp(rq->rq_argv[0], "suspend") == 0)
		state = ROUTE_SUSPENDED;
	else
		return ("expected remove or suspend");
	n = kroute_operator(kt->kt_core, number,
	    rq->rq_argc == 3 ? rq->rq_argv[2] : NULL, state);
	if (n == 0)
		return ("no such route, or not in a state for it");
	ctl_row(&kt->kt_row, "route");
	ctl_str(&kt->kt_row, "number", number);
	ctl_uint(&kt->kt_row, "changed", n);
	(void)kctl_send(kt);
	return (NULL);
}

static const char *
kctl_rotate(struct kctl *kt)
{
	uint32_t	 epoch;

	if ((epoch = kticket_rotate(kt->kt_core)) == 0)
		return ("a new epoch could not be written");
	ctl_row(&kt->kt_row, "epoch");
	ctl_uint(&kt->kt_row, "epoch", epoch);
	(void)kctl_send(kt);
	return (NULL);
}
