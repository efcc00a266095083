/* SPDX-License-Identifier: ISC */
/*
 * Byte cursors: the only way in this project to read or write a packet.
 *
 * A reader (struct cur) never leaves its buffer: the first short read poisons
 * it, every later read returns 0 or NULL and leaves it poisoned.  Outputs of a
 * failed read are zeroed.  All integers are big-endian.  Nothing is copied: a
 * span points into the caller's buffer and lives as long as that does.
 *
 * A writer (struct wbuf) fills a buffer of fixed size that the caller owns;
 * the first write that does not fit poisons it and nothing more is written.
 */
#ifndef CURSOR_H
#define CURSOR_H

#include <stddef.h>
#include <stdint.h>

struct span {
	const char	*p;
	size_t		 len;
};

struct cur {
	const uint8_t	*c_base;	/* start of the buffer */
	const uint8_t	*c_p;		/* next byte */
	const uint8_t	*c_end;		/* one past the last */
	int		 c_bad;		/* a read failed: stays set */
};

/* What a cursor over nothing points to. */
extern const uint8_t cur_none[1];

/* The small ones are here because parsers of text call them for every byte. */

/* Start reading len bytes at p (p may be NULL when len is 0). */
static inline void
cur_init(struct cur *c, const void *p, size_t len)
{
	c->c_base = c->c_p = p != NULL ? p : cur_none;
	c->c_end = c->c_p + (p != NULL ? len : 0);
	c->c_bad = 0;
}

/* 0 if no read failed so far, else -1. */
static inline int
cur_ok(const struct cur *c)
{
	return (c->c_bad ? -1 : 0);
}

/* 0 if no read failed and every byte was consumed, else -1. */
static inline int
cur_done(const struct cur *c)
{
	return (c->c_bad || c->c_p != c->c_end ? -1 : 0);
}

/* Bytes not yet read (0 when poisoned); bytes read from the start. */
static inline size_t
cur_left(const struct cur *c)
{
	return (c->c_bad ? 0 : (size_t)(c->c_end - c->c_p));
}

static inline size_t
cur_off(const struct cur *c)
{
	return ((size_t)(c->c_p - c->c_base));
}

/* Poison by hand: the bytes were there but not valid.  Returns -1. */
static inline int
cur_fail(struct cur *c)
{
	c->c_bad = 1;
	return (-1);
}

/* n bytes in place; NULL on failure.  The one function that moves the
 * pointer. */
static inline const uint8_t *
cur_ptr(struct cur *c, size_t n)
{
	const uint8_t	*p;

	if (c->c_bad || n > (size_t)(c->c_end - c->c_p)) {
		c->c_bad = 1;
		return (NULL);
	}
	p = c->c_p;
	c->c_p += n;
	return (p);
}

static inline int
cur_skip(struct cur *c, size_t n)
{
	return (cur_ptr(c, n) == NULL ? -1 : 0);
}

/* Text: peek the next byte (-1 at the end), take it if it equals ch. */
static inline int
cur_peek(const struct cur *c)
{
	return (c->c_bad || c->c_p == c->c_end ? -1 : *c->c_p);
}

static inline int
cur_lit(struct cur *c, char ch)
{
	if (cur_peek(c) != (uint8_t)ch)
		return (cur_fail(c));
	return (cur_skip(c, 1));
}

/* Fixed-width reads: 0, or -1 with *v = 0. */
int		 cur_u8(struct cur *, uint8_t *v);
int		 cur_u16(struct cur *, uint16_t *v);
int		 cur_u24(struct cur *, uint32_t *v);
int		 cur_u32(struct cur *, uint32_t *v);
int		 cur_u64(struct cur *, uint64_t *v);
/* Copy n bytes to dst; on failure dst is zeroed. */
int		 cur_bytes(struct cur *, void *dst, size_t n);
/* The next n bytes as a cursor of their own; inner is poisoned on failure. */
int		 cur_sub(struct cur *, size_t n, struct cur *inner);
/* Length-prefixed (1, 2, 3, 4 bytes wide) element as a cursor of its own. */
int		 cur_lv(struct cur *, int width, struct cur *inner);
/* The same as a span, bounded by max bytes. */
int		 cur_lv_span(struct cur *, int width, size_t max, struct span *);
/* Length-prefixed text copied to a NUL-terminated buffer of size bytes;
 * fails on a NUL inside or when it does not fit. */
int		 cur_lv_str(struct cur *, int width, char *dst, size_t size);

/* Take bytes while they are in accept (a 256-entry table); at least one. */
int		 cur_token(struct cur *, const uint8_t accept[256], struct span *);
/* Take bytes up to, not including, stop; the stop byte must exist. */
int		 cur_until(struct cur *, char stop, struct span *);
/* Decimal digits, value at most max. */
int		 cur_dec(struct cur *, uint64_t max, uint64_t *v);

/* Does the span equal the string (exactly; ignoring ASCII case)? */
int		 span_eq(struct span, const char *);
int		 span_caseeq(struct span, const char *);
/* Copy to a NUL-terminated string; -1 if it does not fit or has a NUL. */
int		 span_str(struct span, char *dst, size_t size);

struct wbuf {
	uint8_t		*w_buf;
	size_t		 w_size;
	size_t		 w_len;		/* bytes written */
	int		 w_bad;
};

void		 wbuf_init(struct wbuf *, void *buf, size_t size);
/* 0, or -1 if something did not fit. */
int		 wbuf_ok(const struct wbuf *);
int		 wbuf_fail(struct wbuf *);
void		 wbuf_u8(struct wbuf *, uint8_t);
void		 wbuf_u16(struct wbuf *, uint16_t);
void		 wbuf_u24(struct wbuf *, uint32_t);
void		 wbuf_u32(struct wbuf *, uint32_t);
void		 wbuf_u64(struct wbuf *, uint64_t);
void		 wbuf_bytes(struct wbuf *, const void *, size_t);
void		 wbuf_zero(struct wbuf *, size_t);
/* Length prefix of width bytes, then the bytes. */
void		 wbuf_lv(struct wbuf *, int width, const void *, size_t);
void		 wbuf_lv_str(struct wbuf *, int width, const char *);
/* Text without a terminator; printf form must not be given a NUL. */
void		 wbuf_str(struct wbuf *, const char *);
void		 wbuf_span(struct wbuf *, struct span);
void		 wbuf_printf(struct wbuf *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
/* Open a length prefix of width bytes; close it with the bytes written
 * since.  Marks nest and are closed in reverse order. */
size_t		 wbuf_open(struct wbuf *, int width);
void		 wbuf_close(struct wbuf *, int width, size_t mark);

#endif
