/* SPDX-License-Identifier: ISC */
/* Between reload_conf.c, reload_confxml.c, reload_confleaf.c, reload_confval.c. */
#ifndef RELOAD_CONFXML_H
#define RELOAD_CONFXML_H

#include <expat.h>

#include "reload_conf.h"

/* Fill in d from d->rd_text.  0, or -1 and why. */
int	reload_xml_doc(struct reload_doc *d, const char *overlay, char *why,
	    size_t whysize);
/* A kind-block alone, in d->rd_text; its Kind becomes d->rd_kind[0]. */
int	reload_xml_kind(struct reload_doc *d, char *why, size_t whysize);
/* A registered Kind: model and policy; 0, or -1 when it is not one. */
int	reload_kind_registered(uint32_t id, uint8_t *model, uint8_t *policy);

#define DEPTH_MAX	16

enum element {
	EL_NONE, EL_OVERLAY, EL_CONFIGURATION, EL_SIGNATURE, EL_TOPOLOGY,
	EL_NODEID_LENGTH, EL_ROOT, EL_SELF_SIGNED, EL_BOOTSTRAP, EL_TURN,
	EL_CLIENTS, EL_NO_ICE, EL_SHARED_SECRET, EL_MAX_MESSAGE, EL_TTL,
	EL_RELIABILITY, EL_LINK, EL_KIND_SIGNER, EL_CONF_SIGNER, EL_BAD_NODE,
	EL_MANDATORY, EL_REQUIRED_KINDS, EL_UPDATE_INTERVAL, EL_PING_INTERVAL,
	EL_REACTIVE, EL_ENROLL, EL_ENROLL_URL, EL_KIND_BLOCK, EL_KIND, EL_KIND_SIGNATURE, EL_MODEL,
	EL_ACCESS, EL_MAX_COUNT, EL_MAX_SIZE, EL_NODE_MULTIPLE, EL_LIFETIME,
	EL_PER_NODE, EL_QUOTA, EL_MAX
};

struct reload_parse {
	XML_Parser	 ps_xml;
	struct reload_doc *ps_doc;
	const char	*ps_want;	/* instance-name, or NULL */
	uint8_t		 ps_stack[DEPTH_MAX];
	unsigned	 ps_depth;
	unsigned	 ps_skip;	/* depth inside what is not ours */
	unsigned	 ps_elements;
	uint8_t		 ps_seen[EL_MAX];	/* EF_ONCE, this parent */
	int		 ps_block_only;	/* a kind-block is the root */
	int		 ps_found;	/* our configuration was read */
	int		 ps_ours;	/* the last configuration was ours */
	int		 ps_registered;	/* the Kind has a name */
	int		 ps_links, ps_tls;	/* overlay-link-protocol */
	char		*ps_text;
	size_t		 ps_textlen;
	char		*ps_why;
	size_t		 ps_whysize;
	int		 ps_failed;
};

/* The first failure counts: why with its line; the parser stops. */
void	 xml_fail(struct reload_parse *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
/* A requirement that we do not meet, in a document that is well-formed: the
 * first one is kept in rd_unsupported, and parsing goes on. */
void	 xml_unsupported(struct reload_parse *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
/* 0, or -1 after a failure that names what. */
int	 xml_number(struct reload_parse *, const char *what, const char *,
	    uint32_t min, uint32_t max, uint32_t *);
/* The end of an element of text. */
void	 xml_leaf(struct reload_parse *, uint8_t element, char *text);

/* Values, reload_confval.c.  0, or -1 (NULL) when it is none. */
char	*reload_val_trim(char *);	/* white space off, in place */
int	 reload_val_number(const char *, uint32_t min, uint32_t max, uint32_t *);
int	 reload_val_boolean(const char *, uint8_t *);
int	 reload_val_node(const char *, uint8_t *node);
/* Allocated; white space inside is passed over, nothing at all is refused. */
uint8_t	*reload_val_base64(const char *, size_t *len);
/* RFC 3339 in UTC, 2030-01-01T00:00:00Z; a fraction is passed over. */
int	 reload_val_date(const char *, int64_t *);

#endif
