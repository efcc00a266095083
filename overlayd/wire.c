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
 * core: forwarding header, destinations, options, contents and whole
 * messages; see wire.h.  The bodies are in wire_body.c and wire_data.c.
 */

#include <sys/types.h>

#include <string.h>

#include "wire_int.h"

static int	header_lists(struct wire_header *, struct wire_error *,
		    const struct cur *);
static int	dest_list_check(const struct cur *, int via, int *reason,
		    uint8_t *duplicate);
static int	dest_same(const struct wire_dest *, const struct wire_dest *);

int
wire_fail(struct wire_error *e, int reason, const struct cur *base,
    const struct cur *at)
{
	if (e != NULL) {
		e->we_reason = reason;
		e->we_off = 0;
		if (at->c_p >= base->c_base && at->c_p <= base->c_end)
			e->we_off = (size_t)(at->c_p - base->c_base);
	}
	return (-1);
}

void
wire_body(const struct cur *body, struct cur *c)
{
	cur_init(c, body->c_p, cur_left(body));
	if (cur_ok(body) == -1)
		(void)cur_fail(c);
}

int
wire_end(struct wire_error *e, struct cur *c)
{
	if (cur_ok(c) == -1)
		return (wire_fail(e, WIRE_SHORT, c, c));
	if (cur_done(c) == -1)
		return (wire_fail(e, WIRE_TRAILING, c, c));
	return (0);
}

int
wire_bool(struct cur *c, uint8_t *v)
{
	if (cur_u8(c, v) == -1)
		return (-1);
	if (*v > 1) {
		*v = 0;
		return (cur_fail(c));
	}
	return (0);
}

void
wire_rest(const struct cur *c, struct span *s)
{
	s->p = (const char *)c->c_p;
	s->len = cur_left(c);
}

void
wire_list_put(struct wbuf *w, int width, const struct cur *list)
{
	wbuf_lv(w, width, list->c_p, cur_left(list));
}

void
wire_span_put(struct wbuf *w, int width, struct span s)
{
	wbuf_lv(w, width, s.p, s.len);
}

int
wire_resource(struct cur *c, struct span *s)
{
	return (cur_lv_span(c, 1, WIRE_RESOURCE_MAX, s));
}

int
wire_more(struct cur *c)
{
	if (cur_ok(c) == -1)
		return (-1);
	return (cur_left(c) > 0);
}

int
wire_nodes(struct cur *c, int width, struct cur *list)
{
	if (cur_lv(c, width, list) == -1)
		return (-1);
	if (cur_left(list) % NODEID_LEN != 0)
		return (cur_fail(c));
	return (0);
}

/* -- destinations -- */

int
wire_dest_next(struct cur *c, struct wire_dest *d)
{
	struct cur	 in, id;
	const uint8_t	*p;
	int		 more;

	memset(d, 0, sizeof(*d));
	if ((more = wire_more(c)) != 1)
		return (more);
	if (cur_peek(c) >= 0x80) {
		if ((p = cur_ptr(c, 2)) == NULL)
			return (-1);
		d->wd_type = WIRE_DEST_OPAQUE;
		d->wd_compact = 1;
		d->wd_id.p = (const char *)p;
		d->wd_id.len = 2;
		return (1);
	}
	(void)cur_u8(c, &d->wd_type);
	if (cur_lv(c, 1, &in) == -1)
		return (-1);
	switch (d->wd_type) {
	case 0:
		return (cur_fail(c));
	case WIRE_DEST_NODE:
		if (cur_left(&in) != NODEID_LEN)
			return (cur_fail(c));
		wire_rest(&in, &d->wd_id);
		break;
	case WIRE_DEST_RESOURCE:
	case WIRE_DEST_OPAQUE:
		if (cur_lv(&in, 1, &id) == -1 || cur_done(&in) == -1 ||
		    cur_left(&id) > WIRE_RESOURCE_MAX)
			return (cur_fail(c));
		wire_rest(&id, &d->wd_id);
		break;
	default:
		wire_rest(&in, &d->wd_id);
		break;
	}
	return (1);
}

