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
 * core: how messages change on their way through the proxy.  Between hops it
 * is a plain record-routing proxy.  Across the border each side sees our own
 * Contact, our own Via and, towards the outside, no name of the inside at all.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy_int.h"

static int	 px_keep_out(const struct sip_hdr *, const void *);
static int	 px_via_list(const struct sip_msg *, const char *, char *, size_t);
static int	 px_seal(struct proxy *, enum seal_use, const char *, const char *,
		    const char *, struct span, char *, size_t);
static int	 px_addr_text(const char *, const char *, const char *, char *, size_t);
static int	 px_max_forwards(const struct sip_msg *);
static int	 px_record_route(struct proxy *, struct branch *, struct sip_edit *);
static int	 px_inside_target(struct proxy *, const struct sip_msg *, const struct vaddr *,
		    uint8_t, char *, size_t);
static int	 edit_strict(struct proxy *, struct sip_edit *);
static int	 write_hop(struct branch *, const struct sip_msg *, struct wbuf *);
static int	 write_direct(struct branch *, const struct sip_msg *, struct wbuf *);
static int	 write_inward(struct branch *, const struct sip_msg *, struct wbuf *);
static int	 edit_across(struct proxy *, struct sip_edit *, const struct sip_msg *,
		    struct dialog *, enum px_side, const struct sip_flow *,
		    const char *, const char *);
static int	 write_across(struct branch *, const struct sip_msg *, struct wbuf *);
static int	 px_record_list(const struct sip_msg *, char *, size_t);
static int	 answer_outward(struct pctx *, struct branch *, const struct sip_msg *,
		    const struct sip_msg *, struct dialog *, int, struct sip_edit *);

/*
 * What border.h lets out, less every line that names a hop of ours: a Server
 * or User-Agent may do so.  What must stand (Content-*, CSeq) has no host.
 */
static int
px_keep_out(const struct sip_hdr *h, const void *arg)
{
	const struct proxy	*px = arg;

	if (!border_keep_out(h, px->px_conf))
		return (0);
	if (h->sh_id == SIP_H_CSEQ || h->sh_id == SIP_H_CONTENT_TYPE)
		return (1);
	return (!px_names_hop(px, h->sh_value));
}

/* received and rport for the topmost Via of what came (RFC 3261 18.2.1, 3581). */
void
px_via_params(const struct sip_flow *fl, const struct sip_via *via, char *out, size_t size)
{
	char	host[VADDR_STRLEN], port[16];

	out[0] = '\0';
	(void)vaddr_host(&fl->fl_peer, host, sizeof(host));
	if (via->sv_has_rport || !span_caseeq(via->sv_host, host)) {
		(void)strlcpy(out, ";received=", size);
		(void)strlcat(out, host, size);
	}
	if (via->sv_has_rport) {
		(void)snprintf(port, sizeof(port), ";rport=%u",
		    (unsigned)fl->fl_peer.va_port);
		(void)strlcat(out, port, size);
	}
}

/* host[:port] of our outside face, as peers reach it. */
int
px_outside_host(struct proxy *px, char *out, size_t size)
{
	const struct conf	*c = px->px_conf;
	const char		*host;
	int			 n;

	host = c->c_outside_host[0] != '\0' ? c->c_outside_host : c->c_domain;
	if (c->c_outside_port == 0)
		return (strlcpy(out, host, size) >= size ? -1 : 0);
	n = snprintf(out, size, "%s:%u", host, (unsigned)c->c_outside_port);
	return (n < 0 || (size_t)n >= size ? -1 : 0);
}

/* `<sip:user@our-inside-address;transport=...params>` */
int
px_local_uri(const struct sip_flow *fl, const char *user, const char *params,
    char *out, size_t size)
{
	char	 addr[VADDR_STRLEN];
	int	 n;

	n = snprintf(out, size, "<sip:%s%s%s%s%s>", user, user[0] != '\0' ? "@" : "",
	    vaddr_str(&fl->fl_local, addr, sizeof(addr)),
	    fl->fl_proto == SIP_TCP ? ";transport=tcp" :
	    fl->fl_proto == SIP_TLS ? ";transport=tls" : "", params);
	return (n < 0 || (size_t)n >= size ? -1 : 0);
}

