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
 * core: the configuration as data: defaults, lists, and the questions that
 * several processes ask of it.  conf_wire.c carries it between processes.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "conf.h"

static void	blob_free(struct conf_blob *);
static void	never_defaults(struct conf *);
static void	classes_clear(struct conf *);

/*
 * Numbers that are never looked at, whatever a peer publishes: emergency and
 * short numbers as they are dialled, and prefixes behind which a call costs
 * more than a call.  Adding to the list is cheap: such calls take the trunk.
 */
static const char *const never_shipped[] = {
	/* emergency, police, helplines, operators, directory enquiries */
	"000", "08", "100", "101", "102", "103", "104", "105", "106", "107",
	"108", "110", "111", "112", "113", "114", "115", "116", "117", "118",
	"119", "120", "122", "123", "125", "127", "128", "129", "130", "133",
	"140", "144", "147", "155", "158", "166", "190", "191", "192", "193",
	"194", "195", "196", "197", "198", "199", "211", "311", "411", "511",
	"611", "711", "811", "911", "988", "995", "997", "998", "999",
	"116000", "116006", "116111", "116117", "116123", "1800", "1850",
	/* the same behind a country code */
	"+1211", "+1311", "+1411", "+1511", "+1611", "+1711", "+1811", "+1911",
	"+1988", "+44112", "+44116", "+44118", "+44999", "+49110", "+49112",
	"+49115", "+49116", "+49118", "+33112", "+33118", "+39112", "+39116",
	/* premium rate, shared cost, information and voting numbers */
	"+1900", "+1976", "+212891", "+2786", "+30901", "+30909",
	"+31900", "+31906", "+31909", "+3278", "+32900", "+32901", "+32902",
	"+32903", "+32904", "+32905", "+32906", "+32907", "+32908", "+32909",
	"+3389", "+34803", "+34806", "+34807", "+34905", "+34907", "+351607",
	"+351608", "+35290", "+353151", "+353152", "+353153", "+353154",
	"+353155", "+353156", "+353157", "+353158", "+353159", "+3584000",
	"+358600", "+358700", "+36690", "+36691", "+3706900", "+37190",
	"+372900", "+37490", "+375902", "+377892", "+38090", "+38190",
	"+38560", "+38690", "+39144", "+39166", "+39178", "+39199", "+3989",
	"+40900", "+40903", "+40906", "+41900", "+41901", "+41906", "+42090",
	"+421900", "+43828", "+43900", "+43901", "+43930", "+43931", "+43939",
	"+44871", "+44872", "+44873", "+449", "+4570", "+4590", "+46900",
	"+46939", "+46944", "+4782", "+48300", "+4870", "+49137", "+49180",
	"+49190", "+49900", "+52900", "+55900", "+61190", "+64900", "+7803",
	"+7809", "+81570", "+81990", "+82060", "+84190", "+9057", "+90888",
	"+90898", "+90900", "+91186", "+971900", "+972190",
	/* satellite and international networks, international shared cost and
	 * premium rate */
	"+808", "+870", "+878", "+881", "+882", "+883", "+888", "+979"
};

struct conf *
conf_new(void)
{
	struct conf	*c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (NULL);
	TAILQ_INIT(&c->c_listens);
	TAILQ_INIT(&c->c_hops);
	TAILQ_INIT(&c->c_numbers);
	TAILQ_INIT(&c->c_callers);
	TAILQ_INIT(&c->c_decoys);
	TAILQ_INIT(&c->c_never);
	TAILQ_INIT(&c->c_always);
	TAILQ_INIT(&c->c_logonly);
	TAILQ_INIT(&c->c_pass);
	TAILQ_INIT(&c->c_classes);
	TAILQ_INIT(&c->c_names);
	TAILQ_INIT(&c->c_hosts);
	TAILQ_INIT(&c->c_accept);
	TAILQ_INIT(&c->c_refuse);
	TAILQ_INIT(&c->c_operators);
	TAILQ_INIT(&c->c_resolvers);
	c->c_sip_cert.cb_fd = c->c_sip_key.cb_fd = c->c_sip_ca.cb_fd = -1;
	c->c_inside_cert.cb_fd = c->c_inside_key.cb_fd = -1;
	c->c_inside_ca.cb_fd = -1;
	c->c_ov_config.cb_fd = c->c_node_cert.cb_fd = -1;
	c->c_node_key.cb_fd = c->c_master.cb_fd = -1;

	c->c_generation = 1;
	(void)strlcpy(c->c_data, "/var/vipr", sizeof(c->c_data));
	(void)strlcpy(c->c_control, "/run/vipr.sock", sizeof(c->c_control));
	(void)strlcpy(c->c_facility, "daemon", sizeof(c->c_facility));
	never_defaults(c);

	c->c_limit_hour = 60;
	c->c_limit_live = 4;
	c->c_resample = 50;
	c->c_session = 1800;
	c->c_reprove = 14 * 86400;
	c->c_connect_ms = 2000;
	c->c_answer_ms = 4000;
	c->c_hep_id = 1;

	c->c_store_rate = 50;
	c->c_lifetime = 86400;

	c->c_delay_min = 15 * 60;
	c->c_delay_max = 12 * 3600;
	c->c_try_max = 24 * 3600;
	c->c_responder_min = 10 * 60;
	c->c_min_duration = 60;
	c->c_retain = 26 * 3600;
	c->c_proofs = 2;
	c->c_proofs_callers = 0;
	c->c_proofs_spacing = 3600;
	c->c_tickets_after = 2;
	c->c_ticket_lifetime = 60 * 86400;
	c->c_receipt_lifetime = 30 * 86400;
	c->c_retry_min = 60;
	c->c_retry_max = 45 * 60;
	c->c_busy_moduli = 11;
	c->c_limit_number = 5;
	c->c_limit_peer = 50;
	c->c_limit_failures = 5;
	return (c);
}

