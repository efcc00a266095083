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
 * A peer that is killed while it stores, and starts again: what was committed
 * is there, and each entry of the index made anew has its record.
 */

#include <sys/types.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#undef si_value		/* signal.h's */

#include "storage.h"
#include "store.h"
#include "wire.h"

#define MAP		(64 * 1024 * 1024)
#define NOW		1700000000000ull
#define ROUNDS		6
#define RESOURCES	400u
#define KEYS		5u
#define COMMIT		25u	/* values between commits */

static int	 put(void *, enum storage_table, const void *, size_t, const void *, size_t);
static ssize_t	 get(void *, enum storage_table, const void *, size_t, void *, size_t);
static int	 load(const void *, size_t, const void *, size_t, uint8_t, void *);
static void	 start(struct storage *);
static void	 store_number(struct storage *, uint32_t);
static void	 drop_number(struct storage *, uint32_t);
static void	 writer(uint32_t, int) __attribute__((__noreturn__));
static struct nodeid nid(uint32_t);
static void	 check(uint32_t);

static const struct reload_kind	 vipr = {
	.rk_id = RELOAD_KIND_VIPR, .rk_model = RELOAD_DICTIONARY,
	.rk_policy = RELOAD_VIPR_NODE_KEY_MATCH, .rk_max_count = 64, .rk_max_size = 64,
	.rk_lifetime = 86400, .rk_max_per_node = 64, .rk_quota = 20000
};

static struct store	*store;
static struct store_table *tables[3];
static enum storage_table loading;

static int
put(void *arg, enum storage_table table, const void *key, size_t keylen, const void *val,
    size_t len)
{
	(void)arg;
	return (store_put(tables[table], key, keylen, val, len, NULL, NULL));
}

static ssize_t
get(void *arg, enum storage_table table, const void *key, size_t keylen, void *buf,
    size_t size)
{
	ssize_t	 n;
	uint8_t	 version;

	(void)arg;
	n = store_get(tables[table], key, keylen, buf, size, &version);
	return (n == -1 ? 0 : n);
}

static int
load(const void *key, size_t keylen, const void *val, size_t len, uint8_t version, void *arg)
{
	(void)version;
	return (storage_load(arg, loading, key, keylen, val, len) == 0 ? 0 : 1);
}

static struct nodeid
nid(uint32_t n)
{
	struct nodeid	 id;

	(void)crypto_generichash(id.id_b, NODEID_LEN, (uint8_t *)&n, sizeof(n), NULL, 0);
	return (id);
}

static void
start(struct storage *st)
{
	static const enum storage_table order[] = {
		STORAGE_T_CERT, STORAGE_T_GENERATION, STORAGE_T_VALUE
	};
	static const char *const names[] = { "value", "generation", "cert" };
	const char	*why;
	uint8_t		 key[STORE_KEY_MAX];
	size_t		 i, keylen;
	int		 r, fd;

	/* The helper of the one that was killed may still wait for the disk. */
	if ((fd = open("db/data.lock", O_RDWR | O_CREAT, 0600)) == -1 ||
	    flock(fd, LOCK_EX) == -1)
		_exit(7);
	close(fd);
	if ((store = store_open("db", MAP, 4, &why)) == NULL)
		_exit(2);
	for (i = 0; i < 3; i++) {
		if ((tables[i] = store_table(store, names[i], 1, NULL)) == NULL)
			_exit(3);
	}
	storage_init(st, put, get, NULL);
	for (i = 0; i < 3; i++) {
		loading = order[i];
		keylen = 0;
		while ((r = store_scan(tables[loading], key, &keylen, 100, load, st)) == 1)
			continue;
		if (r == -1)
			_exit(4);
	}
	storage_loaded(st);
}

/* Does the place of number n hold it, or one that was stored later? */
static int
holds(struct storage *st, uint32_t n)
{
	struct storage_value *sv;
	struct nodeid	 id = nid(n % RESOURCES);

	sv = storage_first(st, storage_find(st, &id, RELOAD_KIND_VIPR));
	for (; sv != NULL; sv = storage_after(st, sv))
		if (sv->sv_time >= 1000 + (uint64_t)n)
			return (1);
	return (0);
}

/* Later numbers take the places of earlier ones.  The writer before us may have
 * been killed between a commit and telling of it: its numbers stand already. */
