/* SPDX-License-Identifier: ISC */
/*
 * What the simulation measures: order of the ring, look-ups and their hops,
 * load, memory, messages and bytes, who holds what.  It sees all nodes at once
 * and compares them with the truth.  Included by sim.c only.
 */
#ifndef SURVEY_H
#define SURVEY_H

struct survey {
	struct world	*sv_world;
	int		 sv_stored;
	int		*sv_owner;	/* of each number: slot of its node */
	uint8_t		*sv_held;	/* bit a copy: somebody alive holds it */
	uint64_t	 sv_asked, sv_found, sv_timeouts, sv_empty;
	uint64_t	 sv_requests, sv_witnesses;	/* of all look-ups */
	uint32_t	*sv_times;
	size_t		 sv_ntimes, sv_timecap;
	double		 sv_meanhops, sv_memkb, sv_success;
	int		 sv_p99hops;
	int		 sv_lost;
};

struct cost {
	uint64_t	 co_at, co_msgs, co_bytes, co_signs;
	uint64_t	 co_codes[W_CODES_MAX];
	double		 co_msgs_node_hour, co_bytes_node_hour, co_signs_node_hour;
};

struct price {			/* of a look-up, mean */
	double		 pc_requests, pc_messages;
};

struct probe {
	struct survey	*pr_survey;
	int		 pr_number, pr_absent;
	uint64_t	 pr_at;
};

static inline struct survey *
survey_new(struct world *w, int stored)
{
	struct survey	*sv;

	if ((sv = calloc(1, sizeof(*sv))) == NULL ||
	    (sv->sv_owner = calloc((size_t)stored, sizeof(*sv->sv_owner))) == NULL ||
	    (sv->sv_held = calloc((size_t)stored, 1)) == NULL)
		err(1, "calloc");
	sv->sv_world = w;
	sv->sv_stored = stored;
	return (sv);
}

/* The i-th telephone number of the run. */
static inline void
survey_text(int i, char *out)
{
	(void)snprintf(out, E164_SIZE, "+4930%08d", i);
}

static inline uint64_t
survey_number(int i)
{
	char		 text[E164_SIZE];

	survey_text(i, text);
	return (e164_pack(text));
}

static inline int
survey_unjoined(const struct world *w)
{
	int		 i, n = 0;

	for (i = 0; i < w->w_nnodes; i++) {
		if (w->w_node[i]->wn_node != NULL && !node_is_joined(w->w_node[i]->wn_node))
			n++;
	}
	return (n);
}

static inline int
survey_cmp(const void *a, const void *b)
{
	return (nodeid_cmp(&(*(struct wnode *const *)a)->wn_id,
	    &(*(struct wnode *const *)b)->wn_id));
}

static inline int
survey_u32cmp(const void *a, const void *b)
{
	uint32_t	 x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x < y ? -1 : x > y);
}

/* All that are in the ring, in order; the caller frees. */
static inline struct wnode **
survey_ring(const struct world *w, int *count)
{
	struct wnode	**v;
	int		 i, n = 0;

	if ((v = calloc((size_t)w->w_nlive + 1, sizeof(*v))) == NULL)
		err(1, "calloc");
	for (i = 0; i < w->w_nnodes; i++) {
		if (w->w_node[i]->wn_node != NULL && node_is_joined(w->w_node[i]->wn_node))
			v[n++] = w->w_node[i];
	}
	qsort(v, (size_t)n, sizeof(*v), survey_cmp);
	*count = n;
	return (v);
}

/* Nodes whose next neighbours are not the true ones. */
static inline int
survey_wrong(const struct world *w)
{
	struct wnode	**v;
	const struct nodeid *succ, *pred;
	int		 i, n, wrong = 0;

	v = survey_ring(w, &n);
	for (i = 0; i < n && n > 1; i++) {
		succ = ring_succ(&v[i]->wn_node->n_ring, 0);
		pred = ring_pred(&v[i]->wn_node->n_ring, 0);
		if (succ == NULL || !nodeid_eq(succ, &v[(i + 1) % n]->wn_id) ||
		    pred == NULL || !nodeid_eq(pred, &v[(i + n - 1) % n]->wn_id))
			wrong++;
	}
	free(v);
	return (wrong);
}

