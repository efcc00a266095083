/* SPDX-License-Identifier: ISC */
/*
 * core: rtpengine's control protocol ("ng"): one bencoded dictionary a
 * datagram behind a cookie, an answer with the same cookie.  This layer keeps
 * requests until they are answered, sends them again, forgets nothing that it
 * was asked twice, and knows whether the engine lives.
 */
#ifndef NG_H
#define NG_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "proxy_timer.h"

#define NG_RESEND_MS	500	/* between two copies of a request */
#define NG_SENDS	4	/* of them; then it has failed: after 2 s */
#define NG_PING_MS	5000	/* of silence, then a ping */
#define NG_KEEP_MS	32000	/* an answer, for the same question again */
#define NG_PENDING_MAX	4096
#define NG_KEPT_BYTES	(8u * 1024 * 1024)
#define NG_MSG_MAX	65000	/* a datagram */
#define NG_NAME		64	/* names of calls, tags, interfaces, with NUL */
#define NG_DEPTH	8	/* nesting in an answer */

/* -- bencoding (ng_bencode.c) -- */

void	 bc_open(struct wbuf *, char what);	/* 'd' or 'l' */
void	 bc_close(struct wbuf *);
void	 bc_str(struct wbuf *, const char *);
void	 bc_bytes(struct wbuf *, struct span);
void	 bc_num(struct wbuf *, uint64_t);
/* key and value, both text. */
void	 bc_pair(struct wbuf *, const char *, const char *);

/* The next string; any whole value at most depth deep.  0, or -1 and the
 * cursor is poisoned. */
int	 bc_get_bytes(struct cur *, struct span *);
int	 bc_skip(struct cur *, unsigned depth);

/* What we look for in an answer; spans of length 0: absent. */
struct ng_reply {
	struct span	 nr_cookie;
	struct span	 nr_result;	/* "ok", "pong", "error" */
	struct span	 nr_sdp;
	struct span	 nr_reason;
};
/* A datagram: 0, or -1: not one, or a key of ours stands twice in it. */
int	 ng_reply_parse(const void *, size_t, struct ng_reply *);

/* -- requests -- */

enum ng_side { NG_INSIDE = 0, NG_OUTSIDE = 1 };
enum ng_state {
	NG_OFF = 0,	/* none is configured */
	NG_UNKNOWN = 1,	/* nothing heard yet */
	NG_UP = 2,
	NG_DOWN = 3	/* did not answer; asked again by pings only */
};

struct ng_ops {
	/* A datagram to the engine.  -1: not sent. */
	int	(*no_send)(void *, const uint8_t *, size_t);
	/*
	 * Request id is answered: its description, or error (a text) in place
	 * of it.  May not call back into ng but for ng_delete.
	 */
	void	(*no_done)(void *, uint64_t id, struct span sdp, const char *error);
	/* It went up or down. */
	void	(*no_state)(void *, enum ng_state);
	void	(*no_random)(void *, void *, size_t);
};

/* A description on its way across the border. */
struct ng_ask {
	const char	*na_call;	/* name of the call */
	const char	*na_from;	/* tag of the party that made the offer */
	const char	*na_to;		/* the other; NULL: not known yet */
	int		 na_answer;	/* 0 an offer */
	enum ng_side	 na_towards;	/* where it goes */
	struct span	 na_sdp;
};

struct ng_stats {
	uint64_t	 ns_offers, ns_answers, ns_deletes, ns_failed, ns_resent, ns_strange;
	size_t		 ns_pending;
};

struct ng;
/* NULL: no memory. */
struct ng	*ng_new(struct tmrs *, const struct ng_ops *, void *);
void		 ng_free(struct ng *);		/* NULL allowed; nothing is called */
/*
 * Switch it on or off; names of rtpengine's interfaces, "" for its own choice.
 * again: the engine may be another one.  What is pending then fails.
 */
void		 ng_conf(struct ng *, int on, const char *inside, const char *outside,
		    int again);
/* No new call will come: no pings any more.  Until ng_conf switches it on. */
void		 ng_rest(struct ng *);
/*
 * Ask.  1: *sdp is the answer, known from before (valid until the next call);
 * 0: *id, no_done follows (the same id for a question that is under way);
 * -1: the engine is down, or there is no room.
 */
int		 ng_ask(struct ng *, const struct ng_ask *, uint64_t *id, struct span *sdp);
/* A call is over.  Sent again until it is answered; nothing is told. */
void		 ng_delete(struct ng *, const char *call, const char *from);
/* A datagram from the engine. */
void		 ng_input(struct ng *, const void *, size_t);
/* The system says that nobody listens there: what is pending fails now. */
void		 ng_refused(struct ng *);
enum ng_state	 ng_state(const struct ng *);	/* NULL: NG_OFF */
const char	*ng_state_str(enum ng_state);	/* "off", "unknown", "up", "down" */
void		 ng_stats(const struct ng *, struct ng_stats *);

#endif
