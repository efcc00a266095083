/* SPDX-License-Identifier: ISC */
/* The shell of overlayd: what its files share. */
#ifndef OVERLAYD_H
#define OVERLAYD_H

#include <openssl/ssl.h>

#include <stddef.h>
#include <stdint.h>

#include "certstore.h"
#include "chan.h"
#include "conf.h"
#include "glue_store.h"
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
	int		 oc_self_signed;	/* oc_cert is */
	uint8_t		*oc_der;
	size_t		 oc_derlen;
	struct vaddr	 oc_addr, oc_pvp, oc_from;
};

extern struct node	*node;	/* NULL until the first configuration */
extern struct regist	*regist;
extern struct certstore	*certstore;
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
/* A new document is in force: its max-message-size. */
void		 link_document(void);
void		 link_send(void *, uint64_t, const void *, size_t);
void		 link_connect(void *, uint64_t, const struct vaddr *);
void		 link_close(void *, uint64_t);
/* For viprctl: counters of a link, 0 or -1. */
struct link_info {
	int		 li_inbound;
	int		 li_suspect;	/* its acks are overdue */
	uint32_t	 li_rtt_ms;
	uint64_t	 li_in, li_out;
	struct vaddr	 li_addr;
};
int		 link_info(uint64_t, struct link_info *);
size_t		 link_count(void);
/* Would the node at the far end of an open link still be let in?  1; or 0 and
 * *why, static text. */
int		 link_judge(uint64_t, const char **why);
/* Links that came to nothing, or ended by a fault of the peer. */
enum link_fault {
	LINK_NOT_REACHED = 0,	/* by us: connect or handshake */
	LINK_TOO_MANY = 1,	/* of one host, or of all, without a certificate yet */
	LINK_HANDSHAKE = 2,	/* TLS, or the certificate */
	LINK_NOT_WANTED = 3,	/* a member, but the node has no place for it */
	LINK_BAD_FRAME = 4,
	LINK_TOO_LARGE = 5,	/* message above max-message-size */
	LINK_NOT_READING = 6,	/* too much waits to be written */
	LINK_SILENT = 7,	/* no acks */
	LINK_FAULTS = 8
};
struct link_faults {
	uint64_t	 lf_count[LINK_FAULTS];
	uint64_t	 lf_at;		/* UTC ms of the last one; 0: none */
	char		 lf_last[256];	/* who and why */
};
const struct link_faults *link_faults(void);
extern struct reload_tls link_tls;

/* -- glue.c -- */

extern const struct node_ops ov_ops;
void		 glue_close(void);
int		 glue_key_sign_res(struct chan *, struct chan_msg *, void *);
int		 glue_config_res(struct chan *, struct chan_msg *, void *);
void		 glue_key_lost(void);
/* Keep doc, which was adopted; file: that of the configuration. */
void		 glue_document_put(const struct reload_doc *file,
		    const struct reload_doc *doc, int64_t now);
/* The newest stored one that leads from the file's, each verified with the one
 * before; the caller's.  NULL: none. */
struct reload_doc *glue_document_newer(const struct reload_doc *file, int64_t now);
void		 glue_document_tell(int64_t now);

/* -- glue_kind.c -- */

/* Packed kind-blocks of a peer; node_config_done(token) is called. */
void		 glue_config_kinds(uint64_t token, const void *, size_t);
/* Keep the Kinds of the document in force that came alone; take the kept ones
 * into another document, those that it allows. */
void		 glue_kinds_put(const struct reload_doc *);
void		 glue_kinds_get(struct reload_doc *, int64_t now);

/* -- keylog.c -- */

/* IMSG_KEYLOG: where TLS secrets go, in a trial. */
int		 keylog_take(struct chan *, struct chan_msg *, void *);
/* Have those of this context written there, if anywhere. */
void		 keylog_setup(SSL_CTX *);

/* -- serve.c -- */

int		 serve_lookup(struct chan *, struct chan_msg *, void *);
int		 serve_appattach(struct chan *, struct chan_msg *, void *);
int		 serve_control(struct chan *, struct chan_msg *, void *);

#endif
