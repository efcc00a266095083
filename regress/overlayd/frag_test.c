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
 * Fragments: cut on the way, cut once more, put together at the end; limits of
 * memory that one peer cannot use up for the others.
 */

#include <atf-c.h>

#include "hand.h"

#define PIECES	512

static struct sim	*si;
static struct simnode	*asker, *middle, *target;
static struct {
	uint32_t	 fragment;
	size_t		 payload;
}			 piece[PIECES];	/* middle to target */
static unsigned		 npieces;
static int		 code, error;	/* of the answer to asker, from: who signed it */
static uint64_t		 watch;

static int	 tap(struct sim *, struct simnode *, struct simnode *, const void *, size_t);
static void	 setup(int, uint64_t);
static void	 to_node(struct hand *, uint8_t [32], const struct simnode *);
static void	 send_piece(struct simnode *, struct simnode *, const struct hand *,
		    const uint8_t *, size_t, uint32_t);
static void	 done(struct node *, const struct node_resp *, void *);

static int
tap(struct sim *s, struct simnode *from, struct simnode *to, const void *msg, size_t len)
{
	struct wire_header wh;
	struct wire_error we;
	struct wire_errresp wr;
	struct wire_msg	 wm;

	(void)s;
	ATF_CHECK(len <= si->si_doc.rd_max_message);
	if (wire_fragment_parse(msg, len, &wh, &we) == -1 || wh.wh_tid != watch)
		return (0);
	if (from == middle && to == target && npieces < PIECES) {
		piece[npieces].fragment = wh.wh_fragment;
		piece[npieces++].payload = len - wh.wh_size;
	}
	if (to == asker && wire_msg_parse(msg, len, &wm, &we) == 0) {
		code = wm.wm_contents.wc_code;
		if (code == WIRE_ERROR && wire_error_parse(&wm.wm_contents.wc_body, &wr, &we) == 0)
			error = wr.wr_code;
	}
	return (0);
}

static void
setup(int n, uint64_t seed)
{
	int		 i;

	si = sim_new(n, seed);
	for (i = 0; i < n; i++)
		(void)sim_on(si, i);
	ATF_REQUIRE_EQ(0, sim_join(si, 240000));
	sim_for(si, 20000);
	middle = &si->si_node[0];
	asker = &si->si_node[1];
	target = &si->si_node[2];
	npieces = 0;
	code = error = 0;
	watch = 4711;
	si->si_tap = tap;
}

static void
to_node(struct hand *ha, uint8_t buf[32], const struct simnode *sn)
{
	struct wbuf	 w;

	wbuf_init(&w, buf, 32);
	wire_dest_node(&w, sn->sn_id.id_b);
	cur_init(&ha->ha_dest, buf, w.w_len);
}

static void
send_piece(struct simnode *from, struct simnode *to, const struct hand *ha,
    const uint8_t *payload, size_t len, uint32_t fragment)
{
	static uint8_t	 msg[131072 + WIRE_LISTS_MAX];
	struct hand	 piece_of = *ha;
	size_t		 n;

	piece_of.ha_fragment = fragment;
	n = hand_header(si, &piece_of, payload, len, msg, sizeof(msg));
	ATF_REQUIRE_EQ(0, sim_inject(from, to, msg, n));
}

/* A via list that may not be kept makes a message too large: equal pieces, each
 * offset counted from the end of the header, the last one marked. */
