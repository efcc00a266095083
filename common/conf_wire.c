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
 * core: the configuration on its way from the parent to its children.  Every
 * row below has its writer and its reader side by side; the reader believes
 * nothing: each length, count and value has bounds.
 */

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "cursor.h"

enum item_type {
	ITEM_START = 1,		/* u64 generation */
	ITEM_SETTINGS = 2,	/* times u16 id, lv2(value) */
	ITEM_LISTEN = 3,	/* u8 use, u8 proto, u8 face, address; fd for its owner */
	ITEM_HOP = 4,
	ITEM_RANGES = 5,	/* u8 list, times lv1(from), lv1(to), u32 count */
	ITEM_TEXTS = 6,		/* u8 list, times lv1(text), address, u32 value */
	ITEM_BYTES = 7,		/* u8 blob, lv2(path), u32 total, u32 offset, bytes */
	ITEM_FILE = 8,		/* u8 blob, lv2(path); fd */
	ITEM_DONE = 9,
	ITEM_CLASS = 10		/* lv1(name), u8 direct, times lv1(from), lv1(to) */
};

#define R(role)		(1U << (role))
#define R_ALL		(R(ROLE_KEY) | R(ROLE_CONTROL) | R(ROLE_OVERLAY) | \
			    R(ROLE_PVP) | R(ROLE_SIP))
#define R_KEY		R(ROLE_KEY)
#define R_OV		R(ROLE_OVERLAY)
#define R_PVP		R(ROLE_PVP)
#define R_SIP		R(ROLE_SIP)
#define BATCH_MAX	(32 * 1024)
#define DAYS		86400U

enum set_kind { SET_NUM, SET_CLOCK, SET_PATH, SET_WORD, SET_DOMAIN, SET_ADDR, SET_RULES };

/* One setting: where it stands, what it may be, who is told. */
struct setting {
	uint16_t	 se_id;
	enum set_kind	 se_kind;
	size_t		 se_off;
	size_t		 se_size;
	uint64_t	 se_min;
	uint64_t	 se_max;
	unsigned	 se_roles;
};
#define SET(id, kind, field, min, max, roles)				\
	{ id, kind, offsetof(struct conf, field),			\
	    sizeof(((struct conf *)NULL)->field), min, max, roles }

