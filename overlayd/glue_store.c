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
 * overlayd's store: records of what is stored for the overlay, numbers that
 * were published, documents, known peers, and the start from all that, which
 * is done in parts since there may be a million records.
 */

#include <sys/types.h>

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "glue_store.h"
#include "log.h"
#include "proc.h"
#include "regist.h"
#include "store.h"

#define STORE_MAP	((size_t)3 * 1024 * 1024 * 1024)	/* address space, not memory */
#define STORE_VERSION	1
#define RETRY_MS	5000	/* a disk that failed is tried again */
#define LOAD_MS		80	/* a part of the start */
#define LOAD_STEP	4096	/* records between looks at the clock */
#define LOAD_TABLES	3
#define MEMORY		((size_t)108 * 1024 * 1024)	/* index and what was read */
#define MEMORY_STEP	4096	/* values stored between looks at it */

static void	 share_memory(void);
static void	 store_failed(int, void *);
static int	 load_record(const void *, size_t, const void *, size_t, uint8_t, void *);
static int	 load_kept(const void *, size_t, const void *, size_t, uint8_t, void *);
static int	 make_secret(void);

static const enum storage_table load_order[LOAD_TABLES] = {
	STORAGE_T_CERT, STORAGE_T_GENERATION, STORAGE_T_VALUE
};

static struct store	*store;
static struct store_table *tables[LOAD_TABLES];	/* enum storage_table */
static struct store_table *kept, *meta;
static uint8_t		 secret[REGIST_SECRET_LEN];
static struct {
	unsigned	 ld_table;	/* of load_order */
	size_t		 ld_keylen;	/* last record seen, 0: none */
	uint8_t		 ld_key[STORE_KEY_MAX];
}			 load;
static const struct storage *held;	/* whose records these are */
static unsigned		 writes;
static uint64_t		 failed_at;

static struct log_limit	 store_lines = { "store failures", 3, 60000, 0, 0, 0 };
static struct log_limit	 lost_lines = { "records lost", 3, 60000, 0, 0, 0 };

int
glue_init(const char *dir)
{
	static const char *const names[] = { "value", "generation", "cert" };
	const char	*why = NULL;
	size_t		 i;

	if ((store = store_open(dir, STORE_MAP, 8, &why)) == NULL) {
		log_warnx("store %s: %s", dir, why != NULL ? why : strerror(errno));
		return (-1);
	}
	for (i = 0; i < 3; i++) {
		if ((tables[i] = store_table(store, names[i], STORE_VERSION, NULL)) == NULL)
			goto fail;
	}
	if ((kept = store_table(store, "published", STORE_VERSION, NULL)) == NULL ||
	    (meta = store_table(store, "meta", STORE_VERSION, NULL)) == NULL ||
	    make_secret() == -1)
		goto fail;
	store_event(store);
	return (0);
fail:
	log_warn("store %s", dir);
	store_close(store);
	store = NULL;
	return (-1);
}

/* What decoys are drawn from: made once, kept with the registrations. */
static int
make_secret(void)
{
	uint8_t		 version;
	ssize_t		 n;

	n = store_get(meta, "secret", 6, secret, sizeof(secret), &version);
	if (n == (ssize_t)sizeof(secret))
		return (0);
	if (n != -1 || errno != ENOENT) {
		if (n != -1)
			errno = EBADMSG;
		return (-1);
	}
	randombytes_buf(secret, sizeof(secret));
	if (store_put(meta, "secret", 6, secret, sizeof(secret), NULL, NULL) == -1)
		return (-1);
	return (store_commit(store));
}

const uint8_t *
glue_secret(void)
{
	return (secret);
}

void
glue_store_close(void)
{
	store_close(store);
	store = NULL;
	sodium_memzero(secret, sizeof(secret));
	memset(&load, 0, sizeof(load));
	held = NULL;
}

/* The more is in the index, the less of the disk may be in memory. */
static void
share_memory(void)
{
	size_t		 n;

	if (held == NULL || store == NULL)
		return;
	n = held->st_nvalues * (sizeof(struct storage_value) + sizeof(struct storage_place));
	store_memory(store, n < MEMORY ? MEMORY - n : 0);
}

int
glue_store_error(void)
{
	return (store == NULL ? 0 : store_error(store));
}

static void
store_failed(int error, void *arg)
{
	(void)arg;
	if (error == 0)
		return;
	failed_at = proc_boot_ms();
	if (log_allow(&store_lines, failed_at))
		log_warnx("stored registrations are not being written: %s", strerror(error));
}

/* What the disk did not take was answered for already, so after a failure
 * little is tried until one has succeeded. */
int
glue_put(void *arg, enum storage_table table, const void *key, size_t keylen,
    const void *val, size_t len)
{
	(void)arg;
	if (store == NULL)
		return (0);
	if (val != NULL && store_error(store) != 0 && proc_boot_ms() < failed_at + RETRY_MS)
		return (-1);
	if (++writes % MEMORY_STEP == 0)
		share_memory();
	if (store_put(tables[table], key, keylen, val, len, store_failed, NULL) == 0)
		return (0);
	store_failed(errno, NULL);
	return (-1);
}

