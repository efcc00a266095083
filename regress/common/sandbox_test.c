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
 * Tests of common/sandbox_linux.c: what each kind of process may do, and that
 * everything else is refused or kills it.  Each attempt runs in a process of
 * its own.
 */

#include <sys/types.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <arpa/inet.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"

#define KEY	(1U << SANDBOX_KEY)
#define CONTROL	(1U << SANDBOX_CONTROL)
#define OVERLAY	(1U << SANDBOX_OVERLAY)
#define PVP	(1U << SANDBOX_PVP)
#define SIP	(1U << SANDBOX_SIP)
#define CTL	(1U << SANDBOX_CTL)
#define TCP	(OVERLAY | PVP | SIP)
#define DAEMON	(KEY | CONTROL | TCP)
#define ALL	(DAEMON | CTL)
#define STORE	(KEY | OVERLAY | SIP)

#define DONE	0	/* it could be done */
#define KILLED	1000	/* by SIGSYS */
/* otherwise: the errno it failed with */

static int	data_fd, pair_fd[2], listen_fd;

static int	attempt(enum sandbox_profile, int (*)(void));
static int	check_status(void);
static void	expect(const char *, int (*)(void), unsigned, int);
static void	prepare(void);

/* Attempts: 0, or -1 with errno. */
#define ATTEMPT(name, expr)						\
static int								\
name(void)								\
{									\
	return ((expr) == -1 ? -1 : 0);					\
}

ATTEMPT(do_open, open("/etc/passwd", O_RDONLY))
ATTEMPT(do_open_write, open("sandbox.out", O_WRONLY | O_CREAT, 0600))
ATTEMPT(do_openat, syscall(SYS_openat, AT_FDCWD, ".", O_RDONLY))
ATTEMPT(do_open_mem, open("/proc/self/mem", O_RDWR))
ATTEMPT(do_open_environ, open("/proc/self/environ", O_RDONLY))
ATTEMPT(do_open_status, open("/proc/1/status", O_RDONLY))
ATTEMPT(do_access, access("/etc/passwd", R_OK))
ATTEMPT(do_unlink, unlink("sandbox.out"))
ATTEMPT(do_rename, rename("a", "b"))
ATTEMPT(do_mkdir, mkdir("d", 0700))
ATTEMPT(do_chdir, chdir("/"))
ATTEMPT(do_chroot, chroot("/"))
ATTEMPT(do_fork, fork())
ATTEMPT(do_vfork, syscall(SYS_vfork))
ATTEMPT(do_clone3, syscall(SYS_clone3, NULL, 0))
ATTEMPT(do_exec, execl("/bin/true", "true", (char *)NULL))
ATTEMPT(do_ptrace, ptrace(PTRACE_ATTACH, getppid(), NULL, NULL))
ATTEMPT(do_vm_readv, syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0))
ATTEMPT(do_setuid, setuid(0))
ATTEMPT(do_setresuid, setresuid(1, 1, 1))
ATTEMPT(do_setgid, setgid(0))
ATTEMPT(do_kill, kill(getppid(), 0))
ATTEMPT(do_tgkill, syscall(SYS_tgkill, getppid(), getppid(), 0))
ATTEMPT(do_prctl, syscall(SYS_prctl, 4, 1, 0, 0, 0))
ATTEMPT(do_unshare, syscall(SYS_unshare, 0x10000000))
ATTEMPT(do_mount, syscall(SYS_mount, "a", "b", "c", 0, NULL))
ATTEMPT(do_bpf, syscall(SYS_bpf, 0, NULL, 0))
ATTEMPT(do_io_uring, syscall(SYS_io_uring_setup, 1, NULL))
ATTEMPT(do_userfaultfd, syscall(SYS_userfaultfd, 0))
ATTEMPT(do_rlimit, syscall(SYS_prlimit64, 0, 7, "0123456789abcdef", NULL))
ATTEMPT(do_unix, socket(AF_UNIX, SOCK_STREAM, 0))
ATTEMPT(do_tcp, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))
ATTEMPT(do_tcp6, socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP))
ATTEMPT(do_sctp, socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP))
ATTEMPT(do_udp, socket(AF_INET, SOCK_DGRAM, 0))
ATTEMPT(do_udp6, socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP))
ATTEMPT(do_raw, socket(AF_INET, SOCK_RAW, IPPROTO_ICMP))
ATTEMPT(do_netlink, socket(AF_NETLINK, SOCK_RAW, 0))
ATTEMPT(do_packet, socket(AF_PACKET, SOCK_RAW, 0))
ATTEMPT(do_listen, listen(listen_fd, 5))
ATTEMPT(do_accept, accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC) == -1 && errno == EAGAIN ? 0 : -1)
ATTEMPT(do_dup, dup(data_fd))
ATTEMPT(do_pwrite, pwrite(data_fd, "x", 1, 0))
ATTEMPT(do_fdatasync, fdatasync(data_fd))
ATTEMPT(do_ftruncate, ftruncate(data_fd, 10))
ATTEMPT(do_setown, fcntl(data_fd, F_SETOWN, getppid()))
ATTEMPT(do_tiocsti, syscall(SYS_ioctl, 0, 0x5412, "x"))