static const struct setting settings[] = {
	SET(1, SET_PATH, c_data, 0, 0, R_ALL),
	SET(2, SET_PATH, c_control, 0, 0, R(ROLE_CONTROL)),
	SET(3, SET_DOMAIN, c_domain, 0, 0, R_KEY | R_SIP),
	SET(4, SET_CLOCK, c_clock_offset, 0, 0, R_ALL),
	SET(5, SET_NUM, c_flags, 0, 0xfffff, R_ALL),
	SET(6, SET_NUM, c_verbose, 0, 9, R_ALL),
	SET(7, SET_WORD, c_facility, 0, 0, R_ALL),
	SET(8, SET_RULES, c_rules, 0, 0, R_SIP),
	SET(9, SET_DOMAIN, c_outside_host, 0, 0, R_KEY | R_SIP),
	SET(10, SET_NUM, c_outside_port, 0, 65535, R_KEY | R_SIP),
	/* 11 and 12 are not used any more. */
	SET(13, SET_NUM, c_limit_hour, 1, 1000000, R_SIP),
	SET(14, SET_NUM, c_limit_live, 1, 100000, R_SIP),
	SET(15, SET_NUM, c_resample, 0, 1000000, R_SIP),
	SET(16, SET_NUM, c_reprove, 1, 3650 * DAYS, R_SIP),
	SET(17, SET_NUM, c_connect_ms, 1, 600000, R_SIP),
	SET(18, SET_NUM, c_answer_ms, 1, 600000, R_SIP),
	SET(19, SET_DOMAIN, c_overlay, 0, 0, R_KEY | R_OV),
	SET(20, SET_ADDR, c_ov_advertise, 0, 0, R_OV),
	SET(21, SET_NUM, c_store_rate, 1, 100000, R_OV),
	SET(22, SET_NUM, c_lifetime, 0, 30 * DAYS, R_OV),
	SET(23, SET_ADDR, c_pvp_advertise, 0, 0, R_OV | R_PVP),
	SET(24, SET_NUM, c_delay_min, 0, 30 * DAYS, R_KEY),
	SET(25, SET_NUM, c_delay_max, 0, 30 * DAYS, R_KEY),
	SET(26, SET_NUM, c_try_max, 0, 30 * DAYS, R_KEY),
	SET(27, SET_NUM, c_responder_min, 0, 30 * DAYS, R_KEY),
	SET(28, SET_NUM, c_min_duration, 0, DAYS, R_KEY),
	SET(29, SET_NUM, c_retain, 1, 60 * DAYS, R_KEY),
	SET(30, SET_NUM, c_proofs, 1, CONF_PROOFS_MAX, R_KEY),
	SET(31, SET_NUM, c_proofs_callers, 0, CONF_PROOFS_MAX, R_KEY),
	SET(32, SET_NUM, c_proofs_spacing, 0, 30 * DAYS, R_KEY),
	SET(33, SET_NUM, c_tickets_after, 1, 100, R_KEY),
	SET(34, SET_NUM, c_ticket_lifetime, 1, 3650 * DAYS, R_KEY),
	SET(35, SET_NUM, c_receipt_lifetime, 1, 3650 * DAYS, R_KEY),
	SET(36, SET_NUM, c_retry_min, 0, DAYS, R_KEY),
	SET(37, SET_NUM, c_retry_max, 0, DAYS, R_KEY),
	SET(38, SET_NUM, c_busy_moduli, 11, 44, R_KEY),
	SET(39, SET_NUM, c_limit_number, 1, 100000, R_KEY),
	SET(40, SET_NUM, c_limit_peer, 1, 100000, R_KEY),
	SET(41, SET_NUM, c_limit_failures, 1, 100000, R_KEY),
	SET(60, SET_NUM, c_session, 0, DAYS, R_SIP),
	SET(70, SET_ADDR, c_hep_addr, 0, 0, R_SIP),
	SET(71, SET_NUM, c_hep_id, 0, UINT32_MAX, R_SIP),
	SET(42, SET_PATH, c_path, 0, 0, R_ALL),
	SET(90, SET_ADDR, c_media, 0, 0, R_SIP),
	SET(91, SET_WORD, c_media_inside, 0, 0, R_SIP),
	SET(92, SET_WORD, c_media_outside, 0, 0, R_SIP),
	SET(80, SET_NUM, c_limit_calls, 0, 1000000, R_SIP),
	SET(81, SET_NUM, c_limit_total, 0, 1000000, R_SIP),
	SET(82, SET_NUM, c_limit_requests, 0, 1000000, R_SIP),
	SET(84, SET_NUM, c_limit_conns, 0, 1000000, R_SIP),
	SET(83, SET_NUM, c_boot_offset, 0, 4000000, R_SIP)
};

struct list_row {
	uint8_t		 lr_id;
	size_t		 lr_off;
	unsigned	 lr_roles;
};
static const struct list_row range_lists[] = {
	{ 1, offsetof(struct conf, c_numbers), R_KEY | R_OV | R_SIP },
	{ 2, offsetof(struct conf, c_callers), R_KEY | R_SIP },
	{ 3, offsetof(struct conf, c_decoys), R_OV }
};
static const struct list_row text_lists[] = {
	{ 1, offsetof(struct conf, c_never), R_KEY | R_SIP },
	{ 2, offsetof(struct conf, c_names), R_KEY | R_SIP },
	{ 3, offsetof(struct conf, c_hosts), R_SIP },
	{ 4, offsetof(struct conf, c_accept), R_KEY },
	{ 5, offsetof(struct conf, c_refuse), R_KEY },
	{ 6, offsetof(struct conf, c_operators), R(ROLE_CONTROL) },
	{ 7, offsetof(struct conf, c_resolvers), R_SIP },
	{ 8, offsetof(struct conf, c_always), R_SIP },
	{ 9, offsetof(struct conf, c_logonly), R_SIP },
	{ 10, offsetof(struct conf, c_pass), R_SIP }
};

/* Blobs: lr_roles get the bytes, br_fd the descriptor. */
struct blob_row {
	uint8_t		 br_id;
	size_t		 br_off;
	size_t		 br_max;	/* bytes */
	unsigned	 br_bytes;
	unsigned	 br_fd;
};
static const struct blob_row blobs[] = {
	{ 1, offsetof(struct conf, c_sip_cert), 256 * 1024, R_KEY | R_SIP, 0 },
	{ 2, offsetof(struct conf, c_sip_key), 0, 0, R_KEY },
	{ 3, offsetof(struct conf, c_sip_ca), CONF_CA_MAX, R_SIP, 0 },
	{ 4, offsetof(struct conf, c_inside_cert), 256 * 1024, R_KEY | R_SIP, 0 },
	{ 5, offsetof(struct conf, c_inside_key), 0, 0, R_KEY },
	{ 6, offsetof(struct conf, c_ov_config), 1024 * 1024, R_KEY | R_OV, 0 },
	{ 7, offsetof(struct conf, c_node_cert), 256 * 1024,
	    R_KEY | R_OV | R_PVP, 0 },
	{ 8, offsetof(struct conf, c_node_key), 0, 0, R_KEY },
	{ 9, offsetof(struct conf, c_master), 0, 0, R_KEY },
	{ 10, offsetof(struct conf, c_inside_ca), CONF_CA_MAX, R_SIP, 0 }
};

