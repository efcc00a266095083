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

/* sipgw's shell: the proxy on the event loop. */

#include <sys/types.h>

#include <errno.h>
#include <event.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "heap.h"
#include "hep_shell.h"
#include "log.h"
#include "proc.h"
#include "seal.h"
#include "sip_shell.h"
#include "transport.h"

#define STORE_MAP	((size_t)2 << 30)	/* address space, not memory */
#define STORE_TABLES	8
#define TRIM_CONTEXTS	500	/* set up at once: worth it */
#define TRIM_EVERY_MS	30000
#define TICK_MAX_MS	60000
#define TICK_MIN_MS	40	/* timers this near one another run together */

static int	shell_send(void *, const struct sip_flow *, const uint8_t *, size_t);
static int	shell_open(void *, uint64_t, const struct vaddr *, uint8_t, struct sip_flow *);
static int	shell_connect(void *, uint64_t, const char *, uint16_t, struct sip_flow *);
static void	shell_open_cancel(void *, uint64_t);
static int	shell_find(void *, const char *, struct sip_flow *);
static const struct names *shell_names(void *, uint64_t, uint64_t *);
static void	shell_close(void *, uint64_t);
static void	shell_retire(void *, uint64_t);
static void	shell_log(void *, enum proxy_log, const char *);
static void	shell_random(void *, void *, size_t);
static int	shell_refused(void *, const struct sip_flow *, const char *);

static void	on_input(const struct sip_flow *, const void *, size_t);
static void	on_broken(const struct sip_flow *, const void *, size_t, enum sip_error);
static void	on_opened(uint64_t, const struct sip_flow *);
static void	on_failed(uint64_t, const char *);
static void	on_gone(uint64_t);
static void	on_unreachable(const void *, size_t, const char *);
static int	on_hears(const struct sip_flow *);
static int	on_busy(uint64_t);
static uint64_t	on_utc(void);
static void	on_timer(int, short, void *);
static void	shell_trim(void);

static const struct proxy_ops proxy_ops = {
	.po_send = shell_send,
	.po_open = shell_open,
	.po_connect = shell_connect,
	.po_open_cancel = shell_open_cancel,
	.po_find = shell_find,
	.po_names = shell_names,
	.po_close = shell_close,
	.po_retire = shell_retire,
	.po_ticket = shell_ticket,
	.po_ticket_known = shell_ticket_known,
	.po_media = shell_media,
	.po_outcome = shell_outcome,
	.po_leg = shell_leg,
	.po_log = shell_log,
	.po_random = shell_random,
	.po_refused = shell_refused
};
static const struct transport_ops on_ops = {
	.to_input = on_input,
	.to_broken = on_broken,
	.to_opened = on_opened,
	.to_failed = on_failed,
	.to_gone = on_gone,
	.to_unreachable = on_unreachable,
	.to_hears = on_hears,
	.to_busy = on_busy,
	.to_now = proc_boot_ms,
	.to_utc = on_utc
};

struct shell		shell;
static struct event	tick;
static uint64_t		tick_at;	/* when it comes, boot ms; 0: it is not set */
static struct log_limit	refused_limit = { "refused requests", 20, 3000, 0, 0, 0 };
static struct log_limit	stranger_limit = { "messages of strangers inside", 20, 3000, 0, 0, 0 };
static struct log_limit	alarm_limit = { "alarms", 50, 1000, 0, 0, 0 };
static struct log_limit	info_limit = { "call decisions", 50, 1000, 0, 0, 0 };

