/* SPDX-License-Identifier: ISC */
/*
 * core: call legs, from which key makes call records (pvp(7)).  A leg
 * starts when the 200 to the INVITE was received (originated) or sent
 * (terminated) and stops with the first BYE sent or received.  A leg's report
 * waits LEG_HOLD after its end, so that another leg that ends just after it
 * still marks it as shadowed.
 */
#ifndef LEG_H
#define LEG_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#include "proxy_timer.h"
#include "vipr.h"

#define LEG_SHADOW_MS	500
#define LEG_HOLD_MS	600
#define LEG_STEP_MS	500	/* the two clocks may differ by this over a call */

struct legs;

struct leg {
	TAILQ_ENTRY(leg) le_entry;	/* in the legs, which own it */
	TAILQ_ENTRY(leg) le_done;	/* while le_ended */
	struct legs	*le_owner;
	uint64_t	 le_id;
	enum leg_kind	 le_kind;
	uint16_t	 le_flags;
	int		 le_ended;
	uint64_t	 le_start, le_stop;		/* UTC ms */
	uint64_t	 le_boot_start, le_boot_stop;	/* ms */
	char		 le_called[E164_SIZE];
	char		 le_caller[E164_SIZE];		/* or empty */
	struct tmr	 le_hold;
};

struct legs_stats {
	uint64_t	 ls_reported;	/* handed to the report function */
	uint64_t	 ls_unsent;	/* it could not take them */
	uint64_t	 ls_dropped;	/* too many legs at once, or never ended */
	size_t		 ls_live;
};

/* Hands a finished leg on; -1: nobody is there, it is forgotten and counted. */
typedef int (*leg_report)(void *ctx, const struct imsg_leg *);

struct legs	*legs_new(struct tmrs *, size_t max, leg_report, void *ctx);
void		 legs_free(struct legs *);	/* NULL allowed; unfinished legs are dropped */
void		 legs_stats(const struct legs *, struct legs_stats *);

/*
 * A call was answered.  utc and boot in ms.  called must be E.164 (an empty
 * one makes a leg that shadows others but is never reported).  NULL: too many.
 */
struct leg	*leg_start(struct legs *, enum leg_kind, uint16_t flags,
		    const char *called, const char *caller, uint64_t utc, uint64_t boot);
/* Its first BYE.  The leg belongs to legs from here on; forget the pointer. */
void		 leg_stop(struct leg *, uint64_t utc, uint64_t boot);
/* The call vanished without a BYE: no record; NULL allowed. */
void		 leg_drop(struct leg *);
/* When it began or ends is not sure: no record, but it still shadows others;
 * NULL allowed. */
void		 leg_silence(struct leg *);
/*
 * A call that we do not remember (its answer was before our start) ends: who
 * rang whom is not known, so it shadows the ends of others like a stranger's.
 */
void		 leg_ghost(struct legs *, uint64_t boot);

#endif