int
px_via(struct proxy *px, const struct sip_flow *fl, const char *branch, char *out,
    size_t size)
{
	struct wbuf	w;
	char		host[DOMAIN_SIZE + 8];

	if (fl->fl_face == FACE_OUTSIDE) {
		if (px_outside_host(px, host, sizeof(host)) == -1)
			return (-1);
	} else
		(void)vaddr_str(&fl->fl_local, host, sizeof(host));
	wbuf_init(&w, out, size - 1);
	wbuf_str(&w, fl->fl_proto == SIP_UDP ? "SIP/2.0/UDP " :
	    fl->fl_proto == SIP_TCP ? "SIP/2.0/TCP " : "SIP/2.0/TLS ");
	wbuf_str(&w, host);
	wbuf_str(&w, ";branch=");
	wbuf_str(&w, branch);
	wbuf_str(&w, fl->fl_proto == SIP_UDP ? ";rport" : "");
	if (wbuf_ok(&w) == -1)
		return (-1);
	out[w.w_len] = '\0';
	return (0);
}

/* The Vias of a request as one value, params added to the topmost. */
static int
px_via_list(const struct sip_msg *m, const char *params, char *out, size_t size)
{
	struct sip_values	it;
	struct sip_via		via;
	struct span		v, rest, name, val;
	struct wbuf		w;
	size_t			n = 0;
	int			r, ipv6;

	wbuf_init(&w, out, size - 1);
	sip_values_init(&it, m, SIP_H_VIA);
	while ((r = sip_values_next(&it, &v)) == 1) {
		if (n++ > 0) {
			wbuf_str(&w, ", ");
			sip_put_value(&w, v);
			continue;
		}
		if (sip_via_parse(v, &via) == -1)
			return (-1);
		ipv6 = memchr(via.sv_host.p, ':', via.sv_host.len) != NULL;
		wbuf_str(&w, "SIP/2.0/");
		wbuf_span(&w, via.sv_transport);
		wbuf_str(&w, ipv6 ? " [" : " ");
		wbuf_span(&w, via.sv_host);
		wbuf_str(&w, ipv6 ? "]" : "");
		if (via.sv_port != 0)
			wbuf_printf(&w, ":%u", (unsigned)via.sv_port);
		rest = via.sv_params;
		while ((r = sip_param_next(&rest, &name, &val)) == 1) {
			if (span_caseeq(name, "received") || span_caseeq(name, "rport"))
				continue;
			wbuf_u8(&w, ';');
			wbuf_span(&w, name);
			if (val.len == 0)
				continue;
			wbuf_u8(&w, '=');
			wbuf_str(&w, val.p[-1] == '"' ? "\"" : "");
			sip_put_value(&w, val);
			wbuf_str(&w, val.p[-1] == '"' ? "\"" : "");
		}
		wbuf_str(&w, params);
		if (r == -1)
			return (-1);
	}
	if (r == -1 || wbuf_ok(&w) == -1)
		return (-1);
	out[w.w_len] = '\0';
	return (0);
}

static int
px_seal(struct proxy *px, enum seal_use use, const char *grantee, const char *target,
    const char *callid, struct span tag, char *out, size_t size)
{
	struct seal	 se;
	struct span	 id = { callid, strlen(callid) };
	char		 text[SEAL_TEXT_MAX], host[DOMAIN_SIZE + 8];
	int		 n;

	memset(&se, 0, sizeof(se));
	se.se_side = SEAL_TO_INSIDE;
	se.se_use = (uint8_t)use;
	se.se_expiry = px_now_s(px) + SEAL_LIFE_S;
	(void)strlcpy(se.se_grantee, grantee, sizeof(se.se_grantee));
	if (strlcpy(se.se_target, target, sizeof(se.se_target)) >= sizeof(se.se_target))
		return (-1);
	if (seal_make(&px->px_seals, &se, id, tag, text, sizeof(text)) == -1 ||
	    px_outside_host(px, host, sizeof(host)) == -1)
		return (-1);
	n = snprintf(out, size, "<sip:%s@%s;transport=tls%s>", text, host,
	    use == SEAL_ROUTE ? ";lr" : "");
	return (n < 0 || (size_t)n >= size ? -1 : 0);
}