int
shell_init(const char *dir)
{
	struct store_table	*seals;
	struct seal_keys	 keys;
	const char		*why = NULL;

	heap_setup();
	if ((shell.sh_store = store_open(dir, STORE_MAP, STORE_TABLES, &why)) == NULL) {
		log_warnx("%s: %s", dir, why != NULL ? why : strerror(errno));
		return (-1);
	}
	if ((shell.sh_rtab = rtab_new(shell.sh_store)) == NULL ||
	    (seals = store_table(shell.sh_store, "seal", 1, NULL)) == NULL) {
		log_warn("%s: routes", dir);
		return (-1);
	}
	memset(&keys, 0, sizeof(keys));
	if (seal_keys_load(&keys, seals) == -1) {
		log_warn("%s: seal keys", dir);
		return (-1);
	}
	store_event(shell.sh_store);
	if ((shell.sh_resolver = resolver_new(&why)) == NULL ||
	    (shell.sh_hop_resolver = resolver_new(&why)) == NULL) {
		log_warnx("resolver: %s", why);
		return (-1);
	}
	shell.sh_limits = limits_new();
	shell.sh_proxy = proxy_new(&proxy_ops, NULL, shell.sh_rtab, &keys, proc_boot_ms(),
	    proc_now_ms());
	seal_keys_wipe(&keys);
	if (shell.sh_limits == NULL || shell.sh_proxy == NULL ||
	    transport_init(&on_ops, shell.sh_limits, shell.sh_resolver) == -1) {
		log_warn("start");
		return (-1);
	}
	hep_init();
	evtimer_set(&tick, on_timer, NULL);
	return (0);
}

void
shell_commit(struct conf *conf)
{
	struct conf	*old = shell.sh_conf, inside = *conf;

	shell.sh_conf = conf;
	/* A PBX may well have a private address. */
	inside.c_flags |= CONF_PERMIT_PRIVATE;
	if (resolver_conf(shell.sh_resolver, conf) == -1 ||
	    resolver_conf(shell.sh_hop_resolver, &inside) == -1)
		log_warn("resolver");
	transport_conf(conf, shell.sh_next_server, shell.sh_next_client,
	    shell.sh_next_inside, shell.sh_next_hop);
	shell.sh_next_server = shell.sh_next_client = NULL;
	shell.sh_next_inside = shell.sh_next_hop = NULL;
	shell_ticket_conf();
	shell_media_conf(conf);
	shell_enter();
	proxy_conf(shell.sh_proxy, conf);
	shell_leave();
	hep_conf(conf, shell.sh_proxy);
	conf_free(old);
	shell_hops();
}

void
shell_enter(void)
{
	proxy_clock(shell.sh_proxy, proc_boot_ms(), proc_now_ms());
}

void
shell_leave(void)
{
	struct timeval	tv;
	uint64_t	now;
	int64_t		ms;

	/* A timer that is set already for that moment or before it may stay: it
	 * does no harm when it finds nothing to do. */
	if ((ms = proxy_wait(shell.sh_proxy)) == -1)
		return;
	if (ms > TICK_MAX_MS)
		ms = TICK_MAX_MS;
	if (ms < TICK_MIN_MS)
		ms = TICK_MIN_MS;
	now = proc_boot_ms();
	if (tick_at != 0 && tick_at <= now + (uint64_t)ms)
		return;
	tick_at = now + (uint64_t)ms;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000) * 1000;
	if (evtimer_add(&tick, &tv) == -1) {
		log_warnx("timer could not be set");
		tick_at = 0;
	}
}

/*
 * Each call that is set up needs several kilobytes for half a minute, of which
 * an open one keeps less than two.  After a rush the difference goes back.
 */
static void
shell_trim(void)
{
	static uint64_t	next;
	static size_t	most;
	size_t		now = proxy_contexts(shell.sh_proxy);

	if (now > most)
		most = now;
	if (most < TRIM_CONTEXTS || now > most / 4 || proc_boot_ms() < next)
		return;
	heap_trim();
	most = now;
	next = proc_boot_ms() + TRIM_EVERY_MS;
}

static void
on_timer(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	tick_at = 0;
	shell_enter();
	proxy_run(shell.sh_proxy);
	shell_leave();
	shell_trim();
}

static void
on_input(const struct sip_flow *fl, const void *p, size_t len)
{
	if (hep_on)
		hep_copy(fl, p, len, 0);
	shell_enter();
	proxy_input(shell.sh_proxy, fl, p, len);
	shell_leave();
}

static void
on_broken(const struct sip_flow *fl, const void *p, size_t len, enum sip_error err)
{
	shell_enter();
	proxy_broken(shell.sh_proxy, fl, p, len, err);
	shell_leave();
}

