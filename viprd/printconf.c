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
 * Parent: a configuration as text, for viprd -nv.  parse_config reads the text
 * to the same configuration: every setting is written, defaults too.
 */

#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "viprd.h"

static void	 quote(FILE *, const char *, const char *);
static void	 quoted(FILE *, const char *);
static void	 print_time(FILE *, const char *, uint32_t);
static void	 print_ms(FILE *, const char *, uint32_t);
static void	 print_seconds(FILE *, uint32_t);
static void	 print_addr(FILE *, const char *, const struct vaddr *);
static void	 print_listens(FILE *, const struct conf *, int, const char *);
static void	 print_ranges(FILE *, const char *, const struct conf_ranges *);
static void	 print_texts(FILE *, const char *, const struct conf_texts *);
static void	 print_never(FILE *, const struct conf *);
static void	 print_hosts(FILE *, const struct conf *);
static void	 print_rules(FILE *, const char *, const char *, const struct e164_rules *,
		    const struct e164_rules *);
static void	 print_top(FILE *, const struct conf *);
static void	 print_overlay(FILE *, const struct conf *);
static void	 print_pvp(FILE *, const struct conf *);
static void	 print_sip(FILE *, const struct conf *);
static void	 print_media(FILE *, const struct conf *);
static void	 print_sip_rules(FILE *, const struct conf *);
static void	 print_class(FILE *, const struct conf_class *);
static void	 print_hop(FILE *, const struct conf *, const struct conf_hop *);

/* head "text", if there is any text. */
static void
quote(FILE *fp, const char *head, const char *text)
{
	if (text[0] == '\0')
		return;
	fprintf(fp, "%s ", head);
	quoted(fp, text);
	putc('\n', fp);
}

static void
quoted(FILE *fp, const char *text)
{
	putc('"', fp);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', fp);
		putc(*text, fp);
	}
	putc('"', fp);
}

static void
print_seconds(FILE *fp, uint32_t s)
{
	if (s != 0 && s % 86400 == 0)
		fprintf(fp, "%ud", s / 86400);
	else if (s != 0 && s % 3600 == 0)
		fprintf(fp, "%uh", s / 3600);
	else if (s != 0 && s % 60 == 0)
		fprintf(fp, "%um", s / 60);
	else
		fprintf(fp, "%us", s);
}

static void
print_time(FILE *fp, const char *name, uint32_t s)
{
	fprintf(fp, "\t%s ", name);
	print_seconds(fp, s);
	putc('\n', fp);
}

static void
print_ms(FILE *fp, const char *name, uint32_t ms)
{
	if (ms % 1000 == 0)
		print_time(fp, name, ms / 1000);
	else
		fprintf(fp, "\t%s %ums\n", name, ms);
}

static void
print_addr(FILE *fp, const char *head, const struct vaddr *a)
{
	char	 text[VADDR_STRLEN];

	if (a->va_family == 0)
		return;
	fprintf(fp, "%s %s", head, vaddr_host(a, text, sizeof(text)));
	if (a->va_port != 0)
		fprintf(fp, " port %u", a->va_port);
	putc('\n', fp);
}

static void
print_listens(FILE *fp, const struct conf *c, int use, const char *head)
{
	static const char *const	 protos[] = { "", "udp", "tcp", "tls" };
	const struct conf_listen	*l;
	char				 text[VADDR_STRLEN];

	TAILQ_FOREACH(l, &c->c_listens, cl_entry) {
		if (l->cl_use != use)
			continue;
		if (use != LISTEN_SIP) {
			print_addr(fp, head, &l->cl_addr);
			continue;
		}
		fprintf(fp, "\tlisten %s on %s port %u", l->cl_face ==
		    FACE_INSIDE ? "inside" : l->cl_face == FACE_REDIRECT ?
		    "redirect" : "outside",
		    vaddr_host(&l->cl_addr, text, sizeof(text)),
		    l->cl_addr.va_port);
		if (l->cl_face != FACE_OUTSIDE)
			fprintf(fp, " %s", protos[l->cl_proto & 3]);
		putc('\n', fp);
	}
}

static void
print_ranges(FILE *fp, const char *name, const struct conf_ranges *list)
{
	const struct conf_range	*r;

	if (TAILQ_EMPTY(list))
		return;
	fprintf(fp, "%s {\n", name);
	TAILQ_FOREACH(r, list, cr_entry) {
		fprintf(fp, "\t%s", r->cr_range.er_from);
		if (strcmp(r->cr_range.er_from, r->cr_range.er_to) != 0)
			fprintf(fp, " to %s", r->cr_range.er_to);
		putc('\n', fp);
	}
	fprintf(fp, "}\n");
}

