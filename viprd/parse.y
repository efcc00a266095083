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
 * The grammar of viprd.conf(5).  Every error is logged as FILE:LINE with what
 * was found and what was expected, and reading goes on with the next line.
 * The result is a new struct conf; what is in force is never touched.
 */
%{
#include <sys/types.h>
#include <sys/queue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "config_parse.h"
#include "lex.h"
#include "log.h"
#include "viprd.h"

#define DAYS	86400U

typedef struct {
	char	*string;
	int	 number;
} yystype_t;
#define YYSTYPE		yystype_t

/* Hops take the rules that their line leaves open from the sip section. */
struct hop_rules {
	struct conf_hop	*hr_hop;
	unsigned	 hr_set;
	struct hop_rules *hr_next;
};

/* Macros of the command line; they live as long as the parent. */
struct symset {
	STAILQ_ENTRY(symset) sy_entry;
	char		*sy_name;
	char		*sy_value;
};

int		 yyparse(void);
static int	 yylex(void);
static void	 yyerror(const char *);
static int	 keyword_find(const char *);
static int	 keyword_cmp(const void *, const void *);
static int	 token_word(const struct lex_token *);
static void	 track(int, const struct lex_token *);
static void	 leave_block(void);
static void	 skip_block(void);
static struct conf *parse_lex(struct lex *, const char *, int *);
static void	 hop_add(int, const char *, const char *, const char *, int);
static void	 rules_merge(void);

static struct lex		*lex;
static struct conf		*conf;
static struct parse_state	 state;
static struct lex_token		 token;		/* last one read */
static struct e164_rules	 rules;		/* being collected */
static unsigned			 rules_set;
static struct conf_class	*class;		/* being read */
static struct hop_rules		*hop_rules;
static uint32_t			 hop_priority, hop_weight, hop_ping;
static STAILQ_HEAD(, symset)	 symsets = STAILQ_HEAD_INITIALIZER(symsets);
%}

%token	CAPTURE HEP ID REDIRECT RTPENGINE
%token	ACCEPT ADDRESS ADVERTISE ALLOW ANSWERTIMEOUT AT BUSY CA CALLERS CALLS
%token	CERTIFICATE CLIENT CLOCKOFFSET CONFIG CONNECTTIMEOUT CONTROL COUNTRY
%token	DATA DECOY DELAY DIVERT DOMAIN FACILITY FAILURES FIRST FROM HOST HOUR
%token	INCLUDE INSIDE INTERNATIONAL KEY LIFETIME LIMIT LISTEN LOCAL LOG MASTER
%token	MEDIA MINDURATION MODE NAME NATIONAL NEVER NO NUMBERKEY NUMBERS ON ONCE
%token	ONLY OPERATOR OUTSIDE OUTSIDELINE OVERLAY PASS PBX PEER PER PERMIT PLAIN
%token	PORT PRIORITY PRIVATE PROOFS PVP RECEIPTLIFETIME REFER REFUSE
%token	REPROVE RESAMPLE RESOLVER RESPONDERDELAY RESTART RETAIN RETRY
%token	SESSIONTIMER SIP SOCKET SPACING STORERATE TCP TEST TICKETLIFETIME
%token	TICKETSAFTER TLS TO TRUNK UDP WITHIN YES
%token	ALWAYS BOOTOFFSET CALLID CLASS DIRECT DISPLAY E164 HEADER HIDE KEEP
%token	CONNECTIONS PRESENT REQUESTS SECOND
%token	PING WEIGHT
%token	BAD
%token	<string>	WORD NUMBER QUOTED
%type	<string>	text port
%type	<number>	yesno proto redirproto

%%

grammar		: /* empty */
		| grammar '\n'
		| grammar include '\n'
		| grammar macro '\n'
		| grammar main '\n'
		| grammar numbers '\n'
		| grammar overlay '\n'
		| grammar pvp '\n'
		| grammar sip '\n'
		| grammar error '\n'	{ yyerrok; }
		;

text		: WORD
		| NUMBER
		| QUOTED
		;

port		: /* empty */		{ $$ = NULL; }
		| PORT NUMBER		{ $$ = $2; }
		;

