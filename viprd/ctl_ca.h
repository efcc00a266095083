/* SPDX-License-Identifier: ISC */
/* viprctl ca: an overlay's certificates and configuration document, offline. */
#ifndef CTL_CA_H
#define CTL_CA_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stddef.h>
#include <stdint.h>

#include "vipr.h"

/*
 * argv[0] is "ca", argv[1] the command: init, sign, config, show.  Needs no
 * daemon and no socket.  Returns the exit status; errors are on stderr.
 */
int	ctl_ca(int argc, char **argv);

/* -- between ctl_ca.c and ctl_ca_x509.c -- */

enum ca_keytype { CA_P256 = 1, CA_RSA = 2 };

EVP_PKEY *ca_key_make(enum ca_keytype);
/* Self-signed root of an overlay; NULL: OpenSSL's error queue says why. */
X509	*ca_root_make(EVP_PKEY *, const char *overlay, unsigned days);
/* Node certificate for a public key. */
X509	*ca_node_make(EVP_PKEY *pub, const uint8_t node[NODEID_LEN],
	    const char *user, const char *overlay, X509 *root, EVP_PKEY *rootkey,
	    unsigned days);
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
