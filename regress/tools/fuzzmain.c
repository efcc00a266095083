/* SPDX-License-Identifier: ISC */
/* Runs a fuzz target once over each file named (folders: each file inside). */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static size_t	nfiles;

static void	run_file(const char *);
static void	run_path(const char *);

static void
run_file(const char *path)
{
	FILE	*f;
	uint8_t	*buf, *exact;
	size_t	 n;

	if ((f = fopen(path, "rb")) == NULL)
		err(1, "%s", path);
	if ((buf = malloc(1 << 20)) == NULL)
		err(1, NULL);
	n = fread(buf, 1, 1 << 20, f);
	fclose(f);
	/* An exact-size copy, so that ASan sees the first byte past the end. */
	if ((exact = malloc(n + !n)) == NULL)
		err(1, NULL);
	memcpy(exact, buf, n);
	free(buf);
	(void)LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	nfiles++;
}

static void
run_path(const char *path)
{
	struct stat	 st;
	struct dirent	*de;
	DIR		*d;
	char		 sub[4096];

	if (stat(path, &st) == -1)
		err(1, "%s", path);
	if (!S_ISDIR(st.st_mode)) {
		run_file(path);
		return;
	}
	if ((d = opendir(path)) == NULL)
		err(1, "%s", path);
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, de->d_name);
		run_path(sub);
	}
	closedir(d);
}

int
main(int argc, char **argv)
{
	int	i;

	for (i = 1; i < argc; i++)
		run_path(argv[i]);
	printf("%zu inputs\n", nfiles);
	return (nfiles == 0);
}