void
wire_dest_write(struct wbuf *w, const struct wire_dest *d)
{
	size_t	mark;

	if (d->wd_compact) {
		if (d->wd_type != WIRE_DEST_OPAQUE || d->wd_id.len != 2 ||
		    !((uint8_t)d->wd_id.p[0] & 0x80)) {
			(void)wbuf_fail(w);
			return;
		}
		wbuf_span(w, d->wd_id);
		return;
	}
	if (d->wd_type == 0 || d->wd_type >= 0x80 || (d->wd_type ==
	    WIRE_DEST_NODE && d->wd_id.len != NODEID_LEN)) {
		(void)wbuf_fail(w);
		return;
	}
	wbuf_u8(w, d->wd_type);
	mark = wbuf_open(w, 1);
	if (d->wd_type == WIRE_DEST_RESOURCE || d->wd_type == WIRE_DEST_OPAQUE)
		wire_span_put(w, 1, d->wd_id);
	else
		wbuf_span(w, d->wd_id);
	wbuf_close(w, 1, mark);
}

void
wire_dest_node(struct wbuf *w, const uint8_t *node)
{
	wbuf_u8(w, WIRE_DEST_NODE);
	wbuf_lv(w, 1, node, NODEID_LEN);
}

void
wire_dest_resource(struct wbuf *w, const void *id, size_t len)
{
	struct wire_dest	d;

	memset(&d, 0, sizeof(d));
	d.wd_type = WIRE_DEST_RESOURCE;
	d.wd_id.p = id;
	d.wd_id.len = len;
	wire_dest_write(w, &d);
}

int
wire_dest_is_node(const struct wire_dest *d, const uint8_t *node)
{
	return (d->wd_type == WIRE_DEST_NODE && d->wd_id.len == NODEID_LEN &&
	    memcmp(d->wd_id.p, node, NODEID_LEN) == 0);
}

size_t
wire_dest_count(const struct cur *list)
{
	struct cur		c = *list;
	struct wire_dest	d;
	size_t			n = 0;

	while (wire_dest_next(&c, &d) == 1)
		n++;
	return (n);
}

void
wire_dest_reverse(struct wbuf *w, const struct cur *list)
{
	struct cur		c = *list;
	struct wire_dest	d[WIRE_ENTRIES_MAX];
	size_t			n = 0;
	int			r;

	while ((r = wire_dest_next(&c, &d[n])) == 1) {
		if (++n == WIRE_ENTRIES_MAX) {
			r = cur_left(&c) > 0 ? -1 : 0;
			break;
		}
	}
	if (r == -1) {
		(void)wbuf_fail(w);
		return;
	}
	while (n > 0)
		wire_dest_write(w, &d[--n]);
}

static int
dest_same(const struct wire_dest *a, const struct wire_dest *b)
{
	return (a->wd_type == b->wd_type && a->wd_id.len == b->wd_id.len &&
	    memcmp(a->wd_id.p, b->wd_id.p, a->wd_id.len) == 0);
}

/*
 * A resource stands nowhere in a via list and only last among destinations.
 * That a destination stands once (RFC 6940, 13.6.5) is asked of requests only,
 * by whoever routes them: the way of a source route may pass a node twice, and
 * then so does the answer's.
 */
static int
dest_list_check(const struct cur *list, int via, int *reason, uint8_t *duplicate)
{
	struct cur		c = *list;
	struct wire_dest	d[WIRE_ENTRIES_MAX + 1];
	size_t			i, n = 0;
	int			r;

	while ((r = wire_dest_next(&c, &d[n])) == 1) {
		*reason = WIRE_DEST_BAD;
		if (d[n].wd_type == WIRE_DEST_RESOURCE &&
		    (via || cur_left(&c) > 0))
			return (-1);
		for (i = 0; !via && i < n && n < WIRE_ENTRIES_MAX; i++)
			*duplicate |= (uint8_t)dest_same(&d[i], &d[n]);
		*reason = WIRE_TOO_MANY;
		if (++n > WIRE_ENTRIES_MAX)
			return (-1);
	}
	*reason = WIRE_DEST_BAD;
	if (r == -1)
		return (-1);
	*reason = WIRE_NO_DEST;
	return (!via && n == 0 ? -1 : 0);
}

