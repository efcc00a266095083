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

/* Tickets at the border (vipr(7)), epochs, revocation, what was granted. */

#include "key_box.h"

#define OURS		"+14085550142"
#define OTHER		"+14085550143"

static struct box	*b;
static uint8_t		 node[NODEID_LEN];
static char		 token[KEY_TOKEN_MAX + 1];
static uint8_t		 last_id[TICKET_ID_LEN];

static void
begin(void)
{
	b = box_new("b", "+14085550100", "+14085550199");
	memset(node, 0x33, sizeof(node));
}

static void
grant(unsigned kind, const char *grantee, const char *number, uint64_t life)
{
	ATF_REQUIRE_EQ(0, kticket_grant(b->b_kc, kind, 1, grantee, node, number,
	    world_now / 1000 + life, token, sizeof(token)));
}

static unsigned
check_names(const char *text, const char *number, const char *n1, const char *n2)
{
	char			 names[2][DOMAIN_SIZE];
	struct imsg_ticket_res	 tr;
	unsigned		 n = 0;

	if (n1 != NULL)
		snprintf(names[n++], DOMAIN_SIZE, "%s", n1);
	if (n2 != NULL)
		snprintf(names[n++], DOMAIN_SIZE, "%s", n2);
	memset(&tr, 0, sizeof(tr));
	box_clock(b);
	kticket_check(b->b_kc, text, strlen(text), number,
	    (const char (*)[DOMAIN_SIZE])names, n, &tr);
	memcpy(last_id, tr.tr_id, sizeof(last_id));
	if (tr.tr_refusal == REFUSAL_NONE) {
		ATF_CHECK(tr.tr_not_after > world_now / 1000);
		ATF_CHECK(strcasecmp(names[tr.tr_name], "a.example") == 0);
	}
	return (tr.tr_refusal);
}

static unsigned
check(const char *number)
{
	return (check_names(token, number, "a.example", NULL));
}

ATF_TC_WITHOUT_HEAD(judged_in_order);
ATF_TC_BODY(judged_in_order, tc)
{
	struct conf_range	*cr;
	char			 bad[KEY_TOKEN_MAX + 1];
	size_t			 i;

	begin();
	grant(TICKET_TICKET, "a.example", OURS, 1000);
	ATF_CHECK_EQ(REFUSAL_NONE, check(OURS));
	ATF_CHECK_EQ(REFUSAL_NONE, check_names(token, OURS, "x.example",
	    "A.Example"));
	ATF_CHECK_EQ(REFUSAL_NO_TICKET, check_names("", OURS, "a.example", NULL));
	ATF_CHECK_EQ(REFUSAL_BAD_TICKET, check_names("x", OURS, "a.example",
	    NULL));
	ATF_CHECK_EQ(REFUSAL_BAD_TICKET, check_names(token, OURS, "b.example",
	    "aa.example"));
	ATF_CHECK_EQ(REFUSAL_BAD_TICKET, check_names(token, OURS, NULL, NULL));
	for (i = 0; token[i] != '\0'; i++) {
		memcpy(bad, token, sizeof(bad));
		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		ATF_CHECK_EQ_MSG(REFUSAL_BAD_TICKET, check_names(bad, OURS,
		    "a.example", NULL), "character %zu", i);
		memcpy(bad, token, sizeof(bad));
		bad[i] = '\0';
		ATF_CHECK_EQ(i == 0 ? REFUSAL_NO_TICKET : REFUSAL_BAD_TICKET,
		    check_names(bad, OURS, "a.example", NULL));
	}
	ATF_CHECK_EQ(REFUSAL_WRONG_NUMBER, check(OTHER));
	/* A receipt is none. */
	memcpy(bad, token, sizeof(bad));
	grant(TICKET_RECEIPT, "a.example", OURS, 1000);
	ATF_CHECK_EQ(REFUSAL_BAD_TICKET, check(OURS));
	memcpy(token, bad, sizeof(token));
	/* Not yet valid; past its date. */
	world_now -= 10 * 1000;
	ATF_CHECK_EQ(REFUSAL_NONE, check(OURS));
	world_now -= 1000;
	ATF_CHECK_EQ(REFUSAL_BAD_TICKET, check(OURS));
	world_now += 11 * 1000 + 1000 * 1000 - 1;
	ATF_CHECK_EQ(REFUSAL_NONE, check(OURS));
	world_now += 1;
	ATF_CHECK_EQ(REFUSAL_EXPIRED, check(OURS));
	/* Wrong number, not ours, expired: the first of these that holds. */
	ATF_CHECK_EQ(REFUSAL_WRONG_NUMBER, check(OTHER));
	cr = TAILQ_FIRST(&b->b_cf->c_numbers);
	snprintf(cr->cr_range.er_from, E164_SIZE, "+14085550190");
	ATF_CHECK_EQ(REFUSAL_NOT_OURS, check(OURS));
	ATF_CHECK_EQ(REFUSAL_WRONG_NUMBER, check(OTHER));
	/* Revoked comes before all of them. */
	ATF_CHECK(kticket_revoke(b->b_kc, "epoch", "1") == NULL);
	ATF_CHECK_EQ(REFUSAL_REVOKED, check(OTHER));
	ATF_CHECK_EQ(REFUSAL_BAD_TICKET, check_names(token, OTHER, "x.example",
	    NULL));
	/* Another granting domain. */
	snprintf(b->b_cf->c_domain, sizeof(b->b_cf->c_domain), "other.example");
	ATF_CHECK_EQ(REFUSAL_BAD_TICKET, check(OURS));
	world_end();
}