static int
do_mmap_exec(void)
{
	return (mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
}

static int
do_mprotect_exec(void)
{
	void	*p;

	if ((p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) == MAP_FAILED)
		return (-1);
	return (mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int
do_bind(void)
{
	struct sockaddr_in	sin;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return (bind(listen_fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 &&
	    errno != EINVAL ? -1 : 0);		/* EINVAL: it has one */
}

static int
do_sendto_address(void)
{
	struct sockaddr_un	sun;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	sun.sun_path[1] = 'x';
	(void)sendto(pair_fd[0], "x", 1, MSG_DONTWAIT,
	    (struct sockaddr *)&sun, sizeof(sun));
	return (0);
}

/* What every process does all day. */
static int
do_ordinary(void)
{
	struct timespec	 ts;
	struct msghdr	 msg;
	struct iovec	 iov;
	char		 buf[16];
	void		*p;
	int		 i;

	memset(&msg, 0, sizeof(msg));
	iov.iov_base = buf;
	iov.iov_len = 1;
	buf[0] = 'x';
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	if (sendmsg(pair_fd[0], &msg, 0) != 1 ||
	    recvmsg(pair_fd[1], &msg, 0) != 1 ||
	    write(pair_fd[0], "x", 1) != 1 || read(pair_fd[1], buf, 1) != 1)
		return (-1);
	for (i = 0; i < 8; i++) {
		if ((p = malloc((size_t)1 << (i * 3))) == NULL)
			return (-1);
		memset(p, i, (size_t)1 << (i * 3));
		free(p);
	}
	if (clock_gettime(CLOCK_BOOTTIME, &ts) == -1 ||
	    getrandom(buf, sizeof(buf), 0) == -1 ||
	    fcntl(pair_fd[0], F_GETFL) == -1)
		return (-1);
	return (0);
}

static int
do_abort(void)
{
	abort();
}

static int
attempt(enum sandbox_profile profile, int (*f)(void))
{
	pid_t	pid;
	int	status;

	fflush(NULL);
	if ((pid = fork()) == -1)
		atf_tc_fail("fork");
	if (pid == 0) {
		log_init_stderr("sandbox_test", 0);
		(void)sandbox_enter(profile);
		errno = 0;
		_exit(f() == -1 ? (errno ? errno : 255) : 0);
	}
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	if (WIFSIGNALED(status))
		return (WTERMSIG(status) == SIGSYS ? KILLED :
		    2000 + WTERMSIG(status));
	return (WEXITSTATUS(status));
}

/* Those in allowed can do it, the others end as said. */
static void
expect(const char *name, int (*f)(void), unsigned allowed, int otherwise)
{
	int	got, want, i;

	for (i = SANDBOX_KEY; i <= SANDBOX_CTL; i++) {
		want = allowed & (1U << i) ? DONE : otherwise;
		got = attempt((enum sandbox_profile)i, f);
		ATF_CHECK_EQ_MSG(want, got, "%s, profile %d: %d, not %d",
		    name, i, got, want);
	}
}
#define EXPECT(f, allowed, otherwise)	expect(#f, f, allowed, otherwise)

static void
prepare(void)
{
	struct sockaddr_in	sin;

	ATF_REQUIRE((data_fd = open("data", O_RDWR | O_CREAT, 0600)) != -1);
	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, pair_fd));
	ATF_REQUIRE((listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK,
	    0)) != -1);
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ATF_REQUIRE_EQ(0, bind(listen_fd, (struct sockaddr *)&sin,
	    sizeof(sin)));
	ATF_REQUIRE_EQ(0, listen(listen_fd, 5));
}

ATF_TC_WITHOUT_HEAD(files);
ATF_TC_BODY(files, tc)
{
	prepare();
	EXPECT(do_open, 0, EACCES);
	EXPECT(do_open_write, 0, EACCES);
	EXPECT(do_openat, 0, EACCES);
	EXPECT(do_open_mem, 0, EACCES);
	EXPECT(do_open_environ, 0, EACCES);
	EXPECT(do_open_status, 0, EACCES);
	EXPECT(do_access, 0, EACCES);
	EXPECT(do_unlink, 0, KILLED);
	EXPECT(do_rename, 0, KILLED);
	EXPECT(do_mkdir, 0, KILLED);
	EXPECT(do_chdir, 0, KILLED);
	EXPECT(do_chroot, 0, KILLED);
	EXPECT(do_mount, 0, KILLED);
	EXPECT(do_pwrite, STORE, KILLED);
	EXPECT(do_fdatasync, STORE, KILLED);
	EXPECT(do_ftruncate, STORE, KILLED);
	EXPECT(do_dup, DAEMON, KILLED);
	EXPECT(do_setown, 0, KILLED);
	EXPECT(do_tiocsti, 0, KILLED);
}

ATF_TC_WITHOUT_HEAD(processes);
ATF_TC_BODY(processes, tc)
{
	prepare();
	EXPECT(do_fork, 0, KILLED);
	EXPECT(do_vfork, 0, KILLED);
	EXPECT(do_clone3, 0, KILLED);
	EXPECT(do_exec, 0, KILLED);
	EXPECT(do_ptrace, 0, KILLED);
	EXPECT(do_vm_readv, 0, KILLED);
	EXPECT(do_setuid, 0, KILLED);
	EXPECT(do_setresuid, 0, KILLED);
	EXPECT(do_setgid, 0, KILLED);
	EXPECT(do_kill, 0, KILLED);
	EXPECT(do_tgkill, 0, KILLED);
	EXPECT(do_prctl, 0, KILLED);
	EXPECT(do_unshare, 0, KILLED);
	EXPECT(do_bpf, 0, KILLED);
	EXPECT(do_io_uring, 0, KILLED);
	EXPECT(do_userfaultfd, 0, KILLED);
	EXPECT(do_rlimit, 0, KILLED);
	EXPECT(do_mmap_exec, 0, KILLED);
	EXPECT(do_mprotect_exec, 0, KILLED);
}

ATF_TC_WITHOUT_HEAD(sockets);
ATF_TC_BODY(sockets, tc)
{
	prepare();
	EXPECT(do_tcp, TCP, KILLED);
	EXPECT(do_tcp6, TCP, KILLED);
	EXPECT(do_udp, SIP, KILLED);
	EXPECT(do_udp6, SIP, KILLED);
	EXPECT(do_sctp, 0, KILLED);
	EXPECT(do_unix, 0, KILLED);
	EXPECT(do_raw, 0, KILLED);
	EXPECT(do_netlink, 0, KILLED);
	EXPECT(do_packet, 0, KILLED);
	EXPECT(do_listen, 0, KILLED);
	EXPECT(do_accept, TCP | CONTROL, KILLED);
	EXPECT(do_bind, TCP, KILLED);
	EXPECT(do_sendto_address, TCP, KILLED);
}

ATF_TC_WITHOUT_HEAD(ordinary);
ATF_TC_BODY(ordinary, tc)
{
	int	i;

	prepare();
	EXPECT(do_ordinary, ALL, DONE);
	for (i = SANDBOX_KEY; i <= SANDBOX_CTL; i++)
		ATF_CHECK_EQ(2000 + SIGABRT,
		    attempt((enum sandbox_profile)i, do_abort));
	ATF_CHECK_EQ(0, sandbox_enter(SANDBOX_NONE));
	ATF_CHECK_EQ(DONE, attempt(SANDBOX_NONE, do_open));
}

/* No new privileges, a filter, and no capability left even for root. */
static int
check_status(void)
{
	char	buf[4096];
	ssize_t	n;

	if ((n = read(data_fd, buf, sizeof(buf) - 1)) <= 0)
		return (-1);
	buf[n] = '\0';
	if (strstr(buf, "NoNewPrivs:\t1") == NULL ||
	    strstr(buf, "Seccomp:\t2") == NULL ||
	    strstr(buf, "CapEff:\t0000000000000000") == NULL ||
	    strstr(buf, "CapPrm:\t0000000000000000") == NULL)
		return (-1);
	return (strcmp(sandbox_describe(), "none") == 0 ? -1 : 0);
}

ATF_TC_WITHOUT_HEAD(status);
ATF_TC_BODY(status, tc)
{
	pid_t	pid;
	int	st, i;

	for (i = SANDBOX_KEY; i <= SANDBOX_SIP; i++) {
		if ((pid = fork()) == 0) {
			data_fd = open("/proc/self/status", O_RDONLY);
			(void)sandbox_enter((enum sandbox_profile)i);
			_exit(check_status() == -1);
		}
		ATF_REQUIRE_EQ(pid, waitpid(pid, &st, 0));
		ATF_CHECK_MSG(WIFEXITED(st) && WEXITSTATUS(st) == 0,
		    "profile %d", i);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, files);
	ATF_TP_ADD_TC(tp, processes);
	ATF_TP_ADD_TC(tp, sockets);
	ATF_TP_ADD_TC(tp, ordinary);
	ATF_TP_ADD_TC(tp, status);
	return (atf_no_error());
}