/* -- forwarding header -- */

int
wire_option_next(struct cur *c, struct wire_option *o)
{
	struct cur	in;
	int		more;

	memset(o, 0, sizeof(*o));
	if ((more = wire_more(c)) != 1)
		return (more);
	(void)cur_u8(c, &o->wo_type);
	(void)cur_u8(c, &o->wo_flags);
	if (cur_lv(c, 2, &in) == -1)
		return (-1);
	if (o->wo_type == 0)
		return (cur_fail(c));
	wire_rest(&in, &o->wo_value);
	return (1);
}

void
wire_option_write(struct wbuf *w, const struct wire_option *o)
{
	wbuf_u8(w, o->wo_type);
	wbuf_u8(w, o->wo_flags);
	wire_span_put(w, 2, o->wo_value);
}

int
wire_header_parse(const void *p, size_t len, struct wire_header *h,
    struct wire_error *e)
{
	struct cur	c;
	uint32_t	token;
	uint16_t	via, dest, options;

	memset(h, 0, sizeof(*h));
	cur_init(&c, p, len);
	if (cur_u32(&c, &token) == 0 && token != WIRE_TOKEN) {
		cur_init(&c, p, len);
		return (wire_fail(e, WIRE_TOKEN_BAD, &c, &c));
	}
	(void)cur_u32(&c, &h->wh_overlay);
	(void)cur_u16(&c, &h->wh_config_seq);
	(void)cur_u8(&c, &h->wh_version);
	(void)cur_u8(&c, &h->wh_ttl);
	(void)cur_u32(&c, &h->wh_fragment);
	(void)cur_u32(&c, &h->wh_length);
	(void)cur_u64(&c, &h->wh_tid);
	(void)cur_u32(&c, &h->wh_max_response);
	(void)cur_u16(&c, &via);
	(void)cur_u16(&c, &dest);
	(void)cur_u16(&c, &options);
	if (cur_ok(&c) == -1)
		return (wire_fail(e, WIRE_SHORT, &c, &c));
	if (h->wh_version != WIRE_VERSION_1)
		return (wire_fail(e, WIRE_VERSION_BAD, &c, &c));
	if (!(h->wh_fragment & WIRE_FRAG_ALWAYS))
		return (wire_fail(e, WIRE_FRAGMENT_BAD, &c, &c));
	if ((size_t)via + dest + options > WIRE_LISTS_MAX)
		return (wire_fail(e, WIRE_TOO_MANY, &c, &c));
	(void)cur_sub(&c, via, &h->wh_via);
	(void)cur_sub(&c, dest, &h->wh_dest);
	(void)cur_sub(&c, options, &h->wh_options);
	if (cur_ok(&c) == -1)
		return (wire_fail(e, WIRE_SHORT, &c, &c));
	h->wh_size = cur_off(&c);
	if (h->wh_length < h->wh_size)
		return (wire_fail(e, WIRE_LENGTH_BAD, &c, &c));
	return (header_lists(h, e, &c));
}

static int
header_lists(struct wire_header *h, struct wire_error *e, const struct cur *all)
{
	struct cur		c;
	struct wire_option	o;
	int			r, reason = WIRE_OK;

	if (dest_list_check(&h->wh_via, 1, &reason, &h->wh_duplicate) == -1)
		return (wire_fail(e, reason, all, &h->wh_via));
	if (dest_list_check(&h->wh_dest, 0, &reason, &h->wh_duplicate) == -1)
		return (wire_fail(e, reason, all, &h->wh_dest));
	c = h->wh_options;
	while ((r = wire_option_next(&c, &o)) == 1)
		continue;
	if (r == -1)
		return (wire_fail(e, WIRE_LENGTH_BAD, all, &c));
	return (0);
}

