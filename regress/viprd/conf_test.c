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
 * The configuration between processes: what each role gets arrives as it was
 * sent, nobody gets more, and malformed items are refused at every byte.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "chan.h"
#include "conf.h"
#include "config_parse.h"
#include "viprd.h"

/* In place of the channel: what conf_send sends is kept here. */
struct sent {
	uint32_t	 se_type;
	int		 se_fd;
	size_t		 se_len;
	uint8_t		*se_data;
};
#define SENT_MAX	400
static struct sent	 sent[SENT_MAX];
static size_t		 nsent;
static size_t		 fail_after = SIZE_MAX;

int
chan_send(struct chan *ch, uint32_t type, int fd, const void *fixed,
    size_t fixedlen, const void *tail, size_t taillen)
{
	struct sent	*s = &sent[nsent];

	(void)ch;
	if (nsent >= fail_after || nsent >= SENT_MAX) {
		if (fd != -1)
			close(fd);
		errno = ENOBUFS;
		return (-1);
	}
	ATF_REQUIRE(fixedlen + taillen < VIPR_IMSG_MAX);
	s->se_type = type;
	s->se_fd = fd;
	s->se_len = fixedlen + taillen;
	ATF_REQUIRE((s->se_data = malloc(s->se_len + 1)) != NULL);
	if (fixedlen != 0)
		memcpy(s->se_data, fixed, fixedlen);
	if (taillen != 0)
		memcpy(s->se_data + fixedlen, tail, taillen);
	if (type == IMSG_RECONF_ITEM) {
		ATF_CHECK_EQ(0, fixedlen);
		ATF_CHECK(taillen <= CONF_ITEM_MAX);
	}
	nsent++;
	return (0);
}

static void
sent_clear(void)
{
	while (nsent > 0) {
		nsent--;
		if (sent[nsent].se_fd != -1)
			close(sent[nsent].se_fd);
		free(sent[nsent].se_data);
	}
}

static struct conf *
sample(void)
{
	static const char	 conf_text[] =
	    "domain a.example\n"
	    "permit private\n"
	    "test clock-offset -90\n"
	    "numbers { +14085550100 to +14085550199 +4989123456 }\n"
	    "callers +14085550400\n"
	    "never +1650\n"
	    "refuse domain evil.example\n"
	    "host b.example address 192.0.2.7 port 5061\n"
	    "resolver 192.0.2.53\n"
	    "operator root\n"
	    "decoy 5 from +12065550100 to +12065550199\n"
	    "overlay o.demo {\nconfig o.xml\ncertificate n.crt\nkey n.key\n"
	    "listen on 127.0.0.1\n}\n"
	    "pvp {\nlisten on 127.0.0.1\nproofs 3 from 2 callers\n"
	    "min-duration 61s\nlimit number 6\n}\n"
	    "sip {\ncertificate s.crt\nkey s.key\nca ca.pem\n"
	    "listen inside on 127.0.0.1 udp\nlisten outside on 127.0.0.1\n"
	    "listen redirect on 127.0.0.1 udp\n"
	    "capture hep 192.0.2.77 port 9060 id 4000000000\n"
	    "country 49\nnational 0\nname sip.a.example\n"
	    "pbx p at 127.0.0.2 udp local +4989\n"
	    "trunk t at carrier.example port 5070 tcp priority 7 weight 9 ping no\n"
	    "connect-timeout 1500ms\nlimit 61 per hour\n}\n";
	struct conf_listen	*l;
	struct conf		*c;
	size_t			 i;
	int			 n;

	c = parse_config_text("t.conf", conf_text, strlen(conf_text), &n);
	ATF_REQUIRE(c != NULL);
	c->c_generation = 7;
	/* Stand-ins for what config_open opens. */
	TAILQ_FOREACH(l, &c->c_listens, cl_entry)
		ATF_REQUIRE((l->cl_fd = open("/dev/null", O_RDWR)) != -1);
	ATF_REQUIRE((l = calloc(1, sizeof(*l))) != NULL);
	l->cl_use = LISTEN_CONTROL;
	l->cl_proto = SIP_TCP;
	ATF_REQUIRE((l->cl_fd = open("/dev/null", O_RDWR)) != -1);
	TAILQ_INSERT_TAIL(&c->c_listens, l, cl_entry);
	atf_utils_create_file("secret", "SECRET");
	ATF_REQUIRE((c->c_node_key.cb_fd = open("secret", O_RDONLY)) != -1);
	ATF_REQUIRE((c->c_sip_key.cb_fd = open("secret", O_RDONLY)) != -1);
	ATF_REQUIRE((c->c_master.cb_fd = open("secret", O_RDONLY)) != -1);
	c->c_ov_config.cb_data = (uint8_t *)strdup("<document/>");
	c->c_ov_config.cb_len = 11;
	c->c_node_cert.cb_data = (uint8_t *)strdup("node");
	c->c_node_cert.cb_len = 4;
	c->c_sip_cert.cb_data = (uint8_t *)strdup("cert");
	c->c_sip_cert.cb_len = 4;
	/* Several pieces, the last one not full. */
	c->c_sip_ca.cb_len = 3 * CONF_PIECE + 17;
	ATF_REQUIRE((c->c_sip_ca.cb_data = malloc(c->c_sip_ca.cb_len)) !=
	    NULL);
	for (i = 0; i < c->c_sip_ca.cb_len; i++)
		c->c_sip_ca.cb_data[i] = (uint8_t)(i * 7 + i / 251);
	return (c);
}

