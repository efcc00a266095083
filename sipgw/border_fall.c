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
 * core: what a failed or refused direct leg means for the route, the host and
 * the call: the table of the border's fall-back rules as a pure function.
 */
#include <sys/types.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "border.h"

#define RETRY_DEFAULT_S	60
#define RETRY_MAX_S	3600

static int	 fall_refusal(const struct fall_in *, struct fall_out *);
static void	 fall_status(const struct fall_in *, struct fall_out *);

/* A known code decides before the status.  1 if there was one. */
static int
fall_refusal(const struct fall_in *in, struct fall_out *out)
{
	switch (in->fi_refusal) {
	case REFUSAL_NONE:
		return (0);
	case REFUSAL_BUSY:
		out->fo_route = FALL_ROUTE_SKIP;
		out->fo_skip_s = in->fi_retry_after;
		if (out->fo_skip_s == 0)
			out->fo_skip_s = RETRY_DEFAULT_S;
		if (out->fo_skip_s > RETRY_MAX_S)
			out->fo_skip_s = RETRY_MAX_S;
		break;
	case REFUSAL_EXPIRED:
		out->fo_route = FALL_ROUTE_EXPIRE;
		break;
	case REFUSAL_NO_TICKET:
	case REFUSAL_BAD_TICKET:
	case REFUSAL_REVOKED:
	case REFUSAL_WRONG_NUMBER:
	case REFUSAL_NOT_OURS:
	case REFUSAL_POLICY:
		out->fo_route = FALL_ROUTE_REMOVE;
		break;
	default:
		return (0);
	}
	out->fo_call = FALL_CALL_TRUNK;
	return (1);
}

static void
fall_status(const struct fall_in *in, struct fall_out *out)
{
	int	s = in->fi_status;

	if (s == 480 || s == 486 || s == 487 || (s >= 600 && s != 606)) {
		out->fo_call = FALL_CALL_PASS;
		return;
	}
	/* 408, 491, 5xx; any other 4xx; 3xx; 606. */
	out->fo_route = FALL_ROUTE_STRIKE;
	out->fo_call = FALL_CALL_TRUNK;
}

void
border_fall(const struct fall_in *in, struct fall_out *out)
{
	memset(out, 0, sizeof(*out));
	out->fo_call = FALL_CALL_TRUNK;
	if (in->fi_event != FALL_FINAL) {
		if (!in->fi_passed)
			out->fo_host = FALL_HOST_SKIP;
		else {
			/* The caller heard ringing: no second call for him. */
			out->fo_call = FALL_CALL_PASS;
			out->fo_status = 480;
		}
		return;
	}
	out->fo_host = FALL_HOST_CLEAR;
	if (in->fi_status >= 200 && in->fi_status < 300) {
		out->fo_route = FALL_ROUTE_CLEAR;
		out->fo_call = FALL_CALL_PASS;
		out->fo_status = in->fi_status;
		return;
	}
	if (!fall_refusal(in, out)) {
		if (!in->fi_passed)
			fall_status(in, out);
		else if (in->fi_status == 404)
			out->fo_route = FALL_ROUTE_STRIKE;
	}
	if (in->fi_passed)
		out->fo_call = FALL_CALL_PASS;
	if (out->fo_call == FALL_CALL_PASS)
		out->fo_status = border_status_out(in->fi_status);
}

const char *
border_fall_str(const struct fall_in *in, char *buf, size_t size)
{
	switch (in->fi_event) {
	case FALL_NOCONN:
		return ("noconn");
	case FALL_SILENCE:
		return ("silence");
	case FALL_LOST:
		return ("lost");
	case FALL_FINAL:
		break;
	}
	if (in->fi_refusal != REFUSAL_NONE)
		return (refusal_str(in->fi_refusal));
	(void)snprintf(buf, size, "status-%d", in->fi_status);
	return (buf);
}

int
border_status_out(int status)
{
	if ((status >= 300 && status < 400) || status == 401 || status == 407)
		return (480);
	return (status);
}

enum refusal
border_refusal(const struct sip_msg *m)
{
	const struct sip_hdr	*h;

	if (m->sm_count[SIP_H_VIPR_REFUSAL] != 1)
		return (REFUSAL_NONE);
	h = sip_hdr_first(m, SIP_H_VIPR_REFUSAL);
	return ((enum refusal)refusal_parse(h->sh_value.p, h->sh_value.len));
}

uint32_t
border_retry_after(const struct sip_msg *m)
{
	uint32_t	n;

	if (sip_number(m, SIP_H_RETRY_AFTER, UINT32_MAX, &n) == -1)
		return (RETRY_DEFAULT_S);
	if (n < 1)
		return (1);
	return (n > RETRY_MAX_S ? RETRY_MAX_S : n);
}
