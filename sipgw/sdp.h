/* SPDX-License-Identifier: ISC */
/*
 * core: the media rule (vipr(7)).  With `media pass` an offer goes
 * out directly only if each address in it can be reached from the Internet and
 * each stream is SRTP (unless `media plain`): otherwise the call would become
 * silent, or be heard by others, because of us.
 */
#ifndef SDP_H
#define SDP_H

#include <stddef.h>

#include "cursor.h"
#include "sip_parse.h"

enum media_verdict {
	MEDIA_OK = 0,
	MEDIA_PRIVATE = 1,	/* an address is private, loopback, ... */
	MEDIA_PLAINTEXT = 2,	/* a stream is not SAVP, or its keys hide nothing */
	/*
	 * It cannot be known: no offer in the INVITE (the offer then comes in
	 * the 2xx, when it is too late to take the trunk), malformed SDP, a
	 * host name in place of an address, an encoded or nested body, more
	 * than one SDP part, no active stream.
	 */
	MEDIA_UNKNOWN = 3
};

#define SDP_MEDIA_MAX	32	/* m= lines */
#define SDP_PARTS_MAX	16	/* parts of a multipart body */

/* plain: streams without SRTP are permitted.  Judges c=, a=rtcp and
 * a=candidate addresses of every stream whose port is not 0. */
enum media_verdict sdp_judge(struct span sdp, int plain);
/* The same for the body of a message: application/sdp, or the one such part
 * of multipart/mixed (RFC 5621). */
enum media_verdict sdp_judge_msg(const struct sip_msg *, int plain);
/* The SDP in the body of a message: 0 and the span; -1: none or not to be
 * found without doubt. */
int		 sdp_find(const struct sip_msg *, struct span *);

#endif
