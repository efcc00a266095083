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

/* What each statement of viprd.conf looks like, and errors of grammar. */

#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "config_parse.h"
#include "lex.h"

static const struct statement statements[] = {
	{ SECTION_TOP, "accept", "accept domain NAME | { NAME ... }" },
	{ SECTION_TOP, "callers", "callers NUMBER [to NUMBER] | { ... }" },
	{ SECTION_TOP, "control", "control socket FILE" },
	{ SECTION_TOP, "data", "data FOLDER" },
	{ SECTION_TOP, "decoy", "decoy COUNT from NUMBER [to NUMBER]" },
	{ SECTION_TOP, "domain", "domain NAME" },
	{ SECTION_TOP, "host", "host NAME address ADDRESS [port PORT]" },
	{ SECTION_TOP, "include", "include FILE" },
	{ SECTION_TOP, "log", "log calls yes|no" },
	{ SECTION_TOP, "log", "log facility NAME" },
	{ SECTION_TOP, "master", "master key FILE" },
	{ SECTION_TOP, "never", "never [only] NUMBER | { NUMBER ... }" },
	{ SECTION_TOP, "numbers", "numbers NUMBER [to NUMBER] | { ... }" },
	{ SECTION_TOP, "operator", "operator USER" },
	{ SECTION_TOP, "overlay", "overlay NAME { ... }" },
	{ SECTION_TOP, "permit", "permit private" },
	{ SECTION_TOP, "pvp", "pvp { ... }" },
	{ SECTION_TOP, "refuse", "refuse domain NAME | { NAME ... }" },
	{ SECTION_TOP, "resolver", "resolver ADDRESS [port PORT]" },
	{ SECTION_TOP, "restart", "restart yes|no" },
	{ SECTION_TOP, "sip", "sip { ... }" },
	{ SECTION_TOP, "test", "test clock-offset SECONDS" },
	{ SECTION_TOP, "test", "test boot-offset TIME" },

	{ SECTION_OVERLAY, "advertise", "advertise ADDRESS [port PORT]" },
	{ SECTION_OVERLAY, "certificate", "certificate FILE" },
	{ SECTION_OVERLAY, "client", "client" },
	{ SECTION_OVERLAY, "config", "config FILE" },
	{ SECTION_OVERLAY, "first", "first" },
	{ SECTION_OVERLAY, "key", "key FILE" },
	{ SECTION_OVERLAY, "lifetime", "lifetime TIME" },
	{ SECTION_OVERLAY, "listen", "listen on ADDRESS [port PORT]" },
	{ SECTION_OVERLAY, "store-rate", "store-rate COUNT" },

	{ SECTION_PVP, "advertise", "advertise ADDRESS [port PORT]" },
	{ SECTION_PVP, "busy", "busy yes|no" },
	{ SECTION_PVP, "delay", "delay TIME to TIME" },
	{ SECTION_PVP, "limit", "limit number|peer|failures COUNT" },
	{ SECTION_PVP, "listen", "listen on ADDRESS [port PORT]" },
	{ SECTION_PVP, "min-duration", "min-duration TIME" },
	{ SECTION_PVP, "proofs", "proofs COUNT [from COUNT callers]" },
	{ SECTION_PVP, "receipt-lifetime", "receipt-lifetime TIME" },
	{ SECTION_PVP, "responder-delay", "responder-delay TIME" },
	{ SECTION_PVP, "retain", "retain TIME" },
	{ SECTION_PVP, "retry", "retry TIME to TIME" },
	{ SECTION_PVP, "spacing", "spacing TIME" },
	{ SECTION_PVP, "ticket-lifetime", "ticket-lifetime TIME" },
	{ SECTION_PVP, "tickets-after", "tickets-after COUNT" },
	{ SECTION_PVP, "within", "within TIME" },

	{ SECTION_SIP, "allow", "allow refer" },
	{ SECTION_SIP, "always", "always trunk NUMBER | { NUMBER ... }" },
	{ SECTION_SIP, "answer-timeout", "answer-timeout TIME" },
	{ SECTION_SIP, "ca", "ca FILE" },
	{ SECTION_SIP, "capture", "capture hep ADDRESS port PORT [id COUNT]" },
	{ SECTION_SIP, "call-id", "call-id hide|keep" },
	{ SECTION_SIP, "certificate", "certificate FILE" },
	{ SECTION_SIP, "class", "class NAME { from ENTRY ... direct yes|no }" },
	{ SECTION_SIP, "connect-timeout", "connect-timeout TIME" },
	{ SECTION_SIP, "country", "country DIGITS" },
	{ SECTION_SIP, "display", "display number|name" },
	{ SECTION_SIP, "host", "host NAME [port PORT]" },
	{ SECTION_SIP, "inside", "inside ca|certificate|key FILE" },
	{ SECTION_SIP, "international", "international DIGITS" },
	{ SECTION_SIP, "key", "key FILE" },
	{ SECTION_SIP, "limit", "limit COUNT per hour" },
	{ SECTION_SIP, "limit", "limit COUNT at once" },
	{ SECTION_SIP, "limit", "limit COUNT calls per second|at once" },
	{ SECTION_SIP, "limit", "limit COUNT requests|connections per second" },
	{ SECTION_SIP, "listen", "listen inside on ADDRESS [port PORT] "
	    "udp|tcp|tls" },
	{ SECTION_SIP, "listen", "listen outside on ADDRESS [port PORT]" },
	{ SECTION_SIP, "listen", "listen redirect on ADDRESS [port PORT] "
	    "udp|tcp" },
	{ SECTION_SIP, "local", "local NUMBER" },
	{ SECTION_SIP, "log", "log only NUMBER | { NUMBER ... }" },
	{ SECTION_SIP, "media", "media pass|plain" },
	{ SECTION_SIP, "media", "media rtpengine ADDRESS port PORT "
	    "[inside NAME outside NAME]" },
	{ SECTION_SIP, "mode", "mode divert|log" },
	{ SECTION_SIP, "name", "name NAME" },
	{ SECTION_SIP, "national", "national DIGITS" },
	{ SECTION_SIP, "outside-line", "outside-line DIGITS" },
	{ SECTION_SIP, "pass", "pass header NAME | { NAME ... }" },
	{ SECTION_SIP, "pbx", "pbx NAME at HOST [port PORT] udp|tcp|tls "
	    "[priority COUNT] [weight COUNT] [ping TIME|no] [country DIGITS] ..." },
	{ SECTION_SIP, "present", "present e164|national" },
	{ SECTION_SIP, "reprove", "reprove TIME" },
	{ SECTION_SIP, "resample", "resample COUNT" },
	{ SECTION_SIP, "session-timer", "session-timer TIME|no" },
	{ SECTION_SIP, "trunk", "trunk NAME at HOST [port PORT] udp|tcp|tls "
	    "[priority COUNT] [weight COUNT] [ping TIME|no] [country DIGITS] ..." },

	{ SECTION_CLASS, "direct", "direct yes|no" },
	{ SECTION_CLASS, "from", "from CALLER [to CALLER] | { CALLER ... }" }
};
#define STATEMENTS	(sizeof(statements) / sizeof(statements[0]))

