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

/* core: rows and requests of the control protocol; see ctl.h. */

#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"

#define CTL_LIST_MAX	255
#define CTL_HEX_MAX	1024

static void	ctl_field(struct ctl_row *, const char *, char);
static void	ctl_reply(struct imsg_ctl_reply *, uint32_t);

void
ctl_row(struct ctl_row *r, const char *kind)
{
	wbuf_init(&r->cr_w, r->cr_buf, sizeof(r->cr_buf));
	wbuf_lv_str(&r->cr_w, 1, kind);
}

static void
ctl_field(struct ctl_row *r, const char *name, char type)
{
	wbuf_lv_str(&r->cr_w, 1, name);
	wbuf_u8(&r->cr_w, (uint8_t)type);
}

void
ctl_str(struct ctl_row *r, const char *name, const char *s)
{
	if (s == NULL) {
		ctl_null(r, name);
		return;
	}
	ctl_field(r, name, 's');
	wbuf_lv_str(&r->cr_w, 2, s);
}

void
ctl_uint(struct ctl_row *r, const char *name, uint64_t v)
{
	ctl_field(r, name, 'u');
	wbuf_u64(&r->cr_w, v);
}

void
ctl_int(struct ctl_row *r, const char *name, int64_t v)
{
	ctl_field(r, name, 'i');
	wbuf_u64(&r->cr_w, (uint64_t)v);
}

void
ctl_bool(struct ctl_row *r, const char *name, int v)
{
	ctl_field(r, name, 'b');
	wbuf_u8(&r->cr_w, v != 0);
}

void
ctl_time(struct ctl_row *r, const char *name, uint64_t utc_s)
{
	if (utc_s == 0) {
		ctl_null(r, name);
		return;
	}
	ctl_field(r, name, 't');
	wbuf_u64(&r->cr_w, utc_s);
}

void
ctl_null(struct ctl_row *r, const char *name)
{
	ctl_field(r, name, 'n');
}

void
ctl_list(struct ctl_row *r, const char *name, const char *const *list,
    size_t n)
{
	size_t	i;

	if (n > CTL_LIST_MAX)
		n = CTL_LIST_MAX;
	ctl_field(r, name, 'l');
	wbuf_u8(&r->cr_w, (uint8_t)n);
	for (i = 0; i < n; i++)
		wbuf_lv_str(&r->cr_w, 2, list[i]);
}

void
ctl_hex(struct ctl_row *r, const char *name, const void *data, size_t len)
{
	static const char	 digits[] = "0123456789abcdef";
	const uint8_t		*p = data;
	size_t			 i, mark;

	if (len > CTL_HEX_MAX) {
		(void)wbuf_fail(&r->cr_w);
		return;
	}
	ctl_field(r, name, 's');
	mark = wbuf_open(&r->cr_w, 2);
	for (i = 0; i < len; i++) {
		wbuf_u8(&r->cr_w, (uint8_t)digits[p[i] >> 4]);
		wbuf_u8(&r->cr_w, (uint8_t)digits[p[i] & 15]);
	}
	wbuf_close(&r->cr_w, 2, mark);
}

static void
ctl_reply(struct imsg_ctl_reply *cr, uint32_t id)
{
	memset(cr, 0, sizeof(*cr));
	cr->cr_id = id;
}

int
ctl_send_row(struct chan *ch, uint32_t id, const struct ctl_row *r)
{
	struct imsg_ctl_reply	cr;

	if (wbuf_ok(&r->cr_w) == -1) {
		errno = EMSGSIZE;
		return (-1);
	}
	ctl_reply(&cr, id);
	return (chan_send(ch, IMSG_CTL_ROW, -1, &cr, sizeof(cr), r->cr_buf,
	    r->cr_w.w_len));
}

int
ctl_send_end(struct chan *ch, uint32_t id, const char *error)
{
	struct imsg_ctl_reply	cr;
	struct wbuf		w;
	uint8_t			buf[CTL_ERROR_MAX + 2];
	char			text[CTL_ERROR_MAX];

	snprintf(text, sizeof(text), "%s", error == NULL ? "" : error);
	ctl_reply(&cr, id);
	wbuf_init(&w, buf, sizeof(buf));
	wbuf_lv_str(&w, 2, text);
	return (chan_send(ch, IMSG_CTL_END, -1, &cr, sizeof(cr), buf,
	    w.w_len));
}

int
ctl_req_parse(const struct chan_msg *m, struct ctl_req *rq)
{
	struct imsg_ctl_request	cq;
	struct cur		c = m->cm_tail;
	int			i;

	memset(rq, 0, sizeof(*rq));
	memcpy(&cq, m->cm_fixed, sizeof(cq));
	if (cq.cq_argc > CTL_ARGS_MAX)
		return (-1);
	rq->rq_id = cq.cq_id;
	rq->rq_verb = cq.cq_verb;
	rq->rq_class = cq.cq_class;
	rq->rq_uid = cq.cq_uid;
	rq->rq_argc = cq.cq_argc;
	for (i = 0; i < rq->rq_argc; i++)
		if (cur_lv_str(&c, 2, rq->rq_argv[i],
		    sizeof(rq->rq_argv[i])) == -1)
			return (-1);
	return (cur_done(&c));
}

int
ctl_row_open(struct cur *c, char *kind, size_t size)
{
	return (cur_lv_str(c, 1, kind, size));
}

int
ctl_row_next(struct cur *c, struct ctl_field *f)
{
	struct cur	probe;
	struct span	s;
	uint64_t	i;
	uint8_t		type, b;

	memset(f, 0, sizeof(*f));
	f->cf_str.p = "";
	cur_init(&f->cf_list, NULL, 0);
	if (cur_done(c) == 0)
		return (0);
	if (cur_lv_str(c, 1, f->cf_name, sizeof(f->cf_name)) == -1 ||
	    cur_u8(c, &type) == -1)
		return (-1);
	f->cf_type = (char)type;
	switch (f->cf_type) {
	case 's':
		(void)cur_lv_span(c, 2, CTL_ROW_MAX, &f->cf_str);
		break;
	case 'u':
	case 'i':
	case 't':
		(void)cur_u64(c, &f->cf_num);
		break;
	case 'b':
		(void)cur_u8(c, &b);
		if (b > 1)
			(void)cur_fail(c);
		f->cf_num = b;
		break;
	case 'n':
		break;
	case 'l':
		/* The list is walked once here, so that the caller's walk of
		 * cf_num entries can't fail. */
		(void)cur_u8(c, &b);
		f->cf_num = b;
		probe = *c;
		for (i = 0; i < f->cf_num; i++)
			(void)cur_lv_span(&probe, 2, CTL_ROW_MAX, &s);
		if (cur_ok(&probe) == -1) {
			(void)cur_fail(c);
			break;
		}
		(void)cur_sub(c, cur_off(&probe) - cur_off(c), &f->cf_list);
		break;
	default:
		(void)cur_fail(c);
		break;
	}
	return (cur_ok(c) == -1 ? -1 : 1);
}
