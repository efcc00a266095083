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
 * core: the XML of the configuration document, read with expat.  No DOCTYPE,
 * so no entities but the five; depth, elements and text are bounded.  What is
 * signed is located by byte positions in the text as it was received.
 */

#include <sys/types.h>

#include <expat.h>
#include <limits.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reload_confxml.h"

#define NS_BASE		RELOAD_NS_BASE
#define NS_CHORD	RELOAD_NS_CHORD
#define SEP		'|'

#define ELEMENTS_MAX	8192
#define TEXT_MAX	(64 * 1024)	/* of one element */
#define KIND_PRIVATE_MIN	0xf0000001u
#define KIND_PRIVATE_MAX	0xfffffffdu

#define EF_LEAF		0x01	/* text, no children */
#define EF_ONCE		0x02	/* at most once in its parent */
static const struct rule {
	const char	*ru_name;	/* namespace SEP local name */
	uint8_t		 ru_element;
	uint8_t		 ru_parent;
	uint8_t		 ru_flags;
} rules[] = {
#define B(name, el, parent, flags)	{ NS_BASE "|" name, el, parent, flags }
	B("overlay", EL_OVERLAY, EL_NONE, 0),
	B("configuration", EL_CONFIGURATION, EL_OVERLAY, 0),
	B("signature", EL_SIGNATURE, EL_OVERLAY, EF_LEAF),
	B("topology-plugin", EL_TOPOLOGY, EL_CONFIGURATION, EF_LEAF | EF_ONCE),
	B("node-id-length", EL_NODEID_LENGTH, EL_CONFIGURATION,
	    EF_LEAF | EF_ONCE),
	B("root-cert", EL_ROOT, EL_CONFIGURATION, EF_LEAF),
	B("self-signed-permitted", EL_SELF_SIGNED, EL_CONFIGURATION,
	    EF_LEAF | EF_ONCE),
	B("bootstrap-node", EL_BOOTSTRAP, EL_CONFIGURATION, EF_LEAF),
	B("turn-density", EL_TURN, EL_CONFIGURATION, EF_LEAF | EF_ONCE),
	B("clients-permitted", EL_CLIENTS, EL_CONFIGURATION,
	    EF_LEAF | EF_ONCE),
	B("no-ice", EL_NO_ICE, EL_CONFIGURATION, EF_LEAF | EF_ONCE),
	B("shared-secret", EL_SHARED_SECRET, EL_CONFIGURATION,
	    EF_LEAF | EF_ONCE),
	B("max-message-size", EL_MAX_MESSAGE, EL_CONFIGURATION,
	    EF_LEAF | EF_ONCE),
	B("initial-ttl", EL_TTL, EL_CONFIGURATION, EF_LEAF | EF_ONCE),
	B("overlay-reliability-timer", EL_RELIABILITY, EL_CONFIGURATION,
	    EF_LEAF | EF_ONCE),
	B("overlay-link-protocol", EL_LINK, EL_CONFIGURATION, EF_LEAF),
	B("kind-signer", EL_KIND_SIGNER, EL_CONFIGURATION, EF_LEAF),
	B("configuration-signer", EL_CONF_SIGNER, EL_CONFIGURATION, EF_LEAF),
	B("bad-node", EL_BAD_NODE, EL_CONFIGURATION, EF_LEAF),
	B("enrollment-server", EL_ENROLL, EL_CONFIGURATION, EF_LEAF),
	B("url", EL_ENROLL_URL, EL_ENROLL, EF_LEAF),
	B("mandatory-extension", EL_MANDATORY, EL_CONFIGURATION, EF_LEAF),
	B("required-kinds", EL_REQUIRED_KINDS, EL_CONFIGURATION, EF_ONCE),
	B("kind-block", EL_KIND_BLOCK, EL_REQUIRED_KINDS, 0),
	B("kind", EL_KIND, EL_KIND_BLOCK, EF_ONCE),
	B("kind-signature", EL_KIND_SIGNATURE, EL_KIND_BLOCK,
	    EF_LEAF | EF_ONCE),
	B("data-model", EL_MODEL, EL_KIND, EF_LEAF | EF_ONCE),
	B("access-control", EL_ACCESS, EL_KIND, EF_LEAF | EF_ONCE),
	B("max-count", EL_MAX_COUNT, EL_KIND, EF_LEAF | EF_ONCE),
	B("max-size", EL_MAX_SIZE, EL_KIND, EF_LEAF | EF_ONCE),
	B("max-node-multiple", EL_NODE_MULTIPLE, EL_KIND, EF_LEAF | EF_ONCE),
#undef B
	{ NS_CHORD "|chord-update-interval", EL_UPDATE_INTERVAL,
	    EL_CONFIGURATION, EF_LEAF | EF_ONCE },
	{ NS_CHORD "|chord-ping-interval", EL_PING_INTERVAL,
	    EL_CONFIGURATION, EF_LEAF | EF_ONCE },
	{ NS_CHORD "|chord-reactive", EL_REACTIVE, EL_CONFIGURATION,
	    EF_LEAF | EF_ONCE },
	{ RELOAD_NS_VIPR "|lifetime", EL_LIFETIME, EL_KIND,
	    EF_LEAF | EF_ONCE },
	{ RELOAD_NS_VIPR "|max-per-node", EL_PER_NODE, EL_KIND,
	    EF_LEAF | EF_ONCE },
	{ RELOAD_NS_VIPR "|quota", EL_QUOTA, EL_KIND, EF_LEAF | EF_ONCE },
};