/* All items into a fresh one, from exact-size copies. */
static struct conf *
receive(void)
{
	struct conf	*c;
	struct cur	 cur;
	size_t		 i;
	int		 fd;

	ATF_REQUIRE((c = conf_new()) != NULL);
	for (i = 0; i < nsent; i++) {
		if (sent[i].se_type != IMSG_RECONF_ITEM)
			continue;
		ATF_CHECK_EQ(-1, conf_complete(c));
		cur_init(&cur, sent[i].se_data, sent[i].se_len);
		fd = sent[i].se_fd;
		sent[i].se_fd = -1;
		ATF_CHECK_EQ_MSG(0, conf_item(c, &cur, fd), "item %zu", i);
	}
	ATF_CHECK_EQ(0, conf_complete(c));
	return (c);
}

static struct conf *
pass(const struct conf *c, enum vipr_role role)
{
	struct imsg_reconf	 rc;
	struct conf		*d;

	sent_clear();
	ATF_REQUIRE_EQ(0, conf_send(NULL, c, role));
	ATF_CHECK_EQ(IMSG_RECONF_BEGIN, sent[0].se_type);
	ATF_CHECK_EQ(IMSG_RECONF_END, sent[nsent - 1].se_type);
	ATF_REQUIRE_EQ(sizeof(rc), sent[0].se_len);
	memcpy(&rc, sent[0].se_data, sizeof(rc));
	ATF_CHECK_EQ(7, rc.rc_generation);
	d = receive();
	ATF_CHECK_EQ(7, d->c_generation);
	ATF_CHECK_EQ(-90, d->c_clock_offset);
	ATF_CHECK_EQ(c->c_flags, d->c_flags);
	return (d);
}

static int
count_listens(const struct conf *c, int use, int with_fd)
{
	const struct conf_listen	*l;
	int				 n = 0;

	TAILQ_FOREACH(l, &c->c_listens, cl_entry)
		if ((use == 0 || l->cl_use == use) &&
		    (l->cl_fd != -1) == with_fd)
			n++;
	return (n);
}

static void
same_never(const struct conf *a, const struct conf *b)
{
	const struct conf_text	*x, *y = TAILQ_FIRST(&b->c_never);

	TAILQ_FOREACH(x, &a->c_never, ct_entry) {
		ATF_REQUIRE(y != NULL);
		ATF_CHECK_STREQ(x->ct_text, y->ct_text);
		ATF_CHECK_EQ(x->ct_value, y->ct_value);
		y = TAILQ_NEXT(y, ct_entry);
	}
	ATF_CHECK_EQ(NULL, y);
}

