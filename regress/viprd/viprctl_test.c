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

/* viprctl: words of the command line, and answers as text, JSON, metrics. */

#include <sys/types.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "ctl.h"
#include "ctl_output.h"
#include "ctl_parse.h"

static struct ctl_command	 cc;
static struct ctl_row		 row;
static char			 out[65536];

/* "show routes +14085550100": the words, parsed. */
static int
command(const char *line)
{
	char	 buf[512], *argv[16], *p = buf;
	int	 argc = 0;

	snprintf(buf, sizeof(buf), "%s", line);
	while (argc < 16 && (argv[argc] = strsep(&p, " ")) != NULL)
		argc++;
	return (ctl_parse(argc, argv, &cc));
}

static void
add(struct output_rows *rows)
{
	uint8_t	*heap;

	ATF_REQUIRE_EQ(0, wbuf_ok(&row.cr_w));
	ATF_REQUIRE((heap = malloc(row.cr_w.w_len)) != NULL);
	memcpy(heap, row.cr_buf, row.cr_w.w_len);
	ATF_CHECK_EQ(0, rows_add(rows, heap, row.cr_w.w_len));
	free(heap);
}

static const char *
shown(const struct output_rows *rows, enum output_shape shape,
    void (*print)(FILE *, const struct output_rows *, enum output_shape))
{
	FILE	*fp;

	memset(out, 0, sizeof(out));
	ATF_REQUIRE((fp = fmemopen(out, sizeof(out) - 1, "w")) != NULL);
	if (print == NULL)
		metrics_print(fp, rows);
	else
		print(fp, rows, shape);
	fclose(fp);
	return (out);
}

ATF_TC_WITHOUT_HEAD(commands);
ATF_TC_BODY(commands, tc)
{
	ATF_CHECK_EQ(0, command("show"));
	ATF_CHECK_EQ(CTL_SHOW, cc.cc_verb);
	ATF_CHECK_EQ(SHAPE_MIXED, cc.cc_shape);
	ATF_CHECK_EQ(0, command("sh ro"));
	ATF_CHECK_EQ(CTL_SHOW_ROUTES, cc.cc_verb);
	ATF_CHECK_EQ(SHAPE_LIST, cc.cc_shape);
	ATF_CHECK_EQ(0, cc.cc_argc);
	ATF_CHECK_EQ(0, command("show routes +14085550100"));
	ATF_CHECK_EQ(CTL_SHOW_ROUTES, cc.cc_verb);
	ATF_CHECK_EQ(SHAPE_ONE, cc.cc_shape);
	ATF_REQUIRE_EQ(1, cc.cc_argc);
	ATF_CHECK_STREQ("+14085550100", cc.cc_argv[0]);
	ATF_CHECK_EQ(0, command("show calls +14085550100"));
	ATF_CHECK_EQ(CTL_SHOW_CALLS, cc.cc_verb);
	ATF_CHECK_EQ(1, cc.cc_argc);
	ATF_CHECK_EQ(0, command("show met"));
	ATF_CHECK_EQ(SHAPE_METRICS, cc.cc_shape);
	ATF_CHECK_EQ(0, command("e +14085550100"));
	ATF_CHECK_EQ(CTL_EXPLAIN, cc.cc_verb);
	ATF_CHECK_EQ(0, command("loo +14085550100"));
	ATF_CHECK_EQ(CTL_LOOKUP, cc.cc_verb);
	ATF_CHECK_EQ(0, command("v +14085550100"));
	ATF_CHECK_EQ(CTL_VERIFY, cc.cc_verb);
	ATF_CHECK_EQ(0, command("log v"));
	ATF_CHECK_EQ(CTL_LOG, cc.cc_verb);
	ATF_REQUIRE_EQ(1, cc.cc_argc);
	ATF_CHECK_STREQ("verbose", cc.cc_argv[0]);
	ATF_CHECK_EQ(0, command("key rotate"));
	ATF_CHECK_EQ(CTL_KEY_ROTATE, cc.cc_verb);
	ATF_CHECK_EQ(0, command("revoke grantee b.example"));
	ATF_CHECK_EQ(CTL_REVOKE, cc.cc_verb);
	ATF_REQUIRE_EQ(2, cc.cc_argc);
	ATF_CHECK_STREQ("grantee", cc.cc_argv[0]);
	ATF_CHECK_STREQ("b.example", cc.cc_argv[1]);
	ATF_CHECK_EQ(0, command("revoke e 3"));
	ATF_CHECK_STREQ("epoch", cc.cc_argv[0]);
	ATF_CHECK_EQ(0, command("revoke ticket 00112233445566778899aabbccddeeff"));
	ATF_CHECK_EQ(0, command("route suspend +14085550100"));
	ATF_CHECK_EQ(2, cc.cc_argc);
	ATF_CHECK_EQ(0, command("route remove +14085550100 b.example"));
	ATF_CHECK_EQ(3, cc.cc_argc);
	ATF_CHECK_EQ(0, command("reload"));
	ATF_CHECK_EQ(0, command("stop"));
}

