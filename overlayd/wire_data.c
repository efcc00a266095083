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

/* core: stored data, RFC 6940 section 7: Store, Fetch, Stat, Find; wire.h. */

#include <sys/types.h>

#include <string.h>

#include "wire_int.h"

static int	model_index(struct cur *, int, uint32_t *, struct span *);
static int	values_check(const struct wire_kinddata *, int meta);
static int	kinds_check(const struct cur *, int meta, wire_model_fn, void *,
		    unsigned *, struct wire_error *, const struct cur *);
static int	spec_check(const struct wire_spec *);
static int	answer_parse(const struct cur *, int meta, wire_model_fn, void *,
		    struct cur *, unsigned *, struct wire_error *);

/* -- values -- */

/* What stands before a DataValue or MetaData: nothing, an index, a key. */
static int
model_index(struct cur *c, int model, uint32_t *index, struct span *key)
{
	switch (model) {
	case RELOAD_SINGLE:
		return (cur_ok(c));
	case RELOAD_ARRAY:
		return (cur_u32(c, index));
	case RELOAD_DICTIONARY:
		return (cur_lv_span(c, 2, UINT16_MAX, key));
	default:
		return (cur_fail(c));
	}
}

int
wire_stored_next(struct cur *c, int model, struct wire_stored *s)
{
	struct cur	in, whole;
	int		more;

	memset(s, 0, sizeof(*s));
	if ((more = wire_more(c)) != 1)
		return (more);
	whole = *c;
	if (cur_lv(c, 4, &in) == -1)
		return (-1);
	if (cur_sub(&whole, 4 + cur_left(&in), &whole) == -1)
		return (cur_fail(c));
	wire_rest(&whole, &s->ws_raw);
	(void)cur_u64(&in, &s->ws_time);
	(void)cur_u32(&in, &s->ws_lifetime);
	(void)model_index(&in, model, &s->ws_value.wv_index,
	    &s->ws_value.wv_key);
	(void)wire_bool(&in, &s->ws_value.wv_exists);
	(void)cur_lv_span(&in, 4, UINT32_MAX, &s->ws_value.wv_data);
	(void)reload_signature_parse(&in, &s->ws_sig);
	return (cur_done(&in) == -1 ? cur_fail(c) : 1);
}

void
wire_value_write(struct wbuf *w, int model, const struct wire_value *v)
{
	switch (model) {
	case RELOAD_SINGLE:
		break;
	case RELOAD_ARRAY:
		wbuf_u32(w, v->wv_index);
		break;
	case RELOAD_DICTIONARY:
		wire_span_put(w, 2, v->wv_key);
		break;
	default:
		(void)wbuf_fail(w);
		return;
	}
	wbuf_u8(w, v->wv_exists);
	wire_span_put(w, 4, v->wv_data);
}

void
wire_stored_write(struct wbuf *w, int model, const struct wire_stored *s)
{
	size_t	mark;

	mark = wbuf_open(w, 4);
	wbuf_u64(w, s->ws_time);
	wbuf_u32(w, s->ws_lifetime);
	wire_value_write(w, model, &s->ws_value);
	reload_signature_put(w, &s->ws_sig);
	wbuf_close(w, 4, mark);
}

/*
 * The Resource-ID stands with its length byte: RFC 6940 defines the type so,
 * and says where it wants raw bytes.  The index of an array counts as 0, for a
 * writer that appends does not know it.
 */
void
wire_data_input(struct wbuf *w, const void *resource, size_t len,
    uint32_t kind, int model, uint64_t when, const struct wire_value *v)
{
	struct wire_value	copy = *v;

	copy.wv_index = 0;
	wbuf_lv(w, 1, resource, len);
	wbuf_u32(w, kind);
	wbuf_u64(w, when);
	wire_value_write(w, model, &copy);
}

int
wire_meta_next(struct cur *c, int model, struct wire_meta *m)
{
	struct cur	in;
	int		more;

	memset(m, 0, sizeof(*m));
	if ((more = wire_more(c)) != 1)
		return (more);
	if (cur_lv(c, 4, &in) == -1)
		return (-1);
	(void)cur_u64(&in, &m->ws_time);
	(void)cur_u32(&in, &m->ws_lifetime);
	(void)model_index(&in, model, &m->ws_index, &m->ws_key);
	(void)wire_bool(&in, &m->ws_exists);
	(void)cur_u32(&in, &m->ws_size);
	(void)cur_u8(&in, &m->ws_hashalg);
	(void)cur_lv_span(&in, 1, 255, &m->ws_hash);
	return (cur_done(&in) == -1 ? cur_fail(c) : 1);
}

