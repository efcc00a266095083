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
 * Words of the configuration language, for parse.y.  Runs in the parent as
 * root before anything else, so it is kept dull: whole files in memory, one
 * index, fixed bounds.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lex.h"
#include "log.h"

#define EXPAND_MAX	10000	/* macros used in one configuration */

/* A text being read: a file, or the value of a macro. */
struct source {
	TAILQ_ENTRY(source) so_entry;
	char		*so_buf;
	size_t		 so_len;
	size_t		 so_pos;
	char		*so_name;	/* of the file; kept in lx_names */
	int		 so_line;
	int		 so_macro;
};

/* Strings that live as long as the lexer; macros, name and value. */
struct string {
	STAILQ_ENTRY(string) st_entry;
	char		*st_text;
};
struct macro {
	STAILQ_ENTRY(macro) ma_entry;
	char		*ma_name;
	char		*ma_value;
};

struct lex {
	TAILQ_HEAD(lex_sources, source) lx_sources;	/* last: being read */
	STAILQ_HEAD(, string) lx_strings;
	STAILQ_HEAD(, macro) lx_macros;
	char		*lx_first;	/* name of the first file */
	char		*lx_include;	/* to be opened after the newline */
	const char	*lx_file;	/* of the last word */
	int		 lx_line;
	int		 lx_newline;	/* the last token was one */
	int		 lx_depth;
	int		 lx_expanded;	/* macros so far */
	int		 lx_errors;
};

static struct lex *lex_new(void);
static char	*keep(struct lex *, const char *, size_t);
static char	*file_read(const char *, size_t *, const char **);
static int	 push(struct lex *, const char *, char *, size_t, int);
static void	 pop(struct lex *);
static void	 include_now(struct lex *);
static int	 get(struct lex *);
static int	 peek(struct lex *);
static int	 word_char(int);
static void	 skip_blank(struct lex *);
static void	 quoted(struct lex *, struct lex_token *);
static void	 bare(struct lex *, struct lex_token *);
static int	 expand(struct lex *);

static struct lex *
lex_new(void)
{
	struct lex	*lx;

	if ((lx = calloc(1, sizeof(*lx))) == NULL)
		fatal("configuration");
	TAILQ_INIT(&lx->lx_sources);
	STAILQ_INIT(&lx->lx_strings);
	STAILQ_INIT(&lx->lx_macros);
	lx->lx_newline = 1;
	return (lx);
}

/* A copy that lex_close frees.  Out of memory here is out of memory at start. */
static char *
keep(struct lex *lx, const char *p, size_t len)
{
	struct string	*s;

	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    (s->st_text = malloc(len + 1)) == NULL)
		fatal("configuration");
	memcpy(s->st_text, p, len);
	s->st_text[len] = '\0';
	STAILQ_INSERT_TAIL(&lx->lx_strings, s, st_entry);
	return (s->st_text);
}

/* The whole file; NULL and *why. */
static char *
file_read(const char *path, size_t *len, const char **why)
{
	struct stat	 st;
	char		*buf = NULL;
	size_t		 n = 0;
	ssize_t		 r;
	int		 fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1 ||
	    fstat(fd, &st) == -1) {
		*why = strerror(errno);
		goto fail;
	}
	if (!S_ISREG(st.st_mode))
		*why = "not a regular file";
	else if (st.st_uid != 0 && st.st_uid != geteuid())
		*why = "owner is neither root nor the caller";
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		*why = "writable by group or others";
	else if (st.st_size > LEX_FILE_MAX)
		*why = "too large";
	else
		*why = NULL;
	if (*why != NULL)
		goto fail;
	if ((buf = malloc((size_t)st.st_size + 1)) == NULL)
		fatal("configuration");
	while (n < (size_t)st.st_size) {
		r = read(fd, buf + n, (size_t)st.st_size - n);
		if (r == -1) {
			*why = strerror(errno);
			goto fail;
		}
		if (r == 0)
			break;
		n += (size_t)r;
	}
	(void)close(fd);
	*len = n;
	return (buf);

 fail:
	if (fd != -1)
		(void)close(fd);
	free(buf);
	return (NULL);
}

