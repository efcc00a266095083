/* SPDX-License-Identifier: ISC */
/* What imsg_test.c says to each daemon: valid, wrong and out of order. */
#ifndef IMSG_ROWS_H
#define IMSG_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "ctl.h"
#include "imsg.h"
#include "vipr.h"

#define HDR		IMSG_HEADER_SIZE
#define NUMBER		"+14085550142"
#define ITEM_TAIL	(VIPR_IMSG_MAX - 64)	/* of IMSG_RECONF_ITEM */

/*
 * What a daemon accepts, and a message of that type that is valid but means
 * nothing to it: zeros, then text at an offset, then a tail.
 */
struct row {
	enum vipr_role	 r_to, r_from;
	uint32_t	 r_type;
	size_t		 r_fixed, r_tail;
	uint32_t	 r_answer;	/* what comes back on the same channel, or 0 */
	int		 r_count;	/* its first 8 bytes count up */
	size_t		 r_off;
	const char	*r_text;
	size_t		 r_textlen;
	const char	*r_end;
	size_t		 r_endlen;
};
#define T(s)	(s), sizeof(s) - 1
#define NONE	NULL, 0
#define CTL_ARGS (CTL_ARGS_MAX * 258)	/* CTL_RULE's */
#define CTL(to)	{ to, ROLE_CONTROL, IMSG_CTL_REQUEST, 16, CTL_ARGS, IMSG_CTL_END, \
		    0, 4, T("\1\0\1"), NONE }
#define ANSWERS(from) \
	{ ROLE_CONTROL, from, IMSG_CTL_ROW, 8, CTL_ROW_MAX, 0, 0, 0, NONE, NONE }, \
	{ ROLE_CONTROL, from, IMSG_CTL_END, 8, CTL_ERROR_MAX + 2, 0, 0, 0, NONE, T("\0\0") }

