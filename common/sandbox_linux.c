/*
 * Copyright (c) 2026 The VIPR edge authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

/*
 * Linux: capabilities given up, Landlock, and one seccomp allow-list a process;
 * see sandbox.h.  Rows say which profiles may make a call; what has no row
 * kills the process.
 */

#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <malloc.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"

#define P(profile)	(1U << (profile))
#define P_KEY		P(SANDBOX_KEY)
#define P_CONTROL	P(SANDBOX_CONTROL)
#define P_SIP		P(SANDBOX_SIP)
#define P_CTL		P(SANDBOX_CTL)
#define P_TCP		(P(SANDBOX_OVERLAY) | P(SANDBOX_PVP) | P_SIP)
#define P_STORE		(P_KEY | P(SANDBOX_OVERLAY) | P_SIP)
#define P_DAEMON	(P_KEY | P_CONTROL | P_TCP)
#define P_ALL		(P_DAEMON | P_CTL)

#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_ASAN
#endif
#endif

/* Landlock of kernels newer than the headers this is built with. */
struct landlock_attr {
	uint64_t	handled_access_fs;
	uint64_t	handled_access_net;
	uint64_t	scoped;
};
#define LL_NET_BIND_TCP		(1ULL << 0)
#define LL_NET_CONNECT_TCP	(1ULL << 1)
#define LL_SCOPE_ABSTRACT_UNIX	(1ULL << 0)
#define LL_SCOPE_SIGNAL		(1ULL << 1)

#define MAX_CMP		3
#define PERTURB		165	/* not 0: what freed memory is filled with */

struct call_rule {
	unsigned		cr_profiles;
	int			cr_call;
	uint32_t		cr_action;
	unsigned		cr_count;
	struct scmp_arg_cmp	cr_cmp[MAX_CMP];
};

#define ALLOW(profiles, name) \
	{ profiles, SCMP_SYS(name), SCMP_ACT_ALLOW, 0, \
	    { { 0, _SCMP_CMP_MIN, 0, 0 } } }
#define ALLOW_IF(profiles, name, arg, op, a, b) \
	{ profiles, SCMP_SYS(name), SCMP_ACT_ALLOW, 1, \
	    { { arg, op, a, b } } }
#define DENY(profiles, name, err) \
	{ profiles, SCMP_SYS(name), SCMP_ACT_ERRNO(err), 0, \
	    { { 0, _SCMP_CMP_MIN, 0, 0 } } }
#define DENY_IF(profiles, name, err, arg, op, a, b) \
	{ profiles, SCMP_SYS(name), SCMP_ACT_ERRNO(err), 1, \
	    { { arg, op, a, b } } }
/* Any of the two flag bits SOCK_CLOEXEC, SOCK_NONBLOCK may be set. */
#define SOCK_TYPE	(~(scmp_datum_t)(SOCK_CLOEXEC | SOCK_NONBLOCK) & \
			    0xffffffffU)
#define SOCKET(profiles, family, type, proto) \
	{ profiles, SCMP_SYS(socket), SCMP_ACT_ALLOW, 3, { \
	    { 0, SCMP_CMP_EQ, family, 0 }, \
	    { 1, SCMP_CMP_MASKED_EQ, SOCK_TYPE, type }, \
	    { 2, SCMP_CMP_EQ, proto, 0 } } }

