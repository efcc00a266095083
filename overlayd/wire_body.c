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

/* core: bodies of the methods, RFC 6940 sections 6 and 10; see wire.h. */

#include <sys/types.h>

#include <string.h>

#include "wire_int.h"

static int	attach_common(struct cur *, struct wire_attach *, int app,
		    struct wire_error *);

/* -- addresses and candidates -- */

int
wire_addr_parse(struct cur *c, struct vaddr *va)
{
	struct cur	in;
	uint8_t		type;

	memset(va, 0, sizeof(*va));
	(void)cur_u8(c, &type);
	if (cur_lv(c, 1, &in) == -1)
		return (-1);
	switch (type) {
	case 0:
		return (cur_fail(c));
	case 1:
		va->va_family = 4;
		(void)cur_bytes(&in, va->va_addr, 4);
		break;
	case 2:
		va->va_family = 6;
		(void)cur_bytes(&in, va->va_addr, 16);
		break;
	default:
		return (0);
	}
	(void)cur_u16(&in, &va->va_port);
	if (cur_done(&in) == -1) {
		memset(va, 0, sizeof(*va));
		return (cur_fail(c));
	}
	return (0);
}

void
wire_addr_write(struct wbuf *w, const struct vaddr *va)
{
	switch (va->va_family) {
	case 4:
		wbuf_u8(w, 1);
		wbuf_u8(w, 6);
		wbuf_bytes(w, va->va_addr, 4);
		break;
	case 6:
		wbuf_u8(w, 2);
		wbuf_u8(w, 18);
		wbuf_bytes(w, va->va_addr, 16);
		break;
	default:
		(void)wbuf_fail(w);
		return;
	}
	wbuf_u16(w, va->va_port);
}

int
wire_candidate_next(struct cur *c, struct wire_candidate *i)
{
	struct cur	x;
	struct span	s;
	int		more;

	memset(i, 0, sizeof(*i));
	if ((more = wire_more(c)) != 1)
		return (more);
	(void)wire_addr_parse(c, &i->wi_addr);
	(void)cur_u8(c, &i->wi_link);
	(void)cur_lv_span(c, 1, 255, &i->wi_foundation);
	(void)cur_u32(c, &i->wi_priority);
	(void)cur_u8(c, &i->wi_type);
	switch (i->wi_type) {
	case WIRE_CAND_HOST:
		break;
	case WIRE_CAND_SRFLX:
	case WIRE_CAND_RELAY:
		(void)wire_addr_parse(c, &i->wi_rel);
		break;
	default:
		return (cur_fail(c));
	}
	if (cur_lv(c, 2, &i->wi_ext) == -1)
		return (-1);
	x = i->wi_ext;
	while (cur_left(&x) > 0) {
		(void)cur_lv_span(&x, 2, UINT16_MAX, &s);
		(void)cur_lv_span(&x, 2, UINT16_MAX, &s);
	}
	return (cur_ok(&x) == -1 ? cur_fail(c) : 1);
}

void
wire_candidate_write(struct wbuf *w, const struct wire_candidate *i)
{
	wire_addr_write(w, &i->wi_addr);
	wbuf_u8(w, i->wi_link);
	wire_span_put(w, 1, i->wi_foundation);
	wbuf_u32(w, i->wi_priority);
	wbuf_u8(w, i->wi_type);
	if (i->wi_type != WIRE_CAND_HOST)
		wire_addr_write(w, &i->wi_rel);
	wire_list_put(w, 2, &i->wi_ext);
}

void
wire_candidate_host(struct wbuf *w, const struct vaddr *va)
{
	struct wire_candidate	i;

	memset(&i, 0, sizeof(i));
	i.wi_addr = *va;
	i.wi_link = WIRE_TLS_TCP_FH_NO_ICE;
	i.wi_type = WIRE_CAND_HOST;
	i.wi_foundation.p = "1";
	i.wi_foundation.len = 1;
	i.wi_priority = WIRE_HOST_PRIORITY;
	wire_candidate_write(w, &i);
}