static const struct row	rows[] = {
	{ ROLE_KEY, ROLE_SIP, IMSG_KEY_SIGN, 16, 4096, IMSG_KEY_SIGN_RES, 0, 0, NONE, NONE },
	{ ROLE_KEY, ROLE_SIP, IMSG_LEG, 88, 0, IMSG_LEG_ACK, 1, 0, NONE, NONE },
	{ ROLE_KEY, ROLE_SIP, IMSG_TICKET_CHECK, 32, 65536, IMSG_TICKET_RES, 0, 0, NONE, T("\0\0") },
	{ ROLE_KEY, ROLE_SIP, IMSG_ROUTE_OUTCOME, 24, 254, 0, 0, 0, T(NUMBER), T("\1b") },
	{ ROLE_KEY, ROLE_SIP, IMSG_ROUTE_SYNC, 0, 8, 0, 0, 0, NONE, NONE },
	{ ROLE_KEY, ROLE_SIP, IMSG_TICKET_GEN, 16, 0, 0, 0, 0, NONE, NONE },
	{ ROLE_KEY, ROLE_PVP, IMSG_KEY_SIGN, 16, 4096, IMSG_KEY_SIGN_RES, 0, 0, NONE, NONE },
	{ ROLE_KEY, ROLE_PVP, IMSG_PVP_CLAIMANTS, 16, 192 * 16, 0, 1, 0, NONE, NONE },
	{ ROLE_KEY, ROLE_PVP, IMSG_PVP_OPEN, 88, 0, 0, 1, 80, T("\2"), NONE },
	{ ROLE_KEY, ROLE_PVP, IMSG_PVP_IN, 16, 4096, 0, 0, 0, NONE, NONE },
	{ ROLE_KEY, ROLE_PVP, IMSG_PVP_END, 24, 0, 0, 0, 0, NONE, NONE },
	{ ROLE_KEY, ROLE_OVERLAY, IMSG_KEY_SIGN, 16, 131072, IMSG_KEY_SIGN_RES, 0, 0, NONE, NONE },
	{ ROLE_KEY, ROLE_OVERLAY, IMSG_OV_CONFIG, 8, 131072, IMSG_OV_CONFIG_RES, 0, 0, NONE, T("<") },
	CTL(ROLE_KEY),
	{ ROLE_OVERLAY, ROLE_KEY, IMSG_KEY_SIGN_RES, 16, 1024, 0, 0, 0, NONE, NONE },
	{ ROLE_OVERLAY, ROLE_KEY, IMSG_OV_CONFIG_RES, 16, 1024, 0, 0, 0, NONE, NONE },
	{ ROLE_OVERLAY, ROLE_PVP, IMSG_OV_LOOKUP, 32, 0, IMSG_OV_LOOKUP_RES, 0, 8, T(NUMBER), NONE },
	{ ROLE_OVERLAY, ROLE_PVP, IMSG_OV_APPATTACH, 32, 0, IMSG_OV_APPATTACH_RES, 0, 24, T("\x15\xf0"), NONE },
	CTL(ROLE_OVERLAY),
	{ ROLE_PVP, ROLE_KEY, IMSG_KEY_SIGN_RES, 16, 1024, 0, 0, 0, NONE, NONE },
	{ ROLE_PVP, ROLE_KEY, IMSG_PVP_LOOKUP, 32, 0, 0, 0, 0, NONE, NONE },
	{ ROLE_PVP, ROLE_KEY, IMSG_PVP_TRY, 32, 0, 0, 1, 0, NONE, NONE },
	{ ROLE_PVP, ROLE_KEY, IMSG_PVP_OUT, 16, 4096, 0, 0, 0, NONE, NONE },
	{ ROLE_PVP, ROLE_KEY, IMSG_PVP_ROOTS, 16, 160 * 1024, 0, 0, 0, NONE, T("\1o") },
	{ ROLE_PVP, ROLE_KEY, IMSG_PVP_FIRST, 0, 160 * 1024, 0, 0, 0, NONE, T("0123456789abcdef") },
	{ ROLE_PVP, ROLE_OVERLAY, IMSG_OV_LOOKUP_RES, 16, 192 * 16, 0, 0, 0, NONE, NONE },
	{ ROLE_PVP, ROLE_OVERLAY, IMSG_OV_APPATTACH_RES, 16, 64 * sizeof(struct vaddr), 0, 0, 0, NONE, NONE },
	CTL(ROLE_PVP),
	{ ROLE_SIP, ROLE_KEY, IMSG_LEG_ACK, 16, 0, 0, 0, 0, NONE, NONE },
	{ ROLE_SIP, ROLE_KEY, IMSG_TICKET_RES, 48, 0, 0, 0, 0, NONE, NONE },
	{ ROLE_SIP, ROLE_KEY, IMSG_ROUTE_SET, 24, 49152, 0, 0, 0, T(NUMBER), NONE },
	{ ROLE_SIP, ROLE_KEY, IMSG_ROUTE_SYNC, 8, 0, 0, 0, 0, NONE, NONE },
	{ ROLE_SIP, ROLE_KEY, IMSG_TICKET_GEN, 16, 0, IMSG_TICKET_GEN, 0, 0, T("\1"), NONE },
	{ ROLE_SIP, ROLE_KEY, IMSG_KEY_SIGN_RES, 16, 1024, 0, 0, 0, NONE, NONE },
	CTL(ROLE_SIP),
	ANSWERS(ROLE_KEY), ANSWERS(ROLE_OVERLAY), ANSWERS(ROLE_PVP), ANSWERS(ROLE_SIP),
	{ ROLE_CONTROL, CLIENT, IMSG_CTL_REQUEST, 16, CTL_ARGS, IMSG_CTL_END,
	    0, 4, T("\1\0\1"), NONE },
};

