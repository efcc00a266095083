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
 * What a peer does with messages for others: via lists that grow too long,
 * Errors from the way, lists with duplicates, answers that nobody may answer.
 */

#include <atf-c.h>

#include "hand.h"

#define MSGS	64

static struct sim	*si;
static struct simnode	*asker, *middle, *target;
static struct {			/* messages of transaction watch, as they were sent */
	struct simnode	*from, *to;
	uint8_t		 msg[8192];
	size_t		 len;
	struct wire_header wh;
	uint16_t	 code, error;
}			 seen[MSGS];
static unsigned		 nseen;
static uint64_t		 watch;
static int		 swallow;	/* messages of watch between middle and target */
static int		 swallow_all;

static int	 tap(struct sim *, struct simnode *, struct simnode *, const void *, size_t);
static void	 setup(int, uint64_t);
static void	 to_node(struct hand *, uint8_t [32], const struct simnode *);
static int	 find(const struct simnode *, const struct simnode *);
static void	 done(struct node *, const struct node_resp *, void *);
static void	 hint(struct simnode *, uint64_t, int);

static int
tap(struct sim *s, struct simnode *from, struct simnode *to, const void *msg, size_t len)
{
	struct wire_header wh;
	struct wire_error we;
	struct wire_errresp wr;
	struct wire_msg	 wm;

	(void)s;
	if (wire_fragment_parse(msg, len, &wh, &we) == -1 || wh.wh_tid != watch)
		return (0);
	if (nseen < MSGS && len <= sizeof(seen[0].msg)) {
		seen[nseen].from = from;
		seen[nseen].to = to;
		seen[nseen].len = len;
		memcpy(seen[nseen].msg, msg, len);
		ATF_REQUIRE_EQ(0, wire_fragment_parse(seen[nseen].msg, len,
		    &seen[nseen].wh, &we));
		seen[nseen].code = seen[nseen].error = 0;
		if (wire_msg_parse(msg, len, &wm, &we) == 0) {
			seen[nseen].code = wm.wm_contents.wc_code;
			if (seen[nseen].code == WIRE_ERROR &&
			    wire_error_parse(&wm.wm_contents.wc_body, &wr, &we) == 0)
				seen[nseen].error = wr.wr_code;
		}
		nseen++;
	}
	return (swallow_all || (swallow && from == middle && to == target));
}

/* Three at least, all linked; asker's messages are put on its link to middle. */
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
	nseen = 0;
	swallow = swallow_all = 0;
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

/* The last message of watch that went from one to the other, or -1. */
static int
find(const struct simnode *from, const struct simnode *to)
{
	unsigned	 i;

	for (i = nseen; i > 0; i--) {
		if (seen[i - 1].from == from && seen[i - 1].to == to)
			return ((int)i - 1);
	}
	return (-1);
}

/* A via list of 127 entries, the last that may come: one opaque id takes their
 * place, and the answer gets all of them again. */
