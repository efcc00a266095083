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
 * What the rules of parse.y do with words: numbers, times, addresses, names,
 * each with its bounds and its message.
 */

#include <sys/types.h>

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSLOG_NAMES
#include <syslog.h>

#include "config_parse.h"
#include "lex.h"
#include "log.h"

static int	 time_parse(const char *, uint64_t *);
static void	 time_set(struct lex *, uint32_t *, const char *, uint32_t,
		    uint32_t, uint32_t);
static void	 time_text(uint64_t, char *, size_t);
static int	 range_parse(struct lex *, struct e164_range *, const char *,
		    const char *);
static int	 domain_lower(const char *, char *);

void
set_flag(struct conf *c, uint32_t flag, int on)
{
	if (on)
		c->c_flags |= flag;
	else
		c->c_flags &= ~flag;
}

void
set_number(struct lex *lex, uint32_t *dst, const char *text, uint32_t min,
    uint32_t max)
{
	const char	*why;
	long long	 v;

	v = strtonum(text, (long long)min, (long long)max, &why);
	if (why != NULL)
		lex_error(lex, "found \"%s\", expected a number from %u to %u",
		    text, min, max);
	else
		*dst = (uint32_t)v;
}

/* "90", "90s", "500ms", "15m", "12h", "14d" in milliseconds. */
static int
time_parse(const char *text, uint64_t *ms)
{
	uint64_t	 v = 0, unit;
	size_t		 n;

	for (n = 0; isdigit((unsigned char)text[n]); n++) {
		if (n > 10)
			return (-1);
		v = v * 10 + (uint64_t)(text[n] - '0');
	}
	if (n == 0)
		return (-1);
	text += n;
	if (strcmp(text, "") == 0 || strcmp(text, "s") == 0)
		unit = 1000;
	else if (strcmp(text, "ms") == 0)
		unit = 1;
	else if (strcmp(text, "m") == 0)
		unit = 60 * 1000;
	else if (strcmp(text, "h") == 0)
		unit = 3600 * 1000;
	else if (strcmp(text, "d") == 0)
		unit = 86400 * 1000;
	else
		return (-1);
	*ms = v * unit;		/* < 10^11 * 10^8 */
	return (0);
}

static void
time_text(uint64_t ms, char *buf, size_t size)
{
	unsigned long long v = ms;

	if (v % 86400000 == 0 && v != 0)
		(void)snprintf(buf, size, "%llud", v / 86400000);
	else if (v % 1000 == 0)
		(void)snprintf(buf, size, "%llus", v / 1000);
	else
		(void)snprintf(buf, size, "%llums", v);
}

/* unit: milliseconds in one unit of *dst, min and max. */
static void
time_set(struct lex *lex, uint32_t *dst, const char *text, uint32_t min,
    uint32_t max, uint32_t unit)
{
	char		 lo[32], hi[32];
	uint64_t	 ms;

	if (time_parse(text, &ms) == -1) {
		lex_error(lex, "found \"%s\", expected a time such as 30s, "
		    "15m, 12h, 2d%s", text, unit == 1 ? " or 500ms" : "");
		return;
	}
	if (ms % unit != 0) {
		lex_error(lex, "found \"%s\", expected whole seconds", text);
		return;
	}
	if (ms / unit < min || ms / unit > max) {
		time_text((uint64_t)min * unit, lo, sizeof(lo));
		time_text((uint64_t)max * unit, hi, sizeof(hi));
		lex_error(lex, "found \"%s\", expected a time from %s to %s",
		    text, lo, hi);
		return;
	}
	*dst = (uint32_t)(ms / unit);
}

void
set_time(struct lex *lex, uint32_t *dst, const char *text, uint32_t min,
    uint32_t max)
{
	time_set(lex, dst, text, min, max, 1000);
}

void
set_ms(struct lex *lex, uint32_t *dst, const char *text, uint32_t min,
    uint32_t max)
{
	time_set(lex, dst, text, min, max, 1);
}

void
set_clock(struct lex *lex, struct conf *c, const char *text)
{
	uint64_t	 ms;
	int		 minus = text[0] == '-';

	if (time_parse(text + (minus || text[0] == '+'), &ms) == -1 ||
	    ms % 1000 != 0 || ms / 1000 > (uint64_t)CONF_CLOCK_MAX) {
		lex_error(lex, "found \"%s\", expected whole seconds, at most "
		    "%lld days either way", text, CONF_CLOCK_MAX / 86400);
		return;
	}
	c->c_clock_offset = (int64_t)(ms / 1000);
	if (minus)
		c->c_clock_offset = -c->c_clock_offset;
}