ATF_TC_WITHOUT_HEAD(cut);
ATF_TC_BODY(cut, tc)
{
	static const uint8_t option[] = { 2, WIRE_OPT_STATELESS, 0, 0 };
	struct hand	 ha;
	uint8_t		 dest[32], body[4096];
	size_t		 len, i, off;
	uint32_t	 want;

	setup(3, 1);
	si->si_doc.rd_max_message = 1000;
	hand_init(&ha, watch);
	to_node(&ha, dest, target);
	cur_init(&ha.ha_options, option, sizeof(option));
	/* 38 + 18 + 4 and a payload of 940. */
	len = hand_ping(body, sizeof(body), 0);
	len = 940 - hand_payload(asker, &ha, body, len, body, sizeof(body));
	len = hand_ping(body, sizeof(body), len);
	ATF_REQUIRE_EQ(0, hand_send(asker, asker, middle, &ha, body, len));
	sim_for(si, 300);
	ATF_REQUIRE_EQ(2, npieces);
	for (i = off = 0; i < npieces; i++) {
		want = WIRE_FRAG_ALWAYS | (uint32_t)off | (i == 1 ? WIRE_FRAG_LAST : 0);
		ATF_CHECK_EQ_MSG(want, piece[i].fragment, "%08x", piece[i].fragment);
		ATF_CHECK_EQ(470, piece[i].payload);
		off += piece[i].payload;
	}
	ATF_CHECK_EQ(WIRE_PING_ANS, code);
	ATF_CHECK_EQ(0, target->sn_node->n_nfrags);
	ATF_CHECK_EQ(0, target->sn_node->n_fragbytes);
	sim_free(si);
}

/* A piece is cut again: offsets add up, only the very last is the last.  Where
 * pieces would fall below 256 bytes, the requester is told; but not for a piece
 * of which nobody can say what it belongs to. */
ATF_TC_WITHOUT_HEAD(cut_again);
ATF_TC_BODY(cut_again, tc)
{
	static const uint8_t option[] = { 2, WIRE_OPT_STATELESS, 0, 0 };
	static uint8_t	 payload[4096];
	struct hand	 ha;
	uint8_t		 dest[32], body[4096];
	size_t		 len, n, off;
	unsigned	 i;

	setup(3, 2);
	si->si_doc.rd_max_message = 4000;
	hand_init(&ha, watch);
	to_node(&ha, dest, target);
	cur_init(&ha.ha_options, option, sizeof(option));
	len = hand_ping(body, sizeof(body), 0);
	len = 1880 - hand_payload(asker, &ha, body, len, payload, sizeof(payload));
	len = hand_ping(body, sizeof(body), len);
	n = hand_payload(asker, &ha, body, len, payload, sizeof(payload));
	ATF_REQUIRE_EQ(1880, n);
	si->si_doc.rd_max_message = 1000;
	send_piece(asker, middle, &ha, payload, 940, WIRE_FRAG_ALWAYS);
	send_piece(asker, middle, &ha, payload + 940, 940, WIRE_FRAG_WHOLE | 940);
	sim_for(si, 20 + 1);
	si->si_doc.rd_max_message = 4000;	/* for the target */
	sim_for(si, 300);
	ATF_REQUIRE_EQ(4, npieces);
	for (i = 0, off = 0; i < 4; i++) {
		ATF_CHECK_EQ_MSG(WIRE_FRAG_ALWAYS | (uint32_t)off |
		    (i == 3 ? WIRE_FRAG_LAST : 0), piece[i].fragment, "%u: %08x", i,
		    piece[i].fragment);
		ATF_CHECK_EQ(470, piece[i].payload);
		off += 470;
	}
	ATF_CHECK_EQ(WIRE_PING_ANS, code);
	/* Header 60 + 18, payload 500: no two pieces of 256. */
	si->si_doc.rd_max_message = 570;
	for (i = 0; i < 2; i++) {
		npieces = 0;
		code = error = 0;
		ha.ha_tid = ++watch;
		send_piece(asker, middle, &ha, payload, 500, i == 0 ? WIRE_FRAG_ALWAYS :
		    WIRE_FRAG_ALWAYS | 600);
		sim_for(si, 300);
		ATF_CHECK_EQ(0, npieces);
		ATF_CHECK_EQ(i == 0 ? WIRE_E_MESSAGE_TOO_LARGE : 0, error);
	}
	sim_free(si);
}

