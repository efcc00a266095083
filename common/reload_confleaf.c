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

/* core: elements of the configuration document that hold text. */

#include <sys/types.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "reload_confxml.h"

static void	end_kind_leaf(struct reload_parse *, uint8_t, const char *);
static void	boolean(struct reload_parse *, const char *, const char *,
		    uint8_t *);
static int	node_id(struct reload_parse *, const char *, uint8_t *);
static uint8_t	*base64(struct reload_parse *, const char *, const char *,
		    size_t *);
static void	take_root(struct reload_parse *, const char *);
static void	take_signer(struct reload_parse *, const char *,
		    uint8_t (*)[NODEID_LEN], size_t *);
static void	take_bad(struct reload_parse *, const char *);
static void	take_enroll(struct reload_parse *, const char *);
static void	take_policy(struct reload_parse *, struct reload_kind *,
		    const char *);

int
xml_number(struct reload_parse *ps, const char *what, const char *s,
    uint32_t min, uint32_t max, uint32_t *v)
{
	if (reload_val_number(s, min, max, v) == 0)
		return (0);
	xml_fail(ps, "%s is no number from %u to %u", what, min, max);
	return (-1);
}

static void
boolean(struct reload_parse *ps, const char *what, const char *s, uint8_t *v)
{
	if (reload_val_boolean(s, v) == -1)
		xml_fail(ps, "%s is neither true nor false", what);
}

static int
node_id(struct reload_parse *ps, const char *s, uint8_t *node)
{
	if (reload_val_node(s, node) == 0)
		return (0);
	xml_fail(ps, "a Node-ID is %d hexadecimal digits", 2 * NODEID_LEN);
	return (-1);
}

static uint8_t *
base64(struct reload_parse *ps, const char *what, const char *s, size_t *len)
{
	uint8_t	*p;

	if ((p = reload_val_base64(s, len)) == NULL)
		xml_fail(ps, "%s is no base64", what);
	return (p);
}

static void
take_root(struct reload_parse *ps, const char *s)
{
	struct reload_doc	*d = ps->ps_doc;
	uint8_t			*der;
	size_t			 len;

	if (d->rd_roots == RELOAD_ROOTS_MAX) {
		xml_fail(ps, "more than %d root-certs", RELOAD_ROOTS_MAX);
		return;
	}
	if ((der = base64(ps, "root-cert", s, &len)) == NULL)
		return;
	d->rd_root[d->rd_roots].b_p = der;
	d->rd_root[d->rd_roots++].b_len = len;
}

static void
take_signer(struct reload_parse *ps, const char *s, uint8_t (*list)[NODEID_LEN],
    size_t *n)
{
	if (*n == RELOAD_SIGNERS_MAX) {
		xml_fail(ps, "more than %d signers", RELOAD_SIGNERS_MAX);
		return;
	}
	if (node_id(ps, s, list[*n]) == 0)
		(*n)++;
}

static void
take_bad(struct reload_parse *ps, const char *s)
{
	struct reload_doc	*d = ps->ps_doc;
	uint8_t			(*bad)[NODEID_LEN];

	if (d->rd_bads == RELOAD_BAD_MAX) {
		xml_fail(ps, "more than %d bad-nodes", RELOAD_BAD_MAX);
		return;
	}
	if ((bad = reallocarray(d->rd_bad, d->rd_bads + 1,
	    sizeof(*bad))) == NULL) {
		xml_fail(ps, "out of memory");
		return;
	}
	d->rd_bad = bad;
	if (node_id(ps, s, d->rd_bad[d->rd_bads]) == 0)
		d->rd_bads++;
}

/* Kept as it stands: only who enrols has to understand it. */
static void
take_enroll(struct reload_parse *ps, const char *s)
{
	struct reload_doc	*d = ps->ps_doc;

	if (d->rd_enrolls == RELOAD_ENROLL_MAX)
		xml_fail(ps, "more than %d enrollment-servers",
		    RELOAD_ENROLL_MAX);
	else if (strlen(s) > RELOAD_URL_MAX)
		xml_fail(ps, "enrollment-server of more than %d bytes",
		    RELOAD_URL_MAX);
	else if ((d->rd_enroll[d->rd_enrolls] = strdup(s)) == NULL)
		xml_fail(ps, "out of memory");
	else
		d->rd_enrolls++;
}

static void
take_policy(struct reload_parse *ps, struct reload_kind *k, const char *s)
{
	static const struct {
		const char	*name;
		uint8_t		 policy;
	} known[] = {
		{ "USER-MATCH", RELOAD_USER_MATCH },
		{ "NODE-MATCH", RELOAD_NODE_MATCH },
		{ "USER-NODE-MATCH", RELOAD_USER_NODE_MATCH },
		{ "NODE-MULTIPLE", RELOAD_NODE_MULTIPLE },
		{ "VIPR-NODE-KEY-MATCH", RELOAD_VIPR_NODE_KEY_MATCH }
	};
	size_t	i;

	if (ps->ps_registered)
		return;
	k->rk_policy = RELOAD_POLICY_OTHER;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, s) == 0)
			k->rk_policy = known[i].policy;
	}
}