/* -- Attach, AppAttach -- */

static int
attach_common(struct cur *c, struct wire_attach *a, int app,
    struct wire_error *e)
{
	struct cur		x;
	struct wire_candidate	i;
	size_t			n = 0;
	int			r;

	memset(a, 0, sizeof(*a));
	(void)cur_lv_span(c, 1, 255, &a->wa_ufrag);
	(void)cur_lv_span(c, 1, 255, &a->wa_password);
	if (app)
		(void)cur_u16(c, &a->wa_application);
	(void)cur_lv_span(c, 1, 255, &a->wa_role);
	(void)cur_lv(c, 2, &a->wa_candidates);
	if (!app)
		(void)cur_u8(c, &a->wa_send_update);
	if (wire_end(e, c) == -1)
		return (-1);
	if (a->wa_send_update > 1)
		return (wire_fail(e, WIRE_BOOLEAN_BAD, c, c));
	x = a->wa_candidates;
	while ((r = wire_candidate_next(&x, &i)) == 1)
		n++;
	if (r == -1)
		return (wire_fail(e, WIRE_ADDRESS_BAD, c, &x));
	if (n == 0 || (app && a->wa_application == 0))
		return (wire_fail(e, WIRE_VALUE_BAD, c, &x));
	return (0);
}

int
wire_attach_parse(const struct cur *body, struct wire_attach *a,
    struct wire_error *e)
{
	struct cur	c;

	wire_body(body, &c);
	return (attach_common(&c, a, 0, e));
}

int
wire_appattach_parse(const struct cur *body, struct wire_attach *a,
    struct wire_error *e)
{
	struct cur	c;

	wire_body(body, &c);
	return (attach_common(&c, a, 1, e));
}

void
wire_attach_write(struct wbuf *w, const struct wire_attach *a)
{
	wire_span_put(w, 1, a->wa_ufrag);
	wire_span_put(w, 1, a->wa_password);
	wire_span_put(w, 1, a->wa_role);
	wire_list_put(w, 2, &a->wa_candidates);
	wbuf_u8(w, a->wa_send_update);
}

void
wire_appattach_write(struct wbuf *w, const struct wire_attach *a)
{
	wire_span_put(w, 1, a->wa_ufrag);
	wire_span_put(w, 1, a->wa_password);
	wbuf_u16(w, a->wa_application);
	wire_span_put(w, 1, a->wa_role);
	wire_list_put(w, 2, &a->wa_candidates);
}

/* -- Join, Leave -- */

int
wire_join_parse(const struct cur *body, struct wire_join *j,
    struct wire_error *e)
{
	struct cur	c;

	memset(j, 0, sizeof(*j));
	wire_body(body, &c);
	j->wj_node = cur_ptr(&c, NODEID_LEN);
	(void)cur_lv_span(&c, 2, UINT16_MAX, &j->wj_data);
	return (wire_end(e, &c));
}

void
wire_join_write(struct wbuf *w, const struct wire_join *j)
{
	wbuf_bytes(w, j->wj_node, NODEID_LEN);
	wire_span_put(w, 2, j->wj_data);
}

int
wire_joinans_parse(const struct cur *body, struct wire_join *j,
    struct wire_error *e)
{
	struct cur	c;

	memset(j, 0, sizeof(*j));
	wire_body(body, &c);
	(void)cur_lv_span(&c, 2, UINT16_MAX, &j->wj_data);
	return (wire_end(e, &c));
}

void
wire_joinans_write(struct wbuf *w, const struct wire_join *j)
{
	wire_span_put(w, 2, j->wj_data);
}

int
wire_node_next(struct cur *c, const uint8_t **node)
{
	int	more;

	*node = NULL;
	if ((more = wire_more(c)) != 1)
		return (more);
	return ((*node = cur_ptr(c, NODEID_LEN)) == NULL ? -1 : 1);
}

