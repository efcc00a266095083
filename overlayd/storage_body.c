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
 * core: records of stored values: made, written, read again when somebody
 * asks for one, and checked against the index, which a disk that failed may
 * have left behind.
 */

#include <sodium.h>

#include <stdlib.h>
#include <string.h>

#include "storage.h"
#include "storage_int.h"
#include "wire.h"

static int	 record_read(struct storage *, enum storage_table, const void *, size_t,
		    struct span *);

void
storage_slot_id(const void *slot, size_t len, uint8_t id[STORAGE_SLOT_ID])
{
	if (len > STORAGE_SLOT_ID) {
		(void)crypto_generichash(id, STORAGE_SLOT_ID, slot, len, NULL, 0);
		return;
	}
	memset(id, 0, STORAGE_SLOT_ID);
	if (len > 0)
		memcpy(id, slot, len);
}

/* The key ends in a digest of the slot, of a short one too. */
void
storage_record_key(const struct storage_place *sp, const uint8_t id[STORAGE_SLOT_ID],
    size_t keylen, uint8_t key[STORAGE_KEY_LEN])
{
	struct wbuf	 w;
	uint8_t		 h[STORAGE_SLOT_ID];

	memcpy(h, id, sizeof(h));
	if (keylen <= STORAGE_SLOT_ID)
		(void)crypto_generichash(h, sizeof(h), id, keylen, NULL, 0);
	wbuf_init(&w, key, STORAGE_KEY_LEN);
	wbuf_bytes(&w, sp->sp_resource.id_b, NODEID_LEN);
	wbuf_u32(&w, sp->sp_kind);
	wbuf_bytes(&w, h, sizeof(h));
}

uint8_t *
storage_record_make(const struct storage_new *nw, size_t *len)
{
	const struct storage_item *si = nw->nw_item;
	struct wbuf	 w;
	uint8_t		*buf;
	size_t		 size;

	size = 77 + nw->nw_slot.len + si->si_value.len + si->si_sig.len;
	if ((buf = malloc(size)) == NULL)
		return (NULL);
	wbuf_init(&w, buf, size);
	wbuf_u64(&w, si->si_time);
	wbuf_u64(&w, nw->nw_received);
	wbuf_u32(&w, nw->nw_lifetime);
	wbuf_u8(&w, si->si_exists);
	wbuf_bytes(&w, si->si_signer.id_b, NODEID_LEN);
	wbuf_bytes(&w, si->si_sha256, sizeof(si->si_sha256));
	wbuf_lv(&w, 2, nw->nw_slot.p, nw->nw_slot.len);
	wbuf_lv(&w, 4, si->si_value.p, si->si_value.len);
	wbuf_lv(&w, 2, si->si_sig.p, si->si_sig.len);
	if (wbuf_ok(&w) == -1) {
		free(buf);
		return (NULL);
	}
	*len = w.w_len;
	return (buf);
}

int
storage_record_parse(const void *rec, size_t len, struct storage_item *si,
    uint64_t *received, struct span *slot)
{
	struct cur	 c;

	memset(si, 0, sizeof(*si));
	cur_init(&c, rec, len);
	cur_u64(&c, &si->si_time);
	cur_u64(&c, received);
	cur_u32(&c, &si->si_lifetime);
	cur_u8(&c, &si->si_exists);
	cur_bytes(&c, si->si_signer.id_b, NODEID_LEN);
	cur_bytes(&c, si->si_sha256, sizeof(si->si_sha256));
	cur_lv_span(&c, 2, STORAGE_SLOT_MAX, slot);
	cur_lv_span(&c, 4, STORAGE_VALUE_TOP, &si->si_value);
	cur_lv_span(&c, 2, 65535, &si->si_sig);
	return (cur_done(&c));
}

void
storage_record_delete(struct storage *st, const struct storage_value *sv)
{
	uint8_t		 key[STORAGE_KEY_LEN];

	if (st->st_put == NULL || st->st_loading)
		return;
	storage_record_key(storage_place(st, sv), sv->sv_slot, sv->sv_keylen, key);
	(void)st->st_put(st->st_arg, STORAGE_T_VALUE, key, sizeof(key), NULL, 0);
}