static void
never_defaults(struct conf *c)
{
	size_t	 i;

	for (i = 0; i < sizeof(never_shipped) / sizeof(never_shipped[0]); i++)
		(void)conf_add_text(&c->c_never, never_shipped[i], NULL, 1);
}

static void
blob_free(struct conf_blob *b)
{
	if (b->cb_fd != -1)
		(void)close(b->cb_fd);
	b->cb_fd = -1;
	free(b->cb_data);
	b->cb_data = NULL;
	b->cb_len = 0;
}

static void
classes_clear(struct conf *c)
{
	struct conf_class	*cc;
	struct conf_from	*cf;

	while ((cc = TAILQ_FIRST(&c->c_classes)) != NULL) {
		TAILQ_REMOVE(&c->c_classes, cc, cc_entry);
		while ((cf = TAILQ_FIRST(&cc->cc_from)) != NULL) {
			TAILQ_REMOVE(&cc->cc_from, cf, cf_entry);
			free(cf);
		}
		free(cc);
	}
}

void
conf_clear_lists(struct conf *c)
{
	struct conf_ranges	*ranges[] = { &c->c_numbers, &c->c_callers,
				    &c->c_decoys };
	struct conf_texts	*texts[] = { &c->c_never, &c->c_always,
				    &c->c_logonly, &c->c_pass, &c->c_names,
				    &c->c_hosts, &c->c_accept, &c->c_refuse,
				    &c->c_operators, &c->c_resolvers };
	struct conf_listen	*l;
	struct conf_hop		*h;
	struct conf_range	*r;
	struct conf_text	*t;
	size_t			 i;

	classes_clear(c);
	while ((l = TAILQ_FIRST(&c->c_listens)) != NULL) {
		TAILQ_REMOVE(&c->c_listens, l, cl_entry);
		if (l->cl_fd != -1)
			(void)close(l->cl_fd);
		free(l);
	}
	while ((h = TAILQ_FIRST(&c->c_hops)) != NULL) {
		TAILQ_REMOVE(&c->c_hops, h, ch_entry);
		free(h);
	}
	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		while ((r = TAILQ_FIRST(ranges[i])) != NULL) {
			TAILQ_REMOVE(ranges[i], r, cr_entry);
			free(r);
		}
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		while ((t = TAILQ_FIRST(texts[i])) != NULL) {
			TAILQ_REMOVE(texts[i], t, ct_entry);
			free(t);
		}
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	conf_clear_lists(c);
	blob_free(&c->c_sip_cert);
	blob_free(&c->c_sip_key);
	blob_free(&c->c_sip_ca);
	blob_free(&c->c_inside_cert);
	blob_free(&c->c_inside_ca);
	blob_free(&c->c_inside_key);
	blob_free(&c->c_ov_config);
	blob_free(&c->c_node_cert);
	blob_free(&c->c_node_key);
	blob_free(&c->c_master);
	sodium_memzero(c, sizeof(*c));
	free(c);
}

struct conf_range *
conf_add_range(struct conf_ranges *list, const struct e164_range *range,
    uint32_t count)
{
	struct conf_range	*r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (NULL);
	r->cr_range = *range;
	r->cr_count = count;
	TAILQ_INSERT_TAIL(list, r, cr_entry);
	return (r);
}

struct conf_text *
conf_add_text(struct conf_texts *list, const char *text,
    const struct vaddr *addr, uint32_t value)
{
	struct conf_text	*t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return (NULL);
	if (strlcpy(t->ct_text, text, sizeof(t->ct_text)) >=
	    sizeof(t->ct_text)) {
		free(t);
		return (NULL);
	}
	if (addr != NULL)
		t->ct_addr = *addr;
	t->ct_value = value;
	TAILQ_INSERT_TAIL(list, t, ct_entry);
	return (t);
}