void
wire_meta_write(struct wbuf *w, int model, const struct wire_meta *m)
{
	size_t	mark;

	mark = wbuf_open(w, 4);
	wbuf_u64(w, m->ws_time);
	wbuf_u32(w, m->ws_lifetime);
	if (model == RELOAD_ARRAY)
		wbuf_u32(w, m->ws_index);
	else if (model == RELOAD_DICTIONARY)
		wire_span_put(w, 2, m->ws_key);
	else if (model != RELOAD_SINGLE)
		(void)wbuf_fail(w);
	wbuf_u8(w, m->ws_exists);
	wbuf_u32(w, m->ws_size);
	wbuf_u8(w, m->ws_hashalg);
	wire_span_put(w, 1, m->ws_hash);
	wbuf_close(w, 4, mark);
}

/* -- kinds -- */

int
wire_kinddata_next(struct cur *c, wire_model_fn model, void *arg,
    struct wire_kinddata *k)
{
	int	more;

	memset(k, 0, sizeof(*k));
	if ((more = wire_more(c)) != 1)
		return (more);
	(void)cur_u32(c, &k->wk_kind);
	(void)cur_u64(c, &k->wk_generation);
	if (cur_lv(c, 4, &k->wk_values) == -1)
		return (-1);
	k->wk_model = model(k->wk_kind, arg);
	return (1);
}

void
wire_kinddata_write(struct wbuf *w, const struct wire_kinddata *k)
{
	wbuf_u32(w, k->wk_kind);
	wbuf_u64(w, k->wk_generation);
	wire_list_put(w, 4, &k->wk_values);
}

static int
values_check(const struct wire_kinddata *k, int meta)
{
	struct cur		c = k->wk_values;
	struct wire_stored	s;
	struct wire_meta	m;
	int			r;

	if (k->wk_model == 0)
		return (0);
	do {
		r = meta ? wire_meta_next(&c, k->wk_model, &m) :
		    wire_stored_next(&c, k->wk_model, &s);
	} while (r == 1);
	return (r);
}

/* Each Kind once; values as their model says; unknown ones are counted. */
static int
kinds_check(const struct cur *list, int meta, wire_model_fn model, void *arg,
    unsigned *unknown, struct wire_error *e, const struct cur *base)
{
	struct cur		c = *list;
	struct wire_kinddata	k;
	uint32_t		seen[WIRE_KINDS_MAX];
	size_t			i, n = 0;
	int			r;

	*unknown = 0;
	while ((r = wire_kinddata_next(&c, model, arg, &k)) == 1) {
		if (n == WIRE_KINDS_MAX)
			return (wire_fail(e, WIRE_TOO_MANY, base, &c));
		for (i = 0; i < n; i++) {
			if (seen[i] == k.wk_kind)
				return (wire_fail(e, WIRE_DUPLICATE, base, &c));
		}
		seen[n++] = k.wk_kind;
		if (k.wk_model == 0)
			(*unknown)++;
		if (values_check(&k, meta) == -1)
			return (wire_fail(e, WIRE_MODEL_BAD, base,
			    &k.wk_values));
	}
	if (r == -1)
		return (wire_fail(e, WIRE_SHORT, base, &c));
	return (0);
}

/* -- Store -- */

int
wire_store_parse(const struct cur *body, wire_model_fn model, void *arg,
    struct wire_store *s, struct wire_error *e)
{
	struct cur	c;

	memset(s, 0, sizeof(*s));
	wire_body(body, &c);
	(void)wire_resource(&c, &s->wt_resource);
	(void)cur_u8(&c, &s->wt_replica);
	(void)cur_lv(&c, 4, &s->wt_kinds);
	if (wire_end(e, &c) == -1)
		return (-1);
	return (kinds_check(&s->wt_kinds, 0, model, arg, &s->wt_unknown, e,
	    &c));
}

void
wire_store_write(struct wbuf *w, const struct wire_store *s)
{
	wire_span_put(w, 1, s->wt_resource);
	wbuf_u8(w, s->wt_replica);
	wire_list_put(w, 4, &s->wt_kinds);
}

int
wire_storeresp_next(struct cur *c, struct wire_storeresp *r)
{
	int	more;

	memset(r, 0, sizeof(*r));
	if ((more = wire_more(c)) != 1)
		return (more);
	(void)cur_u32(c, &r->wr_kind);
	(void)cur_u64(c, &r->wr_generation);
	return (wire_nodes(c, 2, &r->wr_replicas) == -1 ? -1 : 1);
}