ATF_TC_WITHOUT_HEAD(commands_refused);
ATF_TC_BODY(commands_refused, tc)
{
	static const char *const bad[] = { "", "nope", "lo", "re", "show pro",
	    "show routes 4085550100", "show routes +1", "lookup", "verify",
	    "log", "log loud", "key", "revoke", "revoke ticket 12",
	    "revoke epoch x", "revoke grantee", "revoke grantee a_b",
	    "route", "route remove", "route remove b.example", "reload now",
	    "show routes +14085550100 x", "explain +14085550100 +14085550101",
	    "stop " };
	size_t	 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ATF_CHECK_EQ_MSG(-1, command(bad[i]), "\"%s\"", bad[i]);
}

static void
route(const char *number, const char *domain, const char *state)
{
	ctl_row(&row, "route");
	ctl_str(&row, "number", number);
	ctl_str(&row, "domain", domain);
	ctl_str(&row, "state", state);
	ctl_uint(&row, "strikes", 1);
	ctl_time(&row, "skip_until", 0);
	ctl_uint(&row, "proofs", 12);
	ctl_time(&row, "not_after", 1798761600);
}

ATF_TC_WITHOUT_HEAD(json);
ATF_TC_BODY(json, tc)
{
	struct output_rows	 rows = STAILQ_HEAD_INITIALIZER(rows);
	const char		*list[] = { "a", "b\"c" };

	ATF_CHECK_STREQ("[]\n", shown(&rows, SHAPE_LIST, json_print));
	ATF_CHECK_STREQ("null\n", shown(&rows, SHAPE_ONE, json_print));
	route("+14085550142", "b.example", "active");
	add(&rows);
	ATF_CHECK_STREQ("{\"number\":\"+14085550142\",\"domain\":\"b.example\","
	    "\"state\":\"active\",\"strikes\":1,\"skip_until\":null,"
	    "\"proofs\":12,\"not_after\":1798761600}\n",
	    shown(&rows, SHAPE_ONE, json_print));
	ctl_row(&row, "other");
	ctl_int(&row, "i", -5);
	ctl_uint(&row, "u", UINT64_MAX);
	ctl_bool(&row, "yes", 1);
	ctl_list(&row, "l", list, 2);
	ctl_list(&row, "none", NULL, 0);
	ctl_str(&row, "text", "\" \\ \n \t \001 \033[2J \303\274 \303 "
	    "\342\200\256 \360\237\223\236 \300\257 \355\240\200 \177");
	ctl_str(&row, "nothing", NULL);
	add(&rows);
	ATF_CHECK_STREQ("[\n{\"kind\":\"route\",\"number\":\"+14085550142\","
	    "\"domain\":\"b.example\",\"state\":\"active\",\"strikes\":1,"
	    "\"skip_until\":null,\"proofs\":12,\"not_after\":1798761600},\n"
	    "{\"kind\":\"other\",\"i\":-5,\"u\":18446744073709551615,"
	    "\"yes\":true,\"l\":[\"a\",\"b\\\"c\"],\"none\":[],"
	    "\"text\":\"\\\" \\\\ \\n \\t \\u0001 \\u001b[2J \303\274 \\ufffd "
	    "\\u202e \360\237\223\236 \\ufffd\\ufffd \\ufffd\\ufffd\\ufffd "
	    "\\u007f\",\"nothing\":null}\n]\n",
	    shown(&rows, SHAPE_MIXED, json_print));
	rows_free(&rows);
	/* A row that has a member kind of its own keeps it. */
	ctl_row(&row, "ticket");
	ctl_str(&row, "kind", "receipt");
	add(&rows);
	ATF_CHECK_STREQ("[\n{\"kind\":\"receipt\"}\n]\n",
	    shown(&rows, SHAPE_MIXED, json_print));
	rows_free(&rows);
}