#define N(a)		(sizeof(a) / sizeof((a)[0]))

static void	 put_addr(struct wbuf *, const struct vaddr *);
static int	 get_addr(struct cur *, struct vaddr *);
static void	 put_rules(struct wbuf *, const struct e164_rules *);
static int	 get_rules(struct cur *, struct e164_rules *);
static int	 printable(const char *);
static uint64_t	 num_get(const void *, size_t);
static void	 num_set(void *, size_t, uint64_t);
static int	 send_item(struct chan *, struct wbuf *, int);
static int	 send_settings(struct chan *, const struct conf *, unsigned);
static int	 setting_put(struct wbuf *, const struct conf *, const struct setting *);
static int	 setting_get(struct conf *, const struct setting *, struct cur *);
static int	 settings_get(struct conf *, struct cur *);
static int	 listen_wanted(const struct conf_listen *, unsigned, int *);
static int	 send_listens(struct chan *, const struct conf *, unsigned);
static int	 listen_get(struct conf *, struct cur *, int *);
static int	 send_hops(struct chan *, const struct conf *);
static int	 hop_get(struct conf *, struct cur *);
static int	 send_classes(struct chan *, const struct conf *);
static int	 class_get(struct conf *, struct cur *);
static int	 send_ranges(struct chan *, const struct conf *, const struct list_row *);
static int	 ranges_get(struct conf *, struct cur *);
static int	 send_texts(struct chan *, const struct conf *, const struct list_row *);
static int	 texts_get(struct conf *, struct cur *);
static int	 send_blob(struct chan *, const struct conf *, const struct blob_row *, unsigned);
static int	 bytes_get(struct conf *, struct cur *);
static int	 file_get(struct conf *, struct cur *, int *);

/* The parent is one thread, and an item is sent before the next is made. */
static uint8_t	 item_buf[CONF_ITEM_MAX];

static void
put_addr(struct wbuf *w, const struct vaddr *a)
{
	wbuf_u8(w, a->va_family);
	wbuf_u16(w, a->va_port);
	wbuf_bytes(w, a->va_addr, sizeof(a->va_addr));
}

static int
get_addr(struct cur *c, struct vaddr *a)
{
	memset(a, 0, sizeof(*a));
	cur_u8(c, &a->va_family);
	cur_u16(c, &a->va_port);
	cur_bytes(c, a->va_addr, sizeof(a->va_addr));
	if (a->va_family != 0 && a->va_family != 4 && a->va_family != 6)
		return (cur_fail(c));
	return (cur_ok(c));
}

static void
put_rules(struct wbuf *w, const struct e164_rules *r)
{
	wbuf_lv_str(w, 1, r->er_country);
	wbuf_lv_str(w, 1, r->er_national);
	wbuf_lv_str(w, 1, r->er_international);
	wbuf_lv_str(w, 1, r->er_outside);
	wbuf_lv_str(w, 1, r->er_local);
}

static int
get_rules(struct cur *c, struct e164_rules *r)
{
	memset(r, 0, sizeof(*r));
	cur_lv_str(c, 1, r->er_country, sizeof(r->er_country));
	cur_lv_str(c, 1, r->er_national, sizeof(r->er_national));
	cur_lv_str(c, 1, r->er_international, sizeof(r->er_international));
	cur_lv_str(c, 1, r->er_outside, sizeof(r->er_outside));
	cur_lv_str(c, 1, r->er_local, sizeof(r->er_local));
	if (strspn(r->er_country, "0123456789") != strlen(r->er_country) ||
	    strspn(r->er_national, "0123456789*#") != strlen(r->er_national) ||
	    strspn(r->er_international, "0123456789*#") !=
	    strlen(r->er_international) ||
	    strspn(r->er_outside, "0123456789*#") != strlen(r->er_outside) ||
	    strspn(r->er_local, "0123456789") != strlen(r->er_local))
		return (cur_fail(c));
	return (cur_ok(c));
}

static int
printable(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return (0);
	return (1);
}

