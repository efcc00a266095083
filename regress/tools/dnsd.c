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
 * A name server over UDP for tests.
 *
 *   dnsd -l ADDR:PORT FILE
 *
 * Each line of FILE: NAME TTL a|aaaa ADDRESS, NAME TTL srv PRIORITY WEIGHT PORT
 * TARGET, NAME TTL naptr ORDER PREFERENCE SERVICE TARGET, NAME TTL cname TARGET.
 * It is read anew for each question.  A line "mute" makes it answer nothing, a
 * line "fail" answer SERVFAIL.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "addr.h"
#include "cursor.h"

#define RR_A		1
#define RR_CNAME	5
#define RR_AAAA		28
#define RR_SRV		33
#define RR_NAPTR	35
#define MODE_MUTE	1
#define MODE_FAIL	2
#define WORDS		8

static void	 put_name(struct wbuf *, const char *);
static int	 rr_type(const char *);
static void	 put_rr(struct wbuf *, char *const[], int);
static int	 answers(const char *, const char *, uint16_t, struct wbuf *, unsigned *, int *);
static void	 serve(int, const char *);
static uint16_t	 number(const char *);
static void	 usage(void) __attribute__((__noreturn__));

static void
usage(void)
{
	(void)fprintf(stderr, "usage: dnsd -l address:port file\n");
	exit(1);
}

static void
put_name(struct wbuf *w, const char *name)
{
	const char	*dot;

	if (strcmp(name, ".") == 0)
		name = "";
	while (*name != '\0') {
		if ((dot = strchr(name, '.')) == NULL)
			dot = name + strlen(name);
		wbuf_lv(w, 1, name, (size_t)(dot - name));
		name = *dot == '.' ? dot + 1 : dot;
	}
	wbuf_u8(w, 0);
}

static int
rr_type(const char *s)
{
	return (strcmp(s, "a") == 0 ? RR_A : strcmp(s, "aaaa") == 0 ? RR_AAAA :
	    strcmp(s, "srv") == 0 ? RR_SRV : strcmp(s, "naptr") == 0 ? RR_NAPTR :
	    strcmp(s, "cname") == 0 ? RR_CNAME : 0);
}

static uint16_t
number(const char *s)
{
	const char	*why;
	long long	 v = strtonum(s, 0, UINT16_MAX, &why);

	if (why != NULL)
		errx(1, "%s: %s", s, why);
	return ((uint16_t)v);
}

/* word: name ttl type data... */
static void
put_rr(struct wbuf *w, char *const word[], int type)
{
	struct vaddr	va;
	const char	*why;
	size_t		mark;

	put_name(w, word[0]);
	wbuf_u16(w, (uint16_t)type);
	wbuf_u16(w, 1);
	wbuf_u32(w, (uint32_t)strtonum(word[1], 0, INT32_MAX, &why));
	mark = wbuf_open(w, 2);
	switch (type) {
	case RR_A:
	case RR_AAAA:
		if (vaddr_parse(word[3], 0, &va) == -1)
			errx(1, "%s: no address", word[3]);
		wbuf_bytes(w, va.va_addr, type == RR_A ? 4 : 16);
		break;
	case RR_SRV:
		wbuf_u16(w, number(word[3]));
		wbuf_u16(w, number(word[4]));
		wbuf_u16(w, number(word[5]));
		put_name(w, word[6]);
		break;
	case RR_NAPTR:
		wbuf_u16(w, number(word[3]));
		wbuf_u16(w, number(word[4]));
		wbuf_lv_str(w, 1, "s");
		wbuf_lv_str(w, 1, word[5]);
		wbuf_lv_str(w, 1, "");
		put_name(w, word[6]);
		break;
	case RR_CNAME:
		put_name(w, word[3]);
		break;
	}
	wbuf_close(w, 2, mark);
}

