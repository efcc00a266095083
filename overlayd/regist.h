/* SPDX-License-Identifier: ISC */
/*
 * core: our registrations: each own number and each decoy is kept stored under
 * three names, refreshed, and withdrawn when it leaves the configuration;
 * reading our own entries back (vipr-kind(7)).
 *
 * Numbers are handled packed (e164_pack).  On the wire and in time a decoy is
 * treated exactly as an own number.
 */
#ifndef REGIST_H
#define REGIST_H

#include <sys/types.h>
#include <sys/tree.h>

#include <stdint.h>

#include "conf.h"
#include "lookup.h"
#include "node.h"

#define REGIST_SECRET_LEN	32
#define REGIST_COPIES		3
#define REGIST_NUMBERS_MAX	200000
#define REGIST_KEY_LEN		49	/* node, '+', VServiceID */

enum regist_kind { REGIST_OWN = 1, REGIST_DECOY = 2 };
enum regist_state { REGIST_PENDING = 0, REGIST_PUBLISHED = 1, REGIST_FAILED = 2 };

struct regist_entry {
	RB_ENTRY(regist_entry) re_entry;
	RB_ENTRY(regist_entry) re_bydue;
	uint64_t	 re_number;
	uint64_t	 re_due;	/* mono ms; 0: not queued */
	uint64_t	 re_time;	/* last storage_time used */
	uint64_t	 re_began;	/* mono ms; first Store of this round */
	uint64_t	 re_refreshed;	/* UTC ms of the last complete round; 0 never */
	uint8_t		 re_kind;	/* enum regist_kind */
	uint8_t		 re_state;	/* enum regist_state */
	uint8_t		 re_copy;	/* next of the round */
	uint8_t		 re_good;	/* stored in this round, a bit each */
	uint8_t		 re_withdraw;
	uint8_t		 re_busy;	/* an operation is under way */
	uint8_t		 re_fails;	/* rounds in a row */
	uint8_t		 re_hidden;	/* read-backs in a row that missed it */
	uint8_t		 re_mark;	/* while a configuration is applied */
	uint8_t		 re_kept;	/* on disk */
	uint16_t	 re_error;	/* RELOAD error of the last failure */
};
RB_HEAD(regist_tree, regist_entry);
RB_HEAD(regist_due, regist_entry);

/* Remember (1) or forget (0) that a number is in the overlay for us. */
typedef void (*regist_keep_fn)(void *, uint64_t number, int kept);

struct regist {
	struct node	*rg_node;
	struct regist_tree rg_entries;
	struct regist_due rg_due;
	size_t		 rg_nentries, rg_nbusy;
	size_t		 rg_npublished, rg_npending, rg_nfailed;
	uint8_t		 rg_secret[REGIST_SECRET_LEN];
	char		 rg_vservice[17];
	uint32_t	 rg_rate;	/* Stores a second */
	uint32_t	 rg_lifetime;	/* s; 0: the document's */
	uint64_t	 rg_tokens;	/* thousandths */
	uint64_t	 rg_tokens_at;
	struct ntimer	 rg_timer, rg_readtimer;
	struct ntimer	 rg_alarmtimer;	/* a line about those that failed */
	uint64_t	 rg_alarm_next;	/* mono ms; not before */
	uint16_t	 rg_error;	/* RELOAD error of the last that failed */
	uint64_t	 rg_read_min, rg_read_max;	/* ms between read-backs */
	uint64_t	 rg_readbacks, rg_alarms, rg_stores;
	regist_keep_fn	 rg_keep;
	void		*rg_arg;
};

struct regist	*regist_new(struct node *, const uint8_t secret[REGIST_SECRET_LEN],
		    regist_keep_fn, void *arg);
void		 regist_free(struct regist *);	/* NULL allowed; before node_free */
/* A number that was stored in an earlier run. */
void		 regist_known(struct regist *, uint64_t number);
/* Own numbers and decoys as they are to be from now on; numbers that are not
 * in there are withdrawn.  -1: more than the Kind's quota, the rest is left
 * out. */
int		 regist_config(struct regist *, const struct conf_ranges *numbers,
		    const struct conf_ranges *decoys, uint32_t rate, uint32_t lifetime);
struct regist_entry *regist_find(const struct regist *, uint64_t number);
struct regist_entry *regist_first(const struct regist *);
struct regist_entry *regist_after(struct regist_entry *);
const char	*regist_state_str(const struct regist_entry *);
/* Resource-ID of the copy (0 to 2) of a number; 0 or -1. */
int		 regist_resource(uint64_t number, unsigned copy, struct nodeid *);

#endif