ATF_TC_WITHOUT_HEAD(revocation);
ATF_TC_BODY(revocation, tc)
{
	char	 id[33], other[KEY_TOKEN_MAX + 1];

	begin();
	grant(TICKET_TICKET, "a.example", OTHER, 100000);
	memcpy(other, token, sizeof(other));
	grant(TICKET_TICKET, "a.example", OURS, 100000);
	ATF_CHECK_EQ(REFUSAL_NONE, check(OURS));
	sodium_bin2hex(id, sizeof(id), last_id, sizeof(last_id));
	ATF_CHECK(kticket_revoke(b->b_kc, "ticket", "12") != NULL);
	ATF_CHECK(kticket_revoke(b->b_kc, "nothing", id) != NULL);
	ATF_CHECK(kticket_revoke(b->b_kc, "epoch", "99") != NULL);
	ATF_CHECK(kticket_revoke(b->b_kc, "epoch", "-1") != NULL);
	ATF_CHECK(kticket_revoke(b->b_kc, "grantee", "No Domain") != NULL);
	ATF_CHECK(kticket_revoke(b->b_kc, "ticket", id) == NULL);
	ATF_CHECK_EQ(REFUSAL_REVOKED, check(OURS));
	box_restart(b);
	ATF_CHECK_EQ(REFUSAL_REVOKED, check(OURS));
	ATF_CHECK_EQ(REFUSAL_NONE, check_names(other, OTHER, "a.example", NULL));
	/* A grantee: what it has, not what it proves later. */
	world_now += 1000;
	box_clock(b);
	ATF_CHECK(kticket_revoke(b->b_kc, "grantee", "a.example") == NULL);
	ATF_CHECK_EQ(REFUSAL_REVOKED, check_names(other, OTHER, "a.example",
	    NULL));
	ATF_CHECK_EQ(REFUSAL_REVOKED, check_names(other, OTHER, "A.EXAMPLE",
	    NULL));
	world_now += 1000;
	box_clock(b);
	grant(TICKET_TICKET, "a.example", OURS, 100000);
	ATF_CHECK_EQ(REFUSAL_NONE, check(OURS));
	world_end();
}