/* Right in size, wrong inside: all bytes are fill, but for text at off. */
struct wrong {
	enum vipr_role	 x_to, x_from;
	uint32_t	 x_type;
	size_t		 x_len;
	int		 x_fill;
	size_t		 x_off;
	const char	*x_text;
	size_t		 x_textlen;
};
static const struct wrong wrongs[] = {
	{ ROLE_KEY, ROLE_SIP, IMSG_LEG, 88, 0xff, 0, NONE },
	{ ROLE_KEY, ROLE_SIP, IMSG_TICKET_CHECK, 32, 0, 0, NONE },
	{ ROLE_KEY, ROLE_SIP, IMSG_TICKET_CHECK, 34, 0, 28, T("\5") },
	{ ROLE_KEY, ROLE_SIP, IMSG_TICKET_CHECK, 34, 0, 28, T("\xff\xff\xff\xff") },
	{ ROLE_KEY, ROLE_SIP, IMSG_TICKET_CHECK, 34, 0, 32, T("\0\1") },
	{ ROLE_KEY, ROLE_SIP, IMSG_TICKET_CHECK, 35, 0, 0, NONE },
	{ ROLE_KEY, ROLE_SIP, IMSG_TICKET_CHECK, 34, '1', 32, T("\0\0") },
	{ ROLE_KEY, ROLE_SIP, IMSG_ROUTE_OUTCOME, 26, 0, 24, T("\1b") },
	{ ROLE_KEY, ROLE_SIP, IMSG_ROUTE_OUTCOME, 26, 0, 0, T(NUMBER) },
	{ ROLE_KEY, ROLE_SIP, IMSG_ROUTE_OUTCOME, 26, '1', 0, T("+") },
	{ ROLE_KEY, ROLE_PVP, IMSG_PVP_CLAIMANTS, 16, 0, 12, T("\1") },
	{ ROLE_KEY, ROLE_PVP, IMSG_PVP_CLAIMANTS, 16, 0, 12, T("\0\0\0\x10") },
	{ ROLE_KEY, ROLE_PVP, IMSG_PVP_CLAIMANTS, 32, 0, 0, NONE },
	{ ROLE_KEY, ROLE_PVP, IMSG_PVP_OPEN, 88, 0, 80, T("\2") },
	{ ROLE_KEY, ROLE_PVP, IMSG_PVP_OPEN, 88, 0, 0, T("\1") },
	{ ROLE_KEY, ROLE_PVP, IMSG_PVP_OPEN, 88, 0xff, 0, NONE },
	{ ROLE_KEY, ROLE_PVP, IMSG_PVP_IN, 16, 0, 12, T("\1") },
	{ ROLE_KEY, ROLE_PVP, IMSG_PVP_IN, 17, 0, 0, NONE },
	{ ROLE_KEY, ROLE_CONTROL, IMSG_CTL_REQUEST, 16, 0xff, 0, NONE },
	{ ROLE_KEY, ROLE_CONTROL, IMSG_CTL_REQUEST, 16, 0, 7, T("\1") },
	{ ROLE_KEY, ROLE_CONTROL, IMSG_CTL_REQUEST, 18, 0, 7, T("\0") },
	{ ROLE_OVERLAY, ROLE_PVP, IMSG_OV_LOOKUP, 32, 0, 0, NONE },
	{ ROLE_OVERLAY, ROLE_PVP, IMSG_OV_LOOKUP, 32, '1', 8, T("+") },
	{ ROLE_OVERLAY, ROLE_PVP, IMSG_OV_LOOKUP, 32, 0, 8, T("+123456789012345678") },
	{ ROLE_OVERLAY, ROLE_PVP, IMSG_OV_APPATTACH, 32, 0, 0, NONE },
	{ ROLE_OVERLAY, ROLE_CONTROL, IMSG_CTL_REQUEST, 16, 0xff, 0, NONE },
	{ ROLE_OVERLAY, ROLE_CONTROL, IMSG_CTL_REQUEST, 20, 0, 7, T("\1\0\0\0\0\0\0\0\0\0\7") },
	{ ROLE_PVP, ROLE_KEY, IMSG_PVP_LOOKUP, 32, '1', 0, NONE },
	{ ROLE_PVP, ROLE_KEY, IMSG_PVP_TRY, 32, 0, 0, NONE },
	{ ROLE_PVP, ROLE_KEY, IMSG_PVP_OUT, 16, 0, 12, T("\1") },
	{ ROLE_PVP, ROLE_KEY, IMSG_PVP_OUT, 17, 0, 0, NONE },
	{ ROLE_PVP, ROLE_KEY, IMSG_PVP_ROOTS, 16, 0, 0, NONE },
	{ ROLE_PVP, ROLE_KEY, IMSG_PVP_ROOTS, 18, 0xff, 16, T("\1o") },
	{ ROLE_PVP, ROLE_KEY, IMSG_PVP_ROOTS, 18, 0, 4, T("\1\0\0\0\0\0\0\0\0\0\0\0\1o") },
	{ ROLE_PVP, ROLE_KEY, IMSG_PVP_ROOTS, 19, 0, 16, T("\1o") },
	{ ROLE_PVP, ROLE_KEY, IMSG_PVP_FIRST, 15, 0, 0, NONE },
	{ ROLE_PVP, ROLE_OVERLAY, IMSG_OV_LOOKUP_RES, 16, 0, 12, T("\1") },
	{ ROLE_PVP, ROLE_OVERLAY, IMSG_OV_LOOKUP_RES, 16, 0, 12, T("\0\0\0\x10") },
	{ ROLE_PVP, ROLE_OVERLAY, IMSG_OV_LOOKUP_RES, 32, 0, 8, T("\1\0\0\0\1") },
	{ ROLE_PVP, ROLE_OVERLAY, IMSG_OV_LOOKUP_RES, 17, 0, 0, NONE },
	{ ROLE_PVP, ROLE_OVERLAY, IMSG_OV_APPATTACH_RES, 16, 0xff, 0, NONE },
	{ ROLE_PVP, ROLE_OVERLAY, IMSG_OV_APPATTACH_RES, 17, 0, 0, NONE },
	{ ROLE_PVP, ROLE_CONTROL, IMSG_CTL_REQUEST, 16, 0, 7, T("\x11") },
	{ ROLE_SIP, ROLE_KEY, IMSG_LEG_ACK, 16, 0, 8, T("\3") },
	{ ROLE_SIP, ROLE_KEY, IMSG_TICKET_RES, 48, 0, 8, T("\x9") },
	{ ROLE_SIP, ROLE_KEY, IMSG_TICKET_RES, 48, 0xff, 0, NONE },
	{ ROLE_SIP, ROLE_KEY, IMSG_ROUTE_SET, 24, 0, 0, NONE },
	{ ROLE_SIP, ROLE_KEY, IMSG_ROUTE_SET, 24, '1', 0, T("+") },
	{ ROLE_SIP, ROLE_KEY, IMSG_ROUTE_SET, 24, 0, 0, T(NUMBER "\0\0\0\0\0\0\0\0\1") },
	{ ROLE_SIP, ROLE_KEY, IMSG_ROUTE_SET, 24, 0, 0, T(NUMBER "\0\0\0\0\0\0\0\0\0\0\0\x80") },
	{ ROLE_SIP, ROLE_KEY, IMSG_ROUTE_SET, 25, 0, 0, T(NUMBER) },
	{ ROLE_SIP, ROLE_CONTROL, IMSG_CTL_REQUEST, 17, 0, 0, NONE },
	{ ROLE_CONTROL, CLIENT, IMSG_CTL_REQUEST, 16, 0xff, 0, NONE },
	{ ROLE_CONTROL, CLIENT, IMSG_CTL_REQUEST, 17, 0, 0, NONE },
};