/* Lower case without a final dot.  -1: not a domain name. */
static int
domain_lower(const char *text, char *out)
{
	size_t	 i, n = strlen(text);

	if (n > 1 && text[n - 1] == '.')
		n--;
	if (n >= DOMAIN_SIZE)
		return (-1);
	for (i = 0; i < n; i++)
		out[i] = text[i] >= 'A' && text[i] <= 'Z' ?
		    (char)(text[i] + 32) : text[i];
	out[n] = '\0';
	return (conf_domain_valid(out) ? 0 : -1);
}

void
set_domain(struct lex *lex, char *dst, const char *text, const char *what)
{
	char	 name[DOMAIN_SIZE];

	if (domain_lower(text, name) == -1) {
		lex_error(lex, "%s: found \"%.100s\", expected a domain name of "
		    "letters, digits and hyphens, such as a.example "
		    "(international names as xn-- labels)", what, text);
		return;
	}
	memset(dst, 0, DOMAIN_SIZE);
	memcpy(dst, name, strlen(name));
}

void
set_file(struct lex *lex, char *dst, size_t size, const char *text)
{
	if (text[0] == '\0')
		lex_error(lex, "found \"\", expected a file name");
	else if (lex_path(lex, text, dst, size) == -1) {
		dst[0] = '\0';
		lex_error(lex, "found a file name of %zu bytes, expected at "
		    "most %zu", strlen(text), size - 1);
	}
}

void
set_blob(struct lex *lex, struct conf_blob *b, const char *text)
{
	set_file(lex, b->cb_path, sizeof(b->cb_path), text);
}

void
set_port(struct lex *lex, uint16_t *dst, const char *text)
{
	uint32_t	 v = 0;

	if (text == NULL)
		return;
	set_number(lex, &v, text, 1, 65535);
	if (v != 0)
		*dst = (uint16_t)v;
}

void
set_addr(struct lex *lex, struct vaddr *dst, const char *text,
    const char *port, uint16_t defport)
{
	uint16_t	 p = defport;

	set_port(lex, &p, port);
	if (vaddr_parse(text, p, dst) == -1)
		lex_error(lex, "found \"%.100s\", expected an IPv4 or IPv6 "
		    "address", text);
}

void
set_facility(struct lex *lex, struct conf *c, const char *text)
{
	const CODE	*code;

	for (code = facilitynames; code->c_name != NULL; code++)
		if (strcmp(code->c_name, text) == 0)
			break;
	if (code->c_name == NULL || code->c_val == LOG_KERN ||
	    strlcpy(c->c_facility, text, sizeof(c->c_facility)) >=
	    sizeof(c->c_facility))
		lex_error(lex, "found \"%.100s\", expected a facility of "
		    "syslog(3) such as daemon or local0", text);
}

void
set_rule(struct lex *lex, struct e164_rules *r, unsigned *set, unsigned bit,
    const char *text)
{
	const char	*name, *p = text, *good = "0123456789";
	char		*dst;
	size_t		 size;

	switch (bit) {
	case RULE_COUNTRY:
		name = "country";
		dst = r->er_country;
		size = 4;
		if (*p == '+')
			p++;
		break;
	case RULE_NATIONAL:
		name = "national";
		dst = r->er_national;
		size = sizeof(r->er_national);
		break;
	case RULE_INTERNATIONAL:
		name = "international";
		dst = r->er_international;
		size = sizeof(r->er_international);
		break;
	case RULE_OUTSIDE:
		name = "outside-line";
		dst = r->er_outside;
		size = sizeof(r->er_outside);
		break;
	default:
		name = "local";
		dst = r->er_local;
		size = 15;
		if (*p == '+')
			p++;
		break;
	}
	if (strlen(p) >= size || strspn(p, good) != strlen(p) ||
	    (bit == RULE_COUNTRY && (*p < '1' || *p > '9')) ||
	    (bit == RULE_LOCAL && *p == '0')) {
		lex_error(lex, "%s: found \"%.100s\", expected at most %zu "
		    "digits%s", name, text, size - 1,
		    bit == RULE_COUNTRY || bit == RULE_LOCAL ?
		    ", the first not 0" : "");
		return;
	}
	(void)strlcpy(dst, p, size);
	*set |= bit;
}

/* Copy the rules that own has into r. */
void
rules_default(struct e164_rules *r, const struct e164_rules *own, unsigned set)
{
	if (set & RULE_COUNTRY)
		memcpy(r->er_country, own->er_country, sizeof(r->er_country));
	if (set & RULE_NATIONAL)
		memcpy(r->er_national, own->er_national,
		    sizeof(r->er_national));
	if (set & RULE_INTERNATIONAL)
		memcpy(r->er_international, own->er_international,
		    sizeof(r->er_international));
	if (set & RULE_OUTSIDE)
		memcpy(r->er_outside, own->er_outside, sizeof(r->er_outside));
	if (set & RULE_LOCAL)
		memcpy(r->er_local, own->er_local, sizeof(r->er_local));
}