/* What sipgw may remember of a verdict: until the generation counts on. */
ATF_TC_WITHOUT_HEAD(generations);
ATF_TC_BODY(generations, tc)
{
	struct imsg_ticket_res	 tr;
	char			 name[1][DOMAIN_SIZE] = { "a.example" }, id[33];
	uint64_t		 was, revoked;

	begin();
	grant(TICKET_TICKET, "a.example", OURS, 100000);
	was = b->b_kc->kc_generation;
	revoked = b->b_kc->kc_revocations;
	ATF_CHECK(was > 0);
	memset(&tr, 0, sizeof(tr));
	kticket_check(b->b_kc, token, strlen(token), OURS,
	    (const char (*)[DOMAIN_SIZE])name, 1, &tr);
	ATF_CHECK_EQ(REFUSAL_NONE, tr.tr_refusal);
	ATF_CHECK_EQ(was, tr.tr_generation);
	sodium_bin2hex(id, sizeof(id), tr.tr_id, sizeof(tr.tr_id));
	/* What fails changes nothing, what is granted takes nothing away. */
	ATF_CHECK(kticket_revoke(b->b_kc, "ticket", "12") != NULL);
	grant(TICKET_TICKET, "a.example", OTHER, 100000);
	ATF_CHECK_EQ(was, b->b_kc->kc_generation);
	ATF_CHECK(kticket_revoke(b->b_kc, "ticket", id) == NULL);
	ATF_CHECK(b->b_kc->kc_generation > was);
	ATF_CHECK(b->b_kc->kc_revocations > revoked);
	was = b->b_kc->kc_generation;
	revoked = b->b_kc->kc_revocations;
	ATF_CHECK(kticket_revoke(b->b_kc, "grantee", "c.example") == NULL);
	ATF_CHECK(b->b_kc->kc_generation > was);
	ATF_CHECK(b->b_kc->kc_revocations > revoked);
	was = b->b_kc->kc_generation;
	revoked = b->b_kc->kc_revocations;
	ATF_CHECK(kticket_rotate(b->b_kc) != 0);
	ATF_CHECK(b->b_kc->kc_generation > was);
	ATF_CHECK_EQ(revoked, b->b_kc->kc_revocations);
	was = b->b_kc->kc_generation;
	ATF_CHECK(kticket_revoke(b->b_kc, "epoch", "1") == NULL);
	ATF_CHECK(b->b_kc->kc_generation > was);
	ATF_CHECK(b->b_kc->kc_revocations > revoked);
	was = b->b_kc->kc_generation;
	kcore_conf(b->b_kc, b->b_kc->kc_conf, NULL, NULL);
	ATF_CHECK(b->b_kc->kc_generation > was);
	world_end();
}

ATF_TC_WITHOUT_HEAD(epochs);
ATF_TC_BODY(epochs, tc)
{
	char	 old[KEY_TOKEN_MAX + 1];

	begin();
	ATF_CHECK_EQ(1, kticket_epoch(b->b_kc));
	grant(TICKET_TICKET, "a.example", OURS, 100000);
	memcpy(old, token, sizeof(old));
	ATF_CHECK_EQ(2, kticket_rotate(b->b_kc));
	grant(TICKET_TICKET, "a.example", OURS, 100000);
	ATF_CHECK_EQ(REFUSAL_NONE, check(OURS));
	ATF_CHECK_EQ(REFUSAL_NONE, check_names(old, OURS, "a.example", NULL));
	box_restart(b);
	ATF_CHECK_EQ(2, kticket_epoch(b->b_kc));
	ATF_CHECK_EQ(REFUSAL_NONE, check_names(old, OURS, "a.example", NULL));
	/* The newest revoked: another begins. */
	ATF_CHECK(kticket_revoke(b->b_kc, "epoch", "2") == NULL);
	ATF_CHECK_EQ(3, kticket_epoch(b->b_kc));
	ATF_CHECK_EQ(REFUSAL_REVOKED, check(OURS));
	ATF_CHECK_EQ(REFUSAL_NONE, check_names(old, OURS, "a.example", NULL));
	/* Kept for a month after its last ticket, to say so. */
	world_run(world_now + 10 * DAY);
	ATF_CHECK_EQ(REFUSAL_EXPIRED, check_names(old, OURS, "a.example", NULL));
	world_run(world_now + 30 * DAY);
	ATF_CHECK_EQ(REFUSAL_BAD_TICKET, check_names(old, OURS, "a.example",
	    NULL));
	ATF_CHECK_EQ(3, kticket_epoch(b->b_kc));
	world_end();
}