/* -- from the parent -- */

struct say {
	uint32_t	 s_type;
	uint32_t	 s_lenfield;
	size_t		 s_len;
	int		 s_fd;		/* a descriptor comes with it */
	const char	*s_text;
	size_t		 s_textlen;
};
#define S(type, len, fd, text)	{ type, LEN_TRUE, len, fd, text }
#define G7	T("\7\0\0\0\0\0\0\0")

/* After each of these the daemon exits 1, and not by a signal. */
static const struct say	fatal_says[] = {
	{ IMSG_RECONF_ABORT, 0, 8, 0, NONE },
	{ IMSG_RECONF_ABORT, HDR - 1, 8, 0, NONE },
	{ IMSG_RECONF_ABORT, VIPR_IMSG_MAX + 1, 8, 0, NONE },
	{ IMSG_RECONF_ABORT, FD_MARK | (HDR + 8), 8, 0, NONE },
	{ IMSG_RECONF_ABORT, HDR + 8, 8, 1, NONE },	/* no mark */
	S(IMSG_NONE, 0, 0, NONE), S(IMSG_HELLO, 8, 0, NONE),
	S(IMSG_READY, 0, 0, NONE), S(IMSG_VIOLATION, 4, 0, NONE),
	S(IMSG_RECONF_ACK, 8, 0, NONE), S(IMSG_KEY_SIGN, 16, 0, NONE),
	S(IMSG_CTL_REQUEST, 16, 0, NONE), S(0xffffffff, 8, 0, NONE),
	S(IMSG_PEERFD, 8, 0, NONE), S(IMSG_PEERFD, 7, 1, NONE),
	S(IMSG_PEERFD, 9, 1, NONE), S(IMSG_PEERFD, 0, 1, NONE),
	S(IMSG_SHUTDOWN, 1, 0, NONE), S(IMSG_SHUTDOWN, 0, 1, NONE),
	S(IMSG_RECONF_BEGIN, 7, 0, NONE), S(IMSG_RECONF_BEGIN, 9, 0, NONE),
	S(IMSG_RECONF_BEGIN, 8, 1, NONE),
	S(IMSG_RECONF_ITEM, ITEM_TAIL + 1, 0, NONE),
	S(IMSG_RECONF_END, 7, 0, NONE), S(IMSG_RECONF_END, 9, 0, NONE),
	S(IMSG_RECONF_END, 8, 1, NONE),
	S(IMSG_RECONF_COMMIT, 7, 0, NONE), S(IMSG_RECONF_COMMIT, 9, 0, NONE),
	S(IMSG_RECONF_COMMIT, 8, 1, NONE),
	S(IMSG_RECONF_COMMIT, 8, 0, NONE), S(IMSG_RECONF_COMMIT, 8, 0, G7),
	S(IMSG_RECONF_ABORT, 7, 0, NONE), S(IMSG_RECONF_ABORT, 9, 0, NONE),
	S(IMSG_RECONF_ABORT, 8, 1, NONE),
	S(IMSG_LOGLEVEL, 3, 0, NONE), S(IMSG_LOGLEVEL, 5, 0, NONE),
	S(IMSG_LOGLEVEL, 4, 1, NONE),
	/* Not even overlayd takes one that it cannot append to. */
	S(IMSG_KEYLOG, 0, 0, NONE), S(IMSG_KEYLOG, 1, 1, NONE),
	S(IMSG_KEYLOG, 0, 1, NONE),
};