yesno		: YES			{ $$ = 1; }
		| NO			{ $$ = 0; }
		;

include		: INCLUDE text		{ lex_include(lex, $2); }
		;

macro		: WORD '=' text		{ lex_macro(lex, $1, $3); }
		;

main		: DOMAIN text {
			set_domain(lex, conf->c_domain, $2, "domain");
		}
		| DATA text {
			set_file(lex, conf->c_data, sizeof(conf->c_data), $2);
		}
		| CONTROL SOCKET text {
			set_file(lex, conf->c_control, sizeof(conf->c_control),
			    $3);
		}
		| MASTER KEY text {
			set_file(lex, conf->c_master.cb_path,
			    sizeof(conf->c_master.cb_path), $3);
		}
		| HOST text ADDRESS text port {
			add_host(lex, conf, $2, $4, $5);
		}
		| RESOLVER text port {
			add_resolver(lex, conf, $2, $3);
		}
		| OPERATOR text		{ add_operator(lex, conf, $2); }
		| PERMIT PRIVATE {
			conf->c_flags |= CONF_PERMIT_PRIVATE;
		}
		| LOG CALLS yesno {
			set_flag(conf, CONF_LOG_CALLS, $3);
		}
		| LOG FACILITY text	{ set_facility(lex, conf, $3); }
		| RESTART yesno {
			set_flag(conf, CONF_RESTART_NO, !$2);
		}
		| TEST CLOCKOFFSET text	{ set_clock(lex, conf, $3); }
		| TEST BOOTOFFSET text {
			set_time(lex, &conf->c_boot_offset, $3, 0, 40 * DAYS);
		}
		;

numbers		: NUMBERS		{ state.ps_list = &conf->c_numbers; }
		    rangelist
		| CALLERS		{ state.ps_list = &conf->c_callers; }
		    rangelist
		| DECOY NUMBER FROM text TO text {
			add_decoys(lex, conf, $2, $4, $6);
		}
		| DECOY NUMBER FROM text {
			add_decoys(lex, conf, $2, $4, $4);
		}
		| NEVER neverlist
		| NEVER ONLY		{ never_clear(conf); }
		    neverlist
		| ACCEPT DOMAIN		{ state.ps_texts = &conf->c_accept; }
		    domainlist
		| REFUSE DOMAIN		{ state.ps_texts = &conf->c_refuse; }
		    domainlist
		;

rangelist	: range
		| '{' ranges '}'
		| '{' ranges error '}'
		;
ranges		: /* empty */
		| ranges range
		| ranges ','
		| ranges '\n'
		| ranges error ','	{ yyerrok; }
		| ranges error '\n'	{ yyerrok; }
		;
range		: text {
			add_range(lex, state.ps_list, $1, $1);
		}
		| text TO text {
			add_range(lex, state.ps_list, $1, $3);
		}
		;

neverlist	: never
		| '{' nevers '}'
		| '{' nevers error '}'
		;
nevers		: /* empty */
		| nevers never
		| nevers ','
		| nevers '\n'
		| nevers error ','	{ yyerrok; }
		| nevers error '\n'	{ yyerrok; }
		;
never		: text			{ add_never(lex, conf, $1); }
		;

domainlist	: domain
		| '{' domains '}'
		| '{' domains error '}'
		;
domains		: /* empty */
		| domains domain
		| domains ','
		| domains '\n'
		| domains error ','	{ yyerrok; }
		| domains error '\n'	{ yyerrok; }
		;
domain		: text {
			add_domain(lex, state.ps_texts, $1);
		}
		;

overlay		: OVERLAY text {
			section_once(lex, &state, SECTION_OVERLAY);
			conf->c_flags |= CONF_OVERLAY_ON;
			set_domain(lex, conf->c_overlay, $2, "overlay");
		}
		    '{' ovopts '}'
		;
ovopts		: ovlines
		| ovlines ovopt
		| ovlines error
		;
ovlines		: /* empty */
		| ovlines '\n'
		| ovlines ovopt '\n'
		| ovlines error '\n'	{ yyerrok; }
		;
