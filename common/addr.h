/* SPDX-License-Identifier: ISC */
/* Transport addresses as they stand in messages and configuration. */
#ifndef ADDR_H
#define ADDR_H

#include <sys/types.h>
#include <sys/socket.h>

#include <stddef.h>
#include <stdint.h>

#define VADDR_STRLEN	64	/* "[addr]:port" and NUL */

struct vaddr {
	uint8_t		va_family;	/* 0 none, 4, 6 */
	uint8_t		va_pad;
	uint16_t	va_port;	/* host order */
	uint8_t		va_addr[16];	/* network order; the first 4 for IPv4 */
};

/* Numeric text ("192.0.2.1", "2001:db8::1", no brackets) and a port.
 * 0, or -1 if it is not a literal address. */
int		 vaddr_parse(const char *, uint16_t port, struct vaddr *);
/* 0, or -1 for a family other than IPv4 and IPv6. */
int		 vaddr_from_sa(const struct sockaddr *, struct vaddr *);
/* Length of the sockaddr filled in. */
socklen_t	 vaddr_to_sa(const struct vaddr *, struct sockaddr_storage *);
/* "192.0.2.1:5061", "[2001:db8::1]:5061"; returns buf. */
const char	*vaddr_str(const struct vaddr *, char *buf, size_t);
/* Without the port and without brackets. */
const char	*vaddr_host(const struct vaddr *, char *buf, size_t);
int		 vaddr_eq(const struct vaddr *, const struct vaddr *);
int		 vaddr_host_eq(const struct vaddr *, const struct vaddr *);
/* Why a stranger may not send us to this address: "loopback", "private",
 * "link-local", "multicast", "unspecified"; NULL for a public one. */
const char	*vaddr_special(const struct vaddr *);

#endif