/* `text;tag=...`, tag may be empty. */
static int
px_addr_text(const char *addr, const char *sep, const char *tag, char *out, size_t size)
{
	int	n;

	n = snprintf(out, size, "%s%s%s", addr, tag[0] != '\0' ? sep : "", tag);
	return (n < 0 || (size_t)n >= size ? -1 : 0);
}

static int
px_max_forwards(const struct sip_msg *m)
{
	return (m->sm_max_forwards < 0 ? 70 : m->sm_max_forwards > 0 ?
	    m->sm_max_forwards - 1 : 0);
}

/*
 * What the outside's requests in the dialog lead to inside: "udp
 * 10.0.0.5:5060 sip:100@10.0.0.5".  The address is that of the Contact if it
 * is a literal one, else the hop's own.
 */
static int
px_inside_target(struct proxy *px, const struct sip_msg *m, const struct vaddr *hop,
    uint8_t proto, char *out, size_t size)
{
	struct sip_addr	 ct;
	struct sip_uri	 uri;
	struct span	 tr;
	struct vaddr	 va;
	char		 addr[VADDR_STRLEN], text[URI_MAX];
	int		 n;

	(void)px;
	va = *hop;
	if (sip_addr_get(m, SIP_H_CONTACT, 0, &ct) == 0 && !ct.sa_star &&
	    sip_uri_parse(ct.sa_uri, &uri) == 0 &&
	    (uri.su_scheme == URI_SIP || uri.su_scheme == URI_SIPS) &&
	    span_str(ct.sa_uri, text, sizeof(text)) == 0) {
		if (sip_uri_addr(&uri, &va) == -1)
			va = *hop;
		if (sip_uri_param(&uri, "transport", &tr) == 1)
			proto = span_caseeq(tr, "tcp") ? SIP_TCP :
			    span_caseeq(tr, "tls") ? SIP_TLS : SIP_UDP;
	} else
		(void)snprintf(text, sizeof(text), "sip:%s",
		    vaddr_str(hop, addr, sizeof(addr)));
	n = snprintf(out, size, "%s %s %s", proto == SIP_UDP ? "udp" :
	    proto == SIP_TCP ? "tcp" : "tls", vaddr_str(&va, addr, sizeof(addr)), text);
	return (n < 0 || (size_t)n >= size ? -1 : 0);
}

/* RFC 3261 16.6 item 4, RFC 5658: two entries where the two sides differ. */
static int
px_record_route(struct proxy *px, struct branch *br, struct sip_edit *e)
{
	const struct sip_flow	*in = &br->br_ctx->pc_flow, *out = &br->br_flow;

	if (px_local_uri(in, "", ";lr", px->px_text[0], PX_TEXT) == -1 ||
	    px_local_uri(out, "", ";lr", px->px_text[1], PX_TEXT) == -1)
		return (-1);
	if (strcmp(px->px_text[0], px->px_text[1]) != 0)
		sip_edit_add_top(e, "Record-Route", px->px_text[0]);
	sip_edit_add_top(e, "Record-Route", px->px_text[1]);
	return (0);
}

/* RFC 3261 16.6 item 6: what a strict router behind us wants to see. */
static int
edit_strict(struct proxy *px, struct sip_edit *e)
{
	int	r;

	r = route_strict(e->se_msg, e->se_pop_routes, e->se_uri, px->px_text[6],
	    px->px_text[7]);
	if (r != 1)
		return (r);
	e->se_uri = px->px_text[6];
	sip_edit_drop(e, SIP_H_ROUTE);
	sip_edit_add_top(e, "Route", px->px_text[7]);
	return (0);
}