static uint64_t
num_get(const void *p, size_t size)
{
	uint64_t	 u64;
	uint32_t	 u32;
	uint16_t	 u16;
	uint8_t		 u8;

	switch (size) {
	case 1:
		memcpy(&u8, p, size);
		return (u8);
	case 2:
		memcpy(&u16, p, size);
		return (u16);
	case 4:
		memcpy(&u32, p, size);
		return (u32);
	default:
		memcpy(&u64, p, sizeof(u64));
		return (u64);
	}
}

static void
num_set(void *p, size_t size, uint64_t v)
{
	uint32_t	 u32 = (uint32_t)v;
	uint16_t	 u16 = (uint16_t)v;
	uint8_t		 u8 = (uint8_t)v;

	switch (size) {
	case 1:
		memcpy(p, &u8, size);
		break;
	case 2:
		memcpy(p, &u16, size);
		break;
	case 4:
		memcpy(p, &u32, size);
		break;
	default:
		memcpy(p, &v, sizeof(v));
		break;
	}
}

/* Takes fd over. */
static int
send_item(struct chan *ch, struct wbuf *w, int fd)
{
	if (wbuf_ok(w) == -1) {
		if (fd != -1)
			(void)close(fd);
		errno = EMSGSIZE;
		return (-1);
	}
	return (chan_send(ch, IMSG_RECONF_ITEM, fd, NULL, 0, w->w_buf,
	    w->w_len));
}

static int
setting_put(struct wbuf *w, const struct conf *c, const struct setting *se)
{
	const uint8_t	*p = (const uint8_t *)c + se->se_off;
	struct vaddr	 addr;
	struct e164_rules rules;
	size_t		 mark;

	wbuf_u16(w, se->se_id);
	mark = wbuf_open(w, 2);
	switch (se->se_kind) {
	case SET_NUM:
	case SET_CLOCK:
		wbuf_u64(w, num_get(p, se->se_size));
		break;
	case SET_PATH:
	case SET_WORD:
	case SET_DOMAIN:
		wbuf_str(w, (const char *)p);
		break;
	case SET_ADDR:
		memcpy(&addr, p, sizeof(addr));
		put_addr(w, &addr);
		break;
	case SET_RULES:
		memcpy(&rules, p, sizeof(rules));
		put_rules(w, &rules);
		break;
	}
	wbuf_close(w, 2, mark);
	return (wbuf_ok(w));
}

static int
setting_get(struct conf *c, const struct setting *se, struct cur *v)
{
	uint8_t		*p = (uint8_t *)c + se->se_off;
	char		 text[256];
	struct vaddr	 addr;
	struct e164_rules rules;
	uint64_t	 num;
	size_t		 n;

	switch (se->se_kind) {
	case SET_NUM:
		if (cur_u64(v, &num) == -1 || num < se->se_min ||
		    num > se->se_max)
			return (-1);
		num_set(p, se->se_size, num);
		break;
	case SET_CLOCK:
		if (cur_u64(v, &num) == -1 || (int64_t)num < -CONF_CLOCK_MAX ||
		    (int64_t)num > CONF_CLOCK_MAX)
			return (-1);
		num_set(p, se->se_size, num);
		break;
	case SET_PATH:
	case SET_WORD:
	case SET_DOMAIN:
		n = cur_left(v);
		if (n >= sizeof(text) || n >= se->se_size)
			return (-1);
		if (cur_bytes(v, text, n) == -1)
			return (-1);
		text[n] = '\0';
		if (strlen(text) != n || !printable(text))
			return (-1);
		if (se->se_kind == SET_DOMAIN && n != 0 &&
		    !conf_domain_valid(text))
			return (-1);
		memset(p, 0, se->se_size);
		memcpy(p, text, n);
		break;
	case SET_ADDR:
		if (get_addr(v, &addr) == -1)
			return (-1);
		memcpy(p, &addr, sizeof(addr));
		break;
	case SET_RULES:
		if (get_rules(v, &rules) == -1)
			return (-1);
		memcpy(p, &rules, sizeof(rules));
		break;
	}
	return (cur_done(v));
}

static int
send_settings(struct chan *ch, const struct conf *c, unsigned role)
{
	struct wbuf	 w;
	size_t		 i;

	wbuf_init(&w, item_buf, sizeof(item_buf));
	wbuf_u16(&w, ITEM_SETTINGS);
	for (i = 0; i < N(settings); i++)
		if (settings[i].se_roles & role)
			(void)setting_put(&w, c, &settings[i]);
	return (send_item(ch, &w, -1));
}

static int
settings_get(struct conf *c, struct cur *item)
{
	struct cur	 v;
	uint16_t	 id;
	size_t		 i;

	while (cur_left(item) != 0) {
		if (cur_u16(item, &id) == -1 || cur_lv(item, 2, &v) == -1)
			return (-1);
		for (i = 0; i < N(settings); i++)
			if (settings[i].se_id == id)
				break;
		if (i == N(settings) || setting_get(c, &settings[i], &v) == -1)
			return (-1);
	}
	return (cur_done(item));
}

