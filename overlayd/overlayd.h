/* SPDX-License-Identifier: ISC */
/* The shell of overlayd: what its files share. */
#ifndef OVERLAYD_H
#define OVERLAYD_H

#include <openssl/ssl.h>

#include <stddef.h>
#include <stdint.h>

#include "chan.h"
#include "conf.h"
#include "node.h"
#include "regist.h"
#include "reload_cert.h"
#include "reload_conf.h"

/* What a configuration brings: made whole before it is put in force. */
struct ovconf {
	struct reload_doc *oc_doc;
	struct reload_doc *oc_file;	/* the file's, when a peer's is in force */
	struct reload_trust *oc_trust;
	struct reload_cache *oc_cache;
	SSL_CTX		*oc_server, *oc_client;
	struct reload_cert oc_cert;
	uint8_t		*oc_der;
	size_t		 oc_derlen;
	struct vaddr	 oc_addr, oc_pvp, oc_from;
};

extern struct node	*node;	/* NULL until the first configuration */
extern struct regist	*regist;
extern struct ovconf	 ovconf;	/* in force */
extern struct conf	*config;

/*
 * Around every entry from the event loop: the clock is handed to the node, and
 * afterwards its next timer is armed.
 */
void		 ov_enter(void);
void		 ov_leave(void);
/* Replace the document and all that is made of it; takes doc over on success. */
int		 ov_document(struct reload_doc *doc, const char **why);

/* Is it one for registrations of numbers, as we need it? */
int		 ov_document_fits(const struct reload_doc *);

/* -- link.c -- */

void		 link_listen(int fd);		/* takes fd over */
void		 link_listen_clear(void);
void		 link_clear(void);
void		 link_send(void *, uint64_t, const void *, size_t);
void		 link_connect(void *, uint64_t, const struct vaddr *);
void		 link_close(void *, uint64_t);
/* For viprctl: counters of a link, 0 or -1. */
struct link_info {
	int		 li_inbound;
	uint32_t	 li_rtt_ms;
	uint64_t	 li_in, li_out;
	struct vaddr	 li_addr;
};
int		 link_info(uint64_t, struct link_info *);
size_t		 link_count(void);
uint64_t	 link_refused(void);
extern struct reload_tls link_tls;

/* -- glue.c -- */

extern const struct node_ops ov_ops;
int		 glue_init(const char *dir);
void		 glue_load(struct node *, struct regist *);
size_t		 glue_cache(struct vaddr *, size_t max);
const uint8_t	*glue_secret(void);
void		 glue_keep(void *, uint64_t, int);
void		 glue_close(void);
int		 glue_key_sign_res(struct chan *, struct chan_msg *, void *);
int		 glue_config_res(struct chan *, struct chan_msg *, void *);
void		 glue_key_lost(void);
int		 glue_store_error(void);
/* Keep doc, which was adopted; file: that of the configuration. */
void		 glue_document_put(const struct reload_doc *file,
		    const struct reload_doc *doc, int64_t now);
/* The newest stored one that leads from the file's, each verified with the one
 * before; the caller's.  NULL: none. */
struct reload_doc *glue_document_newer(const struct reload_doc *file, int64_t now);
void		 glue_document_tell(int64_t now);

/* -- serve.c -- */

int		 serve_lookup(struct chan *, struct chan_msg *, void *);
int		 serve_appattach(struct chan *, struct chan_msg *, void *);
int		 serve_control(struct chan *, struct chan_msg *, void *);

#endif