ovopt		: CONFIG text		{ set_blob(lex, &conf->c_ov_config, $2); }
		| CERTIFICATE text	{ set_blob(lex, &conf->c_node_cert, $2); }
		| KEY text		{ set_blob(lex, &conf->c_node_key, $2); }
		| LISTEN ON text port {
			add_listen(lex, conf, LISTEN_OVERLAY, 0, SIP_TCP, $3,
			    $4);
		}
		| ADVERTISE text port {
			set_addr(lex, &conf->c_ov_advertise, $2, $3, 0);
		}
		| FIRST			{ conf->c_flags |= CONF_OVERLAY_FIRST; }
		| CLIENT		{ conf->c_flags |= CONF_OVERLAY_CLIENT; }
		| STORERATE NUMBER {
			set_number(lex, &conf->c_store_rate, $2, 1, 100000);
		}
		| LIFETIME text {
			set_time(lex, &conf->c_lifetime, $2, 0, 30 * DAYS);
		}
		;

pvp		: PVP {
			section_once(lex, &state, SECTION_PVP);
			conf->c_flags |= CONF_PVP_ON;
		}
		    '{' pvpopts '}'
		;
pvpopts		: pvplines
		| pvplines pvpopt
		| pvplines error
		;
pvplines	: /* empty */
		| pvplines '\n'
		| pvplines pvpopt '\n'
		| pvplines error '\n'	{ yyerrok; }
		;
pvpopt		: LISTEN ON text port {
			add_listen(lex, conf, LISTEN_PVP, 0, SIP_TCP, $3, $4);
		}
		| ADVERTISE text port {
			set_addr(lex, &conf->c_pvp_advertise, $2, $3, 0);
		}
		| DELAY text TO text {
			set_time(lex, &conf->c_delay_min, $2, 0, 30 * DAYS);
			set_time(lex, &conf->c_delay_max, $4, 0, 30 * DAYS);
		}
		| WITHIN text {
			set_time(lex, &conf->c_try_max, $2, 1, 30 * DAYS);
		}
		| RESPONDERDELAY text {
			set_time(lex, &conf->c_responder_min, $2, 0, 30 * DAYS);
		}
		| MINDURATION text {
			set_time(lex, &conf->c_min_duration, $2, 0, DAYS);
		}
		| RETAIN text {
			set_time(lex, &conf->c_retain, $2, 1, 60 * DAYS);
		}
		| PROOFS NUMBER {
			set_number(lex, &conf->c_proofs, $2, 1, CONF_PROOFS_MAX);
		}
		| PROOFS NUMBER FROM NUMBER CALLERS {
			set_number(lex, &conf->c_proofs, $2, 1, CONF_PROOFS_MAX);
			set_number(lex, &conf->c_proofs_callers, $4, 1,
			    CONF_PROOFS_MAX);
		}
		| SPACING text {
			set_time(lex, &conf->c_proofs_spacing, $2, 0,
			    30 * DAYS);
		}
		| TICKETSAFTER NUMBER {
			set_number(lex, &conf->c_tickets_after, $2, 1, 100);
		}
		| TICKETLIFETIME text {
			set_time(lex, &conf->c_ticket_lifetime, $2, 1,
			    3650 * DAYS);
		}
		| RECEIPTLIFETIME text {
			set_time(lex, &conf->c_receipt_lifetime, $2, 1,
			    3650 * DAYS);
		}
		| RETRY text TO text {
			set_time(lex, &conf->c_retry_min, $2, 0, DAYS);
			set_time(lex, &conf->c_retry_max, $4, 0, DAYS);
		}
		| BUSY yesno		{ conf->c_busy_moduli = $2 ? 44 : 11; }
		| pvplimit
		;
pvplimit	: LIMIT NUMBERKEY NUMBER {
			set_number(lex, &conf->c_limit_number, $3, 1, 100000);
		}
		| LIMIT PEER NUMBER {
			set_number(lex, &conf->c_limit_peer, $3, 1, 100000);
		}
		| LIMIT FAILURES NUMBER {
			set_number(lex, &conf->c_limit_failures, $3, 1, 100000);
		}
		;