static const struct registered {
	const char	*rg_name;
	uint32_t	 rg_id;
	uint8_t		 rg_model, rg_policy;
} registered[] = {
	{ "SIP-REGISTRATION", 1, RELOAD_DICTIONARY, RELOAD_USER_NODE_MATCH },
	{ "TURN-SERVICE", 2, RELOAD_SINGLE, RELOAD_NODE_MULTIPLE },
	{ "CERTIFICATE_BY_NODE", 3, RELOAD_ARRAY, RELOAD_NODE_MATCH },
	{ "CERTIFICATE_BY_USER", 16, RELOAD_ARRAY, RELOAD_USER_MATCH }
};

static int	run(struct reload_parse *, struct reload_doc *, char *, size_t);
static const struct rule *rule_find(const struct reload_parse *, const char *);
static const char *attr_find(const XML_Char **, const char *);
static void XMLCALL	on_doctype(void *, const XML_Char *, const XML_Char *,
		    const XML_Char *, int);
static void XMLCALL	on_start(void *, const XML_Char *, const XML_Char **);
static void XMLCALL	on_end(void *, const XML_Char *);
static void XMLCALL	on_text(void *, const XML_Char *, int);
static void	start_configuration(struct reload_parse *, const XML_Char **);
static void	start_kind(struct reload_parse *, const XML_Char **);
static void	start_self_signed(struct reload_parse *, const XML_Char **);
static void	start_bootstrap(struct reload_parse *, const XML_Char **);
static void	end_configuration(struct reload_parse *);
static void	end_kind(struct reload_parse *);

int
reload_kind_registered(uint32_t id, uint8_t *model, uint8_t *policy)
{
	size_t	i;

	for (i = 0; i < sizeof(registered) / sizeof(registered[0]); i++) {
		if (registered[i].rg_id == id) {
			*model = registered[i].rg_model;
			*policy = registered[i].rg_policy;
			return (0);
		}
	}
	return (-1);
}

void
xml_fail(struct reload_parse *ps, const char *fmt, ...)
{
	va_list	ap;
	int	n;

	if (ps->ps_failed)
		return;
	ps->ps_failed = 1;
	n = snprintf(ps->ps_why, ps->ps_whysize, "line %lu: ",
	    (unsigned long)XML_GetCurrentLineNumber(ps->ps_xml));
	if (n > 0 && (size_t)n < ps->ps_whysize) {
		va_start(ap, fmt);
		(void)vsnprintf(ps->ps_why + n, ps->ps_whysize - (size_t)n,
		    fmt, ap);
		va_end(ap);
	}
	(void)XML_StopParser(ps->ps_xml, XML_FALSE);
}

