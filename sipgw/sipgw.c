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
 * sipgw, the SIP border process: its place among the processes.  The rules of
 * calls are in the proxy (proxy*.c, border*.c), sockets in transport*.c.
 */

#include <sys/types.h>

#include <stddef.h>
#include <string.h>

#include "chan.h"
#include "pkremote.h"
#include "proc.h"
#include "sandbox.h"
#include "sip_shell.h"
#include "vipr.h"

static int	sipgw_init(const char *);
static const struct imsg_rule *sipgw_rules(enum vipr_role);
static void	sipgw_peer(enum vipr_role, struct chan *);
static void	sipgw_shutdown(void);

static const struct imsg_rule no_rules[] = {
	{ IMSG_NONE, 0, 0, 0, NULL }
};

static const struct proc_ops ops = {
	.po_role = ROLE_SIP,
	.po_name = "sipgw",
	.po_init = sipgw_init,
	.po_conf_check = shell_check,
	.po_conf_commit = shell_commit,
	.po_conf_abort = shell_abort,
	.po_rules = sipgw_rules,
	.po_peer = sipgw_peer,
	.po_shutdown = sipgw_shutdown,
	.po_sandbox = SANDBOX_SIP
};

static int
sipgw_init(const char *dir)
{
	pkremote_init(proc_sign);
	return (shell_init(dir));
}

static const struct imsg_rule *
sipgw_rules(enum vipr_role peer)
{
	switch (peer) {
	case ROLE_KEY:
		return (shell_rules_key);
	case ROLE_CONTROL:
		return (shell_rules_control);
	case ROLE_PARENT:
	case ROLE_OVERLAY:
		return (no_rules);
	default:
		return (NULL);
	}
}

static void
sipgw_peer(enum vipr_role peer, struct chan *ch)
{
	if (peer == ROLE_KEY)
		shell_key_peer(ch);
}

static void
sipgw_shutdown(void)
{
	/* Routes are on disk; calls that are up are not records. */
	rtab_free(shell.sh_rtab);
	store_close(shell.sh_store);
}

int
main(int argc, char **argv)
{
	proc_child(argc, argv, &ops);
}