ATF_TC_WITHOUT_HEAD(text);
ATF_TC_BODY(text, tc)
{
	struct output_rows	 rows = STAILQ_HEAD_INITIALIZER(rows);
	int			 i;

	ATF_CHECK_STREQ("", shown(&rows, SHAPE_LIST, text_print));
	route("+14085550142", "b.example", "active");
	add(&rows);
	route("+4989123456", "longer.c.example", "pending");
	add(&rows);
	ATF_CHECK_STREQ(
	    "NUMBER        DOMAIN            STATE    STRIKES  SKIP UNTIL  "
	    "PROOFS  NOT AFTER\n"
	    "+14085550142  b.example         active         1  -           "
	    "    12  2027-01-01 00:00:00\n"
	    "+4989123456   longer.c.example  pending        1  -           "
	    "    12  2027-01-01 00:00:00\n",
	    shown(&rows, SHAPE_LIST, text_print));
	rows_free(&rows);
	/* What a terminal would obey is not passed on. */
	ctl_row(&row, "x");
	ctl_str(&row, "a", "\033]0;x\007 \303\274 \342\200\256 \377");
	ctl_bool(&row, "b", 0);
	add(&rows);
	ATF_CHECK_STREQ("x\n  a  \\x1b]0;x\\x07 \303\274 \\u{202e} \\xff\n"
	    "  b  no\n", shown(&rows, SHAPE_MIXED, text_print));
	rows_free(&rows);
	/* Units of the names are put to the numbers. */
	ctl_row(&row, "n");
	ctl_uint(&row, "share_ppm", 112049);
	ctl_uint(&row, "small_ppm", 103);
	ctl_uint(&row, "none_bytes", 0);
	ctl_uint(&row, "some_bytes", 999);
	ctl_uint(&row, "more_bytes", 4096);
	ctl_uint(&row, "most_bytes", UINT64_MAX);
	ctl_uint(&row, "rtt_ms", 5);
	add(&rows);
	ATF_CHECK_STREQ("n\n  share   11.2 %\n  small   0.01 %\n"
	    "  none    0 B\n  some    999 B\n  more    4.1 kB\n"
	    "  most    18446744 TB\n  rtt_ms  5\n",
	    shown(&rows, SHAPE_MIXED, text_print));
	ATF_CHECK_STREQ(" SHARE   SMALL  NONE   SOME    MORE         MOST  RTT MS\n"
	    "11.2 %  0.01 %   0 B  999 B  4.1 kB  18446744 TB       5\n",
	    shown(&rows, SHAPE_LIST, text_print));
	rows_free(&rows);
	/* Long texts at the end of a row are wrapped. */
	for (i = 0; i < 2; i++) {
		ctl_row(&row, "explain");
		ctl_str(&row, "process", "key");
		ctl_str(&row, "text", i ? "short" : "none of our calls to it is "
		    "kept: it was not called over a trunk of late, or too short, "
		    "or the caller is not ours");
		add(&rows);
	}
	ATF_CHECK_STREQ("PROCESS  TEXT\n"
	    "key      none of our calls to it is kept: it was not called over a "
	    "trunk of\n"
	    "         late, or too short, or the caller is not ours\n"
	    "key      short\n", shown(&rows, SHAPE_MIXED, text_print));
	rows_free(&rows);
	ctl_row(&row, "config");
	ctl_str(&row, "line", "sip {");
	add(&rows);
	ctl_row(&row, "config");
	ctl_str(&row, "line", "\tmedia pass");
	add(&rows);
	ATF_CHECK_STREQ("sip {\n\tmedia pass\n",
	    shown(&rows, SHAPE_LINES, text_print));
	rows_free(&rows);
}

