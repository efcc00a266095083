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
 * Walks in parts, and what reading a big store does to our memory.
 */

#include "store_use.h"

#define BIG_MAP		(400 * 1024 * 1024)
#define BIG_VALUE	60000
#define BIG_VALUES	3000u

static int	 collect(const void *, size_t, const void *, size_t, uint8_t, void *);
static unsigned	 scan_all(struct store_table *, unsigned);
static long	 rss_file_kb(void);

static char	 seen[4096];		/* keys, with commas */
static const char *unwanted;		/* deleted by collect */
static unsigned	 stop_after;

static int
collect(const void *key, size_t keylen, const void *val, size_t len, uint8_t version,
    void *arg)
{
	(void)arg;
	ATF_REQUIRE_EQ(1, version);
	ATF_REQUIRE(len > 0);
	ATF_CHECK_EQ('v', *(const char *)val);
	(void)snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%.*s,",
	    (int)keylen, (const char *)key);
	if (stop_after > 0 && --stop_after == 0)
		return (-1);
	return (unwanted != NULL && memcmp(key, unwanted, keylen) == 0);
}

/* How many parts it took. */
static unsigned
scan_all(struct store_table *tb, unsigned max)
{
	uint8_t		 key[STORE_KEY_MAX];
	size_t		 keylen = 0;
	unsigned	 n = 1;
	int		 r;

	seen[0] = '\0';
	while ((r = store_scan(tb, key, &keylen, max, collect, NULL)) == 1)
		n++;
	ATF_REQUIRE_EQ(0, r);
	return (n);
}

ATF_TC_WITHOUT_HEAD(parts);
ATF_TC_BODY(parts, tc)
{
	struct store		*st;
	struct store_table	*tb, *sealed;
	uint8_t			 key[STORE_KEY_MAX];
	size_t			 keylen = 0;
	unsigned		 i;
	char			 k[8];

	ATF_REQUIRE(sodium_init() != -1);
	st = opened();
	ATF_REQUIRE((tb = store_table(st, "t", 1, NULL)) != NULL);
	ATF_REQUIRE((sealed = store_table(st, "s", 1, master)) != NULL);
	ATF_CHECK_EQ(1, scan_all(tb, 3));
	ATF_CHECK_STREQ("", seen);
	for (i = 0; i < 9; i++) {
		(void)snprintf(k, sizeof(k), "k%u", i);
		ATF_REQUIRE_EQ(0, store_put(tb, k, strlen(k), "value", 5, NULL, NULL));
	}
	/* Writes that are not committed yet are seen. */
	ATF_CHECK_EQ(3, scan_all(tb, 3));
	ATF_CHECK_STREQ("k0,k1,k2,k3,k4,k5,k6,k7,k8,", seen);
	ATF_REQUIRE_EQ(0, store_commit(st));
	for (i = 1; i < 12; i++) {
		(void)scan_all(tb, i);
		ATF_CHECK_STREQ("k0,k1,k2,k3,k4,k5,k6,k7,k8,", seen);
	}
	/* From a key that is no longer there. */
	memcpy(key, "k44", 3);
	keylen = 3;
	seen[0] = '\0';
	ATF_CHECK_EQ(0, store_scan(tb, key, &keylen, 10, collect, NULL));
	ATF_CHECK_STREQ("k5,k6,k7,k8,", seen);
	/* What the callback does not want is deleted, at the end of a part too. */
	for (i = 0; i < 9; i += 2) {
		(void)snprintf(k, sizeof(k), "k%u", i);
		unwanted = k;
		(void)scan_all(tb, 1 + i / 2);
	}
	unwanted = NULL;
	(void)scan_all(tb, 2);
	ATF_CHECK_STREQ("k1,k3,k5,k7,", seen);
	ATF_CHECK_EQ(4, store_count(tb));
	/* It may stop. */
	stop_after = 2;
	(void)scan_all(tb, 10);
	ATF_CHECK_STREQ("k1,k3,", seen);
	ATF_CHECK_EQ(-1, store_scan(sealed, key, &keylen, 10, collect, NULL));
	ATF_CHECK_EQ(EINVAL, errno);
	store_close(st);
}

static long
rss_file_kb(void)
{
	char	 line[128];
	long	 kb = -1;
	FILE	*f;

	if ((f = fopen("/proc/self/status", "r")) == NULL)
		return (-1);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "RssFile:", 8) == 0)
			kb = strtol(line + 8, NULL, 10);
	fclose(f);
	return (kb);
}

/* 180 MB are walked through and read here and there; they do not stay with us. */
ATF_TC_WITHOUT_HEAD(memory);
ATF_TC_BODY(memory, tc)
{
	struct store		*st;
	struct store_table	*tb;
	static char		 big[BIG_VALUE], buf[BIG_VALUE];
	const char		*why;
	uint8_t			 version;
	uint32_t		 i, k;
	long			 before, most = 0, now;

	if ((before = rss_file_kb()) == -1)
		atf_tc_skip("no /proc");
	(void)mkdir("db", 0700);
	ATF_REQUIRE((st = store_open("db", BIG_MAP, 4, &why)) != NULL);
	ATF_REQUIRE((tb = store_table(st, "t", 1, NULL)) != NULL);
	memset(big, 'v', sizeof(big));
	for (i = 0; i < BIG_VALUES; i++) {
		memcpy(big + 8, &i, sizeof(i));
		ATF_REQUIRE_EQ(0, store_put(tb, &i, sizeof(i), big, sizeof(big), NULL, NULL));
		if (i % 50 == 0)
			ATF_REQUIRE_EQ(0, store_commit(st));
	}
	ATF_REQUIRE_EQ(0, store_commit(st));
	store_settle(st);
	before = rss_file_kb();
	for (i = 0; i < 3 * BIG_VALUES; i++) {
		k = i * 1021 % BIG_VALUES;
		ATF_REQUIRE_EQ((ssize_t)sizeof(buf), store_get(tb, &k, sizeof(k), buf,
		    sizeof(buf), &version));
		ATF_REQUIRE_EQ(0, memcmp(buf + 8, &k, sizeof(k)));
		if (i % 40 == 0 && (now = rss_file_kb()) > most)
			most = now;
	}
	ATF_CHECK_MSG(most - before < 80 * 1024, "%ld kB more", most - before);
	store_settle(st);
	ATF_CHECK_MSG(rss_file_kb() - before < 8 * 1024, "%ld kB more", rss_file_kb() - before);
	store_close(st);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, parts);
	ATF_TP_ADD_TC(tp, memory);
	return (atf_no_error());
}
