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
 * Rules of the sip section for calls and headers: always trunk, log only,
 * classes of callers, headers that pass.
 */

#include <sys/types.h>

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "config_parse.h"
#include "lex.h"
#include "log.h"

#define CLASSES_MAX	64
#define HEADERS_MAX	32
#define HEADER_MAX	64

static int	 entry_valid(const char *);
static int	 caller_valid(const char *);
static int	 all_digits(const char *);
static const char *header_kept(const char *);

/*
 * What an operator cannot let across the border, and why.  A trailing '*'
 * stands for the rest of a name.
 */
static const struct {
	const char	*hk_name, *hk_why;
} headers_kept[] = {
	{ "Via", "routing" }, { "Route", "routing" }, { "Record-Route", "routing" },
	{ "Path", "routing" }, { "Service-Route", "routing" },
	{ "Contact", "routing" }, { "Max-Forwards", "routing" },
	{ "Content-Length", "routing" }, { "Request-Disposition", "routing" },
	{ "Accept-Contact", "routing" }, { "Reject-Contact", "routing" },
	{ "Proxy-Require", "routing" }, { "Target-Dialog", "routing" },
	{ "Flow-Timer", "routing" }, { "Maxforwards", "routing" },
	{ "Replaces", "dialogs" }, { "Join", "dialogs" },
	{ "Refer-To", "allow refer" }, { "Referred-By", "allow refer" },
	{ "Alert-Info", "telephones that answer by themselves" },
	{ "Answer-Mode", "telephones that answer by themselves" },
	{ "Priv-Answer-Mode", "telephones that answer by themselves" },
	{ "Call-Info", "telephones that answer by themselves" },
	{ "P-Auto-Answer", "telephones that answer by themselves" },
	{ "From", "identity" }, { "To", "identity" }, { "Call-ID", "call-id" },
	{ "CSeq", "identity" }, { "P-Asserted-Identity", "identity" },
	{ "P-Preferred-Identity", "identity" }, { "Remote-Party-ID", "identity" },
	{ "Identity", "identity" }, { "Identity-Info", "identity" },
	{ "P-Attestation-Indicator", "identity" }, { "P-Origination-ID", "identity" },
	{ "P-Identity-Bypass", "identity" }, { "P-Charging-Vector", "identity" },
	{ "P-Charging-Function-Addresses", "identity" },
	{ "P-Associated-URI", "identity" }, { "P-Called-Party-ID", "identity" },
	{ "P-Served-User", "identity" }, { "P-Access-Network-Info", "identity" },
	{ "Diversion", "identity" }, { "History-Info", "identity" },
	{ "Reply-To", "identity" }, { "Privacy", "identity" },
	{ "Authorization", "passwords" }, { "Authentication-Info", "passwords" },
	{ "WWW-Authenticate", "passwords" }, { "Proxy-Auth*", "passwords" },
	{ "ViPR-*", "our own" }, { "X-Cisco-ViPR-*", "our own" }
};

static int
all_digits(const char *s)
{
	return (*s != '\0' && strspn(s, "0123456789") == strlen(s));
}

/* As of never: +DIGITS, a prefix; DIGITS, just what is dialled. */
static int
entry_valid(const char *text)
{
	const char	*digits = text + (text[0] == '+');

	return (all_digits(digits) && strlen(digits) <= 15);
}

void
add_entry(struct lex *lex, struct conf_texts *list, const char *what,
    const char *text)
{
	const struct conf_text	*t;

	if (!entry_valid(text)) {
		lex_error(lex, "%s: found \"%.100s\", expected a prefix such as "
		    "+4930 or digits as they are dialled such as 4711",
		    what != NULL && strcmp(what, "log") == 0 ? "log only" :
		    "always trunk", text);
		return;
	}
	TAILQ_FOREACH(t, list, ct_entry)
		if (strcmp(t->ct_text, text) == 0)
			return;
	if (conf_add_text(list, text, NULL, 0) == NULL)
		fatal("configuration");
}