/* Which ones, and what they have in the place of their true neighbours. */
static inline void
survey_wrong_show(const struct world *w)
{
	struct wnode	**v, *to;
	struct node_peer *np;
	const struct nodeid *have;
	int		 i, n, side;

	v = survey_ring(w, &n);
	for (i = 0; i < n && n > 1; i++) {
		for (side = 0; side < 2; side++) {
			have = side == 0 ? ring_succ(&v[i]->wn_node->n_ring, 0) :
			    ring_pred(&v[i]->wn_node->n_ring, 0);
			to = v[side == 0 ? (i + 1) % n : (i + n - 1) % n];
			if (have != NULL && nodeid_eq(have, &to->wn_id))
				continue;
			np = node_peer_find(v[i]->wn_node, &to->wn_id);
			fprintf(stderr, "node%d: %s is node%d, true one is node%d: %s%s\n",
			    v[i]->wn_index, side == 0 ? "successor" : "predecessor",
			    have == NULL ? -1 : w_find((struct world *)(uintptr_t)w, have)->wn_index,
			    to->wn_index, np == NULL ? "not linked" : "linked",
			    np != NULL && !np->np_routable ? ", not routable" : "");
		}
	}
	free(v);
}

/* -- look-ups -- */

static inline void
survey_reset(struct survey *sv)
{
	sv->sv_asked = sv->sv_found = sv->sv_timeouts = sv->sv_empty = 0;
	sv->sv_requests = sv->sv_witnesses = 0;
	sv->sv_ntimes = 0;
	memset(sv->sv_world->w_hops, 0, sizeof(sv->sv_world->w_hops));
}

static inline void
survey_answer(struct node *n, const struct lookup_result *lr, void *arg)
{
	struct probe	*pr = arg;
	struct survey	*sv = pr->pr_survey;
	const struct nodeid *id = &sv->sv_world->w_node[sv->sv_owner[pr->pr_number]]->wn_id;
	char		 text[E164_SIZE];
	size_t		 i;

	if (n->n_closing) {	/* who asked is gone */
		free(pr);
		return;
	}
	if (sv->sv_ntimes == sv->sv_timecap) {
		sv->sv_timecap = sv->sv_timecap == 0 ? 4096 : 2 * sv->sv_timecap;
		if ((sv->sv_times = realloc(sv->sv_times,
		    sv->sv_timecap * sizeof(*sv->sv_times))) == NULL)
			err(1, "realloc");
	}
	sv->sv_times[sv->sv_ntimes++] = (uint32_t)(n->n_mono - pr->pr_at);
	sv->sv_asked++;
	sv->sv_requests += lr->lr_requests;
	sv->sv_witnesses += lr->lr_witnesses;
	if (pr->pr_absent) {
		sv->sv_empty += lr->lr_error == 0;
		sv->sv_timeouts += lr->lr_error != 0;
		free(pr);
		return;
	}
	for (i = 0; i < lr->lr_nodes; i++) {
		if (nodeid_eq(&lr->lr_node[i], id)) {
			sv->sv_found++;
			free(pr);
			return;
		}
	}
	if (lr->lr_error != 0)
		sv->sv_timeouts++;
	else
		sv->sv_empty++;
	survey_text(pr->pr_number, text);
	node_log(n, NODE_INFO, "look-up of %s failed: error %d, %u answers, "
	    "%u requests, %u doubts, %u witnesses", text, lr->lr_error, lr->lr_answers,
	    lr->lr_requests, lr->lr_doubts, lr->lr_witnesses);
	free(pr);
}

/* Somebody honest asks for a number of somebody else who is, or, beyond the
 * numbers that are stored, for one that nobody has. */
static inline void
survey_lookup(struct survey *sv, int absent)
{
	struct world	*w = sv->sv_world;
	struct wnode	*wn;
	struct probe	*pr;
	struct nodeid	 id;
	unsigned	 i;
	int		 number = w_below(w, sv->sv_stored);

	while (w->w_node[sv->sv_owner[number]]->wn_evil)
		number = w_below(w, sv->sv_stored);
	do {
		wn = w->w_node[w_below(w, w->w_nnodes)];
	} while (wn->wn_node == NULL || !node_is_joined(wn->wn_node) ||
	    wn->wn_evil || wn->wn_index == sv->sv_owner[number]);
	if ((pr = calloc(1, sizeof(*pr))) == NULL)
		err(1, "calloc");
	pr->pr_survey = sv;
	pr->pr_number = number;
	pr->pr_absent = absent;
	pr->pr_at = w->w_now;
	w_clock(wn);
	number += absent ? sv->sv_stored : 0;
	for (i = 0; i < REGIST_COPIES && w->w_measure; i++) {
		if (regist_resource(survey_number(number), i, &id) == 0 &&
		    ring_responsible(&wn->wn_node->n_ring, &id))
			w->w_hops[0]++;
	}
	if (lookup_start(wn->wn_node, survey_number(number), survey_answer, pr) == -1) {
		sv->sv_asked++;
		free(pr);
	}
	w_rewake(wn);
}