void
xml_unsupported(struct reload_parse *ps, const char *fmt, ...)
{
	struct reload_doc	*d = ps->ps_doc;
	va_list			 ap;
	int			 n;

	if (d->rd_unsupported[0] != '\0')
		return;
	n = snprintf(d->rd_unsupported, sizeof(d->rd_unsupported), "line %lu: ",
	    (unsigned long)XML_GetCurrentLineNumber(ps->ps_xml));
	if (n <= 0 || (size_t)n >= sizeof(d->rd_unsupported))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(d->rd_unsupported + n,
	    sizeof(d->rd_unsupported) - (size_t)n, fmt, ap);
	va_end(ap);
}

static int
run(struct reload_parse *ps, struct reload_doc *d, char *why, size_t whysize)
{
	unsigned long	salt;
	int		r = -1;

	ps->ps_doc = d;
	ps->ps_why = why;
	ps->ps_whysize = whysize;
	(void)snprintf(why, whysize, "out of memory");
	if ((ps->ps_text = malloc(TEXT_MAX + 1)) == NULL ||
	    (ps->ps_xml = XML_ParserCreateNS("UTF-8", SEP)) == NULL)
		goto fail;
	/* With a salt of ours expat looks for no entropy of its own. */
	randombytes_buf(&salt, sizeof(salt));
	(void)XML_SetHashSalt(ps->ps_xml, salt | 1);
	XML_SetUserData(ps->ps_xml, ps);
	XML_SetStartDoctypeDeclHandler(ps->ps_xml, on_doctype);
	XML_SetElementHandler(ps->ps_xml, on_start, on_end);
	XML_SetCharacterDataHandler(ps->ps_xml, on_text);
	if (XML_Parse(ps->ps_xml, (const char *)d->rd_text.b_p,
	    (int)d->rd_text.b_len, 1) != XML_STATUS_OK && !ps->ps_failed)
		xml_fail(ps, "%s", XML_ErrorString(XML_GetErrorCode(ps->ps_xml)));
	if (ps->ps_failed)
		goto fail;
	why[0] = '\0';
	r = 0;
fail:
	if (ps->ps_xml != NULL)
		XML_ParserFree(ps->ps_xml);
	free(ps->ps_text);
	return (r);
}

int
reload_xml_doc(struct reload_doc *d, const char *overlay, char *why,
    size_t whysize)
{
	struct reload_parse	ps;

	memset(&ps, 0, sizeof(ps));
	ps.ps_want = overlay;
	if (run(&ps, d, why, whysize) == -1)
		return (-1);
	if (!ps.ps_found) {
		(void)snprintf(why, whysize,
		    "no configuration for this overlay");
		return (-1);
	}
	return (0);
}

int
reload_xml_kind(struct reload_doc *d, char *why, size_t whysize)
{
	struct reload_parse	ps;

	memset(&ps, 0, sizeof(ps));
	ps.ps_block_only = 1;
	if (run(&ps, d, why, whysize) == -1)
		return (-1);
	if (d->rd_kinds != 1) {
		(void)snprintf(why, whysize, "no kind in the kind-block");
		return (-1);
	}
	return (0);
}

/* -- expat's callbacks -- */

/* A kind-block alone has the base namespace, declared or not. */
static const struct rule *
rule_find(const struct reload_parse *ps, const char *name)
{
	size_t	i, skip = 0;

	if (ps->ps_block_only && strchr(name, SEP) == NULL)
		skip = sizeof(NS_BASE);
	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (skip > 0 && strncmp(rules[i].ru_name, NS_BASE "|",
		    skip) != 0)
			continue;
		if (strcmp(rules[i].ru_name + skip, name) == 0)
			return (&rules[i]);
	}
	return (NULL);
}