/* The largest message there may be, in the smallest pieces, in a bad order. */
ATF_TC_WITHOUT_HEAD(many);
ATF_TC_BODY(many, tc)
{
	static uint8_t	 payload[131072], body[131072];
	struct hand	 ha;
	uint8_t		 dest[32];
	size_t		 len, n, i, k, count;

	setup(3, 3);
	hand_init(&ha, watch);
	to_node(&ha, dest, target);
	len = hand_ping(body, sizeof(body), 65535);
	n = hand_payload(asker, &ha, body, len, payload, sizeof(payload));
	count = (n + 255) / 256;
	for (k = 0; k < count; k++) {
		i = k * 97 % count;
		ATF_REQUIRE(count % 97 != 0);
		len = i + 1 == count ? n - 256 * i : 256;
		send_piece(asker, target, &ha, payload + 256 * i, len,
		    WIRE_FRAG_ALWAYS | (uint32_t)(256 * i) |
		    (i + 1 == count ? WIRE_FRAG_LAST : 0));
	}
	sim_for(si, 300);
	ATF_CHECK_EQ(WIRE_PING_ANS, code);
	ATF_CHECK_EQ(0, target->sn_node->n_nfrags);
	ATF_CHECK_EQ(0, target->sn_node->n_fragbytes);
	sim_free(si);
}

/* Pieces that are refused, and a set with them. */
ATF_TC_WITHOUT_HEAD(refused);
ATF_TC_BODY(refused, tc)
{
	static const struct {
		uint32_t	 field[3];
		size_t		 len[3];
		int		 ok;
	} t[] = {
		/* 900 bytes as they should come; reserved bits are nothing to us */
		{ { 0x80000000, 0x8000012c, 0xc0000258 }, { 300, 300, 300 }, 1 },
		{ { 0x95000000, 0xbf00012c, 0xff000258 }, { 300, 300, 300 }, 1 },
		/* a short end; a short beginning */
		{ { 0x80000000, 0x8000012c, 0xc0000320 }, { 300, 500, 100 }, 1 },
		{ { 0x80000000, 0x80000064, 0xc0000258 }, { 100, 500, 300 }, 0 },
		/* bit 31 clear: no fragment, no message */
		{ { 0x80000000, 0x0000012c, 0xc0000258 }, { 300, 300, 300 }, 0 },
		/* overlap, a hole, two ends, something behind the end */
		{ { 0x80000000, 0x8000012b, 0xc0000258 }, { 300, 301, 300 }, 0 },
		{ { 0x80000000, 0x8000012d, 0xc0000258 }, { 300, 299, 300 }, 0 },
		{ { 0x80000000, 0xc000012c, 0xc0000258 }, { 300, 300, 300 }, 0 },
		{ { 0xc0000258, 0x80000384, 0x80000000 }, { 300, 300, 600 }, 0 },
		/* whole but for a reserved bit */
		{ { 0xe0000000, 0, 0 }, { 900, 0, 0 }, 1 }
	};
	static uint8_t	 payload[4096], body[4096];
	struct hand	 ha;
	uint8_t		 dest[32];
	size_t		 len, i, k, off;

	setup(3, 4);
	hand_init(&ha, watch);
	to_node(&ha, dest, target);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		code = 0;
		ha.ha_tid = ++watch;
		len = hand_ping(body, sizeof(body), 0);
		len = 900 - hand_payload(asker, &ha, body, len, payload, sizeof(payload));
		len = hand_ping(body, sizeof(body), len);
		ATF_REQUIRE_EQ(900, hand_payload(asker, &ha, body, len, payload,
		    sizeof(payload)));
		for (k = 0; k < 3 && t[i].len[k] > 0; k++) {
			off = t[i].field[k] & WIRE_FRAG_OFFSET;
			send_piece(asker, target, &ha, payload + off, t[i].len[k],
			    t[i].field[k]);
		}
		sim_for(si, 300);
		ATF_CHECK_EQ_MSG(t[i].ok ? WIRE_PING_ANS : 0, code, "case %zu", i);
	}
	/* What was left of them is gone after 15 seconds. */
	sim_for(si, 15000);
	ha.ha_tid = ++watch;
	send_piece(asker, target, &ha, payload, 300, 0x80000000);
	sim_for(si, 100);
	ATF_CHECK_EQ(1, target->sn_node->n_nfrags);
	sim_free(si);
}