static inline double
survey_success(const struct survey *sv)
{
	return (sv->sv_asked == 0 ? 0 : (double)sv->sv_found / (double)sv->sv_asked);
}

static inline void
survey_lookups(struct survey *sv, const char *name)
{
	uint32_t	 p50 = 0, p99 = 0;

	if (sv->sv_ntimes > 0) {
		qsort(sv->sv_times, sv->sv_ntimes, sizeof(*sv->sv_times), survey_u32cmp);
		p50 = sv->sv_times[sv->sv_ntimes / 2];
		p99 = sv->sv_times[sv->sv_ntimes * 99 / 100];
	}
	printf("%s:%*slookups=%llu found=%llu empty=%llu timeouts=%llu success=%.4f%% "
	    "p50_ms=%u p99_ms=%u wrong_neighbours=%d\n", name, (int)(8 - strlen(name)), "",
	    (unsigned long long)sv->sv_asked, (unsigned long long)sv->sv_found,
	    (unsigned long long)sv->sv_empty, (unsigned long long)sv->sv_timeouts,
	    100 * survey_success(sv), p50, p99, survey_wrong(sv->sv_world));
	fflush(stdout);
}

/* Requests and messages, each hop counted, that the look-ups took which began
 * when so many messages of look-ups had been sent. */
static inline void
survey_price(const struct survey *sv, const char *name, uint64_t lookmsgs, struct price *pc)
{
	double		 n = sv->sv_asked == 0 ? 1 : (double)sv->sv_asked;

	pc->pc_requests = (double)sv->sv_requests / n;
	pc->pc_messages = (double)(sv->sv_world->w_lookmsgs - lookmsgs) / n;
	printf("%s:%*sa look-up: requests=%.2f messages=%.1f witnesses=%.2f\n", name,
	    (int)(8 - strlen(name)), "", pc->pc_requests, pc->pc_messages,
	    (double)sv->sv_witnesses / n);
	fflush(stdout);
}

static inline void
survey_hops(struct survey *sv)
{
	const uint64_t	*h = sv->sv_world->w_hops;
	uint64_t	 n = 0, sum = 0, below = 0;
	int		 i;

	for (i = 0; i < W_HOPS_MAX; i++) {
		n += h[i];
		sum += h[i] * (uint64_t)i;
	}
	printf("hops:   ");
	for (i = 0; i < W_HOPS_MAX; i++) {
		if (h[i] > 0)
			printf(" %d=%llu", i, (unsigned long long)h[i]);
	}
	printf("\n");
	sv->sv_meanhops = n == 0 ? 0 : (double)sum / (double)n;
	for (i = 0; i < W_HOPS_MAX && (below + h[i]) * 100 < n * 99; i++)
		below += h[i];
	sv->sv_p99hops = i;
}

/* -- costs -- */

static inline void
cost_start(const struct world *w, struct cost *co)
{
	memset(co, 0, sizeof(*co));
	co->co_at = w->w_now;
	co->co_msgs = w->w_msgs;
	co->co_bytes = w->w_bytes;
	co->co_signs = w->w_signs;
	memcpy(co->co_codes, w->w_codes, sizeof(co->co_codes));
}

static inline void
cost_stop(const struct world *w, struct cost *co)
{
	double		 hours = (double)(w->w_now - co->co_at) / 3600000 * w->w_nlive;
	unsigned	 i;

	co->co_msgs_node_hour = (double)(w->w_msgs - co->co_msgs) / hours;
	co->co_bytes_node_hour = (double)(w->w_bytes - co->co_bytes) / hours;
	co->co_signs_node_hour = (double)(w->w_signs - co->co_signs) / hours;
	for (i = 0; i < W_CODES_MAX; i++)
		co->co_codes[i] = w->w_codes[i] - co->co_codes[i];
}

static inline void
cost_print(const struct cost *co, const char *name)
{
	unsigned	 i;

	printf("%s:%*smessages_node_hour=%.0f bytes_node_hour=%.0f signatures_node_hour=%.0f\n",
	    name, (int)(8 - strlen(name)), "", co->co_msgs_node_hour,
	    co->co_bytes_node_hour, co->co_signs_node_hour);
	printf("%s:%*shops by message:", name, (int)(8 - strlen(name)), "");
	for (i = 0; i < W_CODES_MAX; i++) {
		if (co->co_codes[i] > 0)
			printf(" %s=%llu", i == 0 || wire_code_str((uint16_t)i) == NULL ?
			    "other" : wire_code_str((uint16_t)i),
			    (unsigned long long)co->co_codes[i]);
	}
	printf("\n");
	fflush(stdout);
}

