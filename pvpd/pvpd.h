/* SPDX-License-Identifier: ISC */
/* pvpd's parts: TLS and trust, connections, questions to the overlay. */
#ifndef PVPD_H
#define PVPD_H

#include <openssl/ssl.h>

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "chan.h"
#include "vipr.h"

struct conf;
struct ctl_row;

#define PVP_ADDRS_MAX	16		/* of one claimant */
#define PVP_APPLICATION	61461		/* Application-ID, RELOAD AppAttach */

/* tls.c: our certificate, the overlay's roots, what a peer must show. */

/* Make contexts for this configuration, beside the ones in force.  -1: why. */
int		 pvp_tls_prepare(const struct conf *, char *why, size_t);
void		 pvp_tls_commit(void);
void		 pvp_tls_abort(void);
/* IMSG_PVP_ROOTS: replaces the trust in force.  -1 malformed. */
int		 pvp_tls_roots(const struct imsg_pvp_roots *, struct cur *);
/* NULL while there is no certificate or no trust. */
SSL_CTX		*pvp_tls_server(void);
SSL_CTX		*pvp_tls_client(void);
/* The handshake is done: Node-ID of the peer.  -1 and why. */
int		 pvp_tls_peer(SSL *, uint8_t node[NODEID_LEN], const char **why);
int		 pvp_tls_exporter(SSL *, uint8_t out[32]);
/* Why the last peer was refused in the handshake; NULL if nobody was. */
const char	*pvp_tls_refusal(void);

/* conn.c: connections, both directions. */
int		 conn_init(void);
void		 conn_conf(const struct conf *);	/* addresses of ours, what is permitted */
/* An accepted descriptor, taken over. */
void		 conn_accept(int fd);
/* Prove with this node at one of these addresses (at most PVP_ADDRS_MAX). */
void		 conn_connect(uint64_t try, const uint8_t node[NODEID_LEN],
		    const struct vaddr *, size_t n);
/* An attempt that ends before there is a connection. */
void		 conn_never(uint64_t try, enum pvp_end);
/* IMSG_PVP_OUT and IMSG_PVP_FIRST of key; -1 is a violation. */
int		 conn_output(const struct imsg_pvp_body *, struct cur *);
int		 conn_first(struct cur *);
/* key is gone: every connection ends. */
void		 conn_key_lost(void);
void		 conn_show(struct ctl_row *);

/* ask.c: look-ups and addresses, asked of overlayd. */
int		 ask_init(void);
void		 ask_lookup(const struct imsg_pvp_lookup *);
void		 ask_try(const struct imsg_pvp_try *);
int		 ask_lookup_res(const struct imsg_ov_lookup_res *, struct cur *);
int		 ask_appattach_res(const struct imsg_ov_appattach_res *, struct cur *);
void		 ask_overlay_lost(void);
void		 ask_key_lost(void);
void		 ask_show(struct ctl_row *);

#endif
