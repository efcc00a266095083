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

/* viprctl: the table of commands, and how words are found in it. */

#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "ctl_parse.h"
#include "e164.h"

enum token_type {
	TOKEN_END = 0,		/* of a table; with a verb: the command may end here */
	TOKEN_WORD = 1,		/* tk_word, or a beginning of it */
	TOKEN_PASS = 2,		/* the same, and the word goes to the daemon */
	TOKEN_NUMBER = 3,	/* +14085550100 */
	TOKEN_DOMAIN = 4,
	TOKEN_ID = 5,		/* 32 hex digits */
	TOKEN_COUNT = 6		/* digits */
};

struct token {
	enum token_type		 tk_type;
	const char		*tk_word;
	int			 tk_verb;	/* 0: as before */
	enum output_shape	 tk_shape;
	const struct token	*tk_next;
};

#define END(verb, shape)	{ TOKEN_END, NULL, verb, shape, NULL }
#define NOTHING			END(0, SHAPE_LIST)

static const struct token t_end[] = { END(-1, SHAPE_LIST) };

static const struct token t_routes[] = {
	{ TOKEN_NUMBER, NULL, CTL_SHOW_ROUTES, SHAPE_ONE, t_end },
	END(-1, SHAPE_LIST)
};
/* A number, or nothing. */
static const struct token t_number[] = {
	{ TOKEN_NUMBER, NULL, 0, SHAPE_LIST, t_end }, END(-1, SHAPE_LIST)
};
static const struct token t_show[] = {
	{ TOKEN_WORD, "calls", CTL_SHOW_CALLS, SHAPE_LIST, t_number },
	{ TOKEN_WORD, "config", CTL_SHOW_CONFIG, SHAPE_LINES, t_end },
	{ TOKEN_WORD, "hops", CTL_SHOW_HOPS, SHAPE_LIST, t_end },
	{ TOKEN_WORD, "metrics", CTL_SHOW_METRICS, SHAPE_METRICS, t_end },
	{ TOKEN_WORD, "numbers", CTL_SHOW_NUMBERS, SHAPE_LIST, t_number },
	{ TOKEN_WORD, "overlay", CTL_SHOW_OVERLAY, SHAPE_MIXED, t_end },
	{ TOKEN_WORD, "processes", CTL_SHOW_PROCESSES, SHAPE_LIST, t_end },
	{ TOKEN_WORD, "proofs", CTL_SHOW_PROOFS, SHAPE_LIST, t_number },
	{ TOKEN_WORD, "routes", CTL_SHOW_ROUTES, SHAPE_LIST, t_routes },
	{ TOKEN_WORD, "tickets", CTL_SHOW_TICKETS, SHAPE_LIST, t_number },
	END(-1, SHAPE_MIXED)
};
static const struct token t_explain[] = {
	{ TOKEN_NUMBER, NULL, CTL_EXPLAIN, SHAPE_MIXED, t_end }, NOTHING
};
static const struct token t_lookup[] = {
	{ TOKEN_NUMBER, NULL, CTL_LOOKUP, SHAPE_LIST, t_end }, NOTHING
};
static const struct token t_verify[] = {
	{ TOKEN_NUMBER, NULL, CTL_VERIFY, SHAPE_QUIET, t_end }, NOTHING
};
static const struct token t_log[] = {
	{ TOKEN_PASS, "brief", CTL_LOG, SHAPE_QUIET, t_end },
	{ TOKEN_PASS, "verbose", CTL_LOG, SHAPE_QUIET, t_end },
	NOTHING
};
static const struct token t_key[] = {
	{ TOKEN_WORD, "rotate", CTL_KEY_ROTATE, SHAPE_QUIET, t_end }, NOTHING
};
static const struct token t_ticket_id[] = {
	{ TOKEN_ID, NULL, 0, SHAPE_QUIET, t_end }, NOTHING
};
static const struct token t_epoch[] = {
	{ TOKEN_COUNT, NULL, 0, SHAPE_QUIET, t_end }, NOTHING
};
static const struct token t_grantee[] = {
	{ TOKEN_DOMAIN, NULL, 0, SHAPE_QUIET, t_end }, NOTHING
};
static const struct token t_revoke[] = {
	{ TOKEN_PASS, "epoch", CTL_REVOKE, SHAPE_QUIET, t_epoch },
	{ TOKEN_PASS, "grantee", CTL_REVOKE, SHAPE_QUIET, t_grantee },
	{ TOKEN_PASS, "ticket", CTL_REVOKE, SHAPE_QUIET, t_ticket_id },
	NOTHING
};
static const struct token t_route_domain[] = {
	{ TOKEN_DOMAIN, NULL, 0, SHAPE_QUIET, t_end }, END(-1, SHAPE_QUIET)
};
static const struct token t_route_number[] = {
	{ TOKEN_NUMBER, NULL, 0, SHAPE_QUIET, t_route_domain }, NOTHING
};
static const struct token t_route[] = {
	{ TOKEN_PASS, "remove", CTL_ROUTE, SHAPE_QUIET, t_route_number },
	{ TOKEN_PASS, "suspend", CTL_ROUTE, SHAPE_QUIET, t_route_number },
	NOTHING
};
static const struct token t_main[] = {
	{ TOKEN_WORD, "explain", 0, SHAPE_MIXED, t_explain },
	{ TOKEN_WORD, "key", 0, SHAPE_QUIET, t_key },
	{ TOKEN_WORD, "log", 0, SHAPE_QUIET, t_log },
	{ TOKEN_WORD, "lookup", 0, SHAPE_LIST, t_lookup },
	{ TOKEN_WORD, "reload", CTL_RELOAD, SHAPE_QUIET, t_end },
	{ TOKEN_WORD, "revoke", 0, SHAPE_QUIET, t_revoke },
	{ TOKEN_WORD, "route", 0, SHAPE_QUIET, t_route },
	{ TOKEN_WORD, "show", CTL_SHOW, SHAPE_MIXED, t_show },
	{ TOKEN_WORD, "stop", CTL_STOP, SHAPE_QUIET, t_end },
	{ TOKEN_WORD, "verify", 0, SHAPE_QUIET, t_verify },
	NOTHING
};