sip		: SIP {
			section_once(lex, &state, SECTION_SIP);
		}
		    '{' sipopts '}'
		;
sipopts		: siplines
		| siplines sipopt
		| siplines error
		;
siplines	: /* empty */
		| siplines '\n'
		| siplines sipopt '\n'
		| siplines error '\n'	{ yyerrok; }
		;
sipopt		: CERTIFICATE text	{ set_blob(lex, &conf->c_sip_cert, $2); }
		| KEY text		{ set_blob(lex, &conf->c_sip_key, $2); }
		| CA text		{ set_blob(lex, &conf->c_sip_ca, $2); }
		| INSIDE CERTIFICATE text {
			set_blob(lex, &conf->c_inside_cert, $3);
		}
		| INSIDE KEY text {
			set_blob(lex, &conf->c_inside_key, $3);
		}
		| INSIDE CA text {
			set_blob(lex, &conf->c_inside_ca, $3);
		}
		| LISTEN INSIDE ON text port proto {
			add_listen(lex, conf, LISTEN_SIP, FACE_INSIDE, $6, $4,
			    $5);
		}
		| LISTEN OUTSIDE ON text port {
			conf->c_flags |= CONF_OUTSIDE_ON;
			add_listen(lex, conf, LISTEN_SIP, FACE_OUTSIDE,
			    SIP_TLS, $4, $5);
		}
		| LISTEN REDIRECT ON text port redirproto {
			add_listen(lex, conf, LISTEN_SIP, FACE_REDIRECT, $6,
			    $4, $5);
		}
		| capture
		| HOST text port {
			set_domain(lex, conf->c_outside_host, $2, "host");
			set_port(lex, &conf->c_outside_port, $3);
		}
		| NAME text		{ add_domain(lex, &conf->c_names, $2); }
		| hop
		| sipmedia
		| MODE DIVERT {
			set_flag(conf, CONF_MODE_LOG, 0);
		}
		| MODE LOG {
			set_flag(conf, CONF_MODE_LOG, 1);
		}
		| siprule
		| sipshown
		| ALLOW REFER		{ conf->c_flags |= CONF_ALLOW_REFER; }
		| siplimit
		| rules_reset rule {
			rules_default(&conf->c_rules, &rules, rules_set);
		}
		;
sipmedia	: MEDIA PASS
		| MEDIA PLAIN		{ conf->c_flags |= CONF_MEDIA_PLAIN; }
		| MEDIA RTPENGINE text PORT NUMBER {
			set_media(lex, conf, $3, $5, NULL, NULL);
		}
		| MEDIA RTPENGINE text PORT NUMBER INSIDE text OUTSIDE text {
			set_media(lex, conf, $3, $5, $7, $9);
		}
		;
siprule		: ALWAYS TRUNK		{ state.ps_texts = &conf->c_always; }
		    entrylist
		| LOG ONLY		{ state.ps_texts = &conf->c_logonly; }
		    entrylist
		| CLASS text		{ class = add_class(lex, conf, $2); }
		    '{' classopts '}' {
			class_done(lex, class);
			class = NULL;
		}
		;
sipshown	: PASS HEADER		{ state.ps_texts = &conf->c_pass; }
		    headerlist
		| CALLID KEEP		{ set_flag(conf, CONF_CALLID_KEEP, 1); }
		| CALLID HIDE		{ set_flag(conf, CONF_CALLID_KEEP, 0); }
		| DISPLAY NAME		{ set_flag(conf, CONF_DISPLAY_NAME, 1); }
		| DISPLAY NUMBERKEY	{ set_flag(conf, CONF_DISPLAY_NAME, 0); }
		| PRESENT NATIONAL {
			set_flag(conf, CONF_PRESENT_NATIONAL, 1);
		}
		| PRESENT E164 {
			set_flag(conf, CONF_PRESENT_NATIONAL, 0);
		}
		;
entrylist	: entry
		| '{' entries '}'
		| '{' entries error '}'
		;
entries		: /* empty */
		| entries entry
		| entries ','
		| entries '\n'
		| entries error ','	{ yyerrok; }
		| entries error '\n'	{ yyerrok; }
		;