ATF_TC_WITHOUT_HEAD(via_long);
ATF_TC_BODY(via_long, tc)
{
	struct wire_dest d;
	struct hand	 ha;
	struct wbuf	 w;
	struct cur	 c;
	uint8_t		 dest[32], via[256], body[64], want[512], first[2];
	size_t		 len;
	int		 i, k;

	setup(3, 1);
	hand_init(&ha, watch);
	to_node(&ha, dest, target);
	wbuf_init(&w, via, sizeof(via));
	for (i = 0; i < 127; i++)
		wbuf_u16(&w, (uint16_t)(0x8000 | (i * 257)));
	cur_init(&ha.ha_via, via, w.w_len);
	len = hand_ping(body, sizeof(body), 0);
	for (k = 0; k < 2; k++) {
		nseen = 0;
		ATF_REQUIRE_EQ(0, hand_send(asker, asker, middle, &ha, body, len));
		sim_for(si, 300);
		ATF_REQUIRE((i = find(middle, target)) != -1);
		c = seen[i].wh.wh_via;
		ATF_REQUIRE_EQ(2, cur_left(&c));
		ATF_REQUIRE_EQ(1, wire_dest_next(&c, &d));
		ATF_CHECK(d.wd_compact);
		/* Sent again, it takes no second place. */
		if (k == 0)
			memcpy(first, d.wd_id.p, 2);
		ATF_CHECK_EQ(0, memcmp(first, d.wd_id.p, 2));
		ATF_CHECK_EQ(1, middle->sn_node->n_nvias);
		/* The answer comes back with it, and leaves with all entries. */
		ATF_REQUIRE((i = find(target, middle)) != -1);
		ATF_CHECK_EQ(WIRE_PING_ANS, seen[i].code);
		ATF_CHECK_EQ(18 + 2, cur_left(&seen[i].wh.wh_dest));
		ATF_REQUIRE((i = find(middle, asker)) != -1);
		ATF_CHECK_EQ(WIRE_PING_ANS, seen[i].code);
		wbuf_init(&w, want, sizeof(want));
		wire_dest_node(&w, asker->sn_id.id_b);
		wire_dest_reverse(&w, &ha.ha_via);
		ATF_CHECK_EQ(w.w_len, cur_left(&seen[i].wh.wh_dest));
		ATF_CHECK_EQ(0, memcmp(want, seen[i].wh.wh_dest.c_p, w.w_len));
	}
	ATF_CHECK_EQ(2, middle->sn_node->n_stats.ns_compressed);
	/* Of 126 entries nothing needs to be kept. */
	hand_init(&ha, ++watch);
	to_node(&ha, dest, target);
	cur_init(&ha.ha_via, via, 2 * 126);
	ATF_REQUIRE_EQ(0, hand_send(asker, asker, middle, &ha, body, len));
	sim_for(si, 300);
	ATF_REQUIRE((i = find(middle, target)) != -1);
	ATF_CHECK_EQ(2 * 126 + 18, cur_left(&seen[i].wh.wh_via));
	ATF_REQUIRE((i = find(middle, asker)) != -1);
	ATF_CHECK_EQ(WIRE_PING_ANS, seen[i].code);
	sim_free(si);
}

/* An opaque id is worth something to its own transaction, for its time and in
 * its generation; all else is dropped without a word. */
ATF_TC_WITHOUT_HEAD(via_stale);
ATF_TC_BODY(via_stale, tc)
{
	struct hand	 ha;
	struct wbuf	 w;
	uint8_t		 dest[32], via[256], body[64], answer[64], list[64], id[2];
	size_t		 len, alen;
	unsigned	 k;
	int		 i;

	setup(3, 2);
	hand_init(&ha, watch);
	to_node(&ha, dest, target);
	wbuf_init(&w, via, sizeof(via));
	for (i = 0; i < 127; i++)
		wbuf_u16(&w, (uint16_t)(0x8000 | i));
	cur_init(&ha.ha_via, via, w.w_len);
	len = hand_ping(body, sizeof(body), 0);
	swallow = 1;
	ATF_REQUIRE_EQ(0, hand_send(asker, asker, middle, &ha, body, len));
	sim_for(si, 200);
	ATF_REQUIRE((i = find(middle, target)) != -1);
	memcpy(id, seen[i].wh.wh_via.c_p, 2);
	alen = hand_contents(answer, sizeof(answer), WIRE_PING_ANS,
	    "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2", 16);
	for (k = 0; k < 6; k++) {
		nseen = 0;
		hand_init(&ha, watch);
		wbuf_init(&w, list, sizeof(list));
		wire_dest_node(&w, middle->sn_id.id_b);
		switch (k) {
		case 0:		/* as it is */
		case 4:		/* in the long form */
		case 5:		/* too late */
			break;
		case 1:		/* another transaction */
			ha.ha_tid = ++watch;
			break;
		case 2:		/* another generation */
			id[0] ^= 0x10;
			break;
		case 3:		/* another slot */
			id[0] ^= 0x10;
			id[1] ^= 1;
			break;
		}
		if (k == 4)
			wbuf_bytes(&w, "\3\3\2", 3);
		wbuf_bytes(&w, id, 2);
		cur_init(&ha.ha_dest, list, w.w_len);
		if (k == 5)
			sim_for(si, 15000);
		ATF_REQUIRE_EQ(0, hand_send(target, target, middle, &ha, answer, alen));
		sim_for(si, 200);
		i = find(middle, asker);
		ATF_CHECK_EQ_MSG(k == 0 || k == 4, i != -1, "case %u", k);
		ATF_CHECK_EQ_MSG(k == 0 || k == 4, nseen == 1, "case %u", k);
		if (k == 1)
			watch--;
		if (k == 3)
			id[1] ^= 1;
	}
	sim_free(si);
}