/* Hop to hop, new or inside a dialog. */
static int
write_hop(struct branch *br, const struct sip_msg *m, struct wbuf *w)
{
	struct pctx	*pc = br->br_ctx;
	struct proxy	*px = pc->pc_px;
	struct sip_edit	 e;
	char		 via[256], params[128];

	sip_edit_init(&e, m);
	if (px_via(px, &br->br_flow, br->br_branch, via, sizeof(via)) == -1)
		return (-1);
	px_via_params(&pc->pc_flow, &m->sm_via, params, sizeof(params));
	e.se_via = via;
	e.se_via_params = params;
	e.se_pop_routes = pc->pc_pop_routes;
	e.se_max_forwards = px_max_forwards(m);
	e.se_uri = pc->pc_target;
	if (br->br_kind == BR_DIALOG_HOP && edit_strict(px, &e) == -1)
		return (-1);
	sip_edit_drop(&e, SIP_H_VIPR_TICKET);
	sip_edit_drop(&e, SIP_H_VIPR_REFUSAL);
	/* The add_top that comes last stands first; ours stands above those
	 * that came, because what came stays in its place below. */
	if (m->sm_to.sa_tag.len == 0 && px_record_route(px, br, &e) == -1)
		return (-1);
	session_request(br, m, &e);
	hop_breadth(m, &e);
	return (sip_edit_write(&e, w));
}

/* A new call from a PBX to the outside. */
static int
write_direct(struct branch *br, const struct sip_msg *m, struct wbuf *w)
{
	struct pctx	*pc = br->br_ctx;
	struct proxy	*px = pc->pc_px;
	struct sip_edit	 e;
	char		 via[DOMAIN_SIZE + 128], target[SEAL_TARGET_MAX];

	if (px_via(px, &br->br_flow, br->br_branch, via, sizeof(via)) == -1 ||
	    px_callid_out(px, m, &pc->pc_flow, pc->pc_callid_out) == -1 ||
	    px_inside_target(px, m, &br->br_addr, br->br_proto, target, sizeof(target)) == -1 ||
	    px_seal(px, SEAL_CONTACT, pc->pc_domain, target, pc->pc_callid_out,
	    m->sm_from.sa_tag, px->px_text[0], PX_TEXT) == -1 ||
	    px_seal(px, SEAL_ROUTE, pc->pc_domain, target, pc->pc_callid_out,
	    m->sm_from.sa_tag, px->px_text[1], PX_TEXT) == -1 ||
	    border_from_out(px->px_conf, &m->sm_from, pc->pc_caller, px->px_text[2],
	    PX_TEXT) == -1)
		return (-1);
	(void)snprintf(px->px_text[3], PX_TEXT, "<sip:%s@%s>", pc->pc_called, pc->pc_domain);
	sip_edit_init(&e, m);
	e.se_uri = pc->pc_uri;
	e.se_via = via;
	e.se_keep = px_keep_out;
	e.se_keep_arg = px;
	e.se_max_forwards = px_max_forwards(m);
	sip_edit_drop(&e, SIP_H_VIA);
	sip_edit_drop(&e, SIP_H_ROUTE);
	sip_edit_drop(&e, SIP_H_RECORD_ROUTE);
	sip_edit_drop(&e, SIP_H_VIPR_REFUSAL);
	sip_edit_add_top(&e, "Record-Route", px->px_text[1]);
	sip_edit_set(&e, SIP_H_FROM, px->px_text[2]);
	sip_edit_set(&e, SIP_H_TO, px->px_text[3]);
	sip_edit_set(&e, SIP_H_CALL_ID, pc->pc_callid_out);
	sip_edit_set(&e, SIP_H_CONTACT, px->px_text[0]);
	sip_edit_drop(&e, SIP_H_VIPR_TICKET);
	sip_edit_add(&e, "ViPR-Ticket", pc->pc_ticket);
	media_edit(pc, &e);
	session_request(br, m, &e);
	return (sip_edit_write(&e, w));
}