void
storage_generation_write(struct storage *st, const struct storage_place *sp)
{
	struct wbuf	 w, v;
	uint8_t		 key[NODEID_LEN + 4], val[8];

	if (st->st_put == NULL || st->st_loading)
		return;
	wbuf_init(&w, key, sizeof(key));
	wbuf_bytes(&w, sp->sp_resource.id_b, NODEID_LEN);
	wbuf_u32(&w, sp->sp_kind);
	wbuf_init(&v, val, sizeof(val));
	wbuf_u64(&v, sp->sp_generation);
	(void)st->st_put(st->st_arg, STORAGE_T_GENERATION, key, w.w_len,
	    sp->sp_generation == 0 ? NULL : val, sp->sp_generation == 0 ? 0 : v.w_len);
}

/* 0, or -1: not now, 1: never again. */
static int
record_read(struct storage *st, enum storage_table table, const void *key, size_t keylen,
    struct span *rec)
{
	ssize_t		 n;

	if (st->st_buf == NULL && (st->st_buf = malloc(STORAGE_RECORD_MAX)) == NULL)
		return (-1);
	n = st->st_get(st->st_arg, table, key, keylen, st->st_buf, STORAGE_RECORD_MAX);
	if (n <= 0)
		return (n == 0 ? 1 : -1);
	rec->p = (const char *)st->st_buf;
	rec->len = (size_t)n;
	return (0);
}

int
storage_body(struct storage *st, struct storage_value *sv, struct storage_body *sb)
{
	struct storage_item si;
	struct span	 rec;
	uint64_t	 received;
	uint8_t		 key[STORAGE_KEY_LEN], id[STORAGE_SLOT_ID];
	int		 r = 0;

	if (sv->sv_lost)
		return (-1);
	if (st->st_get == NULL) {
		rec.p = (const char *)*storage_value_memory(sv);
		rec.len = sv->sv_len;
	} else {
		storage_record_key(storage_place(st, sv), sv->sv_slot, sv->sv_keylen, key);
		r = record_read(st, STORAGE_T_VALUE, key, sizeof(key), &rec);
	}
	if (r == -1)
		return (-1);
	/* A group of writes that failed leaves the record before, or none. */
	if (r == 0 && storage_record_parse(rec.p, rec.len, &si, &received,
	    &sb->sb_slot) == 0 && si.si_time == sv->sv_time &&
	    (si.si_exists != 0) == sv->sv_exists && sb->sb_slot.len == sv->sv_keylen &&
	    nodeid_eq(&si.si_signer, storage_signer(st, sv)) &&
	    memcmp(si.si_sha256, storage_cert_at(st, sv->sv_cert)->sc_sha256,
	    sizeof(si.si_sha256)) == 0) {
		storage_slot_id(sb->sb_slot.p, sb->sb_slot.len, id);
		if (memcmp(id, sv->sv_slot, sizeof(id)) != 0)
			goto lost;
		sb->sb_value = si.si_value;
		sb->sb_sig = si.si_sig;
		return (0);
	}
lost:
	sv->sv_lost = 1;
	st->st_lost++;
	st->st_bound = 1;
	return (-1);
}

int
storage_cert(struct storage *st, struct storage_value *sv, struct span *der)
{
	struct storage_cert *sc = storage_cert_at(st, sv->sv_cert);
	int		 r;

	if (st->st_get == NULL) {
		der->p = (const char *)*storage_cert_memory(sc);
		der->len = sc->sc_len;
		return (0);
	}
	r = record_read(st, STORAGE_T_CERT, sc->sc_sha256, sizeof(sc->sc_sha256), der);
	if (r == 0 && der->len == sc->sc_len)
		return (0);
	if (r != -1) {
		sv->sv_lost = 1;
		st->st_lost++;
		st->st_bound = 1;
	}
	return (-1);
}

void
storage_answer(struct storage *st)
{
	uint32_t	 i;

	if (++st->st_mark != 0)
		return;
	for (i = 1; i <= st->st_certs.sb_top; i++)
		storage_cert_at(st, i)->sc_mark = 0;
	st->st_mark = 1;
}

int
storage_cert_new(struct storage *st, const struct storage_value *sv)
{
	struct storage_cert *sc = storage_cert_at(st, sv->sv_cert);

	if (sc->sc_mark == st->st_mark)
		return (0);
	sc->sc_mark = st->st_mark;
	return (1);
}