static const struct call_rule rules[] = {
	/* the event loop and its clocks */
	ALLOW(P_DAEMON, epoll_ctl),
	ALLOW(P_DAEMON, epoll_wait),
	ALLOW(P_DAEMON, epoll_pwait),
	ALLOW(P_ALL, poll),
	ALLOW(P_ALL, ppoll),
	ALLOW(P_ALL, clock_gettime),
	ALLOW(P_ALL, clock_getres),
	ALLOW(P_ALL, gettimeofday),
	ALLOW(P_ALL, time),
	ALLOW(P_ALL, clock_nanosleep),
	ALLOW(P_ALL, nanosleep),
	ALLOW(P_ALL, restart_syscall),

	/* descriptors that are open already */
	ALLOW(P_ALL, read),
	ALLOW(P_ALL, write),
	ALLOW(P_ALL, readv),
	ALLOW(P_ALL, writev),
	ALLOW(P_ALL, close),
	ALLOW(P_ALL, recvmsg),
	ALLOW(P_ALL, sendmsg),
	ALLOW(P_ALL, fstat),
	ALLOW(P_ALL, lseek),
	ALLOW(P_DAEMON, dup),
	ALLOW(P_DAEMON, pread64),
	ALLOW_IF(P_ALL, fcntl, 1, SCMP_CMP_EQ, F_GETFL, 0),
	ALLOW_IF(P_ALL, fcntl, 1, SCMP_CMP_EQ, F_SETFL, 0),
	ALLOW_IF(P_ALL, fcntl, 1, SCMP_CMP_EQ, F_GETFD, 0),
	ALLOW_IF(P_ALL, fcntl, 1, SCMP_CMP_EQ, F_SETFD, 0),
	ALLOW_IF(P_DAEMON, fcntl, 1, SCMP_CMP_EQ, F_DUPFD_CLOEXEC, 0),
	ALLOW_IF(P_STORE, fcntl, 1, SCMP_CMP_EQ, F_SETLK, 0),
	ALLOW_IF(P_STORE, fcntl, 1, SCMP_CMP_EQ, F_SETLKW, 0),
	ALLOW_IF(P_STORE, fcntl, 1, SCMP_CMP_EQ, F_GETLK, 0),
	ALLOW_IF(P_ALL, ioctl, 1, SCMP_CMP_EQ, FIONREAD, 0),
	ALLOW_IF(P_ALL, ioctl, 1, SCMP_CMP_EQ, FIONBIO, 0),
	ALLOW_IF(P_CTL, ioctl, 1, SCMP_CMP_EQ, TIOCGWINSZ, 0),
	DENY_IF(P_DAEMON, ioctl, ENOTTY, 1, SCMP_CMP_EQ, TIOCGWINSZ, 0),
	DENY_IF(P_ALL, ioctl, ENOTTY, 1, SCMP_CMP_EQ, 0x5401, 0), /* TCGETS */

	/* LMDB with its environment open */
	ALLOW(P_STORE, pwrite64),
	ALLOW(P_STORE, pwritev),
	ALLOW(P_STORE, preadv),
	ALLOW(P_STORE, fdatasync),
	ALLOW(P_STORE, fsync),
	ALLOW(P_STORE, msync),
	ALLOW(P_STORE, ftruncate),
	ALLOW(P_STORE, fstatfs),

	/* memory, never executable */
	ALLOW_IF(P_ALL, mmap, 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
	ALLOW_IF(P_ALL, mprotect, 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
	ALLOW(P_ALL, munmap),
	ALLOW(P_ALL, mremap),
	ALLOW(P_ALL, madvise),
	ALLOW(P_ALL, brk),
	ALLOW(P_DAEMON, mlock),		/* sodium_malloc */
	ALLOW(P_DAEMON, munlock),
	ALLOW(P_ALL, futex),
	ALLOW(P_ALL, sched_yield),
	ALLOW(P_ALL, getrandom),

	/* ourselves */
	ALLOW(P_ALL, rt_sigprocmask),
	ALLOW(P_ALL, rt_sigreturn),
	ALLOW(P_ALL, rt_sigaction),
	ALLOW(P_ALL, sigaltstack),
	ALLOW(P_ALL, exit),
	ALLOW(P_ALL, exit_group),
	ALLOW(P_ALL, getpid),
	ALLOW(P_ALL, gettid),
	ALLOW(P_ALL, getppid),
	ALLOW(P_ALL, getuid),
	ALLOW(P_ALL, geteuid),
	ALLOW(P_ALL, getgid),
	ALLOW(P_ALL, getegid),
	ALLOW(P_ALL, uname),
	ALLOW(P_ALL, sysinfo),		/* qsort(3) */
	ALLOW_IF(P_ALL, getrusage, 0, SCMP_CMP_EQ, 0, 0),
	ALLOW_IF(P_ALL, prlimit64, 2, SCMP_CMP_EQ, 0, 0),	/* get only */

	/* sockets: what each kind of process needs */
	ALLOW(P_TCP | P_CONTROL, accept4),
	ALLOW(P_TCP | P_CONTROL, getsockopt),
	ALLOW(P_TCP, setsockopt),
	ALLOW(P_TCP, getsockname),
	ALLOW(P_TCP, getpeername),
	ALLOW(P_TCP, bind),
	ALLOW(P_TCP, connect),
	ALLOW(P_TCP | P_CTL, shutdown),
	ALLOW(P_TCP, sendto),
	ALLOW(P_TCP, recvfrom),
	ALLOW(P_SIP, recvmmsg),		/* several datagrams a call */
	/* to the other end only: no address may be given */
	ALLOW_IF(P_KEY | P_CONTROL | P_CTL, sendto, 4, SCMP_CMP_EQ, 0, 0),
	ALLOW_IF(P_KEY | P_CONTROL | P_CTL, recvfrom, 4, SCMP_CMP_EQ, 0, 0),
	SOCKET(P_TCP, AF_INET, SOCK_STREAM, 0),
	SOCKET(P_TCP, AF_INET, SOCK_STREAM, IPPROTO_TCP),
	SOCKET(P_TCP, AF_INET6, SOCK_STREAM, 0),
	SOCKET(P_TCP, AF_INET6, SOCK_STREAM, IPPROTO_TCP),
	SOCKET(P_SIP, AF_INET, SOCK_DGRAM, 0),
	SOCKET(P_SIP, AF_INET, SOCK_DGRAM, IPPROTO_UDP),
	SOCKET(P_SIP, AF_INET6, SOCK_DGRAM, 0),
	SOCKET(P_SIP, AF_INET6, SOCK_DGRAM, IPPROTO_UDP),

	/* libraries look for files now and then; there are none for them */
	DENY(P_ALL, open, EACCES),
	DENY(P_ALL, openat, EACCES),
	DENY(P_ALL, openat2, EACCES),
	DENY(P_ALL, access, EACCES),
	DENY(P_ALL, faccessat, EACCES),
	DENY(P_ALL, faccessat2, EACCES),
	DENY(P_ALL, readlink, EACCES),
	DENY(P_ALL, readlinkat, EACCES),
	DENY(P_ALL, stat, EACCES),
	DENY(P_ALL, lstat, EACCES),
	DENY(P_ALL, statx, EACCES),
	/* fstat(3) is newfstatat(fd, "", .., AT_EMPTY_PATH) in glibc */
	ALLOW_IF(P_ALL, newfstatat, 3, SCMP_CMP_EQ, AT_EMPTY_PATH, 0),
	DENY_IF(P_ALL, newfstatat, EACCES, 3, SCMP_CMP_NE, AT_EMPTY_PATH, 0),
#ifdef SANDBOX_ASAN
	ALLOW(P_ALL, mincore),
	ALLOW(P_ALL, sched_getaffinity),
	ALLOW(P_ALL, pipe),
	ALLOW(P_ALL, pipe2),
	ALLOW_IF(P_ALL, prctl, 0, SCMP_CMP_EQ, 0x53564d41, 0), /* PR_SET_VMA */
#endif
};

static char	describe[64] = "none";

static void	sandbox_abort_rule(scmp_filter_ctx);
static void	sandbox_malloc(void);
static void	sandbox_capabilities(void);
static int	sandbox_landlock(enum sandbox_profile);
static void	sandbox_prove(void);
static void	sandbox_seccomp(enum sandbox_profile);

/* Under viprd -u we may still be root: then without root's powers. */
static void
sandbox_capabilities(void)
{
	struct __user_cap_header_struct	hdr;
	struct __user_cap_data_struct	data[2];

	memset(&hdr, 0, sizeof(hdr));
	memset(data, 0, sizeof(data));
	hdr.version = _LINUX_CAPABILITY_VERSION_3;
	if (syscall(SYS_capset, &hdr, data) == -1)
		fatal("sandbox: capset");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 &&
	    errno != EINVAL)
		fatal("sandbox: ambient capabilities");
}

/* No file, no TCP where none is needed, no abstract socket, no signal to the
 * outside.  Returns the kernel's ABI, 0 without Landlock. */
static int
sandbox_landlock(enum sandbox_profile profile)
{
	struct landlock_attr	la;
	size_t			size;
	long			abi;
	int			fd;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return (0);
	memset(&la, 0, sizeof(la));
	/* 13 rights in ABI 1, then refer, truncate, (4: net,) ioctl. */
	la.handled_access_fs = (1ULL << 13) - 1;
	if (abi >= 2)
		la.handled_access_fs |= 1ULL << 13;
	if (abi >= 3)
		la.handled_access_fs |= 1ULL << 14;
	if (abi >= 5)
		la.handled_access_fs |= 1ULL << 15;
	size = sizeof(la.handled_access_fs);
	if (abi >= 4) {
		size += sizeof(la.handled_access_net);
		if (!(P(profile) & P_TCP))
			la.handled_access_net = LL_NET_BIND_TCP |
			    LL_NET_CONNECT_TCP;
	}
	if (abi >= 6) {
		size += sizeof(la.scoped);
		la.scoped = LL_SCOPE_ABSTRACT_UNIX | LL_SCOPE_SIGNAL;
	}
	if ((fd = (int)syscall(SYS_landlock_create_ruleset, &la, size,
	    0)) == -1)
		fatal("sandbox: landlock_create_ruleset");
	if (syscall(SYS_landlock_restrict_self, fd, 0) == -1)
		fatal("sandbox: landlock_restrict_self");
	close(fd);
	return ((int)abi);
}

/* abort(3) sends its signal to this thread and to nobody else. */
static void
sandbox_abort_rule(scmp_filter_ctx ctx)
{
	struct scmp_arg_cmp	self;

	memset(&self, 0, sizeof(self));
	self.arg = 0;
	self.op = SCMP_CMP_EQ;
	self.datum_a = (scmp_datum_t)getpid();
	if (seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
	    &self) != 0)
		fatalx("sandbox: rule for tgkill");
}

