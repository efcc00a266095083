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

/* core: transport addresses; see addr.h. */

#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>

#include "addr.h"

static size_t		 vaddr_len(const struct vaddr *);
static char		*vaddr_decimal(char *, unsigned, char);
static const char	*special4(const uint8_t *);
static const char	*special6(const uint8_t *);

static size_t
vaddr_len(const struct vaddr *va)
{
	return (va->va_family == 4 ? 4 : va->va_family == 6 ? 16 : 0);
}

int
vaddr_parse(const char *text, uint16_t port, struct vaddr *va)
{
	memset(va, 0, sizeof(*va));
	if (inet_pton(AF_INET, text, va->va_addr) == 1)
		va->va_family = 4;
	else if (inet_pton(AF_INET6, text, va->va_addr) == 1)
		va->va_family = 6;
	else {
		memset(va, 0, sizeof(*va));
		return (-1);
	}
	va->va_port = port;
	return (0);
}

int
vaddr_from_sa(const struct sockaddr *sa, struct vaddr *va)
{
	struct sockaddr_in	sin;
	struct sockaddr_in6	sin6;

	memset(va, 0, sizeof(*va));
	switch (sa->sa_family) {
	case AF_INET:
		memcpy(&sin, sa, sizeof(sin));
		va->va_family = 4;
		va->va_port = ntohs(sin.sin_port);
		memcpy(va->va_addr, &sin.sin_addr, 4);
		return (0);
	case AF_INET6:
		memcpy(&sin6, sa, sizeof(sin6));
		va->va_family = 6;
		va->va_port = ntohs(sin6.sin6_port);
		memcpy(va->va_addr, &sin6.sin6_addr, 16);
		return (0);
	default:
		return (-1);
	}
}

socklen_t
vaddr_to_sa(const struct vaddr *va, struct sockaddr_storage *ss)
{
	struct sockaddr_in	sin;
	struct sockaddr_in6	sin6;

	memset(ss, 0, sizeof(*ss));
	if (va->va_family == 6) {
		memset(&sin6, 0, sizeof(sin6));
		sin6.sin6_family = AF_INET6;
		sin6.sin6_port = htons(va->va_port);
		memcpy(&sin6.sin6_addr, va->va_addr, 16);
		memcpy(ss, &sin6, sizeof(sin6));
		return (sizeof(sin6));
	}
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons(va->va_port);
	memcpy(&sin.sin_addr, va->va_addr, 4);
	memcpy(ss, &sin, sizeof(sin));
	return (sizeof(sin));
}

/* A number and what follows it; where the next text goes. */
static char *
vaddr_decimal(char *p, unsigned n, char end)
{
	char	 digits[10];
	size_t	 i = 0;

	do
		digits[i++] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	while (i > 0)
		*p++ = digits[--i];
	*p++ = end;
	return (p);
}

const char *
vaddr_host(const struct vaddr *va, char *buf, size_t size)
{
	char	*p = buf;
	size_t	 i;

	if (va->va_family == 4 && size >= INET_ADDRSTRLEN) {
		/* A message has many of these, and inet_ntop(3) takes its time. */
		for (i = 0; i < 4; i++)
			p = vaddr_decimal(p, va->va_addr[i], i < 3 ? '.' : '\0');
		return (buf);
	}
	if (vaddr_len(va) == 0 || inet_ntop(va->va_family == 4 ? AF_INET :
	    AF_INET6, va->va_addr, buf, (socklen_t)size) == NULL)
		snprintf(buf, size, "none");
	return (buf);
}

const char *
vaddr_str(const struct vaddr *va, char *buf, size_t size)
{
	char	host[VADDR_STRLEN];
	size_t	len;

	vaddr_host(va, host, sizeof(host));
	if (va->va_family == 4 && size >= VADDR_STRLEN) {
		len = strlen(host);
		memcpy(buf, host, len);
		buf[len] = ':';
		(void)vaddr_decimal(buf + len + 1, va->va_port, '\0');
		return (buf);
	}
	if (va->va_family == 6)
		snprintf(buf, size, "[%s]:%u", host, (unsigned)va->va_port);
	else
		snprintf(buf, size, "%s:%u", host, (unsigned)va->va_port);
	return (buf);
}

int
vaddr_host_eq(const struct vaddr *a, const struct vaddr *b)
{
	return (a->va_family == b->va_family &&
	    memcmp(a->va_addr, b->va_addr, vaddr_len(a)) == 0);
}

int
vaddr_eq(const struct vaddr *a, const struct vaddr *b)
{
	return (a->va_port == b->va_port && vaddr_host_eq(a, b));
}

static const char *
special4(const uint8_t *a)
{
	if (a[0] == 0)
		return ("unspecified");
	if (a[0] == 127)
		return ("loopback");
	if (a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) ||
	    (a[0] == 192 && a[1] == 168) ||
	    (a[0] == 100 && (a[1] & 0xc0) == 64))	/* RFC 1918, RFC 6598 */
		return ("private");
	if (a[0] == 169 && a[1] == 254)
		return ("link-local");
	if ((a[0] & 0xf0) == 224)
		return ("multicast");
	if ((a[0] & 0xf0) == 240)
		return ("reserved");
	return (NULL);
}

/* Addresses that carry an IPv4 address are as special as that one is. */
static const char *
special6(const uint8_t *a)
{
	static const uint8_t	zero[16], mapped[12] = { 0, 0, 0, 0, 0, 0, 0,
				    0, 0, 0, 0xff, 0xff },
				nat64[12] = { 0, 0x64, 0xff, 0x9b };

	if (memcmp(a, zero, 16) == 0)
		return ("unspecified");
	if (memcmp(a, zero, 15) == 0 && a[15] == 1)
		return ("loopback");
	if (memcmp(a, zero, 12) == 0 || memcmp(a, mapped, 12) == 0 ||
	    memcmp(a, nat64, 12) == 0)
		return (special4(a + 12));
	if (a[0] == 0x20 && a[1] == 0x02)		/* 6to4, RFC 3056 */
		return (special4(a + 2));
	if ((a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0xc0))
		return ("private");
	if (a[0] == 0xfe && (a[1] & 0xc0) == 0x80)
		return ("link-local");
	if (a[0] == 0xff)
		return ("multicast");
	return (NULL);
}

const char *
vaddr_special(const struct vaddr *va)
{
	switch (va->va_family) {
	case 4:
		return (special4(va->va_addr));
	case 6:
		return (special6(va->va_addr));
	default:
		return ("unspecified");
	}
}
