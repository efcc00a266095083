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
 * Whole messages, or, when it is none, two bytes of message code and a body:
 * what is accepted can be walked and written again as it was.  Codes that no
 * message has stand for the smaller structures.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define CODE_KINDLIST	0xfff1u		/* error_info of Unknown_Kind */
#define CODE_TURN	0xfff2u		/* value of Kind TURN-SERVICE */

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int	model(uint32_t, void *);
static int	same(const struct wbuf *, const void *, size_t);
static void	body(unsigned, const struct cur *);
static void	kindlist(struct span);
static void	message(const struct wire_msg *, size_t);
static void	nodes(const struct cur *);
static void	ring(unsigned, const struct cur *);
static void	stored(const struct cur *);
static void	turn(const struct cur *);

static int
model(uint32_t kind, void *arg)
{
	(void)arg;
	if (kind == RELOAD_KIND_VIPR)
		return (RELOAD_DICTIONARY);
	return (kind >= 0xf0000001 ? (int)(kind & 3) :
	    reload_doc_model(kind, NULL));
}

static int
same(const struct wbuf *w, const void *p, size_t len)
{
	return (wbuf_ok(w) == 0 && w->w_len == len &&
	    (len == 0 || memcmp(w->w_buf, p, len) == 0));
}

/* What a signature of each stored value covers. */
static void
stored(const struct cur *c)
{
	struct wire_store	s;
	struct wire_kinddata	k;
	struct wire_stored	d;
	struct wbuf		w;
	uint8_t			*buf;
	size_t			 size = cur_left(c) + 64;

	if (wire_store_parse(c, model, NULL, &s, NULL) == -1)
		return;
	if ((buf = malloc(size)) == NULL)
		abort();
	while (wire_kinddata_next(&s.wt_kinds, model, NULL, &k) == 1) {
		if (k.wk_model == 0)
			continue;
		while (wire_stored_next(&k.wk_values, k.wk_model, &d) == 1) {
			wbuf_init(&w, buf, size);
			wire_data_input(&w, s.wt_resource.p, s.wt_resource.len,
			    k.wk_kind, k.wk_model, d.ws_time, &d.ws_value);
			if (wbuf_ok(&w) == -1)
				abort();
		}
	}
	free(buf);
}

static void
nodes(const struct cur *list)
{
	struct cur	c = *list;
	const uint8_t	*node;
	size_t		 n = 0;

	while (wire_node_next(&c, &node) == 1)
		n++;
	if (n * NODEID_LEN != cur_left(list))
		abort();
}

static void
ring(unsigned code, const struct cur *c)
{
	struct wire_update	u;
	struct wire_leave	l;

	if (code == WIRE_UPDATE && wire_update_parse(c, &u, NULL) == 0) {
		if (u.wu_type != WIRE_PEER_READY) {
			nodes(&u.wu_pred);
			nodes(&u.wu_succ);
		}
		if (u.wu_type == WIRE_FULL)
			nodes(&u.wu_fingers);
	} else if (code == WIRE_LEAVE && wire_leave_parse(c, &l, NULL) == 0)
		nodes(&l.wl_nodes);
}

static void
kindlist(struct span info)
{
	struct cur	kinds;
	struct wbuf	w;
	uint32_t	list[64];
	uint8_t		buf[256];
	size_t		n = 0;

	if (wire_kindlist_parse(info, &kinds) == -1)
		return;
	while (n < 64 && wire_kindid_next(&kinds, &list[n]) == 1)
		n++;
	wbuf_init(&w, buf, sizeof(buf));
	wire_kindlist_write(&w, list, n);
	if (!same(&w, info.p, info.len))
		abort();
}

static void
turn(const struct cur *c)
{
	struct wire_turn	t;
	struct wbuf		w;
	uint8_t			buf[64];

	if (wire_turn_parse(c, &t, NULL) == -1 || t.wt_addr.va_family == 0)
		return;
	wbuf_init(&w, buf, sizeof(buf));
	wire_turn_write(&w, &t);
	if (!same(&w, c->c_p, cur_left(c)))
		abort();
}

