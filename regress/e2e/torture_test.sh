# SPDX-License-Identifier: ISC
#
# The torture messages of RFC 4475 and RFC 5118, a flood of mutated ones, and
# what else only whole processes show of RFC 3261, in a network namespace.

one() {
	atf_test_case "$1"
	eval "$1_head() {
		atf_set require.user root
		atf_set require.progs unshare sh jq openssl awk sipp
		atf_set timeout 300
	}
	$1_body() {
		torture $1
	}"
}

torture() {
	. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/e2e/whole.sh"
	whole torture.sh "$1"
}

for c in messages flood flows; do
	one $c
done

atf_init_test_cases() {
	for c in messages flood flows; do
		atf_add_test_case $c
	done
}