ATF_TC_WITHOUT_HEAD(metrics);
ATF_TC_BODY(metrics, tc)
{
	struct output_rows	 rows = STAILQ_HEAD_INITIALIZER(rows);
	int			 i;

	for (i = 0; i < 2; i++) {
		ctl_row(&row, "metric");
		ctl_str(&row, "name", "vipr_up");
		ctl_str(&row, "type", "gauge");
		ctl_str(&row, "process", i ? "k\"ey" : "sipgw");
		ctl_uint(&row, "value", (uint64_t)i);
		add(&rows);
		ctl_row(&row, "metric");
		ctl_str(&row, "name", i ? "calls" : "calls_total");
		ctl_str(&row, "type", "counter");
		ctl_uint(&row, "value", 7);
		add(&rows);
	}
	ctl_row(&row, "pvpd");
	ctl_uint(&row, "open-now", 3);
	add(&rows);
	ATF_CHECK_STREQ("# TYPE vipr_calls counter\n"
	    "vipr_calls_total 7\nvipr_calls_total 7\n"
	    "# TYPE vipr_pvpd_open_now unknown\nvipr_pvpd_open_now 3\n"
	    "# TYPE vipr_up gauge\n"
	    "vipr_up{process=\"sipgw\"} 0\nvipr_up{process=\"k\\\"ey\"} 1\n"
	    "# EOF\n", shown(&rows, SHAPE_METRICS, NULL));
	rows_free(&rows);
}

/* A daemon that was taken over may send anything. */
ATF_TC_WITHOUT_HEAD(malformed);
ATF_TC_BODY(malformed, tc)
{
	struct output_rows	 rows = STAILQ_HEAD_INITIALIZER(rows);
	const char		*list[] = { "a", "bc" };
	uint8_t			*heap;
	size_t			 n, len;
	int			 i, ok = 0;

	ctl_row(&row, "kind");
	ctl_uint(&row, "number", 1);
	ctl_list(&row, "list", list, 2);
	ctl_str(&row, "text", "abc");
	len = row.cr_w.w_len;
	for (n = 0; n < len; n++) {
		ATF_REQUIRE((heap = malloc(n + !n)) != NULL);
		memcpy(heap, row.cr_buf, n);
		if (rows_add(&rows, heap, n) == 0)
			ok++;
		free(heap);
	}
	/* Only where a field ends. */
	ATF_CHECK_EQ(3, ok);
	for (n = 0; n < len; n++)
		for (i = 1; i < 256; i++) {
			ATF_REQUIRE((heap = malloc(len)) != NULL);
			memcpy(heap, row.cr_buf, len);
			heap[n] ^= (uint8_t)i;
			(void)rows_add(&rows, heap, len);
			free(heap);
		}
	(void)shown(&rows, SHAPE_MIXED, json_print);
	(void)shown(&rows, SHAPE_MIXED, text_print);
	(void)shown(&rows, SHAPE_LIST, text_print);
	(void)shown(&rows, SHAPE_LINES, text_print);
	(void)shown(&rows, SHAPE_METRICS, NULL);
	rows_free(&rows);
	ctl_row(&row, "many");
	for (i = 0; i < OUTPUT_FIELDS_MAX + 1; i++)
		ctl_null(&row, "x");
	ATF_CHECK_EQ(-1, rows_add(&rows, row.cr_buf, row.cr_w.w_len));
	ATF_CHECK(STAILQ_EMPTY(&rows));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, commands);
	ATF_TP_ADD_TC(tp, commands_refused);
	ATF_TP_ADD_TC(tp, json);
	ATF_TP_ADD_TC(tp, text);
	ATF_TP_ADD_TC(tp, metrics);
	ATF_TP_ADD_TC(tp, malformed);
	return (atf_no_error());
}