/* Nobody fills the table for the others, and it costs no more than its limit. */
ATF_TC_WITHOUT_HEAD(via_full);
ATF_TC_BODY(via_full, tc)
{
	struct hand	 ha;
	struct wbuf	 w;
	struct simnode	*other;
	uint8_t		 dest[32], via[256], body[64];
	size_t		 len, most = 0;
	int		 i;

	setup(4, 3);
	other = &si->si_node[3];
	len = hand_ping(body, sizeof(body), 0);
	hand_init(&ha, 0);
	to_node(&ha, dest, target);
	wbuf_init(&w, via, sizeof(via));
	for (i = 0; i < 127; i++)
		wbuf_u16(&w, (uint16_t)(0x8000 | i));
	for (i = 0; i < 2000; i++) {
		cur_init(&ha.ha_via, via, w.w_len);
		ha.ha_tid = 100000 + (uint64_t)i;
		ATF_REQUIRE_EQ(0, hand_send(asker, asker, middle, &ha, body, len));
		sim_for(si, 5);
		if (middle->sn_node->n_nvias > most)
			most = middle->sn_node->n_nvias;
	}
	sim_for(si, 100);
	ATF_CHECK_EQ_MSG(512, most, "%zu entries", most);
	ATF_CHECK(middle->sn_node->n_viabytes <= 512 * (18 + 2 * 127));
	/* It is told; another one is served. */
	nseen = 0;
	watch = ha.ha_tid = 200000;
	ATF_REQUIRE_EQ(0, hand_send(asker, asker, middle, &ha, body, len));
	sim_for(si, 200);
	ATF_CHECK_EQ(-1, find(middle, target));
	ATF_REQUIRE((i = find(middle, asker)) != -1);
	ATF_CHECK_EQ(WIRE_E_MESSAGE_TOO_LARGE, seen[i].error);
	nseen = 0;
	watch = ha.ha_tid = 200001;
	ATF_REQUIRE_EQ(0, hand_send(other, other, middle, &ha, body, len));
	sim_for(si, 200);
	ATF_REQUIRE((i = find(middle, other)) != -1);
	ATF_CHECK_EQ(WIRE_PING_ANS, seen[i].code);
	/* And all is forgotten after its time. */
	sim_for(si, 16000);
	nseen = 0;
	watch = ha.ha_tid = 200002;
	ATF_REQUIRE_EQ(0, hand_send(asker, asker, middle, &ha, body, len));
	sim_for(si, 200);
	ATF_REQUIRE((i = find(middle, asker)) != -1);
	ATF_CHECK_EQ(WIRE_PING_ANS, seen[i].code);
	ATF_CHECK_EQ(1, middle->sn_node->n_nvias);
	sim_free(si);
}

/* max-message-size is kept by compressing, too, unless an option forbids to
 * keep state (RFC 7263): then the message is cut. */
ATF_TC_WITHOUT_HEAD(via_size);
ATF_TC_BODY(via_size, tc)
{
	static const uint8_t option[] = { 2, WIRE_OPT_STATELESS, 0, 0 };
	struct hand	 ha;
	struct wbuf	 w;
	uint8_t		 dest[32], via[256], body[2048];
	size_t		 len, head, max;
	int		 i, stateless;

	for (stateless = 0; stateless < 2; stateless++) {
		setup(3, 4);
		max = si->si_doc.rd_max_message = 2000;
		hand_init(&ha, watch);
		to_node(&ha, dest, target);
		wbuf_init(&w, via, sizeof(via));
		for (i = 0; i < 20; i++)
			wbuf_u16(&w, (uint16_t)(0x8000 | i));
		cur_init(&ha.ha_via, via, w.w_len);
		if (stateless)
			cur_init(&ha.ha_options, option, sizeof(option));
		/* To the byte at the limit: 38, the lists, 12, the block. */
		head = 38 + 18 + 40 + (stateless ? sizeof(option) : 0);
		len = hand_ping(body, sizeof(body), 0);
		head += hand_payload(asker, &ha, body, len, body, sizeof(body));
		len = hand_ping(body, sizeof(body), max - head);
		ATF_REQUIRE_EQ(0, hand_send(asker, asker, middle, &ha, body, len));
		sim_for(si, 300);
		ATF_REQUIRE((i = find(middle, target)) != -1);
		if (stateless) {
			ATF_CHECK_EQ(58, cur_left(&seen[i].wh.wh_via));
			ATF_CHECK(seen[i].wh.wh_fragment != WIRE_FRAG_WHOLE);
			ATF_CHECK_EQ(0, middle->sn_node->n_nvias);
			ATF_CHECK_EQ(1, middle->sn_node->n_stats.ns_fragmented);
		} else {
			ATF_CHECK_EQ(2, cur_left(&seen[i].wh.wh_via));
			ATF_CHECK_EQ(max - 40 + 2, seen[i].len);
		}
		ATF_REQUIRE((i = find(middle, asker)) != -1);
		ATF_CHECK_EQ(WIRE_PING_ANS, seen[i].code);
		sim_free(si);
	}
}

