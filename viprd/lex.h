/* SPDX-License-Identifier: ISC */
/* Words of the configuration language: files, includes, macros, lines. */
#ifndef LEX_H
#define LEX_H

#include <stddef.h>

#define LEX_FILE_MAX	(8 * 1024 * 1024)	/* bytes a file */
#define LEX_DEPTH_MAX	16			/* includes and macros in each other */
#define LEX_WORD_MAX	1024			/* bytes a word */
#define LEX_ERRORS_MAX	100			/* lines logged */

struct lex;

enum lex_kind {
	LEX_EOF = 0,
	LEX_WORD = 256,		/* bare */
	LEX_NUMBER = 257,	/* bare, digits only */
	LEX_QUOTED = 258,
	LEX_BAD = 259		/* not a word; the error has been logged */
};				/* else the character: '\n' { } , = */

struct lex_token {
	int		 lt_kind;
	char		*lt_text;	/* words; lives until lex_close */
	const char	*lt_file;	/* the same */
	int		 lt_line;
};

/* A file (regular, not writable by group or others, owned by root or us),
 * or text.  NULL: logged. */
struct lex	*lex_open(const char *path);
struct lex	*lex_open_text(const char *name, const char *text, size_t len);
void		 lex_close(struct lex *);
/* Next token; a newline stands before the end. */
void		 lex_next(struct lex *, struct lex_token *);
/* Read this file, relative to the one that names it, after the line's end. */
void		 lex_include(struct lex *, const char *path);
void		 lex_macro(struct lex *, const char *name, const char *value);
/* path relative to the first file's folder, into buf. -1: too long. */
int		 lex_path(const struct lex *, const char *path, char *buf, size_t);
/* Log "FILE:LINE: ..." at the last word, or at a given line of the first file. */
void		 lex_error(struct lex *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
void		 lex_error_at(struct lex *, const char *file, int line, const char *, ...)
		    __attribute__((__format__(printf, 4, 5)));
int		 lex_errors(const struct lex *);
const char	*lex_file(const struct lex *);
int		 lex_line(const struct lex *);

#endif
