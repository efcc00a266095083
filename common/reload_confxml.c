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
#include <time.h>

#include "reload_confxml.h"

#define NS_BASE		RELOAD_NS_BASE
#define NS_CHORD	RELOAD_NS_CHORD
#define SEP		'|'

#define DEPTH_MAX	16
#define ELEMENTS_MAX	8192
#define TEXT_MAX	(64 * 1024)	/* of one element */
#define KIND_PRIVATE_MIN	0xf0000001u
#define KIND_PRIVATE_MAX	0xfffffffdu

enum element {
	EL_NONE, EL_OVERLAY, EL_CONFIGURATION, EL_SIGNATURE, EL_TOPOLOGY,
	EL_NODEID_LENGTH, EL_ROOT, EL_SELF_SIGNED, EL_BOOTSTRAP, EL_TURN,
	EL_CLIENTS, EL_NO_ICE, EL_SHARED_SECRET, EL_MAX_MESSAGE, EL_TTL,
	EL_RELIABILITY, EL_LINK, EL_KIND_SIGNER, EL_CONF_SIGNER, EL_BAD_NODE,
	EL_MANDATORY, EL_REQUIRED_KINDS, EL_UPDATE_INTERVAL, EL_PING_INTERVAL,
	EL_REACTIVE, EL_KIND_BLOCK, EL_KIND, EL_KIND_SIGNATURE, EL_MODEL,
	EL_ACCESS, EL_MAX_COUNT, EL_MAX_SIZE, EL_NODE_MULTIPLE, EL_LIFETIME,
	EL_PER_NODE, EL_QUOTA, EL_MAX
};

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

struct parse {
	XML_Parser	 ps_xml;
	struct reload_doc *ps_doc;
	const char	*ps_want;	/* instance-name, or NULL */
	uint8_t		 ps_stack[DEPTH_MAX];
	unsigned	 ps_depth;
	unsigned	 ps_skip;	/* depth inside what is not ours */
	unsigned	 ps_elements;
	uint8_t		 ps_seen[EL_MAX];	/* EF_ONCE, this parent */
	int		 ps_block_only;	/* a kind-block is the root */
	int		 ps_found;	/* our configuration was read */
	int		 ps_ours;	/* the last configuration was ours */
	int		 ps_registered;	/* the Kind has a name */
	int		 ps_links, ps_tls;	/* overlay-link-protocol */
	char		*ps_text;
	size_t		 ps_textlen;
	char		*ps_why;
	size_t		 ps_whysize;
	int		 ps_failed;
};

static void	fail(struct parse *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
static int	run(struct parse *, struct reload_doc *, char *, size_t);
static const struct rule *rule_find(const struct parse *, const char *);
static const char *attr_find(const XML_Char **, const char *);
static void XMLCALL	on_doctype(void *, const XML_Char *, const XML_Char *,
		    const XML_Char *, int);
static void XMLCALL	on_start(void *, const XML_Char *, const XML_Char **);
static void XMLCALL	on_end(void *, const XML_Char *);
static void XMLCALL	on_text(void *, const XML_Char *, int);
static void	start_configuration(struct parse *, const XML_Char **);
static void	start_kind(struct parse *, const XML_Char **);
static void	start_self_signed(struct parse *, const XML_Char **);
static void	start_bootstrap(struct parse *, const XML_Char **);
static void	end_configuration(struct parse *);
static void	end_kind(struct parse *);
static void	end_leaf(struct parse *, uint8_t, char *);
static void	end_kind_leaf(struct parse *, uint8_t, const char *);
static char	*trim(char *);
static int	number(struct parse *, const char *, const char *, uint32_t,
		    uint32_t, uint32_t *);
static int	boolean(struct parse *, const char *, const char *, uint8_t *);
static int	node_id(struct parse *, const char *, uint8_t *);
static uint8_t	*base64(struct parse *, const char *, const char *, size_t *);
static int	date_time(const char *, int64_t *);
static void	take_root(struct parse *, const char *);
static void	take_signer(struct parse *, const char *,
		    uint8_t (*)[NODEID_LEN], size_t *);
static void	take_bad(struct parse *, const char *);
static void	take_policy(struct parse *, struct reload_kind *,
		    const char *);

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

static void
fail(struct parse *ps, const char *fmt, ...)
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

static int
run(struct parse *ps, struct reload_doc *d, char *why, size_t whysize)
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
		fail(ps, "%s", XML_ErrorString(XML_GetErrorCode(ps->ps_xml)));
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
	struct parse	ps;

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
	struct parse	ps;

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

/* The default namespace of a kind-block alone is the base one, declared or not. */
static const struct rule *
rule_find(const struct parse *ps, const char *name)
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
	fail(arg, "a DOCTYPE is not allowed");
}