entry		: text {
			add_entry(lex, state.ps_texts, state.ps_word, $1);
		}
		;
headerlist	: header
		| '{' headers '}'
		| '{' headers error '}'
		;
headers		: /* empty */
		| headers header
		| headers ','
		| headers '\n'
		| headers error ','	{ yyerrok; }
		| headers error '\n'	{ yyerrok; }
		;
header		: text			{ add_header(lex, state.ps_texts, $1); }
		;
classopts	: classlines
		| classlines error
		;
classlines	: /* empty */
		| classlines '\n'
		| classlines ','
		| classlines classopt
		| classlines error '\n'	{ yyerrok; }
		;
classopt	: FROM fromlist
		| DIRECT yesno {
			if (class != NULL)
				class->cc_direct = (uint8_t)$2;
		}
		;
fromlist	: from
		| '{' froms '}'
		| '{' froms error '}'
		;
froms		: /* empty */
		| froms from
		| froms ','
		| froms '\n'
		| froms error ','	{ yyerrok; }
		| froms error '\n'	{ yyerrok; }
		;
from		: text			{ add_from(lex, class, $1, ""); }
		| text TO text		{ add_from(lex, class, $1, $3); }
		;
siplimit	: LIMIT NUMBER CALLS PER SECOND {
			set_number(lex, &conf->c_limit_calls, $2, 1, 1000000);
		}
		| LIMIT NUMBER CALLS AT ONCE {
			set_number(lex, &conf->c_limit_total, $2, 1, 1000000);
		}
		| LIMIT NUMBER CONNECTIONS PER SECOND {
			set_number(lex, &conf->c_limit_conns, $2, 1, 1000000);
		}
		| LIMIT NUMBER REQUESTS PER SECOND {
			set_number(lex, &conf->c_limit_requests, $2, 1, 1000000);
		}
		| LIMIT NUMBER PER HOUR {
			set_number(lex, &conf->c_limit_hour, $2, 1, 1000000);
		}
		| LIMIT NUMBER AT ONCE {
			set_number(lex, &conf->c_limit_live, $2, 1, 100000);
		}
		| RESAMPLE NUMBER {
			set_number(lex, &conf->c_resample, $2, 0, 1000000);
		}
		| REPROVE text {
			set_time(lex, &conf->c_reprove, $2, 1, 3650 * DAYS);
		}
		| SESSIONTIMER text {
			set_time(lex, &conf->c_session, $2, CONF_SESSION_MIN,
			    DAYS);
		}
		| SESSIONTIMER NO	{ conf->c_session = 0; }
		| CONNECTTIMEOUT text {
			set_ms(lex, &conf->c_connect_ms, $2, 1, 600000);
		}
		| ANSWERTIMEOUT text {
			set_ms(lex, &conf->c_answer_ms, $2, 1, 600000);
		}
		;
capture		: CAPTURE HEP text PORT NUMBER {
			set_capture(lex, conf, $3, $5, NULL);
		}
		| CAPTURE HEP text PORT NUMBER ID NUMBER {
			set_capture(lex, conf, $3, $5, $7);
		}
		;
redirproto	: UDP			{ $$ = SIP_UDP; }
		| TCP			{ $$ = SIP_TCP; }
		;
proto		: UDP			{ $$ = SIP_UDP; }
		| TCP			{ $$ = SIP_TCP; }
		| TLS			{ $$ = SIP_TLS; }
		;
hop		: rules_reset PBX text AT text port proto hopopts {
			hop_add(0, $3, $5, $6, $7);
		}
		| rules_reset TRUNK text AT text port proto hopopts {
			hop_add(1, $3, $5, $6, $7);
		}
		;
hopopts		: /* empty */
		| hopopts rule
		| hopopts PRIORITY NUMBER {
			set_number(lex, &hop_priority, $3, 0, 65535);
		}
		| hopopts WEIGHT NUMBER {
			set_number(lex, &hop_weight, $3, 0, 65535);
		}
		| hopopts PING text {
			set_time(lex, &hop_ping, $3, 5, DAYS);
		}
		| hopopts PING NO	{ hop_ping = 0; }
		;