int
wire_leave_parse(const struct cur *body, struct wire_leave *l,
    struct wire_error *e)
{
	struct cur	c, data;

	memset(l, 0, sizeof(*l));
	wire_body(body, &c);
	l->wl_node = cur_ptr(&c, NODEID_LEN);
	(void)cur_lv(&c, 2, &data);
	if (wire_end(e, &c) == -1)
		return (-1);
	(void)cur_u8(&data, &l->wl_type);
	(void)wire_nodes(&data, 2, &l->wl_nodes);
	if (cur_done(&data) == -1)
		return (wire_fail(e, WIRE_LENGTH_BAD, &c, &data));
	if (l->wl_type != WIRE_FROM_SUCC && l->wl_type != WIRE_FROM_PRED)
		return (wire_fail(e, WIRE_TYPE_BAD, &c, &data));
	return (0);
}

void
wire_leave_write(struct wbuf *w, const struct wire_leave *l)
{
	size_t	mark;

	wbuf_bytes(w, l->wl_node, NODEID_LEN);
	mark = wbuf_open(w, 2);
	wbuf_u8(w, l->wl_type);
	wire_list_put(w, 2, &l->wl_nodes);
	wbuf_close(w, 2, mark);
}

/* -- Update, RouteQuery -- */

int
wire_update_parse(const struct cur *body, struct wire_update *u,
    struct wire_error *e)
{
	struct cur	c;

	memset(u, 0, sizeof(*u));
	wire_body(body, &c);
	(void)cur_u32(&c, &u->wu_uptime);
	(void)cur_u8(&c, &u->wu_type);
	if (cur_ok(&c) == 0 && (u->wu_type < WIRE_PEER_READY ||
	    u->wu_type > WIRE_FULL))
		return (wire_fail(e, WIRE_TYPE_BAD, &c, &c));
	if (u->wu_type != WIRE_PEER_READY) {
		(void)wire_nodes(&c, 2, &u->wu_pred);
		(void)wire_nodes(&c, 2, &u->wu_succ);
	}
	if (u->wu_type == WIRE_FULL)
		(void)wire_nodes(&c, 2, &u->wu_fingers);
	return (wire_end(e, &c));
}

void
wire_update_write(struct wbuf *w, const struct wire_update *u)
{
	wbuf_u32(w, u->wu_uptime);
	wbuf_u8(w, u->wu_type);
	if (u->wu_type != WIRE_PEER_READY) {
		wire_list_put(w, 2, &u->wu_pred);
		wire_list_put(w, 2, &u->wu_succ);
	}
	if (u->wu_type == WIRE_FULL)
		wire_list_put(w, 2, &u->wu_fingers);
}

int
wire_routequery_parse(const struct cur *body, struct wire_routequery *q,
    struct wire_error *e)
{
	struct cur	c;

	memset(q, 0, sizeof(*q));
	wire_body(body, &c);
	(void)wire_bool(&c, &q->wq_send_update);
	if (wire_dest_next(&c, &q->wq_dest) != 1) {
		(void)cur_fail(&c);
		return (wire_fail(e, WIRE_DEST_BAD, &c, &c));
	}
	(void)cur_lv_span(&c, 2, UINT16_MAX, &q->wq_data);
	return (wire_end(e, &c));
}

void
wire_routequery_write(struct wbuf *w, const struct wire_routequery *q)
{
	wbuf_u8(w, q->wq_send_update);
	wire_dest_write(w, &q->wq_dest);
	wire_span_put(w, 2, q->wq_data);
}

int
wire_routequeryans_parse(const struct cur *body, const uint8_t **node,
    struct wire_error *e)
{
	struct cur	c;

	wire_body(body, &c);
	*node = cur_ptr(&c, NODEID_LEN);
	return (wire_end(e, &c));
}

/* -- Probe, Ping -- */

