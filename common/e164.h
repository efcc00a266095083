/* SPDX-License-Identifier: ISC */
/* core: telephone numbers, E.164 with a plus sign. */
#ifndef E164_H
#define E164_H

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "vipr.h"

/*
 * How digits from a PBX or trunk become E.164 (all strings without '+', may
 * be empty).  country "49", national "0", international "00"; outside "0":
 * what is dialled to get a line (clear it in a copy for caller IDs, which
 * don't carry it); local "4989": what is put before a number that begins with
 * neither.  An empty national prefix with an empty local one: the
 * whole national number, its zero included, follows the country code (Italy).
 */
struct e164_rules {
	char	er_country[8];
	char	er_national[8];
	char	er_international[8];
	char	er_outside[8];
	char	er_local[20];
};

/* Does s hold '+', 8 to 15 digits, the first not 0, and nothing else? */
int	e164_valid(const char *);
/*
 * Normalise text of a user part or tel: URI: visual separators (-.() and
 * space) are dropped, '+' is kept, otherwise rules (may be NULL: only numbers
 * with '+' pass).  out gets '+' and digits.  0, or -1 when in doubt: a
 * number that also reads as complete with the country code, fewer than 7
 * digits without a prefix (emergency and service numbers), a length that the
 * North American plan does not have.
 */
int	e164_normalise(struct span, const struct e164_rules *, char out[E164_SIZE]);

/* Number in 8 bytes for keys: digits filled up to 15 places, times 16, plus
 * their count, so the order is that of the digits read as text.  Only for
 * e164_valid numbers; 0 for others.  unpack gives "" for what pack never
 * returned. */
uint64_t e164_pack(const char *);
void	e164_unpack(uint64_t, char out[E164_SIZE]);

/* A range "+14085550100 to +14085550199" or a single number (both the same);
 * both ends have the same count of digits. */
struct e164_range {
	char	er_from[E164_SIZE];
	char	er_to[E164_SIZE];
};
int	e164_in_range(const char *, const struct e164_range *);
/* Numbers in the range, saturating at UINT64_MAX. */
uint64_t e164_range_size(const struct e164_range *);
/* The i-th number of the range, i < size. */
int	e164_range_nth(const struct e164_range *, uint64_t i, char out[E164_SIZE]);

#endif
