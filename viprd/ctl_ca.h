/* SPDX-License-Identifier: ISC */
/* viprctl ca: an overlay's certificates and configuration document, offline. */
#ifndef CTL_CA_H
#define CTL_CA_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "reload_cert.h"
#include "reload_conf.h"
#include "vipr.h"

/*
 * argv[0] is "ca", argv[1] the command: init, sign, self, config, show.  Needs no
 * daemon and no socket.  Returns the exit status; errors are on stderr.
 */
int	ctl_ca(int argc, char **argv);

/* -- between ctl_ca.c, ctl_ca_config.c, ctl_ca_self.c and ctl_ca_x509.c -- */

#define CA_PATH_SIZE	1024
#define CA_HEX_SIZE	(2 * NODEID_LEN + 1)
#define CA_NODE_DAYS	397
#define CA_NO_ENROLL	"none"

/* Options of all commands. */
struct ca_opts {
	int		 op_force;
	int		 op_renew;	/* -r */
	int		 op_rsa;
	int		 op_selfset;	/* -S was given */
	enum reload_digest op_self;
	unsigned	 op_days;
	const char	*op_out;
	const char	*op_user;
	const char	*op_csr;
	struct vaddr	 op_boot[RELOAD_BOOT_MAX];
	size_t		 op_boots;
	uint8_t		 op_bad[64][NODEID_LEN];	/* -x */
	size_t		 op_bads;
	uint8_t		 op_good[64][NODEID_LEN];	/* -X */
	size_t		 op_goods;
	const char	*op_enroll[RELOAD_ENROLL_MAX];	/* -e */
	size_t		 op_enrolls;
	uint32_t	 op_update, op_lifetime, op_quota;
};

/* Prints the usage; 1. */
int	 ca_usage(void);
/* Those of spec, as getopt(3) takes it; optind is then at the arguments.  0, or
 * -1 after a message. */
int	 ca_options(int argc, char **argv, const char *spec, struct ca_opts *);
/* dir/name in buf (CA_PATH_SIZE bytes), which is returned; too long: exits. */
const char *ca_path(char *buf, const char *dir, const char *name);
/* OpenSSL's error as a message about what. */
void	 ca_ssl_warn(const char *what);
/* A Node-ID as text, CA_HEX_SIZE bytes. */
void	 ca_hex_node(char *buf, const uint8_t *node);
/* The commands; exit status. */
int	 ca_config(int argc, char **argv);
int	 ca_show(int argc, char **argv);
int	 ca_self(int argc, char **argv);

enum ca_keytype { CA_P256 = 1, CA_RSA = 2 };

EVP_PKEY *ca_key_make(enum ca_keytype);
/* Self-signed root of an overlay; NULL: OpenSSL's error queue says why. */
X509	*ca_root_make(EVP_PKEY *, const char *overlay, unsigned days);
/* Node certificate for a public key. */
X509	*ca_node_make(EVP_PKEY *pub, const uint8_t node[NODEID_LEN],
	    const char *user, const char *overlay, X509 *root, EVP_PKEY *rootkey,
	    unsigned days);
/* Self-signed, its Node-ID the digest of its key (RFC 6940, 11.3.1); node is
 * set.  NULL: OpenSSL's error queue says why. */
X509	*ca_self_make(EVP_PKEY *, enum reload_digest, const char *user,
	    const char *overlay, unsigned days, uint8_t node[NODEID_LEN]);
/* The digest that makes the Node-ID of a self-signed certificate;
 * RELOAD_SELF_NO: it is none such. */
enum reload_digest ca_self_digest(X509 *, const struct reload_cert *);
/* "sha1", "sha256" or "no". */
const char *ca_self_str(enum reload_digest);
/* PEM files.  A key is written 0600, a certificate 0644; an existing file is
 * only replaced when force is set.  0, or -1 after a message. */
int	 ca_key_write(const char *path, EVP_PKEY *, int force);
int	 ca_cert_write(const char *path, X509 *, int force);
/* NULL after a message. */
EVP_PKEY *ca_key_read(const char *path);
X509	*ca_cert_read(const char *path);
X509_REQ *ca_req_read(const char *path);
/* Bytes to a file, whole or not at all.  mode 0600 or 0644. */
int	 ca_file_write(const char *path, const void *, size_t, unsigned mode,
	    int force);
/* NULL after a message; *len bytes and a NUL. */
char	*ca_file_read(const char *path, size_t max, size_t *len);

#endif