/* Is role told of this listener, and (*fd) does it get the socket? */
static int
listen_wanted(const struct conf_listen *l, unsigned role, int *fd)
{
	switch (l->cl_use) {
	case LISTEN_SIP:
		*fd = (role & R_SIP) != 0;
		return (*fd);
	case LISTEN_PVP:
		/* overlayd tells it to peers; both refuse our own addresses. */
		*fd = (role & R_PVP) != 0;
		return (*fd || (role & R_OV) != 0);
	case LISTEN_OVERLAY:
		*fd = (role & R_OV) != 0;
		return (*fd || (role & R_PVP) != 0);
	case LISTEN_CONTROL:
		*fd = (role & R(ROLE_CONTROL)) != 0;
		return (*fd);
	default:
		return (0);
	}
}

static int
send_listens(struct chan *ch, const struct conf *c, unsigned role)
{
	const struct conf_listen *l;
	struct wbuf	 w;
	int		 fd, give;

	TAILQ_FOREACH(l, &c->c_listens, cl_entry) {
		if (!listen_wanted(l, role, &give))
			continue;
		fd = -1;
		if (give && l->cl_fd != -1 &&
		    (fd = fcntl(l->cl_fd, F_DUPFD_CLOEXEC, 0)) == -1)
			return (-1);
		wbuf_init(&w, item_buf, sizeof(item_buf));
		wbuf_u16(&w, ITEM_LISTEN);
		wbuf_u8(&w, l->cl_use);
		wbuf_u8(&w, l->cl_proto);
		wbuf_u8(&w, l->cl_face);
		put_addr(&w, &l->cl_addr);
		if (send_item(ch, &w, fd) == -1)
			return (-1);
	}
	return (0);
}

static int
listen_get(struct conf *c, struct cur *item, int *fd)
{
	struct conf_listen	*l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return (-1);
	l->cl_fd = -1;
	cur_u8(item, &l->cl_use);
	cur_u8(item, &l->cl_proto);
	cur_u8(item, &l->cl_face);
	(void)get_addr(item, &l->cl_addr);
	if (cur_done(item) == -1 || l->cl_use < LISTEN_SIP ||
	    l->cl_use > LISTEN_CONTROL || l->cl_proto < SIP_UDP ||
	    l->cl_proto > SIP_TLS || (l->cl_use == LISTEN_SIP &&
	    (l->cl_face < FACE_INSIDE || l->cl_face > FACE_REDIRECT))) {
		free(l);
		return (-1);
	}
	l->cl_fd = *fd;
	*fd = -1;
	TAILQ_INSERT_TAIL(&c->c_listens, l, cl_entry);
	return (0);
}

static int
send_hops(struct chan *ch, const struct conf *c)
{
	const struct conf_hop	*h;
	struct wbuf		 w;

	TAILQ_FOREACH(h, &c->c_hops, ch_entry) {
		wbuf_init(&w, item_buf, sizeof(item_buf));
		wbuf_u16(&w, ITEM_HOP);
		wbuf_lv_str(&w, 1, h->ch_name);
		wbuf_lv_str(&w, 1, h->ch_host);
		put_addr(&w, &h->ch_addr);
		wbuf_u8(&w, h->ch_proto);
		wbuf_u8(&w, h->ch_trunk);
		wbuf_u16(&w, h->ch_priority);
		wbuf_u16(&w, h->ch_weight);
		wbuf_u32(&w, h->ch_ping);
		put_rules(&w, &h->ch_rules);
		if (send_item(ch, &w, -1) == -1)
			return (-1);
	}
	return (0);
}

static int
hop_get(struct conf *c, struct cur *item)
{
	struct conf_hop	*h;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return (-1);
	cur_lv_str(item, 1, h->ch_name, sizeof(h->ch_name));
	cur_lv_str(item, 1, h->ch_host, sizeof(h->ch_host));
	(void)get_addr(item, &h->ch_addr);
	cur_u8(item, &h->ch_proto);
	cur_u8(item, &h->ch_trunk);
	cur_u16(item, &h->ch_priority);
	cur_u16(item, &h->ch_weight);
	cur_u32(item, &h->ch_ping);
	(void)get_rules(item, &h->ch_rules);
	if (cur_done(item) == -1 || h->ch_name[0] == '\0' ||
	    !printable(h->ch_name) || h->ch_host[0] == '\0' ||
	    !printable(h->ch_host) || h->ch_proto < SIP_UDP ||
	    h->ch_proto > SIP_TLS || h->ch_trunk > 1 ||
	    h->ch_ping > DAYS) {
		free(h);
		return (-1);
	}
	TAILQ_INSERT_TAIL(&c->c_hops, h, ch_entry);
	return (0);
}

