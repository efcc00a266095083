/* SPDX-License-Identifier: ISC */
/* What the files of sipgw's shell share. */
#ifndef SIP_SHELL_H
#define SIP_SHELL_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "chan.h"
#include "conf.h"
#include "proxy.h"
#include "resolve.h"
#include "rtab.h"
#include "sip_limits.h"
#include "store.h"

struct shell {
	struct store	*sh_store;
	struct rtab	*sh_rtab;
	struct resolver	*sh_resolver;	/* hosts of routes */
	struct resolver	*sh_hop_resolver; /* PBXs and trunks: the operator's own word */
	struct limits	*sh_limits;	/* connections and refusals */
	struct proxy	*sh_proxy;
	struct conf	*sh_conf;	/* in force */
	/* Made by the check, taken over at the commit. */
	SSL_CTX		*sh_next_server, *sh_next_client, *sh_next_inside, *sh_next_hop;
	uint64_t	 sh_legs_sent, sh_legs_stored, sh_legs_refused, sh_legs_failed;
	uint64_t	 sh_legs_waiting;	/* sent, no answer yet */
	uint64_t	 sh_legs_lost;		/* no answer will come */
	int		 sh_key;		/* key is there */
	uint64_t	 sh_tickets_known;	/* checks that needed no answer of key */
};
extern struct shell shell;

/* sip_shell.c */
int		 shell_init(const char *dir);
void		 shell_commit(struct conf *);
void		 shell_enter(void);	/* set the proxy's clocks */
void		 shell_leave(void);	/* set its timer */

/* sip_shell_key.c */
extern const struct imsg_rule shell_rules_key[];
void		 shell_key_peer(struct chan *);
int		 shell_ticket(void *, uint64_t, const char *, const struct names *,
		    const char *);
int		 shell_ticket_known(void *, uint64_t, const char *, const struct names *,
		    const char *, uint32_t *, uint64_t *);
void		 shell_ticket_conf(void);	/* another configuration is in force */
void		 shell_outcome(void *, const char *, const char *, enum route_outcome,
		    enum refusal);
int		 shell_leg(void *, const struct imsg_leg *);

/* media_shell.c */
void		 shell_media_conf(const struct conf *);
int		 shell_media(void *, const uint8_t *, size_t);

/* sip_shell_conf.c */
int		 shell_check(struct conf *, char *why, size_t);
void		 shell_abort(struct conf *);

/* sip_shell_tls.c */
/* Make the TLS contexts of a configuration: shell.sh_next_*.  -1 and why. */
int		 shell_tls_check(const struct conf *, char *why, size_t);
void		 shell_tls_drop(void);

/* sip_shell_hops.c */
void		 shell_hops(void);	/* look the names of PBXs and trunks up */
void		 shell_hops_show(struct chan *, uint32_t id);	/* rows for viprctl */
void		 shell_hops_metrics(struct chan *, uint32_t id);
uint64_t	 shell_hops_down(void);	/* addresses that do not answer */

/* sip_shell_ctl.c */
extern const struct imsg_rule shell_rules_control[];

#endif