/* kB a node that its own structures take; the simulation's are left out. */
static inline double
survey_memory(const struct world *w)
{
#ifdef __GLIBC__
	struct mallinfo2 mi = mallinfo2();
	double		 used = (double)(mi.uordblks + mi.hblkhd);
	int		 i;

	used -= (double)(w->w_heapcap * sizeof(*w->w_heap) + w->w_eventbytes);
	for (i = 0; i < w->w_nnodes; i++)
		used -= (double)(sizeof(struct wnode) +
		    w->w_node[i]->wn_linkcap * sizeof(struct wlink));
	return (used / 1024 / (w->w_nlive > 0 ? w->w_nlive : 1));
#else
	struct rusage	 ru;

	(void)getrusage(RUSAGE_SELF, &ru);
	return ((double)ru.ru_maxrss / (w->w_nlive > 0 ? w->w_nlive : 1));
#endif
}

static inline void
survey_load(const struct survey *sv)
{
	const struct world *w = sv->sv_world;
	const struct wnode *wn;
	uint64_t	 values = 0, forwarded = 0, links = 0, peers = 0, fingers = 0;
	uint64_t	 maxvalues = 0, maxforwarded = 0, maxlinks = 0;
	int		 i, n = 0;
	unsigned	 j;

	for (i = 0; i < w->w_nnodes; i++) {
		wn = w->w_node[i];
		if (wn->wn_node == NULL)
			continue;
		n++;
		values += wn->wn_node->n_storage.st_nvalues;
		forwarded += wn->wn_forwarded;
		links += wn->wn_nlinks;
		peers += wn->wn_node->n_ring.rg_npeers;
		for (j = 1; j <= RING_FINGERS; j++)
			fingers += ring_finger(&wn->wn_node->n_ring, j) != NULL;
		if (wn->wn_node->n_storage.st_nvalues > maxvalues)
			maxvalues = wn->wn_node->n_storage.st_nvalues;
		if (wn->wn_forwarded > maxforwarded)
			maxforwarded = wn->wn_forwarded;
		if (wn->wn_nlinks > maxlinks)
			maxlinks = wn->wn_nlinks;
	}
	if (n == 0)
		return;
	printf("load:    values_mean=%.1f values_max=%llu forwarded_mean=%.0f "
	    "forwarded_max=%llu links_mean=%.1f links_max=%llu peers_mean=%.1f "
	    "fingers_mean=%.1f\n", (double)values / n, (unsigned long long)maxvalues,
	    (double)forwarded / n, (unsigned long long)maxforwarded, (double)links / n,
	    (unsigned long long)maxlinks, (double)peers / n, (double)fingers / n);
	fflush(stdout);
}

static inline double
survey_join_mean(const struct world *w)
{
	double		 sum = 0;
	size_t		 i;

	for (i = 0; i < w->w_njointimes; i++)
		sum += w->w_jointimes[i];
	return (w->w_njointimes == 0 ? 0 : sum / (double)w->w_njointimes / 1000);
}

/* Who took very long to join. */
static inline void
survey_slow(const struct world *w)
{
	const struct wnode *wn;
	int		 i;

	for (i = 0; i < w->w_nnodes; i++) {
		wn = w->w_node[i];
		if (wn->wn_joined == 0 || wn->wn_joined - wn->wn_start > 60000)
			fprintf(stderr, "node%d: started at %.3f, joined at %.3f\n", i,
			    (double)wn->wn_start / 1000, (double)wn->wn_joined / 1000);
	}
}

/* Start to joined. */
static inline void
survey_joins(const struct world *w)
{
	size_t		 n = w->w_njointimes;

	if (n == 0)
		return;
	qsort(w->w_jointimes, n, sizeof(*w->w_jointimes), survey_u32cmp);
	printf("join:    joined=%zu mean_s=%.1f p50_s=%.1f p99_s=%.1f max_s=%.1f\n", n,
	    survey_join_mean(w), w->w_jointimes[n / 2] / 1000.0,
	    w->w_jointimes[n * 99 / 100] / 1000.0, w->w_jointimes[n - 1] / 1000.0);
	fflush(stdout);
}

/* -- who holds what -- */