static const char *
attr_find(const XML_Char **atts, const char *name)
{
	size_t	i;

	for (i = 0; atts[i] != NULL; i += 2) {
		if (strcmp(atts[i], name) == 0)
			return (atts[i + 1]);
	}
	return (NULL);
}

static void XMLCALL
on_doctype(void *arg, const XML_Char *name, const XML_Char *sysid,
    const XML_Char *pubid, int internal)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)internal;
	xml_fail(arg, "a DOCTYPE is not allowed");
}

static void XMLCALL
on_start(void *arg, const XML_Char *name, const XML_Char **atts)
{
	struct reload_parse		*ps = arg;
	const struct rule	*ru;
	uint8_t			 parent;

	if (ps->ps_failed)
		return;
	if (++ps->ps_elements > ELEMENTS_MAX) {
		xml_fail(ps, "too many elements");
		return;
	}
	if (ps->ps_depth + ps->ps_skip >= DEPTH_MAX) {
		xml_fail(ps, "elements nested too deeply");
		return;
	}
	if (ps->ps_skip > 0) {
		ps->ps_skip++;
		return;
	}
	parent = ps->ps_depth == 0 ? EL_NONE : ps->ps_stack[ps->ps_depth - 1];
	ru = rule_find(ps, name);
	if (ps->ps_depth == 0 && (ru == NULL || ru->ru_element !=
	    (ps->ps_block_only ? EL_KIND_BLOCK : EL_OVERLAY))) {
		xml_fail(ps, "the root is not %s in " NS_BASE,
		    ps->ps_block_only ? "kind-block" : "overlay");
		return;
	}
	if (ru == NULL || (ps->ps_depth > 0 && ru->ru_parent != parent)) {
		ps->ps_skip = 1;	/* of an extension, or not in its place */
		return;
	}
	if ((ru->ru_flags & EF_ONCE) && ps->ps_seen[ru->ru_element]++) {
		xml_fail(ps, "%s stands twice", strchr(ru->ru_name, SEP) + 1);
		return;
	}
	ps->ps_textlen = 0;
	ps->ps_stack[ps->ps_depth++] = ru->ru_element;
	switch (ru->ru_element) {
	case EL_CONFIGURATION:
		start_configuration(ps, atts);
		break;
	case EL_KIND_BLOCK:
		ps->ps_seen[EL_KIND] = ps->ps_seen[EL_KIND_SIGNATURE] = 0;
		break;
	case EL_KIND:
		start_kind(ps, atts);
		break;
	case EL_SELF_SIGNED:
		start_self_signed(ps, atts);
		break;
	case EL_BOOTSTRAP:
		start_bootstrap(ps, atts);
		break;
	default:
		break;
	}
}

static void XMLCALL
on_end(void *arg, const XML_Char *name)
{
	struct reload_parse		*ps = arg;
	const struct rule	*ru;
	uint8_t			 el;

	if (ps->ps_failed)
		return;
	if (ps->ps_skip > 0) {
		ps->ps_skip--;
		return;
	}
	el = ps->ps_stack[--ps->ps_depth];
	switch (el) {
	case EL_CONFIGURATION:
		end_configuration(ps);
		return;
	case EL_KIND:
		end_kind(ps);
		return;
	case EL_KIND_BLOCK:
		if (!ps->ps_seen[EL_KIND])
			xml_fail(ps, "kind-block without a kind");
		return;
	default:
		break;
	}
	if ((ru = rule_find(ps, name)) != NULL && (ru->ru_flags & EF_LEAF)) {
		ps->ps_text[ps->ps_textlen] = '\0';
		xml_leaf(ps, el, reload_val_trim(ps->ps_text));
	}
}

static void XMLCALL
on_text(void *arg, const XML_Char *s, int len)
{
	struct reload_parse	*ps = arg;
	size_t		 n = (size_t)len;

	if (ps->ps_failed || ps->ps_skip > 0)
		return;
	if (n > TEXT_MAX - ps->ps_textlen) {
		xml_fail(ps, "text too long");
		return;
	}
	memcpy(ps->ps_text + ps->ps_textlen, s, n);
	ps->ps_textlen += n;
}

