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
 * The counterpart of ovring.c: a ring of OpenDHT nodes on loopback, each a
 * process of its own, without identities and encryption as the library comes.
 *
 *   dhtring NODES KEYS
 *
 * Values are put, then commands come on standard input:
 *   get COUNT WINDOW   gets of random keys by random nodes that do not hold
 *                      them; answer: CPU of all nodes (s), time (s), failures
 *   sum                latency of the gets made one at a time, memory a node
 */

#include <opendht.h>

#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include <err.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#define PORT_BASE	31000
#define VALUE_LEN	64
#define SETTLE_S	10
#define PUT_WINDOW	16
#define HOLDERS		8	/* OpenDHT stores a value at so many nodes */

enum { CMD_PUT = 1, CMD_GET = 2 };

/* Both ways over a node's socket. */
struct word {
	uint32_t	 w_cmd, w_key, w_id, w_ok;
};

struct node {
	pid_t		 n_pid;
	int		 n_fd;
	dht::InfoHash	 n_id;
};

struct flight {
	bool		 f_busy;
	double		 f_at;
};

static std::vector<node> nodes;
static uint64_t	 seed = 1;

static double
now_s()
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double(ts.tv_sec) + double(ts.tv_nsec) / 1e9);
}

static uint32_t
rnd(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t(seed >> 33) % below);
}

static dht::InfoHash
key_of(uint32_t key)
{
	return (dht::InfoHash::get("number " + std::to_string(key)));
}

/* -- one node -- */

static void
answer(int fd, word w, bool ok)
{
	w.w_ok = ok;
	if (write(fd, &w, sizeof(w)) != ssize_t(sizeof(w)))
		_exit(1);
}

[[noreturn]] static void
node_run(int fd, unsigned index)
{
	dht::DhtRunner		 runner;
	dht::DhtRunner::Config	 config {};
	std::vector<uint8_t>	 data(VALUE_LEN, 'v');
	word			 w;

	config.threaded = true;
	config.dht_config.node_config.max_req_per_sec = -1;
	config.dht_config.node_config.max_peer_req_per_sec = -1;
	runner.run(in_port_t(PORT_BASE + index), config);
	if (index > 0)
		runner.bootstrap("127.0.0.1", std::to_string(PORT_BASE));
	dht::InfoHash id = runner.getNodeId();
	if (write(fd, id.data(), id.size()) != ssize_t(id.size()))
		_exit(1);
	while (read(fd, &w, sizeof(w)) == ssize_t(sizeof(w))) {
		if (w.w_cmd == CMD_PUT) {
			runner.put(key_of(w.w_key), std::make_shared<dht::Value>(data),
			    [fd, w](bool ok) { answer(fd, w, ok); });
		} else {
			auto	 found = std::make_shared<bool>(false);

			/* The first value is enough. */
			runner.get(key_of(w.w_key), dht::GetCallback(
			    [found](const std::vector<std::shared_ptr<dht::Value>> &v) {
				if (!v.empty())
					*found = true;
				return (v.empty());
			    }), dht::DoneCallbackSimple([fd, w, found](bool) {
				answer(fd, w, *found);
			    }));
		}
	}
	_exit(0);
}

static void
node_start(unsigned index)
{
	int	 sv[2];
	pid_t	 pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1 ||
	    (pid = fork()) == -1)
		err(1, "node %u", index);
	/* As a program of its own: one that was only forked would share, and
	 * not seem to need, what was loaded before. */
	if (pid == 0) {
		(void)dup2(sv[1], STDIN_FILENO);
		execl("/proc/self/exe", "dhtring", "node",
		    std::to_string(index).c_str(), (char *)NULL);
		_exit(127);
	}
	close(sv[1]);
	nodes.push_back({ pid, sv[0], {} });
	if (read(sv[0], nodes.back().n_id.data(), dht::InfoHash::size()) !=
	    ssize_t(dht::InfoHash::size()))
		errx(1, "node %u has ended", index);
}

/* -- all of them -- */

static double
cpu_sum()
{
	struct timespec	 ts;
	clockid_t	 id;
	double		 sum = 0;

	for (const auto &n : nodes) {
		if (clock_getcpuclockid(n.n_pid, &id) != 0 ||
		    clock_gettime(id, &ts) == -1)
			errx(1, "no CPU time of process %ld", long(n.n_pid));
		sum += double(ts.tv_sec) + double(ts.tv_nsec) / 1e9;
	}
	return (sum);
}

static double
memory_mb()
{
	char	 path[64], text[256];
	double	 sum = 0;
	long	 kb;
	FILE	*f;

	for (const auto &n : nodes) {
		snprintf(path, sizeof(path), "/proc/%ld/status", long(n.n_pid));
		if ((f = fopen(path, "r")) == NULL)
			err(1, "%s", path);
		while (fgets(text, sizeof(text), f) != NULL)
			if (sscanf(text, "VmRSS: %ld", &kb) == 1)
				sum += double(kb) / 1024;
		fclose(f);
	}
	return (sum / double(nodes.size()));
}