/* A new call from outside to a PBX. */
static int
write_inward(struct branch *br, const struct sip_msg *m, struct wbuf *w)
{
	struct pctx	*pc = br->br_ctx;
	struct proxy	*px = pc->pc_px;
	struct sip_edit	 e;
	char		 via[256], params[128], uri[128], addr[VADDR_STRLEN], user[32];
	char		 number[E164_SIZE], shown[BORDER_PRESENT_SIZE];
	int		 tied;

	if (px_via(px, &br->br_flow, br->br_branch, via, sizeof(via)) == -1 ||
	    border_from_in(px->px_conf, &m->sm_from, px->px_text[0], PX_TEXT) == -1 ||
	    border_from_in(px->px_conf, &m->sm_to, px->px_text[1], PX_TEXT) == -1)
		return (-1);
	(void)snprintf(user, sizeof(user), "vipr-%016llx", (unsigned long long)pc->pc_id);
	if (px_local_uri(&br->br_flow, user, "", px->px_text[2], PX_TEXT) == -1)
		return (-1);
	border_present(px->px_conf, &px->px_conf->c_rules, pc->pc_called, shown);
	(void)snprintf(uri, sizeof(uri), "sip:%s@%s", shown,
	    vaddr_str(&br->br_addr, addr, sizeof(addr)));
	px_via_params(&pc->pc_flow, &m->sm_via, params, sizeof(params));
	sip_edit_init(&e, m);
	e.se_uri = uri;
	e.se_via = via;
	e.se_via_params = params;
	e.se_keep = border_keep_in;
	e.se_keep_arg = px->px_conf;
	e.se_max_forwards = px_max_forwards(m);
	sip_edit_drop(&e, SIP_H_ROUTE);
	sip_edit_drop(&e, SIP_H_RECORD_ROUTE);
	sip_edit_drop(&e, SIP_H_VIPR_TICKET);
	sip_edit_drop(&e, SIP_H_VIPR_REFUSAL);
	sip_edit_set(&e, SIP_H_FROM, px->px_text[0]);
	sip_edit_set(&e, SIP_H_TO, px->px_text[1]);
	sip_edit_set(&e, SIP_H_CONTACT, px->px_text[2]);
	media_edit(pc, &e);
	tied = px->px_rtab != NULL && border_from_number(&m->sm_from, number) == 0 &&
	    rtab_ties(px->px_rtab, number, pc->pc_domain);
	if (border_identity_in(px->px_conf, &m->sm_from, pc->pc_domain, tied, px->px_text[3],
	    PX_TEXT) == 1) {
		px->px_stats.ps_verified++;
		sip_edit_drop(&e, SIP_H_P_ASSERTED_IDENTITY);
		sip_edit_add(&e, "P-Asserted-Identity", px->px_text[3]);
	}
	session_request(br, m, &e);
	return (sip_edit_write(&e, w));
}

/*
 * The parts that a request inside a border dialog changes, towards side `to`.
 * uri and routes: as the dialog or the seal says.  dl is NULL when only the
 * seal is left (after a restart): then only inwards.
 */