void
wire_header_init(struct wire_header *h, uint32_t overlay, uint16_t config_seq,
    uint8_t ttl, uint64_t tid)
{
	memset(h, 0, sizeof(*h));
	h->wh_overlay = overlay;
	h->wh_config_seq = config_seq;
	h->wh_version = WIRE_VERSION_1;
	h->wh_ttl = ttl;
	h->wh_fragment = WIRE_FRAG_WHOLE;
	h->wh_tid = tid;
}

void
wire_header_write(struct wbuf *w, const struct wire_header *h)
{
	size_t	via = cur_left(&h->wh_via), dest = cur_left(&h->wh_dest);
	size_t	options = cur_left(&h->wh_options);

	if (via > UINT16_MAX || dest > UINT16_MAX || options > UINT16_MAX) {
		(void)wbuf_fail(w);
		return;
	}
	wbuf_u32(w, WIRE_TOKEN);
	wbuf_u32(w, h->wh_overlay);
	wbuf_u16(w, h->wh_config_seq);
	wbuf_u8(w, h->wh_version);
	wbuf_u8(w, h->wh_ttl);
	wbuf_u32(w, h->wh_fragment);
	wbuf_u32(w, h->wh_length);
	wbuf_u64(w, h->wh_tid);
	wbuf_u32(w, h->wh_max_response);
	wbuf_u16(w, (uint16_t)via);
	wbuf_u16(w, (uint16_t)dest);
	wbuf_u16(w, (uint16_t)options);
	wbuf_bytes(w, h->wh_via.c_p, via);
	wbuf_bytes(w, h->wh_dest.c_p, dest);
	wbuf_bytes(w, h->wh_options.c_p, options);
}

void
wire_length_set(void *msg, size_t len)
{
	struct wbuf	w;

	wbuf_init(&w, (uint8_t *)msg + 16, 4);
	wbuf_u32(&w, (uint32_t)len);
}

/* -- contents -- */

int
wire_ext_next(struct cur *c, struct wire_ext *x)
{
	struct cur	in;
	int		more;

	memset(x, 0, sizeof(*x));
	if ((more = wire_more(c)) != 1)
		return (more);
	(void)cur_u16(c, &x->we_type);
	(void)wire_bool(c, &x->we_critical);
	if (cur_lv(c, 4, &in) == -1)
		return (-1);
	if (x->we_type == 0)
		return (cur_fail(c));
	wire_rest(&in, &x->we_value);
	return (1);
}

void
wire_ext_write(struct wbuf *w, const struct wire_ext *x)
{
	wbuf_u16(w, x->we_type);
	wbuf_u8(w, x->we_critical);
	wire_span_put(w, 4, x->we_value);
}

int
wire_contents_parse(struct cur *c, struct wire_contents *t, struct wire_error *e)
{
	struct cur	x;
	struct wire_ext	ext;
	int		r;

	memset(t, 0, sizeof(*t));
	t->wc_raw.p = (const char *)c->c_p;
	(void)cur_u16(c, &t->wc_code);
	(void)cur_lv(c, 4, &t->wc_body);
	(void)cur_lv(c, 4, &t->wc_ext);
	if (cur_ok(c) == -1)
		return (wire_fail(e, WIRE_SHORT, c, c));
	t->wc_raw.len = (size_t)(c->c_p - (const uint8_t *)t->wc_raw.p);
	if (t->wc_code == 0)
		return (wire_fail(e, WIRE_TYPE_BAD, c, c));
	x = t->wc_ext;
	while ((r = wire_ext_next(&x, &ext)) == 1)
		continue;
	if (r == -1)
		return (wire_fail(e, WIRE_LENGTH_BAD, c, &x));
	return (0);
}

size_t
wire_contents_open(struct wbuf *w, uint16_t code)
{
	wbuf_u16(w, code);
	return (wbuf_open(w, 4));
}

void
wire_contents_close(struct wbuf *w, size_t mark, const struct cur *ext)
{
	wbuf_close(w, 4, mark);
	if (ext == NULL)
		wbuf_u32(w, 0);
	else
		wire_list_put(w, 4, ext);
}

