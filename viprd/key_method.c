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
 * core: the proof methods of our profile, A and B (pvp(7)).
 *
 * Strength, against someone who knows the number and the day: starts follow a
 * day's traffic (busy hour 10.3 %, at best 2^-15.1 a second), durations of 60 s
 * and more a lognormal (median 60 s, sigma 1.2: at best 2^-6.5 a second), so
 * 21.6 bits for the exact pair.  A run accepts 11 starts and 7 durations, 6.3
 * bits: one guess in about 43,000, 15.4 bits.  The caller of method A counts
 * as nothing, since a domain may own a single number.
 */

#include <sys/types.h>

#include <stddef.h>
#include <string.h>

#include "cursor.h"
#include "key_core.h"

#define PRS_LABEL	"ViPR-call-1"

static size_t	 prs_build(unsigned, const struct pvp_call *, const char *,
		    uint8_t *, size_t);
static size_t	 prs_a(const struct pvp_call *, uint8_t *, size_t);
static size_t	 prs_b(const struct pvp_call *, uint8_t *, size_t);

/* Strongest first. */
static const struct pvp_method methods[] = {
	{ 'A', 0x0001, PVP_NEEDS_CALLER, 154, prs_a, prs_a },
	{ 'B', 0x0002, 0, 154, prs_b, prs_b }
};
#define NMETHODS	(sizeof(methods) / sizeof(methods[0]))

static size_t
prs_build(unsigned letter, const struct pvp_call *pc, const char *caller,
    uint8_t *prs, size_t size)
{
	struct wbuf	 w;

	wbuf_init(&w, prs, size);
	wbuf_str(&w, PRS_LABEL);
	wbuf_u8(&w, (uint8_t)letter);
	wbuf_lv_str(&w, 1, pc->pc_called[0] == '+' ? pc->pc_called + 1 :
	    pc->pc_called);
	wbuf_lv_str(&w, 1, caller[0] == '+' ? caller + 1 : caller);
	wbuf_u64(&w, pc->pc_s);
	wbuf_u32(&w, pc->pc_d);
	return (wbuf_ok(&w) == -1 ? 0 : w.w_len);
}

static size_t
prs_a(const struct pvp_call *pc, uint8_t *prs, size_t size)
{
	return (prs_build('A', pc, pc->pc_caller, prs, size));
}

static size_t
prs_b(const struct pvp_call *pc, uint8_t *prs, size_t size)
{
	return (prs_build('B', pc, "", prs, size));
}

const struct pvp_method *
kmethod_find(unsigned letter)
{
	size_t	 i;

	for (i = 0; i < NMETHODS; i++)
		if (methods[i].pm_letter == letter)
			return (&methods[i]);
	return (NULL);
}

const struct pvp_method *
kmethod_pick(unsigned bitmap, int caller)
{
	size_t	 i;

	for (i = 0; i < NMETHODS; i++)
		if ((bitmap & methods[i].pm_bit) != 0 &&
		    (caller || !(methods[i].pm_fields & PVP_NEEDS_CALLER)))
			return (&methods[i]);
	return (NULL);
}

/* The caller may have been withheld or rewritten on the way: B after A. */
const struct pvp_method *
kmethod_after(unsigned bitmap, unsigned letter)
{
	const struct pvp_method	*pm;

	if (letter == 'A' && (pm = kmethod_find('B')) != NULL &&
	    (bitmap & pm->pm_bit) != 0)
		return (pm);
	return (kmethod_find(letter));
}