int
wire_probe_parse(const struct cur *body, struct wire_probe *p,
    struct wire_error *e)
{
	struct cur	c;

	wire_body(body, &c);
	(void)cur_lv_span(&c, 1, 255, &p->wp_types);
	return (wire_end(e, &c));
}

void
wire_probe_write(struct wbuf *w, const struct wire_probe *p)
{
	wire_span_put(w, 1, p->wp_types);
}

int
wire_probeinfo_next(struct cur *c, struct wire_probeinfo *i)
{
	struct cur	in;
	int		more;

	memset(i, 0, sizeof(*i));
	if ((more = wire_more(c)) != 1)
		return (more);
	(void)cur_u8(c, &i->wp_type);
	if (cur_lv(c, 1, &in) == -1)
		return (-1);
	wire_rest(&in, &i->wp_raw);
	if (i->wp_type >= WIRE_PROBE_SET && i->wp_type <= WIRE_PROBE_UPTIME) {
		(void)cur_u32(&in, &i->wp_value);
		if (cur_done(&in) == -1)
			return (cur_fail(c));
	} else if (i->wp_type == 0)
		return (cur_fail(c));
	return (1);
}

void
wire_probeinfo_write(struct wbuf *w, uint8_t type, uint32_t value)
{
	wbuf_u8(w, type);
	wbuf_u8(w, 4);
	wbuf_u32(w, value);
}

void
wire_probeinfo_put(struct wbuf *w, const struct wire_probeinfo *i)
{
	if (i->wp_type >= WIRE_PROBE_SET && i->wp_type <= WIRE_PROBE_UPTIME) {
		wire_probeinfo_write(w, i->wp_type, i->wp_value);
		return;
	}
	wbuf_u8(w, i->wp_type);
	wire_span_put(w, 1, i->wp_raw);
}

int
wire_probeans_parse(const struct cur *body, struct cur *infos,
    struct wire_error *e)
{
	struct cur		c, x;
	struct wire_probeinfo	i;
	int			r;

	wire_body(body, &c);
	(void)cur_lv(&c, 2, infos);
	if (wire_end(e, &c) == -1)
		return (-1);
	x = *infos;
	while ((r = wire_probeinfo_next(&x, &i)) == 1)
		continue;
	if (r == -1)
		return (wire_fail(e, WIRE_LENGTH_BAD, &c, &x));
	return (0);
}

void
wire_probeans_write(struct wbuf *w, const struct cur *infos)
{
	wire_list_put(w, 2, infos);
}

int
wire_ping_parse(const struct cur *body, struct span *padding,
    struct wire_error *e)
{
	struct cur	c;

	wire_body(body, &c);
	(void)cur_lv_span(&c, 2, UINT16_MAX, padding);
	return (wire_end(e, &c));
}

void
wire_ping_write(struct wbuf *w, const void *padding, size_t len)
{
	wbuf_lv(w, 2, padding, len);
}

int
wire_pingans_parse(const struct cur *body, struct wire_pingans *p,
    struct wire_error *e)
{
	struct cur	c;

	wire_body(body, &c);
	(void)cur_u64(&c, &p->wp_id);
	(void)cur_u64(&c, &p->wp_time);
	return (wire_end(e, &c));
}

void
wire_pingans_write(struct wbuf *w, const struct wire_pingans *p)
{
	wbuf_u64(w, p->wp_id);
	wbuf_u64(w, p->wp_time);
}

/* -- ConfigUpdate -- */

int
wire_kindblock_next(struct cur *c, struct span *s)
{
	int	more;

	if ((more = wire_more(c)) != 1)
		return (more);
	return (cur_lv_span(c, 2, UINT16_MAX, s) == -1 ? -1 : 1);
}

int
wire_configupdate_parse(const struct cur *body, struct wire_configupdate *u,
    struct wire_error *e)
{
	struct cur	c, in, x;
	struct span	s;
	int		r = 0;