/* -- elements with attributes or children -- */

static void
start_configuration(struct reload_parse *ps, const XML_Char **atts)
{
	struct reload_doc	*d = ps->ps_doc;
	const char		*name, *s;
	uint32_t		 v;

	ps->ps_ours = 0;
	if ((name = attr_find(atts, "instance-name")) == NULL ||
	    strlen(name) == 0 || strlen(name) >= sizeof(d->rd_name)) {
		xml_fail(ps, "configuration without a usable instance-name");
		return;
	}
	if (ps->ps_want != NULL && strcmp(name, ps->ps_want) != 0) {
		/* Another overlay's: pass over it. */
		ps->ps_depth--;
		ps->ps_skip = 1;
		return;
	}
	if (ps->ps_found) {
		xml_fail(ps, "more than one configuration to choose from");
		return;
	}
	ps->ps_found = ps->ps_ours = 1;
	memset(ps->ps_seen, 0, sizeof(ps->ps_seen));
	(void)snprintf(d->rd_name, sizeof(d->rd_name), "%s", name);
	if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789-_.") != strlen(name) ||
	    reload_overlay_hash(name, &d->rd_hash) == -1) {
		xml_fail(ps, "instance-name is no domain name");
		return;
	}
	if ((s = attr_find(atts, "sequence")) == NULL) {
		xml_fail(ps, "configuration without a sequence");
		return;
	}
	if (xml_number(ps, "sequence", s, 0, 65534, &v) == -1)
		return;
	d->rd_sequence = (uint16_t)v;
	if ((s = attr_find(atts, "expiration")) != NULL &&
	    reload_val_date(s, &d->rd_expiration) == -1) {
		xml_fail(ps, "expiration is no date and time");
		return;
	}
	d->rd_blob.b_p = d->rd_text.b_p +
	    (size_t)XML_GetCurrentByteIndex(ps->ps_xml);
}

static void
end_configuration(struct reload_parse *ps)
{
	struct reload_doc	*d = ps->ps_doc;
	size_t			 end;

	end = (size_t)XML_GetCurrentByteIndex(ps->ps_xml) +
	    (size_t)XML_GetCurrentByteCount(ps->ps_xml);
	d->rd_blob.b_len = (size_t)(d->rd_text.b_p + end - d->rd_blob.b_p);
	if (ps->ps_links > 0 && !ps->ps_tls)
		xml_unsupported(ps,
		    "overlay-link-protocol TLS is not allowed here");
	else if (!d->rd_no_ice)
		xml_unsupported(ps, "an overlay without no-ice is not supported");
	else if (d->rd_roots == 0 && d->rd_self_signed == RELOAD_SELF_NO)
		xml_fail(ps, "neither a root-cert nor self-signed-permitted");
}

static void
start_self_signed(struct reload_parse *ps, const XML_Char **atts)
{
	const char	*s;

	/* The element's text may still say false. */
	if ((s = attr_find(atts, "digest")) != NULL &&
	    strcmp(s, "sha1") == 0)
		ps->ps_doc->rd_self_signed = RELOAD_SELF_SHA1;
	else if (s != NULL && strcmp(s, "sha256") == 0)
		ps->ps_doc->rd_self_signed = RELOAD_SELF_SHA256;
	else
		xml_fail(ps, "self-signed-permitted: digest is sha1 or sha256");
}

static void
start_bootstrap(struct reload_parse *ps, const XML_Char **atts)
{
	struct reload_doc	*d = ps->ps_doc;
	const char		*a, *s;
	uint32_t		 port = 6084;

	if (d->rd_boots == RELOAD_BOOT_MAX) {
		xml_fail(ps, "more than %d bootstrap-nodes", RELOAD_BOOT_MAX);
		return;
	}
	if ((s = attr_find(atts, "port")) != NULL &&
	    xml_number(ps, "port", s, 1, 65535, &port) == -1)
		return;
	if ((a = attr_find(atts, "address")) == NULL || vaddr_parse(a,
	    (uint16_t)port, &d->rd_boot[d->rd_boots]) == -1) {
		xml_fail(ps, "bootstrap-node without an IPv4 or IPv6 address");
		return;
	}
	d->rd_boots++;
}