/* These mean nothing; it lives on.  How many NAKs they are answered with. */
static const struct {
	int		 l_naks;
	struct say	 l_say[5];
} lived[] = {
	{ 0, { S(IMSG_RECONF_END, 8, 0, NONE) } },
	{ 0, { S(IMSG_RECONF_END, 8, 0, G7) } },
	{ 0, { S(IMSG_RECONF_ITEM, 0, 0, NONE), S(IMSG_RECONF_ITEM, 9, 1, NONE) } },
	{ 0, { S(IMSG_RECONF_ABORT, 8, 0, NONE) } },
	{ 0, { S(IMSG_LOGLEVEL, 4, 0, T("\xff\xff\xff\xff")), S(IMSG_LOGLEVEL, 4, 0, NONE) } },
	{ 0, { S(IMSG_PEERFD, 8, 1, NONE), S(IMSG_PEERFD, 8, 1, T("\6")) } },
	{ 0, { S(IMSG_PEERFD, 8, 1, T("\xff\xff\xff\xff")) } },
	{ 0, { S(IMSG_RECONF_BEGIN, 8, 0, G7), S(IMSG_RECONF_BEGIN, 8, 0, NONE),
	    S(IMSG_RECONF_END, 8, 0, G7) } },
	/* Nothing between begin and end, no end of the items, bad items. */
	{ 1, { S(IMSG_RECONF_BEGIN, 8, 0, G7), S(IMSG_RECONF_END, 8, 0, G7) } },
	{ 1, { S(IMSG_RECONF_BEGIN, 8, 0, G7),
	    S(IMSG_RECONF_ITEM, 10, 0, T("\0\1\0\0\0\0\0\0\0\7")),
	    S(IMSG_RECONF_END, 8, 0, G7), S(IMSG_RECONF_END, 8, 0, G7) } },
	{ 1, { S(IMSG_RECONF_BEGIN, 8, 0, G7), S(IMSG_RECONF_ITEM, 0, 0, NONE),
	    S(IMSG_RECONF_ITEM, 10, 1, T("\0\1")), S(IMSG_RECONF_END, 8, 0, G7) } },
	{ 1, { S(IMSG_RECONF_BEGIN, 8, 0, G7), S(IMSG_RECONF_ITEM, ITEM_TAIL, 0,
	    T("\xff\xff")), S(IMSG_RECONF_END, 8, 0, G7) } },
};

#endif