void
never_clear(struct conf *c)
{
	struct conf_text	*t, *next;

	TAILQ_FOREACH_SAFE(t, &c->c_never, ct_entry, next)
		if (t->ct_value == 1) {
			TAILQ_REMOVE(&c->c_never, t, ct_entry);
			free(t);
		}
}

void
add_listen(struct lex *lex, struct conf *c, int use, int face, int proto,
    const char *addr, const char *port)
{
	static const uint16_t	 ports[] = { 0, 5060, 6085, 6084, 0 };
	struct conf_listen	*l, *o;
	char			 text[VADDR_STRLEN];
	uint16_t		 defport = ports[use];
	int			 errors = lex_errors(lex);

	if (use == LISTEN_SIP && proto == SIP_TLS)
		defport = 5061;
	if (use == LISTEN_SIP && face == FACE_REDIRECT)
		defport = 5070;
	if ((l = calloc(1, sizeof(*l))) == NULL)
		fatal("configuration");
	l->cl_use = (uint8_t)use;
	l->cl_proto = (uint8_t)proto;
	l->cl_face = (uint8_t)face;
	l->cl_fd = -1;
	set_addr(lex, &l->cl_addr, addr, port, defport);
	if (lex_errors(lex) != errors) {
		free(l);
		return;
	}
	TAILQ_FOREACH(o, &c->c_listens, cl_entry)
		if (vaddr_eq(&o->cl_addr, &l->cl_addr) &&
		    (o->cl_proto == SIP_UDP) == (l->cl_proto == SIP_UDP)) {
			lex_error(lex, "found %s a second time, expected one "
			    "listener an address and port",
			    vaddr_str(&l->cl_addr, text, sizeof(text)));
			free(l);
			return;
		}
	TAILQ_INSERT_TAIL(&c->c_listens, l, cl_entry);
}

void
set_capture(struct lex *lex, struct conf *c, const char *addr, const char *port,
    const char *id)
{
	const char	*special;
	int		 errors = lex_errors(lex);

	if (c->c_flags & CONF_HEP) {
		lex_error(lex, "found a second capture, expected one");
		return;
	}
	set_addr(lex, &c->c_hep_addr, addr, port, 0);
	if (id != NULL)
		set_number(lex, &c->c_hep_id, id, 0, UINT32_MAX);
	if (lex_errors(lex) != errors)
		return;
	special = vaddr_special(&c->c_hep_addr);
	if (special != NULL && (strcmp(special, "unspecified") == 0 ||
	    strcmp(special, "multicast") == 0)) {
		lex_error(lex, "found %s, expected the address of a capture "
		    "server", addr);
		return;
	}
	c->c_flags |= CONF_HEP;
}

void
add_host(struct lex *lex, struct conf *c, const char *name, const char *addr,
    const char *port)
{
	char		 domain[DOMAIN_SIZE];
	struct vaddr	 va;
	int		 errors = lex_errors(lex);

	memset(domain, 0, sizeof(domain));
	memset(&va, 0, sizeof(va));
	set_domain(lex, domain, name, "host");
	set_addr(lex, &va, addr, port, 0);
	if (lex_errors(lex) == errors &&
	    conf_add_text(&c->c_hosts, domain, &va, 0) == NULL)
		fatal("configuration");
}

void
add_resolver(struct lex *lex, struct conf *c, const char *addr,
    const char *port)
{
	char		 text[VADDR_STRLEN];
	struct vaddr	 va;
	int		 errors = lex_errors(lex);

	memset(&va, 0, sizeof(va));
	set_addr(lex, &va, addr, port, 53);
	if (lex_errors(lex) != errors)
		return;
	if (conf_add_text(&c->c_resolvers, vaddr_host(&va, text, sizeof(text)),
	    &va, 0) == NULL)
		fatal("configuration");
}

void
add_operator(struct lex *lex, struct conf *c, const char *name)
{
	const struct passwd	*pw;
	const struct conf_text	*t;

	if (strlen(name) >= DOMAIN_SIZE || (pw = getpwnam(name)) == NULL) {
		lex_error(lex, "operator: found \"%.100s\", expected a user of "
		    "this system", name);
		return;
	}
	TAILQ_FOREACH(t, &c->c_operators, ct_entry)
		if (t->ct_value == pw->pw_uid)
			return;
	if (conf_add_text(&c->c_operators, name, NULL, pw->pw_uid) == NULL)
		fatal("configuration");
}