static const char	*token_name(const struct token *);
static int		 word_fits(const char *, const char *, int *);
static const struct token *token_find(const struct token *, const char *, int *);
static int		 domain_ok(const char *);
static void		 say_expected(const struct token *, const char *, int);

static const char *
token_name(const struct token *t)
{
	switch (t->tk_type) {
	case TOKEN_NUMBER:
		return ("+NUMBER");
	case TOKEN_DOMAIN:
		return ("DOMAIN");
	case TOKEN_ID:
		return ("TICKET-ID");
	case TOKEN_COUNT:
		return ("EPOCH");
	default:
		return (t->tk_word);
	}
}

static int
word_fits(const char *word, const char *arg, int *whole)
{
	*whole = strcmp(word, arg) == 0;
	return (arg[0] != '\0' && strncmp(word, arg, strlen(arg)) == 0);
}

static int
domain_ok(const char *s)
{
	return (s[0] != '\0' && s[0] != '-' && strlen(s) < DOMAIN_SIZE &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789.-") == strlen(s));
}

/* The row that arg means; *matches says how many would fit. */
static const struct token *
token_find(const struct token *table, const char *arg, int *matches)
{
	const struct token	*t, *found = NULL;
	int			 fits, whole;

	*matches = 0;
	for (t = table; t->tk_type != TOKEN_END; t++) {
		whole = 0;
		switch (t->tk_type) {
		case TOKEN_WORD:
		case TOKEN_PASS:
			fits = word_fits(t->tk_word, arg, &whole);
			break;
		case TOKEN_NUMBER:
			fits = e164_valid(arg);
			break;
		case TOKEN_DOMAIN:
			fits = domain_ok(arg);
			break;
		case TOKEN_ID:
			fits = strlen(arg) == 32 && strspn(arg,
			    "0123456789abcdefABCDEF") == 32;
			break;
		case TOKEN_COUNT:
			fits = arg[0] != '\0' && strlen(arg) <= 10 &&
			    strspn(arg, "0123456789") == strlen(arg);
			break;
		default:
			fits = 0;
			break;
		}
		if (whole) {
			*matches = 1;
			return (t);
		}
		if (fits) {
			(*matches)++;
			found = t;
		}
	}
	return (*matches == 1 ? found : NULL);
}

static void
say_expected(const struct token *table, const char *arg, int ambiguous)
{
	const struct token	*t;
	const char		*sep = "";
	int			 whole;

	if (arg == NULL)
		fprintf(stderr, "viprctl: more is needed, expected ");
	else if (table->tk_type == TOKEN_END) {
		fprintf(stderr, "viprctl: found \"%s\", expected nothing "
		    "more\n", arg);
		return;
	} else
		fprintf(stderr, "viprctl: %s \"%s\", expected ", ambiguous ?
		    "more than one command begins with" : "found", arg);
	for (t = table; t->tk_type != TOKEN_END; t++) {
		if (ambiguous && !word_fits(t->tk_word, arg, &whole))
			continue;
		fprintf(stderr, "%s%s", sep, token_name(t));
		sep = " ";
		if (t->tk_type == TOKEN_NUMBER)
			fprintf(stderr, " (+ and 8 to 15 digits)");
	}
	/* These are no commands of the daemon: viprctl does them by itself. */
	if (table == t_main && !ambiguous)
		fprintf(stderr, " ca overlay");
	fprintf(stderr, "\n");
}

int
ctl_parse(int argc, char *const *argv, struct ctl_command *cc)
{
	const struct token	*table = t_main, *t;
	int			 i, matches;

	memset(cc, 0, sizeof(*cc));
	for (i = 0; i < argc; i++) {
		if ((t = token_find(table, argv[i], &matches)) == NULL) {
			say_expected(table, argv[i], matches > 1);
			return (-1);
		}
		if (t->tk_verb > 0) {
			cc->cc_verb = t->tk_verb;
			cc->cc_shape = t->tk_shape;
		}
		if (t->tk_type != TOKEN_WORD)
			cc->cc_argv[cc->cc_argc++] = t->tk_type == TOKEN_PASS ?
			    t->tk_word : argv[i];
		table = t->tk_next;
	}
	/* May the command end here? */
	for (t = table; t->tk_type != TOKEN_END; t++)
		continue;
	if (t->tk_verb == 0) {
		say_expected(table, NULL, 0);
		return (-1);
	}
	return (0);
}