static void
print_texts(FILE *fp, const char *name, const struct conf_texts *list)
{
	const struct conf_text	*t;
	const char		*in = *name == '\t' ? "\t" : "";

	if (TAILQ_EMPTY(list))
		return;
	fprintf(fp, "%s {\n", name);
	TAILQ_FOREACH(t, list, ct_entry) {
		fprintf(fp, "%s\t", in);
		quoted(fp, t->ct_text);
		putc('\n', fp);
	}
	fprintf(fp, "%s}\n", in);
}

/* The shipped list stands for itself. */
static void
print_never(FILE *fp, const struct conf *c)
{
	const struct conf_text	*t;
	int			 shipped = 0, own = 0;

	TAILQ_FOREACH(t, &c->c_never, ct_entry) {
		shipped |= t->ct_value == 1;
		own |= t->ct_value != 1;
	}
	if (shipped && !own)
		return;
	fprintf(fp, "never %s{\n", shipped ? "" : "only ");
	TAILQ_FOREACH(t, &c->c_never, ct_entry)
		if (t->ct_value != 1)
			fprintf(fp, "\t%s\n", t->ct_text);
	fprintf(fp, "}\n");
}

static void
print_hosts(FILE *fp, const struct conf *c)
{
	const struct conf_text	*t;
	char			 head[DOMAIN_SIZE + 32];

	TAILQ_FOREACH(t, &c->c_hosts, ct_entry) {
		(void)snprintf(head, sizeof(head), "host \"%s\" address",
		    t->ct_text);
		print_addr(fp, head, &t->ct_addr);
	}
	TAILQ_FOREACH(t, &c->c_resolvers, ct_entry)
		if (t->ct_value == 0)	/* else the system's */
			print_addr(fp, "resolver", &t->ct_addr);
}

/* Rules that differ from those of base. */
static void
print_rules(FILE *fp, const char *before, const char *after,
    const struct e164_rules *r, const struct e164_rules *base)
{
	if (strcmp(r->er_country, base->er_country) != 0)
		fprintf(fp, "%scountry \"%s\"%s", before, r->er_country, after);
	if (strcmp(r->er_national, base->er_national) != 0)
		fprintf(fp, "%snational \"%s\"%s", before, r->er_national,
		    after);
	if (strcmp(r->er_international, base->er_international) != 0)
		fprintf(fp, "%sinternational \"%s\"%s", before,
		    r->er_international, after);
	if (strcmp(r->er_outside, base->er_outside) != 0)
		fprintf(fp, "%soutside-line \"%s\"%s", before, r->er_outside,
		    after);
	if (strcmp(r->er_local, base->er_local) != 0)
		fprintf(fp, "%slocal \"%s%s\"%s", before,
		    r->er_local[0] != '\0' ? "+" : "", r->er_local, after);
}

static void
print_top(FILE *fp, const struct conf *c)
{
	const struct conf_range	*r;
	const struct conf_text	*t;

	quote(fp, "domain", c->c_domain);
	quote(fp, "data", c->c_data);
	quote(fp, "control socket", c->c_control);
	quote(fp, "master key", c->c_master.cb_path);
	fprintf(fp, "log facility %s\n", c->c_facility);
	fprintf(fp, "log calls %s\n", c->c_flags & CONF_LOG_CALLS ? "yes" :
	    "no");
	fprintf(fp, "restart %s\n", c->c_flags & CONF_RESTART_NO ? "no" :
	    "yes");
	if (c->c_flags & CONF_PERMIT_PRIVATE)
		fprintf(fp, "permit private\n");
	if (c->c_clock_offset != 0)
		fprintf(fp, "test clock-offset %lld\n",
		    (long long)c->c_clock_offset);
	if (c->c_boot_offset != 0)
		fprintf(fp, "test boot-offset %us\n", c->c_boot_offset);
	TAILQ_FOREACH(t, &c->c_operators, ct_entry)
		quote(fp, "operator", t->ct_text);
	print_ranges(fp, "numbers", &c->c_numbers);
	print_ranges(fp, "callers", &c->c_callers);
	TAILQ_FOREACH(r, &c->c_decoys, cr_entry)
		fprintf(fp, "decoy %u from %s to %s\n", r->cr_count,
		    r->cr_range.er_from, r->cr_range.er_to);
	print_never(fp, c);
	print_texts(fp, "accept domain", &c->c_accept);
	print_texts(fp, "refuse domain", &c->c_refuse);
	print_hosts(fp, c);
}