/* Takes buf over. */
static int
push(struct lex *lx, const char *name, char *buf, size_t len, int macro)
{
	struct source	*so;

	if (lx->lx_depth >= LEX_DEPTH_MAX) {
		free(buf);
		return (-1);
	}
	if ((so = calloc(1, sizeof(*so))) == NULL)
		fatal("configuration");
	so->so_buf = buf;
	so->so_len = len;
	so->so_line = 1;
	so->so_macro = macro;
	so->so_name = keep(lx, name, strlen(name));
	TAILQ_INSERT_TAIL(&lx->lx_sources, so, so_entry);
	lx->lx_depth++;
	return (0);
}

static void
pop(struct lex *lx)
{
	struct source	*so = TAILQ_LAST(&lx->lx_sources, lex_sources);

	TAILQ_REMOVE(&lx->lx_sources, so, so_entry);
	free(so->so_buf);
	free(so);
	lx->lx_depth--;
}

struct lex *
lex_open(const char *path)
{
	struct lex	*lx = lex_new();
	const char	*why;
	char		*buf;
	size_t		 len;

	if ((buf = file_read(path, &len, &why)) == NULL) {
		log_warnx("%s: %s", path, why);
		lex_close(lx);
		return (NULL);
	}
	(void)push(lx, path, buf, len, 0);
	lx->lx_first = keep(lx, path, strlen(path));
	lx->lx_file = lx->lx_first;
	return (lx);
}

struct lex *
lex_open_text(const char *name, const char *text, size_t len)
{
	struct lex	*lx = lex_new();
	char		*buf;

	if ((buf = malloc(len + 1)) == NULL)
		fatal("configuration");
	if (len != 0)
		memcpy(buf, text, len);
	(void)push(lx, name, buf, len, 0);
	lx->lx_first = keep(lx, name, strlen(name));
	lx->lx_file = lx->lx_first;
	return (lx);
}

void
lex_close(struct lex *lx)
{
	struct string	*s;
	struct macro	*m;

	if (lx == NULL)
		return;
	while (!TAILQ_EMPTY(&lx->lx_sources))
		pop(lx);
	while ((m = STAILQ_FIRST(&lx->lx_macros)) != NULL) {
		STAILQ_REMOVE_HEAD(&lx->lx_macros, ma_entry);
		free(m);
	}
	while ((s = STAILQ_FIRST(&lx->lx_strings)) != NULL) {
		STAILQ_REMOVE_HEAD(&lx->lx_strings, st_entry);
		free(s->st_text);
		free(s);
	}
	free(lx);
}

int
lex_path(const struct lex *lx, const char *path, char *buf, size_t size)
{
	const char	*slash = strrchr(lx->lx_first, '/');
	char		 cwd[1024];
	int		 dir = 0, n;

	if (path[0] != '/' && slash != NULL)
		dir = (int)(slash - lx->lx_first) + 1;
	/* The parent does not stay in the folder it was started in. */
	cwd[0] = '\0';
	if (path[0] != '/' && lx->lx_first[0] != '/' &&
	    getcwd(cwd, sizeof(cwd)) == NULL)
		return (-1);
	n = snprintf(buf, size, "%s%s%.*s%s", cwd, cwd[0] != '\0' ? "/" : "",
	    dir, lx->lx_first, path);
	return (n < 0 || (size_t)n >= size ? -1 : 0);
}

void
lex_include(struct lex *lx, const char *path)
{
	char	 buf[1024];

	if (lex_path(lx, path, buf, sizeof(buf)) == -1) {
		lex_error(lx, "include: name too long");
		return;
	}
	lx->lx_include = keep(lx, buf, strlen(buf));
	if (lx->lx_newline)
		include_now(lx);
}

/* The line that names the file has been read to its end. */
static void
include_now(struct lex *lx)
{
	const char	*why;
	char		*buf, *name = lx->lx_include;
	size_t		 len;

	lx->lx_include = NULL;
	if ((buf = file_read(name, &len, &why)) == NULL)
		lex_error(lx, "include %s: %s", name, why);
	else if (push(lx, name, buf, len, 0) == -1)
		lex_error(lx, "include %s: too many files in each other", name);
}

