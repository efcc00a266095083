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
 * core: any body by its message code: checked, or read and written again from
 * its parts.  For tools, tests and fuzzing.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "wire_int.h"

/* A list that is written again, element by element. */
struct scratch {
	struct wbuf	 sc_w;
	uint8_t		*sc_buf;
};

static int	scratch_init(struct scratch *, const struct cur *);
static int	scratch_end(struct scratch *, int more, struct cur *);
static int	copy_candidates(struct scratch *, struct cur *);
static int	copy_kinds(struct scratch *, struct cur *, int meta,
		    wire_model_fn, void *);
static int	copy_specs(struct scratch *, struct cur *, wire_model_fn,
		    void *);
static int	copy_attach(unsigned, const struct cur *, struct wbuf *);
static int	copy_data(unsigned, const struct cur *, wire_model_fn, void *,
		    struct wbuf *);
static int	copy_storeans(const struct cur *, struct wbuf *);
static int	copy_find(unsigned, const struct cur *, struct wbuf *);
static int	copy_ring(unsigned, const struct cur *, struct wbuf *);
static int	copy_probeans(const struct cur *, struct wbuf *);
static int	copy_other(unsigned, const struct cur *, struct wbuf *);

int
wire_body_check(unsigned code, const struct cur *body, wire_model_fn model,
    void *arg, struct wire_error *e)
{
	union {
		struct wire_attach		attach;
		struct wire_join		join;
		struct wire_leave		leave;
		struct wire_update		update;
		struct wire_routequery		rq;
		struct wire_probe		probe;
		struct wire_pingans		pingans;
		struct wire_configupdate	cu;
		struct wire_errresp		err;
		struct wire_store		store;
		struct wire_fetch		fetch;
		struct wire_find		find;
		struct span			span;
		const uint8_t			*node;
	}		 u;
	struct cur	 list;
	unsigned	 unknown;

	switch (code) {
	case WIRE_PROBE:
		return (wire_probe_parse(body, &u.probe, e));
	case WIRE_PROBE_ANS:
		return (wire_probeans_parse(body, &list, e));
	case WIRE_ATTACH:
	case WIRE_ATTACH_ANS:
		return (wire_attach_parse(body, &u.attach, e));
	case WIRE_STORE:
		return (wire_store_parse(body, model, arg, &u.store, e));
	case WIRE_STORE_ANS:
		return (wire_storeans_parse(body, &list, e));
	case WIRE_FETCH:
	case WIRE_STAT:
		return (wire_fetch_parse(body, model, arg, &u.fetch, e));
	case WIRE_FETCH_ANS:
		return (wire_fetchans_parse(body, model, arg, &list, &unknown,
		    e));
	case WIRE_STAT_ANS:
		return (wire_statans_parse(body, model, arg, &list, &unknown,
		    e));
	case WIRE_FIND:
		return (wire_find_parse(body, &u.find, e));
	case WIRE_FIND_ANS:
		return (wire_findans_parse(body, &list, e));
	case WIRE_JOIN:
		return (wire_join_parse(body, &u.join, e));
	case WIRE_JOIN_ANS:
		return (wire_joinans_parse(body, &u.join, e));
	case WIRE_LEAVE:
		return (wire_leave_parse(body, &u.leave, e));
	case WIRE_UPDATE:
		return (wire_update_parse(body, &u.update, e));
	case WIRE_ROUTEQUERY:
		return (wire_routequery_parse(body, &u.rq, e));
	case WIRE_ROUTEQUERY_ANS:
		return (wire_routequeryans_parse(body, &u.node, e));
	case WIRE_PING:
		return (wire_ping_parse(body, &u.span, e));
	case WIRE_PING_ANS:
		return (wire_pingans_parse(body, &u.pingans, e));
	case WIRE_APPATTACH:
	case WIRE_APPATTACH_ANS:
		return (wire_appattach_parse(body, &u.attach, e));
	case WIRE_CONFIGUPDATE:
		return (wire_configupdate_parse(body, &u.cu, e));
	case WIRE_ERROR:
		return (wire_error_parse(body, &u.err, e));
	default:
		return (wire_empty_parse(body, e));
	}
}

/* -- copies -- */

/* What is written is never longer than what was read. */
static int
scratch_init(struct scratch *sc, const struct cur *list)
{
	size_t	size = cur_left(list) + 1;

	if ((sc->sc_buf = malloc(size)) == NULL)
		return (-1);
	wbuf_init(&sc->sc_w, sc->sc_buf, size);
	return (0);
}

/* more: what the walk ended with.  The list is then the copy's bytes. */
static int
scratch_end(struct scratch *sc, int more, struct cur *list)
{
	if (more == -1 || wbuf_ok(&sc->sc_w) == -1) {
		free(sc->sc_buf);
		sc->sc_buf = NULL;
		return (-1);
	}
	cur_init(list, sc->sc_buf, sc->sc_w.w_len);
	return (0);
}

