/* SPDX-License-Identifier: ISC */
/* What the tests of the store share: a store in the work folder, one sealed
 * and one plain table, and how its callbacks went. */
#ifndef STORE_USE_H
#define STORE_USE_H

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"

#define MAP	(4 * 1024 * 1024)

static uint8_t	 master[STORE_MASTER_LEN] = "an example of a master key, 32b";
static int	 calls, errors, last_error;

static inline void
done(int error, void *arg)
{
	(void)arg;
	calls++;
	last_error = error;
	if (error != 0)
		errors++;
}

static inline struct store *
opened(void)
{
	struct store	*st;
	const char	*why;

	(void)mkdir("db", 0700);
	st = store_open("db", MAP, 4, &why);
	ATF_REQUIRE_MSG(st != NULL, "%s", why != NULL ? why : strerror(errno));
	return (st);
}

static inline void
check_value(struct store_table *tb, const char *key, const char *want)
{
	char	 buf[256];
	ssize_t	 n;
	uint8_t	 version;

	n = store_get(tb, key, strlen(key), buf, sizeof(buf), &version);
	if (want == NULL) {
		ATF_CHECK_EQ(-1, n);
		ATF_CHECK_EQ(ENOENT, errno);
		return;
	}
	ATF_REQUIRE_EQ_MSG((ssize_t)strlen(want), n, "%s: %s", key, strerror(errno));
	ATF_CHECK_EQ(0, memcmp(buf, want, strlen(want)));
}

static inline int
put(struct store_table *tb, const char *key, const char *val)
{
	return (store_put(tb, key, strlen(key), val, val == NULL ? 0 :
	    strlen(val), done, NULL));
}

static inline struct store_table *
plain(struct store *st)
{
	struct store_table	*tb = store_table(st, "plain", 3, NULL);

	ATF_REQUIRE(tb != NULL);
	return (tb);
}

static inline struct store_table *
sealed(struct store *st)
{
	struct store_table	*tb = store_table(st, "sealed", 9, master);

	ATF_REQUIRE_MSG(tb != NULL, "%s", strerror(errno));
	return (tb);
}

/* Wait for the helper's answer, as an event loop would. */
static inline void
answer(struct store *st)
{
	struct pollfd	 pfd;

	pfd.fd = store_fd(st);
	pfd.events = POLLIN;
	ATF_REQUIRE(pfd.fd != -1);
	ATF_REQUIRE_EQ(1, poll(&pfd, 1, 10000));
	store_tick(st);
}

static inline pid_t
child_of(pid_t parent)
{
	char	 path[64];
	FILE	*f;
	int	 pid = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent,
	    (int)parent);
	if ((f = fopen(path, "r")) == NULL)
		return (0);
	if (fscanf(f, "%d", &pid) != 1)
		pid = 0;
	fclose(f);
	return ((pid_t)pid);
}

static inline pid_t
child_of_mine(void)
{
	return (child_of(getpid()));
}

#endif