static int
edit_across(struct proxy *px, struct sip_edit *e, const struct sip_msg *m,
    struct dialog *dl, enum px_side to, const struct sip_flow *out,
    const char *uri, const char *routes)
{
	enum px_side	 from = to == SIDE_IN ? SIDE_OUT : SIDE_IN;
	struct party	*py;
	struct span	 ctag;
	char		 target[SEAL_TARGET_MAX], user[32];

	e->se_uri = uri;
	e->se_max_forwards = px_max_forwards(m);
	e->se_keep_arg = px->px_conf;
	sip_edit_drop(e, SIP_H_ROUTE);
	sip_edit_drop(e, SIP_H_RECORD_ROUTE);
	sip_edit_drop(e, SIP_H_VIPR_TICKET);
	sip_edit_drop(e, SIP_H_VIPR_REFUSAL);
	if (routes != NULL)
		sip_edit_add_top(e, "Route", routes);
	if (to == SIDE_IN) {
		e->se_keep = border_keep_in;
		(void)snprintf(user, sizeof(user), "vipr-%016llx",
		    (unsigned long long)(dl != NULL ? dl->dl_id : 0));
		if (px_local_uri(out, user, "", px->px_text[2], PX_TEXT) == -1)
			return (-1);
	} else {
		e->se_keep = px_keep_out;
		e->se_keep_arg = px;
		py = &dl->dl_party[SIDE_IN];
		ctag.p = dl->dl_party[dl->dl_creator].py_tag;
		ctag.len = strlen(ctag.p);
		/* ACK and BYE show none. */
		if (sip_hdr_has(m, SIP_H_CONTACT) &&
		    (px_inside_target(px, m, &py->py_addr, py->py_proto, target,
		    sizeof(target)) == -1 ||
		    px_seal(px, SEAL_CONTACT, dl->dl_grantee, target, dl->dl_callid_out,
		    ctag, px->px_text[2], PX_TEXT) == -1))
			return (-1);
	}
	if (sip_hdr_has(m, SIP_H_CONTACT))
		sip_edit_set(e, SIP_H_CONTACT, px->px_text[2]);
	if (dl == NULL) {
		if (px_callid_in(px, m->sm_call_id, px->px_text[3]) == -1 ||
		    border_from_in(px->px_conf, &m->sm_from, px->px_text[4], PX_TEXT) == -1 ||
		    border_from_in(px->px_conf, &m->sm_to, px->px_text[5], PX_TEXT) == -1)
			return (-1);
	} else {
		py = &dl->dl_party[to];
		if (px_addr_text(py->py_peer, ";tag=", dl->dl_party[from].py_tag,
		    px->px_text[4], PX_TEXT) == -1 ||
		    px_addr_text(py->py_uri, ";tag=", py->py_tag, px->px_text[5],
		    PX_TEXT) == -1)
			return (-1);
		(void)strlcpy(px->px_text[3], to == SIDE_IN ? dl->dl_callid :
		    dl->dl_callid_out, PX_TEXT);
	}
	sip_edit_set(e, SIP_H_CALL_ID, px->px_text[3]);
	sip_edit_set(e, SIP_H_FROM, px->px_text[4]);
	sip_edit_set(e, SIP_H_TO, px->px_text[5]);
	return (0);
}

static int
write_across(struct branch *br, const struct sip_msg *m, struct wbuf *w)
{
	struct pctx	*pc = br->br_ctx;
	struct proxy	*px = pc->pc_px;
	struct dialog	*dl = NULL;
	struct sip_edit	 e;
	enum px_side	 to = br->br_kind == BR_DIALOG_IN ? SIDE_IN : SIDE_OUT;
	char		 via[DOMAIN_SIZE + 128], params[128];

	if (pc->pc_dialog != 0)
		dl = dialog_get(px, pc->pc_dialog);
	if ((dl == NULL && to == SIDE_OUT) ||
	    px_via(px, &br->br_flow, br->br_branch, via, sizeof(via)) == -1)
		return (-1);
	sip_edit_init(&e, m);
	e.se_via = via;
	if (to == SIDE_OUT)
		sip_edit_drop(&e, SIP_H_VIA);
	else {
		px_via_params(&pc->pc_flow, &m->sm_via, params, sizeof(params));
		e.se_via_params = params;
	}
	if (edit_across(px, &e, m, dl, to, &br->br_flow, pc->pc_target, pc->pc_routes) == -1)
		return (-1);
	session_request(br, m, &e);
	return (sip_edit_write(&e, w));
}

int
px_write_request(struct branch *br, struct wbuf *w)
{
	const struct sip_msg	*m;

	br->br_ctx->pc_px->px_textdirty = 1;
	if ((m = pctx_msg(br->br_ctx)) == NULL)
		return (-1);
	switch (br->br_kind) {
	case BR_HOP:
	case BR_DIALOG_HOP:
		return (write_hop(br, m, w));
	case BR_DIRECT:
		return (write_direct(br, m, w));
	case BR_INWARD:
		return (write_inward(br, m, w));
	case BR_DIALOG_OUT:
	case BR_DIALOG_IN:
		return (write_across(br, m, w));
	}
	return (-1);
}