ssize_t
glue_get(void *arg, enum storage_table table, const void *key, size_t keylen, void *buf,
    size_t size)
{
	ssize_t		 n;
	uint8_t		 version;
	int		 error = 0;

	(void)arg;
	if (store == NULL)
		return (-1);
	if ((n = store_get(tables[table], key, keylen, buf, size, &version)) == -1)
		error = errno;
	else if (version != STORE_VERSION)
		error = EBADMSG;
	if (error == 0)
		return (n);
	if (log_allow(&lost_lines, proc_boot_ms()))
		log_warnx("the record of a stored registration cannot be read: %s",
		    strerror(error));
	return (error == ENOMEM || error == EINVAL ? -1 : 0);
}

/* -- start -- */

static int
load_record(const void *key, size_t keylen, const void *val, size_t len, uint8_t version,
    void *arg)
{
	struct node	*n = arg;

	/* 1: of no use. */
	return (version == STORE_VERSION && storage_load(&n->n_storage,
	    load_order[load.ld_table], key, keylen, val, len) == 0 ? 0 : 1);
}

static int
load_kept(const void *key, size_t keylen, const void *val, size_t len, uint8_t version,
    void *arg)
{
	struct cur	 c;
	uint64_t	 number;

	(void)val;
	(void)len;
	(void)version;
	cur_init(&c, key, keylen);
	if (cur_u64(&c, &number) == -1 || cur_done(&c) == -1)
		return (1);
	regist_known(arg, number);
	return (0);
}

void
glue_load_begin(struct regist *rg)
{
	memset(&load, 0, sizeof(load));
	held = NULL;
	if (store_walk(kept, load_kept, rg) == -1)
		log_warn("reading the store");
}

int
glue_load(struct node *n)
{
	uint64_t	 until = proc_boot_ms() + LOAD_MS;
	int		 r;

	while (load.ld_table < LOAD_TABLES) {
		if (proc_boot_ms() >= until)
			return (1);
		r = store_scan(tables[load_order[load.ld_table]], load.ld_key,
		    &load.ld_keylen, LOAD_STEP, load_record, n);
		if (r == 1)
			continue;
		if (r == -1)
			log_warn("reading the store");
		load.ld_table++;
		load.ld_keylen = 0;
	}
	storage_loaded(&n->n_storage);
	held = &n->n_storage;
	share_memory();
	store_settle(store);
	return (0);
}

void
glue_keep(void *arg, uint64_t number, int present)
{
	struct wbuf	 w;
	uint8_t		 key[8];

	(void)arg;
	wbuf_init(&w, key, sizeof(key));
	wbuf_u64(&w, number);
	if (store != NULL && store_put(kept, key, sizeof(key), present ? "1" : NULL,
	    present ? 1 : 0, store_failed, NULL) == -1)
		store_failed(errno, NULL);
}

/* -- this and that -- */

void
glue_meta_put(const void *key, size_t keylen, const void *val, size_t len)
{
	if (store != NULL && store_put(meta, key, keylen, val, len, store_failed,
	    NULL) == -1 && errno != ENOENT)
		store_failed(errno, NULL);
}

ssize_t
glue_meta_get(const void *key, size_t keylen, void *buf, size_t size)
{
	uint8_t		 version;

	if (store == NULL) {
		errno = ENOENT;
		return (-1);
	}
	return (store_get(meta, key, keylen, buf, size, &version));
}

/* Known peers: u8 family, u16 port, 16 bytes of address each. */
void
glue_peers_put(void *arg, const struct vaddr *va, size_t n)
{
	struct wbuf	 w;
	uint8_t		 buf[NODE_CACHE_MAX * 19];
	size_t		 i;

	(void)arg;
	wbuf_init(&w, buf, sizeof(buf));
	for (i = 0; i < n && i < NODE_CACHE_MAX; i++) {
		wbuf_u8(&w, va[i].va_family);
		wbuf_u16(&w, va[i].va_port);
		wbuf_bytes(&w, va[i].va_addr, sizeof(va[i].va_addr));
	}
	glue_meta_put("peers", 5, buf, w.w_len);
}

size_t
glue_cache(struct vaddr *va, size_t max)
{
	struct cur	 c;
	uint8_t		 buf[NODE_CACHE_MAX * 19];
	ssize_t		 len;
	size_t		 n = 0;

	if ((len = glue_meta_get("peers", 5, buf, sizeof(buf))) == -1)
		return (0);
	cur_init(&c, buf, (size_t)len);
	while (n < max && cur_left(&c) > 0) {
		memset(&va[n], 0, sizeof(va[n]));
		cur_u8(&c, &va[n].va_family);
		cur_u16(&c, &va[n].va_port);
		cur_bytes(&c, va[n].va_addr, sizeof(va[n].va_addr));
		if (cur_ok(&c) == -1)
			break;
		n++;
	}
	return (n);
}