/* A peer that begins thousands of messages throws out its own, not another's;
 * memory stays under its limit. */
ATF_TC_WITHOUT_HEAD(flood);
ATF_TC_BODY(flood, tc)
{
	static uint8_t	 payload[131072], body[4096], junk[65536];
	struct hand	 ha, hj;
	struct simnode	*evil;
	uint8_t		 dest[32], dest2[32];
	size_t		 len, most = 0;
	int		 i, large;

	for (large = 0; large < 2; large++) {
		setup(4, 5);
		evil = &si->si_node[3];
		hand_init(&ha, watch);
		to_node(&ha, dest, target);
		len = hand_ping(body, sizeof(body), 0);
		len = 900 - hand_payload(asker, &ha, body, len, payload, sizeof(payload));
		len = hand_ping(body, sizeof(body), len);
		(void)hand_payload(asker, &ha, body, len, payload, sizeof(payload));
		send_piece(asker, target, &ha, payload, 300, 0x80000000);
		sim_for(si, 100);
		hand_init(&hj, 0);
		to_node(&hj, dest2, target);
		for (i = 0; i < 2000; i++) {
			hj.ha_tid = 100000 + (uint64_t)i;
			send_piece(evil, target, &hj, junk, large ? sizeof(junk) : 256,
			    0x80000000);
			sim_for(si, 2);
			if (target->sn_node->n_fragbytes > most)
				most = target->sn_node->n_fragbytes;
		}
		ATF_CHECK(most <= 8 * 1024 * 1024);
		ATF_CHECK(target->sn_node->n_nfrags <= 64);
		send_piece(asker, target, &ha, payload + 300, 600, 0xc0000000 | 300);
		sim_for(si, 300);
		ATF_CHECK_EQ_MSG(WIRE_PING_ANS, code, "large %d", large);
		sim_free(si);
	}
}

static struct {
	int		 done, error;
}			 result;

static void
done(struct node *n, const struct node_resp *resp, void *arg)
{
	(void)n;
	(void)arg;
	result.done++;
	result.error = resp->nr_error;
}

/* A message of our own above max-message-size is not sent, cut or not. */
ATF_TC_WITHOUT_HEAD(own);
ATF_TC_BODY(own, tc)
{
	struct node_build b;
	struct node_dest nd;
	uint8_t		 pad[2000];
	size_t		 len, max = 1200;

	setup(3, 6);
	memset(pad, 0, sizeof(pad));
	/* 38 + 18, 12 and the security block; then one byte more. */
	si->si_doc.rd_max_message = (uint32_t)max;
	for (len = max; len <= max + 1; len++) {
		memset(&result, 0, sizeof(result));
		ATF_REQUIRE_EQ(0, build_open(asker->sn_node, &b, WIRE_PING));
		wire_ping_write(&b.nb_w, pad, len - 38 - 18 - 12 - 2 - 3 -
		    asker->sn_certlen - 2 - 35 - 2 - 2 - 32);
		memset(&nd, 0, sizeof(nd));
		nd.nd_type = WIRE_DEST_NODE;
		nd.nd_id = target->sn_id;
		node_clock(asker->sn_node, si->si_now, SIM_WALL + si->si_now);
		(void)node_request(asker->sn_node, &b, &nd, 1, 0, done, NULL);
		sim_rewake(asker);
		sim_for(si, 300);
		ATF_CHECK_EQ(1, result.done);
		ATF_CHECK_EQ_MSG(len == max ? 0 : WIRE_E_MESSAGE_TOO_LARGE, result.error,
		    "%zu bytes: %d", len, result.error);
	}
	sim_free(si);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, cut);
	ATF_TP_ADD_TC(tp, cut_again);
	ATF_TP_ADD_TC(tp, many);
	ATF_TP_ADD_TC(tp, refused);
	ATF_TP_ADD_TC(tp, flood);
	ATF_TP_ADD_TC(tp, own);
	return (atf_no_error());
}
