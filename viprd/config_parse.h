/* SPDX-License-Identifier: ISC */
/* What parse.y's rules do with words, and what they say when one is wrong. */
#ifndef CONFIG_PARSE_H
#define CONFIG_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "lex.h"

enum config_section {
	SECTION_TOP = 0,
	SECTION_OVERLAY = 1,
	SECTION_PVP = 2,
	SECTION_SIP = 3,
	SECTION_LIST = 4,
	SECTION_CLASS = 5,
	SECTION_MAX = 6
};
#define DEPTH_MAX	8	/* braces in braces that are told apart */

struct parse_state {
	int			 ps_section;	/* we are in, by braces */
	int			 ps_was;	/* before the last token */
	int			 ps_depth;
	int			 ps_outer[DEPTH_MAX];	/* section around each open brace */
	int			 ps_open_line;	/* of the outermost brace */
	int			 ps_first;	/* next word begins a statement */
	int			 ps_skip;	/* a section with a wrong head */
	const char		*ps_word;	/* that began the statement */
	int			 ps_line[SECTION_MAX];	/* where the section began */
	const char		*ps_file[SECTION_MAX];
	struct conf_ranges	*ps_list;
	struct conf_texts	*ps_texts;
};

/* One statement, for error messages. */
struct statement {
	int		 sm_section;
	const char	*sm_word;
	const char	*sm_syntax;
};

enum rule_bit {
	RULE_COUNTRY = 0x01, RULE_NATIONAL = 0x02, RULE_INTERNATIONAL = 0x04,
	RULE_OUTSIDE = 0x08, RULE_LOCAL = 0x10
};

/* config_syntax.c */
int	 parse_section(int, const char *);
void	 parse_syntax(struct lex *, const struct parse_state *, const struct lex_token *);
void	 section_once(struct lex *, struct parse_state *, int);

/* config_parse.c: each logs what is wrong with its word. */
void	 set_flag(struct conf *, uint32_t, int);
void	 set_number(struct lex *, uint32_t *, const char *, uint32_t, uint32_t);
void	 set_time(struct lex *, uint32_t *, const char *, uint32_t, uint32_t);
void	 set_ms(struct lex *, uint32_t *, const char *, uint32_t, uint32_t);
void	 set_clock(struct lex *, struct conf *, const char *);
void	 set_domain(struct lex *, char *, const char *, const char *);
void	 set_file(struct lex *, char *, size_t, const char *);
void	 set_blob(struct lex *, struct conf_blob *, const char *);
void	 set_port(struct lex *, uint16_t *, const char *);
void	 set_addr(struct lex *, struct vaddr *, const char *, const char *, uint16_t);
void	 set_facility(struct lex *, struct conf *, const char *);
void	 set_rule(struct lex *, struct e164_rules *, unsigned *, unsigned, const char *);
void	 rules_default(struct e164_rules *, const struct e164_rules *, unsigned);
void	 never_clear(struct conf *);
void	 add_listen(struct lex *, struct conf *, int, int, int, const char *, const char *);
/* capture hep; id NULL: the default. */
void	 set_media(struct lex *, struct conf *, const char *, const char *, const char *,
	    const char *);
void	 set_capture(struct lex *, struct conf *, const char *, const char *, const char *);
void	 add_host(struct lex *, struct conf *, const char *, const char *, const char *);
void	 add_resolver(struct lex *, struct conf *, const char *, const char *);
void	 add_operator(struct lex *, struct conf *, const char *);
void	 add_range(struct lex *, struct conf_ranges *, const char *, const char *);
void	 add_decoys(struct lex *, struct conf *, const char *, const char *, const char *);
void	 add_never(struct lex *, struct conf *, const char *);
void	 add_domain(struct lex *, struct conf_texts *, const char *);

/* config_rules.c: rules of the sip section for calls and headers. */
void	 add_entry(struct lex *, struct conf_texts *, const char *, const char *);
void	 add_header(struct lex *, struct conf_texts *, const char *);
struct conf_class *add_class(struct lex *, struct conf *, const char *);
void	 add_from(struct lex *, struct conf_class *, const char *, const char *);
void	 class_done(struct lex *, const struct conf_class *);
struct conf_hop *add_hop(struct lex *, struct conf *, int, const char *, const char *,
	    const char *, int);

/* parse.y: the same as parse_config, of text in memory; for tests. */
struct conf *parse_config_text(const char *name, const char *text, size_t, int *nerrors);

/* config_check.c; config_warn logs one "warning: ..." for each setting that
 * is allowed but not safe outside of a laboratory, and returns their count. */
int	 config_warn(const struct conf *);
void	 config_defaults(struct conf *);
void	 config_check(struct lex *, const struct parse_state *, const struct conf *);

#endif