int
px_write_ack(struct proxy *px, const struct sip_msg *m, struct dialog *dl,
    enum br_kind kind, const struct sip_flow *out, const char *uri,
    const char *routes, struct wbuf *w)
{
	struct sip_edit	 e;
	char		 via[DOMAIN_SIZE + 128], branch[PX_BRANCH], rnd[17];

	px->px_textdirty = 1;
	px_hex(px, rnd, 8);
	(void)snprintf(branch, sizeof(branch), "z9hG4bK0000000000000000%s", rnd);
	if (px_via(px, out, branch, via, sizeof(via)) == -1)
		return (-1);
	sip_edit_init(&e, m);
	e.se_via = via;
	if (kind == BR_DIALOG_HOP) {
		e.se_uri = uri;
		e.se_pop_routes = px_own_routes(px, m);
		e.se_max_forwards = px_max_forwards(m);
		sip_edit_drop(&e, SIP_H_VIPR_TICKET);
		sip_edit_drop(&e, SIP_H_VIPR_REFUSAL);
		if (edit_strict(px, &e) == -1)
			return (-1);
		return (sip_edit_write(&e, w));
	}
	if (kind == BR_DIALOG_OUT)
		sip_edit_drop(&e, SIP_H_VIA);
	if (edit_across(px, &e, m, dl, kind == BR_DIALOG_IN ? SIDE_IN : SIDE_OUT, out,
	    uri, routes) == -1)
		return (-1);
	return (sip_edit_write(&e, w));
}

/* The caller's own Record-Routes as one value, "" for none (RFC 3261 12.1.1). */
static int
px_record_list(const struct sip_msg *req, char *out, size_t size)
{
	struct sip_values	it;
	struct span		v;
	struct wbuf		w;
	int			r;

	wbuf_init(&w, out, size - 1);
	sip_values_init(&it, req, SIP_H_RECORD_ROUTE);
	while ((r = sip_values_next(&it, &v)) == 1) {
		if (w.w_len > 0)
			wbuf_str(&w, ", ");
		sip_put_value(&w, v);
	}
	if (r == -1 || wbuf_ok(&w) == -1)
		return (-1);
	out[w.w_len] = '\0';
	return (0);
}

/* Contact, and Record-Route of a new dialog, of an answer to the outside. */
static int
answer_outward(struct pctx *pc, struct branch *br, const struct sip_msg *m,
    const struct sip_msg *req, struct dialog *dl, int status, struct sip_edit *e)
{
	struct proxy	*px = pc->pc_px;
	struct span	 tag = req->sm_from.sa_tag;
	char		 target[SEAL_TARGET_MAX];

	e->se_keep = px_keep_out;
	e->se_keep_arg = px;
	e->se_reason = sip_reason(status);
	if (dl != NULL)
		tag.p = dl->dl_party[dl->dl_creator].py_tag;
	else if (pc->pc_ctag[0] != '\0')
		tag.p = pc->pc_ctag;
	if (tag.p != req->sm_from.sa_tag.p)
		tag.len = strlen(tag.p);
	if (status >= 300)
		return (0);
	if (pc->pc_dialog != 0 && !sip_hdr_has(m, SIP_H_CONTACT))
		return (0);
	if (px_inside_target(px, m, &br->br_addr, br->br_proto, target,
	    sizeof(target)) == -1 ||
	    (sip_hdr_has(m, SIP_H_CONTACT) &&
	    px_seal(px, SEAL_CONTACT, pc->pc_domain, target, px->px_text[6], tag,
	    px->px_text[4], PX_TEXT) == -1))
		return (-1);
	if (pc->pc_dialog != 0)
		return (0);
	if (px_seal(px, SEAL_ROUTE, pc->pc_domain, target, px->px_text[6], tag,
	    px->px_text[5], PX_TEXT) == -1)
		return (-1);
	sip_edit_add_top(e, "Record-Route", px->px_text[5]);
	return (0);
}