static void
on_opened(uint64_t id, const struct sip_flow *fl)
{
	shell_enter();
	proxy_opened(shell.sh_proxy, id, fl);
	shell_leave();
}

static void
on_failed(uint64_t id, const char *why)
{
	shell_enter();
	proxy_open_failed(shell.sh_proxy, id, why);
	shell_leave();
}

static void
on_gone(uint64_t conn)
{
	shell_enter();
	proxy_flow_gone(shell.sh_proxy, conn);
	shell_leave();
}

static int
on_hears(const struct sip_flow *fl)
{
	return (proxy_hears(shell.sh_proxy, fl));
}

static void
on_unreachable(const void *p, size_t len, const char *why)
{
	shell_enter();
	proxy_unreachable(shell.sh_proxy, p, len, why);
	shell_leave();
}

static int
on_busy(uint64_t conn)
{
	return (proxy_conn_busy(shell.sh_proxy, conn));
}

static uint64_t
on_utc(void)
{
	return (proc_now_ms() / 1000);
}

/* -- what the proxy asks for -- */

static int
shell_send(void *ctx, const struct sip_flow *fl, const uint8_t *p, size_t len)
{
	(void)ctx;
	if (transport_send(fl, p, len) == -1)
		return (-1);
	if (hep_on)
		hep_copy(fl, p, len, 1);
	return (0);
}

static int
shell_open(void *ctx, uint64_t id, const struct vaddr *va, uint8_t proto,
    struct sip_flow *fl)
{
	(void)ctx;
	return (transport_open(id, va, proto, fl));
}

static int
shell_connect(void *ctx, uint64_t id, const char *host, uint16_t port,
    struct sip_flow *fl)
{
	(void)ctx;
	return (transport_connect(id, host, port, fl));
}

static void
shell_open_cancel(void *ctx, uint64_t id)
{
	(void)ctx;
	transport_open_cancel(id);
}

static int
shell_find(void *ctx, const char *name, struct sip_flow *fl)
{
	(void)ctx;
	return (transport_find(name, fl));
}

static const struct names *
shell_names(void *ctx, uint64_t conn, uint64_t *not_after)
{
	(void)ctx;
	return (transport_names(conn, not_after));
}

static void
shell_close(void *ctx, uint64_t conn)
{
	(void)ctx;
	transport_close(conn);
}

static void
shell_retire(void *ctx, uint64_t conn)
{
	(void)ctx;
	transport_retire(conn);
}

static void
shell_log(void *ctx, enum proxy_log what, const char *line)
{
	const char	*text = log_str(line, strlen(line));

	(void)ctx;
	switch (what) {
	case PROXY_DEBUG:
		log_debug("%s", text);
		break;
	case PROXY_INFO:
		if (log_allow(&info_limit, proc_boot_ms()))
			log_info("%s", text);
		break;
	case PROXY_REFUSED:
		if (log_allow(&refused_limit, proc_boot_ms()))
			log_info("%s", text);
		break;
	case PROXY_STRANGER:
		if (log_allow(&stranger_limit, proc_boot_ms()))
			log_info("%s", text);
		break;
	case PROXY_ALARM:
		if (log_allow(&alarm_limit, proc_boot_ms()))
			log_warnx("%s", text);
		break;
	}
}

static void
shell_random(void *ctx, void *p, size_t len)
{
	/* Tags, branches and nonces are a few bytes each: a system call for many
	 * of them.  What was handed out is wiped. */
	static uint8_t	pool[1024];
	static size_t	left;

	(void)ctx;
	if (len > sizeof(pool) / 4) {
		randombytes_buf(p, len);
		return;
	}
	if (left < len) {
		randombytes_buf(pool, sizeof(pool));
		left = sizeof(pool);
	}
	left -= len;
	memcpy(p, pool + left, len);
	explicit_bzero(pool + left, len);
}

static int
shell_refused(void *ctx, const struct sip_flow *fl, const char *name)
{
	(void)ctx;
	if (limits_refused(shell.sh_limits, &fl->fl_peer, name, proc_boot_ms()) == 0)
		return (0);
	transport_close_peer(&fl->fl_peer, name);
	return (1);
}