rules_reset	: /* empty */ {
			hop_priority = hop_weight = 0;
			hop_ping = CONF_PING;
			memset(&rules, 0, sizeof(rules));
			rules_set = 0;
		}
		;
rule		: COUNTRY text {
			set_rule(lex, &rules, &rules_set, RULE_COUNTRY, $2);
		}
		| NATIONAL text {
			set_rule(lex, &rules, &rules_set, RULE_NATIONAL, $2);
		}
		| INTERNATIONAL text {
			set_rule(lex, &rules, &rules_set, RULE_INTERNATIONAL,
			    $2);
		}
		| OUTSIDELINE text {
			set_rule(lex, &rules, &rules_set, RULE_OUTSIDE, $2);
		}
		| LOCAL text {
			set_rule(lex, &rules, &rules_set, RULE_LOCAL, $2);
		}
		;

%%

struct keyword {
	const char	*kw_name;
	int		 kw_token;
};

/* Sorted, for bsearch. */
static const struct keyword keywords[] = {
	{ "accept",		ACCEPT },
	{ "address",		ADDRESS },
	{ "advertise",		ADVERTISE },
	{ "allow",		ALLOW },
	{ "always",		ALWAYS },
	{ "answer-timeout",	ANSWERTIMEOUT },
	{ "at",			AT },
	{ "boot-offset",	BOOTOFFSET },
	{ "busy",		BUSY },
	{ "ca",			CA },
	{ "call-id",		CALLID },
	{ "callers",		CALLERS },
	{ "calls",		CALLS },
	{ "capture",		CAPTURE },
	{ "certificate",	CERTIFICATE },
	{ "class",		CLASS },
	{ "client",		CLIENT },
	{ "clock-offset",	CLOCKOFFSET },
	{ "config",		CONFIG },
	{ "connect-timeout",	CONNECTTIMEOUT },
	{ "connections",	CONNECTIONS },
	{ "control",		CONTROL },
	{ "country",		COUNTRY },
	{ "data",		DATA },
	{ "decoy",		DECOY },
	{ "delay",		DELAY },
	{ "direct",		DIRECT },
	{ "display",		DISPLAY },
	{ "divert",		DIVERT },
	{ "domain",		DOMAIN },
	{ "e164",		E164 },
	{ "facility",		FACILITY },
	{ "failures",		FAILURES },
	{ "first",		FIRST },
	{ "from",		FROM },
	{ "header",		HEADER },
	{ "hep",		HEP },
	{ "hide",		HIDE },
	{ "host",		HOST },
	{ "hour",		HOUR },
	{ "id",			ID },
	{ "include",		INCLUDE },
	{ "inside",		INSIDE },
	{ "international",	INTERNATIONAL },
	{ "keep",		KEEP },
	{ "key",		KEY },
	{ "lifetime",		LIFETIME },
	{ "limit",		LIMIT },
	{ "listen",		LISTEN },
	{ "local",		LOCAL },
	{ "log",		LOG },
	{ "master",		MASTER },
	{ "media",		MEDIA },
	{ "min-duration",	MINDURATION },
	{ "mode",		MODE },
	{ "name",		NAME },
	{ "national",		NATIONAL },
	{ "never",		NEVER },
	{ "no",			NO },
	{ "number",		NUMBERKEY },
	{ "numbers",		NUMBERS },
	{ "on",			ON },
	{ "once",		ONCE },
	{ "only",		ONLY },
	{ "operator",		OPERATOR },
	{ "outside",		OUTSIDE },
	{ "outside-line",	OUTSIDELINE },
	{ "overlay",		OVERLAY },
	{ "pass",		PASS },
	{ "pbx",		PBX },
	{ "peer",		PEER },
	{ "per",		PER },
	{ "permit",		PERMIT },
	{ "ping",		PING },
	{ "plain",		PLAIN },
	{ "port",		PORT },
	{ "present",		PRESENT },
	{ "priority",		PRIORITY },
	{ "private",		PRIVATE },
	{ "proofs",		PROOFS },
	{ "pvp",		PVP },
	{ "receipt-lifetime",	RECEIPTLIFETIME },
	{ "redirect",		REDIRECT },
	{ "refer",		REFER },
	{ "refuse",		REFUSE },
	{ "reprove",		REPROVE },
	{ "requests",		REQUESTS },
	{ "resample",		RESAMPLE },
	{ "resolver",		RESOLVER },
	{ "responder-delay",	RESPONDERDELAY },
	{ "restart",		RESTART },
	{ "retain",		RETAIN },
	{ "retry",		RETRY },
	{ "rtpengine",		RTPENGINE },
	{ "second",		SECOND },
	{ "session-timer",	SESSIONTIMER },
	{ "sip",		SIP },
	{ "socket",		SOCKET },
	{ "spacing",		SPACING },
	{ "store-rate",		STORERATE },
	{ "tcp",		TCP },
	{ "test",		TEST },
	{ "ticket-lifetime",	TICKETLIFETIME },
	{ "tickets-after",	TICKETSAFTER },
	{ "tls",		TLS },
	{ "to",			TO },
	{ "trunk",		TRUNK },
	{ "udp",		UDP },
	{ "weight",		WEIGHT },
	{ "within",		WITHIN },
	{ "yes",		YES }
};