ATF_TC_WITHOUT_HEAD(role_key);
ATF_TC_BODY(role_key, tc)
{
	struct conf	*c = sample(), *d = pass(c, ROLE_KEY);
	char		 buf[16];

	ATF_CHECK_STREQ("a.example", d->c_domain);
	ATF_CHECK_EQ(3, d->c_proofs);
	ATF_CHECK_EQ(2, d->c_proofs_callers);
	ATF_CHECK_EQ(61, d->c_min_duration);
	ATF_CHECK_EQ(6, d->c_limit_number);
	ATF_CHECK_EQ(60, d->c_limit_hour);
	ATF_CHECK_STREQ("o.demo", d->c_overlay);
	ATF_CHECK(conf_number_ours(d, "+14085550150"));
	ATF_CHECK(conf_caller_ours(d, "+14085550400"));
	ATF_CHECK_STREQ("evil.example", TAILQ_FIRST(&d->c_refuse)->ct_text);
	ATF_CHECK(d->c_node_key.cb_fd != -1);
	ATF_CHECK(d->c_sip_key.cb_fd != -1);
	ATF_REQUIRE(d->c_master.cb_fd != -1);
	ATF_CHECK_EQ(6, pread(d->c_master.cb_fd, buf, sizeof(buf), 0));
	ATF_CHECK_EQ(-1, d->c_inside_key.cb_fd);
	ATF_CHECK_STREQ((char *)c->c_ov_config.cb_data,
	    (char *)d->c_ov_config.cb_data);
	ATF_CHECK_EQ(4, d->c_sip_cert.cb_len);
	ATF_CHECK(TAILQ_EMPTY(&d->c_listens));
	ATF_CHECK(TAILQ_EMPTY(&d->c_hops));
	ATF_CHECK(TAILQ_EMPTY(&d->c_decoys));
	ATF_CHECK_EQ(NULL, d->c_sip_ca.cb_data);
	same_never(c, d);
	conf_free(d);
	conf_free(c);
	sent_clear();
}

ATF_TC_WITHOUT_HEAD(role_sip);
ATF_TC_BODY(role_sip, tc)
{
	struct conf		*c = sample(), *d = pass(c, ROLE_SIP);
	const struct conf_listen *l;
	const struct conf_hop	*h;
	int			 redirects = 0;

	ATF_CHECK_EQ(3, count_listens(d, LISTEN_SIP, 1));
	ATF_CHECK_EQ(3, count_listens(d, 0, 1));
	TAILQ_FOREACH(l, &d->c_listens, cl_entry)
		redirects += l->cl_face == FACE_REDIRECT;
	ATF_CHECK_EQ(1, redirects);
	ATF_CHECK(d->c_flags & CONF_HEP);
	ATF_CHECK(vaddr_eq(&c->c_hep_addr, &d->c_hep_addr));
	ATF_CHECK_EQ(4000000000u, d->c_hep_id);
	ATF_CHECK_EQ(0, count_listens(d, 0, 0));
	h = TAILQ_FIRST(&d->c_hops);
	ATF_CHECK_STREQ("p", h->ch_name);
	ATF_CHECK_STREQ("4989", h->ch_rules.er_local);
	ATF_CHECK_STREQ("0", h->ch_rules.er_national);
	h = TAILQ_NEXT(h, ch_entry);
	ATF_CHECK_STREQ("carrier.example", h->ch_host);
	ATF_CHECK_EQ(5070, h->ch_addr.va_port);
	ATF_CHECK_EQ(7, h->ch_priority);
	ATF_CHECK_EQ(9, h->ch_weight);
	ATF_CHECK_EQ(0, h->ch_ping);
	ATF_CHECK_EQ(1, h->ch_trunk);
	ATF_CHECK_EQ(1500, d->c_connect_ms);
	ATF_CHECK_EQ(61, d->c_limit_hour);
	ATF_CHECK_EQ(60, d->c_min_duration);
	ATF_CHECK_EQ(2, d->c_proofs);
	ATF_CHECK_STREQ("49", d->c_rules.er_country);
	ATF_CHECK_STREQ("b.example", TAILQ_FIRST(&d->c_hosts)->ct_text);
	ATF_CHECK_EQ(5061, TAILQ_FIRST(&d->c_hosts)->ct_addr.va_port);
	ATF_CHECK_EQ(53, TAILQ_FIRST(&d->c_resolvers)->ct_addr.va_port);
	ATF_CHECK_STREQ("sip.a.example", TAILQ_FIRST(&d->c_names)->ct_text);
	ATF_REQUIRE_EQ(c->c_sip_ca.cb_len, d->c_sip_ca.cb_len);
	ATF_CHECK_EQ(0, memcmp(c->c_sip_ca.cb_data, d->c_sip_ca.cb_data,
	    d->c_sip_ca.cb_len));
	ATF_CHECK_EQ('\0', d->c_sip_ca.cb_data[d->c_sip_ca.cb_len]);
	same_never(c, d);
	conf_free(d);
	conf_free(c);
	sent_clear();
}