/* -- messages -- */

int
wire_fragment_parse(const void *p, size_t len, struct wire_header *h,
    struct wire_error *e)
{
	struct cur	c;

	if (wire_header_parse(p, len, h, e) == -1)
		return (-1);
	if (h->wh_length != len) {
		cur_init(&c, p, len);
		return (wire_fail(e, WIRE_LENGTH_BAD, &c, &c));
	}
	return (0);
}

int
wire_msg_parse(const void *p, size_t len, struct wire_msg *m,
    struct wire_error *e)
{
	struct cur	c;

	memset(m, 0, sizeof(*m));
	if (wire_fragment_parse(p, len, &m->wm_header, e) == -1)
		return (-1);
	cur_init(&c, p, len);
	if ((m->wm_header.wh_fragment & (WIRE_FRAG_WHOLE | WIRE_FRAG_OFFSET)) !=
	    WIRE_FRAG_WHOLE)
		return (wire_fail(e, WIRE_FRAGMENT_BAD, &c, &c));
	(void)cur_skip(&c, m->wm_header.wh_size);
	if (wire_contents_parse(&c, &m->wm_contents, e) == -1)
		return (-1);
	if (reload_secblock_parse(&c, &m->wm_sec) == -1)
		return (wire_fail(e, WIRE_SECBLOCK_BAD, &c, &c));
	return (wire_end(e, &c));
}

void
wire_msg_input(struct wbuf *w, uint32_t overlay, uint64_t tid,
    const void *contents, size_t len)
{
	wbuf_u32(w, overlay);
	wbuf_u64(w, tid);
	wbuf_bytes(w, contents, len);
}

/* -- names -- */

const char *
wire_strerror(int reason)
{
	static const char *const	text[] = {
		"no error", "cut short", "not a RELOAD message",
		"unknown version", "length field disagrees",
		"fragment field without its high bit", "bad destination",
		"no destination", "too many elements", "bad boolean",
		"unknown type", "bytes left over", "duplicate element",
		"value out of range", "bad security block", "bad address",
		"value does not fit the data model"
	};

	if (reason < 0 || (size_t)reason >= sizeof(text) / sizeof(text[0]))
		return ("unknown error");
	return (text[reason]);
}

const char *
wire_code_str(unsigned code)
{
	static const char *const	text[] = {
		NULL, "Probe", "ProbeAns", "Attach", "AttachAns", NULL, NULL,
		"Store", "StoreAns", "Fetch", "FetchAns", NULL, NULL,
		"Find", "FindAns", "Join", "JoinAns", "Leave", "LeaveAns",
		"Update", "UpdateAns", "RouteQuery", "RouteQueryAns",
		"Ping", "PingAns", "Stat", "StatAns", NULL, NULL,
		"AppAttach", "AppAttachAns", NULL, NULL,
		"ConfigUpdate", "ConfigUpdateAns"
	};

	if (code == WIRE_ERROR)
		return ("Error");
	return (code < sizeof(text) / sizeof(text[0]) ? text[code] : NULL);
}

const char *
wire_errcode_str(unsigned code)
{
	static const char *const	text[] = {
		NULL, NULL, "Error_Forbidden", "Error_Not_Found",
		"Error_Request_Timeout", "Error_Generation_Counter_Too_Low",
		"Error_Incompatible_with_Overlay",
		"Error_Unsupported_Forwarding_Option", "Error_Data_Too_Large",
		"Error_Data_Too_Old", "Error_TTL_Exceeded",
		"Error_Message_Too_Large", "Error_Unknown_Kind",
		"Error_Unknown_Extension", "Error_Response_Too_Large",
		"Error_Config_Too_Old", "Error_Config_Too_New",
		"Error_In_Progress", "Error_Exp_A", "Error_Exp_B",
		"Error_Invalid_Message"
	};

	return (code < sizeof(text) / sizeof(text[0]) ? text[code] : NULL);
}