static int
keyword_cmp(const void *name, const void *kw)
{
	return (strcmp(name, ((const struct keyword *)kw)->kw_name));
}

/* Token of a keyword, WORD for any other word. */
static int
keyword_find(const char *s)
{
	const struct keyword	*kw;

	kw = bsearch(s, keywords, sizeof(keywords) / sizeof(keywords[0]),
	    sizeof(keywords[0]), keyword_cmp);
	return (kw == NULL ? WORD : kw->kw_token);
}

static int
token_word(const struct lex_token *t)
{
	return (t->lt_kind == LEX_WORD || t->lt_kind == LEX_NUMBER ||
	    t->lt_kind == LEX_QUOTED);
}

/* A brace was closed: where does that leave us? */
static void
leave_block(void)
{
	if (state.ps_depth == 0)
		return;
	state.ps_depth--;
	state.ps_section = state.ps_depth < DEPTH_MAX ?
	    state.ps_outer[state.ps_depth] : SECTION_LIST;
}

/* Remember in which section and statement we are, for error messages. */
static void
track(int kind, const struct lex_token *t)
{
	state.ps_was = state.ps_section;
	if (kind == '{') {
		if (state.ps_first)
			state.ps_word = NULL;
		if (state.ps_depth < DEPTH_MAX)
			state.ps_outer[state.ps_depth] = state.ps_section;
		if (state.ps_depth++ == 0)
			state.ps_open_line = t->lt_line;
		state.ps_section = parse_section(state.ps_section, state.ps_word);
		state.ps_first = state.ps_section != SECTION_LIST;
		return;
	}
	if (kind == '}') {
		if (state.ps_first)
			state.ps_word = NULL;
		leave_block();
		state.ps_first = 0;
		return;
	}
	if (kind == '\n') {
		state.ps_first = state.ps_section != SECTION_LIST;
		return;
	}
	if (state.ps_first) {
		state.ps_word = token_word(t) ? t->lt_text : NULL;
		state.ps_first = 0;
	}
}

static int
yylex(void)
{
	lex_next(lex, &token);
	/* The head of a section was wrong: what it holds is not looked at. */
	if (state.ps_skip && token.lt_kind == '{') {
		skip_block();
		state.ps_skip = 0;
		if (token.lt_kind != LEX_EOF)
			lex_next(lex, &token);
	}
	if (token.lt_kind == '\n' || token.lt_kind == LEX_EOF)
		state.ps_skip = 0;
	track(token.lt_kind, &token);
	yylval.string = token.lt_text;
	switch (token.lt_kind) {
	case LEX_WORD:
		return (keyword_find(token.lt_text));
	case LEX_NUMBER:
		return (NUMBER);
	case LEX_QUOTED:
		return (QUOTED);
	case LEX_BAD:
		return (BAD);
	default:
		return (token.lt_kind);
	}
}