ATF_TC_WITHOUT_HEAD(restored_backup);
ATF_TC_BODY(restored_backup, tc)
{
	uint8_t	 master[32];
	char	 why[256];
	int	 i;
	static const struct {
		uint64_t	mark;
		uint32_t	epoch;
	} starts[] = { { 11, 1 }, { 11, 1 }, { 12, 2 }, { 12, 2 } };

	begin();
	grant(TICKET_TICKET, "a.example", OURS, 1000);
	memset(master, 'b', sizeof(master));
	for (i = 0; i < 4; i++) {
		kcore_free(b->b_kc);
		ATF_REQUIRE((b->b_kc = kcore_new(&box_ops, b, b->b_st,
		    b->b_bootid)) != NULL);
		box_clock(b);
		/* No verdict about a ticket before all is loaded. */
		ATF_CHECK_EQ(REFUSAL_BUSY, check(OURS));
		kcore_conf(b->b_kc, b->b_cf, NULL, NULL);
		ATF_CHECK_EQ(REFUSAL_BUSY, check(OURS));
		ATF_REQUIRE_EQ(0, kcore_open(b->b_kc, master, starts[i].mark,
		    why, sizeof(why)));
		ATF_CHECK_EQ(REFUSAL_NONE, check(OURS));
		ATF_CHECK_EQ_MSG(starts[i].epoch, kticket_epoch(b->b_kc),
		    "start %d", i);
	}
	world_end();
}

static unsigned	 granted_count, granted_revoked;

static int
granted(const struct kgranted *gr, void *arg)
{
	(void)arg;
	granted_count++;
	granted_revoked += gr->gr_revoked != 0;
	ATF_CHECK_STREQ("a.example", gr->gr_grantee);
	return (0);
}

ATF_TC_WITHOUT_HEAD(remembered);
ATF_TC_BODY(remembered, tc)
{
	begin();
	grant(TICKET_TICKET, "a.example", OURS, 7200);
	grant(TICKET_RECEIPT, "a.example", OTHER, 1000000);
	granted_count = 0;
	kticket_walk(b->b_kc, granted, NULL);
	ATF_CHECK_EQ(2, granted_count);
	ATF_CHECK_EQ(0, granted_revoked);
	ATF_CHECK(kticket_revoke(b->b_kc, "grantee", "a.example") == NULL);
	granted_count = 0;
	kticket_walk(b->b_kc, granted, NULL);
	ATF_CHECK_EQ(2, granted_revoked);
	world_run(world_now + 4 * HOUR);
	granted_count = 0;
	kticket_walk(b->b_kc, granted, NULL);
	ATF_CHECK_EQ(1, granted_count);
	world_end();
}

ATF_TC_WITHOUT_HEAD(proofs_counted);
ATF_TC_BODY(proofs_counted, tc)
{
	uint8_t		 other[NODEID_LEN];
	unsigned	 i;

	begin();
	memset(other, 0x44, sizeof(other));
	for (i = 1; i < 5; i++) {
		ATF_REQUIRE_EQ(0, kticket_grant(b->b_kc, TICKET_RECEIPT, i,
		    "a.example", node, OURS, world_now / 1000 + 100, token,
		    sizeof(token)));
		ATF_CHECK_EQ(i, kticket_proofs(b->b_kc, token, "a.example", node,
		    OURS));
	}
	ATF_CHECK_EQ(0, kticket_proofs(b->b_kc, token, "x.example", node, OURS));
	ATF_CHECK_EQ(0, kticket_proofs(b->b_kc, token, "a.example", other, OURS));
	ATF_CHECK_EQ(0, kticket_proofs(b->b_kc, token, "a.example", node, OTHER));
	ATF_CHECK_EQ(0, kticket_proofs(b->b_kc, "", "a.example", node, OURS));
	ATF_CHECK_EQ(0, kticket_proofs(b->b_kc, "AAAA", "a.example", node, OURS));
	grant(TICKET_TICKET, "a.example", OURS, 100);
	ATF_CHECK_EQ(255, kticket_proofs(b->b_kc, token, "a.example", node,
	    OURS));
	world_now += 100 * 1000;
	box_clock(b);
	ATF_CHECK_EQ(0, kticket_proofs(b->b_kc, token, "a.example", node, OURS));
	world_end();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, judged_in_order);
	ATF_TP_ADD_TC(tp, revocation);
	ATF_TP_ADD_TC(tp, generations);
	ATF_TP_ADD_TC(tp, epochs);
	ATF_TP_ADD_TC(tp, restored_backup);
	ATF_TP_ADD_TC(tp, remembered);
	ATF_TP_ADD_TC(tp, proofs_counted);
	return (atf_no_error());
}
