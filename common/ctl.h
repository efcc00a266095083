/* SPDX-License-Identifier: ISC */
/*
 * Rows of the control protocol.  A daemon answers a request with rows, each a
 * kind ("route", "call", ...) and named fields; viprctl prints them as a table
 * or as JSON, in the order in which they came.  Field names are stable.
 *
 * Wire: lv1(kind), then fields: lv1(name), u8 type, value:
 *   's' lv2(UTF-8 text), 'u' u64, 'i' i64 as u64, 'b' u8, 'n' nothing,
 *   't' u64 UTC seconds, 'l' u8 count, count x lv2(text)
 */
#ifndef CTL_H
#define CTL_H

#include <stddef.h>
#include <stdint.h>

#include "chan.h"
#include "vipr.h"

#define CTL_ROW_MAX	16000
#define CTL_ARGS_MAX	8
#define CTL_ERROR_MAX	512	/* error text of an END, with NUL */

struct ctl_row {
	struct wbuf	cr_w;
	uint8_t		cr_buf[CTL_ROW_MAX];
};

void	ctl_row(struct ctl_row *, const char *kind);
void	ctl_str(struct ctl_row *, const char *name, const char *);	/* NULL: null */
void	ctl_uint(struct ctl_row *, const char *name, uint64_t);
void	ctl_int(struct ctl_row *, const char *name, int64_t);
void	ctl_bool(struct ctl_row *, const char *name, int);
void	ctl_time(struct ctl_row *, const char *name, uint64_t utc_s);	/* 0: null */
void	ctl_null(struct ctl_row *, const char *name);
void	ctl_list(struct ctl_row *, const char *name, const char *const *, size_t n);
void	ctl_hex(struct ctl_row *, const char *name, const void *, size_t);

/* Send the row, or the end (error NULL or "": success), on the control channel. */
int	ctl_send_row(struct chan *, uint32_t id, const struct ctl_row *);
int	ctl_send_end(struct chan *, uint32_t id, const char *error);

/* A request as a daemon sees it. */
struct ctl_req {
	uint32_t	rq_id;
	uint16_t	rq_verb;
	uint8_t		rq_class;
	uint32_t	rq_uid;
	int		rq_argc;
	char		rq_argv[CTL_ARGS_MAX][256];
};
/* From an IMSG_CTL_REQUEST; -1 if malformed. */
int	ctl_req_parse(const struct chan_msg *, struct ctl_req *);
/* Row and rule for an imsg_rule table. */
#define CTL_RULE(handler) \
	{ IMSG_CTL_REQUEST, sizeof(struct imsg_ctl_request), \
	    CTL_ARGS_MAX * 258, 0, handler }

/* Reader side (viprctl): next field, 1; end, 0; malformed, -1. */
struct ctl_field {
	char		 cf_name[64];
	char		 cf_type;
	struct span	 cf_str;	/* 's' */
	uint64_t	 cf_num;	/* 'u' 'i' 'b' 't' */
	struct cur	 cf_list;	/* 'l': cf_num entries of lv2 */
};
int	ctl_row_open(struct cur *, char *kind, size_t);
int	ctl_row_next(struct cur *, struct ctl_field *);

#endif