struct conf_class *
conf_add_class(struct conf *c, const char *name)
{
	struct conf_class	*cc;

	if ((cc = calloc(1, sizeof(*cc))) == NULL)
		return (NULL);
	TAILQ_INIT(&cc->cc_from);
	if (strlcpy(cc->cc_name, name, sizeof(cc->cc_name)) >=
	    sizeof(cc->cc_name)) {
		free(cc);
		return (NULL);
	}
	cc->cc_direct = 1;
	TAILQ_INSERT_TAIL(&c->c_classes, cc, cc_entry);
	return (cc);
}

struct conf_from *
conf_add_from(struct conf_class *cc, const char *from, const char *to)
{
	struct conf_from	*cf;

	if ((cf = calloc(1, sizeof(*cf))) == NULL)
		return (NULL);
	if (strlcpy(cf->cf_from, from, sizeof(cf->cf_from)) >=
	    sizeof(cf->cf_from) ||
	    strlcpy(cf->cf_to, to, sizeof(cf->cf_to)) >= sizeof(cf->cf_to)) {
		free(cf);
		return (NULL);
	}
	TAILQ_INSERT_TAIL(&cc->cc_from, cf, cf_entry);
	return (cf);
}

int
conf_number_ours(const struct conf *c, const char *number)
{
	const struct conf_range	*r;

	TAILQ_FOREACH(r, &c->c_numbers, cr_entry)
		if (e164_in_range(number, &r->cr_range))
			return (1);
	return (0);
}

int
conf_caller_ours(const struct conf *c, const char *number)
{
	const struct conf_range	*r;

	if (conf_number_ours(c, number))
		return (1);
	TAILQ_FOREACH(r, &c->c_callers, cr_entry)
		if (e164_in_range(number, &r->cr_range))
			return (1);
	return (0);
}

int
conf_class_has(const struct conf_class *cc, const char *number, const char *user)
{
	const struct conf_from	*cf;
	size_t			 n;

	TAILQ_FOREACH(cf, &cc->cc_from, cf_entry) {
		n = strlen(cf->cf_from);
		if (cf->cf_to[0] != '\0') {
			/* As many digits, so order of text is order of numbers. */
			if ((strlen(user) == n &&
			    strspn(user, "0123456789") == n &&
			    strcmp(user, cf->cf_from) >= 0 &&
			    strcmp(user, cf->cf_to) <= 0) ||
			    (cf->cf_from[0] == '+' && strlen(number) == n &&
			    strcmp(number, cf->cf_from) >= 0 &&
			    strcmp(number, cf->cf_to) <= 0))
				return (1);
		} else if (cf->cf_from[0] == '+') {
			if (strncmp(number, cf->cf_from, n) == 0)
				return (1);
		} else if (strcmp(user, cf->cf_from) == 0)
			return (1);
	}
	return (0);
}

int
conf_never(const struct conf *c, const char *number)
{
	return (conf_listed(&c->c_never, number));
}

int
conf_listed(const struct conf_texts *list, const char *number)
{
	const struct conf_text	*t;
	size_t			 n;

	TAILQ_FOREACH(t, list, ct_entry) {
		for (n = 0; t->ct_text[n] != '\0' && t->ct_text[n] == number[n]; n++)
			;
		/* A number as a whole, a prefix with a plus. */
		if (t->ct_text[n] == '\0' && (number[n] == '\0' || t->ct_text[0] == '+'))
			return (1);
	}
	return (0);
}

uint32_t
conf_limit_conns(const struct conf *c)
{
	uint32_t	 n = 50;

	if (c->c_limit_conns != 0)
		return (c->c_limit_conns);
	/* Who wants more calls than that may see as many callers. */
	if (c->c_limit_calls > n)
		n = c->c_limit_calls;
	return (c->c_limit_live > n ? c->c_limit_live : n);
}

int
conf_name_ours(const struct conf *c, const char *host, size_t len)
{
	const struct conf_text	*t;
	struct span		 s;

	s.p = host;
	s.len = len;
	/* A final dot says the same name. */
	if (s.len > 1 && s.p[s.len - 1] == '.')
		s.len--;
	if (s.len == 0)
		return (0);
	if (span_caseeq(s, c->c_domain) || span_caseeq(s, c->c_outside_host))
		return (1);
	TAILQ_FOREACH(t, &c->c_names, ct_entry)
		if (span_caseeq(s, t->ct_text))
			return (1);
	return (0);
}

int
conf_domain_valid(const char *s)
{
	size_t	 i, label = 0, n = strlen(s);
	int	 alpha = 0;

	if (n == 0 || n >= DOMAIN_SIZE)
		return (0);
	for (i = 0; i < n; i++) {
		if (s[i] == '.') {
			if (label == 0 || s[i - 1] == '-')
				return (0);
			label = 0;
			alpha = 0;
			continue;
		}
		if (s[i] == '-') {
			if (label == 0)
				return (0);
		} else if (s[i] >= 'a' && s[i] <= 'z')
			alpha = 1;
		else if (s[i] < '0' || s[i] > '9')
			return (0);
		if (++label > 63)
			return (0);
	}
	return (label != 0 && s[n - 1] != '-' && alpha);
}