/*
 * count commands, window of them under way; how many failed.  next fills in the
 * key and says which node; times gets the latencies, ms.
 */
template <typename Next> static uint64_t
work(uint32_t cmd, unsigned count, unsigned window, Next next, std::vector<double> *times)
{
	std::vector<struct pollfd>	 pfd(nodes.size());
	std::vector<flight>		 flights(window, flight { false, 0 });
	unsigned			 asked = 0, done = 0, busy = 0;
	uint64_t			 failed = 0;
	word				 w;

	while (done < count) {
		for (unsigned i = 0; i < window && asked < count && busy < window; i++) {
			if (flights[i].f_busy)
				continue;
			memset(&w, 0, sizeof(w));
			w.w_cmd = cmd;
			w.w_id = i;
			unsigned at = next(asked, &w.w_key);
			flights[i].f_busy = true;
			flights[i].f_at = now_s();
			if (write(nodes[at].n_fd, &w, sizeof(w)) != ssize_t(sizeof(w)))
				err(1, "node %u", at);
			asked++;
			busy++;
		}
		for (size_t i = 0; i < nodes.size(); i++)
			pfd[i] = { nodes[i].n_fd, POLLIN, 0 };
		if (poll(pfd.data(), pfd.size(), 60000) <= 0)
			errx(1, "no answer within a minute");
		for (const auto &p : pfd) {
			if ((p.revents & (POLLIN | POLLHUP)) == 0)
				continue;
			if (read(p.fd, &w, sizeof(w)) != ssize_t(sizeof(w)) ||
			    w.w_id >= window)
				errx(1, "a node has ended");
			if (times != nullptr)
				times->push_back((now_s() - flights[w.w_id].f_at) * 1e3);
			flights[w.w_id].f_busy = false;
			failed += w.w_ok == 0;
			busy--;
			done++;
		}
	}
	return (failed);
}

/* Is that node one of those nearest to the key, who hold it? */
static bool
holds(unsigned at, uint32_t key)
{
	dht::InfoHash	 k = key_of(key);
	unsigned	 nearer = 0;

	for (const auto &n : nodes)
		nearer += k.xorCmp(n.n_id, nodes[at].n_id) < 0;
	return (nearer < HOLDERS);
}

static double
percentile(std::vector<double> &times, double p)
{
	if (times.empty())
		return (0);
	std::sort(times.begin(), times.end());
	return (times[size_t(p * double(times.size() - 1))]);
}

static void
serve(std::vector<unsigned> &putter)
{
	std::vector<double>	 times;
	char			 text[128];
	unsigned		 count, window;

	while (fgets(text, sizeof(text), stdin) != NULL) {
		if (sscanf(text, "get %u %u", &count, &window) == 2 && window > 0) {
			double cpu = cpu_sum(), at = now_s();
			uint64_t failed = work(CMD_GET, count, window,
			    [&](unsigned, uint32_t *key) {
				unsigned who;

				do {
					*key = rnd(uint32_t(putter.size()));
					who = rnd(uint32_t(nodes.size()));
				} while (who == putter[*key] || holds(who, *key));
				return (who);
			    }, window == 1 ? &times : nullptr);
			printf("%.6f %.6f %llu\n", cpu_sum() - cpu, now_s() - at,
			    (unsigned long long)failed);
		} else
			printf("p50_ms=%.2f p99_ms=%.2f rss_mb=%.1f\n",
			    percentile(times, 0.5), percentile(times, 0.99), memory_mb());
		fflush(stdout);
	}
}

int
main(int argc, char **argv)
{
	unsigned	 n, keys;

	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && strcmp(argv[1], "node") == 0)
		node_run(STDIN_FILENO, unsigned(atoi(argv[2])));
	if (argc != 3 || (n = unsigned(atoi(argv[1]))) < 2 || n > 64 ||
	    (keys = unsigned(atoi(argv[2]))) < 1)
		errx(1, "usage: dhtring nodes keys");
	nodes.reserve(n);
	for (unsigned i = 0; i < n; i++)
		node_start(i);
	std::this_thread::sleep_for(std::chrono::seconds(SETTLE_S));

	std::vector<unsigned> putter(keys);
	uint64_t failed = work(CMD_PUT, keys, PUT_WINDOW, [&](unsigned i, uint32_t *key) {
		*key = i;
		return (putter[i] = rnd(n));
	    }, nullptr);
	if (failed > 0)
		warnx("%llu values could not be put", (unsigned long long)failed);
	serve(putter);
	for (const auto &x : nodes)
		kill(x.n_pid, SIGKILL);
	return (0);
}