/* Is the name known?  Its records of that type go to w. */
static int
answers(const char *path, const char *name, uint16_t type, struct wbuf *w, unsigned *count,
    int *mode)
{
	static const int	 words[] = { 4, 4, 7, 7, 4 };
	static const int	 types[] = { RR_A, RR_AAAA, RR_SRV, RR_NAPTR, RR_CNAME };
	FILE			*fp;
	char			 line[1024], *p, *s, *word[WORDS];
	size_t			 i;
	int			 n, t, known = 0;

	if ((fp = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), fp) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		p = line;
		for (n = 0; n < WORDS && (s = strsep(&p, " \t")) != NULL;)
			if (*s != '\0')
				word[n++] = s;
		if (n > 0 && strcmp(word[0], "mute") == 0)
			*mode = MODE_MUTE;
		if (n > 0 && strcmp(word[0], "fail") == 0)
			*mode = MODE_FAIL;
		if (n < 4 || strcasecmp(word[0], name) != 0)
			continue;
		t = rr_type(word[2]);
		for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
			if (types[i] == t && words[i] != n)
				errx(1, "%s: %d words", word[0], n);
		known = 1;
		if (t == RR_CNAME) {
			put_rr(w, word, t);
			(*count)++;
			(void)answers(path, word[3], type, w, count, mode);
		} else if (t == type) {
			put_rr(w, word, t);
			(*count)++;
		}
	}
	(void)fclose(fp);
	return (known);
}

static void
serve(int fd, const char *path)
{
	struct sockaddr_storage	ss;
	socklen_t		sslen = sizeof(ss);
	uint8_t			buf[512], out[4096], rrs[4096];
	char			name[256] = "";
	struct cur		c, label;
	struct wbuf		w, r;
	ssize_t			n;
	uint16_t		id, type;
	uint8_t			len;
	size_t			qend;
	unsigned		count = 0;
	int			known, mode = 0;

	n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&ss, &sslen);
	if (n < 12)
		return;
	cur_init(&c, buf, (size_t)n);
	cur_u16(&c, &id);
	cur_skip(&c, 10);
	while (cur_u8(&c, &len) == 0 && len > 0) {
		cur_sub(&c, len, &label);
		(void)snprintf(name + strlen(name), sizeof(name) - strlen(name), "%s%.*s",
		    name[0] ? "." : "", (int)len, (const char *)label.c_base);
	}
	cur_u16(&c, &type);
	if (cur_skip(&c, 2) == -1)
		return;
	qend = cur_off(&c);
	wbuf_init(&r, rrs, sizeof(rrs));
	known = answers(path, name, type, &r, &count, &mode);
	if (mode == MODE_MUTE)
		return;
	wbuf_init(&w, out, sizeof(out));
	wbuf_u16(&w, id);
	wbuf_u16(&w, mode == MODE_FAIL ? 0x8182 : known ? 0x8180 : 0x8183);
	wbuf_u16(&w, 1);
	wbuf_u16(&w, mode == MODE_FAIL ? 0 : (uint16_t)count);
	wbuf_u32(&w, 0);
	wbuf_bytes(&w, buf + 12, qend - 12);
	if (mode != MODE_FAIL)
		wbuf_bytes(&w, rrs, r.w_len);
	if (wbuf_ok(&r) == 0 && wbuf_ok(&w) == 0)
		(void)sendto(fd, out, w.w_len, 0, (struct sockaddr *)&ss, sslen);
}

int
main(int argc, char *argv[])
{
	struct sockaddr_storage	ss;
	struct vaddr		va;
	const char		*why;
	char			*at = NULL, *colon;
	socklen_t		len;
	int			ch, fd;

	while ((ch = getopt(argc, argv, "l:")) != -1) {
		if (ch != 'l')
			usage();
		at = optarg;
	}
	if (at == NULL || argc - optind != 1 || (colon = strrchr(at, ':')) == NULL)
		usage();
	*colon = '\0';
	if (vaddr_parse(at, (uint16_t)strtonum(colon + 1, 1, UINT16_MAX, &why), &va) == -1)
		errx(1, "%s: no address", at);
	len = vaddr_to_sa(&va, &ss);
	if ((fd = socket(ss.ss_family, SOCK_DGRAM, 0)) == -1 ||
	    bind(fd, (struct sockaddr *)&ss, len) == -1)
		err(1, "%s", at);
	for (;;)
		serve(fd, argv[optind]);
}