static int
copy_candidates(struct scratch *sc, struct cur *list)
{
	struct wire_candidate	i;
	struct cur		c = *list;
	int			more;

	if (scratch_init(sc, list) == -1)
		return (-1);
	while ((more = wire_candidate_next(&c, &i)) == 1)
		wire_candidate_write(&sc->sc_w, &i);
	return (scratch_end(sc, more, list));
}

static int
copy_attach(unsigned code, const struct cur *body, struct wbuf *w)
{
	struct scratch		sc;
	struct wire_attach	a;
	int			app = code >= WIRE_APPATTACH;

	if ((app ? wire_appattach_parse(body, &a, NULL) :
	    wire_attach_parse(body, &a, NULL)) == -1 ||
	    copy_candidates(&sc, &a.wa_candidates) == -1)
		return (-1);
	if (app)
		wire_appattach_write(w, &a);
	else
		wire_attach_write(w, &a);
	free(sc.sc_buf);
	return (wbuf_ok(w));
}

static int
copy_kinds(struct scratch *sc, struct cur *list, int meta, wire_model_fn model,
    void *arg)
{
	struct wire_kinddata	k;
	struct wire_stored	s;
	struct wire_meta	m;
	struct scratch		in;
	struct cur		c = *list, v;
	int			more, r;

	if (scratch_init(sc, list) == -1)
		return (-1);
	while ((more = wire_kinddata_next(&c, model, arg, &k)) == 1) {
		in.sc_buf = NULL;
		if (k.wk_model != 0) {
			v = k.wk_values;
			if (scratch_init(&in, &v) == -1)
				more = -1;
			for (r = 1; more == 1 && r == 1;) {
				r = meta ? wire_meta_next(&v, k.wk_model, &m) :
				    wire_stored_next(&v, k.wk_model, &s);
				if (r == 1 && meta)
					wire_meta_write(&in.sc_w, k.wk_model,
					    &m);
				else if (r == 1)
					wire_stored_write(&in.sc_w,
					    k.wk_model, &s);
			}
			if (more == -1 || scratch_end(&in, r,
			    &k.wk_values) == -1) {
				more = -1;
				break;
			}
		}
		wire_kinddata_write(&sc->sc_w, &k);
		free(in.sc_buf);
	}
	return (scratch_end(sc, more, list));
}

static int
copy_specs(struct scratch *sc, struct cur *list, wire_model_fn model, void *arg)
{
	struct wire_spec	s;
	struct cur		c = *list;
	int			more;

	if (scratch_init(sc, list) == -1)
		return (-1);
	while ((more = wire_spec_next(&c, model, arg, &s)) == 1)
		wire_spec_write(&sc->sc_w, &s);
	return (scratch_end(sc, more, list));
}

static int
copy_data(unsigned code, const struct cur *body, wire_model_fn model, void *arg,
    struct wbuf *w)
{
	struct scratch		sc;
	struct wire_store	s;
	struct wire_fetch	f;
	struct cur		kinds;
	unsigned		unknown;

	switch (code) {
	case WIRE_STORE:
		if (wire_store_parse(body, model, arg, &s, NULL) == -1 ||
		    copy_kinds(&sc, &s.wt_kinds, 0, model, arg) == -1)
			return (-1);
		wire_store_write(w, &s);
		break;
	case WIRE_FETCH:
	case WIRE_STAT:
		if (wire_fetch_parse(body, model, arg, &f, NULL) == -1 ||
		    copy_specs(&sc, &f.wf_specs, model, arg) == -1)
			return (-1);
		wire_fetch_write(w, &f);
		break;
	default:
		if ((code == WIRE_FETCH_ANS ?
		    wire_fetchans_parse(body, model, arg, &kinds, &unknown,
		    NULL) : wire_statans_parse(body, model, arg, &kinds,
		    &unknown, NULL)) == -1 || copy_kinds(&sc, &kinds,
		    code == WIRE_STAT_ANS, model, arg) == -1)
			return (-1);
		wire_fetchans_write(w, &kinds);
		break;
	}
	free(sc.sc_buf);
	return (wbuf_ok(w));
}

static int
copy_storeans(const struct cur *body, struct wbuf *w)
{
	struct wire_storeresp	r;
	struct scratch		sc;
	struct cur		list, c;
	int			more;

	if (wire_storeans_parse(body, &list, NULL) == -1 ||
	    scratch_init(&sc, &list) == -1)
		return (-1);
	c = list;
	while ((more = wire_storeresp_next(&c, &r)) == 1)
		wire_storeresp_write(&sc.sc_w, &r);
	if (scratch_end(&sc, more, &list) == -1)
		return (-1);
	wire_storeans_write(w, &list);
	free(sc.sc_buf);
	return (wbuf_ok(w));
}