static void
print_overlay(FILE *fp, const struct conf *c)
{
	if (!(c->c_flags & CONF_OVERLAY_ON))
		return;
	fprintf(fp, "\noverlay \"%s\" {\n", c->c_overlay);
	quote(fp, "\tconfig", c->c_ov_config.cb_path);
	quote(fp, "\tcertificate", c->c_node_cert.cb_path);
	quote(fp, "\tkey", c->c_node_key.cb_path);
	print_listens(fp, c, LISTEN_OVERLAY, "\tlisten on");
	print_addr(fp, "\tadvertise", &c->c_ov_advertise);
	if (c->c_flags & CONF_OVERLAY_FIRST)
		fprintf(fp, "\tfirst\n");
	if (c->c_flags & CONF_OVERLAY_CLIENT)
		fprintf(fp, "\tclient\n");
	fprintf(fp, "\tstore-rate %u\n", c->c_store_rate);
	print_time(fp, "lifetime", c->c_lifetime);
	fprintf(fp, "}\n");
}

static void
print_pvp(FILE *fp, const struct conf *c)
{
	if (!(c->c_flags & CONF_PVP_ON))
		return;
	fprintf(fp, "\npvp {\n");
	print_listens(fp, c, LISTEN_PVP, "\tlisten on");
	print_addr(fp, "\tadvertise", &c->c_pvp_advertise);
	fprintf(fp, "\tdelay ");
	print_seconds(fp, c->c_delay_min);
	fprintf(fp, " to ");
	print_seconds(fp, c->c_delay_max);
	putc('\n', fp);
	print_time(fp, "within", c->c_try_max);
	print_time(fp, "responder-delay", c->c_responder_min);
	print_time(fp, "min-duration", c->c_min_duration);
	print_time(fp, "retain", c->c_retain);
	fprintf(fp, "\tproofs %u", c->c_proofs);
	if (c->c_proofs_callers != 0)
		fprintf(fp, " from %u callers", c->c_proofs_callers);
	putc('\n', fp);
	print_time(fp, "spacing", c->c_proofs_spacing);
	fprintf(fp, "\ttickets-after %u\n", c->c_tickets_after);
	print_time(fp, "ticket-lifetime", c->c_ticket_lifetime);
	print_time(fp, "receipt-lifetime", c->c_receipt_lifetime);
	fprintf(fp, "\tretry ");
	print_seconds(fp, c->c_retry_min);
	fprintf(fp, " to ");
	print_seconds(fp, c->c_retry_max);
	putc('\n', fp);
	fprintf(fp, "\tbusy %s\n", c->c_busy_moduli == 11 ? "no" : "yes");
	fprintf(fp, "\tlimit number %u\n", c->c_limit_number);
	fprintf(fp, "\tlimit peer %u\n", c->c_limit_peer);
	fprintf(fp, "\tlimit failures %u\n", c->c_limit_failures);
	fprintf(fp, "}\n");
}

static void
print_class(FILE *fp, const struct conf_class *cc)
{
	const struct conf_from	*cf;

	fprintf(fp, "\tclass ");
	quoted(fp, cc->cc_name);
	fprintf(fp, " {\n");
	TAILQ_FOREACH(cf, &cc->cc_from, cf_entry) {
		fprintf(fp, "\t\tfrom \"%s\"", cf->cf_from);
		if (cf->cf_to[0] != '\0')
			fprintf(fp, " to \"%s\"", cf->cf_to);
		putc('\n', fp);
	}
	fprintf(fp, "\t\tdirect %s\n\t}\n", cc->cc_direct ? "yes" : "no");
}

static void
print_media(FILE *fp, const struct conf *c)
{
	char	 text[VADDR_STRLEN];

	fprintf(fp, "\tmedia rtpengine %s port %u",
	    vaddr_host(&c->c_media, text, sizeof(text)), c->c_media.va_port);
	if (c->c_media_inside[0] != '\0')
		fprintf(fp, " inside \"%s\" outside \"%s\"", c->c_media_inside,
		    c->c_media_outside);
	putc('\n', fp);
}

static void
print_sip_rules(FILE *fp, const struct conf *c)
{
	const struct conf_class	*cc;

	print_texts(fp, "\talways trunk", &c->c_always);
	print_texts(fp, "\tlog only", &c->c_logonly);
	TAILQ_FOREACH(cc, &c->c_classes, cc_entry)
		print_class(fp, cc);
	print_texts(fp, "\tpass header", &c->c_pass);
	fprintf(fp, "\tcall-id %s\n", c->c_flags & CONF_CALLID_KEEP ? "keep" :
	    "hide");
	fprintf(fp, "\tdisplay %s\n", c->c_flags & CONF_DISPLAY_NAME ? "name" :
	    "number");
	fprintf(fp, "\tpresent %s\n", c->c_flags & CONF_PRESENT_NATIONAL ?
	    "national" : "e164");
	if (c->c_limit_calls != 0)
		fprintf(fp, "\tlimit %u calls per second\n", c->c_limit_calls);
	if (c->c_limit_total != 0)
		fprintf(fp, "\tlimit %u calls at once\n", c->c_limit_total);
	if (c->c_limit_conns != 0)
		fprintf(fp, "\tlimit %u connections per second\n",
		    c->c_limit_conns);
	if (c->c_limit_requests != 0)
		fprintf(fp, "\tlimit %u requests per second\n",
		    c->c_limit_requests);
}