/* A class with more entries than fit one item is sent in parts of one name. */
static int
send_classes(struct chan *ch, const struct conf *c)
{
	const struct conf_class	*cc;
	const struct conf_from	*cf;
	struct wbuf		 w;

	TAILQ_FOREACH(cc, &c->c_classes, cc_entry) {
		cf = TAILQ_FIRST(&cc->cc_from);
		do {
			wbuf_init(&w, item_buf, BATCH_MAX);
			wbuf_u16(&w, ITEM_CLASS);
			wbuf_lv_str(&w, 1, cc->cc_name);
			wbuf_u8(&w, cc->cc_direct);
			for (; cf != NULL && w.w_len < BATCH_MAX - 256;
			    cf = TAILQ_NEXT(cf, cf_entry)) {
				wbuf_lv_str(&w, 1, cf->cf_from);
				wbuf_lv_str(&w, 1, cf->cf_to);
			}
			if (send_item(ch, &w, -1) == -1)
				return (-1);
		} while (cf != NULL);
	}
	return (0);
}

static int
class_get(struct conf *c, struct cur *item)
{
	struct conf_class	*cc = TAILQ_LAST(&c->c_classes, conf_classes);
	char			 name[64], from[64], to[64];
	uint8_t			 direct;

	cur_lv_str(item, 1, name, sizeof(name));
	if (cur_u8(item, &direct) == -1 || direct > 1 || name[0] == '\0' ||
	    !printable(name))
		return (-1);
	if ((cc == NULL || strcmp(cc->cc_name, name) != 0) &&
	    (cc = conf_add_class(c, name)) == NULL)
		return (-1);
	cc->cc_direct = direct;
	while (cur_left(item) != 0) {
		cur_lv_str(item, 1, from, sizeof(from));
		if (cur_lv_str(item, 1, to, sizeof(to)) == -1 ||
		    from[0] == '\0' || !printable(from) || !printable(to) ||
		    conf_add_from(cc, from, to) == NULL)
			return (-1);
	}
	return (cur_done(item));
}

static int
send_ranges(struct chan *ch, const struct conf *c, const struct list_row *row)
{
	const struct conf_ranges *list = (const struct conf_ranges *)
	    (const void *)((const uint8_t *)c + row->lr_off);
	const struct conf_range	*r = TAILQ_FIRST(list);
	struct wbuf		 w;

	while (r != NULL) {
		wbuf_init(&w, item_buf, BATCH_MAX);
		wbuf_u16(&w, ITEM_RANGES);
		wbuf_u8(&w, row->lr_id);
		for (; r != NULL && w.w_len < BATCH_MAX - 64;
		    r = TAILQ_NEXT(r, cr_entry)) {
			wbuf_lv_str(&w, 1, r->cr_range.er_from);
			wbuf_lv_str(&w, 1, r->cr_range.er_to);
			wbuf_u32(&w, r->cr_count);
		}
		if (send_item(ch, &w, -1) == -1)
			return (-1);
	}
	return (0);
}

static int
ranges_get(struct conf *c, struct cur *item)
{
	struct conf_ranges	*list;
	struct e164_range	 range;
	uint64_t		 size;
	uint32_t		 count;
	uint8_t			 id;
	size_t			 i;

	cur_u8(item, &id);
	for (i = 0; i < N(range_lists); i++)
		if (range_lists[i].lr_id == id)
			break;
	if (i == N(range_lists))
		return (-1);
	list = (struct conf_ranges *)(void *)((uint8_t *)c +
	    range_lists[i].lr_off);
	while (cur_left(item) != 0) {
		memset(&range, 0, sizeof(range));
		cur_lv_str(item, 1, range.er_from, sizeof(range.er_from));
		cur_lv_str(item, 1, range.er_to, sizeof(range.er_to));
		if (cur_u32(item, &count) == -1)
			return (-1);
		if ((size = e164_range_size(&range)) == 0 || count > size)
			return (-1);
		if (conf_add_range(list, &range, count) == NULL)
			return (-1);
	}
	return (cur_done(item));
}

