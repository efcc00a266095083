# SPDX-License-Identifier: ISC
#
# The border, sentence by sentence, with whole processes: one box and hostile
# peers on loopback addresses, in a network namespace of their own.  What is
# tried stands in border_in.sh and border_out.sh.

one() {
	atf_test_case "$1_$2"
	eval "$1_$2_head() {
		atf_set require.user root
		atf_set require.progs unshare sh jq openssl awk
		atf_set timeout 240
	}
	$1_$2_body() {
		border $1 $2
	}"
}

border() {
	VIPR_SRC=${VIPR_SRC:-$(atf_get_srcdir)/../../..}
	VIPR_BUILD=${VIPR_BUILD:-$(atf_get_srcdir)/../..}
	export VIPR_SRC VIPR_BUILD
	[ -x "$VIPR_BUILD/viprd" ] || atf_skip "viprd is not built"
	getent passwd _sipgw >/dev/null || atf_skip "the users of the daemons are missing"
	unshare -n true 2>/dev/null || atf_skip "no network namespaces here"
	unshare -n sh "$VIPR_SRC/regress/e2e/border_$1.sh" "$2" >out 2>&1 && return
	cat out
	atf_fail "$(grep -c '^FAIL' out) sentences do not hold: $(grep -m 1 '^FAIL' out || tail -n 1 out)"
}

for c in tls strict requests uri ticket headers dialogs cancel limits connections time; do
	one in $c
done
for c in table passed cancel; do
	one out $c
done

atf_init_test_cases() {
	for c in tls strict requests uri ticket headers dialogs cancel limits connections time; do
		atf_add_test_case in_$c
	done
	for c in table passed cancel; do
		atf_add_test_case out_$c
	done
}