static void
sandbox_seccomp(enum sandbox_profile profile)
{
	const struct call_rule	*r;
	scmp_filter_ctx		 ctx;
	size_t			 i;
	int			 error;

	if ((ctx = seccomp_init(SCMP_ACT_KILL_PROCESS)) == NULL)
		fatalx("sandbox: seccomp_init");
	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		r = &rules[i];
		if (!(r->cr_profiles & P(profile)))
			continue;
		error = seccomp_rule_add_array(ctx, r->cr_action, r->cr_call,
		    r->cr_count, r->cr_cmp);
		if (error == -EDOM)	/* not a call of this architecture */
			continue;
		if (error != 0) {
			errno = -error;
			fatal("sandbox: rule %zu", i);
		}
	}
	sandbox_abort_rule(ctx);
	/* libseccomp sets no_new_privs, and fails without the kernel's help. */
	if ((error = seccomp_load(ctx)) != 0) {
		errno = -error;
		fatal("sandbox: this kernel has no seccomp filter");
	}
	seccomp_release(ctx);
}

static void
sandbox_prove(void)
{
	if (open("/", O_RDONLY) != -1)
		fatalx("sandbox: a file could still be opened");
	if (errno != EACCES)
		fatal("sandbox: open");
}

/*
 * What is freed from now on is overwritten: calls, messages and TLS records
 * pass through buffers of libraries that do not wipe them.  (OpenBSD's malloc
 * does so unasked.)  Not from the start of the program, when LMDB takes 3 MB
 * that it hardly uses: malloc would fill them.
 */
static void
sandbox_malloc(void)
{
	(void)mallopt(M_PERTURB, PERTURB);
}

int
sandbox_enter(enum sandbox_profile profile)
{
	int	abi;

	if (profile == SANDBOX_NONE)
		return (0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		fatal("sandbox: no_new_privs");
	if (profile != SANDBOX_CTL && profile != SANDBOX_KEY)
		sandbox_malloc();
	if (profile != SANDBOX_CTL)
		sandbox_capabilities();
	abi = sandbox_landlock(profile);
	if (abi == 0)
		snprintf(describe, sizeof(describe), "seccomp, no landlock");
	else
		snprintf(describe, sizeof(describe), "seccomp, landlock abi %d",
		    abi);
	sandbox_seccomp(profile);
	sandbox_prove();
	if (abi == 0) {
		log_warnx("sandbox: this kernel has no Landlock");
		return (1);
	}
	return (0);
}

const char *
sandbox_describe(void)
{
	return (describe);
}