static int
copy_find(unsigned code, const struct cur *body, struct wbuf *w)
{
	struct wire_find	f;
	struct wire_findkind	k;
	struct scratch		sc;
	struct cur		list, c;
	int			more;

	if (code == WIRE_FIND) {
		if (wire_find_parse(body, &f, NULL) == -1)
			return (-1);
		wire_find_write(w, &f);
		return (wbuf_ok(w));
	}
	if (wire_findans_parse(body, &list, NULL) == -1 ||
	    scratch_init(&sc, &list) == -1)
		return (-1);
	c = list;
	while ((more = wire_findkind_next(&c, &k)) == 1)
		wire_findkind_write(&sc.sc_w, &k);
	if (scratch_end(&sc, more, &list) == -1)
		return (-1);
	wire_findans_write(w, &list);
	free(sc.sc_buf);
	return (wbuf_ok(w));
}

static int
copy_ring(unsigned code, const struct cur *body, struct wbuf *w)
{
	struct wire_join	j;
	struct wire_leave	l;
	struct wire_update	u;
	struct wire_routequery	q;
	const uint8_t		*node;

	switch (code) {
	case WIRE_JOIN:
		if (wire_join_parse(body, &j, NULL) == -1)
			return (-1);
		wire_join_write(w, &j);
		break;
	case WIRE_JOIN_ANS:
		if (wire_joinans_parse(body, &j, NULL) == -1)
			return (-1);
		wire_joinans_write(w, &j);
		break;
	case WIRE_LEAVE:
		if (wire_leave_parse(body, &l, NULL) == -1)
			return (-1);
		wire_leave_write(w, &l);
		break;
	case WIRE_UPDATE:
		if (wire_update_parse(body, &u, NULL) == -1)
			return (-1);
		wire_update_write(w, &u);
		break;
	case WIRE_ROUTEQUERY:
		if (wire_routequery_parse(body, &q, NULL) == -1)
			return (-1);
		wire_routequery_write(w, &q);
		break;
	default:
		if (wire_routequeryans_parse(body, &node, NULL) == -1)
			return (-1);
		wbuf_bytes(w, node, NODEID_LEN);
		break;
	}
	return (wbuf_ok(w));
}

static int
copy_probeans(const struct cur *body, struct wbuf *w)
{
	struct wire_probeinfo	i;
	struct scratch		sc;
	struct cur		list, c;
	int			more;

	if (wire_probeans_parse(body, &list, NULL) == -1 ||
	    scratch_init(&sc, &list) == -1)
		return (-1);
	c = list;
	while ((more = wire_probeinfo_next(&c, &i)) == 1)
		wire_probeinfo_put(&sc.sc_w, &i);
	if (scratch_end(&sc, more, &list) == -1)
		return (-1);
	wire_probeans_write(w, &list);
	free(sc.sc_buf);
	return (wbuf_ok(w));
}

static int
copy_other(unsigned code, const struct cur *body, struct wbuf *w)
{
	struct wire_probe		p;
	struct wire_pingans		a;
	struct wire_configupdate	u;
	struct wire_errresp		r;
	struct span			s;

	switch (code) {
	case WIRE_PROBE:
		if (wire_probe_parse(body, &p, NULL) == -1)
			return (-1);
		wire_probe_write(w, &p);
		break;
	case WIRE_PING:
		if (wire_ping_parse(body, &s, NULL) == -1)
			return (-1);
		wire_ping_write(w, s.p, s.len);
		break;
	case WIRE_PING_ANS:
		if (wire_pingans_parse(body, &a, NULL) == -1)
			return (-1);
		wire_pingans_write(w, &a);
		break;
	case WIRE_CONFIGUPDATE:
		if (wire_configupdate_parse(body, &u, NULL) == -1)
			return (-1);
		wire_configupdate_write(w, &u);
		break;
	case WIRE_ERROR:
		if (wire_error_parse(body, &r, NULL) == -1)
			return (-1);
		wire_error_write(w, r.wr_code, r.wr_info.p, r.wr_info.len);
		break;
	default:
		wbuf_bytes(w, body->c_p, cur_left(body));
		break;
	}
	return (wbuf_ok(w));
}

int
wire_body_copy(unsigned code, const struct cur *body, wire_model_fn model,
    void *arg, struct wbuf *w)
{
	switch (code) {
	case WIRE_ATTACH:
	case WIRE_ATTACH_ANS:
	case WIRE_APPATTACH:
	case WIRE_APPATTACH_ANS:
		return (copy_attach(code, body, w));
	case WIRE_STORE:
	case WIRE_FETCH:
	case WIRE_FETCH_ANS:
	case WIRE_STAT:
	case WIRE_STAT_ANS:
		return (copy_data(code, body, model, arg, w));
	case WIRE_STORE_ANS:
		return (copy_storeans(body, w));
	case WIRE_FIND:
	case WIRE_FIND_ANS:
		return (copy_find(code, body, w));
	case WIRE_JOIN:
	case WIRE_JOIN_ANS:
	case WIRE_LEAVE:
	case WIRE_UPDATE:
	case WIRE_ROUTEQUERY:
	case WIRE_ROUTEQUERY_ANS:
		return (copy_ring(code, body, w));
	case WIRE_PROBE_ANS:
		return (copy_probeans(body, w));
	default:
		return (copy_other(code, body, w));
	}
}