/* What must never leave the parent towards anybody but key. */
ATF_TC_WITHOUT_HEAD(keys_for_key_only);
ATF_TC_BODY(keys_for_key_only, tc)
{
	struct conf	*c = sample(), *d;
	struct stat	 st, secret;
	int		 role;
	size_t		 i;

	ATF_REQUIRE_EQ(0, fstat(c->c_master.cb_fd, &secret));
	for (role = ROLE_CONTROL; role < ROLE_MAX; role++) {
		sent_clear();
		ATF_REQUIRE_EQ(0, conf_send(NULL, c, (enum vipr_role)role));
		for (i = 0; i < nsent; i++) {
			if (sent[i].se_fd == -1)
				continue;
			ATF_REQUIRE_EQ(0, fstat(sent[i].se_fd, &st));
			ATF_CHECK_MSG(st.st_ino != secret.st_ino ||
			    st.st_dev != secret.st_dev, "role %d", role);
		}
		d = receive();
		ATF_CHECK_EQ(-1, d->c_node_key.cb_fd);
		ATF_CHECK_EQ(-1, d->c_sip_key.cb_fd);
		ATF_CHECK_EQ(-1, d->c_master.cb_fd);
		if (role != ROLE_SIP)
			ATF_CHECK(TAILQ_EMPTY(&d->c_callers));
		conf_free(d);
	}
	conf_free(c);
	sent_clear();
}

ATF_TC_WITHOUT_HEAD(other_roles);
ATF_TC_BODY(other_roles, tc)
{
	struct conf	*c = sample(), *d;

	d = pass(c, ROLE_OVERLAY);
	ATF_CHECK_EQ(1, count_listens(d, LISTEN_OVERLAY, 1));
	ATF_CHECK_EQ(1, count_listens(d, LISTEN_PVP, 0));
	ATF_CHECK_EQ(5, TAILQ_FIRST(&d->c_decoys)->cr_count);
	ATF_CHECK(conf_number_ours(d, "+4989123456"));
	ATF_CHECK_EQ(11, d->c_ov_config.cb_len);
	ATF_CHECK_STREQ("", d->c_domain);
	conf_free(d);

	d = pass(c, ROLE_PVP);
	ATF_CHECK_EQ(1, count_listens(d, LISTEN_PVP, 1));
	ATF_CHECK_EQ(1, count_listens(d, LISTEN_OVERLAY, 0));
	ATF_CHECK_STREQ("", d->c_overlay);
	ATF_CHECK_EQ(2, d->c_proofs);	/* what conf_new says */
	ATF_CHECK_EQ(5, d->c_limit_number);
	ATF_CHECK(!conf_number_ours(d, "+4989123456"));
	ATF_CHECK_EQ(4, d->c_node_cert.cb_len);
	ATF_CHECK_STREQ("", d->c_domain);
	conf_free(d);

	d = pass(c, ROLE_CONTROL);
	ATF_CHECK_EQ(1, count_listens(d, LISTEN_CONTROL, 1));
	ATF_CHECK_EQ(1, count_listens(d, 0, 1));
	ATF_CHECK_STREQ("root", TAILQ_FIRST(&d->c_operators)->ct_text);
	ATF_CHECK_EQ(0, TAILQ_FIRST(&d->c_operators)->ct_value);
	ATF_CHECK(TAILQ_EMPTY(&d->c_numbers));
	conf_free(d);
	conf_free(c);
	sent_clear();
}

ATF_TC_WITHOUT_HEAD(many_numbers);
ATF_TC_BODY(many_numbers, tc)
{
	struct conf		*c = conf_new(), *d;
	const struct conf_range	*x, *y;
	struct e164_range	 r;
	int			 i;

	c->c_generation = 7;
	c->c_clock_offset = -90;
	for (i = 0; i < 20000; i++) {
		memset(&r, 0, sizeof(r));
		snprintf(r.er_from, sizeof(r.er_from), "+1408%07d", i * 3);
		memcpy(r.er_to, r.er_from, sizeof(r.er_to));
		ATF_REQUIRE(conf_add_range(&c->c_numbers, &r, 0) != NULL);
	}
	d = pass(c, ROLE_OVERLAY);
	y = TAILQ_FIRST(&d->c_numbers);
	TAILQ_FOREACH(x, &c->c_numbers, cr_entry) {
		ATF_REQUIRE(y != NULL);
		ATF_REQUIRE_STREQ(x->cr_range.er_from, y->cr_range.er_from);
		y = TAILQ_NEXT(y, cr_entry);
	}
	ATF_CHECK_EQ(NULL, y);
	conf_free(d);
	conf_free(c);
	sent_clear();
}