static int
send_texts(struct chan *ch, const struct conf *c, const struct list_row *row)
{
	const struct conf_texts	*list = (const struct conf_texts *)
	    (const void *)((const uint8_t *)c + row->lr_off);
	const struct conf_text	*t = TAILQ_FIRST(list);
	struct wbuf		 w;

	while (t != NULL) {
		wbuf_init(&w, item_buf, BATCH_MAX);
		wbuf_u16(&w, ITEM_TEXTS);
		wbuf_u8(&w, row->lr_id);
		for (; t != NULL && w.w_len < BATCH_MAX - 512;
		    t = TAILQ_NEXT(t, ct_entry)) {
			wbuf_lv_str(&w, 1, t->ct_text);
			put_addr(&w, &t->ct_addr);
			wbuf_u32(&w, t->ct_value);
		}
		if (send_item(ch, &w, -1) == -1)
			return (-1);
	}
	return (0);
}

static int
texts_get(struct conf *c, struct cur *item)
{
	struct conf_texts	*list;
	struct vaddr		 addr;
	char			 text[DOMAIN_SIZE];
	uint32_t		 value;
	uint8_t			 id;
	size_t			 i;

	cur_u8(item, &id);
	for (i = 0; i < N(text_lists); i++)
		if (text_lists[i].lr_id == id)
			break;
	if (i == N(text_lists))
		return (-1);
	list = (struct conf_texts *)(void *)((uint8_t *)c +
	    text_lists[i].lr_off);
	while (cur_left(item) != 0) {
		cur_lv_str(item, 1, text, sizeof(text));
		(void)get_addr(item, &addr);
		if (cur_u32(item, &value) == -1 || text[0] == '\0' ||
		    !printable(text))
			return (-1);
		if (conf_add_text(list, text, &addr, value) == NULL)
			return (-1);
	}
	return (cur_done(item));
}

static int
send_blob(struct chan *ch, const struct conf *c, const struct blob_row *row,
    unsigned role)
{
	const struct conf_blob *b = (const struct conf_blob *)
	    (const void *)((const uint8_t *)c + row->br_off);
	struct wbuf	 w;
	size_t		 off = 0, n;
	int		 fd;

	if ((row->br_fd & role) && b->cb_fd != -1) {
		if ((fd = fcntl(b->cb_fd, F_DUPFD_CLOEXEC, 0)) == -1)
			return (-1);
		wbuf_init(&w, item_buf, sizeof(item_buf));
		wbuf_u16(&w, ITEM_FILE);
		wbuf_u8(&w, row->br_id);
		wbuf_lv_str(&w, 2, b->cb_path);
		if (send_item(ch, &w, fd) == -1)
			return (-1);
	}
	if (!(row->br_bytes & role) || b->cb_data == NULL || b->cb_len == 0)
		return (0);
	if (b->cb_len > row->br_max) {
		errno = EFBIG;
		return (-1);
	}
	for (; off < b->cb_len; off += n) {
		n = b->cb_len - off;
		if (n > CONF_PIECE)
			n = CONF_PIECE;
		wbuf_init(&w, item_buf, sizeof(item_buf));
		wbuf_u16(&w, ITEM_BYTES);
		wbuf_u8(&w, row->br_id);
		wbuf_lv_str(&w, 2, b->cb_path);
		wbuf_u32(&w, (uint32_t)b->cb_len);
		wbuf_u32(&w, (uint32_t)off);
		wbuf_bytes(&w, b->cb_data + off, n);
		if (send_item(ch, &w, -1) == -1)
			return (-1);
	}
	return (0);
}

/* Pieces come in order; one byte more than the file is kept, a NUL, for
 * parsers of text. */
static int
bytes_get(struct conf *c, struct cur *item)
{
	struct conf_blob *b;
	uint32_t	 total, off;
	uint8_t		 id;
	size_t		 i, n;

	cur_u8(item, &id);
	for (i = 0; i < N(blobs); i++)
		if (blobs[i].br_id == id && blobs[i].br_max != 0)
			break;
	if (i == N(blobs))
		return (-1);
	b = (struct conf_blob *)(void *)((uint8_t *)c + blobs[i].br_off);
	cur_lv_str(item, 2, b->cb_path, sizeof(b->cb_path));
	cur_u32(item, &total);
	cur_u32(item, &off);
	n = cur_left(item);
	if (cur_ok(item) == -1 || !printable(b->cb_path) || n == 0 ||
	    n > CONF_PIECE || total > blobs[i].br_max || off >= total ||
	    n > total - off || off != b->cb_len - b->cb_missing)
		return (-1);
	if (off == 0) {
		if (b->cb_data != NULL ||
		    (b->cb_data = calloc(1, (size_t)total + 1)) == NULL)
			return (-1);
		b->cb_len = b->cb_missing = total;
	} else if (b->cb_len != total)
		return (-1);
	if (cur_bytes(item, b->cb_data + off, n) == -1)
		return (-1);
	b->cb_missing -= n;
	return (cur_done(item));
}