void
wire_storeresp_write(struct wbuf *w, const struct wire_storeresp *r)
{
	wbuf_u32(w, r->wr_kind);
	wbuf_u64(w, r->wr_generation);
	wire_list_put(w, 2, &r->wr_replicas);
}

int
wire_storeans_parse(const struct cur *body, struct cur *resps,
    struct wire_error *e)
{
	struct cur		c, x;
	struct wire_storeresp	r;
	int			more;

	wire_body(body, &c);
	(void)cur_lv(&c, 2, resps);
	if (wire_end(e, &c) == -1)
		return (-1);
	x = *resps;
	while ((more = wire_storeresp_next(&x, &r)) == 1)
		continue;
	if (more == -1)
		return (wire_fail(e, WIRE_LENGTH_BAD, &c, &x));
	return (0);
}

void
wire_storeans_write(struct wbuf *w, const struct cur *resps)
{
	wire_list_put(w, 2, resps);
}

/* -- Fetch, Stat -- */

int
wire_range_next(struct cur *c, struct wire_range *r)
{
	int	more;

	memset(r, 0, sizeof(*r));
	if ((more = wire_more(c)) != 1)
		return (more);
	(void)cur_u32(c, &r->wr_first);
	return (cur_u32(c, &r->wr_last) == -1 ? -1 : 1);
}

int
wire_key_next(struct cur *c, struct span *key)
{
	int	more;

	if ((more = wire_more(c)) != 1)
		return (more);
	return (cur_lv_span(c, 2, UINT16_MAX, key) == -1 ? -1 : 1);
}

int
wire_spec_next(struct cur *c, wire_model_fn model, void *arg,
    struct wire_spec *s)
{
	struct cur	in;
	int		more;

	memset(s, 0, sizeof(*s));
	if ((more = wire_more(c)) != 1)
		return (more);
	(void)cur_u32(c, &s->wp_kind);
	(void)cur_u64(c, &s->wp_generation);
	if (cur_lv(c, 2, &in) == -1)
		return (-1);
	s->wp_model = model(s->wp_kind, arg);
	switch (s->wp_model) {
	case 0:
		s->wp_list = in;
		return (1);
	case RELOAD_SINGLE:
		break;
	default:
		(void)cur_lv(&in, 2, &s->wp_list);
		break;
	}
	return (cur_done(&in) == -1 ? cur_fail(c) : 1);
}

void
wire_spec_write(struct wbuf *w, const struct wire_spec *s)
{
	size_t	mark;

	wbuf_u32(w, s->wp_kind);
	wbuf_u64(w, s->wp_generation);
	mark = wbuf_open(w, 2);
	switch (s->wp_model) {
	case 0:
		wbuf_bytes(w, s->wp_list.c_p, cur_left(&s->wp_list));
		break;
	case RELOAD_SINGLE:
		break;
	default:
		wire_list_put(w, 2, &s->wp_list);
		break;
	}
	wbuf_close(w, 2, mark);
}

/* Ranges in order of their ends, without overlap; keys well formed. */
static int
spec_check(const struct wire_spec *s)
{
	struct cur		c = s->wp_list;
	struct wire_range	seen[WIRE_RANGES_MAX], r;
	struct span		key;
	size_t			i, n = 0;
	int			more = 0;

	if (s->wp_model == RELOAD_ARRAY) {
		while ((more = wire_range_next(&c, &r)) == 1) {
			if (r.wr_first > r.wr_last)
				return (WIRE_VALUE_BAD);
			for (i = 0; i < n; i++) {
				if (r.wr_first <= seen[i].wr_last &&
				    seen[i].wr_first <= r.wr_last)
					return (WIRE_DUPLICATE);
			}
			if (n == WIRE_RANGES_MAX)
				return (WIRE_TOO_MANY);
			seen[n++] = r;
		}
	} else if (s->wp_model == RELOAD_DICTIONARY) {
		while ((more = wire_key_next(&c, &key)) == 1)
			continue;
	}
	return (more == -1 ? WIRE_LENGTH_BAD : WIRE_OK);
}

int
wire_fetch_parse(const struct cur *body, wire_model_fn model, void *arg,
    struct wire_fetch *f, struct wire_error *e)
{
	struct cur		c, x;
	struct wire_spec	s;
	uint32_t		seen[WIRE_KINDS_MAX];
	size_t			i, n = 0;
	int			more, reason;