/*
 * An answer, for the caller.  Between hops our Via goes and that is all.  Across
 * the border Via, From, To, Call-ID come from the request, the To tag from the
 * answer; Contact is ours.
 */
int
px_write_response(struct pctx *pc, struct branch *br, const struct sip_msg *m,
    int status, struct dialog *dl, struct wbuf *w)
{
	struct proxy		*px = pc->pc_px;
	const struct sip_msg	*req;
	struct sip_edit		 e;
	char			 params[128], user[32], totag[PX_TAG];

	px->px_textdirty = 1;
	sip_edit_init(&e, m);
	if (status != m->sm_status)
		e.se_status = status;
	sip_edit_drop(&e, SIP_H_VIPR_REFUSAL);
	sip_edit_drop(&e, SIP_H_VIPR_TICKET);
	if (br->br_kind == BR_HOP || br->br_kind == BR_DIALOG_HOP) {
		e.se_pop_vias = 1;
		session_answer(br, m, status, &e);
		return (sip_edit_write(&e, w));
	}
	if ((req = pctx_msg(pc)) == NULL)
		return (-1);
	px_via_params(&pc->pc_flow, &req->sm_via, params, sizeof(params));
	if (px_via_list(req, params, px->px_text[0], PX_TEXT) == -1 ||
	    span_str(req->sm_call_id, px->px_text[6], PX_CALLID) == -1 ||
	    span_str(m->sm_to.sa_tag, totag, sizeof(totag)) == -1 ||
	    sip_unfold(sip_hdr_first(req, SIP_H_FROM)->sh_value, px->px_text[1],
	    PX_TEXT) == -1 ||
	    sip_unfold(sip_hdr_first(req, SIP_H_TO)->sh_value, px->px_text[2],
	    PX_TEXT) == -1)
		return (-1);
	if (req->sm_to.sa_tag.len == 0 && totag[0] != '\0') {
		(void)strlcat(px->px_text[2], ";tag=", PX_TEXT);
		if (strlcat(px->px_text[2], totag, PX_TEXT) >= PX_TEXT)
			return (-1);
	}
	e.se_via = px->px_text[0];
	sip_edit_drop(&e, SIP_H_VIA);
	sip_edit_drop(&e, SIP_H_ROUTE);
	sip_edit_drop(&e, SIP_H_RECORD_ROUTE);
	sip_edit_drop(&e, SIP_H_CONTACT);
	sip_edit_set(&e, SIP_H_FROM, px->px_text[1]);
	sip_edit_set(&e, SIP_H_TO, px->px_text[2]);
	sip_edit_set(&e, SIP_H_CALL_ID, px->px_text[6]);
	if (pc->pc_dialog == 0 && sip_hdr_has(req, SIP_H_RECORD_ROUTE)) {
		if (px_record_list(req, px->px_text[3], PX_TEXT) == -1)
			return (-1);
		sip_edit_add_top(&e, "Record-Route", px->px_text[3]);
	}
	if (pc->pc_side == SIDE_IN) {
		e.se_keep = border_keep_in;
		e.se_keep_arg = px->px_conf;
		(void)snprintf(user, sizeof(user), "vipr-%016llx",
		    (unsigned long long)(dl != NULL ? dl->dl_id : 0));
		if (px_local_uri(&pc->pc_flow, user, "", px->px_text[4], PX_TEXT) == -1)
			return (-1);
	} else if (answer_outward(pc, br, m, req, dl, status, &e) == -1)
		return (-1);
	if (status < 300 && status > 100 && sip_hdr_has(m, SIP_H_CONTACT))
		sip_edit_add(&e, "Contact", px->px_text[4]);
	session_answer(br, m, status, &e);
	return (sip_edit_write(&e, w));
}