static inline int
survey_holds(const struct wnode *wn, const struct nodeid *resource, const struct nodeid *owner)
{
	const struct storage_place *sp;
	struct storage_value *sv;

	sp = storage_find(&wn->wn_node->n_storage, resource, RELOAD_KIND_VIPR);
	if (sp == NULL)
		return (0);
	for (sv = storage_first(&wn->wn_node->n_storage, sp); sv != NULL;
	    sv = storage_after(&wn->wn_node->n_storage, sv)) {
		if (nodeid_eq(storage_signer(&wn->wn_node->n_storage, sv), owner) &&
		    sv->sv_exists)
			return (1);
	}
	return (0);
}

/* The one responsible for a place, of a ring in order. */
static inline int
survey_root(struct wnode **v, int n, const struct nodeid *id)
{
	int		 lo = 0, hi = n, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (nodeid_cmp(&v[mid]->wn_id, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo == n ? 0 : lo);
}

/* How many of the three that should hold a copy do, and show it. */
static inline void
survey_replicas(const struct survey *sv, const char *name)
{
	struct world	*w = sv->sv_world;
	struct wnode	**v;
	struct nodeid	 id;
	uint64_t	 have[4] = { 0, 0, 0, 0 }, noroot = 0, nowhere = 0;
	int		 i, j, n, root, count, first, all;
	unsigned	 copy;

	v = survey_ring(w, &n);
	for (i = 0; i < sv->sv_stored; i++) {
		all = 0;
		for (copy = 0; copy < REGIST_COPIES; copy++) {
			(void)regist_resource(survey_number(i), copy, &id);
			root = survey_root(v, n, &id);
			for (j = count = first = 0; j < 3 && j < n; j++) {
				if (v[(root + j) % n]->wn_evil ||
				    !survey_holds(v[(root + j) % n], &id,
				    &w->w_node[sv->sv_owner[i]]->wn_id))
					continue;
				count++;
				first |= j == 0;
			}
			have[count]++;
			noroot += !first;
			all += count;
		}
		nowhere += all == 0;
	}
	free(v);
	printf("%s:%*splaces with holders: 3=%llu 2=%llu 1=%llu 0=%llu without_root=%llu "
	    "numbers_nowhere=%llu\n",
	    name, (int)(8 - strlen(name)), "", (unsigned long long)have[3],
	    (unsigned long long)have[2], (unsigned long long)have[1],
	    (unsigned long long)have[0], (unsigned long long)noroot,
	    (unsigned long long)nowhere);
	fflush(stdout);
}

/* Remember which copies have a holder, of the three that should be, who will
 * live: is not marked as dark. */
static inline void
survey_holders(struct survey *sv)
{
	struct world	*w = sv->sv_world;
	struct wnode	**v, *at;
	struct nodeid	 id;
	int		 i, j, n, root;
	unsigned	 copy;

	v = survey_ring(w, &n);
	for (i = 0; i < sv->sv_stored; i++) {
		sv->sv_held[i] = 0;
		for (copy = 0; copy < REGIST_COPIES; copy++) {
			(void)regist_resource(survey_number(i), copy, &id);
			root = survey_root(v, n, &id);
			for (j = 0; j < 3 && j < n; j++) {
				at = v[(root + j) % n];
				if (!at->wn_dark && survey_holds(at, &id,
				    &w->w_node[sv->sv_owner[i]]->wn_id))
					sv->sv_held[i] |= (uint8_t)(1u << copy);
			}
		}
	}
	free(v);
}

/* Of what had a living holder: do those responsible now have it? */
static inline void
survey_survivors(struct survey *sv, const char *name, int rounds)
{
	struct world	*w = sv->sv_world;
	struct wnode	**v;
	struct nodeid	 id;
	int		 i, n, here, places = 0, lostplaces = 0, held = 0;
	unsigned	 copy;

	sv->sv_lost = 0;
	v = survey_ring(w, &n);
	for (i = 0; i < sv->sv_stored; i++) {
		held += sv->sv_held[i] != 0;
		here = 0;
		for (copy = 0; copy < REGIST_COPIES; copy++) {
			if ((sv->sv_held[i] & 1u << copy) == 0)
				continue;
			(void)regist_resource(survey_number(i), copy, &id);
			places++;
			if (survey_holds(v[survey_root(v, n, &id)], &id,
			    &w->w_node[sv->sv_owner[i]]->wn_id))
				here = 1;
			else
				lostplaces++;
		}
		sv->sv_lost += sv->sv_held[i] != 0 && !here;
	}
	free(v);
	printf("%s:%*srounds=%d registrations_held=%d lost=%d without_a_holder=%d "
	    "places_held=%d places_lost=%d\n", name, (int)(8 - strlen(name)), "", rounds,
	    held, sv->sv_lost, sv->sv_stored - held, places, lostplaces);
	fflush(stdout);
}

#endif
