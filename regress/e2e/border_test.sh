# SPDX-License-Identifier: ISC
#
# The border, sentence by sentence, with whole processes: one box and hostile
# peers on loopback addresses, in a network namespace of their own.  What is
# tried stands in border_in.sh, border_guard.sh and border_out.sh.

in="tls strict requests uri ticket headers dialogs cancel time identity"
guard="limits connections scanners rates fail2ban"
out="table passed cancel skips rules"

one() {
	atf_test_case "$1_$2"
	eval "$1_$2_head() {
		atf_set require.user root
		atf_set require.progs unshare sh jq openssl awk $3
		atf_set timeout 240
	}
	$1_$2_body() {
		border $1 $2
	}"
}

border() {
	. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/e2e/whole.sh"
	whole "border_$1.sh" "$2"
}

for c in $in; do
	one in "$c" ""
done
# The lines of the real daemon against the filter in etc/.
for c in $guard; do
	p=
	[ "$c" != fail2ban ] || p=fail2ban-regex
	one guard "$c" $p
done
for c in $out; do
	one out "$c" ""
done

atf_init_test_cases() {
	for c in $in; do
		atf_add_test_case "in_$c"
	done
	for c in $guard; do
		atf_add_test_case "guard_$c"
	done
	for c in $out; do
		atf_add_test_case "out_$c"
	done
}