static void
start_kind(struct reload_parse *ps, const XML_Char **atts)
{
	struct reload_doc	*d = ps->ps_doc;
	struct reload_kind	*k;
	const char		*name, *id;
	uint32_t		 v = 0;
	size_t			 i;

	if (d->rd_kinds == RELOAD_KINDS_MAX) {
		xml_fail(ps, "more than %d kinds", RELOAD_KINDS_MAX);
		return;
	}
	k = &d->rd_kind[d->rd_kinds];
	memset(k, 0, sizeof(*k));
	for (i = EL_MODEL; i < EL_MAX; i++)
		ps->ps_seen[i] = 0;
	name = attr_find(atts, "name");
	id = attr_find(atts, "id");
	if ((name == NULL) == (id == NULL)) {
		xml_fail(ps, "a kind has either a name or an id");
		return;
	}
	ps->ps_registered = name != NULL;
	if (id != NULL) {
		if (xml_number(ps, "kind id", id, KIND_PRIVATE_MIN,
		    KIND_PRIVATE_MAX, &v) == -1)
			return;
		k->rk_id = v;
	} else {
		for (i = 0; i < sizeof(registered) / sizeof(registered[0]); i++)
			if (strcmp(registered[i].rg_name, name) == 0)
				k->rk_id = registered[i].rg_id;
		if (k->rk_id == 0) {
			xml_fail(ps, "a kind is required whose name is unknown");
			return;
		}
		(void)reload_kind_registered(k->rk_id, &k->rk_model,
		    &k->rk_policy);
	}
	for (i = 0; i < d->rd_kinds; i++) {
		if (d->rd_kind[i].rk_id == k->rk_id) {
			xml_fail(ps, "kind %u stands twice", k->rk_id);
			return;
		}
	}
	k->rk_lifetime = 86400;
	k->rk_max_per_node = 1;
	k->rk_quota = 20000;
	k->rk_blob.b_p = d->rd_text.b_p +
	    (size_t)XML_GetCurrentByteIndex(ps->ps_xml);
}

static void
end_kind(struct reload_parse *ps)
{
	struct reload_doc	*d = ps->ps_doc;
	struct reload_kind	*k = &d->rd_kind[d->rd_kinds];
	size_t			 end;

	end = (size_t)XML_GetCurrentByteIndex(ps->ps_xml) +
	    (size_t)XML_GetCurrentByteCount(ps->ps_xml);
	k->rk_blob.b_len = (size_t)(d->rd_text.b_p + end - k->rk_blob.b_p);
	if (k->rk_model == 0 || k->rk_policy == 0 ||
	    !ps->ps_seen[EL_MAX_COUNT] || !ps->ps_seen[EL_MAX_SIZE]) {
		xml_fail(ps, "kind %u: data-model, access-control, max-count and "
		    "max-size are all needed", k->rk_id);
		return;
	}
	if (k->rk_policy == RELOAD_POLICY_OTHER)
		xml_unsupported(ps, "kind %u: unknown access-control", k->rk_id);
	if (k->rk_policy == RELOAD_NODE_MULTIPLE && k->rk_node_multiple == 0) {
		xml_fail(ps, "kind %u: max-node-multiple is needed", k->rk_id);
		return;
	}
	if ((k->rk_policy == RELOAD_USER_NODE_MATCH ||
	    k->rk_policy == RELOAD_VIPR_NODE_KEY_MATCH) &&
	    k->rk_model != RELOAD_DICTIONARY) {
		xml_fail(ps, "kind %u: its access-control needs a DICTIONARY",
		    k->rk_id);
		return;
	}
	d->rd_kinds++;
}
