# The tree itself: each header compiles alone, BSD make and clang build it
# without a warning, the manual pages are clean, the mains of the house style.

headers_head() { atf_set descr "every header compiles alone"; atf_set require.progs cc; }
headers_body() {
	cd "$VIPR_SRC" || atf_fail "no tree"
	for h in common/*.h viprd/*.h overlayd/*.h pvpd/*.h sipgw/*.h; do
		[ -f "$h" ] || continue
		printf '#include "%s"\n' "$(basename "$h")" >"$OLDPWD/one.c"
		atf_check cc -std=c11 -D_GNU_SOURCE -DLIBBSD_OVERLAY -isystem /usr/include/bsd \
		    -Wall -Wextra -Werror -Icommon -Ioverlayd -Isipgw -Ipvpd -Iviprd \
		    -fsyntax-only "$OLDPWD/one.c"
	done
}

clang_bmake_head() {
	atf_set descr "BSD make with clang builds everything without a warning"
	atf_set require.progs clang bmake
	atf_set timeout 900
}
clang_bmake_body() {
	(cd "$VIPR_SRC" && tar cf - --exclude './build*' .) | tar xf - || atf_fail "copy"
	atf_check -o save:out -e save:err bmake -j2 CC=clang YACC="bison -y" OPT=-O0 all
	# byacc and bison differ in what they say of the grammar itself.
	if grep 'warning:' out err | grep -v 'parse\.[yc]'; then
		atf_fail "warnings"
	fi
}

mandoc_head() { atf_set descr "manual pages are clean"; atf_set require.progs mandoc; }
mandoc_body() {
	cd "$VIPR_SRC" || atf_fail "no tree"
	for m in */*.[1-9]; do
		[ -f "$m" ] || continue
		atf_check mandoc -Tlint -W warning "$m"
	done
}

core_head() { atf_set descr "core files know no clock, socket or event loop"; }
core_body() {
	cd "$VIPR_SRC" || atf_fail "no tree"
	for f in common/*.c viprd/*.c overlayd/*.c pvpd/*.c sipgw/*.c; do
		grep -qE '^/\* core:|^ \* core:' "$f" || continue
		if grep -nE '#include <(event|event2/)|[^_a-z](time|gettimeofday|clock_gettime|socket|syslog)\(' "$f"; then
			atf_fail "$f is marked core"
		fi
	done
}

atf_init_test_cases() {
	atf_add_test_case headers
	atf_add_test_case clang_bmake
	atf_add_test_case mandoc
	atf_add_test_case core
}