/* A request that names a destination twice is refused; an answer's list may,
 * as the way of the request did. */
ATF_TC_WITHOUT_HEAD(duplicates);
ATF_TC_BODY(duplicates, tc)
{
	struct hand	 ha;
	struct wbuf	 w;
	uint8_t		 dest[128], via[64], body[64];
	size_t		 len;
	int		 i;

	setup(4, 5);
	len = hand_ping(body, sizeof(body), 0);
	hand_init(&ha, watch);
	wbuf_init(&w, dest, sizeof(dest));
	wire_dest_node(&w, middle->sn_id.id_b);
	wire_dest_node(&w, target->sn_id.id_b);
	wire_dest_node(&w, middle->sn_id.id_b);
	cur_init(&ha.ha_dest, dest, w.w_len);
	ATF_REQUIRE_EQ(0, hand_send(asker, asker, middle, &ha, body, len));
	sim_for(si, 200);
	ATF_CHECK_EQ(-1, find(middle, target));
	ATF_REQUIRE((i = find(middle, asker)) != -1);
	ATF_CHECK_EQ(WIRE_E_INVALID_MESSAGE, seen[i].error);
	/* By middle, a fourth node, asker and middle again. */
	nseen = 0;
	hand_init(&ha, ++watch);
	to_node(&ha, dest, target);
	wbuf_init(&w, via, sizeof(via));
	wire_dest_node(&w, middle->sn_id.id_b);
	wire_dest_node(&w, si->si_node[3].sn_id.id_b);
	cur_init(&ha.ha_via, via, w.w_len);
	ATF_REQUIRE_EQ(0, hand_send(asker, asker, middle, &ha, body, len));
	sim_for(si, 300);
	ATF_REQUIRE((i = find(target, middle)) != -1);
	ATF_CHECK_EQ(1, seen[i].wh.wh_duplicate);
	ATF_REQUIRE((i = find(middle, asker)) != -1);
	ATF_CHECK_EQ(WIRE_PING_ANS, seen[i].code);
	ATF_CHECK(find(asker, &si->si_node[3]) != -1);
	ATF_REQUIRE((i = find(&si->si_node[3], middle)) != -1);
	ATF_CHECK_EQ(0, seen[i].wh.wh_duplicate);
	sim_free(si);
}

/* Nothing that may be an answer is ever answered; flags that an answer must
 * not carry are not looked at. */
ATF_TC_WITHOUT_HEAD(answers);
ATF_TC_BODY(answers, tc)
{
	static const uint8_t option[] = { 0xf7, 0x03, 0, 1, 'x' };
	struct hand	 ha;
	uint8_t		 dest[32], ans[64], errbody[64], body[64];
	size_t		 alen, elen, len;
	unsigned	 k;
	int		 i;

	setup(3, 6);
	alen = hand_contents(ans, sizeof(ans), WIRE_PING_ANS,
	    "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2", 16);
	elen = hand_contents(errbody, sizeof(errbody), WIRE_ERROR, "\0\2\0\0", 4);
	len = hand_ping(body, sizeof(body), 0);
	for (k = 0; k < 8; k++) {
		nseen = 0;
		hand_init(&ha, ++watch);
		to_node(&ha, dest, k == 3 ? middle : target);
		ha.ha_ttl = k < 2 ? 0 : k == 2 || k == 3 ? 101 : 100;
		if (k >= 4)
			cur_init(&ha.ha_options, option, sizeof(option));
		if (k == 6) {	/* a later piece, of nobody knows what */
			ha.ha_ttl = 0;
			ha.ha_fragment = WIRE_FRAG_ALWAYS | 300;
		}
		ATF_REQUIRE_EQ(0, hand_send(asker, asker, middle, &ha,
		    k == 7 || k == 6 ? body : k & 1 ? errbody : ans,
		    k == 7 || k == 6 ? len : k & 1 ? elen : alen));
		sim_for(si, 200);
		i = find(middle, asker);
		ATF_CHECK_EQ_MSG(k == 7, i != -1, "case %u answered", k);
		ATF_CHECK_EQ_MSG(k == 4 || k == 5, find(middle, target) != -1, "case %u", k);
	}
	ATF_CHECK_EQ(WIRE_E_UNSUPPORTED_OPTION, seen[i].error);
	sim_free(si);
}