static const char *const section_names[] = { "top level", "overlay", "pvp",
    "sip", "list", "class" };

static void	 token_text(const struct lex_token *, char *, size_t);
static int	 section_has(int, const char *);
static void	 expected_words(int, char *, size_t);
static void	 expected_syntax(int, const char *, char *, size_t);
static void	 wrong_word(struct lex *, int, const char *);

/* The section that a brace opens in this one, after a statement that begins
 * with this word. */
int
parse_section(int section, const char *word)
{
	if (word == NULL)
		return (SECTION_LIST);
	if (section == SECTION_SIP && strcmp(word, "class") == 0)
		return (SECTION_CLASS);
	if (section != SECTION_TOP)
		return (SECTION_LIST);
	if (strcmp(word, "overlay") == 0)
		return (SECTION_OVERLAY);
	if (strcmp(word, "pvp") == 0)
		return (SECTION_PVP);
	if (strcmp(word, "sip") == 0)
		return (SECTION_SIP);
	return (SECTION_LIST);
}

static void
token_text(const struct lex_token *t, char *buf, size_t size)
{
	switch (t->lt_kind) {
	case LEX_EOF:
		(void)snprintf(buf, size, "end of file");
		break;
	case '\n':
		(void)snprintf(buf, size, "end of line");
		break;
	case LEX_WORD:
	case LEX_NUMBER:
	case LEX_QUOTED:
		(void)snprintf(buf, size, "\"%.100s\"", t->lt_text);
		break;
	default:
		(void)snprintf(buf, size, "'%c'", t->lt_kind);
		break;
	}
}