/* A full channel is an error, not half a configuration that looks whole. */
ATF_TC_WITHOUT_HEAD(channel_full);
ATF_TC_BODY(channel_full, tc)
{
	struct conf	*c = sample();
	size_t		 total;
	int		 role;

	for (role = ROLE_KEY; role < ROLE_MAX; role++) {
		sent_clear();
		fail_after = SIZE_MAX;
		ATF_REQUIRE_EQ(0, conf_send(NULL, c, (enum vipr_role)role));
		total = nsent;
		for (fail_after = 0; fail_after < total; fail_after++) {
			sent_clear();
			ATF_CHECK_EQ(-1, conf_send(NULL, c,
			    (enum vipr_role)role));
		}
	}
	conf_free(c);
	sent_clear();
}

/* Every prefix and every changed byte of every item: refused or sane. */
ATF_TC_WITHOUT_HEAD(malformed);
ATF_TC_BODY(malformed, tc)
{
	static const uint8_t	 flips[] = { 0x01, 0x80, 0xff };
	struct conf		*c = sample(), *d;
	struct cur		 cur;
	uint8_t			*heap, start[10] = { 0, 1, 0, 0, 0, 0, 0, 0, 0,
				    7 };
	size_t			 i, n, k, step;
	int			 role;

	c->c_sip_ca.cb_len = 300;
	for (role = ROLE_KEY; role < ROLE_MAX; role++) {
		sent_clear();
		ATF_REQUIRE_EQ(0, conf_send(NULL, c, (enum vipr_role)role));
		for (i = 2; i + 2 < nsent; i++) {
			step = sent[i].se_len > 2000 ? 37 : 1;
			for (n = 0; n < sent[i].se_len; n += step) {
				ATF_REQUIRE((d = conf_new()) != NULL);
				cur_init(&cur, start, sizeof(start));
				ATF_REQUIRE_EQ(0, conf_item(d, &cur, -1));
				ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
				memcpy(heap, sent[i].se_data, n);
				cur_init(&cur, heap, n);
				if (conf_item(d, &cur, -1) == 0)
					ATF_CHECK_EQ(-1, conf_complete(d));
				free(heap);
				conf_free(d);
			}
			for (n = 0; n < sent[i].se_len * 3; n += step) {
				ATF_REQUIRE((d = conf_new()) != NULL);
				cur_init(&cur, start, sizeof(start));
				ATF_REQUIRE_EQ(0, conf_item(d, &cur, -1));
				k = sent[i].se_len;
				ATF_REQUIRE((heap = malloc(k)) != NULL);
				memcpy(heap, sent[i].se_data, k);
				heap[n / 3] ^= flips[n % 3];
				cur_init(&cur, heap, k);
				(void)conf_item(d, &cur, -1);
				free(heap);
				conf_free(d);
			}
		}
	}
	conf_free(c);
	sent_clear();
}

static int
item(struct conf *c, const void *data, size_t len, int fd)
{
	struct cur	 cur;

	cur_init(&cur, data, len);
	return (conf_item(c, &cur, fd));
}