/* Called by the parser for what does not fit the grammar. */
static void
yyerror(const char *what)
{
	(void)what;
	parse_syntax(lex, &state, &token);
	if (token.lt_kind == '{') {
		/* A brace in the wrong place: take all that it encloses. */
		skip_block();
		leave_block();
	} else if (state.ps_section == SECTION_TOP && token.lt_kind != '\n')
		state.ps_skip = 1;
}

/* After '{': read to the '}' that belongs to it. */
static void
skip_block(void)
{
	int	 depth = 1;

	while (depth > 0 && token.lt_kind != LEX_EOF) {
		lex_next(lex, &token);
		if (token.lt_kind == '{')
			depth++;
		if (token.lt_kind == '}')
			depth--;
	}
}

static void
hop_add(int trunk, const char *name, const char *host, const char *port,
    int proto)
{
	struct hop_rules	*hr;
	struct conf_hop		*h;

	if ((h = add_hop(lex, conf, trunk, name, host, port, proto)) == NULL)
		return;
	h->ch_priority = (uint16_t)hop_priority;
	h->ch_weight = (uint16_t)hop_weight;
	h->ch_ping = hop_ping;
	h->ch_rules = rules;
	if ((hr = calloc(1, sizeof(*hr))) == NULL)
		fatal("configuration");
	hr->hr_hop = h;
	hr->hr_set = rules_set;
	hr->hr_next = hop_rules;
	hop_rules = hr;
}

static void
rules_merge(void)
{
	struct hop_rules	*hr;
	struct e164_rules	 own;

	while ((hr = hop_rules) != NULL) {
		hop_rules = hr->hr_next;
		own = hr->hr_hop->ch_rules;
		hr->hr_hop->ch_rules = conf->c_rules;
		rules_default(&hr->hr_hop->ch_rules, &own, hr->hr_set);
		free(hr);
	}
}

/* Takes lx over. */
static struct conf *
parse_lex(struct lex *lx, const char *path, int *nerrors)
{
	struct symset	*sym;
	struct conf	*c;

	lex = lx;
	memset(&state, 0, sizeof(state));
	state.ps_first = 1;
	memset(&rules, 0, sizeof(rules));
	rules_set = 0;
	class = NULL;
	if ((conf = conf_new()) == NULL)
		fatal("configuration");
	(void)lex_path(lex, strrchr(path, '/') != NULL ?
	    strrchr(path, '/') + 1 : path, conf->c_path, sizeof(conf->c_path));
	STAILQ_FOREACH(sym, &symsets, sy_entry)
		lex_macro(lex, sym->sy_name, sym->sy_value);
	if (yyparse() != 0 && lex_errors(lex) == 0)
		lex_error(lex, "cannot be understood");
	rules_merge();
	config_defaults(conf);
	/* What is missing is said once the rest is right. */
	if (lex_errors(lex) == 0)
		config_check(lex, &state, conf);
	c = conf;
	conf = NULL;
	if ((*nerrors = lex_errors(lex)) != 0) {
		conf_free(c);
		c = NULL;
	}
	lex_close(lex);
	lex = NULL;
	return (c);
}

struct conf *
parse_config(const char *path, int verbose, int *nerrors)
{
	struct conf	*c;
	struct lex	*lx;

	*nerrors = 1;
	if ((lx = lex_open(path)) == NULL)
		return (NULL);
	c = parse_lex(lx, path, nerrors);
	if (c != NULL && verbose > 0)
		c->c_verbose = (uint32_t)verbose;
	return (c);
}

struct conf *
parse_config_text(const char *name, const char *text, size_t len,
    int *nerrors)
{
	return (parse_lex(lex_open_text(name, text, len), name, nerrors));
}

int
parse_symset(const char *arg)
{
	const char	*eq = strchr(arg, '=');
	struct symset	*sym;

	if (eq == NULL || eq == arg)
		return (-1);
	if ((sym = calloc(1, sizeof(*sym))) == NULL ||
	    (sym->sy_name = strndup(arg, (size_t)(eq - arg))) == NULL ||
	    (sym->sy_value = strdup(eq + 1)) == NULL)
		fatal("macro %s", arg);
	STAILQ_INSERT_TAIL(&symsets, sym, sy_entry);
	return (0);
}