static void
end_kind_leaf(struct reload_parse *ps, uint8_t el, const char *s)
{
	struct reload_kind	*k = &ps->ps_doc->rd_kind[ps->ps_doc->rd_kinds];

	switch (el) {
	case EL_MODEL:
		if (ps->ps_registered)
			break;
		k->rk_model = strcmp(s, "SINGLE") == 0 ? RELOAD_SINGLE :
		    strcmp(s, "ARRAY") == 0 ? RELOAD_ARRAY :
		    strcmp(s, "DICTIONARY") == 0 ? RELOAD_DICTIONARY : 0;
		if (k->rk_model == 0)
			xml_fail(ps, "data-model is SINGLE, ARRAY or DICTIONARY");
		break;
	case EL_ACCESS:
		take_policy(ps, k, s);
		break;
	case EL_MAX_COUNT:
		(void)xml_number(ps, "max-count", s, 1, UINT32_MAX,
		    &k->rk_max_count);
		break;
	case EL_MAX_SIZE:
		(void)xml_number(ps, "max-size", s, 1, UINT32_MAX,
		    &k->rk_max_size);
		break;
	case EL_NODE_MULTIPLE:
		(void)xml_number(ps, "max-node-multiple", s, 1, 255,
		    &k->rk_node_multiple);
		break;
	case EL_LIFETIME:
		(void)xml_number(ps, "lifetime", s, 60, 365 * 86400,
		    &k->rk_lifetime);
		break;
	case EL_PER_NODE:
		(void)xml_number(ps, "max-per-node", s, 1, 1000,
		    &k->rk_max_per_node);
		break;
	case EL_QUOTA:
		(void)xml_number(ps, "quota", s, 1, 10000000, &k->rk_quota);
		break;
	default:
		break;
	}
}

void
xml_leaf(struct reload_parse *ps, uint8_t el, char *s)
{
	struct reload_doc	*d = ps->ps_doc;
	struct reload_kind	*k;
	uint32_t		 v = 0;
	uint8_t			 b = 0;

	switch (el) {
	case EL_SIGNATURE:
		if (ps->ps_ours && d->rd_sig == NULL)
			d->rd_sig = base64(ps, "signature", s, &d->rd_siglen);
		else if (ps->ps_ours)
			xml_fail(ps, "signature stands twice");
		break;
	case EL_TOPOLOGY:
		if (strcmp(s, "CHORD-RELOAD") != 0)
			xml_unsupported(ps, "unknown topology-plugin");
		break;
	case EL_NODEID_LENGTH:
		(void)xml_number(ps, "node-id-length", s, NODEID_LEN, NODEID_LEN,
		    &v);
		break;
	case EL_ROOT:
		take_root(ps, s);
		break;
	case EL_SELF_SIGNED:
		boolean(ps, "self-signed-permitted", s, &b);
		if (!b)
			d->rd_self_signed = RELOAD_SELF_NO;
		break;
	case EL_TURN:
		if (xml_number(ps, "turn-density", s, 0, 255, &v) == 0)
			d->rd_turn_density = (uint8_t)v;
		break;
	case EL_CLIENTS:
		boolean(ps, "clients-permitted", s, &d->rd_clients);
		break;
	case EL_NO_ICE:
		boolean(ps, "no-ice", s, &d->rd_no_ice);
		break;
	case EL_SHARED_SECRET:
		xml_unsupported(ps, "an overlay with a shared-secret is not supported");
		break;
	case EL_MAX_MESSAGE:
		(void)xml_number(ps, "max-message-size", s, 1000, 0xffffff,
		    &d->rd_max_message);
		break;
	case EL_TTL:
		if (xml_number(ps, "initial-ttl", s, 1, 255, &v) == 0)
			d->rd_initial_ttl = (uint8_t)v;
		break;
	case EL_RELIABILITY:
		(void)xml_number(ps, "overlay-reliability-timer", s, 200, 60000,
		    &d->rd_reliability_ms);
		break;
	case EL_LINK:
		ps->ps_links++;
		if (strcmp(s, "TLS") == 0)
			ps->ps_tls = 1;
		break;
	case EL_KIND_SIGNER:
		take_signer(ps, s, d->rd_kind_signer, &d->rd_kind_signers);
		break;
	case EL_CONF_SIGNER:
		take_signer(ps, s, d->rd_conf_signer, &d->rd_conf_signers);
		break;
	case EL_BAD_NODE:
		take_bad(ps, s);
		break;
	/*
	 * The schema has the URL as text, the prose of 11.1 a child url; with
	 * a child there is no text left for the parent.
	 */
	case EL_ENROLL_URL:
	case EL_ENROLL:
		if (s[0] != '\0')
			take_enroll(ps, s);
		ps->ps_textlen = 0;
		break;
	case EL_MANDATORY:
		if (strcmp(s, RELOAD_NS_VIPR) == 0)
			d->rd_vipr = 1;
		else
			xml_unsupported(ps, "a mandatory-extension that we do not have");
		break;
	case EL_UPDATE_INTERVAL:
		(void)xml_number(ps, "chord-update-interval", s, 1, 86400,
		    &d->rd_update_s);
		break;
	case EL_PING_INTERVAL:
		(void)xml_number(ps, "chord-ping-interval", s, 1, 7 * 86400,
		    &d->rd_ping_s);
		break;
	case EL_REACTIVE:
		boolean(ps, "chord-reactive", s, &d->rd_reactive);
		break;
	case EL_KIND_SIGNATURE:
		/* It follows its kind, so that one is complete. */
		if (!ps->ps_seen[EL_KIND] || d->rd_kinds == 0) {
			xml_fail(ps, "kind-signature before its kind");
			break;
		}
		k = &d->rd_kind[d->rd_kinds - 1];
		k->rk_sig = base64(ps, "kind-signature", s, &k->rk_siglen);
		break;
	default:
		end_kind_leaf(ps, el, s);
		break;
	}
}
