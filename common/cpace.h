/* SPDX-License-Identifier: ISC */
/*
 * core: CPace on ristretto255 with SHA-512 (draft-irtf-cfrg-cpace, suite
 * CPACE-RISTR255-SHA512), initiator/responder mode with key confirmation.
 * Inputs are public but for PRS; everything secret is wiped by its owner
 * here on every path.  Runs only in the key process.
 */
#ifndef CPACE_H
#define CPACE_H

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"

#define CPACE_ELEMENT	32
#define CPACE_SCALAR	32
#define CPACE_TAG	64
#define CPACE_ISK	64
#define CPACE_PRS_MAX	108

/* h = SHA-512(generator string), g = map(h).  -1: PRS too long. */
int	cpace_generator(uint8_t g[CPACE_ELEMENT], const void *prs, size_t prslen,
	    const void *ci, size_t cilen, const void *sid, size_t sidlen);
/* The generator string itself, for tests. Returns its length, 0 if it does not fit. */
size_t	cpace_generator_string(uint8_t *out, size_t size, const void *prs, size_t prslen,
	    const void *ci, size_t cilen, const void *sid, size_t sidlen);
/* Y = y*g. */
int	cpace_public(uint8_t Y[CPACE_ELEMENT], const uint8_t y[CPACE_SCALAR],
	    const uint8_t g[CPACE_ELEMENT]);
void	cpace_scalar(uint8_t y[CPACE_SCALAR]);
/* Encoding acceptable (bit 255 clear, canonical, not the identity)? Cheap, no secret. */
int	cpace_element_ok(const uint8_t Y[CPACE_ELEMENT]);
/* K = y*Y; -1 on a bad encoding, bit 255 or the identity; K is zeroed then. */
int	cpace_shared(uint8_t K[CPACE_ELEMENT], const uint8_t y[CPACE_SCALAR],
	    const uint8_t Y[CPACE_ELEMENT]);
/* ISK over sid, K and the transcript (initiator's part first). */
void	cpace_isk(uint8_t isk[CPACE_ISK], const void *sid, size_t sidlen,
	    const uint8_t K[CPACE_ELEMENT],
	    const uint8_t Ya[CPACE_ELEMENT], const void *ada, size_t adalen,
	    const uint8_t Yb[CPACE_ELEMENT], const void *adb, size_t adblen);
void	cpace_isk_oc(uint8_t isk[CPACE_ISK], const void *sid, size_t sidlen,
	    const uint8_t K[CPACE_ELEMENT],
	    const uint8_t Ya[CPACE_ELEMENT], const void *ada, size_t adalen,
	    const uint8_t Yb[CPACE_ELEMENT], const void *adb, size_t adblen);	/* vectors only */
void	cpace_mac_key(uint8_t mk[CPACE_ISK], const void *sid, size_t sidlen,
	    const uint8_t isk[CPACE_ISK]);
/* Both confirmation tags: each over its own side's element and data. */
void	cpace_tags(uint8_t ta[CPACE_TAG], uint8_t tb[CPACE_TAG], const uint8_t mk[CPACE_ISK],
	    const uint8_t Ya[CPACE_ELEMENT], const void *ada, size_t adalen,
	    const uint8_t Yb[CPACE_ELEMENT], const void *adb, size_t adblen);
/* HMAC-SHA512 with a 64-byte key, over the parts in turn (NULL ends). */
void	cpace_hmac(uint8_t out[64], const uint8_t key[64], const void *a, size_t alen,
	    const void *b, size_t blen);

#endif