static int
range_parse(struct lex *lex, struct e164_range *r, const char *from,
    const char *to)
{
	const char	*bad;

	memset(r, 0, sizeof(*r));
	if (!e164_valid(from) || !e164_valid(to)) {
		bad = e164_valid(from) ? to : from;
		lex_error(lex, "found \"%.100s\", expected a number: + and 8 to "
		    "15 digits, such as +14085550100", bad);
		return (-1);
	}
	(void)strlcpy(r->er_from, from, sizeof(r->er_from));
	(void)strlcpy(r->er_to, to, sizeof(r->er_to));
	if (e164_range_size(r) == 0) {
		lex_error(lex, "found %s to %s, expected the lower number "
		    "first and as many digits in both", from, to);
		return (-1);
	}
	return (0);
}

void
add_range(struct lex *lex, struct conf_ranges *list, const char *from,
    const char *to)
{
	struct e164_range	 r;

	if (range_parse(lex, &r, from, to) == -1)
		return;
	if (conf_add_range(list, &r, 0) == NULL)
		fatal("configuration");
}

void
add_decoys(struct lex *lex, struct conf *c, const char *count,
    const char *from, const char *to)
{
	struct e164_range	 r;
	uint32_t		 n = 0;

	set_number(lex, &n, count, 1, 100000);
	if (n == 0 || range_parse(lex, &r, from, to) == -1)
		return;
	if (n > e164_range_size(&r)) {
		lex_error(lex, "found %u decoys, expected at most the %llu "
		    "numbers of the range", n,
		    (unsigned long long)e164_range_size(&r));
		return;
	}
	if (conf_add_range(&c->c_decoys, &r, n) == NULL)
		fatal("configuration");
}

void
add_never(struct lex *lex, struct conf *c, const char *text)
{
	const struct conf_text	*t;
	const char		*digits = text + (text[0] == '+');

	if (*digits == '\0' || strlen(digits) > 15 ||
	    strspn(digits, "0123456789") != strlen(digits)) {
		lex_error(lex, "never: found \"%.100s\", expected a prefix such "
		    "as +1900 or digits as they are dialled such as 112", text);
		return;
	}
	TAILQ_FOREACH(t, &c->c_never, ct_entry)
		if (strcmp(t->ct_text, text) == 0)
			return;
	if (conf_add_text(&c->c_never, text, NULL, 0) == NULL)
		fatal("configuration");
}

void
add_domain(struct lex *lex, struct conf_texts *list, const char *text)
{
	const struct conf_text	*t;
	char			 name[DOMAIN_SIZE];
	int			 errors = lex_errors(lex);

	memset(name, 0, sizeof(name));
	set_domain(lex, name, text, "domain");
	if (lex_errors(lex) != errors)
		return;
	TAILQ_FOREACH(t, list, ct_entry)
		if (strcmp(t->ct_text, name) == 0)
			return;
	if (conf_add_text(list, name, NULL, 0) == NULL)
		fatal("configuration");
}

struct conf_hop *
add_hop(struct lex *lex, struct conf *c, int trunk, const char *name,
    const char *host, const char *port, int proto)
{
	const char	*what = trunk ? "trunk" : "pbx";
	struct conf_hop	*h, *o;
	uint16_t	 p = proto == SIP_TLS ? 5061 : 5060;
	int		 errors = lex_errors(lex);

	if ((h = calloc(1, sizeof(*h))) == NULL)
		fatal("configuration");
	h->ch_trunk = (uint8_t)trunk;
	h->ch_proto = (uint8_t)proto;
	if (name[0] == '\0' || strlcpy(h->ch_name, name, sizeof(h->ch_name)) >=
	    sizeof(h->ch_name))
		lex_error(lex, "%s: found \"%.100s\", expected a name of 1 to "
		    "%zu bytes", what, name, sizeof(h->ch_name) - 1);
	set_port(lex, &p, port);
	if (vaddr_parse(host, p, &h->ch_addr) == 0)
		(void)vaddr_host(&h->ch_addr, h->ch_host, sizeof(h->ch_host));
	else if (domain_lower(host, h->ch_host) == -1)
		lex_error(lex, "%s: found \"%.100s\", expected an address or a "
		    "host name", what, host);
	else {
		memset(&h->ch_addr, 0, sizeof(h->ch_addr));
		h->ch_addr.va_port = port != NULL ? p : 0;
	}
	TAILQ_FOREACH(o, &c->c_hops, ch_entry)
		if (strcmp(o->ch_name, h->ch_name) == 0)
			lex_error(lex, "%s: found a second hop \"%s\", expected "
			    "another name", what, name);
	if (lex_errors(lex) != errors) {
		free(h);
		return (NULL);
	}
	TAILQ_INSERT_TAIL(&c->c_hops, h, ch_entry);
	return (h);
}