void
lex_macro(struct lex *lx, const char *name, const char *value)
{
	struct macro	*m;
	const char	*p;

	for (p = name; isalnum((unsigned char)*p) || *p == '_'; p++)
		continue;
	if (*p != '\0' || p == name) {
		lex_error(lx, "found \"%s\", expected a macro name of letters, "
		    "digits and _", name);
		return;
	}
	if ((m = calloc(1, sizeof(*m))) == NULL)
		fatal("configuration");
	m->ma_name = keep(lx, name, strlen(name));
	m->ma_value = keep(lx, value, strlen(value));
	STAILQ_INSERT_HEAD(&lx->lx_macros, m, ma_entry);
}

/* Next byte without taking it, -1 at the end of this source.  A backslash
 * before the end of a line joins it with the next. */
static int
peek(struct lex *lx)
{
	struct source	*so = TAILQ_LAST(&lx->lx_sources, lex_sources);
	size_t		 n;

	/* What stands behind a macro's name continues its value. */
	while (so->so_macro && so->so_pos >= so->so_len) {
		pop(lx);
		so = TAILQ_LAST(&lx->lx_sources, lex_sources);
	}
	while (so->so_pos < so->so_len && so->so_buf[so->so_pos] == '\\') {
		n = so->so_pos + 1;
		if (n < so->so_len && so->so_buf[n] == '\r')
			n++;
		if (n >= so->so_len || so->so_buf[n] != '\n')
			break;
		so->so_pos = n + 1;
		so->so_line++;
	}
	if (so->so_pos >= so->so_len)
		return (-1);
	return ((unsigned char)so->so_buf[so->so_pos]);
}

static int
get(struct lex *lx)
{
	int		 ch = peek(lx);
	struct source	*so = TAILQ_LAST(&lx->lx_sources, lex_sources);

	if (ch != -1) {
		so->so_pos++;
		if (ch == '\n')
			so->so_line++;
	}
	return (ch);
}

static int
word_char(int ch)
{
	return (ch > ' ' && ch < 0x7f && strchr("(){}<>!=#,\"'`", ch) == NULL);
}

static void
skip_blank(struct lex *lx)
{
	int	 ch;

	while ((ch = peek(lx)) == ' ' || ch == '\t' || ch == '\r')
		(void)get(lx);
	if (ch != '#')
		return;
	while ((ch = peek(lx)) != -1 && ch != '\n')
		(void)get(lx);
}

/* After the opening quote.  A backslash before a quote or a backslash takes
 * that one as it is. */
static void
quoted(struct lex *lx, struct lex_token *t)
{
	char	 buf[LEX_WORD_MAX];
	size_t	 n = 0;
	int	 ch;

	t->lt_kind = LEX_BAD;
	for (;;) {
		ch = peek(lx);
		if (ch == -1 || ch == '\n') {
			lex_error(lx, "found end of line, expected \" at the "
			    "end of a quoted string");
			return;
		}
		(void)get(lx);
		if (ch == '"')
			break;
		if (ch == '\\' && (peek(lx) == '"' || peek(lx) == '\\'))
			ch = get(lx);
		if (ch < ' ' || ch == 0x7f) {
			lex_error(lx, "found a control character in a quoted "
			    "string");
			return;
		}
		if (n + 1 >= sizeof(buf)) {
			lex_error(lx, "quoted string longer than %zu bytes",
			    sizeof(buf) - 1);
			return;
		}
		buf[n++] = (char)ch;
	}
	t->lt_kind = LEX_QUOTED;
	t->lt_text = keep(lx, buf, n);
}

static void
bare(struct lex *lx, struct lex_token *t)
{
	char	 buf[LEX_WORD_MAX];
	size_t	 n = 0, i;

	while (word_char(peek(lx))) {
		if (peek(lx) == '$') {
			(void)get(lx);
			if (expand(lx) == -1) {
				t->lt_kind = LEX_BAD;
				return;
			}
			continue;
		}
		if (n + 1 >= sizeof(buf)) {
			lex_error(lx, "word longer than %zu bytes",
			    sizeof(buf) - 1);
			t->lt_kind = LEX_BAD;
			return;
		}
		buf[n++] = (char)get(lx);
	}
	buf[n] = '\0';
	for (i = 0; i < n && isdigit((unsigned char)buf[i]); i++)
		continue;
	t->lt_kind = i == n ? LEX_NUMBER : LEX_WORD;
	t->lt_text = keep(lx, buf, n);
}