static void
store_number(struct storage *st, uint32_t n)
{
	struct storage_item si;
	struct storage_set ss;
	struct nodeid	 id = nid(n % RESOURCES);
	const char	*why = "";
	char		 key[64], value[32], cert[32];
	uint32_t	 signer = n % 17;
	int		 code;

	memset(&si, 0, sizeof(si));
	si.si_signer = nid(100000 + signer);
	(void)snprintf(key, sizeof(key), "a key of some length that ends in %u",
	    n / RESOURCES % KEYS);
	(void)snprintf(value, sizeof(value), "value %u", n);
	(void)snprintf(cert, sizeof(cert), "certificate %u", signer);
	si.si_key.p = key;
	si.si_key.len = strlen(key);
	si.si_time = 1000 + n;
	si.si_lifetime = 80000;
	si.si_exists = 1;
	si.si_value.p = value;
	si.si_value.len = strlen(value);
	si.si_sig.p = "signature";
	si.si_sig.len = 9;
	si.si_cert.p = cert;
	si.si_cert.len = strlen(cert);
	(void)crypto_hash_sha256(si.si_sha256, (uint8_t *)cert, strlen(cert));
	memset(&ss, 0, sizeof(ss));
	ss.ss_kind = &vipr;
	ss.ss_items = &si;
	ss.ss_nitems = 1;
	code = storage_store(st, &id, 0, &ss, 1, NOW, &why);
	if (code != 0 && (code != WIRE_E_DATA_TOO_OLD || !holds(st, n)))
		_exit(5);
}

/* All of a place, half a turn away from what is being stored. */
static void
drop_number(struct storage *st, uint32_t n)
{
	struct storage_place *sp;
	struct nodeid	 id = nid(n % RESOURCES);

	sp = storage_nfind(st, &id, RELOAD_KIND_VIPR);
	if (sp != NULL && nodeid_eq(&sp->sp_resource, &id))
		storage_drop(st, sp);
}

/* From number n on, and each one that is safe to the parent. */
static void
writer(uint32_t n, int out)
{
	struct storage	 st;

	start(&st);
	for (;; n++) {
		store_number(&st, n);
		if (n % 7 == 0)
			drop_number(&st, n + RESOURCES / 2);
		if (n % COMMIT != 0)
			continue;
		if (store_commit(store) == -1)
			_exit(6);
		if (write(out, &n, sizeof(n)) != (ssize_t)sizeof(n))
			_exit(0);
	}
}

/* The number up to which all was committed. */
static void
check(uint32_t safe)
{
	struct storage	 st;
	struct storage_place *sp;
	struct storage_value *sv;
	struct storage_body sb;
	struct nodeid	 id;
	struct span	 der;
	char		 value[32];
	size_t		 values = 0;
	uint32_t	 n;

	start(&st);
	ATF_CHECK_EQ(st.st_nvalues, store_count(tables[STORAGE_T_VALUE]));
	ATF_CHECK_EQ(st.st_nplaces, store_count(tables[STORAGE_T_GENERATION]));
	ATF_CHECK(st.st_nvalues > 0);
	memset(&id, 0, sizeof(id));
	for (n = 0; (sp = storage_nfind(&st, &id, RELOAD_KIND_VIPR)) != NULL; n++) {
		for (sv = storage_first(&st, sp); sv != NULL; sv = storage_after(&st, sv)) {
			ATF_REQUIRE_EQ(0, storage_body(&st, sv, &sb));
			(void)snprintf(value, sizeof(value), "value %u",
			    (unsigned)(sv->sv_time - 1000));
			ATF_CHECK(sb.sb_value.len == strlen(value) &&
			    memcmp(sb.sb_value.p, value, strlen(value)) == 0);
			ATF_REQUIRE_EQ(0, storage_cert(&st, sv, &der));
			values++;
		}
		nodeid_next(&sp->sp_resource, &id);
	}
	ATF_CHECK_EQ(st.st_nvalues, values);
	ATF_CHECK_EQ(0, st.st_lost);
	/* What was stored last, and no later drop can have hit. */
	for (n = safe; n > 0 && n + RESOURCES / 4 > safe; n--)
		ATF_CHECK_MSG(holds(&st, n), "number %u of %u is not there", n, safe);
	storage_clear(&st);
	store_close(store);
}

ATF_TC(killed);
ATF_TC_HEAD(killed, tc)
{
	atf_tc_set_md_var(tc, "timeout", "120");
}
ATF_TC_BODY(killed, tc)
{
	uint32_t	 n, safe = 1;
	unsigned	 round, i, parts;
	pid_t		 pid;
	int		 fd[2], status;

	ATF_REQUIRE(sodium_init() != -1);
	(void)mkdir("db", 0700);
	for (round = 0; round < ROUNDS; round++) {
		ATF_REQUIRE_EQ(0, pipe(fd));
		ATF_REQUIRE((pid = fork()) != -1);
		if (pid == 0) {
			close(fd[0]);
			writer(safe + 1, fd[1]);
		}
		close(fd[1]);
		/* Killed wherever it is by then. */
		parts = 10 + round * 13;
		for (i = 0; i < parts; i++) {
			ATF_REQUIRE_EQ((ssize_t)sizeof(n), read(fd[0], &n, sizeof(n)));
			safe = n;
		}
		ATF_REQUIRE_EQ(0, kill(pid, SIGKILL));
		ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
		ATF_REQUIRE(WIFSIGNALED(status));
		while (read(fd[0], &n, sizeof(n)) == (ssize_t)sizeof(n))
			safe = n;
		close(fd[0]);
		check(safe);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, killed);
	return (atf_no_error());
}
