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
 * core: links whose far end has a certificate with several Node-IDs.  Which of
 * them to put into a via list is not known until an Attach, signed as one of
 * them, has come over the link; before that a Ping is answered and everything
 * else refused (RFC 6940, 6.2).
 */

#include <stdlib.h>
#include <string.h>

#include "node.h"

static int	 several_names(const struct node_link *, const struct nodeid *);
static int	 several_for_us(const struct node *, const struct wire_header *);
static void	 several_request(struct node *, struct node_link *, const struct wire_msg *,
		    const struct node_signer *);

static int
several_names(const struct node_link *nl, const struct nodeid *id)
{
	size_t		 i;

	for (i = 0; i < nl->nl_nids; i++) {
		if (nodeid_eq(&nl->nl_ids[i], id))
			return (1);
	}
	return (0);
}

/* The wildcard is how the far end learns who we are. */
static int
several_for_us(const struct node *n, const struct wire_header *wh)
{
	struct wire_dest wd;
	struct nodeid	 id;
	struct cur	 c = wh->wh_dest;

	if (wire_dest_next(&c, &wd) != 1 || wd.wd_type != WIRE_DEST_NODE)
		return (0);
	memcpy(id.id_b, wd.wd_id.p, NODEID_LEN);
	return (nodeid_is_wildcard(&id) || (nodeid_eq(&id, &n->n_self) && cur_left(&c) == 0));
}

static void
several_request(struct node *n, struct node_link *nl, const struct wire_msg *wm,
    const struct node_signer *ng)
{
	struct node_in	 in;
	struct cur	 c = wm->wm_header.wh_dest;

	memset(&in, 0, sizeof(in));
	in.ni_msg = wm;
	in.ni_from = ng->ng_node;
	in.ni_link = nl->nl_id;
	in.ni_signer = *ng;
	(void)wire_dest_next(&c, &in.ni_dest);
	if (node_return_make(n, &wm->wm_header, wm->wm_contents.wc_code, &ng->ng_node,
	    &in.ni_ret) == -1)
		return;
	/* No table leads to that Node-ID: back over the link. */
	in.ni_ret.nx_link = nl->nl_id;
	if (wm->wm_contents.wc_code == WIRE_PING && several_for_us(n, &wm->wm_header))
		ping_in(n, &in);
	else
		node_error(n, &in, WIRE_E_FORBIDDEN,
		    "several Node-IDs in the certificate, and no Attach yet");
	node_return_free(&in.ni_ret);
}

int
several_input(struct node *n, struct node_link *nl, const void *msg, size_t len)
{
	struct wire_msg	 wm;
	struct wire_error we;
	struct node_signer ng;
	struct vaddr	 va = nl->nl_addr;
	uint64_t	 link = nl->nl_id;
	uint16_t	 code;

	if (wire_msg_parse(msg, len, &wm, &we) == -1) {
		n->n_stats.ns_dropped++;
		return (we.we_reason == WIRE_TOKEN_BAD ? -1 : 0);
	}
	code = wm.wm_contents.wc_code;
	if (wm.wm_header.wh_overlay != n->n_doc->rd_hash || code == WIRE_ERROR ||
	    (code & 1) == 0 ||
	    /* Whichever of its Node-IDs it is, the first stands for the hop. */
	    limit_muted(n, wm.wm_sec.rb_sig.rs_id.ri_value, &nl->nl_ids[0], code) ||
	    route_verify(n, &wm, &ng) == -1)
		return (0);
	if (!several_names(nl, &ng.ng_node)) {
		n->n_stats.ns_dropped++;
		return (0);
	}
	if (code != WIRE_ATTACH) {
		if (limit_allow(n, &ng, &nl->nl_ids[0], code))
			several_request(n, nl, &wm, &ng);
		return (0);
	}
	if (node_link_up(n, link, &ng.ng_node, &va, nl->nl_inbound) == -1)
		return (-1);
	return (node_input(n, link, msg, len));
}
