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
 * What a configuration must have as a whole, and what it may have but should
 * not outside of a laboratory.
 */

#include <sys/types.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_parse.h"
#include "lex.h"
#include "log.h"
#include "viprd.h"

#define CA_BUNDLE	"/etc/ssl/certs/ca-certificates.crt"
#define CA_BUNDLE_BSD	"/etc/ssl/cert.pem"
#define NUMBERS_MAX	1000000		/* published numbers of one box */

static void	 check_overlay(struct lex *, const struct parse_state *, const struct conf *);
static void	 check_pvp(struct lex *, const struct parse_state *, const struct conf *);
static void	 check_sip(struct lex *, const struct parse_state *, const struct conf *);
static void	 check_rules(struct lex *, const char *, const struct e164_rules *, int, const char *);
static void	 check_numbers(struct lex *, const struct conf *);
static void	 check_ranges(struct lex *, const char *, const struct conf_ranges *);
static void	 check_decoys(struct lex *, const struct conf *);
static int	 range_cmp(const void *, const void *);
static const struct conf_listen *listen_find(const struct conf *, int, int);
static void	 check_advertise(struct lex *, const char *, int, const struct conf *, int,
		    const struct vaddr *);
static void	 warning(int *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
static void	 warn_times(const struct conf *, int *);
static void	 warn_sip(const struct conf *, int *);
static int	 inside_listens(const struct conf *, uint8_t, uint8_t);
static void	 check_hops(struct lex *, const char *, int, const struct conf *);

static const struct conf_listen *
listen_find(const struct conf *c, int use, int face)
{
	const struct conf_listen	*l;

	TAILQ_FOREACH(l, &c->c_listens, cl_entry)
		if (l->cl_use == use && (use != LISTEN_SIP ||
		    l->cl_face == face))
			return (l);
	return (NULL);
}

/* What follows from other settings. */
void
config_defaults(struct conf *c)
{
	const struct conf_listen	*l;

	if (c->c_master.cb_path[0] == '\0' &&
	    snprintf(c->c_master.cb_path, sizeof(c->c_master.cb_path),
	    "%s/master.key", c->c_data) >= (int)sizeof(c->c_master.cb_path))
		c->c_master.cb_path[0] = '\0';
	if (c->c_sip_ca.cb_path[0] == '\0')
		(void)strlcpy(c->c_sip_ca.cb_path,
#ifdef __OpenBSD__
		    CA_BUNDLE_BSD,
#else
		    CA_BUNDLE,
#endif
		    sizeof(c->c_sip_ca.cb_path));
	if (c->c_outside_host[0] == '\0')
		memcpy(c->c_outside_host, c->c_domain,
		    sizeof(c->c_outside_host));
	if (c->c_outside_port == 0 &&
	    (l = listen_find(c, LISTEN_SIP, FACE_OUTSIDE)) != NULL)
		c->c_outside_port = l->cl_addr.va_port;
	if (c->c_ov_advertise.va_family != 0 && c->c_ov_advertise.va_port == 0 &&
	    (l = listen_find(c, LISTEN_OVERLAY, 0)) != NULL)
		c->c_ov_advertise.va_port = l->cl_addr.va_port;
	if (c->c_pvp_advertise.va_family != 0 &&
	    c->c_pvp_advertise.va_port == 0 &&
	    (l = listen_find(c, LISTEN_PVP, 0)) != NULL)
		c->c_pvp_advertise.va_port = l->cl_addr.va_port;
}

void
config_check(struct lex *lex, const struct parse_state *ps,
    const struct conf *c)
{
	if (c->c_domain[0] == '\0')
		lex_error_at(lex, NULL, 0, "found no domain, expected: "
		    "domain NAME");
	if (c->c_master.cb_path[0] == '\0')
		lex_error_at(lex, NULL, 0, "data: found a folder name that is "
		    "too long");
	if (ps->ps_line[SECTION_SIP] == 0 && !(c->c_flags & CONF_OVERLAY_ON))
		lex_error_at(lex, NULL, 0, "found neither sip nor overlay, "
		    "expected at least one of the sections");
	check_overlay(lex, ps, c);
	check_pvp(lex, ps, c);
	check_sip(lex, ps, c);
	check_numbers(lex, c);
	if (TAILQ_EMPTY(&c->c_accept) || TAILQ_EMPTY(&c->c_refuse))
		return;
	lex_error_at(lex, NULL, 0, "found accept domain and refuse domain, "
	    "expected one of them: accept refuses all others already");
}

static void
check_advertise(struct lex *lex, const char *file, int line,
    const struct conf *c, int use, const struct vaddr *advertise)
{
	const struct conf_listen	*l = listen_find(c, use, 0);
	const char			*special;

	if (l == NULL) {
		lex_error_at(lex, file, line, "%s: found no listener, expected: "
		    "listen on ADDRESS [port PORT]",
		    use == LISTEN_PVP ? "pvp" : "overlay");
		return;
	}
	if (advertise->va_family == 0)
		advertise = &l->cl_addr;
	if ((special = vaddr_special(advertise)) == NULL)
		return;
	if (strcmp(special, "unspecified") == 0 ||
	    strcmp(special, "multicast") == 0 ||
	    !(c->c_flags & CONF_PERMIT_PRIVATE))
		lex_error_at(lex, file, line, "%s: peers would be told a%s %s "
		    "address, which they refuse; expected: advertise ADDRESS "
		    "[port PORT] with a public one",
		    use == LISTEN_PVP ? "pvp" : "overlay",
		    special[0] == 'u' ? "n" : "", special);
}

static void
check_overlay(struct lex *lex, const struct parse_state *ps,
    const struct conf *c)
{
	const char	*file = ps->ps_file[SECTION_OVERLAY];
	int		 line = ps->ps_line[SECTION_OVERLAY];

	if (!(c->c_flags & CONF_OVERLAY_ON)) {
		if (!TAILQ_EMPTY(&c->c_decoys))
			lex_error_at(lex, NULL, 0, "found decoy, expected an "
			    "overlay section to publish it in");
		return;
	}
	if (c->c_ov_config.cb_path[0] == '\0')
		lex_error_at(lex, file, line, "overlay: found no configuration "
		    "document, expected: config FILE");
	if (c->c_node_cert.cb_path[0] == '\0')
		lex_error_at(lex, file, line, "overlay: found no certificate, "
		    "expected: certificate FILE");
	if (c->c_node_key.cb_path[0] == '\0')
		lex_error_at(lex, file, line, "overlay: found no key, expected: "
		    "key FILE");
	if ((c->c_flags & (CONF_OVERLAY_CLIENT | CONF_OVERLAY_FIRST)) ==
	    (CONF_OVERLAY_CLIENT | CONF_OVERLAY_FIRST))
		lex_error_at(lex, file, line, "overlay: found client and first, "
		    "expected one of them: who begins the overlay is in it");
	check_advertise(lex, file, line, c, LISTEN_OVERLAY,
	    &c->c_ov_advertise);
	if (c->c_lifetime != 0 && c->c_lifetime < 60)
		lex_error_at(lex, file, line, "overlay: lifetime: found %us, "
		    "expected 60s or more", c->c_lifetime);
}

static void
check_pvp(struct lex *lex, const struct parse_state *ps, const struct conf *c)
{
	const char	*file = ps->ps_file[SECTION_PVP];
	int		 line = ps->ps_line[SECTION_PVP];

	if (!(c->c_flags & CONF_PVP_ON))
		return;
	if (!(c->c_flags & CONF_OVERLAY_ON))
		lex_error_at(lex, file, line, "pvp: found no overlay section, "
		    "expected one: proofs run between its nodes");
	check_advertise(lex, file, line, c, LISTEN_PVP, &c->c_pvp_advertise);
	if (c->c_delay_min > c->c_delay_max)
		lex_error_at(lex, file, line, "pvp: delay: found %us to %us, "
		    "expected the shorter time first", c->c_delay_min,
		    c->c_delay_max);
	if (c->c_try_max < c->c_delay_max)
		lex_error_at(lex, file, line, "pvp: within: found %us, expected "
		    "at least the %us of delay", c->c_try_max, c->c_delay_max);
	if (c->c_retain <= c->c_try_max || c->c_retain <= c->c_responder_min)
		lex_error_at(lex, file, line, "pvp: retain: found %us, expected "
		    "more than within (%us) and responder-delay (%us)",
		    c->c_retain, c->c_try_max, c->c_responder_min);
	if (c->c_retry_min > c->c_retry_max)
		lex_error_at(lex, file, line, "pvp: retry: found %us to %us, "
		    "expected the shorter time first", c->c_retry_min,
		    c->c_retry_max);
	if (c->c_proofs_callers > c->c_proofs)
		lex_error_at(lex, file, line, "pvp: proofs: found %u callers, "
		    "expected at most as many as proofs (%u)",
		    c->c_proofs_callers, c->c_proofs);
}

static void
check_rules(struct lex *lex, const char *file, const struct e164_rules *r,
    int line, const char *who)
{
	if (r->er_country[0] == '\0' && r->er_national[0] != '\0')
		lex_error_at(lex, file, line, "%s: found national, expected "
		    "country too", who);
	if (r->er_national[0] != '\0' &&
	    strcmp(r->er_national, r->er_international) == 0)
		lex_error_at(lex, file, line, "%s: found national and "
		    "international \"%s\", expected two prefixes", who,
		    r->er_national);
}

/* Is there an inside listener of that family, and of that transport (0: any)? */
static int
inside_listens(const struct conf *c, uint8_t family, uint8_t proto)
{
	const struct conf_listen	*l;

	TAILQ_FOREACH(l, &c->c_listens, cl_entry)
		if (l->cl_use == LISTEN_SIP && l->cl_face == FACE_INSIDE &&
		    l->cl_addr.va_family == family &&
		    (proto == 0 || l->cl_proto == proto))
			return (1);
	return (0);
}

/* A PBX or trunk is spoken to from an inside listener. */
static void
check_hops(struct lex *lex, const char *file, int line, const struct conf *c)
{
	const struct conf_hop	*h;

	TAILQ_FOREACH(h, &c->c_hops, ch_entry) {
		if (h->ch_addr.va_family == 0 || listen_find(c, LISTEN_SIP,
		    FACE_INSIDE) == NULL || inside_listens(c, h->ch_addr.va_family,
		    h->ch_proto == SIP_UDP ? SIP_UDP : 0))
			continue;
		lex_error_at(lex, file, line, "sip: found %s \"%s\" at %s, expected "
		    "an inside listener for IPv%u%s too",
		    h->ch_trunk ? "trunk" : "pbx", h->ch_name, h->ch_host,
		    h->ch_addr.va_family, h->ch_proto == SIP_UDP ? " and udp" : "");
	}
}

static void
check_sip(struct lex *lex, const struct parse_state *ps, const struct conf *c)
{
	const char		*file = ps->ps_file[SECTION_SIP];
	const struct conf_hop	*h;
	const struct conf_listen *l;
	int			 line = ps->ps_line[SECTION_SIP];
	int			 pbx = 0, inside_tls = 0, hop_tls = 0;

	if (line == 0)
		return;
	TAILQ_FOREACH(h, &c->c_hops, ch_entry) {
		if (!h->ch_trunk)
			pbx = 1;
		hop_tls |= h->ch_proto == SIP_TLS;
		check_rules(lex, file, &h->ch_rules, line, h->ch_name);
	}
	TAILQ_FOREACH(l, &c->c_listens, cl_entry)
		if (l->cl_use == LISTEN_SIP && l->cl_face == FACE_INSIDE &&
		    l->cl_proto == SIP_TLS)
			inside_tls = 1;
	check_rules(lex, file, &c->c_rules, line, "sip");
	if ((c->c_flags & CONF_PRESENT_NATIONAL) && c->c_rules.er_country[0] == '\0')
		lex_error_at(lex, file, line, "sip: found present national, "
		    "expected country DIGITS too");
	if (!pbx)
		lex_error_at(lex, file, line, "sip: found no pbx, expected: pbx "
		    "NAME at HOST [port PORT] udp|tcp|tls");
	if (listen_find(c, LISTEN_SIP, FACE_INSIDE) == NULL)
		lex_error_at(lex, file, line, "sip: found no inside listener, "
		    "expected: listen inside on ADDRESS [port PORT] "
		    "udp|tcp|tls");
	check_hops(lex, file, line, c);
	if ((c->c_flags & CONF_OUTSIDE_ON) &&
	    c->c_sip_cert.cb_path[0] == '\0')
		lex_error_at(lex, file, line, "sip: found an outside listener, "
		    "expected certificate FILE and key FILE too");
	if ((c->c_sip_cert.cb_path[0] == '\0') !=
	    (c->c_sip_key.cb_path[0] == '\0'))
		lex_error_at(lex, file, line, "sip: found only one of "
		    "certificate and key, expected both");
	if ((c->c_inside_cert.cb_path[0] == '\0') !=
	    (c->c_inside_key.cb_path[0] == '\0'))
		lex_error_at(lex, file, line, "sip: found only one of inside "
		    "certificate and inside key, expected both");
	if (inside_tls && c->c_inside_cert.cb_path[0] == '\0')
		lex_error_at(lex, file, line, "sip: found an inside listener "
		    "with tls, expected inside certificate FILE and inside key "
		    "FILE too");
	if (hop_tls && c->c_inside_ca.cb_path[0] == '\0')
		lex_error_at(lex, file, line, "sip: found a pbx or trunk with "
		    "tls, expected inside ca FILE too: the roots by which its "
		    "certificate is judged");
	if ((c->c_flags & CONF_OUTSIDE_ON) && TAILQ_EMPTY(&c->c_numbers))
		lex_error_at(lex, file, line, "sip: found an outside listener, "
		    "expected numbers that may be called there");
}

static int
range_cmp(const void *a, const void *b)
{
	const struct e164_range	*x = a, *y = b;
	size_t			 m = strlen(x->er_from), n = strlen(y->er_from);

	if (m != n)
		return (m < n ? -1 : 1);
	return (strcmp(x->er_from, y->er_from));
}

/* No number twice in a list, and not more than a box can publish. */
static void
check_ranges(struct lex *lex, const char *name, const struct conf_ranges *list)
{
	const struct conf_range	*r;
	struct e164_range	*v;
	uint64_t		 total = 0;
	size_t			 n = 0, i;

	TAILQ_FOREACH(r, list, cr_entry) {
		n++;
		total += e164_range_size(&r->cr_range);
		if (total > NUMBERS_MAX)
			break;
	}
	if (total > NUMBERS_MAX) {
		lex_error_at(lex, NULL, 0, "%s: found more than %d numbers in "
		    "all, expected at most that", name, NUMBERS_MAX);
		return;
	}
	if (n < 2)
		return;
	if ((v = calloc(n, sizeof(*v))) == NULL)
		fatal("configuration");
	i = 0;
	TAILQ_FOREACH(r, list, cr_entry)
		v[i++] = r->cr_range;
	qsort(v, n, sizeof(*v), range_cmp);
	for (i = 1; i < n; i++)
		if (e164_in_range(v[i].er_from, &v[i - 1]))
			lex_error_at(lex, NULL, 0, "%s: found %s twice, "
			    "expected every number once", name, v[i].er_from);
	free(v);
}

static void
check_decoys(struct lex *lex, const struct conf *c)
{
	const struct conf_ranges *lists[] = { &c->c_numbers, &c->c_callers };
	const struct conf_range	*d, *r;
	uint64_t		 total = 0;
	size_t			 i;

	TAILQ_FOREACH(d, &c->c_decoys, cr_entry) {
		total += d->cr_count;
		for (i = 0; i < 2; i++)
			TAILQ_FOREACH(r, lists[i], cr_entry) {
				if (!e164_in_range(r->cr_range.er_from,
				    &d->cr_range) &&
				    !e164_in_range(d->cr_range.er_from,
				    &r->cr_range))
					continue;
				lex_error_at(lex, NULL, 0, "decoy: found %s to "
				    "%s, which holds our own %s, expected "
				    "numbers that nobody has",
				    d->cr_range.er_from, d->cr_range.er_to,
				    e164_in_range(r->cr_range.er_from,
				    &d->cr_range) ? r->cr_range.er_from :
				    d->cr_range.er_from);
			}
	}
	if (total > NUMBERS_MAX)
		lex_error_at(lex, NULL, 0, "decoy: found more than %d decoys "
		    "in all, expected at most that", NUMBERS_MAX);
}

static void
check_numbers(struct lex *lex, const struct conf *c)
{
	const struct conf_range	*r;

	check_ranges(lex, "numbers", &c->c_numbers);
	check_ranges(lex, "callers", &c->c_callers);
	check_decoys(lex, c);
	TAILQ_FOREACH(r, &c->c_numbers, cr_entry)
		if (conf_never(c, r->cr_range.er_from) ||
		    conf_never(c, r->cr_range.er_to))
			lex_error_at(lex, NULL, 0, "numbers: found %s, which "
			    "never covers, expected it in one of them",
			    conf_never(c, r->cr_range.er_from) ?
			    r->cr_range.er_from : r->cr_range.er_to);
}

static void
warning(int *count, const char *fmt, ...)
{
	char	 buf[LOG_LINE_MAX];
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	log_warnx("warning: %s", buf);
	(*count)++;
}

static void
warn_times(const struct conf *c, int *n)
{
	if (c->c_delay_min < 15 * 60 || c->c_delay_max < 6 * 3600)
		warning(n, "pvp: delay %us to %us: whoever sees a proof start "
		    "can guess when the call ended (900s to 43200s hides it)",
		    c->c_delay_min, c->c_delay_max);
	if (c->c_try_max < 12 * 3600)
		warning(n, "pvp: within %us: proofs crowd behind the call and "
		    "tell when it ended (86400s spreads them)", c->c_try_max);
	if (c->c_responder_min < 600)
		warning(n, "pvp: responder-delay %us: a caller's proof can be "
		    "asked for while the call is fresh (600s is safe)",
		    c->c_responder_min);
	if (c->c_min_duration < 60)
		warning(n, "pvp: min-duration %us: short calls are easy to "
		    "guess (60s is safe)", c->c_min_duration);
	if (c->c_proofs_spacing < 3600)
		warning(n, "pvp: spacing %us: proofs of calls close together "
		    "count as one to an attacker (3600s is safe)",
		    c->c_proofs_spacing);
	if (c->c_proofs == 1)
		warning(n, "pvp: proofs 1: one lucky guess makes a false route "
		    "(100000 originator-decoy pairs see about 23 on the first "
		    "day; with 2 proofs 0.002)");
	if (c->c_tickets_after == 1)
		warning(n, "pvp: tickets-after 1: one lucky guess gets a "
		    "ticket for our numbers");
	if (c->c_busy_moduli != 11)
		warning(n, "pvp: busy yes: a peer may ask for wider residues, "
		    "which tell it more of the call's start");
	if (c->c_ticket_lifetime > 400 * 86400U)
		warning(n, "pvp: ticket-lifetime %ud: a number that moved away "
		    "is still let in for as long",
		    c->c_ticket_lifetime / 86400);
}

static void
warn_sip(const struct conf *c, int *n)
{
	const struct conf_text	*t;
	const struct conf_hop	*h;
	int			 shipped = 0, trunk = 0;

	TAILQ_FOREACH(t, &c->c_never, ct_entry)
		shipped |= t->ct_value == 1;
	if (!shipped)
		warning(n, "never only: the shipped list of emergency, short "
		    "and premium numbers is off");
	if (c->c_flags & CONF_MEDIA_PLAIN)
		warning(n, "sip: media plain: direct calls may cross the "
		    "Internet unencrypted");
	if ((c->c_flags & CONF_MEDIA_ENGINE) && vaddr_special(&c->c_media) == NULL)
		warning(n, "sip: media rtpengine: nothing protects what is said "
		    "to it: let it listen on a private or loopback address");
	if (c->c_flags & CONF_DISPLAY_NAME)
		warning(n, "sip: display name: telephones show what callers from "
		    "outside call themselves, which nobody verified");
	if (c->c_boot_offset != 0)
		warning(n, "test boot-offset %us: timers of sipgw run early",
		    c->c_boot_offset);
	if (c->c_flags & CONF_ALLOW_REFER)
		warning(n, "sip: allow refer: a peer may make our telephones "
		    "call elsewhere");
	if (c->c_flags & CONF_MODE_LOG)
		warning(n, "sip: mode log: no call is diverted");
	if (c->c_flags & CONF_HEP)
		warning(n, "sip: capture hep: a copy of every SIP message, with "
		    "numbers, callers and times of calls, leaves this box "
		    "unencrypted");
	if (c->c_resample == 0)
		warning(n, "sip: resample 0: a number that moved is noticed "
		    "only when a direct call is refused");
	TAILQ_FOREACH(h, &c->c_hops, ch_entry) {
		trunk |= h->ch_trunk;
		if (h->ch_proto != SIP_UDP && !inside_listens(c, 4, h->ch_proto) &&
		    !inside_listens(c, 6, h->ch_proto))
			warning(n, "sip: %s \"%s\" on %s, but no inside listener: "
			    "it cannot reach us again when its connection breaks",
			    h->ch_trunk ? "trunk" : "pbx", h->ch_name,
			    h->ch_proto == SIP_TCP ? "tcp" : "tls");
	}
	if (!trunk && !TAILQ_EMPTY(&c->c_hops))
		warning(n, "sip: no trunk: calls without a route fail, and "
		    "none is ever proven");
	if ((c->c_flags & CONF_PVP_ON) && c->c_sip_cert.cb_path[0] == '\0' &&
	    !TAILQ_EMPTY(&c->c_hops))
		warning(n, "sip: no certificate: routes are proven but no "
		    "direct call can be made");
}

int
config_warn(const struct conf *c)
{
	int	 n = 0;

	if (c->c_flags & CONF_PVP_ON)
		warn_times(c, &n);
	warn_sip(c, &n);
	if (c->c_flags & CONF_PERMIT_PRIVATE)
		warning(&n, "permit private: peers and claimants may name "
		    "addresses inside of our own network");
	if (c->c_flags & CONF_LOG_CALLS)
		warning(&n, "log calls yes: the log puts numbers and times "
		    "together");
	if (c->c_flags & CONF_RESTART_NO)
		warning(&n, "restart no: a process that dies stays away");
	if (c->c_clock_offset != 0)
		warning(&n, "test clock-offset %lld: every date is off by as "
		    "many seconds", (long long)c->c_clock_offset);
	if ((c->c_flags & (CONF_OVERLAY_ON | CONF_PVP_ON)) == CONF_OVERLAY_ON)
		warning(&n, "overlay without pvp: numbers are published but "
		    "nothing is proven");
	return (n);
}