static void
print_hop(FILE *fp, const struct conf *c, const struct conf_hop *h)
{
	static const char *const	 protos[] = { "", "udp", "tcp", "tls" };
	const char			*p;

	fprintf(fp, "\t%s \"", h->ch_trunk ? "trunk" : "pbx");
	for (p = h->ch_name; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			putc('\\', fp);
		putc(*p, fp);
	}
	fprintf(fp, "\" at \"%s\"", h->ch_host);
	if (h->ch_addr.va_port != 0)
		fprintf(fp, " port %u", h->ch_addr.va_port);
	fprintf(fp, " %s", protos[h->ch_proto & 3]);
	if (h->ch_priority != 0)
		fprintf(fp, " priority %u", h->ch_priority);
	if (h->ch_weight != 0)
		fprintf(fp, " weight %u", h->ch_weight);
	if (h->ch_ping == 0)
		fprintf(fp, " ping no");
	else if (h->ch_ping != CONF_PING)
		fprintf(fp, " ping %us", h->ch_ping);
	print_rules(fp, " ", "", &h->ch_rules, &c->c_rules);
	putc('\n', fp);
}

static void
print_sip(FILE *fp, const struct conf *c)
{
	static const struct e164_rules	 none;
	const struct conf_hop		*h;
	const struct conf_text		*t;

	if (TAILQ_EMPTY(&c->c_hops))
		return;
	fprintf(fp, "\nsip {\n");
	quote(fp, "\tcertificate", c->c_sip_cert.cb_path);
	quote(fp, "\tkey", c->c_sip_key.cb_path);
	quote(fp, "\tca", c->c_sip_ca.cb_path);
	quote(fp, "\tinside certificate", c->c_inside_cert.cb_path);
	quote(fp, "\tinside key", c->c_inside_key.cb_path);
	quote(fp, "\tinside ca", c->c_inside_ca.cb_path);
	print_listens(fp, c, LISTEN_SIP, NULL);
	if (c->c_outside_host[0] != '\0' && c->c_outside_port != 0)
		fprintf(fp, "\thost \"%s\" port %u\n", c->c_outside_host,
		    c->c_outside_port);
	else
		quote(fp, "\thost", c->c_outside_host);
	TAILQ_FOREACH(t, &c->c_names, ct_entry)
		quote(fp, "\tname", t->ct_text);
	print_rules(fp, "\t", "\n", &c->c_rules, &none);
	TAILQ_FOREACH(h, &c->c_hops, ch_entry)
		print_hop(fp, c, h);
	if (c->c_flags & CONF_MEDIA_ENGINE)
		print_media(fp, c);
	else
		fprintf(fp, "\tmedia pass\n");
	if (c->c_flags & CONF_MEDIA_PLAIN)
		fprintf(fp, "\tmedia plain\n");
	fprintf(fp, "\tmode %s\n", c->c_flags & CONF_MODE_LOG ? "log" :
	    "divert");
	if (c->c_flags & CONF_ALLOW_REFER)
		fprintf(fp, "\tallow refer\n");
	fprintf(fp, "\tlimit %u per hour\n", c->c_limit_hour);
	fprintf(fp, "\tlimit %u at once\n", c->c_limit_live);
	print_sip_rules(fp, c);
	fprintf(fp, "\tresample %u\n", c->c_resample);
	print_time(fp, "reprove", c->c_reprove);
	if (c->c_session == 0)
		fprintf(fp, "\tsession-timer no\n");
	else
		print_time(fp, "session-timer", c->c_session);
	print_ms(fp, "connect-timeout", c->c_connect_ms);
	print_ms(fp, "answer-timeout", c->c_answer_ms);
	if (c->c_flags & CONF_HEP) {
		char	 text[VADDR_STRLEN];

		fprintf(fp, "\tcapture hep %s port %u id %u\n",
		    vaddr_host(&c->c_hep_addr, text, sizeof(text)),
		    c->c_hep_addr.va_port, c->c_hep_id);
	}
	fprintf(fp, "}\n");
}

void
print_config(FILE *fp, const struct conf *c)
{
	print_top(fp, c);
	print_overlay(fp, c);
	print_pvp(fp, c);
	print_sip(fp, c);
}