static int
file_get(struct conf *c, struct cur *item, int *fd)
{
	struct conf_blob *b;
	uint8_t		 id;
	size_t		 i;

	cur_u8(item, &id);
	for (i = 0; i < N(blobs); i++)
		if (blobs[i].br_id == id && blobs[i].br_fd != 0)
			break;
	if (i == N(blobs) || *fd == -1)
		return (-1);
	b = (struct conf_blob *)(void *)((uint8_t *)c + blobs[i].br_off);
	if (b->cb_fd != -1)
		return (-1);
	cur_lv_str(item, 2, b->cb_path, sizeof(b->cb_path));
	if (cur_done(item) == -1 || !printable(b->cb_path))
		return (-1);
	b->cb_fd = *fd;
	*fd = -1;
	return (0);
}

int
conf_send(struct chan *ch, const struct conf *c, enum vipr_role to)
{
	struct imsg_reconf	 rc;
	struct wbuf		 w;
	unsigned		 role = R(to);
	size_t			 i;

	memset(&rc, 0, sizeof(rc));
	rc.rc_generation = c->c_generation;
	if (chan_send(ch, IMSG_RECONF_BEGIN, -1, &rc, sizeof(rc), NULL, 0) ==
	    -1)
		return (-1);
	wbuf_init(&w, item_buf, sizeof(item_buf));
	wbuf_u16(&w, ITEM_START);
	wbuf_u64(&w, c->c_generation);
	if (send_item(ch, &w, -1) == -1 ||
	    send_settings(ch, c, role) == -1 ||
	    send_listens(ch, c, role) == -1)
		return (-1);
	if ((role & R_SIP) && (send_hops(ch, c) == -1 ||
	    send_classes(ch, c) == -1))
		return (-1);
	for (i = 0; i < N(range_lists); i++)
		if ((range_lists[i].lr_roles & role) &&
		    send_ranges(ch, c, &range_lists[i]) == -1)
			return (-1);
	for (i = 0; i < N(text_lists); i++)
		if ((text_lists[i].lr_roles & role) &&
		    send_texts(ch, c, &text_lists[i]) == -1)
			return (-1);
	for (i = 0; i < N(blobs); i++)
		if (send_blob(ch, c, &blobs[i], role) == -1)
			return (-1);
	wbuf_init(&w, item_buf, sizeof(item_buf));
	wbuf_u16(&w, ITEM_DONE);
	if (send_item(ch, &w, -1) == -1)
		return (-1);
	return (chan_send(ch, IMSG_RECONF_END, -1, &rc, sizeof(rc), NULL, 0));
}

int
conf_item(struct conf *c, struct cur *item, int fd)
{
	uint16_t	 type;
	int		 r = -1;

	cur_u16(item, &type);
	if (cur_ok(item) == -1 || (type == ITEM_START) != (c->c_received == 0) ||
	    c->c_received == 2)
		goto done;
	switch (type) {
	case ITEM_START:
		conf_clear_lists(c);
		cur_u64(item, &c->c_generation);
		c->c_received = 1;
		r = cur_done(item);
		break;
	case ITEM_SETTINGS:
		r = settings_get(c, item);
		break;
	case ITEM_LISTEN:
		r = listen_get(c, item, &fd);
		break;
	case ITEM_HOP:
		r = hop_get(c, item);
		break;
	case ITEM_CLASS:
		r = class_get(c, item);
		break;
	case ITEM_RANGES:
		r = ranges_get(c, item);
		break;
	case ITEM_TEXTS:
		r = texts_get(c, item);
		break;
	case ITEM_BYTES:
		r = bytes_get(c, item);
		break;
	case ITEM_FILE:
		r = file_get(c, item, &fd);
		break;
	case ITEM_DONE:
		c->c_received = 2;
		if ((r = conf_complete(c)) == 0)
			r = cur_done(item);
		break;
	default:
		break;
	}
	if (fd != -1)		/* came where none belongs */
		r = -1;
 done:
	if (fd != -1)
		(void)close(fd);
	return (r);
}

int
conf_complete(const struct conf *c)
{
	const struct conf_blob	*b;
	size_t			 i;

	if (c->c_received != 2)
		return (-1);
	for (i = 0; i < N(blobs); i++) {
		b = (const struct conf_blob *)(const void *)
		    ((const uint8_t *)c + blobs[i].br_off);
		if (b->cb_missing != 0)
			return (-1);
	}
	return (0);
}