/* Why a header may not pass, NULL: it may. */
static const char *
header_kept(const char *name)
{
	const char	*p;
	size_t		 i, n;

	/* Compact forms are names that stand in the list. */
	if (strlen(name) < 2)
		return ("a short form");
	for (i = 0; i < sizeof(headers_kept) / sizeof(headers_kept[0]); i++) {
		p = headers_kept[i].hk_name;
		n = strlen(p);
		if (p[n - 1] == '*' ? strncasecmp(p, name, n - 1) == 0 :
		    strcasecmp(p, name) == 0)
			return (headers_kept[i].hk_why);
	}
	return (NULL);
}

void
add_header(struct lex *lex, struct conf_texts *list, const char *name)
{
	const struct conf_text	*t;
	const char		*p, *why;
	int			 n = 0;

	for (p = name; isalnum((unsigned char)*p) || (*p != '\0' &&
	    strchr("-.!%*_+`'~", *p) != NULL); p++)
		;
	if (*p != '\0' || p == name || strlen(name) > HEADER_MAX) {
		lex_error(lex, "pass header: found \"%.100s\", expected the name "
		    "of a header field, such as User-to-User", name);
		return;
	}
	if ((why = header_kept(name)) != NULL) {
		lex_error(lex, "pass header: found \"%.100s\", which never "
		    "crosses the border as it is (%s)", name, why);
		return;
	}
	TAILQ_FOREACH(t, list, ct_entry) {
		if (strcasecmp(t->ct_text, name) == 0)
			return;
		n++;
	}
	if (n >= HEADERS_MAX)
		lex_error(lex, "pass header: found more than %d names", HEADERS_MAX);
	else if (conf_add_text(list, name, NULL, 0) == NULL)
		fatal("configuration");
}

/* NULL: an error was logged; what stands in the class is read all the same. */
struct conf_class *
add_class(struct lex *lex, struct conf *c, const char *name)
{
	struct conf_class	*cc;
	int			 n = 0;

	if (name[0] == '\0' || strlen(name) >= sizeof(cc->cc_name)) {
		lex_error(lex, "class: found \"%.100s\", expected a name of 1 to "
		    "%zu bytes", name, sizeof(cc->cc_name) - 1);
		return (NULL);
	}
	TAILQ_FOREACH(cc, &c->c_classes, cc_entry) {
		if (strcmp(cc->cc_name, name) == 0) {
			lex_error(lex, "class: found a second class \"%s\", "
			    "expected another name", name);
			return (NULL);
		}
		n++;
	}
	if (n >= CLASSES_MAX) {
		lex_error(lex, "class: found more than %d classes", CLASSES_MAX);
		return (NULL);
	}
	if ((cc = conf_add_class(c, name)) == NULL)
		fatal("configuration");
	return (cc);
}

/* A user part as a PBX may show it. */
static int
caller_valid(const char *text)
{
	const char	*p;

	if (text[0] == '+')
		return (entry_valid(text));
	for (p = text; isalnum((unsigned char)*p) || (*p != '\0' &&
	    strchr("-_.~*#&%$", *p) != NULL); p++)
		;
	return (*p == '\0' && p != text && p - text < 64);
}

void
add_from(struct lex *lex, struct conf_class *cc, const char *from, const char *to)
{
	const char	*bad = caller_valid(from) ? to : from;

	if (!caller_valid(from) || (to[0] != '\0' && !caller_valid(to))) {
		lex_error(lex, "from: found \"%.100s\", expected an extension as "
		    "the pbx shows it, such as 4711, or a prefix such as "
		    "+4930123", bad);
		return;
	}
	if (to[0] != '\0' && (strlen(from) != strlen(to) ||
	    (from[0] == '+') != (to[0] == '+') ||
	    !all_digits(from + (from[0] == '+')) ||
	    !all_digits(to + (to[0] == '+')) || strcmp(from, to) > 0)) {
		lex_error(lex, "from: found %.60s to %.60s, expected the lower "
		    "number first and as many digits in both", from, to);
		return;
	}
	if (cc != NULL && conf_add_from(cc, from, to) == NULL)
		fatal("configuration");
}

void
class_done(struct lex *lex, const struct conf_class *cc)
{
	if (cc != NULL && TAILQ_EMPTY(&cc->cc_from))
		lex_error(lex, "class %s: found no caller, expected: from CALLER "
		    "[to CALLER] | { CALLER ... }", cc->cc_name);
}