static struct {
	int		 done, error;
	uint64_t	 at;
}			 result;

static void
done(struct node *n, const struct node_resp *resp, void *arg)
{
	(void)n;
	(void)arg;
	result.done++;
	result.error = resp->nr_error;
	result.at = si->si_now;
}

/* An Error signed by sn, to asker. */
static void
hint(struct simnode *sn, uint64_t tid, int error)
{
	struct hand	 ha;
	uint8_t		 dest[32], body[64], info[4] = { 0, 0, 0, 0 };
	size_t		 len;

	info[1] = (uint8_t)error;
	len = hand_contents(body, sizeof(body), WIRE_ERROR, info, 4);
	hand_init(&ha, tid);
	to_node(&ha, dest, asker);
	ATF_REQUIRE_EQ(0, hand_send(sn, middle, asker, &ha, body, len));
}

/* An Error of a node that could not have answered is a hint: the request goes on,
 * three such sendings end it.  That of the destination itself is final. */
ATF_TC_WITHOUT_HEAD(hints);
ATF_TC_BODY(hints, tc)
{
	struct node_build b;
	struct node_dest nd;
	uint64_t	 start;
	unsigned	 k, j;

	for (k = 0; k < 5; k++) {
		setup(3, 7);
		memset(&result, 0, sizeof(result));
		ATF_REQUIRE_EQ(0, build_open(asker->sn_node, &b, WIRE_PING));
		wire_ping_write(&b.nb_w, NULL, 0);
		memset(&nd, 0, sizeof(nd));
		nd.nd_type = WIRE_DEST_NODE;
		nd.nd_id = target->sn_id;
		start = si->si_now;
		node_clock(asker->sn_node, si->si_now, SIM_WALL + si->si_now);
		/* In the last case over a link of choice, whose end refuses. */
		watch = node_request(asker->sn_node, &b, &nd, 1, k == 4 ?
		    route_peer_link(node_peer_find(asker->sn_node, &middle->sn_id)) : 0,
		    done, NULL);
		ATF_REQUIRE(watch != 0);
		sim_rewake(asker);
		swallow_all = 1;
		sim_for(si, 100);
		switch (k) {
		case 0:		/* ten of them, then the answer */
			for (j = 0; j < 10; j++)
				hint(middle, watch, WIRE_E_TTL_EXCEEDED);
			sim_for(si, 100);
			ATF_CHECK_EQ(0, result.done);
			swallow_all = 0;
			sim_for(si, 4000);
			ATF_CHECK_EQ(1, result.done);
			ATF_CHECK_EQ(0, result.error);
			break;
		case 1:		/* one for each sending */
			for (j = 0; j < 3; j++) {
				ATF_CHECK_EQ(0, result.done);
				hint(middle, watch, WIRE_E_TTL_EXCEEDED);
				sim_for(si, 3000);
			}
			ATF_CHECK_EQ(1, result.done);
			ATF_CHECK_EQ(WIRE_E_TTL_EXCEEDED, result.error);
			ATF_CHECK(result.at - start < 9000);
			break;
		case 2:		/* one, and then nothing: its word is what is left */
			hint(middle, watch, WIRE_E_NOT_FOUND);
			sim_for(si, 20000);
			ATF_CHECK_EQ(1, result.done);
			ATF_CHECK_EQ(WIRE_E_NOT_FOUND, result.error);
			ATF_CHECK(result.at - start >= 15000);
			break;
		case 3:
			hint(target, watch, WIRE_E_FORBIDDEN);
			sim_for(si, 100);
			ATF_CHECK_EQ(1, result.done);
			ATF_CHECK_EQ(WIRE_E_FORBIDDEN, result.error);
			break;
		case 4:
			hint(middle, watch, WIRE_E_NOT_FOUND);
			sim_for(si, 100);
			ATF_CHECK_EQ(1, result.done);
			ATF_CHECK_EQ(WIRE_E_NOT_FOUND, result.error);
			break;
		}
		sim_free(si);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, via_long);
	ATF_TP_ADD_TC(tp, via_stale);
	ATF_TP_ADD_TC(tp, via_full);
	ATF_TP_ADD_TC(tp, via_size);
	ATF_TP_ADD_TC(tp, duplicates);
	ATF_TP_ADD_TC(tp, answers);
	ATF_TP_ADD_TC(tp, hints);
	return (atf_no_error());
}