static void XMLCALL
on_start(void *arg, const XML_Char *name, const XML_Char **atts)
{
	struct parse		*ps = arg;
	const struct rule	*ru;
	uint8_t			 parent;

	if (ps->ps_failed)
		return;
	if (++ps->ps_elements > ELEMENTS_MAX) {
		fail(ps, "too many elements");
		return;
	}
	if (ps->ps_depth + ps->ps_skip >= DEPTH_MAX) {
		fail(ps, "elements nested too deeply");
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
		fail(ps, "the root is not %s in " NS_BASE,
		    ps->ps_block_only ? "kind-block" : "overlay");
		return;
	}
	if (ru == NULL || (ps->ps_depth > 0 && ru->ru_parent != parent)) {
		ps->ps_skip = 1;	/* of an extension, or not in its place */
		return;
	}
	if ((ru->ru_flags & EF_ONCE) && ps->ps_seen[ru->ru_element]++) {
		fail(ps, "%s stands twice", strchr(ru->ru_name, SEP) + 1);
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
	struct parse		*ps = arg;
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
			fail(ps, "kind-block without a kind");
		return;
	default:
		break;
	}
	if ((ru = rule_find(ps, name)) != NULL && (ru->ru_flags & EF_LEAF)) {
		ps->ps_text[ps->ps_textlen] = '\0';
		end_leaf(ps, el, trim(ps->ps_text));
	}
}

static void XMLCALL
on_text(void *arg, const XML_Char *s, int len)
{
	struct parse	*ps = arg;
	size_t		 n = (size_t)len;

	if (ps->ps_failed || ps->ps_skip > 0)
		return;
	if (n > TEXT_MAX - ps->ps_textlen) {
		fail(ps, "text too long");
		return;
	}
	memcpy(ps->ps_text + ps->ps_textlen, s, n);
	ps->ps_textlen += n;
}

/* -- elements with attributes or children -- */

static void
start_configuration(struct parse *ps, const XML_Char **atts)
{
	struct reload_doc	*d = ps->ps_doc;
	const char		*name, *s;
	uint32_t		 v;

	ps->ps_ours = 0;
	if ((name = attr_find(atts, "instance-name")) == NULL ||
	    strlen(name) == 0 || strlen(name) >= sizeof(d->rd_name)) {
		fail(ps, "configuration without a usable instance-name");
		return;
	}
	if (ps->ps_want != NULL && strcmp(name, ps->ps_want) != 0) {
		/* Another overlay's: pass over it. */
		ps->ps_depth--;
		ps->ps_skip = 1;
		return;
	}
	if (ps->ps_found) {
		fail(ps, "more than one configuration to choose from");
		return;
	}
	ps->ps_found = ps->ps_ours = 1;
	memset(ps->ps_seen, 0, sizeof(ps->ps_seen));
	(void)snprintf(d->rd_name, sizeof(d->rd_name), "%s", name);
	if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789-_.") != strlen(name) ||
	    reload_overlay_hash(name, &d->rd_hash) == -1) {
		fail(ps, "instance-name is no domain name");
		return;
	}
	if ((s = attr_find(atts, "sequence")) == NULL) {
		fail(ps, "configuration without a sequence");
		return;
	}
	if (number(ps, "sequence", s, 0, 65534, &v) == -1)
		return;
	d->rd_sequence = (uint16_t)v;
	if ((s = attr_find(atts, "expiration")) != NULL &&
	    date_time(s, &d->rd_expiration) == -1) {
		fail(ps, "expiration is no date and time");
		return;
	}
	d->rd_blob.b_p = d->rd_text.b_p +
	    (size_t)XML_GetCurrentByteIndex(ps->ps_xml);
}

static void
end_configuration(struct parse *ps)
{
	struct reload_doc	*d = ps->ps_doc;
	size_t			 end;

	end = (size_t)XML_GetCurrentByteIndex(ps->ps_xml) +
	    (size_t)XML_GetCurrentByteCount(ps->ps_xml);
	d->rd_blob.b_len = (size_t)(d->rd_text.b_p + end - d->rd_blob.b_p);
	if (ps->ps_links > 0 && !ps->ps_tls)
		fail(ps, "overlay-link-protocol TLS is not allowed here");
	else if (!d->rd_no_ice)
		fail(ps, "an overlay without no-ice is not supported");
	else if (d->rd_roots == 0 && d->rd_self_signed == RELOAD_SELF_NO)
		fail(ps, "neither a root-cert nor self-signed-permitted");
}