ATF_TC_WITHOUT_HEAD(order);
ATF_TC_BODY(order, tc)
{
	static const uint8_t	 start[] = { 0, 1, 0, 0, 0, 0, 0, 0, 0, 9 };
	static const uint8_t	 done[] = { 0, 9 };
	static const uint8_t	 settings[] = { 0, 2 };
	static const uint8_t	 unknown[] = { 0, 99 };
	static const uint8_t	 piece[] = { 0, 7, 1, 0, 0, 0, 0, 0, 2,
				    0, 0, 0, 0, 'x' };
	static const uint8_t	 later[] = { 0, 7, 1, 0, 0, 0, 0, 0, 2,
				    0, 0, 0, 1, 'y' };
	static const uint8_t	 huge[] = { 0, 7, 1, 0, 0, 0xff, 0xff, 0xff,
				    0xff, 0, 0, 0, 0, 'x' };
	static const uint8_t	 beyond[] = { 0, 7, 1, 0, 0, 0, 0, 0, 1,
				    0, 0, 0, 0, 'x', 'y' };
	static const uint8_t	 key[] = { 0, 8, 2, 0, 0 };
	static const uint8_t	 nokey[] = { 0, 8, 1, 0, 0 };
	static const uint8_t	 num[] = { 0, 2, 0, 31, 0, 8, 0, 0, 0, 0, 0,
				    0, 0, 101 };
	struct conf		*c = conf_new();
	int			 fd;

	ATF_REQUIRE(c != NULL);
	ATF_CHECK(conf_never(c, "112"));
	ATF_CHECK_EQ(-1, item(c, settings, sizeof(settings), -1));
	ATF_CHECK_EQ(-1, item(c, done, sizeof(done), -1));
	ATF_CHECK_EQ(0, item(c, start, sizeof(start), -1));
	ATF_CHECK_EQ(9, c->c_generation);
	ATF_CHECK_MSG(!conf_never(c, "112"), "the shipped list is sent, too");
	ATF_CHECK_EQ(-1, item(c, start, sizeof(start), -1));
	ATF_CHECK_EQ(-1, item(c, unknown, sizeof(unknown), -1));
	ATF_CHECK_EQ(-1, item(c, NULL, 0, -1));
	ATF_CHECK_EQ(-1, item(c, later, sizeof(later), -1));
	ATF_CHECK_EQ(-1, item(c, huge, sizeof(huge), -1));
	ATF_CHECK_EQ(-1, item(c, beyond, sizeof(beyond), -1));
	ATF_CHECK_EQ(-1, item(c, num, sizeof(num), -1));
	ATF_CHECK_EQ(0, c->c_proofs_callers);
	/* A descriptor where none belongs, and none where one does. */
	ATF_REQUIRE((fd = open("/dev/null", O_RDONLY)) != -1);
	ATF_CHECK_EQ(-1, item(c, settings, sizeof(settings), fd));
	ATF_CHECK_EQ_MSG(-1, fcntl(fd, F_GETFD), "not closed");
	ATF_CHECK_EQ(-1, item(c, key, sizeof(key), -1));
	ATF_REQUIRE((fd = open("/dev/null", O_RDONLY)) != -1);
	ATF_CHECK_EQ(-1, item(c, nokey, sizeof(nokey), fd));
	ATF_CHECK_EQ(-1, fcntl(fd, F_GETFD));
	ATF_REQUIRE((fd = open("/dev/null", O_RDONLY)) != -1);
	ATF_CHECK_EQ(0, item(c, key, sizeof(key), fd));
	ATF_CHECK_EQ(fd, c->c_sip_key.cb_fd);
	ATF_REQUIRE((fd = open("/dev/null", O_RDONLY)) != -1);
	ATF_CHECK_EQ(-1, item(c, key, sizeof(key), fd));
	/* Half a file is noticed. */
	ATF_CHECK_EQ(0, item(c, piece, sizeof(piece), -1));
	ATF_CHECK_EQ(-1, item(c, piece, sizeof(piece), -1));
	ATF_CHECK_EQ(-1, item(c, done, sizeof(done), -1));
	ATF_CHECK_EQ(-1, conf_complete(c));
	ATF_CHECK_EQ(-1, item(c, done, sizeof(done), -1));
	ATF_CHECK_EQ(-1, item(c, later, sizeof(later), -1));
	conf_free(c);
}

ATF_TC_WITHOUT_HEAD(domains);
ATF_TC_BODY(domains, tc)
{
	static const char *const good[] = { "a.example", "a", "x1.example",
	    "xn--bcher-kva.example", "a-b.c-d.example", "1.example" };
	static const char *const bad[] = { "", ".", "a.", ".a", "a..b", "-a.b",
	    "a-.b", "a.b-", "A.example", "a_b.example", "a b", "192.0.2.1",
	    "a.1", "b\303\274cher.example", "a.example\n" };
	char		 longest[300];
	size_t		 i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ATF_CHECK_MSG(conf_domain_valid(good[i]), "%s", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ATF_CHECK_MSG(!conf_domain_valid(bad[i]), "%s", bad[i]);
	memset(longest, 'a', sizeof(longest));
	longest[63] = '\0';
	ATF_CHECK(conf_domain_valid(longest));
	longest[63] = 'a';
	longest[64] = '\0';
	ATF_CHECK(!conf_domain_valid(longest));
	for (i = 0; i < 253; i++)
		longest[i] = i % 2 ? '.' : 'a';
	longest[253] = '\0';
	ATF_CHECK(conf_domain_valid(longest));
	longest[253] = 'a';
	longest[254] = '\0';
	ATF_CHECK(!conf_domain_valid(longest));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, role_key);
	ATF_TP_ADD_TC(tp, role_sip);
	ATF_TP_ADD_TC(tp, keys_for_key_only);
	ATF_TP_ADD_TC(tp, other_roles);
	ATF_TP_ADD_TC(tp, many_numbers);
	ATF_TP_ADD_TC(tp, channel_full);
	ATF_TP_ADD_TC(tp, malformed);
	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, domains);
	return (atf_no_error());
}