	memset(u, 0, sizeof(*u));
	wire_body(body, &c);
	(void)cur_u8(&c, &u->wc_type);
	(void)cur_lv(&c, 4, &in);
	if (wire_end(e, &c) == -1)
		return (-1);
	wire_rest(&in, &u->wc_raw);
	switch (u->wc_type) {
	case 0:
		return (wire_fail(e, WIRE_TYPE_BAD, &c, &c));
	case WIRE_CU_CONFIG:
		(void)cur_lv_span(&in, 3, 0xffffff, &u->wc_config);
		break;
	case WIRE_CU_KIND:
		(void)cur_lv(&in, 3, &u->wc_kinds);
		x = u->wc_kinds;
		while ((r = wire_kindblock_next(&x, &s)) == 1)
			continue;
		break;
	default:
		return (0);
	}
	if (cur_done(&in) == -1 || r == -1)
		return (wire_fail(e, WIRE_LENGTH_BAD, &c, &in));
	return (0);
}

void
wire_configupdate_write(struct wbuf *w, const struct wire_configupdate *u)
{
	size_t	mark;

	wbuf_u8(w, u->wc_type);
	mark = wbuf_open(w, 4);
	switch (u->wc_type) {
	case WIRE_CU_CONFIG:
		wire_span_put(w, 3, u->wc_config);
		break;
	case WIRE_CU_KIND:
		wire_list_put(w, 3, &u->wc_kinds);
		break;
	default:
		wbuf_span(w, u->wc_raw);
		break;
	}
	wbuf_close(w, 4, mark);
}

/* -- errors, empty answers -- */

int
wire_error_parse(const struct cur *body, struct wire_errresp *r,
    struct wire_error *e)
{
	struct cur	c;

	memset(r, 0, sizeof(*r));
	wire_body(body, &c);
	(void)cur_u16(&c, &r->wr_code);
	(void)cur_lv_span(&c, 2, UINT16_MAX, &r->wr_info);
	return (wire_end(e, &c));
}

void
wire_error_write(struct wbuf *w, uint16_t code, const void *info, size_t len)
{
	wbuf_u16(w, code);
	wbuf_lv(w, 2, info, len);
}

int
wire_kindid_next(struct cur *c, uint32_t *kind)
{
	int	more;

	*kind = 0;
	if ((more = wire_more(c)) != 1)
		return (more);
	return (cur_u32(c, kind) == -1 ? -1 : 1);
}

int
wire_kindlist_parse(struct span info, struct cur *kinds)
{
	struct cur	c;

	cur_init(&c, info.p, info.len);
	(void)cur_lv(&c, 1, kinds);
	if (cur_done(&c) == -1 || cur_left(kinds) % 4 != 0)
		return (cur_fail(kinds));
	return (0);
}

void
wire_kindlist_write(struct wbuf *w, const uint32_t *kinds, size_t n)
{
	size_t	i, mark;

	if (n > 255 / 4)
		n = 255 / 4;
	mark = wbuf_open(w, 1);
	for (i = 0; i < n; i++)
		wbuf_u32(w, kinds[i]);
	wbuf_close(w, 1, mark);
}

int
wire_empty_parse(const struct cur *body, struct wire_error *e)
{
	if (cur_ok(body) == -1)
		return (wire_fail(e, WIRE_SHORT, body, body));
	return (0);
}

/* -- TURN-SERVICE -- */

int
wire_turn_parse(const struct cur *body, struct wire_turn *t,
    struct wire_error *e)
{
	struct cur	c;

	wire_body(body, &c);
	(void)cur_u8(&c, &t->wt_iteration);
	(void)wire_addr_parse(&c, &t->wt_addr);
	return (wire_end(e, &c));
}

void
wire_turn_write(struct wbuf *w, const struct wire_turn *t)
{
	wbuf_u8(w, t->wt_iteration);
	wire_addr_write(w, &t->wt_addr);
}
