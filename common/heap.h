/* SPDX-License-Identifier: ISC */
/* What the allocators of the systems do not have in common. */
#ifndef HEAP_H
#define HEAP_H

/*
 * For a process whose use of memory goes up and down all the time: it takes and
 * gives back larger pieces, less often.  Once, early.
 */
void	 heap_setup(void);
/*
 * Give memory that was freed back to the system, also from between what is in
 * use.  It takes some milliseconds: call it after a flood, not in one.
 */
void	 heap_trim(void);

#endif