static void
start_self_signed(struct parse *ps, const XML_Char **atts)
{
	const char	*s;

	/* The element's text may still say false. */
	if ((s = attr_find(atts, "digest")) != NULL &&
	    strcmp(s, "sha1") == 0)
		ps->ps_doc->rd_self_signed = RELOAD_SELF_SHA1;
	else if (s != NULL && strcmp(s, "sha256") == 0)
		ps->ps_doc->rd_self_signed = RELOAD_SELF_SHA256;
	else
		fail(ps, "self-signed-permitted: digest is sha1 or sha256");
}

static void
start_bootstrap(struct parse *ps, const XML_Char **atts)
{
	struct reload_doc	*d = ps->ps_doc;
	const char		*a, *s;
	uint32_t		 port = 6084;

	if (d->rd_boots == RELOAD_BOOT_MAX) {
		fail(ps, "more than %d bootstrap-nodes", RELOAD_BOOT_MAX);
		return;
	}
	if ((s = attr_find(atts, "port")) != NULL &&
	    number(ps, "port", s, 1, 65535, &port) == -1)
		return;
	if ((a = attr_find(atts, "address")) == NULL || vaddr_parse(a,
	    (uint16_t)port, &d->rd_boot[d->rd_boots]) == -1) {
		fail(ps, "bootstrap-node without an IPv4 or IPv6 address");
		return;
	}
	d->rd_boots++;
}

