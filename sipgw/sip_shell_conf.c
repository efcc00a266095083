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

/* sipgw's shell: a new configuration is checked here, and hop names looked up. */

#include <sys/types.h>

#include <event.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "names.h"
#include "proc.h"
#include "sip_shell.h"
#include "tlsconn.h"

#define HOPS_AGAIN_S	60
#define HOPS_MAX	64

/* A hop whose name is being looked up; found again by place and generation. */
struct hop_query {
	uint64_t	 hq_id;
	char		 hq_host[DOMAIN_SIZE];
};

static SSL_CTX	*shell_ctx(const struct conf_blob *, uint16_t, int, X509_STORE *, char *,
		    size_t);
static void	 shell_drop(void);
static void	 hop_resolved(enum resolve_error, const struct vaddr *, size_t, void *);
static void	 hops_again(int, short, void *);

static struct event	again;
static int		again_set;
static struct hop_query	queries[HOPS_MAX];

static void
shell_drop(void)
{
	SSL_CTX_free(shell.sh_next_server);
	SSL_CTX_free(shell.sh_next_client);
	SSL_CTX_free(shell.sh_next_inside);
	shell.sh_next_server = shell.sh_next_client = shell.sh_next_inside = NULL;
}

/* Context of one face; roots NULL: inside, where no peer shows a certificate. */
static SSL_CTX *
shell_ctx(const struct conf_blob *cert, uint16_t keyid, int server, X509_STORE *roots,
    char *why, size_t size)
{
	const char	*text = "cannot be used";
	SSL_CTX		*ctx;

	ctx = tlsconn_ctx(cert->cb_data, cert->cb_len, keyid, server, &text);
	if (ctx == NULL) {
		(void)snprintf(why, size, "certificate %s: %s", cert->cb_path, text);
		return (NULL);
	}
	if (roots != NULL && names_ctx(ctx, roots, server) == -1) {
		(void)snprintf(why, size, "certificate %s: TLS set-up failed",
		    cert->cb_path);
		SSL_CTX_free(ctx);
		return (NULL);
	}
	return (ctx);
}

int
shell_check(struct conf *conf, char *why, size_t size)
{
	const struct conf_listen *cl;
	const struct conf_hop	*ch;
	X509_STORE		*roots;
	const char		*text = "cannot be read";
	unsigned		 n = 0;

	shell_drop();
	TAILQ_FOREACH(ch, &conf->c_hops, ch_entry) {
		if (ch->ch_proto == SIP_TLS) {
			(void)snprintf(why, size, "%s %s: tls towards a hop is not "
			    "supported, use tcp or udp", ch->ch_trunk ? "trunk" : "pbx",
			    ch->ch_name);
			return (-1);
		}
	}
	if (conf->c_flags & CONF_OUTSIDE_ON) {
		roots = names_roots(conf->c_sip_ca.cb_data, conf->c_sip_ca.cb_len, &n, &text);
		if (roots == NULL) {
			(void)snprintf(why, size, "sip ca %s: %s", conf->c_sip_ca.cb_path,
			    text);
			return (-1);
		}
		shell.sh_next_server = shell_ctx(&conf->c_sip_cert, KEYID_SIP, 1, roots,
		    why, size);
		if (shell.sh_next_server != NULL)
			shell.sh_next_client = shell_ctx(&conf->c_sip_cert, KEYID_SIP, 0,
			    roots, why, size);
		X509_STORE_free(roots);
		if (shell.sh_next_client == NULL) {
			shell_drop();
			return (-1);
		}
	}
	TAILQ_FOREACH(cl, &conf->c_listens, cl_entry) {
		if (cl->cl_use != LISTEN_SIP || cl->cl_face != FACE_INSIDE ||
		    cl->cl_proto != SIP_TLS || shell.sh_next_inside != NULL)
			continue;
		shell.sh_next_inside = shell_ctx(&conf->c_inside_cert, KEYID_SIP_INSIDE, 1,
		    NULL, why, size);
		if (shell.sh_next_inside == NULL) {
			shell_drop();
			return (-1);
		}
	}
	return (0);
}

void
shell_abort(struct conf *conf)
{
	(void)conf;
	shell_drop();
}

/* -- hops by name -- */

static void
hop_resolved(enum resolve_error err, const struct vaddr *va, size_t n, void *arg)
{
	struct hop_query	*hq = arg;

	hq->hq_id = 0;
	if (err != RESOLVE_OK || n == 0) {
		log_warnx("%s: %s", log_str(hq->hq_host, strlen(hq->hq_host)),
		    resolve_str(err));
		return;
	}
	shell_enter();
	proxy_hop_addr(shell.sh_proxy, hq->hq_host, &va[0]);
	shell_leave();
}

static void
hops_again(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	shell_hops();
}

/* Names of PBXs and trunks, from `host` entries or DNS; again each minute. */
void
shell_hops(void)
{
	struct timeval		 tv = { HOPS_AGAIN_S, 0 };
	const struct conf_hop	*ch;
	size_t			 i, n = 0;

	for (i = 0; i < HOPS_MAX; i++) {
		if (queries[i].hq_id != 0)
			resolve_cancel(shell.sh_hop_resolver, queries[i].hq_id);
		queries[i].hq_id = 0;
	}
	TAILQ_FOREACH(ch, &shell.sh_conf->c_hops, ch_entry) {
		if (ch->ch_addr.va_family != 0 || n == HOPS_MAX)
			continue;
		(void)strlcpy(queries[n].hq_host, ch->ch_host, sizeof(queries[n].hq_host));
		queries[n].hq_id = resolve(shell.sh_hop_resolver, ch->ch_host,
		    ch->ch_addr.va_port != 0 ? ch->ch_addr.va_port : 5060, hop_resolved,
		    &queries[n]);
		n++;
	}
	if (n == 0)
		return;
	if (!again_set)
		evtimer_set(&again, hops_again, NULL);
	again_set = 1;
	(void)evtimer_add(&again, &tv);
}