/* The lists of a header and the frame of the contents, written again. */
static void
message(const struct wire_msg *m, size_t len)
{
	struct wire_option	o;
	struct wire_dest	d;
	struct wire_ext		x;
	struct wbuf		w;
	struct cur		c;
	uint8_t			*buf;
	size_t			 mark, n = 0;

	if ((buf = malloc(len + 16)) == NULL)
		abort();
	wbuf_init(&w, buf, len);
	for (c = m->wm_header.wh_options; wire_option_next(&c, &o) == 1;)
		wire_option_write(&w, &o);
	if (!same(&w, m->wm_header.wh_options.c_p, cur_left(&m->wm_header.wh_options)))
		abort();
	for (c = m->wm_header.wh_dest; wire_dest_next(&c, &d) == 1; n++)
		if (wire_dest_is_node(&d, (const uint8_t *)d.wd_id.p) &&
		    d.wd_id.len != NODEID_LEN)
			abort();
	if (n != wire_dest_count(&m->wm_header.wh_dest))
		abort();
	wbuf_init(&w, buf, len);
	for (c = m->wm_contents.wc_ext; wire_ext_next(&c, &x) == 1;)
		wire_ext_write(&w, &x);
	if (!same(&w, m->wm_contents.wc_ext.c_p, cur_left(&m->wm_contents.wc_ext)))
		abort();
	wbuf_init(&w, buf, len);
	mark = wire_contents_open(&w, m->wm_contents.wc_code);
	wbuf_bytes(&w, m->wm_contents.wc_body.c_p, cur_left(&m->wm_contents.wc_body));
	wire_contents_close(&w, mark, &m->wm_contents.wc_ext);
	if (!same(&w, m->wm_contents.wc_raw.p, m->wm_contents.wc_raw.len))
		abort();
	wbuf_init(&w, buf, len + 16);
	wire_msg_input(&w, m->wm_header.wh_overlay, m->wm_header.wh_tid,
	    m->wm_contents.wc_raw.p, m->wm_contents.wc_raw.len);
	if (wbuf_ok(&w) == -1)
		abort();
	free(buf);
}

static void
body(unsigned code, const struct cur *c)
{
	struct wire_errresp	r;
	struct wire_error	e;
	struct wbuf		w;
	struct span		s;
	uint8_t			*buf;
	size_t			 len = cur_left(c);

	if (wire_body_check(code, c, model, NULL, &e) == -1) {
		if (e.we_off > len || wire_strerror(e.we_reason) == NULL)
			abort();
		return;
	}
	if ((buf = malloc(len + 1)) == NULL)
		return;
	wbuf_init(&w, buf, len + 1);
	/* An address of an unknown type can be read over, not written. */
	if (wire_body_copy(code, c, model, NULL, &w) == 0 &&
	    !same(&w, c->c_p, len))
		abort();
	free(buf);
	s.p = (const char *)c->c_p;
	s.len = len;
	if (code == WIRE_STORE)
		stored(c);
	else if (code == CODE_TURN)
		turn(c);
	else if (code == CODE_KINDLIST)
		kindlist(s);
	else if (code == WIRE_ERROR && wire_error_parse(c, &r, NULL) == 0 &&
	    r.wr_code == WIRE_E_UNKNOWN_KIND)
		kindlist(r.wr_info);
	else
		ring(code, c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct wire_msg		m;
	struct wire_error	e;
	struct cur		c;
	uint16_t		code;

	if (wire_msg_parse(p, len, &m, &e) == 0) {
		message(&m, len);
		body(m.wm_contents.wc_code, &m.wm_contents.wc_body);
		return (0);
	}
	if (e.we_off > len || wire_strerror(e.we_reason) == NULL)
		abort();
	cur_init(&c, p, len);
	if (cur_u16(&c, &code) == 0)
		body(code, &c);
	return (0);
}
