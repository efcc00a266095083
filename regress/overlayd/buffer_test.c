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
 * Buffers for messages being built: kept and handed out again, of the size that
 * the document in force has, and never with what an earlier message left there.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

#define MANY	9

static struct reload_doc	 doc;
static struct node		 n;

static void
set_up(uint32_t size)
{
	doc.rd_max_message = size;
	n.n_doc = &doc;
}

static int
all_zero(const uint8_t *p, size_t len)
{
	while (len > 0 && p[len - 1] == 0)
		len--;
	return (len == 0);
}

ATF_TC_WITHOUT_HEAD(wiped);
ATF_TC_BODY(wiped, tc)
{
	struct wbuf	 w;
	uint8_t		*was, big[2000];
	int		 i;

	set_up(1000);
	memset(big, 0xa5, sizeof(big));
	ATF_REQUIRE_EQ(0, node_buffer(&n, &w));
	was = w.w_buf;
	memset(w.w_buf, 0, w.w_size);
	for (i = 0; i < 3; i++) {
		wbuf_bytes(&w, big, 700);
		/* What does not fit makes the whole of it suspect. */
		if (i == 1) {
			memset(w.w_buf + 900, 0xa5, 100);
			wbuf_bytes(&w, big, sizeof(big));
			ATF_CHECK_EQ(-1, wbuf_ok(&w));
		}
		node_spare(&w);
		ATF_CHECK(w.w_buf == NULL);
		ATF_REQUIRE_EQ(0, node_buffer(&n, &w));
		ATF_CHECK_MSG(w.w_buf == was, "not the one that was kept");
		ATF_CHECK_EQ(0, w.w_len);
		ATF_CHECK_EQ(0, wbuf_ok(&w));
		ATF_CHECK_MSG(all_zero(w.w_buf, w.w_size), "left by the one before");
	}
	node_spare(&w);
	node_spare(&w);		/* nothing in there any more */
}

ATF_TC_WITHOUT_HEAD(document);
ATF_TC_BODY(document, tc)
{
	struct wbuf	 w[MANY];
	uint32_t	 size;
	int		 i, j;

	for (size = 500; size < 5000; size += 700) {
		set_up(size);
		for (i = 0; i < MANY; i++) {
			ATF_REQUIRE_EQ(0, node_buffer(&n, &w[i]));
			ATF_REQUIRE_EQ(size, w[i].w_size);
			memset(w[i].w_buf, i + 1, size);
			w[i].w_len = size;
			for (j = 0; j < i; j++)
				ATF_REQUIRE(w[j].w_buf != w[i].w_buf);
		}
		/* The document changes while they are in use. */
		set_up(size + 700);
		for (i = 0; i < MANY; i++) {
			ATF_CHECK_EQ(i + 1, w[i].w_buf[size - 1]);
			node_spare(&w[i]);
		}
	}
}

ATF_TC_WITHOUT_HEAD(build);
ATF_TC_BODY(build, tc)
{
	struct node_build b;
	uint8_t		 der[300];
	int		 i;

	set_up(1000);
	memset(der, 0x5a, sizeof(der));
	memset(&b, 0, sizeof(b));
	build_free(&b);		/* never opened */
	for (i = 0; i < MANY; i++) {
		ATF_REQUIRE_EQ(0, build_open(&n, &b, WIRE_PING));
		build_cert(&b, der, sizeof(der));
		build_cert(&b, der, sizeof(der));
		ATF_CHECK_EQ(2 * (3 + sizeof(der)), b.nb_bucket.w_len);
		ATF_CHECK_EQ(0, wbuf_ok(&b.nb_bucket));
		build_cert(&b, der, sizeof(der));
		build_cert(&b, der, sizeof(der));
		ATF_CHECK_EQ_MSG(-1, wbuf_ok(&b.nb_bucket), "above max-message-size");
		build_free(&b);
		ATF_CHECK(b.nb_w.w_buf == NULL && b.nb_bucket.w_buf == NULL);
		build_free(&b);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, wiped);
	ATF_TP_ADD_TC(tp, document);
	ATF_TP_ADD_TC(tp, build);
	return (atf_no_error());
}