	memset(f, 0, sizeof(*f));
	wire_body(body, &c);
	(void)wire_resource(&c, &f->wf_resource);
	(void)cur_lv(&c, 2, &f->wf_specs);
	if (wire_end(e, &c) == -1)
		return (-1);
	x = f->wf_specs;
	while ((more = wire_spec_next(&x, model, arg, &s)) == 1) {
		if (n == WIRE_KINDS_MAX)
			return (wire_fail(e, WIRE_TOO_MANY, &c, &x));
		for (i = 0; i < n; i++) {
			if (seen[i] == s.wp_kind)
				return (wire_fail(e, WIRE_DUPLICATE, &c, &x));
		}
		seen[n++] = s.wp_kind;
		if (s.wp_model == 0)
			f->wf_unknown++;
		if ((reason = spec_check(&s)) != WIRE_OK)
			return (wire_fail(e, reason, &c, &s.wp_list));
	}
	if (more == -1)
		return (wire_fail(e, WIRE_LENGTH_BAD, &c, &x));
	return (0);
}

void
wire_fetch_write(struct wbuf *w, const struct wire_fetch *f)
{
	wire_span_put(w, 1, f->wf_resource);
	wire_list_put(w, 2, &f->wf_specs);
}

static int
answer_parse(const struct cur *body, int meta, wire_model_fn model, void *arg,
    struct cur *kinds, unsigned *unknown, struct wire_error *e)
{
	struct cur	c;

	*unknown = 0;
	wire_body(body, &c);
	(void)cur_lv(&c, 4, kinds);
	if (wire_end(e, &c) == -1)
		return (-1);
	return (kinds_check(kinds, meta, model, arg, unknown, e, &c));
}

int
wire_fetchans_parse(const struct cur *body, wire_model_fn model, void *arg,
    struct cur *kinds, unsigned *unknown, struct wire_error *e)
{
	return (answer_parse(body, 0, model, arg, kinds, unknown, e));
}

int
wire_statans_parse(const struct cur *body, wire_model_fn model, void *arg,
    struct cur *kinds, unsigned *unknown, struct wire_error *e)
{
	return (answer_parse(body, 1, model, arg, kinds, unknown, e));
}

void
wire_fetchans_write(struct wbuf *w, const struct cur *kinds)
{
	wire_list_put(w, 4, kinds);
}

/* -- Find -- */

int
wire_find_parse(const struct cur *body, struct wire_find *f,
    struct wire_error *e)
{
	struct cur	c, x;
	uint32_t	kind, seen[255 / 4];
	size_t		i, n = 0;
	int		more;

	memset(f, 0, sizeof(*f));
	wire_body(body, &c);
	(void)wire_resource(&c, &f->wf_resource);
	(void)cur_lv(&c, 1, &f->wf_kinds);
	if (wire_end(e, &c) == -1)
		return (-1);
	x = f->wf_kinds;
	while ((more = wire_kindid_next(&x, &kind)) == 1) {
		for (i = 0; i < n; i++) {
			if (seen[i] == kind)
				return (wire_fail(e, WIRE_DUPLICATE, &c, &x));
		}
		if (n < sizeof(seen) / sizeof(seen[0]))
			seen[n++] = kind;
	}
	if (more == -1)
		return (wire_fail(e, WIRE_LENGTH_BAD, &c, &x));
	return (0);
}

void
wire_find_write(struct wbuf *w, const struct wire_find *f)
{
	wire_span_put(w, 1, f->wf_resource);
	wire_list_put(w, 1, &f->wf_kinds);
}

int
wire_findkind_next(struct cur *c, struct wire_findkind *k)
{
	int	more;

	memset(k, 0, sizeof(*k));
	if ((more = wire_more(c)) != 1)
		return (more);
	(void)cur_u32(c, &k->wf_kind);
	return (wire_resource(c, &k->wf_closest) == -1 ? -1 : 1);
}

void
wire_findkind_write(struct wbuf *w, const struct wire_findkind *k)
{
	wbuf_u32(w, k->wf_kind);
	wire_span_put(w, 1, k->wf_closest);
}

int
wire_findans_parse(const struct cur *body, struct cur *kinds,
    struct wire_error *e)
{
	struct cur		c, x;
	struct wire_findkind	k;
	int			more;

	wire_body(body, &c);
	(void)cur_lv(&c, 2, kinds);
	if (wire_end(e, &c) == -1)
		return (-1);
	x = *kinds;
	while ((more = wire_findkind_next(&x, &k)) == 1)
		continue;
	if (more == -1)
		return (wire_fail(e, WIRE_LENGTH_BAD, &c, &x));
	return (0);
}

void
wire_findans_write(struct wbuf *w, const struct cur *kinds)
{
	wire_list_put(w, 2, kinds);
}