static void
start_kind(struct parse *ps, const XML_Char **atts)
{
	struct reload_doc	*d = ps->ps_doc;
	struct reload_kind	*k;
	const char		*name, *id;
	uint32_t		 v = 0;
	size_t			 i;

	if (d->rd_kinds == RELOAD_KINDS_MAX) {
		fail(ps, "more than %d kinds", RELOAD_KINDS_MAX);
		return;
	}
	k = &d->rd_kind[d->rd_kinds];
	memset(k, 0, sizeof(*k));
	for (i = EL_MODEL; i < EL_MAX; i++)
		ps->ps_seen[i] = 0;
	name = attr_find(atts, "name");
	id = attr_find(atts, "id");
	if ((name == NULL) == (id == NULL)) {
		fail(ps, "a kind has either a name or an id");
		return;
	}
	ps->ps_registered = name != NULL;
	if (id != NULL) {
		if (number(ps, "kind id", id, KIND_PRIVATE_MIN,
		    KIND_PRIVATE_MAX, &v) == -1)
			return;
		k->rk_id = v;
	} else {
		for (i = 0; i < sizeof(registered) / sizeof(registered[0]); i++)
			if (strcmp(registered[i].rg_name, name) == 0)
				k->rk_id = registered[i].rg_id;
		if (k->rk_id == 0) {
			fail(ps, "a kind is required whose name is unknown");
			return;
		}
		(void)reload_kind_registered(k->rk_id, &k->rk_model,
		    &k->rk_policy);
	}
	for (i = 0; i < d->rd_kinds; i++) {
		if (d->rd_kind[i].rk_id == k->rk_id) {
			fail(ps, "kind %u stands twice", k->rk_id);
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
end_kind(struct parse *ps)
{
	struct reload_doc	*d = ps->ps_doc;
	struct reload_kind	*k = &d->rd_kind[d->rd_kinds];
	size_t			 end;

	end = (size_t)XML_GetCurrentByteIndex(ps->ps_xml) +
	    (size_t)XML_GetCurrentByteCount(ps->ps_xml);
	k->rk_blob.b_len = (size_t)(d->rd_text.b_p + end - k->rk_blob.b_p);
	if (k->rk_model == 0 || k->rk_policy == 0 ||
	    !ps->ps_seen[EL_MAX_COUNT] || !ps->ps_seen[EL_MAX_SIZE]) {
		fail(ps, "kind %u: data-model, access-control, max-count and "
		    "max-size are all needed", k->rk_id);
		return;
	}
	if (k->rk_policy == RELOAD_POLICY_OTHER) {
		fail(ps, "kind %u: unknown access-control", k->rk_id);
		return;
	}
	if (k->rk_policy == RELOAD_NODE_MULTIPLE && k->rk_node_multiple == 0) {
		fail(ps, "kind %u: max-node-multiple is needed", k->rk_id);
		return;
	}
	if ((k->rk_policy == RELOAD_USER_NODE_MATCH ||
	    k->rk_policy == RELOAD_VIPR_NODE_KEY_MATCH) &&
	    k->rk_model != RELOAD_DICTIONARY) {
		fail(ps, "kind %u: its access-control needs a DICTIONARY",
		    k->rk_id);
		return;
	}
	d->rd_kinds++;
}

/* -- elements with text -- */

static char *
trim(char *s)
{
	size_t	n;

	s += strspn(s, " \t\r\n");
	for (n = strlen(s); n > 0 && strchr(" \t\r\n", s[n - 1]) != NULL; n--)
		s[n - 1] = '\0';
	return (s);
}

static int
number(struct parse *ps, const char *what, const char *s, uint32_t min,
    uint32_t max, uint32_t *v)
{
	const char	*err;

	*v = (uint32_t)strtonum(s, min, max, &err);
	if (err == NULL)
		return (0);
	fail(ps, "%s is no number from %u to %u", what, min, max);
	return (-1);
}

static int
boolean(struct parse *ps, const char *what, const char *s, uint8_t *v)
{
	if (strcmp(s, "true") == 0 || strcmp(s, "1") == 0)
		*v = 1;
	else if (strcmp(s, "false") == 0 || strcmp(s, "0") == 0)
		*v = 0;
	else {
		fail(ps, "%s is neither true nor false", what);
		return (-1);
	}
	return (0);
}

static int
node_id(struct parse *ps, const char *s, uint8_t *node)
{
	size_t	n = 0;

	if (strlen(s) == 2 * NODEID_LEN && sodium_hex2bin(node, NODEID_LEN, s,
	    2 * NODEID_LEN, NULL, &n, NULL) == 0 && n == NODEID_LEN)
		return (0);
	fail(ps, "a Node-ID is %d hexadecimal digits", 2 * NODEID_LEN);
	return (-1);
}

static uint8_t *
base64(struct parse *ps, const char *what, const char *s, size_t *len)
{
	uint8_t	*buf;
	size_t	 size = strlen(s) / 4 * 3 + 3;

	*len = 0;
	if ((buf = malloc(size)) == NULL) {
		fail(ps, "out of memory");
		return (NULL);
	}
	if (sodium_base642bin(buf, size, s, strlen(s), " \t\r\n", len, NULL,
	    sodium_base64_VARIANT_ORIGINAL) != 0 || *len == 0) {
		fail(ps, "%s is no base64", what);
		free(buf);
		return (NULL);
	}
	return (buf);
}

/* RFC 3339, UTC: 2030-01-01T00:00:00Z, a fraction is passed over. */
static int
date_time(const char *s, int64_t *out)
{
	struct cur	c;
	struct span	frac;
	struct tm	tm;
	uint64_t	v[6];
	static const char sep[] = "--T::";
	static const uint64_t max[] = { 9999, 12, 31, 23, 59, 60 };
	size_t		i;

	*out = 0;
	cur_init(&c, s, strlen(s));
	for (i = 0; i < 6; i++) {
		if (cur_dec(&c, max[i], &v[i]) == -1 ||
		    (i < 5 && cur_lit(&c, sep[i]) == -1))
			return (-1);
	}
	if (cur_peek(&c) == '.' && cur_until(&c, 'Z', &frac) == -1)
		return (-1);
	if (cur_lit(&c, 'Z') == -1 || cur_done(&c) == -1 || v[0] < 1970 ||
	    v[1] < 1 || v[2] < 1)
		return (-1);
	memset(&tm, 0, sizeof(tm));
	tm.tm_year = (int)v[0] - 1900;
	tm.tm_mon = (int)v[1] - 1;
	tm.tm_mday = (int)v[2];
	tm.tm_hour = (int)v[3];
	tm.tm_min = (int)v[4];
	tm.tm_sec = (int)v[5];
	*out = timegm(&tm);
	return (0);
}

static void
take_root(struct parse *ps, const char *s)
{
	struct reload_doc	*d = ps->ps_doc;
	uint8_t			*der;
	size_t			 len;

	if (d->rd_roots == RELOAD_ROOTS_MAX) {
		fail(ps, "more than %d root-certs", RELOAD_ROOTS_MAX);
		return;
	}
	if ((der = base64(ps, "root-cert", s, &len)) == NULL)
		return;
	d->rd_root[d->rd_roots].b_p = der;
	d->rd_root[d->rd_roots++].b_len = len;
}

static void
take_signer(struct parse *ps, const char *s, uint8_t (*list)[NODEID_LEN],
    size_t *n)
{
	if (*n == RELOAD_SIGNERS_MAX) {
		fail(ps, "more than %d signers", RELOAD_SIGNERS_MAX);
		return;
	}
	if (node_id(ps, s, list[*n]) == 0)
		(*n)++;
}

static void
take_bad(struct parse *ps, const char *s)
{
	struct reload_doc	*d = ps->ps_doc;
	uint8_t			(*bad)[NODEID_LEN];

	if (d->rd_bads == RELOAD_BAD_MAX) {
		fail(ps, "more than %d bad-nodes", RELOAD_BAD_MAX);
		return;
	}
	if ((bad = reallocarray(d->rd_bad, d->rd_bads + 1,
	    sizeof(*bad))) == NULL) {
		fail(ps, "out of memory");
		return;
	}
	d->rd_bad = bad;
	if (node_id(ps, s, d->rd_bad[d->rd_bads]) == 0)
		d->rd_bads++;
}

static void
take_policy(struct parse *ps, struct reload_kind *k, const char *s)
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
end_kind_leaf(struct parse *ps, uint8_t el, const char *s)
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
			fail(ps, "data-model is SINGLE, ARRAY or DICTIONARY");
		break;
	case EL_ACCESS:
		take_policy(ps, k, s);
		break;
	case EL_MAX_COUNT:
		(void)number(ps, "max-count", s, 1, UINT32_MAX,
		    &k->rk_max_count);
		break;
	case EL_MAX_SIZE:
		(void)number(ps, "max-size", s, 1, UINT32_MAX,
		    &k->rk_max_size);
		break;
	case EL_NODE_MULTIPLE:
		(void)number(ps, "max-node-multiple", s, 1, 255,
		    &k->rk_node_multiple);
		break;
	case EL_LIFETIME:
		(void)number(ps, "lifetime", s, 60, 365 * 86400,
		    &k->rk_lifetime);
		break;
	case EL_PER_NODE:
		(void)number(ps, "max-per-node", s, 1, 1000,
		    &k->rk_max_per_node);
		break;
	case EL_QUOTA:
		(void)number(ps, "quota", s, 1, 10000000, &k->rk_quota);
		break;
	default:
		break;
	}
}

static void
end_leaf(struct parse *ps, uint8_t el, char *s)
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
			fail(ps, "signature stands twice");
		break;
	case EL_TOPOLOGY:
		if (strcmp(s, "CHORD-RELOAD") != 0)
			fail(ps, "unknown topology-plugin");
		break;
	case EL_NODEID_LENGTH:
		(void)number(ps, "node-id-length", s, NODEID_LEN, NODEID_LEN,
		    &v);
		break;
	case EL_ROOT:
		take_root(ps, s);
		break;
	case EL_SELF_SIGNED:
		if (boolean(ps, "self-signed-permitted", s, &b) == 0 && !b)
			d->rd_self_signed = RELOAD_SELF_NO;
		break;
	case EL_TURN:
		if (number(ps, "turn-density", s, 0, 255, &v) == 0)
			d->rd_turn_density = (uint8_t)v;
		break;
	case EL_CLIENTS:
		(void)boolean(ps, "clients-permitted", s, &d->rd_clients);
		break;
	case EL_NO_ICE:
		(void)boolean(ps, "no-ice", s, &d->rd_no_ice);
		break;
	case EL_SHARED_SECRET:
		fail(ps, "an overlay with a shared-secret is not supported");
		break;
	case EL_MAX_MESSAGE:
		(void)number(ps, "max-message-size", s, 1000, 0xffffff,
		    &d->rd_max_message);
		break;
	case EL_TTL:
		if (number(ps, "initial-ttl", s, 1, 255, &v) == 0)
			d->rd_initial_ttl = (uint8_t)v;
		break;
	case EL_RELIABILITY:
		(void)number(ps, "overlay-reliability-timer", s, 200, 60000,
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
	case EL_MANDATORY:
		if (strcmp(s, RELOAD_NS_VIPR) == 0)
			d->rd_vipr = 1;
		else
			fail(ps, "a mandatory-extension that we do not have");
		break;
	case EL_UPDATE_INTERVAL:
		(void)number(ps, "chord-update-interval", s, 1, 86400,
		    &d->rd_update_s);
		break;
	case EL_PING_INTERVAL:
		(void)number(ps, "chord-ping-interval", s, 1, 7 * 86400,
		    &d->rd_ping_s);
		break;
	case EL_REACTIVE:
		(void)boolean(ps, "chord-reactive", s, &d->rd_reactive);
		break;
	case EL_KIND_SIGNATURE:
		/* It follows its kind, so that one is complete. */
		if (!ps->ps_seen[EL_KIND] || d->rd_kinds == 0) {
			fail(ps, "kind-signature before its kind");
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