/* After '$': read the value in place of the name.  -1: logged. */
static int
expand(struct lex *lx)
{
	struct macro	*m;
	char		 name[64], *buf;
	size_t		 n = 0;
	int		 ch;

	while (((ch = peek(lx)) >= 0 && isalnum(ch)) || ch == '_') {
		if (n + 1 >= sizeof(name)) {
			lex_error(lx, "macro name too long");
			return (-1);
		}
		name[n++] = (char)get(lx);
	}
	name[n] = '\0';
	STAILQ_FOREACH(m, &lx->lx_macros, ma_entry)
		if (strcmp(m->ma_name, name) == 0)
			break;
	if (m == NULL) {
		lex_error(lx, "macro \"%s\" is not defined", name);
		return (-1);
	}
	if ((buf = strdup(m->ma_value)) == NULL)
		fatal("configuration");
	if (lx->lx_expanded++ >= EXPAND_MAX) {
		free(buf);
		if (lx->lx_expanded == EXPAND_MAX + 1)
			lex_error(lx, "macro \"%s\": more than %d macros", name,
			    EXPAND_MAX);
		return (-1);
	}
	if (push(lx, lx->lx_file, buf, strlen(buf), 1) == -1) {
		lex_error(lx, "macro \"%s\": too many in each other", name);
		return (-1);
	}
	return (0);
}

void
lex_next(struct lex *lx, struct lex_token *t)
{
	struct source	*so;
	int		 ch;

	memset(t, 0, sizeof(*t));
	if (lx->lx_newline && lx->lx_include != NULL)
		include_now(lx);
 again:
	if (TAILQ_EMPTY(&lx->lx_sources)) {
		t->lt_kind = lx->lx_newline ? LEX_EOF : '\n';
		lx->lx_newline = 1;
		goto out;
	}
	skip_blank(lx);
	ch = peek(lx);
	so = TAILQ_LAST(&lx->lx_sources, lex_sources);
	if (ch == -1) {
		/* A file ends with a newline even if it doesn't. */
		if (!lx->lx_newline) {
			pop(lx);
			t->lt_kind = '\n';
			lx->lx_newline = 1;
			goto out;
		}
		pop(lx);
		goto again;
	}
	if (!so->so_macro && ch != '\n') {
		lx->lx_file = so->so_name;
		lx->lx_line = so->so_line;
	}
	if (ch == '$') {
		(void)get(lx);
		if (expand(lx) == -1) {
			t->lt_kind = LEX_BAD;
			lx->lx_newline = 0;
			goto out;
		}
		goto again;
	}
	lx->lx_newline = (ch == '\n');
	if (ch == '"') {
		(void)get(lx);
		quoted(lx, t);
	} else if (word_char(ch))
		bare(lx, t);
	else if (ch == '\n' || ch == '{' || ch == '}' || ch == ',' ||
	    ch == '=') {
		(void)get(lx);
		t->lt_kind = ch;
	} else {
		(void)get(lx);
		if (ch > ' ' && ch < 0x7f)
			lex_error(lx, "found '%c', which has no meaning here",
			    ch);
		else
			lex_error(lx, "found byte 0x%02x, expected plain text",
			    (unsigned)ch);
		t->lt_kind = LEX_BAD;
	}
 out:
	t->lt_file = lx->lx_file;
	t->lt_line = lx->lx_line;
}

void
lex_error(struct lex *lx, const char *fmt, ...)
{
	char	 buf[LOG_LINE_MAX];
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	lex_error_at(lx, lx->lx_file, lx->lx_line, "%s", buf);
}

void
lex_error_at(struct lex *lx, const char *file, int line, const char *fmt, ...)
{
	char	 buf[LOG_LINE_MAX];
	va_list	 ap;

	lx->lx_errors++;
	if (lx->lx_errors > LEX_ERRORS_MAX)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (line > 0)
		log_warnx("%s:%d: %s", file != NULL ? file : lx->lx_first, line,
		    buf);
	else
		log_warnx("%s: %s", file != NULL ? file : lx->lx_first, buf);
	if (lx->lx_errors == LEX_ERRORS_MAX)
		log_warnx("%s: more errors follow, not shown", lx->lx_first);
}

int
lex_errors(const struct lex *lx)
{
	return (lx->lx_errors);
}

const char *
lex_file(const struct lex *lx)
{
	return (lx->lx_file);
}

int
lex_line(const struct lex *lx)
{
	return (lx->lx_line);
}
