/* SPDX-License-Identifier: ISC */
/* Between reload_conf.c and reload_confxml.c only. */
#ifndef RELOAD_CONFXML_H
#define RELOAD_CONFXML_H

#include "reload_conf.h"

/* Fill in d from d->rd_text.  0, or -1 and why. */
int	reload_xml_doc(struct reload_doc *d, const char *overlay, char *why,
	    size_t whysize);
/* A kind-block alone, in d->rd_text; its Kind becomes d->rd_kind[0]. */
int	reload_xml_kind(struct reload_doc *d, char *why, size_t whysize);
/* A registered Kind: model and policy; 0, or -1 when it is not one. */
int	reload_kind_registered(uint32_t id, uint8_t *model, uint8_t *policy);

#endif