static int
section_has(int section, const char *word)
{
	size_t	 i;

	for (i = 0; i < STATEMENTS; i++)
		if (statements[i].sm_section == section &&
		    strcmp(statements[i].sm_word, word) == 0)
			return (1);
	return (0);
}

/* "accept, callers, ..." */
static void
expected_words(int section, char *buf, size_t size)
{
	const char	*last = "";
	size_t		 i;

	buf[0] = '\0';
	for (i = 0; i < STATEMENTS; i++) {
		if (statements[i].sm_section != section ||
		    strcmp(statements[i].sm_word, last) == 0)
			continue;
		if (buf[0] != '\0')
			(void)strlcat(buf, ", ", size);
		(void)strlcat(buf, statements[i].sm_word, size);
		last = statements[i].sm_word;
	}
}

static void
expected_syntax(int section, const char *word, char *buf, size_t size)
{
	size_t	 i;

	buf[0] = '\0';
	for (i = 0; i < STATEMENTS; i++) {
		if (statements[i].sm_section != section ||
		    strcmp(statements[i].sm_word, word) != 0)
			continue;
		if (buf[0] != '\0')
			(void)strlcat(buf, ", or: ", size);
		(void)strlcat(buf, statements[i].sm_syntax, size);
	}
}

/* No statement here begins with this word; perhaps one elsewhere does. */
static void
wrong_word(struct lex *lex, int section, const char *word)
{
	char	 words[512];
	int	 i;

	for (i = SECTION_TOP; i < SECTION_LIST; i++) {
		if (i == section || !section_has(i, word))
			continue;
		if (i == SECTION_TOP)
			lex_error(lex, "found \"%s\" inside of %s { }, "
			    "expected it outside of it", word,
			    section_names[section]);
		else
			lex_error(lex, "found \"%s\", expected it inside of "
			    "%s { }", word, section_names[i]);
		return;
	}
	expected_words(section, words, sizeof(words));
	lex_error(lex, "found \"%.100s\", expected one of: %s", word, words);
}

void
parse_syntax(struct lex *lex, const struct parse_state *ps,
    const struct lex_token *t)
{
	char	 found[128], expected[512];
	int	 section = ps->ps_was;	/* a brace may be the error */

	if (t->lt_kind == LEX_BAD)
		return;			/* said already */
	token_text(t, found, sizeof(found));
	if (t->lt_kind == LEX_EOF && ps->ps_depth > 0) {
		lex_error(lex, "found end of file, expected '}' for the '{' "
		    "of line %d", ps->ps_open_line);
		return;
	}
	if (section == SECTION_LIST) {
		lex_error(lex, "found %s, expected a %s or '}'", found,
		    ps->ps_word != NULL && (strcmp(ps->ps_word, "accept") == 0 ||
		    strcmp(ps->ps_word, "refuse") == 0) ? "domain" :
		    ps->ps_word != NULL && strcmp(ps->ps_word, "pass") == 0 ?
		    "header name" : ps->ps_word != NULL &&
		    strcmp(ps->ps_word, "from") == 0 ? "caller" : "number");
		return;
	}
	if (ps->ps_word == NULL) {
		expected_words(section, expected, sizeof(expected));
		lex_error(lex, "found %s, expected one of: %s", found,
		    expected);
		return;
	}
	if (!section_has(section, ps->ps_word)) {
		wrong_word(lex, section, ps->ps_word);
		return;
	}
	expected_syntax(section, ps->ps_word, expected, sizeof(expected));
	lex_error(lex, "found %s, expected: %s", found, expected);
}

void
section_once(struct lex *lex, struct parse_state *ps, int section)
{
	if (ps->ps_line[section] != 0)
		lex_error(lex, "found a second %s section, expected one (the "
		    "first is in line %d)", section_names[section],
		    ps->ps_line[section]);
	ps->ps_line[section] = lex_line(lex);
	ps->ps_file[section] = lex_file(lex);
}
